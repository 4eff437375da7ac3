/*
 * auth0-jwt: the module's own reading of tokens and keys, on the command line.
 *
 * Each command has a file of its own; what they share is in command (arguments),
 * files (input and output), show (safe printing), key (development keys). Tokens
 * and key sets are read by src/token, as the module reads them.
 */
#include <apr_general.h>
#include <apr_pools.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "show.h"
#include "version.h"

static const struct command *const commands[] = {
    &command_keygen,
    &command_mint,
    &command_inspect,
    &command_verify,
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(commands[i]->name, name) == 0) {
            return commands[i];
        }
    }
    return NULL;
}

static void print_overview(void)
{
    printf("usage: auth0-jwt COMMAND [OPTION VALUE]... [TOKEN | -]\n\n"
           "Make development keys and tokens, look into tokens, and verify them as\n"
           "mod_auth0_jwt does.\n\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        printf("  %-9s%s\n", commands[i]->name, commands[i]->summary);
    }
    printf("  %-9s%s\n\n", "help", "Explain a command: auth0-jwt help COMMAND.");
    printf(
        "A token is an argument or, when it is - or absent, comes on standard input.\n\n"
        "Exit status: %d done, or the token is accepted; %d the token is refused;\n"
        "%d the command line makes no sense; %d keys or files could not be had.\n",
        STATUS_DONE, STATUS_REFUSED, STATUS_USAGE, STATUS_UNAVAILABLE);
}

static enum status unknown_command(const char *name, apr_pool_t *pool)
{
    fprintf(stderr, "auth0-jwt: unknown command %s; see: auth0-jwt help\n",
            show_quoted(name, pool));
    return STATUS_USAGE;
}

static enum status too_many(const char *argument, apr_pool_t *pool)
{
    fprintf(stderr, "auth0-jwt: unexpected argument %s; see: auth0-jwt help\n",
            show_quoted(argument, pool));
    return STATUS_USAGE;
}

static enum status help(int argc, char **argv, apr_pool_t *pool)
{
    const struct command *command;

    if (argc > 1) {
        return too_many(argv[1], pool);
    }
    if (argc == 0 || strcmp(argv[0], "help") == 0) {
        print_overview();
        return STATUS_DONE;
    }
    command = find_command(argv[0]);
    if (command == NULL) {
        return unknown_command(argv[0], pool);
    }
    command_help(command);
    return STATUS_DONE;
}

static enum status run_command(const struct command *command, int argc, char **argv,
                               apr_pool_t *pool)
{
    struct arguments arguments;
    enum status status = arguments_parse(&arguments, command, argc, argv, pool);

    if (status == STATUS_DONE && arguments.help) {
        command_help(command);
        return STATUS_DONE;
    }
    return status == STATUS_DONE ? command->run(&arguments, pool) : status;
}

static enum status dispatch(int argc, char **argv, apr_pool_t *pool)
{
    const char *name = argc > 1 ? argv[1] : NULL;
    const struct command *command;

    if (name == NULL) {
        fputs("auth0-jwt: no command; see: auth0-jwt help\n", stderr);
        return STATUS_USAGE;
    }
    if (strcmp(name, "--version") == 0) {
        if (argc > 2) {
            return too_many(argv[2], pool);
        }
        puts("auth0-jwt " AUTH0_JWT_VERSION);
        return STATUS_DONE;
    }
    if (strcmp(name, "help") == 0 || strcmp(name, "--help") == 0 ||
        strcmp(name, "-h") == 0) {
        return help(argc - 2, argv + 2, pool);
    }
    command = find_command(name);
    if (command == NULL) {
        return unknown_command(name, pool);
    }
    return run_command(command, argc - 2, argv + 2, pool);
}

static int out_of_memory(int status)
{
    (void)status;
    fputs("auth0-jwt: out of memory\n", stderr);
    exit(STATUS_UNAVAILABLE);
}

int main(int argc, char **argv)
{
    apr_pool_t *pool;
    enum status status;

    if (apr_initialize() != APR_SUCCESS ||
        apr_pool_create_ex(&pool, NULL, out_of_memory, NULL) != APR_SUCCESS) {
        fputs("auth0-jwt: APR does not start\n", stderr);
        return STATUS_UNAVAILABLE;
    }
    status = dispatch(argc, argv, pool);
    apr_pool_destroy(pool);
    apr_terminate();

    /* A token cut short by a full disk must not look like success. */
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fputs("auth0-jwt: cannot write to standard output\n", stderr);
        return STATUS_UNAVAILABLE;
    }
    return (int)status;
}
