"""R8: a WebSocket is opened with a valid token only, whichever module passes it on."""

import pytest

from support.backend import seen_header
from support.conf import PROXY, location, trust
from support.refusal import assert_refusal
from support.tokens import tampered
from support.websocket import CLOSE, WebSocket, WebSocketServer

HELLO = b"hello from a client, longer than the short form of a frame's length " * 3

#: How httpd is told to pass the upgrade on.
WAYS = {"proxy_wstunnel": "ProxyPass /ws/ {ws}/\nProxyPass /admin/ {ws}/\n",
        "proxy_http": "ProxyPass /ws/ {http}/ upgrade=websocket\n"
                      "ProxyPass /admin/ {http}/ upgrade=websocket\n",
        "rewrite": "RewriteEngine On\n"
                   "RewriteCond %{{HTTP:Upgrade}} websocket [NC]\n"
                   "RewriteRule ^/(?:ws|admin)/(.*)$ {ws}/$1 [P]\n"}


@pytest.fixture(scope="module")
def echo():
    made = WebSocketServer()
    yield made
    made.stop()


@pytest.fixture
def backend(echo):
    echo.hits.clear()
    return echo


@pytest.fixture(scope="module", params=WAYS)
def server(request, shared_httpd, issuer, echo):
    config = WAYS[request.param].format(ws=echo.url,
                                        http=echo.url.replace("ws:", "http:"))
    return shared_httpd(
        trust(issuer) + config + 'RequestHeader set X-Remote-User "expr=%{REMOTE_USER}"\n'
        + location("/ws") + location("/admin", require="auth0-permission read:a"),
        modules=(*PROXY, "proxy_wstunnel", "rewrite"))


def bearer(token):
    return [("Authorization", f"Bearer {token}")]


def assert_refused(server, path, headers, outcome, backend, **more):
    with WebSocket(server.port, path, headers) as opened:
        assert opened.answer is not None, "a WebSocket was opened"
        assert_refusal(opened.answer, outcome, backend=backend, **more)


def test_r8_no_websocket_is_opened_without_a_valid_token(server, issuer, backend):
    assert_refused(server, "/ws/chat", [], "E1", backend)
    assert_refused(server, "/ws/chat", [("Authorization", "Bearer")], "E2", backend)
    assert_refused(server, "/ws/chat", bearer(tampered(issuer.mint())), "E3", backend)
    assert_refused(server, "/admin/chat", bearer(issuer.mint()), "E4", backend,
                   scope="read:a")


def test_r8_with_a_valid_token_both_sides_of_a_websocket_talk(server, issuer, backend):
    with WebSocket(server.port, "/ws/chat", bearer(issuer.mint(sub="ann"))) as opened:
        assert opened.answer is None, repr(opened.answer)
        assert opened.hear() == b"welcome"
        for number in range(20):
            opened.say(b"%d %s" % (number, HELLO))
            assert opened.hear() == (b"%d %s" % (number, HELLO))[::-1]
        assert opened.bye()[0] == CLOSE
    (seen,) = backend.hits
    assert (seen["method"], seen["path"]) == ("GET", "/chat")
    assert seen_header(seen, "X-Remote-User") == ["ann"]


def test_r8_with_the_permission_a_websocket_opens(server, issuer, backend):
    headers = bearer(issuer.mint(permissions=["read:a"]))
    with WebSocket(server.port, "/admin/chat", headers) as opened:
        assert opened.hear() == b"welcome"


def test_r8_the_token_of_one_handshake_opens_no_other(server, issuer, backend):
    with WebSocket(server.port, "/ws/chat", bearer(issuer.mint())) as opened:
        assert opened.hear() == b"welcome"
        backend.hits.clear()
        assert_refused(server, "/ws/chat", [], "E1", backend)
        opened.say(b"still here")
        assert opened.hear() == b"ereh llits"
