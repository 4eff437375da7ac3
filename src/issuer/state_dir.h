/**
 * @file state_dir.h
 * Key documents on disk, so that a server that starts while an issuer is down has
 * the keys of the last success (Auth0StateDir).
 *
 * One file per source, named by a digest of issuer, source and trust anchors:
 *
 *   auth0-jwks-state 1
 *   issuer: https://tenant.us.auth0.com/
 *   source: https://tenant.us.auth0.com/.well-known/jwks.json
 *   trust: (the CA file in use, or nothing)
 *   fetched: 1790000000000000            microseconds since 1970
 *   sha256: (hexadecimal)                of all other bytes of the file
 *                                        (an empty line, then the document)
 *
 * The digest finds a file that was cut or edited by mistake. Against intent stand
 * the owner and the modes: the folder must not be writable for group and others,
 * a file must be this user's own, 0600 and no symbolic link. A file that fails
 * any of that counts as absent. What it holds is key material of no secrecy.
 *
 * The caller is one thread per process, not in a signal handler. Processes may
 * write side by side: each file is replaced as a whole by a rename.
 */
#ifndef AUTH0_ISSUER_STATE_DIR_H
#define AUTH0_ISSUER_STATE_DIR_H

#include <apr_time.h>
#include <stdbool.h>
#include <stddef.h>

#include "issuer/jwks_store.h"

/** Bytes of the words that say what went wrong, their NUL included. */
#define STATE_DIR_WHY_SIZE 1280

/**
 * Is this a folder to keep state in?
 *
 * @return NULL, or why not, in words that follow its name
 */
const char *state_dir_problem(const char *dir);

/**
 * Write a document; the one before stays if that fails.
 *
 * @param fetched  time since 1970
 * @param why      on failure set to words that name the file
 */
bool state_dir_save(char why[STATE_DIR_WHY_SIZE], const char *dir,
                    const struct jwks_source *source, const char *text, size_t len,
                    apr_time_t fetched);

/**
 * Read a document back.
 *
 * @param text     set to malloc'ed memory of the caller's on success, else to NULL
 * @param fetched  set as it was given to state_dir_save
 * @param why      on failure set to words that name the file; "" when there is none
 */
bool state_dir_load(char **text, size_t *len, apr_time_t *fetched,
                    char why[STATE_DIR_WHY_SIZE], const char *dir,
                    const struct jwks_source *source);

#endif
