/**
 * @file support.h
 * What the unit tests share: a pool for each test, keys made when the program
 * starts, the smallest writer of tokens and key documents that can also write wrong
 * ones, and the way of a token through src/token.
 */
#ifndef AUTH0_TESTS_UNIT_SUPPORT_H
#define AUTH0_TESTS_UNIT_SUPPORT_H

#include <apr_pools.h>
#include <apr_time.h>
#include <check.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>

#include "token/jwa.h"
#include "token/jwk.h"
#include "token/jws.h"
#include "token/jwt.h"
#include "token/reason.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/** A literal's bytes and their number, NULs within it included. */
#define BYTES(literal) literal, sizeof(literal) - 1

/** Run a test once for each row of a table; _i is the row. */
#define ADD_TABLE(tcase, test, table)                                                    \
    tcase_add_loop_test(tcase, test, 0, (int)COUNT(table))

/** Assert the exact reason; @a story says in which case. */
#define ASSERT_REASON(expression, expected, story)                                       \
    do {                                                                                 \
        enum reason got_ = (expression);                                                 \
        ck_assert_msg(got_ == (expected), "%.300s: %s, expected %s", story,              \
                      reason_name(got_), reason_name(expected));                         \
    } while (0)

/**
 * Like ck_assert_msg, for loops of a million rounds: Check notes every assertion
 * that holds in a file.
 */
#define EXPECT(condition, ...)                                                           \
    do {                                                                                 \
        if (!(condition)) {                                                              \
            ck_abort_msg(__VA_ARGS__);                                                   \
        }                                                                                \
    } while (0)

/** The pool of the test that is running; cleared away after it. */
extern apr_pool_t *pool;

/** A test case whose tests each have a pool of their own. */
TCase *support_tcase(Suite *suite, const char *name);

/** Run a suite, free it and the keys; the program's exit status. */
int support_run(Suite *suite);

/** @a text with each ' as ", so that JSON in C can be read. */
const char *json_of(const char *text);

/** @a times copies of @a text. */
const char *repeated(const char *text, size_t times);

/** A copy on the heap with nothing behind it, where ASan sees a read too far. */
const char *exact(const char *bytes, size_t len);

/** base64url of some bytes. */
const char *b64(const void *bytes, size_t len);

/** The two keys of each kind: the issuer's, and a stranger's. */
enum whose { OURS, THEIRS };

/** Make the keys; before support_run, so that every test finds them. */
void keys_make(void);

/** The key pair for an algorithm other than HS*. */
EVP_PKEY *key_of(enum jwa_alg alg, enum whose whose);

#define SECRET_LENGTH 64

/** The SECRET_LENGTH bytes for HS*. */
const unsigned char *secret_of(enum whose whose);

/** A number of the key (OSSL_PKEY_PARAM_...); the caller frees it. */
BIGNUM *key_number(EVP_PKEY *key, const char *param);

/** A public JWK with @a more members, each with a comma before it: ",'kid':'a'". */
const char *jwk_of(EVP_PKEY *key, const char *more);

/** The same of numbers that need not be a key's. */
const char *jwk_of_rsa(const BIGNUM *n, const BIGNUM *e, const char *more);

/** {"keys":[...]} of JWKs, the last followed by NULL. */
const char *jwks_text(const char *jwk, ...) __attribute__((sentinel));

/** The same as a set, which the pool destroys; all its keys must be usable. */
const struct jwks *jwks_of(const char *text);

/** A set of the issuer's keys, one for each kind, with the kids of kid_of. */
const struct jwks *our_jwks(void);

/** Encodings of points of small order: 7 values of y with either sign of x. */
#define LOW_ORDER_COUNT 14

/** Work them out: y of order 1, 2, 4 and 8, and 0 and 1 once more plus the prime. */
void ed25519_low_order(unsigned char points[LOW_ORDER_COUNT][32]);

/** "rsa", "p256", "p384", "p521" or "ed25519". */
const char *kid_of(enum jwa_alg alg);

#define SIGNATURE_MAX 1024

/** Sign as @a alg asks for; the signature's length. */
size_t sign(unsigned char signature[SIGNATURE_MAX], enum jwa_alg alg, EVP_PKEY *key,
            const char *input);

/** The code of HS* with any key. */
size_t sign_hmac(unsigned char code[SIGNATURE_MAX], enum jwa_alg alg, const void *key,
                 size_t key_len, const char *input);

/** header.payload, encoded. */
const char *signing_input(const char *header, const char *payload);

/** header.payload.signature */
const char *with_signature(const char *input, const unsigned char *signature, size_t len);

/** A token of this header and payload, signed with that owner's key or secret. */
const char *token_of(enum jwa_alg alg, enum whose whose, const char *header,
                     const char *payload);

/** {"alg":alg,"kid":kid_of(alg)}; no kid for HS*. */
const char *header_of(enum jwa_alg alg);

/** A payload for tests that look at the signature alone. */
#define ANY_CLAIMS "{\"sub\":\"a\"}"

/** A token taken apart, which must work. */
struct jws jws_of(const char *token);

/** The issuer's key for an algorithm other than HS*, as published. */
const struct jwk *our_key(enum jwa_alg alg);

/** What a signature is held to: a key, or a secret where the key is NULL. */
struct verifier {
    const struct jwk *key;
    const struct secret *secret;
};

/** Is a token's signature good? It must have a sound form. */
enum reason verify_by(struct verifier verifier, const char *token);

/** The same by a key. */
enum reason verify(const char *token, const struct jwk *key);

/** The time, in seconds, at which a good token is judged. */
#define TODAY 1700000000
#define ISSUER "https://tenant.us.auth0.com/"
#define AUDIENCE "https://api.example.com"

/**
 * A good token's claims with ' for ", each alone so that a test can leave it out or
 * change it.
 */
#define ISS "'iss':'" ISSUER "',"
#define AUD "'aud':'" AUDIENCE "',"
#define EXP "'exp':1700003600,"
#define SUB "'sub':'auth0|user'"
#define CLAIMS "{" ISS AUD EXP SUB "}"

/** What accepts a good token of RS256 or ES256 for AUDIENCE or another. */
extern const struct jwt_policy policy;

/**
 * A token of these claims, with ' for ", that the issuer signed: as ES256, for where
 * the algorithm does not matter, since it signs faster than RSA.
 */
const char *token_with(const char *claims);

/** A whole verification, in the steps that authentication takes. */
enum reason judge(const char **user, const char *token, size_t len,
                  const struct jwks *jwks, const struct jwt_policy *by, apr_time_t now);

/** The same with the issuer's keys and the policy, at TODAY. */
enum reason verdict_of(const char *token);

/** The claims of a token that the issuer signed, whatever they are. */
const struct jwt_claims *claims_of(const char *token);

/** jwt_check, for those who do not ask for the user. */
enum reason check(const struct jwt_claims *claims, const struct jwt_policy *by,
                  apr_time_t now);

#endif
