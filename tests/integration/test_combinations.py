"""F5: requirements in every combination, against a model of what httpd makes of them."""

from collections import Counter

import pytest

from support import requirement_model as model
from support.backend import seen_header
from support.conf import PROXY, assert_accepted, location, proxied, trust
from support.paths import VALGRIND
from support.refusal import assert_refusal
from support.requirement_model import Group, Line
from support.tokens import tampered

TREES = 30 if VALGRIND else 300

#: What the back end learns of a token, in every way there is.
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
    if outcome in ("OK", "open"):
        assert answer.status == 200, repr(answer)
        assert answer.all("WWW-Authenticate") == []
        assert_told(backend, user if outcome == "OK" else None)
    elif outcome == "closed":
        assert_closed(answer, backend)
    else:
        assert_refusal(answer, outcome, scope=" ".join(scope) or None, backend=backend)
    backend.hits.clear()


# ---- random trees, in one configuration --------------------------------------------


class Place:
    """A Location with its requirements, what they come to, and its configuration."""

    def __init__(self, path, top, text):
        self.path, self.top, self.text = path, top, text


def merged_places(rng, number):
    """Locations in Locations with each AuthMerging."""
    for i in range(number):
        outer, inner = model.random_top(rng, 2), model.random_top(rng, 2)
        path, mode = f"/merge{i}", rng.choice(("And", "And", "Or", "Or", "Off", None))
        merging = [] if mode is None else [f"AuthMerging {mode}"]
        text = (location(path, *model.top_lines(outer), require=None)
                + location(path + "/in", *model.top_lines(inner), *merging, require=None))
        kind = {"And": "All", "Or": "Any"}.get(mode)
        yield Place(path + "/in", Group(kind, outer, inner) if kind else inner, text)
        yield Place(path, outer, "")


def random_places(rng):
    for i in range(TREES):
        top = model.random_top(rng)
        path = f"/tree{i}"
        yield Place(path, top, location(path, *model.top_lines(top), require=None))
    yield from merged_places(rng, TREES // 4)


def test_f5_every_tree_of_requirements_decides_as_the_model_says(httpd, issuer, backend,
                                                                 rng):
    places = list(random_places(rng))
    server = httpd(trust(issuer) + proxied(backend) + TELLING + model.ALIAS
                   + "".join(place.text for place in places), modules=PROXY,
                   log_level="info")
    kinds = [model.random_claims(rng) for _ in range(24)]
    minted = [(claims, issuer.mint(**claims)) for claims in kinds]
    bad = [issuer.mint(exp_in=-3600), tampered(minted[0][1])]
    seen, several_words = Counter(), 0
    for place in places:
        asked = [(None, None), ({}, rng.choice(bad)), *rng.sample(minted, 4)]
        for claims, token in asked:
            outcome, scope = model.expected(place.top, claims, bad=token in bad)
            answer = server.get(place.path, token)
            try:
                assert_outcome(answer, backend, outcome, scope, (claims or {}).get("sub"))
            except AssertionError as problem:
                tree = "\n".join(place.top.lines())
                raise AssertionError(f"{place.path} with {claims}: the model says "
                                     f"{outcome} {scope}\n{tree}\n{problem}") from None
            seen[outcome] += 1
            several_words += len(scope) > 1
    # No seed may make this test idle.
    assert all(seen[outcome] >= TREES // 10 for outcome in
               ("open", "closed", "OK", "E1", "E3", "E4")), seen
    assert several_words >= TREES // 10
