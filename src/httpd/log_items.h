/**
 * @file log_items.h
 * %{...}^AJ in LogFormat and CustomLog: what a client's request came to.
 *
 * No item holds anything of a token: the issuer is the configured one.
 */
#ifndef AUTH0_HTTPD_LOG_ITEMS_H
#define AUTH0_HTTPD_LOG_ITEMS_H

#include <httpd.h>
#include <http_config.h>

/** pre_config hook: tell mod_log_config, if it is there. */
int log_items_register(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp);

/** Warn of items in a line of the configuration that do not exist. */
void log_items_check(const ap_directive_t *d, server_rec *s, apr_pool_t *pool);

#endif
