#include <apr_strings.h>
#include <apr_thread_proc.h>
#include <stdatomic.h>
#include <string.h>

#include "issuer/issuer.h"
#include "issuer/token_cache.h"
#include "support.h"
#include "token/secret.h"

/*
 * What a server does all day: its threads verify tokens with keys that they share,
 * while another thread brings new key documents. Made for ThreadSanitizer (`tsan`).
 */

#define THREADS 4
#define PUBLIC_COUNT (JWA_EDDSA + 1)

/*
 * Swaps of the document: as many as the first at least; on a slow machine more, until
 * the threads have met both documents.
 */
#define SWAPS 60
#define SWAPS_MAX 3000

static const struct jwks_source source = {ISSUER, ISSUER "jwks.json", ""};

/* The tokens, made before the threads start: all of the issuer unless named so. */
struct tokens {
    const char *good[JWA_COUNT];
    const char *stranger[JWA_COUNT]; /* under the same kid, with a stranger's key */
    const char *altered[JWA_COUNT];  /* another payload under the good signature */
    const char *rotating;            /* under the kid that comes and goes */
};

struct shared {
    struct issuer_runtime runtime;
    struct issuer issuer;
    struct secret *secret;
    struct tokens tokens;
    _Atomic unsigned rotated[2]; /* the rotating token: refused, accepted */
    _Atomic bool stop;
};

/* What one thread saw; its own until it is joined. */
struct verifier_thread {
    struct shared *shared;
    apr_thread_t *thread;
    unsigned verified;
    const char *failure; /* the first verdict that was not the expected one */
};

static const char *all_keys(const char *rotating)
{
    return jwks_text(jwk_of(key_of(JWA_RS256, OURS), ",'kid':'rsa'"),
                     jwk_of(key_of(JWA_ES256, OURS), ",'kid':'p256'"),
                     jwk_of(key_of(JWA_ES384, OURS), ",'kid':'p384'"),
                     jwk_of(key_of(JWA_ES512, OURS), ",'kid':'p521'"),
                     jwk_of(key_of(JWA_EDDSA, OURS), ",'kid':'ed25519'"), rotating, NULL);
}

static void publish(struct shared *shared, const char *text)
{
    struct jwks_store *store = shared->runtime.store;
    int slot = shared->issuer.slot;
    apr_time_t now = issuer_clock();
    uint32_t ticket = jwks_store_begin(store, slot, now);

    jwks_store_publish(store, slot, ticket, text, strlen(text), now, now);
}

static void make_tokens(struct tokens *tokens)
{
    for (enum jwa_alg alg = 0; alg < JWA_COUNT; alg++) {
        const char *signature;

        tokens->good[alg] = token_of(alg, OURS, header_of(alg), json_of(CLAIMS));
        tokens->stranger[alg] = token_of(alg, THEIRS, header_of(alg), json_of(CLAIMS));
        signature = strrchr(tokens->good[alg], '.');
        tokens->altered[alg] =
            apr_pstrcat(pool, signing_input(header_of(alg), json_of("{'sub':'other'}")),
                        signature, NULL);
    }
    tokens->rotating =
        token_of(JWA_EDDSA, THEIRS, "{\"alg\":\"EdDSA\",\"kid\":\"r\"}", json_of(CLAIMS));
}

static struct shared *make_shared(void)
{
    struct shared *shared = apr_pcalloc(pool, sizeof(*shared));
    const unsigned char *bytes = secret_of(OURS);

    shared->runtime.store =
        jwks_store_init(apr_pcalloc(pool, jwks_store_size()), THREADS);
    shared->runtime.cache = jwks_cache_create(shared->runtime.store, pool);
    shared->runtime.timing.fresh = shared->runtime.timing.stale = apr_time_from_sec(3600);
    shared->issuer.kind = ISSUER_KEYS_URL;
    shared->issuer.slot = jwks_store_slot(shared->runtime.store, &source);
    shared->secret = secret_create(bytes, SECRET_LENGTH, JWA_SECRET_ALGORITHMS);
    ck_assert_ptr_nonnull(shared->runtime.cache);
    ck_assert_ptr_nonnull(shared->secret);
    make_tokens(&shared->tokens);
    return shared;
}

/* The way of a token through a request, with a pool of the thread. */
static enum reason verdict(struct shared *shared, const char *token, apr_pool_t *scratch)
{
    struct jwt_policy any = policy;
    struct issuer_key key = {0};
    const struct jwt_claims *claims;
    const struct jws *jws;
    const char *user;
    struct jwt *jwt;
    enum reason reason = jwt_parse(&jwt, token, strlen(token), scratch);

