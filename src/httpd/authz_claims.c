#include "httpd/authz_claims.h"

#include <ap_provider.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <http_core.h>
#include <http_request.h>

#include "httpd/authz.h"
#include "token/claim_path.h"
#include "httpd/module.h"
#include "httpd/operand.h"
#include "token/json.h"

#define ORG "auth0-org"
#define CLIENT "auth0-client"
#define CLAIM "auth0-claim"

/*
 * For PCRE: how much work one match may be. A pattern that would take longer does
 * not match.
 */
#define REGEX_LIMITS "(*LIMIT_MATCH=20000)(*LIMIT_DEPTH=2000)"

enum comparison { IS_SET, EQUALS, MATCHES };

struct condition {
    struct claim_path path;
    enum comparison comparison;
    struct operand value; /* EQUALS */
    ap_regex_t *regex;    /* MATCHES */
};

static const char *refuse(const cmd_parms *cmd, const char *provider, const char *what,
                          const char *why)
{
    return apr_pstrcat(cmd->pool, "Require ", provider, ": ", what, " ", why, NULL);
}

static const char *quote(const cmd_parms *cmd, const char *text)
{
    return apr_pstrcat(cmd->temp_pool, "\"", text, "\"", NULL);
}

/* ---- what a value of a claim is compared by ------------------------------------ */

/* A string as it is, a number or a boolean by its JSON text; else NULL. */
static const char *comparable(const json_value *value, apr_pool_t *pool)
{
    const char *text = json_string(value);

    if (text != NULL || json_is_object(value) || json_is_array(value)) {
        return text;
    }
    text = json_text(value, pool);
    return text != NULL && strcmp(text, "null") != 0 ? text : NULL;
}

/* With a regular expression there is nothing wanted. */
static bool compare(const struct condition *condition, const json_value *value,
                    const char *wanted, apr_pool_t *pool)
{
    const char *text = comparable(value, pool);

    if (text == NULL) {
        return false;
    }
    return wanted != NULL ? strcmp(text, wanted) == 0
                          : ap_regexec(condition->regex, text, 0, NULL, 0) == 0;
}

/* There, and neither null nor false: what an administrator means by naming it. */
static bool is_set(const json_value *value, apr_pool_t *pool)
{
    bool yes;

    if (value == NULL) {
        return false;
    }
    if (json_bool(&yes, value)) {
        return yes;
    }
    return json_string(value) != NULL || json_is_object(value) || json_is_array(value) ||
           comparable(value, pool) != NULL;
}

static bool holds(request_rec *r, const struct condition *condition,
                  const json_value *payload)
{
    const json_value *value = claim_path_find(&condition->path, payload);
    const char *wanted = NULL;

    if (condition->comparison == IS_SET) {
        return is_set(value, r->pool);
    }
    if (condition->comparison == EQUALS) {
        wanted = operand_text(&condition->value, r);
        if (wanted == NULL) {
            return false;
        }
    }
    if (value == NULL) {
        return false;
    }
    if (!json_is_array(value)) {
        return compare(condition, value, wanted, r->pool);
    }
    for (const json_value *v = json_first(value); v != NULL; v = json_next(v)) {
        if (compare(condition, v, wanted, r->pool)) {
            return true;
        }
    }
    return false;
}

/* ---- Require auth0-claim ----------------------------------------------------------- */

static const char *read_path(struct condition *condition, const cmd_parms *cmd,
                             const char *name)
{
    const char *error;

    if (*name == '\0') {
        return refuse(cmd, CLAIM, "names no claim;",
                      "write name, name=value or name ~ regex");
    }
    error = operand_refuse_undefined(cmd, CLAIM, name);
    if (error != NULL) {
        return error;
    }
    error = claim_path_parse(&condition->path, name, cmd->pool);
    return error != NULL ? refuse(cmd, CLAIM, quote(cmd, name), error) : NULL;
}

static const char *skip_space(const char *p)
{
    while (apr_isspace(*p)) {
        p++;
    }
    return p;
}

/* The last word of a line; more than one is an error. */
static const char *read_last(const char **word, const cmd_parms *cmd, const char *line)
{
    *word = ap_getword_conf(cmd->pool, &line);
    if (**word == '\0') {
        return refuse(cmd, CLAIM, "nothing stands", "behind the = or the ~");
    }
    if (*skip_space(line) != '\0') {
        return refuse(cmd, CLAIM, quote(cmd, line),
                      "is too much: one condition a line, a value with spaces in quotes");
    }
    return NULL;
}

static const char *read_regex(struct condition *condition, const cmd_parms *cmd,
                              const char *pattern)
{
    const char *error = operand_refuse_undefined(cmd, CLAIM, pattern);

    if (error != NULL) {
        return error;
    }
    if (strstr(pattern, "(*LIMIT_") != NULL) {
        return refuse(cmd, CLAIM, quote(cmd, pattern), "sets a limit of its own");
    }
    condition->regex = ap_pregcomp(
        cmd->pool, apr_pstrcat(cmd->temp_pool, REGEX_LIMITS, pattern, NULL), 0);
    return condition->regex != NULL
               ? NULL
               : refuse(cmd, CLAIM, quote(cmd, pattern), "is no regular expression");
}

