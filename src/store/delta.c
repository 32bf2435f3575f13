/* delta.c - see log.h: what a batch changes in the tree, by row key. */
#include <stdlib.h>

#include "merkle/row_key.h"
#include "store/store.h"
#include "wire/splice.h"

static rind_status row_key_make(struct rind_ctx *ctx, const struct rind_node_key *node_key,
                                struct rind_slice *row_key)
{
    struct rind_row_key made;
    RIND_TRY(rind_row_key_of_node(ctx, node_key, &made));
    RIND_REQUIRE(ctx, rind_arena_copy(ctx->arena, rind_row_key_slice(&made), row_key), RIND_E_LIMIT,
                 "no room left for row keys in the request's memory");
    return RIND_OK;
}

rind_status rind_append_delta_make(struct rind_ctx *ctx,
                                   const struct rind_spliced_store_delta *spliced,
                                   struct rind_append_delta *delta)
{
    struct rind_store_node *add = rind_ctx_alloc_array(ctx, spliced->add.count, sizeof(*add));
    struct rind_slice *remove = rind_ctx_alloc_array(ctx, spliced->remove.count, sizeof(*remove));
    if (add == NULL || remove == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    for (size_t i = 0; i < spliced->add.count; i++) {
        RIND_TRY(row_key_make(ctx, &spliced->add.items[i].key, &add[i].row_key));
        add[i].cbor = spliced->add.items[i].node;
    }
    for (size_t i = 0; i < spliced->remove.count; i++) {
        RIND_TRY(row_key_make(ctx, &spliced->remove.items[i], &remove[i]));
    }
    *delta = (struct rind_append_delta){add, spliced->add.count, remove, spliced->remove.count};
    return RIND_OK;
}

/* One node added or removed by one of the deltas. */
struct change {
    struct rind_slice row_key;
    struct rind_slice cbor; /* of an add */
    size_t order;           /* when it happened */
    bool is_add;
};

static int change_compare(const void *a_pointer, const void *b_pointer)
{
    const struct change *a = a_pointer;
    const struct change *b = b_pointer;
    int order = rind_key_compare(a->row_key, b->row_key);
    return order != 0 ? order : (a->order > b->order) - (a->order < b->order);
}

/* All changes in the order in which they happened: a delta's adds, then its removes. */
static void changes_gather(const struct rind_append_delta *deltas, size_t count,
                           struct change *changes)
{
    size_t order = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < deltas[i].add_count; j++) {
            changes[order] =
                (struct change){deltas[i].add[j].row_key, deltas[i].add[j].cbor, order, true};
            order++;
        }
        for (size_t j = 0; j < deltas[i].remove_count; j++) {
            changes[order] =
                (struct change){deltas[i].remove[j], rind_slice_make(NULL, 0), order, false};
            order++;
        }
    }
}

rind_status rind_append_delta_squash(struct rind_ctx *ctx, const struct rind_append_delta *deltas,
                                     size_t count, struct rind_append_delta *squashed)
{
    size_t total = 0;
    for (size_t i = 0; i < count; i++) {
        total += deltas[i].add_count + deltas[i].remove_count;
    }
    struct change *changes = rind_ctx_alloc_array(ctx, total, sizeof(*changes));
    struct rind_store_node *add = rind_ctx_alloc_array(ctx, total, sizeof(*add));
    struct rind_slice *remove = rind_ctx_alloc_array(ctx, total, sizeof(*remove));
    if (changes == NULL || add == NULL || remove == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    changes_gather(deltas, count, changes);
    if (total > 0) {
        qsort(changes, total, sizeof(*changes), change_compare);
    }
    struct rind_append_delta result = {add, 0, remove, 0};
    for (size_t i = 0; i < total;) {
        size_t last = i;
        while (last + 1 < total &&
               rind_slice_equal(changes[last + 1].row_key, changes[i].row_key)) {
            last++;
        }
        if (changes[last].is_add) {
            add[result.add_count++] =
                (struct rind_store_node){changes[last].row_key, changes[last].cbor};
        } else if (!changes[i].is_add) {
            remove[result.remove_count++] = changes[last].row_key;
        }
        i = last + 1;
    }
    *squashed = result;
    return RIND_OK;
}
