/* hsm.c - the tables of hsm.h; putting and taking the envelope of a response. */
#include "wire/hsm.h"
#include "base/assert.h"
#include "wire/codec.h"

static const struct rind_field hsm_handshake_request_fields[] = {
    RIND_FIELD(struct rind_hsm_handshake_request, realm, rind_bytes16_schema),
    RIND_FIELD(struct rind_hsm_handshake_request, group, rind_bytes16_schema),
    RIND_FIELD(struct rind_hsm_handshake_request, record_id, rind_bytes32_schema),
    RIND_FIELD(struct rind_hsm_handshake_request, session_id, rind_u32_schema),
    RIND_FIELD(struct rind_hsm_handshake_request, handshake, rind_handshake_request_schema),
};
const struct rind_schema rind_hsm_handshake_request_schema =
    RIND_SCHEMA_STRUCT(struct rind_hsm_handshake_request, hsm_handshake_request_fields);

static const struct rind_field hsm_handshake_ok_fields[] = {
    RIND_FIELD(struct rind_hsm_handshake_ok, noise, rind_handshake_response_schema),
    RIND_FIELD(struct rind_hsm_handshake_ok, session_lifetime, rind_duration_schema),
};
const struct rind_schema rind_hsm_handshake_ok_schema =
    RIND_SCHEMA_STRUCT(struct rind_hsm_handshake_ok, hsm_handshake_ok_fields);

static const struct rind_field hsm_handshake_response_variants[] = {
    RIND_VARIANT("Ok", struct rind_hsm_handshake_response, ok, rind_hsm_handshake_ok_schema),
    RIND_VARIANT_UNIT("InvalidRealm"),
    RIND_VARIANT_UNIT("InvalidGroup"),
    RIND_VARIANT_UNIT("NotOwner"),
    RIND_VARIANT_UNIT("NotLeader"),
    RIND_VARIANT_UNIT("SessionError"),
};
const struct rind_schema rind_hsm_handshake_response_schema =
    RIND_SCHEMA_ENUM(struct rind_hsm_handshake_response, hsm_handshake_response_variants);

static const struct rind_field hsm_app_request_fields[] = {
    RIND_FIELD(struct rind_hsm_app_request, realm, rind_bytes16_schema),
    RIND_FIELD(struct rind_hsm_app_request, group, rind_bytes16_schema),
    RIND_FIELD(struct rind_hsm_app_request, record_id, rind_bytes32_schema),
    RIND_FIELD(struct rind_hsm_app_request, session_id, rind_u32_schema),
    RIND_FIELD(struct rind_hsm_app_request, encrypted, rind_noise_request_schema),
    RIND_FIELD(struct rind_hsm_app_request, proof, rind_read_proof_schema),
    RIND_FIELD(struct rind_hsm_app_request, index, rind_u64_schema),
};
const struct rind_schema rind_hsm_app_request_schema =
    RIND_SCHEMA_STRUCT(struct rind_hsm_app_request, hsm_app_request_fields);

static const struct rind_field hsm_app_ok_fields[] = {
    RIND_FIELD(struct rind_hsm_app_ok, entry, rind_log_entry_schema),
    RIND_FIELD(struct rind_hsm_app_ok, delta, rind_store_delta_schema),
};
const struct rind_schema rind_hsm_app_ok_schema =
    RIND_SCHEMA_STRUCT(struct rind_hsm_app_ok, hsm_app_ok_fields);

static const struct rind_field hsm_app_response_variants[] = {
    RIND_VARIANT("Ok", struct rind_hsm_app_response, ok, rind_hsm_app_ok_schema),
    RIND_VARIANT_UNIT("InvalidRealm"),
    RIND_VARIANT_UNIT("InvalidGroup"),
    RIND_VARIANT_UNIT("StaleProof"),
    RIND_VARIANT_UNIT("InvalidProof"),
    RIND_VARIANT_UNIT("NotOwner"),
    RIND_VARIANT("NotLeader", struct rind_hsm_app_response, not_leader, rind_role_status_schema),
    RIND_VARIANT_UNIT("InvalidRecordData"),
    RIND_VARIANT_UNIT("MissingSession"),
    RIND_VARIANT_UNIT("SessionError"),
    RIND_VARIANT_UNIT("DecodingError"),
};
const struct rind_schema rind_hsm_app_response_schema =
    RIND_SCHEMA_ENUM(struct rind_hsm_app_response, hsm_app_response_variants);

