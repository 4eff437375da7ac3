#include "kind.h"

#include <apr_strings.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "hint.h"
#include "show.h"

#define ASK_FOR_AUDIENCE                                                                   \
    "No audience was requested: let the application request the Identifier of your API "   \
    "as its audience (the parameter audience of /authorize or /oauth/token), and it gets " \
    "a signed access token for that API."

static const struct {
    const char *name;
    const char *words;
    const char *advice;
} kinds[KIND_COUNT] = {
    [KIND_ACCESS] = {"access_token", "an access token (JWT)", NULL},
    [KIND_ID] = {"id_token", "an ID token",
                 "This is an ID token: it tells an application who logged in, and is for "
                 "no API. Let the application send the access_token of the same answer, "
                 "and request the Identifier of your API as its audience."},
    [KIND_LOGOUT] = {"logout_token", "a logout token",
                     "This is a logout token, which tells an application that a session "
                     "has ended; send an access token."},
    [KIND_PROOF] = {"dpop_proof", "a DPoP proof",
                    "This is the value of the header field DPoP, not the token; and the "
                    "module accepts bearer tokens only: switch sender constraining off "
                    "for the API."},
    [KIND_OPAQUE] = {"opaque", "an opaque token (no JWT)", ASK_FOR_AUDIENCE},
    [KIND_REFRESH] = {"refresh_token", "a refresh token (opaque)",
                      "This looks like a refresh token, which is for /oauth/token alone: "
                      "exchange it there, and send the access_token of the answer."},
    [KIND_ENCRYPTED] = {"encrypted", "an encrypted token (JWE)",
                        ASK_FOR_AUDIENCE " If one was requested, the API has token "
                                         "encryption on: switch it off."},
};

static bool has(const json_value *claims, const char *name)
{
    return json_member(claims, name) != NULL;
}

static bool has_type(const struct token_parts *parts, const char *type)
{
    const char *typ = json_string(json_member(parts->header, "typ"));

    if (typ != NULL && strncasecmp(typ, "application/", 12) == 0) {
        typ += 12;
    }
    return typ != NULL && strcasecmp(typ, type) == 0;
}

/* The first of these claims that is there. */
static const char *find_claim(const json_value *claims, const char *const *names)
{
    for (; *names != NULL; names++) {
        if (has(claims, *names)) {
            return *names;
        }
    }
    return NULL;
}

/* Why it should be an ID token (OpenID Connect Core 2); NULL if nothing says so. */
static const char *id_token_sign(const struct token_parts *parts, apr_pool_t *pool)
{
    static const char *const of_id[] = {"nonce", "at_hash", "c_hash", "s_hash", NULL};
    static const char *const of_access[] = {"scope", "permissions", "gty", "client_id",
                                            NULL};
    const json_value *claims = parts->claims;
    const char *aud = json_string(json_member(claims, "aud"));
    const char *claim = find_claim(claims, of_id);

    if (has_type(parts, "at+jwt") || find_claim(claims, of_access) != NULL) {
        return NULL;
    }
    if (claim != NULL) {
        return apr_psprintf(pool, "it has %s, and neither scope nor permissions", claim);
    }
    if (aud != NULL && hint_is_client_id(aud)) {
        return apr_psprintf(pool,
                            "its aud, %s, looks like the Client ID of an application",
                            show_quoted(aud, pool));
    }
    return NULL;
}

static enum kind kind_of(const char **because, const struct token_parts *parts,
                         apr_pool_t *pool)
{
    *because = NULL;
    if (parts->count == TOKEN_PARTS_MAX) {
        return KIND_ENCRYPTED;
    }
    if (parts->count != 3) {
        return parts->count == 2 && parts->parts[0].len == 2 &&
                       strncmp(parts->parts[0].text, "v1", 2) == 0
                   ? KIND_REFRESH
                   : KIND_OPAQUE;
    }
    if (has_type(parts, "dpop+jwt")) {
        *because = "its typ is dpop+jwt";
        return KIND_PROOF;
    }
    if (has_type(parts, "logout+jwt") || has(parts->claims, "events")) {
        *because =
            has(parts->claims, "events") ? "it has events" : "its typ is logout+jwt";
        return KIND_LOGOUT;
    }
    *because = id_token_sign(parts, pool);
    return *because != NULL ? KIND_ID : KIND_ACCESS;
}

void kind_find(struct kind_found *found, const struct token_parts *parts,
               apr_pool_t *pool)
{
    found->kind = kind_of(&found->because, parts, pool);
    found->name = kinds[found->kind].name;
    found->words = kinds[found->kind].words;
    found->advice = kinds[found->kind].advice;
}
