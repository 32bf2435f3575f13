/* user_app.c - see user_app.h. */
#include "hsm/user_app.h"

/* Counters above this take three bytes in CBOR, and both do not fit the padding. */
#define USER_APP_SHORT_COUNT_MAX 255u

rind_status rind_hsm_secrets_request_decode(struct rind_ctx *ctx, struct rind_slice plaintext,
                                            struct rind_secrets_request *request)
{
    RIND_TRY(rind_wire_decode_strict(ctx, &rind_secrets_request_schema, plaintext, request));
    RIND_REQUIRE(ctx,
                 request->kind != RIND_SECRETS_REQUEST_RECOVER2 ||
                     rind_point_is_valid(request->recover2.oprf_blinded_input),
                 RIND_E_DECODE, "blinded input is no group element");
    return RIND_OK;
}

static void user_app_set_no_guesses(struct rind_user_record *record)
{
    rind_wipe(record, sizeof(*record)); /* its secrets are gone for good */
    record->registration_state.kind = RIND_REGISTRATION_NO_GUESSES;
}

/*
 * Contents are taken as they are. That the public key belongs to the private one, or who signed it,
 * is for the client to check with the proof: a wrong pair harms its own user only, and refusing it
 * would need an answer that the protocol does not have (section 17 item 16).
 */
static void user_app_register2(const struct rind_register2_request *request,
                               struct rind_user_record *record)
{
    rind_wipe(record, sizeof(*record));
    record->registration_state.kind = RIND_REGISTRATION_REGISTERED;
    struct rind_registered_state *state = &record->registration_state.registered;
    memcpy(state->version, request->version, sizeof(state->version));
    memcpy(state->oprf_private_key, request->oprf_private_key, sizeof(state->oprf_private_key));
    state->oprf_signed_public_key = request->oprf_signed_public_key;
    memcpy(state->unlock_key_commitment, request->unlock_key_commitment,
           sizeof(state->unlock_key_commitment));
    memcpy(state->unlock_key_tag, request->unlock_key_tag, sizeof(state->unlock_key_tag));
    memcpy(state->user_secret_encryption_key_scalar_share, request->encryption_key_scalar_share,
           sizeof(state->user_secret_encryption_key_scalar_share));
    memcpy(state->encrypted_user_secret, request->encrypted_secret,
           sizeof(state->encrypted_user_secret));
    memcpy(state->encrypted_user_secret_commitment, request->encrypted_secret_commitment,
           sizeof(state->encrypted_user_secret_commitment));
    state->guess_count = 0;
    state->policy = request->policy;
}

static enum rind_recover1_response_kind user_app_recover1(struct rind_user_record *record,
                                                          struct rind_recover1_ok *ok)
{
    struct rind_registered_state *state = &record->registration_state.registered;
    switch (record->registration_state.kind) {
    case RIND_REGISTRATION_NOT_REGISTERED:
        return RIND_RECOVER1_NOT_REGISTERED;
    case RIND_REGISTRATION_NO_GUESSES:
        return RIND_RECOVER1_NO_GUESSES;
    case RIND_REGISTRATION_REGISTERED:
        break;
    }
    if (state->guess_count >= state->policy.num_guesses) {
        user_app_set_no_guesses(record);
        return RIND_RECOVER1_NO_GUESSES;
    }
    memcpy(ok->version, state->version, sizeof(ok->version));
    return RIND_RECOVER1_OK;
}

/*
 * Evaluation and proof: three multiplications. `beta_t` is fresh for each real proof; `blinded` was
 * checked when it was decoded.
 */
static void user_app_evaluate(const struct rind_scalar *private_key,
                              const struct rind_point *public_key, const struct rind_point *blinded,
                              const struct rind_scalar *beta_t, struct rind_point *result,
                              struct rind_dleq *proof)
{
    rind_status status = rind_oprf_evaluate(NULL, private_key, blinded, result);
    RIND_ASSERT(rind_is_ok(status));
    status = rind_dleq_prove(NULL, private_key, public_key, blinded, result, beta_t, proof);
    RIND_ASSERT(rind_is_ok(status));
}

