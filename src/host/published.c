/*
 * published.c - split reference counting over a fixed array of slots.
 *
 * One atomic word holds the current slot (low bits) and how often it was acquired since it became
 * current (high bits), so taking a reference is one fetch-and-add that cannot hit a freed slot.
 * Giving back decrements the slot's own counter, which thus runs negative while the slot is
 * current. Replacing swaps the word and adds the acquisitions it held to that counter: from then on
 * the counter is the number of readers left, and whoever makes it zero frees the value.
 */
#include "host/published.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/assert.h"

#define PUBLISHED_SLOT_BITS 8u
#define PUBLISHED_SLOT_MASK ((1u << PUBLISHED_SLOT_BITS) - 1u)
#define PUBLISHED_ONE (UINT64_C(1) << PUBLISHED_SLOT_BITS)

_Static_assert(RIND_PUBLISHED_SLOT_COUNT <= PUBLISHED_SLOT_MASK, "slots fit their bits");

struct published_slot {
    void *value;             /* written before the slot becomes current */
    _Atomic int64_t readers; /* minus given back while current; readers left once replaced */
    atomic_bool is_used;
};

struct rind_published {
    _Atomic uint64_t current;
    struct published_slot slots[RIND_PUBLISHED_SLOT_COUNT];
    void (*free_value)(void *value);
    pthread_mutex_t writer_mutex; /* one replacement at a time; nothing is taken after it */
};

rind_status rind_published_new(struct rind_ctx *ctx, void *first, void (*free_value)(void *value),
                               struct rind_published **result)
{
    RIND_ASSERT(first != NULL);
    struct rind_published *published = calloc(1, sizeof(*published));
    RIND_REQUIRE(ctx, published != NULL, RIND_E_LIMIT, "out of memory for a published value");
    int error = pthread_mutex_init(&published->writer_mutex, NULL);
    RIND_ASSERT(error == 0);
    published->free_value = free_value;
    published->slots[0].value = first;
    atomic_store(&published->slots[0].is_used, true);
    atomic_store(&published->current, 0); /* slot 0, never acquired */
    *result = published;
    return RIND_OK;
}

static void published_slot_clear(struct rind_published *published, struct published_slot *slot)
{
    published->free_value(slot->value);
    slot->value = NULL;
    atomic_store(&slot->is_used, false); /* last: from here on a writer may fill it again */
}

/* `slot` is no longer current; `acquired` references were taken while it was. */
static void published_retire(struct rind_published *published, unsigned slot, uint64_t acquired)
{
    struct published_slot *old = &published->slots[slot];
    int64_t before = atomic_fetch_add(&old->readers, (int64_t)acquired);
    if (before + (int64_t)acquired == 0) {
        published_slot_clear(published, old);
    }
}

void rind_published_free(struct rind_published *published)
{
    if (published == NULL) {
        return;
    }
    uint64_t word = atomic_load(&published->current);
    published_retire(published, (unsigned)(word & PUBLISHED_SLOT_MASK), word / PUBLISHED_ONE);
    for (unsigned i = 0; i < RIND_PUBLISHED_SLOT_COUNT; i++) {
        RIND_ASSERT(!atomic_load(&published->slots[i].is_used)); /* else somebody still reads */
    }
    pthread_mutex_destroy(&published->writer_mutex);
    free(published);
}

rind_status rind_published_replace(struct rind_ctx *ctx, struct rind_published *published,
                                   void *value)
{
    RIND_ASSERT(value != NULL);
    unsigned slot = 0;
    pthread_mutex_lock(&published->writer_mutex);
    while (slot < RIND_PUBLISHED_SLOT_COUNT && atomic_load(&published->slots[slot].is_used)) {
        slot++;
    }
    if (slot < RIND_PUBLISHED_SLOT_COUNT) {
        published->slots[slot].value = value;
        atomic_store(&published->slots[slot].readers, 0);
        atomic_store(&published->slots[slot].is_used, true);
        uint64_t word = atomic_exchange(&published->current, (uint64_t)slot);
        published_retire(published, (unsigned)(word & PUBLISHED_SLOT_MASK), word / PUBLISHED_ONE);
    }
    pthread_mutex_unlock(&published->writer_mutex);
    RIND_REQUIRE(ctx, slot < RIND_PUBLISHED_SLOT_COUNT, RIND_E_BUSY,
                 "%u older values are still in use", RIND_PUBLISHED_SLOT_COUNT);
    return RIND_OK;
}

struct rind_published_ref rind_published_acquire(struct rind_published *published)
{
    uint64_t word = atomic_fetch_add(&published->current, PUBLISHED_ONE);
    unsigned slot = (unsigned)(word & PUBLISHED_SLOT_MASK);
    struct rind_published_ref ref = {published->slots[slot].value, slot};
    return ref;
}

void rind_published_release(struct rind_published *published, struct rind_published_ref ref)
{
    RIND_ASSERT(ref.slot < RIND_PUBLISHED_SLOT_COUNT);
    struct published_slot *slot = &published->slots[ref.slot];
    int64_t before = atomic_fetch_sub(&slot->readers, 1);
    if (before == 1) { /* replaced already, and we were the last */
        published_slot_clear(published, slot);
    }
}
