/*
 * test_transfer.c - ownership transfers and their recovery against scripted agents: every answer of
 * every step (spec 08 sections 9 and 10).
 *
 * Group 0x0a is the source, led by agent 0; 0x0b the destination, led by agent 1.
 */
#include "cluster/fake_agents.h"
#include "support/test.h"

#define SOURCE 0x0a
#define DESTINATION 0x0b

static struct fake_realm realm;

static int setup(void **state)
{
    (void)state;
    fake_realm_open(&realm, 3);
    fake_realm_add_group(&realm, SOURCE, 2, 0);
    fake_realm_add_group(&realm, DESTINATION, 2, 1);
    fake_find(&realm, 0, SOURCE)->has_range = true;
    fake_find(&realm, 0, SOURCE)->range = fake_range(0x00, 0xff);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fake_realm_close(&realm);
    return 0;
}

static struct rind_cluster_transfer_request wanted(void)
{
    return (struct rind_cluster_transfer_request){.realm = realm.id,
                                                  .source = fake_group_id(SOURCE),
                                                  .destination = fake_group_id(DESTINATION),
                                                  .range = fake_range(0x80, 0xff)};
}

static struct rind_cluster_transfer_response transfer(void)
{
    struct rind_cluster_transfer_request request = wanted();
    struct rind_cluster_transfer_response response;
    rind_transfer(&realm.ctx, realm.keeper, &request, &response);
    return response;
}

static void assert_transfer_ok(void)
{
    struct rind_cluster_transfer_response response = transfer();
    if (response.kind != RIND_CLUSTER_TRANSFER_OK) {
        fail_msg("transfer error %d", (int)response.error.kind);
    }
}

static void assert_transfer_error(enum rind_cluster_transfer_error_kind kind)
{
    struct rind_cluster_transfer_response response = transfer();
    assert_int_equal(response.kind, RIND_CLUSTER_TRANSFER_ERR);
    assert_int_equal(response.error.kind, kind);
}

static unsigned source_calls(const char *path)
{
    return fake_calls(&realm.agents[0], path);
}

static unsigned destination_calls(const char *path)
{
    return fake_calls(&realm.agents[1], path);
}

/* ---- the good way ---- */

static void a_transfer_is_four_calls_in_order(void **state)
{
    (void)state;
    assert_transfer_ok();
    assert_int_equal(destination_calls("transfer/prepare"), 1);
    assert_int_equal(source_calls("transfer/out"), 1);
    assert_int_equal(destination_calls("transfer/in"), 1);
    assert_int_equal(source_calls("transfer/complete"), 1);
    assert_int_equal(destination_calls("transfer/cancel_prepare"), 0);
    char key[RIND_LEASE_KEY_SIZE_MAX];
    struct rind_lease lease;
    fake_take_lease(&realm, fake_ownership_key(&realm, key), &lease); /* given back by now */
    fake_give_lease(&realm, &lease);
}

static void one_group_with_itself_and_inverted_ranges_are_refused(void **state)
{
    (void)state;
    struct rind_cluster_transfer_request request = wanted();
    struct rind_cluster_transfer_response response;
    request.destination = request.source;
    rind_transfer(&realm.ctx, realm.keeper, &request, &response);
    assert_int_equal(response.error.kind, RIND_CLUSTER_TRANSFER_ERROR_INVALID_GROUP);
    request = wanted();
    request.range = (struct rind_owned_range){.start = request.range.end, .end = {{0}}};
    rind_transfer(&realm.ctx, realm.keeper, &request, &response);
    assert_int_equal(response.error.kind, RIND_CLUSTER_TRANSFER_ERROR_UNACCEPTABLE_RANGE);
    assert_int_equal(destination_calls("transfer/prepare"), 0);
}

static void a_realm_in_other_hands_is_manager_busy(void **state)
{
    (void)state;
    char key[RIND_LEASE_KEY_SIZE_MAX];
    struct rind_lease lease;
    fake_take_lease(&realm, fake_ownership_key(&realm, key), &lease);
    assert_transfer_error(RIND_CLUSTER_TRANSFER_ERROR_MANAGER_BUSY);
    fake_give_lease(&realm, &lease);
    assert_transfer_ok();
}

