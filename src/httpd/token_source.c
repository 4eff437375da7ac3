#include "httpd/token_source.h"

#include <apr_lib.h>
#include <apr_strings.h>

#include "httpd/config.h"
#include "httpd/config_values.h"
#include "httpd/request.h"
#include "token/bearer.h"

#define QUERY_DEFAULT "access_token" /* RFC 6750 2.3 */

/* ---- Auth0TokenSource ---------------------------------------------------------------- */

/* tchar of RFC 9110 5.6.2, which a cookie's name is made of, and no encoding changes. */
static bool is_name(const char *text)
{
    const char *p = text;

    while (apr_isalnum(*p) || (*p != '\0' && strchr("-_.~", *p) != NULL)) {
        p++;
    }
    return p > text && *p == '\0';
}

static bool is_same(const struct token_source *a, const struct token_source *b)
{
    return a->kind == b->kind &&
           (a->kind == TOKEN_SOURCE_HEADER || strcmp(a->name, b->name) == 0);
}

const char *token_source_add(apr_array_header_t **list, const cmd_parms *cmd,
                             const char *value)
{
    struct token_source source = {.kind = TOKEN_SOURCE_QUERY, .name = QUERY_DEFAULT};
    const char *error = value_check(cmd, value);

    if (error != NULL) {
        return error;
    }
    if (strcmp(value, "header") == 0) {
        source.kind = TOKEN_SOURCE_HEADER;
        source.name = NULL;
    }
    else if (strncmp(value, "cookie:", 7) == 0 && is_name(value + 7)) {
        source.kind = TOKEN_SOURCE_COOKIE;
        source.name = value + 7;
    }
    else if (strncmp(value, "query:", 6) == 0 && is_name(value + 6)) {
        source.name = value + 6;
    }
    else if (strcmp(value, "query") != 0) {
        return apr_pstrcat(cmd->pool, cmd->cmd->name, ": \"", value,
                           "\" is none of header, cookie:name, query and query:name, the "
                           "name being of letters, digits and -_.~",
                           NULL);
    }
    if (*list == NULL) {
        *list = apr_array_make(cmd->pool, 2, sizeof(source));
    }
    for (int i = 0; i < (*list)->nelts; i++) {
        if (is_same(&APR_ARRAY_IDX(*list, i, struct token_source), &source)) {
            return apr_pstrcat(cmd->pool, cmd->cmd->name, ": ", value,
                               " is named twice here", NULL);
        }
    }
    APR_ARRAY_PUSH(*list, struct token_source) = source;
    return NULL;
}

/* ---- reading lists of pairs ------------------------------------------------------------ */

static int hex_digit(char c)
{
    return apr_isdigit(c) ? c - '0' : apr_isxdigit(c) ? apr_tolower(c) - 'a' + 10 : -1;
}

/*
 * As in application/x-www-form-urlencoded. What is no escape stands for itself; an
 * escaped NUL becomes one that no token and no name can have.
 */
