#include "issuer/jwks_store.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"
#include "token/jwk.h"

#define SECOND apr_time_from_sec(1)
#define NOW apr_time_from_sec(1000)

static const struct jwks_source source_a = {"https://a/", "https://a/jwks.json", ""};

/* Shared with forked children, as httpd's parent shares it. */
static struct jwks_store *make_store(unsigned waiters)
{
    void *memory = mmap(NULL, jwks_store_size(), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    ck_assert_ptr_ne(memory, MAP_FAILED);
    return jwks_store_init(memory, waiters);
}

static void free_store(struct jwks_store *store)
{
    munmap(store, jwks_store_size());
}

static bool publish(struct jwks_store *store, int slot, const char *text, size_t len)
{
    uint32_t ticket = jwks_store_begin(store, slot, NOW + SECOND);

    return jwks_store_publish(store, slot, ticket, text, len, NOW, NOW + 60 * SECOND);
}

static void fail_attempt(struct jwks_store *store, int slot, apr_time_t next_at,
                         bool held, const char *error)
{
    jwks_store_fail(store, slot, jwks_store_begin(store, slot, NOW), next_at, held,
                    error);
}

static void assert_document(struct jwks_store *store, int slot, const char *expected)
{
    uint32_t generation;
    char *text;
    size_t len;

    ck_assert(jwks_store_read(&text, &len, &generation, store, slot));
    ck_assert_uint_eq(len, strlen(expected));
    ck_assert_mem_eq(text, expected, len);
    free(text);
}

START_TEST(gives_one_source_one_slot_and_others_their_own)
{
    struct jwks_store *store = make_store(1);
    struct jwks_source other_issuer = {"https://b/", source_a.url, ""};
    struct jwks_source other_url = {source_a.issuer, "https://a/other", ""};
    struct jwks_source other_trust = {source_a.issuer, source_a.url, "/ca.pem"};
    int slot = jwks_store_slot(store, &source_a);
    const char *issuer;
    const char *url;

    ck_assert_int_ge(slot, 0);
    ck_assert_int_eq(jwks_store_slot(store, &source_a), slot);
    ck_assert_int_ne(jwks_store_slot(store, &other_issuer), slot);
    ck_assert_int_ne(jwks_store_slot(store, &other_url), slot);
    ck_assert_int_ne(jwks_store_slot(store, &other_trust), slot);
    ck_assert(jwks_store_source(&issuer, &url, store, slot));
    ck_assert_str_eq(issuer, source_a.issuer);
    ck_assert_str_eq(url, source_a.url);
    free_store(store);
}
END_TEST

START_TEST(has_room_for_64_sources_and_refuses_the_65th)
{
    struct jwks_store *store = make_store(1);
    char url[32];
    struct jwks_source source = {"https://a/", url, ""};
    bool taken[JWKS_STORE_SLOTS] = {false};

    for (int i = 0; i < JWKS_STORE_SLOTS; i++) {
        int slot;

        snprintf(url, sizeof(url), "https://a/%d", i);
        slot = jwks_store_slot(store, &source);
        ck_assert_int_ge(slot, 0);
        ck_assert(!taken[slot]);
        taken[slot] = true;
    }
    snprintf(url, sizeof(url), "https://a/64");
    ck_assert_int_eq(jwks_store_slot(store, &source), -1);
    snprintf(url, sizeof(url), "https://a/0");
    ck_assert_int_ge(jwks_store_slot(store, &source), 0);
    free_store(store);
}
END_TEST

START_TEST(refuses_names_that_are_too_long)
{
    struct jwks_store *store = make_store(1);
    struct jwks_source fits = {repeated("i", JWKS_STORE_ISSUER_MAX),
                               repeated("u", JWKS_STORE_URL_MAX), ""};
    struct jwks_source issuer = {repeated("i", JWKS_STORE_ISSUER_MAX + 1), "u", ""};
    struct jwks_source url = {"i", repeated("u", JWKS_STORE_URL_MAX + 1), ""};
    struct jwks_source trust = {"i", "u", repeated("t", 5000)};

    ck_assert_int_ge(jwks_store_slot(store, &fits), 0);
    ck_assert_int_eq(jwks_store_slot(store, &issuer), -1);
    ck_assert_int_eq(jwks_store_slot(store, &url), -1);
    ck_assert_int_eq(jwks_store_slot(store, &trust), -1);
    free_store(store);
}
END_TEST

START_TEST(raises_the_generation_only_for_another_document)
{
    struct jwks_store *store = make_store(1);
    int slot = jwks_store_slot(store, &source_a);
    struct jwks_state state;
    uint32_t generation;
    char *text;
    size_t len;

    ck_assert_uint_eq(jwks_store_generation(store, slot), 0);
    ck_assert(!jwks_store_read(&text, &len, &generation, store, slot));

    ck_assert(publish(store, slot, "first", 5));
    ck_assert_uint_eq(jwks_store_generation(store, slot), 1);
    assert_document(store, slot, "first");

    ck_assert(!publish(store, slot, "first", 5));
    ck_assert_uint_eq(jwks_store_generation(store, slot), 1);

    ck_assert(publish(store, slot, "second one", 10));
    ck_assert_uint_eq(jwks_store_generation(store, slot), 2);
    assert_document(store, slot, "second one");

    jwks_store_state(&state, store, slot);
    ck_assert_int_eq(state.success_at, NOW);
    ck_assert_uint_eq(state.started, 3);
    ck_assert_uint_eq(state.finished, 3);
    free_store(store);
}
END_TEST

START_TEST(keeps_the_last_good_document_when_an_attempt_fails)
{
    struct jwks_store *store = make_store(1);
    int slot = jwks_store_slot(store, &source_a);
    struct jwks_state state;

    publish(store, slot, "good", 4);
    fail_attempt(store, slot, NOW + SECOND, false, "refused");
    fail_attempt(store, slot, NOW + 2 * SECOND, false, "refused");
    assert_document(store, slot, "good");
    jwks_store_state(&state, store, slot);
    ck_assert_uint_eq(state.failures, 2);
    ck_assert_int_eq(state.next_at, NOW + 2 * SECOND);
    ck_assert_int_eq(state.success_at, NOW);

    publish(store, slot, "good", 4);
    jwks_store_state(&state, store, slot);
    ck_assert_uint_eq(state.failures, 0);
    free_store(store);
}
END_TEST

START_TEST(holds_a_document_of_the_largest_size_whole)
{
    struct jwks_store *store = make_store(1);
    int slot = jwks_store_slot(store, &source_a);
    const char *largest = repeated("x", JWKS_DOCUMENT_MAX);

    ck_assert(publish(store, slot, largest, JWKS_DOCUMENT_MAX));
    assert_document(store, slot, largest);
    free_store(store);
}
END_TEST

/* An attacker's random kids must cost the issuer one request a cooldown, no more. */
START_TEST(lets_unknown_kids_ask_once_a_cooldown)
{
    struct jwks_store *store = make_store(1);
    int slot = jwks_store_slot(store, &source_a);
    uint32_t first;
    uint32_t second;
    struct jwks_state state;

    ck_assert(jwks_store_ask(&first, store, slot, NOW, 30 * SECOND));
    ck_assert(!jwks_store_answered(store, slot, first));

    /* Those who come while it is under way wait for the same one. */
    ck_assert(jwks_store_ask(&second, store, slot, NOW + 1, 30 * SECOND));
    ck_assert_uint_eq(second, first);

    /* A failure answers too, and uses the cooldown up. */
    fail_attempt(store, slot, NOW, false, "refused");
    ck_assert(jwks_store_answered(store, slot, first));
    ck_assert(!jwks_store_ask(&second, store, slot, NOW + 30 * SECOND - 1, 30 * SECOND));
    ck_assert(jwks_store_ask(&second, store, slot, NOW + 30 * SECOND, 30 * SECOND));
    ck_assert_uint_eq(second, first + 1);
    jwks_store_state(&state, store, slot);
    ck_assert_uint_eq(state.asked, 2);
    free_store(store);
}
END_TEST

/* A fetch that was under way before the kid was seen may bring the older document. */
struct asker {
    struct jwks_store *store;
    pthread_barrier_t *barrier;
    int slot;
    unsigned refused;
    unsigned odd;
};

#define ASKERS 4
#define ASK_ROUNDS 3000

/* Each round a cooldown ends, and everybody asks at once. */
static void *ask_together(void *data)
{
    struct asker *asker = data;

    for (uint32_t round = 1; round <= ASK_ROUNDS; round++) {
        apr_time_t now = NOW + round * SECOND;
        uint32_t ticket;
        int serial = pthread_barrier_wait(asker->barrier);

        asker->refused +=
            !jwks_store_ask(&ticket, asker->store, asker->slot, now, SECOND);
        asker->odd += ticket != round;
        pthread_barrier_wait(asker->barrier);
        if (serial == PTHREAD_BARRIER_SERIAL_THREAD) {
            publish(asker->store, asker->slot, "same", 4);
        }
    }
    return NULL;
}

START_TEST(lets_all_who_ask_at_once_wait_for_one_refresh)
{
    struct jwks_store *store = make_store(1);
    int slot = jwks_store_slot(store, &source_a);
    struct asker askers[ASKERS];
    pthread_t threads[ASKERS];
    pthread_barrier_t barrier;
    struct jwks_state state;

    pthread_barrier_init(&barrier, NULL, ASKERS);
    for (size_t i = 0; i < ASKERS; i++) {
        askers[i] = (struct asker){.store = store, .barrier = &barrier, .slot = slot};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, ask_together, &askers[i]), 0);
    }
    for (size_t i = 0; i < ASKERS; i++) {
        pthread_join(threads[i], NULL);
    }
    for (size_t i = 0; i < ASKERS; i++) {
        ck_assert_uint_eq(askers[i].refused, 0);
        ck_assert_uint_eq(askers[i].odd, 0);
    }
    jwks_store_state(&state, store, slot);
    ck_assert_uint_eq(state.asked, ASK_ROUNDS);
    pthread_barrier_destroy(&barrier);
    free_store(store);
}
END_TEST

