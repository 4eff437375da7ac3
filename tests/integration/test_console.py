"""The console of the sample APIs (conf/console): what it answers, and to whom.

What it looks like and does in a browser is in tests/browser.
"""

import pytest

from support.issuer import Issuer
from support.paths import CONF
from support.wait import free_port
from test_sample_apis import APIS, AUDIENCE, ORIGIN, SECURITY

PAGE = {"/": "text/html; charset=utf-8", "/console.css": "text/css; charset=utf-8",
        "/console.js": "text/javascript; charset=utf-8",
        "/console-token.mjs": "text/javascript; charset=utf-8",
        "/console.svg": "image/svg+xml", "/console.json": "application/json; charset=utf-8"}
TOKENS = "/console-tokens.json"
#: What a browser sends that asks from the console itself.
OWN_PAGE = {"Sec-Fetch-Site": "same-origin"}


def serve(shared_httpd, authority, name, *defines):
    """A server with that sample API and its console."""
    port = free_port()
    with Issuer(authority, audience=AUDIENCE) as tenant:
        server = shared_httpd(
            f"Auth0CAFile {tenant.ca_file}\nDefine {APIS[name]['define']} {port}\n"
            # Someone else's files, which the console must not open.
            "RemoteIPHeader X-Client\nRemoteIPInternalProxy 127.0.0.1\n"
            "<Directory />\nRequire all denied\nAllowOverride None\n</Directory>\n"
            "Define AUTH0_CONSOLE ${ROOT}/console\n"
            "Define AUTH0_CONSOLE_FACTS ${ROOT}/facts.json\n"
            + "".join(f"Define {define}\n" for define in defines)
            + f"Include {CONF}/{name}.conf\n",
            modules=("remoteip",),
            env={"AUTH0_DOMAIN": tenant.domain, "AUTH0_AUDIENCE": AUDIENCE,
                 "CLIENT_ORIGIN_URL": ORIGIN},
            files={"facts.json": '{"title": "facts"}', "tokens.json": '["the tokens"]',
                   **{f"console/{path.name}": path.read_bytes()
                      for path in (CONF / "console").iterdir()}})
        server.api_port = port
        return server


@pytest.fixture(scope="module", params=APIS)
def console(request, authority, shared_httpd):
    return serve(shared_httpd, authority, request.param,
                 "AUTH0_CONSOLE_TOKENS ${ROOT}/tokens.json")


@pytest.fixture(scope="module")
def of_a_tenant(authority, shared_httpd):
    return serve(shared_httpd, authority, "hello-world")


@pytest.fixture(scope="module")
def published(authority, shared_httpd):
    return serve(shared_httpd, authority, "hello-world",
                 "AUTH0_CONSOLE_TOKENS ${ROOT}/tokens.json", "AUTH0_CONSOLE_PUBLISHED")


def ask(server, path, headers=(), method="GET"):
    return server.request(method, path, None, headers, port=server.api_port)


def assert_security(answer):
    for name, value in SECURITY.items():
        assert answer.all(name) == [value], f"{name}: {answer.all(name)}"


@pytest.mark.parametrize("path", PAGE)
def test_each_part_of_the_page_has_its_type_and_the_apis_headers(console, path):
    for method in ("GET", "HEAD"):
        answer = ask(console, path, method=method)
        assert answer.status == 200, repr(answer)
        assert answer.all("Content-Type") == [PAGE[path]]
        assert_security(answer)
        assert bool(answer.body) == (method == "GET")


def test_the_page_needs_nothing_that_its_policy_forbids(console):
    page = ask(console, "/").text
    for forbidden in ("<style", "style=", "onclick", "javascript:", "http:", "https:", "//"):
        assert forbidden not in page, forbidden
    assert page.count("<script") == 1 and '<script type="module" src="/console.js">' in page
    for path in ("/console.js", "/console-token.mjs"):
        script = ask(console, path).text
        for forbidden in ("innerHTML", "outerHTML", "insertAdjacentHTML", "eval(",
                          "document.write", "localStorage", "sessionStorage", "cookie"):
            assert forbidden not in script, (path, forbidden)


def test_the_clients_origin_may_call_the_api_and_not_read_the_console(console):
    for path in (*PAGE, TOKENS):
        answer = ask(console, path, {"Origin": ORIGIN, **OWN_PAGE})
        assert answer.status == 200
        assert answer.all("Access-Control-Allow-Origin") == [], path
        answer = ask(console, path, {"Origin": ORIGIN, "Access-Control-Request-Method": "GET"},
                     method="OPTIONS")
        assert answer.all("Access-Control-Allow-Origin") == [], path
    public = next(row for row in APIS.values()
                  if ask(console, row["public"][0]).status == 200)["public"][0]
    answer = ask(console, public, {"Origin": ORIGIN})
    assert answer.header("Access-Control-Allow-Origin") == ORIGIN


