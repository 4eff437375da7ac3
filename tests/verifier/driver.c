/**
 * @file driver.c
 * src/token as a filter: one JSON object a line comes in, one goes out, so that
 * Python can put tens of thousands of cases to the verifier in seconds.
 *
 *     {"op":"verify", KEYS, "token":BYTES, "algorithms":[names], "issuer":"...",
 *      "audiences":["..."], "leeway":s, "user_claim":"...", "profile":"rfc9068",
 *      "now":s, "skip_claims":true}
 *                      -> {"reason":"ok", "claims":"JSON text", "user":"..."}
 *     {"op":"jws", KEYS, "token":BYTES, "algorithms":[names]}
 *                      -> {"reason":"ok", "alg":"RS256", "payload":"base64"}
 *     {"op":"jwks", "jwks":BYTES}
 *                      -> {"reason":"ok", "keys":[{"kid":..., "algorithms":[...]}],
 *                          "skipped":[{"position":0, "kid":..., "why":"..."}]}
 *     {"op":"json", "text":BYTES, "depth":n, "members":n, "values":n}
 *                      -> {"reason":"ok", "text":"as json_text has it",
 *                          "walked":"as the getters see it", "time":"of member time"}
 *
 * KEYS is "jwks":BYTES or "secret":BYTES. BYTES are base64 (not base64url), so that
 * anything can be carried; an absent member is no bytes at all. What a configuration
 * would refuse to start with has reasons of its own: "secret_refused" and
 * "algorithm_unheard_of". A command that this program does not understand ends it.
 */
#include <apr_base64.h>
#include <apr_general.h>
#include <apr_pools.h>
#include <apr_strings.h>
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "token/json.h"
#include "token/jwk.h"
#include "token/jws.h"
#include "token/jwt.h"
#include "token/secret.h"

#define AUDIENCES_MAX 16

struct bytes {
    char *data; /* on the heap with nothing behind it, where ASan sees a read too far */
    size_t len;
};

/* What a token is held to: keys, owned by the last set, or a secret. */
struct keys {
    const struct jwks *jwks;
    struct secret *secret;
    unsigned algorithms;
};

static void give_up(const char *problem)
{
    fprintf(stderr, "driver: %s\n", problem);
    exit(64);
}

static const char *text_of(const cJSON *command, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(command, name));
}

static double number_of(const cJSON *command, const char *name, double absent)
{
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(command, name);

    return cJSON_IsNumber(member) ? member->valuedouble : absent;
}

static struct bytes bytes_of(const cJSON *command, const char *name, apr_pool_t *pool)
{
    const char *text = text_of(command, name);
    struct bytes bytes = {.data = NULL};
    char *decoded;

    if (text == NULL) {
        text = "";
    }
    decoded = apr_palloc(pool, (apr_size_t)apr_base64_decode_len(text) + 1);
    bytes.len = (size_t)apr_base64_decode_binary((unsigned char *)decoded, text);
    bytes.data = malloc(bytes.len > 0 ? bytes.len : 1);
    if (bytes.data == NULL) {
        give_up("no memory");
    }
    memcpy(bytes.data, decoded, bytes.len);
    return bytes;
}

static void put_base64(cJSON *answer, const char *name, const char *bytes, size_t len,
                       apr_pool_t *pool)
{
    char *text = apr_palloc(pool, (apr_size_t)apr_base64_encode_len((int)len));

    apr_base64_encode_binary(text, (const unsigned char *)bytes, (int)len);
    cJSON_AddStringToObject(answer, name, text);
}

static void put_reason(cJSON *answer, enum reason reason)
{
    cJSON_AddStringToObject(answer, "reason", reason_name(reason));
}

static void put_algorithms(cJSON *answer, unsigned algorithms)
{
    cJSON *names = cJSON_AddArrayToObject(answer, "algorithms");

    for (enum jwa_alg i = 0; i < JWA_COUNT; i++) {
        if ((algorithms & JWA_BIT(i)) != 0) {
            cJSON_AddItemToArray(names, cJSON_CreateString(jwa_get(i)->name));
        }
    }
}

