/* X25519 and the Noise NK channel. */
#include "crypto/crypto.h"

#include "crypto/check.h"
#include "support/test.h"
#include "support/vectors.h"

static uint8_t memory[1 << 18];
static struct rind_arena arena;
static struct rind_ctx ctx;

/* One channel between a client and a realm with fixed keys. */
struct channel {
    struct rind_slice prologue;
    struct rind_x25519_secret static_secret;
    struct rind_x25519_public static_public;
    struct rind_x25519_secret client_ephemeral;
    struct rind_x25519_secret realm_ephemeral;
    struct rind_noise_handshake client_handshake;
    struct rind_noise_handshake realm_handshake;
    struct rind_noise_session client;
    struct rind_noise_session realm;
};

static int setup(void **state)
{
    (void)state;
    rind_arena_init(&arena, memory, sizeof(memory));
    rind_ctx_init(&ctx, &arena);
    return 0;
}

static void channel_load(struct channel *channel, const json_t *vector)
{
    memset(channel, 0, sizeof(*channel));
    channel->prologue = rind_vectors_hex(vector, "prologue", &arena);
    rind_vectors_hex_fixed(vector, "server_static_secret", channel->static_secret.bytes, 32);
    rind_vectors_hex_fixed(vector, "server_static_public", channel->static_public.bytes, 32);
    rind_vectors_hex_fixed(vector, "client_ephemeral_secret", channel->client_ephemeral.bytes, 32);
    rind_vectors_hex_fixed(vector, "server_ephemeral_secret", channel->realm_ephemeral.bytes, 32);
    struct rind_x25519_public derived;
    rind_x25519_public_from_secret(&channel->static_secret, &derived);
    assert_true(rind_x25519_public_equal(&derived, &channel->static_public));
}

static void channel_make(struct channel *channel)
{
    memset(channel, 0, sizeof(*channel));
    memset(channel->static_secret.bytes, 0x11, 32);
    memset(channel->client_ephemeral.bytes, 0x22, 32);
    memset(channel->realm_ephemeral.bytes, 0x33, 32);
    rind_x25519_public_from_secret(&channel->static_secret, &channel->static_public);
}

/* Splits a vector's handshake message into its two fields, whichever way it is written. */
static void message_parts(const json_t *message, struct rind_slice *public_key,
                          struct rind_slice *ciphertext)
{
    if (json_object_get(message, "wire") != NULL) {
        struct rind_slice wire = rind_vectors_hex(message, "wire", &arena);
        assert_true(wire.length >= 32);
        *public_key = rind_slice_make(wire.data, 32);
        *ciphertext = rind_slice_make(wire.data + 32, wire.length - 32);
    } else {
        *public_key = rind_vectors_hex(message, "ephemeral_public", &arena);
        *ciphertext = rind_vectors_hex(message, "payload_ciphertext", &arena);
    }
}

static void assert_slice(struct rind_slice expected, const void *bytes, size_t size)
{
    assert_int_equal(expected.length, size);
    assert_memory_equal(expected.data, bytes, size);
}

static void channel_handshake(struct channel *channel, const json_t *request,
                              const json_t *response)
{
    struct rind_slice public_key;
    struct rind_slice ciphertext;
    struct rind_x25519_public ephemeral;
    uint8_t sealed[2048];
    uint8_t opened[2048];

    struct rind_slice payload = rind_vectors_hex(request, "payload", &arena);
    message_parts(request, &public_key, &ciphertext);
    assert_ok(rind_noise_client_start(&ctx, &channel->client_handshake, channel->prologue,
                                      &channel->static_public, &channel->client_ephemeral, payload,
                                      &ephemeral, sealed));
    assert_slice(public_key, ephemeral.bytes, 32);
    assert_slice(ciphertext, sealed, payload.length + RIND_NOISE_TAG_SIZE);
    assert_ok(rind_noise_realm_start(&ctx, &channel->realm_handshake, channel->prologue,
                                     &channel->static_secret, &channel->static_public, public_key,
                                     ciphertext, opened));
    assert_slice(payload, opened, ciphertext.length - RIND_NOISE_TAG_SIZE);

    payload = rind_vectors_hex(response, "payload", &arena);
    message_parts(response, &public_key, &ciphertext);
    assert_ok(rind_noise_realm_finish(&ctx, &channel->realm_handshake, &channel->realm_ephemeral,
                                      payload, &ephemeral, sealed, &channel->realm));
    assert_slice(public_key, ephemeral.bytes, 32);
    assert_slice(ciphertext, sealed, payload.length + RIND_NOISE_TAG_SIZE);
    assert_ok(rind_noise_client_finish(&ctx, &channel->client_handshake, public_key, ciphertext,
                                       opened, &channel->client));
    assert_slice(payload, opened, ciphertext.length - RIND_NOISE_TAG_SIZE);
}

