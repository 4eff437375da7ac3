#include "issuer/issuer.h"

#include <stddef.h>
#include <string.h>

/* How often a waiting request looks. */
#define LOOK apr_time_from_msec(10)

/* Retry-After for an issuer that the store has no room for: only people can help. */
#define NO_ROOM_SECONDS 60

bool issuer_is_usable(const struct issuer_runtime *runtime,
                      const struct jwks_state *state)
{
    return state->generation != 0 &&
           issuer_clock() - state->success_at < runtime->timing.stale;
}

/* Will an attempt begin, or go on, while a request can wait for it? */
static bool attempt_is_near(const struct jwks_state *state, apr_time_t now)
{
    return state->started != state->finished || state->next_at <= now + ISSUER_WAIT_MAX;
}

static bool may_go_on_waiting(const struct issuer_runtime *runtime, apr_time_t until)
{
    return issuer_clock() < until && !atomic_load(&runtime->stopping);
}

static void count(const struct issuer_runtime *runtime, enum counter counter,
                  unsigned long seat)
{
    if (runtime->counters != NULL) {
        counters_add(runtime->counters, counter, seat);
    }
}

/* A place among those that wait, in this process and in the server; -1 for none. */
static int begin_waiting(struct issuer_runtime *runtime, apr_time_t now, apr_time_t until)
{
    unsigned before = atomic_fetch_add(&runtime->waiting, 1);
    int place = -1;

    if (runtime->waiting_max == 0 || before < runtime->waiting_max) {
        place = jwks_store_wait_begin(runtime->store, now, until);
    }
    if (place < 0) {
        atomic_fetch_sub(&runtime->waiting, 1);
        count(runtime, COUNTER_WAIT_TURNED_AWAY, before);
    }
    return place;
}

static void end_waiting(struct issuer_runtime *runtime, int place, bool served)
{
    count(runtime, served ? COUNTER_WAIT_SERVED : COUNTER_WAIT_IN_VAIN,
          (unsigned long)place);
    jwks_store_wait_end(runtime->store, place);
    atomic_fetch_sub(&runtime->waiting, 1);
}

/*
 * Wait until there are usable keys, or until an attempt that was under way or
 * came meanwhile has failed.
 */
static bool wait_for_keys(struct issuer_runtime *runtime, int slot)
{
    apr_time_t now = issuer_clock();
    apr_time_t until = now + ISSUER_WAIT_MAX;
    struct jwks_state state;
    uint32_t finished;
    bool usable;
    int place;

    jwks_store_state(&state, runtime->store, slot);
    finished = state.finished;
    if (!attempt_is_near(&state, now)) {
        return false;
    }
    place = begin_waiting(runtime, now, until);
    if (place < 0) {
        return false;
    }
    do {
        apr_sleep(LOOK);
        jwks_store_state(&state, runtime->store, slot);
        usable = issuer_is_usable(runtime, &state);
    } while (!usable && state.finished == finished && may_go_on_waiting(runtime, until));
    end_waiting(runtime, place, usable);
    return usable;
}

/* Ask for a refresh and wait for it, if there is anything to wait for. */
static void wait_for_refresh(struct issuer_runtime *runtime, int slot)
{
    apr_time_t now = issuer_clock();
    apr_time_t until = now + ISSUER_WAIT_MAX;
    uint32_t ticket;
    bool answered;
    int place;

    if (!jwks_store_ask(&ticket, runtime->store, slot, now, runtime->timing.cooldown)) {
        return;
    }
    place = begin_waiting(runtime, now, until);
    if (place < 0) {
        return;
    }
    do {
        apr_sleep(LOOK);
        answered = jwks_store_answered(runtime->store, slot, ticket);
    } while (!answered && may_go_on_waiting(runtime, until));
    end_waiting(runtime, place, answered);
}

