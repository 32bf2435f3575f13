/* cluster_store.c - logs and tree nodes: see cluster.h. */
#include <stdlib.h>

#include "hsm/cluster_inner.h"

/*
 * Nodes by hash, open addressing. Removals are ignored, as in a store that has not got round to
 * them yet: proofs of older roots stay readable.
 */
struct cluster_nodes {
    struct rind_node_addition *slots; /* kind 0: free */
    size_t slot_count;                /* a power of two */
    size_t count;
};

#define CLUSTER_NODES_SLOTS_FIRST 1024u

static void *store_calloc(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (memory == NULL) {
        cluster_fail("calloc", "no memory");
    }
    return memory;
}

struct cluster_nodes *cluster_nodes_new(void)
{
    struct cluster_nodes *nodes = store_calloc(1, sizeof(*nodes));
    nodes->slot_count = CLUSTER_NODES_SLOTS_FIRST;
    nodes->slots = store_calloc(nodes->slot_count, sizeof(*nodes->slots));
    return nodes;
}

void cluster_nodes_free(struct cluster_nodes *nodes)
{
    for (size_t i = 0; i < nodes->slot_count; i++) {
        if (nodes->slots[i].node.kind == RIND_NODE_LEAF) {
            free((void *)(uintptr_t)nodes->slots[i].node.leaf.value.data);
        }
    }
    free(nodes->slots);
    free(nodes);
}

static struct rind_node_addition *nodes_slot(struct cluster_nodes *nodes,
                                             const struct rind_node_key *key)
{
    size_t at = (size_t)rind_get_be64(key->hash.bytes) & (nodes->slot_count - 1);
    while (nodes->slots[at].node.kind != 0 &&
           rind_node_key_compare(&nodes->slots[at].key, key) != 0) {
        at = (at + 1) & (nodes->slot_count - 1);
    }
    return &nodes->slots[at];
}

static void nodes_grow(struct cluster_nodes *nodes)
{
    struct rind_node_addition *old = nodes->slots;
    size_t old_count = nodes->slot_count;
    nodes->slot_count *= 2;
    nodes->slots = store_calloc(nodes->slot_count, sizeof(*nodes->slots));
    for (size_t i = 0; i < old_count; i++) {
        if (old[i].node.kind != 0) {
            *nodes_slot(nodes, &old[i].key) = old[i];
        }
    }
    free(old);
}

static void nodes_add(struct cluster_nodes *nodes, const struct rind_node_addition *addition)
{
    if (2 * nodes->count >= nodes->slot_count) {
        nodes_grow(nodes);
    }
    struct rind_node_addition *slot = nodes_slot(nodes, &addition->key);
    if (slot->node.kind != 0) {
        return;
    }
    *slot = *addition;
    if (addition->node.kind == RIND_NODE_LEAF) {
        struct rind_slice value = addition->node.leaf.value;
        uint8_t *copy = store_calloc(1, value.length + 1);
        memcpy(copy, value.data, value.length);
        slot->node.leaf.value = rind_slice_make(copy, value.length);
    }
    nodes->count++;
}

struct cluster_log *cluster_log_add(struct cluster *cluster, const struct rind_group_id *group)
{
    if (cluster->log_count == CLUSTER_GROUPS_MAX) {
        cluster_fail("logs", "too many groups");
    }
    struct cluster_log *log = &cluster->logs[cluster->log_count];
    *log = (struct cluster_log){.group = *group, .capacity = 64};
    log->entries = store_calloc(log->capacity, sizeof(*log->entries));
    for (unsigned h = 0; h < cluster->hsm_count; h++) {
        cluster->hsms[h].next_index[cluster->log_count] = 1;
    }
    cluster->log_count++;
    return log;
}

struct cluster_log *cluster_log_of(struct cluster *cluster, const struct rind_group_id *group)
{
    for (unsigned i = 0; i < cluster->log_count; i++) {
        if (rind_group_id_equal(&cluster->logs[i].group, group)) {
            return &cluster->logs[i];
        }
    }
    cluster_fail("logs", "no such group");
}

const struct rind_log_entry *cluster_last(struct cluster *cluster,
                                          const struct rind_group_id *group)
{
    struct cluster_log *log = cluster_log_of(cluster, group);
    RIND_ASSERT(log->count > 0);
    return &log->entries[log->count - 1];
}

bool cluster_append(struct cluster *cluster, const struct rind_group_id *group,
                    const struct rind_log_entry *entry, const struct rind_store_delta *delta)
{
    if (delta != NULL) {
        for (size_t i = 0; i < delta->add.count; i++) {
            nodes_add(cluster->nodes, &delta->add.items[i]);
        }
    }
    struct cluster_log *log = cluster_log_of(cluster, group);
    if (entry->index != log->count + 1 ||
        (log->count > 0 &&
         !rind_mac_equal(&log->entries[log->count - 1].entry_mac, &entry->prev_mac))) {
        return false;
    }
    if (log->count == log->capacity) {
        log->capacity *= 2;
        log->entries = realloc(log->entries, log->capacity * sizeof(*log->entries));
        if (log->entries == NULL) {
            cluster_fail("realloc", "no memory");
        }
    }
    log->entries[log->count] = *entry;
    log->count++;
    return true;
}

static struct rind_read_proof store_walk(struct cluster *cluster, struct rind_walk *walk)
{
    struct rind_node_key wanted;
    while (rind_walk_wants(walk, &wanted)) {
        struct rind_node_addition *slot = nodes_slot(cluster->nodes, &wanted);
        if (slot->node.kind == 0) {
            cluster_fail("nodes", "a node of the tree was never stored");
        }
        /* The table may move when it grows; the proof outlives that. */
        struct rind_node *copy = cluster_alloc(cluster, 1, sizeof(*copy));
        *copy = slot->node;
        cluster_require(cluster, rind_walk_give(&cluster->ctx, walk, copy), "walk");
    }
    struct rind_read_proof proof;
    cluster_require(cluster, rind_walk_finish(&cluster->ctx, walk, &proof), "walk");
    return proof;
}

struct rind_read_proof cluster_proof(struct cluster *cluster,
                                     const struct rind_partition *partition,
                                     const struct rind_record_id *key)
{
    struct rind_walk walk;
    rind_walk_start_record(&walk, &partition->range, &partition->root_hash, key);
    return store_walk(cluster, &walk);
}

struct rind_read_proof cluster_edge_proof(struct cluster *cluster,
                                          const struct rind_partition *partition,
                                          enum rind_side side)
{
    struct rind_walk walk;
    rind_walk_start_edge(&walk, &partition->range, &partition->root_hash, side);
    return store_walk(cluster, &walk);
}
