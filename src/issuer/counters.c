#include "issuer/counters.h"

#include <stdatomic.h>

#define CACHE_LINE 64

/* A power of two; on more processors than that, some share a stripe. */
#define STRIPES 64

struct stripe {
    _Alignas(CACHE_LINE) _Atomic uint64_t count[COUNTER_COUNT];
};

struct counters {
    apr_time_t since;
    _Atomic apr_time_t spoke_at; /* 0: never */
    struct stripe stripes[STRIPES];
};

size_t counters_size(void)
{
    return sizeof(struct counters) + CACHE_LINE - 1; /* APR's memory is not aligned */
}

struct counters *counters_init(void *memory, apr_time_t since)
{
    size_t beyond = (uintptr_t)memory % CACHE_LINE;
    struct counters *counters =
        (void *)((char *)memory + (beyond != 0 ? CACHE_LINE - beyond : 0));

    counters->since = since;
    return counters;
}

apr_time_t counters_since(const struct counters *counters)
{
    return counters->since;
}

void counters_add(struct counters *counters, unsigned counter, unsigned long seat)
{
    struct stripe *stripe = &counters->stripes[seat % STRIPES];

    atomic_fetch_add_explicit(&stripe->count[counter], 1, memory_order_relaxed);
}

uint64_t counters_total(const struct counters *counters, unsigned counter)
{
    uint64_t total = 0;

    for (size_t i = 0; i < STRIPES; i++) {
        total += atomic_load_explicit(&counters->stripes[i].count[counter],
                                      memory_order_relaxed);
    }
    return total;
}

void counters_read(uint64_t totals[COUNTER_COUNT], const struct counters *counters)
{
    for (unsigned counter = 0; counter < COUNTER_COUNT; counter++) {
        totals[counter] = counters_total(counters, counter);
    }
}

uint64_t counters_sum(const uint64_t totals[COUNTER_COUNT], unsigned first)
{
    uint64_t sum = 0;

    for (unsigned reason = 0; reason < REASON_COUNT; reason++) {
        sum += totals[first + reason];
    }
    return sum;
}

bool counters_may_speak(struct counters *counters, apr_time_t now,
                        apr_interval_time_t interval)
{
    apr_time_t before = atomic_load(&counters->spoke_at);

    return (before == 0 || now - before >= interval) &&
           atomic_compare_exchange_strong(&counters->spoke_at, &before, now);
}
