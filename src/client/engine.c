/*
 * engine.c - see engine.h.
 *
 * One deviation from the reference, invisible to realms: a Recover2 that may have reached its realm
 * is not sent again. Each copy would spend a guess of the user's (01 section 22 item 4).
 */
#include "client/engine.h"

#include "client/exchange.h"
#include "client/failure.h"

/* ---- Software realms: plain requests ---- */

static enum rind_error software_attempt(struct rind_sdk_job *job, struct rind_slice request)
{
    return rind_sdk_exchange(job, request, true, &rind_secrets_response_schema, &job->response);
}

/* ---- Hardware realms: requests inside a Noise session ---- */

/* Sends an envelope; `response` borrows from the job. */
static enum rind_error hardware_envelope(struct rind_sdk_job *job, uint32_t session_id,
                                         enum rind_client_request_kind kind,
                                         const struct rind_noise_request *encrypted,
                                         struct rind_client_response *response)
{
    enum rind_error error = rind_sdk_exchange_token(job);
    if (error != RIND_ERROR_NONE) {
        return error;
    }
    struct rind_client_request envelope = {
        .realm = job->slot->realm,
        .auth_token = rind_slice_text(rind_sdk_job_token(job)),
        .session_id = session_id,
        .kind = kind,
        .encrypted = *encrypted,
    };
    struct rind_slice body;
    rind_status status =
        rind_wire_encode_alloc(&job->ctx, &rind_client_request_schema, &envelope, &body);
    if (!rind_is_ok(status)) {
        return RIND_SDK_JOB_FAIL(job, RIND_ERROR_ASSERTION, "%s", job->ctx.sentence);
    }
    return rind_sdk_exchange(job, body, false, &rind_client_response_schema, response);
}

/* What a realm's refusal means. A missing session is only forgiven to transport messages. */
static enum rind_error hardware_refusal(struct rind_sdk_job *job,
                                        enum rind_client_response_kind kind)
{
    switch (kind) {
    case RIND_CLIENT_RESPONSE_UNAVAILABLE:
        return RIND_SDK_JOB_FAIL(job, RIND_ERROR_TRANSIENT, "is unavailable at the moment");
    case RIND_CLIENT_RESPONSE_INVALID_AUTH:
        return RIND_SDK_JOB_FAIL(job, RIND_ERROR_INVALID_AUTH, "the token was refused");
    case RIND_CLIENT_RESPONSE_RATE_LIMIT_EXCEEDED:
        return RIND_SDK_JOB_FAIL(job, RIND_ERROR_RATE_LIMIT_EXCEEDED, "over the tenant's quota");
    case RIND_CLIENT_RESPONSE_OK:
        return RIND_SDK_JOB_FAIL(job, RIND_ERROR_ASSERTION, "answered with the wrong message");
    case RIND_CLIENT_RESPONSE_MISSING_SESSION:
        return RIND_SDK_JOB_FAIL(job, RIND_ERROR_ASSERTION, "lost a session just opened");
    default:
        return RIND_SDK_JOB_FAIL(job, RIND_ERROR_ASSERTION, "refused the message (%d)", (int)kind);
    }
}

static uint64_t duration_ms(const struct rind_duration *duration)
{
    uint64_t limit = UINT64_MAX / 1000u - 1u;
    return (duration->secs < limit ? duration->secs : limit) * 1000u + duration->nanos / 1000000u;
}

/* Finishes a handshake: decrypts its payload into the arena and makes the session. */
static enum rind_error handshake_finish(struct rind_sdk_job *job,
                                        struct rind_noise_handshake *handshake,
                                        const struct rind_noise_response_handshake *response,
                                        struct rind_sdk_session *session,
                                        struct rind_slice *payload)
{
    const struct rind_handshake_response *message = &response->handshake;
    uint8_t *plaintext = rind_ctx_alloc(&job->ctx, message->payload_ciphertext.length);
    if (plaintext == NULL) {
        return RIND_SDK_JOB_FAIL(job, RIND_ERROR_ASSERTION, "%s", job->ctx.sentence);
    }
    rind_status status =
        rind_noise_client_finish(&job->ctx, handshake, message->server_ephemeral_public,
                                 message->payload_ciphertext, plaintext, &session->noise);
    if (!rind_is_ok(status)) {
        return RIND_SDK_JOB_FAIL(job, RIND_ERROR_ASSERTION, "%s", job->ctx.sentence);
    }
    *payload = rind_slice_make(plaintext, message->payload_ciphertext.length - RIND_NOISE_TAG_SIZE);
    session->lifetime_ms = duration_ms(&response->session_lifetime);
    session->last_used_ms = job->user->world.now_ms(job->user->world.self);
    session->exists = true;
    return RIND_ERROR_NONE;
}

