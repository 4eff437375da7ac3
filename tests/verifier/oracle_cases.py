"""
Tokens and key sets to disagree about. Each case starts from a good token of one of the
algorithms and the issuer's key set; header, claims, signature and set are then changed,
mostly before signing (or the signature would refuse everything), sometimes after.
"""

import dataclasses
import json

import oracle_keys
from driver import b64url_encode, carried
from oracle_changes import (change_claims, change_header, change_set, change_token, quoted,
                            text_of)

NOW = 1700000000
LEEWAY = 5
ISSUER = "https://tenant.us.auth0.com/"
AUDIENCES = ["https://api.example.com", "https://other.example.com"]


@dataclasses.dataclass
class Case:
    """What the three judges are asked."""

    token: bytes
    algorithms: list
    jwks: bytes = None
    secret: bytes = None
    changes: list = dataclasses.field(default_factory=list)
    issuer: str = ISSUER
    audiences: list = dataclasses.field(default_factory=lambda: AUDIENCES[:1])
    leeway: int = LEEWAY

    @property
    def secret_k(self):
        return b64url_encode(self.secret)

    def question(self):
        """The case as the driver and the script with jose want it."""
        question = {"op": "verify", "token": carried(self.token), "now": NOW,
                    "algorithms": self.algorithms, "issuer": self.issuer,
                    "audiences": self.audiences, "leeway": self.leeway}
        if self.secret is not None:
            return {**question, "secret": carried(self.secret)}
        return {**question, "jwks": carried(self.jwks)}


def good_claims(rng):
    claims = {"iss": ISSUER, "aud": rng.choice([AUDIENCES[0], AUDIENCES]), "exp": NOW + 3600,
              "iat": NOW - 10, "sub": "auth0|user", "scope": "openid read:messages",
              "permissions": ["read:messages"]}
    if rng.random() < 0.3:
        claims["nbf"] = NOW - 10
    return [(name, json.dumps(value)) for name, value in claims.items()]


class Maker:
    """Makes cases of one run's keys; all else that is random comes from rng."""

    def __init__(self, rng, keys):
        self.rng, self.keys = rng, keys

    def some(self, probability):
        return self.rng.random() < probability

    def sign(self, case, alg, key, data):
        """Mostly with the right key, else with another that an attacker may try."""
        how = self.rng.random()
        if alg in oracle_keys.SECRET_ALGORITHMS:
            secret = case.secret
            if how < 0.08 or secret is None:
                case.changes.append("another secret")
                secret = self.rng.choice(
                    self.keys.ours[self.rng.choice(["rsa", "p256", "ed25519"])]
                    .public_encodings())
            return oracle_keys.sign_hmac(alg, secret, data)
        if key in self.keys.ours.values() and how < 0.06:
            case.changes.append("a stranger's key")
            key = self.keys.theirs[self.keys.kid_for(alg)]
        elif how < 0.1 and alg in oracle_keys.RSA_ALGORITHMS:
            case.changes.append("signed as another algorithm")
            alg = self.rng.choice(key.algorithms)
        return key.sign(alg, data)

    def make(self):
        rng, keys = self.rng, self.keys
        symmetric = self.some(0.08)
        alg = rng.choice(oracle_keys.SECRET_ALGORITHMS if symmetric
                         else ["RS256", "ES256", "EdDSA"] if self.some(0.4)
                         else oracle_keys.PUBLIC_ALGORITHMS)
        case = Case(b"", list(oracle_keys.SECRET_ALGORITHMS if symmetric
                              else oracle_keys.PUBLIC_ALGORITHMS))
        kid = "a-secret" if symmetric else keys.kid_for(alg)
        key = None if symmetric else keys.ours[kid]
        published = keys.published()
        if symmetric:
            case.secret = keys.secret
            if self.some(0.1):
                case.changes.append("a secret of another length")
                case.secret = keys.secret[:rng.choice([1, 31, 32, 47, 48, 63])]
        elif self.some(0.05):
            kid = rng.choice(list(keys.odd))
            key = keys.odd[kid]
            alg = rng.choice(key.algorithms)
            case.changes.append(f"odd key: {kid}")
            published.append({**key.jwk, "kid": kid})
        if self.some(0.1):
            case.algorithms = rng.sample(case.algorithms, rng.randrange(1, 3)) + [alg]
        elif self.some(0.02):
            case.algorithms = [name for name in case.algorithms if name != alg]
        if self.some(0.2):
            case.audiences = list(AUDIENCES)

        header = [("alg", json.dumps(alg)), ("kid", json.dumps(kid))]
        if self.some(0.05):
            case.changes.append("no kid")
            header.pop()
        if self.some(0.5):
            header.insert(rng.randrange(len(header) + 1), ("typ", rng.choice(['"JWT"', '"at+jwt"'])))
        header_text = text_of(quoted(header)).encode()
        claims_text = text_of(quoted(good_claims(rng))).encode()
        if self.some(0.35):
            header_text = change_header(rng, case.changes, header, alg, list(keys.ours))
        if self.some(0.4):
            claims_text = change_claims(rng, case.changes, good_claims(rng), NOW, LEEWAY,
                                        ISSUER, AUDIENCES)
        data = f"{b64url_encode(header_text)}.{b64url_encode(claims_text)}".encode()
        if self.some(0.03):
            # As if the issuer itself wrote it so: the signature holds for these characters.
            case.changes.append("signed as written, not canonically")
            data = data.replace(b".", rng.choice([b"=.", b" .", b"\n."])) + \
                rng.choice([b"", b"=", b"+", b" "])
        signature = self.sign(case, alg, key, data)
        case.token = data + b"." + b64url_encode(signature).encode()
        if self.some(0.3):
            case.token = change_token(rng, case.changes, case.token, signature)
        if not symmetric:
            case.jwks = json.dumps({"keys": published}).encode()
            if self.some(0.4):
                case.jwks = change_set(rng, case.changes, published, kid,
                                       keys.theirs[keys.kid_for(alg)].jwk)
        return case
