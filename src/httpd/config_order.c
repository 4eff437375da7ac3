#include "httpd/config_order.h"

#include <apr_lib.h>
#include <apr_strings.h>

#include "httpd/config_request.h"
#include "httpd/config_tree.h"

/* What a section's argument is compared with, in the order httpd merges them. */
enum kind { KIND_DIRECTORY, KIND_PROXY, KIND_FILES, KIND_LOCATION, KIND_IF };

static const struct {
    const char *name;
    enum kind kind;
    bool regex;
} kinds[] = {
    {"<Directory", KIND_DIRECTORY, false},
    {"<DirectoryMatch", KIND_DIRECTORY, true},
    {"<Proxy", KIND_PROXY, false},
    {"<ProxyMatch", KIND_PROXY, true},
    {"<Files", KIND_FILES, false},
    {"<FilesMatch", KIND_FILES, true},
    {"<Location", KIND_LOCATION, false},
    {"<LocationMatch", KIND_LOCATION, true},
    {"<If", KIND_IF, false},
    {"<ElseIf", KIND_IF, false},
    {"<Else", KIND_IF, false},
};

static int find_kind(const ap_directive_t *d)
{
    for (int i = 0; i < (int)(sizeof(kinds) / sizeof(kinds[0])); i++) {
        if (config_tree_is(d, kinds[i].name)) {
            return i;
        }
    }
    return -1;
}

bool config_order_is_section(const ap_directive_t *d)
{
    return find_kind(d) >= 0;
}

static enum kind kind_of(const ap_directive_t *section)
{
    return kinds[find_kind(section)].kind;
}

/* <Location ~ "..."> is a <LocationMatch "...">. */
static bool is_regex(const ap_directive_t *section, apr_pool_t *pool)
{
    return kinds[find_kind(section)].regex ||
           strcmp(config_tree_first_word(section, pool), "~") == 0;
}

/* ---- which requests two sections share ---------------------------------------------- */

/* A set of paths (or names of files): one, one and those below, all that begin so. */
enum shape { ONE, BELOW, PREFIX, UNKNOWN };

struct extent {
    enum kind kind;
    enum shape shape;
    const char *text;
};

/* Is another meaning given to all regular expressions of the server? */
static bool regexes_are_changed(void)
{
    for (const ap_directive_t *d = ap_conftree; d != NULL; d = d->next) {
        if (config_tree_is(d, "RegexDefaultOptions")) {
            return true;
        }
    }
    return false;
}

/* ^/a/b and ^/a/b$: the text without the anchors, if all of it stands for itself. */
static const char *literal_regex(enum shape *shape, const char *regex, apr_pool_t *pool)
{
    char *text = apr_pstrdup(pool, regex);
    char *to = text;

    if (regex[0] != '^' || regex[1] != '/' || regexes_are_changed()) {
        return NULL;
    }
    *shape = PREFIX;
    for (regex++; *regex != '\0'; regex++) {
        if (*regex == '$' && regex[1] == '\0') {
            *shape = ONE;
            break;
        }
        if (*regex == '\\' && apr_ispunct(regex[1])) {
            regex++;
        }
        else if (!apr_isalnum(*regex) && strchr("/_-~%@:,;!=&'", *regex) == NULL) {
            return NULL;
        }
        *to++ = *regex;
    }
    *to = '\0';
    return text;
}

static void without_last_slash(struct extent *extent, apr_pool_t *pool)
{
    size_t len = strlen(extent->text);

    if (len > 0 && extent->text[len - 1] == '/') {
        extent->text = apr_pstrmemdup(pool, extent->text, len - 1);
    }
}

static struct extent extent_of(const ap_directive_t *section, apr_pool_t *pool)
{
    struct extent extent = {kind_of(section), UNKNOWN, NULL};
    const char *word = config_tree_first_word(section, pool);
    size_t len = strlen(word);

    if (config_tree_is(section, "<LocationMatch")) {
        extent.text = literal_regex(&extent.shape, word, pool);
    }
    else if (config_tree_plain_path(section, pool) != NULL && word[0] == '/') {
        extent.text = word;
        extent.shape = BELOW;
        if (extent.kind == KIND_DIRECTORY) {
            without_last_slash(&extent, pool);
        }
        else if (word[len - 1] == '/') {
            extent.shape = PREFIX; /* <Location "/a/"> leaves /a alone */
        }
    }
    else if (config_tree_is(section, "<Files") && strpbrk(word, "~*?[") == NULL) {
        extent.text = word;
        extent.shape = ONE;
    }
    if (extent.text == NULL) {
        extent.shape = UNKNOWN;
        extent.text = "";
    }
    return extent;
}

