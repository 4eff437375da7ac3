#include "httpd/error_response.h"

#include <apr_strings.h>
#include <http_core.h>
#include <http_protocol.h>
#include <http_request.h>
#include <mod_core.h>
#include <stdlib.h>
#include <util_filter.h>

#include "httpd/config.h"
#include "httpd/request.h"

#define FILTER_NAME "AUTH0_ERROR"
#define REASON_NOTE "auth0-reason"
#define FIELD_NOTE "auth0-field"
#define LOOKUP_REASON_NOTE "auth0-lookup-reason"
#define LOOKUP_FIELD_NOTE "auth0-lookup-field"
#define JSON_TYPE "application/json; charset=utf-8"
#define DEFAULT_REALM "api"

static const char *realm(const request_rec *r)
{
    const char *name = ap_auth_name((request_rec *)(size_t)r);

    return ap_escape_quotes(r->pool, name != NULL ? name : DEFAULT_REALM);
}

static const char *challenge(const request_rec *r, enum reason reason)
{
    const struct request_state *state = request_state_get(r);
    const char *error = outcome_error(reason_outcome(reason));
    const char *text = apr_pstrcat(r->pool, "Bearer realm=\"", realm(r), "\"", NULL);

    if (error != NULL) {
        text = apr_pstrcat(r->pool, text, ", error=\"", error, "\", error_description=\"",
                           reason_sentence(reason), "\"", NULL);
    }
    if (reason == REASON_PERMISSION_MISSING && state->missing != NULL) {
        text = apr_pstrcat(r->pool, text, ", scope=\"",
                           apr_array_pstrcat(r->pool, state->missing, ' '), "\"", NULL);
    }
    return text;
}

/* Towards a forward proxy it is the proxy that asks: RFC 9110 11.7. */
static const char *challenge_field(const request_rec *r)
{
    return r->proxyreq == PROXYREQ_PROXY ? "Proxy-Authenticate" : "WWW-Authenticate";
}

static enum reason reason_in(const request_rec *r, const char *name)
{
    const char *note = apr_table_get(r->notes, name);

    return note != NULL ? (enum reason)atoi(note) : REASON_OK;
}

/*
 * Why the request was refused; REASON_OK when it was not. A note, because
 * mod_dir carries notes over from the sub-request for its index, with the status.
 */
static enum reason noted_reason(const request_rec *r)
{
    return reason_in(r, REASON_NOTE);
}

static int status_for(const request_rec *r, enum outcome outcome)
{
    int status = outcome_status(outcome);

    return status == HTTP_UNAUTHORIZED && r->proxyreq == PROXYREQ_PROXY
               ? HTTP_PROXY_AUTHENTICATION_REQUIRED
               : status;
}

/* The field that goes with an outcome; NULL for one that has none. */
static const char *field_of(const request_rec *r, enum outcome outcome)
{
    return outcome == OUTCOME_UNAVAILABLE     ? "Retry-After"
           : outcome == OUTCOME_MISCONFIGURED ? NULL
                                              : challenge_field(r);
}

/* Is this the ErrorDocument of a request that we refused? The answer is to that one. */
static bool is_error_document(const request_rec *r)
{
    for (r = r->prev; r != NULL; r = r->prev) {
        if (noted_reason(r) != REASON_OK) {
            return true;
        }
    }
    return false;
}

/* set, not add: err_headers_out outlives an internal redirect. */
static void mark_refused(request_rec *r, enum reason reason, const char *value)
{
    const char *field = field_of(r, reason_outcome(reason));

    if (is_error_document(r)) {
        return;
    }
    apr_table_setn(r->notes, REASON_NOTE, apr_itoa(r->pool, (int)reason));
    apr_table_setn(r->err_headers_out, "Cache-Control", "no-store");
    if (field != NULL) {
        apr_table_set(r->notes, FIELD_NOTE, value);
        apr_table_set(r->err_headers_out, field, value);
    }
}

int error_response_refuse(request_rec *r, enum reason reason, int retry_after)
{
    enum outcome outcome = reason_outcome(reason);
    const char *value = outcome == OUTCOME_UNAVAILABLE
                            ? apr_itoa(r->pool, retry_after > 1 ? retry_after : 1)
                            : challenge(r, reason);

    mark_refused(r, reason, value);
    if (r->main != NULL) {
        apr_table_set(r->main->notes, LOOKUP_REASON_NOTE, apr_itoa(r->pool, (int)reason));
        apr_table_set(r->main->notes, LOOKUP_FIELD_NOTE, value);
    }
    return status_for(r, outcome);
}

enum reason error_response_reason(const request_rec *r)
{
    enum reason reason = noted_reason(r);

    if (reason == REASON_OK) {
        reason = reason_in(r, LOOKUP_REASON_NOTE);
    }
    return r->status == status_for(r, reason_outcome(reason)) ? reason : REASON_OK;
}

/*
 * Of a sub-request that is only a look-up, mod_dir (FallbackResource) gives the client the
 * status and drops the rest.
 */
static void adopt_lookup(request_rec *r)
{
    enum reason reason = error_response_reason(r);

    if (reason != REASON_OK && noted_reason(r) == REASON_OK) {
        mark_refused(r, reason, apr_table_get(r->notes, LOOKUP_FIELD_NOTE));
    }
}

int error_response_note_auth_failure(request_rec *r, const char *auth_type)
{
    const struct request_state *state = request_state_get(r);

    if (!config_is_our_auth_type(auth_type)) {
        return DECLINED;
    }
    if (is_error_document(r)) {
        return OK;
    }
    if (state != NULL && state->reporting) {
        return OK; /* nobody is refused */
    }
    apr_table_setn(r->err_headers_out, challenge_field(r),
                   challenge(r, REASON_NO_CREDENTIALS));
    return OK;
}

