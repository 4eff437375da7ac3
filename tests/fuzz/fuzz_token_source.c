/*
 * Where a token stands, and taking it out. The input, in parts between lines of "--":
 * letters for the kind of request (see enum circumstance), the words of Auth0TokenSource,
 * the query, the Cookie field, the field with the credentials, and the query of the
 * request before an internal redirect.
 *
 * What is found is what a reading of the lists apart from token_source.c finds, before
 * any token is taken out and after it; what stays is all the rest, byte for byte.
 */
#include <apr_strings.h>
#include <ctype.h>
#include <string.h>

#include "fuzz.h"
#include "httpd/request.h"
#include "httpd/token_removal.h"
#include "httpd/token_source.h"
#include "httpd_stubs.h"
#include "token/bearer.h"

#define WORDS_MAX 8

enum part_name { WHICH, SOURCES, QUERY, COOKIE, FIELD, BEFORE, PARTS };

enum circumstance {
    FORWARD_PROXY = 'p', /* the request is for another server */
    PASS_OFF = 'h',      /* Auth0PassToken Off */
    OTHER_TYPE = 'o',    /* the place is not of AuthType Auth0 */
    REDIRECT = 'r',      /* an internal redirect, from a place with the same sources */
    SUBREQUEST = 's',    /* a sub-request of such a one */
    UNTOUCHED = 'u'      /* the request before has not been cleaned */
};

/* What a request is made of, and what must be found there. */
struct given {
    const char *query;
    const char *cookie;
    const char *field;
};

struct expected {
    int count;
    enum token_source_kind kind; /* of the last one */
    const char *text;
};

static struct part letters;
static const command_rec command = {.name = "Auth0TokenSource"};

static bool is(enum circumstance letter)
{
    return memchr(letters.bytes, (int)letter, letters.len) != NULL;
}

/* ---- Auth0TokenSource -------------------------------------------------------------- */

/* Has the list this source? @a name is NULL for the header field. */
static bool is_listed(enum token_source_kind kind, const char *name)
{
    const apr_array_header_t *list = stub_dir.token_sources;

    for (int i = 0; list != NULL && i < list->nelts; i++) {
        const struct token_source *source = &APR_ARRAY_IDX(list, i, struct token_source);

        if (source->kind == kind &&
            (name == NULL ? source->name == NULL : strcmp(source->name, name) == 0)) {
            return true;
        }
    }
    return false;
}

/* The header field alone is read where nothing is said, and for another server. */
static bool only_header(void)
{
    return stub_dir.token_sources == NULL || is(FORWARD_PROXY);
}

static bool reads_header(void)
{
    return only_header() || is_listed(TOKEN_SOURCE_HEADER, NULL);
}

/* A kind, and the name behind its colon; false for what no source is written like. */
static bool read_source(enum token_source_kind *kind, const char **name, const char *word)
{
    const char *colon = strchr(word, ':');
    size_t len = colon != NULL ? (size_t)(colon - word) : strlen(word);
    size_t good = 0;

    *name = colon != NULL ? colon + 1 : NULL;
    while (*name != NULL && (*name)[good] != '\0' &&
           (isalnum((unsigned char)(*name)[good]) || strchr("-._~", (*name)[good]))) {
        good++;
    }
    if (*name != NULL && (good == 0 || (*name)[good] != '\0')) {
        return false;
    }
    *kind = len == 6 && memcmp(word, "header", 6) == 0   ? TOKEN_SOURCE_HEADER
            : len == 6 && memcmp(word, "cookie", 6) == 0 ? TOKEN_SOURCE_COOKIE
                                                         : TOKEN_SOURCE_QUERY;
    if (*kind == TOKEN_SOURCE_QUERY) {
        *name = *name != NULL ? *name : "access_token";
        return len == 5 && memcmp(word, "query", 5) == 0;
    }
    return (*kind == TOKEN_SOURCE_HEADER) == (*name == NULL);
}

