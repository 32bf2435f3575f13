/* test_manager.c - the daemon whole, against scripted agents; and the watch (spec 08 section 1). */
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/fault_engine.h"
#include "cluster/fake_agents.h"
#include "cluster/manager.h"
#include "cluster/watch.h"
#include "support/test.h"

#define WAIT_MS 20000u

static struct fake_realm realm;

static int setup(void **state)
{
    (void)state;
    fake_realm_open(&realm, 3);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fake_realm_close(&realm);
    return 0;
}

/* Looks every few milliseconds until `is_true` says so. */
static void await(bool (*is_true)(void *self), void *self)
{
    struct rind_deadline deadline = rind_deadline_in_ms(WAIT_MS);
    struct rind_stopper nobody;
    assert_true(rind_is_ok(rind_stopper_init(&realm.ctx, &nobody)));
    while (!is_true(self)) {
        assert_false(rind_deadline_has_expired(deadline));
        (void)rind_stopper_wait(&nobody, rind_deadline_in_ms(5));
    }
    rind_stopper_fini(&nobody);
}

static struct rind_manager *open_manager_on(struct rind_store *store, uint64_t interval_ms,
                                            char *url)
{
    struct rind_manager *manager;
    struct rind_manager_options options = {.interval_ns = interval_ms * RIND_NS_PER_MS,
                                           .rebalance_interval_ns = 3600 * RIND_NS_PER_S,
                                           .store = store};
    assert_true(rind_is_ok(
        rind_address_parse(&realm.ctx, rind_slice_text("127.0.0.1:0"), &options.listen)));
    if (!rind_is_ok(rind_manager_open(&realm.ctx, &options, &manager))) {
        fail_msg("%s", realm.ctx.sentence);
    }
    struct rind_address address = rind_manager_address(manager);
    struct rind_url parsed;
    rind_url_from_address(&address, &parsed);
    (void)snprintf(url, 64, "%.63s", parsed.text);
    return manager;
}

static struct rind_manager *open_manager(uint64_t interval_ms, char *url)
{
    return open_manager_on(realm.store, interval_ms, url);
}

static unsigned get(const char *base, const char *path, struct rind_slice body,
                    struct rind_slice *answer_body)
{
    struct rind_url url;
    struct rind_answer answer;
    assert_true(rind_is_ok(rind_url_parse(&realm.ctx, rind_slice_text(base), &url)));
    assert_true(rind_is_ok(rind_client_post(&realm.ctx, realm.client, &url, path, body,
                                            rind_deadline_in_ms(WAIT_MS), &answer)));
    if (answer_body != NULL) {
        *answer_body = answer.body;
    }
    return answer.status;
}

/* ---- service ---- */

struct livez {
    const char *url;
    struct rind_slice body;
};

static bool is_live(void *self)
{
    struct livez *livez = self;
    return get(livez->url, "livez", rind_slice_make(NULL, 0), &livez->body) == 200;
}

static size_t registered_managers(void)
{
    struct rind_services services;
    assert_true(rind_is_ok(rind_store_discovery_lookup(&realm.ctx, realm.store,
                                                       RIND_SERVICE_CLUSTER_MANAGER,
                                                       rind_deadline_in_ms(WAIT_MS), &services)));
    return services.count;
}

static void a_manager_is_live_once_registered_and_gone_once_closed(void **state)
{
    (void)state;
    char url[64];
    struct rind_manager *manager = open_manager(3600000, url);
    struct livez livez = {.url = url};
    await(is_live, &livez);
    assert_true(livez.body.length > 3 && memcmp(livez.body.data, "ok\nversion:", 11) == 0);
    assert_int_equal(registered_managers(), 1);
    rind_manager_close(manager);
    assert_int_equal(registered_managers(), 0);
}

