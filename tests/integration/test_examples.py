"""The examples of docs/directives.md and README.md do what their sections say: requests.

Each is loaded as it stands, with the tests' issuer for the tenant. One that only changes a
value is put beside a protected place that makes the value visible. test_examples_server.py
has the directives of the whole server and those about keys.
"""

import importlib
import re
from pathlib import Path

import pytest

from support import pages, paths
from support.backend import seen_header
from support.conf import PROXY, assert_accepted, location, proxied, trust
from support.pages import README, example, trusting
from support.refusal import assert_refusal
from support.tokens import ABSENT, tampered

AUDIENCE = "https://hello-world.example.com"

#: Examples that a test of another file exercises.
ELSEWHERE = {
    (README, "In httpd.conf"):
        ("test_documentation", "test_the_readmes_example_protects_what_it_says"),
    (pages.DIRECTIVES, "httpd -t -D DUMP_AUTH0"):
        ("test_dump", "test_the_example_of_the_page_prints_what_the_page_says"),
}

#: And those of a package or an image, which tests outside of this folder exercise.
OUTSIDE = {
    ("docs/packages.md", name):
        ("tests/packages/test_deb_life.py",
         "test_an_htaccess_file_protects_the_document_root")
    for name in ("Protect a folder", "Protect a folder 2")}
OUTSIDE["docs/docker.md", "A configuration of your own"] = (
    "tests/image/test_modes.py", "test_mounted_configuration_files_replace_the_sample")


def files(*names):
    return {f"htdocs/{name}": f"the page {name}" for name in names}


def beside(issuer, block, *places):
    """The example behind these protected places; without any, everything is protected."""
    return trust(issuer) + "".join(places or [location("/")]) + block


def statuses(server, path, *tokens):
    return [server.get(path, token).status for token in tokens]


# ---- a place and who gets in -----------------------------------------------------------


@example("mod_auth0_jwt", README)
def test_the_readmes_first_lines_protect_a_place_and_answer_in_json(httpd, issuer, block):
    server = httpd(trusting(issuer, block), files=files("api/data", "index.html"))
    assert server.get("/index.html").text == "the page index.html"
    assert_refusal(server.get("/api/data"), "E1")
    good = issuer.mint(aud=AUDIENCE)
    assert server.get("/api/data", good).text == "the page api/data"
    assert_refusal(server.get("/api/data", tampered(good)), "E3", reason="signature_invalid",
                   server=server)


@example("Require valid-user")
def test_any_valid_token_will_do_whatever_it_grants(httpd, issuer, block):
    server = httpd(trusting(issuer, block), files=files("api"))
    for claims in ({}, {"permissions": ["a"]}, {"scope": "b", "sub": "auth0|1"}):
        assert server.get("/api", issuer.mint(aud=AUDIENCE, **claims)).text == "the page api"
    assert_refusal(server.get("/api"), "E1")
    assert_refusal(server.get("/api", headers={"Authorization": "Basic YTpi"}), "E1")
    assert_refusal(server.get("/api", "a b"), "E2")
    assert_refusal(server.get("/api", issuer.mint(aud=AUDIENCE, exp_in=-60)), "E3",
                   reason="expired")


@example("Auth0Domain")
def test_tokens_of_the_domain_are_accepted_and_no_others(httpd, issuer, block):
    server = httpd(trusting(issuer, block) + location("/page", audience=None),
                   files=files("page"))
    assert server.get("/page", issuer.mint(aud=AUDIENCE)).status == 200
    for iss in (issuer.iss.rstrip("/"), "https://other.us.auth0.com/"):
        assert_refusal(server.get("/page", issuer.mint(aud=AUDIENCE, iss=iss)), "E3",
                       reason="issuer_unknown")
    assert {path for _, path in issuer.requests} == {"/.well-known/jwks.json"}


@example("Auth0Audience")
def test_a_sections_audience_replaces_the_servers(httpd, issuer, block):
    server = httpd(trusting(issuer, block) + location("/hello", audience=None),
                   files=files("hello", "orders"))
    orders = "https://orders.example.com"
    assert statuses(server, "/hello", issuer.mint(aud=AUDIENCE), issuer.mint(aud=[AUDIENCE])) \
        == [200, 200]
    assert server.get("/orders", issuer.mint(aud=orders)).status == 200
    for path, other in (("/hello", orders), ("/hello", AUDIENCE + "/"),
                        ("/orders", AUDIENCE), ("/orders", orders + "/")):
        assert_refusal(server.get(path, issuer.mint(aud=other)), "E3",
                       reason="audience_mismatch")


