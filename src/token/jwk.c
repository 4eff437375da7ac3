#include "token/jwk.h"

#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "token/crypto_error.h"
#include "token/json.h"
#include "token/jwk_key.h"

bool jwk_kid_is_valid(const char *kid)
{
    return *kid != '\0' && strlen(kid) <= JWK_KID_MAX && !json_has_control(kid);
}

static int compare_kid(const char *a, const char *b)
{
    if (a == NULL || b == NULL) {
        return (a != NULL) - (b != NULL);
    }
    return strcmp(a, b);
}

static int compare_keys(const void *a, const void *b)
{
    return compare_kid(((const struct jwk *)a)->kid, ((const struct jwk *)b)->kid);
}

static void note_skipped(struct jwks *jwks, unsigned position, const json_value *json,
                         const char *why)
{
    struct jwk_skipped *skipped = &jwks->skipped[jwks->skipped_count++];
    const char *kid = json_string(json_member(json, "kid"));

    skipped->position = position;
    skipped->why = why;
    /* A list for people: without memory the entry merely lacks its name. */
    skipped->kid = kid != NULL ? strdup(kid) : NULL;
}

/* Every element is looked at for its form before any key is made. */
static enum reason check_document(const json_value *document)
{
    const json_value *keys = json_member(document, "keys");

    if (!json_is_array(keys)) {
        return REASON_JWKS_MALFORMED;
    }
    if (json_size(keys) > JWKS_KEYS_MAX) {
        return REASON_JWKS_TOO_LARGE;
    }
    for (const json_value *key = json_first(keys); key != NULL; key = json_next(key)) {
        if (!json_is_object(key)) {
            return REASON_JWKS_MALFORMED;
        }
        if (jwk_is_private(key)) {
            return REASON_JWKS_PRIVATE_KEY;
        }
    }
    return REASON_OK;
}

enum reason jwks_parse(struct jwks **jwks, const char *text, size_t len,
                       apr_pool_t *scratch)
{
    static const struct json_limits limits = JSON_LIMITS_DEFAULT;
    const json_value *document;
    struct jwks *set;
    enum reason reason;
    unsigned position = 0;

    *jwks = NULL;
    if (len > JWKS_DOCUMENT_MAX) {
        return REASON_JWKS_TOO_LARGE;
    }
    reason = json_parse(&document, text, len, &limits, scratch);
    if (reason != REASON_OK) {
        return reason;
    }
    reason = check_document(document);
    if (reason != REASON_OK) {
        return reason;
    }
    set = calloc(1, sizeof(*set));
    if (set == NULL) {
        return REASON_INTERNAL_ERROR;
    }

    for (const json_value *json = json_first(json_member(document, "keys")); json != NULL;
         json = json_next(json), position++) {
        const char *why = jwk_read(&set->keys[set->count], json, scratch);

        if (why == jwk_no_memory) {
            jwks_destroy(set);
            return REASON_INTERNAL_ERROR;
        }
        if (why == NULL) {
            set->count++;
        }
        else {
            note_skipped(set, position, json, why);
        }
    }
    qsort(set->keys, set->count, sizeof(set->keys[0]), compare_keys);
    *jwks = set;
    return set->count > 0 ? REASON_OK : REASON_JWKS_NO_USABLE_KEY;
}

const char *jwks_problem(enum reason reason)
{
    switch (reason) {
    case REASON_JWKS_NO_USABLE_KEY:
        return "the key document holds no usable key";
    case REASON_JWKS_PRIVATE_KEY:
        return "the key document holds a private key: it must be replaced at once";
    case REASON_JWKS_TOO_LARGE:
        return "the key document is over the limits (64 keys, 128 KiB)";
    case REASON_JWKS_MALFORMED:
        return "this is no JWK Set (an object with an array \"keys\" of objects)";
    case REASON_JSON_DUPLICATE_NAME:
        return "the key document has an object with a duplicate name";
    case REASON_JSON_TOO_LARGE:
        return "the key document is nested too deeply or has too many values";
    case REASON_JSON_SYNTAX:
    case REASON_JSON_ENCODING:
        return "this is not JSON";
    default:
        return "out of memory";
    }
}

void jwks_destroy(struct jwks *jwks)
{
    if (jwks == NULL) {
        return;
    }
    for (size_t i = 0; i < jwks->count; i++) {
        jwk_clear(&jwks->keys[i]);
    }
    for (size_t i = 0; i < jwks->skipped_count; i++) {
        free(jwks->skipped[i].kid);
    }
    free(jwks);
}

/* Index of the first key whose kid is not below @a kid. */
static size_t lower_bound(const struct jwks *jwks, const char *kid)
{
    size_t low = 0;
    size_t high = jwks->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (compare_kid(jwks->keys[middle].kid, kid) < 0) {
            low = middle + 1;
        }
        else {
            high = middle;
        }
    }
    return low;
}

static bool same_material(enum reason *reason, const struct jwk *a, const struct jwk *b)
{
    bool same;

    ERR_clear_error();
    same = EVP_PKEY_eq(a->pkey, b->pkey) == 1;
    *reason = crypto_ran_out_of_memory() ? REASON_INTERNAL_ERROR : REASON_KEY_AMBIGUOUS;
    return same;
}

enum reason jwks_find(const struct jwk **key, const struct jwks *jwks, const char *kid,
                      enum jwa_alg alg)
{
    size_t i = kid != NULL ? lower_bound(jwks, kid) : 0;
    enum reason reason = kid != NULL ? REASON_KEY_UNKNOWN : REASON_KEY_NOT_ELIGIBLE;

    *key = NULL;
    for (; i < jwks->count; i++) {
        const struct jwk *candidate = &jwks->keys[i];

        /* RFC 7515 4.1.4: a kid names keys with that kid, never one without. */
        if (kid != NULL && compare_kid(candidate->kid, kid) != 0) {
            break;
        }
        if ((candidate->algorithms & JWA_BIT(alg)) == 0) {
            reason = *key != NULL ? REASON_OK : REASON_KEY_NOT_ELIGIBLE;
            continue;
        }
        /* The same key published twice is no doubt about which one is meant. */
        if (*key != NULL && !same_material(&reason, *key, candidate)) {
            *key = NULL;
            return reason;
        }
        *key = candidate;
        reason = REASON_OK;
    }
    return reason;
}
