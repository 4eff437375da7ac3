"""docs/migration.md: both sides of every move are loaded, and asked the same.

The tables of the page are what these tests see. The columns about other software hold for the
versions that the page names; with other ones they are not compared.
"""

import functools
import importlib.metadata
import importlib.util
import os
import re
import subprocess
import sys
import time
import urllib.parse
from pathlib import Path
from types import SimpleNamespace

import pytest

from support import pages, paths
from support.backend import seen_header
from support.conf import PROXY, location, trust
from support.issuer import Issuer
from support.http import request
from support.neighbours import need_module
from support.pages import changed, example, trusting, with_issuer
from support.refusal import assert_refusal
from support.tokens import ABSENT, Key, tampered
from support.wait import free_port, wait_until

PAGE = "docs/migration.md"
AUDIENCE = "https://hello-world.example.com"
BACKEND = "http://127.0.0.1:8000"
#: What the places of all examples ask for.
ENOUGH = {"permissions": ["read:orders", "read:admin-messages"], "scope": "read:messages"}


def cell(text):
    return text.strip().replace("`", "")


def table(heading):
    """The rows of a section's table: what the request has -> statuses by column."""
    (text,) = [text for name, text in pages.sections(pages.read(PAGE)) if name == heading]
    lines = [[cell(one) for one in line.strip("|").split("|")]
             for line in text.splitlines() if line.startswith("|")]
    columns, rows = lines[0][1:], lines[2:]
    return {row[0]: dict(zip(columns, map(int, row[1:]))) for row in rows}


# ---- the requests of the tables --------------------------------------------------------


def requests_of(issuer):
    """Header fields by the words of the tables."""
    stranger, now = Key("RS256", "strange-key"), int(time.time())

    def bearer(token):
        return {"Authorization": f"Bearer {token}"}

    def with_(**more):
        return bearer(issuer.mint(**{"aud": AUDIENCE, **ENOUGH, **more}))

    good = issuer.mint(aud=AUDIENCE, **ENOUGH)
    return {
        "a good token": bearer(good),
        "no token": {},
        "Authorization: Basic …": {"Authorization": "Basic dXNlcjpwYXNzd29yZA=="},
        "Authorization: Bearer and nothing": {"Authorization": "Bearer"},
        "a token and a second word": bearer(f"{good} more"),
        "an opaque token": bearer("x9Zk3mQv7Lp2RtYw8NcB5sHdJfGa4EuT"),
        "a token with a forged signature": bearer(tampered(good)),
        "a key id that nobody has": with_(key=stranger),
        "another issuer": with_(iss="https://other.us.auth0.com/"),
        "another audience": with_(aud="https://other.example.com"),
        "a token that expired three seconds ago": with_(exp_in=-3),
        "a token that expired a minute ago": with_(exp_in=-60),
        "no exp": with_(exp=ABSENT),
        "nbf in ten minutes": with_(nbf=now + 600),
        "iat in ten minutes": with_(iat=now + 600),
        "a signature with PS256": with_(alg="PS256"),
        "crit in its header": with_(header={"crit": ["x"], "x": 1}),
        "typ of another kind (logout+jwt)": with_(header={"typ": "logout+jwt"}),
        "a token bound to a key (cnf)": with_(cnf={"jkt": "0ZcOCORZNYy"}),
        "not the permission": with_(permissions=["read:other"], scope="read:other"),
        "permissions as a string, not an array": with_(permissions="read:orders"),
    }


NO_KEYS = "a good token, and there were never any keys"


def assert_answers(port, path, issuer, expected):
    """The server answers each row's request so; expected has the one without keys too."""
    good = issuer.mint(aud=AUDIENCE, **ENOUGH)
    wait_until(lambda: request(port, "GET", path, {"Authorization": f"Bearer {good}"})
               .status == 200, 10, "the first key")
    asked = requests_of(issuer)
    assert set(expected) - {NO_KEYS} <= set(asked)
    got = {row: request(port, "GET", path, asked[row]).status
           for row in expected if row in asked}
    assert got == {row: status for row, status in expected.items() if row in asked}


def column(heading, name):
    return {row: statuses[name] for row, statuses in table(heading).items()}


