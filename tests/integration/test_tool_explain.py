"""auth0-jwt inspect and explain: what people and programs are told about a token."""

import json
import re
import time
import unicodedata

import pytest

from support import tokens
from support.process import find_faketime
from support.reasons import table
from support.tokens import ABSENT, Key, b64, compact, tampered, token_of
from support.tool import (ACCEPTED, REFUSED, UNAVAILABLE, USAGE, as_json, checks_of, tool)

ISS, AUD = "https://tenant.us.auth0.com/", "https://api.example.com"
CLIENT_ID = "aBcDeFgHiJkLmNoPqRsTuVwXyZ012345"


@pytest.fixture(scope="module")
def key():
    return Key("RS256", "key-1")


@pytest.fixture(scope="module")
def keys(tmp_path_factory, key):
    file = tmp_path_factory.mktemp("keys") / "jwks.json"
    file.write_text(tokens.jwks(key, Key("RS256", "key-2").public(use="enc")))
    return file


def mint(key, *, header=None, aud=AUD, iss=ISS, **claims):
    return token_of(header or tokens.header_of(key), tokens.claims_of(iss, aud, **claims),
                    key)


def options(keys):
    return ["--jwks", keys, "--issuer", ISS, "--audience", AUD]


# ---- what to do about it ---------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(set(table()) - {"ok"}))
def test_every_reason_is_explained_with_something_to_do(name):
    said = as_json("explain", "--reason", name)
    assert said["exit"] == 0 and said["reason"] == name and said["means"]
    assert said["auth0"] or said["httpd"], said
    assert said["sentence"] == table()[name].sentence
    page = tool("explain", "--reason", name).stdout
    assert page.startswith(f"{name}: httpd answers {said['status']}\n")
    for where, label in (("auth0", "at Auth0"), ("httpd", "in httpd")):
        assert (f"\n{label}" in page) == bool(said[where])
    for text in filter(None, (said["means"], said["auth0"], said["httpd"])):
        assert text in " ".join(page.split()) and text[-1] in ".?", text


def test_a_reason_that_does_not_exist_is_exit_2():
    done = tool("explain", "--reason", "ok")
    assert done.returncode == USAGE and "ok" in done.stderr
    assert tool("explain", "--reason", "no_such_reason").returncode == USAGE


def raw(*parts):
    return ".".join(part if isinstance(part, str) else b64(compact(part)) for part in parts)


