#define OPENSSL_SUPPRESS_DEPRECATED /* RAND_METHOD, for keys that are always the same */

#include "fuzz.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "token/base64url.h"
#include "exact_pool.h"

#undef apr_palloc
#undef apr_pstrdup
#undef apr_pstrmemdup
#undef apr_pstrcat

#define SIGNATURE_MAX 1024

/* What exact_palloc has handed out for the input at hand. */
struct piece {
    struct piece *next;
    const apr_pool_t *pool;
    void *memory;
};

static apr_pool_t *pool;
static struct piece *pieces;
static uint64_t random_state;

enum kind { RSA_KEY, P256, P384, P521, ED25519, KINDS };

static const char *const placeholders[KINDS] = {"rsa", "p256", "p384", "p521", "ed25519"};
static const enum jwa_alg algorithm_of[KINDS] = {JWA_RS256, JWA_ES256, JWA_ES384,
                                                 JWA_ES512, JWA_EDDSA};

void fuzz_fail(const char *file, int line, const char *condition)
{
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
    abort();
}

static void *allocate(size_t size)
{
    void *memory = malloc(size);

    HOLDS(memory != NULL);
    return memory;
}

/* The list is apart from the pieces, so that nothing of ours lies beside their bytes. */
void *exact_palloc(apr_pool_t *of, apr_size_t size)
{
    struct piece *piece = allocate(sizeof(*piece));

    piece->pool = of;
    piece->memory = allocate(size);
    piece->next = pieces;
    pieces = piece;
    return piece->memory;
}

char *exact_pstrmemdup(apr_pool_t *of, const char *text, apr_size_t len)
{
    char *copy = exact_palloc(of, len + 1);

    memcpy(copy, text, len);
    copy[len] = '\0';
    return copy;
}

char *exact_pstrdup(apr_pool_t *of, const char *text)
{
    return exact_pstrmemdup(of, text, strlen(text));
}

char *exact_pstrcat(apr_pool_t *of, ...)
{
    char *joined = NULL;
    size_t len = 0;
    FILE *stream = open_memstream(&joined, &len);
    const char *text;
    char *copy;
    va_list texts;

    HOLDS(stream != NULL);
    va_start(texts, of);
    while ((text = va_arg(texts, const char *)) != NULL) {
        fputs(text, stream);
    }
    va_end(texts);
    fclose(stream);
    copy = exact_pstrmemdup(of, joined, len);
    free(joined);
    return copy;
}

/*
 * SplitMix64: nobody's secret depends on it here. With it, keys and signatures are
 * the same in every run, and a finding can be seen again.
 */
static int random_bytes(unsigned char *out, int len)
{
    for (int i = 0; i < len; i++) {
        uint64_t z = random_state += 0x9e3779b97f4a7c15u;

        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        out[i] = (unsigned char)(z ^ (z >> 31));
    }
    return 1;
}

static int random_ready(void)
{
    return 1;
}

static void start(void)
{
    static const RAND_METHOD method = {
        .bytes = random_bytes, .pseudorand = random_bytes, .status = random_ready};

    HOLDS(apr_initialize() == APR_SUCCESS);
    HOLDS(RAND_set_rand_method(&method) == 1);
}

apr_pool_t *fuzz_begin(void)
{
    static bool started;

    if (!started) {
        start();
        started = true;
    }
    random_state = 1;
    HOLDS(apr_pool_create(&pool, NULL) == APR_SUCCESS);
    return pool;
}

/* Those of one pool, or with NULL all. */
static void free_pieces(const apr_pool_t *of)
{
    struct piece **link = &pieces;

    while (*link != NULL) {
        struct piece *piece = *link;

        if (of != NULL && piece->pool != of) {
            link = &piece->next;
            continue;
        }
        *link = piece->next;
        free(piece->memory);
        free(piece);
    }
}

void fuzz_forget(apr_pool_t *gone)
{
    apr_pool_clear(gone);
    free_pieces(gone);
}

void fuzz_end(void)
{
    apr_pool_destroy(pool);
    free_pieces(NULL);
}

void *fuzz_room(size_t len)
{
    return exact_palloc(pool, len);
}

char *fuzz_bytes(const void *bytes, size_t len)
{
    char *copy = fuzz_room(len);

    if (len > 0) {
        memcpy(copy, bytes, len);
    }
    return copy;
}

