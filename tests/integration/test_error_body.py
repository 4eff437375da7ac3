"""Auth0ErrorBody auth, all and off, and what an administrator's ErrorDocument does."""

import json

import pytest

from support.conf import PROXY, assert_accepted, location, proxied, trust
from support.refusal import assert_refusal, challenge
from support import reasons
from support.tokens import tampered

ADMIN = "auth0-permission read:admin-messages"

CASES = {"E1": lambda s, i, p, m: s.request(m, p),
         "E2": lambda s, i, p, m: s.request(m, p, headers={"Authorization": "Bearer"}),
         "E3": lambda s, i, p, m: s.request(m, p, tampered(i.mint())),
         "E4": lambda s, i, p, m: s.request(m, p, i.mint())}
SCOPE = {"E4": "read:admin-messages"}


@pytest.fixture(scope="module")
def server(shared_httpd, issuer, shared_backend):
    """The main server has the default style; places choose others."""
    return shared_httpd(
        trust(issuer) + proxied(shared_backend, "/files", "/errors", "/basic", "/denied",
                                "/broken")
        + location("/auth", "Auth0ErrorBody auth", require=ADMIN)
        + location("/default", require=ADMIN)
        + location("/all", "Auth0ErrorBody all", require=ADMIN)
        + location("/off", "Auth0ErrorBody off", require=ADMIN)
        + location("/text", 'ErrorDocument 400 "bad, says the administrator"',
                   'ErrorDocument 401 "no, says the administrator"',
                   'ErrorDocument 403 "never, says the administrator"', require=ADMIN)
        + location("/url", "ErrorDocument 400 /errors/400.html",
                   "ErrorDocument 401 /errors/401.html",
                   "ErrorDocument 403 /errors/403.html", require=ADMIN)
        + location("/url-all", "Auth0ErrorBody all", "ErrorDocument 401 /errors/401.html",
                   require=ADMIN)
        + location("/files/inside", "ErrorDocument 401 /files/inside/401.html",
                   require=ADMIN)
        + location("/missing-url", "ErrorDocument 401 /errors/nowhere.html",
                   require=ADMIN)
        + """
        <Location "/files/auth">
            Auth0ErrorBody auth
        </Location>
        <Location "/files/all">
            Auth0ErrorBody all
        </Location>
        <Location "/files/all/denied">
            Require all denied
        </Location>
        <Location "/files/all/broken">
            Require valid-user
        </Location>
        <Location "/files/all/text">
            ErrorDocument 404 "nothing, says the administrator"
        </Location>
        <Location "/files/all/small">
            LimitRequestBody 10
        </Location>
        <Location "/files/off">
            Auth0ErrorBody off
        </Location>
        <Location "/basic">
            Auth0ErrorBody all
            AuthType Basic
            AuthName other
            AuthUserFile /dev/null
            Require valid-user
        </Location>
        """,
        modules=(*PROXY, "auth_basic", "authn_file"),
        files={"htdocs/errors/400.html": "page 400", "htdocs/errors/401.html": "page 401",
               "htdocs/errors/403.html": "page 403", "htdocs/files/all/page.txt": "page",
               "htdocs/files/auth/page.txt": "page", "htdocs/files/off/page.txt": "page",
               "htdocs/files/all/denied/page.txt": "page",
               "htdocs/files/all/small/page.txt": "page",
               "htdocs/files/inside/page.txt": "secret",
               "htdocs/files/inside/401.html": "page 401",
               "htdocs/files/all/broken/page.txt": "page"})


@pytest.fixture(scope="module")
def server_all(shared_httpd):
    """A server whose own configuration says all, as the sample APIs do."""
    return shared_httpd("Auth0ErrorBody all\n", files={"htdocs/page.txt": "page"})


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize("outcome", CASES)
@pytest.mark.parametrize("path", ["/auth", "/default", "/all"])
def test_our_refusals_are_json_with_auth_with_all_and_by_default(server, issuer, backend,
                                                                 path, outcome, method):
    answer = CASES[outcome](server, issuer, path, method)
    assert_refusal(answer, outcome, scope=SCOPE.get(outcome), method=method,
                   backend=backend)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("outcome", CASES)
def test_off_leaves_the_body_to_httpd_and_keeps_status_and_challenge(
        server, issuer, backend, outcome, method):
    answer = CASES[outcome](server, issuer, "/off", method)
    assert_refusal(answer, outcome, scope=SCOPE.get(outcome), method=method, body=None,
                   backend=backend)
    assert answer.header("Content-Type").startswith("text/html")
    if method == "GET":
        assert b"<html" in answer.body.lower()


@pytest.mark.parametrize("outcome, text", [("E1", "no"), ("E2", "bad"), ("E3", "no"),
                                           ("E4", "never")])
def test_an_administrators_text_wins(server, issuer, backend, outcome, text):
    answer = CASES[outcome](server, issuer, "/text", "GET")
    assert_refusal(answer, outcome, scope=SCOPE.get(outcome), body=None, backend=backend)
    assert answer.text == f"{text}, says the administrator"
    assert answer.header("Content-Type").startswith("text/html")


@pytest.mark.parametrize("outcome, page", [("E1", 401), ("E2", 400), ("E3", 401),
                                           ("E4", 403)])
def test_an_administrators_page_wins(server, issuer, backend, outcome, page):
    answer = CASES[outcome](server, issuer, "/url", "GET")
    assert_refusal(answer, outcome, scope=SCOPE.get(outcome), body=None, backend=backend)
    assert answer.text == f"page {page}"
    assert answer.header("Content-Type").startswith("text/html")


