#include "httpd/status.h"

#include <ap_expr.h>
#include <apr_strings.h>
#include <http_core.h>
#include <http_protocol.h>
#include <http_request.h>

#include "httpd/config.h"
#include "httpd/config_tree.h"
#include "httpd/handler.h"
#include "httpd/module.h"
#include "httpd/status_json.h"
#include "httpd/status_metrics.h"
#include "httpd/status_page.h"
#include "httpd/status_report.h"

#define HANDLER "auth0-status"
#define QUERIES                                                                          \
    "Here are: the page itself, without a query; the same as JSON, ?json; and for "      \
    "Prometheus, ?metrics.\n"

/* ---- who may open it ------------------------------------------------------------------- */

static void note_handlers(apr_array_header_t *found, const ap_conf_vector_t *section);

static void note_handlers_in(apr_array_header_t *found,
                             const apr_array_header_t *sections)
{
    for (int i = 0; sections != NULL && i < sections->nelts; i++) {
        note_handlers(found, APR_ARRAY_IDX(sections, i, const ap_conf_vector_t *));
    }
}

/* The expressions that SetHandler left in a section, and in those inside of it. */
static void note_handlers(apr_array_header_t *found, const ap_conf_vector_t *section)
{
    const core_dir_config *core = ap_get_core_module_config(section);

    if (core->expr_handler != NULL) {
        APR_ARRAY_PUSH(found, const void *) = core->expr_handler;
    }
    note_handlers_in(found, core->sec_file);
    note_handlers_in(found, core->sec_if);
}

int status_prepare(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    apr_array_header_t *found = apr_array_make(pconf, 4, sizeof(const void *));

    (void)plog;
    (void)ptemp;
    for (; s != NULL; s = s->next) {
        const core_server_config *core = ap_get_core_module_config(s->module_config);

        note_handlers(found, s->lookup_defaults);
        note_handlers_in(found, core->sec_dir);
        note_handlers_in(found, core->sec_url);
    }
    config_server()->set_handlers = found;
    return OK;
}

/*
 * Is it a SetHandler of the server's own files that is in force here, and does it name us?
 * What an .htaccess file says is parsed anew for each request, and so is another pointer.
 */
static bool is_opened_by_the_server(request_rec *r)
{
    const core_dir_config *core = ap_get_core_module_config(r->per_dir_config);
    const apr_array_header_t *ours = config_server()->set_handlers;
    const char *error = NULL;
    const char *value;

    for (int i = 0; core->expr_handler != NULL && i < ours->nelts; i++) {
        if (APR_ARRAY_IDX(ours, i, const void *) == core->expr_handler) {
            value = ap_expr_str_exec(r, core->expr_handler, &error);
            return error == NULL && ap_cstr_casecmp(value, HANDLER) == 0;
        }
    }
    return false;
}

bool status_is_opened_by(const ap_directive_t *d, apr_pool_t *pool)
{
    return config_tree_is(d, "SetHandler") &&
           ap_cstr_casecmp(config_tree_first_word(d, pool), HANDLER) == 0;
}

/* ---- the answer ------------------------------------------------------------------------ */

static int refuse_query(request_rec *r)
{
    r->status = HTTP_BAD_REQUEST;
    ap_set_content_type(r, "text/plain; charset=utf-8");
    ap_rputs(QUERIES, r);
    return OK;
}

/* A form, and the query that asks for it; Prometheus writes a "=" behind. */
static const struct form {
    const char *query;
    void (*write)(request_rec *r, const struct status_report *report);
} forms[] = {
    {"", status_page_write},
    {"json", status_json_write},
    {"json=", status_json_write},
    {"metrics", status_metrics_write},
    {"metrics=", status_metrics_write},
};

static const struct form *find_form(const char *query)
{
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if (strcmp(forms[i].query, query) == 0) {
            return &forms[i];
        }
    }
    return NULL;
}

int status_handler(request_rec *r)
{
    const struct form *form;
    int status;

    if (r->handler == NULL || strcmp(r->handler, HANDLER) != 0) {
        return DECLINED;
    }
    if (!is_opened_by_the_server(r)) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                      "%s: the handler " HANDLER " shows all of the server, so only "
                      "SetHandler " HANDLER " in the server's own files may open it, not "
                      "an .htaccess file, RewriteRule or AddHandler",
                      ap_escape_logitem(r->pool, r->uri));
        return HTTP_FORBIDDEN;
    }
    if (!handler_may_answer(&status, r)) {
        return status;
    }
    apr_table_setn(r->headers_out, "Cache-Control", "no-store");
    apr_table_setn(r->headers_out, "X-Content-Type-Options", "nosniff");
    form = find_form(r->args != NULL ? r->args : "");
    if (form == NULL) {
        return refuse_query(r);
    }
    form->write(r, status_report_make(r->pool));
    return OK;
}
