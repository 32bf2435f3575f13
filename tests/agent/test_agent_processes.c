/*
 * test_agent_processes.c - rind-agent and rind-hsm as an operator runs them, over one LMDB store:
 * start, service, signals, crashes and restarts of either, a group of three.
 */
#include "support/test.h"

#include <signal.h>
#include <sys/wait.h>

#include "agent/processes.h"

#define RECOVERS 100u

struct fixture {
    struct processes *processes;
    struct cluster *users;
    struct cluster_client client;
    struct rind_secrets_request register2;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    fixture->processes = processes_new();
    fixture->users = cluster_new(1, 7);
    struct rind_record_id record = cluster_record(5);
    cluster_client_init(&fixture->client, 3, &record);
    fixture->register2 = cluster_register2(9, 100);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    processes_free(fixture->processes);
    cluster_free(fixture->users);
    free(fixture);
    return 0;
}

static enum rind_agent_app_response_kind ask(struct fixture *fixture, unsigned n,
                                             const struct rind_group_id *group,
                                             const struct rind_secrets_request *request,
                                             struct rind_secrets_response *response)
{
    return processes_ask(fixture->processes, n, group, fixture->users, &fixture->client, request,
                         response);
}

static void register_user(struct fixture *fixture, unsigned n, const struct rind_group_id *group)
{
    struct rind_secrets_request register1 = cluster_simple(RIND_SECRETS_REQUEST_REGISTER1);
    fixture->client.has_session = false;
    assert_int_equal(ask(fixture, n, group, &register1, NULL), RIND_AGENT_APP_OK);
    assert_int_equal(ask(fixture, n, group, &fixture->register2, NULL), RIND_AGENT_APP_OK);
}

/* A whole recover: three requests, the first of which brings the handshake. */
static void recover(struct fixture *fixture, unsigned n, const struct rind_group_id *group)
{
    struct rind_secrets_request recover1 = cluster_simple(RIND_SECRETS_REQUEST_RECOVER1);
    struct rind_secrets_request recover2 = cluster_recover2(&fixture->register2);
    struct rind_secrets_request recover3 = cluster_recover3(&fixture->register2);
    struct rind_secrets_response response;
    fixture->client.has_session = false;
    assert_int_equal(ask(fixture, n, group, &recover1, &response), RIND_AGENT_APP_OK);
    assert_int_equal(response.recover1.kind, RIND_RECOVER1_OK);
    assert_int_equal(ask(fixture, n, group, &recover2, &response), RIND_AGENT_APP_OK);
    assert_int_equal(response.recover2.kind, RIND_RECOVER2_OK);
    assert_int_equal(ask(fixture, n, group, &recover3, &response), RIND_AGENT_APP_OK);
    assert_int_equal(response.recover3.kind, RIND_RECOVER3_OK);
    cluster_reset(fixture->users);
    processes_reset(fixture->processes);
}

