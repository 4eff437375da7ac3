/**
 * @file judgement.h
 * What a client's request came to, counted once and told to the access log.
 *
 * httpd may make several requests of a client's one: internal redirects, error documents
 * and sub-requests. They count as one, when the answer is written, by what the client got:
 *   refused   by the refusal that made the answer's status; one for which httpd only looked
 *             something up (for a listing, say) is none
 *   reported  it would have been refused, and Auth0ReportOnly let it through. This counts
 *             at once; should another place refuse it after that, it counts there too
 *   accepted  it went on with a valid token that met the requirements, whatever became of
 *             it behind
 * A request of which nobody asks for a token is not judged, nor is one that another module
 * refuses or ends by itself before or after us. An error document changes nothing.
 */
#ifndef AUTH0_HTTPD_JUDGEMENT_H
#define AUTH0_HTTPD_JUDGEMENT_H

#include <httpd.h>
#include <stdbool.h>

#include "token/reason.h"

struct verdict;

/** Kept in the state of the first of a client's requests: see request.h. */
struct judgement {
    enum {
        JUDGEMENT_NONE,
        JUDGEMENT_ACCEPTED,
        JUDGEMENT_REPORTED,
        JUDGEMENT_REFUSED /**< never kept: it is found when it is asked for */
    } kind;
    enum reason reason; /**< of those that are reported or refused */
    const char *issuer; /**< the configured one that the token is of; NULL: not known */
    enum {
        CACHE_UNUSED, /**< no token, or no cache */
        CACHE_MISS,
        CACHE_HIT
    } cache;
};

/** A token was judged: note its issuer, and whether the process knew it. */
void judgement_note_verdict(request_rec *r, const struct verdict *verdict);

/** The request was let in with a valid token. */
void judgement_accept(request_rec *r);

/**
 * The request was let in although it would be refused.
 *
 * @return true for the first time that a client's request is
 */
bool judgement_report(request_rec *r, enum reason reason);

/** As of now; all of it when the answer is written. @param r any of a client's requests */
struct judgement judgement_of(const request_rec *r);

/** log_transaction hook: count. */
int judgement_count(request_rec *r);

#endif
