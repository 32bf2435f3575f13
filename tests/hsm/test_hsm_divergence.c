/*
 * test_hsm_divergence.c - several leaders at once, of which one wins.
 *
 * A host may make any witness that captured the log's tail a leader. Who loses learns it from the
 * log, releases what the winner's log confirms, reports the rest as abandoned and answers for none
 * of it (spec 02 section 16 item 6).
 */
#include "support/test.h"

#include "hsm/cluster.h"
#include "hsm/macs.h"

struct fixture {
    struct cluster *cluster;
    struct rind_group_id group; /* of three, led by core 0, nothing pending */
    struct cluster_client clients[3];
};

static int fixture_set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    fixture->cluster = cluster_new(3, 9);
    fixture->group = cluster_new_realm_and_group(fixture->cluster);
    for (unsigned i = 0; i < 3; i++) {
        struct rind_record_id record = cluster_record((uint8_t)(0x20 + i));
        cluster_client_init(&fixture->clients[i], 100 + i, &record);
    }
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

static struct rind_group_status status_of(struct fixture *fixture, unsigned h)
{
    return cluster_group_status(fixture->cluster, h, &fixture->group);
}

/* All three become leaders from the log's tail. */
static void lead_all(struct fixture *fixture)
{
    for (unsigned h = 0; h < 3; h++) {
        cluster_lead(fixture->cluster, h, &fixture->group);
    }
}

/*
 * A Register1 at core `h`; its entry, which is not in the log yet. The proof is of the log's tail,
 * so a leader with pending requests rebases it.
 */
static struct rind_hsm_app_response request_at(struct fixture *fixture, unsigned h)
{
    struct cluster_client *client = &fixture->clients[h];
    client->has_session = false;
    struct rind_secrets_request request = cluster_simple(RIND_SECRETS_REQUEST_REGISTER1);
    struct rind_noise_request encrypted = cluster_client_seal(
        fixture->cluster, client, cluster_encode_secrets(fixture->cluster, &request));
    return cluster_app(fixture->cluster, h, &fixture->group, client, &encrypted);
}

static struct rind_hsm_capture_next_response capture(struct fixture *fixture, unsigned h,
                                                     const struct rind_log_entry *entry)
{
    return cluster_capture_entries(fixture->cluster, h, &fixture->group, entry, 1);
}

static void append(struct fixture *fixture, const struct rind_hsm_app_response *answer)
{
    assert_int_equal(answer->kind, RIND_HSM_APP_OK);
    assert_true(
        cluster_append(fixture->cluster, &fixture->group, &answer->ok.entry, &answer->ok.delta));
}

static void a_leader_with_nothing_pending_becomes_witness_at_a_foreign_entry(void **state)
{
    struct fixture *fixture = *state;
    lead_all(fixture);
    struct rind_hsm_app_response answer = request_at(fixture, 1);
    append(fixture, &answer);
    uint64_t clock = status_of(fixture, 0).role.at;
    struct rind_hsm_capture_next_response captured = capture(fixture, 0, &answer.ok.entry);
    assert_int_equal(captured.kind, RIND_HSM_CAPTURE_NEXT_OK);
    assert_int_equal(captured.ok.role.kind, RIND_ROLE_WITNESS);
    assert_int_equal(captured.ok.at, clock + 1);
}

static void of_three_leaders_one_wins_and_the_others_report_what_they_abandon(void **state)
{
    struct fixture *fixture = *state;
    lead_all(fixture);
    struct rind_hsm_app_response answers[3];
    for (unsigned h = 0; h < 3; h++) {
        answers[h] = request_at(fixture, h);
        assert_int_equal(answers[h].kind, RIND_HSM_APP_OK);
        assert_int_equal(answers[h].ok.entry.index, answers[0].ok.entry.index);
    }
    assert_false(rind_mac_equal(&answers[0].ok.entry.entry_mac, &answers[1].ok.entry.entry_mac));
    append(fixture, &answers[2]);
    assert_false(cluster_append(fixture->cluster, &fixture->group, &answers[0].ok.entry, NULL));

    struct rind_hsm_commit_response won = cluster_commit(fixture->cluster, 2, &fixture->group);
    assert_int_equal(won.kind, RIND_HSM_COMMIT_OK);
    assert_int_equal(won.ok.responses.count, 1);
    assert_int_equal(won.ok.role.role.kind, RIND_ROLE_LEADER);
    for (unsigned h = 0; h < 2; h++) {
        assert_int_equal(status_of(fixture, h).role.role.kind, RIND_ROLE_STEPPING_DOWN);
        uint64_t clock = status_of(fixture, h).role.at;
        struct rind_hsm_commit_response lost = cluster_commit(fixture->cluster, h, &fixture->group);
        assert_int_equal(lost.kind, RIND_HSM_COMMIT_OK);
        assert_int_equal(lost.ok.responses.count, 0);
        assert_int_equal(lost.ok.abandoned.count, 1);
        assert_true(rind_mac_equal(&lost.ok.abandoned.items[0], &answers[h].ok.entry.entry_mac));
        assert_int_equal(lost.ok.committed, answers[h].ok.entry.index - 1);
        assert_int_equal(lost.ok.role.role.kind, RIND_ROLE_WITNESS);
        assert_int_equal(lost.ok.role.at, clock + 1);
    }
}

