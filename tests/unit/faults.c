#include "faults.h"

#include <apr_pools.h>
#include <apr_thread_mutex.h>
#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct {
    bool active;
    enum faults_kind kind;
    unsigned first;
    unsigned more;
    unsigned calls;
    const char *name;
} faults;

void faults_begin(enum faults_kind kind, unsigned first, unsigned more)
{
    faults.kind = kind;
    faults.first = first;
    faults.more = more;
    faults.calls = 0;
    faults.name = NULL;
    faults.active = true;
}

const char *faults_end(void)
{
    faults.active = false;
    return faults.name;
}

static bool fails(enum faults_kind kind, const char *name)
{
    if (!faults.active || faults.kind != kind) {
        return false;
    }
    faults.calls++;
    if (faults.calls < faults.first || faults.calls - faults.first > faults.more) {
        return false;
    }
    if (faults.calls == faults.first) {
        faults.name = name;
    }
    return true;
}

/*
 * As calls that fail in earnest do, leave the reason in the thread's queue. With sound
 * keys and tokens there is one only: no memory.
 */
static bool call_fails(const char *name)
{
    if (!fails(FAULTS_CALLS, name) && !fails(FAULTS_ERROR_CALLS, name)) {
        return false;
    }
    ERR_raise(ERR_LIB_EVP, ERR_R_MALLOC_FAILURE);
    return true;
}

static int no(void)
{
    return faults.kind == FAULTS_ERROR_CALLS ? -1 : 0;
}

