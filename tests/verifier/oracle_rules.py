"""
Where our verifier may differ from jwcrypto and jose: each rule has a name, our reasons,
and a predicate on the case, which looks at the case alone and not at our verdict.
"""

import base64
import dataclasses
import functools
import json
import re

import json_reference as reference
from driver import b64url_encode
from oracle_cases import LEEWAY, NOW
from oracle_keys import ED25519_PRIME

TOKEN_MAX = 8192
HEADER_MAX = 2048
HEADER_LIMITS = {"depth": 8, "members": 64, "values": 2048}
KEYS_MAX = 64
DOCUMENT_MAX = 128 * 1024
DIGESTS = {"HS256": 32, "HS384": 48, "HS512": 64}
SECRET_MAX = 4096
COORDINATES = {"P-256": 32, "P-384": 48, "P-521": 66, "Ed25519": 32}
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "oth"}
ABSENT = object()


def lenient(text):
    """base64url as the other libraries read it: what does not belong is left out."""
    text = re.sub(rb"[^A-Za-z0-9_+/-]", b"", text).translate(bytes.maketrans(b"+/", b"-_"))
    if len(text) % 4 == 1:
        text = text[:-1]
    return base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))


def canonical(text):
    return b64url_encode(lenient(text)).encode() == text


class Number(float):
    """A double that knows how it was written."""

    def __new__(cls, text):
        number = super().__new__(cls, text)
        number.text = text
        return number


def parse(data, limits=reference.LIMITS):
    """
    A JSON text as the others read it: (value, values of duplicate members that were
    dropped, problems), where problems are reasons for which a strict reader refuses it.
    """
    dropped = []
    problems = set()

    def pairs(members):
        if len({name for name, _ in members}) != len(members):
            problems.add("json_duplicate_name")
            dropped.extend(value for _, value in members)
        if len(members) > limits["members"]:
            problems.add("json_too_large")
        return dict(members)

    def number(text):
        value = Number(text)
        if len(text) > reference.NUMBER_MAX or value in (float("inf"), float("-inf")):
            problems.add("json_too_large")
        return value

    try:
        value = json.loads(data.decode("utf-8"), object_pairs_hook=pairs, parse_int=number,
                           parse_float=number)
    except (ValueError, RecursionError):
        return None, dropped, problems
    return value, dropped, problems


def json_problems(data, limits):
    value, dropped, problems = parse(data, limits)
    for _, reason, applies in reference.STRICTER:
        if applies(value, limits) or applies(dropped, limits):
            problems.add(reason)
    return problems


class View:
    """A case taken apart leniently, for the predicates."""

    def __init__(self, case):
        self.case = case
        self.parts = (case.token.split(b".") + [b"", b"", b""])[:3]
        self.header_text, self.claims_text, self.signature = map(lenient, self.parts)

    @functools.cached_property
    def header(self):
        value = parse(self.header_text)[0]
        return value if isinstance(value, dict) else {}

    @functools.cached_property
    def claims(self):
        value = parse(self.claims_text)[0]
        return value if isinstance(value, dict) else {}

    @functools.cached_property
    def keys(self):
        value = parse(self.case.jwks or b"null")[0]
        keys = value.get("keys") if isinstance(value, dict) else None
        return [key for key in keys if isinstance(key, dict)] if isinstance(keys, list) else []

    @functools.cached_property
    def meant(self):
        """The keys that the token may mean."""
        if "kid" not in self.header:
            return self.keys
        return [key for key in self.keys if key.get("kid") == self.header["kid"]]


def problem_in_json(reason):
    def applies(view):
        problems = json_problems(view.header_text, HEADER_LIMITS)
        problems |= json_problems(view.claims_text, reference.LIMITS)
        if view.case.jwks is not None:
            problems |= json_problems(view.case.jwks, reference.LIMITS)
        return reason in problems
    return applies


def bad_time(name):
    """Not in 0..2^53, or 2^53 in another spelling (which may be 2^53 + 1 rounded)."""
    def applies(view):
        value = view.claims.get(name, ABSENT)
        if value is ABSENT:
            return False
        if not isinstance(value, Number) or not 0 <= value <= reference.TIME_MAX:
            return True
        return value == reference.TIME_MAX and value.text != str(reference.TIME_MAX)
    return applies


def bad_kid(kid):
    return not isinstance(kid, str) or not kid or len(kid.encode(errors="replace")) > 256 \
        or CONTROL.search(kid) is not None


def subtype(value):
    value = value.lower()
    return value[len("application/"):] if value.startswith("application/") else value


def header_unsupported(view):
    if {"crit", "b64", "zip"} & set(view.header):
        return True
    cty = view.header.get("cty", "json")
    return not isinstance(cty, str) or subtype(cty) == "jwt"


