/**
 * @file jwks_refresh.h
 * Who fetches key documents, when, and how often.
 *
 * Every process has one background thread that tries to be the leader; the
 * leader fetches for all. It fetches a source
 *   - at once when it has never been fetched,
 *   - at 80 % of the fresh time after a success,
 *   - after a failure with a backoff from 1 s, doubling up to 60 s, with jitter,
 *   - when a request asked because of an unknown kid (jwks_store_ask),
 * and never before an answer's Retry-After is over, up to an hour of it.
 * A document replaces the one before only if it holds a usable key. Sources are
 * fetched side by side; a hung one delays no other.
 *
 * With a state directory, each document is also written there, and a source
 * without any gets what was written last, if it is not too old, while the first
 * attempt is under way.
 *
 * mod_watchdog offers such a singleton too. It is not used because its successor
 * sleeps ten seconds before it takes over from a process that died, and because
 * its stop notice comes from another thread while the callback may be running.
 */
#ifndef AUTH0_ISSUER_JWKS_REFRESH_H
#define AUTH0_ISSUER_JWKS_REFRESH_H

#include <apr_pools.h>
#include <apr_time.h>
#include <stdbool.h>

#include "issuer/https_get.h"
#include "issuer/jwks_store.h"
#include "token/jwk.h"

/** How long keys are good for; see Auth0JWKSRefresh. */
struct jwks_timing {
    apr_interval_time_t fresh;    /**< refreshed before they are this old */
    apr_interval_time_t stale;    /**< unusable when the last success is this old */
    apr_interval_time_t cooldown; /**< between refreshes asked for by unknown kids */
};

/** What one attempt brought, for whoever keeps the log. Valid during the call. */
struct jwks_report {
    int slot;
    const char *issuer;
    const char *url;
    const char *error; /**< in words; NULL for success */
    uint32_t failures; /**< in a row, this one included */
    bool changed;      /**< a document other than the one before */
    bool restored;     /**< it comes from the state directory: no attempt was made */
    apr_time_t age;    /**< of the document, when restored */
    const char *state_error; /**< in words that name the file: what went wrong with the
                                  state directory; NULL for nothing */
    bool json_type;          /**< Content-Type said JSON */
    const struct jwks *keys; /**< the keys of a good document, or, for the sake of
                                  the skipped ones, of one without a usable key;
                                  else NULL */
};

typedef void jwks_reporter(void *context, const struct jwks_report *report);

struct jwks_refresh_settings {
    struct jwks_timing timing;
    struct https_limits https;
    const char *state_dir; /**< NULL for none */
    const char *trust;     /**< as in struct jwks_source */
    jwks_reporter *report; /**< called by the background thread */
    void *context;
};

/** How long after a success the next attempt is due: 80 % of the fresh time. */
apr_interval_time_t jwks_refresh_after(const struct jwks_timing *timing);

/** A process's background thread. */
struct jwks_refresher;

/**
 * Start this process's background thread, with all signals blocked. Once a
 * process, after curl_global_init.
 *
 * @param store     must outlive the thread
 * @param settings  copied; what it points to must outlive the thread
 * @param pool      the thread is stopped when this pool goes
 * @return NULL when the thread cannot be started
 */
struct jwks_refresher *jwks_refresher_start(struct jwks_store *store,
                                            const struct jwks_refresh_settings *settings,
                                            apr_pool_t *pool);

/**
 * Let the thread end at once, whatever it is doing, without waiting for that. May
 * be called in a signal handler, as long as the pool is there.
 */
void jwks_refresher_hurry(struct jwks_refresher *refresher);

#endif
