/* hsm_transfer.c - the tables of hsm_transfer.h. */
#include "wire/hsm_transfer.h"

static const struct rind_field hsm_prepare_transfer_request_fields[] = {
    RIND_FIELD(struct rind_hsm_prepare_transfer_request, realm, rind_bytes16_schema),
    RIND_FIELD(struct rind_hsm_prepare_transfer_request, source, rind_bytes16_schema),
    RIND_FIELD(struct rind_hsm_prepare_transfer_request, destination, rind_bytes16_schema),
    RIND_FIELD(struct rind_hsm_prepare_transfer_request, range, rind_owned_range_schema),
};
const struct rind_schema rind_hsm_prepare_transfer_request_schema = RIND_SCHEMA_STRUCT(
    struct rind_hsm_prepare_transfer_request, hsm_prepare_transfer_request_fields);

static const struct rind_field hsm_prepare_transfer_ok_fields[] = {
    RIND_FIELD(struct rind_hsm_prepare_transfer_ok, nonce, rind_bytes16_schema),
    RIND_FIELD_OPTIONAL(struct rind_hsm_prepare_transfer_ok, entry, rind_log_entry_schema),
    RIND_FIELD(struct rind_hsm_prepare_transfer_ok, wait_til_committed, rind_u64_schema),
    RIND_FIELD(struct rind_hsm_prepare_transfer_ok, clock, rind_u64_schema),
    RIND_FIELD(struct rind_hsm_prepare_transfer_ok, statement, rind_bytes32_schema),
};
const struct rind_schema rind_hsm_prepare_transfer_ok_schema =
    RIND_SCHEMA_STRUCT(struct rind_hsm_prepare_transfer_ok, hsm_prepare_transfer_ok_fields);

static const struct rind_field hsm_prepare_transfer_response_variants[] = {
    RIND_VARIANT("Ok", struct rind_hsm_prepare_transfer_response, ok,
                 rind_hsm_prepare_transfer_ok_schema),
    RIND_VARIANT_UNIT("InvalidRealm"),
    RIND_VARIANT_UNIT("InvalidGroup"),
    RIND_VARIANT_UNIT("NotLeader"),
    RIND_VARIANT_UNIT("UnacceptableRange"),
    RIND_VARIANT_UNIT("OtherTransferPending"),
};
const struct rind_schema rind_hsm_prepare_transfer_response_schema = RIND_SCHEMA_ENUM(
    struct rind_hsm_prepare_transfer_response, hsm_prepare_transfer_response_variants);

static const struct rind_field hsm_cancel_prepared_transfer_request_fields[] = {
    RIND_FIELD(struct rind_hsm_cancel_prepared_transfer_request, realm, rind_bytes16_schema),
    RIND_FIELD(struct rind_hsm_cancel_prepared_transfer_request, source, rind_bytes16_schema),
    RIND_FIELD(struct rind_hsm_cancel_prepared_transfer_request, destination, rind_bytes16_schema),
    RIND_FIELD(struct rind_hsm_cancel_prepared_transfer_request, range, rind_owned_range_schema),
};
const struct rind_schema rind_hsm_cancel_prepared_transfer_request_schema = RIND_SCHEMA_STRUCT(
    struct rind_hsm_cancel_prepared_transfer_request, hsm_cancel_prepared_transfer_request_fields);

static const struct rind_field hsm_cancel_prepared_transfer_ok_fields[] = {
    RIND_FIELD(struct rind_hsm_cancel_prepared_transfer_ok, entry, rind_log_entry_schema),
    RIND_FIELD(struct rind_hsm_cancel_prepared_transfer_ok, clock, rind_u64_schema),
};
const struct rind_schema rind_hsm_cancel_prepared_transfer_ok_schema = RIND_SCHEMA_STRUCT(
    struct rind_hsm_cancel_prepared_transfer_ok, hsm_cancel_prepared_transfer_ok_fields);

static const struct rind_field hsm_cancel_prepared_transfer_response_variants[] = {
    RIND_VARIANT("Ok", struct rind_hsm_cancel_prepared_transfer_response, ok,
                 rind_hsm_cancel_prepared_transfer_ok_schema),
    RIND_VARIANT_UNIT("InvalidRealm"),
    RIND_VARIANT_UNIT("InvalidGroup"),
    RIND_VARIANT_UNIT("NotLeader"),
    RIND_VARIANT_UNIT("NotPrepared"),
};
const struct rind_schema rind_hsm_cancel_prepared_transfer_response_schema =
    RIND_SCHEMA_ENUM(struct rind_hsm_cancel_prepared_transfer_response,
                     hsm_cancel_prepared_transfer_response_variants);

