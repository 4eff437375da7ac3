/**
 * @file jwks_store.h
 * The shared-memory table of key documents: what all processes of the server
 * know about their issuers. One slot per (issuer, source).
 *
 * Terms
 *   document    the raw JWK Set as fetched; never parsed here
 *   generation  how many different documents a slot has held; 0 = none yet
 *   attempt     one try to fetch, successful or not
 *   leader      the one process that fetches, by a lease it keeps renewing
 *   asked       how often an unknown kid has asked for a refresh; an attempt
 *               answers all that was asked before it started
 *   hold        a time before which no attempt is made, whoever asks, since the
 *               issuer said so (Retry-After)
 *
 * No locks: a process may be killed at any instruction and the others go on.
 *   - A slot is claimed by one compare-and-swap on its id, then filled by
 *     whoever has the same id with the same bytes, then marked ready.
 *   - A document lies in one of two buffers, chosen by the generation's lowest
 *     bit. The leader writes the buffer nobody reads, then raises the generation.
 *     A reader copies and then checks that the generation has not moved. A digest
 *     travels with each document, so that even two leaders at once (one stopped
 *     beyond its lease, then continued) cannot make a mixture pass for one.
 *
 * All times are microseconds of issuer_clock(), which no clock change touches.
 * Any thread of any process may call anything, except what says "leader only".
 */
#ifndef AUTH0_ISSUER_JWKS_STORE_H
#define AUTH0_ISSUER_JWKS_STORE_H

#include <apr_time.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Issuers that one server can hold, those of .htaccess files included. */
#define JWKS_STORE_SLOTS 64

/** Bytes of an issuer identifier and of a key document's URL. */
#define JWKS_STORE_ISSUER_MAX 511
#define JWKS_STORE_URL_MAX 1023

/** Requests that may wait for keys at the same time, whatever the server's size. */
#define JWKS_STORE_WAITERS_MAX 256

/** Bytes kept of the words that say how the last attempt failed. */
#define JWKS_STORE_ERROR_MAX 255

struct jwks_store;

/** A slot's identity: what its keys are for and where they come from. */
struct jwks_source {
    const char *issuer; /**< iss, for people; at most JWKS_STORE_ISSUER_MAX bytes */
    const char *url;    /**< https; at most JWKS_STORE_URL_MAX bytes */
    const char *trust;  /**< the CA file in use, or "" */
};

/** The state of one slot, read at one moment. */
struct jwks_state {
    uint32_t generation;
    uint32_t started;       /**< attempts begun; goes on over restarts */
    uint32_t finished;      /**< attempts ended */
    uint32_t failed;        /**< of all attempts those that failed; the same */
    uint32_t failures;      /**< failed attempts since the last success */
    uint32_t asked;         /**< refreshes asked for by unknown kids, modulo 2^24 */
    uint32_t answered;      /**< the value of asked that attempts have covered */
    apr_time_t success_at;  /**< last success; below 0 when before the machine's start */
    apr_time_t next_at;     /**< next regular attempt, 0 for at once */
    apr_time_t cooldown_at; /**< until then, unknown kids ask in vain */
    apr_time_t hold_at;     /**< until then, no attempt at all; else 0 */
};

/** Microseconds of a clock that only goes forward; the same in every process; never 0. */
apr_time_t issuer_clock(void);

/** Bytes of shared memory that a store needs. */
size_t jwks_store_size(void);

/**
 * Make a store of zeroed shared memory. In the parent, before any fork.
 *
 * @param waiters  how many requests of the whole server may wait for keys at once
 */
struct jwks_store *jwks_store_init(void *memory, unsigned waiters);

/**
 * The slot of a source, claimed when it has none yet.
 *
 * @return 0 to JWKS_STORE_SLOTS - 1; -1 when the table is full or a name too long
 */
int jwks_store_slot(struct jwks_store *store, const struct jwks_source *source);

/**
 * Take over what is known of the same source from another store: the document, what
 * became of the last attempts, and how many there were. Parent only.
 *
 * @param refresh  after a success at most this long until the next attempt
 */
