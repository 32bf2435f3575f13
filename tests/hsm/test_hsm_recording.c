/*
 * test_hsm_recording.c - the recorded run of the public client SDK (spec 01 section 19.1), with the
 * core as the realm.
 *
 * Byte for byte, but for one difference that is on purpose: our padded responses always carry their
 * length in three bytes. So each response is opened as the client would, its plaintext brought to
 * the shortest form, sealed again by a second realm end that this test keeps, and then compared
 * with the recorded body. The core's own bytes stand where the plaintexts are the same already.
 */
#include "support/test.h"
#include "support/vectors.h"

#include "hsm/cluster.h"

#define SESSIONS_MAX 64u
#define REALMS_MAX 2u
#define PADDED_LONG_SIZE 472u

/* Both ends of a session, as the test follows it. */
struct mirror {
    struct rind_record_id record_id;
    uint32_t session_id;
    struct rind_noise_session client;
    struct rind_noise_session realm;
};

struct realm {
    const char *id_text;
    struct cluster *cluster;
    struct rind_group_id group;
    struct rind_x25519_secret static_secret;
    struct rind_x25519_public static_public;
    struct mirror mirrors[SESSIONS_MAX];
    size_t mirror_count;
};

struct run {
    json_t *file;
    struct rind_arena arena;
    struct rind_ctx ctx;
    struct realm realms[REALMS_MAX];
    size_t realm_count;
    size_t compared_count;  /* responses compared */
    size_t identical_count; /* of those, the core's very bytes */
};

static void realm_open(struct realm *realm, const json_t *description)
{
    realm->id_text = rind_vectors_text(description, "id");
    realm->cluster = cluster_new(1, 77);
    struct cluster_hsm *hsm = &realm->cluster->hsms[0];
    cluster_stop(realm->cluster, 0);
    rind_vectors_hex_fixed(description, "static_secret", realm->static_secret.bytes, 32);
    rind_vectors_hex_fixed(description, "static_public", realm->static_public.bytes, 32);
    hsm->keys.communication_private = realm->static_secret;
    hsm->keys.communication_public = realm->static_public;
    assert_true(rind_is_ok(cluster_boot(realm->cluster, 0)));
    uint8_t id[16];
    rind_vectors_hex_fixed(description, "id", id, sizeof(id));
    hsm->random.script = RIND_SLICE_OF(id);
    realm->group = cluster_new_realm(realm->cluster);
    assert_memory_equal(realm->cluster->realm.bytes, id, sizeof(id));
    assert_int_equal(cluster_commit(realm->cluster, 0, &realm->group).kind, RIND_HSM_COMMIT_OK);
}

static struct realm *run_find_realm(struct run *run, const char *id_text)
{
    for (size_t i = 0; i < run->realm_count; i++) {
        if (strcmp(run->realms[i].id_text, id_text) == 0) {
            return &run->realms[i];
        }
    }
    return NULL;
}

/* A balancer makes record ids of tokens; here any injective function of the user will do. */
static struct rind_record_id run_record_id(struct run *run, const json_t *exchange)
{
    const json_t *operations = rind_vectors_get(run->file, "operations");
    const json_t *operation =
        json_array_get(operations, (size_t)rind_vectors_integer(exchange, "operation"));
    const json_t *client = rind_vectors_get(rind_vectors_get(run->file, "clients"),
                                            rind_vectors_text(operation, "client"));
    struct rind_record_id record_id = {{0}};
    rind_vectors_hex_fixed(client, "user", record_id.bytes, 16);
    return record_id;
}

static struct mirror *realm_find_mirror(struct realm *realm, const struct rind_record_id *record_id,
                                        uint32_t session_id)
{
    for (size_t i = 0; i < realm->mirror_count; i++) {
        struct mirror *mirror = &realm->mirrors[i];
        if (mirror->session_id == session_id &&
            rind_record_id_equal(&mirror->record_id, record_id)) {
            return mirror;
        }
    }
    assert_true(realm->mirror_count < SESSIONS_MAX);
    struct mirror *mirror = &realm->mirrors[realm->mirror_count++];
    mirror->record_id = *record_id;
    mirror->session_id = session_id;
    return mirror;
}

/* Brings a padded response to its shortest form; other plaintexts (the empty one) stay. */
static struct rind_slice run_normalize(struct run *run, const json_t *exchange,
                                       struct rind_slice plaintext)
{
    if (plaintext.length == 0) {
        return plaintext;
    }
    assert_int_equal(plaintext.length, PADDED_LONG_SIZE);
    struct rind_padded_secrets_response padded;
    assert_true(rind_is_ok(rind_wire_decode_lenient(&run->ctx, &rind_padded_secrets_response_schema,
                                                    plaintext, &padded)));
    struct rind_slice expected = rind_vectors_hex(exchange, "secrets_response_cbor", &run->arena);
    assert_true(
        rind_slice_equal(rind_slice_make(padded.padded_bytes, padded.unpadded_length), expected));
    struct rind_slice shortest;
    assert_true(rind_is_ok(rind_wire_encode_alloc(&run->ctx, &rind_padded_secrets_response_schema,
                                                  &padded, &shortest)));
    return shortest;
}

