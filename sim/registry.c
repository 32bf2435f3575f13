/*
 * registry.c - everything that cores ever said: entries, statements, tree nodes.
 *
 * The host forges from it; the judge tells by it what is genuine: with MACs that cannot be forged,
 * genuine is what a core of the same keys has made, and nothing else.
 */
#include "sim.h"

void *sim_alloc(struct sim *sim, size_t size)
{
    void *memory = rind_arena_alloc(&sim->arena, size);
    if (memory == NULL) {
        sim_broken("the arena of a step is full");
    }
    return memory;
}

uint32_t sim_group_find(const struct sim *sim, const struct rind_group_id *id)
{
    for (uint32_t g = 0; g < sim->group_count; g++) {
        if (rind_group_id_equal(&sim->groups[g].id, id)) {
            return g;
        }
    }
    return SIM_NONE;
}

uint32_t sim_hsm_find(const struct sim *sim, const struct rind_hsm_id *id)
{
    for (uint32_t h = 0; h < sim->hsm_count; h++) {
        if (rind_hsm_id_equal(&sim->hsms[h].id, id)) {
            return h;
        }
    }
    return SIM_NONE;
}

uint32_t sim_user_find(const struct sim *sim, const struct rind_record_id *id)
{
    for (uint32_t u = 0; u < sim->user_count; u++) {
        if (rind_record_id_equal(&sim->users[u].record_id, id)) {
            return u;
        }
    }
    return SIM_NONE;
}

uint32_t sim_entry_find(const struct sim *sim, const struct rind_mac *mac)
{
    uint32_t found = sim_index_find(&sim->entries_by_mac, sim_key_of(mac->bytes));
    if (found == SIM_NONE || !rind_mac_equal(&sim->entries[found].entry.entry_mac, mac)) {
        return SIM_NONE;
    }
    return found;
}

static bool registry_partition_equal(const struct rind_partition *a, const struct rind_partition *b)
{
    return rind_owned_range_equal(&a->range, &b->range) &&
           rind_data_hash_equal(&a->root_hash, &b->root_hash);
}

static bool registry_transferring_equal(const struct rind_transferring *a,
                                        const struct rind_transferring *b)
{
    if (a->kind != b->kind) {
        return false;
    }
    if (a->kind == RIND_TRANSFERRING_IN) {
        return rind_group_id_equal(&a->in.source, &b->in.source) &&
               rind_owned_range_equal(&a->in.range, &b->in.range) && a->in.at == b->in.at;
    }
    return rind_group_id_equal(&a->out.destination, &b->out.destination) &&
           registry_partition_equal(&a->out.partition, &b->out.partition) && a->out.at == b->out.at;
}

bool sim_entry_equal(const struct rind_log_entry *a, const struct rind_log_entry *b)
{
    return a->index == b->index && a->has_partition == b->has_partition &&
           (!a->has_partition || registry_partition_equal(&a->partition, &b->partition)) &&
           a->has_transferring == b->has_transferring &&
           (!a->has_transferring ||
            registry_transferring_equal(&a->transferring, &b->transferring)) &&
           rind_mac_equal(&a->prev_mac, &b->prev_mac) &&
           rind_mac_equal(&a->entry_mac, &b->entry_mac) && rind_hsm_id_equal(&a->hsm, &b->hsm);
}

/*
 * Beside its parent an entry knows one ancestor further up, at distances that make any ancestor
 * reachable in about 2 log n hops (the skew-binary "jump pointers" of Myers, 1983).
 */
static uint32_t registry_jump(const struct sim *sim, uint32_t parent)
{
    if (parent == SIM_NONE) {
        return SIM_NONE;
    }
    const struct sim_entry *up = &sim->entries[parent];
    if (up->jump == SIM_NONE) {
        return parent;
    }
    const struct sim_entry *far = &sim->entries[up->jump];
    uint64_t first = up->entry.index - far->entry.index;
    if (far->jump == SIM_NONE) {
        return parent;
    }
    uint64_t second = far->entry.index - sim->entries[far->jump].entry.index;
    return first == second ? far->jump : parent;
}