static const struct rind_field hsm_request_variants[] = {
    RIND_VARIANT("Status", struct rind_hsm_request, status, rind_hsm_status_request_schema),
    RIND_VARIANT("NewRealm", struct rind_hsm_request, new_realm, rind_hsm_new_realm_request_schema),
    RIND_VARIANT("JoinRealm", struct rind_hsm_request, join_realm,
                 rind_hsm_join_realm_request_schema),
    RIND_VARIANT("NewGroup", struct rind_hsm_request, new_group, rind_hsm_new_group_request_schema),
    RIND_VARIANT("JoinGroup", struct rind_hsm_request, join_group,
                 rind_hsm_join_group_request_schema),
    RIND_VARIANT("BecomeLeader", struct rind_hsm_request, become_leader,
                 rind_hsm_become_leader_request_schema),
    RIND_VARIANT("StepDown", struct rind_hsm_request, step_down, rind_hsm_step_down_request_schema),
    RIND_VARIANT("CaptureJump", struct rind_hsm_request, capture_jump,
                 rind_hsm_capture_jump_request_schema),
    RIND_VARIANT("CaptureNext", struct rind_hsm_request, capture_next,
                 rind_hsm_capture_next_request_schema),
    RIND_VARIANT("PersistState", struct rind_hsm_request, persist_state,
                 rind_hsm_persist_state_request_schema),
    RIND_VARIANT("Commit", struct rind_hsm_request, commit, rind_hsm_commit_request_schema),
    RIND_VARIANT("PrepareTransfer", struct rind_hsm_request, prepare_transfer,
                 rind_hsm_prepare_transfer_request_schema),
    RIND_VARIANT("CancelPreparedTransfer", struct rind_hsm_request, cancel_prepared_transfer,
                 rind_hsm_cancel_prepared_transfer_request_schema),
    RIND_VARIANT("TransferOut", struct rind_hsm_request, transfer_out,
                 rind_hsm_transfer_out_request_schema),
    RIND_VARIANT("TransferStatement", struct rind_hsm_request, transfer_statement,
                 rind_hsm_transfer_statement_request_schema),
    RIND_VARIANT("TransferIn", struct rind_hsm_request, transfer_in,
                 rind_hsm_transfer_in_request_schema),
    RIND_VARIANT("CompleteTransfer", struct rind_hsm_request, complete_transfer,
                 rind_hsm_complete_transfer_request_schema),
    RIND_VARIANT("HandshakeRequest", struct rind_hsm_request, handshake,
                 rind_hsm_handshake_request_schema),
    RIND_VARIANT("AppRequest", struct rind_hsm_request, app, rind_hsm_app_request_schema),
};
const struct rind_schema rind_hsm_request_schema =
    RIND_SCHEMA_ENUM(struct rind_hsm_request, hsm_request_variants);

static const struct rind_field hsm_metrics_variants[] = {
    RIND_VARIANT_UNIT("Skip"),
    RIND_VARIANT_UNIT("Record"),
};
const struct rind_schema rind_hsm_metrics_schema =
    RIND_SCHEMA_ENUM(enum rind_hsm_metrics, hsm_metrics_variants);

static const struct rind_field hsm_request_envelope_fields[] = {
    RIND_FIELD(struct rind_hsm_request_envelope, req, rind_hsm_request_schema),
    RIND_FIELD(struct rind_hsm_request_envelope, metrics, rind_hsm_metrics_schema),
};
const struct rind_schema rind_hsm_request_envelope_schema =
    RIND_SCHEMA_STRUCT(struct rind_hsm_request_envelope, hsm_request_envelope_fields);

