/*
 * test_software_app.c - what requests do to records in a software realm: the table of 05 section
 * 13.3, and every exchange that the public SDK had with one (01 section 19.1).
 */
#include "software/app.h"

#include <sodium.h>
#include <string.h>

#include "support/test.h"
#include "support/vectors.h"

#define ARENA_SIZE (1u << 20)
#define USERS_MAX 16u

static uint8_t arena_memory[ARENA_SIZE];

struct world {
    struct rind_arena arena;
    struct rind_ctx ctx;
    struct rind_slice recorded; /* what random draws give; empty: zeros and ones */
    struct rind_random random;
    uint8_t record[RIND_SOFTWARE_RECORD_SIZE_MAX];
    size_t record_size;
    struct rind_secrets_response response; /* of the last request */
    bool has_changed;
};

static void random_fill(void *self, void *bytes, size_t size)
{
    struct world *world = self;
    memset(bytes, 1, size);
    if (world->recorded.length > 0) {
        assert_int_equal(size, world->recorded.length);
        memcpy(bytes, world->recorded.data, size);
    }
}

static int world_open(void **state)
{
    static struct world world;
    memset(&world, 0, sizeof(world));
    rind_arena_init(&world.arena, arena_memory, sizeof(arena_memory));
    rind_ctx_init(&world.ctx, &world.arena);
    world.random = (struct rind_random){random_fill, &world};
    *state = &world;
    return 0;
}

/* Applies a request to the world's record, keeps the new one, decodes the response. */
static void apply(struct world *world, const struct rind_secrets_request *request)
{
    struct rind_software_outcome outcome;
    rind_arena_reset(&world->arena);
    rind_status status =
        rind_software_apply(&world->ctx, &world->random, request,
                            rind_slice_make(world->record, world->record_size), &outcome);
    if (!rind_is_ok(status)) {
        fail_msg("%s", world->ctx.sentence);
    }
    world->has_changed = outcome.has_changed;
    if (outcome.has_changed) {
        assert_true(outcome.record.length <= sizeof(world->record));
        memcpy(world->record, outcome.record.data, outcome.record.length);
        world->record_size = outcome.record.length;
    }
    assert_true(rind_is_ok(rind_wire_decode_whole(&world->ctx, &rind_secrets_response_schema,
                                                  outcome.response, &world->response)));
}

static struct rind_registration_state record_of(struct world *world)
{
    struct rind_registration_state record;
    assert_true(rind_is_ok(
        rind_wire_decode_whole(&world->ctx, &rind_software_record_schema,
                               rind_slice_make(world->record, world->record_size), &record)));
    return record;
}

static struct rind_secrets_request register2(uint16_t num_guesses)
{
    struct rind_secrets_request request = {.kind = RIND_SECRETS_REQUEST_REGISTER2};
    struct rind_register2_request *register2 = &request.register2;
    memset(register2->version, 7, sizeof(register2->version));
    register2->oprf_private_key[0] = 5;
    memset(register2->unlock_key_commitment, 2, sizeof(register2->unlock_key_commitment));
    memset(register2->unlock_key_tag, 3, sizeof(register2->unlock_key_tag));
    register2->encryption_key_scalar_share[0] = 9;
    memset(register2->encrypted_secret, 4, sizeof(register2->encrypted_secret));
    memset(register2->encrypted_secret_commitment, 6,
           sizeof(register2->encrypted_secret_commitment));
    register2->policy.num_guesses = num_guesses;
    return request;
}

static void apply_register2(struct world *world, uint16_t num_guesses)
{
    struct rind_secrets_request request = register2(num_guesses);
    apply(world, &request);
    assert_int_equal(world->response.kind, RIND_SECRETS_RESPONSE_REGISTER2);
    assert_true(world->has_changed);
}

