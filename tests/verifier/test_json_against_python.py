"""
Random and mutated JSON texts: what we read, Python reads as the same value; what Python
reads and we refuse falls under a named rule.
"""

import collections
import os
import random

import driver
import json_reference as reference

CASES = int(os.environ.get("JSON_CASES", "6000"))

NAMES = ["time", "a", "A", "", "exp", "kid", "é", "\U0001d11e", "\u2028", "a\tb", "\\"]
CHARACTERS = list("ab\"\\/ \t\n\r\b\f0é\u0080\u2028\ufeff\uffff\U0001d11e\x7f") \
    + ["\0", "\ud800", "\udfff", "\x1f"]
NUMBERS = ["0", "-0", "1", "-1", "1.0", "0.5", "1e2", "1E+2", "1e-7", "9007199254740991",
           "9007199254740992", "9007199254740993", "9007199254740992.0", "1700000000",
           "1700000000.25", "1e308", "1e309", "-1e400", "1e-400", "1" * 63, "1" * 64,
           "0." + "0" * 61, "0." + "0" * 62, "123456789012345678901234567890"]
PIECES = [b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b"0", b"-", b"+", b".", b"e",
          b"E", b"\0", b" ", b"\t", b"\n", b"\x0b", b"\x0c", b"\xa0", b"\xef\xbb\xbf",
          b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x80\xa8",
          b"\\u0000", b"\\ud800", b"\\udc00", b"\\ud834\\udd1e", b"\\u0061", b"\\x41",
          b"\\u00", b"true", b"null", b"NaN", b"-Infinity", b"1e999", b"//", b"/**/", b"'",
          b'"a":1,', b'"\\u0061":2,', b"[[[[", b"]]]]", b"012", b"1."]


def random_string(rng, text=None):
    """A JSON string of a text, each character written in one of its ways."""
    if text is None:
        text = "".join(rng.choice(CHARACTERS) for _ in range(rng.randrange(8)))
        if rng.random() < 0.7:
            text = text.replace("\0", "").replace("\ud800", "").replace("\udfff", "")
    out = []
    for c in text:
        code = ord(c)
        if code < 0x20 or c in '"\\' or 0xd800 <= code < 0xe000 or rng.random() < 0.15:
            pair = c.encode("utf-16-be", "surrogatepass")
            out += [f"\\u{pair[i]:02x}{pair[i + 1]:02x}" for i in range(0, len(pair), 2)]
        else:
            out.append(c)
    return '"' + "".join(out) + '"'


def space(rng):
    return "".join(rng.choice(" \t\n\r") for _ in range(rng.choice([0, 0, 0, 1, 2])))


def random_value(rng, depth):
    kind = rng.randrange(8 if depth > 0 else 5)
    if kind == 0:
        return rng.choice(["true", "false", "null"])
    if kind <= 2:
        return rng.choice(NUMBERS) if rng.random() < 0.5 else \
            repr(rng.choice([rng.random(), rng.randrange(-2**70, 2**70), rng.gauss(0, 1e9)]))
    if kind <= 4:
        return random_string(rng)
    inside = [random_value(rng, depth - 1) for _ in range(rng.randrange(6))]
    if kind == 5:
        return "[" + ",".join(space(rng) + each + space(rng) for each in inside) + "]"
    return random_object(rng, inside)


def random_object(rng, values):
    names = rng.sample(NAMES, min(len(values), len(NAMES)))
    if rng.random() < 0.05 and names:
        names[-1] = names[0]
    return "{" + ",".join(space(rng) + random_string(rng, name) + space(rng) + ":" + value
                          for name, value in zip(names, values)) + "}"


def mutated(rng, data):
    for _ in range(rng.choice([0, 1, 1, 2, 4])):
        at = rng.randrange(len(data) + 1)
        to = min(len(data), at + rng.randrange(1, 4))
        how = rng.randrange(6)
        if how == 0 and at < len(data):
            data = data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1:]
        elif how == 1:
            data = data[:at] + data[to:]
        elif how == 2:
            data = data[:at] + data[at:to] + data[at:]
        elif how == 3:
            data = data[:at]
        else:
            data = data[:at] + rng.choice(PIECES) + data[at:]
    return data