static const struct rind_field hsm_metric_fields[] = {
    RIND_FIELD(struct rind_hsm_metric, name, rind_text_schema),
    RIND_FIELD(struct rind_hsm_metric, nanos, rind_u32_schema),
};
const struct rind_schema rind_hsm_metric_schema =
    RIND_SCHEMA_TUPLE(struct rind_hsm_metric, hsm_metric_fields);

const struct rind_schema rind_hsm_metric_list_schema =
    RIND_SCHEMA_LIST(struct rind_hsm_metric_list, struct rind_hsm_metric, rind_hsm_metric_schema,
                     RIND_HSM_METRICS_MAX);

static const struct rind_schema hsm_encoded_response_schema =
    RIND_SCHEMA_RAW(RIND_HSM_RESPONSE_SIZE_MAX);

static const struct rind_field hsm_response_envelope_fields[] = {
    RIND_FIELD(struct rind_hsm_response_envelope, res, hsm_encoded_response_schema),
    RIND_FIELD(struct rind_hsm_response_envelope, metrics, rind_hsm_metric_list_schema),
};
const struct rind_schema rind_hsm_response_envelope_schema =
    RIND_SCHEMA_STRUCT(struct rind_hsm_response_envelope, hsm_response_envelope_fields);

const char *rind_hsm_request_name(enum rind_hsm_request_kind kind)
{
    RIND_ASSERT(kind >= 1 &&
                kind <= sizeof(hsm_request_variants) / sizeof(hsm_request_variants[0]));
    return hsm_request_variants[kind - 1].name;
}

static rind_status hsm_response_encode_with(struct rind_ctx *ctx, const struct rind_schema *schema,
                                            const void *response,
                                            const struct rind_hsm_metric_list *metrics,
                                            struct rind_buffer *out)
{
    static const uint8_t before_response[] = {0xa2, 0x63, 'r', 'e', 's'};
    static const uint8_t before_metrics[] = {0x67, 'm', 'e', 't', 'r', 'i', 'c', 's'};
    rind_buffer_append(out, RIND_SLICE_OF(before_response));
    size_t start = out->length;
    RIND_TRY(rind_wire_encode(ctx, schema, response, out));
    RIND_REQUIRE(ctx, out->length - start <= RIND_HSM_RESPONSE_SIZE_MAX, RIND_E_LIMIT,
                 "response of %zu bytes is larger than the %u that an envelope takes",
                 out->length - start, RIND_HSM_RESPONSE_SIZE_MAX);
    rind_buffer_append(out, RIND_SLICE_OF(before_metrics));
    return rind_wire_encode(ctx, &rind_hsm_metric_list_schema, metrics, out);
}

/*
 * The bytes that rind_hsm_response_envelope_schema would give, without a copy of the response: most
 * of them are one, of several kilobytes.
 */
rind_status rind_hsm_response_encode(struct rind_ctx *ctx, const struct rind_schema *schema,
                                     const void *response,
                                     const struct rind_hsm_metric_list *metrics,
                                     struct rind_buffer *out)
{
    size_t length = out->length;
    bool was_overflown = out->is_overflown;
    rind_status status = hsm_response_encode_with(ctx, schema, response, metrics, out);
    if (!rind_is_ok(status)) {
        out->length = length;
        out->is_overflown = was_overflown;
    }
    return status;
}

rind_status rind_hsm_response_decode(struct rind_ctx *ctx, const struct rind_schema *schema,
                                     struct rind_slice bytes, void *response,
                                     struct rind_hsm_metric_list *metrics)
{
    struct rind_hsm_response_envelope envelope;
    RIND_TRY(rind_wire_decode_strict(ctx, &rind_hsm_response_envelope_schema, bytes, &envelope));
    RIND_TRY(rind_wire_decode_strict(ctx, schema, envelope.res, response));
    if (metrics != NULL) {
        *metrics = envelope.metrics;
    }
    return RIND_OK;
}
