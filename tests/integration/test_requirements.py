"""Require auth0-org, auth0-client and auth0-claim: alone, combined, and misspelt."""

import time

import pytest

from support.conf import PROXY, assert_accepted, location, proxied, trust
from support.refusal import assert_refusal
from support.tokens import ABSENT

NS = "https://example.com/roles"

#: A requirement, claims that meet it, claims that do not.
ROWS = [
    ("auth0-org org_1", [{"org_id": "org_1"}],
     [{}, {"org_id": "org_2"}, {"org_id": "ORG_1"}, {"org_id": "org_11"},
      {"org_id": ["org_1"]}, {"org_id": 1}, {"org_name": "org_1"}, {"ORG_ID": "org_1"}]),
    ("auth0-org acme", [{"org_id": "org_1", "org_name": "acme"}],
     [{"org_id": "acme"}, {"org_name": "Acme"}, {"org_name": "acme "}, {"org_name": None}]),
    ("auth0-org acme org_2", [{"org_name": "acme"}, {"org_id": "org_2"}],
     [{"org_id": "org_3", "org_name": "other"}]),
    ("auth0-client app-1", [{"client_id": "app-1"}, {"azp": "app-1"},
                            {"client_id": "app-1", "azp": "app-2"}],
     [{"azp": "app-2"}, {"azp": ABSENT}, {"client_id": "app-2", "azp": "app-1"},
      {"client_id": None, "azp": "app-1"}, {"azp": ["app-1"]}]),
    ("auth0-client app-1 app-2", [{"azp": "app-2"}], [{"azp": "app-3"}]),
    ("auth0-claim email_verified",
     [{"email_verified": value} for value in (True, "yes", "", 0, 1, [], {}, [False])],
     [{}, {"email_verified": False}, {"email_verified": None}, {"Email_verified": True}]),
    ("auth0-claim email_verified=true",
     [{"email_verified": True}, {"email_verified": "true"}, {"email_verified": [True]}],
     [{}, {"email_verified": False}, {"email_verified": "True"}, {"email_verified": 1}]),
    ("auth0-claim level=3", [{"level": 3}, {"level": "3"}, {"level": [1, 3]}],
     [{"level": 3.5}, {"level": 30}, {"level": [[3]]}, {"level": {"3": 3}}]),
    ("auth0-claim role=admin", [{"role": "admin"}, {"role": ["user", "admin"]}],
     [{}, {"role": "Admin"}, {"role": "admins"}, {"role": " admin"}, {"role": []},
      {"role": {"admin": True}}, {"role": None}, {"role": [["admin"]]}]),
    ("auth0-claim role=null", [{"role": "null"}], [{"role": None}, {"role": [None]}]),
    (f"auth0-claim {NS}=admin", [{NS: ["admin"]}, {NS: "admin"}],
     [{}, {"https:": {"": {"example.com": {"roles": "admin"}}}}]),
    (f'auth0-claim "{NS}"=admin', [{NS: ["admin"]}], [{NS: ["user"]}]),
    ('auth0-claim department="Research and More"', [{"department": "Research and More"}],
     [{"department": "Research"}, {"department": '"Research and More"'}]),
    ('auth0-claim "a=b"=c', [{"a=b": "c"}], [{"a": "b=c"}]),
    ('auth0-claim "/a=b"', [{"a=b": "c"}], [{"a": "b"}]),
    ('auth0-claim "a b" = c', [{"a b": "c"}], [{"a": "c"}, {"a b": "= c"}]),
    ("auth0-claim sum=a=b", [{"sum": "a=b"}], [{"sum": "a"}]),
    ("auth0-claim /realm/roles=admin", [{"realm": {"roles": ["admin"]}}],
     [{}, {"/realm/roles": "admin"}, {"realm": "admin"}, {"realm": {"Roles": "admin"}},
      {"roles": "admin"}, {"realm": [{"roles": "admin"}]}]),
    ("auth0-claim /list/1/name=b", [{"list": [{"name": "a"}, {"name": "b"}]},
                                    {"list": {"1": {"name": "b"}}}],
     [{"list": [{"name": "b"}]}, {"list": []}, {"list": [1, 2]}]),
    ("auth0-claim /list/01=b", [{"list": {"01": "b"}}], [{"list": ["a", "b"]}]),
    ("auth0-claim /a~1b/c~0d", [{"a/b": {"c~d": 1}}], [{"a": {"b": {"c~d": 1}}}]),
    (r"auth0-claim email ~ @example\.com$", [{"email": "a@example.com"},
                                            {"email": ["x", "b@example.com"]}],
     [{}, {"email": "a@example.com.evil"}, {"email": "a@exampleXcom"}, {"email": True},
      {"email": "a@example.com\n"}]),
    ('auth0-claim team ~ "^(red|blue) team$"', [{"team": "red team"}], [{"team": "red"}]),
    ("auth0-claim level ~ ^[3-9]$", [{"level": 3}], [{"level": 2}, {"level": 33}]),
    ("auth0-claim tenant=%{HTTP_HOST}", [{"tenant": "localhost"}],
     [{"tenant": "%{HTTP_HOST}"}, {"tenant": "other"}, {}]),
    ("auth0-claim tenant=t-%{REQUEST_METHOD}", [{"tenant": "t-GET"}], [{"tenant": "t-"}]),
    ("auth0-claim tenant=%{reqenv:NOT_SET}", [], [{"tenant": ""}, {}, {"tenant": "x"}]),
    ("auth0-client %{req:X-App}", [{"azp": "from-header"}], [{"azp": "%{req:X-App}"}]),
]
CASES = [pytest.param(place, claims, granted, id=f"{row}-{'yes' if granted else 'no'}{i}")
         for place, (row, met, unmet) in enumerate(ROWS)
         for granted, several in ((True, met), (False, unmet))
         for i, claims in enumerate(several)]

