#include "token/reason.h"

#include <stddef.h>

#define FORMAT "Authorization header value must follow this format: Bearer access-token"
#define MALFORMED "The access token is malformed"
#define KEY_PROBLEM "The access token is signed with a key that is not known here"

struct reason_row {
    const char *name;
    enum outcome outcome;
    const char *sentence;
};

/* clang-format off */
static const struct reason_row reasons[REASON_COUNT] = {
    [REASON_OK] =
        {"ok", OUTCOME_OK, ""},

    [REASON_NO_CREDENTIALS] =
        {"no_credentials", OUTCOME_NO_CREDENTIALS, ""},
    [REASON_AUTHORIZATION_MALFORMED] =
        {"authorization_malformed", OUTCOME_INVALID_REQUEST, FORMAT},
    [REASON_TOKEN_REPEATED] =
        {"token_repeated", OUTCOME_INVALID_REQUEST, FORMAT},

    [REASON_TOKEN_TOO_LONG] =
        {"token_too_long", OUTCOME_INVALID_TOKEN, MALFORMED},
    [REASON_TOKEN_OPAQUE] =
        {"token_opaque", OUTCOME_INVALID_TOKEN, MALFORMED},
    [REASON_TOKEN_ENCRYPTED] =
        {"token_encrypted", OUTCOME_INVALID_TOKEN, "The access token is encrypted"},
    [REASON_TOKEN_PART_EMPTY] =
        {"token_part_empty", OUTCOME_INVALID_TOKEN, MALFORMED},
    [REASON_BASE64URL_INVALID] =
        {"base64url_invalid", OUTCOME_INVALID_TOKEN, MALFORMED},
    [REASON_JSON_SYNTAX] =
        {"json_syntax", OUTCOME_INVALID_TOKEN, MALFORMED},
    [REASON_JSON_ENCODING] =
        {"json_encoding", OUTCOME_INVALID_TOKEN, MALFORMED},
    [REASON_JSON_DUPLICATE_NAME] =
        {"json_duplicate_name", OUTCOME_INVALID_TOKEN, MALFORMED},
    [REASON_JSON_TOO_LARGE] =
        {"json_too_large", OUTCOME_INVALID_TOKEN, MALFORMED},
    [REASON_HEADER_TOO_LONG] =
        {"header_too_long", OUTCOME_INVALID_TOKEN, MALFORMED},
    [REASON_HEADER_MALFORMED] =
        {"header_malformed", OUTCOME_INVALID_TOKEN, MALFORMED},
    [REASON_ALGORITHM_UNKNOWN] =
        {"algorithm_unknown", OUTCOME_INVALID_TOKEN,
         "The access token is signed with an algorithm that is not allowed"},
    [REASON_ALGORITHM_NOT_ALLOWED] =
        {"algorithm_not_allowed", OUTCOME_INVALID_TOKEN,
         "The access token is signed with an algorithm that is not allowed"},
    [REASON_HEADER_UNSUPPORTED] =
        {"header_unsupported", OUTCOME_INVALID_TOKEN,
         "The access token uses a header parameter that is not supported"},
    [REASON_KID_MALFORMED] =
        {"kid_malformed", OUTCOME_INVALID_TOKEN, MALFORMED},

    [REASON_ISSUER_UNKNOWN] =
        {"issuer_unknown", OUTCOME_INVALID_TOKEN,
         "The access token is from an issuer that is not accepted"},
    [REASON_KEY_UNKNOWN] =
        {"key_unknown", OUTCOME_INVALID_TOKEN, KEY_PROBLEM},
    [REASON_KEY_AMBIGUOUS] =
        {"key_ambiguous", OUTCOME_INVALID_TOKEN, KEY_PROBLEM},
    [REASON_KEY_NOT_ELIGIBLE] =
        {"key_not_eligible", OUTCOME_INVALID_TOKEN, KEY_PROBLEM},
    [REASON_SIGNATURE_INVALID] =
        {"signature_invalid", OUTCOME_INVALID_TOKEN,
         "The access token has an invalid signature"},

    [REASON_PAYLOAD_MALFORMED] =
        {"payload_malformed", OUTCOME_INVALID_TOKEN, MALFORMED},
    [REASON_ISSUER_MISMATCH] =
        {"issuer_mismatch", OUTCOME_INVALID_TOKEN,
         "The access token is from an issuer that is not accepted"},
    [REASON_AUDIENCE_MALFORMED] =
        {"audience_malformed", OUTCOME_INVALID_TOKEN,
         "The access token is for another audience"},
    [REASON_AUDIENCE_MISMATCH] =
        {"audience_mismatch", OUTCOME_INVALID_TOKEN,
         "The access token is for another audience"},
    [REASON_EXP_MALFORMED] =
        {"exp_malformed", OUTCOME_INVALID_TOKEN,
         "The access token has no usable expiry time"},
    [REASON_EXPIRED] =
        {"expired", OUTCOME_INVALID_TOKEN, "The access token has expired"},
    [REASON_NBF_MALFORMED] =
        {"nbf_malformed", OUTCOME_INVALID_TOKEN, MALFORMED},
    [REASON_NOT_YET_VALID] =
        {"not_yet_valid", OUTCOME_INVALID_TOKEN, "The access token is not valid yet"},
    [REASON_IAT_MALFORMED] =
        {"iat_malformed", OUTCOME_INVALID_TOKEN, MALFORMED},
    [REASON_ISSUED_IN_FUTURE] =
        {"issued_in_future", OUTCOME_INVALID_TOKEN, "The access token is not valid yet"},
    [REASON_TYPE_MISMATCH] =
        {"type_mismatch", OUTCOME_INVALID_TOKEN,
         "The token is not an access token of the accepted type"},
    [REASON_TOKEN_BOUND] =
        {"token_bound", OUTCOME_INVALID_TOKEN,
         "The access token is bound to a key and cannot be used as a bearer token"},
    [REASON_USER_CLAIM_INVALID] =
        {"user_claim_invalid", OUTCOME_INVALID_TOKEN,
         "The access token does not name its user"},

    [REASON_PERMISSION_MISSING] =
        {"permission_missing", OUTCOME_INSUFFICIENT_SCOPE,
         "The access token does not grant a required permission"},
    [REASON_REQUIREMENT_NOT_MET] =
        {"requirement_not_met", OUTCOME_INSUFFICIENT_SCOPE,
         "The access token does not meet the requirements"},

    [REASON_KEYS_UNAVAILABLE] =
        {"keys_unavailable", OUTCOME_UNAVAILABLE,
         "The signing keys of the issuer are not available"},
    [REASON_JWKS_MALFORMED] =
        {"jwks_malformed", OUTCOME_UNAVAILABLE,
         "The signing keys of the issuer are not available"},
    [REASON_JWKS_TOO_LARGE] =
        {"jwks_too_large", OUTCOME_UNAVAILABLE,
         "The signing keys of the issuer are not available"},
    [REASON_JWKS_PRIVATE_KEY] =
        {"jwks_private_key", OUTCOME_UNAVAILABLE,
         "The signing keys of the issuer are not available"},
    [REASON_JWKS_NO_USABLE_KEY] =
        {"jwks_no_usable_key", OUTCOME_UNAVAILABLE,
         "The signing keys of the issuer are not available"},

    [REASON_CONFIGURATION] =
        {"configuration", OUTCOME_MISCONFIGURED, ""},
    [REASON_INTERNAL_ERROR] =
        {"internal_error", OUTCOME_MISCONFIGURED, ""},
};