char *fuzz_string(const void *bytes, size_t len)
{
    char *copy = fuzz_room(len + 1);

    if (len > 0) {
        memcpy(copy, bytes, len);
    }
    copy[len] = '\0';
    return copy;
}

void fuzz_split(struct part *part, size_t count, const uint8_t *data, size_t size)
{
    static const char line[] = "\n--\n";
    const char *start_of_part = (const char *)data;
    const char *end = start_of_part + size;

    for (size_t i = 0; i < count; i++) {
        const char *stop = i + 1 < count && start_of_part < end
                               ? memmem(start_of_part, (size_t)(end - start_of_part),
                                        line, sizeof(line) - 1)
                               : NULL;

        part[i].len = (size_t)((stop != NULL ? stop : end) - start_of_part);
        part[i].bytes = fuzz_bytes(start_of_part, part[i].len);
        start_of_part = stop != NULL ? stop + sizeof(line) - 1 : end;
    }
}

char *fuzz_b64(const void *bytes, size_t len)
{
    char *text = fuzz_room(BASE64URL_ENCODED_LENGTH(len) + 1);

    base64url_encode(text, bytes, len);
    return text;
}

bool fuzz_has_control(const char *text)
{
    for (size_t i = 0; text[i] != '\0'; i++) {
        unsigned char c = (unsigned char)text[i];
        unsigned char next = (unsigned char)text[i + 1];

        if (c <= 0x1f || c == 0x7f || (c == 0xc2 && next >= 0x80 && next <= 0x9f)) {
            return true;
        }
    }
    return false;
}

