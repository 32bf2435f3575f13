/*
 * recover.c - recovering a secret. Spec: docs/spec/01-client-protocol.md section 9.
 *
 * Realms are believed only as far as their answers are proven: a blinded output after signature and
 * proof, an unlock key after its commitment, a share after its own commitment. Which group of
 * realms counts is decided by thresholds that are more than half of all realms, so there is at most
 * one.
 */
#include "base/assert.h"
#include "client/failure.h"
#include "client/memory.h"
#include "client/operation.h"
#include "client/pin_hash.h"

/* One attempt with one configuration, in memory that is wiped at the end. */
struct recovery {
    struct rind_user *user;
    struct rind_sdk_operation *operation;
    const struct rind_configuration *configuration;
    struct rind_bytes pin;
    struct rind_bytes info;

    /* The realms with the registration to recover (all with the same version). */
    uint8_t version[RIND_REGISTRATION_VERSION_SIZE];
    struct rind_sdk_slot *group[RIND_REALMS_MAX];
    size_t group_count;

    struct rind_access_key access_key;
    struct rind_encryption_key_seed seed;
    struct rind_scalar blinding;
    struct rind_point blinded_input;
    const struct rind_configuration *share_configuration; /* whose indexes the shares have */
    struct rind_unlock_key unlock_key;
    struct rind_encryption_key encryption_key;

    /* Scratch of interpolation. */
    struct rind_point_share point_shares[RIND_REALMS_MAX];
    struct rind_scalar_share scalar_shares[RIND_REALMS_MAX];
    struct rind_point blinded_output;
    struct rind_oprf_output oprf_output;
    struct rind_scalar scalar;
};

/* ---- Groups of realms that agree ---- */

typedef bool (*recover_agrees)(const struct rind_sdk_job *a, const struct rind_sdk_job *b);

/* A job whose group, those that agree with it, has at least `threshold` members; or NULL. */
static const struct rind_sdk_job *recover_group(const struct rind_sdk_join *join, size_t threshold,
                                                recover_agrees agrees)
{
    for (size_t i = 0; i < join->job_count; i++) {
        size_t count = 0;
        for (size_t j = 0; j < join->job_count; j++) {
            count += agrees(&join->jobs[i], &join->jobs[j]);
        }
        if (count >= threshold) {
            return &join->jobs[i];
        }
    }
    return NULL;
}

static bool recover1_agrees(const struct rind_sdk_job *a, const struct rind_sdk_job *b)
{
    return rind_sdk_job_is_success(a) && rind_sdk_job_is_success(b) &&
           rind_ct_equal(a->response.recover1.ok.version, b->response.recover1.ok.version,
                         sizeof(a->response.recover1.ok.version));
}

static bool recover2_agrees(const struct rind_sdk_job *a, const struct rind_sdk_job *b)
{
    if (!rind_sdk_job_is_success(a) || !rind_sdk_job_is_success(b)) {
        return false;
    }
    const struct rind_recover2_ok *x = &a->response.recover2.ok;
    const struct rind_recover2_ok *y = &b->response.recover2.ok;
    return rind_ct_equal(x->unlock_key_commitment, y->unlock_key_commitment,
                         sizeof(x->unlock_key_commitment)) &&
           rind_ct_equal(x->oprf_signed_public_key.verifying_key,
                         y->oprf_signed_public_key.verifying_key,
                         sizeof(x->oprf_signed_public_key.verifying_key));
}

static bool recover3_agrees(const struct rind_sdk_job *a, const struct rind_sdk_job *b)
{
    return rind_sdk_job_is_success(a) && rind_sdk_job_is_success(b) && !a->is_dropped &&
           !b->is_dropped &&
           rind_ct_equal(a->response.recover3.ok.encrypted_secret,
                         b->response.recover3.ok.encrypted_secret,
                         sizeof(a->response.recover3.ok.encrypted_secret));
}

