/* The client against realms that run the real core. */
#include "client/client.h"

#include <string.h>

#include "client/fake_realms.h"
#include "support/test.h"

#define ALL(count) ((1u << (count)) - 1u)

static void expect_error(enum rind_error error, enum rind_error expected,
                         const struct rind_failure *failure)
{
    if (error != expected) {
        fail_msg("%s instead of %s: %s", rind_error_name(error), rind_error_name(expected),
                 failure->sentence);
    }
    assert_int_equal(failure->error, error);
    assert_int_equal(failure->sentence[0] != '\0', error != RIND_ERROR_NONE);
}

static void expect_register(struct rind_user *user, const char *pin, const char *secret,
                            uint16_t num_guesses, enum rind_error expected)
{
    struct rind_failure failure;
    expect_error(rind_user_register(user, RIND_TEXT(pin), RIND_TEXT(secret), RIND_TEXT("presso"),
                                    num_guesses, &failure),
                 expected, &failure);
}

static void expect_recover(struct rind_user *user, const char *pin, const char *secret)
{
    struct rind_failure failure;
    struct rind_recovered recovered;
    expect_error(rind_user_recover(user, RIND_TEXT(pin), RIND_TEXT("presso"), &recovered, &failure),
                 RIND_ERROR_NONE, &failure);
    assert_int_equal(recovered.secret_size, strlen(secret));
    assert_memory_equal(recovered.secret, secret, strlen(secret));
    rind_recovered_wipe(&recovered);
}

static void expect_no_recover(struct rind_user *user, const char *pin, enum rind_error expected,
                              uint16_t guesses_remaining)
{
    struct rind_failure failure;
    struct rind_recovered recovered;
    expect_error(rind_user_recover(user, RIND_TEXT(pin), RIND_TEXT("presso"), &recovered, &failure),
                 expected, &failure);
    assert_int_equal(failure.guesses_remaining, guesses_remaining);
    assert_int_equal(recovered.secret_size, 0);
}

static void expect_delete(struct rind_user *user, enum rind_error expected)
{
    struct rind_failure failure;
    expect_error(rind_user_delete(user, &failure), expected, &failure);
}

/* Spec 01 section 16, the standard smoke test, with one more realm of each kind than it needs. */
static void live_through(struct fake_realms *realms, uint32_t register_threshold,
                         uint32_t recover_threshold)
{
    struct rind_configuration *configuration =
        fake_configuration(realms, ALL(realms->count), register_threshold, recover_threshold);
    struct rind_user *user = fake_user(realms, "alice", configuration);
    expect_no_recover(user, "1234", RIND_ERROR_NOT_REGISTERED, 0);
    expect_register(user, "1234", "teyla21", 2, RIND_ERROR_NONE);
    expect_no_recover(user, "1212", RIND_ERROR_INVALID_PIN, 1);
    expect_recover(user, "1234", "teyla21");
    expect_no_recover(user, "1212", RIND_ERROR_INVALID_PIN, 1);
    expect_no_recover(user, "1212", RIND_ERROR_INVALID_PIN, 0);
    expect_no_recover(user, "1234", RIND_ERROR_INVALID_PIN, 0);
    expect_no_recover(user, "1234", RIND_ERROR_INVALID_PIN, 0);
    expect_register(user, "4321", "presso42", 2, RIND_ERROR_NONE);
    expect_recover(user, "4321", "presso42");
    expect_delete(user, RIND_ERROR_NONE);
    expect_no_recover(user, "4321", RIND_ERROR_NOT_REGISTERED, 0);
    expect_delete(user, RIND_ERROR_NONE);
    rind_user_free(user);
    rind_configuration_free(configuration);
}

static void a_secret_lives_through_all_operations_on_one_to_five_realms(void **state)
{
    (void)state;
    static const struct {
        size_t hardware, software;
        uint32_t register_threshold, recover_threshold;
    } cases[] = {{1, 0, 1, 1}, {0, 1, 1, 1}, {1, 1, 2, 2}, {2, 1, 3, 2},
                 {3, 1, 4, 3}, {2, 3, 5, 3}, {2, 3, 4, 4}, {3, 2, 5, 5}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct fake_realms *realms = fake_realms_open(cases[i].hardware, cases[i].software);
        live_through(realms, cases[i].register_threshold, cases[i].recover_threshold);
        fake_realms_close(realms);
    }
}