/* Without registration nobody finds it, so it is not ready; it goes on trying. */
static void a_manager_that_cannot_register_is_not_live_until_it_can(void **state)
{
    (void)state;
    char url[64];
    static const char text[] = "not yet registered with service discovery\nversion:";
    struct rind_store *store;
    struct fault_engine *engine = fault_engine_new(rind_store_engine(realm.store));
    fault_engine_set(engine, ENGINE_FAULT_UNAVAILABLE, UINT32_MAX);
    assert_true(rind_is_ok(rind_store_open_engine(&realm.ctx, &engine->engine, NULL, &store)));
    struct rind_manager *manager = open_manager_on(store, 3600000, url);
    struct livez livez = {.url = url};
    assert_int_equal(get(url, "livez", rind_slice_make(NULL, 0), &livez.body), 503);
    assert_true(livez.body.length > sizeof(text) - 1);
    assert_memory_equal(livez.body.data, text, sizeof(text) - 1);
    fault_engine_release(engine);
    await(is_live, &livez);
    rind_manager_close(manager);
    rind_store_close(store);
}

static void what_is_no_request_is_refused(void **state)
{
    (void)state;
    char url[64];
    static const uint8_t garbage[] = {0xff, 0x00};
    struct rind_slice body;
    struct rind_manager *manager = open_manager(3600000, url);
    static const char *const paths[] = {"leader_stepdown", "rebalance", "transfer"};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(get(url, paths[i], RIND_SLICE_OF(garbage), &body), 400);
        assert_int_equal(body.length, 0);
    }
    assert_int_equal(get(url, "nothing", RIND_SLICE_OF(garbage), &body), 404);
    assert_int_equal(get(url, "livez/", RIND_SLICE_OF(garbage), &body), 404);
    assert_int_equal(body.length, 0);
    rind_manager_close(manager);
}

static void its_rpcs_do_what_they_say(void **state)
{
    (void)state;
    char url[64];
    fake_realm_add_group(&realm, 3, 3, 0);
    fake_realm_add_group(&realm, 4, 3, 0);
    struct rind_manager *manager = open_manager(3600000, url);
    const struct rind_cluster_rebalance_request rebalance = {0};
    struct rind_cluster_rebalance_response rebalanced;
    struct rind_deadline deadline = rind_deadline_in_ms(WAIT_MS);
    assert_true(rind_is_ok(rind_rpc_call(&realm.ctx, realm.client, url, &rind_rpc_manager_rebalance,
                                         &rebalance, &rebalanced, deadline, NULL)));
    assert_int_equal(rebalanced.kind, RIND_CLUSTER_REBALANCE_OK);
    assert_int_equal(rebalanced.ok.kind, RIND_CLUSTER_REBALANCE_OK_REBALANCED);

    const struct rind_cluster_stepdown_request stepdown = {
        .kind = RIND_CLUSTER_STEPDOWN_REQUEST_HSM, .hsm = fake_hsm_id(1)};
    struct rind_cluster_stepdown_response stepped;
    assert_true(
        rind_is_ok(rind_rpc_call(&realm.ctx, realm.client, url, &rind_rpc_manager_leader_stepdown,
                                 &stepdown, &stepped, deadline, NULL)));
    assert_int_equal(stepped.kind, RIND_CLUSTER_STEPDOWN_OK);
    assert_true(fake_leader(&realm, 3) != 0 && fake_leader(&realm, 4) != 0);

    const struct rind_cluster_transfer_request transfer = {.realm = realm.id,
                                                           .source = fake_group_id(3),
                                                           .destination = fake_group_id(4),
                                                           .range = fake_range(0, 0xff)};
    struct rind_cluster_transfer_response transferred;
    assert_true(rind_is_ok(rind_rpc_call(&realm.ctx, realm.client, url, &rind_rpc_manager_transfer,
                                         &transfer, &transferred, deadline, NULL)));
    assert_int_equal(transferred.kind, RIND_CLUSTER_TRANSFER_OK);
    rind_manager_close(manager);
}

/* ---- loops ---- */

static bool is_led_by_somebody_else(void *self)
{
    size_t leader = fake_leader(&realm, *(uint8_t *)self);
    return leader != SIZE_MAX && leader != 0;
}

