"""
A differential oracle: tens of thousands of changed tokens and key sets before our
verifier, jwcrypto and npm jose. What we accept, both accept with the same claims; what
both accept and we refuse falls under a listed rule (oracle_rules.py).

The seed brings the same changes back, with new keys. A difference is shown with the
whole question as the driver reads it: `build/obj/driver` answers it again.
"""

import collections
import concurrent.futures
import json
import os
import random

import pytest

import driver
import oracle_cases
import oracle_jwcrypto
import oracle_keys
import oracle_rules

RULES = [name for name, *_ in oracle_rules.STRICTER + oracle_rules.LAXER]
CASES = int(os.environ.get("ORACLE_CASES", "20000"))


def same_exactly(ours, theirs):
    """Equal values, numbers digit for digit: jwcrypto gives the payload as it was."""
    return json.loads(ours, parse_int=str, parse_float=str) == \
        json.loads(theirs, parse_int=str, parse_float=str)


def same_in_javascript(ours, theirs):
    """Equal values, numbers as doubles, which is what JavaScript has."""
    return json.loads(ours, parse_int=float) == json.loads(theirs, parse_int=float)


def compare(case, ours, jwcrypto, jose):
    """
    (what is wrong or None, rules that explain a difference) of three verdicts.
    """
    rules = []
    if ours["reason"] == "internal_error":
        return "internal_error", rules
    if ours["reason"] == "ok":
        broken = oracle_rules.broken_rule(case)
        if broken:
            return f"accepted against our rule ({broken})", rules
        for who, (accepted, claims), same in (
                ("jwcrypto", jwcrypto, same_exactly), ("jose", jose, same_in_javascript)):
            if not accepted:
                rule = oracle_rules.laxer_rule(who, case)
                if rule is None:
                    return f"we accept, {who} does not ({claims})", rules
                rules.append(rule)
            elif not same(ours["claims"], claims):
                return f"other claims than {who}'s: {ours['claims']} and {claims}", rules
        return None, rules
    if jwcrypto[0] and jose[0]:
        rule = oracle_rules.stricter_rule(ours["reason"], case)
        if rule is None:
            return f"both accept, we refuse for {ours['reason']} under no rule", rules
        rules.append(rule)
    return None, rules


def ask_jose(questions):
    return [(verdict["accepted"], verdict.get("claims", verdict.get("why")))
            for verdict in driver.node("oracle_jose.mjs", questions)]


def ask_all(cases):
    """The three judges' verdicts; the two that are programs run beside Python."""
    questions = [case.question() for case in cases]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        ours = pool.submit(driver.ask, questions)
        jose = pool.submit(ask_jose, questions)
        jwcrypto = oracle_jwcrypto.judge_all(cases, oracle_cases.NOW)
        return zip(cases, ours.result(), jwcrypto, jose.result())


@pytest.fixture(scope="module")
def keys():
    """Made once: RSA keys take long."""
    return oracle_keys.Keys()


def test_what_we_accept_others_accept_and_what_we_refuse_has_a_rule(seed, keys, report):
    maker = oracle_cases.Maker(random.Random(f"{seed} oracle"), keys)
    # One set after the other: the driver reads a set once for the tokens that share it.
    cases = sorted((maker.make() for _ in range(CASES)), key=lambda case: case.jwks or b"")
    count = collections.Counter()
    reasons, rules = collections.Counter(), collections.Counter()
    wrong, excused = [], []
    for case, ours, jwcrypto, jose in ask_all(cases):
        problem, explained = compare(case, ours, jwcrypto, jose)
        reasons[ours["reason"]] += 1
        rules.update(explained)
        count["jwcrypto"] += jwcrypto[0]
        count["jose"] += jose[0]
        count["both"] += jwcrypto[0] and jose[0]
        if explained and ours["reason"] == "ok":
            excused.append(oracle_rules.repaired(case))
        elif explained:
            count["both, not we"] += 1
        if problem:
            wrong.append((problem, case))
    # What a laxer rule explains must be sound without what the rule is about.
    for case, *verdicts in ask_all(excused):
        problem, explained = compare(case, *verdicts)
        if problem or explained or verdicts[0]["reason"] != "ok":
            wrong.append((f"not even when repaired: {problem or explained}", case))
    report += [
        f"oracle: {len(cases)} cases; accepted by us {reasons['ok']}, jwcrypto "
        f"{count['jwcrypto']}, jose {count['jose']}, both of these {count['both']}",
        f"accepted by us and not by both: {len(excused)}; by both and not by us: "
        f"{count['both, not we']}; each under a rule:",
        *(f"  {number:5} {name}" for name, number in rules.most_common()),
        f"rules not needed this time: {[name for name in RULES if not rules[name]]}",
        f"our reasons: {dict(reasons.most_common())}"]
    if wrong:
        kinds = collections.Counter(problem.split(":")[0] for problem, _ in wrong)
        examples = {problem.split(":")[0]: (problem, case) for problem, case in wrong}
        raise AssertionError(
            f"{len(wrong)} differences with VERIFIER_SEED={seed}: {kinds}\n" + "\n".join(
                f"{problem}: {case.changes} {json.dumps(case.question())}"
                for problem, case in examples.values()))
    # A run that accepts nothing, or changes nothing, would prove nothing.
    if CASES >= 5000:
        assert 0.2 * CASES < reasons["ok"] < 0.5 * CASES
        assert len(reasons) >= 30 and count["both, not we"] > 0.05 * CASES


