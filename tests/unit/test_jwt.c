#include "token/jwt.h"

#include <apr_strings.h>
#include <string.h>

#include "support.h"
#include "token/secret.h"

/* ---- the steps ---------------------------------------------------------------- */

START_TEST(accepts_a_good_token_of_every_algorithm)
{
    enum jwa_alg alg = (enum jwa_alg)_i;
    const char *token = token_of(alg, OURS, header_of(alg), json_of(CLAIMS));
    struct jwt_policy by = policy;
    const char *user;

    by.algorithms = JWA_BIT(alg);
    ASSERT_REASON(
        judge(&user, token, strlen(token), our_jwks(), &by, apr_time_from_sec(TODAY)),
        REASON_OK, token);
    ck_assert_str_eq(user, "auth0|user");
    by.algorithms = ~JWA_BIT(alg);
    ASSERT_REASON(
        judge(&user, token, strlen(token), our_jwks(), &by, apr_time_from_sec(TODAY)),
        REASON_ALGORITHM_NOT_ALLOWED, token);
}
END_TEST

START_TEST(accepts_a_good_token_of_a_secret)
{
    enum jwa_alg alg = (enum jwa_alg)_i;
    struct secret *ours = secret_create(secret_of(OURS), SECRET_LENGTH, JWA_BIT(alg));
    struct secret *theirs = secret_create(secret_of(THEIRS), SECRET_LENGTH, JWA_BIT(alg));
    const char *token = token_of(alg, OURS, header_of(alg), json_of(CLAIMS));
    struct jwt_policy by = policy;
    const struct jwt_claims *claims;
    struct jwt *jwt;

    by.algorithms = JWA_BIT(alg);
    ASSERT_REASON(jwt_parse(&jwt, token, strlen(token), pool), REASON_OK, token);
    ASSERT_REASON(jwt_verify_secret(&claims, jwt, theirs), REASON_SIGNATURE_INVALID,
                  token);
    ck_assert_ptr_null(claims);
    ASSERT_REASON(jwt_verify_secret(&claims, jwt, ours), REASON_OK, token);
    ASSERT_REASON(check(claims, &by, apr_time_from_sec(TODAY)), REASON_OK, token);
    ASSERT_REASON(check(claims, &policy, apr_time_from_sec(TODAY)),
                  REASON_ALGORITHM_NOT_ALLOWED, token);
    secret_destroy(ours);
    secret_destroy(theirs);
}
END_TEST

/* A key of ours can make RS512; a location that pins RS256 does not want it (B2). */
START_TEST(rejects_rs512_when_rs256_is_pinned)
{
    struct jwt_policy by = policy;

    by.algorithms = JWA_BIT(JWA_RS256);
    for (enum jwa_alg alg = 0; alg < JWA_HS256; alg++) {
        const char *token = token_of(alg, OURS, header_of(alg), json_of(CLAIMS));

        ASSERT_REASON(check(claims_of(token), &by, apr_time_from_sec(TODAY)),
                      alg == JWA_RS256 ? REASON_OK : REASON_ALGORITHM_NOT_ALLOWED,
                      jwa_get(alg)->name);
    }
}
END_TEST

/*
 * B6: a token that was changed is the client's fault, and no reason speaks of claims that
 * nobody signed.
 */
static bool fails_before_its_claims(const char *token, size_t len,
                                    const struct jwks *jwks)
{
    const char *user;
    enum reason reason =
        judge(&user, token, len, jwks, &policy, apr_time_from_sec(TODAY));

    return reason >= REASON_TOKEN_TOO_LONG && reason <= REASON_PAYLOAD_MALFORMED;
}

