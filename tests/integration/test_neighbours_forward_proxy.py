"""F17: httpd as a forward proxy that wants a token before it goes anywhere."""

import re
import socket

import pytest

from support import http
from support.backend import seen_header
from support.conf import PROXY, trust
from support.refusal import assert_refusal
from support.tokens import tampered
from support.websocket import WebSocketServer

BASIC = "Basic b3JpZ2luOnB3"

SECTION = """
<Proxy "*">
    AuthType Auth0
    Auth0Audience https://api.example.com
    {lines}
</Proxy>
"""


def forwarding(issuer, backend, *lines, require="valid-user", more=""):
    section = SECTION.format(lines="\n    ".join((f"Require {require}", *lines)))
    return trust(issuer) + f"ProxyRequests On\nAllowCONNECT {backend.port}\n" + section + more


@pytest.fixture(scope="module")
def server(shared_httpd, issuer, shared_backend):
    # What it serves itself is public: only its way out is not.
    return shared_httpd(forwarding(issuer, shared_backend),
                        modules=(*PROXY, "proxy_connect"),
                        files={"htdocs/own.txt": "its own page"})


@pytest.fixture(scope="module")
def admin_server(shared_httpd, issuer, shared_backend):
    return shared_httpd(
        forwarding(issuer, shared_backend, 'AuthName "the way out"',
                   require="auth0-permission read:a",
                   more='RequestHeader set X-Remote-User "expr=%{REMOTE_USER}"\n'),
        modules=(*PROXY, "proxy_connect"))


def through(server, backend, token=None, headers=(), path="/page", method="GET", **more):
    headers = list(headers)
    if token is not None:
        headers.append(("Proxy-Authorization", f"Bearer {token}"))
    return server.request(method, backend.url + path, headers=headers, **more)


def assert_proxy_refusal(answer, outcome, **more):
    """The same promises as of a server, in the words of a proxy (RFC 9110 11.7)."""
    assert answer.all("WWW-Authenticate") == [], repr(answer)
    status = 401 if answer.status == 407 else answer.status
    assert (answer.status == 407) == (outcome in ("E1", "E3")), repr(answer)
    headers = [("WWW-Authenticate" if name.lower() == "proxy-authenticate" else name, value)
               for name, value in answer.headers]
    assert_refusal(http.Response(status, answer.reason, headers, answer.body), outcome, **more)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS"])
def test_f17_refusals_are_those_of_a_proxy(server, admin_server, issuer, backend, method):
    token = issuer.mint()
    for outcome, answer in (
            ("E1", through(server, backend, method=method)),
            ("E1", through(server, backend, method=method,
                           headers=[("Proxy-Authorization", BASIC)])),
            ("E2", through(server, backend, method=method,
                           headers=[("Proxy-Authorization", "Bearer")])),
            ("E2", through(server, backend, token, method=method,
                           headers=[("Proxy-Authorization", f"Bearer {token}")])),
            ("E3", through(server, backend, tampered(token), method=method)),
            ("E3", through(server, backend, issuer.mint(exp_in=-600), method=method))):
        assert_proxy_refusal(answer, outcome, method=method, backend=backend)
    assert_proxy_refusal(through(admin_server, backend, token, method=method), "E4",
                         scope="read:a", realm="the way out", method=method,
                         backend=backend)
    assert through(server, backend, token, method=method).status == 200
    assert through(admin_server, backend, issuer.mint(permissions=["read:a"]),
                   method=method).status == 200
    assert [hit["method"] for hit in backend.hits] == [method] * 2


def test_f17_an_outage_is_503_for_a_proxy_too(httpd, own_issuer, backend):
    own_issuer.fail_with(500)
    server = httpd(forwarding(own_issuer, backend), modules=(*PROXY, "proxy_connect"))
    answer = through(server, backend, own_issuer.mint())
    assert_proxy_refusal(answer, "E5", backend=backend)
    assert answer.all("Proxy-Authenticate") == []


def test_f17_a_token_for_the_origin_is_not_one_for_the_proxy(server, issuer, backend):
    """Authorization belongs to the origin: it is neither read nor changed."""
    for value in (f"Bearer {issuer.mint()}", BASIC, "Bearer"):
        assert_proxy_refusal(through(server, backend, headers=[("Authorization", value)]),
                             "E1", backend=backend)
    for value in ("Bearer for-the-origin", "Bearer", BASIC):
        answer = through(server, backend, issuer.mint(), [("Authorization", value)])
        assert answer.status == 200
        assert seen_header(backend.hits[-1], "Authorization") == [value]


