#include "httpd/config_values.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <apr_uri.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#include "issuer/key_file.h"
#include "issuer/state_dir.h"
#include "issuer/token_cache.h"

#define CA_FILE_MAX (4 * 1024 * 1024)
#define DOMAIN_MAX 255
#define WELL_KNOWN ".well-known/jwks.json"

bool value_in_htaccess(const cmd_parms *cmd)
{
    return cmd->pool == cmd->temp_pool;
}

const char *value_check_trusted(const cmd_parms *cmd)
{
    if (value_in_htaccess(cmd)) {
        return apr_pstrcat(cmd->pool, cmd->cmd->name,
                           ": not allowed in .htaccess files, whatever AllowOverrideList "
                           "says",
                           NULL);
    }
    return NULL;
}

/* httpd ends a list at an empty word, and what stands behind it would be forgotten. */
static bool has_empty_word(const cmd_parms *cmd)
{
    const char *args = cmd->directive != NULL ? cmd->directive->args : NULL;

    while (args != NULL && *args != '\0') {
        if (*ap_getword_conf(cmd->temp_pool, &args) == '\0') {
            return true;
        }
    }
    return false;
}

const char *value_check(const cmd_parms *cmd, const char *value)
{
    if (*value == '\0' || has_empty_word(cmd)) {
        return apr_pstrcat(cmd->pool, cmd->cmd->name, ": an empty value", NULL);
    }
    if (strstr(value, "${") != NULL) {
        return apr_pstrcat(cmd->pool, cmd->cmd->name, ": \"", value,
                           "\" names a variable that is not defined", NULL);
    }
    return NULL;
}

/* 1 to 65535 in digits, and nothing else. */
static bool is_port(const char *text, size_t len)
{
    return len >= 1 && len <= 5 && strspn(text, "0123456789") >= len && atoi(text) >= 1 &&
           atoi(text) <= 65535;
}

/*
 * Is what follows "://" a host, or a host and a port? apr_uri_parse looks at neither
 * that closely: it skips what stands behind an address in brackets.
 */
static bool has_sound_authority(const char *url)
{
    const char *host = strstr(url, "://");
    size_t len;
    size_t end = 0;

    if (host == NULL) {
        return false;
    }
    host += 3;
    len = strcspn(host, "/?#");
    if (*host == '[') {
        end = 1 + strspn(host + 1, "0123456789abcdefABCDEF:.");
        end = host[end] == ']' ? end + 1 : 0;
    }
    else {
        while (apr_isalnum(host[end]) ||
               (host[end] != '\0' && strchr("-._", host[end]))) {
            end++;
        }
    }
    return end > 0 &&
           (end == len || (host[end] == ':' && is_port(host + end + 1, len - end - 1)));
}

static const char *refuse_domain(const cmd_parms *cmd, const char *value, const char *why)
{
    return apr_pstrcat(cmd->pool, cmd->cmd->name, ": \"", value, "\" ", why,
                       "; write the domain alone, such as tenant.us.auth0.com", NULL);
}

const char *value_domain(const char **domain, const cmd_parms *cmd, const char *value)
{
    const char *error = value_check(cmd, value);
    const char *port;
    char *lower;

    if (error != NULL) {
        return error;
    }
    if (*value == '[') {
        return refuse_domain(cmd, value, "is an address");
    }
    if (strstr(value, "://") != NULL) {
        return refuse_domain(cmd, value, "is a URL");
    }
    if (strchr(value, '/') != NULL) {
        return refuse_domain(cmd, value, "has a slash");
    }
    port = strchr(value, ':');
    if (port != NULL && !is_port(port + 1, strlen(port + 1))) {
        return refuse_domain(cmd, value, "has no valid port");
    }
    if (strlen(value) > DOMAIN_MAX || port == value || !apr_isalnum(*value)) {
        return refuse_domain(cmd, value, "is not a host name");
    }
    for (const char *p = value; *p != '\0' && p != port; p++) {
        if (!apr_isalnum(*p) && *p != '-' && *p != '.') {
            return refuse_domain(cmd, value, "is not a host name");
        }
    }
    lower = apr_pstrdup(cmd->pool, value);
    ap_str_tolower(lower);
    *domain = lower;
    return NULL;
}

