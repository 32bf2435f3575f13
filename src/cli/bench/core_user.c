/* core_user.c - see core_user.h. */
#include "cli/bench/core_user.h"

#define CORE_USER_GUESSES 10u

static void core_user_random(void *self, void *bytes, size_t size)
{
    struct rind_seeded *seeded = self;
    rind_seeded_fill(seeded, bytes, size);
}

void rind_core_user_init(struct rind_seeded *seeded, struct rind_core_user *user)
{
    const struct rind_random random = {.fill = core_user_random, .self = seeded};
    struct rind_scalar scalar;
    struct rind_point point;
    *user = (struct rind_core_user){.session_id = (uint32_t)rind_seeded_next(seeded)};
    rind_seeded_fill(seeded, user->record_id.bytes, sizeof(user->record_id.bytes));
    rind_seeded_fill(seeded, &user->secrets, sizeof(user->secrets));
    rind_scalar_random(&random, &scalar);
    rind_point_multiply_base(&scalar, &point);
    memcpy(user->secrets.oprf_private_key, scalar.bytes, sizeof(scalar.bytes));
    memcpy(user->secrets.oprf_signed_public_key.public_key, point.bytes, sizeof(point.bytes));
    rind_scalar_random(&random, &scalar);
    memcpy(user->secrets.encryption_key_scalar_share, scalar.bytes, sizeof(scalar.bytes));
    user->secrets.policy.num_guesses = CORE_USER_GUESSES;
}

bool rind_core_user_is_first(enum rind_secrets_request_kind kind)
{
    return kind == RIND_SECRETS_REQUEST_REGISTER1 || kind == RIND_SECRETS_REQUEST_RECOVER1 ||
           kind == RIND_SECRETS_REQUEST_DELETE;
}

/* ---- asking ---- */

static void core_user_fill(const struct rind_core_user *user, struct rind_secrets_request *request)
{
    const struct rind_register2_request *secrets = &user->secrets;
    struct rind_point blinded;
    switch (request->kind) {
    case RIND_SECRETS_REQUEST_REGISTER2:
        request->register2 = *secrets;
        return;
    case RIND_SECRETS_REQUEST_RECOVER2:
        memcpy(request->recover2.version, secrets->version, sizeof(secrets->version));
        rind_point_from_hash(RIND_SLICE_OF(secrets->version), &blinded);
        memcpy(request->recover2.oprf_blinded_input, blinded.bytes, sizeof(blinded.bytes));
        return;
    case RIND_SECRETS_REQUEST_RECOVER3:
        memcpy(request->recover3.version, secrets->version, sizeof(secrets->version));
        memcpy(request->recover3.unlock_key_tag, secrets->unlock_key_tag,
               sizeof(secrets->unlock_key_tag));
        return;
    default:
        return; /* the others have no fields */
    }
}

static rind_status core_user_seal(struct rind_ctx *ctx, const struct rind_core_host *host,
                                  struct rind_core_user *user,
                                  const struct rind_secrets_request *request,
                                  struct rind_noise_request *sealed)
{
    struct rind_slice plaintext;
    RIND_TRY(rind_wire_encode_alloc(ctx, &rind_secrets_request_schema, request, &plaintext));
    size_t size = plaintext.length + RIND_NOISE_TAG_SIZE;
    uint8_t *ciphertext = rind_ctx_alloc(ctx, size);
    struct rind_x25519_public *public = rind_ctx_alloc(ctx, sizeof(*public));
    RIND_REQUIRE(ctx, ciphertext != NULL && public != NULL, RIND_E_LIMIT, "no room for a request");
    if (!rind_core_user_is_first(request->kind)) {
        sealed->kind = RIND_NOISE_REQUEST_TRANSPORT;
        sealed->transport.ciphertext = rind_slice_make(ciphertext, size);
        return rind_noise_encrypt(ctx, &user->session, plaintext, ciphertext);
    }
    /* A new session replaces the one before, so each needs no more room than one. */
    struct rind_x25519_secret ephemeral;
    struct rind_seeded seeded = {.state = rind_get_be64(user->record_id.bytes) + user->session_id};
    user->session_id++;
    rind_seeded_fill(&seeded, ephemeral.bytes, sizeof(ephemeral.bytes));
    sealed->kind = RIND_NOISE_REQUEST_HANDSHAKE;
    sealed->handshake.handshake.client_ephemeral_public = RIND_SLICE_OF(public->bytes);
    sealed->handshake.handshake.payload_ciphertext = rind_slice_make(ciphertext, size);
    return rind_noise_client_start(ctx, &user->handshake, RIND_NOISE_PROLOGUE_EMPTY,
                                   &host->keys.communication_public, &ephemeral, plaintext, public,
                                   ciphertext);
}

