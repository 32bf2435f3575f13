/*
 * types.h - the types that several boundaries share: log entries, roles, captures, Noise messages,
 * tree nodes, proofs and deltas.
 *
 * Plain values as they travel: nothing here has been judged. A decoded range may be inverted, a
 * bit vector longer than 256 bits, a path empty. Spec: docs/spec/02-hsm-core.md section 3,
 * docs/spec/03-merkle.md section 5, docs/spec/01-client-protocol.md section 2.3.
 */
#ifndef RIND_WIRE_TYPES_H
#define RIND_WIRE_TYPES_H

#include "base/id.h"
#include "wire/schema.h"

/* HSMs in one group (02 section 1). */
#define RIND_CONFIGURATION_LIMIT 9u
/* Groups per HSM (02 section 1). */
#define RIND_GROUPS_LIMIT 16u
/* HTTP body of a client request, and any Noise ciphertext inside an HSM (02 section 1). */
#define RIND_BODY_SIZE_LIMIT 2048u
#define RIND_PUBLIC_KEY_SIZE 32u

/*
 * Bounds of the decoder. Where a request beyond the rule has an answer of its own (such as
 * InvalidConfiguration), the decoder lets somewhat more pass so that the answer can be given.
 */
#define RIND_WIRE_CONFIGURATION_MAX 64u /* ids in a configuration, members in a request */
#define RIND_WIRE_GROUPS_MAX 256u       /* groups of one HSM or agent, captures of one HSM */
#define RIND_WIRE_ENTRIES_MAX 4096u     /* log entries in one request: more do not fit in 1 MiB */
#define RIND_WIRE_RESPONSES_MAX 65536u  /* released by one commit: more than clients can wait */
#define RIND_WIRE_PATH_MAX 512u         /* nodes of a proof; a valid path has at most 257 */
#define RIND_WIRE_DELTA_MAX 4096u       /* nodes of one delta; a split or merge touches 4 paths */

/* A span of time; nanos stay below 10^9 after decoding. */
struct rind_duration {
    uint64_t secs;
    uint32_t nanos;
};

/* Record ids from start to end, both inclusive. Arithmetic: wire/range.h. */
struct rind_owned_range {
    struct rind_record_id start;
    struct rind_record_id end;
};

/* The records a group owns and the root of their tree. */
struct rind_partition {
    struct rind_owned_range range;
    struct rind_data_hash root_hash;
};

/* Prepared to take `range` over from `source` since entry `at`. */
struct rind_transferring_in {
    struct rind_group_id source;
    struct rind_owned_range range;
    uint64_t at;
};

/* Given `partition` up to `destination` since entry `at`. */
struct rind_transferring_out {
    struct rind_group_id destination;
    struct rind_partition partition;
    uint64_t at;
};

enum rind_transferring_kind {
    RIND_TRANSFERRING_IN = 1,
    RIND_TRANSFERRING_OUT,
};
struct rind_transferring {
    enum rind_transferring_kind kind;
    union {
        struct rind_transferring_in in;
        struct rind_transferring_out out;
    };
};

/* One entry of a group's log (02 section 6.1). Indexes count from 1. */
struct rind_log_entry {
    uint64_t index;
    bool has_partition;
    struct rind_partition partition;
    bool has_transferring;
    struct rind_transferring transferring;
    struct rind_mac prev_mac;
    struct rind_mac entry_mac;
    struct rind_hsm_id hsm;
};

/* Index and MAC of a log entry. */
struct rind_log_position {
    uint64_t index;
    struct rind_mac mac;
};

struct rind_role_leader {
    uint64_t starting;
};

struct rind_role_stepping_down {
    uint64_t leader_starting;
};

enum rind_group_member_role_kind {
    RIND_ROLE_LEADER = 1,
    RIND_ROLE_STEPPING_DOWN,
    RIND_ROLE_WITNESS,
};
struct rind_group_member_role {
    enum rind_group_member_role_kind kind;
    union {
        struct rind_role_leader leader;
        struct rind_role_stepping_down stepping_down;
    };
};

