/**
 * @file config_section.h
 * One section of the configuration, put into words: what holds for its requests.
 */
#ifndef AUTH0_HTTPD_CONFIG_SECTION_H
#define AUTH0_HTTPD_CONFIG_SECTION_H

#include <httpd.h>
#include <http_config.h>
#include <stdbool.h>

#include "httpd/config_order.h"
#include "httpd/config_page.h"
#include "httpd/config_view.h"

/** Has this module anything to do with a section, as it applies in that host? */
bool config_section_concerns_us(const struct config_order *order,
                                const ap_directive_t *section, apr_pool_t *pool);

/** Does a section itself let .htaccess files change what it asks for? */
bool config_section_allows_htaccess(const ap_directive_t *section, apr_pool_t *pool);

/** The lines, AllowOverride and AllowOverrideList, that let .htaccess files do so. */
apr_array_header_t *config_section_overrides(struct config_view *view);

/**
 * Add what holds for the requests of a section that are in none inside of it.
 *
 * @return whether it asks for a token
 */
bool config_section_add(struct config_page *page, int indent,
                        const struct config_order *order, const ap_directive_t *section);

#endif
