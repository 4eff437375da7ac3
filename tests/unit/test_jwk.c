#include "token/jwk.h"

#include <apr_strings.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"
#include "token/jwk_key.h"

#define RSA_ALGORITHMS                                                                   \
    (JWA_BIT(JWA_RS256) | JWA_BIT(JWA_RS384) | JWA_BIT(JWA_RS512) | JWA_BIT(JWA_PS256) | \
     JWA_BIT(JWA_PS384) | JWA_BIT(JWA_PS512))

static EVP_PKEY *rsa(enum whose whose)
{
    return key_of(JWA_RS256, whose);
}

static EVP_PKEY *p256(enum whose whose)
{
    return key_of(JWA_ES256, whose);
}

static apr_status_t jwks_cleanup(void *jwks)
{
    jwks_destroy(jwks);
    return APR_SUCCESS;
}

/* Read a document; the set, if there is one, goes with the pool. */
static enum reason parse(struct jwks **jwks, const char *text, size_t len)
{
    enum reason reason = jwks_parse(jwks, exact(text, len), len, pool);

    apr_pool_cleanup_register(pool, *jwks, jwks_cleanup, apr_pool_cleanup_null);
    ck_assert((*jwks != NULL) ==
              (reason == REASON_OK || reason == REASON_JWKS_NO_USABLE_KEY));
    ck_assert_uint_eq(ERR_peek_error(), 0);
    return reason;
}

static enum reason verdict(const char *text)
{
    struct jwks *jwks;

    return parse(&jwks, text, strlen(text));
}

/*
 * Assert why the set skips this key; NULL when it must not. A sound key stands
 * beside it, which must work either way (C7).
 */
static void assert_skipped(const char *jwk, const char *expected, const char *story)
{
    const char *text = jwks_text(jwk, jwk_of(p256(THEIRS), ",'kid':'sound'"), NULL);
    const struct jwk *sound;
    struct jwks *jwks;

    ASSERT_REASON(parse(&jwks, text, strlen(text)), REASON_OK, story);
    ASSERT_REASON(jwks_find(&sound, jwks, "sound", JWA_ES256), REASON_OK, story);
    ck_assert_uint_eq(jwks->count + jwks->skipped_count, 2);
    if (jwks->skipped_count == 0) {
        ck_assert_msg(expected == NULL, "%s: not skipped", story);
        return;
    }
    ck_assert_uint_eq(jwks->skipped[0].position, 0);
    ck_assert_msg(expected != NULL && strcmp(jwks->skipped[0].why, expected) == 0,
                  "%s: %s", story, jwks->skipped[0].why);
}

/* ---- documents ---------------------------------------------------------------- */

static const struct {
    const char *story;
    const char *text;
    size_t len;
    enum reason reason;
} documents[] = {
    {"nothing", BYTES(""), REASON_JSON_SYNTAX},
    {"a page", BYTES("<!DOCTYPE html><title>Hello</title>"), REASON_JSON_SYNTAX},
    {"a byte order mark", BYTES("\xef\xbb\xbf{\"keys\":[]}"), REASON_JSON_SYNTAX},
    {"trailing bytes", BYTES("{\"keys\":[]}x"), REASON_JSON_SYNTAX},
    {"a trailing NUL", BYTES("{\"keys\":[]}\0"), REASON_JSON_SYNTAX},
    {"cut short", BYTES("{\"keys\":[{\"kty\":\"RSA\""), REASON_JSON_SYNTAX},
    {"NUL in a kid", BYTES("{\"keys\":[{\"kid\":\"a\\u0000\"}]}"), REASON_JSON_ENCODING},
    {"not UTF-8", BYTES("{\"keys\":[{\"kid\":\"\xff\"}]}"), REASON_JSON_ENCODING},
    {"keys twice", BYTES("{\"keys\":[],\"keys\":[]}"), REASON_JSON_DUPLICATE_NAME},
    {"n twice", BYTES("{\"keys\":[{\"n\":\"\",\"\\u006e\":\"\"}]}"),
     REASON_JSON_DUPLICATE_NAME},
    {"no object", BYTES("[]"), REASON_JWKS_MALFORMED},
    {"null", BYTES("null"), REASON_JWKS_MALFORMED},
    {"keys absent", BYTES("{}"), REASON_JWKS_MALFORMED},
    {"Keys", BYTES("{\"Keys\":[]}"), REASON_JWKS_MALFORMED},
    {"keys null", BYTES("{\"keys\":null}"), REASON_JWKS_MALFORMED},
    {"keys a string", BYTES("{\"keys\":\"\"}"), REASON_JWKS_MALFORMED},
    {"keys an object", BYTES("{\"keys\":{}}"), REASON_JWKS_MALFORMED},
    {"a number for a key", BYTES("{\"keys\":[1]}"), REASON_JWKS_MALFORMED},
    {"null for a key", BYTES("{\"keys\":[null]}"), REASON_JWKS_MALFORMED},
    {"an array for a key", BYTES("{\"keys\":[[]]}"), REASON_JWKS_MALFORMED},
    {"a key alone", BYTES("{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"\"}"),
     REASON_JWKS_MALFORMED},
    {"no key", BYTES("{\"keys\":[]}"), REASON_JWKS_NO_USABLE_KEY},
    {"an empty key", BYTES("{\"keys\":[{}]}"), REASON_JWKS_NO_USABLE_KEY},
    {"a symmetric key alone", BYTES("{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\"}]}"),
     REASON_JWKS_NO_USABLE_KEY},
};

START_TEST(refuses_a_document_that_is_no_key_set)
{
    struct jwks *jwks;

    ASSERT_REASON(parse(&jwks, documents[_i].text, documents[_i].len),
                  documents[_i].reason, documents[_i].story);
}
END_TEST

START_TEST(accepts_unknown_members_of_set_and_key)
{
    const char *jwk = jwk_of(rsa(OURS), ",'x5t':'a','x5c':['b'],'ext':true,'new':{}");
    const char *text = apr_psprintf(pool, "{\"a\":1,\"keys\":[%s],\"b\":[]}", jwk);

    ASSERT_REASON(verdict(text), REASON_OK, "unknown members");
}
END_TEST

