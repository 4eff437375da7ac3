/**
 * @file jwks_cache.h
 * This process's parsed copy of the key documents in the store.
 *
 * A set of keys is parsed once per process and generation, by the first thread
 * that meets the new generation; the others go on with the set before it, or
 * wait for the parse if there is none. A set never changes once it is in place.
 * It is swapped by pointer and lives until its last user has given it back.
 */
#ifndef AUTH0_ISSUER_JWKS_CACHE_H
#define AUTH0_ISSUER_JWKS_CACHE_H

#include <apr_pools.h>

#include "issuer/jwks_store.h"
#include "token/jwk.h"

struct jwks_cache;

/** A set of keys that its holder counts on; see jwks_cache_release. */
struct jwks_shared;

/**
 * @param store  must outlive the cache
 * @param pool   of the process; the cache goes with it
 * @return NULL when mutexes cannot be made
 */
struct jwks_cache *jwks_cache_create(struct jwks_store *store, apr_pool_t *pool);

/**
 * jwks_parse with scratch memory of its own: for threads that have no pool.
 *
 * @return as jwks_parse; REASON_INTERNAL_ERROR also when there is no such memory
 */
enum reason jwks_cache_parse(struct jwks **jwks, const char *text, size_t len);

/**
 * The keys of a slot, as of its current document: while one thread parses that, the
 * others wait. Does not look at ages: see jwks_state.
 *
 * @return NULL when no document came yet; else to be given back
 */
struct jwks_shared *jwks_cache_acquire(struct jwks_cache *cache, int slot);

void jwks_cache_release(struct jwks_shared *shared);

/** The keys themselves, valid until the release. */
const struct jwks *jwks_shared_keys(const struct jwks_shared *shared);

/** The generation of the document that they are from. */
uint32_t jwks_shared_generation(const struct jwks_shared *shared);

#endif
