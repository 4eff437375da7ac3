/**
 * @file command.h
 * The commands of auth0-jwt and the arguments they are given.
 *
 * A command is a name, a table of options and a function. The table is the only
 * list of its options: parsing, help and the shells' completions are made from it.
 */
#ifndef AUTH0_TOOLS_COMMAND_H
#define AUTH0_TOOLS_COMMAND_H

#include <apr_pools.h>
#include <apr_tables.h>
#include <stdbool.h>

/** Exit statuses; documented in `auth0-jwt help`, so never renumber them. */
enum status {
    STATUS_DONE = 0,    /**< done, or the token is accepted */
    STATUS_REFUSED = 1, /**< the token is not valid, or lacks what is required */
    STATUS_USAGE = 2,   /**< the command line makes no sense */
    STATUS_UNAVAILABLE =
        3,               /**< keys, files, the configuration or memory could not be had */
    STATUS_UNDECIDED = 4 /**< the token is valid; only httpd can tell the rest */
};

/** Options of one command at most. */
#define COMMAND_OPTIONS_MAX 32

enum {
    OPTION_REQUIRED = 1, /**< must be given */
    OPTION_REPEATED = 2, /**< may be given several times */
    OPTION_EMPTY = 4     /**< its value may be empty */
};

/** One option, as "--name value" or "--name=value"; a switch is "--name" alone. */
struct option_row {
    const char *name;  /**< without the dashes; NULL ends a table */
    const char *value; /**< what the value is, such as "FILE"; NULL: a switch */
    unsigned flags;
    const char *help;
};

struct arguments;

struct command {
    const char *name;
    const char *operand; /**< such as "[TOKEN | -]"; NULL when it takes none */
    const char *summary; /**< one line, for the list of commands */
    const struct option_row *options;
    const char *details; /**< further lines of its help page */
    enum status (*run)(const struct arguments *arguments, apr_pool_t *pool);
};

extern const struct command command_inspect;
extern const struct command command_verify;
extern const struct command command_explain;
extern const struct command command_jwks;
extern const struct command command_doctor;
extern const struct command command_keygen;
extern const struct command command_mint;
extern const struct command command_completion;

/** All of them, in the order of the help; NULL ends the list. */
extern const struct command *const commands[];

/** The command of that name, or NULL. */
const struct command *command_find(const char *name);

/** A command line taken apart. */
struct arguments {
    const struct command *command;
    /** Values (const char *) in the order of the command's table, then as given. */
    apr_array_header_t *values[COMMAND_OPTIONS_MAX];
    const char *operand; /**< NULL when there is none */
    bool help;           /**< --help was given; nothing else is checked then */
};

/**
 * Take a command line apart.
 *
 * A value that begins with two dashes must be written behind an equals sign:
 * otherwise it is an option whose value was forgotten.
 *
 * @param argv  what follows the command's name, argc strings
 * @return STATUS_DONE; STATUS_USAGE, after saying why on standard error
 */
enum status arguments_parse(struct arguments *arguments, const struct command *command,
                            int argc, char **argv, apr_pool_t *pool);

/** The value of an option; NULL when not given. @a name must be in the table. */
const char *option_value(const struct arguments *arguments, const char *name);

/** Was this switch given? */
bool option_given(const struct arguments *arguments, const char *name);

/** All values of an option, as strings, in their order; empty when not given. */
const apr_array_header_t *option_values(const struct arguments *arguments,
                                        const char *name);

/**
 * Read an option that holds a whole number.
 *
 * @param number  set to its value, or to @a fallback when it is not given
 * @return STATUS_DONE; STATUS_USAGE, after saying why, when the value is not a
 *         number in @a least..@a most
 */
enum status option_number(long long *number, const struct arguments *arguments,
                          const char *name, long long fallback, long long least,
                          long long most);

/**
 * Say on standard error, in one line, why the command stops: "auth0-jwt NAME: "
 * and the sentence. With STATUS_USAGE the line ends by naming the help page.
 * What the sentence quotes must be safe to print (see show.h).
 *
 * @return @a status
 */
enum status complain(const struct arguments *arguments, enum status status,
                     const char *format, ...) __attribute__((format(printf, 3, 4)));

/** Print a command's help page on standard output. */
void command_help(const struct command *command);

/**
 * Of some names, the one that somebody may have meant who typed another: with few
 * letters changed, added, left out or swapped.
 *
 * @param names  called with 0, 1, 2, ... until it gives NULL
 * @return NULL when none is near
 */
const char *command_nearest(const char *typed,
                            const char *(*names)(unsigned i, const void *context),
                            const void *context);

#endif
