/**
 * @file claim_path.h
 * How an administrator names a claim: by its name, or with a slash in front by a JSON
 * Pointer (RFC 6901) into nested claims.
 */
#ifndef AUTH0_TOKEN_CLAIM_PATH_H
#define AUTH0_TOKEN_CLAIM_PATH_H

#include <apr_pools.h>
#include <apr_tables.h>

#include "token/json.h"

struct claim_path {
    const char *text;                /**< as it was written */
    const apr_array_header_t *names; /**< of const char *: the members that lead to it */
};

/**
 * Read a name.
 *
 * @param path  filled, with memory of @a pool
 * @return NULL, or why @a text names no claim
 */
const char *claim_path_parse(struct claim_path *path, const char *text, apr_pool_t *pool);

/** The claim; NULL when there is none. */
const json_value *claim_path_find(const struct claim_path *path,
                                  const json_value *payload);

#endif
