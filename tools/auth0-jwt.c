/*
 * auth0-jwt: the module's own reading of tokens and keys, on the command line.
 *
 * Each command has a file of its own. What they share: command and help (arguments),
 * files, token and fetch (input and output), show and object (safe printing), key
 * (development keys), judge (one token against one policy). Tokens and key sets are
 * read by src/token, keys fetched by src/issuer, as the module does.
 */
#include <apr_general.h>
#include <apr_pools.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "show.h"
#include "version.h"

const struct command *const commands[] = {
    &command_inspect, &command_verify,     &command_explain,
    &command_jwks,    &command_doctor,     &command_keygen,
    &command_mint,    &command_completion, NULL,
};

const struct command *command_find(const char *name)
{
    for (size_t i = 0; commands[i] != NULL; i++) {
        if (strcmp(commands[i]->name, name) == 0) {
            return commands[i];
        }
    }
    return NULL;
}

static const char *name_of_command(unsigned i, const void *context)
{
    (void)context;
    return commands[i] != NULL ? commands[i]->name : NULL;
}

static void print_overview(void)
{
    printf("usage: auth0-jwt COMMAND [OPTION [VALUE]]... [TOKEN | -]\n\n"
           "Look into Auth0 access tokens, verify them as mod_auth0_jwt does, and make\n"
           "development keys and tokens.\n\n");
    for (size_t i = 0; commands[i] != NULL; i++) {
        printf("  %-12s%s\n", commands[i]->name, commands[i]->summary);
    }
    printf("  %-12s%s\n\n", "help", "Explain a command: auth0-jwt help COMMAND.");
    printf(
        "A token comes on standard input, from --token-file FILE, or as an argument,\n"
        "where others can see it (ps, the shell's history). A \"Bearer \" before it and\n"
        "white space around it do not matter. --json prints for programs.\n\n"
        "Exit status: %d done, or the token is accepted, or all is well; %d the token\n"
        "is refused, or something is wrong; %d the command line makes no sense; %d keys,\n"
        "files or the configuration could not be had; %d only httpd can tell the rest.\n",
        STATUS_DONE, STATUS_REFUSED, STATUS_USAGE, STATUS_UNAVAILABLE, STATUS_UNDECIDED);
}

static enum status unknown_command(const char *name, apr_pool_t *pool)
{
    const char *near = command_nearest(name, name_of_command, NULL);

    fprintf(stderr, "auth0-jwt: unknown command %s%s%s%s; see: auth0-jwt help\n",
            show_quoted(name, pool), near != NULL ? " (did you mean " : "",
            near != NULL ? near : "", near != NULL ? "?)" : "");
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
    command = command_find(argv[0]);
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
    command = command_find(name);
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
