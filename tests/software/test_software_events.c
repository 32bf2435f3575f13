/*
 * test_software_events.c - what a tenant reads at /tenant_log of a software realm (spec 05 sections
 * 12, 13.3), and the list in memory that keeps it.
 */
#include "realm.h"

#include <jansson.h>
#include <sodium.h>
#include <string.h>

/* "mario" of "acme". */
#define USER_HASH_TEXT REALM_TENANT ":" REALM_USER

static int open_realm(void **state)
{
    struct realm *realm = calloc(1, sizeof(*realm));
    assert_non_null(realm);
    realm_open(realm, REALM_MEMORY);
    *state = realm;
    return 0;
}

static int close_realm(void **state)
{
    realm_close(*state);
    free(*state);
    return 0;
}

static void post(const struct realm *realm, const char *token, const char *path, const char *body,
                 struct realm_answer *answer)
{
    char authorization[4096];
    (void)snprintf(authorization, sizeof(authorization), "Authorization: Bearer %s", token);
    const struct realm_request request = {
        .path = path, .headers = {authorization}, .body = rind_slice_text(body)};
    realm_send(realm, &request, answer);
}

/* A page of events; release it. */
static json_t *page(const struct realm *realm, const char *body)
{
    struct realm_answer answer;
    post(realm, realm->audit_token, "/tenant_log", body, &answer);
    assert_int_equal(answer.status, 200);
    json_t *root = json_loadb((const char *)answer.body, answer.body_size, 0, NULL);
    assert_non_null(root);
    json_t *events = json_incref(json_object_get(root, "events"));
    json_decref(root);
    assert_true(json_is_array(events));
    return events;
}

static const char *text_of(const json_t *events, size_t index, const char *key)
{
    return json_string_value(json_object_get(json_array_get(events, index), key));
}

static void expect_event(const json_t *events, size_t index, const char *name, int guess_count)
{
    uint8_t hash[crypto_hash_sha256_BYTES];
    char hex[RIND_HEX_SIZE(sizeof(hash))];
    crypto_hash_sha256(hash, (const uint8_t *)USER_HASH_TEXT, sizeof(USER_HASH_TEXT) - 1);
    rind_hex_encode(RIND_SLICE_OF(hash), hex);
    assert_string_equal(text_of(events, index, "event"), name);
    assert_string_equal(text_of(events, index, "user_id"), hex);
    const json_t *count = json_object_get(json_array_get(events, index), "guess_count");
    assert_int_equal(count != NULL ? json_integer_value(count) : 0, guess_count);
}

static void a_tenant_reads_what_its_user_did(void **state)
{
    struct realm *realm = *state;
    struct realm_answer answer;
    realm_register(realm, 7);
    const struct rind_secrets_request silent[] = {{.kind = RIND_SECRETS_REQUEST_REGISTER1},
                                                  {.kind = RIND_SECRETS_REQUEST_RECOVER1}};
    realm_ask(realm, &silent[0], &answer);
    realm_ask(realm, &silent[1], &answer);
    struct rind_secrets_request request = realm_recover2();
    realm_ask(realm, &request, &answer);
    assert_int_equal(realm_response(&answer).recover2.ok.guess_count, 1);
    memset(request.recover2.version, 8, sizeof(request.recover2.version));
    realm_ask(realm, &request, &answer); /* another version: no guess */
    request = (struct rind_secrets_request){.kind = RIND_SECRETS_REQUEST_RECOVER3};
    memset(request.recover3.version, 7, sizeof(request.recover3.version));
    memset(request.recover3.unlock_key_tag, 4, sizeof(request.recover3.unlock_key_tag));
    realm_ask(realm, &request, &answer); /* the wrong tag recovers nothing */
    memset(request.recover3.unlock_key_tag, 3, sizeof(request.recover3.unlock_key_tag));
    realm_ask(realm, &request, &answer);
    const struct rind_secrets_request delete = {.kind = RIND_SECRETS_REQUEST_DELETE};
    realm_ask(realm, &delete, &answer);
    realm_ask(realm, &delete, &answer); /* also when nothing is stored */
    json_t *events = page(realm, "{\"page_size\":200}");
    assert_int_equal(json_array_size(events), 5);
    expect_event(events, 0, "registered", 0);
    expect_event(events, 1, "guess_used", 1);
    expect_event(events, 2, "share_recovered", 0);
    expect_event(events, 3, "deleted", 0);
    expect_event(events, 4, "deleted", 0);
    json_decref(events);
}

