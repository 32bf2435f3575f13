/*
 * test_hsm_user_app.c - each cell of the table of spec 02 section 13.2, the edges of the counters,
 * and the plaintext format of records.
 */
#include "support/test.h"

#include "hsm/cluster.h"
#include "hsm/records.h"
#include "hsm/user_app.h"

struct outcome {
    struct rind_hsm_user_outcome app;
    struct rind_user_record record; /* afterwards */
    uint64_t draws;                 /* blocks of the generator used */
};

static struct rind_user_record not_registered(void)
{
    return (struct rind_user_record){
        .registration_state = {.kind = RIND_REGISTRATION_NOT_REGISTERED}};
}

static struct rind_user_record no_guesses(void)
{
    return (struct rind_user_record){.registration_state = {.kind = RIND_REGISTRATION_NO_GUESSES}};
}

static struct outcome apply(const struct rind_secrets_request *request,
                            struct rind_user_record record)
{
    struct cluster_random random = {.seed = 1};
    struct rind_random source = {.fill = cluster_random_fill, .self = &random};
    struct outcome outcome = {.record = record};
    rind_hsm_user_app(&source, request, &outcome.record, &outcome.app);
    outcome.draws = random.counter;
    return outcome;
}

static struct rind_user_record registered(uint16_t guess_count, uint16_t num_guesses)
{
    struct rind_secrets_request request = cluster_register2(5, num_guesses);
    struct rind_user_record record = apply(&request, not_registered()).record;
    record.registration_state.registered.guess_count = guess_count;
    return record;
}

static bool same_record(const struct rind_user_record *a, const struct rind_user_record *b)
{
    uint8_t bytes[2][RIND_HSM_RECORD_SIZE];
    struct rind_buffer buffers[2];
    rind_buffer_init(&buffers[0], bytes[0], sizeof(bytes[0]));
    rind_buffer_init(&buffers[1], bytes[1], sizeof(bytes[1]));
    rind_hsm_record_encode(a, &buffers[0]);
    rind_hsm_record_encode(b, &buffers[1]);
    return rind_slice_equal(rind_buffer_slice(&buffers[0]), rind_buffer_slice(&buffers[1]));
}

static enum rind_registration_state_kind kind_of(const struct outcome *outcome)
{
    return outcome->record.registration_state.kind;
}

static uint16_t count_of(const struct outcome *outcome)
{
    return outcome->record.registration_state.registered.guess_count;
}

static void register1_never_looks_at_the_record(void **state)
{
    (void)state;
    const struct rind_user_record records[] = {not_registered(), registered(1, 2), no_guesses()};
    struct rind_secrets_request request = cluster_simple(RIND_SECRETS_REQUEST_REGISTER1);
    for (size_t i = 0; i < 3; i++) {
        struct outcome outcome = apply(&request, records[i]);
        assert_int_equal(outcome.app.response.register1.kind, RIND_REGISTER1_OK);
        assert_int_equal(outcome.app.result.kind, RIND_APP_RESULT_REGISTER1);
        assert_false(outcome.app.has_write);
    }
}

static void register2_replaces_whatever_was_there(void **state)
{
    (void)state;
    const struct rind_user_record records[] = {not_registered(), registered(2, 2), no_guesses()};
    struct rind_secrets_request request = cluster_register2(99, 7);
    for (size_t i = 0; i < 3; i++) {
        struct outcome outcome = apply(&request, records[i]);
        assert_int_equal(outcome.app.response.register2.kind, RIND_REGISTER2_OK);
        assert_true(outcome.app.has_write);
        assert_int_equal(kind_of(&outcome), RIND_REGISTRATION_REGISTERED);
        assert_int_equal(count_of(&outcome), 0);
        const struct rind_registered_state *made = &outcome.record.registration_state.registered;
        assert_memory_equal(made->version, request.register2.version, 16);
        assert_memory_equal(made->user_secret_encryption_key_scalar_share,
                            request.register2.encryption_key_scalar_share, 32);
        assert_memory_equal(made->encrypted_user_secret, request.register2.encrypted_secret, 145);
        assert_int_equal(made->policy.num_guesses, 7);
    }
}

