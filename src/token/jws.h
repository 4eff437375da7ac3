/**
 * @file jws.h
 * JWS compact serialization (RFC 7515 sections 3.1, 4 and 5.2).
 */
#ifndef AUTH0_TOKEN_JWS_H
#define AUTH0_TOKEN_JWS_H

#include <apr_pools.h>
#include <stddef.h>

#include "token/jwa.h"
#include "token/reason.h"

struct jwk;
struct secret;

/** Characters of a whole token. */
#define JWS_MAX_LENGTH 8192

/** Bytes of the decoded header. */
#define JWS_HEADER_MAX 2048

/** The "typ" of a token, compared as a media type (RFC 7515 4.1.9, RFC 8725 3.11). */
enum jws_typ {
    JWS_TYP_ABSENT,
    JWS_TYP_JWT,
    JWS_TYP_AT_JWT, /**< RFC 9068 2.1 */
    JWS_TYP_OTHER
};

/** A token taken apart. Nothing in it is verified. */
struct jws {
    const char *input; /**< what is signed: header, dot, payload; inside the token */
    size_t input_len;
    const char *payload; /**< decoded, with a NUL behind it that is not counted */
    size_t payload_len;
    const unsigned char *signature; /**< decoded */
    size_t signature_len;

    enum jwa_alg alg;
    enum jws_typ typ;
    const char *kid; /**< 1 to JWK_KID_MAX bytes without control characters, or NULL */
};

/**
 * Take a token apart and check its form and its header.
 *
 * @param jws    filled on success; points into @a token and @a pool
 * @param token  @a len characters, not terminated; must outlive @a jws
 * @return REASON_OK;
 *         REASON_TOKEN_TOO_LONG, before anything is decoded;
 *         REASON_TOKEN_OPAQUE: not three parts, so not a JWS (Auth0 gives such
 *         tokens when no audience was requested);
 *         REASON_TOKEN_ENCRYPTED: five parts, a JWE (RFC 7516);
 *         REASON_TOKEN_PART_EMPTY: no header or no signature;
 *         REASON_BASE64URL_INVALID;
 *         REASON_HEADER_TOO_LONG; those of json_parse;
 *         REASON_HEADER_MALFORMED: not an object;
 *         REASON_ALGORITHM_UNKNOWN: alg is missing or in no table of ours;
 *         REASON_HEADER_UNSUPPORTED: crit, b64, zip, or a nested token;
 *         REASON_KID_MALFORMED
 */
enum reason jws_parse(struct jws *jws, const char *token, size_t len, apr_pool_t *pool);

/**
 * Does this key's owner vouch for the token?
 *
 * Any thread may call it with the same key. Only an algorithm that the key was
 * made for can succeed.
 *
 * @return REASON_OK; REASON_SIGNATURE_INVALID; REASON_INTERNAL_ERROR (no memory)
 */
enum reason jws_verify(const struct jws *jws, const struct jwk *key);

/** The same with a shared secret. */
enum reason jws_verify_secret(const struct jws *jws, const struct secret *secret);

#endif