static const struct rind_field hsm_transfer_out_request_fields[] = {
    RIND_FIELD(struct rind_hsm_transfer_out_request, realm, rind_bytes16_schema),
    RIND_FIELD(struct rind_hsm_transfer_out_request, source, rind_bytes16_schema),
    RIND_FIELD(struct rind_hsm_transfer_out_request, destination, rind_bytes16_schema),
    RIND_FIELD(struct rind_hsm_transfer_out_request, range, rind_owned_range_schema),
    RIND_FIELD(struct rind_hsm_transfer_out_request, nonce, rind_bytes16_schema),
    RIND_FIELD(struct rind_hsm_transfer_out_request, statement, rind_bytes32_schema),
    RIND_FIELD_OPTIONAL(struct rind_hsm_transfer_out_request, proof, rind_read_proof_schema),
};
const struct rind_schema rind_hsm_transfer_out_request_schema =
    RIND_SCHEMA_STRUCT(struct rind_hsm_transfer_out_request, hsm_transfer_out_request_fields);

static const struct rind_field hsm_transfer_out_ok_fields[] = {
    RIND_FIELD_OPTIONAL(struct rind_hsm_transfer_out_ok, entry, rind_log_entry_schema),
    RIND_FIELD(struct rind_hsm_transfer_out_ok, delta, rind_store_delta_schema),
    RIND_FIELD(struct rind_hsm_transfer_out_ok, partition, rind_partition_schema),
    RIND_FIELD(struct rind_hsm_transfer_out_ok, wait_til_committed, rind_u64_schema),
    RIND_FIELD(struct rind_hsm_transfer_out_ok, clock, rind_u64_schema),
};
const struct rind_schema rind_hsm_transfer_out_ok_schema =
    RIND_SCHEMA_STRUCT(struct rind_hsm_transfer_out_ok, hsm_transfer_out_ok_fields);

static const struct rind_field hsm_transfer_out_response_variants[] = {
    RIND_VARIANT("Ok", struct rind_hsm_transfer_out_response, ok, rind_hsm_transfer_out_ok_schema),
    RIND_VARIANT_UNIT("InvalidRealm"),
    RIND_VARIANT_UNIT("InvalidGroup"),
    RIND_VARIANT_UNIT("NotLeader"),
    RIND_VARIANT_UNIT("NotOwner"),
    RIND_VARIANT_UNIT("StaleProof"),
    RIND_VARIANT_UNIT("InvalidProof"),
    RIND_VARIANT_UNIT("MissingProof"),
    RIND_VARIANT_UNIT("OtherTransferPending"),
    RIND_VARIANT_UNIT("InvalidStatement"),
};
const struct rind_schema rind_hsm_transfer_out_response_schema =
    RIND_SCHEMA_ENUM(struct rind_hsm_transfer_out_response, hsm_transfer_out_response_variants);

static const struct rind_field hsm_transfer_statement_request_fields[] = {
    RIND_FIELD(struct rind_hsm_transfer_statement_request, realm, rind_bytes16_schema),
    RIND_FIELD(struct rind_hsm_transfer_statement_request, source, rind_bytes16_schema),
    RIND_FIELD(struct rind_hsm_transfer_statement_request, destination, rind_bytes16_schema),
    RIND_FIELD(struct rind_hsm_transfer_statement_request, nonce, rind_bytes16_schema),
};
const struct rind_schema rind_hsm_transfer_statement_request_schema = RIND_SCHEMA_STRUCT(
    struct rind_hsm_transfer_statement_request, hsm_transfer_statement_request_fields);

static const struct rind_field hsm_transfer_statement_response_variants[] = {
    RIND_VARIANT("Ok", struct rind_hsm_transfer_statement_response, statement, rind_bytes32_schema),
    RIND_VARIANT_UNIT("InvalidRealm"),
    RIND_VARIANT_UNIT("InvalidGroup"),
    RIND_VARIANT_UNIT("NotLeader"),
    RIND_VARIANT_UNIT("NotTransferring"),
    RIND_VARIANT_UNIT("Busy"),
};
const struct rind_schema rind_hsm_transfer_statement_response_schema = RIND_SCHEMA_ENUM(
    struct rind_hsm_transfer_statement_response, hsm_transfer_statement_response_variants);

static const struct rind_field transfer_in_proofs_fields[] = {
    RIND_FIELD(struct rind_transfer_in_proofs, owned, rind_read_proof_schema),
    RIND_FIELD(struct rind_transfer_in_proofs, transferring, rind_read_proof_schema),
};
const struct rind_schema rind_transfer_in_proofs_schema =
    RIND_SCHEMA_STRUCT(struct rind_transfer_in_proofs, transfer_in_proofs_fields);

