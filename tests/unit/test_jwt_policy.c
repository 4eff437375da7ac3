#include "token/jwt.h"

#include <apr_strings.h>
#include <string.h>

#include "support.h"

/* ---- the claims --------------------------------------------------------------- */

/* The claims that differ, in a token that is otherwise good. */
static const struct {
    const char *claims;
    enum reason reason;
} rules[] = {
    /* D5 */
    {"{" AUD EXP SUB "}", REASON_ISSUER_MISMATCH},
    {"{'iss':null," AUD EXP SUB "}", REASON_ISSUER_MISMATCH},
    {"{'iss':''," AUD EXP SUB "}", REASON_ISSUER_MISMATCH},
    {"{'iss':['" ISSUER "']," AUD EXP SUB "}", REASON_ISSUER_MISMATCH},
    {"{'iss':{'a':'" ISSUER "'}," AUD EXP SUB "}", REASON_ISSUER_MISMATCH},
    {"{'iss':'https://tenant.us.auth0.com'," AUD EXP SUB "}", REASON_ISSUER_MISMATCH},
    {"{'iss':'https://tenant.us.auth0.com//'," AUD EXP SUB "}", REASON_ISSUER_MISMATCH},
    {"{'iss':'https://Tenant.us.auth0.com/'," AUD EXP SUB "}", REASON_ISSUER_MISMATCH},
    {"{'iss':'HTTPS://tenant.us.auth0.com/'," AUD EXP SUB "}", REASON_ISSUER_MISMATCH},
    {"{'iss':'http://tenant.us.auth0.com/'," AUD EXP SUB "}", REASON_ISSUER_MISMATCH},
    {"{'iss':'https://tenant.us.auth0.com/x'," AUD EXP SUB "}", REASON_ISSUER_MISMATCH},
    {"{'iss':' https://tenant.us.auth0.com/'," AUD EXP SUB "}", REASON_ISSUER_MISMATCH},
    {"{'iss':'https://tenant.us.auth0.com:443/'," AUD EXP SUB "}",
     REASON_ISSUER_MISMATCH},
    {"{'iss':'https://'," AUD EXP SUB "}", REASON_ISSUER_MISMATCH},
    {"{'iss':'" ISSUER "\\u0000'," AUD EXP SUB "}", REASON_JSON_ENCODING},
    {"{'iss':'https:\\/\\/tenant.us.auth0.com\\u002f'," AUD EXP SUB "}", REASON_OK},

    /* D6, D7, D15 */
    {"{" ISS EXP SUB "}", REASON_AUDIENCE_MALFORMED},
    {"{" ISS "'aud':null," EXP SUB "}", REASON_AUDIENCE_MALFORMED},
    {"{" ISS "'aud':true," EXP SUB "}", REASON_AUDIENCE_MALFORMED},
    {"{" ISS "'aud':1," EXP SUB "}", REASON_AUDIENCE_MALFORMED},
    {"{" ISS "'aud':[]," EXP SUB "}", REASON_AUDIENCE_MALFORMED},
    {"{" ISS "'aud':[1]," EXP SUB "}", REASON_AUDIENCE_MALFORMED},
    {"{" ISS "'aud':[null]," EXP SUB "}", REASON_AUDIENCE_MALFORMED},
    {"{" ISS "'aud':[['" AUDIENCE "']]," EXP SUB "}", REASON_AUDIENCE_MALFORMED},
    {"{" ISS "'aud':['" AUDIENCE "',1]," EXP SUB "}", REASON_AUDIENCE_MALFORMED},
    {"{" ISS "'aud':[{},'" AUDIENCE "']," EXP SUB "}", REASON_AUDIENCE_MALFORMED},
    {"{" ISS "'aud':{'a':'" AUDIENCE "'}," EXP SUB "}", REASON_AUDIENCE_MALFORMED},
    {"{" ISS "'AUD':'" AUDIENCE "'," EXP SUB "}", REASON_AUDIENCE_MALFORMED},
    {"{" ISS "'aud':''," EXP SUB "}", REASON_AUDIENCE_MISMATCH},
    {"{" ISS "'aud':['']," EXP SUB "}", REASON_AUDIENCE_MISMATCH},
    {"{" ISS "'aud':'client-id'," EXP SUB "}", REASON_AUDIENCE_MISMATCH},
    {"{" ISS "'aud':'https://api.example.co'," EXP SUB "}", REASON_AUDIENCE_MISMATCH},
    {"{" ISS "'aud':'api.example.com'," EXP SUB "}", REASON_AUDIENCE_MISMATCH},
    {"{" ISS "'aud':'" AUDIENCE "/'," EXP SUB "}", REASON_AUDIENCE_MISMATCH},
    {"{" ISS "'aud':'" AUDIENCE ".evil.example'," EXP SUB "}", REASON_AUDIENCE_MISMATCH},
    {"{" ISS "'aud':'https://API.example.com'," EXP SUB "}", REASON_AUDIENCE_MISMATCH},
    {"{" ISS "'aud':'" AUDIENCE " '," EXP SUB "}", REASON_AUDIENCE_MISMATCH},
    {"{" ISS "'aud':'" AUDIENCE " https://x'," EXP SUB "}", REASON_AUDIENCE_MISMATCH},
    {"{" ISS "'aud':'*'," EXP SUB "}", REASON_AUDIENCE_MISMATCH},
    {"{" ISS "'aud':['a','b','" AUDIENCE "/']," EXP SUB "}", REASON_AUDIENCE_MISMATCH},
    {"{" ISS "'aud':['" AUDIENCE "']," EXP SUB "}", REASON_OK},
    {"{" ISS "'aud':['z','" AUDIENCE "','a']," EXP SUB "}", REASON_OK},
    {"{" ISS "'aud':['" AUDIENCE "','" AUDIENCE "']," EXP SUB "}", REASON_OK},
    {"{" ISS "'aud':'https://other.example.com'," EXP SUB "}", REASON_OK},

    /* D2, D3 */
    {"{" ISS AUD SUB "}", REASON_EXP_MALFORMED},
    {"{" ISS AUD "'exp':null," SUB "}", REASON_EXP_MALFORMED},
    {"{" ISS AUD "'exp':true," SUB "}", REASON_EXP_MALFORMED},
    {"{" ISS AUD "'exp':'1700003600'," SUB "}", REASON_EXP_MALFORMED},
    {"{" ISS AUD "'exp':''," SUB "}", REASON_EXP_MALFORMED},
    {"{" ISS AUD "'exp':[1700003600]," SUB "}", REASON_EXP_MALFORMED},
    {"{" ISS AUD "'exp':{}," SUB "}", REASON_EXP_MALFORMED},
    {"{" ISS AUD "'exp':-1," SUB "}", REASON_EXP_MALFORMED},
    {"{" ISS AUD "'exp':-1700003600," SUB "}", REASON_EXP_MALFORMED},
    {"{" ISS AUD "'exp':9007199254740994," SUB "}", REASON_EXP_MALFORMED},
    {"{" ISS AUD "'exp':9007199254740993," SUB "}", REASON_EXP_MALFORMED},
    {"{" ISS AUD "'exp':1e300," SUB "}", REASON_EXP_MALFORMED},
    {"{" ISS AUD "'exp':1e400," SUB "}", REASON_JSON_TOO_LARGE},
    {"{" ISS AUD "'exp':NaN," SUB "}", REASON_JSON_SYNTAX},
    {"{" ISS AUD "'exp':Infinity," SUB "}", REASON_JSON_SYNTAX},
    {"{" ISS AUD "'exp':01700003600," SUB "}", REASON_JSON_SYNTAX},
    {"{" ISS AUD "'exp':0," SUB "}", REASON_EXPIRED},
    {"{" ISS AUD "'exp':1.7," SUB "}", REASON_EXPIRED},
    {"{" ISS AUD "'exp':1600000000," SUB "}", REASON_EXPIRED},
    {"{" ISS AUD "'exp':1700003600.75," SUB "}", REASON_OK},
    {"{" ISS AUD "'exp':1.8e9," SUB "}", REASON_OK},
    {"{" ISS AUD "'exp':2147483648," SUB "}", REASON_OK},
    {"{" ISS AUD "'exp':4294967296," SUB "}", REASON_OK},
    {"{" ISS AUD "'exp':9007199254740992," SUB "}", REASON_OK},

    /* D4; the leeway is 5 s. */
    {"{" ISS AUD EXP "'nbf':1699999999," SUB "}", REASON_OK},
    {"{" ISS AUD EXP "'nbf':1700000000," SUB "}", REASON_OK},
    {"{" ISS AUD EXP "'nbf':1700000005," SUB "}", REASON_OK},
    {"{" ISS AUD EXP "'nbf':0," SUB "}", REASON_OK},
    {"{" ISS AUD EXP "'nbf':1700000005.001," SUB "}", REASON_NOT_YET_VALID},
    {"{" ISS AUD EXP "'nbf':1700000006," SUB "}", REASON_NOT_YET_VALID},
    {"{" ISS AUD EXP "'nbf':9007199254740992," SUB "}", REASON_NOT_YET_VALID},
    {"{" ISS AUD EXP "'nbf':9007199254740994," SUB "}", REASON_NBF_MALFORMED},
    {"{" ISS AUD EXP "'nbf':null," SUB "}", REASON_NBF_MALFORMED},
    {"{" ISS AUD EXP "'nbf':'0'," SUB "}", REASON_NBF_MALFORMED},
    {"{" ISS AUD EXP "'nbf':false," SUB "}", REASON_NBF_MALFORMED},
    {"{" ISS AUD EXP "'nbf':[]," SUB "}", REASON_NBF_MALFORMED},
    {"{" ISS AUD EXP "'nbf':{}," SUB "}", REASON_NBF_MALFORMED},
    {"{" ISS AUD EXP "'nbf':-1," SUB "}", REASON_NBF_MALFORMED},
    {"{" ISS AUD EXP "'iat':1699999999," SUB "}", REASON_OK},
    {"{" ISS AUD EXP "'iat':1700000005," SUB "}", REASON_OK},
    {"{" ISS AUD EXP "'iat':0," SUB "}", REASON_OK},
    {"{" ISS AUD EXP "'iat':1700000005.001," SUB "}", REASON_ISSUED_IN_FUTURE},
    {"{" ISS AUD EXP "'iat':1700000006," SUB "}", REASON_ISSUED_IN_FUTURE},
    {"{" ISS AUD EXP "'iat':9007199254740994," SUB "}", REASON_IAT_MALFORMED},
    {"{" ISS AUD EXP "'iat':null," SUB "}", REASON_IAT_MALFORMED},
    {"{" ISS AUD EXP "'iat':'0'," SUB "}", REASON_IAT_MALFORMED},
    {"{" ISS AUD EXP "'iat':true," SUB "}", REASON_IAT_MALFORMED},
    {"{" ISS AUD EXP "'iat':[]," SUB "}", REASON_IAT_MALFORMED},
    {"{" ISS AUD EXP "'iat':{}," SUB "}", REASON_IAT_MALFORMED},
    {"{" ISS AUD EXP "'iat':-0.5," SUB "}", REASON_IAT_MALFORMED},

    /* D8 */
    {"{" ISS AUD EXP "'sub':'x'}", REASON_OK},
    {"{" ISS AUD EXP "'sub':'J\xc3\xb6rg \xe2\x82\xac'}", REASON_OK},
    {"{" ISS AUD EXP "'name':'x'}", REASON_USER_CLAIM_INVALID},
    {"{" ISS AUD EXP "'Sub':'x'}", REASON_USER_CLAIM_INVALID},
    {"{" ISS AUD EXP "'sub':''}", REASON_USER_CLAIM_INVALID},
    {"{" ISS AUD EXP "'sub':null}", REASON_USER_CLAIM_INVALID},
    {"{" ISS AUD EXP "'sub':1}", REASON_USER_CLAIM_INVALID},
    {"{" ISS AUD EXP "'sub':true}", REASON_USER_CLAIM_INVALID},
    {"{" ISS AUD EXP "'sub':['x']}", REASON_USER_CLAIM_INVALID},
    {"{" ISS AUD EXP "'sub':{'a':'x'}}", REASON_USER_CLAIM_INVALID},
    {"{" ISS AUD EXP "'sub':'a\\nb'}", REASON_USER_CLAIM_INVALID},
    {"{" ISS AUD EXP "'sub':'a\\r\\nX-Evil: 1'}", REASON_USER_CLAIM_INVALID},
    {"{" ISS AUD EXP "'sub':'\\u0001'}", REASON_USER_CLAIM_INVALID},
    {"{" ISS AUD EXP "'sub':'a\\u001f'}", REASON_USER_CLAIM_INVALID},
    {"{" ISS AUD EXP "'sub':'a\\u007f'}", REASON_USER_CLAIM_INVALID},
    {"{" ISS AUD EXP "'sub':'a\\t'}", REASON_USER_CLAIM_INVALID},
    {"{" ISS AUD EXP "'sub':'a\\u0080'}", REASON_USER_CLAIM_INVALID},
    {"{" ISS AUD EXP "'sub':'\\u009fb'}", REASON_USER_CLAIM_INVALID},
    {"{" ISS AUD EXP "'sub':'a\\u00a0b'}", REASON_OK},
    {"{" ISS AUD EXP "'sub':'a\\u001b[31m'}", REASON_USER_CLAIM_INVALID},

    /* D14: whoever steals such a token must not be able to use it as a bearer. */
    {"{" ISS AUD EXP "'cnf':{'jkt':'0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I'}," SUB
     "}",
     REASON_TOKEN_BOUND},
    {"{" ISS AUD EXP
     "'cnf':{'x5t#S256':'bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2'}," SUB "}",
     REASON_TOKEN_BOUND},
    {"{" ISS AUD EXP "'cnf':{}," SUB "}", REASON_TOKEN_BOUND},
    {"{" ISS AUD EXP "'cnf':null," SUB "}", REASON_TOKEN_BOUND},
    {"{" ISS AUD EXP "'cnf':''," SUB "}", REASON_TOKEN_BOUND},
    {"{" ISS AUD EXP "'CNF':{}," SUB "}", REASON_OK},
};

