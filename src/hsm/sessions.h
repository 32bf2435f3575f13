/*
 * sessions.h - the Noise sessions of one led group: a table of fixed size, least recently used out.
 *
 * Keyed by (record id, session id); the record id comes from the client's token, so clients cannot
 * touch each other's sessions. There is no expiry by time: the core has no clock it may trust. A
 * session is taken out while it is used and put back only after success, so that a transport nonce
 * is never used twice (spec 02 sections 11.3 and 16 item 14).
 *
 * The host chooses record ids, hence the table's hash is keyed with random bytes. All functions
 * take constant time on average. Not thread-safe.
 */
#ifndef RIND_HSM_SESSIONS_H
#define RIND_HSM_SESSIONS_H

#include "base/base.h"
#include "crypto/crypto.h"

#define RIND_HSM_SESSIONS_COUNT_MAX 65535u

struct rind_hsm_session_key {
    struct rind_record_id record_id;
    uint32_t session_id;
};
_Static_assert(sizeof(struct rind_hsm_session_key) == 36, "hashed as bytes, without padding");

struct rind_hsm_session_slot;

struct rind_hsm_sessions {
    struct rind_hsm_session_slot *slots; /* `capacity` of them */
    uint32_t *buckets;                   /* heads of the chains, slot index + 1, 0 for none */
    uint32_t bucket_count;               /* a power of two */
    uint32_t capacity;
    uint32_t count;     /* sessions held */
    uint32_t used_max;  /* slots ever used since the last clear; those above are untouched */
    uint32_t free_head; /* chain of slots given back, index + 1 */
    uint32_t newest;    /* index + 1; 0 when empty */
    uint32_t oldest;    /* index + 1; 0 when empty */
    const struct rind_mix *mix;
};

/* Bytes that a table of `capacity` sessions needs. */
size_t rind_hsm_sessions_size_bytes(uint32_t capacity);

/*
 * An empty table in zeroed `memory` of rind_hsm_sessions_size_bytes(capacity), aligned for any
 * type. `capacity` in 1 .. RIND_HSM_SESSIONS_COUNT_MAX (asserted). `memory` and `mix` must outlive
 * it; the latter must have its seed before the first session comes.
 */
void rind_hsm_sessions_init(struct rind_hsm_sessions *sessions, void *memory, uint32_t capacity,
                            const struct rind_mix *mix);

/*
 * Moves the session out of the table into *session; false, *session untouched, if there is
 * none.
 */
bool rind_hsm_sessions_take(struct rind_hsm_sessions *sessions,
                            const struct rind_hsm_session_key *key,
                            struct rind_noise_session *session);

/* Stores a copy as the most recent, replacing one of the same key; a full table drops its oldest.
 */
void rind_hsm_sessions_put(struct rind_hsm_sessions *sessions,
                           const struct rind_hsm_session_key *key,
                           const struct rind_noise_session *session);

/* Drops and wipes all sessions. */
void rind_hsm_sessions_clear(struct rind_hsm_sessions *sessions);

#endif
