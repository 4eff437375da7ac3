/**
 * @file status_report.h
 * What the status page says, gathered once for a request and the same for all its forms.
 *
 * Everything is of the whole server: the counters, the waiting requests and the key
 * documents are in shared memory; which keys a document holds is read off this process's
 * parsed copy of it. All texts are clean (see status_text.h).
 */
#ifndef AUTH0_HTTPD_STATUS_REPORT_H
#define AUTH0_HTTPD_STATUS_REPORT_H

#include <httpd.h>
#include <stdbool.h>

#include "issuer/counters.h"
#include "issuer/issuer.h"

enum status_health {
    HEALTH_GOOD,
    HEALTH_STARTING, /**< nothing was fetched yet, and nothing has failed */
    HEALTH_FAILING,  /**< there are keys, but the last attempt to refresh them failed */
    HEALTH_DOWN      /**< there are no keys, or too old ones: requests get 503 */
};

/** A published key. */
struct status_key {
    const char *kid;        /**< NULL when it has none */
    const char *algorithms; /**< "RS256, PS256"; NULL when it is not used */
    const char *unused;     /**< why it is not used; NULL when it is */
};

struct status_issuer {
    const char *name;
    const char *source; /**< the keys' URL; for others "file:path" as configured */
    enum issuer_kind kind;
    enum status_health health;
    apr_array_header_t *keys; /**< of struct status_key */
    unsigned usable;
    unsigned unused;

    /* ISSUER_KEYS_URL only. */
    bool fetching;
    uint32_t generation;
    uint32_t fetches;         /**< begun */
    uint32_t failed;          /**< of these */
    uint32_t failures;        /**< in a row */
    apr_interval_time_t age;  /**< of the last success; -1: none */
    apr_interval_time_t next; /**< until the next attempt; 0: now */
    const char *error;        /**< of the last attempt; NULL when it was good */
};

struct status_report {
    apr_time_t now;   /**< by the clock of the wall */
    apr_time_t since; /**< when counting began */
    int generation;   /**< httpd's: how often it was restarted */
    struct jwks_timing timing;
    unsigned cache_entries; /**< of each process */
    bool reports;           /**< Auth0ReportOnly is in use, or was */
    uint64_t totals[COUNTER_COUNT];
    uint64_t refused;  /**< the sum */
    uint64_t reported; /**< the sum */
    unsigned waiting;  /**< now */
    unsigned waiting_limit;
    apr_array_header_t *issuers; /**< of struct status_issuer */
};

/** In a child, after runtime_start. */
struct status_report *status_report_make(apr_pool_t *pool);

/** "good", "starting", "failing" or "down". */
const char *status_health_name(enum status_health health);

#endif
