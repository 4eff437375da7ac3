#include "token/json.h"

#include <apr_strings.h>
#include <cjson/cJSON.h>
#include <math.h>
#include <string.h>

#include "token/json_scan.h"

static apr_status_t tree_cleanup(void *data)
{
    cJSON_Delete(data);
    return APR_SUCCESS;
}

/*
 * cJSON keeps a number as a double only, and prints another one where that has
 * not enough digits. So numbers become "raw" values that know their own text;
 * the double stays beside it. The scan has listed them in the order in which this
 * walk, as deep as the scan allowed, meets them.
 */
static enum reason keep_numbers(cJSON *value, const struct json_number **numbers)
{
    for (; value != NULL; value = value->next) {
        enum reason reason = REASON_OK;

        if (cJSON_IsNumber(value)) {
            const struct json_number *number = *numbers;

            /* cJSON reads 1e999 as infinity. */
            if (!isfinite(value->valuedouble)) {
                return REASON_JSON_TOO_LARGE;
            }
            value->valuestring = cJSON_malloc(number->len + 1);
            if (value->valuestring == NULL) {
                return REASON_INTERNAL_ERROR;
            }
            memcpy(value->valuestring, number->text, number->len);
            value->valuestring[number->len] = '\0';
            value->type = cJSON_Raw;
            *numbers = number->next;
        }
        else {
            reason = keep_numbers(value->child, numbers);
        }
        if (reason != REASON_OK) {
            return reason;
        }
    }
    return REASON_OK;
}

enum reason json_parse(const json_value **value, const char *text, size_t len,
                       const struct json_limits *limits, apr_pool_t *pool)
{
    const struct json_number *numbers;
    enum reason reason;
    cJSON *tree;

    *value = NULL;
    reason = json_scan(&numbers, text, len, limits, pool);
    if (reason != REASON_OK) {
        return reason;
    }
    /* The scan accepts nothing that cJSON refuses, so NULL can only mean no memory. */
    tree = cJSON_ParseWithLengthOpts(text, len, NULL, 0);
    if (tree == NULL) {
        return REASON_INTERNAL_ERROR;
    }
    apr_pool_cleanup_register(pool, tree, tree_cleanup, apr_pool_cleanup_null);
    reason = keep_numbers(tree, &numbers);
    if (reason != REASON_OK) {
        return reason;
    }
    *value = tree;
    return REASON_OK;
}

const json_value *json_member(const json_value *object, const char *name)
{
    if (!cJSON_IsObject(object)) {
        return NULL;
    }
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

bool json_is_object(const json_value *value)
{
    return cJSON_IsObject(value);
}

bool json_is_array(const json_value *value)
{
    return cJSON_IsArray(value);
}

const char *json_string(const json_value *value)
{
    return cJSON_IsString(value) ? value->valuestring : NULL;
}

bool json_has_control(const char *string)
{
    for (const unsigned char *p = (const unsigned char *)string; *p != '\0'; p++) {
        /* U+0080 to U+009F are C2 80 to C2 9F. */
        if (*p < 0x20 || *p == 0x7f || (*p == 0xc2 && p[1] < 0xa0)) {
            return true;
        }
    }
    return false;
}

bool json_bool(bool *out, const json_value *value)
{
    if (!cJSON_IsBool(value)) {
        return false;
    }
    *out = cJSON_IsTrue(value);
    return true;
}

bool json_time(double *seconds, const json_value *value)
{
    if (!cJSON_IsRaw(value) || !(value->valuedouble >= 0) ||
        !(value->valuedouble <= JSON_TIME_MAX)) {
        return false;
    }
    /* The double of 2^53 + 1 is 2^53 too. */
    if (value->valuedouble >= JSON_TIME_MAX &&
        strcmp(value->valuestring, JSON_TIME_MAX_TEXT) != 0) {
        return false;
    }
    *seconds = value->valuedouble;
    return true;
}

size_t json_size(const json_value *value)
{
    size_t n = 0;

    for (const json_value *v = json_first(value); v != NULL; v = json_next(v)) {
        n++;
    }
    return n;
}

const json_value *json_first(const json_value *container)
{
    return container != NULL ? container->child : NULL;
}

const json_value *json_next(const json_value *value)
{
    return value->next;
}

const char *json_name(const json_value *member)
{
    return member->string;
}

const char *json_text(const json_value *value, apr_pool_t *pool)
{
    char *printed = cJSON_PrintUnformatted(value);
    char *text;

    if (printed == NULL) {
        return NULL;
    }
    text = apr_pstrdup(pool, printed);
    cJSON_free(printed);
    return text;
}

const char *json_quote(const char *string, apr_pool_t *pool)
{
    static const char hex[] = "0123456789abcdef";
    const unsigned char *p = (const unsigned char *)string;
    const unsigned char *end = p + strlen(string);
    char *quoted = apr_palloc(pool, (size_t)(end - p) * 6 + 3);
    char *out = quoted;

    *out++ = '"';
    while (p < end) {
        unsigned len = utf8_sequence(p, end);

        if (len == 0) {
            return NULL;
        }
        if (*p < 0x20 || *p == 0x7f) {
            memcpy(out, "\\u00", 4);
            out[4] = hex[*p >> 4];
            out[5] = hex[*p & 0xf];
            out += 6;
            p++;
            continue;
        }
        if (*p == '"' || *p == '\\') {
            *out++ = '\\';
        }
        memcpy(out, p, len);
        out += len;
        p += len;
    }
    *out++ = '"';
    *out = '\0';
    return quoted;
}
