#include "files.h"

#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "show.h"
#include "token/secret.h"

static const char *failed(const char *what, const char *path, int error, apr_pool_t *pool)
{
    return apr_psprintf(pool, "cannot %s %s: %s", what, show_text(path, pool),
                        strerror(error));
}

ssize_t file_read_up_to(int fd, char *bytes, size_t max)
{
    size_t len = 0;

    while (len < max) {
        ssize_t n = read(fd, bytes + len, max - len);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return -1;
        }
        if (n == 0) {
            break;
        }
        len += (size_t)n;
    }
    return (ssize_t)len;
}

const char *file_read(const char **bytes, size_t *len, const char *path, size_t max,
                      apr_pool_t *pool)
{
    char *contents = apr_palloc(pool, max + 2);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = -1;
    int error;

    if (fd >= 0) {
        n = file_read_up_to(fd, contents, max + 1);
    }
    error = errno;
    if (fd >= 0) {
        close(fd);
    }
    if (n < 0) {
        return failed("read", path, error, pool);
    }
    if ((size_t)n > max) {
        return apr_psprintf(pool, "%s has more than %" APR_SIZE_T_FMT " bytes",
                            show_text(path, pool), max);
    }
    contents[n] = '\0';
    *bytes = contents;
    *len = (size_t)n;
    return NULL;
}

const char *file_read_secret(const char **bytes, size_t *len, const char *path,
                             apr_pool_t *pool)
{
    /* Two bytes more, for the line end. */
    const char *why = file_read(bytes, len, path, SECRET_MAX + 2, pool);

    if (why != NULL) {
        return why;
    }
    if (strstr(*bytes, "-----BEGIN ") != NULL) {
        return apr_psprintf(pool, "%s is a PEM file, not a secret",
                            show_text(path, pool));
    }
    if (*len > 0 && (*bytes)[*len - 1] == '\n') {
        (*len)--;
        if (*len > 0 && (*bytes)[*len - 1] == '\r') {
            (*len)--;
        }
    }
    return NULL;
}

/* Write all, and down to the disk; false and errno on failure. Closes @a fd. */
static bool write_and_close(int fd, const char *bytes, size_t len)
{
    bool written = true;
    int error = 0;

    while (written && len > 0) {
        ssize_t n = write(fd, bytes, len);

        if (n >= 0) {
            bytes += n;
            len -= (size_t)n;
        }
        else if (errno != EINTR) {
            written = false;
        }
    }
    /* EINVAL: a file of a kind that cannot be synchronised. */
    if (written && fsync(fd) != 0 && errno != EINVAL) {
        written = false;
    }
    error = errno;
    if (close(fd) != 0 && written) {
        return false;
    }
    errno = error;
    return written;
}

const char *file_write_private(const char *path, const char *bytes, size_t len,
                               apr_pool_t *pool)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    int error = errno;

    if (fd < 0 && error == EEXIST) {
        return apr_psprintf(pool,
                            "%s exists and is not overwritten: remove it or name another",
                            show_text(path, pool));
    }
    if (fd < 0) {
        return failed("create", path, error, pool);
    }
    if (!write_and_close(fd, bytes, len)) {
        error = errno;
        unlink(path);
        return failed("write", path, error, pool);
    }
    return NULL;
}

/*
 * Find the file to be replaced: what a link leads to rather than the link, and
 * never a device, which rename would turn into an ordinary file.
 */
static const char *find_target(const char **target, const char *path, apr_pool_t *pool)
{
    struct stat info;
    char *real;

    *target = path;
    if (lstat(path, &info) != 0) {
        return errno == ENOENT ? NULL : failed("write", path, errno, pool);
    }
    if (S_ISLNK(info.st_mode)) {
        real = realpath(path, NULL);
        if (real == NULL || stat(real, &info) != 0) {
            free(real);
            return failed("write", path, errno, pool);
        }
        *target = apr_pstrdup(pool, real);
        free(real);
    }
    if (!S_ISREG(info.st_mode)) {
        return apr_psprintf(pool, "cannot write %s: not an ordinary file",
                            show_text(path, pool));
    }
    return NULL;
}

const char *file_write_public(const char *path, const char *bytes, size_t len,
                              apr_pool_t *pool)
{
    const char *target;
    const char *why = find_target(&target, path, pool);
    char *temporary;
    int fd;
    int error;

    if (why != NULL) {
        return why;
    }
    /* In the same folder: rename works within one file system only. */
    temporary = apr_pstrcat(pool, target, ".XXXXXX", NULL);
    fd = mkstemp(temporary);
    if (fd < 0) {
        return failed("write", path, errno, pool);
    }
    if (fchmod(fd, 0644) != 0) {
        error = errno;
        close(fd);
    }
    else if (!write_and_close(fd, bytes, len) || rename(temporary, target) != 0) {
        error = errno;
    }
    else {
        return NULL;
    }
    unlink(temporary);
    return failed("write", path, error, pool);
}

void file_remove(const char *path)
{
    unlink(path);
}
