/**
 * @file pass_claims.h
 * Auth0PassClaims: claims of the token as variables for CGI, PHP, SSI, logs and
 * whatever else reads httpd's environment.
 *
 * A variable is set from a valid token only; where the token lacks the claim, or
 * its text could mislead a reader, the variable is not there, whoever set it before.
 */
#ifndef AUTH0_HTTPD_PASS_CLAIMS_H
#define AUTH0_HTTPD_PASS_CLAIMS_H

#include <httpd.h>
#include <http_config.h>

#include "token/claim_path.h"
#include "token/jwt.h"

/**
 * Add one claim to a list, NULL for none yet: "claim" becomes AUTH0_CLAIM_claim, and
 * "claim=AUTH0_NAME" AUTH0_NAME.
 *
 * @return NULL, or why the value is refused
 */
const char *pass_claims_add(apr_array_header_t **list, const cmd_parms *cmd,
                            const char *value);

/**
 * The claims of the valid token that this request came with, or of the request that it
 * stands for with the same user; NULL when there is none.
 */
const struct jwt_claims *pass_claims_in_force(const request_rec *r);

/**
 * A claim as text: a string as it is, all else as JSON.
 *
 * @return NULL when it is missing or null, or a string with control characters
 */
const char *pass_claims_text(request_rec *r, const struct jwt_claims *claims,
                             const struct claim_path *claim);

/** Set the location's variables from these claims. */
void pass_claims_export(request_rec *r, const struct jwt_claims *claims);

/**
 * fixups hook: the same once more, over what other modules set, and for a sub-request
 * or an internal redirect, for which httpd took over the user without asking for the
 * token again.
 */
int pass_claims_again(request_rec *r);

#endif