static bool is_led(void *self)
{
    return fake_leader(&realm, *(uint8_t *)self) != SIZE_MAX;
}

static void the_periodic_check_finds_groups_without_leaders(void **state)
{
    (void)state;
    char url[64];
    uint8_t group = 3;
    fake_realm_add_group(&realm, group, 3, SIZE_MAX);
    struct rind_manager *manager = open_manager(50, url);
    await(is_led, &group);
    rind_manager_close(manager);
}

static bool has_been_asked_twice(void *self)
{
    (void)self;
    return fake_calls(&realm.agents[0], "status") >= 2;
}

/* With a period of an hour only the watch can have noticed. */
static void a_dead_leader_is_noticed_without_waiting_for_the_period(void **state)
{
    (void)state;
    char url[64];
    uint8_t group = 3;
    fake_realm_add_group(&realm, group, 3, 0);
    fake_realm_add_group(&realm, 4, 3, SIZE_MAX);
    struct rind_manager *manager = open_manager(3600000, url);
    /* A step-down of nobody has a check run, after which the leaders are watched. */
    const struct rind_cluster_stepdown_request stepdown = {
        .kind = RIND_CLUSTER_STEPDOWN_REQUEST_HSM, .hsm = fake_hsm_id(2)};
    struct rind_cluster_stepdown_response stepped;
    assert_true(
        rind_is_ok(rind_rpc_call(&realm.ctx, realm.client, url, &rind_rpc_manager_leader_stepdown,
                                 &stepdown, &stepped, rind_deadline_in_ms(WAIT_MS), NULL)));
    uint8_t other = 4;
    await(is_led, &other);
    await(has_been_asked_twice, NULL);
    fake_kill(&realm.agents[0]);
    rind_mutex_lock(&realm.lock);
    realm.agents[0].groups[0].is_leader = false;
    rind_mutex_unlock(&realm.lock);
    await(is_led_by_somebody_else, &group);
    rind_manager_close(manager);
}

static bool is_completed(void *self)
{
    (void)self;
    return fake_calls(&realm.agents[0], "transfer/complete") > 0;
}

static void interrupted_transfers_are_finished(void **state)
{
    (void)state;
    char url[64];
    fake_realm_add_group(&realm, 3, 3, 0);
    fake_realm_add_group(&realm, 4, 3, 1);
    struct fake_group *destination = fake_find(&realm, 1, 4);
    destination->has_transferring = true;
    destination->transferring = (struct rind_transferring){
        .kind = RIND_TRANSFERRING_IN,
        .in = {.source = fake_group_id(3), .range = fake_range(0, 0x7f), .at = 10}};
    struct rind_manager *manager = open_manager(50, url);
    await(is_completed, NULL);
    rind_manager_close(manager);
}

static void two_managers_share_the_work(void **state)
{
    (void)state;
    char first_url[64];
    char second_url[64];
    for (uint8_t group = 0x30; group < 0x34; group++) {
        fake_realm_add_group(&realm, group, 3, SIZE_MAX);
    }
    struct rind_manager *first = open_manager(50, first_url);
    struct rind_manager *second = open_manager(50, second_url);
    for (uint8_t group = 0x30; group < 0x34; group++) {
        await(is_led, &group);
    }
    rind_manager_close(first);
    rind_mutex_lock(&realm.lock);
    for (size_t i = 0; i < realm.count; i++) {
        realm.agents[i].groups[0].is_leader = false;
    }
    rind_mutex_unlock(&realm.lock);
    uint8_t group = 0x30;
    await(is_led, &group);
    rind_manager_close(second);
}

/* ---- the end ---- */

/* An agent that takes requests and never answers: a socket, registered. */
static int open_silent_agent(char *url, size_t size)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 16), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    (void)snprintf(url, size, "http://127.0.0.1:%u/", (unsigned)ntohs(address.sin_port));
    assert_true(rind_is_ok(rind_store_discovery_register(
        &realm.ctx, realm.store, RIND_SERVICE_AGENT, url, rind_deadline_in_ms(WAIT_MS))));
    return fd;
}

