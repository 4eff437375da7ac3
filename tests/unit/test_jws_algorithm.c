#include "token/jws.h"

#include <apr_strings.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/objects.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <string.h>

#include "support.h"

/* ---- RSA ---------------------------------------------------------------------- */

/* RSASSA-PSS with parameters of one's choice. */
static const struct {
    enum jwa_alg alg;
    const char *digest;
    const char *mask;
    int salt;
    enum reason reason;
} pss[] = {
    {JWA_PS256, "SHA256", "SHA256", 32, REASON_OK},
    {JWA_PS384, "SHA384", "SHA384", 48, REASON_OK},
    {JWA_PS512, "SHA512", "SHA512", 64, REASON_OK},
    {JWA_PS256, "SHA256", "SHA256", 0, REASON_SIGNATURE_INVALID},
    {JWA_PS256, "SHA256", "SHA256", 20, REASON_SIGNATURE_INVALID},
    {JWA_PS256, "SHA256", "SHA256", 31, REASON_SIGNATURE_INVALID},
    {JWA_PS256, "SHA256", "SHA256", 33, REASON_SIGNATURE_INVALID},
    {JWA_PS256, "SHA256", "SHA256", 64, REASON_SIGNATURE_INVALID},
    {JWA_PS256, "SHA256", "SHA256", RSA_PSS_SALTLEN_MAX, REASON_SIGNATURE_INVALID},
    {JWA_PS384, "SHA384", "SHA384", 32, REASON_SIGNATURE_INVALID},
    {JWA_PS512, "SHA512", "SHA512", 32, REASON_SIGNATURE_INVALID},
    {JWA_PS256, "SHA256", "SHA1", 32, REASON_SIGNATURE_INVALID},
    {JWA_PS256, "SHA256", "SHA512", 32, REASON_SIGNATURE_INVALID},
    {JWA_PS512, "SHA512", "SHA256", 64, REASON_SIGNATURE_INVALID},
    {JWA_PS256, "SHA1", "SHA1", 32, REASON_SIGNATURE_INVALID},
    {JWA_PS256, "SHA384", "SHA384", 32, REASON_SIGNATURE_INVALID},
    {JWA_PS256, "SHA512", "SHA512", 32, REASON_SIGNATURE_INVALID},
    {JWA_PS256, "SHA3-256", "SHA3-256", 32, REASON_SIGNATURE_INVALID},
};

START_TEST(rejects_pss_with_another_salt_length_digest_or_mask)
{
    const char *input = signing_input(header_of(pss[_i].alg), ANY_CLAIMS);
    unsigned char signature[SIGNATURE_MAX];
    size_t len = sizeof(signature);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *pctx;

    ck_assert(EVP_DigestSignInit_ex(ctx, &pctx, pss[_i].digest, NULL, NULL,
                                    key_of(JWA_PS256, OURS), NULL) == 1 &&
              EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) == 1 &&
              EVP_PKEY_CTX_set_rsa_mgf1_md_name(pctx, pss[_i].mask, NULL) == 1 &&
              EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, pss[_i].salt) == 1 &&
              EVP_DigestSign(ctx, signature, &len, (const unsigned char *)input,
                             strlen(input)) == 1);
    EVP_MD_CTX_free(ctx);
    ASSERT_REASON(verify(with_signature(input, signature, len), our_key(pss[_i].alg)),
                  pss[_i].reason, "PSS");
}
END_TEST

/* The private operation on a block of one's choice. */
static const char *token_of_block(const char *input, const unsigned char block[256])
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key_of(JWA_RS256, OURS), NULL);
    unsigned char signature[SIGNATURE_MAX];
    size_t len = sizeof(signature);

    ck_assert(EVP_PKEY_sign_init(ctx) == 1 &&
              EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING) == 1 &&
              EVP_PKEY_sign(ctx, signature, &len, block, 256) == 1);
    EVP_PKEY_CTX_free(ctx);
    return with_signature(input, signature, len);
}

#define SHA256_INFO                                                                      \
    "\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"

/*
 * RFC 8017 9.2: 00 01 FF ... FF 00, the digest's DER prefix, the digest. Whoever
 * reads this instead of comparing it has accepted forgeries (Bleichenbacher 2006).
 */
