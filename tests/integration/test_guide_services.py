"""The recipes of docs/guide.md keep their word: services behind, browsers, logs, migration."""

import base64
import json
import subprocess

import pytest

from support.backend import seen_header
from support.guide import AUDIENCE, recipe, serve  # noqa: F401 (a fixture)
from support.httpd import readable_folder
from support.refusal import assert_refusal
from support.tokens import tampered
from support.wait import wait_until
from support.websocket import WebSocket, WebSocketServer

PROXY = ("proxy", "proxy_http")
BACKEND = "http://127.0.0.1:8000"

PHP = """<?php
header('Content-Type: application/json');
echo json_encode($_SERVER + ['env' => getenv()]);
"""


@pytest.fixture
def php(program):
    """PHP on a socket, as php-fpm is in the recipe; its path."""
    command = program("php-cgi")
    path = readable_folder() / "php.sock"
    process = subprocess.Popen([command, "-n", "-b", str(path)], stdin=subprocess.DEVNULL,
                               env={"PATH": "/usr/bin:/bin"}, stderr=subprocess.DEVNULL)
    wait_until(path.exists, 10, "PHP's socket")
    yield path
    process.terminate()
    process.wait(10)


@recipe("PHP")
def test_php_learns_the_user_and_the_claims_and_not_the_token(serve, issuer, php):
    good = issuer.mint(aud=AUDIENCE, sub="auth0|42", email="ann@example.com",
                       permissions=["read:a", "write:a"])
    server = serve({"/var/www/app": "${DOCS}", "/run/php/php8.2-fpm.sock": str(php)},
                   {"htdocs/index.php": PHP, "htdocs/other.php": "<?php echo 'other';",
                    "htdocs/secret.txt": "secret"},
                   # php-cgi, unlike php-fpm, wants the script's name without a prefix.
                   before="ProxyFCGIBackendType GENERIC\n", good=good,
                   modules=("proxy", "proxy_fcgi"))
    lies = {"AUTH0_CLAIM_email": "x", "AUTH0-CLAIM-email": "x", "Remote-User": "mallory"}
    for path in ("/index.php", "/", "/any/route?a=1"):
        answer = server.get(path, good, lies)
        assert answer.status == 200, repr(answer)
        seen = answer.json()
        assert seen["REMOTE_USER"] == "auth0|42" and seen["AUTH_TYPE"] == "Bearer"
        assert seen["AUTH0_CLAIM_email"] == "ann@example.com"
        assert json.loads(seen["AUTH0_CLAIM_permissions"]) == ["read:a", "write:a"]
        # The field that a client can send, which the recipe warns of.
        assert seen["HTTP_REMOTE_USER"] == "mallory"
        assert good[-30:] not in answer.text
    assert server.get("/other.php", good).text == "other"
    bare = server.get("/index.php", issuer.mint(aud=AUDIENCE)).json()
    assert "AUTH0_CLAIM_email" not in bare and "AUTH0_CLAIM_permissions" not in bare
    for path in ("/", "/any/route", "/index.php", "/other.php", "/index.php/x", "/secret.txt"):
        assert_refusal(server.get(path), "E1")
        assert_refusal(server.get(path, tampered(good)), "E3", reason="signature_invalid")


@recipe("API behind ProxyPass")
def test_a_service_learns_the_user_from_fields_that_nobody_else_can_send(serve, issuer,
                                                                         backend):
    good = issuer.mint(aud=AUDIENCE, sub="auth0|ä%", permissions=["read:orders"])
    server = serve({BACKEND: backend.url}, good=good, poor=issuer.mint(aud=AUDIENCE),
                   modules=PROXY)
    # Of the curl lines, only the last got so far.
    assert [hit["path"] for hit in backend.hits] == ["/orders/1"]
    backend.hits.clear()
    lies = {"X-User": "mallory", "x_user": "mallory", "X-Permissions": "[]"}
    assert server.get("/orders/2", good, lies).status == 200
    seen = backend.hits[0]
    assert seen_header(seen, "X-User") == ["auth0|%C3%A4%25"]
    assert json.loads(seen_header(seen, "X-Permissions")[0]) == ["read:orders"]
    assert seen_header(seen, "x_user") == seen_header(seen, "Authorization") == []
    backend.hits.clear()
    for path in ("/orders/", "/orders//1", "/x/../orders/1", "/%6frders/1"):
        assert_refusal(server.get(path, headers=lies), "E1", backend=backend)
        assert_refusal(server.get(path, tampered(good)), "E3", backend=backend)


