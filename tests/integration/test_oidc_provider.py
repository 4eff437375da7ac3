"""The samples' own flow against a real OpenID provider (npm oidc-provider).

tests/provider/server.mjs is the tenant: Auth0's routes, TLS by the tests' authority.
A client asks for a token as the dashboard's curl line does, and calls the API with it.
"""

import http.client
import json
import os
import subprocess
import time

import pytest

from support import tokens
from support.backend import Backend, seen_header
from support.conf import PROXY
from support.httpd import Httpd, readable_folder
from support.paths import CI, CONF, SLOW, TOP
from support.refusal import assert_refusal
from support.wait import free_port, wait_until
from test_sample_apis import APIS, assert_headers

FOLDER = TOP / "tests" / "provider"
AUDIENCE = "https://hello-world.example.com"
OTHER_AUDIENCE = "https://other.example.com"
API = APIS["hello-world"]
PUBLIC, PROTECTED, ADMIN = (API[route][0] for route in ("public", "protected",
                                                        "restricted"))

CLIENTS = [
    {"client_id": "reader", "client_secret": "reader-secret"},
    {"client_id": "admin", "client_secret": "admin-secret",
     "permissions": ["read:admin-messages"]},
    {"client_id": "brief", "client_secret": "brief-secret", "ttl": 1,
     "permissions": ["read:admin-messages"]},
]


class Tenant:
    """One running provider."""

    def __init__(self, node, authority):
        self.authority = authority
        self.port = free_port()
        self.domain = f"localhost:{self.port}"
        self.iss = f"https://{self.domain}/"
        self.folder = readable_folder("auth0-jwt-provider-")
        leaf = authority.ca.issue_cert("localhost")
        leaf.private_key_pem.write_to_path(str(self.folder / "key.pem"))
        for index, blob in enumerate(leaf.cert_chain_pems):
            blob.write_to_path(str(self.folder / "cert.pem"), append=index > 0)
        settings = {"port": self.port, "cert": str(self.folder / "cert.pem"),
                    "key": str(self.folder / "key.pem"),
                    "audiences": [AUDIENCE, OTHER_AUDIENCE], "clients": CLIENTS}
        self.errors = open(self.folder / "stderr.log", "w+")
        self.process = subprocess.Popen(
            [node, str(FOLDER / "server.mjs")], text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=self.errors, cwd=str(self.folder),
            env={"PATH": os.environ["PATH"], "PROVIDER": json.dumps(settings),
                 "NODE_ENV": "test"})
        self.kid = self._line()["kid"]

    def _line(self):
        """Its next word to us; oidc-provider's own warnings are passed over."""
        for line in self.process.stdout:
            if line.startswith("{"):
                return json.loads(line)
        self.errors.seek(0)
        raise AssertionError("the provider ended: " + self.errors.read())

    def rotate(self):
        self.process.stdin.write("rotate\n")
        self.process.stdin.flush()
        self.kid = self._line()["kid"]
        return self.kid

    def request(self, method, path, body=None):
        connection = http.client.HTTPSConnection(
            "localhost", self.port, timeout=20 * SLOW,
            context=self.authority.client_context())
        try:
            connection.request(method, path, body,
                               {"Content-Type": "application/json"} if body else {})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def token(self, client="reader", audience=AUDIENCE):
        """What the dashboard's curl line does."""
        row = next(row for row in CLIENTS if row["client_id"] == client)
        status, answer = self.request("POST", "/oauth/token", json.dumps({
            "client_id": row["client_id"], "client_secret": row["client_secret"],
            "audience": audience, "grant_type": "client_credentials"}))
        assert status == 200, answer
        assert answer["token_type"] == "Bearer"
        return answer["access_token"]

    def stop(self):
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
        self.process.stdout.close()
        self.errors.close()


@pytest.fixture(scope="module")
def node(program):
    found = program("node")
    if not (FOLDER / "node_modules" / "oidc-provider").exists():
        if CI:
            pytest.fail("oidc-provider is not installed: make -f Makefile.apxs provider")
        pytest.skip("oidc-provider is not installed: make -f Makefile.apxs provider")
    return found


@pytest.fixture(scope="module")
def tenant(node, authority):
    made = Tenant(node, authority)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def server(shared_httpd, authority, tenant):
    port = free_port()
    started = shared_httpd(
        f"Auth0CAFile {authority.file}\nDefine HELLO_WORLD_PORT {port}\n"
        f"Include {CONF}/hello-world.conf\n",
        env={"AUTH0_DOMAIN": tenant.domain, "AUTH0_AUDIENCE": AUDIENCE})
    started.api_port = port
    return started


def call(server, path, token=None):
    answer = server.get(path, token, port=server.api_port)
    assert_headers(answer)
    return answer


