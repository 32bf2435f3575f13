/*
 * test_agent_faults.c - one agent whose store and HSM channel misbehave: nothing is lost, nothing
 * is answered twice, nobody waits for ever.
 */
#include "support/test.h"

#include "agent/leadership.h"
#include "agent/realm.h"
#include "host/host.h"

#define USERS_MAX 300u

struct fixture {
    struct realm *realm;
    struct realm_node *node;
    struct cluster *users;
    struct rind_group_id group;
    struct cluster_client clients[USERS_MAX];
    struct realm_answer answers[USERS_MAX];
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    fixture->realm = realm_new(1);
    fixture->node = &fixture->realm->nodes[0];
    fixture->users = cluster_new(1, 7);
    realm_start(fixture->realm, 0, false);
    fixture->group = realm_create(fixture->realm);
    for (unsigned i = 0; i < USERS_MAX; i++) {
        struct rind_record_id record = cluster_record((uint8_t)i);
        rind_put_be32(record.bytes, i * 2654435761u);
        cluster_client_init(&fixture->clients[i], i + 1, &record);
    }
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    realm_free(fixture->realm);
    cluster_free(fixture->users);
    free(fixture);
    return 0;
}

/* Sends user i's request; its answer comes later. */
static void send_request(struct fixture *fixture, unsigned i,
                         const struct rind_secrets_request *secrets)
{
    struct rind_agent_app_request request = realm_request(
        fixture->realm, fixture->users, &fixture->group, &fixture->clients[i], secrets);
    realm_send(fixture->realm, 0, &request, &fixture->answers[i]);
}

static void send_register1(struct fixture *fixture, unsigned i)
{
    struct rind_secrets_request register1 = cluster_simple(RIND_SECRETS_REQUEST_REGISTER1);
    send_request(fixture, i, &register1);
}

/* Waits for user i's answer. */
static enum rind_agent_app_response_kind answer_of(struct fixture *fixture, unsigned i)
{
    enum rind_agent_app_response_kind kind =
        realm_wait(&fixture->users->ctx, &fixture->answers[i]).kind;
    realm_answer_fini(&fixture->answers[i]);
    return kind;
}

static enum rind_agent_app_response_kind ask_register1(struct fixture *fixture, unsigned i)
{
    send_register1(fixture, i);
    return answer_of(fixture, i);
}

struct sender {
    struct fixture *fixture;
    unsigned i;
    struct rind_thread thread;
};

static void run_sender(void *self)
{
    struct sender *sender = self;
    send_register1(sender->fixture, sender->i);
}

/* Sends on a thread of its own, as the handler will be held. */
static void start_sender(struct fixture *fixture, struct sender *sender, unsigned i)
{
    *sender = (struct sender){.fixture = fixture, .i = i};
    rind_status status =
        rind_thread_start(&fixture->realm->ctx, &sender->thread, "sender", run_sender, sender);
    assert_true(rind_is_ok(status));
}

static size_t waiter_count(struct fixture *fixture)
{
    struct rind_agent_group *group = realm_group(fixture->realm, 0, &fixture->group);
    rind_mutex_lock(&group->lock);
    size_t count = group->leader == NULL ? 0 : group->leader->waiters.count;
    rind_mutex_unlock(&group->lock);
    return count;
}

struct queue_wish {
    struct fixture *fixture;
    size_t queued;
};

static bool has_queued(void *self)
{
    struct queue_wish *wish = self;
    struct rind_agent_group *group = realm_group(wish->fixture->realm, 0, &wish->fixture->group);
    rind_mutex_lock(&group->lock);
    bool has = group->leader != NULL && group->leader->queued_count == wish->queued;
    rind_mutex_unlock(&group->lock);
    return has;
}

static void wait_queued(struct fixture *fixture, size_t queued)
{
    struct queue_wish wish = {fixture, queued};
    realm_wait_until(fixture->realm, has_queued, &wish);
}

