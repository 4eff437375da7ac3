/**
 * @file config.h
 * The directives and what they leave behind.
 *
 * A directory's configuration says what its locations ask of a token; it is
 * created and merged by httpd, for .htaccess files at every request. The
 * server's, of which there is one, says whom to trust and how to fetch.
 */
#ifndef AUTH0_HTTPD_CONFIG_H
#define AUTH0_HTTPD_CONFIG_H

#include <httpd.h>
#include <http_config.h>
#include <stdbool.h>

#include "issuer/issuer.h"
#include "token/jwt.h"

/** Whose error bodies are JSON: see Auth0ErrorBody. */
enum error_body {
    ERROR_BODY_UNSET,
    ERROR_BODY_AUTH, /**< those of refusals that this module decides */
    ERROR_BODY_ALL,  /**< those of every status from 400 on */
    ERROR_BODY_OFF
};

/** What a token's typ must be: see Auth0TokenProfile. */
enum token_profile { TOKEN_PROFILE_UNSET, TOKEN_PROFILE_AUTO, TOKEN_PROFILE_RFC9068 };

/** Per directory. A NULL, 0, -1 or UNSET member is inherited. */
struct dir_config {
    apr_array_header_t *issuers;       /**< of struct issuer * */
    apr_array_header_t *audiences;     /**< of const char * */
    apr_array_header_t *cors_origins;  /**< of const char * */
    apr_array_header_t *token_sources; /**< see token_source.h */
    apr_array_header_t *pass_claims;   /**< see pass_claims.h */
    apr_array_header_t *pass_headers;  /**< see pass_headers.h */
    unsigned algorithms;               /**< JWA_BITs */
    int leeway;                        /**< seconds */
    const char *user_claim;
    enum token_profile token_profile;
    int pass_token;  /**< 1 or 0 */
    int report_only; /**< 1 or 0 */
    enum error_body error_body;
    const char *message; /**< the JSON body of the auth0-message handler */
};

/** The server's own: what only its main configuration may say. */
struct server_config {
    apr_array_header_t *trusted_domains; /**< of const char *: patterns */
    bool trusted_set;                    /**< by a directive */
    const char *ca_file;                 /**< NULL: the system's */
    const char *proxy;                   /**< NULL: the environment's; "": none */
    const char *state_dir;               /**< NULL: none */
    bool reports;                        /**< Auth0ReportOnly is on somewhere */
    bool has_aliases;                    /**< of requirements of ours: see authz.h */
    struct jwks_timing timing;
    apr_interval_time_t connect_timeout;
    apr_interval_time_t total_timeout;
    unsigned token_cache; /**< entries in each process; 0: none */

    apr_array_header_t *passed_headers; /**< of const char *: Auth0PassHeaders' names */
    apr_array_header_t *fetched; /**< of struct issuer *: those whose keys are fetched
                                      and that the server's own files name */
    apr_array_header_t *fixed;   /**< of struct issuer *: those with keys from a file or
                                      with a secret */
    apr_array_header_t *set_handlers; /**< of const void *: see status.c */
    struct issuer_runtime runtime;    /**< filled once the configuration stands */
};

extern const command_rec config_directives[];

void *config_create_dir(apr_pool_t *pool, char *dir);
void *config_merge_dirs(apr_pool_t *pool, void *base, void *add);

/** pre_config hook: begin with defaults, and forget them with @a pconf. */
int config_begin(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp);

/** The server's configuration of this pass. Never NULL once config_begin ran. */
struct server_config *config_server(void);

/** The directory's configuration in force for a request. */
const struct dir_config *config_dir(const request_rec *r);

/** Values of a directory's configuration with the defaults filled in. */
unsigned config_algorithms(const struct dir_config *dir);
int config_leeway(const struct dir_config *dir);
const char *config_user_claim(const struct dir_config *dir);
bool config_pass_token(const struct dir_config *dir);
bool config_report_only(const struct dir_config *dir);
enum jwt_profile config_token_profile(const struct dir_config *dir);
enum error_body config_error_body(const struct dir_config *dir);

/** Does this AuthType mean us? NULL is fine. */
bool config_is_our_auth_type(const char *type);

#endif
