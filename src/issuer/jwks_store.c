#include "issuer/jwks_store.h"

#include <openssl/err.h>
#include <openssl/sha.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "token/jwk.h"

#define DOCUMENT_WORDS (JWKS_DOCUMENT_MAX / sizeof(uint64_t))
#define DIGEST_WORDS (SHA256_DIGEST_LENGTH / sizeof(uint64_t))
#define ERROR_WORDS ((JWKS_STORE_ERROR_MAX + 1) / sizeof(uint64_t))

/* A reader that finds the document moving more often than that gives up for now. */
#define READ_TRIES 4

/* Cooldown and count change together, so that no request sees one without the other. */
#define ASKED_BITS 24
#define ASKED_MASK ((UINT32_C(1) << ASKED_BITS) - 1)

_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2 && ATOMIC_INT_LOCK_FREE == 2,
               "shared memory needs atomics without locks");

typedef _Atomic uint32_t shared_u32;
typedef _Atomic uint64_t shared_u64;
typedef _Atomic int64_t shared_time;

/* Words, not bytes: copied by relaxed atomic reads, so that overlap is defined. */
struct document {
    shared_u32 len;
    shared_u64 digest[DIGEST_WORDS];
    shared_u64 words[DOCUMENT_WORDS];
};

struct slot {
    shared_u64 id;    /* 0: free */
    shared_u32 ready; /* issuer and url are written */
    char issuer[JWKS_STORE_ISSUER_MAX + 1];
    char url[JWKS_STORE_URL_MAX + 1];

    shared_u32 generation;
    shared_u32 started;
    shared_u32 finished;
    shared_u32 failed;
    shared_u32 failures;
    shared_u32 answered;
    shared_u64 asking; /* end of the cooldown in milliseconds << 24 | asked */
    shared_time success_at;
    shared_time next_at;
    shared_time hold_at;
    shared_u32 errors; /* how many were written; the last is in error[errors & 1] */
    shared_u64 error[2][ERROR_WORDS];
    struct document document[2];
};

struct jwks_store {
    shared_u64 leader; /* milliseconds of the last sign of life << 32 | process */
    unsigned waiters;
    shared_time waiting[JWKS_STORE_WAITERS_MAX]; /* until when a place is taken */
    struct slot slots[JWKS_STORE_SLOTS];
};

apr_time_t issuer_clock(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (apr_time_t)now.tv_sec * APR_USEC_PER_SEC + now.tv_nsec / 1000 + 1;
}

size_t jwks_store_size(void)
{
    return sizeof(struct jwks_store);
}

struct jwks_store *jwks_store_init(void *memory, unsigned waiters)
{
    struct jwks_store *store = memory;

    store->waiters = waiters < 1                        ? 1
                     : waiters > JWKS_STORE_WAITERS_MAX ? JWKS_STORE_WAITERS_MAX
                                                        : waiters;
    return store;
}

/* 0, which marks a free slot, when the source has no id. */
static uint64_t source_id(const struct jwks_source *source)
{
    const char *part[] = {source->issuer, source->url, source->trust};
    unsigned char digest[SHA256_DIGEST_LENGTH];
    unsigned char text[4096];
    size_t len = 0;
    uint64_t id;

    for (size_t i = 0; i < sizeof(part) / sizeof(part[0]); i++) {
        size_t n = strlen(part[i]) + 1; /* the NUL keeps the parts apart */

        if (n > sizeof(text) - len) {
            return 0;
        }
        memcpy(text + len, part[i], n);
        len += n;
    }
    if (SHA256(text, len, digest) == NULL) {
        ERR_clear_error();
        return 0;
    }
    memcpy(&id, digest, sizeof(id));
    return id != 0 ? id : 1;
}

/* The slot of a source; a free one becomes its own if it may be claimed. */
static int find_slot(struct jwks_store *store, const struct jwks_source *source,
                     bool claim)
{
    uint64_t id = source_id(source);

    if (id == 0 || strlen(source->issuer) > JWKS_STORE_ISSUER_MAX ||
        strlen(source->url) > JWKS_STORE_URL_MAX) {
        return -1;
    }
    /* Open addressing; slots are never freed, so an id has one place only. */
    for (int i = 0; i < JWKS_STORE_SLOTS; i++) {
        int n = (int)((id + (uint64_t)i) % JWKS_STORE_SLOTS);
        struct slot *slot = &store->slots[n];
        uint64_t found = atomic_load(&slot->id);

        if (found == 0 && !claim) {
            return -1;
        }
        if (found == 0 && atomic_compare_exchange_strong(&slot->id, &found, id)) {
            found = id;
        }
        if (found != id) {
            continue;
        }
        if (!atomic_load(&slot->ready)) {
            /* Whoever else is here writes the same bytes. */
            strcpy(slot->issuer, source->issuer);
            strcpy(slot->url, source->url);
            atomic_store(&slot->ready, 1);
        }
        /* Half a digest is an id, not a proof. */
        return strcmp(slot->issuer, source->issuer) == 0 &&
                       strcmp(slot->url, source->url) == 0
                   ? n
                   : -1;
    }
    return -1;
}

