/**
 * @file expr_stubs.h
 * Expressions and regular expressions in the place of httpd's.
 *
 * Of an expression, %{fail} cannot be evaluated, %{none} has no text, and any other
 * %{...} stands for the same text. %{file:...} is refused where httpd would refuse to
 * read files. A regular expression is PCRE's, as with httpd; one without limits on its
 * work is a finding.
 */
#ifndef AUTH0_TESTS_FUZZ_EXPR_STUBS_H
#define AUTH0_TESTS_FUZZ_EXPR_STUBS_H

#include <apr_pools.h>
#include <stdbool.h>

/** The text of %{...}. */
extern const char *stub_variable;

/** Is the directive in an .htaccess file, and its expressions to be restricted? */
extern bool stub_in_htaccess;

/** May this expression stand where the directive at hand does? */
bool stub_expr_is_valid(const char *text);

/** Its text; NULL when it has none, or cannot be evaluated. */
const char *stub_expr_value(const char *text);

/** Is it a regular expression? */
bool stub_regex_is_valid(const char *pattern);

/** Does it match, with as much work as REGEX_LIMITS allows? */
bool stub_regex_matches(const char *pattern, const char *text);

#endif
