/*
 * B8 and H10: each crypto call and each allocation fails in turn, then all of them from
 * there on. Nothing may be accepted that is not good, nothing may crash, leak (the asan
 * target sees that) or stay in OpenSSL's queue of errors; and once the fault is over,
 * everything works as if nothing had been. Pool memory is left out: see faults.h.
 */
#include "faults.h"

#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "issuer/issuer.h"
#include "issuer/jwks_cache.h"
#include "issuer/jwks_store.h"
#include "issuer/key_file.h"
#include "issuer/state_dir.h"
#include "issuer/token_cache.h"
#include "support.h"
#include "token/json.h"
#include "token/secret.h"

#define ONE 0
#define ALL UINT_MAX

/* The queue is one for the whole thread, and mod_ssl looks into it too. */
static bool queue_is_empty(void)
{
    bool empty = ERR_peek_error() == 0;

    ERR_clear_error();
    return empty;
}

/* How much fails: the n-th call alone, or it and all that follow. */
static const unsigned spans[] = {ONE, ALL};

/* Check needs memory to say what is wrong. */
#define EXPECT_NOW(condition, ...)                                                       \
    do {                                                                                 \
        if (!(condition)) {                                                              \
            faults_end();                                                                \
            ck_abort_msg(__VA_ARGS__);                                                   \
        }                                                                                \
    } while (0)

/* What is tried, with the faults on. Everything it made is given back at its end. */
struct trial {
    enum jwa_alg alg;
    const char *token;       /* or what else is looked for or read */
    const char *document;    /* for all algorithms but HS* */
    const struct jwks *jwks; /* where it is read already */
};

typedef enum reason trial_fn(const struct trial *trial, apr_pool_t *own);

static enum reason run(trial_fn *function, const struct trial *trial)
{
    apr_pool_t *own;
    enum reason reason;

    apr_pool_create(&own, pool);
    reason = function(trial, own);
    apr_pool_destroy(own);
    return reason;
}

/* From the key and the token to the verdict. */
static enum reason judge_token(const struct trial *trial, apr_pool_t *own)
{
    const struct jwt_policy accepting = {.issuer = ISSUER,
                                         .algorithms = JWA_BIT(trial->alg),
                                         .audiences = policy.audiences,
                                         .audience_count = policy.audience_count,
                                         .user_claim = "sub"};
    bool symmetric = jwa_get(trial->alg)->type == JWA_KTY_OCT;
    const struct jwt_claims *claims = NULL;
    const struct jwk *key = NULL;
    struct secret *secret = NULL;
    struct jwks *jwks = NULL;
    struct jwt *jwt = NULL;
    const char *user = NULL;
    enum reason reason = REASON_OK;

    if (symmetric) {
        secret = secret_create(secret_of(OURS), SECRET_LENGTH, JWA_SECRET_ALGORITHMS);
        reason = secret != NULL ? REASON_OK : REASON_INTERNAL_ERROR;
    }
    else {
        reason = jwks_parse(&jwks, trial->document, strlen(trial->document), own);
        EXPECT_NOW((jwks != NULL) ==
                       (reason == REASON_OK || reason == REASON_JWKS_NO_USABLE_KEY),
                   "a set with %s", reason_name(reason));
    }
    if (reason == REASON_OK) {
        reason = jwt_parse(&jwt, trial->token, strlen(trial->token), own);
        EXPECT_NOW((jwt != NULL) == (reason == REASON_OK), "jwt_parse");
    }
    if (reason == REASON_OK && !symmetric) {
        reason = jwks_find(&key, jwks, jwt_jws(jwt)->kid, jwt_jws(jwt)->alg);
        EXPECT_NOW((key != NULL) == (reason == REASON_OK), "jwks_find");
    }
    if (reason == REASON_OK) {
        reason = symmetric ? jwt_verify_secret(&claims, jwt, secret)
                           : jwt_verify(&claims, jwt, key);
        EXPECT_NOW((claims != NULL) == (reason == REASON_OK), "jwt_verify");
    }
    if (reason == REASON_OK) {
        reason = jwt_check(&user, claims, &accepting, apr_time_from_sec(TODAY));
        EXPECT_NOW((user != NULL) == (reason == REASON_OK), "jwt_check");
    }
    jwks_destroy(jwks);
    secret_destroy(secret);
    return reason;
}

