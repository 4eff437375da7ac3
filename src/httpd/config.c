#include "httpd/config.h"

#include <http_core.h>
#include <http_log.h>
#include <apr_strings.h>

#include "httpd/config_values.h"
#include "httpd/module.h"
#include "httpd/pass_claims.h"
#include "httpd/pass_headers.h"
#include "httpd/token_source.h"
#include "token/json.h"

#define LEEWAY_DEFAULT 5
#define LEEWAY_MAX 300
#define ALGORITHMS_DEFAULT JWA_BIT(JWA_RS256)
#define USER_CLAIM_DEFAULT "sub"
#define TRUSTED_DEFAULT "*.auth0.com"

#define FRESH_DEFAULT apr_time_from_sec(10 * 60)
#define STALE_DEFAULT apr_time_from_sec(24 * 60 * 60)
#define COOLDOWN_DEFAULT apr_time_from_sec(30)
#define CONNECT_DEFAULT apr_time_from_sec(2)
#define TOTAL_DEFAULT apr_time_from_sec(5)
#define TOKEN_CACHE_DEFAULT 4096

/* Of this pass over the configuration: lives and goes with pconf. */
static struct server_config *server_config;

static apr_status_t forget(void *data)
{
    (void)data;
    server_config = NULL;
    return APR_SUCCESS;
}

int config_begin(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp)
{
    (void)plog;
    (void)ptemp;
    server_config = apr_pcalloc(pconf, sizeof(*server_config));
    apr_pool_cleanup_register(pconf, NULL, forget, apr_pool_cleanup_null);

    server_config->trusted_domains = apr_array_make(pconf, 2, sizeof(const char *));
    APR_ARRAY_PUSH(server_config->trusted_domains, const char *) = TRUSTED_DEFAULT;
    server_config->passed_headers = apr_array_make(pconf, 4, sizeof(const char *));
    server_config->fetched = apr_array_make(pconf, 4, sizeof(struct issuer *));
    server_config->fixed = apr_array_make(pconf, 2, sizeof(struct issuer *));
    server_config->timing.fresh = FRESH_DEFAULT;
    server_config->timing.stale = STALE_DEFAULT;
    server_config->timing.cooldown = COOLDOWN_DEFAULT;
    server_config->connect_timeout = CONNECT_DEFAULT;
    server_config->total_timeout = TOTAL_DEFAULT;
    server_config->token_cache = TOKEN_CACHE_DEFAULT;
    return OK;
}

struct server_config *config_server(void)
{
    return server_config;
}

void *config_create_dir(apr_pool_t *pool, char *dir)
{
    struct dir_config *config = apr_pcalloc(pool, sizeof(*config));

    (void)dir;
    config->leeway = -1;
    config->pass_token = -1;
    config->report_only = -1;
    return config;
}

void *config_merge_dirs(apr_pool_t *pool, void *base_config, void *add_config)
{
    const struct dir_config *base = base_config;
    const struct dir_config *add = add_config;
    struct dir_config *merged = apr_palloc(pool, sizeof(*merged));

#define MERGE(member, unset)                                                             \
    merged->member = add->member != (unset) ? add->member : base->member
    MERGE(issuers, NULL);
    MERGE(audiences, NULL);
    MERGE(cors_origins, NULL);
    MERGE(token_sources, NULL);
    MERGE(pass_claims, NULL);
    MERGE(pass_headers, NULL);
    MERGE(algorithms, 0);
    MERGE(leeway, -1);
    MERGE(user_claim, NULL);
    MERGE(pass_token, -1);
    MERGE(report_only, -1);
    MERGE(token_profile, TOKEN_PROFILE_UNSET);
    MERGE(error_body, ERROR_BODY_UNSET);
    MERGE(message, NULL);
#undef MERGE
    return merged;
}

const struct dir_config *config_dir(const request_rec *r)
{
    return ap_get_module_config(r->per_dir_config, &auth0_jwt_module);
}

unsigned config_algorithms(const struct dir_config *dir)
{
    return dir->algorithms != 0 ? dir->algorithms : ALGORITHMS_DEFAULT;
}