#: reason: how to make a token that is refused for it, and the check that finds it.
BROKEN = {
    "authorization_malformed": (lambda k: mint(k).replace(".", ",."), "form"),
    "token_too_long": (lambda k: mint(k, x="x" * 9000), "form"),
    "token_opaque": (lambda k: "opaque", "form"),
    "token_encrypted": (lambda k: raw({"alg": "dir"}, "", "a", "a", "a"), "form"),
    "token_part_empty": (lambda k: mint(k).rpartition(".")[0] + ".", "form"),
    "base64url_invalid": (lambda k: mint(k) + "=", "form"),
    "json_syntax": (lambda k: token_of(tokens.header_of(k), "{", k), "form"),
    "json_encoding": (lambda k: token_of(tokens.header_of(k), b'{"a":"\xff"}', k), "form"),
    "json_duplicate_name": (
        lambda k: token_of(tokens.header_of(k), '{"a":1,"a":2}', k), "form"),
    "json_too_large": (
        lambda k: token_of(tokens.header_of(k), "[" * 40 + "]" * 40, k), "form"),
    "payload_malformed": (lambda k: token_of(tokens.header_of(k), "[1]", k), "form"),
    "header_too_long": (lambda k: mint(k, header=tokens.header_of(k, x="x" * 3000)),
                        "header"),
    "header_malformed": (lambda k: token_of("[1]", tokens.claims_of(ISS, AUD), k),
                         "header"),
    "header_unsupported": (lambda k: mint(k, header=tokens.header_of(k, crit=["x"])),
                           "header"),
    "kid_malformed": (lambda k: mint(k, header=tokens.header_of(k, kid=7)), "header"),
    "algorithm_unknown": (lambda k: mint(k, header=tokens.header_of(k, alg="none")),
                          "header"),
    "algorithm_not_allowed": (
        lambda k: mint(k, header=tokens.header_of(k, alg="RS512")), "algorithm"),
    "issuer_unknown": (lambda k: mint(k, iss="https://stranger.us.auth0.com/"), "issuer"),
    "key_unknown": (lambda k: mint(k, header=tokens.header_of(k, kid="x")), "key"),
    "key_not_eligible": (lambda k: mint(k, header=tokens.header_of(k, alg="ES256")), "key"),
    "signature_invalid": (lambda k: tampered(mint(k)), "signature"),
    "audience_malformed": (lambda k: mint(k, aud=7), "audience"),
    "audience_mismatch": (lambda k: mint(k, aud="https://other.example.com"), "audience"),
    "exp_malformed": (lambda k: mint(k, exp="soon"), "expiry"),
    "expired": (lambda k: mint(k, exp_in=-60), "expiry"),
    "nbf_malformed": (lambda k: mint(k, nbf="x"), "not before"),
    "not_yet_valid": (lambda k: mint(k, nbf=4102444800), "not before"),
    "iat_malformed": (lambda k: mint(k, iat="x"), "issued at"),
    "issued_in_future": (lambda k: mint(k, iat=4102444800, exp=4102448400), "issued at"),
    "type_mismatch": (lambda k: mint(k, header=tokens.header_of(k, typ="id+jwt")), "type"),
    "token_bound": (lambda k: mint(k, cnf={"jkt": "x"}), "binding"),
    "user_claim_invalid": (lambda k: mint(k, sub=""), "user claim"),
    "permission_missing": (lambda k: mint(k, permissions=["read:b"]), "requirement"),
}

#: Those that a token alone, against keys of a file, cannot bring about.
NOT_OF_A_TOKEN = {
    "no_credentials", "token_repeated", "key_ambiguous",
    "issuer_mismatch", "requirement_not_met", "keys_unavailable", "jwks_malformed",
    "jwks_too_large", "jwks_private_key", "jwks_no_usable_key", "configuration",
    "internal_error", "ok"}


def test_every_reason_is_brought_about_or_known_to_need_more_than_a_token():
    assert set(BROKEN) | NOT_OF_A_TOKEN == set(table())
    assert not set(BROKEN) & NOT_OF_A_TOKEN


@pytest.mark.parametrize("reason", BROKEN)
def test_explain_names_the_failed_check_with_what_is_expected_found_and_to_do(keys, key,
                                                                              reason):
    make, name = BROKEN[reason]
    more = ["--permission", "read:a", "--alg", "RS256"]
    if reason == "key_not_eligible":
        more += ["--alg", "ES256"]
    said = as_json("explain", *options(keys), *more, stdin=make(key))
    assert (said["verdict"], said["reason"], said["exit"]) == ("refused", reason, REFUSED)
    failed = next(check for check in said["checks"] if check["state"] == "failed")
    assert failed == said["failed"]
    assert (failed["check"], failed["reason"]) == (name, reason)
    assert failed["expected"] and (failed["found"] or failed["hint"])
    assert failed["auth0"] or failed["httpd"]
    verdict = as_json("verify", *options(keys), *more, stdin=make(key))
    assert (verdict["reason"], verdict["failed"]["check"]) == (reason, name)
    assert verdict["sentence"] == table()[reason].sentence


ORDER = ["form", "header", "algorithm", "issuer", "key", "signature", "issuer claim",
         "audience", "expiry", "not before", "issued at", "type", "binding", "user claim",
         "requirement"]


