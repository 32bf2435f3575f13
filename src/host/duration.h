/*
 * duration.h - durations and sizes as operators write them.
 *
 * Durations: spec 05 section 11, 06 section 12.4: "20s", "1.5 ms", ".1 s", "3 days". Sizes: digits
 * and an optional unit B, KiB, MiB, GiB, TiB (or K, M, G, T), such as "64MiB". No state.
 */
#ifndef RIND_HOST_DURATION_H
#define RIND_HOST_DURATION_H

#include "base/slice.h"
#include "base/status.h"

/* Largest duration accepted: nothing waits for 100 years; keeps sums far from overflow. */
#define RIND_DURATION_NS_MAX (100ull * 366u * 86400u * 1000000000u)

/* RIND_E_INVALID with exactly the specified sentence if `text` is not a duration. */
rind_status rind_duration_parse(struct rind_ctx *ctx, struct rind_slice text,
                                uint64_t *duration_ns) RIND_MUST_USE;

#define RIND_DURATION_TEXT_SIZE 32u

/* Writes the shortest text that parses back to the same duration: "20s", "1500us". */
void rind_duration_format(uint64_t duration_ns, char text[static RIND_DURATION_TEXT_SIZE]);

/* RIND_E_INVALID if `text` is not a size or exceeds 2^63 - 1 bytes. */
rind_status rind_size_parse(struct rind_ctx *ctx, struct rind_slice text,
                            uint64_t *size_bytes) RIND_MUST_USE;

/* Decimal digits only, at most UINT64_MAX. */
rind_status rind_u64_parse(struct rind_ctx *ctx, struct rind_slice text,
                           uint64_t *value) RIND_MUST_USE;

#endif
