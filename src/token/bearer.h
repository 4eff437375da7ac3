/**
 * @file bearer.h
 * The Authorization header field: credentials = "Bearer" 1*SP token
 * (RFC 6750 section 2.1, RFC 9110 section 11.4).
 */
#ifndef AUTH0_TOKEN_BEARER_H
#define AUTH0_TOKEN_BEARER_H

#include <stdbool.h>
#include <stddef.h>

#include "token/reason.h"

/**
 * Find the token in the value of an Authorization header field.
 *
 * @param token          set to the token's first byte, inside @a authorization
 * @param len            set to its length
 * @param authorization  the field's value, or NULL when there is none
 * @return REASON_OK;
 *         REASON_NO_CREDENTIALS without a value, or with another scheme,
 *         whatever follows that;
 *         REASON_AUTHORIZATION_MALFORMED when what follows "Bearer" cannot be a
 *         token: nothing, white space inside, a control or 8-bit byte, a quote
 *         or a comma (which is also how two header fields look once joined).
 *         Whether it is a token in truth is for the verifier to say.
 */
enum reason bearer_token(const char **token, size_t *len, const char *authorization);

/**
 * Could these bytes be a token? At least one, and none that is white space, a control or
 * an 8-bit byte, a quote or a comma.
 */
bool bearer_is_token(const char *text, size_t len);

#endif
