/*
 * Realms that lie: with enough honest ones the secret is recovered, else the lie is noticed.
 * Spec: docs/spec/01-client-protocol.md sections 9, 11 and 20.
 */
#include "client/client.h"

#include <string.h>

#include "client/fake_realms.h"
#include "support/test.h"

static struct rind_recover2_ok *recover2_ok(struct rind_secrets_response *response)
{
    bool is_it = response->kind == RIND_SECRETS_RESPONSE_RECOVER2 &&
                 response->recover2.kind == RIND_RECOVER2_OK;
    return is_it ? &response->recover2.ok : NULL;
}

static struct rind_recover3_ok *recover3_ok(struct rind_secrets_response *response)
{
    bool is_it = response->kind == RIND_SECRETS_RESPONSE_RECOVER3 &&
                 response->recover3.kind == RIND_RECOVER3_OK;
    return is_it ? &response->recover3.ok : NULL;
}

/* Flips a bit of a member of Recover2's or Recover3's good answer. */
#define FLIPPER(name, phase, member)                                                               \
    static void flip_##name(struct fake_realm *realm, const struct rind_secrets_request *request,  \
                            struct rind_secrets_response *response)                                \
    {                                                                                              \
        (void)realm;                                                                               \
        (void)request;                                                                             \
        if (phase##_ok(response) != NULL) {                                                        \
            phase##_ok(response)->member[0] ^= 1;                                                  \
        }                                                                                          \
    }

FLIPPER(proof_c, recover2, oprf_proof.c)
FLIPPER(proof_beta_z, recover2, oprf_proof.beta_z)
FLIPPER(signature, recover2, oprf_signed_public_key.signature)
FLIPPER(verifying_key, recover2, oprf_signed_public_key.verifying_key)
FLIPPER(public_key, recover2, oprf_signed_public_key.public_key)
FLIPPER(blinded_result, recover2, oprf_blinded_result)
FLIPPER(commitment, recover2, unlock_key_commitment)
FLIPPER(share, recover3, encryption_key_scalar_share)
FLIPPER(encrypted_secret, recover3, encrypted_secret)
FLIPPER(secret_commitment, recover3, encrypted_secret_commitment)

/* A consistent registration of the realm's own making: signed with another key. */
static void sign_with_another_key(struct fake_realm *realm,
                                  const struct rind_secrets_request *request,
                                  struct rind_secrets_response *response)
{
    (void)request;
    struct rind_recover2_ok *ok = recover2_ok(response);
    if (ok == NULL) {
        return;
    }
    struct rind_signing_key_seed seed = {{7}};
    struct rind_realm_id id;
    struct rind_point public_key;
    struct rind_verifying_key verifying_key;
    struct rind_signature signature;
    memcpy(id.bytes, realm->config.id, sizeof(id.bytes));
    memcpy(public_key.bytes, ok->oprf_signed_public_key.public_key, sizeof(public_key.bytes));
    rind_oprf_public_key_sign(&seed, &id, &public_key, &verifying_key, &signature);
    memcpy(ok->oprf_signed_public_key.verifying_key, verifying_key.bytes, 32);
    memcpy(ok->oprf_signed_public_key.signature, signature.bytes, 64);
}

static void answer_the_identity(struct fake_realm *realm,
                                const struct rind_secrets_request *request,
                                struct rind_secrets_response *response)
{
    (void)realm;
    (void)request;
    if (recover2_ok(response) != NULL) {
        memset(recover2_ok(response)->oprf_blinded_result, 0, 32);
    }
}

static void count_more_guesses_than_allowed(struct fake_realm *realm,
                                            const struct rind_secrets_request *request,
                                            struct rind_secrets_response *response)
{
    (void)realm;
    (void)request;
    if (recover2_ok(response) != NULL) {
        recover2_ok(response)->guess_count = (uint16_t)(recover2_ok(response)->num_guesses + 1);
    }
}

static void answer_another_question(struct fake_realm *realm,
                                    const struct rind_secrets_request *request,
                                    struct rind_secrets_response *response)
{
    (void)realm;
    if (request->kind == RIND_SECRETS_REQUEST_RECOVER2) {
        memset(response, 0, sizeof(*response));
        response->kind = RIND_SECRETS_RESPONSE_DELETE;
        response->delete.kind = RIND_DELETE_OK;
    }
}

static void have_another_version(struct fake_realm *realm,
                                 const struct rind_secrets_request *request,
                                 struct rind_secrets_response *response)
{
    (void)realm;
    if (request->kind == RIND_SECRETS_REQUEST_RECOVER2) {
        response->recover2.kind = RIND_RECOVER2_VERSION_MISMATCH;
    } else if (request->kind == RIND_SECRETS_REQUEST_RECOVER3) {
        response->recover3.kind = RIND_RECOVER3_VERSION_MISMATCH;
    }
}