@pytest.fixture
def dead_issuer(authority, ready_key):
    """A tenant whose port refuses every connection."""
    return Issuer(authority, keys=[ready_key])


# ---- the other modules -----------------------------------------------------------------


VERSIONS = {"auth_openidc": "2.4.12.3", "oauth2": "3.3.1"}


@functools.cache
def need_page_version(module):
    """What the page says of other software holds for one version of it."""
    need_module(module)
    package, version = f"libapache2-mod-{module.replace('_', '-')}", VERSIONS[module]
    done = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package], text=True,
                          capture_output=True)
    if not done.stdout.startswith(version):
        pytest.skip(f"{package} is {done.stdout or 'not here'}, the page tells of {version}")


def openidc(issuer, block):
    """mod_auth_openidc's side: (modules, configuration)"""
    need_page_version("auth_openidc")
    return "auth_openidc", f"OIDCCABundlePath {issuer.ca_file}\n" + with_issuer(issuer, block)


def oauth2(issuer, block):
    need_page_version("oauth2")
    # This version cannot be told of another trust store than the system's.
    keys = "/.well-known/jwks.json"
    return "oauth2", with_issuer(issuer, block).replace(
        keys, f"{keys} jwks_uri.ssl_verify=false")


OTHERS = {"mod_auth_openidc": openidc, "mod_oauth2": oauth2}
PREFIX = {"mod_auth_openidc": "OIDC_CLAIM_", "mod_oauth2": "OAUTH2_CLAIM_"}


@pytest.fixture(scope="module")
def before(shared_httpd, shared_backend):
    def start(name, issuer, block, **more):
        module, config = OTHERS[name](issuer, block.replace(BACKEND, shared_backend.url))
        return shared_httpd(config, auth0=False, modules=(*PROXY, module), **more)
    return start


@pytest.fixture(scope="module")
def after(shared_httpd, shared_backend):
    def start(issuer, block, url=None):
        return shared_httpd(trusting(issuer, changed(block, {
            BACKEND: url or shared_backend.url})), modules=PROXY)
    return start


def both(heading):
    """Marks for the two blocks of a module: `old` and `new`."""
    def decorate(test):
        for argument, side in (("old", "before"), ("new", "after")):
            test = example(f"{heading}: {side}", PAGE, argument)(test)
        return pytest.mark.parametrize("name", [heading])(test)
    return decorate


def assert_before_answers_as_the_table(name, issuer, dead_issuer, before, old):
    expected = column(f"{name}: what each answers", "before")
    assert_answers(before(name, issuer, old).port, "/orders/1", issuer, expected)
    cold = before(name, dead_issuer, old)
    good = dead_issuer.mint(aud=AUDIENCE, **ENOUGH)
    assert cold.get("/orders/1", good).status == expected[NO_KEYS]


def assert_after_answers_as_the_table(name, issuer, dead_issuer, after, new):
    expected = column(f"{name}: what each answers", "after")
    assert_answers(after(issuer, new).port, "/orders/1", issuer, expected)
    cold = after(dead_issuer, new)
    good = dead_issuer.mint(aud=AUDIENCE, **ENOUGH)
    assert_refusal(cold.get("/orders/1", good), "E5")
    assert expected[NO_KEYS] == 503


@example("mod_auth_openidc: before", PAGE)
def test_mod_auth_openidc_answers_as_the_page_says(issuer, dead_issuer, before, block):
    assert_before_answers_as_the_table("mod_auth_openidc", issuer, dead_issuer, before,
                                       block)


@example("mod_oauth2: before", PAGE)
def test_mod_oauth2_answers_as_the_page_says(issuer, dead_issuer, before, block):
    assert_before_answers_as_the_table("mod_oauth2", issuer, dead_issuer, before, block)


@example("mod_auth_openidc: after", PAGE)
def test_what_replaces_mod_auth_openidc_answers_as_the_page_says(issuer, dead_issuer, after,
                                                                 block):
    assert_after_answers_as_the_table("mod_auth_openidc", issuer, dead_issuer, after, block)


@example("mod_oauth2: after", PAGE)
def test_what_replaces_mod_oauth2_answers_as_the_page_says(issuer, dead_issuer, after,
                                                           block):
    assert_after_answers_as_the_table("mod_oauth2", issuer, dead_issuer, after, block)


