#include "token/bearer.h"

#include <apr_strings.h>
#include <string.h>

#include "support.h"

static const struct {
    const char *value;
    enum reason reason;
    const char *token;
} fields[] = {
    /* R3: the scheme in any case, as many spaces as one likes. */
    {"Bearer abc", REASON_OK, "abc"},
    {"bearer abc", REASON_OK, "abc"},
    {"BEARER abc", REASON_OK, "abc"},
    {"bEaReR abc", REASON_OK, "abc"},
    {"Bearer      abc", REASON_OK, "abc"},
    {"Bearer abc   ", REASON_OK, "abc"},
    {"Bearer   abc   ", REASON_OK, "abc"},
    {"Bearer a", REASON_OK, "a"},
    {"Bearer Bearer", REASON_OK, "Bearer"},
    /* What is no token but could be one is the verifier's to refuse. */
    {"Bearer a.b.c", REASON_OK, "a.b.c"},
    {"Bearer ....", REASON_OK, "...."},
    {"Bearer a=b&c;d", REASON_OK, "a=b&c;d"},
    {"Bearer {a:'b'}", REASON_OK, "{a:'b'}"},
    {"Bearer null", REASON_OK, "null"},

    /* R1: nothing, or another scheme whatever follows it. */
    {NULL, REASON_NO_CREDENTIALS, NULL},
    {"", REASON_NO_CREDENTIALS, NULL},
    {" ", REASON_NO_CREDENTIALS, NULL},
    {"Basic dXNlcjpwYXNz", REASON_NO_CREDENTIALS, NULL},
    {"Digest username=\"a\", realm=\"b\"", REASON_NO_CREDENTIALS, NULL},
    {"DPoP a.b.c", REASON_NO_CREDENTIALS, NULL},
    {"Basic", REASON_NO_CREDENTIALS, NULL},
    {"Basic a\x01\xff b", REASON_NO_CREDENTIALS, NULL},
    {"Beare abc", REASON_NO_CREDENTIALS, NULL},
    {"Bearerr abc", REASON_NO_CREDENTIALS, NULL},
    {"Bearer2 abc", REASON_NO_CREDENTIALS, NULL},
    {"Bearer-abc", REASON_NO_CREDENTIALS, NULL},
    {"Bearer.abc", REASON_NO_CREDENTIALS, NULL},
    {"XBearer abc", REASON_NO_CREDENTIALS, NULL},
    {"JWT a.b.c", REASON_NO_CREDENTIALS, NULL},
    {"a.b.c", REASON_NO_CREDENTIALS, NULL},
    {"Basic Bearer abc", REASON_NO_CREDENTIALS, NULL},
    {"=Bearer abc", REASON_NO_CREDENTIALS, NULL},

    /* R2: the scheme, and then what no token can look like. */
    {"Bearer", REASON_AUTHORIZATION_MALFORMED, NULL},
    {"Bearer ", REASON_AUTHORIZATION_MALFORMED, NULL},
    {"Bearer     ", REASON_AUTHORIZATION_MALFORMED, NULL},
    {"bearer", REASON_AUTHORIZATION_MALFORMED, NULL},
    {"Bearer a b", REASON_AUTHORIZATION_MALFORMED, NULL},
    {"Bearer  a  b ", REASON_AUTHORIZATION_MALFORMED, NULL},
    {"Bearer\tabc", REASON_AUTHORIZATION_MALFORMED, NULL},
    {"Bearer \tabc", REASON_AUTHORIZATION_MALFORMED, NULL},
    {"Bearer a\tb", REASON_AUTHORIZATION_MALFORMED, NULL},
    {"Bearer abc\t", REASON_AUTHORIZATION_MALFORMED, NULL},
    {"Bearer \"abc\"", REASON_AUTHORIZATION_MALFORMED, NULL},
    {"Bearer a,b", REASON_AUTHORIZATION_MALFORMED, NULL},
    {"Bearer ,", REASON_AUTHORIZATION_MALFORMED, NULL},
    {"Bearer,abc", REASON_AUTHORIZATION_MALFORMED, NULL},
    {"Bearer:abc", REASON_AUTHORIZATION_MALFORMED, NULL},
    {"Bearer=abc", REASON_AUTHORIZATION_MALFORMED, NULL},
    {"Bearer\xc2\xa0"
     "abc",
     REASON_AUTHORIZATION_MALFORMED, NULL},
    {"Bearer ab\xc3\xa9", REASON_AUTHORIZATION_MALFORMED, NULL},
    {"Bearer a\r\nX-Evil: 1", REASON_AUTHORIZATION_MALFORMED, NULL},
    /* Two header fields look like this once httpd has joined them. */
    {"Bearer a.b.c, Bearer d.e.f", REASON_AUTHORIZATION_MALFORMED, NULL},
    {"Bearer a.b.c, Basic dXNlcjpwYXNz", REASON_AUTHORIZATION_MALFORMED, NULL},
    /* A2: the JSON serialization of a JWS. */
    {"Bearer {\"payload\":\"e30\",\"signature\":\"AA\"}", REASON_AUTHORIZATION_MALFORMED,
     NULL},
};

