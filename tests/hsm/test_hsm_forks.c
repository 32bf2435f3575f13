/*
 * test_hsm_forks.c - a host that keeps two histories of one group alive and wants both committed.
 *
 * If it could, each history would answer its own guesses, and every client's limit would count in
 * one of them only (spec 02 section 16 items 1, 3 and 10). Or one that wants two groups to own the
 * same records, which comes to the same.
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

static void append_and_commit(struct fixture *fixture, unsigned h,
                              const struct rind_group_id *group, const struct rind_log_entry *entry,
                              const struct rind_store_delta *delta)
{
    assert_true(cluster_append(fixture->cluster, group, entry, delta));
    assert_int_equal(cluster_commit(fixture->cluster, h, group).kind, RIND_HSM_COMMIT_OK);
}

static struct rind_group_id new_group(struct fixture *fixture)
{
    const unsigned members[] = {0, 1, 2};
    struct rind_group_id group = cluster_new_group(fixture->cluster, members, 3);
    assert_int_equal(cluster_commit(fixture->cluster, 0, &group).kind, RIND_HSM_COMMIT_OK);
    return group;
}

/* The source's statement at core `h` for a preparation, and what it answers to another TransferOut.
 */
static void check_is_not_delivered(struct fixture *fixture, unsigned h,
                                   const struct rind_group_id *destination,
                                   const struct rind_hsm_prepare_transfer_ok *prepared)
{
    struct rind_owned_range full = rind_owned_range_full();
    assert_int_equal(cluster_transfer_out(fixture->cluster, h, &fixture->group, destination, &full,
                                          &prepared->nonce, &prepared->statement)
                         .kind,
                     RIND_HSM_TRANSFER_OUT_OTHER_TRANSFER_PENDING);
    assert_int_equal(cluster_transfer_statement(fixture->cluster, h, &fixture->group, destination,
                                                &prepared->nonce)
                         .kind,
                     RIND_HSM_TRANSFER_STATEMENT_NOT_TRANSFERRING);
}

/*
 * The host does not complete a transfer at its source. The destination takes the range, gives it to
 * a third group, and prepares to take it once more: from the source, as it was.
 */
static void a_range_is_delivered_for_one_preparation_only(void **state)
{
    struct fixture *fixture = *state;
    struct cluster *cluster = fixture->cluster;
    struct rind_group_id destination = new_group(fixture);
    struct rind_group_id third = new_group(fixture);
    struct rind_owned_range full = rind_owned_range_full();

    struct rind_hsm_prepare_transfer_ok first =
        cluster_prepare(cluster, 0, &fixture->group, &destination, &full).ok;
    append_and_commit(fixture, 0, &destination, &first.entry, NULL);
    struct rind_hsm_transfer_out_response out = cluster_transfer_out(
        cluster, 0, &fixture->group, &destination, &full, &first.nonce, &first.statement);
    assert_int_equal(out.kind, RIND_HSM_TRANSFER_OUT_OK);
    append_and_commit(fixture, 0, &fixture->group, &out.ok.entry, &out.ok.delta);

    /* Leaders change on both sides: a new nonce of the same preparation is as good. */
    (void)cluster_step_down(cluster, 0, &fixture->group, false);
    cluster_lead(cluster, 1, &fixture->group);
    assert_int_equal(cluster_commit(cluster, 1, &fixture->group).kind, RIND_HSM_COMMIT_OK);
    (void)cluster_step_down(cluster, 0, &destination, false);
    cluster_lead(cluster, 2, &destination);
    struct rind_hsm_prepare_transfer_ok again =
        cluster_prepare(cluster, 2, &fixture->group, &destination, &full).ok;
    assert_false(again.has_entry);
    assert_false(rind_transfer_nonce_equal(&first.nonce, &again.nonce));
    struct rind_hsm_transfer_statement_response statement =
        cluster_transfer_statement(cluster, 1, &fixture->group, &destination, &again.nonce);
    assert_int_equal(statement.kind, RIND_HSM_TRANSFER_STATEMENT_OK);
    struct rind_hsm_transfer_in_response in =
        cluster_transfer_in(cluster, 2, &fixture->group, &destination, &out.ok.partition,
                            &again.nonce, &statement.statement);
    assert_int_equal(in.kind, RIND_HSM_TRANSFER_IN_OK);
    append_and_commit(fixture, 2, &destination, &in.ok.entry, &in.ok.delta);
    cluster_transfer(cluster, 2, &destination, 0, &third, &full);

    struct rind_hsm_prepare_transfer_ok second =
        cluster_prepare(cluster, 2, &fixture->group, &destination, &full).ok;
    append_and_commit(fixture, 2, &destination, &second.entry, NULL);
    check_is_not_delivered(fixture, 1, &destination, &second);
    /* Nor by a leader that learns of the transfer from the log alone, nor by the one after it. */
    for (unsigned h = 2; h <= 3; h++) {
        (void)cluster_step_down(cluster, h - 1, &fixture->group, false);
        cluster_lead(cluster, h % 3, &fixture->group);
        assert_int_equal(cluster_commit(cluster, h % 3, &fixture->group).kind, RIND_HSM_COMMIT_OK);
        check_is_not_delivered(fixture, h % 3, &destination, &second);
    }
    /* The statement for the first preparation's nonce is of no use to the second. */
    assert_int_equal(cluster_transfer_in(cluster, 2, &fixture->group, &destination,
                                         &out.ok.partition, &again.nonce, &statement.statement)
                         .kind,
                     RIND_HSM_TRANSFER_IN_INVALID_NONCE);
}

