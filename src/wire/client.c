/* client.c - the tables of client.h, and the padding of responses. */
#include "wire/client.h"
#include "wire/codec.h"

static const struct rind_schema encrypted_secret_schema =
    RIND_SCHEMA_BYTES_FIXED(RIND_ENCRYPTED_USER_SECRET_SIZE);
static const struct rind_schema padded_bytes_schema =
    RIND_SCHEMA_BYTES_FIXED(RIND_PADDED_SECRETS_RESPONSE_SIZE);
static const struct rind_schema auth_token_schema = RIND_SCHEMA_TEXT(RIND_AUTH_TOKEN_SIZE_MAX);

static const struct rind_field oprf_signed_public_key_fields[] = {
    RIND_FIELD(struct rind_oprf_signed_public_key, public_key, rind_bytes32_schema),
    RIND_FIELD(struct rind_oprf_signed_public_key, verifying_key, rind_bytes32_schema),
    RIND_FIELD(struct rind_oprf_signed_public_key, signature, rind_bytes64_schema),
};
const struct rind_schema rind_oprf_signed_public_key_schema =
    RIND_SCHEMA_STRUCT(struct rind_oprf_signed_public_key, oprf_signed_public_key_fields);

static const struct rind_field policy_fields[] = {
    RIND_FIELD(struct rind_policy, num_guesses, rind_u16_schema),
};
const struct rind_schema rind_policy_schema = RIND_SCHEMA_STRUCT(struct rind_policy, policy_fields);

static const struct rind_field dleq_proof_fields[] = {
    RIND_FIELD(struct rind_dleq_proof, c, rind_scalar_schema),
    RIND_FIELD(struct rind_dleq_proof, beta_z, rind_scalar_schema),
};
const struct rind_schema rind_dleq_proof_schema =
    RIND_SCHEMA_STRUCT(struct rind_dleq_proof, dleq_proof_fields);

static const struct rind_field register2_request_fields[] = {
    RIND_FIELD(struct rind_register2_request, version, rind_bytes16_schema),
    RIND_FIELD(struct rind_register2_request, oprf_private_key, rind_scalar_schema),
    RIND_FIELD(struct rind_register2_request, oprf_signed_public_key,
               rind_oprf_signed_public_key_schema),
    RIND_FIELD(struct rind_register2_request, unlock_key_commitment, rind_bytes32_schema),
    RIND_FIELD(struct rind_register2_request, unlock_key_tag, rind_bytes16_schema),
    RIND_FIELD(struct rind_register2_request, encryption_key_scalar_share, rind_scalar_schema),
    RIND_FIELD(struct rind_register2_request, encrypted_secret, encrypted_secret_schema),
    RIND_FIELD(struct rind_register2_request, encrypted_secret_commitment, rind_bytes16_schema),
    RIND_FIELD(struct rind_register2_request, policy, rind_policy_schema),
};
const struct rind_schema rind_register2_request_schema =
    RIND_SCHEMA_STRUCT(struct rind_register2_request, register2_request_fields);

static const struct rind_field recover2_request_fields[] = {
    RIND_FIELD(struct rind_recover2_request, version, rind_bytes16_schema),
    RIND_FIELD(struct rind_recover2_request, oprf_blinded_input, rind_bytes32_schema),
};
const struct rind_schema rind_recover2_request_schema =
    RIND_SCHEMA_STRUCT(struct rind_recover2_request, recover2_request_fields);

static const struct rind_field recover3_request_fields[] = {
    RIND_FIELD(struct rind_recover3_request, version, rind_bytes16_schema),
    RIND_FIELD(struct rind_recover3_request, unlock_key_tag, rind_bytes16_schema),
};
const struct rind_schema rind_recover3_request_schema =
    RIND_SCHEMA_STRUCT(struct rind_recover3_request, recover3_request_fields);