static uint8_t *run_alloc(struct run *run, size_t size)
{
    uint8_t *bytes = rind_ctx_alloc(&run->ctx, size + 1);
    assert_non_null(bytes);
    return bytes;
}

/* The core's handshake message, normalized by both of the test's ends. */
static void run_reseal_handshake(struct run *run, struct realm *realm, const json_t *exchange,
                                 const struct rind_handshake_request *request,
                                 struct mirror *mirror, struct rind_handshake_response *response)
{
    struct rind_x25519_secret client_ephemeral;
    rind_vectors_hex_fixed(exchange, "client_ephemeral_secret", client_ephemeral.bytes, 32);
    struct rind_slice payload = rind_vectors_hex(exchange, "request_plaintext", &run->arena);
    struct rind_noise_handshake client;
    struct rind_x25519_public client_public;
    uint8_t *ciphertext = run_alloc(run, payload.length + 16);
    assert_true(rind_is_ok(rind_noise_client_start(&run->ctx, &client, RIND_NOISE_PROLOGUE_EMPTY,
                                                   &realm->static_public, &client_ephemeral,
                                                   payload, &client_public, ciphertext)));
    uint8_t *plaintext = run_alloc(run, response->payload_ciphertext.length);
    assert_true(rind_is_ok(
        rind_noise_client_finish(&run->ctx, &client, response->server_ephemeral_public,
                                 response->payload_ciphertext, plaintext, &mirror->client)));
    struct rind_slice normalized = run_normalize(
        run, exchange, rind_slice_make(plaintext, response->payload_ciphertext.length - 16));

    struct rind_x25519_secret realm_ephemeral;
    rind_vectors_hex_fixed(exchange, "realm_random", realm_ephemeral.bytes, 32);
    struct rind_noise_handshake second;
    assert_true(rind_is_ok(
        rind_noise_realm_start(&run->ctx, &second, RIND_NOISE_PROLOGUE_EMPTY, &realm->static_secret,
                               &realm->static_public, request->client_ephemeral_public,
                               request->payload_ciphertext, run_alloc(run, payload.length))));
    struct rind_x25519_public server_public;
    uint8_t *resealed = run_alloc(run, normalized.length + 16);
    assert_true(rind_is_ok(rind_noise_realm_finish(&run->ctx, &second, &realm_ephemeral, normalized,
                                                   &server_public, resealed, &mirror->realm)));
    assert_true(
        rind_slice_equal(response->server_ephemeral_public, RIND_SLICE_OF(server_public.bytes)));
    response->payload_ciphertext = rind_slice_make(resealed, normalized.length + 16);
}

static void run_reseal_transport(struct run *run, const json_t *exchange, struct rind_slice request,
                                 struct mirror *mirror, struct rind_slice *response)
{
    /* The client's end made the request; only its counter has to follow. */
    struct rind_slice sent = rind_vectors_hex(exchange, "request_plaintext", &run->arena);
    assert_true(rind_is_ok(
        rind_noise_encrypt(&run->ctx, &mirror->client, sent, run_alloc(run, sent.length + 16))));
    uint8_t *plaintext = run_alloc(run, response->length);
    assert_true(rind_is_ok(rind_noise_decrypt(&run->ctx, &mirror->client, *response, plaintext)));
    struct rind_slice normalized =
        run_normalize(run, exchange, rind_slice_make(plaintext, response->length - 16));
    assert_true(rind_is_ok(
        rind_noise_decrypt(&run->ctx, &mirror->realm, request, run_alloc(run, request.length))));
    uint8_t *resealed = run_alloc(run, normalized.length + 16);
    assert_true(rind_is_ok(rind_noise_encrypt(&run->ctx, &mirror->realm, normalized, resealed)));
    *response = rind_slice_make(resealed, normalized.length + 16);
}

/* The core's answer to a client request: what a balancer would send back, or a refusal's kind. */
static enum rind_client_response_kind run_ask_core(struct realm *realm,
                                                   const struct rind_client_request *body,
                                                   const struct rind_record_id *record_id,
                                                   struct rind_noise_response *response)
{
    struct cluster_client client;
    cluster_client_init(&client, 0, record_id);
    client.session_id = body->session_id;
    if (body->kind == RIND_CLIENT_REQUEST_HANDSHAKE_ONLY) {
        struct rind_hsm_request request = {
            .kind = RIND_HSM_REQUEST_HANDSHAKE_REQUEST,
            .handshake = {.realm = body->realm,
                          .group = realm->group,
                          .record_id = *record_id,
                          .session_id = body->session_id,
                          .handshake = body->encrypted.handshake.handshake}};
        struct rind_hsm_handshake_response answer;
        cluster_send(realm->cluster, 0, &request, &answer);
        assert_int_equal(answer.kind, RIND_HSM_HANDSHAKE_OK);
        response->kind = RIND_NOISE_RESPONSE_HANDSHAKE;
        response->handshake.handshake = answer.ok.noise;
        response->handshake.session_lifetime = answer.ok.session_lifetime;
        return RIND_CLIENT_RESPONSE_OK;
    }
    struct rind_hsm_app_response answer =
        cluster_app(realm->cluster, 0, &realm->group, &client, &body->encrypted);
    if (answer.kind == RIND_HSM_APP_MISSING_SESSION) {
        return RIND_CLIENT_RESPONSE_MISSING_SESSION;
    }
    assert_int_equal(answer.kind, RIND_HSM_APP_OK);
    assert_true(cluster_append(realm->cluster, &realm->group, &answer.ok.entry, &answer.ok.delta));
    struct rind_hsm_commit_response commit = cluster_commit(realm->cluster, 0, &realm->group);
    const struct rind_released_response *released =
        cluster_released(&commit, &answer.ok.entry.entry_mac);
    assert_non_null(released);
    *response = released->response;
    return RIND_CLIENT_RESPONSE_OK;
}