START_TEST(judges_the_claims)
{
    ASSERT_REASON(verdict_of(token_with(rules[_i].claims)), rules[_i].reason,
                  rules[_i].claims);
}
END_TEST

/* D1: NumericDate is in seconds, the clock in microseconds. */
static const struct {
    const char *exp;
    int leeway;
    apr_time_t now; /* microseconds after TODAY */
    enum reason reason;
} boundaries[] = {
    {"1700000000", 5, 4 * APR_USEC_PER_SEC, REASON_OK},
    {"1700000000", 5, 5 * APR_USEC_PER_SEC - 1, REASON_OK},
    {"1700000000", 5, 5 * APR_USEC_PER_SEC, REASON_EXPIRED},
    {"1700000000", 5, 6 * APR_USEC_PER_SEC, REASON_EXPIRED},
    {"1700000000", 0, -1, REASON_OK},
    {"1700000000", 0, 0, REASON_EXPIRED},
    {"1700000000", 0, 1, REASON_EXPIRED},
    {"1700000000", 300, 300 * APR_USEC_PER_SEC - 1, REASON_OK},
    {"1700000000", 300, 300 * APR_USEC_PER_SEC, REASON_EXPIRED},
    {"1700000000.5", 0, 499999, REASON_OK},
    {"1700000000.5", 0, 500000, REASON_EXPIRED},
    {"1700000000.5", 5, 5499999, REASON_OK},
    {"1700000000.5", 5, 5500000, REASON_EXPIRED},
    {"1700000000.000", 0, 0, REASON_EXPIRED},
    {"17e8", 0, -1, REASON_OK},
    {"17e8", 0, 0, REASON_EXPIRED},
};

