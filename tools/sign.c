#include "sign.h"

#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <stdbool.h>
#include <string.h>

#include "token/base64url.h"

/* RFC 7518 3.4: r || s of fixed length, where OpenSSL gives DER; NULL if it is none. */
static unsigned char *ecdsa_from_der(const unsigned char *der, size_t len,
                                     size_t coordinate, apr_pool_t *pool)
{
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long)len);
    unsigned char *out = apr_palloc(pool, 2 * coordinate);
    int width = (int)coordinate;

    if (pair == NULL || BN_bn2binpad(ECDSA_SIG_get0_r(pair), out, width) != width ||
        BN_bn2binpad(ECDSA_SIG_get0_s(pair), out + coordinate, width) != width) {
        out = NULL;
    }
    ECDSA_SIG_free(pair);
    return out;
}

static bool sign_with_secret(unsigned char **out, size_t *out_len,
                             const struct signing_key *key, const char *message,
                             size_t len, apr_pool_t *pool)
{
    *out = apr_palloc(pool, EVP_MAX_MD_SIZE);
    return EVP_Q_mac(NULL, "HMAC", NULL, jwa_get(key->alg)->digest, NULL, key->secret,
                     key->secret_len, (const unsigned char *)message, len, *out,
                     EVP_MAX_MD_SIZE, out_len) != NULL;
}

static bool sign_with_pkey(unsigned char **out, size_t *out_len,
                           const struct signing_key *key, const char *message, size_t len,
                           apr_pool_t *pool)
{
    const struct jwa *jwa = jwa_get(key->alg);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *pctx; /* owned by ctx */
    bool done = false;

    if (ctx == NULL || EVP_DigestSignInit_ex(ctx, &pctx, jwa->digest, NULL, NULL,
                                             key->pkey, NULL) <= 0) {
        goto end;
    }
    /* RFC 7518 3.5: the salt is as long as the hash. */
    if (jwa->pss &&
        (EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) <= 0 ||
         EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, RSA_PSS_SALTLEN_DIGEST) <= 0)) {
        goto end;
    }
    if (EVP_DigestSign(ctx, NULL, out_len, (const unsigned char *)message, len) <= 0) {
        goto end;
    }
    *out = apr_palloc(pool, *out_len);
    if (EVP_DigestSign(ctx, *out, out_len, (const unsigned char *)message, len) <= 0) {
        goto end;
    }
    if (jwa->type == JWA_KTY_EC) {
        *out = ecdsa_from_der(*out, *out_len, jwa->coordinate, pool);
        *out_len = 2 * jwa->coordinate;
    }
    done = *out != NULL;

end:
    EVP_MD_CTX_free(ctx);
    return done;
}

const char *sign_message(const char **signature, const struct signing_key *key,
                         const char *message, size_t len, apr_pool_t *pool)
{
    unsigned char *bytes = NULL;
    size_t size = 0;
    char *text;

    if (!(key->pkey != NULL ? sign_with_pkey : sign_with_secret)(&bytes, &size, key,
                                                                 message, len, pool)) {
        ERR_clear_error();
        return "the key could not sign (too small for the algorithm, perhaps)";
    }
    text = apr_palloc(pool, BASE64URL_ENCODED_LENGTH(size) + 1);
    base64url_encode(text, bytes, size);
    *signature = text;
    return NULL;
}
