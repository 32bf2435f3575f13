/* tree_model.c - see tree_model.h. */
#include "merkle/tree_model.h"

#include <stdio.h>
#include <stdlib.h>

#include "wire/range.h"

#define MODEL_ARENA_SIZE ((size_t)8 << 20)
#define MODEL_SLOTS_MIN 1024u

enum model_slot_state { MODEL_SLOT_FREE, MODEL_SLOT_THERE, MODEL_SLOT_GONE };

struct model_slot {
    enum model_slot_state state;
    struct rind_node_key key;
    struct rind_node node; /* a leaf's value is on the heap */
};

static void *model_alloc(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (memory == NULL) {
        (void)fprintf(stderr, "tree_model: out of memory\n");
        abort();
    }
    return memory;
}

static _Noreturn void model_broken(const char *what)
{
    (void)fprintf(stderr, "tree_model: the tree is broken: %s\n", what);
    abort();
}

/* --- The store --- */

static bool model_key_equal(const struct rind_node_key *a, const struct rind_node_key *b)
{
    return rind_bits_equal(&a->prefix, &b->prefix) && rind_data_hash_equal(&a->hash, &b->hash);
}

/* The slot of this key, or a free one. */
static struct model_slot *store_slot(const struct model_store *store,
                                     const struct rind_node_key *key)
{
    size_t mask = store->slot_count - 1;
    size_t index = (size_t)rind_get_be64(key->hash.bytes) & mask;
    while (store->slots[index].state != MODEL_SLOT_FREE &&
           !model_key_equal(&store->slots[index].key, key)) {
        index = (index + 1) & mask;
    }
    return &store->slots[index];
}

static void store_drop_value(struct model_slot *slot)
{
    if (slot->node.kind == RIND_NODE_LEAF) {
        free((void *)(uintptr_t)slot->node.leaf.value.data);
    }
    slot->node = (struct rind_node){.kind = RIND_NODE_INTERIOR};
}

/* Makes room for one more; forgets nodes that are gone. */
static void store_grow(struct model_store *store)
{
    struct model_store old = *store;
    while (store->slot_count < 4 * (store->node_count + 1)) {
        store->slot_count *= 2;
    }
    store->slots = model_alloc(store->slot_count, sizeof(*store->slots));
    store->used_count = 0;
    for (size_t i = 0; i < old.slot_count; i++) {
        if (old.slots[i].state == MODEL_SLOT_THERE) {
            *store_slot(store, &old.slots[i].key) = old.slots[i];
            store->used_count++;
        }
    }
    free(old.slots);
}

static void store_add(struct model_store *store, const struct rind_node_addition *add)
{
    if (2 * (store->used_count + 1) > store->slot_count) {
        store_grow(store);
    }
    struct model_slot *slot = store_slot(store, &add->key);
    if (slot->state == MODEL_SLOT_THERE) {
        return; /* same key, same content */
    }
    store->used_count += slot->state == MODEL_SLOT_FREE ? 1 : 0;
    store->node_count++;
    *slot = (struct model_slot){.state = MODEL_SLOT_THERE, .key = add->key, .node = add->node};
    if (add->node.kind == RIND_NODE_LEAF) {
        struct rind_slice value = add->node.leaf.value;
        uint8_t *copy = model_alloc(value.length + 1, 1);
        if (value.length > 0) {
            memcpy(copy, value.data, value.length);
        }
        slot->node.leaf.value = rind_slice_make(copy, value.length);
    }
}

static bool store_remove(struct model_store *store, const struct rind_node_key *key)
{
    struct model_slot *slot = store_slot(store, key);
    if (slot->state != MODEL_SLOT_THERE) {
        return false;
    }
    if (!store->keeps_removed) {
        store_drop_value(slot);
        slot->state = MODEL_SLOT_GONE;
        store->node_count--;
    }
    return true;
}

const struct rind_node *model_find(const struct model *model, const struct rind_node_key *key)
{
    const struct model_slot *slot = store_slot(&model->store, key);
    return slot->state == MODEL_SLOT_THERE ? &slot->node : NULL;
}

