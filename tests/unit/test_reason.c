#include "token/reason.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

struct row {
    enum reason reason;
    const char *constant;
    enum outcome outcome;
};

#define ROW(reason, outcome) ((struct row){REASON_##reason, #reason, OUTCOME_##outcome})

/* The name of each is its constant's, so that a log line can be found in the source. */
static const struct row rows[] = {
    ROW(OK, OK),
    ROW(NO_CREDENTIALS, NO_CREDENTIALS),
    ROW(AUTHORIZATION_MALFORMED, INVALID_REQUEST),
    ROW(TOKEN_REPEATED, INVALID_REQUEST),
    ROW(TOKEN_TOO_LONG, INVALID_TOKEN),
    ROW(TOKEN_OPAQUE, INVALID_TOKEN),
    ROW(TOKEN_ENCRYPTED, INVALID_TOKEN),
    ROW(TOKEN_PART_EMPTY, INVALID_TOKEN),
    ROW(BASE64URL_INVALID, INVALID_TOKEN),
    ROW(JSON_SYNTAX, INVALID_TOKEN),
    ROW(JSON_ENCODING, INVALID_TOKEN),
    ROW(JSON_DUPLICATE_NAME, INVALID_TOKEN),
    ROW(JSON_TOO_LARGE, INVALID_TOKEN),
    ROW(HEADER_TOO_LONG, INVALID_TOKEN),
    ROW(HEADER_MALFORMED, INVALID_TOKEN),
    ROW(ALGORITHM_UNKNOWN, INVALID_TOKEN),
    ROW(ALGORITHM_NOT_ALLOWED, INVALID_TOKEN),
    ROW(HEADER_UNSUPPORTED, INVALID_TOKEN),
    ROW(KID_MALFORMED, INVALID_TOKEN),
    ROW(ISSUER_UNKNOWN, INVALID_TOKEN),
    ROW(KEY_UNKNOWN, INVALID_TOKEN),
    ROW(KEY_AMBIGUOUS, INVALID_TOKEN),
    ROW(KEY_NOT_ELIGIBLE, INVALID_TOKEN),
    ROW(SIGNATURE_INVALID, INVALID_TOKEN),
    ROW(PAYLOAD_MALFORMED, INVALID_TOKEN),
    ROW(ISSUER_MISMATCH, INVALID_TOKEN),
    ROW(AUDIENCE_MALFORMED, INVALID_TOKEN),
    ROW(AUDIENCE_MISMATCH, INVALID_TOKEN),
    ROW(EXP_MALFORMED, INVALID_TOKEN),
    ROW(EXPIRED, INVALID_TOKEN),
    ROW(NBF_MALFORMED, INVALID_TOKEN),
    ROW(NOT_YET_VALID, INVALID_TOKEN),
    ROW(IAT_MALFORMED, INVALID_TOKEN),
    ROW(ISSUED_IN_FUTURE, INVALID_TOKEN),
    ROW(TYPE_MISMATCH, INVALID_TOKEN),
    ROW(TOKEN_BOUND, INVALID_TOKEN),
    ROW(USER_CLAIM_INVALID, INVALID_TOKEN),
    ROW(PERMISSION_MISSING, INSUFFICIENT_SCOPE),
    ROW(REQUIREMENT_NOT_MET, INSUFFICIENT_SCOPE),
    ROW(KEYS_UNAVAILABLE, UNAVAILABLE),
    ROW(JWKS_MALFORMED, UNAVAILABLE),
    ROW(JWKS_TOO_LARGE, UNAVAILABLE),
    ROW(JWKS_PRIVATE_KEY, UNAVAILABLE),
    ROW(JWKS_NO_USABLE_KEY, UNAVAILABLE),
    ROW(CONFIGURATION, MISCONFIGURED),
    ROW(INTERNAL_ERROR, MISCONFIGURED),
};