COMBINED = """
Auth0Audience https://api.example.com
<Location "/all">
    AuthType Auth0
    <RequireAll>
        Require auth0-org acme
        Require auth0-claim role=admin
        Require auth0-permission read:a
    </RequireAll>
</Location>
<Location "/any">
    AuthType Auth0
    Require auth0-org acme
    Require auth0-client app-1
    Require auth0-permission read:a
</Location>
<Location "/slow">
    AuthType Auth0
    Require auth0-claim text ~ ^(a+)+$
</Location>
"""


@pytest.fixture(scope="module")
def server(shared_httpd, issuer, shared_backend):
    return shared_httpd(trust(issuer) + proxied(shared_backend) + COMBINED
                        + "".join(location(f"/r{i}/", require=row)
                                  for i, (row, _, _) in enumerate(ROWS)), modules=PROXY)


@pytest.mark.parametrize("place, claims, granted", CASES)
def test_a_requirement_is_met_or_it_is_403(server, issuer, backend, place, claims, granted):
    mark = server.mark()
    answer = server.get(f"/r{place}/", issuer.mint(**claims),
                        headers={"Host": "localhost", "X-App": "from-header"})
    if granted:
        assert_accepted(answer, backend)
    else:
        assert_refusal(answer, "E4", reason="requirement_not_met", server=server, mark=mark,
                       backend=backend)


def test_nobody_without_a_token_gets_in(server, backend):
    for place in range(len(ROWS)):
        assert_refusal(server.get(f"/r{place}/"), "E1", backend=backend)


def test_every_line_of_requireall_must_be_met(server, issuer, backend):
    whole = {"org_name": "acme", "role": "admin", "permissions": ["read:a"]}
    assert_accepted(server.get("/all", issuer.mint(**whole)), backend)
    backend.hits.clear()
    for name in whole:
        claims = {**whole, name: ABSENT}
        # The challenge names permissions only; org and claim are nothing to ask for.
        scope = "read:a" if name == "permissions" else None
        assert_refusal(server.get("/all", issuer.mint(**claims)), "E4", scope=scope,
                       backend=backend)


def test_one_line_of_several_is_enough(server, issuer, backend):
    for claims in ({"org_name": "acme"}, {"azp": "app-1"}, {"permissions": ["read:a"]}):
        assert server.get("/any", issuer.mint(**claims)).status == 200
    backend.hits.clear()
    assert_refusal(server.get("/any", issuer.mint()), "E4", scope="read:a",
                   backend=backend)