static void add_sources(const char *line, apr_pool_t *pool)
{
    cmd_parms cmd = {.pool = pool, .temp_pool = pool, .cmd = &command};
    apr_array_header_t *list = NULL;

    stub_dir.token_sources = NULL;
    for (int i = 0; i < WORDS_MAX && *line != '\0'; i++) {
        const char *word = ap_getword_conf(pool, &line);
        int count = list != NULL ? list->nelts : 0;
        enum token_source_kind kind;
        const char *name;
        const char *error;
        bool good = read_source(&kind, &name, word);

        stub_dir.token_sources = list;
        good = good && (list == NULL || !is_listed(kind, name));
        error = token_source_add(&list, &cmd, word);
        HOLDS((error == NULL) == good);
        HOLDS((list != NULL ? list->nelts : 0) == count + good);
        HOLDS(error == NULL || strncmp(error, "Auth0TokenSource: ", 18) == 0);
        stub_dir.token_sources = list;
        HOLDS(!good || is_listed(kind, name));
    }
}

/* ---- lists of pairs, once more ----------------------------------------------------- */

static int hex(const char *digits, size_t len)
{
    char text[3] = {0};

    if (len < 2 || !isxdigit((unsigned char)digits[0]) ||
        !isxdigit((unsigned char)digits[1])) {
        return -1;
    }
    memcpy(text, digits, 2);
    return (int)strtol(text, NULL, 16);
}

/* A name or a value of a query; what cannot be in a token stands for NUL. */
static char *decoded(struct part text)
{
    char *out = fuzz_room(text.len + 1);
    size_t len = 0;

    while (text.len > 0) {
        int byte = *text.bytes == '%' ? hex(text.bytes + 1, text.len - 1) : -1;
        size_t taken = byte >= 0 ? 3 : 1;

        if (byte < 0) {
            byte = *text.bytes == '+' ? ' ' : *text.bytes;
        }
        out[len++] = (char)(byte == 0 ? 1 : byte);
        text.bytes += taken;
        text.len -= taken;
    }
    out[len] = '\0';
    return out;
}

/* RFC 6265 4.1.1: the value of a cookie may stand in quotes, and not all of it then. */
static char *unquoted(struct part text)
{
    if (text.len > 1 && text.bytes[0] == '"' && text.bytes[text.len - 1] == '"') {
        return fuzz_string(text.bytes + 1, text.len - 2);
    }
    return fuzz_string(text.bytes, text.len);
}

/* One pair without the white space around it, as name and value. */
static bool is_token(const char **value, struct part pair, enum token_source_kind kind)
{
    const char *equals;
    struct part name;

    while (kind == TOKEN_SOURCE_COOKIE && pair.len > 0 && strchr(" \t", *pair.bytes)) {
        pair.bytes++;
        pair.len--;
    }
    while (kind == TOKEN_SOURCE_COOKIE && pair.len > 0 &&
           strchr(" \t", pair.bytes[pair.len - 1])) {
        pair.len--;
    }
    equals = memchr(pair.bytes, '=', pair.len);
    name = (struct part){pair.bytes,
                         equals != NULL ? (size_t)(equals - pair.bytes) : pair.len};
    if (equals == NULL) {
        *value = "";
    }
    else {
        pair.len -= name.len + 1;
        pair.bytes = equals + 1;
        *value = kind == TOKEN_SOURCE_QUERY ? decoded(pair) : unquoted(pair);
    }
    return is_listed(kind, kind == TOKEN_SOURCE_QUERY
                               ? decoded(name)
                               : fuzz_string(name.bytes, name.len));
}

/* Add a list's tokens; what it is without them, or NULL when nothing is left. */
static const char *read_list(struct expected *expected, const char *list,
                             enum token_source_kind kind)
{
    char separator = kind == TOKEN_SOURCE_QUERY ? '&' : ';';
    const char *rest = NULL;
    bool tokens = false;
    const char *begin = list;
    apr_pool_t *pool = stub_dir.token_sources->pool;

    while (*begin != '\0') {
        const char *end = begin;
        const char *value;

        while (*end != '\0' && *end != separator) {
            end++;
        }
        if (is_token(&value, (struct part){begin, (size_t)(end - begin)}, kind)) {
            tokens = true;
            /* Cookies are forgotten by emptying them. */
            if (*value != '\0' || kind == TOKEN_SOURCE_QUERY) {
                expected->count++;
                expected->kind = kind;
                expected->text = value;
            }
        }
        else {
            rest = apr_pstrcat(pool, rest != NULL ? rest : "",
                               rest != NULL ? (const char[]){separator, '\0'} : "",
                               fuzz_string(begin, (size_t)(end - begin)), NULL);
        }
        begin = *end != '\0' ? end + 1 : end;
    }
    return !tokens ? list : rest != NULL && *rest != '\0' ? rest : NULL;
}

