/**
 * @file running.h
 * A configuration of httpd: what it asks of requests to one path.
 *
 * httpd is asked itself (httpd -t -D DUMP_AUTH0_PLACE=/path, see
 * src/httpd/config_place.h): it reads its files as a start would, with the defines and
 * variables of its envvars file, and starts nothing.
 */
#ifndef AUTH0_TOOLS_RUNNING_H
#define AUTH0_TOOLS_RUNNING_H

#include "command.h"
#include "judge.h"
#include "policy.h"

/**
 * Fill a policy by --config, --path, --server, --method and --httpd.
 *
 * @return STATUS_DONE; STATUS_USAGE (several servers ask, and none was named);
 *         STATUS_UNAVAILABLE, after saying why
 */
enum status running_read(struct policy *policy, struct policy_place *place,
                         const struct arguments *arguments, apr_pool_t *pool);

#endif
