/*
 * release.h - what follows a commit, for each client whose answer it released. Spec 06 section 6.2
 * step 5.
 *
 * In this order: a rate reservation for the operation's next request, the tenant's event (and no
 * answer without it), the counters, accounting, the answer. Answers without an event, and all of
 * them if the sink never waits, go out at once; the others pass through one of a few threads,
 * chosen by their tenant, that publishes whatever has gathered in one call: so a tenant whose
 * events are slow to publish, or cannot be, holds up few others.
 */
#ifndef RIND_AGENT_RELEASE_H
#define RIND_AGENT_RELEASE_H

#include "agent/waiter.h"
#include "base/base.h"
#include "wire/wire.h"

struct rind_agent;
struct rind_releaser;

rind_status rind_releaser_open(struct rind_ctx *ctx, struct rind_agent *agent,
                               struct rind_releaser **releaser) RIND_MUST_USE;
/* Finishes what is under way. NULL is allowed. */
void rind_releaser_close(struct rind_releaser *releaser);

/* Takes `waiter` to its answer. `released` is borrowed; ctx's arena is used for the encoding. */
void rind_release_take(struct rind_ctx *ctx, struct rind_releaser *releaser,
                       struct rind_app_waiter *waiter,
                       const struct rind_released_response *released);

#endif