static void ten_realms_work(void **state)
{
    (void)state;
    struct fake_realms *realms = fake_realms_open(0, 10);
    live_through(realms, 8, 6);
    fake_realms_close(realms);
}

static void wrong_info_is_a_wrong_pin(void **state)
{
    (void)state;
    struct fake_realms *realms = fake_realms_open(1, 0);
    struct rind_configuration *configuration = fake_configuration(realms, 1, 1, 1);
    struct rind_user *user = fake_user(realms, "alice", configuration);
    struct rind_failure failure;
    struct rind_recovered recovered;
    expect_register(user, "1234", "secret", 5, RIND_ERROR_NONE);
    assert_int_equal(
        rind_user_recover(user, RIND_TEXT("1234"), RIND_TEXT("other"), &recovered, &failure),
        RIND_ERROR_INVALID_PIN);
    assert_int_equal(failure.guesses_remaining, 4);
    rind_user_free(user);
    rind_configuration_free(configuration);
    fake_realms_close(realms);
}

static void users_do_not_see_each_other(void **state)
{
    (void)state;
    struct fake_realms *realms = fake_realms_open(2, 1);
    struct rind_configuration *configuration = fake_configuration(realms, ALL(3), 3, 2);
    struct rind_user *alice = fake_user(realms, "alice", configuration);
    struct rind_user *bob = fake_user(realms, "bob", configuration);
    expect_register(alice, "1234", "of alice", 2, RIND_ERROR_NONE);
    expect_no_recover(bob, "1234", RIND_ERROR_NOT_REGISTERED, 0);
    expect_register(bob, "1234", "of bob", 2, RIND_ERROR_NONE);
    expect_recover(alice, "1234", "of alice");
    expect_recover(bob, "1234", "of bob");
    rind_user_free(alice);
    rind_user_free(bob);
    rind_configuration_free(configuration);
    fake_realms_close(realms);
}

static void one_unreachable_realm_of_four_does_not_matter_with_threshold_three(void **state)
{
    (void)state;
    struct fake_realms *realms = fake_realms_open(2, 2);
    struct rind_configuration *configuration = fake_configuration(realms, ALL(4), 3, 3);
    for (size_t i = 0; i < 4; i++) {
        struct rind_user *user = fake_user(realms, "alice", configuration);
        realms->realms[i].fault_always.kind = FAKE_REFUSED;
        expect_register(user, "1234", "secret", 2, RIND_ERROR_NONE);
        expect_recover(user, "1234", "secret");
        expect_delete(user, RIND_ERROR_TRANSIENT);
        realms->realms[i].fault_always.kind = FAKE_NONE;
        expect_delete(user, RIND_ERROR_NONE);
        rind_user_free(user);
    }
    rind_configuration_free(configuration);
    fake_realms_close(realms);
}

static void registering_with_all_needs_all(void **state)
{
    (void)state;
    struct fake_realms *realms = fake_realms_open(1, 4);
    struct rind_configuration *configuration = fake_configuration(realms, ALL(5), 5, 3);
    struct rind_user *user = fake_user(realms, "alice", configuration);
    realms->realms[3].fault_always.kind = FAKE_REFUSED;
    expect_register(user, "1234", "secret", 2, RIND_ERROR_TRANSIENT);
    rind_user_free(user);
    rind_configuration_free(configuration);
    fake_realms_close(realms);
}

static void a_realm_that_was_away_in_phase_1_of_register_gets_phase_2(void **state)
{
    (void)state;
    struct fake_realms *realms = fake_realms_open(0, 3);
    struct rind_configuration *configuration = fake_configuration(realms, ALL(3), 2, 2);
    struct rind_user *user = fake_user(realms, "alice", configuration);
    fake_fault_add(&realms->realms[0], FAKE_REFUSED);
    fake_fault_add(&realms->realms[0], FAKE_REFUSED);
    expect_register(user, "1234", "secret", 2, RIND_ERROR_NONE);
    realms->realms[1].fault_always.kind = FAKE_REFUSED; /* then the first must have it */
    expect_recover(user, "1234", "secret");
    rind_user_free(user);
    rind_configuration_free(configuration);
    fake_realms_close(realms);
}

