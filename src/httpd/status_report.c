#include "httpd/status_report.h"

#include <ap_mpm.h>
#include <apr_strings.h>

#include "httpd/config.h"
#include "httpd/runtime.h"
#include "httpd/status_text.h"
#include "token/jwa.h"

const char *status_health_name(enum status_health health)
{
    static const char *const names[] = {
        [HEALTH_GOOD] = "good",
        [HEALTH_STARTING] = "starting",
        [HEALTH_FAILING] = "failing",
        [HEALTH_DOWN] = "down",
    };

    return names[health];
}

static const char *algorithm_names(unsigned algorithms, apr_pool_t *pool)
{
    apr_array_header_t *names = apr_array_make(pool, JWA_COUNT, sizeof(const char *));

    for (enum jwa_alg alg = 0; alg < JWA_COUNT; alg++) {
        if ((algorithms & JWA_BIT(alg)) != 0) {
            APR_ARRAY_PUSH(names, const char *) = jwa_get(alg)->name;
            APR_ARRAY_PUSH(names, const char *) = ", ";
        }
    }
    apr_array_pop(names);
    return apr_array_pstrcat(pool, names, 0);
}

static const char *clean_or_null(const char *text, apr_pool_t *pool)
{
    return text != NULL ? status_text_clean(text, pool) : NULL;
}

static void list_keys(struct status_issuer *issuer, const struct jwks *jwks,
                      apr_pool_t *pool)
{
    for (size_t i = 0; i < jwks->count; i++) {
        struct status_key *key = &APR_ARRAY_PUSH(issuer->keys, struct status_key);

        key->kid = clean_or_null(jwks->keys[i].kid, pool);
        key->algorithms = algorithm_names(jwks->keys[i].algorithms, pool);
        key->unused = NULL;
    }
    for (size_t i = 0; i < jwks->skipped_count; i++) {
        struct status_key *key = &APR_ARRAY_PUSH(issuer->keys, struct status_key);

        key->kid = clean_or_null(jwks->skipped[i].kid, pool);
        key->algorithms = NULL;
        key->unused = jwks->skipped[i].why;
    }
    issuer->usable = (unsigned)jwks->count;
    issuer->unused = (unsigned)jwks->skipped_count;
}

static struct status_issuer *add_issuer(struct status_report *report, const char *name,
                                        const char *source, enum issuer_kind kind,
                                        apr_pool_t *pool)
{
    struct status_issuer *issuer = &APR_ARRAY_PUSH(report->issuers, struct status_issuer);

    memset(issuer, 0, sizeof(*issuer));
    issuer->name = status_text_clean(name, pool);
    issuer->source = status_text_clean(source, pool);
    issuer->kind = kind;
    issuer->keys = apr_array_make(pool, 4, sizeof(struct status_key));
    issuer->age = -1;
    return issuer;
}

static enum status_health health_of(const struct issuer_runtime *runtime,
                                    const struct jwks_state *state)
{
    if (issuer_is_usable(runtime, state)) {
        return state->failures > 0 ? HEALTH_FAILING : HEALTH_GOOD;
    }
    return state->generation == 0 && state->failures == 0 ? HEALTH_STARTING : HEALTH_DOWN;
}

/* Those whose keys are fetched, which .htaccess files may have named too. */
static void add_fetched(struct status_report *report,
                        const struct issuer_runtime *runtime, apr_pool_t *pool)
{
    apr_time_t now = issuer_clock();
    const char *name;
    const char *url;

    for (int slot = 0; slot < JWKS_STORE_SLOTS; slot++) {
        char error[JWKS_STORE_ERROR_MAX + 1];
        struct status_issuer *issuer;
        struct jwks_shared *keys;
        struct jwks_state state;
        apr_time_t next_at;

        if (!jwks_store_source(&name, &url, runtime->store, slot)) {
            continue;
        }
        issuer = add_issuer(report, name, url, ISSUER_KEYS_URL, pool);
        jwks_store_state(&state, runtime->store, slot);
        jwks_store_error(error, runtime->store, slot);
        next_at = state.next_at > state.hold_at ? state.next_at : state.hold_at;
        issuer->health = health_of(runtime, &state);
        issuer->fetching = state.started != state.finished;
        issuer->generation = state.generation;
        issuer->fetches = state.started;
        issuer->failed = state.failed;
        issuer->failures = state.failures;
        issuer->age = state.generation != 0 ? now - state.success_at : -1;
        issuer->next = next_at > now ? next_at - now : 0;
        issuer->error = *error != '\0' ? status_text_clean(error, pool) : NULL;
        keys = runtime_keys(slot);
        if (keys != NULL) {
            list_keys(issuer, jwks_shared_keys(keys), pool);
            jwks_cache_release(keys);
        }
    }
}

/* Those that need no fetching, each once. */
static void add_fixed(struct status_report *report, const apr_array_header_t *fixed,
                      apr_pool_t *pool)
{
    for (int i = 0; i < fixed->nelts; i++) {
        const struct issuer *from = APR_ARRAY_IDX(fixed, i, struct issuer *);
        struct status_issuer *issuer;
        int j = 0;

        while (!issuer_is_same_source(from, APR_ARRAY_IDX(fixed, j, struct issuer *))) {
            j++;
        }
        if (j < i) {
            continue;
        }
        issuer =
            add_issuer(report, from->name, apr_pstrcat(pool, "file:", from->source, NULL),
                       from->kind, pool);
        if (from->kind == ISSUER_KEYS_FILE) {
            list_keys(issuer, from->keys, pool);
        }
    }
}

struct status_report *status_report_make(apr_pool_t *pool)
{
    const struct server_config *config = config_server();
    const struct issuer_runtime *runtime = runtime_issuers();
    struct status_report *report = apr_pcalloc(pool, sizeof(*report));

    report->now = apr_time_now();
    report->since = counters_since(runtime->counters);
    ap_mpm_query(AP_MPMQ_GENERATION, &report->generation);
    report->timing = runtime->timing;
    report->cache_entries = config->token_cache;
    counters_read(report->totals, runtime->counters);
    report->refused = counters_sum(report->totals, COUNTER_REFUSED);
    report->reported = counters_sum(report->totals, COUNTER_REPORTED);
    report->reports = config->reports || report->reported > 0;
    report->waiting =
        jwks_store_waiting(&report->waiting_limit, runtime->store, issuer_clock());
    report->issuers = apr_array_make(pool, 4, sizeof(struct status_issuer));
    add_fetched(report, runtime, pool);
    add_fixed(report, config->fixed, pool);
    return report;
}
