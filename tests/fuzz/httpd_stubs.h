/**
 * @file httpd_stubs.h
 * The few functions of httpd that config_values.c and authz.c call, written again for
 * fuzz_directives.c: httpd is a program, not a library to link with.
 *
 * Doing what httpd's do: ap_getword_conf, ap_cstr_casecmp, ap_str_tolower,
 * ap_strcasecmp_match, ap_timeout_parameter_parse. Noting what they are given:
 * ap_register_auth_provider. Doing nothing, since nothing here gets so far: the
 * check_authz hook, ap_log_rerror. Of our own: key_file_read gives the bytes of the
 * input whatever the path, request_state_get the state below.
 */
#ifndef AUTH0_TESTS_FUZZ_HTTPD_STUBS_H
#define AUTH0_TESTS_FUZZ_HTTPD_STUBS_H

#include <httpd.h>
#include <http_config.h>
#include <mod_auth.h>

#include "fuzz.h"
#include "httpd/request.h"

/** What each file holds; bytes NULL: no file can be read. */
extern struct part stub_file;

/** The state of each request. */
extern struct request_state *stub_state;

/** The provider that was registered under a name; NULL when none was. */
const authz_provider *stub_provider(const char *name);

#endif