int jwks_store_slot(struct jwks_store *store, const struct jwks_source *source)
{
    return find_slot(store, source, true);
}

bool jwks_store_source(const char **issuer, const char **url, struct jwks_store *store,
                       int slot)
{
    if (!atomic_load(&store->slots[slot].ready)) {
        return false;
    }
    *issuer = store->slots[slot].issuer;
    *url = store->slots[slot].url;
    return true;
}

static apr_time_t cooldown_of(uint64_t asking)
{
    return apr_time_from_msec((apr_time_t)(asking >> ASKED_BITS));
}

/* The end is rounded up to a millisecond. */
static uint64_t asking_of(apr_time_t cooldown_at, uint32_t asked)
{
    return ((uint64_t)(cooldown_at + 999) / 1000) << ASKED_BITS | (asked & ASKED_MASK);
}

void jwks_store_state(struct jwks_state *state, const struct jwks_store *store, int n)
{
    const struct slot *slot = &store->slots[n];
    uint64_t asking;

    state->generation = atomic_load(&slot->generation);
    state->started = atomic_load(&slot->started);
    state->finished = atomic_load(&slot->finished);
    state->failed = atomic_load(&slot->failed);
    state->failures = atomic_load(&slot->failures);
    asking = atomic_load(&slot->asking);
    state->asked = (uint32_t)asking & ASKED_MASK;
    state->cooldown_at = cooldown_of(asking);
    state->answered = atomic_load(&slot->answered);
    state->success_at = atomic_load(&slot->success_at);
    state->next_at = atomic_load(&slot->next_at);
    state->hold_at = atomic_load(&slot->hold_at);
}

uint32_t jwks_store_generation(const struct jwks_store *store, int slot)
{
    return atomic_load_explicit(&store->slots[slot].generation, memory_order_acquire);
}

/* Copy one buffer into @a text, which has room for a whole document. */
static bool copy_document(char *text, size_t *len, const struct document *document)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    uint64_t expected[DIGEST_WORDS];
    uint64_t word;

    *len = atomic_load_explicit(&document->len, memory_order_relaxed);
    if (*len == 0 || *len > JWKS_DOCUMENT_MAX) {
        return false;
    }
    for (size_t i = 0; i < DIGEST_WORDS; i++) {
        expected[i] = atomic_load_explicit(&document->digest[i], memory_order_relaxed);
    }
    for (size_t i = 0; i * sizeof(word) < *len; i++) {
        word = atomic_load_explicit(&document->words[i], memory_order_relaxed);
        memcpy(text + i * sizeof(word), &word, sizeof(word));
    }
    if (SHA256((const unsigned char *)text, *len, digest) == NULL) {
        ERR_clear_error();
        return false;
    }
    return memcmp(digest, expected, sizeof(digest)) == 0;
}

bool jwks_store_read(char **text, size_t *len, uint32_t *generation,
                     const struct jwks_store *store, int n)
{
    const struct slot *slot = &store->slots[n];

    *generation = 0;
    *text = malloc(JWKS_DOCUMENT_MAX);
    if (*text == NULL) {
        return false;
    }
    for (int i = 0; i < READ_TRIES; i++) {
        bool whole;

        *generation = atomic_load_explicit(&slot->generation, memory_order_acquire);
        if (*generation == 0) {
            break;
        }
        whole = copy_document(*text, len, &slot->document[*generation & 1]);
        atomic_thread_fence(memory_order_acquire);
        if (whole && atomic_load_explicit(&slot->generation, memory_order_relaxed) ==
                         *generation) {
            return true;
        }
    }
    free(*text);
    *text = NULL;
    *generation = 0;
    return false;
}

bool jwks_store_ask(uint32_t *ticket, struct jwks_store *store, int n, apr_time_t now,
                    apr_interval_time_t cooldown)
{
    struct slot *slot = &store->slots[n];
    uint64_t asking = atomic_load(&slot->asking);

    if (atomic_load(&slot->hold_at) > now) {
        return false;
    }
    if (cooldown_of(asking) <= now) {
        *ticket = ((uint32_t)asking + 1) & ASKED_MASK;
        if (atomic_compare_exchange_strong(&slot->asking, &asking,
                                           asking_of(now + cooldown, *ticket))) {
            return true;
        }
    }
    /* Another request has asked: wait with it if it is still waiting. */
    *ticket = (uint32_t)asking & ASKED_MASK;
    return !jwks_store_answered(store, n, *ticket);
}

