"""Auth0TokenSource: tokens in cookies and queries, and the risks of them."""

import urllib.parse

import pytest

from support.backend import seen_header
from support.conf import PROXY, assert_accepted, location, proxied, trust
from support.refusal import assert_refusal
from support.tokens import tampered

SCRIPT = """\
#!/bin/sh
echo "Content-Type: text/plain"
echo
env | grep -E '^(REDIRECT_)?(QUERY_STRING|REQUEST_URI|HTTP_COOKIE|REMOTE_USER|SCRIPT_URI)='
"""


@pytest.fixture(scope="module")
def server(shared_httpd, issuer, shared_backend):
    plain = shared_backend.url.removeprefix("http://")
    return shared_httpd(
        trust(issuer) + f"""
        ScriptAlias /cgi/ ${{ROOT}}/cgi/
        RewriteEngine On
        RewriteRule ^/rewritten/(.*)$ {shared_backend.url}/query/$1 [P]
        ProxyPass /query/raw {shared_backend.url}/query/raw nocanon
        """
        + proxied(shared_backend, "/cgi", "/pages", "/status")
        + location("/header")
        + location("/cookie", "Auth0TokenSource cookie:token")
        + location("/cookie/header", "Auth0TokenSource header")
        + location("/hidden", "Auth0TokenSource cookie:token header",
                   "Auth0PassToken Off")
        + location("/query", "Auth0TokenSource query")
        + location("/rewritten", "Auth0TokenSource query")
        + location("/named", "Auth0TokenSource query:jwt")
        + location("/any", "Auth0TokenSource header cookie:token cookie:other query")
        + location("/cgi", "Auth0TokenSource query cookie:token", "Auth0PassToken Off")
        + location("/pages", "Auth0TokenSource query")
        + """
        <Location "/public">
            Auth0TokenSource query
        </Location>
        <Location "/any/address">
            Require ip 192.0.2.1
        </Location>
        <Location "/status">
            SetHandler server-status
        </Location>
        ExtendedStatus On
        <Directory "${DOCS}/pages">
            DirectoryIndex page.cgi
            Options +ExecCGI
            AddHandler cgi-script .cgi
            FallbackResource /pages/page.cgi
            RewriteEngine On
            RewriteRule ^moved$ /cgi/env
        </Directory>
        """, modules=(*PROXY, "rewrite", "cgid", "status"),
        files={"cgi/env": (SCRIPT, 0o755), "htdocs/pages/page.cgi": (SCRIPT, 0o755)})


def with_cookie(*tokens, name="token", also="a=1"):
    pairs = "; ".join(f"{name}={token}" for token in tokens)
    return {"Cookie": "; ".join(part for part in (also, pairs, "z=2") if part)}


# ---- which places are read ------------------------------------------------------------


def test_a_cookie_is_read_where_it_is_named_and_nowhere_else(server, issuer, backend):
    token = issuer.mint()
    assert_accepted(server.get("/cookie", headers=with_cookie(token)), backend)
    for path in ("/header", "/cookie/header", "/query"):
        backend.hits.clear()
        assert_refusal(server.get(path, headers=with_cookie(token)), "E1", backend=backend)
    # And where only the cookie is listed, the header is not read.
    assert_refusal(server.get("/cookie", token), "E1", backend=backend)
    assert_accepted(server.get("/cookie/header", token), backend)


@pytest.mark.parametrize("pairs", [
    "token={}", "token={};a=b", "a=b;token={}", "a=b; token={}", "  token={}  ;a",
    'token="{}"', "a; token={}", "token=; token={}", "Token=x; token={}", "xtoken=y; token={}"])
def test_a_cookie_field_is_read_as_browsers_write_it(server, issuer, backend, pairs):
    cookie = {"Cookie": pairs.format(issuer.mint())}
    assert_accepted(server.get("/cookie", headers=cookie), backend)


@pytest.mark.parametrize("pairs", ["Token={}", "xtoken={}", "token{}", "a=token={}", "token=",
                                   'token=""', "token", "a=1, token={}"])
def test_another_cookie_is_none(server, issuer, backend, pairs):
    cookie = {"Cookie": pairs.format(issuer.mint())}
    assert_refusal(server.get("/cookie", headers=cookie), "E1", backend=backend)