static const struct rind_field hsm_transfer_in_request_fields[] = {
    RIND_FIELD(struct rind_hsm_transfer_in_request, realm, rind_bytes16_schema),
    RIND_FIELD(struct rind_hsm_transfer_in_request, source, rind_bytes16_schema),
    RIND_FIELD(struct rind_hsm_transfer_in_request, destination, rind_bytes16_schema),
    RIND_FIELD(struct rind_hsm_transfer_in_request, transferring, rind_partition_schema),
    RIND_FIELD_OPTIONAL(struct rind_hsm_transfer_in_request, proofs,
                        rind_transfer_in_proofs_schema),
    RIND_FIELD(struct rind_hsm_transfer_in_request, nonce, rind_bytes16_schema),
    RIND_FIELD(struct rind_hsm_transfer_in_request, statement, rind_bytes32_schema),
};
const struct rind_schema rind_hsm_transfer_in_request_schema =
    RIND_SCHEMA_STRUCT(struct rind_hsm_transfer_in_request, hsm_transfer_in_request_fields);

static const struct rind_field hsm_transfer_in_ok_fields[] = {
    RIND_FIELD(struct rind_hsm_transfer_in_ok, entry, rind_log_entry_schema),
    RIND_FIELD(struct rind_hsm_transfer_in_ok, delta, rind_store_delta_schema),
    RIND_FIELD(struct rind_hsm_transfer_in_ok, clock, rind_u64_schema),
};
const struct rind_schema rind_hsm_transfer_in_ok_schema =
    RIND_SCHEMA_STRUCT(struct rind_hsm_transfer_in_ok, hsm_transfer_in_ok_fields);

static const struct rind_field hsm_transfer_in_response_variants[] = {
    RIND_VARIANT("Ok", struct rind_hsm_transfer_in_response, ok, rind_hsm_transfer_in_ok_schema),
    RIND_VARIANT_UNIT("InvalidRealm"),
    RIND_VARIANT_UNIT("InvalidGroup"),
    RIND_VARIANT_UNIT("NotLeader"),
    RIND_VARIANT_UNIT("InvalidNonce"),
    RIND_VARIANT_UNIT("InvalidStatement"),
    RIND_VARIANT_UNIT("StaleProof"),
    RIND_VARIANT_UNIT("InvalidProof"),
    RIND_VARIANT_UNIT("MissingProofs"),
    RIND_VARIANT_UNIT("NotPrepared"),
};
const struct rind_schema rind_hsm_transfer_in_response_schema =
    RIND_SCHEMA_ENUM(struct rind_hsm_transfer_in_response, hsm_transfer_in_response_variants);

static const struct rind_field hsm_complete_transfer_request_fields[] = {
    RIND_FIELD(struct rind_hsm_complete_transfer_request, realm, rind_bytes16_schema),
    RIND_FIELD(struct rind_hsm_complete_transfer_request, source, rind_bytes16_schema),
    RIND_FIELD(struct rind_hsm_complete_transfer_request, destination, rind_bytes16_schema),
    RIND_FIELD(struct rind_hsm_complete_transfer_request, range, rind_owned_range_schema),
};
const struct rind_schema rind_hsm_complete_transfer_request_schema = RIND_SCHEMA_STRUCT(
    struct rind_hsm_complete_transfer_request, hsm_complete_transfer_request_fields);

static const struct rind_field hsm_complete_transfer_ok_fields[] = {
    RIND_FIELD(struct rind_hsm_complete_transfer_ok, entry, rind_log_entry_schema),
    RIND_FIELD(struct rind_hsm_complete_transfer_ok, clock, rind_u64_schema),
};
const struct rind_schema rind_hsm_complete_transfer_ok_schema =
    RIND_SCHEMA_STRUCT(struct rind_hsm_complete_transfer_ok, hsm_complete_transfer_ok_fields);

static const struct rind_field hsm_complete_transfer_response_variants[] = {
    RIND_VARIANT("Ok", struct rind_hsm_complete_transfer_response, ok,
                 rind_hsm_complete_transfer_ok_schema),
    RIND_VARIANT_UNIT("InvalidRealm"),
    RIND_VARIANT_UNIT("InvalidGroup"),
    RIND_VARIANT_UNIT("NotLeader"),
    RIND_VARIANT_UNIT("NotTransferring"),
};
const struct rind_schema rind_hsm_complete_transfer_response_schema = RIND_SCHEMA_ENUM(
    struct rind_hsm_complete_transfer_response, hsm_complete_transfer_response_variants);