static const struct {
    const char *story;
    unsigned char first;
    unsigned char type;
    unsigned char filler;
    unsigned char separator;
    const char *info;
    size_t info_len;
    size_t behind; /* bytes after the digest */
    enum reason reason;
} blocks[] = {
    {"as it should be", 0, 1, 0xff, 0, BYTES(SHA256_INFO), 0, REASON_OK},
    {"a first byte of 1", 1, 1, 0xff, 0, BYTES(SHA256_INFO), 0, REASON_SIGNATURE_INVALID},
    {"block type 0", 0, 0, 0xff, 0, BYTES(SHA256_INFO), 0, REASON_SIGNATURE_INVALID},
    {"block type 2", 0, 2, 0xff, 0, BYTES(SHA256_INFO), 0, REASON_SIGNATURE_INVALID},
    {"padding of FE", 0, 1, 0xfe, 0, BYTES(SHA256_INFO), 0, REASON_SIGNATURE_INVALID},
    {"padding of 00", 0, 1, 0x00, 0, BYTES(SHA256_INFO), 0, REASON_SIGNATURE_INVALID},
    {"no separator", 0, 1, 0xff, 0xff, BYTES(SHA256_INFO), 0, REASON_SIGNATURE_INVALID},
    {"a byte behind", 0, 1, 0xff, 0, BYTES(SHA256_INFO), 1, REASON_SIGNATURE_INVALID},
    {"short padding, bytes behind", 0, 1, 0xff, 0, BYTES(SHA256_INFO), 194,
     REASON_SIGNATURE_INVALID},
    {"no padding, bytes behind", 0, 1, 0xff, 0, BYTES(SHA256_INFO), 202,
     REASON_SIGNATURE_INVALID},
    {"no prefix", 0, 1, 0xff, 0, BYTES(""), 0, REASON_SIGNATURE_INVALID},
    {"no NULL in the prefix", 0, 1, 0xff, 0,
     BYTES("\x30\x2f\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x04\x20"), 0,
     REASON_SIGNATURE_INVALID},
    {"a length in BER's long form", 0, 1, 0xff, 0,
     BYTES("\x30\x81\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04"
           "\x20"),
     0, REASON_SIGNATURE_INVALID},
    {"bytes hidden in the parameters", 0, 1, 0xff, 0,
     BYTES("\x30\x33\x30\x0f\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x04\x02\x00\x00"
           "\x04\x20"),
     0, REASON_SIGNATURE_INVALID},
    {"SHA-384 in the prefix", 0, 1, 0xff, 0,
     BYTES(
         "\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00\x04\x20"),
     0, REASON_SIGNATURE_INVALID},
};

START_TEST(rejects_pkcs_1_padding_that_differs_in_anything)
{
    const char *input = signing_input(header_of(JWA_RS256), ANY_CLAIMS);
    size_t info_len = blocks[_i].info_len;
    size_t filler_len = 256 - 3 - info_len - SHA256_DIGEST_LENGTH - blocks[_i].behind;
    unsigned char block[256] = {0};
    unsigned char *p = block;

    *p++ = blocks[_i].first;
    *p++ = blocks[_i].type;
    memset(p, blocks[_i].filler, filler_len);
    p += filler_len;
    *p++ = blocks[_i].separator;
    memcpy(p, blocks[_i].info, info_len);
    SHA256((const unsigned char *)input, strlen(input), p + info_len);
    ASSERT_REASON(verify(token_of_block(input, block), our_key(JWA_RS256)),
                  blocks[_i].reason, blocks[_i].story);
}
END_TEST

static size_t number_bytes(unsigned char *out, const BIGNUM *number, int len)
{
    ck_assert_int_eq(BN_bn2binpad(number, out, len), len);
    return (size_t)len;
}

START_TEST(rejects_an_rsa_signature_at_or_beyond_the_modulus)
{
    const struct jwk *key = our_key(JWA_RS256);
    BIGNUM *n = key_number(key_of(JWA_RS256, OURS), OSSL_PKEY_PARAM_RSA_N);
    BIGNUM *s = BN_new();
    unsigned char signature[SIGNATURE_MAX];
    const char *input = "";
    const char *numbers[] = {"0", "1", "-1", "n"};

    /* One that leaves room for itself plus the modulus: s + n is s, modulo n. */
    for (int i = 0; i == 0 || BN_num_bits(s) > 2048; i++) {
        input = signing_input(header_of(JWA_RS256),
                              apr_psprintf(pool, "{\"jti\":\"%d\"}", i));
        ck_assert_uint_eq(sign(signature, JWA_RS256, key_of(JWA_RS256, OURS), input),
                          256);
        ck_assert(BN_bin2bn(signature, 256, s) && BN_add(s, s, n));
    }
    ASSERT_REASON(verify(with_signature(input, signature, 256), key), REASON_OK, "s");
    number_bytes(signature, s, 256);
    ASSERT_REASON(verify(with_signature(input, signature, 256), key),
                  REASON_SIGNATURE_INVALID, "s + n");
    for (size_t i = 0; i < COUNT(numbers); i++) {
        ck_assert(i < 2 ? BN_set_word(s, i) : BN_copy(s, n) != NULL);
        ck_assert(i != 2 || BN_sub_word(s, 1));
        number_bytes(signature, s, 256);
        ASSERT_REASON(verify(with_signature(input, signature, 256), key),
                      REASON_SIGNATURE_INVALID, numbers[i]);
    }
    BN_free(s);
    BN_free(n);
}
END_TEST

