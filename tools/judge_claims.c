#include "judge_claims.h"

#include <apr_strings.h>
#include <string.h>

#include "hint.h"
#include "show.h"

/* In the module's order. */
enum row {
    ROW_ISSUER_CLAIM,
    ROW_AUDIENCE,
    ROW_EXPIRY,
    ROW_NOT_BEFORE,
    ROW_ISSUED_AT,
    ROW_TYPE,
    ROW_BINDING,
    ROW_USER_CLAIM,
    ROW_COUNT
};

static const char *const row_names[ROW_COUNT] = {
    [ROW_ISSUER_CLAIM] = "issuer claim",
    [ROW_AUDIENCE] = "audience",
    [ROW_EXPIRY] = "expiry",
    [ROW_NOT_BEFORE] = "not before",
    [ROW_ISSUED_AT] = "issued at",
    [ROW_TYPE] = "type",
    [ROW_BINDING] = "binding",
    [ROW_USER_CLAIM] = "user claim",
};

/*
 * jwt_check stops at the first failure. Note that, take the claim's part out of a copy,
 * and ask again: so every failure is found by the module's own code.
 */
static enum row take_out(enum reason reason, struct jwt_claims *claims,
                         struct jwt_policy *policy)
{
    switch ((int)reason) {
    case REASON_ISSUER_MISMATCH:
        claims->issuer = policy->issuer = "";
        return ROW_ISSUER_CLAIM;
    case REASON_AUDIENCE_MALFORMED:
    case REASON_AUDIENCE_MISMATCH: {
        static const char *any[] = {""};

        claims->audience_valid = true;
        claims->audience.words = any;
        claims->audience.count = 1;
        policy->audiences = any;
        policy->audience_count = 1;
        return ROW_AUDIENCE;
    }
    case REASON_EXP_MALFORMED:
    case REASON_EXPIRED:
        claims->exp.state = JWT_TIME_PRESENT;
        claims->exp.seconds = JSON_TIME_MAX;
        return ROW_EXPIRY;
    case REASON_NBF_MALFORMED:
    case REASON_NOT_YET_VALID:
        claims->nbf.state = JWT_TIME_ABSENT;
        return ROW_NOT_BEFORE;
    case REASON_IAT_MALFORMED:
    case REASON_ISSUED_IN_FUTURE:
        claims->iat.state = JWT_TIME_ABSENT;
        return ROW_ISSUED_AT;
    case REASON_TYPE_MISMATCH:
        claims->typ = JWS_TYP_AT_JWT;
        return ROW_TYPE;
    case REASON_TOKEN_BOUND:
        claims->bound = false;
        return ROW_BINDING;
    default:
        return ROW_USER_CLAIM;
    }
}

static void find_failures(enum reason failures[ROW_COUNT], struct work *work)
{
    struct jwt_claims claims = *work->claims;
    struct jwt_policy policy = work->policy->asked;
    enum reason reason = REASON_OK;

    /* Judged before, by its own check. */
    policy.algorithms = JWA_BIT(claims.alg);
    policy.issuer = work->trust != NULL ? work->trust->issuer : claims.issuer;
    for (int i = 0; i < ROW_COUNT; i++) {
        enum row row;

        reason = jwt_check(&work->user, &claims, &policy, work->now);
        if (reason == REASON_OK) {
            return;
        }
        row = take_out(reason, &claims, &policy);
        failures[row] = reason;
        if (row == ROW_USER_CLAIM) {
            return;
        }
    }
}

/* ---- one line of the table ------------------------------------------------------------------ */

static const json_value *claim(const struct work *work, const char *name)
{
    return json_member(work->claims->payload, name);
}

static double now_seconds(const struct work *work)
{
    return (double)work->now / (double)APR_USEC_PER_SEC;
}

