#include "httpd/config_section.h"

#include <apr_strings.h>

#include "httpd/config.h"
#include "httpd/config_require.h"
#include "httpd/config_tree.h"
#include "httpd/config_trust.h"
#include "httpd/config_view.h"
#include "httpd/config_words.h"

static const char *const auth_type_names[] = {"AuthType", NULL};
static const char *const require_lines[] = {"Require", NULL};
static const char *const require_names[] = {"Require", "AuthMerging", NULL};
static const char *const satisfy_names[] = {"Satisfy", NULL};
static const char *const override_names[] = {"AllowOverride", NULL};
static const char *const override_list_names[] = {"AllowOverrideList", NULL};

/* ---- AuthType -------------------------------------------------------------------------------- */

static bool is_our_type(const apr_array_header_t *lines, apr_pool_t *pool)
{
    const ap_directive_t *line = config_view_last(lines);

    return line != NULL && config_is_our_auth_type(config_tree_first_word(line, pool));
}

static bool may_be_our_type(const struct config_order_found *found, apr_pool_t *pool)
{
    for (int i = 0; i < found->maybe->nelts; i++) {
        if (is_our_type(config_order_lines(config_view_line(found->maybe, i),
                                           auth_type_names, pool),
                        pool)) {
            return true;
        }
    }
    return is_our_type(found->lines, pool);
}

/* Is a directive or a requirement of ours in this level? */
static bool names_us(const ap_directive_t *level, apr_pool_t *pool)
{
    for (const ap_directive_t *d = level; d != NULL; d = d->next) {
        if (strncasecmp(d->directive, "Auth0", 5) == 0 ||
            (config_tree_is(d, "Require") &&
             config_words_is_ours(config_tree_first_word(d, pool), pool)) ||
            (config_tree_is_grouping(d) && names_us(d->first_child, pool))) {
            return true;
        }
    }
    return false;
}

bool config_section_concerns_us(const struct config_order *order,
                                const ap_directive_t *section, apr_pool_t *pool)
{
    struct config_order_found found;

    if (names_us(section->first_child, pool) ||
        is_our_type(config_order_lines(section, auth_type_names, pool), pool)) {
        return true;
    }
    if (!config_view_has(section, require_names, pool) &&
        !config_view_has(section, satisfy_names, pool) &&
        !config_view_has(section, auth_type_names, pool)) {
        return false;
    }
    /* It changes what was asked for before, or has its part in what is asked for. */
    config_order_find(&found, order, section, auth_type_names,
                      config_order_place(order, section), pool);
    if (may_be_our_type(&found, pool)) {
        return true;
    }
    config_order_find(&found, order, section, auth_type_names, order->sections->nelts,
                      pool);
    return found.section != NULL && config_tree_is(found.section, section->directive) &&
           is_our_type(found.lines, pool);
}

/* ---- requirements --------------------------------------------------------------------------- */

static void add_words(const struct config_view *view, int depth,
                      const struct config_require_part *part, bool tokens,
                      const char **label)
{
    apr_array_header_t *lines = config_words_of(part->section, tokens, view->pool);
    const char *note = NULL;

    if (part->section != view->section) {
        note = apr_psprintf(view->pool, "(from %s, %s)",
                            config_tree_describe(part->section, view->pool),
                            config_view_place(part->section, view->pool));
    }
    for (int i = 0; i < lines->nelts; i++) {
        const struct config_words_line *line =
            &APR_ARRAY_IDX(lines, i, struct config_words_line);

        config_page_field(view->page, view->indent, *label, depth + line->depth,
                          line->text, note);
        *label = "";
        note = NULL;
    }
}

static bool is_and(const char *merging)
{
    return strcmp(merging, "And") == 0;
}

static const char *merging_note(const struct config_view *view, const char *merging)
{
    return apr_psprintf(view->pool, "(AuthMerging %s)", merging);
}

