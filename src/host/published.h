/*
 * published.h - one value that is replaced whole while others are reading it, without a lock.
 *
 * For tables that every request reads and a background thread renews (routes, keys). A reader
 * borrows the current value and may keep it as long as it likes; the value it saw never changes. A
 * replaced value is freed by whoever gives it back last. Readers never wait, not even for a writer.
 * Thread-safe: everything but new and free.
 */
#ifndef RIND_HOST_PUBLISHED_H
#define RIND_HOST_PUBLISHED_H

#include "base/status.h"

/* Values alive at one time, the current one included: how many replacements may happen while one
 * reader keeps an old value, before replacing has to be tried again later. */
#define RIND_PUBLISHED_SLOT_COUNT 64u

struct rind_published; /* opaque */

/* A borrowed value; give it back exactly once. */
struct rind_published_ref {
    const void *value;
    unsigned slot;
};

/* Takes `first` (not NULL). `free_value` frees a value, on any thread. */
rind_status rind_published_new(struct rind_ctx *ctx, void *first, void (*free_value)(void *value),
                               struct rind_published **published) RIND_MUST_USE;

/* Frees the current value too. Nobody may hold a reference any more. NULL is allowed. */
void rind_published_free(struct rind_published *published);

/*
 * Makes `value` (not NULL) the current one and takes it. RIND_E_BUSY while too many old values are
 * still in use: then it is still the caller's, and the current value stays.
 */
rind_status rind_published_replace(struct rind_ctx *ctx, struct rind_published *published,
                                   void *value) RIND_MUST_USE;

struct rind_published_ref rind_published_acquire(struct rind_published *published);
void rind_published_release(struct rind_published *published, struct rind_published_ref ref);

#endif
