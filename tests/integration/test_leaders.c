/*
 * test_leaders.c - leaders of real groups die, hand over, fight and pause while clients go on (spec
 * 08 section 19: leader battle, handover, rebalance, compaction with paused members).
 */
#include "integration/real_realm.h"
#include "support/test.h"

static struct real_realm realm;

static int teardown(void **state)
{
    (void)state;
    real_close(&realm);
    return 0;
}

static int setup_3_hsms(void **state)
{
    (void)state;
    real_open(&realm, 3, 1, 2);
    return 0;
}

static int setup_5_hsms(void **state)
{
    (void)state;
    real_open(&realm, 5, 0, 1);
    return 0;
}

/* How many leaders to kill; RIND_TAKEOVERS changes it, to measure. */
static unsigned takeover_count(void)
{
    const char *text = getenv("RIND_TAKEOVERS");
    uint64_t count = 3;
    if (text != NULL) {
        assert_true(rind_is_ok(rind_u64_parse(NULL, rind_slice_text(text), &count)));
    }
    return (unsigned)count;
}

static int compare_u64(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left;
    uint64_t b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

/* Kills the leader, with its HSM, and counts the time until a user is served again. */
static uint64_t one_takeover(const struct rind_group_id *group, struct real_user *user)
{
    struct rind_deadline deadline = rind_deadline_in_ms(REAL_PATIENCE_MS);
    size_t leader = real_await_leader(&realm, group, SIZE_MAX);
    uint64_t start_ns = rind_clock_monotonic_ns();
    real_kill(&realm, leader);
    while (real_user_recover(user) != RIND_ERROR_NONE) {
        assert_false(rind_deadline_has_expired(deadline));
    }
    uint64_t took_ms = (rind_clock_monotonic_ns() - start_ns) / RIND_NS_PER_MS;
    real_restart(&realm, leader);
    return took_ms;
}

static void a_killed_leader_is_replaced_while_users_wait(void **state)
{
    (void)state;
    static uint64_t took_ms[1000];
    struct rind_group_id group = real_owner(&realm);
    struct real_user user;
    unsigned count = takeover_count();
    assert_true(count >= 1 && count <= 1000);
    real_user_open(&user, &realm, "mario");
    assert_int_equal(real_user_register(&user), RIND_ERROR_NONE);
    for (unsigned i = 0; i < count; i++) {
        took_ms[i] = one_takeover(&group, &user);
        print_message("  takeover %u: %u ms\n", i + 1, (unsigned)took_ms[i]);
    }
    qsort(took_ms, count, sizeof(took_ms[0]), compare_u64);
    print_message("  %u takeovers: median %u ms, longest %u ms\n", count,
                  (unsigned)took_ms[count / 2], (unsigned)took_ms[count - 1]);
    assert_int_equal(real_user_recover(&user), RIND_ERROR_NONE);
    real_user_close(&user);
}

static void leadership_moves_at_every_step_down_and_clients_see_no_error(void **state)
{
    (void)state;
    struct rind_group_id group = real_owner(&realm);
    struct real_background background;
    real_background_start(&background, &realm);
    real_background_await(&background, 2);
    for (unsigned round = 0; round < 9; round++) {
        size_t before = real_await_leader(&realm, &group, SIZE_MAX);
        struct rind_cluster_stepdown_request request;
        size_t mark = rind_arena_mark(realm.arena);
        struct rind_cluster_hsm_list hsms = real_look(&realm);
        if (round % 2 == 0) {
            request.kind = RIND_CLUSTER_STEPDOWN_REQUEST_HSM;
            request.hsm = rind_cluster_leader(hsms, real_id(&realm), &group)->status->id;
        } else {
            request.kind = RIND_CLUSTER_STEPDOWN_REQUEST_GROUP;
            request.group = (struct rind_cluster_group){.realm = *real_id(&realm), .group = group};
        }
        assert_int_equal(real_step_down(&realm, &request).kind, RIND_CLUSTER_STEPDOWN_OK);
        rind_arena_release(realm.arena, mark);
        (void)real_await_leader(&realm, &group, before);
        real_background_await(&background, 2);
    }
    assert_int_equal(real_background_stop(&background), 0);
}

/* become_leader directly at an agent; StepdownInProgress is tried again. */
static void make_leader(size_t agent, const struct rind_group_id *group)
{
    const struct rind_agent_become_leader_request request = {.realm = *real_id(&realm),
                                                             .group = *group};
    struct rind_agent_become_leader_response response;
    struct rind_deadline deadline = rind_deadline_in_ms(REAL_PATIENCE_MS);
    do {
        assert_false(rind_deadline_has_expired(deadline));
        if (!rind_is_ok(rind_rpc_call(&realm.ctx, realm.local.client, real_agent_url(&realm, agent),
                                      &rind_rpc_become_leader, &request, &response, deadline,
                                      NULL))) {
            fail_msg("%s", realm.ctx.sentence);
        }
    } while (response.kind != RIND_AGENT_BECOME_LEADER_OK);
}

static void of_dueling_leaders_one_remains_and_clients_are_served(void **state)
{
    (void)state;
    struct rind_group_id group = real_owner(&realm);
    struct real_user user;
    real_user_open(&user, &realm, "luigi");
    assert_int_equal(real_user_register(&user), RIND_ERROR_NONE);
    for (unsigned round = 0; round < 3; round++) {
        for (size_t agent = 0; agent < 3; agent++) {
            make_leader(agent, &group);
        }
        struct rind_deadline deadline = rind_deadline_in_ms(REAL_PATIENCE_MS);
        while (real_user_register(&user) != RIND_ERROR_NONE) {
            assert_false(rind_deadline_has_expired(deadline));
        }
        assert_int_equal(real_user_recover(&user), RIND_ERROR_NONE);
        (void)real_await_leader(&realm, &group, SIZE_MAX);
        assert_int_equal(real_leader_count(&realm, &group), 1);
    }
    real_user_close(&user);
}

static void a_paused_witness_does_not_stop_the_others(void **state)
{
    (void)state;
    struct rind_group_id group = real_owner(&realm);
    size_t leader = real_await_leader(&realm, &group, SIZE_MAX);
    size_t first = (leader + 1) % 3;
    size_t second = (leader + 2) % 3;
    struct real_background background;
    real_background_start(&background, &realm);
    real_background_await(&background, 2);
    real_stop_agent(&realm, first);
    real_background_await(&background, 10);
    real_continue_agent(&realm, first);
    /* Now the first is needed for a majority: it has to catch up. */
    real_stop_agent(&realm, second);
    real_background_await(&background, 10);
    real_continue_agent(&realm, second);
    (void)real_background_stop(&background);
}

static void a_paused_leader_is_replaced(void **state)
{
    (void)state;
    struct rind_group_id group = real_owner(&realm);
    struct real_user user;
    real_user_open(&user, &realm, "peach");
    assert_int_equal(real_user_register(&user), RIND_ERROR_NONE);
    size_t leader = real_await_leader(&realm, &group, SIZE_MAX);
    real_stop_agent(&realm, leader);
    struct rind_deadline deadline = rind_deadline_in_ms(REAL_PATIENCE_MS);
    while (real_user_recover(&user) != RIND_ERROR_NONE) {
        assert_false(rind_deadline_has_expired(deadline));
    }
    assert_int_not_equal(real_leader(&realm, &group), leader);
    real_continue_agent(&realm, leader);
    (void)real_await_leader(&realm, &group, SIZE_MAX);
    assert_int_equal(real_user_recover(&user), RIND_ERROR_NONE);
    real_user_close(&user);
}

/* ---- 5 HSMs, 5 groups ---- */

static struct rind_cluster_rebalance_response rebalance(void)
{
    const struct rind_cluster_rebalance_request request = {0};
    struct rind_cluster_rebalance_response response;
    if (!rind_is_ok(rind_rpc_call(&realm.ctx, realm.local.client, real_manager_url(&realm, 0),
                                  &rind_rpc_manager_rebalance, &request, &response,
                                  rind_deadline_in_ms(REAL_PATIENCE_MS), NULL))) {
        fail_msg("%s", realm.ctx.sentence);
    }
    return response;
}

static void leaderships_spread_over_five_hsms_in_four_moves(void **state)
{
    (void)state;
    const char *urls[4];
    struct rind_group_id first = real_owner(&realm);
    for (size_t i = 0; i < 4; i++) {
        urls[i] = real_agent_url(&realm, i + 1);
    }
    assert_true(rind_is_ok(rind_create_join_realm(&realm.ctx, &realm.local.cluster, real_id(&realm),
                                                  urls, 4, real_agent_url(&realm, 0))));
    struct rind_group_id groups[5];
    for (size_t i = 0; i < 5; i++) {
        groups[i] = real_new_group(&realm, 0, 5);
    }
    struct rind_owned_range full = rind_owned_range_full();
    assert_int_equal(real_transfer(&realm, &first, &groups[0], &full).kind,
                     RIND_CLUSTER_TRANSFER_OK);
    struct real_background background;
    real_background_start(&background, &realm);
    real_background_await(&background, 2);
    for (unsigned move = 0; move < 4; move++) {
        struct rind_cluster_rebalance_response response = rebalance();
        assert_int_equal(response.kind, RIND_CLUSTER_REBALANCE_OK);
        assert_int_equal(response.ok.kind, RIND_CLUSTER_REBALANCE_OK_REBALANCED);
        real_background_await(&background, 1);
    }
    struct rind_cluster_rebalance_response last = rebalance();
    assert_int_equal(last.kind, RIND_CLUSTER_REBALANCE_OK);
    assert_int_equal(last.ok.kind, RIND_CLUSTER_REBALANCE_OK_ALREADY_BALANCED);
    assert_int_equal(real_background_stop(&background), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_killed_leader_is_replaced_while_users_wait, setup_3_hsms,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            leadership_moves_at_every_step_down_and_clients_see_no_error, setup_3_hsms, teardown),
        cmocka_unit_test_setup_teardown(of_dueling_leaders_one_remains_and_clients_are_served,
                                        setup_3_hsms, teardown),
        cmocka_unit_test_setup_teardown(a_paused_witness_does_not_stop_the_others, setup_3_hsms,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_paused_leader_is_replaced, setup_3_hsms, teardown),
        cmocka_unit_test_setup_teardown(leaderships_spread_over_five_hsms_in_four_moves,
                                        setup_5_hsms, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