uint32_t sim_entry_add(struct sim *sim, uint32_t group, const struct rind_log_entry *entry,
                       uint32_t hsm)
{
    sim->entries =
        sim_grow(sim->entries, sim->entry_count, &sim->entry_capacity, sizeof(*sim->entries));
    uint32_t id = (uint32_t)sim->entry_count;
    struct sim_entry *added = &sim->entries[id];
    memset(added, 0, sizeof(*added));
    added->entry = *entry;
    added->group = group;
    added->parent = entry->index == 1 ? SIM_NONE : sim_entry_find(sim, &entry->prev_mac);
    added->jump = registry_jump(sim, added->parent);
    added->hsm = hsm;
    added->taken_out = SIM_NONE;
    added->taken_by = SIM_NONE;
    sim->entry_count++;
    sim_index_put(&sim->entries_by_mac, sim_key_of(entry->entry_mac.bytes), id);
    return id;
}

uint32_t sim_ancestor_at(const struct sim *sim, uint32_t entry, uint64_t index)
{
    while (entry != SIM_NONE && sim->entries[entry].entry.index > index) {
        uint32_t jump = sim->entries[entry].jump;
        bool can_jump = jump != SIM_NONE && sim->entries[jump].entry.index >= index;
        entry = can_jump ? jump : sim->entries[entry].parent;
    }
    return entry != SIM_NONE && sim->entries[entry].entry.index == index ? entry : SIM_NONE;
}

bool sim_is_ancestor(const struct sim *sim, uint32_t ancestor, uint32_t entry)
{
    return entry != SIM_NONE && ancestor != SIM_NONE &&
           sim_ancestor_at(sim, entry, sim->entries[ancestor].entry.index) == ancestor;
}

uint32_t sim_capture_find(const struct sim *sim, unsigned keyset,
                          const struct rind_captured *captured)
{
    uint32_t found =
        sim_index_find(&sim->captures_by_statement, sim_key_of(captured->statement.bytes));
    if (found == SIM_NONE || sim->captures[found].keyset != keyset) {
        return SIM_NONE;
    }
    /* All fields are bytes or 64-bit numbers at multiples of 8: there is no padding. */
    const struct rind_captured *known = &sim->captures[found].captured;
    bool is_equal = rind_hsm_id_equal(&known->hsm, &captured->hsm) &&
                    rind_realm_id_equal(&known->realm, &captured->realm) &&
                    rind_group_id_equal(&known->group, &captured->group) &&
                    known->index == captured->index &&
                    rind_mac_equal(&known->mac, &captured->mac) &&
                    rind_mac_equal(&known->statement, &captured->statement);
    return is_equal ? found : SIM_NONE;
}

void sim_nodes_add(struct sim *sim, const struct rind_store_delta *delta)
{
    for (size_t i = 0; i < delta->add.count; i++) {
        const struct rind_node_addition *added = &delta->add.items[i];
        uint64_t key = sim_key_of(added->key.hash.bytes);
        if (sim_index_find(&sim->nodes_by_hash, key) != SIM_NONE) {
            continue;
        }
        sim->nodes =
            sim_grow(sim->nodes, sim->node_count, &sim->node_capacity, sizeof(*sim->nodes));
        struct rind_node *node = &sim->nodes[sim->node_count];
        *node = added->node;
        if (node->kind == RIND_NODE_LEAF) {
            size_t capacity = 0;
            uint8_t *copy = sim_grow(NULL, 0, &capacity, node->leaf.value.length / 64 + 1);
            memcpy(copy, node->leaf.value.data, node->leaf.value.length);
            node->leaf.value = rind_slice_make(copy, node->leaf.value.length);
        }
        sim_index_put(&sim->nodes_by_hash, key, (uint32_t)sim->node_count);
        sim->node_count++;
    }
}

static bool registry_walk(struct sim *sim, struct rind_walk *walk, struct rind_read_proof *proof)
{
    struct rind_node_key wanted;
    while (rind_walk_wants(walk, &wanted)) {
        uint32_t found = sim_index_find(&sim->nodes_by_hash, sim_key_of(wanted.hash.bytes));
        if (found == SIM_NONE || !rind_is_ok(rind_walk_give(&sim->ctx, walk, &sim->nodes[found]))) {
            return false;
        }
    }
    return rind_is_ok(rind_walk_finish(&sim->ctx, walk, proof));
}

bool sim_proof_record(struct sim *sim, const struct rind_partition *partition,
                      const struct rind_record_id *key, struct rind_read_proof *proof)
{
    struct rind_walk walk;
    rind_walk_start_record(&walk, &partition->range, &partition->root_hash, key);
    return registry_walk(sim, &walk, proof);
}

bool sim_proof_edge(struct sim *sim, const struct rind_partition *partition, enum rind_side side,
                    struct rind_read_proof *proof)
{
    struct rind_walk walk;
    rind_walk_start_edge(&walk, &partition->range, &partition->root_hash, side);
    return registry_walk(sim, &walk, proof);
}
