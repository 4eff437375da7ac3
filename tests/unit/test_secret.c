#include "token/secret.h"

#include <openssl/err.h>
#include <string.h>

#include "support.h"

#define INPUT "header.payload"

static const enum jwa_alg hmacs[] = {JWA_HS256, JWA_HS384, JWA_HS512};

static bool creates(size_t len, unsigned algorithms)
{
    const char *bytes = exact(repeated("k", len), len);
    struct secret *secret = secret_create((const unsigned char *)bytes, len, algorithms);
    bool created = secret != NULL;

    secret_destroy(secret);
    ck_assert_uint_eq(ERR_peek_error(), 0);
    return created;
}

static struct secret *make(const void *bytes, size_t len, unsigned algorithms)
{
    struct secret *secret = secret_create(bytes, len, algorithms);

    ck_assert_ptr_nonnull(secret);
    return secret;
}

static bool verifies(const struct secret *secret, enum jwa_alg alg,
                     const unsigned char *code, size_t len)
{
    const char *input = exact(INPUT, strlen(INPUT));

    code = (const unsigned char *)exact((const char *)code, len);
    return secret_verify(secret, alg, input, strlen(INPUT), code, len) == REASON_OK;
}

START_TEST(accepts_the_code_made_with_the_same_secret)
{
    enum jwa_alg alg = hmacs[_i];
    struct secret *secret = make(secret_of(OURS), SECRET_LENGTH, JWA_BIT(alg));
    unsigned char code[SIGNATURE_MAX];
    size_t len = sign_hmac(code, alg, secret_of(OURS), SECRET_LENGTH, INPUT);

    ck_assert(verifies(secret, alg, code, len));
    ck_assert(verifies(secret, alg, code, len)); /* a second time as well */
    secret_destroy(secret);
}
END_TEST

START_TEST(rejects_the_code_made_with_another_secret_or_for_another_input)
{
    enum jwa_alg alg = hmacs[_i];
    struct secret *secret = make(secret_of(OURS), SECRET_LENGTH, JWA_BIT(alg));
    unsigned char code[SIGNATURE_MAX];
    size_t len = sign_hmac(code, alg, secret_of(THEIRS), SECRET_LENGTH, INPUT);

    ck_assert(!verifies(secret, alg, code, len));
    len = sign_hmac(code, alg, "", 0, INPUT);
    ck_assert(!verifies(secret, alg, code, len));
    len = sign_hmac(code, alg, secret_of(OURS), SECRET_LENGTH - 1, INPUT);
    ck_assert(!verifies(secret, alg, code, len));
    len = sign_hmac(code, alg, secret_of(OURS), SECRET_LENGTH, INPUT "x");
    ck_assert(!verifies(secret, alg, code, len));
    secret_destroy(secret);
}
END_TEST

