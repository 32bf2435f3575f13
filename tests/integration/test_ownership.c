/*
 * test_ownership.c - records move between groups of real processes, are cut off anywhere and arrive
 * all the same (spec 08 section 19: transfer, transfer retry).
 */
#include <stdio.h>

#include "integration/real_realm.h"
#include "support/test.h"

#define USERS 50u

static struct real_realm realm;
static struct real_user users[USERS];

static int setup(void **state)
{
    (void)state;
    real_open(&realm, 3, 1, 2);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    real_close(&realm);
    return 0;
}

static void move(const struct rind_group_id *source, const struct rind_group_id *destination,
                 const char *start, const char *end)
{
    struct rind_owned_range range = real_range(start, end);
    struct rind_cluster_transfer_response response =
        real_transfer(&realm, source, destination, &range);
    if (response.kind != RIND_CLUSTER_TRANSFER_OK) {
        fail_msg("transfer %s-%s: error %d", start, end, (int)response.error.kind);
    }
    assert_true(real_is_whole(&realm));
}

static void assert_moving_fails(const struct rind_group_id *source,
                                const struct rind_group_id *destination,
                                const struct rind_owned_range *range,
                                enum rind_cluster_transfer_error_kind kind)
{
    struct rind_cluster_transfer_response response =
        real_transfer(&realm, source, destination, range);
    assert_int_equal(response.kind, RIND_CLUSTER_TRANSFER_ERR);
    assert_int_equal(response.error.kind, kind);
    real_await_whole(&realm, REAL_PATIENCE_MS);
}

/* ---- users ---- */

static void register_all(void)
{
    for (size_t i = 0; i < USERS; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "user-%zu", i);
        real_user_open(&users[i], &realm, name);
        assert_int_equal(real_user_register(&users[i]), RIND_ERROR_NONE);
    }
}

static void recover_all(void)
{
    for (size_t i = 0; i < USERS; i++) {
        assert_int_equal(real_user_recover(&users[i]), RIND_ERROR_NONE);
    }
}

static void close_all(void)
{
    for (size_t i = 0; i < USERS; i++) {
        real_user_close(&users[i]);
    }
}

/* ---- tests ---- */

static void an_empty_tree_is_split_and_merged(void **state)
{
    (void)state;
    struct rind_group_id a = real_owner(&realm);
    struct rind_group_id b = real_new_group(&realm, 0, 3);
    move(&a, &b, "00", "0500");
    move(&b, &a, "0100000000000000000000000000000000000000000000000000000000000001", "0500");
    move(&b, &a, "00", "0100");
    struct rind_group_id owner = real_owner(&realm);
    assert_true(rind_group_id_equal(&owner, &a));
}

static void users_survive_every_partitioning(void **state)
{
    (void)state;
    struct rind_group_id groups[4];
    groups[0] = real_owner(&realm);
    register_all();
    for (size_t i = 1; i < 4; i++) {
        groups[i] = real_new_group(&realm, 0, 3);
    }
    move(&groups[0], &groups[1], "8000", "ff");
    recover_all();
    move(&groups[0], &groups[2], "4000", "7fff");
    move(&groups[1], &groups[3], "c000", "ff");
    recover_all();
    struct rind_failure failure;
    assert_int_equal(rind_user_delete(users[0].user, &failure), RIND_ERROR_NONE);
    assert_int_equal(real_user_recover(&users[0]), RIND_ERROR_NOT_REGISTERED);
    assert_int_equal(real_user_register(&users[0]), RIND_ERROR_NONE);
    move(&groups[3], &groups[1], "c000", "ff");
    move(&groups[2], &groups[0], "4000", "7fff");
    move(&groups[1], &groups[0], "8000", "ff");
    recover_all();
    close_all();
}

static void what_cannot_be_moved_is_refused_and_blocks_nobody(void **state)
{
    (void)state;
    struct rind_group_id a = real_owner(&realm);
    struct rind_group_id b = real_new_group(&realm, 0, 3);
    struct rind_group_id c = real_new_group(&realm, 1, 1);
    struct rind_owned_range inverted = real_range("8000", "7fff");
    struct rind_owned_range middle = real_range("2000", "3fff");
    struct rind_owned_range top = real_range("c000", "ff");
    assert_moving_fails(&a, &b, &inverted, RIND_CLUSTER_TRANSFER_ERROR_UNACCEPTABLE_RANGE);
    assert_moving_fails(&a, &a, &top, RIND_CLUSTER_TRANSFER_ERROR_INVALID_GROUP);
    assert_moving_fails(&a, &b, &middle, RIND_CLUSTER_TRANSFER_ERROR_UNACCEPTABLE_RANGE);
    /* A source that owns nothing: must not block the destination for ever. */
    assert_moving_fails(&c, &b, &top, RIND_CLUSTER_TRANSFER_ERROR_UNACCEPTABLE_RANGE);
    move(&a, &b, "c000", "ff");
    move(&a, &c, "00", "1fff");
    struct rind_owned_range beside = real_range("00", "0fff");
    assert_moving_fails(&c, &b, &beside, RIND_CLUSTER_TRANSFER_ERROR_UNACCEPTABLE_RANGE);
    move(&b, &a, "c000", "ff");
}

/* ---- stop points ---- */

/* Leaders' agents, as the test plays the manager. */
static const char *leader_url(const struct rind_group_id *group)
{
    return real_agent_url(&realm, real_await_leader(&realm, group, SIZE_MAX));
}

static void call(const char *url, const struct rind_rpc *rpc, const void *request, void *response)
{
    if (!rind_is_ok(rind_rpc_call(&realm.ctx, realm.local.client, url, rpc, request, response,
                                  rind_deadline_in_ms(REAL_PATIENCE_MS), NULL))) {
        fail_msg("%s", realm.ctx.sentence);
    }
}

