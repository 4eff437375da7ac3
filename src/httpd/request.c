#include "httpd/request.h"

#include <http_config.h>

#include "httpd/module.h"

#define LOG_VALUE_MAX 64

request_rec *request_before(const request_rec *r)
{
    return r->main != NULL ? r->main : r->prev;
}

struct request_state *request_state_get(const request_rec *r)
{
    return ap_get_module_config(r->request_config, &auth0_jwt_module);
}

struct request_state *request_state_make(request_rec *r)
{
    struct request_state *state = request_state_get(r);

    if (state == NULL) {
        state = apr_pcalloc(r->pool, sizeof(*state));
        ap_set_module_config(r->request_config, &auth0_jwt_module, state);
    }
    return state;
}

const char *request_log_value(const char *value, apr_pool_t *pool)
{
    static const char hex[] = "0123456789abcdef";
    char *text;
    char *out;

    if (value == NULL) {
        return "(none)";
    }
    text = apr_palloc(pool, LOG_VALUE_MAX * 4 + sizeof("..."));
    out = text;
    for (int i = 0; *value != '\0' && i < LOG_VALUE_MAX; i++, value++) {
        unsigned char c = (unsigned char)*value;

        if (c >= 0x20 && c < 0x7f && c != '\\' && c != '"') {
            *out++ = (char)c;
            continue;
        }
        *out++ = '\\';
        *out++ = 'x';
        *out++ = hex[c >> 4];
        *out++ = hex[c & 0xf];
    }
    if (*value != '\0') {
        *out++ = '.';
        *out++ = '.';
        *out++ = '.';
    }
    *out = '\0';
    return text;
}
