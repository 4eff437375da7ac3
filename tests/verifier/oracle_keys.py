"""Keys made for this run, odd ones among them, and signing with each algorithm."""

import hashlib
import hmac

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

from driver import b64url_encode

HASHES = {"256": hashes.SHA256, "384": hashes.SHA384, "512": hashes.SHA512}
CURVES = {"ES256": (ec.SECP256R1, "P-256", 32), "ES384": (ec.SECP384R1, "P-384", 48),
          "ES512": (ec.SECP521R1, "P-521", 66)}
RSA_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"]
PUBLIC_ALGORITHMS = RSA_ALGORITHMS + list(CURVES) + ["EdDSA"]
SECRET_ALGORITHMS = ["HS256", "HS384", "HS512"]

ED25519_PRIME = 2**255 - 19
ED25519_ORDER = 2**252 + 27742317777372353535851937790883648493
IDENTITY = bytes([1]) + bytes(31)  # the neutral point of Edwards25519, of order 1


def b64url_number(number, length=None):
    return b64url_encode(number.to_bytes(length or (number.bit_length() + 7) // 8, "big"))


class Key:
    """A key pair and its public JWK without kid, use and alg."""

    def __init__(self, pair, jwk, algorithms):
        self.pair, self.jwk, self.algorithms = pair, jwk, algorithms

    def sign(self, alg, data):
        if alg == "EdDSA":
            return self.pair.sign(data)
        digest = HASHES[alg[2:]]()
        if alg.startswith("ES"):
            r, s = utils.decode_dss_signature(self.pair.sign(data, ec.ECDSA(digest)))
            size = CURVES[alg][2]
            return r.to_bytes(size, "big") + s.to_bytes(size, "big")
        if alg.startswith("RS"):
            return self.pair.sign(data, padding.PKCS1v15(), digest)
        return self.pair.sign(data, padding.PSS(padding.MGF1(digest), digest.digest_size),
                              digest)

    def public_encodings(self):
        """The ways to write down this public key that have served as HMAC secrets."""
        public = self.pair.public_key()
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return [public.public_bytes(serialization.Encoding.PEM, form),
                public.public_bytes(serialization.Encoding.DER, form),
                next(self.jwk[name].encode() for name in ("n", "x") if name in self.jwk), b""]


def rsa_jwk(pair):
    numbers = pair.public_key().public_numbers()
    return {"kty": "RSA", "n": b64url_number(numbers.n), "e": b64url_number(numbers.e)}


def rsa_key(exponent=65537, bits=2048):
    pair = rsa.generate_private_key(exponent, bits)
    return Key(pair, rsa_jwk(pair), RSA_ALGORITHMS)


def rsa_key_with(exponent):
    """A sound RSA key with an exponent that no library would choose."""
    while True:
        numbers = rsa.generate_private_key(65537, 2048).private_numbers()
        p, q = numbers.p, numbers.q
        try:
            d = pow(exponent, -1, (p - 1) * (q - 1))
        except ValueError:
            continue
        pair = rsa.RSAPrivateNumbers(
            p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p),
            rsa.RSAPublicNumbers(exponent, p * q)).private_key()
        return Key(pair, rsa_jwk(pair), RSA_ALGORITHMS)


def ec_key(alg):
    curve, crv, size = CURVES[alg]
    pair = ec.generate_private_key(curve())
    numbers = pair.public_key().public_numbers()
    return Key(pair, {"kty": "EC", "crv": crv, "x": b64url_number(numbers.x, size),
                      "y": b64url_number(numbers.y, size)}, [alg])


def raw(public):
    return public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def okp_key():
    pair = ed25519.Ed25519PrivateKey.generate()
    return Key(pair, {"kty": "OKP", "crv": "Ed25519",
                      "x": b64url_encode(raw(pair.public_key()))}, ["EdDSA"])


class LowOrderR(Key):
    """Signs with a nonce of 0: R is the neutral point. The equation still holds."""

    def sign(self, alg, data):
        seed = self.pair.private_bytes(serialization.Encoding.Raw,
                                       serialization.PrivateFormat.Raw,
                                       serialization.NoEncryption())
        scalar = bytearray(hashlib.sha512(seed).digest()[:32])
        scalar[0] &= 248
        scalar[31] = scalar[31] & 127 | 64
        public = raw(self.pair.public_key())
        k = int.from_bytes(hashlib.sha512(IDENTITY + public + data).digest(), "little")
        s = k * int.from_bytes(scalar, "little") % ED25519_ORDER
        return IDENTITY + s.to_bytes(32, "little")


class LowOrderKey(Key):
    """The neutral point as a public key: one signature holds for every message."""

    def sign(self, alg, data):
        return IDENTITY + bytes(32)


class ShortPss(Key):
    """
    Signs again (the salt makes it another signature) until the signature begins with a
    zero byte, and leaves that out. One in 256 does, so only a few times in a run.
    """

    def __init__(self, key):
        super().__init__(key.pair, key.jwk, ["PS256", "PS384", "PS512"])
        self.times = 6

    def sign(self, alg, data):
        signature = super().sign(alg, data)
        self.times -= 1
        while self.times >= 0 and signature[0] != 0:
            signature = super().sign(alg, data)
        return signature.lstrip(b"\0")


def sign_hmac(alg, secret, data):
    return hmac.new(secret, data, f"sha{alg[2:]}").digest()


class Keys:
    """
    What a run works with: each issuer's key under its kid, a stranger's of each kind
    under the same, and odd keys under theirs. RSA keys are few: they take long to make.
    """

    def __init__(self):
        stranger = rsa_key()
        weak = rsa_key(bits=1024)
        weak.algorithms = weak.algorithms[:-1]  # too few bits for PS512
        self.ours = {"rsa": rsa_key(), "p256": ec_key("ES256"), "p384": ec_key("ES384"),
                     "p521": ec_key("ES512"), "ed25519": okp_key()}
        self.theirs = {"rsa": stranger, "p256": ec_key("ES256"), "p384": ec_key("ES384"),
                       "p521": ec_key("ES512"), "ed25519": okp_key()}
        low_order = okp_key()
        self.odd = {
            "e3": rsa_key(3),
            "e-large": rsa_key_with(2**32 + 15),
            "rsa1024": weak,
            "short-pss": ShortPss(self.ours["rsa"]),
            "low-order-r": LowOrderR(low_order.pair, low_order.jwk, ["EdDSA"]),
            "low-order-key": LowOrderKey(
                None, {"kty": "OKP", "crv": "Ed25519", "x": b64url_encode(IDENTITY)},
                ["EdDSA"]),
        }
        self.secret = bytes(range(64))

    def kid_for(self, alg):
        return next(kid for kid, key in self.ours.items() if alg in key.algorithms)

    def published(self):
        """The issuer's key set, as a list of JWKs to be changed."""
        return [{**key.jwk, "kid": kid, "use": "sig"} for kid, key in self.ours.items()]
