/*
 * test_agent_rpc.c - what an agent answers over HTTP: framing, unknown realms and groups, bad
 * client messages, livez, limits, leadership requests, events and accounting.
 */
#include "support/test.h"

#include <jansson.h>

#include "agent/realm.h"
#include "agent/rpc.h"
#include "agent/status.h"
#include "rpc/rpc.h"
#include "support/vectors.h"

struct fixture {
    struct realm *realm;
    struct realm_node *node;
    struct cluster *users;
    struct rind_group_id group;
    struct rind_client *client;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    struct rind_client_options options = rind_client_options_default();
    fixture->realm = realm_new(1);
    fixture->node = &fixture->realm->nodes[0];
    fixture->users = cluster_new(1, 7);
    realm_start(fixture->realm, 0, true);
    fixture->group = realm_create(fixture->realm);
    assert_true(rind_is_ok(rind_client_open(&fixture->realm->ctx, &options, &fixture->client)));
    *state = fixture;
    return 0;
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

static struct rind_answer exchange(struct fixture *fixture, const char *method, const char *path,
                                   struct rind_slice body)
{
    struct rind_url url;
    struct rind_answer answer;
    assert_true(rind_is_ok(
        rind_url_join(&fixture->realm->ctx, &fixture->node->agent->options.url, path, &url)));
    struct rind_call call = {.url = &url,
                             .method = method,
                             .body = body,
                             .deadline = rind_deadline_in_ms(REALM_WAIT_MS)};
    rind_status status = rind_client_call(&fixture->realm->ctx, fixture->client, &call, &answer);
    assert_true(rind_is_ok(status));
    return answer;
}

static void call(struct fixture *fixture, const struct rind_rpc *rpc, const void *request,
                 void *response)
{
    rind_status status =
        rind_rpc_call(&fixture->realm->ctx, fixture->client, fixture->node->agent->options.url.text,
                      rpc, request, response, rind_deadline_in_ms(REALM_WAIT_MS), NULL);
    if (!rind_is_ok(status)) {
        fail_msg("%s: %s", rpc->path, fixture->realm->ctx.sentence);
    }
}

static struct rind_slice bytes_of(const char *text, size_t size)
{
    return rind_slice_make(text, size);
}

static void bodies_are_judged_before_the_handler_runs(void **state)
{
    struct fixture *fixture = *state;
    struct rind_slice nothing = {NULL, 0};
    struct rind_answer answer = exchange(fixture, "POST", "/status", nothing);
    assert_int_equal(answer.status, 400);
    assert_int_equal(answer.body.length, 0);
    assert_int_equal(exchange(fixture, "GET", "/app", nothing).status, 400);
    answer = exchange(fixture, "POST", "/unknown", bytes_of("\xa0", 1));
    assert_int_equal(answer.status, 404);
    assert_int_equal(answer.body.length, 0);
    assert_int_equal(exchange(fixture, "POST", "/status/", bytes_of("\xa0", 1)).status, 404);
    /* any method, a query, bytes behind the item, unknown keys */
    assert_int_equal(exchange(fixture, "PUT", "/status?x=1", bytes_of("\xa0zzz", 4)).status, 200);
    assert_int_equal(exchange(fixture, "POST", "/status", bytes_of("\xa1\x61x\x01", 4)).status,
                     200);
}

/* {"realm": [16 integers], "group": bytes(size)} */
static struct rind_slice captured_request(struct fixture *fixture, unsigned group_size)
{
    struct rind_buffer out;
    void *memory = rind_ctx_alloc(&fixture->realm->ctx, 256);
    rind_buffer_init(&out, memory, 256);
    rind_buffer_append(&out, bytes_of("\xa2\x65realm\x90", 8));
    for (unsigned i = 0; i < 16; i++) {
        uint8_t byte = fixture->realm->id.bytes[i];
        if (byte >= 24) {
            rind_buffer_append_byte(&out, 0x18);
        }
        rind_buffer_append_byte(&out, byte);
    }
    rind_buffer_append(&out, bytes_of("\x65group", 6));
    rind_buffer_append_byte(&out, (uint8_t)(0x40 | group_size));
    rind_buffer_append(&out, rind_slice_make(fixture->group.bytes, group_size));
    assert_false(out.is_overflown);
    return rind_buffer_slice(&out);
}

static void ids_may_be_integer_arrays_but_must_have_their_size(void **state)
{
    struct fixture *fixture = *state;
    struct rind_answer answer =
        exchange(fixture, "POST", "/captured", captured_request(fixture, 16));
    assert_int_equal(answer.status, 200);
    assert_true(answer.body.length > 100); /* the capture of entry 1 */
    assert_int_equal(exchange(fixture, "POST", "/captured", captured_request(fixture, 15)).status,
                     400);
}

/* What the agent says it has captured, asked by a leader that knows of `known`. */
static uint64_t captured_beyond(struct fixture *fixture, const char *known)
{
    const struct rind_http_header header = {rind_slice_text(RIND_CAPTURED_HEADER),
                                            rind_slice_text(known)};
    struct rind_agent_captured_request request = {fixture->realm->id, fixture->group};
    struct rind_agent_captured_response response;
    rind_status status =
        rind_rpc_call_with(&fixture->realm->ctx, fixture->client,
                           fixture->node->agent->options.url.text, &rind_rpc_captured, &header, 1,
                           &request, &response, rind_deadline_in_ms(REALM_WAIT_MS), NULL);
    assert_true(rind_is_ok(status) && response.has_ok);
    return response.ok.index;
}

static void a_leader_that_asks_for_more_than_is_captured_hears_it_all_the_same(void **state)
{
    struct fixture *fixture = *state;
    uint64_t captured = captured_beyond(fixture, "0");
    assert_true(captured >= 1);
    /* Nothing comes, and yet it is answered; so is what is no number. */
    assert_true(captured_beyond(fixture, "1000000") >= captured);
    assert_true(captured_beyond(fixture, "99999999999999999999999") >= captured);
    assert_true(captured_beyond(fixture, "-1") >= captured);
    assert_true(captured_beyond(fixture, "") >= captured);
    assert_int_equal(atomic_load(&fixture->node->agent->captured_waits), 0);
}

static void a_missing_optional_key_reads_as_null(void **state)
{
    struct fixture *fixture = *state;
    /* become_leader without `last` has the shape of captured */
    struct rind_answer answer =
        exchange(fixture, "POST", "/become_leader", captured_request(fixture, 16));
    assert_int_equal(answer.status, 200);
    assert_memory_equal(answer.body.data, "\x62Ok", 3);
}

static void unknown_realms_and_groups_are_answered_by_name(void **state)
{
    struct fixture *fixture = *state;
    struct rind_realm_id realms[2] = {fixture->realm->id, {{9}}};
    struct rind_group_id groups[2] = {{{9}}, fixture->group};
    enum rind_agent_app_response_kind app_kinds[2] = {RIND_AGENT_APP_INVALID_GROUP,
                                                      RIND_AGENT_APP_INVALID_REALM};
    enum rind_agent_become_leader_response_kind leader_kinds[2] = {
        RIND_AGENT_BECOME_LEADER_INVALID_GROUP, RIND_AGENT_BECOME_LEADER_INVALID_REALM};
    enum rind_agent_stepdown_response_kind stepdown_kinds[2] = {RIND_AGENT_STEPDOWN_INVALID_GROUP,
                                                                RIND_AGENT_STEPDOWN_INVALID_REALM};
    for (unsigned i = 0; i < 2; i++) {
        struct cluster_client client;
        struct rind_record_id record = cluster_record(1);
        cluster_client_init(&client, 1, &record);
        struct rind_secrets_request register1 = cluster_simple(RIND_SECRETS_REQUEST_REGISTER1);
        struct rind_agent_app_request app =
            realm_request(fixture->realm, fixture->users, &groups[i], &client, &register1);
        app.realm = realms[i];
        struct rind_agent_app_response app_response;
        call(fixture, &rind_rpc_app, &app, &app_response);
        assert_int_equal(app_response.kind, app_kinds[i]);

        struct rind_agent_captured_request captured = {realms[i], groups[i]};
        struct rind_agent_captured_response captured_response;
        call(fixture, &rind_rpc_captured, &captured, &captured_response);
        assert_false(captured_response.has_ok);

        struct rind_agent_become_leader_request leader = {.realm = realms[i], .group = groups[i]};
        struct rind_agent_become_leader_response leader_response;
        call(fixture, &rind_rpc_become_leader, &leader, &leader_response);
        assert_int_equal(leader_response.kind, leader_kinds[i]);

        struct rind_agent_stepdown_request stepdown = {realms[i], groups[i]};
        struct rind_agent_stepdown_response stepdown_response;
        call(fixture, &rind_rpc_stepdown, &stepdown, &stepdown_response);
        assert_int_equal(stepdown_response.kind, stepdown_kinds[i]);
    }
}

static enum rind_agent_app_response_kind send_raw(struct fixture *fixture,
                                                  enum rind_client_request_kind kind,
                                                  const struct rind_noise_request *encrypted)
{
    struct rind_agent_app_request request = {
        .realm = fixture->realm->id,
        .group = fixture->group,
        .record_id = cluster_record(1),
        .kind = kind,
        .encrypted = *encrypted,
        .tenant = rind_slice_text("test"),
        .user = rind_slice_text("user"),
    };
    struct rind_agent_app_response response;
    call(fixture, &rind_rpc_app, &request, &response);
    return response.kind;
}

static void bad_client_messages_never_reach_the_hsm(void **state)
{
    struct fixture *fixture = *state;
    uint8_t bytes[RIND_BODY_SIZE_LIMIT + 1] = {0};
    struct rind_noise_request transport = {
        .kind = RIND_NOISE_REQUEST_TRANSPORT,
        .transport = {rind_slice_make(bytes, RIND_BODY_SIZE_LIMIT + 1)}};
    struct rind_noise_request handshake = {
        .kind = RIND_NOISE_REQUEST_HANDSHAKE,
        .handshake = {{rind_slice_make(bytes, 31), rind_slice_make(bytes, 16)}}};
    unsigned apps = realm_calls(fixture->realm, 0, RIND_HSM_REQUEST_APP_REQUEST);
    assert_int_equal(send_raw(fixture, RIND_CLIENT_REQUEST_SECRETS_REQUEST, &transport),
                     RIND_AGENT_APP_DECODING_ERROR);
    assert_int_equal(send_raw(fixture, RIND_CLIENT_REQUEST_HANDSHAKE_ONLY, &transport),
                     RIND_AGENT_APP_SESSION_ERROR);
    assert_int_equal(send_raw(fixture, RIND_CLIENT_REQUEST_SECRETS_REQUEST, &handshake),
                     RIND_AGENT_APP_SESSION_ERROR);
    assert_int_equal(send_raw(fixture, RIND_CLIENT_REQUEST_HANDSHAKE_ONLY, &handshake),
                     RIND_AGENT_APP_SESSION_ERROR);
    handshake.handshake.handshake.client_ephemeral_public = rind_slice_make(bytes, 32);
    handshake.handshake.handshake.payload_ciphertext =
        rind_slice_make(bytes, RIND_BODY_SIZE_LIMIT + 1);
    assert_int_equal(send_raw(fixture, RIND_CLIENT_REQUEST_SECRETS_REQUEST, &handshake),
                     RIND_AGENT_APP_DECODING_ERROR);
    assert_int_equal(realm_calls(fixture->realm, 0, RIND_HSM_REQUEST_APP_REQUEST), apps);
    /* and one that does: no such session */
    transport.transport.ciphertext.length = 100;
    assert_int_equal(send_raw(fixture, RIND_CLIENT_REQUEST_SECRETS_REQUEST, &transport),
                     RIND_AGENT_APP_MISSING_SESSION);
}

static bool is_registered(void *self)
{
    struct fixture *fixture = self;
    struct rind_agent *agent = fixture->node->agent;
    rind_mutex_lock(&agent->lock);
    bool is = agent->is_registered;
    rind_mutex_unlock(&agent->lock);
    return is;
}

static void livez_tells_health_from_a_live_answer(void **state)
{
    struct fixture *fixture = *state;
    struct rind_slice nothing = {NULL, 0};
    realm_wait_until(fixture->realm, is_registered, fixture);
    struct rind_answer answer = exchange(fixture, "GET", "/livez", nothing);
    assert_int_equal(answer.status, 200);
    assert_memory_equal(answer.body.data, "hsm id: ", 8);
    realm_fail(fixture->realm, 0, RIND_HSM_REQUEST_STATUS, REALM_FAULT_UNAVAILABLE, UINT32_MAX);
    answer = exchange(fixture, "GET", "/livez", nothing);
    assert_int_equal(answer.status, 503);
    assert_memory_equal(answer.body.data, "error: ", 7);
    realm_fail(fixture->realm, 0, RIND_HSM_REQUEST_STATUS, REALM_FAULT_HOLD, 1);
    answer = exchange(fixture, "GET", "/livez", nothing);
    assert_int_equal(answer.status, 503);
    assert_memory_equal(answer.body.data, "timeout: ", 9);
    realm_release(fixture->realm, 0);
    assert_int_equal(exchange(fixture, "GET", "/livez", nothing).status, 200);
}

static void livez_waits_for_the_first_registration(void **state)
{
    struct fixture *fixture = *state;
    realm_stop(fixture->realm, 0);
    fault_engine_set(fixture->node->engine, ENGINE_FAULT_UNAVAILABLE, UINT32_MAX);
    realm_start(fixture->realm, 0, true);
    struct rind_slice nothing = {NULL, 0};
    struct rind_answer answer = exchange(fixture, "GET", "/livez", nothing);
    assert_int_equal(answer.status, 503);
    assert_memory_equal(answer.body.data,
                        "not yet registered with service discovery\nversion: ", 51);
    fault_engine_release(fixture->node->engine);
    realm_wait_until(fixture->realm, is_registered, fixture);
    assert_int_equal(exchange(fixture, "GET", "/livez", nothing).status, 200);
}

static void status_shows_both_views_of_a_group(void **state)
{
    struct fixture *fixture = *state;
    struct rind_agent_status_request request = {0};
    struct rind_agent_status_response status = {0};
    uint64_t appended = 0;
    size_t mark = rind_arena_mark(fixture->realm->arena);
    while (appended == 0) { /* the entry may be committed before its append is noted */
        rind_arena_release(fixture->realm->arena, mark);
        call(fixture, &rind_rpc_status, &request, &status);
        assert_true(status.has_hsm && status.agent.groups.count == 1);
        assert_true(status.agent.groups.items[0].has_leader);
        appended = status.agent.groups.items[0].leader.last_appended.index;
    }
    assert_int_equal(status.hsm.realm.groups.count, 1);
    assert_int_equal(status.agent.groups.count, 1);
    assert_true(status.agent.groups.items[0].has_leader);
    assert_int_equal(status.agent.groups.items[0].leader.last_appended.index, 1);
    realm_fail(fixture->realm, 0, RIND_HSM_REQUEST_STATUS, REALM_FAULT_UNAVAILABLE, UINT32_MAX);
    bool has_hsm = true;
    mark = rind_arena_mark(fixture->realm->arena);
    while (has_hsm) { /* a status of the last milliseconds may be shared */
        rind_arena_release(fixture->realm->arena, mark);
        call(fixture, &rind_rpc_status, &request, &status);
        has_hsm = status.has_hsm;
    }
    realm_release(fixture->realm, 0);
}

static void configured_tenants_get_three_requests_per_operation(void **state)
{
    struct fixture *fixture = *state;
    struct rind_store *store = fixture->node->store;
    struct rind_agent_tenants_reload_request request = {0};
    struct rind_agent_tenants_reload_response response;
    assert_true(rind_is_ok(rind_store_tenant_put(&fixture->realm->ctx, store, "test", 1,
                                                 rind_deadline_in_ms(REALM_WAIT_MS))));
    call(fixture, &rind_rpc_tenants_reload, &request, &response);
    assert_int_equal(response.kind, RIND_AGENT_TENANTS_RELOAD_OK);
    assert_int_equal(response.ok.num_tenants, 1);
    struct cluster_client client;
    struct rind_record_id record = cluster_record(1);
    cluster_client_init(&client, 1, &record);
    struct rind_secrets_request recover1 = cluster_simple(RIND_SECRETS_REQUEST_RECOVER1);
    unsigned allowed = 0;
    unsigned limited = 0;
    for (unsigned i = 0; i < 12; i++) {
        record = cluster_record((uint8_t)i); /* other users: reservations do not help */
        cluster_client_init(&client, i, &record);
        enum rind_agent_app_response_kind kind =
            realm_ask(fixture->realm, fixture->users, 0, &fixture->group, &client, &recover1, NULL);
        allowed += kind == RIND_AGENT_APP_OK ? 1 : 0;
        limited += kind == RIND_AGENT_APP_RATE_LIMIT_EXCEEDED ? 1 : 0;
    }
    assert_int_equal(allowed + limited, 12);
    assert_true(allowed >= 3 && limited > 0);
}

static void become_leader_compares_the_index_it_is_given(void **state)
{
    struct fixture *fixture = *state;
    uint64_t last = 1;
    assert_int_equal(realm_become_leader(fixture->realm, 0, &fixture->group, &last),
                     RIND_AGENT_BECOME_LEADER_OK);
    last = 0;
    assert_int_equal(realm_become_leader(fixture->realm, 0, &fixture->group, &last),
                     RIND_AGENT_BECOME_LEADER_STALE_INDEX);
    last = 2;
    assert_int_equal(realm_become_leader(fixture->realm, 0, &fixture->group, &last),
                     RIND_AGENT_BECOME_LEADER_FUTURE_INDEX);
}

static enum rind_agent_become_leader_response_kind
lead_after(struct fixture *fixture, bool has_have, uint64_t have, unsigned times)
{
    struct rind_hsm_become_leader_response refusal = {
        .kind = RIND_HSM_BECOME_LEADER_NOT_CAPTURED,
        .not_captured = {has_have, have},
    };
    realm_fail_with(fixture->realm, 0, RIND_HSM_REQUEST_BECOME_LEADER,
                    &rind_hsm_become_leader_response_schema, &refusal, times);
    return realm_become_leader(fixture->realm, 0, &fixture->group, NULL);
}

static void a_capture_that_lags_a_little_is_waited_for(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(lead_after(fixture, true, 1, 3), RIND_AGENT_BECOME_LEADER_OK);
    assert_int_equal(lead_after(fixture, true, 7, 3), RIND_AGENT_BECOME_LEADER_OK); /* re-read */
    assert_int_equal(lead_after(fixture, false, 0, 1), RIND_AGENT_BECOME_LEADER_NOT_CAPTURED);
    realm_fail(fixture->realm, 0, RIND_HSM_REQUEST_BECOME_LEADER, REALM_FAULT_UNAVAILABLE, 1);
    assert_int_equal(realm_become_leader(fixture->realm, 0, &fixture->group, NULL),
                     RIND_AGENT_BECOME_LEADER_NO_HSM);
    struct rind_hsm_become_leader_response forged = {.kind = RIND_HSM_BECOME_LEADER_INVALID_MAC};
    realm_fail_with(fixture->realm, 0, RIND_HSM_REQUEST_BECOME_LEADER,
                    &rind_hsm_become_leader_response_schema, &forged, 1);
    assert_int_equal(realm_become_leader(fixture->realm, 0, &fixture->group, NULL),
                     RIND_AGENT_BECOME_LEADER_NO_STORE);
}

static void without_an_hsm_requests_are_answered_so(void **state)
{
    struct fixture *fixture = *state;
    struct rind_agent_realm_new_request request = {0};
    struct rind_agent_realm_new_response response;
    call(fixture, &rind_rpc_realm_new, &request, &response);
    assert_int_equal(response.kind, RIND_AGENT_REALM_NEW_HAVE_REALM);
    realm_fail(fixture->realm, 0, RIND_HSM_REQUEST_NEW_REALM, REALM_FAULT_UNAVAILABLE, 1);
    call(fixture, &rind_rpc_realm_new, &request, &response);
    assert_int_equal(response.kind, RIND_AGENT_REALM_NEW_NO_HSM);
    struct rind_agent_stepdown_request stepdown = {fixture->realm->id, fixture->group};
    struct rind_agent_stepdown_response stepped;
    realm_fail(fixture->realm, 0, RIND_HSM_REQUEST_STEP_DOWN, REALM_FAULT_UNAVAILABLE, 1);
    call(fixture, &rind_rpc_stepdown, &stepdown, &stepped);
    assert_int_equal(stepped.kind, RIND_AGENT_STEPDOWN_NO_HSM);
}

static void events_are_worded_as_in_the_vectors(void **state)
{
    struct fixture *fixture = *state;
    const struct rind_app_result_type results[] = {
        {.kind = RIND_APP_RESULT_REGISTER2},
        {.kind = RIND_APP_RESULT_RECOVER2,
         .recover2 = {.has_updated = true, .updated = {.num_guesses = 42, .guess_count = 4}}},
        {.kind = RIND_APP_RESULT_RECOVER3, .recover3 = {.recovered = true}},
        {.kind = RIND_APP_RESULT_DELETE},
    };
    const struct rind_app_result_type silent[] = {
        {.kind = RIND_APP_RESULT_REGISTER1},
        {.kind = RIND_APP_RESULT_RECOVER1},
        {.kind = RIND_APP_RESULT_RECOVER2, .recover2 = {.has_updated = false}},
        {.kind = RIND_APP_RESULT_RECOVER3, .recover3 = {.recovered = false}},
    };
    struct rind_slice user =
        rind_slice_text("447ddec5f08c757d40e7acb9f1bc10ed44a960683bb991f5e4ed17498f786ff8");
    json_t *root = rind_vectors_load("agent-misc.json");
    json_t *events = json_object_get(root, "events");
    assert_int_equal(json_array_size(events), 4);
    for (size_t i = 0; i < 4; i++) {
        bool has_event = false;
        struct rind_slice json;
        assert_true(rind_is_ok(
            rind_event_json(&fixture->realm->ctx, &results[i], user, &has_event, &json)));
        assert_true(has_event);
        assert_true(rind_slice_is_text(json, rind_vectors_text(json_array_get(events, i), "json")));
        assert_true(
            rind_is_ok(rind_event_json(&fixture->realm->ctx, &silent[i], user, &has_event, &json)));
        assert_false(has_event);
    }
    json_decref(root);
}

static void limiter_states_have_the_bytes_of_the_vectors(void **state)
{
    struct fixture *fixture = *state;
    json_t *root = rind_vectors_load("agent-rpc.json");
    json_t *vectors = json_object_get(root, "vectors");
    size_t at;
    json_t *item;
    unsigned seen = 0;
    json_array_foreach(vectors, at, item)
    {
        const char *name = rind_vectors_text(item, "name");
        if (strncmp(name, "rate_state_inner", 16) != 0) {
            continue;
        }
        seen++;
        struct rind_slice bytes = rind_vectors_hex(item, "hex", fixture->realm->ctx.arena);
        struct rind_rate_view view;
        struct rind_slice encoded;
        assert_true(rind_is_ok(rind_rate_view_decode(&fixture->realm->ctx, bytes, &view)));
        assert_true(rind_is_ok(rind_rate_view_encode(&fixture->realm->ctx, &view, &encoded)));
        assert_true(rind_slice_equal(bytes, encoded));
        rind_rate_view_fini(&view);
    }
    assert_int_equal(seen, 2);
    json_decref(root);
}

struct accounting_wish {
    struct fixture *fixture;
    size_t rows;
};

static size_t accounting_rows(struct fixture *fixture, uint8_t *last_value)
{
    struct rind_ctx *ctx = &fixture->realm->ctx;
    struct rind_read read = {
        .table = rind_table_of_realm(RIND_TABLE_USERS, &fixture->realm->id),
        .cells = RIND_CELLS_ALL,
    };
    struct rind_rows rows;
    assert_true(rind_is_ok(rind_engine_read(ctx, fixture->realm->engine, &read,
                                            rind_deadline_in_ms(REALM_WAIT_MS), &rows)));
    if (rows.count > 0) {
        *last_value = rows.rows[rows.count - 1].cells[0].value.data[0];
    }
    return rows.count;
}

static bool has_accounted(void *self)
{
    struct accounting_wish *wish = self;
    uint8_t value;
    return accounting_rows(wish->fixture, &value) == wish->rows;
}

static void only_what_changed_the_tree_is_accounted(void **state)
{
    struct fixture *fixture = *state;
    struct cluster_client client;
    struct rind_record_id record = cluster_record(1);
    struct rind_secrets_request delete = cluster_simple(RIND_SECRETS_REQUEST_DELETE);
    cluster_client_init(&client, 1, &record);
    assert_int_equal(
        realm_ask(fixture->realm, fixture->users, 0, &fixture->group, &client, &delete, NULL),
        RIND_AGENT_APP_OK); /* nothing was there: an event, no accounting */
    assert_int_equal(atomic_load(&fixture->node->events.published), 1);
    record = cluster_record(2);
    cluster_client_init(&client, 2, &record);
    struct rind_secrets_request register2 = cluster_register2(9, 2);
    assert_int_equal(
        realm_ask(fixture->realm, fixture->users, 0, &fixture->group, &client, &register2, NULL),
        RIND_AGENT_APP_OK);
    struct accounting_wish wish = {fixture, 1};
    realm_wait_until(fixture->realm, has_accounted, &wish);
    uint8_t value = 0xff;
    assert_int_equal(accounting_rows(fixture, &value), 1);
    assert_int_equal(value, RIND_USER_SECRET_REGISTERED);
}

struct disconnect_wish {
    struct fixture *fixture;
    unsigned apps;
};

static bool has_asked_hsm(void *self)
{
    struct disconnect_wish *wish = self;
    return realm_calls(wish->fixture->realm, 0, RIND_HSM_REQUEST_APP_REQUEST) > wish->apps;
}

static void a_client_that_goes_away_leaves_no_hole_in_the_log(void **state)
{
    struct fixture *fixture = *state;
    struct rind_ctx *ctx = &fixture->realm->ctx;
    struct cluster_client client;
    struct rind_record_id record = cluster_record(1);
    cluster_client_init(&client, 1, &record);
    struct rind_secrets_request register1 = cluster_simple(RIND_SECRETS_REQUEST_REGISTER1);
    struct rind_agent_app_request app =
        realm_request(fixture->realm, fixture->users, &fixture->group, &client, &register1);
    struct disconnect_wish wish = {fixture,
                                   realm_calls(fixture->realm, 0, RIND_HSM_REQUEST_APP_REQUEST)};
    struct rind_url url;
    struct rind_slice body;
    struct rind_fan *fan;
    assert_true(rind_is_ok(rind_url_join(ctx, &fixture->node->agent->options.url, "app", &url)));
    assert_true(
        rind_is_ok(rind_wire_encode_alloc(ctx, &rind_agent_app_request_schema, &app, &body)));
    struct rind_call call = {
        .url = &url, .body = body, .deadline = rind_deadline_in_ms(REALM_WAIT_MS)};
    realm_fail(fixture->realm, 0, RIND_HSM_REQUEST_APP_REQUEST, REALM_FAULT_HOLD, 1);
    assert_true(rind_is_ok(rind_fan_open(ctx, fixture->client, &call, 1, &fan)));
    struct rind_fan_result result;
    while (!has_asked_hsm(&wish)) { /* the fan sends while we look for its answer */
        (void)rind_fan_next(ctx, fan, rind_deadline_in_ms(5), &result);
    }
    rind_fan_close(fan); /* the connection is cut while the HSM's reply is on its way */
    realm_release(fixture->realm, 0);
    realm_wait_committed(fixture->realm, 0, &fixture->group, 2);
    record = cluster_record(2);
    cluster_client_init(&client, 2, &record);
    assert_int_equal(
        realm_ask(fixture->realm, fixture->users, 0, &fixture->group, &client, &register1, NULL),
        RIND_AGENT_APP_OK);
}

static void a_graceful_end_leaves_no_leadership_and_no_row_behind(void **state)
{
    struct fixture *fixture = *state;
    realm_wait_until(fixture->realm, is_registered, fixture);
    rind_agent_shut_down(fixture->node->agent, rind_deadline_in_ms(REALM_WAIT_MS));
    assert_int_equal(realm_role(fixture->realm, 0, &fixture->group).role.kind, RIND_ROLE_WITNESS);
    assert_int_equal(realm_become_leader(fixture->realm, 0, &fixture->group, NULL),
                     RIND_AGENT_BECOME_LEADER_NO_HSM);
    struct rind_services services;
    assert_true(rind_is_ok(
        rind_store_discovery_lookup(&fixture->realm->ctx, fixture->node->store, RIND_SERVICE_AGENT,
                                    rind_deadline_in_ms(REALM_WAIT_MS), &services)));
    assert_int_equal(services.count, 0);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(bodies_are_judged_before_the_handler_runs),
        CASE(ids_may_be_integer_arrays_but_must_have_their_size),
        CASE(a_leader_that_asks_for_more_than_is_captured_hears_it_all_the_same),
        CASE(a_missing_optional_key_reads_as_null),
        CASE(unknown_realms_and_groups_are_answered_by_name),
        CASE(bad_client_messages_never_reach_the_hsm),
        CASE(livez_tells_health_from_a_live_answer),
        CASE(livez_waits_for_the_first_registration),
        CASE(status_shows_both_views_of_a_group),
        CASE(configured_tenants_get_three_requests_per_operation),
        CASE(become_leader_compares_the_index_it_is_given),
        CASE(a_capture_that_lags_a_little_is_waited_for),
        CASE(without_an_hsm_requests_are_answered_so),
        CASE(events_are_worded_as_in_the_vectors),
        CASE(limiter_states_have_the_bytes_of_the_vectors),
        CASE(only_what_changed_the_tree_is_accounted),
        CASE(a_client_that_goes_away_leaves_no_hole_in_the_log),
        CASE(a_graceful_end_leaves_no_leadership_and_no_row_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