static void delete_writes_only_where_there_is_a_registration(void **state)
{
    (void)state;
    struct rind_secrets_request request = cluster_simple(RIND_SECRETS_REQUEST_DELETE);
    assert_false(apply(&request, not_registered()).app.has_write);
    const struct rind_user_record records[] = {registered(0, 2), no_guesses()};
    for (size_t i = 0; i < 2; i++) {
        struct outcome outcome = apply(&request, records[i]);
        assert_int_equal(outcome.app.response.delete.kind, RIND_DELETE_OK);
        assert_int_equal(outcome.app.result.kind, RIND_APP_RESULT_DELETE);
        assert_true(outcome.app.has_write);
        assert_int_equal(kind_of(&outcome), RIND_REGISTRATION_NOT_REGISTERED);
    }
}

static void recover1_tells_the_version_while_guesses_are_left(void **state)
{
    (void)state;
    struct rind_secrets_request request = cluster_simple(RIND_SECRETS_REQUEST_RECOVER1);
    struct outcome outcome = apply(&request, not_registered());
    assert_int_equal(outcome.app.response.recover1.kind, RIND_RECOVER1_NOT_REGISTERED);
    assert_false(outcome.app.has_write);
    outcome = apply(&request, no_guesses());
    assert_int_equal(outcome.app.response.recover1.kind, RIND_RECOVER1_NO_GUESSES);
    assert_true(outcome.app.has_write);
    for (uint16_t g = 0; g <= 2; g++) {
        struct rind_user_record record = registered(g, 2);
        outcome = apply(&request, record);
        assert_true(outcome.app.has_write);
        if (g < 2) {
            assert_int_equal(outcome.app.response.recover1.kind, RIND_RECOVER1_OK);
            assert_true(same_record(&outcome.record, &record));
        } else {
            assert_int_equal(outcome.app.response.recover1.kind, RIND_RECOVER1_NO_GUESSES);
            assert_int_equal(kind_of(&outcome), RIND_REGISTRATION_NO_GUESSES);
        }
    }
}

static void recover2_counts_the_guess_before_it_answers(void **state)
{
    (void)state;
    struct rind_secrets_request registration = cluster_register2(5, 2);
    struct rind_secrets_request request = cluster_recover2(&registration);
    for (uint16_t g = 0; g <= 2; g++) {
        struct outcome outcome = apply(&request, registered(g, 2));
        assert_true(outcome.app.has_write);
        if (g < 2) {
            assert_int_equal(outcome.app.response.recover2.kind, RIND_RECOVER2_OK);
            assert_int_equal(outcome.app.response.recover2.ok.guess_count, g + 1);
            assert_int_equal(outcome.app.response.recover2.ok.num_guesses, 2);
            assert_int_equal(count_of(&outcome), g + 1);
            assert_true(outcome.app.result.recover2.has_updated);
            assert_int_equal(outcome.app.result.recover2.updated.guess_count, g + 1);
            assert_int_equal(outcome.draws, 2); /* 64 bytes */
        } else {
            assert_int_equal(outcome.app.response.recover2.kind, RIND_RECOVER2_NO_GUESSES);
            assert_int_equal(kind_of(&outcome), RIND_REGISTRATION_NO_GUESSES);
            assert_false(outcome.app.result.recover2.has_updated);
            assert_int_equal(outcome.draws, 0);
        }
    }
}

