#include "httpd/pass_claims.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <http_log.h>

#include "httpd/config.h"
#include "httpd/config_values.h"
#include "httpd/module.h"
#include "httpd/request.h"
#include "token/json.h"

#define OURS "AUTH0_"
#define PREFIX OURS "CLAIM_"

struct pass {
    struct claim_path claim;
    const char *variable;
};

static bool is_word(const char *text)
{
    while (apr_isalnum(*text) || *text == '_') {
        text++;
    }
    return *text == '\0';
}

static const char *variable_for(const char *claim, apr_pool_t *pool)
{
    char *variable = apr_pstrcat(pool, PREFIX, claim, NULL);

    for (char *p = variable + sizeof(PREFIX) - 1; *p != '\0'; p++) {
        if (!apr_isalnum(*p)) {
            *p = '_';
        }
    }
    return variable;
}

const char *pass_claims_add(apr_array_header_t **list, const cmd_parms *cmd,
                            const char *value)
{
    const char *error = value_check(cmd, value);
    const char *equals = strrchr(value, '=');
    const char *claim = value;
    struct pass pass;

    if (error != NULL) {
        return error;
    }
    if (equals != NULL) {
        claim = apr_pstrmemdup(cmd->pool, value, (apr_size_t)(equals - value));
        pass.variable = equals + 1;
        /* The prefix keeps a claim from becoming HTTP_PROXY, PATH or REMOTE_USER. */
        if (strncmp(pass.variable, OURS, sizeof(OURS) - 1) != 0 ||
            pass.variable[sizeof(OURS) - 1] == '\0' || !is_word(pass.variable)) {
            return apr_pstrcat(cmd->pool, cmd->cmd->name, ": \"", pass.variable,
                               "\" is not " OURS " and letters, digits or _ behind it",
                               NULL);
        }
    }
    else {
        pass.variable = variable_for(value, cmd->pool);
    }
    error = claim_path_parse(&pass.claim, claim, cmd->pool);
    if (error != NULL) {
        return apr_pstrcat(cmd->pool, cmd->cmd->name, ": the claim \"", claim, "\" ",
                           error, NULL);
    }
    if (*list == NULL) {
        *list = apr_array_make(cmd->pool, 4, sizeof(struct pass));
    }
    for (int i = 0; i < (*list)->nelts; i++) {
        const struct pass *other = &APR_ARRAY_IDX(*list, i, struct pass);

        /* In httpd's tables case does not matter. */
        if (ap_cstr_casecmp(other->variable, pass.variable) == 0) {
            return apr_pstrcat(cmd->pool, cmd->cmd->name, ": the claims \"",
                               other->claim.text, "\" and \"", claim, "\" would both be ",
                               pass.variable, "; write claim=" OURS "NAME for one", NULL);
        }
    }
    APR_ARRAY_PUSH(*list, struct pass) = pass;
    return NULL;
}

const char *pass_claims_text(request_rec *r, const struct jwt_claims *claims,
                             const struct claim_path *claim)
{
    const json_value *value = claim_path_find(claim, claims->payload);
    const char *text = json_string(value);

    if (value == NULL) {
        return NULL;
    }
    if (text == NULL) {
        text = json_text(value, r->pool);
        return text != NULL && strcmp(text, "null") != 0 ? text : NULL;
    }
    if (json_has_control(text)) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r,
                      "claim \"%s\" is not passed on: it has control characters",
                      request_log_value(claim->text, r->pool));
        return NULL;
    }
    return text;
}

void pass_claims_export(request_rec *r, const struct jwt_claims *claims)
{
    const apr_array_header_t *list = config_dir(r)->pass_claims;

    for (int i = 0; list != NULL && i < list->nelts; i++) {
        const struct pass *pass = &APR_ARRAY_IDX(list, i, struct pass);
        const char *text = pass_claims_text(r, claims, &pass->claim);

        if (text != NULL) {
            apr_table_set(r->subprocess_env, pass->variable, text);
        }
        else {
            apr_table_unset(r->subprocess_env, pass->variable);
        }
    }
}

/* The request that this one stands for, with the same user; NULL when there is none. */
static const request_rec *same_user_before(const request_rec *r)
{
    const request_rec *before = request_before(r);

    return before != NULL && r->user != NULL && before->user != NULL &&
                   strcmp(r->user, before->user) == 0
               ? before
               : NULL;
}

const struct jwt_claims *pass_claims_in_force(const request_rec *r)
{
    for (; r != NULL; r = same_user_before(r)) {
        const struct request_state *state = request_state_get(r);

        if (state != NULL && state->claims != NULL) {
            return state->claims;
        }
    }
    return NULL;
}

int pass_claims_again(request_rec *r)
{
    const struct jwt_claims *claims =
        config_dir(r)->pass_claims != NULL ? pass_claims_in_force(r) : NULL;

    if (claims != NULL) {
        pass_claims_export(r, claims);
    }
    return DECLINED;
}