const struct rind_node *model_dot_find(void *self, const struct rind_node_key *key)
{
    return model_find(self, key);
}

bool model_apply(struct model *model, const struct rind_store_delta *delta)
{
    bool is_known = true;
    for (size_t i = 0; i < delta->add.count; i++) {
        store_add(&model->store, &delta->add.items[i]);
    }
    for (size_t i = 0; i < delta->remove.count; i++) {
        is_known = store_remove(&model->store, &delta->remove.items[i]) && is_known;
    }
    return is_known;
}

/* --- Life --- */

void model_init(struct model *model, const struct rind_owned_range *range, uint32_t capacity)
{
    *model = (struct model){.range = *range, .capacity = capacity};
    model->store.slot_count = MODEL_SLOTS_MIN;
    model->store.slots = model_alloc(MODEL_SLOTS_MIN, sizeof(*model->store.slots));
    model->arena_memory = model_alloc(1, MODEL_ARENA_SIZE);
    rind_arena_init(&model->arena, model->arena_memory, MODEL_ARENA_SIZE);
    rind_ctx_init(&model->ctx, &model->arena);

    struct rind_overlay_seed seed = {.bytes = {1, 2, 3}};
    size_t size = rind_overlay_size_bytes(capacity);
    model->overlay_memory = model_alloc(1, size);
    struct rind_store_delta delta;
    if (!rind_is_ok(rind_overlay_init(&model->ctx, model->overlay_memory, size, capacity, &seed,
                                      &model->overlay)) ||
        !rind_is_ok(rind_tree_new(&model->ctx, range, &model->root_hash, &delta)) ||
        !model_apply(model, &delta)) {
        model_broken(model->ctx.sentence);
    }
    rind_overlay_open(model->overlay, &model->root_hash);
}

void model_fini(struct model *model)
{
    for (size_t i = 0; i < model->store.slot_count; i++) {
        store_drop_value(&model->store.slots[i]);
    }
    free(model->store.slots);
    free(model->overlay_memory);
    free(model->arena_memory);
    *model = (struct model){.capacity = 0};
}

void model_reset(struct model *model)
{
    rind_arena_reset(&model->arena);
}

void model_reopen(struct model *model, const struct rind_partition *partition)
{
    model->range = partition->range;
    model->root_hash = partition->root_hash;
    rind_overlay_open(model->overlay, &partition->root_hash);
}

/* --- Requests --- */

static rind_status model_walk(struct model *model, struct rind_walk *walk,
                              struct rind_read_proof *proof)
{
    struct rind_node_key wanted;
    while (rind_walk_wants(walk, &wanted)) {
        const struct rind_node *node = model_find(model, &wanted);
        RIND_REQUIRE(&model->ctx, node != NULL, RIND_E_NOT_FOUND, "node at bit %u is missing",
                     wanted.prefix.length);
        RIND_TRY(rind_walk_give(&model->ctx, walk, node));
    }
    return rind_walk_finish(&model->ctx, walk, proof);
}

rind_status model_read(struct model *model, const struct rind_data_hash *root_hash,
                       const struct rind_record_id *key, struct rind_read_proof *proof)
{
    struct rind_walk walk;
    rind_walk_start_record(&walk, &model->range, root_hash, key);
    return model_walk(model, &walk, proof);
}

rind_status model_read_edge(struct model *model, const struct rind_data_hash *root_hash,
                            enum rind_side side, struct rind_read_proof *proof)
{
    struct rind_walk walk;
    rind_walk_start_edge(&walk, &model->range, root_hash, side);
    return model_walk(model, &walk, proof);
}

rind_status model_insert_with(struct model *model, const struct rind_read_proof *proof,
                              struct rind_slice value, struct rind_tree_change *change)
{
    struct rind_verified_proof verified;
    RIND_TRY(rind_tree_verify(&model->ctx, model->overlay, proof, &verified));
    RIND_TRY(rind_tree_insert(&model->ctx, model->overlay, &verified, value, change));
    rind_overlay_add(model->overlay, change);
    if (!model_apply(model, &change->delta)) {
        model_broken("an insert removes a node that is not there");
    }
    model->root_hash = change->root_hash;
    return RIND_OK;
}

