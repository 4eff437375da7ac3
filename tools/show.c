#include "show.h"

#include <apr_strings.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "token/json_scan.h"

/* Ranges of characters that move, hide or reverse what is printed around them. */
static const struct {
    uint32_t first;
    uint32_t last;
} unsafe[] = {
    {0x0000, 0x001f}, {0x007f, 0x009f}, {0x00ad, 0x00ad},   {0x061c, 0x061c},
    {0x180e, 0x180e}, {0x200b, 0x200f}, {0x2028, 0x202e},   {0x2060, 0x206f},
    {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe0fff},
};

static bool is_unsafe(uint32_t character)
{
    for (size_t i = 0; i < sizeof(unsafe) / sizeof(unsafe[0]); i++) {
        if (character >= unsafe[i].first && character <= unsafe[i].last) {
            return true;
        }
    }
    return false;
}

/* The character of a well-formed UTF-8 sequence of @a len bytes. */
static uint32_t character_of(const unsigned char *p, unsigned len)
{
    static const unsigned char mask[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t character = p[0] & mask[len];

    for (unsigned i = 1; i < len; i++) {
        character = character << 6 | (p[i] & 0x3fu);
    }
    return character;
}

/* Write \u and four digits, or the two halves of a surrogate pair, as JSON has it. */
static char *escape(char *out, uint32_t character)
{
    if (character > 0xffff) {
        character -= 0x10000;
        return out + sprintf(out, "\\u%04x\\u%04x", 0xd800 + (character >> 10),
                             0xdc00 + (character & 0x3ff));
    }
    return out + sprintf(out, "\\u%04x", character);
}

enum style {
    PLAIN,  /* for people */
    QUOTED, /* for people, in quotes */
    JSON,   /* a JSON string */
    TEXT    /* what is JSON already: a backslash is one of its own */
};

static const char *make_safe(const char *text, enum style style, apr_pool_t *pool)
{
    bool quoted = style == QUOTED || style == JSON;
    const unsigned char *p = (const unsigned char *)text;
    const unsigned char *end = p + strlen(text);
    /* One byte becomes six characters at most; four bytes become twelve. */
    char *safe = apr_palloc(pool, (size_t)(end - p) * 6 + 16);
    char *out = safe;

    if (quoted) {
        *out++ = '"';
    }
    while (p < end) {
        unsigned len = utf8_sequence(p, end);

        if (len == 0) {
            out += style == JSON || style == TEXT ? sprintf(out, "\\ufffd")
                                                  : sprintf(out, "\\x%02x", *p);
            p++;
            continue;
        }
        if (is_unsafe(character_of(p, len))) {
            out = escape(out, character_of(p, len));
        }
        else {
            if ((*p == '\\' && style != TEXT) || (quoted && *p == '"')) {
                *out++ = '\\';
            }
            memcpy(out, p, len);
            out += len;
        }
        p += len;
    }
    if (quoted) {
        *out++ = '"';
    }
    *out = '\0';
    return safe;
}

const char *show_text(const char *text, apr_pool_t *pool)
{
    return make_safe(text, PLAIN, pool);
}

const char *show_quoted(const char *text, apr_pool_t *pool)
{
    return make_safe(text, QUOTED, pool);
}

const char *show_as_json(const char *text, apr_pool_t *pool)
{
    return text != NULL ? make_safe(text, JSON, pool) : "null";
}

const char *show_json_value(const json_value *value, apr_pool_t *pool)
{
    return value != NULL ? make_safe(json_text(value, pool), TEXT, pool) : "null";
}

const char *show_words(const char *const *words, size_t count, apr_pool_t *pool)
{
    const char *text = "";

    for (size_t i = 0; i < count; i++) {
        text =
            apr_pstrcat(pool, text, i > 0 ? ", " : "", show_quoted(words[i], pool), NULL);
    }
    return count > 0 ? text : "nothing";
}

/* What is neither string, array nor object: a number, true, false or null. */
static const char *show_scalar(const json_value *value, apr_pool_t *pool)
{
    const char *text = json_string(value);

    return text != NULL ? show_quoted(text, pool) : json_text(value, pool);
}

const char *show_value(const json_value *value, apr_pool_t *pool)
{
    bool object = json_is_object(value);
    const char *text;

    if (value == NULL) {
        return "nothing";
    }
    if (!object && !json_is_array(value)) {
        return show_scalar(value, pool);
    }
    text = object ? "{" : "[";
    for (const json_value *v = json_first(value); v != NULL; v = json_next(v)) {
        text = apr_pstrcat(pool, text, object ? show_quoted(json_name(v), pool) : "",
                           object ? ": " : "", show_value(v, pool),
                           json_next(v) != NULL ? ", " : "", NULL);
    }
    return apr_pstrcat(pool, text, object ? "}" : "]", NULL);
}

static void print_value(FILE *out, const json_value *value, unsigned indent,
                        apr_pool_t *pool)
{
    bool object = json_is_object(value);

    if (!object && !json_is_array(value)) {
        fputs(show_scalar(value, pool), out);
        return;
    }
    if (json_first(value) == NULL) {
        fputs(object ? "{}" : "[]", out);
        return;
    }
    fputs(object ? "{\n" : "[\n", out);
    for (const json_value *v = json_first(value); v != NULL; v = json_next(v)) {
        fprintf(out, "%*s", (int)indent + 2, "");
        if (object) {
            fprintf(out, "%s: ", show_quoted(json_name(v), pool));
        }
        print_value(out, v, indent + 2, pool); /* as deep as json_parse allows */
        fputs(json_next(v) != NULL ? ",\n" : "\n", out);
    }
    fprintf(out, "%*s%c", (int)indent, "", object ? '}' : ']');
}

void show_json(FILE *out, const json_value *value, unsigned indent, apr_pool_t *pool)
{
    fprintf(out, "%*s", (int)indent, "");
    print_value(out, value, indent, pool);
    fputc('\n', out);
}

const char *show_duration(double seconds, apr_pool_t *pool)
{
    static const struct {
        const char *name;
        int64_t seconds;
    } units[] = {{"d", 86400}, {"h", 3600}, {"min", 60}, {"s", 1}};
    const size_t last = sizeof(units) / sizeof(units[0]) - 1;
    int64_t left = (int64_t)floor(seconds);
    const char *text;
    size_t i = 0;

    while (i < last && left < units[i].seconds) {
        i++;
    }
    text = apr_psprintf(pool, "%" APR_INT64_T_FMT " %s",
                        (apr_int64_t)(left / units[i].seconds), units[i].name);
    left %= units[i].seconds;
    if (i == last || left < units[i + 1].seconds) {
        return text;
    }
    return apr_psprintf(pool, "%s %" APR_INT64_T_FMT " %s", text,
                        (apr_int64_t)(left / units[i + 1].seconds), units[i + 1].name);
}

const char *show_date(double seconds, apr_pool_t *pool)
{
    time_t whole = (time_t)floor(seconds);
    struct tm tm;

    if (gmtime_r(&whole, &tm) == NULL) {
        return "a time beyond the calendar";
    }
    return apr_psprintf(pool, "%04d-%02d-%02d %02d:%02d:%02d UTC", tm.tm_year + 1900,
                        tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

const char *show_time(double seconds, double now, apr_pool_t *pool)
{
    const char *date = show_date(seconds, pool);
    double difference = floor(seconds) - floor(now);

    if (difference > 0) {
        return apr_pstrcat(pool, date, ", in ", show_duration(difference, pool), NULL);
    }
    if (difference < 0) {
        return apr_pstrcat(pool, date, ", ", show_duration(-difference, pool), " ago",
                           NULL);
    }
    return apr_pstrcat(pool, date, ", now", NULL);
}

const char *show_form(enum reason reason)
{
    static const char *const sentences[REASON_COUNT] = {
        [REASON_TOKEN_TOO_LONG] = "a token may have 8192 characters at most",
        [REASON_TOKEN_OPAQUE] =
            "not a JWT, which has three parts with dots between them: Auth0 issues "
            "opaque tokens like this when no audience was requested, so let the client "
            "request the API's identifier as its audience",
        [REASON_TOKEN_ENCRYPTED] =
            "an encrypted token (JWE, five parts), which only its issuer can read: Auth0 "
            "issues such tokens when no audience was requested, so let the client "
            "request the API's identifier as its audience",
        [REASON_TOKEN_PART_EMPTY] =
            "header, payload or signature is empty; an unsigned token is never accepted",
        [REASON_BASE64URL_INVALID] =
            "a part is not base64url: a foreign character (white space, =, + and / "
            "included), a cut end, or unused bits that are not zero",
        [REASON_JSON_SYNTAX] = "header or payload is not JSON (RFC 8259)",
        [REASON_JSON_ENCODING] =
            "header or payload holds bytes that are not UTF-8, a lone "
            "surrogate, a NUL or a bare control character",
        [REASON_JSON_DUPLICATE_NAME] = "an object of header or payload has a name twice",
        [REASON_JSON_TOO_LARGE] =
            "header or payload is too deep, has too many values, or a "
            "number that is too large",
        [REASON_HEADER_TOO_LONG] = "the header may have 2048 bytes at most",
        [REASON_HEADER_MALFORMED] = "the header is JSON, but not an object",
        [REASON_ALGORITHM_UNKNOWN] =
            "the header's alg is missing or no signature algorithm "
            "known here; \"none\" is never accepted",
        [REASON_HEADER_UNSUPPORTED] =
            "the header has crit, b64 or zip, or a cty that means a nested token",
        [REASON_KID_MALFORMED] = "the header's kid is not a string of 1 to 256 bytes "
                                 "without control characters",
        [REASON_PAYLOAD_MALFORMED] = "the payload is JSON, but not an object",
    };

    return (unsigned)reason < REASON_COUNT ? sentences[reason] : NULL;
}
