#include "token/secret.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdlib.h>

struct secret {
    EVP_MAC_CTX *keyed[JWA_COUNT]; /* ready to be copied; NULL where not allowed */
};

static EVP_MAC_CTX *make_keyed(EVP_MAC *hmac, const struct jwa *jwa,
                               const unsigned char *bytes, size_t len)
{
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(hmac);
    char *digest = (char *)(size_t)jwa->digest; /* OpenSSL only reads it */
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };

    if (ctx == NULL || !EVP_MAC_init(ctx, bytes, len, params)) {
        EVP_MAC_CTX_free(ctx);
        return NULL;
    }
    return ctx;
}

struct secret *secret_create(const unsigned char *bytes, size_t len, unsigned algorithms)
{
    struct secret *secret = NULL;
    EVP_MAC *hmac = NULL;

    if (len > SECRET_MAX || (algorithms & JWA_SECRET_ALGORITHMS) == 0) {
        return NULL;
    }
    secret = calloc(1, sizeof(*secret));
    hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    if (secret == NULL || hmac == NULL) {
        goto failed;
    }
    for (enum jwa_alg i = 0; i < JWA_COUNT; i++) {
        if ((algorithms & JWA_SECRET_ALGORITHMS & JWA_BIT(i)) == 0) {
            continue;
        }
        if (len < jwa_get(i)->digest_size) {
            goto failed;
        }
        secret->keyed[i] = make_keyed(hmac, jwa_get(i), bytes, len);
        if (secret->keyed[i] == NULL) {
            goto failed;
        }
    }
    EVP_MAC_free(hmac);
    ERR_clear_error(); /* the thread's queue is shared with mod_ssl */
    return secret;

failed:
    ERR_clear_error();
    EVP_MAC_free(hmac);
    secret_destroy(secret);
    return NULL;
}

void secret_destroy(struct secret *secret)
{
    if (secret == NULL) {
        return;
    }
    for (enum jwa_alg i = 0; i < JWA_COUNT; i++) {
        EVP_MAC_CTX_free(secret->keyed[i]); /* clears the key */
    }
    free(secret);
}

enum reason secret_verify(const struct secret *secret, enum jwa_alg alg,
                          const char *input, size_t input_len, const unsigned char *code,
                          size_t code_len)
{
    unsigned char expected[EVP_MAX_MD_SIZE];
    size_t expected_len = 0;
    enum reason reason = REASON_INTERNAL_ERROR;
    EVP_MAC_CTX *ctx;

    if (secret->keyed[alg] == NULL) {
        return REASON_SIGNATURE_INVALID;
    }
    ctx = EVP_MAC_CTX_dup(secret->keyed[alg]);
    if (ctx != NULL && EVP_MAC_update(ctx, (const unsigned char *)input, input_len) &&
        EVP_MAC_final(ctx, expected, &expected_len, sizeof(expected))) {
        reason = code_len == jwa_get(alg)->digest_size && code_len == expected_len &&
                         CRYPTO_memcmp(expected, code, code_len) == 0
                     ? REASON_OK
                     : REASON_SIGNATURE_INVALID;
    }
    EVP_MAC_CTX_free(ctx);
    OPENSSL_cleanse(expected, sizeof(expected));
    ERR_clear_error();
    return reason;
}
