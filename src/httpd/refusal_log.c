#include "httpd/refusal_log.h"

#include <apr_strings.h>
#include <stdatomic.h>

#include "httpd/module.h"

/*
 * Of one reason, in this process. Two threads that meet at the turn of a second may log
 * a line more or less: nothing depends on it.
 */
static struct tally {
    _Atomic apr_time_t second;
    _Atomic unsigned lines;
    _Atomic unsigned left_out;
} tallies[REASON_COUNT];

bool refusal_log_admits(const char **note, const request_rec *r, enum reason reason)
{
    struct tally *tally = &tallies[reason];
    apr_time_t second;
    unsigned left_out;

    *note = "";
    if (!APLOG_R_IS_LEVEL(r, APLOG_INFO)) {
        return false;
    }
    if (APLOG_R_IS_LEVEL(r, APLOG_DEBUG)) {
        return true;
    }
    second = apr_time_sec(apr_time_now());
    if (atomic_exchange(&tally->second, second) != second) {
        tally->lines = 0;
    }
    if (tally->lines++ >= REFUSAL_LOG_LINES) {
        tally->left_out++;
        return false;
    }
    left_out = atomic_exchange(&tally->left_out, 0);
    if (left_out > 0) {
        *note = apr_psprintf(
            r->pool, " (and %u more for this reason since the last line)", left_out);
    }
    return true;
}