int config_leeway(const struct dir_config *dir)
{
    return dir->leeway >= 0 ? dir->leeway : LEEWAY_DEFAULT;
}

const char *config_user_claim(const struct dir_config *dir)
{
    return dir->user_claim != NULL ? dir->user_claim : USER_CLAIM_DEFAULT;
}

bool config_pass_token(const struct dir_config *dir)
{
    return dir->pass_token != 0;
}

bool config_report_only(const struct dir_config *dir)
{
    return dir->report_only == 1;
}

enum jwt_profile config_token_profile(const struct dir_config *dir)
{
    return dir->token_profile == TOKEN_PROFILE_RFC9068 ? JWT_PROFILE_RFC9068
                                                       : JWT_PROFILE_AUTO;
}

enum error_body config_error_body(const struct dir_config *dir)
{
    return dir->error_body != ERROR_BODY_UNSET ? dir->error_body : ERROR_BODY_AUTH;
}

bool config_is_our_auth_type(const char *type)
{
    return type != NULL && ap_cstr_casecmp(type, "Auth0") == 0;
}

/* Lines in one section add up. */
static void add_string(apr_array_header_t **list, const cmd_parms *cmd, const char *value)
{
    if (*list == NULL) {
        *list = apr_array_make(cmd->pool, 2, sizeof(const char *));
    }
    APR_ARRAY_PUSH(*list, const char *) = apr_pstrdup(cmd->pool, value);
}

static const char *add_issuer(struct dir_config *dir, const cmd_parms *cmd,
                              struct issuer *issuer)
{
    if (dir->issuers == NULL) {
        dir->issuers = apr_array_make(cmd->pool, 2, sizeof(struct issuer *));
    }
    for (int i = 0; i < dir->issuers->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(dir->issuers, i, struct issuer *)->name, issuer->name) ==
            0) {
            return apr_pstrcat(cmd->pool, cmd->cmd->name, ": ", issuer->name,
                               " is named twice here", NULL);
        }
    }
    APR_ARRAY_PUSH(dir->issuers, struct issuer *) = issuer;
    if (!value_in_htaccess(cmd)) {
        APR_ARRAY_PUSH(issuer->kind == ISSUER_KEYS_URL ? server_config->fetched
                                                       : server_config->fixed,
                       struct issuer *) = issuer;
    }
    return NULL;
}

static const char *set_domain(cmd_parms *cmd, void *config, const char *value)
{
    const char *domain;
    const char *error = value_domain(&domain, cmd, value);

    if (error != NULL) {
        return error;
    }
    /* Who may edit an .htaccess file must not choose whom the server connects to. */
    if (value_in_htaccess(cmd) &&
        !value_domain_is_trusted(domain, server_config->trusted_domains)) {
        return apr_pstrcat(cmd->pool, cmd->cmd->name, ": \"", domain,
                           "\" matches none of the server's Auth0TrustedDomains, so an "
                           ".htaccess file may not name it",
                           NULL);
    }
    return add_issuer(config, cmd, value_domain_issuer(domain, cmd->pool));
}

static const char *set_issuer(cmd_parms *cmd, void *config, int argc, char *const argv[])
{
    struct issuer *issuer;
    const char *error = value_check_trusted(cmd);

    if (error == NULL) {
        error = value_issuer(&issuer, cmd, argc, argv);
    }
    return error != NULL ? error : add_issuer(config, cmd, issuer);
}

static const char *set_audience(cmd_parms *cmd, void *config, const char *value)
{
    struct dir_config *dir = config;
    const char *error = value_check(cmd, value);

    if (error == NULL) {
        add_string(&dir->audiences, cmd, value);
    }
    return error;
}

static const char *set_algorithms(cmd_parms *cmd, void *config, const char *value)
{
    struct dir_config *dir = config;
    const char *error = value_check_trusted(cmd);

    if (error == NULL) {
        error = value_check(cmd, value);
    }
    if (error == NULL) {
        error = value_algorithm(&dir->algorithms, cmd, value);
    }
    if (error == NULL && (dir->algorithms & JWA_SECRET_ALGORITHMS) != 0) {
        return apr_pstrcat(cmd->pool, cmd->cmd->name, ": ", value,
                           " needs a secret; write Auth0Issuer ... secret=file:path "
                           "algorithms=",
                           value, NULL);
    }
    return error;
}

