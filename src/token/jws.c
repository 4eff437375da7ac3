#include "token/jws.h"

#include <apr_strings.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>
#include <strings.h>

#include "token/base64url.h"
#include "token/crypto_error.h"
#include "token/json.h"
#include "token/jwk.h"
#include "token/jwk_key.h"
#include "token/secret.h"

#define HEADER_DEPTH 8
#define HEADER_MEMBERS 64

/* DER of an ECDSA signature over P-521: two integers and their framing. */
#define ECDSA_DER_MAX 160

struct part {
    const char *text;
    size_t len;
};

/* RFC 7515 7.1: three parts between two dots. */
static enum reason split(struct part part[3], const char *token, size_t len)
{
    const char *end = token + len;
    unsigned dots = 0;

    memset(part, 0, 3 * sizeof(part[0]));
    part[0].text = token;
    for (const char *p = token; p < end; p++) {
        if (*p != '.') {
            continue;
        }
        dots++;
        if (dots <= 2) {
            part[dots - 1].len = (size_t)(p - part[dots - 1].text);
            part[dots].text = p + 1;
        }
    }
    if (dots != 2) {
        return dots == 4 ? REASON_TOKEN_ENCRYPTED : REASON_TOKEN_OPAQUE;
    }
    part[2].len = (size_t)(end - part[2].text);
    /* A payload may be empty (RFC 7515 2); claims may not, which is for jwt_parse. */
    if (part[0].len == 0 || part[2].len == 0) {
        return REASON_TOKEN_PART_EMPTY;
    }
    return REASON_OK;
}

static enum reason decode(const unsigned char **bytes, size_t *len,
                          const struct part *part, apr_pool_t *pool)
{
    unsigned char *out = apr_palloc(pool, BASE64URL_DECODED_MAX(part->len) + 1);

    if (!base64url_decode(out, len, part->text, part->len)) {
        return REASON_BASE64URL_INVALID;
    }
    out[*len] = '\0';
    *bytes = out;
    return REASON_OK;
}

/* RFC 7515 4.1.9: a media type, whose "application/" may be left out. */
static const char *media_subtype(const char *type)
{
    static const char prefix[] = "application/";

    if (strncasecmp(type, prefix, sizeof(prefix) - 1) == 0) {
        return type + sizeof(prefix) - 1;
    }
    return type;
}

static enum jws_typ read_typ(const json_value *typ)
{
    const char *type = json_string(typ);

    if (typ == NULL) {
        return JWS_TYP_ABSENT;
    }
    if (type == NULL) {
        return JWS_TYP_OTHER;
    }
    if (strcasecmp(media_subtype(type), "at+jwt") == 0) {
        return JWS_TYP_AT_JWT;
    }
    /* "JWT" alone: application/jwt is that media type's full name (RFC 7519 10.3.1). */
    return strcasecmp(media_subtype(type), "JWT") == 0 ? JWS_TYP_JWT : JWS_TYP_OTHER;
}

static enum reason read_kid(const char **kid, const json_value *member)
{
    const char *text = json_string(member);

    *kid = NULL;
    if (member == NULL) {
        return REASON_OK;
    }
    if (text == NULL || !jwk_kid_is_valid(text)) {
        return REASON_KID_MALFORMED;
    }
    *kid = text;
    return REASON_OK;
}

/* Members that change what the other parts mean, none of which we implement. */
static bool has_unsupported(const json_value *header)
{
    const json_value *cty = json_member(header, "cty");

    return json_member(header, "crit") != NULL ||       /* RFC 7515 4.1.11 */
           json_member(header, "b64") != NULL ||        /* RFC 7797 */
           json_member(header, "zip") != NULL ||        /* RFC 7516 4.1.3 */
           (cty != NULL && (json_string(cty) == NULL || /* RFC 7519 5.2: nested */
                            strcasecmp(media_subtype(json_string(cty)), "JWT") == 0));
}

static enum reason read_header(struct jws *jws, const char *text, size_t len,
                               apr_pool_t *pool)
{
    static const struct json_limits limits = {
        .depth = HEADER_DEPTH,
        .members = HEADER_MEMBERS,
        .values = JWS_HEADER_MAX,
    };
    const json_value *header;
    enum reason reason;

    if (len > JWS_HEADER_MAX) {
        return REASON_HEADER_TOO_LONG;
    }
    reason = json_parse(&header, text, len, &limits, pool);
    if (reason != REASON_OK) {
        return reason;
    }
    if (!json_is_object(header)) {
        return REASON_HEADER_MALFORMED;
    }
    if (!jwa_find(&jws->alg, json_string(json_member(header, "alg")))) {
        return REASON_ALGORITHM_UNKNOWN;
    }
    if (has_unsupported(header)) {
        return REASON_HEADER_UNSUPPORTED;
    }
    jws->typ = read_typ(json_member(header, "typ"));
    return read_kid(&jws->kid, json_member(header, "kid"));
}

