/*
 * start.h - the first message a hardware HSM gets: sizes and the tickets of its keys.
 *
 * Spec: docs/spec/09-entrust-and-ceremony.md section 2, docs/spec/02-hsm-core.md section 7.5.
 */
#ifndef RIND_WIRE_START_H
#define RIND_WIRE_START_H

#include "wire/schema.h"

enum rind_start_nvram {
    RIND_START_NVRAM_LAST_WRITTEN = 1,
    RIND_START_NVRAM_REINITIALIZE,
};

struct rind_start_request {
    uint16_t tree_overlay_size;
    uint16_t max_sessions;
    struct rind_slice comm_private_key; /* a ticket, as are the next three */
    struct rind_slice comm_public_key;
    struct rind_slice mac_key;
    struct rind_slice record_key;
    enum rind_start_nvram nvram;
};

enum rind_start_key_role {
    RIND_START_KEY_COMMUNICATION_PRIVATE_KEY = 1,
    RIND_START_KEY_COMMUNICATION_PUBLIC_KEY,
    RIND_START_KEY_MAC_KEY,
    RIND_START_KEY_RECORD_KEY,
};

struct rind_start_failed_to_load {
    uint32_t status;
};

enum rind_start_world_signer_kind {
    RIND_START_WORLD_SIGNER_FAILED_TO_LOAD = 1,
    RIND_START_WORLD_SIGNER_NO_WORLD_SIGNER,
    RIND_START_WORLD_SIGNER_TOO_MANY_WORLD_SIGNERS,
};
struct rind_start_world_signer {
    enum rind_start_world_signer_kind kind;
    struct rind_start_failed_to_load failed_to_load;
};

struct rind_start_invalid_ticket {
    enum rind_start_key_role role;
    uint32_t status;
};

struct rind_start_invalid_key_length {
    enum rind_start_key_role role;
    uint64_t expecting;
    uint64_t actual;
};

enum rind_start_response_kind {
    RIND_START_OK = 1,
    RIND_START_WORLD_SIGNER,
    RIND_START_INVALID_TICKET,
    RIND_START_INVALID_KEY_LENGTH,
    RIND_START_PERSISTENCE_ERROR,
};
struct rind_start_response {
    enum rind_start_response_kind kind;
    union {
        struct rind_start_world_signer world_signer;
        struct rind_start_invalid_ticket invalid_ticket;
        struct rind_start_invalid_key_length invalid_key_length;
        struct rind_slice persistence_error;
    };
};

/* The tables of the messages above. */
extern const struct rind_schema rind_start_nvram_schema;
extern const struct rind_schema rind_start_request_schema;
extern const struct rind_schema rind_start_key_role_schema;
extern const struct rind_schema rind_start_failed_to_load_schema;
extern const struct rind_schema rind_start_world_signer_schema;
extern const struct rind_schema rind_start_invalid_ticket_schema;
extern const struct rind_schema rind_start_invalid_key_length_schema;
extern const struct rind_schema rind_start_response_schema;

#endif
