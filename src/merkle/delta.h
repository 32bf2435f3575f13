/*
 * delta.h - ordering and squashing of store deltas.
 *
 * Spec: 03 sections 5 and 11, 04 section 8.7, 06 section 6.4.
 */
#ifndef RIND_MERKLE_DELTA_H
#define RIND_MERKLE_DELTA_H

#include "base/base.h"
#include "wire/types.h"

/* Negative, 0, positive: prefix as bit string first, then hash bytes. Total, whatever they hold. */
int rind_node_key_compare(const struct rind_node_key *a, const struct rind_node_key *b);

/*
 * Puts adds and removes into ascending order in place, drops repeats (of an add the last stays) and
 * drops from the removes what is also added. RIND_E_LIMIT.
 */
rind_status rind_delta_normalise(struct rind_ctx *ctx,
                                 struct rind_store_delta *delta) RIND_MUST_USE;

/*
 * One delta that does what `count` deltas do one after the other, in ascending order. A node added
 * and later removed appears nowhere; a node removed and later added again is added and not removed
 * (a delayed delete must not meet the living node). Arrays in ctx's arena, node contents borrowed
 * from `deltas`. RIND_E_LIMIT.
 */
rind_status rind_delta_squash(struct rind_ctx *ctx, const struct rind_store_delta *deltas,
                              size_t count, struct rind_store_delta *squashed) RIND_MUST_USE;

#endif
