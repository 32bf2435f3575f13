/* register.c - registering a secret. Spec: docs/spec/01-client-protocol.md section 8. */
#include "base/assert.h"
#include "client/failure.h"
#include "client/memory.h"
#include "client/operation.h"
#include "client/pin_hash.h"

/* Everything a registration derives, in memory that is wiped at the end. */
struct registration {
    uint8_t version[RIND_REGISTRATION_VERSION_SIZE];
    struct rind_access_key access_key;
    struct rind_encryption_key_seed seed;
    struct rind_scalar root_key;
    struct rind_scalar coefficients[RIND_REALMS_MAX];
    struct rind_scalar_share key_shares[RIND_REALMS_MAX];
    struct rind_signing_key_seed signing_key;
    struct rind_oprf_output oprf_output;
    struct rind_unlock_key unlock_key;
    uint8_t unlock_key_commitment[RIND_UNLOCK_KEY_COMMITMENT_SIZE];
    struct rind_scalar encryption_key_scalar;
    struct rind_scalar_share scalar_shares[RIND_REALMS_MAX];
    struct rind_encryption_key encryption_key;
    uint8_t encrypted_secret[RIND_USER_SECRET_ENCRYPTED_SIZE];
};

_Static_assert(RIND_REALMS_MAX == RIND_SHARES_COUNT_MAX, "each realm can have a share");
_Static_assert(RIND_SECRET_SIZE_MAX == RIND_USER_SECRET_SIZE_MAX, "sizes agree");

static enum rind_error register1_judge(struct rind_sdk_job *job)
{
    return job->response.kind == RIND_SECRETS_RESPONSE_REGISTER1
               ? RIND_ERROR_NONE
               : rind_sdk_operation_wrong_answer(job);
}

static enum rind_error register2_judge(struct rind_sdk_job *job)
{
    return job->response.kind == RIND_SECRETS_RESPONSE_REGISTER2
               ? RIND_ERROR_NONE
               : rind_sdk_operation_wrong_answer(job);
}

/* Phase 1: is everybody there, do the tokens work; opens the sessions for phase 2. */
static enum rind_error register_phase1(struct rind_sdk_operation *operation,
                                       struct rind_failure *failure)
{
    const struct rind_configuration *configuration = operation->user->configurations[0];
    struct rind_sdk_join *join = rind_sdk_operation_join(
        operation, configuration, RIND_SECRETS_REQUEST_REGISTER1, register1_judge, failure);
    if (join == NULL) {
        return failure->error;
    }
    enum rind_error error =
        rind_sdk_join_run(join, configuration->register_threshold, NULL, failure);
    rind_sdk_join_release(join);
    return error;
}

static void register_scalar_random(const struct rind_sdk_world *world, struct rind_scalar *scalar)
{
    uint8_t wide[RIND_SCALAR_WIDE_SIZE];
    world->random(world->self, NULL, wide, sizeof(wide));
    rind_scalar_from_wide(wide, scalar);
    rind_wipe(wide, sizeof(wide));
}

/* A new random secret and its shares. */
static void register_share(const struct rind_user *user, struct registration *r,
                           struct rind_scalar *secret, struct rind_scalar_share *shares)
{
    const struct rind_configuration *configuration = user->configurations[0];
    uint32_t threshold = configuration->recover_threshold;
    register_scalar_random(&user->world, secret);
    for (uint32_t i = 0; i + 1 < threshold; i++) {
        register_scalar_random(&user->world, &r->coefficients[i]);
    }
    rind_secret_sharing_create(secret, r->coefficients, threshold,
                               (uint32_t)configuration->realm_count, shares);
    rind_wipe(r->coefficients, sizeof(r->coefficients));
}

/* Steps 2 to 6 of the spec; the order of random draws is the spec's. */
static enum rind_error register_derive(const struct rind_user *user, struct registration *r,
                                       struct rind_bytes pin, struct rind_bytes secret,
                                       struct rind_bytes info, struct rind_failure *failure)
{
    const struct rind_sdk_world *world = &user->world;
    world->random(world->self, NULL, r->version, sizeof(r->version));
    enum rind_error error = rind_sdk_pin_hash(user->configurations[0]->mode, pin, r->version, info,
                                              &r->access_key, &r->seed, failure);
    if (error != RIND_ERROR_NONE) {
        return error;
    }
    register_share(user, r, &r->root_key, r->key_shares);
    world->random(world->self, NULL, r->signing_key.bytes, sizeof(r->signing_key.bytes));
    rind_oprf_evaluate_directly(RIND_SLICE_OF(r->access_key.bytes), &r->root_key, &r->oprf_output);
    rind_unlock_key_derive(&r->oprf_output, &r->unlock_key, r->unlock_key_commitment);
    register_share(user, r, &r->encryption_key_scalar, r->scalar_shares);
    rind_encryption_key_derive(&r->seed, &r->encryption_key_scalar, &r->encryption_key);
    rind_status status = rind_user_secret_encrypt(
        NULL, &r->encryption_key, rind_slice_make(secret.data, secret.size), r->encrypted_secret);
    RIND_ASSERT(rind_is_ok(status)); /* the size was checked before anything was sent */
    return RIND_ERROR_NONE;
}

