#include "httpd/authz.h"

#include <apr_strings.h>
#include <ap_provider.h>
#include <http_core.h>
#include <http_request.h>
#include <mod_auth.h>

#include "httpd/config.h"
#include "httpd/error_response.h"
#include "httpd/module.h"
#include "httpd/operand.h"
#include "httpd/refusal_log.h"
#include "httpd/request.h"

#define PERMISSION_PROVIDER "auth0-permission"
#define SCOPE_PROVIDER "auth0-scope"

/* scope-token of RFC 6749 3.3: what the challenge's scope attribute can carry. */
static bool is_scope_token(const char *word)
{
    for (const char *p = word; *p != '\0'; p++) {
        if (*p <= 0x20 || *p >= 0x7f || *p == '"' || *p == '\\') {
            return false;
        }
    }
    return *word != '\0';
}

const char *authz_refuse_negation(const cmd_parms *cmd, const char *provider)
{
    const char *args = cmd->directive != NULL ? cmd->directive->args : "";
    const char *first = ap_getword_conf(cmd->temp_pool, &args);

    if (cmd->directive != NULL &&
        ap_cstr_casecmp(cmd->directive->directive, "<AuthzProviderAlias") == 0) {
        config_server()->has_aliases = true;
        return NULL; /* of this name others are in charge: see check_aliases */
    }
    if (ap_cstr_casecmp(first, "not") == 0) {
        return apr_pstrcat(cmd->pool, "Require not ", provider,
                           ": httpd would skip authentication; say what a token must "
                           "have, not what it must lack",
                           NULL);
    }
    for (const ap_directive_t *d = cmd->directive; d != NULL; d = d->parent) {
        if (ap_cstr_casecmp(d->directive, "<RequireNone") == 0) {
            return apr_pstrcat(cmd->pool, "Require ", provider,
                               " inside <RequireNone>: httpd would skip authentication; "
                               "say what a token must have, not what it must lack",
                               NULL);
        }
    }
    return NULL;
}

const struct jwt_claims *authz_claims_of(authz_status *status, const request_rec *r)
{
    struct request_state *state = request_state_get(r);

    if (state != NULL && state->claims != NULL) {
        return state->claims;
    }
    *status = r->user == NULL ? AUTHZ_DENIED_NO_USER : AUTHZ_DENIED;
    if (state != NULL && state->probe == PROBE_ASSUME_GRANTED) {
        *status = AUTHZ_GRANTED;
    }
    else if (state != NULL && state->probe == PROBE_LISTEN) {
        state->probe = PROBE_HEARD;
    }
    return NULL;
}

/*
 * An .htaccess file can negate an <AuthzProviderAlias> of ours, of which no provider
 * hears, and httpd then lets everybody in without a token. But the more a user may, the
 * more doors open, unless something is negated. So where httpd grants access without a
 * user although we were asked, it must do the same when we say yes.
 */
static int check_aliases(request_rec *r)
{
    struct request_state *state;
    int status;

    if (!config_server()->has_aliases) {
        return DECLINED;
    }
    state = request_state_make(r);
    if (state->probe != NOT_PROBING || state->claims != NULL) {
        return DECLINED;
    }
    state->probe = PROBE_LISTEN;
    status = ap_run_access_checker_ex(r);
    if (status == OK && state->probe == PROBE_HEARD) {
        state->probe = PROBE_ASSUME_GRANTED;
        status = ap_run_access_checker_ex(r);
        if (status != OK) {
            ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                          "%s: a Require line negates an AuthzProviderAlias of a "
                          "requirement of mod_auth0_jwt, and httpd would skip "
                          "authentication; say what a token must have, not what it must "
                          "lack",
                          ap_escape_logitem(r->pool, r->uri));
            status = error_response_refuse(r, REASON_CONFIGURATION, 0);
        }
    }
    state->probe = NOT_PROBING;
    return status;
}

