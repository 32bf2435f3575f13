/*
 * fake_agents.h - agents that answer as a test says, on real sockets, and a store they register in.
 *
 * Each has one HSM with groups that the test sets. Without a script, become_leader and stepdown
 * change the reported leadership and the transfer RPCs answer Ok. A script makes an RPC answer
 * something else, or fail. Calls are counted. Everything is thread-safe; failures end the test.
 */
#ifndef RIND_TESTS_CLUSTER_FAKE_AGENTS_H
#define RIND_TESTS_CLUSTER_FAKE_AGENTS_H

#include <stdbool.h>

#include "cluster/cluster.h"

#define FAKE_AGENTS_MAX 8u
#define FAKE_GROUPS_MAX 8u
#define FAKE_MEMBERS_MAX 5u
#define FAKE_SCRIPTS_MAX 16u
#define FAKE_PATHS_MAX 24u
#define FAKE_FOR_EVER 1000000u

struct fake_group {
    struct rind_group_id id;
    struct rind_hsm_id members[FAKE_MEMBERS_MAX];
    size_t member_count;
    bool is_leader;
    bool is_undriven; /* the HSM leads but the agent does not know */
    uint64_t captured;
    uint64_t committed;
    uint64_t last;
    bool has_range;
    struct rind_owned_range range;
    bool has_transferring;
    struct rind_transferring transferring;
};

struct fake_agent {
    struct fake_realm *realm;
    char url[64];
    struct rind_server *server; /* NULL: nothing listens */
    int reserved_fd;            /* then: keeps the port from other tests' agents; -1 otherwise */
    struct rind_hsm_id hsm;
    bool has_hsm;
    bool has_realm;
    struct fake_group groups[FAKE_GROUPS_MAX];
    size_t group_count;
    /* What is scripted and what was counted; guarded by the realm's lock, as are the groups. */
    struct {
        const char *path;
        unsigned skip; /* calls that go as usual before */
        unsigned times;
        const void *response; /* NULL: HTTP status 500 without a body */
    } scripts[FAKE_SCRIPTS_MAX];
    size_t script_count;
    struct {
        const char *path;
        unsigned count;
    } calls[FAKE_PATHS_MAX];
    uint64_t last_requested; /* become_leader's `last`; UINT64_MAX: none */
};

struct fake_realm {
    struct rind_arena *arena;
    struct rind_ctx ctx;
    struct rind_store *store;
    struct rind_client *client;
    struct rind_cluster cluster;
    struct rind_grant_keeper *keeper;
    struct rind_realm_id id;
    struct fake_agent agents[FAKE_AGENTS_MAX];
    size_t count;
    struct rind_mutex lock;
};

/* A store, a client, a lease keeper and `count` agents, whose HSMs 01.., 02.. are in realm 09.. */
void fake_realm_open(struct fake_realm *realm, size_t count);
void fake_realm_close(struct fake_realm *realm);

/* Ids as the worked cases write them: all bytes the same. */
struct rind_group_id fake_group_id(uint8_t byte);
struct rind_hsm_id fake_hsm_id(uint8_t byte);
struct rind_owned_range fake_range(uint8_t start, uint8_t end);

/*
 * Adds group `byte` to agents 0..members-1 (all with captured, committed, last 10), led by agent
 * `leader`, or by nobody (SIZE_MAX).
 */
void fake_realm_add_group(struct fake_realm *realm, uint8_t byte, size_t members, size_t leader);

/* The agent's view of group `byte`, to change before or read after what is tested. */
struct fake_group *fake_find(struct fake_realm *realm, size_t agent, uint8_t byte);

/* The index of the agent that says it leads, or SIZE_MAX. */
size_t fake_leader(struct fake_realm *realm, uint8_t byte);

/* After `skip` calls, the next `times` calls of `path` (as in "transfer/out") get `response`. */
void fake_script(struct fake_agent *agent, const char *path, unsigned skip, unsigned times,
                 const void *response);

unsigned fake_calls(struct fake_agent *agent, const char *path);

/* Ends the agent's service: connections are refused from now on. */
void fake_kill(struct fake_agent *agent);

/* Takes a lease as another manager would, for as long as the test says. */
void fake_take_lease(struct fake_realm *realm, const char *key, struct rind_lease *lease);
void fake_give_lease(struct fake_realm *realm, const struct rind_lease *lease);

/* The lease key of group `byte`. */
const char *fake_group_key(struct fake_realm *realm, uint8_t byte, char *key);
const char *fake_ownership_key(struct fake_realm *realm, char *key);

#endif