def test_d17_a_catastrophic_text_is_refused_within_10_ms(server, issuer, backend):
    text = "a" * 4000
    assert server.get("/slow", issuer.mint(text="aaaa")).status == 200
    backend.hits.clear()
    best = 1
    for _ in range(5):
        token = issuer.mint(text=text + "!")
        start = time.monotonic()
        usual = server.get("/r0/", token)
        middle = time.monotonic()
        answer = server.get("/slow", token)
        best = min(best, (time.monotonic() - middle) - (middle - start))
        assert usual.status == 403
        assert_refusal(answer, "E4", reason="requirement_not_met", backend=backend)
    assert best < 0.010, f"{best * 1000:.1f} ms more than another refusal"


REFUSED = {
    "auth0-org": "names nothing", "auth0-client": "names nothing",
    "auth0-org ${NOT_DEFINED}": "NOT_DEFINED", "auth0-client ${NOT_DEFINED}": "NOT_DEFINED",
    "auth0-org %{nonsense(": "nonsense",
    "auth0-claim": "names no claim", 'auth0-claim ""': "names no claim",
    "auth0-claim =x": "names no claim", "auth0-claim ${NOT_DEFINED}=x": "NOT_DEFINED",
    "auth0-claim a=${NOT_DEFINED}": "NOT_DEFINED", "auth0-claim a=": "nothing stands",
    "auth0-claim a ~": "nothing stands", "auth0-claim a=b c": "one condition a line",
    "auth0-claim a b": "neither", "auth0-claim a ~ b c": "one condition a line",
    'auth0-org acme "" other': "empty word", 'auth0-client ""': "empty word",
    'auth0-permission read:a "" read:b': "empty word", "auth0-scope a ''": "empty word",
    "auth0-claim a ~ (*LIMIT_MATCH=99999999)^(a+)+$": "limit of its own",
    'auth0-claim "a=b"': "quote the name or the value",
    'auth0-claim "a ~ b"': "quote the name or the value",
    "auth0-claim a ~ (": "no regular expression", "auth0-claim /a~2": "JSON Pointer",
    "auth0-claim a ~ ${NOT_DEFINED}": "NOT_DEFINED",
    "auth0-claim a=%{nonsense(": "nonsense",
    **{f"not {line}": "httpd would skip authentication"
       for line in ("auth0-org acme", "auth0-client app-1", "auth0-claim a=b")},
}


@pytest.mark.parametrize("line", REFUSED, ids=lambda line: line.replace(" ", "-"))
def test_c0_a_line_that_cannot_be_meant_is_refused(bench, line):
    conf = "Auth0Domain tenant.us.auth0.com\nAuth0Audience a\n" \
        f'<Location "/x">\nAuthType Auth0\nRequire {line}\n</Location>\n'
    if line.startswith("not "):
        conf = conf.replace("Require not", "<RequireAll>\nRequire valid-user\nRequire not") \
            .replace("</Location>", "</RequireAll>\n</Location>")
    bench.assert_refuses(conf, REFUSED[line], conf.split("\n").index(f"Require {line}") + 1)


def test_f1_inside_requirenone_each_is_refused(bench):
    for line in ("auth0-org acme", "auth0-client app-1", "auth0-claim a=b"):
        bench.assert_refuses(
            "Auth0Domain tenant.us.auth0.com\nAuth0Audience a\n"
            '<Location "/x">\nAuthType Auth0\n<RequireAll>\nRequire valid-user\n'
            f"<RequireNone>\nRequire {line}\n</RequireNone>\n</RequireAll>\n</Location>\n",
            "RequireNone", 8)


def test_an_htaccess_file_may_use_them_but_no_expression_that_reads_files(shared_httpd,
                                                                           issuer):
    server = shared_httpd(
        f"Auth0CAFile {issuer.ca_file}\nAuth0TrustedDomains localhost:*\n"
        '<Directory "${DOCS}">\nAllowOverride AuthConfig\n</Directory>\n',
        files={"htdocs/page": "hello"})
    head = f"AuthType Auth0\nAuth0Domain {issuer.domain}\nAuth0Audience {issuer.audience}\n"
    server.write("htdocs/.htaccess", head + "Require auth0-claim role=%{REQUEST_METHOD}\n")
    assert server.get("/page", issuer.mint(role="GET")).status == 200
    assert_refusal(server.get("/page", issuer.mint(role="POST")), "E4")
    server.write("htdocs/.htaccess",
                 head + "Require auth0-claim role=\"%{file:/etc/hostname}\"\n")
    assert server.get("/page", issuer.mint(role="GET")).status == 500