static int compare_u64(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

/* Reports, and does not judge: the machine may be busy. */
static void report_recovers(struct fixture *fixture, unsigned n, const struct rind_group_id *group,
                            const char *what)
{
    uint64_t durations_ns[RECOVERS];
    for (unsigned i = 0; i < RECOVERS; i++) {
        uint64_t start_ns = rind_clock_monotonic_ns();
        recover(fixture, n, group);
        durations_ns[i] = rind_clock_monotonic_ns() - start_ns;
    }
    qsort(durations_ns, RECOVERS, sizeof(durations_ns[0]), compare_u64);
    print_message("%s: recover median %.1f ms, 90%% %.1f ms\n", what,
                  (double)durations_ns[RECOVERS / 2] / 1e6,
                  (double)durations_ns[RECOVERS * 9 / 10] / 1e6);
}

static void one_agent_serves_a_realm_and_leaves_in_good_order(void **state)
{
    struct fixture *fixture = *state;
    processes_start(fixture->processes, 0);
    struct rind_group_id group = processes_create_realm(fixture->processes, 1);
    register_user(fixture, 0, &group);
    report_recovers(fixture, 0, &group, "one HSM");
    int how = processes_stop(fixture->processes, 0, SIGTERM);
    assert_true(WIFEXITED(how));
    assert_int_equal(WEXITSTATUS(how), 0);
    processes_start(fixture->processes, 0);
    assert_int_equal(processes_become_leader(fixture->processes, 0, &group),
                     RIND_AGENT_BECOME_LEADER_OK);
    recover(fixture, 0, &group);
}

static void a_killed_agent_takes_its_hsm_along_and_both_come_back(void **state)
{
    struct fixture *fixture = *state;
    processes_start(fixture->processes, 0);
    struct rind_group_id group = processes_create_realm(fixture->processes, 1);
    register_user(fixture, 0, &group);
    for (unsigned round = 0; round < 3; round++) {
        (void)processes_stop(fixture->processes, 0, SIGKILL);
        processes_start(fixture->processes, 0); /* fails if the old HSM kept its port */
        assert_int_equal(processes_become_leader(fixture->processes, 0, &group),
                         RIND_AGENT_BECOME_LEADER_OK);
        recover(fixture, 0, &group);
    }
}

static void an_agent_is_restarted_beside_an_hsm_that_goes_on(void **state)
{
    struct fixture *fixture = *state;
    fixture->processes->has_own_hsms = true;
    processes_start(fixture->processes, 0);
    struct rind_group_id group = processes_create_realm(fixture->processes, 1);
    register_user(fixture, 0, &group);
    (void)processes_stop(fixture->processes, 0, SIGKILL);
    processes_start(fixture->processes, 0);
    processes_wait_leads(fixture->processes, 0, &group, false);
    assert_int_equal(processes_become_leader(fixture->processes, 0, &group),
                     RIND_AGENT_BECOME_LEADER_OK);
    recover(fixture, 0, &group);
}

static void an_hsm_is_restarted_under_an_agent_that_goes_on(void **state)
{
    struct fixture *fixture = *state;
    fixture->processes->has_own_hsms = true;
    processes_start(fixture->processes, 0);
    struct rind_group_id group = processes_create_realm(fixture->processes, 1);
    register_user(fixture, 0, &group);
    for (unsigned round = 0; round < 3; round++) {
        processes_kill_hsm(fixture->processes, 0);
        processes_start_hsm(fixture->processes, 0);
        /* As a manager would: until the agent and its new HSM agree. */
        struct rind_deadline deadline = rind_deadline_in_ms(PROCESSES_WAIT_MS);
        struct rind_secrets_request register1 = cluster_simple(RIND_SECRETS_REQUEST_REGISTER1);
        do {
            assert_false(rind_deadline_has_expired(deadline));
            (void)processes_become_leader(fixture->processes, 0, &group);
            fixture->client.has_session = false;
        } while (ask(fixture, 0, &group, &register1, NULL) != RIND_AGENT_APP_OK);
        recover(fixture, 0, &group);
    }
}

static void three_agents_serve_a_group_while_one_is_stopped(void **state)
{
    struct fixture *fixture = *state;
    struct processes *processes = fixture->processes;
    for (unsigned n = 0; n < 3; n++) {
        processes_start(processes, n);
    }
    struct rind_group_id first = processes_create_realm(processes, 3);
    struct rind_group_id group = processes_create_group(processes, 3);
    processes_move_all(processes, &first, &group);
    register_user(fixture, 0, &group);
    report_recovers(fixture, 0, &group, "three HSMs");
    assert_int_equal(kill(processes->nodes[1].agent, SIGSTOP), 0);
    recover(fixture, 0, &group);
    assert_int_equal(kill(processes->nodes[1].agent, SIGCONT), 0);
    assert_int_equal(kill(processes->nodes[2].agent, SIGSTOP), 0);
    recover(fixture, 0, &group);
    assert_int_equal(kill(processes->nodes[2].agent, SIGCONT), 0);
    (void)processes_stop(processes, 0, SIGKILL);
    assert_int_equal(processes_become_leader(processes, 1, &group), RIND_AGENT_BECOME_LEADER_OK);
    recover(fixture, 1, &group);
    int how = processes_stop(processes, 1, SIGTERM);
    assert_true(WIFEXITED(how) && WEXITSTATUS(how) == 0);
}

static void the_fixed_rhythm_serves_too(void **state)
{
    struct fixture *fixture = *state;
    fixture->processes->persist_interval = "20ms";
    processes_start(fixture->processes, 0);
    struct rind_group_id group = processes_create_realm(fixture->processes, 1);
    register_user(fixture, 0, &group);
    recover(fixture, 0, &group);
}

static void an_agent_started_twice_leaves_the_first_in_peace(void **state)
{
    struct fixture *fixture = *state;
    fixture->processes->has_own_hsms = true;
    processes_start(fixture->processes, 0);
    struct rind_group_id group = processes_create_realm(fixture->processes, 1);
    int how = processes_start_twice(fixture->processes, 0);
    assert_true(WIFEXITED(how));
    assert_int_equal(WEXITSTATUS(how), 1);
    register_user(fixture, 0, &group); /* by the leader of before: nobody made it step down */
}

static void an_agent_that_waits_for_its_hsm_ends_at_the_first_signal(void **state)
{
    struct fixture *fixture = *state;
    fixture->processes->has_own_hsms = true;
    int how = processes_stop_while_starting(fixture->processes, 0, "read the HSM's status", SIGINT);
    assert_true(WIFEXITED(how));
    assert_int_equal(WEXITSTATUS(how), 0);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(one_agent_serves_a_realm_and_leaves_in_good_order),
        CASE(a_killed_agent_takes_its_hsm_along_and_both_come_back),
        CASE(an_agent_is_restarted_beside_an_hsm_that_goes_on),
        CASE(an_hsm_is_restarted_under_an_agent_that_goes_on),
        CASE(three_agents_serve_a_group_while_one_is_stopped),
        CASE(the_fixed_rhythm_serves_too),
        CASE(an_agent_started_twice_leaves_the_first_in_peace),
        CASE(an_agent_that_waits_for_its_hsm_ends_at_the_first_signal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
