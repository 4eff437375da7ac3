"""Every algorithm of DESIGN.md section 4, against another library (jwcrypto)."""

import base64
import hashlib
import itertools
import json
import ssl

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, utils
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwcrypto import jwt

from support import tokens
from support.conf import PROXY, assert_accepted, location, proxied
from support.refusal import assert_refusal
from support.tokens import ABSENT, ALL, ALL_PUBLIC, HS, Key

ISSUER = "https://everything.example.com/"
AUDIENCE = "https://api.example.com"
KEYS = {alg: Key(alg, f"kid-{alg}") for alg in ALL_PUBLIC}
SECRETS = {alg: Key(alg, f"kid-{alg}") for alg in HS}


def jwcrypto_token(key, alg=None, issuer=ISSUER, **claims):
    """A token made by jwcrypto's own JWT class, not by our helpers."""
    alg = alg or key.alg
    token = jwt.JWT(header={"alg": alg, "kid": key.kid, "typ": "JWT"},
                    claims=tokens.claims_of(issuer, AUDIENCE, **claims),
                    algs=list(ALL))
    token.make_signed_token(key.jwk)
    return token.serialize()


def secret_issuer(alg):
    return f"https://{alg.lower()}.example.com/"


@pytest.fixture(scope="module")
def server(shared_httpd, shared_backend):
    files = {"conf/jwks.json": tokens.jwks(*KEYS.values()),
             "conf/no-alg.json": tokens.jwks(*(key.public(alg=ABSENT, use=ABSENT)
                                               for key in KEYS.values()))}
    conf = [proxied(shared_backend),
            location("/default", f"Auth0Issuer {ISSUER} jwks=file:${{ROOT}}/conf/jwks.json"),
            location("/all", f"Auth0Issuer {ISSUER} jwks=file:${{ROOT}}/conf/jwks.json "
                     f"algorithms={','.join(ALL_PUBLIC)}"),
            location("/no-alg", f"Auth0Issuer {ISSUER} "
                     f"jwks=file:${{ROOT}}/conf/no-alg.json "
                     f"algorithms={','.join(ALL_PUBLIC)}"),
            location("/overridden", "Auth0Algorithms RS256 PS256",
                     f"Auth0Issuer {ISSUER} jwks=file:${{ROOT}}/conf/jwks.json "
                     "algorithms=ES256"),
            location("/two", "Auth0Algorithms RS256 ES256",
                     f"Auth0Issuer {ISSUER} jwks=file:${{ROOT}}/conf/jwks.json"),
            location("/beside-a-secret",
                     f"Auth0Issuer {ISSUER} jwks=file:${{ROOT}}/conf/jwks.json",
                     f"Auth0Issuer {secret_issuer('HS256')} "
                     "secret=file:${ROOT}/conf/HS256.secret algorithms=HS256,HS384,HS512")]
    for alg in ALL_PUBLIC:
        conf.append(location(
            f"/only/{alg}", f"Auth0Algorithms {alg}",
            f"Auth0Issuer {ISSUER} jwks=file:${{ROOT}}/conf/jwks.json"))
    for alg, key in SECRETS.items():
        conf.append(location(
            f"/secret/{alg}", f"Auth0Issuer {secret_issuer(alg)} "
            f"secret=file:${{ROOT}}/conf/{alg}.secret algorithms={alg}"))
    conf.append(location(
        "/secret-default",
        f"Auth0Issuer {secret_issuer('HS256')} secret=file:${{ROOT}}/conf/HS256.secret"))
    # A secret is for its owner alone: the module refuses one that others may read.
    files |= {f"conf/{alg}.secret": (key.secret, 0o600) for alg, key in SECRETS.items()}
    return shared_httpd("".join(conf), modules=PROXY, files=files)


@pytest.mark.parametrize("alg", ALL_PUBLIC)
def test_jwcryptos_token_verifies(server, backend, alg):
    token = jwcrypto_token(KEYS[alg])
    assert_accepted(server.get("/all", token), backend)
    backend.hits.clear()
    assert_accepted(server.get(f"/only/{alg}", token), backend)


@pytest.mark.parametrize("alg", HS)
def test_jwcryptos_token_under_a_secret_verifies(server, backend, alg):
    token = jwcrypto_token(SECRETS[alg], issuer=secret_issuer(alg))
    assert_accepted(server.get(f"/secret/{alg}", token), backend)