static const char *decode(const char *text, size_t len, apr_pool_t *pool)
{
    char *decoded = apr_palloc(pool, len + 1);
    char *out = decoded;

    for (size_t i = 0; i < len; i++) {
        int high = text[i] == '%' && i + 2 < len ? hex_digit(text[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(text[i + 2]) : -1;

        if (low >= 0) {
            unsigned char byte = (unsigned char)(high * 16 + low);

            byte = byte != 0 ? byte : 1;
            *out++ = (char)byte;
            i += 2;
        }
        else if (text[i] == '+') {
            *out++ = ' ';
        }
        else {
            *out++ = text[i];
        }
    }
    *out = '\0';
    return decoded;
}

static void trim(const char **begin, const char **end)
{
    while (*begin < *end && (**begin == ' ' || **begin == '\t')) {
        (*begin)++;
    }
    while (*end > *begin && ((*end)[-1] == ' ' || (*end)[-1] == '\t')) {
        (*end)--;
    }
}

bool token_source_next(struct token_pair *pair, const char **at, const char *end,
                       enum token_source_kind kind, apr_pool_t *pool)
{
    bool cookie = kind == TOKEN_SOURCE_COOKIE;
    const char *begin = *at;
    const char *stop;
    const char *equals;

    if (begin >= end) {
        return false;
    }
    stop = memchr(begin, cookie ? ';' : '&', (size_t)(end - begin));
    stop = stop != NULL ? stop : end;
    pair->begin = begin;
    pair->end = stop;
    *at = stop < end ? stop + 1 : end;

    if (cookie) {
        trim(&begin, &stop);
    }
    equals = memchr(begin, '=', (size_t)(stop - begin));
    if (equals == NULL) {
        equals = stop;
    }
    pair->name = cookie ? apr_pstrmemdup(pool, begin, (apr_size_t)(equals - begin))
                        : decode(begin, (size_t)(equals - begin), pool);
    begin = equals < stop ? equals + 1 : stop;
    if (!cookie) {
        pair->value = decode(begin, (size_t)(stop - begin), pool);
        return true;
    }
    if (stop - begin >= 2 && *begin == '"' && stop[-1] == '"') {
        begin++;
        stop--;
    }
    pair->value = apr_pstrmemdup(pool, begin, (apr_size_t)(stop - begin));
    return true;
}

/* ---- finding the token ----------------------------------------------------------------- */

static const struct token_source header_only = {.kind = TOKEN_SOURCE_HEADER};

/* The location's sources. What asks a forward proxy has its own field, and no other. */
static const struct token_source *sources_of(int *count, const request_rec *r)
{
    const apr_array_header_t *sources = config_dir(r)->token_sources;

    if (sources == NULL || r->proxyreq == PROXYREQ_PROXY) {
        *count = 1;
        return &header_only;
    }
    *count = sources->nelts;
    return (const struct token_source *)sources->elts;
}

bool token_source_is_on(const request_rec *r, enum token_source_kind kind)
{
    int count;
    const struct token_source *sources = sources_of(&count, r);

    for (int i = 0; i < count; i++) {
        if (sources[i].kind == kind) {
            return true;
        }
    }
    return false;
}

const char *token_source_field(const request_rec *r)
{
    return r->proxyreq == PROXYREQ_PROXY ? "Proxy-Authorization" : "Authorization";
}

/* What was found so far, and what is to be said of the last of it. */
struct search {
    unsigned count;
    enum reason reason;
    struct token_found found;
};

static void note(struct search *search, enum token_source_kind kind, const char *text)
{
    struct token_found found = {.kind = kind};
    enum reason reason;

    if (kind == TOKEN_SOURCE_HEADER) {
        reason = bearer_token(&found.token, &found.len, text);
    }
    else {
        found.token = text;
        found.len = strlen(text);
        reason =
            bearer_is_token(text, found.len) ? REASON_OK : REASON_AUTHORIZATION_MALFORMED;
    }
    if (reason != REASON_NO_CREDENTIALS) { /* no field, or another scheme */
        search->count++;
        search->reason = reason;
        search->found = found;
    }
}

static void search_pairs(struct search *search, const struct token_source *source,
                         const char *list, apr_pool_t *pool)
{
    const char *end = list != NULL ? list + strlen(list) : NULL;
    struct token_pair pair;

    while (token_source_next(&pair, &list, end, source->kind, pool)) {
        /* Servers forget a cookie by emptying it; an empty parameter is a mistake. */
        if (strcmp(pair.name, source->name) == 0 &&
            (source->kind == TOKEN_SOURCE_QUERY || *pair.value != '\0')) {
            note(search, source->kind, pair.value);
        }
    }
}

static void search_request(struct search *search, const struct token_source *source,
                           request_rec *r)
{
    switch (source->kind) {
    case TOKEN_SOURCE_HEADER:
        note(search, source->kind, apr_table_get(r->headers_in, token_source_field(r)));
        break;
    case TOKEN_SOURCE_COOKIE:
        search_pairs(search, source, apr_table_get(r->headers_in, "Cookie"), r->pool);
        break;
    case TOKEN_SOURCE_QUERY:
        search_pairs(search, source, r->args, r->pool);
        break;
    }
}

/* What was taken out of this request, and of those that it came of. */
static void search_removed(struct search *search, const struct token_source *source,
                           const request_rec *r)
{
    for (; r != NULL; r = request_before(r)) {
        const struct request_state *state = request_state_get(r);
        const apr_array_header_t *removed = state != NULL ? state->removed : NULL;

        for (int i = 0; removed != NULL && i < removed->nelts; i++) {
            const struct token_text *text = &APR_ARRAY_IDX(removed, i, struct token_text);

            if (is_same(&text->source, source)) {
                note(search, source->kind, text->text);
            }
        }
    }
}

enum reason token_source_find(struct token_found *found, request_rec *r)
{
    struct search search = {.count = 0};
    const struct token_source *sources;
    int count;

    sources = sources_of(&count, r);
    for (int i = 0; i < count; i++) {
        search_request(&search, &sources[i], r);
        search_removed(&search, &sources[i], r);
    }
    if (search.count == 0) {
        return REASON_NO_CREDENTIALS;
    }
    *found = search.found;
    return search.count == 1 ? search.reason : REASON_TOKEN_REPEATED;
}
