"""What stands behind: CGI, proxied services, internal redirects, static files."""

import pytest

from support.backend import seen_header
from support.conf import PROXY, assert_accepted, location, proxied, trust
from support.refusal import assert_refusal
from support.tokens import tampered

SCRIPT = """\
#!/bin/sh
echo "Content-Type: text/plain"
echo
echo "reached"
env | grep -E '^(REDIRECT_)?(REMOTE_USER|AUTH_TYPE|HTTP_AUTHORIZATION|REQUEST_METHOD|AUTH0)' | sort
"""

AUDIENCE = "https://api.example.com"


@pytest.fixture(scope="module", params=["cgid", "cgi"])
def cgi_server(request, shared_httpd, issuer):
    return shared_httpd(
        trust(issuer) + """
        ScriptAlias /cgi/ ${ROOT}/cgi/
        ScriptAlias /public-cgi/ ${ROOT}/cgi/
        """ + location("/cgi") + location("/cgi/admin", require="auth0-permission read:a")
        + f"""
        <Directory "${{DOCS}}/app">
            AuthType Auth0
            Require valid-user
            Auth0Audience {AUDIENCE}
            Options ExecCGI
            AddHandler cgi-script .cgi
            DirectoryIndex index.cgi
            FallbackResource /app/index.cgi
        </Directory>
        """, modules=(request.param,),
        files={"cgi/env": (SCRIPT, 0o755), "cgi/admin/env": (SCRIPT, 0o755),
               "htdocs/app/index.cgi": (SCRIPT, 0o755)})


def variables(answer):
    lines = answer.text.splitlines()
    assert lines[0] == "reached", repr(answer)
    return dict(line.split("=", 1) for line in lines[1:])


def test_a_cgi_sees_the_user_and_the_scheme(cgi_server, issuer):
    answer = cgi_server.get("/cgi/env", issuer.mint(sub="auth0|42"))
    assert answer.status == 200, repr(answer)
    seen = variables(answer)
    assert seen["REMOTE_USER"] == "auth0|42"
    assert seen["AUTH_TYPE"] == "Bearer"


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_cgi_is_not_run_for_a_refused_request(cgi_server, issuer, method):
    token = issuer.mint()
    for outcome, answer in (
            ("E1", cgi_server.request(method, "/cgi/env")),
            ("E3", cgi_server.request(method, "/cgi/env", tampered(token))),
            ("E4", cgi_server.request(method, "/cgi/admin/env", token))):
        assert_refusal(answer, outcome, scope="read:a" if outcome == "E4" else None)
    assert variables(cgi_server.request(method, "/cgi/admin/env",
                                        issuer.mint(permissions=["read:a"])))


def test_a_public_cgi_sees_no_user_even_with_a_token(cgi_server, issuer):
    seen = variables(cgi_server.get("/public-cgi/env", issuer.mint()))
    assert "REMOTE_USER" not in seen and "AUTH_TYPE" not in seen


@pytest.mark.parametrize("path", ["/app/index.cgi", "/app/", "/app/no/such/thing"])
def test_f8_a_directory_index_and_a_fallback_are_protected_and_see_the_user(
        cgi_server, issuer, path):
    assert_refusal(cgi_server.get(path), "E1")
    assert_refusal(cgi_server.get(path, tampered(issuer.mint())), "E3")
    seen = variables(cgi_server.get(path, issuer.mint(sub="ann")))
    assert seen["REMOTE_USER"] == "ann"
    assert seen["AUTH_TYPE"] == "Bearer"


@pytest.fixture(scope="module")
def server(shared_httpd, issuer, shared_backend):
    return shared_httpd(
        trust(issuer) + "RewriteEngine On\n"
        "RewriteRule ^/short$ /files/page.html [PT]\n"
        "RewriteRule ^/to-proxy$ /valid/rewritten [PT]\n"
        + proxied(shared_backend, "/files", "/aliased", "/index", "/dir")
        + location("/valid") + location("/files") + location("/aliased")
        + location("/index/inner")
        + """
        Alias /aliased ${ROOT}/elsewhere
        <Directory "${DOCS}/index">
            DirectoryIndex inner/page.html
        </Directory>
        <Directory "${DOCS}/dir">
            RewriteEngine On
            RewriteRule ^open$ /files/page.html
        </Directory>
        """, modules=(*PROXY, "rewrite"),
        files={"htdocs/files/page.html": "a static page of some length",
               "elsewhere/page.html": "aliased",
               "htdocs/index/inner/page.html": "inner", "htdocs/dir/x": "x"})


