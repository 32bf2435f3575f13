/* cluster_client.c - users of the realm: see cluster.h. */
#include "hsm/cluster_inner.h"

void cluster_client_init(struct cluster_client *client, uint64_t seed,
                         const struct rind_record_id *record_id)
{
    *client =
        (struct cluster_client){.record_id = *record_id, .session_id = 1, .random = {.seed = seed}};
}

struct rind_record_id cluster_record(uint8_t byte)
{
    struct rind_record_id id;
    memset(id.bytes, byte, sizeof(id.bytes));
    return id;
}

static struct rind_handshake_request client_start_handshake(struct cluster *cluster,
                                                            struct cluster_client *client,
                                                            struct rind_slice payload)
{
    struct rind_x25519_secret ephemeral;
    cluster_random_fill(&client->random, ephemeral.bytes, sizeof(ephemeral.bytes));
    struct rind_x25519_public *public = cluster_alloc(cluster, 1, sizeof(*public));
    size_t size = payload.length + RIND_NOISE_TAG_SIZE;
    uint8_t *ciphertext = cluster_alloc(cluster, 1, size);
    cluster_require(cluster,
                    rind_noise_client_start(&cluster->ctx, &client->handshake,
                                            RIND_NOISE_PROLOGUE_EMPTY,
                                            &cluster->hsms[0].keys.communication_public, &ephemeral,
                                            payload, public, ciphertext),
                    "client handshake");
    client->is_handshaking = true;
    return (struct rind_handshake_request){
        .client_ephemeral_public = RIND_SLICE_OF(public->bytes),
        .payload_ciphertext = rind_slice_make(ciphertext, size),
    };
}

/* The payload of the realm's handshake message; the session is the client's from now on. */
static struct rind_slice client_finish_handshake(struct cluster *cluster,
                                                 struct cluster_client *client,
                                                 const struct rind_handshake_response *response)
{
    RIND_ASSERT(client->is_handshaking);
    size_t size = response->payload_ciphertext.length - RIND_NOISE_TAG_SIZE;
    uint8_t *payload = cluster_alloc(cluster, 1, size + 1);
    cluster_require(cluster,
                    rind_noise_client_finish(
                        &cluster->ctx, &client->handshake, response->server_ephemeral_public,
                        response->payload_ciphertext, payload, &client->session),
                    "client handshake");
    client->is_handshaking = false;
    client->has_session = true;
    return rind_slice_make(payload, size);
}

void cluster_client_connect(struct cluster *cluster, unsigned h, const struct rind_group_id *group,
                            struct cluster_client *client)
{
    struct rind_hsm_request request = {
        .kind = RIND_HSM_REQUEST_HANDSHAKE_REQUEST,
        .handshake =
            {
                .realm = cluster->realm,
                .group = *group,
                .record_id = client->record_id,
                .session_id = client->session_id,
                .handshake = client_start_handshake(cluster, client, rind_slice_make(NULL, 0)),
            },
    };
    struct rind_hsm_handshake_response answer;
    cluster_send(cluster, h, &request, &answer);
    if (answer.kind != RIND_HSM_HANDSHAKE_OK) {
        cluster_fail("handshake", "refused");
    }
    RIND_ASSERT(answer.ok.session_lifetime.secs == 5 && answer.ok.session_lifetime.nanos == 0);
    struct rind_slice payload = client_finish_handshake(cluster, client, &answer.ok.noise);
    RIND_ASSERT(payload.length == 0);
}

struct rind_noise_request cluster_client_seal(struct cluster *cluster,
                                              struct cluster_client *client,
                                              struct rind_slice plaintext)
{
    struct rind_noise_request request;
    if (!client->has_session) {
        request.kind = RIND_NOISE_REQUEST_HANDSHAKE;
        request.handshake.handshake = client_start_handshake(cluster, client, plaintext);
        return request;
    }
    size_t size = plaintext.length + RIND_NOISE_TAG_SIZE;
    uint8_t *ciphertext = cluster_alloc(cluster, 1, size);
    cluster_require(cluster,
                    rind_noise_encrypt(&cluster->ctx, &client->session, plaintext, ciphertext),
                    "client encryption");
    request.kind = RIND_NOISE_REQUEST_TRANSPORT;
    request.transport.ciphertext = rind_slice_make(ciphertext, size);
    return request;
}

struct rind_slice cluster_encode_secrets(struct cluster *cluster,
                                         const struct rind_secrets_request *request)
{
    struct rind_slice bytes;
    cluster_require(
        cluster,
        rind_wire_encode_alloc(&cluster->ctx, &rind_secrets_request_schema, request, &bytes),
        "encoding a secrets request");
    return bytes;
}

static struct rind_slice client_decrypt(struct cluster *cluster, struct cluster_client *client,
                                        struct rind_slice ciphertext)
{
    size_t size = ciphertext.length - RIND_NOISE_TAG_SIZE;
    uint8_t *plaintext = cluster_alloc(cluster, 1, size + 1);
    cluster_require(cluster,
                    rind_noise_decrypt(&cluster->ctx, &client->session, ciphertext, plaintext),
                    "client decryption");
    return rind_slice_make(plaintext, size);
}