/*
 * Try with each call failing in turn. Where OpenSSL can do without some memory
 * (its caches, texts of errors), a good token may pass all the same.
 */
static void fail_each(enum faults_kind kind, trial_fn *function,
                      const struct trial *trial, enum reason expected)
{
    /* Once before: what OpenSSL makes once and keeps is not to be counted. */
    ASSERT_REASON(run(function, trial), expected, "before");
    for (size_t i = 0; i < COUNT(spans); i++) {
        for (unsigned n = 1;; n++) {
            enum reason reason;
            const char *failed;

            faults_begin(kind, n, spans[i]);
            reason = run(function, trial);
            failed = faults_end();
            EXPECT(queue_is_empty(), "%s, %s, number %u, left an error in the queue",
                   reason_name(reason), failed, n);
            if (failed == NULL) { /* there are no more of them */
                EXPECT(n > 1 && reason == expected, "%s when nothing failed",
                       reason_name(reason));
                break;
            }
            EXPECT(reason != REASON_OK ||
                       (kind == FAULTS_ALLOCATIONS && expected == REASON_OK),
                   "accepted though %s, number %u, failed", failed, n);
            /* A good token is not called a bad one, for clients throw those away. */
            EXPECT(kind == FAULTS_ALLOCATIONS || reason == REASON_INTERNAL_ERROR,
                   "%s when %s, number %u, failed", reason_name(reason), failed, n);
        }
    }
    ASSERT_REASON(run(function, trial), expected, "afterwards");
}

static const char *document_of(enum jwa_alg alg)
{
    if (jwa_get(alg)->type == JWA_KTY_OCT) {
        return NULL;
    }
    return jwks_text(
        jwk_of(key_of(alg, OURS), apr_psprintf(pool, ",'kid':'%s','alg':'%s'",
                                               kid_of(alg), jwa_get(alg)->name)),
        NULL);
}

static struct trial trial_of(enum jwa_alg alg, enum whose whose)
{
    struct trial trial = {.alg = alg, .document = document_of(alg)};

    trial.token = token_of(alg, whose, header_of(alg), json_of(CLAIMS));
    return trial;
}

START_TEST(accepts_nothing_when_a_crypto_call_fails)
{
    struct trial trial = trial_of((enum jwa_alg)_i, OURS);

    fail_each(FAULTS_CALLS, judge_token, &trial, REASON_OK);
    fail_each(FAULTS_ERROR_CALLS, judge_token, &trial, REASON_OK);
}
END_TEST

START_TEST(survives_every_allocation_that_fails)
{
    struct trial trial = trial_of((enum jwa_alg)_i, OURS);

    fail_each(FAULTS_ALLOCATIONS, judge_token, &trial, REASON_OK);
}
END_TEST

START_TEST(accepts_no_forged_token_whatever_fails)
{
    struct trial trial = trial_of((enum jwa_alg)_i, THEIRS);

    fail_each(FAULTS_CALLS, judge_token, &trial, REASON_SIGNATURE_INVALID);
    fail_each(FAULTS_ERROR_CALLS, judge_token, &trial, REASON_SIGNATURE_INVALID);
    fail_each(FAULTS_ALLOCATIONS, judge_token, &trial, REASON_SIGNATURE_INVALID);
}
END_TEST

static const char *document_with_kids(const char *kid, const char *other)
{
    EVP_PKEY *key = key_of(JWA_RS256, OURS);

    return jwks_text(jwk_of(key, apr_psprintf(pool, ",'kid':'%s'", kid)),
                     jwk_of(key, apr_psprintf(pool, ",'kid':'%s'", other)), NULL);
}

/* However many keys may be meant, one is tried: C6 leaves no other choice. */
START_TEST(a_forged_token_costs_one_signature_verification)
{
    struct trial trial = {.alg = JWA_RS256, .document = document_with_kids("rsa", "rsa")};
    const char *called = "";
    int verified = 0;

    trial.token = token_of(JWA_RS256, THEIRS, header_of(JWA_RS256), json_of(CLAIMS));
    ASSERT_REASON(run(judge_token, &trial), REASON_SIGNATURE_INVALID, "forged");
    /* The n-th call fails, so it has a name; those before it go as ever. */
    for (unsigned n = 1; called != NULL; n++) {
        faults_begin(FAULTS_CALLS, n, ONE);
        run(judge_token, &trial);
        called = faults_end();
        verified += called != NULL && strcmp(called, "EVP_DigestVerify") == 0;
        ERR_clear_error();
    }
    ck_assert_int_eq(verified, 1);
}
END_TEST

