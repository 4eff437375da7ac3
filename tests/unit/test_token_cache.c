#include "issuer/token_cache.h"

#include <apr_strings.h>
#include <apr_thread_proc.h>
#include <stdatomic.h>
#include <string.h>

#include "support.h"
#include "token/secret.h"

/*
 * What is found must be what was added, to the last digit, or nothing at all: also where
 * the ring has gone round over it many times, and while other threads write it.
 */

/* The ring of the smallest cache, and the most that it keeps of one token. */
#define SMALLEST_RING 32768
#define LARGEST_ENTRY (SMALLEST_RING / 4)

static struct token_cache *make_cache(unsigned entries)
{
    struct token_cache *cache = token_cache_create(entries, pool);

    ck_assert_ptr_nonnull(cache);
    return cache;
}

struct digest {
    unsigned char bytes[TOKEN_DIGEST_LENGTH];
};

/* The digest of a token; any text will do for one here. */
static struct digest digest_of(const struct token_cache *cache, const char *token)
{
    struct digest digest;

    EXPECT(token_cache_digest(digest.bytes, cache, token, strlen(token)), "no digest");
    return digest;
}

/* A digest by its first words: they choose the bucket, and the tag in it. */
static struct digest digest_with(uint64_t first, uint64_t second, uint64_t last)
{
    uint64_t words[] = {first, second, 0, last};
    struct digest digest;

    memcpy(digest.bytes, words, sizeof(words));
    return digest;
}

/* The tag is in the highest bits of the second word. */
#define TAG(n) ((uint64_t)(n) << 48)

static void add(struct token_cache *cache, struct digest digest, uint64_t source,
                const struct jwt_claims *claims)
{
    const struct issuer_voucher voucher = {source, (uint32_t)source + 1};
    apr_pool_t *scratch;

    apr_pool_create(&scratch, pool);
    token_cache_add(cache, digest.bytes, &voucher, claims, scratch);
    apr_pool_destroy(scratch);
}

/* What is found; the source that it was added with must be found too, or 0. */
static const struct jwt_claims *find(uint64_t *source, const struct token_cache *cache,
                                     struct digest digest, apr_pool_t *scratch)
{
    struct issuer_voucher voucher = {0};
    const struct jwt_claims *claims =
        token_cache_find(&voucher, cache, digest.bytes, scratch);

    EXPECT(claims == NULL || voucher.generation == (uint32_t)voucher.source + 1,
           "half a voucher");
    *source = voucher.source;
    return claims;
}

static bool is_here(const struct token_cache *cache, struct digest digest)
{
    uint64_t source;

    return find(&source, cache, digest, pool) != NULL;
}

/* ---- are these the same claims? -------------------------------------------------------- */

static bool same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool same_time(const struct jwt_time *a, const struct jwt_time *b)
{
    return a->state == b->state &&
           (a->state != JWT_TIME_PRESENT || a->seconds == b->seconds);
}

static bool same_words(const struct jwt_words *a, const struct jwt_words *b)
{
    bool same = a->count == b->count;

    for (size_t i = 0; same && i < a->count; i++) {
        same = strcmp(a->words[i], b->words[i]) == 0;
    }
    return same;
}

static bool same_claims(const struct jwt_claims *a, const struct jwt_claims *b,
                        apr_pool_t *scratch)
{
    return a->alg == b->alg && a->typ == b->typ && same_text(a->issuer, b->issuer) &&
           a->audience_valid == b->audience_valid && a->bound == b->bound &&
           same_time(&a->exp, &b->exp) && same_time(&a->nbf, &b->nbf) &&
           same_time(&a->iat, &b->iat) && same_words(&a->audience, &b->audience) &&
           same_words(&a->permissions, &b->permissions) &&
           same_words(&a->scope, &b->scope) && a->scope_size == b->scope_size &&
           strcmp(json_text(a->payload, scratch), json_text(b->payload, scratch)) == 0;
}

/* Where a copy is, and so all that it points to. */
struct memory {
    const char *begin;
    size_t size;
};

static bool is_inside(struct memory memory, const void *pointer)
{
    uintptr_t at = (uintptr_t)pointer;
    uintptr_t begin = (uintptr_t)memory.begin;

    return pointer == NULL || (at >= begin && at < begin + memory.size);
}

