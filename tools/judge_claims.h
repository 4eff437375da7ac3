/**
 * @file judge_claims.h
 * The second half of judge.h: what the token's claims say.
 */
#ifndef AUTH0_TOOLS_JUDGE_CLAIMS_H
#define AUTH0_TOOLS_JUDGE_CLAIMS_H

#include "judge.h"
#include "token.h"

/** A judgement under way. */
struct work {
    struct judgement *judgement;
    const struct policy *policy;
    apr_time_t now;
    apr_pool_t *pool;

    struct token_parts parts;
    struct jwt *jwt;                 /**< NULL unless the form holds */
    struct trust *trust;             /**< NULL: an issuer that is not known here */
    const struct jwt_claims *claims; /**< NULL when they cannot be read */
    bool verified;                   /**< the signature holds */
    const char *user;                /**< the user claim's value, or NULL */
    enum met met;                    /**< of the requirements */
};

/** Add a check that has passed so far. Others' addresses may change. */
struct check *judge_add(struct work *work, const char *name);

/** Issuer claim, audience, times, type, binding, user claim. Sets @a user. */
void judge_claims(struct work *work);

/** What the place requires. Sets @a met. */
void judge_requirements(struct work *work);

#endif
