"""conf/hello-world.conf and conf/quickstart.conf: every route, every outcome."""

import pytest

from support.httpd import Httpd
from support.issuer import Issuer
from support.paths import CONF
from support.refusal import assert_refusal
from support.tokens import tampered
from support.wait import free_port

AUDIENCE = "https://hello-world.example.com"
ORIGIN = "http://localhost:4040"

APIS = {
    "hello-world": {
        "define": "HELLO_WORLD_PORT",
        "public": ("/api/messages/public", b'{"message":"The API doesn\'t require an '
                   b'access token to share this message."}'),
        "protected": ("/api/messages/protected", b'{"message":"The API successfully '
                      b'validated your access token."}'),
        "restricted": ("/api/messages/admin", b'{"message":"The API successfully '
                       b'recognized you as an admin."}'),
        "scope": "read:admin-messages",
        "grant": {"permissions": ["read:admin-messages"]},
        "not a grant": {"scope": "read:admin-messages"}},
    "quickstart": {
        "define": "QUICKSTART_PORT",
        "public": ("/api/public", b'{"message":"Hello from a public endpoint! You don\'t '
                   b'need to be authenticated to see this."}'),
        "protected": ("/api/private", b'{"message":"Hello from a private endpoint! You '
                      b'need to be authenticated to see this."}'),
        "restricted": ("/api/private-scoped", b'{"message":"Hello from a private endpoint! '
                       b'You need to be authenticated and have a scope of read:messages '
                       b'to see this."}'),
        "scope": "read:messages", "grant": {"scope": "openid read:messages"},
        "not a grant": {"permissions": ["read:messages"]}},
}

#: Exactly once on every answer.
SECURITY = {"Cache-Control": "no-store, max-age=0", "Pragma": "no-cache", "Expires": "0",
            "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
            "X-XSS-Protection": "0", "Referrer-Policy": "no-referrer",
            "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'"}


def assert_headers(answer):
    for name, value in SECURITY.items():
        assert answer.all(name) == [value], f"{name}: {answer.all(name)}\n{answer!r}"
    if answer.status != 204:
        assert answer.all("Content-Type") == ["application/json; charset=utf-8"]
        assert answer.all("Content-Length") or answer.all("Transfer-Encoding")


@pytest.fixture(scope="module", params=APIS)
def api(request, authority, shared_httpd):
    """(the API's row, its server with .api_port, the tenant)"""
    row = APIS[request.param]
    port = free_port()
    with Issuer(authority, audience=AUDIENCE) as tenant:
        server = shared_httpd(
            f"Auth0CAFile {tenant.ca_file}\nDefine {row['define']} {port}\n"
            f"Include {CONF}/{request.param}.conf\n",
            env={"AUTH0_DOMAIN": tenant.domain, "AUTH0_AUDIENCE": AUDIENCE,
                 "CLIENT_ORIGIN_URL": ORIGIN})
        server.api_port = port
        yield row, server, tenant


def ask(server, method, path, token=None, headers=()):
    return server.request(method, path, token, headers, port=server.api_port)