@pytest.mark.parametrize("allowed", ALL_PUBLIC)
def test_b2_only_the_allowed_algorithm_gets_in(server, backend, allowed):
    """Each token is genuine, by a key that is published: the list alone refuses it."""
    mark = server.mark()
    for alg in ALL_PUBLIC:
        answer = server.get(f"/only/{allowed}", jwcrypto_token(KEYS[alg]))
        if alg == allowed:
            assert_accepted(answer, backend)
            backend.hits.clear()
        else:
            assert_refusal(answer, "E3", reason="algorithm_not_allowed", backend=backend)
    assert server.log(mark).count("(algorithm_not_allowed)") == len(ALL_PUBLIC) - 1


@pytest.mark.parametrize("alg", ALL_PUBLIC)
def test_the_default_is_rs256_alone(server, backend, alg):
    answer = server.get("/default", jwcrypto_token(KEYS[alg]))
    if alg == "RS256":
        assert_accepted(answer, backend)
    else:
        assert_refusal(answer, "E3", reason="algorithm_not_allowed", backend=backend)


def test_an_issuers_own_algorithms_replace_the_general_ones(server):
    assert server.get("/overridden", jwcrypto_token(KEYS["ES256"])).status == 200
    for alg in ("RS256", "PS256"):
        assert_refusal(server.get("/overridden", jwcrypto_token(KEYS[alg])), "E3",
                       reason="algorithm_not_allowed")


def test_several_algorithms_may_be_allowed(server):
    for alg in ("RS256", "ES256"):
        assert server.get("/two", jwcrypto_token(KEYS[alg])).status == 200
    assert_refusal(server.get("/two", jwcrypto_token(KEYS["PS256"])), "E3",
                   reason="algorithm_not_allowed")


@pytest.mark.parametrize("alg", ALL_PUBLIC)
def test_c9_a_key_published_without_alg_and_use_works(server, alg):
    assert server.get("/no-alg", jwcrypto_token(KEYS[alg])).status == 200


def test_b2_an_algorithm_against_the_keys_own_alg_is_refused(server, backend):
    """The RS256 key signs PS256 and RS512 quite well; its publisher says RS256."""
    for alg in ("PS256", "RS512", "PS512"):
        mark = server.mark()
        assert_refusal(server.get("/all", jwcrypto_token(KEYS["RS256"], alg=alg)), "E3",
                       reason="key_not_eligible", server=server, mark=mark,
                       backend=backend)
    # Twin: where the publisher names no algorithm, the key may be used with each.
    for alg in ("PS256", "RS512", "PS512"):
        assert server.get("/no-alg", jwcrypto_token(KEYS["RS256"], alg=alg)).status == 200


def public_forms(key):
    """A public key in every form in which somebody may find it."""
    public = key.jwk.get_op_key("verify")
    forms = [public.public_bytes(encoding, form)
             for encoding in (Encoding.PEM, Encoding.DER)
             for form in (PublicFormat.SubjectPublicKeyInfo, PublicFormat.PKCS1)]
    certificate = key.certificate()
    forms += [certificate, ssl.DER_cert_to_PEM_cert(certificate).encode()]
    forms += [tokens.compact(key.public()).encode(), key.jwk.export_public().encode(),
              tokens.jwks(key).encode()]
    modulus = json.loads(key.jwk.export_public())["n"]
    forms += [tokens.unb64(modulus), modulus.encode()]
    forms += [form.strip() for form in forms] + [base64.b64encode(form) for form in forms]
    # HMAC fills its key up with zeros: this one is the empty key.
    return [*dict.fromkeys(forms), b"\0"]


@pytest.mark.parametrize("alg", HS)
def test_b1_an_hmac_keyed_with_the_public_key_is_refused(server, backend, alg):
    """The classic: the verifier's public key taken for a shared secret."""
    key = KEYS["RS256"]
    paths = ("/default", "/all", "/no-alg", "/beside-a-secret")
    mark, asked = server.mark(), 0
    for secret in public_forms(key):
        forged = Key(alg, key.kid, secret=secret)
        token = tokens.token_of({"alg": alg, "typ": "JWT", "kid": key.kid},
                                tokens.claims_of(ISSUER, AUDIENCE), forged)
        for path in paths:
            asked += 1
            assert_refusal(server.get(path, token), "E3", reason="algorithm_not_allowed",
                           backend=backend)
    assert server.log(mark).count("(algorithm_not_allowed)") == asked >= 80
    for path in paths:
        backend.hits.clear()
        assert_accepted(server.get(path, jwcrypto_token(key)), backend)


@pytest.mark.parametrize("alg", HS)
def test_b1_nor_does_it_pass_for_an_issuer_with_a_secret(server, backend, alg):
    issuer = secret_issuer("HS256")
    mark, forms = server.mark(), public_forms(KEYS["RS256"])
    for secret in forms:
        token = jwcrypto_token(Key(alg, "x", secret=secret), issuer=issuer)
        assert_refusal(server.get("/beside-a-secret", token), "E3",
                       reason="signature_invalid", backend=backend)
    assert server.log(mark).count("(signature_invalid)") == len(forms)
    genuine = Key(alg, "x", secret=SECRETS["HS256"].secret)
    assert_accepted(server.get("/beside-a-secret", jwcrypto_token(genuine, issuer=issuer)),
                    backend)


