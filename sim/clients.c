/*
 * clients.c - users with Noise channels and PINs. They are honest or not; the host carries what
 * they say. A client remembers nothing but its sessions and its newest registration.
 */
#include "sim.h"

static void clients_fill(void *self, void *bytes, size_t size)
{
    sim_fill(self, bytes, size);
}

static uint8_t *clients_keep(size_t size)
{
    size_t capacity = 0;
    return sim_grow(NULL, 0, &capacity, size / 64 + 1);
}

static uint32_t clients_add_message(struct sim *sim, const struct sim_message *message)
{
    sim->messages =
        sim_grow(sim->messages, sim->message_count, &sim->message_capacity, sizeof(*sim->messages));
    uint32_t m = (uint32_t)sim->message_count;
    sim->messages[m] = *message;
    sim->message_count++;
    sim_index_put(&sim->messages_by_ciphertext, sim_key_of(message->ciphertext.data), m);
    return m;
}

static void clients_start_handshake(struct sim *sim, struct sim_user *user,
                                    struct sim_message *message, struct rind_slice payload,
                                    uint8_t *ciphertext)
{
    struct rind_x25519_secret ephemeral;
    sim_fill(&user->random, ephemeral.bytes, sizeof(ephemeral.bytes));
    rind_status status =
        rind_noise_client_start(&sim->ctx, &message->handshake, RIND_NOISE_PROLOGUE_EMPTY,
                                &sim->keys[message->keyset].communication_public, &ephemeral,
                                payload, &message->ephemeral, ciphertext);
    if (!rind_is_ok(status)) {
        sim_broken("a client cannot start a handshake");
    }
}

/* The answer to this message comes under the same number as the message. */
static void clients_encrypt(struct sim *sim, struct sim_user *user, struct sim_message *message,
                            struct rind_slice plaintext, uint8_t *ciphertext)
{
    message->session = user->session;
    message->session.receive_nonce = user->session.send_nonce;
    if (!rind_is_ok(rind_noise_encrypt(&sim->ctx, &user->session, plaintext, ciphertext))) {
        sim_broken("a client cannot encrypt");
    }
}

uint32_t sim_client_seal(struct sim *sim, uint32_t u, unsigned keyset,
                         const struct rind_secrets_request *request, bool wants_transport)
{
    struct sim_user *user = &sim->users[u];
    struct sim_message message = {
        .user = u, .keyset = keyset, .has_request = request != NULL, .registration = SIM_NONE};
    struct rind_slice plaintext = {0};
    if (request != NULL) {
        message.request = *request;
        rind_status status =
            rind_wire_encode_alloc(&sim->ctx, &rind_secrets_request_schema, request, &plaintext);
        if (!rind_is_ok(status)) {
            sim_broken("a client cannot encode its request");
        }
        if (request->kind == RIND_SECRETS_REQUEST_REGISTER2) {
            message.registration = user->registration;
        }
        if (!sim->is_healing && sim_chance(&user->random, 1, 64)) {
            /* A hostile client: no CBOR starts with this byte. */
            uint8_t *damaged = sim_alloc(sim, plaintext.length);
            memset(damaged, 0xff, plaintext.length);
            plaintext.data = damaged;
            message.is_garbage = true;
        }
    }
    message.is_handshake = !(wants_transport && user->has_session);
    size_t size = plaintext.length + RIND_NOISE_TAG_SIZE;
    uint8_t *ciphertext = clients_keep(size);
    if (message.is_handshake) {
        clients_start_handshake(sim, user, &message, plaintext, ciphertext);
    } else {
        clients_encrypt(sim, user, &message, plaintext, ciphertext);
    }
    message.ciphertext = rind_slice_make(ciphertext, size);
    return clients_add_message(sim, &message);
}

void sim_client_adopt(struct sim *sim, uint32_t m, const struct rind_noise_session *session,
                      uint32_t h, uint32_t g)
{
    struct sim_message *message = &sim->messages[m];
    struct sim_user *user = &sim->users[message->user];
    if (message->is_adopted) {
        return;
    }
    message->is_adopted = true;
    user->has_session = true;
    user->session = *session;
    user->session_hsm = h;
    user->session_boot = sim->hsms[h].boot;
    user->session_group = g;
}