/*
 * What the other answers to Recover2 do instead, so that a host that measures us before the commit
 * learns nothing about the record from the time (section 17 item 15). Draws nothing: the order of
 * random draws is the specification's.
 */
static void user_app_evaluate_dummy(const struct rind_point *blinded)
{
    struct rind_scalar dummy_key;
    rind_scalar_from_u32(UINT32_MAX, &dummy_key);
    struct rind_point dummy_result;
    struct rind_dleq dummy_proof;
    user_app_evaluate(&dummy_key, blinded, blinded, &dummy_key, &dummy_result, &dummy_proof);
}

/* The counters that clients see: only their difference matters to them (section 17 item 1). */
static void user_app_show_counters(const struct rind_registered_state *state,
                                   struct rind_recover2_ok *ok)
{
    ok->num_guesses = state->policy.num_guesses;
    ok->guess_count = state->guess_count;
    if (ok->num_guesses > USER_APP_SHORT_COUNT_MAX && ok->guess_count > USER_APP_SHORT_COUNT_MAX) {
        ok->num_guesses =
            (uint16_t)(ok->num_guesses - (ok->guess_count - USER_APP_SHORT_COUNT_MAX));
        ok->guess_count = USER_APP_SHORT_COUNT_MAX;
    }
}

static void user_app_recover2_ok(const struct rind_random *random,
                                 const struct rind_registered_state *state,
                                 const struct rind_point *blinded, struct rind_recover2_ok *ok)
{
    struct rind_scalar private_key;
    memcpy(private_key.bytes, state->oprf_private_key, sizeof(private_key.bytes));
    struct rind_point public_key;
    memcpy(public_key.bytes, state->oprf_signed_public_key.public_key, sizeof(public_key.bytes));
    struct rind_scalar beta_t;
    rind_scalar_random(random, &beta_t);
    struct rind_point result;
    struct rind_dleq proof;
    user_app_evaluate(&private_key, &public_key, blinded, &beta_t, &result, &proof);

    ok->oprf_signed_public_key = state->oprf_signed_public_key;
    memcpy(ok->oprf_blinded_result, result.bytes, sizeof(ok->oprf_blinded_result));
    memcpy(ok->oprf_proof.c, proof.c.bytes, sizeof(ok->oprf_proof.c));
    memcpy(ok->oprf_proof.beta_z, proof.beta_z.bytes, sizeof(ok->oprf_proof.beta_z));
    memcpy(ok->unlock_key_commitment, state->unlock_key_commitment,
           sizeof(ok->unlock_key_commitment));
    user_app_show_counters(state, ok);
    rind_scalar_wipe(&private_key);
    rind_scalar_wipe(&beta_t);
}

/* All that is decided before the evaluation; counts the guess. */
static enum rind_recover2_response_kind
user_app_recover2_decide(const struct rind_recover2_request *request,
                         struct rind_user_record *record)
{
    struct rind_registered_state *state = &record->registration_state.registered;
    switch (record->registration_state.kind) {
    case RIND_REGISTRATION_NOT_REGISTERED:
        return RIND_RECOVER2_NOT_REGISTERED;
    case RIND_REGISTRATION_NO_GUESSES:
        return RIND_RECOVER2_NO_GUESSES;
    case RIND_REGISTRATION_REGISTERED:
        break;
    }
    if (!rind_ct_equal(state->version, request->version, sizeof(state->version))) {
        return RIND_RECOVER2_VERSION_MISMATCH;
    }
    if (state->guess_count >= state->policy.num_guesses) {
        user_app_set_no_guesses(record);
        return RIND_RECOVER2_NO_GUESSES;
    }
    state->guess_count++;
    return RIND_RECOVER2_OK;
}

