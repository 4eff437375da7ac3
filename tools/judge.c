#include "judge.h"

#include <apr_strings.h>
#include <openssl/rand.h>
#include <string.h>

#include "hint.h"
#include "judge_claims.h"
#include "show.h"
#include "sign.h"
#include "token.h"
#include "token/base64url.h"
#include "token/bearer.h"

unsigned trust_algorithms(const struct trust *trust, const struct policy *policy)
{
    return trust->algorithms != 0 ? trust->algorithms : policy->asked.algorithms;
}

static struct trust *trust_at(const struct policy *policy, int i)
{
    return APR_ARRAY_IDX(policy->trusts, i, struct trust *);
}

struct check *judge_add(struct work *work, const char *name)
{
    struct check *check = apr_array_push(work->judgement->checks);

    memset(check, 0, sizeof(*check));
    check->name = name;
    check->verified = true;
    return check;
}

static void fail(struct check *check, enum reason reason)
{
    check->state = CHECK_FAILED;
    check->reason = reason;
}

static void skip(struct check *check, const char *why)
{
    check->state = CHECK_SKIPPED;
    check->hint = why;
}

/* ---- form and header ------------------------------------------------------------------------ */

static bool is_of_header(enum reason reason)
{
    return reason == REASON_HEADER_TOO_LONG || reason == REASON_HEADER_MALFORMED ||
           reason == REASON_HEADER_UNSUPPORTED || reason == REASON_KID_MALFORMED ||
           reason == REASON_ALGORITHM_UNKNOWN;
}

static void check_form(struct work *work, enum reason reason)
{
    struct check *form;
    struct check *header;

    (void)judge_add(work, "form");
    header = judge_add(work, "header");
    form = header - 1; /* the array may have moved in between */
    form->expected = "three parts of base64url with dots between them, JSON in the first "
                     "two";
    form->found = work->parts.count > TOKEN_PARTS_MAX
                      ? "more than 5 parts"
                      : apr_psprintf(work->pool, "%u part%s", work->parts.count,
                                     work->parts.count == 1 ? "" : "s");
    header->expected = "an algorithm that is known, no crit, b64, zip or nested token";
    if (reason == REASON_OK || is_of_header(reason)) {
        header->found = show_value(work->parts.header, work->pool);
    }
    if (reason == REASON_OK) {
        return;
    }
    fail(is_of_header(reason) ? header : form, reason);
    (is_of_header(reason) ? header : form)->hint = show_form(reason);
    if (reason == REASON_AUTHORIZATION_MALFORMED) {
        form->hint =
            "there is white space, a quote, a comma or a character beyond ASCII in "
            "it, which no token has";
    }
    if (!is_of_header(reason)) {
        skip(header, "the token cannot be read");
    }
}

/* ---- who signed it ---------------------------------------------------------------------------- */

/* As the module does: the first line of that name. */
static struct trust *find_trust(const struct work *work)
{
    const char *issuer = json_string(json_member(work->parts.claims, "iss"));

    for (int i = 0; issuer != NULL && i < work->policy->trusts->nelts; i++) {
        if (strcmp(trust_at(work->policy, i)->issuer, issuer) == 0) {
            return trust_at(work->policy, i);
        }
    }
    return NULL;
}

static bool check_algorithm(struct work *work)
{
    struct check *check = judge_add(work, "algorithm");
    const char *name = json_string(json_member(work->parts.header, "alg"));
    unsigned allowed = 0;
    enum jwa_alg alg;

    for (int i = 0; i < work->policy->trusts->nelts; i++) {
        const struct trust *trust = trust_at(work->policy, i);

        if (work->trust == NULL || work->trust == trust) {
            allowed |= trust_algorithms(trust, work->policy);
        }
    }
    check->expected = trust_algorithm_names(allowed, " or ", work->pool);
    check->from = work->trust != NULL && work->trust->algorithms != 0
                      ? work->trust->from
                      : work->policy->from.algorithms;
    check->verified = work->jwt != NULL;
    if (work->parts.header == NULL) {
        skip(check, "the header cannot be read");
        return false;
    }
    check->found = show_value(json_member(work->parts.header, "alg"), work->pool);
    if (!jwa_find(&alg, name) || (allowed & JWA_BIT(alg)) == 0) {
        fail(check, REASON_ALGORITHM_NOT_ALLOWED);
        check->hint = hint_algorithm(name);
        return false;
    }
    return true;
}

