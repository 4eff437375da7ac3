#include "object.h"

#include <apr_strings.h>
#include <string.h>

#include "show.h"

struct object_member {
    const char *name;
    const char *json; /* NULL: removed */
};

object *object_create(apr_pool_t *pool)
{
    return apr_array_make(pool, 8, sizeof(struct object_member));
}

void object_set(object *members, const char *name, const char *json)
{
    struct object_member *member = NULL;

    for (int i = 0; i < members->nelts && member == NULL; i++) {
        if (strcmp(APR_ARRAY_IDX(members, i, struct object_member).name, name) == 0) {
            member = &APR_ARRAY_IDX(members, i, struct object_member);
        }
    }
    if (member == NULL) {
        member = apr_array_push(members);
    }
    member->name = name;
    member->json = json;
}

void object_set_string(object *members, const char *name, const char *string)
{
    object_set(members, name, show_as_json(string, members->pool));
}

void object_set_bool(object *members, const char *name, bool value)
{
    object_set(members, name, value ? "true" : "false");
}

void object_set_number(object *members, const char *name, double value)
{
    char *text = apr_psprintf(members->pool, "%.3f", value);
    char *end = text + strlen(text);

    while (end[-1] == '0') {
        *--end = '\0';
    }
    if (end[-1] == '.') {
        end[-1] = '\0';
    }
    object_set(members, name, text);
}

const char *object_text(const object *members, apr_pool_t *pool)
{
    apr_array_header_t *texts =
        apr_array_make(pool, members->nelts, sizeof(const char *));

    for (int i = 0; i < members->nelts; i++) {
        const struct object_member *member =
            &APR_ARRAY_IDX(members, i, const struct object_member);

        if (member->json != NULL) {
            APR_ARRAY_PUSH(texts, const char *) = apr_pstrcat(
                pool, show_as_json(member->name, pool), ":", member->json, NULL);
        }
    }
    return apr_pstrcat(pool, "{", apr_array_pstrcat(pool, texts, ','), "}", NULL);
}

list *list_create(apr_pool_t *pool)
{
    return apr_array_make(pool, 8, sizeof(const char *));
}

void list_add(list *elements, const char *json)
{
    APR_ARRAY_PUSH(elements, const char *) = json;
}

void list_add_string(list *elements, const char *string)
{
    list_add(elements, show_as_json(string, elements->pool));
}

const char *list_text(const list *elements)
{
    return apr_pstrcat(elements->pool, "[",
                       apr_array_pstrcat(elements->pool, elements, ','), "]", NULL);
}