START_TEST(answers_only_what_was_asked_before_the_attempt_began)
{
    struct jwks_store *store = make_store(1);
    int slot = jwks_store_slot(store, &source_a);
    uint32_t under_way = jwks_store_begin(store, slot, NOW);
    uint32_t ticket;

    ck_assert(jwks_store_ask(&ticket, store, slot, NOW, SECOND));
    jwks_store_publish(store, slot, under_way, "old", 3, NOW, NOW);
    ck_assert(!jwks_store_answered(store, slot, ticket));
    publish(store, slot, "new", 3);
    ck_assert(jwks_store_answered(store, slot, ticket));
    free_store(store);
}
END_TEST

/* Retry-After: until then nobody asks, and no cooldown is used up by trying to. */
START_TEST(lets_nobody_ask_while_the_issuer_wants_to_be_left_alone)
{
    struct jwks_store *store = make_store(1);
    int slot = jwks_store_slot(store, &source_a);
    struct jwks_state state;
    uint32_t ticket;

    fail_attempt(store, slot, NOW + 10 * SECOND, true, "status 429 instead of 200");
    jwks_store_state(&state, store, slot);
    ck_assert_int_eq(state.hold_at, NOW + 10 * SECOND);
    ck_assert(!jwks_store_ask(&ticket, store, slot, NOW + 10 * SECOND - 1, SECOND));
    jwks_store_state(&state, store, slot);
    ck_assert_uint_eq(state.asked, 0);
    ck_assert(jwks_store_ask(&ticket, store, slot, NOW + 10 * SECOND, SECOND));

    /* The next answer, good or bad, says anew. */
    fail_attempt(store, slot, NOW + 90 * SECOND, true, "status 429 instead of 200");
    fail_attempt(store, slot, NOW + 20 * SECOND, false, "refused");
    jwks_store_state(&state, store, slot);
    ck_assert_int_eq(state.hold_at, 0);
    fail_attempt(store, slot, NOW + 90 * SECOND, true, "status 429 instead of 200");
    publish(store, slot, "good", 4);
    jwks_store_state(&state, store, slot);
    ck_assert_int_eq(state.hold_at, 0);
    free_store(store);
}
END_TEST