static enum reason find_in_cache(struct issuer_key *key,
                                 const struct issuer_runtime *runtime, int slot,
                                 const char *kid, enum jwa_alg alg)
{
    enum reason reason;

    key->shared = jwks_cache_acquire(runtime->cache, slot);
    if (key->shared == NULL) {
        return REASON_KEYS_UNAVAILABLE;
    }
    reason = jwks_find(&key->key, jwks_shared_keys(key->shared), kid, alg);
    if (reason != REASON_OK) {
        issuer_key_release(key);
    }
    return reason;
}

enum reason issuer_find_key(struct issuer_key *key, struct issuer_runtime *runtime,
                            const struct issuer *issuer, const char *kid,
                            enum jwa_alg alg)
{
    struct jwks_state state;
    enum reason reason;

    key->key = NULL;
    key->shared = NULL;
    if (issuer->kind == ISSUER_KEYS_FILE) {
        return jwks_find(&key->key, issuer->keys, kid, alg);
    }
    if (issuer->kind != ISSUER_KEYS_URL || issuer->slot < 0 || runtime->cache == NULL) {
        return REASON_KEYS_UNAVAILABLE;
    }
    jwks_store_state(&state, runtime->store, issuer->slot);
    if (!issuer_is_usable(runtime, &state) && !wait_for_keys(runtime, issuer->slot)) {
        return REASON_KEYS_UNAVAILABLE;
    }
    reason = find_in_cache(key, runtime, issuer->slot, kid, alg);
    /*
     * The token may be signed with a key younger than our copy. Look again in any
     * case: what another request asked for may have come since the first look.
     */
    if (reason == REASON_KEY_UNKNOWN) {
        wait_for_refresh(runtime, issuer->slot);
        reason = find_in_cache(key, runtime, issuer->slot, kid, alg);
    }
    /* Nobody knows, since nobody waited. */
    if (reason == REASON_KEY_UNKNOWN && atomic_load(&runtime->stopping)) {
        reason = REASON_KEYS_UNAVAILABLE;
    }
    return reason;
}

bool issuer_is_same_source(const struct issuer *a, const struct issuer *b)
{
    return a->kind == b->kind && strcmp(a->name, b->name) == 0 &&
           strcmp(a->source, b->source) == 0;
}

static uint64_t source_of(const struct issuer *issuer)
{
    switch (issuer->kind) {
    case ISSUER_KEYS_URL:
        return (uint64_t)issuer->slot + 1; /* a slot is one source's for ever */
    case ISSUER_KEYS_FILE:
    case ISSUER_SECRET_FILE:
        break;
    }
    return issuer->file_id;
}

struct issuer_voucher issuer_voucher_for(const struct issuer *issuer,
                                         const struct issuer_key *key)
{
    struct issuer_voucher voucher = {.source = source_of(issuer), .generation = 0};

    if (key != NULL && key->shared != NULL) {
        voucher.generation = jwks_shared_generation(key->shared);
    }
    return voucher;
}

bool issuer_vouches(const struct issuer_runtime *runtime, const struct issuer *issuer,
                    const struct issuer_voucher *voucher)
{
    struct jwks_state state;

    if (voucher->source != source_of(issuer)) {
        return false;
    }
    if (issuer->kind != ISSUER_KEYS_URL) {
        return true;
    }
    if (issuer->slot < 0) {
        return false;
    }
    jwks_store_state(&state, runtime->store, issuer->slot);
    return state.generation == voucher->generation && issuer_is_usable(runtime, &state);
}

void issuer_key_release(struct issuer_key *key)
{
    jwks_cache_release(key->shared);
    key->key = NULL;
    key->shared = NULL;
}

int issuer_retry_after(const struct issuer_runtime *runtime, const struct issuer *issuer)
{
    struct jwks_state state;
    apr_time_t wait;

    if (issuer->kind != ISSUER_KEYS_URL || issuer->slot < 0 || runtime->cache == NULL) {
        return NO_ROOM_SECONDS;
    }
    jwks_store_state(&state, runtime->store, issuer->slot);
    wait = state.next_at - issuer_clock();
    return wait > apr_time_from_sec(1) ? (int)apr_time_sec(wait + APR_USEC_PER_SEC - 1)
                                       : 1;
}