static bool words_are_inside(struct memory memory, const struct jwt_words *set)
{
    bool inside = is_inside(memory, set->words);

    for (size_t i = 0; inside && i < set->count; i++) {
        inside = is_inside(memory, set->words[i]) &&
                 is_inside(memory, set->words[i] + strlen(set->words[i]));
    }
    return inside;
}

static bool values_are_inside(struct memory memory, const json_value *value)
{
    bool inside = is_inside(memory, value) && is_inside(memory, json_string(value)) &&
                  is_inside(memory, json_name(value));

    for (const json_value *v = json_first(value); inside && v != NULL; v = json_next(v)) {
        inside = values_are_inside(memory, v);
    }
    return inside;
}

/* Does nothing lead back to what was copied, which may be gone by now? */
static bool stands_alone(const struct jwt_claims *claims)
{
    struct memory memory = {(const char *)claims, jwt_claims_size(claims)};

    return is_inside(memory, claims->issuer) &&
           values_are_inside(memory, claims->payload) &&
           words_are_inside(memory, &claims->audience) &&
           words_are_inside(memory, &claims->permissions) &&
           words_are_inside(memory, &claims->scope);
}

/* ---- tokens ---------------------------------------------------------------------------- */

#define SCOPE(text) "'scope':'" text "',"

static const char *const payloads[] = {
    CLAIMS,
    "{}",
    "{" ISS AUD EXP "'permissions':[],'scope':''," SUB "}",
    "{" SCOPE("   ") "'permissions':['']," SUB "}",
    "{" SCOPE("z") SUB "}",
    "{" SCOPE("zeta alpha  mid  alpha zeta ") SUB "}",
    "{" SCOPE("  b a") "'permissions':['b','','a','b']," SUB "}",
    "{'scope':['a','b'],'permissions':'a b'," SUB "}",
    "{'scope':7,'permissions':['a',1]," SUB "}",
    "{'aud':['z','y','https://api.example.com','a'],'permissions':['write:z','read:a','m']}",
    "{'aud':[],'iss':7}",
    "{'aud':['a',null],'iss':null}",
    "{'iss':'','aud':'','sub':''}",
    "{'exp':1700003600.25,'nbf':1e9,'iat':9007199254740992}",
    "{'exp':'1700003600','nbf':-1,'iat':9007199254740993}",
    "{'exp':null,'cnf':{'jkt':'x'}}",
    "{'a':{'b':[1,[2,{'c':[]},{}],null,true,false]},'':{'':''},'d':[[[[[[[[[[[]]]]]]]]]]]}",
    "{'n':[0.1000,1E+2,123456789012345678901234567890123456789,-0,1.7976931348623157e308,"
    "3.14159265358979323846264338327950288419716939937510582097494]}",
    "{'iss':'https:\\/\\/tenant.us.auth0.com\\/','sub':'\\u00fc \\ud83d\\ude00 \\\\ \\n'}",
};

/* "aa", "ab" and so on, each with what is put around it. */
static const char *many_words(unsigned count, const char *before, const char *after)
{
    static const char letters[] = "zyxwvutsrqponmlkjihgfedcba9876543210";
    const unsigned base = sizeof(letters) - 1;
    const char *text = "";

    for (unsigned i = 0; i < count; i += base) {
        const char *row = "";

        for (unsigned n = i; n < count && n < i + base; n++) {
            row = apr_psprintf(pool, "%s%s%c%c%s", row, before, letters[n / base],
                               letters[n % base], after);
        }
        text = apr_pstrcat(pool, text, row, NULL);
    }
    return text;
}

/* As many as there is room for, in each of the forms that take more memory than text. */
static const char *large_payload(int form)
{
    switch (form) {
    case 0: /* THREATS.md H12, nearly: more do not fit into a token */
        return apr_pstrcat(pool, "{'permissions':[", many_words(1000, "'", "',"),
                           "'last']," SUB "}", NULL);
    case 1:
        return apr_pstrcat(pool, "{'scope':'", many_words(1000, "", " "), "'," SUB "}",
                           NULL);
    case 2:
        return apr_pstrcat(pool, "{'aud':[", repeated("'',", 1800), "'a']," SUB "}",
                           NULL);
    case 3:
        return apr_pstrcat(pool, "{'a':[", repeated("1,", 2800), "1]," SUB "}", NULL);
    default:
        return apr_pstrcat(pool, "{'a':'", repeated("x", 5900), "'," SUB "}", NULL);
    }
}