def test_the_checks_stand_in_the_order_of_the_module(keys, key):
    said = as_json("explain", *options(keys), "--permission", "read:a",
                   stdin=mint(key, permissions=["read:a"]))
    assert (said["verdict"], said["user"]) == ("accepted", "client-1@clients")
    assert [check["check"] for check in said["checks"]] == ORDER
    assert {check["state"] for check in said["checks"]} == {"passed"}
    assert all(check["verified"] for check in said["checks"])


def test_after_a_failure_the_others_are_checked_and_marked_by_whether_they_are_verified(
        keys, key):
    wrong = {"aud": "https://other.example.com", "exp_in": -60, "permissions": ["read:b"]}
    for token, verified in ((mint(key, **wrong), True), (tampered(mint(key, **wrong)), False)):
        said = as_json("explain", *options(keys), "--permission", "read:a", stdin=token)
        checks = checks_of(said)
        assert said["reason"] == ("audience_mismatch" if verified else "signature_invalid")
        for name in ("audience", "expiry", "requirement"):
            assert (checks[name]["state"], checks[name]["verified"]) == ("failed", verified)
        for name in ("type", "binding", "user claim"):
            assert (checks[name]["state"], checks[name]["verified"]) == ("passed", verified)
        page = tool("explain", *options(keys), "--permission", "read:a", stdin=token).stdout
        assert ("(FAILED) expiry" in page) != verified
        assert ("\nFAILED   expiry" in page) == verified
        assert ("not verified" in page) != verified


def test_nothing_is_said_of_claims_that_cannot_be_read(keys, key):
    for token in ("opaque", token_of(tokens.header_of(key), "{", key)):
        said = as_json("explain", *options(keys), stdin=token)
        states = {check["check"]: check["state"] for check in said["checks"]}
        assert states["form"] == "failed"
        assert {states[name] for name in ORDER[5:14]} == {"skipped"}
        assert not any(check["verified"] for check in said["checks"][5:])


def test_a_key_is_not_tried_with_an_algorithm_that_is_not_allowed(keys, key):
    checks = checks_of(as_json("explain", *options(keys), "--alg", "ES256", stdin=mint(key)))
    assert checks["algorithm"]["state"] == "failed"
    assert (checks["key"]["state"], checks["signature"]["state"]) == ("skipped", "skipped")


HINTS = {
    "the slash of the issuer": ({"iss": ISS[:-1]}, "issuer", "slash at the end"),
    "another tenant": ({"iss": "https://other.eu.auth0.com/"}, "issuer", "another tenant"),
    "a custom domain": ({"iss": "https://login.example.com/"}, "issuer", "custom domain"),
    "no URL": ({"iss": "tenant.us.auth0.com"}, "issuer", "no https URL"),
    "the slash of the audience": ({"aud": AUD + "/"}, "audience", "slash at the end"),
    "the case of the audience": ({"aud": AUD.upper()}, "audience", "upper and lower"),
    "an ID token": ({"aud": CLIENT_ID}, "audience", "ID token"),
    "userinfo": ({"aud": [ISS + "userinfo"]}, "audience", "userinfo"),
    "the management API": ({"aud": ISS + "api/v2/"}, "audience", "Management API"),
    "how long it lived": ({"exp": 1700000600, "iat": 1700000000}, "expiry",
                          "valid for 10 min"),
}


@pytest.mark.parametrize("case", HINTS, ids=lambda case: case.replace(" ", "-"))
def test_what_strikes_the_eye_is_said(keys, key, case):
    claims, name, hint = HINTS[case]
    check = checks_of(as_json("explain", *options(keys), stdin=mint(key, **claims)))[name]
    assert check["state"] == "failed" and hint in check["hint"], check
    good = checks_of(as_json("explain", *options(keys), stdin=mint(key)))[name]
    assert good["state"] == "passed" and good["hint"] is None


# ---- inspect ---------------------------------------------------------------------------

