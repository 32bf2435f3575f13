/*
 * sim.h - the deterministic simulator: real trusted cores, a hostile host, simulated clients, and a
 * judge that knows the truth.
 *
 * One run is one realm (or several) played from one seed. The host (host*.c) owns everything
 * between the cores: it sees every message and drops, repeats, mixes up, forges and corrupts them
 * as the seed says, restarts cores, and now and then does what an honest host would do, so that
 * deep states are reached. The judge (judge*.c) watches every request and answer and keeps its own
 * picture of what must be true, made of what cores said and wrote to NVRAM and of nothing else: it
 * decodes released answers with the clients' keys, follows users, logs, roles, captures and trees
 * by itself, and ends the run at the first answer that cannot be. Object code of the core rooms is
 * unchanged.
 *
 * Read in this order: sim.h, run.c (one run), call.c (one request), host.c (what the host may do),
 * judge.h and judge*.c (what must hold), main.c (many runs, shrinking).
 * Figures, how to read a story, the mutation check: docs/testing.md.
 */
#ifndef RIND_SIM_SIM_H
#define RIND_SIM_SIM_H

#include <stdio.h>

#include "base/base.h"
#include "crypto/crypto.h"
#include "hsm/hsm.h"
#include "merkle/merkle.h"
#include "wire/wire.h"

/* --- Limits of one run --- */

#define SIM_HSMS_MAX 7u
#define SIM_GROUPS_MAX 32u    /* ever made */
#define SIM_GROUPS_WANTED 20u /* from here on no core is asked for more; a few may turn up late */
#define SIM_USERS_MAX 16u
#define SIM_KEYSETS 2u      /* the realm's keys, and a stranger's */
#define SIM_LOG_MAX 256u    /* entries in a leader's memory: the smallest a core can have */
#define SIM_REPLAYS_MAX 64u /* requests remembered for being sent again */
#define SIM_REQUEST_MAX 65536u
#define SIM_ARENA_SIZE (64u * 1024u * 1024u) /* address space; of one step */
#define SIM_NONE UINT32_MAX

/* --- Randomness (random.c) --- */

struct sim_random {
    uint64_t state;
};

/* A generator for `seed` and `stream`: equal arguments, equal numbers. */
struct sim_random sim_random_make(uint64_t seed, uint64_t stream);
uint64_t sim_random_next(struct sim_random *random);
/* Uniform enough in 0 .. bound - 1; bound at least 1. */
uint32_t sim_below(struct sim_random *random, uint32_t bound);
/* True in `part` of `whole` cases. */
bool sim_chance(struct sim_random *random, uint32_t part, uint32_t whole);
void sim_fill(struct sim_random *random, void *bytes, size_t size);

/* --- A table from hashes to numbers (index.c) --- */

struct sim_index {
    uint64_t *keys;
    uint32_t *values; /* SIM_NONE: free */
    size_t slot_count;
    size_t count;
};

/* The first 8 bytes of a MAC, hash or ciphertext: they are random, so they never meet by chance. */
uint64_t sim_key_of(const uint8_t *bytes);
uint32_t sim_index_find(const struct sim_index *index, uint64_t key);
void sim_index_put(struct sim_index *index, uint64_t key, uint32_t value);
/* Grows *items, an array of `size`-byte items, so that item `count` exists. */
void *sim_grow(void *items, size_t count, size_t *capacity, size_t size);

/* --- Users --- */

/* What a record holds, as the judge believes. */
struct sim_record {
    enum rind_registration_state_kind kind;
    bool has_leaf;
    uint16_t guess_count;
    uint32_t registration; /* when Registered: index into sim->registrations */
    struct rind_data_hash leaf_hash;
};

/* One Register2 that a client made. */
struct sim_registration {
    struct rind_register2_request request;
    uint32_t user;
    uint32_t released_guesses;  /* Recover2 answered Ok to the client */
    uint32_t released_recovers; /* Recover3 answered Ok to the client */
    uint32_t committed_resets;  /* entries with a Recover3 that was Ok, known to be committed */
    uint32_t committed_writes;  /* entries with this Register2, known to be committed */
};

struct sim_user {
    struct rind_record_id record_id;
    struct sim_random random;
    uint32_t registration; /* newest this client has sent; SIM_NONE */
    uint32_t session_id;
    bool has_session;
    struct rind_noise_session session;
    uint32_t session_hsm; /* where it lives; SIM_NONE once we know it is lost */
    uint32_t session_boot;
    uint32_t session_group;
};