START_TEST(each_reason_has_the_name_of_its_constant_and_its_outcome)
{
    const char *constant = rows[_i].constant;
    const char *name = reason_name(rows[_i].reason);

    ck_assert_uint_eq(strlen(name), strlen(constant));
    for (size_t i = 0; name[i] != '\0'; i++) {
        ck_assert_int_eq(name[i], tolower((unsigned char)constant[i]));
    }
    ck_assert_int_eq(reason_outcome(rows[_i].reason), rows[_i].outcome);
}
END_TEST

START_TEST(no_reason_is_missing_from_the_table_above)
{
    ck_assert_uint_eq(COUNT(rows), REASON_COUNT);
    for (size_t i = 0; i < COUNT(rows); i++) {
        ck_assert_uint_eq(rows[i].reason, i);
    }
}
END_TEST

/* A sentence stands between quotes in a header and in JSON, unescaped. */
START_TEST(a_sentence_is_printable_ascii_without_quote_or_backslash)
{
    const char *sentence = reason_sentence(rows[_i].reason);
    enum outcome outcome = rows[_i].outcome;
    bool silent = outcome == OUTCOME_OK || outcome == OUTCOME_NO_CREDENTIALS ||
                  outcome == OUTCOME_MISCONFIGURED;

    ck_assert((*sentence == '\0') == silent);
    for (const char *p = sentence; *p != '\0'; p++) {
        ck_assert(*p >= 0x20 && *p < 0x7f && *p != '"' && *p != '\\' && *p != '%');
    }
}
END_TEST

/* The closed list: what clients may learn, and what their developers look for. */
static const char *const sentences[] = {
    "Authorization header value must follow this format: Bearer access-token",
    "The access token is malformed",
    "The access token is encrypted",
    "The access token is signed with an algorithm that is not allowed",
    "The access token uses a header parameter that is not supported",
    "The access token is from an issuer that is not accepted",
    "The access token is signed with a key that is not known here",
    "The access token has an invalid signature",
    "The access token is for another audience",
    "The access token has no usable expiry time",
    "The access token has expired",
    "The access token is not valid yet",
    "The token is not an access token of the accepted type",
    "The access token is bound to a key and cannot be used as a bearer token",
    "The access token does not name its user",
    "The access token does not grant a required permission",
    "The access token does not meet the requirements",
    "The signing keys of the issuer are not available",
};

START_TEST(a_client_learns_nothing_but_these_sentences)
{
    bool used[COUNT(sentences)] = {false};

    for (enum reason reason = 0; reason < REASON_COUNT; reason++) {
        const char *sentence = reason_sentence(reason);
        bool listed = *sentence == '\0';

        for (size_t i = 0; i < COUNT(sentences); i++) {
            if (strcmp(sentence, sentences[i]) == 0) {
                used[i] = listed = true;
            }
        }
        ck_assert_msg(listed, "\"%s\" is not in the list", sentence);
    }
    for (size_t i = 0; i < COUNT(sentences); i++) {
        ck_assert_msg(used[i], "\"%s\" is not used", sentences[i]);
    }
}
END_TEST

START_TEST(a_client_learns_expired_from_wrong_audience_issuer_and_signature)
{
    static const enum reason told_apart[] = {
        REASON_EXPIRED,
        REASON_AUDIENCE_MISMATCH,
        REASON_ISSUER_MISMATCH,
        REASON_NOT_YET_VALID,
        REASON_SIGNATURE_INVALID,
        REASON_TOKEN_OPAQUE,
        REASON_PERMISSION_MISSING,
    };

    for (size_t i = 0; i < COUNT(told_apart); i++) {
        for (size_t j = 0; j < i; j++) {
            ck_assert_str_ne(reason_sentence(told_apart[i]),
                             reason_sentence(told_apart[j]));
        }
    }
}
END_TEST

START_TEST(the_malformed_request_says_how_it_should_look)
{
    ck_assert_str_eq(
        reason_sentence(REASON_AUTHORIZATION_MALFORMED),
        "Authorization header value must follow this format: Bearer access-token");
}
END_TEST

