#include "httpd/pass_headers.h"

#include <apr_lib.h>
#include <apr_strings.h>

#include "httpd/config.h"
#include "httpd/config_values.h"
#include "httpd/pass_claims.h"

struct pass {
    struct claim_path claim;
    const char *header;
};

/* tchar of RFC 9110 5.6.2 */
static bool is_field_name(const char *name)
{
    const char *p = name;

    while (apr_isalnum(*p) || (*p != '\0' && strchr("!#$%&'*+-.^_`|~", *p) != NULL)) {
        p++;
    }
    return p > name && *p == '\0';
}

/*
 * Case aside, and with _ for -: CGI programs, and what speaks like them, cannot tell
 * these apart.
 */
static bool is_same_name(const char *a, const char *b)
{
    while (*a != '\0' &&
           (apr_tolower(*a) == apr_tolower(*b) ||
            (strchr("-_", *a) != NULL && *b != '\0' && strchr("-_", *b) != NULL))) {
        a++;
        b++;
    }
    return *a == '\0' && *b == '\0';
}

/* Who is asked, with what right, and where the message ends is not for a claim to say. */
static bool is_reserved(const char *name)
{
    static const char *const reserved[] = {
        "Host",         "Authorization",
        "Cookie",       "Connection",
        "Keep-Alive",   "TE",
        "Trailer",      "Trailers",
        "Upgrade",      "Transfer-Encoding",
        "Expect",       "Content-Length",
        "Content-Type", "Content-Encoding",
        "Forwarded",    "HTTP2-Settings",
    };

    for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
        if (is_same_name(name, reserved[i])) {
            return true;
        }
    }
    return ap_cstr_casecmpn(name, "Proxy", 5) == 0 &&
           (name[5] == '-' || name[5] == '_' || name[5] == '\0');
}

static bool is_passed(const char *name)
{
    const apr_array_header_t *names = config_server()->passed_headers;

    for (int i = 0; i < names->nelts; i++) {
        if (is_same_name(name, APR_ARRAY_IDX(names, i, const char *))) {
            return true;
        }
    }
    return false;
}

const char *pass_headers_add(apr_array_header_t **list, const cmd_parms *cmd,
                             const char *value)
{
    const char *error = value_check(cmd, value);
    const char *equals = strrchr(value, '=');
    struct pass pass;

    if (error != NULL) {
        return error;
    }
    if (equals == NULL || equals == value || !is_field_name(equals + 1)) {
        return apr_pstrcat(cmd->pool, cmd->cmd->name, ": \"", value,
                           "\" is not claim=Header", NULL);
    }
    pass.header = equals + 1;
    error = claim_path_parse(
        &pass.claim, apr_pstrmemdup(cmd->temp_pool, value, (apr_size_t)(equals - value)),
        cmd->pool);
    if (error != NULL) {
        return apr_pstrcat(cmd->pool, cmd->cmd->name, ": the claim of \"", value, "\" ",
                           error, NULL);
    }
    if (is_reserved(pass.header)) {
        return apr_pstrcat(cmd->pool, cmd->cmd->name, ": ", pass.header,
                           " has a meaning of its own in HTTP; choose another name",
                           NULL);
    }
    if (*list == NULL) {
        *list = apr_array_make(cmd->pool, 4, sizeof(struct pass));
    }
    for (int i = 0; i < (*list)->nelts; i++) {
        if (is_same_name(APR_ARRAY_IDX(*list, i, struct pass).header, pass.header)) {
            return apr_pstrcat(cmd->pool, cmd->cmd->name, ": ", pass.header,
                               " is named twice", NULL);
        }
    }
    APR_ARRAY_PUSH(*list, struct pass) = pass;
    if (!is_passed(pass.header)) {
        APR_ARRAY_PUSH(config_server()->passed_headers, const char *) = pass.header;
    }
    return NULL;
}

static void strip(apr_table_t *fields)
{
    const apr_array_header_t *array = apr_table_elts(fields);
    int i = 0;

    while (i < array->nelts) {
        const char *name = APR_ARRAY_IDX(array, i, apr_table_entry_t).key;

        if (is_passed(name)) {
            apr_table_unset(fields, name); /* all fields of that name */
            i = 0;
        }
        else {
            i++;
        }
    }
}

int pass_headers_strip(request_rec *r)
{
    if (config_server()->passed_headers->nelts > 0) {
        strip(r->headers_in);
    }
    return DECLINED;
}

/* Printable ASCII but '%'; all other bytes of the UTF-8 as %XX (RFC 3986 2.1). */
static const char *field_value(const char *text, apr_pool_t *pool)
{
    static const char hex[] = "0123456789ABCDEF";
    char *value = apr_palloc(pool, 3 * strlen(text) + 1);
    char *out = value;

    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;

        if (c >= 0x20 && c < 0x7f && c != '%') {
            *out++ = (char)c;
            continue;
        }
        *out++ = '%';
        *out++ = hex[c >> 4];
        *out++ = hex[c & 0xf];
    }
    *out = '\0';
    return value;
}

int pass_headers_set(request_rec *r)
{
    const apr_array_header_t *list = config_dir(r)->pass_headers;
    const struct jwt_claims *claims;

    if (config_server()->passed_headers->nelts == 0) {
        return DECLINED;
    }
    strip(r->headers_in); /* what a request before this one, or a module, left here */
    claims = list != NULL ? pass_claims_in_force(r) : NULL;
    for (int i = 0; claims != NULL && i < list->nelts; i++) {
        const struct pass *pass = &APR_ARRAY_IDX(list, i, struct pass);
        const char *text = pass_claims_text(r, claims, &pass->claim);

        if (text != NULL) {
            apr_table_setn(r->headers_in, pass->header, field_value(text, r->pool));
        }
    }
    return DECLINED;
}