static const char *time_found(const struct work *work, const char *name)
{
    const json_value *value = claim(work, name);
    double seconds;

    return json_time(&seconds, value)
               ? apr_psprintf(work->pool, "%s %s", name,
                              show_time(seconds, now_seconds(work), work->pool))
               : apr_psprintf(work->pool, "%s %s", name, show_value(value, work->pool));
}

static void describe_audience(struct check *check, const struct work *work)
{
    const struct jwt_policy *asked = &work->policy->asked;

    check->expected = apr_pstrcat(
        work->pool, asked->audience_count > 1 ? "one of " : "",
        show_words(asked->audiences, asked->audience_count, work->pool), " in aud", NULL);
    check->found = show_value(claim(work, "aud"), work->pool);
    check->from = work->policy->from.audiences;
    if (check->state == CHECK_FAILED) {
        check->hint = hint_audience(&work->claims->audience, asked->audiences,
                                    asked->audience_count);
    }
}

static const char *leeway(const struct work *work)
{
    return apr_psprintf(work->pool, "now is %s, leeway %d seconds",
                        show_date(now_seconds(work), work->pool),
                        work->policy->asked.leeway);
}

static void describe_time(struct check *check, const struct work *work, const char *name,
                          const char *when)
{
    check->expected = apr_psprintf(work->pool, "%s %s (%s)", name, when, leeway(work));
    check->found = time_found(work, name);
    check->from = work->policy->from.leeway;
}

static void describe_expiry(struct check *check, const struct work *work)
{
    describe_time(check, work, "exp", "in the future");
    if (check->reason == REASON_EXPIRED) {
        check->hint = hint_expired(&work->claims->iat, &work->claims->exp, work->pool);
    }
}

static void describe_type(struct check *check, const struct work *work)
{
    check->expected = work->policy->asked.profile == JWT_PROFILE_RFC9068
                          ? "at+jwt in the header's typ"
                          : "JWT, at+jwt or nothing in the header's typ";
    check->found = show_value(json_member(work->parts.header, "typ"), work->pool);
    check->from = work->policy->from.profile;
}

static void describe_user(struct check *check, const struct work *work)
{
    const char *name = work->policy->asked.user_claim;

    check->expected = apr_psprintf(work->pool, "1 to %d printable bytes in %s",
                                   JWT_USER_MAX, show_text(name, work->pool));
    check->found = show_value(claim(work, name), work->pool);
    check->from = work->policy->from.user_claim;
}

static void describe(enum row row, struct check *check, const struct work *work)
{
    switch (row) {
    case ROW_ISSUER_CLAIM:
        check->expected =
            work->trust != NULL
                ? apr_pstrcat(work->pool, show_quoted(work->trust->issuer, work->pool),
                              " in iss, whose key this is", NULL)
                : "the issuer whose key this is";
        check->found = show_value(claim(work, "iss"), work->pool);
        check->from = work->trust != NULL ? work->trust->from : NULL;
        break;
    case ROW_AUDIENCE:
        describe_audience(check, work);
        break;
    case ROW_EXPIRY:
        describe_expiry(check, work);
        break;
    case ROW_NOT_BEFORE:
        describe_time(check, work, "nbf", "in the past, or absent");
        break;
    case ROW_ISSUED_AT:
        describe_time(check, work, "iat", "in the past, or absent");
        break;
    case ROW_TYPE:
        describe_type(check, work);
        break;
    case ROW_BINDING:
        check->expected = "no cnf";
        check->found = show_value(claim(work, "cnf"), work->pool);
        break;
    case ROW_USER_CLAIM:
        describe_user(check, work);
        break;
    case ROW_COUNT:
        break;
    }
}

