/**
 * @file token_cache.h
 * Tokens whose signature held, so that it need not be verified again: in each process,
 * from the SHA-256 of a token to its claims and to what vouched for them.
 *
 * It says nothing about a location: who finds claims here judges them by the location's
 * policy, as after a verification, and asks whether what vouched still stands (see
 * issuer_vouches). The token itself is not kept, and nothing is known of bad tokens.
 *
 * Terms
 *   ring    entries one behind the other in a fixed number of words; the newest
 *           overwrite the oldest
 *   head    how many words were ever written; a word further back than the ring is
 *           long is gone
 *   index   where in the ring an entry begins, with some bits of its digest: buckets of
 *           a few places, of which a new entry takes the oldest
 *
 * Memory is bounded by the ring and the index, whatever tokens hold. To find takes no
 * lock: a reader copies an entry and then looks whether the head has come so far
 * meanwhile that it may have been overwritten (a sequence lock, with the head as the
 * sequence). Writers, who have just spent a signature's time, take turns.
 *
 * Any thread may call anything.
 */
#ifndef AUTH0_ISSUER_TOKEN_CACHE_H
#define AUTH0_ISSUER_TOKEN_CACHE_H

#include <apr_pools.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "issuer/issuer.h"
#include "token/jwt.h"

/** Bytes of the ring for each entry: a cache of 4096 entries takes 1 MiB. */
#define TOKEN_CACHE_ENTRY_BYTES 256

#define TOKEN_CACHE_ENTRIES_MAX 1048576

#define TOKEN_DIGEST_LENGTH 32

struct token_cache;

/**
 * @param entries  1 to TOKEN_CACHE_ENTRIES_MAX; fewer are kept when they are larger than
 *                 TOKEN_CACHE_ENTRY_BYTES
 * @param pool     of the process; the cache goes with it
 * @return NULL without memory
 */
struct token_cache *token_cache_create(unsigned entries, apr_pool_t *pool);

/** SHA-256; false when OpenSSL has no memory. */
bool token_cache_digest(unsigned char digest[TOKEN_DIGEST_LENGTH],
                        const struct token_cache *cache, const char *token, size_t len);

/**
 * Find a token.
 *
 * @param voucher  set to what vouched for it
 * @return its claims, in @a pool; NULL when it is not here (any more)
 */
const struct jwt_claims *token_cache_find(struct issuer_voucher *voucher,
                                          const struct token_cache *cache,
                                          const unsigned char digest[TOKEN_DIGEST_LENGTH],
                                          apr_pool_t *pool);

/**
 * Add a token, or replace what vouches for it.
 *
 * @param pool  for the time of the call
 */
void token_cache_add(struct token_cache *cache,
                     const unsigned char digest[TOKEN_DIGEST_LENGTH],
                     const struct issuer_voucher *voucher,
                     const struct jwt_claims *claims, apr_pool_t *pool);

#endif
