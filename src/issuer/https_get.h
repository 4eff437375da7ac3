/**
 * @file https_get.h
 * Bounded GETs over HTTPS (libcurl): the only place that opens a connection.
 *
 * HTTPS only, with peer and host name always verified: there is no switch for
 * that. TLS 1.2 or newer. No redirects, no content decoding, no cookies, no
 * netrc. Connect time, total time, header bytes and body bytes are bounded, so
 * no answer can hold the caller or its memory.
 *
 * One client runs any number of transfers side by side; a hung one delays no
 * other. A client belongs to one thread. curl_global_init is the caller's
 * business, once a process, before any thread.
 */
#ifndef AUTH0_ISSUER_HTTPS_GET_H
#define AUTH0_ISSUER_HTTPS_GET_H

#include <apr_time.h>
#include <stdbool.h>
#include <stddef.h>

struct https_client;

struct https_limits {
    apr_interval_time_t connect_timeout;
    apr_interval_time_t total_timeout;
    size_t body_max;     /**< bytes; an answer with more fails */
    const char *ca_file; /**< PEM trust anchors instead of the system's, or NULL */
    const char *proxy;   /**< URL; "" for none; NULL for what the environment says */
    /**
     * For who wants to see more of a transfer than its answer: called with libcurl's
     * handle (CURL *), all options set, before it begins. NULL: nobody does.
     */
    void (*watch)(void *easy, void *context);
    void *watch_context;
};

/** How a transfer ended. Valid during the callback only. */
struct https_answer {
    const char *error; /**< what went wrong in words, or NULL when body is good */
    const char *body;  /**< not terminated */
    size_t len;
    bool json_type; /**< Content-Type says JSON */
    apr_interval_time_t
        retry_after; /**< what a refusal asks for (RFC 9110 10.2.3), or 0 */
};

/** @param tag as given to https_get_start */
typedef void https_done(void *context, int tag, const struct https_answer *answer);

/**
 * @param limits  strings must outlive the client
 * @return NULL without memory
 */
struct https_client *https_client_create(const struct https_limits *limits);

/** Break off what is under way, without waiting for it, and give the client back. */
void https_client_destroy(struct https_client *client);

/** Begin a transfer; false without memory. */
bool https_get_start(struct https_client *client, const char *url, int tag);

/**
 * Let the transfers go on for up to @a wait, less when something happened, and
 * call @a done for each that ended.
 *
 * @param wake  a descriptor; that it is readable is something that happened. -1: none
 */
void https_get_run(struct https_client *client, apr_interval_time_t wait, int wake,
                   https_done *done, void *context);

/** Transfers under way. */
unsigned https_get_pending(const struct https_client *client);

#endif
