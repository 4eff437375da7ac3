/**
 * @file table.h
 * The checks of a judgement, for people and for programs.
 */
#ifndef AUTH0_TOOLS_TABLE_H
#define AUTH0_TOOLS_TABLE_H

#include <apr_pools.h>

#include "judge.h"

/** Print each check, and below those that failed what to change. */
void table_print(const struct judgement *judgement);

/** Print a text that begins at a column, broken at the width of a terminal. */
void table_print_text(const char *text, int column);

/** Print a state, a name and a text (or NULL), in columns; below a long name the text. */
void table_print_row(const char *state, const char *name, const char *text, int deeper);

/** Print a label and a text, broken at the width of a terminal; nothing for NULL. */
void table_print_field(const char *label, const char *text, int indent);

/** The same checks as a JSON list. */
const char *table_json(const struct judgement *judgement, apr_pool_t *pool);

/** One check as a JSON object. */
const char *table_check_json(const struct check *check, apr_pool_t *pool);

#endif
