"""Expressions of httpd: values in Require lines, and %{AUTH0_CLAIM:name} everywhere."""

import pytest

from support.backend import seen_header
from support.conf import PROXY, assert_accepted, location, proxied, trust
from support.refusal import assert_refusal
from support.tokens import tampered
from support.wait import wait_until

AUDIENCE = "https://api.example.com"


# ---- values of auth0-permission and auth0-scope ------------------------------------------


@pytest.fixture(scope="module")
def words(shared_httpd, issuer, shared_backend):
    return shared_httpd(
        trust(issuer) + proxied(shared_backend)
        + location("/permission", require='auth0-permission read:%{req:X-Tenant} all')
        + location("/scope", require='auth0-scope "%{tolower:%{req:X-Tenant}}"'),
        modules=PROXY)


def ask(server, path, token, tenant):
    return server.get(path, token, {"X-Tenant": tenant} if tenant is not None else {})


def test_a_permission_may_be_an_expression(words, issuer, backend):
    token = issuer.mint(permissions=["read:acme", "all"])
    assert_accepted(ask(words, "/permission", token, "acme"), backend)
    assert_refusal(ask(words, "/permission", token, "other"), "E4",
                   scope="read:other all")
    assert_refusal(ask(words, "/permission", issuer.mint(permissions=["read:acme"]), "acme"),
                   "E4", scope="read:acme all")
    assert_refusal(ask(words, "/permission", token, None), "E4", scope="read: all")


def test_a_scope_may_be_an_expression(words, issuer, backend):
    assert_accepted(ask(words, "/scope", issuer.mint(scope="a acme"), "ACME"), backend)
    assert_refusal(ask(words, "/scope", issuer.mint(scope="a ACME"), "ACME"), "E4",
                   scope="acme")


@pytest.mark.parametrize("tenant", ['a"b', "a b", "a\\b", "\xe9", 'x", error="none'])
def test_what_a_client_writes_never_gets_into_the_challenge_unless_it_is_a_scope(
        words, issuer, tenant):
    token = issuer.mint(permissions=[f"read:{tenant}", "all"], scope=tenant.lower())
    assert_refusal(ask(words, "/permission", token, tenant), "E4", scope="all")
    assert_refusal(ask(words, "/scope", token, tenant), "E4", reason="requirement_not_met")


def test_an_expression_without_a_result_grants_nothing(words, issuer, backend):
    token = issuer.mint(scope="", permissions=[""])
    assert_refusal(ask(words, "/scope", token, None), "E4", backend=backend,
                   reason="requirement_not_met")


@pytest.mark.parametrize("line, word", [
    ("auth0-permission %{nonsense(", "nonsense"), ("auth0-scope %{nonsense:x}", "nonsense"),
    ("auth0-scope %{AUTH0_CLAIM:/a~2}", "JSON Pointer")])
def test_a_bad_expression_stops_the_start(bench, line, word):
    bench.assert_refuses(f"<Location />\nRequire {line}\n</Location>\n", word, line=2)


# ---- %{AUTH0_CLAIM:name} ----------------------------------------------------------------


@pytest.fixture(scope="module")
def server(shared_httpd, issuer, shared_backend):
    return shared_httpd(
        trust(issuer) + f"Auth0Audience {AUDIENCE}\nAuth0TokenCache 0\n" + """
        Header always set X-Claim "expr=%{AUTH0_CLAIM:sub}"
        RequestHeader set X-Nested "expr=%{AUTH0_CLAIM:/realm/roles/0}"
        RequestHeader set X-Name "expr=%{AUTH0_CLAIM:https://example.com/name}"
        RewriteEngine On
        RewriteCond expr "%{AUTH0_CLAIM:plan} == 'gold'"
        RewriteRule ^/by-plan/(.*)$ /gold/$1 [PT]
        LogFormat "claim=%{X}e %>s" claims
        """ + proxied(shared_backend)
        + """
        <Location "/expr">
            Require expr "%{AUTH0_CLAIM:role} == 'admin'"
        </Location>
        <Location "/both">
            AuthType Auth0
            <RequireAll>
                Require valid-user
                Require expr "%{AUTH0_CLAIM:role} == 'admin'"
            </RequireAll>
        </Location>
        <Location "/if">
            <If "%{AUTH0_CLAIM:role} == 'admin'">
                RequestHeader set X-If "admin"
            </If>
            <Else>
                RequestHeader set X-If "other"
            </Else>
        </Location>
        <Location "/other">
            Auth0Audience https://other.example.com
        </Location>
        <Location "/computed">
            RequestHeader set X-Computed "expr=%{AUTH0_CLAIM:%{req:X-Which}}"
        </Location>
        """
        + location("/valid", audience=None)
        + location("/valid/other", "Auth0Audience https://other.example.com", audience=None)
        + location("/owner", require="auth0-claim sub=%{AUTH0_CLAIM:email}", audience=None),
        modules=(*PROXY, "rewrite"))