rind_status rind_core_user_ask(struct rind_ctx *ctx, struct rind_core_host *host,
                               struct rind_core_user *user, enum rind_secrets_request_kind kind,
                               uint64_t *cpu_ns)
{
    struct rind_secrets_request request = {.kind = kind};
    struct rind_noise_request sealed;
    core_user_fill(user, &request);
    RIND_TRY(core_user_seal(ctx, host, user, &request, &sealed));
    return rind_core_host_app(ctx, host, &user->record_id, user->session_id, &sealed, cpu_ns,
                              &user->pending);
}

/* ---- receiving ---- */

static rind_status core_user_open(struct rind_ctx *ctx, struct rind_core_user *user,
                                  const struct rind_noise_response *sealed,
                                  struct rind_secrets_response *response)
{
    bool is_handshake = sealed->kind == RIND_NOISE_RESPONSE_HANDSHAKE;
    struct rind_slice ciphertext = is_handshake ? sealed->handshake.handshake.payload_ciphertext
                                                : sealed->transport.ciphertext;
    RIND_REQUIRE(ctx, ciphertext.length >= RIND_NOISE_TAG_SIZE, RIND_E_DECODE,
                 "the core's answer is too short");
    size_t size = ciphertext.length - RIND_NOISE_TAG_SIZE;
    uint8_t *plaintext = rind_ctx_alloc(ctx, size);
    RIND_REQUIRE(ctx, plaintext != NULL, RIND_E_LIMIT, "no room for an answer");
    if (is_handshake) {
        RIND_TRY(rind_noise_client_finish(ctx, &user->handshake,
                                          sealed->handshake.handshake.server_ephemeral_public,
                                          ciphertext, plaintext, &user->session));
    } else {
        RIND_TRY(rind_noise_decrypt(ctx, &user->session, ciphertext, plaintext));
    }
    struct rind_padded_secrets_response padded;
    RIND_TRY(rind_wire_decode_lenient(ctx, &rind_padded_secrets_response_schema,
                                      rind_slice_make(plaintext, size), &padded));
    RIND_REQUIRE(ctx, padded.unpadded_length <= sizeof(padded.padded_bytes), RIND_E_DECODE,
                 "the core's answer is longer than it can be");
    return rind_wire_decode_lenient(ctx, &rind_secrets_response_schema,
                                    rind_slice_make(padded.padded_bytes, padded.unpadded_length),
                                    response);
}

static bool core_user_is_satisfied(const struct rind_core_user *user,
                                   enum rind_secrets_request_kind kind,
                                   const struct rind_secrets_response *response)
{
    const struct rind_register2_request *secrets = &user->secrets;
    switch (kind) {
    case RIND_SECRETS_REQUEST_REGISTER1:
        return response->kind == RIND_SECRETS_RESPONSE_REGISTER1 &&
               response->register1.kind == RIND_REGISTER1_OK;
    case RIND_SECRETS_REQUEST_REGISTER2:
        return response->kind == RIND_SECRETS_RESPONSE_REGISTER2 &&
               response->register2.kind == RIND_REGISTER2_OK;
    case RIND_SECRETS_REQUEST_RECOVER1:
        return response->kind == RIND_SECRETS_RESPONSE_RECOVER1 &&
               response->recover1.kind == RIND_RECOVER1_OK &&
               memcmp(response->recover1.ok.version, secrets->version, sizeof(secrets->version)) ==
                   0;
    case RIND_SECRETS_REQUEST_RECOVER2:
        return response->kind == RIND_SECRETS_RESPONSE_RECOVER2 &&
               response->recover2.kind == RIND_RECOVER2_OK &&
               response->recover2.ok.guess_count == 1;
    case RIND_SECRETS_REQUEST_RECOVER3:
        return response->kind == RIND_SECRETS_RESPONSE_RECOVER3 &&
               response->recover3.kind == RIND_RECOVER3_OK &&
               memcmp(response->recover3.ok.encrypted_secret, secrets->encrypted_secret,
                      sizeof(secrets->encrypted_secret)) == 0;
    case RIND_SECRETS_REQUEST_DELETE:
        return response->kind == RIND_SECRETS_RESPONSE_DELETE &&
               response->delete.kind == RIND_DELETE_OK;
    }
    RIND_UNREACHABLE("there are six requests");
}

rind_status rind_core_user_receive(struct rind_ctx *ctx, struct rind_core_user *user,
                                   enum rind_secrets_request_kind kind,
                                   const struct rind_released_response_list *responses)
{
    for (size_t i = 0; i < responses->count; i++) {
        if (!rind_mac_equal(&responses->items[i].mac, &user->pending)) {
            continue;
        }
        struct rind_secrets_response response;
        RIND_TRY(core_user_open(ctx, user, &responses->items[i].response, &response));
        RIND_REQUIRE(ctx, core_user_is_satisfied(user, kind, &response), RIND_E_INTERNAL,
                     "the core's answer to request %d is wrong", (int)kind);
        return RIND_OK;
    }
    return rind_fail(ctx, RIND_E_INTERNAL, "a commit did not release the answer to request %d",
                     (int)kind);
}
