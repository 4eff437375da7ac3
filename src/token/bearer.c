#include "token/bearer.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#define SCHEME "Bearer"
#define SCHEME_LENGTH (sizeof(SCHEME) - 1)

/* tchar of RFC 9110 5.6.2: what a scheme's name is made of. */
static int is_tchar(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static int is_token_byte(char c)
{
    return c > 0x20 && c < 0x7f && c != '"' && c != ',';
}

/* For eight bytes at a time: this byte in each of them. */
#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))
#define HAS_ZERO(v) (((v)-EACH(0x01)) & ~(v)&EACH(0x80))

/* May one of these bytes be none of a token? Never misses one. */
static bool may_be_none(uint64_t v)
{
    return ((((v)-EACH(0x21)) & ~(v)) | (v) | HAS_ZERO(v ^ EACH(0x7f)) |
            HAS_ZERO(v ^ EACH('"')) | HAS_ZERO(v ^ EACH(','))) &
           EACH(0x80);
}

bool bearer_is_token(const char *text, size_t len)
{
    size_t i = 0;

    /* Tokens are long, and this runs for each request. */
    for (uint64_t v; i + sizeof(v) <= len; i += sizeof(v)) {
        memcpy(&v, text + i, sizeof(v));
        if (may_be_none(v)) {
            break;
        }
    }
    for (; i < len; i++) {
        if (!is_token_byte(text[i])) {
            return false;
        }
    }
    return len > 0;
}

enum reason bearer_token(const char **token, size_t *len, const char *authorization)
{
    size_t scheme = 0;
    const char *start;
    const char *end;

    *token = NULL;
    *len = 0;
    if (authorization == NULL) {
        return REASON_NO_CREDENTIALS;
    }
    while (is_tchar(authorization[scheme])) {
        scheme++;
    }
    if (scheme != SCHEME_LENGTH || strncasecmp(authorization, SCHEME, scheme) != 0) {
        return REASON_NO_CREDENTIALS;
    }

    start = authorization + scheme;
    if (*start != ' ') {
        return REASON_AUTHORIZATION_MALFORMED;
    }
    while (*start == ' ') {
        start++;
    }
    end = start + strlen(start);
    while (end > start && end[-1] == ' ') {
        end--;
    }
    if (!bearer_is_token(start, (size_t)(end - start))) {
        return REASON_AUTHORIZATION_MALFORMED;
    }

    *token = start;
    *len = (size_t)(end - start);
    return REASON_OK;
}
