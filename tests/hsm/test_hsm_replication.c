/*
 * test_hsm_replication.c - CaptureNext, CaptureJump, PersistState, BecomeLeader, StepDown, Commit.
 */
#include "support/test.h"

#include "hsm/cluster.h"
#include "hsm/macs.h"
#include "hsm/state.h"

struct fixture {
    struct cluster *cluster;
    struct rind_group_id group; /* of three, led by core 0, owning everything, nothing pending */
    struct cluster_client client;
};

static int fixture_set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    fixture->cluster = cluster_new(3, 5);
    fixture->group = cluster_new_realm_and_group(fixture->cluster);
    struct rind_record_id record = cluster_record(0x31);
    cluster_client_init(&fixture->client, 1, &record);
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

/* A Register1 by the client, appended to the log; its entry's MAC. */
static struct rind_mac append_request(struct fixture *fixture)
{
    struct rind_secrets_request request = cluster_simple(RIND_SECRETS_REQUEST_REGISTER1);
    return cluster_client_start(fixture->cluster, 0, &fixture->group, &fixture->client, &request);
}

static struct rind_group_status status_of(struct fixture *fixture, unsigned h)
{
    return cluster_group_status(fixture->cluster, h, &fixture->group);
}

/* This core's capture of the group. */
static struct rind_captured capture_of(struct fixture *fixture, unsigned h)
{
    cluster_capture(fixture->cluster, h, &fixture->group);
    struct rind_captured_list list = cluster_persist(fixture->cluster, h);
    for (size_t i = 0; i < list.count; i++) {
        if (rind_group_id_equal(&list.items[i].group, &fixture->group)) {
            return list.items[i];
        }
    }
    fail_msg("no capture of the group");
    return (struct rind_captured){0};
}

