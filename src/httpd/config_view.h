/**
 * @file config_view.h
 * A section as httpd -t -D DUMP_AUTH0 shows it: what is in force in it, from where, and
 * which other sections may have a word in that. The page it is written to goes along.
 */
#ifndef AUTH0_HTTPD_CONFIG_VIEW_H
#define AUTH0_HTTPD_CONFIG_VIEW_H

#include <httpd.h>
#include <http_config.h>
#include <stdbool.h>

#include "httpd/config_order.h"
#include "httpd/config_page.h"

struct config_request;

/** A section that may have a word in this one, and in what. */
struct config_view_exception {
    const ap_directive_t *section;
    const char *nouns;
};

struct config_view {
    struct config_page *page;
    int indent;
    const struct config_order *order;
    const ap_directive_t *section;
    const struct config_request *request; /**< instead of a section; else NULL */
    apr_array_header_t *exceptions;       /**< of struct config_view_exception */
    apr_pool_t *pool;
};

void config_view_init(struct config_view *view, struct config_page *page, int indent,
                      const struct config_order *order, const ap_directive_t *section);

/** The same for what holds for one request; there is no page. */
void config_view_init_request(struct config_view *view, const struct config_order *order,
                              const struct config_request *request, apr_pool_t *pool);

/** Where a directive stands: conf/httpd.conf:12, without the ServerRoot. */
const char *config_view_place(const ap_directive_t *d, apr_pool_t *pool);

/** A section and its place, for a page. */
const char *config_view_describe(const ap_directive_t *section, apr_pool_t *pool);

/** One of an array of directives. */
const ap_directive_t *config_view_line(const apr_array_header_t *lines, int i);

/** The last, which counts where a directive has one value; NULL if there is none. */
const ap_directive_t *config_view_last(const apr_array_header_t *lines);

/** Does one of these directives stand in the section itself? */
bool config_view_has(const ap_directive_t *section, const char *const *names,
                     apr_pool_t *pool);

/**
 * As config_order_find, and remember who else may have a word.
 *
 * @param noun  what the directives are about, for config_view_add_exceptions
 */
void config_view_find(struct config_view *view, struct config_order_found *found,
                      const char *const *names, int before, const char *noun);

/** (from <Location "/api">, conf/httpd.conf:12); NULL for what stands in the section. */
const char *config_view_origin(const struct config_view *view,
                               const ap_directive_t *line);

/** A field of the page. */
void config_view_add(const struct config_view *view, const char *label, const char *value,
                     const char *note);

/** Which sections decide what, where they apply too. */
void config_view_add_exceptions(const struct config_view *view);

#endif