/* One Noise message that a client made; the host may send it wherever and as often as it likes. */
struct sim_message {
    uint32_t user;
    unsigned keyset;
    bool is_handshake;
    bool has_request; /* false: a handshake without payload */
    bool is_garbage;  /* the plaintext is no request */
    struct rind_secrets_request request;
    uint32_t registration;                 /* of a Register2 */
    struct rind_noise_handshake handshake; /* to finish it with, as often as it is answered */
    struct rind_noise_session session;     /* to open the answer with, of a transport message */
    struct rind_x25519_public ephemeral;
    struct rind_slice ciphertext;
    uint32_t accepted_count;
    bool is_adopted; /* its session is, or was, the client's */
};

/* The answer that a log entry withholds. */
struct sim_expected {
    bool exists;
    uint32_t message;
    unsigned outcome; /* the inner kind, such as RIND_RECOVER2_OK */
    uint32_t registration;
    uint16_t guess_count;
    uint16_t remaining;
};

/* --- Logs --- */

/* An entry that a core made: the judge's registry has them all, forks included. */
struct sim_entry {
    struct rind_log_entry entry;
    uint32_t group;
    uint32_t parent; /* SIM_NONE for the first */
    uint32_t jump;   /* an ancestor further up, see registry.c */
    uint32_t hsm;    /* that made it */
    struct sim_record records[SIM_USERS_MAX];
    struct sim_expected expected; /* of the request that made it */
    uint64_t preparation; /* while a transfer out is pending: the one it answers, 02 section 14.7 */
    uint32_t taken_out;   /* of a TransferIn: the entry that gave the range; else SIM_NONE */
    uint32_t taken_by;    /* of a TransferOut: the committed entry that took it; else SIM_NONE */
    bool is_committed;
};

struct sim_slot {
    uint32_t entry;
    bool has_pending;
    struct sim_expected expected; /* while it has_pending */
};

/* One HSM in one group, as the judge believes. */
struct sim_member {
    bool is_member;
    uint32_t captured;  /* in memory; SIM_NONE */
    uint32_t persisted; /* in NVRAM, acknowledged; SIM_NONE */
    uint32_t *history;  /* every entry it ever persisted as its capture */
    size_t history_count;
    size_t history_capacity;
    struct rind_log_position offers[RIND_CONFIGURATION_LIMIT]; /* that CaptureJump brought */
    enum rind_group_member_role_kind role;
    uint64_t clock;
    uint64_t starting;
    struct sim_slot log[SIM_LOG_MAX];
    uint32_t log_count;
    bool has_committed;
    uint64_t committed;
    uint64_t stepdown_at;
    uint32_t abandoned[SIM_LOG_MAX]; /* newest first */
    uint32_t abandoned_count;
    bool has_incoming;
    struct rind_transfer_nonce incoming;
    uint32_t known_capture; /* newest statement seen; index into sim->captures; SIM_NONE */
};

struct sim_group {
    struct rind_realm_id realm;
    struct rind_group_id id;
    unsigned keyset;
    struct rind_hsm_id configuration[RIND_CONFIGURATION_LIMIT];
    uint32_t member_count;
    bool has_statement; /* false for the first group of a realm */
    struct rind_mac statement;
    struct sim_member members[SIM_HSMS_MAX];
    uint32_t tail;      /* the host's idea of the log's end */
    uint32_t committed; /* newest entry known to be committed; SIM_NONE */
};

/* --- Statements that cores issued --- */

struct sim_realm_statement {
    unsigned keyset;
    struct rind_realm_id realm;
    struct rind_hsm_id hsm;
    struct rind_mac statement;
};

struct sim_capture {
    unsigned keyset;
    struct rind_captured captured;
};

struct sim_prepared {
    unsigned keyset;
    struct rind_prepared_transfer_message message;
    struct rind_mac statement;
};

struct sim_transfer {
    unsigned keyset;
    struct rind_transfer_message message;
    struct rind_mac statement;
    uint32_t out; /* the entry that gave the range away */
};

/* --- HSMs (cores.c) --- */

enum sim_nvram_mode {
    SIM_NVRAM_WORKS,
    SIM_NVRAM_FAILS_OLD, /* writes fail and the old bytes stay */
    SIM_NVRAM_FAILS_NEW, /* writes fail, yet the new bytes are what the next boot reads */
};

struct sim_image {
    uint8_t bytes[RIND_HSM_NVRAM_SIZE_BYTES_MAX];
    size_t length;
};