/* A flipped bit may leave the bytes as they were only where base64url is lax. */
START_TEST(no_token_with_a_bit_flipped_is_ever_accepted)
{
    const char *token =
        token_of(JWA_RS256, OURS, json_of("{'alg':'RS256','typ':'JWT','kid':'rsa'}"),
                 json_of(CLAIMS));
    size_t len = strlen(token);
    char *flipped = apr_pstrdup(pool, token);
    const struct jwks *jwks = our_jwks();
    apr_pool_t *all = pool;

    ASSERT_REASON(verdict_of(token), REASON_OK, "as it was");
    ck_assert_int_eq(apr_pool_create(&pool, all), APR_SUCCESS);
    for (size_t bit = 0; bit < len * 8; bit++) {
        flipped[bit / 8] = (char)(token[bit / 8] ^ (1 << bit % 8));
        ck_assert_msg(fails_before_its_claims(flipped, len, jwks), "bit %u of %s",
                      (unsigned)bit, token);
        flipped[bit / 8] = token[bit / 8];
        apr_pool_clear(pool);
    }
    apr_pool_destroy(pool);
    pool = all;
}
END_TEST

START_TEST(no_prefix_or_suffix_of_a_token_is_ever_accepted)
{
    const char *token = token_of(JWA_RS256, OURS, header_of(JWA_RS256), json_of(CLAIMS));
    size_t len = strlen(token);
    const struct jwks *jwks = our_jwks();

    for (size_t cut = 1; cut <= len; cut++) {
        ck_assert_msg(fails_before_its_claims(token, len - cut, jwks), "the first %u",
                      (unsigned)(len - cut));
        ck_assert_msg(fails_before_its_claims(token + cut, len - cut, jwks),
                      "the last %u", (unsigned)(len - cut));
    }
    ASSERT_REASON(verdict_of(token), REASON_OK, "all of it");
}
END_TEST

START_TEST(no_other_character_behind_a_token_is_ever_accepted)
{
    const char *token = token_with(CLAIMS);
    const struct jwks *jwks = our_jwks();

    for (int c = 0; c < 256; c++) {
        char *longer = apr_pstrcat(pool, token, "?", NULL);

        longer[strlen(token)] = (char)c;
        ck_assert_msg(fails_before_its_claims(longer, strlen(token) + 1, jwks),
                      "byte %02x", (unsigned)c);
    }
    ASSERT_REASON(verdict_of(token), REASON_OK, "nothing behind");
}
END_TEST

/* B7: another issuer's key under the same kid. */
START_TEST(rejects_a_strangers_key_under_our_kid)
{
    ASSERT_REASON(
        verdict_of(token_of(JWA_ES256, THEIRS, header_of(JWA_ES256), json_of(CLAIMS))),
        REASON_SIGNATURE_INVALID, "theirs");
    ASSERT_REASON(verdict_of(token_with(CLAIMS)), REASON_OK, "ours");
}
END_TEST

/* The signature is ours and the claims are good: the header alone is the reason. */
static const struct {
    const char *header;
    enum reason reason;
} headers[] = {
    {"{'alg':'ES256','kid':'p256'}", REASON_OK},
    {"{'alg':'ES256','kid':'p256','crit':['exp']}", REASON_HEADER_UNSUPPORTED},
    {"{'alg':'ES256','kid':'p256','b64':true}", REASON_HEADER_UNSUPPORTED},
    {"{'alg':'ES256','kid':'p256','cty':'JWT'}", REASON_HEADER_UNSUPPORTED},
    {"{'alg':'ES256','kid':''}", REASON_KID_MALFORMED},
    {"{'alg':'ES256','kid':256}", REASON_KID_MALFORMED},
    {"{'alg':'none','kid':'p256'}", REASON_ALGORITHM_UNKNOWN},
    {"{'kid':'p256'}", REASON_ALGORITHM_UNKNOWN},
    {"['ES256']", REASON_HEADER_MALFORMED},
    {"{'alg':'ES256','alg':'ES256'}", REASON_JSON_DUPLICATE_NAME},
    {"{'alg':'ES256'", REASON_JSON_SYNTAX},
    {"{'alg':'ES256','kid':'p256\\u0000'}", REASON_JSON_ENCODING},
};

