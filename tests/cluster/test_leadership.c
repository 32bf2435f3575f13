/* test_leadership.c - leader check, step-down and rebalance against scripted agents (spec 08 §6-8).
 */
#include "cluster/fake_agents.h"
#include "support/test.h"

#define STALL_MS 200u

static struct fake_realm realm;
static struct rind_leaders *leaders;

static int setup(void **state)
{
    (void)state;
    fake_realm_open(&realm, 3);
    assert_true(
        rind_is_ok(rind_leaders_new(&realm.ctx, realm.keeper, &realm.cluster, STALL_MS, &leaders)));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rind_leaders_free(leaders);
    fake_realm_close(&realm);
    return 0;
}

static struct rind_leaders_report check(void)
{
    struct rind_leaders_report report;
    assert_true(rind_is_ok(rind_leaders_check(&realm.ctx, leaders, &report)));
    return report;
}

static const struct rind_agent_become_leader_response refuses_to_lead = {
    .kind = RIND_AGENT_BECOME_LEADER_NOT_CAPTURED};

/* ---- leader check ---- */

static void a_group_without_a_leader_gets_the_least_busy_member(void **state)
{
    (void)state;
    fake_realm_add_group(&realm, 3, 3, SIZE_MAX);
    fake_realm_add_group(&realm, 4, 1, 0); /* the first agent has more to do */
    struct rind_leaders_report report = check();
    assert_int_equal(report.groups, 2);
    assert_int_equal(report.led_before, 1);
    assert_int_equal(report.assigned, 1);
    assert_int_equal(report.leader_count, 2); /* the new one is watched at once */
    assert_string_equal(report.leader_urls[1], realm.agents[1].url);
    assert_int_equal(fake_leader(&realm, 3), 1);
    assert_true(realm.agents[1].last_requested == UINT64_MAX);
    report = check();
    assert_int_equal(report.led_before, 2);
    assert_int_equal(report.leader_count, 2);
}

static void groups_without_leaders_are_spread_over_the_members(void **state)
{
    (void)state;
    for (uint8_t group = 0x30; group < 0x36; group++) {
        fake_realm_add_group(&realm, group, 3, SIZE_MAX);
    }
    struct rind_leaders_report report = check();
    assert_int_equal(report.assigned, 6);
    unsigned led[3] = {0};
    for (uint8_t group = 0x30; group < 0x36; group++) {
        size_t leader = fake_leader(&realm, group);
        assert_true(leader < 3);
        led[leader]++;
    }
    assert_int_equal(led[0], 2);
    assert_int_equal(led[1], 2);
    assert_int_equal(led[2], 2);
}

static void a_group_whose_leader_died_gets_another_one(void **state)
{
    (void)state;
    fake_realm_add_group(&realm, 3, 3, 0);
    assert_int_equal(check().led_before, 1);
    fake_kill(&realm.agents[0]);
    assert_int_equal(check().assigned, 1);
    fake_find(&realm, 0, 3)->is_leader = false; /* it is dead, whatever it believed */
    assert_int_equal(fake_leader(&realm, 3), 1);
}

static void a_group_whose_leader_lost_its_hsm_gets_another_one(void **state)
{
    (void)state;
    fake_realm_add_group(&realm, 3, 3, 2);
    realm.agents[2].has_hsm = false;
    assert_int_equal(check().assigned, 1);
}

static void who_refuses_to_lead_is_passed_over(void **state)
{
    (void)state;
    fake_realm_add_group(&realm, 3, 3, SIZE_MAX);
    fake_script(&realm.agents[0], "become_leader", 0, FAKE_FOR_EVER, &refuses_to_lead);
    fake_script(&realm.agents[1], "become_leader", 0, FAKE_FOR_EVER, NULL);
    assert_int_equal(check().assigned, 1);
    assert_int_equal(fake_leader(&realm, 3), 2);
}

static void one_groups_trouble_does_not_keep_the_others_from_leaders(void **state)
{
    (void)state;
    fake_realm_add_group(&realm, 3, 1, SIZE_MAX);
    fake_realm_add_group(&realm, 4, 3, SIZE_MAX);
    fake_realm_add_group(&realm, 5, 3, SIZE_MAX);
    fake_script(&realm.agents[0], "become_leader", 0, FAKE_FOR_EVER, NULL);
    struct rind_leaders_report report = check();
    assert_int_equal(report.assigned, 2);
    assert_int_equal(report.failed, 1);
    assert_int_equal(fake_leader(&realm, 3), SIZE_MAX);
}