/* A function, what it answers when it fails, and its declaration in two halves. */
#define FAULTY(type, failure, name, parameters, arguments)                               \
    extern type __real_##name parameters;                                                \
    extern type __wrap_##name parameters;                                                \
    type __wrap_##name parameters                                                        \
    {                                                                                    \
        return call_fails(#name) ? (failure) : __real_##name arguments;                  \
    }

FAULTY(BIGNUM *, NULL, BN_bin2bn, (const unsigned char *s, int len, BIGNUM *n),
       (s, len, n))
FAULTY(ECDSA_SIG *, NULL, ECDSA_SIG_new, (void), ())
FAULTY(int, 0, ECDSA_SIG_set0, (ECDSA_SIG * sig, BIGNUM *r, BIGNUM *s), (sig, r, s))
FAULTY(int, no(), i2d_ECDSA_SIG, (const ECDSA_SIG *sig, unsigned char **out), (sig, out))
FAULTY(EVP_MD *, NULL, EVP_MD_fetch,
       (OSSL_LIB_CTX * lib, const char *name, const char *properties),
       (lib, name, properties))
FAULTY(int, 0, EVP_Digest,
       (const void *text, size_t len, unsigned char *digest, unsigned *size,
        const EVP_MD *md, ENGINE *engine),
       (text, len, digest, size, md, engine))
FAULTY(EVP_MD_CTX *, NULL, EVP_MD_CTX_new, (void), ())
FAULTY(int, 0, EVP_MD_CTX_copy_ex, (EVP_MD_CTX * to, const EVP_MD_CTX *from), (to, from))
FAULTY(int, no(), EVP_DigestVerifyInit_ex,
       (EVP_MD_CTX * ctx, EVP_PKEY_CTX **pctx, const char *digest, OSSL_LIB_CTX *lib,
        const char *properties, EVP_PKEY *key, const OSSL_PARAM params[]),
       (ctx, pctx, digest, lib, properties, key, params))
FAULTY(int, no(), EVP_DigestVerify,
       (EVP_MD_CTX * ctx, const unsigned char *sig, size_t sig_len,
        const unsigned char *text, size_t text_len),
       (ctx, sig, sig_len, text, text_len))
FAULTY(EVP_MAC *, NULL, EVP_MAC_fetch,
       (OSSL_LIB_CTX * lib, const char *name, const char *properties),
       (lib, name, properties))
FAULTY(EVP_MAC_CTX *, NULL, EVP_MAC_CTX_new, (EVP_MAC * mac), (mac))
FAULTY(EVP_MAC_CTX *, NULL, EVP_MAC_CTX_dup, (const EVP_MAC_CTX *ctx), (ctx))
FAULTY(int, 0, EVP_MAC_init,
       (EVP_MAC_CTX * ctx, const unsigned char *key, size_t len,
        const OSSL_PARAM params[]),
       (ctx, key, len, params))
FAULTY(int, 0, EVP_MAC_update, (EVP_MAC_CTX * ctx, const unsigned char *text, size_t len),
       (ctx, text, len))
FAULTY(int, 0, EVP_MAC_final,
       (EVP_MAC_CTX * ctx, unsigned char *out, size_t *len, size_t size),
       (ctx, out, len, size))
FAULTY(EVP_PKEY_CTX *, NULL, EVP_PKEY_CTX_new_from_name,
       (OSSL_LIB_CTX * lib, const char *name, const char *properties),
       (lib, name, properties))
FAULTY(EVP_PKEY_CTX *, NULL, EVP_PKEY_CTX_new_from_pkey,
       (OSSL_LIB_CTX * lib, EVP_PKEY *key, const char *properties),
       (lib, key, properties))
FAULTY(int, no(), EVP_PKEY_CTX_set_rsa_padding, (EVP_PKEY_CTX * ctx, int padding),
       (ctx, padding))
FAULTY(int, no(), EVP_PKEY_CTX_set_rsa_pss_saltlen, (EVP_PKEY_CTX * ctx, int len),
       (ctx, len))
FAULTY(int, no(), EVP_PKEY_eq, (const EVP_PKEY *a, const EVP_PKEY *b), (a, b))
FAULTY(int, no(), EVP_PKEY_fromdata_init, (EVP_PKEY_CTX * ctx), (ctx))
FAULTY(int, no(), EVP_PKEY_fromdata,
       (EVP_PKEY_CTX * ctx, EVP_PKEY **key, int selection, OSSL_PARAM params[]),
       (ctx, key, selection, params))
FAULTY(int, no(), EVP_PKEY_get_size, (const EVP_PKEY *key), (key))
FAULTY(EVP_PKEY *, NULL, EVP_PKEY_new_raw_public_key_ex,
       (OSSL_LIB_CTX * lib, const char *type, const char *properties,
        const unsigned char *key, size_t len),
       (lib, type, properties, key, len))
FAULTY(int, no(), EVP_PKEY_public_check, (EVP_PKEY_CTX * ctx), (ctx))
FAULTY(OSSL_PARAM_BLD *, NULL, OSSL_PARAM_BLD_new, (void), ())
FAULTY(int, 0, OSSL_PARAM_BLD_push_BN,
       (OSSL_PARAM_BLD * builder, const char *key, const BIGNUM *n), (builder, key, n))
FAULTY(int, 0, OSSL_PARAM_BLD_push_utf8_string,
       (OSSL_PARAM_BLD * builder, const char *key, const char *text, size_t len),
       (builder, key, text, len))
FAULTY(int, 0, OSSL_PARAM_BLD_push_octet_string,
       (OSSL_PARAM_BLD * builder, const char *key, const void *bytes, size_t len),
       (builder, key, bytes, len))
FAULTY(OSSL_PARAM *, NULL, OSSL_PARAM_BLD_to_param, (OSSL_PARAM_BLD * builder), (builder))
FAULTY(unsigned char *, NULL, SHA256,
       (const unsigned char *text, size_t len, unsigned char *digest),
       (text, len, digest))

/*
 * Memory. Ours comes by these; the wrapped ones of the C library are also called by
 * the tests, and work for them.
 */
#define FAULTY_MEMORY(type, failure, name, parameters, arguments)                        \
    extern type __real_##name parameters;                                                \
    extern type __wrap_##name parameters;                                                \
    type __wrap_##name parameters                                                        \
    {                                                                                    \
        return fails(FAULTS_ALLOCATIONS, #name) ? (failure) : __real_##name arguments;   \
    }

FAULTY_MEMORY(void *, NULL, malloc, (size_t size), (size))
FAULTY_MEMORY(void *, NULL, calloc, (size_t count, size_t size), (count, size))
FAULTY_MEMORY(char *, NULL, strdup, (const char *text), (text))
FAULTY_MEMORY(apr_status_t, APR_ENOMEM, apr_pool_create_unmanaged_ex,
              (apr_pool_t * *pool, apr_abortfunc_t abort_fn, apr_allocator_t *allocator),
              (pool, abort_fn, allocator))
FAULTY_MEMORY(apr_status_t, APR_ENOMEM, apr_thread_mutex_create,
              (apr_thread_mutex_t * *mutex, unsigned flags, apr_pool_t *pool),
              (mutex, flags, pool))

static void *cjson_malloc(size_t size)
{
    return fails(FAULTS_ALLOCATIONS, "cJSON's malloc") ? NULL : __real_malloc(size);
}

/* Not every allocation of OpenSSL 3.5 names its file. */
static bool openssl_fails(const char *file)
{
    return fails(FAULTS_ALLOCATIONS, file != NULL ? file : "OpenSSL's malloc");
}

static void *openssl_malloc(size_t size, const char *file, int line)
{
    (void)line;
    return openssl_fails(file) ? NULL : __real_malloc(size);
}

static void *openssl_realloc(void *memory, size_t size, const char *file, int line)
{
    (void)line;
    return openssl_fails(file) ? NULL : realloc(memory, size);
}

static void openssl_free(void *memory, const char *file, int line)
{
    (void)file;
    (void)line;
    free(memory);
}

void faults_install(void)
{
    cJSON_Hooks hooks = {.malloc_fn = cjson_malloc, .free_fn = free};

    cJSON_InitHooks(&hooks);
    if (!CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free)) {
        abort();
    }
}

/* Files. */
extern int __real_fstat(int fd, struct stat *info);
extern int __wrap_fstat(int fd, struct stat *info);
extern ssize_t __real_read(int fd, void *buffer, size_t size);
extern ssize_t __wrap_read(int fd, void *buffer, size_t size);
extern int __real_open(const char *path, int flags, ...);
extern int __wrap_open(const char *path, int flags, ...);
extern int __real_openat(int folder, const char *path, int flags, ...);
extern int __wrap_openat(int folder, const char *path, int flags, ...);
extern ssize_t __real_write(int fd, const void *buffer, size_t size);
extern ssize_t __wrap_write(int fd, const void *buffer, size_t size);
extern int __real_renameat(int from, const char *old, int to, const char *new);
extern int __wrap_renameat(int from, const char *old, int to, const char *new);

int __wrap_fstat(int fd, struct stat *info)
{
    if (fails(FAULTS_FILES, "fstat")) {
        errno = EIO;
        return -1;
    }
    return __real_fstat(fd, info);
}

ssize_t __wrap_read(int fd, void *buffer, size_t size)
{
    if (fails(FAULTS_FILES, "read")) {
        errno = EIO;
        return -1;
    }
    if (fails(FAULTS_INTERRUPTS, "read")) {
        errno = EINTR;
        return -1;
    }
    return __real_read(fd, buffer, size);
}

int __wrap_open(const char *path, int flags, ...)
{
    mode_t mode = 0;
    va_list args;

    if (fails(FAULTS_FILES, "open")) {
        errno = EIO;
        return -1;
    }
    if ((flags & O_CREAT) != 0) {
        va_start(args, flags);
        mode = va_arg(args, mode_t);
        va_end(args);
    }
    return __real_open(path, flags, mode);
}

int __wrap_openat(int folder, const char *path, int flags, ...)
{
    mode_t mode = 0;
    va_list args;

    if (fails(FAULTS_FILES, "openat")) {
        errno = EIO;
        return -1;
    }
    if ((flags & O_CREAT) != 0) {
        va_start(args, flags);
        mode = va_arg(args, mode_t);
        va_end(args);
    }
    return __real_openat(folder, path, flags, mode);
}

ssize_t __wrap_write(int fd, const void *buffer, size_t size)
{
    if (fails(FAULTS_FILES, "write")) {
        errno = EIO;
        return -1;
    }
    if (fails(FAULTS_INTERRUPTS, "write")) {
        errno = EINTR;
        return -1;
    }
    return __real_write(fd, buffer, size);
}

int __wrap_renameat(int from, const char *old, int to, const char *new)
{
    if (fails(FAULTS_FILES, "renameat")) {
        errno = EIO;
        return -1;
    }
    return __real_renameat(from, old, to, new);
}