def test_f17_the_token_never_reaches_the_origin(server, admin_server, issuer, backend):
    token = issuer.mint(permissions=["read:a"])
    for one in (server, admin_server):
        assert through(one, backend, token).status == 200
        assert token not in str(backend.hits[-1])
        assert seen_header(backend.hits[-1], "Proxy-Authorization") == []
    assert seen_header(backend.hits[-1], "X-Remote-User") == ["client-1@clients"]


def test_f17_with_auth0passtoken_off_only_the_proxys_own_field_goes(httpd, issuer, backend):
    server = httpd(forwarding(issuer, backend, "Auth0PassToken Off"),
                   modules=(*PROXY, "proxy_connect"))
    answer = through(server, backend, issuer.mint(), [("Authorization", BASIC)])
    assert answer.status == 200
    assert seen_header(backend.hits[0], "Authorization") == [BASIC]
    assert seen_header(backend.hits[0], "Proxy-Authorization") == []


def test_f17_what_the_server_serves_itself_needs_no_token_for_the_way_out(server, issuer):
    assert server.get("/own.txt").text == "its own page"
    # Nor does such a token become one for a place of the server's own.
    assert server.get("/own.txt", headers={"Proxy-Authorization": "Bearer"}).status == 200


class Tunnel:
    """A CONNECT, and what comes through it."""

    def __init__(self, server, target, *fields):
        self.sock = socket.create_connection(("127.0.0.1", server.port), http.TIMEOUT)
        self.file = self.sock.makefile("rb")
        self.sock.sendall("\r\n".join((f"CONNECT {target} HTTP/1.1", f"Host: {target}",
                                       *fields, "", "")).encode())
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = self.file.readline()
            assert line, f"closed inside of an answer: {head!r}"
            head += line
        self.status = int(head.split()[1])
        self.answer = None
        if self.status != 200:
            length = re.search(rb"content-length: (\d+)", head, re.I)
            body = self.file.read(int(length.group(1))) if length else b""
            self.answer = http.parse(head + body)

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        self.file.close()
        self.sock.close()


def test_f17_connect_needs_a_token_too(server, admin_server, issuer, backend):
    target = f"127.0.0.1:{backend.port}"
    token = issuer.mint()
    for one, outcome, fields, scope in (
            (server, "E1", [], None), (server, "E1", [f"Authorization: Bearer {token}"], None),
            (server, "E2", ["Proxy-Authorization: Bearer a b"], None),
            (server, "E3", [f"Proxy-Authorization: Bearer {tampered(token)}"], None),
            (admin_server, "E4", [f"Proxy-Authorization: Bearer {token}"], "read:a")):
        with Tunnel(one, target, *fields) as tunnel:
            assert tunnel.answer is not None, f"a tunnel was opened: not {outcome}"
            realm = "the way out" if one is admin_server else "api"
            assert_proxy_refusal(tunnel.answer, outcome, scope=scope, realm=realm,
                                 backend=backend)


def test_f17_a_tunnel_carries_what_it_is_given_and_no_token(server, issuer, backend):
    token = issuer.mint()
    with Tunnel(server, f"127.0.0.1:{backend.port}",
                f"Proxy-Authorization: Bearer {token}") as tunnel:
        assert tunnel.status == 200, repr(tunnel.answer)
        tunnel.sock.sendall(b"GET /inside HTTP/1.1\r\nHost: origin\r\n"
                            b"Authorization: Bearer for-the-origin\r\n"
                            b"Connection: close\r\n\r\n")
        answer = http.parse(tunnel.file.read())
    assert (answer.status, answer.json()["path"]) == (200, "/inside")
    (seen,) = backend.hits
    assert seen_header(seen, "Authorization") == ["Bearer for-the-origin"]
    assert token not in str(seen)


def test_f17_a_token_opens_no_port_that_connect_may_not_reach(server, issuer):
    other = WebSocketServer()
    token = issuer.mint()
    with Tunnel(server, f"127.0.0.1:{other.port}",
                f"Proxy-Authorization: Bearer {token}") as tunnel:
        assert tunnel.status == 403
        # httpd's own: it says nothing of a token.
        assert tunnel.answer.all("Proxy-Authenticate") == []
    assert other.hits == []
    other.stop()
