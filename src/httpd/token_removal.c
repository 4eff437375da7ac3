#include "httpd/token_removal.h"

#include <apr_strings.h>
#include <http_core.h>
#include <scoreboard.h>
#include <util_filter.h>

#include "httpd/config.h"
#include "httpd/request.h"
#include "httpd/token_source.h"
#include "token/bearer.h"

#define FILTER_NAME "AUTH0_PRIVATE"

static void keep(request_rec *r, const struct token_source *source, const char *text)
{
    struct request_state *state = request_state_make(r);
    struct token_text *kept;

    if (state->removed == NULL) {
        state->removed = apr_array_make(r->pool, 1, sizeof(*kept));
    }
    kept = apr_array_push(state->removed);
    kept->source = *source;
    kept->text = text;
}

/* The location's source of that kind and name; NULL when it has none. */
static const struct token_source *source_named(const request_rec *r,
                                               enum token_source_kind kind,
                                               const char *name)
{
    const apr_array_header_t *sources = config_dir(r)->token_sources;

    for (int i = 0; i < sources->nelts; i++) {
        const struct token_source *source =
            &APR_ARRAY_IDX(sources, i, struct token_source);

        if (source->kind == kind && strcmp(source->name, name) == 0) {
            return source;
        }
    }
    return NULL;
}

/*
 * A list without its tokens; NULL when nothing is left.
 *
 * @param removed  set to whether there were any
 * @param kept_by  the request whose state keeps them, or NULL
 */
static char *without_tokens(bool *removed, const char *list, const char *end,
                            enum token_source_kind kind, request_rec *r,
                            request_rec *kept_by)
{
    char *cleaned = apr_palloc(r->pool, (apr_size_t)(end - list) + 1);
    char *out = cleaned;
    bool first = true;
    struct token_pair pair;

    *removed = false;
    while (token_source_next(&pair, &list, end, kind, r->pool)) {
        const struct token_source *source = source_named(r, kind, pair.name);
        size_t len = (size_t)(pair.end - pair.begin);

        if (source != NULL) {
            *removed = true;
            if (kept_by != NULL && (kind == TOKEN_SOURCE_QUERY || *pair.value != '\0')) {
                keep(kept_by, source, pair.value);
            }
            continue;
        }
        if (!first) { /* a pair may be empty */
            *out++ = kind == TOKEN_SOURCE_QUERY ? '&' : ';';
        }
        first = false;
        memcpy(out, pair.begin, len);
        out += len;
    }
    *out = '\0';
    return out > cleaned ? cleaned : NULL;
}

/* A text in which a query begins at the first '?' and ends at one of @a stops. */
static char *clean_url(char *text, const char *stops, request_rec *r)
{
    const char *query = text != NULL ? strchr(text, '?') : NULL;
    const char *end = query != NULL ? query + strcspn(query, stops) : NULL;
    const char *cleaned;
    bool removed;

    if (query == NULL) {
        return text;
    }
    cleaned = without_tokens(&removed, query + 1, end, TOKEN_SOURCE_QUERY, r, NULL);
    if (!removed) {
        return text;
    }
    return apr_pstrcat(r->pool, apr_pstrmemdup(r->pool, text, (apr_size_t)(query - text)),
                       cleaned != NULL ? "?" : "", cleaned != NULL ? cleaned : "", end,
                       NULL);
}

/* All the places where httpd keeps a request's query. Says whether it had a token. */
static bool clean_places(request_rec *r, request_rec *asker)
{
    const char *line = asker->the_request;
    bool removed;

    if (asker->args != NULL) {
        char *cleaned =
            without_tokens(&removed, asker->args, asker->args + strlen(asker->args),
                           TOKEN_SOURCE_QUERY, r, asker == r ? r : NULL);

        asker->args = removed ? cleaned : asker->args;
    }
    if (asker->parsed_uri.query != NULL) {
        asker->parsed_uri.query = asker->args;
    }
    asker->the_request = clean_url(asker->the_request, " ", r);
    asker->unparsed_uri = clean_url(asker->unparsed_uri, "#", r);
    /* Of ProxyPass with nocanon, and of RewriteRule with [P]. */
    if (asker->filename != NULL && strncmp(asker->filename, "proxy:", 6) == 0) {
        asker->filename = clean_url(asker->filename, "", r);
    }
    return asker->the_request != line;
}

