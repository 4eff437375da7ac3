/**
 * @file jwk_key.h
 * One JWK: its members checked, its numbers made into an EVP_PKEY.
 */
#ifndef AUTH0_TOKEN_JWK_KEY_H
#define AUTH0_TOKEN_JWK_KEY_H

#include <stdbool.h>

#include "token/json.h"
#include "token/jwk.h"

/**
 * Make a key of a JWK.
 *
 * @param key   zeroed; filled on success, left zeroed on failure
 * @param json  an object
 * @param pool  for reading only
 * @return NULL on success; else why this key is not usable, a fixed phrase;
 *         jwk_no_memory when that says nothing about the key
 */
const char *jwk_read(struct jwk *key, const json_value *json, apr_pool_t *pool);

/** What jwk_read returns, this very pointer, when memory ran out. */
extern const char jwk_no_memory[];

/** Give back what jwk_read made. */
void jwk_clear(struct jwk *key);

/** Does an asymmetric JWK hold any private member (RFC 7518 6.2.2, 6.3.2)? */
bool jwk_is_private(const json_value *json);

/**
 * Is this the encoding of an Edwards25519 point of order 1, 2, 4 or 8, or a
 * non-canonical form of one? Such a key, or such an R, makes signatures that
 * hold for many messages.
 *
 * @param point  32 bytes
 */
bool ed25519_is_low_order(const unsigned char *point);

#endif
