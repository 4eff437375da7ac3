/**
 * @file object.h
 * JSON in the making: objects (named JSON texts, in the order of their arrival) and
 * lists. What they are made of lives in their pool.
 */
#ifndef AUTH0_TOOLS_OBJECT_H
#define AUTH0_TOOLS_OBJECT_H

#include <apr_pools.h>
#include <apr_tables.h>
#include <stdbool.h>

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

/** The same for a text, which gets its quotes and becomes valid UTF-8; NULL: null. */
void object_set_string(object *members, const char *name, const char *string);

void object_set_bool(object *members, const char *name, bool value);

/** A number with up to three decimals, as few as it needs. */
void object_set_number(object *members, const char *name, double value);

/** The JSON text, without white space of ours. */
const char *object_text(const object *members, apr_pool_t *pool);

/** Elements of a list: JSON texts (const char *). */
typedef apr_array_header_t list;

list *list_create(apr_pool_t *pool);
void list_add(list *elements, const char *json);
void list_add_string(list *elements, const char *string);
const char *list_text(const list *elements);

#endif
