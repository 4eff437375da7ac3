"""Taking the token from the request: THREATS.md R1 to R5 and R7."""

import base64

import pytest

from support.conf import PROXY, assert_accepted, location, proxied, trust
from support.refusal import assert_refusal
from support.tokens import compact


@pytest.fixture(scope="module")
def server(shared_httpd, issuer, shared_backend):
    return shared_httpd(trust(issuer) + proxied(shared_backend) + location("/valid"),
                        modules=PROXY)


def raw_request(server, authorization_lines, method="GET"):
    """A request with these Authorization lines, byte for byte."""
    lines = b"".join(line + b"\r\n" for line in authorization_lines)
    return server.raw(method.encode() + b" /valid HTTP/1.1\r\nHost: localhost\r\n"
                      b"Connection: close\r\n" + lines + b"\r\n", method)


BASIC = b"Authorization: Basic " + base64.b64encode(b"user:password")


@pytest.mark.parametrize("lines", [
    pytest.param([], id="none"),
    pytest.param([b"Authorization:"], id="empty"),
    pytest.param([b"Authorization:   "], id="blank"),
    pytest.param([BASIC], id="basic"),
    pytest.param([b'Authorization: Digest username="u", realm="r"'], id="digest"),
    pytest.param([b"Authorization: DPoP a.b.c"], id="dpop"),
    pytest.param([b"Authorization: Bearerx a.b.c"], id="longer-scheme"),
    pytest.param([b"Authorization: Beare a.b.c"], id="shorter-scheme"),
    pytest.param([b'Authorization: Token a b, "c"'], id="another-scheme-whatever-follows"),
    pytest.param([b"X-Authorization: Bearer a.b.c"], id="another-header"),
    pytest.param([b"Proxy-Authorization: Bearer a.b.c"], id="the-proxys-header"),
])
def test_r1_no_credentials_or_another_scheme_is_e1(server, backend, lines):
    assert_refusal(raw_request(server, lines), "E1", backend=backend)


@pytest.mark.parametrize("value", [
    pytest.param(b"Bearer", id="nothing"),
    pytest.param(b"Bearer ", id="one-space"),
    pytest.param(b"Bearer      ", id="only-spaces"),
    pytest.param(b"Bearer TOKEN b", id="two-words"),
    pytest.param(b"Bearer a TOKEN", id="two-words-the-second-good"),
    pytest.param(b"Bearer\tTOKEN", id="a-tab-for-the-space"),
    pytest.param(b"Bearer \tTOKEN", id="a-tab-after-the-space"),
    pytest.param(b"Bearer TO\tKEN", id="a-tab-inside"),
    pytest.param(b"Bearer TOKEN\xe9", id="latin-1"),
    pytest.param(b"Bearer \xc3\xa9TOKEN", id="utf-8"),
    pytest.param(b'Bearer "TOKEN"', id="quoted"),
    pytest.param(b'Bearer token="TOKEN"', id="a-parameter"),
    pytest.param(b"Bearer TOKEN,", id="a-comma"),
    pytest.param(b"Bearer TOKEN,TOKEN", id="two-with-a-comma"),
])
def test_r2_what_cannot_be_a_token_is_e2(server, issuer, backend, value):
    value = value.replace(b"TOKEN", issuer.mint().encode()).replace(b"TO\tKEN", b"a\tb.c.d")
    assert_refusal(raw_request(server, [b"Authorization: " + value]), "E2",
                   backend=backend)


def test_r2_a_good_token_twice_in_two_headers_is_e2(server, issuer, backend):
    line = b"Authorization: Bearer " + issuer.mint().encode()
    assert_refusal(raw_request(server, [line, line]), "E2", backend=backend)
    assert_accepted(raw_request(server, [line]), backend)


def test_r2_basic_beside_a_good_token_never_gets_in(server, issuer, backend):
    line = b"Authorization: Bearer " + issuer.mint().encode()
    assert_refusal(raw_request(server, [line, BASIC]), "E2", backend=backend)
    answer = raw_request(server, [BASIC, line])
    assert_refusal(answer, "E1" if answer.status == 401 else "E2", backend=backend)


@pytest.mark.parametrize("general", [False, True], ids=["flattened", "general"])
def test_a2_the_json_serialization_of_a_jws_is_e2(server, issuer, backend, general):
    token = issuer.mint()
    protected, payload, signature = token.split(".")
    signed = {"protected": protected, "signature": signature}
    text = compact({"payload": payload, **({"signatures": [signed]} if general else signed)})
    mark = server.mark()
    assert_refusal(raw_request(server, [b"Authorization: Bearer " + text.encode()]), "E2",
                   reason="authorization_malformed", server=server, mark=mark,
                   backend=backend)
    assert_accepted(server.get("/valid", token), backend)


