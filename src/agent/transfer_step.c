/* transfer_step.c - see transfer_step.h. */
#include "agent/transfer_step.h"

#include "agent/commit.h"
#include "agent/leadership.h"

enum rind_transfer_outcome rind_transfer_step_begin(struct rind_transfer_step *step,
                                                    struct rind_ctx *ctx, struct rind_agent *agent,
                                                    const struct rind_realm_id *realm,
                                                    const struct rind_group_id *group)
{
    *step = (struct rind_transfer_step){
        .ctx = ctx, .agent = agent, .deadline = rind_deadline_in_ms(RIND_AGENT_COMMIT_WAIT_MS)};
    bool is_realm_known = false;
    step->group = rind_agent_find_group(agent, realm, group, &is_realm_known);
    if (step->group == NULL) {
        return is_realm_known ? RIND_TRANSFER_INVALID_GROUP : RIND_TRANSFER_INVALID_REALM;
    }
    return RIND_TRANSFER_DONE;
}

enum rind_transfer_outcome rind_transfer_step_admit(struct rind_transfer_step *step)
{
    rind_status status =
        rind_append_admit(step->ctx, step->group, step->deadline, &step->admission);
    if (rind_is_ok(status)) {
        return RIND_TRANSFER_DONE;
    }
    return rind_is(status, RIND_E_PRECONDITION) ? RIND_TRANSFER_NOT_LEADER : RIND_TRANSFER_NO_STORE;
}

enum rind_transfer_outcome rind_transfer_step_ask(struct rind_transfer_step *step,
                                                  const struct rind_hsm_request *call,
                                                  const struct rind_schema *schema, void *answer)
{
    rind_status status = rind_hsm_link_call(&step->agent->hsm, step->ctx, RIND_HSM_URGENCY_TRANSFER,
                                            step->deadline, call, schema, answer);
    if (rind_is_ok(status)) {
        return RIND_TRANSFER_DONE;
    }
    RIND_LOG_WARN(&step->group->log, "%s", step->ctx->sentence);
    if (rind_is(status, RIND_E_UNKNOWN_OUTCOME)) {
        rind_append_reply_lost(&step->admission);
    } else {
        rind_append_refused(&step->admission);
    }
    return RIND_TRANSFER_NO_HSM;
}

enum rind_transfer_outcome rind_transfer_step_enqueue(struct rind_transfer_step *step,
                                                      const struct rind_log_entry *entry,
                                                      const struct rind_store_delta *delta)
{
    if (entry == NULL) {
        rind_append_refused(&step->admission);
        return RIND_TRANSFER_DONE;
    }
    struct rind_append_item *item;
    rind_status status = rind_append_item_new_decoded(step->ctx, entry, delta, &item);
    if (!rind_is_ok(status)) {
        RIND_LOG_ERROR(&step->group->log, "the HSM's entry cannot be used: %s",
                       step->ctx->sentence);
        rind_append_reply_lost(&step->admission);
        return RIND_TRANSFER_NO_HSM;
    }
    return rind_append_enqueue_take(&step->admission, item, NULL) ? RIND_TRANSFER_DONE
                                                                  : RIND_TRANSFER_NOT_LEADER;
}

enum rind_transfer_outcome rind_transfer_step_wait(struct rind_transfer_step *step, uint64_t index,
                                                   uint64_t clock)
{
    switch (rind_commit_wait(step->group, index, clock, step->deadline)) {
    case RIND_COMMIT_REACHED:
        return RIND_TRANSFER_DONE;
    case RIND_COMMIT_NOT_LEADER:
        return RIND_TRANSFER_NOT_LEADER;
    case RIND_COMMIT_TIMEOUT:
        return RIND_TRANSFER_COMMIT_TIMEOUT;
    }
    return RIND_TRANSFER_COMMIT_TIMEOUT;
}

enum rind_transfer_outcome rind_transfer_step_basis(struct rind_transfer_step *step,
                                                    struct rind_log_entry *basis)
{
    if (rind_append_basis(&step->admission, basis)) {
        return RIND_TRANSFER_DONE;
    }
    rind_status status = rind_leadership_read_last(step->ctx, step->agent, &step->group->realm,
                                                   &step->group->id, step->deadline, basis);
    if (!rind_is_ok(status)) {
        RIND_LOG_WARN(&step->group->log, "%s", step->ctx->sentence);
        return RIND_TRANSFER_NO_STORE;
    }
    rind_append_offer_basis(&step->admission, basis);
    return RIND_TRANSFER_DONE;
}

enum rind_transfer_outcome rind_transfer_step_of_proof(struct rind_transfer_step *step,
                                                       rind_status status)
{
    if (rind_is_ok(status)) {
        return RIND_TRANSFER_DONE;
    }
    if (rind_is(status, RIND_E_STALE)) {
        return RIND_TRANSFER_RETRY;
    }
    RIND_LOG_WARN(&step->group->log, "%s", step->ctx->sentence);
    return RIND_TRANSFER_NO_STORE;
}

bool rind_transfer_step_may_retry(struct rind_transfer_step *step, uint64_t pause_ms)
{
    return !rind_stopper_wait(&step->agent->stopper, rind_deadline_in_ms(pause_ms)) &&
           !rind_deadline_has_expired(step->deadline);
}
