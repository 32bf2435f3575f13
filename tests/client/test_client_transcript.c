/*
 * The transcript vectors: a registration and a recovery over three software realms with every
 * random value fixed. The scalars are given reduced, so the world hands them out padded to 64
 * bytes.
 */
#include "client/client.h"

#include <pthread.h>
#include <string.h>

#include "base/base.h"
#include "support/test.h"
#include "support/vectors.h"

#define RANDOM_SIZE_MAX 1024u

struct transcript {
    json_t *root;
    pthread_mutex_t lock;
    uint8_t random[RANDOM_SIZE_MAX];
    size_t random_size;
    size_t random_used;
    unsigned request_count;
    uint8_t memory[1 << 18];
    struct rind_arena arena;
};

static struct transcript transcript;

static void draw(void *self, const struct rind_realm_id *realm, void *bytes, size_t size)
{
    (void)self;
    assert_null(realm); /* software realms have no sessions */
    assert_true(transcript.random_used + size <= transcript.random_size);
    memcpy(bytes, transcript.random + transcript.random_used, size);
    transcript.random_used += size;
}

static uint64_t now_ms(void *self)
{
    (void)self;
    return 0;
}

static void sleep_ms(void *self, uint32_t duration_ms)
{
    (void)self;
    (void)duration_ms;
    fail_msg("nothing is to be retried");
}

/* Appends a member as the next draw, zeros behind it up to `size`: wide(x || 0) = x. */
static void add_draw(const json_t *hex, size_t size)
{
    struct rind_slice bytes = rind_vectors_hex_of(hex, &transcript.arena);
    assert_true(bytes.length <= size && transcript.random_size + size <= RANDOM_SIZE_MAX);
    memset(transcript.random + transcript.random_size, 0, size);
    memcpy(transcript.random + transcript.random_size, bytes.data, bytes.length);
    transcript.random_size += size;
}

static void add_member_draw(const char *key, size_t size)
{
    add_draw(rind_vectors_get(transcript.root, key), size);
}

static const json_t *realm_of(const struct rind_transport_request *request)
{
    size_t index = (size_t)(request->url[strlen("https://r")] - '0');
    return json_array_get(rind_vectors_get(transcript.root, "realms"), index);
}

static void answer(struct rind_transport_response *response, struct rind_slice body)
{
    memcpy(response->body, body.data, body.length);
    response->body_size = body.length;
    response->status = 200;
}

static void send_request(void *self, const struct rind_transport_request *request,
                         struct rind_transport_response *response)
{
    (void)self;
    static const char *const phases[] = {"register2", "recover1", "recover2", "recover3"};
    struct rind_slice body = rind_slice_make(request->body.data, request->body.size);
    const json_t *realm = realm_of(request);
    pthread_mutex_lock(&transcript.lock);
    transcript.request_count++;
    bool is_known = false;
    if (rind_slice_equal(body, rind_slice_text("iRegister1"))) {
        answer(response, rind_slice_text("\xa1iRegister1\x62Ok"));
        is_known = true;
    } else if (rind_slice_equal(body, rind_slice_text("hRecover1"))) {
        answer(response, rind_vectors_hex(realm, "recover1_response", &transcript.arena));
        is_known = true;
    }
    for (size_t i = 0; i < sizeof(phases) / sizeof(phases[0]) && !is_known; i++) {
        char key[32];
        (void)snprintf(key, sizeof(key), "%s_request", phases[i]);
        const json_t *expected = json_object_get(realm, key);
        if (expected != NULL &&
            rind_slice_equal(body, rind_vectors_hex_of(expected, &transcript.arena))) {
            (void)snprintf(key, sizeof(key), "%s_response", phases[i]);
            answer(response, json_object_get(realm, key) != NULL
                                 ? rind_vectors_hex(realm, key, &transcript.arena)
                                 : rind_slice_text("\xa1iRegister2\x62Ok"));
            is_known = true;
        }
    }
    pthread_mutex_unlock(&transcript.lock);
    if (!is_known) {
        fail_msg("a request of %zu bytes to %s is not in the transcript", body.length,
                 request->url);
    }
}

