#include "token/jwk_key.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#include "token/base64url.h"
#include "token/crypto_error.h"

const char jwk_no_memory[] = "no memory";

/* Bytes of the longest number: an RSA modulus of 8192 bits; one more shows excess. */
#define NUMBER_MAX (JWK_RSA_BITS_MAX / 8 + 1)

#define ED25519_LENGTH 32

bool ed25519_is_low_order(const unsigned char *point)
{
    /*
     * The y coordinates of the small subgroup, least byte first, and the
     * encodings of 0 and 1 plus the field's prime. The top bit, the sign of x,
     * does not matter.
     */
    static const unsigned char low_order[][ED25519_LENGTH] = {
        {0},
        {1},
        {0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4,
         0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6,
         0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05},
        {0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b,
         0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39,
         0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a},
        {0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
         0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
         0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
        {0xed, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
         0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
         0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
        {0xee, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
         0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
         0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
    };
    unsigned char y[ED25519_LENGTH];

    memcpy(y, point, sizeof(y));
    y[ED25519_LENGTH - 1] &= 0x7f;
    for (size_t i = 0; i < sizeof(low_order) / sizeof(low_order[0]); i++) {
        if (memcmp(y, low_order[i], sizeof(y)) == 0) {
            return true;
        }
    }
    return false;
}

bool jwk_is_private(const json_value *json)
{
    static const char *const members[] = {"d", "p", "q", "dp", "dq", "qi", "oth"};
    const char *kty = json_string(json_member(json, "kty"));

    if (kty != NULL && strcmp(kty, "oct") == 0) {
        return false; /* skipped as a whole: it is not an asymmetric key */
    }
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        if (json_member(json, members[i]) != NULL) {
            return true;
        }
    }
    return false;
}

/*
 * A base64url member as bytes. Length 0 stands for a missing, broken or
 * over-long member: no key has an empty number.
 */
static size_t read_bytes(unsigned char *out, size_t max, const json_value *json,
                         const char *name, apr_pool_t *pool)
{
    const char *text = json_string(json_member(json, name));
    unsigned char *bytes;
    size_t len;

    if (text == NULL || strlen(text) > BASE64URL_ENCODED_LENGTH(max)) {
        return 0;
    }
    bytes = apr_palloc(pool, BASE64URL_DECODED_MAX(strlen(text)));
    if (!base64url_decode(bytes, &len, text, strlen(text)) || len > max) {
        return 0;
    }
    memcpy(out, bytes, len);
    return len;
}

/* Build a public key from parameters, as EVP_PKEY_fromdata(3) has it. */
static EVP_PKEY *key_from_params(const char *type, OSSL_PARAM_BLD *builder)
{
    EVP_PKEY *pkey = NULL;
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);

    if (params == NULL || ctx == NULL || EVP_PKEY_fromdata_init(ctx) <= 0 ||
        EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) <= 0) {
        pkey = NULL;
    }
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    return pkey;
}

/*
 * The mark of keys made by Infineon's library (CVE-2017-15361, "ROCA"): modulo
 * every small prime, the modulus is a power of 65537. One sound modulus in
 * about 2^27 looks the same.
 */
static bool has_roca_mark(const BIGNUM *n)
{
    static const unsigned primes[] = {
        3,   5,   7,   11,  13,  17,  19,  23,  29,  31,  37,  41,  43,
        47,  53,  59,  61,  67,  71,  73,  79,  83,  89,  97,  101, 103,
        107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
    };

    for (size_t i = 0; i < sizeof(primes) / sizeof(primes[0]); i++) {
        unsigned prime = primes[i];
        unsigned residue = (unsigned)BN_mod_word(n, prime);
        unsigned power = 1;

        do {
            power = power * (65537 % prime) % prime;
        } while (power != residue && power != 1);
        if (power != residue) {
            return false;
        }
    }
    return true;
}

static const char *check_rsa(const BIGNUM *n, const BIGNUM *e)
{
    if (BN_num_bits(n) < JWK_RSA_BITS_MIN) {
        return "RSA modulus under 2048 bits";
    }
    if (BN_num_bits(n) > JWK_RSA_BITS_MAX) {
        return "RSA modulus over 8192 bits";
    }
    if (!BN_is_odd(n)) {
        return "RSA modulus even";
    }
    /* 2^32 itself is even, so 32 bits are the limit. */
    if (BN_num_bits(e) < 2 || BN_num_bits(e) > 32 || !BN_is_odd(e)) {
        return "RSA exponent not odd and from 3 to 2^32";
    }
    if (has_roca_mark(n)) {
        return "RSA modulus made by a broken generator (ROCA)";
    }
    return NULL;
}