START_TEST(rejects_a_code_with_any_bit_flipped)
{
    enum jwa_alg alg = hmacs[_i];
    struct secret *secret = make(secret_of(OURS), SECRET_LENGTH, JWA_BIT(alg));
    unsigned char code[SIGNATURE_MAX];
    size_t len = sign_hmac(code, alg, secret_of(OURS), SECRET_LENGTH, INPUT);

    for (size_t bit = 0; bit < len * 8; bit++) {
        code[bit / 8] ^= (unsigned char)(1u << bit % 8);
        ck_assert_msg(!verifies(secret, alg, code, len), "bit %u", (unsigned)bit);
        code[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    ck_assert(verifies(secret, alg, code, len));
    secret_destroy(secret);
}
END_TEST

/* A truncated HMAC is right in every byte it has. */
START_TEST(rejects_a_code_of_any_other_length)
{
    enum jwa_alg alg = hmacs[_i];
    struct secret *secret = make(secret_of(OURS), SECRET_LENGTH, JWA_BIT(alg));
    unsigned char code[SIGNATURE_MAX] = {0};
    size_t right = sign_hmac(code, alg, secret_of(OURS), SECRET_LENGTH, INPUT);

    for (size_t len = 0; len <= 2 * right; len++) {
        ck_assert_msg(verifies(secret, alg, code, len) == (len == right), "%u bytes",
                      (unsigned)len);
    }
    secret_destroy(secret);
}
END_TEST

START_TEST(verifies_only_the_algorithms_it_was_made_for)
{
    for (size_t made = 0; made < COUNT(hmacs); made++) {
        struct secret *secret =
            make(secret_of(OURS), SECRET_LENGTH, JWA_BIT(hmacs[made]));

        for (size_t used = 0; used < COUNT(hmacs); used++) {
            unsigned char code[SIGNATURE_MAX];
            size_t len =
                sign_hmac(code, hmacs[used], secret_of(OURS), SECRET_LENGTH, INPUT);

            ck_assert(verifies(secret, hmacs[used], code, len) == (made == used));
        }
        secret_destroy(secret);
    }
}
END_TEST

/* Not even when it is asked for. */
START_TEST(verifies_nothing_by_an_algorithm_of_public_keys)
{
    struct secret *secret = make(secret_of(OURS), SECRET_LENGTH,
                                 JWA_SECRET_ALGORITHMS | JWA_PUBLIC_ALGORITHMS);

    for (enum jwa_alg alg = 0; alg < JWA_COUNT; alg++) {
        unsigned char code[SIGNATURE_MAX];
        size_t len = sign_hmac(code, JWA_HS256, secret_of(OURS), SECRET_LENGTH, INPUT);

        ck_assert_msg(verifies(secret, alg, code, len) == (alg == JWA_HS256), "%s",
                      jwa_get(alg)->name);
    }
    secret_destroy(secret);
}
END_TEST

/* B10, RFC 7518 3.2: as long as the hash at least. */
START_TEST(refuses_a_secret_shorter_than_its_hash)
{
    enum jwa_alg alg = hmacs[_i];
    size_t least = jwa_get(alg)->digest_size;

    for (size_t len = 0; len < least; len++) {
        ck_assert_msg(!creates(len, JWA_BIT(alg)), "%u bytes", (unsigned)len);
    }
    ck_assert(creates(least, JWA_BIT(alg)));
}
END_TEST

START_TEST(refuses_a_secret_shorter_than_the_longest_hash_it_is_to_serve)
{
    ck_assert(!creates(63, JWA_BIT(JWA_HS256) | JWA_BIT(JWA_HS512)));
    ck_assert(creates(64, JWA_BIT(JWA_HS256) | JWA_BIT(JWA_HS512)));
    ck_assert(!creates(47, JWA_BIT(JWA_HS256) | JWA_BIT(JWA_HS384)));
    ck_assert(creates(48, JWA_BIT(JWA_HS256) | JWA_BIT(JWA_HS384)));
}
END_TEST

START_TEST(refuses_a_secret_over_the_longest)
{
    ck_assert(creates(SECRET_MAX, JWA_SECRET_ALGORITHMS));
    ck_assert(!creates(SECRET_MAX + 1, JWA_SECRET_ALGORITHMS));
}
END_TEST

START_TEST(refuses_a_secret_without_an_algorithm_for_secrets)
{
    ck_assert(!creates(64, 0));
    ck_assert(!creates(64, JWA_PUBLIC_ALGORITHMS));
    ck_assert(!creates(64, JWA_BIT(JWA_COUNT)));
}
END_TEST

START_TEST(keeps_its_own_copy_of_every_byte_zeros_too)
{
    unsigned char bytes[SECRET_LENGTH] = {0};
    unsigned char code[SIGNATURE_MAX];
    struct secret *secret;
    size_t len;

    bytes[SECRET_LENGTH - 1] = 1; /* behind the NULs */
    secret = make(bytes, sizeof(bytes), JWA_SECRET_ALGORITHMS);
    len = sign_hmac(code, JWA_HS512, bytes, sizeof(bytes), INPUT);
    memset(bytes, 0, sizeof(bytes));
    ck_assert(verifies(secret, JWA_HS512, code, len));
    len = sign_hmac(code, JWA_HS512, bytes, sizeof(bytes), INPUT);
    ck_assert(!verifies(secret, JWA_HS512, code, len));
    secret_destroy(secret);
}
END_TEST

START_TEST(destroying_nothing_is_fine)
{
    secret_destroy(NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("secret");
    TCase *tcase = support_tcase(suite, "HMAC");

    keys_make();
    ADD_TABLE(tcase, accepts_the_code_made_with_the_same_secret, hmacs);
    ADD_TABLE(tcase, rejects_the_code_made_with_another_secret_or_for_another_input,
              hmacs);
    ADD_TABLE(tcase, rejects_a_code_with_any_bit_flipped, hmacs);
    ADD_TABLE(tcase, rejects_a_code_of_any_other_length, hmacs);
    tcase_add_test(tcase, verifies_only_the_algorithms_it_was_made_for);
    tcase_add_test(tcase, verifies_nothing_by_an_algorithm_of_public_keys);
    ADD_TABLE(tcase, refuses_a_secret_shorter_than_its_hash, hmacs);
    tcase_add_test(tcase, refuses_a_secret_shorter_than_the_longest_hash_it_is_to_serve);
    tcase_add_test(tcase, refuses_a_secret_over_the_longest);
    tcase_add_test(tcase, refuses_a_secret_without_an_algorithm_for_secrets);
    tcase_add_test(tcase, keeps_its_own_copy_of_every_byte_zeros_too);
    tcase_add_test(tcase, destroying_nothing_is_fine);
    return support_run(suite);
}
