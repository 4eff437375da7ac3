#include "token/json.h"

#include <apr_strings.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"
#include "token/json_scan.h"

static const struct json_limits limits = JSON_LIMITS_DEFAULT;

static enum reason parse_bytes(const json_value **value, const char *text, size_t len)
{
    enum reason reason = json_parse(value, exact(text, len), len, &limits, pool);

    ck_assert((*value != NULL) == (reason == REASON_OK));
    return reason;
}

static enum reason verdict(const char *text)
{
    const json_value *value;

    return parse_bytes(&value, text, strlen(text));
}

static const json_value *parsed(const char *text)
{
    const json_value *value;

    ASSERT_REASON(parse_bytes(&value, text, strlen(text)), REASON_OK, text);
    return value;
}

/* The number's grammar, RFC 8259 section 6. */
static const struct {
    const char *text;
    enum reason reason;
} numbers[] = {
    {"0", REASON_OK},
    {"-0", REASON_OK},
    {"1", REASON_OK},
    {"-1", REASON_OK},
    {"10", REASON_OK},
    {"1234567890", REASON_OK},
    {"0.5", REASON_OK},
    {"-0.0", REASON_OK},
    {"1.0", REASON_OK},
    {"10.25", REASON_OK},
    {"1e5", REASON_OK},
    {"1E5", REASON_OK},
    {"1e+5", REASON_OK},
    {"1e-5", REASON_OK},
    {"0e0", REASON_OK},
    {"0.1e01", REASON_OK},
    {"1.25E-07", REASON_OK},
    {"1e308", REASON_OK},
    {"1e-400", REASON_OK},
    {"", REASON_JSON_SYNTAX},
    {"-", REASON_JSON_SYNTAX},
    {"00", REASON_JSON_SYNTAX},
    {"01", REASON_JSON_SYNTAX},
    {"0123", REASON_JSON_SYNTAX},
    {"-01", REASON_JSON_SYNTAX},
    {"+1", REASON_JSON_SYNTAX},
    {"--1", REASON_JSON_SYNTAX},
    {"- 1", REASON_JSON_SYNTAX},
    {".5", REASON_JSON_SYNTAX},
    {"-.5", REASON_JSON_SYNTAX},
    {"1.", REASON_JSON_SYNTAX},
    {"1.e5", REASON_JSON_SYNTAX},
    {"1.2.3", REASON_JSON_SYNTAX},
    {"1e", REASON_JSON_SYNTAX},
    {"1e+", REASON_JSON_SYNTAX},
    {"1e-", REASON_JSON_SYNTAX},
    {"1e5.5", REASON_JSON_SYNTAX},
    {"1e5e5", REASON_JSON_SYNTAX},
    {"e5", REASON_JSON_SYNTAX},
    {"0x10", REASON_JSON_SYNTAX},
    {"0b1", REASON_JSON_SYNTAX},
    {"0o7", REASON_JSON_SYNTAX},
    {"1_000", REASON_JSON_SYNTAX},
    {"1,000", REASON_JSON_SYNTAX},
    {"1 000", REASON_JSON_SYNTAX},
    {"1d", REASON_JSON_SYNTAX},
    {"1f", REASON_JSON_SYNTAX},
    {"NaN", REASON_JSON_SYNTAX},
    {"nan", REASON_JSON_SYNTAX},
    {"Infinity", REASON_JSON_SYNTAX},
    {"-Infinity", REASON_JSON_SYNTAX},
    {"inf", REASON_JSON_SYNTAX},
    {"\xd9\xa3", REASON_JSON_SYNTAX}, /* an Arabic 3 */
    {"1e309", REASON_JSON_TOO_LARGE},
    {"1e400", REASON_JSON_TOO_LARGE},
    {"-1e400", REASON_JSON_TOO_LARGE},
    {"1e999", REASON_JSON_TOO_LARGE},
    {"1e99999999999999999999", REASON_JSON_TOO_LARGE},
};

START_TEST(reads_numbers_by_the_grammar_alone)
{
    const char *text = numbers[_i].text;
    const char *inside = apr_psprintf(pool, "{\"a\":[1,%s]}", text);

    ASSERT_REASON(verdict(text), numbers[_i].reason, text);
    if (strchr(text, ',') == NULL) { /* else it is two elements */
        ASSERT_REASON(verdict(inside), numbers[_i].reason, inside);
    }
}
END_TEST

START_TEST(a_number_may_have_63_characters)
{
    const char *digits = repeated("1", JSON_NUMBER_MAX - 2);
    const char *longest = apr_pstrcat(pool, "0.", digits, NULL);
    double seconds;

    ck_assert(json_time(&seconds, parsed(longest)));
    ck_assert(fabs(seconds - 1.0 / 9) < 1e-12);
    ASSERT_REASON(verdict(apr_pstrcat(pool, longest, "1", NULL)), REASON_JSON_TOO_LARGE,
                  "64 characters");
    ASSERT_REASON(verdict(repeated("9", 64)), REASON_JSON_TOO_LARGE, "64 digits");
}
END_TEST

