"""R8: the versions of HTTP, and what a client can ask for besides the thing itself."""

import http.client
import os
import socket

import pytest

from support import paths
from support.conf import PROXY, assert_accepted, location, proxied, trust
from support.http import TIMEOUT
from support.http2 import Http2
from support.refusal import assert_refusal
from support.tokens import tampered
from support.wait import free_port

ADMIN = "auth0-permission read:a"
PAGE = "a static page of some length"
VERSIONS = ("1.0", "1.1", "h2c prior", "h2c upgrade", "h2 tls")


@pytest.fixture(scope="module")
def server(shared_httpd, issuer, shared_backend, authority):
    tls = free_port()
    key = authority.ca.issue_cert("localhost")
    made = shared_httpd(
        trust(issuer) + f"Listen 127.0.0.1:{tls}\nProtocols h2 h2c http/1.1\n"
        f"""
        <VirtualHost 127.0.0.1:{tls}>
            SSLEngine on
            SSLCertificateFile ${{ROOT}}/server.pem
        </VirtualHost>
        """
        + location("/valid") + location("/admin", require=ADMIN) + location("/files")
        + location("/files/small", "LimitRequestBody 10")
        + proxied(shared_backend, "/files"),
        modules=(*PROXY, "http2", "ssl", "socache_shmcb"),
        # mod_http2 wants threads.
        mpm="event" if paths.MPM == "prefork" else None,
        files={"htdocs/files/page.html": PAGE, "htdocs/files/small/page.html": PAGE,
               "server.pem": (key.private_key_and_cert_chain_pem.bytes(), 0o600)})
    made.tls = tls
    # Of a file that changed within this second, httpd gives no validators to rely on.
    os.utime(made.docs / "files/page.html", (0, 10**9))
    return made


@pytest.fixture(scope="module")
def ask(server, authority):
    """Ask in a version of HTTP."""
    def ask(version, method, path, token=None, headers=(), body=None):
        headers = list(headers)
        if token is not None:
            headers.append(("Authorization", f"Bearer {token}"))
        if version in ("1.0", "1.1"):
            return server.request(method, path, headers=headers, body=body, version=version)
        if version == "h2c upgrade":
            with Http2(server.port) as h2:
                answer = h2.upgrade(method, path, headers)
            # httpd changes only in its handler: a refusal comes before any 101.
            assert answer.version == (11 if answer.status in (400, 401, 403) else 20)
            return answer
        context = authority.client_context() if version == "h2 tls" else None
        port = server.tls if version == "h2 tls" else server.port
        with Http2(port, context) as h2:
            return h2.request(method, path, headers, body)
    return ask


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
@pytest.mark.parametrize("version", VERSIONS)
def test_r8_each_version_of_http_gets_the_same_outcomes(server, ask, issuer, backend,
                                                        version, method):
    token = issuer.mint()
    assert_refusal(ask(version, method, "/valid"), "E1", method=method, backend=backend)
    assert_refusal(ask(version, method, "/valid", headers=[("Authorization", "Bearer a b")]),
                   "E2", method=method, backend=backend)
    assert_refusal(ask(version, method, "/valid", tampered(token)), "E3", method=method,
                   backend=backend)
    assert_refusal(ask(version, method, "/admin", token), "E4", scope="read:a",
                   method=method, backend=backend)
    assert_accepted(ask(version, method, "/valid", token), backend)


@pytest.mark.parametrize("version", [one for one in VERSIONS if one != "h2c upgrade"])
def test_r8_the_body_of_a_refused_request_goes_nowhere(server, ask, issuer, backend,
                                                       version):
    body = b"x" * 30000
    assert_refusal(ask(version, "POST", "/valid", body=body), "E1", backend=backend)
    assert_refusal(ask(version, "POST", "/valid", tampered(issuer.mint()), body=body), "E3",
                   backend=backend)
    assert_accepted(ask(version, "POST", "/valid", issuer.mint(), body=body), backend)
    assert backend.hits[0]["body"] == body.decode()


@pytest.mark.parametrize("tls", [False, True], ids=["h2c", "h2"])
def test_r8_each_stream_of_a_connection_stands_for_itself(server, issuer, authority, backend,
                                                          tls):
    good, bad = issuer.mint(), tampered(issuer.mint())
    with Http2(server.tls if tls else server.port,
               authority.client_context() if tls else None) as h2:
        wanted = [good, None, good, bad, None, good, bad, good] * 4
        streams = [h2.send("GET", "/valid", [("authorization", f"Bearer {token}")]
                           if token else []) for token in wanted]
        answers = [h2.answer(stream) for stream in reversed(streams)][::-1]
    for token, answer in zip(wanted, answers):
        if token is good:
            assert_accepted(answer)
        else:
            assert_refusal(answer, "E3" if token else "E1")
    assert len(backend.hits) == wanted.count(good)


@pytest.mark.parametrize("tls", [False, True], ids=["h2c", "h2"])
def test_r8_two_authorization_fields_of_a_stream_are_e2(server, issuer, authority, backend,
                                                        tls):
    field = ("authorization", f"Bearer {issuer.mint()}")
    with Http2(server.tls if tls else server.port,
               authority.client_context() if tls else None) as h2:
        assert_refusal(h2.request("GET", "/valid", [field, field]), "E2", backend=backend)
        assert_accepted(h2.request("GET", "/valid", [field]), backend)


