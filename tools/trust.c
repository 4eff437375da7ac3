#include "explain.h"

#include <apr_strings.h>
#include <apr_tables.h>
#include <string.h>

#include "show.h"

static const char *algorithm_names(unsigned algorithms, apr_pool_t *pool)
{
    const char *names = "";

    for (enum jwa_alg i = 0; i < JWA_COUNT; i++) {
        if ((algorithms & JWA_BIT(i)) != 0) {
            names = apr_pstrcat(pool, names, *names != '\0' ? " or " : "",
                                jwa_get(i)->name, NULL);
        }
    }
    return names;
}

static const char *explain_issuer(const struct verification *v, apr_pool_t *pool)
{
    const char *issuer = jwt_unverified_issuer(v->jwt);
    const char *hint = "";
    size_t expected_len = strlen(v->policy.issuer);
    size_t len = issuer != NULL ? strlen(issuer) : 0;
    size_t shorter = len < expected_len ? len : expected_len;

    /* The commonest mistake: everything but the slash at the end. */
    if (issuer != NULL && strncmp(issuer, v->policy.issuer, shorter) == 0 &&
        (strcmp(issuer + shorter, "/") == 0 ||
         strcmp(v->policy.issuer + shorter, "/") == 0)) {
        hint = "; they differ in the slash at the end, and Auth0's issuers end in one";
    }
    return apr_psprintf(
        pool, "expected iss %s, the token has %s%s", show_quoted(v->policy.issuer, pool),
        issuer != NULL ? show_quoted(issuer, pool) : "no string there", hint);
}

const char *explain_keys(const struct jwks *jwks, apr_pool_t *pool)
{
    const char *list = "";
    apr_array_header_t *texts = apr_array_make(pool, 8, sizeof(const char *));

    for (size_t i = 0; i < jwks->count; i++) {
        const struct jwk *key = &jwks->keys[i];

        APR_ARRAY_PUSH(texts, const char *) = apr_psprintf(
            pool, "%s for %s", key->kid != NULL ? show_quoted(key->kid, pool) : "no kid",
            algorithm_names(key->algorithms, pool));
    }
    for (size_t i = 0; i < jwks->skipped_count; i++) {
        const struct jwk_skipped *key = &jwks->skipped[i];

        APR_ARRAY_PUSH(texts, const char *) = apr_psprintf(
            pool, "%s not usable: %s",
            key->kid != NULL ? show_quoted(key->kid, pool) : "no kid", key->why);
    }
    for (int i = 0; i < texts->nelts; i++) {
        list = apr_pstrcat(pool, list, i > 0 ? "; " : "",
                           APR_ARRAY_IDX(texts, i, const char *), NULL);
    }
    return texts->nelts > 0 ? list : "no key at all";
}

const char *explain_key_document(enum reason reason)
{
    switch ((int)reason) {
    case REASON_JWKS_MALFORMED:
        return "not a JWK Set, which is {\"keys\": [...]} with an object for each key";
    case REASON_JWKS_TOO_LARGE:
        return "more than 64 keys, or more than 131072 bytes";
    case REASON_JWKS_PRIVATE_KEY:
        return "it holds a private key, which must never be published";
    case REASON_JWKS_NO_USABLE_KEY:
        return "it has no usable key";
    case REASON_INTERNAL_ERROR:
        return "out of memory";
    default:
        return "not JSON that can be read safely";
    }
}

static const char *explain_key(const struct verification *v, apr_pool_t *pool)
{
    const struct jws *jws = jwt_jws(v->jwt);

    return apr_psprintf(pool, "the token has kid %s and alg %s; the key set has %s",
                        jws->kid != NULL ? show_quoted(jws->kid, pool) : "nothing",
                        jwa_get(jws->alg)->name, explain_keys(v->jwks, pool));
}

static const char *explain_signature(const struct verification *v, apr_pool_t *pool)
{
    if (v->secret != NULL) {
        return "the token was changed after it was signed, or signed with another secret";
    }
    return apr_psprintf(pool,
                        "the token was changed after it was signed, or signed with a key "
                        "other than %s of the key set",
                        jwt_jws(v->jwt)->kid != NULL
                            ? show_quoted(jwt_jws(v->jwt)->kid, pool)
                            : "the one");
}

