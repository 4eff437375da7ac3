#include "httpd/status_metrics.h"

#include <apr_strings.h>
#include <http_protocol.h>

#include "httpd/status_text.h"
#include "version.h"

#define TYPE "text/plain; version=0.0.4; charset=utf-8"
#define PREFIX "auth0_jwt_"
#define COUNT "%" APR_UINT64_T_FMT

static void begin(request_rec *r, const char *name, const char *type, const char *help)
{
    ap_rprintf(r, "# HELP " PREFIX "%s %s\n# TYPE " PREFIX "%s %s\n", name, help, name,
               type);
}

static void write_number(request_rec *r, const char *name, const char *type,
                         const char *help, uint64_t value)
{
    begin(r, name, type, help);
    ap_rprintf(r, PREFIX "%s " COUNT "\n", name, value);
}

static void write_seconds(request_rec *r, const char *name, const char *help,
                          apr_time_t value)
{
    begin(r, name, "gauge", help);
    ap_rprintf(r, PREFIX "%s %.3f\n", name, (double)value / APR_USEC_PER_SEC);
}

/* ---- the server ------------------------------------------------------------------------ */

/* All reasons, also those that did not come up: a rate needs the 0 before the first. */
static void write_reasons(request_rec *r, const char *name, const char *help,
                          const uint64_t *counts)
{
    begin(r, name, "counter", help);
    for (int reason = REASON_OK + 1; reason < REASON_COUNT; reason++) {
        ap_rprintf(r, PREFIX "%s{reason=\"%s\"} " COUNT "\n", name,
                   reason_name((enum reason)reason), counts[reason]);
    }
}

static void write_requests(request_rec *r, const struct status_report *report)
{
    write_number(r, "requests_accepted_total", "counter",
                 "Client requests let in with a valid token.",
                 report->totals[COUNTER_ACCEPTED]);
    write_reasons(r, "requests_refused_total", "Client requests refused, by reason.",
                  report->totals + COUNTER_REFUSED);
    if (report->reports) {
        write_reasons(r, "requests_reported_total",
                      "Client requests that Auth0ReportOnly let through, by the reason "
                      "they would be refused for.",
                      report->totals + COUNTER_REPORTED);
    }
}

static void write_labelled(request_rec *r, const char *name, const char *value,
                           uint64_t count)
{
    ap_rprintf(r, PREFIX "%s{result=\"%s\"} " COUNT "\n", name, value, count);
}

static void write_cache_and_waits(request_rec *r, const struct status_report *report)
{
    const uint64_t *totals = report->totals;

    begin(r, "token_cache_lookups_total", "counter",
          "Tokens of judged requests, by whether the process remembered them.");
    write_labelled(r, "token_cache_lookups_total", "hit", totals[COUNTER_CACHE_HIT]);
    write_labelled(r, "token_cache_lookups_total", "miss", totals[COUNTER_CACHE_MISS]);
    begin(r, "key_waits_total", "counter",
          "Requests that needed to wait for keys, by what came of it.");
    write_labelled(r, "key_waits_total", "served", totals[COUNTER_WAIT_SERVED]);
    write_labelled(r, "key_waits_total", "in_vain", totals[COUNTER_WAIT_IN_VAIN]);
    write_labelled(r, "key_waits_total", "turned_away", totals[COUNTER_WAIT_TURNED_AWAY]);
    write_number(r, "waiting_requests", "gauge", "Requests that wait for keys now.",
                 report->waiting);
    write_number(r, "waiting_requests_limit", "gauge",
                 "How many requests may wait for keys at once.", report->waiting_limit);
}

static void write_server(request_rec *r, const struct status_report *report)
{
    begin(r, "build_info", "gauge", "Always 1; the label names the module's version.");
    ap_rputs(PREFIX "build_info{version=\"" AUTH0_JWT_VERSION "\"} 1\n", r);
    write_seconds(r, "start_time_seconds",
                  "When counting began, at the server's start, in seconds since 1970.",
                  report->since);
    write_number(r, "server_generation", "gauge",
                 "How often httpd was restarted since its start.",
                 (uint64_t)report->generation);
    write_seconds(r, "keys_fresh_seconds", "How long keys count as fresh.",
                  report->timing.fresh);
    write_seconds(r, "keys_stale_seconds",
                  "How long keys serve while they cannot be refreshed.",
                  report->timing.stale);
}