static enum rind_recover1_response_kind apply_recover1(struct world *world)
{
    struct rind_secrets_request request = {.kind = RIND_SECRETS_REQUEST_RECOVER1};
    apply(world, &request);
    assert_int_equal(world->response.kind, RIND_SECRETS_RESPONSE_RECOVER1);
    return world->response.recover1.kind;
}

static enum rind_recover2_response_kind apply_recover2(struct world *world, uint8_t version)
{
    struct rind_secrets_request request = {.kind = RIND_SECRETS_REQUEST_RECOVER2};
    memset(request.recover2.version, version, sizeof(request.recover2.version));
    assert_true(rind_hex_decode(
        rind_slice_text("e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76"),
        request.recover2.oprf_blinded_input, sizeof(request.recover2.oprf_blinded_input)));
    apply(world, &request);
    assert_int_equal(world->response.kind, RIND_SECRETS_RESPONSE_RECOVER2);
    return world->response.recover2.kind;
}

static enum rind_recover3_response_kind apply_recover3(struct world *world, uint8_t version,
                                                       uint8_t tag)
{
    struct rind_secrets_request request = {.kind = RIND_SECRETS_REQUEST_RECOVER3};
    memset(request.recover3.version, version, sizeof(request.recover3.version));
    memset(request.recover3.unlock_key_tag, tag, sizeof(request.recover3.unlock_key_tag));
    apply(world, &request);
    assert_int_equal(world->response.kind, RIND_SECRETS_RESPONSE_RECOVER3);
    return world->response.recover3.kind;
}

static void apply_delete(struct world *world)
{
    struct rind_secrets_request request = {.kind = RIND_SECRETS_REQUEST_DELETE};
    apply(world, &request);
    assert_int_equal(world->response.kind, RIND_SECRETS_RESPONSE_DELETE);
}

/* ---- the table ---- */

static void nothing_is_written_for_users_who_are_not_there(void **state)
{
    struct world *world = *state;
    struct rind_secrets_request register1 = {.kind = RIND_SECRETS_REQUEST_REGISTER1};
    apply(world, &register1);
    assert_int_equal(world->response.kind, RIND_SECRETS_RESPONSE_REGISTER1);
    assert_false(world->has_changed);
    assert_int_equal(apply_recover1(world), RIND_RECOVER1_NOT_REGISTERED);
    assert_false(world->has_changed);
    assert_int_equal(apply_recover2(world, 7), RIND_RECOVER2_NOT_REGISTERED);
    assert_false(world->has_changed);
    assert_int_equal(apply_recover3(world, 7, 3), RIND_RECOVER3_NOT_REGISTERED);
    assert_false(world->has_changed);
    apply_delete(world);
    assert_false(world->has_changed);
}

static void a_registered_user_recovers(void **state)
{
    struct world *world = *state;
    apply_register2(world, 2);
    assert_int_equal(apply_recover1(world), RIND_RECOVER1_OK);
    assert_false(world->has_changed);
    assert_int_equal(world->response.recover1.ok.version[0], 7);
    assert_int_equal(apply_recover2(world, 7), RIND_RECOVER2_OK);
    assert_true(world->has_changed);
    assert_int_equal(world->response.recover2.ok.guess_count, 1);
    assert_int_equal(world->response.recover2.ok.num_guesses, 2);
    assert_int_equal(record_of(world).registered.guess_count, 1);
    assert_int_equal(apply_recover3(world, 7, 3), RIND_RECOVER3_OK);
    assert_true(world->has_changed);
    assert_int_equal(world->response.recover3.ok.encryption_key_scalar_share[0], 9);
    assert_int_equal(record_of(world).registered.guess_count, 0);
}

static void another_version_changes_nothing(void **state)
{
    struct world *world = *state;
    apply_register2(world, 2);
    assert_int_equal(apply_recover2(world, 8), RIND_RECOVER2_VERSION_MISMATCH);
    assert_false(world->has_changed);
    assert_int_equal(apply_recover3(world, 8, 3), RIND_RECOVER3_VERSION_MISMATCH);
    assert_false(world->has_changed);
}

