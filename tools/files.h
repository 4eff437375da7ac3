/**
 * @file files.h
 * Files and standard input, read whole and with a limit; files written so that
 * nobody ever sees half of one.
 *
 * Functions that can fail return NULL on success, else why: a phrase that is
 * safe to print and names the file.
 */
#ifndef AUTH0_TOOLS_FILES_H
#define AUTH0_TOOLS_FILES_H

#include <apr_pools.h>
#include <stddef.h>

#include "command.h"

/** Bytes of a private key file. */
#define FILE_KEY_MAX (64 * 1024)

/**
 * Read a whole file.
 *
 * @param bytes  set to the contents, with a NUL behind them that is not counted
 * @param max    a file with more bytes is an error
 */
const char *file_read(const char **bytes, size_t *len, const char *path, size_t max,
                      apr_pool_t *pool);

/**
 * Read a secret: the file's bytes less one trailing line end. A PEM file is
 * refused, since a public key must never become a secret.
 */
const char *file_read_secret(const char **bytes, size_t *len, const char *path,
                             apr_pool_t *pool);

/**
 * Write a new file that only its owner can read (0600). A file that exists is
 * left as it is, and is an error; after a failure in writing nothing is left.
 */
const char *file_write_private(const char *path, const char *bytes, size_t len,
                               apr_pool_t *pool);

/** Write a file for all to read (0644), in one step: the old one, or the new. */
const char *file_write_public(const char *path, const char *bytes, size_t len,
                              apr_pool_t *pool);

/** Take back a file just written. */
void file_remove(const char *path);

/**
 * Get the token that a command was given: its operand or, without one or for
 * "-", standard input; white space around it is trimmed.
 *
 * @param token  set to @a len bytes, with a NUL behind them; of an input far
 *               longer than any token only the beginning is read, so that the
 *               verifier finds it too long
 * @return STATUS_DONE; STATUS_USAGE (empty) or STATUS_UNAVAILABLE (unreadable),
 *         after saying why
 */
enum status read_token(const char **token, size_t *len, const struct arguments *arguments,
                       apr_pool_t *pool);

/**
 * Get a JWK Set: the one place that knows where key documents come from.
 *
 * @param source   a file's path or an https URL
 * @param ca_file  trust anchors for the URL; NULL for the system's
 */
const char *read_key_document(const char **text, size_t *len, const char *source,
                              const char *ca_file, apr_pool_t *pool);

#endif