static void entries_queued_during_a_slow_append_go_in_batches_of_100(void **state)
{
    struct fixture *fixture = *state;
    unsigned before = fault_engine_appends(fixture->node->engine);
    fault_engine_set(fixture->node->engine, ENGINE_FAULT_HOLD, 1);
    send_register1(fixture, 0);
    fault_engine_wait_held(fixture->node->engine);
    for (unsigned i = 1; i <= 250; i++) {
        send_register1(fixture, i);
    }
    assert_int_equal(waiter_count(fixture), 251);
    fault_engine_release(fixture->node->engine);
    for (unsigned i = 0; i <= 250; i++) {
        assert_int_equal(answer_of(fixture, i), RIND_AGENT_APP_OK);
    }
    assert_int_equal(fault_engine_appends(fixture->node->engine) - before, 4);
    assert_int_equal(fault_engine_batch(fixture->node->engine, before), 1);
    assert_int_equal(fault_engine_batch(fixture->node->engine, before + 1), 100);
    assert_int_equal(fault_engine_batch(fixture->node->engine, before + 2), 100);
    assert_int_equal(fault_engine_batch(fixture->node->engine, before + 3), 50);
}

static void replies_out_of_order_are_appended_in_order_and_together(void **state)
{
    struct fixture *fixture = *state;
    struct sender senders[3];
    unsigned before = fault_engine_appends(fixture->node->engine);
    realm_fail(fixture->realm, 0, RIND_HSM_REQUEST_APP_REQUEST, REALM_FAULT_HOLD, 3);
    for (unsigned i = 0; i < 3; i++) {
        start_sender(fixture, &senders[i], i);
        realm_wait_held(fixture->realm, 0, i + 1);
    }
    realm_release_one(fixture->realm, 0, 2);
    wait_queued(fixture, 1);
    realm_release_one(fixture->realm, 0, 1);
    wait_queued(fixture, 2);
    assert_int_equal(fault_engine_appends(fixture->node->engine), before);
    realm_release_one(fixture->realm, 0, 0);
    for (unsigned i = 0; i < 3; i++) {
        rind_thread_join(&senders[i].thread);
        assert_int_equal(answer_of(fixture, i), RIND_AGENT_APP_OK);
    }
    assert_int_equal(fault_engine_appends(fixture->node->engine), before + 1);
    assert_int_equal(fault_engine_batch(fixture->node->engine, before), 3);
}

struct append_wish {
    struct fixture *fixture;
    unsigned appends;
};

static bool has_appended(void *self)
{
    struct append_wish *wish = self;
    return fault_engine_appends(wish->fixture->node->engine) >= wish->appends;
}

static void wait_appended(struct fixture *fixture, unsigned appends)
{
    struct append_wish wish = {fixture, appends};
    realm_wait_until(fixture->realm, has_appended, &wish);
}

/* The first entry is in the log and not committed, the second may go and the third is held. */
static void a_batch_waits_in_vain_neither_for_the_hsm_nor_for_a_commit(void **state)
{
    struct fixture *fixture = *state;
    struct sender senders[2];
    unsigned before = fault_engine_appends(fixture->node->engine);
    realm_fail(fixture->realm, 0, RIND_HSM_REQUEST_PERSIST_STATE, REALM_FAULT_HOLD, 1);
    send_register1(fixture, 0);
    realm_wait_held(fixture->realm, 0, 1);
    realm_fail(fixture->realm, 0, RIND_HSM_REQUEST_APP_REQUEST, REALM_FAULT_HOLD, 2);
    for (unsigned i = 0; i < 2; i++) {
        start_sender(fixture, &senders[i], i + 1);
        realm_wait_held(fixture->realm, 0, i + 2);
    }
    realm_release_one(fixture->realm, 0, 1);
    wait_appended(fixture, before + 2);
    realm_release_one(fixture->realm, 0, 0);
    assert_int_equal(answer_of(fixture, 0), RIND_AGENT_APP_OK);
    assert_int_equal(answer_of(fixture, 1), RIND_AGENT_APP_OK);
    assert_int_equal(fault_engine_appends(fixture->node->engine), before + 2);
    realm_release_one(fixture->realm, 0, 2);
    assert_int_equal(answer_of(fixture, 2), RIND_AGENT_APP_OK);
    for (unsigned i = 0; i < 2; i++) {
        rind_thread_join(&senders[i].thread);
    }
}

static void an_append_that_was_written_but_not_acknowledged_counts_once(void **state)
{
    struct fixture *fixture = *state;
    unsigned before = fault_engine_appends(fixture->node->engine);
    fault_engine_set(fixture->node->engine, ENGINE_FAULT_WRITTEN, 1);
    assert_int_equal(ask_register1(fixture, 0), RIND_AGENT_APP_OK);
    assert_int_equal(fault_engine_appends(fixture->node->engine), before + 1);
    assert_int_equal(ask_register1(fixture, 1), RIND_AGENT_APP_OK);
}