START_TEST(says_how_the_last_attempt_failed)
{
    struct jwks_store *store = make_store(1);
    int slot = jwks_store_slot(store, &source_a);
    char words[JWKS_STORE_ERROR_MAX + 1];

    jwks_store_error(words, store, slot);
    ck_assert_str_eq(words, "");
    fail_attempt(store, slot, NOW, false, "Connection refused");
    jwks_store_error(words, store, slot);
    ck_assert_str_eq(words, "Connection refused");
    fail_attempt(store, slot, NOW, false, "no");
    jwks_store_error(words, store, slot);
    ck_assert_str_eq(words, "no");
    fail_attempt(store, slot, NOW, false, repeated("x", JWKS_STORE_ERROR_MAX + 1));
    jwks_store_error(words, store, slot);
    ck_assert_str_eq(words, repeated("x", JWKS_STORE_ERROR_MAX));
    publish(store, slot, "good", 4);
    jwks_store_error(words, store, slot);
    ck_assert_str_eq(words, "");
    free_store(store);
}
END_TEST

START_TEST(restores_a_document_only_where_there_is_none)
{
    struct jwks_store *store = make_store(1);
    int slot = jwks_store_slot(store, &source_a);
    struct jwks_state state;

    /* It may be older than the machine's last start. */
    ck_assert(jwks_store_restore(store, slot, "saved", 5, -60 * SECOND));
    assert_document(store, slot, "saved");
    jwks_store_state(&state, store, slot);
    ck_assert_int_eq(state.success_at, -60 * SECOND);
    ck_assert_int_eq(state.next_at, 0);
    ck_assert_uint_eq(state.started, 0);

    ck_assert(!jwks_store_restore(store, slot, "again", 5, NOW));
    assert_document(store, slot, "saved");
    jwks_store_state(&state, store, slot);
    ck_assert_int_eq(state.success_at, -60 * SECOND);

    publish(store, slot, "fetched", 7);
    assert_document(store, slot, "fetched");
    free_store(store);
}
END_TEST

