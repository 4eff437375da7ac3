#include "issuer/issuer.h"

#include <apr_strings.h>
#include <apr_thread_proc.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

#define SECOND apr_time_from_sec(1)

static const struct jwks_source source = {"https://a/", "https://a/jwks.json", ""};

struct setting {
    struct issuer_runtime runtime;
    struct issuer issuer;
};

/* A process's view of one issuer, with nothing fetched yet. */
static struct setting *make_setting(unsigned waiters)
{
    struct setting *setting = apr_pcalloc(pool, sizeof(*setting));
    void *memory = apr_pcalloc(pool, jwks_store_size());

    setting->runtime.store = jwks_store_init(memory, waiters);
    setting->runtime.cache = jwks_cache_create(setting->runtime.store, pool);
    setting->runtime.counters = counters_init(apr_pcalloc(pool, counters_size()), 0);
    setting->runtime.timing.fresh = 60 * SECOND;
    setting->runtime.timing.stale = 600 * SECOND;
    setting->runtime.timing.cooldown = 30 * SECOND;
    setting->issuer.name = source.issuer;
    setting->issuer.kind = ISSUER_KEYS_URL;
    setting->issuer.source = source.url;
    setting->issuer.slot = jwks_store_slot(setting->runtime.store, &source);
    ck_assert_ptr_nonnull(setting->runtime.cache);
    return setting;
}

static void publish(struct setting *setting, const char *text, apr_time_t at)
{
    struct jwks_store *store = setting->runtime.store;
    int slot = setting->issuer.slot;
    uint32_t ticket = jwks_store_begin(store, slot, at + SECOND);

    jwks_store_publish(store, slot, ticket, text, strlen(text), at, at + 60 * SECOND);
}

static void fail_attempt(struct setting *setting, apr_time_t next_at)
{
    struct jwks_store *store = setting->runtime.store;
    int slot = setting->issuer.slot;

    jwks_store_fail(store, slot, jwks_store_begin(store, slot, next_at), next_at, false,
                    "refused");
}

/* What became of the requests that needed to wait, counted on their way. */
static void assert_waits(const struct setting *setting, unsigned served, unsigned in_vain,
                         unsigned turned_away)
{
    const struct counters *counters = setting->runtime.counters;

    ck_assert_uint_eq(counters_total(counters, COUNTER_WAIT_SERVED), served);
    ck_assert_uint_eq(counters_total(counters, COUNTER_WAIT_IN_VAIN), in_vain);
    ck_assert_uint_eq(counters_total(counters, COUNTER_WAIT_TURNED_AWAY), turned_away);
}

static const char *document(const char *kid)
{
    return jwks_text(jwk_of(key_of(JWA_RS256, OURS),
                            json_of(apr_pstrcat(pool, ",'kid':'", kid, "'", NULL))),
                     NULL);
}

static enum reason find(struct setting *setting, const char *kid)
{
    struct issuer_key key;
    enum reason reason =
        issuer_find_key(&key, &setting->runtime, &setting->issuer, kid, JWA_RS256);

    ck_assert((reason == REASON_OK) == (key.key != NULL));
    if (reason == REASON_OK) {
        issuer_key_release(&key);
    }
    return reason;
}

START_TEST(finds_a_published_key_without_waiting)
{
    struct setting *setting = make_setting(1);
    apr_time_t start;

    publish(setting, document("one"), issuer_clock());
    start = issuer_clock();
    ASSERT_REASON(find(setting, "one"), REASON_OK, "published");
    ASSERT_REASON(find(setting, NULL), REASON_OK, "the only key, without a kid");
    ck_assert_int_lt(issuer_clock() - start, SECOND);
}
END_TEST