/* White space to the limit: the document itself is small. */
START_TEST(accepts_a_document_of_128_kib_and_no_more)
{
    const char *text = jwks_text(jwk_of(rsa(OURS), ""), NULL);
    const char *space = repeated(" ", JWKS_DOCUMENT_MAX - strlen(text));

    ck_assert_int_eq(JWKS_DOCUMENT_MAX, 131072);
    text = apr_pstrcat(pool, text, space, NULL);
    ASSERT_REASON(verdict(text), REASON_OK, "128 KiB");
    ASSERT_REASON(verdict(apr_pstrcat(pool, text, " ", NULL)), REASON_JWKS_TOO_LARGE,
                  "one byte more");
}
END_TEST

static const char *many_keys(unsigned count)
{
    const char *text = "{\"keys\":[";

    for (unsigned i = 0; i < count; i++) {
        text =
            apr_pstrcat(pool, text, i > 0 ? "," : "",
                        jwk_of(p256(OURS), apr_psprintf(pool, ",'kid':'k%u'", i)), NULL);
    }
    return apr_pstrcat(pool, text, "]}", NULL);
}

START_TEST(accepts_64_keys_and_no_more)
{
    const struct jwks *jwks = jwks_of(many_keys(64));
    const struct jwk *key;

    ck_assert_uint_eq(jwks->count, 64);
    for (unsigned i = 0; i < 64; i++) {
        const char *kid = apr_psprintf(pool, "k%u", i);

        ASSERT_REASON(jwks_find(&key, jwks, kid, JWA_ES256), REASON_OK, kid);
        ck_assert_str_eq(key->kid, kid);
    }
    ASSERT_REASON(jwks_find(&key, jwks, "k64", JWA_ES256), REASON_KEY_UNKNOWN, "k64");
    ASSERT_REASON(verdict(many_keys(65)), REASON_JWKS_TOO_LARGE, "65 keys");
}
END_TEST

START_TEST(skips_64_keys_and_says_why)
{
    const char *text =
        apr_psprintf(pool, "{\"keys\":[{\"kid\":\"first\"}%s]}", repeated(",{}", 63));
    struct jwks *jwks;

    ASSERT_REASON(parse(&jwks, text, strlen(text)), REASON_JWKS_NO_USABLE_KEY, text);
    ck_assert_uint_eq(jwks->count, 0);
    ck_assert_uint_eq(jwks->skipped_count, 64);
    ck_assert_str_eq(jwks->skipped[0].kid, "first");
    ck_assert_ptr_null(jwks->skipped[63].kid);
    ck_assert_uint_eq(jwks->skipped[63].position, 63);
    ck_assert_str_eq(jwks->skipped[63].why, "kty missing or not a string");
}
END_TEST

/* C4: whoever publishes a private key must notice. */
static const char *const private_members[] = {"d", "p", "q", "dp", "dq", "qi", "oth"};

START_TEST(refuses_a_document_with_a_private_key)
{
    const char *name = private_members[_i];
    const char *sound = jwk_of(p256(THEIRS), ",'kid':'sound'");
    const char *more = apr_psprintf(pool, ",'%s':'AQAB'", name);
    const char *null = apr_psprintf(pool, ",'%s':null", name);

    ASSERT_REASON(verdict(jwks_text(sound, jwk_of(rsa(OURS), more), NULL)),
                  REASON_JWKS_PRIVATE_KEY, name);
    ASSERT_REASON(verdict(jwks_text(sound, jwk_of(rsa(OURS), null), NULL)),
                  REASON_JWKS_PRIVATE_KEY, null);
    ASSERT_REASON(verdict(jwks_text(sound, jwk_of(rsa(OURS), ""), NULL)), REASON_OK,
                  "without it");
}
END_TEST

START_TEST(refuses_a_private_key_of_any_kind)
{
    for (enum jwa_alg alg = 0; alg < JWA_HS256; alg++) {
        EVP_PKEY *key = key_of(alg, OURS);

        ASSERT_REASON(verdict(jwks_text(jwk_of(key, ",'d':'AQAB'"), NULL)),
                      REASON_JWKS_PRIVATE_KEY, jwa_get(alg)->name);
        /* A broken key, or one for something else, is no less private. */
        ASSERT_REASON(verdict(jwks_text(jwk_of(key, ",'d':'AQAB','use':'enc'"), NULL)),
                      REASON_JWKS_PRIVATE_KEY, jwa_get(alg)->name);
    }
    ASSERT_REASON(verdict("{\"keys\":[{\"kty\":\"EC\",\"d\":\"AQAB\"}]}"),
                  REASON_JWKS_PRIVATE_KEY, "a private key that is broken");
    /* C3: a symmetric key is left out whole, whatever it brings. */
    ASSERT_REASON(
        verdict(jwks_text(jwk_of(rsa(OURS), ""),
                          json_of("{'kty':'oct','k':'AQAB','d':'AQAB'}"), NULL)),
        REASON_OK, "a symmetric key");
}
END_TEST

START_TEST(keeps_nothing_of_the_text_nor_of_the_scratch_pool)
{
    const char *text =
        jwks_text(jwk_of(rsa(OURS), ",'kid':'mine'"), "{\"kid\":\"x\"}", NULL);
    char *copy = strdup(text);
    apr_pool_t *scratch;
    struct jwks *jwks;
    const struct jwk *key;

    ck_assert_int_eq(apr_pool_create(&scratch, pool), APR_SUCCESS);
    ASSERT_REASON(jwks_parse(&jwks, copy, strlen(copy), scratch), REASON_OK, text);
    memset(copy, 'x', strlen(copy));
    free(copy);
    apr_pool_destroy(scratch);
    ASSERT_REASON(jwks_find(&key, jwks, "mine", JWA_RS256), REASON_OK, "mine");
    ck_assert_int_eq(EVP_PKEY_eq(key->pkey, rsa(OURS)), 1);
    ck_assert_str_eq(jwks->skipped[0].kid, "x");
    jwks_destroy(jwks);
}
END_TEST

START_TEST(destroying_nothing_is_fine)
{
    jwks_destroy(NULL);
}
END_TEST

/* ---- the members of every key ------------------------------------------------- */

#define USE "use is not sig"
#define KEY_OPS "key_ops lacks verify"
#define KEY_OPS_MORE "key_ops has more than sign and verify, each once"
#define KEY_OPS_NO_ARRAY "key_ops not an array"
#define ALG "alg not supported"
#define CONTRADICTS "alg contradicts the kind of key"
#define KID "kid not a string, empty, too long or with control characters"

