"""The recipes of docs/guide.md keep their word: trust, requirements, static files.

Each is loaded as it stands and asked by its own curl lines (see support/guide.py); a test
adds what the page does not say in a status. test_guide_services.py has those with a
service behind.
"""

import importlib
import re
import subprocess
from pathlib import Path

import pytest

from support import guide, pages
from support.backend import seen_header
from support.guide import AUDIENCE, recipe, serve  # noqa: F401 (a fixture)
from support.paths import TOOL
from support.refusal import assert_refusal
from support.tokens import ABSENT, tampered

APP = "https://example.com/app"
ROLES = "https://example.com/roles"


def page(*names):
    return {f"htdocs/{name}": f"the page {name}" for name in names}


# ---- static files and paths ------------------------------------------------------------


@recipe("Static site")
def test_a_static_site_is_protected(serve, issuer):
    server = serve({"/var/www/site": "${DOCS}"}, page("report.csv"),
                   good=issuer.mint(aud=AUDIENCE))
    assert_refusal(server.get("/report.csv"), "E1")
    assert_refusal(server.get("/missing.csv"), "E1")
    assert_refusal(server.get("/report.csv", issuer.mint()), "E3",
                   reason="audience_mismatch")


@recipe("Static site")
def test_a_location_opens_what_a_directory_protects(serve, issuer):
    """What the recipe warns of."""
    opened = '<Location "/open">\n    Require all granted\n</Location>\n'
    server = serve({"/var/www/site": "${DOCS}"}, page("report.csv", "open"), opened,
                   good=issuer.mint(aud=AUDIENCE))
    assert server.get("/open").text == "the page open"


@recipe("Static site with .htaccess")
def test_a_static_site_is_protected_by_its_own_file(serve, issuer):
    server = serve(files=page("report.csv"), good=issuer.mint(aud=AUDIENCE))
    assert_refusal(server.get("/report.csv"), "E1")
    assert_refusal(server.get("/report.csv", issuer.mint()), "E3",
                   reason="audience_mismatch")


@recipe("Pages in a browser, by cookie")
def test_a_cookie_opens_pages_and_without_one_the_login_page_comes(serve, issuer):
    good = issuer.mint(aud=AUDIENCE)
    server = serve(files=page("login.html", "members/index.html"), good=good)
    for headers in ({}, {"Cookie": f"access_token={tampered(good)}"},
                    {"Cookie": f"access_token={issuer.mint(aud=AUDIENCE, exp_in=-60)}"}):
        answer = server.get("/members/", headers=headers)
        assert answer.status == 401 and answer.text == "the page login.html"
        assert answer.header("WWW-Authenticate").startswith("Bearer realm=")
    answer = server.get("/members/index.html", headers={"Cookie": f"access_token={good}"})
    assert answer.text == "the page members/index.html"
    assert answer.header("Cache-Control") == "private"


@recipe("Pages in a browser, by cookie")
def test_a_service_behind_sees_neither_the_cookie_nor_the_header(serve, issuer, backend):
    good = issuer.mint(aud=AUDIENCE)
    server = serve(before=f"ProxyPass /members {backend.url}/members\n", good=good,
                   files=page("login.html"), modules=("proxy", "proxy_http"))
    assert len(backend.hits) == 2
    cookies = {"Cookie": f"theme=dark; access_token={good}"}
    assert server.get("/members/", headers=cookies).status == 200
    assert seen_header(backend.hits[2], "Cookie") == ["theme=dark"]
    assert good[-30:] not in str(backend.hits)


@recipe("One public path in a protected tree")
def test_one_path_is_public_and_nothing_beside_it(serve, issuer):
    server = serve(files=page("health", ".well-known/security.txt", "index.html", "healthz",
                              "health2/x"), good=issuer.mint(aud=AUDIENCE))
    assert server.get("/health").text == "the page health"
    for path in ("/healthz", "/health/", "/health2/x", "/.well-known/", "/HEALTH",
                 "/health/../index.html", "/health/..;/index.html", "/health;/../index.html",
                 "//index.html", "/.well-known/security.txt/../../index.html",
                 "/.well-knownXsecurity.txt", "/index.html%0a/health", "/x/health"):
        answer = server.get(path)
        assert answer.status in (401, 404) and b"the page" not in answer.body, path
    assert_refusal(server.get("/health/../index.html"), "E1")