def assert_fields_of(name, hit, user, permissions):
    assert seen_header(hit, f"{PREFIX[name]}sub") == [user]
    assert seen_header(hit, f"{PREFIX[name]}permissions") == [permissions]


@both("mod_auth_openidc")
def test_the_service_behind_reads_the_fields_of_mod_auth_openidc(
        name, issuer, before, after, backend, old, new):
    token = issuer.mint(aud=AUDIENCE, permissions=["read:orders", "a"], sub="auth0|1")
    assert before(name, issuer, old).get("/orders/1", token).status == 200
    assert_fields_of(name, backend.hits.pop(), "auth0|1", "read:orders,a")
    server = after(issuer, new)
    assert server.get("/orders/1", token).status == 200
    assert_fields_of(name, backend.hits.pop(), "auth0|1", '["read:orders","a"]')
    # Nor does a client bring one.
    forged = {f"{PREFIX[name]}sub": "mallory"}
    assert server.get("/orders/1", token, forged).status == 200
    assert_fields_of(name, backend.hits.pop(), "auth0|1", '["read:orders","a"]')


@both("mod_oauth2")
def test_the_service_behind_reads_the_fields_of_mod_oauth2(
        name, issuer, before, after, backend, old, new):
    token = issuer.mint(aud=AUDIENCE, permissions=["read:orders"], sub="auth0|1")
    assert before(name, issuer, old).get("/orders/1", token).status == 200
    assert_fields_of(name, backend.hits.pop(), "auth0|1", '["read:orders"]')
    assert after(issuer, new).get("/orders/1", token).status == 200
    assert_fields_of(name, backend.hits.pop(), "auth0|1", '["read:orders"]')


# ---- line by line ----------------------------------------------------------------------

#: Lines of the tables: (module, old, new, claims, status before, status after).
LINES = [
    ("mod_auth_openidc", "claim permissions:a permissions:b", "auth0-permission a b",
     {"permissions": ["b"]}, 200, 403),
    ("mod_auth_openidc", "claim permissions:a permissions:b", "auth0-permission a b",
     {"permissions": ["b", "a"]}, 200, 200),
    ("mod_auth_openidc", "claim scope:a", "auth0-scope a", {"scope": "a b"}, 401, 200),
    ("mod_auth_openidc", '"claim" "scope:a b"', "auth0-scope a", {"scope": "a b"}, 200, 200),
    ("mod_auth_openidc", "claim scope~a", "auth0-scope a", {"scope": "banana"}, 200, 403),
    ("mod_auth_openidc", "claim email~@example", "auth0-claim email ~ @example",
     {"email": "ann@example.com"}, 200, 200),
    ("mod_auth_openidc", "claim email~@example", "auth0-claim email ~ @example",
     {"email": "ann@elsewhere.com"}, 401, 403),
    ("mod_auth_openidc", "claim app.plan:pro", "auth0-claim /app/plan=pro",
     {"app": {"plan": "pro"}}, 200, 200),
    ("mod_auth_openidc", "claim app.plan:pro", "auth0-claim /app/plan=pro",
     {"app": {"plan": "free"}}, 401, 403),
    ("mod_oauth2", "oauth2_claim scope:a", "auth0-scope a", {"scope": "a b"}, 401, 200),
    ("mod_oauth2", "oauth2_claim scope:a", "auth0-scope a", {"scope": "a"}, 200, 200),
    ("mod_oauth2", "oauth2_claim app.plan:pro", "auth0-claim /app/plan=pro",
     {"app": {"plan": "pro"}}, 200, 200),
    ("mod_oauth2", "oauth2_claim app.plan:pro", "auth0-claim /app/plan=pro",
     {"app": {"plan": "free"}}, 401, 403),
]

VERIFY = {
    "mod_auth_openidc": "OIDCOAuthVerifyJwksUri https://{}/.well-known/jwks.json\n"
                        "AuthType oauth20\n",
    "mod_oauth2": "AuthType oauth2\n"
                  "OAuth2TokenVerify jwks_uri https://{}/.well-known/jwks.json\n",
}