static void add_heading(const struct config_view *view, int depth, const char *merging,
                        const char **label)
{
    config_page_field(
        view->page, view->indent, *label, depth,
        is_and(merging) ? "all of:" : "one of:", merging_note(view, merging));
    *label = "";
}

static void add_part(const struct config_view *view, int depth,
                     const apr_array_header_t *parts, int i, bool tokens,
                     const char **label)
{
    const struct config_require_part *part =
        &APR_ARRAY_IDX(parts, i, struct config_require_part);

    if (i + 1 < parts->nelts) {
        add_heading(view, depth++, part->merging, label);
        add_part(view, depth, parts, i + 1, tokens, label);
    }
    add_words(view, depth, part, tokens, label);
}

static void add_walk(const struct config_view *view, int depth,
                     const apr_array_header_t *walks, int i, bool tokens,
                     const char **label)
{
    const struct config_require_walk *walk =
        &APR_ARRAY_IDX(walks, i, struct config_require_walk);
    bool last = i + 1 == walks->nelts;

    if (!last) {
        add_heading(view, depth++, walk->merging, label);
        add_walk(view, depth, walks, i + 1, tokens, label);
    }
    add_part(view, depth, walk->parts, 0, tokens, label);
    if (last && walk->merging != NULL) {
        config_page_field(view->page, view->indent, "", depth,
                          is_and(walk->merging)
                              ? "and what outer sections require, if any"
                              : "or what outer sections require, if any",
                          merging_note(view, walk->merging));
    }
}

/* Of requirements that AuthMerging joins, some may stand in <Limit> and others not. */
static void add_left_open(const struct config_view *view, const apr_array_header_t *walks)
{
    const struct config_require_walk *walk =
        &APR_ARRAY_IDX(walks, 0, struct config_require_walk);
    const char *open = NULL;

    if (walk->parts->nelts == 1 && walk->merging == NULL) {
        open = config_words_left_open(
            APR_ARRAY_IDX(walk->parts, 0, struct config_require_part).section,
            view->pool);
    }
    if (open != NULL) {
        config_view_add(view, "", open, NULL);
    }
}

/* Is the section one of those, and does one of those ask who the user is? */
static void judge_walks(bool *own, bool *ask, const struct config_view *view,
                        const apr_array_header_t *walks)
{
    *own = false;
    *ask = false;
    for (int i = 0; i < walks->nelts; i++) {
        const apr_array_header_t *parts =
            APR_ARRAY_IDX(walks, i, struct config_require_walk).parts;

        for (int j = 0; j < parts->nelts; j++) {
            const ap_directive_t *section =
                APR_ARRAY_IDX(parts, j, struct config_require_part).section;

            *own = *own || section == view->section;
            *ask = *ask || config_words_ask_for_user(section, view->pool);
        }
    }
}

/* Returns whether they ask who the user is. */
static bool add_requirements(struct config_view *view, bool tokens)
{
    const apr_array_header_t *walks = config_require_walks(view);
    const char *label = "Requires";
    bool own;
    bool ask;

    if (walks->nelts == 0) {
        config_view_add(
            view, label,
            view->exceptions->nelts > 0 ? "depends on the request" : "nothing", NULL);
        return false;
    }
    judge_walks(&own, &ask, view, walks);
    add_walk(view, 0, walks, 0, tokens, &label);
    add_left_open(view, walks);
    if (!own && config_view_has(view->section, require_lines, view->pool)) {
        config_page_add(view->page, view->indent,
                        "Its own Require lines do not count: the other section comes "
                        "later.");
    }
    return ask;
}

/* ---- .htaccess ----------------------------------------------------------------------------- */

static bool opens_a_directive(const ap_directive_t *line, apr_pool_t *pool)
{
    const char *args = line->args;
    const char *word;

    while (*(word = ap_getword_conf(pool, &args)) != '\0') {
        if (config_tree_is(line, "AllowOverride")
                ? ap_cstr_casecmp(word, "All") == 0 ||
                      ap_cstr_casecmp(word, "AuthConfig") == 0
                : strncasecmp(word, "Auth", 4) == 0 ||
                      strncasecmp(word, "Require", 7) == 0 ||
                      strncasecmp(word, "<Require", 8) == 0) {
            return true;
        }
    }
    return false;
}

