#include "httpd/verdict.h"

#include <apr_strings.h>

#include "httpd/module.h"
#include "httpd/request.h"
#include "httpd/runtime.h"
#include "httpd/token_removal.h"
#include "httpd/token_source.h"
#include "issuer/issuer.h"

/* What this location allows for an issuer. */
static unsigned allowed_algorithms(const struct dir_config *dir,
                                   const struct issuer *issuer)
{
    return issuer->algorithms != 0 ? issuer->algorithms : config_algorithms(dir);
}

/* Is the algorithm allowed for any issuer of this location? */
static bool algorithm_is_allowed(const struct dir_config *dir, enum jwa_alg alg)
{
    unsigned allowed = 0;

    for (int i = 0; i < dir->issuers->nelts; i++) {
        allowed |=
            allowed_algorithms(dir, APR_ARRAY_IDX(dir->issuers, i, struct issuer *));
    }
    return (allowed & JWA_BIT(alg)) != 0;
}

static struct issuer *find_issuer(request_rec *r, const struct dir_config *dir,
                                  const char *name)
{
    for (int i = 0; name != NULL && i < dir->issuers->nelts; i++) {
        struct issuer *issuer = APR_ARRAY_IDX(dir->issuers, i, struct issuer *);

        if (strcmp(issuer->name, name) != 0) {
            continue;
        }
        /* Named by an .htaccess file, so only now in need of a slot. */
        if (issuer->kind == ISSUER_KEYS_URL && issuer->slot < 0) {
            issuer = apr_pmemdup(r->pool, issuer, sizeof(*issuer));
            issuer->slot = runtime_slot(issuer);
        }
        return issuer;
    }
    return NULL;
}

/* The signature, with whatever this issuer verifies with. */
static enum reason verify_signature(const struct jwt_claims **claims,
                                    struct issuer_voucher *voucher, struct jwt *jwt,
                                    const struct issuer *issuer)
{
    const struct jws *jws = jwt_jws(jwt);
    struct issuer_key key;
    enum reason reason;

    if (issuer->kind == ISSUER_SECRET_FILE) {
        *voucher = issuer_voucher_for(issuer, NULL);
        return jwt_verify_secret(claims, jwt, issuer->secret);
    }
    reason = issuer_find_key(&key, runtime_issuers(), issuer, jws->kid, jws->alg);
    if (reason != REASON_OK) {
        return reason;
    }
    *voucher = issuer_voucher_for(issuer, &key);
    reason = jwt_verify(claims, jwt, key.key);
    issuer_key_release(&key);
    return reason;
}

/* Everything that the location asks of claims whose signature holds. */
static enum reason check_policy(const char **user, const struct jwt_claims *claims,
                                const struct dir_config *dir, const struct issuer *issuer)
{
    const struct jwt_policy policy = {
        .issuer = issuer->name,
        .algorithms = allowed_algorithms(dir, issuer),
        .audiences = (const char *const *)dir->audiences->elts,
        .audience_count = (size_t)dir->audiences->nelts,
        .leeway = config_leeway(dir),
        .profile = config_token_profile(dir),
        .user_claim = config_user_claim(dir),
    };

    return jwt_check(user, claims, &policy, apr_time_now());
}

/* An earlier verdict on this token, by this issuer's keys, for the same client. */
static const struct verdict *verified_before(const request_rec *r,
                                             const struct verdict *now)
{
    for (; r != NULL; r = request_before(r)) {
        const struct request_state *state = request_state_get(r);
        const struct verdict *verdict = state != NULL ? state->verdict : NULL;

        if (verdict != NULL && verdict->verified != NULL && verdict->len == now->len &&
            memcmp(verdict->token, now->token, now->len) == 0 &&
            issuer_is_same_source(verdict->issuer, now->issuer)) {
            return verdict;
        }
    }
    return NULL;
}

/*
 * A token that this process has verified before. What it says is judged anew; what
 * cannot be told from here is left to a verification.
 */
