"""F10: modules that still hook authentication as httpd 2.2 had it.

Because of one of them httpd merges the configuration anew for a sub-request or internal
redirect with another URI that a <Location> or <Files> matches (ap_location_walk), and
authenticates it again: mod_auth0_jwt is then asked several times in the course of one
request, in places where it usually finds the work done.
"""

import pytest

from support.backend import seen_header
from support.conf import PROXY, assert_accepted, location, proxied, trust
from support.neighbours import legacy_module
from support.refusal import assert_refusal
from support.tokens import tampered

VARIANTS = {"alone": None, "check_user_id": ("CHECK_USER_ID",), "checkers": ("CHECKERS",),
            "both": ("CHECK_USER_ID", "CHECKERS")}
ADMIN = "read:a"
#: Server-wide, as the README has it: it must not make the others' places ours.
AUDIENCE_OF_ALL = "Auth0Audience https://api.example.com\n"

SCRIPT = """\
#!/bin/sh
echo "Content-Type: text/plain"
echo
echo "reached as $REMOTE_USER by $AUTH_TYPE"
"""
REACHED = "reached as client-1@clients by Bearer"

#: Ways to one protected thing that take sub-requests or internal redirects.
WAYS = {"directory index": "/app/", "the file itself": "/app/index.cgi",
        "fallback": "/app/no/such/thing", "rewritten in the folder": "/app/rewritten",
        "rewritten for the server": "/short", "included by a protected page": "/app/page.shtml",
        "redirected into the place": "/public/rewritten", "indexed into the place": "/index/"}


@pytest.fixture(scope="module", params=VARIANTS)
def server(request, shared_httpd, issuer, shared_backend):
    hooks = VARIANTS[request.param]
    before = legacy_module(*hooks) if hooks else ""
    config = trust(issuer) + AUDIENCE_OF_ALL + "Auth0TokenCache 0\n" + """
        RewriteEngine On
        RewriteRule ^/short$ /app/index.cgi [PT]
        <Directory "${DOCS}/app">
            Options +ExecCGI +Includes
            AddHandler cgi-script .cgi
            AddType text/html .shtml
            AddOutputFilter INCLUDES .shtml
            DirectoryIndex index.cgi
            FallbackResource /app/index.cgi
            RewriteEngine On
            RewriteRule ^rewritten$ index.cgi
        </Directory>
        <Directory "${DOCS}/public">
            Options +Includes
            AddType text/html .shtml
            AddOutputFilter INCLUDES .shtml
            RewriteEngine On
            RewriteRule ^rewritten$ /app/index.cgi
            RewriteRule ^admin$ /app/admin/index.cgi
        </Directory>
        <Directory "${DOCS}/index">
            DirectoryIndex /app/index.cgi
        </Directory>
        """ + "".join((
            location("/app"), location("/app/admin", require=f"auth0-permission {ADMIN}"),
            location("/app/hidden", "Auth0PassToken Off", "CGIPassAuth On"),
            location("/valid"), location("/admin", require=f"auth0-permission {ADMIN}")))
    if hooks:
        config += location("/legacy-too", "Legacy On") + """
            <Location "/legacy">
                AuthType Legacy
                Require valid-user
            </Location>
            """
    config += proxied(shared_backend, "/app", "/public", "/index")
    made = shared_httpd(config, before=before,
                        modules=(*PROXY, "cgid", "include", "rewrite"), files={
                            "htdocs/app/index.cgi": (SCRIPT, 0o755),
                            "htdocs/app/admin/index.cgi": (SCRIPT, 0o755),
                            "htdocs/app/hidden/env.cgi":
                                (SCRIPT + 'echo "field: $HTTP_AUTHORIZATION"\n', 0o755),
                            "htdocs/app/hidden/page.shtml":
                                '<!--#include virtual="env.cgi" -->',
                            "htdocs/app/page.shtml": '<!--#include virtual="index.cgi" -->',
                            "htdocs/public/page.shtml":
                                'public, <!--#include virtual="/app/index.cgi" -->'
                                '<!--#echo var="REMOTE_USER" -->',
                            "htdocs/public/other": "x", "htdocs/index/x": "x"})
    made.hooks = hooks or ()
    return made


def needs(server, hook):
    if hook not in server.hooks:
        pytest.skip("this variant has no such hook")


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_f10_each_outcome_is_the_same_beside_a_legacy_module(server, issuer, backend,
                                                             method):
    token = issuer.mint()

    def ask(path, *arguments, **more):
        return server.request(method, path, *arguments, **more)

    assert_refusal(ask("/valid"), "E1", method=method, backend=backend)
    assert_refusal(ask("/valid", headers={"Authorization": "Bearer"}), "E2", method=method,
                   backend=backend)
    assert_refusal(ask("/valid", tampered(token)), "E3", method=method,
                   reason="signature_invalid", backend=backend)
    assert_refusal(ask("/admin", token), "E4", scope=ADMIN, method=method, backend=backend)
    assert_accepted(ask("/valid", token), backend)
    backend.hits.clear()
    assert_accepted(ask("/admin", issuer.mint(permissions=[ADMIN])), backend)


