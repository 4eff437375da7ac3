#include "httpd/config_view.h"

#include <apr_strings.h>
#include <http_main.h>

#include "httpd/config_tree.h"

/* More sections that only a request can tell of are counted, not named. */
#define EXCEPTIONS_NAMED 4

void config_view_init(struct config_view *view, struct config_page *page, int indent,
                      const struct config_order *order, const ap_directive_t *section)
{
    view->page = page;
    view->indent = indent;
    view->order = order;
    view->section = section;
    view->request = NULL;
    view->pool = page->pool;
    view->exceptions =
        apr_array_make(view->pool, 2, sizeof(struct config_view_exception));
}

void config_view_init_request(struct config_view *view, const struct config_order *order,
                              const struct config_request *request, apr_pool_t *pool)
{
    view->page = NULL;
    view->indent = 0;
    view->order = order;
    view->section = NULL;
    view->request = request;
    view->pool = pool;
    view->exceptions = apr_array_make(pool, 2, sizeof(struct config_view_exception));
}

const char *config_view_place(const ap_directive_t *d, apr_pool_t *pool)
{
    const char *file = d->filename;
    size_t len = strlen(ap_server_root);

    if (strncmp(file, ap_server_root, len) == 0 && file[len] == '/') {
        file += len + 1;
    }
    return apr_psprintf(pool, "%s:%d", file, d->line_num);
}

const char *config_view_describe(const ap_directive_t *section, apr_pool_t *pool)
{
    return apr_psprintf(pool, "%s  (%s)", config_tree_describe(section, pool),
                        config_view_place(section, pool));
}

const ap_directive_t *config_view_line(const apr_array_header_t *lines, int i)
{
    return APR_ARRAY_IDX(lines, i, const ap_directive_t *);
}

const ap_directive_t *config_view_last(const apr_array_header_t *lines)
{
    return lines->nelts > 0 ? config_view_line(lines, lines->nelts - 1) : NULL;
}

bool config_view_has(const ap_directive_t *section, const char *const *names,
                     apr_pool_t *pool)
{
    return config_order_lines(section, names, pool)->nelts > 0;
}

static void add_exception(struct config_view *view, const ap_directive_t *section,
                          const char *noun)
{
    struct config_view_exception *exception;

    for (int i = 0; i < view->exceptions->nelts; i++) {
        exception = &APR_ARRAY_IDX(view->exceptions, i, struct config_view_exception);
        if (exception->section == section) {
            if (strstr(exception->nouns, noun) == NULL) {
                exception->nouns =
                    apr_pstrcat(view->pool, exception->nouns, ", ", noun, NULL);
            }
            return;
        }
    }
    exception = apr_array_push(view->exceptions);
    exception->section = section;
    exception->nouns = noun;
}

void config_view_find(struct config_view *view, struct config_order_found *found,
                      const char *const *names, int before, const char *noun)
{
    if (view->request != NULL) {
        config_order_find_for(found, view->order, view->request, names, before,
                              view->pool);
    }
    else {
        config_order_find(found, view->order, view->section, names, before, view->pool);
    }
    for (int i = 0; i < found->maybe->nelts; i++) {
        add_exception(view, config_view_line(found->maybe, i), noun);
    }
}

const char *config_view_origin(const struct config_view *view, const ap_directive_t *line)
{
    const ap_directive_t *section = config_tree_section_of(line);
    const char *from = config_tree_enclosing(line, "<VirtualHost") != NULL
                           ? "the virtual host"
                           : "the main server";

    if (section == view->section) {
        return NULL;
    }
    if (section != NULL) {
        from = config_tree_describe(section, view->pool);
    }
    return apr_psprintf(view->pool, "(from %s, %s)", from,
                        config_view_place(line, view->pool));
}

void config_view_add(const struct config_view *view, const char *label, const char *value,
                     const char *note)
{
    config_page_field(view->page, view->indent, label, 0, value, note);
}

void config_view_add_exceptions(const struct config_view *view)
{
    int count = view->exceptions->nelts;

    if (count == 0) {
        return;
    }
    config_page_add(
        view->page, view->indent,
        "Depends on the request. Where one of these applies too, it decides:");
    for (int i = 0; i < count && i < EXCEPTIONS_NAMED; i++) {
        const struct config_view_exception *exception =
            &APR_ARRAY_IDX(view->exceptions, i, struct config_view_exception);

        config_page_add(view->page, view->indent + 4,
                        apr_pstrcat(view->pool,
                                    config_view_describe(exception->section, view->pool),
                                    "  ", exception->nouns, NULL));
    }
    if (count > EXCEPTIONS_NAMED) {
        config_page_add(
            view->page, view->indent + 4,
            apr_psprintf(view->pool, "and %d more", count - EXCEPTIONS_NAMED));
    }
}
