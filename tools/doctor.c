#include <apr_strings.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "doctor.h"
#include "object.h"
#include "policy.h"
#include "show.h"
#include "table.h"
#include "token.h"

static const struct option_row options[] = {
    {"audience", "AUDIENCE", 0, "the Identifier of the API, as for Auth0Audience"},
    {"token", "TOKEN|-", 0, "a token to try; - reads it from standard input"},
    {TOKEN_FILE_OPTION},
    {"ca-file", "FILE", 0, "trust anchors, instead of the system's"},
    {"proxy", "URL", 0, "proxy, or none (default: the environment's)"},
    {"leeway", "SECONDS", 0, "that Auth0Leeway forgives (default 5, to 300)"},
    {"json", NULL, 0, "print JSON"},
    {NULL, NULL, 0, NULL},
};

static const char *const state_words[] = {[FINDING_OK] = "ok",
                                          [FINDING_WARNING] = "warning",
                                          [FINDING_FAILED] = "FAILED",
                                          [FINDING_SKIPPED] = "-"};

void doctor_add(struct doctor *doctor, const char *name, enum finding_state state,
                const char *found, const char *advice)
{
    struct finding *finding = apr_array_push(doctor->findings);

    finding->name = name;
    finding->state = state;
    finding->found = found;
    finding->advice = advice;
    doctor->failed = doctor->failed || state == FINDING_FAILED;
    doctor->warned = doctor->warned || state == FINDING_WARNING;
}

static void print_findings(const struct doctor *doctor)
{
    for (int i = 0; i < doctor->findings->nelts; i++) {
        const struct finding *finding =
            &APR_ARRAY_IDX(doctor->findings, i, const struct finding);

        table_print_row(state_words[finding->state], finding->name, finding->found, 0);
        table_print_field("advice", finding->advice, 11);
    }
    puts(doctor->failed   ? "\nSomething is wrong."
         : doctor->warned ? "\nIt works; see the warnings."
                          : "\nAll is well.");
}

static void print_json(const struct doctor *doctor, apr_pool_t *pool)
{
    static const char *const states[] = {[FINDING_OK] = "ok",
                                         [FINDING_WARNING] = "warning",
                                         [FINDING_FAILED] = "failed",
                                         [FINDING_SKIPPED] = "skipped"};
    object *o = object_create(pool);
    list *findings = list_create(pool);

    for (int i = 0; i < doctor->findings->nelts; i++) {
        const struct finding *finding =
            &APR_ARRAY_IDX(doctor->findings, i, const struct finding);
        object *one = object_create(pool);

        object_set_string(one, "check", finding->name);
        object_set_string(one, "state", states[finding->state]);
        object_set_string(one, "found", finding->found);
        object_set_string(one, "advice", finding->advice);
        list_add(findings, object_text(one, pool));
    }
    object_set_string(o, "domain", doctor->domain);
    object_set_bool(o, "ok", !doctor->failed);
    object_set(o, "findings", list_text(findings));
    puts(object_text(o, pool));
}

static enum status read_arguments(struct doctor *doctor,
                                  const struct arguments *arguments, apr_pool_t *pool)
{
    long long leeway;
    enum status status;

    if (arguments->operand == NULL) {
        return complain(arguments, STATUS_USAGE,
                        "a domain is required, such as tenant.us.auth0.com");
    }
    doctor->domain = policy_domain(arguments->operand, pool);
    if (doctor->domain == NULL) {
        return complain(arguments, STATUS_USAGE,
                        "%s is no domain, such as tenant.us.auth0.com",
                        show_quoted(arguments->operand, pool));
    }
    doctor->audience = option_value(arguments, "audience");
    policy_read_limits(&doctor->limits, arguments);
    status = option_number(&leeway, arguments, "leeway", 5, 0, 300);
    doctor->leeway = (int)leeway;
    if (status == STATUS_DONE &&
        (option_given(arguments, "token") || option_given(arguments, "token-file"))) {
        status = token_read_from(&doctor->token, &doctor->token_len,
                                 option_value(arguments, "token"),
                                 option_value(arguments, "token-file"), arguments, pool);
    }
    return status;
}

static enum status run(const struct arguments *arguments, apr_pool_t *pool)
{
    struct doctor doctor = {.pool = pool};
    enum status status = read_arguments(&doctor, arguments, pool);

    if (status != STATUS_DONE) {
        return status;
    }
    doctor.findings = apr_array_make(pool, 16, sizeof(struct finding));
    doctor_look_at_tenant(&doctor);
    doctor_look_at_audience(&doctor);
    doctor_look_at_token(&doctor);
    if (option_given(arguments, "json")) {
        print_json(&doctor, pool);
    }
    else {
        print_findings(&doctor);
    }
    return doctor.failed ? STATUS_REFUSED : STATUS_DONE;
}

const struct command command_doctor = {
    .name = "doctor",
    .operand = "DOMAIN",
    .summary = "Check all that lies between httpd and a tenant, with advice.",
    .options = options,
    .details =
        "Looks at name resolution, connection, TLS, the answer and its time, this\n"
        "machine's clock, the keys, the issuer that tokens will name, and, where they are\n"
        "given, the audience and a token. It goes on after a failure, as far as it can.\n"
        "Run it on the machine of httpd. Exit status 1 when something failed.\n",
    .run = run,
};