static void an_append_that_was_not_written_is_repeated(void **state)
{
    struct fixture *fixture = *state;
    fault_engine_set(fixture->node->engine, ENGINE_FAULT_NOT_WRITTEN, 3);
    assert_int_equal(ask_register1(fixture, 0), RIND_AGENT_APP_OK);
}

static void an_outage_of_the_store_ends_nothing(void **state)
{
    struct fixture *fixture = *state;
    fault_engine_set(fixture->node->engine, ENGINE_FAULT_UNAVAILABLE, 20);
    send_register1(fixture, 0);
    enum rind_agent_app_response_kind kind = answer_of(fixture, 0);
    assert_true(kind == RIND_AGENT_APP_OK || kind == RIND_AGENT_APP_NO_STORE);
    fault_engine_release(fixture->node->engine);
    assert_int_equal(ask_register1(fixture, 1), RIND_AGENT_APP_OK);
}

static void a_stale_proof_is_read_again(void **state)
{
    struct fixture *fixture = *state;
    struct rind_hsm_app_response stale = {.kind = RIND_HSM_APP_STALE_PROOF};
    realm_fail_with(fixture->realm, 0, RIND_HSM_REQUEST_APP_REQUEST, &rind_hsm_app_response_schema,
                    &stale, 1);
    assert_int_equal(ask_register1(fixture, 0), RIND_AGENT_APP_OK);
}

static void proofs_that_stay_stale_end_in_an_answer(void **state)
{
    struct fixture *fixture = *state;
    struct rind_hsm_app_response stale = {.kind = RIND_HSM_APP_STALE_PROOF};
    realm_fail_with(fixture->realm, 0, RIND_HSM_REQUEST_APP_REQUEST, &rind_hsm_app_response_schema,
                    &stale, 1000);
    assert_int_equal(ask_register1(fixture, 0), RIND_AGENT_APP_NO_STORE);
    realm_fail(fixture->realm, 0, RIND_HSM_REQUEST_APP_REQUEST, REALM_FAULT_NONE, 0);
    assert_int_equal(ask_register1(fixture, 1), RIND_AGENT_APP_OK);
}

static enum rind_agent_stepdown_response_kind step_down(struct fixture *fixture)
{
    struct rind_agent_stepdown_request request = {fixture->realm->id, fixture->group};
    struct rind_agent_stepdown_response response;
    rind_leadership_step_down(&fixture->realm->ctx, fixture->node->agent, &request, &response);
    return response.kind;
}

static void force_step_down(struct fixture *fixture)
{
    struct rind_agent_group *group = realm_group(fixture->realm, 0, &fixture->group);
    rind_leadership_step_down_quietly(&fixture->realm->ctx, group,
                                      rind_agent_hsm_boot(fixture->node->agent), true);
}

static void leadership_lost_before_the_entry_is_queued_answers_not_leader(void **state)
{
    struct fixture *fixture = *state;
    struct sender sender;
    realm_fail(fixture->realm, 0, RIND_HSM_REQUEST_APP_REQUEST, REALM_FAULT_HOLD, 1);
    start_sender(fixture, &sender, 0);
    realm_wait_held(fixture->realm, 0, 1);
    force_step_down(fixture);
    realm_release(fixture->realm, 0);
    rind_thread_join(&sender.thread);
    assert_int_equal(answer_of(fixture, 0), RIND_AGENT_APP_NOT_LEADER);
    assert_int_equal(waiter_count(fixture), 0);
    assert_int_equal(realm_become_leader(fixture->realm, 0, &fixture->group, NULL),
                     RIND_AGENT_BECOME_LEADER_OK);
    assert_int_equal(ask_register1(fixture, 1), RIND_AGENT_APP_OK);
}