static void bad_and_missing_tokens_are_invalid_auth(void **state)
{
    (void)state;
    struct fake_realms *realms = fake_realms_open(2, 2);
    struct rind_configuration *configuration = fake_configuration(realms, ALL(4), 4, 3);
    static const char *const tokens[] = {"bad", "", "line\nbreak", "umlaut\xc3\xa4",
                                         "blank inside"};
    for (size_t i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++) {
        unsigned sent_before = realms->realms[0].request_count + realms->realms[3].request_count;
        struct rind_user *user = fake_user(realms, tokens[i], configuration);
        expect_register(user, "1234", "secret", 2, RIND_ERROR_INVALID_AUTH);
        expect_no_recover(user, "1234", RIND_ERROR_INVALID_AUTH, 0);
        expect_delete(user, RIND_ERROR_INVALID_AUTH);
        rind_user_free(user);
        unsigned sent = realms->realms[0].request_count + realms->realms[3].request_count;
        assert_int_equal(sent > sent_before, i == 0); /* unusable ones never leave */
    }
    struct rind_user *user = fake_user(realms, "alice", configuration);
    assert_true(rind_user_set_tokens(user, NULL, 0));
    expect_delete(user, RIND_ERROR_INVALID_AUTH);
    rind_user_free(user);
    rind_configuration_free(configuration);
    fake_realms_close(realms);
}

static void a_registration_on_too_few_realms_is_not_registered(void **state)
{
    (void)state;
    struct fake_realms *realms = fake_realms_open(1, 3);
    struct rind_configuration *two = fake_configuration(realms, 3, 2, 2);
    struct rind_configuration *four = fake_configuration(realms, ALL(4), 4, 3);
    struct rind_user *before = fake_user(realms, "alice", two);
    struct rind_user *now = fake_user(realms, "alice", four);
    expect_register(before, "1234", "secret", 2, RIND_ERROR_NONE);
    expect_no_recover(now, "1234", RIND_ERROR_NOT_REGISTERED, 0);
    rind_user_free(before);
    rind_user_free(now);
    rind_configuration_free(two);
    rind_configuration_free(four);
    fake_realms_close(realms);
}

static void previous_configurations_are_tried_also_with_realms_of_their_own(void **state)
{
    (void)state;
    struct fake_realms *realms = fake_realms_open(2, 2);
    struct rind_configuration *old = fake_configuration(realms, 0x1 | 0x8, 2, 2);
    struct rind_configuration *current = fake_configuration(realms, 0x2 | 0x4, 2, 2);
    struct rind_user *before = fake_user(realms, "alice", old);
    struct rind_user *now = fake_user_with_previous(realms, "alice", current, old);
    expect_no_recover(now, "1234", RIND_ERROR_NOT_REGISTERED, 0);
    expect_register(before, "1234", "secret", 3, RIND_ERROR_NONE);
    expect_recover(now, "1234", "secret");
    expect_no_recover(now, "9999", RIND_ERROR_INVALID_PIN, 2);
    expect_register(now, "5678", "newer", 3, RIND_ERROR_NONE);
    expect_recover(now, "5678", "newer");
    rind_user_free(before);
    rind_user_free(now);
    rind_configuration_free(old);
    rind_configuration_free(current);
    fake_realms_close(realms);
}

/* 01 section 9, "Hazard": must not be taken for a wrong PIN, nor spend guesses. */
static void
a_previous_registration_on_realms_of_the_current_configuration_is_recovered(void **state)
{
    (void)state;
    struct fake_realms *realms = fake_realms_open(0, 3);
    for (unsigned removed = 0; removed < 3; removed++) {
        struct rind_configuration *old =
            fake_configuration(realms, ALL(3) & ~(1u << removed), 2, 2);
        struct rind_configuration *current = fake_configuration(realms, ALL(3), 2, 2);
        struct rind_user *before = fake_user(realms, "alice", old);
        struct rind_user *now = fake_user_with_previous(realms, "alice", current, old);
        expect_delete(now, RIND_ERROR_NONE);
        expect_register(before, "1234", "secret", 3, RIND_ERROR_NONE);
        expect_recover(now, "1234", "secret");
        expect_no_recover(now, "9999", RIND_ERROR_INVALID_PIN, 2);
        rind_user_free(before);
        rind_user_free(now);
        rind_configuration_free(old);
        rind_configuration_free(current);
    }
    fake_realms_close(realms);
}

