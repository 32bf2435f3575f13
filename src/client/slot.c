/* slot.c - see slot.h. */
#include "client/slot.h"

#include <stdlib.h>
#include <time.h>

#include "base/assert.h"
#include "client/address.h"

bool rind_sdk_slot_init(struct rind_sdk_slot *slot, const struct rind_realm *realm)
{
    memset(slot, 0, sizeof(*slot));
    memcpy(slot->realm.bytes, realm->id, sizeof(slot->realm.bytes));
    slot->is_hardware = realm->has_public_key;
    if (realm->has_public_key) {
        memcpy(slot->public_key.bytes, realm->public_key, sizeof(slot->public_key.bytes));
    }
    slot->url = rind_sdk_address_request_url(realm->address);
    if (slot->url == NULL) {
        return false;
    }
    pthread_condattr_t attributes;
    int failed = pthread_mutex_init(&slot->lock, NULL);
    failed |= pthread_condattr_init(&attributes);
    failed |= pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    failed |= pthread_cond_init(&slot->released, &attributes);
    failed |= pthread_condattr_destroy(&attributes);
    RIND_ASSERT(failed == 0); /* plain objects cannot fail here */
    return true;
}

void rind_sdk_slot_fini(struct rind_sdk_slot *slot)
{
    RIND_ASSERT(slot->owner == NULL);
    free(slot->url);
    pthread_cond_destroy(&slot->released);
    pthread_mutex_destroy(&slot->lock);
    rind_wipe(&slot->session, sizeof(slot->session));
}

bool rind_sdk_slot_is_for(const struct rind_sdk_slot *slot, const struct rind_realm *realm)
{
    if (memcmp(slot->realm.bytes, realm->id, sizeof(realm->id)) != 0 ||
        slot->is_hardware != realm->has_public_key ||
        (slot->is_hardware &&
         memcmp(slot->public_key.bytes, realm->public_key, sizeof(realm->public_key)) != 0)) {
        return false;
    }
    char *url = rind_sdk_address_request_url(realm->address);
    bool is_same = url != NULL && strcmp(url, slot->url) == 0;
    free(url);
    return is_same;
}

static struct timespec slot_deadline(void)
{
    struct timespec deadline;
    int failed = clock_gettime(CLOCK_MONOTONIC, &deadline);
    RIND_ASSERT(failed == 0);
    deadline.tv_sec += (time_t)(RIND_SDK_SLOT_WAIT_MS / 1000u);
    return deadline;
}

bool rind_sdk_slot_take(struct rind_sdk_slot *slot, const void *owner,
                        const atomic_bool *is_abandoned, struct rind_sdk_session *session)
{
    struct timespec deadline = slot_deadline();
    pthread_mutex_lock(&slot->lock);
    int failed = 0;
    while (slot->owner != NULL && failed == 0 && !atomic_load(is_abandoned)) {
        failed = pthread_cond_timedwait(&slot->released, &slot->lock, &deadline);
    }
    bool is_taken = slot->owner == NULL && !atomic_load(is_abandoned);
    if (is_taken) {
        slot->owner = owner;
        *session = slot->session;
        rind_wipe(&slot->session, sizeof(slot->session));
    }
    pthread_mutex_unlock(&slot->lock);
    return is_taken;
}

void rind_sdk_slot_release(struct rind_sdk_slot *slot, const void *owner,
                           struct rind_sdk_session *session)
{
    pthread_mutex_lock(&slot->lock);
    if (slot->owner == owner) {
        slot->session = *session;
        slot->owner = NULL;
        pthread_cond_broadcast(&slot->released);
    }
    pthread_mutex_unlock(&slot->lock);
    rind_wipe(session, sizeof(*session));
}

void rind_sdk_slot_abandon(struct rind_sdk_slot *slot, const void *owner)
{
    pthread_mutex_lock(&slot->lock);
    if (slot->owner == owner) {
        slot->owner = NULL;
    }
    pthread_cond_broadcast(&slot->released); /* also wakes abandoned jobs that still wait */
    pthread_mutex_unlock(&slot->lock);
}

void rind_sdk_slot_wake(struct rind_sdk_slot *slot)
{
    pthread_mutex_lock(&slot->lock);
    pthread_cond_broadcast(&slot->released);
    pthread_mutex_unlock(&slot->lock);
}
