/*
 * errand.h - faults that are requests: leaderships and ranges that move, one at a time, on a thread
 * of their own because they may take minutes.
 *
 * That an errand fails is no violation: the realm is under attack. Spec: docs/spec/08-cluster.md
 * section 17.
 */
#ifndef RIND_CLI_CHAOS_ERRAND_H
#define RIND_CLI_CHAOS_ERRAND_H

#include "cli/realm/local.h"

#define RIND_CHAOS_ERRAND_TEXT_SIZE 256u

enum rind_chaos_errand_kind {
    RIND_CHAOS_STEPDOWN_GROUP, /* a manager hands a group's leadership over */
    RIND_CHAOS_STEPDOWN_HSM,   /* a manager takes all leaderships of an HSM away */
    RIND_CHAOS_STEPDOWN_AGENT, /* the agent steps down, which leaves the group without a leader */
    RIND_CHAOS_BECOME_LEADER,  /* a witness is told to lead: two leaders duel */
    RIND_CHAOS_REBALANCE,
    RIND_CHAOS_TRANSFER,
};

struct rind_chaos_errand {
    enum rind_chaos_errand_kind kind;
    const char *url; /* of the manager or agent to ask */
    struct rind_realm_id realm;
    struct rind_group_id group; /* transfer: the source */
    struct rind_group_id destination;
    struct rind_hsm_id hsm;
    struct rind_owned_range range;
    char what[RIND_CHAOS_ERRAND_TEXT_SIZE]; /* for people */
};

struct rind_chaos_courier; /* opaque: the thread */

struct rind_chaos_errand_result {
    bool is_ok;
    uint64_t duration_ns;
    char text[RIND_CHAOS_ERRAND_TEXT_SIZE]; /* "done", or why not */
};

/* `done` is called on the courier's thread after each errand. */
rind_status rind_chaos_courier_open(struct rind_ctx *ctx, struct rind_client *client,
                                    void (*done)(void *self, const struct rind_chaos_errand *errand,
                                                 const struct rind_chaos_errand_result *result),
                                    void *self, struct rind_chaos_courier **courier) RIND_MUST_USE;

/* False, taking nothing, while the last errand is under way. */
bool rind_chaos_courier_send(struct rind_chaos_courier *courier,
                             const struct rind_chaos_errand *errand);

bool rind_chaos_courier_is_busy(struct rind_chaos_courier *courier);

/* Waits for the errand under way. NULL is ignored. */
void rind_chaos_courier_close(struct rind_chaos_courier *courier);

/* One errand on the calling thread. */
void rind_chaos_errand_run(struct rind_ctx *ctx, struct rind_client *client,
                           const struct rind_chaos_errand *errand,
                           struct rind_chaos_errand_result *result);

#endif
