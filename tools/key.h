/**
 * @file key.h
 * Development keys: made, read, published. Private keys exist in this tool only;
 * nothing of this is part of the module.
 *
 * Functions that can fail return NULL on success, else why: a phrase that is
 * safe to print.
 */
#ifndef AUTH0_TOOLS_KEY_H
#define AUTH0_TOOLS_KEY_H

#include <apr_pools.h>
#include <openssl/evp.h>
#include <stddef.h>

#include "token/jwa.h"

/** A key that signs with one algorithm: a private key or a secret. */
struct signing_key {
    enum jwa_alg alg;
    EVP_PKEY *pkey; /**< freed with the pool; NULL for a secret */
    const unsigned char *secret;
    size_t secret_len;
};

/**
 * Make a private key for a public-key algorithm.
 *
 * @param bits  of the modulus of an RSA key
 */
const char *key_generate(struct signing_key *key, enum jwa_alg alg, unsigned bits,
                         apr_pool_t *pool);

/** The private key as PEM (PKCS #8, not encrypted); wiped with the pool. */
const char *key_to_pem(const char **pem, size_t *len, const struct signing_key *key,
                       apr_pool_t *pool);

/**
 * Read a private key from PEM.
 *
 * @param alg  the algorithm to use it for; NULL for the usual one of its kind:
 *             RS256, the curve's ECDSA, or EdDSA
 */
const char *key_from_pem(struct signing_key *key, const char *pem, size_t len,
                         const enum jwa_alg *alg, apr_pool_t *pool);

/**
 * Random text (base64url) to be used as a secret: its random bytes are as many
 * as the algorithm's hash has.
 */
const char *key_generate_secret(const char **text, enum jwa_alg alg, apr_pool_t *pool);

/** RFC 7638: SHA-256 of the public key's required members, as base64url. */
const char *key_thumbprint(const char **thumbprint, const struct signing_key *key,
                           apr_pool_t *pool);

/** The public key as a JWK Set of one key, with a line end. */
const char *key_to_jwks(const char **jwks, const struct signing_key *key, const char *kid,
                        apr_pool_t *pool);

#endif
