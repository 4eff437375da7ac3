/**
 * @file config_page.h
 * Text for a terminal: indented lines, fields with a label, long lines broken.
 */
#ifndef AUTH0_HTTPD_CONFIG_PAGE_H
#define AUTH0_HTTPD_CONFIG_PAGE_H

#include <apr_strings.h>
#include <apr_tables.h>

/** Lines of a page; config_page_text puts them together. */
struct config_page {
    apr_array_header_t *lines; /**< of const char * */
    apr_pool_t *pool;
};

void config_page_init(struct config_page *page, apr_pool_t *pool);

/**
 * Add a line; one that is too long for a terminal goes on below, deeper, where it has
 * spaces to be broken at.
 */
void config_page_add(struct config_page *page, int indent, const char *text);

/**
 * Add a label and what it says, in columns.
 *
 * @param label ""  to go on with the field above
 * @param depth     how deep the value stands in its column: 0, 1, ...
 * @param note      a remark, on a line of its own if there is no room; NULL: none
 */
void config_page_field(struct config_page *page, int indent, const char *label, int depth,
                       const char *value, const char *note);

/** Add all lines of another page. */
void config_page_append(struct config_page *page, const struct config_page *more);

/** All lines, each with its end; "" for none. */
const char *config_page_text(const struct config_page *page);

#endif
