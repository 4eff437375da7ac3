/*
 * A whole verification. The input, in parts between lines of "--":
 *
 *     how        a character each for mode, algorithm, signer, policy and time
 *     header     } JSON, or, in the mode "raw", the whole token
 *     payload    }
 *     extra      the signature's bytes, or the edits
 *     document   the key document, with placeholders (fuzz.h); empty: the usual one
 *
 * Header and payload are mutated freely and yet signed, so that what lies behind the
 * signature is reached. Nothing is accepted that the keys of the document did not
 * sign byte for byte, and the verdict on what they did sign is worked out twice; and
 * once more by claims that were packed and moved, as the token cache does it.
 */
#include <apr_strings.h>
#include <math.h>
#include <openssl/err.h>
#include <string.h>

#include "fuzz.h"
#include "token/jwk.h"
#include "token/jwt.h"
#include "token/secret.h"

#define ISSUER "https://tenant.us.auth0.com/"
#define AUDIENCE "https://api.example.com"
#define TODAY 1700000000

#define USUAL_DOCUMENT                                                                   \
    "{\"keys\":[{@rsa,\"kid\":\"rsa\"},{@p256,\"kid\":\"p256\"},"                        \
    "{@p384,\"kid\":\"p384\"},{@p521,\"kid\":\"p521\"},{@ed25519,\"kid\":\"ed25519\"}]}"

enum mode {
    SIGNED, /* header and payload, signed */
    EDITED, /* the same, then some characters of the token replaced */
    FORGED, /* header and payload, and a signature from the input */
    RAW     /* a token from the input */
};

enum part_name { HOW, HEADER, PAYLOAD, EXTRA, DOCUMENT, PARTS };

/* One input, taken apart. */
struct trial {
    enum mode mode;
    enum jwa_alg alg;
    enum whose signer;
    struct jwt_policy policy;
    apr_int64_t now;
    const char *token;
    size_t len;
    bool genuine; /* the token is exactly what the signer has signed */
};

static const char *const audiences[] = {"https://other.example.com", AUDIENCE};

static unsigned char how(const struct part *part, size_t i)
{
    return i < part[HOW].len ? (unsigned char)part[HOW].bytes[i] : 0;
}

static void read_how(struct trial *trial, const struct part *part)
{
    static const int leeways[] = {5, 0, 300, 1};
    unsigned char policy = how(part, 3);

    switch (how(part, 0)) {
    case 'e':
        trial->mode = EDITED;
        break;
    case 'f':
        trial->mode = FORGED;
        break;
    case 'r':
        trial->mode = RAW;
        break;
    default:
        trial->mode = SIGNED;
    }
    /* 'A' is RS256, and so on in the order of the table. */
    trial->alg = (enum jwa_alg)((how(part, 1) + JWA_COUNT * 5u - 'A') % JWA_COUNT);
    trial->signer = how(part, 2) == 't' ? THEIRS : OURS;
    trial->now = (TODAY + (int)how(part, 4) - '0') * (apr_int64_t)1000000 + how(part, 5);
    trial->policy = (struct jwt_policy){
        .issuer = ISSUER,
        .algorithms = (policy & 1) != 0 ? JWA_BIT(JWA_RS256) | JWA_BIT(JWA_ES256)
                                        : JWA_BIT(JWA_COUNT) - 1,
        .audiences = audiences,
        .audience_count = (policy & 2) != 0 ? 1 : COUNT(audiences),
        .leeway = leeways[(policy >> 2) & 3],
        .profile = (policy & 16) != 0 ? JWT_PROFILE_RFC9068 : JWT_PROFILE_AUTO,
        .user_claim = (policy & 32) != 0 ? "name" : "sub",
    };
}

/* Two bytes of position and one of content each; says whether anything changed. */
static bool edit(char *token, size_t len, struct part edits)
{
    char *before = fuzz_bytes(token, len);

    for (; edits.len >= 3; edits.bytes += 3, edits.len -= 3) {
        size_t at =
            (size_t)(unsigned char)edits.bytes[0] << 8 | (unsigned char)edits.bytes[1];

        token[at % len] = edits.bytes[2];
    }
    return memcmp(before, token, len) != 0;
}