static void without_its_event_a_guess_is_counted_and_nothing_answered(void **state)
{
    struct realm *realm = *state;
    struct realm_answer answer;
    realm_register(realm, 5);
    const struct rind_secrets_request recover2 = realm_recover2();
    atomic_store(&realm->refuses_events, true);
    realm_ask(realm, &recover2, &answer);
    assert_int_equal(answer.status, 500);
    assert_true(realm_body_is(&answer, "Error writing to pub/sub queue"));
    const struct rind_secrets_request recover1 = {.kind = RIND_SECRETS_REQUEST_RECOVER1};
    realm_ask(realm, &recover1, &answer); /* makes no event, so it does not need one */
    assert_int_equal(answer.status, 200);
    atomic_store(&realm->refuses_events, false);
    realm_ask(realm, &recover2, &answer);
    assert_int_equal(realm_response(&answer).recover2.ok.guess_count, 2);
    json_t *events = page(realm, "{\"page_size\":200}");
    assert_int_equal(json_array_size(events), 2);
    expect_event(events, 1, "guess_used", 2);
    json_decref(events);
}

static void a_write_that_fails_makes_no_event(void **state)
{
    struct realm *realm = *state;
    struct realm_answer answer;
    realm_register(realm, 5);
    const struct rind_secrets_request recover2 = realm_recover2();
    fault_engine_set(&realm->fault, FAULT_TEST, FAULT_BEFORE, 1, 1, RIND_E_LIMIT);
    realm_ask(realm, &recover2, &answer);
    assert_int_equal(answer.status, 500);
    json_t *events = page(realm, "{\"page_size\":200}");
    assert_int_equal(json_array_size(events), 1);
    expect_event(events, 0, "registered", 0);
    json_decref(events);
}

static void events_are_acknowledged_once(void **state)
{
    struct realm *realm = *state;
    struct realm_answer answer;
    char body[256];
    realm_register(realm, 5);
    realm_register(realm, 6);
    json_t *events = page(realm, "{\"page_size\":1}");
    assert_int_equal(json_array_size(events), 1);
    (void)snprintf(body, sizeof(body), "{\"acks\":[\"%s\"],\"page_size\":200}",
                   text_of(events, 0, "ack"));
    json_t *rest = page(realm, body);
    assert_int_equal(json_array_size(rest), 1);
    assert_string_not_equal(text_of(rest, 0, "id"), text_of(events, 0, "id"));
    post(realm, realm->audit_token, "/tenant_log/ack", body, &answer);
    assert_int_equal(answer.status, 400); /* it is gone */
    (void)snprintf(body, sizeof(body), "{\"acks\":[\"%s\"]}", text_of(rest, 0, "ack"));
    post(realm, realm->audit_token, "/tenant_log/ack", body, &answer);
    assert_int_equal(answer.status, 200);
    assert_true(realm_body_is(&answer, "{}\n"));
    json_decref(events);
    json_decref(rest);
}

static void each_scope_opens_its_own_paths_only(void **state)
{
    struct realm *realm = *state;
    struct realm_answer answer;
    post(realm, realm->token, "/tenant_log", "{}", &answer);
    assert_int_equal(answer.status, 401);
    assert_true(realm_body_is(&answer, "{\"message\":\"jwt claims 'scope' should be 'audit'\"}\n"));
    realm->token = realm->audit_token;
    const struct rind_secrets_request recover1 = {.kind = RIND_SECRETS_REQUEST_RECOVER1};
    realm_ask(realm, &recover1, &answer);
    assert_int_equal(answer.status, 401);
    assert_true(realm_body_is(&answer, "Error reading user from jwt"));
}

static void each_path_has_its_own_limit_of_a_body(void **state)
{
    struct realm *realm = *state;
    static char body[RIND_TENANT_LOG_BODY_SIZE_MAX + 2];
    struct realm_answer answer;
    memset(body, ' ', RIND_SOFTWARE_BODY_SIZE_MAX + 1);
    post(realm, realm->token, "/req", body, &answer);
    assert_int_equal(answer.status, 413);
    post(realm, realm->audit_token, "/tenant_log/ack", body, &answer);
    assert_int_equal(answer.status, 400); /* read, and no JSON */
}

/* ---- the list ---- */

struct list {
    struct rind_arena *arena;
    struct rind_ctx ctx;
    struct rind_software_events events;
    struct rind_event_source source;
};

