/* start.h - what a local realm starts, in which order, and how it knows that all is ready. */
#ifndef RIND_CLI_REALM_START_H
#define RIND_CLI_REALM_START_H

#include "cli/realm/local.h"

struct rind_local_start {
    struct rind_local *local;
    struct rind_stopper *stopper; /* may be NULL */
    rind_local_progress progress; /* may be NULL */
    void *progress_self;
};

/*
 * Starts HSMs, agents, managers and balancers, waits for each, and makes the realms and groups
 * unless the store has them already. On failure the caller closes `local`.
 */
rind_status rind_local_start_all(struct rind_ctx *ctx,
                                 const struct rind_local_start *start) RIND_MUST_USE;

/* Opens local->store and a client, for rind_local's `cluster`. */
rind_status rind_local_open_store(struct rind_ctx *ctx, struct rind_local *local) RIND_MUST_USE;

#endif
