/*
 * test_agent_group.c - several agents of one realm in one process, talking over HTTP: replication,
 * loss of a leader, duelling leaders, silent members, catching up.
 */
#include "support/test.h"

#include <netinet/in.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/leadership.h"
#include "agent/realm.h"

#define NODES 3u
#define USERS 64u

struct fixture {
    struct realm *realm;
    struct cluster *users;
    struct rind_group_id group; /* of all three, led by node 0 */
    struct cluster_client clients[USERS];
};

static void transfer_everything(struct fixture *fixture, const struct rind_group_id *source)
{
    realm_transfer(fixture->realm, 0, source, 0, &fixture->group, NULL);
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    const unsigned members[NODES] = {0, 1, 2};
    fixture->realm = realm_new(NODES);
    fixture->users = cluster_new(1, 7);
    for (unsigned h = 0; h < NODES; h++) {
        realm_start(fixture->realm, h, true);
    }
    struct rind_group_id first = realm_create(fixture->realm);
    realm_join(fixture->realm);
    fixture->group = realm_new_group(fixture->realm, members, NODES);
    transfer_everything(fixture, &first);
    for (unsigned i = 0; i < USERS; i++) {
        struct rind_record_id record = cluster_record((uint8_t)(4 * i));
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

static enum rind_agent_app_response_kind register_user(struct fixture *fixture, unsigned h,
                                                       unsigned i)
{
    struct rind_secrets_request register2 = cluster_register2(i, 3);
    fixture->clients[i].has_session = false;
    return realm_ask(fixture->realm, fixture->users, h, &fixture->group, &fixture->clients[i],
                     &register2, NULL);
}

static enum rind_agent_app_response_kind register1(struct fixture *fixture, unsigned h, unsigned i)
{
    struct rind_secrets_request request = cluster_simple(RIND_SECRETS_REQUEST_REGISTER1);
    fixture->clients[i].has_session = false;
    return realm_ask(fixture->realm, fixture->users, h, &fixture->group, &fixture->clients[i],
                     &request, NULL);
}

static bool recover1_finds(struct fixture *fixture, unsigned h, unsigned i)
{
    struct rind_secrets_request request = cluster_simple(RIND_SECRETS_REQUEST_RECOVER1);
    struct rind_secrets_response response;
    fixture->clients[i].has_session = false;
    return realm_ask(fixture->realm, fixture->users, h, &fixture->group, &fixture->clients[i],
                     &request, &response) == RIND_AGENT_APP_OK &&
           response.recover1.kind == RIND_RECOVER1_OK;
}

static uint64_t step_down(struct fixture *fixture, unsigned h)
{
    struct rind_agent_stepdown_request request = {fixture->realm->id, fixture->group};
    struct rind_agent_stepdown_response response;
    rind_leadership_step_down(&fixture->realm->ctx, fixture->realm->nodes[h].agent, &request,
                              &response);
    assert_int_equal(response.kind, RIND_AGENT_STEPDOWN_OK);
    return response.ok.last;
}

static void requests_commit_with_a_majority(void **state)
{
    struct fixture *fixture = *state;
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(register_user(fixture, 0, i), RIND_AGENT_APP_OK);
    }
    assert_int_equal(register1(fixture, 1, 0), RIND_AGENT_APP_NOT_LEADER);
    assert_true(recover1_finds(fixture, 0, 9));
}

static void leadership_is_handed_over_round_after_round(void **state)
{
    struct fixture *fixture = *state;
    for (unsigned round = 0; round < 9; round++) {
        unsigned old = round % NODES;
        unsigned next = (round + 1) % NODES;
        assert_int_equal(register_user(fixture, old, round), RIND_AGENT_APP_OK);
        uint64_t last = step_down(fixture, old);
        assert_int_equal(realm_become_leader(fixture->realm, next, &fixture->group, &last),
                         RIND_AGENT_BECOME_LEADER_OK);
        assert_true(recover1_finds(fixture, next, round));
        assert_int_equal(register1(fixture, old, round), RIND_AGENT_APP_NOT_LEADER);
    }
}

static void a_leader_that_vanishes_is_replaced(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(register_user(fixture, 0, 1), RIND_AGENT_APP_OK);
    realm_stop(fixture->realm, 0);
    assert_int_equal(realm_become_leader(fixture->realm, 1, &fixture->group, NULL),
                     RIND_AGENT_BECOME_LEADER_OK);
    assert_true(recover1_finds(fixture, 1, 1));
    realm_start(fixture->realm, 0, true); /* its HSM still leads: that is ended */
    assert_int_equal(realm_role(fixture->realm, 0, &fixture->group).role.kind, RIND_ROLE_WITNESS);
    assert_int_equal(register_user(fixture, 1, 2), RIND_AGENT_APP_OK);
}

static unsigned leader_count(struct fixture *fixture)
{
    unsigned count = 0;
    for (unsigned h = 0; h < NODES; h++) {
        enum rind_group_member_role_kind kind =
            realm_role(fixture->realm, h, &fixture->group).role.kind;
        count += kind != RIND_ROLE_WITNESS ? 1 : 0;
    }
    return count;
}

static bool has_one_leader(void *self)
{
    return leader_count(self) == 1;
}

static void of_duelling_leaders_one_survives(void **state)
{
    struct fixture *fixture = *state;
    for (unsigned h = 1; h < NODES; h++) {
        assert_int_equal(realm_become_leader(fixture->realm, h, &fixture->group, NULL),
                         RIND_AGENT_BECOME_LEADER_OK);
    }
    assert_int_equal(leader_count(fixture), NODES);
    struct realm_answer answers[NODES];
    struct rind_secrets_request request = cluster_simple(RIND_SECRETS_REQUEST_REGISTER1);
    for (unsigned h = 0; h < NODES; h++) {
        struct rind_agent_app_request sealed = realm_request(
            fixture->realm, fixture->users, &fixture->group, &fixture->clients[h], &request);
        realm_send(fixture->realm, h, &sealed, &answers[h]);
    }
    unsigned ok = 0;
    unsigned not_leader = 0;
    for (unsigned h = 0; h < NODES; h++) {
        enum rind_agent_app_response_kind kind = realm_wait(&fixture->users->ctx, &answers[h]).kind;
        ok += kind == RIND_AGENT_APP_OK ? 1 : 0;
        not_leader += kind == RIND_AGENT_APP_NOT_LEADER ? 1 : 0;
        realm_answer_fini(&answers[h]);
    }
    assert_int_equal(ok, 1);
    assert_int_equal(not_leader, NODES - 1);
    realm_wait_until(fixture->realm, has_one_leader, fixture);
}

static void idle_duelling_leaders_step_down_when_they_see_foreign_entries(void **state)
{
    struct fixture *fixture = *state;
    for (unsigned h = 1; h < NODES; h++) {
        assert_int_equal(realm_become_leader(fixture->realm, h, &fixture->group, NULL),
                         RIND_AGENT_BECOME_LEADER_OK);
    }
    assert_int_equal(register_user(fixture, 1, 5), RIND_AGENT_APP_OK);
    realm_wait_role(fixture->realm, 0, &fixture->group, RIND_ROLE_WITNESS);
    realm_wait_role(fixture->realm, 2, &fixture->group, RIND_ROLE_WITNESS);
    for (unsigned i = 6; i < 12; i++) {
        assert_int_equal(register_user(fixture, 1, i), RIND_AGENT_APP_OK);
    }
}

static void a_silent_member_delays_nobody(void **state)
{
    struct fixture *fixture = *state;
    /* Node 2's place is taken by a listener that accepts and never answers. */
    realm_stop(fixture->realm, 2);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int yes = 1;
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(fixture->realm->nodes[2].port),
                                  .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)), 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 64), 0);
    unsigned commits = realm_calls(fixture->realm, 0, RIND_HSM_REQUEST_COMMIT);
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(register_user(fixture, 0, i), RIND_AGENT_APP_OK);
    }
    /* No round waited for it: commits came one per request. */
    assert_true(realm_calls(fixture->realm, 0, RIND_HSM_REQUEST_COMMIT) - commits >= 10);
    close(fd);
}