#define LARGE_FORMS 5

static const char *payload(int i)
{
    return i < (int)COUNT(payloads) ? payloads[i]
                                    : large_payload(i - (int)COUNT(payloads));
}

#define PAYLOADS ((int)COUNT(payloads) + LARGE_FORMS)

/* ---- pack and unpack ------------------------------------------------------------------- */

/* Memory of exactly that size, where ASan sees a byte too far. */
static void *exact_memory(size_t size)
{
    return (void *)(uintptr_t)exact(apr_pcalloc(pool, size), size);
}

static void check_moved(const struct jwt_claims *claims)
{
    size_t size = jwt_claims_size(claims);
    void *first = exact_memory(size);
    void *second = exact_memory(size);
    const struct jwt_claims *copy = jwt_claims_pack(first, claims);

    ck_assert_ptr_eq(copy, first);
    ck_assert(same_claims(copy, claims, pool));
    ck_assert(stands_alone(copy));
    ck_assert_uint_eq(jwt_claims_size(copy), size);

    /* Moved, and what it was moved from is no more. */
    memcpy(second, first, size);
    memset(first, 0xa5, size);
    copy = jwt_claims_unpack(second, first);
    ck_assert_ptr_eq(copy, second);
    ck_assert(same_claims(copy, claims, pool));
    ck_assert(stands_alone(copy));

    /* A copy of a copy, too. */
    ck_assert(same_claims(jwt_claims_pack(first, copy), claims, pool));
}

START_TEST(moves_claims_as_a_whole)
{
    check_moved(claims_of(token_with(payload(_i))));
}
END_TEST

START_TEST(moves_the_header_s_part_of_the_claims)
{
    static const char *const headers[] = {
        "{'alg':'HS256'}", "{'alg':'HS512','typ':'at+jwt'}",
        "{'alg':'HS384','typ':'JWT'}", "{'alg':'HS256','typ':'application/at+jwt'}",
        "{'alg':'HS256','typ':'x'}"};
    struct secret *secret =
        secret_create(secret_of(OURS), SECRET_LENGTH, JWA_SECRET_ALGORITHMS);

    for (size_t i = 0; i < COUNT(headers); i++) {
        enum jwa_alg alg = i == 1 ? JWA_HS512 : i == 2 ? JWA_HS384 : JWA_HS256;
        const char *token = token_of(alg, OURS, json_of(headers[i]), json_of(CLAIMS));
        const struct jwt_claims *claims;
        struct jwt *jwt;

        ASSERT_REASON(jwt_parse(&jwt, token, strlen(token), pool), REASON_OK, headers[i]);
        ASSERT_REASON(jwt_verify_secret(&claims, jwt, secret), REASON_OK, headers[i]);
        ck_assert_int_eq(claims->alg, alg);
        check_moved(claims);
    }
    secret_destroy(secret);
}
END_TEST

/* ---- find and add ---------------------------------------------------------------------- */

START_TEST(finds_what_was_added_whatever_it_says)
{
    struct token_cache *cache = make_cache(4096);
    const char *token = token_with(payload(_i));
    struct digest digest = digest_of(cache, token);
    const struct jwt_claims *claims = claims_of(token);
    const struct jwt_claims *found;
    uint64_t source;

    ck_assert_ptr_null(find(&source, cache, digest, pool));
    add(cache, digest, 42, claims);
    found = find(&source, cache, digest, pool);
    ck_assert_ptr_nonnull(found);
    ck_assert_uint_eq(source, 42);
    ck_assert(same_claims(found, claims, pool));
    ck_assert(stands_alone(found));
}
END_TEST

