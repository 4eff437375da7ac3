#include "token/json_scan.h"

#include <string.h>

/* A member's name, unescaped: a link of the list of its object. */
struct name {
    const struct name *next;
    const unsigned char *bytes;
    size_t len;
};

struct scan {
    const unsigned char *p;
    const unsigned char *end;
    const struct json_limits *limits;
    unsigned depth;
    unsigned values;
    const struct json_number **last; /* where the next number is linked in */
    apr_pool_t *pool;
};

static enum reason scan_value(struct scan *scan);

unsigned utf8_sequence(const unsigned char *p, const unsigned char *end)
{
    /* Second-byte ranges by first byte: RFC 3629 section 4. */
    unsigned char low = 0x80;
    unsigned char high = 0xbf;
    unsigned len;

    if (p >= end) {
        return 0;
    }
    if (*p < 0x80) {
        return 1;
    }
    if (*p < 0xc2 || *p > 0xf4) {
        return 0;
    }
    if (*p < 0xe0) {
        len = 2;
    }
    else if (*p < 0xf0) {
        len = 3;
        low = *p == 0xe0 ? 0xa0 : 0x80;
        high = *p == 0xed ? 0x9f : 0xbf;
    }
    else {
        len = 4;
        low = *p == 0xf0 ? 0x90 : 0x80;
        high = *p == 0xf4 ? 0x8f : 0xbf;
    }
    if ((size_t)(end - p) < len || p[1] < low || p[1] > high) {
        return 0;
    }
    for (unsigned i = 2; i < len; i++) {
        if (p[i] < 0x80 || p[i] > 0xbf) {
            return 0;
        }
    }
    return len;
}

static bool at(const struct scan *scan, unsigned char c)
{
    return scan->p < scan->end && *scan->p == c;
}

static bool take(struct scan *scan, unsigned char c)
{
    if (!at(scan, c)) {
        return false;
    }
    scan->p++;
    return true;
}

static void skip_space(struct scan *scan)
{
    while (at(scan, ' ') || at(scan, '\t') || at(scan, '\n') || at(scan, '\r')) {
        scan->p++;
    }
}

static bool take_hex4(struct scan *scan, unsigned *code)
{
    *code = 0;
    for (int i = 0; i < 4; i++) {
        unsigned char c;

        if (scan->p >= scan->end) {
            return false;
        }
        c = *scan->p++;
        *code <<= 4;
        if (c >= '0' && c <= '9') {
            *code |= (unsigned)(c - '0');
        }
        else if (c >= 'a' && c <= 'f') {
            *code |= (unsigned)(c - 'a' + 10);
        }
        else if (c >= 'A' && c <= 'F') {
            *code |= (unsigned)(c - 'A' + 10);
        }
        else {
            return false;
        }
    }
    return true;
}

static unsigned char *put_utf8(unsigned char *out, unsigned code)
{
    if (code < 0x80) {
        *out++ = (unsigned char)code;
    }
    else if (code < 0x800) {
        *out++ = (unsigned char)(0xc0 | (code >> 6));
        *out++ = (unsigned char)(0x80 | (code & 0x3f));
    }
    else if (code < 0x10000) {
        *out++ = (unsigned char)(0xe0 | (code >> 12));
        *out++ = (unsigned char)(0x80 | ((code >> 6) & 0x3f));
        *out++ = (unsigned char)(0x80 | (code & 0x3f));
    }
    else {
        *out++ = (unsigned char)(0xf0 | (code >> 18));
        *out++ = (unsigned char)(0x80 | ((code >> 12) & 0x3f));
        *out++ = (unsigned char)(0x80 | ((code >> 6) & 0x3f));
        *out++ = (unsigned char)(0x80 | (code & 0x3f));
    }
    return out;
}

