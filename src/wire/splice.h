/*
 * splice.h - the hot messages of an agent with parts that stay encoded.
 *
 * An agent moves tree nodes and log entries between store and HSM without looking into most of
 * them. These twins of messages in hsm.h have the same bytes, but hold such parts as slices of
 * CBOR: encoding splices them in verbatim (the caller answers for their form), decoding checks
 * that they are well-formed and borrows them. Decode a part with its own table when needed.
 */
#ifndef RIND_WIRE_SPLICE_H
#define RIND_WIRE_SPLICE_H

#include "wire/hsm.h"
#include "wire/types.h"

/* Twin of struct rind_read_proof. */
struct rind_spliced_read_proof {
    struct rind_record_id key;
    struct rind_owned_range range;
    bool has_leaf;
    struct rind_slice leaf;      /* a bare leaf node: rind_node_content */
    struct rind_slice_list path; /* bare interior nodes: rind_node_content */
    struct rind_data_hash root_hash;
};

/* Twin of struct rind_hsm_app_request. */
struct rind_spliced_app_request {
    struct rind_realm_id realm;
    struct rind_group_id group;
    struct rind_record_id record_id;
    uint32_t session_id;
    struct rind_noise_request encrypted;
    struct rind_spliced_read_proof proof;
    uint64_t index;
};

/* Twin of struct rind_hsm_capture_next_request. */
struct rind_spliced_capture_next_request {
    struct rind_realm_id realm;
    struct rind_group_id group;
    struct rind_slice_list entries; /* LogEntries as stored */
};

enum rind_spliced_request_kind {
    RIND_SPLICED_REQUEST_APP_REQUEST = 1,
    RIND_SPLICED_REQUEST_CAPTURE_NEXT,
};
struct rind_spliced_request {
    enum rind_spliced_request_kind kind;
    union {
        struct rind_spliced_app_request app;
        struct rind_spliced_capture_next_request capture_next;
    };
};

/* Twin of struct rind_hsm_request_envelope. */
struct rind_spliced_request_envelope {
    struct rind_spliced_request req;
    enum rind_hsm_metrics metrics;
};

/* A node to store. */
struct rind_spliced_addition {
    struct rind_node_key key;
    struct rind_slice node; /* as it goes into the store */
};
RIND_LIST_TYPE(rind_spliced_addition_list, struct rind_spliced_addition);

/* Twin of struct rind_store_delta. */
struct rind_spliced_store_delta {
    struct rind_spliced_addition_list add;
    struct rind_node_key_list remove;
};

/* Twin of struct rind_hsm_app_ok. */
struct rind_spliced_app_ok {
    struct rind_slice entry; /* a LogEntry as it goes into the log */
    struct rind_spliced_store_delta delta;
};

/* Twin of struct rind_hsm_app_response, with the same kinds. */
struct rind_spliced_app_response {
    enum rind_hsm_app_response_kind kind;
    union {
        struct rind_spliced_app_ok ok;
        struct rind_role_status not_leader;
    };
};

/*
 * *content = the bare interior or leaf node inside a stored node, borrowed from it, and its kind.
 * False if `stored` does not start as an encoded struct rind_node does.
 */
bool rind_node_content(struct rind_slice stored, enum rind_node_kind *kind,
                       struct rind_slice *content);

/* The tables of the messages above. */
extern const struct rind_schema rind_spliced_read_proof_schema;
extern const struct rind_schema rind_spliced_app_request_schema;
extern const struct rind_schema rind_spliced_capture_next_request_schema;
extern const struct rind_schema rind_spliced_request_schema;
extern const struct rind_schema rind_spliced_request_envelope_schema;
extern const struct rind_schema rind_spliced_addition_list_schema;
extern const struct rind_schema rind_spliced_store_delta_schema;
extern const struct rind_schema rind_spliced_app_ok_schema;
extern const struct rind_schema rind_spliced_app_response_schema;

#endif