@pytest.mark.parametrize("text", ["{0} {0}", "{0},{0}", "é{0}", '{0}"'])
def test_a_cookie_that_cannot_be_a_token_is_e2(server, issuer, backend, text):
    cookie = {"Cookie": f"token={text.format(issuer.mint())}".encode("latin-1")}
    assert_refusal(server.get("/cookie", headers=cookie), "E2", backend=backend,
                   reason="authorization_malformed")


def test_r5_a_query_is_read_where_it_is_listed_and_nowhere_else(server, issuer, backend):
    token = issuer.mint()
    assert_accepted(server.get(f"/query?access_token={token}"), backend)
    assert_accepted_alone(server, backend, f"/named?jwt={token}")
    for path in ("/header", "/cookie", "/named"):
        backend.hits.clear()
        assert_refusal(server.get(f"{path}?access_token={token}"), "E1", backend=backend)
    assert_refusal(server.get("/query", token), "E1", backend=backend)


def assert_accepted_alone(server, backend, path):
    backend.hits.clear()
    assert_accepted(server.get(path), backend)


@pytest.mark.parametrize("query", ["access_token={}", "a=1&access_token={}&b=2",
                                   "%61ccess_token={}", "&access_token={}&&"])
def test_a_query_is_read_as_forms_write_it(server, issuer, backend, query):
    token = issuer.mint()
    assert_accepted(server.get("/query?" + query.format(token)), backend)
    escaped = "".join(f"%{ord(c):02x}" for c in token)
    assert_accepted_alone(server, backend, "/query?" + query.format(escaped))


@pytest.mark.parametrize("query, outcome", [
    ("", "E1"), ("?", "E1"), ("?a=1", "E1"), ("?Access_Token={}", "E1"),
    ("?access_token", "E2"), ("?access_token=", "E2"), ("?access_token={}+x", "E2"),
    ("?access_token={}%00", "E2"), ("?access_token=%22{}%22", "E2"), ("?access_token=x", "E3"),
    ("?access_token={}%0", "E3"), ("?access_token={}%zz", "E3")])
def test_a_query_without_a_good_token_is_refused(server, issuer, backend, query, outcome):
    assert_refusal(server.get("/query" + query.format(issuer.mint())), outcome,
                   backend=backend)


def test_e3_and_e4_from_a_cookie_and_a_query(httpd, issuer):
    server = httpd(trust(issuer) + location("/", "Auth0TokenSource cookie:t query",
                                            require="auth0-permission read:a"),
                   files={"htdocs/page": "page"})
    good, poor = issuer.mint(permissions=["read:a"]), issuer.mint()
    for ask in (lambda token: server.get("/page", headers={"Cookie": f"t={token}"}),
                lambda token: server.get(f"/page?access_token={token}")):
        assert ask(good).text == "page"
        assert_refusal(ask(poor), "E4", scope="read:a")
        assert_refusal(ask(tampered(good)), "E3", reason="signature_invalid")


# ---- two places -------------------------------------------------------------------------


PLACES = {"header": lambda token: ("", {"Authorization": f"Bearer {token}"}),
          "cookie": lambda token: ("", {"Cookie": f"token={token}"}),
          "other cookie": lambda token: ("", {"Cookie": f"other={token}"}),
          "query": lambda token: (f"access_token={token}", {})}


@pytest.mark.parametrize("first", PLACES)
@pytest.mark.parametrize("second", PLACES)
def test_e2_a_token_in_two_places_whichever_they_are(server, issuer, backend, first, second):
    token = issuer.mint()
    (query, headers), (more, other) = PLACES[first](token), PLACES[second](token)
    if first == second:
        assert_accepted(server.get(f"/any?{query}", headers=headers), backend)
        return
    for text in (token, tampered(token), "x"):
        more, other = PLACES[second](text)
        both = {**headers, **other}
        if "Cookie" in headers and "Cookie" in other:
            both["Cookie"] = f"{headers['Cookie']}; {other['Cookie']}"
        assert_refusal(server.get(f"/any?{query}{more}", headers=both), "E2",
                       reason="token_repeated", server=server, backend=backend)


def test_r5_r6_the_same_place_twice_is_e2(server, issuer, backend):
    token = issuer.mint()
    assert_refusal(server.get(f"/query?access_token={token}&access_token={token}"), "E2",
                   backend=backend, reason="token_repeated")
    assert_refusal(server.get(f"/query?access_token={token}&access%5Ftoken=x"), "E2",
                   backend=backend)
    assert_refusal(server.get("/cookie", headers=with_cookie(token, token)), "E2",
                   backend=backend, reason="token_repeated")
    assert_accepted(server.get("/cookie", headers=with_cookie(token)), backend)


