/* test_checker.c - what the chaos checker must explain, and what it must not. */
#include "cli/chaos/checker.h"

#include "support/test.h"

#define LATE_NS                                                                                    \
    1000u /* answers that never came count as over this long after the round's start               \
           */

struct world {
    struct rind_ctx ctx;
    struct rind_checker checker;
    uint64_t now_ns;
};

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    assert_non_null(world);
    rind_ctx_init(&world->ctx, NULL);
    assert_true(rind_is_ok(rind_checker_init(&world->ctx, &world->checker)));
    world->now_ns = 1;
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    rind_checker_fini(&world->checker);
    free(world);
    return 0;
}

static enum rind_checker_verdict round_of(struct world *world, size_t count,
                                          const struct rind_checker_operation *operations)
{
    char memory[4096];
    struct rind_buffer why;
    enum rind_checker_verdict verdict;
    rind_buffer_init(&why, memory, sizeof(memory));
    world->now_ns += 10;
    assert_true(
        rind_is_ok(rind_checker_round(&world->ctx, &world->checker, operations, count,
                                      world->now_ns, world->now_ns + LATE_NS, &verdict, &why)));
    assert_true((verdict != RIND_CHECKER_EXPLAINED) == (why.length > 0));
    return verdict;
}

static enum rind_checker_verdict one(struct world *world, struct rind_checker_operation operation)
{
    return round_of(world, 1, &operation);
}

static struct rind_checker_operation
do_register(uint32_t number, uint32_t pin, uint32_t num_guesses, enum rind_checker_outcome outcome)
{
    return (struct rind_checker_operation){.kind = RIND_CHECKER_REGISTER,
                                           .registration = number,
                                           .pin = pin,
                                           .num_guesses = num_guesses,
                                           .is_unclear = outcome == RIND_CHECKER_UNKNOWN,
                                           .outcome = outcome};
}

static struct rind_checker_operation do_recover(uint32_t pin, enum rind_checker_outcome outcome,
                                                uint32_t detail)
{
    return (struct rind_checker_operation){.kind = RIND_CHECKER_RECOVER,
                                           .pin = pin,
                                           .outcome = outcome,
                                           .is_unclear = outcome == RIND_CHECKER_UNKNOWN,
                                           .recovered = outcome == RIND_CHECKER_OK ? detail : 0,
                                           .guesses_remaining =
                                               outcome == RIND_CHECKER_INVALID_PIN ? detail : 0};
}

static struct rind_checker_operation do_delete(enum rind_checker_outcome outcome)
{
    return (struct rind_checker_operation){.kind = RIND_CHECKER_DELETE, .outcome = outcome};
}

#define EXPECT(verdict, operation) assert_int_equal(one(world, operation), RIND_CHECKER_##verdict)

static void an_honest_life_is_explained(void **state)
{
    struct world *world = *state;
    EXPECT(EXPLAINED, do_recover(1, RIND_CHECKER_NOT_REGISTERED, 0));
    EXPECT(EXPLAINED, do_register(1, 7, 2, RIND_CHECKER_OK));
    EXPECT(EXPLAINED, do_recover(8, RIND_CHECKER_INVALID_PIN, 1));
    EXPECT(EXPLAINED, do_recover(7, RIND_CHECKER_OK, 1));
    EXPECT(EXPLAINED, do_recover(8, RIND_CHECKER_INVALID_PIN, 1));
    EXPECT(EXPLAINED, do_recover(8, RIND_CHECKER_INVALID_PIN, 0));
    EXPECT(EXPLAINED, do_recover(7, RIND_CHECKER_INVALID_PIN, 0));
    EXPECT(EXPLAINED, do_register(2, 8, 3, RIND_CHECKER_OK));
    EXPECT(EXPLAINED, do_recover(8, RIND_CHECKER_OK, 2));
    EXPECT(EXPLAINED, do_delete(RIND_CHECKER_OK));
    EXPECT(EXPLAINED, do_recover(8, RIND_CHECKER_NOT_REGISTERED, 0));
    assert_int_equal(world->checker.world_count, 1);
}

static void a_lost_secret_is_found(void **state)
{
    struct world *world = *state;
    EXPECT(EXPLAINED, do_register(1, 7, 2, RIND_CHECKER_OK));
    EXPECT(SECRET_LOST, do_recover(7, RIND_CHECKER_NOT_REGISTERED, 0));
    EXPECT(EXPLAINED, do_register(2, 7, 2, RIND_CHECKER_OK));
    EXPECT(SECRET_LOST, do_recover(7, RIND_CHECKER_OK, 1));
    EXPECT(EXPLAINED, do_recover(7, RIND_CHECKER_OK, 2));
}

static void a_deleted_secret_that_comes_back_is_found(void **state)
{
    struct world *world = *state;
    EXPECT(EXPLAINED, do_register(1, 7, 2, RIND_CHECKER_OK));
    EXPECT(EXPLAINED, do_delete(RIND_CHECKER_OK));
    EXPECT(UNEXPLAINED, do_recover(7, RIND_CHECKER_OK, 1));
}

