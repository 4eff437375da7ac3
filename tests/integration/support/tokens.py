"""Keys and tokens: good ones as another library (jwcrypto) makes them, and broken ones."""

import base64
import datetime
import json
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from jwcrypto import jwa, jwk

from . import canaries

RSA = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
EC = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
HS = {"HS256": 32, "HS384": 48, "HS512": 64}
ALL_PUBLIC = (*RSA, *EC, "EdDSA")
ALL = (*ALL_PUBLIC, *HS)

#: In a mint() override: leave this claim or header parameter out.
ABSENT = object()


def b64(data):
    if isinstance(data, str):
        data = data.encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def compact(value):
    return json.dumps(value, separators=(",", ":"))


class Key:
    """A key pair (or a secret) with its kid and the algorithm it is meant for."""

    def __init__(self, alg="RS256", kid="key-1", bits=2048, secret=None):
        self.alg = alg
        self.kid = kid
        self.secret = None
        if alg in RSA:
            self.jwk = jwk.JWK.generate(kty="RSA", size=bits)
        elif alg in EC:
            self.jwk = jwk.JWK.generate(kty="EC", crv=EC[alg])
        elif alg == "EdDSA":
            self.jwk = jwk.JWK.generate(kty="OKP", crv="Ed25519")
        else:
            self.secret = secret or jwk.JWK.generate(kty="oct", size=512)["k"].encode()
            self.jwk = jwk.JWK(kty="oct", k=b64(self.secret))

    def public(self, **more):
        """The key as an issuer publishes it; more= adds or, with ABSENT, removes."""
        members = {"kty": self.jwk["kty"], "use": "sig", "alg": self.alg, "kid": self.kid,
                   **json.loads(self.jwk.export_public())}
        members["kid"] = self.kid
        members.update(more)
        return {name: value for name, value in members.items() if value is not ABSENT}

    def pem(self):
        return self.jwk.export_to_pem()

    def certificate(self):
        """A certificate that the key signs for itself, in DER."""
        pair, now = self.jwk.get_op_key("sign"), datetime.datetime.now()
        made = x509.CertificateBuilder(x509.Name([]), x509.Name([]), pair.public_key(), 1,
                                       now, now + datetime.timedelta(days=1))
        return made.sign(pair, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def jwks(*keys):
    """The document of these keys (Key objects or dicts)."""
    return json.dumps({"keys": [key.public() if isinstance(key, Key) else key
                                for key in keys]})


def sign(key, signing_input, alg):
    """A signature over any bytes, so that broken tokens can be genuinely signed."""
    if isinstance(signing_input, str):
        signing_input = signing_input.encode()
    return jwa.JWA.signing_alg(alg).sign(key.jwk, signing_input)


def token_of(header, payload, key, alg=None):
    """Sign a header and payload given as dict, str or raw bytes."""
    parts = [b64(compact(part) if isinstance(part, dict) else part)
             for part in (header, payload)]
    signing_input = ".".join(parts)
    token = signing_input + "." + b64(sign(key, signing_input, alg or key.alg))
    canaries.remember(token)
    return token


def header_of(key, **overrides):
    header = {"alg": key.alg, "typ": "JWT", "kid": key.kid, **overrides}
    return {name: value for name, value in header.items() if value is not ABSENT}


def claims_of(issuer, audience, *, exp_in=3600, permissions=None, scope=None, **overrides):
    """An Auth0 access token's claims, as a machine-to-machine client gets them."""
    now = int(time.time())
    claims = {"iss": issuer, "sub": "client-1@clients", "aud": audience, "iat": now,
              "exp": now + exp_in, "gty": "client-credentials", "azp": "client-1"}
    if permissions is not None:
        claims["permissions"] = permissions
    if scope is not None:
        claims["scope"] = scope
    claims.update(overrides)
    return {name: value for name, value in claims.items() if value is not ABSENT}


def tampered(token):
    """The same token with one bit of its signature changed."""
    head, _, signature = token.rpartition(".")
    data = bytearray(unb64(signature))
    data[len(data) // 2] ^= 0x10
    return head + "." + b64(bytes(data))
