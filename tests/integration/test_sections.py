"""Requirements in sections of every kind: what is in them is protected, and no more."""

import pytest

from support import requirement_model as model
from support.conf import PROXY, assert_accepted, location, proxied, trust
from support.outcome import TELLING, assert_outcome
from support.refusal import assert_refusal
from support.tokens import tampered

A, B = "auth0-permission read:a", "auth0-scope read:b"
HAS_A = {"permissions": ["read:a"]}
HAS_B = {"scope": "read:b"}


def closing(section):
    names = [line.split()[0].strip("<>") for line in section.splitlines()
             if line.startswith("<") and not line.startswith("</")]
    closed = [line[2:-1] for line in section.splitlines() if line.startswith("</")]
    return "".join(f"</{name}>\n" for name in reversed(names) if name not in closed)


# ---- Limit and LimitExcept ---------------------------------------------------------


@pytest.fixture(scope="module")
def limited(shared_httpd, issuer, shared_backend):
    def limit(path, section, text):
        return location(path, f"<{section}>", text, f"</{section.split()[0]}>",
                        require=None)

    return shared_httpd(
        trust(issuer) + proxied(shared_backend) + TELLING
        + limit("/limit", "Limit GET POST", f"Require {A}")
        + limit("/except", "LimitExcept GET", f"Require {A}")
        + limit("/except-all", "LimitExcept GET",
                f"<RequireAll>\nRequire {A}\nRequire {B}\n</RequireAll>")
        + location("/both", "<Limit GET>", f"Require {A}", "</Limit>",
                   "<LimitExcept GET>", f"Require {B}", "</LimitExcept>", require=None)
        + location("/beside", "<Limit POST>", f"Require {A}", "</Limit>"),
        modules=PROXY)


@pytest.mark.parametrize("path, methods, free", [
    # HEAD is GET to httpd; a method that it does not know is none of those named.
    ("/limit", ("GET", "HEAD", "POST"), ("PUT", "DELETE", "OPTIONS")),
    ("/except", ("POST", "PUT", "DELETE", "OPTIONS"), ("GET", "HEAD"))])
def test_f2_limited_to_methods_a_requirement_asks_for_a_token_in_those_alone(
        limited, issuer, backend, path, methods, free):
    for method in methods:
        answer = limited.request(method, path)
        assert_refusal(answer, "E1", method=method, backend=backend)
        answer = limited.request(method, path, issuer.mint())
        assert_refusal(answer, "E4", scope="read:a", method=method, backend=backend)
        answer = limited.request(method, path, issuer.mint(**HAS_A))
        assert_outcome(answer, backend, "OK", user=model.USER)
    for method in free:
        for token in (None, issuer.mint(**HAS_A), tampered(issuer.mint())):
            assert_outcome(limited.request(method, path, token), backend, "open")


def test_f2_a_method_that_nobody_knows_is_outside_of_limit_and_inside_of_limitexcept(
        limited, issuer, backend):
    assert limited.request("BREW", "/limit").status not in (401, 403)
    backend.hits.clear()
    assert_refusal(limited.request("BREW", "/except"), "E1", backend=backend)
    assert_refusal(limited.request("BREW", "/except", issuer.mint()), "E4", scope="read:a",
                   backend=backend)


def test_f2_every_method_may_have_a_requirement_of_its_own(limited, issuer, backend):
    for method, right, wrong, scope in (("GET", HAS_A, HAS_B, "read:a"),
                                        ("PUT", HAS_B, HAS_A, "read:b")):
        assert_refusal(limited.request(method, "/both"), "E1", backend=backend)
        assert_refusal(limited.request(method, "/both", issuer.mint(**wrong)), "E4",
                       scope=scope, backend=backend)
        assert_outcome(limited.request(method, "/both", issuer.mint(**right)), backend,
                       "OK", user=model.USER)


def test_f2_a_limited_line_is_an_alternative_to_those_beside_it(limited, issuer, backend):
    """Require valid-user and, for POST alone, a permission: any valid token may POST."""
    for method in ("GET", "POST"):
        assert_refusal(limited.request(method, "/beside"), "E1", backend=backend)
        assert_outcome(limited.request(method, "/beside", issuer.mint()), backend, "OK",
                       user=model.USER)