static void user_app_recover2(const struct rind_random *random,
                              const struct rind_recover2_request *request,
                              struct rind_user_record *record,
                              struct rind_hsm_user_outcome *outcome)
{
    struct rind_recover2_response *response = &outcome->response.recover2;
    struct rind_point blinded;
    memcpy(blinded.bytes, request->oprf_blinded_input, sizeof(blinded.bytes));
    response->kind = user_app_recover2_decide(request, record);
    if (response->kind != RIND_RECOVER2_OK) {
        user_app_evaluate_dummy(&blinded);
        return;
    }
    const struct rind_registered_state *state = &record->registration_state.registered;
    user_app_recover2_ok(random, state, &blinded, &response->ok);
    outcome->result.recover2.has_updated = true;
    outcome->result.recover2.updated = (struct rind_guess_state){
        .num_guesses = state->policy.num_guesses, .guess_count = state->guess_count};
}

static void user_app_recover3(const struct rind_recover3_request *request,
                              struct rind_user_record *record,
                              struct rind_hsm_user_outcome *outcome)
{
    struct rind_recover3_response *response = &outcome->response.recover3;
    struct rind_registered_state *state = &record->registration_state.registered;
    switch (record->registration_state.kind) {
    case RIND_REGISTRATION_NOT_REGISTERED:
        response->kind = RIND_RECOVER3_NOT_REGISTERED;
        return;
    case RIND_REGISTRATION_NO_GUESSES:
        response->kind = RIND_RECOVER3_NO_GUESSES;
        return;
    case RIND_REGISTRATION_REGISTERED:
        break;
    }
    if (!rind_ct_equal(state->version, request->version, sizeof(state->version))) {
        response->kind = RIND_RECOVER3_VERSION_MISMATCH;
        return;
    }
    if (!rind_ct_equal(state->unlock_key_tag, request->unlock_key_tag,
                       sizeof(state->unlock_key_tag))) {
        /* guess_count never exceeds num_guesses in records we wrote; a wrap would give guesses. */
        uint16_t remaining = state->guess_count < state->policy.num_guesses
                                 ? (uint16_t)(state->policy.num_guesses - state->guess_count)
                                 : 0;
        response->kind = RIND_RECOVER3_BAD_UNLOCK_KEY_TAG;
        response->bad_unlock_key_tag.guesses_remaining = remaining;
        if (remaining == 0) {
            user_app_set_no_guesses(record);
        }
        return;
    }
    state->guess_count = 0;
    response->kind = RIND_RECOVER3_OK;
    struct rind_recover3_ok *ok = &response->ok;
    memcpy(ok->encryption_key_scalar_share, state->user_secret_encryption_key_scalar_share,
           sizeof(ok->encryption_key_scalar_share));
    memcpy(ok->encrypted_secret, state->encrypted_user_secret, sizeof(ok->encrypted_secret));
    memcpy(ok->encrypted_secret_commitment, state->encrypted_user_secret_commitment,
           sizeof(ok->encrypted_secret_commitment));
    outcome->result.recover3.recovered = true;
}

