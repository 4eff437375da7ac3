/*
 * The values of directives. The input, in parts between lines of "--": a character that
 * says which of them, the rest of the line as it stands in httpd.conf, and what a file
 * that it names holds.
 *
 * An accepted value has the form that the rest of the module counts on; a refusal says
 * in words which directive is meant.
 */
#include <apr_strings.h>
#include <apr_uri.h>
#include <ctype.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fuzz.h"
#include "httpd/config_values.h"
#include "httpd_stubs.h"

#define ARGUMENTS_MAX 8

enum part_name { WHICH, LINE, FILE_CONTENT, PARTS };

static const command_rec command = {.name = "Auth0Something"};

static void check_refusal(const char *error)
{
    HOLDS(strncmp(error, "Auth0Something: ", 16) == 0);
    HOLDS(ERR_peek_error() == 0);
}

/* What a host name is made of, once it is lower-cased. */
static size_t host_length(const char *text)
{
    return strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789.-");
}

static const char *try_domain(const cmd_parms *cmd, const char *value)
{
    const char *domain;
    const char *again;
    const char *error = value_domain(&domain, cmd, value);
    const struct issuer *issuer;
    apr_array_header_t *patterns;
    apr_uri_t uri;
    size_t len;

    if (error != NULL) {
        return error;
    }
    HOLDS(strcasecmp(domain, value) == 0);
    HOLDS(value_domain(&again, cmd, domain) == NULL && strcmp(again, domain) == 0);
    len = host_length(domain);
    HOLDS(len > 0 && strlen(domain) <= 255 &&
          (domain[len] == '\0' || domain[len] == ':'));

    issuer = value_domain_issuer(domain, cmd->pool);
    HOLDS(issuer->kind == ISSUER_KEYS_URL && issuer->slot == -1);
    HOLDS(apr_uri_parse(cmd->pool, issuer->source, &uri) == APR_SUCCESS);
    HOLDS(strcmp(uri.scheme, "https") == 0 && strlen(uri.hostname) == len &&
          strncmp(uri.hostname, domain, len) == 0 && uri.user == NULL);
    HOLDS((uri.port_str != NULL) == (domain[len] == ':'));
    HOLDS(uri.port_str == NULL || (uri.port >= 1 && strlen(uri.port_str) <= 5));
    HOLDS(strcmp(uri.path, "/.well-known/jwks.json") == 0 && uri.query == NULL);

    patterns = apr_array_make(cmd->pool, 1, sizeof(const char *));
    APR_ARRAY_PUSH(patterns, const char *) = "*.auth0.com";
    HOLDS(value_domain_is_trusted(domain, patterns) ==
          (strlen(domain) >= 10 &&
           strcmp(domain + strlen(domain) - 10, ".auth0.com") == 0));
    return NULL;
}

/* Nothing but a host, and perhaps a port, before a path or the end. */
static void check_authority(const char *text)
{
    const char *end = text + strcspn(text, "/?");
    const char *port = end;

    for (const char *p = text; p < end; p++) {
        HOLDS(strchr("-._:[]", *p) != NULL || isalnum((unsigned char)*p));
    }
    while (port > text && isdigit((unsigned char)port[-1])) {
        port--;
    }
    if (port > text && port[-1] == ':') {
        HOLDS(port < end && end - port <= 5 && atoi(port) >= 1 && atoi(port) <= 65535);
        port--;
        HOLDS(memchr(text, ':', (size_t)(port - text)) == NULL || port[-1] == ']');
    }
}

static void check_issuer(const struct issuer *issuer, const char *name)
{
    const unsigned secret = JWA_BIT(JWA_HS256) | JWA_BIT(JWA_HS384) | JWA_BIT(JWA_HS512);

    HOLDS(strcmp(issuer->name, name) == 0 && strlen(name) >= 1 && strlen(name) <= 511);
    HOLDS(issuer->slot == -1 && issuer->source != NULL);
    HOLDS((issuer->keys != NULL) == (issuer->kind == ISSUER_KEYS_FILE));
    HOLDS((issuer->secret != NULL) == (issuer->kind == ISSUER_SECRET_FILE));
    if (issuer->kind == ISSUER_SECRET_FILE) {
        HOLDS(issuer->algorithms != 0 && (issuer->algorithms & ~secret) == 0);
        return;
    }
    HOLDS((issuer->algorithms & secret) == 0);
    if (issuer->kind == ISSUER_KEYS_FILE) {
        HOLDS(issuer->keys->count > 0);
        return;
    }
    HOLDS(strncasecmp(issuer->source, "https://", 8) == 0);
    HOLDS(strlen(issuer->source) <= 1023 && strpbrk(issuer->source, " \t\r\n#") == NULL);
    HOLDS(strstr(issuer->source, "${") == NULL);
    check_authority(issuer->source + 8);
    /* No name or password: that is, no '@' in the authority. */
    HOLDS(memchr(issuer->source + 8, '@', strcspn(issuer->source + 8, "/?")) == NULL);
}

