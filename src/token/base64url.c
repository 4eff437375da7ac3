#include "token/base64url.h"

#include <stdint.h>

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* Value of a character plus one; 0 for what is not in the alphabet. */
/* clang-format off */
static const unsigned char value_plus_1[256] = {
    ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,
    ['H'] = 8,  ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14,
    ['O'] = 15, ['P'] = 16, ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21,
    ['V'] = 22, ['W'] = 23, ['X'] = 24, ['Y'] = 25, ['Z'] = 26,
    ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32, ['g'] = 33,
    ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
    ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47,
    ['v'] = 48, ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52,
    ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56, ['4'] = 57, ['5'] = 58, ['6'] = 59,
    ['7'] = 60, ['8'] = 61, ['9'] = 62, ['-'] = 63, ['_'] = 64,
};
/* clang-format on */

/* Whole groups of four: most of any text. Says how many characters it took. */
static size_t decode_groups(unsigned char *out, const unsigned char *in, size_t len)
{
    size_t i = 0;

    for (; i + 4 <= len; i += 4) {
        /* One less than the value plus 1: what is not in the alphabet sets high bits. */
        uint32_t a = value_plus_1[in[i]] - UINT32_C(1);
        uint32_t b = value_plus_1[in[i + 1]] - UINT32_C(1);
        uint32_t c = value_plus_1[in[i + 2]] - UINT32_C(1);
        uint32_t d = value_plus_1[in[i + 3]] - UINT32_C(1);
        uint32_t bits = a << 18 | b << 12 | c << 6 | d;

        if ((a | b | c | d) > 63) {
            break;
        }
        *out++ = (unsigned char)(bits >> 16);
        *out++ = (unsigned char)(bits >> 8);
        *out++ = (unsigned char)bits;
    }
    return i;
}

bool base64url_decode(unsigned char *out, size_t *outlen, const char *in, size_t len)
{
    size_t taken;
    size_t n;
    uint32_t bits = 0;
    unsigned held = 0; /* bits not yet written: 0, 2, 4 or 6 */

    *outlen = 0;
    if (len % 4 == 1) {
        return false;
    }
    taken = decode_groups(out, (const unsigned char *)in, len);
    n = taken / 4 * 3;
    for (size_t i = taken; i < len; i++) {
        unsigned value = value_plus_1[(unsigned char)in[i]];

        if (value == 0) {
            return false;
        }
        bits = (bits << 6) | (value - 1);
        held += 6;
        if (held >= 8) {
            held -= 8;
            out[n++] = (unsigned char)(bits >> held);
        }
    }
    if ((bits & ((1u << held) - 1)) != 0) {
        return false;
    }
    *outlen = n;
    return true;
}

void base64url_encode(char *out, const unsigned char *in, size_t len)
{
    uint32_t bits = 0;
    unsigned held = 0;

    for (size_t i = 0; i < len; i++) {
        bits = (bits << 8) | in[i];
        held += 8;
        while (held >= 6) {
            held -= 6;
            *out++ = alphabet[(bits >> held) & 0x3f];
        }
    }
    if (held > 0) {
        *out++ = alphabet[(bits << (6 - held)) & 0x3f];
    }
    *out = '\0';
}