static void an_old_appender_does_not_touch_a_new_leadership(void **state)
{
    struct fixture *fixture = *state;
    fault_engine_set(fixture->node->engine, ENGINE_FAULT_HOLD, 1);
    send_register1(fixture, 0);
    fault_engine_wait_held(fixture->node->engine);
    force_step_down(fixture); /* client 0 is refused: its entry will be in the log */
    assert_int_equal(answer_of(fixture, 0), RIND_AGENT_APP_NO_HSM);
    assert_int_equal(realm_become_leader(fixture->realm, 0, &fixture->group, NULL),
                     RIND_AGENT_BECOME_LEADER_OK);
    /* Two Register1 would make the same entry twice, which is no conflict. Queued: the appender is
     * still held. */
    struct rind_secrets_request register2 = cluster_register2(9, 2);
    assert_int_equal(
        realm_connect(fixture->realm, fixture->users, 0, &fixture->group, &fixture->clients[1]),
        RIND_AGENT_APP_OK);
    send_request(fixture, 1, &register2);
    fault_engine_release(fixture->node->engine);
    /* The old entry got the index that the new leadership wanted: it must step down, not break. */
    enum rind_agent_app_response_kind kind = answer_of(fixture, 1);
    /* NoHsm if the HSM heard of the old entry while the new one was being appended. */
    assert_true(kind == RIND_AGENT_APP_NOT_LEADER || kind == RIND_AGENT_APP_NO_HSM);
    /* The step-down may be on its way to the HSM still, and end the next leadership. */
    for (unsigned user = 2; kind != RIND_AGENT_APP_OK; user++) {
        assert_true(user < 5);
        realm_wait_role(fixture->realm, 0, &fixture->group, RIND_ROLE_WITNESS);
        assert_int_equal(realm_become_leader(fixture->realm, 0, &fixture->group, NULL),
                         RIND_AGENT_BECOME_LEADER_OK);
        kind = ask_register1(fixture, user);
    }
}

static void a_commit_that_ends_the_leadership_still_answers_all(void **state)
{
    struct fixture *fixture = *state;
    fault_engine_set(fixture->node->engine, ENGINE_FAULT_HOLD, 1);
    for (unsigned i = 0; i < 5; i++) {
        send_register1(fixture, i);
    }
    fault_engine_wait_held(fixture->node->engine);
    assert_int_equal(step_down(fixture), RIND_AGENT_STEPDOWN_OK);
    assert_int_equal(realm_role(fixture->realm, 0, &fixture->group).role.kind,
                     RIND_ROLE_STEPPING_DOWN);
    assert_int_equal(ask_register1(fixture, 10), RIND_AGENT_APP_NOT_LEADER);
    fault_engine_release(fixture->node->engine);
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(answer_of(fixture, i), RIND_AGENT_APP_OK);
    }
    realm_wait_role(fixture->realm, 0, &fixture->group, RIND_ROLE_WITNESS);
    assert_int_equal(step_down(fixture), RIND_AGENT_STEPDOWN_NOT_LEADER);
}

static void a_lost_reply_ends_the_leadership_and_nobody_waits_for_ever(void **state)
{
    struct fixture *fixture = *state;
    enum realm_fault faults[] = {REALM_FAULT_LOSE_REPLY, REALM_FAULT_GARBLE_REPLY};
    for (unsigned i = 0; i < 2; i++) {
        realm_fail(fixture->realm, 0, RIND_HSM_REQUEST_APP_REQUEST, faults[i], 1);
        assert_int_equal(ask_register1(fixture, 2 * i), RIND_AGENT_APP_NO_HSM);
        realm_wait_role(fixture->realm, 0, &fixture->group, RIND_ROLE_WITNESS);
        assert_int_equal(realm_become_leader(fixture->realm, 0, &fixture->group, NULL),
                         RIND_AGENT_BECOME_LEADER_OK);
        assert_int_equal(ask_register1(fixture, 2 * i + 1), RIND_AGENT_APP_OK);
    }
}

static void a_request_that_never_reached_the_hsm_is_repeated(void **state)
{
    struct fixture *fixture = *state;
    realm_fail(fixture->realm, 0, RIND_HSM_REQUEST_APP_REQUEST, REALM_FAULT_UNAVAILABLE, 3);
    assert_int_equal(ask_register1(fixture, 0), RIND_AGENT_APP_OK);
    assert_int_equal(realm_role(fixture->realm, 0, &fixture->group).role.kind, RIND_ROLE_LEADER);
}

