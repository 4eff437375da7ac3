#include "issuer/jwks_refresh.h"

#include <apr_thread_proc.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/rand.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "issuer/jwks_cache.h"
#include "issuer/state_dir.h"

/* A leader that shows no sign of life for this long is replaced. */
#define LEASE apr_time_from_sec(2)

/* How soon the leader sees a request's wish, and the others a vacant lead. */
#define LEADER_TICK apr_time_from_msec(50)
#define FOLLOWER_TICK apr_time_from_msec(200)

#define BACKOFF_FIRST apr_time_from_sec(1)
#define BACKOFF_MAX apr_time_from_sec(60)

/* An issuer that asks for more than that is tried again nevertheless. */
#define RETRY_AFTER_MAX apr_time_from_sec(3600)

/* Stopping waits for the thread this long, then leaves it to the process's end. */
#define STOP_PATIENCE apr_time_from_msec(1000)

struct jwks_refresher {
    struct jwks_store *store;
    struct jwks_refresh_settings settings;
    uint32_t self;
    struct https_client *client; /* NULL while not the leader */
    bool fetching[JWKS_STORE_SLOTS];
    bool restored[JWKS_STORE_SLOTS];   /* the state directory was looked into */
    uint32_t ticket[JWKS_STORE_SLOTS]; /* what the attempt under way answers */
    apr_thread_t *thread;
    apr_pool_t *pool; /* the thread's own */
    int wake[2];      /* a pipe: readable once the thread is to stop */
    _Atomic bool stop;
    _Atomic bool stopped;
};

apr_interval_time_t jwks_refresh_after(const struct jwks_timing *timing)
{
    return timing->fresh / 5 * 4;
}

/* 1 s, 2 s, 4 s … 60 s, each between 80 and 100 % of that, so that servers part. */
static apr_interval_time_t backoff(uint32_t failures)
{
    apr_interval_time_t wait = BACKOFF_MAX;
    unsigned char random = 0;

    if (failures < 6) {
        wait = BACKOFF_FIRST << failures;
    }
    RAND_bytes(&random, 1);
    return wait - wait / 5 * random / 255;
}

static bool is_due(const struct jwks_refresher *refresher, int slot, apr_time_t now)
{
    struct jwks_state state;

    if (refresher->fetching[slot]) {
        return false;
    }
    jwks_store_state(&state, refresher->store, slot);
    return now >= state.hold_at &&
           (now >= state.next_at || state.asked != state.answered);
}

/* A document of an earlier server, unless it is too old, or from the future. */
static void restore(struct jwks_refresher *refresher, const struct jwks_source *source,
                    int slot)
{
    const struct jwks_refresh_settings *settings = &refresher->settings;
    struct jwks_report report = {.slot = slot,
                                 .issuer = source->issuer,
                                 .url = source->url,
                                 .json_type = true,
                                 .restored = true};
    char why[STATE_DIR_WHY_SIZE];
    struct jwks *keys = NULL;
    apr_time_t fetched = 0;
    char *text = NULL;
    size_t len;

    if (!state_dir_load(&text, &len, &fetched, why, settings->state_dir, source)) {
        report.state_error = why[0] != '\0' ? why : NULL;
        goto done;
    }
    report.age = apr_time_now() - fetched;
    if (report.age < 0 || report.age >= settings->timing.stale) {
        report.state_error = "the document of the state directory is too old";
        goto done;
    }
    if (jwks_cache_parse(&keys, text, len) != REASON_OK) {
        report.state_error = "the document of the state directory is not usable";
        goto done;
    }
    report.keys = keys;
    report.changed = jwks_store_restore(refresher->store, slot, text, len,
                                        issuer_clock() - report.age);

done:
    if (report.changed || report.state_error != NULL) {
        settings->report(settings->context, &report);
    }
    jwks_destroy(keys);
    free(text);
}