/* Opens a session with `request` (may be empty) inside the handshake; owns nothing. */
static enum rind_error handshake_with(struct rind_sdk_job *job, struct rind_slice request,
                                      struct rind_noise_handshake *handshake,
                                      struct rind_x25519_secret *ephemeral,
                                      struct rind_sdk_session *session, struct rind_slice *payload)
{
    const struct rind_sdk_world *world = &job->user->world;
    uint8_t id[4];
    world->random(world->self, &job->slot->realm, ephemeral->bytes, sizeof(ephemeral->bytes));
    world->random(world->self, &job->slot->realm, id, sizeof(id));
    session->id =
        (uint32_t)id[0] | (uint32_t)id[1] << 8 | (uint32_t)id[2] << 16 | (uint32_t)id[3] << 24;

    struct rind_x25519_public ephemeral_public;
    uint8_t *ciphertext = rind_ctx_alloc(&job->ctx, request.length + RIND_NOISE_TAG_SIZE);
    if (ciphertext == NULL ||
        !rind_is_ok(rind_noise_client_start(&job->ctx, handshake, RIND_NOISE_PROLOGUE_EMPTY,
                                            &job->slot->public_key, ephemeral, request,
                                            &ephemeral_public, ciphertext))) {
        return RIND_SDK_JOB_FAIL(job, RIND_ERROR_ASSERTION, "%s", job->ctx.sentence);
    }
    struct rind_noise_request message = {
        .kind = RIND_NOISE_REQUEST_HANDSHAKE,
        .handshake.handshake = {
            .client_ephemeral_public = RIND_SLICE_OF(ephemeral_public.bytes),
            .payload_ciphertext = rind_slice_make(ciphertext, request.length + RIND_NOISE_TAG_SIZE),
        }};
    struct rind_client_response response;
    enum rind_error error =
        hardware_envelope(job, session->id,
                          request.length == 0 ? RIND_CLIENT_REQUEST_HANDSHAKE_ONLY
                                              : RIND_CLIENT_REQUEST_SECRETS_REQUEST,
                          &message, &response);
    if (error != RIND_ERROR_NONE) {
        return error;
    }
    if (response.kind != RIND_CLIENT_RESPONSE_OK ||
        response.ok.kind != RIND_NOISE_RESPONSE_HANDSHAKE) {
        return hardware_refusal(job, response.kind);
    }
    return handshake_finish(job, handshake, &response.ok.handshake, session, payload);
}

static enum rind_error hardware_handshake(struct rind_sdk_job *job, struct rind_slice request,
                                          struct rind_sdk_session *session,
                                          struct rind_slice *payload)
{
    struct rind_noise_handshake handshake = {0};
    struct rind_x25519_secret ephemeral = {{0}};
    enum rind_error error = handshake_with(job, request, &handshake, &ephemeral, session, payload);
    rind_noise_handshake_wipe(&handshake);
    rind_x25519_secret_wipe(&ephemeral);
    return error;
}

