/**
 * @file config_place.h
 * httpd -t -D DUMP_AUTH0_PLACE=/path: what holds for one path, for programs.
 *
 * What config_dump.h puts into words for people, this gives as one line of JSON, for
 * each server that httpd makes of the configuration: whom it trusts for this path, what
 * it requires, and where that is written. `auth0-jwt verify --config` reads it.
 */
#ifndef AUTH0_HTTPD_CONFIG_PLACE_H
#define AUTH0_HTTPD_CONFIG_PLACE_H

#include <httpd.h>

/**
 * test_config hook, which runs in httpd -t alone. Without such a define it does nothing.
 * It looks at the tree of directives and at which of the named files exist; it opens
 * nothing.
 */
void config_place_dump(apr_pool_t *pconf, server_rec *s);

#endif