/* ---- answers that end a transfer (section 9.3) ---- */

struct fatal_case {
    const char *path;
    int answer;
    enum rind_cluster_transfer_error_kind error;
    unsigned cancels;
};

/* Answers are told by their kind alone. */
union any_answer {
    int kind;
    struct rind_agent_transfer_prepare_response prepare;
    struct rind_agent_transfer_out_response out;
    struct rind_agent_transfer_in_response in;
    struct rind_agent_transfer_complete_response complete;
    struct rind_agent_transfer_owns_response owns;
};

static struct fake_agent *agent_of(const char *path)
{
    bool is_source = strcmp(path, "transfer/out") == 0 || strcmp(path, "transfer/complete") == 0;
    return &realm.agents[is_source ? 0 : 1];
}

static const struct fatal_case fatal_cases[] = {
    {"transfer/prepare", RIND_AGENT_TRANSFER_PREPARE_INVALID_GROUP,
     RIND_CLUSTER_TRANSFER_ERROR_INVALID_GROUP, 0},
    {"transfer/prepare", RIND_AGENT_TRANSFER_PREPARE_OTHER_TRANSFER_PENDING,
     RIND_CLUSTER_TRANSFER_ERROR_OTHER_TRANSFER_PENDING, 0},
    {"transfer/prepare", RIND_AGENT_TRANSFER_PREPARE_UNACCEPTABLE_RANGE,
     RIND_CLUSTER_TRANSFER_ERROR_UNACCEPTABLE_RANGE, 0},
    {"transfer/prepare", RIND_AGENT_TRANSFER_PREPARE_COMMIT_TIMEOUT,
     RIND_CLUSTER_TRANSFER_ERROR_COMMIT_TIMEOUT, 0},
    {"transfer/prepare", RIND_AGENT_TRANSFER_PREPARE_INVALID_REALM,
     RIND_CLUSTER_TRANSFER_ERROR_RPC_ERROR, 0},
    {"transfer/out", RIND_AGENT_TRANSFER_OUT_UNACCEPTABLE_RANGE,
     RIND_CLUSTER_TRANSFER_ERROR_UNACCEPTABLE_RANGE, 1},
    {"transfer/out", RIND_AGENT_TRANSFER_OUT_INVALID_GROUP,
     RIND_CLUSTER_TRANSFER_ERROR_INVALID_GROUP, 1},
    {"transfer/out", RIND_AGENT_TRANSFER_OUT_OTHER_TRANSFER_PENDING,
     RIND_CLUSTER_TRANSFER_ERROR_OTHER_TRANSFER_PENDING, 1},
    {"transfer/out", RIND_AGENT_TRANSFER_OUT_INVALID_PROOF,
     RIND_CLUSTER_TRANSFER_ERROR_UNACCEPTABLE_RANGE, 1},
    {"transfer/out", RIND_AGENT_TRANSFER_OUT_COMMIT_TIMEOUT,
     RIND_CLUSTER_TRANSFER_ERROR_COMMIT_TIMEOUT, 0},
    {"transfer/out", RIND_AGENT_TRANSFER_OUT_INVALID_REALM, RIND_CLUSTER_TRANSFER_ERROR_RPC_ERROR,
     0},
    {"transfer/out", RIND_AGENT_TRANSFER_OUT_INVALID_STATEMENT,
     RIND_CLUSTER_TRANSFER_ERROR_RPC_ERROR, 0},
    {"transfer/in", RIND_AGENT_TRANSFER_IN_COMMIT_TIMEOUT,
     RIND_CLUSTER_TRANSFER_ERROR_COMMIT_TIMEOUT, 0},
    {"transfer/in", RIND_AGENT_TRANSFER_IN_INVALID_STATEMENT, RIND_CLUSTER_TRANSFER_ERROR_RPC_ERROR,
     0},
    {"transfer/in", RIND_AGENT_TRANSFER_IN_INVALID_GROUP, RIND_CLUSTER_TRANSFER_ERROR_RPC_ERROR, 0},
    {"transfer/in", RIND_AGENT_TRANSFER_IN_INVALID_REALM, RIND_CLUSTER_TRANSFER_ERROR_RPC_ERROR, 0},
    {"transfer/complete", RIND_AGENT_TRANSFER_COMPLETE_COMMIT_TIMEOUT,
     RIND_CLUSTER_TRANSFER_ERROR_COMMIT_TIMEOUT, 0},
    {"transfer/complete", RIND_AGENT_TRANSFER_COMPLETE_INVALID_REALM,
     RIND_CLUSTER_TRANSFER_ERROR_RPC_ERROR, 0},
    {"transfer/complete", RIND_AGENT_TRANSFER_COMPLETE_INVALID_GROUP,
     RIND_CLUSTER_TRANSFER_ERROR_RPC_ERROR, 0},
};
#define FATAL_COUNT (sizeof(fatal_cases) / sizeof(fatal_cases[0]))

