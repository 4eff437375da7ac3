#include "httpd/config_tree.h"

#include <apr_strings.h>

bool config_tree_is(const ap_directive_t *d, const char *name)
{
    return ap_cstr_casecmp(d->directive, name) == 0;
}

const char *config_tree_first_word(const ap_directive_t *d, apr_pool_t *pool)
{
    const char *args = d->args;
    char *word = ap_getword_conf(pool, &args);
    size_t len = strlen(word);

    if (d->directive[0] == '<' && len > 0 && word[len - 1] == '>') {
        word[len - 1] = '\0';
    }
    return word;
}

const char *config_tree_describe(const ap_directive_t *section, apr_pool_t *pool)
{
    if (section == NULL) {
        return "the main server";
    }
    return apr_psprintf(pool, "%s %s", section->directive, section->args);
}

/* Where the directives that stand beside this one begin. */
static const ap_directive_t *level_of(const ap_directive_t *d)
{
    return d->parent != NULL ? d->parent->first_child : ap_conftree;
}

bool config_tree_is_grouping(const ap_directive_t *d)
{
    return config_tree_is(d, "<RequireAll") || config_tree_is(d, "<RequireAny") ||
           config_tree_is(d, "<RequireNone") || config_tree_is(d, "<Limit") ||
           config_tree_is(d, "<LimitExcept");
}

static const ap_directive_t *find_in_level(const ap_directive_t *level,
                                           config_tree_matcher *matches, apr_pool_t *pool)
{
    for (const ap_directive_t *d = level; d != NULL; d = d->next) {
        const ap_directive_t *found = NULL;

        if (matches(d, pool)) {
            return d;
        }
        if (config_tree_is_grouping(d)) {
            found = find_in_level(d->first_child, matches, pool);
        }
        if (found != NULL) {
            return found;
        }
    }
    return NULL;
}

const ap_directive_t *config_tree_find_around(const ap_directive_t *d,
                                              config_tree_matcher *matches,
                                              apr_pool_t *pool)
{
    for (; d != NULL; d = d->parent) {
        const ap_directive_t *found = find_in_level(level_of(d), matches, pool);

        if (found != NULL) {
            return found;
        }
    }
    return NULL;
}

const ap_directive_t *config_tree_enclosing(const ap_directive_t *d, const char *name)
{
    while (d != NULL && !config_tree_is(d, name)) {
        d = d->parent;
    }
    return d;
}

/* The nearest section that chooses requests; NULL at a server's own level. */
const ap_directive_t *config_tree_section_of(const ap_directive_t *d)
{
    d = d->parent;
    while (d != NULL && config_tree_is_grouping(d)) {
        d = d->parent;
    }
    return d == NULL || config_tree_is(d, "<VirtualHost") ? NULL : d;
}

const char *config_tree_plain_path(const ap_directive_t *section, apr_pool_t *pool)
{
    const char *path = config_tree_first_word(section, pool);

    if (!config_tree_is(section, "<Location") && !config_tree_is(section, "<Directory")) {
        return NULL;
    }
    return strpbrk(path, "~*?[") == NULL ? path : NULL;
}

bool config_tree_is_path_below(const char *path, const char *base)
{
    size_t len = strlen(base);

    while (len > 0 && base[len - 1] == '/') {
        len--;
    }
    return strncmp(path, base, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

bool config_tree_may_overlap(const ap_directive_t *a, const ap_directive_t *b,
                             apr_pool_t *pool)
{
    const char *path_a;
    const char *path_b;

    if (a == NULL || b == NULL || !config_tree_is(a, b->directive)) {
        return true;
    }
    path_a = config_tree_plain_path(a, pool);
    path_b = config_tree_plain_path(b, pool);
    return path_a == NULL || path_b == NULL ||
           config_tree_is_path_below(path_a, path_b) ||
           config_tree_is_path_below(path_b, path_a);
}