START_TEST(follows_the_document_when_keys_are_added_and_removed)
{
    struct setting *setting = make_setting(1);

    publish(setting, document("one"), issuer_clock());
    ASSERT_REASON(find(setting, "one"), REASON_OK, "first document");
    publish(setting, document("two"), issuer_clock());
    ASSERT_REASON(find(setting, "two"), REASON_OK, "added");
    setting->runtime.timing.cooldown = 0;
    jwks_store_ask(&(uint32_t){0}, setting->runtime.store, setting->issuer.slot,
                   issuer_clock(), 3600 * SECOND); /* use the cooldown up */
    publish(setting, document("two"), issuer_clock());
    ASSERT_REASON(find(setting, "one"), REASON_KEY_UNKNOWN, "removed");
}
END_TEST

/* What a user pays for a dead issuer: an answer at once, not two seconds each. */
START_TEST(answers_at_once_when_there_are_no_keys_and_no_attempt_is_near)
{
    struct setting *setting = make_setting(1);
    apr_time_t start;

    fail_attempt(setting, issuer_clock() + 30 * SECOND);
    start = issuer_clock();
    ASSERT_REASON(find(setting, "one"), REASON_KEYS_UNAVAILABLE, "no keys");
    ck_assert_int_lt(issuer_clock() - start, SECOND);
    ck_assert_int_ge(issuer_retry_after(&setting->runtime, &setting->issuer), 29);
}
END_TEST

START_TEST(gives_up_after_two_seconds_when_an_attempt_hangs)
{
    struct setting *setting = make_setting(1);
    apr_time_t start = issuer_clock();

    jwks_store_begin(setting->runtime.store, setting->issuer.slot, start + 60 * SECOND);
    ASSERT_REASON(find(setting, "one"), REASON_KEYS_UNAVAILABLE, "hanging");
    ck_assert_int_ge(issuer_clock() - start, ISSUER_WAIT_MAX);
    ck_assert_int_lt(issuer_clock() - start, ISSUER_WAIT_MAX + SECOND);
    assert_waits(setting, 0, 1, 0);
}
END_TEST

START_TEST(does_not_wait_when_too_many_do_already)
{
    struct setting *setting = make_setting(1);
    apr_time_t start = issuer_clock();

    ck_assert_int_eq(
        jwks_store_wait_begin(setting->runtime.store, start, start + 60 * SECOND), 0);
    ASSERT_REASON(find(setting, "one"), REASON_KEYS_UNAVAILABLE, "no place");
    publish(setting, document("one"), issuer_clock());
    ASSERT_REASON(find(setting, "other"), REASON_KEY_UNKNOWN, "no place");
    assert_waits(setting, 0, 0, 2);
    ck_assert_int_lt(issuer_clock() - start, SECOND);
}
END_TEST

START_TEST(serves_stale_keys_and_refuses_dead_ones)
{
    struct setting *setting = make_setting(1);
    apr_time_t now = issuer_clock() + 3600 * SECOND; /* not before the clock's start */

    setting->runtime.timing.stale = 7200 * SECOND;
    publish(setting, document("one"), now - 3600 * SECOND);
    fail_attempt(setting, now + 60 * SECOND);
    ASSERT_REASON(find(setting, "one"), REASON_OK, "stale");
    setting->runtime.timing.stale = 0;
    ASSERT_REASON(find(setting, "one"), REASON_KEYS_UNAVAILABLE, "dead");
}
END_TEST

/* The background thread's part, played by a thread of the test. */
struct fetcher {
    struct setting *setting;
    const char *text; /* NULL: fail */
    _Atomic unsigned fetches;
    _Atomic bool stop;
};

static void *APR_THREAD_FUNC fetch_when_asked(apr_thread_t *thread, void *data)
{
    struct fetcher *fetcher = data;
    struct jwks_state state;

    (void)thread;
    while (!atomic_load(&fetcher->stop)) {
        jwks_store_state(&state, fetcher->setting->runtime.store,
                         fetcher->setting->issuer.slot);
        if (state.asked != state.answered || state.next_at == 0) {
            if (fetcher->text != NULL) {
                publish(fetcher->setting, fetcher->text, issuer_clock());
            }
            else {
                fail_attempt(fetcher->setting, issuer_clock() + 60 * SECOND);
            }
            atomic_fetch_add(&fetcher->fetches, 1);
        }
        apr_sleep(1000);
    }
    return NULL;
}

