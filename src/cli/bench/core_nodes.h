/*
 * core_nodes.h - where the core's host keeps tree nodes and log entries: an interface with two
 * implementations, sparse_tree.h (memory, any size) and tree_store.h (a real store).
 */
#ifndef RIND_CLI_BENCH_CORE_NODES_H
#define RIND_CLI_BENCH_CORE_NODES_H

#include "base/base.h"
#include "wire/wire.h"

struct rind_core_nodes {
    void *self;
    /* The proof of `key` at the newest root, `partition`'s, in ctx's arena. */
    rind_status (*prove)(void *self, struct rind_ctx *ctx, const struct rind_partition *partition,
                         const struct rind_record_id *key, struct rind_read_proof *proof);
    /* Takes what a request made. Proofs see it at once; it is durable after the next flush. */
    rind_status (*apply)(void *self, struct rind_ctx *ctx, const struct rind_log_entry *entry,
                         const struct rind_store_delta *delta);
    /* Before a commit. NULL: nothing to do. */
    rind_status (*flush)(void *self, struct rind_ctx *ctx);
};

#endif