/* C5, C9: what an RSA key may be for. */
static const struct {
    const char *more;
    const char *why;
    unsigned algorithms;
} purposes[] = {
    {"", NULL, RSA_ALGORITHMS},
    {",'use':'sig'", NULL, RSA_ALGORITHMS},
    {",'use':'enc'", USE, 0},
    {",'use':''", USE, 0},
    {",'use':'SIG'", USE, 0},
    {",'use':'sig '", USE, 0},
    {",'use':null", USE, 0},
    {",'use':1", USE, 0},
    {",'use':['sig']", USE, 0},
    {",'key_ops':['verify']", NULL, RSA_ALGORITHMS},
    {",'key_ops':['sign','verify']", NULL, RSA_ALGORITHMS},
    {",'key_ops':['sign']", KEY_OPS, 0},
    {",'key_ops':['verify','sign']", NULL, RSA_ALGORITHMS},
    {",'key_ops':[]", KEY_OPS, 0},
    {",'key_ops':['encrypt','wrapKey']", KEY_OPS_MORE, 0},
    {",'key_ops':['verify','encrypt']", KEY_OPS_MORE, 0},
    {",'key_ops':['encrypt','verify']", KEY_OPS_MORE, 0},
    {",'key_ops':['verify','verify']", KEY_OPS_MORE, 0},
    {",'key_ops':['sign','verify','sign']", KEY_OPS_MORE, 0},
    {",'key_ops':['VERIFY']", KEY_OPS_MORE, 0},
    {",'key_ops':['verify','']", KEY_OPS_MORE, 0},
    {",'key_ops':['verify',null]", KEY_OPS_MORE, 0},
    {",'key_ops':[1,'verify']", KEY_OPS_MORE, 0},
    {",'key_ops':[['verify']]", KEY_OPS_MORE, 0},
    {",'key_ops':'verify'", KEY_OPS_NO_ARRAY, 0},
    {",'key_ops':{'a':'verify'}", KEY_OPS_NO_ARRAY, 0},
    {",'key_ops':null", KEY_OPS_NO_ARRAY, 0},
    {",'use':'sig','key_ops':['verify']", NULL, RSA_ALGORITHMS},
    {",'use':'enc','key_ops':['verify']", USE, 0},
    {",'use':'sig','key_ops':['sign']", KEY_OPS, 0},
    {",'use':'sig','key_ops':['verify','wrapKey']", KEY_OPS_MORE, 0},
    {",'alg':'RS256'", NULL, JWA_BIT(JWA_RS256)},
    {",'alg':'RS384'", NULL, JWA_BIT(JWA_RS384)},
    {",'alg':'RS512'", NULL, JWA_BIT(JWA_RS512)},
    {",'alg':'PS256'", NULL, JWA_BIT(JWA_PS256)},
    {",'alg':'PS384'", NULL, JWA_BIT(JWA_PS384)},
    {",'alg':'PS512'", NULL, JWA_BIT(JWA_PS512)},
    {",'alg':'ES256'", CONTRADICTS, 0},
    {",'alg':'EdDSA'", CONTRADICTS, 0},
    {",'alg':'HS256'", CONTRADICTS, 0},
    {",'alg':'none'", ALG, 0},
    {",'alg':'rs256'", ALG, 0},
    {",'alg':'RSA-OAEP-256'", ALG, 0},
    {",'alg':''", ALG, 0},
    {",'alg':null", ALG, 0},
    {",'alg':['RS256']", ALG, 0},
    {",'Use':'enc','ALG':'none','Key_ops':[]", NULL, RSA_ALGORITHMS},
    {",'kid':'a'", NULL, RSA_ALGORITHMS},
    {",'kid':''", KID, 0},
    {",'kid':1", KID, 0},
    {",'kid':null", KID, 0},
    {",'kid':['a']", KID, 0},
    {",'kid':'a\\n'", KID, 0},
    {",'kid':'\\u007f'", KID, 0},
    {",'kid':'\\u0085'", KID, 0},
    {",'kid':'\\u00a0../%s'", NULL, RSA_ALGORITHMS},
};

START_TEST(uses_a_key_only_for_what_it_says_it_is_for)
{
    const char *jwk = jwk_of(rsa(OURS), purposes[_i].more);
    struct jwks *jwks;

    assert_skipped(jwk, purposes[_i].why, purposes[_i].more);
    if (purposes[_i].why == NULL) {
        const char *text = jwks_text(jwk, NULL);

        ASSERT_REASON(parse(&jwks, text, strlen(text)), REASON_OK, text);
        ck_assert_uint_eq(jwks->keys[0].algorithms, purposes[_i].algorithms);
        for (enum jwa_alg alg = 0; alg < JWA_COUNT; alg++) {
            ck_assert((jwks->keys[0].verifier[alg] != NULL) ==
                      ((purposes[_i].algorithms & JWA_BIT(alg)) != 0));
        }
    }
}
END_TEST

START_TEST(a_kid_may_have_256_bytes)
{
    const char *longest = apr_psprintf(pool, ",'kid':'%s'", repeated("\xc3\xa9", 128));
    const char *over = apr_psprintf(pool, ",'kid':'x%s'", repeated("\xc3\xa9", 128));

    assert_skipped(jwk_of(rsa(OURS), longest), NULL, "256 bytes");
    assert_skipped(jwk_of(rsa(OURS), over), KID, "257 bytes");
}
END_TEST

static const char *const curves[] = {"P-256", "P-384", "P-521", "Ed25519"};

START_TEST(a_key_on_a_curve_has_the_one_algorithm_of_its_curve)
{
    for (enum jwa_alg alg = JWA_ES256; alg <= JWA_EDDSA; alg++) {
        EVP_PKEY *key = key_of(alg, OURS);
        const struct jwks *jwks = jwks_of(jwks_text(jwk_of(key, ""), NULL));

        ck_assert_str_eq(jwa_get(alg)->crv, curves[alg - JWA_ES256]);
        ck_assert_uint_eq(jwks->keys[0].algorithms, JWA_BIT(alg));
        ck_assert_int_eq(EVP_PKEY_eq(jwks->keys[0].pkey, key), 1);
        for (enum jwa_alg other = 0; other < JWA_COUNT; other++) {
            const char *more = apr_psprintf(pool, ",'alg':'%s'", jwa_get(other)->name);

            assert_skipped(jwk_of(key, more), other == alg ? NULL : CONTRADICTS, more);
        }
    }
}
END_TEST

