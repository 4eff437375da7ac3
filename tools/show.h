/**
 * @file show.h
 * Text from tokens, files and command lines made safe and readable for people.
 *
 * What these functions return can be sent to a terminal whatever it was made
 * from: control characters (C0, DEL, C1), characters that change the direction
 * or hide (bidi, zero width, line separators) and bytes that are not UTF-8 are
 * escaped. All results live in the pool.
 */
#ifndef AUTH0_TOOLS_SHOW_H
#define AUTH0_TOOLS_SHOW_H

#include <apr_pools.h>
#include <stdio.h>

#include "token/json.h"
#include "token/jwt.h"
#include "token/reason.h"

/** @a text without quotes: \uXXXX for characters, \xXX for bytes, \\ for a backslash. */
const char *show_text(const char *text, apr_pool_t *pool);

/** The same between double quotes, with \" for a quote. */
const char *show_quoted(const char *text, apr_pool_t *pool);

/** A JSON string; bytes that are not UTF-8 become U+FFFD. NULL becomes null. */
const char *show_as_json(const char *text, apr_pool_t *pool);

/** A value as JSON on one line, its unsafe characters as \uXXXX; null for NULL. */
const char *show_json_value(const json_value *value, apr_pool_t *pool);

/** Quoted words between commas; "nothing" when there are none. */
const char *show_words(const char *const *words, size_t count, apr_pool_t *pool);

/** A value on one line; "nothing" for NULL. */
const char *show_value(const json_value *value, apr_pool_t *pool);

/** Print a value over several lines, each @a indent spaces in, the first one too. */
void show_json(FILE *out, const json_value *value, unsigned indent, apr_pool_t *pool);

/** A length of time in its two largest units, such as "3 h 2 min". */
const char *show_duration(double seconds, apr_pool_t *pool);

/** A date, such as "2026-07-01 12:00:00 UTC". */
const char *show_date(double seconds, apr_pool_t *pool);

/**
 * A time in words, such as "2026-07-01 12:00:00 UTC, in 3 h 2 min".
 *
 * @param seconds  since the epoch, in 0..2^53
 * @param now      likewise, for "in …" and "… ago"
 */
const char *show_time(double seconds, double now, apr_pool_t *pool);

/**
 * What is wrong with the form of a token, and what to do about it: one sentence
 * for each reason that jwt_parse gives.
 *
 * @return NULL for any other reason
 */
const char *show_form(enum reason reason);

#endif