static void a_counter_that_runs_backwards_is_found(void **state)
{
    struct world *world = *state;
    EXPECT(EXPLAINED, do_register(1, 7, 4, RIND_CHECKER_OK));
    EXPECT(EXPLAINED, do_recover(8, RIND_CHECKER_INVALID_PIN, 3));
    EXPECT(EXPLAINED, do_recover(8, RIND_CHECKER_INVALID_PIN, 2));
    EXPECT(GUESSES_GREW, do_recover(8, RIND_CHECKER_INVALID_PIN, 2));
    EXPECT(EXPLAINED, do_recover(8, RIND_CHECKER_INVALID_PIN, 1));
    /* One used that nobody asked for is no less wrong. */
    EXPECT(UNEXPLAINED, do_recover(7, RIND_CHECKER_INVALID_PIN, 0));
}

static void a_lost_answer_may_have_cost_one_guess_and_no_more(void **state)
{
    struct world *world = *state;
    EXPECT(EXPLAINED, do_register(1, 7, 9, RIND_CHECKER_OK));
    EXPECT(EXPLAINED, do_recover(8, RIND_CHECKER_UNKNOWN, 0));
    EXPECT(UNEXPLAINED, do_recover(8, RIND_CHECKER_INVALID_PIN, 6));
    EXPECT(EXPLAINED, do_recover(8, RIND_CHECKER_INVALID_PIN, 8)); /* not carried out yet */
    EXPECT(EXPLAINED, do_recover(8, RIND_CHECKER_INVALID_PIN, 6)); /* but now */
    EXPECT(UNEXPLAINED, do_recover(8, RIND_CHECKER_INVALID_PIN, 4));
    EXPECT(EXPLAINED, do_recover(8, RIND_CHECKER_INVALID_PIN, 5));
}

static void a_lost_answer_says_nothing_for_ever_after_its_time(void **state)
{
    struct world *world = *state;
    EXPECT(EXPLAINED, do_register(1, 7, 9, RIND_CHECKER_OK));
    EXPECT(EXPLAINED, do_recover(8, RIND_CHECKER_UNKNOWN, 0));
    EXPECT(EXPLAINED, do_recover(8, RIND_CHECKER_INVALID_PIN, 8));
    assert_int_equal(rind_checker_late_count(&world->checker, world->now_ns), 2);
    world->now_ns += LATE_NS;
    assert_int_equal(rind_checker_late_count(&world->checker, world->now_ns), 0);
    EXPECT(EXPLAINED, do_recover(8, RIND_CHECKER_INVALID_PIN, 6)); /* carried out in its time */
    EXPECT(UNEXPLAINED, do_recover(8, RIND_CHECKER_INVALID_PIN, 4));
}

static void what_was_never_sent_leaves_nothing_behind(void **state)
{
    struct world *world = *state;
    struct rind_checker_operation unsent = do_recover(8, RIND_CHECKER_UNKNOWN, 0);
    unsent.is_unclear = false;
    EXPECT(EXPLAINED, do_register(1, 7, 9, RIND_CHECKER_OK));
    EXPECT(EXPLAINED, unsent);
    assert_int_equal(rind_checker_late_count(&world->checker, world->now_ns), 0);
    EXPECT(UNEXPLAINED, do_recover(8, RIND_CHECKER_INVALID_PIN, 7));
    EXPECT(EXPLAINED, do_recover(8, RIND_CHECKER_INVALID_PIN, 8));
}

static void settling_ends_what_may_come_late(void **state)
{
    struct world *world = *state;
    EXPECT(EXPLAINED, do_register(1, 7, 9, RIND_CHECKER_OK));
    EXPECT(EXPLAINED, do_register(2, 5, 3, RIND_CHECKER_UNKNOWN));
    EXPECT(EXPLAINED, do_recover(7, RIND_CHECKER_OK, 1));
    rind_checker_settle(&world->checker);
    EXPECT(EXPLAINED, do_recover(7, RIND_CHECKER_OK, 1));
    assert_int_equal(world->checker.world_count, 1);
    EXPECT(SECRET_LOST, do_recover(5, RIND_CHECKER_OK, 2));
}

static void a_registration_without_an_answer_may_come_late(void **state)
{
    struct world *world = *state;
    EXPECT(EXPLAINED, do_register(1, 7, 2, RIND_CHECKER_OK));
    EXPECT(EXPLAINED, do_register(2, 5, 3, RIND_CHECKER_UNKNOWN));
    EXPECT(EXPLAINED, do_recover(7, RIND_CHECKER_OK, 1));
    EXPECT(EXPLAINED, do_recover(5, RIND_CHECKER_OK, 2));
    EXPECT(EXPLAINED, do_recover(7, RIND_CHECKER_INVALID_PIN, 2));
}