#define UNSUPPORTED "kty or crv not supported"

static const struct {
    const char *jwk;
    const char *why;
} kinds[] = {
    {"{}", "kty missing or not a string"},
    {"{'kty':null}", "kty missing or not a string"},
    {"{'kty':1}", "kty missing or not a string"},
    {"{'kty':['RSA']}", "kty missing or not a string"},
    {"{'kty':''}", UNSUPPORTED},
    {"{'kty':'rsa','n':'AQAB','e':'AQAB'}", UNSUPPORTED},
    {"{'kty':'DSA'}", UNSUPPORTED},
    {"{'kty':'AKP','alg':'ML-DSA-44','pub':'AQAB'}", UNSUPPORTED},
    {"{'kty':'EC'}", UNSUPPORTED},
    {"{'kty':'EC','crv':256}", UNSUPPORTED},
    {"{'kty':'EC','crv':'p-256'}", UNSUPPORTED},
    {"{'kty':'EC','crv':'P-192'}", UNSUPPORTED},
    {"{'kty':'EC','crv':'P-224'}", UNSUPPORTED},
    {"{'kty':'EC','crv':'secp256k1'}", UNSUPPORTED},
    {"{'kty':'EC','crv':'Ed25519'}", UNSUPPORTED},
    {"{'kty':'OKP'}", UNSUPPORTED},
    {"{'kty':'OKP','crv':'P-256'}", UNSUPPORTED},
    {"{'kty':'OKP','crv':'X25519'}", UNSUPPORTED},
    {"{'kty':'OKP','crv':'Ed448'}", UNSUPPORTED},
    {"{'kty':'oct','k':'AQAB'}", "a symmetric key has no place in a published set"},
    {"{'kty':'oct','k':'AQAB','alg':'HS256','use':'sig'}",
     "a symmetric key has no place in a published set"},
};

START_TEST(skips_a_key_of_a_kind_it_does_not_know)
{
    assert_skipped(json_of(kinds[_i].jwk), kinds[_i].why, kinds[_i].jwk);
}
END_TEST

/* ---- RSA ---------------------------------------------------------------------- */

#define SHORT "RSA modulus under 2048 bits"
#define LONG "RSA modulus over 8192 bits"
#define NO_N "RSA modulus missing, not base64url or too long"
#define NO_E "RSA exponent missing, not base64url or too long"
#define EXPONENT "RSA exponent not odd and from 3 to 2^32"

static const struct {
    int bits;
    bool odd;
    const char *e;
    const char *why;
} rsa_sizes[] = {
    {2048, true, "65537", NULL},
    {2049, true, "65537", NULL},
    {3072, true, "65537", NULL},
    {4096, true, "65537", NULL},
    {8191, true, "65537", NULL},
    {8192, true, "65537", NULL},
    {1, true, "65537", SHORT},
    {512, true, "65537", SHORT},
    {1024, true, "65537", SHORT},
    {2047, true, "65537", SHORT},
    {8193, true, "65537", LONG},
    {8200, true, "65537", LONG},
    {8201, true, "65537", NO_N},
    {16384, true, "65537", NO_N},
    {2048, false, "65537", "RSA modulus even"},
    {8192, false, "65537", "RSA modulus even"},
    {2048, true, "3", NULL},
    {2048, true, "5", NULL},
    {2048, true, "4294967295", NULL}, /* 2^32 - 1 */
    {2048, true, "0", EXPONENT},
    {2048, true, "1", EXPONENT},
    {2048, true, "2", EXPONENT},
    {2048, true, "4", EXPONENT},
    {2048, true, "65536", EXPONENT},
    {2048, true, "4294967296", EXPONENT},
    {2048, true, "4294967297", EXPONENT},           /* 2^32 + 1 */
    {2048, true, "18446744073709551617", EXPONENT}, /* 2^64 + 1 */
};

START_TEST(takes_rsa_keys_of_2048_to_8192_bits_with_a_sound_exponent)
{
    BIGNUM *n = BN_new();
    BIGNUM *e = NULL;
    const char *story;

    ck_assert(BN_rand(n, rsa_sizes[_i].bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD));
    if (!rsa_sizes[_i].odd) {
        ck_assert(BN_clear_bit(n, 0));
    }
    ck_assert(BN_dec2bn(&e, rsa_sizes[_i].e));
    story =
        apr_psprintf(pool, "%d bits, exponent %s", rsa_sizes[_i].bits, rsa_sizes[_i].e);
    assert_skipped(jwk_of_rsa(n, e, ""), rsa_sizes[_i].why, story);
    BN_free(n);
    BN_free(e);
}
END_TEST

START_TEST(skips_an_rsa_key_whose_modulus_is_its_own_exponent)
{
    BIGNUM *n = key_number(rsa(OURS), OSSL_PKEY_PARAM_RSA_N);

    assert_skipped(jwk_of_rsa(n, n, ""), EXPONENT, "e = n");
    BN_free(n);
}
END_TEST

/* The other member is sound; %s is what stands for the broken one. */
static const char *const broken_numbers[] = {
    "",        "null", "65537",   "[]",     "''",        "'='",  "'AQAB='",
    "'AQAB '", "'A'",  "'AQABA'", "'+/AB'", "'0x10001'", "'AR'", "'AQB'",
};

START_TEST(skips_an_rsa_key_with_a_number_that_is_not_base64url)
{
    const char *value = broken_numbers[_i];
    BIGNUM *n = key_number(rsa(OURS), OSSL_PKEY_PARAM_RSA_N);
    unsigned char bytes[256];
    const char *no_n;
    const char *no_e;

    ck_assert_int_eq(BN_bn2binpad(n, bytes, sizeof(bytes)), sizeof(bytes));
    no_n = *value != '\0' ? apr_psprintf(pool, "{'kty':'RSA','n':%s,'e':'AQAB'}", value)
                          : "{'kty':'RSA','e':'AQAB'}";
    no_e = *value != '\0'
               ? apr_psprintf(pool, "{'kty':'RSA','e':%s,'n':'%s'}", value,
                              b64(bytes, sizeof(bytes)))
               : apr_psprintf(pool, "{'kty':'RSA','n':'%s'}", b64(bytes, sizeof(bytes)));
    assert_skipped(json_of(no_n), NO_N, no_n);
    assert_skipped(json_of(no_e), NO_E, no_e);
    BN_free(n);
}
END_TEST

