/**
 * @file config_json.h
 * The configuration as JSON, for programs: texts, lists and objects in the making.
 */
#ifndef AUTH0_HTTPD_CONFIG_JSON_H
#define AUTH0_HTTPD_CONFIG_JSON_H

#include <apr_pools.h>
#include <apr_tables.h>

/**
 * A JSON string; "null" for NULL. What is not UTF-8 is taken for Latin-1, so that the
 * text can always be read.
 */
const char *config_json_text(const char *text, apr_pool_t *pool);

/** Texts of JSON (const char *) in the making: elements, or members with their names. */
apr_array_header_t *config_json_begin(apr_pool_t *pool);

void config_json_add(apr_array_header_t *elements, const char *json);
void config_json_member(apr_array_header_t *members, const char *name, const char *json);

/** What was added, in brackets or in braces. */
const char *config_json_array(const apr_array_header_t *elements);
const char *config_json_object(const apr_array_header_t *members);

#endif
