/**
 * @file config_tree.h
 * Reading the tree of directives, as the server's files have them: where one
 * stands, and which sections one request can be in together.
 *
 * httpd keeps the tree (ap_conftree) while it reads the configuration; these
 * functions are for the hooks that run then, in the parent, before anything is
 * served. A section is a directive whose name begins with '<'; its own lines are
 * its children. <VirtualHost> is one too; <IfModule> and its like are gone.
 */
#ifndef AUTH0_HTTPD_CONFIG_TREE_H
#define AUTH0_HTTPD_CONFIG_TREE_H

#include <httpd.h>
#include <http_config.h>
#include <stdbool.h>

/** What is looked for: a predicate on one directive. */
typedef bool config_tree_matcher(const ap_directive_t *d, apr_pool_t *pool);

/** Is it this directive? For a section with its '<': "<Location". Case is the same. */
bool config_tree_is(const ap_directive_t *d, const char *name);

/** The first word behind a directive, without quotes and a section's '>'. */
const char *config_tree_first_word(const ap_directive_t *d, apr_pool_t *pool);

/** For messages: <Location "/api">, as it was written; NULL is the main server. */
const char *config_tree_describe(const ap_directive_t *section, apr_pool_t *pool);

/**
 * Does a section only group what stands in it, as <RequireAll> and <Limit> do? Then
 * its lines belong to the section around it.
 */
bool config_tree_is_grouping(const ap_directive_t *d);

/**
 * The first match in the section of @a d, or in one around it, or at the server's own
 * level; what stands in a grouping section counts as standing around it.
 */
const ap_directive_t *config_tree_find_around(const ap_directive_t *d,
                                              config_tree_matcher *matches,
                                              apr_pool_t *pool);

/** The section of this name around @a d, or @a d itself; NULL if there is none. */
const ap_directive_t *config_tree_enclosing(const ap_directive_t *d, const char *name);

/** The nearest section around that chooses requests; NULL at a server's own level. */
const ap_directive_t *config_tree_section_of(const ap_directive_t *d);

/**
 * The path of a <Location> or <Directory> that is compared as it stands; NULL when it
 * is a pattern, or the section another one.
 */
const char *config_tree_plain_path(const ap_directive_t *section, apr_pool_t *pool);

/** Is this path the other one or below it? A slash at the end of @a base is nothing. */
bool config_tree_is_path_below(const char *path, const char *base);

/**
 * Can one request be in both sections? Only plain paths of one kind can tell; NULL is
 * a server's own level.
 */
bool config_tree_may_overlap(const ap_directive_t *a, const ap_directive_t *b,
                             apr_pool_t *pool);

#endif