START_TEST(lets_no_more_requests_wait_than_it_was_told)
{
    struct jwks_store *store = make_store(3);
    int place[3];

    for (int i = 0; i < 3; i++) {
        place[i] = jwks_store_wait_begin(store, NOW, NOW + SECOND);
        ck_assert_int_ge(place[i], 0);
    }
    ck_assert_int_eq(jwks_store_wait_begin(store, NOW, NOW + SECOND), -1);
    jwks_store_wait_end(store, place[1]);
    ck_assert_int_eq(jwks_store_wait_begin(store, NOW, NOW + SECOND), place[1]);
    ck_assert_int_eq(jwks_store_wait_begin(store, NOW + SECOND - 1, NOW + 2 * SECOND),
                     -1);
    /* The place of a process that died is free again when its time is over. */
    ck_assert_int_ge(jwks_store_wait_begin(store, NOW + SECOND, NOW + 2 * SECOND), 0);
    free_store(store);
}
END_TEST

START_TEST(always_lets_one_request_wait)
{
    struct jwks_store *store = make_store(0);

    ck_assert_int_eq(jwks_store_wait_begin(store, NOW, NOW + SECOND), 0);
    free_store(store);
}
END_TEST

START_TEST(has_one_leader_until_its_lease_ends_or_it_resigns)
{
    struct jwks_store *store = make_store(1);

    ck_assert(jwks_store_lead(store, 10, NOW, 2 * SECOND));
    ck_assert(!jwks_store_lead(store, 20, NOW + SECOND, 2 * SECOND));
    ck_assert(jwks_store_lead(store, 10, NOW + SECOND, 2 * SECOND));
    ck_assert(!jwks_store_lead(store, 20, NOW + 2 * SECOND, 2 * SECOND));

    /* Killed: no sign of life for as long as the lease. */
    ck_assert(jwks_store_lead(store, 20, NOW + 3 * SECOND, 2 * SECOND));
    ck_assert(!jwks_store_lead(store, 10, NOW + 3 * SECOND, 2 * SECOND));

    jwks_store_resign(store, 10); /* not ours any more: no effect */
    ck_assert(!jwks_store_lead(store, 10, NOW + 3 * SECOND, 2 * SECOND));
    jwks_store_resign(store, 20);
    ck_assert(jwks_store_lead(store, 10, NOW + 3 * SECOND, 2 * SECOND));
    free_store(store);
}
END_TEST