static const char *set_leeway(cmd_parms *cmd, void *config, const char *value)
{
    struct dir_config *dir = config;
    apr_interval_time_t leeway;
    const char *error = value_time(&leeway, cmd, value);

    if (error != NULL) {
        return error;
    }
    if (leeway > apr_time_from_sec(LEEWAY_MAX) || apr_time_usec(leeway) != 0) {
        return apr_psprintf(cmd->pool,
                            "%s: \"%s\" is not a number of whole seconds from "
                            "0 to %d",
                            cmd->cmd->name, value, LEEWAY_MAX);
    }
    dir->leeway = (int)apr_time_sec(leeway);
    return NULL;
}

static const char *set_user_claim(cmd_parms *cmd, void *config, const char *value)
{
    struct dir_config *dir = config;

    dir->user_claim = value;
    return value_check(cmd, value);
}

static const char *set_token_profile(cmd_parms *cmd, void *config, const char *value)
{
    struct dir_config *dir = config;

    if (ap_cstr_casecmp(value, "auto") == 0) {
        dir->token_profile = TOKEN_PROFILE_AUTO;
    }
    else if (ap_cstr_casecmp(value, "rfc9068") == 0) {
        dir->token_profile = TOKEN_PROFILE_RFC9068;
    }
    else {
        return apr_pstrcat(cmd->pool, cmd->cmd->name, ": \"", value,
                           "\" is neither auto nor rfc9068", NULL);
    }
    return NULL;
}

static const char *set_token_source(cmd_parms *cmd, void *config, const char *value)
{
    struct dir_config *dir = config;
    const char *error = value_check_trusted(cmd);

    return error != NULL ? error : token_source_add(&dir->token_sources, cmd, value);
}

static const char *set_pass_claims(cmd_parms *cmd, void *config, const char *value)
{
    struct dir_config *dir = config;

    return pass_claims_add(&dir->pass_claims, cmd, value);
}

static const char *set_pass_headers(cmd_parms *cmd, void *config, const char *value)
{
    struct dir_config *dir = config;
    const char *error = value_check_trusted(cmd);

    return error != NULL ? error : pass_headers_add(&dir->pass_headers, cmd, value);
}

static const char *set_pass_token(cmd_parms *cmd, void *config, int on)
{
    struct dir_config *dir = config;

    dir->pass_token = on;
    return value_check_trusted(cmd);
}

static const char *set_report_only(cmd_parms *cmd, void *config, int on)
{
    struct dir_config *dir = config;

    dir->report_only = on;
    server_config->reports = server_config->reports || on;
    return value_check_trusted(cmd);
}

static const char *set_error_body(cmd_parms *cmd, void *config, const char *value)
{
    struct dir_config *dir = config;

    if (ap_cstr_casecmp(value, "auth") == 0) {
        dir->error_body = ERROR_BODY_AUTH;
    }
    else if (ap_cstr_casecmp(value, "all") == 0) {
        dir->error_body = ERROR_BODY_ALL;
    }
    else if (ap_cstr_casecmp(value, "off") == 0) {
        dir->error_body = ERROR_BODY_OFF;
    }
    else {
        return apr_pstrcat(cmd->pool, cmd->cmd->name, ": \"", value,
                           "\" is none of auth, all and off", NULL);
    }
    return NULL;
}

static const char *set_cors_origin(cmd_parms *cmd, void *config, const char *value)
{
    struct dir_config *dir = config;
    const char *origin;
    const char *error = value_check_trusted(cmd);

    if (error == NULL) {
        error = value_origin(&origin, cmd, value);
    }
    if (error == NULL) {
        add_string(&dir->cors_origins, cmd, origin);
    }
    return error;
}

