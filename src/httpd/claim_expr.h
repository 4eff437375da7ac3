/**
 * @file claim_expr.h
 * %{AUTH0_CLAIM:name} in httpd's expressions: a claim of the request's valid token.
 *
 * Where httpd has not authenticated the request, the token is judged for the expression,
 * by the issuers, audiences and so on that are in force there: Require expr, <If> and
 * RewriteCond come before authentication.
 */
#ifndef AUTH0_HTTPD_CLAIM_EXPR_H
#define AUTH0_HTTPD_CLAIM_EXPR_H

#include <httpd.h>
#include <ap_expr.h>

/** expr_lookup hook. */
int claim_expr_lookup(ap_expr_lookup_parms *parms);

#endif