/* A role since role clock `at` (02 section 8.2). */
struct rind_role_status {
    struct rind_group_member_role role;
    uint64_t at;
};

/* An HSM's proof of having persisted entry `index` with MAC `mac`. */
struct rind_captured {
    struct rind_hsm_id hsm;
    struct rind_realm_id realm;
    struct rind_group_id group;
    uint64_t index;
    struct rind_mac mac;
    struct rind_mac statement;
};

RIND_LIST_TYPE(rind_captured_list, struct rind_captured);

RIND_LIST_TYPE(rind_hsm_id_list, struct rind_hsm_id);

RIND_LIST_TYPE(rind_mac_list, struct rind_mac);

RIND_LIST_TYPE(rind_log_entry_list, struct rind_log_entry);

struct rind_guess_state {
    uint16_t num_guesses;
    uint16_t guess_count;
};

struct rind_app_result_recover2 {
    bool has_updated;
    struct rind_guess_state updated; /* only if the guess was counted */
};

struct rind_app_result_recover3 {
    bool recovered;
};

/* What a committed client request was, for metering (02 section 13.3). */
enum rind_app_result_type_kind {
    RIND_APP_RESULT_REGISTER1 = 1,
    RIND_APP_RESULT_REGISTER2,
    RIND_APP_RESULT_RECOVER1,
    RIND_APP_RESULT_RECOVER2,
    RIND_APP_RESULT_RECOVER3,
    RIND_APP_RESULT_DELETE,
};
struct rind_app_result_type {
    enum rind_app_result_type_kind kind;
    union {
        struct rind_app_result_recover2 recover2;
        struct rind_app_result_recover3 recover3;
    };
};

/* Noise NK, first message (01 section 4.2). */
struct rind_handshake_request {
    struct rind_slice client_ephemeral_public; /* 32 bytes if usable */
    struct rind_slice payload_ciphertext;
};

/* Noise NK, second message. */
struct rind_handshake_response {
    struct rind_slice server_ephemeral_public; /* 32 bytes if usable */
    struct rind_slice payload_ciphertext;
};

struct rind_noise_request_handshake {
    struct rind_handshake_request handshake;
};

struct rind_noise_transport {
    struct rind_slice ciphertext;
};

enum rind_noise_request_kind {
    RIND_NOISE_REQUEST_HANDSHAKE = 1,
    RIND_NOISE_REQUEST_TRANSPORT,
};
struct rind_noise_request {
    enum rind_noise_request_kind kind;
    union {
        struct rind_noise_request_handshake handshake;
        struct rind_noise_transport transport;
    };
};

struct rind_noise_response_handshake {
    struct rind_handshake_response handshake;
    struct rind_duration session_lifetime;
};

enum rind_noise_response_kind {
    RIND_NOISE_RESPONSE_HANDSHAKE = 1,
    RIND_NOISE_RESPONSE_TRANSPORT,
};
struct rind_noise_response {
    enum rind_noise_response_kind kind;
    union {
        struct rind_noise_response_handshake handshake;
        struct rind_noise_transport transport;
    };
};

/* A tree path or part of one: bits most significant first, bits from `length` on are zero. */
struct rind_bit_vector {
    uint16_t length; /* 0 to 256 if valid; anything larger as decoded: check before use */
    uint8_t bits[32];
};
extern const struct rind_schema rind_bit_vector_schema;

/* The way from a node to a child: prefix below the node, hash of the child. */
struct rind_branch {
    struct rind_bit_vector prefix;
    struct rind_data_hash hash;
};

struct rind_interior_node {
    bool has_left;
    struct rind_branch left;
    bool has_right;
    struct rind_branch right;
};

struct rind_leaf_node {
    struct rind_slice value;
};

/* A tree node as stored. */
enum rind_node_kind {
    RIND_NODE_INTERIOR = 1,
    RIND_NODE_LEAF,
};
struct rind_node {
    enum rind_node_kind kind;
    union {
        struct rind_interior_node interior;
        struct rind_leaf_node leaf;
    };
};