static bool is_prime(unsigned number)
{
    for (unsigned i = 2; i * i <= number; i++) {
        if (number % i == 0) {
            return false;
        }
    }
    return true;
}

static bool is_power_of_65537(BN_ULONG residue, unsigned prime)
{
    for (unsigned i = 0, power = 1; i < prime;
         i++, power = power * (65537 % prime) % prime) {
        if (power == residue) {
            return true;
        }
    }
    return false;
}

/*
 * CVE-2017-15361: such a modulus is a power of 65537 modulo the product of the
 * small primes, and can be factored. Made here from a random power; modulo one prime,
 * unless that is 0, another number.
 */
static BIGNUM *roca_modulus(unsigned but)
{
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *product = BN_new();
    BIGNUM *n = BN_new();
    BIGNUM *power = BN_new();
    BIGNUM *factor = BN_new();

    ck_assert(BN_one(product));
    for (unsigned prime = 3; prime <= 167; prime += 2) {
        ck_assert(!is_prime(prime) || BN_mul_word(product, prime));
    }
    ck_assert(BN_rand(power, 200, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY));
    ck_assert(BN_set_word(n, 65537) && BN_mod_exp(n, n, power, product, ctx));
    /* A multiple of the product more changes no residue: to 2048 bits and odd. */
    ck_assert(BN_rand(factor, 2049 - BN_num_bits(product), BN_RAND_TOP_TWO,
                      BN_RAND_BOTTOM_ANY));
    ck_assert(BN_is_odd(factor) != BN_is_odd(n) || BN_add_word(factor, 1));
    ck_assert(BN_mul(factor, factor, product, ctx) && BN_add(n, n, factor));
    if (but != 0) {
        /* A multiple of the other primes and of 2 changes no other residue. */
        ck_assert(BN_div_word(product, but) == 0 && BN_mul_word(product, 2));
        while (is_power_of_65537(BN_mod_word(n, but), but)) {
            ck_assert(BN_add(n, n, product));
        }
    }
    ck_assert(BN_is_odd(n));
    ck_assert_int_ge(BN_num_bits(n), 2048);
    BN_free(factor);
    BN_free(power);
    BN_free(product);
    BN_CTX_free(ctx);
    return n;
}

START_TEST(skips_an_rsa_key_with_the_roca_mark)
{
    BIGNUM *e = BN_new();
    BIGNUM *n;

    ck_assert(BN_set_word(e, 65537));
    for (int i = 0; i < 64; i++) {
        n = roca_modulus(0);
        assert_skipped(jwk_of_rsa(n, e, ""),
                       "RSA modulus made by a broken generator (ROCA)",
                       "a marked modulus");
        BN_free(n);
    }
    n = roca_modulus(0);
    ck_assert(BN_add_word(n, 2));
    assert_skipped(jwk_of_rsa(n, e, ""), NULL, "its neighbour");
    BN_free(n);
    for (unsigned prime = 3; prime <= 167; prime += 2) {
        if (is_prime(prime)) {
            n = roca_modulus(prime);
            assert_skipped(jwk_of_rsa(n, e, ""), NULL, "no mark modulo one prime");
            BN_free(n);
        }
    }
    BN_free(e);
}
END_TEST

/* ---- curves ------------------------------------------------------------------- */

#define LENGTH "EC coordinate missing, not base64url or of the wrong length"
#define OFF_CURVE "EC point not on the curve"

static const char *jwk_of_point(const struct jwa *jwa, const unsigned char *x,
                                size_t x_len, const unsigned char *y, size_t y_len)
{
    return apr_psprintf(pool, "{\"kty\":\"EC\",\"crv\":\"%s\",\"x\":\"%s\",\"y\":\"%s\"}",
                        jwa->crv, b64(x, x_len), b64(y, y_len));
}

static void get_point(unsigned char x[67], unsigned char y[67], enum jwa_alg alg)
{
    int length = (int)jwa_get(alg)->coordinate;
    BIGNUM *bx = key_number(key_of(alg, OURS), OSSL_PKEY_PARAM_EC_PUB_X);
    BIGNUM *by = key_number(key_of(alg, OURS), OSSL_PKEY_PARAM_EC_PUB_Y);

    ck_assert_int_eq(BN_bn2binpad(bx, x, length), length);
    ck_assert_int_eq(BN_bn2binpad(by, y, length), length);
    BN_free(bx);
    BN_free(by);
}

static const enum jwa_alg ec_algorithms[] = {JWA_ES256, JWA_ES384, JWA_ES512};

START_TEST(skips_an_ec_key_whose_point_is_not_on_its_curve)
{
    enum jwa_alg alg = ec_algorithms[_i];
    const struct jwa *jwa = jwa_get(alg);
    size_t length = jwa->coordinate;
    unsigned char x[67] = {0}, y[67] = {0}, zero[67] = {0}, ones[67];

    memset(ones, 0xff, sizeof(ones));
    get_point(x, y, alg);
    assert_skipped(jwk_of_point(jwa, x, length, y, length), NULL, "the point");
    assert_skipped(jwk_of_point(jwa, y, length, x, length), OFF_CURVE, "x and y swapped");
    assert_skipped(jwk_of_point(jwa, x, length, x, length), OFF_CURVE, "x twice");
    assert_skipped(jwk_of_point(jwa, zero, length, zero, length), OFF_CURVE, "(0, 0)");
    assert_skipped(jwk_of_point(jwa, x, length, zero, length), OFF_CURVE, "(x, 0)");
    assert_skipped(jwk_of_point(jwa, ones, length, ones, length), OFF_CURVE, "all ones");
    y[length - 1] ^= 1;
    assert_skipped(jwk_of_point(jwa, x, length, y, length), OFF_CURVE, "a bit flipped");
}
END_TEST