@pytest.fixture(scope="module")
def few(seed, keys):
    """A small run's verdicts, as (case, ours, jwcrypto's, jose's)."""
    maker = oracle_cases.Maker(random.Random(f"{seed} few"), keys)
    return list(ask_all([maker.make() for _ in range(300)]))


def test_the_oracle_notices_a_token_accepted_that_others_refuse(few):
    refused = [row for row in few if row[1]["reason"] == "signature_invalid"
               and not row[2][0] and not row[3][0]
               and not oracle_rules.laxer_rule("jwcrypto", row[0])]
    assert refused
    for case, _, jwcrypto, jose in refused:
        assert compare(case, {"reason": "ok", "claims": "{}"}, jwcrypto, jose)[0]


def test_the_oracle_notices_a_good_token_refused_for_any_reason(few):
    good = [row for row in few if row[1]["reason"] == "ok" and not row[0].changes]
    assert good
    for case, ours, jwcrypto, jose in good:
        assert compare(case, ours, jwcrypto, jose) == (None, [])
        for reason in set().union(*(reasons for _, reasons, _ in oracle_rules.STRICTER)):
            assert compare(case, {"reason": reason}, jwcrypto, jose)[0], reason


def test_the_oracle_notices_a_rule_that_is_not_kept(few):
    explained = [row for row in few if row[1]["reason"] != "ok"
                 and set(compare(*row)[1]) - oracle_rules.DEPENDS]
    assert explained
    for case, _, jwcrypto, jose in explained:
        assert compare(case, {"reason": "ok", "claims": jwcrypto[1]}, jwcrypto, jose)[0]


def test_the_oracle_notices_other_claims(few):
    case, ours, jwcrypto, jose = next(row for row in few if row[1]["reason"] == "ok"
                                      and not row[0].changes)
    assert jwcrypto[0] and jose[0]
    for claims in ("{}", ours["claims"].replace("auth0|user", "auth0|other"),
                   ours["claims"].replace("3600", "3601"),
                   ours["claims"][:-1] + ',"admin":true}'):
        assert claims != ours["claims"]
        assert "other claims" in compare(case, {**ours, "claims": claims}, jwcrypto, jose)[0]
        assert "jose" in compare(case, ours, jwcrypto, (True, claims))[0]
        assert "jwcrypto" in compare(case, ours, (True, claims), jose)[0]


def test_points_of_low_order_are_told_from_others():
    p = oracle_rules.ED25519_PRIME
    order_8 = "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"
    for y in (0, 1, p - 1, p, p + 1, int.from_bytes(bytes.fromhex(order_8), "little")):
        assert oracle_rules.is_low_order(y.to_bytes(32, "little"))
        assert oracle_rules.is_low_order((y + 2**255).to_bytes(32, "little"))
    base = 4 * pow(5, -1, p) % p
    assert not any(oracle_rules.is_low_order(y.to_bytes(32, "little"))
                   for y in (base, 2, 3, p - 2))
