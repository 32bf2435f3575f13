/*
 * forward.h - hands a client's request to the agents that may lead its group, and judges their
 * answers.
 *
 * A request is sent on to a further agent only if nothing can have happened with it so far: a Noise
 * transport message that an HSM saw twice makes clients give up hard, whereas Unavailable makes
 * them start over cleanly. Handshakes may be repeated (section 10.2).
 * Spec: docs/spec/07-load-balancer.md section 10.
 */
#ifndef RIND_BALANCER_FORWARD_H
#define RIND_BALANCER_FORWARD_H

#include <stdbool.h>

#include "balancer/routing.h"
#include "base/status.h"
#include "host/clock.h"
#include "host/log.h"
#include "net/client.h"
#include "wire/agent.h"
#include "wire/client.h"

/* Entries tried for one request in one pass; more claimants of one record are a fault elsewhere. */
#define RIND_FORWARD_ATTEMPTS_MAX 8u

/* A handshake goes on to the next claimant of the group after this long: a leader that can commit
 * answers within a second, and repeating a handshake harms nobody. */
#define RIND_FORWARD_HANDSHAKE_ATTEMPT_MS 5000u

struct rind_forwarder {
    struct rind_client *client; /* borrowed */
    const struct rind_log *log; /* borrowed */
    unsigned in_flight_per_agent_max;
    /* Of those, so many may begin an operation. Lower, so that under overload what has begun goes
     * on to its end, and what is refused has used up nothing: a guess is spent by a second request.
     */
    unsigned handshakes_per_agent_max;
};

struct rind_forward_result {
    struct rind_client_response response; /* in ctx's arena */
    /* Unavailable, and it must stay so: the request may have been executed, or the agent that would
     * serve it has as many as it may have, and waiting with more of them would only make it worse.
     */
    bool is_final;
    size_t attempt_count;
    struct rind_group_id groups[RIND_FORWARD_ATTEMPTS_MAX]; /* of each attempt */
};

/*
 * Tries the realm's entries that own request->record_id until one gives a definite answer. Sets
 * request->group. `request` otherwise stays as it is.
 */
void rind_forward(struct rind_ctx *ctx, const struct rind_forwarder *forwarder,
                  const struct rind_routing_realm *realm, struct rind_agent_app_request *request,
                  struct rind_deadline deadline, struct rind_forward_result *result);

#endif
