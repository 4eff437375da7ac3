#include "token/json.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "token/json_scan.h"

/*
 * A value knows only distances, in bytes from itself, so a document may be copied as a
 * whole. Values stand in the order of the text, each container before what it holds;
 * behind the last one are their texts, each ended by a NUL.
 */
struct json_value {
    double number;
    uint32_t next; /* distance to the next element or member; 0 for none */
    uint32_t name; /* distance to the member's name; 0 for none */
    uint32_t text; /* of a string its value, of a number its JSON text; else 0 */
    uint8_t kind;
    bool has_children; /* the first one follows */
};

enum kind {
    KIND_NULL,
    KIND_FALSE,
    KIND_TRUE,
    KIND_NUMBER,
    KIND_STRING,
    KIND_ARRAY,
    KIND_OBJECT
};

/* In front of the top-level value. */
struct document {
    size_t size; /* bytes, with this */
    struct json_value top;
};

/* What is written where. */
struct writer {
    struct json_value *value;
    char *text;
    const struct json_number *numbers; /* the rest of what the scan has listed */
};

/* How much room a tree takes: as deep as the scan allowed. */
static void measure(size_t *values, size_t *text, const cJSON *tree)
{
    for (; tree != NULL; tree = tree->next) {
        (*values)++;
        *text += tree->string != NULL ? strlen(tree->string) + 1 : 0;
        *text += cJSON_IsString(tree) ? strlen(tree->valuestring) + 1 : 0;
        measure(values, text, tree->child);
    }
}

static uint32_t put_text(struct writer *writer, const struct json_value *value,
                         const char *text, size_t len)
{
    char *at = writer->text;

    memcpy(at, text, len);
    at[len] = '\0';
    writer->text += len + 1;
    return (uint32_t)(at - (const char *)value);
}

static enum kind kind_of(const cJSON *tree)
{
    return cJSON_IsObject(tree)   ? KIND_OBJECT
           : cJSON_IsArray(tree)  ? KIND_ARRAY
           : cJSON_IsString(tree) ? KIND_STRING
           : cJSON_IsNumber(tree) ? KIND_NUMBER
           : cJSON_IsTrue(tree)   ? KIND_TRUE
           : cJSON_IsFalse(tree)  ? KIND_FALSE
                                  : KIND_NULL;
}

/*
 * cJSON keeps a number as a double only, which may not have its digits. So the text
 * is kept beside it: the scan has listed them in the order in which this walk meets them.
 */
static bool put_number(struct writer *writer, struct json_value *value, const cJSON *tree)
{
    const struct json_number *number = writer->numbers;

    if (number == NULL) {
        return false; /* the scan has listed every one */
    }
    writer->numbers = number->next;
    value->number = tree->valuedouble;
    value->text = put_text(writer, value, number->text, number->len);
    return isfinite(tree->valuedouble); /* cJSON reads 1e999 as infinity */
}

static bool put_values(struct writer *writer, const cJSON *tree)
{
    for (; tree != NULL; tree = tree->next) {
        struct json_value *value = writer->value++;

        memset(value, 0, sizeof(*value));
        value->kind = (uint8_t)kind_of(tree);
        value->has_children = tree->child != NULL;
        if (tree->string != NULL) {
            value->name = put_text(writer, value, tree->string, strlen(tree->string));
        }
        if (value->kind == KIND_STRING) {
            value->text =
                put_text(writer, value, tree->valuestring, strlen(tree->valuestring));
        }
        if (value->kind == KIND_NUMBER && !put_number(writer, value, tree)) {
            return false;
        }
        if (!put_values(writer, tree->child)) {
            return false;
        }
        if (tree->next != NULL) {
            value->next = (uint32_t)((char *)writer->value - (char *)value);
        }
    }
    return true;
}

static enum reason flatten(const json_value **value, const cJSON *tree,
                           const struct json_number *numbers, apr_pool_t *pool)
{
    struct writer writer = {.numbers = numbers};
    struct document *document;
    size_t values = 0;
    size_t size = 0;

    measure(&values, &size, tree);
    for (const struct json_number *n = numbers; n != NULL; n = n->next) {
        size += n->len + 1;
    }
    size += offsetof(struct document, top) + values * sizeof(struct json_value);
    document = apr_palloc(pool, size);
    document->size = size;
    writer.value = &document->top;
    writer.text = (char *)(&document->top + values);
    if (!put_values(&writer, tree)) {
        return REASON_JSON_TOO_LARGE;
    }
    *value = &document->top;
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
    reason = flatten(value, tree, numbers, pool);
    cJSON_Delete(tree);
    return reason;
}

static const struct document *document_of(const json_value *top)
{
    return (const struct document *)(const void *)((const char *)top -
                                                   offsetof(struct document, top));
}

size_t json_document_size(const json_value *top)
{
    return document_of(top)->size;
}

const json_value *json_document_copy(void *memory, const json_value *top)
{
    struct document *copy = memory;

    memcpy(copy, document_of(top), document_of(top)->size);
    return &copy->top;
}

