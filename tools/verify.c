#include <apr_strings.h>
#include <stdio.h>
#include <string.h>

#include "advice.h"
#include "command.h"
#include "judge.h"
#include "object.h"
#include "policy.h"
#include "show.h"
#include "table.h"
#include "token.h"

static const struct option_row verify_options[] = {
    POLICY_OPTIONS,
    {NULL, NULL, 0, NULL},
};

static const struct option_row explain_options[] = {
    POLICY_OPTIONS,
    {"reason", "NAME", 0, "explain a reason of httpd's log instead of a token"},
    {NULL, NULL, 0, NULL},
};

static bool is_unavailable(enum reason reason)
{
    return reason_outcome(reason) == OUTCOME_UNAVAILABLE ||
           reason_outcome(reason) == OUTCOME_MISCONFIGURED;
}

/* What became of a token at a place. */
struct result {
    const char *verdict; /* accepted, refused, undecided, open, unavailable */
    enum reason reason;  /* REASON_OK unless refused or unavailable */
    enum status status;
    struct judgement *judged; /* NULL: the place decides without a token */
};

/*
 * A section that only a request can tell of may ask for other things than those that are
 * met, or not met. A token that is not valid stays so.
 */
static bool is_undecided(const struct result *outcome, const struct policy_place *place)
{
    switch ((int)outcome->reason) {
    case REASON_OK:
        return place->perhaps || (outcome->judged != NULL && outcome->judged->undecided);
    case REASON_PERMISSION_MISSING:
    case REASON_REQUIREMENT_NOT_MET:
        return place->perhaps;
    default:
        return false;
    }
}

static void decide(struct result *outcome, const struct policy_place *place)
{
    const struct judgement *judged = outcome->judged;

    outcome->reason = judged != NULL  ? judged->reason
                      : place->closed ? REASON_REQUIREMENT_NOT_MET
                                      : REASON_OK;
    if (is_undecided(outcome, place)) {
        outcome->verdict = "undecided";
        outcome->status = STATUS_UNDECIDED;
    }
    else if (is_unavailable(outcome->reason)) {
        outcome->verdict = "unavailable";
        outcome->status = STATUS_UNAVAILABLE;
    }
    else if (outcome->reason != REASON_OK) {
        outcome->verdict = "refused";
        outcome->status = STATUS_REFUSED;
    }
    else {
        outcome->verdict = judged != NULL ? "accepted" : "open";
        outcome->status = STATUS_DONE;
    }
}

/* The check that the verdict is from; NULL when all passed. */
static const struct check *failed_check(const struct judgement *judgement)
{
    const struct check *requirement = NULL;

    for (int i = 0; i < judgement->checks->nelts; i++) {
        const struct check *check =
            &APR_ARRAY_IDX(judgement->checks, i, const struct check);

        if (check->state != CHECK_FAILED) {
            continue;
        }
        if (check->line == NULL) {
            return check;
        }
        /* Of requirements a line says more than its group. */
        if (requirement == NULL || requirement->line->kind != REQUIRE_LINE) {
            requirement = check;
        }
    }
    return requirement;
}

/* ---- one verdict ------------------------------------------------------------------------------- */

static void print_verdict(const struct result *outcome, const struct policy *policy,
                          const struct policy_place *place, apr_pool_t *pool)
{
    if (outcome->reason != REASON_OK) {
        printf("%s: %s: %s\n", outcome->verdict, reason_name(outcome->reason),
               reason_sentence(outcome->reason));
    }
    else if (outcome->judged != NULL) {
        printf("%s%s: %s=%s\n", outcome->verdict,
               outcome->status == STATUS_UNDECIDED
                   ? ": the token is valid, and httpd decides the rest"
                   : "",
               show_text(policy->asked.user_claim, pool),
               show_text(outcome->judged->user, pool));
    }
    else {
        printf("%s: nobody is asked for a token\n", outcome->verdict);
    }
    if (place->closed && outcome->status == STATUS_REFUSED) {
        puts("nobody is let in, whatever the token says");
    }
    if (place->path != NULL) {
        printf("at %s of %s\n", show_text(place->path, pool), place->server);
    }
}

