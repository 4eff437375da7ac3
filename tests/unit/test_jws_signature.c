#include "token/jws.h"

#include <apr_strings.h>
#include <openssl/core_names.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>

#include "support.h"
#include "token/secret.h"

/* What holds for every algorithm; test_jws_algorithm.c has what one alone must refuse. */

static apr_status_t secret_cleanup(void *secret)
{
    secret_destroy(secret);
    return APR_SUCCESS;
}

static const struct secret *our_secret(void)
{
    struct secret *secret =
        secret_create(secret_of(OURS), SECRET_LENGTH, JWA_SECRET_ALGORITHMS);

    ck_assert_ptr_nonnull(secret);
    apr_pool_cleanup_register(pool, secret, secret_cleanup, apr_pool_cleanup_null);
    return secret;
}

static enum reason verify_secret(const char *token, const struct secret *secret)
{
    return verify_by((struct verifier){.secret = secret}, token);
}

/* Our key, or our secret where that is what the algorithm takes. */
static struct verifier our_verifier(enum jwa_alg alg)
{
    struct verifier verifier = {0};

    if (alg >= JWA_HS256) {
        verifier.secret = our_secret();
    }
    else {
        verifier.key = our_key(alg);
    }
    return verifier;
}

START_TEST(accepts_our_signature_and_rejects_a_strangers)
{
    enum jwa_alg alg = (enum jwa_alg)_i;
    struct verifier verifier = our_verifier(alg);
    const char *header = header_of(alg);

    ASSERT_REASON(verify_by(verifier, token_of(alg, OURS, header, ANY_CLAIMS)), REASON_OK,
                  header);
    ASSERT_REASON(verify_by(verifier, token_of(alg, THEIRS, header, ANY_CLAIMS)),
                  REASON_SIGNATURE_INVALID, header);
}
END_TEST

START_TEST(rejects_our_signature_of_something_else)
{
    enum jwa_alg alg = (enum jwa_alg)_i;
    struct verifier verifier = our_verifier(alg);
    const char *header = header_of(alg);
    const char *token = token_of(alg, OURS, header, ANY_CLAIMS);
    const char *dot = strrchr(token, '.');
    const char *other_claims =
        apr_pstrcat(pool, signing_input(header, "{\"sub\":\"b\"}"), dot, NULL);
    const char *other_header = apr_pstrcat(
        pool, signing_input(apr_pstrcat(pool, header, " ", NULL), ANY_CLAIMS), dot, NULL);

    ASSERT_REASON(verify_by(verifier, other_claims), REASON_SIGNATURE_INVALID, "claims");
    ASSERT_REASON(verify_by(verifier, other_header), REASON_SIGNATURE_INVALID, "header");
}
END_TEST

