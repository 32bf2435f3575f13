/* test_grant.c - leases that renew themselves (spec 08 section 3). */
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cluster/fake_agents.h"
#include "support/test.h"

#define WAIT_MS 20000u

static struct fake_realm realm;

static int setup(void **state)
{
    (void)state;
    fake_realm_open(&realm, 1);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fake_realm_close(&realm);
    return 0;
}

static void await_past(uint64_t moment_ns)
{
    struct rind_stopper nobody;
    assert_true(rind_is_ok(rind_stopper_init(&realm.ctx, &nobody)));
    (void)rind_stopper_wait(&nobody, (struct rind_deadline){moment_ns});
    rind_stopper_fini(&nobody);
}

static void a_second_obtain_fails_while_the_first_is_held(void **state)
{
    (void)state;
    char key[RIND_LEASE_KEY_SIZE_MAX];
    char other[RIND_LEASE_KEY_SIZE_MAX];
    struct rind_grant first;
    struct rind_grant second;
    fake_group_key(&realm, 3, key);
    fake_group_key(&realm, 4, other);
    assert_true(rind_is_ok(rind_grant_obtain(&realm.ctx, realm.keeper, key, 0, &first)));
    assert_true(rind_is(rind_grant_obtain(&realm.ctx, realm.keeper, key, 0, &second), RIND_E_BUSY));
    /* Waiting ends with "taken", or in time's end if a busy disk let no attempt come to one. */
    rind_status waited = rind_grant_obtain(&realm.ctx, realm.keeper, key, 50, &second);
    assert_true(rind_is(waited, RIND_E_BUSY) || rind_is(waited, RIND_E_TIMEOUT));
    assert_true(rind_is_ok(rind_grant_obtain(&realm.ctx, realm.keeper, other, 0, &second)));
    rind_grant_release(&second);
    rind_grant_release(&first);
}

static void a_released_grant_is_free_at_once(void **state)
{
    (void)state;
    char key[RIND_LEASE_KEY_SIZE_MAX];
    struct rind_grant grant;
    fake_ownership_key(&realm, key);
    for (unsigned i = 0; i < 50; i++) {
        assert_true(rind_is_ok(rind_grant_obtain(&realm.ctx, realm.keeper, key, 0, &grant)));
        rind_grant_release(&grant);
    }
}

static void renewal_keeps_a_grant_beyond_its_lease(void **state)
{
    (void)state;
    char key[RIND_LEASE_KEY_SIZE_MAX];
    struct rind_grant grant;
    struct rind_lease stolen;
    fake_group_key(&realm, 3, key);
    assert_true(rind_is_ok(rind_grant_obtain(&realm.ctx, realm.keeper, key, 0, &grant)));
    await_past(rind_clock_monotonic_ns() + (RIND_LEASE_DURATION_MS + 500) * RIND_NS_PER_MS);
    assert_true(rind_is_ok(rind_grant_check(&realm.ctx, &grant)));
    assert_true(rind_is(rind_store_lease_obtain(&realm.ctx, realm.store, key, "thief", 1000,
                                                rind_deadline_in_ms(10000), &stolen),
                        RIND_E_BUSY));
    rind_grant_release(&grant);
}

/* Somebody takes our lease away: the row is replaced under us. */
static void steal(struct rind_grant *grant, struct rind_lease *stolen)
{
    assert_true(rind_is_ok(rind_store_lease_terminate(&realm.ctx, realm.store, &grant->lease,
                                                      rind_deadline_in_ms(10000))));
    fake_take_lease(&realm, grant->lease.key, stolen);
}

static void a_stolen_lease_ends_the_grant_and_is_left_to_the_thief(void **state)
{
    (void)state;
    char key[RIND_LEASE_KEY_SIZE_MAX];
    struct rind_grant grant;
    struct rind_lease stolen;
    fake_group_key(&realm, 3, key);
    assert_true(rind_is_ok(rind_grant_obtain(&realm.ctx, realm.keeper, key, 0, &grant)));
    steal(&grant, &stolen);
    struct rind_deadline deadline = rind_deadline_in_ms(WAIT_MS);
    while (rind_is_ok(rind_grant_check(&realm.ctx, &grant))) {
        assert_false(rind_deadline_has_expired(deadline));
        await_past(rind_clock_monotonic_ns() + 10 * RIND_NS_PER_MS);
    }
    rind_grant_release(&grant);
    struct rind_grant again;
    assert_true(rind_is(rind_grant_obtain(&realm.ctx, realm.keeper, key, 0, &again), RIND_E_BUSY));
    fake_give_lease(&realm, &stolen);
}

