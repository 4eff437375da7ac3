/**
 * @file module.h
 * The module record, for configuration look-ups and for the log. For every file
 * but the one that defines it: AP_DECLARE_MODULE brings the same declarations.
 */
#ifndef AUTH0_HTTPD_MODULE_H
#define AUTH0_HTTPD_MODULE_H

#include <httpd.h>
#include <http_config.h>
#include <http_log.h>

APLOG_USE_MODULE(auth0_jwt);

#endif