START_TEST(a_good_signature_mends_no_header)
{
    const char *token =
        token_of(JWA_ES256, OURS, json_of(headers[_i].header), json_of(CLAIMS));

    ASSERT_REASON(verdict_of(token), headers[_i].reason, headers[_i].header);
}
END_TEST

/* A1: a JWS may have an empty payload, an access token may not. */
START_TEST(rejects_an_empty_payload)
{
    static const struct {
        const char *payload;
        enum reason reason;
    } rows[] = {
        {"", REASON_TOKEN_PART_EMPTY},
        {" ", REASON_JSON_SYNTAX},
        {CLAIMS, REASON_OK},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *token =
            token_of(JWA_RS256, OURS, header_of(JWA_RS256), json_of(rows[i].payload));

        ASSERT_REASON(verdict_of(token), rows[i].reason, rows[i].payload);
    }
}
END_TEST

/* A16: a kid is a name in the key set and nothing else. */
static const char *const kids[] = {
    "unknown", "RSA", "rsa ", "../../etc/passwd", "%s%n", "' OR '1'='1", "https://evil/",
};

START_TEST(rejects_a_kid_that_no_key_has)
{
    const char *header =
        apr_psprintf(pool, "{\"alg\":\"RS256\",\"kid\":\"%s\"}", kids[_i]);

    ASSERT_REASON(verdict_of(token_of(JWA_RS256, OURS, header, json_of(CLAIMS))),
                  REASON_KEY_UNKNOWN, header);
}
END_TEST

START_TEST(finds_the_key_without_a_kid_only_if_there_is_no_doubt)
{
    EVP_PKEY *ours = key_of(JWA_RS256, OURS);
    EVP_PKEY *theirs = key_of(JWA_RS256, THEIRS);
    const struct jwks *one = jwks_of(jwks_text(jwk_of(ours, ",'kid':'a'"), NULL));
    const struct jwks *two = jwks_of(
        jwks_text(jwk_of(ours, ",'kid':'a'"), jwk_of(theirs, ",'kid':'b'"), NULL));
    const char *token =
        token_of(JWA_RS256, OURS, json_of("{'alg':'RS256'}"), json_of(CLAIMS));
    apr_time_t now = apr_time_from_sec(TODAY);
    const char *user;

    ASSERT_REASON(judge(&user, token, strlen(token), one, &policy, now), REASON_OK,
                  "one");
    ASSERT_REASON(judge(&user, token, strlen(token), two, &policy, now),
                  REASON_KEY_AMBIGUOUS, "two");
}
END_TEST

/* ---- the payload -------------------------------------------------------------- */