static void recover2_with_another_version_spends_no_guess(void **state)
{
    (void)state;
    struct rind_secrets_request registration = cluster_register2(5, 2);
    struct rind_secrets_request request = cluster_recover2(&registration);
    for (unsigned byte = 0; byte < 16; byte += 15) {
        request.recover2.version[byte] ^= 0x80;
        for (uint16_t g = 0; g <= 2; g++) { /* the version is looked at before the count */
            struct rind_user_record record = registered(g, 2);
            struct outcome outcome = apply(&request, record);
            assert_int_equal(outcome.app.response.recover2.kind, RIND_RECOVER2_VERSION_MISMATCH);
            assert_true(outcome.app.has_write);
            assert_true(same_record(&outcome.record, &record));
            assert_int_equal(outcome.draws, 0);
        }
        request.recover2.version[byte] ^= 0x80;
    }
    assert_int_equal(apply(&request, not_registered()).app.response.recover2.kind,
                     RIND_RECOVER2_NOT_REGISTERED);
    assert_false(apply(&request, not_registered()).app.has_write);
    assert_int_equal(apply(&request, no_guesses()).app.response.recover2.kind,
                     RIND_RECOVER2_NO_GUESSES);
    assert_true(apply(&request, no_guesses()).app.has_write);
}

static void recover2_of_the_identity_answers_ok_with_the_identity(void **state)
{
    (void)state;
    struct rind_secrets_request registration = cluster_register2(5, 2);
    struct rind_secrets_request request = cluster_recover2(&registration);
    memset(request.recover2.oprf_blinded_input, 0, 32);
    struct outcome outcome = apply(&request, registered(0, 2));
    assert_int_equal(outcome.app.response.recover2.kind, RIND_RECOVER2_OK);
    assert_true(rind_ct_is_zero(outcome.app.response.recover2.ok.oprf_blinded_result, 32));
    outcome = apply(&request, not_registered()); /* the dummy evaluation takes it too */
    assert_int_equal(outcome.app.response.recover2.kind, RIND_RECOVER2_NOT_REGISTERED);

    request = cluster_recover2(&registration); /* and a zero key */
    struct rind_user_record record = registered(0, 2);
    memset(record.registration_state.registered.oprf_private_key, 0, 32);
    outcome = apply(&request, record);
    assert_int_equal(outcome.app.response.recover2.kind, RIND_RECOVER2_OK);
    assert_true(rind_ct_is_zero(outcome.app.response.recover2.ok.oprf_blinded_result, 32));
}

static void recover2_proves_its_evaluation(void **state)
{
    (void)state;
    struct rind_secrets_request registration = cluster_register2(5, 2);
    struct rind_secrets_request request = cluster_recover2(&registration);
    struct outcome outcome = apply(&request, registered(0, 2));
    const struct rind_recover2_ok *ok = &outcome.app.response.recover2.ok;
    struct rind_point public;
    struct rind_point input;
    struct rind_point output;
    struct rind_dleq proof;
    memcpy(public.bytes, ok->oprf_signed_public_key.public_key, 32);
    memcpy(input.bytes, request.recover2.oprf_blinded_input, 32);
    memcpy(output.bytes, ok->oprf_blinded_result, 32);
    memcpy(proof.c.bytes, ok->oprf_proof.c, 32);
    memcpy(proof.beta_z.bytes, ok->oprf_proof.beta_z, 32);
    assert_true(rind_is_ok(rind_dleq_verify(NULL, &public, &input, &output, &proof)));
}

static void counters_that_do_not_fit_keep_their_difference(void **state)
{
    (void)state;
    struct rind_secrets_request registration = cluster_register2(5, 65535);
    struct rind_secrets_request request = cluster_recover2(&registration);
    const struct {
        uint16_t before;
        uint16_t num_guesses;
        uint16_t shown_num_guesses;
        uint16_t shown_guess_count;
    } cases[] = {
        {253, 65535, 65535, 254}, {254, 65535, 65535, 255}, {255, 65535, 65534, 255},
        {256, 65535, 65533, 255}, {65534, 65535, 255, 255}, {255, 256, 255, 255},
        {254, 255, 255, 255},     {299, 300, 255, 255},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct outcome outcome = apply(&request, registered(cases[i].before, cases[i].num_guesses));
        const struct rind_recover2_ok *ok = &outcome.app.response.recover2.ok;
        assert_int_equal(ok->num_guesses, cases[i].shown_num_guesses);
        assert_int_equal(ok->guess_count, cases[i].shown_guess_count);
        assert_int_equal(ok->num_guesses - ok->guess_count,
                         cases[i].num_guesses - (cases[i].before + 1));
        assert_int_equal(count_of(&outcome), cases[i].before + 1); /* the record is true */
        assert_int_equal(outcome.app.result.recover2.updated.num_guesses, cases[i].num_guesses);
        uint8_t padded[RIND_HSM_PADDED_RESPONSE_SIZE];
        rind_hsm_secrets_response_pad(&outcome.app.response, padded); /* asserts that it fits */
    }
}

