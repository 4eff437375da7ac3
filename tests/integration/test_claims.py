"""Claims: THREATS.md D, each row through a real httpd.

Every token is genuinely signed by the issuer's own key: what refuses it is the claim.
"""

import time

import pytest

from support import tokens
from support.conf import PROXY, assert_accepted, location, proxied, trust
from support.refusal import assert_refusal
from support.tokens import ABSENT, compact

AUDIENCE = "https://api.example.com"
LEEWAY = 60
#: Token and claims are judged on a small stack here, such as some systems give (D13).
LIMITS = "LimitRequestFieldSize 20000\nThreadStackSize 131072"
ADMIN = "read:admin-messages"


@pytest.fixture(scope="module")
def server(shared_httpd, issuer, shared_backend):
    started = shared_httpd(
        trust(issuer) + proxied(shared_backend) + location("/valid")
        + location("/patient", f"Auth0Leeway {LEEWAY}")
        + location("/strict", "Auth0Leeway 0")
        + location("/several", audience=f"{AUDIENCE}/v1 {AUDIENCE}/v2")
        + location("/several-lines", f"Auth0Audience {AUDIENCE}/v1",
                   f"Auth0Audience {AUDIENCE}/v2", audience=None)
        + location("/email", "Auth0UserClaim email")
        + location("/namespaced", "Auth0UserClaim https://example.com/name")
        + location("/account", "Auth0UserClaim account")
        + location("/admin", require=f"auth0-permission {ADMIN}")
        + location("/scoped", require="auth0-scope read:messages")
        + location("/two-scopes", require="auth0-scope read:messages write:messages"),
        modules=PROXY, before=LIMITS)
    # Whatever is fetched after this, a test has caused.
    assert started.get("/valid", issuer.mint()).status == 200
    return started


def with_claims(**claims):
    return lambda issuer: issuer.mint(**claims)


def spliced(text, **claims):
    """The usual claims with this text written into their object."""
    def make(issuer):
        payload = compact(issuer.claims(**claims))[:-1].encode()
        more = text if isinstance(text, bytes) else text.encode()
        return issuer.mint(payload=payload + b"," + more + b"}")
    return make


def payload(raw):
    """A payload of exactly these bytes; ISS and EXP are filled in."""
    def make(issuer):
        data = raw if isinstance(raw, bytes) else raw.encode()
        data = data.replace(b"ISS", issuer.iss.encode())
        data = data.replace(b"EXP", str(int(time.time()) + 3600).encode())
        return issuer.mint(payload=data)
    return make


def literal(name, text):
    """The usual claims, this one with a value that Python's json would not write."""
    return spliced(f'"{name}":{text}', **{name: ABSENT})


def of_issuer(change):
    return lambda issuer: issuer.mint(iss=change(issuer.iss))


BASE = ('"iss":"ISS","sub":"client-1@clients","aud":"https://api.example.com","exp":EXP')

EXP = "exp_malformed"
SYNTAX = "json_syntax"
ENCODING = "json_encoding"
ISS = "issuer_unknown"
AUD = "audience_mismatch"
NO_AUD = "audience_malformed"
USER = "user_claim_invalid"
DUPLICATE = "json_duplicate_name"
LARGE = "json_too_large"