@example("Require auth0-permission")
def test_both_permissions_one_of_two_or_one_and_a_network(httpd, issuer, block):
    # The example's network is nobody's; mod_remoteip lets the tests' client be in it.
    server = httpd("RemoteIPHeader X-Client\nRemoteIPInternalProxy 127.0.0.1\n"
                   + trusting(issuer, block), modules=("remoteip",),
                   files=files("reports", "archive", "admin"))
    inside = {"X-Client": "192.0.2.77"}

    def token(*permissions):
        return issuer.mint(aud=AUDIENCE, permissions=list(permissions))

    read, write = "read:reports", "write:reports"
    assert server.get("/reports", token(write, "other", read)).status == 200
    for held in ((), (read,), (write,), ("READ:reports", write)):
        assert_refusal(server.get("/reports", token(*held)), "E4", scope=f"{read} {write}",
                       reason="permission_missing", server=server)
    assert statuses(server, "/archive", token("read:archive"), token("admin")) == [200, 200]
    assert_refusal(server.get("/archive", token(read)), "E4", scope="read:archive admin",
                   reason="permission_missing")
    assert server.get("/admin", token("admin"), inside).status == 200
    assert_refusal(server.get("/admin", token(read), inside), "E4", scope="admin",
                   reason="permission_missing")
    assert_refusal(server.get("/admin", headers=inside), "E1")
    for outside in ({}, {"X-Client": "192.0.3.1"}):
        assert server.get("/admin", token("admin"), outside).status == 403


@example("Require auth0-scope")
def test_the_scope_has_to_hold_the_word(httpd, issuer, block):
    server = httpd(trusting(issuer, block), files=files("api/private-scoped"))
    for scope in ("read:messages", "openid read:messages email"):
        assert server.get("/api/private-scoped",
                          issuer.mint(aud=AUDIENCE, scope=scope)).status == 200
    for scope in ("read:messages2", ["read:messages"], None, "openid,read:messages"):
        token = issuer.mint(aud=AUDIENCE, scope=scope, permissions=["read:messages"])
        assert_refusal(server.get("/api/private-scoped", token), "E4",
                       scope="read:messages", reason="permission_missing")


@example("Require auth0-org")
def test_the_organization_may_be_told_by_id_or_by_name(httpd, issuer, block):
    server = httpd(trusting(issuer, block), files=files("acme"))
    ours = "org_9ybsU1dN2dKfDkBi"
    for claims in ({"org_id": ours}, {"org_name": "acme"},
                   {"org_id": "org_else", "org_name": "acme"}):
        assert server.get("/acme", issuer.mint(aud=AUDIENCE, **claims)).status == 200
    for claims in ({}, {"org_id": "acme"}, {"org_name": ours}, {"org_name": "Acme"},
                   {"org_id": ours[:-1]}):
        assert_refusal(server.get("/acme", issuer.mint(aud=AUDIENCE, **claims)), "E4",
                       reason="requirement_not_met", server=server)


@example("Require auth0-client")
def test_only_the_nightly_job_gets_in(httpd, issuer, block):
    server = httpd(trusting(issuer, block), files=files("reports/import"))
    job = "mK3brgMY0GIMox40xKWcUZBbv2Xs0YdG"
    for claims in ({"azp": job}, {"azp": ABSENT, "client_id": job},
                   {"azp": "else", "client_id": job}):
        assert server.get("/reports/import",
                          issuer.mint(aud=AUDIENCE, **claims)).status == 200
    for claims in ({}, {"azp": ABSENT}, {"azp": job, "client_id": "else"},
                   {"azp": job.lower()}):
        assert_refusal(server.get("/reports/import", issuer.mint(aud=AUDIENCE, **claims)),
                       "E4", reason="requirement_not_met")


