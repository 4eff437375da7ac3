"""What an issuer may publish: keys that are used, skipped, or spoil the document.

THREATS C, through a real fetch: each bad key stands beside a good one, whose tokens must
be accepted throughout.
"""

import json

import pytest

from support import tokens
from support.conf import location, trust
from support.refusal import assert_refusal
from support.tokens import ABSENT, Key, b64, unb64
from support.wait import wait_until

PAGE = {"htdocs/valid": "ok"}
GOOD = Key("RS256", "good")
RSA = Key("RS256", "bad")
EC = Key("ES256", "bad")
ED = Key("EdDSA", "bad")
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
    "c1 rsa of 1024 bits": (Key("RS256", "bad", bits=1024).public(), "under 2048 bits"),
    "c1 rsa over 8192 bits": (RSA.public(n=number((1 << 8192) + 1)), "over 8192|too long"),
    "c1 even modulus": (RSA.public(n=number(modulus() - 1)), "even"),
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
    "c3 symmetric": ({"kty": "oct", "k": b64(b"s" * 64), "kid": "bad", "alg": "HS256"},
                     "symmetric"),
    "c5 use enc": (RSA.public(use="enc"), "use"),
    "c5 key_ops without verify": (RSA.public(key_ops=["sign"]), "key_ops"),
    "c5 alg of another kind": (RSA.public(alg="ES256"), "alg"),
    "c5 alg unknown": (RSA.public(alg="RS1"), "alg"),
    "kid with a control character": (RSA.public(kid="bad\n"), "kid"),
}


@pytest.mark.parametrize("bad, why", SKIPPED.values(), ids=SKIPPED.keys())
def test_a_key_that_is_weak_or_broken_or_not_for_signatures_is_skipped(httpd, own_issuer,
                                                                       bad, why):
    own_issuer.document = tokens.jwks(bad, GOOD)
    server = httpd(trust(own_issuer) + ALL_KINDS + location("/valid"), files=PAGE)
    assert server.get("/valid", own_issuer.mint(key=GOOD)).status == 200
    line = next(line for line in server.error_log().splitlines() if "is not used" in line)
    assert "key 1 " in line and any(word in line for word in why.split("|")), line
    signer = {"RSA": RSA, "EC": EC, "OKP": ED}.get(bad["kty"], RSA)
    if why == "under 2048 bits":
        signer = Key("RS256", "bad", bits=1024)
    kid = bad["kid"] if bad["kid"].isprintable() else "bad"
    assert_refusal(server.get("/valid", own_issuer.mint(key=signer, kid=kid)), "E3",
                   reason="key_unknown")


def test_c1_c5_the_sound_twins_of_the_skipped_keys_are_used(httpd, own_issuer):
    own_issuer.document = tokens.jwks(
        RSA.public(kid="rsa", key_ops=["verify"]), EC.public(kid="ec"),
        ED.public(kid="ed", alg=ABSENT, use=ABSENT))
    server = httpd(trust(own_issuer) + ALL_KINDS + location("/valid"), files=PAGE)
    for key, kid in ((RSA, "rsa"), (EC, "ec"), (ED, "ed")):
        assert server.get("/valid", own_issuer.mint(key=key, kid=kid)).status == 200, kid
    assert "is not used" not in server.error_log()


def test_c4_a_document_with_a_private_key_is_refused_and_the_last_good_one_kept(
        httpd, own_issuer):
    own_issuer.document = tokens.jwks(GOOD)
    server = httpd(trust(own_issuer) + "Auth0JWKSRefresh 1s 1h 1s\n" + location("/valid"),
                   files=PAGE)
    assert server.get("/valid", own_issuer.mint(key=GOOD)).status == 200
    leaked = json.loads(Key("RS256", "leaked").jwk.export_private())
    own_issuer.document = json.dumps({"keys": [{**leaked, "kid": "leaked"}]})
    wait_until(lambda: "private key" in server.error_log(), 6, "the warning of the leak")
    assert leaked["d"] not in server.all_logs()
    assert server.get("/valid", own_issuer.mint(key=GOOD)).status == 200


def test_c6_different_keys_under_one_kid_are_ambiguous_and_the_same_twice_is_not(
        httpd, own_issuer):
    twin, other = Key("RS256", "twin"), Key("RS256", "twin")
    own_issuer.document = tokens.jwks(twin, other, GOOD, GOOD)
    server = httpd(trust(own_issuer) + location("/valid"), files=PAGE)
    for key in (twin, other):
        assert_refusal(server.get("/valid", own_issuer.mint(key=key)), "E3",
                       reason="key_ambiguous")
    assert server.get("/valid", own_issuer.mint(key=GOOD)).status == 200
    assert own_issuer.fetches == 1


KEYS = json.dumps([GOOD.public()])
BROKEN = {
    "keys absent": "{}",
    "keys null": '{"keys":null}',
    "keys a string": '{"keys":"none"}',
    "keys an object": '{"keys":{}}',
    "no keys": '{"keys":[]}',
    "a key that is no object": '{"keys":["a"]}',
    "duplicate member": '{"keys":%s,"keys":%s}' % (KEYS, KEYS),
    "duplicate member in a key": tokens.jwks(GOOD).replace('"use"', '"kid"', 1),
    "nul": '{"keys":%s,"x":"\\u0000"}' % KEYS,
    "raw nul": b'{"keys":' + KEYS.encode() + b',"x":"\x00"}',
    "bom": b"\xef\xbb\xbf" + tokens.jwks(GOOD).encode(),
    "trailing bytes": tokens.jwks(GOOD) + "}",
    "65 keys": json.dumps({"keys": [GOOD.public(kid=f"k{i}") for i in range(65)]}),
    "over 128 KiB": tokens.jwks(GOOD) + " " * (128 * 1024),
}


@pytest.mark.parametrize("document", BROKEN.values(), ids=BROKEN.keys())
def test_c8_a_broken_document_does_not_replace_a_good_one(httpd, own_issuer, document):
    own_issuer.document = tokens.jwks(GOOD)
    server = httpd(trust(own_issuer) + "Auth0JWKSRefresh 600ms 1h 1s\n"
                   + location("/valid"), files=PAGE)
    good = own_issuer.mint(key=GOOD)
    assert server.get("/valid", good).status == 200
    own_issuer.document = document
    wait_until(lambda: "cannot fetch the keys" in server.error_log(), 6, "the warning")
    assert server.get("/valid", good).status == 200


def test_c8_64_keys_and_128_kib_are_fine(httpd, own_issuer):
    document = json.dumps({"keys": [GOOD.public(kid=f"k{i}") for i in range(63)]
                           + [GOOD.public()]})
    own_issuer.document = document + " " * (128 * 1024 - len(document))
    server = httpd(trust(own_issuer) + location("/valid"), files=PAGE)
    assert server.get("/valid", own_issuer.mint(key=GOOD)).status == 200