/* What stands for nothing valid, and its accepted twins. */
static const struct {
    const char *story;
    const char *text;
    size_t len;
    enum reason reason;
} texts[] = {
    {"an empty object", BYTES("{}"), REASON_OK},
    {"an empty array", BYTES("[]"), REASON_OK},
    {"true", BYTES("true"), REASON_OK},
    {"false", BYTES("false"), REASON_OK},
    {"null", BYTES("null"), REASON_OK},
    {"an empty string", BYTES("\"\""), REASON_OK},
    {"an empty name", BYTES("{\"\":1}"), REASON_OK},
    {"white space of all four kinds",
     BYTES(" \t\r\n{ \t\r\n\"a\" \t\r\n: \t\r\n[ \t\r\n1 "
           "\t\r\n, \t\r\n2 \t\r\n] \t\r\n} \t\r\n"),
     REASON_OK},
    {"nested values", BYTES("{\"a\":{\"b\":[{},[],null,true,-1.5e3,\"c\"]}}"), REASON_OK},

    {"nothing", BYTES(""), REASON_JSON_SYNTAX},
    {"white space alone", BYTES("  \n"), REASON_JSON_SYNTAX},
    {"a byte order mark", BYTES("\xef\xbb\xbf{}"), REASON_JSON_SYNTAX},
    {"UTF-16", BYTES("\xff\xfe{\0}\0"), REASON_JSON_SYNTAX},
    {"a trailing NUL", BYTES("{}\0"), REASON_JSON_SYNTAX},
    {"a NUL between tokens", BYTES("{\0}"), REASON_JSON_SYNTAX},
    {"a leading NUL", BYTES("\0{}"), REASON_JSON_SYNTAX},
    {"a trailing byte", BYTES("{}x"), REASON_JSON_SYNTAX},
    {"a second text", BYTES("{}{}"), REASON_JSON_SYNTAX},
    {"a trailing comma", BYTES("{},"), REASON_JSON_SYNTAX},
    {"a vertical tab as space", BYTES("{\v}"), REASON_JSON_SYNTAX},
    {"a form feed as space", BYTES("[1,\f2]"), REASON_JSON_SYNTAX},
    {"a no-break space",
     BYTES("[1,\xc2\xa0"
           "2]"),
     REASON_JSON_SYNTAX},
    {"a line comment", BYTES("{}//x"), REASON_JSON_SYNTAX},
    {"a block comment", BYTES("{/**/}"), REASON_JSON_SYNTAX},
    {"single quotes", BYTES("{'a':1}"), REASON_JSON_SYNTAX},
    {"a bare name", BYTES("{a:1}"), REASON_JSON_SYNTAX},
    {"a number as name", BYTES("{1:1}"), REASON_JSON_SYNTAX},
    {"null as name", BYTES("{null:1}"), REASON_JSON_SYNTAX},
    {"a name without value", BYTES("{\"a\"}"), REASON_JSON_SYNTAX},
    {"a colon without value", BYTES("{\"a\":}"), REASON_JSON_SYNTAX},
    {"no colon", BYTES("{\"a\" 1}"), REASON_JSON_SYNTAX},
    {"two colons", BYTES("{\"a\"::1}"), REASON_JSON_SYNTAX},
    {"an equals sign", BYTES("{\"a\"=1}"), REASON_JSON_SYNTAX},
    {"no comma between members", BYTES("{\"a\":1 \"b\":2}"), REASON_JSON_SYNTAX},
    {"no comma between elements", BYTES("[1 2]"), REASON_JSON_SYNTAX},
    {"a comma behind the last member", BYTES("{\"a\":1,}"), REASON_JSON_SYNTAX},
    {"a comma behind the last element", BYTES("[1,]"), REASON_JSON_SYNTAX},
    {"a comma before the first element", BYTES("[,1]"), REASON_JSON_SYNTAX},
    {"a comma alone", BYTES("{,}"), REASON_JSON_SYNTAX},
    {"two commas", BYTES("[1,,2]"), REASON_JSON_SYNTAX},
    {"an open object", BYTES("{"), REASON_JSON_SYNTAX},
    {"an open member", BYTES("{\"a\":1"), REASON_JSON_SYNTAX},
    {"an open array", BYTES("[1"), REASON_JSON_SYNTAX},
    {"an open string", BYTES("\"abc"), REASON_JSON_SYNTAX},
    {"an open name", BYTES("{\"a"), REASON_JSON_SYNTAX},
    {"a quote that is escaped", BYTES("\"abc\\\""), REASON_JSON_SYNTAX},
    {"an escape cut short", BYTES("\"\\u00"), REASON_JSON_SYNTAX},
    {"a closing brace for a bracket", BYTES("[1}"), REASON_JSON_SYNTAX},
    {"a closing bracket for a brace", BYTES("{\"a\":1]"), REASON_JSON_SYNTAX},
    {"one brace too many", BYTES("{}}"), REASON_JSON_SYNTAX},
    {"a brace alone", BYTES("}"), REASON_JSON_SYNTAX},
    {"True", BYTES("True"), REASON_JSON_SYNTAX},
    {"NULL", BYTES("NULL"), REASON_JSON_SYNTAX},
    {"tru", BYTES("tru"), REASON_JSON_SYNTAX},
    {"truee", BYTES("truee"), REASON_JSON_SYNTAX},
    {"undefined", BYTES("undefined"), REASON_JSON_SYNTAX},
};

START_TEST(reads_texts_by_the_grammar_alone)
{
    const json_value *value;

    ASSERT_REASON(parse_bytes(&value, texts[_i].text, texts[_i].len), texts[_i].reason,
                  texts[_i].story);
}
END_TEST