START_TEST(finds_the_token_or_says_why_there_is_none)
{
    const char *value = fields[_i].value;
    const char *token = "left over";
    size_t len = 99;

    if (value != NULL) {
        value = exact(value, strlen(value) + 1);
    }
    ASSERT_REASON(bearer_token(&token, &len, value), fields[_i].reason,
                  value != NULL ? value : "(no field)");
    if (fields[_i].token == NULL) {
        ck_assert_ptr_null(token);
        ck_assert_uint_eq(len, 0);
    }
    else {
        ck_assert_uint_eq(len, strlen(fields[_i].token));
        ck_assert_mem_eq(token, fields[_i].token, len);
        ck_assert(token > value && token < value + strlen(value));
    }
}
END_TEST

START_TEST(takes_every_printable_byte_but_quote_and_comma)
{
    for (int c = 1; c < 256; c++) {
        bool printable = c > 0x20 && c < 0x7f && c != '"' && c != ',';
        char value[] = "Bearer a?c";
        const char *token;
        size_t len;

        value[8] = (char)c;
        ASSERT_REASON(bearer_token(&token, &len, value),
                      printable ? REASON_OK : REASON_AUTHORIZATION_MALFORMED,
                      apr_psprintf(pool, "byte %02x", (unsigned)c));
    }
}
END_TEST

/* RFC 9110 5.6.2: "Bearer" and one more of these is the name of another scheme. */
START_TEST(ends_the_scheme_at_the_first_byte_that_no_name_has)
{
    static const char name_bytes[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
        "0123456789!#$%&'*+-.^_`|~";

    for (int c = 1; c < 256; c++) {
        bool of_a_name = strchr(name_bytes, c) != NULL;
        char value[] = "Bearer? abc";
        const char *token;
        size_t len;

        value[6] = (char)c;
        ASSERT_REASON(bearer_token(&token, &len, value),
                      c == ' '    ? REASON_OK
                      : of_a_name ? REASON_NO_CREDENTIALS
                                  : REASON_AUTHORIZATION_MALFORMED,
                      apr_psprintf(pool, "byte %02x", (unsigned)c));
    }
}
END_TEST

START_TEST(takes_a_token_of_any_length)
{
    const char *value = apr_pstrcat(pool, "Bearer ", repeated("x", 100000), NULL);
    const char *token;
    size_t len;

    ASSERT_REASON(bearer_token(&token, &len, value), REASON_OK, "100000 bytes");
    ck_assert_uint_eq(len, 100000);
}
END_TEST

START_TEST(tells_what_could_be_a_token_elsewhere)
{
    ck_assert(bearer_is_token("a.b-c_d", 7));
    ck_assert(bearer_is_token("a b", 1));
    ck_assert(!bearer_is_token("a b", 3));
    ck_assert(!bearer_is_token("", 0));
    ck_assert(!bearer_is_token("a", 0));
    ck_assert(!bearer_is_token("a\0b", 3));
    ck_assert(!bearer_is_token("a,", 2));
}
END_TEST

/* It looks at many bytes at a time: none may be left out. */
START_TEST(sees_a_byte_of_no_token_at_every_place_of_every_length)
{
    char text[70];

    memset(text, 'a', sizeof(text));
    for (size_t len = 1; len <= sizeof(text); len++) {
        ck_assert(bearer_is_token(text, len));
        for (size_t at = 0; at < len; at++) {
            for (int c = 0; c < 256; c++) {
                bool none = c <= 0x20 || c >= 0x7f || c == '"' || c == ',';

                text[at] = (char)c;
                EXPECT(bearer_is_token(text, len) == !none, "byte %02x at %d of %d",
                       (unsigned)c, (int)at, (int)len);
            }
            text[at] = 'a';
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bearer");
    TCase *tcase = support_tcase(suite, "Authorization");

    ADD_TABLE(tcase, finds_the_token_or_says_why_there_is_none, fields);
    tcase_add_test(tcase, takes_every_printable_byte_but_quote_and_comma);
    tcase_add_test(tcase, ends_the_scheme_at_the_first_byte_that_no_name_has);
    tcase_add_test(tcase, takes_a_token_of_any_length);
    tcase_add_test(tcase, tells_what_could_be_a_token_elsewhere);
    tcase_add_test(tcase, sees_a_byte_of_no_token_at_every_place_of_every_length);
    return support_run(suite);
}