static void start_due(struct jwks_refresher *refresher, apr_time_t now)
{
    const struct jwks_refresh_settings *settings = &refresher->settings;
    struct jwks_source source = {.trust = settings->trust};

    for (int slot = 0; slot < JWKS_STORE_SLOTS; slot++) {
        if (!jwks_store_source(&source.issuer, &source.url, refresher->store, slot)) {
            continue;
        }
        if (settings->state_dir != NULL && !refresher->restored[slot]) {
            refresher->restored[slot] = true;
            if (jwks_store_generation(refresher->store, slot) == 0) {
                restore(refresher, &source, slot);
            }
        }
        if (!is_due(refresher, slot, now)) {
            continue;
        }
        /* Stamp before fetching: should we die, the next leader tries again later. */
        refresher->ticket[slot] = jwks_store_begin(
            refresher->store, slot, now + settings->https.total_timeout + BACKOFF_FIRST);
        if (https_get_start(refresher->client, source.url, slot)) {
            refresher->fetching[slot] = true;
        }
        else {
            jwks_store_fail(refresher->store, slot, refresher->ticket[slot],
                            now + BACKOFF_MAX, false, "out of memory");
        }
    }
}

/* Keep what was there, and say when to try again. */
static void fail(struct jwks_refresher *refresher, int slot,
                 const struct https_answer *answer, struct jwks_report *report)
{
    struct jwks_state state;
    apr_interval_time_t wait;
    bool held;

    jwks_store_state(&state, refresher->store, slot);
    wait = backoff(state.failures);
    held = answer->retry_after > wait;
    if (held) {
        wait =
            answer->retry_after < RETRY_AFTER_MAX ? answer->retry_after : RETRY_AFTER_MAX;
    }
    report->failures = state.failures + 1;
    jwks_store_fail(refresher->store, slot, refresher->ticket[slot],
                    issuer_clock() + wait, held, report->error);
}

/* A good document: for the requests, and for a server that starts without one. */
static void publish(struct jwks_refresher *refresher, int slot,
                    const struct https_answer *answer, struct jwks_report *report,
                    char why[STATE_DIR_WHY_SIZE])
{
    const struct jwks_refresh_settings *settings = &refresher->settings;
    const struct jwks_source source = {report->issuer, report->url, settings->trust};
    apr_time_t now = issuer_clock();

    report->changed =
        jwks_store_publish(refresher->store, slot, refresher->ticket[slot], answer->body,
                           answer->len, now, now + jwks_refresh_after(&settings->timing));
    if (settings->state_dir != NULL &&
        !state_dir_save(why, settings->state_dir, &source, answer->body, answer->len,
                        apr_time_now())) {
        report->state_error = why;
    }
}

/* An attempt ended: publish or keep what was there, then tell. */
static void on_done(void *context, int slot, const struct https_answer *answer)
{
    struct jwks_refresher *refresher = context;
    const struct jwks_refresh_settings *settings = &refresher->settings;
    struct jwks_report report = {.slot = slot, .json_type = answer->json_type};
    char why[STATE_DIR_WHY_SIZE];
    struct jwks *keys = NULL;

    refresher->fetching[slot] = false;
    jwks_store_source(&report.issuer, &report.url, refresher->store, slot);
    report.error = answer->error;
    if (report.error == NULL) {
        enum reason reason = jwks_cache_parse(&keys, answer->body, answer->len);

        report.error = reason != REASON_OK ? jwks_problem(reason) : NULL;
    }

    if (report.error == NULL) {
        publish(refresher, slot, answer, &report, why);
    }
    else {
        fail(refresher, slot, answer, &report);
    }
    report.keys = keys;
    settings->report(settings->context, &report);

    jwks_destroy(keys);
}

/* Drop what is under way; the slots' stamps tell the next leader when to go on. */
static void abandon(struct jwks_refresher *refresher)
{
    if (refresher->client != NULL) {
        https_client_destroy(refresher->client);
        refresher->client = NULL;
    }
    memset(refresher->fetching, 0, sizeof(refresher->fetching));
}

/* Sleep, but not through a stop. */
static void rest(const struct jwks_refresher *refresher, apr_interval_time_t time)
{
    struct pollfd wake = {.fd = refresher->wake[0], .events = POLLIN};

    poll(&wake, 1, (int)apr_time_as_msec(time));
}

