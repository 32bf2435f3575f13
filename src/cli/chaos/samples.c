/* samples.c - see samples.h. */
#include "cli/chaos/samples.h"

#include <string.h>

#define SAMPLES_NS_PER_MS 1000000u

void rind_chaos_samples_add(struct rind_chaos_samples *samples, uint64_t value_ns)
{
    if (samples->count == RIND_CHAOS_SAMPLES_MAX) {
        return;
    }
    size_t at = samples->count;
    while (at > 0 && samples->values_ns[at - 1] > value_ns) {
        at--;
    }
    memmove(&samples->values_ns[at + 1], &samples->values_ns[at],
            (samples->count - at) * sizeof(samples->values_ns[0]));
    samples->values_ns[at] = value_ns;
    samples->count++;
}

uint64_t rind_chaos_samples_percentile_ms(const struct rind_chaos_samples *samples,
                                          uint32_t percent)
{
    if (samples->count == 0) {
        return 0;
    }
    size_t rank = (samples->count * percent + 99) / 100;
    return samples->values_ns[rank == 0 ? 0 : rank - 1] / SAMPLES_NS_PER_MS;
}
