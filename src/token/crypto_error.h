/**
 * @file crypto_error.h
 * What a refusal of OpenSSL means: a bad key or signature, or no memory to tell.
 */
#ifndef AUTH0_TOKEN_CRYPTO_ERROR_H
#define AUTH0_TOKEN_CRYPTO_ERROR_H

#include <stdbool.h>

/**
 * Empty this thread's error queue, which is mod_ssl's too.
 *
 * @return true when OpenSSL ran out of memory: then what it refused may be sound
 */
bool crypto_ran_out_of_memory(void);

#endif
