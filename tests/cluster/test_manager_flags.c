/* test_manager_flags.c - the command line of rind-cluster-manager (spec 08 §1.1). */
#include "cluster/options.h"
#include "support/test.h"

static void the_defaults_are_the_specified_ones(void **state)
{
    (void)state;
    char program[] = "rind-cluster-manager";
    char store[] = "--store=memory:";
    char *argv[] = {program, store, NULL};
    char listen[RIND_ADDRESS_TEXT_SIZE];
    struct rind_manager_flags flags;
    int exit_status = 0;
    assert_true(rind_manager_flags_parse(&flags, 2, argv, &exit_status));
    rind_address_format(&flags.listen, listen);
    assert_string_equal(listen, "127.0.0.1:8079");
    assert_true(flags.interval_ns == 2 * RIND_NS_PER_S);
    assert_true(flags.rebalance_interval_ns == 60 * RIND_NS_PER_S);
    assert_string_equal(flags.store, "memory:");
}

static void an_interval_of_nothing_is_refused(void **state)
{
    (void)state;
    char program[] = "rind-cluster-manager";
    char store[] = "--store=memory:";
    char interval[] = "--interval=0s";
    char *argv[] = {program, store, interval, NULL};
    struct rind_manager_flags flags;
    int exit_status = 0;
    assert_false(rind_manager_flags_parse(&flags, 3, argv, &exit_status));
    assert_int_equal(exit_status, RIND_EXIT_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_defaults_are_the_specified_ones),
        cmocka_unit_test(an_interval_of_nothing_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
