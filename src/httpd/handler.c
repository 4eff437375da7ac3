#include "httpd/handler.h"

#include <http_core.h>
#include <http_protocol.h>
#include <http_request.h>
#include <mod_core.h>

bool handler_may_answer(int *status, request_rec *r)
{
    ap_allow_standard_methods(r, REPLACE_ALLOW, M_GET, M_OPTIONS, -1);
    if (r->method_number == M_OPTIONS) {
        *status = ap_send_http_options(r);
        return false;
    }
    if (r->method_number != M_GET) {
        *status = HTTP_METHOD_NOT_ALLOWED;
        return false;
    }
    *status = ap_discard_request_body(r);
    return *status == OK;
}
