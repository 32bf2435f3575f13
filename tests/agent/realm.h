/*
 * realm.h - a realm in one process: real cores, a real store in memory, real agents.
 *
 * Agents reach their cores through a transport that can be told to fail, to lose replies, or to
 * hold them. With servers on, agents also reach each other over HTTP. A call that cannot fail in a
 * correct test ends the process with a report when it does.
 */
#ifndef RIND_TESTS_AGENT_REALM_H
#define RIND_TESTS_AGENT_REALM_H

#include "agent/agent.h"
#include "agent/app.h"
#include "agent/fault_engine.h"
#include "hsm/cluster.h"
#include "net/net.h"

#define REALM_NODES_MAX 5u
#define REALM_WAIT_MS 20000u /* bound of every wait of a test; never reached in a correct one */

enum realm_fault {
    REALM_FAULT_NONE,
    REALM_FAULT_UNAVAILABLE, /* the request does not reach the core */
    REALM_FAULT_LOSE_REPLY,  /* the core executes it, the agent never hears */
    REALM_FAULT_GARBLE_REPLY,
    REALM_FAULT_HOLD,   /* the reply waits until realm_release or realm_release_one */
    REALM_FAULT_ANSWER, /* the core is not asked; realm_fail_with's bytes are the reply */
};

struct realm;

struct realm_node {
    struct realm *realm;
    unsigned h;
    struct rind_store *store;    /* its own, over the realm's engine */
    struct fault_engine *engine; /* the store's way to it */
    struct rind_agent *agent;    /* NULL while it is stopped */
    struct rind_server *server;
    uint16_t port; /* kept over restarts */
    struct rind_event_counts events;
    bool events_fail;
    /* Guarded by the realm's lock: */
    enum realm_fault fault; /* of requests of kind fault_kind, */
    enum rind_hsm_request_kind fault_kind;
    unsigned fault_count;       /* so many times */
    unsigned held;              /* replies waiting now */
    unsigned ticket_next;       /* the next held reply gets this number, from 0 */
    uint64_t tickets_out;       /* bit n: reply n may go */
    struct rind_slice scripted; /* of REALM_FAULT_ANSWER */
    unsigned calls[RIND_HSM_REQUEST_APP_REQUEST + 1]; /* seen, by kind */
};

struct realm {
    struct rind_mutex lock;   /* guards the cores and the nodes' fault fields */
    struct rind_cond changed; /* something that tests wait for */
    struct cluster *cores;
    struct rind_engine *engine; /* in memory, shared by all nodes */
    struct rind_log_sink *sink;
    struct rind_log log;
    struct realm_node nodes[REALM_NODES_MAX];
    unsigned node_count;
    struct rind_realm_id id;
    struct rind_arena *arena;
    struct rind_ctx ctx;
    uint64_t persist_interval_ms;
    uint64_t keep_entries; /* 0: compaction waits for nobody */
    uint64_t default_rate;
};

/* `count` cores without a realm; agents are started with realm_start. */
struct realm *realm_new(unsigned count);
void realm_free(struct realm *realm);

/* Starts or stops (at once, or gracefully) the agent of a node. With `is_served` it listens. */
void realm_start(struct realm *realm, unsigned h, bool is_served);
void realm_stop(struct realm *realm, unsigned h);
/* The core loses its volatile state, as when its process is restarted. */
void realm_reboot_core(struct realm *realm, unsigned h);

/* realm/new at node 0; the group it made. Waits until its first entry is committed. */
struct rind_group_id realm_create(struct realm *realm);
/* Nodes 1.. join the realm of node 0. */
void realm_join(struct realm *realm);
/* A group of the nodes `members`, led by the first; its first entry is committed. */
struct rind_group_id realm_new_group(struct realm *realm, const unsigned *members, unsigned count);

/* Injects a fault into the next `count` requests of `kind`. */
void realm_fail(struct realm *realm, unsigned h, enum rind_hsm_request_kind kind,
                enum realm_fault fault, unsigned count);
/* The next `count` requests of `kind` get this answer; the core never sees them. */
void realm_fail_with(struct realm *realm, unsigned h, enum rind_hsm_request_kind kind,
                     const struct rind_schema *schema, const void *response, unsigned count);
