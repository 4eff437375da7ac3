#include "httpd/claim_expr.h"

#include <apr_strings.h>

#include "token/claim_path.h"
#include "httpd/pass_claims.h"
#include "httpd/token_source.h"
#include "httpd/verdict.h"

#define FUNCTION "AUTH0_CLAIM"

static const struct jwt_claims *claims_of(request_rec *r)
{
    const struct jwt_claims *claims = pass_claims_in_force(r);

    return claims != NULL ? claims : verdict_of(r)->claims;
}

/* An answer that follows from the token varies with where the token stands. */
static void note_vary(const ap_expr_eval_ctx_t *ctx)
{
    if (ctx->vary_this == NULL || (ctx->info->flags & AP_EXPR_FLAG_DONT_VARY) != 0) {
        return;
    }
    if (token_source_is_on(ctx->r, TOKEN_SOURCE_HEADER)) {
        *ctx->vary_this =
            apr_pstrcat(ctx->p, token_source_field(ctx->r),
                        *ctx->vary_this != NULL ? ", " : NULL, *ctx->vary_this, NULL);
    }
    if (token_source_is_on(ctx->r, TOKEN_SOURCE_COOKIE)) {
        *ctx->vary_this =
            apr_pstrcat(ctx->p, "Cookie", *ctx->vary_this != NULL ? ", " : NULL,
                        *ctx->vary_this, NULL);
    }
}

/* An ap_expr_string_func_t. */
static const char *claim_value(ap_expr_eval_ctx_t *ctx, const void *data, const char *arg)
{
    const struct claim_path *claim = data;
    const struct jwt_claims *claims;
    struct claim_path path;
    const char *text = NULL;

    if (ctx->r == NULL) {
        return "";
    }
    note_vary(ctx);
    if (claim == NULL) { /* its name is itself computed */
        if (claim_path_parse(&path, arg, ctx->p) != NULL) {
            return "";
        }
        claim = &path;
    }
    claims = claims_of(ctx->r);
    if (claims != NULL) {
        text = pass_claims_text(ctx->r, claims, claim);
    }
    return text != NULL ? text : "";
}

static int lookup(ap_expr_lookup_parms *parms)
{
    struct claim_path *claim;
    const char *error;

    *parms->func = claim_value;
    *parms->data = NULL;
    if (parms->arg == NULL) {
        return OK;
    }
    claim = apr_palloc(parms->pool, sizeof(*claim));
    error = claim_path_parse(claim, parms->arg, parms->pool);
    if (error != NULL) {
        *parms->err =
            apr_pstrcat(parms->pool, FUNCTION ": \"", parms->arg, "\" ", error, NULL);
        return !OK;
    }
    *parms->data = claim;
    return OK;
}

int claim_expr_lookup(ap_expr_lookup_parms *parms)
{
    return parms->type == AP_EXPR_FUNC_STRING &&
                   ap_cstr_casecmp(parms->name, FUNCTION) == 0
               ? lookup(parms)
               : DECLINED;
}