static void make_token(struct trial *trial, const struct part *part, apr_pool_t *pool)
{
    unsigned char signature[1024];
    const char *input;
    char *token;
    size_t len;

    trial->genuine = false;
    if (trial->mode == RAW) {
        trial->token = fuzz_bytes(part[HEADER].bytes, part[HEADER].len);
        trial->len = part[HEADER].len;
        return;
    }
    input = apr_pstrcat(pool, fuzz_b64(part[HEADER].bytes, part[HEADER].len), ".",
                        fuzz_b64(part[PAYLOAD].bytes, part[PAYLOAD].len), NULL);
    if (trial->mode == FORGED) {
        token = apr_pstrcat(pool, input, ".",
                            fuzz_b64(part[EXTRA].bytes, part[EXTRA].len), NULL);
        len = strlen(token);
    }
    else {
        len = fuzz_sign(signature, trial->alg, trial->signer, input, strlen(input));
        token = apr_pstrcat(pool, input, ".", fuzz_b64(signature, len), NULL);
        len = strlen(token);
        trial->genuine = trial->mode == SIGNED || !edit(token, len, part[EXTRA]);
    }
    trial->token = fuzz_bytes(token, len);
    trial->len = len;
}

/* What a token is made of is what it says, character for character. */
static void check_form(const struct trial *trial, const struct jws *jws)
{
    const char *input = fuzz_string(jws->input, jws->input_len);
    const char *payload = strchr(input, '.') + 1;
    const char *signature = trial->token + jws->input_len + 1;
    size_t signature_len = trial->len - jws->input_len - 1;

    HOLDS(trial->len <= 8192 && jws->input == trial->token);
    HOLDS(strcmp(fuzz_b64(jws->payload, jws->payload_len), payload) == 0);
    HOLDS(jws->payload[jws->payload_len] == '\0');
    HOLDS(strcmp(fuzz_b64(jws->signature, jws->signature_len),
                 fuzz_string(signature, signature_len)) == 0);
    HOLDS(payload - input > 1 && (payload - input - 1) * 3 / 4 <= 2048);
    HOLDS(*payload != '\0' && jws->signature_len > 0);
    HOLDS((unsigned)jws->alg < JWA_COUNT);
    HOLDS(jws->kid == NULL || (strlen(jws->kid) >= 1 && strlen(jws->kid) <= 256 &&
                               !fuzz_has_control(jws->kid)));
}

static void check_sorted(const struct jwt_words *set)
{
    for (size_t i = 0; i < set->count; i++) {
        HOLDS(i == 0 || strcmp(set->words[i - 1], set->words[i]) <= 0);
        HOLDS(jwt_words_contain(set, set->words[i]));
    }
    HOLDS(!jwt_words_contain(set, "in no input, one hopes"));
}

/* Strings of an array, every one of them; -1 when it is anything else. */
static int count_strings(const json_value *array)
{
    int count = 0;

    if (!json_is_array(array)) {
        return -1;
    }
    for (const json_value *v = json_first(array); v != NULL; v = json_next(v)) {
        if (json_string(v) == NULL) {
            return -1;
        }
        count++;
    }
    return count;
}

static void check_permissions(const struct jwt_words *set, const json_value *member)
{
    int count = count_strings(member);

    check_sorted(set);
    HOLDS(set->count == (size_t)(count > 0 ? count : 0));
    for (const json_value *v = count > 0 ? json_first(member) : NULL; v != NULL;
         v = json_next(v)) {
        HOLDS(jwt_words_contain(set, json_string(v)));
    }
}

static void check_scope(const struct jwt_words *set, const char *scope)
{
    size_t total = 0;
    size_t expected = 0;

    check_sorted(set);
    for (const char *p = scope; p != NULL && *p != '\0'; p++) {
        expected += *p != ' ';
    }
    for (size_t i = 0; i < set->count; i++) {
        HOLDS(*set->words[i] != '\0' && strchr(set->words[i], ' ') == NULL);
        HOLDS(strstr(scope, set->words[i]) != NULL);
        total += strlen(set->words[i]);
    }
    HOLDS(total == expected);
}

