/**
 * @file jwt.h
 * JWT access tokens (RFC 7519, RFC 9068): claims, policy, the verdict.
 *
 * Three steps, in the order of RFC 8725 section 3:
 *
 *     jwt_parse     form, header; of the payload only the issuer can be asked,
 *                   to choose among the configured key sets
 *     jwt_verify    the signature; claims exist only as its output
 *     jwt_check     the claims against one location's policy
 *
 * The caller allows algorithms, knows issuers and finds keys between the first
 * two. Claims say nothing about a location: a verdict is for one policy and is
 * worked out again for every request.
 */
#ifndef AUTH0_TOKEN_JWT_H
#define AUTH0_TOKEN_JWT_H

#include <apr.h>
#include <apr_pools.h>
#include <stdbool.h>
#include <stddef.h>

#include "token/json.h"
#include "token/jws.h"
#include "token/reason.h"

struct jwk;
struct secret;

/** Bytes of a user claim's value. */
#define JWT_USER_MAX 255

/** A parsed token whose signature is not verified. */
struct jwt;

/** Which "typ" values an access token may have. */
enum jwt_profile {
    JWT_PROFILE_AUTO,   /**< JWT, at+jwt, or none */
    JWT_PROFILE_RFC9068 /**< at+jwt only (RFC 9068 section 4) */
};

/** A claim that holds a time. */
struct jwt_time {
    enum { JWT_TIME_ABSENT, JWT_TIME_MALFORMED, JWT_TIME_PRESENT } state;
    double seconds; /**< since the epoch, when present */
};

/** A set of words, sorted. */
struct jwt_words {
    size_t count;
    const char **words;
};

/** The claims of a token whose signature holds. Immutable. */
struct jwt_claims {
    enum jwa_alg alg;
    enum jws_typ typ;
    const char *issuer;  /**< NULL when absent or not a string */
    bool audience_valid; /**< aud is a string, or an array of strings, not empty */
    struct jwt_words audience;
    struct jwt_time exp;
    struct jwt_time nbf;
    struct jwt_time iat;
    bool bound;                   /**< has cnf (RFC 7800): not a bearer token */
    struct jwt_words permissions; /**< empty unless an array of strings */
    struct jwt_words scope;       /**< empty unless a string (RFC 6749 3.3) */
    size_t scope_size;            /**< bytes of the scope's words, which lie together */
    const json_value *payload;    /**< all claims */
};

/** What a location asks of a token. */
struct jwt_policy {
    const char *issuer;           /**< iss, byte for byte */
    unsigned algorithms;          /**< JWA_BIT of each allowed algorithm */
    const char *const *audiences; /**< any one must be in aud, byte for byte */
    size_t audience_count;
    int leeway; /**< seconds of clock difference to forgive */
    enum jwt_profile profile;
    const char *user_claim; /**< the claim that names the user */
};

/**
 * Take a token apart.
 *
 * @param jwt  set to the parsed token, in @a pool; NULL on failure
 * @return REASON_OK, those of jws_parse, those of json_parse for the payload,
 *         REASON_PAYLOAD_MALFORMED (not an object)
 */
enum reason jwt_parse(struct jwt **jwt, const char *token, size_t len, apr_pool_t *pool);

/** Algorithm and key id, which choose a key. */
const struct jws *jwt_jws(const struct jwt *jwt);

/**
 * The iss claim as the token says, which nobody has vouched for: good for
 * choosing a configured key set, nothing else. NULL when absent or not a string.
 */
const char *jwt_unverified_issuer(const struct jwt *jwt);

/**
 * Verify the signature, then read the claims.
 *
 * @param claims  set to the claims, in the pool of @a jwt; NULL on failure
 * @return REASON_OK and as jws_verify
 */
enum reason jwt_verify(const struct jwt_claims **claims, struct jwt *jwt,
                       const struct jwk *key);

/** The same with a shared secret. */
enum reason jwt_verify_secret(const struct jwt_claims **claims, struct jwt *jwt,
                              const struct secret *secret);

/**
 * Judge verified claims by a location's policy: algorithm, iss, aud, exp, nbf,
 * iat, typ, cnf, user claim, in this order; the first failure is the answer.
 *
 * @param user  set to the user claim's value, owned by @a claims; NULL on failure
 * @param now   the current time in microseconds since the epoch, as an apr_time_t
 * @return REASON_OK or what was wrong
 */
enum reason jwt_check(const char **user, const struct jwt_claims *claims,
                      const struct jwt_policy *policy, apr_int64_t now);

/** Bytes that jwt_claims_pack needs. */
size_t jwt_claims_size(const struct jwt_claims *claims);

/**
 * Copy claims with all that belongs to them into one piece of memory.
 *
 * @param memory  jwt_claims_size() bytes, aligned for any type
 * @return the copy, at @a memory
 */
const struct jwt_claims *jwt_claims_pack(void *memory, const struct jwt_claims *claims);

/**
 * Make packed claims whole again whose bytes were copied to another place.
 *
 * @param memory  where they are now
 * @param packed  where jwt_claims_pack put them; need not be there any more
 */
const struct jwt_claims *jwt_claims_unpack(void *memory, const void *packed);

/** Is @a word in the set? Case-sensitive, whole words. */
bool jwt_words_contain(const struct jwt_words *set, const char *word);

/** Sort a set's words, for jwt_words_contain. */
void jwt_words_sort(struct jwt_words *set);

/** Are all of @a words in the set? Both sorted; takes about as long as to read both. */
bool jwt_words_contain_all(const struct jwt_words *set, const struct jwt_words *words);

#endif