struct rind_secrets_response cluster_client_open(struct cluster *cluster,
                                                 struct cluster_client *client,
                                                 const struct rind_noise_response *response)
{
    struct rind_slice plaintext =
        response->kind == RIND_NOISE_RESPONSE_HANDSHAKE
            ? client_finish_handshake(cluster, client, &response->handshake.handshake)
            : client_decrypt(cluster, client, response->transport.ciphertext);
    struct rind_padded_secrets_response padded;
    cluster_require(cluster,
                    rind_wire_decode_lenient(&cluster->ctx, &rind_padded_secrets_response_schema,
                                             plaintext, &padded),
                    "decoding a padded response");
    RIND_ASSERT(plaintext.length == 472);
    RIND_ASSERT(padded.unpadded_length <= sizeof(padded.padded_bytes));
    struct rind_secrets_response inner;
    cluster_require(cluster,
                    rind_wire_decode_lenient(
                        &cluster->ctx, &rind_secrets_response_schema,
                        rind_slice_make(padded.padded_bytes, padded.unpadded_length), &inner),
                    "decoding a response");
    return inner;
}

struct rind_hsm_app_response cluster_app(struct cluster *cluster, unsigned h,
                                         const struct rind_group_id *group,
                                         struct cluster_client *client,
                                         const struct rind_noise_request *encrypted)
{
    const struct rind_log_entry *last = cluster_last(cluster, group);
    RIND_ASSERT(last->has_partition);
    struct rind_hsm_request request = {
        .kind = RIND_HSM_REQUEST_APP_REQUEST,
        .app =
            {
                .realm = cluster->realm,
                .group = *group,
                .record_id = client->record_id,
                .session_id = client->session_id,
                .encrypted = *encrypted,
                .proof = cluster_proof(cluster, &last->partition, &client->record_id),
                .index = last->index,
            },
    };
    struct rind_hsm_app_response answer;
    cluster_send(cluster, h, &request, &answer);
    return answer;
}

struct rind_mac cluster_client_start(struct cluster *cluster, unsigned h,
                                     const struct rind_group_id *group,
                                     struct cluster_client *client,
                                     const struct rind_secrets_request *request)
{
    if (!client->has_session && rind_secrets_request_needs_forward_secrecy(request)) {
        cluster_client_connect(cluster, h, group, client);
    }
    struct rind_noise_request encrypted =
        cluster_client_seal(cluster, client, cluster_encode_secrets(cluster, request));
    struct rind_hsm_app_response answer = cluster_app(cluster, h, group, client, &encrypted);
    if (answer.kind != RIND_HSM_APP_OK) {
        cluster_fail("app", "refused");
    }
    if (!cluster_append(cluster, group, &answer.ok.entry, &answer.ok.delta)) {
        cluster_fail("app", "the entry does not follow the log's tail");
    }
    return answer.ok.entry.entry_mac;
}

const struct rind_released_response *cluster_released(const struct rind_hsm_commit_response *commit,
                                                      const struct rind_mac *mac)
{
    for (size_t i = 0; commit->kind == RIND_HSM_COMMIT_OK && i < commit->ok.responses.count; i++) {
        if (rind_mac_equal(&commit->ok.responses.items[i].mac, mac)) {
            return &commit->ok.responses.items[i];
        }
    }
    return NULL;
}

struct rind_secrets_response cluster_client_ask(struct cluster *cluster, unsigned h,
                                                const struct rind_group_id *group,
                                                struct cluster_client *client,
                                                const struct rind_secrets_request *request)
{
    struct rind_mac mac = cluster_client_start(cluster, h, group, client, request);
    struct rind_hsm_commit_response commit = cluster_commit(cluster, h, group);
    const struct rind_released_response *released = cluster_released(&commit, &mac);
    if (released == NULL) {
        cluster_fail("app", "the commit did not release the response");
    }
    return cluster_client_open(cluster, client, &released->response);
}

static void client_scalar(struct cluster_random *random, uint8_t bytes[static RIND_SCALAR_SIZE])
{
    struct rind_random source = {.fill = cluster_random_fill, .self = random};
    struct rind_scalar scalar;
    rind_scalar_random(&source, &scalar);
    memcpy(bytes, scalar.bytes, sizeof(scalar.bytes));
}

struct rind_secrets_request cluster_register2(uint64_t seed, uint16_t num_guesses)
{
    struct cluster_random random = {.seed = seed};
    struct rind_secrets_request request = {.kind = RIND_SECRETS_REQUEST_REGISTER2};
    struct rind_register2_request *fields = &request.register2;
    cluster_random_fill(&random, fields, sizeof(*fields));
    client_scalar(&random, fields->oprf_private_key);
    client_scalar(&random, fields->encryption_key_scalar_share);
    struct rind_scalar key;
    memcpy(key.bytes, fields->oprf_private_key, sizeof(key.bytes));
    struct rind_point public;
    rind_point_multiply_base(&key, &public);
    memcpy(fields->oprf_signed_public_key.public_key, public.bytes, sizeof(public.bytes));
    fields->policy.num_guesses = num_guesses;
    return request;
}

struct rind_secrets_request cluster_recover2(const struct rind_secrets_request *register2)
{
    struct rind_secrets_request request = {.kind = RIND_SECRETS_REQUEST_RECOVER2};
    memcpy(request.recover2.version, register2->register2.version,
           sizeof(request.recover2.version));
    struct rind_point blinded;
    rind_point_from_hash(rind_slice_text("blinded input"), &blinded);
    memcpy(request.recover2.oprf_blinded_input, blinded.bytes, sizeof(blinded.bytes));
    return request;
}

struct rind_secrets_request cluster_recover3(const struct rind_secrets_request *register2)
{
    struct rind_secrets_request request = {.kind = RIND_SECRETS_REQUEST_RECOVER3};
    memcpy(request.recover3.version, register2->register2.version,
           sizeof(request.recover3.version));
    memcpy(request.recover3.unlock_key_tag, register2->register2.unlock_key_tag,
           sizeof(request.recover3.unlock_key_tag));
    return request;
}

struct rind_secrets_request cluster_simple(enum rind_secrets_request_kind kind)
{
    return (struct rind_secrets_request){.kind = kind};
}