static const char *parse_claim(cmd_parms *cmd, const char *line, const void **parsed)
{
    struct condition *condition = apr_pcalloc(cmd->pool, sizeof(*condition));
    const char *error = authz_refuse_negation(cmd, CLAIM);
    const char *name;
    const char *rest;
    const char *word = "";

    if (error != NULL) {
        return error;
    }
    line = skip_space(line);
    if (*line == '"' || *line == '\'') {
        rest = line;
        name = ap_getword_conf(cmd->temp_pool, &rest);
    }
    else {
        rest = line + strcspn(line, "= \t");
        name = apr_pstrmemdup(cmd->temp_pool, line, (apr_size_t)(rest - line));
    }
    error = read_path(condition, cmd, name);
    if (error != NULL) {
        return error;
    }
    rest = skip_space(rest);
    /* "role=admin" in quotes would be a claim of that name, which nobody means. */
    if (*rest == '\0' && *name != '/' && strpbrk(name, "=~") != NULL) {
        return refuse(
            cmd, CLAIM, quote(cmd, name),
            "is a name with a condition in it: quote the name or the value, as in "
            "role=\"team lead\"; a name with a = or a ~ is written as a JSON "
            "Pointer, /name");
    }
    condition->comparison = *rest == '\0' ? IS_SET : *rest == '=' ? EQUALS : MATCHES;
    if (*rest != '\0' && *rest != '=' && *rest != '~') {
        return refuse(cmd, CLAIM, quote(cmd, rest), "is neither =value nor ~ regex");
    }
    if (condition->comparison != IS_SET) {
        error = read_last(&word, cmd, rest + 1);
    }
    if (error == NULL && condition->comparison == EQUALS) {
        error = operand_read(&condition->value, cmd, CLAIM, word);
    }
    if (error == NULL && condition->comparison == MATCHES) {
        error = read_regex(condition, cmd, word);
    }
    *parsed = condition;
    return error;
}

static authz_status check_claim(request_rec *r, const char *line, const void *parsed)
{
    authz_status status = AUTHZ_DENIED;
    const struct jwt_claims *claims = authz_claims_of(&status, r);

    if (claims == NULL) {
        return status;
    }
    if (holds(r, parsed, claims->payload)) {
        return AUTHZ_GRANTED;
    }
    ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, r, "not met: Require %s %s", CLAIM, line);
    return AUTHZ_DENIED;
}

/* ---- Require auth0-org, auth0-client ---------------------------------------------- */

/* One of these words, as a token has one organization and one client. */
static const char *parse_names(cmd_parms *cmd, const char *line, const void **parsed,
                               const char *provider)
{
    apr_array_header_t *names = apr_array_make(cmd->pool, 2, sizeof(struct operand));
    const char *error = authz_refuse_negation(cmd, provider);
    const char *word;

    while (error == NULL && operand_next(&word, &line, cmd)) {
        error = operand_read(apr_array_push(names), cmd, provider, word);
    }
    if (error == NULL && names->nelts == 0) {
        error = refuse(cmd, provider, "names", "nothing");
    }
    *parsed = names;
    return error;
}

static const char *parse_org(cmd_parms *cmd, const char *line, const void **parsed)
{
    return parse_names(cmd, line, parsed, ORG);
}

static const char *parse_client(cmd_parms *cmd, const char *line, const void **parsed)
{
    return parse_names(cmd, line, parsed, CLIENT);
}

typedef const char *claim_for(const json_value *payload, const char *name);

static authz_status check_names(request_rec *r, const char *line, const void *parsed,
                                const char *provider, claim_for *claim)
{
    const apr_array_header_t *names = parsed;
    authz_status status = AUTHZ_DENIED;
    const struct jwt_claims *claims = authz_claims_of(&status, r);

    if (claims == NULL) {
        return status;
    }
    for (int i = 0; i < names->nelts; i++) {
        const char *name = operand_text(&APR_ARRAY_IDX(names, i, struct operand), r);
        const char *value = name != NULL ? claim(claims->payload, name) : NULL;

        if (value != NULL && strcmp(value, name) == 0) {
            return AUTHZ_GRANTED;
        }
    }
    ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, r, "not met: Require %s %s", provider,
                  line);
    return AUTHZ_DENIED;
}

/* Auth0's identifiers begin with org_, which its names may not. */
static const char *org_for(const json_value *payload, const char *name)
{
    return json_string(
        json_member(payload, strncmp(name, "org_", 4) == 0 ? "org_id" : "org_name"));
}

/* RFC 9068 2.2 has client_id; Auth0's own profile has azp. */
static const char *client_for(const json_value *payload, const char *name)
{
    const json_value *client = json_member(payload, "client_id");

    (void)name;
    return json_string(client != NULL ? client : json_member(payload, "azp"));
}

static authz_status check_org(request_rec *r, const char *line, const void *parsed)
{
    return check_names(r, line, parsed, ORG, org_for);
}

static authz_status check_client(request_rec *r, const char *line, const void *parsed)
{
    return check_names(r, line, parsed, CLIENT, client_for);
}

static const authz_provider org_provider = {check_org, parse_org};
static const authz_provider client_provider = {check_client, parse_client};
static const authz_provider claim_provider = {check_claim, parse_claim};

void authz_claims_register(apr_pool_t *pool)
{
    ap_register_auth_provider(pool, AUTHZ_PROVIDER_GROUP, ORG, AUTHZ_PROVIDER_VERSION,
                              &org_provider, AP_AUTH_INTERNAL_PER_CONF);
    ap_register_auth_provider(pool, AUTHZ_PROVIDER_GROUP, CLIENT, AUTHZ_PROVIDER_VERSION,
                              &client_provider, AP_AUTH_INTERNAL_PER_CONF);
    ap_register_auth_provider(pool, AUTHZ_PROVIDER_GROUP, CLAIM, AUTHZ_PROVIDER_VERSION,
                              &claim_provider, AP_AUTH_INTERNAL_PER_CONF);
}