static void secrets_and_pins_of_all_sizes_are_kept(void **state)
{
    (void)state;
    struct fake_realms *realms = fake_realms_open(1, 0);
    struct rind_configuration *configuration = fake_configuration(realms, 1, 1, 1);
    struct rind_user *user = fake_user(realms, "alice", configuration);
    static uint8_t pin[1 << 20];
    uint8_t secret[RIND_SECRET_SIZE_MAX + 1];
    struct rind_failure failure;
    memset(pin, 0xff, sizeof(pin));
    memset(secret, 0x80, sizeof(secret));
    static const size_t pin_sizes[] = {0, 1, 1 << 20};
    static const size_t secret_sizes[] = {0, 1, RIND_SECRET_SIZE_MAX};
    for (size_t i = 0; i < 3; i++) {
        struct rind_bytes pin_bytes = {pin_sizes[i] > 0 ? pin : NULL, pin_sizes[i]};
        for (size_t j = 0; j < 3; j++) {
            struct rind_bytes info = {NULL, 0};
            struct rind_bytes bytes = {secret_sizes[j] > 0 ? secret : NULL, secret_sizes[j]};
            struct rind_recovered recovered;
            expect_error(rind_user_register(user, pin_bytes, bytes, info, 2, &failure),
                         RIND_ERROR_NONE, &failure);
            expect_error(rind_user_recover(user, pin_bytes, info, &recovered, &failure),
                         RIND_ERROR_NONE, &failure);
            assert_int_equal(recovered.secret_size, secret_sizes[j]);
            assert_memory_equal(recovered.secret, secret, secret_sizes[j]);
        }
    }
    unsigned sent = realms->realms[0].request_count;
    expect_error(rind_user_register(user, RIND_TEXT("1"),
                                    (struct rind_bytes){secret, sizeof(secret)}, RIND_TEXT(""), 2,
                                    &failure),
                 RIND_ERROR_INVALID_ARGUMENT, &failure);
    assert_int_equal(realms->realms[0].request_count, sent); /* nothing was sent */
    rind_user_free(user);
    rind_configuration_free(configuration);
    fake_realms_close(realms);
}

static void guess_limits_of_all_sizes_count_down(void **state)
{
    (void)state;
    static const uint16_t limits[] = {0, 1, 255, 256, 65535};
    struct fake_realms *realms = fake_realms_open(1, 0);
    struct rind_configuration *configuration = fake_configuration(realms, 1, 1, 1);
    struct rind_user *user = fake_user(realms, "alice", configuration);
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        expect_register(user, "1234", "secret", limits[i], RIND_ERROR_NONE);
        if (limits[i] == 0) {
            expect_no_recover(user, "1234", RIND_ERROR_INVALID_PIN, 0);
        } else {
            expect_no_recover(user, "9999", RIND_ERROR_INVALID_PIN, (uint16_t)(limits[i] - 1));
        }
    }
    /* Beyond the 256th guess: the answer must still fit and tell the difference. */
    expect_register(user, "1234", "secret", 300, RIND_ERROR_NONE);
    for (unsigned guess = 1; guess <= 258; guess++) {
        expect_no_recover(user, "9999", RIND_ERROR_INVALID_PIN, (uint16_t)(300 - guess));
    }
    expect_recover(user, "1234", "secret");
    rind_user_free(user);
    rind_configuration_free(configuration);
    fake_realms_close(realms);
}