struct persist_wish {
    struct realm *realm;
    unsigned before;
};

static bool has_persisted(void *self)
{
    struct persist_wish *wish = self;
    return realm_calls(wish->realm, 0, RIND_HSM_REQUEST_PERSIST_STATE) > wish->before;
}

static void without_a_majority_nothing_commits_until_it_is_back(void **state)
{
    struct fixture *fixture = *state;
    realm_stop(fixture->realm, 1);
    realm_stop(fixture->realm, 2);
    struct rind_secrets_request request = cluster_simple(RIND_SECRETS_REQUEST_REGISTER1);
    struct rind_agent_app_request sealed = realm_request(
        fixture->realm, fixture->users, &fixture->group, &fixture->clients[1], &request);
    struct realm_answer answer;
    struct persist_wish wish = {fixture->realm,
                                realm_calls(fixture->realm, 0, RIND_HSM_REQUEST_PERSIST_STATE)};
    realm_send(fixture->realm, 0, &sealed, &answer);
    realm_wait_until(fixture->realm, has_persisted, &wish);
    assert_false(realm_is_answered(&answer));
    realm_start(fixture->realm, 2, true);
    assert_int_equal(realm_wait(&fixture->users->ctx, &answer).kind, RIND_AGENT_APP_OK);
    realm_answer_fini(&answer);
}