def one(backend, name):
    assert len(backend.hits) == 1
    return seen_header(backend.hits[0], name)


def test_a_claim_in_header_directives(server, issuer, backend):
    token = issuer.mint(sub="ann", realm={"roles": ["x", "y"]},
                        **{"https://example.com/name": "Ann Ä"})
    answer = server.get("/valid", token)
    assert_accepted(answer, backend, user="ann")
    assert answer.all("X-Claim") == ["ann"]
    assert one(backend, "X-Nested") == ["x"]
    assert one(backend, "X-Name")[0].encode("latin-1").decode() == "Ann Ä"


def test_it_is_there_in_public_places_too_if_the_token_is_valid(server, issuer, backend):
    assert server.get("/public", issuer.mint(sub="ann")).all("X-Claim") == ["ann"]
    # Nobody has authenticated the request for all that.
    assert one(backend, "X-Remote-User") in ([], [""])
    assert server.get("/public").all("X-Claim") in ([], [""])


@pytest.mark.parametrize("what", ["forged", "expired", "other audience", "garbage", "twice"])
def test_no_claim_of_a_token_that_is_not_valid(server, issuer, backend, what):
    token = {"forged": tampered(issuer.mint()), "expired": issuer.mint(exp_in=-60),
             "other audience": issuer.mint(aud="https://other.example.com"),
             "garbage": "a.b.c", "twice": f"{issuer.mint()} x"}[what]
    for path in ("/public", "/valid", "/expr", "/if", "/by-plan/x"):
        answer = server.get(path, token)
        assert answer.all("X-Claim") in ([], [""]), path
    assert server.get("/if", token).status == 200
    assert seen_header(backend.hits[-1], "X-If") == ["other"]


def test_require_expr_comes_before_authentication_and_sees_it(server, issuer, backend):
    assert server.get("/expr", issuer.mint(role="admin")).status == 200
    for token in (issuer.mint(role="user"), issuer.mint(), None,
                  tampered(issuer.mint(role="admin"))):
        assert server.get("/expr", token).status in (401, 403)
    assert len(backend.hits) == 1


def test_require_expr_beside_valid_user(server, issuer, backend):
    assert_accepted(server.get("/both", issuer.mint(role="admin")), backend)
    assert server.get("/both", issuer.mint(role="user")).status == 403
    assert server.get("/both").status in (401, 403)


def test_if_sees_it(server, issuer, backend):
    assert server.get("/if", issuer.mint(role="admin")).status == 200
    assert one(backend, "X-If") == ["admin"]
    assert server.get("/if", issuer.mint(role="user")).status == 200
    assert seen_header(backend.hits[1], "X-If") == ["other"]


def test_a_rewrite_before_any_section_is_known_sees_it(server, issuer, backend):
    assert server.get("/by-plan/x", issuer.mint(plan="gold")).status == 200
    assert one(backend, "Host")
    assert backend.hits[0]["path"] == "/gold/x"
    assert server.get("/by-plan/x", issuer.mint(plan="silver")).status == 200
    assert backend.hits[1]["path"] == "/by-plan/x"


def test_each_place_judges_by_its_own_audience(server, issuer, backend):
    """What the server's own audience made of it does not count for a section's."""
    ours, theirs = issuer.mint(sub="a"), issuer.mint(sub="b", aud="https://other.example.com")
    assert server.get("/other", theirs).all("X-Claim") == ["b"]
    assert server.get("/other", ours).all("X-Claim") in ([], [""])
    backend.hits.clear()
    assert_accepted(server.get("/valid/other", theirs), backend, user="b")
    backend.hits.clear()
    assert_refusal(server.get("/valid/other", ours), "E3", reason="audience_mismatch",
                   backend=backend)


