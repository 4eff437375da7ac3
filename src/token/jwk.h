/**
 * @file jwk.h
 * A JWK Set (RFC 7517) as public keys ready to verify with.
 *
 * A set is read once, then never changes: any number of threads may find keys
 * in it and verify with them. It owns its memory; whoever shares it counts the
 * references (see issuer/jwks_cache.h). Secrets are another type (secret.h), so
 * that a public key can never serve as an HMAC secret.
 */
#ifndef AUTH0_TOKEN_JWK_H
#define AUTH0_TOKEN_JWK_H

#include <apr_pools.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>

#include "token/jwa.h"
#include "token/reason.h"

/** Keys in one set; a document with more is refused. */
#define JWKS_KEYS_MAX 64

/** Bytes of a key document. */
#define JWKS_DOCUMENT_MAX (128 * 1024)

/** Bytes of a key id, in a key and in a token. */
#define JWK_KID_MAX 256

#define JWK_RSA_BITS_MIN 2048
#define JWK_RSA_BITS_MAX 8192

/** 1 to JWK_KID_MAX bytes without control characters: of a key and of a token alike. */
bool jwk_kid_is_valid(const char *kid);

/** One usable public key. */
struct jwk {
    char *kid;           /**< NULL when the key has none */
    EVP_PKEY *pkey;      /**< read-only once the set is made */
    unsigned algorithms; /**< JWA_BIT of each algorithm it may verify */

    /**
     * For each of these a context with key, digest and padding set, to be
     * copied for every verification: setting one up costs more than the copy.
     */
    EVP_MD_CTX *verifier[JWA_COUNT];
};

/** A key of the document that is not used, and why. */
struct jwk_skipped {
    unsigned position; /**< in the "keys" array, from 0 */
    char *kid;         /**< NULL when it has none; as written, so escape it */
    const char *why;   /**< a fixed phrase, such as "RSA modulus under 2048 bits" */
};

struct jwks {
    size_t count;
    struct jwk keys[JWKS_KEYS_MAX]; /**< sorted by kid, those without first */
    size_t skipped_count;
    struct jwk_skipped skipped[JWKS_KEYS_MAX];
};

/**
 * Read a key document.
 *
 * Keys that are weak, broken, not for signatures or of an unknown kind are
 * skipped (RFC 7517 section 5) and listed; the others work.
 *
 * @param jwks     set to a new set, to be given back with jwks_destroy; on
 *                 REASON_JWKS_NO_USABLE_KEY too, for the sake of its list of
 *                 skipped keys; NULL on any other failure
 * @param text     @a len bytes, not terminated
 * @param scratch  used for reading only; nothing of the set lives there
 * @return REASON_OK; REASON_JWKS_MALFORMED (no "keys" array of objects);
 *         REASON_JWKS_TOO_LARGE; REASON_JWKS_PRIVATE_KEY (an asymmetric key with
 *         private members: whoever publishes that must notice);
 *         REASON_JWKS_NO_USABLE_KEY; those of json_parse
 */
enum reason jwks_parse(struct jwks **jwks, const char *text, size_t len,
                       apr_pool_t *scratch);

/** Why jwks_parse found no use in a document, in words for people. */
const char *jwks_problem(enum reason reason);

/** Give a set back; NULL is fine. */
void jwks_destroy(struct jwks *jwks);

/**
 * Find the key that a token names.
 *
 * @param key  set to the key, owned by @a jwks; NULL unless REASON_OK
 * @param kid  the token's key id, or NULL when its header has none; then the
 *             set must hold exactly one eligible key
 * @param alg  the token's algorithm; keys of another kind do not match
 * @return REASON_OK;
 *         REASON_KEY_UNKNOWN: no key has this kid (a refresh might bring it);
 *         REASON_KEY_NOT_ELIGIBLE: keys there are, but none for this algorithm;
 *         REASON_KEY_AMBIGUOUS: several different keys would do;
 *         REASON_INTERNAL_ERROR (no memory to compare them)
 */
enum reason jwks_find(const struct jwk **key, const struct jwks *jwks, const char *kid,
                      enum jwa_alg alg);

#endif