struct sim_hsm {
    struct sim *sim;
    uint32_t index;
    struct rind_hsm *core; /* NULL while it is down */
    unsigned keyset;
    uint32_t boot; /* counts */
    struct sim_random random;
    struct sim_image image; /* what the next boot reads */
    struct sim_image old;   /* some earlier image */
    struct sim_image acked; /* newest write that was acknowledged, or what was booted from */
    bool has_new_image;     /* written during the current call */
    enum sim_nvram_mode nvram_mode;
    uint64_t clock_ns;
    /* As the judge read it from NVRAM: */
    bool has_id;
    struct rind_hsm_id id;
    bool has_realm;
    bool had_realm; /* before the current call */
    struct rind_realm_id realm;
    struct rind_mac statement;
};

/* --- The host's habits in this run (host.c) --- */

enum sim_operation {
    SIM_OP_PROGRESS, /* replicate and commit as an honest host would, one call */
    SIM_OP_APP,
    SIM_OP_APP_MIXED,
    SIM_OP_TRANSFER,
    SIM_OP_TRANSFER_MIXED,
    SIM_OP_CAPTURE_NEXT,
    SIM_OP_CAPTURE_JUMP,
    SIM_OP_PERSIST,
    SIM_OP_COMMIT,
    SIM_OP_BECOME_LEADER,
    SIM_OP_STEP_DOWN,
    SIM_OP_SECOND_LEADER,
    SIM_OP_FORK_STORE,
    SIM_OP_RESTART,
    SIM_OP_NVRAM_FAULT,
    SIM_OP_SETUP,
    SIM_OP_STATUS,
    SIM_OP_REPLAY,
    SIM_OP_GARBAGE,
    SIM_OP_COUNT,
};

struct sim_swarm {
    uint32_t weights[SIM_OP_COUNT];
    uint32_t weight_sum;
    uint32_t corrupt_per_1024; /* requests with a damaged byte */
    uint32_t swap_per_1024;    /* requests with an id mixed up */
    uint32_t lazy_per_16;      /* calls of an honest sequence left out */
    uint32_t guesses_max;      /* of policies */
    struct rind_hsm_config config;
};

struct sim_options {
    uint64_t seed;
    uint32_t steps;
    bool is_story;          /* print every step */
    bool rolls_nvram_back;  /* give cores old NVRAM: outside of what the protocol can bear */
    const uint8_t *skipped; /* operations left out, one byte each, by shrinking; may be NULL */
    uint32_t skipped_count;
};

struct sim_counters {
    uint64_t steps;    /* operations of the host */
    uint64_t requests; /* that cores got */
    uint64_t accepted;
    uint64_t refused;
    uint64_t undecodable;
    uint64_t commits;
    uint64_t released;
    uint64_t guesses;
    uint64_t recovered;
    uint64_t leaders;
    uint64_t transfers;
    uint64_t restarts;
    uint64_t forks;
    uint64_t heals;
    uint64_t digest; /* of every answer: two runs of a seed must agree */
};

struct sim_replay {
    uint8_t *bytes;
    size_t length;
};

struct sim {
    struct sim_options options;
    struct sim_random random; /* of the current operation */
    struct sim_swarm swarm;
    struct sim_counters counters;
    struct rind_arena arena; /* of the current step */
    struct rind_ctx ctx;
    struct rind_realm_keys keys[SIM_KEYSETS];
    size_t memory_size; /* of a core */
    uint8_t *response;
    size_t response_capacity;
    uint8_t *request;

    struct sim_hsm hsms[SIM_HSMS_MAX];
    uint32_t hsm_count;
    struct sim_group groups[SIM_GROUPS_MAX];
    uint32_t group_count;
    struct sim_user users[SIM_USERS_MAX];
    uint32_t user_count;

    struct sim_entry *entries;
    size_t entry_count;
    size_t entry_capacity;
    struct sim_index entries_by_mac;
    struct sim_registration *registrations;
    size_t registration_count;
    size_t registration_capacity;
    struct sim_message *messages;
    size_t message_count;
    size_t message_capacity;
    struct sim_index messages_by_ciphertext;
    struct sim_realm_statement *realm_statements;
    size_t realm_statement_count;
    size_t realm_statement_capacity;
    struct sim_capture *captures;
    size_t capture_count;
    size_t capture_capacity;
    struct sim_index captures_by_statement;
    struct sim_prepared *prepared;
    size_t prepared_count;
    size_t prepared_capacity;
    struct sim_transfer *transfers;
    size_t transfer_count;
    size_t transfer_capacity;
    struct rind_node *nodes;
    size_t node_count;
    size_t node_capacity;
    struct sim_index nodes_by_hash;
    struct sim_replay replays[SIM_REPLAYS_MAX];
    uint32_t replay_count;

