"""Wycheproof's json_web_signature_test.json: 401 tokens with a verdict each."""

import pytest

import driver
import vectors

CASES = vectors.wycheproof("json_web_signature_test.json")

SAME_BYTES = "byte for byte the valid token of tcId 357, yet labelled invalid"
QUESTION_MARK = "labelled valid with a ? in it, which is not in base64url (RFC 4648 5)"
OTHER_ALG = "the key is for PS256 and the token is PS384 (RFC 7517 4.4)"
NO_SUCH_ALG = "the key is for ES521, which no RFC defines: it is ES512"

# Where we mean to differ from the file's verdict: our reason, and why.
EXCEPTIONS = {
    367: ("ok", SAME_BYTES),
    370: ("ok", SAME_BYTES),
    372: ("base64url_invalid", QUESTION_MARK),
    373: ("base64url_invalid", QUESTION_MARK),
    346: ("key_not_eligible", OTHER_ALG),
    350: ("key_not_eligible", OTHER_ALG),
    347: ("jwks_no_usable_key", NO_SUCH_ALG),
    351: ("jwks_no_usable_key", NO_SUCH_ALG),
}


def is_symmetric(group):
    return group["private"]["kty"] == "oct"


def command(group, test):
    """Public keys as a fetched set; a symmetric key as the secret it is."""
    if is_symmetric(group):
        key = group["private"]
        return driver.jws_by_secret(test["jws"], driver.b64url_decode(key["k"]),
                                    [key["alg"]])
    return driver.jws_by_set(test["jws"], {"keys": [group["public"]]})


@pytest.fixture(scope="module")
def verdicts():
    vectors.require()
    answers = driver.ask([command(group, test) for group, test in CASES])
    return {test["tcId"]: answer for (_, test), answer in zip(CASES, answers)}


def problem(test, answer, exceptions):
    """What is wrong with our verdict on a vector; None when nothing is."""
    reason = answer["reason"]
    agrees = (reason == "ok") == (test["result"] == "valid")
    if test["tcId"] in exceptions:
        expected, why = exceptions[test["tcId"]]
        if agrees:
            return f"listed as an exception ({why}), but there is no difference"
        return None if reason == expected else f"{reason}, not {expected}"
    if not agrees:
        return f"{reason}, but the vector is {test['result']}"
    if reason == "internal_error":
        return reason
    if reason == "ok" and driver.payload(answer) != \
            driver.b64url_decode(test["jws"].split(".")[1]):
        return "another payload"
    return None


def test_all_401_vectors_of_the_file_are_there():
    vectors.require()
    assert len(CASES) == 401
    assert len({test["tcId"] for _, test in CASES}) == 401
    assert set(EXCEPTIONS) <= {test["tcId"] for _, test in CASES}


@pytest.mark.parametrize("group, test", [
    pytest.param(group, test, id=vectors.name_of(test)) for group, test in CASES])
def test_the_verdict_on_a_published_signature_is_the_files(verdicts, group, test):
    assert problem(test, verdicts[test["tcId"]], EXCEPTIONS) is None


def test_an_exception_is_byte_for_byte_the_valid_vector_it_is_said_to_be():
    vectors.require()
    tokens = {test["tcId"]: (test["jws"], group["private"]) for group, test in CASES}
    assert tokens[357] == tokens[367] == tokens[370]


def groups(symmetric):
    seen = []
    for group, _ in CASES:
        if group not in seen and is_symmetric(group) == symmetric:
            seen.append(group)
    return seen


def test_a_symmetric_key_in_a_fetched_set_is_skipped_and_verifies_nothing():
    vectors.require()
    assert len(groups(True)) == 4
    for group in groups(True):
        document = {"keys": [group["private"]]}
        answer = driver.ask_one(driver.read_set(document))
        assert answer["reason"] == "jwks_no_usable_key"
        assert [(key["position"], key["why"]) for key in answer["skipped"]] == \
            [(0, "a symmetric key has no place in a published set")]
        # Beside a good key it is skipped alone, and its tokens are refused.
        good = groups(False)[0]
        document["keys"].append(good["public"])
        answers = driver.ask([driver.read_set(document)] + [
            driver.jws_by_set(test["jws"], document, algorithms=["HS256", "ES256", "RS256"])
            for test in group["tests"] + good["tests"]])
        assert [key["position"] for key in answers[0]["skipped"]] == [0]
        accepted = [answer["reason"] == "ok" for answer in answers[1:]]
        assert not any(accepted[:len(group["tests"])])
        assert any(accepted[len(group["tests"]):])


def test_a_published_private_key_makes_the_whole_document_refused():
    vectors.require()
    for group in groups(False):
        if "d" in group["private"]:
            answer = driver.ask_one(driver.read_set({"keys": [group["private"]]}))
            assert answer["reason"] == "jwks_private_key"
    assert all("d" not in group["public"] for group in groups(False))


def test_a_wrong_verdict_and_a_stale_exception_are_noticed():
    valid = {"tcId": 1, "result": "valid", "jws": "e30.Zm9v.AA"}
    invalid = {"tcId": 2, "result": "invalid", "jws": "e30.Zm9v.AA"}
    good = {"reason": "ok", "payload": "Zm9v"}
    bad = {"reason": "signature_invalid"}
    assert problem(valid, good, {}) is None and problem(invalid, bad, {}) is None
    assert problem(valid, bad, {}) and problem(invalid, good, {})
    assert problem(valid, {"reason": "ok", "payload": "Zm9w"}, {})
    assert problem(invalid, {"reason": "internal_error"}, {})
    assert problem(valid, bad, {1: ("signature_invalid", "why")}) is None
    assert problem(valid, bad, {1: ("base64url_invalid", "why")})
    assert problem(valid, good, {1: ("signature_invalid", "why")})