static void fatal_answers_end_it_and_only_a_refused_out_cancels(void **state)
{
    static union any_answer answers[FATAL_COUNT];
    for (size_t i = 0; i < FATAL_COUNT; i++) {
        const struct fatal_case *row = &fatal_cases[i];
        print_message("%s answers %d\n", row->path, row->answer);
        setup(state);
        answers[i].kind = row->answer;
        fake_script(agent_of(row->path), row->path, 0, FAKE_FOR_EVER, &answers[i]);
        assert_transfer_error(row->error);
        assert_int_equal(fake_calls(agent_of(row->path), row->path), 1);
        assert_int_equal(destination_calls("transfer/cancel_prepare"), row->cancels);
        teardown(state);
    }
}

/* ---- answers that are tried again ---- */

static const struct fatal_case retried_cases[] = {
    {"transfer/prepare", RIND_AGENT_TRANSFER_PREPARE_NO_STORE, 0, 0},
    {"transfer/prepare", RIND_AGENT_TRANSFER_PREPARE_NO_HSM, 0, 0},
    {"transfer/prepare", RIND_AGENT_TRANSFER_PREPARE_NOT_LEADER, 0, 0},
    {"transfer/out", RIND_AGENT_TRANSFER_OUT_NO_STORE, 0, 0},
    {"transfer/out", RIND_AGENT_TRANSFER_OUT_NOT_OWNER, 0, 0},
    {"transfer/out", RIND_AGENT_TRANSFER_OUT_NO_HSM, 0, 0},
    {"transfer/out", RIND_AGENT_TRANSFER_OUT_NOT_LEADER, 0, 0},
    {"transfer/in", RIND_AGENT_TRANSFER_IN_INVALID_NONCE, 0, 0},
    {"transfer/in", RIND_AGENT_TRANSFER_IN_NOT_PREPARED, 0, 0},
    {"transfer/in", RIND_AGENT_TRANSFER_IN_NO_STORE, 0, 0},
    {"transfer/in", RIND_AGENT_TRANSFER_IN_NO_HSM, 0, 0},
    {"transfer/in", RIND_AGENT_TRANSFER_IN_NOT_LEADER, 0, 0},
    {"transfer/in", RIND_AGENT_TRANSFER_IN_NOT_OWNER, 0, 0},
    {"transfer/complete", RIND_AGENT_TRANSFER_COMPLETE_NO_HSM, 0, 0},
    {"transfer/complete", RIND_AGENT_TRANSFER_COMPLETE_NOT_LEADER, 0, 0},
    /* A lost reply: no answer of the RPC at all. */
    {"transfer/prepare", 0, 0, 0},
    {"transfer/out", 0, 0, 0},
    {"transfer/in", 0, 0, 0},
    {"transfer/complete", 0, 0, 0},
};
#define RETRIED_COUNT (sizeof(retried_cases) / sizeof(retried_cases[0]))

