"""Python's json, made as strict as it can be, and the rules by which we are stricter."""

import json
import math

# As src/token/json.h has them.
LIMITS = {"depth": 16, "members": 256, "values": 4096}
NUMBER_MAX = 63
TIME_MAX = 2**53


def number(text):
    """A number as written, apart from any string: no digit may change on the way."""
    if not math.isfinite(float(text)):
        raise ValueError("not finite")
    return ("number", text)


def constant(name):
    raise ValueError(name)


def unique(pairs):
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("duplicate name")
    return value


def read(data):
    """The value of a JSON text in bytes, or ValueError."""
    try:
        return json.loads(data.decode("utf-8"), object_pairs_hook=unique, strict=True,
                          parse_int=number, parse_float=number, parse_constant=constant)
    except RecursionError:
        raise ValueError("too deep for Python") from None


def accepts(data):
    try:
        return True, read(data)
    except ValueError:
        return False, None


def children(value):
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def levels(value):
    """The value, then what is in it, then what is in that: a list for each depth."""
    level = [value]
    while level:
        yield level
        level = [child for each in level for child in children(each)]


def everything(value):
    """The value and all that are in it."""
    for level in levels(value):
        yield from level


def strings(value):
    for each in everything(value):
        if isinstance(each, str):
            yield each
        elif isinstance(each, dict):
            yield from each


def depth(value):
    """Nested arrays and objects; the top level counts as 1."""
    return sum(1 for level in levels(value)
               if any(isinstance(each, (dict, list)) for each in level))


def has_code(first, last):
    return lambda value, limits: any(first <= ord(c) <= last
                                     for text in strings(value) for c in text)


def too_many_members(value, limits):
    return any(isinstance(each, dict) and len(each) > limits["members"]
               for each in everything(value))


def too_many_values(value, limits):
    return sum(1 for _ in everything(value)) > limits["values"]


def number_too_long(value, limits):
    return any(isinstance(each, tuple) and len(each[1]) > NUMBER_MAX
               for each in everything(value))


# Why we refuse what Python accepts: name, our reason, and how to see it in the value.
STRICTER = [
    ("nested too deeply", "json_too_large",
     lambda value, limits: depth(value) > limits["depth"]),
    ("an object of too many members", "json_too_large", too_many_members),
    ("too many values", "json_too_large", too_many_values),
    ("a number of too many characters", "json_too_large", number_too_long),
    ("a NUL in a string", "json_encoding", has_code(0, 0)),
    ("a lone surrogate", "json_encoding", has_code(0xd800, 0xdfff)),
]


def rule_for(reason, value, limits):
    """The first rule that explains a refusal; None when none does."""
    for name, expected, applies in STRICTER:
        if reason == expected and applies(value, limits):
            return name
    return None


def time_of(value):
    """What json_time makes of the member "time"; None when it is not a time."""
    member = value.get("time") if isinstance(value, dict) else None
    if not isinstance(member, tuple):
        return None
    seconds = float(member[1])
    if not 0 <= seconds <= TIME_MAX or (seconds == TIME_MAX
                                        and member[1] != str(TIME_MAX)):
        return None
    return seconds


def difference(data, answer, limits):
    """
    Compare our answer on a text with Python's: (what is wrong or None, the rule by
    which we alone refused or None).
    """
    accepted, value = accepts(data)
    if answer["reason"] == "ok":
        if not accepted:
            return "we accept what Python refuses", None
        for name, _, applies in STRICTER:
            if applies(value, limits):
                return f"accepted against our rule ({name})", None
        for form in ("text", "walked"):
            if read(answer[form].encode()) != value:
                return f"another value ({form}): {answer[form]}", None
        time = answer.get("time")
        if (None if time is None else float(time)) != time_of(value):
            return f"another time: {time}", None
        return None, None
    if not answer["reason"].startswith("json_"):
        return f"refused for {answer['reason']}", None
    if not accepted:
        return None, None
    rule = rule_for(answer["reason"], value, limits)
    return (None, rule) if rule else (f"refused for {answer['reason']} under no rule", None)
