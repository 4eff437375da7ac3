/**
 * @file doctor.h
 * What lies between a server and its tenant, looked at piece by piece.
 *
 * Each finding stands for itself: one that fails does not keep the others from being
 * looked at, if they can be.
 */
#ifndef AUTH0_TOOLS_DOCTOR_H
#define AUTH0_TOOLS_DOCTOR_H

#include <apr_pools.h>
#include <apr_tables.h>
#include <stdbool.h>
#include <stddef.h>

#include "fetch.h"

enum finding_state {
    FINDING_OK,
    FINDING_WARNING, /**< it works, and may not tomorrow, or not as meant */
    FINDING_FAILED,
    FINDING_SKIPPED /**< could not be looked at */
};

/** All strings are safe to print. */
struct finding {
    const char *name; /**< stable, such as "clock" */
    enum finding_state state;
    const char *found;
    const char *advice; /**< one line; NULL when there is nothing to do */
};

struct doctor {
    const char *domain;
    const char *audience; /**< NULL: not given */
    const char *token;    /**< NULL: not given */
    size_t token_len;
    struct fetch_limits limits;
    int leeway; /**< seconds */
    apr_pool_t *pool;

    apr_array_header_t *findings; /**< of struct finding */
    bool failed;                  /**< one of them */
    bool warned;                  /**< one of them is a warning */
    const char *issuer;           /**< that tokens will name, as far as it is known */
    const char *keys;             /**< the key document, of @a keys_len bytes; or NULL */
    size_t keys_len;
};

void doctor_add(struct doctor *doctor, const char *name, enum finding_state state,
                const char *found, const char *advice);

/** Name, connection, TLS, answer, time, clock, keys, issuer. */
void doctor_look_at_tenant(struct doctor *doctor);

/** What the audience looks like; nothing when it is not given. */
void doctor_look_at_audience(struct doctor *doctor);

/** Whether the module would accept the token; nothing when it is not given. */
void doctor_look_at_token(struct doctor *doctor);

#endif