static const char *explain_time(enum reason reason, const struct verification *v,
                                apr_pool_t *pool)
{
    const char *name = reason == REASON_EXPIRED         ? "exp"
                       : reason == REASON_NOT_YET_VALID ? "nbf"
                                                        : "iat";
    double seconds = reason == REASON_EXPIRED         ? v->claims->exp.seconds
                     : reason == REASON_NOT_YET_VALID ? v->claims->nbf.seconds
                                                      : v->claims->iat.seconds;
    double now = (double)v->now / (double)APR_USEC_PER_SEC;

    return apr_psprintf(pool, "the token has %s %s; leeway %d seconds", name,
                        show_time(seconds, now, pool), v->policy.leeway);
}

static const char *explain_claim(const char *expected, const char *claim,
                                 const struct verification *v, apr_pool_t *pool)
{
    return apr_psprintf(pool, "expected %s, the token has %s", expected,
                        show_value(json_member(v->claims->payload, claim), pool));
}

/* The required words that are lacking; NULL when none is. */
static const char *missing_words(const char *claim, const char *const *required,
                                 size_t count, const struct jwt_words *granted,
                                 const struct verification *v, apr_pool_t *pool)
{
    apr_array_header_t *missing = apr_array_make(pool, 4, sizeof(const char *));

    for (size_t i = 0; i < count; i++) {
        if (!jwt_words_contain(granted, required[i])) {
            APR_ARRAY_PUSH(missing, const char *) = required[i];
        }
    }
    if (missing->nelts == 0) {
        return NULL;
    }
    return explain_claim(apr_pstrcat(pool,
                                     show_words((const char *const *)missing->elts,
                                                (size_t)missing->nelts, pool),
                                     " in ", claim, NULL),
                         claim, v, pool);
}

static const char *explain_words(const struct verification *v, apr_pool_t *pool)
{
    const char *permissions =
        missing_words("permissions", v->permissions, v->permission_count,
                      &v->claims->permissions, v, pool);
    const char *scopes =
        missing_words("scope", v->scopes, v->scope_count, &v->claims->scope, v, pool);

    if (permissions != NULL && scopes != NULL) {
        return apr_pstrcat(pool, permissions, "; ", scopes, NULL);
    }
    return permissions != NULL ? permissions : scopes;
}

const char *explain(enum reason reason, const struct verification *v, apr_pool_t *pool)
{
    switch ((int)reason) {
    case REASON_ALGORITHM_NOT_ALLOWED:
        return apr_psprintf(pool, "expected alg %s, the token has %s",
                            algorithm_names(v->policy.algorithms, pool),
                            jwa_get(jwt_jws(v->jwt)->alg)->name);
    case REASON_ISSUER_UNKNOWN:
    case REASON_ISSUER_MISMATCH:
        return explain_issuer(v, pool);
    case REASON_KEY_UNKNOWN:
    case REASON_KEY_AMBIGUOUS:
    case REASON_KEY_NOT_ELIGIBLE:
        return explain_key(v, pool);
    case REASON_SIGNATURE_INVALID:
        return explain_signature(v, pool);
    case REASON_AUDIENCE_MALFORMED:
    case REASON_AUDIENCE_MISMATCH:
        return explain_claim(
            apr_pstrcat(pool, v->policy.audience_count > 1 ? "one of " : "",
                        show_words(v->policy.audiences, v->policy.audience_count, pool),
                        " in aud", NULL),
            "aud", v, pool);
    case REASON_EXP_MALFORMED:
        return explain_claim("a time in exp", "exp", v, pool);
    case REASON_NBF_MALFORMED:
        return explain_claim("a time in nbf", "nbf", v, pool);
    case REASON_IAT_MALFORMED:
        return explain_claim("a time in iat", "iat", v, pool);
    case REASON_EXPIRED:
    case REASON_NOT_YET_VALID:
    case REASON_ISSUED_IN_FUTURE:
        return explain_time(reason, v, pool);
    case REASON_TYPE_MISMATCH:
        return "expected typ JWT, at+jwt or none in the header";
    case REASON_TOKEN_BOUND:
        return explain_claim("no cnf", "cnf", v, pool);
    case REASON_USER_CLAIM_INVALID:
        return explain_claim(apr_psprintf(pool, "1 to %d printable bytes in %s",
                                          JWT_USER_MAX,
                                          show_text(v->policy.user_claim, pool)),
                             v->policy.user_claim, v, pool);
    case REASON_PERMISSION_MISSING:
        return explain_words(v, pool);
    default:
        return show_form(reason);
    }
}