static void print_notes(const struct policy_place *place)
{
    for (int i = 0; i < place->notes->nelts; i++) {
        printf("note: %s\n", APR_ARRAY_IDX(place->notes, i, const char *));
    }
}

static void print_failure(const struct check *check)
{
    if (check == NULL) {
        return;
    }
    if (check->expected != NULL && check->found != NULL) {
        printf("expected %s, the token has %s%s%s\n", check->expected, check->found,
               check->hint != NULL ? "; " : "", check->hint != NULL ? check->hint : "");
    }
    else if (check->hint != NULL) {
        printf("%s\n", check->hint);
    }
    else if (check->expected != NULL) {
        printf("expected %s\n", check->expected);
    }
    if (check->from != NULL) {
        printf("as %s says\n", check->from);
    }
}

static void add_judgement(object *o, const struct judgement *judged, bool all,
                          apr_pool_t *pool)
{
    const struct check *failed = failed_check(judged);

    object_set_string(o, "user", judged->user);
    object_set_string(o, "issuer", judged->trust != NULL ? judged->trust->issuer : NULL);
    if (judged->reason != REASON_OK) {
        object_set_string(o, "sentence", reason_sentence(judged->reason));
    }
    if (failed != NULL) {
        object_set(o, "failed", table_check_json(failed, pool));
    }
    if (all) {
        object_set(o, "checks", table_json(judged, pool));
    }
}

static void print_json(const struct result *outcome, const struct policy *policy,
                       const struct policy_place *place, bool all, apr_pool_t *pool)
{
    object *o = object_create(pool);
    list *notes = list_create(pool);

    object_set_string(o, "verdict", outcome->verdict);
    object_set_string(o, "reason", reason_name(outcome->reason));
    if (outcome->status != STATUS_UNDECIDED) {
        object_set_number(o, "status", outcome_status(reason_outcome(outcome->reason)));
    }
    if (outcome->judged != NULL) {
        add_judgement(o, outcome->judged, all, pool);
    }
    if (place->path != NULL) {
        object_set_string(o, "path", place->path);
        object_set_string(o, "server", place->server);
        object_set_string(o, "method", policy->method);
    }
    for (int i = 0; i < place->notes->nelts; i++) {
        list_add_string(notes, APR_ARRAY_IDX(place->notes, i, const char *));
    }
    object_set(o, "notes", list_text(notes));
    puts(object_text(o, pool));
}

/* ---- the commands ------------------------------------------------------------------------------ */

/* Keys that were named on the command line are needed whatever the token says. */
static enum status load_named_keys(const struct policy *policy,
                                   const struct arguments *arguments, apr_pool_t *pool)
{
    struct trust *trust;

    if (policy->configured) {
        return STATUS_DONE;
    }
    trust = APR_ARRAY_IDX(policy->trusts, 0, struct trust *);
    if (trust_load(trust, &policy->limits, trust_algorithms(trust, policy), pool) ==
        REASON_OK) {
        return STATUS_DONE;
    }
    return complain(arguments, STATUS_UNAVAILABLE, "%s", trust->problem);
}

static enum status print_outcome(const struct result *outcome,
                                 const struct policy *policy,
                                 const struct policy_place *place, bool all,
                                 const struct arguments *arguments, apr_pool_t *pool)
{
    if (option_given(arguments, "json")) {
        print_json(outcome, policy, place, all, pool);
        return outcome->status;
    }
    if (!all && outcome->judged != NULL && outcome->status == STATUS_UNAVAILABLE) {
        return complain(arguments, outcome->status, "%s: %s",
                        reason_name(outcome->reason), outcome->judged->trust->problem);
    }
    print_verdict(outcome, policy, place, pool);
    if (outcome->judged != NULL && all) {
        table_print(outcome->judged);
        putchar('\n');
    }
    else if (outcome->judged != NULL) {
        print_failure(failed_check(outcome->judged));
    }
    print_notes(place);
    return outcome->status;
}

