/* leader_log.c - see leader_log.h. */
#include "hsm/leader_log.h"

size_t rind_hsm_leader_log_size_bytes(uint32_t capacity)
{
    return (size_t)capacity * sizeof(struct rind_hsm_log_slot);
}

void rind_hsm_leader_log_init(struct rind_hsm_leader_log *log, void *memory, uint32_t capacity)
{
    RIND_ASSERT(memory != NULL);
    RIND_ASSERT(capacity >= 2);
    *log = (struct rind_hsm_leader_log){.slots = memory, .capacity = capacity};
}

void rind_hsm_leader_log_clear(struct rind_hsm_leader_log *log)
{
    log->start = 0;
    log->count = 0;
}

static struct rind_hsm_log_slot *leader_log_slot(const struct rind_hsm_leader_log *log,
                                                 uint32_t offset)
{
    RIND_ASSERT(offset < log->count);
    return &log->slots[log->start + offset];
}

void rind_hsm_leader_log_begin(struct rind_hsm_leader_log *log, const struct rind_log_entry *entry)
{
    log->start = 0;
    log->count = 1;
    struct rind_hsm_log_slot *slot = leader_log_slot(log, 0);
    slot->entry = *entry;
    slot->has_pending = false;
}

const struct rind_log_entry *rind_hsm_leader_log_first(const struct rind_hsm_leader_log *log)
{
    return &leader_log_slot(log, 0)->entry;
}

const struct rind_log_entry *rind_hsm_leader_log_last(const struct rind_hsm_leader_log *log)
{
    RIND_ASSERT(log->count > 0);
    return &leader_log_slot(log, log->count - 1)->entry;
}

struct rind_hsm_log_slot *rind_hsm_leader_log_find(const struct rind_hsm_leader_log *log,
                                                   uint64_t index)
{
    uint64_t first = rind_hsm_leader_log_first(log)->index;
    if (index < first || index - first >= log->count) {
        return NULL;
    }
    return leader_log_slot(log, (uint32_t)(index - first));
}

bool rind_hsm_leader_log_has_room(const struct rind_hsm_leader_log *log, uint32_t extra)
{
    return log->capacity - log->count >= extra;
}

/*
 * Moves the entries to the start of the memory once as much as they take is free there: each move
 * of n entries follows the removal of at least n, so an append costs one copy on average, and
 * memory is touched only as far as twice the longest log. At the very end there is no choice.
 */
static void leader_log_compact(struct rind_hsm_leader_log *log)
{
    bool is_cheap = log->start >= log->count;
    bool is_at_end = log->start + log->count == log->capacity;
    if (log->start > 0 && (is_cheap || is_at_end)) {
        memmove(log->slots, log->slots + log->start, log->count * sizeof(*log->slots));
        log->start = 0;
    }
}

void rind_hsm_leader_log_append(struct rind_hsm_leader_log *log, const struct rind_log_entry *entry,
                                const struct rind_hsm_pending *pending)
{
    const struct rind_log_entry *last = rind_hsm_leader_log_last(log);
    RIND_ASSERT(last->index != UINT64_MAX && entry->index == last->index + 1);
    RIND_ASSERT(rind_mac_equal(&entry->prev_mac, &last->entry_mac));
    RIND_ASSERT(rind_hsm_leader_log_has_room(log, 1));

    leader_log_compact(log);
    log->count++;
    struct rind_hsm_log_slot *slot = leader_log_slot(log, log->count - 1);
    slot->entry = *entry;
    slot->has_pending = pending != NULL;
    if (pending != NULL) {
        slot->pending = *pending;
    }
}

void rind_hsm_leader_log_drop_last(struct rind_hsm_leader_log *log)
{
    RIND_ASSERT(log->count > 1);
    log->count--;
}

void rind_hsm_leader_log_drop_before(struct rind_hsm_leader_log *log, uint64_t index)
{
    RIND_ASSERT(rind_hsm_leader_log_find(log, index) != NULL);
    uint32_t dropped = (uint32_t)(index - rind_hsm_leader_log_first(log)->index);
    log->start += dropped;
    log->count -= dropped;
    RIND_ASSERT(log->count > 0);
}

bool rind_hsm_log_slot_take(struct rind_hsm_log_slot *slot)
{
    bool had_pending = slot->has_pending;
    slot->has_pending = false;
    return had_pending;
}
