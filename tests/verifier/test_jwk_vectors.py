"""Wycheproof's json_web_key_test.json: 26 key sets with a token each."""

import json

import pytest

import driver
import vectors

CASES = vectors.wycheproof("json_web_key_test.json")

SYMMETRIC = "a symmetric key has no place in a published set"

# Why a vector is refused: the reason, or what is said of the key that is skipped. A
# verifier that refused for another reason would pass without reading the key.
REFUSALS = {
    1: "algorithm_not_allowed",
    3: "signature_invalid",
    4: SYMMETRIC,
    6: "use is not sig",
    7: "RSA modulus made by a broken generator (ROCA)",
    8: "RSA modulus under 2048 bits",
    9: "RSA exponent not odd and from 3 to 2^32",
    10: driver.SECRET_REFUSED,
    11: driver.SECRET_REFUSED,
    12: driver.SECRET_REFUSED,
    16: driver.SECRET_REFUSED,
    17: driver.SECRET_REFUSED,
    18: driver.SECRET_REFUSED,
    19: "alg not supported",
    20: "alg not supported",
    21: "use is not sig",
    22: "EC point not on the curve",
    23: "EC coordinate missing, not base64url or of the wrong length",
    24: "RSA modulus missing, not base64url or too long",
    25: driver.ALGORITHM_UNHEARD_OF,
    26: driver.ALGORITHM_UNHEARD_OF,
}


def the_secret(group, test):
    """
    The one symmetric key that the token names, as an administrator would configure
    it. None when the set cannot be said with secrets: it has public keys too, or
    two keys of this name. An issuer has public keys or one secret.
    """
    keys = group["private"]["keys"]
    kid = json.loads(driver.b64url_decode(test["jws"].split(".")[0]))["kid"]
    named = [key for key in keys if key["kid"] == kid]
    if any(key["kty"] != "oct" for key in keys) or len(named) != 1:
        return None
    return named[0]


def fetched(group):
    """The group's keys as an issuer would publish them."""
    keys = (group.get("public") or group["private"])["keys"]
    return {"keys": [vectors.public_part(key) for key in keys]}


def command(group, test):
    secret = None if group.get("public") else the_secret(group, test)
    if secret is None:
        return driver.jws_by_set(test["jws"], fetched(group))
    return driver.jws_by_secret(test["jws"], driver.b64url_decode(secret["k"]),
                                [secret["alg"]])


@pytest.fixture(scope="module")
def verdicts():
    vectors.require()
    answers = driver.ask([command(group, test) for group, test in CASES])
    return {test["tcId"]: answer for (_, test), answer in zip(CASES, answers)}


def test_all_26_vectors_of_the_file_are_there():
    vectors.require()
    assert len(CASES) == 26
    assert {test["tcId"] for _, test in CASES if test["result"] == "invalid"} == \
        set(REFUSALS)


@pytest.mark.parametrize("group, test", [
    pytest.param(group, test, id=vectors.name_of(test)) for group, test in CASES])
def test_the_verdict_on_a_published_key_set_is_the_files(verdicts, group, test):
    reason = verdicts[test["tcId"]]["reason"]
    assert (reason == "ok") == (test["result"] == "valid"), reason
    if reason == "ok":
        return
    expected = REFUSALS[test["tcId"]]
    if reason == "jwks_no_usable_key":
        answer = driver.ask_one(driver.read_set(fetched(group)))
        assert {key["why"] for key in answer["skipped"]} == {expected}
    else:
        assert reason == expected


def test_only_two_sets_cannot_be_said_with_one_secret():
    vectors.require()
    unsayable = {test["tcId"] for group, test in CASES
                 if not group.get("public") and the_secret(group, test) is None}
    assert unsayable == {1, 4}


def test_symmetric_keys_of_a_fetched_set_are_skipped_and_verify_nothing():
    vectors.require()
    symmetric = [(group, test) for group, test in CASES if not group.get("public")]
    assert len(symmetric) == 15
    for group, test in symmetric:
        everything = ["HS256", "HS384", "HS512", "ES256"]
        answers = driver.ask([
            driver.read_set(fetched(group)),
            driver.jws_by_set(test["jws"], fetched(group), algorithms=everything)])
        skipped = {key["position"] for key in answers[0]["skipped"]}
        assert skipped == {position for position, key in enumerate(fetched(group)["keys"])
                           if key["kty"] == "oct"}
        assert answers[1]["reason"] in ("jwks_no_usable_key", "key_unknown",
                                        "key_not_eligible")