@pytest.fixture
def service():
    made = WebSocketServer()
    yield made
    made.stop()


@recipe("WebSocket")
def test_a_websocket_opens_with_a_token_in_the_query_which_goes_no_further(serve, issuer,
                                                                           service):
    good = issuer.mint(aud=AUDIENCE, sub="ann")
    server = serve({BACKEND: service.url.replace("ws:", "http:")}, good=good, modules=PROXY)
    assert [hit["path"] for hit in service.hits] == ["/chat"] * 2
    assert good[-30:] not in str(service.hits)
    service.hits.clear()
    with WebSocket(server.port, f"/chat?room=1&access_token={good}",
                   [("X-User", "mallory")]) as chat:
        assert chat.answer is None, chat.answer
        assert chat.hear() == b"welcome"
        for text in (b"hello", b"again"):
            chat.say(text)
            assert chat.hear() == text[::-1]
    hit, = service.hits
    assert hit["path"] == "/chat?room=1" and seen_header(hit, "X-User") == ["ann"]
    assert good[-30:] not in str(service.hits)
    server.wait_for_access("ann 101 GET /chat?room=1 HTTP/1.1")
    assert good[-30:] not in server.access_log
    service.hits.clear()
    for query, outcome in (("", "E1"), (f"?access_token={tampered(good)}", "E3"),
                           (f"?access_token={issuer.mint(aud=AUDIENCE, exp_in=-60)}", "E3"),
                           (f"?access_token={good}&access_token={good}", "E2")):
        with WebSocket(server.port, f"/chat{query}") as refused:
            assert_refusal(refused.answer, outcome)
    assert service.hits == []


# ---- CORS ------------------------------------------------------------------------------


APP = "https://app.example.com"


def words(answer, name):
    return {word.strip() for word in (answer.header(name) or "").split(",")}


