/* hsm_gate.c - see hsm_gate.h. */
#include "agent/hsm_gate.h"

/* On the waiting caller's stack; linked into the gate while it waits. */
struct rind_hsm_gate_waiter {
    struct rind_cond turn;
    bool has_turn;
    struct rind_hsm_gate_waiter *previous;
    struct rind_hsm_gate_waiter *next;
};

void rind_hsm_gate_init(struct rind_hsm_gate *gate, unsigned in_flight_max)
{
    RIND_ASSERT(in_flight_max > 0);
    *gate = (struct rind_hsm_gate){.in_flight_max = in_flight_max};
    rind_mutex_init(&gate->lock);
}

void rind_hsm_gate_fini(struct rind_hsm_gate *gate)
{
    RIND_ASSERT(gate->in_flight == 0 && gate->waiting == 0);
    rind_mutex_fini(&gate->lock);
}

static void gate_link(struct rind_hsm_gate *gate, enum rind_hsm_urgency urgency,
                      struct rind_hsm_gate_waiter *waiter)
{
    waiter->previous = gate->last[urgency];
    if (waiter->previous != NULL) {
        waiter->previous->next = waiter;
    } else {
        gate->first[urgency] = waiter;
    }
    gate->last[urgency] = waiter;
    gate->waiting++;
}

static void gate_unlink(struct rind_hsm_gate *gate, enum rind_hsm_urgency urgency,
                        struct rind_hsm_gate_waiter *waiter)
{
    if (waiter->previous != NULL) {
        waiter->previous->next = waiter->next;
    } else {
        gate->first[urgency] = waiter->next;
    }
    if (waiter->next != NULL) {
        waiter->next->previous = waiter->previous;
    } else {
        gate->last[urgency] = waiter->previous;
    }
    gate->waiting--;
}

rind_status rind_hsm_gate_enter(struct rind_ctx *ctx, struct rind_hsm_gate *gate,
                                enum rind_hsm_urgency urgency, struct rind_deadline deadline)
{
    RIND_ASSERT(urgency < RIND_HSM_URGENCY_COUNT);
    rind_mutex_lock(&gate->lock);
    if (gate->in_flight < gate->in_flight_max) {
        RIND_ASSERT(gate->waiting == 0); /* leave hands free places to whoever waits */
        gate->in_flight++;
        rind_mutex_unlock(&gate->lock);
        return RIND_OK;
    }
    if (gate->waiting >= RIND_HSM_GATE_WAITING_MAX) {
        rind_mutex_unlock(&gate->lock);
        return rind_fail(ctx, RIND_E_LIMIT, "%u requests wait for the HSM already",
                         RIND_HSM_GATE_WAITING_MAX);
    }
    struct rind_hsm_gate_waiter waiter = {0};
    rind_cond_init(&waiter.turn);
    gate_link(gate, urgency, &waiter);
    while (!waiter.has_turn && !rind_deadline_has_expired(deadline)) {
        (void)rind_cond_wait(&waiter.turn, &gate->lock, deadline);
    }
    bool has_turn = waiter.has_turn;
    if (!has_turn) {
        gate_unlink(gate, urgency, &waiter);
    }
    rind_mutex_unlock(&gate->lock);
    rind_cond_fini(&waiter.turn);
    if (!has_turn) {
        return rind_fail(ctx, RIND_E_TIMEOUT, "the HSM was too busy to take the request in time");
    }
    return RIND_OK;
}

void rind_hsm_gate_leave(struct rind_hsm_gate *gate)
{
    rind_mutex_lock(&gate->lock);
    RIND_ASSERT(gate->in_flight > 0);
    gate->in_flight--;
    for (unsigned urgency = 0; urgency < RIND_HSM_URGENCY_COUNT; urgency++) {
        struct rind_hsm_gate_waiter *waiter = gate->first[urgency];
        if (waiter != NULL) {
            gate_unlink(gate, (enum rind_hsm_urgency)urgency, waiter);
            waiter->has_turn = true;
            gate->in_flight++;
            rind_cond_signal(&waiter->turn); /* under the lock: the waiter's stack lives on */
            break;
        }
    }
    rind_mutex_unlock(&gate->lock);
}
