#include "token.h"

#include <apr_strings.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "files.h"
#include "token/base64url.h"
#include "token/jws.h"

/* Of a token's source no more than this is read: what is longer is not a token. */
#define INPUT_MAX (8 * JWS_MAX_LENGTH)

#define SCHEME "Bearer"

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static void trim(const char **text, size_t *size)
{
    while (*size > 0 && is_space(**text)) {
        (*text)++;
        (*size)--;
    }
    while (*size > 0 && is_space((*text)[*size - 1])) {
        (*size)--;
    }
}

static enum status read_standard_input(const char **text, size_t *size,
                                       const struct arguments *arguments,
                                       apr_pool_t *pool)
{
    char *input = apr_palloc(pool, INPUT_MAX + 1);
    ssize_t n;

    if (isatty(STDIN_FILENO)) {
        fputs("Paste the token, then press Enter and Ctrl-D.\n", stderr);
    }
    n = file_read_up_to(STDIN_FILENO, input, INPUT_MAX);
    if (n < 0) {
        return complain(arguments, STATUS_UNAVAILABLE, "cannot read standard input: %s",
                        strerror(errno));
    }
    input[n] = '\0';
    *text = input;
    *size = (size_t)n;
    return STATUS_DONE;
}

static void take_scheme_off(const char **text, size_t *size)
{
    size_t len = strlen(SCHEME);

    if (*size >= len && strncasecmp(*text, SCHEME, len) == 0 &&
        (*size == len || is_space((*text)[len]))) {
        *text += len;
        *size -= len;
        trim(text, size);
    }
}

enum status token_read_from(const char **token, size_t *len, const char *text,
                            const char *file, const struct arguments *arguments,
                            apr_pool_t *pool)
{
    size_t size = text != NULL ? strlen(text) : 0;
    enum status status = STATUS_DONE;

    if (text != NULL && file != NULL) {
        return complain(arguments, STATUS_USAGE,
                        "the token comes from --token-file or as an argument, not both");
    }
    if (file != NULL) {
        const char *why = file_read(&text, &size, file, INPUT_MAX, pool);

        if (why != NULL) {
            return complain(arguments, STATUS_UNAVAILABLE, "%s", why);
        }
    }
    else if (text == NULL || strcmp(text, "-") == 0) {
        status = read_standard_input(&text, &size, arguments, pool);
    }
    if (status != STATUS_DONE) {
        return status;
    }
    trim(&text, &size);
    take_scheme_off(&text, &size);
    if (size == 0) {
        return complain(arguments, STATUS_USAGE,
                        "no token: it comes on standard input, from --token-file, or as "
                        "an argument");
    }
    *token = apr_pstrmemdup(pool, text, size);
    *len = size;
    return STATUS_DONE;
}

enum status token_read(const char **token, size_t *len, const struct arguments *arguments,
                       apr_pool_t *pool)
{
    return token_read_from(token, len, arguments->operand,
                           option_value(arguments, "token-file"), arguments, pool);
}

static enum reason read_part(const json_value **value, const struct token_part *part,
                             apr_pool_t *pool)
{
    static const struct json_limits limits = JSON_LIMITS_DEFAULT;
    unsigned char *bytes = apr_palloc(pool, BASE64URL_DECODED_MAX(part->len));
    size_t len;

    *value = NULL;
    if (part->len == 0) {
        return REASON_TOKEN_PART_EMPTY;
    }
    if (!base64url_decode(bytes, &len, part->text, part->len)) {
        return REASON_BASE64URL_INVALID;
    }
    return json_parse(value, (const char *)bytes, len, &limits, pool);
}

static unsigned split(struct token_part *parts, const char *token, size_t len)
{
    const char *end = token + len;
    unsigned n = 0;

    for (;;) {
        const char *dot = memchr(token, '.', (size_t)(end - token));

        if (n == TOKEN_PARTS_MAX) {
            return TOKEN_PARTS_MAX + 1;
        }
        parts[n].text = token;
        parts[n].len = (size_t)((dot != NULL ? dot : end) - token);
        n++;
        if (dot == NULL) {
            return n;
        }
        token = dot + 1;
    }
}

void token_split(struct token_parts *parts, const char *token, size_t len,
                 apr_pool_t *pool)
{
    memset(parts, 0, sizeof(*parts));
    parts->count = split(parts->parts, token, len);
    if (parts->count == 3 || parts->count == TOKEN_PARTS_MAX) {
        parts->header_problem = read_part(&parts->header, &parts->parts[0], pool);
    }
    if (parts->count == 3) {
        parts->claims_problem = read_part(&parts->claims, &parts->parts[1], pool);
    }
}
