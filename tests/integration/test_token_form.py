"""Token form and JOSE header: THREATS.md A, each row through a real httpd.

Every broken header here is genuinely signed by the issuer's own key, so that what
refuses it is the rule under test and not the signature.
"""

import base64
import json
import time

import pytest

from support import tokens
from support.conf import PROXY, assert_accepted, location, proxied, trust
from support.issuer import Issuer
from support.refusal import assert_refusal
from support.tokens import ABSENT, b64, compact, header_of, tampered

#: A header line may be longer here than a token: the module's own limit is tested.
LONG_LINES = "LimitRequestFieldSize 20000"


@pytest.fixture(scope="module")
def server(shared_httpd, issuer, shared_backend):
    started = shared_httpd(trust(issuer) + "Auth0JWKSRefresh 10min 24h 1h\n"
                           + proxied(shared_backend) + location("/valid"),
                           modules=PROXY, before=LONG_LINES)
    # Whatever is fetched after this, a test has caused.
    assert started.get("/valid", issuer.mint()).status == 200
    return started


def with_header(raw):
    """A token whose header is exactly these characters, genuinely signed."""
    return lambda issuer: issuer.mint(header=raw)


def with_parameters(**parameters):
    return lambda issuer: issuer.mint(header=parameters)


def parts(change):
    """A good token, cut up and put together again."""
    return lambda issuer: change(*issuer.mint().split("."))


def spliced(text):
    """The usual header with this text written into its object."""
    return lambda issuer: issuer.mint(header=compact(header_of(issuer.key))[:-1]
                                      + "," + text + "}")


def other_last_characters(part):
    """All characters that differ from the last one only in the unused bits."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    unused = {2: 16, 3: 4}[len(part) % 4]
    index = alphabet.index(part[-1])
    first = index - index % unused
    return [part[:-1] + alphabet[i] for i in range(first, first + unused) if i != index]


def signed_by_what_it_brings(parameter):
    """A10: the header offers the forger's own key, and the forger signs with it."""
    def make(issuer):
        forger = tokens.Key("RS256", issuer.key.kid)
        value = {"jwk": forger.public(), "jku": issuer.iss + "evil.json",
                 "x5u": issuer.iss + "evil.pem", "x5c": [base64.b64encode(b"x").decode()]
                 }[parameter]
        return issuer.mint(key=forger, header={parameter: value})
    return make


def nested(depth):
    """A header of this depth (the top level counts as 1)."""
    return spliced('"x":' + "[" * (depth - 1) + "]" * (depth - 1))


def members(number):
    """A header of so many members."""
    def make(issuer):
        more = {f"x{i}": 0 for i in range(number - 3)}
        return issuer.mint(header=more)
    return make


def header_bytes(number):
    """A header of exactly so many bytes."""
    def make(issuer):
        header = header_of(issuer.key, x="")
        header["x"] = "x" * (number - len(compact(header)))
        return issuer.mint(header=compact(header))
    return make


def token_bytes(number):
    """A token of exactly so many bytes."""
    def make(issuer):
        now = int(time.time())
        for kid_filler in ("", "y", "yy", "yyy"):
            parameters = {"x": kid_filler}
            length = (number - len(issuer.mint(header=parameters, iat=now, filler=""))
                      ) * 3 // 4
            for filler in range(length - 4, length + 5):
                token = issuer.mint(header=parameters, iat=now, filler="x" * filler)
                if len(token) == number:
                    return token
        return pytest.fail(f"no token of {number} bytes")
    return make


MALFORMED = ("token_opaque", "token_part_empty", "token_encrypted", "base64url_invalid",
             "header_malformed", "json_syntax", "json_encoding", "payload_malformed")
BASE64 = ("base64url_invalid",)
JSON = ("json_syntax", "json_encoding", "header_malformed")
ALGORITHM = ("algorithm_unknown", "header_malformed")
UNSUPPORTED = ("header_unsupported",)
KID = ("kid_malformed",)

JWE_HEADER = b64('{"alg":"RSA-OAEP","enc":"A256GCM","zip":"DEF","kid":"key-1"}')