void rind_hsm_user_app(const struct rind_random *random, const struct rind_secrets_request *request,
                       struct rind_user_record *record, struct rind_hsm_user_outcome *outcome)
{
    bool had_record = record->registration_state.kind != RIND_REGISTRATION_NOT_REGISTERED;
    memset(outcome, 0, sizeof(*outcome));
    /*
     * A registered record is written whatever happened to it, so that the host cannot see before
     * the commit what did (section 13.4). Register1 does not even look.
     */
    outcome->has_write = had_record;
    switch (request->kind) {
    case RIND_SECRETS_REQUEST_REGISTER1:
        outcome->has_write = false;
        outcome->response.kind = RIND_SECRETS_RESPONSE_REGISTER1;
        outcome->response.register1.kind = RIND_REGISTER1_OK;
        outcome->result.kind = RIND_APP_RESULT_REGISTER1;
        return;
    case RIND_SECRETS_REQUEST_REGISTER2:
        user_app_register2(&request->register2, record);
        outcome->has_write = true;
        outcome->response.kind = RIND_SECRETS_RESPONSE_REGISTER2;
        outcome->response.register2.kind = RIND_REGISTER2_OK;
        outcome->result.kind = RIND_APP_RESULT_REGISTER2;
        return;
    case RIND_SECRETS_REQUEST_RECOVER1:
        outcome->response.kind = RIND_SECRETS_RESPONSE_RECOVER1;
        outcome->response.recover1.kind = user_app_recover1(record, &outcome->response.recover1.ok);
        outcome->result.kind = RIND_APP_RESULT_RECOVER1;
        return;
    case RIND_SECRETS_REQUEST_RECOVER2:
        outcome->response.kind = RIND_SECRETS_RESPONSE_RECOVER2;
        outcome->result.kind = RIND_APP_RESULT_RECOVER2;
        user_app_recover2(random, &request->recover2, record, outcome);
        return;
    case RIND_SECRETS_REQUEST_RECOVER3:
        outcome->response.kind = RIND_SECRETS_RESPONSE_RECOVER3;
        outcome->result.kind = RIND_APP_RESULT_RECOVER3;
        user_app_recover3(&request->recover3, record, outcome);
        return;
    case RIND_SECRETS_REQUEST_DELETE:
        rind_wipe(record, sizeof(*record));
        record->registration_state.kind = RIND_REGISTRATION_NOT_REGISTERED;
        outcome->response.kind = RIND_SECRETS_RESPONSE_DELETE;
        outcome->response.delete.kind = RIND_DELETE_OK;
        outcome->result.kind = RIND_APP_RESULT_DELETE;
        return;
    }
    RIND_UNREACHABLE("the decoder knows six requests");
}

/*
 * The length is always written in three bytes, as if it were above 255: in its shortest form it
 * would show through the encryption as one of three sizes (section 17 item 2). Every decoder of the
 * protocol takes integers that are not shortest.
 */
void rind_hsm_secrets_response_pad(const struct rind_secrets_response *response,
                                   uint8_t padded[static RIND_HSM_PADDED_RESPONSE_SIZE])
{
    struct rind_padded_secrets_response message = {
        .unpadded_length = RIND_PADDED_SECRETS_RESPONSE_SIZE}; /* stands in: three bytes */
    struct rind_buffer inner;
    rind_buffer_init(&inner, message.padded_bytes, sizeof(message.padded_bytes));
    rind_status status = rind_wire_encode(NULL, &rind_secrets_response_schema, response, &inner);
    RIND_ASSERT(rind_is_ok(status)); /* 436 bytes at most, see user_app_show_counters */

    struct rind_buffer outer;
    rind_buffer_init(&outer, padded, RIND_HSM_PADDED_RESPONSE_SIZE);
    status = rind_wire_encode(NULL, &rind_padded_secrets_response_schema, &message, &outer);
    RIND_ASSERT(rind_is_ok(status) && outer.length == RIND_HSM_PADDED_RESPONSE_SIZE);
    /* map of two, text of 15 characters, 0x19 and two bytes of the length */
    size_t length_at = 1 + 1 + strlen("unpadded_length");
    RIND_ASSERT(padded[length_at] == 0x19);
    padded[length_at + 1] = (uint8_t)(inner.length >> 8);
    padded[length_at + 2] = (uint8_t)(inner.length & 0xffu);
    rind_wipe(&message, sizeof(message));
}

const char *rind_hsm_app_metric(enum rind_secrets_request_kind kind)
{
    switch (kind) {
    case RIND_SECRETS_REQUEST_REGISTER1:
        return "app.register1";
    case RIND_SECRETS_REQUEST_REGISTER2:
        return "app.register2";
    case RIND_SECRETS_REQUEST_RECOVER1:
        return "app.recover1";
    case RIND_SECRETS_REQUEST_RECOVER2:
        return "app.recover2";
    case RIND_SECRETS_REQUEST_RECOVER3:
        return "app.recover3";
    case RIND_SECRETS_REQUEST_DELETE:
        return "app.delete";
    }
    RIND_UNREACHABLE("the decoder knows six requests");
}