/* A16: a kid names a key, never a file. */
static const char *const kids_like_paths[] = {"/etc/passwd",
                                              "../../../../../../../../etc/passwd",
                                              "./Makefile.apxs",
                                              "file:///etc/passwd",
                                              "/dev/zero",
                                              "%2e%2e%2fetc%2fpasswd",
                                              "jwks.json",
                                              "%s%s%n",
                                              "1; DROP TABLE keys;--",
                                              "| cat /etc/passwd",
                                              "https://a/jwks.json"};

START_TEST(opens_no_file_whatever_the_kid_is)
{
    const char *kid = kids_like_paths[_i];
    const char *header = apr_psprintf(pool, "{\"alg\":\"RS256\",\"kid\":\"%s\"}", kid);
    struct trial trial = {.alg = JWA_RS256, .document = document_of(JWA_RS256)};

    trial.token = token_of(JWA_RS256, OURS, header, json_of(CLAIMS));
    ASSERT_REASON(run(judge_token, &trial), REASON_KEY_UNKNOWN, kid);
    faults_begin(FAULTS_FILES, 1, ALL);
    ck_assert_int_eq(run(judge_token, &trial), REASON_KEY_UNKNOWN);
    ck_assert_pstr_eq(faults_end(), NULL);
    trial.document = document_with_kids(kid, "rsa");
    ASSERT_REASON(run(judge_token, &trial), REASON_OK, kid);
}
END_TEST

/* A document is read whole or not at all: no key goes missing for want of memory. */
static enum reason read_set(const struct trial *trial, apr_pool_t *own)
{
    struct jwks *jwks;
    enum reason reason = jwks_parse(&jwks, trial->document, strlen(trial->document), own);
    size_t count = jwks != NULL ? jwks->count : 0;

    if (reason == REASON_OK) {
        EXPECT_NOW(jwks->count + jwks->skipped_count == 5, "keys lost");
    }
    jwks_destroy(jwks);
    return reason == REASON_OK && count < 5 ? REASON_JWKS_NO_USABLE_KEY : reason;
}

static const char *whole_document(void)
{
    return jwks_text(jwk_of(key_of(JWA_RS256, OURS), ",'kid':'rsa'"),
                     jwk_of(key_of(JWA_ES256, OURS), ",'kid':'p256'"),
                     jwk_of(key_of(JWA_ES384, OURS), ",'kid':'p384'"),
                     jwk_of(key_of(JWA_ES512, OURS), ",'kid':'p521'"),
                     jwk_of(key_of(JWA_EDDSA, OURS), ",'kid':'ed25519'"), NULL);
}

START_TEST(reads_a_document_whole_again_after_every_fault)
{
    struct trial trial = {.document = whole_document()};

    fail_each(FAULTS_CALLS, read_set, &trial, REASON_OK);
    fail_each(FAULTS_ERROR_CALLS, read_set, &trial, REASON_OK);
    fail_each(FAULTS_ALLOCATIONS, read_set, &trial, REASON_OK);
}
END_TEST

START_TEST(skips_broken_keys_and_private_ones_whatever_fails)
{
    struct trial trial = {0};

    trial.document = jwks_text("{\"kid\":\"a\",\"kty\":\"EC\",\"crv\":\"P-256\","
                               "\"x\":\"AA\",\"y\":\"AA\"}",
                               "{\"kid\":\"b\",\"kty\":\"oct\",\"k\":\"AAAA\"}", NULL);
    fail_each(FAULTS_ALLOCATIONS, read_set, &trial, REASON_JWKS_NO_USABLE_KEY);
    trial.document = jwks_text(jwk_of(key_of(JWA_ES256, OURS), ",'d':'AA'"), NULL);
    fail_each(FAULTS_ALLOCATIONS, read_set, &trial, REASON_JWKS_PRIVATE_KEY);
}
END_TEST

/* C6: one key twice is no doubt; a comparison that fails is no fault of the token's. */
static enum reason find_key(const struct trial *trial, apr_pool_t *own)
{
    const struct jwk *key;
    enum reason reason = jwks_find(&key, trial->jwks, trial->token, trial->alg);

