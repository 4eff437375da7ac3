#include "issuer/https_get.h"

#include <apr_errno.h>
#include <curl/curl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "version.h"

/* Bytes of all header fields of an answer. */
#define HEADERS_MAX 32768

#define WORDS_MAX (CURL_ERROR_SIZE + 128)

struct transfer {
    struct transfer *next;
    struct https_client *client;
    CURL *easy;
    int tag;
    char *body;
    size_t len;
    size_t headers;
    const char *too_big; /* what was over its limit, or NULL */
    char curl_error[CURL_ERROR_SIZE];
    char words[WORDS_MAX];
};

struct https_client {
    struct https_limits limits;
    CURLM *multi;
    struct curl_slist *request_headers;
    struct transfer *transfers;
    unsigned pending;
};

static void transfer_free(struct transfer *transfer)
{
    if (transfer->easy != NULL) {
        curl_multi_remove_handle(transfer->client->multi, transfer->easy);
        curl_easy_cleanup(transfer->easy);
    }
    free(transfer->body);
    free(transfer);
}

struct https_client *https_client_create(const struct https_limits *limits)
{
    struct https_client *client = calloc(1, sizeof(*client));

    if (client == NULL) {
        return NULL;
    }
    client->limits = *limits;
    client->multi = curl_multi_init();
    client->request_headers = curl_slist_append(NULL, "Accept: application/json");
    if (client->multi == NULL || client->request_headers == NULL) {
        https_client_destroy(client);
        return NULL;
    }
    return client;
}

void https_client_destroy(struct https_client *client)
{
    while (client->transfers != NULL) {
        struct transfer *transfer = client->transfers;

        client->transfers = transfer->next;
        transfer_free(transfer);
    }
    curl_multi_cleanup(client->multi);
    curl_slist_free_all(client->request_headers);
    free(client);
}

unsigned https_get_pending(const struct https_client *client)
{
    return client->pending;
}

static size_t on_header(char *data, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;

    (void)data;
    transfer->headers += size * count;
    if (transfer->headers > HEADERS_MAX) {
        transfer->too_big = "header";
        return 0;
    }
    return size * count;
}

static size_t on_body(char *data, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    size_t more = size * count;

    if (more > transfer->client->limits.body_max - transfer->len) {
        transfer->too_big = "body";
        return 0;
    }
    memcpy(transfer->body + transfer->len, data, more);
    transfer->len += more;
    return more;
}

/* libcurl takes 0 for "no limit". */
static long milliseconds(apr_interval_time_t time)
{
    return time < 1000 ? 1 : (long)apr_time_as_msec(time);
}

/* Every option is of the essence: one that cannot be set means no transfer. */
static bool set_options(struct transfer *transfer, const char *url)
{
    const struct https_limits *limits = &transfer->client->limits;
    CURL *easy = transfer->easy;
    CURLcode rc = CURLE_OK;

#define SET(option, value)                                                               \
    do {                                                                                 \
        if (rc == CURLE_OK) {                                                            \
            rc = curl_easy_setopt(easy, option, value);                                  \
        }                                                                                \
    } while (0)

    SET(CURLOPT_URL, url);
    SET(CURLOPT_PROTOCOLS_STR, "https");
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_PROXY_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (limits->ca_file != NULL) {
        SET(CURLOPT_CAINFO, limits->ca_file);
        SET(CURLOPT_CAPATH, NULL);
        SET(CURLOPT_PROXY_CAINFO, limits->ca_file);
        SET(CURLOPT_PROXY_CAPATH, NULL);
    }
    if (limits->proxy != NULL) {
        SET(CURLOPT_PROXY, limits->proxy);
        SET(CURLOPT_NOPROXY, ""); /* nor does the environment make exceptions */
    }
    SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    SET(CURLOPT_CONNECTTIMEOUT_MS, milliseconds(limits->connect_timeout));
    SET(CURLOPT_TIMEOUT_MS, milliseconds(limits->total_timeout));
    SET(CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)limits->body_max);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_FRESH_CONNECT, 1L);
    SET(CURLOPT_DNS_CACHE_TIMEOUT, 0L); /* an address that changes is followed */
    SET(CURLOPT_FORBID_REUSE, 1L);
    SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(CURLOPT_HTTPHEADER, transfer->client->request_headers);
    SET(CURLOPT_USERAGENT, "mod_auth0_jwt/" AUTH0_JWT_VERSION);
    SET(CURLOPT_ERRORBUFFER, transfer->curl_error);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_HEADERDATA, transfer);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, transfer);
    SET(CURLOPT_PRIVATE, transfer);
