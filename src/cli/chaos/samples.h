/* samples.h - a few durations, and what one says of them. One thread. */
#ifndef RIND_CLI_CHAOS_SAMPLES_H
#define RIND_CLI_CHAOS_SAMPLES_H

#include <stddef.h>
#include <stdint.h>

#define RIND_CHAOS_SAMPLES_MAX 1000u

struct rind_chaos_samples {
    uint64_t values_ns[RIND_CHAOS_SAMPLES_MAX]; /* ascending */
    size_t count;
};

/* Keeps them sorted. Beyond the limit they are left out. */
void rind_chaos_samples_add(struct rind_chaos_samples *samples, uint64_t value_ns);

/* The smallest that `percent` of them do not exceed (nearest rank); 0 without any. */
uint64_t rind_chaos_samples_percentile_ms(const struct rind_chaos_samples *samples,
                                          uint32_t percent);

#endif
