"""What an issuer may publish: keys that are used, skipped, or spoil the document.

THREATS C, through a real fetch: each bad key stands beside a good one, whose tokens must
be accepted throughout.
"""

import json

import pytest

from support import tokens
from support.conf import location, trust
from support.issuer import Issuer
from support.refusal import assert_refusal
from support.tokens import ABSENT, Key, b64, unb64
from support.wait import wait_until

PAGE = {"htdocs/valid": "ok"}
GOOD = Key("RS256", "good")
RSA = Key("RS256", "bad")
WEAK = Key("RS256", "bad", bits=1024)
EC = Key("ES256", "bad")
ED = Key("EdDSA", "bad")
SHARED = b"a secret that somebody publishes " * 2
#: For keys that no library would make: their tokens only need to name them.
ALL_KINDS = "Auth0Algorithms RS256 PS256 ES256 EdDSA\n"


def number(value):
    return b64(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def modulus():
    return int.from_bytes(unb64(RSA.public()["n"]), "big")


def roca_modulus():
    """A power of 65537 modulo each small prime, as the broken generator made them."""
    primorial = 1
    for candidate in range(2, 702):
        if all(candidate % smaller for smaller in range(2, int(candidate ** 0.5) + 1)):
            primorial *= candidate
    n = pow(65537, 7, primorial) + primorial * (2 ** 2047 // primorial + 1)
    assert n.bit_length() == 2048 and n % 2 == 1
    return n


#: name: (the bad key, the words with which the log says why it is not used)
SKIPPED = {
    "c1 rsa of 1024 bits": (WEAK.public(), "under 2048 bits"),
    "c1 rsa over 8192 bits": (RSA.public(n=number((1 << 8192) + 1)), "over 8192"),
    "c1 rsa of 16384 bits": (RSA.public(n=number((1 << 16383) + 1)), "too long"),
    "c1 even modulus": (RSA.public(n=number(modulus() - 1)), "even"),
    "c1 exponent 0": (RSA.public(e=b64(b"\0")), "exponent"),
    "c1 exponent 1": (RSA.public(e=number(1)), "exponent"),
    "c1 exponent 2": (RSA.public(e=number(2)), "exponent"),
    "c1 even exponent": (RSA.public(e=number(65536)), "exponent"),
    "c1 exponent over 2^32": (RSA.public(e=number(2 ** 32 + 1)), "exponent"),
    "c1 no exponent": (RSA.public(e=ABSENT), "exponent"),
    "c1 roca": (RSA.public(n=number(roca_modulus())), "ROCA"),
    "c2 ec off its curve": (EC.public(y=EC.public()["x"]), "curve"),
    "c2 ec coordinate short": (EC.public(x=b64(unb64(EC.public()["x"])[1:])), "length"),
    "c2 ec at infinity": (EC.public(x=b64(bytes(32)), y=b64(bytes(32))), "curve"),
    "c2 okp of 31 bytes": (ED.public(x=b64(unb64(ED.public()["x"])[1:])), "length"),
    "c2 okp of low order": (ED.public(x=b64(bytes(32))), "low order"),
    "c3 symmetric": ({"kty": "oct", "k": b64(SHARED), "kid": "bad", "alg": "HS256"},
                     "symmetric"),
    "c5 use enc": (RSA.public(use="enc"), "use"),
    "c5 key_ops without verify": (RSA.public(key_ops=["sign"]), "key_ops"),
    "c5 alg of another kind": (RSA.public(alg="ES256"), "alg"),
    "c5 alg unknown": (RSA.public(alg="RS1"), "alg"),
    "kid with a control character": (RSA.public(kid="bad\n"), "kid"),
}


@pytest.fixture(scope="module")
def tenants(authority, shared_httpd):
    """Serve the rows of a table: a tenant and a place for each, on one server."""
    started = []

    def serve(documents, config):
        made = {row: Issuer(authority, keys=[GOOD]).start() for row in documents}
        started.extend(made.values())
        for row, tenant in made.items():
            tenant.document, tenant.path = documents[row], f"/{list(made).index(row)}"
            config += location(tenant.path, f"Auth0Domain {tenant.domain}")
        server = shared_httpd(f"Auth0CAFile {authority.file}\n{config}", threads=16,
                              files={f"htdocs{each.path}": "ok" for each in made.values()},
                              before="ThreadStackSize 131072")
        for tenant in made.values():
            wait_until(lambda: server.get(tenant.path, tenant.mint()).status == 200, 20,
                       f"the keys of {tenant.domain}", every=0.1)
        return server, made

    yield serve
    for tenant in started:
        tenant.stop()


@pytest.fixture(scope="module")
def skipping(tenants):
    return tenants({row: tokens.jwks(bad, GOOD) for row, (bad, _) in SKIPPED.items()},
                   ALL_KINDS)


@pytest.mark.parametrize("row", SKIPPED, ids=lambda row: row.replace(" ", "-"))
def test_a_key_that_is_weak_or_broken_or_not_for_signatures_is_skipped(skipping, row):
    (server, made), (bad, why) = skipping, SKIPPED[row]
    tenant = made[row]
    line = next(line for line in server.error_log().splitlines()
                if "is not used" in line and tenant.jwks_url in line)
    assert "key 1 " in line and why in line, line
    signer = {"RSA": RSA, "EC": EC, "OKP": ED}.get(bad["kty"], RSA)
    if row == "c1 rsa of 1024 bits":
        signer = WEAK
    kid = bad["kid"] if bad["kid"].isprintable() else "bad"
    mark = server.mark()
    assert_refusal(server.get(tenant.path, tenant.mint(key=signer, kid=kid)), "E3",
                   reason="key_unknown", server=server, mark=mark)
    assert server.get(tenant.path, tenant.mint()).status == 200


def test_c3_a_published_secret_signs_nothing_and_is_not_logged(skipping):
    server, made = skipping
    tenant, secret = made["c3 symmetric"], Key("HS256", "bad", secret=SHARED)
    mark = server.mark()
    assert_refusal(server.get(tenant.path, tenant.mint(key=secret)), "E3",
                   reason="algorithm_not_allowed", server=server, mark=mark)
    assert b64(SHARED) not in server.all_logs()


def test_c1_c5_the_sound_twins_of_the_skipped_keys_are_used(httpd, own_issuer):
    own_issuer.document = tokens.jwks(
        RSA.public(kid="rsa", key_ops=["verify"]), EC.public(kid="ec"),
        ED.public(kid="ed", alg=ABSENT, use=ABSENT))
    server = httpd(trust(own_issuer) + ALL_KINDS + location("/valid"), files=PAGE)
    for key, kid in ((RSA, "rsa"), (EC, "ec"), (ED, "ed")):
        assert server.get("/valid", own_issuer.mint(key=key, kid=kid)).status == 200, kid
    assert "is not used" not in server.error_log()


@pytest.mark.parametrize("alg", ["RS256", "ES256", "EdDSA"])
def test_c4_a_document_with_a_private_key_is_refused_and_the_last_good_one_kept(
        httpd, own_issuer, alg):
    own_issuer.document = tokens.jwks(GOOD)
    server = httpd(trust(own_issuer) + "Auth0JWKSRefresh 1s 1h 1s\n" + ALL_KINDS
                   + location("/valid"), files=PAGE)
    assert server.get("/valid", own_issuer.mint(key=GOOD)).status == 200
    leaked = Key(alg, "leaked")
    private = json.loads(leaked.jwk.export_private())
    mark = server.mark()
    own_issuer.document = tokens.jwks(GOOD, {**private, "kid": "leaked"})
    wait_until(lambda: "private key" in server.error_log(mark), 6, "the warning of the leak")
    assert private["d"] not in server.all_logs()
    assert server.get("/valid", own_issuer.mint(key=GOOD)).status == 200
    mark = server.mark()
    assert_refusal(server.get("/valid", own_issuer.mint(key=leaked)), "E3",
                   reason="key_unknown", server=server, mark=mark)
    # Without its private members it is a key like any other.
    own_issuer.document = tokens.jwks(GOOD, leaked)
    wait_until(lambda: server.get("/valid", own_issuer.mint(key=leaked)).status == 200, 6,
               "the sound document")


def test_c6_different_keys_under_one_kid_are_ambiguous_and_the_same_twice_is_not(
        httpd, own_issuer):
    twin, other = Key("RS256", "twin"), Key("RS256", "twin")
    own_issuer.document = tokens.jwks(twin, other, GOOD, GOOD)
    server = httpd(trust(own_issuer) + location("/valid"), files=PAGE)
    for key in (twin, other):
        mark = server.mark()
        assert_refusal(server.get("/valid", own_issuer.mint(key=key)), "E3",
                       reason="key_ambiguous", server=server, mark=mark)
    assert server.get("/valid", own_issuer.mint(key=GOOD)).status == 200
    assert own_issuer.fetches == 1


KEYS = json.dumps([GOOD.public()])
MALFORMED = "this is no JWK Set"
NOT_JSON = "this is not JSON"
LIMITS = "over the limits"
NESTED = "nested too deeply or has too many values"

#: name: (the document, the words with which the log says why it is not used)
BROKEN = {
    "keys absent": ("{}", MALFORMED),
    "keys null": ('{"keys":null}', MALFORMED),
    "keys a string": ('{"keys":"none"}', MALFORMED),
    "keys an object": ('{"keys":{}}', MALFORMED),
    "no keys": ('{"keys":[]}', "no usable key"),
    "a key that is no object": ('{"keys":["a"]}', MALFORMED),
    "an array": (KEYS, MALFORMED),
    "duplicate member": ('{"keys":%s,"keys":%s}' % (KEYS, KEYS), "duplicate name"),
    "duplicate member by escapes": ('{"keys":%s,"k\\u0065ys":[]}' % KEYS,
                                    "duplicate name"),
    "duplicate member in a key": (tokens.jwks(GOOD).replace('"use"', '"kid"', 1),
                                  "duplicate name"),
    "nul": ('{"keys":%s,"x":"\\u0000"}' % KEYS, NOT_JSON),
    "raw nul": (b'{"keys":' + KEYS.encode() + b',"x":"\x00"}', NOT_JSON),
    "trailing nul": (tokens.jwks(GOOD) + "\0", NOT_JSON),
    "bom": (b"\xef\xbb\xbf" + tokens.jwks(GOOD).encode(), NOT_JSON),
    "not utf-8": (b'{"keys":' + KEYS.encode() + b',"x":"\xff"}', NOT_JSON),
    "trailing bytes": (tokens.jwks(GOOD) + "}", NOT_JSON),
    "65 keys": (json.dumps({"keys": [GOOD.public(kid=f"k{i}") for i in range(65)]}),
                LIMITS),
    "over 128 KiB": (tokens.jwks(GOOD) + " " * (128 * 1024), "limit"),
    # D13 where it has the room.
    "depth 60000": ('{"keys":%s,"x":%s%s}' % (KEYS, "[" * 60000, "]" * 60000), NESTED),
    "257 members": ('{"keys":%s,"x":{%s}}' % (KEYS, ",".join(
        f'"{i}":0' for i in range(257))), NESTED),
    "4097 values": ('{"keys":%s,"x":[%s0]}' % (KEYS, "0," * 4096), NESTED),
}


@pytest.fixture(scope="module")
def broken(tenants):
    """Each tenant's document is good at first."""
    server, made = tenants(dict.fromkeys(BROKEN, tokens.jwks(GOOD)),
                           "Auth0JWKSRefresh 2s 1h 1s\n")
    for row, tenant in made.items():
        tenant.document = BROKEN[row][0]
    return server, made


@pytest.mark.parametrize("row", BROKEN, ids=lambda row: row.replace(" ", "-"))
def test_c8_a_broken_document_does_not_replace_a_good_one(broken, row):
    (server, made), (_, why) = broken, BROKEN[row]
    tenant = made[row]
    line = wait_until(lambda: next(
        (line for line in server.error_log().splitlines()
         if "cannot fetch the keys" in line and tenant.jwks_url in line), None), 10,
        "the warning")
    assert why in line and ":warn]" in line, line
    for _ in range(2):
        assert server.get(tenant.path, tenant.mint()).status == 200


def test_c8_64_keys_and_128_kib_are_fine(httpd, own_issuer):
    document = json.dumps({"keys": [GOOD.public(kid=f"k{i}") for i in range(63)]
                           + [GOOD.public()]})
    own_issuer.document = document + " " * (128 * 1024 - len(document))
    server = httpd(trust(own_issuer) + location("/valid"), files=PAGE)
    assert server.get("/valid", own_issuer.mint(key=GOOD)).status == 200
