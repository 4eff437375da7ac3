/*
 * The input as the value of an Authorization header field, as httpd has it: without
 * NUL. What comes out as a token is what the grammar of RFC 6750 2.1 leaves.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "fuzz.h"
#include "token/bearer.h"

static bool can_be_token(const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (!isgraph((unsigned char)bytes[i]) || strchr("\",", bytes[i]) != NULL) {
            return false;
        }
    }
    return len > 0;
}

/* Is the scheme Bearer, that is, not a longer or another name? */
static bool is_bearer(const char *value)
{
    return strncasecmp(value, "bearer", 6) == 0 &&
           (value[6] == '\0' || (!isalnum((unsigned char)value[6]) &&
                                 strchr("!#$%&'*+-.^_`|~", value[6]) == NULL));
}

static void check_value(const char *value)
{
    const char *token = value;
    size_t len = 1;
    enum reason reason = bearer_token(&token, &len, value);
    const char *rest = value + 6;
    size_t rest_len;

    HOLDS((reason == REASON_NO_CREDENTIALS) == !is_bearer(value));
    HOLDS((reason == REASON_OK) == (token != NULL) && (token != NULL) == (len > 0));
    if (reason == REASON_NO_CREDENTIALS) {
        return;
    }
    rest += strspn(rest, " ");
    rest_len = strlen(rest);
    while (rest_len > 0 && rest[rest_len - 1] == ' ') {
        rest_len--;
    }
    if (reason == REASON_OK) {
        HOLDS(value[6] == ' ' && token == rest && len == rest_len);
        HOLDS(can_be_token(token, len));
    }
    else {
        HOLDS(reason == REASON_AUTHORIZATION_MALFORMED);
        HOLDS(value[6] != ' ' || !can_be_token(rest, rest_len));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text;
    char *value;

    fuzz_begin();
    text = fuzz_string(data, size);
    check_value(text);
    /* Most inputs are of another scheme: take them as what follows it, too. */
    value = fuzz_room(strlen(text) + sizeof("Bearer"));
    strcpy(value, "Bearer");
    strcat(value, text);
    check_value(value);
    fuzz_end();
    return 0;
}