/* What the realm with share number `i` (from 0) gets. */
static void register_fill_request(const struct registration *r, size_t i, uint16_t num_guesses,
                                  const struct rind_realm_id *realm,
                                  struct rind_register2_request *request)
{
    struct rind_point public_key;
    struct rind_verifying_key verifying_key;
    struct rind_signature signature;
    const struct rind_scalar *key_share = &r->key_shares[i].value;
    const struct rind_scalar *scalar_share = &r->scalar_shares[i].value;
    rind_point_multiply_base(key_share, &public_key);
    rind_oprf_public_key_sign(&r->signing_key, realm, &public_key, &verifying_key, &signature);

    memcpy(request->version, r->version, sizeof(request->version));
    memcpy(request->oprf_private_key, key_share->bytes, sizeof(request->oprf_private_key));
    struct rind_oprf_signed_public_key *signed_key = &request->oprf_signed_public_key;
    memcpy(signed_key->public_key, public_key.bytes, sizeof(signed_key->public_key));
    memcpy(signed_key->verifying_key, verifying_key.bytes, sizeof(signed_key->verifying_key));
    memcpy(signed_key->signature, signature.bytes, sizeof(signed_key->signature));
    memcpy(request->unlock_key_commitment, r->unlock_key_commitment,
           sizeof(request->unlock_key_commitment));
    rind_unlock_key_tag_derive(&r->unlock_key, realm, request->unlock_key_tag);
    memcpy(request->encryption_key_scalar_share, scalar_share->bytes,
           sizeof(request->encryption_key_scalar_share));
    memcpy(request->encrypted_secret, r->encrypted_secret, sizeof(request->encrypted_secret));
    rind_encrypted_secret_commitment_derive(&r->unlock_key, realm, scalar_share,
                                            r->encrypted_secret,
                                            request->encrypted_secret_commitment);
    request->policy.num_guesses = num_guesses;
}

/* Phase 2 goes to all realms, also to those that failed phase 1: one more may be back by now. */
static enum rind_error register_phase2(struct rind_sdk_operation *operation,
                                       const struct registration *r, uint16_t num_guesses,
                                       struct rind_failure *failure)
{
    const struct rind_configuration *configuration = operation->user->configurations[0];
    struct rind_sdk_join *join = rind_sdk_operation_join(
        operation, configuration, RIND_SECRETS_REQUEST_REGISTER2, register2_judge, failure);
    if (join == NULL) {
        return failure->error;
    }
    for (size_t i = 0; i < join->job_count; i++) {
        struct rind_sdk_job *job = &join->jobs[i];
        register_fill_request(r, i, num_guesses, &job->slot->realm, &job->request.register2);
    }
    enum rind_error error =
        rind_sdk_join_run(join, configuration->register_threshold, NULL, failure);
    rind_sdk_join_release(join);
    return error;
}

enum rind_error rind_user_register(struct rind_user *user, struct rind_bytes pin,
                                   struct rind_bytes secret, struct rind_bytes info,
                                   uint16_t num_guesses, struct rind_failure *failure)
{
    struct rind_failure spare;
    failure = rind_sdk_operation_failure(failure, &spare);
    if (secret.size > RIND_SECRET_SIZE_MAX) {
        return rind_sdk_fail(failure, RIND_ERROR_INVALID_ARGUMENT,
                             "the secret has %zu bytes, the limit is %u", secret.size,
                             RIND_SECRET_SIZE_MAX);
    }
    struct registration *r = rind_sdk_memory_new(sizeof(*r));
    if (r == NULL) {
        return rind_sdk_fail(failure, RIND_ERROR_TRANSIENT, "out of memory");
    }
    struct rind_sdk_operation operation;
    rind_sdk_operation_begin(&operation, user);
    enum rind_error error = register_phase1(&operation, failure);
    if (error == RIND_ERROR_NONE && rind_sdk_operation_is_cancelled(&operation)) {
        error = rind_sdk_operation_cancelled(failure); /* not worth the hash */
    }
    if (error == RIND_ERROR_NONE) {
        error = register_derive(user, r, pin, secret, info, failure);
    }
    if (error == RIND_ERROR_NONE) {
        error = register_phase2(&operation, r, num_guesses, failure);
    }
    rind_sdk_operation_end(&operation);
    rind_sdk_memory_free(r, sizeof(*r));
    return error;
}