static apr_thread_t *start(struct fetcher *fetcher)
{
    apr_thread_t *thread;

    ck_assert_int_eq(apr_thread_create(&thread, NULL, fetch_when_asked, fetcher, pool),
                     APR_SUCCESS);
    return thread;
}

static void finish(struct fetcher *fetcher, apr_thread_t *thread)
{
    apr_status_t rv;

    atomic_store(&fetcher->stop, true);
    apr_thread_join(&rv, thread);
}

START_TEST(waits_for_the_first_keys)
{
    struct fetcher fetcher = {.setting = make_setting(1), .text = document("one")};
    apr_thread_t *thread = start(&fetcher);

    ASSERT_REASON(find(fetcher.setting, "one"), REASON_OK, "cold");
    finish(&fetcher, thread);
    ck_assert_uint_eq(fetcher.fetches, 1);
}
END_TEST

START_TEST(stops_waiting_when_the_attempt_has_failed)
{
    struct fetcher fetcher = {.setting = make_setting(1)};
    apr_time_t began = issuer_clock();
    apr_thread_t *thread = start(&fetcher);

    ASSERT_REASON(find(fetcher.setting, "one"), REASON_KEYS_UNAVAILABLE, "failed");
    finish(&fetcher, thread);
    ck_assert_int_lt(issuer_clock() - began, SECOND);
}
END_TEST

START_TEST(fetches_once_for_a_key_younger_than_its_copy)
{
    struct fetcher fetcher = {.setting = make_setting(1), .text = document("young")};
    apr_thread_t *thread;

    publish(fetcher.setting, document("old"), issuer_clock());
    thread = start(&fetcher);
    ASSERT_REASON(find(fetcher.setting, "young"), REASON_OK, "young key");
    assert_waits(fetcher.setting, 1, 0, 0);
    for (int i = 0; i < 100; i++) {
        ASSERT_REASON(find(fetcher.setting, apr_itoa(pool, i)), REASON_KEY_UNKNOWN,
                      "no such key");
    }
    finish(&fetcher, thread);
    ck_assert_uint_eq(fetcher.fetches, 1);
}
END_TEST

START_TEST(does_not_ask_for_a_key_that_is_there_for_another_algorithm)
{
    struct setting *setting = make_setting(1);
    struct issuer_key key;
    struct jwks_state state;

    publish(setting, document("one"), issuer_clock());
    ASSERT_REASON(
        issuer_find_key(&key, &setting->runtime, &setting->issuer, "one", JWA_ES256),
        REASON_KEY_NOT_ELIGIBLE, "an RSA key for ES256");
    ASSERT_REASON(
        issuer_find_key(&key, &setting->runtime, &setting->issuer, NULL, JWA_ES256),
        REASON_KEY_NOT_ELIGIBLE, "no kid");
    jwks_store_state(&state, setting->runtime.store, setting->issuer.slot);
    ck_assert_uint_eq(state.asked, 0);
}
END_TEST

#define READERS 3

struct reader {
    struct setting *setting;
    unsigned failures;
    _Atomic bool *stop;
};

static void *APR_THREAD_FUNC read_keys(apr_thread_t *thread, void *data)
{
    struct reader *reader = data;

    (void)thread;
    while (!atomic_load(reader->stop)) {
        struct issuer_key key;

        if (issuer_find_key(&key, &reader->setting->runtime, &reader->setting->issuer,
                            "kept", JWA_RS256) != REASON_OK) {
            reader->failures++;
            continue;
        }
        /* The set may be replaced now; what we hold must stay whole. */
        if (strcmp(key.key->kid, "kept") != 0) {
            reader->failures++;
        }
        issuer_key_release(&key);
    }
    return NULL;
}