static bool recover1_is_enough(const struct rind_sdk_join *join, size_t threshold)
{
    return recover_group(join, threshold, recover1_agrees) != NULL;
}

static bool recover2_is_enough(const struct rind_sdk_join *join, size_t threshold)
{
    return recover_group(join, threshold, recover2_agrees) != NULL;
}

static bool recover3_is_enough(const struct rind_sdk_join *join, size_t threshold)
{
    return recover_group(join, threshold, recover3_agrees) != NULL;
}

/* ---- Phase 1: who has a registration, and which ---- */

static enum rind_error recover1_judge(struct rind_sdk_job *job)
{
    if (job->response.kind != RIND_SECRETS_RESPONSE_RECOVER1) {
        return rind_sdk_operation_wrong_answer(job);
    }
    switch (job->response.recover1.kind) {
    case RIND_RECOVER1_OK:
        return RIND_ERROR_NONE;
    case RIND_RECOVER1_NOT_REGISTERED:
        return RIND_SDK_JOB_FAIL(job, RIND_ERROR_NOT_REGISTERED, "has no registration");
    case RIND_RECOVER1_NO_GUESSES:
        return rind_sdk_fail_pin(&job->failure, 0);
    }
    return rind_sdk_operation_wrong_answer(job);
}

static enum rind_error recover_phase1_with(struct recovery *r, struct rind_sdk_join *join,
                                           struct rind_failure *failure)
{
    size_t threshold = r->configuration->recover_threshold;
    enum rind_error error = rind_sdk_join_run(join, threshold, recover1_is_enough, failure);
    if (error != RIND_ERROR_NONE) {
        return error;
    }
    const struct rind_sdk_job *first = recover_group(join, threshold, recover1_agrees);
    if (first == NULL) {
        return rind_sdk_fail(failure, RIND_ERROR_NOT_REGISTERED,
                             "fewer than %zu realms have the same registration", threshold);
    }
    memcpy(r->version, first->response.recover1.ok.version, sizeof(r->version));
    for (size_t i = 0; i < join->job_count; i++) {
        if (recover1_agrees(first, &join->jobs[i])) {
            r->group[r->group_count++] = join->jobs[i].slot;
        }
    }
    return RIND_ERROR_NONE;
}

static enum rind_error recover_phase1(struct recovery *r, struct rind_failure *failure)
{
    struct rind_sdk_join *join = rind_sdk_operation_join(
        r->operation, r->configuration, RIND_SECRETS_REQUEST_RECOVER1, recover1_judge, failure);
    if (join == NULL) {
        return failure->error;
    }
    enum rind_error error = recover_phase1_with(r, join, failure);
    rind_sdk_join_release(join);
    return error;
}

/* A join over the group of phase 1. */
static struct rind_sdk_join *recover_group_join(const struct recovery *r,
                                                enum rind_secrets_request_kind kind,
                                                rind_sdk_judge judge, struct rind_failure *failure)
{
    struct rind_sdk_join *join = rind_sdk_join_new(r->operation, r->group_count);
    if (join == NULL) {
        rind_sdk_fail(failure, RIND_ERROR_TRANSIENT, "out of memory");
        return NULL;
    }
    for (size_t i = 0; i < join->job_count; i++) {
        join->jobs[i].slot = r->group[i];
        join->jobs[i].request.kind = kind;
        join->jobs[i].judge = judge;
    }
    return join;
}

/* ---- Phase 2: the unlock key, at the price of a guess ---- */