/* One escape, its backslash already taken; written to *out unless that is NULL. */
static enum reason scan_escape(struct scan *scan, unsigned char **out)
{
    static const char from[] = "\"\\/bfnrt";
    static const char to[] = "\"\\/\b\f\n\r\t";
    const char *simple;
    unsigned code;
    unsigned low;

    if (scan->p >= scan->end || *scan->p == '\0') {
        return REASON_JSON_SYNTAX;
    }
    simple = strchr(from, *scan->p);
    if (simple != NULL) {
        scan->p++;
        code = (unsigned char)to[simple - from];
    }
    else if (!take(scan, 'u') || !take_hex4(scan, &code)) {
        return REASON_JSON_SYNTAX;
    }
    else if (code == 0 || (code >= 0xdc00 && code <= 0xdfff)) {
        return REASON_JSON_ENCODING;
    }
    else if (code >= 0xd800 && code <= 0xdbff) {
        if (!take(scan, '\\') || !take(scan, 'u') || !take_hex4(scan, &low) ||
            low < 0xdc00 || low > 0xdfff) {
            return REASON_JSON_ENCODING;
        }
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    if (out != NULL) {
        *out = put_utf8(*out, code);
    }
    return REASON_OK;
}

/* A string, its opening quote already taken. With name, the value goes there. */
static enum reason scan_string(struct scan *scan, struct name *name)
{
    const unsigned char *start = scan->p;
    unsigned char *copy = NULL; /* where the unescaped name grows, once needed */
    unsigned char *out = NULL;

    for (;;) {
        unsigned len;

        if (scan->p >= scan->end) {
            return REASON_JSON_SYNTAX;
        }
        if (*scan->p == '"') {
            break;
        }
        if (*scan->p < 0x20) {
            return REASON_JSON_ENCODING;
        }
        if (*scan->p == '\\') {
            enum reason reason;

            if (name != NULL && copy == NULL) {
                const unsigned char *close = scan->p;

                /* Unescaping never makes text longer: up to the quote is enough. */
                while (close < scan->end && *close != '"') {
                    close += *close == '\\' && close + 1 < scan->end ? 2 : 1;
                }
                copy = apr_palloc(scan->pool, (size_t)(close - start) + 1);
                memcpy(copy, start, (size_t)(scan->p - start));
                out = copy + (scan->p - start);
            }
            scan->p++;
            reason = scan_escape(scan, copy != NULL ? &out : NULL);
            if (reason != REASON_OK) {
                return reason;
            }
            continue;
        }
        len = utf8_sequence(scan->p, scan->end);
        if (len == 0) {
            return REASON_JSON_ENCODING;
        }
        if (copy != NULL) {
            memcpy(out, scan->p, len);
            out += len;
        }
        scan->p += len;
    }

    if (name != NULL) {
        name->bytes = copy != NULL ? copy : start;
        name->len = (size_t)((copy != NULL ? out : scan->p) - name->bytes);
    }
    scan->p++;
    return REASON_OK;
}

static bool take_digits(struct scan *scan)
{
    const unsigned char *start = scan->p;

    while (scan->p < scan->end && *scan->p >= '0' && *scan->p <= '9') {
        scan->p++;
    }
    return scan->p > start;
}

static enum reason scan_number(struct scan *scan)
{
    const unsigned char *start = scan->p;
    struct json_number *number;

