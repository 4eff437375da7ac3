/**
 * @file config_dump.h
 * httpd -t -D DUMP_AUTH0: what asks for a token, and for which.
 */
#ifndef AUTH0_HTTPD_CONFIG_DUMP_H
#define AUTH0_HTTPD_CONFIG_DUMP_H

#include <httpd.h>

/**
 * test_config hook, which runs in httpd -t alone. With -D DUMP_AUTH0 it prints, for the
 * main server and each virtual host, the sections that this module has to do with: what
 * they require, whom they trust, and where each value comes from. It reads the tree of
 * directives and opens nothing; of a secret it knows the file's name only.
 */
void config_dump(apr_pool_t *pconf, server_rec *s);

#endif
