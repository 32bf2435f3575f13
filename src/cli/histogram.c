/* histogram.c - see histogram.h. */
#include "cli/histogram.h"

#include <stddef.h>

#define HISTOGRAM_DETAIL ((uint64_t)1 << RIND_HISTOGRAM_DETAIL_BITS)
#define HISTOGRAM_VALUE_MAX (((uint64_t)1 << RIND_HISTOGRAM_VALUE_BITS) - 1)

/* How many of a value's low bits its bucket forgets. */
static unsigned histogram_shift(uint64_t value_us)
{
    unsigned bits = value_us == 0 ? 0 : 64u - (unsigned)__builtin_clzll(value_us);
    return bits > RIND_HISTOGRAM_DETAIL_BITS + 1 ? bits - RIND_HISTOGRAM_DETAIL_BITS - 1 : 0;
}

/* Values below 256 have a bucket each; then 128 buckets to each doubling. */
static size_t histogram_bucket(uint64_t value_us)
{
    unsigned shift = histogram_shift(value_us);
    return (size_t)((value_us >> shift) + shift * HISTOGRAM_DETAIL);
}

/* The largest value in a bucket. */
static uint64_t histogram_bucket_end(size_t bucket)
{
    if (bucket < 2 * HISTOGRAM_DETAIL) {
        return bucket;
    }
    uint64_t shift = bucket / HISTOGRAM_DETAIL - 1;
    uint64_t top = bucket - shift * HISTOGRAM_DETAIL;
    return ((top + 1) << shift) - 1;
}

void rind_histogram_add(struct rind_histogram *histogram, uint64_t value_us)
{
    uint64_t value = value_us < HISTOGRAM_VALUE_MAX ? value_us : HISTOGRAM_VALUE_MAX;
    if (histogram->count == 0 || value < histogram->min_us) {
        histogram->min_us = value;
    }
    if (value > histogram->max_us) {
        histogram->max_us = value;
    }
    histogram->count++;
    histogram->sum_us += value;
    histogram->buckets[histogram_bucket(value)]++;
}

void rind_histogram_merge(struct rind_histogram *histogram, const struct rind_histogram *other)
{
    if (other->count == 0) {
        return;
    }
    if (histogram->count == 0 || other->min_us < histogram->min_us) {
        histogram->min_us = other->min_us;
    }
    if (other->max_us > histogram->max_us) {
        histogram->max_us = other->max_us;
    }
    histogram->count += other->count;
    histogram->sum_us += other->sum_us;
    for (size_t i = 0; i < RIND_HISTOGRAM_BUCKETS; i++) {
        histogram->buckets[i] += other->buckets[i];
    }
}

uint64_t rind_histogram_quantile_us(const struct rind_histogram *histogram, double fraction)
{
    double wanted = fraction * (double)histogram->count;
    uint64_t seen = 0;
    for (size_t i = 0; i < RIND_HISTOGRAM_BUCKETS; i++) {
        seen += histogram->buckets[i];
        if (seen > 0 && (double)seen >= wanted) {
            uint64_t end = histogram_bucket_end(i);
            return end < histogram->max_us ? end : histogram->max_us;
        }
    }
    return histogram->max_us;
}

double rind_histogram_mean_us(const struct rind_histogram *histogram)
{
    return histogram->count == 0 ? 0 : (double)histogram->sum_us / (double)histogram->count;
}
