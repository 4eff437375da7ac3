/**
 * @file token.h
 * The token that a command is given, and its parts before anybody has judged them.
 *
 * A token is somebody's key: it is never echoed, in no message and no output.
 */
#ifndef AUTH0_TOOLS_TOKEN_H
#define AUTH0_TOOLS_TOKEN_H

#include <apr_pools.h>
#include <stddef.h>

#include "command.h"
#include "token/json.h"

/** What is in the row of an option table for a token; with the operand TOKEN_OPERAND. */
#define TOKEN_FILE_OPTION "token-file", "FILE", 0, TOKEN_FILE_HELP
#define TOKEN_FILE_HELP "where the token is, instead of standard input"

#define TOKEN_OPERAND "[TOKEN | -]"

/**
 * Get the token that a command was given: its operand, or --token-file, or else (or for
 * "-") standard input. White space around it and a "Bearer " before it are taken off.
 *
 * @param token  set to @a len bytes, with a NUL behind them; of an input far longer than
 *               any token only the beginning is read, so that the verifier finds it too
 *               long
 * @return STATUS_DONE; STATUS_USAGE (empty, or given twice) or STATUS_UNAVAILABLE
 *         (unreadable), after saying why
 */
enum status token_read(const char **token, size_t *len, const struct arguments *arguments,
                       apr_pool_t *pool);

/**
 * The same for a command whose operand is something else.
 *
 * @param text  a token, or "-" or NULL for standard input
 * @param file  where it is instead, or NULL
 */
enum status token_read_from(const char **token, size_t *len, const char *text,
                            const char *file, const struct arguments *arguments,
                            apr_pool_t *pool);

/** The parts that a JWE has; what has more is nothing we know. */
#define TOKEN_PARTS_MAX 5

struct token_part {
    const char *text;
    size_t len;
};

/** A token taken apart, whatever is wrong with it. */
struct token_parts {
    unsigned count; /**< TOKEN_PARTS_MAX + 1 for any more */
    struct token_part parts[TOKEN_PARTS_MAX];
    const json_value *header;   /**< NULL when it cannot be read */
    const json_value *claims;   /**< NULL when they cannot be read; of three parts only */
    enum reason header_problem; /**< why it cannot */
    enum reason claims_problem;
};

void token_split(struct token_parts *parts, const char *token, size_t len,
                 apr_pool_t *pool);

#endif
