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

void jwt_words_sort(struct jwt_words *set)
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

bool jwt_words_contain_all(const struct jwt_words *set, const struct jwt_words *words)
{
    size_t at = 0;

    for (size_t i = 0; i < words->count; i++) {
        int order = -1;

        while (at < set->count && (order = strcmp(set->words[at], words->words[i])) < 0) {
            at++;
        }
        if (order != 0) {
            return false;
        }
    }
    return true;
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
    jwt_words_sort(set);
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
static void read_scope(struct jwt_claims *claims, const json_value *scope,
                       apr_pool_t *pool)
{
    struct jwt_words *set = &claims->scope;
    const char *text = json_string(scope);
    char *out;

    if (text == NULL) {
        return;
    }
    set->words = apr_palloc(pool, (strlen(text) / 2 + 1) * sizeof(*set->words));
    out = apr_palloc(pool, strlen(text) + 1);
    while (*(text += strspn(text, " ")) != '\0') {
        size_t len = strcspn(text, " ");

        set->words[set->count++] = memcpy(out, text, len);
        out[len] = '\0';
        out += len + 1;
        claims->scope_size += len + 1;
        text += len;
    }
    jwt_words_sort(set);
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
    read_scope(claims, json_member(payload, "scope"), jwt->pool);
    return claims;
}

/*
 * Packed claims: the struct, the words' pointers, the scope's words, the payload, which
 * has numbers in it and wants to be aligned for them. A pointer moves by as much as what
 * it points to.
 */
static const void *moved(const void *pointer, const void *from, const void *to)
{
    return pointer != NULL
               ? (const char *)to + ((const char *)pointer - (const char *)from)
               : NULL;
}

static size_t aligned(size_t size)
{
    return APR_ALIGN(size, sizeof(double));
}

static size_t words_size(const struct jwt_words *set)
{
    return set->count * sizeof(*set->words);
}

static size_t scope_offset(const struct jwt_claims *claims)
{
    return aligned(sizeof(*claims) + words_size(&claims->audience) +
                   words_size(&claims->permissions) + words_size(&claims->scope));
}

static size_t payload_offset(const struct jwt_claims *claims)
{
    return scope_offset(claims) + aligned(claims->scope_size);
}

size_t jwt_claims_size(const struct jwt_claims *claims)
{
    return payload_offset(claims) + json_document_size(claims->payload);
}

/* The first of a scope's words in memory, of which the sorted first may be another. */
static const char *first_in_memory(const struct jwt_words *set)
{
    const char *first = set->words[0];

    for (size_t i = 1; i < set->count; i++) {
        first = set->words[i] < first ? set->words[i] : first;
    }
    return first;
}

/* Copy the pointers, each as it is after a move of what it points to. */
static char *pack_words(char *at, struct jwt_words *set, const void *from, const void *to)
{
    const char **words = (const char **)(void *)at;

    for (size_t i = 0; i < set->count; i++) {
        words[i] = moved(set->words[i], from, to);
    }
    set->words = words;
    return at + words_size(set);
}

const struct jwt_claims *jwt_claims_pack(void *memory, const struct jwt_claims *claims)
{
    struct jwt_claims *copy = memory;
    char *at = (char *)(copy + 1);
    char *scope = (char *)memory + scope_offset(claims);
    const void *from = claims->payload;
    const void *to;

    *copy = *claims;
    copy->payload = json_document_copy((char *)memory + payload_offset(claims), from);
    to = copy->payload;
    copy->issuer = moved(claims->issuer, from, to);
    at = pack_words(at, &copy->audience, from, to);
    at = pack_words(at, &copy->permissions, from, to);
    if (claims->scope.count > 0) {
        from = first_in_memory(&claims->scope);
        memcpy(scope, from, claims->scope_size);
    }
    pack_words(at, &copy->scope, from, scope);
    return copy;
}

static void unpack_words(struct jwt_words *set, const void *from, void *to)
{
    size_t offset = (size_t)((const char *)set->words - (const char *)from);

    set->words = (const char **)(void *)((char *)to + offset);
    for (size_t i = 0; i < set->count; i++) {
        set->words[i] = moved(set->words[i], from, to);
    }
}

const struct jwt_claims *jwt_claims_unpack(void *memory, const void *packed)
{
    struct jwt_claims *claims = memory;

    claims->payload = moved(claims->payload, packed, memory);
    claims->issuer = moved(claims->issuer, packed, memory);
    unpack_words(&claims->audience, packed, memory);
    unpack_words(&claims->permissions, packed, memory);
    unpack_words(&claims->scope, packed, memory);
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