def test_another_scheme_beside_a_cookie_is_no_second_token(server, issuer, backend):
    headers = {**with_cookie(issuer.mint()), "Authorization": "Basic dTpw"}
    assert_accepted(server.get("/any", headers=headers), backend)


# ---- what is behind does not see it -------------------------------------------------------


def token_free(text, token):
    return token not in text and token[-20:] not in text


@pytest.mark.parametrize("path", ["/query/x", "/query/raw/x", "/rewritten/x", "/public/x"])
@pytest.mark.parametrize("before, after, left", [
    ("", "", ""), ("a=1&", "", "?a=1"), ("", "&b=%2F", "?b=%2F"), ("a=1&", "&b=2", "?a=1&b=2"),
    ("a&", "&&b", "?a&&b")])
def test_r5_a_token_in_the_query_never_reaches_the_back_end(server, issuer, backend, path,
                                                            before, after, left):
    token = issuer.mint()
    answer = server.get(f"{path}?{before}access_token={token}{after}")
    assert answer.status == 200, repr(answer)
    assert backend.hits[0]["path"] == path.replace("rewritten", "query") + left
    assert token_free(repr(backend.hits), token)


@pytest.mark.parametrize("path", ["/cgi/env", "/pages/", "/pages/none", "/pages/moved"])
def test_r5_nor_a_script_in_any_variable(server, issuer, path):
    token = issuer.mint()
    answer = server.get(f"{path}?a=1&access_token={token}&b=2")
    assert answer.status == 200, repr(answer)
    assert "REMOTE_USER=client-1@clients" in answer.text
    assert "QUERY_STRING=a=1&b=2" in answer.text, answer.text
    assert "?a=1&b=2" in answer.text, answer.text
    assert token_free(answer.text, token)


def test_the_access_log_has_the_query_without_the_token(server, issuer, backend):
    token = issuer.mint(jti="logged")
    bad = tampered(token)
    assert server.get(f"/query/log?a=1&access_token={token}").status == 200
    assert server.get(f"/query/log?b=1&access_token={bad}").status == 401
    assert server.get(f"/public/log?c=1&access_token={bad}").status == 200
    assert server.get(f"/any/address?d=1&access_token={token}").status == 403
    server.wait_for_access("- 403 GET /any/address?d=1 HTTP/1.1")
    log = (server.root / "logs" / "access.log").read_text()
    for line in ("200 GET /query/log?a=1 HTTP/1.1", "401 GET /query/log?b=1 HTTP/1.1",
                 "200 GET /public/log?c=1 HTTP/1.1"):
        assert line in log, log
    assert token_free(log, token) and token_free(log, bad)


def test_nor_does_the_page_of_mod_status_show_it(server, issuer, backend):
    token = issuer.mint(jti="shown")
    assert server.get(f"/query/shown?access_token={token}").status == 200
    page = server.get("/status")
    assert page.status == 200 and "/query/shown" in page.text
    assert token_free(page.text, token)


def test_off_takes_the_cookie_out_and_leaves_the_others(server, issuer, backend):
    token = issuer.mint()
    for pairs, left in ((f"a=1; token={token}; b=2", ["a=1; b=2"]), (f"token={token}", []),
                        (f"token={token}; b=2", ["b=2"]), (f"a=1; token={token}", ["a=1"])):
        assert_accepted(server.get("/hidden", headers={"Cookie": pairs}), backend)
        assert seen_header(backend.hits[0], "Cookie") == left
        backend.hits.clear()
    assert_accepted(server.get("/hidden", token, {"Cookie": "a=1"}), backend)
    assert seen_header(backend.hits[0], "Cookie") == ["a=1"]
    assert seen_header(backend.hits[0], "Authorization") == []


def test_on_leaves_the_cookie_where_it_is(server, issuer, backend):
    headers = with_cookie(issuer.mint())
    assert_accepted(server.get("/cookie", headers=headers), backend)
    assert seen_header(backend.hits[0], "Cookie") == [headers["Cookie"]]


def test_a_cgi_sees_no_cookie_with_the_token(server, issuer):
    token = issuer.mint()
    answer = server.get("/cgi/env", headers=with_cookie(token))
    assert "HTTP_COOKIE=a=1; z=2" in answer.text and token_free(answer.text, token)


