#include "table.h"

#include <stdio.h>
#include <string.h>

#include "advice.h"
#include "object.h"

#define WIDTH 96
#define LABEL_WIDTH 10
#define STATE_WIDTH 9
#define NAME_WIDTH 14

static const struct advice *advice_of(const struct check *check)
{
    static const struct advice none = {NULL, NULL, NULL};

    if (check->state != CHECK_FAILED) {
        return &none;
    }
    return check->line != NULL && check->line->kind == REQUIRE_LINE
               ? advice_for_requirement(check->line->name)
               : advice_for(check->reason);
}

static const char *state_word(const struct check *check)
{
    switch (check->state) {
    case CHECK_PASSED:
        return check->verified ? "ok" : "(ok)";
    case CHECK_FAILED:
        return check->verified ? "FAILED" : "(FAILED)";
    case CHECK_OPEN:
        return "open";
    case CHECK_SKIPPED:
        break;
    }
    return "-";
}

void table_print_text(const char *text, int column)
{
    size_t room = (size_t)(WIDTH - column);

    if (*text == '\0') {
        putchar('\n');
    }
    while (*text != '\0') {
        size_t len = strlen(text);
        size_t end = len;

        if (len > room) {
            end = room;
            while (end > 0 && text[end] != ' ') {
                end--;
            }
            if (end == 0) {
                end = strcspn(text, " ");
            }
        }
        printf("%.*s\n", (int)end, text);
        text += end + strspn(text + end, " ");
        if (*text != '\0') {
            printf("%*s", column, "");
        }
    }
}

void table_print_field(const char *label, const char *text, int indent)
{
    if (text != NULL) {
        printf("%*s%-*s", indent, "", LABEL_WIDTH, label);
        table_print_text(text, indent + LABEL_WIDTH);
    }
}

void table_print_row(const char *state, const char *name, const char *text, int deeper)
{
    if (text == NULL) {
        printf("%-*s%s\n", STATE_WIDTH, state, name);
        return;
    }
    printf("%-*s%-*s", STATE_WIDTH, state, NAME_WIDTH, name);
    if (strlen(name) >= NAME_WIDTH) {
        printf("\n%*s", STATE_WIDTH + NAME_WIDTH, "");
    }
    printf("%*s", deeper, "");
    table_print_text(text, STATE_WIDTH + NAME_WIDTH + deeper);
}

static void print_row(const struct check *check)
{
    const char *text = check->state == CHECK_SKIPPED ? check->hint : NULL;

    if (check->line == NULL) {
        table_print_row(state_word(check), check->name, text, 0);
        return;
    }
    table_print_row(state_word(check), check->depth == 0 ? "requirements" : "",
                    check->says != NULL ? check->says : text, check->depth * 2);
}

/* What a requirement expects is in its row already, unless it lacks something. */
static void print_details(const struct check *check)
{
    const struct advice *advice = advice_of(check);
    int indent = check->line == NULL ? STATE_WIDTH + 2
                                     : STATE_WIDTH + NAME_WIDTH + check->depth * 2 + 2;

    if (check->state == CHECK_SKIPPED && check->line == NULL) {
        return;
    }
    if (check->expected != check->says) {
        table_print_field("expected", check->expected, indent);
    }
    table_print_field("found", check->found, indent);
    table_print_field("note", check->hint, indent);
    table_print_field("from", check->from, indent);
    table_print_field("at Auth0", advice->auth0, indent);
    table_print_field("in httpd", advice->httpd, indent);
}

void table_print(const struct judgement *judgement)
{
    bool unverified = false;

    putchar('\n');
    for (int i = 0; i < judgement->checks->nelts; i++) {
        const struct check *check =
            &APR_ARRAY_IDX(judgement->checks, i, const struct check);

        unverified = unverified || (!check->verified && check->state != CHECK_SKIPPED);
        print_row(check);
        print_details(check);
    }
    if (unverified) {
        puts("\nIn brackets: not verified. Anyone can write what the token says there.");
    }
}

const char *table_check_json(const struct check *check, apr_pool_t *pool)
{
    static const char *const states[] = {[CHECK_PASSED] = "passed",
                                         [CHECK_FAILED] = "failed",
                                         [CHECK_SKIPPED] = "skipped",
                                         [CHECK_OPEN] = "open"};
    const struct advice *advice = advice_of(check);
    object *o = object_create(pool);

    object_set_string(o, "check", check->name);
    object_set_string(o, "state", states[check->state]);
    object_set_bool(o, "verified", check->verified && check->state != CHECK_SKIPPED);
    object_set_string(o, "reason",
                      check->state == CHECK_FAILED ? reason_name(check->reason) : NULL);
    object_set_string(o, "expected", check->expected);
    object_set_string(o, "found", check->found);
    object_set_string(o, "hint", check->hint);
    object_set_string(o, "from", check->from);
    object_set_string(o, "auth0", advice->auth0);
    object_set_string(o, "httpd", advice->httpd);
    if (check->line != NULL) {
        object_set_string(o, "says", check->says);
        object_set_number(o, "depth", check->depth);
    }
    return object_text(o, pool);
}

const char *table_json(const struct judgement *judgement, apr_pool_t *pool)
{
    list *checks = list_create(pool);

    for (int i = 0; i < judgement->checks->nelts; i++) {
        list_add(checks,
                 table_check_json(
                     &APR_ARRAY_IDX(judgement->checks, i, const struct check), pool));
    }
    return list_text(checks);
}
