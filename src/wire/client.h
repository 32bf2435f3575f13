/*
 * client.h - what clients and realms say to each other: the secrets protocol and its envelopes.
 *
 * Everything a client sends is hostile until the realm has judged it. Fields named as keys, shares
 * and tags are secrets: wipe the structs that held them. That a blinded input or result is a
 * valid ristretto255 element is not checked here but where it is used; answer DecodingError if it
 * is not. Spec: docs/spec/01-client-protocol.md sections 2 and 3.
 */
#ifndef RIND_WIRE_CLIENT_H
#define RIND_WIRE_CLIENT_H

#include "base/buffer.h"
#include "base/status.h"
#include "wire/types.h"

#define RIND_PADDED_SECRETS_RESPONSE_SIZE 436u /* 01 section 3.3: hides which response it is */
#define RIND_ENCRYPTED_USER_SECRET_SIZE 145u
#define RIND_AUTH_TOKEN_SIZE_MAX 2048u /* no more fits in a request of RIND_BODY_SIZE_LIMIT */

struct rind_oprf_signed_public_key {
    uint8_t public_key[32];
    uint8_t verifying_key[32];
    uint8_t signature[64];
};

struct rind_policy {
    uint16_t num_guesses;
};

/* That an OPRF result was made with the key of the registration. */
struct rind_dleq_proof {
    uint8_t c[32];
    uint8_t beta_z[32];
};

struct rind_register2_request {
    uint8_t version[16];
    uint8_t oprf_private_key[32];
    struct rind_oprf_signed_public_key oprf_signed_public_key;
    uint8_t unlock_key_commitment[32];
    uint8_t unlock_key_tag[16];
    uint8_t encryption_key_scalar_share[32];
    uint8_t encrypted_secret[145];
    uint8_t encrypted_secret_commitment[16];
    struct rind_policy policy;
};

struct rind_recover2_request {
    uint8_t version[16];
    uint8_t oprf_blinded_input[32];
};

struct rind_recover3_request {
    uint8_t version[16];
    uint8_t unlock_key_tag[16];
};

enum rind_secrets_request_kind {
    RIND_SECRETS_REQUEST_REGISTER1 = 1,
    RIND_SECRETS_REQUEST_REGISTER2,
    RIND_SECRETS_REQUEST_RECOVER1,
    RIND_SECRETS_REQUEST_RECOVER2,
    RIND_SECRETS_REQUEST_RECOVER3,
    RIND_SECRETS_REQUEST_DELETE,
};
struct rind_secrets_request {
    enum rind_secrets_request_kind kind;
    union {
        struct rind_register2_request register2;
        struct rind_recover2_request recover2;
        struct rind_recover3_request recover3;
    };
};

enum rind_register1_response_kind {
    RIND_REGISTER1_OK = 1,
};
struct rind_register1_response {
    enum rind_register1_response_kind kind;
};

enum rind_register2_response_kind {
    RIND_REGISTER2_OK = 1,
};
struct rind_register2_response {
    enum rind_register2_response_kind kind;
};

struct rind_recover1_ok {
    uint8_t version[16];
};

enum rind_recover1_response_kind {
    RIND_RECOVER1_OK = 1,
    RIND_RECOVER1_NOT_REGISTERED,
    RIND_RECOVER1_NO_GUESSES,
};
struct rind_recover1_response {
    enum rind_recover1_response_kind kind;
    struct rind_recover1_ok ok;
};

struct rind_recover2_ok {
    struct rind_oprf_signed_public_key oprf_signed_public_key;
    uint8_t oprf_blinded_result[32];
    struct rind_dleq_proof oprf_proof;
    uint8_t unlock_key_commitment[32];
    uint16_t num_guesses;
    uint16_t guess_count; /* this guess included */
};

enum rind_recover2_response_kind {
    RIND_RECOVER2_OK = 1,
    RIND_RECOVER2_VERSION_MISMATCH,
    RIND_RECOVER2_NOT_REGISTERED,
    RIND_RECOVER2_NO_GUESSES,
};
struct rind_recover2_response {
    enum rind_recover2_response_kind kind;
    struct rind_recover2_ok ok;
};

struct rind_recover3_ok {
    uint8_t encryption_key_scalar_share[32];
    uint8_t encrypted_secret[145];
    uint8_t encrypted_secret_commitment[16];
};

struct rind_recover3_bad_unlock_key_tag {
    uint16_t guesses_remaining;
};

