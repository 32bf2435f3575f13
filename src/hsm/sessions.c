/*
 * sessions.c - see sessions.h.
 *
 * Slots are linked twice: in the chain of their bucket, and in the list from newest to oldest.
 * Links are slot indexes plus one, so that zeroed memory is an empty table.
 */
#include "hsm/sessions.h"

struct rind_hsm_session_slot {
    struct rind_hsm_session_key key;
    struct rind_noise_session noise;
    uint32_t bucket_next; /* in the bucket's chain, or in the chain of free slots */
    uint32_t newer;
    uint32_t older;
};

/* Twice the capacity, rounded up to a power of two: chains stay short. */
static uint32_t sessions_bucket_count(uint32_t capacity)
{
    uint32_t count = 2;
    while (count < 2 * capacity) {
        count *= 2;
    }
    return count;
}

size_t rind_hsm_sessions_size_bytes(uint32_t capacity)
{
    RIND_ASSERT(capacity >= 1 && capacity <= RIND_HSM_SESSIONS_COUNT_MAX);
    return (size_t)capacity * sizeof(struct rind_hsm_session_slot) +
           (size_t)sessions_bucket_count(capacity) * sizeof(uint32_t);
}

void rind_hsm_sessions_init(struct rind_hsm_sessions *sessions, void *memory, uint32_t capacity,
                            const struct rind_mix *mix)
{
    RIND_ASSERT(capacity >= 1 && capacity <= RIND_HSM_SESSIONS_COUNT_MAX);
    uint8_t *bytes = memory;
    size_t slots_size = (size_t)capacity * sizeof(struct rind_hsm_session_slot);
    *sessions = (struct rind_hsm_sessions){
        .slots = (struct rind_hsm_session_slot *)(void *)bytes,
        .buckets = (uint32_t *)(void *)(bytes + slots_size),
        .bucket_count = sessions_bucket_count(capacity),
        .capacity = capacity,
        .mix = mix,
    };
}

static struct rind_hsm_session_slot *sessions_slot(struct rind_hsm_sessions *sessions,
                                                   uint32_t link)
{
    RIND_ASSERT(link >= 1 && link <= sessions->used_max);
    return &sessions->slots[link - 1];
}

static bool sessions_key_equal(const struct rind_hsm_session_key *a,
                               const struct rind_hsm_session_key *b)
{
    return a->session_id == b->session_id && rind_record_id_equal(&a->record_id, &b->record_id);
}

static uint32_t *sessions_bucket(struct rind_hsm_sessions *sessions,
                                 const struct rind_hsm_session_key *key)
{
    uint8_t bytes[RIND_MIX_SIZE_MAX] = {0};
    _Static_assert(sizeof(*key) <= sizeof(bytes), "a key fits");
    memcpy(bytes, key, sizeof(*key));
    return &sessions->buckets[rind_mix(sessions->mix, bytes, sizeof(bytes)) &
                              (sessions->bucket_count - 1)];
}

/* The link that leads to the slot of `key`, or the 0 at the end of the chain. */
static uint32_t *sessions_find(struct rind_hsm_sessions *sessions,
                               const struct rind_hsm_session_key *key)
{
    uint32_t *link = sessions_bucket(sessions, key);
    while (*link != 0) {
        struct rind_hsm_session_slot *slot = sessions_slot(sessions, *link);
        if (sessions_key_equal(&slot->key, key)) {
            break;
        }
        link = &slot->bucket_next;
    }
    return link;
}

static void sessions_unlink_age(struct rind_hsm_sessions *sessions,
                                struct rind_hsm_session_slot *slot)
{
    if (slot->newer != 0) {
        sessions_slot(sessions, slot->newer)->older = slot->older;
    } else {
        sessions->newest = slot->older;
    }
    if (slot->older != 0) {
        sessions_slot(sessions, slot->older)->newer = slot->newer;
    } else {
        sessions->oldest = slot->newer;
    }
}

/* Takes the slot that *link leads to out of the table, wipes it and keeps it for reuse. */
static void sessions_drop(struct rind_hsm_sessions *sessions, uint32_t *link)
{
    RIND_ASSERT(sessions->count > 0);
    uint32_t dropped = *link;
    struct rind_hsm_session_slot *slot = sessions_slot(sessions, dropped);
    sessions_unlink_age(sessions, slot);
    *link = slot->bucket_next;
    rind_wipe(slot, sizeof(*slot));
    slot->bucket_next = sessions->free_head;
    sessions->free_head = dropped;
    sessions->count--;
}

/* A slot that is in no list. The table must not be full. */
static uint32_t sessions_new_slot(struct rind_hsm_sessions *sessions)
{
    uint32_t link = sessions->free_head;
    if (link != 0) {
        sessions->free_head = sessions_slot(sessions, link)->bucket_next;
        return link;
    }
    RIND_ASSERT(sessions->used_max < sessions->capacity);
    sessions->used_max++;
    return sessions->used_max;
}

bool rind_hsm_sessions_take(struct rind_hsm_sessions *sessions,
                            const struct rind_hsm_session_key *key,
                            struct rind_noise_session *session)
{
    uint32_t *link = sessions_find(sessions, key);
    if (*link == 0) {
        return false;
    }
    *session = sessions_slot(sessions, *link)->noise;
    sessions_drop(sessions, link);
    return true;
}

void rind_hsm_sessions_put(struct rind_hsm_sessions *sessions,
                           const struct rind_hsm_session_key *key,
                           const struct rind_noise_session *session)
{
    uint32_t *same = sessions_find(sessions, key);
    if (*same != 0) {
        sessions_drop(sessions, same);
    } else if (sessions->count == sessions->capacity) {
        struct rind_hsm_session_key oldest = sessions_slot(sessions, sessions->oldest)->key;
        sessions_drop(sessions, sessions_find(sessions, &oldest));
    }

    uint32_t link = sessions_new_slot(sessions);
    uint32_t *bucket = sessions_bucket(sessions, key);
    struct rind_hsm_session_slot *slot = sessions_slot(sessions, link);
    *slot = (struct rind_hsm_session_slot){
        .key = *key,
        .noise = *session,
        .bucket_next = *bucket,
        .older = sessions->newest,
    };
    *bucket = link;
    if (sessions->newest != 0) {
        sessions_slot(sessions, sessions->newest)->newer = link;
    } else {
        sessions->oldest = link;
    }
    sessions->newest = link;
    sessions->count++;
    RIND_ASSERT(sessions->count <= sessions->capacity);
}

void rind_hsm_sessions_clear(struct rind_hsm_sessions *sessions)
{
    if (sessions->used_max == 0) {
        return;
    }
    rind_wipe(sessions->slots, (size_t)sessions->used_max * sizeof(*sessions->slots));
    memset(sessions->buckets, 0, (size_t)sessions->bucket_count * sizeof(uint32_t));
    sessions->count = 0;
    sessions->used_max = 0;
    sessions->free_head = 0;
    sessions->newest = 0;
    sessions->oldest = 0;
}
