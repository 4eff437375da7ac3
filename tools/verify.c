#include <apr_strings.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "explain.h"
#include "files.h"
#include "show.h"

/* As the module's Auth0Leeway. */
#define LEEWAY 5
#define LEEWAY_MAX 300

static const struct option_row options[] = {
    {"jwks", "FILE|URL", 0, "the issuer's public keys, a JWK Set; the URL https"},
    {"ca-file", "FILE", 0, "trust anchors for that URL, instead of the system's"},
    {"secret", "FILE", 0, "or a shared secret"},
    {"issuer", "ISSUER", OPTION_REQUIRED, "iss must be this, byte for byte"},
    {"audience", "AUDIENCE", OPTION_REQUIRED | OPTION_REPEATED,
     "aud must hold one of these"},
    {"alg", "NAME", OPTION_REPEATED, "allowed (default RS256; HS256 with --secret)"},
    {"leeway", "SECONDS", 0, "clock difference to forgive, 0 to 300 (default 5)"},
    {"user-claim", "NAME", 0, "the claim that names the user (default sub)"},
    {"permission", "NAME", OPTION_REPEATED, "permissions must hold all of these"},
    {"scope", "\"A B\"", OPTION_REPEATED, "scope must hold all these words"},
    {NULL, NULL, 0, NULL},
};

static const char *const *strings_of(const apr_array_header_t *array)
{
    return (const char *const *)array->elts;
}

static enum status read_algorithms(unsigned *algorithms,
                                   const struct arguments *arguments, apr_pool_t *pool)
{
    const apr_array_header_t *names = option_values(arguments, "alg");
    bool secret = option_value(arguments, "secret") != NULL;

    *algorithms = names->nelts > 0 ? 0 : JWA_BIT(secret ? JWA_HS256 : JWA_RS256);
    for (int i = 0; i < names->nelts; i++) {
        const char *name = APR_ARRAY_IDX(names, i, const char *);
        enum jwa_alg alg;

        if (!jwa_find(&alg, name)) {
            return complain(arguments, STATUS_USAGE,
                            "--alg %s is no algorithm known here", show_text(name, pool));
        }
        if ((jwa_get(alg)->type == JWA_KTY_OCT) != secret) {
            return complain(arguments, STATUS_USAGE, "--alg %s goes with --%s only", name,
                            secret ? "jwks" : "secret");
        }
        *algorithms |= JWA_BIT(alg);
    }
    return STATUS_DONE;
}

/* The words of all --scope options. */
static enum status read_scopes(struct verification *v, const struct arguments *arguments,
                               apr_pool_t *pool)
{
    const apr_array_header_t *values = option_values(arguments, "scope");
    apr_array_header_t *words = apr_array_make(pool, 4, sizeof(const char *));

    for (int i = 0; i < values->nelts; i++) {
        char *rest;
        char *text = apr_pstrdup(pool, APR_ARRAY_IDX(values, i, const char *));
        char *word = apr_strtok(text, " ", &rest);

        if (word == NULL) {
            return complain(arguments, STATUS_USAGE, "the value of --scope has no word");
        }
        for (; word != NULL; word = apr_strtok(NULL, " ", &rest)) {
            APR_ARRAY_PUSH(words, const char *) = word;
        }
    }
    v->scopes = strings_of(words);
    v->scope_count = (size_t)words->nelts;
    return STATUS_DONE;
}

static enum status read_policy(struct verification *v, const struct arguments *arguments,
                               apr_pool_t *pool)
{
    const apr_array_header_t *audiences = option_values(arguments, "audience");
    const apr_array_header_t *permissions = option_values(arguments, "permission");
    const char *user_claim = option_value(arguments, "user-claim");
    long long leeway;
    enum status status;

    v->now = apr_time_now();
    v->policy.issuer = option_value(arguments, "issuer");
    v->policy.audiences = strings_of(audiences);
    v->policy.audience_count = (size_t)audiences->nelts;
    v->policy.profile = JWT_PROFILE_AUTO;
    v->policy.user_claim = user_claim != NULL ? user_claim : "sub";
    v->permissions = strings_of(permissions);
    v->permission_count = (size_t)permissions->nelts;
    status = option_number(&leeway, arguments, "leeway", LEEWAY, 0, LEEWAY_MAX);
    if (status == STATUS_DONE) {
        v->policy.leeway = (int)leeway;
        status = read_algorithms(&v->policy.algorithms, arguments, pool);
    }
    if (status == STATUS_DONE) {
        status = read_scopes(v, arguments, pool);
    }
    return status;
}

static apr_status_t free_jwks(void *data)
{
    jwks_destroy(data);
    return APR_SUCCESS;
}

static apr_status_t free_secret(void *data)
{
    secret_destroy(data);
    return APR_SUCCESS;
}

static enum status read_jwks(struct verification *v, const struct arguments *arguments,
                             apr_pool_t *pool)
{
    const char *source = option_value(arguments, "jwks");
    struct jwks *jwks;
    const char *text;
    size_t len;
    enum reason reason;
    const char *why =
        read_key_document(&text, &len, source, option_value(arguments, "ca-file"), pool);

    if (why != NULL) {
        return complain(arguments, STATUS_UNAVAILABLE, "%s", why);
    }
    reason = jwks_parse(&jwks, text, len, pool);
    apr_pool_cleanup_register(pool, jwks, free_jwks, apr_pool_cleanup_null);
    v->jwks = jwks;
    if (reason == REASON_OK) {
        return STATUS_DONE;
    }
    if (jwks != NULL && jwks->skipped_count > 0) {
        return complain(arguments, STATUS_UNAVAILABLE, "%s: %s: %s",
                        show_text(source, pool), reason_name(reason),
                        explain_keys(jwks, pool));
    }
    return complain(arguments, STATUS_UNAVAILABLE, "%s: %s: %s", show_text(source, pool),
                    reason_name(reason), explain_key_document(reason));
}