@example("Require auth0-claim")
def test_each_condition_on_a_claim_has_to_be_met(httpd, issuer, block):
    server = httpd(trusting(issuer, block), files=files("team"))
    roles = "https://example.com/roles"
    good = {"email_verified": True, roles: ["viewer", "editor"],
            "email": "ann@example.com", "profile": {"department": "Research and More"}}
    assert server.get("/team", issuer.mint(aud=AUDIENCE, **good)).status == 200
    assert server.get("/team", issuer.mint(aud=AUDIENCE, **{**good, roles: "editor"})) \
        .status == 200
    for name, others in {"email_verified": (False, None, ABSENT),
                         roles: (["editors"], "Editor", ABSENT),
                         "email": ("ann@example.com.evil.org", "ann@exampleXcom", ABSENT),
                         "profile": ({"department": "Research"}, {}, ABSENT)}.items():
        for other in others:
            token = issuer.mint(aud=AUDIENCE, **{**good, name: other})
            assert_refusal(server.get("/team", token), "E4", reason="requirement_not_met")


@example("AUTH0_CLAIM")
def test_a_claim_decides_in_an_expression(httpd, issuer, block):
    server = httpd(trusting(issuer, block), files=files("api/data"))
    plans = [server.get("/api/data", issuer.mint(
        aud=AUDIENCE, **{"https://example.com/plan": plan})).header("X-Plan")
        for plan in ("free", "gold", None)]
    assert plans == ["free", None, None]
    refused = server.get("/api/data", tampered(issuer.mint(
        aud=AUDIENCE, **{"https://example.com/plan": "free"})))
    assert_refusal(refused, "E3", reason="signature_invalid")
    assert refused.header("X-Plan") is None


# ---- messages and errors ---------------------------------------------------------------


@example("auth0-message")
def test_the_handler_answers_those_who_may_ask(httpd, issuer, block):
    server = httpd(trusting(issuer, block))
    good, body = issuer.mint(aud=AUDIENCE), b'{"message":"Hello, whoever you are."}'
    answer = server.get("/hello", good)
    assert (answer.status, answer.body) == (200, body)
    assert answer.header("Content-Type") == "application/json; charset=utf-8"
    answer = server.head("/hello", good)
    assert (answer.status, answer.body) == (200, b"")
    answer = server.request("OPTIONS", "/hello", good)
    assert answer.status == 200 and "GET" in answer.header("Allow")
    assert server.request("POST", "/hello", good, body=b"x").status == 405
    assert_refusal(server.get("/hello"), "E1")


@example("Auth0Message")
def test_a_public_message_stands_in_a_protected_place(httpd, issuer, block):
    server = httpd(beside(issuer, block, location("/api")))
    answer = server.get("/api/messages/public")
    assert answer.status == 200
    assert answer.json() == {"message": "The API doesn't require an access token to share "
                                        "this message."}
    assert_refusal(server.get("/api/messages/private"), "E1")


@example("Auth0ErrorBody")
def test_errors_that_others_decide_become_json_there(httpd, issuer, block):
    server = httpd(beside(issuer, block), files=files("api/data"))
    good = issuer.mint()
    answer = server.get("/api/missing", good)
    assert (answer.status, answer.body) == (404, b'{"message":"Not Found"}')
    assert answer.header("Content-Type") == "application/json; charset=utf-8"
    answer = server.request("PUT", "/api/data", good, body=b"x")
    assert (answer.status, answer.json()) == (405, {"message": "Method Not Allowed"})
    assert_refusal(server.get("/api/missing"), "E1")
    answer = server.get("/missing", good)
    assert answer.status == 404 and b"<html>" in answer.body
    assert_refusal(server.get("/missing"), "E1")


@example("Auth0CORSOrigin")
def test_listed_origins_may_call_and_ask_before(httpd, issuer, block):
    server = httpd(beside(issuer, block), files=files("api", "other"))

    def preflight(path, origin):
        return server.request("OPTIONS", path, headers={
            "Origin": origin, "Access-Control-Request-Method": "GET",
            "Access-Control-Request-Headers": "authorization"})

    for origin in ("http://localhost:4040", "https://app.example.com"):
        answer = preflight("/api", origin)
        assert answer.status == 204
        assert answer.header("Access-Control-Allow-Methods") == "GET"
        assert re.split(", *", answer.header("Access-Control-Allow-Headers").lower()) == \
            ["authorization", "content-type"]
        assert answer.header("Access-Control-Max-Age") == "86400"
        for token, status in ((None, 401), (issuer.mint(), 200)):
            answer = server.get("/api", token, {"Origin": origin})
            assert answer.status == status
            assert answer.header("Access-Control-Allow-Origin") == origin
            assert "Origin" in answer.header("Vary")
    assert_refusal(preflight("/api", "https://evil.example.com"), "E1")
    assert_refusal(preflight("/other", "https://app.example.com"), "E1")
    answer = server.get("/api", issuer.mint(), {"Origin": "https://evil.example.com"})
    assert answer.header("Access-Control-Allow-Origin") is None
    assert "Origin" in answer.header("Vary")


