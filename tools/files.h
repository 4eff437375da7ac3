/**
 * @file files.h
 * Files, read whole and with a limit, and written so that nobody ever sees half of one.
 *
 * Functions that can fail return NULL on success, else why: a phrase that is
 * safe to print and names the file.
 */
#ifndef AUTH0_TOOLS_FILES_H
#define AUTH0_TOOLS_FILES_H

#include <apr_pools.h>
#include <stddef.h>
#include <sys/types.h>

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

/** Read until the end or until @a max bytes; -1 and errno on failure. */
ssize_t file_read_up_to(int fd, char *bytes, size_t max);

#endif