bool jwks_store_answered(const struct jwks_store *store, int slot, uint32_t ticket)
{
    return ((atomic_load(&store->slots[slot].answered) - ticket) & ASKED_MASK) <=
           ASKED_MASK / 2;
}

int jwks_store_wait_begin(struct jwks_store *store, apr_time_t now, apr_time_t until)
{
    for (unsigned i = 0; i < store->waiters; i++) {
        int64_t taken = atomic_load(&store->waiting[i]);

        if (taken <= now &&
            atomic_compare_exchange_strong(&store->waiting[i], &taken, until)) {
            return (int)i;
        }
    }
    return -1;
}

void jwks_store_wait_end(struct jwks_store *store, int place)
{
    atomic_store(&store->waiting[place], 0);
}

unsigned jwks_store_waiting(unsigned *limit, const struct jwks_store *store,
                            apr_time_t now)
{
    unsigned waiting = 0;

    for (unsigned i = 0; i < store->waiters; i++) {
        waiting += atomic_load_explicit(&store->waiting[i], memory_order_relaxed) > now;
    }
    *limit = store->waiters;
    return waiting;
}

static uint64_t lease_of(uint32_t self, apr_time_t now)
{
    return ((uint64_t)apr_time_as_msec(now) << 32) | self;
}

bool jwks_store_lead(struct jwks_store *store, uint32_t self, apr_time_t now,
                     apr_interval_time_t lease)
{
    uint64_t held = atomic_load(&store->leader);
    uint32_t age = (uint32_t)apr_time_as_msec(now) - (uint32_t)(held >> 32);

    if (held != 0 && (uint32_t)held != self && age < (uint32_t)apr_time_as_msec(lease)) {
        return false;
    }
    return atomic_compare_exchange_strong(&store->leader, &held, lease_of(self, now));
}

void jwks_store_resign(struct jwks_store *store, uint32_t self)
{
    uint64_t held = atomic_load(&store->leader);

    if ((uint32_t)held == self) {
        atomic_compare_exchange_strong(&store->leader, &held, 0);
    }
}

uint32_t jwks_store_begin(struct jwks_store *store, int n, apr_time_t next_at)
{
    struct slot *slot = &store->slots[n];
    uint32_t ticket = (uint32_t)atomic_load(&slot->asking) & ASKED_MASK;

    atomic_store(&slot->next_at, next_at);
    atomic_fetch_add(&slot->started, 1);
    return ticket;
}

static void finish(struct slot *slot, uint32_t ticket)
{
    atomic_store(&slot->answered, ticket);
    /* An attempt whose process died has no end of its own: this one ends them all. */
    atomic_store(&slot->finished, atomic_load(&slot->started));
}

enum put { PUT_NEW, PUT_SAME, PUT_FAILED };

/* Write the buffer that nobody reads, then make it the current one. */
static enum put put_document(struct slot *slot, const char *text, size_t len)
{
    uint32_t generation = atomic_load(&slot->generation);
    struct document *current = &slot->document[generation & 1];
    struct document *next = &slot->document[(generation + 1) & 1];
    unsigned char digest[SHA256_DIGEST_LENGTH];
    uint64_t words[DIGEST_WORDS];
    bool same = generation != 0;

    if (SHA256((const unsigned char *)text, len, digest) == NULL) {
        ERR_clear_error();
        return PUT_FAILED;
    }
    memcpy(words, digest, sizeof(words));
    for (size_t i = 0; i < DIGEST_WORDS; i++) {
        same = same && atomic_load(&current->digest[i]) == words[i];
    }
    if (same) {
        return PUT_SAME;
    }

    /* Readers of the buffer's former content must see that the generation moved. */
    atomic_thread_fence(memory_order_release);
    atomic_store_explicit(&next->len, (uint32_t)len, memory_order_relaxed);
    for (size_t i = 0; i < DIGEST_WORDS; i++) {
        atomic_store_explicit(&next->digest[i], words[i], memory_order_relaxed);
    }
    for (size_t i = 0; i * sizeof(uint64_t) < len; i++) {
        size_t rest = len - i * sizeof(uint64_t);
        uint64_t word = 0;

        memcpy(&word, text + i * sizeof(word), rest < sizeof(word) ? rest : sizeof(word));
        atomic_store_explicit(&next->words[i], word, memory_order_relaxed);
    }
    /* 0 means none: after four thousand million documents, go on from 2. */
    atomic_store_explicit(&slot->generation, generation + 1 != 0 ? generation + 1 : 2,
                          memory_order_release);
    return PUT_NEW;
}