START_TEST(hands_documents_on_to_the_store_after_a_restart)
{
    struct jwks_store *old = make_store(1);
    struct jwks_store *store = make_store(1);
    struct jwks_source other = {"https://b/", "https://b/jwks.json", ""};
    struct jwks_state state;
    uint32_t ticket;
    int slot = jwks_store_slot(old, &source_a);

    publish(old, slot, "kept", 4);
    ck_assert(jwks_store_ask(&ticket, old, slot, NOW, 30 * SECOND));
    slot = jwks_store_slot(store, &source_a);
    jwks_store_inherit(store, slot, old, &source_a, 3600 * SECOND);
    assert_document(store, slot, "kept");
    jwks_store_state(&state, store, slot);
    ck_assert_int_eq(state.success_at, NOW);
    ck_assert_int_eq(state.next_at, NOW + 60 * SECOND);
    ck_assert_int_eq(state.cooldown_at, NOW + 30 * SECOND);
    ck_assert(!jwks_store_ask(&ticket, store, slot, NOW + SECOND, 30 * SECOND));

    /* A shorter fresh time holds at once, a longer one from the next success on. */
    jwks_store_inherit(store, slot, old, &source_a, 10 * SECOND);
    jwks_store_state(&state, store, slot);
    ck_assert_int_eq(state.next_at, NOW + 10 * SECOND);

    slot = jwks_store_slot(store, &other);
    jwks_store_inherit(store, slot, old, &other, 3600 * SECOND);
    ck_assert_uint_eq(jwks_store_generation(store, slot), 0);
    free_store(old);
    free_store(store);
}
END_TEST

START_TEST(goes_on_counting_attempts_and_generations_after_a_restart)
{
    struct jwks_store *old = make_store(1);
    struct jwks_store *store = make_store(1);
    struct jwks_source other = {"https://b/", "https://b/jwks.json", ""};
    char error[JWKS_STORE_ERROR_MAX + 1];
    struct jwks_state state;
    int slot = jwks_store_slot(old, &source_a);

    publish(old, slot, "first", 5);
    publish(old, slot, "second", 6);
    publish(old, slot, "third", 5);
    fail_attempt(old, slot, NOW, false, "refused");
    jwks_store_begin(old, slot, NOW); /* under way: it ends for nobody here */
    slot = jwks_store_slot(store, &source_a);
    jwks_store_inherit(store, slot, old, &source_a, 3600 * SECOND);
    jwks_store_state(&state, store, slot);
    jwks_store_error(error, store, slot);
    ck_assert_uint_eq(state.generation, 3);
    ck_assert_uint_eq(state.started, 5);
    ck_assert_uint_eq(state.finished, 5);
    ck_assert_uint_eq(state.failed, 1);
    ck_assert_uint_eq(state.failures, 1);
    ck_assert_str_eq(error, "refused");
    assert_document(store, slot, "third");
    publish(store, slot, "fourth", 6);
    assert_document(store, slot, "fourth");
    jwks_store_state(&state, store, slot);
    ck_assert_uint_eq(state.generation, 4);
    ck_assert_uint_eq(state.started, 6);
    ck_assert_uint_eq(state.failed, 1);
    ck_assert_uint_eq(state.failures, 0);

    /* Without a document, the attempts are known, and the next is made at once. */
    slot = jwks_store_slot(old, &other);
    fail_attempt(old, slot, NOW + 60 * SECOND, false, "refused");
    slot = jwks_store_slot(store, &other);
    jwks_store_inherit(store, slot, old, &other, 3600 * SECOND);
    jwks_store_state(&state, store, slot);
    ck_assert_uint_eq(state.generation, 0);
    ck_assert_uint_eq(state.failed, 1);
    ck_assert_uint_eq(state.failures, 0);
    ck_assert_int_eq(state.next_at, 0);
    free_store(old);
    free_store(store);
}
END_TEST

START_TEST(says_how_many_wait_and_how_many_may)
{
    struct jwks_store *store = make_store(3);
    unsigned limit = 0;
    int place;

    ck_assert_uint_eq(jwks_store_waiting(&limit, store, NOW), 0);
    ck_assert_uint_eq(limit, 3);
    place = jwks_store_wait_begin(store, NOW, NOW + SECOND);
    jwks_store_wait_begin(store, NOW, NOW + 2 * SECOND);
    ck_assert_uint_eq(jwks_store_waiting(&limit, store, NOW), 2);
    /* Whose time is over has died. */
    ck_assert_uint_eq(jwks_store_waiting(&limit, store, NOW + SECOND), 1);
    jwks_store_wait_end(store, place);
    ck_assert_uint_eq(jwks_store_waiting(&limit, store, NOW), 1);
    free_store(store);
}
END_TEST

#define ROUNDS 2000
#define READERS 3