static void the_last_wrong_tag_destroys_the_share(void **state)
{
    struct world *world = *state;
    apply_register2(world, 2);
    assert_int_equal(apply_recover2(world, 7), RIND_RECOVER2_OK);
    assert_int_equal(apply_recover3(world, 7, 99), RIND_RECOVER3_BAD_UNLOCK_KEY_TAG);
    assert_int_equal(world->response.recover3.bad_unlock_key_tag.guesses_remaining, 1);
    assert_int_equal(apply_recover2(world, 7), RIND_RECOVER2_OK);
    assert_int_equal(world->response.recover2.ok.guess_count, 2);
    assert_int_equal(apply_recover3(world, 7, 99), RIND_RECOVER3_BAD_UNLOCK_KEY_TAG);
    assert_int_equal(world->response.recover3.bad_unlock_key_tag.guesses_remaining, 0);
    assert_true(world->has_changed);
    /* The record is the specification's, byte for byte. */
    static const uint8_t no_guesses[] = {0xa1, 0x69, 'N', 'o', 'G', 'u',
                                         'e',  's',  's', 'e', 's', 0xa0};
    assert_int_equal(world->record_size, sizeof(no_guesses));
    assert_memory_equal(world->record, no_guesses, sizeof(no_guesses));
    assert_int_equal(apply_recover1(world), RIND_RECOVER1_NO_GUESSES);
    assert_int_equal(apply_recover2(world, 7), RIND_RECOVER2_NO_GUESSES);
    assert_int_equal(apply_recover3(world, 7, 3), RIND_RECOVER3_NO_GUESSES);
    assert_false(world->has_changed);
}

static void the_last_right_guess_still_counts(void **state)
{
    struct world *world = *state;
    apply_register2(world, 1);
    assert_int_equal(apply_recover2(world, 7), RIND_RECOVER2_OK);
    assert_int_equal(apply_recover3(world, 7, 3), RIND_RECOVER3_OK);
    assert_int_equal(record_of(world).registered.guess_count, 0);
}

static void used_up_guesses_destroy_the_share_at_the_next_touch(void **state)
{
    for (int touch = 1; touch <= 2; touch++) {
        struct world *world = *state;
        apply_register2(world, 1);
        assert_int_equal(apply_recover2(world, 7), RIND_RECOVER2_OK);
        if (touch == 1) {
            assert_int_equal(apply_recover1(world), RIND_RECOVER1_NO_GUESSES);
        } else {
            assert_int_equal(apply_recover2(world, 7), RIND_RECOVER2_NO_GUESSES);
        }
        assert_true(world->has_changed);
        assert_int_equal(record_of(world).kind, RIND_REGISTRATION_NO_GUESSES);
    }
    struct world *world = *state;
    apply_register2(world, 0); /* unusable at once */
    assert_int_equal(apply_recover1(world), RIND_RECOVER1_NO_GUESSES);
}

static void registering_and_deleting_work_in_every_state(void **state)
{
    struct world *world = *state;
    apply_register2(world, 0);
    assert_int_equal(apply_recover1(world), RIND_RECOVER1_NO_GUESSES);
    apply_register2(world, 3);
    assert_int_equal(apply_recover2(world, 7), RIND_RECOVER2_OK);
    apply_register2(world, 3);
    assert_int_equal(record_of(world).registered.guess_count, 0);
    apply_delete(world);
    assert_true(world->has_changed);
    assert_int_equal(record_of(world).kind, RIND_REGISTRATION_NOT_REGISTERED);
    apply_delete(world);
    assert_false(world->has_changed);
    assert_int_equal(apply_recover1(world), RIND_RECOVER1_NOT_REGISTERED);
}

static void counters_are_shown_as_they_are(void **state)
{
    struct world *world = *state;
    apply_register2(world, 300);
    for (unsigned i = 1; i <= 260; i++) {
        assert_int_equal(apply_recover2(world, 7), RIND_RECOVER2_OK);
        assert_int_equal(world->response.recover2.ok.guess_count, i);
        assert_int_equal(world->response.recover2.ok.num_guesses, 300);
    }
}

