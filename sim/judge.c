/* judge.c - which check belongs to which request: see judge.h. */
#include "judge.h"

void sim_judge_kind(struct sim *sim, enum rind_hsm_request_kind request, unsigned kind,
                    unsigned expected)
{
    SIM_CHECK(sim, kind == expected, "%s was answered %s where it must be %s",
              rind_hsm_request_name(request), sim_kind_name(request, kind),
              sim_kind_name(request, expected));
}

static void judge_transfers(struct sim *sim, uint32_t h, const struct rind_hsm_request *request,
                            const void *value)
{
    switch (request->kind) {
    case RIND_HSM_REQUEST_PREPARE_TRANSFER:
        sim_judge_prepare(sim, h, &request->prepare_transfer, value);
        return;
    case RIND_HSM_REQUEST_CANCEL_PREPARED_TRANSFER:
        sim_judge_cancel(sim, h, &request->cancel_prepared_transfer, value);
        return;
    case RIND_HSM_REQUEST_TRANSFER_OUT:
        sim_judge_transfer_out(sim, h, &request->transfer_out, value);
        return;
    case RIND_HSM_REQUEST_TRANSFER_STATEMENT:
        sim_judge_transfer_statement(sim, h, &request->transfer_statement, value);
        return;
    case RIND_HSM_REQUEST_TRANSFER_IN:
        sim_judge_transfer_in(sim, h, &request->transfer_in, value);
        return;
    case RIND_HSM_REQUEST_COMPLETE_TRANSFER:
        sim_judge_complete(sim, h, &request->complete_transfer, value);
        return;
    default:
        RIND_UNREACHABLE("all requests are judged");
    }
}

static void judge_replication(struct sim *sim, uint32_t h, const struct rind_hsm_request *request,
                              const void *value)
{
    switch (request->kind) {
    case RIND_HSM_REQUEST_BECOME_LEADER:
        sim_judge_become_leader(sim, h, &request->become_leader, value);
        return;
    case RIND_HSM_REQUEST_STEP_DOWN:
        sim_judge_step_down(sim, h, &request->step_down, value);
        return;
    case RIND_HSM_REQUEST_CAPTURE_JUMP:
        sim_judge_capture_jump(sim, h, &request->capture_jump, value);
        return;
    case RIND_HSM_REQUEST_CAPTURE_NEXT:
        sim_judge_capture_next(sim, h, &request->capture_next, value);
        return;
    case RIND_HSM_REQUEST_PERSIST_STATE:
        sim_judge_persist_state(sim, h, value);
        return;
    case RIND_HSM_REQUEST_COMMIT:
        sim_judge_commit(sim, h, &request->commit, value);
        return;
    default:
        judge_transfers(sim, h, request, value);
    }
}

void sim_judge_answer(struct sim *sim, uint32_t h, const struct rind_hsm_request *request,
                      unsigned kind, const void *value)
{
    (void)kind;
    switch (request->kind) {
    case RIND_HSM_REQUEST_STATUS:
        sim_judge_status(sim, h, value);
        return;
    case RIND_HSM_REQUEST_NEW_REALM:
        sim_judge_new_realm(sim, h, value);
        return;
    case RIND_HSM_REQUEST_JOIN_REALM:
        sim_judge_join_realm(sim, h, &request->join_realm, value);
        return;
    case RIND_HSM_REQUEST_NEW_GROUP:
        sim_judge_new_group(sim, h, &request->new_group, value);
        return;
    case RIND_HSM_REQUEST_JOIN_GROUP:
        sim_judge_join_group(sim, h, &request->join_group, value);
        return;
    case RIND_HSM_REQUEST_HANDSHAKE_REQUEST:
        sim_judge_handshake(sim, h, &request->handshake, value);
        return;
    case RIND_HSM_REQUEST_APP_REQUEST:
        sim_judge_app(sim, h, &request->app, value);
        return;
    default:
        judge_replication(sim, h, request, value);
    }
}
