#include "httpd_stubs.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <ctype.h>
#include <errno.h>
#include <http_core.h>
#include <http_request.h>
#include <scoreboard.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <util_filter.h>

#include "httpd/error_response.h"
#include "httpd/judgement.h"
#include "httpd/module.h"
#include "issuer/key_file.h"
#include "issuer/state_dir.h"

#define PROVIDERS 8

module AP_MODULE_DECLARE_DATA auth0_jwt_module;

struct part stub_file;
struct dir_config stub_dir;
struct server_config stub_server;

static struct {
    const char *name;
    const authz_provider *provider;
} providers[PROVIDERS];

const authz_provider *stub_provider(const char *name)
{
    for (int i = 0; i < PROVIDERS && providers[i].name != NULL; i++) {
        if (strcmp(providers[i].name, name) == 0) {
            return providers[i].provider;
        }
    }
    return NULL;
}

apr_status_t ap_register_auth_provider(apr_pool_t *pool, const char *group,
                                       const char *name, const char *version,
                                       const void *provider, int type)
{
    int i = 0;

    (void)pool;
    (void)group;
    (void)version;
    (void)type;
    while (providers[i].name != NULL) {
        HOLDS(++i < PROVIDERS);
    }
    providers[i].name = name;
    providers[i].provider = provider;
    return APR_SUCCESS;
}

/* A quote that is not closed ends with the line, as it does in httpd. */
char *ap_getword_conf(apr_pool_t *pool, const char **line)
{
    const char *p = *line;
    char quote = '\0';
    char *word;
    char *out;

    while (isspace((unsigned char)*p)) {
        p++;
    }
    word = apr_palloc(pool, strlen(p) + 1);
    out = word;
    if (*p == '"' || *p == '\'') {
        quote = *p++;
    }
    while (*p != '\0' && (quote != '\0' ? *p != quote : !isspace((unsigned char)*p))) {
        if (*p == '\\' && (p[1] == '\\' || (quote != '\0' && p[1] == quote))) {
            p++;
        }
        *out++ = *p++;
    }
    *out = '\0';
    if (quote != '\0' && *p == quote) {
        p++;
    }
    while (isspace((unsigned char)*p)) {
        p++;
    }
    *line = p;
    return word;
}

int ap_cstr_casecmp(const char *a, const char *b)
{
    return strcasecmp(a, b);
}

int ap_cstr_casecmpn(const char *a, const char *b, apr_size_t n)
{
    return strncasecmp(a, b, n);
}

void ap_str_tolower(char *text)
{
    for (; *text != '\0'; text++) {
        *text = (char)tolower((unsigned char)*text);
    }
}

/* 0 when the text matches: '*' stands for any characters, '?' for one. */
int ap_strcasecmp_match(const char *text, const char *pattern)
{
    if (*pattern == '\0') {
        return *text != '\0';
    }
    if (*pattern == '*') {
        for (;; text++) {
            if (ap_strcasecmp_match(text, pattern + 1) == 0) {
                return 0;
            }
            if (*text == '\0') {
                return 1;
            }
        }
    }
    if (*text == '\0' || (*pattern != '?' && tolower((unsigned char)*text) !=
                                                 tolower((unsigned char)*pattern))) {
        return 1;
    }
    return ap_strcasecmp_match(text + 1, pattern + 1);
}

/* The length of a unit in microseconds, by as many letters as httpd looks at. */
static apr_int64_t unit_length(const char *unit)
{
    static const struct {
        const char *letters;
        apr_int64_t length;
    } units[] = {
        {"s", APR_USEC_PER_SEC},
        {"h", 3600 * APR_USEC_PER_SEC},
        {"ms", 1000},
        {"mi", 60 * APR_USEC_PER_SEC},
        {"us", 1},
    };

    for (size_t i = 0; i < COUNT(units); i++) {
        if (strncasecmp(unit, units[i].letters, strlen(units[i].letters)) == 0) {
            return units[i].length;
        }
    }
    return 0;
}

apr_status_t ap_timeout_parameter_parse(const char *text, apr_interval_time_t *timeout,
                                        const char *default_unit)
{
    apr_int64_t length;
    apr_int64_t number;
    char *end;

    number = apr_strtoi64(text, &end, 10);
    if (errno != 0) {
        return errno;
    }
    length = unit_length(*end != '\0' ? end : default_unit);
    if (length == 0 || number < 0 || number > APR_INT64_MAX / length) {
        return APR_EGENERAL;
    }
    *timeout = number * length;
    return APR_SUCCESS;
}

char *ap_server_root_relative(apr_pool_t *pool, const char *path)
{
    return apr_pstrcat(pool, *path == '/' ? "" : "/etc/apache2/", path, NULL);
}