START_TEST(rejects_a_signature_with_any_bit_flipped)
{
    enum jwa_alg alg = (enum jwa_alg)_i;
    const char *input = signing_input(header_of(alg), ANY_CLAIMS);
    const char *token = token_of(alg, OURS, header_of(alg), ANY_CLAIMS);
    struct verifier verifier = our_verifier(alg);
    unsigned char signature[SIGNATURE_MAX];
    struct jws jws = jws_of(token);

    memcpy(signature, jws.signature, jws.signature_len);
    for (size_t bit = 0; bit < jws.signature_len * 8; bit++) {
        signature[bit / 8] ^= (unsigned char)(1u << bit % 8);
        token = with_signature(input, signature, jws.signature_len);
        ASSERT_REASON(verify_by(verifier, token), REASON_SIGNATURE_INVALID,
                      apr_psprintf(pool, "bit %u", (unsigned)bit));
        signature[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
}
END_TEST

START_TEST(rejects_a_signature_of_any_other_length)
{
    enum jwa_alg alg = (enum jwa_alg)_i;
    struct verifier verifier = our_verifier(alg);
    const char *input = signing_input(header_of(alg), ANY_CLAIMS);
    unsigned char behind[SIGNATURE_MAX + 2] = {0};
    unsigned char before[SIGNATURE_MAX + 2] = {0};
    struct jws jws = jws_of(token_of(alg, OURS, header_of(alg), ANY_CLAIMS));
    size_t len = jws.signature_len;

    memcpy(behind, jws.signature, len);
    memcpy(before + 2, jws.signature, len);
    for (size_t n = 1; n <= len + 2; n++) {
        ASSERT_REASON(verify_by(verifier, with_signature(input, behind, n)),
                      n == len ? REASON_OK : REASON_SIGNATURE_INVALID,
                      apr_psprintf(pool, "the first %u bytes", (unsigned)n));
        ASSERT_REASON(verify_by(verifier, with_signature(input, before + 2 + len - n, n)),
                      n == len ? REASON_OK : REASON_SIGNATURE_INVALID,
                      apr_psprintf(pool, "the last %u bytes", (unsigned)n));
    }
    ASSERT_REASON(
        verify_by(verifier, with_signature(input, (const unsigned char *)"\0", 1)),
        REASON_SIGNATURE_INVALID, "a zero");
}
END_TEST

/* Sign as one algorithm, say another: never, whatever key the token is held to. */
START_TEST(rejects_every_other_algorithms_signature)
{
    enum jwa_alg says = (enum jwa_alg)_i;
    const char *input = signing_input(header_of(says), ANY_CLAIMS);
    const struct jwks *jwks = our_jwks();
    const struct secret *secret = our_secret();

    for (enum jwa_alg signs = 0; signs < JWA_COUNT; signs++) {
        unsigned char signature[SIGNATURE_MAX];
        size_t len =
            signs < JWA_HS256
                ? sign(signature, signs, key_of(signs, OURS), input)
                : sign_hmac(signature, signs, secret_of(OURS), SECRET_LENGTH, input);
        const char *token = with_signature(input, signature, len);

        for (size_t i = 0; i < jwks->count; i++) {
            bool right = says == signs && says < JWA_HS256 &&
                         strcmp(jwks->keys[i].kid, kid_of(says)) == 0;

            ASSERT_REASON(verify(token, &jwks->keys[i]),
                          right ? REASON_OK : REASON_SIGNATURE_INVALID,
                          apr_psprintf(pool, "%s signed as %s, key %s",
                                       jwa_get(says)->name, jwa_get(signs)->name,
                                       jwks->keys[i].kid));
        }
        ASSERT_REASON(verify_secret(token, secret),
                      says == signs && says >= JWA_HS256 ? REASON_OK
                                                         : REASON_SIGNATURE_INVALID,
                      apr_psprintf(pool, "%s signed as %s, a secret", jwa_get(says)->name,
                                   jwa_get(signs)->name));
    }
}
END_TEST

/* B2: the signature is genuine, but the key was published for another algorithm. */
START_TEST(rejects_an_algorithm_that_the_key_was_not_made_for)
{
    const struct jwks *jwks = jwks_of(
        jwks_text(jwk_of(key_of(JWA_RS256, OURS), ",'alg':'RS256','kid':'rsa'"), NULL));

    for (enum jwa_alg alg = JWA_RS256; alg <= JWA_PS512; alg++) {
        ASSERT_REASON(
            verify(token_of(alg, OURS, header_of(alg), ANY_CLAIMS), &jwks->keys[0]),
            alg == JWA_RS256 ? REASON_OK : REASON_SIGNATURE_INVALID, jwa_get(alg)->name);
    }
}
END_TEST

/* A certificate that the key signs for itself. */
static X509 *certificate_of(EVP_PKEY *key)
{
    X509 *certificate = X509_new();
    bool edwards = EVP_PKEY_is_a(key, "ED25519");

    ck_assert(X509_set_version(certificate, X509_VERSION_3) &&
              ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) &&
              X509_gmtime_adj(X509_getm_notBefore(certificate), 0) != NULL &&
              X509_gmtime_adj(X509_getm_notAfter(certificate), 3600) != NULL &&
              X509_set_pubkey(certificate, key) &&
              X509_sign(certificate, key, edwards ? NULL : EVP_sha256()) > 0);
    return certificate;
}

/* n, or the point. */
static void put_numbers(BIO *bio, EVP_PKEY *key)
{
    bool rsa = EVP_PKEY_is_a(key, "RSA");
    unsigned char bytes[SIGNATURE_MAX];
    size_t len = 0;

    if (rsa) {
        BIGNUM *n = key_number(key, OSSL_PKEY_PARAM_RSA_N);

        len = (size_t)BN_bn2bin(n, bytes);
        BN_free(n);
    }
    else {
        ck_assert(EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, bytes,
                                                  sizeof(bytes), &len));
    }
    ck_assert_int_eq(BIO_write(bio, bytes, (int)len), (int)len);
}

enum public_form {
    PEM,
    PEM_WITHOUT_LINE_END,
    DER,
    DER_IN_BASE64,
    CERTIFICATE,
    CERTIFICATE_DER,
    CERTIFICATE_IN_BASE64, /* an element of x5c, but for its alphabet */
    JWK,
    JWKS,
    NUMBERS,
    NUMBERS_IN_BASE64,
    NOTHING,
    PUBLIC_FORMS
};

