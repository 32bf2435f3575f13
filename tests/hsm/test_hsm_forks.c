/*
 * test_hsm_forks.c - a host that keeps two histories of one group alive and wants both committed.
 *
 * If it could, each history would answer its own guesses, and every client's limit would count in
 * one of them only (spec 02 section 16 items 1 and 3).
 */
#include "support/test.h"

#include "hsm/cluster.h"

#define FORKS_GUESSES 2u

struct fixture {
    struct cluster *cluster;
    struct rind_group_id group; /* of three, led by core 0, nothing pending */
    struct cluster_client client;
    struct rind_secrets_request register2; /* what the client has registered */
};

static int fixture_set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    fixture->cluster = cluster_new(3, 77);
    fixture->group = cluster_new_realm_and_group(fixture->cluster);
    struct rind_record_id record = cluster_record(0x42);
    cluster_client_init(&fixture->client, 5, &record);
    cluster_client_connect(fixture->cluster, 0, &fixture->group, &fixture->client);
    fixture->register2 = cluster_register2(6, FORKS_GUESSES);
    struct rind_secrets_response registered = cluster_client_ask(
        fixture->cluster, 0, &fixture->group, &fixture->client, &fixture->register2);
    assert_int_equal(registered.kind, RIND_SECRETS_RESPONSE_REGISTER2);
    *state = fixture;
    return 0;
}

static int fixture_tear_down(void **state)
{
    struct fixture *fixture = *state;
    cluster_free(fixture->cluster);
    free(fixture);
    return 0;
}

static struct rind_hsm_capture_jump_response jump(struct fixture *fixture, unsigned h,
                                                  const struct rind_captured *captured)
{
    struct rind_hsm_request request = {.kind = RIND_HSM_REQUEST_CAPTURE_JUMP,
                                       .capture_jump = {.jump = *captured}};
    struct rind_hsm_capture_jump_response answer;
    cluster_send(fixture->cluster, h, &request, &answer);
    return answer;
}

/* What the core testifies of the group. */
static struct rind_captured testify(struct fixture *fixture, unsigned h)
{
    struct rind_captured_list list = cluster_persist(fixture->cluster, h);
    for (size_t i = 0; i < list.count; i++) {
        if (rind_group_id_equal(&list.items[i].group, &fixture->group)) {
            return list.items[i];
        }
    }
    fail_msg("no capture of the group");
    return (struct rind_captured){.index = 0};
}

/* A request at core `h` that enters the host's log; its entry. */
static struct rind_log_entry guess(struct fixture *fixture, unsigned h)
{
    struct cluster_client *client = &fixture->client;
    client->has_session = false;
    cluster_client_connect(fixture->cluster, h, &fixture->group, client);
    struct rind_secrets_request request = cluster_recover2(&fixture->register2);
    (void)cluster_client_start(fixture->cluster, h, &fixture->group, client, &request);
    return *cluster_last(fixture->cluster, &fixture->group);
}

/*
 * Cores 0 and 2 commit a guess that core 1 never sees. Core 1 leads from the entry before it and
 * answers guesses of its own, in a longer log. If core 2, which has testified to the first history,
 * could be made to testify to the second, both would have been committed.
 */