struct rind_noise_request sim_message_request(const struct sim_message *message)
{
    if (message->is_handshake) {
        return (struct rind_noise_request){
            .kind = RIND_NOISE_REQUEST_HANDSHAKE,
            .handshake = {
                .handshake = {.client_ephemeral_public = RIND_SLICE_OF(message->ephemeral.bytes),
                              .payload_ciphertext = message->ciphertext}}};
    }
    return (struct rind_noise_request){.kind = RIND_NOISE_REQUEST_TRANSPORT,
                                       .transport = {.ciphertext = message->ciphertext}};
}

struct rind_secrets_request sim_client_register2(struct sim *sim, uint32_t u)
{
    struct sim_user *user = &sim->users[u];
    struct rind_random source = {.fill = clients_fill, .self = &user->random};
    struct rind_secrets_request request;
    memset(&request, 0, sizeof(request));
    request.kind = RIND_SECRETS_REQUEST_REGISTER2;
    struct rind_register2_request *fields = &request.register2;
    sim_fill(&user->random, fields, sizeof(*fields));
    struct rind_scalar key;
    struct rind_scalar share;
    rind_scalar_random(&source, &key);
    rind_scalar_random(&source, &share);
    memcpy(fields->oprf_private_key, key.bytes, sizeof(key.bytes));
    memcpy(fields->encryption_key_scalar_share, share.bytes, sizeof(share.bytes));
    struct rind_point public_key;
    rind_point_multiply_base(&key, &public_key);
    memcpy(fields->oprf_signed_public_key.public_key, public_key.bytes, sizeof(public_key.bytes));
    fields->policy.num_guesses = (uint16_t)sim_below(&user->random, sim->swarm.guesses_max + 1);
    sim->registrations = sim_grow(sim->registrations, sim->registration_count,
                                  &sim->registration_capacity, sizeof(*sim->registrations));
    user->registration = (uint32_t)sim->registration_count;
    sim->registrations[user->registration] =
        (struct sim_registration){.request = *fields, .user = u};
    sim->registration_count++;
    return request;
}

/* What a user does next: mostly guesses. */
struct rind_secrets_request sim_client_request(struct sim *sim, uint32_t u)
{
    struct sim_user *user = &sim->users[u];
    struct rind_secrets_request request;
    memset(&request, 0, sizeof(request));
    uint32_t dice = sim_below(&user->random, 32);
    if (user->registration == SIM_NONE || dice < 3) {
        return sim_client_register2(sim, u);
    }
    const struct rind_register2_request *registered =
        &sim->registrations[user->registration].request;
    bool is_other_version = sim_chance(&user->random, 1, 24);
    if (dice < 18) {
        struct rind_scalar blinding;
        uint8_t wide[RIND_SCALAR_WIDE_SIZE];
        sim_fill(&user->random, wide, sizeof(wide));
        rind_scalar_from_wide(wide, &blinding);
        struct rind_point blinded;
        rind_oprf_blind(rind_slice_text("a PIN"), &blinding, &blinded);
        request.kind = RIND_SECRETS_REQUEST_RECOVER2;
        memcpy(request.recover2.version, registered->version, sizeof(registered->version));
        memcpy(request.recover2.oprf_blinded_input, blinded.bytes, sizeof(blinded.bytes));
        request.recover2.version[0] ^= is_other_version ? 1u : 0u;
    } else if (dice < 26) {
        request.kind = RIND_SECRETS_REQUEST_RECOVER3;
        memcpy(request.recover3.version, registered->version, sizeof(registered->version));
        memcpy(request.recover3.unlock_key_tag, registered->unlock_key_tag,
               sizeof(registered->unlock_key_tag));
        request.recover3.version[0] ^= is_other_version ? 1u : 0u;
        request.recover3.unlock_key_tag[15] ^= sim_chance(&user->random, 1, 2) ? 1u : 0u;
    } else if (dice < 29) {
        request.kind = RIND_SECRETS_REQUEST_RECOVER1;
    } else if (dice < 31) {
        request.kind = RIND_SECRETS_REQUEST_REGISTER1;
    } else {
        request.kind = RIND_SECRETS_REQUEST_DELETE;
    }
    return request;
}