static void more_guesses_than_allowed_are_no_guesses_left(void **state)
{
    struct world *world = *state;
    apply_register2(world, 5);
    struct rind_registration_state record = record_of(world);
    record.registered.guess_count = 9;
    struct rind_buffer buffer;
    rind_buffer_init(&buffer, world->record, sizeof(world->record));
    assert_true(
        rind_is_ok(rind_wire_encode(&world->ctx, &rind_software_record_schema, &record, &buffer)));
    world->record_size = buffer.length;
    assert_int_equal(apply_recover3(world, 7, 99), RIND_RECOVER3_BAD_UNLOCK_KEY_TAG);
    assert_int_equal(world->response.recover3.bad_unlock_key_tag.guesses_remaining, 0);
    assert_int_equal(record_of(world).kind, RIND_REGISTRATION_NO_GUESSES);
}

/* ---- what is refused ---- */

static void an_input_that_is_no_point_is_refused(void **state)
{
    struct world *world = *state;
    apply_register2(world, 5);
    struct rind_secrets_request request = {.kind = RIND_SECRETS_REQUEST_RECOVER2};
    memset(request.recover2.version, 7, sizeof(request.recover2.version));
    memset(request.recover2.oprf_blinded_input, 0xff, sizeof(request.recover2.oprf_blinded_input));
    struct rind_software_outcome outcome;
    assert_true(
        rind_is(rind_software_apply(&world->ctx, &world->random, &request,
                                    rind_slice_make(world->record, world->record_size), &outcome),
                RIND_E_INVALID));
}

static void a_record_that_is_none_is_refused(void **state)
{
    struct world *world = *state;
    struct rind_secrets_request request = {.kind = RIND_SECRETS_REQUEST_RECOVER1};
    struct rind_software_outcome outcome;
    apply_register2(world, 5);
    for (size_t size = 1; size < world->record_size; size++) {
        rind_arena_reset(&world->arena);
        assert_true(rind_is(rind_software_apply(&world->ctx, &world->random, &request,
                                                rind_slice_make(world->record, size), &outcome),
                            RIND_E_CORRUPT));
    }
    static const uint8_t longer[] = {0xa1, 0x69, 'N', 'o', 'G',  'u', 'e',
                                     's',  's',  'e', 's', 0xa0, 0};
    assert_true(rind_is(
        rind_software_apply(&world->ctx, &world->random, &request, RIND_SLICE_OF(longer), &outcome),
        RIND_E_CORRUPT));
}

static void requests_are_whole(void **state)
{
    struct world *world = *state;
    struct rind_secrets_request request;
    static const char *const refused[] = {
        "",
        "68",
        "6852656776657231",
        "6644656c65746500",
        "a0",
        "f6",
        "685265636f76657239",
        "6644656c65",
        "a16644656c657465a0",
        "a1685265636f76657232a0",
    };
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        uint8_t bytes[64];
        size_t size = strlen(refused[i]) / 2;
        assert_true(rind_hex_decode(rind_slice_text(refused[i]), bytes, size));
        bool is_ok = rind_is_ok(
            rind_software_request_decode(&world->ctx, rind_slice_make(bytes, size), &request));
        if (is_ok) {
            fail_msg("%s was taken for a request", refused[i]);
        }
    }
    struct rind_secrets_request valid = register2(3);
    struct rind_slice encoded;
    assert_true(rind_is_ok(
        rind_wire_encode_alloc(&world->ctx, &rind_secrets_request_schema, &valid, &encoded)));
    assert_true(rind_is_ok(rind_software_request_decode(&world->ctx, encoded, &request)));
    for (size_t size = 0; size < encoded.length; size++) {
        assert_false(rind_is_ok(rind_software_request_decode(
            &world->ctx, rind_slice_make(encoded.data, size), &request)));
    }
}

