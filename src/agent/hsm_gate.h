/*
 * hsm_gate.h - the order in which requests reach the HSM, which executes one at a time.
 *
 * Callers wait here, most urgent class first and first come first served within a class, until
 * fewer than `in_flight_max` calls are under way; a few are let through so that the HSM's next job
 * is always ready. Spec 06 section 13.4 item 1. Thread-safe.
 */
#ifndef RIND_AGENT_HSM_GATE_H
#define RIND_AGENT_HSM_GATE_H

#include "base/base.h"
#include "host/clock.h"
#include "host/thread.h"

/* Most urgent first. Clients' answers wait for the first ones; Status can always wait. */
enum rind_hsm_urgency {
    RIND_HSM_URGENCY_PERSIST,
    RIND_HSM_URGENCY_COMMIT,
    RIND_HSM_URGENCY_ROLE, /* StepDown, BecomeLeader, realm and group creation */
    RIND_HSM_URGENCY_CAPTURE,
    RIND_HSM_URGENCY_TRANSFER,
    RIND_HSM_URGENCY_APP,
    RIND_HSM_URGENCY_HANDSHAKE,
    RIND_HSM_URGENCY_STATUS,
    RIND_HSM_URGENCY_COUNT
};

/*
 * Each wait here costs two threads a system call and one a switch, and with 4 under way most
 * requests waited. An urgent one finds at most so many before it, a fifth of a millisecond each.
 */
#define RIND_HSM_IN_FLIGHT_MAX_DEFAULT 16u
/* Callers that may wait: more threads than an agent has is a bug elsewhere, not a wish. */
#define RIND_HSM_GATE_WAITING_MAX 4096u

struct rind_hsm_gate_waiter;

struct rind_hsm_gate {
    struct rind_mutex lock; /* guards all below; nothing is taken while holding it */
    struct rind_hsm_gate_waiter *first[RIND_HSM_URGENCY_COUNT];
    struct rind_hsm_gate_waiter *last[RIND_HSM_URGENCY_COUNT];
    unsigned in_flight;
    unsigned in_flight_max;
    unsigned waiting;
};

void rind_hsm_gate_init(struct rind_hsm_gate *gate, unsigned in_flight_max);
void rind_hsm_gate_fini(struct rind_hsm_gate *gate);

/*
 * Waits for a turn. RIND_E_TIMEOUT if none came by the deadline, RIND_E_LIMIT if too many wait;
 * after RIND_OK the caller must leave.
 */
rind_status rind_hsm_gate_enter(struct rind_ctx *ctx, struct rind_hsm_gate *gate,
                                enum rind_hsm_urgency urgency,
                                struct rind_deadline deadline) RIND_MUST_USE;
void rind_hsm_gate_leave(struct rind_hsm_gate *gate);

#endif