/* A Require line of either provider. */
struct required {
    apr_array_header_t *words; /* of struct operand, each once */
    struct jwt_words sorted;   /* the same as texts; none if one is an expression */
};

static bool is_new(apr_hash_t *known, const char *text)
{
    if (apr_hash_get(known, text, APR_HASH_KEY_STRING) != NULL) {
        return false;
    }
    apr_hash_set(known, text, APR_HASH_KEY_STRING, text);
    return true;
}

static const char *parse_word(struct required *required, apr_hash_t *known,
                              const cmd_parms *cmd, const char *provider,
                              const char *text)
{
    struct operand word;
    const char *error = operand_read(&word, cmd, provider, text);

    if (error == NULL && word.expression == NULL && !is_scope_token(text)) {
        error = apr_pstrcat(cmd->pool, "Require ", provider, ": \"", text,
                            "\" holds a space, a quote, a backslash or a character "
                            "outside ASCII",
                            NULL);
    }
    if (error == NULL && is_new(known, text)) {
        APR_ARRAY_PUSH(required->words, struct operand) = word;
    }
    return error;
}

static void sort_required(struct required *required, apr_pool_t *pool)
{
    const apr_array_header_t *words = required->words;
    struct jwt_words *sorted = &required->sorted;

    sorted->words = apr_palloc(pool, (size_t)words->nelts * sizeof(*sorted->words));
    for (int i = 0; i < words->nelts; i++) {
        const struct operand *word = &APR_ARRAY_IDX(words, i, struct operand);

        if (word->expression != NULL) {
            sorted->count = 0;
            return;
        }
        sorted->words[sorted->count++] = word->text;
    }
    jwt_words_sort(sorted);
}

static const char *parse_words(cmd_parms *cmd, const char *line, const void **parsed,
                               const char *provider)
{
    struct required *required = apr_pcalloc(cmd->pool, sizeof(*required));
    apr_hash_t *known = apr_hash_make(cmd->temp_pool);
    const char *error = authz_refuse_negation(cmd, provider);
    const char *text;

    required->words = apr_array_make(cmd->pool, 2, sizeof(struct operand));
    while (error == NULL && operand_next(&text, &line, cmd)) {
        error = parse_word(required, known, cmd, provider, text);
    }
    if (error == NULL && required->words->nelts == 0) {
        error = apr_pstrcat(cmd->pool, "Require ", provider,
                            ": names nothing; write it as in Require ", provider,
                            " read:messages", NULL);
    }
    if (error == NULL) {
        sort_required(required, cmd->pool);
    }
    *parsed = required;
    return error;
}

static const char *parse_permissions(cmd_parms *cmd, const char *line,
                                     const void **parsed)
{
    return parse_words(cmd, line, parsed, PERMISSION_PROVIDER);
}

static const char *parse_scopes(cmd_parms *cmd, const char *line, const void **parsed)
{
    return parse_words(cmd, line, parsed, SCOPE_PROVIDER);
}

/* For this request; NULL where an expression gives nothing that could be such a word. */
static const char *word_text(const struct operand *word, request_rec *r)
{
    const char *text = operand_text(word, r);

    return text != NULL && (word->expression == NULL || is_scope_token(text)) ? text
                                                                              : NULL;
}

/* For the challenge: every word of a denied line, in order, once. */
static void note_missing(request_rec *r, const apr_array_header_t *words)
{
    struct request_state *state = request_state_get(r);

    if (state->missing == NULL) {
        state->missing = apr_array_make(r->pool, words->nelts, sizeof(const char *));
        state->missing_words = apr_hash_make(r->pool);
    }
    for (int i = 0; i < words->nelts; i++) {
        const char *text = word_text(&APR_ARRAY_IDX(words, i, struct operand), r);

        if (text != NULL && is_new(state->missing_words, text)) {
            APR_ARRAY_PUSH(state->missing, const char *) = text;
        }
    }
}