START_TEST(keeps_keys_whole_for_threads_that_read_while_documents_change)
{
    struct setting *setting = make_setting(1);
    struct reader readers[READERS];
    apr_thread_t *threads[READERS];
    _Atomic bool stop = false;
    apr_status_t rv;

    publish(setting, document("kept"), issuer_clock());
    for (int i = 0; i < READERS; i++) {
        readers[i] = (struct reader){.setting = setting, .stop = &stop};
        ck_assert_int_eq(
            apr_thread_create(&threads[i], NULL, read_keys, &readers[i], pool),
            APR_SUCCESS);
    }
    for (int i = 0; i < 200; i++) {
        const char *other = jwk_of(key_of(JWA_ES256, OURS),
                                   json_of(apr_psprintf(pool, ",'kid':'other-%d'", i)));

        publish(setting,
                jwks_text(jwk_of(key_of(JWA_RS256, OURS), json_of(",'kid':'kept'")),
                          other, NULL),
                issuer_clock());
        apr_sleep(1000);
    }
    atomic_store(&stop, true);
    for (int i = 0; i < READERS; i++) {
        apr_thread_join(&rv, threads[i]);
        ck_assert_uint_eq(readers[i].failures, 0);
    }
}
END_TEST

START_TEST(has_no_keys_without_a_slot_or_a_cache)
{
    struct setting *setting = make_setting(1);

    setting->issuer.slot = -1;
    ASSERT_REASON(find(setting, "one"), REASON_KEYS_UNAVAILABLE, "no slot");
    ck_assert_int_ge(issuer_retry_after(&setting->runtime, &setting->issuer), 1);
    setting->issuer.slot = 0;
    setting->runtime.cache = NULL;
    ASSERT_REASON(find(setting, "one"), REASON_KEYS_UNAVAILABLE, "no cache");
}
END_TEST

/* A process whose threads all wait would hold up the connections it has. */
START_TEST(lets_no_more_requests_of_a_process_wait_than_it_was_told)
{
    struct setting *setting = make_setting(4);
    apr_time_t start = issuer_clock();

    setting->runtime.waiting_max = 2;
    atomic_store(&setting->runtime.waiting, 2);
    ASSERT_REASON(find(setting, "a"), REASON_KEYS_UNAVAILABLE, "both places taken");
    ck_assert_int_lt(issuer_clock() - start, SECOND);
    ck_assert_uint_eq(atomic_load(&setting->runtime.waiting), 2);

    atomic_store(&setting->runtime.waiting, 1);
    start = issuer_clock();
    ASSERT_REASON(find(setting, "a"), REASON_KEYS_UNAVAILABLE, "one place left");
    ck_assert_int_ge(issuer_clock() - start, SECOND);
    ck_assert_uint_eq(atomic_load(&setting->runtime.waiting), 1);
}
END_TEST

/* What a page about the issuers can show, read by any process at any time. */
START_TEST(shows_the_state_of_an_issuer)
{
    struct setting *setting = make_setting(1);
    struct jwks_store *store = setting->runtime.store;
    int slot = setting->issuer.slot;
    apr_time_t now = issuer_clock();
    char error[JWKS_STORE_ERROR_MAX + 1];
    struct jwks_shared *shared;
    struct jwks_state state;
    const char *name;
    const char *url;

    publish(setting, document("first"), now - 9 * SECOND);
    publish(setting, document("second"), now - 7 * SECOND);
    fail_attempt(setting, now + 5 * SECOND);

    ck_assert(jwks_store_source(&name, &url, store, slot));
    ck_assert_str_eq(name, source.issuer);
    ck_assert_str_eq(url, source.url);
    jwks_store_state(&state, store, slot);
    ck_assert_uint_eq(state.generation, 2);
    ck_assert_uint_eq(state.started, 3);
    ck_assert_uint_eq(state.failures, 1);
    ck_assert_int_eq(state.success_at, now - 7 * SECOND);
    ck_assert_int_eq(state.next_at, now + 5 * SECOND);
    jwks_store_error(error, store, slot);
    ck_assert_str_eq(error, "refused");
    shared = jwks_cache_acquire(setting->runtime.cache, slot);
    ck_assert_uint_eq(jwks_shared_keys(shared)->count, 1);
    ck_assert_str_eq(jwks_shared_keys(shared)->keys[0].kid, "second");
    jwks_cache_release(shared);
}
END_TEST