static void step(struct jwks_refresher *refresher)
{
    apr_time_t now = issuer_clock();

    if (!jwks_store_lead(refresher->store, refresher->self, now, LEASE)) {
        abandon(refresher);
        rest(refresher, FOLLOWER_TICK);
        return;
    }
    if (refresher->client == NULL) {
        refresher->client = https_client_create(&refresher->settings.https);
    }
    if (refresher->client != NULL) {
        start_due(refresher, now);
        https_get_run(refresher->client, LEADER_TICK, refresher->wake[0], on_done,
                      refresher);
    }
    if (refresher->client == NULL || https_get_pending(refresher->client) == 0) {
        rest(refresher, LEADER_TICK);
    }
}

static void *APR_THREAD_FUNC run(apr_thread_t *thread, void *data)
{
    struct jwks_refresher *refresher = data;

    (void)thread;
    while (!atomic_load(&refresher->stop)) {
        step(refresher);
    }
    abandon(refresher);
    jwks_store_resign(refresher->store, refresher->self);
    atomic_store(&refresher->stopped, true);
    return NULL;
}

void jwks_refresher_hurry(struct jwks_refresher *refresher)
{
    int saved = errno;
    ssize_t written;

    atomic_store(&refresher->stop, true);
    do {
        written = write(refresher->wake[1], "", 1);
    } while (written < 0 && errno == EINTR);
    errno = saved;
}

/* What the thread used, once there is no thread. */
static void forget(struct jwks_refresher *refresher)
{
    for (size_t i = 0; i < 2; i++) {
        if (refresher->wake[i] >= 0) {
            close(refresher->wake[i]);
        }
    }
    if (refresher->pool != NULL) {
        apr_pool_destroy(refresher->pool);
    }
    free(refresher);
}

/*
 * Runs when the process ends, in prefork even inside a signal handler that may
 * have interrupted an allocation that our thread now waits for: so there is a
 * limit to patience. What the thread uses is in no pool of the process and stays
 * valid should it be left behind.
 */
static apr_status_t stop(void *data)
{
    struct jwks_refresher *refresher = data;
    apr_time_t until = issuer_clock() + STOP_PATIENCE;

    jwks_refresher_hurry(refresher);
    while (!atomic_load(&refresher->stopped) && issuer_clock() < until) {
        apr_sleep(apr_time_from_msec(1));
    }
    if (atomic_load(&refresher->stopped)) {
        apr_status_t rv;

        apr_thread_join(&rv, refresher->thread);
        forget(refresher);
    }
    return APR_SUCCESS;
}

static bool open_wake(int wake[2])
{
    return pipe(wake) == 0 && fcntl(wake[0], F_SETFD, FD_CLOEXEC) == 0 &&
           fcntl(wake[1], F_SETFD, FD_CLOEXEC) == 0;
}

struct jwks_refresher *jwks_refresher_start(struct jwks_store *store,
                                            const struct jwks_refresh_settings *settings,
                                            apr_pool_t *pool)
{
    struct jwks_refresher *refresher = calloc(1, sizeof(*refresher));
    apr_status_t rv = APR_ENOMEM;
    sigset_t all;
    sigset_t before;

    if (refresher == NULL) {
        return NULL;
    }
    refresher->wake[0] = -1;
    refresher->wake[1] = -1;
    refresher->store = store;
    refresher->settings = *settings;
    refresher->self = (uint32_t)getpid();
    if (open_wake(refresher->wake) &&
        apr_pool_create_unmanaged_ex(&refresher->pool, NULL, NULL) == APR_SUCCESS) {
        /* Signals are for the server's own threads: ours inherits a full mask. */
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        rv = apr_thread_create(&refresher->thread, NULL, run, refresher, refresher->pool);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    if (rv != APR_SUCCESS) {
        forget(refresher);
        return NULL;
    }
    apr_pool_pre_cleanup_register(pool, refresher, stop);
    return refresher;
}