/* ---- the recording ---- */

struct recorded_user {
    const char *realm;
    const char *user;
    uint8_t record[RIND_SOFTWARE_RECORD_SIZE_MAX];
    size_t record_size;
};

static struct recorded_user *recorded_user(struct recorded_user *users, const char *realm,
                                           const char *user)
{
    for (size_t i = 0; i < USERS_MAX; i++) {
        if (users[i].realm == NULL) {
            users[i].realm = realm;
            users[i].user = user;
        }
        if (strcmp(users[i].realm, realm) == 0 && strcmp(users[i].user, user) == 0) {
            return &users[i];
        }
    }
    fail_msg("more users than expected");
    return NULL;
}

static const char *exchange_user(const json_t *file, const json_t *exchange)
{
    size_t operation = (size_t)rind_vectors_integer(exchange, "operation");
    const json_t *row = json_array_get(rind_vectors_get(file, "operations"), operation);
    const json_t *client =
        rind_vectors_get(rind_vectors_get(file, "clients"), rind_vectors_text(row, "client"));
    return rind_vectors_text(client, "user");
}

static void every_exchange_of_the_recorded_sdk_is_answered_alike(void **state)
{
    static struct recorded_user users[USERS_MAX];
    struct world *world = *state;
    json_t *file = rind_vectors_load("client-protocol-sdk-recording.json");
    size_t index;
    size_t count = 0;
    json_t *exchange;
    json_array_foreach(rind_vectors_get(file, "exchanges"), index, exchange)
    {
        if (json_object_get(exchange, "session_id") != NULL ||
            rind_vectors_integer(exchange, "status") != 200) {
            continue;
        }
        rind_arena_reset(&world->arena);
        struct recorded_user *user = recorded_user(users, rind_vectors_text(exchange, "realm"),
                                                   exchange_user(file, exchange));
        struct rind_secrets_request request;
        struct rind_software_outcome outcome;
        struct rind_slice body = rind_vectors_hex(exchange, "request_body", &world->arena);
        world->recorded = json_object_get(exchange, "realm_random") != NULL
                              ? rind_vectors_hex(exchange, "realm_random", &world->arena)
                              : rind_slice_make(NULL, 0);
        assert_true(rind_is_ok(rind_software_request_decode(&world->ctx, body, &request)));
        assert_true(rind_is_ok(rind_software_apply(&world->ctx, &world->random, &request,
                                                   rind_slice_make(user->record, user->record_size),
                                                   &outcome)));
        assert_true(rind_slice_equal(outcome.response,
                                     rind_vectors_hex(exchange, "response_body", &world->arena)));
        if (outcome.has_changed) {
            memcpy(user->record, outcome.record.data, outcome.record.length);
            user->record_size = outcome.record.length;
        }
        count++;
    }
    assert_int_equal(count, 58);
    json_decref(file);
}

int main(void)
{
#define CASE(function) cmocka_unit_test_setup(function, world_open)
    static const struct CMUnitTest cases[] = {
        CASE(nothing_is_written_for_users_who_are_not_there),
        CASE(a_registered_user_recovers),
        CASE(another_version_changes_nothing),
        CASE(the_last_wrong_tag_destroys_the_share),
        CASE(the_last_right_guess_still_counts),
        CASE(used_up_guesses_destroy_the_share_at_the_next_touch),
        CASE(registering_and_deleting_work_in_every_state),
        CASE(counters_are_shown_as_they_are),
        CASE(more_guesses_than_allowed_are_no_guesses_left),
        CASE(an_input_that_is_no_point_is_refused),
        CASE(a_record_that_is_none_is_refused),
        CASE(requests_are_whole),
        CASE(every_exchange_of_the_recorded_sdk_is_answered_alike),
    };
    if (sodium_init() < 0) {
        return 1;
    }
    return cmocka_run_group_tests(cases, NULL, NULL);
}
