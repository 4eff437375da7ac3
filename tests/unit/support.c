#include "support.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "token/base64url.h"

/* Seconds: the sanitizers and valgrind are slow. */
#define TIMEOUT 120

/* The kinds of key, each with the name that its kid gets. */
enum kind { RSA_KEY, P256, P384, P521, ED25519, KINDS };

static const char *const kids[KINDS] = {"rsa", "p256", "p384", "p521", "ed25519"};

apr_pool_t *pool;
static EVP_PKEY *keys[2][KINDS];
static unsigned char secrets[2][SECRET_LENGTH];

static void open_pool(void)
{
    ck_assert_int_eq(apr_pool_create(&pool, NULL), APR_SUCCESS);
}

static void close_pool(void)
{
    apr_pool_destroy(pool);
}

TCase *support_tcase(Suite *suite, const char *name)
{
    TCase *tcase = tcase_create(name);

    tcase_add_checked_fixture(tcase, open_pool, close_pool);
    tcase_set_timeout(tcase, TIMEOUT);
    suite_add_tcase(suite, tcase);
    return tcase;
}

int support_run(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    int failed;

    apr_initialize();
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    for (int whose = OURS; whose <= THEIRS; whose++) {
        for (int kind = 0; kind < KINDS; kind++) {
            EVP_PKEY_free(keys[whose][kind]);
        }
    }
    apr_terminate();
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

const char *json_of(const char *text)
{
    char *json = apr_pstrdup(pool, text);

    for (char *p = json; *p != '\0'; p++) {
        if (*p == '\'') {
            *p = '"';
        }
    }
    return json;
}

const char *repeated(const char *text, size_t times)
{
    size_t len = strlen(text);
    char *all = apr_palloc(pool, len * times + 1);

    for (size_t i = 0; i < times; i++) {
        memcpy(all + i * len, text, len);
    }
    all[len * times] = '\0';
    return all;
}

static apr_status_t free_cleanup(void *memory)
{
    free(memory);
    return APR_SUCCESS;
}

const char *exact(const char *bytes, size_t len)
{
    char *copy = malloc(len > 0 ? len : 1);

    ck_assert_ptr_nonnull(copy);
    apr_pool_cleanup_register(pool, copy, free_cleanup, apr_pool_cleanup_null);
    memcpy(copy, bytes, len);
    return copy;
}

const char *b64(const void *bytes, size_t len)
{
    char *text = apr_palloc(pool, BASE64URL_ENCODED_LENGTH(len) + 1);

    base64url_encode(text, bytes, len);
    return text;
}

static enum kind kind_of(enum jwa_alg alg)
{
    const struct jwa *jwa = jwa_get(alg);

    ck_assert_int_ne(jwa->type, JWA_KTY_OCT);
    if (jwa->type == JWA_KTY_RSA) {
        return RSA_KEY;
    }
    if (jwa->type == JWA_KTY_OKP) {
        return ED25519;
    }
    return jwa->coordinate == 32 ? P256 : jwa->coordinate == 48 ? P384 : P521;
}

/* Outside of a test an assertion has nowhere to go. */
static void must(bool worked)
{
    if (!worked) {
        abort();
    }
}

void keys_make(void)
{
    for (int whose = OURS; whose <= THEIRS; whose++) {
        keys[whose][RSA_KEY] = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
        keys[whose][P256] = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
        keys[whose][P384] = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-384");
        keys[whose][P521] = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-521");
        keys[whose][ED25519] = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
        for (int kind = 0; kind < KINDS; kind++) {
            must(keys[whose][kind] != NULL);
        }
        must(RAND_bytes(secrets[whose], SECRET_LENGTH) == 1);
        /* HMAC pads its key with NULs: one that ends in NUL equals a shorter one. */
        secrets[whose][SECRET_LENGTH - 1] |= 1;
    }
}

EVP_PKEY *key_of(enum jwa_alg alg, enum whose whose)
{
    return keys[whose][kind_of(alg)];
}

const unsigned char *secret_of(enum whose whose)
{
    return secrets[whose];
}

const char *kid_of(enum jwa_alg alg)
{
    return kids[kind_of(alg)];
}

BIGNUM *key_number(EVP_PKEY *key, const char *param)
{
    BIGNUM *number = NULL;

    ck_assert_int_eq(EVP_PKEY_get_bn_param(key, param, &number), 1);
    return number;
}

static const char *b64_number(const BIGNUM *number, size_t len)
{
    unsigned char *bytes = apr_palloc(pool, len);

    ck_assert_int_eq(BN_bn2binpad(number, bytes, (int)len), (int)len);
    return b64(bytes, len);
}

static size_t length_of(const BIGNUM *number)
{
    return BN_is_zero(number) ? 1 : (size_t)BN_num_bytes(number);
}

const char *jwk_of_rsa(const BIGNUM *n, const BIGNUM *e, const char *more)
{
    return apr_psprintf(pool, "{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"%s\"%s}",
                        b64_number(n, length_of(n)), b64_number(e, length_of(e)),
                        json_of(more));
}

static const char *jwk_of_ec(EVP_PKEY *key, const struct jwa *jwa, const char *more)
{
    BIGNUM *x = key_number(key, OSSL_PKEY_PARAM_EC_PUB_X);
    BIGNUM *y = key_number(key, OSSL_PKEY_PARAM_EC_PUB_Y);
    const char *jwk = apr_psprintf(
        pool, "{\"kty\":\"EC\",\"crv\":\"%s\",\"x\":\"%s\",\"y\":\"%s\"%s}", jwa->crv,
        b64_number(x, jwa->coordinate), b64_number(y, jwa->coordinate), json_of(more));

    BN_free(x);
    BN_free(y);
    return jwk;
}

const char *jwk_of(EVP_PKEY *key, const char *more)
{
    unsigned char point[32];
    size_t len = sizeof(point);
    BIGNUM *n;
    BIGNUM *e;
    const char *jwk;

    if (EVP_PKEY_is_a(key, "EC")) {
        int bits = EVP_PKEY_get_bits(key);

        return jwk_of_ec(key,
                         jwa_get(bits == 256   ? JWA_ES256
                                 : bits == 384 ? JWA_ES384
                                               : JWA_ES512),
                         more);
    }
    if (EVP_PKEY_is_a(key, "ED25519")) {
        ck_assert_int_eq(EVP_PKEY_get_raw_public_key(key, point, &len), 1);
        return apr_psprintf(pool, "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"%s\"%s}",
                            b64(point, len), json_of(more));
    }
    n = key_number(key, OSSL_PKEY_PARAM_RSA_N);
    e = key_number(key, OSSL_PKEY_PARAM_RSA_E);
    jwk = jwk_of_rsa(n, e, more);
    BN_free(n);
    BN_free(e);
    return jwk;
}

const char *jwks_text(const char *jwk, ...)
{
    const char *text = "{\"keys\":[";
    const char *comma = "";
    va_list args;

    va_start(args, jwk);
    for (; jwk != NULL; jwk = va_arg(args, const char *)) {
        text = apr_pstrcat(pool, text, comma, jwk, NULL);
        comma = ",";
    }
    va_end(args);
    return apr_pstrcat(pool, text, "]}", NULL);
}

static apr_status_t jwks_cleanup(void *jwks)
{
    jwks_destroy(jwks);
    return APR_SUCCESS;
}

const struct jwks *jwks_of(const char *text)
{
    struct jwks *jwks;

    ASSERT_REASON(jwks_parse(&jwks, text, strlen(text), pool), REASON_OK, text);
    apr_pool_cleanup_register(pool, jwks, jwks_cleanup, apr_pool_cleanup_null);
    ck_assert_msg(jwks->skipped_count == 0, "%s", jwks->skipped[0].why);
    return jwks;
}

const struct jwks *our_jwks(void)
{
    const char *jwk[KINDS];

    for (int i = 0; i < KINDS; i++) {
        jwk[i] = jwk_of(keys[OURS][i], apr_psprintf(pool, ",'kid':'%s'", kids[i]));
    }
    return jwks_of(
        jwks_text(jwk[RSA_KEY], jwk[P256], jwk[P384], jwk[P521], jwk[ED25519], NULL));
}

/*
 * Twice a point of order 8 is one of order 4, which has y = 0. So x^2 = -y^2, and
 * the curve -x^2 + y^2 = 1 + d x^2 y^2 becomes d y^4 + 2 y^2 - 1 = 0, which leaves
 * y^2 = (-1 +- sqrt(1 + d)) / d, where d = -121665 / 121666.
 */
static void order_8(BIGNUM *y, const BIGNUM *prime, BN_CTX *ctx)
{
    BIGNUM *d = BN_new();
    BIGNUM *root = BN_new();
    BIGNUM *square = BN_new();

    ck_assert(BN_set_word(d, 121666) && BN_mod_inverse(d, d, prime, ctx) &&
              BN_mul_word(d, 121665) && BN_sub(d, prime, d) &&
              BN_nnmod(d, d, prime, ctx));
    ck_assert(BN_copy(root, d) && BN_add_word(root, 1) &&
              BN_mod_sqrt(root, root, prime, ctx));
    ck_assert(BN_mod_inverse(d, d, prime, ctx) != NULL);
    /* Of the two values for y^2 one is a square. */
    ck_assert(BN_copy(square, root) && BN_sub_word(square, 1) &&
              BN_mod_mul(square, square, d, prime, ctx));
    if (BN_mod_sqrt(y, square, prime, ctx) == NULL) {
        ck_assert(BN_sub(square, prime, root) && BN_sub_word(square, 1) &&
                  BN_mod_mul(square, square, d, prime, ctx) &&
                  BN_mod_sqrt(y, square, prime, ctx));
        ERR_clear_error();
    }
    BN_free(d);
    BN_free(root);
    BN_free(square);
}

void ed25519_low_order(unsigned char points[LOW_ORDER_COUNT][32])
{
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *prime = BN_new();
    BIGNUM *y = BN_new();

    ck_assert(BN_set_bit(prime, 255) && BN_sub_word(prime, 19));
    for (int i = 0; i < LOW_ORDER_COUNT / 2; i++) {
        if (i < 2) { /* 0 and 1 */
            ck_assert(BN_set_word(y, (BN_ULONG)i));
        }
        else if (i < 5) { /* -1, 0 and 1 */
            ck_assert(BN_copy(y, prime) && (i > 2 || BN_sub_word(y, 1)) &&
                      (i < 4 || BN_add_word(y, 1)));
        }
        else {
            order_8(y, prime, ctx);
            ck_assert(i == 5 || BN_sub(y, prime, y));
        }
        ck_assert_int_eq(BN_bn2lebinpad(y, points[2 * i], 32), 32);
        memcpy(points[2 * i + 1], points[2 * i], 32);
        points[2 * i + 1][31] |= 0x80;
    }
    BN_free(y);
    BN_free(prime);
    BN_CTX_free(ctx);
}

/* RFC 7518 3.4: r || s, each as long as the curve's order. */
static size_t der_to_pair(unsigned char signature[SIGNATURE_MAX], size_t der_len,
                          size_t coordinate)
{
    const unsigned char *der = signature;
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long)der_len);
    int length = (int)coordinate;

    ck_assert_ptr_nonnull(pair);
    ck_assert_int_eq(BN_bn2binpad(ECDSA_SIG_get0_r(pair), signature, length), length);
    ck_assert_int_eq(BN_bn2binpad(ECDSA_SIG_get0_s(pair), signature + length, length),
                     length);
    ECDSA_SIG_free(pair);
    return 2 * coordinate;
}

