"""Every algorithm of DESIGN.md section 4, against another library (jwcrypto)."""

import json

import pytest
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
                     f"Auth0Issuer {ISSUER} jwks=file:${{ROOT}}/conf/jwks.json")]
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
        assert_refusal(server.get("/all", jwcrypto_token(KEYS["RS256"], alg=alg)), "E3",
                       reason=("key_not_eligible", "key_unknown"), backend=backend)
    # Twin: where the publisher names no algorithm, the key may be used with each.
    for alg in ("PS256", "RS512", "PS512"):
        assert server.get("/no-alg", jwcrypto_token(KEYS["RS256"], alg=alg)).status == 200


def test_b1_hs256_keyed_with_the_public_key_is_refused(server, backend):
    """The classic: the verifier's public key taken for a shared secret."""
    key = KEYS["RS256"]
    public = key.jwk.export_to_pem()
    encodings = [public, public.strip(), json.dumps(key.public()).encode(),
                 tokens.unb64(json.loads(key.jwk.export_public())["n"]), b"\0"]
    for encoding in encodings:
        forged = Key("HS256", key.kid, secret=encoding)
        token = tokens.token_of({"alg": "HS256", "typ": "JWT", "kid": key.kid},
                                tokens.claims_of(ISSUER, AUDIENCE), forged)
        for path in ("/default", "/all", "/no-alg"):
            assert_refusal(server.get(path, token), "E3", reason="algorithm_not_allowed",
                           backend=backend)
    assert_accepted(server.get("/default", jwcrypto_token(key)), backend)


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


def test_a_wrong_secret_is_a_bad_signature(server, backend):
    wrong = Key("HS256", "x")
    assert_refusal(server.get("/secret/HS256",
                              jwcrypto_token(wrong, issuer=secret_issuer("HS256"))),
                   "E3", reason="signature_invalid", backend=backend)


def test_b4_ecdsa_signatures_of_wrong_form_are_refused(server, backend):
    """DER for r||s, a zero, one byte more or less."""
    from cryptography.hazmat.primitives.asymmetric import utils
    token = jwcrypto_token(KEYS["ES256"])
    signing_input, _, signature = token.rpartition(".")
    raw = tokens.unb64(signature)
    r, s = (int.from_bytes(half, "big") for half in (raw[:32], raw[32:]))
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    wrong = [utils.encode_dss_signature(r, s), b"\0" * 64, raw[:-1], raw + b"\0",
             b"\0" + raw, raw[:32] + b"\0" * 32, b"\0" * 32 + raw[32:],
             raw[:32] + order.to_bytes(32, "big"), raw[32:] + raw[:32]]
    for signature in wrong:
        assert_refusal(server.get("/only/ES256",
                                  signing_input + "." + tokens.b64(signature)), "E3",
                       reason="signature_invalid", backend=backend)
    assert_accepted(server.get("/only/ES256", token), backend)


@pytest.mark.parametrize("alg", ALL_PUBLIC)
def test_b3_a_signature_cut_grown_or_emptied_is_refused(server, backend, alg):
    token = jwcrypto_token(KEYS[alg])
    signing_input, _, signature = token.rpartition(".")
    raw = tokens.unb64(signature)
    for wrong in (raw[:-1], raw[1:], raw + b"\0", b"\0" + raw, b"\0", b"\0" * len(raw),
                  b"\xff" * len(raw)):
        assert_refusal(server.get("/all", signing_input + "." + tokens.b64(wrong)), "E3",
                       reason="signature_invalid", backend=backend)
    assert_accepted(server.get("/all", token), backend)


def test_b3_pss_with_another_salt_length_is_refused(server, backend):
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding
    key = KEYS["PS256"]
    private = key.jwk.get_op_key("sign")
    header = {"alg": "PS256", "typ": "JWT", "kid": key.kid}
    signing_input = ".".join(tokens.b64(tokens.compact(part)) for part in
                             (header, tokens.claims_of(ISSUER, AUDIENCE)))
    for salt, outcome in ((32, "OK"), (20, "E3"), (0, "E3"), (33, "E3")):
        signature = private.sign(signing_input.encode(), padding.PSS(
            mgf=padding.MGF1(hashes.SHA256()), salt_length=salt), hashes.SHA256())
        answer = server.get("/all", signing_input + "." + tokens.b64(signature))
        if outcome == "OK":
            assert_accepted(answer, backend)
            backend.hits.clear()
        else:
            assert_refusal(answer, "E3", reason="signature_invalid", backend=backend)