static const struct rind_field secrets_request_variants[] = {
    RIND_VARIANT_UNIT("Register1"),
    RIND_VARIANT("Register2", struct rind_secrets_request, register2,
                 rind_register2_request_schema),
    RIND_VARIANT_UNIT("Recover1"),
    RIND_VARIANT("Recover2", struct rind_secrets_request, recover2, rind_recover2_request_schema),
    RIND_VARIANT("Recover3", struct rind_secrets_request, recover3, rind_recover3_request_schema),
    RIND_VARIANT_UNIT("Delete"),
};
const struct rind_schema rind_secrets_request_schema =
    RIND_SCHEMA_ENUM(struct rind_secrets_request, secrets_request_variants);

static const struct rind_field register1_response_variants[] = {
    RIND_VARIANT_UNIT("Ok"),
};
const struct rind_schema rind_register1_response_schema =
    RIND_SCHEMA_ENUM(struct rind_register1_response, register1_response_variants);

static const struct rind_field register2_response_variants[] = {
    RIND_VARIANT_UNIT("Ok"),
};
const struct rind_schema rind_register2_response_schema =
    RIND_SCHEMA_ENUM(struct rind_register2_response, register2_response_variants);

static const struct rind_field recover1_ok_fields[] = {
    RIND_FIELD(struct rind_recover1_ok, version, rind_bytes16_schema),
};
const struct rind_schema rind_recover1_ok_schema =
    RIND_SCHEMA_STRUCT(struct rind_recover1_ok, recover1_ok_fields);

static const struct rind_field recover1_response_variants[] = {
    RIND_VARIANT("Ok", struct rind_recover1_response, ok, rind_recover1_ok_schema),
    RIND_VARIANT_UNIT("NotRegistered"),
    RIND_VARIANT_UNIT("NoGuesses"),
};
const struct rind_schema rind_recover1_response_schema =
    RIND_SCHEMA_ENUM(struct rind_recover1_response, recover1_response_variants);

static const struct rind_field recover2_ok_fields[] = {
    RIND_FIELD(struct rind_recover2_ok, oprf_signed_public_key, rind_oprf_signed_public_key_schema),
    RIND_FIELD(struct rind_recover2_ok, oprf_blinded_result, rind_bytes32_schema),
    RIND_FIELD(struct rind_recover2_ok, oprf_proof, rind_dleq_proof_schema),
    RIND_FIELD(struct rind_recover2_ok, unlock_key_commitment, rind_bytes32_schema),
    RIND_FIELD(struct rind_recover2_ok, num_guesses, rind_u16_schema),
    RIND_FIELD(struct rind_recover2_ok, guess_count, rind_u16_schema),
};
const struct rind_schema rind_recover2_ok_schema =
    RIND_SCHEMA_STRUCT(struct rind_recover2_ok, recover2_ok_fields);

static const struct rind_field recover2_response_variants[] = {
    RIND_VARIANT("Ok", struct rind_recover2_response, ok, rind_recover2_ok_schema),
    RIND_VARIANT_UNIT("VersionMismatch"),
    RIND_VARIANT_UNIT("NotRegistered"),
    RIND_VARIANT_UNIT("NoGuesses"),
};
const struct rind_schema rind_recover2_response_schema =
    RIND_SCHEMA_ENUM(struct rind_recover2_response, recover2_response_variants);

static const struct rind_field recover3_ok_fields[] = {
    RIND_FIELD(struct rind_recover3_ok, encryption_key_scalar_share, rind_scalar_schema),
    RIND_FIELD(struct rind_recover3_ok, encrypted_secret, encrypted_secret_schema),
    RIND_FIELD(struct rind_recover3_ok, encrypted_secret_commitment, rind_bytes16_schema),
};
const struct rind_schema rind_recover3_ok_schema =
    RIND_SCHEMA_STRUCT(struct rind_recover3_ok, recover3_ok_fields);

static const struct rind_field recover3_bad_unlock_key_tag_fields[] = {
    RIND_FIELD(struct rind_recover3_bad_unlock_key_tag, guesses_remaining, rind_u16_schema),
};
const struct rind_schema rind_recover3_bad_unlock_key_tag_schema =
    RIND_SCHEMA_STRUCT(struct rind_recover3_bad_unlock_key_tag, recover3_bad_unlock_key_tag_fields);

