/**
 * @file exact_pool.h
 * Included ahead of our sources in fuzzing and replay builds: memory from a pool comes
 * from malloc instead, piece by piece, so that AddressSanitizer sees the first byte
 * beyond it. It goes with the input, or with its pool: see fuzz_end and fuzz_forget.
 */
#ifndef AUTH0_TESTS_FUZZ_EXACT_POOL_H
#define AUTH0_TESTS_FUZZ_EXACT_POOL_H

#include <apr_pools.h>
#include <apr_strings.h>

void *exact_palloc(apr_pool_t *pool, apr_size_t size);
char *exact_pstrdup(apr_pool_t *pool, const char *text);
char *exact_pstrmemdup(apr_pool_t *pool, const char *text, apr_size_t len);
char *exact_pstrcat(apr_pool_t *pool, ...) __attribute__((sentinel));

#define apr_palloc exact_palloc
#define apr_pstrdup exact_pstrdup
#define apr_pstrmemdup exact_pstrmemdup
#define apr_pstrcat exact_pstrcat

#endif