static void a_repeated_delete_may_come_twice(void **state)
{
    struct world *world = *state;
    struct rind_checker_operation deletion = do_delete(RIND_CHECKER_OK);
    EXPECT(EXPLAINED, do_register(1, 7, 2, RIND_CHECKER_OK));
    deletion.is_unclear = true;
    EXPECT(EXPLAINED, deletion);
    EXPECT(EXPLAINED, do_register(2, 7, 2, RIND_CHECKER_OK));
    EXPECT(EXPLAINED, do_recover(7, RIND_CHECKER_NOT_REGISTERED, 0));
    world->now_ns += LATE_NS;
    EXPECT(EXPLAINED, do_register(3, 7, 2, RIND_CHECKER_OK));
    EXPECT(SECRET_LOST, do_recover(7, RIND_CHECKER_NOT_REGISTERED, 0));
}

static void a_late_recover2_spares_another_registration(void **state)
{
    struct world *world = *state;
    EXPECT(EXPLAINED, do_register(1, 7, 9, RIND_CHECKER_OK));
    EXPECT(EXPLAINED, do_recover(8, RIND_CHECKER_UNKNOWN, 0));
    EXPECT(EXPLAINED, do_register(2, 7, 9, RIND_CHECKER_OK));
    EXPECT(UNEXPLAINED, do_recover(8, RIND_CHECKER_INVALID_PIN, 7));
    EXPECT(EXPLAINED, do_recover(8, RIND_CHECKER_INVALID_PIN, 8));
}

static void two_at_once_come_in_some_order(void **state)
{
    struct world *world = *state;
    EXPECT(EXPLAINED, do_register(1, 7, 9, RIND_CHECKER_OK));
    struct rind_checker_operation both[2] = {do_recover(8, RIND_CHECKER_INVALID_PIN, 8),
                                             do_recover(5, RIND_CHECKER_INVALID_PIN, 7)};
    assert_int_equal(round_of(world, 2, both), RIND_CHECKER_EXPLAINED);
    both[0].guesses_remaining = 6; /* used twice */
    both[1].guesses_remaining = 6;
    assert_int_equal(round_of(world, 2, both), RIND_CHECKER_UNEXPLAINED);
    both[1] = do_register(2, 1, 3, RIND_CHECKER_OK);
    both[0] = do_recover(7, RIND_CHECKER_OTHER_REGISTRATION, 0);
    assert_int_equal(round_of(world, 2, both), RIND_CHECKER_EXPLAINED);
    EXPECT(EXPLAINED, do_recover(1, RIND_CHECKER_OK, 2));
    EXPECT(UNEXPLAINED, do_recover(1, RIND_CHECKER_OTHER_REGISTRATION, 0));
}

/* The last guess is right, but another device looks between Recover2 and Recover3: locked. */
static void the_last_guess_can_be_lost_to_another_device(void **state)
{
    struct world *world = *state;
    EXPECT(EXPLAINED, do_register(1, 7, 1, RIND_CHECKER_OK));
    const struct rind_checker_operation both[2] = {do_recover(7, RIND_CHECKER_INVALID_PIN, 0),
                                                   do_recover(7, RIND_CHECKER_INVALID_PIN, 0)};
    assert_int_equal(round_of(world, 2, both), RIND_CHECKER_EXPLAINED);
    EXPECT(EXPLAINED, do_recover(7, RIND_CHECKER_INVALID_PIN, 0));
}

static void a_search_that_grows_too_large_is_an_error(void **state)
{
    struct world *world = *state;
    struct rind_buffer why;
    enum rind_checker_verdict verdict;
    rind_buffer_init(&why, NULL, 0);
    rind_status status = RIND_OK;
    uint32_t rounds = 0;
    while (rind_is_ok(status) && rounds < 100) {
        rounds++;
        const struct rind_checker_operation operation =
            do_register(rounds, 1, 2 * rounds, RIND_CHECKER_UNKNOWN);
        status = rind_checker_round(&world->ctx, &world->checker, &operation, 1, 1, LATE_NS,
                                    &verdict, &why);
    }
    assert_true(rind_is(status, RIND_E_LIMIT));
    assert_true(rounds > RIND_CHECKER_LATE_REST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_honest_life_is_explained, setup, teardown),
        cmocka_unit_test_setup_teardown(a_lost_secret_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(a_deleted_secret_that_comes_back_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(a_counter_that_runs_backwards_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(a_lost_answer_may_have_cost_one_guess_and_no_more, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_lost_answer_says_nothing_for_ever_after_its_time, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_was_never_sent_leaves_nothing_behind, setup, teardown),
        cmocka_unit_test_setup_teardown(settling_ends_what_may_come_late, setup, teardown),
        cmocka_unit_test_setup_teardown(a_registration_without_an_answer_may_come_late, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_repeated_delete_may_come_twice, setup, teardown),
        cmocka_unit_test_setup_teardown(a_late_recover2_spares_another_registration, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(two_at_once_come_in_some_order, setup, teardown),
        cmocka_unit_test_setup_teardown(the_last_guess_can_be_lost_to_another_device, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_search_that_grows_too_large_is_an_error, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
