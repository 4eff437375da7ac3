/**
 * @file trust.h
 * An issuer as a source of keys: loading them, putting them into words.
 */
#ifndef AUTH0_TOOLS_TRUST_H
#define AUTH0_TOOLS_TRUST_H

#include <apr_pools.h>
#include <stdbool.h>

#include "fetch.h"
#include "token/jwk.h"
#include "token/secret.h"

enum trust_kind {
    TRUST_KEYS,  /**< public keys: a file or an https URL */
    TRUST_SECRET /**< a shared secret in a file */
};

/** An issuer and where its keys are. */
struct trust {
    const char *issuer;  /**< iss, byte for byte */
    unsigned algorithms; /**< JWA_BITs of its own; 0: the policy's */
    enum trust_kind kind;
    const char *source;
    const char *from; /**< file:line of the configuration; NULL: the command line */

    /* Set by trust_load: */
    bool loaded;
    struct jwks *jwks; /**< freed with the pool, as is the secret */
    struct secret *secret;
    enum reason reason;  /**< REASON_OK, or why there are no keys */
    const char *problem; /**< in words, naming the source, safe to print; NULL: none */
};

/**
 * Get the keys of an issuer, once.
 *
 * @param algorithms  that a secret is for
 * @return trust->reason: REASON_OK; REASON_KEYS_UNAVAILABLE, or why the document is of
 *         no use
 */
enum reason trust_load(struct trust *trust, const struct fetch_limits *limits,
                       unsigned algorithms, apr_pool_t *pool);

/** RS256 or ES256 */
const char *trust_algorithm_names(unsigned algorithms, const char *between,
                                  apr_pool_t *pool);

/** The keys of a set by kid, those that are skipped with the reason why. */
const char *trust_keys(const struct jwks *jwks, apr_pool_t *pool);

#endif