@pytest.mark.parametrize("version", VERSIONS)
def test_r8_no_part_and_no_freshness_of_a_file_without_a_token(ask, issuer, version):
    """Its length, its date and whether a copy is still good are secrets too."""
    token = issuer.mint()
    whole = ask(version, "GET", "/files/page.html", token)
    assert (whole.status, whole.text) == (200, PAGE)
    etag, changed = whole.header("ETag"), whole.header("Last-Modified")
    asks = {206: [("Range", "bytes=2-7")], 304: [("If-None-Match", etag)],
            "304 by date": [("If-Modified-Since", changed)],
            "206 if unchanged": [("Range", "bytes=2-7"), ("If-Range", etag)],
            416: [("Range", "bytes=900-")], 412: [("If-Match", '"another"')],
            "412 by date": [("If-Unmodified-Since", "Mon, 01 Jan 2001 00:00:00 GMT")]}
    for status, headers in asks.items():
        status = int(str(status)[:3])
        assert ask(version, "GET", "/files/page.html", token, headers).status == status
        for refused, outcome in ((None, "E1"), (tampered(token), "E3")):
            answer = ask(version, "GET", "/files/page.html", refused, headers)
            assert_refusal(answer, outcome)
            for name in ("ETag", "Last-Modified", "Content-Range", "Accept-Ranges"):
                assert answer.all(name) == [], repr(answer)


class Talk:
    """A connection on which answers are awaited one by one, the provisional ones too."""

    def __init__(self, port):
        self.sock = socket.create_connection(("127.0.0.1", port), TIMEOUT * paths.SLOW)
        self.file = self.sock.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        self.file.close()
        self.sock.close()

    def say(self, *lines, body=b""):
        self.sock.sendall("\r\n".join((*lines, "", "")).encode() + body)

    def status(self):
        """The status of the next answer, its field names and values, and its body."""
        line = self.file.readline()
        if not line:
            return None, {}, b""
        fields = {}
        while (field := self.file.readline().strip()):
            name, _, value = field.decode().partition(":")
            fields[name.lower()] = value.strip()
        status = int(line.split()[1])
        return status, fields, self.file.read(int(fields.get("content-length") or 0))


def post(token=None, *, length=10, path="/valid", expect=True):
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", f"Content-Length: {length}"]
    if expect:
        lines.append("Expect: 100-continue")
    if token:
        lines.append(f"Authorization: Bearer {token}")
    return lines


def test_r8_no_100_comes_before_a_refusal(server, issuer, backend):
    for token, status in ((None, 401), (tampered(issuer.mint()), 401), ("a b", 400)):
        with Talk(server.port) as talk:
            talk.say(*post(token))
            assert talk.status()[0] == status
    assert backend.hits == []


def test_r8_no_100_comes_before_a_permission_is_refused(server, issuer, backend):
    with Talk(server.port) as talk:
        talk.say(*post(issuer.mint(), path="/admin"))
        assert talk.status()[0] == 403
    assert backend.hits == []


def test_r8_with_a_token_100_comes_and_the_body_arrives(server, issuer, backend):
    with Talk(server.port) as talk:
        talk.say(*post(issuer.mint()))
        assert talk.status()[0] == 100
        talk.sock.sendall(b"0123456789")
        assert talk.status()[0] == 200
    assert backend.hits[0]["body"] == "0123456789"


@pytest.mark.parametrize("expect", [True, False], ids=["expecting", "at once"])
@pytest.mark.parametrize("chunked", [True, False], ids=["chunked", "counted"])
def test_r8_a_body_in_flight_at_a_refusal_is_no_request(server, issuer, backend, expect,
                                                        chunked):
    """What follows a refusal on the connection is the body, whatever it looks like."""
    smuggled = (f"GET /valid HTTP/1.1\r\nHost: localhost\r\nX-Smuggled: yes\r\n"
                f"Authorization: Bearer {issuer.mint()}\r\n\r\n").encode()
    lines, body = post(None, length=len(smuggled), expect=expect), smuggled
    if chunked:
        lines[2] = "Transfer-Encoding: chunked"
        body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(smuggled), smuggled)
    with Talk(server.port) as talk:
        talk.say(*lines, body=body)
        status, _, text = talk.status()
        assert status == 401 and b"Requires authentication" in text
        # Either the connection goes on with the next true request, or it ends.
        try:
            talk.say("GET /valid?next HTTP/1.1", "Host: localhost", "Connection: close")
            status = talk.status()[0]
        except ConnectionError:
            status = None
        assert status in (401, None)
        try:
            assert talk.status()[0] is None
        except ConnectionError:
            pass
    assert backend.hits == []


def test_r8_a_connection_goes_on_after_a_refused_body(server, issuer, backend):
    """With a body that did arrive the connection can be used again, with a token too."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port,
                                            timeout=TIMEOUT * paths.SLOW)
    statuses = []
    for token in (None, issuer.mint(), "a.b.c", issuer.mint()):
        connection.request("POST", "/valid", body=b"x" * 5000,
                           headers={"Authorization": f"Bearer {token}"} if token else {})
        answer = connection.getresponse()
        answer.read()
        statuses.append(answer.status)
    connection.close()
    assert statuses == [401, 200, 401, 200]
    assert [hit["body"] for hit in backend.hits] == ["x" * 5000] * 2


def test_r8_a_body_over_the_limit_is_401_before_it_is_413(server, issuer):
    """Nobody learns from a limit that a place exists or what it takes."""
    path = "/files/small/page.html"
    assert_refusal(server.request("POST", path, body=b"x" * 100), "E1")
    assert server.request("POST", path, issuer.mint(), body=b"x" * 100).status == 413
    assert server.request("POST", path, issuer.mint(), body=b"x" * 10).status == 200
