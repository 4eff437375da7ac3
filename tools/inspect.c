#include <apr_strings.h>
#include <apr_time.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "files.h"
#include "show.h"
#include "token/base64url.h"
#include "token/jwt.h"

static const struct option_row options[] = {
    {NULL, NULL, 0, NULL},
};

/* The parts that a JWE has; what has more is nothing we know. */
#define PARTS_MAX 5

struct part {
    const char *text;
    size_t len;
};

/* Split at the dots; the number of parts, PARTS_MAX + 1 for any more. */
static unsigned split(struct part parts[PARTS_MAX], const char *token, size_t len)
{
    const char *end = token + len;
    unsigned n = 0;

    for (;;) {
        const char *dot = memchr(token, '.', (size_t)(end - token));

        if (n == PARTS_MAX) {
            return PARTS_MAX + 1;
        }
        parts[n].text = token;
        parts[n].len = (size_t)((dot != NULL ? dot : end) - token);
        n++;
        if (dot == NULL) {
            return n;
        }
        token = dot + 1;
    }
}

/* Decode and read one part, whatever jwt_parse thinks of the rest of the token. */
static enum reason read_part(const json_value **value, const struct part *part,
                             apr_pool_t *pool)
{
    static const struct json_limits limits = JSON_LIMITS_DEFAULT;
    unsigned char *bytes = apr_palloc(pool, BASE64URL_DECODED_MAX(part->len));
    size_t len;

    *value = NULL;
    if (part->len == 0) {
        return REASON_TOKEN_PART_EMPTY;
    }
    if (!base64url_decode(bytes, &len, part->text, part->len)) {
        return REASON_BASE64URL_INVALID;
    }
    return json_parse(value, (const char *)bytes, len, &limits, pool);
}

static const json_value *show_part(const char *name, const struct part *part,
                                   apr_pool_t *pool)
{
    const json_value *value;
    enum reason reason = read_part(&value, part, pool);

    if (reason != REASON_OK) {
        printf("\n%s: cannot be read (%s)\n", name, reason_name(reason));
        return NULL;
    }
    printf("\n%s\n", name);
    show_json(stdout, value, 2, pool);
    return value;
}

static void show_times(const json_value *claims, double now, apr_pool_t *pool)
{
    static const struct {
        const char *claim;
        const char *word;
    } times[] = {
        {"auth_time", "logged in"},
        {"iat", "issued"},
        {"nbf", "not before"},
        {"exp", "expires"},
    };

    if (!json_is_object(claims)) {
        return;
    }
    printf("\ntimes\n");
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        const json_value *claim = json_member(claims, times[i].claim);
        bool exp = strcmp(times[i].claim, "exp") == 0;
        double seconds;

        if (claim == NULL) {
            if (exp) {
                printf("  no exp: a token without expiry is refused\n");
            }
            continue;
        }
        if (!json_time(&seconds, claim)) {
            printf("  %-12s%s is not a time\n", times[i].word, show_value(claim, pool));
            continue;
        }
        printf("  %-12s%s\n", exp && seconds <= now ? "EXPIRED" : times[i].word,
               show_time(seconds, now, pool));
    }
}

static enum status run(const struct arguments *arguments, apr_pool_t *pool)
{
    struct part parts[PARTS_MAX];
    const char *token;
    size_t len;
    unsigned count;
    struct jwt *jwt;
    enum reason reason;
    enum status status = read_token(&token, &len, arguments, pool);

    if (status != STATUS_DONE) {
        return status;
    }
    reason = jwt_parse(&jwt, token, len, pool);
    count = split(parts, token, len);

    if (count == 3) {
        puts(
            "NOT VERIFIED: anyone can write what follows; `auth0-jwt verify` checks it.");
    }
    if (reason != REASON_OK) {
        printf("%salways refused: %s: %s\n", count == 3 ? "\n" : "", reason_name(reason),
               show_form(reason) != NULL ? show_form(reason) : reason_sentence(reason));
    }
    if (count == 3) {
        double now = (double)apr_time_now() / (double)APR_USEC_PER_SEC;

        show_part("header (NOT VERIFIED)", &parts[0], pool);
        show_times(show_part("claims (NOT VERIFIED)", &parts[1], pool), now, pool);
        printf("\nsignature (NOT VERIFIED)\n  %" APR_SIZE_T_FMT " characters\n",
               parts[2].len);
    }
    else if (count == PARTS_MAX) {
        show_part("header (NOT VERIFIED)", &parts[0], pool);
    }
    return reason == REASON_OK ? STATUS_DONE : STATUS_REFUSED;
}

const struct command command_inspect = {
    .name = "inspect",
    .operand = "[TOKEN | -]",
    .summary = "Show what a token says, verified by nobody.",
    .options = options,
    .details =
        "Works for expired tokens and for those that no key here can verify. A\n"
        "malformed token is shown as far as it can be read, with the reason why it\n"
        "would be refused, and exit status 1.\n",
    .run = run,
};
