/*
 * tree_store.h - the tree and log of a group in a real store, for `rind bench tree`.
 *
 * Loads any number of random records in bulk, then serves a core's host (core_nodes.h) as an agent
 * does: proofs through the store's node cache, nodes of requests under way pinned, one append per
 * batch. Counts what is read and written. One thread, but for the store's own.
 */
#ifndef RIND_CLI_BENCH_TREE_STORE_H
#define RIND_CLI_BENCH_TREE_STORE_H

#include "base/base.h"
#include "cli/bench/core_nodes.h"
#include "host/host.h"
#include "store/store.h"

#define RIND_TREE_STORE_RECORDS_MIN 100u
#define RIND_TREE_STORE_RECORDS_MAX 100000000u /* 128 bytes of memory each while loading */
#define RIND_TREE_STORE_PATH_SIZE_MAX 1024u

/* Since the last rind_tree_store_reset. */
struct rind_tree_store_counts {
    uint64_t proofs;
    uint64_t nodes;        /* in those proofs */
    uint64_t nodes_cached; /* of them, found in memory */
    uint64_t proof_ns;     /* wall clock */
    uint64_t appends;
    uint64_t append_ns;     /* wall clock */
    uint64_t bytes_written; /* keys, nodes and entries handed to the store */
};

struct rind_tree_store; /* opaque */

/* Opens a store in `directory`, which must not hold one, with the tables of `realm`. */
rind_status rind_tree_store_open(struct rind_ctx *ctx, const char *directory,
                                 const struct rind_realm_id *realm,
                                 const struct rind_group_id *group,
                                 struct rind_tree_store **store) RIND_MUST_USE;

/* Closes; the directory stays. NULL is allowed. */
void rind_tree_store_close(struct rind_tree_store *store);

/*
 * Writes the tree of `record_count` random records. Once, right after opening. `progress` (may be
 * NULL) is told now and then how many nodes of how many are written.
 */
rind_status rind_tree_store_load(struct rind_ctx *ctx, struct rind_tree_store *store,
                                 uint64_t record_count, uint64_t seed,
                                 void (*progress)(uint64_t done, uint64_t all),
                                 struct rind_data_hash *root_hash) RIND_MUST_USE;

/* As after a restart: no node in memory, and none of the file in the system's cache, if it lets us.
 */
rind_status rind_tree_store_forget(struct rind_ctx *ctx,
                                   struct rind_tree_store *store) RIND_MUST_USE;

/* For a core's host; borrowed. */
struct rind_core_nodes rind_tree_store_nodes(struct rind_tree_store *store);

void rind_tree_store_reset(struct rind_tree_store *store);
struct rind_tree_store_counts rind_tree_store_counts(const struct rind_tree_store *store);

/* Bytes of the store's file. */
uint64_t rind_tree_store_size(struct rind_tree_store *store);

#endif
