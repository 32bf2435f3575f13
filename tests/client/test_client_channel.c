/*
 * What a realm may say inside an honest Noise channel: paddings, payloads and messages out of
 * place. Spec: docs/spec/01-client-protocol.md sections 3.3, 4.3 and 5.
 */
#include "client/client.h"

#include <string.h>

#include "base/base.h"
#include "crypto/crypto.h"
#include "support/test.h"
#include "wire/wire.h"

#define PLAINTEXT_SIZE_MAX 1024u

/* A realm that says whatever it is told to. */
struct speaker {
    struct rind_x25519_secret secret;
    struct rind_x25519_public public_key;
    struct rind_noise_session session;
    uint8_t plaintext[PLAINTEXT_SIZE_MAX]; /* of the next answers */
    size_t plaintext_size;
    bool answers_out_of_place; /* a transport message to a handshake and the other way round */
    bool flips_a_bit;
    size_t ephemeral_size; /* of its answer to a handshake */
    bool has_lifetime_zero;
    unsigned request_count;
};

static void speaker_reply(struct speaker *speaker, struct rind_ctx *ctx,
                          const struct rind_noise_response *reply,
                          struct rind_transport_response *response)
{
    struct rind_client_response envelope = {.kind = RIND_CLIENT_RESPONSE_OK, .ok = *reply};
    if (speaker->answers_out_of_place) {
        struct rind_slice any = rind_slice_text("whatever it is, it is not what was asked");
        bool is_handshake = reply->kind == RIND_NOISE_RESPONSE_HANDSHAKE;
        memset(&envelope.ok, 0, sizeof(envelope.ok));
        envelope.ok.kind =
            is_handshake ? RIND_NOISE_RESPONSE_TRANSPORT : RIND_NOISE_RESPONSE_HANDSHAKE;
        if (is_handshake) {
            envelope.ok.transport.ciphertext = any;
        } else {
            envelope.ok.handshake.handshake.server_ephemeral_public = any;
            envelope.ok.handshake.handshake.payload_ciphertext = any;
        }
    }
    struct rind_buffer buffer;
    rind_buffer_init(&buffer, response->body, sizeof(response->body));
    assert_true(
        rind_is_ok(rind_wire_encode(ctx, &rind_client_response_schema, &envelope, &buffer)));
    response->body_size = buffer.length;
    response->status = 200;
}

static void speaker_handshake(struct speaker *speaker, struct rind_ctx *ctx,
                              const struct rind_handshake_request *request,
                              struct rind_transport_response *response)
{
    struct rind_noise_handshake handshake;
    struct rind_x25519_secret ephemeral = {{9}};
    struct rind_x25519_public ephemeral_public;
    uint8_t opened[2048];
    uint8_t sealed[PLAINTEXT_SIZE_MAX + RIND_NOISE_TAG_SIZE];
    uint8_t public_bytes[64] = {0};
    assert_true(rind_is_ok(rind_noise_realm_start(
        ctx, &handshake, RIND_NOISE_PROLOGUE_EMPTY, &speaker->secret, &speaker->public_key,
        request->client_ephemeral_public, request->payload_ciphertext, opened)));
    assert_true(rind_is_ok(rind_noise_realm_finish(
        ctx, &handshake, &ephemeral, rind_slice_make(speaker->plaintext, speaker->plaintext_size),
        &ephemeral_public, sealed, &speaker->session)));
    memcpy(public_bytes, ephemeral_public.bytes, sizeof(ephemeral_public.bytes));
    sealed[0] ^= speaker->flips_a_bit ? 1 : 0;
    struct rind_noise_response reply = {
        .kind = RIND_NOISE_RESPONSE_HANDSHAKE,
        .handshake = {
            .handshake = {.server_ephemeral_public =
                              rind_slice_make(public_bytes, speaker->ephemeral_size),
                          .payload_ciphertext = rind_slice_make(sealed, speaker->plaintext_size +
                                                                            RIND_NOISE_TAG_SIZE)},
            .session_lifetime = {speaker->has_lifetime_zero ? 0 : 5, 0},
        }};
    speaker_reply(speaker, ctx, &reply, response);
}