static void check_issuer(struct work *work)
{
    struct check *check = judge_add(work, "issuer");
    apr_array_header_t *names =
        apr_array_make(work->pool, work->policy->trusts->nelts + 1, sizeof(const char *));

    for (int i = 0; i < work->policy->trusts->nelts; i++) {
        APR_ARRAY_PUSH(names, const char *) = trust_at(work->policy, i)->issuer;
    }
    check->expected = apr_pstrcat(
        work->pool, names->nelts > 1 ? "one of " : "",
        show_words((const char *const *)names->elts, (size_t)names->nelts, work->pool),
        " in iss", NULL);
    check->verified = work->jwt != NULL;
    if (work->policy->trusts->nelts > 0) {
        check->from = trust_at(work->policy, 0)->from;
    }
    if (work->parts.claims == NULL) {
        skip(check, "the claims cannot be read");
        return;
    }
    check->found = show_value(json_member(work->parts.claims, "iss"), work->pool);
    if (work->trust == NULL) {
        fail(check, REASON_ISSUER_UNKNOWN);
        check->hint = hint_issuer(json_string(json_member(work->parts.claims, "iss")),
                                  (const char *const *)names->elts, (size_t)names->nelts);
        return;
    }
    check->from = work->trust->from;
}

/* The key that the token names; NULL with a secret. False when there is nothing. */
static bool check_key(const struct jwk **key, struct work *work, bool algorithm_holds)
{
    struct check *check = judge_add(work, "key");
    struct trust *trust = work->trust;
    const struct jws *jws;
    enum reason reason;

    *key = NULL;
    if (work->jwt == NULL || trust == NULL || !algorithm_holds) {
        skip(check, work->jwt == NULL ? "the token cannot be read"
                    : trust == NULL   ? "nobody's keys are trusted for this issuer"
                                      : "the algorithm is not allowed");
        return false;
    }
    check->from = trust->from;
    jws = jwt_jws(work->jwt);
    if (trust->kind == TRUST_SECRET) {
        check->expected = apr_pstrcat(work->pool, "the secret in ",
                                      show_text(trust->source, work->pool), NULL);
    }
    else {
        check->expected = apr_psprintf(
            work->pool, "a key for %s with kid %s from %s", jwa_get(jws->alg)->name,
            jws->kid != NULL ? show_quoted(jws->kid, work->pool) : "nothing",
            show_text(trust->source, work->pool));
    }
    reason = trust_load(trust, &work->policy->limits,
                        trust_algorithms(trust, work->policy), work->pool);
    if (reason != REASON_OK) {
        fail(check, reason);
        check->found = trust->problem;
        return false;
    }
    if (trust->kind == TRUST_SECRET) {
        return true;
    }
    check->found = trust_keys(trust->jwks, work->pool);
    reason = jwks_find(key, trust->jwks, jws->kid, jws->alg);
    if (reason != REASON_OK) {
        fail(check, reason);
        check->hint = hint_key(trust->jwks, jws->kid);
    }
    return reason == REASON_OK;
}

static void check_signature(struct work *work, const struct jwk *key, bool has_key)
{
    struct check *check = judge_add(work, "signature");
    enum reason reason;

    if (!has_key) {
        skip(check, "there is no key to verify it with");
        return;
    }
    check->expected = work->trust->kind == TRUST_SECRET ? "made with that secret"
                                                        : "made with that key";
    reason = key != NULL
                 ? jwt_verify(&work->claims, work->jwt, key)
                 : jwt_verify_secret(&work->claims, work->jwt, work->trust->secret);
    check->found = reason == REASON_OK ? "it holds" : "it does not hold";
    work->verified = reason == REASON_OK;
    if (reason != REASON_OK) {
        fail(check, reason);
        check->hint = "the token was changed after it was signed, or signed with another "
                      "key of that name";
    }
}

