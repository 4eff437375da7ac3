#include "require.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "show.h"
#include "token/claim_path.h"

/* ---- how a tree is made ------------------------------------------------------------------ */

struct requirement *require_line(const char *name, const apr_array_header_t *words,
                                 apr_pool_t *pool)
{
    struct requirement *line = apr_pcalloc(pool, sizeof(*line));

    line->kind = REQUIRE_LINE;
    line->name = name;
    line->words = words;
    line->says = apr_pstrcat(
        pool, "the ", strncmp(name, "auth0-", 6) == 0 ? name + 6 : name, " ",
        show_words((const char *const *)words->elts, (size_t)words->nelts, pool), NULL);
    return line;
}

struct requirement *require_all(const apr_array_header_t *of, apr_pool_t *pool)
{
    struct requirement *group = apr_pcalloc(pool, sizeof(*group));

    group->kind = REQUIRE_ALL;
    group->of = of;
    return group;
}

static const apr_array_header_t *read_words(const json_value *json, apr_pool_t *pool)
{
    apr_array_header_t *words = apr_array_make(pool, 4, sizeof(const char *));

    for (const json_value *v = json_first(json); v != NULL; v = json_next(v)) {
        const char *word = json_string(v);

        APR_ARRAY_PUSH(words, const char *) = word != NULL ? word : "";
    }
    return words;
}

static void read_group(struct requirement *group, const json_value *json,
                       const char *kind, apr_pool_t *pool)
{
    apr_array_header_t *of = apr_array_make(pool, 4, sizeof(struct requirement *));

    group->kind = strcmp(kind, "all") == 0   ? REQUIRE_ALL
                  : strcmp(kind, "any") == 0 ? REQUIRE_ANY
                                             : REQUIRE_NONE;
    for (const json_value *v = json_first(json_member(json, "of")); v != NULL;
         v = json_next(v)) {
        /* As deep as json_parse allows. */
        APR_ARRAY_PUSH(of, struct requirement *) = require_read(v, pool);
    }
    group->of = of;
}

static const char *text_of(const json_value *json, const char *name)
{
    const char *text = json_string(json_member(json, name));

    return text != NULL ? text : "";
}

struct requirement *require_read(const json_value *json, apr_pool_t *pool)
{
    const char *kind = json_string(json_member(json, "group"));
    const json_value *methods = json_member(json, "methods");
    struct requirement *read;

    if (!json_is_object(json)) {
        return NULL;
    }
    read = apr_pcalloc(pool, sizeof(*read));
    read->from = json_string(json_member(json, "from"));
    if (methods == NULL) {
        methods = json_member(json, "methods_not");
        read->methods_not = methods != NULL;
    }
    read->methods = methods != NULL ? read_words(methods, pool) : NULL;
    if (kind != NULL) {
        read_group(read, json, kind, pool);
        return read;
    }
    read->kind = REQUIRE_LINE;
    read->name = text_of(json, "require");
    read->says = show_text(text_of(json, "says"), pool);
    read->words = read_words(json_member(json, "words"), pool);
    json_bool(&read->negated, json_member(json, "negated"));
    return read;
}

/* ---- one line ------------------------------------------------------------------------------- */

static const char *word_at(const apr_array_header_t *words, int i)
{
    return i < words->nelts ? APR_ARRAY_IDX(words, i, const char *) : "";
}

/* An expression of httpd's, which needs a request. */
static bool is_expression(const char *word)
{
    return strstr(word, "%{") != NULL;
}

static bool has_expression(const apr_array_header_t *words)
{
    for (int i = 0; i < words->nelts; i++) {
        if (is_expression(word_at(words, i))) {
            return true;
        }
    }
    return false;
}

static enum met yes(bool met)
{
    return met ? MET_YES : MET_NO;
}

/* All of the words; one that is missing settles it, whatever an expression says. */
static enum met judge_words(struct requirement *line, const char *claim,
                            const struct jwt_words *granted,
                            const struct jwt_claims *claims, apr_pool_t *pool)
{
    apr_array_header_t *missing = apr_array_make(pool, 2, sizeof(const char *));

    line->found = show_value(json_member(claims->payload, claim), pool);
    for (int i = 0; i < line->words->nelts; i++) {
        const char *word = word_at(line->words, i);

        if (!is_expression(word) && !jwt_words_contain(granted, word)) {
            APR_ARRAY_PUSH(missing, const char *) = word;
        }
    }
    if (missing->nelts == 0) {
        return has_expression(line->words) ? MET_OPEN : MET_YES;
    }
    line->lacks = apr_pstrcat(
        pool,
        show_words((const char *const *)missing->elts, (size_t)missing->nelts, pool),
        " in ", claim, NULL);
    return MET_NO;
}

