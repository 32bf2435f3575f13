/*
 * walk.h - reading a tree from storage, node by node, into a proof.
 *
 * The caller drives: it looks up the node that the walk wants, wherever nodes are (cache, rows
 * fetched in one go, single reads), and hands it in, until the walk wants none:
 *
 *     rind_walk_start_record(&walk, &range, &root_hash, &record_id);
 *     while (rind_walk_wants(&walk, &wanted)) {
 *         ... look `wanted` up; not there: the root is outdated, retry from the newest ...
 *         RIND_TRY(rind_walk_give(ctx, &walk, node));
 *     }
 *     RIND_TRY(rind_walk_finish(ctx, &walk, &proof));
 *
 * Trusts nothing it is given to be well-formed, and checks no hashes: the core will. Used outside
 * the core (store, agent). Spec: 03 section 7, 04 section 11.2.
 */
#ifndef RIND_MERKLE_WALK_H
#define RIND_MERKLE_WALK_H

#include "base/base.h"
#include "merkle/bits.h"
#include "merkle/tree.h"

struct rind_walk {
    struct rind_owned_range range;
    struct rind_data_hash root_hash;
    struct rind_data_hash wanted_hash;
    struct rind_bit_vector path_bits; /* record: all 256 bits; edge: those walked so far */
    uint16_t position;                /* bits walked: the wanted node's prefix length */
    bool is_edge;                     /* else a record */
    bool is_done;
    enum rind_side side; /* of an edge */
    uint16_t path_count;
    const struct rind_interior_node *path[RIND_TREE_PATH_COUNT_MAX]; /* borrowed from nodes given */
    const struct rind_leaf_node *leaf;                               /* likewise; NULL: none */
};

/* Starts at the root towards `key`, to prove that its record is there or is not. */
void rind_walk_start_record(struct rind_walk *walk, const struct rind_owned_range *range,
                            const struct rind_data_hash *root_hash,
                            const struct rind_record_id *key);

/* Starts at the root towards the outermost record on `side`, for a merge. */
void rind_walk_start_edge(struct rind_walk *walk, const struct rind_owned_range *range,
                          const struct rind_data_hash *root_hash, enum rind_side side);

/* True and *wanted if the walk goes on with that node; false when it is done. */
bool rind_walk_wants(const struct rind_walk *walk, struct rind_node_key *wanted);

/*
 * Takes the node it wanted, which must outlive the walk and the proof. RIND_E_CORRUPT if such a
 * node cannot be at this place of a tree; the walk is then over.
 */
rind_status rind_walk_give(struct rind_ctx *ctx, struct rind_walk *walk,
                           const struct rind_node *node) RIND_MUST_USE;

/* The proof, once the walk is done (asserted). Its path is an array in ctx's arena. RIND_E_LIMIT.
 */
rind_status rind_walk_finish(struct rind_ctx *ctx, const struct rind_walk *walk,
                             struct rind_read_proof *proof) RIND_MUST_USE;

/* Which edge each tree must show when `incoming` is merged with `owned`: spec 03 section 13. */
void rind_walk_merge_sides(const struct rind_owned_range *owned,
                           const struct rind_owned_range *incoming, enum rind_side *owned_side,
                           enum rind_side *incoming_side);

#endif
