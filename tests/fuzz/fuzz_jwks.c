/*
 * The input as a key document, in which placeholders stand for sound keys (see
 * fuzz.h). Every key that comes out is one that may verify, and can be found.
 */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <string.h>

#include "fuzz.h"
#include "token/jwk.h"

#define PUBLIC_ALGORITHMS 10

static void check_rsa(EVP_PKEY *pkey)
{
    BIGNUM *e = NULL;
    BIGNUM *n = NULL;

    HOLDS(EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &n) == 1 &&
          EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &e) == 1);
    HOLDS(BN_num_bits(n) >= 2048 && BN_num_bits(n) <= 8192 && BN_is_odd(n));
    HOLDS(BN_is_odd(e) && !BN_is_one(e) && BN_num_bits(e) <= 32);
    BN_free(n);
    BN_free(e);
}

static void check_ec(EVP_PKEY *pkey, const char *group)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
    char name[64];

    HOLDS(EVP_PKEY_get_group_name(pkey, name, sizeof(name), NULL) == 1 &&
          strcmp(name, group) == 0);
    HOLDS(EVP_PKEY_public_check(ctx) == 1);
    EVP_PKEY_CTX_free(ctx);
}

static void check_key(const struct jwk *key)
{
    HOLDS(key->kid == NULL || (strlen(key->kid) >= 1 && strlen(key->kid) <= 256 &&
                               !fuzz_has_control(key->kid)));
    HOLDS(key->pkey != NULL && key->algorithms != 0);
    HOLDS((key->algorithms &
           (JWA_BIT(JWA_HS256) | JWA_BIT(JWA_HS384) | JWA_BIT(JWA_HS512))) == 0);
    for (enum jwa_alg alg = 0; alg < JWA_COUNT; alg++) {
        const struct jwa *jwa = jwa_get(alg);

        HOLDS((key->verifier[alg] != NULL) == ((key->algorithms & JWA_BIT(alg)) != 0));
        if (key->verifier[alg] == NULL) {
            continue;
        }
        if (jwa->type == JWA_KTY_RSA) {
            HOLDS(EVP_PKEY_is_a(key->pkey, "RSA"));
            check_rsa(key->pkey);
        }
        else if (jwa->type == JWA_KTY_EC) {
            check_ec(key->pkey, jwa->group);
        }
        else {
            HOLDS(EVP_PKEY_is_a(key->pkey, "ED25519"));
        }
    }
}

static bool kid_equal(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* One pass over all keys, where jwks_find searches. */
static void check_find(const struct jwks *jwks, const char *kid, enum jwa_alg alg)
{
    const struct jwk *found;
    const struct jwk *first = NULL;
    bool named = kid == NULL;
    bool ambiguous = false;
    enum reason reason = jwks_find(&found, jwks, kid, alg);

    for (size_t i = 0; i < jwks->count; i++) {
        const struct jwk *key = &jwks->keys[i];

        if (kid != NULL && !kid_equal(key->kid, kid)) {
            continue;
        }
        named = true;
        if ((key->algorithms & JWA_BIT(alg)) == 0) {
            continue;
        }
        ambiguous =
            ambiguous || (first != NULL && EVP_PKEY_eq(first->pkey, key->pkey) != 1);
        first = first != NULL ? first : key;
    }
    HOLDS((found != NULL) == (reason == REASON_OK));
    HOLDS(reason == (ambiguous       ? REASON_KEY_AMBIGUOUS
                     : first != NULL ? REASON_OK
                     : named         ? REASON_KEY_NOT_ELIGIBLE
                                     : REASON_KEY_UNKNOWN));
    if (found != NULL) {
        HOLDS(EVP_PKEY_eq(first->pkey, found->pkey) == 1);
        HOLDS((found->algorithms & JWA_BIT(alg)) != 0);
        HOLDS(kid == NULL || kid_equal(found->kid, kid));
    }
}

static void check_set(const struct jwks *jwks, size_t keys)
{
    HOLDS(jwks->count + jwks->skipped_count == keys && keys <= 64);
    for (size_t i = 0; i < jwks->skipped_count; i++) {
        HOLDS(jwks->skipped[i].why != NULL && jwks->skipped[i].position < keys);
    }
    for (size_t i = 0; i < jwks->count; i++) {
        check_key(&jwks->keys[i]);
        HOLDS(i == 0 || jwks->keys[i - 1].kid == NULL ||
              (jwks->keys[i].kid != NULL &&
               strcmp(jwks->keys[i - 1].kid, jwks->keys[i].kid) <= 0));
        for (enum jwa_alg alg = 0; alg < JWA_COUNT; alg++) {
            check_find(jwks, jwks->keys[i].kid, alg);
        }
    }
    for (enum jwa_alg alg = 0; alg < JWA_COUNT; alg++) {
        check_find(jwks, NULL, alg);
        check_find(jwks, "nobody's", alg);
    }
}

static void check_refusal(enum reason reason)
{
    HOLDS(reason == REASON_JWKS_MALFORMED || reason == REASON_JWKS_TOO_LARGE ||
          reason == REASON_JWKS_PRIVATE_KEY || reason == REASON_JSON_SYNTAX ||
          reason == REASON_JSON_ENCODING || reason == REASON_JSON_DUPLICATE_NAME ||
          reason == REASON_JSON_TOO_LARGE);
}

/* A document whose asymmetric keys hold private members is refused as a whole. */
static size_t count_keys(struct part document, apr_pool_t *pool)
{
    static const struct json_limits limits = JSON_LIMITS_DEFAULT;
    const json_value *json;
    const json_value *keys;

    HOLDS(json_parse(&json, document.bytes, document.len, &limits, pool) == REASON_OK);
    keys = json_member(json, "keys");
    HOLDS(json_is_array(keys));
    for (const json_value *key = json_first(keys); key != NULL; key = json_next(key)) {
        const char *kty = json_string(json_member(key, "kty"));

        HOLDS(json_is_object(key));
        HOLDS(json_member(key, "d") == NULL || (kty != NULL && strcmp(kty, "oct") == 0));
    }
    return json_size(keys);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool = fuzz_begin();
    struct part document = fuzz_document((struct part){fuzz_bytes(data, size), size});
    struct jwks *jwks;
    enum reason reason = jwks_parse(&jwks, document.bytes, document.len, pool);

    if (reason == REASON_OK || reason == REASON_JWKS_NO_USABLE_KEY) {
        HOLDS(jwks != NULL && (jwks->count > 0) == (reason == REASON_OK));
        check_set(jwks, count_keys(document, pool));
    }
    else {
        HOLDS(jwks == NULL);
        check_refusal(reason);
    }
    HOLDS(reason == REASON_OK || *jwks_problem(reason) != '\0');
    HOLDS(*jwks_problem(REASON_INTERNAL_ERROR) != '\0');
    HOLDS(ERR_peek_error() == 0); /* the thread's queue is shared with mod_ssl */
    jwks_destroy(jwks);
    fuzz_end();
    return 0;
}
