#include <apr_strings.h>
#include <apr_time.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "kind.h"
#include "object.h"
#include "show.h"
#include "token.h"
#include "token/jwt.h"

static const struct option_row options[] = {
    {TOKEN_FILE_OPTION},
    {"json", NULL, 0, "print JSON"},
    {NULL, NULL, 0, NULL},
};

/* Claims that hold times, and what people call these. */
static const struct {
    const char *claim;
    const char *word;
    const char *past; /* NULL: the same */
} times[] = {
    {"auth_time", "logged in", NULL},
    {"iat", "issued", NULL},
    {"nbf", "not before", NULL},
    {"exp", "expires", "EXPIRED"},
};

#define TIMES (sizeof(times) / sizeof(times[0]))

/* A token, looked at. */
struct look {
    struct token_parts parts;
    struct kind_found kind;
    enum reason reason; /* of its form */
    double now;
    apr_pool_t *pool;
};

/* "expires in 23 h 59 min", "expired 5 min ago" */
static const char *relative(size_t i, double seconds, const struct look *look)
{
    double difference = seconds - look->now;
    bool exp = strcmp(times[i].claim, "exp") == 0;
    const char *length =
        show_duration(difference < 0 ? -difference : difference, look->pool);

    if (difference > -1 && difference < 1) {
        return exp ? "expires now" : "now";
    }
    return difference > 0
               ? apr_pstrcat(look->pool, exp ? "expires in " : "in ", length, NULL)
               : apr_pstrcat(look->pool, exp ? "expired " : "", length, " ago", NULL);
}

static const char *why_refused(const struct look *look)
{
    return show_form(look->reason) != NULL ? show_form(look->reason)
                                           : reason_sentence(look->reason);
}

/* ---- for people ------------------------------------------------------------------------- */

static void print_part(const char *name, const json_value *value, enum reason problem,
                       apr_pool_t *pool)
{
    if (value == NULL) {
        printf("\n%s: cannot be read (%s)\n", name, reason_name(problem));
        return;
    }
    printf("\n%s\n", name);
    show_json(stdout, value, 2, pool);
}

static void print_times(const struct look *look)
{
    const json_value *claims = look->parts.claims;

    if (!json_is_object(claims)) {
        return;
    }
    printf("\ntimes\n");
    for (size_t i = 0; i < TIMES; i++) {
        const json_value *claim = json_member(claims, times[i].claim);
        const char *word = times[i].word;
        double seconds;

        if (claim == NULL) {
            if (strcmp(times[i].claim, "exp") == 0) {
                printf("  no exp: a token without expiry is refused\n");
            }
            continue;
        }
        if (!json_time(&seconds, claim)) {
            printf("  %-12s%s is not a time\n", word, show_value(claim, look->pool));
            continue;
        }
        if (times[i].past != NULL && seconds <= look->now) {
            word = times[i].past;
        }
        printf("  %-12s%s  %s, %s\n", word, show_value(claim, look->pool),
               show_date(seconds, look->pool), relative(i, seconds, look));
    }
}

static void print_look(const struct look *look)
{
    puts(
        "NOT VERIFIED: anyone can write what a token says; `auth0-jwt verify` checks it.");
    printf("\nlooks like  %s%s%s\n", look->kind.words,
           look->kind.because != NULL ? ": " : "",
           look->kind.because != NULL ? look->kind.because : "");
    if (look->reason != REASON_OK) {
        printf("always refused: %s: %s\n", reason_name(look->reason), why_refused(look));
    }
    if (look->kind.advice != NULL) {
        printf("%s\n", look->kind.advice);
    }
    if (look->parts.count == 3 || look->parts.count == TOKEN_PARTS_MAX) {
        print_part("header (NOT VERIFIED)", look->parts.header,
                   look->parts.header_problem, look->pool);
    }
    if (look->parts.count == 3) {
        print_part("claims (NOT VERIFIED)", look->parts.claims,
                   look->parts.claims_problem, look->pool);
        print_times(look);
        printf("\nsignature (NOT VERIFIED)\n  %" APR_SIZE_T_FMT " characters\n",
               look->parts.parts[2].len);
    }
}

/* ---- for programs ------------------------------------------------------------------------ */

static const char *times_json(const struct look *look)
{
    object *all = object_create(look->pool);

    for (size_t i = 0; i < TIMES; i++) {
        const json_value *claim = json_member(look->parts.claims, times[i].claim);
        object *one = object_create(look->pool);
        double seconds;

        if (!json_time(&seconds, claim)) {
            continue;
        }
        object_set_number(one, "seconds", seconds);
        object_set_string(one, "date", show_date(seconds, look->pool));
        object_set_string(one, "words", relative(i, seconds, look));
        object_set_bool(one, "past", seconds <= look->now);
        object_set(all, times[i].claim, object_text(one, look->pool));
    }
    return object_text(all, look->pool);
}

static void print_json(const struct look *look)
{
    object *o = object_create(look->pool);

    object_set_bool(o, "verified", false);
    object_set_string(o, "kind", look->kind.name);
    object_set_string(o, "because", look->kind.because);
    object_set_string(o, "advice", look->kind.advice);
    object_set_bool(o, "well_formed", look->reason == REASON_OK);
    object_set_string(o, "reason", reason_name(look->reason));
    object_set_string(o, "problem", look->reason != REASON_OK ? why_refused(look) : NULL);
    object_set(o, "header", show_json_value(look->parts.header, look->pool));
    object_set(o, "claims", show_json_value(look->parts.claims, look->pool));
    object_set(o, "times", times_json(look));
    puts(object_text(o, look->pool));
}

static enum status run(const struct arguments *arguments, apr_pool_t *pool)
{
    struct look look = {.pool = pool};
    const char *token;
    size_t len;
    struct jwt *jwt;
    enum status status = token_read(&token, &len, arguments, pool);

    if (status != STATUS_DONE) {
        return status;
    }
    look.now = (double)apr_time_now() / (double)APR_USEC_PER_SEC;
    look.reason = jwt_parse(&jwt, token, len, pool);
    token_split(&look.parts, token, len, pool);
    kind_find(&look.kind, &look.parts, pool);
    (option_given(arguments, "json") ? print_json : print_look)(&look);
    return look.reason == REASON_OK ? STATUS_DONE : STATUS_REFUSED;
}

const struct command command_inspect = {
    .name = "inspect",
    .operand = TOKEN_OPERAND,
    .summary = "Show what a token says, verified by nobody.",
    .options = options,
    .details =
        "Says what kind of token it looks like, shows its header and claims, and each\n"
        "time in words. Works for expired tokens and for those that no key here can\n"
        "verify. A malformed token is shown as far as it can be read, with the reason\n"
        "why it would be refused, and exit status 1.\n",
    .run = run,
};