struct compaction_wish {
    struct fixture *fixture;
    uint64_t index;
};

/* The log's entries below the index have been replaced by tombstones. */
static bool is_compacted(void *self)
{
    struct compaction_wish *wish = self;
    struct realm *realm = wish->fixture->realm;
    struct rind_log_iterator iterator;
    struct rind_log_entries entries;
    size_t mark = rind_arena_mark(realm->ctx.arena);
    rind_log_iterator_init(&iterator, &realm->id, &wish->fixture->group, wish->index, 200);
    rind_status status = rind_log_iterator_next(&realm->ctx, realm->nodes[0].store, &iterator,
                                                rind_deadline_in_ms(REALM_WAIT_MS), &entries);
    rind_arena_release(realm->ctx.arena, mark);
    return rind_is(status, RIND_E_STALE);
}

struct capture_wish {
    struct fixture *fixture;
    unsigned node;
    uint64_t index;
};

static bool has_captured_past(void *self)
{
    struct capture_wish *wish = self;
    struct rind_agent_group *group =
        realm_group(wish->fixture->realm, wish->node, &wish->fixture->group);
    rind_mutex_lock(&group->lock);
    uint64_t captured = group->captured_volatile;
    rind_mutex_unlock(&group->lock);
    return captured > wish->index;
}

static void a_witness_that_was_away_catches_up_by_a_jump(void **state)
{
    struct fixture *fixture = *state;
    /* Compaction begins once all members are known to be witnesses; only then may one vanish. */
    struct compaction_wish first = {fixture, 1};
    realm_wait_until(fixture->realm, is_compacted, &first);
    realm_stop(fixture->realm, 2);
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(register_user(fixture, 0, i), RIND_AGENT_APP_OK);
    }
    struct compaction_wish wish = {fixture, 12};
    realm_wait_until(fixture->realm, is_compacted, &wish);
    unsigned jumps = realm_calls(fixture->realm, 2, RIND_HSM_REQUEST_CAPTURE_JUMP);
    realm_start(fixture->realm, 2, true);
    /* Both others must testify before node 2 follows: one alone could lead it astray. */
    struct capture_wish caught_up = {fixture, 2, wish.index};
    realm_wait_until(fixture->realm, has_captured_past, &caught_up);
    realm_stop(fixture->realm, 1); /* from now on nothing commits without node 2 */
    assert_int_equal(register_user(fixture, 0, 30), RIND_AGENT_APP_OK);
    assert_true(realm_calls(fixture->realm, 2, RIND_HSM_REQUEST_CAPTURE_JUMP) > jumps);
    uint64_t last = step_down(fixture, 0);
    assert_int_equal(realm_become_leader(fixture->realm, 2, &fixture->group, &last),
                     RIND_AGENT_BECOME_LEADER_OK);
    assert_true(recover1_finds(fixture, 2, 30));
}

static uint64_t compact_index_of_leader(struct fixture *fixture, unsigned node)
{
    struct rind_agent_group *group = realm_group(fixture->realm, node, &fixture->group);
    rind_mutex_lock(&group->lock);
    assert_non_null(group->leader);
    uint64_t index = group->leader->compact_index;
    rind_mutex_unlock(&group->lock);
    return index;
}

