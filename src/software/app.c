/* app.c - see app.h. */
#include "software/app.h"

#include "hsm/hsm.h"

rind_status rind_software_request_decode(struct rind_ctx *ctx, struct rind_slice body,
                                         struct rind_secrets_request *request)
{
    return rind_wire_decode_whole(ctx, &rind_secrets_request_schema, body, request);
}

static rind_status app_read_record(struct rind_ctx *ctx, struct rind_slice bytes,
                                   struct rind_registration_state *state)
{
    if (bytes.length == 0) {
        memset(state, 0, sizeof(*state));
        state->kind = RIND_REGISTRATION_NOT_REGISTERED;
        return RIND_OK;
    }
    rind_status status = rind_wire_decode_whole(ctx, &rind_software_record_schema, bytes, state);
    RIND_REQUIRE(ctx, rind_is_ok(status), RIND_E_CORRUPT,
                 "a stored record is not one of a software realm");
    return RIND_OK;
}

/*
 * Nobody but the operator sees whether a record was written, so one that stays as it was is not; a
 * record that says NotRegistered is not made where there is none.
 */
static bool app_has_changed(struct rind_slice before, struct rind_slice after,
                            const struct rind_registration_state *state)
{
    bool is_absent = before.length == 0 && state->kind == RIND_REGISTRATION_NOT_REGISTERED;
    return !is_absent && !rind_slice_equal(before, after);
}

static rind_status app_finish(struct rind_ctx *ctx, struct rind_slice before,
                              const struct rind_user_record *record,
                              struct rind_hsm_user_outcome *done,
                              struct rind_software_outcome *outcome)
{
    if (done->result.kind == RIND_APP_RESULT_RECOVER2 && done->result.recover2.has_updated) {
        /* The core shows smaller counters where its padding is too short; here there is none. */
        done->response.recover2.ok.num_guesses = done->result.recover2.updated.num_guesses;
        done->response.recover2.ok.guess_count = done->result.recover2.updated.guess_count;
    }
    RIND_TRY(rind_wire_encode_alloc(ctx, &rind_secrets_response_schema, &done->response,
                                    &outcome->response));
    RIND_TRY(rind_wire_encode_alloc(ctx, &rind_software_record_schema, &record->registration_state,
                                    &outcome->record));
    outcome->result = done->result;
    outcome->has_changed = app_has_changed(before, outcome->record, &record->registration_state);
    return RIND_OK;
}

rind_status rind_software_apply(struct rind_ctx *ctx, const struct rind_random *random,
                                const struct rind_secrets_request *request,
                                struct rind_slice record, struct rind_software_outcome *outcome)
{
    struct rind_user_record user;
    struct rind_hsm_user_outcome done;
    RIND_TRY(app_read_record(ctx, record, &user.registration_state));
    if (request->kind == RIND_SECRETS_REQUEST_RECOVER2 &&
        !rind_point_is_valid(request->recover2.oprf_blinded_input)) {
        rind_wipe(&user, sizeof(user));
        return rind_fail(ctx, RIND_E_INVALID, "blinded input is no group element");
    }
    rind_hsm_user_app(random, request, &user, &done);
    rind_status status = app_finish(ctx, record, &user, &done, outcome);
    rind_wipe(&user, sizeof(user));
    rind_wipe(&done, sizeof(done));
    return status;
}

const char *rind_software_request_name(enum rind_secrets_request_kind kind)
{
    RIND_ASSERT(kind >= RIND_SECRETS_REQUEST_REGISTER1 && kind <= RIND_SECRETS_REQUEST_DELETE);
    static const char *const names[] = {"Register1", "Register2", "Recover1",
                                        "Recover2",  "Recover3",  "Delete"};
    return names[kind - RIND_SECRETS_REQUEST_REGISTER1];
}
