"""Token form and JOSE header: THREATS.md A, each row through a real httpd.

Every broken header here is genuinely signed by the issuer's own key, so that what
refuses it is the rule under test and not the signature.
"""

import base64
import http.client
import itertools
import json
import re
import socket
import time
import urllib.request

import jwcrypto.jwe
import pytest

from support import reasons, tokens
from support.conf import PROXY, assert_accepted, location, proxied, trust
from support.issuer import Issuer
from support.opened import Opened
from support.paths import SLOW
from support.refusal import assert_refusal
from support.tokens import ABSENT, b64, compact, header_of, tampered

#: A header line may be longer here than a token: the module's own limit is tested.
LONG_LINES = "LimitRequestFieldSize 20000"


#: What the forger signs with: our kid, his key.
FORGER = tokens.Key("RS256", "key-1")


@pytest.fixture(scope="module")
def stranger(authority):
    """A host that the CA vouches for as well, with the forger's key: nobody may ask it."""
    with Issuer(authority, keys=[FORGER]) as made:
        yield made


@pytest.fixture(scope="module")
def server(shared_httpd, issuer, shared_backend):
    started = shared_httpd(trust(issuer) + "Auth0JWKSRefresh 10min 24h 1h\n"
                           + proxied(shared_backend) + location("/valid")
                           + location("/rfc9068", "Auth0TokenProfile rfc9068")
                           + location("/rfc9068/auto", "Auth0TokenProfile auto"),
                           modules=PROXY, before=LONG_LINES,
                           files={"keys/forger": tokens.jwks(FORGER)})
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


def jwe(issuer, plaintext):
    """Encrypted for the issuer's own key, which a decrypting verifier could open."""
    made = jwcrypto.jwe.JWE(plaintext, recipient=issuer.key.jwk, protected=compact(
        {"alg": "RSA-OAEP-256", "enc": "A256GCM", "zip": "DEF", "cty": "JWT",
         "kid": issuer.key.kid}))
    return made.serialize(compact=True)


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


OPAQUE = "token_opaque"
EMPTY = "token_part_empty"
BASE64 = "base64url_invalid"
SYNTAX = "json_syntax"
DUPLICATE = "json_duplicate_name"
ALGORITHM = "algorithm_unknown"
UNSUPPORTED = "header_unsupported"
KID = "kid_malformed"

JWE_HEADER = b64('{"alg":"RSA-OAEP","enc":"A256GCM","zip":"DEF","kid":"key-1"}')