static const char *read_rsa(EVP_PKEY **pkey, const json_value *json, apr_pool_t *pool)
{
    unsigned char bytes[NUMBER_MAX];
    size_t len;
    BIGNUM *n = NULL;
    BIGNUM *e = NULL;
    OSSL_PARAM_BLD *builder = NULL;
    const char *why = jwk_no_memory;

    len = read_bytes(bytes, sizeof(bytes), json, "n", pool);
    if (len == 0) {
        return "RSA modulus missing, not base64url or too long";
    }
    n = BN_bin2bn(bytes, (int)len, NULL);
    len = read_bytes(bytes, sizeof(bytes), json, "e", pool);
    if (len == 0) {
        why = "RSA exponent missing, not base64url or too long";
        goto done;
    }
    e = BN_bin2bn(bytes, (int)len, NULL);
    if (n == NULL || e == NULL) {
        goto done;
    }
    why = check_rsa(n, e);
    if (why != NULL) {
        goto done;
    }

    why = "RSA key refused by OpenSSL";
    builder = OSSL_PARAM_BLD_new();
    if (builder == NULL || !OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) ||
        !OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e)) {
        goto done;
    }
    *pkey = key_from_params("RSA", builder);
    if (*pkey != NULL) {
        why = NULL;
    }

done:
    OSSL_PARAM_BLD_free(builder);
    BN_free(e);
    BN_free(n);
    return why;
}

/* The algorithm of the table whose keys are on this curve; NULL when none is. */
static const struct jwa *find_curve(const char *kty, const char *crv)
{
    for (enum jwa_alg i = 0; i < JWA_COUNT; i++) {
        const struct jwa *jwa = jwa_get(i);

        if (jwa->crv != NULL && strcmp(jwa->kty, kty) == 0 &&
            strcmp(jwa->crv, crv) == 0) {
            return jwa;
        }
    }
    return NULL;
}

static bool on_curve(EVP_PKEY *pkey)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
    bool valid = ctx != NULL && EVP_PKEY_public_check(ctx) == 1;

    EVP_PKEY_CTX_free(ctx);
    return valid;
}

static const char *read_ec(EVP_PKEY **pkey, const struct jwa *jwa, const json_value *json,
                           apr_pool_t *pool)
{
    /* SEC 1 2.3.3: 04 || x || y, each as long as the field (RFC 7518 6.2.1.2). */
    unsigned char point[1 + 2 * 66];
    size_t length = jwa->coordinate;
    OSSL_PARAM_BLD *builder;

    point[0] = 4;
    if (read_bytes(point + 1, length, json, "x", pool) != length ||
        read_bytes(point + 1 + length, length, json, "y", pool) != length) {
        return "EC coordinate missing, not base64url or of the wrong length";
    }
    builder = OSSL_PARAM_BLD_new();
    if (builder != NULL &&
        OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, jwa->group,
                                        0) &&
        OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point,
                                         1 + 2 * length)) {
        *pkey = key_from_params("EC", builder);
    }
    OSSL_PARAM_BLD_free(builder);
    if (*pkey == NULL || !on_curve(*pkey)) {
        EVP_PKEY_free(*pkey);
        *pkey = NULL;
        return "EC point not on the curve";
    }
    return NULL;
}

static const char *read_okp(EVP_PKEY **pkey, const struct jwa *jwa,
                            const json_value *json, apr_pool_t *pool)
{
    unsigned char x[ED25519_LENGTH];

    if (read_bytes(x, sizeof(x), json, "x", pool) != sizeof(x)) {
        return "OKP public key missing, not base64url or of the wrong length";
    }
    if (ed25519_is_low_order(x)) {
        return "OKP public key of low order";
    }
    *pkey = EVP_PKEY_new_raw_public_key_ex(NULL, jwa->group, NULL, x, sizeof(x));
    return *pkey != NULL ? NULL : "OKP key refused by OpenSSL";
}

/* Make the key itself, and say which algorithms a key of this kind can verify. */
static const char *read_material(struct jwk *key, const json_value *json,
                                 apr_pool_t *pool)
{
    const char *kty = json_string(json_member(json, "kty"));
    const char *crv = json_string(json_member(json, "crv"));
    const struct jwa *curve = NULL;

    if (kty == NULL) {
        return "kty missing or not a string";
    }
    if (strcmp(kty, "oct") == 0) {
        return "a symmetric key has no place in a published set";
    }
    if (strcmp(kty, "RSA") != 0) {
        curve = crv != NULL ? find_curve(kty, crv) : NULL;
        if (curve == NULL) {
            return "kty or crv not supported";
        }
    }
    for (enum jwa_alg i = 0; i < JWA_COUNT; i++) {
        if (curve != NULL ? jwa_get(i) == curve : jwa_get(i)->type == JWA_KTY_RSA) {
            key->algorithms |= JWA_BIT(i);
        }
    }
    if (curve == NULL) {
        return read_rsa(&key->pkey, json, pool);
    }
    return curve->type == JWA_KTY_EC ? read_ec(&key->pkey, curve, json, pool)
                                     : read_okp(&key->pkey, curve, json, pool);
}