def test_a_proxied_service_sees_the_user_and_the_scheme(server, issuer, backend):
    assert_accepted(server.get("/valid", issuer.mint(sub="auth0|42")), backend,
                    user="auth0|42")
    # Auth0PassToken is On unless told otherwise: the token goes on to the back end.
    assert seen_header(backend.hits[0], "Authorization")[0].startswith("Bearer ey")


def test_a_client_cannot_name_the_user_itself(server, issuer, backend):
    headers = {"X-Remote-User": "admin", "X-Auth-Type": "Bearer"}
    assert_accepted(server.get("/valid", issuer.mint(), headers=headers), backend)
    backend.hits.clear()
    assert server.get("/public", headers=headers).status == 200
    assert seen_header(backend.hits[0], "X-Remote-User") in ([], [""])


def test_the_body_of_a_post_arrives_whole(server, issuer, backend):
    body = b"x" * 100000
    answer = server.request("POST", "/valid", issuer.mint(), body=body)
    assert answer.status == 200
    assert backend.hits[0]["body"] == body.decode()


@pytest.mark.parametrize("path", ["/short", "/to-proxy", "/aliased/page.html",
                                  "/dir/open", "/index/"])
def test_f8_a_rewritten_aliased_or_indexed_place_is_protected(server, issuer, backend,
                                                              path):
    assert_refusal(server.get(path), "E1", backend=backend)
    assert_refusal(server.get(path, tampered(issuer.mint())), "E3", backend=backend)
    assert server.get(path, issuer.mint()).status == 200
    server.wait_for_access(f"client-1@clients 200 GET {path} HTTP/1.1")


def test_f8_the_target_of_a_rewrite_sees_the_user(server, issuer, backend):
    assert_accepted(server.get("/to-proxy", issuer.mint()), backend)
    assert backend.hits[0]["path"] == "/valid/rewritten"


@pytest.mark.parametrize("path", ["/valid/../valid", "//valid", "/valid/", "/%76alid",
                                  "/valid/x", "/x/../valid", "/./valid", "/valid//x"])
def test_f16_other_spellings_of_a_protected_path_are_protected(server, issuer, backend,
                                                               path):
    assert_refusal(server.get(path), "E1", backend=backend)
    assert server.get(path, issuer.mint()).status == 200


def test_a_static_file_serves_ranges_and_conditions_only_with_a_token(server, issuer):
    token = issuer.mint()
    whole = server.get("/files/page.html", token)
    assert whole.text == "a static page of some length"
    part = server.get("/files/page.html", token, headers={"Range": "bytes=2-7"})
    assert (part.status, part.text) == (206, "static")
    same = server.get("/files/page.html", token,
                      headers={"If-None-Match": whole.header("ETag")})
    assert same.status == 304
    for header in ({"Range": "bytes=2-7"}, {"If-None-Match": whole.header("ETag")}):
        assert_refusal(server.get("/files/page.html", headers=header), "E1")


def test_the_user_stands_in_the_access_log(server, issuer):
    assert server.get("/files/page.html", issuer.mint(sub="logged-user")).status == 200
    server.wait_for_access("logged-user 200 GET /files/page.html HTTP/1.1")


def test_f14_options_and_trace_get_no_data_without_a_token(server, issuer, backend):
    assert_refusal(server.request("OPTIONS", "/valid"), "E1", backend=backend)
    assert_refusal(server.request("OPTIONS", "/files/page.html"), "E1")
    # httpd answers TRACE itself, before anything else, with the request and no more.
    assert b"static page" not in server.request("TRACE", "/files/page.html").body
    assert backend.hits == []


