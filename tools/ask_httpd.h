/**
 * @file ask_httpd.h
 * Running httpd -t as apachectl would, and reading what the module prints there.
 */
#ifndef AUTH0_TOOLS_ASK_HTTPD_H
#define AUTH0_TOOLS_ASK_HTTPD_H

#include <apr_pools.h>

#include "token/json.h"

/**
 * Ask a configuration what holds for a path.
 *
 * The environment is completed by the shell file "envvars" beside the configuration
 * file, or else beside the program, as apachectl has it.
 *
 * @param dump     set to the JSON object of httpd -t -D DUMP_AUTH0_PLACE=path
 * @param program  NULL: apache2 or httpd, of PATH or the usual folders
 * @return NULL on success; else why not, in words that are safe to print
 */
const char *ask_httpd(const json_value **dump, const char *program, const char *config,
                      const char *path, apr_pool_t *pool);

#endif
