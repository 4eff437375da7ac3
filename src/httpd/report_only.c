#include "httpd/report_only.h"

#include <apr_strings.h>
#include <http_core.h>
#include <http_request.h>

#include "httpd/authn.h"
#include "httpd/config.h"
#include "httpd/module.h"
#include "httpd/refusal_log.h"
#include "httpd/request.h"
#include "httpd/runtime.h"
#include "httpd/verdict.h"

/* What log formats can use. */
#define VARIABLE "AUTH0_REPORT"

/* One summary a minute. */
#define LOG_INTERVAL apr_time_from_sec(60)

/* "expired 17, no_credentials 40" */
static const char *summary(const struct counters *counters, apr_pool_t *pool)
{
    const char *text = "";

    for (int reason = 0; reason < REASON_COUNT; reason++) {
        apr_uint64_t count =
            counters_total(counters, COUNTER_REPORTED + (unsigned)reason);

        if (count > 0) {
            text = apr_psprintf(pool, "%s%s%s %" APR_UINT64_T_FMT, text,
                                *text != '\0' ? ", " : "",
                                reason_name((enum reason)reason), count);
        }
    }
    return text;
}

static void report(request_rec *r, enum reason reason, const char *hint)
{
    struct counters *counters = runtime_issuers()->counters;
    const char *note; /* the count says it already */

    if (judgement_report(r, reason)) {
        counters_add(counters, COUNTER_REPORTED + (unsigned)reason,
                     (unsigned long)r->connection->id);
    }
    apr_table_setn(r->subprocess_env, VARIABLE, reason_name(reason));
    if (refusal_log_admits(&note, r, reason)) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r,
                      "Auth0ReportOnly: %s would have been refused (%s; "
                      "%" APR_UINT64_T_FMT " so far)%s",
                      ap_escape_logitem(r->pool, r->uri), reason_name(reason),
                      counters_total(counters, COUNTER_REPORTED + (unsigned)reason),
                      hint);
    }
    if (counters_may_speak(counters, issuer_clock(), LOG_INTERVAL)) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, r->server,
                     "Auth0ReportOnly: requests so far that would have been refused: %s",
                     summary(counters, r->pool));
    }
}

/* What the user may do, asked as httpd would, and answered by nobody but us. */
static enum reason authorize(request_rec *r)
{
    struct request_state *state = request_state_get(r);
    int status = ap_run_auth_checker(r);

    if (status == OK) {
        return REASON_OK;
    }
    return state->missing != NULL && state->missing->nelts > 0
               ? REASON_PERMISSION_MISSING
               : REASON_REQUIREMENT_NOT_MET;
}

int report_only_check(request_rec *r)
{
    struct request_state *state;
    const struct verdict *verdict;
    enum reason reason;
    int status;

    if (!config_report_only(config_dir(r)) || !config_is_our_auth_type(ap_auth_type(r))) {
        return DECLINED;
    }
    state = request_state_make(r);
    if (state->reporting) {
        return DECLINED; /* asked from here */
    }
    state->reporting = true;
    status = ap_run_access_checker_ex(r);
    if (status == DECLINED) {
        verdict = verdict_of(r);
        reason = verdict->reason;
        if (reason == REASON_OK) {
            authn_accept(r, verdict);
            reason = authorize(r);
        }
        if (reason != REASON_OK) {
            report(r, reason, authn_hint(r, verdict));
        }
        status = OK;
    }
    state->reporting = false;
    return status;
}