static void channel_transport(struct channel *channel, const json_t *message)
{
    bool is_request = strcmp(rind_vectors_text(message, "direction"), "client_to_server") == 0;
    struct rind_noise_session *sender = is_request ? &channel->client : &channel->realm;
    struct rind_noise_session *receiver = is_request ? &channel->realm : &channel->client;
    struct rind_slice payload = rind_vectors_hex(message, "payload", &arena);
    const char *key = json_object_get(message, "wire") != NULL ? "wire" : "ciphertext";
    struct rind_slice ciphertext = rind_vectors_hex(message, key, &arena);
    uint8_t sealed[2048];
    uint8_t opened[2048];
    assert_ok(rind_noise_encrypt(&ctx, sender, payload, sealed));
    assert_slice(ciphertext, sealed, payload.length + RIND_NOISE_TAG_SIZE);
    assert_ok(rind_noise_decrypt(&ctx, receiver, ciphertext, opened));
    assert_slice(payload, opened, payload.length);
}

static void run_vectors(const char *group, size_t count)
{
    json_t *root = rind_vectors_load("client-protocol-noise-nk.json");
    json_t *vectors = rind_vectors_get(root, group);
    assert_int_equal(json_array_size(vectors), count);
    size_t index;
    json_t *vector;
    json_array_foreach(vectors, index, vector)
    {
        static struct channel channel;
        rind_arena_reset(&arena);
        channel_load(&channel, vector);
        json_t *messages = rind_vectors_get(vector, "messages");
        channel_handshake(&channel, json_array_get(messages, 0), json_array_get(messages, 1));
        for (size_t i = 2; i < json_array_size(messages); i++) {
            channel_transport(&channel, json_array_get(messages, i));
        }
        const json_t *intermediate = json_object_get(vector, "intermediate");
        if (intermediate != NULL) {
            struct rind_noise_key key;
            rind_vectors_hex_fixed(intermediate, "key_client_to_server", key.bytes, 32);
            assert_true(rind_noise_key_equal(&key, &channel.client.send_key));
            assert_true(rind_noise_key_equal(&key, &channel.realm.receive_key));
            rind_vectors_hex_fixed(intermediate, "key_server_to_client", key.bytes, 32);
            assert_true(rind_noise_key_equal(&key, &channel.client.receive_key));
            assert_true(rind_noise_key_equal(&key, &channel.realm.send_key));
        }
    }
    json_decref(root);
}

static void published_vectors_hold_on_both_sides(void **state)
{
    (void)state;
    run_vectors("published", 7);
}

static void vectors_of_this_protocol_hold_on_both_sides(void **state)
{
    (void)state;
    run_vectors("profile", 2);
}