static void speaker_transport(struct speaker *speaker, struct rind_ctx *ctx,
                              struct rind_slice ciphertext,
                              struct rind_transport_response *response)
{
    uint8_t opened[2048];
    uint8_t sealed[PLAINTEXT_SIZE_MAX + RIND_NOISE_TAG_SIZE];
    assert_true(rind_is_ok(rind_noise_decrypt(ctx, &speaker->session, ciphertext, opened)));
    assert_true(rind_is_ok(
        rind_noise_encrypt(ctx, &speaker->session,
                           rind_slice_make(speaker->plaintext, speaker->plaintext_size), sealed)));
    sealed[0] ^= speaker->flips_a_bit ? 1 : 0;
    struct rind_noise_response reply = {
        .kind = RIND_NOISE_RESPONSE_TRANSPORT,
        .transport = {rind_slice_make(sealed, speaker->plaintext_size + RIND_NOISE_TAG_SIZE)}};
    speaker_reply(speaker, ctx, &reply, response);
}

static void speaker_send(void *self, const struct rind_transport_request *request,
                         struct rind_transport_response *response)
{
    struct speaker *speaker = self;
    uint8_t memory[8192];
    struct rind_arena arena;
    struct rind_ctx ctx;
    struct rind_client_request envelope;
    rind_arena_init(&arena, memory, sizeof(memory));
    rind_ctx_init(&ctx, &arena);
    speaker->request_count++;
    assert_true(rind_is_ok(rind_wire_decode_strict(
        &ctx, &rind_client_request_schema, rind_slice_make(request->body.data, request->body.size),
        &envelope)));
    if (envelope.encrypted.kind == RIND_NOISE_REQUEST_HANDSHAKE) {
        speaker_handshake(speaker, &ctx, &envelope.encrypted.handshake.handshake, response);
    } else {
        speaker_transport(speaker, &ctx, envelope.encrypted.transport.ciphertext, response);
    }
}

static struct rind_user *speaker_user(struct speaker *speaker)
{
    memset(speaker, 0, sizeof(*speaker));
    memset(speaker->secret.bytes, 0x77, sizeof(speaker->secret.bytes));
    rind_x25519_public_from_secret(&speaker->secret, &speaker->public_key);
    speaker->ephemeral_size = sizeof(speaker->public_key.bytes);
    struct rind_realm realm = {.id = {1}, .address = "https://h.example", .has_public_key = true};
    memcpy(realm.public_key, speaker->public_key.bytes, sizeof(realm.public_key));
    struct rind_auth_token token = {{1}, "alice"};
    struct rind_configuration *configuration =
        rind_configuration_new(&realm, 1, 1, 1, RIND_PIN_HASHING_FAST_INSECURE, NULL);
    struct rind_user_options options = {.configuration = configuration,
                                        .tokens = &token,
                                        .token_count = 1,
                                        .transport = {speaker_send, speaker}};
    struct rind_user *user = rind_user_new(&options, NULL);
    assert_non_null(user);
    rind_configuration_free(configuration);
    return user;
}

/* The next answers are `inner`, padded, saying it is `unpadded_length` long. */
static void speaker_say(struct speaker *speaker, const struct rind_secrets_response *inner,
                        uint16_t unpadded_length)
{
    struct rind_padded_secrets_response padded = {.unpadded_length = unpadded_length};
    struct rind_buffer buffer;
    rind_buffer_init(&buffer, padded.padded_bytes, sizeof(padded.padded_bytes));
    assert_true(rind_is_ok(rind_wire_encode(NULL, &rind_secrets_response_schema, inner, &buffer)));
    rind_buffer_init(&buffer, speaker->plaintext, sizeof(speaker->plaintext));
    assert_true(
        rind_is_ok(rind_wire_encode(NULL, &rind_padded_secrets_response_schema, &padded, &buffer)));
    speaker->plaintext_size = buffer.length;
}

/* Delete's good answer, whose encoding has 11 bytes. */
static void speaker_say_deleted(struct speaker *speaker, uint16_t unpadded_length)
{
    struct rind_secrets_response inner = {.kind = RIND_SECRETS_RESPONSE_DELETE,
                                          .delete = {RIND_DELETE_OK}};
    speaker_say(speaker, &inner, unpadded_length);
}

static void expect_delete(struct rind_user *user, enum rind_error expected)
{
    struct rind_failure failure;
    enum rind_error error = rind_user_delete(user, &failure);
    if (error != expected) {
        fail_msg("%s instead of %s: %s", rind_error_name(error), rind_error_name(expected),
                 failure.sentence);
    }
}