/* kid may be NULL, and in a skipped key anything that is UTF-8. */
static void put_kid(cJSON *answer, const char *kid)
{
    if (kid != NULL) {
        cJSON_AddStringToObject(answer, "kid", kid);
    }
}

/* Without "algorithms", all of those that the keys could be for. */
static bool read_algorithms(unsigned *algorithms, const cJSON *command, unsigned absent)
{
    const cJSON *names = cJSON_GetObjectItemCaseSensitive(command, "algorithms");
    const cJSON *name;

    *algorithms = names != NULL ? 0 : absent;
    cJSON_ArrayForEach(name, names) {
        enum jwa_alg alg;

        if (!jwa_find(&alg, cJSON_GetStringValue(name))) {
            return false;
        }
        *algorithms |= JWA_BIT(alg);
    }
    return true;
}

/*
 * The set that was read last. Reading one takes much longer than verifying with it, and
 * a server too reads it once for many tokens.
 */
static struct {
    struct bytes text;
    struct jwks *jwks;
    enum reason reason;
} last_set;

static void forget_set(void)
{
    jwks_destroy(last_set.jwks);
    free(last_set.text.data);
    memset(&last_set, 0, sizeof(last_set));
}

/* Takes the text over. */
static enum reason read_set(const struct jwks **jwks, struct bytes text, apr_pool_t *pool)
{
    if (last_set.text.data != NULL && last_set.text.len == text.len &&
        memcmp(last_set.text.data, text.data, text.len) == 0) {
        free(text.data);
    }
    else {
        forget_set();
        last_set.text = text;
        last_set.reason = jwks_parse(&last_set.jwks, text.data, text.len, pool);
    }
    *jwks = last_set.jwks;
    return last_set.reason;
}

/* NULL when there is something to verify with, else why there is not. */
static const char *read_keys(struct keys *keys, const cJSON *command, apr_pool_t *pool)
{
    bool secret = text_of(command, "secret") != NULL;
    enum reason reason;
    struct bytes bytes;

    memset(keys, 0, sizeof(*keys));
    if (!read_algorithms(&keys->algorithms, command,
                         secret ? JWA_SECRET_ALGORITHMS : JWA_PUBLIC_ALGORITHMS)) {
        return "algorithm_unheard_of";
    }
    bytes = bytes_of(command, secret ? "secret" : "jwks", pool);
    if (!secret) {
        reason = read_set(&keys->jwks, bytes, pool);
        return reason == REASON_OK ? NULL : reason_name(reason);
    }
    keys->secret =
        secret_create((const unsigned char *)bytes.data, bytes.len, keys->algorithms);
    free(bytes.data);
    return keys->secret != NULL ? NULL : "secret_refused";
}

static enum reason find_key(const struct jwk **key, const struct keys *keys,
                            const struct jws *jws)
{
    *key = NULL;
    if ((keys->algorithms & JWA_BIT(jws->alg)) == 0) {
        return REASON_ALGORITHM_NOT_ALLOWED;
    }
    if (keys->secret != NULL) {
        return REASON_OK;
    }
    return jwks_find(key, keys->jwks, jws->kid, jws->alg);
}

static void read_policy(struct jwt_policy *policy, const char *audiences[AUDIENCES_MAX],
                        const cJSON *command)
{
    const char *profile = text_of(command, "profile");
    const char *user_claim = text_of(command, "user_claim");
    const cJSON *audience;

    memset(policy, 0, sizeof(*policy));
    policy->issuer = text_of(command, "issuer");
    policy->leeway = (int)number_of(command, "leeway", 0);
    policy->user_claim = user_claim != NULL ? user_claim : "sub";
    if (profile != NULL && strcmp(profile, "rfc9068") == 0) {
        policy->profile = JWT_PROFILE_RFC9068;
    }
    policy->audiences = audiences;
    cJSON_ArrayForEach(audience, cJSON_GetObjectItemCaseSensitive(command, "audiences")) {
        if (policy->audience_count == AUDIENCES_MAX) {
            give_up("too many audiences");
        }
        audiences[policy->audience_count++] = cJSON_GetStringValue(audience);
    }
}