def line_servers(issuer, httpd, name, old, new, path="/orders", more=("", "")):
    """A server with the old lines and one with the new ones."""
    keys, auth_type = sorted(VERIFY[name].splitlines(), key=lambda line: "AuthType" in line)
    place = f'{{}}<Location "{path}">\n{{}}\nRequire {old}\n{more[0]}\n</Location>\n'
    block = place.format("" if name == "mod_oauth2" else keys + "\n",
                         f"{auth_type}\n{keys}" if name == "mod_oauth2" else auth_type)
    module, config = OTHERS[name](issuer, block.replace("{}", "tenant.us.auth0.com"))
    page = {"htdocs/orders": "ok"}
    return (httpd(config, auth0=False, modules=[module], files=page),
            httpd(trust(issuer) + location(path, more[1], require=new, audience=AUDIENCE),
                  files=page))


@pytest.mark.parametrize("name, old, new, claims, was, is_now", LINES)
def test_an_old_line_and_the_new_one_differ_as_the_page_says(httpd, issuer, name, old, new,
                                                             claims, was, is_now):
    servers = line_servers(issuer, httpd, name, old, new)
    token = issuer.mint(aud=AUDIENCE, **claims)
    assert [server.get("/orders", token).status for server in servers] == [was, is_now]


@pytest.mark.parametrize("name, accept", [
    ("mod_auth_openidc", "OIDCOAuthAcceptTokenAs query"),
    ("mod_oauth2", "OAuth2AcceptTokenIn query name=access_token")])
def test_a_token_in_the_query_is_accepted_as_before(httpd, issuer, name, accept):
    servers = line_servers(issuer, httpd, name, "valid-user", "valid-user",
                           more=(accept, "Auth0TokenSource query"))
    for server in servers:
        token = issuer.mint(aud=AUDIENCE)
        assert request(server.port, "GET", f"/orders?access_token={token}").status == 200
        assert server.get("/orders", token).status == 401


@pytest.mark.parametrize("name, accept", [
    ("mod_auth_openidc", "OIDCOAuthAcceptTokenAs cookie:t"),
    ("mod_oauth2", "OAuth2AcceptTokenIn cookie name=t")])
def test_a_token_in_a_cookie_is_accepted_as_before(httpd, issuer, name, accept):
    for server in line_servers(issuer, httpd, name, "valid-user", "valid-user",
                               more=(accept, "Auth0TokenSource cookie:t")):
        token = issuer.mint(aud=AUDIENCE)
        assert server.get("/orders", headers={"Cookie": f"t={token}"}).status == 200
        assert server.get("/orders", token).status == 401


def names_of(heading, pattern):
    (text,) = [text for name, text in pages.sections(pages.read(PAGE)) if name == heading]
    return set(re.findall(pattern, text))


@pytest.mark.parametrize("name, module, pattern", [
    ("mod_auth_openidc", "auth_openidc", r"\bOIDC[A-Z]\w+"),
    ("mod_oauth2", "oauth2", r"\bOAuth2[A-Z]\w+")])
def test_every_old_directive_of_the_page_exists(name, module, pattern):
    need_page_version(module)
    binary = (paths.LIBEXECDIR / f"mod_{module}.so").read_bytes()
    names = names_of(f"{name}: line by line", pattern) - {"OIDC_CLAIM_"}
    assert len(names) > 3 and b"OIDCNoSuchName\0" not in binary
    assert [one for one in sorted(names) if one.encode() + b"\0" not in binary] == []


# ---- the plan --------------------------------------------------------------------------


TO_OAUTH2 = {
    "OIDCOAuthVerifyJwksUri https://tenant.us.auth0.com/.well-known/jwks.json\n": "",
    "AuthType oauth20": "AuthType oauth2\n    OAuth2TokenVerify jwks_uri "
                        "https://tenant.us.auth0.com/.well-known/jwks.json",
    "claim permissions": "oauth2_claim permissions"}


def would_be_refused(server, issuer):
    """Who stands in the log that the page makes, after requests of all kinds."""
    server.wait_for_log("usable keys")
    tokens = [issuer.mint(**{"aud": AUDIENCE, "permissions": ["read:orders"], **claims})
              for claims in ({"sub": "good"}, {"sub": "audience", "aud": "https://other"},
                             {"sub": "array", "permissions": "read:orders"},
                             {"sub": "bound", "cnf": {"jkt": "0ZcOCORZNYy"}})]
    for token in tokens:
        assert server.get("/orders/1", token).text == "an order"
    # What the old module refuses itself, and what is open, is not of interest.
    assert server.get("/orders/1").status == 401
    assert server.get("/open").status == 200
    server.end()
    lines = (server.root / "logs/would-refuse.log").read_text().splitlines()
    assert all(" 200 " in line for line in lines)
    return {line.split()[-1] for line in lines}


