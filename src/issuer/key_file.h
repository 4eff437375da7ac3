/**
 * @file key_file.h
 * Reading a file that an administrator named: keys, secrets.
 */
#ifndef AUTH0_ISSUER_KEY_FILE_H
#define AUTH0_ISSUER_KEY_FILE_H

#include <apr_pools.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/**
 * Read a whole regular file of at most @a max bytes. Never blocks on a FIFO or
 * a device.
 *
 * @param data     set to the bytes, in @a pool; NULL on failure
 * @param private  also refuse a file that every user may read or write
 * @return NULL on success; else what is wrong, in words that name the path
 */
const char *key_file_read(const char **data, size_t *len, const char *path, size_t max,
                          bool private, apr_pool_t *pool);

/** Up to @a size bytes; fewer only at the end of the file; -1 and errno for an error. */
ssize_t file_read(int fd, char *buffer, size_t size);

#endif