static int open_list(void **state)
{
    struct list *list = calloc(1, sizeof(*list));
    struct rind_software_list *opened;
    assert_non_null(list);
    assert_true(rind_is_ok(rind_arena_map(NULL, 16u << 20, &list->arena)));
    rind_ctx_init(&list->ctx, list->arena);
    assert_true(rind_is_ok(rind_software_list_open(&list->ctx, &opened)));
    rind_software_list_use(opened, &list->events, &list->source);
    *state = list;
    return 0;
}

static int close_list(void **state)
{
    struct list *list = *state;
    list->source.close(list->source.self);
    rind_arena_unmap(list->arena);
    free(list);
    return 0;
}

static void list_publish(struct list *list, const char *tenant, const char *text)
{
    assert_true(
        rind_is_ok(list->events.publish(list->events.self, &list->ctx, rind_slice_text(tenant),
                                        rind_slice_text(text), rind_deadline_in_ms(1000))));
}

static size_t list_pull(struct list *list, const char *tenant, size_t count_max,
                        struct rind_delivered_event **events)
{
    size_t count = 0;
    assert_true(
        rind_is_ok(list->source.pull(list->source.self, &list->ctx, rind_slice_text(tenant),
                                     count_max, true, rind_deadline_in_ms(1000), events, &count)));
    return count;
}

static rind_status list_acknowledge(struct list *list, const char *tenant, struct rind_slice ack_id)
{
    return list->source.acknowledge(list->source.self, &list->ctx, rind_slice_text(tenant), &ack_id,
                                    1, rind_deadline_in_ms(1000));
}

static void a_tenant_sees_and_acknowledges_its_own_events_only(void **state)
{
    struct list *list = *state;
    struct rind_delivered_event *events;
    list_publish(list, "a", "1");
    list_publish(list, "ab", "2");
    assert_int_equal(list_pull(list, "abc", 10, &events), 0);
    assert_int_equal(list_pull(list, "a", 10, &events), 1);
    assert_true(rind_slice_is_text(events[0].data, "1"));
    assert_true(rind_is(list_acknowledge(list, "ab", events[0].ack_id), RIND_E_INVALID));
    assert_true(rind_is(list_acknowledge(list, "a", rind_slice_text("")), RIND_E_INVALID));
    assert_true(rind_is_ok(list_acknowledge(list, "a", events[0].ack_id)));
    assert_true(rind_is(list_acknowledge(list, "a", events[0].ack_id), RIND_E_INVALID));
    list_publish(list, "a", "3"); /* after the last one of the list was taken out, too */
    assert_int_equal(list_pull(list, "a", 10, &events), 1);
    assert_int_equal(list_pull(list, "a", 10, &events), 0); /* on its way */
    assert_int_equal(list_pull(list, "ab", 10, &events), 1);
    assert_true(rind_is_ok(list_acknowledge(list, "ab", events[0].ack_id)));
}

static void the_oldest_make_room(void **state)
{
    struct list *list = *state;
    struct rind_delivered_event *events;
    char text[16];
    for (unsigned i = 0; i < RIND_SOFTWARE_LIST_MAX + 3; i++) {
        (void)snprintf(text, sizeof(text), "%u", i);
        list_publish(list, "a", text);
    }
    assert_int_equal(list_pull(list, "a", 1, &events), 1);
    assert_true(rind_slice_is_text(events[0].data, "3"));
    assert_int_equal(list_pull(list, "a", RIND_SOFTWARE_LIST_MAX + 3, &events),
                     RIND_SOFTWARE_LIST_MAX - 1);
}

int main(void)
{
#define CASE(function) cmocka_unit_test_setup_teardown(function, open_realm, close_realm)
    static const struct CMUnitTest cases[] = {
        CASE(a_tenant_reads_what_its_user_did),
        CASE(without_its_event_a_guess_is_counted_and_nothing_answered),
        CASE(a_write_that_fails_makes_no_event),
        CASE(events_are_acknowledged_once),
        CASE(each_scope_opens_its_own_paths_only),
        CASE(each_path_has_its_own_limit_of_a_body),
        cmocka_unit_test_setup_teardown(a_tenant_sees_and_acknowledges_its_own_events_only,
                                        open_list, close_list),
        cmocka_unit_test_setup_teardown(the_oldest_make_room, open_list, close_list),
    };
    if (sodium_init() < 0) {
        return 1;
    }
    return cmocka_run_group_tests(cases, NULL, NULL);
}
