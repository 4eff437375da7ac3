#include "policy.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>
#include <strings.h>

#include "running.h"
#include "show.h"

/* As the module's Auth0Leeway. */
#define LEEWAY 5
#define LEEWAY_MAX 300

#define WELL_KNOWN ".well-known/jwks.json"

/* What --config says instead. */
static const char *const said_by_config[] = {
    "domain", "jwks",    "secret",     "issuer",     "audience", "alg",
    "leeway", "profile", "user-claim", "permission", "scope",    NULL};

static const char *const of_config[] = {"path", "server", "method", "httpd", NULL};

static const char *const *strings_of(const apr_array_header_t *array)
{
    return (const char *const *)array->elts;
}

/* The first of these options that is given. */
static const char *find_given(const struct arguments *arguments, const char *const *names)
{
    for (; *names != NULL; names++) {
        if (option_given(arguments, *names)) {
            return *names;
        }
    }
    return NULL;
}

void policy_read_limits(struct fetch_limits *limits, const struct arguments *arguments)
{
    static const struct fetch_limits defaults = FETCH_LIMITS_DEFAULT;
    const char *proxy = option_value(arguments, "proxy");

    *limits = defaults;
    limits->ca_file = option_value(arguments, "ca-file");
    limits->proxy = proxy != NULL && strcmp(proxy, "none") == 0 ? "" : proxy;
}

const char *policy_domain(const char *text, apr_pool_t *pool)
{
    char *domain;
    size_t len;

    if (strncasecmp(text, "https://", 8) == 0) {
        text += 8;
    }
    domain = apr_pstrdup(pool, text);
    len = strlen(domain);
    while (len > 0 && (domain[len - 1] == '/' || apr_isspace(domain[len - 1]))) {
        domain[--len] = '\0';
    }
    for (size_t i = 0; i < len; i++) {
        domain[i] = (char)apr_tolower(domain[i]);
        if (!apr_isalnum(domain[i]) && strchr(".-:", domain[i]) == NULL) {
            return NULL;
        }
    }
    return len > 0 ? domain : NULL;
}

static enum status read_algorithms(unsigned *algorithms,
                                   const struct arguments *arguments, apr_pool_t *pool)
{
    const apr_array_header_t *names = option_values(arguments, "alg");
    bool secret = option_given(arguments, "secret");

    *algorithms = names->nelts > 0 ? 0 : JWA_BIT(secret ? JWA_HS256 : JWA_RS256);
    for (int i = 0; i < names->nelts; i++) {
        const char *name = APR_ARRAY_IDX(names, i, const char *);
        enum jwa_alg alg;

        if (!jwa_find(&alg, name)) {
            return complain(arguments, STATUS_USAGE,
                            "--alg %s is no algorithm known here", show_text(name, pool));
        }
        if ((jwa_get(alg)->type == JWA_KTY_OCT) != secret) {
            return complain(arguments, STATUS_USAGE, "--alg %s goes with %s only", name,
                            secret ? "public keys" : "--secret");
        }
        *algorithms |= JWA_BIT(alg);
    }
    return STATUS_DONE;
}

/* The words of all --scope options. */
static enum status read_scopes(apr_array_header_t *words,
                               const struct arguments *arguments, apr_pool_t *pool)
{
    const apr_array_header_t *values = option_values(arguments, "scope");

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
    return STATUS_DONE;
}

static enum status read_requirements(struct policy *policy,
                                     const struct arguments *arguments, apr_pool_t *pool)
{
    apr_array_header_t *lines = apr_array_make(pool, 2, sizeof(struct requirement *));
    apr_array_header_t *scopes = apr_array_make(pool, 4, sizeof(const char *));
    const apr_array_header_t *permissions = option_values(arguments, "permission");
    enum status status = read_scopes(scopes, arguments, pool);

    if (permissions->nelts > 0) {
        APR_ARRAY_PUSH(lines, struct requirement *) =
            require_line("auth0-permission", permissions, pool);
    }
    if (scopes->nelts > 0) {
        APR_ARRAY_PUSH(lines, struct requirement *) =
            require_line("auth0-scope", scopes, pool);
    }
    policy->require = lines->nelts > 0 ? require_all(lines, pool) : NULL;
    return status;
}

static enum status read_profile(struct policy *policy, const struct arguments *arguments)
{
    const char *name = option_value(arguments, "profile");

    policy->asked.profile = JWT_PROFILE_AUTO;
    if (name == NULL || strcasecmp(name, "auto") == 0) {
        return STATUS_DONE;
    }
    policy->asked.profile = JWT_PROFILE_RFC9068;
    return strcasecmp(name, "rfc9068") == 0
               ? STATUS_DONE
               : complain(arguments, STATUS_USAGE, "--profile is auto or rfc9068");
}