/*
 * Core 0 pipelines five requests, of which two reach the log before core 1, leading from there,
 * writes the third entry. Both ways of losing end the same.
 */
static void check_two_of_five_survive(struct fixture *fixture, bool is_stepping_down)
{
    struct rind_hsm_app_response answers[5];
    for (unsigned i = 0; i < 5; i++) {
        answers[i] = request_at(fixture, 0);
        assert_int_equal(answers[i].kind, RIND_HSM_APP_OK);
    }
    append(fixture, &answers[0]);
    append(fixture, &answers[1]);
    cluster_lead(fixture->cluster, 1, &fixture->group);
    struct rind_hsm_app_response foreign = request_at(fixture, 1);
    append(fixture, &foreign);

    if (is_stepping_down) {
        struct rind_hsm_step_down_response stepped =
            cluster_step_down(fixture->cluster, 0, &fixture->group, false);
        assert_int_equal(stepped.ok.last, answers[4].ok.entry.index);
    }
    struct rind_hsm_commit_response answer = cluster_commit(fixture->cluster, 0, &fixture->group);
    assert_int_equal(answer.kind, RIND_HSM_COMMIT_OK);
    assert_int_equal(answer.ok.responses.count, 2);
    assert_non_null(cluster_released(&answer, &answers[0].ok.entry.entry_mac));
    assert_non_null(cluster_released(&answer, &answers[1].ok.entry.entry_mac));
    assert_int_equal(answer.ok.abandoned.count, 3);
    for (unsigned i = 0; i < 3; i++) { /* newest first */
        assert_true(
            rind_mac_equal(&answer.ok.abandoned.items[i], &answers[4 - i].ok.entry.entry_mac));
    }
    assert_int_equal(answer.ok.committed, answers[1].ok.entry.index);
    assert_int_equal(answer.ok.role.role.kind, RIND_ROLE_WITNESS);
    assert_int_equal(cluster_commit(fixture->cluster, 0, &fixture->group).kind,
                     RIND_HSM_COMMIT_NOT_LEADER);
}

static void two_of_five_pipelined_requests_survive_a_foreign_third_entry(void **state)
{
    check_two_of_five_survive(*state, false);
}

static void two_of_five_survive_too_while_stepping_down_already(void **state)
{
    check_two_of_five_survive(*state, true);
}

static void commits_past_stepdown_at_count_up_to_it(void **state)
{
    struct fixture *fixture = *state;
    struct rind_hsm_app_response answer = request_at(fixture, 0);
    append(fixture, &answer);
    (void)cluster_step_down(fixture->cluster, 0, &fixture->group, false);
    /* The next leader goes on, and everybody has captured its entries before core 0 commits. */
    cluster_lead(fixture->cluster, 1, &fixture->group);
    for (unsigned i = 0; i < 3; i++) {
        struct rind_hsm_app_response more = request_at(fixture, 1);
        append(fixture, &more);
    }
    struct rind_hsm_commit_response commit = cluster_commit(fixture->cluster, 0, &fixture->group);
    assert_int_equal(commit.kind, RIND_HSM_COMMIT_OK);
    assert_int_equal(commit.ok.committed, answer.ok.entry.index);
    assert_int_equal(commit.ok.responses.count, 1);
    assert_int_equal(commit.ok.abandoned.count, 0);
    assert_int_equal(commit.ok.role.role.kind, RIND_ROLE_WITNESS);
}

