#include "token/base64url.h"

#include <stdlib.h>
#include <string.h>

#include "support.h"

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static bool in_alphabet(int c)
{
    return c != '\0' && strchr(alphabet, c) != NULL;
}

static unsigned value_of(int c)
{
    return (unsigned)(strchr(alphabet, c) - alphabet);
}

/* Decode with exactly the room that the header asks for, on the heap. */
static bool decodes(const char *in, size_t len)
{
    unsigned char *out = malloc(BASE64URL_DECODED_MAX(len));
    const char *copy = exact(in, len);
    size_t outlen = 99;
    char *again = malloc(BASE64URL_ENCODED_LENGTH(BASE64URL_DECODED_MAX(len)) + 1);
    bool valid = base64url_decode(out, &outlen, copy, len);

    if (valid) {
        base64url_encode(again, out, outlen);
        ck_assert_uint_eq(strlen(again), len);
        ck_assert_mem_eq(again, in, len);
    }
    else {
        ck_assert_uint_eq(outlen, 0);
    }
    free(again);
    free(out);
    return valid;
}

/* RFC 4648 section 10, without its padding. */
static const struct {
    const char *text;
    const char *encoded;
} known[] = {
    {"", ""},
    {"f", "Zg"},
    {"fo", "Zm8"},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg"},
    {"fooba", "Zm9vYmE"},
    {"foobar", "Zm9vYmFy"},
    {"\xfb\xff\xbf", "-_-_"},
};

START_TEST(encodes_and_decodes_the_values_of_rfc_4648)
{
    const char *text = known[_i].text;
    const char *encoded = known[_i].encoded;
    unsigned char bytes[16];
    char out[16];
    size_t len;

    base64url_encode(out, (const unsigned char *)text, strlen(text));
    ck_assert_str_eq(out, encoded);
    ck_assert(base64url_decode(bytes, &len, encoded, strlen(encoded)));
    ck_assert_uint_eq(len, strlen(text));
    ck_assert_mem_eq(bytes, text, len);
}
END_TEST

START_TEST(every_length_comes_back_as_it_went)
{
    unsigned char in[300];
    unsigned char out[BASE64URL_DECODED_MAX(BASE64URL_ENCODED_LENGTH(sizeof(in)))];
    char text[BASE64URL_ENCODED_LENGTH(sizeof(in)) + 1];
    size_t outlen;

    for (size_t i = 0; i < sizeof(in); i++) {
        in[i] = (unsigned char)(i * 167 + 13);
    }
    for (size_t len = 0; len <= sizeof(in); len++) {
        base64url_encode(text, in, len);
        ck_assert_uint_eq(strlen(text), BASE64URL_ENCODED_LENGTH(len));
        ck_assert_uint_le(len, BASE64URL_DECODED_MAX(strlen(text)));
        ck_assert(base64url_decode(out, &outlen, text, strlen(text)));
        ck_assert_uint_eq(outlen, len);
        ck_assert(len == 0 || memcmp(in, out, len) == 0);
    }
}
END_TEST

/* One value, one text: else a token could be altered without its signature noticing. */
START_TEST(rejects_unused_bits_that_are_not_zero_in_any_two_characters)
{
    for (int a = 0; a < 256; a++) {
        for (int b = 0; b < 256; b++) {
            const char text[] = {(char)a, (char)b};
            bool expected = in_alphabet(a) && in_alphabet(b) && value_of(b) % 16 == 0;

            ck_assert_msg(decodes(text, 2) == expected, "%02x %02x", (unsigned)a,
                          (unsigned)b);
        }
        apr_pool_clear(pool);
    }
}
END_TEST

START_TEST(rejects_unused_bits_that_are_not_zero_after_any_two_bytes)
{
    for (size_t i = 0; i < strlen(alphabet); i++) {
        char last = alphabet[i];

        for (size_t j = 0; j < strlen(alphabet); j++) {
            const char three[] = {'A', alphabet[j], last};
            const char seven[] = {'Z', 'm', '9', 'v', 'b', alphabet[j], last};

            ck_assert_msg(decodes(three, 3) == (i % 4 == 0), "%.3s", three);
            ck_assert_msg(decodes(seven, 7) == (i % 4 == 0), "%.7s", seven);
        }
    }
}
END_TEST

START_TEST(accepts_the_alphabet_alone_in_every_place)
{
    for (size_t place = 0; place < 8; place++) {
        for (int c = 0; c < 256; c++) {
            char text[] = "Zm9vYmFy";

            text[place] = (char)c;
            ck_assert_msg(decodes(text, 8) == in_alphabet(c), "%02x at %u", (unsigned)c,
                          (unsigned)place);
        }
    }
}
END_TEST

START_TEST(rejects_every_length_of_one_too_many)
{
    for (size_t len = 0; len < 200; len++) {
        ck_assert_msg(decodes(repeated("A", len), len) == (len % 4 != 1), "%u characters",
                      (unsigned)len);
    }
}
END_TEST

static const struct {
    const char *story;
    const char *text;
    size_t len;
} broken[] = {
    {"padding of one", BYTES("Zm8=")},
    {"padding of two", BYTES("Zg==")},
    {"padding after a whole group", BYTES("Zm9v====")},
    {"padding alone", BYTES("====")},
    {"padding within", BYTES("Zg==Zm9v")},
    {"the other alphabet's plus", BYTES("+m9v")},
    {"the other alphabet's slash", BYTES("Zm9/")},
    {"a leading space", BYTES(" Zm9v")},
    {"a trailing space", BYTES("Zm9v ")},
    {"spaces to a whole group", BYTES("Zm9v    ")},
    {"a line end", BYTES("Zm9v\nZm9v")},
    {"CR LF", BYTES("Zm9v\r\n")},
    {"a trailing NUL", BYTES("Zm9\0")},
    {"NULs alone", BYTES("\0\0\0\0")},
    {"a percent escape", BYTES("Zm9v%3D")},
    {"UTF-8", BYTES("Zm9v\xc3\xa9")},
};

START_TEST(rejects_what_the_encoder_would_not_write)
{
    ck_assert_msg(!decodes(broken[_i].text, broken[_i].len), "%s", broken[_i].story);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base64url");
    TCase *tcase = support_tcase(suite, "base64url");

    ADD_TABLE(tcase, encodes_and_decodes_the_values_of_rfc_4648, known);
    tcase_add_test(tcase, every_length_comes_back_as_it_went);
    tcase_add_test(tcase, rejects_unused_bits_that_are_not_zero_in_any_two_characters);
    tcase_add_test(tcase, rejects_unused_bits_that_are_not_zero_after_any_two_bytes);
    tcase_add_test(tcase, accepts_the_alphabet_alone_in_every_place);
    tcase_add_test(tcase, rejects_every_length_of_one_too_many);
    ADD_TABLE(tcase, rejects_what_the_encoder_would_not_write, broken);
    return support_run(suite);
}