/* The steps of httpd/authn.c, less its choice of an issuer: there is one. */
static enum reason verify(cJSON *answer, const cJSON *command, const struct keys *keys,
                          const struct bytes *token, apr_pool_t *pool)
{
    const char *audiences[AUDIENCES_MAX];
    bool skip = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(command, "skip_claims"));
    const struct jwt_claims *claims;
    const struct jwk *key;
    const char *user = NULL;
    struct jwt_policy policy;
    struct jwt *jwt;
    enum reason reason;

    read_policy(&policy, audiences, command);
    policy.algorithms = keys->algorithms;
    reason = jwt_parse(&jwt, token->data, token->len, pool);
    if (reason == REASON_OK) {
        reason = find_key(&key, keys, jwt_jws(jwt));
    }
    if (reason != REASON_OK) {
        return reason;
    }
    reason = key != NULL ? jwt_verify(&claims, jwt, key)
                         : jwt_verify_secret(&claims, jwt, keys->secret);
    if (reason == REASON_OK && !skip) {
        double now = number_of(command, "now", 0);

        reason = jwt_check(&user, claims, &policy, (apr_int64_t)(now * 1e6));
    }
    if (reason == REASON_OK) {
        cJSON_AddStringToObject(answer, "claims", json_text(claims->payload, pool));
        if (user != NULL) {
            cJSON_AddStringToObject(answer, "user", user);
        }
    }
    return reason;
}

/* The signature alone: the payload may be anything. */
static enum reason verify_jws(cJSON *answer, const struct keys *keys,
                              const struct bytes *token, apr_pool_t *pool)
{
    const struct jwk *key;
    struct jws jws;
    enum reason reason = jws_parse(&jws, token->data, token->len, pool);

    if (reason == REASON_OK) {
        reason = find_key(&key, keys, &jws);
    }
    if (reason == REASON_OK) {
        reason =
            key != NULL ? jws_verify(&jws, key) : jws_verify_secret(&jws, keys->secret);
    }
    if (reason == REASON_OK) {
        cJSON_AddStringToObject(answer, "alg", jwa_get(jws.alg)->name);
        put_base64(answer, "payload", jws.payload, jws.payload_len, pool);
    }
    return reason;
}

static void answer_token(cJSON *answer, const cJSON *command, bool claims,
                         apr_pool_t *pool)
{
    struct bytes token = bytes_of(command, "token", pool);
    struct keys keys;
    const char *why = read_keys(&keys, command, pool);

    if (why != NULL) {
        cJSON_AddStringToObject(answer, "reason", why);
    }
    else if (claims) {
        put_reason(answer, verify(answer, command, &keys, &token, pool));
    }
    else {
        put_reason(answer, verify_jws(answer, &keys, &token, pool));
    }
    secret_destroy(keys.secret);
    free(token.data);
}

static void answer_jwks(cJSON *answer, const cJSON *command, apr_pool_t *pool)
{
    const struct jwks *jwks;
    cJSON *list;

    put_reason(answer, read_set(&jwks, bytes_of(command, "jwks", pool), pool));
    if (jwks == NULL) {
        return;
    }
    list = cJSON_AddArrayToObject(answer, "keys");
    for (size_t i = 0; i < jwks->count; i++) {
        cJSON *key = cJSON_CreateObject();

        put_kid(key, jwks->keys[i].kid);
        put_algorithms(key, jwks->keys[i].algorithms);
        cJSON_AddItemToArray(list, key);
    }
    list = cJSON_AddArrayToObject(answer, "skipped");
    for (size_t i = 0; i < jwks->skipped_count; i++) {
        cJSON *key = cJSON_CreateObject();

        put_kid(key, jwks->skipped[i].kid);
        cJSON_AddNumberToObject(key, "position", jwks->skipped[i].position);
        cJSON_AddStringToObject(key, "why", jwks->skipped[i].why);
        cJSON_AddItemToArray(list, key);
    }
}

