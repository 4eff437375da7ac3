#include "hint.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "show.h"

/* Auth0's client ids: so many letters and digits. */
#define CLIENT_ID_LENGTH 32

const char *hint_algorithm(const char *name)
{
    if (name == NULL) {
        return "the header has no alg";
    }
    if (strncmp(name, "HS", 2) == 0) {
        return "the token is signed with a secret that the API shares with Auth0, where "
               "public keys are expected";
    }
    return NULL;
}

/* Equal but for one slash at the end. */
static bool differ_in_slash(const char *a, const char *b)
{
    size_t len_a = strlen(a);
    size_t len_b = strlen(b);
    size_t len = len_a < len_b ? len_a : len_b;

    return (len_a > len_b ? len_a - len_b : len_b - len_a) == 1 &&
           strncmp(a, b, len) == 0 && (len_a > len_b ? a : b)[len] == '/';
}

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text);

    return len >= strlen(end) && strcmp(text + len - strlen(end), end) == 0;
}

static bool is_of_auth0(const char *issuer)
{
    return ends_with(issuer, ".auth0.com/") || ends_with(issuer, ".auth0.com");
}

static const char *compare_issuers(const char *issuer, const char *expected)
{
    if (differ_in_slash(issuer, expected)) {
        return "they differ in the slash at the end, and Auth0's issuers end in one";
    }
    if (strcasecmp(issuer, expected) == 0) {
        return "they differ in upper and lower case";
    }
    if (strncmp(issuer, "https://", 8) != 0) {
        return "the token's iss is no https URL, as Auth0's are";
    }
    if (is_of_auth0(issuer) && !is_of_auth0(expected)) {
        return "the token names the tenant's own domain, and another one is expected: a "
               "custom domain? The application has to ask at the custom domain for tokens "
               "that name it";
    }
    if (!is_of_auth0(issuer) && is_of_auth0(expected)) {
        return "the token does not name an auth0.com domain, and one is expected: was it "
               "asked for at the tenant's custom domain?";
    }
    if (is_of_auth0(issuer)) {
        return "the token is from another tenant";
    }
    return NULL;
}

const char *hint_issuer(const char *issuer, const char *const *expected, size_t count)
{
    const char *best = NULL;

    if (issuer == NULL) {
        return "the token names no issuer";
    }
    for (size_t i = 0; i < count; i++) {
        const char *hint = compare_issuers(issuer, expected[i]);

        if (differ_in_slash(issuer, expected[i])) {
            return hint;
        }
        best = best != NULL ? best : hint;
    }
    return best;
}

const char *hint_key(const struct jwks *jwks, const char *kid)
{
    for (size_t i = 0; kid != NULL && i < jwks->skipped_count; i++) {
        if (jwks->skipped[i].kid != NULL && strcmp(jwks->skipped[i].kid, kid) == 0) {
            return "the issuer publishes this key, but it cannot be used";
        }
    }
    return kid == NULL ? "the token's header names no key" : NULL;
}

bool hint_is_client_id(const char *text)
{
    size_t len = 0;

    while (apr_isalnum(text[len])) {
        len++;
    }
    return text[len] == '\0' && len == CLIENT_ID_LENGTH;
}

const char *hint_audience_form(const char *audience)
{
    if (hint_is_client_id(audience)) {
        return "this looks like the Client ID of an application, which is the audience of "
               "ID tokens; an API has an Identifier of its own";
    }
    if (ends_with(audience, "/userinfo")) {
        return "this is the userinfo endpoint, which is no API of yours";
    }
    if (strstr(audience, ".auth0.com/api/v2") != NULL) {
        return "this is Auth0's Management API, whose tokens are for Auth0 alone";
    }
    if (strpbrk(audience, " \t") != NULL) {
        return "there is white space in it";
    }
    return NULL;
}

const char *hint_audience(const struct jwt_words *audience, const char *const *expected,
                          size_t count)
{
    const char *hint = NULL;

    for (size_t i = 0; i < audience->count; i++) {
        const char *one = audience->words[i];

        for (size_t n = 0; n < count; n++) {
            if (differ_in_slash(one, expected[n])) {
                return "they differ in the slash at the end";
            }
            if (strcasecmp(one, expected[n]) == 0) {
                return "they differ in upper and lower case";
            }
        }
        if (hint_is_client_id(one)) {
            return "this is an ID token: its audience is an application's Client ID";
        }
        hint = hint != NULL ? hint : hint_audience_form(one);
    }
    return hint;
}

const char *hint_expired(const struct jwt_time *iat, const struct jwt_time *exp,
                         apr_pool_t *pool)
{
    if (iat->state != JWT_TIME_PRESENT || exp->seconds <= iat->seconds) {
        return NULL;
    }
    return apr_psprintf(pool, "it was valid for %s from when it was issued",
                        show_duration(exp->seconds - iat->seconds, pool));
}