/* Each document is one letter throughout: a torn one would show two. */
static int read_until_last(struct jwks_store *store, int slot)
{
    uint32_t generation = 0;
    uint32_t before = 0;
    long reads = 0;

    while (generation < ROUNDS) {
        char *text;
        size_t len;

        if (!jwks_store_read(&text, &len, &generation, store, slot)) {
            continue;
        }
        for (size_t i = 1; i < len; i++) {
            if (text[i] != text[0]) {
                return 1;
            }
        }
        free(text);
        if (generation < before) {
            return 2;
        }
        before = generation;
        reads++;
    }
    return reads > 0 ? 0 : 3;
}

START_TEST(never_shows_a_torn_document_to_other_processes)
{
    struct jwks_store *store = make_store(1);
    int slot = jwks_store_slot(store, &source_a);
    static char text[20000];
    pid_t reader[READERS];

    for (int i = 0; i < READERS; i++) {
        reader[i] = fork();
        if (reader[i] == 0) {
            _exit(read_until_last(store, slot));
        }
    }
    for (int i = 0; i < ROUNDS; i++) {
        memset(text, 'a' + i % 26, sizeof(text));
        ck_assert(publish(store, slot, text, sizeof(text) - (size_t)(i % 1000)));
    }
    for (int i = 0; i < READERS; i++) {
        int status = -1;

        ck_assert_int_eq(waitpid(reader[i], &status, 0), reader[i]);
        ck_assert_msg(status == 0, "reader %d ended with %d", i, status);
    }
    free_store(store);
}
END_TEST

START_TEST(gives_processes_that_race_the_same_slot)
{
    struct jwks_store *store = make_store(1);
    _Atomic int *slots =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t child[READERS];

    for (int i = 0; i < READERS; i++) {
        child[i] = fork();
        if (child[i] == 0) {
            atomic_store(&slots[i], jwks_store_slot(store, &source_a));
            _exit(0);
        }
    }
    for (int i = 0; i < READERS; i++) {
        ck_assert_int_eq(waitpid(child[i], NULL, 0), child[i]);
        ck_assert_int_eq(slots[i], jwks_store_slot(store, &source_a));
    }
    munmap(slots, 4096);
    free_store(store);
}
END_TEST

START_TEST(reads_a_clock_that_moves_forward)
{
    apr_time_t first = issuer_clock();

    ck_assert_int_gt(first, 0);
    ck_assert_int_ge(issuer_clock(), first);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("jwks_store");
    TCase *tcase = support_tcase(suite, "jwks_store");

    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, gives_one_source_one_slot_and_others_their_own);
    tcase_add_test(tcase, has_room_for_64_sources_and_refuses_the_65th);
    tcase_add_test(tcase, refuses_names_that_are_too_long);
    tcase_add_test(tcase, raises_the_generation_only_for_another_document);
    tcase_add_test(tcase, keeps_the_last_good_document_when_an_attempt_fails);
    tcase_add_test(tcase, holds_a_document_of_the_largest_size_whole);
    tcase_add_test(tcase, lets_unknown_kids_ask_once_a_cooldown);
    tcase_add_test(tcase, lets_nobody_ask_while_the_issuer_wants_to_be_left_alone);
    tcase_add_test(tcase, says_how_the_last_attempt_failed);
    tcase_add_test(tcase, restores_a_document_only_where_there_is_none);
    tcase_add_test(tcase, lets_all_who_ask_at_once_wait_for_one_refresh);
    tcase_add_test(tcase, answers_only_what_was_asked_before_the_attempt_began);
    tcase_add_test(tcase, lets_no_more_requests_wait_than_it_was_told);
    tcase_add_test(tcase, always_lets_one_request_wait);
    tcase_add_test(tcase, has_one_leader_until_its_lease_ends_or_it_resigns);
    tcase_add_test(tcase, hands_documents_on_to_the_store_after_a_restart);
    tcase_add_test(tcase, goes_on_counting_attempts_and_generations_after_a_restart);
    tcase_add_test(tcase, says_how_many_wait_and_how_many_may);
    tcase_add_test(tcase, never_shows_a_torn_document_to_other_processes);
    tcase_add_test(tcase, gives_processes_that_race_the_same_slot);
    tcase_add_test(tcase, reads_a_clock_that_moves_forward);
    return support_run(suite);
}