/* The same for a list that may not be there, or not be read at all. */
static const char *read_place(struct expected *expected, const char *list,
                              enum token_source_kind kind)
{
    return list == NULL || only_header() ? list : read_list(expected, list, kind);
}

/* A query within a text, from its '?' to one of these characters. */
static const char *read_url(const char *text, const char *stops, apr_pool_t *pool)
{
    struct expected ignored;
    const char *query = strchr(text, '?');
    const char *end = query != NULL ? query + strcspn(query, stops) : NULL;
    const char *list;
    const char *rest;

    if (query == NULL || only_header()) {
        return text;
    }
    query++;
    list = fuzz_string(query, (size_t)(end - query));
    rest = read_list(&ignored, list, TOKEN_SOURCE_QUERY);
    return rest == list ? text
                        : apr_pstrcat(pool, fuzz_string(text, (size_t)(query - text - 1)),
                                      rest != NULL ? "?" : "", rest != NULL ? rest : "",
                                      end, NULL);
}

/* ---- requests ---------------------------------------------------------------------- */

static const char *field_name(void)
{
    return is(FORWARD_PROXY) ? "Proxy-Authorization" : "Authorization";
}

static bool same(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static request_rec *make_request(const char *query, apr_pool_t *pool)
{
    request_rec *r = stub_request(pool);
    const char *text = query != NULL ? apr_pstrcat(pool, "/a?", query, NULL) : "/a";

    r->proxyreq = is(FORWARD_PROXY) ? PROXYREQ_PROXY : PROXYREQ_NONE;
    r->ap_auth_type = fuzz_string(is(OTHER_TYPE) ? "Basic" : "Auth0", 5);
    r->args = query != NULL ? fuzz_string(query, strlen(query)) : NULL;
    r->parsed_uri.query = r->args;
    r->unparsed_uri = apr_pstrcat(pool, text, "#f", NULL);
    r->the_request = apr_pstrcat(pool, "GET ", text, " HTTP/1.1", NULL);
    r->filename = apr_pstrcat(pool, "proxy:http://b", text, NULL);
    return r;
}

static void check_found(request_rec *r, const struct expected *expected)
{
    struct token_found found;
    enum reason reason = token_source_find(&found, r);
    const char *token;
    size_t len;

    if (expected->count != 1) {
        HOLDS(reason ==
              (expected->count == 0 ? REASON_NO_CREDENTIALS : REASON_TOKEN_REPEATED));
        return;
    }
    HOLDS(reason == REASON_OK || reason == REASON_AUTHORIZATION_MALFORMED);
    if (expected->kind == TOKEN_SOURCE_HEADER) {
        HOLDS(reason == bearer_token(&token, &len, expected->text));
    }
    else {
        token = expected->text;
        len = strlen(token);
        for (const char *p = token; *p != '\0'; p++) {
            HOLDS(reason != REASON_OK || (*p > 0x20 && *p < 0x7f && !strchr("\",", *p)));
        }
        HOLDS((reason == REASON_OK) == bearer_is_token(token, len));
    }
    HOLDS(reason != REASON_OK || (found.kind == expected->kind && found.len == len &&
                                  memcmp(found.token, token, len) == 0));
}

/* As this module reads them itself, nothing is left. */
static void check_none_left(const char *list, enum token_source_kind kind,
                            apr_pool_t *pool)
{
    const char *end = list != NULL ? list + strlen(list) : NULL;
    struct token_pair pair;

    while (token_source_next(&pair, &list, end, kind, pool)) {
        HOLDS(!is_listed(kind, pair.name));
    }
}

/* Every place that has a query has this one's rest. */
static void check_query(const request_rec *r, const char *query, apr_pool_t *pool)
{
    struct expected ignored;
    const request_rec *whole = make_request(query, pool);
    const char *rest = read_place(&ignored, query, TOKEN_SOURCE_QUERY);

    HOLDS(same(r->args, rest) && same(r->parsed_uri.query, rest));
    HOLDS(same(r->unparsed_uri, read_url(whole->unparsed_uri, "#", pool)));
    HOLDS(same(r->the_request, read_url(whole->the_request, " ", pool)));
    HOLDS(same(r->filename, read_url(whole->filename, "", pool)));
    if (!only_header()) {
        check_none_left(r->args, TOKEN_SOURCE_QUERY, pool);
    }
}

static void check_fields(const request_rec *r, const struct given *given, bool hidden)
{
    struct expected ignored;
    const char *token;
    size_t len;
    const char *field = given->field;
    const char *cookie = given->cookie;

    if (hidden && reads_header() &&
        bearer_token(&token, &len, field) != REASON_NO_CREDENTIALS) {
        field = NULL;
    }
    if (hidden) {
        cookie = read_place(&ignored, cookie, TOKEN_SOURCE_COOKIE);
    }
    if (cookie != NULL && cookie != given->cookie) {
        cookie += strspn(cookie, " \t");
    }
    HOLDS(same(apr_table_get(r->headers_in, field_name()), field));
    HOLDS(same(apr_table_get(r->headers_in, "Cookie"), cookie));
    HOLDS(same(apr_table_get(r->headers_in, "X-Other"), "Bearer a"));
}

/* The request before: cleaned as it went by, unless its place reads no queries. */
static request_rec *make_asker(struct expected *expected, const char *query,
                               apr_pool_t *pool)
{
    request_rec *asker = make_request(query, pool);

    if (!is(UNTOUCHED)) {
        read_place(expected, query, TOKEN_SOURCE_QUERY);
        token_removal_clean_query(asker);
        check_query(asker, query, pool);
    }
    return asker;
}

static void try_request(const struct given *given, const char *before, apr_pool_t *pool)
{
    struct expected expected = {.count = 0};
    request_rec *r = make_request(given->query, pool);
    request_rec *asker =
        is(REDIRECT) || is(SUBREQUEST) ? make_asker(&expected, before, pool) : NULL;
    bool hidden = is(PASS_OFF) && !is(OTHER_TYPE);
    const char *token;
    size_t len;

    *(is(REDIRECT) ? &r->prev : &r->main) = asker;
    stub_dir.pass_token = !is(PASS_OFF);
    apr_table_setn(r->headers_in, "X-Other", "Bearer a");
    if (given->cookie != NULL) {
        apr_table_setn(r->headers_in, "Cookie", given->cookie);
    }
    if (given->field != NULL) {
        apr_table_setn(r->headers_in, field_name(), given->field);
    }
    if (reads_header() &&
        bearer_token(&token, &len, given->field) != REASON_NO_CREDENTIALS) {
        expected.count++;
        expected.kind = TOKEN_SOURCE_HEADER;
        expected.text = given->field;
    }
    read_place(&expected, given->query, TOKEN_SOURCE_QUERY);
    read_place(&expected, given->cookie, TOKEN_SOURCE_COOKIE);

    check_found(r, &expected);
    for (int i = 0; i < 2; i++) { /* hooks call it more than once */
        token_removal_clean_query(r);
        check_query(r, given->query, pool);
        check_fields(r, given, false);
        check_found(r, &expected);
    }
    for (int i = 0; i < 2; i++) {
        token_removal_hide(r);
        check_query(r, given->query, pool);
        check_fields(r, given, hidden);
        check_found(r, &expected);
    }
    if (hidden && !only_header()) {
        check_none_left(apr_table_get(r->headers_in, "Cookie"), TOKEN_SOURCE_COOKIE,
                        pool);
    }
    if (asker != NULL) {
        check_query(asker, before, pool);
    }
}

/* The query as it can stand in a request line: without white space and a fragment. */
static char *query_of(struct part part)
{
    char *query = part.len > 0 ? fuzz_string(part.bytes, part.len) : NULL;

    if (query != NULL) {
        query[strcspn(query, "#")] = '\0';
    }
    for (char *p = query; p != NULL && *p != '\0'; p++) {
        *p = (char)(*p == ' ' ? '+' : *p);
    }
    return query;
}

/* A part's bytes as a string; NULL when there are none. */
static const char *text_of(struct part part)
{
    return part.len > 0 ? fuzz_string(part.bytes, part.len) : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool = fuzz_begin();
    struct part part[PARTS];
    struct given given;

    fuzz_split(part, PARTS, data, size);
    letters = part[WHICH];
    add_sources(fuzz_string(part[SOURCES].bytes, part[SOURCES].len), pool);
    given.query = query_of(part[QUERY]);
    given.cookie = text_of(part[COOKIE]);
    given.field = text_of(part[FIELD]);
    try_request(&given, query_of(part[BEFORE]), pool);
    fuzz_end();
    return 0;
}
