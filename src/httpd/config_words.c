#include "httpd/config_words.h"

#include <apr_lib.h>
#include <apr_strings.h>

#include "httpd/config_tree.h"

/* Of the section that is put into words. */
struct words {
    apr_array_header_t *lines;
    bool tokens;
    apr_pool_t *pool;
};

/* ---- one requirement ------------------------------------------------------------------- */

/* Several names as a list: a, b, c. */
static const char *list(int *count, const char *args, apr_pool_t *pool)
{
    const char *text = "";
    const char *word;

    *count = 0;
    while (*(word = ap_getword_conf(pool, &args)) != '\0') {
        text = *count == 0 ? word : apr_pstrcat(pool, text, ", ", word, NULL);
        *count += 1;
    }
    return text;
}

static const char *all_of(const char *noun, const char *args, apr_pool_t *pool)
{
    int count;
    const char *names = list(&count, args, pool);

    if (count == 1) {
        return apr_psprintf(pool, "the %s %s", noun, names);
    }
    return count == 2 ? apr_psprintf(pool, "both %ss: %s", noun, names)
                      : apr_psprintf(pool, "all %d %ss: %s", count, noun, names);
}

static const char *one_of(const char *one, const char *several, const char *args,
                          apr_pool_t *pool)
{
    int count;
    const char *names = list(&count, args, pool);

    return apr_psprintf(pool, "%s %s", count == 1 ? one : several, names);
}

static const char *skip_space(const char *p)
{
    while (apr_isspace(*p)) {
        p++;
    }
    return p;
}

/* name, name=value, name ~ regex: see parse_claim in authz_claims.c. */
static const char *claim(const char *args, apr_pool_t *pool)
{
    const char *rest = args + strcspn(args, "= \t");
    const char *name = apr_pstrmemdup(pool, args, (apr_size_t)(rest - args));

    if (*args == '"' || *args == '\'') {
        rest = args;
        name = ap_getword_conf(pool, &rest);
    }
    rest = skip_space(rest);
    if (*rest == '\0') {
        return apr_psprintf(pool, "the claim %s is set", name);
    }
    return apr_psprintf(pool, "the claim %s %s %s", name,
                        *rest == '=' ? "equals" : "matches", skip_space(rest + 1));
}

/* <AuthzProviderAlias requirement name "arguments">, which stands at the main server. */
static const ap_directive_t *find_alias(const char *name, apr_pool_t *pool)
{
    for (const ap_directive_t *d = ap_conftree; d != NULL; d = d->next) {
        const char *args = d->args;

        if (config_tree_is(d, "<AuthzProviderAlias")) {
            (void)ap_getword_conf(pool, &args);
            if (strcmp(ap_getword_conf(pool, &args), name) == 0) {
                return d;
            }
        }
    }
    return NULL;
}

static bool is_ours(const char *name)
{
    return strncmp(name, "auth0-", 6) == 0;
}

bool config_words_is_ours(const char *name, apr_pool_t *pool)
{
    const ap_directive_t *alias = find_alias(name, pool);

    return is_ours(alias != NULL ? config_tree_first_word(alias, pool) : name);
}

static const char *one_requirement(const struct words *words, const char *name,
                                   const char *args);

/* Only the one word behind the alias's name counts, less the '>' of the section. */
static const char *read_alias(const char **args, const ap_directive_t *alias,
                              apr_pool_t *pool)
{
    const char *line = apr_pstrdup(pool, alias->args);
    char *end = strrchr(line, '>');
    const char *name;

    if (end != NULL) {
        *end = '\0';
    }
    name = ap_getword_conf(pool, &line);
    (void)ap_getword_conf(pool, &line);
    *args = ap_getword_conf(pool, &line);
    return name;
}

static const char *aliased(const struct words *words, const ap_directive_t *alias)
{
    const char *args;
    const char *name = read_alias(&args, alias, words->pool);

    return one_requirement(words, name, args);
}

