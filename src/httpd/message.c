#include "httpd/message.h"

#include <http_core.h>
#include <http_protocol.h>
#include <http_request.h>
#include <mod_core.h>

#include "httpd/config.h"
#include "httpd/module.h"

#define HANDLER "auth0-message"

int message_handler(request_rec *r)
{
    const struct dir_config *dir = config_dir(r);
    apr_status_t rv;

    if (r->handler == NULL || strcmp(r->handler, HANDLER) != 0) {
        return DECLINED;
    }
    if (dir->message == NULL) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                      "SetHandler " HANDLER " without Auth0Message: add the message");
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    ap_allow_standard_methods(r, REPLACE_ALLOW, M_GET, M_OPTIONS, -1);
    if (r->method_number == M_OPTIONS) {
        return ap_send_http_options(r);
    }
    if (r->method_number != M_GET) {
        return HTTP_METHOD_NOT_ALLOWED;
    }
    rv = ap_discard_request_body(r);
    if (rv != OK) {
        return rv;
    }
    ap_set_content_type(r, "application/json; charset=utf-8");
    ap_set_content_length(r, (apr_off_t)strlen(dir->message));
    ap_rputs(dir->message, r);
    return OK;
}