/* Contents of strings: the value they have, or why they have none. */
static const struct {
    const char *story;
    const char *text;
    size_t len;
    enum reason reason;
    const char *value;
} strings[] = {
    {"U+0020 and U+0021", BYTES(" !"), REASON_OK, " !"},
    {"U+007F", BYTES("\x7f"), REASON_OK, "\x7f"},
    {"U+0080", BYTES("\xc2\x80"), REASON_OK, "\xc2\x80"},
    {"U+07FF", BYTES("\xdf\xbf"), REASON_OK, "\xdf\xbf"},
    {"U+0800", BYTES("\xe0\xa0\x80"), REASON_OK, "\xe0\xa0\x80"},
    {"U+D7FF", BYTES("\xed\x9f\xbf"), REASON_OK, "\xed\x9f\xbf"},
    {"U+E000", BYTES("\xee\x80\x80"), REASON_OK, "\xee\x80\x80"},
    {"U+FFFD", BYTES("\xef\xbf\xbd"), REASON_OK, "\xef\xbf\xbd"},
    {"U+FFFF", BYTES("\xef\xbf\xbf"), REASON_OK, "\xef\xbf\xbf"},
    {"U+10000", BYTES("\xf0\x90\x80\x80"), REASON_OK, "\xf0\x90\x80\x80"},
    {"U+10FFFF", BYTES("\xf4\x8f\xbf\xbf"), REASON_OK, "\xf4\x8f\xbf\xbf"},
    {"a continuation byte alone", BYTES("\x80"), REASON_JSON_ENCODING, NULL},
    {"the last continuation byte alone", BYTES("a\xbf"), REASON_JSON_ENCODING, NULL},
    {"NUL overlong in two bytes", BYTES("\xc0\x80"), REASON_JSON_ENCODING, NULL},
    {"a quote overlong in two bytes", BYTES("\xc0\xa2"), REASON_JSON_ENCODING, NULL},
    {"U+007F overlong", BYTES("\xc1\xbf"), REASON_JSON_ENCODING, NULL},
    {"NUL overlong in three bytes", BYTES("\xe0\x80\x80"), REASON_JSON_ENCODING, NULL},
    {"U+07FF overlong", BYTES("\xe0\x9f\xbf"), REASON_JSON_ENCODING, NULL},
    {"NUL overlong in four bytes", BYTES("\xf0\x80\x80\x80"), REASON_JSON_ENCODING, NULL},
    {"U+FFFF overlong", BYTES("\xf0\x8f\xbf\xbf"), REASON_JSON_ENCODING, NULL},
    {"the first surrogate", BYTES("\xed\xa0\x80"), REASON_JSON_ENCODING, NULL},
    {"the last surrogate", BYTES("\xed\xbf\xbf"), REASON_JSON_ENCODING, NULL},
    {"a pair of surrogates (CESU-8)", BYTES("\xed\xa0\xbd\xed\xb8\x80"),
     REASON_JSON_ENCODING, NULL},
    {"U+110000", BYTES("\xf4\x90\x80\x80"), REASON_JSON_ENCODING, NULL},
    {"first byte F5", BYTES("\xf5\x80\x80\x80"), REASON_JSON_ENCODING, NULL},
    {"five bytes", BYTES("\xf8\x88\x80\x80\x80"), REASON_JSON_ENCODING, NULL},
    {"six bytes", BYTES("\xfc\x84\x80\x80\x80\x80"), REASON_JSON_ENCODING, NULL},
    {"FE", BYTES("\xfe"), REASON_JSON_ENCODING, NULL},
    {"FF", BYTES("\xff"), REASON_JSON_ENCODING, NULL},
    {"two bytes cut to one", BYTES("\xc3"), REASON_JSON_ENCODING, NULL},
    {"three bytes cut to two", BYTES("\xe2\x82"), REASON_JSON_ENCODING, NULL},
    {"four bytes cut to three", BYTES("\xf0\x9f\x98"), REASON_JSON_ENCODING, NULL},
    {"a letter for the second byte", BYTES("\xc3x"), REASON_JSON_ENCODING, NULL},
    {"a letter for the third byte", BYTES("\xe2\x82x"), REASON_JSON_ENCODING, NULL},
    {"a letter for the fourth byte", BYTES("\xf0\x9f\x98x"), REASON_JSON_ENCODING, NULL},
    {"Latin-1", BYTES("caf\xe9"), REASON_JSON_ENCODING, NULL},

    {"the short escapes", BYTES("\\\"\\\\\\/\\b\\f\\n\\r\\t"), REASON_OK,
     "\"\\/\b\f\n\r\t"},
    {"\\u0041", BYTES("\\u0041"), REASON_OK, "A"},
    {"\\u00e9", BYTES("\\u00e9\\u00E9"), REASON_OK, "\xc3\xa9\xc3\xa9"},
    {"\\u0001", BYTES("\\u0001"), REASON_OK, "\x01"},
    {"\\uffff", BYTES("\\uffff"), REASON_OK, "\xef\xbf\xbf"},
    {"\\ud7ff and \\ue000", BYTES("\\ud7ff\\ue000"), REASON_OK,
     "\xed\x9f\xbf\xee\x80\x80"},
    {"the first pair", BYTES("\\ud800\\udc00"), REASON_OK, "\xf0\x90\x80\x80"},
    {"a pair", BYTES("\\uD83D\\ude00"), REASON_OK, "\xf0\x9f\x98\x80"},
    {"the last pair", BYTES("\\udbff\\udfff"), REASON_OK, "\xf4\x8f\xbf\xbf"},
    {"\\u0000", BYTES("\\u0000"), REASON_JSON_ENCODING, NULL},
    {"\\u0000 within", BYTES("a\\u0000b"), REASON_JSON_ENCODING, NULL},
    {"a raw NUL", BYTES("a\0b"), REASON_JSON_ENCODING, NULL},
    {"a high surrogate alone", BYTES("\\ud800"), REASON_JSON_ENCODING, NULL},
    {"the last high surrogate alone", BYTES("\\udbff"), REASON_JSON_ENCODING, NULL},
    {"a low surrogate alone", BYTES("\\udc00"), REASON_JSON_ENCODING, NULL},
    {"the last low surrogate alone", BYTES("\\udfff"), REASON_JSON_ENCODING, NULL},
    {"a pair the wrong way round", BYTES("\\udc00\\ud800"), REASON_JSON_ENCODING, NULL},
    {"two high surrogates", BYTES("\\ud800\\ud800"), REASON_JSON_ENCODING, NULL},
    {"a high surrogate and a letter", BYTES("\\ud800x"), REASON_JSON_ENCODING, NULL},
    {"a high surrogate and \\u0041", BYTES("\\ud800\\u0041"), REASON_JSON_ENCODING, NULL},
    {"a high surrogate and \\ue000", BYTES("\\ud800\\ue000"), REASON_JSON_ENCODING, NULL},
    {"a high surrogate and \\udbff", BYTES("\\ud800\\udbff"), REASON_JSON_ENCODING, NULL},
    {"a high surrogate and \\n", BYTES("\\ud800\\n"), REASON_JSON_ENCODING, NULL},
    {"\\x41", BYTES("\\x41"), REASON_JSON_SYNTAX, NULL},
    {"\\'", BYTES("\\'"), REASON_JSON_SYNTAX, NULL},
    {"\\0", BYTES("\\0"), REASON_JSON_SYNTAX, NULL},
    {"\\a", BYTES("\\a"), REASON_JSON_SYNTAX, NULL},
    {"\\v", BYTES("\\v"), REASON_JSON_SYNTAX, NULL},
    {"\\N", BYTES("\\N"), REASON_JSON_SYNTAX, NULL},
    {"\\U0041", BYTES("\\U0041"), REASON_JSON_SYNTAX, NULL},
    {"a backslash before a NUL", BYTES("\\\0"), REASON_JSON_SYNTAX, NULL},
    {"a backslash before a line end", BYTES("\\\n"), REASON_JSON_SYNTAX, NULL},
    {"\\u", BYTES("\\u"), REASON_JSON_SYNTAX, NULL},
    {"\\u12", BYTES("\\u12"), REASON_JSON_SYNTAX, NULL},
    {"\\u123", BYTES("\\u123"), REASON_JSON_SYNTAX, NULL},
    {"\\u12g4", BYTES("\\u12g4"), REASON_JSON_SYNTAX, NULL},
    {"\\u+041", BYTES("\\u+041"), REASON_JSON_SYNTAX, NULL},
    {"\\u 041", BYTES("\\u 041"), REASON_JSON_SYNTAX, NULL},
};