REFUSED = {
    # A1: the number of parts, and empty ones
    "a1 one part": (lambda i: "abcdefghijklmnop", ("token_opaque",)),
    "a1 two parts": (parts(lambda h, p, s: f"{h}.{p}"), MALFORMED),
    "a1 two parts and a dot": (parts(lambda h, p, s: f"{h}.{p}."), MALFORMED),
    "a1 four parts": (parts(lambda h, p, s: f"{h}.{p}.{s}.{s}"), MALFORMED),
    "a1 four parts, the last empty": (parts(lambda h, p, s: f"{h}.{p}.{s}."), MALFORMED),
    "a1 five parts": (parts(lambda h, p, s: f"{h}.{p}.{s}.{s}.{s}"), MALFORMED),
    "a1 six parts": (parts(lambda h, p, s: f"{h}.{p}.{s}.{h}.{p}.{s}"), MALFORMED),
    "a1 empty header": (parts(lambda h, p, s: f".{p}.{s}"), MALFORMED),
    "a1 empty payload": (parts(lambda h, p, s: f"{h}..{s}"), MALFORMED),
    "a1 only dots": (lambda i: "..", MALFORMED),
    # A3
    "a3 jwe": (lambda i: f"{JWE_HEADER}.{b64(b'k' * 256)}.{b64(b'i' * 12)}"
               f".{b64(b'c' * 64)}.{b64(b't' * 16)}", ("token_encrypted",)),
    "a3 jwe with an empty key": (lambda i: f"{JWE_HEADER}..{b64(b'i' * 12)}"
                                 f".{b64(b'c' * 64)}.{b64(b't' * 16)}",
                                 ("token_encrypted", "token_part_empty")),
    # A4
    "a4 padding after the header": (parts(lambda h, p, s: f"{h}=.{p}.{s}"), BASE64),
    "a4 padding after the payload": (parts(lambda h, p, s: f"{h}.{p}=.{s}"), BASE64),
    "a4 padding after the signature": (parts(lambda h, p, s: f"{h}.{p}.{s}=="), BASE64),
    "a4 plus": (parts(lambda h, p, s: f"{h}.{p}.+{s[1:]}"), BASE64),
    "a4 slash": (parts(lambda h, p, s: f"{h}.{p}.{s[:-4]}/{s[-3:]}"), BASE64),
    "a4 length 1 mod 4": (parts(lambda h, p, s: f"{h}.{p}.{s}AAA"), BASE64),
    "a4 a character of no alphabet": (parts(lambda h, p, s: f"{h}.{p}.*{s[1:]}"), BASE64),
    # A6
    "a6 header an array": (with_header("[]"), JSON),
    "a6 header a string": (with_header('"RS256"'), JSON),
    "a6 header null": (with_header("null"), JSON),
    "a6 header an empty object": (with_header("{}"), ALGORITHM),
    "a6 header not utf-8": (with_header(b'{"alg":"RS256","kid":"key-1","x":"\xff"}'), JSON),
    "a6 header with bom": (with_header(b'\xef\xbb\xbf{"alg":"RS256","kid":"key-1"}'), JSON),
    "a6 header with trailing bytes": (with_header('{"alg":"RS256","kid":"key-1"}x'), JSON),
    "a6 header with a trailing nul": (with_header(b'{"alg":"RS256","kid":"key-1"}\x00'),
                                      JSON),
    "a6 header not closed": (with_header('{"alg":"RS256","kid":"key-1"'), JSON),
    "a6 header with single quotes": (with_header("{'alg':'RS256','kid':'key-1'}"), JSON),
    "a6 header with a comment": (with_header('{"alg":"RS256",/**/"kid":"key-1"}'), JSON),
    # A7
    "a7 alg absent": (with_parameters(alg=ABSENT), ALGORITHM),
    "a7 alg null": (with_parameters(alg=None), ALGORITHM),
    "a7 alg a number": (with_parameters(alg=256), ALGORITHM),
    "a7 alg an array": (with_parameters(alg=["RS256"]), ALGORITHM),
    "a7 alg empty": (with_parameters(alg=""), ALGORITHM),
    "a7 alg none": (lambda i: tokens.b64(compact({"alg": "none", "kid": "key-1"})) + "."
                    + i.mint().split(".")[1] + ".", (*ALGORITHM, "token_part_empty")),
    "a7 alg none, with a signature": (with_parameters(alg="none"), ALGORITHM),
    "a7 alg None": (with_parameters(alg="None"), ALGORITHM),
    "a7 alg NONE": (with_parameters(alg="NONE"), ALGORITHM),
    "a7 alg none by escapes": (with_header(r'{"alg":"\u006eone","kid":"key-1"}'), ALGORITHM),
    "a7 alg with a space before": (with_parameters(alg=" RS256"), ALGORITHM),
    "a7 alg with a space after": (with_parameters(alg="RS256 "), ALGORITHM),
    "a7 alg in lower case": (with_parameters(alg="rs256"), ALGORITHM),
    "a7 alg with a nul": (with_header(r'{"alg":"RS256\u0000","kid":"key-1"}'),
                          (*ALGORITHM, *JSON)),
    "a7 alg of encryption": (with_parameters(alg="RSA-OAEP"), ALGORITHM),
    "a7 only ALG": (with_header('{"ALG":"RS256","kid":"key-1"}'), ALGORITHM),
    # A8
    "a8 alg twice": (spliced('"alg":"RS256"'), ("json_duplicate_name",)),
    "a8 alg twice by escapes": (spliced(r'"\u0061lg":"RS256"'), ("json_duplicate_name",)),
    "a8 kid twice": (spliced('"kid":"key-1"'), ("json_duplicate_name",)),
    "a8 crit twice": (spliced('"crit":[],"crit":[]'), ("json_duplicate_name",)),
    "a8 an unknown parameter twice": (spliced('"x":1,"x":1'), ("json_duplicate_name",)),
    # A9
    "a9 crit of an unknown name": (with_parameters(crit=["x"], x=1), UNSUPPORTED),
    "a9 crit of exp": (with_parameters(crit=["exp"], exp=2**40), UNSUPPORTED),
    "a9 crit of alg": (with_parameters(crit=["alg"]), UNSUPPORTED),
    "a9 crit empty": (with_parameters(crit=[]), UNSUPPORTED),
    "a9 crit null": (with_parameters(crit=None), UNSUPPORTED),
    "a9 crit a string": (with_parameters(crit="kid"), UNSUPPORTED),
    "a9 b64 false with crit": (with_parameters(b64=False, crit=["b64"]), UNSUPPORTED),
    "a9 b64 false without crit": (with_parameters(b64=False), UNSUPPORTED),
    "a9 b64 true with crit": (with_parameters(b64=True, crit=["b64"]), UNSUPPORTED),
    # A10
    **{f"a10 the key it brings as {name}": (signed_by_what_it_brings(name),
                                            ("signature_invalid", "header_unsupported"))
       for name in ("jwk", "jku", "x5u", "x5c")},
    # A13
    **{f"a13 typ {name}": (with_parameters(typ=name), ("type_mismatch",))
       for name in ("logout+jwt", "dpop+jwt", "secevent+jwt", "id_token+jwt",
                    "application/logout+jwt", "JWT2", "", "JOSE", "text/jwt")},
    "a13 typ a number": (with_parameters(typ=1), ("type_mismatch", "header_malformed")),
    "a13 typ null": (with_parameters(typ=None), ("type_mismatch", "header_malformed")),
    "a13 typ an array": (with_parameters(typ=["JWT"]),
                         ("type_mismatch", "header_malformed")),
    # A14
    "a14 cty JWT": (with_parameters(cty="JWT"), UNSUPPORTED),
    "a14 cty jwt": (with_parameters(cty="jwt"), UNSUPPORTED),
    "a14 zip": (with_parameters(zip="DEF"), UNSUPPORTED),
    # A16
    "a16 kid a number": (with_parameters(kid=1), KID),
    "a16 kid null": (with_parameters(kid=None), KID),
    "a16 kid empty": (with_parameters(kid=""), KID),
    "a16 kid of 257 bytes": (with_parameters(kid="k" * 257), KID),
    "a16 kid with nul": (with_header(r'{"alg":"RS256","kid":"key-1\u0000"}'),
                         (*KID, *JSON)),
    "a16 kid with cr lf": (with_parameters(kid="key-1\r\nX-Evil: 1"), KID),
    # A17
    "a17 header of 2049 bytes": (header_bytes(2049), ("header_too_long",)),
    "a17 header of 65 members": (members(65), ("json_too_large",)),
    "a17 header of depth 9": (nested(9), ("json_too_large",)),
    "a17 token of 8193 bytes": (token_bytes(8193), ("token_too_long",)),
    "a17 token of 16000 bytes": (lambda i: "a" * 16000, ("token_too_long",)),
    # A18's opposite: the right name in another case is not the name
    "a18 Kid for kid": (with_header('{"alg":"RS256","Kid":"key-1","typ":"logout+jwt"}'),
                        ("type_mismatch",)),
}

