"""F18: other modules for tokens in the same server, each with a place of its own."""

import base64
import urllib.parse

import pytest

from support import paths
from support.backend import seen_header
from support.conf import PROXY, assert_accepted, location, proxied, trust
from support.neighbours import need_module
from support.refusal import assert_refusal
from support.tokens import Key, claims_of, compact, header_of, tampered, token_of

OTHERS = "https://others.example.com/"
ADMIN = "auth0-permission read:a"
#: Server-wide, as the README has it: it must not make the others' places ours.
AUDIENCE_OF_ALL = "Auth0Audience https://api.example.com\n"

SCRIPT = """\
#!/bin/sh
echo "Content-Type: text/plain"
echo
echo reached
env | grep -E '^(REMOTE_USER|AUTH_TYPE|AUTH0|OIDC|OAUTH2)' | sort
"""


@pytest.fixture(scope="module")
def others_key():
    return Key("RS256", "others-key")


def pem(der):
    body = base64.encodebytes(der).decode()
    return f"-----BEGIN CERTIFICATE-----\n{body}-----END CERTIFICATE-----\n"


def mod_oauth2(key):
    """Its place and what protects it: tokens of an issuer that has nothing to do with ours."""
    return "oauth2", f"""
        OAuth2TokenVerify jwk '{compact(key.public())}' verify.iat=skip
        <Location "/oauth2">
            AuthType oauth2
            Require valid-user
        </Location>
        ScriptAlias /oauth2-cgi/ ${{ROOT}}/cgi/
        <Location "/oauth2-cgi">
            AuthType oauth2
            Require valid-user
        </Location>
        """


def mod_auth_openidc(key):
    return "auth_openidc", """
        OIDCOAuthVerifyCertFiles others-key#${ROOT}/others.pem
        OIDCOAuthRemoteUserClaim sub
        OIDCCryptoPassphrase only-of-this-test
        OIDCProviderIssuer https://login.example.com
        OIDCProviderAuthorizationEndpoint https://login.example.com/authorize
        OIDCProviderTokenEndpoint https://login.example.com/token
        OIDCProviderJwksUri https://login.example.com/keys
        OIDCClientID client-of-openidc
        OIDCClientSecret secret-of-openidc
        OIDCRedirectURI /login/callback
        <Location "/openidc">
            AuthType oauth20
            Require valid-user
        </Location>
        ScriptAlias /openidc-cgi/ ${ROOT}/cgi/
        <Location "/openidc-cgi">
            AuthType oauth20
            Require valid-user
        </Location>
        <Location "/login">
            AuthType openid-connect
            Require valid-user
        </Location>
        """


NEIGHBOURS = {"none": (), "oauth2": (mod_oauth2,), "openidc": (mod_auth_openidc,),
              "both": (mod_oauth2, mod_auth_openidc),
              "loaded after us": (mod_oauth2, mod_auth_openidc)}
PLACES = {mod_oauth2: "/oauth2", mod_auth_openidc: "/openidc"}


@pytest.fixture(scope="module")
def serve(shared_httpd, issuer, shared_backend, others_key):
    def start(neighbours, ours=True, after=False):
        modules, config = [], ""
        for neighbour in neighbours:
            name, lines = neighbour(others_key)
            need_module(name)
            modules.append(name)
            config += lines
        if ours:
            config = trust(issuer) + AUDIENCE_OF_ALL + "ScriptAlias /cgi/ ${ROOT}/cgi/\n" \
                + location("/valid") + location("/admin", require=ADMIN) \
                + location("/cgi", "Auth0PassClaims azp") + config
        config += proxied(shared_backend, "/cgi", "/oauth2-cgi", "/openidc-cgi")
        # Hooks of one rank are asked in the order of loading.
        before = "".join(f"LoadModule {name}_module {paths.LIBEXECDIR}/mod_{name}.so\n"
                         for name in modules) if after else ""
        modules = (*PROXY, "cgid", *(() if after else modules))
        server = shared_httpd(config, auth0=ours, before=before, modules=modules, files={
            "others.pem": pem(others_key.certificate()), "cgi/env": (SCRIPT, 0o755)})
        server.neighbours = neighbours
        return server
    return start


@pytest.fixture(scope="module", params=NEIGHBOURS)
def server(request, serve):
    return serve(NEIGHBOURS[request.param], after=request.param == "loaded after us")


@pytest.fixture(scope="module", params=["loaded before us", "loaded after us"])
def beside_us(request, serve):
    return serve(NEIGHBOURS["both"], after=request.param == "loaded after us")


@pytest.fixture(scope="module")
def without_us(serve):
    return serve(NEIGHBOURS["both"], ours=False)


def others_token(key, **overrides):
    claims = claims_of(OTHERS, "https://others-api.example.com", **overrides)
    return token_of(header_of(key), claims, key)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_f18_each_outcome_of_ours_is_the_same_beside_them(server, issuer, backend, method):
    token = issuer.mint()

    def ask(path, *arguments, **more):
        return server.request(method, path, *arguments, **more)

    assert_refusal(ask("/valid"), "E1", method=method, backend=backend)
    assert_refusal(ask("/valid", headers={"Authorization": "Basic dTpw"}), "E1",
                   method=method, backend=backend)
    assert_refusal(ask("/valid", headers={"Authorization": "Bearer a b"}), "E2",
                   method=method, backend=backend)
    assert_refusal(ask("/valid", tampered(token)), "E3", method=method,
                   reason="signature_invalid", backend=backend)
    assert_refusal(ask("/valid", issuer.mint(exp_in=-600)), "E3", method=method,
                   reason="expired", backend=backend)
    assert_refusal(ask("/admin", token), "E4", scope="read:a", method=method,
                   backend=backend)
    assert_accepted(ask("/valid", token), backend)
    backend.hits.clear()
    assert_accepted(ask("/admin", issuer.mint(permissions=["read:a"])), backend)


