/*
 * cluster.h - several cores in one process, with a storage and a host that plays by the rules
 * unless told otherwise.
 *
 * For tests and the simulator. Each core has NVRAM in memory (which can be made to fail, copied and
 * rolled back) and a seeded generator (which can be scripted). The store keeps one log per group
 * and the tree nodes of the realm. Everything that goes into or comes out of a core passes through
 * the encoded envelopes, as in production. Results live in cluster->arena until cluster_reset.
 *
 * A call that cannot fail in a correct test ends the process with a report when it does.
 */
#ifndef RIND_TESTS_HSM_CLUSTER_H
#define RIND_TESTS_HSM_CLUSTER_H

#include "base/base.h"
#include "crypto/crypto.h"
#include "hsm/hsm.h"
#include "merkle/merkle.h"
#include "wire/wire.h"

#define CLUSTER_HSMS_MAX 9u
#define CLUSTER_GROUPS_MAX 17u
#define CLUSTER_ARENA_SIZE (64u * 1024u * 1024u) /* address space; used pages only are taken */

/* A generator that repeats: scripted bytes first, then BLAKE2s of seed and counter. */
struct cluster_random {
    uint64_t seed;
    uint64_t counter;
    struct rind_slice script; /* what is left of it */
};

/* As struct rind_random wants it, over a struct cluster_random. */
void cluster_random_fill(void *self, void *bytes, size_t size);

struct cluster_hsm {
    struct rind_hsm *core; /* NULL while it is down */
    void *memory;
    struct rind_hsm_id id;
    struct cluster_random random;
    uint8_t nvram[RIND_HSM_NVRAM_SIZE_BYTES_MAX];
    size_t nvram_length;
    unsigned nvram_write_count;
    bool nvram_fails; /* writes do */
    uint64_t clock_now_ns;
    uint64_t clock_step_ns; /* added by each look at the clock */
    bool clock_fails;
    struct rind_realm_keys keys; /* that it boots with */
    /* Index that CaptureNext must get next, per log. */
    uint64_t next_index[CLUSTER_GROUPS_MAX];
};

struct cluster_log {
    struct rind_group_id group;
    struct rind_log_entry *entries; /* entry i has index i + 1 */
    size_t count;
    size_t capacity;
};

struct cluster_nodes;

struct cluster {
    unsigned hsm_count;
    struct cluster_hsm hsms[CLUSTER_HSMS_MAX];
    struct rind_hsm_config config;
    size_t memory_size; /* of one core */
    struct rind_realm_id realm;
    struct cluster_log logs[CLUSTER_GROUPS_MAX];
    unsigned log_count;
    struct cluster_nodes *nodes;
    struct rind_arena arena;
    struct rind_ctx ctx;
    uint8_t *response; /* of the last call */
    size_t response_capacity;
};

/* A small configuration: 64 changes in the overlay, 16 sessions, 256 log entries. */
struct rind_hsm_config cluster_config_small(void);

/* `count` cores, booted on empty NVRAM, with keys derived from "secret". */
struct cluster *cluster_new(unsigned count, uint64_t seed);
struct cluster *cluster_new_with(unsigned count, uint64_t seed,
                                 const struct rind_hsm_config *config);
void cluster_free(struct cluster *cluster);

/*
 * All cores (which must be up), their NVRAM and generators and the length of each log, to go back
 * to later: cheaper than setting up anew. The store keeps nodes that were added since, as a store
 * may that is never cleaned. No group may be made in between.
 */
struct cluster_snapshot;
struct cluster_snapshot *cluster_snapshot_take(const struct cluster *cluster);
void cluster_snapshot_restore(struct cluster *cluster, const struct cluster_snapshot *snapshot);
void cluster_snapshot_free(struct cluster_snapshot *snapshot);

/* Forgets all results so far. */
void cluster_reset(struct cluster *cluster);

/* Takes a core down, or boots it from its NVRAM; what rind_hsm_init says. */
void cluster_stop(struct cluster *cluster, unsigned h);
rind_status cluster_boot(struct cluster *cluster, unsigned h) RIND_MUST_USE;
/* Both; must succeed. */
void cluster_reboot(struct cluster *cluster, unsigned h);

/* The bytes of a request envelope; in the arena. */
struct rind_slice cluster_encode(struct cluster *cluster, const struct rind_hsm_request *request);

