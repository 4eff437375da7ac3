#include "advice.h"

#include <stddef.h>
#include <string.h>

static const struct advice advices[REASON_COUNT] = {
    [REASON_NO_CREDENTIALS] =
        {"The request has no Authorization header of the scheme Bearer.",
         "Let the application send the access_token that it got from /oauth/token.",
         "If the client does send one, see what stands between: proxies and rewrites drop the header. Auth0TokenSource says where tokens are read."},
    [REASON_AUTHORIZATION_MALFORMED] =
        {"The header is not Bearer, a space and a token, or it came twice.", NULL,
         "Let the client send one header, Authorization: Bearer and the token, without quotes, commas or line ends."},
    [REASON_TOKEN_REPEATED] =
        {"The request has tokens in two of the places that Auth0TokenSource lists.", NULL,
         "Let the client send the token in one place, or list fewer places in Auth0TokenSource."},
    [REASON_TOKEN_TOO_LONG] =
        {"A token may have 8192 characters at most.",
         "Put less into the token: fewer permissions (APIs > your API > Permissions, User Management > Roles) or fewer custom claims (Actions > Library).",
         NULL},
    [REASON_TOKEN_OPAQUE] =
        {"Not three parts with dots between them: an opaque token, no JWT.",
         "No audience was requested. Let the application request the Identifier of the API (Applications > APIs > your API > Settings) as its audience; Settings > General > API Authorization Settings > Default Audience sets one for all.",
         NULL},
    [REASON_TOKEN_ENCRYPTED] =
        {"Five parts: an encrypted token (JWE), which only its issuer can read.",
         "No audience was requested: let the application request the Identifier of the API (Applications > APIs > your API > Settings). If one was, switch token encryption off there.",
         NULL},
    [REASON_TOKEN_PART_EMPTY] =
        {"Header, payload or signature is empty.", NULL,
         "Let the client send the access token as it got it; an unsigned token is never accepted."},
    [REASON_BASE64URL_INVALID] =
        {"A part is not base64url: the token was cut off or changed on its way.", NULL,
         "See what stands between the client and httpd, and whether the client sends the token whole, without quotes or line ends."},
    [REASON_JSON_SYNTAX] =
        {"Header or claims are not JSON (RFC 8259).", NULL,
         "Auth0 issues no such tokens: see where the client got it from."},
    [REASON_JSON_ENCODING] =
        {"Header or claims are not UTF-8, or hold a control character.",
         "See what Actions > Library puts into custom claims.",
         "Otherwise see where the client got the token from."},
    [REASON_JSON_DUPLICATE_NAME] =
        {"An object has the same name twice, so nobody can say which one counts.", NULL,
         "Auth0 issues no such tokens: see where the client got it from."},
    [REASON_JSON_TOO_LARGE] =
        {"The token's JSON is nested too deeply, or has too many members or too long a number.",
         "Put less into custom claims (Actions > Library).", NULL},
    [REASON_HEADER_TOO_LONG] =
        {"The token's header is over 2048 bytes.", NULL,
         "Auth0 issues no such tokens: see where the client got it from."},
    [REASON_HEADER_MALFORMED] =
        {"The token's header is not a JSON object.", NULL,
         "Auth0 issues no such tokens: see where the client got it from."},
    [REASON_HEADER_UNSUPPORTED] =
        {"The header has crit, b64, zip or a nested token, none of which is supported.",
         NULL,
         "Let the issuer sign plain JWTs; there is no directive that switches these on."},
    [REASON_KID_MALFORMED] =
        {"The key id is empty, over 256 bytes, not a string, or has control characters.",
         NULL, "Auth0 issues no such tokens: see where the client got it from."},
    [REASON_ALGORITHM_UNKNOWN] =
        {"The header's alg is missing, or no algorithm of the module; none is not one.",
         "Set the API's Signing Algorithm to RS256 (Applications > APIs > your API > Settings > Token Settings).",
         NULL},
    [REASON_ALGORITHM_NOT_ALLOWED] =
        {"The token's algorithm is known, but not accepted here.",
         "Set the API's Signing Algorithm to RS256 (Applications > APIs > your API > Settings > Token Settings).",
         "Or accept it: Auth0Algorithms, or algorithms= of Auth0Issuer (a secret needs secret=file:)."},
    [REASON_ISSUER_UNKNOWN] =
        {"iss is none of the issuers that are trusted for this place.",
         "See which tenant and which domain (Applications > your application > Settings > Domain, or Branding > Custom Domains) the application asks for tokens.",
         "Auth0Domain has to name that very domain; Auth0Issuer the iss itself, byte for byte, with the slash at its end."},
    [REASON_KEY_UNKNOWN] =
        {"The issuer publishes no key with the token's key id.",
         "The token is of another tenant, or signed with a key that was revoked (Settings > Signing Keys): get a new one.",
         "Just after a rotation, see the cooldown of Auth0JWKSRefresh; with jwks=file:, publish the new key in that file and restart gracefully."},
    [REASON_KEY_AMBIGUOUS] =
        {"The issuer has published two different keys that would both do.", NULL,
         "Give each key of the document a key id of its own (jwks= of Auth0Issuer)."},
    [REASON_KEY_NOT_ELIGIBLE] =
        {"The key is there, but not for this algorithm; or the token names no key and none fits.",
         "Set the API's Signing Algorithm to RS256 (Applications > APIs > your API > Settings > Token Settings).",
         "See which keys are usable for what: auth0-jwt jwks."},
    [REASON_SIGNATURE_INVALID] =
        {"The token was changed after it was signed, or signed with another key of the same id.",
         "Get a new token from this tenant.",
         "With secret=file:, see whether it is the very secret that signs; with jwks=file:, whether the file is current."},
    [REASON_PAYLOAD_MALFORMED] =
        {"The claims are not a JSON object.", NULL,
         "Auth0 issues no such tokens: see where the client got it from."},
    [REASON_ISSUER_MISMATCH] =
        {"iss is not the issuer whose key verified the token.",
         "See which tenant and which domain the application asks for tokens.",
         "Auth0Domain or Auth0Issuer has to name the token's iss, byte for byte."},
    [REASON_AUDIENCE_MALFORMED] =
        {"aud is missing, or neither a string nor an array of strings.",
         "Let the application request the Identifier of the API as its audience (Applications > APIs > your API > Settings).",
         NULL},
    [REASON_AUDIENCE_MISMATCH] =
        {"The token is for another API.",
         "Let the application request this API's Identifier (Applications > APIs > your API > Settings) as its audience.",
         "Or let Auth0Audience name what the token has, byte for byte; look for a slash at the end."},
    [REASON_EXP_MALFORMED] =
        {"exp is missing or not a time.",
         "See whether an Action changes it (Actions > Library); Auth0's tokens always have one.",
         NULL},
    [REASON_EXPIRED] =
        {"The token's time is over.",
         "Let the application get a new token. How long they live: Applications > APIs > your API > Settings > Token Settings > Maximum Access Token Lifetime.",
         "If new tokens expire at once, set this server's clock; Auth0Leeway forgives seconds."},
    [REASON_NBF_MALFORMED] = {"nbf is not a time.",
                              "See what writes that claim (Actions > Library).", NULL},
    [REASON_NOT_YET_VALID] =
        {"nbf is in the future.", NULL,
         "Set this server's clock (auth0-jwt doctor compares it); Auth0Leeway forgives seconds."},
    [REASON_IAT_MALFORMED] = {"iat is not a time.",
                              "See what writes that claim (Actions > Library).", NULL},
    [REASON_ISSUED_IN_FUTURE] =
        {"iat is in the future: the clocks differ.", NULL,
         "Set this server's clock (auth0-jwt doctor compares it); Auth0Leeway forgives seconds."},
    [REASON_TYPE_MISMATCH] =
        {"The header's typ is not that of an access token.",
         "Let the application send the access_token of the answer, not another token. For at+jwt: Applications > APIs > your API > Settings > Token Settings > JSON Web Token Profile: RFC 9068.",
         "Auth0TokenProfile rfc9068 accepts at+jwt alone, auto also JWT."},
    [REASON_TOKEN_BOUND] =
        {"The token is bound to a key (cnf), so it must not be used as a bearer token.",
         "Switch sender constraining (DPoP, mTLS) off for the API (Applications > APIs > your API > Settings).",
         NULL},
    [REASON_USER_CLAIM_INVALID] =
        {"The claim that names the user is missing, empty, too long, not a string, or has control characters.",
         "Every token of Auth0 has sub; another claim comes from an Action (Actions > Library).",
         "Auth0UserClaim names the claim; without it, it is sub."},
    [REASON_PERMISSION_MISSING] =
        {"The token is valid, but lacks a permission or a scope.",
         "Switch on Enable RBAC and Add Permissions in the Access Token (Applications > APIs > your API > Settings > RBAC Settings), and give the user a role with the permission (User Management > Roles), or the application (Applications > APIs > your API > Machine to Machine Applications). Then get a new token.",
         "Require auth0-permission compares permissions, Require auth0-scope the words of scope: is it the right one?"},
    [REASON_REQUIREMENT_NOT_MET] =
        {"The token is valid, but another requirement is not met.",
         "If a claim lacks, see what writes it (Actions > Library).",
         "See the Require lines of the place: httpd -t -D DUMP_AUTH0 shows them."},
    [REASON_KEYS_UNAVAILABLE] =
        {"There are no keys to verify with.", NULL,
         "auth0-jwt doctor tells why they cannot be had: name resolution, a firewall (Auth0HTTPProxy), certificates (Auth0CAFile), slow answers (Auth0HTTPTimeout)."},
    [REASON_JWKS_MALFORMED] =
        {"The key document is no JWK Set.", NULL,
         "jwks= of Auth0Issuer has to name a document {\"keys\": [...]}: auth0-jwt jwks reads it as the module does."},
    [REASON_JWKS_TOO_LARGE] =
        {"The key document has over 64 keys or 128 KiB.", NULL,
         "Let the issuer publish fewer keys, or name another document with jwks= of Auth0Issuer."},
    [REASON_JWKS_PRIVATE_KEY] =
        {"The key document holds a private key, which is now known to others.",
         "Revoke that key (Settings > Signing Keys).",
         "Make new keys, and publish their public halves alone."},
    [REASON_JWKS_NO_USABLE_KEY] = {"None of the keys can be used.", NULL,
                                   "auth0-jwt jwks says why, key by key."},
    [REASON_CONFIGURATION] =
        {"AuthType Auth0 applies, but no issuer or no audience does.", NULL,
         "Add Auth0Domain and Auth0Audience to the section, the .htaccess file or an outer one."},
    [REASON_INTERNAL_ERROR] = {"Out of memory, or OpenSSL failed.", NULL,
                               "See httpd's error log and the machine's memory."},
};