REFUSED = {
    # A1: the number of parts, and empty ones
    "a1 one part": (lambda i: "abcdefghijklmnop", OPAQUE),
    "a1 two parts": (parts(lambda h, p, s: f"{h}.{p}"), OPAQUE),
    "a1 two parts and a dot": (parts(lambda h, p, s: f"{h}.{p}."), EMPTY),
    "a1 four parts": (parts(lambda h, p, s: f"{h}.{p}.{s}.{s}"), OPAQUE),
    "a1 four parts, the last empty": (parts(lambda h, p, s: f"{h}.{p}.{s}."), OPAQUE),
    "a1 five parts": (parts(lambda h, p, s: f"{h}.{p}.{s}.{s}.{s}"), "token_encrypted"),
    "a1 six parts": (parts(lambda h, p, s: f"{h}.{p}.{s}.{h}.{p}.{s}"), OPAQUE),
    "a1 empty header": (parts(lambda h, p, s: f".{p}.{s}"), EMPTY),
    "a1 empty payload": (parts(lambda h, p, s: f"{h}..{s}"), EMPTY),
    "a1 only dots": (lambda i: "..", EMPTY),
    # A3
    "a3 jwe": (lambda i: f"{JWE_HEADER}.{b64(b'k' * 256)}.{b64(b'i' * 12)}"
               f".{b64(b'c' * 64)}.{b64(b't' * 16)}", "token_encrypted"),
    "a3 jwe with an empty key": (lambda i: f"{JWE_HEADER}..{b64(b'i' * 12)}"
                                 f".{b64(b'c' * 64)}.{b64(b't' * 16)}",
                                 "token_encrypted"),
    "a3 jwe around a good token": (lambda i: jwe(i, i.mint()), "token_encrypted"),
    "a3 jwe that inflates": (lambda i: jwe(i, " " * 2**21), "token_encrypted"),
    # A4
    "a4 padding after the header": (parts(lambda h, p, s: f"{h}=.{p}.{s}"), BASE64),
    "a4 padding after the payload": (parts(lambda h, p, s: f"{h}.{p}=.{s}"), BASE64),
    "a4 padding after the signature": (parts(lambda h, p, s: f"{h}.{p}.{s}=="), BASE64),
    "a4 plus": (parts(lambda h, p, s: f"{h}.{p}.+{s[1:]}"), BASE64),
    "a4 slash": (parts(lambda h, p, s: f"{h}.{p}.{s[:-4]}/{s[-3:]}"), BASE64),
    "a4 length 1 mod 4": (parts(lambda h, p, s: f"{h}.{p}.{s}AAA"), BASE64),
    "a4 a character of no alphabet": (parts(lambda h, p, s: f"{h}.{p}.*{s[1:]}"), BASE64),
    # A6
    "a6 header an array": (with_header("[]"), "header_malformed"),
    "a6 header a string": (with_header('"RS256"'), "header_malformed"),
    "a6 header null": (with_header("null"), "header_malformed"),
    "a6 header an empty object": (with_header("{}"), ALGORITHM),
    "a6 header not utf-8": (with_header(b'{"alg":"RS256","kid":"key-1","x":"\xff"}'),
                            "json_encoding"),
    "a6 header with bom": (with_header(b'\xef\xbb\xbf{"alg":"RS256","kid":"key-1"}'),
                           SYNTAX),
    "a6 header with trailing bytes": (with_header('{"alg":"RS256","kid":"key-1"}x'),
                                      SYNTAX),
    "a6 header with a trailing nul": (with_header(b'{"alg":"RS256","kid":"key-1"}\x00'),
                                      SYNTAX),
    "a6 header not closed": (with_header('{"alg":"RS256","kid":"key-1"'), SYNTAX),
    "a6 header with single quotes": (with_header("{'alg':'RS256','kid':'key-1'}"), SYNTAX),
    "a6 header with a comment": (with_header('{"alg":"RS256",/**/"kid":"key-1"}'), SYNTAX),
    # A7
    "a7 alg absent": (with_parameters(alg=ABSENT), ALGORITHM),
    "a7 alg null": (with_parameters(alg=None), ALGORITHM),
    "a7 alg a number": (with_parameters(alg=256), ALGORITHM),
    "a7 alg an array": (with_parameters(alg=["RS256"]), ALGORITHM),
    "a7 alg empty": (with_parameters(alg=""), ALGORITHM),
    "a7 alg none": (lambda i: tokens.b64(compact({"alg": "none", "kid": "key-1"})) + "."
                    + i.mint().split(".")[1] + ".", EMPTY),
    **{f"a7 alg {none}, with a signature": (with_parameters(alg=none), ALGORITHM)
       for none in map("".join, itertools.product("nN", "oO", "nN", "eE"))},
    "a7 alg none by escapes": (with_header(r'{"alg":"\u006eone","kid":"key-1"}'),
                               ALGORITHM),
    "a7 alg with a space before": (with_parameters(alg=" RS256"), ALGORITHM),
    "a7 alg with a space after": (with_parameters(alg="RS256 "), ALGORITHM),
    "a7 alg in lower case": (with_parameters(alg="rs256"), ALGORITHM),
    "a7 alg with a nul": (with_header(r'{"alg":"RS256\u0000","kid":"key-1"}'),
                          "json_encoding"),
    "a7 alg of encryption": (with_parameters(alg="RSA-OAEP"), ALGORITHM),
    "a7 only ALG": (with_header('{"ALG":"RS256","kid":"key-1"}'), ALGORITHM),
    # A8
    "a8 alg twice": (spliced('"alg":"RS256"'), DUPLICATE),
    "a8 alg twice by escapes": (spliced(r'"\u0061lg":"RS256"'), DUPLICATE),
    "a8 kid twice": (spliced('"kid":"key-1"'), DUPLICATE),
    "a8 kid twice by escapes": (spliced(r'"k\u0069d":"key-1"'), DUPLICATE),
    "a8 crit twice": (spliced('"crit":[],"crit":[]'), DUPLICATE),
    "a8 an unknown parameter twice": (spliced('"x":1,"x":1'), DUPLICATE),
    # A9
    "a9 crit of an unknown name": (with_parameters(crit=["x"], x=1), UNSUPPORTED),
    "a9 crit of exp": (with_parameters(crit=["exp"], exp=2**40), UNSUPPORTED),
    "a9 crit of alg": (with_parameters(crit=["alg"]), UNSUPPORTED),
    "a9 crit empty": (with_parameters(crit=[]), UNSUPPORTED),
    "a9 crit null": (with_parameters(crit=None), UNSUPPORTED),
    "a9 crit a string": (with_parameters(crit="kid"), UNSUPPORTED),
    "a9 crit by escapes": (spliced(r'"\u0063rit":["exp"]'), UNSUPPORTED),
    "a9 b64 false with crit": (with_parameters(b64=False, crit=["b64"]), UNSUPPORTED),
    "a9 b64 false without crit": (with_parameters(b64=False), UNSUPPORTED),
    "a9 b64 true with crit": (with_parameters(b64=True, crit=["b64"]), UNSUPPORTED),
    # A13
    **{f"a13 typ {name}": (with_parameters(typ=name), "type_mismatch")
       for name in ("logout+jwt", "dpop+jwt", "secevent+jwt", "id_token+jwt",
                    "application/logout+jwt", "JWT2", "", "JOSE", "text/jwt")},
    "a13 typ a number": (with_parameters(typ=1), "type_mismatch"),
    "a13 typ null": (with_parameters(typ=None), "type_mismatch"),
    "a13 typ an array": (with_parameters(typ=["JWT"]),
                         "type_mismatch"),
    # A14
    "a14 cty JWT": (with_parameters(cty="JWT"), UNSUPPORTED),
    "a14 cty jwt": (with_parameters(cty="jwt"), UNSUPPORTED),
    "a14 cty a number": (with_parameters(cty=1), UNSUPPORTED),
    "a14 zip": (with_parameters(zip="DEF"), UNSUPPORTED),
    # A16
    "a16 kid a number": (with_parameters(kid=1), KID),
    "a16 kid null": (with_parameters(kid=None), KID),
    "a16 kid empty": (with_parameters(kid=""), KID),
    "a16 kid of 257 bytes": (with_parameters(kid="k" * 257), KID),
    "a16 kid with nul": (with_header(r'{"alg":"RS256","kid":"key-1\u0000"}'),
                         "json_encoding"),
    "a16 kid with cr lf": (with_parameters(kid="key-1\r\nX-Evil: 1"), KID),
    # A17
    "a17 header of 2049 bytes": (header_bytes(2049), "header_too_long"),
    "a17 header of 65 members": (members(65), "json_too_large"),
    "a17 header of depth 9": (nested(9), "json_too_large"),
    "a17 token of 8193 bytes": (token_bytes(8193), "token_too_long"),
    "a17 token of 16000 bytes": (lambda i: "a" * 16000, "token_too_long"),
    # A18's opposite: the right name in another case is not the name
    "a18 Kid for kid": (with_header('{"alg":"RS256","Kid":"key-1","typ":"logout+jwt"}'),
                        "type_mismatch"),
}