/* A verdict on what was found is one on what was verified. */
START_TEST(judges_what_was_found_by_any_policy)
{
    struct token_cache *cache = make_cache(16);
    struct digest digest = digest_of(cache, "token");
    struct jwt_policy other = policy;
    const struct jwt_claims *found;
    uint64_t source;

    add(cache, digest, 1, claims_of(token_with(CLAIMS)));
    found = find(&source, cache, digest, pool);
    ck_assert_ptr_nonnull(found);
    ASSERT_REASON(check(found, &other, apr_time_from_sec(TODAY)), REASON_OK, "as it is");
    ASSERT_REASON(check(found, &other, apr_time_from_sec(TODAY + 3605)), REASON_EXPIRED,
                  "later");
    other.audience_count = 1;
    ASSERT_REASON(check(found, &other, apr_time_from_sec(TODAY)),
                  REASON_AUDIENCE_MISMATCH, "another audience");
    other = policy;
    other.algorithms = JWA_BIT(JWA_RS256);
    ASSERT_REASON(check(found, &other, apr_time_from_sec(TODAY)),
                  REASON_ALGORITHM_NOT_ALLOWED, "another algorithm");
    other = policy;
    other.profile = JWT_PROFILE_RFC9068;
    ASSERT_REASON(check(found, &other, apr_time_from_sec(TODAY)), REASON_TYPE_MISMATCH,
                  "another type");
    other = policy;
    other.issuer = ISSUER "other/";
    ASSERT_REASON(check(found, &other, apr_time_from_sec(TODAY)), REASON_ISSUER_MISMATCH,
                  "another issuer");
}
END_TEST

/* Bucket and tag are parts of the digest; the rest must be right as well. */
START_TEST(finds_nothing_by_a_digest_that_differs_in_one_bit)
{
    struct token_cache *cache = make_cache(16);
    struct digest digest = digest_of(cache, "token");

    add(cache, digest, 1, claims_of(token_with(CLAIMS)));
    for (unsigned bit = 0; bit < TOKEN_DIGEST_LENGTH * 8; bit++) {
        struct digest other = digest;

        other.bytes[bit / 8] ^= (unsigned char)(1U << bit % 8);
        EXPECT(!is_here(cache, other), "found with bit %u changed", bit);
    }
    ck_assert(is_here(cache, digest));
    ck_assert(!is_here(cache, digest_of(cache, "token ")));
    ck_assert(!is_here(cache, digest_of(cache, "toke")));
    ck_assert(!is_here(cache, digest_of(cache, "")));
}
END_TEST

/* SHA-256 of "abc": FIPS 180-2, appendix B.1. */
START_TEST(digests_by_sha_256)
{
    static const unsigned char abc[] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea,
                                        0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23,
                                        0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c,
                                        0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
    struct token_cache *cache = make_cache(1);

    ck_assert_mem_eq(digest_of(cache, "abc").bytes, abc, sizeof(abc));
}
END_TEST

START_TEST(keeps_the_last_of_two_tokens_with_one_tag_in_one_bucket)
{
    struct token_cache *cache = make_cache(16);
    struct digest first = digest_with(8, TAG(7) | 1, 1);
    struct digest second = digest_with(8, TAG(7) | 2, 1);
    const struct jwt_claims *claims = claims_of(token_with(CLAIMS));
    uint64_t source;

    add(cache, first, 1, claims);
    ck_assert(is_here(cache, first) && !is_here(cache, second));
    add(cache, second, 2, claims);
    ck_assert_ptr_nonnull(find(&source, cache, second, pool));
    ck_assert_uint_eq(source, 2);
    ck_assert(!is_here(cache, first));
}
END_TEST

/* After a rotation the same token comes again, with another voucher. */
START_TEST(replaces_what_vouches_for_a_token)
{
    struct token_cache *cache = make_cache(16);
    struct digest digest = digest_of(cache, "token");
    struct digest others[3];
    const struct jwt_claims *claims = claims_of(token_with(CLAIMS));
    uint64_t source;

    for (unsigned i = 0; i < COUNT(others); i++) {
        uint64_t words[TOKEN_DIGEST_LENGTH / 8];

        /* The same bucket with other tags: none of them has to go. */
        memcpy(words, digest.bytes, sizeof(words));
        others[i] = digest_with(words[0], words[1] ^ TAG(i + 1), 0);
        add(cache, others[i], 100 + i, claims);
    }
    for (uint64_t i = 1; i <= 10; i++) {
        add(cache, digest, i, claims);
        ck_assert_ptr_nonnull(find(&source, cache, digest, pool));
        ck_assert_uint_eq(source, i);
    }
    for (unsigned i = 0; i < COUNT(others); i++) {
        ck_assert_ptr_nonnull(find(&source, cache, others[i], pool));
        ck_assert_uint_eq(source, 100 + i);
    }
}
END_TEST

/* ---- what has to go -------------------------------------------------------------------- */