/* ---- what vouches for a token that was verified before ------------------------------- */

/* As after a verification with the key of that kid. */
static struct issuer_voucher vouched(struct setting *setting, const char *kid)
{
    struct issuer_voucher voucher;
    struct issuer_key key;

    ASSERT_REASON(
        issuer_find_key(&key, &setting->runtime, &setting->issuer, kid, JWA_RS256),
        REASON_OK, kid);
    voucher = issuer_voucher_for(&setting->issuer, &key);
    issuer_key_release(&key);
    return voucher;
}

static bool vouches(const struct setting *setting, struct issuer_voucher voucher)
{
    return issuer_vouches(&setting->runtime, &setting->issuer, &voucher);
}

START_TEST(vouches_until_another_document_comes)
{
    struct setting *setting = make_setting(1);
    struct issuer_voucher first;
    struct issuer_voucher second;

    publish(setting, document("one"), issuer_clock());
    first = vouched(setting, "one");
    ck_assert(vouches(setting, first));
    publish(setting, document("one"), issuer_clock());
    ck_assert(vouches(setting, first)); /* the same again */
    fail_attempt(setting, issuer_clock() + 60 * SECOND);
    ck_assert(vouches(setting, first));

    publish(setting, document("two"), issuer_clock());
    ck_assert(!vouches(setting, first));
    second = vouched(setting, "two");
    ck_assert(vouches(setting, second));
    /* The key comes back: that may be another one under the same kid. */
    publish(setting, document("one"), issuer_clock());
    ck_assert(!vouches(setting, first));
    ck_assert(!vouches(setting, second));
    ck_assert(vouches(setting, vouched(setting, "one")));
}
END_TEST

START_TEST(vouches_with_stale_keys_and_not_with_dead_ones)
{
    struct setting *setting = make_setting(1);
    struct issuer_voucher voucher;

    setting->runtime.timing.stale = 7200 * SECOND;
    publish(setting, document("one"), issuer_clock());
    voucher = vouched(setting, "one");
    ck_assert(vouches(setting, voucher));
    setting->runtime.timing.stale = 0;
    ck_assert(!vouches(setting, voucher));
    setting->runtime.timing.stale = 7200 * SECOND;
    ck_assert(vouches(setting, voucher));
}
END_TEST