@recipe("OPTIONS without a token")
def test_options_needs_no_token_and_all_else_does(serve, issuer):
    server = serve(files=page("api/data"), good=issuer.mint(aud=AUDIENCE))
    answer = server.request("OPTIONS", "/api/data")
    assert "GET" in answer.header("Allow") and answer.body == b""
    for method in ("GET", "HEAD", "POST", "PUT", "PROPFIND", "options"):
        assert_refusal(server.request(method, "/api/data"), "E1", method=method)


# ---- who gets in -----------------------------------------------------------------------


@recipe("Programs only")
def test_only_the_named_programs_get_in(serve, issuer):
    first, second = "mK3brgMY0GIMox40xKWcUZBbv2Xs0YdG", "Jq8Zt0cSxW4nB7vLr2DkHf6Yp1EoUa9M"

    def token(azp, gty="client-credentials", **more):
        return issuer.mint(aud=AUDIENCE, azp=azp, gty=gty, **more)

    server = serve(files=page("import"), good=token(first), poor=token("another"))
    assert server.get("/import", token(second)).status == 200
    # A person, logged in by way of that very application.
    for gty in (ABSENT, "password", ["refresh_token"]):
        assert_refusal(server.get("/import", token(first, gty, sub="auth0|1")), "E4",
                       reason="requirement_not_met")
    assert_refusal(server.get("/import", token(ABSENT, client_id="another")), "E4")


@recipe("Programs only")
def test_any_program_gets_in_without_the_line_of_clients(serve, issuer, example):
    (line,) = [line for line in example.configurations[0].splitlines()
               if "auth0-client" in line]
    server = serve({line: ""}, page("import"), good=issuer.mint(aud=AUDIENCE, azp="any"),
                   poor=issuer.mint(aud=AUDIENCE, gty=ABSENT))
    assert_refusal(server.get("/import"), "E1")


@recipe("One organization only")
def test_only_one_organization_gets_in(serve, issuer):
    ours = "org_9ybsU1dN2dKfDkBi"

    def token(permissions=("read:reports",), **claims):
        return issuer.mint(aud=AUDIENCE, permissions=list(permissions), **claims)

    server = serve(files=page("acme/index.html"), good=token(org_id=ours),
                   poor=token(org_id="org_another"))
    for poor in (token(), token(org_name=ours), token(org_id=ours.lower()),
                 token(org_id=[ours])):
        assert_refusal(server.get("/acme/", poor), "E4", reason="requirement_not_met")
    assert_refusal(server.get("/acme/", token((), org_id=ours)), "E4", scope="read:reports",
                   reason="permission_missing")


@recipe("A tenant for each virtual host")
def test_each_virtual_host_has_its_tenant(serve, issuer, ready_issuer):
    us, eu = (issuer.mint(aud="https://us.example.com"),
              ready_issuer.mint(aud="https://eu.example.com"))
    server = serve({"*:443": "*:${PORT}", "tenant.eu.auth0.com": ready_issuer.domain},
                   page("index.html"), us=us, eu=eu)
    host = {"Host": "us.example.com"}
    assert_refusal(server.get("/", eu, host), "E3", reason="issuer_unknown")
    # Each tenant's key, but the other's name or API.
    for token in (ready_issuer.mint(iss=issuer.iss, aud="https://us.example.com"),
                  issuer.mint(aud="https://eu.example.com")):
        assert_refusal(server.get("/", token, host), "E3")


@recipe("Two tenants on one host")
def test_two_tenants_serve_one_host_and_the_service_can_tell_them(serve, issuer, ready_issuer,
                                                                 backend):
    us, eu = (one.mint(aud=AUDIENCE, sub="auth0|1") for one in (issuer, ready_issuer))
    server = serve({"tenant.eu.auth0.com": ready_issuer.domain,
                    "http://127.0.0.1:8000": backend.url}, us=us, eu=eu,
                   modules=("proxy", "proxy_http"))
    seen = [dict(hit["headers"]) for hit in backend.hits]
    assert [(one["X-Issuer"], one["X-User"]) for one in seen] == \
        [(issuer.iss, "auth0|1"), (ready_issuer.iss, "auth0|1")]
    forged = ready_issuer.mint(iss=issuer.iss, aud=AUDIENCE)
    assert_refusal(server.get("/api/1", forged, {"X-Issuer": "x"}), "E3",
                   reason="signature_invalid")


