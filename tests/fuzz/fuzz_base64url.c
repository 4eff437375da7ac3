/*
 * The input as text to decode, then as bytes to encode. Decoding accepts exactly what
 * encoding writes.
 */
#include <string.h>

#include "fuzz.h"
#include "token/base64url.h"

/* Worked out without a table and without looking at the decoder. */
static bool is_canonical(const char *text, size_t len)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    size_t last = 0;

    for (size_t i = 0; i < len; i++) {
        const char *found = text[i] != '\0' ? strchr(alphabet, text[i]) : NULL;

        if (found == NULL) {
            return false;
        }
        last = (size_t)(found - alphabet);
    }
    return len % 4 == 0 || (len % 4 == 2 && last % 16 == 0) ||
           (len % 4 == 3 && last % 4 == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned char *bytes;
    size_t len = 1;
    char *text;

    fuzz_begin();
    bytes = fuzz_room(BASE64URL_DECODED_MAX(size));
    text = fuzz_bytes(data, size);
    if (base64url_decode(bytes, &len, text, size)) {
        HOLDS(is_canonical(text, size));
        HOLDS(len == size * 3 / 4 && len <= BASE64URL_DECODED_MAX(size));
        HOLDS(BASE64URL_ENCODED_LENGTH(len) == size);
        HOLDS(memcmp(fuzz_b64(bytes, len), data, size) == 0);
    }
    else {
        HOLDS(!is_canonical(text, size));
        HOLDS(len == 0);
    }

    text = fuzz_b64(data, size);
    HOLDS(strlen(text) == BASE64URL_ENCODED_LENGTH(size));
    HOLDS(is_canonical(text, strlen(text)));
    bytes = fuzz_room(BASE64URL_DECODED_MAX(strlen(text)));
    HOLDS(base64url_decode(bytes, &len, text, strlen(text)));
    HOLDS(len == size && (size == 0 || memcmp(bytes, data, size) == 0));
    fuzz_end();
    return 0;
}
