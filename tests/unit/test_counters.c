#include "issuer/counters.h"

#include <apr_thread_proc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"

#define SECOND apr_time_from_sec(1)
#define WORKERS 4
#define ROUNDS 20000

/* Shared, and so much off a cache line as APR's is. */
static struct counters *make_counters(void)
{
    char *memory = mmap(NULL, counters_size() + 8, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    ck_assert_ptr_ne(memory, MAP_FAILED);
    return counters_init(memory + 8, 17 * SECOND);
}

START_TEST(counts_each_thing_by_itself_from_whatever_seat)
{
    struct counters *counters = make_counters();
    uint64_t totals[COUNTER_COUNT];

    for (unsigned counter = 0; counter < COUNTER_COUNT; counter++) {
        for (unsigned i = 0; i <= counter; i++) {
            counters_add(counters, counter, 1000003UL * i);
        }
    }
    counters_read(totals, counters);
    for (unsigned counter = 0; counter < COUNTER_COUNT; counter++) {
        ck_assert_uint_eq(totals[counter], counter + 1);
        ck_assert_uint_eq(counters_total(counters, counter), counter + 1);
    }
    ck_assert_int_eq(counters_since(counters), 17 * SECOND);
}
END_TEST

START_TEST(stays_within_its_memory)
{
    for (size_t off = 0; off < 64; off++) {
        /* The sanitizers see the first byte beyond it. */
        char *memory = malloc(off + counters_size());
        struct counters *counters;

        ck_assert_ptr_nonnull(memory);
        memset(memory, 0, off + counters_size());
        counters = counters_init(memory + off, 0);
        ck_assert_uint_eq((uintptr_t)counters % 64, 0);
        ck_assert((char *)counters >= memory + off);
        for (unsigned long seat = 0; seat < 200; seat++) {
            counters_add(counters, COUNTER_COUNT - 1, seat);
        }
        ck_assert_uint_eq(counters_total(counters, COUNTER_COUNT - 1), 200);
        free(memory);
    }
}
END_TEST

START_TEST(sums_the_reasons_of_one_kind_alone)
{
    struct counters *counters = make_counters();
    uint64_t totals[COUNTER_COUNT];

    counters_add(counters, COUNTER_REFUSED + REASON_EXPIRED, 1);
    counters_add(counters, COUNTER_REFUSED + REASON_COUNT - 1, 2);
    counters_add(counters, COUNTER_REPORTED + REASON_EXPIRED, 3);
    counters_add(counters, COUNTER_ACCEPTED, 4);
    counters_read(totals, counters);
    ck_assert_uint_eq(counters_sum(totals, COUNTER_REFUSED), 2);
    ck_assert_uint_eq(counters_sum(totals, COUNTER_REPORTED), 1);
}
END_TEST

START_TEST(lets_one_speak_in_each_interval)
{
    struct counters *counters = make_counters();

    ck_assert(counters_may_speak(counters, 5 * SECOND, 60 * SECOND));
    ck_assert(!counters_may_speak(counters, 5 * SECOND, 60 * SECOND));
    ck_assert(!counters_may_speak(counters, 65 * SECOND - 1, 60 * SECOND));
    ck_assert(counters_may_speak(counters, 65 * SECOND, 60 * SECOND));
    ck_assert(!counters_may_speak(counters, 66 * SECOND, 60 * SECOND));
}
END_TEST

struct worker {
    struct counters *counters;
    unsigned long seat;
    unsigned spoke;
};

static void *APR_THREAD_FUNC count_rounds(apr_thread_t *thread, void *data)
{
    struct worker *worker = data;

    (void)thread;
    for (unsigned i = 0; i < ROUNDS; i++) {
        counters_add(worker->counters, i % COUNTER_COUNT, worker->seat);
        worker->spoke +=
            counters_may_speak(worker->counters, 1 + i / 1000 * SECOND, SECOND);
    }
    return NULL;
}

/* Two share a seat, as threads of two processes may. */
START_TEST(loses_nothing_when_threads_count_at_once)
{
    struct counters *counters = make_counters();
    struct worker workers[WORKERS];
    apr_thread_t *threads[WORKERS];
    uint64_t totals[COUNTER_COUNT];
    uint64_t sum = 0;
    unsigned spoke = 0;
    apr_status_t rv;

    for (int i = 0; i < WORKERS; i++) {
        workers[i] = (struct worker){counters, (unsigned long)(i / 2), 0};
        apr_thread_create(&threads[i], NULL, count_rounds, &workers[i], pool);
    }
    counters_read(totals, counters); /* may be done at any time */
    for (int i = 0; i < WORKERS; i++) {
        apr_thread_join(&rv, threads[i]);
        spoke += workers[i].spoke;
    }
    counters_read(totals, counters);
    for (unsigned counter = 0; counter < COUNTER_COUNT; counter++) {
        sum += totals[counter];
    }
    ck_assert_uint_eq(sum, (uint64_t)WORKERS * ROUNDS);
    ck_assert_uint_ge(spoke, 1);
    ck_assert_uint_le(spoke, ROUNDS / 1000);
}
END_TEST

START_TEST(keeps_what_a_killed_process_has_counted)
{
    struct counters *counters = make_counters();
    pid_t child[WORKERS];
    int told[2];
    char byte;

    ck_assert_int_eq(pipe(told), 0);
    for (int i = 0; i < WORKERS; i++) {
        child[i] = fork();
        if (child[i] == 0) {
            for (int n = 0; n < 1000; n++) {
                counters_add(counters, COUNTER_ACCEPTED, (unsigned long)i);
            }
            _exit(write(told[1], "", 1) == 1 && pause() == 0);
        }
    }
    for (int i = 0; i < WORKERS; i++) {
        ck_assert_int_eq(read(told[0], &byte, 1), 1);
    }
    for (int i = 0; i < WORKERS; i++) {
        kill(child[i], SIGKILL);
        ck_assert_int_eq(waitpid(child[i], NULL, 0), child[i]);
    }
    ck_assert_uint_eq(counters_total(counters, COUNTER_ACCEPTED), 1000 * WORKERS);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("counters");
    TCase *tcase = support_tcase(suite, "counters");

    tcase_add_test(tcase, counts_each_thing_by_itself_from_whatever_seat);
    tcase_add_test(tcase, stays_within_its_memory);
    tcase_add_test(tcase, sums_the_reasons_of_one_kind_alone);
    tcase_add_test(tcase, lets_one_speak_in_each_interval);
    tcase_add_test(tcase, loses_nothing_when_threads_count_at_once);
    tcase_add_test(tcase, keeps_what_a_killed_process_has_counted);
    return support_run(suite);
}