static void passing_trouble_is_retried_from_prepare(void **state)
{
    static union any_answer answers[RETRIED_COUNT];
    for (size_t i = 0; i < RETRIED_COUNT; i++) {
        const struct fatal_case *row = &retried_cases[i];
        print_message("%s answers %d, twice\n", row->path, row->answer);
        setup(state);
        answers[i].kind = row->answer;
        fake_script(agent_of(row->path), row->path, 0, 2,
                    row->answer == 0 ? NULL : (const void *)&answers[i]);
        assert_transfer_ok();
        assert_int_equal(fake_calls(agent_of(row->path), row->path), 3);
        bool is_second_phase = strcmp(row->path, "transfer/complete") == 0;
        assert_int_equal(destination_calls("transfer/prepare"), is_second_phase ? 1 : 3);
        assert_int_equal(destination_calls("transfer/cancel_prepare"), 0);
        teardown(state);
    }
}

static void complete_that_was_done_before_is_success(void **state)
{
    (void)state;
    static const struct rind_agent_transfer_complete_response done = {
        .kind = RIND_AGENT_TRANSFER_COMPLETE_NOT_TRANSFERRING};
    fake_script(&realm.agents[0], "transfer/complete", 0, 1, &done);
    assert_transfer_ok();
}

static void a_refusal_after_an_out_that_may_have_worked_cancels_nothing(void **state)
{
    (void)state;
    static const struct rind_agent_transfer_out_response refusal = {
        .kind = RIND_AGENT_TRANSFER_OUT_OTHER_TRANSFER_PENDING};
    fake_script(&realm.agents[0], "transfer/out", 0, 1, NULL);
    fake_script(&realm.agents[0], "transfer/out", 0, FAKE_FOR_EVER, &refusal);
    assert_transfer_error(RIND_CLUSTER_TRANSFER_ERROR_OTHER_TRANSFER_PENDING);
    assert_int_equal(destination_calls("transfer/cancel_prepare"), 0);
}

/* ---- the wedge, and the lost answer to `in` ---- */

static const struct rind_agent_transfer_out_response not_owner = {
    .kind = RIND_AGENT_TRANSFER_OUT_NOT_OWNER};

static void a_source_that_owns_nothing_does_not_block_the_destination(void **state)
{
    (void)state;
    fake_find(&realm, 0, SOURCE)->has_range = false;
    fake_script(&realm.agents[0], "transfer/out", 0, FAKE_FOR_EVER, &not_owner);
    assert_transfer_error(RIND_CLUSTER_TRANSFER_ERROR_UNACCEPTABLE_RANGE);
    assert_int_equal(destination_calls("transfer/cancel_prepare"), 1);
}

static void not_owner_before_everything_is_committed_cancels_nothing(void **state)
{
    (void)state;
    struct fake_group *source = fake_find(&realm, 0, SOURCE);
    source->has_range = false;
    source->last = 11;
    fake_script(&realm.agents[0], "transfer/out", 0, 1, &not_owner);
    assert_transfer_ok();
    assert_int_equal(destination_calls("transfer/cancel_prepare"), 0);
}

static struct rind_transferring out_to_destination(uint64_t at)
{
    return (struct rind_transferring){.kind = RIND_TRANSFERRING_OUT,
                                      .out = {.destination = fake_group_id(DESTINATION),
                                              .partition = {.range = fake_range(0x80, 0xff)},
                                              .at = at}};
}

static const struct rind_agent_transfer_prepare_response unacceptable = {
    .kind = RIND_AGENT_TRANSFER_PREPARE_UNACCEPTABLE_RANGE};
static const struct rind_agent_transfer_owns_response not_owned = {
    .kind = RIND_AGENT_TRANSFER_OWNS_NOT_OWNED};

/* The destination has the range, the source still has its record: an answer to `in` was lost. */
static void a_range_that_has_arrived_is_only_completed(void **state)
{
    (void)state;
    struct fake_group *source = fake_find(&realm, 0, SOURCE);
    source->has_transferring = true;
    source->transferring = out_to_destination(10);
    fake_script(&realm.agents[1], "transfer/prepare", 0, FAKE_FOR_EVER, &unacceptable);
    assert_transfer_ok();
    assert_int_equal(destination_calls("transfer/owns"), 1);
    assert_int_equal(source_calls("transfer/complete"), 1);
    assert_int_equal(source_calls("transfer/out"), 0);
}

