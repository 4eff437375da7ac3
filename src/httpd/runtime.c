#include "httpd/runtime.h"

#include <ap_mpm.h>
#include <apr_shm.h>
#include <apr_strings.h>
#include <curl/curl.h>
#include <http_core.h>

#include "httpd/config.h"
#include "httpd/module.h"
#include "httpd/request.h"
#include "issuer/jwks_refresh.h"

#define STORE_KEY "mod_auth0_jwt:store"
#define COUNTERS_KEY "mod_auth0_jwt:counters"

/* One warning about an issuer a minute. */
#define LOG_INTERVAL apr_time_from_sec(60)

/* Kept by the process across restarts, so that keys survive them. */
struct kept_store {
    apr_pool_t *pool;
    struct jwks_store *store;
};

/* This process's background thread; NULL in the parent. */
static struct jwks_refresher *refresher;

/* This process's; NULL in the parent, and with Auth0TokenCache 0. */
static struct token_cache *token_cache;

/* What the background thread needs to write its log. */
struct reporter {
    server_rec *server;
    apr_time_t logged_at[JWKS_STORE_SLOTS]; /* last failure written, 0 for none */
    bool told[JWKS_STORE_SLOTS];            /* of a failure, and not yet of its end */
    apr_time_t state_logged_at;             /* the same of the state directory */
};

static const char *trust(void)
{
    const char *ca_file = config_server()->ca_file;

    return ca_file != NULL ? ca_file : "";
}

static struct jwks_source source_of(const struct issuer *issuer)
{
    struct jwks_source source = {
        .issuer = issuer->name,
        .url = issuer->source,
        .trust = trust(),
    };

    return source;
}

/* A quarter of the server's workers may wait for keys. */
static unsigned count_waiters(void)
{
    int daemons = 1;
    int threads = 1;

    ap_mpm_query(AP_MPMQ_MAX_DAEMONS, &daemons);
    ap_mpm_query(AP_MPMQ_MAX_THREADS, &threads);
    return (unsigned)(daemons > 0 ? daemons : 1) * (unsigned)(threads > 0 ? threads : 1) /
           4;
}

/* Zeroed, and taking no memory before it is written to; NULL, with a line in the log. */
static void *make_shared(size_t size, server_rec *s, apr_pool_t *pool)
{
    apr_shm_t *memory;
    apr_status_t rv = apr_shm_create(&memory, size, NULL, pool);

    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, rv, s,
                     "cannot make %" APR_SIZE_T_FMT " bytes of shared memory", size);
        return NULL;
    }
    return apr_shm_baseaddr_get(memory);
}

/* Those of this server, whose numbers no restart changes. */
static struct counters *keep_counters(server_rec *s, apr_pool_t *process_pool)
{
    void *counters = NULL;
    void *memory;

    apr_pool_userdata_get(&counters, COUNTERS_KEY, process_pool);
    if (counters == NULL) {
        memory = make_shared(counters_size(), s, process_pool);
        counters = memory != NULL ? counters_init(memory, apr_time_now()) : NULL;
        apr_pool_userdata_setn(counters, COUNTERS_KEY, NULL, process_pool);
    }
    return counters;
}

static struct kept_store *make_store(server_rec *s, apr_pool_t *process_pool)
{
    struct kept_store *kept;
    apr_pool_t *pool;
    void *memory;

    apr_pool_create(&pool, process_pool);
    apr_pool_tag(pool, "mod_auth0_jwt store");
    memory = make_shared(jwks_store_size(), s, pool);
    if (memory == NULL) {
        apr_pool_destroy(pool);
        return NULL;
    }
    kept = apr_palloc(pool, sizeof(*kept));
    kept->pool = pool;
    kept->store = jwks_store_init(memory, count_waiters());
    return kept;
}

/* And of each process all threads but one, so that none is held up as a whole. */
static unsigned count_waiters_here(void)
{
    int threads = 1;

    ap_mpm_query(AP_MPMQ_MAX_THREADS, &threads);
    return threads > 1 ? (unsigned)threads - 1 : 1;
}

int runtime_prepare(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    struct server_config *config = config_server();
    apr_pool_t *process_pool = s->process->pool;
    struct kept_store *kept;
    struct kept_store *old;
    void *data = NULL;

    (void)pconf;
    (void)plog;
    (void)ptemp;
    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG) {
        return OK; /* the configuration is read once more before anything runs */
    }
    apr_pool_userdata_get(&data, STORE_KEY, process_pool);
    old = data;
    config->runtime.counters = keep_counters(s, process_pool);
    kept = config->runtime.counters != NULL ? make_store(s, process_pool) : NULL;
    if (kept == NULL) {
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    config->runtime.store = kept->store;
    config->runtime.timing = config->timing;

    for (int i = 0; i < config->fetched->nelts; i++) {
        struct issuer *issuer = APR_ARRAY_IDX(config->fetched, i, struct issuer *);
        struct jwks_source source = source_of(issuer);

        issuer->slot = jwks_store_slot(kept->store, &source);
        if (issuer->slot >= 0 && old != NULL) {
            jwks_store_inherit(kept->store, issuer->slot, old->store, &source,
                               jwks_refresh_after(&config->timing));
        }
    }
    apr_pool_userdata_setn(kept, STORE_KEY, NULL, process_pool);
    /* Processes of the old generation keep their mapping until they are gone. */
    if (old != NULL) {
        apr_pool_destroy(old->pool);
    }
    return OK;
}

