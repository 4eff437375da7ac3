"""jwcrypto as a judge of tokens."""

import json
from types import SimpleNamespace
from unittest import mock

from jwcrypto import jwk, jws, jwt

MADE = {}


def make_key(member):
    """A key of a set; None when jwcrypto cannot read it. RSA keys take long to make."""
    text = json.dumps(member)
    if text not in MADE:
        try:
            MADE[text] = jwk.JWK(**member)
        except Exception:  # pylint: disable=broad-except
            MADE[text] = None
    return MADE[text]


def keys_of(case):
    """
    The keys that the token may mean. jwcrypto's own set gives up when one key of it
    is broken, and gives any one of several keys of a kid: here the good keys of a
    bad set count (RFC 7517 5), and each key of the kid is tried.
    """
    if case.secret is not None:
        return [jwk.JWK(kty="oct", k=case.secret_k)]
    token = jws.JWS()
    token.deserialize(case.token.decode())
    header = token.jose_header
    members = json.loads(case.jwks.decode())["keys"]
    if "kid" in header:
        members = [member for member in members if member.get("kid") == header["kid"]]
    return [key for key in map(make_key, members) if key is not None]


def verify(case):
    failure = ValueError("no key")
    for key in keys_of(case):
        for audience in case.audiences:
            token = jwt.JWT(algs=case.algorithms, check_claims={
                "iss": case.issuer, "aud": audience, "exp": None})
            token.leeway = case.leeway
            try:
                token.deserialize(case.token.decode(), key)
                claims = json.loads(token.claims)
                # With check_claims, nbf is only checked where it is asked for.
                if "nbf" in claims:
                    token = jwt.JWT(algs=case.algorithms, check_claims={"nbf": None})
                    token.leeway = case.leeway
                    token.deserialize(case.token.decode(), key)
                return token.claims
            except Exception as error:  # pylint: disable=broad-except
                failure = error
    raise failure


def judge(case):
    """(accepted, the claims' text or what was wrong)"""
    try:
        return True, verify(case)
    except Exception as error:  # pylint: disable=broad-except
        return False, type(error).__name__


def judge_all(cases, now):
    """All verdicts, as of one time."""
    with mock.patch("jwcrypto.jwt.time", SimpleNamespace(time=lambda: now)):
        return [judge(case) for case in cases]
