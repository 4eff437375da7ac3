/**
 * @file mod_auth0_jwt.c
 * Access tokens of Auth0 for Apache httpd: where everything begins.
 *
 *     src/token   bytes in, verdict out: JWT, JWS, JWK, strict JSON
 *     src/issuer  the issuers' current keys, fetched in the background
 *     src/httpd   directives, AuthType Auth0, Require auth0-..., answers
 *
 * Includes point one way only: httpd -> issuer -> token.
 *
 * A request's way: CORS (header_parser), authentication (check_authn), the
 * requirements (check_authz and the providers), the handler; for a refusal, the
 * error filter.
 */
#include <httpd.h>
#include <http_config.h>
#include <http_protocol.h>
#include <http_request.h>
#include <mpm_common.h>

#include "httpd/authn.h"
#include "httpd/authz.h"
#include "httpd/authz_claims.h"
#include "httpd/claim_expr.h"
#include "httpd/config.h"
#include "httpd/config_check.h"
#include "httpd/config_dump.h"
#include "httpd/config_place.h"
#include "httpd/cors.h"
#include "httpd/error_response.h"
#include "httpd/judgement.h"
#include "httpd/log_items.h"
#include "httpd/message.h"
#include "httpd/pass_claims.h"
#include "httpd/pass_headers.h"
#include "httpd/report_only.h"
#include "httpd/runtime.h"
#include "httpd/status.h"
#include "httpd/status_block.h"
#include "httpd/token_removal.h"

static void register_hooks(apr_pool_t *pool)
{
    static const char *const readers[] = {"mod_headers.c", NULL};

    /* Start: read, check, prepare in the parent; run in each child, and stop there. */
    ap_hook_pre_config(config_begin, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_pre_config(log_items_register, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_check_config(config_check, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_test_config(config_dump, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_test_config(config_place_dump, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(runtime_prepare, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(status_prepare, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_init(runtime_start, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_child_stopping(runtime_stopping, NULL, NULL, APR_HOOK_MIDDLE);

    /* A request. */
    ap_hook_post_read_request(pass_headers_strip, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_header_parser(cors_answer, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_check_authn(authn_check, NULL, NULL, APR_HOOK_MIDDLE,
                        AP_AUTH_INTERNAL_PER_CONF);
    ap_hook_check_access_ex(report_only_check, NULL, NULL, APR_HOOK_REALLY_FIRST,
                            AP_AUTH_INTERNAL_PER_CONF);
    authz_register(pool);
    authz_claims_register(pool);
    ap_hook_fixups(token_removal_clean, NULL, NULL, APR_HOOK_REALLY_FIRST);
    /* First for mod_rewrite; then over what mod_env sets, and before mod_headers reads. */
    ap_hook_fixups(pass_claims_again, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_fixups(pass_claims_again, NULL, readers, APR_HOOK_LAST);
    ap_hook_fixups(authn_adopt_user, NULL, NULL, APR_HOOK_REALLY_LAST);
    ap_hook_fixups(pass_headers_set, readers, NULL, APR_HOOK_REALLY_LAST);
    ap_hook_note_auth_failure(error_response_note_auth_failure, NULL, NULL,
                              APR_HOOK_MIDDLE);
    ap_hook_handler(token_removal_hide, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_handler(message_handler, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_handler(status_handler, NULL, NULL, APR_HOOK_MIDDLE);
    status_block_register(pool);

    /* Whenever httpd evaluates an expression. */
    ap_hook_expr_lookup(claim_expr_lookup, NULL, NULL, APR_HOOK_MIDDLE);

    /* An error. */
    ap_hook_insert_error_filter(cors_mark_error, NULL, NULL, APR_HOOK_MIDDLE);
    error_response_register(pool);
    token_removal_register(pool);
    ap_hook_log_transaction(token_removal_clean_log, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_log_transaction(judgement_count, NULL, NULL, APR_HOOK_MIDDLE);
}

AP_DECLARE_MODULE(auth0_jwt) = {
    STANDARD20_MODULE_STUFF,
    config_create_dir,
    config_merge_dirs,
    NULL, /* the server's configuration is one for all: see config_server */
    NULL,
    config_directives,
    register_hooks,
    AP_MODULE_FLAG_NONE,
};