static void lost_replies_to_captures_and_persists_are_made_up_for(void **state)
{
    struct fixture *fixture = *state;
    enum rind_hsm_request_kind kinds[] = {RIND_HSM_REQUEST_CAPTURE_NEXT,
                                          RIND_HSM_REQUEST_PERSIST_STATE};
    enum realm_fault faults[] = {REALM_FAULT_LOSE_REPLY, REALM_FAULT_GARBLE_REPLY,
                                 REALM_FAULT_UNAVAILABLE};
    unsigned user = 0;
    for (unsigned k = 0; k < 2; k++) {
        for (unsigned f = 0; f < 3; f++) {
            realm_fail(fixture->realm, 0, kinds[k], faults[f], 1);
            assert_int_equal(ask_register1(fixture, user++), RIND_AGENT_APP_OK);
        }
    }
}

static void a_lost_commit_reply_cancels_the_clients_it_answered(void **state)
{
    struct fixture *fixture = *state;
    realm_fail(fixture->realm, 0, RIND_HSM_REQUEST_COMMIT, REALM_FAULT_LOSE_REPLY, 1);
    assert_int_equal(ask_register1(fixture, 0), RIND_AGENT_APP_NO_HSM);
    assert_int_equal(ask_register1(fixture, 1), RIND_AGENT_APP_OK);
}

static void answers_that_nobody_waits_for_are_ignored(void **state)
{
    struct fixture *fixture = *state;
    struct rind_released_response unknown = {
        .mac = {{1, 2, 3}},
        .response = {.kind = RIND_NOISE_RESPONSE_TRANSPORT, .transport = {rind_slice_text("x")}},
        .result = {.kind = RIND_APP_RESULT_REGISTER1},
    };
    struct rind_mac abandoned = {{4, 5, 6}};
    struct rind_hsm_commit_response commit = {
        .kind = RIND_HSM_COMMIT_OK,
        .ok = {.committed = 1,
               .responses = {&unknown, 1},
               .abandoned = {&abandoned, 1},
               .role = realm_role(fixture->realm, 0, &fixture->group)},
    };
    realm_fail_with(fixture->realm, 0, RIND_HSM_REQUEST_COMMIT, &rind_hsm_commit_response_schema,
                    &commit, 1);
    assert_int_equal(ask_register1(fixture, 0), RIND_AGENT_APP_OK);
}

static void without_its_event_a_client_gets_no_answer(void **state)
{
    struct fixture *fixture = *state;
    struct rind_secrets_request register2 = cluster_register2(9, 2);
    assert_int_equal(ask_register1(fixture, 0), RIND_AGENT_APP_OK);
    fixture->node->events_fail = true;
    assert_int_equal(
        realm_connect(fixture->realm, fixture->users, 0, &fixture->group, &fixture->clients[0]),
        RIND_AGENT_APP_OK);
    send_request(fixture, 0, &register2);
    assert_int_equal(answer_of(fixture, 0), RIND_AGENT_APP_NO_PUB_SUB);
    assert_int_equal(atomic_load(&fixture->node->events.published), 0);
}

static void an_agent_may_be_restarted_while_its_hsm_leads(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(ask_register1(fixture, 0), RIND_AGENT_APP_OK);
    realm_stop(fixture->realm, 0);
    realm_start(fixture->realm, 0, false);
    assert_int_equal(realm_role(fixture->realm, 0, &fixture->group).role.kind, RIND_ROLE_WITNESS);
    assert_int_equal(ask_register1(fixture, 1), RIND_AGENT_APP_NOT_LEADER);
    assert_int_equal(realm_become_leader(fixture->realm, 0, &fixture->group, NULL),
                     RIND_AGENT_BECOME_LEADER_OK);
    assert_int_equal(ask_register1(fixture, 2), RIND_AGENT_APP_OK);
}

/* Of the two entries one was being given to the store, so it may be in the log; the other was not.
 */
static void an_agent_stopped_with_clients_waiting_refuses_them(void **state)
{
    struct fixture *fixture = *state;
    fault_engine_set(fixture->node->engine, ENGINE_FAULT_NOT_WRITTEN, UINT32_MAX);
    send_register1(fixture, 0);
    wait_queued(fixture, 0); /* the appender has taken it */
    send_register1(fixture, 1);
    realm_stop(fixture->realm, 0);
    assert_int_equal(answer_of(fixture, 0), RIND_AGENT_APP_NO_HSM);
    assert_int_equal(answer_of(fixture, 1), RIND_AGENT_APP_NOT_LEADER);
    fault_engine_release(fixture->node->engine);
    realm_start(fixture->realm, 0, false);
    assert_int_equal(realm_become_leader(fixture->realm, 0, &fixture->group, NULL),
                     RIND_AGENT_BECOME_LEADER_OK);
    assert_int_equal(ask_register1(fixture, 2), RIND_AGENT_APP_OK);
}

