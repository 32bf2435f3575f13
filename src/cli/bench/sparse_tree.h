/*
 * sparse_tree.h - a tree of very many records of which only the paths to some keys exist.
 *
 * A tree of 500 million records does not fit in memory, and the core never sees it: it sees proofs.
 * So we draw the shape that a tree of so many random records has around the keys that will be used,
 * and put random hashes where nobody will look. Proofs read from it verify like those of the whole
 * tree, are as long, and cost the core the same. Deltas that the core returns are applied.
 *
 * For benchmarks; not thread-safe. Spec of trees and proofs: docs/spec/03-merkle.md.
 */
#ifndef RIND_CLI_BENCH_SPARSE_TREE_H
#define RIND_CLI_BENCH_SPARSE_TREE_H

#include "cli/bench/core_nodes.h"

#define RIND_SPARSE_TREE_RECORDS_MIN 100u /* fewer might leave a half of the tree empty */
#define RIND_SPARSE_TREE_RECORDS_MAX 1000000000000u

struct rind_sparse_tree; /* opaque */

/*
 * A tree of `record_count` random records, none of which is a key in `keys`, over `range` (all
 * records). `keys` are sorted here and not kept. Fills *root_hash. RIND_E_LIMIT without memory.
 */
rind_status rind_sparse_tree_new(struct rind_ctx *ctx, uint64_t record_count, uint64_t seed,
                                 struct rind_record_id *keys, size_t key_count,
                                 struct rind_data_hash *root_hash,
                                 struct rind_sparse_tree **tree) RIND_MUST_USE;

/* NULL is allowed. */
void rind_sparse_tree_free(struct rind_sparse_tree *tree);

/*
 * The tree as a core's host wants it (borrowed). Proofs: RIND_E_NOT_FOUND if the way leads off the
 * drawn paths; their values are the tree's until the next change. Entries of the log are forgotten.
 */
struct rind_core_nodes rind_sparse_tree_nodes(struct rind_sparse_tree *tree);

#endif
