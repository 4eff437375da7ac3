/**
 * @file verdict.h
 * What a request's token is worth where the request is now.
 *
 * The configuration in force changes while httpd works on a request, and is another one
 * for sub-requests and internal redirects. So a verdict belongs to one configuration; but
 * one signature is verified once for all the requests that come of one client's.
 */
#ifndef AUTH0_HTTPD_VERDICT_H
#define AUTH0_HTTPD_VERDICT_H

#include <httpd.h>

#include "httpd/config.h"
#include "token/jwt.h"

struct verdict {
    const struct dir_config *dir; /**< what it was judged by */
    enum reason reason;
    const struct jwt_claims *claims; /**< with REASON_OK; else NULL */
    const char *user;                /**< the same */

    /* For the log, the answer, and the next verdict. */
    const char *token; /**< NULL when none was read */
    size_t len;
    const struct jwt *jwt;             /**< NULL when the token could not be parsed */
    const struct issuer *issuer;       /**< NULL when it was not found */
    const struct jwt_claims *verified; /**< its signature holds; else NULL */
    bool looked_up;                    /**< in the token cache */
    bool cached;                       /**< and found there */
};

/**
 * Judge the request's token by the configuration in force. Without an issuer or an
 * audience in force: REASON_CONFIGURATION. May wait for keys (see issuer_find_key).
 *
 * @return never NULL; the same again while neither token nor configuration change
 */
const struct verdict *verdict_of(request_rec *r);

#endif
