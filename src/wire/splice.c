/* splice.c - the tables of splice.h. */
#include "wire/splice.h"

static const struct rind_schema raw_path_schema = RIND_SCHEMA_LIST(
    struct rind_slice_list, struct rind_slice, rind_raw_schema, RIND_WIRE_PATH_MAX);
static const struct rind_schema raw_entries_schema = RIND_SCHEMA_LIST(
    struct rind_slice_list, struct rind_slice, rind_raw_schema, RIND_WIRE_ENTRIES_MAX);

static const struct rind_field spliced_read_proof_fields[] = {
    RIND_FIELD(struct rind_spliced_read_proof, key, rind_bytes32_schema),
    RIND_FIELD(struct rind_spliced_read_proof, range, rind_owned_range_schema),
    RIND_FIELD_OPTIONAL(struct rind_spliced_read_proof, leaf, rind_raw_schema),
    RIND_FIELD(struct rind_spliced_read_proof, path, raw_path_schema),
    RIND_FIELD(struct rind_spliced_read_proof, root_hash, rind_bytes32_schema),
};
const struct rind_schema rind_spliced_read_proof_schema =
    RIND_SCHEMA_STRUCT(struct rind_spliced_read_proof, spliced_read_proof_fields);

static const struct rind_field spliced_app_request_fields[] = {
    RIND_FIELD(struct rind_spliced_app_request, realm, rind_bytes16_schema),
    RIND_FIELD(struct rind_spliced_app_request, group, rind_bytes16_schema),
    RIND_FIELD(struct rind_spliced_app_request, record_id, rind_bytes32_schema),
    RIND_FIELD(struct rind_spliced_app_request, session_id, rind_u32_schema),
    RIND_FIELD(struct rind_spliced_app_request, encrypted, rind_noise_request_schema),
    RIND_FIELD(struct rind_spliced_app_request, proof, rind_spliced_read_proof_schema),
    RIND_FIELD(struct rind_spliced_app_request, index, rind_u64_schema),
};
const struct rind_schema rind_spliced_app_request_schema =
    RIND_SCHEMA_STRUCT(struct rind_spliced_app_request, spliced_app_request_fields);

static const struct rind_field spliced_capture_next_request_fields[] = {
    RIND_FIELD(struct rind_spliced_capture_next_request, realm, rind_bytes16_schema),
    RIND_FIELD(struct rind_spliced_capture_next_request, group, rind_bytes16_schema),
    RIND_FIELD(struct rind_spliced_capture_next_request, entries, raw_entries_schema),
};
const struct rind_schema rind_spliced_capture_next_request_schema = RIND_SCHEMA_STRUCT(
    struct rind_spliced_capture_next_request, spliced_capture_next_request_fields);

static const struct rind_field spliced_request_variants[] = {
    RIND_VARIANT("AppRequest", struct rind_spliced_request, app, rind_spliced_app_request_schema),
    RIND_VARIANT("CaptureNext", struct rind_spliced_request, capture_next,
                 rind_spliced_capture_next_request_schema),
};
const struct rind_schema rind_spliced_request_schema =
    RIND_SCHEMA_ENUM(struct rind_spliced_request, spliced_request_variants);

static const struct rind_field spliced_request_envelope_fields[] = {
    RIND_FIELD(struct rind_spliced_request_envelope, req, rind_spliced_request_schema),
    RIND_FIELD(struct rind_spliced_request_envelope, metrics, rind_hsm_metrics_schema),
};
const struct rind_schema rind_spliced_request_envelope_schema =
    RIND_SCHEMA_STRUCT(struct rind_spliced_request_envelope, spliced_request_envelope_fields);

static const struct rind_field spliced_addition_fields[] = {
    RIND_FIELD(struct rind_spliced_addition, key, rind_node_key_schema),
    RIND_FIELD(struct rind_spliced_addition, node, rind_raw_schema),
};
const struct rind_schema rind_spliced_addition_list_schema =
    RIND_SCHEMA_MAP(struct rind_spliced_addition_list, struct rind_spliced_addition,
                    spliced_addition_fields, RIND_WIRE_DELTA_MAX);

static const struct rind_field spliced_store_delta_fields[] = {
    RIND_FIELD(struct rind_spliced_store_delta, add, rind_spliced_addition_list_schema),
    RIND_FIELD(struct rind_spliced_store_delta, remove, rind_node_key_list_schema),
};
const struct rind_schema rind_spliced_store_delta_schema =
    RIND_SCHEMA_STRUCT(struct rind_spliced_store_delta, spliced_store_delta_fields);

static const struct rind_field spliced_app_ok_fields[] = {
    RIND_FIELD(struct rind_spliced_app_ok, entry, rind_raw_schema),
    RIND_FIELD(struct rind_spliced_app_ok, delta, rind_spliced_store_delta_schema),
};
const struct rind_schema rind_spliced_app_ok_schema =
    RIND_SCHEMA_STRUCT(struct rind_spliced_app_ok, spliced_app_ok_fields);

static const struct rind_field spliced_app_response_variants[] = {
    RIND_VARIANT("Ok", struct rind_spliced_app_response, ok, rind_spliced_app_ok_schema),
    RIND_VARIANT_UNIT("InvalidRealm"),
    RIND_VARIANT_UNIT("InvalidGroup"),
    RIND_VARIANT_UNIT("StaleProof"),
    RIND_VARIANT_UNIT("InvalidProof"),
    RIND_VARIANT_UNIT("NotOwner"),
    RIND_VARIANT("NotLeader", struct rind_spliced_app_response, not_leader,
                 rind_role_status_schema),
    RIND_VARIANT_UNIT("InvalidRecordData"),
    RIND_VARIANT_UNIT("MissingSession"),
    RIND_VARIANT_UNIT("SessionError"),
    RIND_VARIANT_UNIT("DecodingError"),
};
const struct rind_schema rind_spliced_app_response_schema =
    RIND_SCHEMA_ENUM(struct rind_spliced_app_response, spliced_app_response_variants);

bool rind_node_content(struct rind_slice stored, enum rind_node_kind *kind,
                       struct rind_slice *content)
{
    static const uint8_t interior[] = {0xa1, 0x68, 'I', 'n', 't', 'e', 'r', 'i', 'o', 'r'};
    static const uint8_t leaf[] = {0xa1, 0x64, 'L', 'e', 'a', 'f'};
    size_t head;
    if (stored.length > sizeof(interior) && memcmp(stored.data, interior, sizeof(interior)) == 0) {
        *kind = RIND_NODE_INTERIOR;
        head = sizeof(interior);
    } else if (stored.length > sizeof(leaf) && memcmp(stored.data, leaf, sizeof(leaf)) == 0) {
        *kind = RIND_NODE_LEAF;
        head = sizeof(leaf);
    } else {
        return false;
    }
    *content = rind_slice_make(stored.data + head, stored.length - head);
    return true;
}
