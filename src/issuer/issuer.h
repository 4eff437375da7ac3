/**
 * @file issuer.h
 * An issuer as configured, and the way from a token's kid to one of its keys.
 *
 * No function here opens a connection. Requests take keys from memory; when a
 * key is missing they ask the background thread (jwks_refresh.h) and may wait
 * for it, briefly, and never many of them at once.
 */
#ifndef AUTH0_ISSUER_ISSUER_H
#define AUTH0_ISSUER_ISSUER_H

#include <stdatomic.h>

#include "issuer/counters.h"
#include "issuer/jwks_cache.h"
#include "issuer/jwks_refresh.h"
#include "issuer/jwks_store.h"
#include "token/jwk.h"
#include "token/reason.h"
#include "token/secret.h"

/** How long a request waits for keys at most. */
#define ISSUER_WAIT_MAX apr_time_from_sec(2)

enum issuer_kind {
    ISSUER_KEYS_URL,   /**< public keys, fetched */
    ISSUER_KEYS_FILE,  /**< public keys, read once at start */
    ISSUER_SECRET_FILE /**< a shared secret: then there are no public keys */
};

struct issuer {
    const char *name;    /**< the iss that its tokens carry, byte for byte */
    unsigned algorithms; /**< JWA_BITs of algorithms=, or 0: as the location has it */
    enum issuer_kind kind;
    const char *source;          /**< URL or path */
    const struct jwks *keys;     /**< ISSUER_KEYS_FILE only */
    const struct secret *secret; /**< ISSUER_SECRET_FILE only */
    uint64_t file_id;            /**< of a file: the same for the same bytes */
    int slot;                    /**< ISSUER_KEYS_URL only: in the store; -1 when the
                                      store has no room for it */
};

/** What a process needs to find keys. */
struct issuer_runtime {
    struct jwks_store *store;
    struct jwks_cache *cache;  /**< NULL when this process could not make one */
    struct counters *counters; /**< of waits; NULL: nobody counts */
    struct jwks_timing timing;
    _Atomic bool stopping; /**< this process ends at once: nobody waits any more */
    /**
     * Requests of this process that wait, and how many may (0: no limit but the
     * store's). A process whose threads all wait would hold up the connections it has.
     */
    _Atomic unsigned waiting;
    unsigned waiting_max;
};

/**
 * What a signature was verified with: a source of keys, as of one of its documents, or a
 * secret. It can be asked later whether that still stands.
 */
struct issuer_voucher {
    uint64_t source;     /**< of this process: means nothing to another one */
    uint32_t generation; /**< of the source's document; 0 for what never changes */
};

/** A public key in use. */
struct issuer_key {
    const struct jwk *key;
    struct jwks_shared *shared; /**< what keeps it alive; NULL for a key of a file */
};

/**
 * Find the key that a token names. ISSUER_KEYS_URL and ISSUER_KEYS_FILE only.
 *
 * @param key  set on REASON_OK, then to be given back with issuer_key_release
 * @param kid  as in the token's header, or NULL
 * @return REASON_OK; those of jwks_find; REASON_KEYS_UNAVAILABLE when there are
 *         no keys, or none younger than the stale time
 */
enum reason issuer_find_key(struct issuer_key *key, struct issuer_runtime *runtime,
                            const struct issuer *issuer, const char *kid,
                            enum jwa_alg alg);

void issuer_key_release(struct issuer_key *key);

/** Are the keys fetched, and is there a document younger than the stale time? */
bool issuer_is_usable(const struct issuer_runtime *runtime,
                      const struct jwks_state *state);

/** Are two of one name and one source of keys? Several lines may name one issuer. */
bool issuer_is_same_source(const struct issuer *a, const struct issuer *b);

/**
 * What vouches for a token that was verified just now.
 *
 * @param key  the key that did; NULL for ISSUER_SECRET_FILE
 */
struct issuer_voucher issuer_voucher_for(const struct issuer *issuer,
                                         const struct issuer_key *key);

/**
 * Would the issuer's keys verify the same signature again? True while it has the same
 * document as then, and that is younger than the stale time; after another document came,
 * the key may be gone.
 */
bool issuer_vouches(const struct issuer_runtime *runtime, const struct issuer *issuer,
                    const struct issuer_voucher *voucher);

/** Seconds after which keys may be there again, for Retry-After; at least 1. */
int issuer_retry_after(const struct issuer_runtime *runtime, const struct issuer *issuer);

#endif