/* As a value and as a name: two paths through the scan. */
START_TEST(reads_strings_and_names_alike)
{
    size_t len = strings[_i].len;
    char *value_text = apr_pcalloc(pool, len + 3);
    char *name_text = apr_pcalloc(pool, len + 7);
    const json_value *value;

    value_text[0] = value_text[len + 1] = '"';
    memcpy(value_text + 1, strings[_i].text, len);
    memcpy(name_text, "{\"", 2);
    memcpy(name_text + 2, strings[_i].text, len);
    memcpy(name_text + 2 + len, "\":1}", 4);

    ASSERT_REASON(parse_bytes(&value, value_text, len + 2), strings[_i].reason,
                  strings[_i].story);
    ck_assert_pstr_eq(json_string(value), strings[_i].value);
    ASSERT_REASON(parse_bytes(&value, name_text, len + 6), strings[_i].reason,
                  strings[_i].story);
    if (value != NULL) {
        ck_assert_str_eq(json_name(json_first(value)), strings[_i].value);
        ck_assert_ptr_nonnull(json_member(value, strings[_i].value));
    }
}
END_TEST

/* The scan looks ahead in escapes and sequences: never beyond the end. */
START_TEST(rejects_every_string_cut_short)
{
    size_t len = strings[_i].len;
    char *text = apr_pcalloc(pool, len + 3);
    const json_value *value;

    memcpy(text, "{\"", 2);
    memcpy(text + 2, strings[_i].text, len);
    for (size_t cut = 0; cut <= len + 2; cut++) {
        ck_assert_int_ne(parse_bytes(&value, text, cut), REASON_OK);
        if (cut > 0) {
            ck_assert_int_ne(parse_bytes(&value, text + 1, cut - 1), REASON_OK);
        }
    }
}
END_TEST

START_TEST(rejects_every_raw_control_byte_in_a_string)
{
    for (char c = 0; c < 0x20; c++) {
        char text[] = "\"a?b\"";
        const json_value *value;

        text[2] = c;
        ASSERT_REASON(parse_bytes(&value, text, 5), REASON_JSON_ENCODING,
                      "a control byte");
    }
}
END_TEST

/* By arithmetic rather than by the table of RFC 3629 that the code has. */
static unsigned encode(unsigned char out[4], unsigned code)
{
    unsigned len = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;

    for (unsigned i = len; i-- > 1; code >>= 6) {
        out[i] = (unsigned char)(0x80 | (code & 0x3f));
    }
    out[0] = (unsigned char)(len == 1 ? code : ((0xf00u >> len) & 0xff) | code);
    return len;
}

START_TEST(takes_every_code_point_but_the_surrogates_as_utf_8)
{
    for (unsigned code = 0; code < 0x120000; code++) {
        unsigned char bytes[4];
        unsigned len = encode(bytes, code);
        bool valid = code < 0xd800 || (code > 0xdfff && code < 0x110000);

        EXPECT(utf8_sequence(bytes, bytes + len) == (valid ? len : 0), "U+%04X", code);
        for (unsigned cut = 0; cut < len; cut++) {
            EXPECT(utf8_sequence(bytes, bytes + cut) == 0, "U+%04X cut to %u", code, cut);
        }
    }
}
END_TEST

/* What decodes must be the shortest form: count them all. */
START_TEST(takes_no_other_sequence_of_three_bytes_as_utf_8)
{
    unsigned ones = 0, twos = 0, threes = 0;

    for (unsigned n = 0; n < 0x1000000; n++) {
        unsigned char bytes[] = {(unsigned char)(n >> 16), (unsigned char)(n >> 8),
                                 (unsigned char)n};

        switch (utf8_sequence(bytes, bytes + 3)) {
        case 1:
            ones++;
            break;
        case 2:
            twos++;
            break;
        case 3:
            threes++;
            break;
        default:
            break;
        }
    }
    ck_assert_uint_eq(ones, 0x80 * 0x10000);
    ck_assert_uint_eq(twos, (0x800 - 0x80) * 0x100);
    ck_assert_uint_eq(threes, 0x10000 - 0x800 - 0x800);
}
END_TEST