static void a_range_that_may_not_have_arrived_is_never_completed(void **state)
{
    (void)state;
    struct fake_group *source = fake_find(&realm, 0, SOURCE);
    source->has_transferring = true;
    source->transferring = out_to_destination(10);
    fake_script(&realm.agents[1], "transfer/prepare", 0, FAKE_FOR_EVER, &unacceptable);
    fake_script(&realm.agents[1], "transfer/owns", 0, FAKE_FOR_EVER, &not_owned);
    assert_transfer_error(RIND_CLUSTER_TRANSFER_ERROR_UNACCEPTABLE_RANGE);
    source->transferring.out.at = 11; /* not committed: nobody can rely on it */
    assert_transfer_error(RIND_CLUSTER_TRANSFER_ERROR_UNACCEPTABLE_RANGE);
    assert_int_equal(source_calls("transfer/complete"), 0);
}

/* ---- leaders that are missing ---- */

static struct rind_cluster_transfer_response transfer_within(uint64_t timeout_ms)
{
    struct rind_cluster_transfer_request request = wanted();
    struct rind_cluster_transfer_response response;
    struct rind_grant grant;
    char key[RIND_LEASE_KEY_SIZE_MAX];
    assert_true(rind_is_ok(
        rind_grant_obtain(&realm.ctx, realm.keeper, fake_ownership_key(&realm, key), 0, &grant)));
    rind_transfer_under(&realm.ctx, &grant, timeout_ms, &request, &response);
    rind_grant_release(&grant);
    return response;
}

static void running_out_of_time_reports_the_last_error(void **state)
{
    (void)state;
    fake_find(&realm, 0, SOURCE)->is_leader = false;
    assert_int_equal(transfer_within(300).error.kind, RIND_CLUSTER_TRANSFER_ERROR_NO_SOURCE_LEADER);
    fake_find(&realm, 0, SOURCE)->is_leader = true;
    fake_find(&realm, 1, DESTINATION)->is_leader = false;
    assert_int_equal(transfer_within(300).error.kind,
                     RIND_CLUSTER_TRANSFER_ERROR_NO_DESTINATION_LEADER);
}

struct late_leader {
    struct rind_thread thread;
    uint64_t delay_ms;
};

static void late_leader_run(void *self)
{
    struct late_leader *late = self;
    struct rind_ctx ctx;
    struct rind_stopper nobody;
    rind_ctx_init(&ctx, NULL);
    if (rind_is_ok(rind_stopper_init(&ctx, &nobody))) {
        (void)rind_stopper_wait(&nobody, rind_deadline_in_ms(late->delay_ms));
        rind_stopper_fini(&nobody);
    }
    rind_mutex_lock(&realm.lock);
    realm.agents[0].groups[0].is_leader = true;
    rind_mutex_unlock(&realm.lock);
}

static void a_source_that_gets_its_leader_later_is_waited_for(void **state)
{
    (void)state;
    struct late_leader late = {.delay_ms = 700};
    fake_find(&realm, 0, SOURCE)->is_leader = false;
    assert_true(
        rind_is_ok(rind_thread_start(&realm.ctx, &late.thread, "late", late_leader_run, &late)));
    assert_transfer_ok();
    rind_thread_join(&late.thread);
}

static void a_lost_lease_stops_the_transfer(void **state)
{
    (void)state;
    struct rind_cluster_transfer_request request = wanted();
    struct rind_cluster_transfer_response response;
    struct rind_grant grant;
    struct rind_lease stolen;
    char key[RIND_LEASE_KEY_SIZE_MAX];
    fake_find(&realm, 0, SOURCE)->is_leader = false; /* keeps it trying */
    assert_true(rind_is_ok(
        rind_grant_obtain(&realm.ctx, realm.keeper, fake_ownership_key(&realm, key), 0, &grant)));
    assert_true(rind_is_ok(rind_store_lease_terminate(&realm.ctx, realm.store, &grant.lease,
                                                      rind_deadline_in_ms(10000))));
    fake_take_lease(&realm, key, &stolen);
    rind_transfer_under(&realm.ctx, &grant, 60000, &request, &response);
    rind_grant_release(&grant);
    fake_give_lease(&realm, &stolen);
    assert_int_equal(response.kind, RIND_CLUSTER_TRANSFER_ERR);
    assert_int_equal(response.error.kind, RIND_CLUSTER_TRANSFER_ERROR_MANAGER_BUSY);
}