static void check_time(const struct jwt_time *time, const json_value *member)
{
    double seconds;

    HOLDS((time->state == JWT_TIME_ABSENT) == (member == NULL));
    HOLDS((time->state == JWT_TIME_PRESENT) == json_time(&seconds, member));
    HOLDS(time->state != JWT_TIME_PRESENT ||
          (isfinite(time->seconds) && time->seconds >= 0 &&
           time->seconds <= 9007199254740992.0));
}

static void check_claims(const struct jwt_claims *claims)
{
    const json_value *payload = claims->payload;
    const json_value *aud = json_member(payload, "aud");

    HOLDS(json_is_object(payload));
    HOLDS(claims->issuer == json_string(json_member(payload, "iss")));
    check_permissions(&claims->permissions, json_member(payload, "permissions"));
    check_scope(&claims->scope, json_string(json_member(payload, "scope")));
    check_sorted(&claims->audience);
    HOLDS(claims->audience_valid == (json_string(aud) != NULL || count_strings(aud) > 0));
    HOLDS(!claims->audience_valid || claims->audience.count > 0);
    HOLDS(claims->bound == (json_member(payload, "cnf") != NULL));
    check_time(&claims->exp, json_member(payload, "exp"));
    check_time(&claims->nbf, json_member(payload, "nbf"));
    check_time(&claims->iat, json_member(payload, "iat"));
}

static bool names_audience(const json_value *aud, const struct jwt_policy *policy)
{
    for (size_t i = 0; i < policy->audience_count; i++) {
        const char *wanted = policy->audiences[i];

        if (json_string(aud) != NULL && strcmp(json_string(aud), wanted) == 0) {
            return true;
        }
        for (const json_value *v = json_is_array(aud) ? json_first(aud) : NULL; v != NULL;
             v = json_next(v)) {
            if (strcmp(json_string(v), wanted) == 0) {
                return true;
            }
        }
    }
    return false;
}

/* Malformed, or later than now; absent is fine. */
static bool is_wrong(const json_value *member, double latest, bool *malformed)
{
    double seconds;

    *malformed = member != NULL && !json_time(&seconds, member);
    return *malformed || (member != NULL && seconds > latest);
}

/* The verdict of DESIGN.md section 4, from the payload rather than from the claims. */
static enum reason expected_verdict(const struct trial *trial, const struct jws *jws,
                                    const json_value *payload)
{
    const struct jwt_policy *policy = &trial->policy;
    const json_value *aud = json_member(payload, "aud");
    const char *issuer = json_string(json_member(payload, "iss"));
    const char *user = json_string(json_member(payload, policy->user_claim));
    double now = (double)trial->now / 1e6;
    double exp;
    bool malformed;

    if ((policy->algorithms & JWA_BIT(jws->alg)) == 0) {
        return REASON_ALGORITHM_NOT_ALLOWED;
    }
    if (issuer == NULL || strcmp(issuer, ISSUER) != 0) {
        return REASON_ISSUER_MISMATCH;
    }
    if (json_string(aud) == NULL && count_strings(aud) <= 0) {
        return REASON_AUDIENCE_MALFORMED;
    }
    if (!names_audience(aud, policy)) {
        return REASON_AUDIENCE_MISMATCH;
    }
    if (!json_time(&exp, json_member(payload, "exp"))) {
        return REASON_EXP_MALFORMED;
    }
    if (exp + policy->leeway <= now) {
        return REASON_EXPIRED;
    }
    if (is_wrong(json_member(payload, "nbf"), now + policy->leeway, &malformed)) {
        return malformed ? REASON_NBF_MALFORMED : REASON_NOT_YET_VALID;
    }
    if (is_wrong(json_member(payload, "iat"), now + policy->leeway, &malformed)) {
        return malformed ? REASON_IAT_MALFORMED : REASON_ISSUED_IN_FUTURE;
    }
    if (jws->typ == JWS_TYP_OTHER ||
        (policy->profile == JWT_PROFILE_RFC9068 && jws->typ != JWS_TYP_AT_JWT)) {
        return REASON_TYPE_MISMATCH;
    }
    if (json_member(payload, "cnf") != NULL) {
        return REASON_TOKEN_BOUND;
    }
    if (user == NULL || *user == '\0' || strlen(user) > 255 || fuzz_has_control(user)) {
        return REASON_USER_CLAIM_INVALID;
    }
    return REASON_OK;
}

