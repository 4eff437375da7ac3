#include "httpd/status_json.h"

#include <apr_strings.h>
#include <http_protocol.h>

#include "httpd/status_text.h"
#include "version.h"

#define COUNT "%" APR_UINT64_T_FMT

static const char *kind_name(enum issuer_kind kind)
{
    return kind == ISSUER_KEYS_URL ? "url" : kind == ISSUER_KEYS_FILE ? "file" : "secret";
}

static const char *quote(request_rec *r, const char *text)
{
    return status_text_json(text, r->pool);
}

/* Whole seconds, or null below 0. */
static const char *seconds(request_rec *r, apr_interval_time_t time)
{
    return time < 0 ? "null"
                    : apr_psprintf(r->pool, "%" APR_TIME_T_FMT, apr_time_sec(time));
}

/* Every reason that a request can be refused for, with its count. */
static void write_reasons(request_rec *r, const uint64_t *counts)
{
    for (int reason = REASON_OK + 1; reason < REASON_COUNT; reason++) {
        ap_rprintf(r, "%s\"%s\":" COUNT, reason > REASON_OK + 1 ? "," : "",
                   reason_name((enum reason)reason), counts[reason]);
    }
}

static void write_requests(request_rec *r, const struct status_report *report)
{
    const uint64_t *totals = report->totals;
    uint64_t hits = totals[COUNTER_CACHE_HIT];
    uint64_t lookups = hits + totals[COUNTER_CACHE_MISS];

    ap_rprintf(r,
               "\"requests\":{\"accepted\":" COUNT ",\"refused\":" COUNT
               ",\"reported\":" COUNT ",\"refused_by_reason\":{",
               totals[COUNTER_ACCEPTED], report->refused, report->reported);
    write_reasons(r, totals + COUNTER_REFUSED);
    ap_rputs("},\"reported_by_reason\":{", r);
    write_reasons(r, totals + COUNTER_REPORTED);
    ap_rprintf(r,
               "}},\"token_cache\":{\"entries\":%u,\"hits\":" COUNT ",\"misses\":" COUNT
               ",\"hit_rate\":%s}",
               report->cache_entries, hits, totals[COUNTER_CACHE_MISS],
               lookups == 0
                   ? "null"
                   : apr_psprintf(r->pool, "%.4f", (double)hits / (double)lookups));
    ap_rprintf(r,
               ",\"waiting\":{\"now\":%u,\"limit\":%u,\"served\":" COUNT
               ",\"in_vain\":" COUNT ",\"turned_away\":" COUNT "}",
               report->waiting, report->waiting_limit, totals[COUNTER_WAIT_SERVED],
               totals[COUNTER_WAIT_IN_VAIN], totals[COUNTER_WAIT_TURNED_AWAY]);
}

static void write_keys(request_rec *r, const apr_array_header_t *keys)
{
    ap_rputs("[", r);
    for (int i = 0; i < keys->nelts; i++) {
        const struct status_key *key = &APR_ARRAY_IDX(keys, i, struct status_key);

        ap_rprintf(r, "%s{\"kid\":%s,\"algorithms\":%s,\"unused_because\":%s}",
                   i > 0 ? "," : "", quote(r, key->kid), quote(r, key->algorithms),
                   quote(r, key->unused));
    }
    ap_rputs("]", r);
}

static void write_issuer(request_rec *r, const struct status_issuer *issuer)
{
    bool fetched = issuer->kind == ISSUER_KEYS_URL;

    ap_rprintf(r,
               "{\"issuer\":%s,\"kind\":\"%s\",\"source\":%s,\"state\":\"%s\","
               "\"usable_keys\":%u,\"unused_keys\":%u,\"keys\":",
               quote(r, issuer->name), kind_name(issuer->kind), quote(r, issuer->source),
               status_health_name(issuer->health), issuer->usable, issuer->unused);
    write_keys(r, issuer->keys);
    if (fetched) {
        ap_rprintf(
            r,
            ",\"generation\":%u,\"fetching\":%s,\"fetches\":%u,\"failed_fetches\":%u,"
            "\"failures_in_a_row\":%u,\"age_seconds\":%s,\"next_fetch_seconds\":%s,"
            "\"last_error\":%s",
            issuer->generation, issuer->fetching ? "true" : "false", issuer->fetches,
            issuer->failed, issuer->failures, seconds(r, issuer->age),
            seconds(r, issuer->next), quote(r, issuer->error));
    }
    ap_rputs("}", r);
}

void status_json_write(request_rec *r, const struct status_report *report)
{
    const struct jwks_timing *timing = &report->timing;

    ap_set_content_type(r, "application/json; charset=utf-8");
    ap_rprintf(r,
               "{\"version\":\"" AUTH0_JWT_VERSION
               "\",\"time\":\"%s\",\"since\":\"%s\",\"generation\":%d,",
               status_text_moment(report->now, r->pool),
               status_text_moment(report->since, r->pool), report->generation);
    write_requests(r, report);
    ap_rprintf(r,
               ",\"refresh\":{\"fresh_seconds\":%s,\"stale_seconds\":%s,"
               "\"cooldown_seconds\":%s},\"issuers\":[",
               seconds(r, timing->fresh), seconds(r, timing->stale),
               seconds(r, timing->cooldown));
    for (int i = 0; i < report->issuers->nelts; i++) {
        ap_rputs(i > 0 ? "," : "", r);
        write_issuer(r, &APR_ARRAY_IDX(report->issuers, i, struct status_issuer));
    }
    ap_rputs("]}\n", r);
}