/* Sends bytes; the answer envelope's bytes are valid until the next call. */
rind_status cluster_send_bytes(struct cluster *cluster, unsigned h, struct rind_slice request,
                               struct rind_slice *response) RIND_MUST_USE;

/* Sends a request and decodes its answer; `metrics` may be NULL. */
rind_status cluster_try_send(struct cluster *cluster, unsigned h,
                             const struct rind_hsm_request *request, void *answer,
                             struct rind_hsm_metric_list *metrics) RIND_MUST_USE;

/* The same where the core must answer. */
void cluster_send(struct cluster *cluster, unsigned h, const struct rind_hsm_request *request,
                  void *answer);

/* The schema of the answer to a request. */
const struct rind_schema *cluster_answer_schema(enum rind_hsm_request_kind kind);

/* --- Set-up --- */

struct rind_hsm_status_response cluster_status(struct cluster *cluster, unsigned h);
/* The group's part of it; ends the test if the group is not there. */
struct rind_group_status cluster_group_status(struct cluster *cluster, unsigned h,
                                              const struct rind_group_id *group);

/* NewRealm at core 0, JoinRealm at all others; the group of core 0 alone. */
struct rind_group_id cluster_new_realm(struct cluster *cluster);

/* NewGroup at `members[0]`, JoinGroup at the others; the first entry is in its log. */
struct rind_group_id cluster_new_group(struct cluster *cluster, const unsigned *members,
                                       unsigned count);

/* A realm, and a group of all cores whose leader, core 0, owns all records. Nothing pending. */
struct rind_group_id cluster_new_realm_and_group(struct cluster *cluster);

/* --- The store --- */

struct cluster_log *cluster_log_of(struct cluster *cluster, const struct rind_group_id *group);
const struct rind_log_entry *cluster_last(struct cluster *cluster,
                                          const struct rind_group_id *group);

/* Stores the nodes, then appends if the entry follows the log's tail; false if it does not. */
bool cluster_append(struct cluster *cluster, const struct rind_group_id *group,
                    const struct rind_log_entry *entry, const struct rind_store_delta *delta);

/* Proof of a record, or of an edge, at a partition's root. */
struct rind_read_proof cluster_proof(struct cluster *cluster,
                                     const struct rind_partition *partition,
                                     const struct rind_record_id *key);
struct rind_read_proof cluster_edge_proof(struct cluster *cluster,
                                          const struct rind_partition *partition,
                                          enum rind_side side);

/* --- Replication --- */

/* CaptureNext with the given entries. */
struct rind_hsm_capture_next_response cluster_capture_entries(struct cluster *cluster, unsigned h,
                                                              const struct rind_group_id *group,
                                                              const struct rind_log_entry *entries,
                                                              size_t count);
/* CaptureNext with all entries of the log that it has not had; must be accepted. */
void cluster_capture(struct cluster *cluster, unsigned h, const struct rind_group_id *group);

/* PersistState; the captures of all groups, in the arena. */
struct rind_captured_list cluster_persist(struct cluster *cluster, unsigned h);

struct rind_hsm_commit_response cluster_commit_with(struct cluster *cluster, unsigned h,
                                                    const struct rind_group_id *group,
                                                    const struct rind_captured_list *captures);
/* Captures and persists at all members that are up, then commits at `h` with what they say. */
struct rind_hsm_commit_response cluster_commit(struct cluster *cluster, unsigned h,
                                               const struct rind_group_id *group);

struct rind_hsm_become_leader_response cluster_become_leader(struct cluster *cluster, unsigned h,
                                                             const struct rind_group_id *group,
                                                             const struct rind_log_entry *last);
struct rind_hsm_step_down_response cluster_step_down(struct cluster *cluster, unsigned h,
                                                     const struct rind_group_id *group, bool force);
/* Captures at `h`, then BecomeLeader from the log's tail; must be accepted. */
void cluster_lead(struct cluster *cluster, unsigned h, const struct rind_group_id *group);

/* --- Transfers --- */

/* The whole of `range`, or part of it at either end, from one led group to another. */
void cluster_transfer(struct cluster *cluster, unsigned source_leader,
                      const struct rind_group_id *source, unsigned destination_leader,
                      const struct rind_group_id *destination,
                      const struct rind_owned_range *range);