/* A whole handshake with the payloads "ping" and "pong" over made-up keys. */
static void channel_open(struct channel *channel)
{
    struct rind_x25519_public ephemeral;
    uint8_t sealed[4 + RIND_NOISE_TAG_SIZE];
    uint8_t opened[4];
    channel_make(channel);
    assert_ok(rind_noise_client_start(&ctx, &channel->client_handshake, RIND_NOISE_PROLOGUE_EMPTY,
                                      &channel->static_public, &channel->client_ephemeral,
                                      rind_slice_text("ping"), &ephemeral, sealed));
    assert_ok(rind_noise_realm_start(
        &ctx, &channel->realm_handshake, RIND_NOISE_PROLOGUE_EMPTY, &channel->static_secret,
        &channel->static_public, RIND_SLICE_OF(ephemeral.bytes), RIND_SLICE_OF(sealed), opened));
    assert_memory_equal(opened, "ping", 4);
    assert_ok(rind_noise_realm_finish(&ctx, &channel->realm_handshake, &channel->realm_ephemeral,
                                      rind_slice_text("pong"), &ephemeral, sealed,
                                      &channel->realm));
    assert_ok(rind_noise_client_finish(&ctx, &channel->client_handshake,
                                       RIND_SLICE_OF(ephemeral.bytes), RIND_SLICE_OF(sealed),
                                       opened, &channel->client));
    assert_memory_equal(opened, "pong", 4);
    /* Both handshakes are consumed. */
    assert_true(rind_ct_is_zero(&channel->client_handshake, sizeof(channel->client_handshake)));
    assert_true(rind_ct_is_zero(&channel->realm_handshake, sizeof(channel->realm_handshake)));
}

static void realm_refuses_a_request_with_any_bit_flipped(void **state)
{
    (void)state;
    struct channel channel;
    struct rind_x25519_public ephemeral;
    uint8_t sealed[4 + RIND_NOISE_TAG_SIZE];
    uint8_t opened[4];
    channel_make(&channel);
    assert_ok(rind_noise_client_start(&ctx, &channel.client_handshake, RIND_NOISE_PROLOGUE_EMPTY,
                                      &channel.static_public, &channel.client_ephemeral,
                                      rind_slice_text("ping"), &ephemeral, sealed));
    for (unsigned bit = 0; bit < 8u * (32u + sizeof(sealed)); bit++) {
        uint8_t *byte = bit < 256 ? &ephemeral.bytes[bit / 8] : &sealed[bit / 8 - 32];
        *byte ^= (uint8_t)(1u << (bit % 8));
        assert_code(rind_noise_realm_start(&ctx, &channel.realm_handshake,
                                           RIND_NOISE_PROLOGUE_EMPTY, &channel.static_secret,
                                           &channel.static_public, RIND_SLICE_OF(ephemeral.bytes),
                                           RIND_SLICE_OF(sealed), opened),
                    RIND_E_AUTH);
        assert_true(rind_ct_is_zero(&channel.realm_handshake, sizeof(channel.realm_handshake)));
        *byte ^= (uint8_t)(1u << (bit % 8));
    }
}

static void client_refuses_a_response_with_any_bit_flipped(void **state)
{
    (void)state;
    struct channel channel;
    struct rind_x25519_public request_ephemeral;
    struct rind_x25519_public ephemeral;
    uint8_t request[RIND_NOISE_TAG_SIZE];
    uint8_t response[RIND_NOISE_TAG_SIZE];
    uint8_t opened[1];
    channel_make(&channel);
    assert_ok(rind_noise_client_start(&ctx, &channel.client_handshake, RIND_NOISE_PROLOGUE_EMPTY,
                                      &channel.static_public, &channel.client_ephemeral,
                                      rind_slice_make(NULL, 0), &request_ephemeral, request));
    assert_ok(rind_noise_realm_start(&ctx, &channel.realm_handshake, RIND_NOISE_PROLOGUE_EMPTY,
                                     &channel.static_secret, &channel.static_public,
                                     RIND_SLICE_OF(request_ephemeral.bytes), RIND_SLICE_OF(request),
                                     opened));
    assert_ok(rind_noise_realm_finish(&ctx, &channel.realm_handshake, &channel.realm_ephemeral,
                                      rind_slice_make(NULL, 0), &ephemeral, response,
                                      &channel.realm));
    for (unsigned bit = 0; bit < 8u * (32u + sizeof(response)); bit++) {
        struct rind_noise_handshake handshake = channel.client_handshake;
        uint8_t *byte = bit < 256 ? &ephemeral.bytes[bit / 8] : &response[bit / 8 - 32];
        *byte ^= (uint8_t)(1u << (bit % 8));
        assert_code(rind_noise_client_finish(&ctx, &handshake, RIND_SLICE_OF(ephemeral.bytes),
                                             RIND_SLICE_OF(response), opened, &channel.client),
                    RIND_E_AUTH);
        *byte ^= (uint8_t)(1u << (bit % 8));
    }
}

