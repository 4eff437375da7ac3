/**
 * @file require.h
 * What a place requires of a user: a tree as httpd's <RequireAll>, <RequireAny> and
 * <RequireNone> make it, with a Require line at each leaf.
 *
 * The rules of this module's requirements are its manual's; what only httpd can tell
 * (addresses, expressions, regular expressions) stays open.
 */
#ifndef AUTH0_TOOLS_REQUIRE_H
#define AUTH0_TOOLS_REQUIRE_H

#include <apr_pools.h>
#include <apr_tables.h>
#include <stdbool.h>

#include "token/jwt.h"

/** As mod_authz_core counts, and one more. */
enum met {
    MET_NEUTRAL, /**< has no say, as with another method than a <Limit> names */
    MET_YES,
    MET_NO,
    MET_NOBODY, /**< not met, and asks who the user is, whom nobody has asked yet */
    MET_OPEN    /**< httpd decides */
};

enum require_kind { REQUIRE_LINE, REQUIRE_ALL, REQUIRE_ANY, REQUIRE_NONE };

struct requirement {
    enum require_kind kind;
    const char *from; /**< file:line; NULL on the command line */

    /** With this method (or any other than it: methods_not) alone it counts. */
    const apr_array_header_t *methods; /**< of const char *; NULL: with each */
    bool methods_not;

    const apr_array_header_t *of; /**< of struct requirement *; of a group */

    /* Of a line: */
    const char *name; /**< such as "auth0-permission" */
    const apr_array_header_t
        *words; /**< of const char *; a claim's as name, "=", value */
    bool negated;
    const char *says; /**< in words, safe to print */

    /* Set by require_judge: */
    enum met met;
    const char *found; /**< what the token has, safe to print; NULL without a token */
    const char *lacks; /**< which words it lacks, likewise; NULL: it is not about words */
};

/** A user as httpd knows one; claims NULL: nobody has logged in. */
struct require_user {
    const struct jwt_claims *claims;
    const char *name;
    const char *method; /**< of the request */
};

/** A line of the command line: all of these words. */
struct requirement *require_line(const char *name, const apr_array_header_t *words,
                                 apr_pool_t *pool);

/** All of these. */
struct requirement *require_all(const apr_array_header_t *of, apr_pool_t *pool);

/** Read the tree of httpd -t -D DUMP_AUTH0_PLACE; NULL for null. */
struct requirement *require_read(const json_value *json, apr_pool_t *pool);

/** Is it met? Fills @a met and @a found of the whole tree. */
enum met require_judge(struct requirement *requirement, const struct require_user *user,
                       apr_pool_t *pool);

/**
 * Of a tree that is not met: does a permission or a scope lack, as the module tells
 * REASON_PERMISSION_MISSING from REASON_REQUIREMENT_NOT_MET?
 */
bool require_lacks_words(const struct requirement *requirement);

#endif