/* Retrying would spend further guesses: 01 section 22 item 4. */
static void a_lost_answer_to_recover2_costs_one_guess_only(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < 2; kind++) {
        struct fake_realms *realms = fake_realms_open(1 - kind, kind);
        struct rind_configuration *configuration = fake_configuration(realms, 1, 1, 1);
        struct rind_user *user = fake_user(realms, "alice", configuration);
        expect_register(user, "1234", "secret", 5, RIND_ERROR_NONE);
        fake_fault_add(&realms->realms[0], FAKE_NONE); /* Recover1 */
        fake_fault_add(&realms->realms[0], FAKE_LOST_RESPONSE);
        expect_no_recover(user, "1234", RIND_ERROR_TRANSIENT, 0);
        expect_no_recover(user, "9999", RIND_ERROR_INVALID_PIN, 3);
        /* One that surely was not sent is tried again. */
        fake_fault_add(&realms->realms[0], FAKE_NONE);
        fake_fault_add(&realms->realms[0], FAKE_REFUSED);
        expect_recover(user, "1234", "secret");
        rind_user_free(user);
        rind_configuration_free(configuration);
        fake_realms_close(realms);
    }
}

/* A balancer says Unavailable also when an agent had the message and its answer was lost. */
static void recover2_is_not_sent_again_after_unavailable(void **state)
{
    (void)state;
    struct fake_realms *realms = fake_realms_open(1, 0);
    struct rind_configuration *configuration = fake_configuration(realms, 1, 1, 1);
    struct rind_user *user = fake_user(realms, "alice", configuration);
    expect_register(user, "1234", "secret", 5, RIND_ERROR_NONE);
    unsigned before = realms->realms[0].request_count;
    fake_fault_add(&realms->realms[0], FAKE_NONE); /* Recover1 */
    fake_fault_add_refusal(&realms->realms[0], 503, RIND_CLIENT_RESPONSE_UNAVAILABLE);
    expect_no_recover(user, "1234", RIND_ERROR_TRANSIENT, 0);
    assert_int_equal(realms->realms[0].request_count, before + 2);
    expect_recover(user, "1234", "secret");
    rind_user_free(user);
    rind_configuration_free(configuration);
    fake_realms_close(realms);
}

static void a_dead_realm_is_not_waited_for_once_the_others_agree(void **state)
{
    (void)state;
    struct fake_realms *realms = fake_realms_open(2, 2);
    realms->join_grace_ms = 100;
    struct rind_configuration *configuration = fake_configuration(realms, ALL(4), 4, 3);
    struct rind_user *user = fake_user(realms, "alice", configuration);
    expect_register(user, "1234", "secret", 5, RIND_ERROR_NONE);
    realms->realms[1].fault_always.kind = FAKE_HANG; /* hangs until it is abandoned */
    expect_recover(user, "1234", "secret");
    expect_no_recover(user, "9999", RIND_ERROR_INVALID_PIN, 4);
    realms->realms[1].fault_always.kind = FAKE_NONE;
    expect_recover(user, "1234", "secret"); /* with a fresh session there */
    rind_user_free(user);
    rind_configuration_free(configuration);
    fake_realms_close(realms);
}

/* ---- Several threads ---- */

struct racer {
    struct rind_user *user;
    unsigned recovered_count;
    unsigned rounds;
};

static void *race(void *argument)
{
    struct racer *racer = argument;
    for (unsigned i = 0; i < racer->rounds; i++) {
        struct rind_recovered recovered;
        struct rind_failure failure;
        racer->recovered_count +=
            rind_user_recover(racer->user, RIND_TEXT("1234"), RIND_TEXT("presso"), &recovered,
                              &failure) == RIND_ERROR_NONE;
    }
    return NULL;
}

static void one_user_object_serves_several_threads(void **state)
{
    (void)state;
    struct fake_realms *realms = fake_realms_open(2, 1);
    struct rind_configuration *configuration = fake_configuration(realms, ALL(3), 3, 2);
    struct rind_user *user = fake_user(realms, "alice", configuration);
    struct rind_user *other_device = fake_user(realms, "alice", configuration);
    expect_register(user, "1234", "secret", 1000, RIND_ERROR_NONE);
    struct racer racers[4] = {{user, 0, 5}, {user, 0, 5}, {user, 0, 5}, {other_device, 0, 5}};
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(racers[i].recovered_count, 5);
    }
    rind_user_free(user);
    rind_user_free(other_device);
    rind_configuration_free(configuration);
    fake_realms_close(realms);
}

/* ---- cancelling ---- */

enum what { REGISTER, RECOVER, DELETE };

/* One operation on a thread of its own. */
struct background {
    pthread_t thread;
    struct rind_user *user;
    enum what what;
    enum rind_error error;
    struct rind_failure failure;
    struct rind_recovered recovered;
};

