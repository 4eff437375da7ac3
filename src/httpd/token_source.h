/**
 * @file token_source.h
 * Auth0TokenSource: where in a request the token stands.
 *
 * The Authorization header field (RFC 6750 2.1), a cookie, or a parameter of the query
 * (RFC 6750 2.3). Only what is listed is read; a body (RFC 6750 2.2) never is. A request
 * with tokens in two places is refused: different readers would take different ones.
 *
 * A token that was taken out of a request (see token_removal.h) is still its token, and
 * that of the internal redirects and sub-requests that come of it.
 */
#ifndef AUTH0_HTTPD_TOKEN_SOURCE_H
#define AUTH0_HTTPD_TOKEN_SOURCE_H

#include <httpd.h>
#include <http_config.h>
#include <stdbool.h>

#include "token/reason.h"

enum token_source_kind { TOKEN_SOURCE_HEADER, TOKEN_SOURCE_COOKIE, TOKEN_SOURCE_QUERY };

struct token_source {
    enum token_source_kind kind;
    const char *name; /**< of the cookie or the parameter; NULL for the header field */
};

/** What stands in one such place. */
struct token_text {
    struct token_source source;
    const char *text; /**< the field's value; the cookie's or the parameter's, decoded */
};

/**
 * Add "header", "cookie:name", "query" or "query:name" to a list, NULL for none yet.
 *
 * @return NULL, or why the value is refused
 */
const char *token_source_add(apr_array_header_t **list, const cmd_parms *cmd,
                             const char *value);

/** Are tokens of this kind read where the request is? */
bool token_source_is_on(const request_rec *r, enum token_source_kind kind);

/** The header field with the token: that of a forward proxy is another one. */
const char *token_source_field(const request_rec *r);

/** A request's token: bytes of its pool, not terminated. */
struct token_found {
    const char *token;
    size_t len;
    enum token_source_kind kind;
};

/**
 * Find the request's token.
 *
 * @param found  filled when the answer is REASON_OK
 * @return REASON_OK, REASON_NO_CREDENTIALS, REASON_AUTHORIZATION_MALFORMED as in
 *         bearer.h, REASON_TOKEN_REPEATED
 */
enum reason token_source_find(struct token_found *found, request_rec *r);

/**
 * The parts of a list of pairs, name=value, with one character between them: those of a
 * Cookie field (RFC 6265 4.2) or a query.
 */
struct token_pair {
    const char *begin; /**< of the pair, white space included */
    const char *end;   /**< where the separator or the end is */
    const char *name;  /**< decoded */
    const char *value; /**< decoded */
};

/**
 * Read the next pair.
 *
 * @param at   where to begin; moved behind the pair and its separator
 * @param end  of the list
 * @return false when there is none left
 */
bool token_source_next(struct token_pair *pair, const char **at, const char *end,
                       enum token_source_kind kind, apr_pool_t *pool);

#endif
