/**
 * @file faults.h
 * Calls that fail when a test says so.
 *
 * The linker's --wrap leads every crypto call and allocation of src/token and
 * src/issuer through faults.c (see Makefile.apxs): a new one that faults.c does
 * not know is an undefined reference to __wrap_..., so none can be forgotten.
 * cJSON and OpenSSL are given our allocation functions.
 *
 * Pool memory never fails here: without memory, a pool calls its abort function,
 * which ends the process in httpd. Neither do calls that cannot fail for the
 * arguments they get: BN_num_bits, BN_is_odd, BN_mod_word, CRYPTO_memcmp.
 */
#ifndef AUTH0_TESTS_UNIT_FAULTS_H
#define AUTH0_TESTS_UNIT_FAULTS_H

#include <stdbool.h>

/** What is made to fail. */
enum faults_kind {
    FAULTS_CALLS,       /**< of crypto, answering 0 or NULL */
    FAULTS_ERROR_CALLS, /**< the same, answering -1 where 0 means something else */
    FAULTS_ALLOCATIONS, /**< of ours, of cJSON's and of OpenSSL's */
    FAULTS_FILES,       /**< what opens, reads, writes and renames files, with EIO */
    FAULTS_INTERRUPTS   /**< read and write, with EINTR */
};

/** Before OpenSSL's first allocation: give it and cJSON ours. */
void faults_install(void);

/**
 * From now on let some of the calls of this kind fail.
 *
 * @param first  the first that fails, from 1
 * @param more   how many after it fail as well
 */
void faults_begin(enum faults_kind kind, unsigned first, unsigned more);

/** Let everything work again; the name of the first call that failed, NULL if none did. */
const char *faults_end(void);

#endif
