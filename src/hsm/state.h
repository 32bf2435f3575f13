/*
 * state.h - everything a core remembers, and the invariants over it.
 *
 * Durable state is what NVRAM holds; it changes only by rind_hsm_persist (persist.h), which writes
 * first and changes memory after. Everything else is lost with the process, and must be: a role
 * survives no restart, so that an HSM leads only from what it has durably captured.
 *
 * Invariants (numbers of spec 02 section 16), held between requests:
 *   2   groups[i].captured is never behind durable.groups[i].captured
 *   8   is_tree_open iff role is Leader and the last log entry has a partition, and then the
 *       tree's newest root is that partition's
 *   9   the log of a Leader or SteppingDown is not empty; a Witness has none
 *   -   both groups arrays hold the same groups, ascending by id
 * Requests are strictly serial, so there are no locks. Spec: 02 sections 4 and 8.
 */
#ifndef RIND_HSM_STATE_H
#define RIND_HSM_STATE_H

#include "base/base.h"
#include "crypto/crypto.h"
#include "hsm/hsm.h"
#include "hsm/leader_log.h"
#include "hsm/sessions.h"
#include "merkle/merkle.h"
#include "wire/wire.h"

/* Index of the first entry of a log; 0 is never used. */
#define RIND_HSM_INDEX_FIRST 1u
#define RIND_HSM_ROLE_CLOCK_START 1u
/* A hint to clients; nothing here enforces it (spec 02 section 1). */
#define RIND_HSM_SESSION_LIFETIME_S 5u

/*
 * Slots of a leader log that client requests leave to transfers: at most five entries make one, and
 * a log full of requests must not keep a group from being moved away.
 */
#define RIND_HSM_LOG_RESERVE 64u
#define RIND_HSM_LOG_ENTRIES_MIN 256u
#define RIND_HSM_LOG_ENTRIES_MAX 65536u
_Static_assert(RIND_HSM_LOG_ENTRIES_MIN > 2 * RIND_HSM_LOG_RESERVE,
               "most of the log is for requests");
_Static_assert(RIND_HSM_LOG_ENTRIES_MAX <= RIND_WIRE_RESPONSES_MAX,
               "one commit can release a full log");

/* Room for one decoded request: 1 MiB on the wire grows at most fourfold as structs. */
#define RIND_HSM_REQUEST_ARENA_SIZE (8u * 1024u * 1024u)
/* Plaintext of one client request and its record, twice each, with decoded forms. */
#define RIND_HSM_SECRET_ARENA_SIZE (32u * 1024u)

struct rind_hsm_durable_group {
    struct rind_group_id id;
    struct rind_hsm_id configuration[RIND_CONFIGURATION_LIMIT]; /* ascending */
    uint32_t member_count;
    bool has_captured;
    struct rind_log_position captured;
};

struct rind_hsm_durable {
    struct rind_hsm_id id;
    bool has_realm;
    struct rind_realm_id realm;
    struct rind_mac statement;
    uint32_t group_count;
    struct rind_hsm_durable_group groups[RIND_GROUPS_LIMIT]; /* ascending by id */
};

/* What a group's Leader or SteppingDown knows. Memory is set aside per group at boot. */
struct rind_hsm_leadership {
    struct rind_hsm_leader_log log;
    bool has_committed;
    uint64_t committed;
    uint64_t starting_index; /* of the first entry this leadership could write */

    /* Leader only. */
    bool is_tree_open;
    struct rind_overlay *tree; /* NULL until this memory first leads */
    struct rind_hsm_sessions sessions;
    bool has_incoming;
    struct rind_transfer_nonce incoming; /* of the newest prepared transfer in */
    /*
     * While a transfer out is pending: the preparation it answers, which each entry repeats.
     * Without one an HSM that does not know of bindings wrote the transfer.
     */
    bool has_binding;
    uint64_t binding;

    /* SteppingDown only. */
    uint64_t stepdown_at;       /* commits end here */
    struct rind_mac *abandoned; /* entries that lost to another leader, newest first */
    uint32_t abandoned_count;

    void *tree_memory;
};

struct rind_hsm_group {
    bool has_captured;
    struct rind_log_position captured; /* seen by CaptureNext or CaptureJump; volatile */
    /*
     * What CaptureJump was last given of each member, by its place in the configuration; index 0
     * for nothing. Volatile.
     */
    struct rind_log_position offers[RIND_CONFIGURATION_LIMIT];
    enum rind_group_member_role_kind role;
    uint64_t role_clock;
    struct rind_hsm_leadership *leadership;
};

struct rind_hsm {
    struct rind_realm_keys keys;
    struct rind_hsm_platform platform;
    struct rind_hsm_config config;
    struct rind_random random; /* the platform's, as the crypto room wants it */

    struct rind_hsm_durable durable;
    uint8_t stored_digest[RIND_BLAKE2S_SIZE]; /* of what NVRAM is known to hold */
    bool has_stored_digest;

    struct rind_hsm_group groups[RIND_GROUPS_LIMIT]; /* parallel to durable.groups */
    struct rind_hsm_leadership leaderships[RIND_GROUPS_LIMIT];
    struct rind_overlay_seed overlay_seed;
    struct rind_mix sessions_mix; /* keeps a hostile host from choosing keys that collide */

    struct rind_arena request_arena; /* the decoded request */
    struct rind_arena work_arena;    /* what handlers make, and the encoded response */
    struct rind_arena secret_arena;  /* plaintexts; wiped after each request */
};

/* The durable half of a group. */
static inline const struct rind_hsm_durable_group *
rind_hsm_group_durable(const struct rind_hsm *hsm, const struct rind_hsm_group *group)
{
    return &hsm->durable.groups[group - hsm->groups];
}

/* A copy of the group's id. */
static inline struct rind_group_id rind_hsm_group_id(const struct rind_hsm *hsm,
                                                     const struct rind_hsm_group *group)
{
    return rind_hsm_group_durable(hsm, group)->id;
}

#endif