bool value_domain_is_trusted(const char *domain, const apr_array_header_t *patterns)
{
    for (int i = 0; i < patterns->nelts; i++) {
        if (ap_strcasecmp_match(domain, APR_ARRAY_IDX(patterns, i, const char *)) == 0) {
            return true;
        }
    }
    return false;
}

struct issuer *value_domain_issuer(const char *domain, apr_pool_t *pool)
{
    struct issuer *issuer = apr_pcalloc(pool, sizeof(*issuer));

    issuer->kind = ISSUER_KEYS_URL;
    issuer->name = apr_pstrcat(pool, "https://", domain, "/", NULL);
    issuer->source = apr_pstrcat(pool, issuer->name, WELL_KNOWN, NULL);
    issuer->slot = -1;
    return issuer;
}

const char *value_algorithm(unsigned *algorithms, const cmd_parms *cmd, const char *name)
{
    enum jwa_alg alg;

    if (!jwa_find(&alg, name)) {
        return apr_pstrcat(
            cmd->pool, cmd->cmd->name, ": \"", name,
            "\" is not an algorithm; write RS256, RS384, RS512, PS256, "
            "PS384, PS512, ES256, ES384, ES512 or EdDSA (or, for a secret, "
            "HS256, HS384 or HS512)",
            NULL);
    }
    *algorithms |= JWA_BIT(alg);
    return NULL;
}

/* The path behind "file:", made absolute; NULL for another scheme. */
static const char *file_path(const cmd_parms *cmd, const char *source)
{
    if (strncmp(source, "file:", 5) != 0 || source[5] == '\0') {
        return NULL;
    }
    return ap_server_root_relative(cmd->pool, source + 5);
}

static const char *check_https_url(const cmd_parms *cmd, const char *url)
{
    apr_uri_t uri;

    if (apr_uri_parse(cmd->temp_pool, url, &uri) != APR_SUCCESS || uri.scheme == NULL ||
        strcasecmp(uri.scheme, "https") != 0 || uri.hostname == NULL ||
        *uri.hostname == '\0' || uri.fragment != NULL || uri.user != NULL ||
        !has_sound_authority(url) || strpbrk(url, " \t\r\n") != NULL) {
        return apr_pstrcat(cmd->pool, cmd->cmd->name, ": \"", url,
                           "\" is not an https:// URL, and keys are fetched over "
                           "nothing else; for a local file write jwks=file:path",
                           NULL);
    }
    if (strlen(url) > JWKS_STORE_URL_MAX) {
        return apr_pstrcat(cmd->pool, cmd->cmd->name, ": the URL is too long", NULL);
    }
    return NULL;
}

/*
 * For the token cache: two lines that name one file are one source of keys. The bit that
 * is always set keeps it apart from the slots of fetched keys.
 */
static const char *identify(struct issuer *issuer, const cmd_parms *cmd,
                            const char *bytes, size_t len)
{
    unsigned char digest[EVP_MAX_MD_SIZE];

    if (EVP_Digest(bytes, len, digest, NULL, EVP_sha256(), NULL) != 1) {
        ERR_clear_error();
        return apr_pstrcat(cmd->pool, cmd->cmd->name, ": no memory", NULL);
    }
    memcpy(&issuer->file_id, digest, sizeof(issuer->file_id));
    issuer->file_id |= UINT64_C(1) << 32;
    return NULL;
}

static apr_status_t destroy_keys(void *keys)
{
    jwks_destroy(keys);
    return APR_SUCCESS;
}

static const char *load_keys(struct issuer *issuer, const cmd_parms *cmd)
{
    const char *error;
    const char *text;
    struct jwks *keys = NULL;
    enum reason reason;
    size_t len;

    error = key_file_read(&text, &len, issuer->source, JWKS_DOCUMENT_MAX, false,
                          cmd->temp_pool);
    if (error != NULL) {
        return apr_pstrcat(cmd->pool, cmd->cmd->name, ": ", error, NULL);
    }
    reason = jwks_parse(&keys, text, len, cmd->temp_pool);
    if (keys != NULL) {
        apr_pool_cleanup_register(cmd->pool, keys, destroy_keys, apr_pool_cleanup_null);
    }
    if (reason != REASON_OK) {
        return apr_pstrcat(
            cmd->pool, cmd->cmd->name, ": ", issuer->source, ": ", jwks_problem(reason),
            keys != NULL && keys->skipped_count > 0 ? ": " : "",
            keys != NULL && keys->skipped_count > 0 ? keys->skipped[0].why : "", NULL);
    }
    issuer->keys = keys;
    return identify(issuer, cmd, text, len);
}

