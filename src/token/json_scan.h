/**
 * @file json_scan.h
 * The strict scan that comes before cJSON: one pass over the text, no tree.
 */
#ifndef AUTH0_TOKEN_JSON_SCAN_H
#define AUTH0_TOKEN_JSON_SCAN_H

#include <stdint.h>

#include "token/json.h"

/** A number as it stands in the text. */
struct json_number {
    const struct json_number *next; /**< in the order of the text */
    const char *text;               /**< @a len characters, not terminated */
    size_t len;
};

/**
 * Check that @a text is one JSON text as RFC 8259 has it, within the limits.
 * Recursion goes as deep as limits->depth and no deeper.
 *
 * @param numbers  set to the list of all numbers, in @a pool
 * @return as json_parse
 */
enum reason json_scan(const struct json_number **numbers, const char *text, size_t len,
                      const struct json_limits *limits, apr_pool_t *pool);

/**
 * Length of the UTF-8 sequence at @a p (RFC 3629: shortest form, no surrogate,
 * at most U+10FFFF).
 *
 * @return 1 to 4; 0 when what stands there before @a end is not UTF-8
 */
unsigned utf8_sequence(const unsigned char *p, const unsigned char *end);

#endif
