#include <stdio.h>
#include <string.h>

#include "command.h"
#include "show.h"

static const struct option_row options[] = {{NULL, NULL, 0, NULL}};

/* Does the value name a file? */
static bool takes_file(const struct option_row *row)
{
    return row->value != NULL &&
           (strstr(row->value, "FILE") != NULL || strcmp(row->value, "PROGRAM") == 0);
}

/* Words that an option's value is one of, with spaces between them; NULL: any. */
static const char *values_of(const struct option_row *row)
{
    if (strcmp(row->name, "alg") == 0) {
        return "RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA HS256 HS384 "
               "HS512";
    }
    return strcmp(row->name, "profile") == 0 ? "auto rfc9068" : NULL;
}

/* ---- bash --------------------------------------------------------------------------------------- */

static void print_bash_command(const struct command *command)
{
    printf("        %s)\n            options=\"", command->name);
    for (const struct option_row *row = command->options; row->name != NULL; row++) {
        printf("--%s ", row->name);
    }
    puts("--help\"\n            ;;");
}

/* Is this the first option of its name, over all commands? */
static bool is_first(const struct option_row *wanted)
{
    for (int i = 0; commands[i] != NULL; i++) {
        for (const struct option_row *row = commands[i]->options; row->name != NULL;
             row++) {
            if (strcmp(row->name, wanted->name) == 0) {
                return row == wanted;
            }
        }
    }
    return false;
}

/* The options whose value is a file, as a pattern of case. */
static void print_bash_files(void)
{
    const char *between = "        ";

    for (int i = 0; commands[i] != NULL; i++) {
        for (const struct option_row *row = commands[i]->options; row->name != NULL;
             row++) {
            if (takes_file(row) && is_first(row)) {
                printf("%s--%s", between, row->name);
                between = " | ";
            }
        }
    }
    puts(")");
}

static void print_bash(void)
{
    printf("# bash completion for auth0-jwt; made by: auth0-jwt completion bash\n\n"
           "_auth0_jwt() {\n"
           "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
           "    local commands=\"");
    for (int i = 0; commands[i] != NULL; i++) {
        printf("%s ", commands[i]->name);
    }
    puts("help\" options=\n"
         "    if ((COMP_CWORD == 1)); then\n"
         "        mapfile -t COMPREPLY < <(compgen -W \"$commands --version --help\" -- "
         "\"$word\")\n"
         "        return\n"
         "    fi\n"
         "    case $before in");
    printf("        --alg)\n            mapfile -t COMPREPLY < <(compgen -W \"%s\" -- "
           "\"$word\")\n            return\n            ;;\n",
           values_of(&(const struct option_row){"alg", NULL, 0, NULL}));
    printf(
        "        --profile)\n            mapfile -t COMPREPLY < <(compgen -W \"%s\" -- "
        "\"$word\")\n            return\n            ;;\n",
        values_of(&(const struct option_row){"profile", NULL, 0, NULL}));
    print_bash_files();
    puts("            mapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n"
         "            return\n"
         "            ;;\n"
         "    esac\n"
         "    case ${COMP_WORDS[1]} in\n"
         "        help)\n"
         "            mapfile -t COMPREPLY < <(compgen -W \"$commands\" -- \"$word\")\n"
         "            return\n"
         "            ;;");
    for (int i = 0; commands[i] != NULL; i++) {
        print_bash_command(commands[i]);
    }
    puts("    esac\n"
         "    if [[ $word == -* ]]; then\n"
         "        mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$word\")\n"
         "    else\n"
         "        mapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n"
         "    fi\n"
         "}\n\n"
         "complete -o filenames -F _auth0_jwt auth0-jwt");
}

/* ---- zsh ---------------------------------------------------------------------------------------- */

/* Within single quotes and brackets: neither may end early. */
static void print_zsh_text(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\'') {
            fputs("'\\''", stdout);
        }
        else if (strchr("[]:\\", *text) != NULL) {
            printf("\\%c", *text);
        }
        else {
            putchar(*text);
        }
    }
}

static void print_zsh_option(const struct option_row *row)
{
    printf("                '%s--%s[", (row->flags & OPTION_REPEATED) != 0 ? "*" : "",
           row->name);
    print_zsh_text(row->help);
    printf("]");
    if (row->value != NULL) {
        printf(":");
        print_zsh_text(row->value);
        if (values_of(row) != NULL) {
            printf(":(%s)", values_of(row));
        }
        else {
            printf(takes_file(row) ? ":_files" : ": ");
        }
    }
    puts("' \\");
}