static const char *one_requirement(const struct words *words, const char *name,
                                   const char *args)
{
    apr_pool_t *pool = words->pool;

    if (strcmp(name, "valid-user") == 0 && words->tokens) {
        return "any valid token";
    }
    if (strcmp(name, "all") == 0) {
        return ap_cstr_casecmp(args, "granted") == 0 ? "nobody is asked for a token"
                                                     : "nobody is let in";
    }
    if (strcmp(name, "auth0-permission") == 0) {
        return all_of("permission", args, pool);
    }
    if (strcmp(name, "auth0-scope") == 0) {
        return all_of("scope", args, pool);
    }
    if (strcmp(name, "auth0-org") == 0) {
        return one_of("the organization", "one of the organizations", args, pool);
    }
    if (strcmp(name, "auth0-client") == 0) {
        return one_of("the application", "one of the applications", args, pool);
    }
    if (strcmp(name, "auth0-claim") == 0) {
        return claim(args, pool);
    }
    if (strcmp(name, "user") == 0) {
        return one_of("the user", "one of the users", args, pool);
    }
    if (strcmp(name, "ip") == 0) {
        return one_of("the client address", "one of the client addresses", args, pool);
    }
    if (strcmp(name, "host") == 0) {
        return one_of("the client host", "one of the client hosts", args, pool);
    }
    if (strcmp(name, "expr") == 0) {
        return apr_psprintf(pool, "the expression %s is true", args);
    }
    return apr_psprintf(pool, "Require %s%s%s", name, *args != '\0' ? " " : "", args);
}

static const char *requirement(const struct words *words, const ap_directive_t *require)
{
    const char *args = require->args;
    const char *name = ap_getword_conf(words->pool, &args);
    const ap_directive_t *alias;
    bool negated = ap_cstr_casecmp(name, "not") == 0;
    const char *text;

    if (negated) {
        name = ap_getword_conf(words->pool, &args);
    }
    alias = find_alias(name, words->pool);
    text = alias != NULL
               ? apr_pstrcat(words->pool, aliased(words, alias), ", named ", name, NULL)
               : one_requirement(words, name, args);
    return negated ? apr_pstrcat(words->pool, "not ", text, NULL) : text;
}

/* ---- a section's -------------------------------------------------------------------------- */

bool config_words_is_limit(const ap_directive_t *d)
{
    return config_tree_is(d, "<Limit") || config_tree_is(d, "<LimitExcept");
}

static bool is_requirement(const ap_directive_t *d)
{
    return config_tree_is(d, "Require") || config_tree_is(d, "<RequireAll") ||
           config_tree_is(d, "<RequireAny") || config_tree_is(d, "<RequireNone");
}

const char *config_words_methods(const ap_directive_t *limit, apr_pool_t *pool)
{
    char *args = apr_pstrdup(pool, limit->args);
    char *end = strrchr(args, '>');
    int count;

    if (end != NULL) {
        *end = '\0';
    }
    return list(&count, args, pool);
}

void config_words_gather(apr_array_header_t *items, const ap_directive_t *level)
{
    for (const ap_directive_t *d = level; d != NULL; d = d->next) {
        if (is_requirement(d)) {
            APR_ARRAY_PUSH(items, const ap_directive_t *) = d;
        }
        else if (config_words_is_limit(d)) {
            config_words_gather(items, d->first_child);
        }
    }
}

static void add(struct words *words, int depth, const char *text)
{
    struct config_words_line *line = apr_array_push(words->lines);

    line->depth = depth;
    line->text = text;
}

static void add_item(struct words *words, int depth, const ap_directive_t *item);

static void add_group(struct words *words, int depth, const ap_directive_t *level,
                      const char *heading, const char *limits)
{
    apr_array_header_t *items =
        apr_array_make(words->pool, 4, sizeof(const ap_directive_t *));

    config_words_gather(items, level);
    /* One line needs no list, unless it must not be met. */
    if (items->nelts > 1 || *limits != '\0' || strcmp(heading, "none of:") == 0) {
        add(words, depth++, apr_pstrcat(words->pool, limits, heading, NULL));
    }
    for (int i = 0; i < items->nelts; i++) {
        add_item(words, depth, APR_ARRAY_IDX(items, i, const ap_directive_t *));
    }
}

