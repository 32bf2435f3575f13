/*
 * tree_model.h - a whole tree for tests and benchmarks: a store of nodes in memory, and the core's
 * overlay on top, driven the way an agent and an HSM do it.
 *
 * Heap-backed; runs out of memory by aborting. Every request's results live in the model's arena
 * until the next call of model_reset.
 */
#ifndef RIND_TESTS_MERKLE_TREE_MODEL_H
#define RIND_TESTS_MERKLE_TREE_MODEL_H

#include "merkle/merkle.h"

struct model_slot; /* a stored node */

/* Nodes by key, as storage has them. */
struct model_store {
    struct model_slot *slots;
    size_t slot_count;  /* power of two */
    size_t used_count;  /* slots that hold or held a node */
    size_t node_count;  /* nodes that are there */
    bool keeps_removed; /* removes only count; old roots stay readable */
};

struct model {
    struct model_store store;
    struct rind_owned_range range;
    struct rind_data_hash root_hash;
    struct rind_overlay *overlay;
    void *overlay_memory;
    uint32_t capacity;
    void *arena_memory;
    struct rind_arena arena;
    struct rind_ctx ctx;
};

/* An empty tree over `range`. */
void model_init(struct model *model, const struct rind_owned_range *range, uint32_t capacity);
void model_fini(struct model *model);

/* Gives back everything the last requests made. */
void model_reset(struct model *model);

/* The node of this key, or NULL. */
const struct rind_node *model_find(const struct model *model, const struct rind_node_key *key);
/* The same for rind_dot_write: `self` is the model. */
const struct rind_node *model_dot_find(void *self, const struct rind_node_key *key);

/* Stores adds and deletes removes. False if a remove names a node that is not there. */
bool model_apply(struct model *model, const struct rind_store_delta *delta);

/* Reads proofs at a root; NOT_FOUND if a node is missing. */
rind_status model_read(struct model *model, const struct rind_data_hash *root_hash,
                       const struct rind_record_id *key, struct rind_read_proof *proof);
rind_status model_read_edge(struct model *model, const struct rind_data_hash *root_hash,
                            enum rind_side side, struct rind_read_proof *proof);

/* One whole write: read at the newest root, verify, insert, enter, store. */
rind_status model_insert(struct model *model, const struct rind_record_id *key,
                         struct rind_slice value);

/* The rest of a write that starts from a given proof. */
rind_status model_insert_with(struct model *model, const struct rind_read_proof *proof,
                              struct rind_slice value, struct rind_tree_change *change);

/* The record's value at the newest root: true and *value, or false. Aborts if the tree is broken.
 */
bool model_get(struct model *model, const struct rind_record_id *key, struct rind_slice *value);

/*
 * Walks the whole tree, checking every hash and prefix; aborts with a sentence if anything is
 * wrong. Returns how many nodes it has; *leaf_count gets the records.
 */
size_t model_check(const struct model *model, size_t *leaf_count);

/* Replaces range, root and overlay, as after a split or merge, keeping the store. */
void model_reopen(struct model *model, const struct rind_partition *partition);

/* Seeded random numbers (splitmix64): the same on every machine. */
uint64_t model_random(uint64_t *state);
struct rind_record_id model_random_id(uint64_t *state);

/* A record id that starts with these bytes and is zero after. */
struct rind_record_id model_id(size_t count, const uint8_t *bytes);
#define MODEL_ID(...)                                                                              \
    model_id(sizeof((const uint8_t[]){__VA_ARGS__}), (const uint8_t[]){__VA_ARGS__})

#endif
