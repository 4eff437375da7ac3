#include "key.h"

#include <apr_strings.h>
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <stdbool.h>
#include <string.h>

#include "object.h"
#include "token/base64url.h"

static apr_status_t free_pkey(void *data)
{
    EVP_PKEY_free(data);
    return APR_SUCCESS;
}

static apr_status_t free_bio(void *data)
{
    BIO_free_all(data); /* the kind used here wipes its memory */
    return APR_SUCCESS;
}

/* What OpenSSL says, or @a otherwise when it says nothing. */
static const char *openssl_error(const char *otherwise, apr_pool_t *pool)
{
    const char *said = ERR_reason_error_string(ERR_peek_error());
    const char *why =
        said != NULL ? apr_psprintf(pool, "%s (%s)", otherwise, said) : otherwise;

    ERR_clear_error();
    return why;
}

static const char *encode(const unsigned char *bytes, size_t len, apr_pool_t *pool)
{
    char *text = apr_palloc(pool, BASE64URL_ENCODED_LENGTH(len) + 1);

    base64url_encode(text, bytes, len);
    return text;
}

const char *key_generate(struct signing_key *key, enum jwa_alg alg, unsigned bits,
                         apr_pool_t *pool)
{
    const struct jwa *jwa = jwa_get(alg);

    memset(key, 0, sizeof(*key));
    key->alg = alg;
    switch (jwa->type) {
    case JWA_KTY_RSA:
        key->pkey = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)bits);
        break;
    case JWA_KTY_EC:
        key->pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", jwa->group);
        break;
    case JWA_KTY_OKP:
        key->pkey = EVP_PKEY_Q_keygen(NULL, NULL, jwa->group);
        break;
    case JWA_KTY_OCT:
        break;
    }
    if (key->pkey == NULL) {
        return openssl_error("no key could be made", pool);
    }
    apr_pool_cleanup_register(pool, key->pkey, free_pkey, apr_pool_cleanup_null);
    return NULL;
}

const char *key_to_pem(const char **pem, size_t *len, const struct signing_key *key,
                       apr_pool_t *pool)
{
    BIO *bio = BIO_new(BIO_s_secmem());
    char *bytes;
    long n;

    apr_pool_cleanup_register(pool, bio, free_bio, apr_pool_cleanup_null);
    if (bio == NULL ||
        PEM_write_bio_PKCS8PrivateKey(bio, key->pkey, NULL, NULL, 0, NULL, NULL) != 1) {
        return openssl_error("the key could not be written as PEM", pool);
    }
    n = BIO_get_mem_data(bio, &bytes);
    *pem = bytes;
    *len = (size_t)n;
    return NULL;
}

/* Instead of a prompt on the terminal: note that one would be needed. */
static int no_passphrase(char *buffer, int size, int writing, void *asked)
{
    (void)buffer;
    (void)size;
    (void)writing;
    *(bool *)asked = true;
    return -1;
}

/* Is the key of the kind, and on the curve, that the algorithm needs? */
static bool key_fits(const EVP_PKEY *pkey, const struct jwa *jwa)
{
    char group[32];

    switch (jwa->type) {
    case JWA_KTY_RSA:
        return EVP_PKEY_is_a(pkey, "RSA");
    case JWA_KTY_EC:
        return EVP_PKEY_is_a(pkey, "EC") &&
               EVP_PKEY_get_group_name(pkey, group, sizeof(group), NULL) == 1 &&
               strcmp(group, jwa->group) == 0;
    case JWA_KTY_OKP:
        return EVP_PKEY_is_a(pkey, jwa->group);
    case JWA_KTY_OCT:
        break;
    }
    return false;
}

/* The first algorithm of the table that the key fits: the usual one of its kind. */
static const char *choose_algorithm(struct signing_key *key, const enum jwa_alg *alg,
                                    apr_pool_t *pool)
{
    if (alg != NULL) {
        key->alg = *alg;
        if (key_fits(key->pkey, jwa_get(*alg))) {
            return NULL;
        }
        return apr_psprintf(pool, "the key is not one for %s", jwa_get(*alg)->name);
    }
    for (enum jwa_alg i = 0; i < JWA_COUNT; i++) {
        if (key_fits(key->pkey, jwa_get(i))) {
            key->alg = i;
            return NULL;
        }
    }
    return "the key is none that signs here (RSA, P-256, P-384, P-521, Ed25519)";
}

const char *key_from_pem(struct signing_key *key, const char *pem, size_t len,
                         const enum jwa_alg *alg, apr_pool_t *pool)
{
    bool asked = false;
    BIO *bio = BIO_new_mem_buf(pem, (int)len);

    memset(key, 0, sizeof(*key));
    key->pkey = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, &asked);
    BIO_free(bio);
    if (key->pkey == NULL) {
        ERR_clear_error();
        return asked
                   ? "the private key is encrypted; only plain keys are read"
                   : "not a PEM private key (a secret needs --alg HS256, HS384 or HS512)";
    }
    apr_pool_cleanup_register(pool, key->pkey, free_pkey, apr_pool_cleanup_null);
    ERR_clear_error();
    return choose_algorithm(key, alg, pool);
}

