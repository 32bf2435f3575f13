/*
 * full_tree.h - the tree of many random records, whole and in memory, to load it into a store.
 */
#ifndef RIND_CLI_BENCH_FULL_TREE_H
#define RIND_CLI_BENCH_FULL_TREE_H

#include "base/base.h"
#include "wire/wire.h"

#define RIND_FULL_TREE_VALUE_SIZE 790u /* of a record: a registered one, sealed */

struct rind_full_tree; /* opaque */

/* RIND_E_LIMIT without memory; RIND_E_INVALID if all records are on one side of the root. */
rind_status rind_full_tree_new(struct rind_ctx *ctx, uint64_t record_count, uint64_t seed,
                               struct rind_full_tree **tree) RIND_MUST_USE;

/* NULL is allowed. */
void rind_full_tree_free(struct rind_full_tree *tree);

const struct rind_data_hash *rind_full_tree_root(const struct rind_full_tree *tree);

/* Nodes in all: one per record and one less per fork. */
uint64_t rind_full_tree_count(const struct rind_full_tree *tree);

/* Node `index` below the count; its value, if it is a leaf, is the tree's. */
void rind_full_tree_node(const struct rind_full_tree *tree, uint64_t index,
                         struct rind_node_addition *addition);

#endif
