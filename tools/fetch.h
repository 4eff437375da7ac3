/**
 * @file fetch.h
 * One GET as the module makes it (src/issuer/https_get), and what there was to see on
 * the way: where it went, the server's certificate, the times.
 */
#ifndef AUTH0_TOOLS_FETCH_H
#define AUTH0_TOOLS_FETCH_H

#include <apr_pools.h>
#include <apr_time.h>
#include <stdbool.h>
#include <stddef.h>

struct fetch_limits {
    const char *ca_file; /**< PEM trust anchors instead of the system's, or NULL */
    const char *proxy;   /**< URL; "" for none; NULL for what the environment says */
    apr_interval_time_t connect_timeout;
    apr_interval_time_t total_timeout;
};

/** The module's: no CA file, the environment's proxy, 2 and 5 seconds. */
#define FETCH_LIMITS_DEFAULT                                                             \
    ((struct fetch_limits){.connect_timeout = apr_time_from_sec(2),                      \
                           .total_timeout = apr_time_from_sec(5)})

/** The certificate of a server, trusted or not. */
struct fetch_certificate {
    bool seen;
    const char *subject; /**< as OpenSSL writes names */
    const char *issuer;
    const char *names; /**< of hosts, quoted, commas between them; "nothing" for none */
    apr_time_t not_before;
    apr_time_t not_after;
    const char *problem; /**< what is wrong with it or its chain; NULL: nothing */
};

/** Strings live in the pool. */
struct fetched {
    const char *error; /**< what went wrong in words; NULL when text is good */
    const char *text;
    size_t len;
    bool json_type; /**< Content-Type says JSON */
    long status;    /**< of HTTP; 0 without an answer */
    apr_interval_time_t elapsed;
    apr_interval_time_t named; /**< until the name was resolved; 0: not */
    apr_interval_time_t
        connected; /**< until TLS could begin, through a proxy or not; 0: not */
    apr_interval_time_t secured; /**< until TLS stood; 0: not */
    const char *address;         /**< where it went, a proxy's too; NULL: nowhere */
    const char *tls;             /**< the version, such as "TLSv1.3"; NULL without */
    struct fetch_certificate certificate;
    apr_time_t date; /**< of the answer's Date field; 0 without */
};

/** @param url  https */
void fetch(struct fetched *fetched, const char *url, const struct fetch_limits *limits,
           apr_pool_t *pool);

/**
 * Get a JWK Set: the one place that knows where key documents come from.
 *
 * @param source   a file's path or an https URL
 * @param fetched  what there was to see of a URL, or NULL
 * @return NULL on success, else why not: a phrase that names the source, safe to print
 */
const char *fetch_key_document(const char **text, size_t *len, const char *source,
                               const struct fetch_limits *limits, struct fetched *fetched,
                               apr_pool_t *pool);

#endif