TOKENS = {
    "no token": lambda t, r: None,
    "a plain token": lambda t, r: t.mint(),
    "a token with the grant": lambda t, r: t.mint(**r["grant"]),
    "the grant in the wrong claim": lambda t, r: t.mint(**r["not a grant"]),
    "tampered": lambda t, r: tampered(t.mint(**r["grant"])),
    "expired": lambda t, r: t.mint(exp_in=-3600, **r["grant"]),
    "another audience": lambda t, r: t.mint(aud="https://other.example.com", **r["grant"]),
    "another issuer": lambda t, r: t.mint(iss="https://evil.example.com/", **r["grant"]),
    "not a token": lambda t, r: "abc",
}
OUTCOMES = {
    "no token": ("OK", "E1", "E1"), "a plain token": ("OK", "OK", "E4"),
    "a token with the grant": ("OK", "OK", "OK"),
    "the grant in the wrong claim": ("OK", "OK", "E4"),
    **{name: ("OK", "E3", "E3") for name in ("tampered", "expired", "another audience",
                                             "another issuer", "not a token")}}


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("token", TOKENS, ids=lambda name: name.replace(" ", "-"))
@pytest.mark.parametrize("route", ["public", "protected", "restricted"])
def test_every_route_with_every_token(api, route, token, method):
    row, server, tenant = api
    path, body = row[route]
    answer = ask(server, method, path, TOKENS[token](tenant, row))
    outcome = OUTCOMES[token][("public", "protected", "restricted").index(route)]
    if outcome == "OK":
        assert answer.status == 200, repr(answer)
        assert answer.body == (b"" if method == "HEAD" else body)
        assert answer.header("Content-Length") == str(len(body))
        assert answer.all("WWW-Authenticate") == []
    else:
        assert_refusal(answer, outcome, method=method,
                       scope=row["scope"] if outcome == "E4" else None)
    assert_headers(answer)


def test_a_malformed_header_is_e2_on_protected_routes_only(api):
    row, server, _ = api
    header = {"Authorization": "Bearer a b"}
    for route in ("protected", "restricted"):
        answer = ask(server, "GET", row[route][0], headers=header)
        assert_refusal(answer, "E2")
        assert_headers(answer)
    assert ask(server, "GET", row["public"][0], headers=header).status == 200


@pytest.mark.parametrize("path", ["/", "/api", "/api/", "/nothing", "/api/messages/",
                                  "/favicon.ico", "/icons/", "/server-status",
                                  "/index.html", "/api/messages/publicx",
                                  "/API/messages/public"])
def test_any_other_path_is_404_in_json(api, path):
    _, server, tenant = api
    for token in (None, tenant.mint()):
        answer = ask(server, "GET", path, token)
        assert (answer.status, answer.body) == (404, b'{"message":"Not Found"}')
        assert_headers(answer)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_any_other_method_is_405_in_json_with_allow(api, method):
    row, server, tenant = api
    for route in ("public", "protected", "restricted"):
        answer = ask(server, method, row[route][0], tenant.mint(**row["grant"]))
        assert (answer.status, answer.body) == (405, b'{"message":"Method Not Allowed"}')
        allowed = {word.strip() for word in answer.header("Allow").split(",")}
        assert {"GET", "HEAD"} <= allowed and method not in allowed, allowed
        assert_headers(answer)


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_another_method_without_a_token_is_e1_first(api, method):
    row, server, _ = api
    answer = ask(server, method, row["protected"][0])
    assert_refusal(answer, "E1")
    assert_headers(answer)


def test_trace_and_unknown_methods_give_nothing(api):
    row, server, _ = api
    for method in ("TRACE", "FROBNICATE"):
        answer = ask(server, method, row["public"][0])
        assert answer.status in (405, 501), repr(answer)
        assert answer.body == b'{"message":"%s"}' % answer.reason.encode()
        assert_headers(answer)


def test_a_preflight_is_answered_before_authentication(api):
    row, server, _ = api
    for route in ("public", "protected", "restricted"):
        answer = ask(server, "OPTIONS", row[route][0], headers=[
            ("Origin", ORIGIN), ("Access-Control-Request-Method", "GET"),
            ("Access-Control-Request-Headers", "authorization")])
        assert (answer.status, answer.body) == (204, b"")
        assert answer.header("Access-Control-Allow-Origin") == ORIGIN
        assert answer.header("Access-Control-Max-Age") == "86400"
        assert "origin" in ",".join(answer.all("Vary")).lower()
        assert_headers(answer)


