#include "token/jwt.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

struct jwt {
    struct jws jws;
    const json_value *payload;
    apr_pool_t *pool;
};

enum reason jwt_parse(struct jwt **jwt, const char *token, size_t len, apr_pool_t *pool)
{
    static const struct json_limits limits = JSON_LIMITS_DEFAULT;
    struct jwt *parsed = apr_pcalloc(pool, sizeof(*parsed));
    enum reason reason;

    *jwt = NULL;
    parsed->pool = pool;
    reason = jws_parse(&parsed->jws, token, len, pool);
    if (reason != REASON_OK) {
        return reason;
    }
    if (parsed->jws.payload_len == 0) {
        return REASON_TOKEN_PART_EMPTY;
    }
    reason = json_parse(&parsed->payload, parsed->jws.payload, parsed->jws.payload_len,
                        &limits, pool);
    if (reason != REASON_OK) {
        return reason;
    }
    if (!json_is_object(parsed->payload)) {
        return REASON_PAYLOAD_MALFORMED;
    }
    *jwt = parsed;
    return REASON_OK;
}

const struct jws *jwt_jws(const struct jwt *jwt)
{
    return &jwt->jws;
}

const char *jwt_unverified_issuer(const struct jwt *jwt)
{
    return json_string(json_member(jwt->payload, "iss"));
}