KINDS = {
    "access_token": lambda k: mint(k),
    "access_token with a nonce": lambda k: mint(k, nonce="x", scope="openid"),
    "access_token of RFC 9068": lambda k: mint(
        k, header=tokens.header_of(k, typ="at+jwt"), aud=CLIENT_ID, gty=ABSENT),
    "id_token by its nonce": lambda k: mint(k, nonce="x", gty=ABSENT),
    "id_token by its at_hash": lambda k: mint(k, at_hash="x", gty=ABSENT),
    "id_token by its audience": lambda k: mint(k, aud=CLIENT_ID, gty=ABSENT),
    "logout_token": lambda k: mint(k, header=tokens.header_of(k, typ="logout+jwt")),
    "dpop_proof": lambda k: mint(k, header=tokens.header_of(k, typ="dpop+jwt")),
    "opaque": lambda k: "x" * 32,
    "opaque of two parts": lambda k: "x.y",
    "refresh_token": lambda k: "v1." + "x" * 60,
    "encrypted": lambda k: raw({"alg": "dir", "enc": "A256GCM"}, "", "aaaa", "aaaa", "aaaa"),
}


@pytest.mark.parametrize("case", KINDS, ids=lambda case: case.replace(" ", "-"))
def test_inspect_tells_what_kind_of_token_it_looks_like(key, case):
    kind = case.split()[0]
    said = as_json("inspect", stdin=KINDS[case](key))
    assert (said["kind"], said["verified"]) == (kind, False), said
    assert (said["advice"] is None) == (kind == "access_token")
    page = tool("inspect", stdin=KINDS[case](key)).stdout
    assert page.startswith("NOT VERIFIED: ")
    if kind in ("opaque", "encrypted"):
        assert "No audience was requested" in said["advice"] and said["exit"] == REFUSED
        assert "audience" in page
    if kind == "id_token":
        assert "This is an ID token" in page and said["exit"] == 0
        assert said["because"] in page


def test_inspect_puts_each_time_into_words(key):
    now = int(time.time())
    said = as_json("inspect", stdin=mint(key, iat=now - 3600, exp=now + 86400,
                                         nbf=now + 301, auth_time=now - 7200))["times"]
    assert re.fullmatch(r"expires in (23 h 59 min|1 d)", said["exp"]["words"])
    assert said["iat"]["words"] == "1 h ago"
    assert re.fullmatch(r"in (5 min|4 min 5\d s)", said["nbf"]["words"])
    assert said["auth_time"]["words"] == "2 h ago"
    for claim, seconds in (("exp", now + 86400), ("iat", now - 3600)):
        assert said[claim]["seconds"] == seconds
        assert said[claim]["date"] == time.strftime("%Y-%m-%d %H:%M:%S UTC",
                                                    time.gmtime(seconds))
    page = tool("inspect", stdin=mint(key, exp=now - 305)).stdout
    assert re.search(rf"EXPIRED +{now - 305}  \d{{4}}-\S+ \S+ UTC, expired 5 min", page)
    assert "no exp" in tool("inspect", stdin=mint(key, exp=ABSENT)).stdout
    assert '"tomorrow" is not a time' in tool("inspect",
                                              stdin=mint(key, exp="tomorrow")).stdout


def test_the_clock_of_this_machine_counts(keys, key):
    library = find_faketime()
    if library is None:
        pytest.skip("libfaketime is not installed")
    token = mint(key)
    env = {"LD_PRELOAD": library, "FAKETIME": "+2h"}
    assert as_json("verify", *options(keys), stdin=token)["verdict"] == "accepted"
    late = as_json("verify", *options(keys), stdin=token, env=env)
    assert late["reason"] == "expired"
    early = as_json("verify", *options(keys), stdin=token, env=env | {"FAKETIME": "-2h"})
    assert early["reason"] == "issued_in_future"


# ---- what must not happen --------------------------------------------------------------

NASTY = "\x1b[31m\x07\u009b2J\u202e\u2066\u200b\ufeff\U000e0041\u2028 \\ \" é ☃"


def is_harmless(character):
    return character == "\n" or unicodedata.category(character) not in (
        "Cc", "Cf", "Zl", "Zp", "Cs")