size_t sign(unsigned char signature[SIGNATURE_MAX], enum jwa_alg alg, EVP_PKEY *key,
            const char *input)
{
    const struct jwa *jwa = jwa_get(alg);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *pctx;
    size_t len = SIGNATURE_MAX;

    ck_assert_ptr_nonnull(ctx);
    ck_assert_int_eq(
        EVP_DigestSignInit_ex(ctx, &pctx, jwa->digest, NULL, NULL, key, NULL), 1);
    if (jwa->pss) {
        ck_assert_int_eq(EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING), 1);
        ck_assert_int_eq(EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, RSA_PSS_SALTLEN_DIGEST),
                         1);
    }
    ck_assert_int_eq(
        EVP_DigestSign(ctx, signature, &len, (const unsigned char *)input, strlen(input)),
        1);
    EVP_MD_CTX_free(ctx);
    return jwa->type == JWA_KTY_EC ? der_to_pair(signature, len, jwa->coordinate) : len;
}

size_t sign_hmac(unsigned char code[SIGNATURE_MAX], enum jwa_alg alg, const void *key,
                 size_t key_len, const char *input)
{
    size_t len;

    ck_assert_ptr_nonnull(EVP_Q_mac(NULL, "HMAC", NULL, jwa_get(alg)->digest, NULL, key,
                                    key_len, (const unsigned char *)input, strlen(input),
                                    code, SIGNATURE_MAX, &len));
    return len;
}