void token_removal_clean_query(request_rec *r)
{
    bool removed = false;

    if (!token_source_is_on(r, TOKEN_SOURCE_QUERY)) {
        return;
    }
    for (request_rec *asker = r; asker != NULL; asker = request_before(asker)) {
        removed |= clean_places(r, asker);
    }
    /* mod_status shows the request line. */
    if (removed && r->connection->sbh != NULL) {
        ap_update_child_status(r->connection->sbh, SERVER_BUSY_WRITE, r);
    }
}

int token_removal_clean_log(request_rec *r)
{
    token_removal_clean_query(r);
    return DECLINED;
}

static void hide_field(request_rec *r)
{
    static const struct token_source header = {.kind = TOKEN_SOURCE_HEADER};
    const char *name = token_source_field(r);
    const char *field = apr_table_get(r->headers_in, name);
    const char *token;
    size_t len;

    if (bearer_token(&token, &len, field) != REASON_NO_CREDENTIALS) {
        keep(r, &header, field);
        apr_table_unset(r->headers_in, name);
    }
}

static void hide_cookie(request_rec *r)
{
    const char *field = apr_table_get(r->headers_in, "Cookie");
    const char *cleaned;
    bool removed;

    if (field == NULL) {
        return;
    }
    cleaned =
        without_tokens(&removed, field, field + strlen(field), TOKEN_SOURCE_COOKIE, r, r);
    if (removed && cleaned != NULL) {
        apr_table_setn(r->headers_in, "Cookie", cleaned + strspn(cleaned, " \t"));
    }
    else if (removed) {
        apr_table_unset(r->headers_in, "Cookie");
    }
}

int token_removal_hide(request_rec *r)
{
    if (config_pass_token(config_dir(r)) || !config_is_our_auth_type(ap_auth_type(r))) {
        return DECLINED;
    }
    if (token_source_is_on(r, TOKEN_SOURCE_HEADER)) {
        hide_field(r);
    }
    if (token_source_is_on(r, TOKEN_SOURCE_COOKIE)) {
        hide_cookie(r);
    }
    return DECLINED;
}

/* Cache-Control for the client alone: what is not about shared caches stays. */
static const char *private_control(const char *control, apr_pool_t *pool)
{
    const char *made = "private";
    const char *item;

    while (control != NULL && (item = ap_get_token(pool, &control, 1)) != NULL &&
           *item != '\0') {
        if (ap_cstr_casecmpn(item, "public", 6) != 0 &&
            ap_cstr_casecmpn(item, "private", 7) != 0 &&
            ap_cstr_casecmpn(item, "s-maxage", 8) != 0 &&
            ap_cstr_casecmpn(item, "proxy-revalidate", 16) != 0) {
            made = apr_pstrcat(pool, made, ", ", item, NULL);
        }
        control += *control == ',' || *control == ';';
    }
    return made;
}

static apr_status_t write_private(ap_filter_t *f, apr_bucket_brigade *bb)
{
    request_rec *r = f->r;

    apr_table_setn(
        r->headers_out, "Cache-Control",
        private_control(apr_table_get(r->headers_out, "Cache-Control"), r->pool));
    ap_remove_output_filter(f);
    return ap_pass_brigade(f->next, bb);
}

static void mark_private(request_rec *r)
{
    request_state_make(r)->is_private = true;
    apr_table_setn(r->subprocess_env, "no-cache", "1"); /* for mod_cache */
    if (r->main != NULL) {
        return; /* the main request has the header fields */
    }
    for (const ap_filter_t *f = r->output_filters; f != NULL; f = f->next) {
        if (ap_cstr_casecmp(f->frec->name, FILTER_NAME) == 0) {
            return;
        }
    }
    ap_add_output_filter(FILTER_NAME, NULL, r, r->connection);
}

void token_removal_keep_private(request_rec *r)
{
    for (; r != NULL; r = r->main) {
        mark_private(r);
    }
}

int token_removal_clean(request_rec *r)
{
    const struct request_state *before =
        r->prev != NULL ? request_state_get(r->prev) : NULL;

    token_removal_clean_query(r);
    /* Filters and variables do not outlive an internal redirect. */
    if (before != NULL && before->is_private) {
        mark_private(r);
    }
    return DECLINED;
}

void token_removal_register(apr_pool_t *pool)
{
    (void)pool;
    /* Nearer to the client than mod_headers' filter and mod_cache's. */
    ap_register_output_filter(FILTER_NAME, write_private, NULL, AP_FTYPE_CONTENT_SET + 1);
}