static const struct outcome_row {
    int status;
    const char *error;
    const char *message;
} outcomes[] = {
    [OUTCOME_OK] = {200, NULL, "OK"},
    [OUTCOME_NO_CREDENTIALS] = {401, NULL, "Requires authentication"},
    [OUTCOME_INVALID_REQUEST] = {400, "invalid_request", "Requires authentication"},
    [OUTCOME_INVALID_TOKEN] = {401, "invalid_token", "Bad credentials"},
    [OUTCOME_INSUFFICIENT_SCOPE] = {403, "insufficient_scope", "Permission denied"},
    [OUTCOME_UNAVAILABLE] = {503, "signing_key_unavailable",
                             "Unable to verify credentials"},
    [OUTCOME_MISCONFIGURED] = {500, NULL, "Internal Server Error"},
};
/* clang-format on */

/* A number that is not a reason is a defect of ours: answer as one. */
static const struct reason_row *row_of(enum reason reason)
{
    if ((unsigned)reason >= REASON_COUNT || reasons[reason].name == NULL) {
        return &reasons[REASON_INTERNAL_ERROR];
    }
    return &reasons[reason];
}

const char *reason_name(enum reason reason)
{
    return row_of(reason)->name;
}

enum outcome reason_outcome(enum reason reason)
{
    return row_of(reason)->outcome;
}

const char *reason_sentence(enum reason reason)
{
    return row_of(reason)->sentence;
}

int outcome_status(enum outcome outcome)
{
    return outcomes[outcome].status;
}

const char *outcome_error(enum outcome outcome)
{
    return outcomes[outcome].error;
}

const char *outcome_message(enum outcome outcome)
{
    return outcomes[outcome].message;
}