/* RFC 7517 4.3: each operation once, and none unrelated to verifying. */
static const char *check_key_ops(const json_value *key_ops)
{
    static const char *const allowed[] = {"verify", "sign"};
    bool seen[] = {false, false};

    if (!json_is_array(key_ops)) {
        return "key_ops not an array";
    }
    for (const json_value *op = json_first(key_ops); op != NULL; op = json_next(op)) {
        const char *name = json_string(op);
        size_t i = 0;

        while (i < 2 && (name == NULL || strcmp(name, allowed[i]) != 0)) {
            i++;
        }
        if (i == 2 || seen[i]) {
            return "key_ops has more than sign and verify, each once";
        }
        seen[i] = true;
    }
    return seen[0] ? NULL : "key_ops lacks verify";
}

/* RFC 7517 4.2 to 4.4: is the key meant for verifying, and with what? */
static const char *check_purpose(struct jwk *key, const json_value *json)
{
    const json_value *use = json_member(json, "use");
    const json_value *key_ops = json_member(json, "key_ops");
    const json_value *alg_member = json_member(json, "alg");
    enum jwa_alg alg;

    if (use != NULL &&
        (json_string(use) == NULL || strcmp(json_string(use), "sig") != 0)) {
        return "use is not sig";
    }
    if (key_ops != NULL) {
        const char *why = check_key_ops(key_ops);

        if (why != NULL) {
            return why;
        }
    }
    if (alg_member != NULL) {
        if (!jwa_find(&alg, json_string(alg_member))) {
            return "alg not supported";
        }
        key->algorithms &= JWA_BIT(alg);
        if (key->algorithms == 0) {
            return "alg contradicts the kind of key";
        }
    }
    return NULL;
}

/* A context with everything set but the message; NULL when OpenSSL will not. */
static EVP_MD_CTX *make_verifier(EVP_PKEY *pkey, const struct jwa *jwa)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *pctx; /* owned by ctx */

    if (ctx == NULL ||
        EVP_DigestVerifyInit_ex(ctx, &pctx, jwa->digest, NULL, NULL, pkey, NULL) <= 0) {
        goto failed;
    }
    /* RFC 7518 3.5: MGF1 with the same digest (OpenSSL's default), salt as long. */
    if (jwa->pss &&
        (EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) <= 0 ||
         EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, RSA_PSS_SALTLEN_DIGEST) <= 0)) {
        goto failed;
    }
    return ctx;

failed:
    EVP_MD_CTX_free(ctx);
    return NULL;
}

static const char *make_verifiers(struct jwk *key)
{
    for (enum jwa_alg i = 0; i < JWA_COUNT; i++) {
        if ((key->algorithms & JWA_BIT(i)) == 0) {
            continue;
        }
        key->verifier[i] = make_verifier(key->pkey, jwa_get(i));
        if (key->verifier[i] == NULL) {
            return "key refused by OpenSSL for its algorithm";
        }
    }
    return NULL;
}

static const char *read_kid(char **kid, const json_value *json)
{
    const json_value *member = json_member(json, "kid");
    const char *text = json_string(member);

    if (member == NULL) {
        return NULL;
    }
    if (text == NULL || !jwk_kid_is_valid(text)) {
        return "kid not a string, empty, too long or with control characters";
    }
    *kid = strdup(text);
    return *kid != NULL ? NULL : jwk_no_memory;
}

const char *jwk_read(struct jwk *key, const json_value *json, apr_pool_t *pool)
{
    const char *why;

    ERR_clear_error(); /* the thread's queue is shared with mod_ssl */
    why = read_kid(&key->kid, json);
    if (why == NULL) {
        why = read_material(key, json, pool);
    }
    if (why == NULL) {
        why = check_purpose(key, json);
    }
    if (why == NULL) {
        why = make_verifiers(key);
    }
    if (why != NULL) {
        jwk_clear(key);
    }
    /* Whatever OpenSSL refused for that, another time it may take the key. */
    return crypto_ran_out_of_memory() && why != NULL ? jwk_no_memory : why;
}

void jwk_clear(struct jwk *key)
{
    for (enum jwa_alg i = 0; i < JWA_COUNT; i++) {
        EVP_MD_CTX_free(key->verifier[i]);
    }
    EVP_PKEY_free(key->pkey);
    free(key->kid);
    memset(key, 0, sizeof(*key));
}
