#include "trust.h"

#include <apr_strings.h>
#include <apr_tables.h>
#include <string.h>

#include "files.h"
#include "show.h"

const char *trust_algorithm_names(unsigned algorithms, const char *between,
                                  apr_pool_t *pool)
{
    const char *names = "";

    for (enum jwa_alg i = 0; i < JWA_COUNT; i++) {
        if ((algorithms & JWA_BIT(i)) != 0) {
            names = apr_pstrcat(pool, names, *names != '\0' ? between : "",
                                jwa_get(i)->name, NULL);
        }
    }
    return names;
}

const char *trust_keys(const struct jwks *jwks, apr_pool_t *pool)
{
    const char *text = "";
    apr_array_header_t *texts = apr_array_make(pool, 8, sizeof(const char *));

    for (size_t i = 0; i < jwks->count; i++) {
        const struct jwk *key = &jwks->keys[i];

        APR_ARRAY_PUSH(texts, const char *) = apr_psprintf(
            pool, "%s for %s", key->kid != NULL ? show_quoted(key->kid, pool) : "no kid",
            trust_algorithm_names(key->algorithms, " or ", pool));
    }
    for (size_t i = 0; i < jwks->skipped_count; i++) {
        const struct jwk_skipped *key = &jwks->skipped[i];

        APR_ARRAY_PUSH(texts, const char *) = apr_psprintf(
            pool, "%s not usable: %s",
            key->kid != NULL ? show_quoted(key->kid, pool) : "no kid", key->why);
    }
    for (int i = 0; i < texts->nelts; i++) {
        text = apr_pstrcat(pool, text, i > 0 ? "; " : "",
                           APR_ARRAY_IDX(texts, i, const char *), NULL);
    }
    return texts->nelts > 0 ? text : "no key at all";
}

static apr_status_t free_jwks(void *data)
{
    jwks_destroy(data);
    return APR_SUCCESS;
}

static apr_status_t free_secret(void *data)
{
    secret_destroy(data);
    return APR_SUCCESS;
}

static enum reason load_jwks(struct trust *trust, const struct fetch_limits *limits,
                             apr_pool_t *pool)
{
    const char *text;
    size_t len;
    enum reason reason;

    trust->problem = fetch_key_document(&text, &len, trust->source, limits, NULL, pool);
    if (trust->problem != NULL) {
        return REASON_KEYS_UNAVAILABLE;
    }
    reason = jwks_parse(&trust->jwks, text, len, pool);
    apr_pool_cleanup_register(pool, trust->jwks, free_jwks, apr_pool_cleanup_null);
    if (reason != REASON_OK) {
        trust->problem = apr_psprintf(
            pool, "%s: %s: %s%s%s", show_text(trust->source, pool), reason_name(reason),
            jwks_problem(reason), trust->jwks != NULL ? ": " : "",
            trust->jwks != NULL ? trust_keys(trust->jwks, pool) : "");
    }
    return reason;
}

static enum reason load_secret(struct trust *trust, unsigned algorithms, apr_pool_t *pool)
{
    const char *bytes;
    size_t len;
    size_t least = 0;

    trust->problem = file_read_secret(&bytes, &len, trust->source, pool);
    if (trust->problem != NULL) {
        return REASON_KEYS_UNAVAILABLE;
    }
    trust->secret = secret_create((const unsigned char *)bytes, len, algorithms);
    apr_pool_cleanup_register(pool, trust->secret, free_secret, apr_pool_cleanup_null);
    if (trust->secret != NULL) {
        return REASON_OK;
    }
    for (enum jwa_alg i = 0; i < JWA_COUNT; i++) {
        if ((algorithms & JWA_BIT(i)) != 0 && jwa_get(i)->digest_size > least) {
            least = jwa_get(i)->digest_size;
        }
    }
    trust->problem =
        apr_psprintf(pool,
                     "the secret in %s has %" APR_SIZE_T_FMT " bytes; %" APR_SIZE_T_FMT
                     " to %d are needed for the allowed algorithms",
                     show_text(trust->source, pool), len, least, SECRET_MAX);
    return REASON_KEYS_UNAVAILABLE;
}

enum reason trust_load(struct trust *trust, const struct fetch_limits *limits,
                       unsigned algorithms, apr_pool_t *pool)
{
    if (!trust->loaded) {
        trust->loaded = true;
        trust->reason = trust->kind == TRUST_SECRET ? load_secret(trust, algorithms, pool)
                                                    : load_jwks(trust, limits, pool);
    }
    return trust->reason;
}