/* Sends `request` in an open session. */
static enum rind_error hardware_transport(struct rind_sdk_job *job, struct rind_slice request,
                                          struct rind_sdk_session *session,
                                          struct rind_slice *payload, bool *is_session_missing)
{
    uint8_t *ciphertext = rind_ctx_alloc(&job->ctx, request.length + RIND_NOISE_TAG_SIZE);
    if (ciphertext == NULL ||
        !rind_is_ok(rind_noise_encrypt(&job->ctx, &session->noise, request, ciphertext))) {
        return RIND_SDK_JOB_FAIL(job, RIND_ERROR_ASSERTION, "%s", job->ctx.sentence);
    }
    struct rind_noise_request message = {
        .kind = RIND_NOISE_REQUEST_TRANSPORT,
        .transport = {rind_slice_make(ciphertext, request.length + RIND_NOISE_TAG_SIZE)}};
    struct rind_client_response response;
    enum rind_error error = hardware_envelope(job, session->id, RIND_CLIENT_REQUEST_SECRETS_REQUEST,
                                              &message, &response);
    if (error != RIND_ERROR_NONE) {
        return error;
    }
    if (response.kind != RIND_CLIENT_RESPONSE_OK ||
        response.ok.kind != RIND_NOISE_RESPONSE_TRANSPORT) {
        *is_session_missing = response.kind == RIND_CLIENT_RESPONSE_MISSING_SESSION;
        /* Balancers also say so when an agent had the message and its answer was lost. */
        job->is_outcome_unknown = response.kind == RIND_CLIENT_RESPONSE_UNAVAILABLE;
        return hardware_refusal(job, response.kind);
    }
    session->last_used_ms = job->user->world.now_ms(job->user->world.self);
    struct rind_slice sealed = response.ok.transport.ciphertext;
    uint8_t *plaintext = rind_ctx_alloc(&job->ctx, sealed.length);
    if (plaintext == NULL ||
        !rind_is_ok(rind_noise_decrypt(&job->ctx, &session->noise, sealed, plaintext))) {
        return RIND_SDK_JOB_FAIL(job, RIND_ERROR_ASSERTION, "%s", job->ctx.sentence);
    }
    *payload = rind_slice_make(plaintext, sealed.length - RIND_NOISE_TAG_SIZE);
    return RIND_ERROR_NONE;
}

/*
 * One attempt with whatever session there is. `is_session_missing` is set when a session kept from
 * an earlier request turns out to be lost, which costs an attempt but no pause.
 */
static enum rind_error hardware_attempt(struct rind_sdk_job *job, struct rind_slice request,
                                        struct rind_sdk_session *session,
                                        struct rind_slice *payload, bool *is_session_missing)
{
    uint64_t now_ms = job->user->world.now_ms(job->user->world.self);
    if (session->exists && now_ms - session->last_used_ms >= session->lifetime_ms) {
        rind_wipe(session, sizeof(*session));
    }
    if (session->exists) {
        return hardware_transport(job, request, session, payload, is_session_missing);
    }
    if (!rind_secrets_request_needs_forward_secrecy(&job->request)) {
        return hardware_handshake(job, request, session, payload);
    }
    enum rind_error error = hardware_handshake(job, rind_slice_make(NULL, 0), session, payload);
    if (error != RIND_ERROR_NONE) {
        job->is_outcome_unknown = false; /* an empty handshake asks for nothing */
        return error;
    }
    if (payload->length != 0) {
        return RIND_SDK_JOB_FAIL(job, RIND_ERROR_ASSERTION,
                                 "answered more than was asked in a handshake");
    }
    bool is_new_session_missing = false; /* a protocol fault, unlike that of a kept session */
    return hardware_transport(job, request, session, payload, &is_new_session_missing);
}

static enum rind_error hardware_decode(struct rind_sdk_job *job, struct rind_slice payload)
{
    struct rind_padded_secrets_response padded;
    rind_status status =
        rind_wire_decode_lenient(&job->ctx, &rind_padded_secrets_response_schema, payload, &padded);
    if (!rind_is_ok(status)) {
        return RIND_SDK_JOB_FAIL(job, RIND_ERROR_ASSERTION, "undecodable answer: %s",
                                 job->ctx.sentence);
    }
    if (padded.unpadded_length > sizeof(padded.padded_bytes)) {
        return RIND_SDK_JOB_FAIL(job, RIND_ERROR_ASSERTION, "an answer is longer than its padding");
    }
    status = rind_wire_decode_lenient(&job->ctx, &rind_secrets_response_schema,
                                      rind_slice_make(padded.padded_bytes, padded.unpadded_length),
                                      &job->response);
    rind_wipe(&padded, sizeof(padded));
    if (!rind_is_ok(status)) {
        return RIND_SDK_JOB_FAIL(job, RIND_ERROR_ASSERTION, "undecodable answer: %s",
                                 job->ctx.sentence);
    }
    return RIND_ERROR_NONE;
}

