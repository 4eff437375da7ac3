"""THREATS.md H15: no log line holds a token, at any level. See support/canaries.py.

Every server of this suite logs our module at trace8 and is searched when it stops. Here
the search itself is tested, and the places where a token might slip through. (Who writes
a token into a kid, an iss or a sub does find that there, cut to 64 bytes.)
"""

import pytest

from support import canaries
from support.conf import location, trust
from support.httpd import Httpd
from support.tokens import tampered


def test_the_search_finds_a_token_that_a_server_logs(issuer):
    """mod_log_config to the error log's folder would not count: this is the error log."""
    server = Httpd(trust(issuer) + location("/x"), files={"htdocs/x": "x"},
                   log_level="info core:trace8 http:trace8")
    with pytest.raises(AssertionError, match="parts of tokens"):
        with server:
            assert server.get("/x", issuer.mint()).status == 200


@pytest.mark.parametrize("cut", [slice(None), slice(0, 30), slice(-30, None), slice(5, 60)])
def test_the_search_finds_pieces(issuer, cut):
    token = issuer.mint()
    payload = token.split(".")[1]
    found = canaries.found_in(f'[info] kid "{payload[cut]}" and more')
    assert bool(found) == (cut != slice(5, 60))
    assert canaries.found_in(f"[info] {token}") and not canaries.found_in("[info] " + "x" * 99)


def test_h15_a_token_in_every_wrong_place_is_in_no_log(httpd, issuer):
    server = httpd(trust(issuer) + location("/x", "Auth0TokenSource header cookie:t query"),
                   files={"htdocs/x": "x"},
                   log_level="debug auth0_jwt:trace8")
    token = issuer.mint()
    fields = [("Authorization", f"Bearer {token} {token}"), ("Authorization", f"Bearer {token}x"),
              ("Authorization", f'Bearer "{token}"'), ("Authorization", f"Bearer {token},"),
              ("Authorization", token), ("Authorization", f"Bearer {tampered(token)}"),
              ("Authorization", f"Bearer {token.replace('.', '')}"),
              ("Cookie", f"t={token}; t={token}"), ("Cookie", f"t={token};x={token}")]
    for field in fields:
        assert server.get("/x", headers=[field]).status in (200, 400, 401)
    assert server.get(f"/x?access_token={token}&access_token={token}").status == 400
    assert server.get(f"/x?access_token={token}").status == 200
