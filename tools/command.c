#include "command.h"

#include <apr_strings.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "show.h"

static unsigned option_count(const struct command *command)
{
    unsigned n = 0;

    while (command->options[n].name != NULL) {
        n++;
    }
    return n;
}

/* The position in the table of the @a len characters at @a name; the count if none. */
static unsigned find_option(const struct command *command, const char *name, size_t len)
{
    unsigned i = 0;

    while (command->options[i].name != NULL &&
           (strlen(command->options[i].name) != len ||
            memcmp(command->options[i].name, name, len) != 0)) {
        i++;
    }
    return i;
}

enum status complain(const struct arguments *arguments, enum status status,
                     const char *format, ...)
{
    const char *name = arguments->command->name;
    va_list list;

    fflush(stdout);
    fprintf(stderr, "auth0-jwt %s: ", name);
    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
    if (status == STATUS_USAGE) {
        fprintf(stderr, "; see: auth0-jwt help %s", name);
    }
    fputc('\n', stderr);
    return status;
}

static const char *option_name(unsigned i, const void *context)
{
    return ((const struct command *)context)->options[i].name;
}

static enum status unknown_option(const struct arguments *arguments, const char *name,
                                  apr_pool_t *pool)
{
    const char *near = command_nearest(name, option_name, arguments->command);

    if (near != NULL) {
        return complain(arguments, STATUS_USAGE,
                        "unknown option --%s (did you mean --%s?)", show_text(name, pool),
                        near);
    }
    return complain(arguments, STATUS_USAGE, "unknown option --%s",
                    show_text(name, pool));
}

/* Store one option; @a next is the argument behind it, or NULL. */
static enum status take_option(struct arguments *arguments, const char *text,
                               const char *next, bool *used_next, apr_pool_t *pool)
{
    const char *equals = strchr(text, '=');
    size_t len = equals != NULL ? (size_t)(equals - text) : strlen(text);
    unsigned i = find_option(arguments->command, text, len);
    const struct option_row *row = &arguments->command->options[i];
    const char *value = equals != NULL ? equals + 1 : next;

    *used_next = false;
    if (row->name == NULL) {
        return unknown_option(arguments, apr_pstrmemdup(pool, text, len), pool);
    }
    if (row->value == NULL) {
        if (equals != NULL) {
            return complain(arguments, STATUS_USAGE, "--%s takes no value", row->name);
        }
        if (arguments->values[i]->nelts == 0) {
            APR_ARRAY_PUSH(arguments->values[i], const char *) = "";
        }
        return STATUS_DONE;
    }
    if (value == NULL || (equals == NULL && strncmp(value, "--", 2) == 0)) {
        return complain(arguments, STATUS_USAGE, "--%s needs a value (%s)", row->name,
                        row->value);
    }
    *used_next = equals == NULL;
    if (*value == '\0' && (row->flags & OPTION_EMPTY) == 0) {
        return complain(arguments, STATUS_USAGE, "the value of --%s is empty", row->name);
    }
    if (arguments->values[i]->nelts > 0 && (row->flags & OPTION_REPEATED) == 0) {
        return complain(arguments, STATUS_USAGE, "--%s is given twice", row->name);
    }
    APR_ARRAY_PUSH(arguments->values[i], const char *) = value;
    return STATUS_DONE;
}

static enum status take_operand(struct arguments *arguments, const char *text,
                                apr_pool_t *pool)
{
    if (arguments->command->operand == NULL) {
        return complain(arguments, STATUS_USAGE, "unexpected argument %s",
                        show_quoted(text, pool));
    }
    if (arguments->operand != NULL) {
        /* Not quoted: it may well be a token. */
        return complain(arguments, STATUS_USAGE, "more than one argument is given");
    }
    arguments->operand = text;
    return STATUS_DONE;
}

static enum status check_required(const struct arguments *arguments)
{
    for (unsigned i = 0; i < option_count(arguments->command); i++) {
        const struct option_row *row = &arguments->command->options[i];
        const apr_array_header_t *given = arguments->values[i];

        if ((row->flags & OPTION_REQUIRED) != 0 && (given == NULL || given->nelts == 0)) {
            return complain(arguments, STATUS_USAGE, "--%s %s is required", row->name,
                            row->value);
        }
    }
    return STATUS_DONE;
}

enum status arguments_parse(struct arguments *arguments, const struct command *command,
                            int argc, char **argv, apr_pool_t *pool)
{
    bool only_operands = false;

    memset(arguments, 0, sizeof(*arguments));
    arguments->command = command;
    for (unsigned i = 0; i < option_count(command); i++) {
        arguments->values[i] = apr_array_make(pool, 1, sizeof(const char *));
    }
    for (int i = 0; i < argc; i++) {
        enum status status = STATUS_DONE;
        bool used_next = false;

        if (only_operands || argv[i][0] != '-' || argv[i][1] == '\0') {
            status = take_operand(arguments, argv[i], pool);
        }
        else if (strcmp(argv[i], "--") == 0) {
            only_operands = true;
        }
        else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            arguments->help = true;
            return STATUS_DONE;
        }
        else if (argv[i][1] != '-') {
            status = complain(arguments, STATUS_USAGE, "unknown option %s",
                              show_text(argv[i], pool));
        }
        else {
            status = take_option(arguments, argv[i] + 2,
                                 i + 1 < argc ? argv[i + 1] : NULL, &used_next, pool);
        }
        if (status != STATUS_DONE) {
            return status;
        }
        i += used_next;
    }
    return check_required(arguments);
}

const apr_array_header_t *option_values(const struct arguments *arguments,
                                        const char *name)
{
    unsigned i = find_option(arguments->command, name, strlen(name));

    if (arguments->command->options[i].name == NULL) {
        abort(); /* a name that the command's own table lacks: a defect of ours */
    }
    return arguments->values[i];
}

bool option_given(const struct arguments *arguments, const char *name)
{
    return option_values(arguments, name)->nelts > 0;
}

const char *option_value(const struct arguments *arguments, const char *name)
{
    const apr_array_header_t *values = option_values(arguments, name);

    return values->nelts > 0 ? APR_ARRAY_IDX(values, 0, const char *) : NULL;
}

enum status option_number(long long *number, const struct arguments *arguments,
                          const char *name, long long fallback, long long least,
                          long long most)
{
    const char *text = option_value(arguments, name);
    const char *digits = text;
    char *end;

    *number = fallback;
    if (text == NULL) {
        return STATUS_DONE;
    }
    digits += *text == '-';
    errno = 0;
    *number = strtoll(text, &end, 10);
    if (*digits < '0' || *digits > '9' || *end != '\0' || errno != 0 || *number < least ||
        *number > most) {
        return complain(arguments, STATUS_USAGE,
                        "the value of --%s must be a whole number from %lld to %lld",
                        name, least, most);
    }
    return STATUS_DONE;
}
