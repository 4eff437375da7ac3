"""What came of a request, and whom the back end was told about, in every way there is."""

from .backend import seen_header
from .refusal import assert_refusal

#: For a server that proxies: all the ways in which a back end learns of a user.
TELLING = """
Auth0PassClaims sub email
Auth0PassHeaders sub=X-Sub
RequestHeader set X-Claim "expr=%{reqenv:AUTH0_CLAIM_sub}"
"""
TOLD = ("X-Remote-User", "X-Auth-Type", "X-Sub", "X-Claim")


def assert_told(backend, user):
    """The back end was reached once, and heard of this user or, with None, of nobody."""
    assert len(backend.hits) == 1, backend.hits
    values = {name: "".join(seen_header(backend.hits[0], name)) for name in TOLD}
    assert values == {**dict.fromkeys(TOLD, user or ""),
                      "X-Auth-Type": "Bearer" if user else ""}


def assert_closed(answer, backend):
    """httpd's own 403, without a token being asked for."""
    assert answer.status == 403, repr(answer)
    assert answer.all("WWW-Authenticate") == []
    assert backend.hits == []


def assert_outcome(answer, backend, outcome, scope=(), user=None):
    """outcome: as in requirement_model.expected; user: whom OK tells the back end of."""
    if outcome in ("OK", "open"):
        assert answer.status == 200, repr(answer)
        assert answer.all("WWW-Authenticate") == []
        assert_told(backend, user if outcome == "OK" else None)
    elif outcome == "closed":
        assert_closed(answer, backend)
    else:
        assert_refusal(answer, outcome, scope=" ".join(scope) or None, backend=backend)
    backend.hits.clear()