static void a_group_that_another_manager_works_on_is_left_alone(void **state)
{
    (void)state;
    char key[RIND_LEASE_KEY_SIZE_MAX];
    struct rind_lease lease;
    fake_realm_add_group(&realm, 3, 3, SIZE_MAX);
    fake_take_lease(&realm, fake_group_key(&realm, 3, key), &lease);
    assert_int_equal(check().busy, 1);
    assert_int_equal(fake_calls(&realm.agents[0], "become_leader"), 0);
    fake_give_lease(&realm, &lease);
    assert_int_equal(check().assigned, 1);
}

/* The first answer of all members is from before another manager made one of them leader. */
static void a_group_that_got_a_leader_meanwhile_gets_no_second_one(void **state)
{
    (void)state;
    static struct rind_agent_status_response before;
    static struct rind_group_status group;
    static struct rind_hsm_id members[3];
    fake_realm_add_group(&realm, 3, 3, 0);
    for (size_t i = 0; i < 3; i++) {
        members[i] = realm.agents[i].hsm;
    }
    group = (struct rind_group_status){.id = fake_group_id(3),
                                       .configuration = {.items = members, .count = 3},
                                       .role = {.role = {.kind = RIND_ROLE_WITNESS}, .at = 1}};
    before = (struct rind_agent_status_response){
        .has_hsm = true,
        .hsm = {.id = realm.agents[0].hsm,
                .has_realm = true,
                .realm = {.id = realm.id, .groups = {.items = &group, .count = 1}}}};
    fake_script(&realm.agents[0], "status", 0, 1, &before);
    struct rind_leaders_report report = check();
    assert_int_equal(report.assigned, 0);
    assert_int_equal(report.busy, 1);
    assert_int_equal(fake_calls(&realm.agents[1], "become_leader"), 0);
    assert_int_equal(check().led_before, 1);
}

static void an_hsm_that_leads_without_its_agent_is_replaced_at_the_second_look(void **state)
{
    (void)state;
    fake_realm_add_group(&realm, 3, 3, 0);
    fake_find(&realm, 0, 3)->is_undriven = true;
    assert_int_equal(check().assigned, 0);
    assert_int_equal(check().assigned, 1);
    assert_int_equal(fake_calls(&realm.agents[0], "become_leader"), 0);
    assert_int_equal(fake_leader(&realm, 3), 1);
}

/* Checks until one has replaced the leader, for `duration_ms` at most. */
static size_t check_for_stalls(uint64_t duration_ms)
{
    struct rind_deadline deadline = rind_deadline_in_ms(duration_ms);
    size_t assigned = 0;
    while (assigned == 0 && !rind_deadline_has_expired(deadline)) {
        size_t mark = rind_arena_mark(realm.arena);
        assigned = check().assigned;
        rind_arena_release(realm.arena, mark);
    }
    return assigned;
}

static void a_leader_that_appends_but_does_not_commit_is_replaced(void **state)
{
    (void)state;
    fake_realm_add_group(&realm, 3, 3, 0);
    fake_find(&realm, 0, 3)->last = 11;
    assert_int_equal(check_for_stalls(20000), 1);
    assert_int_equal(fake_calls(&realm.agents[0], "become_leader"), 0);
    assert_int_equal(fake_calls(&realm.agents[1], "become_leader"), 1);
}

static void a_leader_that_cannot_commit_for_lack_of_members_stays(void **state)
{
    (void)state;
    fake_realm_add_group(&realm, 3, 3, 0);
    fake_find(&realm, 0, 3)->last = 11;
    fake_kill(&realm.agents[1]);
    fake_kill(&realm.agents[2]);
    assert_int_equal(check_for_stalls(5 * STALL_MS), 0);
}

static void no_agents_at_all_are_no_failure(void **state)
{
    (void)state;
    for (size_t i = 0; i < realm.count; i++) {
        fake_kill(&realm.agents[i]);
    }
    assert_int_equal(check().groups, 0);
}

/* ---- step-down ---- */

static struct rind_cluster_stepdown_response step_down_hsm(uint8_t byte)
{
    struct rind_cluster_stepdown_request request = {.kind = RIND_CLUSTER_STEPDOWN_REQUEST_HSM,
                                                    .hsm = fake_hsm_id(byte)};
    struct rind_cluster_stepdown_response response;
    rind_stepdown(&realm.ctx, realm.keeper, &realm.cluster, &request, &response);
    return response;
}

