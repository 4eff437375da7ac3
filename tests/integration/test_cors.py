"""Auth0CORSOrigin: preflights before authentication, headers on every answer."""

import pytest

from support.conf import PROXY, assert_accepted, location, proxied, trust
from support.refusal import assert_refusal
from support.tokens import tampered

LISTED = "http://localhost:4040"
SECOND = "https://app.example.com"
OTHERS = ("http://localhost:4041", "https://localhost:4040", "http://localhost",
          "http://localhost:40400", "http://evil.localhost:4040", "null",
          "http://localhost:4040.evil.example.com", "http://LOCALHOST:4040/", "*",
          f"{LISTED} {SECOND}", f"{LISTED},{SECOND}")


@pytest.fixture(scope="module")
def server(shared_httpd, issuer, shared_backend):
    return shared_httpd(
        trust(issuer) + proxied(shared_backend)
        + f"Auth0CORSOrigin {LISTED} {SECOND}\n"
        + location("/valid") + location("/admin", require="auth0-permission read:a")
        + location("/other-origin", "Auth0CORSOrigin https://third.example.com"),
        modules=PROXY)


def words(value):
    return {word.strip().lower() for word in (value or "").split(",")}


def preflight(server, path, origin, method="GET", headers="authorization"):
    fields = [("Origin", origin), ("Access-Control-Request-Method", method)]
    if headers:
        fields.append(("Access-Control-Request-Headers", headers))
    return server.request("OPTIONS", path, headers=fields)


def assert_cors(answer, origin):
    assert answer.header("Access-Control-Allow-Origin") == origin, repr(answer)
    assert "origin" in words(",".join(answer.all("Vary"))), repr(answer)
    assert answer.header("Access-Control-Allow-Credentials") is None


def assert_no_cors(answer):
    for name, _ in answer.headers:
        assert not name.lower().startswith("access-control-"), repr(answer)


@pytest.mark.parametrize("origin", [LISTED, SECOND])
@pytest.mark.parametrize("path", ["/valid", "/admin", "/public"])
def test_a_preflight_from_a_listed_origin_is_answered_without_a_token(server, backend,
                                                                      path, origin):
    answer = preflight(server, path, origin)
    assert answer.status == 204, repr(answer)
    assert answer.body == b""
    assert_cors(answer, origin)
    assert words(answer.header("Access-Control-Allow-Methods")) == {"get"}
    assert words(answer.header("Access-Control-Allow-Headers")) == {"authorization",
                                                                    "content-type"}
    assert answer.header("Access-Control-Max-Age") == "86400"
    assert answer.all("WWW-Authenticate") == []
    assert backend.hits == []


@pytest.mark.parametrize("origin", OTHERS)
def test_a_preflight_from_another_origin_is_an_ordinary_options(server, backend, origin):
    answer = preflight(server, "/valid", origin)
    assert_refusal(answer, "E1", backend=backend)
    assert_no_cors(answer)


def test_options_without_a_requested_method_is_not_a_preflight(server, issuer, backend):
    answer = server.request("OPTIONS", "/valid", headers={"Origin": LISTED})
    assert_refusal(answer, "E1", backend=backend)
    assert_cors(answer, LISTED)
    assert_accepted(server.request("OPTIONS", "/valid", issuer.mint(),
                                   headers={"Origin": LISTED}), backend)


def test_a_preflight_without_an_origin_is_an_ordinary_options(server, backend):
    answer = server.request("OPTIONS", "/valid",
                            headers={"Access-Control-Request-Method": "GET"})
    assert_refusal(answer, "E1", backend=backend)


def test_a_get_dressed_as_a_preflight_gets_nothing(server, backend):
    answer = server.get("/valid", headers={"Origin": LISTED,
                                           "Access-Control-Request-Method": "GET"})
    assert_refusal(answer, "E1", backend=backend)


def test_every_answer_to_a_listed_origin_carries_the_headers(server, issuer, backend):
    origin = {"Origin": LISTED}
    good = server.get("/valid", issuer.mint(), headers=origin)
    assert_accepted(good, backend)
    assert_cors(good, LISTED)
    for outcome, answer in (
            ("E1", server.get("/valid", headers=origin)),
            ("E2", server.get("/valid", headers=[("Authorization", "Bearer"),
                                                 ("Origin", LISTED)])),
            ("E3", server.get("/valid", tampered(issuer.mint()), headers=origin)),
            ("E4", server.get("/admin", issuer.mint(), headers=origin))):
        assert_refusal(answer, outcome, scope="read:a" if outcome == "E4" else None)
        assert_cors(answer, LISTED)
    assert_cors(server.get("/public", headers=origin), LISTED)


def test_no_other_origin_gets_the_headers(server, issuer):
    for origin in OTHERS:
        assert_no_cors(server.get("/valid", issuer.mint(), headers={"Origin": origin}))
        assert_no_cors(server.get("/valid", headers={"Origin": origin}))
    assert_no_cors(server.get("/valid", issuer.mint()))


def test_a_places_own_origins_replace_the_servers(server, issuer):
    third = "https://third.example.com"
    assert preflight(server, "/other-origin", third).status == 204
    assert_refusal(preflight(server, "/other-origin", LISTED), "E1")
    assert_cors(server.get("/other-origin", issuer.mint(), headers={"Origin": third}),
                third)


def test_without_the_directive_a_preflight_is_an_ordinary_options(httpd, issuer):
    server = httpd(trust(issuer) + location("/valid"), files={"htdocs/valid": "ok"})
    answer = preflight(server, "/valid", LISTED)
    assert_refusal(answer, "E1")
    assert_no_cors(answer)


def test_the_origin_is_named_once_whatever_others_say(httpd, issuer, backend):
    """Browsers refuse an answer with two; what the service sends besides stays."""
    backend.fields = [("Access-Control-Allow-Origin", "*"),
                      ("Access-Control-Expose-Headers", "X-Total")]
    server = httpd(
        trust(issuer) + proxied(backend) + location("/undecided")
        + location("/decided", f"Auth0CORSOrigin {LISTED}")
        + location("/headers", f"Auth0CORSOrigin {LISTED}",
                   "Header set Access-Control-Allow-Origin https://other.example.com"),
        modules=PROXY)
    for path, origin, named in (("/undecided", LISTED, ["*"]),
                                ("/decided", LISTED, [LISTED]),
                                ("/headers", LISTED, [LISTED]),
                                ("/decided", SECOND, []),
                                ("/decided", None, [])):
        answer = server.get(path, issuer.mint(), headers={"Origin": origin} if origin else {})
        assert answer.status == 200, repr(answer)
        assert answer.all("Access-Control-Allow-Origin") == named, (path, origin)
        assert answer.all("Access-Control-Expose-Headers") == ["X-Total"]
