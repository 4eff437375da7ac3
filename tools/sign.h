/**
 * @file sign.h
 * Signatures of JWS (RFC 7518 section 3). The module has no such code: only this
 * tool signs.
 */
#ifndef AUTH0_TOOLS_SIGN_H
#define AUTH0_TOOLS_SIGN_H

#include <apr_pools.h>
#include <stddef.h>

#include "key.h"

/**
 * Sign a message.
 *
 * @param signature  set to the signature as base64url
 * @param key        signs with the algorithm that it was made for
 * @return NULL on success, else why not, a phrase that is safe to print
 */
const char *sign_message(const char **signature, const struct signing_key *key,
                         const char *message, size_t len, apr_pool_t *pool);

#endif
