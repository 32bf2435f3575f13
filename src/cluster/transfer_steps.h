/*
 * transfer_steps.h - the RPCs of a transfer, and what each answer means (section 9.3).
 *
 * For transfer.c and recovery.c. A step ends in RIND_OK, or fills run->error and says in its code
 * what to do: RIND_E_STALE retry from the start, RIND_E_INVALID give up, RIND_E_CANCELLED the lease
 * is lost. Answers that a correct agent does not give are errors too, never assertions: one
 * misbehaving agent must not end every manager.
 */
#ifndef RIND_CLUSTER_TRANSFER_STEPS_H
#define RIND_CLUSTER_TRANSFER_STEPS_H

#include "cluster/transfer.h"

/* Agents wait up to 60 s for a commit (06 section 10.1); the rest is for the way. */
#define RIND_TRANSFER_STEP_TIMEOUT_MS 75000u
#define RIND_TRANSFER_STATUS_TIMEOUT_MS 2000u

struct transfer_run {
    struct rind_ctx *ctx;
    struct rind_grant *grant;
    const struct rind_cluster_transfer_request *request;
    struct rind_deadline deadline; /* of the attempt */
    struct rind_cluster_transfer_error error;
    char
        error_text[RIND_SENTENCE_SIZE_MAX]; /* what `error` borrows: outlives an attempt's memory */
    /* Leaders as the attempt found them; borrowed from its statuses. */
    const struct rind_cluster_hsm *source;
    const struct rind_cluster_hsm *destination;
    /* An out of an earlier attempt may have been executed, or may be some day. */
    bool is_out_uncertain;
    /* What one step gives the next. */
    struct rind_transfer_nonce nonce;
    struct rind_mac prepared;
    struct rind_partition transferring;
    struct rind_mac transferred;
};

/* Sets the error and returns the code that goes with it. */
rind_status transfer_fail(struct transfer_run *run, enum rind_code code,
                          enum rind_cluster_transfer_error_kind kind) RIND_MUST_USE;

/* The leader of `group` as its HSM reports it, or NULL. */
const struct rind_leader_status *transfer_leader_status(const struct rind_cluster_hsm *leader,
                                                        const struct rind_realm_id *realm,
                                                        const struct rind_group_id *group);

rind_status transfer_find_leaders(struct transfer_run *run) RIND_MUST_USE;
rind_status transfer_prepare(struct transfer_run *run) RIND_MUST_USE;
rind_status transfer_out(struct transfer_run *run) RIND_MUST_USE;
rind_status transfer_in(struct transfer_run *run) RIND_MUST_USE;
rind_status transfer_complete(struct transfer_run *run) RIND_MUST_USE;

/* Does the group own all of `range`, everything committed? Asks its leader at `url`. */
bool transfer_is_owned(struct rind_ctx *ctx, struct rind_grant *grant, const char *url,
                       const struct rind_realm_id *realm, const struct rind_group_id *group,
                       const struct rind_owned_range *range);

#endif