static bool is_within(const struct extent *inner, const struct extent *outer)
{
    size_t len = strlen(outer->text);

    if (outer->shape == ONE) {
        return inner->shape == ONE && strcmp(inner->text, outer->text) == 0;
    }
    if (strncmp(inner->text, outer->text, len) != 0) {
        return false;
    }
    return outer->shape == PREFIX || inner->text[len] == '/' ||
           (inner->text[len] == '\0' && inner->shape != PREFIX);
}

enum share { SHARE_NONE, SHARE_SOME, SHARE_ALL };

/* How many of one section's requests are in the other, these two alone looked at. */
static enum share share_of(const ap_directive_t *inner, const ap_directive_t *outer,
                           apr_pool_t *pool)
{
    struct extent of_inner;
    struct extent of_outer;

    if (inner == outer) {
        return SHARE_ALL;
    }
    of_inner = extent_of(inner, pool);
    of_outer = extent_of(outer, pool);
    if (of_outer.kind == KIND_LOCATION && of_outer.shape == PREFIX &&
        strcmp(of_outer.text, "/") == 0) {
        return SHARE_ALL;
    }
    if (of_inner.kind != of_outer.kind) {
        return SHARE_SOME;
    }
    if (of_inner.shape == UNKNOWN || of_outer.shape == UNKNOWN) {
        return config_tree_is(inner, outer->directive) &&
                       !config_tree_is(inner, "<Else") &&
                       strcmp(inner->args, outer->args) == 0
                   ? SHARE_ALL
                   : SHARE_SOME;
    }
    if (is_within(&of_inner, &of_outer)) {
        return SHARE_ALL;
    }
    /* Of two such sets, one holds the other or they have nothing in common. */
    return is_within(&of_outer, &of_inner) ? SHARE_SOME : SHARE_NONE;
}

/* A section is inside of all that stand around it: each of them must let it in. */
static enum share share_of_nested(const ap_directive_t *inner,
                                  const ap_directive_t *outer, apr_pool_t *pool)
{
    enum share share = SHARE_ALL;

    for (; outer != NULL; outer = config_tree_section_of(outer)) {
        enum share best = SHARE_SOME;

        for (const ap_directive_t *d = inner; d != NULL; d = config_tree_section_of(d)) {
            enum share one = share_of(d, outer, pool);

            if (one == SHARE_NONE) {
                return SHARE_NONE;
            }
            best = one > best ? one : best;
        }
        share = best < share ? best : share;
    }
    return share;
}

bool config_order_contains(const ap_directive_t *outer, const ap_directive_t *inner,
                           apr_pool_t *pool)
{
    return share_of_nested(inner, outer, pool) == SHARE_ALL;
}

/* ---- the order ------------------------------------------------------------------------ */

static void collect(apr_array_header_t *sections, const ap_directive_t *level)
{
    for (const ap_directive_t *d = level; d != NULL; d = d->next) {
        if (config_order_is_section(d)) {
            APR_ARRAY_PUSH(sections, const ap_directive_t *) = d;
            collect(sections, d->first_child);
        }
    }
}

static int count_slashes(const ap_directive_t *section, apr_pool_t *pool)
{
    const char *text = config_tree_first_word(section, pool);
    int count = 0;

    for (const char *p = text; *p != '\0'; p++) {
        /* httpd adds the slash at the end where it is missing */
        count += *p == '/' && p[1] != '\0';
    }
    return count + (strcmp(text, "/") != 0);
}

/* Negative when a is merged before b; 0 when the order of the files decides. */
static int compare(const ap_directive_t *a, const ap_directive_t *b, apr_pool_t *pool)
{
    const ap_directive_t *around_a = config_tree_section_of(a);
    const ap_directive_t *around_b = config_tree_section_of(b);
    enum kind kind = kind_of(a);

    if (kind != kind_of(b)) {
        return kind < kind_of(b) ? -1 : 1;
    }
    if (kind == KIND_DIRECTORY && is_regex(a, pool) != is_regex(b, pool)) {
        return is_regex(a, pool) ? 1 : -1;
    }
    if (kind == KIND_DIRECTORY && !is_regex(a, pool)) {
        return count_slashes(a, pool) - count_slashes(b, pool);
    }
    /* Files and If go with the section they stand in. */
    if (around_a == around_b) {
        return 0;
    }
    if (around_a == NULL || around_b == NULL) {
        return around_a == NULL ? -1 : 1;
    }
    return compare(around_a, around_b, pool);
}

