/*
 * leader_log.h - the entries a leader has made or adopted since its last commit, each with the
 * response that must be withheld until the entry is committed.
 *
 * A contiguous, MAC-chained run: index after index, each prev_mac the entry_mac before. Its first
 * entry is the last committed one or, before any commit, the one leadership started from, so it is
 * never empty while in use. Violations are our own bugs and asserted. Memory has a fixed size and
 * is touched only as far as the log grows. Not thread-safe. Spec: 02 section 8.1.
 */
#ifndef RIND_HSM_LEADER_LOG_H
#define RIND_HSM_LEADER_LOG_H

#include "base/base.h"
#include "crypto/crypto.h"
#include "wire/wire.h"

/* Plaintext of every response to a secrets request: RIND_HSM_PADDED_RESPONSE_SIZE, and its tag. */
#define RIND_HSM_PADDED_RESPONSE_SIZE 472u
#define RIND_HSM_RESPONSE_CIPHERTEXT_SIZE (RIND_HSM_PADDED_RESPONSE_SIZE + RIND_NOISE_TAG_SIZE)

/* A response that may leave the HSM only with the commit of its entry, and what it was. */
struct rind_hsm_pending {
    enum rind_noise_response_kind kind;
    struct rind_x25519_public server_ephemeral_public; /* of a handshake */
    uint8_t ciphertext[RIND_HSM_RESPONSE_CIPHERTEXT_SIZE];
    struct rind_app_result_type result;
};

struct rind_hsm_log_slot {
    struct rind_log_entry entry;
    bool has_pending;
    struct rind_hsm_pending pending;
};

struct rind_hsm_leader_log {
    struct rind_hsm_log_slot *slots;
    uint32_t capacity;
    uint32_t start; /* slot of the first entry */
    uint32_t count;
};

/* Bytes that a log of `capacity` entries needs. */
size_t rind_hsm_leader_log_size_bytes(uint32_t capacity);

/* An empty log in `memory`, aligned for any type, that must outlive it. */
void rind_hsm_leader_log_init(struct rind_hsm_leader_log *log, void *memory, uint32_t capacity);

/* Forgets everything and holds just `entry`, without a response. */
void rind_hsm_leader_log_begin(struct rind_hsm_leader_log *log, const struct rind_log_entry *entry);

/* Forgets everything. Slots handed out before stay readable until the next begin or append. */
void rind_hsm_leader_log_clear(struct rind_hsm_leader_log *log);

/* The first and last entry; the log must not be empty (asserted). */
const struct rind_log_entry *rind_hsm_leader_log_first(const struct rind_hsm_leader_log *log);
const struct rind_log_entry *rind_hsm_leader_log_last(const struct rind_hsm_leader_log *log);

/* The slot of the entry with this index; NULL if it is not in the log. */
struct rind_hsm_log_slot *rind_hsm_leader_log_find(const struct rind_hsm_leader_log *log,
                                                   uint64_t index);

/* True if `extra` more entries fit. */
bool rind_hsm_leader_log_has_room(const struct rind_hsm_leader_log *log, uint32_t extra);

/*
 * Appends `entry`, which must be the next in index and chain, with a copy of `pending` (NULL for
 * none). There must be room. All asserted.
 */
void rind_hsm_leader_log_append(struct rind_hsm_leader_log *log, const struct rind_log_entry *entry,
                                const struct rind_hsm_pending *pending);

/* Removes the last of at least two entries (asserted), and its response. */
void rind_hsm_leader_log_drop_last(struct rind_hsm_leader_log *log);

/*
 * Removes the entries before `index`, which must be in the log (asserted). Their slots stay
 * readable until the next append.
 */
void rind_hsm_leader_log_drop_before(struct rind_hsm_leader_log *log, uint64_t index);

/* True exactly once for a slot with a response: whoever gets true delivers slot->pending. */
bool rind_hsm_log_slot_take(struct rind_hsm_log_slot *slot);

#endif
