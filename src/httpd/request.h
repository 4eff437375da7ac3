/**
 * @file request.h
 * What this module knows of one request, in its request_config.
 *
 * Sub-requests and internal redirects are requests of their own: httpd either
 * authenticates them afresh, or copies user and authentication type where the
 * configuration is the same.
 */
#ifndef AUTH0_HTTPD_REQUEST_H
#define AUTH0_HTTPD_REQUEST_H

#include <apr_hash.h>
#include <httpd.h>
#include <stdbool.h>

#include "httpd/judgement.h"
#include "token/jwt.h"

struct verdict;

struct request_state {
    const struct jwt_claims *claims; /**< of its valid token; else NULL */
    const struct verdict *verdict;   /**< on its token; NULL before anybody asked */
    apr_array_header_t *missing;     /**< const char *: required words it lacks */
    apr_hash_t *missing_words;       /**< the same, to find one */
    apr_array_header_t *removed;     /**< struct token_text: what was taken out of it */
    bool authorizing;                /**< within our own check_authz */
    bool reporting;                  /**< within report_only_check */
    enum {
        NOT_PROBING,
        PROBE_LISTEN,           /**< was a provider asked that has no user yet? */
        PROBE_HEARD,            /**< yes */
        PROBE_ASSUME_GRANTED    /**< they answer as if the user had everything */
    } probe;                    /**< see check_aliases in authz.c */
    bool is_private;            /**< the answer is for this client alone */
    struct judgement judgement; /**< of a client's first request: see judgement.h */
};

/** The request that this one came of: it is part of it, or stands for it; else NULL. */
request_rec *request_before(const request_rec *r);

/** The request's state; NULL when it has none yet. */
struct request_state *request_state_get(const request_rec *r);

/** The same, made on first use. */
struct request_state *request_state_make(request_rec *r);

/**
 * A value from a token, fit for a log line: at most 64 bytes, everything but
 * printable ASCII escaped.
 */
const char *request_log_value(const char *value, apr_pool_t *pool);

#endif
