/**
 * @file error_response.h
 * What a refused client gets: status, challenge (RFC 6750 section 3) and body.
 */
#ifndef AUTH0_HTTPD_ERROR_RESPONSE_H
#define AUTH0_HTTPD_ERROR_RESPONSE_H

#include <httpd.h>

#include "token/reason.h"

/**
 * Refuse the request: note the reason and set the header fields that belong to
 * it, so that they reach the client whoever writes the body.
 *
 * @param retry_after  seconds, for OUTCOME_UNAVAILABLE; else ignored
 * @return the status to give back to httpd
 */
int error_response_refuse(request_rec *r, enum reason reason, int retry_after);

/**
 * Why the client got the status that the request has now: a reason when we refused it, or
 * a sub-request in whose place it stands; else REASON_OK.
 */
enum reason error_response_reason(const request_rec *r);

/** note_auth_failure hook: a challenge, should another module ask for one. */
int error_response_note_auth_failure(request_rec *r, const char *auth_type);

/** Register the filter that writes JSON bodies, and the hook that inserts it. */
void error_response_register(apr_pool_t *pool);

#endif
