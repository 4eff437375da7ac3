/**
 * @file secret.h
 * A shared secret for HS256, HS384 and HS512 (RFC 7518 section 3.2).
 *
 * A type apart from struct jwk: nothing turns one into the other, so a public
 * key can never be taken for a secret. Immutable once made; any thread may use it.
 */
#ifndef AUTH0_TOKEN_SECRET_H
#define AUTH0_TOKEN_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#include "token/jwa.h"
#include "token/reason.h"

/** Bytes of the longest secret. */
#define SECRET_MAX 4096

struct secret;

/**
 * Make a secret; it keeps a copy of the bytes.
 *
 * @param algorithms  JWA_BITs of the algorithms to be used with it
 * @return NULL when it is shorter than the hash of one of these algorithms
 *         (RFC 7518 section 3.2), longer than SECRET_MAX, or without memory
 */
struct secret *secret_create(const unsigned char *bytes, size_t len, unsigned algorithms);

/** Wipe it and give it back; NULL is fine. */
void secret_destroy(struct secret *secret);

/**
 * Does this code authenticate the input? Compares in constant time.
 *
 * @param alg  one of the algorithms that the secret was made for; no other holds
 * @return REASON_OK; REASON_SIGNATURE_INVALID; REASON_INTERNAL_ERROR (no memory)
 */
enum reason secret_verify(const struct secret *secret, enum jwa_alg alg,
                          const char *input, size_t input_len, const unsigned char *code,
                          size_t code_len);

#endif