/* ---- the issuers ----------------------------------------------------------------------- */

/* Of one issuer; false when it has no such figure. */
typedef bool issuer_value(double *value, const struct status_issuer *issuer);

static bool is_ready(double *value, const struct status_issuer *issuer)
{
    *value = issuer->health == HEALTH_GOOD || issuer->health == HEALTH_FAILING;
    return true;
}

static bool fetches(double *value, const struct status_issuer *issuer)
{
    *value = issuer->fetches;
    return issuer->kind == ISSUER_KEYS_URL;
}

static bool failed(double *value, const struct status_issuer *issuer)
{
    *value = issuer->failed;
    return issuer->kind == ISSUER_KEYS_URL;
}

static bool failures(double *value, const struct status_issuer *issuer)
{
    *value = issuer->failures;
    return issuer->kind == ISSUER_KEYS_URL;
}

static bool generation(double *value, const struct status_issuer *issuer)
{
    *value = issuer->generation;
    return issuer->kind == ISSUER_KEYS_URL;
}

static bool age(double *value, const struct status_issuer *issuer)
{
    *value = (double)issuer->age / APR_USEC_PER_SEC;
    return issuer->age >= 0;
}

static bool next(double *value, const struct status_issuer *issuer)
{
    *value = (double)issuer->next / APR_USEC_PER_SEC;
    return issuer->kind == ISSUER_KEYS_URL;
}

static const struct issuer_metric {
    const char *name;
    const char *type;
    const char *help;
    issuer_value *value;
} issuer_metrics[] = {
    {"issuer_ready", "gauge",
     "Whether tokens of the issuer can be verified: 1, or 0 where they get 503.",
     is_ready},
    {"key_fetches_total", "counter", "Attempts to fetch the keys.", fetches},
    {"key_fetch_failures_total", "counter", "Attempts to fetch the keys that failed.",
     failed},
    {"key_fetch_failures_in_a_row", "gauge",
     "Attempts to fetch the keys that failed since the last one that did not.", failures},
    {"key_document_generation", "gauge",
     "How many different key documents the issuer has had.", generation},
    {"keys_age_seconds", "gauge",
     "Time since the keys were last fetched; absent before the first time.", age},
    {"key_next_fetch_seconds", "gauge", "Time until the keys are fetched again.", next},
};

/* issuer="...",source="..." */
static const char *labels_of(request_rec *r, const struct status_issuer *issuer)
{
    return apr_pstrcat(r->pool, "issuer=\"", status_text_label(issuer->name, r->pool),
                       "\",source=\"", status_text_label(issuer->source, r->pool), "\"",
                       NULL);
}

static void write_issuer_metric(request_rec *r, const struct status_report *report,
                                const struct issuer_metric *metric)
{
    double value;

    begin(r, metric->name, metric->type, metric->help);
    for (int i = 0; i < report->issuers->nelts; i++) {
        const struct status_issuer *issuer =
            &APR_ARRAY_IDX(report->issuers, i, struct status_issuer);

        if (metric->value(&value, issuer)) {
            ap_rprintf(r, PREFIX "%s{%s} %.3f\n", metric->name, labels_of(r, issuer),
                       value);
        }
    }
}

static void write_keys(request_rec *r, const struct status_report *report)
{
    begin(r, "keys", "gauge",
          "Published keys of the issuer, by whether they are usable.");
    for (int i = 0; i < report->issuers->nelts; i++) {
        const struct status_issuer *issuer =
            &APR_ARRAY_IDX(report->issuers, i, struct status_issuer);
        const char *labels = labels_of(r, issuer);

        if (issuer->kind != ISSUER_SECRET_FILE) {
            ap_rprintf(r, PREFIX "keys{%s,usable=\"true\"} %u\n", labels, issuer->usable);
            ap_rprintf(r, PREFIX "keys{%s,usable=\"false\"} %u\n", labels,
                       issuer->unused);
        }
    }
}

void status_metrics_write(request_rec *r, const struct status_report *report)
{
    ap_set_content_type(r, TYPE);
    write_requests(r, report);
    write_cache_and_waits(r, report);
    write_server(r, report);
    for (size_t i = 0; i < sizeof(issuer_metrics) / sizeof(issuer_metrics[0]); i++) {
        write_issuer_metric(r, report, &issuer_metrics[i]);
    }
    write_keys(r, report);
}
