#include "httpd/authn.h"

#include <apr_strings.h>
#include <http_core.h>
#include <http_request.h>

#include "httpd/config.h"
#include "httpd/error_response.h"
#include "httpd/module.h"
#include "httpd/pass_claims.h"
#include "httpd/refusal_log.h"
#include "httpd/request.h"
#include "httpd/runtime.h"
#include "httpd/verdict.h"
#include "issuer/issuer.h"
#include "token/jwt.h"

/* Carried over, with the other notes, to a request that takes over its index's. */
#define USER_NOTE "auth0-user"

/* Which API the token is for. Its signature holds, so the issuer has written this. */
static const char *audience_hint(const struct jwt_claims *claims, apr_pool_t *pool)
{
    const struct jwt_words *audience = &claims->audience;
    const char *hint = apr_pstrcat(
        pool, ": aud \"", request_log_value(audience->words[0], pool), "\"", NULL);

    return audience->count == 1 ? hint
                                : apr_psprintf(pool, "%s and %" APR_SIZE_T_FMT " more",
                                               hint, audience->count - 1);
}

const char *authn_hint(const request_rec *r, const struct verdict *verdict)
{
    const struct jwt *jwt = verdict->jwt;
    const char *kid = jwt != NULL ? jwt_jws(jwt)->kid : NULL;

    switch (verdict->reason) {
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
    case REASON_AUDIENCE_MISMATCH:
        return audience_hint(verdict->verified, r->pool);
    default:
        return "";
    }
}

static void log_refusal(request_rec *r, const struct verdict *verdict)
{
    enum reason reason = verdict->reason;
    const char *note;

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
        if (refusal_log_admits(&note, r, reason)) {
            ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r, "cannot judge the token (%s)%s",
                          reason_name(reason), note);
        }
        break;
    default:
        if (refusal_log_admits(&note, r, reason)) {
            ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r, "token rejected (%s)%s%s",
                          reason_name(reason), authn_hint(r, verdict), note);
        }
    }
}

static int refuse(request_rec *r, const struct verdict *verdict)
{
    int retry_after = 0;

    log_refusal(r, verdict);
    if (reason_outcome(verdict->reason) == OUTCOME_UNAVAILABLE &&
        verdict->issuer != NULL) {
        retry_after = issuer_retry_after(runtime_issuers(), verdict->issuer);
    }
    return error_response_refuse(r, verdict->reason, retry_after);
}

static void set_user(request_rec *r, const char *user)
{
    static char bearer[] = "Bearer"; /* nobody writes to it, although it is not const */

    r->user = apr_pstrdup(r->pool, user);
    r->ap_auth_type = bearer;
}

void authn_accept(request_rec *r, const struct verdict *verdict)
{
    request_state_get(r)->claims = verdict->claims;
    set_user(r, verdict->user);
    pass_claims_export(r, verdict->claims);
    apr_table_setn(r->notes, USER_NOTE, r->user);
}

int authn_check(request_rec *r)
{
    const struct dir_config *dir = config_dir(r);
    const struct verdict *verdict;

    if (!config_is_our_auth_type(ap_auth_type(r))) {
        return DECLINED;
    }
    verdict = verdict_of(r);
    if (verdict->reason == REASON_CONFIGURATION) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                      "AuthType Auth0 applies to %s, but no %s does: add it to this "
                      "section, file or an outer one",
                      r->uri, dir->issuers == NULL ? "Auth0Domain" : "Auth0Audience");
    }
    if (verdict->reason != REASON_OK) {
        return refuse(r, verdict);
    }
    authn_accept(r, verdict);
    return OK;
}

int authn_adopt_user(request_rec *r)
{
    const char *user = apr_table_get(r->notes, USER_NOTE);

    if (r->user == NULL && user != NULL) {
        set_user(r, user);
        judgement_accept(r);
    }
    return DECLINED;
}