/* RFC 7518 6.2.1.2: as long as the field, leading zeros included. */
START_TEST(skips_an_ec_key_whose_coordinates_have_another_length)
{
    enum jwa_alg alg = ec_algorithms[_i];
    const struct jwa *jwa = jwa_get(alg);
    size_t length = jwa->coordinate;
    unsigned char x[67] = {0}, y[67] = {0}, longer[68] = {0};

    get_point(x, y, alg);
    memcpy(longer + 1, x, length);
    assert_skipped(jwk_of_point(jwa, longer + 1, length, y, length), NULL, "right");
    assert_skipped(jwk_of_point(jwa, longer, length + 1, y, length), LENGTH,
                   "zero before");
    assert_skipped(jwk_of_point(jwa, x, length + 1, y, length), LENGTH, "zero behind");
    assert_skipped(jwk_of_point(jwa, x, length - 1, y, length), LENGTH, "x short");
    assert_skipped(jwk_of_point(jwa, x, length, y, length - 1), LENGTH, "y short");
    assert_skipped(jwk_of_point(jwa, x, length, y, 0), LENGTH, "y empty");
    assert_skipped(jwk_of_point(jwa, x, 0, y, 0), LENGTH, "both empty: infinity");
    assert_skipped(jwk_of_point(jwa, x, 1, y, 1), LENGTH, "a byte each");
    /* The whole point in one coordinate. */
    assert_skipped(jwk_of_point(jwa, x, length, y, length / 2), LENGTH, "y halved");
}
END_TEST

START_TEST(skips_an_ec_key_under_another_curve)
{
    enum jwa_alg alg = ec_algorithms[_i];

    for (size_t i = 0; i < COUNT(ec_algorithms); i++) {
        const struct jwa *jwa = jwa_get(ec_algorithms[i]);
        size_t length = jwa_get(alg)->coordinate;
        unsigned char x[67], y[67];

        get_point(x, y, alg);
        assert_skipped(jwk_of_point(jwa, x, length, y, length),
                       ec_algorithms[i] == alg ? NULL : LENGTH, jwa->crv);
    }
}
END_TEST

/* One key, one text: x and x plus the field's prime would be the same point. */
START_TEST(skips_an_ec_key_with_a_coordinate_beyond_its_field)
{
    const struct jwa *jwa = jwa_get(ec_algorithms[_i]);
    int length = (int)jwa->coordinate;
    EC_GROUP *group = EC_GROUP_new_by_curve_name(OBJ_sn2nid(jwa->group));
    EC_POINT *point = EC_POINT_new(group);
    BIGNUM *x = BN_new(), *y = BN_new(), *prime = BN_new();
    unsigned char x_bytes[67], y_bytes[67];
    const char *canonical;
    const char *beyond;

    ck_assert(EC_GROUP_get_curve(group, prime, NULL, NULL, NULL));
    BN_zero(x);
    while (!EC_POINT_set_compressed_coordinates(group, point, x, 0, NULL)) {
        ck_assert(BN_add_word(x, 1));
    }
    ERR_clear_error();
    ck_assert(EC_POINT_get_affine_coordinates(group, point, x, y, NULL));
    ck_assert_int_eq(BN_bn2binpad(x, x_bytes, length), length);
    ck_assert_int_eq(BN_bn2binpad(y, y_bytes, length), length);
    canonical = jwk_of_point(jwa, x_bytes, (size_t)length, y_bytes, (size_t)length);
    ck_assert(BN_add(x, x, prime));
    ck_assert_int_eq(BN_bn2binpad(x, x_bytes, length), length);
    beyond = jwk_of_point(jwa, x_bytes, (size_t)length, y_bytes, (size_t)length);
    BN_free(x);
    BN_free(y);
    BN_free(prime);
    EC_POINT_free(point);
    EC_GROUP_free(group);

    assert_skipped(canonical, NULL, "x");
    assert_skipped(beyond, OFF_CURVE, "x and the prime");
}
END_TEST

static const char *jwk_of_edwards(const unsigned char *x, size_t len)
{
    return apr_psprintf(pool, "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"%s\"}",
                        b64(x, len));
}

START_TEST(skips_an_okp_key_of_another_length)
{
    unsigned char x[64] = {0};
    size_t len = 32;

    ck_assert(EVP_PKEY_get_raw_public_key(key_of(JWA_EDDSA, OURS), x, &len));
    for (len = 0; len <= sizeof(x); len++) {
        assert_skipped(
            jwk_of_edwards(x, len),
            len == 32 ? NULL
                      : "OKP public key missing, not base64url or of the wrong length",
            apr_psprintf(pool, "%u bytes", (unsigned)len));
    }
}
END_TEST

/* Under such a key one signature holds for many messages. */
START_TEST(skips_an_okp_key_of_low_order)
{
    unsigned char points[LOW_ORDER_COUNT][32];

    ed25519_low_order(points);
    ck_assert(ed25519_is_low_order(points[_i]));
    assert_skipped(jwk_of_edwards(points[_i], 32), "OKP public key of low order",
                   b64(points[_i], 32));
    points[_i][7] ^= 0x10;
    ck_assert(!ed25519_is_low_order(points[_i]));
}
END_TEST

/* ---- finding ------------------------------------------------------------------ */

static enum reason find(const struct jwk **key, const struct jwks *jwks, const char *kid,
                        enum jwa_alg alg)
{
    enum reason reason = jwks_find(key, jwks, kid, alg);

    ck_assert((*key != NULL) == (reason == REASON_OK));
    return reason;
}

START_TEST(finds_a_key_by_its_kid_byte_for_byte)
{
    const struct jwks *jwks = jwks_of(jwks_text(
        jwk_of(rsa(THEIRS), ",'kid':'kex'"), jwk_of(rsa(OURS), ",'kid':'Key'"),
        jwk_of(rsa(THEIRS), ",'kid':'key1'"), jwk_of(rsa(THEIRS), ",'kid':'KEY'"), NULL));
    static const char *const unknown[] = {"key", "Ke", "Key ", " Key", "Key1", "", "kEy"};
    const struct jwk *key;

    ASSERT_REASON(find(&key, jwks, "Key", JWA_RS256), REASON_OK, "Key");
    ck_assert_int_eq(EVP_PKEY_eq(key->pkey, rsa(OURS)), 1);
    for (size_t i = 0; i < COUNT(unknown); i++) {
        ASSERT_REASON(find(&key, jwks, unknown[i], JWA_RS256), REASON_KEY_UNKNOWN,
                      unknown[i]);
    }
}
END_TEST

