/*
 * handlers.h - one function per request (spec 02 sections 9 to 11 and 14), as dispatch.c calls
 * them.
 *
 * A handler gets the decoded request and writes its answer, refusals included, into job->answer; it
 * returns a failure only if NVRAM cannot be written, and then nothing has changed. What it makes it
 * takes from ctx's arena (job->ctx), plaintexts from job->secret_ctx. An answer may borrow from
 * both the arena and the core's state: it is encoded before the next request.
 */
#ifndef RIND_HSM_HANDLERS_H
#define RIND_HSM_HANDLERS_H

#include "hsm/state.h"

union rind_hsm_answer {
    struct rind_hsm_status_response status;
    struct rind_hsm_new_realm_response new_realm;
    struct rind_hsm_join_realm_response join_realm;
    struct rind_hsm_new_group_response new_group;
    struct rind_hsm_join_group_response join_group;
    struct rind_hsm_become_leader_response become_leader;
    struct rind_hsm_step_down_response step_down;
    struct rind_hsm_capture_jump_response capture_jump;
    struct rind_hsm_capture_next_response capture_next;
    struct rind_hsm_persist_state_response persist_state;
    struct rind_hsm_commit_response commit;
    struct rind_hsm_prepare_transfer_response prepare_transfer;
    struct rind_hsm_cancel_prepared_transfer_response cancel_prepared_transfer;
    struct rind_hsm_transfer_out_response transfer_out;
    struct rind_hsm_transfer_statement_response transfer_statement;
    struct rind_hsm_transfer_in_response transfer_in;
    struct rind_hsm_complete_transfer_response complete_transfer;
    struct rind_hsm_handshake_response handshake;
    struct rind_hsm_app_response app;
};

struct rind_hsm_job {
    struct rind_hsm *hsm;
    struct rind_ctx *ctx;        /* over the work arena */
    struct rind_ctx *secret_ctx; /* over the secret arena */
    const struct rind_hsm_request *request;
    union rind_hsm_answer answer;
    const char *app_metric; /* set by AppRequest: what the client asked for */
};

rind_status rind_hsm_handle_status(struct rind_hsm_job *job) RIND_MUST_USE;
rind_status rind_hsm_handle_new_realm(struct rind_hsm_job *job) RIND_MUST_USE;
rind_status rind_hsm_handle_join_realm(struct rind_hsm_job *job) RIND_MUST_USE;
rind_status rind_hsm_handle_new_group(struct rind_hsm_job *job) RIND_MUST_USE;
rind_status rind_hsm_handle_join_group(struct rind_hsm_job *job) RIND_MUST_USE;
rind_status rind_hsm_handle_become_leader(struct rind_hsm_job *job) RIND_MUST_USE;
rind_status rind_hsm_handle_step_down(struct rind_hsm_job *job) RIND_MUST_USE;
rind_status rind_hsm_handle_capture_jump(struct rind_hsm_job *job) RIND_MUST_USE;
rind_status rind_hsm_handle_capture_next(struct rind_hsm_job *job) RIND_MUST_USE;
rind_status rind_hsm_handle_persist_state(struct rind_hsm_job *job) RIND_MUST_USE;
rind_status rind_hsm_handle_commit(struct rind_hsm_job *job) RIND_MUST_USE;
rind_status rind_hsm_handle_prepare_transfer(struct rind_hsm_job *job) RIND_MUST_USE;
rind_status rind_hsm_handle_cancel_prepared_transfer(struct rind_hsm_job *job) RIND_MUST_USE;
rind_status rind_hsm_handle_transfer_out(struct rind_hsm_job *job) RIND_MUST_USE;
rind_status rind_hsm_handle_transfer_statement(struct rind_hsm_job *job) RIND_MUST_USE;
rind_status rind_hsm_handle_transfer_in(struct rind_hsm_job *job) RIND_MUST_USE;
rind_status rind_hsm_handle_complete_transfer(struct rind_hsm_job *job) RIND_MUST_USE;
rind_status rind_hsm_handle_handshake(struct rind_hsm_job *job) RIND_MUST_USE;
rind_status rind_hsm_handle_app(struct rind_hsm_job *job) RIND_MUST_USE;

#endif