bool jwks_store_publish(struct jwks_store *store, int n, uint32_t ticket,
                        const char *text, size_t len, apr_time_t now, apr_time_t next_at)
{
    struct slot *slot = &store->slots[n];
    enum put put = put_document(slot, text, len);

    if (put == PUT_FAILED) {
        jwks_store_fail(store, n, ticket, now + APR_USEC_PER_SEC, false, "out of memory");
        return false;
    }
    atomic_store(&slot->success_at, now);
    atomic_store(&slot->next_at, next_at);
    atomic_store(&slot->hold_at, 0);
    atomic_store(&slot->failures, 0);
    finish(slot, ticket);
    return put == PUT_NEW;
}

bool jwks_store_restore(struct jwks_store *store, int n, const char *text, size_t len,
                        apr_time_t success_at)
{
    struct slot *slot = &store->slots[n];

    if (atomic_load(&slot->generation) != 0) {
        return false;
    }
    atomic_store(&slot->success_at,
                 success_at); /* first: the generation makes it count */
    return put_document(slot, text, len) == PUT_NEW;
}

/* As with documents: write the buffer that nobody reads, then raise the count. */
static void put_error(struct slot *slot, const char *error)
{
    uint32_t next = atomic_load(&slot->errors) + 1;
    uint64_t words[ERROR_WORDS] = {0};
    size_t len = strlen(error);

    memcpy(words, error, len < JWKS_STORE_ERROR_MAX ? len : JWKS_STORE_ERROR_MAX);
    atomic_thread_fence(memory_order_release);
    for (size_t i = 0; i < ERROR_WORDS; i++) {
        atomic_store_explicit(&slot->error[next & 1][i], words[i], memory_order_relaxed);
    }
    atomic_store_explicit(&slot->errors, next, memory_order_release);
}

void jwks_store_error(char words[JWKS_STORE_ERROR_MAX + 1],
                      const struct jwks_store *store, int n)
{
    const struct slot *slot = &store->slots[n];
    uint32_t count = atomic_load_explicit(&slot->errors, memory_order_acquire);

    words[0] = '\0';
    if (atomic_load(&slot->failures) == 0) {
        return;
    }
    for (size_t i = 0; i < ERROR_WORDS; i++) {
        uint64_t word =
            atomic_load_explicit(&slot->error[count & 1][i], memory_order_relaxed);

        memcpy(words + i * sizeof(word), &word, sizeof(word));
    }
    words[JWKS_STORE_ERROR_MAX] = '\0';
    atomic_thread_fence(memory_order_acquire);
    if (atomic_load_explicit(&slot->errors, memory_order_relaxed) != count) {
        words[0] = '\0';
    }
}

void jwks_store_fail(struct jwks_store *store, int n, uint32_t ticket, apr_time_t next_at,
                     bool held, const char *error)
{
    struct slot *slot = &store->slots[n];

    put_error(slot, error);
    atomic_fetch_add(&slot->failed, 1);
    atomic_fetch_add(&slot->failures, 1);
    atomic_store(&slot->next_at, next_at);
    atomic_store(&slot->hold_at, held ? next_at : 0);
    finish(slot, ticket);
}

/* What became of the attempts; so that a restart does not hide that they fail. */
static void inherit_attempts(struct slot *slot, const struct jwks_state *state,
                             const char *error)
{
    atomic_store(&slot->started, state->started);
    /* Whatever is under way goes on in the other store, and ends for nobody here. */
    atomic_store(&slot->finished, state->started);
    atomic_store(&slot->failed, state->failed);
    if (state->failures > 0 && state->generation != 0) {
        put_error(slot, error);
        atomic_store(&slot->failures, state->failures);
    }
}

void jwks_store_inherit(struct jwks_store *store, int n, struct jwks_store *old,
                        const struct jwks_source *source, apr_interval_time_t refresh)
{
    struct slot *slot = &store->slots[n];
    char error[JWKS_STORE_ERROR_MAX + 1];
    struct jwks_state state;
    uint32_t generation;
    char *text;
    size_t len;
    int from = find_slot(old, source, false);

    if (from < 0) {
        return;
    }
    jwks_store_state(&state, old, from);
    jwks_store_error(error, old, from);
    inherit_attempts(slot, &state, error);
    if (!jwks_store_read(&text, &len, &generation, old, from)) {
        return;
    }
    /* Generations go on; nobody looks at this slot before the document is in it. */
    atomic_store(&slot->generation, generation - 1);
    if (put_document(slot, text, len) == PUT_FAILED) {
        atomic_store(&slot->generation, 0);
        free(text);
        return;
    }
    atomic_store(&slot->success_at, state.success_at);
    atomic_store(&slot->next_at, state.next_at < state.success_at + refresh
                                     ? state.next_at
                                     : state.success_at + refresh);
    atomic_store(&slot->asking, asking_of(state.cooldown_at, 0));
    atomic_store(&slot->hold_at, state.hold_at);
    free(text);
}