static const char *set_message(cmd_parms *cmd, void *config, const char *value)
{
    struct dir_config *dir = config;
    const char *error = value_check_trusted(cmd);
    const char *quoted;

    if (error == NULL) {
        error = value_check(cmd, value);
    }
    if (error != NULL) {
        return error;
    }
    quoted = json_quote(value, cmd->pool);
    if (quoted == NULL) {
        return apr_pstrcat(cmd->pool, cmd->cmd->name, ": the text is not UTF-8", NULL);
    }
    dir->message = apr_pstrcat(cmd->pool, "{\"message\":", quoted, "}", NULL);
    return NULL;
}

static const char *set_trusted_domains(cmd_parms *cmd, void *config, const char *value)
{
    const char *error = ap_check_cmd_context(cmd, GLOBAL_ONLY);

    (void)config;
    if (error == NULL) {
        error = value_check(cmd, value);
    }
    if (error == NULL) {
        if (!server_config->trusted_set) {
            apr_array_clear(server_config->trusted_domains); /* the default goes */
            server_config->trusted_set = true;
        }
        add_string(&server_config->trusted_domains, cmd, value);
    }
    return error;
}

static const char *set_ca_file(cmd_parms *cmd, void *config, const char *value)
{
    const char *error = ap_check_cmd_context(cmd, GLOBAL_ONLY);

    (void)config;
    return error != NULL ? error : value_ca_file(&server_config->ca_file, cmd, value);
}

static const char *set_http_proxy(cmd_parms *cmd, void *config, const char *value)
{
    const char *error = ap_check_cmd_context(cmd, GLOBAL_ONLY);

    (void)config;
    return error != NULL ? error : value_proxy(&server_config->proxy, cmd, value);
}

static const char *set_state_dir(cmd_parms *cmd, void *config, const char *value)
{
    const char *error = ap_check_cmd_context(cmd, GLOBAL_ONLY);

    (void)config;
    return error != NULL ? error : value_state_dir(&server_config->state_dir, cmd, value);
}

static const char *set_jwks_refresh(cmd_parms *cmd, void *config, const char *fresh,
                                    const char *stale, const char *cooldown)
{
    struct jwks_timing *timing = &server_config->timing;
    const char *error = ap_check_cmd_context(cmd, GLOBAL_ONLY);

    (void)config;
    if (error == NULL) {
        error = value_time(&timing->fresh, cmd, fresh);
    }
    if (error == NULL && stale != NULL) {
        error = value_time(&timing->stale, cmd, stale);
    }
    if (error == NULL && cooldown != NULL) {
        error = value_time(&timing->cooldown, cmd, cooldown);
    }
    if (error == NULL && stale == NULL && timing->stale < timing->fresh) {
        timing->stale = timing->fresh;
    }
    if (error == NULL && timing->fresh == 0) {
        error = apr_pstrcat(cmd->pool, cmd->cmd->name, ": the fresh time is 0", NULL);
    }
    if (error == NULL && timing->stale < timing->fresh) {
        error = apr_pstrcat(cmd->pool, cmd->cmd->name,
                            ": the stale time is shorter than the fresh time", NULL);
    }
    return error;
}

static const char *set_http_timeout(cmd_parms *cmd, void *config, const char *connect,
                                    const char *total)
{
    struct server_config *server = server_config;
    const char *error = ap_check_cmd_context(cmd, GLOBAL_ONLY);

    (void)config;
    if (error == NULL) {
        error = value_time(&server->connect_timeout, cmd, connect);
    }
    if (error == NULL) {
        error = value_time(&server->total_timeout, cmd, total);
    }
    if (error == NULL && (server->connect_timeout == 0 || server->total_timeout == 0)) {
        error = apr_pstrcat(cmd->pool, cmd->cmd->name, ": a limit of 0", NULL);
    }
    return error;
}

static const char *set_token_cache(cmd_parms *cmd, void *config, const char *value)
{
    const char *error = ap_check_cmd_context(cmd, GLOBAL_ONLY);

    (void)config;
    return error != NULL ? error : value_entries(&server_config->token_cache, cmd, value);
}

#define ANYWHERE (RSRC_CONF | OR_AUTHCFG)
#define SERVER_FILES (RSRC_CONF | ACCESS_CONF)