const char *signing_input(const char *header, const char *payload)
{
    return apr_pstrcat(pool, b64(header, strlen(header)), ".",
                       b64(payload, strlen(payload)), NULL);
}

const char *with_signature(const char *input, const unsigned char *signature, size_t len)
{
    return apr_pstrcat(pool, input, ".", b64(signature, len), NULL);
}

const char *token_of(enum jwa_alg alg, enum whose whose, const char *header,
                     const char *payload)
{
    const char *input = signing_input(header, payload);
    unsigned char signature[SIGNATURE_MAX];
    size_t len;

    if (jwa_get(alg)->type == JWA_KTY_OCT) {
        len = sign_hmac(signature, alg, secret_of(whose), SECRET_LENGTH, input);
    }
    else {
        len = sign(signature, alg, key_of(alg, whose), input);
    }
    return with_signature(input, signature, len);
}

const char *header_of(enum jwa_alg alg)
{
    const char *name = jwa_get(alg)->name;

    return json_of(
        jwa_get(alg)->type == JWA_KTY_OCT
            ? apr_psprintf(pool, "{'alg':'%s'}", name)
            : apr_psprintf(pool, "{'alg':'%s','kid':'%s'}", name, kid_of(alg)));
}

struct jws jws_of(const char *token)
{
    size_t len = strlen(token);
    struct jws jws;