#: Well-formed kids that no key has: these ask for a refresh, within the cooldown.
UNKNOWN_KIDS = ("other", "../../etc/passwd", "file:///etc/passwd", "%s%n%n", "%00",
                "' OR 1=1 --", "k" * 256, "KEY-1", "key-1 ", "key")

ACCEPTED = {
    "as minted": lambda i: i.mint(),
    "a8 ALG and Kid beside alg and kid": with_parameters(ALG="none", Kid="other"),
    "a10 a jku, the signature genuine": lambda i: i.mint(
        header={"jku": i.iss + "evil.json"}),
    "a11 jwk, x5u and x5c, the signature genuine": lambda i: i.mint(
        header={"jwk": {"kty": "oct", "k": "AAAA"}, "x5u": i.iss + "x.pem",
                "x5c": ["MIIB"]}),
    **{f"a12 typ {typ}": with_parameters(typ=typ)
       for typ in ("JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt",
                   "Application/At+Jwt")},
    "a12 typ absent": with_parameters(typ=ABSENT),
    "a14 another cty": with_parameters(cty="json"),
    "a15 kid absent, one eligible key": with_parameters(kid=ABSENT),
    "a17 header of 2048 bytes": header_bytes(2048),
    "a17 header of 64 members": members(64),
    "a17 header of depth 8": nested(8),
    "a17 token of 8192 bytes": token_bytes(8192),
    "a18 unknown parameters": with_parameters(x=1, y=[{"z": None}], nonce="n", epk={}),
    "white space in the header": with_header('{ "alg" : "RS256",\n\t"kid":"key-1"\r\n}'),
    "kid by escapes": with_header(r'{"alg":"RS256","kid":"\u006bey-1"}'),
}