static struct rind_cluster_stepdown_response step_down_group(uint8_t byte)
{
    struct rind_cluster_stepdown_request request = {
        .kind = RIND_CLUSTER_STEPDOWN_REQUEST_GROUP,
        .group = {.realm = realm.id, .group = fake_group_id(byte)}};
    struct rind_cluster_stepdown_response response;
    rind_stepdown(&realm.ctx, realm.keeper, &realm.cluster, &request, &response);
    return response;
}

static void an_unknown_hsm_is_invalid(void **state)
{
    (void)state;
    assert_int_equal(step_down_hsm(0x77).kind, RIND_CLUSTER_STEPDOWN_INVALID_HSM);
}

static void an_hsm_that_leads_nothing_is_ok_and_nothing_happens(void **state)
{
    (void)state;
    fake_realm_add_group(&realm, 3, 3, 0);
    assert_int_equal(step_down_hsm(2).kind, RIND_CLUSTER_STEPDOWN_OK);
    assert_int_equal(fake_leader(&realm, 3), 0);
    realm.agents[1].has_realm = false;
    assert_int_equal(step_down_hsm(2).kind, RIND_CLUSTER_STEPDOWN_OK);
}

static void all_groups_of_an_hsm_move_and_the_successors_know_where_to_start(void **state)
{
    (void)state;
    fake_realm_add_group(&realm, 3, 3, 0);
    fake_realm_add_group(&realm, 4, 3, 0);
    assert_int_equal(step_down_hsm(1).kind, RIND_CLUSTER_STEPDOWN_OK);
    assert_true(fake_leader(&realm, 3) == 1 || fake_leader(&realm, 3) == 2);
    assert_true(fake_leader(&realm, 4) == 1 || fake_leader(&realm, 4) == 2);
    assert_int_not_equal(fake_leader(&realm, 3), fake_leader(&realm, 4));
    assert_true(realm.agents[1].last_requested == 10);
}

static void a_group_without_a_leader_is_ok(void **state)
{
    (void)state;
    fake_realm_add_group(&realm, 3, 3, SIZE_MAX);
    assert_int_equal(step_down_group(3).kind, RIND_CLUSTER_STEPDOWN_OK);
    assert_int_equal(step_down_group(0x55).kind, RIND_CLUSTER_STEPDOWN_OK);
}

static void of_two_dueling_leaders_the_one_that_commits_steps_down(void **state)
{
    (void)state;
    fake_realm_add_group(&realm, 3, 3, 0);
    fake_find(&realm, 1, 3)->is_leader = true;
    fake_find(&realm, 1, 3)->committed = 12;
    assert_int_equal(step_down_group(3).kind, RIND_CLUSTER_STEPDOWN_OK);
    assert_int_equal(fake_calls(&realm.agents[1], "stepdown"), 1);
    assert_int_equal(fake_calls(&realm.agents[0], "stepdown"), 0);
    /* The other one leads already: nobody needs to be asked. */
    assert_int_equal(fake_calls(&realm.agents[2], "become_leader"), 0);
    assert_int_equal(fake_leader(&realm, 3), 0);
}

static void a_taken_lease_is_busy_and_nothing_is_touched(void **state)
{
    (void)state;
    char key[RIND_LEASE_KEY_SIZE_MAX];
    struct rind_lease lease;
    fake_realm_add_group(&realm, 3, 3, 0);
    fake_realm_add_group(&realm, 4, 3, 0);
    fake_take_lease(&realm, fake_group_key(&realm, 4, key), &lease);
    struct rind_cluster_stepdown_response response = step_down_hsm(1);
    assert_int_equal(response.kind, RIND_CLUSTER_STEPDOWN_BUSY);
    struct rind_group_id four = fake_group_id(4);
    assert_true(rind_group_id_equal(&response.busy.group, &four));
    assert_int_equal(fake_leader(&realm, 3), 0);
    assert_int_equal(fake_leader(&realm, 4), 0);
    fake_give_lease(&realm, &lease);
    /* The lease of group 3 was given back, or this would be busy too. */
    assert_int_equal(step_down_hsm(1).kind, RIND_CLUSTER_STEPDOWN_OK);
}