/* Signature, proof and counters of an answer. */
static enum rind_error recover2_judge_ok(struct rind_sdk_job *job)
{
    const struct rind_recover2_ok *ok = &job->response.recover2.ok;
    const struct rind_oprf_signed_public_key *key = &ok->oprf_signed_public_key;
    struct rind_point public_key;
    struct rind_point blinded_input;
    struct rind_point blinded_output;
    struct rind_verifying_key verifying_key;
    struct rind_signature signature;
    struct rind_dleq proof;
    memcpy(public_key.bytes, key->public_key, sizeof(public_key.bytes));
    memcpy(verifying_key.bytes, key->verifying_key, sizeof(verifying_key.bytes));
    memcpy(signature.bytes, key->signature, sizeof(signature.bytes));
    memcpy(blinded_input.bytes, job->request.recover2.oprf_blinded_input,
           sizeof(blinded_input.bytes));
    memcpy(blinded_output.bytes, ok->oprf_blinded_result, sizeof(blinded_output.bytes));
    memcpy(proof.c.bytes, ok->oprf_proof.c, sizeof(proof.c.bytes));
    memcpy(proof.beta_z.bytes, ok->oprf_proof.beta_z, sizeof(proof.beta_z.bytes));

    if (ok->guess_count > ok->num_guesses) {
        return RIND_SDK_JOB_FAIL(job, RIND_ERROR_ASSERTION, "counted more guesses than it allows");
    }
    job->guesses_remaining = (uint16_t)(ok->num_guesses - ok->guess_count);
    /* No honest run has an identity here; a zero key would make every PIN's output the same. */
    if (rind_point_is_identity(&public_key) || rind_point_is_identity(&blinded_output)) {
        return RIND_SDK_JOB_FAIL(job, RIND_ERROR_ASSERTION, "answered with a zero key");
    }
    rind_status status = rind_oprf_public_key_verify(&job->ctx, &job->slot->realm, &public_key,
                                                     &verifying_key, &signature);
    if (rind_is_ok(status)) {
        status = rind_dleq_verify(&job->ctx, &public_key, &blinded_input, &blinded_output, &proof);
    }
    if (!rind_is_ok(status)) {
        return RIND_SDK_JOB_FAIL(job, RIND_ERROR_ASSERTION, "%s", job->ctx.sentence);
    }
    return RIND_ERROR_NONE;
}

static enum rind_error recover2_judge(struct rind_sdk_job *job)
{
    if (job->response.kind != RIND_SECRETS_RESPONSE_RECOVER2) {
        return rind_sdk_operation_wrong_answer(job);
    }
    switch (job->response.recover2.kind) {
    case RIND_RECOVER2_OK:
        return recover2_judge_ok(job);
    case RIND_RECOVER2_VERSION_MISMATCH:
        return RIND_SDK_JOB_FAIL(job, RIND_ERROR_ASSERTION,
                                 "got another registration between two requests");
    case RIND_RECOVER2_NOT_REGISTERED:
        return RIND_SDK_JOB_FAIL(job, RIND_ERROR_NOT_REGISTERED, "has no registration any more");
    case RIND_RECOVER2_NO_GUESSES:
        return rind_sdk_fail_pin(&job->failure, 0);
    }
    return rind_sdk_operation_wrong_answer(job);
}

/*
 * The unlock key from the group's blinded outputs with the share indexes of `configuration`; false
 * if it is not the one committed to (or the configuration does not have these realms).
 */
static bool recover_unlock_key(struct recovery *r, const struct rind_sdk_join *join,
                               const struct rind_sdk_job *first,
                               const struct rind_configuration *configuration)
{
    size_t count = 0;
    for (size_t i = 0; i < join->job_count; i++) {
        const struct rind_sdk_job *job = &join->jobs[i];
        if (!recover2_agrees(first, job)) {
            continue;
        }
        struct rind_point_share *share = &r->point_shares[count++];
        share->index = rind_configuration_share_index(configuration, &job->slot->realm);
        if (share->index == 0) {
            return false;
        }
        memcpy(share->value.bytes, job->response.recover2.ok.oprf_blinded_result,
               sizeof(share->value.bytes));
    }
    uint8_t commitment[RIND_UNLOCK_KEY_COMMITMENT_SIZE];
    if (!rind_is_ok(
            rind_secret_sharing_recover_point(NULL, r->point_shares, count, &r->blinded_output)) ||
        !rind_is_ok(rind_oprf_finalize(NULL, RIND_SLICE_OF(r->access_key.bytes), &r->blinding,
                                       &r->blinded_output, &r->oprf_output))) {
        return false;
    }
    rind_unlock_key_derive(&r->oprf_output, &r->unlock_key, commitment);
    r->share_configuration = configuration;
    return rind_ct_equal(commitment, first->response.recover2.ok.unlock_key_commitment,
                         sizeof(commitment));
}

