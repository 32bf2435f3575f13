/*
 * histogram.h - counts durations from microseconds to an hour, each to better than 1 %.
 *
 * A high-dynamic-range histogram: buckets grow with the value, 128 to each doubling, so that a
 * percentile is as exact at 2 ms as at 20 s, in fixed memory and constant time. Not thread-safe.
 */
#ifndef RIND_CLI_HISTOGRAM_H
#define RIND_CLI_HISTOGRAM_H

#include <stdint.h>

#define RIND_HISTOGRAM_DETAIL_BITS 7u
#define RIND_HISTOGRAM_VALUE_BITS 32u /* of microseconds: larger ones count as the largest */
#define RIND_HISTOGRAM_BUCKETS                                                                     \
    ((RIND_HISTOGRAM_VALUE_BITS - RIND_HISTOGRAM_DETAIL_BITS + 1u) << RIND_HISTOGRAM_DETAIL_BITS)

/* Zeroed: empty. */
struct rind_histogram {
    uint64_t count;
    uint64_t sum_us;
    uint64_t min_us; /* meaningless when empty */
    uint64_t max_us;
    uint32_t buckets[RIND_HISTOGRAM_BUCKETS];
};

void rind_histogram_add(struct rind_histogram *histogram, uint64_t value_us);

/* Adds all of `other`. */
void rind_histogram_merge(struct rind_histogram *histogram, const struct rind_histogram *other);

/*
 * The smallest value that at least `fraction` (0 to 1) of the values do not exceed, as the upper
 * end of its bucket, and never above the maximum. 0 when empty.
 */
uint64_t rind_histogram_quantile_us(const struct rind_histogram *histogram, double fraction);

/* 0 when empty. */
double rind_histogram_mean_us(const struct rind_histogram *histogram);

#endif
