/*
 * processes.h - agents and HSMs as real processes over one LMDB store, for tests.
 *
 * Programs are found in RIND_BIN_DIR. All listen on 127.0.0.1 and are killed with the realm, at the
 * latest with this process. A call that cannot fail in a correct test ends the process.
 */
#ifndef RIND_TESTS_AGENT_PROCESSES_H
#define RIND_TESTS_AGENT_PROCESSES_H

#include <sys/types.h>

#include "host/host.h"
#include "hsm/cluster.h"
#include "rpc/rpc.h"
#include "wire/wire.h"

#define PROCESSES_MAX 5u
#define PROCESSES_WAIT_MS 30000u

struct process_node {
    uint16_t port;
    pid_t agent; /* 0: not running */
    pid_t hsm;   /* 0: a child of the agent, or not running */
    struct rind_url url;
    struct rind_hsm_id hsm_id;
};

struct processes {
    char directory[64]; /* of store, HSM states and logs */
    struct process_node nodes[PROCESSES_MAX];
    struct rind_client *client;
    struct rind_arena *arena;
    struct rind_ctx ctx;
    struct rind_realm_id realm;
    bool has_own_hsms; /* HSMs are processes of their own: --hsm-url */
    const char *persist_interval;
};

struct processes *processes_new(void);
/* Kills what runs and removes the directory. */
void processes_free(struct processes *processes);

/* Starts an agent (and its HSM, unless that runs) and waits until livez says 200. */
void processes_start(struct processes *processes, unsigned n);
/* Starts it once more at the same address, and waits for that one's end. */
int processes_start_twice(struct processes *processes, unsigned n);
/* Starts an agent without its HSM, sends it a signal once it has logged `text`. */
int processes_stop_while_starting(struct processes *processes, unsigned n, const char *text,
                                  int signal);
/* Sends a signal to an agent; waits for its end and returns how waitpid reports it. */
int processes_stop(struct processes *processes, unsigned n, int signal);
void processes_start_hsm(struct processes *processes, unsigned n);
void processes_kill_hsm(struct processes *processes, unsigned n);

/* Forgets the results so far. */
void processes_reset(struct processes *processes);

/* One RPC; must be answered. */
void processes_call(struct processes *processes, unsigned n, const struct rind_rpc *rpc,
                    const void *request, void *response);

/* realm/new at node 0, whose group is returned, and joining by nodes 1 .. count - 1. */
struct rind_group_id processes_create_realm(struct processes *processes, unsigned count);
/* A group of nodes 0 .. count - 1 led by node 0. */
struct rind_group_id processes_create_group(struct processes *processes, unsigned count);
/* Moves all records from one group that node 0 leads to another that it leads. */
void processes_move_all(struct processes *processes, const struct rind_group_id *source,
                        const struct rind_group_id *destination);
enum rind_agent_become_leader_response_kind
processes_become_leader(struct processes *processes, unsigned n, const struct rind_group_id *group);
/* Waits until node n's HSM says that it leads (or does not lead) the group. */
void processes_wait_leads(struct processes *processes, unsigned n,
                          const struct rind_group_id *group, bool leads);

/* A whole request through HTTP; the variant answered. */
enum rind_agent_app_response_kind
processes_ask(struct processes *processes, unsigned n, const struct rind_group_id *group,
              struct cluster *users, struct cluster_client *client,
              const struct rind_secrets_request *request, struct rind_secrets_response *response);

#endif