START_TEST(drops_the_oldest_of_a_bucket_that_is_full)
{
    unsigned entries = _i == 0 ? 1 : 4096;
    struct token_cache *cache = make_cache(entries);
    const struct jwt_claims *claims = claims_of(token_with(CLAIMS));

    for (unsigned i = 1; i <= 20; i++) {
        add(cache, digest_with(5, TAG(i), 0), i, claims);
        for (unsigned j = 1; j <= 20; j++) {
            bool kept = j <= i && j + 4 > i;

            EXPECT(is_here(cache, digest_with(5, TAG(j), 0)) == kept,
                   "%u of %u, which is the newest", j, i);
        }
    }
}
END_TEST

/* Claims of many sizes, so that entries begin and end everywhere in the ring. */
#define SIZES 40
#define ROUNDS 4000

static const struct jwt_claims *of_sizes[SIZES];

static void make_sizes(void)
{
    for (unsigned i = 0; i < SIZES; i++) {
        of_sizes[i] = claims_of(
            token_with(apr_psprintf(pool, "{'scope':'w%u s','n':%u,'pad':'%s'," SUB "}",
                                    i, i, repeated("x", (i * 37) % 500))));
    }
}

START_TEST(finds_the_right_claims_or_none_however_often_the_ring_goes_round)
{
    struct token_cache *cache = make_cache(_i == 0 ? 1 : 64);
    unsigned *last_seen = apr_pcalloc(pool, ROUNDS * sizeof(*last_seen));
    apr_pool_t *scratch;

    make_sizes();
    apr_pool_create(&scratch, pool);
    for (unsigned i = 1; i < ROUNDS; i++) {
        unsigned oldest = i > 150 ? i - 150 : 1;

        add(cache, digest_of(cache, apr_itoa(scratch, (int)i)), i, of_sizes[i % SIZES]);
        for (unsigned j = i; j >= oldest; j--) {
            uint64_t source;
            const struct jwt_claims *found = find(
                &source, cache, digest_of(cache, apr_itoa(scratch, (int)j)), scratch);

            EXPECT(found != NULL || j != i, "the newest, %u, is not here", i);
            if (found == NULL) {
                continue;
            }
            EXPECT(source == j, "the voucher of %u for %u", (unsigned)source, j);
            EXPECT(same_claims(found, of_sizes[j % SIZES], scratch), "%u is another", j);
            /* What is gone does not come back. */
            EXPECT(last_seen[j] == 0 || last_seen[j] == i - 1, "%u came back", j);
            last_seen[j] = i;
        }
        EXPECT(i < 200 || last_seen[oldest] < i, "%u is still here", oldest);
        apr_pool_clear(scratch);
    }
    for (unsigned i = 1; i < 64; i++) { /* much older ones, now and then, as well */
        EXPECT(!is_here(cache, digest_of(cache, apr_itoa(pool, (int)i))), "%u", i);
    }
}
END_TEST

/* How many of so many tokens a cache still has. */
static unsigned count_kept(struct token_cache *cache, unsigned number)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < number; i++) {
        kept += is_here(cache, digest_of(cache, apr_itoa(pool, (int)i)));
    }
    return kept;
}

/* A cache is of use: with room for all in the ring, few are lost to full buckets. */
START_TEST(keeps_most_of_as_many_small_tokens_as_it_was_made_for)
{
    static const struct {
        unsigned entries;
        unsigned least;
    } rows[] = {{64, 48}, {1000, 750}};
    const struct jwt_claims *claims = claims_of(token_with("{'sub':'a'}"));

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct token_cache *cache = make_cache(rows[i].entries);
        unsigned kept;

        ck_assert_uint_lt(jwt_claims_size(claims), TOKEN_CACHE_ENTRY_BYTES);
        for (unsigned j = 0; j < rows[i].entries; j++) {
            add(cache, digest_of(cache, apr_itoa(pool, (int)j)), 1, claims);
        }
        kept = count_kept(cache, rows[i].entries);
        ck_assert_uint_ge(kept, rows[i].least);
    }
}
END_TEST

