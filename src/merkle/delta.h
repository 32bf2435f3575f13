/*
 * delta.h - squashing store deltas: one delta that does what several do in turn.
 *
 * Spec: 03 section 11, 04 section 8.7, 06 section 6.4. Ordering is in wire/delta.h.
 */
#ifndef RIND_MERKLE_DELTA_H
#define RIND_MERKLE_DELTA_H

#include "base/base.h"
#include "wire/types.h"

/*
 * One delta that does what `count` deltas do one after the other, in ascending order. A node added
 * and later removed appears nowhere; a node removed and later added again is added and not removed
 * (a delayed delete must not meet the living node). Arrays in ctx's arena, node contents borrowed
 * from `deltas`. RIND_E_LIMIT if the arena is full.
 */
rind_status rind_delta_squash(struct rind_ctx *ctx, const struct rind_store_delta *deltas,
                              size_t count, struct rind_store_delta *squashed) RIND_MUST_USE;

#endif