    take(scan, '-');
    if (!take(scan, '0') && !take_digits(scan)) {
        return REASON_JSON_SYNTAX;
    }
    if (take(scan, '.') && !take_digits(scan)) {
        return REASON_JSON_SYNTAX;
    }
    if (take(scan, 'e') || take(scan, 'E')) {
        if (!take(scan, '+')) {
            take(scan, '-');
        }
        if (!take_digits(scan)) {
            return REASON_JSON_SYNTAX;
        }
    }
    if (scan->p - start > JSON_NUMBER_MAX) {
        return REASON_JSON_TOO_LARGE;
    }
    number = apr_palloc(scan->pool, sizeof(*number));
    number->next = NULL;
    number->text = (const char *)start;
    number->len = (size_t)(scan->p - start);
    *scan->last = number;
    scan->last = &number->next;
    return REASON_OK;
}

static bool take_word(struct scan *scan, const char *word)
{
    size_t len = strlen(word);

    if ((size_t)(scan->end - scan->p) < len || memcmp(scan->p, word, len) != 0) {
        return false;
    }
    scan->p += len;
    return true;
}

static bool has_name(const struct name *names, const struct name *name)
{
    for (; names != NULL; names = names->next) {
        if (names->len == name->len &&
            memcmp(names->bytes, name->bytes, name->len) == 0) {
            return true;
        }
    }
    return false;
}

/* An object's members, its opening brace already taken. */
static enum reason scan_object(struct scan *scan)
{
    const struct name *names = NULL;
    unsigned members = 0;
    enum reason reason;

    skip_space(scan);
    if (take(scan, '}')) {
        return REASON_OK;
    }
    do {
        struct name *name = apr_palloc(scan->pool, sizeof(*name));

        if (++members > scan->limits->members) {
            return REASON_JSON_TOO_LARGE;
        }
        skip_space(scan);
        if (!take(scan, '"')) {
            return REASON_JSON_SYNTAX;
        }
        reason = scan_string(scan, name);
        if (reason != REASON_OK) {
            return reason;
        }
        if (has_name(names, name)) {
            return REASON_JSON_DUPLICATE_NAME;
        }
        name->next = names;
        names = name;

        skip_space(scan);
        if (!take(scan, ':')) {
            return REASON_JSON_SYNTAX;
        }
        reason = scan_value(scan);
        if (reason != REASON_OK) {
            return reason;
        }
    } while (take(scan, ','));
    return take(scan, '}') ? REASON_OK : REASON_JSON_SYNTAX;
}

/* An array's elements, its opening bracket already taken. */
static enum reason scan_array(struct scan *scan)
{
    enum reason reason;

    skip_space(scan);
    if (take(scan, ']')) {
        return REASON_OK;
    }
    do {
        reason = scan_value(scan);
        if (reason != REASON_OK) {
            return reason;
        }
    } while (take(scan, ','));
    return take(scan, ']') ? REASON_OK : REASON_JSON_SYNTAX;
}

/* One value with the white space around it. */
static enum reason scan_value(struct scan *scan)
{
    enum reason reason = REASON_JSON_SYNTAX;

    if (++scan->values > scan->limits->values) {
        return REASON_JSON_TOO_LARGE;
    }
    skip_space(scan);
    if (at(scan, '{') || at(scan, '[')) {
        bool object = *scan->p++ == '{';

        if (++scan->depth > scan->limits->depth) {
            return REASON_JSON_TOO_LARGE;
        }
        reason = object ? scan_object(scan) : scan_array(scan);
        scan->depth--;
    }
    else if (take(scan, '"')) {
        reason = scan_string(scan, NULL);
    }
    else if (take_word(scan, "true") || take_word(scan, "false") ||
             take_word(scan, "null")) {
        reason = REASON_OK;
    }
    else {
        reason = scan_number(scan);
    }
    skip_space(scan);
    return reason;
}

enum reason json_scan(const struct json_number **numbers, const char *text, size_t len,
                      const struct json_limits *limits, apr_pool_t *pool)
{
    struct scan scan = {
        .p = (const unsigned char *)text,
        .end = (const unsigned char *)text + len,
        .limits = limits,
        .last = numbers,
        .pool = pool,
    };
    enum reason reason;

    *numbers = NULL;
    if (limits->depth > JSON_DEPTH_MAX) {
        return REASON_INTERNAL_ERROR;
    }
    reason = scan_value(&scan);
    if (reason != REASON_OK) {
        return reason;
    }
    return scan.p == scan.end ? REASON_OK : REASON_JSON_SYNTAX;
}