/* Waits until `count` replies are held. */
void realm_wait_held(struct realm *realm, unsigned h, unsigned count);
/* Lets one held reply go, by the order in which they were held. */
void realm_release_one(struct realm *realm, unsigned h, unsigned ticket);
/* Lets held replies go, and future ones. */
void realm_release(struct realm *realm, unsigned h);
unsigned realm_calls(struct realm *realm, unsigned h, enum rind_hsm_request_kind kind);

/* A pending `app` request and its answer. */
struct realm_answer {
    struct rind_mutex lock;
    struct rind_cond arrived;
    bool is_there;
    unsigned answer_count; /* must stay 1 */
    size_t size;
    uint8_t bytes[4096];
};

/* Sends a request on the calling thread; the answer may come later. */
void realm_send(struct realm *realm, unsigned h, const struct rind_agent_app_request *request,
                struct realm_answer *answer);
/* Waits for the answer and decodes it; it lies in `answer`. */
struct rind_agent_app_response realm_wait(struct rind_ctx *ctx, struct realm_answer *answer);
bool realm_is_answered(struct realm_answer *answer);
void realm_answer_fini(struct realm_answer *answer);

/* Users have a cluster of their own, for its memory and keys: one per thread. */
struct rind_agent_app_request realm_request(struct realm *realm, struct cluster *users,
                                            const struct rind_group_id *group,
                                            struct cluster_client *client,
                                            const struct rind_secrets_request *request);
/* A whole request at node `h`; the variant answered. `response` (may be NULL) if it is Ok. */
enum rind_agent_app_response_kind realm_ask(struct realm *realm, struct cluster *users, unsigned h,
                                            const struct rind_group_id *group,
                                            struct cluster_client *client,
                                            const struct rind_secrets_request *request,
                                            struct rind_secrets_response *response);
/* HandshakeOnly: gives the client a session. */
enum rind_agent_app_response_kind realm_connect(struct realm *realm, struct cluster *users,
                                                unsigned h, const struct rind_group_id *group,
                                                struct cluster_client *client);

struct rind_agent_group *realm_group(struct realm *realm, unsigned h,
                                     const struct rind_group_id *group);
/* The agent's view of the role. */
struct rind_role_status realm_role(struct realm *realm, unsigned h,
                                   const struct rind_group_id *group);
void realm_wait_role(struct realm *realm, unsigned h, const struct rind_group_id *group,
                     enum rind_group_member_role_kind kind);
void realm_wait_committed(struct realm *realm, unsigned h, const struct rind_group_id *group,
                          uint64_t index);
enum rind_agent_become_leader_response_kind realm_become_leader(struct realm *realm, unsigned h,
                                                                const struct rind_group_id *group,
                                                                const uint64_t *last);
/* --- Transfers --- */

/* All five steps; `part` NULL: all that the source owns. */
void realm_transfer(struct realm *realm, unsigned source_leader, const struct rind_group_id *source,
                    unsigned destination_leader, const struct rind_group_id *destination,
                    const struct rind_owned_range *part);

/* What the HSM of `h` owns of the group now; false if it does not lead it or owns nothing. */
bool realm_owned(struct realm *realm, unsigned h, const struct rind_group_id *group,
                 struct rind_owned_range *range);

/* The steps. */
struct rind_agent_transfer_prepare_response realm_prepare(struct realm *realm, unsigned h,
                                                          const struct rind_group_id *source,
                                                          const struct rind_group_id *destination,
                                                          const struct rind_owned_range *range);
struct rind_agent_transfer_out_response
realm_transfer_out(struct realm *realm, unsigned h, const struct rind_group_id *source,
                   const struct rind_group_id *destination, const struct rind_owned_range *range,
                   const struct rind_agent_transfer_prepare_ok *prepared);
enum rind_agent_transfer_in_response_kind
realm_transfer_in(struct realm *realm, unsigned h, const struct rind_group_id *source,
                  const struct rind_group_id *destination,
                  const struct rind_agent_transfer_prepare_ok *prepared,
                  const struct rind_agent_transfer_out_ok *out);
enum rind_agent_transfer_complete_response_kind
realm_transfer_complete(struct realm *realm, unsigned h, const struct rind_group_id *source,
                        const struct rind_group_id *destination,
                        const struct rind_owned_range *range);

/* Calls `is_true(self)` until it is, or the test fails. */
void realm_wait_until(struct realm *realm, bool (*is_true)(void *self), void *self);

#endif