static const struct {
    enum outcome outcome;
    int status;
    const char *error;
    const char *message;
} outcomes[] = {
    {OUTCOME_NO_CREDENTIALS, 401, NULL, "Requires authentication"},
    {OUTCOME_INVALID_REQUEST, 400, "invalid_request", "Requires authentication"},
    {OUTCOME_INVALID_TOKEN, 401, "invalid_token", "Bad credentials"},
    {OUTCOME_INSUFFICIENT_SCOPE, 403, "insufficient_scope", "Permission denied"},
    {OUTCOME_UNAVAILABLE, 503, "signing_key_unavailable", "Unable to verify credentials"},
    {OUTCOME_MISCONFIGURED, 500, NULL, "Internal Server Error"},
};

START_TEST(each_outcome_has_the_status_error_and_message_of_the_contract)
{
    enum outcome outcome = outcomes[_i].outcome;

    ck_assert_int_eq(outcome_status(outcome), outcomes[_i].status);
    ck_assert_pstr_eq(outcome_error(outcome), outcomes[_i].error);
    ck_assert_str_eq(outcome_message(outcome), outcomes[_i].message);
}
END_TEST

START_TEST(success_is_200_without_an_error)
{
    ck_assert_int_eq(outcome_status(OUTCOME_OK), 200);
    ck_assert_ptr_null(outcome_error(OUTCOME_OK));
    ck_assert_str_eq(outcome_message(OUTCOME_OK), "OK");
}
END_TEST

/* Never success, whatever a caller's mistake makes of the number. */
START_TEST(a_number_that_is_no_reason_is_an_internal_error)
{
    static const int numbers[] = {-1, REASON_COUNT, REASON_COUNT + 1, 1 << 30};

    for (size_t i = 0; i < COUNT(numbers); i++) {
        ck_assert_str_eq(reason_name((enum reason)numbers[i]), "internal_error");
        ck_assert_int_eq(reason_outcome((enum reason)numbers[i]), OUTCOME_MISCONFIGURED);
        ck_assert_str_eq(reason_sentence((enum reason)numbers[i]), "");
    }
}
END_TEST

/* What an administrator reads of a key document that is of no use. */
static const struct {
    enum reason reason;
    const char *words;
} problems[] = {
    {REASON_JWKS_NO_USABLE_KEY, "the key document holds no usable key"},
    {REASON_JWKS_PRIVATE_KEY,
     "the key document holds a private key: it must be replaced at once"},
    {REASON_JWKS_TOO_LARGE, "the key document is over the limits (64 keys, 128 KiB)"},
    {REASON_JWKS_MALFORMED,
     "this is no JWK Set (an object with an array \"keys\" of objects)"},
    {REASON_JSON_DUPLICATE_NAME, "the key document has an object with a duplicate name"},
    {REASON_JSON_TOO_LARGE,
     "the key document is nested too deeply or has too many values"},
    {REASON_JSON_SYNTAX, "this is not JSON"},
    {REASON_JSON_ENCODING, "this is not JSON"},
    {REASON_INTERNAL_ERROR, "out of memory"},
};

START_TEST(says_what_is_wrong_with_a_key_document)
{
    ck_assert_str_eq(jwks_problem(problems[_i].reason), problems[_i].words);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("reason");
    TCase *tcase = support_tcase(suite, "reasons");

    ADD_TABLE(tcase, each_reason_has_the_name_of_its_constant_and_its_outcome, rows);
    tcase_add_test(tcase, no_reason_is_missing_from_the_table_above);
    ADD_TABLE(tcase, a_sentence_is_printable_ascii_without_quote_or_backslash, rows);
    tcase_add_test(tcase, a_client_learns_nothing_but_these_sentences);
    tcase_add_test(tcase,
                   a_client_learns_expired_from_wrong_audience_issuer_and_signature);
    tcase_add_test(tcase, the_malformed_request_says_how_it_should_look);
    ADD_TABLE(tcase, each_outcome_has_the_status_error_and_message_of_the_contract,
              outcomes);
    tcase_add_test(tcase, success_is_200_without_an_error);
    tcase_add_test(tcase, a_number_that_is_no_reason_is_an_internal_error);
    ADD_TABLE(tcase, says_what_is_wrong_with_a_key_document, problems);
    return support_run(suite);
}