def test_an_issuer_with_a_secret_defaults_to_hs256_and_knows_no_other(server, backend):
    issuer = secret_issuer("HS256")
    assert_accepted(server.get("/secret-default",
                               jwcrypto_token(SECRETS["HS256"], issuer=issuer)), backend)
    backend.hits.clear()
    long_secret = Key("HS512", "x", secret=SECRETS["HS256"].secret)
    for token in (jwcrypto_token(long_secret, issuer=issuer),
                  jwcrypto_token(KEYS["RS256"], issuer=issuer),
                  jwcrypto_token(KEYS["EdDSA"], issuer=issuer)):
        assert_refusal(server.get("/secret-default", token), "E3",
                       reason="algorithm_not_allowed", backend=backend)


@pytest.mark.parametrize("alg", HS)
def test_a_wrong_secret_is_a_bad_signature(server, backend, alg):
    token = jwcrypto_token(SECRETS[alg], issuer=secret_issuer(alg))
    raw, others = split(token)[1], [Key(alg, "x"), Key(alg, "x", secret=b"\0")]
    assert_only_genuine(server, backend, f"/secret/{alg}", token, [
        raw[:-1], raw[1:], raw[:len(raw) // 2], raw + b"\0", bytes(len(raw)),
        *(tokens.sign(other, split(token)[0], alg) for other in others)])


def split(token):
    """The signing input and the signature's bytes."""
    signing_input, _, signature = token.rpartition(".")
    return signing_input, tokens.unb64(signature)


def assert_only_genuine(server, backend, path, token, wrong):
    """Under each of these signatures the token is refused, under its own accepted."""
    signing_input, _ = split(token)
    mark = server.mark()
    for signature in wrong:
        assert_refusal(server.get(path, signing_input + "." + tokens.b64(signature)), "E3",
                       reason="signature_invalid", backend=backend)
    assert server.log(mark).count("(signature_invalid)") == len(wrong)
    assert_accepted(server.get(path, token), backend)


ORDERS = {
    "ES256": 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    "ES384": int("FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF"
                 "581A0DB248B0A77AECEC196ACCC52973", 16),
    "ES512": int("1FF" + "F" * 63 + "A51868783BF2F966B7FCC0148F709A5D03BB5C9B8899C47AEBB6FB"
                 "71E91386409", 16)}


@pytest.mark.parametrize("alg", ORDERS)
def test_b4_ecdsa_signatures_of_wrong_form_are_refused(server, backend, alg):
    """DER for r||s, zeros, the order and beyond, one byte more or less."""
    token, order = jwcrypto_token(KEYS[alg]), ORDERS[alg]
    raw = split(token)[1]
    size = len(raw) // 2
    good = tuple(int.from_bytes(half, "big") for half in (raw[:size], raw[size:]))
    numbers = [0, 1, order - 1, order, order + 1, 256 ** size - 1]
    pairs = [(good[0], s) for s in numbers] + [(r, good[1]) for r in numbers]
    pairs += [*itertools.product(numbers, repeat=2), (good[1], good[0])]
    wrong = [b"".join(number.to_bytes(size, "big") for number in pair) for pair in pairs]
    wrong += [utils.encode_dss_signature(*good), raw[:-1], raw[1:], raw + b"\0",
              b"\0" + raw, b"\0" + raw[:size] + b"\0" + raw[size:], raw * 2]
    assert_only_genuine(server, backend, f"/only/{alg}", token, wrong)


@pytest.mark.parametrize("alg", ORDERS)
def test_b4_a_signature_on_another_curve_is_refused(server, backend, alg):
    """Genuine, by the other curve's published key: under our kid, and under its own."""
    for other in ORDERS:
        claims = tokens.claims_of(ISSUER, AUDIENCE)
        for kid, reason in ((KEYS[alg].kid, "signature_invalid"),
                            (KEYS[other].kid, "key_not_eligible")):
            token = tokens.token_of({"alg": alg, "typ": "JWT", "kid": kid}, claims,
                                    KEYS[other])
            mark = server.mark()
            answer = server.get("/all", token)
            if other == alg:
                assert_accepted(answer, backend)
                backend.hits.clear()
            else:
                assert_refusal(answer, "E3", reason=reason, server=server, mark=mark,
                               backend=backend)


def test_b5_eddsa_with_s_beyond_the_order_or_r_of_low_order_is_refused(server, backend):
    """RFC 8032 5.1.7: S + L signs the same; under R = 0 one signature does for many."""
    token = jwcrypto_token(KEYS["EdDSA"])
    raw = split(token)[1]
    order = 2 ** 252 + 27742317777372353535851937790883648493
    point, s = raw[:32], int.from_bytes(raw[32:], "little")
    wrong = [point + (s + n * order).to_bytes(32, "little") for n in range(1, 15)]
    wrong += [point + number.to_bytes(32, "little")
              for number in (0, order, order + 1, 2 ** 256 - 1)]
    low_order = [number.to_bytes(32, "little") for number in
                 (0, 1, 2 ** 255 - 20, 2 ** 255 - 19, 2 ** 255 - 18)]
    low_order.append(bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0"
                                   "d5dfac05d3c63339b13802886d53fc05"))
    wrong += [r + rest for r in low_order for rest in (raw[32:], bytes(32))]
    assert_only_genuine(server, backend, "/only/EdDSA", token, wrong)


