/**
 * @file status_json.h
 * The status as JSON. docs/monitoring.md lists the fields, which later versions keep.
 */
#ifndef AUTH0_HTTPD_STATUS_JSON_H
#define AUTH0_HTTPD_STATUS_JSON_H

#include "httpd/status_report.h"

/** Write header fields and body. */
void status_json_write(request_rec *r, const struct status_report *report);

#endif
