/*
 * Require auth0-permission, -scope, -org, -client and -claim. The input, in parts between
 * lines of "--": letters (see which_requirement and enum circumstance), the rest of the
 * line as it stands in httpd.conf, what %{...} stands for in it, and the claims as JSON;
 * without these, the claims below.
 *
 * What is refused, and who is granted what, is worked out once more, from the words of
 * the line and apart from src/httpd.
 */
#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

#include "expr_stubs.h"
#include "fuzz.h"
#include "httpd/authz.h"
#include "httpd/authz_claims.h"
#include "httpd/request.h"
#include "httpd_stubs.h"
#include "json_pointer.h"

/* A pattern that begins with such a setting has limits of its own, which may be any. */
#define SETS_LIMITS "(*LIMIT_"

enum part_name { WHICH, LINE, VARIABLE, CLAIMS, PARTS };

enum circumstance {
    NEGATED = '!',    /* Require not */
    IN_NONE = 'n',    /* within <RequireNone> */
    IN_HTACCESS = 'h' /* where the pools are one, and expressions restricted */
};

struct requirement {
    char letter;
    const char *name;
};

static const struct requirement requirements[] = {
    {'p', "auth0-permission"}, {'s', "auth0-scope"}, {'o', "auth0-org"},
    {'c', "auth0-client"},     {'x', "auth0-claim"},
};

static const char usual_claims[] =
    "{\"sub\":\"auth0|a\",\"azp\":\"web\",\"client_id\":\"app\",\"org_id\":\"org_a\","
    "\"org_name\":\"acme\",\"email_verified\":true,\"mfa\":false,\"none\":null,"
    "\"level\":2,\"ratio\":1.50,\"empty\":\"\",\"roles\":[\"admin\",7,true,null,[1]],"
    "\"https://a/b\":{\"x/y\":\"1\",\"m~n\":[\"p\",{\"q\":\"r\"}],\"\":\"e\"},"
    "\"a=b\":\"c=d\",\"a b\":\"c d\",\"many\":[0,1,2,3,4,5,6,7,8,9,\"ten\"],\"no\":[]}";

static const struct json_limits limits = JSON_LIMITS_DEFAULT;

/* ---- words and their texts --------------------------------------------------------- */

/* A word of a line, as it must have been understood. */
struct word {
    bool good;
    const char *text; /* for this request; NULL when it has none */
};

static struct word read_word(const char *written)
{
    struct word word = {.good = *written != '\0' && strstr(written, "${") == NULL,
                        .text = written};

    if (word.good && strstr(written, "%{") != NULL) {
        word.good = stub_expr_is_valid(written);
        word.text = word.good ? stub_expr_value(written) : NULL;
        if (word.text != NULL && *word.text == '\0') {
            word.text = NULL;
        }
    }
    return word;
}

/* RFC 6749 3.3 */
static bool is_scope_token(const char *text)
{
    size_t len = strlen(text);

    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c != 0x21 && (c < 0x23 || c > 0x5b) && (c < 0x5d || c > 0x7e)) {
            return false;
        }
    }
    return len > 0;
}

/* The words of a line, empty ones in quotes among them. */
static apr_array_header_t *words_of(const char *line, apr_pool_t *pool)
{
    apr_array_header_t *words = apr_array_make(pool, 2, sizeof(const char *));

    line += strspn(line, " \t\n\v\f\r");
    while (*line != '\0') {
        APR_ARRAY_PUSH(words, const char *) = ap_getword_conf(pool, &line);
    }
    return words;
}

/* ---- auth0-permission, auth0-scope ------------------------------------------------- */

static bool scopes_are_good(const apr_array_header_t *words)
{
    for (int i = 0; i < words->nelts; i++) {
        const char *written = APR_ARRAY_IDX(words, i, const char *);

        if (!read_word(written).good ||
            (strstr(written, "%{") == NULL && !is_scope_token(written))) {
            return false;
        }
    }
    return words->nelts > 0;
}

