/**
 * @file refusal_log.h
 * How many refusals of one kind are logged: a flood of bad tokens shall not fill the disk.
 *
 * Of each reason, a process logs so many lines a second at the level info; the next line
 * after that says how many were left out. At the level debug nothing is left out.
 */
#ifndef AUTH0_HTTPD_REFUSAL_LOG_H
#define AUTH0_HTTPD_REFUSAL_LOG_H

#include <httpd.h>
#include <stdbool.h>

#include "token/reason.h"

/** Lines of one reason, one second and one process. */
#define REFUSAL_LOG_LINES 10

/**
 * May a refusal be logged at the level info?
 *
 * @param note  set to what is to stand at the end of the line: "", or how many refusals of
 *              this reason were left out since the last line
 */
bool refusal_log_admits(const char **note, const request_rec *r, enum reason reason);

#endif