static void log_keys(const struct reporter *reporter, const struct jwks_report *report,
                     apr_pool_t *pool)
{
    const struct jwks *keys = report->keys;

    for (size_t i = 0; keys != NULL && i < keys->skipped_count; i++) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, reporter->server,
                     "%s: key %u (kid \"%s\") is not used: %s", report->url,
                     keys->skipped[i].position + 1,
                     request_log_value(keys->skipped[i].kid, pool), keys->skipped[i].why);
    }
}

/* The state directory: what it gave, or what is wrong with it, once a minute. */
static void log_state(struct reporter *reporter, const struct jwks_report *report)
{
    apr_time_t now = issuer_clock();

    if (report->restored && report->changed) {
        ap_log_error(APLOG_MARK, APLOG_INFO, 0, reporter->server,
                     "%s: %" APR_SIZE_T_FMT " usable keys for issuer %s from "
                     "Auth0StateDir, %" APR_TIME_T_FMT " s old",
                     report->url, report->keys->count, report->issuer,
                     apr_time_sec(report->age));
    }
    if (report->state_error != NULL &&
        (report->restored || reporter->state_logged_at == 0 ||
         now - reporter->state_logged_at >= LOG_INTERVAL)) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, reporter->server,
                     "Auth0StateDir: %s%s (keys of issuer %s)", report->state_error,
                     report->restored ? ", so it is not used" : "", report->issuer);
        if (!report->restored) {
            reporter->state_logged_at = now;
        }
    }
}

/* Called by the background thread when an attempt has ended. */
static void report_attempt(void *context, const struct jwks_report *report)
{
    struct reporter *reporter = context;
    apr_time_t *logged_at = &reporter->logged_at[report->slot];
    apr_time_t now = issuer_clock();
    apr_pool_t *pool;

    log_state(reporter, report);
    if (report->restored) {
        return;
    }
    if (apr_pool_create_unmanaged_ex(&pool, NULL, NULL) != APR_SUCCESS) {
        return;
    }
    if (report->error == NULL) {
        if (report->changed || reporter->told[report->slot]) {
            ap_log_error(APLOG_MARK, APLOG_INFO, 0, reporter->server,
                         "%s: %" APR_SIZE_T_FMT " usable keys for issuer %s", report->url,
                         report->keys->count, report->issuer);
        }
        if (report->changed) {
            log_keys(reporter, report, pool);
            if (!report->json_type) {
                ap_log_error(APLOG_MARK, APLOG_WARNING, 0, reporter->server,
                             "%s: the keys are good, but their Content-Type is not JSON",
                             report->url);
            }
        }
        reporter->told[report->slot] = false;
    }
    else if (*logged_at == 0 || now - *logged_at >= LOG_INTERVAL) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, reporter->server,
                     "%s: cannot fetch the keys of issuer %s (failures in a row: %u): %s",
                     report->url, report->issuer, report->failures, report->error);
        log_keys(reporter, report, pool);
        *logged_at = now;
        reporter->told[report->slot] = true;
    }
    apr_pool_destroy(pool);
}

static apr_status_t forget_child(void *data)
{
    (void)data;
    refresher = NULL;
    token_cache = NULL;
    return APR_SUCCESS;
}

static void start_token_cache(apr_pool_t *pchild, server_rec *s)
{
    unsigned entries = config_server()->token_cache;

    token_cache = entries > 0 ? token_cache_create(entries, pchild) : NULL;
    if (entries > 0 && token_cache == NULL) {
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, s,
                     "no memory for a token cache of %u entries: every token is verified "
                     "anew",
                     entries);
    }
}

void runtime_start(apr_pool_t *pchild, server_rec *s)
{
    struct server_config *config = config_server();
    struct reporter *reporter = apr_pcalloc(s->process->pool, sizeof(*reporter));
    struct jwks_refresh_settings settings = {
        .timing = config->timing,
        .https =
            {
                .connect_timeout = config->connect_timeout,
                .total_timeout = config->total_timeout,
                .body_max = JWKS_DOCUMENT_MAX,
                .ca_file = config->ca_file,
                .proxy = config->proxy,
            },
        .state_dir = config->state_dir,
        .trust = trust(),
        .report = report_attempt,
        .context = reporter,
    };

    reporter->server = s;
    config->runtime.waiting_max = count_waiters_here();
    config->runtime.cache = jwks_cache_create(config->runtime.store, pchild);
    if (config->runtime.cache != NULL && curl_global_init(CURL_GLOBAL_DEFAULT) == 0) {
        refresher = jwks_refresher_start(config->runtime.store, &settings, pchild);
    }
    start_token_cache(pchild, s);
    apr_pool_pre_cleanup_register(pchild, NULL, forget_child);
    if (refresher == NULL) {
        /* Requests get 503 until another process has fetched for this one too. */
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s,
                     "cannot start the thread that fetches keys");
    }
}

void runtime_stopping(apr_pool_t *pchild, int graceful)
{
    (void)pchild;
    /* Gracefully means that the requests under way may still wait for keys. */
    if (!graceful && refresher != NULL) {
        atomic_store(&config_server()->runtime.stopping, true);
        jwks_refresher_hurry(refresher);
    }
}

struct issuer_runtime *runtime_issuers(void)
{
    return &config_server()->runtime;
}

struct token_cache *runtime_token_cache(void)
{
    return token_cache;
}

struct jwks_shared *runtime_keys(int slot)
{
    struct jwks_cache *cache = config_server()->runtime.cache;

    return cache != NULL ? jwks_cache_acquire(cache, slot) : NULL;
}

int runtime_slot(const struct issuer *issuer)
{
    struct jwks_source source = source_of(issuer);

    return jwks_store_slot(config_server()->runtime.store, &source);
}