def test_the_provider_is_what_these_tests_take_it_for(tenant):
    """Auth0's issuer with its slash, RS256, a kid, the permissions in an array."""
    token = tenant.token("admin")
    header, claims = (json.loads(tokens.unb64(part)) for part in token.split(".")[:2])
    assert header["alg"] == "RS256" and header["kid"] == tenant.kid
    assert claims["iss"] == tenant.iss and claims["aud"] == AUDIENCE
    assert claims["sub"] == "admin@clients"
    assert claims["permissions"] == ["read:admin-messages"]
    status, document = tenant.request("GET", "/.well-known/jwks.json")
    assert status == 200 and tenant.kid in [key["kid"] for key in document["keys"]]
    assert all("d" not in key for key in document["keys"])


def test_the_samples_flow_without_a_token(server):
    assert call(server, PUBLIC).body == API["public"][1]
    assert_refusal(call(server, PROTECTED), "E1")
    assert_refusal(call(server, ADMIN), "E1")


def test_the_samples_flow_without_the_permission(server, tenant):
    token = tenant.token("reader")
    assert call(server, PUBLIC, token).body == API["public"][1]
    answer = call(server, PROTECTED, token)
    assert (answer.status, answer.body) == (200, API["protected"][1])
    assert_refusal(call(server, ADMIN, token), "E4", scope="read:admin-messages")


def test_the_samples_flow_with_the_permission(server, tenant):
    token = tenant.token("admin")
    for path, route in ((PUBLIC, "public"), (PROTECTED, "protected"),
                        (ADMIN, "restricted")):
        answer = call(server, path, token)
        assert (answer.status, answer.body) == (200, API[route][1])


def test_a_token_for_another_audience_is_refused(server, tenant):
    token = tenant.token("admin", OTHER_AUDIENCE)
    for path in (PROTECTED, ADMIN):
        assert_refusal(call(server, path, token), "E3", reason="audience_mismatch")
    assert call(server, PUBLIC, token).status == 200


def test_a_token_of_another_issuer_is_refused(server, node, authority, tenant):
    other = Tenant(node, authority)
    try:
        token = other.token("admin")
    finally:
        other.stop()
    for path in (PROTECTED, ADMIN):
        assert_refusal(call(server, path, token), "E3", reason="issuer_unknown")
    assert call(server, ADMIN, tenant.token("admin")).status == 200


def test_an_expired_token_is_refused(server, tenant):
    """The default leeway is 5 seconds; the token's life is one."""
    token = tenant.token("brief")
    assert call(server, ADMIN, token).status == 200
    answer = wait_until(lambda: (a := call(server, ADMIN, token)).status != 200 and a, 12,
                        "the token's end", every=0.25)
    assert_refusal(answer, "E3", reason="expired")
    expires = json.loads(tokens.unb64(token.split(".")[1]))["exp"]
    assert time.time() >= expires + 5


def test_a_tampered_token_is_refused(server, tenant):
    token = tenant.token("reader")
    header, payload, signature = token.split(".")
    claims = json.loads(tokens.unb64(payload))
    claims["permissions"] = ["read:admin-messages"]
    raised = f"{header}.{tokens.b64(tokens.compact(claims))}.{signature}"
    for broken in (raised, tokens.tampered(token)):
        for path in (PROTECTED, ADMIN):
            assert_refusal(call(server, path, broken), "E3", reason="signature_invalid")
    assert call(server, PROTECTED, token).status == 200


def test_a_token_without_an_audience_is_opaque_and_refused_with_a_hint(server, tenant):
    """The commonest mistake of all: no audience was asked for."""
    status, answer = tenant.request("POST", "/oauth/token", json.dumps({
        "client_id": "reader", "client_secret": "reader-secret",
        "grant_type": "client_credentials"}))
    assert status == 200
    mark = server.mark()
    assert_refusal(call(server, PROTECTED, answer["access_token"]), "E3",
                   reason="token_opaque", server=server, mark=mark)
    assert "audience" in server.log(mark)


def test_a_rotated_key_works_at_once_without_a_restart(server, tenant):
    old = tenant.token("admin")
    assert call(server, ADMIN, old).status == 200
    previous, kid = tenant.kid, tenant.rotate()
    assert kid != previous
    token = tenant.token("admin")
    assert json.loads(tokens.unb64(token.split(".")[0]))["kid"] == kid
    start = time.monotonic()
    answer = call(server, ADMIN, token)
    assert (answer.status, answer.body) == (200, API["restricted"][1])
    assert time.monotonic() - start <= 2.0 * SLOW
    # The provider still publishes the old key: its tokens go on working.
    assert call(server, ADMIN, old).status == 200


def test_a_back_end_sees_the_client_as_remote_user(authority, tenant):
    backend = Backend()
    try:
        with Httpd(f"""
                Auth0CAFile {authority.file}
                Auth0Domain {tenant.domain}
                Auth0Audience {AUDIENCE}
                ProxyPass / {backend.url}/
                RequestHeader set X-Remote-User "expr=%{{REMOTE_USER}}"
                <Location "/">
                    AuthType Auth0
                    Require valid-user
                </Location>
                """, modules=PROXY) as server:
            assert server.get("/", tenant.token("reader")).status == 200
            assert seen_header(backend.hits[0], "X-Remote-User") == ["reader@clients"]
            assert_refusal(server.get("/", tokens.tampered(tenant.token("reader"))), "E3")
            assert len(backend.hits) == 1
    finally:
        backend.stop()