void ap_hook_check_authz(ap_HOOK_auth_checker_t *hook, const char *const *before,
                         const char *const *after, int order, int type)
{
    (void)hook;
    (void)before;
    (void)after;
    (void)order;
    (void)type;
}

void ap_hook_check_access_ex(ap_HOOK_access_checker_ex_t *hook, const char *const *before,
                             const char *const *after, int order, int type)
{
    (void)hook;
    (void)before;
    (void)after;
    (void)order;
    (void)type;
}

int ap_run_auth_checker(request_rec *r)
{
    (void)r;
    return DECLINED;
}

int ap_run_access_checker_ex(request_rec *r)
{
    (void)r;
    return DECLINED;
}

char *ap_escape_logitem(apr_pool_t *pool, const char *text)
{
    return apr_pstrdup(pool, text);
}

void ap_log_rerror_(const char *file, int line, int index, int level, apr_status_t status,
                    const request_rec *r, const char *format, ...)
{
    (void)file;
    (void)line;
    (void)index;
    (void)level;
    (void)status;
    (void)r;
    (void)format;
}

/* ---- what nothing here may come to ------------------------------------------------- */

ap_filter_rec_t *ap_register_output_filter(const char *name, ap_out_filter_func filter,
                                           ap_init_filter_func init, ap_filter_type type)
{
    (void)name;
    (void)filter;
    (void)init;
    (void)type;
    fuzz_fail(__FILE__, __LINE__, "nothing here has filters");
}

ap_filter_t *ap_add_output_filter(const char *name, void *context, request_rec *r,
                                  conn_rec *c)
{
    (void)name;
    (void)context;
    (void)r;
    (void)c;
    fuzz_fail(__FILE__, __LINE__, "nothing here has filters");
}

void ap_remove_output_filter(ap_filter_t *f)
{
    (void)f;
    fuzz_fail(__FILE__, __LINE__, "nothing here has filters");
}

apr_status_t ap_pass_brigade(ap_filter_t *f, apr_bucket_brigade *bb)
{
    (void)f;
    (void)bb;
    fuzz_fail(__FILE__, __LINE__, "nothing here has filters");
}

char *ap_get_token(apr_pool_t *pool, const char **line, int white)
{
    (void)pool;
    (void)line;
    (void)white;
    fuzz_fail(__FILE__, __LINE__, "nothing here has filters");
}

/* Only a request of a server in service has a place on the scoreboard. */
int ap_update_child_status(ap_sb_handle_t *sbh, int status, request_rec *r)
{
    (void)sbh;
    (void)status;
    (void)r;
    fuzz_fail(__FILE__, __LINE__, "nothing here has a scoreboard");
}

/* ---- of our own -------------------------------------------------------------------- */

const struct dir_config *config_dir(const request_rec *r)
{
    (void)r;
    return &stub_dir;
}

struct server_config *config_server(void)
{
    return &stub_server;
}

bool config_pass_token(const struct dir_config *dir)
{
    return dir->pass_token != 0;
}

const char *ap_auth_type(request_rec *r)
{
    return r->ap_auth_type;
}

bool config_is_our_auth_type(const char *type)
{
    return type != NULL && strcasecmp(type, "Auth0") == 0;
}

request_rec *stub_request(apr_pool_t *pool)
{
    request_rec *r = apr_pcalloc(pool, sizeof(*r));

    r->pool = pool;
    r->connection = apr_pcalloc(pool, sizeof(*r->connection));
    r->request_config = apr_pcalloc(pool, sizeof(void *));
    r->server = apr_pcalloc(pool, sizeof(*r->server));
    r->server->log.level = APLOG_TRACE8; /* so that every line is put together */
    r->headers_in = apr_table_make(pool, 4);
    r->subprocess_env = apr_table_make(pool, 4);
    return r;
}

const char *key_file_read(const char **data, size_t *len, const char *path, size_t max,
                          bool private, apr_pool_t *pool)
{
    (void)private;
    (void)pool;
    *data = NULL;
    *len = 0;
    if (stub_file.bytes == NULL || stub_file.len > max) {
        return apr_pstrcat(pool, path, ": cannot be read", NULL);
    }
    *data = fuzz_bytes(stub_file.bytes, stub_file.len);
    *len = stub_file.len;
    return NULL;
}

const char *state_dir_problem(const char *dir)
{
    HOLDS(*dir == '/');
    return stub_file.bytes != NULL ? NULL : "does not exist";
}

int error_response_refuse(request_rec *r, enum reason reason, int retry_after)
{
    (void)r;
    (void)reason;
    (void)retry_after;
    return HTTP_FORBIDDEN;
}

void judgement_accept(request_rec *r)
{
    (void)r;
}