static bool opens_one(const apr_array_header_t *lines, apr_pool_t *pool)
{
    const ap_directive_t *line = config_view_last(lines);

    return line != NULL && opens_a_directive(line, pool);
}

bool config_section_allows_htaccess(const ap_directive_t *section, apr_pool_t *pool)
{
    return opens_one(config_order_lines(section, override_names, pool), pool) ||
           opens_one(config_order_lines(section, override_list_names, pool), pool);
}

apr_array_header_t *config_section_overrides(struct config_view *view)
{
    const char *const *const both[] = {override_names, override_list_names};
    apr_array_header_t *lines =
        apr_array_make(view->pool, 2, sizeof(const ap_directive_t *));

    for (int i = 0; i < 2; i++) {
        struct config_order_found found;

        config_view_find(view, &found, both[i], view->order->sections->nelts,
                         "AllowOverride");
        if (opens_one(found.lines, view->pool)) {
            APR_ARRAY_PUSH(lines, const ap_directive_t *) = config_view_last(found.lines);
        }
    }
    return lines;
}

static void add_htaccess(struct config_view *view)
{
    apr_array_header_t *lines;

    if (!config_tree_is(view->section, "<Directory")) {
        return;
    }
    lines = config_section_overrides(view);
    for (int i = 0; i < lines->nelts; i++) {
        const ap_directive_t *line = config_view_line(lines, i);
        const char *from = config_view_origin(view, line);

        config_page_add(view->page, view->indent,
                        apr_psprintf(view->pool,
                                     "Files .htaccess may change this: %s %s%s%s",
                                     line->directive, line->args,
                                     from != NULL ? "  " : "", from != NULL ? from : ""));
    }
}

/* ---- all of it ------------------------------------------------------------------------------- */

static void add_satisfy(struct config_view *view)
{
    struct config_order_found found;
    const ap_directive_t *line;

    config_view_find(view, &found, satisfy_names, view->order->sections->nelts,
                     "Satisfy");
    line = config_view_last(found.lines);
    if (line != NULL &&
        ap_cstr_casecmp(config_tree_first_word(line, view->pool), "any") == 0) {
        config_view_add(view, "Satisfy",
                        "any: whom Allow and Deny let in is not asked for a token",
                        config_view_origin(view, line));
    }
}

bool config_section_add(struct config_page *page, int indent,
                        const struct config_order *order, const ap_directive_t *section)
{
    struct config_view view;
    struct config_order_found type;
    const ap_directive_t *line;
    bool ours;
    bool asks;

    config_view_init(&view, page, indent, order, section);
    config_view_find(&view, &type, auth_type_names, order->sections->nelts,
                     "the AuthType");
    line = config_view_last(type.lines);
    ours = may_be_our_type(&type, view.pool);
    config_view_add(&view, "AuthType",
                    line != NULL ? config_tree_first_word(line, view.pool)
                    : ours       ? "depends on the request"
                                 : "none",
                    line != NULL ? config_view_origin(&view, line) : NULL);
    asks = add_requirements(&view, is_our_type(type.lines, view.pool));
    if (asks && line == NULL && !ours) {
        config_page_add(
            page, indent,
            "It asks for a user, and no AuthType is in force: httpd answers 500.");
    }
    if (ours) {
        add_satisfy(&view);
    }
    /* How tokens are judged is of no use to know where nobody is asked for one. */
    if (ours && (asks || view.exceptions->nelts > 0)) {
        config_trust_add(&view);
    }
    if (ours && config_view_has(section, auth_type_names, view.pool) &&
        !config_view_has(section, require_lines, view.pool)) {
        config_page_add(
            page, indent,
            "It has no Require of its own, so it protects nothing of itself.");
    }
    add_htaccess(&view);
    config_view_add_exceptions(&view);
    return asks && ours;
}