@pytest.mark.parametrize("way", WAYS)
def test_f10_so_it_is_through_sub_requests_and_internal_redirects(server, issuer, way):
    path = WAYS[way]
    assert_refusal(server.get(path), "E1")
    assert_refusal(server.get(path, headers={"Authorization": "Bearer"}), "E2")
    assert_refusal(server.get(path, tampered(issuer.mint())), "E3")
    answer = server.get(path, issuer.mint())
    assert (answer.status, answer.text.strip()) == (200, REACHED), repr(answer)
    assert answer.all("WWW-Authenticate") == []


def test_f10_a_redirect_into_a_place_that_needs_more_is_e4(server, issuer):
    assert_refusal(server.get("/public/admin", issuer.mint()), "E4", scope=ADMIN)
    answer = server.get("/public/admin", issuer.mint(permissions=[ADMIN]))
    assert (answer.status, answer.text.strip()) == (200, REACHED), repr(answer)


def test_f10_a_public_page_includes_nothing_protected_for_a_stranger(server, issuer):
    for token in (None, tampered(issuer.mint())):
        answer = server.get("/public/page.shtml", token)
        assert answer.status == 200 and answer.text.startswith("public, "), repr(answer)
        assert "reached" not in answer.text
        assert "client-1" not in answer.text
        assert answer.all("WWW-Authenticate") == []
    assert REACHED in server.get("/public/page.shtml", issuer.mint()).text


def test_f10_httpd_authenticates_sub_requests_again_only_beside_such_a_module(server,
                                                                              issuer):
    """What the other tests here rest on."""
    needs(server, "CHECKERS")
    mark = server.mark()
    assert server.get("/app/page.shtml", issuer.mint()).status == 200
    assert server.log(mark).count("legacy auth_checker") > 1


def test_f10_a_token_hidden_from_what_it_opens_still_counts_further_inside(server, issuer):
    answer = server.get("/app/hidden/page.shtml", issuer.mint())
    assert answer.text.split("\n")[:2] == [REACHED, "field: "], repr(answer)
    assert_refusal(server.get("/app/hidden/page.shtml", tampered(issuer.mint())), "E3")


@pytest.mark.parametrize("way", WAYS)
def test_f10_one_request_takes_one_verification(server, issuer, way):
    mark = server.mark()
    assert server.get(WAYS[way], issuer.mint()).status == 200
    assert server.log(mark).count("token accepted") == 1, server.log(mark)


def test_f10_the_legacy_modules_own_place_works_and_takes_no_token(server, issuer, backend):
    needs(server, "CHECK_USER_ID")
    assert server.get("/legacy").status == 401
    assert server.get("/legacy", issuer.mint()).status == 401
    assert server.get("/legacy", issuer.mint()).all("WWW-Authenticate") == []
    assert backend.hits == []
    answer = server.get("/legacy", headers={"X-Legacy-User": "ann"})
    assert answer.status == 200
    assert seen_header(backend.hits[0], "X-Remote-User") == ["ann"]
    assert seen_header(backend.hits[0], "X-Auth-Type") == ["Legacy"]


def test_f10_its_credentials_do_not_open_our_place(server, issuer, backend):
    needs(server, "CHECK_USER_ID")
    headers = {"X-Legacy-User": "ann"}
    assert_refusal(server.get("/valid", headers=headers), "E1", backend=backend)
    assert_accepted(server.get("/valid", issuer.mint(), headers=headers), backend)


def test_f10_what_it_refuses_a_valid_token_is_e4(server, issuer, backend):
    needs(server, "CHECKERS")
    assert_refusal(server.get("/legacy-too", issuer.mint(sub="suspended")), "E4",
                   reason="requirement_not_met", backend=backend)
    assert_accepted(server.get("/valid", issuer.mint(sub="suspended")), backend,
                    user="suspended")
    backend.hits.clear()
    assert_refusal(server.get("/legacy-too", tampered(issuer.mint(sub="suspended"))), "E3",
                   backend=backend)
    assert_accepted(server.get("/legacy-too", issuer.mint()), backend)


def test_f10_a_checker_of_addresses_comes_before_us_and_its_word_stands(server, issuer,
                                                                        backend):
    needs(server, "CHECKERS")
    headers = {"X-Legacy-Banned": "yes"}
    for token in (None, issuer.mint()):
        answer = server.get("/legacy-too", token, headers=headers)
        assert answer.status == 403 and answer.all("WWW-Authenticate") == []
    assert backend.hits == []
    assert_accepted(server.get("/valid", issuer.mint(), headers=headers), backend)


def test_f10_it_is_asked_once_although_we_ask_it_for_httpd(server, issuer):
    needs(server, "CHECKERS")
    mark = server.mark()
    assert server.get("/valid", issuer.mint()).status == 200
    asked = [line for line in server.log(mark).splitlines() if "auth_checker for" in line]
    assert len(asked) == 1 and "client-1@clients" in asked[0], asked
