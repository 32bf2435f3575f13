/*
 * routing.h - who leads what: an immutable table from realm and record id to agents.
 *
 * Agents' statuses are not trusted to make sense: ranges that end before they start are left out.
 * Several agents may claim one group (a leader that does not know yet that it was replaced); all
 * are listed, those that answer first and among them the highest role clock, and only one of them
 * can commit.
 * Spec: docs/spec/07-load-balancer.md section 9.
 */
#ifndef RIND_BALANCER_ROUTING_H
#define RIND_BALANCER_ROUTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "balancer/agent_target.h"
#include "base/id.h"
#include "base/status.h"
#include "wire/agent.h"

/* A group that an agent says it leads. */
struct rind_routing_claim {
    struct rind_group_id group;
    struct rind_owned_range range;
    uint64_t role_clock;
};

/* What an agent's status means for routing; heap, immutable. */
struct rind_routing_claims {
    struct rind_realm_id realm;
    size_t count;
    struct rind_routing_claim claims[];
};

/*
 * Extracts the claims of a status; *claims is NULL if the agent has no HSM or its HSM no realm.
 * Claims of impossible ranges are dropped and counted in *dropped_count. Free with free().
 */
rind_status rind_routing_claims_new(struct rind_ctx *ctx,
                                    const struct rind_agent_status_response *status,
                                    struct rind_routing_claims **claims,
                                    size_t *dropped_count) RIND_MUST_USE;

/* True if both would route alike; either may be NULL. */
bool rind_routing_claims_equal(const struct rind_routing_claims *a,
                               const struct rind_routing_claims *b);

/* One agent of a table to be built; borrowed. */
struct rind_routing_agent {
    struct rind_agent_target *target;
    const struct rind_routing_claims *claims; /* NULL: it serves nothing */
    bool is_slow; /* it did not answer lately; what it said before may still hold */
};

/* One row: this agent may lead this group, which owns this range. */
struct rind_routing_entry {
    struct rind_group_id group;
    struct rind_owned_range range;
    uint64_t role_clock;
    struct rind_agent_target *target; /* a reference of the table */
    bool is_slow;
    uint32_t order; /* of its agent */
};

struct rind_routing_realm {
    struct rind_realm_id id;
    const struct rind_routing_entry *entries;
    size_t entry_count; /* may be 0: the realm is known but has no leader */
};

struct rind_routing; /* opaque, immutable */

/* A table of what the agents claim, in their order. */
rind_status rind_routing_new(struct rind_ctx *ctx, const struct rind_routing_agent *agents,
                             size_t agent_count, struct rind_routing **routing) RIND_MUST_USE;

/* For rind_published: the argument is a struct rind_routing. */
void rind_routing_free(void *routing);

/* The realm, or NULL if no agent serves it. */
const struct rind_routing_realm *rind_routing_find(const struct rind_routing *routing,
                                                   const struct rind_realm_id *realm);

size_t rind_routing_realm_count(const struct rind_routing *routing);

/*
 * The next entry at or after *position whose range holds the record, advancing *position past it;
 * NULL if there is none. Start with 0.
 */
const struct rind_routing_entry *rind_routing_next(const struct rind_routing_realm *realm,
                                                   const struct rind_record_id *record,
                                                   size_t *position);

#endif
