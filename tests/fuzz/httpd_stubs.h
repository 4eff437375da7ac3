/**
 * @file httpd_stubs.h
 * The few functions of httpd that the fuzzed files of src/httpd call, written again:
 * httpd is a program, not a library to link with. See expr_stubs.h too.
 *
 * Doing what httpd's do: ap_getword_conf, ap_cstr_casecmp, ap_cstr_casecmpn,
 * ap_str_tolower, ap_strcasecmp_match, ap_timeout_parameter_parse. Noting what they are
 * given: ap_register_auth_provider. Doing nothing: the check_authz hook, ap_log_rerror.
 * Those for filters and the scoreboard are never to be called. Of our own: key_file_read
 * gives the bytes of the input whatever the path, config_dir and config_server what
 * stands below, for each request.
 */
#ifndef AUTH0_TESTS_FUZZ_HTTPD_STUBS_H
#define AUTH0_TESTS_FUZZ_HTTPD_STUBS_H

#include <httpd.h>
#include <http_config.h>
#include <mod_auth.h>

#include "fuzz.h"
#include "httpd/config.h"

/** What each file holds; bytes NULL: no file can be read. */
extern struct part stub_file;

/** What is configured where each request is; token_sources and so on. */
extern struct dir_config stub_dir;

/** What is configured for the server. */
extern struct server_config stub_server;

/** A request that has no header fields, no state and no user yet. */
request_rec *stub_request(apr_pool_t *pool);

/** The provider that was registered under a name; NULL when none was. */
const authz_provider *stub_provider(const char *name);

#endif
