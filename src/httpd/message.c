#include "httpd/message.h"

#include <http_core.h>
#include <http_protocol.h>
#include <http_request.h>

#include "httpd/config.h"
#include "httpd/handler.h"
#include "httpd/module.h"

#define HANDLER "auth0-message"

int message_handler(request_rec *r)
{
    const struct dir_config *dir = config_dir(r);
    int status;

    if (r->handler == NULL || strcmp(r->handler, HANDLER) != 0) {
        return DECLINED;
    }
    if (dir->message == NULL) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                      "SetHandler " HANDLER " without Auth0Message: add the message");
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    if (!handler_may_answer(&status, r)) {
        return status;
    }
    ap_set_content_type(r, "application/json; charset=utf-8");
    ap_set_content_length(r, (apr_off_t)strlen(dir->message));
    ap_rputs(dir->message, r);
    return OK;
}