static void recover3_with_the_right_tag_resets_the_count(void **state)
{
    (void)state;
    struct rind_secrets_request registration = cluster_register2(5, 2);
    struct rind_secrets_request request = cluster_recover3(&registration);
    for (uint16_t g = 0; g <= 2; g++) { /* even the last guess succeeds */
        struct outcome outcome = apply(&request, registered(g, 2));
        assert_int_equal(outcome.app.response.recover3.kind, RIND_RECOVER3_OK);
        assert_true(outcome.app.result.recover3.recovered);
        assert_int_equal(count_of(&outcome), 0);
        assert_memory_equal(outcome.app.response.recover3.ok.encryption_key_scalar_share,
                            registration.register2.encryption_key_scalar_share, 32);
    }
    assert_int_equal(apply(&request, not_registered()).app.response.recover3.kind,
                     RIND_RECOVER3_NOT_REGISTERED);
    assert_false(apply(&request, not_registered()).app.has_write);
    assert_int_equal(apply(&request, no_guesses()).app.response.recover3.kind,
                     RIND_RECOVER3_NO_GUESSES);
}

static void recover3_with_a_wrong_tag_ends_it_when_no_guess_is_left(void **state)
{
    (void)state;
    struct rind_secrets_request registration = cluster_register2(5, 2);
    struct rind_secrets_request request = cluster_recover3(&registration);
    for (unsigned byte = 0; byte < 16; byte += 15) {
        request.recover3.unlock_key_tag[byte] ^= 1;
        for (uint16_t g = 0; g <= 2; g++) {
            struct rind_user_record record = registered(g, 2);
            struct outcome outcome = apply(&request, record);
            assert_int_equal(outcome.app.response.recover3.kind, RIND_RECOVER3_BAD_UNLOCK_KEY_TAG);
            assert_int_equal(outcome.app.response.recover3.bad_unlock_key_tag.guesses_remaining,
                             2 - g);
            assert_false(outcome.app.result.recover3.recovered);
            assert_true(outcome.app.has_write);
            assert_int_equal(kind_of(&outcome),
                             g == 2 ? RIND_REGISTRATION_NO_GUESSES : RIND_REGISTRATION_REGISTERED);
            assert_true(g == 2 || same_record(&outcome.record, &record));
        }
        request.recover3.unlock_key_tag[byte] ^= 1;
    }
    request.recover3.version[0] ^= 1;
    request.recover3.unlock_key_tag[0] ^= 1;
    struct outcome outcome = apply(&request, registered(2, 2));
    assert_int_equal(outcome.app.response.recover3.kind, RIND_RECOVER3_VERSION_MISMATCH);
    assert_int_equal(kind_of(&outcome), RIND_REGISTRATION_REGISTERED);
}

static void no_guesses_at_all_leave_only_the_right_tag(void **state)
{
    (void)state;
    struct rind_secrets_request registration = cluster_register2(5, 0);
    struct rind_secrets_request recover1 = cluster_simple(RIND_SECRETS_REQUEST_RECOVER1);
    struct rind_secrets_request recover2 = cluster_recover2(&registration);
    struct rind_secrets_request recover3 = cluster_recover3(&registration);
    assert_int_equal(apply(&recover1, registered(0, 0)).app.response.recover1.kind,
                     RIND_RECOVER1_NO_GUESSES);
    assert_int_equal(apply(&recover2, registered(0, 0)).app.response.recover2.kind,
                     RIND_RECOVER2_NO_GUESSES);
    assert_int_equal(apply(&recover3, registered(0, 0)).app.response.recover3.kind,
                     RIND_RECOVER3_OK);
    recover3.recover3.unlock_key_tag[0] ^= 1;
    struct outcome outcome = apply(&recover3, registered(0, 0));
    assert_int_equal(outcome.app.response.recover3.bad_unlock_key_tag.guesses_remaining, 0);
    assert_int_equal(kind_of(&outcome), RIND_REGISTRATION_NO_GUESSES);
}

