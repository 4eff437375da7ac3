#include "json_pointer.h"

#include <apr_strings.h>
#include <stdio.h>
#include <string.h>

#include "fuzz.h"

static const struct json_limits limits = JSON_LIMITS_DEFAULT;

bool pointer_is_valid(const char *text)
{
    const char *tilde = *text == '/' ? strchr(text, '~') : NULL;

    while (tilde != NULL && (tilde[1] == '0' || tilde[1] == '1')) {
        tilde = strchr(tilde + 1, '~');
    }
    return tilde == NULL && *text != '\0';
}

/* A name as a pointer has it (RFC 6901 3). */
static const char *encode(const char *name)
{
    char *encoded = fuzz_room(2 * strlen(name) + 1);
    char *out = encoded;

    for (; *name != '\0'; name++) {
        if (*name == '~' || *name == '/') {
            *out++ = '~';
        }
        *out++ = (char)(*name == '~' ? '0' : *name == '/' ? '1' : *name);
    }
    *out = '\0';
    return encoded;
}

/* Of an object or an array, what goes by these bytes; NULL for nothing. */
static const json_value *child(const json_value *container, const char *step, size_t len)
{
    size_t index = 0;

    for (const json_value *v = json_first(container); v != NULL; v = json_next(v)) {
        char digits[24];
        const char *name = digits;

        snprintf(digits, sizeof(digits), "%zu", index++);
        if (json_is_object(container)) {
            name = encode(json_name(v));
        }
        if (strlen(name) == len && memcmp(name, step, len) == 0) {
            return v;
        }
    }
    return NULL;
}

const json_value *pointer_find(const char *text, const json_value *payload)
{
    if (*text != '/') {
        const json_value *v = json_first(payload);

        while (v != NULL && strcmp(json_name(v), text) != 0) {
            v = json_next(v);
        }
        return v;
    }
    while (payload != NULL && *text == '/') {
        size_t len = strcspn(++text, "/");

        payload = child(payload, text, len);
        text += len;
    }
    return payload;
}

static const char *decode(const char *step, size_t len)
{
    char *name = fuzz_string(step, len);
    char *tilde = name;

    while ((tilde = strchr(tilde, '~')) != NULL) {
        *tilde = tilde[1] == '1' ? '/' : '~';
        tilde++;
        memmove(tilde, tilde + 1, strlen(tilde));
    }
    return name;
}

const json_value *pointer_document(const char *text, const char *value, apr_pool_t *pool)
{
    const char *opening = "";
    const char *closing = "";
    const json_value *document = NULL;

    do {
        bool plain = *text != '/';
        size_t len = plain ? strlen(text) : strcspn(++text, "/");
        const char *name = json_quote(plain ? text : decode(text, len), pool);

        if (name == NULL) {
            return NULL;
        }
        opening = apr_pstrcat(pool, opening, "{", name, ":", NULL);
        closing = apr_pstrcat(pool, closing, "}", NULL);
        text += len;
    } while (*text != '\0');
    text = apr_pstrcat(pool, opening, value, closing, NULL);
    json_parse(&document, text, strlen(text), &limits, pool);
    return document;
}
