/*
 * test_agent_neighbour.c - no RPC that a neighbour can send ends an agent, and agent and HSM come
 * to agree again by themselves (spec 06 section 16 items 1 to 4, 9, 10 and 16).
 */
#include "support/test.h"

#include <jansson.h>

#include "agent/create.h"
#include "agent/leadership.h"
#include "agent/realm.h"
#include "host/host.h"
#include "support/vectors.h"

#define SEED 20261125u
#define VARIANTS_PER_REQUEST 24u
#define BODY_SIZE_MAX 4096u

struct fixture {
    struct realm *realm;
    struct realm_node *node;
    struct cluster *users;
    struct rind_group_id group;
    struct rind_client *client;
    uint32_t random;
};

/* An agent whose HSM is in no realm yet. */
static int setup_bare(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    struct rind_client_options options = rind_client_options_default();
    fixture->realm = realm_new(1);
    fixture->node = &fixture->realm->nodes[0];
    fixture->users = cluster_new(1, 7);
    fixture->random = SEED;
    realm_start(fixture->realm, 0, true);
    assert_true(rind_is_ok(rind_client_open(&fixture->realm->ctx, &options, &fixture->client)));
    *state = fixture;
    return 0;
}

static int setup(void **state)
{
    int result = setup_bare(state);
    struct fixture *fixture = *state;
    fixture->group = realm_create(fixture->realm);
    return result;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    rind_client_close(fixture->client);
    realm_free(fixture->realm);
    cluster_free(fixture->users);
    free(fixture);
    return 0;
}

static uint32_t next_random(struct fixture *fixture, uint32_t below)
{
    fixture->random = fixture->random * 1664525u + 1013904223u;
    return (fixture->random >> 8) % below;
}

/* A client is served. */
static void assert_serves(struct fixture *fixture, unsigned user)
{
    struct cluster_client client;
    struct rind_record_id record = cluster_record((uint8_t)user);
    struct rind_secrets_request register1 = cluster_simple(RIND_SECRETS_REQUEST_REGISTER1);
    cluster_client_init(&client, user, &record);
    assert_int_equal(
        realm_ask(fixture->realm, fixture->users, 0, &fixture->group, &client, &register1, NULL),
        RIND_AGENT_APP_OK);
}

/* ---- whatever is sent ---- */

/* Puts this realm's and group's ids where the vector has some: the first id is the realm. */
static void insert_ids(struct fixture *fixture, uint8_t *body, size_t size)
{
    bool is_first = true;
    for (size_t i = 0; i + 17 <= size; i++) {
        if (body[i] == 0x50) { /* bytes(16) */
            const uint8_t *id = is_first ? fixture->realm->id.bytes : fixture->group.bytes;
            if (is_first || next_random(fixture, 4) != 0) {
                memcpy(body + i + 1, id, 16);
            }
            is_first = false;
            i += 16;
        }
    }
}

/* A few bytes changed, or the end cut off, or neither. */
static size_t damage(struct fixture *fixture, uint8_t *body, size_t size)
{
    uint32_t count = next_random(fixture, 4);
    for (uint32_t i = 0; i < count && size > 0; i++) {
        body[next_random(fixture, (uint32_t)size)] = (uint8_t)next_random(fixture, 256);
    }
    return next_random(fixture, 8) == 0 ? next_random(fixture, (uint32_t)size + 1) : size;
}

static void send_body(struct fixture *fixture, const char *path, const uint8_t *body, size_t size)
{
    struct rind_ctx *ctx = &fixture->realm->ctx;
    size_t mark = rind_arena_mark(ctx->arena);
    struct rind_answer answer;
    if (!rind_is_ok(rind_client_post(ctx, fixture->client, &fixture->node->agent->options.url, path,
                                     rind_slice_make(body, size),
                                     rind_deadline_in_ms(REALM_WAIT_MS), &answer))) {
        fail_msg("%s: %s", path, ctx->sentence);
    }
    assert_true(answer.status == 200 || answer.status == 400);
    rind_arena_release(ctx->arena, mark);
}

static void send_variants(struct fixture *fixture, const char *path, struct rind_slice vector)
{
    uint8_t body[BODY_SIZE_MAX];
    assert_true(vector.length <= sizeof(body));
    /* With a `last` that lies in the future it waits for 5 s: that is tested elsewhere. */
    bool may_wait = strcmp(path, "become_leader") == 0;
    for (unsigned i = 0; i < VARIANTS_PER_REQUEST; i++) {
        memcpy(body, vector.data, vector.length);
        if (i % 2 == 1 && !may_wait) {
            insert_ids(fixture, body, vector.length);
        }
        send_body(fixture, path, body,
                  i < 2 ? vector.length : damage(fixture, body, vector.length));
    }
}

