#include "httpd/status_block.h"

#include <apr_optional_hooks.h>
#include <apr_strings.h>
#include <http_protocol.h>
#include <mod_status.h>

#include "httpd/status_report.h"

struct count {
    const char *key;   /* of the short form */
    const char *words; /* of the page */
    uint64_t value;
};

/* "1 good, 1 failing" */
static const char *issuers_in_words(const struct status_report *report, apr_pool_t *pool)
{
    unsigned counts[HEALTH_DOWN + 1] = {0};
    const char *text = "";

    for (int i = 0; i < report->issuers->nelts; i++) {
        counts[APR_ARRAY_IDX(report->issuers, i, struct status_issuer).health]++;
    }
    for (int health = HEALTH_GOOD; health <= HEALTH_DOWN; health++) {
        if (counts[health] > 0) {
            text = apr_psprintf(pool, "%s%s%u %s", text, *text != '\0' ? ", " : "",
                                counts[health],
                                status_health_name((enum status_health)health));
        }
    }
    return *text != '\0' ? text : "none";
}

/* An ap_HOOK_status_hook_t. */
static int write_block(request_rec *r, int flags)
{
    const struct status_report *report = status_report_make(r->pool);
    const uint64_t *totals = report->totals;
    const char *issuers = issuers_in_words(report, r->pool);
    const struct count counts[] = {
        {"Auth0Accepted", "Accepted", totals[COUNTER_ACCEPTED]},
        {"Auth0Refused", "Refused", report->refused},
        {"Auth0Reported", "Let through by Auth0ReportOnly", report->reported},
        {"Auth0CacheHits", "Tokens known already", totals[COUNTER_CACHE_HIT]},
        {"Auth0CacheMisses", "Tokens not known yet", totals[COUNTER_CACHE_MISS]},
        {"Auth0Waiting", "Waiting for keys now", report->waiting},
    };
    const size_t number = sizeof(counts) / sizeof(counts[0]);

    if ((flags & AP_STATUS_SHORT) != 0) {
        for (size_t i = 0; i < number; i++) {
            ap_rprintf(r, "%s: %" APR_UINT64_T_FMT "\n", counts[i].key, counts[i].value);
        }
        ap_rprintf(r, "Auth0Issuers: %s\n", issuers);
        return OK;
    }
    ap_rputs("<hr>\n<h2>Auth0 access tokens (mod_auth0_jwt)</h2>\n<dl>\n", r);
    for (size_t i = 0; i < number; i++) {
        ap_rprintf(r, "<dt>%s: %" APR_UINT64_T_FMT "</dt>\n", counts[i].words,
                   counts[i].value);
    }
    ap_rvputs(r, "<dt>Issuers: ", issuers, "</dt>\n</dl>\n", NULL);
    return OK;
}

void status_block_register(apr_pool_t *pool)
{
    (void)pool;
    APR_OPTIONAL_HOOK(ap, status_hook, write_block, NULL, NULL, APR_HOOK_MIDDLE);
}