static void ephemeral_keys_of_other_sizes_are_undecodable(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 31, 33};
    uint8_t bytes[64] = {9};
    uint8_t opened[64];
    for (size_t i = 0; i < 3; i++) {
        struct channel channel;
        struct rind_x25519_public ephemeral;
        uint8_t sealed[RIND_NOISE_TAG_SIZE];
        channel_make(&channel);
        assert_code(rind_noise_realm_start(&ctx, &channel.realm_handshake,
                                           RIND_NOISE_PROLOGUE_EMPTY, &channel.static_secret,
                                           &channel.static_public, rind_slice_make(bytes, sizes[i]),
                                           RIND_SLICE_OF(bytes), opened),
                    RIND_E_DECODE);
        assert_ok(rind_noise_client_start(
            &ctx, &channel.client_handshake, RIND_NOISE_PROLOGUE_EMPTY, &channel.static_public,
            &channel.client_ephemeral, rind_slice_make(NULL, 0), &ephemeral, sealed));
        assert_code(rind_noise_client_finish(&ctx, &channel.client_handshake,
                                             rind_slice_make(bytes, sizes[i]), RIND_SLICE_OF(bytes),
                                             opened, &channel.client),
                    RIND_E_DECODE);
    }
}

static void ciphertexts_shorter_than_a_tag_are_refused(void **state)
{
    (void)state;
    struct channel channel;
    uint8_t bytes[RIND_NOISE_TAG_SIZE] = {0};
    uint8_t opened[1];
    channel_make(&channel);
    struct rind_x25519_public ephemeral;
    rind_x25519_public_from_secret(&channel.client_ephemeral, &ephemeral);
    for (size_t size = 0; size < RIND_NOISE_TAG_SIZE; size++) {
        assert_code(rind_noise_realm_start(&ctx, &channel.realm_handshake,
                                           RIND_NOISE_PROLOGUE_EMPTY, &channel.static_secret,
                                           &channel.static_public, RIND_SLICE_OF(ephemeral.bytes),
                                           rind_slice_make(bytes, size), opened),
                    RIND_E_AUTH);
        channel_open(&channel);
        assert_code(rind_noise_decrypt(&ctx, &channel.realm, rind_slice_make(bytes, size), opened),
                    RIND_E_AUTH);
    }
}

static void transport_messages_are_refused_when_replayed_reordered_or_reflected(void **state)
{
    (void)state;
    struct channel channel;
    uint8_t first[1 + RIND_NOISE_TAG_SIZE];
    uint8_t second[1 + RIND_NOISE_TAG_SIZE];
    uint8_t opened[1];
    channel_open(&channel);
    assert_ok(rind_noise_encrypt(&ctx, &channel.client, rind_slice_text("1"), first));
    assert_ok(rind_noise_encrypt(&ctx, &channel.client, rind_slice_text("2"), second));
    struct rind_noise_session realm = channel.realm;
    assert_code(rind_noise_decrypt(&ctx, &realm, RIND_SLICE_OF(second), opened), RIND_E_AUTH);
    realm = channel.realm;
    assert_ok(rind_noise_decrypt(&ctx, &realm, RIND_SLICE_OF(first), opened));
    assert_code(rind_noise_decrypt(&ctx, &realm, RIND_SLICE_OF(first), opened), RIND_E_AUTH);
    assert_code(rind_noise_decrypt(&ctx, &channel.client, RIND_SLICE_OF(first), opened),
                RIND_E_AUTH);
}

