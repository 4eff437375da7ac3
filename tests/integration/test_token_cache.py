"""Tokens that a process has verified before: judged anew by every place, at every request.

That a request was a hit shows in the log: a verification says "token accepted". (What
becomes of remembered tokens in time is in test_token_cache_life.py.)
"""

import base64
import hashlib
import time

import pytest

from support.conf import location, trust
from support.issuer import Issuer
from support.refusal import assert_refusal
from support.remembered import CACHE, ONE, VERIFIED, costs
from support.tokens import Key, b64, jwks, sign, tampered

AUDIENCE = "https://api.example.com"
OTHER_AUDIENCE = "https://other.example.com"


@pytest.fixture(scope="module")
def es256():
    return Key("ES256", "key-es256")


@pytest.fixture(scope="module")
def tenant(authority, ready_key, es256):
    """A tenant with a key for each of two algorithms; the first one signs."""
    with Issuer(authority, keys=[ready_key, es256]) as made:
        yield made


@pytest.fixture(scope="module")
def other(authority):
    with Issuer(authority, kids=("key-1",)) as made:
        yield made


# ---- places that differ in one thing each ------------------------------------------


class Place:
    """A place that refuses a token which /valid accepts, and one that it accepts."""

    def __init__(self, reason, twin, *lines, audience=AUDIENCE, require="valid-user"):
        self.reason, self.twin = reason, twin
        self.lines, self.more = lines, {"audience": audience, "require": require}


def of_tenant(**claims):
    return lambda tenant, other, es256: tenant.mint(**claims)


PLACES = {
    "audience": Place("audience_mismatch", of_tenant(aud=OTHER_AUDIENCE),
                      audience=OTHER_AUDIENCE),
    "algorithms": Place("algorithm_not_allowed",
                        lambda tenant, other, es256: tenant.mint(key=es256),
                        "Auth0Algorithms ES256"),
    "issuer-algorithms": Place("algorithm_not_allowed",
                               lambda tenant, other, es256: tenant.mint(key=es256),
                               "Auth0Issuer {tenant.iss} algorithms=ES256"),
    "issuer": Place("issuer_unknown", lambda tenant, other, es256: other.mint(),
                    "Auth0Domain {other.domain}"),
    "keys": Place("signature_invalid",
                  lambda tenant, other, es256: other.mint(iss=tenant.iss),
                  "Auth0Issuer {tenant.iss} jwks={other.jwks_url}"),
    "profile": Place("type_mismatch", of_tenant(header={"typ": "at+jwt"}),
                     "Auth0TokenProfile rfc9068"),
    "user": Place("user_claim_invalid", of_tenant(email="a@example.com"),
                  "Auth0UserClaim email"),
    "permission": Place(None, of_tenant(permissions=["read:a"]),
                        require="auth0-permission read:a"),
    "scope": Place(None, of_tenant(scope="x read:a"), require="auth0-scope read:a"),
}


@pytest.fixture(scope="module")
def server(shared_httpd, tenant, other):
    places = "".join(
        location(f"/{name}", *(line.format(tenant=tenant, other=other)
                               for line in place.lines), **place.more)
        for name, place in PLACES.items())
    started = shared_httpd(
        trust(tenant) + CACHE + location("/valid") + places
        + location("/patient", "Auth0Leeway 60") + location("/strict", "Auth0Leeway 0"),
        files={f"htdocs/{name}": "page" for name in
               ("valid", "patient", "strict", *PLACES)}, **ONE)
    assert started.get("/valid", tenant.mint()).status == 200
    return started


def assert_refused_by(place, answer, server, mark):
    if place.reason is None:
        assert_refusal(answer, "E4", scope="read:a")
    else:
        assert_refusal(answer, "E3", reason=place.reason, server=server, mark=mark)


@pytest.mark.parametrize("first", ["accepted first", "refused first"])
@pytest.mark.parametrize("name", PLACES)
def test_what_one_place_accepts_another_judges_for_itself(server, tenant, request, name,
                                                          first):
    place = PLACES[name]
    token = tenant.mint(jti=request.node.name)
    if first == "refused first":
        mark = server.mark()
        assert_refused_by(place, server.get(f"/{name}", token), server, mark)
    if place.reason is not None or first == "accepted first":
        with costs(server, 1):  # a token that a place has refused is not remembered
            assert server.get("/valid", token).status == 200
    with costs(server, 0):
        for _ in range(6):
            mark = server.mark()
            assert_refused_by(place, server.get(f"/{name}", token), server, mark)
            assert server.get("/valid", token).status == 200