    uint32_t operation;   /* index of the current one */
    bool is_proof_honest; /* the request being sent has a proof just as it was read */
    bool is_healing;      /* liveness phase: no faults */
};

/* --- Ending a run (result.c) --- */

/* The first thing that must not be: ends the run. */
_Noreturn void sim_violation(struct sim *sim, const char *format, ...) RIND_PRINTF(2, 3);
#define SIM_CHECK(sim, fact, ...) ((fact) ? (void)0 : sim_violation((sim), __VA_ARGS__))
/* What the simulator itself cannot go on after, such as no memory. */
_Noreturn void sim_broken(const char *what);

/* --- What the host and the judge know (registry.c) --- */

uint32_t sim_group_find(const struct sim *sim, const struct rind_group_id *id);
uint32_t sim_hsm_find(const struct sim *sim, const struct rind_hsm_id *id);
uint32_t sim_user_find(const struct sim *sim, const struct rind_record_id *id);
/* The entry with this MAC, or SIM_NONE. */
uint32_t sim_entry_find(const struct sim *sim, const struct rind_mac *mac);
bool sim_entry_equal(const struct rind_log_entry *a, const struct rind_log_entry *b);
/* Enters a new one; its parent is looked up. */
uint32_t sim_entry_add(struct sim *sim, uint32_t group, const struct rind_log_entry *entry,
                       uint32_t hsm);
/* True if `ancestor` is `entry` or before it on its chain. */
bool sim_is_ancestor(const struct sim *sim, uint32_t ancestor, uint32_t entry);
/* The entry with `index` on the chain that ends with `entry`; SIM_NONE if there is none. */
uint32_t sim_ancestor_at(const struct sim *sim, uint32_t entry, uint64_t index);
uint32_t sim_capture_find(const struct sim *sim, unsigned keyset,
                          const struct rind_captured *captured);
void sim_nodes_add(struct sim *sim, const struct rind_store_delta *delta);
/* A proof read from storage; false if a node was never stored. */
bool sim_proof_record(struct sim *sim, const struct rind_partition *partition,
                      const struct rind_record_id *key, struct rind_read_proof *proof);
bool sim_proof_edge(struct sim *sim, const struct rind_partition *partition, enum rind_side side,
                    struct rind_read_proof *proof);
void *sim_alloc(struct sim *sim, size_t size);

/* --- Cores (cores.c) --- */

void sim_cores_start(struct sim *sim);
/* Boots from the image with keyset; what the core says. */
rind_status sim_core_boot(struct sim *sim, uint32_t hsm, unsigned keyset) RIND_MUST_USE;
void sim_core_stop(struct sim *sim, uint32_t hsm);

/* --- Calls (call.c) --- */

/* What came of a request: the answer, in the step's arena, if `is_answered`. */
struct sim_answer {
    bool is_answered;
    unsigned kind; /* of the answer; 0 for Status, which has none */
    const void *value;
};

/* One step: encodes, perhaps damages, sends, and lets the judge look. */
struct sim_answer sim_call(struct sim *sim, uint32_t hsm, const struct rind_hsm_request *request);
struct sim_answer sim_call_bytes(struct sim *sim, uint32_t hsm, struct rind_slice bytes);

/* --- Clients (clients.c) --- */

/* A message of the user's, sealed; index into sim->messages. Transport if it has a session. */
uint32_t sim_client_seal(struct sim *sim, uint32_t user, unsigned keyset,
                         const struct rind_secrets_request *request, bool wants_transport);
/* Takes a session over from the answer to a handshake message. */
void sim_client_adopt(struct sim *sim, uint32_t message, const struct rind_noise_session *session,
                      uint32_t hsm, uint32_t group);
struct rind_secrets_request sim_client_request(struct sim *sim, uint32_t user);
struct rind_secrets_request sim_client_register2(struct sim *sim, uint32_t user);
struct rind_noise_request sim_message_request(const struct sim_message *message);

/* --- The host (host*.c) --- */

void sim_swarm_make(struct sim *sim);
void sim_host_setup(struct sim *sim);
void sim_host_operation(struct sim *sim);
/* Heals everything and demands progress. */
void sim_host_heal(struct sim *sim);

/* --- Stories (story.c) --- */

void sim_story_call(struct sim *sim, uint32_t hsm, const struct rind_hsm_request *request,
                    rind_status status, unsigned kind, const void *value);
void sim_story(struct sim *sim, const char *format, ...) RIND_PRINTF(2, 3);
const char *sim_kind_name(enum rind_hsm_request_kind request, unsigned kind);
const struct rind_schema *sim_answer_schema(enum rind_hsm_request_kind kind);

#endif