/* RFC 8017 8.2.2: as long as the modulus, even when the number is not. */
START_TEST(rejects_an_rsa_signature_without_its_leading_zero)
{
    enum jwa_alg alg = _i == 0 ? JWA_RS256 : JWA_PS256;
    const struct jwk *key = our_key(alg);
    unsigned char signature[SIGNATURE_MAX] = {1};
    const char *input = "";

    for (int i = 0; signature[0] != 0; i++) {
        input = signing_input(header_of(alg), apr_psprintf(pool, "{\"jti\":\"%d\"}", i));
        ck_assert_uint_eq(sign(signature, alg, key_of(alg, OURS), input), 256);
    }
    ASSERT_REASON(verify(with_signature(input, signature, 256), key), REASON_OK, "whole");
    ASSERT_REASON(verify(with_signature(input, signature + 1, 255), key),
                  REASON_SIGNATURE_INVALID, "stripped");
}
END_TEST

/* Five primes make a modulus of 8192 bits in bearable time. */
static const struct {
    int bits;
    int primes;
    const char *e;
} unusual[] = {
    {2048, 2, "3"}, {2048, 2, "4294967295"}, {3072, 2, "65537"}, {8192, 5, "65537"}};

START_TEST(verifies_with_every_size_of_key_that_it_takes)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    EVP_PKEY *pkey = NULL;
    BIGNUM *e = NULL;
    const struct jwks *jwks;

    ck_assert(BN_dec2bn(&e, unusual[_i].e));
    ck_assert(EVP_PKEY_keygen_init(ctx) == 1 &&
              EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, unusual[_i].bits) == 1 &&
              EVP_PKEY_CTX_set_rsa_keygen_primes(ctx, unusual[_i].primes) == 1 &&
              EVP_PKEY_CTX_set1_rsa_keygen_pubexp(ctx, e) == 1 &&
              EVP_PKEY_generate(ctx, &pkey) == 1);
    jwks = jwks_of(jwks_text(jwk_of(pkey, ",'kid':'rsa'"), NULL));
    for (enum jwa_alg alg = JWA_RS256; alg <= JWA_PS512; alg++) {
        const char *input = signing_input(header_of(alg), ANY_CLAIMS);
        unsigned char signature[SIGNATURE_MAX];
        size_t len = sign(signature, alg, pkey, input);

        ASSERT_REASON(verify(with_signature(input, signature, len), &jwks->keys[0]),
                      REASON_OK, jwa_get(alg)->name);
        signature[len / 2] ^= 1;
        ASSERT_REASON(verify(with_signature(input, signature, len), &jwks->keys[0]),
                      REASON_SIGNATURE_INVALID, jwa_get(alg)->name);
    }
    BN_free(e);
    EVP_PKEY_free(pkey);
    EVP_PKEY_CTX_free(ctx);
}
END_TEST

/* ---- ECDSA -------------------------------------------------------------------- */