/* With one member lost for good, nobody could testify to what the other one missed. */
static void a_witness_that_was_away_finds_what_it_missed_in_the_log(void **state)
{
    struct fixture *fixture = *state;
    fixture->realm->keep_entries = 1000;
    realm_stop(fixture->realm, 0);
    realm_start(fixture->realm, 0, true);
    assert_int_equal(realm_become_leader(fixture->realm, 0, &fixture->group, NULL),
                     RIND_AGENT_BECOME_LEADER_OK);
    assert_int_equal(register_user(fixture, 0, 1), RIND_AGENT_APP_OK);
    realm_stop(fixture->realm, 2);
    uint64_t captured = 0;
    struct rind_agent_group *group = realm_group(fixture->realm, 0, &fixture->group);
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(register_user(fixture, 0, i), RIND_AGENT_APP_OK);
    }
    rind_mutex_lock(&group->lock);
    captured = group->captured.index;
    rind_mutex_unlock(&group->lock);
    assert_true(compact_index_of_leader(fixture, 0) + 20 <= captured);
    realm_stop(fixture->realm, 1);
    unsigned jumps = realm_calls(fixture->realm, 2, RIND_HSM_REQUEST_CAPTURE_JUMP);
    realm_start(fixture->realm, 2, true);
    assert_int_equal(register_user(fixture, 0, 30), RIND_AGENT_APP_OK);
    assert_int_equal(realm_calls(fixture->realm, 2, RIND_HSM_REQUEST_CAPTURE_JUMP), jumps);
}

static void an_abandoned_entry_answers_exactly_its_client(void **state)
{
    struct fixture *fixture = *state;
    struct fault_engine *engine = fixture->realm->nodes[0].engine;
    assert_int_equal(register_user(fixture, 0, 1), RIND_AGENT_APP_OK);
    /* Node 0 cannot append; node 1 takes over and writes where node 0 wanted to. */
    fault_engine_set(engine, ENGINE_FAULT_HOLD, 1);
    struct realm_answer answers[3];
    struct rind_secrets_request request = cluster_simple(RIND_SECRETS_REQUEST_REGISTER1);
    for (unsigned i = 0; i < 3; i++) {
        struct rind_agent_app_request sealed = realm_request(
            fixture->realm, fixture->users, &fixture->group, &fixture->clients[10 + i], &request);
        realm_send(fixture->realm, 0, &sealed, &answers[i]);
    }
    fault_engine_wait_held(engine);
    assert_int_equal(realm_become_leader(fixture->realm, 1, &fixture->group, NULL),
                     RIND_AGENT_BECOME_LEADER_OK);
    assert_int_equal(register_user(fixture, 1, 2), RIND_AGENT_APP_OK);
    fault_engine_release(engine);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(realm_wait(&fixture->users->ctx, &answers[i]).kind,
                         RIND_AGENT_APP_NOT_LEADER);
        realm_answer_fini(&answers[i]);
    }
    realm_wait_role(fixture->realm, 0, &fixture->group, RIND_ROLE_WITNESS);
    assert_true(recover1_finds(fixture, 1, 2));
}

static void every_hsm_of_the_group_may_be_restarted_in_turn(void **state)
{
    struct fixture *fixture = *state;
    for (unsigned h = 0; h < NODES; h++) {
        assert_int_equal(register_user(fixture, 0, h), RIND_AGENT_APP_OK);
        realm_reboot_core(fixture->realm, h);
        if (h == 0) {
            realm_wait_role(fixture->realm, 0, &fixture->group, RIND_ROLE_WITNESS);
            assert_int_equal(realm_become_leader(fixture->realm, 0, &fixture->group, NULL),
                             RIND_AGENT_BECOME_LEADER_OK);
        }
        assert_true(recover1_finds(fixture, 0, h));
    }
}

/* A cluster manager that answers as told. */
struct manager {
    enum rind_cluster_stepdown_response_kind kind;
    atomic_uint calls;
};

static void manager_handle(void *self, struct rind_ctx *ctx, const struct rind_request *request,
                           struct rind_response *response)
{
    struct manager *manager = self;
    struct rind_cluster_stepdown_request message;
    struct rind_cluster_stepdown_response answer = {.kind = manager->kind};
    atomic_fetch_add(&manager->calls, 1);
    bool is_understood =
        rind_slice_is_text(request->path, "/leader_stepdown") &&
        rind_is_ok(rind_wire_decode_strict(ctx, &rind_cluster_stepdown_request_schema,
                                           request->body, &message)) &&
        message.kind == RIND_CLUSTER_STEPDOWN_REQUEST_HSM;
    response->status = is_understood ? 200 : 404;
    if (!rind_is_ok(rind_wire_encode_alloc(ctx, &rind_cluster_stepdown_response_schema, &answer,
                                           &response->body))) {
        response->status = 500;
    }
}

static bool knows_the_manager(void *self)
{
    struct rind_agent *agent = self;
    rind_mutex_lock(&agent->lock);
    bool knows = agent->manager_count == 1;
    rind_mutex_unlock(&agent->lock);
    return knows;
}

