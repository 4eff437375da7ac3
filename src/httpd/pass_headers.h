/**
 * @file pass_headers.h
 * Auth0PassHeaders: claims of the token as header fields for the back end.
 *
 * A back end believes such a field, so no client may bring one: every field with such
 * a name, in any spelling, is taken out of every request to the whole server.
 */
#ifndef AUTH0_HTTPD_PASS_HEADERS_H
#define AUTH0_HTTPD_PASS_HEADERS_H

#include <httpd.h>
#include <http_config.h>

/**
 * Add one "claim=Header" to a list, NULL for none yet, and the field's name to those
 * that clients of this server may not use.
 *
 * @return NULL, or why the value is refused
 */
const char *pass_headers_add(apr_array_header_t **list, const cmd_parms *cmd,
                             const char *value);

/** post_read_request hook, before all others: take out what clients may not bring. */
int pass_headers_strip(request_rec *r);

/** fixups hook, after all others: set the location's fields. */
int pass_headers_set(request_rec *r);

#endif