static void *background_run(void *self)
{
    struct background *background = self;
    switch (background->what) {
    case REGISTER:
        background->error =
            rind_user_register(background->user, RIND_TEXT("1234"), RIND_TEXT("second"),
                               RIND_TEXT("presso"), 3, &background->failure);
        break;
    case RECOVER:
        background->error =
            rind_user_recover(background->user, RIND_TEXT("1234"), RIND_TEXT("presso"),
                              &background->recovered, &background->failure);
        break;
    case DELETE:
        background->error = rind_user_delete(background->user, &background->failure);
        break;
    }
    return NULL;
}

static void background_start(struct background *background, struct rind_user *user, enum what what)
{
    memset(background, 0, sizeof(*background));
    memset(&background->recovered, 0xaa, sizeof(background->recovered));
    background->user = user;
    background->what = what;
    assert_int_equal(pthread_create(&background->thread, NULL, background_run, background), 0);
}

static void background_expect(struct background *background, enum rind_error error)
{
    static const struct rind_recovered nothing;
    assert_int_equal(pthread_join(background->thread, NULL), 0);
    expect_error(background->error, error, &background->failure);
    if (background->what == RECOVER && error != RIND_ERROR_NONE) {
        assert_memory_equal(&background->recovered, &nothing, sizeof(nothing));
    }
}

/* Waits until the realm has had so many requests. */
static void await_requests(struct fake_realm *realm, unsigned count)
{
    struct timespec pause = {0, 1000000};
    for (unsigned waited_ms = 0;; waited_ms++) {
        pthread_mutex_lock(&realm->lock);
        unsigned seen = realm->request_count;
        pthread_mutex_unlock(&realm->lock);
        if (seen >= count) {
            return;
        }
        assert_true(waited_ms < 60000);
        nanosleep(&pause, NULL);
    }
}

/* Each operation is cancelled while each realm hangs, in each of its phases; then all is well. */
static void cancel_everywhere(size_t hardware, size_t software)
{
    static const struct {
        enum what what;
        unsigned phases;
    } operations[] = {{REGISTER, 2}, {RECOVER, 3}, {DELETE, 1}};
    struct fake_realms *realms = fake_realms_open(hardware, software);
    uint32_t count = (uint32_t)realms->count;
    struct rind_configuration *configuration = fake_configuration(realms, ALL(count), count, count);
    struct rind_user *user = fake_user(realms, "alice", configuration);
    for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
        for (unsigned phase = 0; phase < operations[i].phases; phase++) {
            struct background background;
            expect_register(user, "1234", "first", 9, RIND_ERROR_NONE); /* and sessions */
            struct fake_realm *realm = &realms->realms[0];
            pthread_mutex_lock(&realm->lock);
            realm->fault_count = realm->fault_next = 0;
            pthread_mutex_unlock(&realm->lock);
            for (unsigned before = 0; before < phase; before++) {
                fake_fault_add(realm, FAKE_NONE);
            }
            fake_fault_add(realm, FAKE_HANG);
            unsigned seen = realm->request_count;
            background_start(&background, user, operations[i].what);
            await_requests(realm, seen + phase + 1);
            rind_user_cancel(user);
            rind_user_cancel(user); /* once more does nothing */
            background_expect(&background, RIND_ERROR_CANCELLED);
            assert_int_equal(background.failure.guesses_remaining, 0);
        }
    }
    expect_register(user, "1234", "third", 9, RIND_ERROR_NONE);
    rind_user_cancel(user); /* nothing is under way: what comes later is not concerned */
    expect_recover(user, "1234", "third");
    rind_user_free(user);
    rind_configuration_free(configuration);
    fake_realms_close(realms);
}

static void an_operation_can_be_cancelled_in_every_phase(void **state)
{
    (void)state;
    cancel_everywhere(1, 0);
    cancel_everywhere(0, 1);
    cancel_everywhere(2, 1);
}