/* ---- recovery ---- */

static struct rind_recovery_report recover(void)
{
    struct rind_recovery_report report;
    assert_true(rind_is_ok(rind_recovery_pass(&realm.ctx, realm.keeper, &realm.cluster, &report)));
    return report;
}

static void set_in(uint64_t at)
{
    struct fake_group *destination = fake_find(&realm, 1, DESTINATION);
    destination->has_transferring = true;
    destination->transferring = (struct rind_transferring){
        .kind = RIND_TRANSFERRING_IN,
        .in = {.source = fake_group_id(SOURCE), .range = fake_range(0x80, 0xff), .at = at}};
}

static void set_out(uint64_t at)
{
    struct fake_group *source = fake_find(&realm, 0, SOURCE);
    source->has_transferring = true;
    source->transferring = out_to_destination(at);
    source->range = fake_range(0x00, 0x7f);
}

static void set_destination_owner(void)
{
    struct fake_group *destination = fake_find(&realm, 1, DESTINATION);
    destination->has_range = true;
    destination->range = fake_range(0x80, 0xff);
}

static void without_transfers_nothing_is_asked(void **state)
{
    (void)state;
    assert_int_equal(recover().realms, 0);
    assert_int_equal(destination_calls("transfer/prepare"), 0);
}

static void a_prepared_transfer_is_run_again(void **state)
{
    (void)state;
    set_in(10);
    assert_int_equal(recover().resumed, 1);
    assert_int_equal(destination_calls("transfer/in"), 1);
    assert_int_equal(source_calls("transfer/complete"), 1);
}

static void one_that_is_out_and_prepared_is_run_again_once(void **state)
{
    (void)state;
    set_in(10);
    set_out(10);
    struct rind_recovery_report report = recover();
    assert_int_equal(report.resumed, 1);
    assert_int_equal(report.completed, 0);
    assert_int_equal(source_calls("transfer/complete"), 1);
}

static void one_that_has_arrived_is_completed(void **state)
{
    (void)state;
    set_out(10);
    set_destination_owner();
    assert_int_equal(recover().completed, 1);
    assert_int_equal(destination_calls("transfer/owns"), 1);
    assert_int_equal(source_calls("transfer/complete"), 1);
    assert_int_equal(source_calls("transfer/out"), 0);
}

static void a_hole_in_ownership_is_never_completed(void **state)
{
    (void)state;
    set_out(10);
    assert_int_equal(recover().left, 1);
    set_destination_owner();
    fake_find(&realm, 1, DESTINATION)->range = fake_range(0x81, 0xff);
    assert_int_equal(recover().left, 1);
    fake_find(&realm, 1, DESTINATION)->range = fake_range(0x80, 0xfe);
    assert_int_equal(recover().left, 1);
    assert_int_equal(source_calls("transfer/complete"), 0);
}

static void an_owner_that_does_not_confirm_is_not_believed(void **state)
{
    (void)state;
    set_out(10);
    set_destination_owner();
    fake_script(&realm.agents[1], "transfer/owns", 0, 1, &not_owned);
    fake_script(&realm.agents[1], "transfer/owns", 0, 1, NULL);
    assert_int_equal(recover().left, 1);
    assert_int_equal(recover().left, 1);
    assert_int_equal(source_calls("transfer/complete"), 0);
    assert_int_equal(recover().completed, 1);
}

static void entries_that_are_not_committed_are_ignored(void **state)
{
    (void)state;
    set_in(11);
    set_out(11);
    struct rind_recovery_report report = recover();
    assert_int_equal(report.realms, 1);
    assert_int_equal(report.resumed + report.completed + report.left, 0);
    assert_int_equal(destination_calls("transfer/prepare"), 0);
}

