#include <apr_strings.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "command.h"
#include "files.h"
#include "key.h"
#include "object.h"
#include "show.h"
#include "token/jwk.h"

static const struct option_row options[] = {
    {"key", "FILE", OPTION_REQUIRED, "where the private key or the secret goes"},
    {"jwks", "FILE", 0, "where the public keys go, as a JWK Set"},
    {"alg", "NAME", 0, "algorithm (default RS256)"},
    {"kid", "KID", 0, "key id (default: the key's RFC 7638 thumbprint)"},
    {"bits", "N", 0, "length of an RSA key, 2048 to 8192 (default 2048)"},
    {"json", NULL, 0, "print JSON"},
    {NULL, NULL, 0, NULL},
};

/* Is @a path the very file at @a other, which exists? */
static bool same_file(const char *path, const char *other)
{
    struct stat a;
    struct stat b;

    return stat(path, &a) == 0 && stat(other, &b) == 0 && a.st_dev == b.st_dev &&
           a.st_ino == b.st_ino;
}

/* What was made. @a kid: NULL for a secret. */
static void report(const struct arguments *arguments, enum jwa_alg alg, const char *kid,
                   apr_pool_t *pool)
{
    const char *path = option_value(arguments, "key");
    const char *jwks = option_value(arguments, "jwks");
    object *o = object_create(pool);

    if (option_given(arguments, "json")) {
        object_set_string(o, "key", path);
        object_set_string(o, "alg", jwa_get(alg)->name);
        object_set_string(o, "jwks", jwks);
        object_set_string(o, "kid", kid);
        puts(object_text(o, pool));
        return;
    }
    printf("%s: a %s for %s\n", show_text(path, pool),
           kid != NULL ? "private key" : "secret", jwa_get(alg)->name);
    if (jwks != NULL) {
        printf("%s: its public key, kid %s\n", show_text(jwks, pool),
               show_quoted(kid, pool));
    }
}

static enum status make_secret(const struct arguments *arguments, enum jwa_alg alg,
                               apr_pool_t *pool)
{
    static const char *const pointless[] = {"jwks", "kid", "bits"};
    const char *path = option_value(arguments, "key");
    const char *text;
    const char *why;

    for (size_t i = 0; i < sizeof(pointless) / sizeof(pointless[0]); i++) {
        if (option_value(arguments, pointless[i]) != NULL) {
            return complain(arguments, STATUS_USAGE,
                            "--%s makes no sense with --alg %s: %s", pointless[i],
                            jwa_get(alg)->name,
                            "a secret has no public key, no key id and a fixed length");
        }
    }
    why = key_generate_secret(&text, alg, pool);
    if (why == NULL) {
        text = apr_pstrcat(pool, text, "\n", NULL);
        why = file_write_private(path, text, strlen(text), pool);
    }
    if (why != NULL) {
        return complain(arguments, STATUS_UNAVAILABLE, "%s", why);
    }
    report(arguments, alg, NULL, pool);
    return STATUS_DONE;
}

/* Would the module use this key? */
static const char *check_jwks(const char *text, apr_pool_t *pool)
{
    struct jwks *jwks;
    enum reason reason = jwks_parse(&jwks, text, strlen(text), pool);
    const char *why = NULL;

    if (reason != REASON_OK) {
        why = apr_psprintf(pool, "the new key is not usable (%s)",
                           jwks != NULL && jwks->skipped_count > 0 ? jwks->skipped[0].why
                                                                   : reason_name(reason));
    }
    jwks_destroy(jwks);
    return why;
}

static const char *write_files(const char *path, const struct signing_key *key,
                               const char *jwks_path, const char *jwks, apr_pool_t *pool)
{
    const char *pem;
    size_t len;
    const char *why = key_to_pem(&pem, &len, key, pool);

    if (why == NULL) {
        why = file_write_private(path, pem, len, pool);
    }
    if (why != NULL || jwks_path == NULL) {
        return why;
    }
    if (same_file(jwks_path, path)) {
        why = "--key and --jwks name the same file";
    }
    else {
        why = file_write_public(jwks_path, jwks, strlen(jwks), pool);
    }
    if (why != NULL) {
        file_remove(path); /* a private key without its public half only puzzles */
    }
    return why;
}

static enum status make_key(const struct arguments *arguments, enum jwa_alg alg,
                            apr_pool_t *pool)
{
    const char *path = option_value(arguments, "key");
    const char *jwks_path = option_value(arguments, "jwks");
    const char *kid = option_value(arguments, "kid");
    bool rsa = jwa_get(alg)->type == JWA_KTY_RSA;
    struct signing_key key;
    const char *jwks = NULL;
    const char *why;
    long long bits;

    if (!rsa && option_value(arguments, "bits") != NULL) {
        return complain(arguments, STATUS_USAGE, "--bits is for RSA keys, not for %s",
                        jwa_get(alg)->name);
    }
    if (option_number(&bits, arguments, "bits", 2048, JWK_RSA_BITS_MIN,
                      JWK_RSA_BITS_MAX) != STATUS_DONE) {
        return STATUS_USAGE;
    }
    why = key_generate(&key, alg, (unsigned)bits, pool);
    if (why == NULL && kid == NULL) {
        why = key_thumbprint(&kid, &key, pool);
    }
    if (why == NULL) {
        why = key_to_jwks(&jwks, &key, kid, pool);
    }
    if (why == NULL) {
        why = check_jwks(jwks, pool);
    }
    if (why == NULL) {
        why = write_files(path, &key, jwks_path, jwks, pool);
    }
    if (why != NULL) {
        return complain(arguments, STATUS_UNAVAILABLE, "%s", why);
    }
    report(arguments, alg, kid, pool);
    return STATUS_DONE;
}

static enum status run(const struct arguments *arguments, apr_pool_t *pool)
{
    const char *name = option_value(arguments, "alg");
    const char *kid = option_value(arguments, "kid");
    enum jwa_alg alg = JWA_RS256;

    if (name != NULL && !jwa_find(&alg, name)) {
        return complain(arguments, STATUS_USAGE, "--alg %s is no algorithm known here",
                        show_text(name, pool));
    }
    if (kid != NULL && (strlen(kid) > JWK_KID_MAX || json_quote(kid, pool) == NULL)) {
        return complain(arguments, STATUS_USAGE,
                        "the value of --kid must be UTF-8 of at most %d bytes",
                        JWK_KID_MAX);
    }
    return jwa_get(alg)->type == JWA_KTY_OCT ? make_secret(arguments, alg, pool)
                                             : make_key(arguments, alg, pool);
}

const struct command command_keygen = {
    .name = "keygen",
    .summary =
        "Make a development key: a private key and its public JWK Set, or a secret.",
    .options = options,
    .details =
        "Algorithms: RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA, and\n"
        "HS256 HS384 HS512, for which FILE gets a random secret and no JWK Set exists.\n"
        "\n"
        "The key is PEM (PKCS #8), readable by its owner alone; an existing key is\n"
        "never overwritten, an existing JWK Set is replaced in one step. A kid of your\n"
        "own is in the JWK Set only: give it to mint as well.\n",
    .run = run,
};