static void forget(struct fake_realm *realm, const struct rind_secrets_request *request,
                   struct rind_secrets_response *response)
{
    (void)realm;
    if (request->kind == RIND_SECRETS_REQUEST_RECOVER2) {
        response->recover2.kind = RIND_RECOVER2_NOT_REGISTERED;
    } else if (request->kind == RIND_SECRETS_REQUEST_RECOVER3) {
        response->recover3.kind = RIND_RECOVER3_NOT_REGISTERED;
    }
}

static void lock_out(struct fake_realm *realm, const struct rind_secrets_request *request,
                     struct rind_secrets_response *response)
{
    (void)realm;
    if (request->kind == RIND_SECRETS_REQUEST_RECOVER2) {
        response->recover2.kind = RIND_RECOVER2_NO_GUESSES;
    } else if (request->kind == RIND_SECRETS_REQUEST_RECOVER3) {
        response->recover3.kind = RIND_RECOVER3_NO_GUESSES;
    }
}

static void refuse_the_tag(struct fake_realm *realm, const struct rind_secrets_request *request,
                           struct rind_secrets_response *response)
{
    (void)realm;
    if (request->kind == RIND_SECRETS_REQUEST_RECOVER3) {
        response->recover3.kind = RIND_RECOVER3_BAD_UNLOCK_KEY_TAG;
        response->recover3.bad_unlock_key_tag.guesses_remaining = 3;
    }
}

struct lie {
    const char *name;
    fake_tamper tamper;
    enum rind_error error; /* when the liar is needed */
    uint16_t guesses_remaining;
};

static const struct lie lies[] = {
    {"proof c", flip_proof_c, RIND_ERROR_ASSERTION, 0},
    {"proof beta_z", flip_proof_beta_z, RIND_ERROR_ASSERTION, 0},
    {"signature", flip_signature, RIND_ERROR_ASSERTION, 0},
    {"verifying key", flip_verifying_key, RIND_ERROR_ASSERTION, 0},
    {"public key", flip_public_key, RIND_ERROR_ASSERTION, 0},
    {"blinded result", flip_blinded_result, RIND_ERROR_ASSERTION, 0},
    {"commitment", flip_commitment, RIND_ERROR_ASSERTION, 0},
    {"other signing key", sign_with_another_key, RIND_ERROR_ASSERTION, 0},
    {"identity", answer_the_identity, RIND_ERROR_ASSERTION, 0},
    {"guess count", count_more_guesses_than_allowed, RIND_ERROR_ASSERTION, 0},
    {"other question", answer_another_question, RIND_ERROR_ASSERTION, 0},
    {"other version", have_another_version, RIND_ERROR_ASSERTION, 0},
    {"not registered", forget, RIND_ERROR_NOT_REGISTERED, 0},
    {"no guesses", lock_out, RIND_ERROR_INVALID_PIN, 0},
    {"bad tag", refuse_the_tag, RIND_ERROR_INVALID_PIN, 3},
    {"share", flip_share, RIND_ERROR_ASSERTION, 0},
    {"encrypted secret", flip_encrypted_secret, RIND_ERROR_ASSERTION, 0},
    {"secret commitment", flip_secret_commitment, RIND_ERROR_ASSERTION, 0},
};
#define LIES_COUNT (sizeof(lies) / sizeof(lies[0]))

static void expect_secret(struct rind_user *user, const char *lie)
{
    struct rind_failure failure;
    struct rind_recovered recovered;
    if (rind_user_recover(user, RIND_TEXT("1234"), RIND_TEXT(""), &recovered, &failure) !=
            RIND_ERROR_NONE ||
        recovered.secret_size != 6 || memcmp(recovered.secret, "secret", 6) != 0) {
        fail_msg("%s: %s", lie, failure.sentence);
    }
}

static void one_liar_of_three_does_not_matter_with_threshold_two(void **state)
{
    (void)state;
    struct fake_realms *realms = fake_realms_open(0, 3);
    struct rind_configuration *configuration = fake_configuration(realms, 7, 3, 2);
    for (size_t i = 0; i < LIES_COUNT; i++) {
        for (size_t liar = 0; liar < 3; liar++) {
            struct rind_user *user = fake_user(realms, "alice", configuration);
            assert_int_equal(rind_user_register(user, RIND_TEXT("1234"), RIND_TEXT("secret"),
                                                RIND_TEXT(""), 5, NULL),
                             RIND_ERROR_NONE);
            realms->realms[liar].tamper = lies[i].tamper;
            expect_secret(user, lies[i].name);
            realms->realms[liar].tamper = NULL;
            rind_user_free(user);
        }
    }
    rind_configuration_free(configuration);
    fake_realms_close(realms);
}