static void paddings_of_every_length_are_read_or_refused(void **state)
{
    (void)state;
    static const struct {
        uint16_t length;
        enum rind_error error;
    } cases[] = {{11, RIND_ERROR_NONE},        {0, RIND_ERROR_ASSERTION},
                 {10, RIND_ERROR_ASSERTION},   {12, RIND_ERROR_NONE}, /* bytes after it: ignored */
                 {436, RIND_ERROR_NONE},       {437, RIND_ERROR_ASSERTION},
                 {65535, RIND_ERROR_ASSERTION}};
    struct speaker speaker;
    struct rind_user *user = speaker_user(&speaker);
    for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
        /* Every other time in a transport message: the session is there then. */
        speaker_say_deleted(&speaker, cases[i / 2].length);
        expect_delete(user, cases[i / 2].error);
    }
    rind_user_free(user);
}

static void garbage_inside_the_channel_is_a_fault_and_not_retried(void **state)
{
    (void)state;
    struct speaker speaker;
    struct rind_user *user = speaker_user(&speaker);
    for (size_t size = 0; size <= 40; size += 20) {
        unsigned before = speaker.request_count;
        memset(speaker.plaintext, 0xff, sizeof(speaker.plaintext));
        speaker.plaintext_size = size;
        expect_delete(user, RIND_ERROR_ASSERTION);
        assert_int_equal(speaker.request_count, before + 1);
    }
    rind_user_free(user);
}

static void messages_out_of_place_are_faults(void **state)
{
    (void)state;
    struct speaker speaker;
    struct rind_user *user = speaker_user(&speaker);
    speaker_say_deleted(&speaker, 11);
    speaker.answers_out_of_place = true;
    expect_delete(user, RIND_ERROR_ASSERTION); /* to a handshake */
    speaker.answers_out_of_place = false;
    expect_delete(user, RIND_ERROR_NONE);
    speaker.answers_out_of_place = true;
    expect_delete(user, RIND_ERROR_ASSERTION); /* to a transport message */
    speaker.answers_out_of_place = false;
    expect_delete(user, RIND_ERROR_NONE);
    rind_user_free(user);
}

static void answers_that_do_not_decrypt_are_faults(void **state)
{
    (void)state;
    struct speaker speaker;
    struct rind_user *user = speaker_user(&speaker);
    speaker_say_deleted(&speaker, 11);
    speaker.flips_a_bit = true;
    expect_delete(user, RIND_ERROR_ASSERTION);
    speaker.flips_a_bit = false;
    expect_delete(user, RIND_ERROR_NONE);
    speaker.flips_a_bit = true;
    expect_delete(user, RIND_ERROR_ASSERTION);
    rind_user_free(user);
}

static void ephemeral_keys_of_other_sizes_are_faults(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 31, 33};
    for (size_t i = 0; i < 3; i++) {
        struct speaker speaker;
        struct rind_user *user = speaker_user(&speaker);
        speaker_say_deleted(&speaker, 11);
        speaker.ephemeral_size = sizes[i];
        expect_delete(user, RIND_ERROR_ASSERTION);
        rind_user_free(user);
    }
}

static void a_payload_in_the_answer_to_an_empty_handshake_is_a_fault(void **state)
{
    (void)state;
    struct speaker speaker;
    struct rind_user *user = speaker_user(&speaker);
    /* Good as the answer to Register1; Register2, with no session left, asks with an empty
     * handshake. */
    struct rind_secrets_response inner = {.kind = RIND_SECRETS_RESPONSE_REGISTER1,
                                          .register1 = {RIND_REGISTER1_OK}};
    speaker_say(&speaker, &inner, 14);
    speaker.has_lifetime_zero = true;
    struct rind_failure failure;
    assert_int_equal(
        rind_user_register(user, RIND_TEXT("1"), RIND_TEXT("2"), RIND_TEXT(""), 3, &failure),
        RIND_ERROR_ASSERTION);
    assert_non_null(strstr(failure.sentence, "more than was asked"));
    assert_int_equal(speaker.request_count, 2);
    rind_user_free(user);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paddings_of_every_length_are_read_or_refused),
        cmocka_unit_test(garbage_inside_the_channel_is_a_fault_and_not_retried),
        cmocka_unit_test(messages_out_of_place_are_faults),
        cmocka_unit_test(answers_that_do_not_decrypt_are_faults),
        cmocka_unit_test(ephemeral_keys_of_other_sizes_are_faults),
        cmocka_unit_test(a_payload_in_the_answer_to_an_empty_handshake_is_a_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