/* One token must not cost all the others their places. */
START_TEST(does_not_keep_what_takes_more_than_a_quarter_of_the_ring)
{
    struct token_cache *cache = make_cache(1);
    struct digest small = digest_with(0, TAG(1), 0);
    struct digest large = digest_with(0, TAG(2), 0);
    size_t largest = 0;

    add(cache, small, 1, claims_of(token_with(CLAIMS)));
    for (unsigned len = 2400; len <= 3400; len += 50) {
        const struct jwt_claims *claims = claims_of(
            token_with(apr_psprintf(pool, "{'permissions':[%s''],'pad':'%s'," SUB "}",
                                    repeated("'',", 150), repeated("x", len))));
        uint64_t source;

        large.bytes[31] = (unsigned char)(len / 50);
        add(cache, large, len, claims);
        if (find(&source, cache, large, pool) != NULL) {
            ck_assert_uint_eq(source, len);
            ck_assert(largest == 0 || largest < jwt_claims_size(claims));
            largest = jwt_claims_size(claims);
            add(cache, small, 1, claims_of(token_with(CLAIMS)));
        }
        else {
            ck_assert_uint_gt(jwt_claims_size(claims), LARGEST_ENTRY - 128);
        }
        ck_assert(is_here(cache, small));
    }
    ck_assert_uint_gt(largest, LARGEST_ENTRY - 256);
    ck_assert_uint_le(largest, LARGEST_ENTRY);

    add(cache, large, 1, claims_of(token_with(large_payload(0))));
    ck_assert(is_here(cache, small));
    cache = make_cache(4096);
    add(cache, large, 1, claims_of(token_with(large_payload(0))));
    ck_assert(is_here(cache, large));
}
END_TEST

/* What was found belongs to who found it. */
START_TEST(leaves_what_was_found_alone_when_its_entry_is_overwritten)
{
    struct token_cache *cache = make_cache(1);
    struct digest digest = digest_of(cache, "token");
    const struct jwt_claims *claims = claims_of(token_with(payloads[5]));
    const struct jwt_claims *found;
    uint64_t source;

    make_sizes();
    add(cache, digest, 1, claims);
    found = find(&source, cache, digest, pool);
    for (unsigned i = 0; i < 500; i++) {
        add(cache, digest_of(cache, apr_itoa(pool, (int)i)), 2, of_sizes[i % SIZES]);
    }
    ck_assert(!is_here(cache, digest));
    ck_assert(same_claims(found, claims, pool));
}
END_TEST

START_TEST(has_a_ring_and_an_index_of_every_size)
{
    static const unsigned sizes[] = {
        1,   2,   3,    4,    5,    127,   128,
        129, 255, 4095, 4096, 4097, 65536, TOKEN_CACHE_ENTRIES_MAX};
    const struct jwt_claims *claims = claims_of(token_with(CLAIMS));

    for (size_t i = 0; i < COUNT(sizes); i++) {
        apr_pool_t *own;
        struct token_cache *cache;
        const struct issuer_voucher voucher = {1, 2};
        struct digest digest = digest_with(UINT64_MAX, UINT64_MAX, UINT64_MAX);

        apr_pool_create(&own, pool);
        cache = token_cache_create(sizes[i], own);
        ck_assert_ptr_nonnull(cache);
        token_cache_add(cache, digest.bytes, &voucher, claims, own);
        ck_assert_msg(is_here(cache, digest), "%u entries", sizes[i]);
        ck_assert(!is_here(cache, digest_with(0, 0, 0)));
        apr_pool_destroy(own);
    }
}
END_TEST

/* ---- threads --------------------------------------------------------------------------- */

#define THREADS 4
#define TOKENS 300
#define RACE apr_time_from_sec(1)

struct race {
    struct token_cache *cache;
    struct digest digests[TOKENS];
    const struct jwt_claims *claims[TOKENS];
    const char *texts[TOKENS];
    _Atomic bool stop;
};

struct racer {
    struct race *race;
    apr_thread_t *thread;
    unsigned seed;
    unsigned hits;
    unsigned misses;
    const char *failure;
};

/* Cheaper than same_claims: what differs between the tokens of the race. */
static const char *wrong_in(const struct jwt_claims *found, const struct race *race,
                            unsigned n, uint64_t source, apr_pool_t *scratch)
{
    if (source != n + 1) {
        return "another token's voucher";
    }
    if (!same_words(&found->scope, &race->claims[n]->scope) ||
        !same_words(&found->permissions, &race->claims[n]->permissions)) {
        return "another token's words";
    }
    if (strcmp(json_text(found->payload, scratch), race->texts[n]) != 0) {
        return "another token's payload";
    }
    return NULL;
}