static void a_liar_that_is_needed_is_found_out(void **state)
{
    (void)state;
    struct fake_realms *realms = fake_realms_open(0, 2);
    struct rind_configuration *configuration = fake_configuration(realms, 3, 2, 2);
    for (size_t i = 0; i < LIES_COUNT; i++) {
        struct rind_user *user = fake_user(realms, "alice", configuration);
        struct rind_failure failure;
        struct rind_recovered recovered;
        assert_int_equal(rind_user_register(user, RIND_TEXT("1234"), RIND_TEXT("secret"),
                                            RIND_TEXT(""), 5, NULL),
                         RIND_ERROR_NONE);
        realms->realms[i % 2].tamper = lies[i].tamper;
        enum rind_error error =
            rind_user_recover(user, RIND_TEXT("1234"), RIND_TEXT(""), &recovered, &failure);
        if (error != lies[i].error || failure.guesses_remaining != lies[i].guesses_remaining) {
            fail_msg("%s: %s %s", lies[i].name, rind_error_name(error), failure.sentence);
        }
        assert_int_equal(recovered.secret_size, 0);
        realms->realms[i % 2].tamper = NULL;
        rind_user_free(user);
    }
    rind_configuration_free(configuration);
    fake_realms_close(realms);
}

/* Of the failures that made the threshold unreachable the first in section 11's order is told. */
static void the_most_severe_failure_is_reported(void **state)
{
    (void)state;
    static const struct {
        fake_tamper first;
        fake_tamper second;
        enum rind_error error;
    } pairs[] = {
        {lock_out, forget, RIND_ERROR_INVALID_PIN},
        {forget, have_another_version, RIND_ERROR_NOT_REGISTERED},
        {have_another_version, flip_proof_c, RIND_ERROR_ASSERTION},
        {lock_out, have_another_version, RIND_ERROR_INVALID_PIN},
    };
    struct fake_realms *realms = fake_realms_open(0, 3);
    struct rind_configuration *configuration = fake_configuration(realms, 7, 3, 2);
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        for (size_t order = 0; order < 2; order++) {
            struct rind_failure failure;
            struct rind_recovered recovered;
            struct rind_user *user = fake_user(realms, "alice", configuration);
            assert_int_equal(rind_user_register(user, RIND_TEXT("1234"), RIND_TEXT("secret"),
                                                RIND_TEXT(""), 5, NULL),
                             RIND_ERROR_NONE);
            realms->realms[order].tamper = pairs[i].first;
            realms->realms[1 - order].tamper = pairs[i].second;
            enum rind_error error =
                rind_user_recover(user, RIND_TEXT("1234"), RIND_TEXT(""), &recovered, &failure);
            assert_string_equal(rind_error_name(error), rind_error_name(pairs[i].error));
            realms->realms[0].tamper = NULL;
            realms->realms[1].tamper = NULL;
            rind_user_free(user);
        }
    }
    rind_configuration_free(configuration);
    fake_realms_close(realms);
}

static void invalid_pin_beats_an_unreachable_realm(void **state)
{
    (void)state;
    struct fake_realms *realms = fake_realms_open(0, 3);
    struct rind_configuration *configuration = fake_configuration(realms, 7, 3, 2);
    struct rind_user *user = fake_user(realms, "alice", configuration);
    struct rind_recovered recovered;
    assert_int_equal(
        rind_user_register(user, RIND_TEXT("1234"), RIND_TEXT("secret"), RIND_TEXT(""), 5, NULL),
        RIND_ERROR_NONE);
    realms->realms[0].tamper = lock_out;
    realms->realms[1].fault_always.kind = FAKE_REFUSED;
    assert_int_equal(rind_user_recover(user, RIND_TEXT("1234"), RIND_TEXT(""), &recovered, NULL),
                     RIND_ERROR_INVALID_PIN);
    rind_user_free(user);
    rind_configuration_free(configuration);
    fake_realms_close(realms);
}

static void a_wrong_pin_never_gets_to_phase_3(void **state)
{
    (void)state;
    struct fake_realms *realms = fake_realms_open(0, 3);
    struct rind_configuration *configuration = fake_configuration(realms, 7, 3, 2);
    struct rind_user *user = fake_user(realms, "alice", configuration);
    struct rind_recovered recovered;
    assert_int_equal(
        rind_user_register(user, RIND_TEXT("1234"), RIND_TEXT("secret"), RIND_TEXT(""), 5, NULL),
        RIND_ERROR_NONE);
    assert_int_equal(rind_user_recover(user, RIND_TEXT("9999"), RIND_TEXT(""), &recovered, NULL),
                     RIND_ERROR_INVALID_PIN);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(realms->realms[i].recover3_count, 0);
    }
    expect_secret(user, "none");
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(realms->realms[i].recover3_count, 1);
    }
    rind_user_free(user);
    rind_configuration_free(configuration);
    fake_realms_close(realms);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_liar_of_three_does_not_matter_with_threshold_two),
        cmocka_unit_test(a_liar_that_is_needed_is_found_out),
        cmocka_unit_test(the_most_severe_failure_is_reported),
        cmocka_unit_test(invalid_pin_beats_an_unreachable_realm),
        cmocka_unit_test(a_wrong_pin_never_gets_to_phase_3),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