@pytest.mark.parametrize("name", PLACES)
def test_each_of_these_places_remembers_what_it_accepts(server, tenant, other, es256, name):
    token = PLACES[name].twin(tenant, other, es256)
    with costs(server, 1):
        for _ in range(6):
            assert server.get(f"/{name}", token).status == 200
            assert_refusal(server.get(f"/{name}", tampered(token)), "E3",
                           reason="signature_invalid")


# ---- times -------------------------------------------------------------------------


def test_leeway_of_one_place_is_not_another_s(server, tenant):
    now = int(time.time())
    for claims, reason in (({"exp": now - 30, "iat": now - 90}, "expired"),
                           ({"nbf": now + 30}, "not_yet_valid"),
                           ({"iat": now + 30}, "issued_in_future")):
        token = tenant.mint(**claims)
        with costs(server, 1):
            assert server.get("/patient", token).status == 200
        with costs(server, 0):
            for _ in range(4):
                mark = server.mark()
                assert_refusal(server.get("/strict", token), "E3", reason=reason,
                               server=server, mark=mark)
                assert_refusal(server.get("/valid", token), "E3", reason=reason)
                assert server.get("/patient", token).status == 200


def test_a_remembered_token_expires_to_the_second(server, tenant):
    """The clock of the test is the server's."""
    exp = int(time.time()) + 2
    token = tenant.mint(exp=exp)
    accepted = 0
    with costs(server, 1):
        while True:
            begin = time.time()
            answer = server.get("/strict", token)
            if answer.status != 200:
                break
            assert begin < exp
            accepted += 1
        assert time.time() >= exp
        assert accepted > 10
        for _ in range(3):
            assert_refusal(server.get("/strict", token), "E3", reason="expired")


def test_a_token_of_the_future_is_good_from_its_second_on(server, tenant):
    nbf = int(time.time()) + 2
    token = tenant.mint(nbf=nbf)
    refused = 0
    while True:
        begin = time.time()
        answer = server.get("/strict", token)
        if answer.status == 200:
            break
        assert begin < nbf
        assert_refusal(answer, "E3", reason="not_yet_valid")
        refused += 1
    assert time.time() >= nbf and refused > 3
    with costs(server, 0):
        assert server.get("/strict", token).status == 200


# ---- bad tokens --------------------------------------------------------------------


def test_a_forged_token_is_refused_every_time_beside_a_remembered_one(server, tenant, rng):
    """The same header and payload, and yet another token: only the digest of all counts."""
    good = tenant.mint(jti="forged beside")
    head = good.rpartition(".")[0]
    stranger = Key("RS256", tenant.key.kid)
    forged = [tampered(good), f"{head}.{b64(sign(stranger, head, 'RS256'))}",
              f"{head}.{b64(rng.randbytes(256))}"]
    assert server.get("/valid", good).status == 200
    with costs(server, 0):
        for _ in range(5):
            for token in forged:
                mark = server.mark()
                assert_refusal(server.get("/valid", token), "E3",
                               reason="signature_invalid", server=server, mark=mark)
                assert server.log(mark).count("(signature_invalid)") == 1
            assert server.get("/valid", good).status == 200


def test_another_payload_under_a_remembered_signature_is_refused(server, tenant):
    good = tenant.mint(jti="spliced")
    header, _, signature = good.split(".")
    other = tenant.mint(jti="spliced", sub="admin").split(".")[1]
    for _ in range(3):
        assert server.get("/valid", good).status == 200
        assert_refusal(server.get("/valid", f"{header}.{other}.{signature}"), "E3",
                       reason="signature_invalid")


def test_two_good_signatures_of_one_payload_are_two_tokens(server, tenant, es256):
    """ECDSA signs differently each time."""
    claims = tenant.claims(jti="signed twice")
    one, two = (tenant.mint(key=es256, payload=claims) for _ in range(2))
    assert one != two and one.rpartition(".")[0] == two.rpartition(".")[0]
    with costs(server, 2):
        for _ in range(3):
            assert server.get("/algorithms", one).status == 200
            assert server.get("/algorithms", two).status == 200