def test_one_verification_whoever_asks(server, issuer, backend):
    mark = server.mark()
    assert server.get("/by-plan/x", issuer.mint(plan="gold", role="admin")).status == 200
    assert server.get("/both", issuer.mint(role="admin")).status == 200
    assert server.get("/valid/other", issuer.mint(aud="https://other.example.com")).status == 200
    assert server.log(mark).count("token accepted") == 3


def test_an_operand_may_be_a_claim(server, issuer, backend):
    assert_accepted(server.get("/owner", issuer.mint(sub="a@b.c", email="a@b.c")), backend,
                    user="a@b.c")
    assert_refusal(server.get("/owner", issuer.mint(sub="a@b.c", email="x@b.c")), "E4",
                   reason="requirement_not_met")
    assert_refusal(server.get("/owner", issuer.mint(sub="a@b.c")), "E4",
                   reason="requirement_not_met")


def test_a_refused_but_valid_token_still_has_claims_for_the_answer(server, issuer):
    answer = server.get("/both", issuer.mint(sub="ann", role="user"))
    assert (answer.status, answer.all("X-Claim")) == (403, ["ann"])


def test_control_characters_are_not_passed(server, issuer, backend):
    answer = server.get("/public", issuer.mint(sub="ann", role="a",
                                               **{"https://example.com/name": "x\r\nY: z"}))
    assert answer.status == 200
    assert one(backend, "X-Name") in ([], [""]) and one(backend, "Y") == []


def test_without_an_issuer_or_an_audience_in_force_there_is_none(httpd, issuer):
    server = httpd(f"Auth0CAFile {issuer.ca_file}\n"
                   'Header set X-Claim "expr=%{AUTH0_CLAIM:sub}"\n',
                   files={"htdocs/page": "page"})
    answer = server.get("/page", issuer.mint())
    assert answer.text == "page" and answer.all("X-Claim") in ([], [""])
    assert "error]" not in server.log()


def test_a_log_can_choose_by_a_claim(httpd, issuer):
    server = httpd(trust(issuer) + f"Auth0Audience {AUDIENCE}\n"
                   'CustomLog logs/gold.log "%U" "expr=%{AUTH0_CLAIM:plan} == \'gold\'"\n',
                   files={"htdocs/a": "a", "htdocs/b": "b"})
    assert server.get("/a", issuer.mint(plan="gold")).text == "a"
    assert server.get("/b", issuer.mint(plan="silver")).text == "b"
    # A log is written after the answer, in no order among requests.
    for path in "ab":
        server.wait_for_access(f"- 200 GET /{path} HTTP/1.1")
    wait_until((server.root / "logs/gold.log").read_text, 5, "the line in the log")
    assert (server.root / "logs/gold.log").read_text() == "/a\n"


def test_an_answer_that_depends_on_it_varies_with_the_token(httpd, issuer):
    server = httpd(trust(issuer) + f"""
        Auth0Audience {AUDIENCE}
        <If "%{{AUTH0_CLAIM:plan}} == 'gold'">
            Header set X-Plan gold
        </If>
        """, files={"htdocs/page": "page"})
    for token in (None, issuer.mint(plan="gold")):
        answer = server.get("/page", token)
        assert "Authorization" in (answer.header("Vary") or ""), repr(answer)
        assert answer.all("X-Plan") == (["gold"] if token else [])


def test_an_htaccess_file_may_use_it(httpd, issuer):
    server = httpd(trust(issuer) + '<Directory "${DOCS}">\nAllowOverride AuthConfig\n'
                   "</Directory>\n", files={
                       "htdocs/page": "page", "htdocs/.htaccess":
                       f"Auth0Audience {AUDIENCE}\nAuthType Auth0\n"
                       "Require auth0-claim plan=%{AUTH0_CLAIM:wanted}\n"})
    assert server.get("/page", issuer.mint(plan="a", wanted="a")).text == "page"
    assert_refusal(server.get("/page", issuer.mint(plan="a", wanted="b")), "E4",
                   reason="requirement_not_met")