/* Where a node is stored: full prefix from the root, and its hash. */
struct rind_node_key {
    struct rind_bit_vector prefix;
    struct rind_data_hash hash;
};

RIND_LIST_TYPE(rind_node_key_list, struct rind_node_key);

RIND_LIST_TYPE(rind_interior_node_list, struct rind_interior_node);

/* The path of record `key` from the root down; `leaf` if the record exists. */
struct rind_read_proof {
    struct rind_record_id key;
    struct rind_owned_range range;
    bool has_leaf;
    struct rind_leaf_node leaf;
    struct rind_interior_node_list path;
    struct rind_data_hash root_hash;
};

/* A node to store. */
struct rind_node_addition {
    struct rind_node_key key;
    struct rind_node node;
};
RIND_LIST_TYPE(rind_node_addition_list, struct rind_node_addition);

/* What a change of the tree means for storage. Ascending: rind_store_delta_sort. */
struct rind_store_delta {
    struct rind_node_addition_list add;
    struct rind_node_key_list remove;
};

/* How a call to another daemon failed, as told to third parties. */
enum rind_rpc_error_kind {
    RIND_RPC_ERROR_NETWORK = 1,
    RIND_RPC_ERROR_HTTP_STATUS,
    RIND_RPC_ERROR_SERIALIZATION,
    RIND_RPC_ERROR_DESERIALIZATION,
};
struct rind_rpc_error {
    enum rind_rpc_error_kind kind;
    union {
        uint16_t http_status;
        struct rind_slice serialization;
        struct rind_slice deserialization;
    };
};

/* The tables of the messages above. */
extern const struct rind_schema rind_duration_schema;
extern const struct rind_schema rind_owned_range_schema;
extern const struct rind_schema rind_partition_schema;
extern const struct rind_schema rind_transferring_in_schema;
extern const struct rind_schema rind_transferring_out_schema;
extern const struct rind_schema rind_transferring_schema;
extern const struct rind_schema rind_log_entry_schema;
extern const struct rind_schema rind_log_position_schema;
extern const struct rind_schema rind_role_leader_schema;
extern const struct rind_schema rind_role_stepping_down_schema;
extern const struct rind_schema rind_group_member_role_schema;
extern const struct rind_schema rind_role_status_schema;
extern const struct rind_schema rind_captured_schema;
extern const struct rind_schema rind_captured_list_schema;
extern const struct rind_schema rind_hsm_id_list_schema;
extern const struct rind_schema rind_mac_list_schema;
extern const struct rind_schema rind_log_entry_list_schema;
extern const struct rind_schema rind_guess_state_schema;
extern const struct rind_schema rind_app_result_recover2_schema;
extern const struct rind_schema rind_app_result_recover3_schema;
extern const struct rind_schema rind_app_result_type_schema;
extern const struct rind_schema rind_handshake_request_schema;
extern const struct rind_schema rind_handshake_response_schema;
extern const struct rind_schema rind_noise_request_handshake_schema;
extern const struct rind_schema rind_noise_transport_schema;
extern const struct rind_schema rind_noise_request_schema;
extern const struct rind_schema rind_noise_response_handshake_schema;
extern const struct rind_schema rind_noise_response_schema;
extern const struct rind_schema rind_branch_schema;
extern const struct rind_schema rind_interior_node_schema;
extern const struct rind_schema rind_leaf_node_schema;
extern const struct rind_schema rind_node_schema;
extern const struct rind_schema rind_node_key_schema;
extern const struct rind_schema rind_node_key_list_schema;
extern const struct rind_schema rind_interior_node_list_schema;
extern const struct rind_schema rind_read_proof_schema;
extern const struct rind_schema rind_node_addition_list_schema;
extern const struct rind_schema rind_store_delta_schema;
extern const struct rind_schema rind_rpc_error_schema;

#endif
