/*
 * tree.h - what the trusted core does with its tree: verify a proof, insert, split, merge.
 *
 * The core holds no tree, only an overlay: the newest root and a bounded window of recent changes
 * (overlay.h). Proofs come from the untrusted host and are hostile until verified; whatever they
 * hold, the answer is a status. Every function here computes and changes nothing: results are made
 * in ctx's arena, and take effect when the caller, after its own last step that can fail, calls
 * rind_overlay_add (insert) or rind_overlay_open (split, merge). So a failure of any kind leaves
 * the tree as it was.
 *
 * Codes, the same everywhere:
 *   RIND_E_STALE  the proof's root is not in the window any more (or never was): read a fresh proof
 *   RIND_E_AUTH   the proof is malformed or does not lead from its root hash to its key
 *   RIND_E_LIMIT  ctx's arena is full, or a value or change is larger than the overlay takes
 * Borrowed: results point into the proof handed in, which must live as long as they are used.
 * Spec: 03 sections 8 to 13, 02 section 15.
 */
#ifndef RIND_MERKLE_TREE_H
#define RIND_MERKLE_TREE_H

#include "base/base.h"
#include "merkle/overlay.h"
#include "wire/types.h"

/* Interior nodes on one path, root included: prefix lengths 0..255. */
#define RIND_TREE_PATH_COUNT_MAX 256u
/* Longest record value a tree takes. Stored records are 790 bytes; 65536 is what tests use. */
#define RIND_TREE_VALUE_SIZE_BYTES_MAX 65536u

/* One interior node of a verified path. Its prefix is the first `prefix_length` bits of the key. */
struct rind_tree_step {
    struct rind_data_hash hash;
    const struct rind_interior_node *node; /* the proof's, or a copy in the arena once rebased */
    uint16_t prefix_length;
};

/* A proof that was checked, and then brought up to the newest root of the overlay. */
struct rind_verified_proof {
    struct rind_record_id key;
    struct rind_owned_range range;
    struct rind_data_hash root_hash;    /* steps[0].hash */
    const struct rind_tree_step *steps; /* root first */
    uint16_t step_count;                /* 1 .. RIND_TREE_PATH_COUNT_MAX */
    bool has_leaf;                      /* the record exists */
    bool is_rebased;                    /* the host read it from an older root than the newest */
    struct rind_slice value;            /* of the record; borrowed from proof or arena */
    struct rind_data_hash leaf_hash;    /* meaningful with has_leaf */
};

/*
 * What one operation does to the tree. `delta` goes to the host: its adds and removes are disjoint
 * and in ascending order, its node contents belong to the arena, its values are borrowed.
 */
struct rind_tree_change {
    struct rind_data_hash old_root_hash;
    struct rind_data_hash root_hash; /* equal to the old one if nothing changed */
    struct rind_store_delta delta;
};

struct rind_tree_split {
    struct rind_partition left;  /* start .. key - 1 */
    struct rind_partition right; /* key .. end */
    struct rind_store_delta delta;
};

struct rind_tree_merge {
    struct rind_partition joined;
    struct rind_store_delta delta;
};

/* The empty tree over `range`: its root hash, and a delta that adds its one node. */
rind_status rind_tree_new(struct rind_ctx *ctx, const struct rind_owned_range *range,
                          struct rind_data_hash *root_hash,
                          struct rind_store_delta *delta) RIND_MUST_USE;

/*
 * Checks `proof` against itself only (spec 03 section 8): does its path lead from its root hash to
 * its key, or show that the key is absent? Whose root hash and range these are, the caller must
 * know otherwise. RIND_E_AUTH, RIND_E_LIMIT.
 */
rind_status rind_tree_verify_foreign(struct rind_ctx *ctx, const struct rind_read_proof *proof,
                                     struct rind_verified_proof *verified) RIND_MUST_USE;

/*
 * latest_proof: checks that `overlay` knows the proof's root, then the proof itself, then brings it
 * up to the newest root. RIND_E_STALE, RIND_E_AUTH, RIND_E_LIMIT.
 */
rind_status rind_tree_verify(struct rind_ctx *ctx, const struct rind_overlay *overlay,
                             const struct rind_read_proof *proof,
                             struct rind_verified_proof *verified) RIND_MUST_USE;

/*
 * Gives the record `verified->key` the value `value`, on the overlay's newest root. The same value
 * again is an empty change. `value` is borrowed by the change. The overlay is untouched until
 * rind_overlay_add(overlay, change), which cannot fail any more. RIND_E_STALE if `verified` is not
 * of the newest root; RIND_E_LIMIT.
 */
rind_status rind_tree_insert(struct rind_ctx *ctx, const struct rind_overlay *overlay,
                             const struct rind_verified_proof *verified, struct rind_slice value,
                             struct rind_tree_change *change) RIND_MUST_USE;

/*
 * Splits the tree at proof->key, which becomes the first key of the right half and must lie above
 * the range's start (rind_owned_range_split_at gives such keys). The overlay is only read: to go on
 * with a half, rind_overlay_open its root. RIND_E_STALE, RIND_E_AUTH, RIND_E_LIMIT, RIND_E_INVALID
 * (the key is the range's start).
 */
rind_status rind_tree_split(struct rind_ctx *ctx, const struct rind_overlay *overlay,
                            const struct rind_read_proof *proof,
                            struct rind_tree_split *split) RIND_MUST_USE;

/*
 * Joins the overlay's tree (edge proof `mine`) and an adjacent foreign one (edge proof `other`,
 * whose range and root hash the caller has compared with an authentic partition). The overlay is
 * only read: rind_overlay_open the joined root to go on with it. RIND_E_STALE (also when records
 * inserted since `mine` was read moved the edge: read it again), RIND_E_AUTH (either proof),
 * RIND_E_PRECONDITION (ranges not adjacent: the caller's bug), RIND_E_LIMIT.
 */
rind_status rind_tree_merge(struct rind_ctx *ctx, const struct rind_overlay *overlay,
                            const struct rind_read_proof *mine, const struct rind_read_proof *other,
                            struct rind_tree_merge *merge) RIND_MUST_USE;

#endif