def other_typ(view):
    typ = view.header.get("typ", "JWT")
    return not isinstance(typ, str) or subtype(typ) not in ("jwt", "at+jwt")


def bad_user(view):
    user = view.claims.get("sub")
    return not isinstance(user, str) or not user or len(user.encode()) > 255 \
        or CONTROL.search(user) is not None


def number_of(key, name):
    value = key.get(name)
    return int.from_bytes(lenient(value.encode()), "big") if isinstance(value, str) else 0


def written_oddly(key):
    """A number of the key that is not canonical base64url."""
    names = ("n", "e") if key.get("kty") == "RSA" else ("x", "y")
    return any(isinstance(key.get(name), str) and not canonical(key[name].encode())
               for name in names)


def odd_exponent(key):
    e = number_of(key, "e")
    return key.get("kty") == "RSA" and (e % 2 == 0 or not 3 <= e <= 2**32)


def wrong_length(key):
    """A coordinate with more or fewer bytes than the field has (RFC 7518 6.2.1.2)."""
    size = COORDINATES.get(key.get("crv"))
    return key.get("kty") in ("EC", "OKP") and any(
        isinstance(key.get(name), str) and len(lenient(key[name].encode())) != size
        for name in ("x", "y"))


def too_long_number(key):
    """More bytes than an RSA number may have, zeros in front included."""
    return key.get("kty") == "RSA" and any(
        isinstance(key.get(name), str) and len(lenient(key[name].encode())) > 1025
        for name in ("n", "e"))


def is_low_order(point):
    """Order 1, 2, 4 or 8 of Edwards25519, worked out from y rather than looked up."""
    p = ED25519_PRIME
    y = (int.from_bytes(point, "little") & (2**255 - 1)) % p
    # x^2 = (y^2 - 1) / (d y^2 + 1); order 1, 2: x = 0; 4: y = 0; 8: x^2 = y^2 or -x^2 = ...
    d = -121665 * pow(121666, -1, p) % p
    x2 = (y * y - 1) * pow(d * y * y + 1, -1, p) % p
    # Doubling gives y' = (y^2 + x^2) / (2 + x^2 - y^2), which is 0 for a point of order 8.
    return x2 == 0 or y == 0 or (y * y + x2) % p == 0


def low_order_key(key):
    return key.get("crv") == "Ed25519" and isinstance(key.get("x"), str) \
        and is_low_order(lenient(key["x"].encode()))


def low_order_r(view):
    return view.header.get("alg") == "EdDSA" and is_low_order(view.signature[:32])


def rsa_length(view):
    sizes = {(number_of(key, "n").bit_length() + 7) // 8
             for key in view.meant if key.get("kty") == "RSA"}
    return str(view.header.get("alg"))[:2] in ("RS", "PS") \
        and len(view.signature) not in sizes


def is_private(key):
    return key.get("kty") != "oct" and bool(PRIVATE & set(key))


def some_meant(applies):
    """A rule about a key that the token may mean."""
    return lambda view: any(applies(key) for key in view.meant)


def secret_length(view):
    secret = view.case.secret
    return secret is not None and (len(secret) > SECRET_MAX or len(secret) < max(
        DIGESTS.get(alg, 0) for alg in view.case.algorithms))


def material(key):
    return json.dumps([key.get(name) for name in ("kty", "crv", "n", "e", "x", "y")])


# Keys that the others use and we skip.
SKIPPED = [
    ("a key's number not in canonical base64url", written_oddly),
    ("a key's coordinate of another length", wrong_length),
    ("an RSA number with too many zeros in front", too_long_number),
    ("an RSA exponent not odd or over 2^32", odd_exponent),
    ("an Ed25519 key of low order", low_order_key),
    ("a key whose kid is no name", lambda key: "kid" in key and bad_kid(key["kid"])),
]
NO_KEY = {"key_unknown", "key_not_eligible", "jwks_no_usable_key"}