static void check_same_words(const struct jwt_words *a, const struct jwt_words *b)
{
    HOLDS(a->count == b->count);
    for (size_t i = 0; i < a->count; i++) {
        HOLDS(a->words[i] != b->words[i] && strcmp(a->words[i], b->words[i]) == 0);
    }
}

static void check_same_time(const struct jwt_time *a, const struct jwt_time *b)
{
    HOLDS(a->state == b->state);
    HOLDS(a->state != JWT_TIME_PRESENT || a->seconds == b->seconds);
}

static bool is_inside(const void *pointer, const void *memory, size_t size)
{
    return pointer == NULL || ((uintptr_t)pointer >= (uintptr_t)memory &&
                               (uintptr_t)pointer < (uintptr_t)memory + size);
}

/* The same claims in memory of just their size; where they were before is no more. */
static const struct jwt_claims *moved_claims(const struct jwt_claims *claims)
{
    size_t size = jwt_claims_size(claims);
    void *first = fuzz_room(size);
    void *second = fuzz_room(size);
    const struct jwt_claims *copy = jwt_claims_pack(first, claims);

    HOLDS(copy == first && jwt_claims_size(copy) == size);
    memcpy(second, first, size);
    memset(first, 0xa5, size);
    copy = jwt_claims_unpack(second, first);
    HOLDS(copy == second && jwt_claims_size(copy) == size);
    HOLDS(is_inside(copy->payload, second, size) &&
          is_inside(copy->issuer, second, size));
    HOLDS(is_inside(copy->audience.words, second, size) &&
          is_inside(copy->permissions.words, second, size) &&
          is_inside(copy->scope.words, second, size));
    return copy;
}

static void check_move(const struct trial *trial, const struct jwt_claims *claims)
{
    const struct jwt_claims *copy = moved_claims(claims);
    const char *user = "";
    const char *other = "";
    enum reason reason = jwt_check(&user, claims, &trial->policy, trial->now);

    check_claims(copy);
    HOLDS(fuzz_json_equal(claims->payload, copy->payload));
    HOLDS(claims->alg == copy->alg && claims->typ == copy->typ);
    HOLDS(claims->bound == copy->bound && claims->audience_valid == copy->audience_valid);
    HOLDS((claims->issuer == NULL) == (copy->issuer == NULL));
    HOLDS(copy->issuer == NULL || strcmp(copy->issuer, claims->issuer) == 0);
    check_same_words(&claims->audience, &copy->audience);
    check_same_words(&claims->permissions, &copy->permissions);
    check_same_words(&claims->scope, &copy->scope);
    check_same_time(&claims->exp, &copy->exp);
    check_same_time(&claims->nbf, &copy->nbf);
    check_same_time(&claims->iat, &copy->iat);
    HOLDS(jwt_check(&other, copy, &trial->policy, trial->now) == reason);
    HOLDS(reason != REASON_OK || strcmp(user, other) == 0);
}

static void check_verdict(const struct trial *trial, const struct jws *jws,
                          const struct jwt_claims *claims)
{
    const char *user = "";
    enum reason reason;

    HOLDS(claims->alg == jws->alg && claims->typ == jws->typ);
    check_claims(claims);
    reason = jwt_check(&user, claims, &trial->policy, trial->now);
    HOLDS(reason == expected_verdict(trial, jws, claims->payload));
    HOLDS((user != NULL) == (reason == REASON_OK));
    check_move(trial, claims);
}

