/*
 * agent_target.h - an agent as requests see it: an address, and how much is under way to it.
 *
 * Shared by routing tables of different ages, so counted; thread-safe.
 */
#ifndef RIND_BALANCER_AGENT_TARGET_H
#define RIND_BALANCER_AGENT_TARGET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

struct rind_agent_target {
    atomic_uint reference_count;
    atomic_uint in_flight_count;
    char url[]; /* the agent's base, as it registered it */
};

/* A target with one reference; the URL is copied. RIND_E_INVALID if it is no plain http URL. */
rind_status rind_agent_target_new(struct rind_ctx *ctx, const char *url,
                                  struct rind_agent_target **target) RIND_MUST_USE;

struct rind_agent_target *rind_agent_target_retain(struct rind_agent_target *target);
/* Frees with the last reference. NULL is allowed. */
void rind_agent_target_release(struct rind_agent_target *target);

/*
 * Reserves one of `count_max` places for a request under way; false if they are taken. A hung agent
 * must not hold every worker while others could serve.
 */
bool rind_agent_target_enter(struct rind_agent_target *target, unsigned count_max);
void rind_agent_target_leave(struct rind_agent_target *target);

#endif