# Both others accept, and we refuse: (name, our reasons, when).
STRICTER = [
    ("a token of over 8 KiB", {"token_too_long"},
     lambda view: len(view.case.token) > TOKEN_MAX),
    ("a header of over 2 KiB", {"header_too_long"},
     lambda view: len(view.header_text) > HEADER_MAX),
    ("a part that is not canonical base64url", {"base64url_invalid"},
     lambda view: not all(map(canonical, view.case.token.split(b".")))),
    ("a duplicate name", {"json_duplicate_name"}, problem_in_json("json_duplicate_name")),
    ("a NUL or a lone surrogate", {"json_encoding"}, problem_in_json("json_encoding")),
    ("JSON over our limits", {"json_too_large"}, problem_in_json("json_too_large")),
    ("crit, b64, zip or a nested token", {"header_unsupported"}, header_unsupported),
    ("a kid that is no name", {"kid_malformed"},
     lambda view: "kid" in view.header and bad_kid(view.header["kid"])),
    ("another typ", {"type_mismatch"}, other_typ),
    ("a bound token", {"token_bound"}, lambda view: "cnf" in view.claims),
    ("a user claim that is no name", {"user_claim_invalid"}, bad_user),
    ("an exp outside of 0..2^53", {"exp_malformed"}, bad_time("exp")),
    ("an nbf outside of 0..2^53", {"nbf_malformed"}, bad_time("nbf")),
    ("an iat outside of 0..2^53", {"iat_malformed"}, bad_time("iat")),
    ("an iat in the future", {"issued_in_future"},
     lambda view: isinstance(view.claims.get("iat"), float)
     and view.claims["iat"] > NOW + LEEWAY),
    ("an aud with elements that are not strings", {"audience_malformed"},
     lambda view: isinstance(view.claims.get("aud"), list)
     and not all(isinstance(each, str) for each in view.claims["aud"])),
    ("several keys that may be meant", {"key_ambiguous"},
     lambda view: len(set(map(material, view.meant))) > 1),
    *((name, NO_KEY, some_meant(applies)) for name, applies in SKIPPED),
    ("a skipped key that leaves another of its kid", {"signature_invalid"},
     lambda view: len(set(map(material, view.meant))) > 1
     and any(some_meant(applies)(view) for _, applies in SKIPPED)),
    ("an Ed25519 signature whose R is of low order", {"signature_invalid"}, low_order_r),
    ("an RSA signature shorter than the modulus", {"signature_invalid"}, rsa_length),
    ("a private key in a fetched set", {"jwks_private_key"},
     lambda view: any(map(is_private, view.keys))),
    ("a key set over our limits", {"jwks_too_large"},
     lambda view: len(view.keys) > KEYS_MAX or len(view.case.jwks or b"") > DOCUMENT_MAX),
    ("a secret shorter than the hash", {"secret_refused"}, secret_length),
]


# What these say of a case need not be why it is refused: another key may do.
DEPENDS = {name for name, _ in SKIPPED} | {"several keys that may be meant",
                                           "a skipped key that leaves another of its kid"}


def broken_rule(case):
    """
    The rule for which an accepted case should have been refused, whatever the others
    say of it; None when there is none.
    """
    view = View(case)
    for name, _, applies in STRICTER:
        if name not in DEPENDS and applies(view):
            return name
    for name, applies in SKIPPED:
        if view.meant and all(map(applies, view.meant)):
            return name
    return None


def stricter_rule(reason, case):
    """The first rule that explains a refusal; None when none does."""
    view = View(case)
    for name, reasons, applies in STRICTER:
        if reason in reasons and applies(view):
            return name
    return None


MEMBERS = {"RSA": {"n", "e"}, "EC": {"crv", "x", "y"}, "OKP": {"crv", "x"}}
EVERY_MEMBER = set().union(*MEMBERS.values(), {"k"})


def foreign_member(key):
    return bool((EVERY_MEMBER - MEMBERS.get(key.get("kty"), EVERY_MEMBER)) & set(key))


def signs_too(key):
    return isinstance(key.get("key_ops"), list) and "sign" in key["key_ops"]


# We accept, and one of the others does not: (name, which, when). Each is a demand of
# that library beyond what decides whether a token is genuine.
LAXER = [
    # RFC 7517 4: members that are not understood are ignored.
    ("a member of another kind of key", "jwcrypto", some_meant(foreign_member)),
    ("an ext that is no boolean (Web Cryptography only)", "jose",
     some_meant(lambda key: not isinstance(key.get("ext", True), bool))),
    # RFC 7517 4.3 allows the pair; the public half of a pair cannot sign, which harms no one.
    ("key_ops with sign beside verify", "jose", some_meant(signs_too)),
]


def repaired(case):
    """The case without what the laxer rules are about, so that nobody has an excuse."""
    document = json.loads(case.jwks)
    for key in document["keys"]:
        for name in {"ext", "key_ops"} | (EVERY_MEMBER - MEMBERS.get(key.get("kty"),
                                                                     EVERY_MEMBER)):
            key.pop(name, None)
    return dataclasses.replace(case, jwks=json.dumps(document).encode())


def laxer_rule(who, case):
    """The rule that explains why another library refuses what we accept, or None."""
    view = View(case)
    for name, judge, applies in LAXER:
        if judge == who and applies(view):
            return name
    return None