/* Each source for itself, though it be one issuer's name, kid and document number. */
START_TEST(vouches_for_no_other_source)
{
    struct setting *setting = make_setting(1);
    const struct jwks_source elsewhere = {source.issuer, "https://b/jwks.json", ""};
    const unsigned all = JWA_SECRET_ALGORITHMS;
    struct secret *secrets[] = {secret_create(secret_of(OURS), SECRET_LENGTH, all),
                                secret_create(secret_of(OURS), SECRET_LENGTH, all)};
    struct issuer issuers[] = {
        setting->issuer,
        setting->issuer,
        {.kind = ISSUER_KEYS_FILE, .keys = jwks_of(document("one")), .file_id = 1001},
        {.kind = ISSUER_KEYS_FILE, .keys = jwks_of(document("one")), .file_id = 1002},
        {.kind = ISSUER_SECRET_FILE, .secret = secrets[0], .file_id = 1003},
        {.kind = ISSUER_SECRET_FILE, .secret = secrets[1], .file_id = 1004},
    };
    struct issuer_voucher vouchers[COUNT(issuers)];

    issuers[1].slot = jwks_store_slot(setting->runtime.store, &elsewhere);
    ck_assert_int_ne(issuers[0].slot, issuers[1].slot);
    for (size_t i = 0; i < COUNT(issuers); i++) {
        setting->issuer = issuers[i];
        if (issuers[i].kind == ISSUER_KEYS_URL) {
            publish(setting, document("one"), issuer_clock());
        }
        vouchers[i] = issuers[i].kind == ISSUER_SECRET_FILE
                          ? issuer_voucher_for(&issuers[i], NULL)
                          : vouched(setting, "one");
        ck_assert_uint_ne(vouchers[i].source, 0);
    }
    for (size_t i = 0; i < COUNT(issuers); i++) {
        for (size_t j = 0; j < COUNT(issuers); j++) {
            EXPECT(issuer_vouches(&setting->runtime, &issuers[i], &vouchers[j]) ==
                       (i == j),
                   "%d for a token of %d", (int)i, (int)j);
        }
    }
    /* A file's keys and a secret are read once and stay. */
    setting->runtime.timing.stale = 0;
    for (size_t i = 0; i < COUNT(issuers); i++) {
        EXPECT(issuer_vouches(&setting->runtime, &issuers[i], &vouchers[i]) == (i >= 2),
               "%d when keys are dead", (int)i);
    }
    secret_destroy(secrets[0]);
    secret_destroy(secrets[1]);
}
END_TEST

/* More issuers than the store has room for: none of them vouches, nor two for each other. */
START_TEST(vouches_for_nothing_without_a_slot)
{
    struct setting *setting = make_setting(1);
    struct issuer_voucher voucher;

    publish(setting, document("one"), issuer_clock());
    voucher = vouched(setting, "one");
    setting->issuer.slot = -1;
    ck_assert(!vouches(setting, voucher));
    voucher = issuer_voucher_for(&setting->issuer, NULL);
    ck_assert_uint_eq(voucher.source, 0); /* not to be remembered */
    ck_assert(!vouches(setting, voucher));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("issuer");
    TCase *tcase = support_tcase(suite, "issuer");

    keys_make();
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, finds_a_published_key_without_waiting);
    tcase_add_test(tcase, follows_the_document_when_keys_are_added_and_removed);
    tcase_add_test(tcase, answers_at_once_when_there_are_no_keys_and_no_attempt_is_near);
    tcase_add_test(tcase, gives_up_after_two_seconds_when_an_attempt_hangs);
    tcase_add_test(tcase, does_not_wait_when_too_many_do_already);
    tcase_add_test(tcase, serves_stale_keys_and_refuses_dead_ones);
    tcase_add_test(tcase, waits_for_the_first_keys);
    tcase_add_test(tcase, stops_waiting_when_the_attempt_has_failed);
    tcase_add_test(tcase, fetches_once_for_a_key_younger_than_its_copy);
    tcase_add_test(tcase, does_not_ask_for_a_key_that_is_there_for_another_algorithm);
    tcase_add_test(tcase, keeps_keys_whole_for_threads_that_read_while_documents_change);
    tcase_add_test(tcase, has_no_keys_without_a_slot_or_a_cache);
    tcase_add_test(tcase, lets_no_more_requests_of_a_process_wait_than_it_was_told);
    tcase_add_test(tcase, shows_the_state_of_an_issuer);
    tcase_add_test(tcase, vouches_until_another_document_comes);
    tcase_add_test(tcase, vouches_with_stale_keys_and_not_with_dead_ones);
    tcase_add_test(tcase, vouches_for_no_other_source);
    tcase_add_test(tcase, vouches_for_nothing_without_a_slot);
    return support_run(suite);
}