static void all_outcomes_of_a_registered_record_have_one_size(void **state)
{
    (void)state;
    const struct rind_user_record records[] = {registered(0, 1), registered(65535, 65535),
                                               no_guesses()};
    for (size_t i = 0; i < 3; i++) {
        uint8_t bytes[RIND_HSM_RECORD_SIZE];
        struct rind_buffer buffer;
        rind_buffer_init(&buffer, bytes, sizeof(bytes));
        rind_hsm_record_encode(&records[i], &buffer);
        assert_int_equal(buffer.length, 750);
    }
    uint8_t bytes[RIND_HSM_RECORD_SIZE];
    struct rind_buffer buffer;
    rind_buffer_init(&buffer, bytes, sizeof(bytes));
    struct rind_user_record record = not_registered();
    rind_hsm_record_encode(&record, &buffer);
    assert_int_equal(buffer.length, 38);
}

static bool decodes(const uint8_t *bytes, size_t length)
{
    struct rind_user_record record;
    return rind_is_ok(rind_hsm_record_decode(NULL, rind_slice_make(bytes, length), &record));
}

static void plaintexts_of_impossible_sizes_are_refused(void **state)
{
    (void)state;
    uint8_t bytes[751];
    struct rind_buffer buffer;
    rind_buffer_init(&buffer, bytes, sizeof(bytes));
    struct rind_user_record record = registered(0, 2);
    rind_hsm_record_encode(&record, &buffer);
    assert_true(decodes(bytes, 750));
    bytes[740] = 7; /* padding is not looked at */
    assert_true(decodes(bytes, 750));
    for (size_t length = 0; length < 4; length++) {
        assert_false(decodes(bytes, length));
    }
    assert_false(decodes(bytes, 751));
    rind_put_be32(bytes + 746, 746);
    assert_true(decodes(bytes, 750)); /* the CBOR ends before its claimed length */
    rind_put_be32(bytes + 746, 747);
    assert_false(decodes(bytes, 750));
    rind_put_be32(bytes + 746, 751);
    assert_false(decodes(bytes, 750));
    rind_put_be32(bytes + 746, UINT32_MAX);
    assert_false(decodes(bytes, 750));
    rind_put_be32(bytes + 746, 10);
    assert_false(decodes(bytes, 750));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(register1_never_looks_at_the_record),
        cmocka_unit_test(register2_replaces_whatever_was_there),
        cmocka_unit_test(delete_writes_only_where_there_is_a_registration),
        cmocka_unit_test(recover1_tells_the_version_while_guesses_are_left),
        cmocka_unit_test(recover2_counts_the_guess_before_it_answers),
        cmocka_unit_test(recover2_with_another_version_spends_no_guess),
        cmocka_unit_test(recover2_of_the_identity_answers_ok_with_the_identity),
        cmocka_unit_test(recover2_proves_its_evaluation),
        cmocka_unit_test(counters_that_do_not_fit_keep_their_difference),
        cmocka_unit_test(recover3_with_the_right_tag_resets_the_count),
        cmocka_unit_test(recover3_with_a_wrong_tag_ends_it_when_no_guess_is_left),
        cmocka_unit_test(no_guesses_at_all_leave_only_the_right_tag),
        cmocka_unit_test(all_outcomes_of_a_registered_record_have_one_size),
        cmocka_unit_test(plaintexts_of_impossible_sizes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