/*
 * Realms of the current configuration may still hold what a previous one registered. Then their
 * shares have that configuration's indexes: try these too, it costs neither request nor guess (01
 * section 22 item 5).
 */
static bool recover_unlock_key_any(struct recovery *r, const struct rind_sdk_join *join,
                                   const struct rind_sdk_job *first)
{
    if (recover_unlock_key(r, join, first, r->configuration)) {
        return true;
    }
    for (size_t i = 0; i < r->user->configuration_count; i++) {
        const struct rind_configuration *other = r->user->configurations[i];
        if (other != r->configuration && other->mode == r->configuration->mode &&
            recover_unlock_key(r, join, first, other)) {
            return true;
        }
    }
    return false;
}

static enum rind_error recover_phase2_with(struct recovery *r, struct rind_sdk_join *join,
                                           struct rind_failure *failure)
{
    size_t threshold = r->configuration->recover_threshold;
    for (size_t i = 0; i < join->job_count; i++) {
        struct rind_recover2_request *request = &join->jobs[i].request.recover2;
        memcpy(request->version, r->version, sizeof(request->version));
        memcpy(request->oprf_blinded_input, r->blinded_input.bytes,
               sizeof(request->oprf_blinded_input));
    }
    enum rind_error error = rind_sdk_join_run(join, threshold, recover2_is_enough, failure);
    if (error != RIND_ERROR_NONE) {
        return error;
    }
    const struct rind_sdk_job *first = recover_group(join, threshold, recover2_agrees);
    if (first == NULL) {
        return rind_sdk_fail(failure, RIND_ERROR_ASSERTION,
                             "fewer than %zu realms agree on the unlock key", threshold);
    }
    if (!recover_unlock_key_any(r, join, first)) {
        uint16_t remaining = UINT16_MAX;
        for (size_t i = 0; i < join->job_count; i++) {
            const struct rind_sdk_job *job = &join->jobs[i];
            if (recover2_agrees(first, job) && job->guesses_remaining < remaining) {
                remaining = job->guesses_remaining;
            }
        }
        return rind_sdk_fail_pin(failure, remaining);
    }
    /* Realms that did not answer in time will not do so in phase 3 either. */
    r->group_count = 0;
    for (size_t i = 0; i < join->job_count; i++) {
        if (join->jobs[i].is_done) {
            r->group[r->group_count++] = join->jobs[i].slot;
        }
    }
    return RIND_ERROR_NONE;
}

static enum rind_error recover_phase2(struct recovery *r, struct rind_failure *failure)
{
    if (rind_sdk_operation_is_cancelled(r->operation)) {
        return rind_sdk_operation_cancelled(failure); /* not worth the hash */
    }
    enum rind_error error = rind_sdk_pin_hash(r->configuration->mode, r->pin, r->version, r->info,
                                              &r->access_key, &r->seed, failure);
    if (error != RIND_ERROR_NONE) {
        return error;
    }
    uint8_t wide[RIND_SCALAR_WIDE_SIZE];
    r->user->world.random(r->user->world.self, NULL, wide, sizeof(wide));
    rind_scalar_from_wide(wide, &r->blinding);
    rind_wipe(wide, sizeof(wide));
    rind_oprf_blind(RIND_SLICE_OF(r->access_key.bytes), &r->blinding, &r->blinded_input);

