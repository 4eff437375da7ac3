/**
 * @file token_removal.h
 * Taking tokens out of requests, and keeping answers to them out of shared caches.
 *
 * A token in the query is taken out wherever Auth0TokenSource lists the query, before
 * anything behind this module reads the URL: addresses are logged, remembered and sent
 * on as Referer. One in a header field or a cookie goes with Auth0PassToken Off. What is
 * taken out is kept in the request's state: see token_source.h.
 */
#ifndef AUTH0_HTTPD_TOKEN_REMOVAL_H
#define AUTH0_HTTPD_TOKEN_REMOVAL_H

#include <httpd.h>

/** The configured parameters leave the URL. To be called again whenever it changed. */
void token_removal_clean_query(request_rec *r);

/** fixups hook, before all others: the same, for places that ask for no token too. */
int token_removal_clean(request_rec *r);

/** log_transaction hook, before all others: the same, for what was refused early. */
int token_removal_clean_log(request_rec *r);

/** handler hook, before all others: Auth0PassToken Off. */
int token_removal_hide(request_rec *r);

/**
 * The answer, of which the request may be a part, is for this client alone, whatever it
 * says itself: so with a token in a cookie or the query. With one in the Authorization
 * field caches know that (RFC 9111 3.5), with these they do not (RFC 6750 2.3).
 */
void token_removal_keep_private(request_rec *r);

/** Register the filter for that. */
void token_removal_register(apr_pool_t *pool);

#endif
