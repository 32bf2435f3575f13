/* manager_state.h - what the manager's files share: manager.c (life), loops.c, serve.c (HTTP). */
#ifndef RIND_CLUSTER_MANAGER_STATE_H
#define RIND_CLUSTER_MANAGER_STATE_H

#include "cluster/leaders.h"
#include "cluster/manager.h"
#include "cluster/watch.h"

struct rind_manager {
    struct rind_manager_options options;
    char name[RIND_ADDRESS_TEXT_SIZE]; /* the listen address: owner text of leases */
    struct rind_url url;               /* as registered */
    struct rind_cluster cluster;
    struct rind_client *client;
    struct rind_grant_keeper *keeper;
    struct rind_leaders *leaders;
    struct rind_watch *watch;
    struct rind_server *server;
    struct rind_stopper stopper;
    bool has_stopper;
    struct rind_thread leaders_thread;
    struct rind_thread transfers_thread;
    struct rind_thread rebalance_thread;
    struct rind_thread registration_thread;
    atomic_bool is_registered;
    /* Guards the three below. Nothing is taken after it. */
    struct rind_mutex lock;
    struct rind_cond check_changed;
    bool is_check_wanted;
    bool is_closing;
    uint64_t checks_done;
};

/* The threads' functions; self is the manager. */
void manager_run_leaders(void *self);
void manager_run_transfers(void *self);
void manager_run_rebalance(void *self);
void manager_run_registration(void *self);

/* Has the leader check run soon. Does not wait. */
void manager_want_check(void *self);

/* Has the leader check run now and waits until it has, within limits. */
void manager_repair(void *self);

/* The rind_handler of the HTTP service; self is the manager. */
void manager_handle(void *self, struct rind_ctx *ctx, const struct rind_request *request,
                    struct rind_response *response);

#endif