static bool text_equal(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

bool fuzz_json_equal(const json_value *a, const json_value *b)
{
    bool container = json_is_object(a) || json_is_array(a);

    if (json_is_object(a) != json_is_object(b) || json_is_array(a) != json_is_array(b) ||
        !text_equal(json_string(a), json_string(b)) ||
        !text_equal(json_name(a), json_name(b))) {
        return false;
    }
    if (!container) {
        return text_equal(json_text(a, pool), json_text(b, pool));
    }
    for (a = json_first(a), b = json_first(b); a != NULL && b != NULL;
         a = json_next(a), b = json_next(b)) {
        if (!fuzz_json_equal(a, b)) {
            return false;
        }
    }
    return a == NULL && b == NULL;
}

static enum kind kind_of(enum jwa_alg alg)
{
    const struct jwa *jwa = jwa_get(alg);

    if (jwa->type == JWA_KTY_RSA) {
        return RSA_KEY;
    }
    if (jwa->type == JWA_KTY_OKP) {
        return ED25519;
    }
    return jwa->coordinate == 32 ? P256 : jwa->coordinate == 48 ? P384 : P521;
}

static EVP_PKEY *make_key(enum kind kind)
{
    if (kind == RSA_KEY) {
        return EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
    }
    return kind == ED25519
               ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")
               : EVP_PKEY_Q_keygen(NULL, NULL, "EC", jwa_get(algorithm_of[kind])->group);
}

EVP_PKEY *fuzz_key(enum jwa_alg alg, enum whose whose)
{
    static EVP_PKEY *keys[OWNERS][KINDS];
    EVP_PKEY **key = &keys[whose][kind_of(alg)];

    if (*key == NULL) {
        uint64_t saved = random_state;

        random_state = 1000u * (unsigned)whose + (unsigned)kind_of(alg);
        *key = make_key(kind_of(alg));
        random_state = saved;
    }
    HOLDS(*key != NULL);
    return *key;
}

const unsigned char *fuzz_secret(enum whose whose)
{
    static unsigned char secret[OWNERS][FUZZ_SECRET_LENGTH];

    memset(secret[whose], whose == OURS ? 'o' : 't', FUZZ_SECRET_LENGTH);
    return secret[whose];
}

static const char *number_member(EVP_PKEY *key, const char *name, const char *param,
                                 size_t len)
{
    unsigned char bytes[SIGNATURE_MAX];
    BIGNUM *number = NULL;

    HOLDS(EVP_PKEY_get_bn_param(key, param, &number) == 1);
    if (len == 0) {
        len = (size_t)BN_num_bytes(number);
    }
    HOLDS(BN_bn2binpad(number, bytes, (int)len) == (int)len);
    BN_free(number);
    return apr_psprintf(pool, ",\"%s\":\"%s\"", name, fuzz_b64(bytes, len));
}

const char *fuzz_jwk_members(enum jwa_alg alg, enum whose whose)
{
    const struct jwa *jwa = jwa_get(alg);
    EVP_PKEY *key = fuzz_key(alg, whose);
    unsigned char point[32];
    size_t len = sizeof(point);

    if (jwa->type == JWA_KTY_RSA) {
        return apr_pstrcat(pool, "\"kty\":\"RSA\"",
                           number_member(key, "n", OSSL_PKEY_PARAM_RSA_N, 0),
                           number_member(key, "e", OSSL_PKEY_PARAM_RSA_E, 0), NULL);
    }
    if (jwa->type == JWA_KTY_EC) {
        return apr_pstrcat(
            pool, "\"kty\":\"EC\",\"crv\":\"", jwa->crv, "\"",
            number_member(key, "x", OSSL_PKEY_PARAM_EC_PUB_X, jwa->coordinate),
            number_member(key, "y", OSSL_PKEY_PARAM_EC_PUB_Y, jwa->coordinate), NULL);
    }
    HOLDS(EVP_PKEY_get_raw_public_key(key, point, &len) == 1);
    return apr_psprintf(pool, "\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"%s\"",
                        fuzz_b64(point, len));
}

/* The placeholder that begins at @a text; NULL when none does. */
static const char *placeholder(size_t *len, struct part text)
{
    static const char their[] = "@their-";

    for (int whose = OURS; whose < OWNERS; whose++) {
        size_t skip = whose == OURS ? 1 : sizeof(their) - 1;

        if (text.len < skip || memcmp(text.bytes, their, skip) != 0) {
            continue;
        }
        for (int kind = 0; kind < KINDS; kind++) {
            size_t name = strlen(placeholders[kind]);

            if (text.len - skip >= name &&
                memcmp(text.bytes + skip, placeholders[kind], name) == 0) {
                *len = skip + name;
                return fuzz_jwk_members(algorithm_of[kind], (enum whose)whose);
            }
        }
    }
    return NULL;
}

struct part fuzz_document(struct part text)
{
    char *out = NULL;
    size_t len = 0;
    FILE *stream = open_memstream(&out, &len);
    struct part document;

    HOLDS(stream != NULL);
    while (text.len > 0) {
        size_t taken = 1;
        const char *members = placeholder(&taken, text);

        if (members != NULL) {
            fputs(members, stream);
        }
        else {
            fputc(*text.bytes, stream);
        }
        text.bytes += taken;
        text.len -= taken;
    }
    fclose(stream);
    document.bytes = fuzz_bytes(out, len);
    document.len = len;
    free(out);
    return document;
}

/* RFC 7518 3.4: r || s, each as long as the curve's order. */
static size_t pair_of_der(unsigned char *signature, size_t der_len, size_t coordinate)
{
    const unsigned char *der = signature;
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long)der_len);
    int length = (int)coordinate;

    HOLDS(pair != NULL);
    HOLDS(BN_bn2binpad(ECDSA_SIG_get0_r(pair), signature, length) == length);
    HOLDS(BN_bn2binpad(ECDSA_SIG_get0_s(pair), signature + length, length) == length);
    ECDSA_SIG_free(pair);
    return 2 * coordinate;
}

size_t fuzz_sign(unsigned char *signature, enum jwa_alg alg, enum whose whose,
                 const char *input, size_t len)
{
    const struct jwa *jwa = jwa_get(alg);
    const unsigned char *bytes = (const unsigned char *)input;
    size_t signature_len = SIGNATURE_MAX;
    EVP_PKEY_CTX *pctx;
    EVP_MD_CTX *ctx;

    if (jwa->type == JWA_KTY_OCT) {
        HOLDS(EVP_Q_mac(NULL, "HMAC", NULL, jwa->digest, NULL, fuzz_secret(whose),
                        FUZZ_SECRET_LENGTH, bytes, len, signature, SIGNATURE_MAX,
                        &signature_len) != NULL);
        return signature_len;
    }
    ctx = EVP_MD_CTX_new();
    HOLDS(EVP_DigestSignInit_ex(ctx, &pctx, jwa->digest, NULL, NULL, fuzz_key(alg, whose),
                                NULL) == 1);
    HOLDS(!jwa->pss ||
          (EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, RSA_PSS_SALTLEN_DIGEST) == 1));
    HOLDS(EVP_DigestSign(ctx, signature, &signature_len, bytes, len) == 1);
    EVP_MD_CTX_free(ctx);
    return jwa->type == JWA_KTY_EC
               ? pair_of_der(signature, signature_len, jwa->coordinate)
               : signature_len;
}
