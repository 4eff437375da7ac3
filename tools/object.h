/**
 * @file object.h
 * A JSON object in the making: named JSON texts, in the order of their arrival.
 */
#ifndef AUTH0_TOOLS_OBJECT_H
#define AUTH0_TOOLS_OBJECT_H

#include <apr_pools.h>
#include <apr_tables.h>

/** Rows of struct object_member. */
typedef apr_array_header_t object;

object *object_create(apr_pool_t *pool);

/**
 * Set a member, in the place of one with the same name or else at the end.
 *
 * @param name  UTF-8
 * @param json  a JSON text, kept as written; NULL removes the member
 */
void object_set(object *members, const char *name, const char *json);

/** The same for a string in UTF-8, which gets its quotes. */
void object_set_string(object *members, const char *name, const char *string);

/** The JSON text, without white space of ours. */
const char *object_text(const object *members, apr_pool_t *pool);

#endif
