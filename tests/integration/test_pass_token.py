"""Auth0PassToken: what stands behind gets the token, or it does not."""

import pytest

from support.backend import seen_header
from support.conf import PROXY, assert_accepted, location, proxied, trust
from support.refusal import assert_refusal
from support.tokens import tampered

SCRIPT = """\
#!/bin/sh
echo "Content-Type: text/plain"
echo
echo "user=$REMOTE_USER authorization=$HTTP_AUTHORIZATION"
"""


@pytest.fixture(scope="module")
def server(shared_httpd, issuer, shared_backend):
    return shared_httpd(
        trust(issuer) + proxied(shared_backend, "/cgi", "/app", "/outer", "/inner")
        + location("/on") + location("/off", "Auth0PassToken Off")
        + location("/off/on", "Auth0PassToken On")
        + """
        ScriptAlias /cgi/ ${ROOT}/cgi/
        <Location "/public">
            Auth0PassToken Off
        </Location>
        <Directory "${ROOT}/cgi">
            CGIPassAuth On
        </Directory>
        """
        + location("/cgi", "Auth0PassToken Off")
        + location("/app", "Auth0PassToken Off")
        + location("/inner", "Auth0PassToken Off", require="auth0-permission read:a")
        + """
        <Directory "${DOCS}">
            Options +Includes
            AddType text/html .shtml
            AddOutputFilter INCLUDES .shtml
        </Directory>
        <Directory "${DOCS}/app/fallback">
            FallbackResource /inner/page.html
        </Directory>
        """,
        modules=(*PROXY, "cgid", "include"),
        files={"cgi/env": (SCRIPT, 0o755), "htdocs/inner/page.html": "inner",
               "htdocs/app/fallback/x": "x",
               "htdocs/app/page.shtml": 'outer <!--#include virtual="/inner/page.html" -->'})


def test_the_back_end_sees_the_token_unless_told_otherwise(server, issuer, backend):
    token = issuer.mint()
    for path in ("/on", "/off/on"):
        assert_accepted(server.get(path, token), backend)
        assert seen_header(backend.hits[0], "Authorization") == [f"Bearer {token}"]
        backend.hits.clear()


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER  "])
def test_off_takes_it_out_and_leaves_all_else(server, issuer, backend, scheme):
    answer = server.get("/off", headers={"Authorization": f"{scheme} {issuer.mint()}",
                                         "X-Other": "stays"})
    assert_accepted(answer, backend)
    assert seen_header(backend.hits[0], "Authorization") == []
    assert seen_header(backend.hits[0], "X-Other") == ["stays"]


def test_a_refusal_stays_a_refusal(server, issuer, backend):
    assert_refusal(server.get("/off"), "E1", backend=backend)
    assert_refusal(server.get("/off", tampered(issuer.mint())), "E3", backend=backend)


def test_what_is_not_ours_goes_on_as_it_came(server, issuer, backend):
    """Where AuthType Auth0 is not in force, the field is between client and back end."""
    for field in ("Basic dTpw", f"Bearer {issuer.mint()}"):
        assert server.get("/public", headers={"Authorization": field}).status == 200
        assert seen_header(backend.hits[0], "Authorization") == [field]
        backend.hits.clear()


def test_a_cgi_that_asks_for_credentials_gets_none(server, issuer):
    answer = server.get("/cgi/env", issuer.mint(sub="ann"))
    assert answer.text == "user=ann authorization=\n"


def test_an_include_with_requirements_of_its_own_is_judged_by_the_token(server, issuer):
    answer = server.get("/app/page.shtml", issuer.mint(permissions=["read:a"]))
    assert (answer.status, answer.text) == (200, "outer inner")
    answer = server.get("/app/page.shtml", issuer.mint())
    assert answer.status == 200 and "inner" not in answer.text


def test_a_fallback_with_requirements_of_its_own_is_judged_by_the_token(server, issuer):
    answer = server.get("/app/fallback/nothing", issuer.mint(permissions=["read:a"]))
    assert (answer.status, answer.text) == (200, "inner")
    assert_refusal(server.get("/app/fallback/nothing", issuer.mint()), "E4", scope="read:a")


def test_an_htaccess_file_may_not_say_it(httpd, issuer):
    server = httpd(trust(issuer) + '<Directory "${DOCS}">\nAllowOverride AuthConfig\n'
                   "</Directory>\n", files={"htdocs/.htaccess": "Auth0PassToken Off\n",
                                            "htdocs/page": "x"})
    assert server.get("/page", issuer.mint()).status == 500
