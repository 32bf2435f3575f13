/*
 * transfer_step.h - what the steps of a transfer have in common: each that makes a log entry is
 * admitted, asks the HSM, queues the entry, and waits until it is committed under the same
 * leadership, all within one budget below the callers' 30 s (spec 06 section 16 item 6).
 */
#ifndef RIND_AGENT_TRANSFER_STEP_H
#define RIND_AGENT_TRANSFER_STEP_H

#include "agent/append_queue.h"

/* How a step stands, in the terms that all its RPCs share. */
enum rind_transfer_outcome {
    RIND_TRANSFER_DONE,
    RIND_TRANSFER_RETRY,   /* a proof was stale: read it again */
    RIND_TRANSFER_REFUSED, /* the RPC's response holds the variant */
    RIND_TRANSFER_NO_STORE,
    RIND_TRANSFER_NO_HSM,
    RIND_TRANSFER_NOT_LEADER,
    RIND_TRANSFER_COMMIT_TIMEOUT,
    RIND_TRANSFER_INVALID_REALM,
    RIND_TRANSFER_INVALID_GROUP,
};

struct rind_transfer_step {
    struct rind_ctx *ctx;
    struct rind_agent *agent;
    struct rind_agent_group *group; /* the one this step writes to */
    struct rind_deadline deadline;
    struct rind_admission admission;
};

/* Finds the group the step writes to. */
enum rind_transfer_outcome rind_transfer_step_begin(struct rind_transfer_step *step,
                                                    struct rind_ctx *ctx, struct rind_agent *agent,
                                                    const struct rind_realm_id *realm,
                                                    const struct rind_group_id *group);

/* Admits the step to the group's leadership; settled by ask (on failure), enqueue, or the caller
 * with rind_append_refused. */
enum rind_transfer_outcome rind_transfer_step_admit(struct rind_transfer_step *step);

/* Sends the request; the admission is settled unless the result is RIND_TRANSFER_DONE. */
enum rind_transfer_outcome rind_transfer_step_ask(struct rind_transfer_step *step,
                                                  const struct rind_hsm_request *call,
                                                  const struct rind_schema *schema, void *answer);

/* Queues the entry of an OK answer and settles the admission; `entry` NULL: there is none. */
enum rind_transfer_outcome rind_transfer_step_enqueue(struct rind_transfer_step *step,
                                                      const struct rind_log_entry *entry,
                                                      const struct rind_store_delta *delta);

/* Waits until `index` is committed by the leadership of role clock `clock`. */
enum rind_transfer_outcome rind_transfer_step_wait(struct rind_transfer_step *step, uint64_t index,
                                                   uint64_t clock);

/* The newest entry of the group. */
enum rind_transfer_outcome rind_transfer_step_basis(struct rind_transfer_step *step,
                                                    struct rind_log_entry *basis);

/* What the outcome of reading a proof means. */
enum rind_transfer_outcome rind_transfer_step_of_proof(struct rind_transfer_step *step,
                                                       rind_status status);

/* True if there is time for another attempt, after a pause. */
bool rind_transfer_step_may_retry(struct rind_transfer_step *step, uint64_t pause_ms);

#endif
