/*
 * The input as one JSON text. What is accepted is within the limits, holds no name
 * twice, means the same once written and read again, and may be copied as a whole.
 */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "token/json_scan.h"

static const struct json_limits usual = JSON_LIMITS_DEFAULT;
static const struct json_limits small = {.depth = 2, .members = 3, .values = 5};

struct seen {
    unsigned depth; /* the deepest */
    unsigned members;
    unsigned values;
};

static bool is_utf8(const char *string)
{
    const unsigned char *p = (const unsigned char *)string;
    const unsigned char *end = p + strlen(string);

    while (p < end) {
        unsigned len = utf8_sequence(p, end);

        if (len == 0) {
            return false;
        }
        p += len;
    }
    return true;
}

static void check_string(const char *string, apr_pool_t *pool)
{
    const char *quoted = json_quote(string, pool);
    const json_value *again;

    HOLDS(is_utf8(string) && quoted != NULL);
    HOLDS(json_parse(&again, quoted, strlen(quoted), &usual, pool) == REASON_OK);
    HOLDS(strcmp(json_string(again), string) == 0);
    HOLDS(json_has_control(string) == fuzz_has_control(string));
}

/* What no double holds is no number. */
static void check_number(const json_value *value, apr_pool_t *pool)
{
    const char *text = json_text(value, pool);

    HOLDS(strlen(text) <= JSON_NUMBER_MAX || json_string(value) != NULL);
    HOLDS((*text != '-' && !isdigit((unsigned char)*text)) ||
          isfinite(strtod(text, NULL)));
}

static void check_time(const json_value *value, apr_pool_t *pool)
{
    double seconds = -1;

    if (!json_time(&seconds, value)) {
        return;
    }
    HOLDS(seconds >= 0 && seconds <= JSON_TIME_MAX);
    HOLDS(seconds < JSON_TIME_MAX ||
          strcmp(json_text(value, pool), "9007199254740992") == 0);
    HOLDS(!json_is_array(value) && !json_is_object(value) && json_string(value) == NULL);
}

static void check_value(struct seen *seen, const json_value *value, unsigned depth,
                        apr_pool_t *pool)
{
    bool boolean;
    unsigned members = 0;

    seen->values++;
    check_time(value, pool);
    if (json_string(value) != NULL) {
        HOLDS(!json_bool(&boolean, value) && json_first(value) == NULL);
        check_string(json_string(value), pool);
    }
    if (!json_is_object(value) && !json_is_array(value)) {
        check_number(value, pool);
        HOLDS(json_size(value) == 0 && json_member(value, "a") == NULL);
        return;
    }
    if (++depth > seen->depth) {
        seen->depth = depth;
    }
    for (const json_value *v = json_first(value); v != NULL; v = json_next(v)) {
        members++;
        HOLDS((json_name(v) != NULL) == json_is_object(value));
        if (json_name(v) != NULL) {
            check_string(json_name(v), pool);
            /* The first of that name is this one: there is no other. */
            HOLDS(json_member(value, json_name(v)) == v);
        }
        check_value(seen, v, depth, pool);
    }
    HOLDS(json_size(value) == members);
    if (json_is_object(value) && members > seen->members) {
        seen->members = members;
    }
}

static bool is_known_reason(enum reason reason)
{
    return reason == REASON_JSON_SYNTAX || reason == REASON_JSON_ENCODING ||
           reason == REASON_JSON_DUPLICATE_NAME || reason == REASON_JSON_TOO_LARGE;
}

/* An escape that stands for NUL; a backslash that is escaped itself begins none. */
static bool has_nul(struct part input)
{
    for (size_t i = 0; i + 6 <= input.len; i++) {
        if (input.bytes[i] != '\\') {
            continue;
        }
        if (memcmp(input.bytes + i, "\\u0000", 6) == 0) {
            return true;
        }
        i++;
    }
    return memchr(input.bytes, '\0', input.len) != NULL;
}

/* Times are not in the text that values are compared by. */
static void check_same_times(const json_value *a, const json_value *b)
{
    double one = 0;
    double other = 0;

    HOLDS(json_time(&one, a) == json_time(&other, b) && one == other);
    for (a = json_first(a), b = json_first(b); a != NULL;
         a = json_next(a), b = json_next(b)) {
        check_same_times(a, b);
    }
}

/* In memory of just its size, twice, and the first is gone when the second is read. */
static void check_copy(const json_value *value)
{
    size_t size = json_document_size(value);
    void *first = fuzz_room(size);
    void *second = fuzz_room(size);
    const json_value *copy = json_document_copy(first, value);

    HOLDS(json_document_size(copy) == size);
    copy = json_document_copy(second, copy);
    memset(first, 0xa5, size);
    HOLDS(json_document_size(copy) == size);
    HOLDS((const char *)copy > (const char *)second &&
          (const char *)copy < (const char *)second + size);
    HOLDS(fuzz_json_equal(value, copy));
    check_same_times(value, copy);
}

static void check_accepted(const json_value *value, struct part input, apr_pool_t *pool)
{
    const char *text = json_text(value, pool);
    struct seen seen = {0};
    const json_value *again;
    enum reason reason;

    HOLDS(text != NULL && !has_nul(input));
    check_value(&seen, value, 0, pool);
    HOLDS(seen.depth <= usual.depth && seen.members <= usual.members &&
          seen.values <= usual.values);

    HOLDS(json_parse(&again, text, strlen(text), &usual, pool) == REASON_OK);
    HOLDS(fuzz_json_equal(value, again));
    HOLDS(strcmp(json_text(again, pool), text) == 0);
    check_copy(value);

    reason = json_parse(&again, input.bytes, input.len, &small, pool);
    HOLDS((reason == REASON_OK) ==
          (seen.depth <= small.depth && seen.members <= small.members &&
           seen.values <= small.values));
    HOLDS(reason == REASON_OK || reason == REASON_JSON_TOO_LARGE);
}

/* An array or object is over with its last bracket, not before and not after. */
static void check_ends(struct part input, apr_pool_t *pool)
{
    size_t len = input.len;
    char *longer = fuzz_room(len + 1);
    const json_value *value;

    memcpy(longer, input.bytes, len);
    for (const char *more = " x}]\v\f,"; *more != '\0'; more++) {
        longer[len] = *more;
        HOLDS((json_parse(&value, longer, len + 1, &usual, pool) == REASON_OK) ==
              (*more == ' '));
    }
    while (strchr(" \t\r\n", input.bytes[len - 1]) != NULL) {
        len--;
    }
    HOLDS(json_parse(&value, input.bytes, len, &usual, pool) == REASON_OK);
    HOLDS(json_parse(&value, fuzz_bytes(input.bytes, len - 1), len - 1, &usual, pool) !=
          REASON_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool = fuzz_begin();
    struct part input = {fuzz_bytes(data, size), size};
    const json_value *value;
    enum reason reason = json_parse(&value, input.bytes, input.len, &usual, pool);

    HOLDS((reason == REASON_OK) == (value != NULL));
    if (reason != REASON_OK) {
        HOLDS(is_known_reason(reason));
        HOLDS(json_parse(&value, input.bytes, input.len, &small, pool) != REASON_OK);
    }
    else {
        check_accepted(value, input, pool);
        if (json_is_object(value) || json_is_array(value)) {
            check_ends(input, pool);
        }
    }
    fuzz_end();
    return 0;
}