/* One of --domain, --jwks and --secret; --domain and --jwks: its keys from elsewhere. */
static enum status read_trust(struct policy *policy, const struct arguments *arguments,
                              apr_pool_t *pool)
{
    struct trust *trust = apr_pcalloc(pool, sizeof(*trust));
    const char *domain = option_value(arguments, "domain");
    const char *jwks = option_value(arguments, "jwks");
    const char *secret = option_value(arguments, "secret");

    if (secret != NULL && (jwks != NULL || domain != NULL)) {
        return complain(arguments, STATUS_USAGE, "--%s and --secret exclude each other",
                        jwks != NULL ? "jwks" : "domain");
    }
    if (secret == NULL && jwks == NULL && domain == NULL) {
        return complain(
            arguments, STATUS_USAGE,
            "--domain DOMAIN, --jwks FILE|URL, --secret FILE or --config FILE "
            "is required");
    }
    trust->issuer = option_value(arguments, "issuer");
    if (domain != NULL) {
        domain = policy_domain(domain, pool);
        if (domain == NULL) {
            return complain(arguments, STATUS_USAGE,
                            "--domain is a host, such as tenant.us.auth0.com");
        }
        if (trust->issuer == NULL) {
            trust->issuer = apr_pstrcat(pool, "https://", domain, "/", NULL);
        }
        if (jwks == NULL) {
            jwks = apr_pstrcat(pool, "https://", domain, "/" WELL_KNOWN, NULL);
        }
    }
    if (trust->issuer == NULL) {
        return complain(arguments, STATUS_USAGE,
                        "--issuer ISSUER is required (or --domain)");
    }
    trust->kind = secret != NULL ? TRUST_SECRET : TRUST_KEYS;
    trust->source = secret != NULL ? secret : jwks;
    APR_ARRAY_PUSH(policy->trusts, struct trust *) = trust;
    return STATUS_DONE;
}

static enum status read_said(struct policy *policy, const struct arguments *arguments,
                             apr_pool_t *pool)
{
    const apr_array_header_t *audiences = option_values(arguments, "audience");
    const char *user_claim = option_value(arguments, "user-claim");
    const char *stray = find_given(arguments, of_config);
    long long leeway;
    enum status status;

    if (stray != NULL) {
        return complain(arguments, STATUS_USAGE, "--%s goes with --config FILE", stray);
    }
    policy->method = "GET";
    policy->asked.audiences = strings_of(audiences);
    policy->asked.audience_count = (size_t)audiences->nelts;
    policy->asked.user_claim = user_claim != NULL ? user_claim : "sub";
    status = read_trust(policy, arguments, pool);
    if (status == STATUS_DONE && audiences->nelts == 0) {
        status = complain(arguments, STATUS_USAGE, "--audience AUDIENCE is required");
    }
    if (status == STATUS_DONE) {
        status = option_number(&leeway, arguments, "leeway", LEEWAY, 0, LEEWAY_MAX);
        policy->asked.leeway = (int)leeway;
    }
    if (status == STATUS_DONE) {
        status = read_profile(policy, arguments);
    }
    if (status == STATUS_DONE) {
        status = read_algorithms(&policy->asked.algorithms, arguments, pool);
    }
    if (status == STATUS_DONE) {
        status = read_requirements(policy, arguments, pool);
    }
    return status;
}

enum status policy_read(struct policy *policy, struct policy_place *place,
                        const struct arguments *arguments, apr_pool_t *pool)
{
    const char *stray;

    memset(policy, 0, sizeof(*policy));
    memset(place, 0, sizeof(*place));
    place->notes = apr_array_make(pool, 4, sizeof(const char *));
    policy->trusts = apr_array_make(pool, 2, sizeof(struct trust *));
    policy_read_limits(&policy->limits, arguments);
    if (!option_given(arguments, "config")) {
        return read_said(policy, arguments, pool);
    }
    stray = find_given(arguments, said_by_config);
    if (stray != NULL) {
        return complain(arguments, STATUS_USAGE,
                        "--%s is what the configuration says: --config goes without it",
                        stray);
    }
    if (!option_given(arguments, "path")) {
        return complain(arguments, STATUS_USAGE, "--config needs --path, such as /api");
    }
    policy->configured = true;
    policy->method = option_value(arguments, "method");
    policy->method = policy->method != NULL ? policy->method : "GET";
    return running_read(policy, place, arguments, pool);
}