static const struct rind_field recover3_response_variants[] = {
    RIND_VARIANT("Ok", struct rind_recover3_response, ok, rind_recover3_ok_schema),
    RIND_VARIANT_UNIT("VersionMismatch"),
    RIND_VARIANT_UNIT("NotRegistered"),
    RIND_VARIANT("BadUnlockKeyTag", struct rind_recover3_response, bad_unlock_key_tag,
                 rind_recover3_bad_unlock_key_tag_schema),
    RIND_VARIANT_UNIT("NoGuesses"),
};
const struct rind_schema rind_recover3_response_schema =
    RIND_SCHEMA_ENUM(struct rind_recover3_response, recover3_response_variants);

static const struct rind_field delete_response_variants[] = {
    RIND_VARIANT_UNIT("Ok"),
};
const struct rind_schema rind_delete_response_schema =
    RIND_SCHEMA_ENUM(struct rind_delete_response, delete_response_variants);

static const struct rind_field secrets_response_variants[] = {
    RIND_VARIANT("Register1", struct rind_secrets_response, register1,
                 rind_register1_response_schema),
    RIND_VARIANT("Register2", struct rind_secrets_response, register2,
                 rind_register2_response_schema),
    RIND_VARIANT("Recover1", struct rind_secrets_response, recover1, rind_recover1_response_schema),
    RIND_VARIANT("Recover2", struct rind_secrets_response, recover2, rind_recover2_response_schema),
    RIND_VARIANT("Recover3", struct rind_secrets_response, recover3, rind_recover3_response_schema),
    RIND_VARIANT("Delete", struct rind_secrets_response, delete, rind_delete_response_schema),
};
const struct rind_schema rind_secrets_response_schema =
    RIND_SCHEMA_ENUM(struct rind_secrets_response, secrets_response_variants);

static const struct rind_field padded_secrets_response_fields[] = {
    RIND_FIELD(struct rind_padded_secrets_response, unpadded_length, rind_u16_schema),
    RIND_FIELD(struct rind_padded_secrets_response, padded_bytes, padded_bytes_schema),
};
const struct rind_schema rind_padded_secrets_response_schema =
    RIND_SCHEMA_STRUCT(struct rind_padded_secrets_response, padded_secrets_response_fields);

static const struct rind_field client_request_kind_variants[] = {
    RIND_VARIANT_UNIT("HandshakeOnly"),
    RIND_VARIANT_UNIT("SecretsRequest"),
};
const struct rind_schema rind_client_request_kind_schema =
    RIND_SCHEMA_ENUM(enum rind_client_request_kind, client_request_kind_variants);

static const struct rind_field client_request_fields[] = {
    RIND_FIELD(struct rind_client_request, realm, rind_bytes16_schema),
    RIND_FIELD(struct rind_client_request, auth_token, auth_token_schema),
    RIND_FIELD(struct rind_client_request, session_id, rind_u32_schema),
    RIND_FIELD(struct rind_client_request, kind, rind_client_request_kind_schema),
    RIND_FIELD(struct rind_client_request, encrypted, rind_noise_request_schema),
};
const struct rind_schema rind_client_request_schema =
    RIND_SCHEMA_STRUCT(struct rind_client_request, client_request_fields);

static const struct rind_field client_response_variants[] = {
    RIND_VARIANT("Ok", struct rind_client_response, ok, rind_noise_response_schema),
    RIND_VARIANT_UNIT("Unavailable"),
    RIND_VARIANT_UNIT("InvalidAuth"),
    RIND_VARIANT_UNIT("MissingSession"),
    RIND_VARIANT_UNIT("SessionError"),
    RIND_VARIANT_UNIT("DecodingError"),
    RIND_VARIANT_UNIT("PayloadTooLarge"),
    RIND_VARIANT_UNIT("RateLimitExceeded"),
};
const struct rind_schema rind_client_response_schema =
    RIND_SCHEMA_ENUM(struct rind_client_response, client_response_variants);

bool rind_secrets_request_needs_forward_secrecy(const struct rind_secrets_request *request)
{
    return request->kind == RIND_SECRETS_REQUEST_REGISTER2 ||
           request->kind == RIND_SECRETS_REQUEST_RECOVER2 ||
           request->kind == RIND_SECRETS_REQUEST_RECOVER3;
}