def test_f18_their_token_does_not_open_our_place(server, issuer, others_key, backend):
    assert_refusal(server.get("/valid", others_token(others_key)), "E3",
                   reason="issuer_unknown", backend=backend)
    # Nor one that only claims to be of our issuer, or wears our key's id.
    claims = claims_of(issuer.iss, issuer.audience)
    for header in (header_of(others_key), header_of(others_key, kid=issuer.key.kid)):
        assert_refusal(server.get("/valid", token_of(header, claims, others_key)), "E3",
                       reason=("key_unknown", "signature_invalid"), backend=backend)
    assert_accepted(server.get("/valid", issuer.mint()), backend)


def test_f18_our_token_does_not_open_their_places(server, issuer, others_key, backend):
    for neighbour in server.neighbours:
        answer = server.get(PLACES[neighbour], issuer.mint())
        assert answer.status == 401, repr(answer)
        assert backend.hits == []
        assert server.get(PLACES[neighbour], others_token(others_key)).status == 200
        assert seen_header(backend.hits[0], "X-Remote-User")[0].startswith("client-1@clients")
        backend.hits.clear()


def told(answer):
    """What a client is told, less what differs from one moment to the next."""
    passing = ("date", "set-cookie", "location")
    return (answer.status, sorted((name, value) for name, value in answer.headers
                                  if name.lower() not in passing), answer.body)


@pytest.mark.parametrize("place", PLACES.values())
@pytest.mark.parametrize("kind", ["none", "basic", "malformed", "forged", "expired", "ours",
                                  "good"])
def test_f18_their_places_answer_as_without_us(beside_us, without_us, issuer, others_key,
                                               backend, place, kind):
    good = others_token(others_key)
    headers = {"none": {}, "basic": {"Authorization": "Basic dTpw"},
               "malformed": {"Authorization": "Bearer a b"}}.get(kind)
    if headers is None:
        token = {"forged": tampered(good), "good": good, "ours": issuer.mint(),
                 "expired": others_token(others_key, exp_in=-600)}[kind]
        headers = {"Authorization": f"Bearer {token}"}
    answers = []
    for server in (beside_us, without_us):
        answers.append(told(server.get(place, headers={**headers, "Host": "localhost"})))
    assert answers[0][:2] == answers[1][:2]
    assert answers[0][0] == (200 if kind == "good" else 401), answers[0]
    assert len(backend.hits) == (2 if kind == "good" else 0)


def test_f18_a_login_of_theirs_is_begun_as_without_us(beside_us, without_us, issuer):
    # Our token is no session of theirs: it changes nothing.
    for server in (beside_us, without_us):
        for token in (None, issuer.mint()):
            answer = server.get("/login/page", token, headers={"Accept": "text/html"})
            assert answer.status == 302, repr(answer)
            target = urllib.parse.urlsplit(answer.header("Location"))
            assert (target.netloc, target.path) == ("login.example.com", "/authorize")
            assert answer.all("WWW-Authenticate") == []


def variables(answer):
    lines = answer.text.splitlines()
    assert lines[0] == "reached", repr(answer)
    return dict(line.split("=", 1) for line in lines[1:])


def test_f18_each_passes_on_its_own_variables_alone(beside_us, issuer, others_key):
    ours = variables(beside_us.get("/cgi/env", issuer.mint(sub="ann")))
    assert ours == {"REMOTE_USER": "ann", "AUTH_TYPE": "Bearer",
                    "AUTH0_CLAIM_azp": "client-1"}
    for place in ("/oauth2-cgi/env", "/openidc-cgi/env"):
        theirs = variables(beside_us.get(place, others_token(others_key, sub="bob")))
        assert theirs["REMOTE_USER"].startswith("bob")
        assert theirs.get("AUTH_TYPE") != "Bearer"
        assert not [name for name in theirs if name.startswith("AUTH0")], theirs
        assert [name for name in theirs if name.startswith(("OAUTH2", "OIDC"))], theirs


def test_f18_the_back_end_of_ours_gets_no_header_of_theirs(beside_us, issuer, others_key,
                                                           backend):
    assert_accepted(beside_us.get("/valid", issuer.mint()), backend)
    names = [name.upper().replace("-", "_") for name, _ in backend.hits[0]["headers"]]
    assert not [name for name in names if name.startswith(("OAUTH2", "OIDC"))], names
    backend.hits.clear()
    # Twin: behind their own places these names do arrive.
    for place in PLACES.values():
        assert beside_us.get(place, others_token(others_key)).status == 200
        names = [name.upper().replace("-", "_") for name, _ in backend.hits[-1]["headers"]]
        assert [name for name in names if name.startswith(("OAUTH2", "OIDC"))], names
