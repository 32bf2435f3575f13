/*
 * slot.h - where a user's session with one realm is kept between requests.
 *
 * A hardware realm's slot has at most one owner at a time: a session is used by one request at a
 * time and put back only after it went well, so that no key and nonce are ever used twice. Requests
 * to one realm therefore wait for each other, those to different realms do not. Spec:
 * docs/spec/01-client-protocol.md sections 4.4 and 6.
 */
#ifndef RIND_CLIENT_SLOT_H
#define RIND_CLIENT_SLOT_H

#include <pthread.h>
#include <stdatomic.h>

#include "crypto/crypto.h"
#include "rind/rind.h"

/* More requests than anybody lets wait on one realm, each at its worst: then give up. */
#define RIND_SDK_SLOT_WAIT_MS 600000u

struct rind_sdk_session {
    struct rind_noise_session noise;
    uint64_t lifetime_ms;
    uint64_t last_used_ms;
    uint32_t id;
    bool exists;
};

struct rind_sdk_slot {
    struct rind_realm_id realm;
    bool is_hardware;
    struct rind_x25519_public public_key; /* hardware only */
    char *url;                            /* of the realm's requests; owned */
    pthread_mutex_t lock;                 /* of what follows; never held over I/O */
    pthread_cond_t released;
    const void *owner; /* the job that has the session, or NULL */
    struct rind_sdk_session session;
};

/* Makes a slot for `realm`; false when memory is short. */
bool rind_sdk_slot_init(struct rind_sdk_slot *slot, const struct rind_realm *realm);
void rind_sdk_slot_fini(struct rind_sdk_slot *slot);

/* True if requests to `realm` go through this slot: same id, address and key. */
bool rind_sdk_slot_is_for(const struct rind_sdk_slot *slot, const struct rind_realm *realm);

/*
 * Makes `owner` the owner and moves the session, if there is one, out to `session`. False if
 * `is_abandoned` becomes true meanwhile or RIND_SDK_SLOT_WAIT_MS are over.
 */
bool rind_sdk_slot_take(struct rind_sdk_slot *slot, const void *owner,
                        const atomic_bool *is_abandoned, struct rind_sdk_session *session);

/* Puts `session` back (one that does not exist: none) and ends the ownership. Wipes `session`.
 * Does nothing but wipe if `owner` has lost the slot to rind_sdk_slot_abandon. */
void rind_sdk_slot_release(struct rind_sdk_slot *slot, const void *owner,
                           struct rind_sdk_session *session);

/* Has all that wait in rind_sdk_slot_take look at their is_abandoned. */
void rind_sdk_slot_wake(struct rind_sdk_slot *slot);

/* Ends the ownership of a job that nobody waits for; its session is lost. */
void rind_sdk_slot_abandon(struct rind_sdk_slot *slot, const void *owner);

#endif
