"""Tokens as Auth0 issues them, many and fast.

All of one shape have one length: 921 bytes unless claims say otherwise, with a claim
that fills it up. They differ in their jti, so each has a signature of its own.
"""

import base64
import concurrent.futures
import hashlib
import itertools
import json
import os
import time

import common
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

from support.tokens import Key, b64, compact, header_of, tampered

LENGTH = 921
SIGNATURE = 342  # of RS256 with 2048 bits, in base64url
KID = "kid-0123456789abcdef01234567"
LIFE = 24 * 3600
FILLER = "org_id"
_WORKERS = min(4, len(common.CORES))


def bench_key():
    return Key("RS256", KID)


def claims_for(issuer, number, *, permissions=None, filler="", now=None):
    """Claims whose length depends on nothing but permissions and filler."""
    now = int(now or time.time())
    permissions = permissions or [common.PERMISSION, "read:messages"]
    claims = {"iss": issuer, "sub": "Zx3fQ9vB7mK1pT5wY8rL2nD6hJ4gC0sA@clients",
              "aud": common.AUDIENCE, "iat": now, "exp": now + LIFE,
              "jti": f"{number:016x}", "gty": "client-credentials",
              "azp": "Zx3fQ9vB7mK1pT5wY8rL2nD6hJ4gC0sA", "permissions": permissions}
    if filler:
        claims[FILLER] = filler
    return claims


def payload_bytes(header, length=LENGTH):
    """How long the payload must be, before base64url, for a token of this length."""
    text = length - SIGNATURE - 2 - len(b64(compact(header)))
    if text % 4 == 1:
        raise ValueError(f"no payload makes a token of {length} bytes under this header")
    return text * 3 // 4


def filler_for(issuer, header, length=LENGTH):
    """What fills a token up to its length."""
    want = payload_bytes(header, length)
    missing = want - len(compact(claims_for(issuer, 0, filler="x"))) + 1
    if missing < 1:
        raise ValueError(f"the claims alone need more than {length} bytes")
    return ("org_" + "0123456789" * (missing // 10 + 1))[:missing]


def _sign_range(pem, head, claims, start, stop):
    """Tokens of these claims, numbered by their jti. Runs in a process of its own."""
    key = serialization.load_pem_private_key(pem, None)
    tokens = []
    for number in range(start, stop):
        body = compact({**claims, "jti": f"{number:016x}"})
        text = f"{head}.{b64(body)}"
        signature = key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
        tokens.append(f"{text}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}")
    return tokens


def private_pem(key):
    return key.jwk.export_to_pem(private_key=True, password=None)


class Mint:
    """The tokens of one issuer and key, in files that wrk reads."""

    def __init__(self, key, issuer, folder):
        self.key, self.issuer, self.folder = key, issuer, folder
        self.header = header_of(key)
        self._serial = itertools.count()

    def claims(self, **more):
        """The claims of this shape; without permissions= filled up to LENGTH."""
        if more.get("permissions"):
            return claims_for(self.issuer, 0, **more)
        return claims_for(self.issuer, 0, filler=filler_for(self.issuer, self.header),
                          **more)

    def one(self, header=None, key=None, **overrides):
        """A token with some claims changed."""
        claims = {**self.claims(), **overrides}
        head = b64(compact({**self.header, **(header or {})}))
        return _sign_range(private_pem(key or self.key), head, claims, 0, 1)[0]

    def many(self, number, **more):
        """So many distinct tokens of a shape."""
        parts = _WORKERS if number > 2000 else 1
        edges = [number * i // parts for i in range(parts + 1)]
        work = (private_pem(self.key), b64(compact(self.header)), self.claims(**more))
        if parts == 1:
            return _sign_range(*work, 0, number)
        with concurrent.futures.ProcessPoolExecutor(parts) as pool:
            jobs = [pool.submit(_sign_range, *work, *span)
                    for span in zip(edges, edges[1:])]
            return [token for job in jobs for token in job.result()]

    def file(self, tokens):
        """A file with these tokens, one a line."""
        path = self.folder / f"tokens-{next(self._serial)}"
        path.write_text("\n".join(tokens) + "\n")
        return path

    def with_unknown_kids(self, tokens):
        """The same tokens, each under a kid that no key has, at the same length."""
        heads = (b64(compact({**self.header, "kid": "kid-" + hashlib.sha256(
            os.urandom(16)).hexdigest()[:len(KID) - 4]})) for _ in tokens)
        return [f"{head}.{token.partition('.')[2]}" for head, token in zip(heads, tokens)]

    @staticmethod
    def forged(tokens):
        """The same tokens, each with one bit of its signature changed."""
        return [tampered(token) for token in tokens]


def payload_of(token):
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