START_TEST(a_token_expires_at_exp_plus_leeway)
{
    const char *claims =
        apr_psprintf(pool, "{" ISS AUD "'exp':%s," SUB "}", boundaries[_i].exp);
    struct jwt_policy by = policy;

    by.leeway = boundaries[_i].leeway;
    ASSERT_REASON(check(claims_of(token_with(claims)), &by,
                        apr_time_from_sec(TODAY) + boundaries[_i].now),
                  boundaries[_i].reason, claims);
}
END_TEST

/* D4: nbf and iat may be ahead of our clock by the leeway, not by a microsecond more. */
static const struct {
    int leeway;
    apr_time_t now; /* microseconds after nbf and iat */
    bool accepted;
} starts[] = {
    {0, 0, true},
    {0, 1, true},
    {0, -1, false},
    {5, -5 * APR_USEC_PER_SEC, true},
    {5, -5 * APR_USEC_PER_SEC - 1, false},
    {300, -300 * APR_USEC_PER_SEC, true},
    {300, -300 * APR_USEC_PER_SEC - 1, false},
};

START_TEST(a_token_becomes_valid_at_nbf_and_iat_minus_leeway)
{
    struct jwt_policy by = policy;
    apr_time_t now = apr_time_from_sec(TODAY) + starts[_i].now;

    by.leeway = starts[_i].leeway;
    ASSERT_REASON(
        check(claims_of(token_with("{" ISS AUD EXP "'nbf':1700000000," SUB "}")), &by,
              now),
        starts[_i].accepted ? REASON_OK : REASON_NOT_YET_VALID, "nbf");
    ASSERT_REASON(
        check(claims_of(token_with("{" ISS AUD EXP "'iat':1700000000," SUB "}")), &by,
              now),
        starts[_i].accepted ? REASON_OK : REASON_ISSUED_IN_FUTURE, "iat");
}
END_TEST