START_TEST(a_key_of_another_kind_is_not_eligible)
{
    const struct jwks *jwks = our_jwks();

    for (enum jwa_alg has = 0; has < JWA_HS256; has++) {
        for (enum jwa_alg wants = 0; wants < JWA_COUNT; wants++) {
            bool same_kind = wants < JWA_HS256 && strcmp(kid_of(has), kid_of(wants)) == 0;
            const struct jwk *key;

            ASSERT_REASON(
                find(&key, jwks, kid_of(has), wants),
                same_kind ? REASON_OK : REASON_KEY_NOT_ELIGIBLE,
                apr_psprintf(pool, "%s with %s", jwa_get(wants)->name, kid_of(has)));
        }
    }
}
END_TEST

/* B2: a key published for one algorithm verifies no other, of its own kind either. */
START_TEST(a_key_with_an_alg_is_eligible_for_that_alone)
{
    const struct jwks *jwks =
        jwks_of(jwks_text(jwk_of(rsa(OURS), ",'kid':'a','alg':'RS256'"), NULL));
    const struct jwk *key;

    for (enum jwa_alg alg = 0; alg < JWA_COUNT; alg++) {
        enum reason expected = alg == JWA_RS256 ? REASON_OK : REASON_KEY_NOT_ELIGIBLE;

        ASSERT_REASON(find(&key, jwks, "a", alg), expected, jwa_get(alg)->name);
        ASSERT_REASON(find(&key, jwks, NULL, alg), expected, jwa_get(alg)->name);
    }
}
END_TEST

/* C6, in every order, since the set is sorted. */
START_TEST(the_same_kid_for_different_keys_is_ambiguous)
{
    const char *a = jwk_of(rsa(OURS), ",'kid':'a'");
    const char *b = jwk_of(rsa(THEIRS), ",'kid':'a'");
    const char *c = jwk_of(rsa(THEIRS), ",'kid':'c'");
    const char *const texts[] = {
        jwks_text(a, b, NULL),    jwks_text(b, a, NULL),    jwks_text(a, b, c, NULL),
        jwks_text(c, b, a, NULL), jwks_text(a, a, b, NULL), jwks_text(a, b, a, NULL),
        jwks_text(b, a, a, NULL),
    };
    const struct jwk *key;

    for (size_t i = 0; i < COUNT(texts); i++) {
        ASSERT_REASON(find(&key, jwks_of(texts[i]), "a", JWA_RS256), REASON_KEY_AMBIGUOUS,
                      texts[i]);
    }
}
END_TEST

START_TEST(the_same_kid_for_the_same_key_is_not)
{
    const char *a = jwk_of(rsa(OURS), ",'kid':'a'");
    const char *again = jwk_of(rsa(OURS), ",'use':'sig','kid':'a'");
    const struct jwk *key;

    ASSERT_REASON(find(&key, jwks_of(jwks_text(a, again, a, NULL)), "a", JWA_RS256),
                  REASON_OK, "three times");
    ck_assert_int_eq(EVP_PKEY_eq(key->pkey, rsa(OURS)), 1);
}
END_TEST

START_TEST(the_same_kid_is_told_apart_by_algorithm)
{
    const struct jwks *jwks =
        jwks_of(jwks_text(jwk_of(rsa(OURS), ",'kid':'a','alg':'RS256'"),
                          jwk_of(rsa(THEIRS), ",'kid':'a','alg':'PS256'"),
                          jwk_of(p256(OURS), ",'kid':'a'"), NULL));
    const struct jwk *key;

    ASSERT_REASON(find(&key, jwks, "a", JWA_RS256), REASON_OK, "RS256");
    ck_assert_int_eq(EVP_PKEY_eq(key->pkey, rsa(OURS)), 1);
    ASSERT_REASON(find(&key, jwks, "a", JWA_PS256), REASON_OK, "PS256");
    ck_assert_int_eq(EVP_PKEY_eq(key->pkey, rsa(THEIRS)), 1);
    ASSERT_REASON(find(&key, jwks, "a", JWA_ES256), REASON_OK, "ES256");
    ck_assert_int_eq(EVP_PKEY_eq(key->pkey, p256(OURS)), 1);
    ASSERT_REASON(find(&key, jwks, "a", JWA_RS384), REASON_KEY_NOT_ELIGIBLE, "RS384");
}
END_TEST

/* A15: without a kid there must be no doubt. */
START_TEST(without_a_kid_exactly_one_key_must_be_eligible)
{
    const char *ours = jwk_of(rsa(OURS), ",'kid':'a'");
    const char *theirs = jwk_of(rsa(THEIRS), "");
    const char *ec = jwk_of(p256(OURS), "");
    const struct jwk *key;

    ASSERT_REASON(find(&key, jwks_of(jwks_text(ours, NULL)), NULL, JWA_RS256), REASON_OK,
                  "one key");
    ASSERT_REASON(find(&key, jwks_of(jwks_text(ours, ec, NULL)), NULL, JWA_RS256),
                  REASON_OK, "one of its kind");
    ck_assert_int_eq(EVP_PKEY_eq(key->pkey, rsa(OURS)), 1);
    ASSERT_REASON(find(&key, jwks_of(jwks_text(ec, ours, NULL)), NULL, JWA_RS256),
                  REASON_OK, "one of its kind, the other way round");
    ASSERT_REASON(find(&key, jwks_of(jwks_text(ours, theirs, NULL)), NULL, JWA_RS256),
                  REASON_KEY_AMBIGUOUS, "two keys");
    ASSERT_REASON(find(&key, jwks_of(jwks_text(ec, NULL)), NULL, JWA_RS256),
                  REASON_KEY_NOT_ELIGIBLE, "none of its kind");
    ASSERT_REASON(find(&key, jwks_of(many_keys(64)), NULL, JWA_RS256),
                  REASON_KEY_NOT_ELIGIBLE, "none of 64");
}
END_TEST

