/*
 * append_item.h - one log entry the HSM produced, with its tree changes, on its way to the store.
 *
 * One block of memory per item, owned by whoever holds the pointer: the append queue, then the
 * appender, then the watcher that hands the entry back to the HSM. Entry and nodes stay the exact
 * bytes the HSM made. Spec 06 section 6.4.
 */
#ifndef RIND_AGENT_APPEND_ITEM_H
#define RIND_AGENT_APPEND_ITEM_H

#include "base/base.h"
#include "store/store.h"
#include "wire/wire.h"

struct rind_append_item {
    struct rind_log_entry entry;
    struct rind_store_entry stored; /* the same as the log holds it */
    struct rind_append_delta delta;
    bool is_pinned; /* the added nodes are pinned in the store's cache */
};

/*
 * Makes an item from an HSM's reply; everything is copied. RIND_E_DECODE if the bytes are no log
 * entry, RIND_E_INVALID if a node key cannot be. `ctx` needs an arena for the work.
 */
rind_status rind_append_item_new(struct rind_ctx *ctx, struct rind_slice entry_cbor,
                                 const struct rind_spliced_store_delta *delta,
                                 struct rind_append_item **item) RIND_MUST_USE;

/* The same from decoded messages (transfers, creation); `delta` may be NULL. */
rind_status rind_append_item_new_decoded(struct rind_ctx *ctx, const struct rind_log_entry *entry,
                                         const struct rind_store_delta *delta,
                                         struct rind_append_item **item) RIND_MUST_USE;

/* NULL is allowed. The nodes must not be pinned any more. */
void rind_append_item_free(struct rind_append_item *item);

#endif
