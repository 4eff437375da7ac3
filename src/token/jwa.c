#include "token/jwa.h"

#include <string.h>

/* clang-format off */
static const struct jwa table[JWA_COUNT] = {
    [JWA_RS256] = {"RS256", "RSA", JWA_KTY_RSA, "SHA256", 32, false, NULL, NULL, 0},
    [JWA_RS384] = {"RS384", "RSA", JWA_KTY_RSA, "SHA384", 48, false, NULL, NULL, 0},
    [JWA_RS512] = {"RS512", "RSA", JWA_KTY_RSA, "SHA512", 64, false, NULL, NULL, 0},
    [JWA_PS256] = {"PS256", "RSA", JWA_KTY_RSA, "SHA256", 32, true,  NULL, NULL, 0},
    [JWA_PS384] = {"PS384", "RSA", JWA_KTY_RSA, "SHA384", 48, true,  NULL, NULL, 0},
    [JWA_PS512] = {"PS512", "RSA", JWA_KTY_RSA, "SHA512", 64, true,  NULL, NULL, 0},
    [JWA_ES256] = {"ES256", "EC",  JWA_KTY_EC,  "SHA256", 32, false, "P-256", "prime256v1", 32},
    [JWA_ES384] = {"ES384", "EC",  JWA_KTY_EC,  "SHA384", 48, false, "P-384", "secp384r1",  48},
    [JWA_ES512] = {"ES512", "EC",  JWA_KTY_EC,  "SHA512", 64, false, "P-521", "secp521r1",  66},
    [JWA_EDDSA] = {"EdDSA", "OKP", JWA_KTY_OKP, NULL,      0, false, "Ed25519", "ED25519",  32},
    [JWA_HS256] = {"HS256", "oct", JWA_KTY_OCT, "SHA256", 32, false, NULL, NULL, 0},
    [JWA_HS384] = {"HS384", "oct", JWA_KTY_OCT, "SHA384", 48, false, NULL, NULL, 0},
    [JWA_HS512] = {"HS512", "oct", JWA_KTY_OCT, "SHA512", 64, false, NULL, NULL, 0},
};
/* clang-format on */

const struct jwa *jwa_get(enum jwa_alg alg)
{
    return &table[alg];
}

bool jwa_find(enum jwa_alg *alg, const char *name)
{
    if (name == NULL) {
        return false;
    }
    for (enum jwa_alg i = 0; i < JWA_COUNT; i++) {
        if (strcmp(table[i].name, name) == 0) {
            *alg = i;
            return true;
        }
    }
    return false;
}