static void the_agents_refusal_is_passed_on(void **state)
{
    (void)state;
    static const struct rind_agent_stepdown_response refusals[] = {
        {.kind = RIND_AGENT_STEPDOWN_NO_HSM},
        {.kind = RIND_AGENT_STEPDOWN_INVALID_GROUP},
        {.kind = RIND_AGENT_STEPDOWN_INVALID_REALM},
        {.kind = RIND_AGENT_STEPDOWN_NOT_LEADER},
    };
    static const enum rind_cluster_stepdown_response_kind expected[] = {
        RIND_CLUSTER_STEPDOWN_NO_HSM, RIND_CLUSTER_STEPDOWN_INVALID_GROUP,
        RIND_CLUSTER_STEPDOWN_INVALID_REALM, RIND_CLUSTER_STEPDOWN_NOT_LEADER};
    fake_realm_add_group(&realm, 3, 3, 0);
    for (size_t i = 0; i < 4; i++) {
        fake_script(&realm.agents[0], "stepdown", 0, 1, &refusals[i]);
        assert_int_equal(step_down_group(3).kind, expected[i]);
    }
    fake_script(&realm.agents[0], "stepdown", 0, 1, NULL);
    struct rind_cluster_stepdown_response response = step_down_group(3);
    assert_int_equal(response.kind, RIND_CLUSTER_STEPDOWN_RPC_ERROR);
    assert_int_equal(response.rpc_error.kind, RIND_RPC_ERROR_HTTP_STATUS);
    assert_int_equal(response.rpc_error.http_status, 500);
}

static void nobody_taking_over_is_ok_and_the_leader_check_repairs_it(void **state)
{
    (void)state;
    fake_realm_add_group(&realm, 3, 3, 0);
    fake_script(&realm.agents[1], "become_leader", 0, 3, &refuses_to_lead);
    fake_script(&realm.agents[2], "become_leader", 0, 3, &refuses_to_lead);
    assert_int_equal(step_down_group(3).kind, RIND_CLUSTER_STEPDOWN_OK);
    assert_int_equal(fake_calls(&realm.agents[1], "become_leader"), 3);
    assert_int_equal(fake_leader(&realm, 3), SIZE_MAX);
    assert_int_equal(check().assigned, 1);
}

static void an_rpc_error_of_the_assignment_is_reported(void **state)
{
    (void)state;
    fake_realm_add_group(&realm, 3, 2, 0);
    fake_script(&realm.agents[1], "become_leader", 0, FAKE_FOR_EVER, NULL);
    struct rind_cluster_stepdown_response response = step_down_group(3);
    assert_int_equal(response.kind, RIND_CLUSTER_STEPDOWN_RPC_ERROR);
    char memory[256];
    struct rind_buffer text;
    rind_buffer_init(&text, memory, sizeof(memory));
    rind_stepdown_print(&text, &response);
    assert_true(rind_slice_is_text(rind_buffer_slice(&text), "RpcError: non-OK HTTP status: 500"));
}

/* ---- rebalance ---- */

static unsigned repairs;

static void count_repair(void *self)
{
    (void)self;
    repairs++;
}

static struct rind_cluster_rebalance_response rebalance(void)
{
    const struct rind_rebalance pass = {
        .keeper = realm.keeper, .cluster = &realm.cluster, .repair = count_repair};
    struct rind_cluster_rebalance_response response;
    repairs = 0;
    rind_rebalance_pass(&realm.ctx, &pass, &response);
    return response;
}

static void assert_rebalance_error(enum rind_cluster_rebalance_error_kind kind)
{
    struct rind_cluster_rebalance_response response = rebalance();
    assert_int_equal(response.kind, RIND_CLUSTER_REBALANCE_ERR);
    assert_int_equal(response.error.kind, kind);
}

static void passes_move_leaderships_until_nothing_is_left_to_move(void **state)
{
    (void)state;
    for (uint8_t group = 0x30; group < 0x33; group++) {
        fake_realm_add_group(&realm, group, 3, 0);
    }
    for (unsigned i = 0; i < 2; i++) {
        struct rind_cluster_rebalance_response response = rebalance();
        assert_int_equal(response.kind, RIND_CLUSTER_REBALANCE_OK);
        assert_int_equal(response.ok.kind, RIND_CLUSTER_REBALANCE_OK_REBALANCED);
        assert_int_equal(response.ok.rebalanced.from.bytes[0], 1);
        assert_int_equal(response.ok.rebalanced.to.bytes[0], 2 + i);
    }
    struct rind_cluster_rebalance_response response = rebalance();
    assert_int_equal(response.kind, RIND_CLUSTER_REBALANCE_OK);
    assert_int_equal(response.ok.kind, RIND_CLUSTER_REBALANCE_OK_ALREADY_BALANCED);
}