/* One of the words is the value of a claim; the claim may depend on the word. */
static enum met judge_names(struct requirement *line, const json_value *payload,
                            apr_pool_t *pool)
{
    bool org = strcmp(line->name, "auth0-org") == 0;
    const json_value *client = json_member(payload, "client_id");

    client = client != NULL ? client : json_member(payload, "azp");
    line->found =
        org ? apr_pstrcat(pool, "org_id ",
                          show_value(json_member(payload, "org_id"), pool), ", org_name ",
                          show_value(json_member(payload, "org_name"), pool), NULL)
            : show_value(client, pool);
    for (int i = 0; i < line->words->nelts; i++) {
        const char *word = word_at(line->words, i);
        const json_value *claim = client;
        const char *value;

        if (org) {
            claim = json_member(payload,
                                strncmp(word, "org_", 4) == 0 ? "org_id" : "org_name");
        }
        value = json_string(claim);
        if (value != NULL && strcmp(value, word) == 0) {
            return MET_YES;
        }
    }
    return has_expression(line->words) ? MET_OPEN : MET_NO;
}

/* The claim that httpd has accepted the name of. */
static const json_value *find_claim(const json_value *payload, const char *name,
                                    apr_pool_t *pool)
{
    struct claim_path path;

    return claim_path_parse(&path, name, pool) == NULL ? claim_path_find(&path, payload)
                                                       : NULL;
}

/* A string as it is, a number or a boolean by its JSON text; else NULL. */
static const char *comparable(const json_value *value, apr_pool_t *pool)
{
    const char *text = json_string(value);

    if (text != NULL || value == NULL || json_is_object(value) || json_is_array(value)) {
        return text;
    }
    text = json_text(value, pool);
    return strcmp(text, "null") != 0 ? text : NULL;
}

static bool is_set(const json_value *value, apr_pool_t *pool)
{
    bool set = value != NULL;

    if (json_bool(&set, value)) {
        return set;
    }
    return value != NULL && (json_is_object(value) || json_is_array(value) ||
                             comparable(value, pool) != NULL);
}

static bool equals(const json_value *value, const char *wanted, apr_pool_t *pool)
{
    const char *text = comparable(value, pool);

    return text != NULL && strcmp(text, wanted) == 0;
}

static enum met judge_claim(struct requirement *line, const json_value *payload,
                            apr_pool_t *pool)
{
    const json_value *value = find_claim(payload, word_at(line->words, 0), pool);
    const char *wanted = word_at(line->words, 2);

    line->found = show_value(value, pool);
    if (line->words->nelts < 2) {
        return yes(is_set(value, pool));
    }
    if (value == NULL) {
        return MET_NO;
    }
    if (strcmp(word_at(line->words, 1), "=") != 0 || is_expression(wanted)) {
        return MET_OPEN; /* regular expressions are httpd's */
    }
    if (!json_is_array(value)) {
        return yes(equals(value, wanted, pool));
    }
    for (const json_value *v = json_first(value); v != NULL; v = json_next(v)) {
        if (equals(v, wanted, pool)) {
            return MET_YES;
        }
    }
    return MET_NO;
}

static bool contains(const apr_array_header_t *words, const char *word)
{
    for (int i = 0; i < words->nelts; i++) {
        if (strcasecmp(word_at(words, i), word) == 0) {
            return true;
        }
    }
    return false;
}

/* What can be answered without knowing who the user is. */
static enum met judge_anybody(const struct requirement *line,
                              const struct require_user *user)
{
    if (strcmp(line->name, "all") == 0) {
        return yes(contains(line->words, "granted"));
    }
    if (strcmp(line->name, "method") == 0) {
        return yes(contains(line->words, user->method));
    }
    return MET_OPEN;
}

static bool needs_user(const char *name)
{
    return strncmp(name, "auth0-", 6) == 0 || strcmp(name, "valid-user") == 0 ||
           strcmp(name, "user") == 0;
}