START_TEST(a_kid_never_finds_a_key_without_one)
{
    const struct jwks *alone = jwks_of(jwks_text(jwk_of(rsa(OURS), ""), NULL));
    const struct jwks *both = jwks_of(
        jwks_text(jwk_of(rsa(OURS), ""), jwk_of(rsa(THEIRS), ",'kid':'a'"), NULL));
    const struct jwk *key;

    ASSERT_REASON(find(&key, alone, "a", JWA_RS256), REASON_KEY_UNKNOWN, "alone");
    ASSERT_REASON(find(&key, alone, "", JWA_RS256), REASON_KEY_UNKNOWN, "an empty kid");
    ASSERT_REASON(find(&key, alone, NULL, JWA_RS256), REASON_OK, "no kid");
    ASSERT_REASON(find(&key, both, "b", JWA_RS256), REASON_KEY_UNKNOWN, "b");
    ASSERT_REASON(find(&key, both, "a", JWA_RS256), REASON_OK, "a");
    ck_assert_int_eq(EVP_PKEY_eq(key->pkey, rsa(THEIRS)), 1);
}
END_TEST

/* Whatever the order in the document: keys are sorted by kid, those without one first. */
START_TEST(finds_keys_by_kid_among_keys_without)
{
    static const char *const kids[] = {"", ",'kid':'a'", ",'kid':'b'", ",'kid':'c'", ""};
    const size_t count = COUNT(kids);

    /* Each rotation, forwards and backwards. */
    for (size_t order = 0; order < 2 * count; order++) {
        const char *document = "";
        const struct jwks *jwks;
        const struct jwk *key;

        for (size_t i = 0; i < count; i++) {
            size_t n = order < count ? (order + i) % count : (order + count - i) % count;
            const char *jwk = jwk_of(rsa(*kids[n] != '\0' ? OURS : THEIRS), kids[n]);

            document = apr_pstrcat(pool, document, i > 0 ? "," : "", jwk, NULL);
        }
        jwks = jwks_of(apr_pstrcat(pool, "{\"keys\":[", document, "]}", NULL));
        for (const char *kid = "a\0b\0c\0"; *kid != '\0'; kid += 2) {
            ASSERT_REASON(find(&key, jwks, kid, JWA_RS256), REASON_OK, document);
            ck_assert_str_eq(key->kid, kid);
            ck_assert_int_eq(EVP_PKEY_eq(key->pkey, rsa(OURS)), 1);
        }
        ASSERT_REASON(find(&key, jwks, "d", JWA_RS256), REASON_KEY_UNKNOWN, document);
    }
}
END_TEST

START_TEST(an_empty_set_knows_no_key)
{
    struct jwks *jwks;
    const struct jwk *key;

    ASSERT_REASON(parse(&jwks, BYTES("{\"keys\":[]}")), REASON_JWKS_NO_USABLE_KEY,
                  "empty");
    ASSERT_REASON(find(&key, jwks, "a", JWA_RS256), REASON_KEY_UNKNOWN, "a");
    ASSERT_REASON(find(&key, jwks, NULL, JWA_RS256), REASON_KEY_NOT_ELIGIBLE, "no kid");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("jwk");
    TCase *tcase = support_tcase(suite, "documents");

    keys_make();
    ADD_TABLE(tcase, refuses_a_document_that_is_no_key_set, documents);
    tcase_add_test(tcase, accepts_unknown_members_of_set_and_key);
    tcase_add_test(tcase, accepts_a_document_of_128_kib_and_no_more);
    tcase_add_test(tcase, accepts_64_keys_and_no_more);
    tcase_add_test(tcase, skips_64_keys_and_says_why);
    ADD_TABLE(tcase, refuses_a_document_with_a_private_key, private_members);
    tcase_add_test(tcase, refuses_a_private_key_of_any_kind);
    tcase_add_test(tcase, keeps_nothing_of_the_text_nor_of_the_scratch_pool);
    tcase_add_test(tcase, destroying_nothing_is_fine);

    tcase = support_tcase(suite, "keys");
    ADD_TABLE(tcase, uses_a_key_only_for_what_it_says_it_is_for, purposes);
    tcase_add_test(tcase, a_kid_may_have_256_bytes);
    tcase_add_test(tcase, a_key_on_a_curve_has_the_one_algorithm_of_its_curve);
    ADD_TABLE(tcase, skips_a_key_of_a_kind_it_does_not_know, kinds);
    ADD_TABLE(tcase, takes_rsa_keys_of_2048_to_8192_bits_with_a_sound_exponent,
              rsa_sizes);
    tcase_add_test(tcase, skips_an_rsa_key_whose_modulus_is_its_own_exponent);
    ADD_TABLE(tcase, skips_an_rsa_key_with_a_number_that_is_not_base64url,
              broken_numbers);
    tcase_add_test(tcase, skips_an_rsa_key_with_the_roca_mark);
    ADD_TABLE(tcase, skips_an_ec_key_whose_point_is_not_on_its_curve, ec_algorithms);
    ADD_TABLE(tcase, skips_an_ec_key_whose_coordinates_have_another_length,
              ec_algorithms);
    ADD_TABLE(tcase, skips_an_ec_key_under_another_curve, ec_algorithms);
    ADD_TABLE(tcase, skips_an_ec_key_with_a_coordinate_beyond_its_field, ec_algorithms);
    tcase_add_test(tcase, skips_an_okp_key_of_another_length);
    tcase_add_loop_test(tcase, skips_an_okp_key_of_low_order, 0, LOW_ORDER_COUNT);

    tcase = support_tcase(suite, "finding");
    tcase_add_test(tcase, finds_a_key_by_its_kid_byte_for_byte);
    tcase_add_test(tcase, a_key_of_another_kind_is_not_eligible);
    tcase_add_test(tcase, a_key_with_an_alg_is_eligible_for_that_alone);
    tcase_add_test(tcase, the_same_kid_for_different_keys_is_ambiguous);
    tcase_add_test(tcase, the_same_kid_for_the_same_key_is_not);
    tcase_add_test(tcase, the_same_kid_is_told_apart_by_algorithm);
    tcase_add_test(tcase, without_a_kid_exactly_one_key_must_be_eligible);
    tcase_add_test(tcase, a_kid_never_finds_a_key_without_one);
    tcase_add_test(tcase, finds_keys_by_kid_among_keys_without);
    tcase_add_test(tcase, an_empty_set_knows_no_key);
    return support_run(suite);
}
