/**
 * @file status.h
 * SetHandler auth0-status: how the module is doing. GET and HEAD give
 *   (no query)  a page for people
 *   ?json       the same as JSON
 *   ?metrics    the same for Prometheus, in its text format 0.0.4
 *
 * It shows no token and no claim. It opens in the server's own files only: an .htaccess
 * file, a RewriteRule or AddHandler that names the handler gets 403.
 */
#ifndef AUTH0_HTTPD_STATUS_H
#define AUTH0_HTTPD_STATUS_H

#include <httpd.h>
#include <http_config.h>
#include <stdbool.h>

/** post_config hook: note the SetHandler lines of the server's own files. */
int status_prepare(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s);

/** Handler hook. */
int status_handler(request_rec *r);

/** Does this line open the status page? For messages of the configuration. */
bool status_is_opened_by(const ap_directive_t *d, apr_pool_t *pool);

#endif