enum reason jws_parse(struct jws *jws, const char *token, size_t len, apr_pool_t *pool)
{
    struct part part[3];
    const unsigned char *header;
    const unsigned char *payload;
    size_t header_len;
    enum reason reason;

    memset(jws, 0, sizeof(*jws));
    if (len > JWS_MAX_LENGTH) {
        return REASON_TOKEN_TOO_LONG;
    }
    reason = split(part, token, len);
    if (reason != REASON_OK) {
        return reason;
    }
    jws->input = token;
    jws->input_len = part[0].len + 1 + part[1].len;

    reason = decode(&header, &header_len, &part[0], pool);
    if (reason == REASON_OK) {
        reason = decode(&payload, &jws->payload_len, &part[1], pool);
    }
    if (reason == REASON_OK) {
        jws->payload = (const char *)payload;
        reason = decode(&jws->signature, &jws->signature_len, &part[2], pool);
    }
    if (reason == REASON_OK) {
        reason = read_header(jws, (const char *)header, header_len, pool);
    }
    return reason;
}

/* RFC 7518 3.4: r || s, each as long as the curve's order; OpenSSL wants DER. */
static enum reason ecdsa_to_der(unsigned char der[ECDSA_DER_MAX], size_t *der_len,
                                const struct jws *jws, size_t coordinate)
{
    ECDSA_SIG *pair = NULL;
    BIGNUM *r = NULL;
    BIGNUM *s = NULL;
    int len = 0;

    if (jws->signature_len != 2 * coordinate) {
        return REASON_SIGNATURE_INVALID;
    }
    pair = ECDSA_SIG_new();
    r = BN_bin2bn(jws->signature, (int)coordinate, NULL);
    s = BN_bin2bn(jws->signature + coordinate, (int)coordinate, NULL);
    if (pair != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(pair, r, s)) {
        r = NULL; /* now the pair's */
        s = NULL;
        len = i2d_ECDSA_SIG(pair, NULL);
        len = len > 0 && len <= ECDSA_DER_MAX ? i2d_ECDSA_SIG(pair, &der) : 0;
    }
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(pair);
    *der_len = len > 0 ? (size_t)len : 0;
    return len > 0 ? REASON_OK : REASON_INTERNAL_ERROR; /* any two numbers have a form */
}

/*
 * The signature as OpenSSL takes it, once it has the one form that the standard
 * gives it: OpenSSL leaves that to the caller, or takes it more lightly.
 */
static enum reason get_signature(const unsigned char **signature, size_t *len,
                                 unsigned char der[ECDSA_DER_MAX], const struct jws *jws,
                                 const struct jwk *key)
{
    const struct jwa *jwa = jwa_get(jws->alg);
    int size;

    *signature = jws->signature;
    *len = jws->signature_len;
    if (jwa->type == JWA_KTY_EC) {
        *signature = der;
        return ecdsa_to_der(der, len, jws, jwa->coordinate);
    }
    if (jwa->type == JWA_KTY_RSA) {
        size = EVP_PKEY_get_size(key->pkey);
        if (size <= 0) {
            return REASON_INTERNAL_ERROR;
        }
        /* RFC 8017 8.1.2, 8.2.2: a PSS signature keeps its leading zeros. */
        return jws->signature_len == (size_t)size ? REASON_OK : REASON_SIGNATURE_INVALID;
    }
    return jws->signature_len == 2 * jwa->coordinate &&
                   !ed25519_is_low_order(jws->signature)
               ? REASON_OK
               : REASON_SIGNATURE_INVALID;
}

enum reason jws_verify(const struct jws *jws, const struct jwk *key)
{
    const unsigned char *signature;
    size_t signature_len;
    unsigned char der[ECDSA_DER_MAX];
    EVP_MD_CTX *ctx = NULL;
    enum reason reason;

    if (key->verifier[jws->alg] == NULL) {
        return REASON_SIGNATURE_INVALID;
    }
    ERR_clear_error();
    reason = get_signature(&signature, &signature_len, der, jws, key);
    if (reason == REASON_OK) {
        ctx = EVP_MD_CTX_new();
        reason = ctx != NULL && EVP_MD_CTX_copy_ex(ctx, key->verifier[jws->alg])
                     ? REASON_OK
                     : REASON_INTERNAL_ERROR;
    }
    if (reason == REASON_OK &&
        EVP_DigestVerify(ctx, signature, signature_len, (const unsigned char *)jws->input,
                         jws->input_len) != 1) {
        reason = REASON_SIGNATURE_INVALID;
    }
    EVP_MD_CTX_free(ctx);
    return crypto_ran_out_of_memory() && reason != REASON_OK ? REASON_INTERNAL_ERROR
                                                             : reason;
}

enum reason jws_verify_secret(const struct jws *jws, const struct secret *secret)
{
    return secret_verify(secret, jws->alg, jws->input, jws->input_len, jws->signature,
                         jws->signature_len);
}
