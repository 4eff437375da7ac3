/**
 * @file cors.h
 * Auth0CORSOrigin: which web pages may call (Fetch standard, section 3.2).
 */
#ifndef AUTH0_HTTPD_CORS_H
#define AUTH0_HTTPD_CORS_H

#include <httpd.h>

/**
 * header_parser hook, so before authentication: add the fields that let a listed
 * origin read the answer, and answer its preflight, which browsers send without
 * credentials.
 */
int cors_answer(request_rec *r);

/** insert_error_filter hook: the same fields where a request fails before that. */
void cors_mark_error(request_rec *r);

#endif