static const struct {
    const char *payload;
    enum reason reason;
} payloads[] = {
    {CLAIMS, REASON_OK},
    {" \n{" ISS AUD EXP SUB "}\r\n ", REASON_OK},
    {"[]", REASON_PAYLOAD_MALFORMED},
    {"[" CLAIMS "]", REASON_PAYLOAD_MALFORMED},
    {"'text'", REASON_PAYLOAD_MALFORMED},
    {"1", REASON_PAYLOAD_MALFORMED},
    {"null", REASON_PAYLOAD_MALFORMED},
    {"true", REASON_PAYLOAD_MALFORMED},

    /* D11 */
    {"{" ISS AUD EXP SUB ",'exp':1800000000}", REASON_JSON_DUPLICATE_NAME},
    {"{" ISS AUD EXP SUB ",'e\\u0078p':1800000000}", REASON_JSON_DUPLICATE_NAME},
    {"{" ISS AUD EXP SUB ",'\\u0061ud':'x'}", REASON_JSON_DUPLICATE_NAME},
    {"{" ISS AUD EXP SUB ",'permissions':[],'permissions':[]}",
     REASON_JSON_DUPLICATE_NAME},
    {"{" ISS AUD EXP SUB ",'a':{'b':1,'b':2}}", REASON_JSON_DUPLICATE_NAME},
    {"{" ISS AUD EXP SUB ",'a':[{'b':{'c':1,'c':1}}]}", REASON_JSON_DUPLICATE_NAME},
    {"{" ISS AUD EXP SUB ",'EXP':0,'Iss':'x','AUD':1,'Sub':'','CNF':{},'NBF':9e9}",
     REASON_OK},
    {"{" ISS AUD "'EXP':1700003600," SUB "}", REASON_EXP_MALFORMED},

    /* D12 */
    {"{" ISS AUD EXP "'sub':'admin\\u0000user'}", REASON_JSON_ENCODING},
    {"{" ISS AUD EXP SUB ",'a\\u0000':1}", REASON_JSON_ENCODING},
    {"{" ISS AUD EXP SUB ",'a':'\\ud800'}", REASON_JSON_ENCODING},
    {"{" ISS AUD EXP SUB ",'a':'\\udc00\\ud800'}", REASON_JSON_ENCODING},
    {"{" ISS AUD EXP SUB ",'a':'\\ud83d\\ude00'}", REASON_OK},
    {"{" ISS AUD EXP SUB ",'a':'\x01'}", REASON_JSON_ENCODING},
    {"{" ISS AUD EXP SUB ",'a':'\n'}", REASON_JSON_ENCODING},
    {"{" ISS AUD EXP SUB ",'a':'\xc0\xaf'}", REASON_JSON_ENCODING},
    {"{" ISS AUD EXP SUB ",'a':'\xe9'}", REASON_JSON_ENCODING},
    {"{" ISS AUD EXP SUB ",'a':'\xc3\xa9'}", REASON_OK},
    {"{" ISS AUD EXP SUB ",'a':0123}", REASON_JSON_SYNTAX},
    {"{" ISS AUD EXP SUB ",'a':1.}", REASON_JSON_SYNTAX},
    {"{" ISS AUD EXP SUB ",'a':NaN}", REASON_JSON_SYNTAX},
    {"{" ISS AUD EXP SUB ",\v'a':1}", REASON_JSON_SYNTAX},
    {"{" ISS AUD EXP SUB "}}", REASON_JSON_SYNTAX},
    {"{" ISS AUD EXP SUB ",}", REASON_JSON_SYNTAX},
    {"{" ISS AUD EXP SUB, REASON_JSON_SYNTAX},
    {"\xef\xbb\xbf" CLAIMS, REASON_JSON_SYNTAX},
    {"claims", REASON_JSON_SYNTAX},
    {" ", REASON_JSON_SYNTAX},
    {"{" ISS AUD EXP SUB ",'a':1e400}", REASON_JSON_TOO_LARGE},
};

START_TEST(judges_the_payload)
{
    ASSERT_REASON(verdict_of(token_with(payloads[_i].payload)), payloads[_i].reason,
                  payloads[_i].payload);
}
END_TEST

START_TEST(rejects_a_payload_with_a_nul_behind)
{
    const char *claims = json_of(CLAIMS);
    const char *input =
        apr_pstrcat(pool, b64(header_of(JWA_ES256), strlen(header_of(JWA_ES256))), ".",
                    b64(claims, strlen(claims) + 1), NULL);
    unsigned char signature[SIGNATURE_MAX];
    size_t len = sign(signature, JWA_ES256, key_of(JWA_ES256, OURS), input);

    ASSERT_REASON(verdict_of(with_signature(input, signature, len)), REASON_JSON_SYNTAX,
                  "NUL");
}
END_TEST

/* D13 */
START_TEST(takes_a_payload_of_16_levels_and_no_more)
{
    for (size_t arrays = 15; arrays <= 16; arrays++) {
        const char *claims = apr_psprintf(pool, "{" ISS AUD EXP SUB ",'a':%s%s}",
                                          repeated("[", arrays), repeated("]", arrays));

        ASSERT_REASON(verdict_of(token_with(claims)),
                      arrays == 15 ? REASON_OK : REASON_JSON_TOO_LARGE, claims);
    }
}
END_TEST

