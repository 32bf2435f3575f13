/* test_gap.c - requests wait while nobody serves their record, but neither too long nor too many.
 */
#include <stdatomic.h>
#include <unistd.h>

#include "balancer/world.h"
#include "support/test.h"

#define GAP_LONG_MS 60000u
#define GAP_SHORT_MS 60u
#define PASSES_SEEN 4u

static struct world world;

/* A request on a thread of its own: its waiting is what we look at. */
struct waiter {
    struct rind_thread thread;
    struct rind_slice body;
    long status;
};

static void waiter_run(void *self)
{
    struct waiter *waiter = self;
    struct web_answer *answer = malloc(sizeof(*answer));
    assert_non_null(answer);
    world_post(&world, waiter->body, answer);
    waiter->status = answer->error == CURLE_OK ? answer->status : 0;
    free(answer);
}

static void waiter_start(struct waiter *waiter, bool is_handshake)
{
    waiter->body =
        world_request_body(&world, WORLD_REALM, world_token(&world, "mario"), is_handshake);
    assert_true(
        rind_is_ok(rind_thread_start(&world.ctx, &waiter->thread, "waiter", waiter_run, waiter)));
}

static long waiter_join(struct waiter *waiter)
{
    rind_thread_join(&waiter->thread);
    return waiter->status;
}

static void wait_for_polls(struct fake_agent *agent, unsigned count)
{
    struct rind_deadline deadline = rind_deadline_in_ms(WORLD_WAIT_MS);
    while (fake_agent_status_count(agent) < count) {
        assert_false(rind_deadline_has_expired(deadline));
        usleep(1000);
    }
}

/* An agent that served, and has lost its leadership. */
static struct fake_agent *open_gap(uint64_t gap_ms)
{
    world_open_with_gap(&world, gap_ms);
    struct fake_agent *agent = world_add_agent(&world, 0, 1);
    world_wait_for_status(&world, 200);
    fake_agent_set_leader(agent, false, 1);
    fake_agent_set_app(agent, FAKE_AGENT_ANSWERS, RIND_AGENT_APP_NOT_LEADER);
    return agent;
}

static void close_gap(struct fake_agent *agent)
{
    fake_agent_set_app(agent, FAKE_AGENT_ANSWERS, RIND_AGENT_APP_OK);
    fake_agent_set_leader(agent, true, 2);
}

static void a_request_waits_until_its_record_is_served_again(void **state)
{
    (void)state;
    struct waiter transport = {.status = 0};
    struct waiter handshake = {.status = 0};
    struct fake_agent *agent = open_gap(GAP_LONG_MS);
    waiter_start(&transport, false);
    waiter_start(&handshake, true);
    wait_for_polls(agent, fake_agent_status_count(agent) + PASSES_SEEN);
    close_gap(agent);
    assert_int_equal(waiter_join(&transport), 200);
    assert_int_equal(waiter_join(&handshake), 200);
    world_close(&world);
}

static void a_gap_that_does_not_end_is_unavailable(void **state)
{
    (void)state;
    (void)open_gap(GAP_SHORT_MS);
    assert_int_equal(world_try(&world), 503);
    world_close(&world);
}

static void a_message_that_may_have_been_executed_does_not_wait(void **state)
{
    (void)state;
    struct waiter transport = {.status = 0};
    struct fake_agent *agent = open_gap(GAP_LONG_MS);
    close_gap(agent);
    world_wait_for_status(&world, 200);
    fake_agent_set_app(agent, FAKE_AGENT_SAYS_500, RIND_AGENT_APP_OK);
    unsigned before = fake_agent_app_count(agent);
    waiter_start(&transport, false);
    assert_int_equal(waiter_join(&transport), 503);
    assert_int_equal(fake_agent_app_count(agent), before + 1);
    world_close(&world);
}

static void nobody_without_a_token_or_a_realm_waits(void **state)
{
    (void)state;
    static struct web_answer answer;
    (void)open_gap(GAP_LONG_MS);
    world_post(&world, world_request_body(&world, WORLD_REALM, rind_slice_text("bogus"), true),
               &answer);
    assert_int_equal(answer.status, 401);
    world_post(&world,
               world_request_body(&world, WORLD_REALM + 1, world_token(&world, "mario"), true),
               &answer);
    assert_int_equal(answer.status, 503);
    world_close(&world);
}

static void draining_ends_the_waiting(void **state)
{
    (void)state;
    struct waiter waiter = {.status = 0};
    struct fake_agent *agent = open_gap(GAP_LONG_MS);
    waiter_start(&waiter, true);
    wait_for_polls(agent, fake_agent_status_count(agent) + PASSES_SEEN);
    assert_true(rind_is_ok(
        rind_balancer_drain(&world.ctx, world.balancer, rind_deadline_in_ms(WORLD_WAIT_MS))));
    assert_int_equal(waiter_join(&waiter), 503);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_waits_until_its_record_is_served_again),
        cmocka_unit_test(a_gap_that_does_not_end_is_unavailable),
        cmocka_unit_test(a_message_that_may_have_been_executed_does_not_wait),
        cmocka_unit_test(nobody_without_a_token_or_a_realm_waits),
        cmocka_unit_test(draining_ends_the_waiting),
    };
    return cmocka_run_group_tests_name("balancer gap", tests, NULL, NULL);
}
