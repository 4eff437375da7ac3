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

/* Tokens are long, and this runs for each request: so sixteen bytes at a time. */
typedef uint8_t block __attribute__((vector_size(16)));

/* Blocks of all zeros, and of ones where a byte is none of a token. */
static block bytes_of_no_token(block bytes)
{
    return (block)(bytes <= 0x20) | (block)(bytes >= 0x7f) | (block)(bytes == '"') |
           (block)(bytes == ',');
}

static bool is_zero(block bits)
{
    uint64_t halves[2];

    memcpy(halves, &bits, sizeof(halves));
    return (halves[0] | halves[1]) == 0;
}

bool bearer_is_token(const char *text, size_t len)
{
    block found = {0};
    size_t i = 0;

    for (block bytes; i + sizeof(bytes) <= len; i += sizeof(bytes)) {
        memcpy(&bytes, text + i, sizeof(bytes));
        found |= bytes_of_no_token(bytes);
    }
    for (; i < len; i++) {
        if (!is_token_byte(text[i])) {
            return false;
        }
    }
    return len > 0 && is_zero(found);
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