@pytest.mark.parametrize("row", REFUSED, ids=lambda row: row.replace(" ", "-"))
def test_a_token_of_bad_form_is_refused(server, issuer, backend, row):
    make, reasons = REFUSED[row]
    token = make(issuer)
    mark = server.mark()
    fetches = issuer.fetches
    answer = server.get("/valid", token)
    assert_refusal(answer, "E3", reason=reasons, server=server, mark=mark,
                   backend=backend)
    assert issuer.fetches == fetches


@pytest.mark.parametrize("row", ACCEPTED, ids=lambda row: row.replace(" ", "-"))
def test_a_token_of_good_form_is_accepted(server, issuer, backend, row):
    assert_accepted(server.get("/valid", ACCEPTED[row](issuer)), backend)
    assert all(path == "/.well-known/jwks.json" for _, path in issuer.requests)


def test_a4_every_other_spelling_of_the_last_bits_is_refused(server, issuer, backend):
    """Two spellings of one token would defeat whatever compares tokens."""
    header, payload, signature = issuer.mint(filler="1").split(".")
    while len(payload) % 4 not in (2, 3):
        header, payload, signature = issuer.mint(filler="1" * len(payload)).split(".")
    others = [f"{header}.{payload}.{other}" for other in other_last_characters(signature)]
    others += [f"{header}.{other}.{signature}" for other in other_last_characters(payload)]
    assert len(others) >= 6
    for token in others:
        assert_refusal(server.get("/valid", token), "E3", reason="base64url_invalid",
                       backend=backend)
    assert_accepted(server.get("/valid", f"{header}.{payload}.{signature}"), backend)


@pytest.mark.parametrize("kid", UNKNOWN_KIDS)
def test_a16_a_kid_that_no_key_has_is_refused_and_opens_no_file(server, issuer, backend,
                                                                kid):
    mark = server.mark()
    assert_refusal(server.get("/valid", issuer.mint(kid=kid)), "E3", reason="key_unknown",
                   server=server, mark=mark, backend=backend)
    assert all(path == "/.well-known/jwks.json" for _, path in issuer.requests)


