/**
 * @file json_pointer.h
 * The names of claims once more, apart from claim_path.c and in another way: where that
 * decodes what is written, this encodes what the document has, and compares.
 */
#ifndef AUTH0_TESTS_FUZZ_JSON_POINTER_H
#define AUTH0_TESTS_FUZZ_JSON_POINTER_H

#include <apr_pools.h>
#include <stdbool.h>

#include "token/json.h"

/** Is it a member's name, or a JSON Pointer (RFC 6901) that begins with a slash? */
bool pointer_is_valid(const char *text);

/** What a valid one leads to; NULL for nothing. */
const json_value *pointer_find(const char *text, const json_value *payload);

/**
 * A document of objects in which a valid one leads to this value.
 *
 * @return NULL when a name is not UTF-8, or there are too many
 */
const json_value *pointer_document(const char *text, const char *value, apr_pool_t *pool);

#endif