const char *key_generate_secret(const char **text, enum jwa_alg alg, apr_pool_t *pool)
{
    unsigned char bytes[EVP_MAX_MD_SIZE];
    size_t len = jwa_get(alg)->digest_size;

    if (RAND_priv_bytes(bytes, (int)len) != 1) {
        return openssl_error("no random bytes could be had", pool);
    }
    *text = encode(bytes, len, pool);
    OPENSSL_cleanse(bytes, sizeof(bytes));
    return NULL;
}

/* A number of the key as base64url; NULL when OpenSSL does not give it. */
static const char *read_number(const EVP_PKEY *pkey, const char *name, size_t width,
                               apr_pool_t *pool)
{
    BIGNUM *number = NULL;
    const char *text = NULL;
    unsigned char *bytes;
    int len;

    if (EVP_PKEY_get_bn_param(pkey, name, &number) == 1) {
        len = width > 0 ? (int)width : BN_num_bytes(number);
        bytes = apr_palloc(pool, (size_t)len);
        if (BN_bn2binpad(number, bytes, len) == len) {
            text = encode(bytes, (size_t)len, pool);
        }
    }
    BN_free(number);
    return text;
}

/* Set the members that are the public key: RFC 7518 6.2.1, 6.3.1, RFC 8037 2. */
static bool set_public_members(object *jwk, const struct signing_key *key)
{
    const struct jwa *jwa = jwa_get(key->alg);
    apr_pool_t *pool = jwk->pool;
    unsigned char raw[32];
    size_t len = sizeof(raw);
    const char *first = NULL;
    const char *second = NULL;

    switch (jwa->type) {
    case JWA_KTY_RSA:
        first = read_number(key->pkey, OSSL_PKEY_PARAM_RSA_N, 0, pool);
        second = read_number(key->pkey, OSSL_PKEY_PARAM_RSA_E, 0, pool);
        break;
    case JWA_KTY_EC:
        first = read_number(key->pkey, OSSL_PKEY_PARAM_EC_PUB_X, jwa->coordinate, pool);
        second = read_number(key->pkey, OSSL_PKEY_PARAM_EC_PUB_Y, jwa->coordinate, pool);
        break;
    case JWA_KTY_OKP:
        if (EVP_PKEY_get_raw_public_key(key->pkey, raw, &len) == 1) {
            first = encode(raw, len, pool);
        }
        break;
    case JWA_KTY_OCT:
        break;
    }
    if (first == NULL || (second == NULL && jwa->type != JWA_KTY_OKP)) {
        return false;
    }
    if (jwa->crv != NULL) {
        object_set_string(jwk, "crv", jwa->crv);
    }
    object_set_string(jwk, jwa->type == JWA_KTY_RSA ? "n" : "x", first);
    if (second != NULL) {
        object_set_string(jwk, jwa->type == JWA_KTY_RSA ? "e" : "y", second);
    }
    return true;
}

const char *key_thumbprint(const char **thumbprint, const struct signing_key *key,
                           apr_pool_t *pool)
{
    /* RFC 7638 3.3: the required members and no others, in the order of their names. */
    static const char *const order[] = {"crv", "e", "kty", "n", "x", "y"};
    unsigned char digest[EVP_MAX_MD_SIZE];
    size_t len;
    object *jwk = object_create(pool);
    const char *text;

    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        object_set(jwk, order[i], NULL);
    }
    object_set_string(jwk, "kty", jwa_get(key->alg)->kty);
    if (!set_public_members(jwk, key)) {
        return openssl_error("the public key could not be read", pool);
    }
    text = object_text(jwk, pool);
    if (!EVP_Q_digest(NULL, "SHA256", NULL, text, strlen(text), digest, &len)) {
        return openssl_error("the key's thumbprint could not be made", pool);
    }
    *thumbprint = encode(digest, len, pool);
    return NULL;
}

const char *key_to_jwks(const char **jwks, const struct signing_key *key, const char *kid,
                        apr_pool_t *pool)
{
    object *jwk = object_create(pool);

    object_set_string(jwk, "kty", jwa_get(key->alg)->kty);
    object_set_string(jwk, "alg", jwa_get(key->alg)->name);
    object_set_string(jwk, "use", "sig");
    object_set_string(jwk, "kid", kid);
    if (!set_public_members(jwk, key)) {
        return openssl_error("the public key could not be read", pool);
    }
    *jwks = apr_pstrcat(pool, "{\"keys\":[", object_text(jwk, pool), "]}\n", NULL);
    return NULL;
}