static struct rind_user *open_user(void)
{
    static const char *const addresses[] = {"https://r0.example", "https://r1.example",
                                            "https://r2.example"};
    struct rind_realm realms[3];
    struct rind_auth_token tokens[3];
    memset(&transcript, 0, sizeof(transcript));
    pthread_mutex_init(&transcript.lock, NULL);
    rind_arena_init(&transcript.arena, transcript.memory, sizeof(transcript.memory));
    transcript.root = rind_vectors_load("client-protocol-transcript.json");
    for (size_t i = 0; i < 3; i++) {
        const json_t *realm = json_array_get(rind_vectors_get(transcript.root, "realms"), i);
        realms[i] = (struct rind_realm){.address = addresses[i]};
        rind_vectors_hex_fixed(realm, "realm_id", realms[i].id, sizeof(realms[i].id));
        memcpy(tokens[i].realm_id, realms[i].id, sizeof(realms[i].id));
        tokens[i].jwt = "token";
    }
    struct rind_configuration *configuration =
        rind_configuration_new(realms, 3, 3, 2, RIND_PIN_HASHING_FAST_INSECURE, NULL);
    struct rind_user_options options = {.configuration = configuration,
                                        .tokens = tokens,
                                        .token_count = 3,
                                        .transport = {send_request, NULL}};
    struct rind_sdk_world world = {draw, now_ms, sleep_ms, NULL, 60000};
    struct rind_user *user = rind_user_new_in(&world, &options, NULL);
    assert_non_null(user);
    rind_configuration_free(configuration);
    return user;
}

static void close_user(struct rind_user *user)
{
    rind_user_free(user);
    json_decref(transcript.root);
    pthread_mutex_destroy(&transcript.lock);
}

static struct rind_bytes member(const char *key)
{
    struct rind_slice bytes = rind_vectors_hex(transcript.root, key, &transcript.arena);
    return (struct rind_bytes){bytes.data, bytes.length};
}

static void registration_sends_the_requests_of_the_transcript(void **state)
{
    (void)state;
    struct rind_user *user = open_user();
    add_member_draw("version", 16);
    add_member_draw("oprf_root_key", 64);
    add_draw(json_array_get(rind_vectors_get(transcript.root, "oprf_root_coefficients"), 0), 64);
    add_member_draw("signing_key_seed", 32);
    add_member_draw("encryption_key_scalar", 64);
    add_draw(
        json_array_get(rind_vectors_get(transcript.root, "encryption_key_scalar_coefficients"), 0),
        64);
    struct rind_failure failure;
    enum rind_error error = rind_user_register(
        user, member("pin"), member("secret"), member("user_info"),
        (uint16_t)rind_vectors_integer(transcript.root, "num_guesses"), &failure);
    if (error != RIND_ERROR_NONE) {
        fail_msg("%s", failure.sentence);
    }
    assert_int_equal(transcript.request_count, 6);
    assert_int_equal(transcript.random_used, transcript.random_size);
    close_user(user);
}

static void recovery_sends_the_requests_of_the_transcript_and_finds_the_secret(void **state)
{
    (void)state;
    struct rind_user *user = open_user();
    add_member_draw("blinding_factor", 64);
    struct rind_failure failure;
    struct rind_recovered recovered;
    if (rind_user_recover(user, member("pin"), member("user_info"), &recovered, &failure) !=
        RIND_ERROR_NONE) {
        fail_msg("%s", failure.sentence);
    }
    struct rind_bytes secret = member("secret");
    assert_int_equal(recovered.secret_size, secret.size);
    assert_memory_equal(recovered.secret, secret.data, secret.size);
    assert_int_equal(transcript.request_count, 9);
    close_user(user);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(registration_sends_the_requests_of_the_transcript),
        cmocka_unit_test(recovery_sends_the_requests_of_the_transcript_and_finds_the_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
