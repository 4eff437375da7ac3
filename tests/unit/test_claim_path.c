#include "token/claim_path.h"

#include "support.h"
#include "token/json.h"

#define DOCUMENT                                                                         \
    "{'sub':'ann','a/b':'slash','~':'tilde','':'empty','~1':'raw','/x':'rooted',"        \
    "'org':{'id':'o1','':{'deep':'down'}},'roles':['r0','r1',['r2']],'none':null}"

static const json_value *claims(void)
{
    const char *text = json_of(DOCUMENT);
    const json_value *payload = NULL;

    ASSERT_REASON(json_parse(&payload, exact(text, strlen(text)), strlen(text),
                             &JSON_LIMITS_DEFAULT, pool),
                  REASON_OK, text);
    return payload;
}

static const struct {
    const char *name;
    const char *value; /* NULL: no such string */
} names[] = {
    {"sub", "ann"},
    {"a/b", "slash"},
    {"~", "tilde"},
    {"~1", "raw"}, /* no pointer, so nothing is escaped */
    {"Sub", NULL},
    {"su", NULL},
    {"org", NULL}, /* an object */
    {"/sub", "ann"},
    {"/a~1b", "slash"},
    {"/~0", "tilde"},
    {"/~01", "raw"}, /* RFC 6901 4: ~01 is ~1 and no slash */
    {"/~1x", "rooted"},
    {"/", "empty"},
    {"/org/id", "o1"},
    {"/org//deep", "down"},
    {"/org/id/", NULL},
    {"/org/no/id", NULL},
    {"/roles/0", "r0"},
    {"/roles/1", "r1"},
    {"/roles/2/0", "r2"},
    {"/roles/3", NULL},
    {"/roles/01", NULL}, /* RFC 6901 4: no leading zero */
    {"/roles/-", NULL},
    {"/roles/-1", NULL},
    {"/roles/+1", NULL},
    {"/roles/ 1", NULL},
    {"/roles/", NULL},
    {"/roles/4294967296", NULL},
    {"/roles/18446744073709551616", NULL},
    {"/none", NULL},
    {"/none/x", NULL},
};

START_TEST(finds_what_a_name_or_a_pointer_leads_to)
{
    struct claim_path path;
    const char *found;

    ck_assert_ptr_null(claim_path_parse(&path, names[_i].name, pool));
    ck_assert_str_eq(path.text, names[_i].name);
    found = json_string(claim_path_find(&path, claims()));
    ck_assert_pstr_eq(found, names[_i].value);
}
END_TEST

static const char *const wrong[] = {"", "/~", "/~2", "/a~", "/a/b~x", "/~/a"};

START_TEST(refuses_what_names_nothing)
{
    struct claim_path path;

    ck_assert_ptr_nonnull(claim_path_parse(&path, wrong[_i], pool));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("claim_path");
    TCase *tcase = support_tcase(suite, "names of claims");

    ADD_TABLE(tcase, finds_what_a_name_or_a_pointer_leads_to, names);
    ADD_TABLE(tcase, refuses_what_names_nothing, wrong);
    return support_run(suite);
}