    (void)own;
    EXPECT_NOW((key != NULL) == (reason == REASON_OK), "jwks_find");
    EXPECT_NOW(reason == REASON_OK || reason == REASON_KEY_AMBIGUOUS ||
                   reason == REASON_INTERNAL_ERROR,
               "%s", reason_name(reason));
    return reason;
}

START_TEST(takes_neither_key_of_two_that_cannot_be_compared)
{
    static const enum jwa_alg algs[] = {JWA_RS256, JWA_ES256, JWA_EDDSA};
    struct trial trial = {.alg = algs[_i], .token = kid_of(algs[_i])};
    const char *jwk = jwk_of(key_of(trial.alg, OURS),
                             apr_psprintf(pool, ",'kid':'%s'", kid_of(trial.alg)));

    trial.jwks = jwks_of(jwks_text(jwk, jwk, NULL));
    fail_each(FAULTS_CALLS, find_key, &trial, REASON_OK);
    fail_each(FAULTS_ERROR_CALLS, find_key, &trial, REASON_OK);
    if (trial.alg == JWA_ES256) { /* the others are compared without any */
        fail_each(FAULTS_ALLOCATIONS, find_key, &trial, REASON_OK);
    }
}
END_TEST

/* JSON text for claims that are passed on. */
static enum reason print_claims(const struct trial *trial, apr_pool_t *own)
{
    static const struct json_limits limits = JSON_LIMITS_DEFAULT;
    const json_value *value;
    const char *text = NULL;
    enum reason reason =
        json_parse(&value, trial->token, strlen(trial->token), &limits, own);

    EXPECT_NOW((value != NULL) == (reason == REASON_OK), "json_parse");
    if (reason == REASON_OK) {
        text = json_text(value, own);
        reason = text != NULL ? REASON_OK : REASON_INTERNAL_ERROR;
    }
    EXPECT_NOW(text == NULL || strcmp(text, trial->token) == 0, "other text: %s", text);
    return reason;
}

START_TEST(prints_claims_whole_or_not_at_all)
{
    struct trial trial = {
        .token = json_of("{'a':[1,2.50,true,null,{'b':'c'}],'long':'0123456789"
                         "0123456789012345678901234567890123456789012345678901234567890"
                         "0123456789012345678901234567890123456789012345678901234567890"
                         "0123456789012345678901234567890123456789012345678901234567'}")};

    fail_each(FAULTS_ALLOCATIONS, print_claims, &trial, REASON_OK);
}
END_TEST

#define SECOND apr_time_from_sec(1)

static const struct jwks_source source = {"https://a/", "https://a/jwks.json", ""};

static void publish(struct jwks_store *store, const char *text)
{
    int slot = jwks_store_slot(store, &source);

    EXPECT(slot >= 0, "no slot");
    jwks_store_publish(store, slot, jwks_store_begin(store, slot, SECOND), text,
                       strlen(text), SECOND, 60 * SECOND);
}

static const char *document_with(const char *kid, const char *other)
{
    return jwks_text(
        jwk_of(key_of(JWA_ES256, OURS), apr_psprintf(pool, ",'kid':'%s'", kid)),
        jwk_of(key_of(JWA_EDDSA, OURS), apr_psprintf(pool, ",'kid':'%s'", other)), NULL);
}

/* Does the cache hold exactly these two keys now? */
static bool holds(struct jwks_cache *cache, int slot, const char *kid, const char *other)
{
    struct jwks_shared *shared = jwks_cache_acquire(cache, slot);
    const struct jwk *key;
    bool held;

    if (shared == NULL) {
        return false;
    }
    held = jwks_find(&key, jwks_shared_keys(shared), kid, JWA_ES256) == REASON_OK &&
           jwks_find(&key, jwks_shared_keys(shared), other, JWA_EDDSA) == REASON_OK;
    jwks_cache_release(shared);
    return held;
}

/*
 * Of some allocations that fail inside it OpenSSL says nothing: then the key is taken
 * for a broken one until the next document. Such are named by OpenSSL's files.
 */
static bool is_silent(const char *failed)
{
    return failed != NULL && strchr(failed, '/') != NULL;
}