def test_f2_sections_inside_of_limitexcept_are_limited_with_it(limited, issuer, backend):
    assert_outcome(limited.get("/except-all"), backend, "open")
    assert_refusal(limited.request("PUT", "/except-all"), "E1", backend=backend)
    assert_refusal(limited.request("PUT", "/except-all", issuer.mint(**HAS_A)), "E4",
                   scope="read:b", backend=backend)
    answer = limited.request("PUT", "/except-all", issuer.mint(**HAS_A, **HAS_B))
    assert_outcome(answer, backend, "OK", user=model.USER)


@pytest.mark.parametrize("text", [
    "Require LINE", "<RequireAll>\nRequire LINE\nRequire valid-user\n</RequireAll>",
    "<RequireAny>\n<RequireAll>\nRequire LINE\n</RequireAll>\n</RequireAny>"],
    ids=["a line", "in requireall", "deeper"])
@pytest.mark.parametrize("line", [A, B, "auth0-org acme", "auth0-client a", "auth0-claim c"],
                         ids=lambda line: line.split()[0])
def test_f2_only_limit_warns_of_the_methods_that_it_leaves_open(bench, text, line):
    for section, warns in (("Limit GET", True), ("LimitExcept GET", False)):
        bench.configure("Auth0Domain tenant.us.auth0.com\nAuth0Audience a\n" + location(
            "/x", f"<{section}>", text.replace("LINE", line), closing(f"<{section}>"),
            require=None))
        status, output = bench.configtest()
        assert status == 0
        warned = [said for said in output.splitlines() if ":warn]" in said]
        assert any(line in said and f"<{section}>" in said for said in warned) == warns
        assert warns or not warned, output


# ---- the other sections ------------------------------------------------------------

#: A section, what is in it and what is not: (path, header fields).
SECTIONS = {
    '<Files "*.secret">': (("/x/a.secret",), ("/x/a.page",)),
    '<FilesMatch "\\.secret$">': (("/x/a.secret",), ("/x/a.page",)),
    '<DirectoryMatch "/m[0-9]+(/|$)">': (("/m12/a.page",), ("/x/a.page",)),
    '<LocationMatch "^/[xy]/a\\.s">': (("/x/a.secret",), ("/x/a.page",)),
    '<Location ~ "secret$">': (("/x/a.secret",), ("/x/a.page",)),
    '<Directory "${DOCS}/*2">': (("/m12/a.page",), ("/x/a.page",)),
    "<If \"%{HTTP:X-Stage} == 'live'\">": (("/x/a.page", {"X-Stage": "live"}),
                                           ("/x/a.page",)),
    '<If "%{REQUEST_URI} =~ /secret/">': (("/x/a.secret",), ("/x/a.page",)),
    '<Directory "${DOCS}/x">\n<Files "a.secret">': (("/x/a.secret",), ("/m12/a.page",)),
    '<Location "/x">\n<If "%{QUERY_STRING} == \'s\'">': (("/x/a.page?s",), ("/x/a.page",)),
    "<If \"%{HTTP:X-Stage} == 'open'\">\nRequire all granted\n</If>\n"
    "<ElseIf \"%{REQUEST_URI} =~ /secret/\">": (
        ("/x/a.secret",), ("/x/a.secret", {"X-Stage": "open"})),
    "<If \"%{HTTP:X-Stage} == 'open'\">\nRequire all granted\n</If>\n<Else>": (
        ("/x/a.page",), ("/x/a.page", {"X-Stage": "open"})),
}