@pytest.mark.parametrize("space", [" ", "\t", "  "], ids=["space", "tab", "two-spaces"])
@pytest.mark.parametrize("part", [0, 1, 2], ids=["header", "payload", "signature"])
def test_a5_white_space_inside_a_part_is_e2(server, issuer, backend, part, space):
    token = issuer.mint()
    parts = token.split(".")
    for place in (1, len(parts[part]) // 2, len(parts[part]) - 1):
        text = parts[part][:place] + space + parts[part][place:]
        value = "Bearer " + ".".join(parts[:part] + [text] + parts[part + 1:])
        mark = server.mark()
        assert_refusal(raw_request(server, [b"Authorization: " + value.encode()]), "E2",
                       reason="authorization_malformed", server=server, mark=mark,
                       backend=backend)
    assert_accepted(server.get("/valid", token), backend)


@pytest.mark.parametrize("value", [
    pytest.param(b"Bearer TOKEN", id="as-usual"),
    pytest.param(b"bearer TOKEN", id="lower-case"),
    pytest.param(b"BEARER TOKEN", id="upper-case"),
    pytest.param(b"bEaReR TOKEN", id="mixed-case"),
    pytest.param(b"Bearer     TOKEN", id="several-spaces"),
    pytest.param(b"Bearer TOKEN   ", id="trailing-spaces"),
    pytest.param(b"   Bearer TOKEN", id="leading-spaces"),
])
def test_r3_the_scheme_is_read_as_http_says(server, issuer, backend, value):
    value = value.replace(b"TOKEN", issuer.mint().encode())
    assert_accepted(raw_request(server, [b"Authorization: " + value]), backend)


def test_r3_the_headers_name_may_have_any_case(server, issuer, backend):
    assert_accepted(raw_request(server, [b"aUTHORIZATION: Bearer "
                                         + issuer.mint().encode()]), backend)


@pytest.mark.parametrize("value", ["Bearer a.b.c", "Bearer x", "Bearer ===", "Bearer a\\b",
                                   "Bearer ..", "Bearer :", "Bearer a;b"])
def test_what_could_be_a_token_goes_to_the_verifier(server, backend, value):
    assert_refusal(server.get("/valid", headers={"Authorization": value}), "E3",
                   backend=backend)


def test_r5_a_token_in_the_query_is_not_read(server, issuer, backend):
    assert_refusal(server.get("/valid?access_token=" + issuer.mint()), "E1",
                   backend=backend)


def test_r6_a_token_in_a_cookie_is_not_read(server, issuer, backend):
    token = issuer.mint()
    for name in ("access_token", "token", "Authorization"):
        assert_refusal(server.get("/valid", headers={"Cookie": f"{name}={token}"}), "E1",
                       backend=backend)


def test_r7_a_token_in_the_body_is_not_read(server, issuer, backend):
    answer = server.request("POST", "/valid", body=b"access_token=" + issuer.mint().encode(),
                            headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert_refusal(answer, "E1", backend=backend)


def test_r7_a_token_in_a_trailer_is_not_read(server, issuer, backend):
    answer = server.raw(b"POST /valid HTTP/1.1\r\nHost: localhost\r\n"
                        b"Transfer-Encoding: chunked\r\nTrailer: Authorization\r\n"
                        b"Connection: close\r\n\r\n1\r\nx\r\n0\r\n"
                        b"Authorization: Bearer " + issuer.mint().encode() + b"\r\n\r\n",
                        "POST")
    assert_refusal(answer, "E1", backend=backend)


@pytest.mark.parametrize("header", [("Range", "bytes=0-3"), ("If-None-Match", "*"),
                                    ("Expect", "100-continue"),
                                    ("If-Modified-Since", "Sun, 22 Nov 2026 00:00:00 GMT")])
def test_r8_conditions_and_ranges_do_not_get_round_a_refusal(server, issuer, backend,
                                                             header):
    assert_refusal(server.get("/valid", headers=[header]), "E1", backend=backend)
    # httpd cuts a proxied answer to the range when it has the whole of it in time.
    answer = server.get("/valid", issuer.mint(), headers=[header])
    assert answer.status in ((200, 206) if header[0] == "Range" else (200,)), repr(answer)
    assert len(backend.hits) == 1


def test_r8_an_upgrade_without_a_token_is_refused(server, backend):
    assert_refusal(server.get("/valid", headers=[("Upgrade", "websocket"),
                                                 ("Connection", "Upgrade, close")]), "E1",
                   backend=backend)


def test_the_next_request_of_a_connection_stands_for_itself(server, issuer, backend):
    """A token is good for its own request, not for the connection."""
    import http.client
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    statuses = []
    for token in (issuer.mint(), None, issuer.mint(), "a.b.c", issuer.mint()):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        connection.request("GET", "/valid", headers=headers)
        answer = connection.getresponse()
        answer.read()
        statuses.append(answer.status)
    connection.close()
    assert statuses == [200, 401, 200, 401, 200]
    assert len(backend.hits) == 3