rind_status model_insert(struct model *model, const struct rind_record_id *key,
                         struct rind_slice value)
{
    struct rind_read_proof proof;
    struct rind_tree_change change;
    RIND_TRY(model_read(model, &model->root_hash, key, &proof));
    return model_insert_with(model, &proof, value, &change);
}

bool model_get(struct model *model, const struct rind_record_id *key, struct rind_slice *value)
{
    struct rind_read_proof proof;
    struct rind_verified_proof verified;
    if (!rind_is_ok(model_read(model, &model->root_hash, key, &proof)) ||
        !rind_is_ok(rind_tree_verify(&model->ctx, model->overlay, &proof, &verified))) {
        model_broken(model->ctx.sentence);
    }
    *value = verified.value;
    return verified.has_leaf;
}

/* --- Checking the whole tree --- */

struct check_item {
    struct rind_node_key key;
};

/* Checks one node and pushes its children; returns how many. */
static size_t check_node(const struct model *model, const struct rind_node_key *key,
                         struct check_item *children)
{
    const struct rind_node *node = model_find(model, key);
    if (node == NULL) {
        model_broken("a node is missing");
    }
    struct rind_data_hash hash;
    if (node->kind == RIND_NODE_LEAF) {
        struct rind_record_id id;
        memcpy(id.bytes, key->prefix.bits, sizeof(id.bytes));
        if (key->prefix.length != 256 || !rind_owned_range_contains(&model->range, &id)) {
            model_broken("a leaf is out of place");
        }
        rind_hash_leaf(&id, node->leaf.value, &hash);
    } else if (key->prefix.length == 0) {
        rind_hash_root(&model->range, &node->interior, &hash);
    } else {
        rind_hash_interior(&node->interior, &hash); /* asserts both branches */
    }
    if (!rind_data_hash_equal(&hash, &key->hash)) {
        model_broken("a hash is wrong");
    }
    size_t count = 0;
    const struct rind_branch *branches[2] = {&node->interior.left, &node->interior.right};
    bool has[2] = {node->kind == RIND_NODE_INTERIOR && node->interior.has_left,
                   node->kind == RIND_NODE_INTERIOR && node->interior.has_right};
    for (unsigned side = 0; side < 2; side++) {
        if (has[side]) {
            if (branches[side]->prefix.length == 0 ||
                rind_bits_get(&branches[side]->prefix, 0) != side) {
                model_broken("a prefix is wrong");
            }
            children[count++].key = (struct rind_node_key){
                .prefix = rind_bits_concat(&key->prefix, &branches[side]->prefix),
                .hash = branches[side]->hash};
        }
    }
    return count;
}

size_t model_check(const struct model *model, size_t *leaf_count)
{
    struct check_item stack[2 * RIND_BITS_LENGTH_MAX + 2];
    size_t depth = 0;
    size_t node_count = 0;
    *leaf_count = 0;
    stack[depth++].key = (struct rind_node_key){.hash = model->root_hash};
    while (depth > 0) {
        struct rind_node_key key = stack[--depth].key;
        depth += check_node(model, &key, &stack[depth]);
        node_count++;
        *leaf_count += key.prefix.length == RIND_BITS_LENGTH_MAX ? 1 : 0;
    }
    return node_count;
}

/* --- Random numbers and ids --- */

uint64_t model_random(uint64_t *state)
{
    *state += 0x9e3779b97f4a7c15u;
    uint64_t mixed = *state;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
    return mixed ^ (mixed >> 31);
}

struct rind_record_id model_random_id(uint64_t *state)
{
    struct rind_record_id id;
    for (unsigned i = 0; i < sizeof(id.bytes); i += 8) {
        rind_put_be64(id.bytes + i, model_random(state));
    }
    return id;
}

struct rind_record_id model_id(size_t count, const uint8_t *bytes)
{
    struct rind_record_id id = {.bytes = {0}};
    memcpy(id.bytes, bytes, count < sizeof(id.bytes) ? count : sizeof(id.bytes));
    return id;
}