/* Commits `entry` at core 0 with captures that the other two HSMs never made. */
static void commit_by_forgery(struct fixture *fixture, const struct rind_log_entry *entry)
{
    struct rind_captured captures[2];
    for (unsigned h = 1; h < 3; h++) {
        captures[h - 1] = (struct rind_captured){
            .hsm = fixture->cluster->hsms[h].id,
            .realm = fixture->cluster->realm,
            .group = fixture->group,
            .index = entry->index,
            .mac = entry->entry_mac,
        };
        rind_hsm_captured_statement_make(&fixture->cluster->hsms[h].keys, &captures[h - 1],
                                         &captures[h - 1].statement);
    }
    struct rind_captured_list list = {.items = captures, .count = 2};
    assert_int_equal(cluster_commit_with(fixture->cluster, 0, &fixture->group, &list).kind,
                     RIND_HSM_COMMIT_OK);
}

/* Impossible with an honest majority: HSMs whose statements are forged are the realm's end. */
static void check_divergence_at_first(struct fixture *fixture, bool is_stepping_down)
{
    lead_all(fixture);
    struct rind_hsm_app_response first = request_at(fixture, 0);
    struct rind_hsm_app_response second = request_at(fixture, 0);
    struct rind_hsm_app_response other = request_at(fixture, 1);
    assert_int_equal(second.kind, RIND_HSM_APP_OK);
    commit_by_forgery(fixture, &first.ok.entry);
    if (is_stepping_down) {
        assert_int_equal(
            cluster_step_down(fixture->cluster, 0, &fixture->group, false).ok.role.role.kind,
            RIND_ROLE_STEPPING_DOWN);
    }
    uint64_t clock = status_of(fixture, 0).role.at;
    struct rind_hsm_capture_next_response captured = capture(fixture, 0, &other.ok.entry);
    assert_int_equal(captured.kind, RIND_HSM_CAPTURE_NEXT_OK);
    assert_int_equal(captured.ok.role.kind, RIND_ROLE_WITNESS);
    assert_int_equal(captured.ok.at, clock + 1);
}

static void a_divergence_at_the_first_entry_in_memory_makes_a_leader_a_witness(void **state)
{
    check_divergence_at_first(*state, false);
}

static void a_divergence_at_the_first_entry_ends_stepping_down(void **state)
{
    check_divergence_at_first(*state, true);
}

static void an_index_from_the_future_makes_the_leader_step_down(void **state)
{
    struct fixture *fixture = *state;
    uint64_t clock = status_of(fixture, 0).role.at;
    const struct rind_log_entry *last = cluster_last(fixture->cluster, &fixture->group);
    struct cluster_client *client = &fixture->clients[0];
    struct rind_secrets_request secrets = cluster_simple(RIND_SECRETS_REQUEST_REGISTER1);
    struct rind_hsm_request request = {
        .kind = RIND_HSM_REQUEST_APP_REQUEST,
        .app = {.realm = fixture->cluster->realm,
                .group = fixture->group,
                .record_id = client->record_id,
                .session_id = 1,
                .encrypted = cluster_client_seal(
                    fixture->cluster, client, cluster_encode_secrets(fixture->cluster, &secrets)),
                .proof = cluster_proof(fixture->cluster, &last->partition, &client->record_id),
                .index = last->index + 1},
    };
    struct rind_hsm_app_response answer;
    cluster_send(fixture->cluster, 0, &request, &answer);
    assert_int_equal(answer.kind, RIND_HSM_APP_NOT_LEADER);
    assert_int_equal(answer.not_leader.role.kind, RIND_ROLE_WITNESS); /* all was committed */
    assert_int_equal(answer.not_leader.at, clock + 1);

    cluster_lead(fixture->cluster, 0, &fixture->group);
    struct rind_hsm_app_response pending = request_at(fixture, 0);
    append(fixture, &pending);
    request.app.index = pending.ok.entry.index + 1;
    cluster_send(fixture->cluster, 0, &request, &answer);
    assert_int_equal(answer.kind, RIND_HSM_APP_NOT_LEADER);
    assert_int_equal(answer.not_leader.role.kind, RIND_ROLE_STEPPING_DOWN);
    assert_int_equal(answer.not_leader.at, clock + 3);
    cluster_send(fixture->cluster, 0, &request, &answer);
    assert_int_equal(answer.kind, RIND_HSM_APP_NOT_LEADER);
    assert_int_equal(answer.not_leader.at, clock + 3);
}