/* A process, with keys or without, meets a new document just when something fails. */
static const char *fail_update(enum faults_kind kind, unsigned n, unsigned span,
                               bool has_keys)
{
    struct jwks_store *store = jwks_store_init(calloc(1, jwks_store_size()), 1);
    int slot = jwks_store_slot(store, &source);
    struct jwks_cache *cache;
    const char *failed;
    apr_pool_t *own;

    apr_pool_create(&own, pool);
    cache = jwks_cache_create(store, own);
    if (has_keys) {
        publish(store, document_with("old", "both"));
        EXPECT(holds(cache, slot, "old", "both"), "old keys");
    }
    publish(store, document_with("new", "both"));

    faults_begin(kind, n, span);
    jwks_cache_release(jwks_cache_acquire(cache, slot));
    failed = faults_end();
    EXPECT(queue_is_empty(), "%s left an error in the queue", failed);
    if (is_silent(failed) && !holds(cache, slot, "new", "both")) {
        publish(store, document_with("next", "both"));
        EXPECT(holds(cache, slot, "next", "both"), "the next document");
    }
    else {
        EXPECT(holds(cache, slot, "new", "both"),
               "%s keys lost when %s, number %u, failed", has_keys ? "new" : "first",
               failed, n);
    }
    EXPECT(!holds(cache, slot, "old", "both"), "old keys stay after %s", failed);
    apr_pool_destroy(own);
    free(store);
    return failed;
}

START_TEST(has_the_new_keys_once_the_fault_is_over)
{
    for (size_t i = 0; i < COUNT(spans); i++) {
        for (unsigned n = 1; fail_update((enum faults_kind)_i, n, spans[i], false); n++) {
        }
        for (unsigned n = 1; fail_update((enum faults_kind)_i, n, spans[i], true); n++) {
        }
    }
}
END_TEST

START_TEST(makes_a_cache_with_all_its_mutexes_or_none)
{
    struct jwks_store *store = jwks_store_init(calloc(1, jwks_store_size()), 1);
    const char *failed = "";

    for (unsigned n = 1; failed != NULL; n++) {
        struct jwks_cache *cache;
        apr_pool_t *own;

        apr_pool_create(&own, pool);
        faults_begin(FAULTS_ALLOCATIONS, n, ONE);
        cache = jwks_cache_create(store, own);
        failed = faults_end();
        EXPECT((cache != NULL) == (failed == NULL), "%s, number %u", failed, n);
        apr_pool_destroy(own);
    }
    free(store);
}
END_TEST

/* Without a digest nothing is written or read, and no slot is taken for nothing. */
static const char *fail_digest(enum faults_kind kind, unsigned n, unsigned span)
{
    struct jwks_store *store = jwks_store_init(calloc(1, jwks_store_size()), 1);
    struct jwks_source other = {"https://b/", "https://b/jwks.json", ""};
    const char *failed;
    uint32_t generation;
    char *text = NULL;
    size_t len = 0;
    int slot;

    publish(store, "old");
    faults_begin(kind, n, span);
    slot = jwks_store_slot(store, &source);
    if (slot >= 0) {
        jwks_store_publish(store, slot, 0, "new", 3, SECOND, 60 * SECOND);
        jwks_store_read(&text, &len, &generation, store, slot);
    }
    failed = faults_end();
    EXPECT(text == NULL ||
               (len == 3 && (memcmp(text, "new", 3) == 0 || memcmp(text, "old", 3) == 0)),
           "read something else");
    free(text);
    EXPECT(queue_is_empty(), "%s left an error in the queue", failed);
    EXPECT(slot < 0 || slot == jwks_store_slot(store, &source), "another slot");
    for (int i = 0; i < JWKS_STORE_SLOTS - 1; i++) {
        other.url = apr_psprintf(pool, "https://b/%d", i);
        EXPECT(jwks_store_slot(store, &other) >= 0, "slot %d lost when %s failed", i,
               failed);
    }
    publish(store, "new");
    slot = jwks_store_slot(store, &source);
    EXPECT(jwks_store_read(&text, &len, &generation, store, slot),
           "nothing to read after %s, number %u, failed", failed, n);
    EXPECT(len == 3 && memcmp(text, "new", 3) == 0, "not the new document");
    free(text);
    free(store);
    return failed;
}

START_TEST(stores_no_document_that_it_cannot_digest)
{
    for (size_t i = 0; i < COUNT(spans); i++) {
        for (unsigned n = 1; fail_digest((enum faults_kind)_i, n, spans[i]); n++) {
        }
    }
}
END_TEST