START_TEST(takes_no_other_sequence_of_four_bytes_as_utf_8)
{
    static const unsigned char edges[] = {0x7f, 0x80, 0xbf, 0xc0};

    for (unsigned n = 0; n < 0x10000 * COUNT(edges) * COUNT(edges); n++) {
        unsigned char bytes[] = {(unsigned char)(n >> 8), (unsigned char)n,
                                 edges[(n >> 16) % COUNT(edges)],
                                 edges[(n >> 16) / COUNT(edges)]};
        unsigned code = (bytes[0] & 7u) << 18 | (bytes[1] & 0x3fu) << 12 |
                        (bytes[2] & 0x3fu) << 6 | (bytes[3] & 0x3fu);
        unsigned char same[4];
        bool valid = bytes[0] >= 0xf0 && code > 0xffff && code < 0x110000 &&
                     encode(same, code) == 4 && memcmp(same, bytes, 4) == 0;

        EXPECT((utf8_sequence(bytes, bytes + 4) == 4) == valid, "%02x%02x%02x%02x",
               bytes[0], bytes[1], bytes[2], bytes[3]);
    }
}
END_TEST

START_TEST(takes_the_digits_of_an_escape_and_nothing_else)
{
    for (int c = 0; c < 256; c++) {
        char text[] = "\"\\u00?1\"";
        const char digits[] = {(char)c, '1', '\0'};
        bool digit = c != 0 && strchr("0123456789abcdefABCDEF", c) != NULL;
        const json_value *value;
        unsigned char expected[5] = {0};
        enum reason reason;

        text[5] = (char)c;
        reason = parse_bytes(&value, text, sizeof(text) - 1);
        EXPECT(reason == (digit ? REASON_OK : REASON_JSON_SYNTAX), "byte %02x: %s",
               (unsigned)c, reason_name(reason));
        if (digit) {
            encode(expected, (unsigned)strtoul(digits, NULL, 16));
            ck_assert_str_eq(json_string(value), (const char *)expected);
        }
    }
}
END_TEST

/* Names are compared as what they mean: raw and escaped are one, and not their neighbour. */
START_TEST(unescapes_a_name_to_the_bytes_of_its_code_point)
{
    char text[64];

    for (unsigned code = 0x20; code < 0x10fffd; code += code < 0x1000 ? 1 : 509) {
        for (unsigned near = code; near <= code + 2; near++) {
            bool same = near == code;
            unsigned char raw[5] = {0};
            enum reason reason;

            if (strchr("\"\\", (int)code) != NULL || (code > 0xd7fd && code < 0xe000)) {
                continue;
            }
            encode(raw, code);
            if (near < 0x10000) {
                sprintf(text, "{\"x%sy\":1,\"x\\u%04xy\":2}", (char *)raw, near);
            }
            else {
                sprintf(text, "{\"x%sy\":1,\"x\\u%04x\\u%04Xy\":2}", (char *)raw,
                        0xd7c0 + (near >> 10), 0xdc00 | (near & 0x3ff));
            }
            reason = verdict(text);
            EXPECT(reason == (same ? REASON_JSON_DUPLICATE_NAME : REASON_OK), "%s: %s",
                   text, reason_name(reason));
        }
    }
}
END_TEST

/* cJSON keeps both and finds the first; other parsers find the last. */
static const struct {
    const char *text;
    enum reason reason;
} names[] = {
    {"{\"alg\":1,\"alg\":1}", REASON_JSON_DUPLICATE_NAME},
    {"{\"alg\":1,\"b\":2,\"alg\":3}", REASON_JSON_DUPLICATE_NAME},
    {"{\"alg\":1,\"\\u0061lg\":2}", REASON_JSON_DUPLICATE_NAME},
    {"{\"\\u0061lg\":1,\"alg\":2}", REASON_JSON_DUPLICATE_NAME},
    {"{\"\\u0061lg\":1,\"a\\u006Cg\":2}", REASON_JSON_DUPLICATE_NAME},
    {"{\"al\\u0067\":1,\"al\\u0067\":2}", REASON_JSON_DUPLICATE_NAME},
    {"{\"\":1,\"\":2}", REASON_JSON_DUPLICATE_NAME},
    /* Where the name ends, which says how much memory it needs. */
    {"{\"\\u0061!\\\"bcdefghi\":1,\"a!\\\"bcdefghi\":2}", REASON_JSON_DUPLICATE_NAME},
    {"{\"\\u0061#\\\"bcdefghi\":1,\"a#\\\"bcdefghi\":2}", REASON_JSON_DUPLICATE_NAME},
    {"{\"\\\"\\u0061bcdefghi!\":1,\"\\\"abcdefghi!\":2}", REASON_JSON_DUPLICATE_NAME},
    {"{\"\xf0\x90\x80\x80\":1,\"\\ud800\\udc00\":2}", REASON_JSON_DUPLICATE_NAME},
    {"{\"\xef\xbf\xbf\":1,\"\\uffff\":2}", REASON_JSON_DUPLICATE_NAME},
    {"{\"a/b\":1,\"a\\/b\":2}", REASON_JSON_DUPLICATE_NAME},
    {"{\"\\n\":1,\"\\u000a\":2}", REASON_JSON_DUPLICATE_NAME},
    {"{\"\\\\\":1,\"\\u005c\":2}", REASON_JSON_DUPLICATE_NAME},
    {"{\"\\\"\":1,\"\\u0022\":2}", REASON_JSON_DUPLICATE_NAME},
    {"{\"\xc3\xa9\":1,\"\\u00e9\":2}", REASON_JSON_DUPLICATE_NAME},
    {"{\"\xe2\x82\xac\":1,\"\\u20AC\":2}", REASON_JSON_DUPLICATE_NAME},
    {"{\"\xf0\x9f\x98\x80\":1,\"\\ud83d\\ude00\":2}", REASON_JSON_DUPLICATE_NAME},
    {"{\"a\":{\"b\":1,\"b\":2}}", REASON_JSON_DUPLICATE_NAME},
    {"[[{\"b\":1,\"b\":2}]]", REASON_JSON_DUPLICATE_NAME},
    {"{\"a\":1,\"b\":{\"c\":1},\"a\":2}", REASON_JSON_DUPLICATE_NAME},
    {"{\"alg\":1,\"ALG\":2,\"Alg\":3}", REASON_OK},
    {"{\"alg\":1,\"al\":2,\"algo\":3,\"\":4}", REASON_OK},
    {"{\"a\":{\"a\":{\"a\":1}}}", REASON_OK},
    {"[{\"a\":1},{\"a\":1}]", REASON_OK},
    {"{\"a\":\"a\",\"b\":\"a\"}", REASON_OK},
    {"{\"\xc3\xa9\":1,\"e\\u0301\":2}", REASON_OK}, /* the same to the eye only */
    {"{\"alg\":1,\"\\\\u0061lg\":2}", REASON_OK},   /* an escaped backslash */
};