static void a_failed_decryption_uses_up_its_counter_value(void **state)
{
    (void)state;
    struct channel channel;
    uint8_t sealed[1 + RIND_NOISE_TAG_SIZE];
    uint8_t opened[1];
    channel_open(&channel);
    assert_ok(rind_noise_encrypt(&ctx, &channel.client, rind_slice_text("1"), sealed));
    sealed[0] ^= 1;
    assert_code(rind_noise_decrypt(&ctx, &channel.realm, RIND_SLICE_OF(sealed), opened),
                RIND_E_AUTH);
    sealed[0] ^= 1;
    assert_int_equal(channel.realm.receive_nonce, 1);
    assert_code(rind_noise_decrypt(&ctx, &channel.realm, RIND_SLICE_OF(sealed), opened),
                RIND_E_AUTH);
}

static void the_last_counter_value_is_never_used(void **state)
{
    (void)state;
    struct channel channel;
    uint8_t sealed[1 + RIND_NOISE_TAG_SIZE];
    uint8_t opened[1];
    channel_open(&channel);
    channel.client.send_nonce = UINT64_MAX - 1;
    channel.realm.receive_nonce = UINT64_MAX - 1;
    assert_ok(rind_noise_encrypt(&ctx, &channel.client, rind_slice_text("1"), sealed));
    assert_ok(rind_noise_decrypt(&ctx, &channel.realm, RIND_SLICE_OF(sealed), opened));
    assert_code(rind_noise_encrypt(&ctx, &channel.client, rind_slice_text("1"), sealed),
                RIND_E_LIMIT);
    assert_code(rind_noise_decrypt(&ctx, &channel.realm, RIND_SLICE_OF(sealed), opened),
                RIND_E_LIMIT);
}

/* The nonce is 4 zero bytes and the little-endian counter, checked where bytes differ: 256. */
static void counters_enter_the_nonce_little_endian(void **state)
{
    (void)state;
    static const uint64_t counters[] = {0, 1, 2, 256};
    struct channel channel;
    uint8_t sealed[4][RIND_NOISE_TAG_SIZE];
    uint8_t opened[1];
    channel_open(&channel);
    for (size_t i = 0; i < 4; i++) {
        channel.client.send_nonce = counters[i];
        channel.realm.receive_nonce = counters[i];
        assert_ok(rind_noise_encrypt(&ctx, &channel.client, rind_slice_make(NULL, 0), sealed[i]));
        assert_ok(rind_noise_decrypt(&ctx, &channel.realm, RIND_SLICE_OF(sealed[i]), opened));
        for (size_t j = 0; j < i; j++) {
            assert_memory_not_equal(sealed[i], sealed[j], RIND_NOISE_TAG_SIZE);
        }
    }
}

/* All points of low order below 2^255 (cr.yp.to/ecdh.html); X25519 ignores the highest bit. */
static const char *const low_order_points[] = {
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
};
#define LOW_ORDER_POINTS_COUNT (sizeof(low_order_points) / sizeof(low_order_points[0]))