static void two_groups_led_by_the_first(void)
{
    fake_realm_add_group(&realm, 3, 3, 0);
    fake_realm_add_group(&realm, 4, 3, 0);
}

static void a_target_that_refuses_is_rolled_back(void **state)
{
    (void)state;
    two_groups_led_by_the_first();
    fake_script(&realm.agents[1], "become_leader", 0, 1, &refuses_to_lead);
    assert_rebalance_error(RIND_CLUSTER_REBALANCE_ERROR_LEADERSHIP_TRANSFER_ROLLED_BACK);
    assert_int_equal(fake_leader(&realm, 3), 0);
    assert_int_equal(fake_leader(&realm, 4), 0);
    assert_int_equal(repairs, 0);
}

static void when_both_refuse_a_leader_check_repairs(void **state)
{
    (void)state;
    two_groups_led_by_the_first();
    fake_script(&realm.agents[1], "become_leader", 0, 1, &refuses_to_lead);
    fake_script(&realm.agents[0], "become_leader", 0, 1, &refuses_to_lead);
    assert_rebalance_error(RIND_CLUSTER_REBALANCE_ERROR_LEADERSHIP_TRANSFER_FAILED);
    assert_int_equal(repairs, 1);
    assert_int_equal(check().assigned, 1);
}

static void failed_calls_are_rpc_errors(void **state)
{
    (void)state;
    two_groups_led_by_the_first();
    fake_script(&realm.agents[0], "stepdown", 0, 1, NULL);
    assert_rebalance_error(RIND_CLUSTER_REBALANCE_ERROR_RPC);
    fake_script(&realm.agents[1], "become_leader", 0, 1, NULL);
    assert_rebalance_error(RIND_CLUSTER_REBALANCE_ERROR_RPC);
    assert_int_equal(repairs, 1);
}

static void a_leader_that_refuses_to_step_down_is_asked_again_first(void **state)
{
    (void)state;
    static const struct rind_agent_stepdown_response not_leader = {
        .kind = RIND_AGENT_STEPDOWN_NOT_LEADER};
    two_groups_led_by_the_first();
    fake_script(&realm.agents[0], "stepdown", 0, 1, &not_leader);
    struct rind_cluster_rebalance_response response = rebalance();
    assert_int_equal(response.kind, RIND_CLUSTER_REBALANCE_OK);
    assert_int_equal(response.ok.kind, RIND_CLUSTER_REBALANCE_OK_REBALANCED);
    fake_realm_add_group(&realm, 5, 3, 0);
    fake_script(&realm.agents[0], "stepdown", 0, FAKE_FOR_EVER, &not_leader);
    assert_rebalance_error(RIND_CLUSTER_REBALANCE_ERROR_STEP_DOWN_FAILED);
}

static void a_busy_group_is_named(void **state)
{
    (void)state;
    char key[RIND_LEASE_KEY_SIZE_MAX];
    struct rind_lease lease;
    two_groups_led_by_the_first();
    fake_take_lease(&realm, fake_group_key(&realm, 3, key), &lease);
    struct rind_cluster_rebalance_response response = rebalance();
    assert_int_equal(response.kind, RIND_CLUSTER_REBALANCE_ERR);
    assert_int_equal(response.error.kind, RIND_CLUSTER_REBALANCE_ERROR_BUSY);
    char memory[256];
    struct rind_buffer text;
    rind_buffer_init(&text, memory, sizeof(memory));
    rind_rebalance_error_print(&text, &response.error);
    assert_true(rind_slice_is_text(rind_buffer_slice(&text),
                                   "The group 03030303030303030303030303030303 is busy with some "
                                   "other management task"));
    fake_give_lease(&realm, &lease);
}

