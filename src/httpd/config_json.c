#include "httpd/config_json.h"

#include <apr_strings.h>

#include "token/json.h"

const char *config_json_text(const char *text, apr_pool_t *pool)
{
    const char *quoted = text != NULL ? json_quote(text, pool) : "null";
    char *utf8;
    char *to;

    if (quoted != NULL) {
        return quoted;
    }
    utf8 = apr_palloc(pool, 2 * strlen(text) + 1);
    to = utf8;
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
        if (*p < 0x80) {
            *to++ = (char)*p;
        }
        else {
            *to++ = (char)(0xc0 | *p >> 6);
            *to++ = (char)(0x80 | (*p & 0x3f));
        }
    }
    *to = '\0';
    return json_quote(utf8, pool);
}

apr_array_header_t *config_json_begin(apr_pool_t *pool)
{
    return apr_array_make(pool, 8, sizeof(const char *));
}

void config_json_add(apr_array_header_t *elements, const char *json)
{
    APR_ARRAY_PUSH(elements, const char *) = json;
}

void config_json_member(apr_array_header_t *members, const char *name, const char *json)
{
    config_json_add(members, apr_pstrcat(members->pool, "\"", name, "\":", json, NULL));
}

static const char *enclose(const char *open, const apr_array_header_t *elements,
                           const char *close)
{
    return apr_pstrcat(elements->pool, open,
                       apr_array_pstrcat(elements->pool, elements, ','), close, NULL);
}

const char *config_json_array(const apr_array_header_t *elements)
{
    return enclose("[", elements, "]");
}

const char *config_json_object(const apr_array_header_t *members)
{
    return enclose("{", members, "}");
}