START_TEST(rejects_a_name_used_twice_however_it_is_written)
{
    ASSERT_REASON(verdict(names[_i].text), names[_i].reason, names[_i].text);
}
END_TEST

static const char *nested(const char *open, const char *close, size_t depth)
{
    return apr_pstrcat(pool, repeated(open, depth - 1), "[]", repeated(close, depth - 1),
                       NULL);
}

START_TEST(takes_16_levels_and_no_more)
{
    ASSERT_REASON(verdict(nested("[", "]", 16)), REASON_OK, "16 arrays");
    ASSERT_REASON(verdict(nested("[", "]", 17)), REASON_JSON_TOO_LARGE, "17 arrays");
    ASSERT_REASON(verdict(nested("{\"a\":", "}", 16)), REASON_OK, "16 objects");
    ASSERT_REASON(verdict(nested("{\"a\":", "}", 17)), REASON_JSON_TOO_LARGE,
                  "17 objects");
    ASSERT_REASON(verdict(apr_pstrcat(pool, "[", repeated("[[]],", 100), "[]]", NULL)),
                  REASON_OK, "the same depth many times");
}
END_TEST

static const char *members(unsigned count)
{
    char *text = apr_palloc(pool, count * 12 + 3);
    char *p = text;

    *p++ = '{';
    for (unsigned i = 0; i < count; i++) {
        p += sprintf(p, "%s\"m%u\":0", i > 0 ? "," : "", i);
    }
    memcpy(p, "}", 2);
    return text;
}

START_TEST(takes_256_members_and_no_more)
{
    const char *full = members(256);

    ck_assert_uint_eq(json_size(parsed(full)), 256);
    ASSERT_REASON(verdict(members(257)), REASON_JSON_TOO_LARGE, "257 members");
    ASSERT_REASON(verdict(apr_psprintf(pool, "[%s,%s]", full, full)), REASON_OK,
                  "256 in each of two objects");
}
END_TEST

/* The limits count containers and the top level too. */
START_TEST(takes_4096_values_and_no_more)
{
    const char *full = apr_psprintf(pool, "[0%s]", repeated(",0", 4094));
    const char *over = apr_psprintf(pool, "[0%s]", repeated(",0", 4095));

    ck_assert_uint_eq(json_size(parsed(full)), 4095);
    ASSERT_REASON(verdict(over), REASON_JSON_TOO_LARGE, "4097 values");
    over = apr_psprintf(pool, "[[]%s]", repeated(",{}", 4095));
    ASSERT_REASON(verdict(over), REASON_JSON_TOO_LARGE, "4097 containers");
}
END_TEST

struct reading {
    const char *text;
    enum reason reason;
};

static void *read_text(void *data)
{
    struct reading *reading = data;

    reading->reason = verdict(reading->text);
    return NULL;
}

/* D13: neither the scan nor cJSON may run out of stack; threads of httpd have more. */
#define SMALL_STACK (64 * 1024)

static enum reason verdict_on_a_small_stack(const char *text)
{
    struct reading reading = {.text = text};
    pthread_attr_t attr;
    pthread_t thread;