/* @a all: every check, not the verdict alone. */
static enum status run_both(const struct arguments *arguments, bool all, apr_pool_t *pool)
{
    struct policy policy;
    struct policy_place place;
    struct judgement judgement;
    struct result outcome = {.judged = NULL};
    const char *token;
    size_t len;
    enum status status = policy_read(&policy, &place, arguments, pool);

    if (status == STATUS_DONE && !all && !option_given(arguments, "json")) {
        status = load_named_keys(&policy, arguments, pool);
    }
    if (status == STATUS_DONE && !place.open && !place.closed) {
        status = token_read(&token, &len, arguments, pool);
        if (status == STATUS_DONE) {
            judge(&judgement, &policy, token, len, apr_time_now(), pool);
            outcome.judged = &judgement;
        }
    }
    if (status != STATUS_DONE) {
        return status;
    }
    decide(&outcome, &place);
    if (outcome.reason == REASON_INTERNAL_ERROR) {
        return complain(arguments, STATUS_UNAVAILABLE, "out of memory");
    }
    return print_outcome(&outcome, &policy, &place, all, arguments, pool);
}

static enum status run_verify(const struct arguments *arguments, apr_pool_t *pool)
{
    return run_both(arguments, false, pool);
}

static enum status explain_reason(const char *name, const struct arguments *arguments,
                                  apr_pool_t *pool)
{
    enum reason reason;
    const struct advice *advice;

    if (!advice_find_reason(&reason, name)) {
        return complain(arguments, STATUS_USAGE, "--reason %s is no reason of the module",
                        show_text(name, pool));
    }
    advice = advice_for(reason);
    if (option_given(arguments, "json")) {
        object *o = object_create(pool);

        object_set_string(o, "reason", reason_name(reason));
        object_set_number(o, "status", outcome_status(reason_outcome(reason)));
        object_set_string(o, "sentence", reason_sentence(reason));
        object_set_string(o, "means", advice->means);
        object_set_string(o, "auth0", advice->auth0);
        object_set_string(o, "httpd", advice->httpd);
        puts(object_text(o, pool));
        return STATUS_DONE;
    }
    printf("%s: httpd answers %d\n", reason_name(reason),
           outcome_status(reason_outcome(reason)));
    table_print_field("means", advice->means, 0);
    table_print_field("at Auth0", advice->auth0, 0);
    table_print_field("in httpd", advice->httpd, 0);
    return STATUS_DONE;
}

static enum status run_explain(const struct arguments *arguments, apr_pool_t *pool)
{
    const char *reason = option_value(arguments, "reason");

    if (reason != NULL) {
        return explain_reason(reason, arguments, pool);
    }
    return run_both(arguments, true, pool);
}

#define SOURCES                                                                            \
    "The keys are those of --domain (the tenant's .well-known/jwks.json), of --jwks, or\n" \
    "a --secret, which is the file's bytes less one line end. With --config, httpd is\n"   \
    "asked what holds for --path (httpd -t -D DUMP_AUTH0_PLACE=...): whom it trusts,\n"    \
    "what it requires, its CA file and proxy. What only httpd can tell (addresses,\n"      \
    "expressions, regular expressions) is left open, with exit status 4. Files\n"          \
    ".htaccess are not read.\n"

const struct command command_verify = {
    .name = "verify",
    .operand = TOKEN_OPERAND,
    .summary = "Accept or refuse a token as the module would, and say why.",
    .options = verify_options,
    .details =
        "Prints \"accepted: sub=...\", or \"refused: reason: sentence\" with a line about\n"
        "what was expected, and exits with 1.\n\n" SOURCES,
    .run = run_verify,
};

const struct command command_explain = {
    .name = "explain",
    .operand = TOKEN_OPERAND,
    .summary = "Show each check of the module: expected, found, what to change.",
    .options = explain_options,
    .details =
        "The verdict and exit status are those of verify. After the check that fails, the\n"
        "others are made too where that is sound; without a good signature they judge\n"
        "what nobody has vouched for, and are marked as not verified.\n\n" SOURCES,
    .run = run_explain,
};
