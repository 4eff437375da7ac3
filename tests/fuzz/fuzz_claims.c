/*
 * Claims, how they are named and how they are passed on. The input, in parts between
 * lines of "--": a character that says what is tried, a line as it stands in httpd.conf,
 * and the value of the claim, or for a path the document to search, as JSON.
 *
 * A path leads where json_pointer.c says. Accepted names are exactly those that may be;
 * what goes on is the claim, and nothing that was there before under such a name.
 */
#include <apr_strings.h>
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "fuzz.h"
#include "token/claim_path.h"
#include "httpd/pass_claims.h"
#include "httpd/pass_headers.h"
#include "httpd/request.h"
#include "httpd_stubs.h"
#include "json_pointer.h"

#define WORDS_MAX 8
#define FORGED "forged"

enum part_name { WHICH, LINE, VALUE, PARTS };

/* An accepted word, as it must have been understood. */
struct passed {
    const char *claim;
    const char *name; /* of the variable or the field */
};

struct passes {
    struct passed word[WORDS_MAX];
    int count;
};

static const command_rec command = {.name = "Auth0Something"};
static const struct json_limits limits = JSON_LIMITS_DEFAULT;

/* ---- paths ------------------------------------------------------------------------- */

static void check_path(const char *text, const json_value *document, apr_pool_t *pool)
{
    struct claim_path path;

    HOLDS(claim_path_parse(&path, text, pool) == NULL);
    HOLDS(strcmp(path.text, text) == 0);
    HOLDS(claim_path_find(&path, document) == pointer_find(text, document));
}

static void try_path(const char *text, struct part value, apr_pool_t *pool)
{
    const json_value *document;
    struct claim_path path;

    HOLDS((claim_path_parse(&path, text, pool) == NULL) == pointer_is_valid(text));
    if (!pointer_is_valid(text)) {
        return;
    }
    document = pointer_document(text, "\"there\"", pool);
    if (document != NULL) {
        check_path(text, document, pool);
        HOLDS(strcmp(json_string(claim_path_find(&path, document)), "there") == 0);
    }
    if (json_parse(&document, value.bytes, value.len, &limits, pool) == REASON_OK &&
        json_is_object(document)) {
        check_path(text, document, pool);
    }
}

/* ---- what both directives have in common ------------------------------------------- */

/* Split as the directives are documented: at the last '='. NULL without one. */
static const char *split(const char **claim, const char *word)
{
    size_t len = strlen(word);

    while (len > 0 && word[len - 1] != '=') {
        len--;
    }
    *claim = len > 0 ? fuzz_string(word, len - 1) : word;
    return len > 0 ? word + len : NULL;
}

static bool is_undefined(const char *word)
{
    return *word == '\0' || strstr(word, "${") != NULL;
}

/* ASCII alone, whatever the locale. */
static bool consists_of(const char *text, const char *others)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789";

    while (*text != '\0' && (strchr(letters, *text) || strchr(others, *text))) {
        text++;
    }
    return *text == '\0';
}

/* What goes on of a claim; NULL for nothing. */
static const char *text_of(const json_value *value, apr_pool_t *pool)
{
    const char *json = value != NULL ? json_text(value, pool) : "null";

    if (*json == 'n' || (*json == '"' && fuzz_has_control(json_string(value)))) {
        return NULL;
    }
    return *json == '"' ? json_string(value) : json;
}

/* Claims in which the first word's is there; NULL when a name is not UTF-8. */
static struct jwt_claims *claims_for(const struct passes *passes, struct part value,
                                     apr_pool_t *pool)
{
    struct jwt_claims *claims = apr_pcalloc(pool, sizeof(*claims));
    const json_value *parsed;
    const char *text = "\"there\"";

    if (json_parse(&parsed, value.bytes, value.len, &limits, pool) == REASON_OK) {
        text = json_text(parsed, pool);
    }
    claims->payload = pointer_document(passes->word[0].claim, text, pool);
    return claims->payload != NULL ? claims : NULL;
}

/* ---- Auth0PassClaims --------------------------------------------------------------- */

/* What a word stands for; false when it is to be refused. */
static bool read_variable(struct passed *passed, const char *word, apr_pool_t *pool)
{
    const char *given = split(&passed->claim, word);
    char *variable;

    if (is_undefined(word) || !pointer_is_valid(passed->claim)) {
        return false;
    }
    if (given != NULL) {
        passed->name = given;
        return strncmp(given, "AUTH0_", 6) == 0 && strlen(given) > 6 &&
               consists_of(given, "_");
    }
    variable = apr_pstrcat(pool, "AUTH0_CLAIM_", word, NULL);
    for (char *p = variable; *p != '\0'; p++) {
        *p = (char)(consists_of((const char[]){*p, '\0'}, "_") ? *p : '_');
    }
    passed->name = variable;
    return true;
}

