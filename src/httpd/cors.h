/**
 * @file cors.h
 * Auth0CORSOrigin: which web pages may call (Fetch standard, section 3.2).
 */
#ifndef AUTH0_HTTPD_CORS_H
#define AUTH0_HTTPD_CORS_H

#include <httpd.h>

/**
 * Register the hooks: before authentication, add the fields that let a listed origin read
 * the answer, and answer its preflight, which browsers send without credentials; the same
 * fields where a request fails before that; and what another sends as
 * Access-Control-Allow-Origin is dropped where the directive is in force.
 */
void cors_register(apr_pool_t *pool);

#endif
