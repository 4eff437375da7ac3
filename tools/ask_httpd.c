#include "ask_httpd.h"

#include <apr_file_info.h>
#include <apr_file_io.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>
#include <apr_time.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>

#include "show.h"

/* How long httpd may take to read its files. */
#define TIMEOUT apr_time_from_sec(60)

/* Bytes that it may print. */
#define OUTPUT_MAX (4 * 1024 * 1024)

#define MARK "{\"auth0_place\":"

/* Folders that are outside of an ordinary user's PATH. */
static const char *const folders[] = {"/usr/sbin", "/usr/local/sbin",
                                      "/usr/local/apache2/bin", "/usr/bin"};
static const char *const names[] = {"apache2", "httpd"};

/*
 * As Debian's apache2ctl does. $1 is the envvars file, "" for none; the rest is the
 * command. Standard input is not httpd's: the token may be on it.
 */
static const char shell_line[] =
    "exec </dev/null 2>&1; if [ -n \"$1\" ]; then "
    "APACHE_CONFDIR=${APACHE_CONFDIR:-$(dirname \"$1\")}; export APACHE_CONFDIR; "
    "set -a; . \"$1\"; set +a; fi; shift; exec \"$@\"";

static bool exists(const char *path, apr_pool_t *pool)
{
    apr_finfo_t info;

    return apr_stat(&info, path, APR_FINFO_TYPE, pool) == APR_SUCCESS &&
           info.filetype == APR_REG;
}

static const char *find_program(apr_pool_t *pool)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        for (size_t n = 0; n < sizeof(folders) / sizeof(folders[0]); n++) {
            const char *path = apr_pstrcat(pool, folders[n], "/", names[i], NULL);

            if (exists(path, pool)) {
                return path;
            }
        }
    }
    return NULL;
}

/* The file "envvars" in the folder of another one; "" if there is none. */
static const char *envvars_beside(const char *path, apr_pool_t *pool)
{
    const char *slash = strrchr(path, '/');
    const char *folder =
        slash != NULL ? apr_pstrmemdup(pool, path, (size_t)(slash - path)) : ".";
    const char *file = apr_pstrcat(pool, folder, "/envvars", NULL);

    return exists(file, pool) ? file : "";
}

static const char *absolute(const char *path, apr_pool_t *pool)
{
    char *full = NULL;

    return apr_filepath_merge(&full, NULL, path, APR_FILEPATH_NOTRELATIVE, pool) ==
                       APR_SUCCESS &&
                   full != NULL
               ? full
               : path;
}

/* Read until the end, the time or the limit; false when it was not the end. */
static bool read_all(char *buffer, size_t *len, apr_file_t *file, apr_time_t until)
{
    *len = 0;
    while (*len < OUTPUT_MAX) {
        apr_size_t more = OUTPUT_MAX - *len;
        apr_interval_time_t left = until - apr_time_now();
        apr_status_t rv;

        if (left <= 0) {
            return false;
        }
        apr_file_pipe_timeout_set(file, left);
        rv = apr_file_read(file, buffer + *len, &more);
        *len += more;
        if (rv == APR_EOF) {
            return true;
        }
        if (rv != APR_SUCCESS) {
            return false;
        }
    }
    return false;
}

/* Both streams of the program in one, as they came. */
static const char *run(const char **output, int *status, const char *const *command,
                       apr_pool_t *pool)
{
    apr_procattr_t *attributes;
    apr_proc_t process;
    apr_exit_why_e why;
    char *buffer = apr_palloc(pool, OUTPUT_MAX + 1);
    size_t len;
    bool ended;

    if (apr_procattr_create(&attributes, pool) != APR_SUCCESS ||
        apr_procattr_io_set(attributes, APR_NO_PIPE, APR_FULL_BLOCK, APR_NO_PIPE) !=
            APR_SUCCESS ||
        apr_procattr_cmdtype_set(attributes, APR_PROGRAM_ENV) != APR_SUCCESS ||
        apr_procattr_error_check_set(attributes, 1) != APR_SUCCESS ||
        apr_proc_create(&process, "/bin/sh", command, NULL, attributes, pool) !=
            APR_SUCCESS) {
        return "a shell cannot be started";
    }
    ended = read_all(buffer, &len, process.out, apr_time_now() + TIMEOUT);
    if (!ended) {
        apr_proc_kill(&process, SIGKILL);
    }
    apr_proc_wait(&process, status, &why, APR_WAIT);
    if (!ended) {
        return "httpd -t takes too long, or prints too much";
    }
    if (!APR_PROC_CHECK_EXIT(why)) {
        *status = -1;
    }
    buffer[len] = '\0';
    *output = buffer;
    return NULL;
}

/* The line that is the module's. */
static const char *find_line(size_t *len, const char *output)
{
    const char *line = strstr(output, MARK);

    while (line != NULL && line != output && line[-1] != '\n') {
        line = strstr(line + 1, MARK);
    }
    if (line != NULL) {
        *len = strcspn(line, "\n");
    }
    return line;
}

/* What httpd says, less what is of no use here; on one line each. */
static const char *complaint(const char *program, const char *config, const char *output,
                             apr_pool_t *pool)
{
    char *rest;
    char *line = apr_strtok(apr_pstrdup(pool, output), "\n", &rest);
    const char *text = "";

    for (; line != NULL; line = apr_strtok(NULL, "\n", &rest)) {
        if (strstr(line, "Syntax OK") == NULL && strncmp(line, "AH00558", 7) != 0) {
            text = apr_pstrcat(pool, text, "\n  ", show_text(line, pool), NULL);
        }
    }
    return apr_psprintf(pool, "%s -t finds fault with %s:%s", show_text(program, pool),
                        show_text(config, pool), text);
}

const char *ask_httpd(const json_value **dump, const char *program, const char *config,
                      const char *path, apr_pool_t *pool)
{
    static const struct json_limits limits = {
        .depth = JSON_DEPTH_MAX, .members = 4096, .values = 262144};
    const char *envvars = envvars_beside(config, pool);
    const char *why;
    const char *output = "";
    const char *line;
    size_t len = 0;
    int status = 0;

    program = program != NULL ? program : find_program(pool);
    if (program == NULL) {
        return "no httpd is installed in the usual folders: name it with --httpd PROGRAM";
    }
    if (*envvars == '\0') {
        envvars = envvars_beside(program, pool);
    }
    {
        const char *const command[] = {"/bin/sh",
                                       "-c",
                                       shell_line,
                                       "auth0-jwt",
                                       *envvars != '\0' ? absolute(envvars, pool) : "",
                                       program,
                                       "-f",
                                       absolute(config, pool),
                                       "-t",
                                       "-D",
                                       apr_pstrcat(pool, "DUMP_AUTH0_PLACE=", path, NULL),
                                       NULL};

        why = run(&output, &status, command, pool);
    }
    if (why != NULL) {
        return why;
    }
    line = find_line(&len, output);
    if (status != 0) {
        return complaint(program, config, output, pool);
    }
    if (line == NULL) {
        return apr_psprintf(pool,
                            "%s does not load mod_auth0_jwt of this version (LoadModule "
                            "auth0_jwt_module), so nothing there asks for an Auth0 token",
                            show_text(config, pool));
    }
    return json_parse(dump, line, len, &limits, pool) == REASON_OK
               ? NULL
               : "what httpd -t prints cannot be read: it is too large or too deep";
}
