#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "command.h"

#define HELP_WIDTH 78
#define HELP_COLUMN 26

/* Typing errors that a suggestion forgives: one in three letters, three at most. */
#define NEAR_MAX 3

/* Names that are compared; no name of ours is near so long. */
#define NAME_MAX_LENGTH 32

static int print_option(const struct option_row *row)
{
    return printf("--%s%s%s", row->name, row->value != NULL ? " " : "",
                  row->value != NULL ? row->value : "");
}

static void print_synopsis(const struct command *command)
{
    int column = printf("usage: auth0-jwt %s", command->name);
    int indent = column + 1;

    for (const struct option_row *row = command->options; row->name != NULL; row++) {
        bool required = (row->flags & OPTION_REQUIRED) != 0;
        const char *more = (row->flags & OPTION_REPEATED) != 0 ? "..." : "";
        size_t len = strlen(row->name) + strlen(more) + (required ? 3 : 5) +
                     (row->value != NULL ? strlen(row->value) + 1 : 0);

        if (column + (int)len > HELP_WIDTH) {
            column = printf("\n%*s", indent - 1, "") - 1;
        }
        column += printf(required ? " " : " [");
        column += print_option(row);
        column += printf("%s%s", required ? "" : "]", more);
    }
    if (command->operand != NULL) {
        printf(" %s", command->operand);
    }
    putchar('\n');
}

void command_help(const struct command *command)
{
    print_synopsis(command);
    printf("\n%s\n", command->summary);
    if (command->options->name != NULL) {
        putchar('\n');
    }
    for (const struct option_row *row = command->options; row->name != NULL; row++) {
        int width = printf("  ") + print_option(row);

        printf("%*s%s\n", width < HELP_COLUMN ? HELP_COLUMN - width : 1, "", row->help);
    }
    if (command->details != NULL) {
        printf("\n%s", command->details);
    }
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Letters to change, add, leave out or swap with their neighbour to get from a to b. */
static unsigned distance(const char *a, const char *b)
{
    unsigned rows[3][NAME_MAX_LENGTH + 1] = {{0}};
    size_t width = strlen(b);

    for (unsigned j = 0; j <= width; j++) {
        rows[0][j] = j;
    }
    for (unsigned i = 1; a[i - 1] != '\0'; i++) {
        unsigned *row = rows[i % 3];
        const unsigned *before = rows[(i - 1) % 3];
        const unsigned *earlier = rows[(i + 1) % 3];

        row[0] = i;
        for (unsigned j = 1; j <= width; j++) {
            row[j] = least(least(row[j - 1], before[j]) + 1,
                           before[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                row[j] = least(row[j], earlier[j - 2] + 1);
            }
        }
    }
    return rows[strlen(a) % 3][width];
}

const char *command_nearest(const char *typed,
                            const char *(*names)(unsigned i, const void *context),
                            const void *context)
{
    size_t len = strlen(typed);
    unsigned best = least((unsigned)len / 3, NEAR_MAX) + 1;
    const char *nearest = NULL;
    const char *name;

    if (len > NAME_MAX_LENGTH) {
        return NULL;
    }
    for (unsigned i = 0; (name = names(i, context)) != NULL; i++) {
        unsigned far = distance(typed, name);

        /* The beginning of a name is near, whatever is missing. */
        if (len > 1 && strncmp(name, typed, len) == 0) {
            far = least(far, 1);
        }
        if (far < best) {
            best = far;
            nearest = name;
        }
    }
    return nearest;
}