    if (reason != REASON_OK) {
        return reason;
    }
    any.algorithms = JWA_BIT(JWA_COUNT) - 1;
    jws = jwt_jws(jwt);
    if ((JWA_BIT(jws->alg) & JWA_SECRET_ALGORITHMS) != 0) {
        reason = jwt_verify_secret(&claims, jwt, shared->secret);
    }
    else {
        reason =
            issuer_find_key(&key, &shared->runtime, &shared->issuer, jws->kid, jws->alg);
        if (reason == REASON_OK) {
            reason = jwt_verify(&claims, jwt, key.key);
        }
        issuer_key_release(&key);
    }
    /* The key may be gone by now; what was verified with it stays. */
    return reason == REASON_OK ? jwt_check(&user, claims, &any, apr_time_from_sec(TODAY))
                               : reason;
}

static void expect(struct verifier_thread *own, const char *token, enum reason expected,
                   const char *story, apr_pool_t *scratch)
{
    own->verified++;
    if (verdict(own->shared, token, scratch) != expected && own->failure == NULL) {
        own->failure = story;
    }
    apr_pool_clear(scratch);
}

static void *APR_THREAD_FUNC verify_tokens(apr_thread_t *thread, void *data)
{
    struct verifier_thread *own = data;
    struct tokens *tokens = &own->shared->tokens;
    apr_pool_t *scratch = NULL;

    (void)thread;
    if (apr_pool_create_unmanaged_ex(&scratch, NULL, NULL) != APR_SUCCESS) {
        own->failure = "no pool";
        return NULL;
    }
    while (!atomic_load(&own->shared->stop)) {
        enum reason reason;

        for (enum jwa_alg alg = 0; alg < JWA_COUNT; alg++) {
            expect(own, tokens->good[alg], REASON_OK, "a good token", scratch);
            expect(own, tokens->stranger[alg], REASON_SIGNATURE_INVALID,
                   "a stranger's token", scratch);
            expect(own, tokens->altered[alg], REASON_SIGNATURE_INVALID,
                   "an altered token", scratch);
        }
        reason = verdict(own->shared, tokens->rotating, scratch);
        if (reason != REASON_OK && reason != REASON_KEY_UNKNOWN) {
            own->failure = "a token whose key comes and goes";
        }
        atomic_fetch_add(&own->shared->rotated[reason == REASON_OK], 1);
        apr_pool_clear(scratch);
    }
    apr_pool_destroy(scratch);
    return NULL;
}

static bool met_both(struct shared *shared)
{
    return atomic_load(&shared->rotated[0]) > 0 && atomic_load(&shared->rotated[1]) > 0;
}

START_TEST(verifies_every_algorithm_in_many_threads_while_the_keys_are_swapped)
{
    struct shared *shared = make_shared();
    struct verifier_thread own[THREADS];
    const char *without = all_keys(NULL);
    const char *with = all_keys(jwk_of(key_of(JWA_EDDSA, THEIRS), ",'kid':'r'"));
    apr_status_t rv;

    /* Nobody fetches here, so an unknown kid must not wait for it: use that up. */
    jwks_store_ask(&(uint32_t){0}, shared->runtime.store, shared->issuer.slot,
                   issuer_clock(), apr_time_from_sec(3600));
    publish(shared, with);
    for (int i = 0; i < THREADS; i++) {
        own[i] = (struct verifier_thread){.shared = shared};
        ck_assert_int_eq(
            apr_thread_create(&own[i].thread, NULL, verify_tokens, &own[i], pool),
            APR_SUCCESS);
    }
    for (int i = 0; i < SWAPS || (i < SWAPS_MAX && !met_both(shared)); i++) {
        apr_sleep(apr_time_from_msec(20));
        publish(shared, i % 2 == 0 ? without : with);
    }
    atomic_store(&shared->stop, true);
    for (int i = 0; i < THREADS; i++) {
        apr_thread_join(&rv, own[i].thread);
        ck_assert_msg(own[i].failure == NULL, "%s", own[i].failure);
        ck_assert_uint_gt(own[i].verified, 0);
    }
    ck_assert(met_both(shared));
    secret_destroy(shared->secret);
}
END_TEST

/* ---- the same with verified tokens remembered ------------------------------------------ */

/*
 * Odd while the document changes; else 4n when it has the rotating key, 4n + 2 when it
 * does not.
 */
static _Atomic unsigned phase;

struct rememberer {
    struct shared *shared;
    struct token_cache *cache;
    apr_thread_t *thread;
    unsigned hits;
    unsigned refused;
    unsigned accepted;
    const char *failure;
};

