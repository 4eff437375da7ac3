/**
 * @file kind.h
 * What kind of token this is, by its looks: nobody has verified it.
 */
#ifndef AUTH0_TOOLS_KIND_H
#define AUTH0_TOOLS_KIND_H

#include <apr_pools.h>

#include "token.h"

enum kind {
    KIND_ACCESS,    /**< a JWT, and nothing speaks against an access token */
    KIND_ID,        /**< an ID token (OpenID Connect): for the application, for no API */
    KIND_LOGOUT,    /**< a logout token (OpenID Connect Back-Channel Logout) */
    KIND_PROOF,     /**< a DPoP proof (RFC 9449), which goes along with a token */
    KIND_OPAQUE,    /**< no JWT: only its issuer can read it */
    KIND_REFRESH,   /**< looks like one of Auth0's refresh tokens */
    KIND_ENCRYPTED, /**< a JWE */
    KIND_COUNT
};

struct kind_found {
    enum kind kind;
    const char *name;    /**< stable, such as "id_token" */
    const char *words;   /**< such as "an ID token" */
    const char *because; /**< what tells so; NULL where the form says it all */
    const char *advice;  /**< what to do about it; NULL for an access token */
};

/** All strings are fixed, or in the pool and safe to print. */
void kind_find(struct kind_found *found, const struct token_parts *parts,
               apr_pool_t *pool);

#endif