@pytest.mark.parametrize("trusting", ["trust inside", "trust outside"])
@pytest.mark.parametrize("section", SECTIONS, ids=lambda text: text.replace("\n", " "))
def test_a_section_of_any_kind_protects_what_is_in_it_and_nothing_else(
        httpd, issuer, section, trusting):
    """With the lines of trust in the section itself, and at the server's level."""
    inside, outside = SECTIONS[section]
    lines = ["AuthType Auth0", f"Require {A}"]
    two = [f"Auth0Domain {issuer.domain}", f"Auth0Audience {issuer.audience}"]
    if trusting == "trust inside":
        lines, two = lines + two, []
    server = httpd("\n".join([f"Auth0CAFile {issuer.ca_file}", *two, section, *lines])
                   + "\n" + closing(section),
                   files={f"htdocs/{folder}/a.{kind}": "page" for folder in ("x", "m12")
                          for kind in ("page", "secret")}, log_level="warn")
    path, *headers = inside
    headers = headers[0] if headers else {}
    assert_refusal(server.get(path, headers=headers), "E1")
    assert_refusal(server.get(path, issuer.mint(), headers), "E4", scope="read:a")
    answer = server.get(path, issuer.mint(**HAS_A), headers)
    assert answer.status == 200 and answer.text == "page", repr(answer)
    for token in (None, issuer.mint(), tampered(issuer.mint())):
        answer = server.get(outside[0], token, *outside[1:])
        assert answer.status == 200 and answer.text == "page", repr(answer)
    assert ":warn]" not in server.all_logs(), server.all_logs()


def test_an_if_section_may_ask_for_more_than_what_is_around_it(httpd, issuer, backend):
    """<If> comes last: what it requires replaces the rest, or is merged with it."""
    server = httpd(
        trust(issuer) + proxied(backend) + TELLING
        + location("/x", "<If \"%{REQUEST_METHOD} == 'PUT'\">", f"    Require {A}",
                   "</If>", "<ElseIf \"%{REQUEST_METHOD} == 'DELETE'\">",
                   "    AuthMerging And", f"    Require {A}", "</ElseIf>", require=B)
        + location("/x/other", "<If \"%{REQUEST_METHOD} == 'PUT'\">",
                   "    Auth0Audience https://other.example.com", "</If>", require=B),
        modules=PROXY)
    has_a, has_b = issuer.mint(**HAS_A), issuer.mint(**HAS_B)
    assert_outcome(server.get("/x", has_b), backend, "OK", user=model.USER)
    assert_outcome(server.get("/x", has_a), backend, "E4", ["read:b"])
    assert_outcome(server.request("PUT", "/x", has_a), backend, "OK", user=model.USER)
    assert_outcome(server.request("PUT", "/x", has_b), backend, "E4", ["read:a"])
    assert_outcome(server.request("DELETE", "/x", has_a), backend, "E4", ["read:b"])
    assert_outcome(server.request("DELETE", "/x", has_b), backend, "E4", ["read:a"])
    answer = server.request("DELETE", "/x", issuer.mint(**HAS_A, **HAS_B))
    assert_outcome(answer, backend, "OK", user=model.USER)
    other = issuer.mint(aud="https://other.example.com", **HAS_A, **HAS_B)
    assert_outcome(server.request("PUT", "/x/other", other), backend, "OK", user=model.USER)
    assert_outcome(server.request("PUT", "/x/other", issuer.mint(**HAS_A)), backend, "E3")
    assert_outcome(server.get("/x/other", other), backend, "E3")


@pytest.mark.parametrize("section", ['<Proxy "BACKEND/p/*">',
                                     '<ProxyMatch "^BACKEND/p/(.*)$">'])
def test_a_proxy_section_protects_what_goes_to_that_service(httpd, issuer, backend,
                                                            section):
    lines = ["AuthType Auth0", f"Require {A}", f"Auth0Audience {issuer.audience}"]
    section = section.replace("BACKEND", backend.url)
    server = httpd(trust(issuer) + proxied(backend) + TELLING + "\n".join(
        [section, *lines]) + "\n" + closing(section), modules=PROXY)
    assert_outcome(server.get("/p/x"), backend, "E1")
    assert_outcome(server.get("/p/x", issuer.mint()), backend, "E4", ["read:a"])
    assert_accepted(server.get("/p/x", issuer.mint(**HAS_A)), backend)
    backend.hits.clear()
    for token in (None, issuer.mint(**HAS_A)):
        assert_outcome(server.get("/q/x", token), backend, "open")
