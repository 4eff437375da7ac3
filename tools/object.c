#include "object.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

#include "token/json.h"

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

static const char *quote(const char *string, apr_pool_t *pool)
{
    const char *quoted = json_quote(string, pool);

    if (quoted == NULL) {
        abort(); /* not UTF-8, which callers have to see to */
    }
    return quoted;
}

void object_set_string(object *members, const char *name, const char *string)
{
    object_set(members, name, quote(string, members->pool));
}

const char *object_text(const object *members, apr_pool_t *pool)
{
    apr_array_header_t *texts =
        apr_array_make(pool, members->nelts, sizeof(const char *));

    for (int i = 0; i < members->nelts; i++) {
        const struct object_member *member =
            &APR_ARRAY_IDX(members, i, const struct object_member);

        if (member->json != NULL) {
            APR_ARRAY_PUSH(texts, const char *) =
                apr_pstrcat(pool, quote(member->name, pool), ":", member->json, NULL);
        }
    }
    return apr_pstrcat(pool, "{", apr_array_pstrcat(pool, texts, ','), "}", NULL);
}