/* What r and s become; r and s are a good signature's, n is the curve's order. */
static const struct {
    const char *r;
    const char *s;
    enum reason reason;
} pairs[] = {
    {"r", "s", REASON_OK},
    {"0", "0", REASON_SIGNATURE_INVALID}, /* CVE-2022-21449 */
    {"0", "s", REASON_SIGNATURE_INVALID},
    {"r", "0", REASON_SIGNATURE_INVALID},
    {"0", "1", REASON_SIGNATURE_INVALID},
    {"1", "0", REASON_SIGNATURE_INVALID},
    {"1", "1", REASON_SIGNATURE_INVALID},
    {"n", "n", REASON_SIGNATURE_INVALID},
    {"n", "s", REASON_SIGNATURE_INVALID},
    {"r", "n", REASON_SIGNATURE_INVALID},
    {"n", "0", REASON_SIGNATURE_INVALID},
    {"0", "n", REASON_SIGNATURE_INVALID},
    {"n", "1", REASON_SIGNATURE_INVALID},
    {"n-1", "n-1", REASON_SIGNATURE_INVALID},
    {"n+1", "n+1", REASON_SIGNATURE_INVALID},
    {"n+1", "s", REASON_SIGNATURE_INVALID},
    {"r", "n+1", REASON_SIGNATURE_INVALID},
    {"max", "max", REASON_SIGNATURE_INVALID},
    {"r", "max", REASON_SIGNATURE_INVALID},
    {"max", "s", REASON_SIGNATURE_INVALID},
    {"s", "r", REASON_SIGNATURE_INVALID},
    {"r", "r", REASON_SIGNATURE_INVALID},
    {"n-r", "s", REASON_SIGNATURE_INVALID},
    /* SEC 1 4.1.4 takes both of these, and RFC 7518 does not choose. */
    {"r", "n-s", REASON_OK},
    /* The same modulo n: they fit into P-521's 66 bytes alone, else they are cut. */
    {"n+r", "s", REASON_SIGNATURE_INVALID},
    {"r", "n+s", REASON_SIGNATURE_INVALID},
    {"n+r", "n+s", REASON_SIGNATURE_INVALID},
};

/* The number that such a name stands for, in @a len bytes. */
static void write_number(unsigned char *out, int len, const char *name, const BIGNUM *r,
                         const BIGNUM *s, const BIGNUM *n)
{
    BIGNUM *number = BN_new();
    char last = name[strlen(name) - 1];

    if (last == '0' || last == '1') {
        ck_assert(BN_set_word(number, last == '1'));
    }
    else if (last == 'r' || last == 's' || last == 'n') {
        ck_assert(BN_copy(number, last == 'r' ? r : last == 's' ? s : n) != NULL);
    }
    if (strncmp(name, "n+", 2) == 0) {
        ck_assert(BN_add(number, number, n));
    }
    else if (strncmp(name, "n-", 2) == 0) {
        ck_assert(BN_sub(number, n, number));
    }
    ck_assert(BN_mask_bits(number, 8 * len) || BN_num_bits(number) <= 8 * len);
    number_bytes(out, number, len);
    if (strcmp(name, "max") == 0) {
        memset(out, 0xff, (size_t)len);
    }
    BN_free(number);
}

START_TEST(rejects_ecdsa_with_r_or_s_out_of_range)
{
    for (enum jwa_alg alg = JWA_ES256; alg <= JWA_ES512; alg++) {
        int len = (int)jwa_get(alg)->coordinate;
        EC_GROUP *group = EC_GROUP_new_by_curve_name(OBJ_sn2nid(jwa_get(alg)->group));
        const char *input = signing_input(header_of(alg), ANY_CLAIMS);
        unsigned char signature[SIGNATURE_MAX];
        BIGNUM *r;
        BIGNUM *s;

        sign(signature, alg, key_of(alg, OURS), input);
        r = BN_bin2bn(signature, len, NULL);
        s = BN_bin2bn(signature + len, len, NULL);
        write_number(signature, len, pairs[_i].r, r, s, EC_GROUP_get0_order(group));
        write_number(signature + len, len, pairs[_i].s, r, s, EC_GROUP_get0_order(group));
        ASSERT_REASON(
            verify(with_signature(input, signature, 2 * (size_t)len), our_key(alg)),
            pairs[_i].reason,
            apr_psprintf(pool, "%s: %s, %s", jwa_get(alg)->name, pairs[_i].r,
                         pairs[_i].s));
        BN_free(r);
        BN_free(s);
        EC_GROUP_free(group);
    }
}
END_TEST

static const enum jwa_alg ec_algorithms[] = {JWA_ES256, JWA_ES384, JWA_ES512};