/* clang-format off */
const command_rec config_directives[] = {
    AP_INIT_ITERATE("Auth0Domain", set_domain, NULL, ANYWHERE,
        "domains of the Auth0 tenant whose access tokens are accepted"),
    AP_INIT_TAKE_ARGV("Auth0Issuer", set_issuer, NULL, SERVER_FILES,
        "an issuer as in iss, then [jwks=https-url|jwks=file:path|secret=file:path] "
        "[algorithms=name,...]"),
    AP_INIT_ITERATE("Auth0Audience", set_audience, NULL, ANYWHERE,
        "audiences of which an access token must carry one"),
    AP_INIT_ITERATE("Auth0Algorithms", set_algorithms, NULL, SERVER_FILES,
        "signature algorithms that are accepted (default RS256)"),
    AP_INIT_TAKE1("Auth0Leeway", set_leeway, NULL, ANYWHERE,
        "seconds of clock difference to forgive, at most 300 (default 5)"),
    AP_INIT_TAKE1("Auth0TokenProfile", set_token_profile, NULL, ANYWHERE,
        "which typ a token may have: auto, or rfc9068 for at+jwt alone (default auto)"),
    AP_INIT_ITERATE("Auth0TokenSource", set_token_source, NULL, SERVER_FILES,
        "where tokens stand: header, cookie:name, query[:name] (default header)"),
    AP_INIT_TAKE1("Auth0UserClaim", set_user_claim, NULL, ANYWHERE,
        "the claim that becomes REMOTE_USER (default sub)"),
    AP_INIT_ITERATE("Auth0PassClaims", set_pass_claims, NULL, ANYWHERE,
        "claims that become variables AUTH0_CLAIM_name, or with =AUTH0_NAME that one"),
    AP_INIT_ITERATE("Auth0PassHeaders", set_pass_headers, NULL, SERVER_FILES,
        "claim=Header: claims that the back end gets as header fields"),
    AP_INIT_FLAG("Auth0PassToken", set_pass_token, NULL, SERVER_FILES,
        "whether what stands behind sees the token (default On)"),
    AP_INIT_FLAG("Auth0ReportOnly", set_report_only, NULL, SERVER_FILES,
        "whether refusals are only logged and counted (default Off)"),
    AP_INIT_TAKE1("Auth0ErrorBody", set_error_body, NULL, ANYWHERE,
        "which errors get JSON bodies: auth, all or off (default auth)"),
    AP_INIT_ITERATE("Auth0CORSOrigin", set_cors_origin, NULL, SERVER_FILES,
        "origins whose pages may call"),
    AP_INIT_TAKE1("Auth0Message", set_message, NULL, SERVER_FILES,
        "the message that the handler auth0-message answers with"),
    AP_INIT_ITERATE("Auth0TrustedDomains", set_trusted_domains, NULL, RSRC_CONF,
        "patterns of the domains that .htaccess files may name (default *.auth0.com)"),
    AP_INIT_TAKE1("Auth0CAFile", set_ca_file, NULL, RSRC_CONF,
        "trust anchors for fetching keys, instead of the system's"),
    AP_INIT_TAKE123("Auth0JWKSRefresh", set_jwks_refresh, NULL, RSRC_CONF,
        "how long keys are fresh [stale] [cooldown] (default 10min 24h 30s)"),
    AP_INIT_TAKE2("Auth0HTTPTimeout", set_http_timeout, NULL, RSRC_CONF,
        "time limits for fetching keys: connect total (default 2s 5s)"),
    AP_INIT_TAKE1("Auth0HTTPProxy", set_http_proxy, NULL, RSRC_CONF,
        "the proxy for fetching keys, or none (default: as the environment says)"),
    AP_INIT_TAKE1("Auth0StateDir", set_state_dir, NULL, RSRC_CONF,
        "a folder that keeps the last good keys over restarts"),
    AP_INIT_TAKE1("Auth0TokenCache", set_token_cache, NULL, RSRC_CONF,
        "how many verified tokens each process remembers, 0 for none (default 4096)"),
    {NULL}
};
/* clang-format on */