@pytest.mark.parametrize("command", ["inspect", "verify", "explain"])
def test_nothing_of_a_token_reaches_the_terminal_unescaped(keys, key, command):
    """Claims, names of claims, kid, typ, iss, aud: an attacker writes all of these."""
    more = [] if command == "inspect" else [*options(keys), "--permission", "p"]
    claims = {"aud": NASTY, "iss": NASTY, NASTY: NASTY, "permissions": [NASTY]}
    cases = [mint(key, **{name: value}) for name, value in claims.items()]
    cases += [mint(key, header=tokens.header_of(key, kid=NASTY)),
              mint(key, header=tokens.header_of(key, alg=NASTY)),
              mint(key, header=tokens.header_of(key, typ=NASTY)),
              mint(key, sub=NASTY), NASTY, f"a.{NASTY}.b"]
    for token in cases:
        for form in ([], ["--json"]):
            done = tool(command, *more, *form, stdin=token)
            assert done.returncode in (0, REFUSED), done
            assert all(map(is_harmless, done.stdout + done.stderr)), repr(done.stdout)
            assert "\ufffd" not in done.stdout
            if form:
                json.loads(done.stdout)
    said = as_json("inspect", stdin=mint(key, aud=NASTY, sub="é ☃"))
    assert (said["claims"]["aud"], said["claims"]["sub"]) == (NASTY, "é ☃")
    assert "é ☃" in tool("inspect", stdin=mint(key, sub="é ☃")).stdout


def test_what_is_not_utf_8_is_still_valid_json(tmp_path):
    (tmp_path / "token").write_bytes(b"a\xff\xfe.b.c")
    for command in (["inspect"], ["verify", "--secret", tmp_path / "token", "--issuer", "i",
                                  "--audience", "a"]):
        done = tool(*command, "--token-file", tmp_path / "token", "--json")
        assert done.returncode in (REFUSED, UNAVAILABLE), done
        json.loads(done.stdout)


def test_no_output_holds_the_token(keys, key):
    good = mint(key, permissions=["read:a"])
    for token in (good, tampered(good), good[:-3], "opaque-token-that-nobody-may-see"):
        for command in (["inspect"], ["verify", *options(keys)],
                        ["explain", *options(keys), "--permission", "read:b"]):
            for form in ([], ["--json"]):
                done = tool(*command, *form, stdin=token)
                said = done.stdout + done.stderr
                for part in token.split("."):
                    assert len(part) < 8 or part not in said, (command, said)


# ---- where the token comes from --------------------------------------------------------


@pytest.mark.parametrize("form", ["{}", "{}\n", "  {}\r\n\r\n", "Bearer {}", "bearer  {}\n",
                                  "\tBearer\t{} "])
def test_white_space_and_the_scheme_around_a_token_are_forgiven(keys, key, tmp_path, form):
    text = form.format(mint(key))
    (tmp_path / "token").write_text(text)
    ways = [{"stdin": text}, {"arguments": ["-"], "stdin": text},
            {"arguments": ["--token-file", tmp_path / "token"]}, {"arguments": [text]}]
    for way in ways:
        done = tool("verify", *options(keys), *way.get("arguments", []),
                    stdin=way.get("stdin"))
        assert done.returncode == ACCEPTED, (way, done)


@pytest.mark.parametrize("text", ["", " \n", "Bearer", "Bearer \n"])
def test_no_token_at_all_is_exit_2(keys, text):
    done = tool("verify", *options(keys), stdin=text)
    assert done.returncode == USAGE and "no token" in done.stderr and not done.stdout


def test_two_tokens_or_a_file_that_is_not_there_are_told_apart(keys, key, tmp_path):
    (tmp_path / "token").write_text(mint(key))
    done = tool("verify", *options(keys), "--token-file", tmp_path / "token", mint(key))
    assert done.returncode == USAGE and "not both" in done.stderr
    done = tool("verify", *options(keys), "--token-file", tmp_path / "none")
    assert done.returncode == UNAVAILABLE and "none" in done.stderr