def test_only_the_clients_origin_may_read_answers(api):
    row, server, tenant = api
    for token, status in ((tenant.mint(), 200), (None, 401)):
        answer = ask(server, "GET", row["protected"][0], token, {"Origin": ORIGIN})
        assert answer.status == status
        assert answer.header("Access-Control-Allow-Origin") == ORIGIN
        assert_headers(answer)
        answer = ask(server, "GET", row["protected"][0], token,
                     {"Origin": "http://localhost:4041"})
        assert answer.status == status
        assert answer.all("Access-Control-Allow-Origin") == []
    answer = ask(server, "OPTIONS", row["protected"][0], headers=[
        ("Origin", "http://localhost:4041"), ("Access-Control-Request-Method", "GET")])
    assert_refusal(answer, "E1")
    assert_headers(answer)


def test_a_404_to_the_clients_origin_carries_cors_headers_too(api):
    _, server, _ = api
    answer = ask(server, "GET", "/nothing", headers={"Origin": ORIGIN})
    assert answer.status == 404
    assert answer.header("Access-Control-Allow-Origin") == ORIGIN
    assert_headers(answer)


def test_an_unreachable_tenant_is_e5_with_every_header(httpd, authority):
    dead = Issuer(authority, audience=AUDIENCE)
    port = free_port()
    server = httpd(f"Auth0CAFile {dead.ca_file}\nDefine HELLO_WORLD_PORT {port}\n"
                   f"Include {CONF}/hello-world.conf\n",
                   env={"AUTH0_DOMAIN": dead.domain, "AUTH0_AUDIENCE": AUDIENCE})
    answer = server.get("/api/messages/protected", dead.mint(), port=port)
    assert_refusal(answer, "E5")
    assert_headers(answer)
    answer = server.get("/api/messages/public", port=port)
    assert answer.status == 200


@pytest.mark.parametrize("name", APIS)
def test_the_two_variables_alone_are_enough(httpd, authority, name):
    """No CLIENT_ORIGIN_URL: its default is the samples' own."""
    port = free_port()
    with Issuer(authority, audience=AUDIENCE) as tenant:
        server = httpd(f"Auth0CAFile {tenant.ca_file}\n"
                       f"Define {APIS[name]['define']} {port}\nInclude {CONF}/{name}.conf\n",
                       env={"AUTH0_DOMAIN": tenant.domain, "AUTH0_AUDIENCE": AUDIENCE})
        path, body = APIS[name]["protected"]
        answer = server.get(path, tenant.mint(), headers={"Origin": ORIGIN}, port=port)
        assert (answer.status, answer.body) == (200, body)
        assert answer.header("Access-Control-Allow-Origin") == ORIGIN


@pytest.mark.parametrize("name", APIS)
@pytest.mark.parametrize("missing", ["AUTH0_DOMAIN", "AUTH0_AUDIENCE"])
def test_a_missing_variable_stops_the_start(name, missing):
    env = {"AUTH0_DOMAIN": "tenant.us.auth0.com", "AUTH0_AUDIENCE": AUDIENCE}
    server = Httpd(f"Define {APIS[name]['define']} {free_port()}\n"
                   f"Include {CONF}/{name}.conf\n", env=env)
    assert server.configtest()[0] == 0
    del server.env[missing]
    status, output = server.configtest()
    assert status != 0 and missing in output and f"{name}.conf" in output, output
    server.stop(clean=False)


def test_both_samples_live_in_one_server(httpd, authority):
    ports = {name: free_port() for name in APIS}
    with Issuer(authority, audience=AUDIENCE) as tenant:
        server = httpd(f"Auth0CAFile {tenant.ca_file}\n" + "".join(
            f"Define {APIS[name]['define']} {ports[name]}\nInclude {CONF}/{name}.conf\n"
            for name in APIS), env={"AUTH0_DOMAIN": tenant.domain,
                                    "AUTH0_AUDIENCE": AUDIENCE})
        for name, port in ports.items():
            path, body = APIS[name]["protected"]
            assert server.get(path, port=port).status == 401
            assert server.get(path, tenant.mint(), port=port).body == body
        assert tenant.fetches == 1, "one issuer, one key set"
