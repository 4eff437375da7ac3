#include "issuer/state_dir.h"

#include <apr_errno.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/err.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "issuer/key_file.h"
#include "token/jwk.h"

#define HEX_LENGTH (2 * SHA256_DIGEST_LENGTH)
#define DIGEST_LABEL "\nsha256: "

/* issuer, source and trust at their longest, and their labels */
#define HEAD_MAX (JWKS_STORE_ISSUER_MAX + JWKS_STORE_URL_MAX + 1024 + 128)
#define FILE_MAX (HEAD_MAX + HEX_LENGTH + 64 + JWKS_DOCUMENT_MAX)

/* A hexadecimal digest, ".jwks", and while writing ".new-" and a process. */
#define NAME_SIZE (HEX_LENGTH + 32)

/* The lines that say whose document this is; 0 when they are too long. */
static size_t write_head(char head[HEAD_MAX], const struct jwks_source *source)
{
    int len = snprintf(head, HEAD_MAX,
                       "auth0-jwks-state 1\nissuer: %s\nsource: %s\ntrust: %s\nfetched: ",
                       source->issuer, source->url, source->trust);

    return len > 0 && len < HEAD_MAX ? (size_t)len : 0;
}

/* In hexadecimal; "" without memory. */
static void digest_of(char hex[HEX_LENGTH + 1], const char *text, size_t len)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];

    hex[0] = '\0';
    if (SHA256((const unsigned char *)text, len, digest) == NULL) {
        ERR_clear_error();
        return;
    }
    for (size_t i = 0; i < sizeof(digest); i++) {
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    }
}

/* The same of the bytes before the digest's line and those behind it. */
static void write_digest(char hex[HEX_LENGTH + 1], const char *head, size_t head_len,
                         const char *text, size_t len)
{
    char *joined = malloc(head_len + len);

    hex[0] = '\0';
    if (joined == NULL) {
        return;
    }
    memcpy(joined, head, head_len);
    memcpy(joined + head_len, text, len);
    digest_of(hex, joined, head_len + len);
    free(joined);
}

static bool explain(char why[STATE_DIR_WHY_SIZE], const char *dir, const char *name,
                    const char *what)
{
    snprintf(why, STATE_DIR_WHY_SIZE, "%s/%s %s", dir, name, what);
    return false;
}

static bool explain_errno(char why[STATE_DIR_WHY_SIZE], const char *dir, const char *name,
                          const char *what)
{
    char reason[128];
    char words[256];

    apr_strerror(errno, reason, sizeof(reason));
    snprintf(words, sizeof(words), "%s: %s", what, reason);
    return explain(why, dir, name, words);
}

static const char *check_folder(const struct stat *info)
{
    if (!S_ISDIR(info->st_mode)) {
        return "is not a folder";
    }
    if ((info->st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        return "is writable for group or others: chmod 0700 it";
    }
    return NULL;
}

const char *state_dir_problem(const char *dir)
{
    struct stat info;

    return stat(dir, &info) != 0 ? "does not exist or cannot be reached"
                                 : check_folder(&info);
}

static int open_folder(char why[STATE_DIR_WHY_SIZE], const char *dir)
{
    const char *problem = NULL;
    struct stat info;
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0 || fstat(fd, &info) != 0) {
        explain_errno(why, dir, "", "cannot be opened");
        goto failed;
    }
    problem = check_folder(&info);
    if (problem == NULL && info.st_uid != geteuid() && info.st_uid != 0) {
        problem = "belongs to another user than the server's (see httpd's User)";
    }
    if (problem == NULL) {
        return fd;
    }
    explain(why, dir, "", problem);

failed:
    if (fd >= 0) {
        close(fd);
    }
    return -1;
}

static bool write_fully(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return false;
        }
        data += n;
        len -= (size_t)n;
    }
    return true;
}

bool state_dir_save(char why[STATE_DIR_WHY_SIZE], const char *dir,
                    const struct jwks_source *source, const char *text, size_t len,
                    apr_time_t fetched)
{
    char head[HEAD_MAX + 32];
    char id[HEX_LENGTH + 1];
    char digest[HEX_LENGTH + 1];
    char label[HEX_LENGTH + 32];
    char name[NAME_SIZE];
    char fresh[NAME_SIZE];
    size_t head_len = write_head(head, source);
    bool saved = false;
    int folder;
    int fd;

    if (head_len == 0) {
        return explain(why, dir, "", "cannot hold a file for so long a name");
    }
    digest_of(id, head, head_len);
    head_len += (size_t)sprintf(head + head_len, "%" PRId64, (int64_t)fetched);
    write_digest(digest, head, head_len, text, len);
    if (id[0] == '\0' || digest[0] == '\0') {
        return explain(why, dir, "", "cannot be written to: out of memory");
    }
    sprintf(label, DIGEST_LABEL "%s\n\n", digest);
    snprintf(name, sizeof(name), "%s.jwks", id);
    snprintf(fresh, sizeof(fresh), "%s.new-%ld", id, (long)getpid());

    folder = open_folder(why, dir);
    if (folder < 0) {
        return false;
    }
    unlinkat(folder, fresh, 0); /* of an earlier process with our number */
    fd = openat(folder, fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                S_IRUSR | S_IWUSR);
    if (fd < 0) {
        explain_errno(why, dir, fresh, "cannot be made");
        close(folder);
        return false;
    }
    /* No fsync: after a power failure the digest tells what is whole. */
    saved = write_fully(fd, head, head_len) && write_fully(fd, label, strlen(label)) &&
            write_fully(fd, text, len);
    if (close(fd) != 0) {
        saved = false;
    }
    if (saved) {
        saved = renameat(folder, fresh, folder, name) == 0;
    }
    if (!saved) {
        explain_errno(why, dir, fresh, "cannot be written");
        unlinkat(folder, fresh, 0);
    }
    close(folder);
    return saved;
}