static struct rind_hsm_capture_next_response capture(struct fixture *fixture, unsigned h,
                                                     const struct rind_log_entry *entry)
{
    return cluster_capture_entries(fixture->cluster, h, &fixture->group, entry, 1);
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

static struct rind_hsm_commit_response commit(struct fixture *fixture, unsigned h,
                                              struct rind_captured *captures, size_t count)
{
    struct rind_captured_list list = {.items = captures, .count = count};
    return cluster_commit_with(fixture->cluster, h, &fixture->group, &list);
}

/* Gives an entry made up by a test the MAC that a core would. */
static void sign(struct fixture *fixture, struct rind_log_entry *entry)
{
    rind_hsm_entry_mac_make(&fixture->cluster->hsms[0].keys, &fixture->cluster->realm,
                            &fixture->group, entry, &entry->entry_mac);
}

static void capture_next_answers_in_the_order_of_the_spec(void **state)
{
    struct fixture *fixture = *state;
    (void)append_request(fixture);
    struct rind_log_entry entry = *cluster_last(fixture->cluster, &fixture->group);
    struct rind_realm_id realm = fixture->cluster->realm;

    fixture->cluster->realm.bytes[0] ^= 1;
    assert_int_equal(cluster_capture_entries(fixture->cluster, 1, &fixture->group, NULL, 0).kind,
                     RIND_HSM_CAPTURE_NEXT_MISSING_ENTRIES);
    assert_int_equal(capture(fixture, 1, &entry).kind, RIND_HSM_CAPTURE_NEXT_INVALID_REALM);
    fixture->cluster->realm = realm;
    struct rind_group_id group = fixture->group;
    fixture->group.bytes[0] ^= 1;
    assert_int_equal(capture(fixture, 1, &entry).kind, RIND_HSM_CAPTURE_NEXT_INVALID_GROUP);
    fixture->group = group;

    struct rind_log_entry bad = entry;
    bad.entry_mac.bytes[0] ^= 1;
    assert_int_equal(capture(fixture, 1, &bad).kind, RIND_HSM_CAPTURE_NEXT_INVALID_MAC);
    bad = entry;
    bad.partition.root_hash.bytes[0] ^= 1;
    assert_int_equal(capture(fixture, 1, &bad).kind, RIND_HSM_CAPTURE_NEXT_INVALID_MAC);
    bad = entry;
    bad.index++;
    sign(fixture, &bad);
    assert_int_equal(capture(fixture, 1, &bad).kind, RIND_HSM_CAPTURE_NEXT_MISSING_PREV);
    bad = entry;
    bad.prev_mac.bytes[0] ^= 1;
    sign(fixture, &bad);
    assert_int_equal(capture(fixture, 1, &bad).kind, RIND_HSM_CAPTURE_NEXT_INVALID_CHAIN);

    struct rind_hsm_capture_next_response good = capture(fixture, 1, &entry);
    assert_int_equal(good.kind, RIND_HSM_CAPTURE_NEXT_OK);
    assert_int_equal(good.ok.role.kind, RIND_ROLE_WITNESS);
    assert_int_equal(capture(fixture, 1, &entry).kind, RIND_HSM_CAPTURE_NEXT_MISSING_PREV);
}

static void two_entries_are_captured_in_one_call(void **state)
{
    struct fixture *fixture = *state;
    (void)append_request(fixture);
    (void)append_request(fixture);
    struct cluster_log *log = cluster_log_of(fixture->cluster, &fixture->group);
    struct rind_hsm_capture_next_response answer = cluster_capture_entries(
        fixture->cluster, 1, &fixture->group, &log->entries[log->count - 2], 2);
    assert_int_equal(answer.kind, RIND_HSM_CAPTURE_NEXT_OK);
    fixture->cluster->hsms[1].next_index[log - fixture->cluster->logs] = log->count + 1;
    assert_int_equal(capture_of(fixture, 1).index, log->count);
}

static void a_call_with_one_bad_entry_captures_nothing(void **state)
{
    struct fixture *fixture = *state;
    (void)append_request(fixture);
    (void)append_request(fixture);
    struct cluster_log *log = cluster_log_of(fixture->cluster, &fixture->group);
    struct rind_log_entry entries[2] = {log->entries[log->count - 2], log->entries[log->count - 1]};
    entries[1].entry_mac.bytes[0] ^= 1;
    uint64_t before = status_of(fixture, 1).captured.index;
    assert_int_equal(cluster_capture_entries(fixture->cluster, 1, &fixture->group, entries, 2).kind,
                     RIND_HSM_CAPTURE_NEXT_INVALID_MAC);
    (void)cluster_persist(fixture->cluster, 1);
    assert_int_equal(status_of(fixture, 1).captured.index, before);
    cluster_capture(fixture->cluster, 1, &fixture->group); /* both are still next */
    (void)cluster_persist(fixture->cluster, 1);
    assert_int_equal(status_of(fixture, 1).captured.index, before + 2);
}

static void the_first_entry_needs_index_one_and_a_zero_prev_mac(void **state)
{
    struct fixture *fixture = *state;
    const unsigned members[] = {0, 1};
    fixture->group = cluster_new_group(fixture->cluster, members, 2);
    struct rind_log_entry first = *cluster_last(fixture->cluster, &fixture->group);
    struct rind_log_entry bad = first;
    bad.index = 2;
    sign(fixture, &bad);
    assert_int_equal(capture(fixture, 1, &bad).kind, RIND_HSM_CAPTURE_NEXT_MISSING_PREV);
    bad = first;
    bad.prev_mac.bytes[31] = 1;
    sign(fixture, &bad);
    assert_int_equal(capture(fixture, 1, &bad).kind, RIND_HSM_CAPTURE_NEXT_INVALID_CHAIN);
    assert_int_equal(capture(fixture, 1, &first).kind, RIND_HSM_CAPTURE_NEXT_OK);
}

static void status_shows_a_capture_only_once_it_is_persisted(void **state)
{
    struct fixture *fixture = *state;
    uint64_t before = status_of(fixture, 1).captured.index;
    (void)append_request(fixture);
    cluster_capture(fixture->cluster, 1, &fixture->group);
    assert_int_equal(status_of(fixture, 1).captured.index, before);
    struct rind_captured captured = capture_of(fixture, 1);
    assert_int_equal(captured.index, before + 1);
    assert_true(rind_hsm_captured_statement_is_valid(&fixture->cluster->hsms[1].keys, &captured));
    assert_int_equal(status_of(fixture, 1).captured.index, before + 1);
}

static void a_capture_that_was_not_persisted_is_lost_by_a_reboot(void **state)
{
    struct fixture *fixture = *state;
    uint64_t before = status_of(fixture, 1).captured.index;
    (void)append_request(fixture);
    cluster_capture(fixture->cluster, 1, &fixture->group);
    cluster_reboot(fixture->cluster, 1);
    assert_int_equal(status_of(fixture, 1).captured.index, before);
    cluster_capture(fixture->cluster, 1, &fixture->group); /* the same entry again */
}

static void capture_jump_needs_a_members_statement_of_a_later_index(void **state)
{
    struct fixture *fixture = *state;
    (void)append_request(fixture);
    struct rind_captured captured = capture_of(fixture, 1);
    struct rind_captured bad = captured;
    bad.realm.bytes[0] ^= 1;
    assert_int_equal(jump(fixture, 2, &bad).kind, RIND_HSM_CAPTURE_JUMP_INVALID_REALM);
    bad = captured;
    bad.group.bytes[0] ^= 1;
    assert_int_equal(jump(fixture, 2, &bad).kind, RIND_HSM_CAPTURE_JUMP_INVALID_GROUP);
    bad = captured;
    bad.index++;
    assert_int_equal(jump(fixture, 2, &bad).kind, RIND_HSM_CAPTURE_JUMP_INVALID_STATEMENT);
    bad = captured; /* a true statement of an HSM that is no member */
    bad.hsm.bytes[0] ^= 1;
    rind_hsm_captured_statement_make(&fixture->cluster->hsms[0].keys, &bad, &bad.statement);
    assert_int_equal(jump(fixture, 2, &bad).kind, RIND_HSM_CAPTURE_JUMP_INVALID_STATEMENT);

    struct rind_hsm_capture_jump_response leader = jump(fixture, 0, &captured);
    assert_int_equal(leader.kind, RIND_HSM_CAPTURE_JUMP_NOT_WITNESS);
    assert_int_equal(leader.not_witness.role.kind, RIND_ROLE_LEADER);
    struct rind_captured leaders = capture_of(fixture, 0);
    assert_int_equal(leaders.index, captured.index);
    assert_int_equal(jump(fixture, 2, &leaders).kind, RIND_HSM_CAPTURE_JUMP_NOT_WITNESS);
    assert_int_equal(jump(fixture, 2, &captured).kind, RIND_HSM_CAPTURE_JUMP_OK);
    assert_int_equal(jump(fixture, 2, &captured).kind, RIND_HSM_CAPTURE_JUMP_STALE_INDEX);
    fixture->cluster->hsms[2].next_index[1] = captured.index + 1;
    assert_int_equal(capture_of(fixture, 2).index, captured.index);

    (void)cluster_step_down(fixture->cluster, 0, &fixture->group, false);
    leader = jump(fixture, 0, &captured);
    assert_int_equal(leader.kind, RIND_HSM_CAPTURE_JUMP_NOT_WITNESS);
    assert_int_equal(leader.not_witness.role.kind, RIND_ROLE_STEPPING_DOWN);
}

static void capture_jump_works_on_an_hsm_without_a_capture(void **state)
{
    struct fixture *fixture = *state;
    const unsigned members[] = {0, 1};
    fixture->group = cluster_new_group(fixture->cluster, members, 2);
    struct rind_captured captured = capture_of(fixture, 0);
    assert_false(status_of(fixture, 1).has_captured);
    assert_int_equal(jump(fixture, 1, &captured).kind, RIND_HSM_CAPTURE_JUMP_OK);
    (void)cluster_persist(fixture->cluster, 1);
    assert_int_equal(status_of(fixture, 1).captured.index, 1);
}

static void become_leader_needs_exactly_the_persisted_capture(void **state)
{
    struct fixture *fixture = *state;
    struct rind_log_entry older = *cluster_last(fixture->cluster, &fixture->group);
    (void)append_request(fixture);
    struct rind_log_entry last = *cluster_last(fixture->cluster, &fixture->group);
    cluster_capture(fixture->cluster, 1, &fixture->group);

    struct rind_hsm_become_leader_response answer =
        cluster_become_leader(fixture->cluster, 1, &fixture->group, &older);
    assert_int_equal(answer.kind, RIND_HSM_BECOME_LEADER_NOT_CAPTURED);
    assert_true(answer.not_captured.has_have);
    assert_int_equal(answer.not_captured.have, last.index); /* the call has persisted it */
    struct rind_log_entry bad = last;
    bad.partition.root_hash.bytes[0] ^= 1;
    assert_int_equal(cluster_become_leader(fixture->cluster, 1, &fixture->group, &bad).kind,
                     RIND_HSM_BECOME_LEADER_INVALID_MAC);
    bad = last;
    bad.entry_mac.bytes[0] ^= 1;
    assert_int_equal(cluster_become_leader(fixture->cluster, 1, &fixture->group, &bad).kind,
                     RIND_HSM_BECOME_LEADER_NOT_CAPTURED);
    struct rind_group_id unknown = fixture->group;
    unknown.bytes[0] ^= 1;
    assert_int_equal(cluster_become_leader(fixture->cluster, 1, &unknown, &last).kind,
                     RIND_HSM_BECOME_LEADER_INVALID_GROUP);

    answer = cluster_become_leader(fixture->cluster, 1, &fixture->group, &last);
    assert_int_equal(answer.kind, RIND_HSM_BECOME_LEADER_OK);
    assert_int_equal(answer.ok.role.role.kind, RIND_ROLE_LEADER);
    assert_int_equal(answer.ok.role.role.leader.starting, last.index + 1);
    assert_int_equal(answer.ok.role.at, 2);
    /* Again: nothing changes, and an older entry is still refused. */
    answer = cluster_become_leader(fixture->cluster, 1, &fixture->group, &last);
    assert_int_equal(answer.ok.role.at, 2);
    assert_int_equal(cluster_become_leader(fixture->cluster, 1, &fixture->group, &older).kind,
                     RIND_HSM_BECOME_LEADER_NOT_CAPTURED);
}

static void a_new_group_rebooted_before_any_capture_cannot_be_led(void **state)
{
    struct fixture *fixture = *state;
    const unsigned members[] = {0};
    fixture->group = cluster_new_group(fixture->cluster, members, 1);
    struct rind_log_entry first = *cluster_last(fixture->cluster, &fixture->group);
    cluster_reboot(fixture->cluster, 0);
    struct rind_hsm_become_leader_response answer =
        cluster_become_leader(fixture->cluster, 0, &fixture->group, &first);
    assert_int_equal(answer.kind, RIND_HSM_BECOME_LEADER_NOT_CAPTURED);
    assert_false(answer.not_captured.has_have);
    cluster_lead(fixture->cluster, 0, &fixture->group); /* but after one it can */
}

static void step_down_goes_to_witness_when_nothing_is_pending(void **state)
{
    struct fixture *fixture = *state;
    uint64_t clock = status_of(fixture, 0).role.at;
    uint64_t last = cluster_last(fixture->cluster, &fixture->group)->index;
    struct rind_hsm_step_down_response answer =
        cluster_step_down(fixture->cluster, 0, &fixture->group, false);
    assert_int_equal(answer.kind, RIND_HSM_STEP_DOWN_OK);
    assert_int_equal(answer.ok.last, last);
    assert_int_equal(answer.ok.role.role.kind, RIND_ROLE_WITNESS);
    assert_int_equal(answer.ok.role.at, clock + 1);
    answer = cluster_step_down(fixture->cluster, 0, &fixture->group, false);
    assert_int_equal(answer.kind, RIND_HSM_STEP_DOWN_NOT_LEADER);
    assert_int_equal(answer.not_leader.at, clock + 1);
    answer = cluster_step_down(fixture->cluster, 0, &fixture->group, true);
    assert_int_equal(answer.kind, RIND_HSM_STEP_DOWN_NOT_LEADER);
}

static void step_down_waits_for_the_commit_of_what_is_pending(void **state)
{
    struct fixture *fixture = *state;
    uint64_t clock = status_of(fixture, 0).role.at;
    struct rind_mac mac = append_request(fixture);
    struct rind_hsm_step_down_response answer =
        cluster_step_down(fixture->cluster, 0, &fixture->group, false);
    assert_int_equal(answer.ok.role.role.kind, RIND_ROLE_STEPPING_DOWN);
    assert_int_equal(answer.ok.role.at, clock + 1);
    answer = cluster_step_down(fixture->cluster, 0, &fixture->group, false);
    assert_int_equal(answer.kind, RIND_HSM_STEP_DOWN_NOT_LEADER);
    assert_int_equal(answer.not_leader.role.kind, RIND_ROLE_STEPPING_DOWN);
    assert_int_equal(cluster_become_leader(fixture->cluster, 0, &fixture->group,
                                           cluster_last(fixture->cluster, &fixture->group))
                         .kind,
                     RIND_HSM_BECOME_LEADER_STEPDOWN_IN_PROGRESS);
    assert_false(status_of(fixture, 0).has_leader);

    struct rind_hsm_commit_response committed =
        cluster_commit(fixture->cluster, 0, &fixture->group);
    assert_int_equal(committed.kind, RIND_HSM_COMMIT_OK);
    assert_non_null(cluster_released(&committed, &mac));
    assert_int_equal(committed.ok.abandoned.count, 0);
    assert_int_equal(committed.ok.role.role.kind, RIND_ROLE_WITNESS);
    assert_int_equal(committed.ok.role.at, clock + 2);
}

static void a_forced_step_down_works_from_leader_and_stepping_down(void **state)
{
    struct fixture *fixture = *state;
    (void)append_request(fixture);
    uint64_t clock = status_of(fixture, 0).role.at;
    uint64_t last = cluster_last(fixture->cluster, &fixture->group)->index;
    struct rind_hsm_step_down_response answer =
        cluster_step_down(fixture->cluster, 0, &fixture->group, true);
    assert_int_equal(answer.kind, RIND_HSM_STEP_DOWN_OK);
    assert_int_equal(answer.ok.last, last);
    assert_int_equal(answer.ok.role.role.kind, RIND_ROLE_WITNESS);
    assert_int_equal(answer.ok.role.at, clock + 1);

    cluster_lead(fixture->cluster, 0, &fixture->group);
    fixture->client.has_session = false; /* gone with the leadership */
    (void)append_request(fixture);
    (void)cluster_step_down(fixture->cluster, 0, &fixture->group, false);
    answer = cluster_step_down(fixture->cluster, 0, &fixture->group, true);
    assert_int_equal(answer.kind, RIND_HSM_STEP_DOWN_OK);
    assert_int_equal(answer.ok.last, last + 1);
    assert_int_equal(answer.ok.role.role.kind, RIND_ROLE_WITNESS);
    assert_int_equal(answer.ok.role.at, clock + 4);
}

static void commit_releases_each_response_once(void **state)
{
    struct fixture *fixture = *state;
    struct rind_mac mac = append_request(fixture);
    struct rind_captured captures[3];
    for (unsigned h = 0; h < 3; h++) {
        captures[h] = capture_of(fixture, h);
    }
    struct rind_hsm_commit_response first = commit(fixture, 0, captures, 3);
    assert_int_equal(first.kind, RIND_HSM_COMMIT_OK);
    assert_int_equal(first.ok.responses.count, 1);
    assert_non_null(cluster_released(&first, &mac));
    assert_int_equal(first.ok.committed, captures[0].index);
    assert_int_equal(first.ok.responses.items[0].result.kind, RIND_APP_RESULT_REGISTER1);
    struct rind_hsm_commit_response second = commit(fixture, 0, captures, 3);
    assert_int_equal(second.kind, RIND_HSM_COMMIT_OK);
    assert_int_equal(second.ok.committed, captures[0].index);
    assert_int_equal(second.ok.responses.count, 0);
    assert_int_equal(second.ok.role.at, first.ok.role.at);
}

static void commit_needs_no_capture_of_the_leader_itself(void **state)
{
    struct fixture *fixture = *state;
    (void)append_request(fixture);
    struct rind_captured captures[2] = {capture_of(fixture, 1), capture_of(fixture, 2)};
    struct rind_hsm_commit_response answer = commit(fixture, 0, captures, 2);
    assert_int_equal(answer.kind, RIND_HSM_COMMIT_OK);
    assert_int_equal(answer.ok.responses.count, 1);
    struct rind_captured late = capture_of(fixture, 0); /* its own, later, changes nothing */
    struct rind_captured all[3] = {captures[0], captures[1], late};
    answer = commit(fixture, 0, all, 3);
    assert_int_equal(answer.ok.responses.count, 0);
    assert_int_equal(answer.ok.role.role.kind, RIND_ROLE_LEADER);
}

static void commit_counts_only_true_captures_of_members_of_entries_it_holds(void **state)
{
    struct fixture *fixture = *state;
    (void)append_request(fixture);
    struct rind_captured one = capture_of(fixture, 1);
    struct rind_captured two = capture_of(fixture, 2);
    const struct rind_realm_keys *keys = &fixture->cluster->hsms[0].keys;

    struct rind_captured bad = two;
    bad.index--; /* altered after signing */
    struct rind_captured pair[2] = {one, bad};
    assert_int_equal(commit(fixture, 0, pair, 2).kind, RIND_HSM_COMMIT_NO_QUORUM);
    bad = two; /* well signed, but of another entry at this index */
    bad.mac.bytes[0] ^= 1;
    rind_hsm_captured_statement_make(keys, &bad, &bad.statement);
    pair[1] = bad;
    assert_int_equal(commit(fixture, 0, pair, 2).kind, RIND_HSM_COMMIT_NO_QUORUM);
    bad = two; /* no member */
    bad.hsm.bytes[0] ^= 1;
    rind_hsm_captured_statement_make(keys, &bad, &bad.statement);
    pair[1] = bad;
    assert_int_equal(commit(fixture, 0, pair, 2).kind, RIND_HSM_COMMIT_NO_QUORUM);
    bad = two; /* of another group */
    bad.group.bytes[0] ^= 1;
    rind_hsm_captured_statement_make(keys, &bad, &bad.statement);
    pair[1] = bad;
    assert_int_equal(commit(fixture, 0, pair, 2).kind, RIND_HSM_COMMIT_NO_QUORUM);
    bad = two; /* beyond the log */
    bad.index += 100;
    rind_hsm_captured_statement_make(keys, &bad, &bad.statement);
    pair[1] = bad;
    assert_int_equal(commit(fixture, 0, pair, 2).kind, RIND_HSM_COMMIT_NO_QUORUM);
    pair[1] = one; /* the same vote twice */
    assert_int_equal(commit(fixture, 0, pair, 2).kind, RIND_HSM_COMMIT_NO_QUORUM);
    assert_int_equal(commit(fixture, 0, NULL, 0).kind, RIND_HSM_COMMIT_NO_QUORUM);
    pair[1] = two;
    assert_int_equal(commit(fixture, 0, pair, 2).kind, RIND_HSM_COMMIT_OK);
}

static void commit_is_for_leaders_of_known_groups(void **state)
{
    struct fixture *fixture = *state;
    struct rind_hsm_commit_response answer = commit(fixture, 1, NULL, 0);
    assert_int_equal(answer.kind, RIND_HSM_COMMIT_NOT_LEADER);
    assert_int_equal(answer.not_leader.role.kind, RIND_ROLE_WITNESS);
    assert_int_equal(answer.not_leader.at, 1);
    fixture->group.bytes[0] ^= 1;
    assert_int_equal(commit(fixture, 0, NULL, 0).kind, RIND_HSM_COMMIT_INVALID_GROUP);
    fixture->cluster->realm.bytes[0] ^= 1;
    assert_int_equal(commit(fixture, 0, NULL, 0).kind, RIND_HSM_COMMIT_INVALID_REALM);
}

static void commit_ignores_captures_of_entries_that_were_committed_away(void **state)
{
    struct fixture *fixture = *state;
    struct rind_captured old[3];
    for (unsigned h = 0; h < 3; h++) {
        old[h] = capture_of(fixture, h);
    }
    (void)append_request(fixture);
    (void)cluster_commit(fixture->cluster, 0, &fixture->group);
    assert_int_equal(commit(fixture, 0, old, 3).kind, RIND_HSM_COMMIT_NO_QUORUM);
}

static void a_new_leader_commits_once_a_majority_has_its_starting_entry(void **state)
{
    struct fixture *fixture = *state;
    (void)append_request(fixture);
    struct rind_captured stale[2] = {capture_of(fixture, 0), capture_of(fixture, 2)};
    (void)append_request(fixture);
    cluster_lead(fixture->cluster, 1, &fixture->group);
    stale[1] = capture_of(fixture, 1);
    /* Core 0 testifies for the entry before only. */
    assert_int_equal(commit(fixture, 1, stale, 2).kind, RIND_HSM_COMMIT_NO_QUORUM);
    struct rind_captured fresh[2] = {capture_of(fixture, 1), capture_of(fixture, 2)};
    struct rind_hsm_commit_response answer = commit(fixture, 1, fresh, 2);
    assert_int_equal(answer.kind, RIND_HSM_COMMIT_OK);
    assert_int_equal(answer.ok.committed, fresh[0].index);
    assert_int_equal(answer.ok.responses.count, 0); /* they are the old leader's to give */
}

static void committed_never_goes_back(void **state)
{
    struct fixture *fixture = *state;
    (void)append_request(fixture);
    struct rind_captured first[3];
    for (unsigned h = 0; h < 3; h++) {
        first[h] = capture_of(fixture, h);
    }
    (void)append_request(fixture);
    /* Two of three have the first request, one has the second: the first is committed. */
    struct rind_captured mixed[3] = {capture_of(fixture, 0), first[1], first[2]};
    struct rind_hsm_commit_response answer = commit(fixture, 0, mixed, 3);
    assert_int_equal(answer.ok.committed, first[0].index);
    assert_int_equal(answer.ok.responses.count, 1);
    answer = commit(fixture, 0, first, 3);
    assert_int_equal(answer.ok.committed, first[0].index);
    assert_int_equal(answer.ok.responses.count, 0);
}

static void commit_in_groups_of_two_and_four_needs_two_and_three(void **state)
{
    (void)state;
    for (unsigned size = 2; size <= 4; size += 2) {
        struct cluster *cluster = cluster_new(size, 50 + size);
        struct rind_group_id group = cluster_new_realm_and_group(cluster);
        struct fixture fixture = {.cluster = cluster, .group = group};
        struct rind_record_id record = cluster_record(1);
        cluster_client_init(&fixture.client, 1, &record);
        (void)append_request(&fixture);
        struct rind_captured captures[4];
        for (unsigned h = 0; h < size; h++) {
            captures[h] = capture_of(&fixture, h);
        }
        assert_int_equal(commit(&fixture, 0, captures, size / 2).kind, RIND_HSM_COMMIT_NO_QUORUM);
        assert_int_equal(commit(&fixture, 0, captures, size / 2 + 1).kind, RIND_HSM_COMMIT_OK);
        cluster_free(cluster);
    }
}

static void one_commit_releases_thousands_of_responses(void **state)
{
    (void)state;
    struct rind_hsm_config config = cluster_config_small();
    config.log_entries_max = 4096; /* a response of 2.6 MB, more than any request may have */
    struct fixture fixture = {.cluster = cluster_new_with(1, 3, &config)};
    fixture.group = cluster_new_realm(fixture.cluster);
    (void)cluster_commit(fixture.cluster, 0, &fixture.group);
    struct rind_record_id record = cluster_record(1);
    cluster_client_init(&fixture.client, 1, &record);
    const size_t count = 4000;
    for (size_t i = 0; i < count; i++) {
        fixture.client.has_session = false;
        (void)append_request(&fixture);
        cluster_reset(fixture.cluster);
    }
    struct cluster_log *log = cluster_log_of(fixture.cluster, &fixture.group);
    for (size_t first = 1; first < log->count; first += 1000) { /* each below a mebibyte */
        size_t rest = log->count - first;
        assert_int_equal(cluster_capture_entries(fixture.cluster, 0, &fixture.group,
                                                 &log->entries[first], rest < 1000 ? rest : 1000)
                             .kind,
                         RIND_HSM_CAPTURE_NEXT_OK);
    }
    struct rind_captured_list captures = cluster_persist(fixture.cluster, 0);
    struct rind_hsm_commit_response answer =
        cluster_commit_with(fixture.cluster, 0, &fixture.group, &captures);
    assert_int_equal(answer.kind, RIND_HSM_COMMIT_OK);
    assert_int_equal(answer.ok.responses.count, count);
    for (size_t i = 0; i < count; i++) {
        assert_true(
            rind_mac_equal(&answer.ok.responses.items[i].mac, &log->entries[1 + i].entry_mac));
    }
    cluster_free(fixture.cluster);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

/*
 * No log gets there, but the index is a number that a host sends: it must not wrap. The core is
 * told that it has captured the last entry, as no request could tell it.
 */
static void nothing_follows_the_last_index_and_nobody_leads_from_it(void **state)
{
    struct fixture *fixture = *state;
    struct rind_hsm *core = fixture->cluster->hsms[1].core;
    struct rind_log_entry newest = *cluster_last(fixture->cluster, &fixture->group);
    newest.index = UINT64_MAX;
    rind_hsm_entry_mac_make(&core->keys, &fixture->cluster->realm, &fixture->group, &newest,
                            &newest.entry_mac);
    for (uint32_t i = 0; i < core->durable.group_count; i++) {
        core->groups[i].has_captured = true;
        core->groups[i].captured =
            (struct rind_log_position){.index = newest.index, .mac = newest.entry_mac};
    }
    struct rind_hsm_become_leader_response answer =
        cluster_become_leader(fixture->cluster, 1, &fixture->group, &newest);
    assert_int_equal(answer.kind, RIND_HSM_BECOME_LEADER_NOT_CAPTURED);
    assert_int_equal(answer.not_captured.have, UINT64_MAX);

    struct rind_log_entry next = newest;
    next.index = 0; /* where a sum would end up */
    next.prev_mac = newest.entry_mac;
    rind_hsm_entry_mac_make(&core->keys, &fixture->cluster->realm, &fixture->group, &next,
                            &next.entry_mac);
    assert_int_equal(capture(fixture, 1, &next).kind, RIND_HSM_CAPTURE_NEXT_MISSING_PREV);
    assert_int_equal(status_of(fixture, 1).captured.index, UINT64_MAX);
}

static void requests_about_unknown_groups_change_no_role(void **state)
{
    struct fixture *fixture = *state;
    uint64_t clock = status_of(fixture, 0).role.at;
    struct rind_group_id unknown = fixture->group;
    unknown.bytes[15] ^= 1;
    assert_int_equal(cluster_step_down(fixture->cluster, 0, &unknown, true).kind,
                     RIND_HSM_STEP_DOWN_INVALID_GROUP);
    struct rind_realm_id realm = fixture->cluster->realm;
    fixture->cluster->realm.bytes[0] ^= 1;
    assert_int_equal(cluster_step_down(fixture->cluster, 0, &fixture->group, true).kind,
                     RIND_HSM_STEP_DOWN_INVALID_REALM);
    fixture->cluster->realm = realm;
    assert_int_equal(status_of(fixture, 0).role.at, clock);
    assert_int_equal(status_of(fixture, 0).role.role.kind, RIND_ROLE_LEADER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(capture_next_answers_in_the_order_of_the_spec),
        TEST(two_entries_are_captured_in_one_call),
        TEST(a_call_with_one_bad_entry_captures_nothing),
        TEST(the_first_entry_needs_index_one_and_a_zero_prev_mac),
        TEST(status_shows_a_capture_only_once_it_is_persisted),
        TEST(a_capture_that_was_not_persisted_is_lost_by_a_reboot),
        TEST(capture_jump_needs_a_members_statement_of_a_later_index),
        TEST(capture_jump_works_on_an_hsm_without_a_capture),
        TEST(become_leader_needs_exactly_the_persisted_capture),
        TEST(a_new_group_rebooted_before_any_capture_cannot_be_led),
        TEST(step_down_goes_to_witness_when_nothing_is_pending),
        TEST(step_down_waits_for_the_commit_of_what_is_pending),
        TEST(a_forced_step_down_works_from_leader_and_stepping_down),
        TEST(commit_releases_each_response_once),
        TEST(commit_needs_no_capture_of_the_leader_itself),
        TEST(commit_counts_only_true_captures_of_members_of_entries_it_holds),
        TEST(commit_is_for_leaders_of_known_groups),
        TEST(commit_ignores_captures_of_entries_that_were_committed_away),
        TEST(a_new_leader_commits_once_a_majority_has_its_starting_entry),
        TEST(committed_never_goes_back),
        TEST(nothing_follows_the_last_index_and_nobody_leads_from_it),
        TEST(requests_about_unknown_groups_change_no_role),
        cmocka_unit_test(one_commit_releases_thousands_of_responses),
        cmocka_unit_test(commit_in_groups_of_two_and_four_needs_two_and_three),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
