/**
 * @file message.h
 * SetHandler auth0-message: the sample APIs' routes. Answers GET and HEAD with
 * the JSON of Auth0Message, OPTIONS with Allow, everything else with 405.
 */
#ifndef AUTH0_HTTPD_MESSAGE_H
#define AUTH0_HTTPD_MESSAGE_H

#include <httpd.h>

/** Handler hook. */
int message_handler(request_rec *r);

#endif