/* A public key as it can be found. */
static const char *public_text(EVP_PKEY *key, enum public_form form, size_t *len)
{
    BIO *bio = BIO_new(BIO_s_mem());
    X509 *certificate = certificate_of(key);
    const char *text;
    char *memory;

    if (form <= PEM_WITHOUT_LINE_END) {
        ck_assert_int_eq(PEM_write_bio_PUBKEY(bio, key), 1);
    }
    else if (form <= DER_IN_BASE64) {
        ck_assert_int_eq(i2d_PUBKEY_bio(bio, key), 1);
    }
    else if (form == CERTIFICATE) {
        ck_assert_int_eq(PEM_write_bio_X509(bio, certificate), 1);
    }
    else if (form <= CERTIFICATE_IN_BASE64) {
        ck_assert_int_eq(i2d_X509_bio(bio, certificate), 1);
    }
    else if (form <= JWKS) {
        const char *jwk = jwk_of(key, ",'kid':'a'");

        ck_assert_int_gt(BIO_puts(bio, form == JWK ? jwk : jwks_text(jwk, NULL)), 0);
    }
    else if (form <= NUMBERS_IN_BASE64) {
        put_numbers(bio, key);
    }
    *len = (size_t)BIO_get_mem_data(bio, &memory);
    text = *len > 0 ? apr_pmemdup(pool, memory, *len) : "";
    X509_free(certificate);
    BIO_free(bio);
    if (form == PEM_WITHOUT_LINE_END) {
        --*len;
    }
    if (form == DER_IN_BASE64 || form == CERTIFICATE_IN_BASE64 ||
        form == NUMBERS_IN_BASE64) {
        text = b64(text, *len);
        *len = strlen(text);
    }
    return text;
}

/* B1: the oldest trick, an HMAC whose key is what everybody knows. */
START_TEST(rejects_an_hmac_keyed_with_a_public_key)
{
    enum jwa_alg hmac = (enum jwa_alg)_i;

    for (enum jwa_alg alg = JWA_RS256; alg < JWA_HS256; alg++) {
        const struct jwk *key = our_key(alg);
        const char *header = apr_psprintf(pool, "{\"alg\":\"%s\",\"kid\":\"%s\"}",
                                          jwa_get(hmac)->name, kid_of(alg));
        const char *input = signing_input(header, ANY_CLAIMS);
        const struct jwk *found;

        for (enum public_form form = PEM; form < PUBLIC_FORMS; form++) {
            unsigned char code[SIGNATURE_MAX];
            size_t len;
            const char *text = public_text(key_of(alg, OURS), form, &len);
            const char *token =
                with_signature(input, code, sign_hmac(code, hmac, text, len, input));

            ASSERT_REASON(verify(token, key), REASON_SIGNATURE_INVALID, header);
            ASSERT_REASON(verify_secret(token, our_secret()), REASON_SIGNATURE_INVALID,
                          header);
        }
        ASSERT_REASON(jwks_find(&found, our_jwks(), kid_of(alg), hmac),
                      REASON_KEY_NOT_ELIGIBLE, header);
    }
}
END_TEST

/* A10: a token that brings its own key is judged by ours. */
START_TEST(rejects_a_signature_of_the_key_that_the_token_brings)
{
    EVP_PKEY *theirs = key_of(JWA_RS256, THEIRS);
    size_t len;
    const char *members[] = {
        apr_psprintf(pool, "'jwk':%s", jwk_of(theirs, ",'kid':'rsa'")),
        "'jku':'https://evil.example/jwks.json'",
        "'x5u':'https://evil.example/cert.pem'",
        apr_psprintf(pool, "'x5c':['%s']",
                     public_text(theirs, CERTIFICATE_IN_BASE64, &len)),
    };

    for (size_t i = 0; i < COUNT(members); i++) {
        const char *header =
            json_of(apr_psprintf(pool, "{'alg':'RS256','kid':'rsa',%s}", members[i]));
        const struct jwk *key = our_key(JWA_RS256);

        ASSERT_REASON(verify(token_of(JWA_RS256, THEIRS, header, ANY_CLAIMS), key),
                      REASON_SIGNATURE_INVALID, header);
        ASSERT_REASON(verify(token_of(JWA_RS256, OURS, header, ANY_CLAIMS), key),
                      REASON_OK, header);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("jws_signature");
    TCase *tcase = support_tcase(suite, "signatures");

    keys_make();
    tcase_add_loop_test(tcase, accepts_our_signature_and_rejects_a_strangers, 0,
                        JWA_COUNT);
    tcase_add_loop_test(tcase, rejects_our_signature_of_something_else, 0, JWA_COUNT);
    tcase_add_loop_test(tcase, rejects_a_signature_with_any_bit_flipped, 0, JWA_COUNT);
    tcase_add_loop_test(tcase, rejects_a_signature_of_any_other_length, 0, JWA_COUNT);
    tcase_add_loop_test(tcase, rejects_every_other_algorithms_signature, 0, JWA_COUNT);
    tcase_add_test(tcase, rejects_an_algorithm_that_the_key_was_not_made_for);
    tcase_add_loop_test(tcase, rejects_an_hmac_keyed_with_a_public_key, JWA_HS256,
                        JWA_COUNT);
    tcase_add_test(tcase, rejects_a_signature_of_the_key_that_the_token_brings);
    return support_run(suite);
}
