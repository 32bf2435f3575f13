/*
 * agent_list.h - the agents that discovery names, and what each of them said last.
 *
 * Not thread-safe: the refresher's lock guards it.
 */
#ifndef RIND_BALANCER_AGENT_LIST_H
#define RIND_BALANCER_AGENT_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "balancer/agent_target.h"
#include "balancer/routing.h"
#include "base/status.h"
#include "store/registry.h"

enum rind_agent_outcome {
    RIND_AGENT_ANSWERED,
    RIND_AGENT_FAILED,    /* refused, broken, not understood: it leads nothing */
    RIND_AGENT_TIMED_OUT, /* nothing is known */
};

struct rind_agent_state {
    struct rind_agent_target *target;   /* a reference of the list */
    struct rind_routing_claims *claims; /* owned; NULL: nothing known, or it serves no realm */
    bool is_slow;                       /* did not answer promptly; asked with more patience */
};

struct rind_agent_list {
    struct rind_agent_state *agents; /* in the order of discovery */
    size_t count;
};

void rind_agent_list_fini(struct rind_agent_list *list);

/* What replacing the list found. */
struct rind_agent_list_change {
    bool is_changed;      /* an agent came or went */
    size_t ignored_count; /* bad URL, or beyond the limit: ctx->sentence says */
};

/*
 * Makes the list hold exactly the agents of `services` (at most `count_max` of them), keeping what
 * is known of those that stay. On failure it is unchanged.
 */
rind_status rind_agent_list_replace(struct rind_ctx *ctx, struct rind_agent_list *list,
                                    const struct rind_services *services, size_t count_max,
                                    struct rind_agent_list_change *change) RIND_MUST_USE;

/*
 * The targets of all agents that are slow, or of all that are not, in ctx->arena, each with a
 * reference that the caller releases.
 */
rind_status rind_agent_list_targets(struct rind_ctx *ctx, const struct rind_agent_list *list,
                                    bool is_slow, struct rind_agent_target ***targets,
                                    size_t *count) RIND_MUST_USE;

/*
 * Notes what an agent answered, taking the claims; ignored if the agent is gone. True if that
 * changes the routing table. `is_patient`: a time-out was the slow poll's, so nothing it said
 * stands any longer.
 */
bool rind_agent_list_note(struct rind_agent_list *list, const struct rind_agent_target *target,
                          enum rind_agent_outcome outcome, struct rind_routing_claims *claims_take,
                          bool is_patient);

/* True if some agent is slow. */
bool rind_agent_list_has_slow(const struct rind_agent_list *list);

/* A routing table of what is known now. */
rind_status rind_agent_list_route(struct rind_ctx *ctx, const struct rind_agent_list *list,
                                  struct rind_routing **routing) RIND_MUST_USE;

#endif