/* C10: a file that cannot be read is an error that names it. */
START_TEST(reads_a_key_file_whole_or_says_why_not)
{
    char path[] = "/tmp/test_faults.XXXXXX";
    int fd = mkstemp(path);
    const char *failed = "";

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, "0123456789", 10), 10);
    close(fd);
    for (unsigned n = 1; failed != NULL; n++) {
        const char *error;
        const char *data;
        size_t len;

        faults_begin(FAULTS_FILES, n, ONE);
        error = key_file_read(&data, &len, path, 10, true, pool);
        failed = faults_end();
        EXPECT((error == NULL) == (failed == NULL), "%s", failed);
        EXPECT((data == NULL) == (error != NULL), "data with %s", error);
        EXPECT(error == NULL ||
                   (strstr(error, path) != NULL && strstr(error, strerror(EIO)) != NULL),
               "%s", error);
        EXPECT(fcntl(fd, F_GETFD) < 0, "%s left the file open", failed);

        faults_begin(FAULTS_INTERRUPTS, n, n);
        ck_assert_ptr_null(key_file_read(&data, &len, path, 10, true, pool));
        faults_end();
        EXPECT(len == 10 && memcmp(data, "0123456789", len) == 0, "%u bytes",
               (unsigned)len);
    }
    unlink(path);
}
END_TEST

/* H11: a document on disk is replaced as a whole or not at all. */
START_TEST(keeps_a_document_on_disk_or_says_why_not)
{
    static const enum faults_kind kinds[] = {FAULTS_CALLS, FAULTS_ALLOCATIONS,
                                             FAULTS_FILES, FAULTS_INTERRUPTS};
    enum faults_kind kind = kinds[_i];
    char folder[] = "/tmp/test_faults.XXXXXX";
    char why[STATE_DIR_WHY_SIZE];
    const char *failed = "";
    const char *on_disk = "old";

    ck_assert_ptr_nonnull(mkdtemp(folder));
    for (unsigned n = 1; failed != NULL; n++) {
        const char *fresh = apr_psprintf(pool, "n%02u", n % 100);
        const char *saving;
        apr_time_t fetched = 0;
        char *text = NULL;
        size_t len = 0;
        bool saved;
        bool loaded;

        faults_begin(kind, n, ONE);
        saved = state_dir_save(why, folder, &source, fresh, 3, SECOND);
        saving = faults_end();
        EXPECT(saved || strstr(why, folder) != NULL, "%s", why);
        EXPECT(saved || (saving != NULL && kind != FAULTS_INTERRUPTS), "%s", why);
        EXPECT(!saved || saving == NULL || kind != FAULTS_FILES, "saved, but %s", saving);
        on_disk = saved ? fresh : on_disk;
        if (n == 1 && !saved) {
            EXPECT(state_dir_save(why, folder, &source, on_disk, 3, SECOND), "%s", why);
        }

        faults_begin(kind, n, ONE);
        loaded = state_dir_load(&text, &len, &fetched, why, folder, &source);
        failed = faults_end();
        EXPECT(loaded || (failed != NULL && kind != FAULTS_INTERRUPTS), "%s", why);
        EXPECT(loaded == (text != NULL), "text");
        EXPECT(loaded || strstr(why, folder) != NULL, "%s", why);
        EXPECT(!loaded || (len == 3 && memcmp(text, on_disk, 3) == 0), "not %s", on_disk);
        EXPECT(queue_is_empty(), "%s left an error in the queue", failed);
        free(text);
        failed = failed != NULL ? failed : saving;
    }
    ck_assert_int_eq(system(apr_pstrcat(pool, "rm -r ", folder, NULL)), 0);
}
END_TEST

/* What finds and adds tokens needs no memory but its caller's. */
static bool remembers(struct token_cache *cache, const struct jwt_claims *claims,
                      apr_pool_t *own)
{
    const struct issuer_voucher voucher = {1, 2};
    unsigned char digest[TOKEN_DIGEST_LENGTH] = "a digest";
    const struct jwt_claims *found;
    struct issuer_voucher other;

    faults_begin(FAULTS_ALLOCATIONS, 1, ALL);
    for (unsigned i = 0; i < 1000; i++) {
        digest[31] = (unsigned char)i;
        token_cache_add(cache, digest, &voucher, claims, own);
    }
    found = token_cache_find(&other, cache, digest, own);
    EXPECT_NOW(faults_end() == NULL, "memory of its own");
    return found != NULL && other.source == 1 && other.generation == 2 &&
           strcmp(json_text(found->payload, own), json_text(claims->payload, own)) == 0;
}

