/*
 * nodes.h - reading tree nodes from the store, and the cache in front of it (docs/spec/04-store.md
 * sections 7 and 11).
 *
 * Nodes are content-addressed: the row key ends in the node's hash, so whatever is found under a
 * key may be used wherever that key is wanted; the HSM checks hashes, nothing is trusted here.
 * Nodes are cached and returned as CBOR, so that proofs are spliced, not re-encoded.
 *
 * The cache is one LRU per store, in shards, with limits on nodes and bytes. An agent pins nodes
 * that its HSM has made but the store has not acknowledged yet: they are found by path lookups (so
 * proofs can be built on the newest root), and stay until unpinned.
 */
#ifndef RIND_STORE_NODES_H
#define RIND_STORE_NODES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"
#include "host/clock.h"
#include "merkle/bits.h"
#include "store/log.h"

#define RIND_PATH_NODES_MAX 257u /* root, at most 255 interior nodes below it, leaf */
#define RIND_MERKLE_CACHE_NODES_AGENT 25000u
#define RIND_MERKLE_LARGE_READ_RANGES 246u
#define RIND_MERKLE_LARGE_READ_PERMITS 10u
#define RIND_MERKLE_LARGE_READ_WAIT_MS 3000u
#define RIND_MERKLE_PATH_READ_SIZE_BYTES_MAX (4u << 20)

struct rind_path_node {
    struct rind_data_hash hash;
    struct rind_slice row_key;
    struct rind_slice cbor;    /* {"Interior": content} or {"Leaf": content} */
    struct rind_slice content; /* the bare content, as a proof's `path` and `leaf` hold it */
    uint16_t prefix_bits;      /* of the node's place below the root: 0 for the root */
    bool is_leaf;
};

struct rind_path {
    struct rind_path_node *nodes; /* root first; memory of ctx->arena */
    size_t count;                 /* at least 1 */
    size_t count_cached;          /* of them, found in the cache */
    size_t count_extraneous;      /* rows read and not used (metrics) */
};

/*
 * The nodes from the root with hash `root` towards `record` (section 11.2): it ends with the leaf
 * if the record exists, else with the interior node that proves absence.
 *   RIND_E_STALE     a node is missing, usually deleted since: take the newest root and try again
 *   RIND_E_BUSY      no permit for a large read within 3 s; try again
 *   RIND_E_CORRUPT   a leaf as root, or undecodable nodes
 */
rind_status rind_store_read_path(struct rind_ctx *ctx, struct rind_store *store,
                                 const struct rind_realm_id *realm,
                                 const struct rind_record_id *record,
                                 const struct rind_data_hash *root, struct rind_deadline deadline,
                                 struct rind_path *path) RIND_MUST_USE;

/*
 * The nodes along one edge of the tree, for merges (document 03 section 7.2), ending with the leaf
 * unless the tree is empty. `key` is the leaf's record id; for an empty tree it is untouched and
 * the caller takes the range's own end. Errors as rind_store_read_path.
 */
rind_status rind_store_read_edge(struct rind_ctx *ctx, struct rind_store *store,
                                 const struct rind_realm_id *realm,
                                 const struct rind_data_hash *root, enum rind_side side,
                                 struct rind_deadline deadline, struct rind_path *path,
                                 struct rind_record_id *key) RIND_MUST_USE;

/* One node by row key (section 11.3); RIND_E_STALE if absent. Memory of ctx->arena. */
rind_status rind_store_read_node(struct rind_ctx *ctx, struct rind_store *store,
                                 const struct rind_realm_id *realm, struct rind_slice row_key,
                                 struct rind_deadline deadline,
                                 struct rind_slice *cbor) RIND_MUST_USE;

/*
 * Keeps nodes in the cache, beyond its limit if need be, until each pin is taken back: after the
 * append that wrote them was acknowledged, or when leadership was lost. A node which the store has
 * acknowledged then stays as an ordinary cached one, another is dropped. The caller bounds how much
 * it pins. RIND_E_LIMIT, with nothing pinned, when memory is short.
 */
rind_status rind_store_pin_nodes(struct rind_ctx *ctx, struct rind_store *store,
                                 const struct rind_realm_id *realm,
                                 const struct rind_store_node *nodes,
                                 size_t node_count) RIND_MUST_USE;
void rind_store_unpin_nodes(struct rind_store *store, const struct rind_realm_id *realm,
                            const struct rind_store_node *nodes, size_t node_count);

/* ---- orphans ---- */

#define RIND_SWEEP_AGE_MS_MIN 86400000u /* a day */

struct rind_sweep_result {
    uint64_t rows_seen;
    uint64_t rows_removed;
    uint64_t rows_undecided; /* the tree changed while we looked; the next sweep sees them again */
};

/*
 * Removes nodes of a realm that no group's newest log entry reaches and whose every instance is
 * older than `age_ms` (at least RIND_SWEEP_AGE_MS_MIN): what crashes and lost appends left behind.
 * Reads the whole table, may take hours, and may run while the realm works. `*result` is filled
 * also on failure.
 */
rind_status rind_store_sweep_nodes(struct rind_ctx *ctx, struct rind_store *store,
                                   const struct rind_realm_id *realm, uint64_t age_ms,
                                   struct rind_deadline deadline,
                                   struct rind_sweep_result *result) RIND_MUST_USE;

#endif