static void low_order_x25519_keys_are_refused_everywhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * LOW_ORDER_POINTS_COUNT; i++) {
        struct channel channel;
        struct rind_x25519_public point;
        struct rind_x25519_public ephemeral;
        struct rind_x25519_shared shared;
        uint8_t sealed[RIND_NOISE_TAG_SIZE];
        uint8_t opened[1];
        rind_arena_reset(&arena);
        struct rind_slice bytes = bytes_of_hex(&arena, low_order_points[i / 2]);
        memcpy(point.bytes, bytes.data, 32);
        point.bytes[31] |= (uint8_t)(i % 2 << 7);
        bytes = RIND_SLICE_OF(point.bytes);
        channel_make(&channel);
        assert_code(rind_x25519(&ctx, &channel.static_secret, &point, &shared), RIND_E_AUTH);
        assert_code(rind_noise_client_start(
                        &ctx, &channel.client_handshake, RIND_NOISE_PROLOGUE_EMPTY, &point,
                        &channel.client_ephemeral, rind_slice_make(NULL, 0), &ephemeral, sealed),
                    RIND_E_AUTH);
        assert_code(rind_noise_realm_start(&ctx, &channel.realm_handshake,
                                           RIND_NOISE_PROLOGUE_EMPTY, &channel.static_secret,
                                           &channel.static_public, bytes, RIND_SLICE_OF(sealed),
                                           opened),
                    RIND_E_AUTH);
        assert_ok(rind_noise_client_start(
            &ctx, &channel.client_handshake, RIND_NOISE_PROLOGUE_EMPTY, &channel.static_public,
            &channel.client_ephemeral, rind_slice_make(NULL, 0), &ephemeral, sealed));
        assert_code(rind_noise_client_finish(&ctx, &channel.client_handshake, bytes,
                                             RIND_SLICE_OF(sealed), opened, &channel.client),
                    RIND_E_AUTH);
    }
}

/* RFC 7748 section 5.2: the iterated test, after one and after a thousand rounds. */
static void x25519_is_that_of_rfc_7748(void **state)
{
    (void)state;
    struct rind_x25519_secret k = {{9}};
    struct rind_x25519_public u = {{9}};
    for (unsigned round = 1; round <= 1000; round++) {
        struct rind_x25519_shared shared;
        assert_ok(rind_x25519(&ctx, &k, &u, &shared));
        memcpy(u.bytes, k.bytes, 32);
        memcpy(k.bytes, shared.bytes, 32);
        if (round == 1) {
            assert_slice(bytes_of_hex(&arena, "422c8e7a6227d7bca1350b3e2bb7279f"
                                              "7897b87bb6854b783c60e80311ae3079"),
                         k.bytes, 32);
        }
    }
    assert_slice(bytes_of_hex(&arena, "684cf59ba83309552800ef566f2f4d3c"
                                      "1c3887c49360e3875f2eb94d99532c51"),
                 k.bytes, 32);
}

static void clamping_a_secret_beforehand_changes_nothing(void **state)
{
    (void)state;
    struct rind_x25519_secret secret = {{0xff, 1, 2}};
    struct rind_x25519_public from_raw;
    struct rind_x25519_public from_clamped;
    rind_x25519_public_from_secret(&secret, &from_raw);
    secret.bytes[0] &= 248;
    secret.bytes[31] = (uint8_t)((secret.bytes[31] & 127) | 64);
    rind_x25519_public_from_secret(&secret, &from_clamped);
    assert_true(rind_x25519_public_equal(&from_raw, &from_clamped));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(published_vectors_hold_on_both_sides, setup),
        cmocka_unit_test_setup(vectors_of_this_protocol_hold_on_both_sides, setup),
        cmocka_unit_test_setup(realm_refuses_a_request_with_any_bit_flipped, setup),
        cmocka_unit_test_setup(client_refuses_a_response_with_any_bit_flipped, setup),
        cmocka_unit_test_setup(ephemeral_keys_of_other_sizes_are_undecodable, setup),
        cmocka_unit_test_setup(ciphertexts_shorter_than_a_tag_are_refused, setup),
        cmocka_unit_test_setup(transport_messages_are_refused_when_replayed_reordered_or_reflected,
                               setup),
        cmocka_unit_test_setup(a_failed_decryption_uses_up_its_counter_value, setup),
        cmocka_unit_test_setup(the_last_counter_value_is_never_used, setup),
        cmocka_unit_test_setup(counters_enter_the_nonce_little_endian, setup),
        cmocka_unit_test_setup(low_order_x25519_keys_are_refused_everywhere, setup),
        cmocka_unit_test_setup(x25519_is_that_of_rfc_7748, setup),
        cmocka_unit_test_setup(clamping_a_secret_beforehand_changes_nothing, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
