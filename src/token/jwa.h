/**
 * @file jwa.h
 * The signature algorithms (RFC 7518 section 3, RFC 8037): one table.
 *
 * There is no "none" here, so no code can ask for it.
 */
#ifndef AUTH0_TOKEN_JWA_H
#define AUTH0_TOKEN_JWA_H

#include <stdbool.h>
#include <stddef.h>

enum jwa_alg {
    JWA_RS256,
    JWA_RS384,
    JWA_RS512,
    JWA_PS256,
    JWA_PS384,
    JWA_PS512,
    JWA_ES256,
    JWA_ES384,
    JWA_ES512,
    JWA_EDDSA,
    JWA_HS256,
    JWA_HS384,
    JWA_HS512,
    JWA_COUNT
};

/** A set of algorithms is the sum of their bits. */
#define JWA_BIT(alg) (1u << (alg))

/** Those that verify with a secret. */
#define JWA_SECRET_ALGORITHMS                                                            \
    (JWA_BIT(JWA_HS256) | JWA_BIT(JWA_HS384) | JWA_BIT(JWA_HS512))

/** Those that verify with a public key. */
#define JWA_PUBLIC_ALGORITHMS ((JWA_BIT(JWA_COUNT) - 1) & ~JWA_SECRET_ALGORITHMS)

/** Key types (RFC 7518 section 6.1, RFC 8037 section 2). */
enum jwa_kty { JWA_KTY_RSA, JWA_KTY_EC, JWA_KTY_OKP, JWA_KTY_OCT };

/** What an algorithm is made of; the names are OpenSSL's. */
struct jwa {
    const char *name;   /**< the "alg" value */
    const char *kty;    /**< the "kty" value of its keys */
    enum jwa_kty type;  /**< the same */
    const char *digest; /**< NULL where the scheme brings its own (EdDSA) */
    size_t digest_size; /**< bytes; also the PSS salt and the shortest HMAC key */
    bool pss;           /**< RSASSA-PSS rather than PKCS #1 v1.5 */
    const char *crv;    /**< the "crv" value of its keys; NULL for RSA and oct */
    const char *group;  /**< that curve; NULL for RSA and oct */
    size_t coordinate;  /**< bytes of one coordinate; 0 for RSA and oct */
};

/** The row of @a alg, which is below JWA_COUNT. */
const struct jwa *jwa_get(enum jwa_alg alg);

/**
 * Find an algorithm by the exact value of "alg".
 *
 * @return false when @a name is NULL or no algorithm's name
 */
bool jwa_find(enum jwa_alg *alg, const char *name);

#endif