void judge_claims(struct work *work)
{
    enum reason failures[ROW_COUNT] = {REASON_OK};

    if (work->claims != NULL) {
        find_failures(failures, work);
    }
    if (work->claims != NULL && failures[ROW_USER_CLAIM] == REASON_OK) {
        work->user = json_string(claim(work, work->policy->asked.user_claim));
    }
    for (enum row row = 0; row < ROW_COUNT; row++) {
        struct check *check = judge_add(work, row_names[row]);

        check->verified = work->verified;
        if (work->claims == NULL) {
            check->state = CHECK_SKIPPED;
            check->hint = "the claims cannot be read";
            continue;
        }
        if (row == ROW_ISSUER_CLAIM && work->trust == NULL) {
            check->state = CHECK_SKIPPED;
            check->hint = "nobody's keys are trusted for this issuer";
            continue;
        }
        check->state = failures[row] != REASON_OK ? CHECK_FAILED : CHECK_PASSED;
        check->reason = failures[row];
        describe(row, check, work);
    }
    work->judgement->user = work->user;
}

/* ---- requirements ------------------------------------------------------------------------------ */

static const char *heading(enum require_kind kind)
{
    return kind == REQUIRE_ALL ? "all of:" : kind == REQUIRE_ANY ? "one of:" : "none of:";
}

static enum reason reason_of_line(const struct requirement *line)
{
    return strcmp(line->name, "auth0-permission") == 0 ||
                   strcmp(line->name, "auth0-scope") == 0
               ? REASON_PERMISSION_MISSING
               : REASON_REQUIREMENT_NOT_MET;
}

static const char *methods_text(const struct requirement *one, apr_pool_t *pool)
{
    if (one->methods == NULL) {
        return "";
    }
    return apr_psprintf(pool, "%s %s: ", one->methods_not ? "for all but" : "for",
                        show_text(apr_array_pstrcat(pool, one->methods, ' '), pool));
}

/* @a needed: a failure here is why the whole is not met. */
static void add_requirement(struct work *work, const struct requirement *one, int depth,
                            bool needed)
{
    bool group = one->kind != REQUIRE_LINE;
    bool listed =
        !group || one->of->nelts > 1 || one->kind == REQUIRE_NONE || one->methods != NULL;

    if (listed) {
        struct check *check = judge_add(work, "requirement");

        check->line = one;
        check->depth = depth++;
        check->verified = work->verified;
        check->from = one->from;
        check->says = apr_pstrcat(work->pool, methods_text(one, work->pool),
                                  group ? heading(one->kind) : one->says, NULL);
        check->expected = one->lacks != NULL ? one->lacks : check->says;
        check->found = one->found;
        switch (one->met) {
        case MET_YES:
            check->state = CHECK_PASSED;
            break;
        case MET_NO:
        case MET_NOBODY:
            check->state = needed ? CHECK_FAILED : CHECK_SKIPPED;
            check->hint = needed ? NULL : "not met, and not needed";
            check->reason = !needed ? REASON_OK
                            : group ? REASON_REQUIREMENT_NOT_MET
                                    : reason_of_line(one);
            break;
        case MET_NEUTRAL:
            check->state = CHECK_SKIPPED;
            check->hint = one->negated || one->kind == REQUIRE_NONE
                              ? "it does not stand in the way"
                              : "it is about other methods";
            break;
        case MET_OPEN:
            check->state = CHECK_OPEN;
            check->hint = "httpd decides: it depends on more than the token";
            break;
        }
    }
    for (int i = 0; group && i < one->of->nelts; i++) {
        add_requirement(work, APR_ARRAY_IDX(one->of, i, const struct requirement *),
                        depth, needed && one->met == MET_NO && one->kind != REQUIRE_NONE);
    }
}

void judge_requirements(struct work *work)
{
    struct requirement *require = work->policy->require;
    const struct require_user user = {
        .claims = work->claims, .name = work->user, .method = work->policy->method};

    if (require == NULL) {
        return;
    }
    if (work->claims == NULL) {
        struct check *check = judge_add(work, "requirement");

        check->line = require;
        check->state = CHECK_SKIPPED;
        check->hint = "the claims cannot be read";
        return;
    }
    work->met = require_judge(require, &user, work->pool);
    add_requirement(work, require, 0, work->met == MET_NO);
}