/* By insertion, since equal ones must stay as they are. */
static void sort(apr_array_header_t *sections, apr_pool_t *pool)
{
    const ap_directive_t **all = (const ap_directive_t **)(void *)sections->elts;

    for (int i = 1; i < sections->nelts; i++) {
        const ap_directive_t *moved = all[i];
        int j = i;

        while (j > 0 && compare(all[j - 1], moved, pool) > 0) {
            all[j] = all[j - 1];
            j--;
        }
        all[j] = moved;
    }
}

void config_order_make(struct config_order *order, const ap_directive_t *host,
                       apr_pool_t *pool)
{
    order->host = host;
    order->sections = apr_array_make(pool, 16, sizeof(const ap_directive_t *));
    collect(order->sections, ap_conftree);
    if (host != NULL) {
        collect(order->sections, host->first_child);
    }
    sort(order->sections, pool);
}

static const ap_directive_t *section_at(const struct config_order *order, int place)
{
    return APR_ARRAY_IDX(order->sections, place, const ap_directive_t *);
}

int config_order_place(const struct config_order *order, const ap_directive_t *section)
{
    int place = 0;

    while (section_at(order, place) != section) {
        place++;
    }
    return place;
}

/* <Proxy> stands in for <Directory>. */
static enum kind walk_of(const ap_directive_t *section)
{
    enum kind kind = kind_of(section);

    return kind == KIND_PROXY ? KIND_DIRECTORY : kind;
}

int config_order_walk_begin(const struct config_order *order, int place)
{
    enum kind walk = walk_of(section_at(order, place));

    while (place > 0 && walk_of(section_at(order, place - 1)) == walk) {
        place--;
    }
    return place;
}

/* ---- who has the last word --------------------------------------------------------------- */

static void add_lines(apr_array_header_t *lines, const ap_directive_t *level,
                      const char *const *names)
{
    for (const ap_directive_t *d = level; d != NULL; d = d->next) {
        for (int i = 0; names[i] != NULL; i++) {
            if (config_tree_is(d, names[i])) {
                APR_ARRAY_PUSH(lines, const ap_directive_t *) = d;
            }
        }
        if (config_tree_is_grouping(d)) {
            add_lines(lines, d->first_child, names);
        }
    }
}

apr_array_header_t *config_order_lines(const ap_directive_t *section,
                                       const char *const *names, apr_pool_t *pool)
{
    apr_array_header_t *lines = apr_array_make(pool, 2, sizeof(const ap_directive_t *));

    add_lines(lines, section != NULL ? section->first_child : ap_conftree, names);
    return lines;
}

static void find_at_server(struct config_order_found *found,
                           const struct config_order *order, const char *const *names,
                           apr_pool_t *pool)
{
    found->section = NULL;
    found->place = -1;
    found->lines = config_order_lines(order->host, names, pool);
    if (found->lines->nelts == 0 && order->host != NULL) {
        found->lines = config_order_lines(NULL, names, pool);
    }
}

void config_order_find(struct config_order_found *found, const struct config_order *order,
                       const ap_directive_t *section, const char *const *names,
                       int before, apr_pool_t *pool)
{
    found->maybe = apr_array_make(pool, 2, sizeof(const ap_directive_t *));
    for (int i = before - 1; i >= 0; i--) {
        const ap_directive_t *other = section_at(order, i);
        enum share share;

        found->lines = config_order_lines(other, names, pool);
        if (found->lines->nelts == 0) {
            continue;
        }
        share = share_of_nested(section, other, pool);
        if (share == SHARE_ALL) {
            found->section = other;
            found->place = i;
            return;
        }
        /* What is inside of this section has its own place in the list. */
        if (share == SHARE_SOME && !config_order_contains(section, other, pool)) {
            APR_ARRAY_PUSH(found->maybe, const ap_directive_t *) = other;
        }
    }
    find_at_server(found, order, names, pool);
}

void config_order_find_for(struct config_order_found *found,
                           const struct config_order *order,
                           const struct config_request *request, const char *const *names,
                           int before, apr_pool_t *pool)
{
    found->maybe = apr_array_make(pool, 2, sizeof(const ap_directive_t *));
    for (int i = before - 1; i >= 0; i--) {
        const ap_directive_t *section = section_at(order, i);
        enum config_request_place place;

        found->lines = config_order_lines(section, names, pool);
        if (found->lines->nelts == 0) {
            continue;
        }
        place = config_request_in(request, section);
        if (place == CONFIG_REQUEST_INSIDE) {
            found->section = section;
            found->place = i;
            return;
        }
        if (place == CONFIG_REQUEST_PERHAPS) {
            APR_ARRAY_PUSH(found->maybe, const ap_directive_t *) = section;
        }
    }
    find_at_server(found, order, names, pool);
}