def with_trailing_bits(token):
    """Another text of the same bytes, for decoders that do not look."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return token[:-1] + alphabet[alphabet.index(token[-1]) | 1]


ALMOST = {"a padding": lambda t: t + "==", "trailing bits": with_trailing_bits,
          "a dot more": lambda t: t + ".", "a character more": lambda t: t + "A",
          "one less": lambda t: t[:-1], "an empty signature": lambda t:
          t.rpartition(".")[0] + ".", "a slash": lambda t: "/" + t[1:],
          "upper case": str.upper}


@pytest.mark.parametrize("change", ALMOST)
def test_what_is_almost_a_remembered_token_is_refused(server, tenant, change):
    good = tenant.mint(jti="almost")
    almost = ALMOST[change](good)
    assert almost != good
    assert server.get("/valid", good).status == 200
    with costs(server, 0):
        for _ in range(3):
            assert_refusal(server.get("/valid", almost), "E3")
            # White space around is not of the token.
            assert server.get("/valid", headers={"Authorization": f"bearer   {good} "}
                              ).status == 200


# ---- sources of keys ---------------------------------------------------------------

SOURCES = {"a file": "jwks=file:conf/second.json", "another url": "jwks={other.jwks_url}",
           "a secret": "secret=file:conf/secret"}


@pytest.mark.parametrize("source", SOURCES)
def test_f15_two_hosts_with_one_issuer_and_keys_of_their_own_do_not_mix(httpd, tenant,
                                                                        other, source):
    """Each host's token is remembered, and of no use to the other host."""
    secret = Key("HS256", "key-1")
    second = secret if source == "a secret" else other.key
    reason = "algorithm_not_allowed" if source == "a secret" else "signature_invalid"
    hosts = "".join(f"<VirtualHost *:${{PORT}}>\nServerName {name}\n"
                    f"Auth0Issuer {tenant.iss} {keys}\n</VirtualHost>\n" for name, keys in
                    (("one", ""), ("two", SOURCES[source].format(other=other))))
    server = httpd(f"Auth0CAFile {tenant.ca_file}\n" + CACHE + location("/x") + hosts,
                   files={"htdocs/x": "page", "conf/second.json": jwks(other.key),
                          "conf/secret": (secret.secret, 0o600)}, **ONE)
    tokens = {"one": tenant.mint(), "two": tenant.mint(key=second)}
    with costs(server, 2):
        for _ in range(5):
            for host, wrong in (("one", "two"), ("two", "one")):
                assert server.get("/x", tokens[host], {"Host": host}).status == 200
                assert_refusal(server.get("/x", tokens[wrong], {"Host": host}), "E3",
                               reason=reason)


def test_two_lines_that_name_one_file_are_one_source(httpd, tenant, other):
    def line(file):
        return f"Auth0Issuer https://a.example.com/ jwks=file:conf/{file}.json"

    server = httpd(f"Auth0CAFile {tenant.ca_file}\n" + CACHE + location("/a", line("one"))
                   + location("/b", line("one")) + location("/c", line("two")),
                   files={**{f"htdocs/{name}": "page" for name in "abc"},
                          "conf/one.json": jwks(other.key),
                          "conf/two.json": jwks(tenant.key)}, **ONE)
    token = tenant.mint(key=other.key, iss="https://a.example.com/")
    with costs(server, 1):
        for path in ("/a", "/b", "/a", "/b"):
            assert server.get(path, token).status == 200
    assert_refusal(server.get("/c", token), "E3", reason="signature_invalid")


def test_tokens_of_a_file_s_keys_and_of_a_secret_are_remembered(httpd, tenant, other):
    secret = Key("HS256", "any")
    server = httpd(f"Auth0CAFile {tenant.ca_file}\n" + CACHE
                   + location("/filed", "Auth0Issuer https://a.example.com/ "
                              "jwks=file:conf/keys.json")
                   + location("/secret", "Auth0Issuer https://a.example.com/ "
                              "secret=file:conf/secret"),
                   files={"htdocs/filed": "page", "htdocs/secret": "page",
                          "conf/keys.json": jwks(other.key),
                          "conf/secret": (secret.secret, 0o600)}, **ONE)
    for path, key, wrong in (("/filed", other.key, secret), ("/secret", secret, other.key)):
        token = tenant.mint(key=key, iss="https://a.example.com/")
        with costs(server, 1):
            for _ in range(5):
                assert server.get(path, token).status == 200
                assert_refusal(server.get(path, tampered(token)), "E3",
                               reason="signature_invalid")
                assert_refusal(server.get("/secret" if path == "/filed" else "/filed",
                                          token), "E3", reason="algorithm_not_allowed")