void jwks_store_inherit(struct jwks_store *store, int slot, struct jwks_store *old,
                        const struct jwks_source *source, apr_interval_time_t refresh);

/** Is there a source in this slot? Then @a issuer and @a url are set (shared memory). */
bool jwks_store_source(const char **issuer, const char **url, struct jwks_store *store,
                       int slot);

void jwks_store_state(struct jwks_state *state, const struct jwks_store *store, int slot);

/** The current generation: one atomic read. */
uint32_t jwks_store_generation(const struct jwks_store *store, int slot);

/**
 * Copy the current document.
 *
 * @param text        set to malloc'ed memory of the caller's; NULL on failure
 * @param generation  set to the generation of that copy; 0 on failure
 * @return false when there is none, it is torn, or there is no memory
 */
bool jwks_store_read(char **text, size_t *len, uint32_t *generation,
                     const struct jwks_store *store, int slot);

/**
 * Ask for a refresh because of an unknown kid: at most once per cooldown, which
 * is counted from now, before any attempt, so that a dead issuer uses it up too.
 *
 * @param ticket  set when waiting makes sense: until state.answered reaches it
 * @return true when a refresh is on its way; false during the cooldown
 */
bool jwks_store_ask(uint32_t *ticket, struct jwks_store *store, int slot, apr_time_t now,
                    apr_interval_time_t cooldown);

/** Has everything up to this ticket been answered? */
bool jwks_store_answered(const struct jwks_store *store, int slot, uint32_t ticket);

/**
 * A place among the requests that may wait. It frees itself at @a until should
 * its holder die.
 *
 * @return the place, to be given to jwks_store_wait_end; -1 when all are taken
 */
int jwks_store_wait_begin(struct jwks_store *store, apr_time_t now, apr_time_t until);
void jwks_store_wait_end(struct jwks_store *store, int place);

/** How many places are taken now, and (in @a limit) how many there are. */
unsigned jwks_store_waiting(unsigned *limit, const struct jwks_store *store,
                            apr_time_t now);

/**
 * Be the leader, or stay it: to be called again within the lease.
 *
 * @param self  this process; not 0
 * @return false while another process holds an unexpired lease
 */
bool jwks_store_lead(struct jwks_store *store, uint32_t self, apr_time_t now,
                     apr_interval_time_t lease);

/** Give the lead up, if it is ours, for another process to take at once. */
void jwks_store_resign(struct jwks_store *store, uint32_t self);

/**
 * Leader only: an attempt begins. Stamped first: whatever happens to this
 * process, no other attempt is due before @a next_at.
 *
 * @return the ticket that this attempt answers
 */
uint32_t jwks_store_begin(struct jwks_store *store, int slot, apr_time_t next_at);

/**
 * Leader only: an attempt brought a usable document. Whether or not it is a new
 * one, the keys are fresh from @a now.
 *
 * @return true when it differs from the one before, false when it is the same (or
 *         could not be stored for want of memory: then the attempt has failed)
 */
bool jwks_store_publish(struct jwks_store *store, int slot, uint32_t ticket,
                        const char *text, size_t len, apr_time_t now, apr_time_t next_at);

/**
 * Leader only: an attempt failed; what was published stays.
 *
 * @param held   make no attempt before @a next_at, even if unknown kids ask
 * @param error  why, in words; cut to JWKS_STORE_ERROR_MAX bytes
 */
void jwks_store_fail(struct jwks_store *store, int slot, uint32_t ticket,
                     apr_time_t next_at, bool held, const char *error);

/**
 * Leader only: a document that was fetched before this server started, by a
 * clock reading of then. No attempt is put off by it.
 *
 * @return false when the slot has a document already
 */
bool jwks_store_restore(struct jwks_store *store, int slot, const char *text, size_t len,
                        apr_time_t success_at);

/**
 * How the last attempt failed.
 *
 * @param words  set to "" when it did not, or when they are just being written
 */
void jwks_store_error(char words[JWKS_STORE_ERROR_MAX + 1],
                      const struct jwks_store *store, int slot);

#endif
