/*
 * delta.h - the order of node keys, and putting a StoreDelta into it.
 *
 * Order: prefixes bit by bit, a prefix of another first; then hash bytes (docs/spec/03-merkle.md
 * section 5). Encoders emit what they are given, so whoever builds a delta sorts it once.
 */
#ifndef RIND_WIRE_DELTA_H
#define RIND_WIRE_DELTA_H

#include "base/status.h"
#include "wire/types.h"

/*
 * Less than, equal to or greater than 0. Bits at and beyond a length are ignored; lengths above
 * 256 count as 256, so foreign vectors are safe to compare.
 */
int rind_bit_vector_compare(const struct rind_bit_vector *a, const struct rind_bit_vector *b);

/* Less than, equal to or greater than 0. */
int rind_node_key_compare(const struct rind_node_key *a, const struct rind_node_key *b);

/*
 * Sorts both lists ascending in place. Of equal keys in `add` the last one given stays, of equal
 * keys in `remove` one stays (counts shrink). Scratch space comes from ctx->arena and is given
 * back; RIND_E_LIMIT if it does not fit, with the delta untouched.
 */
rind_status rind_store_delta_sort(struct rind_ctx *ctx,
                                  struct rind_store_delta *delta) RIND_MUST_USE;

#endif
