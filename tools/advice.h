/**
 * @file advice.h
 * What to do about each reason: what it means, what to change at Auth0, what in httpd.
 */
#ifndef AUTH0_TOOLS_ADVICE_H
#define AUTH0_TOOLS_ADVICE_H

#include <stdbool.h>

#include "token/reason.h"

/** Fixed sentences. */
struct advice {
    const char *means;
    const char *auth0; /**< in the dashboard or the application; NULL: nothing */
    const char *httpd; /**< in the configuration, or on this machine; NULL: nothing */
};

/** For each reason but REASON_OK there is something to do at one of the two, at least. */
const struct advice *advice_for(enum reason reason);

/** For a Require line of this name that is not met. */
const struct advice *advice_for_requirement(const char *name);

/** The reason of that stable name; false when there is none. */
bool advice_find_reason(enum reason *reason, const char *name);

#endif