#if LIBCURL_VERSION_NUM >= 0x075700
    /* Do not wait for a hung name server when the process stops (since 7.87). */
    SET(CURLOPT_QUICK_EXIT, 1L);
#endif
#undef SET
    return rc == CURLE_OK;
}

bool https_get_start(struct https_client *client, const char *url, int tag)
{
    struct transfer *transfer = calloc(1, sizeof(*transfer));

    if (transfer == NULL) {
        return false;
    }
    transfer->client = client;
    transfer->tag = tag;
    transfer->body = malloc(client->limits.body_max);
    transfer->easy = curl_easy_init();
    if (transfer->body == NULL || transfer->easy == NULL || !set_options(transfer, url)) {
        transfer_free(transfer);
        return false;
    }
    if (client->limits.watch != NULL) {
        client->limits.watch(transfer->easy, client->limits.watch_context);
    }
    if (curl_multi_add_handle(client->multi, transfer->easy) != CURLM_OK) {
        transfer_free(transfer);
        return false;
    }
    transfer->next = client->transfers;
    client->transfers = transfer;
    client->pending++;
    return true;
}

/* Which party kept a transfer waiting is not always in curl's own words. */
static bool goes_through_proxy(const struct transfer *transfer)
{
#if LIBCURL_VERSION_NUM >= 0x080700
    long used = 0;

    return curl_easy_getinfo(transfer->easy, CURLINFO_USED_PROXY, &used) == CURLE_OK &&
           used != 0;
#else
    const char *proxy = transfer->client->limits.proxy;

    return proxy != NULL && proxy[0] != '\0';
#endif
}

/* Words for a transfer without an answer. */
static const char *describe_failure(struct transfer *transfer, CURLcode rc)
{
    const struct https_limits *limits = &transfer->client->limits;
    const char *said =
        transfer->curl_error[0] != '\0' ? transfer->curl_error : curl_easy_strerror(rc);
    char why[128];
    long code = 0;
    curl_off_t elapsed = 0; /* microseconds */

    if (rc == CURLE_OPERATION_TIMEDOUT) {
        curl_easy_getinfo(transfer->easy, CURLINFO_TOTAL_TIME_T, &elapsed);
        snprintf(transfer->words, WORDS_MAX,
                 "timed out after %.1f s%s "
                 "(limits: %.1f s to connect, %.1f s in all): %s",
                 (double)elapsed / APR_USEC_PER_SEC,
                 goes_through_proxy(transfer) ? " through a proxy" : "",
                 (double)limits->connect_timeout / APR_USEC_PER_SEC,
                 (double)limits->total_timeout / APR_USEC_PER_SEC, said);
        return transfer->words;
    }
    if (rc == CURLE_SSL_CACERT_BADFILE) {
        snprintf(transfer->words, WORDS_MAX,
                 "%s: uid %lu must be able to read this file and to enter its folders",
                 said, (unsigned long)geteuid());
        return transfer->words;
    }
    curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &code);
    if (rc == CURLE_COULDNT_CONNECT && code != 0) {
        snprintf(transfer->words, WORDS_MAX, "%s: %s",
                 apr_strerror((apr_status_t)code, why, sizeof(why)), said);
        return transfer->words;
    }
    curl_easy_getinfo(transfer->easy, CURLINFO_HTTP_CONNECTCODE, &code);
    if (code >= 300) {
        snprintf(transfer->words, WORDS_MAX, "the proxy answers %ld: %s", code, said);
        return transfer->words;
    }
    return said;
}