static void *APR_THREAD_FUNC find_or_add(apr_thread_t *thread, void *data)
{
    struct racer *own = data;
    struct race *race = own->race;
    apr_pool_t *scratch;

    (void)thread;
    if (apr_pool_create_unmanaged_ex(&scratch, NULL, NULL) != APR_SUCCESS) {
        own->failure = "no pool";
        return NULL;
    }
    while (!atomic_load(&race->stop) && own->failure == NULL) {
        unsigned n = (own->seed = own->seed * 1103515245 + 12345) / 65536 % TOKENS;
        const struct issuer_voucher voucher = {n + 1, n + 2};
        const struct jwt_claims *found;
        uint64_t source;

        found = find(&source, race->cache, race->digests[n], scratch);
        if (found != NULL) {
            own->hits++;
            own->failure = wrong_in(found, race, n, source, scratch);
        }
        else {
            own->misses++;
            token_cache_add(race->cache, race->digests[n].bytes, &voucher,
                            race->claims[n], scratch);
        }
        apr_pool_clear(scratch);
    }
    apr_pool_destroy(scratch);
    return NULL;
}

/* The ring has room for some forty of them: each is overwritten all the time. */
START_TEST(never_gives_wrong_claims_while_other_threads_overwrite_them)
{
    struct race *race = apr_pcalloc(pool, sizeof(*race));
    struct racer racers[THREADS];
    unsigned hits = 0;
    unsigned misses = 0;
    apr_status_t rv;

    race->cache = make_cache(128);
    for (unsigned i = 0; i < TOKENS; i++) {
        const char *token = token_with(apr_psprintf(
            pool, "{'scope':'z%u a%u','permissions':['p%u'],'pad':'%s'," SUB "}", i, i, i,
            repeated(apr_psprintf(pool, "%u-", i), i % 60)));

        race->digests[i] = digest_of(race->cache, token);
        race->claims[i] = claims_of(token);
        race->texts[i] = json_text(race->claims[i]->payload, pool);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        racers[i] = (struct racer){.race = race, .seed = i};
        ck_assert_int_eq(
            apr_thread_create(&racers[i].thread, NULL, find_or_add, &racers[i], pool),
            APR_SUCCESS);
    }
    apr_sleep(RACE);
    atomic_store(&race->stop, true);
    for (unsigned i = 0; i < THREADS; i++) {
        apr_thread_join(&rv, racers[i].thread);
        ck_assert_msg(racers[i].failure == NULL, "%s", racers[i].failure);
        hits += racers[i].hits;
        misses += racers[i].misses;
    }
    ck_assert_uint_gt(hits, 100);
    ck_assert_uint_gt(misses, 10 * TOKENS);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("token_cache");
    TCase *tcase = support_tcase(suite, "token_cache");

    keys_make();
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, moves_claims_as_a_whole, 0, PAYLOADS);
    tcase_add_test(tcase, moves_the_header_s_part_of_the_claims);
    tcase_add_loop_test(tcase, finds_what_was_added_whatever_it_says, 0, PAYLOADS);
    tcase_add_test(tcase, judges_what_was_found_by_any_policy);
    tcase_add_test(tcase, finds_nothing_by_a_digest_that_differs_in_one_bit);
    tcase_add_test(tcase, digests_by_sha_256);
    tcase_add_test(tcase, keeps_the_last_of_two_tokens_with_one_tag_in_one_bucket);
    tcase_add_test(tcase, replaces_what_vouches_for_a_token);
    tcase_add_loop_test(tcase, drops_the_oldest_of_a_bucket_that_is_full, 0, 2);
    tcase_add_loop_test(
        tcase, finds_the_right_claims_or_none_however_often_the_ring_goes_round, 0, 2);
    tcase_add_test(tcase, keeps_most_of_as_many_small_tokens_as_it_was_made_for);
    tcase_add_test(tcase, does_not_keep_what_takes_more_than_a_quarter_of_the_ring);
    tcase_add_test(tcase, leaves_what_was_found_alone_when_its_entry_is_overwritten);
    tcase_add_test(tcase, has_a_ring_and_an_index_of_every_size);
    tcase_add_test(tcase, never_gives_wrong_claims_while_other_threads_overwrite_them);
    return support_run(suite);
}