@recipe("A custom domain beside the tenant's own")
def test_a_custom_domain_stands_beside_the_tenants_own(serve, issuer, ready_issuer):
    server = serve({"login.example.com": ready_issuer.domain}, page("api/data"),
                   good=issuer.mint(aud=AUDIENCE), custom=ready_issuer.mint(aud=AUDIENCE))
    stranger = issuer.mint(aud=AUDIENCE, iss="https://other.us.auth0.com/")
    assert_refusal(server.get("/api/data", stranger), "E3", reason="issuer_unknown")


@recipe("Several APIs on one host")
def test_a_token_for_one_api_is_no_good_for_another(serve, issuer):
    both = ["https://orders.example.com", "https://invoices.example.com"]
    orders, invoices = (issuer.mint(aud=aud, permissions=["read:all"]) for aud in both)
    server = serve(files=page("orders", "invoices"), orders=orders, invoices=invoices)
    assert_refusal(server.get("/orders", invoices), "E3", reason="audience_mismatch")
    poor = issuer.mint(aud=both[0])
    assert_refusal(server.get("/orders", poor), "E4", scope="read:all")
    one = issuer.mint(aud=both, permissions=["read:all"])
    assert [server.get(path, one).status for path in ("/orders", "/invoices")] == [200, 200]


@recipe("Permissions by method")
def test_reading_and_writing_need_different_permissions(serve, issuer, backend):
    def token(*permissions):
        return issuer.mint(aud=AUDIENCE, permissions=list(permissions))

    reader, writer, both = (token("read:articles"), token("write:articles"),
                            token("read:articles", "write:articles"))
    server = serve(before=f"ProxyPass /articles {backend.url}/articles\n", reader=reader,
                   writer=writer, modules=("proxy", "proxy_http"))
    backend.hits.clear()
    for method in ("GET", "HEAD"):
        assert_refusal(server.request(method, "/articles/1", writer), "E4", method=method,
                       scope="read:articles")
        assert server.request(method, "/articles/1", reader).status == 200
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert_refusal(server.request(method, "/articles/1"), "E1")
        assert_refusal(server.request(method, "/articles/1", reader), "E4",
                       scope="write:articles")
    for method in ("POST", "PUT", "DELETE"):
        assert server.request(method, "/articles/1", writer).status == 200
    assert [hit["method"] for hit in backend.hits] == ["GET", "HEAD", "POST", "PUT", "DELETE"]
    # What stands nowhere is closed, whoever asks.
    backend.hits.clear()
    for method in ("OPTIONS", "PROPFIND", "get", "MADEUP", "LOCK"):
        for one in (None, both):
            assert server.request(method, "/articles/1", one).status == 403, method
    assert backend.hits == []


@recipe("Permissions by method")
def test_preflights_are_answered_where_methods_have_their_permissions(serve, issuer,
                                                                     backend):
    origin = {"Origin": "https://app.example.com", "Access-Control-Request-Method": "PUT"}
    server = serve(before='<Location "/articles">\nAuth0CORSOrigin https://app.example.com\n'
                   f"</Location>\nProxyPass /articles {backend.url}/articles\n",
                   modules=("proxy", "proxy_http"),
                   reader=issuer.mint(aud=AUDIENCE, permissions=["read:articles"]),
                   writer=issuer.mint(aud=AUDIENCE, permissions=["write:articles"]))
    assert server.request("OPTIONS", "/articles/1", headers=origin).status == 204
    origin["Origin"] = "https://evil.example.com"
    assert server.request("OPTIONS", "/articles/1", headers=origin).status == 403


@recipe("Roles and nested claims")
def test_roles_and_nested_claims_are_required(serve, issuer):
    def token(roles=("viewer", "editor"), app={"plan": "pro"}):
        return issuer.mint(aud=AUDIENCE, **{ROLES: roles, APP: app})

    server = serve(files=page("editors/index.html"), good=token(), poor=token(["viewer"]))
    for poor in (token(["Editor"]), token("editors"), token(ABSENT), token([["editor"]]),
                 token(app={"plan": "free"}), token(app={}), token(app=ABSENT),
                 token(app={"plan": {"plan": "pro"}})):
        assert_refusal(server.get("/editors/", poor), "E4", reason="requirement_not_met")
    assert server.get("/editors/", token("editor")).status == 200


