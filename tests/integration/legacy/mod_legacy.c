/*
 * A module of httpd 2.2's days for the tests: its hooks are registered without
 * AP_AUTH_INTERNAL_PER_CONF, which makes httpd authenticate sub-requests and
 * internal redirects anew. The build chooses which of the hooks it has.
 */
#include <apr_strings.h>
#include <httpd.h>
#include <http_config.h>
#include <http_core.h>
#include <http_log.h>
#include <http_protocol.h>
#include <http_request.h>

extern module AP_MODULE_DECLARE_DATA legacy_module;

struct legacy_config {
    int on;
};

static void *create_dir(apr_pool_t *pool, char *path)
{
    (void)path;
    return apr_pcalloc(pool, sizeof(struct legacy_config));
}

static void *merge_dirs(apr_pool_t *pool, void *outer_config, void *inner_config)
{
    const struct legacy_config *outer = outer_config;
    const struct legacy_config *inner = inner_config;
    struct legacy_config *merged = apr_pcalloc(pool, sizeof(*merged));

    merged->on = outer->on || inner->on;
    return merged;
}

#ifdef WITH_CHECK_USER_ID
/* AuthType Legacy: whoever the client says it is. */
static int check_user_id(request_rec *r)
{
    const char *type = ap_auth_type(r);
    const char *user = apr_table_get(r->headers_in, "X-Legacy-User");

    if (type == NULL || ap_cstr_casecmp(type, "Legacy") != 0) {
        return DECLINED;
    }
    if (user == NULL) {
        ap_note_auth_failure(r);
        return HTTP_UNAUTHORIZED;
    }
    r->user = apr_pstrdup(r->pool, user);
    r->ap_auth_type = "Legacy";
    return OK;
}
#endif

#ifdef WITH_CHECKERS
/* Legacy On: some addresses are refused whoever it is ... */
static int access_checker(request_rec *r)
{
    const struct legacy_config *config =
        ap_get_module_config(r->per_dir_config, &legacy_module);

    if (config->on && apr_table_get(r->headers_in, "X-Legacy-Banned") != NULL) {
        return HTTP_FORBIDDEN;
    }
    return DECLINED;
}

/* ... and some users wherever they come from. */
static int auth_checker(request_rec *r)
{
    const struct legacy_config *config =
        ap_get_module_config(r->per_dir_config, &legacy_module);

    ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r, "legacy auth_checker for %s",
                  r->user != NULL ? r->user : "nobody");
    if (config->on && r->user != NULL && strcmp(r->user, "suspended") == 0) {
        return HTTP_UNAUTHORIZED;
    }
    return DECLINED;
}
#endif

static void register_hooks(apr_pool_t *pool)
{
    (void)pool;
#ifdef WITH_CHECK_USER_ID
    ap_hook_check_user_id(check_user_id, NULL, NULL, APR_HOOK_MIDDLE);
#endif
#ifdef WITH_CHECKERS
    ap_hook_access_checker(access_checker, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_auth_checker(auth_checker, NULL, NULL, APR_HOOK_FIRST);
#endif
}

static const command_rec directives[] = {
    AP_INIT_FLAG("Legacy", ap_set_flag_slot,
                 (void *)APR_OFFSETOF(struct legacy_config, on), ACCESS_CONF,
                 "whether this module has a say here"),
    {NULL, {NULL}, NULL, 0, RAW_ARGS, NULL},
};

AP_DECLARE_MODULE(legacy) = {
    STANDARD20_MODULE_STUFF, create_dir, merge_dirs, NULL, NULL, directives,
    register_hooks,          0,
};
