/**
 * @file config_trust.h
 * Whose tokens a section accepts, and how they are judged, put into words.
 */
#ifndef AUTH0_HTTPD_CONFIG_TRUST_H
#define AUTH0_HTTPD_CONFIG_TRUST_H

#include "httpd/config_view.h"

/**
 * Add the issuers and where their keys come from, the algorithms, the audience, and
 * every other value that tokens are judged by. Of a secret only the file is named.
 */
void config_trust_add(struct config_view *view);

#endif
