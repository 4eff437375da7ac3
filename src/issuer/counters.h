/**
 * @file counters.h
 * How often things happened, counted by all processes of the server in shared memory.
 *
 * Terms
 *   counter  one number that only grows
 *   stripe   a set of all counters, on cache lines of its own; who counts chooses one by
 *            its seat, so that threads at work at the same time hardly ever write to the
 *            same line
 *   total    the sum over all stripes
 *
 * Counting is one relaxed atomic addition: no lock, no order. A process may be killed at
 * any instruction, and what it has counted stays. The totals of different counters are
 * not read at one moment.
 *
 * Any thread of any process may call anything but counters_init.
 */
#ifndef AUTH0_ISSUER_COUNTERS_H
#define AUTH0_ISSUER_COUNTERS_H

#include <apr_time.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "token/reason.h"

enum counter {
    COUNTER_ACCEPTED,         /**< client requests */
    COUNTER_CACHE_HIT,        /**< of these and the refused: the token was remembered */
    COUNTER_CACHE_MISS,       /**< the same: it was not */
    COUNTER_WAIT_SERVED,      /**< waits for keys that brought an answer */
    COUNTER_WAIT_IN_VAIN,     /**< those that did not */
    COUNTER_WAIT_TURNED_AWAY, /**< no place to wait was free */

    /** Refused client requests: add the reason. */
    COUNTER_REFUSED,
    /** Those that Auth0ReportOnly let through: add the reason. */
    COUNTER_REPORTED = COUNTER_REFUSED + REASON_COUNT,

    COUNTER_COUNT = COUNTER_REPORTED + REASON_COUNT
};

struct counters;

/** Bytes of shared memory that the counters need, wherever it begins. */
size_t counters_size(void);

/**
 * Make counters of zeroed shared memory. In the parent, before any fork.
 *
 * @param since  apr_time_now()
 */
struct counters *counters_init(void *memory, apr_time_t since);

/** When counting began, by the clock of the wall. */
apr_time_t counters_since(const struct counters *counters);

/**
 * Count one.
 *
 * @param counter  below COUNTER_COUNT; COUNTER_REFUSED + reason and so on
 * @param seat     any number; best one that no other thread uses at the same time, such as
 *                 the id of httpd's connection
 */
void counters_add(struct counters *counters, unsigned counter, unsigned long seat);

/** Read all totals. */
void counters_read(uint64_t totals[COUNTER_COUNT], const struct counters *counters);

/** One total. */
uint64_t counters_total(const struct counters *counters, unsigned counter);

/** The sum of totals[first] to totals[first + REASON_COUNT - 1]. */
uint64_t counters_sum(const uint64_t totals[COUNTER_COUNT], unsigned first);

/**
 * May the server say now what it says once in an interval at most? Of all threads that
 * ask, one may.
 *
 * @param now  by issuer_clock()
 */
bool counters_may_speak(struct counters *counters, apr_time_t now,
                        apr_interval_time_t interval);

#endif