/* A12, A13 by profile: the value of typ as JSON, NULL for none. */
static const struct {
    const char *typ;
    enum reason automatic;
    enum reason rfc9068;
} profiles[] = {
    {NULL, REASON_OK, REASON_TYPE_MISMATCH},
    {"'JWT'", REASON_OK, REASON_TYPE_MISMATCH},
    {"'jwt'", REASON_OK, REASON_TYPE_MISMATCH},
    {"'at+jwt'", REASON_OK, REASON_OK},
    {"'AT+JWT'", REASON_OK, REASON_OK},
    {"'application/at+jwt'", REASON_OK, REASON_OK},
    {"'logout+jwt'", REASON_TYPE_MISMATCH, REASON_TYPE_MISMATCH},
    {"'dpop+jwt'", REASON_TYPE_MISMATCH, REASON_TYPE_MISMATCH},
    {"'secevent+jwt'", REASON_TYPE_MISMATCH, REASON_TYPE_MISMATCH},
    {"'id_token+jwt'", REASON_TYPE_MISMATCH, REASON_TYPE_MISMATCH},
    {"''", REASON_TYPE_MISMATCH, REASON_TYPE_MISMATCH},
    {"null", REASON_TYPE_MISMATCH, REASON_TYPE_MISMATCH},
    {"1", REASON_TYPE_MISMATCH, REASON_TYPE_MISMATCH},
    {"['JWT']", REASON_TYPE_MISMATCH, REASON_TYPE_MISMATCH},
};

