/**
 * @file judge.h
 * One token against one policy: each check of the module, in its order.
 *
 * Every answer comes from the module's own code (src/token). The module stops at the
 * first failure, which is the verdict; for people, the remaining checks are made too,
 * where that is sound. What the token says is then marked as not verified.
 */
#ifndef AUTH0_TOOLS_JUDGE_H
#define AUTH0_TOOLS_JUDGE_H

#include <apr_pools.h>
#include <apr_tables.h>
#include <apr_time.h>

#include "fetch.h"
#include "require.h"
#include "token/jwt.h"
#include "trust.h"

/** A list or a value, and where it is written (file:line); NULL: nowhere. */
struct policy_from {
    const char *algorithms;
    const char *audiences;
    const char *leeway;
    const char *profile;
    const char *user_claim;
};

/** What is asked of a token. */
struct policy {
    apr_array_header_t *trusts;  /**< of struct trust * */
    struct jwt_policy asked;     /**< all but the issuer, which the token chooses */
    struct requirement *require; /**< NULL: nothing more */
    const char *method;          /**< of the request */
    struct fetch_limits limits;  /**< for fetching keys */
    struct policy_from from;
    bool configured; /**< by httpd's files; else by the command line */
};

enum check_state {
    CHECK_PASSED,
    CHECK_FAILED,
    CHECK_SKIPPED, /**< an earlier failure leaves nothing to look at */
    CHECK_OPEN     /**< httpd decides */
};

/** One line of the table. All strings are safe to print, or NULL. */
struct check {
    const char *name; /**< stable, such as "audience" */
    enum check_state state;
    bool verified;      /**< the token's word for it is vouched for, or not needed */
    enum reason reason; /**< of CHECK_FAILED */
    const char *expected;
    const char *found;
    const char *hint;               /**< what strikes the eye */
    const char *from;               /**< file:line of what is expected */
    const char *says;               /**< a requirement in words; else NULL */
    int depth;                      /**< of a requirement in its tree */
    const struct requirement *line; /**< a requirement's; else NULL */
};

struct judgement {
    enum reason reason; /**< REASON_OK or the first failure */
    bool undecided;     /**< valid, but httpd alone can tell whether the rest is met */
    const char *user;   /**< with REASON_OK; as in the token, so escape it */
    const struct trust *trust;  /**< whose token it says it is; NULL: nobody's here */
    apr_array_header_t *checks; /**< of struct check */
};

/** The algorithms that are allowed for an issuer. */
unsigned trust_algorithms(const struct trust *trust, const struct policy *policy);

/** Judge a token. The keys of the issuer that it names are loaded. */
void judge(struct judgement *judgement, const struct policy *policy, const char *token,
           size_t len, apr_time_t now, apr_pool_t *pool);

#endif
