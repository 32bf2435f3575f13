/*
 * real_realm.h - a realm of real processes for one test, its users, and a client in the background.
 *
 * Ports are free ones, the store is a fresh directory, and all processes die with the test however
 * it ends. Failures end the test. Main thread only, but for what says otherwise.
 */
#ifndef RIND_TESTS_INTEGRATION_REAL_REALM_H
#define RIND_TESTS_INTEGRATION_REAL_REALM_H

#include "cli/realm/local.h"
#include "rind/rind.h"
#include "rpc/rpc.h"

/* How long a busy machine may take for what takes moments. */
#define REAL_PATIENCE_MS 60000u

struct real_realm {
    struct rind_arena *arena;
    struct rind_ctx ctx;
    struct rind_local_options options;
    struct rind_local local;
    struct rind_configuration *configuration;
    struct rind_https *https;
    struct rind_stopper pause; /* never set: to wait on */
};

/* `group_count` 0: every HSM but the first stays out of the realm, which has one group. */
void real_open(struct real_realm *realm, uint32_t hsm_count, uint32_t group_count,
               uint32_t manager_count);
void real_close(struct real_realm *realm);

const struct rind_realm_id *real_id(const struct real_realm *realm);
const char *real_agent_url(const struct real_realm *realm, size_t agent);
const char *real_manager_url(struct real_realm *realm, size_t manager);

void real_pause_ms(struct real_realm *realm, uint64_t duration_ms);

/* What all agents say now; valid until the mark of realm->arena is released. */
struct rind_cluster_hsm_list real_look(struct real_realm *realm);

/* All groups that are reported, ascending. */
struct rind_cluster_group_list real_groups(struct real_realm *realm);

/* The agent whose HSM leads the group at this moment, SIZE_MAX if nobody says so. */
size_t real_leader(struct real_realm *realm, const struct rind_group_id *group);

/* How many HSMs say that they lead the group. */
size_t real_leader_count(struct real_realm *realm, const struct rind_group_id *group);

/* Waits until the group has exactly one leader, another one than `except` (SIZE_MAX: any). */
size_t real_await_leader(struct real_realm *realm, const struct rind_group_id *group,
                         size_t except);

/* The group that owns records, if it is the only one. */
struct rind_group_id real_owner(struct real_realm *realm);

/* True if every record id belongs to exactly one group and no transfer is under way. */
bool real_is_whole(struct real_realm *realm);
void real_await_whole(struct real_realm *realm, uint64_t timeout_ms);

/* Both processes of an agent and its HSM: SIGKILL, and start again on the same state. */
void real_kill(struct real_realm *realm, size_t agent);
void real_restart(struct real_realm *realm, size_t agent);

/*
 * SIGSTOP to an agent alone, at a moment when it does not write: the embedded store's write lock
 * would stop with it, which is another fault than the one meant here.
 */
void real_stop_agent(struct real_realm *realm, size_t agent);
void real_continue_agent(struct real_realm *realm, size_t agent);

/* Makes a group of agents `first`, `first`+1, ... */
struct rind_group_id real_new_group(struct real_realm *realm, size_t first, size_t count);

/* Asks the first manager. */
struct rind_cluster_transfer_response real_transfer(struct real_realm *realm,
                                                    const struct rind_group_id *source,
                                                    const struct rind_group_id *destination,
                                                    const struct rind_owned_range *range);
struct rind_cluster_stepdown_response
real_step_down(struct real_realm *realm, const struct rind_cluster_stepdown_request *request);

/* A range from hex as operators write it: "00", "7fff". */
struct rind_owned_range real_range(const char *start, const char *end);

/* One user, who may be used from any one thread. */
struct real_user {
    struct real_realm *realm;
    char name[64];
    struct rind_user *user;
};
void real_user_open(struct real_user *user, struct real_realm *realm, const char *name);
void real_user_close(struct real_user *user);
enum rind_error real_user_register(struct real_user *user);
/* RIND_ERROR_NONE only if the secret is the registered one. */
enum rind_error real_user_recover(struct real_user *user);

/* Registers and recovers one user again and again (spec 08 section 18.5). */
struct real_background {
    struct real_user user;
    struct rind_thread thread;
    atomic_bool is_stopping;
    atomic_uint successes;
    atomic_uint errors;
    atomic_int last_error; /* enum rind_error */
};
void real_background_start(struct real_background *background, struct real_realm *realm);
/* Waits for `count` more successes. */
void real_background_await(struct real_background *background, unsigned count);
/* Ends it and returns how many errors it saw. */
unsigned real_background_stop(struct real_background *background);

#endif