static enum met judge_line(struct requirement *line, const struct require_user *user,
                           apr_pool_t *pool)
{
    const struct jwt_claims *claims = user->claims;

    if (!needs_user(line->name)) {
        return judge_anybody(line, user);
    }
    if (claims == NULL) {
        return MET_NOBODY;
    }
    if (strcmp(line->name, "auth0-permission") == 0) {
        return judge_words(line, "permissions", &claims->permissions, claims, pool);
    }
    if (strcmp(line->name, "auth0-scope") == 0) {
        return judge_words(line, "scope", &claims->scope, claims, pool);
    }
    if (strcmp(line->name, "auth0-org") == 0 || strcmp(line->name, "auth0-client") == 0) {
        return judge_names(line, claims->payload, pool);
    }
    if (strcmp(line->name, "auth0-claim") == 0) {
        return judge_claim(line, claims->payload, pool);
    }
    if (strcmp(line->name, "valid-user") == 0) {
        return MET_YES;
    }
    if (strcmp(line->name, "user") == 0 && user->name != NULL) {
        line->found = show_quoted(user->name, pool);
        for (int i = 0; i < line->words->nelts; i++) {
            if (strcmp(word_at(line->words, i), user->name) == 0) {
                return MET_YES;
            }
        }
        return MET_NO;
    }
    return MET_OPEN;
}

/* ---- the tree --------------------------------------------------------------------------------- */

static bool counts(const struct requirement *requirement, const char *method)
{
    return requirement->methods == NULL ||
           contains(requirement->methods, method) != requirement->methods_not;
}

/* In the way of mod_authz_core: what has no say does not count. */
static enum met judge_group(struct requirement *group, const struct require_user *user,
                            apr_pool_t *pool)
{
    unsigned count[MET_OPEN + 1] = {0};

    for (int i = 0; i < group->of->nelts; i++) {
        count[require_judge(APR_ARRAY_IDX(group->of, i, struct requirement *), user,
                            pool)]++;
    }
    switch (group->kind) {
    case REQUIRE_ALL:
        return count[MET_NO] > 0       ? MET_NO
               : count[MET_NOBODY] > 0 ? MET_NOBODY
               : count[MET_OPEN] > 0   ? MET_OPEN
               : count[MET_YES] > 0    ? MET_YES
                                       : MET_NEUTRAL;
    case REQUIRE_ANY:
        return count[MET_YES] > 0      ? MET_YES
               : count[MET_OPEN] > 0   ? MET_OPEN
               : count[MET_NOBODY] > 0 ? MET_NOBODY
               : count[MET_NO] > 0     ? MET_NO
                                       : MET_NEUTRAL;
    case REQUIRE_NONE:
    case REQUIRE_LINE:
        break;
    }
    return count[MET_YES] > 0 ? MET_NO : count[MET_OPEN] > 0 ? MET_OPEN : MET_NEUTRAL;
}

enum met require_judge(struct requirement *requirement, const struct require_user *user,
                       apr_pool_t *pool)
{
    requirement->found = NULL;
    requirement->lacks = NULL;
    if (requirement->kind != REQUIRE_LINE) {
        requirement->met = judge_group(requirement, user, pool);
    }
    else {
        requirement->met = judge_line(requirement, user, pool);
        if (requirement->negated && requirement->met != MET_OPEN &&
            requirement->met != MET_NOBODY) {
            requirement->met = requirement->met == MET_YES ? MET_NO : MET_NEUTRAL;
        }
    }
    if (!counts(requirement, user->method)) {
        requirement->met = MET_NEUTRAL;
    }
    return requirement->met;
}

bool require_lacks_words(const struct requirement *requirement)
{
    if (requirement->kind == REQUIRE_LINE) {
        return requirement->met == MET_NO &&
               (strcmp(requirement->name, "auth0-permission") == 0 ||
                strcmp(requirement->name, "auth0-scope") == 0);
    }
    for (int i = 0; i < requirement->of->nelts; i++) {
        const struct requirement *one =
            APR_ARRAY_IDX(requirement->of, i, const struct requirement *);

        if (one->met == MET_NO && require_lacks_words(one)) {
            return true;
        }
        /* Of <RequireAll>, httpd asks no more when one is not met. */
        if (requirement->kind == REQUIRE_ALL && one->met == MET_NO) {
            return false;
        }
    }
    return false;
}
