/*
 * check_walk.h - all trees of a realm verified in one pass over the tree table. For this folder
 * only.
 *
 * The table is cut into groups: all rows whose keys begin with the same k bytes of 7 bits, that is
 * everything below one place of the tree, in one range of keys (docs/spec/03-merkle.md section 6).
 * Rows of a group that fits into one page are read at once, and trees walked in memory from the
 * nodes that are expected there; what no walk comes to is garbage. A group that does not fit has
 * the nodes of its uppermost seven levels read one by one, which tells what is expected in the 128
 * groups below it. So nearly every page is read once, whatever is garbage, in about the order in
 * which the pages are; and the groups are independent, so that several threads read at a time: a
 * disk that is asked for one page after the other gives a fraction of what it can.
 *
 * Memory does not grow with the table: a page for each thread, and for each thread and each level
 * of groups above (five for 500 million records) at most 128 groups that wait, each with the one
 * node that is expected in it.
 */
#ifndef RIND_STORE_CHECK_WALK_H
#define RIND_STORE_CHECK_WALK_H

#include "store/check.h"
#include "wire/types.h"

#define RIND_STORE_CHECK_THREADS 16u

/* A node that a tree says must be there. */
struct rind_check_node {
    struct rind_bit_vector prefix;
    struct rind_data_hash hash;
    struct rind_row_key row_key;
    uint32_t tree; /* which */
};

/* A tree, and what was found of it. */
struct rind_check_tree {
    const struct rind_group_id *group;
    struct rind_partition partition;
    bool is_in_transfer; /* being given away */
    uint64_t nodes;      /* reached and right, leaves included */
    uint64_t leaves;
};

struct rind_check_walk {
    struct rind_store *store;
    const struct rind_realm_id *realm;
    const struct rind_store_progress *progress; /* called by one thread at a time; may be NULL */
    struct rind_deadline deadline;
    struct rind_check_tree *trees;
    size_t tree_count;
    struct rind_store_check_result
        *result; /* gets rows, rows_malformed, missing, wrong, problems */
};

/* Verifies all trees and counts all rows. */
rind_status rind_check_walk_run(struct rind_ctx *ctx,
                                const struct rind_check_walk *walk) RIND_MUST_USE;

/* ---- check_node.c ---- */

/* The root of a tree. */
void rind_check_node_root(const struct rind_check_walk *walk, uint32_t tree,
                          struct rind_check_node *root);

/*
 * Whether every stored instance of a node is the node; then `*is_leaf` tells its kind, and
 * children[0 .. *child_count) are what it says must be below it.
 */
bool rind_check_node_is_right(struct rind_ctx *ctx, const struct rind_check_walk *walk,
                              const struct rind_check_node *node, const struct rind_row *row,
                              struct rind_check_node children[2], size_t *child_count,
                              bool *is_leaf);

#endif
