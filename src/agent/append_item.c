/* append_item.c - see append_item.h. */
#include "agent/append_item.h"

#include <stdlib.h>

#include "merkle/merkle.h"

/* What the store takes for granted. An HSM never says otherwise, but whoever relays it might. */
static bool item_is_entry_possible(const struct rind_log_entry *entry)
{
    bool is_first = entry->index == 1;
    return entry->index > 1 ||
           (is_first && rind_ct_is_zero(entry->prev_mac.bytes, sizeof(entry->prev_mac.bytes)));
}

/* Bytes an item needs for everything it copies; each copy may be padded to alignment. */
static size_t item_size_bytes(struct rind_slice entry_cbor, const struct rind_append_delta *delta)
{
    const size_t padding = 16;
    size_t size = sizeof(struct rind_append_item) + entry_cbor.length + 4 * padding;
    size += delta->add_count * sizeof(struct rind_store_node);
    size += delta->remove_count * sizeof(struct rind_slice);
    for (size_t i = 0; i < delta->add_count; i++) {
        size += delta->add[i].row_key.length + delta->add[i].cbor.length + 2 * padding;
    }
    for (size_t i = 0; i < delta->remove_count; i++) {
        size += delta->remove[i].length + padding;
    }
    return size;
}

static struct rind_slice item_copy(struct rind_arena *arena, struct rind_slice source)
{
    struct rind_slice copy;
    bool is_copied = rind_arena_copy(arena, source, &copy);
    RIND_ASSERT(is_copied); /* item_size_bytes counted it */
    return copy;
}

static void item_copy_delta(struct rind_arena *arena, const struct rind_append_delta *delta,
                            struct rind_append_delta *copy)
{
    struct rind_store_node *add = rind_arena_alloc_array(arena, delta->add_count, sizeof(*add));
    struct rind_slice *remove = rind_arena_alloc_array(arena, delta->remove_count, sizeof(*remove));
    RIND_ASSERT(add != NULL && remove != NULL);
    for (size_t i = 0; i < delta->add_count; i++) {
        add[i].row_key = item_copy(arena, delta->add[i].row_key);
        add[i].cbor = item_copy(arena, delta->add[i].cbor);
    }
    for (size_t i = 0; i < delta->remove_count; i++) {
        remove[i] = item_copy(arena, delta->remove[i]);
    }
    *copy = (struct rind_append_delta){add, delta->add_count, remove, delta->remove_count};
}

rind_status rind_append_item_new(struct rind_ctx *ctx, struct rind_slice entry_cbor,
                                 const struct rind_spliced_store_delta *spliced,
                                 struct rind_append_item **item)
{
    struct rind_log_entry entry;
    RIND_TRY(rind_wire_decode_strict(ctx, &rind_log_entry_schema, entry_cbor, &entry));
    RIND_REQUIRE(ctx, item_is_entry_possible(&entry), RIND_E_INVALID,
                 "the HSM made entry %llu, which follows nothing", (unsigned long long)entry.index);
    struct rind_append_delta delta;
    RIND_TRY(rind_append_delta_make(ctx, spliced, &delta));
    size_t size = item_size_bytes(entry_cbor, &delta);
    void *memory = malloc(size);
    RIND_REQUIRE(ctx, memory != NULL, RIND_E_LIMIT, "out of memory");
    struct rind_arena arena;
    rind_arena_init(&arena, memory, size);
    struct rind_append_item *made = rind_arena_alloc(&arena, sizeof(*made));
    RIND_ASSERT((void *)made == memory); /* freeing the item frees the block */
    made->entry = entry;
    made->stored = (struct rind_store_entry){entry.index, entry.prev_mac, entry.entry_mac,
                                             item_copy(&arena, entry_cbor)};
    item_copy_delta(&arena, &delta, &made->delta);
    made->is_pinned = false;
    *item = made;
    return RIND_OK;
}

rind_status rind_append_item_new_decoded(struct rind_ctx *ctx, const struct rind_log_entry *entry,
                                         const struct rind_store_delta *delta,
                                         struct rind_append_item **item)
{
    struct rind_spliced_store_delta spliced = {0};
    if (delta != NULL) {
        spliced.remove = delta->remove;
        spliced.add.count = delta->add.count;
        spliced.add.items = rind_ctx_alloc_array(ctx, delta->add.count, sizeof(*spliced.add.items));
        if (spliced.add.items == NULL) {
            return rind_status_make(RIND_E_LIMIT);
        }
        for (size_t i = 0; i < delta->add.count; i++) {
            spliced.add.items[i].key = delta->add.items[i].key;
            RIND_TRY(rind_wire_encode_alloc(ctx, &rind_node_schema, &delta->add.items[i].node,
                                            &spliced.add.items[i].node));
        }
    }
    struct rind_slice cbor;
    RIND_TRY(rind_wire_encode_alloc(ctx, &rind_log_entry_schema, entry, &cbor));
    return rind_append_item_new(ctx, cbor, &spliced, item);
}

void rind_append_item_free(struct rind_append_item *item)
{
    RIND_ASSERT(item == NULL || !item->is_pinned);
    free(item);
}
