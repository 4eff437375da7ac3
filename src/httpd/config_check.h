/**
 * @file config_check.h
 * Looking at the configuration as a whole before the server starts.
 */
#ifndef AUTH0_HTTPD_CONFIG_CHECK_H
#define AUTH0_HTTPD_CONFIG_CHECK_H

#include <httpd.h>

/**
 * check_config hook, which runs in httpd -t too. Refuses AuthType Auth0 where no
 * issuer or no audience can be in force, and more issuers than there is room
 * for; warns where our requirements cannot work.
 *
 * Sections are judged by how they nest, and by whether their paths can overlap.
 * Where only a request can tell, nothing is refused here: the request then gets
 * a 500 (see authn_check).
 */
int config_check(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s);

#endif