static void a_witness_cannot_be_moved_to_another_history_than_it_has_testified_to(void **state)
{
    struct fixture *fixture = *state;
    struct cluster *cluster = fixture->cluster;
    struct cluster_log *log = cluster_log_of(cluster, &fixture->group);
    size_t fork = log->count;
    cluster_lead(cluster, 1, &fixture->group); /* both lead from the same entry */

    struct rind_log_entry first = guess(fixture, 0);
    struct rind_captured votes[2];
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(cluster_capture_entries(cluster, i * 2, &fixture->group, &first, 1).kind,
                         RIND_HSM_CAPTURE_NEXT_OK);
        votes[i] = testify(fixture, i * 2);
    }
    struct rind_captured_list list = {.items = votes, .count = 2};
    struct rind_hsm_commit_response commit =
        cluster_commit_with(cluster, 0, &fixture->group, &list);
    assert_int_equal(commit.kind, RIND_HSM_COMMIT_OK);
    assert_int_equal(commit.ok.responses.count, 1); /* the first guess is answered */

    log->count = fork; /* the host shows core 1 a world without that guess */
    struct rind_log_entry second[2] = {guess(fixture, 1), guess(fixture, 1)};
    assert_int_equal(cluster_capture_entries(cluster, 1, &fixture->group, second, 2).kind,
                     RIND_HSM_CAPTURE_NEXT_OK);
    votes[0] = testify(fixture, 1);
    (void)jump(fixture, 2, &votes[0]);
    votes[1] = testify(fixture, 2);
    commit = cluster_commit_with(cluster, 1, &fixture->group, &list);
    assert_int_equal(commit.kind, RIND_HSM_COMMIT_NO_QUORUM);
}

/* Five members: what counts is how many different ones testify to one and the same entry. */
static void a_jump_needs_a_majority_that_testifies_to_one_entry(void **state)
{
    struct fixture *fixture = *state;
    cluster_free(fixture->cluster);
    fixture->cluster = cluster_new(5, 78);
    fixture->group = cluster_new_realm_and_group(fixture->cluster);
    (void)guess(fixture, 0);
    struct rind_captured votes[5];
    for (unsigned h = 0; h < 4; h++) {
        if (h == 3) {
            (void)guess(fixture, 0); /* core 3 will be one entry further than the others */
        }
        cluster_capture(fixture->cluster, h, &fixture->group);
        votes[h] = testify(fixture, h);
    }
    for (unsigned repeat = 0; repeat < 3; repeat++) { /* of one member, and of different entries */
        assert_int_equal(jump(fixture, 4, &votes[0]).kind, RIND_HSM_CAPTURE_JUMP_NOT_WITNESS);
        assert_int_equal(jump(fixture, 4, &votes[3]).kind, RIND_HSM_CAPTURE_JUMP_NOT_WITNESS);
    }
    struct rind_hsm_capture_jump_response answer = jump(fixture, 4, &votes[1]);
    assert_int_equal(answer.kind, RIND_HSM_CAPTURE_JUMP_NOT_WITNESS);
    assert_int_equal(answer.not_witness.role.kind, RIND_ROLE_WITNESS);
    assert_int_equal(testify(fixture, 4).index, votes[0].index - 1); /* not moved yet */
    assert_int_equal(jump(fixture, 4, &votes[2]).kind, RIND_HSM_CAPTURE_JUMP_OK);
    assert_int_equal(testify(fixture, 4).index, votes[0].index);
}

/* Statements are remembered in memory only: a restart makes them be given again. */
static void a_restart_forgets_statements_that_did_not_suffice(void **state)
{
    struct fixture *fixture = *state;
    (void)guess(fixture, 0);
    struct rind_captured votes[2];
    for (unsigned h = 0; h < 2; h++) {
        cluster_capture(fixture->cluster, h, &fixture->group);
        votes[h] = testify(fixture, h);
    }
    assert_int_equal(jump(fixture, 2, &votes[0]).kind, RIND_HSM_CAPTURE_JUMP_NOT_WITNESS);
    cluster_reboot(fixture->cluster, 2);
    assert_int_equal(jump(fixture, 2, &votes[1]).kind, RIND_HSM_CAPTURE_JUMP_NOT_WITNESS);
    assert_int_equal(jump(fixture, 2, &votes[0]).kind, RIND_HSM_CAPTURE_JUMP_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_witness_cannot_be_moved_to_another_history_than_it_has_testified_to),
        TEST(a_jump_needs_a_majority_that_testifies_to_one_entry),
        TEST(a_restart_forgets_statements_that_did_not_suffice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
