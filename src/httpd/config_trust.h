/**
 * @file config_trust.h
 * Whose tokens a section accepts, and how they are judged, put into words.
 */
#ifndef AUTH0_HTTPD_CONFIG_TRUST_H
#define AUTH0_HTTPD_CONFIG_TRUST_H

#include "httpd/config_view.h"
#include "issuer/issuer.h"

/** The words of an Auth0Issuer line. */
struct config_trust_issuer {
    const char *name;
    enum issuer_kind kind;
    const char *source;     /**< URL or path, as it was written */
    const char *algorithms; /**< names with commas between them; NULL: none of its own */
};

/** Read a line that httpd has found to be good. */
void config_trust_read_issuer(struct config_trust_issuer *issuer,
                              const ap_directive_t *line, apr_pool_t *pool);

/**
 * Add the issuers and where their keys come from, the algorithms, the audience, and
 * every other value that tokens are judged by. Of a secret only the file is named.
 */
void config_trust_add(struct config_view *view);

#endif
