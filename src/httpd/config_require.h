/**
 * @file config_require.h
 * Whose requirements are in force together, as AuthMerging joins them.
 *
 * httpd merges the <Location> sections with one another, and the result with that of
 * the <Directory> sections; there the last AuthMerging counts once more.
 */
#ifndef AUTH0_HTTPD_CONFIG_REQUIRE_H
#define AUTH0_HTTPD_CONFIG_REQUIRE_H

#include <httpd.h>
#include <http_config.h>

#include "httpd/config_view.h"

/** One section's part in them; AuthMerging joins it with the next one's. */
struct config_require_part {
    const ap_directive_t *section;
    const char *merging; /**< And, Or; NULL: what comes before does not count */
};

/** Those that httpd merges with one another. */
struct config_require_walk {
    apr_array_header_t *parts; /**< of struct config_require_part, the last word first */
    const char *merging;       /**< with the next walk; NULL: that does not count */
};

/**
 * The requirements that are in force for what a view shows.
 *
 * @return of struct config_require_walk, the last word first; empty if there are none
 */
apr_array_header_t *config_require_walks(struct config_view *view);

#endif