    ck_assert_int_eq(pthread_attr_init(&attr), 0);
    ck_assert_int_eq(pthread_attr_setstacksize(&attr, SMALL_STACK), 0);
    ck_assert_int_eq(pthread_create(&thread, &attr, read_text, &reading), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    pthread_attr_destroy(&attr);
    return reading.reason;
}

START_TEST(rejects_100000_levels_with_a_small_stack)
{
    const struct {
        const char *story;
        const char *text;
        enum reason reason;
    } rows[] = {
        {"16 arrays", nested("[", "]", 16), REASON_OK},
        {"16 objects", nested("{\"a\":", "}", 16), REASON_OK},
        {"17 arrays", nested("[", "]", 17), REASON_JSON_TOO_LARGE},
        {"100000 arrays", nested("[", "]", 100000), REASON_JSON_TOO_LARGE},
        {"100000 objects", nested("{\"a\":", "}", 100000), REASON_JSON_TOO_LARGE},
        {"100000 brackets", repeated("[", 100000), REASON_JSON_TOO_LARGE},
        {"100000 of both", repeated("[{\"a\":", 50000), REASON_JSON_TOO_LARGE},
        {"257 members", members(257), REASON_JSON_TOO_LARGE},
        {"4096 values", apr_psprintf(pool, "[0%s]", repeated(",0", 4094)), REASON_OK},
        {"4097 values", apr_psprintf(pool, "[0%s]", repeated(",0", 4095)),
         REASON_JSON_TOO_LARGE},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        ASSERT_REASON(verdict_on_a_small_stack(rows[i].text), rows[i].reason,
                      rows[i].story);
    }
}
END_TEST

START_TEST(obeys_the_limits_of_its_caller)
{
    const struct json_limits few = {.depth = 2, .members = 1, .values = 3};
    const json_value *value;

    ASSERT_REASON(json_parse(&value, BYTES("[[1]]"), &few, pool), REASON_OK, "depth 2");
    ASSERT_REASON(json_parse(&value, BYTES("[[[]]]"), &few, pool), REASON_JSON_TOO_LARGE,
                  "depth 3");
    ASSERT_REASON(json_parse(&value, BYTES("{\"a\":1}"), &few, pool), REASON_OK,
                  "1 member");
    ASSERT_REASON(json_parse(&value, BYTES("{\"a\":1,\"b\":2}"), &few, pool),
                  REASON_JSON_TOO_LARGE, "2 members");
    ASSERT_REASON(json_parse(&value, BYTES("[1,2]"), &few, pool), REASON_OK, "3 values");
    ASSERT_REASON(json_parse(&value, BYTES("[1,2,3]"), &few, pool), REASON_JSON_TOO_LARGE,
                  "4 values");
}
END_TEST

START_TEST(a_caller_cannot_ask_for_an_endless_depth)
{
    struct json_limits deep = {.depth = JSON_DEPTH_MAX, .members = 1, .values = 100};
    const json_value *value;

    ASSERT_REASON(json_parse(&value, BYTES("{}"), &deep, pool), REASON_OK, "the deepest");
    deep.depth++;
    ASSERT_REASON(json_parse(&value, BYTES("{}"), &deep, pool), REASON_INTERNAL_ERROR,
                  "one deeper");
}
END_TEST

static const struct {
    const char *text;
    bool is_time;
    double seconds;
} times[] = {
    {"0", true, 0},
    {"1", true, 1},
    {"1700000000", true, 1700000000},
    {"1700000000.25", true, 1700000000.25},
    {"1.7e9", true, 1700000000},
    {"2147483648", true, 2147483648.0},
    {"4294967296", true, 4294967296.0},
    {"9007199254740991", true, 9007199254740991.0},
    {"9007199254740992", true, 9007199254740992.0}, /* 2^53 */
    {"9007199254740993", false, 0},                 /* its double is 2^53 */
    {"9007199254740994", false, 0},
    {"1e16", false, 0},
    {"1e308", false, 0},
    {"-1", false, 0},
    {"-0.5", false, 0},
    {"-9007199254740992", false, 0},
    {"\"1700000000\"", false, 0},
    {"null", false, 0},
    {"true", false, 0},
    {"[]", false, 0},
    {"[1700000000]", false, 0},
    {"{}", false, 0},
};

START_TEST(a_time_is_a_number_from_0_to_2_to_the_53)
{
    double seconds = -1;

    ck_assert_msg(json_time(&seconds, parsed(times[_i].text)) == times[_i].is_time, "%s",
                  times[_i].text);
    if (times[_i].is_time) {
        ck_assert_double_eq(seconds, times[_i].seconds);
    }
}
END_TEST

START_TEST(nothing_is_no_value_of_any_type)
{
    double seconds;
    bool out;

    ck_assert(!json_time(&seconds, NULL));
    ck_assert(!json_bool(&out, NULL));
    ck_assert(!json_is_object(NULL));
    ck_assert(!json_is_array(NULL));
    ck_assert_ptr_null(json_string(NULL));
    ck_assert_ptr_null(json_member(NULL, "a"));
    ck_assert_ptr_null(json_first(NULL));
    ck_assert_uint_eq(json_size(NULL), 0);
}
END_TEST

START_TEST(finds_a_member_by_its_exact_name)
{
    const json_value *object = parsed("{\"Exp\":1,\"exp\":\"right\",\"EXP\":2}");

    ck_assert_str_eq(json_string(json_member(object, "exp")), "right");
    ck_assert_ptr_null(json_member(object, "eXp"));
    ck_assert_ptr_null(json_member(object, "ex"));
    ck_assert_ptr_null(json_member(object, "exp "));
    ck_assert_ptr_null(json_member(object, ""));
    ck_assert_ptr_null(json_member(parsed("[\"exp\"]"), "exp"));
    ck_assert_ptr_null(json_member(parsed("[{\"exp\":1}]"), "exp"));
    ck_assert_ptr_null(json_member(parsed("\"exp\""), "exp"));
}
END_TEST

START_TEST(tells_the_types_apart)
{
    static const char *const values[] = {"{}",    "[]", "\"\"", "true",
                                         "false", "0",  "null"};

    for (int i = 0; i < (int)COUNT(values); i++) {
        const json_value *value = parsed(values[i]);
        bool out = i == 4;

        ck_assert(json_is_object(value) == (i == 0));
        ck_assert(json_is_array(value) == (i == 1));
        ck_assert((json_string(value) != NULL) == (i == 2));
        ck_assert(json_bool(&out, value) == (i == 3 || i == 4));
        ck_assert(out == (i == 3));
    }
}
END_TEST

START_TEST(finds_a_control_character_of_c0_del_or_c1)
{
    for (unsigned code = 1; code < 0x3000; code++) {
        unsigned char string[] = "ab\0\0\0\0";
        bool control = code < 0x20 || (code >= 0x7f && code < 0xa0);

        encode(string + 2, code);
        EXPECT(json_has_control((char *)string) == control, "U+%04X last", code);
        EXPECT(json_has_control((char *)string + 2) == control, "U+%04X alone", code);
    }
    ck_assert(!json_has_control(""));
}
END_TEST

START_TEST(walks_elements_and_members_in_order)
{
    const json_value *array = parsed("[\"a\",\"b\",\"c\"]");
    const json_value *object = parsed("{\"a\":\"1\",\"b\":\"2\"}");
    const json_value *value = json_first(array);

    ck_assert_uint_eq(json_size(array), 3);
    ck_assert_str_eq(json_string(value), "a");
    ck_assert_ptr_null(json_name(value));
    value = json_next(json_next(value));
    ck_assert_str_eq(json_string(value), "c");
    ck_assert_ptr_null(json_next(value));

    value = json_next(json_first(object));
    ck_assert_uint_eq(json_size(object), 2);
    ck_assert_str_eq(json_name(value), "b");
    ck_assert_str_eq(json_string(value), "2");

    ck_assert_ptr_null(json_first(parsed("[]")));
    ck_assert_ptr_null(json_first(parsed("{}")));
    ck_assert_ptr_null(json_first(parsed("\"abc\"")));
    ck_assert_uint_eq(json_size(parsed("\"abc\"")), 0);
}
END_TEST

/* D16: a client's number is passed on as it is, or not at all. */
static const struct {
    const char *text;
    const char *written;
} written[] = {
    {" { \"a\" : [ 1 , true , null , \"x\" ] } ", "{\"a\":[1,true,null,\"x\"]}"},
    {"\"a\\u0022\\n\\u00e9\"", "\"a\\\"\\n\xc3\xa9\""},
    {"1700000000", "1700000000"},
    {"-1", "-1"},
    {"0.5", "0.5"},
    {"9007199254740991", "9007199254740991"},
    {"9007199254740992", "9007199254740992"},
    {"-9007199254740991", "-9007199254740991"},
    {"5000000000000001", "5000000000000001"},
    {"1234567890123456", "1234567890123456"},
    {"{\"id\":9007199254740991}", "{\"id\":9007199254740991}"},
};

START_TEST(writes_a_value_as_text)
{
    ck_assert_str_eq(json_text(parsed(written[_i].text), pool), written[_i].written);
}
END_TEST

static const char *const too_precise[] = {"9007199254740993", "-9007199254740993",
                                          "12345678901234567891", "[9007199254740993]"};

START_TEST(never_writes_an_integer_above_2_to_the_53_as_another)
{
    const char *text = json_text(parsed(too_precise[_i]), pool);

    ck_assert_msg(text == NULL || strcmp(text, too_precise[_i]) == 0, "%s became %s",
                  too_precise[_i], text != NULL ? text : "");
}
END_TEST

static const struct {
    const char *string;
    const char *quoted;
} quotes[] = {
    {"", "\"\""},
    {"abc", "\"abc\""},
    {"\"\\/", "\"\\\"\\\\/\""},
    {"<a href='b'>&", "\"<a href='b'>&\""},
    {"\x01\x1f\x7f", "\"\\u0001\\u001f\\u007f\""},
    {"\b\f\n\r\t", "\"\\u0008\\u000c\\u000a\\u000d\\u0009\""},
    {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\""},
    {"\xff", NULL},
    {"abc\xc3", NULL},
    {"\xed\xa0\x80", NULL},
    {"\xc0\x80", NULL},
};

START_TEST(quotes_a_string_so_that_it_comes_back)
{
    const char *string = exact(quotes[_i].string, strlen(quotes[_i].string) + 1);
    const char *quoted = json_quote(string, pool);

    ck_assert_pstr_eq(quoted, quotes[_i].quoted);
    if (quoted != NULL) {
        ck_assert_str_eq(json_string(parsed(quoted)), string);
    }
}
END_TEST

START_TEST(quotes_a_string_of_control_bytes_alone)
{
    const char *quoted = json_quote(repeated("\x01", 1000), pool);

    ck_assert_uint_eq(strlen(quoted), 6002);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("json");
    TCase *tcase = support_tcase(suite, "grammar");

    ADD_TABLE(tcase, reads_numbers_by_the_grammar_alone, numbers);
    tcase_add_test(tcase, a_number_may_have_63_characters);
    ADD_TABLE(tcase, reads_texts_by_the_grammar_alone, texts);
    ADD_TABLE(tcase, reads_strings_and_names_alike, strings);
    ADD_TABLE(tcase, rejects_every_string_cut_short, strings);
    tcase_add_test(tcase, rejects_every_raw_control_byte_in_a_string);
    tcase_add_test(tcase, takes_every_code_point_but_the_surrogates_as_utf_8);
    tcase_add_test(tcase, takes_no_other_sequence_of_three_bytes_as_utf_8);
    tcase_add_test(tcase, takes_no_other_sequence_of_four_bytes_as_utf_8);
    tcase_add_test(tcase, takes_the_digits_of_an_escape_and_nothing_else);
    ADD_TABLE(tcase, rejects_a_name_used_twice_however_it_is_written, names);
    tcase_add_test(tcase, unescapes_a_name_to_the_bytes_of_its_code_point);

    tcase = support_tcase(suite, "limits");
    tcase_add_test(tcase, takes_16_levels_and_no_more);
    tcase_add_test(tcase, takes_256_members_and_no_more);
    tcase_add_test(tcase, takes_4096_values_and_no_more);
    tcase_add_test(tcase, rejects_100000_levels_with_a_small_stack);
    tcase_add_test(tcase, obeys_the_limits_of_its_caller);
    tcase_add_test(tcase, a_caller_cannot_ask_for_an_endless_depth);

    tcase = support_tcase(suite, "values");
    ADD_TABLE(tcase, a_time_is_a_number_from_0_to_2_to_the_53, times);
    tcase_add_test(tcase, nothing_is_no_value_of_any_type);
    tcase_add_test(tcase, finds_a_member_by_its_exact_name);
    tcase_add_test(tcase, tells_the_types_apart);
    tcase_add_test(tcase, finds_a_control_character_of_c0_del_or_c1);
    tcase_add_test(tcase, walks_elements_and_members_in_order);
    ADD_TABLE(tcase, writes_a_value_as_text, written);
    ADD_TABLE(tcase, never_writes_an_integer_above_2_to_the_53_as_another, too_precise);
    ADD_TABLE(tcase, quotes_a_string_so_that_it_comes_back, quotes);
    tcase_add_test(tcase, quotes_a_string_of_control_bytes_alone);
    return support_run(suite);
}