def test_a15_without_kid_two_eligible_keys_are_ambiguous(httpd, authority):
    keys = [tokens.Key("RS256", "one"), tokens.Key("RS256", "two")]
    with Issuer(authority, keys=keys) as two:
        server = httpd(trust(two) + location("/valid"),
                       files={"htdocs/valid": "ok"})
        assert_refusal(server.get("/valid", two.mint(header={"kid": ABSENT})), "E3",
                       reason="key_ambiguous")
        assert server.get("/valid", two.mint()).status == 200
        assert server.get("/valid", two.mint(key=keys[1])).status == 200


def test_a15_a_kid_never_matches_a_key_without_one(httpd, authority):
    with Issuer(authority) as nameless:
        nameless.document = json.dumps({"keys": [nameless.key.public(kid=ABSENT)]})
        server = httpd(trust(nameless) + location("/valid"), files={"htdocs/valid": "ok"})
        assert_refusal(server.get("/valid", nameless.mint()), "E3", reason="key_unknown")
        assert server.get("/valid", nameless.mint(header={"kid": ABSENT})).status == 200


def test_tokens_of_bad_form_cause_no_fetch_and_no_connection(httpd, own_issuer):
    issuer = own_issuer
    server = httpd(trust(issuer) + "Auth0JWKSRefresh 10min 24h 1h\n" + location("/valid"),
                   before=LONG_LINES, files={"htdocs/valid": "ok"})
    assert server.get("/valid", issuer.mint()).status == 200
    assert (issuer.fetches, issuer.connections) == (1, 1)
    for make, _ in REFUSED.values():
        assert server.get("/valid", make(issuer)).status == 401
    for _ in range(20):
        assert server.get("/valid", tampered(issuer.mint())).status == 401
    time.sleep(0.5)
    assert (issuer.fetches, issuer.connections) == (1, 1)
    # Twin: a well-formed kid that is unknown does ask, once.
    for kid in UNKNOWN_KIDS:
        assert server.get("/valid", issuer.mint(kid=kid)).status == 401
    time.sleep(0.3)
    assert issuer.fetches == 2


def test_b6_a_token_with_any_character_changed_is_never_accepted(server, issuer, backend,
                                                                 rng):
    token = issuer.mint()
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    places = rng.sample(range(len(token)), 60)
    for place in places:
        other = rng.choice([c for c in alphabet if c != token[place]])
        answer = server.get("/valid", token[:place] + other + token[place + 1:])
        assert_refusal(answer, "E3", backend=backend)
    assert_accepted(server.get("/valid", token), backend)


def test_b6_no_prefix_and_no_longer_token_is_accepted(server, issuer, backend, rng):
    token = issuer.mint()
    for length in rng.sample(range(1, len(token)), 40):
        assert server.get("/valid", token[:length]).status == 401
    for more in ("A", "AA", "AAAA", ".", ".A", "-", "_"):
        assert server.get("/valid", token + more).status == 401
    assert backend.hits == []
    assert_accepted(server.get("/valid", token), backend)


def test_b9_a_bad_signature_on_an_expired_token_is_told_as_a_bad_signature(server, issuer):
    expired = issuer.mint(exp_in=-3600)
    assert_refusal(server.get("/valid", tampered(expired)), "E3",
                   reason="signature_invalid")
    assert_refusal(server.get("/valid", expired), "E3", reason="expired")


def test_a_forger_with_his_own_key_and_our_kid_is_refused(server, issuer, backend):
    forger = tokens.Key("RS256", issuer.key.kid)
    mark = server.mark()
    assert_refusal(server.get("/valid", issuer.mint(key=forger)), "E3",
                   reason="signature_invalid", server=server, mark=mark, backend=backend)
    assert_accepted(server.get("/valid", issuer.mint()), backend)


def test_an_opaque_token_gets_a_hint_in_the_log(server):
    """Auth0 gives opaque tokens to clients that ask for no audience."""
    mark = server.mark()
    assert_refusal(server.get("/valid", "Wl0bZ2xPjx3k5YcVgEz1qQ"), "E3",
                   reason="token_opaque")
    assert "audience" in server.log(mark), server.log(mark)