/*
 * It once closed the watch first, and its leader check, when it gave up waiting, set the watch.
 * That takes as long as the check waits for an agent, RIND_CLUSTER_STATUS_TIMEOUT_MS.
 */
static void a_manager_closed_during_its_checks_waits_for_them(void **state)
{
    (void)state;
    char url[64];
    char silent_url[64];
    int asked[2];
    int fd = open_silent_agent(silent_url, sizeof(silent_url));
    fake_realm_add_group(&realm, 3, 3, 0);
    struct rind_manager *manager = open_manager(50, url);
    for (size_t i = 0; i < 2; i++) { /* by the leader check and by the transfer check */
        asked[i] = accept(fd, NULL, NULL);
        assert_true(asked[i] >= 0);
    }
    rind_manager_close(manager);
    assert_int_equal(registered_managers(), 0);
    for (size_t i = 0; i < 2; i++) {
        (void)close(asked[i]);
    }
    (void)close(fd);
}

/* ---- the watch ---- */

static atomic_uint notices;

static void notice(void *self)
{
    (void)self;
    atomic_fetch_add(&notices, 1);
}

static bool is_watching(void *self)
{
    return rind_watch_open_count(self) == 2;
}

static bool is_watching_one(void *self)
{
    return rind_watch_open_count(self) == 1;
}

static bool is_noticed(void *self)
{
    (void)self;
    return atomic_load(&notices) > 0;
}

static void the_end_of_a_watched_agent_is_noticed(void **state)
{
    (void)state;
    struct rind_watch *watch;
    const char *urls[] = {realm.agents[0].url, realm.agents[1].url, "http://some.host:1/"};
    atomic_store(&notices, 0);
    assert_true(rind_is_ok(rind_watch_open(&realm.ctx, notice, NULL, &watch)));
    rind_watch_set(watch, urls, 3);
    await(is_watching, watch);
    assert_int_equal(atomic_load(&notices), 0);
    fake_kill(&realm.agents[1]);
    await(is_noticed, NULL);
    rind_watch_close(watch);
}

static void who_is_not_watched_any_more_is_not_noticed(void **state)
{
    (void)state;
    struct rind_watch *watch;
    const char *urls[] = {realm.agents[0].url, realm.agents[1].url};
    atomic_store(&notices, 0);
    assert_true(rind_is_ok(rind_watch_open(&realm.ctx, notice, NULL, &watch)));
    rind_watch_set(watch, urls, 2);
    await(is_watching, watch);
    rind_watch_set(watch, urls + 1, 1);
    await(is_watching_one, watch);
    fake_kill(&realm.agents[0]);
    assert_int_equal(atomic_load(&notices), 0);
    fake_kill(&realm.agents[1]);
    await(is_noticed, NULL);
    rind_watch_close(watch);
}

static void an_agent_that_cannot_be_reached_is_noticed(void **state)
{
    (void)state;
    struct rind_watch *watch;
    const char *urls[] = {realm.agents[0].url};
    atomic_store(&notices, 0);
    fake_kill(&realm.agents[0]);
    assert_true(rind_is_ok(rind_watch_open(&realm.ctx, notice, NULL, &watch)));
    rind_watch_set(watch, urls, 1);
    await(is_noticed, NULL);
    rind_watch_close(watch);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_manager_is_live_once_registered_and_gone_once_closed),
        TEST(a_manager_that_cannot_register_is_not_live_until_it_can),
        TEST(what_is_no_request_is_refused),
        TEST(its_rpcs_do_what_they_say),
        TEST(the_periodic_check_finds_groups_without_leaders),
        TEST(a_dead_leader_is_noticed_without_waiting_for_the_period),
        TEST(interrupted_transfers_are_finished),
        TEST(two_managers_share_the_work),
        TEST(a_manager_closed_during_its_checks_waits_for_them),
        TEST(the_end_of_a_watched_agent_is_noticed),
        TEST(who_is_not_watched_any_more_is_not_noticed),
        TEST(an_agent_that_cannot_be_reached_is_noticed),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
