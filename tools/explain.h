/**
 * @file explain.h
 * Why a token was refused: what was expected and what the token has.
 */
#ifndef AUTH0_TOOLS_EXPLAIN_H
#define AUTH0_TOOLS_EXPLAIN_H

#include <apr_pools.h>
#include <apr_time.h>

#include "token/jwk.h"
#include "token/jwt.h"
#include "token/secret.h"

/** One verification: what is asked, and how far the token has come. */
struct verification {
    struct jwt_policy policy;
    const char *const *permissions; /**< all are required */
    size_t permission_count;
    const char *const *scopes; /**< all are required */
    size_t scope_count;
    apr_time_t now;

    const struct jwks *jwks;     /**< NULL with a secret */
    const struct secret *secret; /**< NULL with keys */

    struct jwt *jwt;                 /**< NULL until the form holds */
    const struct jwt_claims *claims; /**< NULL until the signature holds */
};

/**
 * One line for people, safe to print; says nothing that the reason's sentence
 * already says.
 *
 * @return NULL when there is nothing to add
 */
const char *explain(enum reason reason, const struct verification *verification,
                    apr_pool_t *pool);

/** The keys of a set by kid, those that are skipped with the reason why. */
const char *explain_keys(const struct jwks *jwks, apr_pool_t *pool);

/** What is wrong with a key document, for each reason that jwks_parse gives. */
const char *explain_key_document(enum reason reason);

#endif