REFUSED = {
    # D2
    "d2 exp absent": (with_claims(exp=ABSENT), EXP),
    "d2 exp a string": (with_claims(exp="4102444800"), EXP),
    "d2 exp null": (with_claims(exp=None), EXP),
    "d2 exp true": (with_claims(exp=True), EXP),
    "d2 exp an array": (with_claims(exp=[4102444800]), EXP),
    "d2 exp an object": (with_claims(exp={"n": 4102444800}), EXP),
    "d2 exp NaN": (literal("exp", "NaN"), SYNTAX),
    "d2 exp Infinity": (literal("exp", "Infinity"), SYNTAX),
    "d2 exp 1e400": (literal("exp", "1e400"), LARGE),
    "d2 exp above 2^53": (with_claims(exp=2**53 + 2), EXP),
    "d2 exp 1e300": (literal("exp", "1e300"), EXP),
    "d2 exp negative": (with_claims(exp=-4102444800), EXP),
    "d2 exp 0": (with_claims(exp=0), "expired"),
    "d2 exp -0": (literal("exp", "-0"), "expired"),
    "d2 EXP for exp": (spliced('"EXP":4102444800', exp=ABSENT), EXP),
    # D4
    "d4 nbf in the future": (with_claims(nbf=int(time.time()) + 7200),
                             "not_yet_valid"),
    "d4 nbf a string": (with_claims(nbf="1"), "nbf_malformed"),
    "d4 nbf null": (with_claims(nbf=None), "nbf_malformed"),
    "d4 nbf negative": (with_claims(nbf=-1), "nbf_malformed"),
    "d4 iat in the future": (with_claims(iat=int(time.time()) + 7200),
                             "issued_in_future"),
    "d4 iat a string": (with_claims(iat="1"), "iat_malformed"),
    "d4 iat null": (with_claims(iat=None), "iat_malformed"),
    "d4 iat false": (with_claims(iat=False), "iat_malformed"),
    # D5
    "d5 iss absent": (with_claims(iss=ABSENT), ISS),
    "d5 iss null": (with_claims(iss=None), ISS),
    "d5 iss an array": (of_issuer(lambda iss: [iss]), ISS),
    "d5 iss in upper case": (of_issuer(str.upper), ISS),
    "d5 iss without its slash": (of_issuer(lambda iss: iss[:-1]), ISS),
    "d5 iss a prefix": (of_issuer(lambda iss: iss[:-3]), ISS),
    "d5 iss longer": (of_issuer(lambda iss: iss + "x"), ISS),
    "d5 iss with two slashes": (of_issuer(lambda iss: iss + "/"), ISS),
    "d5 iss of another tenant": (with_claims(iss="https://other.us.auth0.com/"), ISS),
    "d5 iss by http": (of_issuer(lambda iss: iss.replace("https", "http")), ISS),
    "d5 iss empty": (with_claims(iss=""), ISS),
    "d5 iss with nul": (lambda i: i.mint(payload=compact(i.claims()).replace(
        i.iss, i.iss + r"\u0000")), ENCODING),
    # D6
    "d6 aud absent": (with_claims(aud=ABSENT), NO_AUD),
    "d6 aud null": (with_claims(aud=None), NO_AUD),
    "d6 aud empty": (with_claims(aud=""), AUD),
    "d6 aud an empty array": (with_claims(aud=[]), NO_AUD),
    "d6 aud an array of numbers": (with_claims(aud=[1]), NO_AUD),
    "d6 aud right beside a number": (with_claims(aud=[AUDIENCE, 1]), NO_AUD),
    "d6 aud nested": (with_claims(aud=[[AUDIENCE]]), NO_AUD),
    "d6 aud an object": (with_claims(aud={AUDIENCE: True}), NO_AUD),
    "d6 aud a prefix": (with_claims(aud=AUDIENCE[:-1]), AUD),
    "d6 aud longer": (with_claims(aud=AUDIENCE + ".evil"), AUD),
    "d6 aud in another case": (with_claims(aud=AUDIENCE.upper()), AUD),
    "d6 aud with a slash more": (with_claims(aud=AUDIENCE + "/"), AUD),
    "d6 aud two in one string": (with_claims(aud=f"{AUDIENCE} other"), AUD),
    "d6 aud with spaces": (with_claims(aud=f" {AUDIENCE}"), AUD),
    "d6 aud of another api": (with_claims(aud="https://other.example.com"), AUD),
    # D8
    "d8 sub absent": (with_claims(sub=ABSENT), USER),
    "d8 sub empty": (with_claims(sub=""), USER),
    "d8 sub null": (with_claims(sub=None), USER),
    "d8 sub a number": (with_claims(sub=42), USER),
    "d8 sub an array": (with_claims(sub=["client-1@clients"]), USER),
    "d8 sub with a line end": (with_claims(sub="a\nb"), USER),
    "d8 sub with cr lf": (with_claims(sub="a\r\nX-Evil: 1"), USER),
    "d8 sub with a delete": (with_claims(sub="a\x7f"), USER),
    "d8 sub of 256 bytes": (with_claims(sub="s" * 256), USER),
    "d8 sub of 128 two-byte characters": (with_claims(sub="\u00e9" * 128), USER),
    # D11
    "d11 sub twice": (spliced('"sub":"admin"'), DUPLICATE),
    "d11 exp twice": (spliced('"exp":4102444800'), DUPLICATE),
    "d11 aud twice by escapes": (spliced(r'"\u0061ud":"x"'), DUPLICATE),
    "d11 twice at a deeper level": (spliced('"x":{"y":[{"a":1,"a":1}]}'), DUPLICATE),
    # D12
    "d12 an escaped nul": (spliced(r'"x":"a\u0000b"'), ENCODING),
    "d12 an escaped nul in a name": (spliced(r'"sub\u0000":"b"'), ENCODING),
    "d12 a lone high surrogate": (spliced(r'"x":"\ud800"'), ENCODING),
    "d12 a lone low surrogate": (spliced(r'"x":"\udc00"'), ENCODING),
    "d12 surrogates in the wrong order": (spliced(r'"x":"\udc00\ud800"'), ENCODING),
    "d12 a raw control byte": (spliced(b'"x":"a\x01b"'), ENCODING),
    "d12 a raw line end in a string": (spliced(b'"x":"a\nb"'), ENCODING),
    "d12 overlong utf-8": (spliced(b'"x":"\xc0\xaf"'), ENCODING),
    "d12 a surrogate in utf-8": (spliced(b'"x":"\xed\xa0\x80"'), ENCODING),
    "d12 beyond U+10FFFF": (spliced(b'"x":"\xf4\x90\x80\x80"'), ENCODING),
    "d12 broken utf-8": (spliced(b'"x":"\xe2\x82"'), ENCODING),
    "d12 0123": (spliced('"x":0123'), SYNTAX),
    "d12 1.": (spliced('"x":1.'), SYNTAX),
    "d12 .5": (spliced('"x":.5'), SYNTAX),
    "d12 +1": (spliced('"x":+1'), SYNTAX),
    "d12 0x10": (spliced('"x":0x10'), SYNTAX),
    "d12 True": (spliced('"x":True'), SYNTAX),
    "d12 a bad escape": (spliced(r'"x":"\q"'), SYNTAX),
    "d12 vertical tab as space": (spliced(b'"x":\x0b1'), SYNTAX),
    "d12 a trailing comma": (payload("{" + BASE + ",}"), SYNTAX),
    "d12 a trailing nul": (payload(b"{" + BASE.encode() + b"}\x00"), SYNTAX),
    "d12 a second value": (payload("{" + BASE + "}{}"), SYNTAX),
    "d12 a bom": (payload(b"\xef\xbb\xbf{" + BASE.encode() + b"}"), SYNTAX),
    "d12 utf-16": (lambda i: i.mint(payload=compact(i.claims()).encode("utf-16-le")),
                   SYNTAX),
    # D13
    "d13 depth 17": (spliced('"x":' + "[" * 16 + "]" * 16), LARGE),
    "d13 depth 2500": (spliced('"x":' + "[" * 2500 + "]" * 2500), LARGE),
    "d13 depth 900 of objects": (spliced('"x":' + '{"":' * 900 + "0" + "}" * 900), LARGE),
    "d13 depth 5000, never closed": (spliced('"x":' + "[" * 5000), LARGE),
    "d13 257 members": (spliced('"x":{' + ",".join(f'"{i}":0' for i in range(257)) + "}"),
                        LARGE),
    "d13 257 claims": (spliced(",".join(f'"{i}":0' for i in range(250))), LARGE),
    "d13 an array": (payload("[{" + BASE + "}]"), "payload_malformed"),
    "d13 a string": (payload('"x"'), "payload_malformed"),
    "d13 null": (payload("null"), "payload_malformed"),
    # D14, D15
    "d14 bound by dpop": (with_claims(cnf={"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}),
                          "token_bound"),
    "d14 bound by a certificate": (with_claims(cnf={"x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsX"}),
                                   "token_bound"),
    "d14 bound by anything": (with_claims(cnf=None), "token_bound"),
    "d15 an id token": (with_claims(aud="client-1", nonce="n", name="A User"), AUD),
}

ACCEPTED = {
    "as minted": with_claims(),
    "d3 exp fractional": lambda i: i.mint(exp=time.time() + 600.5),
    "d3 exp 2^31": with_claims(exp=2**31),
    "d3 exp 2^32": with_claims(exp=2**32),
    "d3 exp 2^53": with_claims(exp=2**53),
    "d3 exp with an exponent": literal("exp", "4.1e9"),
    "d4 nbf in the past": with_claims(nbf=1),
    "d4 nbf fractional": lambda i: i.mint(nbf=time.time() - 0.5),
    "d4 iat absent": with_claims(iat=ABSENT),
    "d4 iat 0": with_claims(iat=0),
    "d7 aud in an array": with_claims(aud=["https://x.example.com", AUDIENCE]),
    "d7 aud alone in an array": with_claims(aud=[AUDIENCE]),
    "d7 auth0's two audiences": lambda i: i.mint(aud=[AUDIENCE, i.iss + "userinfo"]),
    "d7 aud by escapes": spliced(r'"aud":"https:\/\/api.ex\u0061mple.com"', aud=ABSENT),
    "d11 EXP and AUD are other claims": spliced('"EXP":1,"AUD":"x","Sub":"admin"'),
    "d11 the same name at two levels": spliced('"x":{"sub":"admin","exp":1}'),
    "d12 a pair of surrogates": spliced(r'"x":"\ud83d\ude00"'),
    "d12 utf-8": spliced('"x":"\u00e9\u20ac\U0001f600"'),
    "d12 escapes of every kind": spliced(r'"x":"\"\\\/\b\f\n\r\t\u0041"'),
    "d12 numbers of every form": spliced('"x":[0,-0,1.5,1e3,1E-3,-1.5e+3,12345678901]'),
    "d12 white space": payload("\r\n\t {" + BASE.replace(",", " ,\n") + " } \r\n"),
    "d13 depth 16": spliced('"x":' + "[" * 15 + "]" * 15),
    "d13 256 members": spliced('"x":{' + ",".join(f'"{i}":0' for i in range(256)) + "}"),
}


@pytest.mark.parametrize("row", REFUSED, ids=lambda row: row.replace(" ", "-"))
def test_a_token_of_bad_claims_is_refused(server, issuer, backend, row):
    make, reason = REFUSED[row]
    token = make(issuer)
    mark, fetches = server.mark(), issuer.fetches
    assert_refusal(server.get("/valid", token), "E3", reason=reason, server=server,
                   mark=mark, backend=backend)
    assert "X-Evil" not in server.log(mark)
    assert issuer.fetches == fetches, "no claim may ask for a fetch"


@pytest.mark.parametrize("row", ACCEPTED, ids=lambda row: row.replace(" ", "-"))
def test_a_token_of_good_claims_is_accepted(server, issuer, backend, row):
    assert_accepted(server.get("/valid", ACCEPTED[row](issuer)), backend)


def test_d1_leeway_counts_to_its_last_second_and_not_beyond(server, issuer, backend):
    now = int(time.time())
    assert_accepted(server.get("/patient", issuer.mint(exp=now - LEEWAY + 20)), backend)
    assert_refusal(server.get("/patient", issuer.mint(exp=now - LEEWAY)), "E3",
                   reason="expired")
    assert_refusal(server.get("/strict", issuer.mint(exp=now)), "E3", reason="expired")
    assert server.get("/strict", issuer.mint(exp=now + 20)).status == 200


def test_d1_the_default_leeway_is_five_seconds(server, issuer):
    now = int(time.time())
    assert server.get("/valid", issuer.mint(exp=now - 1)).status == 200
    assert_refusal(server.get("/valid", issuer.mint(exp=now - 5)), "E3", reason="expired")


@pytest.mark.parametrize("claim, reason", [("nbf", "not_yet_valid"),
                                           ("iat", "issued_in_future")])
def test_d4_leeway_holds_for_times_in_the_future_too(server, issuer, claim, reason):
    now = int(time.time())
    assert server.get("/patient", issuer.mint(**{claim: now + LEEWAY - 2})).status == 200
    for path, ahead in (("/patient", LEEWAY + 60), ("/strict", 20)):
        mark = server.mark()
        assert_refusal(server.get(path, issuer.mint(**{claim: now + ahead})), "E3",
                       reason=reason, server=server, mark=mark)


def test_a_token_stops_working_the_moment_it_expires(server, issuer):
    """Whatever is cached of it, its time is looked at on every request."""
    token = issuer.mint(exp=int(time.time()) + 3)
    assert server.get("/strict", token).status == 200
    deadline = time.monotonic() + 10
    while (answer := server.get("/strict", token)).status == 200:
        assert time.monotonic() < deadline, "it never expired"
        time.sleep(0.2)
    assert_refusal(answer, "E3", reason="expired")
    assert server.get("/patient", token).status == 200


@pytest.mark.parametrize("path", ["/several", "/several-lines"])
def test_d7_any_of_several_audiences_is_enough(server, issuer, path):
    for audience in (f"{AUDIENCE}/v1", f"{AUDIENCE}/v2", ["x", f"{AUDIENCE}/v2"]):
        assert server.get(path, issuer.mint(aud=audience)).status == 200
    for audience in (AUDIENCE, f"{AUDIENCE}/v3", f"{AUDIENCE}/v1 {AUDIENCE}/v2"):
        assert_refusal(server.get(path, issuer.mint(aud=audience)), "E3",
                       reason="audience_mismatch")


@pytest.mark.parametrize("aud, said", [
    ("https://other.example.com", 'aud "https://other.example.com"'),
    (["urn:a", "urn:b", "urn:c"], 'aud "urn:a" and 2 more'),
    ('a"\nb', r'aud "a\\x22\\x0ab"'), ("x" * 100, f'aud "{"x" * 64}')])
def test_the_log_tells_for_which_api_a_refused_token_is(server, issuer, aud, said):
    mark = len(server.log())
    assert_refusal(server.get("/several", issuer.mint(aud=aud)), "E3",
                   reason="audience_mismatch")
    server.wait_for_log(f"token rejected (audience_mismatch): {said}", mark)
    assert "x" * 65 not in server.log()[mark:]


def test_one_locations_verdict_never_serves_another(server, issuer):
    """The same token, in turn at places with other rules."""
    token = issuer.mint(exp=int(time.time()) - 20)
    for _ in range(3):
        assert server.get("/patient", token).status == 200
        assert_refusal(server.get("/valid", token), "E3", reason="expired")
        assert_refusal(server.get("/several", token), "E3", reason="audience_mismatch")


def test_d8_another_user_claim(server, issuer, backend):
    assert_accepted(server.get("/email", issuer.mint(email="a@example.com")), backend,
                    user="a@example.com")
    backend.hits.clear()
    for token in (issuer.mint(), issuer.mint(Email="a@example.com"),
                  issuer.mint(email=""), issuer.mint(email=["a@example.com"])):
        assert_refusal(server.get("/email", token), "E3", reason="user_claim_invalid",
                       backend=backend)
    # sub is not asked for where another claim names the user
    assert server.get("/email", issuer.mint(email="a@x", sub=ABSENT)).status == 200


@pytest.mark.parametrize("number", [2**53 + 1, -2**53 - 1, 12345678901234567891, 10**30])
def test_d16_an_integer_above_2_to_the_53_is_passed_on_exactly_or_not_at_all(
        server, issuer, backend, number):
    """A number names no user; written as a string it comes through digit for digit."""
    mark = server.mark()
    assert_refusal(server.get("/account", issuer.mint(account=number)), "E3",
                   reason="user_claim_invalid", server=server, mark=mark, backend=backend)
    assert_accepted(server.get("/account", issuer.mint(account=str(number))), backend,
                    user=str(number))


def test_d8_a_user_claim_with_a_namespace(server, issuer, backend):
    assert_accepted(server.get("/namespaced",
                               issuer.mint(**{"https://example.com/name": "ann"})),
                    backend, user="ann")


@pytest.mark.parametrize("sub", ["s" * 255, "auth0|5f7c8ec7c33c6c004bbafe82", "a b",
                                 "google-oauth2|1", "%s%n", "a\"b'c\\"])
def test_d8_user_names_that_are_fine(server, issuer, backend, sub):
    assert_accepted(server.get("/valid", issuer.mint(sub=sub)), backend, user=sub)


NOT_GRANTING = {
    "d9 absent": {},
    "d9 empty": {"permissions": []},
    "d9 a string": {"permissions": ADMIN},
    "d9 a string of words": {"permissions": f"{ADMIN} other"},
    "d9 an object": {"permissions": {ADMIN: True}},
    "d9 a number": {"permissions": 1},
    "d9 null": {"permissions_null": True},
    "d9 right beside a number": {"permissions": [ADMIN, 1]},
    "d9 right beside null": {"permissions": [None, ADMIN]},
    "d9 nested": {"permissions": [[ADMIN]]},
    "d9 another case": {"permissions": [ADMIN.upper()]},
    "d9 a prefix": {"permissions": [ADMIN[:-1]]},
    "d9 longer": {"permissions": [ADMIN + "s"]},
    "d9 a star": {"permissions": ["*", "read:*"]},
    "d9 a trailing space": {"permissions": [ADMIN + " "]},
    "d9 two in one string": {"permissions": [f"other {ADMIN}"]},
    "d9 in Permissions": {"Permissions": [ADMIN]},
    "d9 in scope": {"scope": ADMIN},
    "d9 in a nested object": {"x": {"permissions": [ADMIN]}},
}


@pytest.mark.parametrize("row", NOT_GRANTING, ids=lambda row: row.replace(" ", "-"))
def test_d9_what_does_not_grant_a_permission_is_e4(server, issuer, backend, row):
    claims = dict(NOT_GRANTING[row])
    if claims.pop("permissions_null", False):
        token = issuer.mint(payload={**issuer.claims(), "permissions": None})
    else:
        token = issuer.mint(**claims)
    mark = server.mark()
    assert_refusal(server.get("/admin", token), "E4", scope=ADMIN,
                   reason="permission_missing", server=server, mark=mark, backend=backend)
    # Nothing else is wrong with it.
    assert server.get("/valid", token).status == 200


@pytest.mark.parametrize("permissions", [[ADMIN], ["x", ADMIN, "y"], [ADMIN, ADMIN],
                                         [""] + [ADMIN]])
def test_d9_a_permission_in_the_array_is_granted(server, issuer, backend, permissions):
    assert_accepted(server.get("/admin", issuer.mint(permissions=permissions)), backend)


@pytest.mark.parametrize("scope", ["read:messages", "openid read:messages",
                                   "openid  read:messages", " read:messages ",
                                   "read:messages   profile"])
def test_d10_words_between_spaces_are_scopes(server, issuer, backend, scope):
    assert_accepted(server.get("/scoped", issuer.mint(scope=scope)), backend)


@pytest.mark.parametrize("scope", [
    pytest.param("", id="empty"), pytest.param("read:message", id="a-prefix"),
    pytest.param("read:messagess", id="longer"),
    pytest.param("openid\tread:messages", id="tab"),
    pytest.param("openid\nread:messages", id="newline"),
    pytest.param("openid,read:messages", id="comma"),
    pytest.param("READ:MESSAGES", id="another-case"),
    pytest.param(["read:messages"], id="array"), pytest.param(1, id="number"),
    pytest.param({"read:messages": 1}, id="object")])
def test_d10_what_is_not_a_word_of_the_scope_is_e4(server, issuer, backend, scope):
    mark = server.mark()
    assert_refusal(server.get("/scoped", issuer.mint(scope=scope)), "E4",
                   scope="read:messages", reason="permission_missing", server=server,
                   mark=mark, backend=backend)
    assert server.get("/valid", issuer.mint(scope=scope)).status == 200


def test_d10_a_permission_is_not_a_scope(server, issuer):
    assert_refusal(server.get("/scoped", issuer.mint(permissions=["read:messages"])),
                   "E4", scope="read:messages")


def test_d10_all_scopes_of_a_line_are_needed(server, issuer):
    assert_refusal(server.get("/two-scopes", issuer.mint(scope="read:messages")), "E4",
                   scope="read:messages write:messages")
    assert server.get("/two-scopes", issuer.mint(
        scope="write:messages read:messages")).status == 200


def test_many_permissions_are_all_seen(server, issuer):
    # 8 KiB of token hold about 250 short permissions.
    permissions = [f"p:{n:03}" for n in range(250)]
    assert_refusal(server.get("/admin", issuer.mint(permissions=permissions)), "E4",
                   scope=ADMIN)
    for place in (0, 125, 250):
        granted = permissions[:place] + [ADMIN] + permissions[place:]
        assert server.get("/admin", issuer.mint(permissions=granted)).status == 200


def test_d5_a_key_set_belongs_to_its_issuer(httpd, issuer, authority):
    """B7: a token of one issuer signed with another's key under the same kid."""
    from support.issuer import Issuer
    with Issuer(authority) as other:
        server = httpd(f"Auth0CAFile {issuer.ca_file}\n"
                       f"Auth0Domain {issuer.domain} {other.domain}\n"
                       + location("/valid"), files={"htdocs/valid": "ok"})
        assert issuer.key.kid == other.key.kid
        for mine, theirs in ((issuer, other), (other, issuer)):
            assert server.get("/valid", mine.mint()).status == 200
            mark = server.mark()
            assert_refusal(server.get("/valid", mine.mint(key=theirs.key)), "E3",
                           reason="signature_invalid", server=server, mark=mark)


def test_random_claims_never_get_in_without_the_signature(server, issuer, backend, rng):
    """A good payload under the signature of another payload."""
    good = issuer.mint()
    header, _, signature = good.split(".")
    for _ in range(20):
        claims = issuer.claims(sub=f"admin-{rng.random()}", permissions=[ADMIN])
        forged = f"{header}.{tokens.b64(compact(claims))}.{signature}"
        assert_refusal(server.get("/admin", forged), "E3", reason="signature_invalid",
                       backend=backend)