static void missing_leaders_are_waited_for(void **state)
{
    (void)state;
    set_in(10);
    fake_find(&realm, 0, SOURCE)->is_leader = false;
    assert_int_equal(recover().left, 1);
    assert_int_equal(destination_calls("transfer/prepare"), 0);
    fake_find(&realm, 0, SOURCE)->is_leader = true;
    fake_find(&realm, 1, DESTINATION)->has_transferring = false;
    fake_find(&realm, 1, DESTINATION)->is_leader = false;
    set_out(10);
    assert_int_equal(recover().left, 1);
    assert_int_equal(source_calls("transfer/complete"), 0);
}

static void a_realm_whose_lease_is_taken_is_passed_over(void **state)
{
    (void)state;
    char key[RIND_LEASE_KEY_SIZE_MAX];
    struct rind_lease lease;
    set_in(10);
    fake_take_lease(&realm, fake_ownership_key(&realm, key), &lease);
    assert_int_equal(recover().busy, 1);
    assert_int_equal(destination_calls("transfer/prepare"), 0);
    fake_give_lease(&realm, &lease);
    assert_int_equal(recover().resumed, 1);
}

static void a_wedged_destination_is_freed(void **state)
{
    (void)state;
    set_in(10);
    fake_find(&realm, 0, SOURCE)->has_range = false;
    fake_script(&realm.agents[0], "transfer/out", 0, FAKE_FOR_EVER, &not_owner);
    assert_int_equal(recover().left, 1);
    assert_int_equal(destination_calls("transfer/cancel_prepare"), 1);
}

/* ---- what people read ---- */

static void errors_are_printed_as_specified(void **state)
{
    (void)state;
    struct rind_cluster_transfer_error error = {.kind = RIND_CLUSTER_TRANSFER_ERROR_MANAGER_BUSY};
    char memory[256];
    struct rind_buffer text;
    rind_buffer_init(&text, memory, sizeof(memory));
    rind_transfer_error_print(&text, &error);
    assert_true(rind_slice_is_text(rind_buffer_slice(&text),
                                   "cluster manager failed to obtain management lease"));
    error = (struct rind_cluster_transfer_error){.kind = RIND_CLUSTER_TRANSFER_ERROR_RPC_ERROR,
                                                 .rpc_error = {.kind = RIND_RPC_ERROR_NETWORK}};
    rind_buffer_init(&text, memory, sizeof(memory));
    rind_transfer_error_print(&text, &error);
    assert_true(rind_slice_is_text(rind_buffer_slice(&text),
                                   "an RPC error occurred to one of the leaders: network error"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_transfer_is_four_calls_in_order),
        TEST(one_group_with_itself_and_inverted_ranges_are_refused),
        TEST(a_realm_in_other_hands_is_manager_busy),
        cmocka_unit_test(fatal_answers_end_it_and_only_a_refused_out_cancels),
        cmocka_unit_test(passing_trouble_is_retried_from_prepare),
        TEST(complete_that_was_done_before_is_success),
        TEST(a_refusal_after_an_out_that_may_have_worked_cancels_nothing),
        TEST(a_source_that_owns_nothing_does_not_block_the_destination),
        TEST(not_owner_before_everything_is_committed_cancels_nothing),
        TEST(a_range_that_has_arrived_is_only_completed),
        TEST(a_range_that_may_not_have_arrived_is_never_completed),
        TEST(running_out_of_time_reports_the_last_error),
        TEST(a_source_that_gets_its_leader_later_is_waited_for),
        TEST(a_lost_lease_stops_the_transfer),
        TEST(without_transfers_nothing_is_asked),
        TEST(a_prepared_transfer_is_run_again),
        TEST(one_that_is_out_and_prepared_is_run_again_once),
        TEST(one_that_has_arrived_is_completed),
        TEST(a_hole_in_ownership_is_never_completed),
        TEST(an_owner_that_does_not_confirm_is_not_believed),
        TEST(entries_that_are_not_committed_are_ignored),
        TEST(missing_leaders_are_waited_for),
        TEST(a_realm_whose_lease_is_taken_is_passed_over),
        TEST(a_wedged_destination_is_freed),
        TEST(errors_are_printed_as_specified),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