/* ---- what it says ------------------------------------------------------------------------------ */

/*
 * src/token gives claims to nobody whose signature does not hold. To look at them all
 * the same, sign a copy with a secret of this moment: the copy's claims are read by the
 * same code, and vouched for by nobody.
 */
static const struct jwt_claims *read_unverified(const struct work *work)
{
    const json_value *typ = json_member(work->parts.header, "typ");
    apr_pool_t *pool = work->pool;
    unsigned char random[32];
    const struct signing_key key = {
        .alg = JWA_HS256, .secret = random, .secret_len = sizeof(random)};
    struct secret *secret;
    const struct jwt_claims *claims = NULL;
    const char *header = "{\"alg\":\"HS256\"}";
    const char *input;
    const char *signature;
    const char *token;
    struct jwt *jwt;
    char *encoded;

    if (!json_is_object(work->parts.claims) || RAND_bytes(random, sizeof(random)) != 1) {
        return NULL;
    }
    if (typ != NULL) {
        header = apr_pstrcat(pool, "{\"alg\":\"HS256\",\"typ\":", json_text(typ, pool),
                             "}", NULL);
    }
    encoded = apr_palloc(pool, BASE64URL_ENCODED_LENGTH(strlen(header)) + 1);
    base64url_encode(encoded, (const unsigned char *)header, strlen(header));
    input = apr_pstrcat(
        pool, encoded, ".",
        apr_pstrmemdup(pool, work->parts.parts[1].text, work->parts.parts[1].len), NULL);
    secret = secret_create(random, sizeof(random), JWA_BIT(JWA_HS256));
    if (secret != NULL &&
        sign_message(&signature, &key, input, strlen(input), pool) == NULL) {
        token = apr_pstrcat(pool, input, ".", signature, NULL);
        if (jwt_parse(&jwt, token, strlen(token), pool) == REASON_OK) {
            (void)jwt_verify_secret(&claims, jwt, secret);
        }
    }
    secret_destroy(secret);
    return claims;
}

/* The first failure is what the module answers. */
static void find_verdict(struct work *work)
{
    struct judgement *judgement = work->judgement;

    for (int i = 0; i < judgement->checks->nelts; i++) {
        const struct check *check =
            &APR_ARRAY_IDX(judgement->checks, i, const struct check);

        if (check->state == CHECK_FAILED && check->line == NULL) {
            judgement->reason = check->reason;
            judgement->user = NULL;
            return;
        }
    }
    if (work->met == MET_NO) {
        judgement->reason = require_lacks_words(work->policy->require)
                                ? REASON_PERMISSION_MISSING
                                : REASON_REQUIREMENT_NOT_MET;
        judgement->user = NULL;
    }
    judgement->undecided = work->met == MET_OPEN;
}

void judge(struct judgement *judgement, const struct policy *policy, const char *token,
           size_t len, apr_time_t now, apr_pool_t *pool)
{
    struct work work = {.judgement = judgement,
                        .policy = policy,
                        .now = now,
                        .pool = pool,
                        .met = MET_NEUTRAL};
    const struct jwk *key;
    enum reason reason = REASON_AUTHORIZATION_MALFORMED;
    bool algorithm_holds;
    bool has_key;

    memset(judgement, 0, sizeof(*judgement));
    if (bearer_is_token(token, len)) {
        reason = jwt_parse(&work.jwt, token, len, pool);
    }
    judgement->checks = apr_array_make(pool, 32, sizeof(struct check));
    token_split(&work.parts, token, len, pool);
    work.trust = find_trust(&work);
    judgement->trust = work.trust;
    check_form(&work, reason);
    algorithm_holds = check_algorithm(&work);
    check_issuer(&work);
    has_key = check_key(&key, &work, algorithm_holds);
    check_signature(&work, key, has_key);
    if (!work.verified) {
        work.claims = read_unverified(&work);
    }
    judge_claims(&work);
    judge_requirements(&work);
    find_verdict(&work);
}
