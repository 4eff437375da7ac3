#include <apr_strings.h>
#include <apr_time.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "files.h"
#include "key.h"
#include "object.h"
#include "show.h"
#include "sign.h"
#include "token/base64url.h"
#include "token/json.h"
#include "token/jws.h"
#include "token/secret.h"

#define EXPIRES_IN 86400

/* Some three thousand years each way. */
#define EXPIRES_IN_MAX 100000000000LL

static const struct option_row options[] = {
    {"key", "FILE", OPTION_REQUIRED, "PEM private key, or a secret (with --alg HS...)"},
    {"alg", "NAME", 0, "algorithm (default: the usual one of the key's kind)"},
    {"kid", "KID", 0, "key id (default: the key's thumbprint; none for a secret)"},
    {"iss", "ISSUER", OPTION_EMPTY, "iss, such as https://tenant.us.auth0.com/"},
    {"aud", "AUDIENCE", OPTION_REPEATED | OPTION_EMPTY, "aud; several make an array"},
    {"sub", "SUBJECT", OPTION_EMPTY, "sub, such as 'auth0|123'"},
    {"permission", "NAME", OPTION_REPEATED | OPTION_EMPTY, "one of permissions"},
    {"scope", "\"A B\"", OPTION_EMPTY, "scope, words with spaces between them"},
    {"claim", "NAME=JSON", OPTION_REPEATED, "any claim, given as JSON"},
    {"header", "NAME=JSON", OPTION_REPEATED, "any header parameter, likewise"},
    {"expires-in", "SECONDS", 0, "exp less iat (default 86400); negative: expired"},
    {NULL, NULL, 0, NULL},
};

static enum status read_secret_key(struct signing_key *key, enum jwa_alg alg,
                                   const struct arguments *arguments, apr_pool_t *pool)
{
    const char *path = option_value(arguments, "key");
    const char *bytes;
    size_t least = jwa_get(alg)->digest_size;
    const char *why = file_read_secret(&bytes, &key->secret_len, path, pool);

    if (why != NULL) {
        return complain(arguments, STATUS_UNAVAILABLE, "%s", why);
    }
    /* RFC 7518 3.2 */
    if (key->secret_len < least || key->secret_len > SECRET_MAX) {
        return complain(arguments, STATUS_UNAVAILABLE,
                        "the secret in %s has %" APR_SIZE_T_FMT
                        " bytes; %s needs %" APR_SIZE_T_FMT " to %d",
                        show_text(path, pool), key->secret_len, jwa_get(alg)->name, least,
                        SECRET_MAX);
    }
    key->alg = alg;
    key->pkey = NULL;
    key->secret = (const unsigned char *)bytes;
    return STATUS_DONE;
}

static enum status read_key(struct signing_key *key, const struct arguments *arguments,
                            apr_pool_t *pool)
{
    const char *path = option_value(arguments, "key");
    const char *name = option_value(arguments, "alg");
    enum jwa_alg alg = JWA_RS256;
    const char *pem;
    const char *why;
    size_t len;

    if (name != NULL && !jwa_find(&alg, name)) {
        return complain(arguments, STATUS_USAGE, "--alg %s is no algorithm known here",
                        show_text(name, pool));
    }
    if (name != NULL && jwa_get(alg)->type == JWA_KTY_OCT) {
        return read_secret_key(key, alg, arguments, pool);
    }
    why = file_read(&pem, &len, path, FILE_KEY_MAX, pool);
    if (why != NULL) {
        return complain(arguments, STATUS_UNAVAILABLE, "%s", why);
    }
    why = key_from_pem(key, pem, len, name != NULL ? &alg : NULL, pool);
    if (why != NULL) {
        return complain(arguments, STATUS_UNAVAILABLE, "%s: %s", show_text(path, pool),
                        why);
    }
    return STATUS_DONE;
}