static void a_cancelled_recover_may_have_spent_a_guess(void **state)
{
    (void)state;
    struct fake_realms *realms = fake_realms_open(0, 2);
    struct rind_configuration *configuration = fake_configuration(realms, 3, 2, 2);
    struct rind_user *user = fake_user(realms, "alice", configuration);
    struct background background;
    expect_register(user, "1234", "secret", 3, RIND_ERROR_NONE);
    fake_fault_add(&realms->realms[0], FAKE_NONE);
    fake_fault_add(&realms->realms[0], FAKE_HANG); /* the other realm counts its guess */
    unsigned seen = realms->realms[1].request_count;
    background_start(&background, user, RECOVER);
    await_requests(&realms->realms[1], seen + 2);
    await_requests(&realms->realms[0], seen + 2);
    rind_user_cancel(user);
    background_expect(&background, RIND_ERROR_CANCELLED);
    rind_user_free(user); /* waits for the requests that nobody waited for */
    assert_int_equal(realms->realms[1].users[0].record.registration_state.registered.guess_count,
                     1);
    assert_int_equal(realms->realms[0].users[0].record.registration_state.registered.guess_count,
                     0);
    rind_configuration_free(configuration);
    fake_realms_close(realms);
}

static void all_operations_of_a_user_are_cancelled_and_no_other_user_is(void **state)
{
    (void)state;
    struct fake_realms *realms = fake_realms_open(1, 1);
    struct rind_configuration *configuration = fake_configuration(realms, 3, 2, 2);
    struct rind_user *alice = fake_user(realms, "alice", configuration);
    struct rind_user *bob = fake_user(realms, "bob", configuration);
    struct background of_alice[3];
    expect_register(alice, "1234", "first", 9, RIND_ERROR_NONE);
    expect_register(bob, "1234", "of bob", 9, RIND_ERROR_NONE);
    unsigned hardware_seen = realms->realms[0].request_count;
    unsigned software_seen = realms->realms[1].request_count;
    realms->realms[0].fault_always.kind = FAKE_HANG;
    for (size_t i = 0; i < 3; i++) { /* all but one wait for their turn at the hardware realm */
        background_start(&of_alice[i], alice, RECOVER);
    }
    struct background of_bob;
    background_start(&of_bob, bob, RECOVER);
    await_requests(&realms->realms[0], hardware_seen + 2);
    await_requests(&realms->realms[1], software_seen + 4);
    rind_user_cancel(alice);
    for (size_t i = 0; i < 3; i++) {
        background_expect(&of_alice[i], RIND_ERROR_CANCELLED);
    }
    rind_user_cancel(bob);
    background_expect(&of_bob, RIND_ERROR_CANCELLED);
    rind_user_free(alice);
    rind_user_free(bob);
    rind_configuration_free(configuration);
    fake_realms_close(realms);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_secret_lives_through_all_operations_on_one_to_five_realms),
        cmocka_unit_test(ten_realms_work),
        cmocka_unit_test(wrong_info_is_a_wrong_pin),
        cmocka_unit_test(users_do_not_see_each_other),
        cmocka_unit_test(one_unreachable_realm_of_four_does_not_matter_with_threshold_three),
        cmocka_unit_test(registering_with_all_needs_all),
        cmocka_unit_test(a_realm_that_was_away_in_phase_1_of_register_gets_phase_2),
        cmocka_unit_test(bad_and_missing_tokens_are_invalid_auth),
        cmocka_unit_test(a_registration_on_too_few_realms_is_not_registered),
        cmocka_unit_test(previous_configurations_are_tried_also_with_realms_of_their_own),
        cmocka_unit_test(
            a_previous_registration_on_realms_of_the_current_configuration_is_recovered),
        cmocka_unit_test(secrets_and_pins_of_all_sizes_are_kept),
        cmocka_unit_test(guess_limits_of_all_sizes_count_down),
        cmocka_unit_test(a_lost_answer_to_recover2_costs_one_guess_only),
        cmocka_unit_test(recover2_is_not_sent_again_after_unavailable),
        cmocka_unit_test(a_dead_realm_is_not_waited_for_once_the_others_agree),
        cmocka_unit_test(one_user_object_serves_several_threads),
        cmocka_unit_test(an_operation_can_be_cancelled_in_every_phase),
        cmocka_unit_test(a_cancelled_recover_may_have_spent_a_guess),
        cmocka_unit_test(all_operations_of_a_user_are_cancelled_and_no_other_user_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
