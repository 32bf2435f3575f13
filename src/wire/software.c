/* software.c - see software.h. */
#include "wire/software.h"

static const struct rind_schema encrypted_secret_schema =
    RIND_SCHEMA_BYTES_FIXED(RIND_ENCRYPTED_USER_SECRET_SIZE);

static const struct rind_field software_registered_fields[] = {
    RIND_FIELD(struct rind_registered_state, version, rind_bytes16_schema),
    RIND_FIELD(struct rind_registered_state, oprf_private_key, rind_scalar_schema),
    RIND_FIELD(struct rind_registered_state, oprf_signed_public_key,
               rind_oprf_signed_public_key_schema),
    RIND_FIELD(struct rind_registered_state, unlock_key_commitment, rind_bytes32_schema),
    RIND_FIELD(struct rind_registered_state, unlock_key_tag, rind_bytes16_schema),
    RIND_FIELD_NAMED("encryption_key_scalar_share", struct rind_registered_state,
                     user_secret_encryption_key_scalar_share, rind_scalar_schema),
    RIND_FIELD_NAMED("encrypted_secret", struct rind_registered_state, encrypted_user_secret,
                     encrypted_secret_schema),
    RIND_FIELD_NAMED("encrypted_secret_commitment", struct rind_registered_state,
                     encrypted_user_secret_commitment, rind_bytes16_schema),
    RIND_FIELD(struct rind_registered_state, guess_count, rind_u16_schema),
    RIND_FIELD(struct rind_registered_state, policy, rind_policy_schema),
};
static const struct rind_schema software_registered_schema =
    RIND_SCHEMA_STRUCT(struct rind_registered_state, software_registered_fields);
static const struct rind_schema software_empty_schema =
    RIND_SCHEMA_EMPTY(struct rind_registered_state);

static const struct rind_field software_record_variants[] = {
    RIND_VARIANT("NotRegistered", struct rind_registration_state, registered,
                 software_empty_schema),
    RIND_VARIANT("Registered", struct rind_registration_state, registered,
                 software_registered_schema),
    RIND_VARIANT("NoGuesses", struct rind_registration_state, registered, software_empty_schema),
};
const struct rind_schema rind_software_record_schema =
    RIND_SCHEMA_ENUM(struct rind_registration_state, software_record_variants);
