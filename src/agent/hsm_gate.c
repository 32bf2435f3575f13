/* hsm_gate.c - see hsm_gate.h. */
#include "agent/hsm_gate.h"

/* On the waiting caller's stack; linked into the gate while it waits. */
struct rind_hsm_gate_waiter {
    struct rind_semaphore turn; /* posted once has_turn */
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

/* It is too late to wait on. True if the turn has come just now after all. */
static bool gate_give_up(struct rind_hsm_gate *gate, enum rind_hsm_urgency urgency,
                         struct rind_hsm_gate_waiter *waiter)
{
    rind_mutex_lock(&gate->lock);
    bool has_turn = waiter->has_turn;
    if (!has_turn) {
        gate_unlink(gate, urgency, waiter);
    }
    rind_mutex_unlock(&gate->lock);
    if (has_turn) {
        (void)rind_semaphore_wait(&waiter->turn,
                                  rind_deadline_never()); /* whoever gives it, posts */
    }
    return has_turn;
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
    rind_semaphore_init(&waiter.turn);
    gate_link(gate, urgency, &waiter);
    rind_mutex_unlock(&gate->lock);
    bool has_turn =
        rind_semaphore_wait(&waiter.turn, deadline) || gate_give_up(gate, urgency, &waiter);
    rind_semaphore_fini(&waiter.turn);
    if (!has_turn) {
        return rind_fail(ctx, RIND_E_TIMEOUT, "the HSM was too busy to take the request in time");
    }
    return RIND_OK;
}

/* Takes out the waiter whose turn it is; NULL if nobody waits. Lock held. */
static struct rind_hsm_gate_waiter *gate_take_next(struct rind_hsm_gate *gate)
{
    for (unsigned urgency = 0; urgency < RIND_HSM_URGENCY_COUNT; urgency++) {
        struct rind_hsm_gate_waiter *waiter = gate->first[urgency];
        if (waiter != NULL) {
            gate_unlink(gate, (enum rind_hsm_urgency)urgency, waiter);
            return waiter;
        }
    }
    return NULL;
}

void rind_hsm_gate_leave(struct rind_hsm_gate *gate)
{
    rind_mutex_lock(&gate->lock);
    RIND_ASSERT(gate->in_flight > 0);
    struct rind_hsm_gate_waiter *next = gate_take_next(gate);
    if (next != NULL) {
        next->has_turn = true; /* in this one's place */
    } else {
        gate->in_flight--;
    }
    rind_mutex_unlock(&gate->lock);
    if (next != NULL) {
        rind_semaphore_post(&next->turn); /* its stack lives on until then */
    }
}