static void no_call_is_made_under_a_lost_grant(void **state)
{
    (void)state;
    char key[RIND_LEASE_KEY_SIZE_MAX];
    struct rind_grant grant;
    fake_group_key(&realm, 3, key);
    assert_true(rind_is_ok(rind_grant_obtain(&realm.ctx, realm.keeper, key, 0, &grant)));
    const struct rind_agent_status_request request = {0};
    struct rind_agent_status_response response;
    struct fake_agent *agent = &realm.agents[0];
    assert_true(rind_is_ok(rind_grant_call(&realm.ctx, &grant, agent->url, &rind_rpc_status,
                                           &request, &response, 5000, NULL)));
    assert_int_equal(fake_calls(agent, "status"), 1);
    struct rind_lease stolen;
    steal(&grant, &stolen);
    struct rind_deadline deadline = rind_deadline_in_ms(WAIT_MS);
    while (rind_is_ok(rind_grant_check(&realm.ctx, &grant))) {
        assert_false(rind_deadline_has_expired(deadline));
        await_past(rind_clock_monotonic_ns() + 10 * RIND_NS_PER_MS);
    }
    assert_true(rind_is(rind_grant_call(&realm.ctx, &grant, agent->url, &rind_rpc_status, &request,
                                        &response, 5000, NULL),
                        RIND_E_CANCELLED));
    assert_int_equal(fake_calls(agent, "status"), 1);
    rind_grant_release(&grant);
    fake_give_lease(&realm, &stolen);
}

/* A listener that never accepts: a call to it hangs until somebody gives up. */
static void a_call_under_way_is_abandoned_when_the_grant_is_lost(void **state)
{
    (void)state;
    char key[RIND_LEASE_KEY_SIZE_MAX];
    struct rind_grant grant;
    struct rind_lease stolen;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof(address);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 16), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    char url[64];
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/", (unsigned)ntohs(address.sin_port));
    fake_group_key(&realm, 3, key);
    assert_true(rind_is_ok(rind_grant_obtain(&realm.ctx, realm.keeper, key, 0, &grant)));
    steal(&grant, &stolen);
    const struct rind_agent_status_request request = {0};
    struct rind_agent_status_response response;
    assert_true(rind_is(rind_grant_call(&realm.ctx, &grant, url, &rind_rpc_status, &request,
                                        &response, 600000, NULL),
                        RIND_E_CANCELLED));
    rind_grant_release(&grant);
    fake_give_lease(&realm, &stolen);
    (void)close(fd);
}

static void a_stopping_manager_counts_as_having_lost_its_grants(void **state)
{
    (void)state;
    struct rind_stopper stopper;
    struct rind_grant_keeper *keeper;
    struct rind_grant grant;
    char key[RIND_LEASE_KEY_SIZE_MAX];
    fake_group_key(&realm, 3, key);
    assert_true(rind_is_ok(rind_stopper_init(&realm.ctx, &stopper)));
    assert_true(rind_is_ok(rind_grant_keeper_open(&realm.ctx, &realm.cluster, &stopper, &keeper)));
    assert_true(rind_is_ok(rind_grant_obtain(&realm.ctx, keeper, key, 0, &grant)));
    assert_true(rind_is_ok(rind_grant_check(&realm.ctx, &grant)));
    rind_stopper_set(&stopper);
    assert_true(rind_is(rind_grant_check(&realm.ctx, &grant), RIND_E_CANCELLED));
    rind_grant_release(&grant);
    assert_true(rind_is_ok(rind_grant_obtain(&realm.ctx, realm.keeper, key, 0, &grant)));
    rind_grant_release(&grant);
    rind_grant_keeper_close(keeper);
    rind_stopper_fini(&stopper);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_second_obtain_fails_while_the_first_is_held, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_released_grant_is_free_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(renewal_keeps_a_grant_beyond_its_lease, setup, teardown),
        cmocka_unit_test_setup_teardown(a_stolen_lease_ends_the_grant_and_is_left_to_the_thief,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(no_call_is_made_under_a_lost_grant, setup, teardown),
        cmocka_unit_test_setup_teardown(a_call_under_way_is_abandoned_when_the_grant_is_lost, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_stopping_manager_counts_as_having_lost_its_grants, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