static void print_zsh(void)
{
    puts("#compdef auth0-jwt\n"
         "# zsh completion for auth0-jwt; made by: auth0-jwt completion zsh\n\n"
         "_auth0_jwt() {\n"
         "    local -a commands\n"
         "    commands=(");
    for (int i = 0; commands[i] != NULL; i++) {
        printf("        '%s:", commands[i]->name);
        print_zsh_text(commands[i]->summary);
        puts("'");
    }
    puts("        'help:Explain a command.'\n"
         "    )\n"
         "    if ((CURRENT == 2)); then\n"
         "        _describe command commands\n"
         "        return\n"
         "    fi\n"
         "    case $words[2] in\n"
         "        help)\n"
         "            _describe command commands\n"
         "            ;;");
    for (int i = 0; commands[i] != NULL; i++) {
        printf("        %s)\n            shift words\n            ((CURRENT--))\n"
               "            _arguments \\\n",
               commands[i]->name);
        for (const struct option_row *row = commands[i]->options; row->name != NULL;
             row++) {
            print_zsh_option(row);
        }
        puts("                '--help[explain the command]' \\\n"
             "                '*:argument:_files'\n"
             "            ;;");
    }
    puts("    esac\n}\n\n_auth0_jwt \"$@\"");
}

/* ---- fish --------------------------------------------------------------------------------------- */

/* Within single quotes. */
static void print_fish_text(const char *text)
{
    for (; *text != '\0'; text++) {
        printf(strchr("'\\", *text) != NULL ? "\\%c" : "%c", *text);
    }
}

static void print_fish_option(const struct command *command, const struct option_row *row)
{
    printf("complete -c auth0-jwt -n '__fish_seen_subcommand_from %s' -l %s",
           command->name, row->name);
    if (values_of(row) != NULL) {
        printf(" -x -a '%s'", values_of(row));
    }
    else if (row->value != NULL) {
        printf(takes_file(row) ? " -r -F" : " -x");
    }
    printf(" -d '");
    print_fish_text(row->help);
    puts("'");
}

static void print_fish(void)
{
    puts(
        "# fish completion for auth0-jwt; made by: auth0-jwt completion fish\n\n"
        "complete -c auth0-jwt -n __fish_use_subcommand -l version -d 'Print the version'");
    for (int i = 0; commands[i] != NULL; i++) {
        printf("complete -c auth0-jwt -f -n __fish_use_subcommand -a %s -d '",
               commands[i]->name);
        print_fish_text(commands[i]->summary);
        puts("'");
    }
    puts("complete -c auth0-jwt -f -n __fish_use_subcommand -a help -d 'Explain a "
         "command.'");
    for (int i = 0; commands[i] != NULL; i++) {
        printf("complete -c auth0-jwt -f -n '__fish_seen_subcommand_from help' -a %s\n",
               commands[i]->name);
        for (const struct option_row *row = commands[i]->options; row->name != NULL;
             row++) {
            print_fish_option(commands[i], row);
        }
        printf("complete -c auth0-jwt -n '__fish_seen_subcommand_from %s' -l help -d "
               "'Explain the command'\n",
               commands[i]->name);
    }
}

static enum status run(const struct arguments *arguments, apr_pool_t *pool)
{
    static const struct {
        const char *shell;
        void (*print)(void);
    } shells[] = {{"bash", print_bash}, {"zsh", print_zsh}, {"fish", print_fish}};

    for (size_t i = 0; arguments->operand != NULL && i < 3; i++) {
        if (strcmp(shells[i].shell, arguments->operand) == 0) {
            shells[i].print();
            return STATUS_DONE;
        }
    }
    return complain(arguments, STATUS_USAGE, "%s is not bash, zsh or fish",
                    arguments->operand != NULL ? show_quoted(arguments->operand, pool)
                                               : "nothing");
}

const struct command command_completion = {
    .name = "completion",
    .operand = "bash|zsh|fish",
    .summary = "Print the completion of this tool for a shell.",
    .options = options,
    .details = "For a shell without the packaged files: source <(auth0-jwt completion "
               "bash)\n",
    .run = run,
};
