#include "issuer/key_file.h"

#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *check(const struct stat *info, const char *path, size_t max,
                         bool private, apr_pool_t *pool)
{
    if (!S_ISREG(info->st_mode)) {
        return apr_psprintf(pool, "%s is not a regular file", path);
    }
    if (private && (info->st_mode & (S_IROTH | S_IWOTH)) != 0) {
        return apr_psprintf(pool,
                            "%s holds a secret and every user may read or write it: "
                            "chmod 0600 it",
                            path);
    }
    if (info->st_size == 0) {
        return apr_psprintf(pool, "%s is empty", path);
    }
    if ((unsigned long long)info->st_size > max) {
        return apr_psprintf(pool, "%s is larger than %" APR_SIZE_T_FMT " bytes", path,
                            max);
    }
    return NULL;
}

ssize_t file_read(int fd, char *buffer, size_t size)
{
    size_t have = 0;

    while (have < size) {
        ssize_t n = read(fd, buffer + have, size - have);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return -1;
        }
        if (n == 0) {
            break;
        }
        have += (size_t)n;
    }
    return (ssize_t)have;
}

const char *key_file_read(const char **data, size_t *len, const char *path, size_t max,
                          bool private, apr_pool_t *pool)
{
    const char *error = NULL;
    struct stat info;
    char *buffer;
    char why[128];
    ssize_t n;
    int fd;

    *data = NULL;
    *len = 0;
    fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &info) != 0) {
        error = apr_psprintf(pool, "%s cannot be read: %s", path,
                             apr_strerror(errno, why, sizeof(why)));
        goto done;
    }
    error = check(&info, path, max, private, pool);
    if (error != NULL) {
        goto done;
    }
    buffer = apr_palloc(pool, max);
    n = file_read(fd, buffer, max);
    if (n <= 0) {
        error =
            apr_psprintf(pool, "%s cannot be read: %s", path,
                         n < 0 ? apr_strerror(errno, why, sizeof(why)) : "it is empty");
        goto done;
    }
    *data = buffer;
    *len = (size_t)n;

done:
    if (fd >= 0) {
        close(fd);
    }
    return error;
}
