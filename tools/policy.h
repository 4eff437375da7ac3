/**
 * @file policy.h
 * The policy that verify and explain judge by, from their options: either said on the
 * command line, or asked of httpd's configuration.
 */
#ifndef AUTH0_TOOLS_POLICY_H
#define AUTH0_TOOLS_POLICY_H

#include "command.h"
#include "judge.h"

/** Rows of an option table; the commands that have them share this file's functions. */
/* 14 and 19 disagree about the last row. */
/* clang-format off */
#define POLICY_OPTIONS                                                                   \
    {"domain", "DOMAIN", 0, "the Auth0 tenant, such as tenant.us.auth0.com"},            \
        {"jwks", "FILE|URL", 0, "or the issuer's public keys; the URL https"},           \
        {"secret", "FILE", 0, "or a shared secret"},                                     \
        {"issuer", "ISSUER", 0, "iss must be this (default: https://DOMAIN/)"},          \
        {"audience", "AUDIENCE", OPTION_REPEATED, "aud must hold one of these"},         \
        {"alg", "NAME", OPTION_REPEATED, "allowed (default RS256; HS256 for a secret)"}, \
        {"leeway", "SECONDS", 0, "clock difference to forgive (default 5, to 300)"},     \
        {"profile", "NAME", 0, "auto (default), or rfc9068 for at+jwt alone"},           \
        {"user-claim", "NAME", 0, "the claim that names the user (default sub)"},        \
        {"permission", "NAME", OPTION_REPEATED, "permissions must hold all of these"},   \
        {"scope", "\"A B\"", OPTION_REPEATED, "scope must hold all these words"},        \
        {"config", "FILE", 0, "or ask this configuration of httpd, and --path"},         \
        {"path", "PATH", 0, "the place, such as /api/admin"},                            \
        {"server", "NAME[:PORT]", 0, "the virtual host (default: the one that asks)"},   \
        {"method", "NAME", 0, "the request's method (default GET)"},                     \
        {"httpd", "PROGRAM", 0, "the httpd to ask (default: apache2 or httpd)"},         \
        {"ca-file", "FILE", 0, "trust anchors for fetching keys"},                       \
        {"proxy", "URL", 0, "proxy for fetching keys, or none"}, {TOKEN_FILE_OPTION},    \
        {"json", NULL, 0, "print JSON"}
/* clang-format on */

/** What is known of the place, with --config. */
struct policy_place {
    const char *path;   /**< NULL without --config */
    const char *server; /**< which one, in words */
    bool open;          /**< no token is asked for */
    bool closed;        /**< everybody is refused, whatever the token */
    bool perhaps;       /**< a section that only a request can tell of may differ */
    apr_array_header_t *notes; /**< of const char *: sentences, safe to print */
};

/**
 * @param policy  filled; keys are not loaded yet
 * @return STATUS_DONE; STATUS_USAGE or STATUS_UNAVAILABLE, after saying why
 */
enum status policy_read(struct policy *policy, struct policy_place *place,
                        const struct arguments *arguments, apr_pool_t *pool);

/** --ca-file and --proxy, and the module's times. */
void policy_read_limits(struct fetch_limits *limits, const struct arguments *arguments);

/** A tenant's domain as Auth0Domain takes it: https://, slashes and white space off. */
const char *policy_domain(const char *text, apr_pool_t *pool);

#endif