START_TEST(accepts_the_types_of_the_profile)
{
    const char *typ = profiles[_i].typ;
    const char *header =
        json_of(apr_psprintf(pool, "{'alg':'ES256','kid':'p256'%s%s}",
                             typ != NULL ? ",'typ':" : "", typ != NULL ? typ : ""));
    const struct jwt_claims *claims =
        claims_of(token_of(JWA_ES256, OURS, header, json_of(CLAIMS)));
    struct jwt_policy by = policy;

    ASSERT_REASON(check(claims, &by, apr_time_from_sec(TODAY)), profiles[_i].automatic,
                  header);
    by.profile = JWT_PROFILE_RFC9068;
    ASSERT_REASON(check(claims, &by, apr_time_from_sec(TODAY)), profiles[_i].rfc9068,
                  header);
}
END_TEST

START_TEST(a_user_claim_may_have_255_bytes)
{
    const char *longest = apr_pstrcat(pool, "x", repeated("\xc3\xa9", 127), NULL);
    const char *claims = apr_psprintf(pool, "{" ISS AUD EXP "'sub':'%s'}", longest);
    const char *over = apr_psprintf(pool, "{" ISS AUD EXP "'sub':'y%s'}", longest);
    const char *user;

    ck_assert_uint_eq(strlen(longest), 255);
    ASSERT_REASON(jwt_check(&user, claims_of(token_with(claims)), &policy,
                            apr_time_from_sec(TODAY)),
                  REASON_OK, "255");
    ck_assert_str_eq(user, longest);
    ASSERT_REASON(verdict_of(token_with(over)), REASON_USER_CLAIM_INVALID, "256");
}
END_TEST