@pytest.mark.parametrize("path", ["/index.html", "/console", "/console.conf", "/console/",
                                  "/console.html", "/console-token.json", "/console-tokens.js",
                                  "/console.js/", "/console.js.map", "/facts.json",
                                  "/tokens.json", "/console%2Ejs%00", "/icons/"])
def test_nothing_else_of_its_folder_is_there(console, path):
    answer = ask(console, path, OWN_PAGE)
    assert (answer.status, answer.body) == (404, b'{"message":"Not Found"}')
    assert_security(answer)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "[::1]"])
def test_a_page_of_this_computer_gets_the_development_tokens(console, host):
    for port in ("", ":6060", f":{console.api_port}"):
        answer = ask(console, TOKENS, {"Host": host + port, **OWN_PAGE})
        assert (answer.status, answer.json()) == (200, ["the tokens"])
        assert answer.all("Content-Type") == ["application/json; charset=utf-8"]
        assert_security(answer)


def assert_no_tokens(answer):
    assert (answer.status, answer.body) == (403, b'{"message":"Forbidden"}')
    assert_security(answer)


@pytest.mark.parametrize("host", [
    "evil.example.com", "localhost.evil.example.com", "evil-localhost", "localhost.",
    "x.localhost", "127.0.0.1.evil.example.com", "127.0.0.2", "[::2]", "0.0.0.0", "::1"])
def test_another_name_of_this_address_gets_no_tokens(console, host):
    for port in ("", f":{console.api_port}"):
        answer = ask(console, TOKENS, {"Host": host + port, **OWN_PAGE})
        # httpd itself refuses what is no name or address at all.
        if answer.status != 400:
            assert_no_tokens(answer)


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none", "", "same-origin, none",
                                  "Same-Origin", None])
def test_a_request_that_no_page_of_ours_made_gets_no_tokens(console, site):
    assert_no_tokens(ask(console, TOKENS, {} if site is None else {"Sec-Fetch-Site": site}))
    # The page itself is no secret.
    assert ask(console, "/", {} if site is None else {"Sec-Fetch-Site": site}).status == 200


def test_two_values_of_that_header_are_not_the_one(console):
    assert_no_tokens(ask(console, TOKENS, [("Sec-Fetch-Site", "cross-site"),
                                           ("Sec-Fetch-Site", "same-origin")]))


@pytest.mark.parametrize("address", ["192.0.2.1", "128.0.0.1", "10.0.0.1", "2001:db8::1"])
def test_another_computer_gets_no_tokens_whatever_it_claims(console, published, address):
    """mod_remoteip makes the request one of another computer."""
    headers = {"Host": f"localhost:{console.api_port}", "X-Client": address, **OWN_PAGE}
    assert_no_tokens(ask(console, TOKENS, headers))
    assert ask(console, "/", headers).status == 200
    # In a container each request comes from another address: Host alone must do.
    assert ask(published, TOKENS, headers).json() == ["the tokens"]
    assert_no_tokens(ask(published, TOKENS, {**headers, "Host": "evil.example.com"}))


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1"])
def test_this_computer_gets_them_by_each_of_its_addresses(console, address):
    assert ask(console, TOKENS, {"X-Client": address, **OWN_PAGE}).status == 200


def test_with_a_tenant_there_are_no_tokens_to_get(of_a_tenant):
    assert ask(of_a_tenant, "/").status == 200
    answer = ask(of_a_tenant, TOKENS, OWN_PAGE)
    assert answer.status == 404


def test_without_the_define_there_is_no_console(authority, shared_httpd):
    port = free_port()
    with Issuer(authority, audience=AUDIENCE) as tenant:
        server = shared_httpd(
            f"Auth0CAFile {tenant.ca_file}\nDefine HELLO_WORLD_PORT {port}\n"
            f"Include {CONF}/hello-world.conf\n",
            env={"AUTH0_DOMAIN": tenant.domain, "AUTH0_AUDIENCE": AUDIENCE})
        server.api_port = port
        for path in (*PAGE, TOKENS):
            answer = ask(server, path, OWN_PAGE)
            assert (answer.status, answer.body) == (404, b'{"message":"Not Found"}')