/* Tokens are UTF-8: an argument in another encoding cannot go into one. */
static enum status check_encoding(const struct arguments *arguments, apr_pool_t *pool)
{
    for (unsigned i = 0; options[i].name != NULL; i++) {
        const apr_array_header_t *values = option_values(arguments, options[i].name);

        for (int n = 0; strcmp(options[i].name, "key") != 0 && n < values->nelts; n++) {
            if (json_quote(APR_ARRAY_IDX(values, n, const char *), pool) == NULL) {
                return complain(arguments, STATUS_USAGE, "the value of --%s is not UTF-8",
                                options[i].name);
            }
        }
    }
    return STATUS_DONE;
}

/* Put all NAME=JSON of an option into an object; null takes the member out. */
static enum status override(object *members, const char *option,
                            const struct arguments *arguments, apr_pool_t *pool)
{
    static const struct json_limits limits = JSON_LIMITS_DEFAULT;
    const apr_array_header_t *values = option_values(arguments, option);
    apr_array_header_t *seen = apr_array_make(pool, 1, sizeof(const char *));

    for (int i = 0; i < values->nelts; i++) {
        const char *pair = APR_ARRAY_IDX(values, i, const char *);
        const char *equals = strchr(pair, '=');
        const json_value *value;
        enum reason reason;
        const char *name;

        if (equals == NULL || equals == pair) {
            return complain(arguments, STATUS_USAGE, "--%s %s must be NAME=JSON", option,
                            show_quoted(pair, pool));
        }
        name = apr_pstrmemdup(pool, pair, (size_t)(equals - pair));
        for (int n = 0; n < seen->nelts; n++) {
            if (strcmp(APR_ARRAY_IDX(seen, n, const char *), name) == 0) {
                return complain(arguments, STATUS_USAGE, "--%s names %s twice", option,
                                show_quoted(name, pool));
            }
        }
        APR_ARRAY_PUSH(seen, const char *) = name;
        reason = json_parse(&value, equals + 1, strlen(equals + 1), &limits, pool);
        if (reason != REASON_OK) {
            return complain(arguments, STATUS_USAGE,
                            "--%s %s: what follows the equals sign is not JSON (%s); "
                            "a string needs its quotes: '%s=\"text\"'",
                            option, show_text(name, pool), reason_name(reason),
                            show_text(name, pool));
        }
        object_set(members, name,
                   strcmp(show_value(value, pool), "null") == 0 ? NULL : equals + 1);
    }
    return STATUS_DONE;
}

static const char *string_array(const apr_array_header_t *strings, apr_pool_t *pool)
{
    apr_array_header_t *quoted =
        apr_array_make(pool, strings->nelts, sizeof(const char *));

    for (int i = 0; i < strings->nelts; i++) {
        APR_ARRAY_PUSH(quoted, const char *) =
            json_quote(APR_ARRAY_IDX(strings, i, const char *), pool);
    }
    return apr_pstrcat(pool, "[", apr_array_pstrcat(pool, quoted, ','), "]", NULL);
}

static enum status make_header(const char **text, const struct signing_key *key,
                               const struct arguments *arguments, apr_pool_t *pool)
{
    object *header = object_create(pool);
    const char *kid = option_value(arguments, "kid");
    const char *why = NULL;
    enum status status;

    if (kid == NULL && key->pkey != NULL) {
        why = key_thumbprint(&kid, key, pool);
    }
    if (why != NULL) {
        return complain(arguments, STATUS_UNAVAILABLE, "%s", why);
    }
    object_set_string(header, "alg", jwa_get(key->alg)->name);
    object_set_string(header, "typ", "JWT");
    if (kid != NULL) {
        object_set_string(header, "kid", kid);
    }
    status = override(header, "header", arguments, pool);
    *text = object_text(header, pool);
    return status;
}