def preflight(server, method, origin=APP):
    return server.request("OPTIONS", "/api/data", headers={
        "Origin": origin, "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "authorization"})


@recipe("CORS for a single-page app")
def test_a_page_of_the_listed_origin_may_get_and_read_errors(serve, issuer):
    good = issuer.mint(aud=AUDIENCE)
    server = serve(files={"htdocs/api/data": "data"}, good=good)
    answer = preflight(server, "GET")
    assert answer.status == 204 and words(answer, "Access-Control-Allow-Methods") == {"GET"}
    for token, status in ((good, 200), (None, 401)):
        answer = server.get("/api/data", token, {"Origin": APP})
        assert answer.status == status
        assert answer.header("Access-Control-Allow-Origin") == APP
        answer = server.get("/api/data", token, {"Origin": "https://evil.example.com"})
        assert answer.status == status
        assert answer.header("Access-Control-Allow-Origin") is None


@recipe("CORS with more methods")
def test_a_preflight_for_other_methods_needs_no_token_and_the_methods_do(serve, issuer,
                                                                         backend):
    good = issuer.mint(aud=AUDIENCE)
    server = serve(before=f"ProxyPass /api {backend.url}/api\n", good=good, modules=PROXY)
    backend.hits.clear()
    for method in ("GET", "PUT", "DELETE", "PATCH"):
        answer = preflight(server, method)
        assert answer.status == 204 and answer.body == b"", repr(answer)
        assert method in words(answer, "Access-Control-Allow-Methods")
        assert answer.header("Access-Control-Allow-Origin") == APP
        assert "Authorization" in words(answer, "Access-Control-Allow-Headers")
        refused = preflight(server, method, "https://evil.example.com")
        assert_refusal(refused, "E1", backend=backend)
        assert refused.header("Access-Control-Allow-Origin") is None
    for method in ("PUT", "DELETE"):
        assert_refusal(server.request(method, "/api/data", headers={"Origin": APP}), "E1",
                       backend=backend)
    answer = server.request("DELETE", "/api/data", good, {"Origin": APP})
    assert answer.status == 200
    assert answer.header("Access-Control-Allow-Origin") == APP
    assert [hit["method"] for hit in backend.hits] == ["DELETE"]


@recipe("CORS for a single-page app")
def test_a_service_that_sends_such_a_field_too_does_no_harm(serve, issuer):
    """A browser that finds two origins takes neither."""
    good = issuer.mint(aud=AUDIENCE)
    server = serve(before="Header set Access-Control-Allow-Origin *\n",
                   files={"htdocs/api/data": "data"}, good=good)
    answer = server.get("/api/data", good, {"Origin": APP})
    assert answer.all("Access-Control-Allow-Origin") == [APP]


# ---- migration -------------------------------------------------------------------------


def lines_of(server, name, number):
    """The lines of a log of requests, without the one that asked whether httpd is up."""
    def enough():
        found = [line for line in (server.root / name).read_text().splitlines()
                 if "OPTIONS *" not in line]
        return found if len(found) >= number else None
    return wait_until(enough, 5, f"{number} lines in {name}")


@recipe("First only report")
def test_what_would_be_refused_stands_in_the_log_until_it_is_switched_off(serve, issuer):
    good = issuer.mint(aud=AUDIENCE, sub="ann", permissions=["read:shop"])
    poor = issuer.mint(aud=AUDIENCE, sub="bob")
    server = serve(files={"htdocs/shop/index.html": "shop", "htdocs/shop/pay/x": "pay"},
                   good=good, poor=poor)
    columns = [line.split()[-3:] for line in lines_of(server, "logs/auth0.log", 3)]
    assert columns == [["200", "-", "no_credentials"], ["200", "bob", "permission_missing"],
                       ["200", "ann", "-"]]
    assert "would have been refused (permission_missing;" in server.log()
    # Step 3, then step 4.
    server.configure(server.config + '<Location "/shop/pay">\n    Auth0ReportOnly Off\n'
                     "</Location>\n")
    server.restart()
    assert [server.get("/shop/pay/x", token).status for token in (None, poor, good)] == \
        [401, 403, 200]
    assert server.get("/shop/").text == "shop"
    assert "Auth0ReportOnly is On" in server.all_logs()
    server.configure(server.config.replace("Auth0ReportOnly On\n", "\n"))
    server.restart()
    assert [server.get("/shop/", token).status for token in (None, poor, good)] == \
        [401, 403, 200]


@pytest.fixture
def passwords(program):
    def line(user, password):
        done = subprocess.run([program("openssl"), "passwd", "-apr1", "-stdin"], text=True,
                              input=password, capture_output=True, check=True)
        return f"{user}:{done.stdout.strip()}\n"
    return line("ann", "secret") + line("carl", "secret")


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@recipe("From Basic authentication")
def test_passwords_and_tokens_work_side_by_side_and_not_for_each_other(serve, issuer,
                                                                       passwords):
    good = issuer.mint(aud=AUDIENCE, sub="auth0|1", permissions=["read:shop"])
    ann = issuer.mint(aud=AUDIENCE, sub="ann")
    server = serve({"/etc/apache2/shop.passwords": "${ROOT}/conf/passwords"},
                   {"htdocs/shop/index.html": "shop", "conf/passwords": passwords},
                   good=good, poor=ann, modules=("auth_basic", "authn_file"))

    def ask(authorization, path="/shop/"):
        fields = authorization if isinstance(authorization, list) else [authorization]
        return server.get(path, headers=[("Authorization", field) for field in fields])

    # A password: as ever, with the old challenge, also when nothing was sent.
    for field in ([], basic("ann", "wrong"), basic("carl", "secret"), basic("ann", ""),
                  "Basic", "Basic x", "Digest username=ann", f"Bearerx {good}", "Bear",
                  f"DPoP {good}", f"{good}", f"Bearer\t{good}",
                  [basic("ann", "wrong"), f"Bearer {good}"]):
        answer = ask(field)
        assert answer.status == 401, field
        assert answer.all("WWW-Authenticate") == ['Basic realm="shop"'], field
    assert ask(basic("ann", "secret")).text == "shop"
    server.wait_for_access("ann 200 GET /shop/ HTTP/1.1")
    # A token: judged as one, never as a user of the password file.
    for field in (f"Bearer {good}", f"bearer {good}", f"BEARER  {good}"):
        assert ask(field).text == "shop"
    server.wait_for_access("auth0|1 200 GET /shop/ HTTP/1.1")
    refusals = ((f"Bearer {tampered(good)}", "E3", None), ("Bearer", "E2", None),
                (f"Bearer {ann}", "E4", "read:shop"), ("Bearer x", "E3", None),
                (f"Bearer {issuer.mint(permissions=['read:shop'])}", "E3", None),
                ([f"Bearer {tampered(good)}", basic("ann", "secret")], "E2", None),
                (f"Bearer {basic('ann', 'secret')[6:]}", "E3", None))
    for field, outcome, scope in refusals:
        assert_refusal(ask(field), outcome, realm="shop", scope=scope)


@recipe("From Basic authentication")
def test_hiding_the_token_there_lets_nobody_in(serve, issuer, passwords):
    """What the recipe warns of: where <If> looks again, the field is gone."""
    good = issuer.mint(aud=AUDIENCE, permissions=["read:shop"])
    server = serve({"/etc/apache2/shop.passwords": "${ROOT}/conf/passwords"},
                   {"htdocs/shop/index.html": "shop", "conf/passwords": passwords},
                   good=good, poor=issuer.mint(aud=AUDIENCE),
                   modules=("auth_basic", "authn_file", "rewrite"))
    server.configure(server.config.replace("AuthType Auth0\n",
                                           "AuthType Auth0\nAuth0PassToken Off\n")
                     + '<Directory "${DOCS}/shop">\nRewriteEngine On\n'
                     "RewriteRule ^route$ /shop/index.html\n</Directory>\n")
    server.restart()
    assert server.get("/shop/index.html", good).text == "shop"
    assert server.get("/shop/route", good).status == 401
    assert server.get("/shop/route").status == 401


# ---- logs ------------------------------------------------------------------------------


@recipe("Logging")
def test_the_logs_name_the_user_the_application_and_the_reason(serve, issuer):
    good = issuer.mint(aud=AUDIENCE, sub="ann", azp="app-1", permissions=["read:data"])
    server = serve(files={"htdocs/api/data": "data"}, good=good,
                   poor=issuer.mint(aud=AUDIENCE, sub="bob", azp="app-2"))
    expired = issuer.mint(aud=AUDIENCE, exp_in=-60)
    assert_refusal(server.get("/api/data", expired), "E3", reason="expired")
    lines = [line.split('"')[2].split() for line in lines_of(server, "logs/auth0.log", 4)]
    assert [line[:3] for line in lines] == [["401", "-", "-"], ["403", "bob", "app-2"],
                                            ["200", "ann", "app-1"], ["401", "-", "-"]]
    for line, reason in ((lines[1], "permission_missing"), (lines[3], "expired")):
        found = [text for text in server.log().splitlines() if f"[{line[3]}]" in text]
        assert len(line[3]) > 5
        assert any(f"({reason})" in text for text in found), (reason, server.log())
    # $TOKEN stood in the address of the first curl line.
    assert good[-30:] not in (server.root / "logs/auth0.log").read_text()