static bool has_variable(const struct passes *passes, const char *name)
{
    for (int i = 0; i < passes->count; i++) {
        if (strcasecmp(passes->word[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static void check_variables(const struct passes *passes, const struct jwt_claims *claims,
                            apr_pool_t *pool)
{
    request_rec *r = stub_request(pool);
    int expected = 1;

    apr_table_setn(r->subprocess_env, "PATH", "/bin");
    for (int i = 0; i < passes->count; i++) {
        apr_table_setn(r->subprocess_env, passes->word[i].name, FORGED);
    }
    pass_claims_export(r, claims);
    for (int i = 0; i < passes->count; i++) {
        const struct passed *word = &passes->word[i];
        const char *text = text_of(pointer_find(word->claim, claims->payload), pool);
        const char *set = apr_table_get(r->subprocess_env, word->name);

        HOLDS((set != NULL) == (text != NULL));
        HOLDS(set == NULL || strcmp(set, text) == 0);
        expected += text != NULL;
    }
    HOLDS(strcmp(apr_table_get(r->subprocess_env, "PATH"), "/bin") == 0);
    HOLDS(apr_table_elts(r->subprocess_env)->nelts == expected);
}

static const char *add_variable(struct passes *passes, const cmd_parms *cmd,
                                const char *word)
{
    apr_array_header_t **list = &stub_dir.pass_claims;
    struct passed *passed = &passes->word[passes->count];
    bool good = read_variable(passed, word, cmd->pool);
    const char *error = pass_claims_add(list, cmd, word);

    good = good && !has_variable(passes, passed->name);
    HOLDS((error == NULL) == good);
    passes->count += good;
    HOLDS((*list != NULL ? (*list)->nelts : 0) == passes->count);
    if (good) {
        HOLDS(pass_claims_add(list, cmd, word) != NULL);
    }
    return error;
}

/* ---- Auth0PassHeaders -------------------------------------------------------------- */

/* As programs see a field's name that cannot tell - from _ and large from small. */
static char *plain_name(const char *name)
{
    char *plain = fuzz_string(name, strlen(name));

    for (char *p = plain; *p != '\0'; p++) {
        *p = (char)(*p == '-' ? '_' : tolower((unsigned char)*p));
    }
    return plain;
}

/*
 * RFC 9110 and what it names as part of a connection, and fields that say who asks, or
 * how to read the body.
 */
static bool is_reserved(const char *plain)
{
    static const char names[] =
        " host authorization cookie connection keep_alive te trailer "
        "trailers upgrade transfer_encoding expect "
        "content_length content_type content_encoding forwarded "
        "http2_settings proxy ";
    const char *at = strstr(
        names, apr_pstrcat(stub_server.passed_headers->pool, " ", plain, " ", NULL));

    return at != NULL || strncmp(plain, "proxy_", 6) == 0;
}

static bool read_field(struct passed *passed, const char *word)
{
    passed->name = split(&passed->claim, word);
    return !is_undefined(word) && passed->name != NULL && *passed->name != '\0' &&
           pointer_is_valid(passed->claim) &&
           consists_of(passed->name, "!#$%&'*+-.^_`|~") &&
           !is_reserved(plain_name(passed->name));
}

static bool has_field(const struct passes *passes, const char *name)
{
    for (int i = 0; i < passes->count; i++) {
        if (strcmp(plain_name(passes->word[i].name), plain_name(name)) == 0) {
            return true;
        }
    }
    return false;
}

/* The same name in another spelling: - for _ and _ for -, large for small. */
static char *other_spelling(const char *name)
{
    char *other = fuzz_string(name, strlen(name));

    for (char *p = other; *p != '\0'; p++) {
        *p = (char)(*p == '-'   ? '_'
                    : *p == '_' ? '-'
                                : (isupper((unsigned char)*p) ? tolower : toupper)(
                                      (unsigned char)*p));
    }
    return other;
}

/* What a client may bring, in the order it brings it. */
static void bring_fields(request_rec *r, const struct passes *passes)
{
    apr_table_clear(r->headers_in);
    apr_table_addn(r->headers_in, "Host", "a");
    for (int i = 0; i < passes->count; i++) {
        const char *name = passes->word[i].name;

        apr_table_addn(r->headers_in, name, FORGED);
        apr_table_addn(r->headers_in, other_spelling(name), FORGED);
        apr_table_addn(r->headers_in, plain_name(name), FORGED);
        apr_table_addn(r->headers_in, name, FORGED);
    }
    apr_table_addn(r->headers_in, "Content-Type", "b");
}

/* Does a field's value stand for this text, in printable ASCII alone? */
static bool is_value_of(const char *value, const char *text)
{
    for (; *value != '\0' && *text != '\0'; value++, text++) {
        char byte[3] = {0};

        if (*value < 0x20 || *value > 0x7e) {
            return false;
        }
        if (*value == '%') {
            HOLDS(isxdigit((unsigned char)value[1]) && isxdigit((unsigned char)value[2]));
            memcpy(byte, value + 1, 2);
            if ((char)strtol(byte, NULL, 16) != *text) {
                return false;
            }
            value += 2;
        }
        else if (*value != *text) {
            return false;
        }
    }
    return *value == *text;
}

static void check_fields(const struct passes *passes, const struct jwt_claims *claims,
                         apr_pool_t *pool)
{
    request_rec *r = stub_request(pool);
    int expected = 2;

    bring_fields(r, passes);
    pass_headers_strip(r);
    HOLDS(apr_table_elts(r->headers_in)->nelts == 2);
    bring_fields(r, passes);
    pass_headers_set(r);
    HOLDS(apr_table_elts(r->headers_in)->nelts == 2);

    request_state_make(r)->claims = claims;
    bring_fields(r, passes);
    pass_headers_set(r);
    for (int i = 0; i < passes->count; i++) {
        const struct passed *word = &passes->word[i];
        const char *text = text_of(pointer_find(word->claim, claims->payload), pool);
        const char *set = apr_table_get(r->headers_in, word->name);

        HOLDS((set != NULL) == (text != NULL));
        HOLDS(set == NULL || is_value_of(set, text));
        expected += text != NULL;
    }
    HOLDS(apr_table_elts(r->headers_in)->nelts == expected);
    HOLDS(strcmp(apr_table_get(r->headers_in, "Host"), "a") == 0 &&
          strcmp(apr_table_get(r->headers_in, "Content-Type"), "b") == 0);
}

static const char *add_field(struct passes *passes, const cmd_parms *cmd,
                             const char *word)
{
    apr_array_header_t **list = &stub_dir.pass_headers;
    struct passed *passed = &passes->word[passes->count];
    bool good = read_field(passed, word) && !has_field(passes, passed->name);
    const char *error = pass_headers_add(list, cmd, word);

    HOLDS((error == NULL) == good);
    passes->count += good;
    HOLDS((*list != NULL ? (*list)->nelts : 0) == passes->count);
    /* What clients may not bring is known for the whole server, once. */
    HOLDS(stub_server.passed_headers->nelts == passes->count);
    if (good) {
        apr_array_header_t *elsewhere = NULL;

        HOLDS(pass_headers_add(list, cmd,
                               apr_pstrcat(cmd->pool, "a=", other_spelling(passed->name),
                                           NULL)) != NULL);
        HOLDS(pass_headers_add(&elsewhere, cmd, word) == NULL && elsewhere->nelts == 1);
        HOLDS(stub_server.passed_headers->nelts == passes->count);
    }
    return error;
}

/* ---- one input --------------------------------------------------------------------- */

static void try_line(const char *line, struct part value, bool fields, apr_pool_t *pool)
{
    struct passes passes = {.count = 0};
    cmd_parms cmd = {.pool = pool, .cmd = &command};
    const struct jwt_claims *claims;

    HOLDS(apr_pool_create(&cmd.temp_pool, pool) == APR_SUCCESS);
    stub_dir.pass_claims = NULL;
    stub_dir.pass_headers = NULL;
    stub_server.passed_headers = apr_array_make(pool, 4, sizeof(const char *));
    for (int i = 0; i < WORDS_MAX && *line != '\0'; i++) {
        const char *word = ap_getword_conf(pool, &line);
        const char *error = (fields ? add_field : add_variable)(&passes, &cmd, word);

        HOLDS(error == NULL || strncmp(error, "Auth0Something: ", 16) == 0);
    }
    fuzz_forget(cmd.temp_pool);
    claims = passes.count > 0 ? claims_for(&passes, value, pool) : NULL;
    if (claims != NULL) {
        (fields ? check_fields : check_variables)(&passes, claims, pool);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool = fuzz_begin();
    struct part part[PARTS];
    char which;
    const char *line;

    fuzz_split(part, PARTS, data, size);
    which = (char)(part[WHICH].len > 0 ? part[WHICH].bytes[0] : '\0');
    line = fuzz_string(part[LINE].bytes, part[LINE].len);
    if (which == 'p') {
        try_path(line, part[VALUE], pool);
    }
    else {
        try_line(line, part[VALUE], which == 'h', pool);
    }
    fuzz_end();
    return 0;
}