static bool is_ours(const struct jwk *key, enum jwa_alg alg, enum whose whose)
{
    return jwa_get(alg)->type != JWA_KTY_OCT &&
           EVP_PKEY_eq(key->pkey, fuzz_key(alg, whose)) == 1;
}

static void try_keys(const struct trial *trial, struct jwt *jwt, const struct jwks *jwks)
{
    const struct jws *jws = jwt_jws(jwt);
    const struct jwt_claims *claims;
    const struct jwk *key;
    enum reason reason = jwks_find(&key, jwks, jws->kid, jws->alg);

    HOLDS((key != NULL) == (reason == REASON_OK));
    if (key == NULL) {
        return;
    }
    ERR_clear_error();
    reason = jwt_verify(&claims, jwt, key);
    HOLDS(ERR_peek_error() == 0);
    HOLDS((claims != NULL) == (reason == REASON_OK));
    if (reason != REASON_OK) {
        HOLDS(reason == REASON_SIGNATURE_INVALID);
        /* A genuine token is not refused. */
        HOLDS(!trial->genuine || jws->alg != trial->alg ||
              !is_ours(key, trial->alg, trial->signer));
        return;
    }
    /* A document may bring a key that others have signed with; ours are ours. */
    if (trial->genuine && is_ours(key, trial->alg, trial->signer)) {
        HOLDS(jws->alg == trial->alg);
    }
    else {
        HOLDS(!is_ours(key, jws->alg, OURS) && !is_ours(key, jws->alg, THEIRS));
    }
    check_verdict(trial, jws, claims);
}

static void try_secret(const struct trial *trial, struct jwt *jwt)
{
    const unsigned all = JWA_BIT(JWA_HS256) | JWA_BIT(JWA_HS384) | JWA_BIT(JWA_HS512);
    struct secret *secret = secret_create(fuzz_secret(OURS), FUZZ_SECRET_LENGTH, all);
    const struct jwt_claims *claims;
    enum reason reason;

    HOLDS(secret != NULL);
    reason = jwt_verify_secret(&claims, jwt, secret);
    HOLDS((claims != NULL) == (reason == REASON_OK));
    HOLDS((reason == REASON_OK) ==
          (trial->genuine && trial->signer == OURS && trial->alg == jwt_jws(jwt)->alg &&
           jwa_get(trial->alg)->type == JWA_KTY_OCT));
    if (claims != NULL) {
        check_verdict(trial, jwt_jws(jwt), claims);
    }
    secret_destroy(secret);
}

/* The usual document is read once: making its keys takes longer than all the rest. */
static const struct jwks *usual_keys(apr_pool_t *pool)
{
    static struct jwks *jwks;

    if (jwks == NULL) {
        struct part text =
            fuzz_document((struct part){USUAL_DOCUMENT, strlen(USUAL_DOCUMENT)});

        HOLDS(jwks_parse(&jwks, text.bytes, text.len, pool) == REASON_OK);
        HOLDS(jwks->count == 5);
    }
    return jwks;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool = fuzz_begin();
    struct part part[PARTS];
    struct jwks *brought = NULL;
    struct trial trial;
    struct jwt *jwt;
    enum reason reason;

    fuzz_split(part, PARTS, data, size);
    read_how(&trial, part);
    make_token(&trial, part, pool);

    reason = jwt_parse(&jwt, trial.token, trial.len, pool);
    HOLDS((jwt != NULL) == (reason == REASON_OK));
    if (jwt != NULL) {
        check_form(&trial, jwt_jws(jwt));
        try_keys(&trial, jwt, usual_keys(pool));
        try_secret(&trial, jwt);
        if (part[DOCUMENT].len > 0) {
            struct part text = fuzz_document(part[DOCUMENT]);

            jwks_parse(&brought, text.bytes, text.len, pool);
        }
        if (brought != NULL) {
            try_keys(&trial, jwt, brought);
        }
        jwks_destroy(brought);
    }
    fuzz_end();
    return 0;
}