static void the_workload_table_marks_what_moves(void **state)
{
    (void)state;
    static const char expected[] =
        "current workloads\n"
        "HSM ID: 01010101010101010101010101010101             Total Workload:6\n"
        "\tGroup: 03030303030303030303030303030303 Leader  Workload:3 [moving]\n"
        "\tGroup: 04040404040404040404040404040404 Leader  Workload:3\n"
        "\n"
        "HSM ID: 02020202020202020202020202020202             Total Workload:2\n"
        "\tGroup: 03030303030303030303030303030303 Witness Workload:1 [destination]\n"
        "\tGroup: 04040404040404040404040404040404 Witness Workload:1\n"
        "\n"
        "HSM ID: 03030303030303030303030303030303             Total Workload:2\n"
        "\tGroup: 03030303030303030303030303030303 Witness Workload:1\n"
        "\tGroup: 04040404040404040404040404040404 Witness Workload:1\n"
        "\n";
    two_groups_led_by_the_first();
    struct rind_cluster_agent_list agents;
    struct rind_cluster_hsm_list found;
    assert_true(rind_is_ok(rind_cluster_ask_all(&realm.ctx, &realm.cluster, 5000, &agents)));
    assert_true(rind_is_ok(rind_cluster_hsms(&realm.ctx, agents, &found)));
    struct rind_cluster_move move;
    bool has_move;
    assert_true(rind_is_ok(rind_workload_choose_move(&realm.ctx, found, &has_move, &move)));
    assert_true(has_move);
    char memory[4096];
    struct rind_buffer text;
    rind_buffer_init(&text, memory, sizeof(memory) - 1);
    assert_true(rind_is_ok(rind_rebalance_print_workloads(&realm.ctx, &text, found, &move)));
    memory[text.length] = '\0';
    assert_string_equal(memory, expected);
}

/* ---- gathering ---- */

static void agents_that_did_not_answer_are_told_from_those_that_did(void **state)
{
    (void)state;
    const char *known[] = {realm.agents[2].url};
    struct rind_cluster_agent_list agents;
    fake_kill(&realm.agents[2]);
    assert_true(rind_is_ok(
        rind_cluster_ask_impatiently(&realm.ctx, &realm.cluster, 60000, known, 1, &agents)));
    assert_int_equal(agents.count, 3);
    size_t answered = 0;
    for (size_t i = 0; i < agents.count; i++) {
        answered += agents.items[i].has_answered ? 1 : 0;
        assert_true(agents.items[i].has_answered || agents.items[i].fault != NULL);
    }
    assert_int_equal(answered, 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_group_without_a_leader_gets_the_least_busy_member),
        TEST(groups_without_leaders_are_spread_over_the_members),
        TEST(a_group_whose_leader_died_gets_another_one),
        TEST(a_group_whose_leader_lost_its_hsm_gets_another_one),
        TEST(who_refuses_to_lead_is_passed_over),
        TEST(one_groups_trouble_does_not_keep_the_others_from_leaders),
        TEST(a_group_that_another_manager_works_on_is_left_alone),
        TEST(a_group_that_got_a_leader_meanwhile_gets_no_second_one),
        TEST(an_hsm_that_leads_without_its_agent_is_replaced_at_the_second_look),
        TEST(a_leader_that_appends_but_does_not_commit_is_replaced),
        TEST(a_leader_that_cannot_commit_for_lack_of_members_stays),
        TEST(no_agents_at_all_are_no_failure),
        TEST(an_unknown_hsm_is_invalid),
        TEST(an_hsm_that_leads_nothing_is_ok_and_nothing_happens),
        TEST(all_groups_of_an_hsm_move_and_the_successors_know_where_to_start),
        TEST(a_group_without_a_leader_is_ok),
        TEST(of_two_dueling_leaders_the_one_that_commits_steps_down),
        TEST(a_taken_lease_is_busy_and_nothing_is_touched),
        TEST(the_agents_refusal_is_passed_on),
        TEST(nobody_taking_over_is_ok_and_the_leader_check_repairs_it),
        TEST(an_rpc_error_of_the_assignment_is_reported),
        TEST(passes_move_leaderships_until_nothing_is_left_to_move),
        TEST(a_target_that_refuses_is_rolled_back),
        TEST(when_both_refuse_a_leader_check_repairs),
        TEST(failed_calls_are_rpc_errors),
        TEST(a_leader_that_refuses_to_step_down_is_asked_again_first),
        TEST(a_busy_group_is_named),
        TEST(the_workload_table_marks_what_moves),
        TEST(agents_that_did_not_answer_are_told_from_those_that_did),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