START_TEST(takes_a_payload_of_256_members_and_no_more)
{
    const char *claims = "{" ISS AUD EXP SUB;

    for (int i = 4; i < 256; i++) {
        claims = apr_psprintf(pool, "%s,'m%d':0", claims, i);
    }
    ASSERT_REASON(verdict_of(token_with(apr_pstrcat(pool, claims, "}", NULL))), REASON_OK,
                  "256");
    ASSERT_REASON(verdict_of(token_with(apr_pstrcat(pool, claims, ",'m':0}", NULL))),
                  REASON_JSON_TOO_LARGE, "257");
}
END_TEST

START_TEST(the_issuer_can_be_asked_before_the_signature_holds)
{
    static const struct {
        const char *payload;
        const char *issuer;
    } rows[] = {
        {"{'iss':'https://a/'}", "https://a/"},
        {"{'iss':''}", ""},
        {"{}", NULL},
        {"{'iss':null}", NULL},
        {"{'iss':1}", NULL},
        {"{'iss':['a']}", NULL},
        {"{'ISS':'a'}", NULL},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *token = token_with(rows[i].payload);
        struct jwt *jwt;

        ASSERT_REASON(jwt_parse(&jwt, token, strlen(token), pool), REASON_OK, token);
        ck_assert_pstr_eq(jwt_unverified_issuer(jwt), rows[i].issuer);
    }
}
END_TEST

/* ---- words -------------------------------------------------------------------- */

/* D9: which of two permissions a value of the claim grants. */
static const struct {
    const char *value;
    size_t count;
    bool read;
    bool write;
} permissions[] = {
    {"['read:admin']", 1, true, false},
    {"['write:admin','read:admin']", 2, true, true},
    {"['z','read:admin','a','read:admin']", 4, true, false},
    {"['read:\\u0061dmin']", 1, true, false},
    {"[]", 0, false, false},
    {"null", 0, false, false},
    {"true", 0, false, false},
    {"'read:admin'", 0, false, false},
    {"'read:admin write:admin'", 0, false, false},
    {"{'read:admin':true}", 0, false, false},
    {"{'0':'read:admin'}", 0, false, false},
    {"['read:admin',1]", 0, false, false},
    {"[null,'read:admin']", 0, false, false},
    {"[['read:admin']]", 0, false, false},
    {"['read:admin',['write:admin']]", 0, false, false},
    {"['Read:admin']", 1, false, false},
    {"['READ:ADMIN']", 1, false, false},
    {"['read:admi']", 1, false, false},
    {"['read:admins']", 1, false, false},
    {"['read:admin ']", 1, false, false},
    {"[' read:admin']", 1, false, false},
    {"['read:admin write:admin']", 1, false, false},
    {"['read:admin,write:admin']", 1, false, false},
    {"['read:*','*','.*','%']", 4, false, false},
    {"['']", 1, false, false},
};

START_TEST(permissions_grant_what_an_array_of_strings_names)
{
    const char *token = token_with(apr_psprintf(
        pool, "{" ISS AUD EXP SUB ",'permissions':%s}", permissions[_i].value));
    const struct jwt_claims *claims = claims_of(token);

    ck_assert_uint_eq(claims->permissions.count, permissions[_i].count);
    ck_assert(jwt_words_contain(&claims->permissions, "read:admin") ==
              permissions[_i].read);
    ck_assert(jwt_words_contain(&claims->permissions, "write:admin") ==
              permissions[_i].write);
    ck_assert_uint_eq(claims->scope.count, 0);
    ASSERT_REASON(check(claims, &policy, apr_time_from_sec(TODAY)), REASON_OK, token);
}
END_TEST

START_TEST(no_permissions_and_no_scope_grant_nothing)
{
    const struct jwt_claims *claims =
        claims_of(token_with("{" ISS AUD EXP SUB ",'Permissions':['a'],'SCOPE':'a'}"));

    ck_assert_uint_eq(claims->permissions.count, 0);
    ck_assert(!jwt_words_contain(&claims->permissions, "a"));
    ck_assert(!jwt_words_contain(&claims->permissions, ""));
    ck_assert(!jwt_words_contain(&claims->scope, "a"));
}
END_TEST

