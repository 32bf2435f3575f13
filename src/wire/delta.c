/* delta.c - see delta.h. A bottom-up merge sort: stable, and without recursion. */
#include "wire/delta.h"

#include "base/assert.h"

#define DELTA_BITS_MAX 256u

static size_t delta_bits(const struct rind_bit_vector *vector)
{
    return vector->length < DELTA_BITS_MAX ? vector->length : DELTA_BITS_MAX;
}

int rind_bit_vector_compare(const struct rind_bit_vector *a, const struct rind_bit_vector *b)
{
    size_t a_bits = delta_bits(a);
    size_t b_bits = delta_bits(b);
    size_t common = a_bits < b_bits ? a_bits : b_bits;
    int order = memcmp(a->bits, b->bits, common / 8);
    if (order == 0 && common % 8 != 0) {
        unsigned mask = 0xff00u >> (common % 8) & 0xffu;
        order = (int)(a->bits[common / 8] & mask) - (int)(b->bits[common / 8] & mask);
    }
    if (order != 0) {
        return order;
    }
    return (a_bits > b_bits) - (a_bits < b_bits);
}

int rind_node_key_compare(const struct rind_node_key *a, const struct rind_node_key *b)
{
    int order = rind_bit_vector_compare(&a->prefix, &b->prefix);
    return order != 0 ? order : rind_data_hash_compare(&a->hash, &b->hash);
}

/* Items to sort: each starts with, or has at key_offset, its struct rind_node_key. */
struct delta_items {
    uint8_t *items;
    size_t count;
    size_t size;
    size_t key_offset;
};

static const struct rind_node_key *delta_key(const struct delta_items *list, const uint8_t *items,
                                             size_t index)
{
    return (const struct rind_node_key *)(const void *)(items + index * list->size +
                                                        list->key_offset);
}

/* Merges the runs [left, middle) and [middle, right) of `from` into `to`. */
static void delta_merge(const struct delta_items *list, const uint8_t *from, uint8_t *to,
                        size_t left, size_t middle, size_t right)
{
    size_t a = left;
    size_t b = middle;
    for (size_t out = left; out < right; out++) {
        bool take_a =
            a < middle && (b >= right || rind_node_key_compare(delta_key(list, from, a),
                                                               delta_key(list, from, b)) <= 0);
        size_t index = take_a ? a++ : b++;
        memcpy(to + out * list->size, from + index * list->size, list->size);
    }
}

static bool delta_is_sorted(const struct delta_items *list)
{
    for (size_t i = 1; i < list->count; i++) {
        if (rind_node_key_compare(delta_key(list, list->items, i - 1),
                                  delta_key(list, list->items, i)) >= 0) {
            return false;
        }
    }
    return true;
}

/* Sorts, then keeps the last of each run of equal keys. `scratch` is as large as the items. */
static void delta_sort_items(struct delta_items *list, uint8_t *scratch)
{
    uint8_t *from = list->items;
    uint8_t *to = scratch;
    for (size_t width = 1; width < list->count; width *= 2) {
        for (size_t left = 0; left < list->count; left += 2 * width) {
            size_t middle = left + width < list->count ? left + width : list->count;
            size_t right = middle + width < list->count ? middle + width : list->count;
            delta_merge(list, from, to, left, middle, right);
        }
        uint8_t *swap = from;
        from = to;
        to = swap;
    }
    if (from != list->items) {
        memcpy(list->items, from, list->count * list->size);
    }
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        if (kept > 0 && rind_node_key_compare(delta_key(list, list->items, kept - 1),
                                              delta_key(list, list->items, i)) == 0) {
            kept--;
        }
        if (kept != i) {
            memcpy(list->items + kept * list->size, list->items + i * list->size, list->size);
        }
        kept++;
    }
    list->count = kept;
}

static rind_status delta_sort_lists(struct rind_ctx *ctx, struct delta_items *add,
                                    struct delta_items *remove)
{
    uint8_t *add_scratch = rind_ctx_alloc_array(ctx, add->count, add->size);
    uint8_t *remove_scratch = rind_ctx_alloc_array(ctx, remove->count, remove->size);
    RIND_REQUIRE(ctx, add_scratch != NULL && remove_scratch != NULL, RIND_E_LIMIT,
                 "request arena is too full to sort a delta of %zu nodes; give it more room",
                 add->count + remove->count);
    delta_sort_items(add, add_scratch);
    delta_sort_items(remove, remove_scratch);
    return RIND_OK;
}

rind_status rind_store_delta_sort(struct rind_ctx *ctx, struct rind_store_delta *delta)
{
    struct delta_items add = {(uint8_t *)delta->add.items, delta->add.count,
                              sizeof(struct rind_node_addition),
                              offsetof(struct rind_node_addition, key)};
    struct delta_items remove = {(uint8_t *)delta->remove.items, delta->remove.count,
                                 sizeof(struct rind_node_key), 0};
    if (delta_is_sorted(&add) && delta_is_sorted(&remove)) {
        return RIND_OK;
    }
    RIND_ASSERT(ctx->arena != NULL);
    size_t mark = rind_arena_mark(ctx->arena);
    rind_status status = delta_sort_lists(ctx, &add, &remove);
    rind_arena_release(ctx->arena, mark);
    delta->add.count = add.count;
    delta->remove.count = remove.count;
    return status;
}