# ---- caches --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def caching(shared_httpd, issuer):
    return shared_httpd(
        trust(issuer) + """
        CacheRoot ${ROOT}/cache
        CacheEnable disk /
        CacheHeader On
        CacheQuickHandler On
        CacheIgnoreNoLastMod On
        Header set Cache-Control "max-age=600, public"
        """
        + location("/cookie", "Auth0TokenSource cookie:token")
        + location("/query", "Auth0TokenSource query")
        + """
        <Directory "${DOCS}/cookie">
            DirectoryIndex index.html
        </Directory>
        <Location "/ssi">
            Require all granted
        </Location>
        """, modules=("cache", "cache_disk"),
        files={"htdocs/cookie/index.html": "secret", "htdocs/query/page": "secret",
               "htdocs/open/page": "open", "cache/x": ""})


@pytest.fixture(scope="module", autouse=True)
def writable_cache(caching):
    (caching.root / "cache").chmod(0o777)


@pytest.mark.parametrize("path", ["/cookie/index.html", "/cookie/"])
def test_f13_a_page_for_a_cookie_is_not_kept_for_the_next_client(caching, issuer, path):
    for _ in range(2):
        answer = caching.get(path, headers=with_cookie(issuer.mint()))
        assert answer.status == 200 and "HIT" not in (answer.header("X-Cache") or "")
    assert_refusal(caching.get(path), "E1")
    # The same server does keep what is for everybody.
    assert caching.get("/open/page").status == 200
    assert "HIT" in caching.get("/open/page").header("X-Cache")


def test_f13_nor_is_one_for_a_query(caching, issuer):
    token = issuer.mint()
    for _ in range(2):
        answer = caching.get(f"/query/page?access_token={token}")
        assert answer.status == 200 and "HIT" not in (answer.header("X-Cache") or "")
    assert_refusal(caching.get("/query/page"), "E1")


@pytest.mark.parametrize("sent, expected", [
    (None, "private"), ("public, max-age=60", "private, max-age=60"),
    ("s-maxage=60", "private"), ("no-store", "private, no-store"),
    ("private, max-age=5", "private, max-age=5"),
    ('max-age=1, proxy-revalidate, no-cache="Set-Cookie"', 'private, max-age=1, no-cache="Set-Cookie"')])
def test_the_answer_says_that_it_is_for_one_client(httpd, issuer, sent, expected):
    line = f"Header set Cache-Control '{sent}'\n" if sent else ""
    server = httpd(trust(issuer) + line + location("/", "Auth0TokenSource cookie:t query header"),
                   files={"htdocs/page": "page"})
    token = issuer.mint()
    for answer in (server.get(f"/page?access_token={token}"),
                   server.get("/page", headers={"Cookie": f"t={token}"})):
        assert answer.status == 200
        assert answer.all("Cache-Control") == [expected]
    assert server.get("/page", token).all("Cache-Control") == ([sent] if sent else [])


# ---- configuration ---------------------------------------------------------------------------


@pytest.mark.parametrize("line, word", [
    ("Auth0TokenSource", "at least one argument"), ("Auth0TokenSource body", '"body" is none of'),
    ("Auth0TokenSource cookie", "is none of"), ("Auth0TokenSource cookie:", "is none of"),
    ("Auth0TokenSource cookie:a=b", "is none of"), ("Auth0TokenSource query:", "is none of"),
    ("Auth0TokenSource query:a&b", "is none of"), ("Auth0TokenSource Header", "is none of"),
    ("Auth0TokenSource header header", "named twice"),
    ("Auth0TokenSource query query:access_token", "named twice"),
    ("Auth0TokenSource cookie:${NOT_DEFINED_HERE}", "not defined")])
def test_a_bad_source_stops_the_start(bench, line, word):
    bench.assert_refuses(line + "\n", word)


def test_lines_add_up_and_a_section_replaces(httpd, issuer):
    server = httpd(trust(issuer) + location("/", "Auth0TokenSource header",
                                            "Auth0TokenSource cookie:t")
                   + '<Location "/query">\nAuth0TokenSource query\n</Location>\n',
                   files={"htdocs/page": "page", "htdocs/query": "query"})
    token = issuer.mint()
    cookie = {"Cookie": f"t={token}"}
    assert server.get("/page", token).text == server.get("/page", headers=cookie).text == "page"
    assert_refusal(server.get("/query", token), "E1")
    assert_refusal(server.get("/query", headers=cookie), "E1")
    assert server.get("/query?" + urllib.parse.urlencode({"access_token": token})).text == "query"
