#include "issuer/jwks_cache.h"

#include <apr_thread_mutex.h>
#include <stdatomic.h>
#include <stdlib.h>

struct jwks_shared {
    _Atomic unsigned references;
    struct jwks *keys;
    uint32_t generation;
};

struct entry {
    apr_thread_mutex_t *parsing; /* held while a new document is read */
    apr_thread_mutex_t *swap;    /* held for a pointer and a count, nothing longer */
    struct jwks_shared *current; /* one reference is the entry's */
    _Atomic uint32_t generation; /* the last one parsed, usable or not */
};

struct jwks_cache {
    struct jwks_store *store;
    struct entry entries[JWKS_STORE_SLOTS];
};

static apr_status_t cache_cleanup(void *data)
{
    struct jwks_cache *cache = data;

    for (int i = 0; i < JWKS_STORE_SLOTS; i++) {
        jwks_cache_release(cache->entries[i].current);
        cache->entries[i].current = NULL;
    }
    return APR_SUCCESS;
}

struct jwks_cache *jwks_cache_create(struct jwks_store *store, apr_pool_t *pool)
{
    struct jwks_cache *cache = apr_pcalloc(pool, sizeof(*cache));

    cache->store = store;
    for (int i = 0; i < JWKS_STORE_SLOTS; i++) {
        struct entry *entry = &cache->entries[i];

        if (apr_thread_mutex_create(&entry->parsing, APR_THREAD_MUTEX_UNNESTED, pool) !=
                APR_SUCCESS ||
            apr_thread_mutex_create(&entry->swap, APR_THREAD_MUTEX_UNNESTED, pool) !=
                APR_SUCCESS) {
            return NULL;
        }
    }
    apr_pool_cleanup_register(pool, cache, cache_cleanup, apr_pool_cleanup_null);
    return cache;
}

void jwks_cache_release(struct jwks_shared *shared)
{
    if (shared != NULL && atomic_fetch_sub(&shared->references, 1) == 1) {
        jwks_destroy(shared->keys);
        free(shared);
    }
}

const struct jwks *jwks_shared_keys(const struct jwks_shared *shared)
{
    return shared->keys;
}

uint32_t jwks_shared_generation(const struct jwks_shared *shared)
{
    return shared->generation;
}

enum reason jwks_cache_parse(struct jwks **jwks, const char *text, size_t len)
{
    enum reason reason;
    apr_pool_t *scratch;

    *jwks = NULL;
    if (apr_pool_create_unmanaged_ex(&scratch, NULL, NULL) != APR_SUCCESS) {
        return REASON_INTERNAL_ERROR;
    }
    reason = jwks_parse(jwks, text, len, scratch);
    apr_pool_destroy(scratch);
    return reason;
}

/*
 * Parse the store's current document. NULL when it is unusable; NULL and generation
 * 0 when it could not be read or there was no memory, so that it is tried again.
 */
static struct jwks_shared *parse_current(uint32_t *generation, struct jwks_cache *cache,
                                         int slot)
{
    struct jwks_shared *shared = NULL;
    struct jwks *keys = NULL;
    enum reason reason;
    char *text;
    size_t len;

    if (!jwks_store_read(&text, &len, generation, cache->store, slot)) {
        return NULL;
    }
    reason = jwks_cache_parse(&keys, text, len);
    if (reason == REASON_OK) {
        shared = malloc(sizeof(*shared));
        reason = shared != NULL ? REASON_OK : REASON_INTERNAL_ERROR;
    }
    if (reason == REASON_INTERNAL_ERROR) {
        *generation = 0;
    }
    if (shared != NULL) {
        atomic_init(&shared->references, 1);
        shared->keys = keys;
        shared->generation = *generation;
    }
    else {
        jwks_destroy(keys);
    }
    free(text);
    return shared;
}

/* With entry->parsing held: bring the entry up to the store's generation. */
static void update(struct jwks_cache *cache, int slot)
{
    struct entry *entry = &cache->entries[slot];
    struct jwks_shared *fresh;
    struct jwks_shared *old;
    uint32_t generation = 0;

    if (atomic_load(&entry->generation) == jwks_store_generation(cache->store, slot)) {
        return; /* another thread did it meanwhile */
    }
    fresh = parse_current(&generation, cache, slot);
    if (fresh == NULL && generation == 0) {
        return; /* try again next time */
    }
    if (fresh != NULL) {
        apr_thread_mutex_lock(entry->swap);
        old = entry->current;
        entry->current = fresh;
        apr_thread_mutex_unlock(entry->swap);
        jwks_cache_release(old);
    }
    atomic_store(&entry->generation, generation);
}

static struct jwks_shared *take_current(struct entry *entry)
{
    struct jwks_shared *shared;

    apr_thread_mutex_lock(entry->swap);
    shared = entry->current;
    if (shared != NULL) {
        atomic_fetch_add(&shared->references, 1);
    }
    apr_thread_mutex_unlock(entry->swap);
    return shared;
}

struct jwks_shared *jwks_cache_acquire(struct jwks_cache *cache, int slot)
{
    struct entry *entry = &cache->entries[slot];
    uint32_t generation = jwks_store_generation(cache->store, slot);

    if (generation == 0) {
        return NULL;
    }
    /* All wait for the one that parses: the old set may lack a key, or have one too many. */
    if (atomic_load(&entry->generation) != generation) {
        apr_thread_mutex_lock(entry->parsing);
        update(cache, slot);
        apr_thread_mutex_unlock(entry->parsing);
    }
    return take_current(entry);
}