    ASSERT_REASON(jws_parse(&jws, exact(token, len), len, pool), REASON_OK, token);
    return jws;
}

const struct jwk *our_key(enum jwa_alg alg)
{
    const struct jwk *key;

    ASSERT_REASON(jwks_find(&key, our_jwks(), kid_of(alg), alg), REASON_OK, kid_of(alg));
    return key;
}

/* The thread's queue of errors is shared with mod_ssl: it must stay empty. */
enum reason verify_by(struct verifier verifier, const char *token)
{
    struct jws jws = jws_of(token);
    enum reason reason;

    ERR_clear_error();
    reason = verifier.key != NULL ? jws_verify(&jws, verifier.key)
                                  : jws_verify_secret(&jws, verifier.secret);
    ck_assert_uint_eq(ERR_peek_error(), 0);
    return reason;
}

enum reason verify(const char *token, const struct jwk *key)
{
    return verify_by((struct verifier){.key = key}, token);
}

static const char *const audiences[] = {"https://other.example.com", AUDIENCE};

const struct jwt_policy policy = {
    .issuer = ISSUER,
    .algorithms = JWA_BIT(JWA_RS256) | JWA_BIT(JWA_ES256),
    .audiences = audiences,
    .audience_count = COUNT(audiences),
    .leeway = 5,
    .profile = JWT_PROFILE_AUTO,
    .user_claim = "sub",
};

const char *token_with(const char *claims)
{
    return token_of(JWA_ES256, OURS, header_of(JWA_ES256), json_of(claims));
}

enum reason judge(const char **user, const char *token, size_t len,
                  const struct jwks *jwks, const struct jwt_policy *by, apr_time_t now)
{
    const struct jwt_claims *claims;
    const struct jwk *key;
    struct jwt *jwt;
    enum reason reason = jwt_parse(&jwt, exact(token, len), len, pool);

    *user = NULL;
    ck_assert((jwt != NULL) == (reason == REASON_OK));
    if (reason == REASON_OK) {
        reason = jwks_find(&key, jwks, jwt_jws(jwt)->kid, jwt_jws(jwt)->alg);
    }
    if (reason == REASON_OK) {
        reason = jwt_verify(&claims, jwt, key);
        ck_assert((claims != NULL) == (reason == REASON_OK));
    }
    if (reason == REASON_OK) {
        reason = jwt_check(user, claims, by, now);
    }
    ck_assert((*user != NULL) == (reason == REASON_OK));
    return reason;
}

enum reason verdict_of(const char *token)
{
    const char *user;

    return judge(&user, token, strlen(token), our_jwks(), &policy,
                 apr_time_from_sec(TODAY));
}

const struct jwt_claims *claims_of(const char *token)
{
    const struct jwt_claims *claims;
    const struct jwk *key;
    struct jwt *jwt;

    ASSERT_REASON(jwt_parse(&jwt, token, strlen(token), pool), REASON_OK, token);
    ASSERT_REASON(jwks_find(&key, our_jwks(), jwt_jws(jwt)->kid, jwt_jws(jwt)->alg),
                  REASON_OK, token);
    ASSERT_REASON(jwt_verify(&claims, jwt, key), REASON_OK, token);
    return claims;
}

enum reason check(const struct jwt_claims *claims, const struct jwt_policy *by,
                  apr_time_t now)
{
    const char *user;

    return jwt_check(&user, claims, by, now);
}