/* RFC 7518 3.4: r || s, no other form. */
START_TEST(rejects_ecdsa_in_der)
{
    enum jwa_alg alg = ec_algorithms[_i];
    size_t length = 2 * jwa_get(alg)->coordinate;
    const char *input = signing_input(header_of(alg), ANY_CLAIMS);
    unsigned char der[SIGNATURE_MAX] = {0};
    size_t len = sizeof(der);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    ck_assert(
        EVP_DigestSignInit_ex(ctx, NULL, jwa_get(alg)->digest, NULL, NULL,
                              key_of(alg, OURS), NULL) == 1 &&
        EVP_DigestSign(ctx, der, &len, (const unsigned char *)input, strlen(input)) == 1);
    EVP_MD_CTX_free(ctx);
    ck_assert_uint_gt(len, length - 8);
    ASSERT_REASON(verify(with_signature(input, der, len), our_key(alg)),
                  REASON_SIGNATURE_INVALID, "DER");
    ASSERT_REASON(verify(with_signature(input, der, length), our_key(alg)),
                  REASON_SIGNATURE_INVALID, "DER cut to the length of r || s");
}
END_TEST

START_TEST(rejects_ecdsa_with_wider_numbers)
{
    enum jwa_alg alg = ec_algorithms[_i];
    size_t length = jwa_get(alg)->coordinate;
    const char *input = signing_input(header_of(alg), ANY_CLAIMS);
    unsigned char signature[SIGNATURE_MAX];
    unsigned char wide[SIGNATURE_MAX] = {0};

    sign(signature, alg, key_of(alg, OURS), input);
    for (size_t more = 0; more <= 16; more++) {
        memset(wide, 0, sizeof(wide));
        memcpy(wide + more, signature, length);
        memcpy(wide + length + 2 * more, signature + length, length);
        ASSERT_REASON(
            verify(with_signature(input, wide, 2 * (length + more)), our_key(alg)),
            more == 0 ? REASON_OK : REASON_SIGNATURE_INVALID,
            apr_psprintf(pool, "%u bytes wider", (unsigned)more));
    }
    memcpy(wide, signature, 2 * length);
    memcpy(wide + 2 * length, signature, 2 * length);
    ASSERT_REASON(verify(with_signature(input, wide, 4 * length), our_key(alg)),
                  REASON_SIGNATURE_INVALID, "twice");
}
END_TEST

/* ---- Ed25519 ------------------------------------------------------------------ */

/* The order of the base point: 2^252 + 27742317777372353535851937790883648493. */
static BIGNUM *edwards_order(void)
{
    BIGNUM *order = BN_new();
    BIGNUM *rest = NULL;

    ck_assert(BN_dec2bn(&rest, "27742317777372353535851937790883648493"));
    ck_assert(BN_set_bit(order, 252) && BN_add(order, order, rest));
    BN_free(rest);
    return order;
}

/* RFC 8032 5.1.7: S is below the order; S + L would sign the same. */
START_TEST(rejects_ed25519_with_s_at_or_beyond_the_order)
{
    const char *input = signing_input(header_of(JWA_EDDSA), ANY_CLAIMS);
    const struct jwk *key = our_key(JWA_EDDSA);
    BIGNUM *order = edwards_order();
    BIGNUM *s = BN_new();
    unsigned char signature[SIGNATURE_MAX];
    int added;

    sign(signature, JWA_EDDSA, key_of(JWA_EDDSA, OURS), input);
    ASSERT_REASON(verify(with_signature(input, signature, 64), key), REASON_OK, "S");
    ck_assert(BN_lebin2bn(signature + 32, 32, s) && BN_cmp(s, order) < 0);
    for (added = 0; BN_add(s, s, order) && BN_num_bits(s) <= 256; added++) {
        ck_assert_int_eq(BN_bn2lebinpad(s, signature + 32, 32), 32);
        ASSERT_REASON(verify(with_signature(input, signature, 64), key),
                      REASON_SIGNATURE_INVALID, "S + a multiple of the order");
    }
    ck_assert_int_ge(added, 14);
    ck_assert_int_eq(BN_bn2lebinpad(order, signature + 32, 32), 32);
    ASSERT_REASON(verify(with_signature(input, signature, 64), key),
                  REASON_SIGNATURE_INVALID, "the order");
    memset(signature + 32, 0xff, 32);
    ASSERT_REASON(verify(with_signature(input, signature, 64), key),
                  REASON_SIGNATURE_INVALID, "all ones");
    memset(signature + 32, 0, 32);
    ASSERT_REASON(verify(with_signature(input, signature, 64), key),
                  REASON_SIGNATURE_INVALID, "0");
    memset(signature, 0, 64);
    ASSERT_REASON(verify(with_signature(input, signature, 64), key),
                  REASON_SIGNATURE_INVALID, "nothing but zeros");
    BN_free(order);
    BN_free(s);
}
END_TEST