static const char *text_at(const json_value *value, uint32_t distance)
{
    return distance != 0 ? (const char *)value + distance : NULL;
}

static bool is_kind(const json_value *value, enum kind kind)
{
    return value != NULL && value->kind == kind;
}

const json_value *json_member(const json_value *object, const char *name)
{
    if (!json_is_object(object)) {
        return NULL;
    }
    for (const json_value *v = json_first(object); v != NULL; v = json_next(v)) {
        if (strcmp(json_name(v), name) == 0) {
            return v;
        }
    }
    return NULL;
}

bool json_is_object(const json_value *value)
{
    return is_kind(value, KIND_OBJECT);
}

bool json_is_array(const json_value *value)
{
    return is_kind(value, KIND_ARRAY);
}

const char *json_string(const json_value *value)
{
    return is_kind(value, KIND_STRING) ? text_at(value, value->text) : NULL;
}

bool json_has_control(const char *string)
{
    const unsigned char *p = (const unsigned char *)string;

    for (;;) {
        while (*p >= 0x20 && *p < 0x7f) {
            p++; /* most texts hold nothing else, and every request comes here */
        }
        if (*p == '\0') {
            return false;
        }
        /* U+0080 to U+009F are C2 80 to C2 9F. */
        if (*p < 0x20 || *p == 0x7f || (*p == 0xc2 && p[1] < 0xa0)) {
            return true;
        }
        p++;
    }
}

bool json_bool(bool *out, const json_value *value)
{
    if (!is_kind(value, KIND_TRUE) && !is_kind(value, KIND_FALSE)) {
        return false;
    }
    *out = is_kind(value, KIND_TRUE);
    return true;
}

bool json_time(double *seconds, const json_value *value)
{
    if (!is_kind(value, KIND_NUMBER) || !(value->number >= 0) ||
        !(value->number <= JSON_TIME_MAX)) {
        return false;
    }
    /* The double of 2^53 + 1 is 2^53 too. */
    if (value->number >= JSON_TIME_MAX &&
        strcmp(text_at(value, value->text), JSON_TIME_MAX_TEXT) != 0) {
        return false;
    }
    *seconds = value->number;
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
    return container != NULL && container->has_children ? container + 1 : NULL;
}

const json_value *json_next(const json_value *value)
{
    return value->next != 0
               ? (const json_value *)(const void *)((const char *)value + value->next)
               : NULL;
}

const char *json_name(const json_value *member)
{
    return text_at(member, member->name);
}

/* ---- writing ------------------------------------------------------------------------- */

/* Where text is written to; with NULL it is only measured. */
struct output {
    char *at;
    size_t len;
};

static void put(struct output *output, const char *text, size_t len)
{
    if (output->at != NULL) {
        memcpy(output->at + output->len, text, len);
    }
    output->len += len;
}

static void put_string(struct output *output, const char *string)
{
    static const char hex[] = "0123456789abcdef";
    static const char letters[] = "btn?fr"; /* of 8 to 13; 11 has none */

    put(output, "\"", 1);
    for (const char *p = string; *p != '\0'; p++) {
        unsigned char c = (unsigned char)*p;

        if (c == '"' || c == '\\') {
            put(output, "\\", 1);
            put(output, p, 1);
        }
        else if (c >= 8 && c <= 13 && c != 11) {
            put(output, "\\", 1);
            put(output, &letters[c - 8], 1);
        }
        else if (c < 0x20) {
            put(output, "\\u00", 4);
            put(output, &hex[c >> 4], 1);
            put(output, &hex[c & 0xf], 1);
        }
        else {
            put(output, p, 1);
        }
    }
    put(output, "\"", 1);
}

/* Of a string or a number, which have one. */
static const char *text_of(const json_value *value)
{
    return (const char *)value + value->text;
}

static const char *name_of(const json_value *member)
{
    return (const char *)member + member->name;
}

static void put_value(struct output *output, const json_value *value)
{
    static const char *const words[] = {"null", "false", "true"};
    bool object = json_is_object(value);

    if (value->kind == KIND_STRING) {
        put_string(output, text_of(value));
        return;
    }
    if (!object && !json_is_array(value)) {
        const char *text =
            value->kind == KIND_NUMBER ? text_of(value) : words[value->kind];

        put(output, text, strlen(text));
        return;
    }
    put(output, object ? "{" : "[", 1);
    for (const json_value *v = json_first(value); v != NULL; v = json_next(v)) {
        if (object) {
            put_string(output, name_of(v));
            put(output, ":", 1);
        }
        put_value(output, v);
        put(output, ",", json_next(v) != NULL);
    }
    put(output, object ? "}" : "]", 1);
}

const char *json_text(const json_value *value, apr_pool_t *pool)
{
    struct output output = {NULL, 0};
    size_t len;

    put_value(&output, value);
    len = output.len;
    output.at = apr_palloc(pool, len + 1);
    output.len = 0;
    put_value(&output, value);
    output.at[len] = '\0';
    return output.at;
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
