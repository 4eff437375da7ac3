/**
 * @file exact_pool.h
 * Included ahead of src/token in fuzzing and replay builds: memory from a pool comes
 * from malloc instead, piece by piece, so that AddressSanitizer sees the first byte
 * beyond it. It goes with the input: see fuzz_end.
 */
#ifndef AUTH0_TESTS_FUZZ_EXACT_POOL_H
#define AUTH0_TESTS_FUZZ_EXACT_POOL_H

#include <apr_pools.h>
#include <apr_strings.h>

void *exact_palloc(apr_pool_t *pool, apr_size_t size);
char *exact_pstrdup(apr_pool_t *pool, const char *text);

#define apr_palloc exact_palloc
#define apr_pstrdup exact_pstrdup

#endif