static enum status read_secret(struct verification *v, const struct arguments *arguments,
                               apr_pool_t *pool)
{
    const char *path = option_value(arguments, "secret");
    struct secret *secret;
    const char *bytes;
    size_t len;
    size_t least = 0;
    const char *why = file_read_secret(&bytes, &len, path, pool);

    if (why != NULL) {
        return complain(arguments, STATUS_UNAVAILABLE, "%s", why);
    }
    secret = secret_create((const unsigned char *)bytes, len, v->policy.algorithms);
    apr_pool_cleanup_register(pool, secret, free_secret, apr_pool_cleanup_null);
    v->secret = secret;
    if (secret != NULL) {
        return STATUS_DONE;
    }
    for (enum jwa_alg i = 0; i < JWA_COUNT; i++) {
        if ((v->policy.algorithms & JWA_BIT(i)) != 0 && jwa_get(i)->digest_size > least) {
            least = jwa_get(i)->digest_size;
        }
    }
    return complain(arguments, STATUS_UNAVAILABLE,
                    "the secret in %s has %" APR_SIZE_T_FMT " bytes; %" APR_SIZE_T_FMT
                    " to %d are needed for the allowed algorithms",
                    show_text(path, pool), len, least, SECRET_MAX);
}

static enum status read_keys(struct verification *v, const struct arguments *arguments,
                             apr_pool_t *pool)
{
    bool jwks = option_value(arguments, "jwks") != NULL;
    bool secret = option_value(arguments, "secret") != NULL;

    if (jwks == secret) {
        return complain(arguments, STATUS_USAGE, "%s",
                        jwks ? "--jwks and --secret exclude each other"
                             : "--jwks FILE|URL or --secret FILE is required");
    }
    return jwks ? read_jwks(v, arguments, pool) : read_secret(v, arguments, pool);
}

static enum reason check_words(const struct jwt_words *granted,
                               const char *const *required, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!jwt_words_contain(granted, required[i])) {
            return REASON_PERMISSION_MISSING;
        }
    }
    return REASON_OK;
}

/* The steps of the module, in its order; nothing of the claims before the signature. */
static enum reason verify(const char **user, struct verification *v, const char *token,
                          size_t len, apr_pool_t *pool)
{
    const struct jwk *key = NULL;
    const char *issuer;
    enum reason reason = jwt_parse(&v->jwt, token, len, pool);

    if (reason != REASON_OK) {
        return reason;
    }
    if ((v->policy.algorithms & JWA_BIT(jwt_jws(v->jwt)->alg)) == 0) {
        return REASON_ALGORITHM_NOT_ALLOWED;
    }
    issuer = jwt_unverified_issuer(v->jwt);
    if (issuer == NULL || strcmp(issuer, v->policy.issuer) != 0) {
        return REASON_ISSUER_UNKNOWN;
    }
    if (v->jwks != NULL) {
        reason = jwks_find(&key, v->jwks, jwt_jws(v->jwt)->kid, jwt_jws(v->jwt)->alg);
    }
    if (reason == REASON_OK) {
        reason = key != NULL ? jwt_verify(&v->claims, v->jwt, key)
                             : jwt_verify_secret(&v->claims, v->jwt, v->secret);
    }
    if (reason == REASON_OK) {
        reason = jwt_check(user, v->claims, &v->policy, v->now);
    }
    if (reason == REASON_OK) {
        reason =
            check_words(&v->claims->permissions, v->permissions, v->permission_count);
    }
    if (reason == REASON_OK) {
        reason = check_words(&v->claims->scope, v->scopes, v->scope_count);
    }
    return reason;
}

static enum status report(enum reason reason, const char *user,
                          const struct verification *v, apr_pool_t *pool)
{
    const char *more;

    if (reason == REASON_OK) {
        printf("accepted: %s=%s\n", show_text(v->policy.user_claim, pool),
               show_text(user, pool));
        return STATUS_DONE;
    }
    printf("refused: %s: %s\n", reason_name(reason), reason_sentence(reason));
    more = explain(reason, v, pool);
    if (more != NULL) {
        printf("%s\n", more);
    }
    return STATUS_REFUSED;
}

static enum status run(const struct arguments *arguments, apr_pool_t *pool)
{
    struct verification v = {0};
    const char *user = NULL;
    const char *token = NULL;
    size_t len = 0;
    enum reason reason;
    enum status status = read_policy(&v, arguments, pool);

    if (status == STATUS_DONE) {
        status = read_keys(&v, arguments, pool);
    }
    if (status == STATUS_DONE) {
        status = read_token(&token, &len, arguments, pool);
    }
    if (status != STATUS_DONE) {
        return status;
    }
    reason = verify(&user, &v, token, len, pool);
    if (reason == REASON_INTERNAL_ERROR) {
        return complain(arguments, STATUS_UNAVAILABLE, "out of memory");
    }
    return report(reason, user, &v, pool);
}

const struct command command_verify = {
    .name = "verify",
    .operand = "[TOKEN | -]",
    .summary = "Accept or refuse a token as the module would, and say why.",
    .options = options,
    .details =
        "Prints \"accepted: sub=...\", or \"refused: reason: sentence\" with a line about\n"
        "what was expected, and exits with 1. One of --jwks and --secret is needed; a\n"
        "secret is the file's bytes less one line end.\n",
    .run = run,
};
