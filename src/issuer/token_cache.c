#include "issuer/token_cache.h"

#include <apr_thread_mutex.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Places in a bucket of the index. */
#define WAYS 4

/* An index entry: a tag above, the position in the ring below; 0 for none. */
#define POSITION_BITS 48
#define POSITION_MASK ((UINT64_C(1) << POSITION_BITS) - 1)

/* No entry takes more than this part of the ring. */
#define LARGEST_PART 4

#define WORD sizeof(uint64_t)
#define DIGEST_WORDS (TOKEN_DIGEST_LENGTH / WORD)

/* In front of the packed claims. */
struct head {
    uint64_t words; /* of the entry, with this */
    uint64_t digest[DIGEST_WORDS];
    uint64_t source;
    uint64_t generation;
    uint64_t packed; /* the address that the claims were packed at */
};

#define HEAD_WORDS (sizeof(struct head) / WORD)

struct token_cache {
    _Atomic uint64_t *ring;
    uint64_t ring_words; /* a power of two */
    _Atomic uint64_t head;
    _Atomic uint64_t *index;
    uint64_t buckets; /* a power of two */
    apr_thread_mutex_t *writing;
    EVP_MD *sha256;
};

static apr_status_t cache_cleanup(void *data)
{
    struct token_cache *cache = data;

    free(cache->ring);
    free(cache->index);
    EVP_MD_free(cache->sha256);
    return APR_SUCCESS;
}

static uint64_t power_of_two(uint64_t least)
{
    uint64_t power = 1;

    while (power < least) {
        power *= 2;
    }
    return power;
}

struct token_cache *token_cache_create(unsigned entries, apr_pool_t *pool)
{
    struct token_cache *cache = apr_pcalloc(pool, sizeof(*cache));

    apr_pool_cleanup_register(pool, cache, cache_cleanup, apr_pool_cleanup_null);
    cache->buckets = power_of_two((entries + WAYS - 1) / WAYS);
    cache->ring_words =
        power_of_two((uint64_t)entries * TOKEN_CACHE_ENTRY_BYTES > LARGEST_PART * 8192
                         ? (uint64_t)entries * TOKEN_CACHE_ENTRY_BYTES / WORD
                         : LARGEST_PART * 8192 / WORD);
    /* Pages that nothing was written to take no memory. */
    cache->ring = calloc(cache->ring_words, sizeof(*cache->ring));
    cache->index = calloc(cache->buckets * WAYS, sizeof(*cache->index));
    cache->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (cache->sha256 == NULL) {
        ERR_clear_error();
    }
    atomic_init(&cache->head, cache->ring_words);
    if (cache->ring == NULL || cache->index == NULL || cache->sha256 == NULL ||
        apr_thread_mutex_create(&cache->writing, APR_THREAD_MUTEX_UNNESTED, pool) !=
            APR_SUCCESS) {
        return NULL;
    }
    return cache;
}

bool token_cache_digest(unsigned char digest[TOKEN_DIGEST_LENGTH],
                        const struct token_cache *cache, const char *token, size_t len)
{
    if (EVP_Digest(token, len, digest, NULL, cache->sha256, NULL) == 1) {
        return true;
    }
    ERR_clear_error();
    return false;
}

/* ---- the ring -------------------------------------------------------------------------- */

static _Atomic uint64_t *word_at(const struct token_cache *cache, uint64_t position)
{
    return &cache->ring[position & (cache->ring_words - 1)];
}

/* Is nothing of an entry overwritten, as of this head? */
static bool is_whole(const struct token_cache *cache, uint64_t position, uint64_t head)
{
    return head - position <= cache->ring_words;
}

static void read_words(void *to, const struct token_cache *cache, uint64_t position,
                       uint64_t words)
{
    uint64_t *out = to;

    for (uint64_t i = 0; i < words; i++) {
        out[i] = atomic_load_explicit(word_at(cache, position + i), memory_order_relaxed);
    }
}

/* Was what was read before this still there? */
static bool is_still_whole(const struct token_cache *cache, uint64_t position)
{
    atomic_thread_fence(memory_order_acquire);
    return is_whole(cache, position,
                    atomic_load_explicit(&cache->head, memory_order_relaxed));
}