static void an_hsm_may_be_restarted_under_its_agent(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(ask_register1(fixture, 0), RIND_AGENT_APP_OK);
    realm_reboot_core(fixture->realm, 0);
    realm_wait_role(fixture->realm, 0, &fixture->group, RIND_ROLE_WITNESS);
    assert_int_equal(realm_become_leader(fixture->realm, 0, &fixture->group, NULL),
                     RIND_AGENT_BECOME_LEADER_OK);
    assert_int_equal(ask_register1(fixture, 1), RIND_AGENT_APP_OK);
    realm_reboot_core(fixture->realm, 0); /* and with the capture of entry 3 persisted */
    realm_wait_role(fixture->realm, 0, &fixture->group, RIND_ROLE_WITNESS);
    assert_int_equal(realm_become_leader(fixture->realm, 0, &fixture->group, NULL),
                     RIND_AGENT_BECOME_LEADER_OK);
    assert_int_equal(ask_register1(fixture, 2), RIND_AGENT_APP_OK);
}

static enum rind_agent_become_leader_response_kind lead_with_capture(struct fixture *fixture,
                                                                     uint64_t have, unsigned times)
{
    struct rind_hsm_become_leader_response refusal = {
        .kind = RIND_HSM_BECOME_LEADER_NOT_CAPTURED,
        .not_captured = {true, have},
    };
    realm_fail_with(fixture->realm, 0, RIND_HSM_REQUEST_BECOME_LEADER,
                    &rind_hsm_become_leader_response_schema, &refusal, times);
    return realm_become_leader(fixture->realm, 0, &fixture->group, NULL);
}

static void a_capture_is_waited_for_if_it_is_at_most_1000_entries_behind(void **state)
{
    struct fixture *fixture = *state;
    uint64_t last = 1;
    while (last < 1010) {
        for (unsigned i = 0; i < USERS_MAX; i++) {
            send_register1(fixture, i);
        }
        for (unsigned i = 0; i < USERS_MAX; i++) {
            assert_int_equal(answer_of(fixture, i), RIND_AGENT_APP_OK);
        }
        last += USERS_MAX;
    }
    assert_int_equal(step_down(fixture), RIND_AGENT_STEPDOWN_OK);
    realm_wait_role(fixture->realm, 0, &fixture->group, RIND_ROLE_WITNESS);
    assert_int_equal(lead_with_capture(fixture, last - 1001, 1),
                     RIND_AGENT_BECOME_LEADER_NOT_CAPTURED);
    assert_int_equal(lead_with_capture(fixture, last - 1000, 3), RIND_AGENT_BECOME_LEADER_OK);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(entries_queued_during_a_slow_append_go_in_batches_of_100),
        CASE(replies_out_of_order_are_appended_in_order_and_together),
        CASE(a_batch_waits_in_vain_neither_for_the_hsm_nor_for_a_commit),
        CASE(an_append_that_was_written_but_not_acknowledged_counts_once),
        CASE(an_append_that_was_not_written_is_repeated),
        CASE(an_outage_of_the_store_ends_nothing),
        CASE(a_stale_proof_is_read_again),
        CASE(proofs_that_stay_stale_end_in_an_answer),
        CASE(leadership_lost_before_the_entry_is_queued_answers_not_leader),
        CASE(an_old_appender_does_not_touch_a_new_leadership),
        CASE(a_commit_that_ends_the_leadership_still_answers_all),
        CASE(a_lost_reply_ends_the_leadership_and_nobody_waits_for_ever),
        CASE(a_request_that_never_reached_the_hsm_is_repeated),
        CASE(lost_replies_to_captures_and_persists_are_made_up_for),
        CASE(a_lost_commit_reply_cancels_the_clients_it_answered),
        CASE(answers_that_nobody_waits_for_are_ignored),
        CASE(without_its_event_a_client_gets_no_answer),
        CASE(an_agent_may_be_restarted_while_its_hsm_leads),
        CASE(an_agent_stopped_with_clients_waiting_refuses_them),
        CASE(an_hsm_may_be_restarted_under_its_agent),
        CASE(a_capture_is_waited_for_if_it_is_at_most_1000_entries_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
