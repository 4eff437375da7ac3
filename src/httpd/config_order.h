/**
 * @file config_order.h
 * Which of several sections has the last word, as far as the text can tell.
 *
 * httpd merges what applies to a request in a fixed order, and what comes later wins:
 * the main server, the virtual host; <Directory> from the shortest path to the longest,
 * then those with patterns; <Files>; <Location> in the order they are written in; <If>.
 * Of each kind the main server's sections come first.
 *
 * Whether two sections share requests is known for paths that are compared as they
 * stand and for a LocationMatch like "^/a/b$". All other patterns, conditions, and a
 * <Directory> beside a <Location>, only a request can tell.
 */
#ifndef AUTH0_HTTPD_CONFIG_ORDER_H
#define AUTH0_HTTPD_CONFIG_ORDER_H

#include <httpd.h>
#include <http_config.h>
#include <stdbool.h>

struct config_request;

/** The sections that serve one host, the one that has the last word last. */
struct config_order {
    const ap_directive_t *host;   /**< its <VirtualHost>; NULL for the main server */
    apr_array_header_t *sections; /**< of const ap_directive_t * */
};

/** What is in force, and who says so. */
struct config_order_found {
    const ap_directive_t *section; /**< NULL: a server's own level, or nowhere */
    apr_array_header_t *lines; /**< of const ap_directive_t *: all of that level; may be
                                    empty */
    apr_array_header_t *maybe; /**< of const ap_directive_t *: sections that have a word
                                    in this where they apply as well */
    int place;                 /**< among the sections; -1 for a server's own level */
};

/** Does a directive choose requests, as <Location> and <If> do? */
bool config_order_is_section(const ap_directive_t *d);

void config_order_make(struct config_order *order, const ap_directive_t *host,
                       apr_pool_t *pool);

/** Where a section stands in the order; one that does not serve the host is a mistake. */
int config_order_place(const struct config_order *order, const ap_directive_t *section);

/**
 * Where the sections begin that httpd merges with one another, before it merges the
 * result with what came before: those of <Directory>, <Files>, <Location>, <If>.
 */
int config_order_walk_begin(const struct config_order *order, int place);

/** Is every request of @a inner in @a outer too, for certain? */
bool config_order_contains(const ap_directive_t *outer, const ap_directive_t *inner,
                           apr_pool_t *pool);

/**
 * Who has the last word for requests of this section that are in none inside of it.
 *
 * @param names  the directives, of which a level has the word with any one; NULL ends
 * @param before look only at what comes before this place; the order's length for all
 */
void config_order_find(struct config_order_found *found, const struct config_order *order,
                       const ap_directive_t *section, const char *const *names,
                       int before, apr_pool_t *pool);

/** The same for one request: here <If> and its like alone are left open. */
void config_order_find_for(struct config_order_found *found,
                           const struct config_order *order,
                           const struct config_request *request, const char *const *names,
                           int before, apr_pool_t *pool);

/** The directives of these names that stand in a section itself; NULL: main server. */
apr_array_header_t *config_order_lines(const ap_directive_t *section,
                                       const char *const *names, apr_pool_t *pool);

#endif
