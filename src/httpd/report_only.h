/**
 * @file report_only.h
 * Auth0ReportOnly: what would be refused, without refusing it.
 *
 * For moving a site that is in use. The token is judged and the requirements are asked as
 * ever. What this module would refuse is logged and counted, and the request goes on, with
 * the user and the claims of a valid token or with none. What other modules refuse
 * without asking who it is (Require ip, Require all denied) stays refused.
 */
#ifndef AUTH0_HTTPD_REPORT_ONLY_H
#define AUTH0_HTTPD_REPORT_ONLY_H

#include <httpd.h>

/**
 * access_checker_ex hook, before all others.
 *
 * @return DECLINED where Auth0ReportOnly is not in force; else what the others say, or OK
 *         where httpd would now ask for a user
 */
int report_only_check(request_rec *r);

#endif
