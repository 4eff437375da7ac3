/*
 * The input as a token's header. The verdict is worked out a second time, from the
 * rules of RFC 7515 4.1 over the same JSON reader.
 */
#include <apr_strings.h>
#include <string.h>
#include <strings.h>

#include "fuzz.h"
#include "token/jwk.h"
#include "token/jws.h"

static const struct json_limits limits = {
    .depth = 8, .members = 64, .values = JWS_HEADER_MAX};

static bool is_one_of(const char *text, const char *const *names)
{
    for (; *names != NULL; names++) {
        if (text != NULL && strcasecmp(text, *names) == 0) {
            return true;
        }
    }
    return false;
}

static enum jws_typ expected_typ(const json_value *typ)
{
    static const char *const jwt[] = {"JWT", "application/JWT", NULL};
    static const char *const at_jwt[] = {"at+jwt", "application/at+jwt", NULL};

    if (typ == NULL) {
        return JWS_TYP_ABSENT;
    }
    return is_one_of(json_string(typ), jwt)      ? JWS_TYP_JWT
           : is_one_of(json_string(typ), at_jwt) ? JWS_TYP_AT_JWT
                                                 : JWS_TYP_OTHER;
}

static bool is_supported(const json_value *header)
{
    static const char *const nested[] = {"JWT", "application/JWT", NULL};
    const json_value *cty = json_member(header, "cty");

    if (cty != NULL &&
        (json_string(cty) == NULL || is_one_of(json_string(cty), nested))) {
        return false;
    }
    return json_member(header, "crit") == NULL && json_member(header, "b64") == NULL &&
           json_member(header, "zip") == NULL;
}

static bool kid_is_sound(const json_value *kid)
{
    const char *text = json_string(kid);

    return kid == NULL || (text != NULL && strlen(text) >= 1 && strlen(text) <= 256 &&
                           !fuzz_has_control(text));
}

static const char *const names[] = {"RS256", "RS384", "RS512", "PS256", "PS384",
                                    "PS512", "ES256", "ES384", "ES512", "EdDSA",
                                    "HS256", "HS384", "HS512"};

static bool alg_is_known(const json_value *alg)
{
    const char *text = json_string(alg);

    for (size_t i = 0; i < COUNT(names); i++) {
        if (text != NULL && strcmp(text, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

static enum reason expected_reason(const json_value **header, const char *text,
                                   size_t len, apr_pool_t *pool)
{
    enum reason reason;

    if (len > 2048) {
        return REASON_HEADER_TOO_LONG;
    }
    reason = json_parse(header, text, len, &limits, pool);
    if (reason != REASON_OK) {
        return reason;
    }
    if (!json_is_object(*header)) {
        return REASON_HEADER_MALFORMED;
    }
    if (!alg_is_known(json_member(*header, "alg"))) {
        return REASON_ALGORITHM_UNKNOWN;
    }
    if (!is_supported(*header)) {
        return REASON_HEADER_UNSUPPORTED;
    }
    return kid_is_sound(json_member(*header, "kid")) ? REASON_OK : REASON_KID_MALFORMED;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool = fuzz_begin();
    const char *token = apr_pstrcat(pool, fuzz_b64(data, size), ".e30.c2ln", NULL);
    size_t len = strlen(token);
    const char *exact = fuzz_bytes(token, len);
    const json_value *header = NULL;
    enum reason reason;
    enum reason expected;
    struct jws jws;

    reason = jws_parse(&jws, exact, len, pool);
    expected = len > 8192  ? REASON_TOKEN_TOO_LONG
               : size == 0 ? REASON_TOKEN_PART_EMPTY
                           : expected_reason(&header, fuzz_bytes(data, size), size, pool);
    HOLDS(reason == expected);
    if (reason == REASON_OK) {
        const char *kid = json_string(json_member(header, "kid"));

        HOLDS(strcmp(jwa_get(jws.alg)->name, json_string(json_member(header, "alg"))) ==
              0);
        HOLDS(jws.typ == expected_typ(json_member(header, "typ")));
        HOLDS((jws.kid == NULL) == (kid == NULL));
        HOLDS(kid == NULL || strcmp(jws.kid, kid) == 0);
        HOLDS(jws.input == exact && jws.input_len == len - strlen(".c2ln"));
        HOLDS(jws.payload_len == 2 && strcmp(jws.payload, "{}") == 0);
        HOLDS(jws.signature_len == 3 && memcmp(jws.signature, "sig", 3) == 0);
    }
    fuzz_end();
    return 0;
}