@example("Log what would be refused", PAGE)
@pytest.mark.parametrize("name", OTHERS)
def test_what_would_be_refused_is_logged_while_the_old_module_protects(httpd, issuer, name,
                                                                       block):
    files = {"htdocs/orders/1": "an order", "htdocs/open": "a page"}
    (_, longer), = [found for found in pages.blocks(pages.read(PAGE), "")
                    if found[1].startswith('"expr=')]
    (expression,) = re.findall(r'"expr=.*"', block)
    for line, who in ((expression, {"audience", "bound"}),
                      (longer.strip(), {"audience", "array", "bound"})):
        lines = changed(block, {expression: line})
        if name == "mod_oauth2":
            lines = changed(lines, TO_OAUTH2)
        module, config = OTHERS[name](issuer, lines)
        server = httpd(f"Auth0CAFile {issuer.ca_file}\n" + config, modules=[module],
                       files=files)
        assert would_be_refused(server, issuer) == who


@example("mod_auth_openidc: tokens and sessions in one place", PAGE)
def test_sessions_stay_with_mod_auth_openidc_and_tokens_come_here(httpd, issuer, block):
    need_module("auth_openidc")
    server = httpd(f"OIDCProviderIssuer {issuer.iss}\n"
                   + "".join(f"OIDCProvider{name} {issuer.iss}{path}\n" for name, path in
                             (("AuthorizationEndpoint", "authorize"),
                              ("TokenEndpoint", "oauth/token"),
                              ("JwksUri", ".well-known/jwks.json")))
                   # The tests' tenant publishes no such document.
                   + trusting(issuer, re.sub(r"OIDCProviderMetadataURL.*\n", "", block)),
                   modules=["auth_openidc"], files={"htdocs/reports/1": "a report"})
    answer = server.get("/reports/1", headers={"Accept": "text/html"})
    assert answer.status == 302
    target = urllib.parse.urlsplit(answer.header("Location"))
    assert (target.netloc, target.path) == (issuer.domain, "/authorize")
    good = issuer.mint(aud=AUDIENCE, permissions=["read:reports"])
    assert server.get("/reports/1", good).text == "a report"
    assert_refusal(server.get("/reports/1", issuer.mint(aud=AUDIENCE)), "E4",
                   scope="read:reports")
    assert_refusal(server.get("/reports/1", tampered(good)), "E3",
                   reason="signature_invalid")


# ---- Flask -----------------------------------------------------------------------------

SAMPLES = {"hello-world": ("/api/messages/public", "/api/messages/protected",
                           "/api/messages/admin"),
           "quickstart": ("/api/public", "/api/private", "/api/private-scoped")}
NEEDS = {"hello-world": ("jwt", "PyJWT", "2.6.0"),
         "quickstart": ("jose", "python-jose", "3.3.0")}


def need_library(sample):
    """Skip without Flask and this sample's library; on CI their absence is a failure.

    Not that of python-jose, which Debian 12 is the last to have.
    """
    release = Path("/etc/os-release")
    jose = release.exists() and "VERSION_CODENAME=bookworm" in release.read_text()
    for name in ("flask", NEEDS[sample][0]):
        if importlib.util.find_spec(name) is None:
            must = paths.CI and (name != "jose" or jose)
            (pytest.fail if must else pytest.skip)(f"Python has no {name}")