/* As a request does it: what was verified before, if that still stands, else anew. */
static enum reason remembered_verdict(struct rememberer *own, const char *token,
                                      apr_pool_t *scratch)
{
    struct shared *shared = own->shared;
    unsigned char digest[TOKEN_DIGEST_LENGTH];
    const struct jwt_claims *claims;
    struct issuer_voucher voucher;
    struct issuer_key key;
    struct jwt *jwt;
    enum reason reason;

    if (!token_cache_digest(digest, own->cache, token, strlen(token))) {
        return REASON_INTERNAL_ERROR;
    }
    claims = token_cache_find(&voucher, own->cache, digest, scratch);
    if (claims != NULL && issuer_vouches(&shared->runtime, &shared->issuer, &voucher)) {
        own->hits++;
        return strcmp(claims->issuer, ISSUER) == 0 ? REASON_OK : REASON_INTERNAL_ERROR;
    }
    reason = jwt_parse(&jwt, token, strlen(token), scratch);
    if (reason == REASON_OK) {
        reason = issuer_find_key(&key, &shared->runtime, &shared->issuer,
                                 jwt_jws(jwt)->kid, jwt_jws(jwt)->alg);
    }
    if (reason != REASON_OK) {
        return reason;
    }
    voucher = issuer_voucher_for(&shared->issuer, &key);
    reason = jwt_verify(&claims, jwt, key.key);
    issuer_key_release(&key);
    if (reason == REASON_OK) {
        token_cache_add(own->cache, digest, &voucher, claims, scratch);
    }
    return reason;
}

/* What nothing has changed meanwhile must be as the document says. */
static const char *wrong(unsigned before, unsigned after, enum reason reason)
{
    if (reason != REASON_OK && reason != REASON_KEY_UNKNOWN) {
        return "neither accepted nor unknown";
    }
    if (before != after || before % 2 == 1) {
        return NULL;
    }
    return before % 4 == 2 && reason == REASON_OK   ? "accepted after the key was removed"
           : before % 4 == 0 && reason != REASON_OK ? "refused though the key is there"
                                                    : NULL;
}

static void *APR_THREAD_FUNC remember_tokens(apr_thread_t *thread, void *data)
{
    struct rememberer *own = data;
    struct tokens *tokens = &own->shared->tokens;
    apr_pool_t *scratch;

    (void)thread;
    if (apr_pool_create_unmanaged_ex(&scratch, NULL, NULL) != APR_SUCCESS) {
        own->failure = "no pool";
        return NULL;
    }
    while (!atomic_load(&own->shared->stop) && own->failure == NULL) {
        unsigned before = atomic_load(&phase);
        enum reason reason = remembered_verdict(own, tokens->rotating, scratch);

        own->failure = wrong(before, atomic_load(&phase), reason);
        own->accepted += reason == REASON_OK;
        own->refused += reason != REASON_OK;
        if (remembered_verdict(own, tokens->good[JWA_EDDSA], scratch) != REASON_OK) {
            own->failure = "a token whose key stays was refused";
        }
        if (remembered_verdict(own, tokens->stranger[JWA_EDDSA], scratch) == REASON_OK ||
            remembered_verdict(own, tokens->altered[JWA_EDDSA], scratch) == REASON_OK) {
            own->failure = "a forged token was accepted";
        }
        apr_pool_clear(scratch);
    }
    apr_pool_destroy(scratch);
    return NULL;
}

START_TEST(remembers_no_token_beyond_the_removal_of_its_key)
{
    struct shared *shared = make_shared();
    struct token_cache *cache = token_cache_create(16, pool);
    struct rememberer own[THREADS];
    const char *without = all_keys(NULL);
    const char *with = all_keys(jwk_of(key_of(JWA_EDDSA, THEIRS), ",'kid':'r'"));
    unsigned hits = 0;
    unsigned refused = 0;
    unsigned accepted = 0;
    apr_status_t rv;

    jwks_store_ask(&(uint32_t){0}, shared->runtime.store, shared->issuer.slot,
                   issuer_clock(), apr_time_from_sec(3600));
    publish(shared, with);
    for (int i = 0; i < THREADS; i++) {
        own[i] = (struct rememberer){.shared = shared, .cache = cache};
        ck_assert_int_eq(
            apr_thread_create(&own[i].thread, NULL, remember_tokens, &own[i], pool),
            APR_SUCCESS);
    }
    for (int i = 0; i < SWAPS; i++) {
        apr_sleep(apr_time_from_msec(20));
        atomic_fetch_add(&phase, 1);
        publish(shared, i % 2 == 0 ? without : with);
        atomic_fetch_add(&phase, 1);
    }
    atomic_store(&shared->stop, true);
    for (int i = 0; i < THREADS; i++) {
        apr_thread_join(&rv, own[i].thread);
        ck_assert_msg(own[i].failure == NULL, "%s", own[i].failure);
        hits += own[i].hits;
        refused += own[i].refused;
        accepted += own[i].accepted;
    }
    ck_assert_uint_gt(hits, SWAPS);
    ck_assert_uint_gt(refused, 0);
    ck_assert_uint_gt(accepted, 0);
    secret_destroy(shared->secret);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("threads");
    TCase *tcase = support_tcase(suite, "threads");

    keys_make();
    tcase_add_test(tcase,
                   verifies_every_algorithm_in_many_threads_while_the_keys_are_swapped);
    tcase_add_test(tcase, remembers_no_token_beyond_the_removal_of_its_key);
    return support_run(suite);
}