/* Fixed sentences throughout: nothing here needs escaping. */
static const char *body_of_reason(const request_rec *r, enum reason reason)
{
    enum outcome outcome = reason_outcome(reason);

    if (outcome_error(outcome) == NULL) {
        return apr_pstrcat(r->pool, "{\"message\":\"", outcome_message(outcome), "\"}",
                           NULL);
    }
    return apr_pstrcat(r->pool, "{\"error\":\"", outcome_error(outcome),
                       "\",\"error_description\":\"", reason_sentence(reason),
                       "\",\"message\":\"", outcome_message(outcome), "\"}", NULL);
}

/* "404 Not Found" without the number. */
static const char *body_of_status(const request_rec *r)
{
    const char *line = ap_get_status_line(r->status);

    return apr_pstrcat(r->pool, "{\"message\":\"", line + strspn(line, "0123456789 "),
                       "\"}", NULL);
}

/* The JSON body for this error, or NULL to leave it to httpd. */
static const char *body_for(const request_rec *r)
{
    enum reason reason = noted_reason(r);
    enum error_body style = config_error_body(config_dir(r));

    if (style == ERROR_BODY_OFF || r->status < 400) {
        return NULL;
    }
    /* Unless something else went wrong after our refusal. */
    if (reason != REASON_OK && status_for(r, reason_outcome(reason)) == r->status) {
        return body_of_reason(r, reason);
    }
    return style == ERROR_BODY_ALL ? body_of_status(r) : NULL;
}

/* Has the administrator written a text for this status? (ErrorDocument 403 "...") */
static bool has_text_document(request_rec *r)
{
    const char *document = ap_response_code_string(r, ap_index_of_response(r->status));

    return document != NULL && *document == '"';
}

/* The filter's context: what is left to be done when the answer is written. */
struct error_answer {
    const char *body; /* JSON, or NULL to let httpd's pass */
    bool replaced;    /* what follows is the body that ours stands for */
};

/*
 * httpd has moved our header fields where mod_headers does not look for them, so
 * a Cache-Control that the administrator sets is now beside ours: it wins.
 */
static void drop_overruled_fields(request_rec *r)
{
    if (apr_table_get(r->err_headers_out, "Cache-Control") != NULL) {
        apr_table_unset(r->headers_out, "Cache-Control");
    }
}

/* An ErrorDocument that is itself refused, by another module, has left its challenge. */
static void restore_challenge(request_rec *r)
{
    const char *challenge = apr_table_get(r->notes, FIELD_NOTE);
    enum reason reason = noted_reason(r);
    const char *field;

    if (reason == REASON_OK || r->status != status_for(r, reason_outcome(reason))) {
        return;
    }
    field = field_of(r, reason_outcome(reason));
    if (field == NULL || field != challenge_field(r)) {
        apr_table_unset(r->headers_out, challenge_field(r));
        apr_table_unset(r->err_headers_out, challenge_field(r));
    }
    if (field != NULL && challenge != NULL) {
        apr_table_unset(r->err_headers_out, field);
        apr_table_setn(r->headers_out, field, challenge);
    }
}

static apr_status_t write_error(ap_filter_t *f, apr_bucket_brigade *bb)
{
    request_rec *r = f->r;
    struct error_answer *answer = f->ctx;
    const char *body = answer->body;
    apr_bucket_alloc_t *alloc = f->c->bucket_alloc;

    if (answer->replaced) {
        apr_brigade_cleanup(bb);
        return APR_SUCCESS;
    }
    drop_overruled_fields(r);
    restore_challenge(r);
    if (body == NULL) {
        ap_remove_output_filter(f);
        return ap_pass_brigade(f->next, bb);
    }
    answer->replaced = true;
    ap_set_content_type(r, JSON_TYPE);
    ap_set_content_length(r, (apr_off_t)strlen(body));
    apr_table_unset(r->headers_out, "Content-Encoding");
    apr_table_unset(r->headers_out, "Content-Language");
    apr_table_unset(r->headers_out, "ETag");
    apr_table_unset(r->headers_out, "Last-Modified");
    apr_brigade_cleanup(bb);
    APR_BRIGADE_INSERT_TAIL(bb,
                            apr_bucket_pool_create(body, strlen(body), r->pool, alloc));
    APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_eos_create(alloc));
    return ap_pass_brigade(f->next, bb);
}

static void insert_filter(request_rec *r)
{
    const char *body;
    struct error_answer *answer;
    bool refused;

    adopt_lookup(r);
    refused = noted_reason(r) != REASON_OK;
    body = has_text_document(r) ? NULL : body_for(r);
    if (body == NULL && !refused) {
        return;
    }
    for (const ap_filter_t *f = r->output_filters; f != NULL; f = f->next) {
        if (ap_cstr_casecmp(f->frec->name, FILTER_NAME) == 0) {
            return;
        }
    }
    answer = apr_pcalloc(r->pool, sizeof(*answer));
    answer->body = body;
    ap_add_output_filter(FILTER_NAME, answer, r, r->connection);
}

void error_response_register(apr_pool_t *pool)
{
    (void)pool;
    /* After mod_headers' filter, which is one of AP_FTYPE_CONTENT_SET. */
    ap_register_output_filter(FILTER_NAME, write_error, NULL, AP_FTYPE_CONTENT_SET + 1);
    ap_hook_insert_error_filter(insert_filter, NULL, NULL, APR_HOOK_LAST);
}
