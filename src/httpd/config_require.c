#include "httpd/config_require.h"

#include <apr_strings.h>

#include "httpd/config_tree.h"

static const char *const require_lines[] = {"Require", NULL};
static const char *const require_names[] = {"Require", "AuthMerging", NULL};

static const char *merging_of(const ap_directive_t *section, apr_pool_t *pool)
{
    static const char *const names[] = {"AuthMerging", NULL};
    const ap_directive_t *line =
        config_view_last(config_order_lines(section, names, pool));
    const char *word = line != NULL ? config_tree_first_word(line, pool) : "";

    return ap_cstr_casecmp(word, "and") == 0  ? "And"
           : ap_cstr_casecmp(word, "or") == 0 ? "Or"
                                              : NULL;
}

/* Those of one walk, from a place on; returns the place where to go on, or -1. */
static int find_walk(struct config_view *view, apr_array_header_t *walks, int before)
{
    struct config_require_walk walk = {
        apr_array_make(view->pool, 2, sizeof(struct config_require_part)), NULL};
    struct config_order_found found;
    int begin = -1;

    for (;;) {
        struct config_require_part part;

        config_view_find(view, &found, require_names, before, "the requirements");
        if (found.section == NULL || found.place < begin) {
            break;
        }
        part.section = found.section;
        part.merging = merging_of(found.section, view->pool);
        if (begin < 0) {
            begin = config_order_walk_begin(view->order, found.place);
            walk.merging = part.merging;
        }
        if (config_view_has(found.section, require_lines, view->pool)) {
            APR_ARRAY_PUSH(walk.parts, struct config_require_part) = part;
        }
        before = found.place;
        if (part.merging == NULL) {
            break;
        }
    }
    if (walk.parts->nelts > 0) {
        APR_ARRAY_PUSH(walks, struct config_require_walk) = walk;
    }
    return walk.merging != NULL ? begin : -1;
}

apr_array_header_t *config_require_walks(struct config_view *view)
{
    apr_array_header_t *walks =
        apr_array_make(view->pool, 2, sizeof(struct config_require_walk));
    int before = view->order->sections->nelts;

    while (before >= 0) {
        before = find_walk(view, walks, before);
    }
    return walks;
}
