#include "httpd/cors.h"

#include <apr_strings.h>
#include <http_config.h>
#include <http_protocol.h>
#include <http_request.h>
#include <util_filter.h>

#include "httpd/config.h"

#define ALLOW_ORIGIN "Access-Control-Allow-Origin"
#define ALLOW_METHODS "GET"
#define ALLOW_HEADERS "Authorization, Content-Type"
#define MAX_AGE "86400"
#define FILTER "AUTH0_CORS"

static const char *listed_origin(const request_rec *r, const apr_array_header_t *origins)
{
    const char *origin = apr_table_get(r->headers_in, "Origin");

    for (int i = 0; origin != NULL && i < origins->nelts; i++) {
        const char *listed = APR_ARRAY_IDX(origins, i, const char *);

        if (strcmp(origin, listed) == 0) {
            return listed;
        }
    }
    return NULL;
}

/* In err_headers_out, which errors and internal redirects keep; so only once. */
static const char *mark(request_rec *r, const struct dir_config *dir)
{
    const char *origin = listed_origin(r, dir->cors_origins);
    const char *vary = apr_table_get(r->err_headers_out, "Vary");

    /* Whoever asks: a cache must not serve one origin's answer to another. */
    if (vary == NULL || !ap_find_token(r->pool, vary, "Origin")) {
        apr_table_mergen(r->err_headers_out, "Vary", "Origin");
    }
    if (origin != NULL) {
        apr_table_setn(r->err_headers_out, ALLOW_ORIGIN, origin);
    }
    return origin;
}

static int answer(request_rec *r)
{
    const struct dir_config *dir = config_dir(r);

    if (dir->cors_origins == NULL || mark(r, dir) == NULL ||
        r->method_number != M_OPTIONS ||
        apr_table_get(r->headers_in, "Access-Control-Request-Method") == NULL) {
        return DECLINED;
    }
    apr_table_setn(r->err_headers_out, "Access-Control-Allow-Methods", ALLOW_METHODS);
    apr_table_setn(r->err_headers_out, "Access-Control-Allow-Headers", ALLOW_HEADERS);
    apr_table_setn(r->err_headers_out, "Access-Control-Max-Age", MAX_AGE);
    return HTTP_NO_CONTENT;
}

/* What the service behind us or mod_headers set: browsers refuse an answer with two. */
static apr_status_t drop_other(ap_filter_t *filter, apr_bucket_brigade *brigade)
{
    ap_filter_t *next = filter->next;

    apr_table_unset(filter->r->headers_out, ALLOW_ORIGIN);
    ap_remove_output_filter(filter);
    return ap_pass_brigade(next, brigade);
}

static void drop_others(request_rec *r)
{
    if (config_dir(r)->cors_origins != NULL) {
        ap_add_output_filter(FILTER, NULL, r, r->connection);
    }
}

static void mark_error(request_rec *r)
{
    const struct dir_config *dir = config_dir(r);

    if (dir->cors_origins != NULL) {
        mark(r, dir);
    }
}

void cors_register(apr_pool_t *pool)
{
    (void)pool;
    /* So before authentication. */
    ap_hook_header_parser(answer, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_insert_filter(drop_others, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_insert_error_filter(mark_error, NULL, NULL, APR_HOOK_MIDDLE);
    /* After mod_headers, and before the head is written. */
    ap_register_output_filter(FILTER, drop_other, NULL, AP_FTYPE_PROTOCOL - 1);
}