/* ---- Attempts ---- */

static bool engine_may_retry(const struct rind_sdk_job *job, enum rind_error error)
{
    bool would_spend_a_guess =
        job->request.kind == RIND_SECRETS_REQUEST_RECOVER2 && job->is_outcome_unknown;
    return error == RIND_ERROR_TRANSIENT && !would_spend_a_guess &&
           !atomic_load(&job->is_abandoned);
}

static void engine_pause(struct rind_sdk_job *job, uint32_t duration_ms_wanted)
{
    job->user->world.sleep_ms(job->user->world.self, duration_ms_wanted);
}

static enum rind_error hardware_run_with(struct rind_sdk_job *job, struct rind_slice request,
                                         struct rind_sdk_session *session)
{
    size_t mark = rind_arena_mark(&job->arena);
    enum rind_error error = RIND_ERROR_TRANSIENT;
    for (uint32_t attempt = 1; attempt <= RIND_SDK_HARDWARE_ATTEMPTS; attempt++) {
        struct rind_slice payload = {NULL, 0};
        bool is_session_missing = false;
        rind_arena_release(&job->arena, mark);
        error = hardware_attempt(job, request, session, &payload, &is_session_missing);
        if (error == RIND_ERROR_NONE) {
            return hardware_decode(job, payload);
        }
        rind_wipe(session, sizeof(*session)); /* never used again after a failure */
        if (is_session_missing) {
            error = RIND_SDK_JOB_FAIL(job, RIND_ERROR_TRANSIENT, "keeps losing its sessions");
        } else if (engine_may_retry(job, error)) {
            engine_pause(job, RIND_SDK_BACK_OFF_MS * attempt);
        } else {
            return error;
        }
    }
    return error;
}

static enum rind_error hardware_run(struct rind_sdk_job *job, struct rind_slice request)
{
    struct rind_sdk_session session = {0};
    if (!rind_sdk_slot_take(job->slot, job, &job->is_abandoned, &session)) {
        return RIND_SDK_JOB_FAIL(job, RIND_ERROR_TRANSIENT, "other requests take too long");
    }
    enum rind_error error = hardware_run_with(job, request, &session);
    rind_sdk_slot_release(job->slot, job, &session);
    return error;
}

static enum rind_error software_run(struct rind_sdk_job *job, struct rind_slice request)
{
    enum rind_error error = rind_sdk_exchange_token(job); /* once for all attempts */
    if (error != RIND_ERROR_NONE) {
        return error;
    }
    size_t mark = rind_arena_mark(&job->arena);
    for (uint32_t attempt = 1; attempt <= RIND_SDK_SOFTWARE_ATTEMPTS; attempt++) {
        rind_arena_release(&job->arena, mark);
        error = software_attempt(job, request);
        if (error == RIND_ERROR_NONE || !engine_may_retry(job, error)) {
            return error;
        }
        engine_pause(job, RIND_SDK_BACK_OFF_MS);
    }
    return error;
}

enum rind_error rind_sdk_engine_run(struct rind_sdk_job *job)
{
    struct rind_slice request;
    rind_arena_init(&job->arena, job->arena_memory, sizeof(job->arena_memory));
    rind_ctx_init(&job->ctx, &job->arena);
    rind_status status =
        rind_wire_encode_alloc(&job->ctx, &rind_secrets_request_schema, &job->request, &request);
    if (!rind_is_ok(status)) {
        return RIND_SDK_JOB_FAIL(job, RIND_ERROR_ASSERTION, "%s", job->ctx.sentence);
    }
    return job->slot->is_hardware ? hardware_run(job, request) : software_run(job, request);
}