def random_case(rng):
    depth = rng.randrange(6)
    value = random_value(rng, depth)
    if rng.random() < 0.5:
        value = random_object(rng, [value] + [random_value(rng, 1)
                                              for _ in range(rng.randrange(4))])
    data = (space(rng) + value + space(rng)).encode("utf-8", "surrogatepass")
    if rng.random() < 0.6:
        data = mutated(rng, data)
    limits = dict(reference.LIMITS)
    if rng.random() < 0.4:
        limits = {"depth": rng.randrange(1, 6), "members": rng.randrange(1, 6),
                  "values": rng.randrange(1, 20)}
    return data, limits


def test_what_we_read_python_reads_alike_and_refusals_have_a_rule(seed, report):
    rng = random.Random(f"{seed} json")
    cases = [random_case(rng) for _ in range(CASES)]
    answers = driver.ask([driver.read_json(data, **limits) for data, limits in cases])
    rules = collections.Counter()
    reasons = collections.Counter(answer["reason"] for answer in answers)
    wrong = []
    for (data, limits), answer in zip(cases, answers):
        problem, rule = reference.difference(data, answer, limits)
        if problem:
            wrong.append((problem, data, limits))
        if rule:
            rules[rule] += 1
    report.append(f"JSON against Python: {len(cases)} texts, {dict(reasons)}; "
                  f"accepted by Python alone: {dict(rules)}")
    assert not wrong, f"{len(wrong)} differences with VERIFIER_SEED={seed}: {wrong[:5]}"
    # The run has seen everything that it is meant to see.
    if CASES >= 5000:
        assert set(rules) == {name for name, _, _ in reference.STRICTER}
        assert min(reasons[reason] for reason in (
            "ok", "json_syntax", "json_encoding", "json_duplicate_name",
            "json_too_large")) >= 50


def test_the_comparison_with_python_notices_wrong_answers():
    limits = reference.LIMITS
    good = {"reason": "ok", "text": '{"time":1}', "walked": '{"time":1}', "time": "1"}

    def problem(data, answer):
        return reference.difference(data, answer, limits)[0]

    assert problem(b'{"time": 1}', good) is None
    assert problem(b'{"time": 1.0}', good)
    assert problem(b'{"time": 1}', {**good, "walked": "{}"})
    assert problem(b'{"time": 1}', {**good, "time": "2"})
    for data in (b'{"time":1,"time":1}', b'{"time":1}x', b"\xff", b"[1e999]", b"NaN"):
        assert problem(data, good)
        assert problem(data, {"reason": "json_syntax"}) is None
    deep = {"reason": "ok", "text": "[[1]]", "walked": "[[1]]"}
    assert reference.difference(b"[[1]]", deep, limits) == (None, None)
    assert reference.difference(b"[[1]]", deep, {**limits, "depth": 1})[0]
    for reason in ("json_syntax", "json_encoding", "json_too_large", "internal_error"):
        assert problem(b'{"time":1}', {"reason": reason})
    assert reference.difference(b'["\\u0000"]', {"reason": "json_encoding"}, limits) == \
        (None, "a NUL in a string")
    assert reference.difference(b"[[1]]", {"reason": "json_too_large"},
                                {**limits, "depth": 1}) == (None, "nested too deeply")


def test_a_rule_explains_only_what_it_is_about():
    values = {
        "nested too deeply": [[[1]]],
        "an object of too many members": {"a": 1, "b": 2, "c": 3},
        "too many values": [1, 2, 3, 4],
        "a number of too many characters": ("number", "1" * 64),
        "a NUL in a string": {"a\0": 1},
        "a lone surrogate": "\ud800",
    }
    # The numbers of Python's hook are tuples; here plain numbers stand in for them.
    limits = {"depth": 2, "members": 2, "values": 4}
    for name, reason, _ in reference.STRICTER:
        found = {other for other, value in values.items()
                 if reference.rule_for(reason, value, limits) == name}
        assert found == {name}
    assert reference.rule_for("json_syntax", [[[1]]], limits) is None
    assert reference.rule_for("json_too_large", [[1]], limits) is None