/* With cache->writing held. */
static uint64_t write_words(struct token_cache *cache, const void *from, uint64_t words)
{
    const uint64_t *in = from;
    uint64_t position = atomic_load_explicit(&cache->head, memory_order_relaxed);

    /* First say what is overwritten: who reads one of the new words sees the new head. */
    atomic_store_explicit(&cache->head, position + words, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    for (uint64_t i = 0; i < words; i++) {
        atomic_store_explicit(word_at(cache, position + i), in[i], memory_order_relaxed);
    }
    return position;
}

/* ---- the index ------------------------------------------------------------------------- */

static _Atomic uint64_t *bucket_of(const struct token_cache *cache,
                                   const uint64_t digest[DIGEST_WORDS])
{
    return &cache->index[(digest[0] & (cache->buckets - 1)) * WAYS];
}

static uint64_t tag_of(const uint64_t digest[DIGEST_WORDS])
{
    return digest[1] & ~POSITION_MASK;
}

/* The place for a new entry: of one with the same tag, else the oldest. */
static _Atomic uint64_t *place_for(_Atomic uint64_t *bucket, uint64_t tag)
{
    _Atomic uint64_t *oldest = bucket;

    for (unsigned i = 0; i < WAYS; i++) {
        uint64_t entry = bucket[i];

        if (entry != 0 && (entry & ~POSITION_MASK) == tag) {
            return &bucket[i];
        }
        if ((entry & POSITION_MASK) < (*oldest & POSITION_MASK)) {
            oldest = &bucket[i];
        }
    }
    return oldest;
}

/* ---- entries --------------------------------------------------------------------------- */

static const struct jwt_claims *read_entry(struct issuer_voucher *voucher,
                                           const struct token_cache *cache,
                                           uint64_t position,
                                           const uint64_t digest[DIGEST_WORDS],
                                           apr_pool_t *pool)
{
    struct head head;
    void *claims;

    read_words(&head, cache, position, HEAD_WORDS);
    if (memcmp(head.digest, digest, sizeof(head.digest)) != 0 ||
        !is_still_whole(cache, position)) {
        return NULL;
    }
    claims = apr_palloc(pool, (head.words - HEAD_WORDS) * WORD);
    read_words(claims, cache, position + HEAD_WORDS, head.words - HEAD_WORDS);
    if (!is_still_whole(cache, position)) {
        return NULL;
    }
    voucher->source = head.source;
    voucher->generation = (uint32_t)head.generation;
    return jwt_claims_unpack(claims, (const void *)(uintptr_t)head.packed);
}

const struct jwt_claims *token_cache_find(struct issuer_voucher *voucher,
                                          const struct token_cache *cache,
                                          const unsigned char digest[TOKEN_DIGEST_LENGTH],
                                          apr_pool_t *pool)
{
    const struct jwt_claims *claims = NULL;
    const _Atomic uint64_t *bucket;
    uint64_t words[DIGEST_WORDS];

    memcpy(words, digest, sizeof(words));
    bucket = bucket_of(cache, words);
    for (unsigned i = 0; i < WAYS && claims == NULL; i++) {
        uint64_t entry = atomic_load_explicit(&bucket[i], memory_order_acquire);
        uint64_t position = entry & POSITION_MASK;

        if (entry != 0 && (entry & ~POSITION_MASK) == tag_of(words) &&
            is_whole(cache, position, atomic_load(&cache->head))) {
            claims = read_entry(voucher, cache, position, words, pool);
        }
    }
    return claims;
}

void token_cache_add(struct token_cache *cache,
                     const unsigned char digest[TOKEN_DIGEST_LENGTH],
                     const struct issuer_voucher *voucher,
                     const struct jwt_claims *claims, apr_pool_t *pool)
{
    size_t size = jwt_claims_size(claims);
    uint64_t words = HEAD_WORDS + (size + WORD - 1) / WORD;
    struct head *entry;
    uint64_t position;

    if (words > cache->ring_words / LARGEST_PART) {
        return;
    }
    entry = apr_pcalloc(pool, words * WORD);
    entry->words = words;
    memcpy(entry->digest, digest, sizeof(entry->digest));
    entry->source = voucher->source;
    entry->generation = voucher->generation;
    entry->packed = (uint64_t)(uintptr_t)(entry + 1);
    jwt_claims_pack(entry + 1, claims);

    apr_thread_mutex_lock(cache->writing);
    position = write_words(cache, entry, words);
    atomic_store_explicit(
        place_for(bucket_of(cache, entry->digest), tag_of(entry->digest)),
        tag_of(entry->digest) | (position & POSITION_MASK), memory_order_release);
    apr_thread_mutex_unlock(cache->writing);
}
