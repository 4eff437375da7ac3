/**
 * @file json.h
 * A strict JSON reader (RFC 8259) over cJSON.
 *
 * cJSON alone accepts duplicate names, "\u0000" (which would cut a C string
 * short), raw control bytes, trailing bytes, 0123, invalid UTF-8 and a BOM. A
 * scan of our own refuses all of these, and everything over the caller's
 * limits, before cJSON sees the text. Names are compared after unescaping,
 * case-sensitively. Whatever this reader accepts holds no NUL.
 *
 * Values belong to the pool given to json_parse and never change. A document, which is
 * a top-level value with all that it holds, is one piece of memory without pointers: it
 * may be copied as a whole.
 */
#ifndef AUTH0_TOKEN_JSON_H
#define AUTH0_TOKEN_JSON_H

#include <apr_pools.h>
#include <stdbool.h>
#include <stddef.h>

#include "token/reason.h"

typedef struct json_value json_value;

struct json_limits {
    unsigned depth;   /**< nested arrays and objects; the top level counts as 1 */
    unsigned members; /**< members of one object */
    unsigned values;  /**< values in all, containers included */
};

/** For token payloads and key documents. */
#define JSON_LIMITS_DEFAULT                                                              \
    ((struct json_limits){.depth = 16, .members = 256, .values = 4096})

/** No limit that a caller sets for depth may be above this. */
#define JSON_DEPTH_MAX 32

/** The longest number, in characters. */
#define JSON_NUMBER_MAX 63

/** The largest time (2^53): above it, doubles skip seconds. */
#define JSON_TIME_MAX 9007199254740992.0
#define JSON_TIME_MAX_TEXT "9007199254740992"

/**
 * Read one JSON text.
 *
 * @param value   set to the top-level value, or NULL on failure
 * @param text    @a len bytes, not terminated
 * @return REASON_OK, REASON_JSON_SYNTAX, REASON_JSON_ENCODING (not UTF-8, a lone
 *         surrogate, a NUL or a control byte in a string),
 *         REASON_JSON_DUPLICATE_NAME, REASON_JSON_TOO_LARGE (a limit, or a
 *         number that no double holds), REASON_INTERNAL_ERROR (no memory)
 */
enum reason json_parse(const json_value **value, const char *text, size_t len,
                       const struct json_limits *limits, apr_pool_t *pool);

/** Bytes of a document, given its top-level value. */
size_t json_document_size(const json_value *top);

/**
 * Copy a document.
 *
 * @param memory  json_document_size() bytes, aligned for any type
 * @return the top-level value of the copy
 */
const json_value *json_document_copy(void *memory, const json_value *top);

/** The member of that name; NULL when there is none or @a object is not an object. */
const json_value *json_member(const json_value *object, const char *name);

bool json_is_object(const json_value *value);
bool json_is_array(const json_value *value);

/** The string's value in UTF-8; NULL when @a value is NULL or not a string. */
const char *json_string(const json_value *value);

/** Does a string value hold a control character (C0, DEL or C1)? */
bool json_has_control(const char *string);

/** Set @a out to a boolean's value; false when @a value is not a boolean. */
bool json_bool(bool *out, const json_value *value);

/**
 * A time as in RFC 7519 section 2 (NumericDate): seconds since the epoch, a
 * finite number in 0..2^53, a fraction included; 2^53 itself in plain digits only.
 *
 * @return false when @a value is anything else
 */
bool json_time(double *seconds, const json_value *value);

/** Number of elements or members; 0 for what is neither array nor object. */
size_t json_size(const json_value *value);

/** First element of an array or member of an object; NULL when empty. */
const json_value *json_first(const json_value *container);

/** The next element or member; NULL after the last. */
const json_value *json_next(const json_value *value);

/** The name of an object's member; NULL for an array's element. */
const char *json_name(const json_value *member);

/**
 * The value as JSON text without white space, from @a pool, numbers as they were
 * written.
 */
const char *json_text(const json_value *value, apr_pool_t *pool);

/**
 * @a string as a JSON string with its quotes, from @a pool; '<', '>' and '&'
 * stay as they are.
 *
 * @return NULL when @a string is not UTF-8
 */
const char *json_quote(const char *string, apr_pool_t *pool);

#endif