START_TEST(the_user_is_named_by_the_claim_of_the_policy)
{
    const struct jwt_claims *claims = claims_of(
        token_with("{" ISS AUD EXP SUB
                   ",'https://example.com/name':'Jo','email':'jo@example.com','n':1}"));
    static const struct {
        const char *claim;
        const char *user;
    } rows[] = {
        {"sub", "auth0|user"},
        {"https://example.com/name", "Jo"},
        {"email", "jo@example.com"},
        {"Email", NULL},
        {"n", NULL},
        {"name", NULL},
        {"", NULL},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct jwt_policy by = policy;
        const char *user;

        by.user_claim = rows[i].claim;
        ASSERT_REASON(jwt_check(&user, claims, &by, apr_time_from_sec(TODAY)),
                      rows[i].user != NULL ? REASON_OK : REASON_USER_CLAIM_INVALID,
                      rows[i].claim);
        ck_assert_pstr_eq(user, rows[i].user);
    }
}
END_TEST

START_TEST(a_policy_without_issuer_or_audience_accepts_nothing)
{
    const struct jwt_claims *claims = claims_of(token_with(CLAIMS));
    struct jwt_policy by = policy;

    by.issuer = NULL;
    ASSERT_REASON(check(claims, &by, apr_time_from_sec(TODAY)), REASON_ISSUER_MISMATCH,
                  "no issuer");
    by = policy;
    by.audiences = NULL;
    by.audience_count = 0;
    ASSERT_REASON(check(claims, &by, apr_time_from_sec(TODAY)), REASON_AUDIENCE_MISMATCH,
                  "no audience");
    by = policy;
    by.algorithms = 0;
    ASSERT_REASON(check(claims, &by, apr_time_from_sec(TODAY)),
                  REASON_ALGORITHM_NOT_ALLOWED, "no algorithm");
}
END_TEST

/* One location's verdict must never serve another: the claims are the same. */
START_TEST(the_same_claims_are_judged_by_each_policy)
{
    static const char *const others[] = {"https://elsewhere.example.com"};
    const struct jwt_claims *claims = claims_of(token_with(CLAIMS));
    struct jwt_policy by = policy;

    ASSERT_REASON(check(claims, &policy, apr_time_from_sec(TODAY)), REASON_OK, "here");
    by.audiences = others;
    by.audience_count = COUNT(others);
    ASSERT_REASON(check(claims, &by, apr_time_from_sec(TODAY)), REASON_AUDIENCE_MISMATCH,
                  "there");
    ASSERT_REASON(check(claims, &policy, apr_time_from_sec(TODAY + 3605)), REASON_EXPIRED,
                  "later");
    ASSERT_REASON(check(claims, &policy, apr_time_from_sec(TODAY)), REASON_OK,
                  "here again");
}
END_TEST

/* ---- the order ---------------------------------------------------------------- */

/* Everything is wrong; then, from the front, one thing after the other is right. */
static const struct {
    const char *claims;
    enum reason reason;
} order[] = {
    {"{'iss':'x','aud':'x','exp':1,'nbf':9e9,'iat':9e9,'cnf':{},'sub':''}",
     REASON_ISSUER_MISMATCH},
    {"{" ISS "'aud':[],'exp':1,'nbf':9e9,'iat':9e9,'cnf':{},'sub':''}",
     REASON_AUDIENCE_MALFORMED},
    {"{" ISS "'aud':'x','exp':1,'nbf':9e9,'iat':9e9,'cnf':{},'sub':''}",
     REASON_AUDIENCE_MISMATCH},
    {"{" ISS AUD "'exp':'','nbf':9e9,'iat':9e9,'cnf':{},'sub':''}", REASON_EXP_MALFORMED},
    {"{" ISS AUD "'exp':1,'nbf':9e9,'iat':9e9,'cnf':{},'sub':''}", REASON_EXPIRED},
    {"{" ISS AUD EXP "'nbf':'','iat':9e9,'cnf':{},'sub':''}", REASON_NBF_MALFORMED},
    {"{" ISS AUD EXP "'nbf':9e9,'iat':9e9,'cnf':{},'sub':''}", REASON_NOT_YET_VALID},
    {"{" ISS AUD EXP "'nbf':1,'iat':'','cnf':{},'sub':''}", REASON_IAT_MALFORMED},
    {"{" ISS AUD EXP "'nbf':1,'iat':9e9,'cnf':{},'sub':''}", REASON_ISSUED_IN_FUTURE},
    {"{" ISS AUD EXP "'nbf':1,'iat':1,'cnf':{},'sub':''}", REASON_TYPE_MISMATCH},
};

