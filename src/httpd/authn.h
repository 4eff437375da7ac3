/**
 * @file authn.h
 * AuthType Auth0: who is asking?
 */
#ifndef AUTH0_HTTPD_AUTHN_H
#define AUTH0_HTTPD_AUTHN_H

#include <httpd.h>

struct verdict;

/** For the log: what helps to find the cause of a refusal, or "". */
const char *authn_hint(const request_rec *r, const struct verdict *verdict);

/** Make the user and the claims of a verdict with REASON_OK the request's. */
void authn_accept(request_rec *r, const struct verdict *verdict);

/**
 * check_authn hook. With a valid token r->user is the user claim and
 * r->ap_auth_type "Bearer"; the claims are in the request's state.
 *
 * @return OK; DECLINED when the AuthType is not ours; else the refusal's status
 */
int authn_check(request_rec *r);

/**
 * fixups hook, after mod_dir's: a folder whose index page is protected, while the
 * folder is not, becomes that page's request but for the user; so set it here.
 */
int authn_adopt_user(request_rec *r);

#endif