/* What a token must grant, each once; false when nothing it grants would do. */
static bool texts_of(apr_array_header_t *texts, const apr_array_header_t *words)
{
    bool possible = true;

    for (int i = 0; i < words->nelts; i++) {
        const char *text = read_word(APR_ARRAY_IDX(words, i, const char *)).text;
        int at = 0;

        if (text == NULL || !is_scope_token(text)) {
            possible = false;
            continue;
        }
        while (at < texts->nelts &&
               strcmp(APR_ARRAY_IDX(texts, at, const char *), text) != 0) {
            at++;
        }
        if (at == texts->nelts) {
            APR_ARRAY_PUSH(texts, const char *) = text;
        }
    }
    return possible;
}

static int compare_words(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* All the texts but that one, as a token would grant them. */
static struct jwt_words texts_but(const apr_array_header_t *texts, int without)
{
    struct jwt_words set = {.words = fuzz_room((size_t)texts->nelts * sizeof(char *))};

    for (int i = 0; i < texts->nelts; i++) {
        if (i != without) {
            set.words[set.count++] = APR_ARRAY_IDX(texts, i, const char *);
        }
    }
    if (set.count > 1) {
        qsort(set.words, set.count, sizeof(*set.words), compare_words);
    }
    return set;
}

/* The challenge names all words of the line, in order, once. */
static void check_missing(const apr_array_header_t *missing,
                          const apr_array_header_t *texts)
{
    HOLDS(missing != NULL && missing->nelts == texts->nelts);
    for (int i = 0; i < texts->nelts; i++) {
        HOLDS(strcmp(APR_ARRAY_IDX(missing, i, const char *),
                     APR_ARRAY_IDX(texts, i, const char *)) == 0);
    }
}

static void check_scopes(const authz_provider *provider, const void *parsed,
                         const apr_array_header_t *words, bool scope, apr_pool_t *pool)
{
    request_rec *r = stub_request(pool);
    struct request_state *state = request_state_make(r);
    apr_array_header_t *texts = apr_array_make(pool, 2, sizeof(const char *));
    bool possible = texts_of(texts, words);
    struct jwt_claims claims = {0};
    struct jwt_words *granted = scope ? &claims.scope : &claims.permissions;
    struct jwt_words *other = scope ? &claims.permissions : &claims.scope;

    state->claims = &claims;
    *granted = texts_but(texts, -1);
    HOLDS(provider->check_authorization(r, "", parsed) ==
          (possible ? AUTHZ_GRANTED : AUTHZ_DENIED));
    HOLDS(!possible || state->missing == NULL);
    /* The same words in the other claim are worth nothing. */
    *other = *granted;
    for (int i = 0; i < texts->nelts; i++) {
        *granted = texts_but(texts, i);
        state->missing = NULL;
        HOLDS(provider->check_authorization(r, "", parsed) == AUTHZ_DENIED);
        check_missing(state->missing, texts);
    }
}

/* ---- auth0-org, auth0-client, auth0-claim ------------------------------------------ */

static bool names_are_good(const apr_array_header_t *words)
{
    for (int i = 0; i < words->nelts; i++) {
        if (!read_word(APR_ARRAY_IDX(words, i, const char *)).good) {
            return false;
        }
    }
    return words->nelts > 0;
}

/* Which claim must be that name. */
static const char *claim_of(const json_value *payload, const char *name, bool client)
{
    if (client) {
        return pointer_find("client_id", payload) != NULL ? "client_id" : "azp";
    }
    return strstr(name, "org_") == name ? "org_id" : "org_name";
}

/* One name is that of the token's organization, or of its client. */
static bool names_hold(const apr_array_header_t *words, const json_value *payload,
                       bool client)
{
    for (int i = 0; i < words->nelts; i++) {
        const char *name = read_word(APR_ARRAY_IDX(words, i, const char *)).text;
        const char *value =
            name != NULL
                ? json_string(pointer_find(claim_of(payload, name, client), payload))
                : NULL;

        if (value != NULL && strcmp(value, name) == 0) {
            return true;
        }
    }
    return false;
}

struct condition {
    bool good;
    const char *name;
    char sign; /* '\0', '=' or '~' */
    const char *value;
};

/* name, name=value or name ~ regex, with the name or the value in quotes or not. */
static struct condition read_condition(const char *line, apr_pool_t *pool)
{
    static const char space[] = " \t\n\v\f\r";
    struct condition condition = {.good = false};

    line += strspn(line, space);
    if (*line == '"' || *line == '\'') {
        condition.name = ap_getword_conf(pool, &line);
    }
    else {
        size_t len = strcspn(line, " \t=");

        condition.name = fuzz_string(line, len);
        line += len;
    }
    line += strspn(line, space);
    condition.sign = *line;
    condition.value = "";
    if (*line != '\0') {
        line++;
        condition.value = ap_getword_conf(pool, &line);
    }
    condition.good = pointer_is_valid(condition.name) &&
                     strstr(condition.name, "${") == NULL && *line == '\0';
    if (condition.sign == '=') {
        condition.good &= *condition.value != '\0' && read_word(condition.value).good;
    }
    else if (condition.sign == '~') {
        condition.good &= *condition.value != '\0' &&
                          strstr(condition.value, "${") == NULL &&
                          strstr(condition.value, SETS_LIMITS) == NULL &&
                          stub_regex_is_valid(condition.value);
    }
    else {
        condition.good &=
            condition.sign == '\0' &&
            (*condition.name == '/' || strpbrk(condition.name, "=~") == NULL);
    }
    return condition;
}

/* What a string, a number or a boolean is compared by, from how it begins as JSON. */
static const char *text_of(const json_value *value, apr_pool_t *pool)
{
    const char *json = json_text(value, pool);

    return *json == '"' ? json_string(value) : strchr("[{n", *json) != NULL ? NULL : json;
}

static bool value_holds(const struct condition *condition, const json_value *value,
                        apr_pool_t *pool)
{
    const char *text = text_of(value, pool);
    const char *wanted;

    if (text == NULL) {
        return false;
    }
    if (condition->sign == '~') {
        return stub_regex_matches(condition->value, text);
    }
    wanted = read_word(condition->value).text;
    return wanted != NULL && strcmp(text, wanted) == 0;
}

static bool condition_holds(const struct condition *condition, const json_value *payload,
                            apr_pool_t *pool)
{
    const json_value *value = pointer_find(condition->name, payload);

    if (value == NULL) {
        return false;
    }
    if (condition->sign == '\0') {
        const char *json = json_text(value, pool);

        return strcmp(json, "null") != 0 && strcmp(json, "false") != 0;
    }
    if (!json_is_array(value)) {
        return value_holds(condition, value, pool);
    }
    for (value = json_first(value); value != NULL; value = json_next(value)) {
        if (value_holds(condition, value, pool)) {
            return true;
        }
    }
    return false;
}

/* ---- one line ---------------------------------------------------------------------- */

static const json_value *claims_of(struct part text, apr_pool_t *pool)
{
    const json_value *payload;

    if (json_parse(&payload, text.bytes, text.len, &limits, pool) != REASON_OK ||
        !json_is_object(payload)) {
        HOLDS(json_parse(&payload, usual_claims, strlen(usual_claims), &limits, pool) ==
              REASON_OK);
    }
    return payload;
}

static bool is_negative(struct part letters)
{
    return memchr(letters.bytes, IN_NONE, letters.len) != NULL ||
           memchr(letters.bytes, NEGATED, letters.len) != NULL;
}

/* Before there is a user, and for one whom another module vouches for. */
static void check_others(const authz_provider *provider, const void *parsed,
                         apr_pool_t *pool)
{
    static char user[] = "a";
    request_rec *r = stub_request(pool);

    HOLDS(provider->check_authorization(r, "", parsed) == AUTHZ_DENIED_NO_USER);
    request_state_make(r);
    HOLDS(provider->check_authorization(r, "", parsed) == AUTHZ_DENIED_NO_USER);
    r->user = user;
    HOLDS(provider->check_authorization(r, "", parsed) == AUTHZ_DENIED);
}

/* Parse the line where the letters put it; false when it is refused. */
static bool parse(const void **parsed, const struct requirement *requirement,
                  const char *line, struct part letters, apr_pool_t *pool)
{
    bool none = memchr(letters.bytes, IN_NONE, letters.len) != NULL;
    bool negated = memchr(letters.bytes, NEGATED, letters.len) != NULL;
    cmd_parms cmd = {.pool = pool, .temp_pool = pool};
    ap_directive_t around = {.directive = none ? "<RequireNone" : "<RequireAny"};
    ap_directive_t directive = {
        .directive = "Require",
        .args =
            apr_pstrcat(pool, negated ? "NOT " : "", requirement->name, " ", line, NULL),
        .parent = &around,
    };
    const char *error;

    if (!stub_in_htaccess) {
        HOLDS(apr_pool_create(&cmd.temp_pool, pool) == APR_SUCCESS);
    }
    cmd.directive = &directive;
    error = stub_provider(requirement->name)->parse_require_line(&cmd, line, parsed);
    if (!stub_in_htaccess) {
        fuzz_forget(cmd.temp_pool);
    }
    HOLDS(!is_negative(letters) || error != NULL);
    HOLDS(error == NULL || strncmp(error, "Require ", 8) == 0);
    return error == NULL;
}

static void try_scopes(const struct requirement *requirement, const char *line,
                       struct part letters, apr_pool_t *pool)
{
    const apr_array_header_t *words = words_of(line, pool);
    const void *parsed;

    if (parse(&parsed, requirement, line, letters, pool)) {
        HOLDS(scopes_are_good(words));
        check_others(stub_provider(requirement->name), parsed, pool);
        check_scopes(stub_provider(requirement->name), parsed, words,
                     requirement->letter == 's', pool);
    }
    else {
        HOLDS(is_negative(letters) || !scopes_are_good(words));
    }
}

static void try_claims(const struct requirement *requirement, const char *line,
                       struct part letters, const json_value *payload, apr_pool_t *pool)
{
    const authz_provider *provider = stub_provider(requirement->name);
    struct jwt_claims claims = {.payload = payload};
    const apr_array_header_t *words = words_of(line, pool);
    struct condition condition = read_condition(line, pool);
    bool claim = requirement->letter == 'x';
    bool good = claim ? condition.good : names_are_good(words);
    request_rec *r = stub_request(pool);
    const void *parsed;
    bool holds;

    if (!parse(&parsed, requirement, line, letters, pool)) {
        HOLDS(is_negative(letters) || !good);
        return;
    }
    HOLDS(good);
    check_others(provider, parsed, pool);
    request_state_make(r)->claims = &claims;
    holds = claim ? condition_holds(&condition, payload, pool)
                  : names_hold(words, payload, requirement->letter == 'c');
    /* httpd asks more than once. */
    for (int i = 0; i < 2; i++) {
        HOLDS(provider->check_authorization(r, line, parsed) ==
              (holds ? AUTHZ_GRANTED : AUTHZ_DENIED));
        HOLDS(request_state_get(r)->missing == NULL);
    }
}

static const struct requirement *which_requirement(struct part letters)
{
    for (size_t i = 0; i < COUNT(requirements); i++) {
        if (letters.len > 0 && *letters.bytes == requirements[i].letter) {
            return &requirements[i];
        }
    }
    return &requirements[0];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool registered;
    apr_pool_t *pool = fuzz_begin();
    struct part part[PARTS];
    const struct requirement *requirement;
    const char *line;

    if (!registered) {
        authz_register(pool);
        authz_claims_register(pool);
        registered = true;
    }
    fuzz_split(part, PARTS, data, size);
    requirement = which_requirement(part[WHICH]);
    line = fuzz_string(part[LINE].bytes, part[LINE].len);
    stub_variable = fuzz_string(part[VARIABLE].bytes, part[VARIABLE].len);
    stub_in_htaccess = memchr(part[WHICH].bytes, IN_HTACCESS, part[WHICH].len) != NULL;
    if (requirement->letter == 'p' || requirement->letter == 's') {
        try_scopes(requirement, line, part[WHICH], pool);
    }
    else {
        try_claims(requirement, line, part[WHICH], claims_of(part[CLAIMS], pool), pool);
    }
    fuzz_end();
    return 0;
}