def test_f8_a_fallback_from_a_public_folder_is_refused_as_its_target_is(httpd, issuer):
    """mod_dir only looks the target up, and gives the client its status alone."""
    server = httpd(trust(issuer) + location("/inner", require="auth0-permission read:a")
                   + """
                   <Directory "${DOCS}/open">
                       FallbackResource /inner/page.html
                   </Directory>
                   <Directory "${DOCS}/listed">
                       Options +Indexes
                       IndexOptions FancyIndexing
                   </Directory>
                   <Files "secret.html">
                       AuthType Auth0
                       Auth0Audience https://api.example.com
                       Require valid-user
                   </Files>
                   """, modules=("autoindex",),
                   files={"htdocs/inner/page.html": "inner", "htdocs/open/there": "there",
                          "htdocs/listed/secret.html": "x", "htdocs/listed/open.html": "y"})
    assert server.get("/open/there").text == "there"
    assert_refusal(server.get("/open/none"), "E1")
    assert_refusal(server.get("/open/none", tampered(issuer.mint())), "E3")
    assert_refusal(server.get("/open/none", issuer.mint()), "E4", scope="read:a")
    assert server.get("/open/none", issuer.mint(permissions=["read:a"])).text == "inner"
    # A look-up that is refused is no refusal of the page that made it.
    listing = server.get("/listed/")
    assert listing.status == 200 and "open.html" in listing.text
    assert listing.all("WWW-Authenticate") == [] and listing.all("Cache-Control") == []


@pytest.fixture(scope="module")
def rules(shared_httpd, issuer, shared_backend):
    """mod_rewrite in both of its contexts, and mod_dir with more than one way to go."""
    return shared_httpd(
        trust(issuer) + f"""
        RewriteEngine On
        RewriteRule ^/kept/proxied$ {shared_backend.url}/from-server [P]
        RewriteRule ^/kept/moved-early$ /elsewhere [R=302,L]
        RewriteCond %{{LA-U:REMOTE_USER}} ^ann$
        RewriteRule ^/kept/whose$ /kept/of-ann.txt [PT]
        RewriteRule ^/outside$ /kept/page.txt [PT]
        RewriteRule ^/public-proxied$ {shared_backend.url}/public [P]
        """ + location("/kept") + location("/kept/admin", require="auth0-permission read:a")
        + f"""
        RequestHeader set X-Remote-User "expr=%{{REMOTE_USER}}"
        RequestHeader set X-Auth-Type "expr=%{{AUTH_TYPE}}"
        <Directory "${{DOCS}}/kept/folder">
            RewriteEngine On
            RewriteRule ^proxied$ {shared_backend.url}/from-folder [P]
            RewriteRule ^moved$ /elsewhere [R=302,L]
            RewriteRule ^inside$ page.txt
            RewriteRule ^inside-admin$ /kept/admin/page.txt
            RewriteCond %{{REMOTE_USER}} ^ann$
            RewriteRule ^whose$ /kept/of-ann.txt
            RewriteRule ^gone$ - [G]
            RewriteRule ^forbidden$ - [F]
        </Directory>
        <Directory "${{DOCS}}/indexed">
            DirectoryIndex /kept/page.txt
        </Directory>
        <Directory "${{DOCS}}/indexed-admin">
            DirectoryIndex /kept/admin/page.txt
        </Directory>
        <Directory "${{DOCS}}/indexed-twice">
            DirectoryIndex /kept/page.txt nothing.html
        </Directory>
        """, modules=(*PROXY, "rewrite"),
        files={"htdocs/kept/page.txt": "kept page", "htdocs/kept/of-ann.txt": "of ann",
               "htdocs/kept/whose": "of anybody", "htdocs/kept/admin/page.txt": "admin page",
               "htdocs/kept/folder/page.txt": "page in the folder",
               "htdocs/kept/folder/whose": "of anybody", "htdocs/indexed/x": "x",
               "htdocs/indexed-twice/x": "x", "htdocs/indexed-admin/x": "x"})


@pytest.mark.parametrize("path, target", [("/kept/proxied", "/from-server"),
                                          ("/kept/folder/proxied", "/from-folder")])