/* Requests go on while half the range is on its way; each entry must keep what the first one knew.
 */
static void entries_behind_a_transfer_out_keep_its_preparation(void **state)
{
    struct fixture *fixture = *state;
    struct cluster *cluster = fixture->cluster;
    struct rind_group_id destination = new_group(fixture);
    struct rind_owned_range upper = rind_owned_range_full();
    memset(upper.start.bytes, 0, sizeof(upper.start.bytes));
    upper.start.bytes[0] = 0x80;
    struct rind_hsm_prepare_transfer_ok prepared =
        cluster_prepare(cluster, 0, &fixture->group, &destination, &upper).ok;
    append_and_commit(fixture, 0, &destination, &prepared.entry, NULL);
    struct rind_hsm_transfer_out_response out = cluster_transfer_out(
        cluster, 0, &fixture->group, &destination, &upper, &prepared.nonce, &prepared.statement);
    assert_int_equal(out.kind, RIND_HSM_TRANSFER_OUT_OK);
    append_and_commit(fixture, 0, &fixture->group, &out.ok.entry, &out.ok.delta);
    struct rind_hsm_id masked[3] = {out.ok.entry.hsm};
    masked[1] = guess(fixture, 0).hsm;
    assert_int_equal(cluster_commit(cluster, 0, &fixture->group).kind, RIND_HSM_COMMIT_OK);
    (void)cluster_step_down(cluster, 0, &fixture->group, false);
    cluster_lead(cluster, 1, &fixture->group);
    masked[2] = guess(fixture, 1).hsm;
    assert_int_equal(cluster_commit(cluster, 1, &fixture->group).kind, RIND_HSM_COMMIT_OK);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(rind_get_be64(masked[i].bytes), prepared.entry.index);
        assert_false(rind_hsm_id_equal(&masked[i], &masked[(i + 1) % 3]));
    }
    struct rind_transfer_nonce other = prepared.nonce;
    rind_put_be64(other.bytes, prepared.entry.index + 1);
    assert_int_equal(
        cluster_transfer_statement(cluster, 1, &fixture->group, &destination, &other).kind,
        RIND_HSM_TRANSFER_STATEMENT_NOT_TRANSFERRING);
    assert_int_equal(
        cluster_transfer_statement(cluster, 1, &fixture->group, &destination, &prepared.nonce).kind,
        RIND_HSM_TRANSFER_STATEMENT_OK);
    struct rind_hsm_complete_transfer_response complete =
        cluster_complete(cluster, 1, &fixture->group, &destination, &upper);
    assert_int_equal(complete.kind, RIND_HSM_COMPLETE_TRANSFER_OK);
    assert_true(rind_hsm_id_equal(&complete.ok.entry.hsm, &cluster->hsms[1].id));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_witness_cannot_be_moved_to_another_history_than_it_has_testified_to),
        TEST(a_jump_needs_a_majority_that_testifies_to_one_entry),
        TEST(a_restart_forgets_statements_that_did_not_suffice),
        TEST(a_range_is_delivered_for_one_preparation_only),
        TEST(entries_behind_a_transfer_out_keep_its_preparation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