START_TEST(the_first_failure_is_the_answer)
{
    const char *header = json_of("{'alg':'ES256','kid':'p256','typ':'x'}");
    const char *token = token_of(JWA_ES256, OURS, header, json_of(order[_i].claims));
    struct jwt_policy by = policy;

    ASSERT_REASON(verdict_of(token), order[_i].reason, order[_i].claims);
    by.algorithms = JWA_BIT(JWA_RS256);
    ASSERT_REASON(check(claims_of(token), &by, apr_time_from_sec(TODAY)),
                  REASON_ALGORITHM_NOT_ALLOWED, order[_i].claims);
}
END_TEST

START_TEST(the_type_comes_before_cnf_and_cnf_before_the_user)
{
    ASSERT_REASON(verdict_of(token_with("{" ISS AUD EXP "'cnf':{},'sub':''}")),
                  REASON_TOKEN_BOUND, "cnf and no user");
    ASSERT_REASON(verdict_of(token_with("{" ISS AUD EXP "'sub':''}")),
                  REASON_USER_CLAIM_INVALID, "no user");
}
END_TEST

/* B9: who cannot sign learns nothing about the claims. */
START_TEST(a_bad_signature_is_the_answer_whatever_the_claims)
{
    static const char *const bad[] = {
        "{" ISS AUD "'exp':1," SUB "}",
        "{" ISS "'aud':'x'," EXP SUB "}",
        "{'iss':'x'," AUD EXP SUB "}",
        "{}",
    };

    for (size_t i = 0; i < COUNT(bad); i++) {
        ASSERT_REASON(verdict_of(token_of(JWA_ES256, THEIRS, header_of(JWA_ES256),
                                          json_of(bad[i]))),
                      REASON_SIGNATURE_INVALID, bad[i]);
    }
    ASSERT_REASON(verdict_of(token_with(bad[0])), REASON_EXPIRED, "signed by us");
}
END_TEST

START_TEST(a_wrong_audience_is_the_answer_before_an_old_token)
{
    ASSERT_REASON(verdict_of(token_with("{" ISS "'aud':'x','exp':1," SUB "}")),
                  REASON_AUDIENCE_MISMATCH, "both");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("jwt_policy");
    TCase *tcase = support_tcase(suite, "claims");

    keys_make();
    ADD_TABLE(tcase, judges_the_claims, rules);
    ADD_TABLE(tcase, a_token_expires_at_exp_plus_leeway, boundaries);
    ADD_TABLE(tcase, a_token_becomes_valid_at_nbf_and_iat_minus_leeway, starts);
    ADD_TABLE(tcase, accepts_the_types_of_the_profile, profiles);
    tcase_add_test(tcase, a_user_claim_may_have_255_bytes);
    tcase_add_test(tcase, the_user_is_named_by_the_claim_of_the_policy);
    tcase_add_test(tcase, a_policy_without_issuer_or_audience_accepts_nothing);
    tcase_add_test(tcase, the_same_claims_are_judged_by_each_policy);

    tcase = support_tcase(suite, "order");
    ADD_TABLE(tcase, the_first_failure_is_the_answer, order);
    tcase_add_test(tcase, the_type_comes_before_cnf_and_cnf_before_the_user);
    tcase_add_test(tcase, a_bad_signature_is_the_answer_whatever_the_claims);
    tcase_add_test(tcase, a_wrong_audience_is_the_answer_before_an_old_token);
    return support_run(suite);
}