static bool judge_again(struct verdict *verdict, request_rec *r,
                        const unsigned char digest[TOKEN_DIGEST_LENGTH])
{
    const struct jwt_claims *claims;
    const struct issuer *issuer;
    struct issuer_voucher voucher;

    claims = token_cache_find(&voucher, runtime_token_cache(), digest, r->pool);
    issuer = claims != NULL ? find_issuer(r, verdict->dir, claims->issuer) : NULL;
    if (issuer == NULL || !issuer_vouches(runtime_issuers(), issuer, &voucher)) {
        return false;
    }
    verdict->issuer = issuer;
    verdict->verified = claims;
    verdict->reason = check_policy(&verdict->user, claims, verdict->dir, issuer);
    return true;
}

/* The order of checks is that of RFC 8725 3: see token/jwt.h. */
static enum reason judge(struct verdict *verdict, struct issuer_voucher *voucher,
                         request_rec *r)
{
    const struct dir_config *dir = verdict->dir;
    const struct verdict *before;
    struct jwt *jwt = NULL;
    enum reason reason = jwt_parse(&jwt, verdict->token, verdict->len, r->pool);
    enum jwa_alg alg;

    verdict->jwt = jwt;
    if (reason != REASON_OK) {
        return reason;
    }
    alg = jwt_jws(jwt)->alg;
    if (!algorithm_is_allowed(dir, alg)) {
        return REASON_ALGORITHM_NOT_ALLOWED;
    }
    verdict->issuer = find_issuer(r, dir, jwt_unverified_issuer(jwt));
    if (verdict->issuer == NULL) {
        return REASON_ISSUER_UNKNOWN;
    }
    if ((allowed_algorithms(dir, verdict->issuer) & JWA_BIT(alg)) == 0) {
        return REASON_ALGORITHM_NOT_ALLOWED;
    }
    before = verified_before(r, verdict);
    if (before != NULL) {
        verdict->verified = before->verified;
    }
    else {
        reason = verify_signature(&verdict->verified, voucher, jwt, verdict->issuer);
        if (reason != REASON_OK) {
            return reason;
        }
        ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, r,
                      "token accepted as signed by %s, kid \"%s\"", verdict->issuer->name,
                      request_log_value(jwt_jws(jwt)->kid, r->pool));
    }
    return check_policy(&verdict->user, verdict->verified, dir, verdict->issuer);
}

static void judge_token(struct verdict *verdict, request_rec *r)
{
    struct token_cache *cache = runtime_token_cache();
    struct issuer_voucher voucher = {0};
    unsigned char digest[TOKEN_DIGEST_LENGTH];
    bool digested =
        cache != NULL && token_cache_digest(digest, cache, verdict->token, verdict->len);

    verdict->looked_up = digested;
    verdict->cached = digested && judge_again(verdict, r, digest);
    if (!verdict->cached) {
        verdict->reason = judge(verdict, &voucher, r);
    }
    if (verdict->reason != REASON_OK) {
        return;
    }
    verdict->claims = verdict->verified;
    if (digested && voucher.source != 0) {
        token_cache_add(cache, digest, &voucher, verdict->verified, r->pool);
    }
}

const struct verdict *verdict_of(request_rec *r)
{
    struct request_state *state = request_state_make(r);
    const struct dir_config *dir = config_dir(r);
    struct verdict *verdict;
    struct token_found found = {.token = NULL};

    if (state->verdict != NULL && state->verdict->dir == dir) {
        return state->verdict;
    }
    verdict = apr_pcalloc(r->pool, sizeof(*verdict));
    verdict->dir = dir;
    /* Fail closed: without these, any token of anyone would have to do. */
    if (dir->issuers == NULL || dir->audiences == NULL) {
        verdict->reason = REASON_CONFIGURATION;
    }
    else {
        verdict->reason = token_source_find(&found, r);
    }
    token_removal_clean_query(r);
    if (verdict->reason == REASON_OK) {
        if (found.kind != TOKEN_SOURCE_HEADER) {
            token_removal_keep_private(r);
        }
        verdict->token = found.token;
        verdict->len = found.len;
        judge_token(verdict, r);
    }
    state->verdict = verdict;
    judgement_note_verdict(r, verdict);
    return verdict;
}
