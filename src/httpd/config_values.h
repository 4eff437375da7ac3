/**
 * @file config_values.h
 * What may stand behind a directive: each function checks one kind of value and
 * returns NULL, or why it is refused, quoting what was written. httpd adds file
 * and line.
 */
#ifndef AUTH0_HTTPD_CONFIG_VALUES_H
#define AUTH0_HTTPD_CONFIG_VALUES_H

#include <httpd.h>
#include <http_config.h>
#include <stdbool.h>

#include "issuer/issuer.h"

/** Is this directive in an .htaccess file? */
bool value_in_htaccess(const cmd_parms *cmd);

/**
 * Refuse a directive that only the server's own files may have: httpd does so by
 * itself, unless AllowOverrideList names it.
 */
const char *value_check_trusted(const cmd_parms *cmd);

/** A value that still holds "${" names an undefined variable; an empty one is none. */
const char *value_check(const cmd_parms *cmd, const char *value);

/** host or host:port, lower-cased, as Auth0 writes a tenant's domain. */
const char *value_domain(const char **domain, const cmd_parms *cmd, const char *value);

/** Does a domain match one of these patterns? '*' spans dots; case does not matter. */
bool value_domain_is_trusted(const char *domain, const apr_array_header_t *patterns);

/** The issuer of a domain: https://domain/ with its keys at the usual place. */
struct issuer *value_domain_issuer(const char *domain, apr_pool_t *pool);

/**
 * The arguments of Auth0Issuer: name [jwks=…|secret=…] [algorithms=…]. Reads the
 * files it names.
 */
const char *value_issuer(struct issuer **issuer, const cmd_parms *cmd, int argc,
                         char *const argv[]);

/** Add the algorithm of this name to a set. */
const char *value_algorithm(unsigned *algorithms, const cmd_parms *cmd, const char *name);

/** A time in httpd's units, plain numbers being seconds; not negative. */
const char *value_time(apr_interval_time_t *time, const cmd_parms *cmd,
                       const char *value);

/** A number of entries of the token cache. */
const char *value_entries(unsigned *entries, const cmd_parms *cmd, const char *value);

/** scheme://host or scheme://host:port, as browsers send it. */
const char *value_origin(const char **origin, const cmd_parms *cmd, const char *value);

/** A PEM file with at least one certificate; the path becomes absolute. */
const char *value_ca_file(const char **path, const cmd_parms *cmd, const char *value);

/** http://host:port or https://host:port, with user:password@ before it or not; none. */
const char *value_proxy(const char **url, const cmd_parms *cmd, const char *value);

/** A folder that only its owner may write to; the path becomes absolute. */
const char *value_state_dir(const char **path, const cmd_parms *cmd, const char *value);

#endif