/* A value once more, by the getters that the verifier itself uses. */
static const char *walk(const json_value *value, apr_pool_t *pool)
{
    bool object = json_is_object(value);
    const char *text = object ? "{" : "[";
    bool boolean;

    if (json_string(value) != NULL) {
        return json_quote(json_string(value), pool);
    }
    if (json_bool(&boolean, value)) {
        return boolean ? "true" : "false";
    }
    if (!object && !json_is_array(value)) {
        return json_text(value, pool);
    }
    for (const json_value *v = json_first(value); v != NULL; v = json_next(v)) {
        /* A name leads to its own member and to no other. */
        if (object && json_member(value, json_name(v)) != v) {
            give_up("json_member finds another member");
        }
        text = apr_pstrcat(pool, text, object ? json_quote(json_name(v), pool) : "",
                           object ? ":" : "", walk(v, pool),
                           json_next(v) != NULL ? "," : "", NULL);
    }
    return apr_pstrcat(pool, text, object ? "}" : "]", NULL);
}

static void answer_json(cJSON *answer, const cJSON *command, apr_pool_t *pool)
{
    struct json_limits limits = JSON_LIMITS_DEFAULT;
    struct bytes text = bytes_of(command, "text", pool);
    const json_value *value;
    enum reason reason;
    char digits[32];
    double seconds;

    limits.depth = (unsigned)number_of(command, "depth", limits.depth);
    limits.members = (unsigned)number_of(command, "members", limits.members);
    limits.values = (unsigned)number_of(command, "values", limits.values);
    reason = json_parse(&value, text.data, text.len, &limits, pool);
    free(text.data); /* the value must not need the text any more */
    put_reason(answer, reason);
    if (reason != REASON_OK) {
        return;
    }
    cJSON_AddStringToObject(answer, "text", json_text(value, pool));
    cJSON_AddStringToObject(answer, "walked", walk(value, pool));
    if (json_time(&seconds, json_member(value, "time"))) {
        /* Not apr_snprintf, which loses the last digit. */
        snprintf(digits, sizeof(digits), "%.17g", seconds);
        cJSON_AddStringToObject(answer, "time", digits);
    }
}

static void answer_command(cJSON *answer, const cJSON *command, apr_pool_t *pool)
{
    const char *op = text_of(command, "op");

    if (op != NULL && strcmp(op, "verify") == 0) {
        answer_token(answer, command, true, pool);
    }
    else if (op != NULL && strcmp(op, "jws") == 0) {
        answer_token(answer, command, false, pool);
    }
    else if (op != NULL && strcmp(op, "jwks") == 0) {
        answer_jwks(answer, command, pool);
    }
    else if (op != NULL && strcmp(op, "json") == 0) {
        answer_json(answer, command, pool);
    }
    else {
        give_up("unknown operation");
    }
}

static void answer_line(const char *line, size_t len, apr_pool_t *pool)
{
    cJSON *command = cJSON_ParseWithLength(line, len);
    cJSON *answer = cJSON_CreateObject();
    char *text;

    if (command == NULL || answer == NULL) {
        give_up("not a JSON text");
    }
    answer_command(answer, command, pool);
    text = cJSON_PrintUnformatted(answer);
    if (text == NULL) {
        give_up("no memory");
    }
    puts(text);
    cJSON_free(text);
    cJSON_Delete(answer);
    cJSON_Delete(command);
}

int main(void)
{
    char *line = NULL;
    size_t room = 0;
    apr_pool_t *pool;
    ssize_t len;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    while ((len = getline(&line, &room, stdin)) > 0) {
        answer_line(line, (size_t)len, pool);
        apr_pool_clear(pool);
    }
    free(line);
    forget_set();
    apr_pool_destroy(pool);
    apr_terminate();
    return ferror(stdin) || fflush(stdout) != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
