#include "httpd/config_check.h"

#include <apr_strings.h>
#include <http_config.h>

#include "httpd/config.h"
#include "httpd/config_tree.h"
#include "httpd/log_items.h"
#include "httpd/module.h"
#include "httpd/status.h"

struct check {
    server_rec *server;
    apr_pool_t *pool;
    bool failed;
};

static bool is_ours(const char *requirement)
{
    return strncmp(requirement, "auth0-", 6) == 0;
}

static bool names_issuer(const ap_directive_t *d, apr_pool_t *pool)
{
    (void)pool;
    return config_tree_is(d, "Auth0Domain") || config_tree_is(d, "Auth0Issuer");
}

static bool names_audience(const ap_directive_t *d, apr_pool_t *pool)
{
    (void)pool;
    return config_tree_is(d, "Auth0Audience");
}

static bool is_auth_type(const ap_directive_t *d, apr_pool_t *pool)
{
    (void)pool;
    return config_tree_is(d, "AuthType");
}

/* "Require all granted" and its like ask for nobody. */
static bool requires_user(const ap_directive_t *d, apr_pool_t *pool)
{
    return config_tree_is(d, "Require") &&
           ap_cstr_casecmp(config_tree_first_word(d, pool), "all") != 0;
}

/* Does a section elsewhere bring one of these to some requests of @a d's section? */
static bool may_come_from_elsewhere(const ap_directive_t *d, const ap_directive_t *level,
                                    config_tree_matcher *matches, apr_pool_t *pool)
{
    const ap_directive_t *host = config_tree_enclosing(d, "<VirtualHost");

    for (const ap_directive_t *other = level; other != NULL; other = other->next) {
        const ap_directive_t *other_host = config_tree_enclosing(other, "<VirtualHost");

        /* The main server's sections serve the virtual hosts too. */
        if (matches(other, pool) &&
            (host == NULL || other_host == NULL || other_host == host) &&
            config_tree_may_overlap(config_tree_section_of(d),
                                    config_tree_section_of(other), pool)) {
            return true;
        }
        if (may_come_from_elsewhere(d, other->first_child, matches, pool)) {
            return true;
        }
    }
    return false;
}

static bool can_be_in_force(const ap_directive_t *d, config_tree_matcher *matches,
                            apr_pool_t *pool)
{
    return config_tree_find_around(d, matches, pool) != NULL ||
           may_come_from_elsewhere(d, ap_conftree, matches, pool);
}

static void refuse_without(struct check *check, const ap_directive_t *d,
                           config_tree_matcher *matches, const char *name,
                           const char *why)
{
    if (can_be_in_force(d, matches, check->pool)) {
        return;
    }
    check->failed = true;
    ap_log_error(
        APLOG_MARK, APLOG_EMERG | APLOG_STARTUP, 0, check->server,
        "line %d of %s: AuthType Auth0 in %s, but no %s is in force there: %s; add %s to "
        "that section or to the server",
        d->line_num, d->filename,
        config_tree_describe(config_tree_section_of(d), check->pool), name, why, name);
}

static void check_auth_type(struct check *check, const ap_directive_t *d)
{
    if (!config_is_our_auth_type(config_tree_first_word(d, check->pool))) {
        return;
    }
    refuse_without(check, d, names_issuer, "Auth0Domain", "nobody would be trusted");
    refuse_without(check, d, names_audience, "Auth0Audience",
                   "tokens for any other API of the issuer would do");
    if (!can_be_in_force(d, requires_user, check->pool)) {
        ap_log_error(
            APLOG_MARK, APLOG_WARNING, 0, check->server,
            "line %d of %s: AuthType Auth0 in %s protects nothing, since nothing there "
            "requires a user; add Require valid-user or Require auth0-permission",
            d->line_num, d->filename,
            config_tree_describe(config_tree_section_of(d), check->pool));
    }
}

/* Is this the name that an <AuthzProviderAlias> gives to a requirement of ours? */
static bool is_alias_of_ours(const char *name, const ap_directive_t *level,
                             apr_pool_t *pool)
{
    for (const ap_directive_t *d = level; d != NULL; d = d->next) {
        const char *args = d->args;

        if (config_tree_is(d, "<AuthzProviderAlias") &&
            is_ours(ap_getword_conf(pool, &args)) &&
            strcmp(ap_getword_conf(pool, &args), name) == 0) {
            return true;
        }
    }
    return false;
}

/*
 * A negated alias escapes the provider, which sees only the alias's own section:
 * see refuse_negation in authz.c for what it would do.
 */
static void check_alias(struct check *check, const ap_directive_t *d)
{
    const char *args = d->args;
    const char *word = ap_getword_conf(check->pool, &args);
    bool negated = ap_cstr_casecmp(word, "not") == 0;

    if (negated) {
        word = ap_getword_conf(check->pool, &args);
    }
    if ((negated || config_tree_enclosing(d, "<RequireNone") != NULL) &&
        is_alias_of_ours(word, ap_conftree, check->pool)) {
        check->failed = true;
        ap_log_error(
            APLOG_MARK, APLOG_EMERG | APLOG_STARTUP, 0, check->server,
            "line %d of %s: %s is another name for a requirement of mod_auth0_jwt, and "
            "negated, httpd would skip authentication; say what a token must "
            "have, not what it must lack",
            d->line_num, d->filename, word);
    }
}