/* Shuts node 0 down while one manager is in discovery; returns how often that was asked. */
static unsigned shut_down_with_manager(struct fixture *fixture,
                                       enum rind_cluster_stepdown_response_kind kind)
{
    struct realm *realm = fixture->realm;
    struct manager manager = {.kind = kind};
    struct rind_server_options options = rind_server_options_default();
    struct rind_server *server;
    assert_true(rind_is_ok(
        rind_address_parse(&realm->ctx, rind_slice_text("127.0.0.1:0"), &options.listen)));
    options.handle = manager_handle;
    options.self = &manager;
    options.name = "manager";
    options.http2 = RIND_SERVER_HTTP2_OFF;
    assert_true(rind_is_ok(rind_server_open(&realm->ctx, &options, &server)));
    struct rind_address address = rind_server_address(server);
    struct rind_url url;
    rind_url_from_address(&address, &url);
    assert_true(rind_is_ok(rind_store_discovery_register(&realm->ctx, realm->nodes[0].store,
                                                         RIND_SERVICE_CLUSTER_MANAGER, url.text,
                                                         rind_deadline_in_ms(REALM_WAIT_MS))));
    realm_wait_until(realm, knows_the_manager, realm->nodes[0].agent);
    rind_agent_shut_down(realm->nodes[0].agent, rind_deadline_in_ms(REALM_WAIT_MS));
    rind_server_close(server);
    return atomic_load(&manager.calls);
}

static void a_manager_is_asked_to_take_leaderships_over(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(shut_down_with_manager(fixture, RIND_CLUSTER_STEPDOWN_OK), 1);
    assert_int_equal(realm_role(fixture->realm, 0, &fixture->group).role.kind, RIND_ROLE_WITNESS);
}

static void a_manager_that_refuses_stops_no_shutdown(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(shut_down_with_manager(fixture, RIND_CLUSTER_STEPDOWN_NO_STORE), 1);
    assert_int_equal(realm_role(fixture->realm, 0, &fixture->group).role.kind, RIND_ROLE_WITNESS);
}

#define RATE_OF_BOTH 10000u

struct rate_wish {
    struct fixture *fixture;
    unsigned h;
};

/* Node h denies because of what the others told it. */
static bool is_limited(void *self)
{
    struct rate_wish *wish = self;
    struct rind_record_id record = cluster_record(200);
    struct rind_agent *agent = wish->fixture->realm->nodes[wish->h].agent;
    rind_peers_note_request(agent->peers);
    return !rind_rate_tenants_allow(agent->tenants, rind_slice_text("limited"),
                                    rind_clock_unix_ms(), &record);
}

static void agents_count_one_anothers_requests(void **state)
{
    struct fixture *fixture = *state;
    struct rind_agent *first = fixture->realm->nodes[0].agent;
    struct rind_record_id record = cluster_record(100);
    /* A rate that node 1, asked once in a millisecond, does not reach by itself. */
    for (unsigned h = 0; h < 2; h++) {
        rind_rate_tenants_configure(fixture->realm->nodes[h].agent->tenants,
                                    rind_slice_text("limited"), RATE_OF_BOTH);
    }
    for (unsigned i = 0; i < RATE_OF_BOTH; i++) {
        (void)rind_rate_tenants_allow(first->tenants, rind_slice_text("limited"),
                                      rind_clock_unix_ms() + REALM_WAIT_MS, &record);
    }
    struct rate_wish wish = {fixture, 1};
    realm_wait_until(fixture->realm, is_limited, &wish);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(requests_commit_with_a_majority),
        CASE(leadership_is_handed_over_round_after_round),
        CASE(a_leader_that_vanishes_is_replaced),
        CASE(of_duelling_leaders_one_survives),
        CASE(idle_duelling_leaders_step_down_when_they_see_foreign_entries),
        CASE(a_silent_member_delays_nobody),
        CASE(without_a_majority_nothing_commits_until_it_is_back),
        CASE(a_witness_that_was_away_catches_up_by_a_jump),
        CASE(a_witness_that_was_away_finds_what_it_missed_in_the_log),
        CASE(an_abandoned_entry_answers_exactly_its_client),
        CASE(every_hsm_of_the_group_may_be_restarted_in_turn),
        CASE(a_manager_is_asked_to_take_leaderships_over),
        CASE(a_manager_that_refuses_stops_no_shutdown),
        CASE(agents_count_one_anothers_requests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
