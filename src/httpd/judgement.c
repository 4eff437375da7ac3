#include "httpd/judgement.h"

#include <apr_strings.h>

#include "httpd/error_response.h"
#include "httpd/request.h"
#include "httpd/runtime.h"
#include "httpd/verdict.h"

static request_rec *first_of(const request_rec *r)
{
    request_rec *before;

    while ((before = request_before(r)) != NULL) {
        r = before;
    }
    return (request_rec *)(uintptr_t)r;
}

/* Does this request, or one that it came of, stand for an error? */
static bool is_error_document(const request_rec *r)
{
    for (; r != NULL; r = request_before(r)) {
        if (r->prev != NULL && ap_is_HTTP_ERROR(r->prev->status)) {
            return true;
        }
    }
    return false;
}

/* NULL for an error document, which changes nothing. */
static struct judgement *judgement_for(request_rec *r)
{
    if (r->main == NULL && r->prev == NULL) {
        return &request_state_make(r)->judgement; /* nearly always */
    }
    return is_error_document(r) ? NULL : &request_state_make(first_of(r))->judgement;
}

void judgement_note_verdict(request_rec *r, const struct verdict *verdict)
{
    struct judgement *judgement = judgement_for(r);
    const char *name = verdict->issuer != NULL ? verdict->issuer->name : NULL;

    /* A sub-request may take over, but not from one that was let in. */
    if (judgement == NULL || (r->main != NULL && judgement->kind != JUDGEMENT_NONE)) {
        return;
    }
    judgement->issuer =
        r->main != NULL && name != NULL ? apr_pstrdup(first_of(r)->pool, name) : name;
    judgement->cache = verdict->cached      ? CACHE_HIT
                       : verdict->looked_up ? CACHE_MISS
                                            : CACHE_UNUSED;
}

void judgement_accept(request_rec *r)
{
    struct judgement *judgement = r->main == NULL ? judgement_for(r) : NULL;

    if (judgement != NULL && judgement->kind == JUDGEMENT_NONE) {
        judgement->kind = JUDGEMENT_ACCEPTED;
    }
}

bool judgement_report(request_rec *r, enum reason reason)
{
    struct judgement *judgement = judgement_for(r);

    if (judgement == NULL || judgement->kind == JUDGEMENT_REPORTED) {
        return false;
    }
    judgement->kind = JUDGEMENT_REPORTED;
    judgement->reason = reason;
    return true;
}

/* Of the requests that the client's went through, error documents left out. */
static enum reason refusal_of(const request_rec *r)
{
    enum reason reason = REASON_OK;

    for (; r != NULL && reason == REASON_OK; r = r->next) {
        if (r->prev != NULL && ap_is_HTTP_ERROR(r->prev->status)) {
            break;
        }
        reason = error_response_reason(r);
    }
    return reason;
}

struct judgement judgement_of(const request_rec *r)
{
    const request_rec *first = first_of(r);
    const struct request_state *state = request_state_get(first);
    struct judgement judgement = {.kind = JUDGEMENT_NONE};
    enum reason reason = REASON_OK;

    if (state != NULL) {
        judgement = state->judgement;
    }
    if (first->next != NULL || ap_is_HTTP_ERROR(first->status)) {
        reason = refusal_of(first);
    }
    if (reason != REASON_OK) {
        judgement.kind = JUDGEMENT_REFUSED;
        judgement.reason = reason;
    }
    return judgement;
}

int judgement_count(request_rec *r)
{
    struct judgement judgement = judgement_of(r);
    struct counters *counters = runtime_issuers()->counters;
    unsigned long seat = (unsigned long)r->connection->id;

    switch (judgement.kind) {
    case JUDGEMENT_NONE:
        return DECLINED;
    case JUDGEMENT_ACCEPTED:
        counters_add(counters, COUNTER_ACCEPTED, seat);
        break;
    case JUDGEMENT_REFUSED:
        counters_add(counters, COUNTER_REFUSED + judgement.reason, seat);
        break;
    case JUDGEMENT_REPORTED: /* has counted already */
        break;
    }
    if (judgement.cache != CACHE_UNUSED) {
        counters_add(
            counters,
            judgement.cache == CACHE_HIT ? COUNTER_CACHE_HIT : COUNTER_CACHE_MISS, seat);
    }
    return DECLINED;
}