/*
 * The owner of the key can sign with the neutral element for R: S = k a. OpenSSL
 * says that this holds; it is refused because no honest signer ever makes one.
 */
START_TEST(rejects_ed25519_with_a_low_order_r_even_if_it_holds)
{
    const char *input = signing_input(header_of(JWA_EDDSA), ANY_CLAIMS);
    EVP_PKEY *pkey = key_of(JWA_EDDSA, OURS);
    unsigned char *message = apr_palloc(pool, 64 + strlen(input));
    unsigned char signature[64] = {1};
    unsigned char hash[SHA512_DIGEST_LENGTH];
    unsigned char seed[32];
    size_t len = 32;
    BN_CTX *bn_ctx = BN_CTX_new();
    EVP_MD_CTX *md_ctx = EVP_MD_CTX_new();
    BIGNUM *order = edwards_order();
    BIGNUM *scalar;
    BIGNUM *k;

    ck_assert_int_eq(EVP_PKEY_get_raw_private_key(pkey, seed, &len), 1);
    SHA512(seed, 32, hash);
    hash[0] &= 0xf8;
    hash[31] &= 0x7f;
    hash[31] |= 0x40;
    scalar = BN_lebin2bn(hash, 32, NULL);

    memcpy(message, signature, 32);
    ck_assert_int_eq(EVP_PKEY_get_raw_public_key(pkey, message + 32, &len), 1);
    memcpy(message + 64, input, strlen(input));
    SHA512(message, 64 + strlen(input), hash);
    k = BN_lebin2bn(hash, 64, NULL);
    ck_assert(BN_mod_mul(k, k, scalar, order, bn_ctx));
    ck_assert_int_eq(BN_bn2lebinpad(k, signature + 32, 32), 32);
    BN_free(k);
    BN_free(scalar);
    BN_free(order);
    BN_CTX_free(bn_ctx);

    ck_assert(EVP_DigestVerifyInit(md_ctx, NULL, NULL, NULL, pkey) == 1 &&
              EVP_DigestVerify(md_ctx, signature, 64, (const unsigned char *)input,
                               strlen(input)) == 1);
    EVP_MD_CTX_free(md_ctx);
    ASSERT_REASON(verify(with_signature(input, signature, 64), our_key(JWA_EDDSA)),
                  REASON_SIGNATURE_INVALID, "R = 0");
}
END_TEST

START_TEST(rejects_ed25519_with_every_low_order_r)
{
    const char *input = signing_input(header_of(JWA_EDDSA), ANY_CLAIMS);
    unsigned char points[LOW_ORDER_COUNT][32];
    unsigned char signature[SIGNATURE_MAX];

    ed25519_low_order(points);
    sign(signature, JWA_EDDSA, key_of(JWA_EDDSA, OURS), input);
    memcpy(signature, points[_i], 32);
    ASSERT_REASON(verify(with_signature(input, signature, 64), our_key(JWA_EDDSA)),
                  REASON_SIGNATURE_INVALID, "R");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("jws_algorithm");
    TCase *tcase = support_tcase(suite, "RSA");

    keys_make();
    ADD_TABLE(tcase, rejects_pss_with_another_salt_length_digest_or_mask, pss);
    ADD_TABLE(tcase, rejects_pkcs_1_padding_that_differs_in_anything, blocks);
    tcase_add_test(tcase, rejects_an_rsa_signature_at_or_beyond_the_modulus);
    tcase_add_loop_test(tcase, rejects_an_rsa_signature_without_its_leading_zero, 0, 2);
    ADD_TABLE(tcase, verifies_with_every_size_of_key_that_it_takes, unusual);

    tcase = support_tcase(suite, "ECDSA");
    ADD_TABLE(tcase, rejects_ecdsa_with_r_or_s_out_of_range, pairs);
    ADD_TABLE(tcase, rejects_ecdsa_in_der, ec_algorithms);
    ADD_TABLE(tcase, rejects_ecdsa_with_wider_numbers, ec_algorithms);

    tcase = support_tcase(suite, "Ed25519");
    tcase_add_test(tcase, rejects_ed25519_with_s_at_or_beyond_the_order);
    tcase_add_test(tcase, rejects_ed25519_with_a_low_order_r_even_if_it_holds);
    tcase_add_loop_test(tcase, rejects_ed25519_with_every_low_order_r, 0,
                        LOW_ORDER_COUNT);
    return support_run(suite);
}
