/**
 * @file status_metrics.h
 * The status for Prometheus, in its text format 0.0.4. docs/monitoring.md lists the metrics.
 */
#ifndef AUTH0_HTTPD_STATUS_METRICS_H
#define AUTH0_HTTPD_STATUS_METRICS_H

#include "httpd/status_report.h"

/** Write header fields and body. */
void status_metrics_write(request_rec *r, const struct status_report *report);

#endif
