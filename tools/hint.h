/**
 * @file hint.h
 * What strikes the eye when what a token has is held against what was expected: a slash,
 * another tenant, an ID token's audience. Fixed sentences; NULL when nothing does.
 */
#ifndef AUTH0_TOOLS_HINT_H
#define AUTH0_TOOLS_HINT_H

#include <apr_pools.h>
#include <stdbool.h>

#include "token/jwk.h"
#include "token/jwt.h"

/** @param name  the token's alg, or NULL */
const char *hint_algorithm(const char *name);

/** @param issuer  the token's, or NULL */
const char *hint_issuer(const char *issuer, const char *const *expected, size_t count);

/** No key of the set is the token's. */
const char *hint_key(const struct jwks *jwks, const char *kid);

const char *hint_audience(const struct jwt_words *audience, const char *const *expected,
                          size_t count);

const char *hint_expired(const struct jwt_time *iat, const struct jwt_time *exp,
                         apr_pool_t *pool);

/** An audience as somebody has written it down: what is odd about its form? */
const char *hint_audience_form(const char *audience);

/** Does this look like the Client ID of an application of Auth0? */
bool hint_is_client_id(const char *text);

#endif