    struct rind_sdk_join *join =
        recover_group_join(r, RIND_SECRETS_REQUEST_RECOVER2, recover2_judge, failure);
    if (join == NULL) {
        return failure->error;
    }
    error = recover_phase2_with(r, join, failure);
    rind_sdk_join_release(join);
    return error;
}

/* ---- Phase 3: the secret, for proof of the PIN ---- */

static void recover3_check_share(struct rind_sdk_job *job)
{
    const struct rind_recover3_ok *ok = &job->response.recover3.ok;
    uint8_t commitment[RIND_ENCRYPTED_SECRET_COMMITMENT_SIZE];
    struct rind_scalar share;
    memcpy(share.bytes, ok->encryption_key_scalar_share, sizeof(share.bytes));
    rind_encrypted_secret_commitment_derive(&job->unlock_key, &job->slot->realm, &share,
                                            ok->encrypted_secret, commitment);
    job->is_dropped =
        !rind_ct_equal(commitment, ok->encrypted_secret_commitment, sizeof(commitment));
    rind_scalar_wipe(&share);
}

static enum rind_error recover3_judge(struct rind_sdk_job *job)
{
    if (job->response.kind != RIND_SECRETS_RESPONSE_RECOVER3) {
        return rind_sdk_operation_wrong_answer(job);
    }
    switch (job->response.recover3.kind) {
    case RIND_RECOVER3_OK:
        recover3_check_share(job);
        return RIND_ERROR_NONE;
    case RIND_RECOVER3_VERSION_MISMATCH:
        return RIND_SDK_JOB_FAIL(job, RIND_ERROR_ASSERTION,
                                 "got another registration between two requests");
    case RIND_RECOVER3_NOT_REGISTERED:
        return RIND_SDK_JOB_FAIL(job, RIND_ERROR_NOT_REGISTERED, "has no registration any more");
    case RIND_RECOVER3_BAD_UNLOCK_KEY_TAG:
        return rind_sdk_fail_pin(&job->failure,
                                 job->response.recover3.bad_unlock_key_tag.guesses_remaining);
    case RIND_RECOVER3_NO_GUESSES:
        return rind_sdk_fail_pin(&job->failure, 0);
    }
    return rind_sdk_operation_wrong_answer(job);
}

/* Puts the scalar together and decrypts the secret that `first` and its group returned. */
static enum rind_error recover_secret(struct recovery *r, const struct rind_sdk_join *join,
                                      const struct rind_sdk_job *first,
                                      struct rind_recovered *recovered,
                                      struct rind_failure *failure)
{
    size_t count = 0;
    for (size_t i = 0; i < join->job_count; i++) {
        const struct rind_sdk_job *job = &join->jobs[i];
        if (!recover3_agrees(first, job)) {
            continue;
        }
        struct rind_scalar_share *share = &r->scalar_shares[count++];
        share->index = rind_configuration_share_index(r->share_configuration, &job->slot->realm);
        memcpy(share->value.bytes, job->response.recover3.ok.encryption_key_scalar_share,
               sizeof(share->value.bytes));
    }
    struct rind_ctx ctx;
    rind_ctx_init(&ctx, NULL);
    rind_status status =
        rind_secret_sharing_recover_scalar(&ctx, r->scalar_shares, count, &r->scalar);
    if (rind_is_ok(status)) {
        rind_encryption_key_derive(&r->seed, &r->scalar, &r->encryption_key);
        status = rind_user_secret_decrypt(&ctx, &r->encryption_key,
                                          first->response.recover3.ok.encrypted_secret,
                                          recovered->secret, &recovered->secret_size);
    }
    if (!rind_is_ok(status)) {
        return rind_sdk_fail(failure, RIND_ERROR_ASSERTION, "%s", ctx.sentence);
    }
    return RIND_ERROR_NONE;
}