static const struct {
    const char *name;
    struct advice advice;
} requirements[] = {
    {"auth0-org",
     {"The token is of another organization, or of none.",
      "Let the application name the organization when it asks for a token (the parameter "
      "organization), and see that the user is a member (Organizations > Members).",
      "Require auth0-org compares org_id with a word that begins with org_, and org_name "
      "with others."}},
    {"auth0-client",
     {"The token was issued to another application.",
      "See the Client ID of the application (Applications > your application > Settings).",
      "Require auth0-client compares client_id, and azp where there is none."}},
    {"auth0-claim",
     {"A claim of the token is not what is required.",
      "An Action adds claims to access tokens (Actions > Library, api.accessToken."
      "setCustomClaim); names of your own begin with a URL.",
      "Require auth0-claim compares whole values; /a/b is a claim inside of another."}},
    {"user",
     {"The user is none of those that Require user names.", NULL,
      "Require user compares what Auth0UserClaim names, by default sub."}},
    {"all", {"Nobody is let in here.", NULL, "Require all denied refuses everybody."}},
};

const struct advice *advice_for(enum reason reason)
{
    return &advices[reason];
}

const struct advice *advice_for_requirement(const char *name)
{
    for (size_t i = 0; i < sizeof(requirements) / sizeof(requirements[0]); i++) {
        if (strcmp(requirements[i].name, name) == 0) {
            return &requirements[i].advice;
        }
    }
    return advice_for(strcmp(name, "auth0-permission") == 0 ||
                              strcmp(name, "auth0-scope") == 0
                          ? REASON_PERMISSION_MISSING
                          : REASON_REQUIREMENT_NOT_MET);
}

bool advice_find_reason(enum reason *reason, const char *name)
{
    for (enum reason i = REASON_OK + 1; i < REASON_COUNT; i++) {
        if (strcmp(reason_name(i), name) == 0) {
            *reason = i;
            return true;
        }
    }
    return false;
}