@pytest.mark.parametrize("alg", ALL_PUBLIC)
def test_b3_a_signature_cut_grown_or_emptied_is_refused(server, backend, alg):
    token = jwcrypto_token(KEYS[alg])
    raw = split(token)[1]
    assert_only_genuine(server, backend, "/all", token, [
        raw[:-1], raw[1:], raw + b"\0", b"\0" + raw, b"\0", bytes(len(raw)),
        b"\xff" * len(raw), raw[::-1]])


@pytest.mark.parametrize("alg", ["RS256", "PS256"])
def test_b3_an_rsa_signature_without_its_leading_zero_is_refused(server, backend, alg):
    """RFC 8017 8.2.2: as long as the modulus, even when the number is not."""
    key, jti = KEYS[alg], 0
    while (raw := split(token := jwcrypto_token(key, jti=jti))[1])[0] != 0:
        jti += 1
    assert_only_genuine(server, backend, "/all", token, [raw.lstrip(b"\0"), raw + b"\0"])


#: RSASSA-PSS with other parameters than RFC 7518 3.5 says for PS256.
PSS = [(hashes.SHA256(), hashes.SHA256(), salt) for salt in (0, 20, 31, 33, 64, 222)]
PSS += [(hashes.SHA256(), mask(), 32) for mask in (hashes.SHA1, hashes.SHA384)]
PSS += [(digest(), digest(), 32) for digest in (hashes.SHA384, hashes.SHA512)]
PSS += [(hashes.SHA384(), hashes.SHA256(), 32)]


def test_b3_pss_with_another_salt_length_hash_or_mask_is_refused(server, backend):
    key = KEYS["PS256"]
    token = jwcrypto_token(key)
    private, signing_input = key.jwk.get_op_key("sign"), split(token)[0].encode()

    def signed(digest, mask, salt):
        return private.sign(signing_input, padding.PSS(padding.MGF1(mask), salt), digest)

    assert_only_genuine(server, backend, "/all", token,
                        [signed(*parameters) for parameters in PSS])
    ours = signed(hashes.SHA256(), hashes.SHA256(), 32)
    backend.hits.clear()
    assert_accepted(server.get("/all", f"{signing_input.decode()}.{tokens.b64(ours)}"),
                    backend)


def test_b3_pkcs_1_padding_that_differs_in_anything_is_refused(server, backend):
    """RFC 8017 9.2: 00 01 FF ... FF 00, the digest's DER prefix, the digest."""
    numbers = KEYS["RS256"].jwk.get_op_key("sign").private_numbers()
    token = jwcrypto_token(KEYS["RS256"])
    signing_input, raw = split(token)
    digest = hashlib.sha256(signing_input.encode()).digest()
    info = bytes.fromhex("3031300d060960864801650304020105000420")

    def signed(head=b"\0\1", filler=b"\xff", end=b"\0", info=info, behind=b""):
        room = 256 - len(head + end + info + digest + behind)
        block = head + filler * room + end + info + digest + behind
        return pow(int.from_bytes(block, "big"), numbers.d,
                   numbers.public_numbers.n).to_bytes(256, "big")

    assert signed() == raw
    assert_only_genuine(server, backend, "/all", token, [
        signed(head=b"\1\1"), signed(head=b"\0\0"), signed(head=b"\0\2"),
        signed(filler=b"\xfe"), signed(filler=b"\0"), signed(end=b""), signed(end=b"\xff"),
        signed(info=b""), signed(info=info[:-2] + b"\0\x20"),
        signed(info=bytes.fromhex("302f300b06096086480165030402010420")),
        signed(info=bytes.fromhex("308131") + info[2:]), signed(behind=b"\0"),
        signed(behind=b"x" * 194), signed(behind=b"x" * 202)])