@example("Auth0ReportOnly")
def test_a_shop_in_use_goes_on_and_the_log_says_what_would_be(httpd, issuer, backend, block):
    server = httpd(beside(issuer, block) + proxied(backend)
                   + 'LogFormat "%U %>s %{AUTH0_REPORT}e" report\n'
                   "CustomLog logs/access.log report\n", modules=PROXY)
    assert "Auth0ReportOnly is On in " in server.log()
    bad = issuer.mint(exp_in=-60)
    for token, user in ((issuer.mint(), "client-1@clients"), (None, ""), (bad, "")):
        assert server.get("/shop", token).status == 200
        assert (seen_header(backend.hits[-1], "X-Remote-User") or [""]) == [user]
    server.wait_for_access("/shop 200 -")
    server.wait_for_access("/shop 200 no_credentials")
    server.wait_for_access("/shop 200 expired")
    for reason in ("no_credentials", "expired"):
        assert f"/shop would have been refused ({reason}; 1 so far)" in server.log()
    backend.hits.clear()
    assert_refusal(server.get("/other", bad), "E3", reason="expired", backend=backend)


# ---- what is read and what is passed on ------------------------------------------------


@example("Auth0TokenProfile")
def test_payments_take_tokens_of_the_strict_profile_alone(httpd, issuer, block):
    server = httpd(beside(issuer, block), files=files("payments", "other"))
    for typ in ("at+jwt", "application/at+jwt", "AT+JWT"):
        token = issuer.mint(header={"typ": typ})
        assert statuses(server, "/payments", token) + statuses(server, "/other", token) == \
            [200, 200]
    for typ in ("JWT", ABSENT):
        token = issuer.mint(header={"typ": typ})
        assert_refusal(server.get("/payments", token), "E3", reason="type_mismatch")
        assert server.get("/other", token).status == 200
    for path in ("/payments", "/other"):
        assert_refusal(server.get(path, issuer.mint(header={"typ": "logout+jwt"})), "E3",
                       reason="type_mismatch")


@example("Auth0TokenSource")
def test_downloads_take_a_cookie_too_and_hide_the_token(httpd, issuer, backend, block):
    server = httpd(beside(issuer, block) + proxied(backend), modules=PROXY)
    good = issuer.mint()
    cookie = {"Cookie": f"theme=dark; access_token={good}"}
    answer = assert_accepted(server.get("/downloads", headers=cookie), backend)
    assert answer.header("Cache-Control") == "private"
    assert seen_header(backend.hits.pop(), "Cookie") == ["theme=dark"]
    assert_accepted(server.get("/downloads", good), backend)
    assert seen_header(backend.hits.pop(), "Authorization") == []
    assert_refusal(server.get("/downloads", good, cookie), "E2", reason="token_repeated")
    assert_refusal(server.get("/downloads", headers={
        "Cookie": f"access_token={tampered(good)}"}), "E3", reason="signature_invalid")
    assert_refusal(server.get(f"/downloads?access_token={good}"), "E1")
    assert_refusal(server.get("/other", headers=cookie), "E1", backend=backend)


@example("Auth0UserClaim")
def test_a_claim_of_ones_own_is_the_user(httpd, issuer, block):
    email = "https://example.com/email"
    server = httpd(beside(issuer, block, location("/reports", require="user ann@example.com"),
                          location("/other"))
                   + 'Header set X-User "expr=%{REMOTE_USER}"\n'
                   'Header set X-Type "expr=%{AUTH_TYPE}"\n', files=files("reports", "other"))
    ann = issuer.mint(**{email: "ann@example.com"})
    answer = server.get("/reports", ann)
    assert answer.status == 200
    assert (answer.header("X-User"), answer.header("X-Type")) == ("ann@example.com", "Bearer")
    server.wait_for_access("ann@example.com 200 GET /reports HTTP/1.1")
    assert server.get("/other", ann).header("X-User") == "client-1@clients"
    assert_refusal(server.get("/reports", issuer.mint(**{email: "bob@example.com"})), "E4",
                   reason="requirement_not_met")
    for value in (ABSENT, "", "a\nb", 7, "x" * 256):
        assert_refusal(server.get("/reports", issuer.mint(**{email: value})), "E3",
                       reason="user_claim_invalid")