@recipe("Roles and nested claims")
def test_quotes_around_name_and_value_are_refused(serve, issuer):
    """What the recipe warns of: all would be a name then."""
    good = issuer.mint(aud=AUDIENCE, **{ROLES: ["editor"], APP: {"plan": "pro"}})
    server = serve(files=page("editors/index.html"), good=good,
                   poor=issuer.mint(aud=AUDIENCE))
    server.configure(server.config.replace(f"{ROLES}=editor", f'"{ROLES}=editor"'))
    status, output = server.configtest()
    assert status != 0 and "quote the name or the value" in output


@recipe("Claims in expressions")
def test_everybody_reaches_only_the_account_of_the_token(serve, issuer):
    def token(account, plan="pro"):
        return issuer.mint(aud=AUDIENCE, **{APP: {"account": account, "plan": plan}})

    good = token("a-17")
    server = serve(files=page("accounts/a-17/data", "accounts/a-18/data"), good=good)
    answer = server.get("/accounts/a-17/data", good)
    assert answer.header("X-Plan") == "pro"
    assert_refusal(server.get("/accounts/a-17/data"), "E1")
    for path in ("/accounts/a-17/../a-18/data", "/accounts/%61-18/data", "//accounts/a-18/data",
                 "/accounts//a-18/data", "/accounts/a-17%2f..%2fa-18/data", "/accounts"):
        answer = server.get(path, good)
        assert answer.status in (403, 404) and b"the page" not in answer.body, path
    assert server.get("/accounts/%61-17/data", good).status == 200
    for poor in (token("A-17"), token(""), token(None),
                 token(["a-18"]), token("a-18/../a-17"), token({"a-17": "a-17"})):
        assert_refusal(server.get("/accounts/a-17/data", poor), "E4",
                       reason="requirement_not_met")


# ---- the page itself -------------------------------------------------------------------


def test_the_tools_lines_work_as_they_stand(issuer, tmp_path):
    (section,) = [text for heading, text in pages.sections(pages.read(guide.PAGE))
                  if heading == "Checking a configuration"]
    ((_, script),) = pages.blocks(section, "sh")
    script = pages.with_issuer(issuer, script).replace(
        "verify ", f"verify --ca-file '{issuer.ca_file}' ")
    script = re.sub(r"^auth0-jwt ", f"'{TOOL}' ", script, flags=re.M)

    def run(token):
        (tmp_path / "token").write_text(token)
        return subprocess.run(["bash", "-c", script], cwd=tmp_path, text=True, timeout=60,
                              capture_output=True)

    done = run(issuer.mint(aud=AUDIENCE, permissions=["read:orders"], sub="auth0|77"))
    assert done.returncode == 0, done
    assert AUDIENCE in done.stdout and "accepted: sub=auth0|77" in done.stdout
    for poor, reason in ((issuer.mint(aud=AUDIENCE), "permission_missing"),
                         (issuer.mint(permissions=["read:orders"]), "audience_mismatch")):
        done = run(poor)
        assert done.returncode == 1 and f"refused: {reason}" in done.stdout, done


def not_exercised(recipes, exercised):
    return [one.heading for one in recipes
            if one.configurations and one.heading not in exercised]


def test_every_configuration_of_the_guide_is_loaded_by_a_test():
    for file in sorted(Path(__file__).parent.glob("test_guide*.py")):
        importlib.import_module(file.stem)
    found = guide.recipes()
    assert not_exercised(found, guide.EXERCISED) == []
    assert len(guide.EXERCISED) > 15
    new = guide.Recipe("New", "```apache\nAuth0Leeway 1\n```\n")
    assert not_exercised([*found, new], guide.EXERCISED) == ["New"]


def test_every_recipe_is_one_configuration_and_lines_that_promise_a_status():
    found = guide.recipes()
    assert len({one.heading for one in found}) == len(found)
    assert sum(len(one.configurations) for one in found) == \
        len(pages.blocks(pages.read(guide.PAGE)))
    for one in found:
        assert len(one.configurations) <= 1, one.heading
        assert bool(one.configurations) == bool(one.curls), one.heading
        assert [line for line, status in one.curls if status is None] == [], one.heading


def test_a_line_that_promises_another_status_is_noticed(httpd):
    server = httpd(files=page("there"))
    text = ("```\ncurl -i https://www.example.com/there   # 200\n"
            "curl -i \\\n  https://www.example.com/none  # {}\n```\n")
    guide.Recipe("x", text.format(404)).assert_keeps_its_word(server, {})
    with pytest.raises(AssertionError, match="404 not curl"):
        guide.Recipe("x", text.format(200)).assert_keeps_its_word(server, {})