struct rind_hsm_prepare_transfer_response cluster_prepare(struct cluster *cluster, unsigned h,
                                                          const struct rind_group_id *source,
                                                          const struct rind_group_id *destination,
                                                          const struct rind_owned_range *range);
struct rind_hsm_cancel_prepared_transfer_response
cluster_cancel(struct cluster *cluster, unsigned h, const struct rind_group_id *source,
               const struct rind_group_id *destination, const struct rind_owned_range *range);
/* With a proof read at the log's tail if one is needed. */
struct rind_hsm_transfer_out_response
cluster_transfer_out(struct cluster *cluster, unsigned h, const struct rind_group_id *source,
                     const struct rind_group_id *destination, const struct rind_owned_range *range,
                     const struct rind_transfer_nonce *nonce, const struct rind_mac *statement);
struct rind_hsm_transfer_statement_response
cluster_transfer_statement(struct cluster *cluster, unsigned h, const struct rind_group_id *source,
                           const struct rind_group_id *destination,
                           const struct rind_transfer_nonce *nonce);
/* With proofs read at the log's tail if they are needed. */
struct rind_hsm_transfer_in_response cluster_transfer_in(struct cluster *cluster, unsigned h,
                                                         const struct rind_group_id *source,
                                                         const struct rind_group_id *destination,
                                                         const struct rind_partition *transferring,
                                                         const struct rind_transfer_nonce *nonce,
                                                         const struct rind_mac *statement);
struct rind_hsm_complete_transfer_response cluster_complete(struct cluster *cluster, unsigned h,
                                                            const struct rind_group_id *source,
                                                            const struct rind_group_id *destination,
                                                            const struct rind_owned_range *range);

/* --- Clients --- */

/* One user on one device. */
struct cluster_client {
    struct rind_record_id record_id;
    uint32_t session_id;
    bool has_session;
    struct rind_noise_session session;
    struct rind_noise_handshake handshake; /* between its two messages */
    bool is_handshaking;
    struct cluster_random random;
};

void cluster_client_init(struct cluster_client *client, uint64_t seed,
                         const struct rind_record_id *record_id);

/* HandshakeRequest: a session without a request. Ends the test unless it is Ok. */
void cluster_client_connect(struct cluster *cluster, unsigned h, const struct rind_group_id *group,
                            struct cluster_client *client);

/* The Noise message of a request: transport if there is a session, else a handshake. */
struct rind_noise_request cluster_client_seal(struct cluster *cluster,
                                              struct cluster_client *client,
                                              struct rind_slice plaintext);
struct rind_slice cluster_encode_secrets(struct cluster *cluster,
                                         const struct rind_secrets_request *request);

/* Opens a released response and takes over a handshake's session. */
struct rind_secrets_response cluster_client_open(struct cluster *cluster,
                                                 struct cluster_client *client,
                                                 const struct rind_noise_response *response);

/* AppRequest with a proof read at the log's tail; what the core says. Appends nothing. */
struct rind_hsm_app_response cluster_app(struct cluster *cluster, unsigned h,
                                         const struct rind_group_id *group,
                                         struct cluster_client *client,
                                         const struct rind_noise_request *encrypted);

/* Seals, sends, must be accepted, appends to the log; the entry's MAC names the pending answer. */
struct rind_mac cluster_client_start(struct cluster *cluster, unsigned h,
                                     const struct rind_group_id *group,
                                     struct cluster_client *client,
                                     const struct rind_secrets_request *request);

/* The response to the entry `mac` among those that a commit released, or NULL. */
const struct rind_released_response *cluster_released(const struct rind_hsm_commit_response *commit,
                                                      const struct rind_mac *mac);

/* Start, commit and open: a whole request. */
struct rind_secrets_response cluster_client_ask(struct cluster *cluster, unsigned h,
                                                const struct rind_group_id *group,
                                                struct cluster_client *client,
                                                const struct rind_secrets_request *request);

/* A Register2 with keys and tags made from `seed`; the tag of Recover3 is in it. */
struct rind_secrets_request cluster_register2(uint64_t seed, uint16_t num_guesses);
struct rind_secrets_request cluster_recover2(const struct rind_secrets_request *register2);
struct rind_secrets_request cluster_recover3(const struct rind_secrets_request *register2);
struct rind_secrets_request cluster_simple(enum rind_secrets_request_kind kind);

/* A record id of 32 equal bytes. */
struct rind_record_id cluster_record(uint8_t byte);

#endif