static const char *try_issuer(const cmd_parms *cmd, const char *line)
{
    char *argv[ARGUMENTS_MAX];
    struct issuer *issuer;
    const char *error;
    int argc = 0;

    while (argc < ARGUMENTS_MAX && *line != '\0') {
        argv[argc++] = ap_getword_conf(cmd->pool, &line);
    }
    error = value_issuer(&issuer, cmd, argc, argv);
    if (error == NULL) {
        check_issuer(issuer, argv[0]);
    }
    return error;
}

static const char *try_algorithm(const cmd_parms *cmd, const char *name)
{
    unsigned algorithms = JWA_BIT(JWA_RS256);
    const char *error = value_algorithm(&algorithms, cmd, name);

    HOLDS(error == NULL || algorithms == JWA_BIT(JWA_RS256));
    HOLDS((algorithms & JWA_BIT(JWA_RS256)) != 0 && algorithms < JWA_BIT(JWA_COUNT));
    HOLDS(error != NULL || strcasecmp(name, "none") != 0);
    return error;
}

static const char *try_time(const cmd_parms *cmd, const char *value)
{
    apr_interval_time_t time = -1;
    const char *error = value_time(&time, cmd, value);

    HOLDS(error != NULL || time >= 0);
    return error;
}

static const char *try_origin(const cmd_parms *cmd, const char *value)
{
    const char *origin;
    const char *again;
    const char *error = value_origin(&origin, cmd, value);

    if (error == NULL) {
        HOLDS(strcasecmp(origin, value) == 0 && strstr(origin, "://") != NULL);
        HOLDS(strpbrk(origin, " \t\r\n\"\\?#@ABCDEFGHIJKLMNOPQRSTUVWXYZ") == NULL);
        check_authority(strstr(origin, "://") + 3);
        HOLDS(value_origin(&again, cmd, origin) == NULL && strcmp(again, origin) == 0);
    }
    return error;
}

static const char *try_proxy(const cmd_parms *cmd, const char *value)
{
    const char *url;
    const char *error = value_proxy(&url, cmd, value);
    const char *host;

    if (error != NULL) {
        /* Whatever stands before an '@' may be a password. */
        HOLDS(strchr(value, '@') == NULL || strchr(error, '@') == NULL);
        return error;
    }
    if (*url == '\0') {
        HOLDS(strcasecmp(value, "none") == 0);
        return NULL;
    }
    HOLDS(strcmp(url, value) == 0);
    HOLDS(strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0);
    HOLDS(strpbrk(url, " \t\r\n\"\\?#") == NULL && strstr(url, "${") == NULL);
    host = strrchr(url, '@') != NULL ? strrchr(url, '@') + 1 : strstr(url, "://") + 3;
    check_authority(host);
    HOLDS(strchr(host, '/') == NULL || strchr(host, '/')[1] == '\0');
    HOLDS(strrchr(host, ':') != NULL && isdigit((unsigned char)strrchr(host, ':')[1]));
    return NULL;
}

static const char *try_state_dir(const cmd_parms *cmd, const char *value)
{
    const char *path;
    const char *error = value_state_dir(&path, cmd, value);

    HOLDS(error != NULL || *path == '/');
    return error;
}

static const char *try_ca_file(const cmd_parms *cmd, const char *value)
{
    const char *path;
    const char *error = value_ca_file(&path, cmd, value);

    HOLDS(error != NULL || *path == '/');
    HOLDS(error != NULL || memmem(stub_file.bytes, stub_file.len, "-----BEGIN ", 11));
    return error;
}

static const char *try_line(cmd_parms *cmd, struct part which, const char *line)
{
    char first = which.len > 0 ? which.bytes[0] : '\0';
    const char *word = ap_getword_conf(cmd->pool, &(const char *){line});

    switch (first) {
    case 'a':
        return try_algorithm(cmd, word);
    case 'c':
        return try_ca_file(cmd, word);
    case 'd':
        return try_domain(cmd, word);
    case 'i':
        return try_issuer(cmd, line);
    case 'o':
        return try_origin(cmd, word);
    case 'f':
        return try_state_dir(cmd, word);
    case 'x':
        return try_proxy(cmd, word);
    default:
        return try_time(cmd, word);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool = fuzz_begin();
    struct part part[PARTS];
    cmd_parms cmd = {.pool = pool, .temp_pool = pool, .cmd = &command};
    const char *error;

    fuzz_split(part, PARTS, data, size);
    stub_file = fuzz_document(part[FILE_CONTENT]);
    error = try_line(&cmd, part[WHICH], fuzz_string(part[LINE].bytes, part[LINE].len));
    if (error != NULL) {
        check_refusal(error);
    }
    fuzz_end();
    return 0;
}