static struct rind_slice run_encode(struct run *run, const struct rind_client_response *response)
{
    struct rind_slice bytes;
    assert_true(rind_is_ok(
        rind_wire_encode_alloc(&run->ctx, &rind_client_response_schema, response, &bytes)));
    return bytes;
}

static void run_compare(struct run *run, struct realm *realm, const json_t *exchange,
                        const struct rind_client_request *body,
                        const struct rind_record_id *record_id,
                        struct rind_client_response *response)
{
    struct rind_slice recorded = rind_vectors_hex(exchange, "response_body", &run->arena);
    run->identical_count += rind_slice_equal(run_encode(run, response), recorded) ? 1 : 0;
    struct mirror *mirror = realm_find_mirror(realm, record_id, body->session_id);
    if (response->kind != RIND_CLIENT_RESPONSE_OK) {
        assert_true(rind_slice_equal(run_encode(run, response), recorded));
    } else if (body->encrypted.kind == RIND_NOISE_REQUEST_HANDSHAKE) {
        run_reseal_handshake(run, realm, exchange, &body->encrypted.handshake.handshake, mirror,
                             &response->ok.handshake.handshake);
    } else {
        run_reseal_transport(run, exchange, body->encrypted.transport.ciphertext, mirror,
                             &response->ok.transport.ciphertext);
    }
    if (!rind_slice_equal(run_encode(run, response), recorded)) {
        fail_msg("exchange %d differs", (int)rind_vectors_integer(exchange, "seq"));
    }
    run->compared_count++;
}

static void run_exchange(struct run *run, const json_t *exchange)
{
    struct realm *realm = run_find_realm(run, rind_vectors_text(exchange, "realm"));
    bool is_before_the_core = json_object_get(exchange, "inject") != NULL;
    if (realm == NULL || is_before_the_core ||
        json_object_get(exchange, "client_response") == NULL ||
        strcmp(rind_vectors_text(exchange, "client_response"), "InvalidAuth") == 0) {
        return; /* software realms, and what a balancer answers itself */
    }
    if (json_is_true(json_object_get(exchange, "forget_sessions"))) {
        (void)cluster_step_down(realm->cluster, 0, &realm->group, false);
        cluster_lead(realm->cluster, 0, &realm->group);
    }
    struct rind_slice request = rind_vectors_hex(exchange, "request_body", &run->arena);
    struct rind_client_request body;
    assert_true(rind_is_ok(
        rind_wire_decode_strict(&run->ctx, &rind_client_request_schema, request, &body)));
    struct rind_record_id record_id = run_record_id(run, exchange);
    struct cluster_random *random = &realm->cluster->hsms[0].random;
    random->script = json_object_get(exchange, "realm_random") != NULL
                         ? rind_vectors_hex(exchange, "realm_random", &run->arena)
                         : rind_slice_make(NULL, 0);
    struct rind_client_response response = {0};
    response.kind = run_ask_core(realm, &body, &record_id, &response.ok);
    assert_int_equal(random->script.length, 0); /* all recorded randomness was drawn, first */
    run_compare(run, realm, exchange, &body, &record_id, &response);
}

static void the_core_answers_the_recorded_sdk_as_the_recorded_realm_did(void **state)
{
    (void)state;
    struct run *run = calloc(1, sizeof(*run));
    rind_arena_init(&run->arena, malloc(64u << 20), 64u << 20);
    rind_ctx_init(&run->ctx, &run->arena);
    run->file = rind_vectors_load("client-protocol-sdk-recording.json");
    size_t index;
    json_t *item;
    json_array_foreach(rind_vectors_get(run->file, "realms"), index, item)
    {
        if (strcmp(rind_vectors_text(item, "kind"), "hardware") == 0) {
            assert_true(run->realm_count < REALMS_MAX);
            realm_open(&run->realms[run->realm_count++], item);
        }
    }
    json_array_foreach(rind_vectors_get(run->file, "exchanges"), index, item)
    {
        run_exchange(run, item);
    }
    assert_int_equal(run->compared_count, 96);
    assert_true(run->identical_count >= 30); /* handshakes, and long responses */
    for (size_t i = 0; i < run->realm_count; i++) {
        cluster_free(run->realms[i].cluster);
    }
    free(run->arena.memory);
    json_decref(run->file);
    free(run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_core_answers_the_recorded_sdk_as_the_recorded_realm_did),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