/* Without its cache a process verifies every token, so there must be none by half. */
START_TEST(makes_a_token_cache_that_works_or_none)
{
    const struct jwt_claims *claims = claims_of(token_with(CLAIMS));
    enum faults_kind kind = (enum faults_kind)_i;
    const char *failed = "";
    unsigned n = 0;

    while (failed != NULL) {
        struct token_cache *cache;
        apr_pool_t *own;

        n++;
        apr_pool_create(&own, pool);
        faults_begin(kind, n, ONE);
        cache = token_cache_create(64, own);
        failed = faults_end();
        EXPECT(queue_is_empty(), "%s, number %u, left an error in the queue", failed, n);
        /* OpenSSL can do without some of its memory. */
        EXPECT(cache != NULL || failed != NULL, "no cache though nothing failed");
        EXPECT(cache == NULL || failed == NULL || is_silent(failed), "%s failed", failed);
        EXPECT(cache == NULL || remembers(cache, claims, own), "not whole after %s",
               failed);
        apr_pool_destroy(own);
    }
    ck_assert_uint_gt(n, kind == FAULTS_ALLOCATIONS ? 3 : 1);
}
END_TEST

START_TEST(gives_the_right_digest_or_none)
{
    enum faults_kind kind = (enum faults_kind)_i;
    struct token_cache *cache = token_cache_create(1, pool);
    unsigned char right[TOKEN_DIGEST_LENGTH];
    const char *failed = "";
    unsigned refused = 0;

    ck_assert(token_cache_digest(right, cache, "token", 5));
    for (unsigned n = 1; failed != NULL; n++) {
        unsigned char digest[TOKEN_DIGEST_LENGTH] = {0};
        bool given;

        faults_begin(kind, n, ONE);
        given = token_cache_digest(digest, cache, "token", 5);
        failed = faults_end();
        EXPECT(queue_is_empty(), "%s, number %u, left an error in the queue", failed, n);
        EXPECT(given || failed != NULL, "none though nothing failed");
        EXPECT(!given || memcmp(digest, right, sizeof(right)) == 0, "%s", failed);
        refused += !given;
    }
    ck_assert_uint_gt(refused, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("faults");
    TCase *tcase;

    faults_install();
    tcase = support_tcase(suite, "faults");
    keys_make();
    tcase_add_loop_test(tcase, accepts_nothing_when_a_crypto_call_fails, 0, JWA_COUNT);
    tcase_add_loop_test(tcase, survives_every_allocation_that_fails, 0, JWA_COUNT);
    tcase_add_loop_test(tcase, accepts_no_forged_token_whatever_fails, 0, JWA_COUNT);
    tcase_add_test(tcase, a_forged_token_costs_one_signature_verification);
    ADD_TABLE(tcase, opens_no_file_whatever_the_kid_is, kids_like_paths);
    tcase_add_test(tcase, reads_a_document_whole_again_after_every_fault);
    tcase_add_test(tcase, skips_broken_keys_and_private_ones_whatever_fails);
    tcase_add_loop_test(tcase, takes_neither_key_of_two_that_cannot_be_compared, 0, 3);
    tcase_add_test(tcase, prints_claims_whole_or_not_at_all);
    tcase_add_loop_test(tcase, has_the_new_keys_once_the_fault_is_over, FAULTS_CALLS,
                        FAULTS_ALLOCATIONS + 1);
    tcase_add_test(tcase, makes_a_cache_with_all_its_mutexes_or_none);
    tcase_add_loop_test(tcase, stores_no_document_that_it_cannot_digest, FAULTS_CALLS,
                        FAULTS_ALLOCATIONS + 1);
    tcase_add_test(tcase, reads_a_key_file_whole_or_says_why_not);
    tcase_add_loop_test(tcase, keeps_a_document_on_disk_or_says_why_not, 0, 4);
    tcase_add_loop_test(tcase, makes_a_token_cache_that_works_or_none, FAULTS_CALLS,
                        FAULTS_ALLOCATIONS + 1);
    tcase_add_loop_test(tcase, gives_the_right_digest_or_none, FAULTS_CALLS,
                        FAULTS_ALLOCATIONS + 1);
    return support_run(suite);
}