#: Well-formed kids that no key has: these ask for a refresh, within the cooldown.
UNKNOWN_KIDS = ("other", "../../etc/passwd", "file:///etc/passwd", "%s%n%n", "%00",
                "' OR 1=1 --", "k" * 256, "KEY-1", "key-1 ", "key")

ACCEPTED = {
    "as minted": lambda i: i.mint(),
    "a8 ALG and Kid beside alg and kid": with_parameters(ALG="none", Kid="other"),
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
    make, reason = REFUSED[row]
    token = make(issuer)
    mark = server.mark()
    connections = issuer.connections
    answer = server.get("/valid", token)
    assert_refusal(answer, "E3", reason=reason, server=server, mark=mark,
                   backend=backend)
    assert issuer.connections == connections


@pytest.mark.parametrize("typ, accepted", [
    ("at+jwt", True), ("AT+JWT", True), ("application/at+jwt", True), ("JWT", False),
    ("jwt", False), (ABSENT, False), ("id_token+jwt", False), ("at+jwt ", False), (1, False)])
def test_a12_with_the_profile_of_rfc9068_only_at_jwt_is_a_type(server, issuer, backend, typ,
                                                               accepted):
    token = issuer.mint(header={"typ": typ})
    answer = server.get("/rfc9068", token)
    if accepted:
        assert_accepted(answer, backend)
    else:
        assert_refusal(answer, "E3", reason="type_mismatch", backend=backend)
    # The same place below, where the default is in force again.
    usual = server.get("/rfc9068/auto", token)
    assert usual.status == (200 if accepted or typ in ("JWT", "jwt", ABSENT) else 401)


@pytest.mark.parametrize("row", ACCEPTED, ids=lambda row: row.replace(" ", "-"))
def test_a_token_of_good_form_is_accepted(server, issuer, backend, row):
    assert_accepted(server.get("/valid", ACCEPTED[row](issuer)), backend)
    assert all(path == "/.well-known/jwks.json" for _, path in issuer.requests)


BROUGHT = {
    "a jwk": lambda issuer, host, plain: {"jwk": FORGER.public()},
    "a jku": lambda issuer, host, plain: {"jku": host.jwks_url},
    "a jku of the issuer's": lambda issuer, host, plain: {"jku": issuer.jwks_url},
    "a jku by http": lambda issuer, host, plain: {"jku": plain.url + "/jwks.json"},
    "an x5u": lambda issuer, host, plain: {"x5u": host.iss + "certificate.pem"},
    "an x5c": lambda issuer, host, plain: {
        "x5c": [base64.b64encode(FORGER.certificate()).decode()]},
    "all at once": lambda issuer, host, plain: {
        "jwk": FORGER.public(), "jku": host.jwks_url, "x5u": host.iss + "certificate.pem",
        "x5c": [base64.b64encode(FORGER.certificate()).decode()], "x5t": "AAAA"},
}


@pytest.mark.parametrize("row", BROUGHT, ids=lambda row: row.replace(" ", "-"))
def test_a10_the_key_that_a_token_brings_is_not_used_and_nobody_is_asked_for_it(
        server, issuer, stranger, backend, row):
    """A11: the same header under a genuine signature is ignored."""
    header = BROUGHT[row](issuer, stranger, backend)
    mark, connections = server.mark(), (issuer.connections, stranger.connections)
    assert_refusal(server.get("/valid", issuer.mint(key=FORGER, header=header)), "E3",
                   reason="signature_invalid", server=server, mark=mark, backend=backend)
    assert_accepted(server.get("/valid", issuer.mint(header=header)), backend)
    time.sleep(0.1)
    assert (issuer.connections, stranger.connections) == connections
    assert len(backend.hits) == 1, "the back end was asked for a key"


def test_a10_the_strangers_host_would_have_answered(stranger):
    context = stranger.authority.client_context()
    with urllib.request.urlopen(stranger.jwks_url, context=context, timeout=10) as answer:
        assert json.load(answer)["keys"] == [FORGER.public()]


def test_a4_every_other_spelling_of_the_last_bits_is_refused(server, issuer, backend):
    """Two spellings of one token would defeat whatever compares tokens."""
    parts = issuer.mint(filler="1").split(".")
    while len(parts[1]) % 4 not in (2, 3):
        parts = issuer.mint(filler="1" * len(parts[1])).split(".")
    others = [parts[:place] + [other] + parts[place + 1:] for place in range(3)
              for other in other_last_characters(parts[place])]
    assert len(others) >= 9
    mark = server.mark()
    for other in others:
        assert_refusal(server.get("/valid", ".".join(other)), "E3",
                       reason="base64url_invalid", backend=backend)
    assert server.log(mark).count("(base64url_invalid)") == len(others)
    assert_accepted(server.get("/valid", ".".join(parts)), backend)


@pytest.mark.parametrize("kid", UNKNOWN_KIDS)
def test_a16_a_kid_that_no_key_has_is_refused(server, issuer, backend, kid):
    mark = server.mark()
    assert_refusal(server.get("/valid", issuer.mint(kid=kid)), "E3", reason="key_unknown",
                   server=server, mark=mark, backend=backend)
    assert all(path == "/.well-known/jwks.json" for _, path in issuer.requests)


def test_a16_no_file_is_opened_that_a_kid_may_name(server, issuer, backend):
    """One that would even help the forger."""
    path = server.root / "keys" / "forger"
    kids = [str(path), f"file://{path}", "keys/forger", "../keys/forger",
            "../" * 20 + str(path)[1:], f"{path}%00", f"|cat {path}", f"%n{path}",
            f"' UNION SELECT load_file('{path}') --"]
    with Opened(path.parent) as opened:
        for kid in kids:
            mark = server.mark()
            token = issuer.mint(key=FORGER, kid=kid)
            assert_refusal(server.get("/valid", token), "E3", reason="key_unknown",
                           server=server, mark=mark, backend=backend)
        assert opened.names() == []
        path.read_text()
        assert opened.names() == ["forger"]


def test_a15_without_kid_no_eligible_key_is_refused(httpd, authority):
    with Issuer(authority, alg="ES256") as issuer:
        server = httpd(trust(issuer) + "Auth0Algorithms RS256 ES256\n" + location("/valid"),
                       files={"htdocs/valid": "ok"})
        nameless = {"kid": ABSENT}
        assert server.get("/valid", issuer.mint(header=nameless)).status == 200
        mark = server.mark()
        assert_refusal(server.get("/valid", issuer.mint(key=FORGER, header=nameless)), "E3",
                       reason="key_not_eligible", server=server, mark=mark)
        assert issuer.fetches == 1


def test_a15_without_kid_two_eligible_keys_are_ambiguous(httpd, authority):
    keys = [tokens.Key("RS256", "one"), tokens.Key("RS256", "two")]
    with Issuer(authority, keys=keys) as two:
        server = httpd(trust(two) + location("/valid"),
                       files={"htdocs/valid": "ok"})
        mark = server.mark()
        assert_refusal(server.get("/valid", two.mint(header={"kid": ABSENT})), "E3",
                       reason="key_ambiguous", server=server, mark=mark)
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


def ask_each(server, tokens_to_ask):
    """The answers to many tokens (bytes), over as few connections as httpd allows."""
    sock = None
    for token in tokens_to_ask:
        if sock is None:
            sock = socket.create_connection(("127.0.0.1", server.port), 20 * SLOW)
        sock.sendall(b"GET /valid HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer "
                     + token + b"\r\n\r\n")
        answer = http.client.HTTPResponse(sock)
        answer.begin()
        answer.read()
        yield answer
        if answer.will_close:
            sock.close()
            sock = None
    if sock is not None:
        sock.close()


def assert_none_gets_in(server, backend, tokens_to_ask):
    """B6: and no reason speaks of claims that nobody signed."""
    mark = server.mark()
    statuses = [answer.status for answer in ask_each(server, tokens_to_ask)]
    # Some control characters httpd itself refuses, others cannot be of a token.
    assert set(statuses) <= {400, 401}
    assert backend.hits == []
    names = list(reasons.table())
    form = names[names.index("authorization_malformed"):names.index("issuer_mismatch")]
    logged = re.findall(r"token rejected \((\w+)\)", server.log(mark))
    assert len(logged) >= statuses.count(401) > len(statuses) / 2
    assert set(logged) <= set(form), set(logged) - set(form)


def test_b6_a_token_with_any_bit_flipped_is_never_accepted(server, issuer, backend):
    token = issuer.mint().encode()
    assert_none_gets_in(server, backend, (
        token[:place] + bytes([token[place] ^ 1 << bit]) + token[place + 1:]
        for place in range(len(token)) for bit in range(8)))
    assert_accepted(server.get("/valid", token.decode()), backend)


def test_b6_no_prefix_suffix_or_longer_token_is_accepted(server, issuer, backend):
    token = issuer.mint().encode()
    assert_none_gets_in(server, backend, [
        *(token[:length] for length in range(1, len(token))),
        *(token[start:] for start in range(1, len(token))),
        *(token + bytes([byte]) for byte in range(0x21, 0x7f)),
        *(bytes([byte]) + token for byte in range(0x21, 0x7f)), token + b"AAAA", token * 2])
    assert_accepted(server.get("/valid", token.decode()), backend)


def test_b9_a_bad_signature_on_an_expired_token_is_told_as_a_bad_signature(server, issuer):
    expired = issuer.mint(exp_in=-3600)
    for token, reason in ((tampered(expired), "signature_invalid"), (expired, "expired")):
        mark = server.mark()
        assert_refusal(server.get("/valid", token), "E3", reason=reason, server=server,
                       mark=mark)


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