static apr_status_t destroy_secret(void *secret)
{
    secret_destroy(secret);
    return APR_SUCCESS;
}

static const char *load_secret(struct issuer *issuer, const cmd_parms *cmd)
{
    struct secret *secret;
    const char *error;
    const char *bytes;
    size_t len;

    error =
        key_file_read(&bytes, &len, issuer->source, SECRET_MAX + 2, true, cmd->temp_pool);
    if (error != NULL) {
        return apr_pstrcat(cmd->pool, cmd->cmd->name, ": ", error, NULL);
    }
    /* Editors end files with a line end that is not part of the secret. */
    if (len > 0 && bytes[len - 1] == '\n') {
        len--;
        if (len > 0 && bytes[len - 1] == '\r') {
            len--;
        }
    }
    if (len >= 11 && memcmp(bytes, "-----BEGIN ", 11) == 0) {
        return apr_pstrcat(cmd->pool, cmd->cmd->name, ": ", issuer->source,
                           " is a PEM file; a key that others may know is no secret",
                           NULL);
    }
    secret = secret_create((const unsigned char *)bytes, len, issuer->algorithms);
    if (secret == NULL) {
        return apr_pstrcat(cmd->pool, cmd->cmd->name, ": the secret in ", issuer->source,
                           " is shorter than the hash of its algorithm (32 bytes for "
                           "HS256, 48 for HS384, 64 for HS512)",
                           NULL);
    }
    apr_pool_cleanup_register(cmd->pool, secret, destroy_secret, apr_pool_cleanup_null);
    issuer->secret = secret;
    return identify(issuer, cmd, bytes, len);
}

static const char *read_algorithms(unsigned *algorithms, const cmd_parms *cmd,
                                   const char *list)
{
    const char *error = NULL;
    char *rest;
    char *name = apr_strtok(apr_pstrdup(cmd->temp_pool, list), ",", &rest);

    while (name != NULL && error == NULL) {
        error = value_algorithm(algorithms, cmd, name);
        name = apr_strtok(NULL, ",", &rest);
    }
    if (error == NULL && *algorithms == 0) {
        error = apr_pstrcat(cmd->pool, cmd->cmd->name, ": algorithms= names none", NULL);
    }
    return error;
}

static const char *read_option(struct issuer *issuer, const cmd_parms *cmd,
                               const char *option)
{
    bool jwks = strncmp(option, "jwks=", 5) == 0;
    bool secret = strncmp(option, "secret=", 7) == 0;
    const char *value = option + (jwks ? 5 : 7);

    if (strncmp(option, "algorithms=", 11) == 0) {
        return read_algorithms(&issuer->algorithms, cmd, option + 11);
    }
    if (!jwks && !secret) {
        return apr_pstrcat(cmd->pool, cmd->cmd->name, ": \"", option,
                           "\" is none of jwks=..., secret=... and algorithms=...", NULL);
    }
    if (issuer->source != NULL) {
        return apr_pstrcat(cmd->pool, cmd->cmd->name,
                           ": an issuer has one source of keys, so one jwks= or one "
                           "secret=",
                           NULL);
    }
    issuer->source = file_path(cmd, value);
    issuer->kind = secret ? ISSUER_SECRET_FILE : ISSUER_KEYS_FILE;
    if (issuer->source == NULL && secret) {
        return apr_pstrcat(cmd->pool, cmd->cmd->name, ": \"", option,
                           "\" must name a file: secret=file:path", NULL);
    }
    if (issuer->source == NULL) {
        issuer->kind = ISSUER_KEYS_URL;
        issuer->source = apr_pstrdup(cmd->pool, value);
    }
    return NULL;
}

