/**
 * @file config_place_parts.h
 * The members of the JSON of config_place.h that say who may go where, and on whose word.
 *
 * Each value comes with the file and line that it is from: {"value": …, "from": …},
 * null for a default.
 */
#ifndef AUTH0_HTTPD_CONFIG_PLACE_PARTS_H
#define AUTH0_HTTPD_CONFIG_PLACE_PARTS_H

#include "httpd/config_view.h"

/**
 * "auth_type", "ours" (is it this module's), "satisfy_any", and "requires": a tree of
 * {"group": all, any or none, "of": […]} and {"require": name, "words": […], …}; null
 * where nothing is required.
 */
void config_place_add_requirements(apr_array_header_t *members, struct config_view *view);

/** "issuers", "algorithms", "audiences", "leeway", "profile", "user_claim", … */
void config_place_add_trust(apr_array_header_t *members, struct config_view *view);

/**
 * "htaccess": which lines let .htaccess files change this, and which such files there
 * are.
 */
void config_place_add_htaccess(apr_array_header_t *members, struct config_view *view);

#endif
