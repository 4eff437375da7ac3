/**
 * @file base64url.h
 * base64url without padding (RFC 4648 section 5, RFC 7515 section 2), with one
 * encoding for each value: the decoder refuses everything the encoder would
 * not have written.
 */
#ifndef AUTH0_TOKEN_BASE64URL_H
#define AUTH0_TOKEN_BASE64URL_H

#include <stdbool.h>
#include <stddef.h>

/** Bytes that @a len characters decode to at most. */
#define BASE64URL_DECODED_MAX(len) ((len) / 4 * 3 + 2)

/** Characters that @a len bytes encode to, without a terminating NUL. */
#define BASE64URL_ENCODED_LENGTH(len) ((4 * (len) + 2) / 3)

/**
 * Decode strictly.
 *
 * @param out     room for BASE64URL_DECODED_MAX(len) bytes
 * @param outlen  set to the number of bytes written; 0 on failure
 * @param in      @a len characters, not terminated
 * @return false for a character outside the alphabet ('=', '+', '/' and white
 *         space among them), a length of 1 mod 4, or unused bits that are not 0
 */
bool base64url_decode(unsigned char *out, size_t *outlen, const char *in, size_t len);

/**
 * Encode @a len bytes.
 *
 * @param out  room for BASE64URL_ENCODED_LENGTH(len) + 1 characters, NUL-terminated
 */
void base64url_encode(char *out, const unsigned char *in, size_t len);

#endif
