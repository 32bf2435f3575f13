/*
 * judge_tree.c - root hashes computed from nothing but records: no proofs, no overlay.
 *
 * Spec 03 section 4, written down once more: a radix tree's shape and hashes depend on its range
 * and records only, so whatever path of inserts, splits and merges the cores took must end at the
 * root that this file computes from the records alone.
 */
#include "judge.h"

#define TREE_DEPTH_MAX 256u

struct tree_item {
    const struct rind_record_id *key;
    const struct rind_data_hash *leaf;
};

void sim_tree_leaf_hash(const struct rind_record_id *key, struct rind_slice value,
                        struct rind_data_hash *hash)
{
    struct rind_blake2s state;
    rind_blake2s_init(&state, RIND_BLAKE2S_SIZE);
    uint8_t length[8];
    rind_put_be64(length, value.length);
    rind_blake2s_update(&state, rind_slice_text("leaf"));
    rind_blake2s_update(&state, RIND_SLICE_OF(key->bytes));
    rind_blake2s_update(&state, RIND_SLICE_OF(length));
    rind_blake2s_update(&state, value);
    rind_blake2s_final(&state, hash->bytes);
}

static unsigned tree_bit(const struct rind_record_id *key, unsigned index)
{
    return (unsigned)(key->bytes[index / 8] >> (7 - index % 8)) & 1u;
}

/* Appends one branch: the bits `from` .. `to` - 1 of the key, then the child's hash. */
static size_t tree_put_branch(uint8_t *out, const struct rind_record_id *key, unsigned from,
                              unsigned to, const struct rind_data_hash *child)
{
    unsigned length = to - from;
    out[0] = (uint8_t)(length >> 8);
    out[1] = (uint8_t)(length & 0xffu);
    size_t bytes = (length + 7) / 8;
    memset(out + 2, 0, bytes);
    for (unsigned i = 0; i < length; i++) {
        out[2 + i / 8] |= (uint8_t)(tree_bit(key, from + i) << (7 - i % 8));
    }
    memcpy(out + 2 + bytes, child->bytes, sizeof(child->bytes));
    return 2 + bytes + sizeof(child->bytes);
}

/* The first bit from `from` on in which the sorted items differ; 256 for a single one. */
static unsigned tree_fork(const struct tree_item *items, size_t count, unsigned from)
{
    const struct rind_record_id *first = items[0].key;
    const struct rind_record_id *last = items[count - 1].key;
    unsigned bit = from;
    while (bit < TREE_DEPTH_MAX && tree_bit(first, bit) == tree_bit(last, bit)) {
        bit++;
    }
    return bit;
}

/* Items whose bit `bit` is 0 come first; how many there are. */
static size_t tree_left_count(const struct tree_item *items, size_t count, unsigned bit)
{
    size_t left = 0;
    while (left < count && tree_bit(items[left].key, bit) == 0) {
        left++;
    }
    return left;
}

/*
 * The hash of the subtree below a node that ends before bit `from`; *fork is where it starts.
 * Depth: at most one call per item.
 */
static void tree_subtree(const struct tree_item *items, size_t count, unsigned from, unsigned *fork,
                         struct rind_data_hash *hash)
{
    *fork = tree_fork(items, count, from);
    if (count == 1) {
        *hash = *items[0].leaf;
        return;
    }
    size_t left = tree_left_count(items, count, *fork);
    const struct tree_item *halves[2] = {items, items + left};
    size_t counts[2] = {left, count - left};
    uint8_t bytes[2 * 80];
    size_t sizes[2];
    size_t total = 0;
    for (unsigned side = 0; side < 2; side++) {
        unsigned below;
        struct rind_data_hash child;
        tree_subtree(halves[side], counts[side], *fork, &below, &child);
        sizes[side] = tree_put_branch(bytes + total, halves[side][0].key, *fork, below, &child);
        total += sizes[side];
    }
    uint8_t heads[2] = {(uint8_t)sizes[0], (uint8_t)sizes[1]};
    struct rind_blake2s state;
    rind_blake2s_init(&state, RIND_BLAKE2S_SIZE);
    rind_blake2s_update(&state, rind_slice_text("interior"));
    rind_blake2s_update(&state, RIND_SLICE_OF(heads));
    rind_blake2s_update(&state, rind_slice_make(bytes, total));
    rind_blake2s_final(&state, hash->bytes);
}

static size_t tree_items(const struct sim *sim, const struct sim_record *records,
                         const struct rind_owned_range *range, struct tree_item *items)
{
    size_t count = 0;
    for (uint32_t u = 0; u < sim->user_count; u++) {
        const struct rind_record_id *key = &sim->users[u].record_id;
        bool is_inside = rind_record_id_compare(&range->start, key) <= 0 &&
                         rind_record_id_compare(key, &range->end) <= 0;
        if (!records[u].has_leaf || !is_inside) {
            continue;
        }
        size_t at = count;
        while (at > 0 && rind_record_id_compare(items[at - 1].key, key) > 0) {
            items[at] = items[at - 1];
            at--;
        }
        items[at] = (struct tree_item){.key = key, .leaf = &records[u].leaf_hash};
        count++;
    }
    return count;
}

void sim_tree_root(const struct sim *sim, const struct sim_record *records,
                   const struct rind_owned_range *range, struct rind_data_hash *root)
{
    struct tree_item items[SIM_USERS_MAX];
    size_t count = tree_items(sim, records, range, items);
    size_t left = tree_left_count(items, count, 0);
    const struct tree_item *halves[2] = {items, items + left};
    size_t counts[2] = {left, count - left};
    uint8_t bytes[2 * 80];
    uint8_t heads[2];
    size_t total = 0;
    for (unsigned side = 0; side < 2; side++) {
        size_t size = 2 + sizeof(root->bytes);
        if (counts[side] == 0) {
            memset(bytes + total, 0, size);
        } else {
            unsigned below;
            struct rind_data_hash child;
            tree_subtree(halves[side], counts[side], 0, &below, &child);
            size = tree_put_branch(bytes + total, halves[side][0].key, 0, below, &child);
        }
        heads[side] = (uint8_t)size;
        total += size;
    }
    struct rind_blake2s state;
    rind_blake2s_init(&state, RIND_BLAKE2S_SIZE);
    rind_blake2s_update(&state, rind_slice_text("root"));
    rind_blake2s_update(&state, RIND_SLICE_OF(range->start.bytes));
    rind_blake2s_update(&state, RIND_SLICE_OF(range->end.bytes));
    rind_blake2s_update(&state, RIND_SLICE_OF(heads));
    rind_blake2s_update(&state, rind_slice_make(bytes, total));
    rind_blake2s_final(&state, root->bytes);
}
