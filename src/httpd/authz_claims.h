/**
 * @file authz_claims.h
 * Require auth0-org, auth0-client and auth0-claim: what else a token must say.
 *
 * Conditions are read once, when the configuration is. Values may be expressions of
 * httpd (%{...}), which are evaluated at each request; a regular expression may not.
 */
#ifndef AUTH0_HTTPD_AUTHZ_CLAIMS_H
#define AUTH0_HTTPD_AUTHZ_CLAIMS_H

#include <httpd.h>

/** Register the providers. */
void authz_claims_register(apr_pool_t *pool);

#endif