def test_a_domain_that_an_htaccess_file_names_is_remembered_for(httpd, tenant, other):
    """And only where a file or the server names it."""
    server = httpd(f"Auth0CAFile {tenant.ca_file}\n" + CACHE + "Auth0TrustedDomains *\n"
                   '<Directory "${DOCS}">\nAllowOverride AuthConfig\n</Directory>\n',
                   **ONE)
    for name, domain in (("a", tenant.domain), ("b", other.domain)):
        server.write(f"htdocs/{name}/page", "page")
        server.write(f"htdocs/{name}/.htaccess", "AuthType Auth0\nRequire valid-user\n"
                     f"Auth0Audience {AUDIENCE}\nAuth0Domain {domain}\n")
    with costs(server, 2):
        for _ in range(5):
            for path, right, wrong in (("/a/page", tenant, other),
                                       ("/b/page", other, tenant)):
                assert server.get(path, right.mint(exp=4102444800, iat=0)).status == 200
                assert_refusal(server.get(path, wrong.mint(exp=4102444800, iat=0)), "E3",
                               reason="issuer_unknown")


# ---- the directive -----------------------------------------------------------------


@pytest.mark.parametrize("entries, verifications", [(0, 6), (1, 1), (5, 1), (4096, 1),
                                                    (1048576, 1)])
def test_the_directive_says_how_many_are_remembered(httpd, tenant, entries, verifications):
    server = httpd(trust(tenant) + f"Auth0TokenCache {entries}\n" + location("/x"),
                   files={"htdocs/x": "page"}, **ONE)
    token = tenant.mint()
    with costs(server, verifications):
        for _ in range(6):
            assert server.get("/x", token).status == 200
            assert_refusal(server.get("/x", tampered(token)), "E3",
                           reason="signature_invalid")


@pytest.mark.parametrize("value", ["-1", "+1", "x", "1.5", "0x10", "1k", "1048577",
                                   "99999999999999999999", '""', '" 1"', "${NOT_DEFINED}"])
def test_c0_a_number_of_entries_that_is_none(bench, value):
    bench.assert_refuses(f"Auth0TokenCache {value}\n", "Auth0TokenCache")


@pytest.mark.parametrize("lines", [
    "Auth0TokenCache\n", "Auth0TokenCache 1 2\n",
    "<VirtualHost *:1>\nAuth0TokenCache 1\n</VirtualHost>\n",
    '<Location "/x">\nAuth0TokenCache 1\n</Location>\n'],
    ids=["no number", "two", "a virtual host", "a section"])
def test_c0_the_number_of_entries_in_a_wrong_form_or_place(bench, lines):
    bench.assert_refuses(lines, "Auth0TokenCache", line=2 if lines[0] == "<" else 1)
    bench.configure("Auth0TokenCache 4096\n")
    assert bench.configtest()[0] == 0


# ---- the log -----------------------------------------------------------------------


def test_h15_no_log_line_holds_a_token_or_its_digest(httpd, tenant):
    server = httpd(trust(tenant) + CACHE + location("/x"), files={"htdocs/x": "page"},
                   log_level="debug auth0_jwt:trace8", **ONE)
    tokens = [tenant.mint(jti=str(i)) for i in range(3)]
    for token in tokens * 3:
        assert server.get("/x", token).status == 200
        assert server.get("/x", tampered(token)).status == 401
    log = server.all_logs()
    assert log.count(VERIFIED) == 3
    for token in tokens:
        digest = hashlib.sha256(token.encode()).digest()
        for text in (digest.hex(), digest.hex().upper(), base64.b64encode(digest).decode(),
                     b64(digest)):
            for piece in (text[:12], text[-12:]):
                assert piece not in log