def test_an_administrators_page_wins_over_all_too(server, issuer):
    answer = server.get("/url-all")
    assert_refusal(answer, "E1", body=None)
    assert answer.text == "page 401"
    assert_refusal(server.get("/url-all", issuer.mint()), "E4", scope=SCOPE["E4"])


def test_a_head_request_gets_no_body_of_an_administrators_page(server):
    answer = server.head("/url")
    assert_refusal(answer, "E1", method="HEAD", body=None)


@pytest.mark.parametrize("path", ["/files/inside/page.txt", "/files/inside/401.html",
                                  "/missing-url"])
def test_an_error_page_that_is_itself_protected_or_missing_makes_no_loop(server, path):
    """F9."""
    answer = server.get(path)
    assert b"secret" not in answer.body
    assert answer.status == 401
    assert answer.all("WWW-Authenticate") == [challenge("E1")]


def test_with_auth_an_error_of_httpds_own_stays_httpds_own(server):
    for path in ("/files/auth/nothing", "/files/nothing"):
        answer = server.get(path)
        assert answer.status == 404
        assert answer.header("Content-Type").startswith("text/html")


def assert_json_error(answer, status, method="GET"):
    exact = json.dumps({"message": answer.reason}, separators=(",", ":")).encode()
    assert answer.status == status, repr(answer)
    assert answer.header("Content-Type") == "application/json; charset=utf-8", repr(answer)
    assert answer.header("Content-Length") == str(len(exact)), repr(answer)
    assert answer.body == (b"" if method == "HEAD" else exact), repr(answer)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_with_all_404_is_json(server, method):
    answer = server.request(method, "/files/all/nothing")
    assert_json_error(answer, 404, method)
    if method == "GET":
        assert answer.body == b'{"message":"Not Found"}'


def test_with_all_405_is_json_and_keeps_allow(server):
    answer = server.request("DELETE", "/files/all/page.txt")
    assert_json_error(answer, 405)
    assert answer.body == b'{"message":"Method Not Allowed"}'
    assert "GET" in answer.header("Allow").split(",")


def test_with_all_413_is_json(server):
    path = "/files/all/small/page.txt"
    answer = server.request("POST", path, body=b"x" * 100)
    assert_json_error(answer, 413)
    assert server.request("POST", path, body=b"x" * 10).text == "page"


def test_with_all_500_of_httpds_own_is_json(server):
    """Require without AuthType is httpd's own 500."""
    answer = server.get("/files/all/broken/page.txt")
    assert_json_error(answer, 500)
    assert answer.body == b'{"message":"Internal Server Error"}'


def test_with_all_501_is_json(server):
    answer = server.request("FROBNICATE", "/files/all/page.txt")
    assert_json_error(answer, 501)
    assert answer.body == b'{"message":"Not Implemented"}'


def test_with_all_403_of_httpds_own_is_json(server):
    answer = server.get("/files/all/denied/page.txt")
    assert_json_error(answer, 403)
    assert answer.body == b'{"message":"Forbidden"}'


def test_with_all_another_scheme_keeps_its_challenge(server):
    answer = server.get("/basic/page.txt")
    assert_json_error(answer, 401)
    assert answer.all("WWW-Authenticate") == ['Basic realm="other"']


def test_with_all_an_administrators_text_wins_for_404(server):
    assert server.get("/files/all/text/nothing").text == "nothing, says the administrator"


def test_with_all_a_good_answer_is_untouched(server, issuer, backend):
    answer = server.get("/files/all/page.txt")
    assert (answer.status, answer.body) == (200, b"page")
    assert answer.header("Content-Type").startswith("text/plain")
    assert_accepted(server.get("/all", issuer.mint(permissions=["read:admin-messages"])),
                    backend)


def test_with_all_a_conditional_answer_is_untouched(server):
    etag = server.get("/files/all/page.txt").header("ETag")
    answer = server.get("/files/all/page.txt", headers={"If-None-Match": etag})
    assert (answer.status, answer.body) == (304, b"")


def test_with_off_a_404_is_httpds_own(server):
    answer = server.get("/files/off/nothing")
    assert answer.status == 404 and answer.header("Content-Type").startswith("text/html")


@pytest.mark.parametrize("data", [
    pytest.param(b"GET /page.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                 b"Authorization: Bearer " + b"a" * 9000 + b"\r\n\r\n",
                 id="a-line-over-the-limit"),
    pytest.param(b"GET /page.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                 b"Authorization: Bearer a\0b\r\n\r\n", id="a-nul"),
    pytest.param(b"GET /page.txt HTTP/1.1\r\nConnection: close\r\n\r\n", id="no-host"),
    pytest.param(b"GET /%zz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
                 id="a-bad-escape"),
])
def test_r4_what_httpd_refuses_before_the_section_is_json_with_all(server_all, data):
    answer = server_all.raw(data)
    assert_json_error(answer, 400)
    assert answer.body == b'{"message":"Bad Request"}'


def test_r4_the_same_with_a_good_request(server_all):
    answer = server_all.get("/page.txt")
    assert (answer.status, answer.body) == (200, b"page")


def test_the_closed_list_is_what_these_tests_think():
    assert reasons.sentences("E2") == {
        "Authorization header value must follow this format: Bearer access-token"}
