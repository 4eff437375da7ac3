/**
 * @file fuzz.h
 * What the fuzzers share. Each fuzz_NAME.c defines LLVMFuzzerTestOneInput and
 * asserts more than that nothing crashes; libFuzzer calls it with inputs of its own
 * making, replay.c with those of corpus/NAME.
 */
#ifndef AUTH0_TESTS_FUZZ_FUZZ_H
#define AUTH0_TESTS_FUZZ_FUZZ_H

#include <apr_pools.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "token/json.h"
#include "token/jwa.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/** Assert a property; what does not hold is a finding, as a crash is. */
#define HOLDS(condition)                                                                 \
    do {                                                                                 \
        if (!(condition)) {                                                              \
            fuzz_fail(__FILE__, __LINE__, #condition);                                   \
        }                                                                                \
    } while (0)

_Noreturn void fuzz_fail(const char *file, int line, const char *condition);

/** The entry point of a fuzzer; always returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** Begin with one input: a pool for it, the random numbers from their start. */
apr_pool_t *fuzz_begin(void);

/** All memory of this pool, which is not that of fuzz_begin, is gone. */
void fuzz_forget(apr_pool_t *gone);

/** End it: the pool goes, and everything that exact_pool.h has handed out. */
void fuzz_end(void);

/** A copy of @a len bytes, with a NUL behind it; a byte further is out of bounds. */
char *fuzz_string(const void *bytes, size_t len);

/** Room for @a len bytes with nothing behind it. */
void *fuzz_room(size_t len);

/** A copy of @a len bytes with nothing behind it. */
char *fuzz_bytes(const void *bytes, size_t len);

struct part {
    const char *bytes;
    size_t len;
};

/** Split an input at the lines that are "--" alone; parts that are missing are empty. */
void fuzz_split(struct part *part, size_t count, const uint8_t *data, size_t size);

/** base64url of some bytes, NUL-terminated. */
char *fuzz_b64(const void *bytes, size_t len);

/** Does it hold a control character of ASCII or of C1? Written apart from json.c. */
bool fuzz_has_control(const char *text);

/** Are both the same JSON, white space and escapes aside? */
bool fuzz_json_equal(const json_value *a, const json_value *b);

/** The two keys of each kind: the issuer's, and a stranger's. */
enum whose { OURS, THEIRS, OWNERS };

/**
 * The key for an algorithm: always the same one, made when it is first asked for.
 * For HS* a secret of 64 bytes is in fuzz_secret instead.
 */
EVP_PKEY *fuzz_key(enum jwa_alg alg, enum whose whose);

const unsigned char *fuzz_secret(enum whose whose);
#define FUZZ_SECRET_LENGTH 64

/** The public members of a key as a JWK has them, without braces. */
const char *fuzz_jwk_members(enum jwa_alg alg, enum whose whose);

/**
 * A key document of an input, where @rsa, @p256, @p384, @p521 and @ed25519 stand for
 * the public members of the issuer's keys, and @their-rsa and so on for a stranger's.
 */
struct part fuzz_document(struct part text);

/** A signature of the input, as the algorithm asks for; @a signature has 1024 bytes. */
size_t fuzz_sign(unsigned char *signature, enum jwa_alg alg, enum whose whose,
                 const char *input, size_t len);

#endif
