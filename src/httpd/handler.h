/**
 * @file handler.h
 * What the module's content handlers have in common: they answer GET and HEAD alone.
 */
#ifndef AUTH0_HTTPD_HANDLER_H
#define AUTH0_HTTPD_HANDLER_H

#include <httpd.h>
#include <stdbool.h>

/**
 * Is the answer to this request the handler's to write? Its body, if it has one, is
 * discarded then. OPTIONS is answered here, and other methods are refused with Allow.
 *
 * @param status  what the handler is to return, when the answer is no
 */
bool handler_may_answer(int *status, request_rec *r);

#endif
