#include <apr_strings.h>
#include <string.h>

#include "advice.h"
#include "doctor.h"
#include "hint.h"
#include "judge.h"
#include "kind.h"
#include "show.h"
#include "token.h"

void doctor_look_at_audience(struct doctor *doctor)
{
    const char *audience = doctor->audience;
    const char *hint;
    const char *shown;

    if (audience == NULL) {
        doctor_add(doctor, "audience", FINDING_SKIPPED, "not given: --audience AUDIENCE",
                   NULL);
        return;
    }
    shown = show_quoted(audience, doctor->pool);
    hint = hint_audience_form(audience);
    if (hint != NULL) {
        doctor_add(doctor, "audience", FINDING_FAILED,
                   apr_pstrcat(doctor->pool, shown, ": ", hint, NULL),
                   "Auth0Audience is the Identifier of your API (Applications > APIs > "
                   "your API > Settings).");
    }
    else if (audience[strlen(audience) - 1] == '/') {
        doctor_add(doctor, "audience", FINDING_WARNING,
                   apr_pstrcat(doctor->pool, shown, " ends in a slash", NULL),
                   "That is right only if the Identifier of your API ends in one too: "
                   "they are compared byte for byte.");
    }
    else {
        doctor_add(doctor, "audience", FINDING_OK, shown, NULL);
    }
}

/* The policy of Auth0Domain and Auth0Audience, with the keys that were fetched. */
static void make_policy(struct policy *policy, struct trust *trust,
                        const struct doctor *doctor, const struct token_parts *parts)
{
    apr_array_header_t *audiences = apr_array_make(doctor->pool, 2, sizeof(const char *));
    const json_value *aud = json_member(parts->claims, "aud");
    const char *one = doctor->audience != NULL ? doctor->audience : json_string(aud);

    /* Without an audience to compare with, the token's own will do. */
    if (one == NULL && doctor->audience == NULL) {
        one = json_string(json_first(aud));
    }
    APR_ARRAY_PUSH(audiences, const char *) = one != NULL ? one : "";
    memset(policy, 0, sizeof(*policy));
    policy->trusts = apr_array_make(doctor->pool, 1, sizeof(struct trust *));
    APR_ARRAY_PUSH(policy->trusts, struct trust *) = trust;
    policy->asked.algorithms = JWA_BIT(JWA_RS256);
    policy->asked.audiences = (const char *const *)audiences->elts;
    policy->asked.audience_count = 1;
    policy->asked.leeway = doctor->leeway;
    policy->asked.user_claim = "sub";
    policy->method = "GET";
    policy->limits = doctor->limits;
}

static apr_status_t free_jwks(void *data)
{
    jwks_destroy(data);
    return APR_SUCCESS;
}

/* Every failure is a finding of its own. */
static void add_failures(struct doctor *doctor, const struct judgement *judgement)
{
    for (int i = 0; i < judgement->checks->nelts; i++) {
        const struct check *check =
            &APR_ARRAY_IDX(judgement->checks, i, const struct check);
        const struct advice *advice = advice_for(check->reason);

        if (check->state != CHECK_FAILED) {
            continue;
        }
        doctor_add(doctor, apr_pstrcat(doctor->pool, "token: ", check->name, NULL),
                   FINDING_FAILED,
                   apr_psprintf(doctor->pool, "%s%s: expected %s; found %s%s%s",
                                check->verified ? "" : "(not verified) ",
                                reason_name(check->reason), check->expected,
                                check->found != NULL ? check->found : "nothing",
                                check->hint != NULL ? "; " : "",
                                check->hint != NULL ? check->hint : ""),
                   advice->auth0 != NULL ? advice->auth0 : advice->httpd);
    }
}

void doctor_look_at_token(struct doctor *doctor)
{
    struct trust trust = {.loaded = true,
                          .reason = REASON_KEYS_UNAVAILABLE,
                          .problem = "there are no keys: see above"};
    struct token_parts parts;
    struct kind_found kind;
    struct policy policy;
    struct judgement judgement;

    if (doctor->token == NULL) {
        doctor_add(doctor, "token", FINDING_SKIPPED,
                   "not given: --token - reads one from standard input", NULL);
        return;
    }
    token_split(&parts, doctor->token, doctor->token_len, doctor->pool);
    kind_find(&kind, &parts, doctor->pool);
    if (kind.kind != KIND_ACCESS) {
        doctor_add(doctor, "token: kind", FINDING_FAILED,
                   apr_psprintf(doctor->pool, "it looks like %s", kind.words),
                   kind.advice);
    }
    trust.issuer = doctor->issuer;
    trust.source = apr_pstrcat(doctor->pool, "https://", doctor->domain,
                               "/.well-known/jwks.json", NULL);
    if (doctor->keys != NULL) {
        trust.reason =
            jwks_parse(&trust.jwks, doctor->keys, doctor->keys_len, doctor->pool);
        apr_pool_cleanup_register(doctor->pool, trust.jwks, free_jwks,
                                  apr_pool_cleanup_null);
    }
    make_policy(&policy, &trust, doctor, &parts);
    judge(&judgement, &policy, doctor->token, doctor->token_len, apr_time_now(),
          doctor->pool);
    if (judgement.reason == REASON_OK) {
        doctor_add(doctor, "token", FINDING_OK,
                   apr_pstrcat(doctor->pool, "the module would accept it: sub=",
                               show_text(judgement.user, doctor->pool), NULL),
                   NULL);
        return;
    }
    add_failures(doctor, &judgement);
}
