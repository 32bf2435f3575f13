/*
 * fuzz_client_answers.c - what a hostile realm answers to a client.
 *
 * Targets: rind_user_recover and rind_user_delete with everything below them, over one realm of
 * each kind. The input is a row of answers: a byte that chooses the status, two bytes of length,
 * the body. When it is used up, nobody answers any more. Every outcome but a crash, a hang or a
 * made-up secret is right.
 */
#include <stdint.h>

#include "base/base.h"
#include "client/client.h"

/* The answers that are left. */
struct answers {
    const uint8_t *data;
    size_t size;
};

static void answers_random(void *self, const struct rind_realm_id *realm, void *bytes, size_t size)
{
    (void)self;
    (void)realm;
    memset(bytes, 0x5a, size); /* equal input, equal run */
}

static uint64_t answers_now_ms(void *self)
{
    (void)self;
    return 0;
}

static void answers_sleep_ms(void *self, uint32_t duration_ms)
{
    (void)self;
    (void)duration_ms;
}

static void answers_send(void *self, const struct rind_transport_request *request,
                         struct rind_transport_response *response)
{
    static const uint16_t statuses[] = {200, 200, 200, 400, 401, 426, 429, 503, 0, 99};
    struct answers *answers = self;
    (void)request;
    if (answers->size < 3) {
        return;
    }
    size_t length = (size_t)answers->data[1] << 8 | answers->data[2];
    size_t left = answers->size - 3;
    length = length < left ? length : left;
    size_t kept = length < sizeof(response->body) ? length : sizeof(response->body);
    response->status = statuses[answers->data[0] % (sizeof(statuses) / sizeof(statuses[0]))];
    memcpy(response->body, answers->data + 3, kept);
    response->body_size = kept;
    answers->data += 3 + length;
    answers->size = left - length;
}

static void run(const uint8_t *data, size_t size, bool is_hardware)
{
    struct answers answers = {data, size};
    struct rind_realm realm = {.id = {1},
                               .address = "https://h.example",
                               .has_public_key = is_hardware,
                               .public_key = {9}};
    struct rind_auth_token token = {{1}, "token"};
    struct rind_configuration *configuration =
        rind_configuration_new(&realm, 1, 1, 1, RIND_PIN_HASHING_FAST_INSECURE, NULL);
    struct rind_user_options options = {.configuration = configuration,
                                        .tokens = &token,
                                        .token_count = 1,
                                        .transport = {answers_send, &answers}};
    struct rind_sdk_world world = {answers_random, answers_now_ms, answers_sleep_ms, NULL, 0};
    struct rind_user *user = rind_user_new_in(&world, &options, NULL);
    RIND_ASSERT(user != NULL);
    struct rind_recovered recovered;
    struct rind_failure failure;
    enum rind_error error =
        rind_user_recover(user, RIND_TEXT("1234"), RIND_TEXT("info"), &recovered, &failure);
    RIND_ASSERT(error != RIND_ERROR_NONE || recovered.secret_size <= RIND_SECRET_SIZE_MAX);
    RIND_ASSERT(error == failure.error);
    (void)rind_user_delete(user, &failure);
    rind_user_free(user);
    rind_configuration_free(configuration);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    run(data, size, false);
    run(data, size, true);
    return 0;
}
