#include "httpd/authn.h"

#include <apr_strings.h>
#include <http_core.h>
#include <http_request.h>

#include "httpd/config.h"
#include "httpd/error_response.h"
#include "httpd/module.h"
#include "httpd/pass_claims.h"
#include "httpd/request.h"
#include "httpd/runtime.h"
#include "issuer/issuer.h"
#include "token/bearer.h"
#include "token/jwt.h"

/* Carried over, with the other notes, to a request that takes over its index's. */
#define USER_NOTE "auth0-user"

/* RFC 6750 2.1, and RFC 9110 11.7.2 for a forward proxy. */
static const char *field_name(const request_rec *r)
{
    return r->proxyreq == PROXYREQ_PROXY ? "Proxy-Authorization" : "Authorization";
}

/* The field of the request, or of the one that it stands for, if that was hidden. */
static const char *credentials(const request_rec *r)
{
    const char *field = apr_table_get(r->headers_in, field_name(r));

    for (; field == NULL && r != NULL; r = r->main != NULL ? r->main : r->prev) {
        const struct request_state *state = request_state_get(r);

        field = state != NULL ? state->credentials : NULL;
    }
    return field;
}

/* What this location allows for an issuer. */
static unsigned allowed_algorithms(const struct dir_config *dir,
                                   const struct issuer *issuer)
{
    return issuer->algorithms != 0 ? issuer->algorithms : config_algorithms(dir);
}

/* Is the algorithm allowed for any issuer of this location? */
static bool algorithm_is_allowed(const struct dir_config *dir, enum jwa_alg alg)
{
    unsigned allowed = 0;

    for (int i = 0; i < dir->issuers->nelts; i++) {
        allowed |=
            allowed_algorithms(dir, APR_ARRAY_IDX(dir->issuers, i, struct issuer *));
    }
    return (allowed & JWA_BIT(alg)) != 0;
}

static struct issuer *find_issuer(request_rec *r, const struct dir_config *dir,
                                  const char *name)
{
    for (int i = 0; name != NULL && i < dir->issuers->nelts; i++) {
        struct issuer *issuer = APR_ARRAY_IDX(dir->issuers, i, struct issuer *);

        if (strcmp(issuer->name, name) != 0) {
            continue;
        }
        /* Named by an .htaccess file, so only now in need of a slot. */
        if (issuer->kind == ISSUER_KEYS_URL && issuer->slot < 0) {
            issuer = apr_pmemdup(r->pool, issuer, sizeof(*issuer));
            issuer->slot = runtime_slot(issuer);
        }
        return issuer;
    }
    return NULL;
}

/* The signature, with whatever this issuer verifies with. */
static enum reason verify_signature(const struct jwt_claims **claims, struct jwt *jwt,
                                    const struct issuer *issuer)
{
    const struct jws *jws = jwt_jws(jwt);
    struct issuer_key key;
    enum reason reason;

    if (issuer->kind == ISSUER_SECRET_FILE) {
        return jwt_verify_secret(claims, jwt, issuer->secret);
    }
    reason = issuer_find_key(&key, runtime_issuers(), issuer, jws->kid, jws->alg);
    if (reason != REASON_OK) {
        return reason;
    }
    reason = jwt_verify(claims, jwt, key.key);
    issuer_key_release(&key);
    return reason;
}

/* Everything that the location asks of claims whose signature holds. */
static enum reason check_policy(const char **user, const struct jwt_claims *claims,
                                const struct dir_config *dir, const struct issuer *issuer)
{
    const struct jwt_policy policy = {
        .issuer = issuer->name,
        .algorithms = allowed_algorithms(dir, issuer),
        .audiences = (const char *const *)dir->audiences->elts,
        .audience_count = (size_t)dir->audiences->nelts,
        .leeway = config_leeway(dir),
        .profile = config_token_profile(dir),
        .user_claim = config_user_claim(dir),
    };

    return jwt_check(user, claims, &policy, apr_time_now());
}

/* What helps to find the cause, beyond the reason's name. */
static const char *hint(const request_rec *r, enum reason reason, const struct jwt *jwt)
{
    const char *kid = jwt != NULL ? jwt_jws(jwt)->kid : NULL;

    switch (reason) {
    case REASON_TOKEN_OPAQUE:
    case REASON_TOKEN_ENCRYPTED:
        return ": not a signed JWT; Auth0 gives such tokens to clients that requested no "
               "audience";
    case REASON_ISSUER_UNKNOWN:
        return apr_pstrcat(r->pool, ": iss \"",
                           request_log_value(jwt_unverified_issuer(jwt), r->pool), "\"",
                           NULL);
    case REASON_KEY_UNKNOWN:
    case REASON_KEY_AMBIGUOUS:
    case REASON_KEY_NOT_ELIGIBLE:
    case REASON_SIGNATURE_INVALID:
        return apr_pstrcat(r->pool, ": kid \"", request_log_value(kid, r->pool), "\"",
                           NULL);
    default:
        return "";
    }
}

