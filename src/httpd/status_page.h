/**
 * @file status_page.h
 * The status page for people: HTML that needs no script and nothing from elsewhere, with a
 * policy (Content-Security-Policy) that allows its own style and nothing else.
 */
#ifndef AUTH0_HTTPD_STATUS_PAGE_H
#define AUTH0_HTTPD_STATUS_PAGE_H

#include "httpd/status_report.h"

/** Write header fields and body. */
void status_page_write(request_rec *r, const struct status_report *report);

#endif