/* In the order in which Auth0 has them. */
static enum status make_payload(const char **text, apr_time_t now,
                                const struct arguments *arguments, apr_pool_t *pool)
{
    object *claims = object_create(pool);
    const apr_array_header_t *aud = option_values(arguments, "aud");
    const apr_array_header_t *permissions = option_values(arguments, "permission");
    apr_int64_t seconds = apr_time_sec(now);
    long long expires_in;
    enum status status;

    if (option_number(&expires_in, arguments, "expires-in", EXPIRES_IN, -EXPIRES_IN_MAX,
                      EXPIRES_IN_MAX) != STATUS_DONE) {
        return STATUS_USAGE;
    }
    if (option_value(arguments, "iss") != NULL) {
        object_set_string(claims, "iss", option_value(arguments, "iss"));
    }
    if (option_value(arguments, "sub") != NULL) {
        object_set_string(claims, "sub", option_value(arguments, "sub"));
    }
    if (aud->nelts == 1) {
        object_set_string(claims, "aud", option_value(arguments, "aud"));
    }
    else if (aud->nelts > 1) {
        object_set(claims, "aud", string_array(aud, pool));
    }
    object_set(claims, "iat", apr_psprintf(pool, "%" APR_INT64_T_FMT, seconds));
    object_set(
        claims, "exp",
        apr_psprintf(pool, "%" APR_INT64_T_FMT, seconds + (apr_int64_t)expires_in));
    if (option_value(arguments, "scope") != NULL) {
        object_set_string(claims, "scope", option_value(arguments, "scope"));
    }
    if (permissions->nelts > 0) {
        object_set(claims, "permissions", string_array(permissions, pool));
    }
    status = override(claims, "claim", arguments, pool);
    *text = object_text(claims, pool);
    return status;
}

static const char *encode(const char *text, apr_pool_t *pool)
{
    size_t len = strlen(text);
    char *encoded = apr_palloc(pool, BASE64URL_ENCODED_LENGTH(len) + 1);

    base64url_encode(encoded, (const unsigned char *)text, len);
    return encoded;
}

static enum status run(const struct arguments *arguments, apr_pool_t *pool)
{
    struct signing_key key = {0};
    const char *header = "";
    const char *payload = "";
    const char *input;
    const char *signature;
    const char *why;
    enum status status = check_encoding(arguments, pool);

    if (status == STATUS_DONE) {
        status = read_key(&key, arguments, pool);
    }
    if (status == STATUS_DONE) {
        status = make_header(&header, &key, arguments, pool);
    }
    if (status == STATUS_DONE) {
        status = make_payload(&payload, apr_time_now(), arguments, pool);
    }
    if (status != STATUS_DONE) {
        return status;
    }
    input = apr_pstrcat(pool, encode(header, pool), ".", encode(payload, pool), NULL);
    why = sign_message(&signature, &key, input, strlen(input), pool);
    if (why != NULL) {
        return complain(arguments, STATUS_UNAVAILABLE, "%s: %s",
                        show_text(option_value(arguments, "key"), pool), why);
    }
    printf("%s.%s\n", input, signature);
    if (strlen(input) + 1 + strlen(signature) > JWS_MAX_LENGTH) {
        complain(arguments, STATUS_DONE,
                 "warning: the token has more than %d characters and will be refused",
                 JWS_MAX_LENGTH);
    }
    return STATUS_DONE;
}

const struct command command_mint = {
    .name = "mint",
    .summary = "Sign a token with a development key and print it.",
    .options = options,
    .details =
        "What is not given is left out, except alg, typ (JWT), kid, iat (now) and exp.\n"
        "--claim and --header replace what the other options and the defaults say; a\n"
        "value of null takes it out. The algorithm that signs is --alg, whatever\n"
        "--header alg=... writes; without --alg it is RS256, the ECDSA of the key's\n"
        "curve, or EdDSA.\n"
        "\n"
        "Auth0's usual tokens need iss, aud and sub:\n"
        "  auth0-jwt mint --key key.pem --iss https://tenant.us.auth0.com/ \\\n"
        "      --aud https://hello-world.example.com --sub 'auth0|123' \\\n"
        "      --permission read:admin-messages --claim 'azp=\"client\"'\n",
    .run = run,
};