enum rind_recover3_response_kind {
    RIND_RECOVER3_OK = 1,
    RIND_RECOVER3_VERSION_MISMATCH,
    RIND_RECOVER3_NOT_REGISTERED,
    RIND_RECOVER3_BAD_UNLOCK_KEY_TAG,
    RIND_RECOVER3_NO_GUESSES,
};
struct rind_recover3_response {
    enum rind_recover3_response_kind kind;
    union {
        struct rind_recover3_ok ok;
        struct rind_recover3_bad_unlock_key_tag bad_unlock_key_tag;
    };
};

enum rind_delete_response_kind {
    RIND_DELETE_OK = 1,
};
struct rind_delete_response {
    enum rind_delete_response_kind kind;
};

enum rind_secrets_response_kind {
    RIND_SECRETS_RESPONSE_REGISTER1 = 1,
    RIND_SECRETS_RESPONSE_REGISTER2,
    RIND_SECRETS_RESPONSE_RECOVER1,
    RIND_SECRETS_RESPONSE_RECOVER2,
    RIND_SECRETS_RESPONSE_RECOVER3,
    RIND_SECRETS_RESPONSE_DELETE,
};
struct rind_secrets_response {
    enum rind_secrets_response_kind kind;
    union {
        struct rind_register1_response register1;
        struct rind_register2_response register2;
        struct rind_recover1_response recover1;
        struct rind_recover2_response recover2;
        struct rind_recover3_response recover3;
        struct rind_delete_response delete;
    };
};

/* A SecretsResponse and zeros. Hardware realms only. */
struct rind_padded_secrets_response {
    uint16_t unpadded_length; /* above RIND_PADDED_SECRETS_RESPONSE_SIZE: a decoding failure */
    uint8_t padded_bytes[436];
};

enum rind_client_request_kind {
    RIND_CLIENT_REQUEST_HANDSHAKE_ONLY = 1,
    RIND_CLIENT_REQUEST_SECRETS_REQUEST,
};

/* The envelope a balancer reads. */
struct rind_client_request {
    struct rind_realm_id realm;
    struct rind_slice auth_token; /* secret */
    uint32_t session_id;
    enum rind_client_request_kind kind;
    struct rind_noise_request encrypted;
};

enum rind_client_response_kind {
    RIND_CLIENT_RESPONSE_OK = 1,
    RIND_CLIENT_RESPONSE_UNAVAILABLE,
    RIND_CLIENT_RESPONSE_INVALID_AUTH,
    RIND_CLIENT_RESPONSE_MISSING_SESSION,
    RIND_CLIENT_RESPONSE_SESSION_ERROR,
    RIND_CLIENT_RESPONSE_DECODING_ERROR,
    RIND_CLIENT_RESPONSE_PAYLOAD_TOO_LARGE,
    RIND_CLIENT_RESPONSE_RATE_LIMIT_EXCEEDED,
};
struct rind_client_response {
    enum rind_client_response_kind kind;
    struct rind_noise_response ok;
};

/* True for the requests a realm accepts in transport messages only (01 section 3.1). */
bool rind_secrets_request_needs_forward_secrecy(const struct rind_secrets_request *request);

/* The tables of the messages above. */
extern const struct rind_schema rind_oprf_signed_public_key_schema;
extern const struct rind_schema rind_policy_schema;
extern const struct rind_schema rind_dleq_proof_schema;
extern const struct rind_schema rind_register2_request_schema;
extern const struct rind_schema rind_recover2_request_schema;
extern const struct rind_schema rind_recover3_request_schema;
extern const struct rind_schema rind_secrets_request_schema;
extern const struct rind_schema rind_register1_response_schema;
extern const struct rind_schema rind_register2_response_schema;
extern const struct rind_schema rind_recover1_ok_schema;
extern const struct rind_schema rind_recover1_response_schema;
extern const struct rind_schema rind_recover2_ok_schema;
extern const struct rind_schema rind_recover2_response_schema;
extern const struct rind_schema rind_recover3_ok_schema;
extern const struct rind_schema rind_recover3_bad_unlock_key_tag_schema;
extern const struct rind_schema rind_recover3_response_schema;
extern const struct rind_schema rind_delete_response_schema;
extern const struct rind_schema rind_secrets_response_schema;
extern const struct rind_schema rind_padded_secrets_response_schema;
extern const struct rind_schema rind_client_request_kind_schema;
extern const struct rind_schema rind_client_request_schema;
extern const struct rind_schema rind_client_response_schema;

#endif