static void whatever_a_neighbour_sends_the_agent_goes_on(void **state)
{
    struct fixture *fixture = *state;
    json_t *root = rind_vectors_load("agent-rpc.json");
    json_t *vectors = rind_vectors_get(root, "vectors");
    size_t at;
    json_t *item;
    unsigned requests = 0;
    json_array_foreach(vectors, at, item)
    {
        const char *path = rind_vectors_text(item, "path");
        if (strcmp(rind_vectors_text(item, "side"), "request") != 0 || path[0] == '(' ||
            strcmp(path, "leader_stepdown") == 0) {
            continue; /* not for agents */
        }
        print_message("%s, seed %u\n", path, fixture->random);
        size_t mark = rind_arena_mark(fixture->realm->ctx.arena);
        send_variants(fixture, path, rind_vectors_hex(item, "hex", fixture->realm->ctx.arena));
        rind_arena_release(fixture->realm->ctx.arena, mark);
        requests++;
    }
    json_decref(root);
    assert_int_equal(requests, 19);
    /* Some of them were lawful: a stepdown ended the leadership. */
    realm_wait_role(fixture->realm, 0, &fixture->group, RIND_ROLE_WITNESS);
    assert_int_equal(realm_become_leader(fixture->realm, 0, &fixture->group, NULL),
                     RIND_AGENT_BECOME_LEADER_OK);
    assert_serves(fixture, 1);
}

static void an_agent_that_is_leaving_does_not_take_a_leadership(void **state)
{
    struct fixture *fixture = *state;
    rind_agent_shut_down(fixture->node->agent, rind_deadline_in_ms(REALM_WAIT_MS));
    assert_int_equal(realm_become_leader(fixture->realm, 0, &fixture->group, NULL),
                     RIND_AGENT_BECOME_LEADER_NO_HSM);
}

/* ---- the first append ---- */

static void a_realm_is_made_though_its_first_append_fails_at_first(void **state)
{
    struct fixture *fixture = *state;
    fault_engine_set(fixture->node->engine, ENGINE_FAULT_NOT_WRITTEN, 3);
    fixture->group = realm_create(fixture->realm);
    assert_serves(fixture, 1);
}

static void a_realm_is_made_though_the_answer_to_its_first_append_is_lost(void **state)
{
    struct fixture *fixture = *state;
    fault_engine_set(fixture->node->engine, ENGINE_FAULT_WRITTEN, 1);
    fixture->group = realm_create(fixture->realm);
    assert_serves(fixture, 1);
}

static void a_group_is_made_though_its_first_append_fails_at_first(void **state)
{
    struct fixture *fixture = *state;
    const unsigned members[] = {0};
    fault_engine_set(fixture->node->engine, ENGINE_FAULT_NOT_WRITTEN, 3);
    struct rind_group_id made = realm_new_group(fixture->realm, members, 1);
    realm_wait_committed(fixture->realm, 0, &made, 1);
}

/* ---- an HSM, or who relays it, that says what cannot be ---- */

static void first_entries_that_cannot_be_are_refused(void **state)
{
    struct fixture *fixture = *state;
    struct rind_hsm_new_realm_response forged = {
        .kind = RIND_HSM_NEW_REALM_OK,
        .ok = {.role = {.role = {.kind = RIND_ROLE_LEADER, .leader = {2}}, .at = 1}}};
    struct rind_agent_realm_new_response response;
    for (uint64_t index = 0; index < 2; index++) {
        forged.ok.realm.bytes[0] = (uint8_t)(index + 1);
        forged.ok.entry.index = index;
        forged.ok.entry.prev_mac.bytes[0] = 1;
        realm_fail_with(fixture->realm, 0, RIND_HSM_REQUEST_NEW_REALM,
                        &rind_hsm_new_realm_response_schema, &forged, 1);
        rind_create_realm(&fixture->realm->ctx, fixture->node->agent, &response);
        assert_int_equal(response.kind, RIND_AGENT_REALM_NEW_NO_STORE);
    }
    fixture->group = realm_create(fixture->realm);
    assert_serves(fixture, 1);
}

static void a_group_of_more_than_nine_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct rind_hsm_id members[9];
    struct rind_hsm_id_list configuration = {.items = members, .count = 9};
    struct rind_group_id id = {{7}};
    struct rind_agent_group *group;
    bool is_new;
    for (size_t i = 0; i < 9; i++) { /* this HSM would be the tenth */
        memset(&members[i], (int)(0x10 + i), sizeof(members[i]));
    }
    assert_true(
        rind_is(rind_agent_add_group(&fixture->realm->ctx, fixture->node->agent,
                                     &fixture->realm->id, &id, &configuration, 1, &group, &is_new),
                RIND_E_LIMIT));
    configuration.count = 8;
    assert_true(rind_is_ok(rind_agent_add_group(&fixture->realm->ctx, fixture->node->agent,
                                                &fixture->realm->id, &id, &configuration, 1, &group,
                                                &is_new)));
    assert_true(is_new);
}

static bool has_captured_all(void *self)
{
    struct fixture *fixture = self;
    struct rind_agent_group *group = realm_group(fixture->realm, 0, &fixture->group);
    rind_mutex_lock(&group->lock);
    bool has = group->captured.index == UINT64_MAX;
    rind_mutex_unlock(&group->lock);
    return has;
}

