/**
 * @file authz.h
 * Require auth0-permission, Require auth0-scope: may this user do that?
 *
 * mod_authz_core asks the providers twice: before authentication, when they
 * answer that they need a user, and after it. A provider only compares and notes
 * what was missing; branches of RequireAny that lose run too, so no provider may
 * touch the answer.
 */
#ifndef AUTH0_HTTPD_AUTHZ_H
#define AUTH0_HTTPD_AUTHZ_H

#include <httpd.h>
#include <http_config.h>
#include <mod_auth.h>

#include "token/jwt.h"

/**
 * Negated, a requirement of ours would be "neutral" before authentication, and httpd
 * would let the request through without any.
 *
 * @return NULL, or why this Require line is refused
 */
const char *authz_refuse_negation(const cmd_parms *cmd, const char *provider);

/**
 * The claims of the request's token.
 *
 * @param status  set to what a provider answers where there are none: no user yet, or
 *                one whom another module vouches for
 */
const struct jwt_claims *authz_claims_of(authz_status *status, const request_rec *r);

/** Register the providers and the hook. */
void authz_register(apr_pool_t *pool);

#endif
