/*
 * cache.h - tree nodes in memory, by realm and row key: a sharded LRU with limits on nodes and
 * bytes. For this folder only. Thread-safe.
 */
#ifndef RIND_STORE_CACHE_H
#define RIND_STORE_CACHE_H

#include "base/base.h"
#include "store/keys.h"

struct rind_node_cache;

struct rind_node_cache_statistics {
    size_t nodes;
    size_t nodes_max;
    size_t bytes;
    uint64_t hits;
    uint64_t misses;
};

/* Room for nodes_max nodes and bytes_max bytes of them (pinned ones may go beyond). */
rind_status rind_node_cache_new(struct rind_ctx *ctx, size_t nodes_max, size_t bytes_max,
                                struct rind_node_cache **cache) RIND_MUST_USE;
void rind_node_cache_free(struct rind_node_cache *cache);

/* A copy of the node's CBOR in ctx->arena, and marks it as used; `*is_found` false if not cached.
 */
rind_status rind_node_cache_get(struct rind_ctx *ctx, struct rind_node_cache *cache,
                                const struct rind_realm_id *realm, struct rind_slice row_key,
                                struct rind_slice *cbor, bool *is_found) RIND_MUST_USE;

/* Caches a node that is in the store under `instance`. Quietly does nothing without memory. */
void rind_node_cache_put(struct rind_node_cache *cache, const struct rind_realm_id *realm,
                         struct rind_slice row_key, struct rind_slice cbor,
                         const uint8_t instance[static RIND_MERKLE_INSTANCE_SIZE]);

/* The instance of a cached node that is in the store. */
bool rind_node_cache_instance(struct rind_node_cache *cache, const struct rind_realm_id *realm,
                              struct rind_slice row_key,
                              uint8_t instance[static RIND_MERKLE_INSTANCE_SIZE]);

/* Drops a node, unless it is pinned. */
void rind_node_cache_remove(struct rind_node_cache *cache, const struct rind_realm_id *realm,
                            struct rind_slice row_key);

/* See nodes.h; false: no memory. */
bool rind_node_cache_pin(struct rind_node_cache *cache, const struct rind_realm_id *realm,
                         struct rind_slice row_key, struct rind_slice cbor);
/* Takes a pin back; with the last one drops the node if the store does not have it. */
void rind_node_cache_unpin(struct rind_node_cache *cache, const struct rind_realm_id *realm,
                           struct rind_slice row_key);

void rind_node_cache_statistics(struct rind_node_cache *cache,
                                struct rind_node_cache_statistics *statistics);

#endif
