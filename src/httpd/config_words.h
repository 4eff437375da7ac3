/**
 * @file config_words.h
 * The requirements of a section in plain words.
 */
#ifndef AUTH0_HTTPD_CONFIG_WORDS_H
#define AUTH0_HTTPD_CONFIG_WORDS_H

#include <httpd.h>
#include <http_config.h>
#include <stdbool.h>

/** A line of the list; what belongs to a line that ends in ':' is one deeper. */
struct config_words_line {
    int depth;
    const char *text;
};

/**
 * What a section's own Require lines ask for, as a list that is read from the top.
 *
 * @param tokens  is AuthType Auth0 in force, so that a valid user is one with a token
 * @return        of struct config_words_line; empty without a Require
 */
apr_array_header_t *config_words_of(const ap_directive_t *section, bool tokens,
                                    apr_pool_t *pool);

/**
 * With every requirement in <Limit>, httpd lets the other methods pass: says so, for a
 * section whose requirements stand alone. NULL if no method is left open.
 */
const char *config_words_left_open(const ap_directive_t *section, apr_pool_t *pool);

/** Does one of them ask who the user is? Those for addresses and the like do not. */
bool config_words_ask_for_user(const ap_directive_t *section, apr_pool_t *pool);

/** One Require line in words. */
const char *config_words_requirement(const ap_directive_t *require, bool tokens,
                                     apr_pool_t *pool);

/**
 * The requirement that a Require line names, an alias and a "not" looked through.
 *
 * @param args  set to what stands behind it
 */
const char *config_words_provider(const char **args, const ap_directive_t *require,
                                  apr_pool_t *pool);

/**
 * Add the Require lines and groups of a level to an array of const ap_directive_t *.
 * What stands in <Limit> stands in the section, but asks some methods only.
 */
void config_words_gather(apr_array_header_t *items, const ap_directive_t *level);

/** Is this a <Limit> or a <LimitExcept>? */
bool config_words_is_limit(const ap_directive_t *d);

/** The methods that it names, with commas between them. */
const char *config_words_methods(const ap_directive_t *limit, apr_pool_t *pool);

/** Is this the name of a requirement of ours, or an alias of one? */
bool config_words_is_ours(const char *name, apr_pool_t *pool);

#endif