static void stepdown_at_is_shortened_when_the_divergence_is_earlier(void **state)
{
    struct fixture *fixture = *state;
    struct rind_hsm_app_response answers[3];
    for (unsigned i = 0; i < 3; i++) {
        answers[i] = request_at(fixture, 0);
        assert_int_equal(answers[i].kind, RIND_HSM_APP_OK);
    }
    (void)cluster_step_down(fixture->cluster, 0, &fixture->group, false);
    cluster_lead(fixture->cluster, 1, &fixture->group); /* none of the three is in the log */
    struct rind_hsm_app_response foreign = request_at(fixture, 1);
    append(fixture, &foreign);
    struct rind_hsm_commit_response commit = cluster_commit(fixture->cluster, 0, &fixture->group);
    assert_int_equal(commit.kind, RIND_HSM_COMMIT_OK);
    assert_int_equal(commit.ok.abandoned.count, 3);
    assert_true(rind_mac_equal(&commit.ok.abandoned.items[2], &answers[0].ok.entry.entry_mac));
    assert_int_equal(commit.ok.responses.count, 0);
    assert_int_equal(commit.ok.committed, foreign.ok.entry.index - 1);
    assert_int_equal(commit.ok.role.role.kind, RIND_ROLE_WITNESS);
}

static void a_full_log_while_stepping_down_stays_safe(void **state)
{
    struct fixture *fixture = *state;
    struct rind_hsm_app_response answer = request_at(fixture, 0);
    append(fixture, &answer);
    (void)cluster_step_down(fixture->cluster, 0, &fixture->group, false);
    cluster_lead(fixture->cluster, 1, &fixture->group);
    struct rind_captured first = {0};
    for (unsigned i = 0; i < 2 * fixture->cluster->config.log_entries_max; i++) {
        struct rind_hsm_app_response more = request_at(fixture, 1);
        append(fixture, &more);
        cluster_capture(fixture->cluster, 0, &fixture->group);
        cluster_capture(fixture->cluster, 2, &fixture->group);
        if (i == 0) {
            struct rind_captured_list list = cluster_persist(fixture->cluster, 2);
            for (size_t c = 0; c < list.count; c++) {
                first = rind_group_id_equal(&list.items[c].group, &fixture->group) ? list.items[c]
                                                                                   : first;
            }
        }
        assert_int_equal(cluster_commit(fixture->cluster, 1, &fixture->group).kind,
                         RIND_HSM_COMMIT_OK);
    }
    /* Votes for entries beyond its memory do not count; a vote within it does. */
    assert_int_equal(cluster_commit(fixture->cluster, 0, &fixture->group).kind,
                     RIND_HSM_COMMIT_NO_QUORUM);
    struct rind_captured own = first;
    own.hsm = fixture->cluster->hsms[1].id;
    rind_hsm_captured_statement_make(&fixture->cluster->hsms[1].keys, &own, &own.statement);
    struct rind_captured pair[2] = {first, own};
    struct rind_captured_list list = {.items = pair, .count = 2};
    struct rind_hsm_commit_response commit =
        cluster_commit_with(fixture->cluster, 0, &fixture->group, &list);
    assert_int_equal(commit.kind, RIND_HSM_COMMIT_OK);
    assert_int_equal(commit.ok.role.role.kind, RIND_ROLE_WITNESS);
    assert_int_equal(commit.ok.responses.count, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_leader_with_nothing_pending_becomes_witness_at_a_foreign_entry),
        TEST(of_three_leaders_one_wins_and_the_others_report_what_they_abandon),
        TEST(two_of_five_pipelined_requests_survive_a_foreign_third_entry),
        TEST(two_of_five_survive_too_while_stepping_down_already),
        TEST(commits_past_stepdown_at_count_up_to_it),
        TEST(a_divergence_at_the_first_entry_in_memory_makes_a_leader_a_witness),
        TEST(a_divergence_at_the_first_entry_ends_stepping_down),
        TEST(an_index_from_the_future_makes_the_leader_step_down),
        TEST(stepdown_at_is_shortened_when_the_divergence_is_earlier),
        TEST(a_full_log_while_stepping_down_stays_safe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