/* Two characters each, so that a thousand fit into a token. */
static const char *short_word(unsigned i)
{
    static const char characters[] = "abcdefghijklmnopqrstuvwxyzABCDEF";

    return apr_psprintf(pool, "%c%c", characters[i / 32], characters[i % 32]);
}

START_TEST(a_thousand_permissions_are_found_each_and_no_other)
{
    const char *claims = "{" ISS AUD EXP SUB ",'permissions':['aa'";
    const struct jwt_words *set;

    for (unsigned i = 1; i < 1000; i++) { /* in no order */
        claims = apr_psprintf(pool, "%s,'%s'", claims, short_word(i * 7 % 1000));
    }
    set = &claims_of(token_with(apr_pstrcat(pool, claims, "]}", NULL)))->permissions;
    ck_assert_uint_eq(set->count, 1000);
    for (unsigned i = 0; i < 1024; i++) {
        const char *word = short_word(i);

        ck_assert(jwt_words_contain(set, word) == (i < 1000));
        ck_assert(!jwt_words_contain(set, apr_pstrcat(pool, word, " ", NULL)));
        ck_assert(!jwt_words_contain(set, word + 1));
    }
    ck_assert(!jwt_words_contain(set, ""));
}
END_TEST

/* D10: a space separates, nothing else does. */
static const struct {
    const char *value;
    size_t count;
    bool read;
    bool write;
} scopes[] = {
    {"'read:a'", 1, true, false},
    {"'read:a write:a'", 2, true, true},
    {"'write:a read:a'", 2, true, true},
    {"'openid  read:a   write:a'", 3, true, true},
    {"' read:a '", 1, true, false},
    {"'a b c d e read:a'", 6, true, false},
    {"'read:a\\u0020write:a'", 2, true, true},
    {"''", 0, false, false},
    {"' '", 0, false, false},
    {"'    '", 0, false, false},
    {"'read:a\\twrite:a'", 1, false, false},
    {"'read:a\\nwrite:a'", 1, false, false},
    {"'read:a\\rwrite:a'", 1, false, false},
    {"'read:a,write:a'", 1, false, false},
    {"'read:a\xc2\xa0write:a'", 1, false, false},
    {"'read:ab'", 1, false, false},
    {"'xread:a'", 1, false, false},
    {"'Read:a'", 1, false, false},
    {"'read:'", 1, false, false},
    {"'read:*'", 1, false, false},
    {"['read:a']", 0, false, false},
    {"null", 0, false, false},
    {"1", 0, false, false},
    {"{'read:a':1}", 0, false, false},
};

START_TEST(a_scope_grants_the_words_between_its_spaces)
{
    const char *token = token_with(
        apr_psprintf(pool, "{" ISS AUD EXP SUB ",'scope':%s}", scopes[_i].value));
    const struct jwt_claims *claims = claims_of(token);

    ck_assert_uint_eq(claims->scope.count, scopes[_i].count);
    ck_assert(jwt_words_contain(&claims->scope, "read:a") == scopes[_i].read);
    ck_assert(jwt_words_contain(&claims->scope, "write:a") == scopes[_i].write);
    ck_assert(!jwt_words_contain(&claims->scope, ""));
    ck_assert_uint_eq(claims->permissions.count, 0);
}
END_TEST

/* Against the look-up of one word after the other, for all subsets of a few words. */
START_TEST(knows_whether_all_of_several_words_are_in_a_set)
{
    static const char *const all[] = {"", "a", "ab", "abc", "b", "read:a", "read:b"};
    const char *set_words[7];
    const char *words_words[7];

    for (unsigned i = 0; i < 1u << 7; i++) {
        for (unsigned j = 0; j < 1u << 7; j++) {
            struct jwt_words set = {.words = set_words};
            struct jwt_words words = {.words = words_words};
            bool expected = (j & ~i) == 0;

            for (unsigned bit = 7; bit-- > 0;) { /* in another order than the sorted */
                if ((i & 1u << bit) != 0) {
                    set.words[set.count++] = all[bit];
                }
                if ((j & 1u << bit) != 0) {
                    words.words[words.count++] = all[bit];
                }
            }
            jwt_words_sort(&set);
            jwt_words_sort(&words);
            ck_assert(jwt_words_contain_all(&set, &words) == expected);
        }
    }
}
END_TEST