def test_f8_a_rule_passes_only_good_tokens_on_to_a_back_end(rules, issuer, backend, path,
                                                            target):
    assert_refusal(rules.get(path), "E1", backend=backend)
    assert_refusal(rules.get(path, headers={"Authorization": "Bearer"}), "E2",
                   backend=backend)
    assert_refusal(rules.get(path, tampered(issuer.mint())), "E3", backend=backend)
    assert_accepted(rules.get(path, issuer.mint()), backend)
    assert backend.hits[0]["path"] == target


def test_f8_a_rule_of_a_public_path_asks_for_nothing(rules, issuer, backend):
    assert rules.get("/public-proxied", tampered(issuer.mint())).status == 200
    assert seen_header(backend.hits[0], "X-Remote-User") in ([], [""])


@pytest.mark.parametrize("path, text", [("/outside", "kept page"),
                                        ("/kept/folder/inside", "page in the folder")])
def test_f8_a_rule_leads_to_a_protected_file_with_a_good_token_alone(rules, issuer, path,
                                                                     text):
    assert_refusal(rules.get(path), "E1")
    assert_refusal(rules.get(path, tampered(issuer.mint())), "E3")
    assert rules.get(path, issuer.mint()).text == text


def test_f8_a_rule_of_a_folder_does_not_lead_round_a_permission(rules, issuer):
    path = "/kept/folder/inside-admin"
    assert_refusal(rules.get(path), "E1")
    assert_refusal(rules.get(path, issuer.mint()), "E4", scope="read:a")
    assert rules.get(path, issuer.mint(permissions=["read:a"])).text == "admin page"


@pytest.mark.parametrize("path, status", [("/kept/folder/moved", 302),
                                          ("/kept/folder/gone", 410),
                                          ("/kept/folder/forbidden", 403)])
def test_f8_a_folders_rules_tell_a_stranger_nothing(rules, issuer, path, status):
    answer = rules.get(path)
    assert_refusal(answer, "E1")
    assert answer.all("Location") == []
    answer = rules.get(path, issuer.mint())
    # These answers are httpd's own: none of them speaks of a token.
    assert answer.status == status and answer.all("WWW-Authenticate") == []
    assert b"insufficient_scope" not in answer.body


def test_a_redirect_of_the_servers_own_rules_comes_before_any_authentication(rules):
    """Where a request is sent on is decided before it is known what it asks for."""
    answer = rules.get("/kept/moved-early")
    assert (answer.status, answer.header("Location")) == (
        302, f"http://localhost:{rules.port}/elsewhere")
    assert answer.all("WWW-Authenticate") == []


@pytest.mark.parametrize("path", ["/kept/whose", "/kept/folder/whose"])
def test_f8_a_rule_may_ask_who_the_user_is(rules, issuer, path):
    """In the server's context by a look ahead, which is a sub-request of its own."""
    assert rules.get(path, issuer.mint(sub="ann")).text == "of ann"
    assert rules.get(path, issuer.mint(sub="bob")).text == "of anybody"
    assert_refusal(rules.get(path), "E1")
    assert_refusal(rules.get(path, tampered(issuer.mint(sub="ann"))), "E3")


def test_f8_an_index_in_a_protected_place_is_protected(rules, issuer):
    assert_refusal(rules.get("/indexed/"), "E1")
    assert_refusal(rules.get("/indexed/", tampered(issuer.mint())), "E3")
    assert rules.get("/indexed/", issuer.mint()).text == "kept page"
    assert rules.get("/indexed-twice/", issuer.mint()).text == "kept page"
    assert rules.get("/indexed-admin/",
                     issuer.mint(permissions=["read:a"])).text == "admin page"


@pytest.mark.parametrize("outcome, path", [("E2", "/indexed/"), ("E4", "/indexed-admin/"),
                                           ("E1", "/indexed-twice/"),
                                           ("E3", "/indexed-twice/")])
def test_f8_an_index_in_a_protected_place_is_refused_in_full(rules, issuer, outcome, path):
    """mod_dir hands on header fields only with a 401, and that of the last name alone."""
    token = {"E1": lambda: None, "E2": lambda: "a b", "E3": lambda: tampered(issuer.mint()),
             "E4": issuer.mint}[outcome]()
    answer = rules.get(path, token)
    assert_refusal(answer, outcome, scope="read:a" if outcome == "E4" else None)