@pytest.fixture
def flask():
    """Starts the application of a sample: guarded as the sample is, or open."""
    started = []

    def start(sample, issuer, mode):
        need_library(sample)
        port = free_port()
        environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8",
                       "AUTH0_DOMAIN": issuer.domain, "AUTH0_AUDIENCE": AUDIENCE,
                       "SSL_CERT_FILE": issuer.ca_file, "PYTHONDONTWRITEBYTECODE": "1"}
        process = subprocess.Popen(
            [sys.executable, paths.INTEGRATION / "legacy/flask_samples.py", sample, mode,
             str(port)], env=environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        started.append(process)

        def ready():
            assert process.poll() is None, "the application ended"
            try:
                return request(port, "GET", SAMPLES[sample][0]).status == 200
            except OSError:
                return False

        wait_until(ready, 30, "the application", every=0.1)
        return SimpleNamespace(port=port, url=f"http://127.0.0.1:{port}")

    yield start
    for process in started:
        process.terminate()
        process.wait(10)


@pytest.mark.parametrize("sample, name", [("hello-world", "Hello World API"),
                                          ("quickstart", "quickstart")])
def test_an_application_like_a_sample_answers_as_the_page_says(flask, issuer, dead_issuer,
                                                               sample, name):
    _, library, version = NEEDS[sample]
    need_library(sample)
    if importlib.metadata.version(library) != version:
        pytest.skip(f"{library} is not {version}, of which the page tells")
    expected = column("Flask: what each answers", name)
    path = SAMPLES[sample][2]
    assert_answers(flask(sample, issuer, "guarded").port, path, issuer, expected)
    good = dead_issuer.mint(aud=AUDIENCE, **ENOUGH)
    cold = flask(sample, dead_issuer, "guarded")
    assert request(cold.port, "GET", path, {"Authorization": f"Bearer {good}"}).status \
        == expected[NO_KEYS]


def assert_replaces(sample, flask, issuer, dead_issuer, after, block):
    """httpd in front of the application without guards answers as the page says."""
    expected = column("Flask: what each answers", "after")
    public, protected, enough = SAMPLES[sample]
    application = flask(sample, issuer, "open")
    server = after(issuer, block, application.url)
    assert_answers(server.port, enough, issuer, expected)
    plain = issuer.mint(aud=AUDIENCE, sub="auth0|1", permissions=["ä"])
    statuses = [[server.get(path, token).status for token in (None, plain)]
                for path in (public, protected, enough)]
    assert statuses == [[200, 200], [401, 200], [401, 403]]
    # A view that somebody adds later, and what is beside the public one.
    assert [server.get(path).status for path in ("/api/new", public + "/more")] == [401, 401]
    cold = after(dead_issuer, block, application.url)
    assert_refusal(cold.get(enough, dead_issuer.mint(aud=AUDIENCE, **ENOUGH)), "E5")
    assert expected[NO_KEYS] == 503
    return server, server.get(protected, plain, {"X-User": "mallory"}).json()


@example("Hello World API: after", PAGE)
def test_httpd_takes_the_place_of_the_guards_of_the_hello_world_api(
        flask, issuer, dead_issuer, after, block):
    server, seen = assert_replaces("hello-world", flask, issuer, dead_issuer, after, block)
    assert (seen["user"], seen["authorization"]) == ("auth0|1", None)
    assert urllib.parse.unquote(seen["permissions"]) == '["ä"]'
    origin = {"Origin": "http://localhost:4040"}
    assert server.get("/api/messages/protected", headers=origin).header(
        "Access-Control-Allow-Origin") == origin["Origin"]


@example("Quickstart: after", PAGE)
def test_httpd_takes_the_place_of_the_guards_of_the_quickstart(
        flask, issuer, dead_issuer, after, block):
    _, seen = assert_replaces("quickstart", flask, issuer, dead_issuer, after, block)
    assert seen == {"user": "mallory", "permissions": None, "authorization": None}


@example("Hello World API: after", PAGE)
def test_httpd_only_reports_while_the_application_still_refuses(flask, issuer, after, block):
    application = flask("hello-world", issuer, "guarded")
    server = after(issuer, changed(block, {"Auth0PassToken   Off": "Auth0ReportOnly On"}),
                   application.url)
    server.wait_for_log("usable keys")
    path, mark = "/api/messages/admin", server.mark()
    poor = issuer.mint(aud=AUDIENCE)
    answer = server.get(path, poor)
    assert (answer.status, answer.json()["error"]) == (403, "insufficient_permissions")
    server.wait_for_log("permission_missing", mark)
    good = issuer.mint(aud=AUDIENCE, **ENOUGH)
    assert server.get(path, good).json()["authorization"] == f"Bearer {good}"