/* A coding of the body that nobody asked for (RFC 9110 8.4), or NULL. */
static const char *content_coding(CURL *easy)
{
    struct curl_header *header = NULL;

    if (curl_easy_header(easy, "Content-Encoding", 0, CURLH_HEADER, -1, &header) !=
            CURLHE_OK ||
        strcasecmp(header->value, "identity") == 0) {
        return NULL;
    }
    return header->value;
}

/* The failure in words that an administrator can act on; NULL when there was none. */
static const char *describe(struct transfer *transfer, CURLcode rc)
{
    const char *coding;
    long status = 0;

    if (transfer->too_big != NULL || rc == CURLE_FILESIZE_EXCEEDED) {
        snprintf(transfer->words, WORDS_MAX, "the answer's %s is over its limit",
                 transfer->too_big != NULL ? transfer->too_big : "body");
        return transfer->words;
    }
    if (rc != CURLE_OK) {
        return describe_failure(transfer, rc);
    }
    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status >= 300 && status < 400 && status != 304) {
        snprintf(transfer->words, WORDS_MAX,
                 "status %ld: redirects are not followed, name the final URL", status);
        return transfer->words;
    }
    if (status != 200) {
        snprintf(transfer->words, WORDS_MAX, "status %ld instead of 200", status);
        return transfer->words;
    }
    coding = content_coding(transfer->easy);
    if (coding != NULL) {
        snprintf(transfer->words, WORDS_MAX,
                 "the answer is encoded (%.32s), though no encoding was asked for",
                 coding);
        return transfer->words;
    }
    return NULL;
}

static bool has_json_type(CURL *easy)
{
    const char *type = NULL;

    if (curl_easy_getinfo(easy, CURLINFO_CONTENT_TYPE, &type) != CURLE_OK ||
        type == NULL) {
        return false;
    }
    return strncasecmp(type, "application/json", 16) == 0 ||
           strncasecmp(type, "application/jwk-set+json", 24) == 0;
}

static apr_interval_time_t retry_after(CURL *easy)
{
    curl_off_t seconds = 0;

    curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &seconds);
    /* Whoever asks for more than a century asks for no more than that. */
    return apr_time_from_sec(seconds < 0            ? 0
                             : seconds > UINT32_MAX ? UINT32_MAX
                                                    : seconds);
}

static void finish(struct transfer *transfer, CURLcode rc, https_done *done,
                   void *context)
{
    struct https_client *client = transfer->client;
    struct transfer **link = &client->transfers;
    struct https_answer answer = {
        .error = describe(transfer, rc),
        .body = transfer->body,
        .len = transfer->len,
        .json_type = has_json_type(transfer->easy),
    };

    if (rc == CURLE_OK && answer.error != NULL) {
        answer.retry_after = retry_after(transfer->easy);
    }
    while (*link != transfer) {
        link = &(*link)->next;
    }
    *link = transfer->next;
    client->pending--;
    done(context, transfer->tag, &answer);
    transfer_free(transfer);
}

void https_get_run(struct https_client *client, apr_interval_time_t wait, int wake,
                   https_done *done, void *context)
{
    struct curl_waitfd also = {.fd = wake, .events = CURL_WAIT_POLLIN};
    const CURLMsg *message;
    int running = 0;
    int left = 0;

    curl_multi_perform(client->multi, &running);
    if (running > 0) {
        curl_multi_poll(client->multi, &also, wake >= 0 ? 1 : 0,
                        (int)apr_time_as_msec(wait), NULL);
        curl_multi_perform(client->multi, &running);
    }
    while ((message = curl_multi_info_read(client->multi, &left)) != NULL) {
        struct transfer *transfer = NULL;
        CURLcode rc;

        if (message->msg != CURLMSG_DONE) {
            continue;
        }
        rc = message->data.result; /* the message dies with its handle */
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
        finish(transfer, rc, done, context);
    }
}