/* It cannot be served any more, but neither does anything end. */
static void a_capture_of_the_last_index_there_is_ends_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct rind_captured captured = {
        .realm = fixture->realm->id, .group = fixture->group, .index = UINT64_MAX};
    struct rind_hsm_persist_state_response forged = {.kind = RIND_HSM_PERSIST_STATE_OK,
                                                     .ok = {.captured = {&captured, 1}}};
    realm_fail_with(fixture->realm, 0, RIND_HSM_REQUEST_PERSIST_STATE,
                    &rind_hsm_persist_state_response_schema, &forged, UINT32_MAX);
    realm_stop(fixture->realm, 0);
    realm_start(fixture->realm, 0, true);
    realm_wait_until(fixture->realm, has_captured_all, fixture);
}

/* ---- agent and HSM disagree ---- */

static enum rind_group_member_role_kind hsm_role(struct fixture *fixture)
{
    struct rind_ctx *ctx = &fixture->realm->ctx;
    struct rind_hsm_status_response status;
    size_t mark = rind_arena_mark(ctx->arena);
    assert_true(rind_is_ok(rind_hsm_link_status(&fixture->node->agent->hsm, ctx, &status)));
    enum rind_group_member_role_kind kind = status.realm.groups.items[0].role.role.kind;
    rind_arena_release(ctx->arena, mark);
    return kind;
}

static bool is_hsm_witness(void *self)
{
    return hsm_role(self) == RIND_ROLE_WITNESS;
}

static void an_hsm_that_leads_without_its_agent_is_stepped_down(void **state)
{
    struct fixture *fixture = *state;
    assert_serves(fixture, 1); /* a capture of entry 1 alone is no reason for suspicion */
    realm_wait_committed(fixture->realm, 0, &fixture->group, 2);
    rind_leadership_step_down_quietly(&fixture->realm->ctx,
                                      realm_group(fixture->realm, 0, &fixture->group),
                                      rind_agent_hsm_boot(fixture->node->agent), true);
    realm_wait_role(fixture->realm, 0, &fixture->group, RIND_ROLE_WITNESS);
    realm_fail(fixture->realm, 0, RIND_HSM_REQUEST_BECOME_LEADER, REALM_FAULT_LOSE_REPLY, 1);
    assert_int_equal(realm_become_leader(fixture->realm, 0, &fixture->group, NULL),
                     RIND_AGENT_BECOME_LEADER_NO_HSM);
    assert_int_equal(hsm_role(fixture), RIND_ROLE_LEADER);
    realm_wait_until(fixture->realm, is_hsm_witness, fixture);
    assert_int_equal(realm_become_leader(fixture->realm, 0, &fixture->group, NULL),
                     RIND_AGENT_BECOME_LEADER_OK);
    assert_serves(fixture, 2);
}

static void an_agent_that_leads_without_its_hsm_lets_go(void **state)
{
    struct fixture *fixture = *state;
    assert_serves(fixture, 1);
    realm_wait_committed(fixture->realm, 0, &fixture->group, 2);
    realm_fail(fixture->realm, 0, RIND_HSM_REQUEST_STEP_DOWN, REALM_FAULT_LOSE_REPLY, 1);
    const struct rind_agent_stepdown_request request = {fixture->realm->id, fixture->group};
    struct rind_agent_stepdown_response response;
    rind_leadership_step_down(&fixture->realm->ctx, fixture->node->agent, &request, &response);
    assert_int_equal(response.kind, RIND_AGENT_STEPDOWN_NO_HSM);
    assert_int_equal(hsm_role(fixture), RIND_ROLE_WITNESS);
    realm_wait_role(fixture->realm, 0, &fixture->group, RIND_ROLE_WITNESS);
    assert_int_equal(realm_become_leader(fixture->realm, 0, &fixture->group, NULL),
                     RIND_AGENT_BECOME_LEADER_OK);
    assert_serves(fixture, 2);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define CASE_BARE(name) cmocka_unit_test_setup_teardown(name, setup_bare, teardown)
    const struct CMUnitTest tests[] = {
        CASE(whatever_a_neighbour_sends_the_agent_goes_on),
        CASE(an_agent_that_is_leaving_does_not_take_a_leadership),
        CASE_BARE(a_realm_is_made_though_its_first_append_fails_at_first),
        CASE_BARE(a_realm_is_made_though_the_answer_to_its_first_append_is_lost),
        CASE(a_group_is_made_though_its_first_append_fails_at_first),
        CASE_BARE(first_entries_that_cannot_be_are_refused),
        CASE(a_group_of_more_than_nine_is_refused),
        CASE(a_capture_of_the_last_index_there_is_ends_nothing),
        CASE(an_hsm_that_leads_without_its_agent_is_stepped_down),
        CASE(an_agent_that_leads_without_its_hsm_lets_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