static bool contains_each(const struct jwt_words *granted,
                          const apr_array_header_t *words, request_rec *r)
{
    for (int i = 0; i < words->nelts; i++) {
        const char *text = word_text(&APR_ARRAY_IDX(words, i, struct operand), r);

        if (text == NULL || !jwt_words_contain(granted, text)) {
            return false;
        }
    }
    return true;
}

/* All the words of a line, as in Auth0's SDKs. */
static authz_status check_words(request_rec *r, const struct required *required,
                                bool permissions)
{
    authz_status status = AUTHZ_DENIED;
    const struct jwt_claims *claims = authz_claims_of(&status, r);
    const struct jwt_words *granted;
    bool many;

    if (claims == NULL) {
        return status;
    }
    granted = permissions ? &claims->permissions : &claims->scope;
    /* Many words are compared in one pass over both lists, few are looked up. */
    many = required->sorted.count > 1 && required->sorted.count > granted->count / 8;
    if (many ? jwt_words_contain_all(granted, &required->sorted)
             : contains_each(granted, required->words, r)) {
        return AUTHZ_GRANTED;
    }
    note_missing(r, required->words);
    return AUTHZ_DENIED;
}

static authz_status check_permissions(request_rec *r, const char *line,
                                      const void *parsed)
{
    (void)line;
    return check_words(r, parsed, true);
}

static authz_status check_scopes(request_rec *r, const char *line, const void *parsed)
{
    (void)line;
    return check_words(r, parsed, false);
}

/*
 * mod_authz_core answers 401 where RFC 6750 3.1 wants 403, unless told otherwise
 * by AuthzSendForbiddenOnFailure. Run the other checkers from here and correct
 * their answer for a user whose token we have accepted.
 */
static int map_denial(request_rec *r)
{
    struct request_state *state = request_state_get(r);
    const char *note;
    enum reason reason;
    bool missing;
    int status;

    if (state == NULL || state->claims == NULL || state->authorizing) {
        return DECLINED;
    }
    state->authorizing = true;
    state->missing = NULL;
    status = ap_run_auth_checker(r);
    state->authorizing = false;
    if (status == OK) {
        judgement_accept(r);
    }
    if (status != HTTP_UNAUTHORIZED && status != HTTP_FORBIDDEN) {
        return status;
    }

    if (state->reporting) {
        return status; /* see report_only.h */
    }
    missing = state->missing != NULL && state->missing->nelts > 0;
    reason = missing ? REASON_PERMISSION_MISSING : REASON_REQUIREMENT_NOT_MET;
    if (refusal_log_admits(&note, r, reason)) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r, "user \"%s\" refused (%s)%s%s%s",
                      request_log_value(r->user, r->pool), reason_name(reason),
                      missing ? ": required " : "",
                      missing ? apr_array_pstrcat(r->pool, state->missing, ' ') : "",
                      note);
    }
    return error_response_refuse(r, reason, 0);
}

static const authz_provider permission_provider = {check_permissions, parse_permissions};
static const authz_provider scope_provider = {check_scopes, parse_scopes};

void authz_register(apr_pool_t *pool)
{
    ap_register_auth_provider(pool, AUTHZ_PROVIDER_GROUP, PERMISSION_PROVIDER,
                              AUTHZ_PROVIDER_VERSION, &permission_provider,
                              AP_AUTH_INTERNAL_PER_CONF);
    ap_register_auth_provider(pool, AUTHZ_PROVIDER_GROUP, SCOPE_PROVIDER,
                              AUTHZ_PROVIDER_VERSION, &scope_provider,
                              AP_AUTH_INTERNAL_PER_CONF);
    ap_hook_check_access_ex(check_aliases, NULL, NULL, APR_HOOK_REALLY_FIRST,
                            AP_AUTH_INTERNAL_PER_CONF);
    ap_hook_check_authz(map_denial, NULL, NULL, APR_HOOK_REALLY_FIRST,
                        AP_AUTH_INTERNAL_PER_CONF);
}
