/**
 * @file status_block.h
 * Our lines in mod_status: its page, and its ?auto form.
 */
#ifndef AUTH0_HTTPD_STATUS_BLOCK_H
#define AUTH0_HTTPD_STATUS_BLOCK_H

#include <httpd.h>

/** Register for mod_status's hook; nothing calls it where mod_status is not loaded. */
void status_block_register(apr_pool_t *pool);

#endif