static int compare_words(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void sort_words(struct jwt_words *set)
{
    if (set->count > 1) {
        qsort(set->words, set->count, sizeof(*set->words), compare_words);
    }
}

bool jwt_words_contain(const struct jwt_words *set, const char *word)
{
    return set->count > 0 && bsearch(&word, set->words, set->count, sizeof(*set->words),
                                     compare_words) != NULL;
}

/* An array of strings; anything else leaves the set empty and returns false. */
static bool read_string_array(struct jwt_words *set, const json_value *array,
                              apr_pool_t *pool)
{
    size_t size;

    if (!json_is_array(array)) {
        return false;
    }
    size = json_size(array);
    set->words = apr_palloc(pool, (size + 1) * sizeof(*set->words));
    for (const json_value *v = json_first(array); v != NULL; v = json_next(v)) {
        if (json_string(v) == NULL) {
            set->count = 0;
            return false;
        }
        set->words[set->count++] = json_string(v);
    }
    sort_words(set);
    return true;
}

/* RFC 7519 4.1.3: one string or an array of them. */
static bool read_audience(struct jwt_words *set, const json_value *aud, apr_pool_t *pool)
{
    if (json_string(aud) != NULL) {
        set->words = apr_palloc(pool, sizeof(*set->words));
        set->words[set->count++] = json_string(aud);
        return true;
    }
    return read_string_array(set, aud, pool) && set->count > 0;
}

/* RFC 6749 3.3: words between single spaces; more spaces do no harm. */
static void read_scope(struct jwt_words *set, const json_value *scope, apr_pool_t *pool)
{
    const char *text = json_string(scope);
    char *rest;
    char *word;

    if (text == NULL) {
        return;
    }
    set->words = apr_palloc(pool, (strlen(text) / 2 + 1) * sizeof(*set->words));
    word = apr_strtok(apr_pstrdup(pool, text), " ", &rest);
    while (word != NULL) {
        set->words[set->count++] = word;
        word = apr_strtok(NULL, " ", &rest);
    }
    sort_words(set);
}

static struct jwt_time read_time(const json_value *member)
{
    struct jwt_time time = {.state = JWT_TIME_ABSENT};

    if (member != NULL) {
        time.state =
            json_time(&time.seconds, member) ? JWT_TIME_PRESENT : JWT_TIME_MALFORMED;
    }
    return time;
}

/* Only called once the signature holds. */
static const struct jwt_claims *read_claims(const struct jwt *jwt)
{
    struct jwt_claims *claims = apr_pcalloc(jwt->pool, sizeof(*claims));
    const json_value *payload = jwt->payload;

    claims->alg = jwt->jws.alg;
    claims->typ = jwt->jws.typ;
    claims->payload = payload;
    claims->issuer = json_string(json_member(payload, "iss"));
    claims->audience_valid =
        read_audience(&claims->audience, json_member(payload, "aud"), jwt->pool);
    claims->exp = read_time(json_member(payload, "exp"));
    claims->nbf = read_time(json_member(payload, "nbf"));
    claims->iat = read_time(json_member(payload, "iat"));
    claims->bound = json_member(payload, "cnf") != NULL;
    read_string_array(&claims->permissions, json_member(payload, "permissions"),
                      jwt->pool);
    read_scope(&claims->scope, json_member(payload, "scope"), jwt->pool);
    return claims;
}

enum reason jwt_verify(const struct jwt_claims **claims, struct jwt *jwt,
                       const struct jwk *key)
{
    enum reason reason = jws_verify(&jwt->jws, key);

    *claims = reason == REASON_OK ? read_claims(jwt) : NULL;
    return reason;
}

enum reason jwt_verify_secret(const struct jwt_claims **claims, struct jwt *jwt,
                              const struct secret *secret)
{
    enum reason reason = jws_verify_secret(&jwt->jws, secret);

    *claims = reason == REASON_OK ? read_claims(jwt) : NULL;
    return reason;
}

static enum reason check_audience(const struct jwt_claims *claims,
                                  const struct jwt_policy *policy)
{
    if (!claims->audience_valid) {
        return REASON_AUDIENCE_MALFORMED;
    }
    for (size_t i = 0; i < policy->audience_count; i++) {
        if (jwt_words_contain(&claims->audience, policy->audiences[i])) {
            return REASON_OK;
        }
    }
    return REASON_AUDIENCE_MISMATCH;
}

static enum reason check_times(const struct jwt_claims *claims, int leeway,
                               apr_int64_t now)
{
    double seconds = (double)now / 1e6;

    if (claims->exp.state != JWT_TIME_PRESENT) {
        return REASON_EXP_MALFORMED;
    }
    /* RFC 7519 4.1.4: "on or after which" it must not be accepted. */
    if (seconds >= claims->exp.seconds + leeway) {
        return REASON_EXPIRED;
    }
    if (claims->nbf.state == JWT_TIME_MALFORMED) {
        return REASON_NBF_MALFORMED;
    }
    if (claims->nbf.state == JWT_TIME_PRESENT && claims->nbf.seconds > seconds + leeway) {
        return REASON_NOT_YET_VALID;
    }
    if (claims->iat.state == JWT_TIME_MALFORMED) {
        return REASON_IAT_MALFORMED;
    }
    if (claims->iat.state == JWT_TIME_PRESENT && claims->iat.seconds > seconds + leeway) {
        return REASON_ISSUED_IN_FUTURE;
    }
    return REASON_OK;
}

static bool typ_is_accepted(enum jws_typ typ, enum jwt_profile profile)
{
    return profile == JWT_PROFILE_RFC9068 ? typ == JWS_TYP_AT_JWT : typ != JWS_TYP_OTHER;
}

/* The user's name goes into logs, variables and header fields: no control characters. */
static bool user_is_valid(const char *user)
{
    return user != NULL && *user != '\0' && strlen(user) <= JWT_USER_MAX &&
           !json_has_control(user);
}

enum reason jwt_check(const char **user, const struct jwt_claims *claims,
                      const struct jwt_policy *policy, apr_int64_t now)
{
    enum reason reason;
    const char *name;

    *user = NULL;
    if ((policy->algorithms & JWA_BIT(claims->alg)) == 0) {
        return REASON_ALGORITHM_NOT_ALLOWED;
    }
    if (claims->issuer == NULL || policy->issuer == NULL ||
        strcmp(claims->issuer, policy->issuer) != 0) {
        return REASON_ISSUER_MISMATCH;
    }
    reason = check_audience(claims, policy);
    if (reason != REASON_OK) {
        return reason;
    }
    reason = check_times(claims, policy->leeway, now);
    if (reason != REASON_OK) {
        return reason;
    }
    if (!typ_is_accepted(claims->typ, policy->profile)) {
        return REASON_TYPE_MISMATCH;
    }
    if (claims->bound) {
        return REASON_TOKEN_BOUND;
    }
    name = json_string(json_member(claims->payload, policy->user_claim));
    if (!user_is_valid(name)) {
        return REASON_USER_CLAIM_INVALID;
    }
    *user = name;
    return REASON_OK;
}
