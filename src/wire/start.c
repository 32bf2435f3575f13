/* start.c - the tables of start.h. */
#include "wire/start.h"

static const struct rind_field start_nvram_variants[] = {
    RIND_VARIANT_UNIT("LastWritten"),
    RIND_VARIANT_UNIT("Reinitialize"),
};
const struct rind_schema rind_start_nvram_schema =
    RIND_SCHEMA_ENUM(enum rind_start_nvram, start_nvram_variants);

static const struct rind_field start_request_fields[] = {
    RIND_FIELD(struct rind_start_request, tree_overlay_size, rind_u16_schema),
    RIND_FIELD(struct rind_start_request, max_sessions, rind_u16_schema),
    RIND_FIELD(struct rind_start_request, comm_private_key, rind_bytes_schema),
    RIND_FIELD(struct rind_start_request, comm_public_key, rind_bytes_schema),
    RIND_FIELD(struct rind_start_request, mac_key, rind_bytes_schema),
    RIND_FIELD(struct rind_start_request, record_key, rind_bytes_schema),
    RIND_FIELD(struct rind_start_request, nvram, rind_start_nvram_schema),
};
const struct rind_schema rind_start_request_schema =
    RIND_SCHEMA_STRUCT(struct rind_start_request, start_request_fields);

static const struct rind_field start_key_role_variants[] = {
    RIND_VARIANT_UNIT("CommunicationPrivateKey"),
    RIND_VARIANT_UNIT("CommunicationPublicKey"),
    RIND_VARIANT_UNIT("MacKey"),
    RIND_VARIANT_UNIT("RecordKey"),
};
const struct rind_schema rind_start_key_role_schema =
    RIND_SCHEMA_ENUM(enum rind_start_key_role, start_key_role_variants);

static const struct rind_field start_failed_to_load_fields[] = {
    RIND_FIELD(struct rind_start_failed_to_load, status, rind_u32_schema),
};
const struct rind_schema rind_start_failed_to_load_schema =
    RIND_SCHEMA_STRUCT(struct rind_start_failed_to_load, start_failed_to_load_fields);

static const struct rind_field start_world_signer_variants[] = {
    RIND_VARIANT("FailedToLoad", struct rind_start_world_signer, failed_to_load,
                 rind_start_failed_to_load_schema),
    RIND_VARIANT_UNIT("NoWorldSigner"),
    RIND_VARIANT_UNIT("TooManyWorldSigners"),
};
const struct rind_schema rind_start_world_signer_schema =
    RIND_SCHEMA_ENUM(struct rind_start_world_signer, start_world_signer_variants);

static const struct rind_field start_invalid_ticket_fields[] = {
    RIND_FIELD(struct rind_start_invalid_ticket, role, rind_start_key_role_schema),
    RIND_FIELD(struct rind_start_invalid_ticket, status, rind_u32_schema),
};
const struct rind_schema rind_start_invalid_ticket_schema =
    RIND_SCHEMA_TUPLE(struct rind_start_invalid_ticket, start_invalid_ticket_fields);

static const struct rind_field start_invalid_key_length_fields[] = {
    RIND_FIELD(struct rind_start_invalid_key_length, role, rind_start_key_role_schema),
    RIND_FIELD(struct rind_start_invalid_key_length, expecting, rind_u64_schema),
    RIND_FIELD(struct rind_start_invalid_key_length, actual, rind_u64_schema),
};
const struct rind_schema rind_start_invalid_key_length_schema =
    RIND_SCHEMA_STRUCT(struct rind_start_invalid_key_length, start_invalid_key_length_fields);

static const struct rind_field start_response_variants[] = {
    RIND_VARIANT_UNIT("Ok"),
    RIND_VARIANT("WorldSigner", struct rind_start_response, world_signer,
                 rind_start_world_signer_schema),
    RIND_VARIANT("InvalidTicket", struct rind_start_response, invalid_ticket,
                 rind_start_invalid_ticket_schema),
    RIND_VARIANT("InvalidKeyLength", struct rind_start_response, invalid_key_length,
                 rind_start_invalid_key_length_schema),
    RIND_VARIANT("PersistenceError", struct rind_start_response, persistence_error,
                 rind_text_schema),
};
const struct rind_schema rind_start_response_schema =
    RIND_SCHEMA_ENUM(struct rind_start_response, start_response_variants);