@example("Auth0PassClaims")
def test_the_claims_are_variables_in_that_place(httpd, issuer, block):
    names = ("AUTH0_CLAIM_email", "AUTH0_CLAIM_permissions", "AUTH0_PLAN")
    server = httpd(beside(issuer, block) + "SetEnv AUTH0_PLAN platinum\n"
                   + "".join(f'Header set {name} "%{{{name}}}e"\n' for name in names),
                   files=files("app", "other"))

    def seen(path, **claims):
        answer = server.get(path, issuer.mint(**claims))
        assert answer.status == 200
        return [answer.header(name) for name in names]

    plan = {"https://example.com/plan": "gold"}
    assert seen("/app", email="ann@example.com", permissions=["a", "b"], **plan) == \
        ["ann@example.com", '["a","b"]', "gold"]
    # A claim that is not there leaves nothing, also of what something else had set.
    assert seen("/app", email="a\nb") == ["(null)", "(null)", "(null)"]
    assert seen("/other", email="ann@example.com", **plan) == \
        ["(null)", "(null)", "platinum"]


@example("Auth0PassHeaders")
def test_the_back_end_gets_claims_that_no_client_can_bring(httpd, issuer, backend, block):
    server = httpd(beside(issuer, block, location("/orders")) + proxied(backend),
                   modules=PROXY)
    names = ("X-User", "X-Email", "X-Permissions")
    forged = {"x-user": "mallory", "X_Email": "m@example.com", "X-Permissions": "all"}

    def seen(path, token=None):
        assert server.get(path, token, forged).status == 200
        hit = backend.hits.pop()
        return [seen_header(hit, name) + seen_header(hit, name.replace("-", "_"))
                for name in names]

    token = issuer.mint(sub="auth0|1", email="ann@exämple.com", permissions=["a", "b"])
    assert seen("/orders", token) == [["auth0|1"], ["ann@ex%C3%A4mple.com"], ['["a","b"]']]
    assert seen("/orders", issuer.mint(sub="auth0|2")) == [["auth0|2"], [], []]
    assert seen("/public") == [[], [], []]


@example("Auth0PassToken")
def test_the_old_service_does_not_get_the_token(httpd, issuer, backend, block):
    server = httpd(beside(issuer, block) + proxied(backend), modules=PROXY)
    good = issuer.mint()
    for path, passed in (("/legacy", []), ("/other", [f"Bearer {good}"])):
        assert_accepted(server.get(path, good), backend)
        assert seen_header(backend.hits.pop(), "Authorization") == passed
    assert_refusal(server.get("/legacy"), "E1", backend=backend)


# ---- the pages themselves --------------------------------------------------------------


def not_exercised(page, text, exercised):
    return [name for name in pages.examples_of(text) if (page, name) not in exercised]


#: docs/guide.md has a check of its own.
PAGES = sorted(f"docs/{page.name}" for page in (paths.TOP / "docs").glob("*.md")
               if page.name != "guide.md") + [README]


@pytest.mark.parametrize("page", PAGES)
def test_every_example_is_loaded_by_a_test(page):
    for file in sorted(Path(__file__).parent.glob("test_examples*.py")):
        importlib.import_module(file.stem)
    text, exercised = pages.read(page), pages.EXERCISED | {*ELSEWHERE, *OUTSIDE}
    assert len(pages.examples_of(text)) == len(pages.blocks(text))
    assert not_exercised(page, text, exercised) == []
    more = "\n## New\n\n```apache\nAuth0Leeway 1\n```\n```apache\nAuth0Leeway 2\n```\n"
    assert not_exercised(page, text + more, exercised) == ["New", "New 2"]


@pytest.mark.parametrize("page, name", ELSEWHERE)
def test_an_example_that_another_file_has_is_really_tested_there(page, name):
    module, test = ELSEWHERE[page, name]
    assert callable(getattr(importlib.import_module(module), test))
    assert name in pages.examples_of(pages.read(page))
    assert (page, name) not in pages.EXERCISED


@pytest.mark.parametrize("page, name", OUTSIDE)
def test_an_example_that_is_tested_outside_is_read_from_its_page_there(page, name):
    file, test = OUTSIDE[page, name]
    source = (paths.TOP / file).read_text("utf-8")
    assert f'"{page}"' in source and f"\ndef {test}(" in source
    assert name in pages.examples_of(pages.read(page))