static void add_item(struct words *words, int depth, const ap_directive_t *item)
{
    const char *limits = "";

    if (item->parent != NULL && config_words_is_limit(item->parent)) {
        limits = apr_psprintf(
            words->pool,
            "%s %s: ", config_tree_is(item->parent, "<Limit") ? "for" : "for all but",
            config_words_methods(item->parent, words->pool));
    }
    if (config_tree_is(item, "Require")) {
        add(words, depth,
            apr_pstrcat(words->pool, limits, requirement(words, item), NULL));
        return;
    }
    add_group(words, depth, item->first_child,
              config_tree_is(item, "<RequireAll")   ? "all of:"
              : config_tree_is(item, "<RequireAny") ? "one of:"
                                                    : "none of:",
              limits);
}

const char *config_words_left_open(const ap_directive_t *section, apr_pool_t *pool)
{
    apr_array_header_t *items = apr_array_make(pool, 4, sizeof(const ap_directive_t *));
    const ap_directive_t *limit = NULL;

    config_words_gather(items, section->first_child);
    for (int i = 0; i < items->nelts; i++) {
        const ap_directive_t *parent =
            APR_ARRAY_IDX(items, i, const ap_directive_t *)->parent;

        if (!config_words_is_limit(parent)) {
            return NULL;
        }
        if (limit != NULL &&
            (!config_tree_is(limit, "<Limit") || !config_tree_is(parent, "<Limit")) &&
            limit != parent) {
            return NULL; /* together they may name every method */
        }
        limit = parent;
    }
    if (limit == NULL) {
        return NULL;
    }
    return apr_pstrcat(pool,
                       config_tree_is(limit, "<Limit")
                           ? "other methods"
                           : config_words_methods(limit, pool),
                       ": nobody is asked for a token", NULL);
}

apr_array_header_t *config_words_of(const ap_directive_t *section, bool tokens,
                                    apr_pool_t *pool)
{
    struct words words = {apr_array_make(pool, 4, sizeof(struct config_words_line)),
                          tokens, pool};

    add_group(&words, 0, section->first_child, "one of:", "");
    return words.lines;
}

/* Those that are answered before anybody knows the user. */
static bool asks_for_user(const ap_directive_t *require, apr_pool_t *pool)
{
    static const char *const others[] = {"all", "ip",     "host", "forward-dns", "local",
                                         "env", "method", "expr", "not"};
    const char *name = config_tree_first_word(require, pool);

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (ap_cstr_casecmp(name, others[i]) == 0) {
            return false;
        }
    }
    return true;
}

static bool level_asks_for_user(const ap_directive_t *level, apr_pool_t *pool)
{
    for (const ap_directive_t *d = level; d != NULL; d = d->next) {
        if (config_tree_is(d, "Require") ? asks_for_user(d, pool)
            : config_tree_is_grouping(d) ? level_asks_for_user(d->first_child, pool)
                                         : false) {
            return true;
        }
    }
    return false;
}

bool config_words_ask_for_user(const ap_directive_t *section, apr_pool_t *pool)
{
    return level_asks_for_user(section->first_child, pool);
}

const char *config_words_requirement(const ap_directive_t *require, bool tokens,
                                     apr_pool_t *pool)
{
    struct words words = {NULL, tokens, pool};

    return requirement(&words, require);
}

const char *config_words_provider(const char **args, const ap_directive_t *require,
                                  apr_pool_t *pool)
{
    const ap_directive_t *alias;
    const char *name;

    *args = require->args;
    name = ap_getword_conf(pool, args);
    if (ap_cstr_casecmp(name, "not") == 0) {
        name = ap_getword_conf(pool, args);
    }
    alias = find_alias(name, pool);
    return alias != NULL ? read_alias(args, alias, pool) : name;
}
