#include "token/claim_path.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

/* The digits of an array's index: no document has room for more elements. */
#define INDEX_DIGITS 6

/* /a/b is b of a, with ~1 for a slash and ~0 for a tilde in a name. */
static const char *read_pointer(apr_array_header_t *path, const char *text,
                                apr_pool_t *pool)
{
    while (*text == '/') {
        const char *end = text + 1 + strcspn(text + 1, "/");
        char *name = apr_palloc(pool, (apr_size_t)(end - text));
        char *to = name;

        for (const char *from = text + 1; from < end; from++) {
            if (*from != '~') {
                *to++ = *from;
                continue;
            }
            from++;
            if (*from != '0' && *from != '1') {
                return "is no JSON Pointer: after a ~ stands 0 or 1";
            }
            *to++ = *from == '0' ? '~' : '/';
        }
        *to = '\0';
        APR_ARRAY_PUSH(path, const char *) = name;
        text = end;
    }
    return NULL;
}

const char *claim_path_parse(struct claim_path *path, const char *text, apr_pool_t *pool)
{
    apr_array_header_t *names = apr_array_make(pool, 1, sizeof(const char *));

    path->text = apr_pstrdup(pool, text);
    path->names = names;
    if (*text == '\0') {
        return "is no name";
    }
    if (*text == '/') {
        return read_pointer(names, text, pool);
    }
    APR_ARRAY_PUSH(names, const char *) = path->text;
    return NULL;
}

/* A member of that name; of an array the element of that number (RFC 6901 4). */
static const json_value *step_into(const json_value *value, const char *name)
{
    const json_value *element;
    apr_int64_t index;

    if (!json_is_array(value)) {
        return json_member(value, name);
    }
    if (!apr_isdigit(*name) || strspn(name, "0123456789") != strlen(name) ||
        (name[0] == '0' && name[1] != '\0') || strlen(name) > INDEX_DIGITS) {
        return NULL;
    }
    index = apr_atoi64(name);
    element = json_first(value);
    while (element != NULL && index-- > 0) {
        element = json_next(element);
    }
    return element;
}

const json_value *claim_path_find(const struct claim_path *path,
                                  const json_value *payload)
{
    for (int i = 0; i < path->names->nelts && payload != NULL; i++) {
        payload = step_into(payload, APR_ARRAY_IDX(path->names, i, const char *));
    }
    return payload;
}