static enum rind_error recover_phase3_with(struct recovery *r, struct rind_sdk_join *join,
                                           struct rind_recovered *recovered,
                                           struct rind_failure *failure)
{
    size_t threshold = r->configuration->recover_threshold;
    for (size_t i = 0; i < join->job_count; i++) {
        struct rind_sdk_job *job = &join->jobs[i];
        struct rind_recover3_request *request = &job->request.recover3;
        memcpy(request->version, r->version, sizeof(request->version));
        rind_unlock_key_tag_derive(&r->unlock_key, &job->slot->realm, request->unlock_key_tag);
        job->unlock_key = r->unlock_key;
    }
    enum rind_error error = rind_sdk_join_run(join, threshold, recover3_is_enough, failure);
    if (error != RIND_ERROR_NONE) {
        return error;
    }
    const struct rind_sdk_job *first = recover_group(join, threshold, recover3_agrees);
    if (first == NULL) {
        return rind_sdk_fail(failure, RIND_ERROR_ASSERTION,
                             "fewer than %zu realms agree on the secret", threshold);
    }
    return recover_secret(r, join, first, recovered, failure);
}

/* Goes to all of phase 1's group, as one that failed phase 2 may make up for another now. */
static enum rind_error recover_phase3(struct recovery *r, struct rind_recovered *recovered,
                                      struct rind_failure *failure)
{
    struct rind_sdk_join *join =
        recover_group_join(r, RIND_SECRETS_REQUEST_RECOVER3, recover3_judge, failure);
    if (join == NULL) {
        return failure->error;
    }
    enum rind_error error = recover_phase3_with(r, join, recovered, failure);
    rind_sdk_join_release(join);
    return error;
}

/* ---- The whole ---- */

static enum rind_error recover_from(struct recovery *r, struct rind_recovered *recovered,
                                    struct rind_failure *failure)
{
    enum rind_error error = recover_phase1(r, failure);
    if (error == RIND_ERROR_NONE) {
        error = recover_phase2(r, failure);
    }
    if (error == RIND_ERROR_NONE) {
        error = recover_phase3(r, recovered, failure);
    }
    return error;
}

/* From the first of the user's configurations that has something. */
static enum rind_error recover_from_any(struct rind_sdk_operation *operation, struct rind_bytes pin,
                                        struct rind_bytes info, struct rind_recovered *recovered,
                                        struct rind_failure *failure)
{
    struct rind_user *user = operation->user;
    enum rind_error error = RIND_ERROR_NOT_REGISTERED;
    for (size_t i = 0; i < user->configuration_count && error == RIND_ERROR_NOT_REGISTERED; i++) {
        struct recovery *r = rind_sdk_memory_new(sizeof(*r));
        if (r == NULL) {
            return rind_sdk_fail(failure, RIND_ERROR_TRANSIENT, "out of memory");
        }
        r->user = user;
        r->operation = operation;
        r->configuration = user->configurations[i];
        r->pin = pin;
        r->info = info;
        error = recover_from(r, recovered, failure);
        rind_sdk_memory_free(r, sizeof(*r));
    }
    return error;
}

enum rind_error rind_user_recover(struct rind_user *user, struct rind_bytes pin,
                                  struct rind_bytes info, struct rind_recovered *recovered,
                                  struct rind_failure *failure)
{
    struct rind_failure spare;
    struct rind_sdk_operation operation;
    failure = rind_sdk_operation_failure(failure, &spare);
    memset(recovered, 0, sizeof(*recovered));
    rind_sdk_operation_begin(&operation, user);
    enum rind_error error = recover_from_any(&operation, pin, info, recovered, failure);
    rind_sdk_operation_end(&operation);
    if (error != RIND_ERROR_NONE) {
        rind_recovered_wipe(recovered);
    } else {
        memset(failure, 0, sizeof(*failure)); /* no trace of configurations tried before */
    }
    return error;
}

void rind_recovered_wipe(struct rind_recovered *recovered)
{
    rind_wipe(recovered, sizeof(*recovered));
}