START_TEST(the_claims_hold_what_the_token_says)
{
    const struct jwt_claims *claims = claims_of(token_of(
        JWA_ES256, OURS, json_of("{'alg':'ES256','kid':'p256','typ':'at+jwt'}"),
        json_of(
            "{'iss':'i','aud':['b','a'],'exp':3.5,'nbf':'x','azp':'client','cnf':{}}")));

    ck_assert_int_eq(claims->alg, JWA_ES256);
    ck_assert_int_eq(claims->typ, JWS_TYP_AT_JWT);
    ck_assert_str_eq(claims->issuer, "i");
    ck_assert(claims->audience_valid);
    ck_assert_uint_eq(claims->audience.count, 2);
    ck_assert(jwt_words_contain(&claims->audience, "a"));
    ck_assert(jwt_words_contain(&claims->audience, "b"));
    ck_assert_int_eq(claims->exp.state, JWT_TIME_PRESENT);
    ck_assert_double_eq(claims->exp.seconds, 3.5);
    ck_assert_int_eq(claims->nbf.state, JWT_TIME_MALFORMED);
    ck_assert_int_eq(claims->iat.state, JWT_TIME_ABSENT);
    ck_assert(claims->bound);
    ck_assert_str_eq(json_string(json_member(claims->payload, "azp")), "client");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("jwt");
    TCase *tcase = support_tcase(suite, "verification");

    keys_make();
    tcase_add_loop_test(tcase, accepts_a_good_token_of_every_algorithm, 0, JWA_HS256);
    tcase_add_loop_test(tcase, accepts_a_good_token_of_a_secret, JWA_HS256, JWA_COUNT);
    tcase_add_test(tcase, rejects_rs512_when_rs256_is_pinned);
    tcase_add_test(tcase, no_token_with_a_bit_flipped_is_ever_accepted);
    tcase_add_test(tcase, no_prefix_or_suffix_of_a_token_is_ever_accepted);
    tcase_add_test(tcase, no_other_character_behind_a_token_is_ever_accepted);
    tcase_add_test(tcase, rejects_a_strangers_key_under_our_kid);
    ADD_TABLE(tcase, a_good_signature_mends_no_header, headers);
    tcase_add_test(tcase, rejects_an_empty_payload);
    ADD_TABLE(tcase, rejects_a_kid_that_no_key_has, kids);
    tcase_add_test(tcase, finds_the_key_without_a_kid_only_if_there_is_no_doubt);

    tcase = support_tcase(suite, "payload");
    ADD_TABLE(tcase, judges_the_payload, payloads);
    tcase_add_test(tcase, rejects_a_payload_with_a_nul_behind);
    tcase_add_test(tcase, takes_a_payload_of_16_levels_and_no_more);
    tcase_add_test(tcase, takes_a_payload_of_256_members_and_no_more);
    tcase_add_test(tcase, the_issuer_can_be_asked_before_the_signature_holds);

    tcase = support_tcase(suite, "words");
    ADD_TABLE(tcase, permissions_grant_what_an_array_of_strings_names, permissions);
    tcase_add_test(tcase, no_permissions_and_no_scope_grant_nothing);
    tcase_add_test(tcase, a_thousand_permissions_are_found_each_and_no_other);
    ADD_TABLE(tcase, a_scope_grants_the_words_between_its_spaces, scopes);
    tcase_add_test(tcase, knows_whether_all_of_several_words_are_in_a_set);
    tcase_add_test(tcase, the_claims_hold_what_the_token_says);
    return support_run(suite);
}