static void log_refusal(request_rec *r, enum reason reason, const struct jwt *jwt)
{
    switch (reason_outcome(reason)) {
    case OUTCOME_NO_CREDENTIALS:
        ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, r, "no bearer token (%s)",
                      reason_name(reason));
        break;
    case OUTCOME_MISCONFIGURED:
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, "cannot decide (%s)",
                      reason_name(reason));
        break;
    case OUTCOME_UNAVAILABLE:
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r, "cannot judge the token (%s)",
                      reason_name(reason));
        break;
    default:
        if (APLOG_R_IS_LEVEL(r, APLOG_INFO)) {
            ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r, "token rejected (%s)%s",
                          reason_name(reason), hint(r, reason, jwt));
        }
    }
}

static int refuse(request_rec *r, enum reason reason, const struct jwt *jwt,
                  const struct issuer *issuer)
{
    int retry_after = 0;

    log_refusal(r, reason, jwt);
    if (reason_outcome(reason) == OUTCOME_UNAVAILABLE && issuer != NULL) {
        retry_after = issuer_retry_after(runtime_issuers(), issuer);
    }
    return error_response_refuse(r, reason, retry_after);
}

static void set_user(request_rec *r, const char *user)
{
    r->user = apr_pstrdup(r->pool, user);
    r->ap_auth_type = apr_pstrdup(r->pool, "Bearer");
}

/* The order of checks is that of RFC 8725 3: see token/jwt.h. */
static int check_token(request_rec *r, const struct dir_config *dir, const char *token,
                       size_t len)
{
    struct request_state *state = request_state_make(r);
    const struct jwt_claims *claims = NULL;
    const struct issuer *issuer = NULL;
    const char *user = NULL;
    struct jwt *jwt = NULL;
    enum reason reason;

    reason = jwt_parse(&jwt, token, len, r->pool);
    if (reason == REASON_OK && !algorithm_is_allowed(dir, jwt_jws(jwt)->alg)) {
        reason = REASON_ALGORITHM_NOT_ALLOWED;
    }
    if (reason == REASON_OK) {
        issuer = find_issuer(r, dir, jwt_unverified_issuer(jwt));
        reason = issuer != NULL ? REASON_OK : REASON_ISSUER_UNKNOWN;
    }
    if (reason == REASON_OK &&
        (allowed_algorithms(dir, issuer) & JWA_BIT(jwt_jws(jwt)->alg)) == 0) {
        reason = REASON_ALGORITHM_NOT_ALLOWED;
    }
    if (reason == REASON_OK) {
        reason = verify_signature(&claims, jwt, issuer);
    }
    if (reason == REASON_OK) {
        reason = check_policy(&user, claims, dir, issuer);
    }
    if (reason != REASON_OK) {
        return refuse(r, reason, jwt, issuer);
    }

    state->claims = claims;
    set_user(r, user);
    pass_claims_export(r, claims);
    apr_table_setn(r->notes, USER_NOTE, r->user);
    return OK;
}

int authn_check(request_rec *r)
{
    const struct dir_config *dir = config_dir(r);
    const char *token;
    enum reason reason;
    size_t len;

    if (!config_is_our_auth_type(ap_auth_type(r))) {
        return DECLINED;
    }
    /* Fail closed: without these, any token of anyone would have to do. */
    if (dir->issuers == NULL || dir->audiences == NULL) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                      "AuthType Auth0 applies to %s, but no %s does: add it to this "
                      "section, file or an outer one",
                      r->uri, dir->issuers == NULL ? "Auth0Domain" : "Auth0Audience");
        return refuse(r, REASON_CONFIGURATION, NULL, NULL);
    }
    reason = bearer_token(&token, &len, credentials(r));
    if (reason != REASON_OK) {
        return refuse(r, reason, NULL, NULL);
    }
    return check_token(r, dir, token, len);
}

int authn_hide_token(request_rec *r)
{
    const char *field;
    const char *token;
    size_t len;

    if (config_pass_token(config_dir(r)) || !config_is_our_auth_type(ap_auth_type(r))) {
        return DECLINED;
    }
    field = apr_table_get(r->headers_in, field_name(r));
    if (bearer_token(&token, &len, field) == REASON_NO_CREDENTIALS) {
        return DECLINED;
    }
    request_state_make(r)->credentials = field;
    apr_table_unset(r->headers_in, field_name(r));
    return DECLINED;
}

int authn_adopt_user(request_rec *r)
{
    const char *user = apr_table_get(r->notes, USER_NOTE);

    if (r->user == NULL && user != NULL) {
        set_user(r, user);
    }
    return DECLINED;
}
