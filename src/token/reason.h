/**
 * @file reason.h
 * Every way in which a request can fail, in one table.
 *
 * A reason has a stable name (for logs, metrics and the manual), an outcome
 * (what the client gets) and a fixed sentence (the client's error_description).
 * The sentences are the closed list of things a client may learn: nothing
 * taken from a token ever becomes part of an answer.
 */
#ifndef AUTH0_TOKEN_REASON_H
#define AUTH0_TOKEN_REASON_H

/** What the client gets: one row of the HTTP contract each. */
enum outcome {
    OUTCOME_OK,                 /**< go on */
    OUTCOME_NO_CREDENTIALS,     /**< 401, challenge without an error (RFC 6750 3.1) */
    OUTCOME_INVALID_REQUEST,    /**< 400 invalid_request */
    OUTCOME_INVALID_TOKEN,      /**< 401 invalid_token */
    OUTCOME_INSUFFICIENT_SCOPE, /**< 403 insufficient_scope */
    OUTCOME_UNAVAILABLE,        /**< 503: the issuer's keys could not be had */
    OUTCOME_MISCONFIGURED       /**< 500: we cannot decide */
};

enum reason {
    REASON_OK,

    REASON_NO_CREDENTIALS,
    REASON_AUTHORIZATION_MALFORMED,
    REASON_TOKEN_REPEATED,

    /* The token's form and JOSE header. */
    REASON_TOKEN_TOO_LONG,
    REASON_TOKEN_OPAQUE,
    REASON_TOKEN_ENCRYPTED,
    REASON_TOKEN_PART_EMPTY,
    REASON_BASE64URL_INVALID,
    REASON_JSON_SYNTAX,
    REASON_JSON_ENCODING,
    REASON_JSON_DUPLICATE_NAME,
    REASON_JSON_TOO_LARGE,
    REASON_HEADER_TOO_LONG,
    REASON_HEADER_MALFORMED,
    REASON_ALGORITHM_UNKNOWN,
    REASON_ALGORITHM_NOT_ALLOWED,
    REASON_HEADER_UNSUPPORTED,
    REASON_KID_MALFORMED,

    /* The key and the signature. */
    REASON_ISSUER_UNKNOWN,
    REASON_KEY_UNKNOWN,
    REASON_KEY_AMBIGUOUS,
    REASON_KEY_NOT_ELIGIBLE,
    REASON_SIGNATURE_INVALID,

    /* The claims, against the policy of the location. */
    REASON_PAYLOAD_MALFORMED,
    REASON_ISSUER_MISMATCH,
    REASON_AUDIENCE_MALFORMED,
    REASON_AUDIENCE_MISMATCH,
    REASON_EXP_MALFORMED,
    REASON_EXPIRED,
    REASON_NBF_MALFORMED,
    REASON_NOT_YET_VALID,
    REASON_IAT_MALFORMED,
    REASON_ISSUED_IN_FUTURE,
    REASON_TYPE_MISMATCH,
    REASON_TOKEN_BOUND,
    REASON_USER_CLAIM_INVALID,

    /* Authorization. */
    REASON_PERMISSION_MISSING,
    REASON_REQUIREMENT_NOT_MET,

    /* Key documents and where they come from. */
    REASON_KEYS_UNAVAILABLE,
    REASON_JWKS_MALFORMED,
    REASON_JWKS_TOO_LARGE,
    REASON_JWKS_PRIVATE_KEY,
    REASON_JWKS_NO_USABLE_KEY,

    /* Ours. */
    REASON_CONFIGURATION,
    REASON_INTERNAL_ERROR,

    REASON_COUNT
};

/** The stable name, such as "audience_mismatch". Never NULL. */
const char *reason_name(enum reason reason);

/** What the client gets. */
enum outcome reason_outcome(enum reason reason);

/**
 * The error_description: a fixed sentence of printable ASCII without quote or
 * backslash, fit for a JSON string and an HTTP quoted-string as it stands.
 * Empty for OUTCOME_OK, OUTCOME_NO_CREDENTIALS and OUTCOME_MISCONFIGURED.
 */
const char *reason_sentence(enum reason reason);

/** The HTTP status of an outcome; 200 for OUTCOME_OK. */
int outcome_status(enum outcome outcome);

/** The error code of RFC 6750 section 3.1, or ours for 503; NULL when there is none. */
const char *outcome_error(enum outcome outcome);

/** The "message" member of the JSON body. */
const char *outcome_message(enum outcome outcome);

#endif