enum stop_point { AFTER_PREPARE, AFTER_OUT, AFTER_IN };

/* Does the first steps of a transfer and then nothing more, as a manager that died. */
static void begin_and_stop(const struct rind_group_id *source,
                           const struct rind_group_id *destination,
                           const struct rind_owned_range *range, enum stop_point stop)
{
    const struct rind_agent_transfer_prepare_request prepare = {
        .realm = *real_id(&realm), .source = *source, .destination = *destination, .range = *range};
    struct rind_agent_transfer_prepare_response prepared;
    const char *source_url = leader_url(source);
    const char *destination_url = leader_url(destination);
    call(destination_url, &rind_rpc_transfer_prepare, &prepare, &prepared);
    assert_int_equal(prepared.kind, RIND_AGENT_TRANSFER_PREPARE_OK);
    if (stop == AFTER_PREPARE) {
        return;
    }
    const struct rind_agent_transfer_out_request out = {.realm = *real_id(&realm),
                                                        .source = *source,
                                                        .destination = *destination,
                                                        .range = *range,
                                                        .nonce = prepared.ok.nonce,
                                                        .statement = prepared.ok.statement};
    struct rind_agent_transfer_out_response sent;
    call(source_url, &rind_rpc_transfer_out, &out, &sent);
    assert_int_equal(sent.kind, RIND_AGENT_TRANSFER_OUT_OK);
    if (stop == AFTER_OUT) {
        return;
    }
    const struct rind_agent_transfer_in_request in = {.realm = *real_id(&realm),
                                                      .source = *source,
                                                      .destination = *destination,
                                                      .transferring = sent.ok.transferring,
                                                      .nonce = prepared.ok.nonce,
                                                      .statement = sent.ok.statement};
    struct rind_agent_transfer_in_response received;
    call(destination_url, &rind_rpc_transfer_in, &in, &received);
    assert_int_equal(received.kind, RIND_AGENT_TRANSFER_IN_OK);
}

/*
 * The realm's lease is held while the test plays, so that managers do not come in between; then
 * they have to find and finish what was begun.
 */
static void interrupt_transfer(const struct rind_group_id *source,
                               const struct rind_group_id *destination, const char *start,
                               const char *end, enum stop_point stop)
{
    char key[RIND_LEASE_KEY_SIZE_MAX];
    struct rind_lease lease;
    struct rind_owned_range range = real_range(start, end);
    rind_lease_key_ownership(real_id(&realm), key);
    assert_true(rind_is_ok(rind_store_lease_wait(&realm.ctx, realm.local.open_store, key, "test",
                                                 REAL_PATIENCE_MS,
                                                 rind_deadline_in_ms(REAL_PATIENCE_MS), &lease)));
    begin_and_stop(source, destination, &range, stop);
    assert_false(real_is_whole(&realm));
    assert_true(rind_is_ok(rind_store_lease_terminate(&realm.ctx, realm.local.open_store, &lease,
                                                      rind_deadline_in_ms(REAL_PATIENCE_MS))));
    real_await_whole(&realm, REAL_PATIENCE_MS);
}

static void a_manager_finishes_what_another_one_began(void **state)
{
    (void)state;
    struct rind_group_id a = real_owner(&realm);
    struct rind_group_id b = real_new_group(&realm, 0, 3);
    register_all();
    interrupt_transfer(&a, &b, "00",
                       "0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c",
                       AFTER_PREPARE);
    interrupt_transfer(&a, &b, "0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0d",
                       "2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d",
                       AFTER_OUT);
    interrupt_transfer(&a, &b, "2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2e",
                       "6363636363636363636363636363636363636363636363636363636363636363",
                       AFTER_IN);
    recover_all();
    close_all();
}

static void a_destination_whose_leader_changes_in_between_gets_its_range(void **state)
{
    (void)state;
    char key[RIND_LEASE_KEY_SIZE_MAX];
    struct rind_lease lease;
    struct rind_group_id a = real_owner(&realm);
    struct rind_group_id b = real_new_group(&realm, 0, 3);
    struct rind_owned_range range = real_range("8000", "ff");
    rind_lease_key_ownership(real_id(&realm), key);
    assert_true(rind_is_ok(rind_store_lease_wait(&realm.ctx, realm.local.open_store, key, "test",
                                                 REAL_PATIENCE_MS,
                                                 rind_deadline_in_ms(REAL_PATIENCE_MS), &lease)));
    begin_and_stop(&a, &b, &range, AFTER_OUT);
    /* The nonce is gone with the destination's leader. */
    size_t before = real_await_leader(&realm, &b, SIZE_MAX);
    const struct rind_cluster_stepdown_request step_down = {
        .kind = RIND_CLUSTER_STEPDOWN_REQUEST_GROUP,
        .group = {.realm = *real_id(&realm), .group = b}};
    assert_int_equal(real_step_down(&realm, &step_down).kind, RIND_CLUSTER_STEPDOWN_OK);
    (void)real_await_leader(&realm, &b, before);
    assert_true(rind_is_ok(rind_store_lease_terminate(&realm.ctx, realm.local.open_store, &lease,
                                                      rind_deadline_in_ms(REAL_PATIENCE_MS))));
    real_await_whole(&realm, REAL_PATIENCE_MS);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(an_empty_tree_is_split_and_merged),
        TEST(users_survive_every_partitioning),
        TEST(what_cannot_be_moved_is_refused_and_blocks_nobody),
        TEST(a_manager_finishes_what_another_one_began),
        TEST(a_destination_whose_leader_changes_in_between_gets_its_range),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