static const char *check_file(const struct stat *info)
{
    if (!S_ISREG(info->st_mode)) {
        return "is not a regular file";
    }
    if (info->st_uid != geteuid()) {
        return "belongs to another user";
    }
    if ((info->st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        return "is open to others than its owner";
    }
    if (info->st_size > FILE_MAX) {
        return "is too large";
    }
    return NULL;
}

/* The whole file in malloc'ed memory with a NUL behind; NULL with words in why. */
static char *read_file(size_t *len, char why[STATE_DIR_WHY_SIZE], const char *dir,
                       const char *name)
{
    const char *problem;
    char *data = NULL;
    struct stat info;
    ssize_t n = -1;
    int folder = open_folder(why, dir);
    int fd;

    if (folder < 0) {
        return NULL;
    }
    fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) {
        why[0] = '\0';
        goto done;
    }
    if (fd < 0 || fstat(fd, &info) != 0) {
        explain_errno(why, dir, name, "cannot be opened");
        goto done;
    }
    problem = check_file(&info);
    if (problem != NULL) {
        explain(why, dir, name, problem);
        goto done;
    }
    data = malloc(FILE_MAX + 1);
    if (data != NULL) {
        n = file_read(fd, data, FILE_MAX);
    }
    if (n < 0) {
        explain_errno(why, dir, name, "cannot be read");
        free(data);
        data = NULL;
        goto done;
    }
    data[n] = '\0';
    *len = (size_t)n;

done:
    if (fd >= 0) {
        close(fd);
    }
    close(folder);
    return data;
}

/*
 * Where the document begins; NULL unless every byte before it is as expected.
 * The digits of the time are the only ones that may vary.
 */
static const char *check_content(apr_time_t *fetched, const char *data, size_t len,
                                 const char *head, size_t head_len)
{
    const size_t label_len = sizeof(DIGEST_LABEL) - 1;
    char digest[HEX_LENGTH + 1];
    const char *text;
    char *end;

    if (len < head_len || memcmp(data, head, head_len) != 0) {
        return NULL;
    }
    errno = 0;
    *fetched = strtoll(data + head_len, &end, 10);
    if (errno != 0 || *fetched <= 0 || strncmp(end, DIGEST_LABEL, label_len) != 0) {
        return NULL;
    }
    if ((size_t)(data + len - end) <= label_len + HEX_LENGTH + 2) {
        return NULL;
    }
    text = end + label_len + HEX_LENGTH + 2;
    if (text[-1] != '\n' || text[-2] != '\n') {
        return NULL;
    }
    write_digest(digest, data, (size_t)(end - data), text, (size_t)(data + len - text));
    return strncmp(end + label_len, digest, HEX_LENGTH) == 0 ? text : NULL;
}

bool state_dir_load(char **text, size_t *len, apr_time_t *fetched,
                    char why[STATE_DIR_WHY_SIZE], const char *dir,
                    const struct jwks_source *source)
{
    char head[HEAD_MAX + 32];
    char id[HEX_LENGTH + 1];
    char name[NAME_SIZE];
    const char *document;
    size_t head_len = write_head(head, source);
    size_t data_len = 0;
    char *data;

    *text = NULL;
    why[0] = '\0';
    if (head_len == 0) {
        return false; /* nor could it be saved */
    }
    digest_of(id, head, head_len);
    if (id[0] == '\0') {
        return explain(why, dir, "", "cannot be read: out of memory");
    }
    snprintf(name, sizeof(name), "%s.jwks", id);
    data = read_file(&data_len, why, dir, name);
    if (data == NULL) {
        return false;
    }
    document = check_content(fetched, data, data_len, head, head_len);
    if (document == NULL) {
        free(data);
        return explain(why, dir, name, "was cut or edited");
    }
    *len = data_len - (size_t)(document - data);
    memmove(data, document, *len);
    *text = data;
    return true;
}