static const char *first_algorithm(unsigned algorithms)
{
    enum jwa_alg alg = 0;

    while ((algorithms & JWA_BIT(alg)) == 0) {
        alg++;
    }
    return jwa_get(alg)->name;
}

/* With every option read: do they fit together, and are the keys there? */
static const char *complete_issuer(struct issuer *issuer, const cmd_parms *cmd)
{
    if (issuer->kind == ISSUER_SECRET_FILE) {
        if (issuer->algorithms == 0) {
            issuer->algorithms = JWA_BIT(JWA_HS256);
        }
        if ((issuer->algorithms & ~JWA_SECRET_ALGORITHMS) != 0) {
            return apr_pstrcat(
                cmd->pool, cmd->cmd->name, ": ",
                first_algorithm(issuer->algorithms & ~JWA_SECRET_ALGORITHMS),
                " needs public keys, and an issuer with a secret has none; "
                "it can have HS256, HS384 and HS512",
                NULL);
        }
        return load_secret(issuer, cmd);
    }
    if ((issuer->algorithms & JWA_SECRET_ALGORITHMS) != 0) {
        return apr_pstrcat(cmd->pool, cmd->cmd->name, ": ",
                           first_algorithm(issuer->algorithms & JWA_SECRET_ALGORITHMS),
                           " needs secret=file:path", NULL);
    }
    if (issuer->kind == ISSUER_KEYS_FILE) {
        return load_keys(issuer, cmd);
    }
    if (issuer->source == NULL) {
        const char *slash = issuer->name[strlen(issuer->name) - 1] == '/' ? "" : "/";

        issuer->source = apr_pstrcat(cmd->pool, issuer->name, slash, WELL_KNOWN, NULL);
    }
    return check_https_url(cmd, issuer->source);
}

const char *value_issuer(struct issuer **issuer, const cmd_parms *cmd, int argc,
                         char *const argv[])
{
    struct issuer *made = apr_pcalloc(cmd->pool, sizeof(*made));
    const char *error = NULL;

    if (argc == 0) {
        return apr_pstrcat(cmd->pool, cmd->cmd->name,
                           ": takes the issuer's name, exactly as the iss claim has it",
                           NULL);
    }
    for (int i = 0; i < argc && error == NULL; i++) {
        error = value_check(cmd, argv[i]);
    }
    if (error != NULL) {
        return error;
    }
    if (strlen(argv[0]) > JWKS_STORE_ISSUER_MAX) {
        return apr_pstrcat(cmd->pool, cmd->cmd->name, ": the issuer is too long", NULL);
    }
    made->kind = ISSUER_KEYS_URL;
    made->name = apr_pstrdup(cmd->pool, argv[0]);
    made->slot = -1;
    for (int i = 1; i < argc && error == NULL; i++) {
        error = read_option(made, cmd, argv[i]);
    }
    if (error == NULL) {
        error = complete_issuer(made, cmd);
    }
    *issuer = made;
    return error;
}

const char *value_time(apr_interval_time_t *time, const cmd_parms *cmd, const char *value)
{
    const char *error = value_check(cmd, value);

    if (error != NULL) {
        return error;
    }
    if (!apr_isdigit(*value) ||
        ap_timeout_parameter_parse(value, time, "s") != APR_SUCCESS || *time < 0) {
        return apr_pstrcat(cmd->pool, cmd->cmd->name, ": \"", value,
                           "\" is not a time; write seconds, or a number with ms, s, min "
                           "or h",
                           NULL);
    }
    return NULL;
}

const char *value_entries(unsigned *entries, const cmd_parms *cmd, const char *value)
{
    const char *error = value_check(cmd, value);

    if (error != NULL) {
        return error;
    }
    if (strspn(value, "0123456789") != strlen(value) || strlen(value) > 7 ||
        atoi(value) > TOKEN_CACHE_ENTRIES_MAX) {
        return apr_psprintf(cmd->pool, "%s: \"%s\" is not a number from 0 to %d",
                            cmd->cmd->name, value, TOKEN_CACHE_ENTRIES_MAX);
    }
    *entries = (unsigned)atoi(value);
    return NULL;
}

