/**
 * @file runtime.h
 * What runs: the shared store, this process's keys, its background thread.
 */
#ifndef AUTH0_HTTPD_RUNTIME_H
#define AUTH0_HTTPD_RUNTIME_H

#include <httpd.h>

#include "issuer/issuer.h"
#include "issuer/token_cache.h"

/**
 * post_config hook: make the shared store, with the documents of the store
 * before it when httpd restarts, and give each configured issuer its slot. The
 * counters are made once: processes of before a restart go on counting there.
 * Opens no connection and starts no thread.
 */
int runtime_prepare(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                    server_rec *s);

/** child_init hook: start this process's part. To run before any other thread. */
void runtime_start(apr_pool_t *pchild, server_rec *s);

/**
 * child_stopping hook: unless gracefully, end the background thread and the waiting
 * of requests. In prefork it is called by a signal handler.
 */
void runtime_stopping(apr_pool_t *pchild, int graceful);

/** For issuer_find_key. In a child, after runtime_start. */
struct issuer_runtime *runtime_issuers(void);

/** This process's token cache; NULL when it has none. */
struct token_cache *runtime_token_cache(void);

/** This process's parsed copy of a slot's keys, to be released; NULL when there is none. */
struct jwks_shared *runtime_keys(int slot);

/** The slot of an issuer that an .htaccess file named; -1 when there is no room. */
int runtime_slot(const struct issuer *issuer);

#endif