/* Written to restrict the methods it names, it opens all the others. */
static void check_limit(struct check *check, const ap_directive_t *d)
{
    const ap_directive_t *limit = config_tree_enclosing(d, "<Limit");
    const ap_directive_t *type = config_tree_find_around(d, is_auth_type, check->pool);

    if (limit != NULL && type != NULL && requires_user(d, check->pool) &&
        config_is_our_auth_type(config_tree_first_word(type, check->pool))) {
        ap_log_error(
            APLOG_MARK, APLOG_WARNING, 0, check->server,
            "line %d of %s: Require %s inside %s %s leaves the methods that are not named "
            "there open; use <LimitExcept> or neither",
            d->line_num, d->filename, d->args, limit->directive, limit->args);
    }
}

static void check_require(struct check *check, const ap_directive_t *d)
{
    const char *requirement = config_tree_first_word(d, check->pool);
    const ap_directive_t *found;

    check_alias(check, d);
    check_limit(check, d);
    if (!is_ours(requirement)) {
        return;
    }
    if (!can_be_in_force(d, is_auth_type, check->pool)) {
        ap_log_error(
            APLOG_MARK, APLOG_WARNING, 0, check->server,
            "line %d of %s: Require %s in %s needs AuthType Auth0, and no AuthType is in "
            "force there: httpd answers 500; add AuthType Auth0",
            d->line_num, d->filename, requirement,
            config_tree_describe(config_tree_section_of(d), check->pool));
        return;
    }
    found = config_tree_find_around(d, is_auth_type, check->pool);
    if (found != NULL &&
        !config_is_our_auth_type(config_tree_first_word(found, check->pool))) {
        ap_log_error(
            APLOG_MARK, APLOG_WARNING, 0, check->server,
            "line %d of %s: Require %s in %s needs AuthType Auth0, but line %d of %s "
            "says AuthType %s",
            d->line_num, d->filename, requirement,
            config_tree_describe(config_tree_section_of(d), check->pool), found->line_num,
            found->filename, found->args);
    }
}

/* Good for a migration, and a hole when forgotten. */
static void check_report_only(struct check *check, const ap_directive_t *d)
{
    if (ap_cstr_casecmp(config_tree_first_word(d, check->pool), "on") == 0) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, check->server,
                     "line %d of %s: Auth0ReportOnly is On in %s: requests without a "
                     "valid token or a required permission are let through there, and "
                     "only logged",
                     d->line_num, d->filename,
                     config_tree_describe(config_tree_section_of(d), check->pool));
    }
}

/* Require all granted is no restriction, and one of another place does not matter here. */
static bool restricts(const ap_directive_t *d, apr_pool_t *pool)
{
    if (config_tree_is(d, "Require")) {
        return strcmp(d->args, "all granted") != 0;
    }
    return config_tree_is(d, "Deny") &&
           config_tree_find_around(d, status_is_opened_by, pool) != NULL;
}

/* As mod_status does, it opens to all unless somebody says otherwise. */
static void check_status(struct check *check, const ap_directive_t *d)
{
    if (status_is_opened_by(d, check->pool) &&
        !can_be_in_force(d, restricts, check->pool)) {
        ap_log_error(
            APLOG_MARK, APLOG_WARNING, 0, check->server,
            "line %d of %s: SetHandler auth0-status in %s shows how the server is "
            "doing to everybody; add Require local or Require ip",
            d->line_num, d->filename,
            config_tree_describe(config_tree_section_of(d), check->pool));
    }
}

static void check_level(struct check *check, const ap_directive_t *level)
{
    for (const ap_directive_t *d = level; d != NULL; d = d->next) {
        if (config_tree_is(d, "AuthType")) {
            check_auth_type(check, d);
        }
        else if (config_tree_is(d, "Require")) {
            check_require(check, d);
        }
        else if (config_tree_is(d, "Auth0ReportOnly")) {
            check_report_only(check, d);
        }
        check_status(check, d);
        log_items_check(d, check->server, check->pool);
        check_level(check, d->first_child);
    }
}

/* Several sections may name one issuer: it counts once. */
static void check_issuer_count(struct check *check)
{
    const apr_array_header_t *fetched = config_server()->fetched;
    int distinct = 0;

    for (int i = 0; i < fetched->nelts; i++) {
        const struct issuer *issuer = APR_ARRAY_IDX(fetched, i, struct issuer *);
        int j = 0;

        while (
            !issuer_is_same_source(issuer, APR_ARRAY_IDX(fetched, j, struct issuer *))) {
            j++;
        }
        distinct += j == i;
    }
    if (distinct > JWKS_STORE_SLOTS) {
        check->failed = true;
        ap_log_error(APLOG_MARK, APLOG_EMERG | APLOG_STARTUP, 0, check->server,
                     "%d different Auth0Domain and Auth0Issuer sources of keys are "
                     "configured; there is room for %d",
                     distinct, JWKS_STORE_SLOTS);
    }
}

int config_check(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    struct check check = {.server = s, .pool = ptemp};

    (void)pconf;
    (void)plog;
    check_level(&check, ap_conftree);
    check_issuer_count(&check);
    return check.failed ? HTTP_INTERNAL_SERVER_ERROR : OK;
}