const char *value_origin(const char **origin, const cmd_parms *cmd, const char *value)
{
    const char *error = value_check(cmd, value);
    apr_uri_t uri;
    char *lower;

    if (error != NULL) {
        return error;
    }
    if (apr_uri_parse(cmd->temp_pool, value, &uri) != APR_SUCCESS || uri.scheme == NULL ||
        uri.hostname == NULL || *uri.hostname == '\0' || !has_sound_authority(value) ||
        uri.path != NULL || uri.query != NULL || uri.fragment != NULL ||
        uri.user != NULL || strpbrk(value, " \t\r\n\"\\") != NULL) {
        return apr_pstrcat(cmd->pool, cmd->cmd->name, ": \"", value,
                           "\" is not an origin; write scheme://host or "
                           "scheme://host:port, without a path or a slash at the end",
                           NULL);
    }
    lower = apr_pstrdup(cmd->pool, value);
    ap_str_tolower(lower);
    *origin = lower;
    return NULL;
}

const char *value_ca_file(const char **path, const cmd_parms *cmd, const char *value)
{
    const char *error = value_check(cmd, value);
    const char *text;
    X509 *certificate = NULL;
    BIO *bio;
    size_t len;

    if (error != NULL) {
        return error;
    }
    *path = ap_server_root_relative(cmd->pool, value);
    error = *path != NULL
                ? key_file_read(&text, &len, *path, CA_FILE_MAX, false, cmd->temp_pool)
                : "an invalid path";
    if (error != NULL) {
        return apr_pstrcat(cmd->pool, cmd->cmd->name, ": ", error, NULL);
    }
    bio = BIO_new_mem_buf(text, (int)len);
    if (bio != NULL) {
        certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    }
    BIO_free(bio);
    ERR_clear_error();
    if (certificate == NULL) {
        return apr_pstrcat(cmd->pool, cmd->cmd->name, ": ", *path,
                           " holds no certificate in PEM form", NULL);
    }
    X509_free(certificate);
    return NULL;
}

/* scheme://[user:password@]host:port, and perhaps a slash. */
static bool is_proxy_url(const char *value, apr_pool_t *pool)
{
    const char *user_end = strrchr(value, '@');
    apr_uri_t uri;

    return apr_uri_parse(pool, value, &uri) == APR_SUCCESS && uri.scheme != NULL &&
           (strcmp(uri.scheme, "http") == 0 || strcmp(uri.scheme, "https") == 0) &&
           uri.hostname != NULL && uri.port_str != NULL && uri.query == NULL &&
           uri.fragment == NULL && (uri.path == NULL || strcmp(uri.path, "/") == 0) &&
           strpbrk(value, " \t\r\n\"\\") == NULL &&
           has_sound_authority(
               user_end != NULL ? apr_pstrcat(pool, uri.scheme, "://", user_end + 1, NULL)
                                : value);
}

const char *value_proxy(const char **url, const cmd_parms *cmd, const char *value)
{
    /* A password is not to be seen in a log or on a screen. */
    const char *shown = strchr(value, '@') != NULL
                            ? "the value"
                            : apr_psprintf(cmd->temp_pool, "\"%s\"", value);

    if (strstr(value, "${") != NULL) {
        return apr_pstrcat(cmd->pool, cmd->cmd->name, ": ", shown,
                           " names a variable that is not defined", NULL);
    }
    if (ap_cstr_casecmp(value, "none") == 0) {
        *url = "";
        return NULL;
    }
    if (!is_proxy_url(value, cmd->temp_pool)) {
        return apr_pstrcat(cmd->pool, cmd->cmd->name, ": ", shown,
                           " is not a proxy; write http://host:port, https://host:port "
                           "or none",
                           NULL);
    }
    *url = apr_pstrdup(cmd->pool, value);
    return NULL;
}

const char *value_state_dir(const char **path, const cmd_parms *cmd, const char *value)
{
    const char *error = value_check(cmd, value);

    if (error != NULL) {
        return error;
    }
    *path = ap_server_root_relative(cmd->pool, value);
    error = *path != NULL ? state_dir_problem(*path) : "is an invalid path";
    if (error != NULL) {
        return apr_pstrcat(cmd->pool, cmd->cmd->name, ": ", *path != NULL ? *path : value,
                           " ", error, NULL);
    }
    return NULL;
}
