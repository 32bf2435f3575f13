/* test_tenant_log.c - the service over HTTP, with the in-memory Pub/Sub and Secret Manager. */
#include "tenantlog/tenantlog.h"

#include <sodium.h>
#include <string.h>

#include "emulators/emulator.h"
#include "support/raw_client.h"
#include "support/test.h"
#include "tenantlog/body.h"
#include "tenantlog/options.h"

#define REALM_HEX "fafafafafafafafafafafafafafafafa"
#define WAIT_MS 30000u
#define KEY "secret of the tenant"
#define SECRETS                                                                                    \
    "{\"prj\":{\"tenant-acme\":{\"versions\":{\"1\":{\"payload\":\"" KEY "\"}}},"                  \
    "\"tenant-other\":{\"versions\":{\"1\":{\"payload\":\"" KEY "\"}}},"                           \
    "\"tenant-half\":{\"versions\":{\"1\":{\"payload\":"                                           \
    "\"{\\\"data\\\":\\\"k\\\",\\\"encoding\\\":\\\"UTF8\\\"}\"}}}}}"

struct world {
    struct rind_arena *arena;
    struct rind_ctx ctx;
    struct emulator pubsub;
    struct emulator secrets;
    struct rind_pubsub *publisher;
    struct rind_pubsub_flags pubsub_flags;
    struct rind_secret_manager_flags secrets_flags;
    struct rind_event_source events;
    struct rind_tenant_keys *keys;
    struct rind_tenant_log *service;
    struct rind_address address;
    struct rind_realm_id realm;
    struct raw_client client;
    char token[1024];
};

/* A token with that key id and those claims, signed with KEY. */
static void make_token(struct world *world, const char *kid, const char *claims)
{
    const int variant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
    char header[128];
    char *text = world->token;
    struct rind_token_key *key = NULL;
    struct rind_slice mac;
    snprintf(header, sizeof(header), "{\"alg\":\"HS256\",\"kid\":\"%s\"}", kid);
    sodium_bin2base64(text, 256, (const uint8_t *)header, strlen(header), variant);
    strcat(text, ".");
    size_t length = strlen(text);
    sodium_bin2base64(text + length, 512, (const uint8_t *)claims, strlen(claims), variant);
    assert_true(rind_is_ok(
        rind_token_key_new_signing(&world->ctx, RIND_TOKEN_HS256, rind_slice_text(KEY), &key)));
    assert_true(rind_is_ok(rind_token_key_sign(&world->ctx, key, rind_slice_text(text), &mac)));
    rind_token_key_free(key);
    strcat(text, ".");
    length = strlen(text);
    sodium_bin2base64(text + length, 128, mac.data, mac.length, variant);
}

#define CLAIMS(tenant, scope)                                                                      \
    "{\"iss\":\"" tenant "\",\"sub\":\"auditor\",\"aud\":\"" REALM_HEX "\",\"scope\":\"" scope "\"}"

static void open_service(struct world *world)
{
    world->pubsub_flags =
        (struct rind_pubsub_flags){.url = world->pubsub.url, .is_url_given = true};
    world->secrets_flags =
        (struct rind_secret_manager_flags){.url = world->secrets.url, .is_url_given = true};
    const struct rind_pubsub_options pubsub = {.project = "prj", .flags = &world->pubsub_flags};
    const struct rind_secret_manager_options secrets = {.project = "prj",
                                                        .flags = &world->secrets_flags};
    struct rind_key_source keys;
    assert_true(rind_is_ok(rind_pubsub_open(&world->ctx, &pubsub, &world->publisher)));
    assert_true(rind_is_ok(
        rind_event_source_pubsub(&world->ctx, world->publisher, &world->realm, &world->events)));
    assert_true(rind_is_ok(
        rind_key_source_secret_manager(&world->ctx, &secrets, RIND_SECRET_TENANT_PREFIX, &keys)));
    assert_true(rind_is_ok(rind_tenant_keys_open(&world->ctx, keys, NULL, &world->keys)));
    struct rind_tenant_log_options options = {
        .realm = world->realm, .events = &world->events, .keys = world->keys, .worker_threads = 8};
    assert_true(rind_is_ok(
        rind_address_parse(&world->ctx, rind_slice_text("127.0.0.1:0"), &options.listen)));
    assert_true(rind_is_ok(rind_tenant_log_open(&world->ctx, &options, &world->service)));
    world->address = rind_tenant_log_address(world->service);
}

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    assert_non_null(world);
    assert_true(rind_is_ok(rind_arena_map(NULL, 16u << 20, &world->arena)));
    rind_ctx_init(&world->ctx, world->arena);
    memset(world->realm.bytes, 0xfa, sizeof(world->realm.bytes));
    emulator_open(&world->pubsub, "pubsub");
    emulator_open(&world->secrets, "secretmanager");
    emulator_set_secrets(&world->secrets, SECRETS);
    open_service(world);
    make_token(world, "acme:1", CLAIMS("acme", "audit"));
    raw_client_open(&world->client, &world->address);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    raw_client_close(&world->client);
    rind_tenant_log_close(world->service);
    world->events.close(world->events.self);
    rind_tenant_keys_close(world->keys);
    rind_pubsub_close(world->publisher);
    emulator_close(&world->pubsub);
    emulator_close(&world->secrets);
    rind_arena_unmap(world->arena);
    free(world);
    return 0;
}

static void publish(struct world *world, const char *tenant, const char *text)
{
    struct rind_slice data = rind_slice_text(text);
    const struct rind_pubsub_scope scope = {world->realm, rind_slice_text(tenant)};
    assert_true(rind_is_ok(rind_pubsub_publish(&world->ctx, world->publisher, &scope, &data, 1,
                                               rind_deadline_in_ms(WAIT_MS))));
}

static void send_request(struct world *world, const char *method, const char *path,
                         const char *headers, const char *body)
{
    char head[4096];
    raw_client_clear(&world->client);
    snprintf(head, sizeof(head), "%s %s HTTP/1.1\r\nhost: x\r\ncontent-length: %zu\r\n%s\r\n",
             method, path, strlen(body), headers);
    raw_client_send_text(&world->client, head);
    raw_client_send_text(&world->client, body);
}

/* The whole answer; its body is what follows the empty line. */
static const char *ask(struct world *world, const char *method, const char *path,
                       const char *headers, const char *body)
{
    send_request(world, method, path, headers, body);
    return raw_client_read_answers(&world->client, 1);
}

static const char *post(struct world *world, const char *path, const char *body)
{
    char headers[2048];
    snprintf(headers, sizeof(headers), "authorization: Bearer %s\r\n", world->token);
    return ask(world, "POST", path, headers, body);
}

static const char *body_of(const char *answer)
{
    const char *end = strstr(answer, "\r\n\r\n");
    assert_non_null(end);
    return end + 4;
}

static void expect(const char *answer, const char *status, const char *body)
{
    char line[32];
    snprintf(line, sizeof(line), "HTTP/1.1 %s ", status);
    if (strncmp(answer, line, strlen(line)) != 0 || strcmp(body_of(answer), body) != 0) {
        fail_msg("expected %s and %s, got: %s", status, body, answer);
    }
    assert_non_null(strstr(answer, "access-control-allow-origin: *\r\n"));
}

static void expect_message(const char *answer, const char *status, const char *text)
{
    char body[512];
    snprintf(body, sizeof(body), "{\"message\":\"%s\"}\n", text);
    expect(answer, status, body);
    assert_non_null(strstr(answer, "content-type: application/json; charset=UTF-8\r\n"));
}

/* The text of a member of the only event of a page; false if the page is empty. */
static bool event_member(const char *answer, const char *key, char *text, size_t size)
{
    json_t *root = json_loads(body_of(answer), 0, NULL);
    assert_non_null(root);
    const json_t *events = json_object_get(root, "events");
    assert_true(json_is_array(events));
    assert_true(json_array_size(events) <= 1);
    const json_t *event = json_array_get(events, 0);
    if (event != NULL) {
        snprintf(text, size, "%s", json_string_value(json_object_get(event, key)));
    }
    json_decref(root);
    return event != NULL;
}

static void the_realm_is_told_to_everybody(void **state)
{
    struct world *world = *state;
    expect(ask(world, "GET", "/", "", ""), "200", "{\"realmID\":\"" REALM_HEX "\"}\n");
}

static void livez_says_ok_and_the_build(void **state)
{
    struct world *world = *state;
    const char *answer = ask(world, "GET", "/livez", "", "");
    assert_int_equal(strncmp(answer, "HTTP/1.1 200 ", 13), 0);
    static const char start[] = "ok\nrealm: " REALM_HEX "\nversion: ";
    assert_int_equal(strncmp(body_of(answer), start, sizeof(start) - 1), 0);
}

static void unknown_paths_and_methods_are_refused(void **state)
{
    struct world *world = *state;
    expect_message(ask(world, "POST", "/nothing", "", ""), "404", "Not Found");
    expect_message(ask(world, "POST", "/tenant_log/", "", ""), "404", "Not Found");
    expect_message(ask(world, "POST", "/", "", ""), "405", "Method Not Allowed");
    expect_message(ask(world, "GET", "/tenant_log", "", ""), "405", "Method Not Allowed");
    expect_message(ask(world, "PUT", "/tenant_log/ack", "", ""), "405", "Method Not Allowed");
}

static void browsers_may_ask_from_anywhere(void **state)
{
    struct world *world = *state;
    const char *answer = ask(world, "OPTIONS", "/tenant_log",
                             "origin: https://x\r\n"
                             "access-control-request-headers: authorization\r\n",
                             "");
    assert_int_equal(strncmp(answer, "HTTP/1.1 204 ", 13), 0);
    assert_non_null(strstr(answer, "access-control-allow-headers: Authorization"));
    assert_non_null(strstr(answer, "access-control-allow-methods: "));
}

static void tokens_are_required_and_judged(void **state)
{
    struct world *world = *state;
    static const struct {
        const char *kid;
        const char *claims;
        const char *text;
    } cases[] = {
        {"acme:1", CLAIMS("acme", "user"), "jwt claims 'scope' should be 'audit'"},
        {"acme:1", CLAIMS("other", "audit"), "jwt 'iss' field does not match signer"},
        {"acme:2", CLAIMS("acme", "audit"), "invalid or expired jwt"},
        {"nobody:1", CLAIMS("nobody", "audit"), "invalid or expired jwt"},
        {"half:1", CLAIMS("half", "audit"),
         "invalid or expired jwt"}, /* no algorithm: no raw key */
        {"acme", CLAIMS("acme", "audit"), "invalid or expired jwt"},
        {"acme:1", "{\"iss\":\"acme\",\"sub\":\"x\",\"aud\":\"" REALM_HEX "\"}",
         "jwt claims missing 'scope' field"},
    };
    expect_message(ask(world, "POST", "/tenant_log", "", "{}"), "401", "missing or malformed jwt");
    expect_message(ask(world, "POST", "/tenant_log", "authorization: Basic x\r\n", "{}"), "401",
                   "missing or malformed jwt");
    expect_message(ask(world, "POST", "/tenant_log/ack", "authorization: Bearer x\r\n", "not json"),
                   "401", "invalid or expired jwt");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        make_token(world, cases[i].kid, cases[i].claims);
        expect_message(post(world, "/tenant_log/ack", "not json"), "401", cases[i].text);
    }
}

static void one_of_several_headers_may_be_good(void **state)
{
    struct world *world = *state;
    char headers[2048];
    snprintf(headers, sizeof(headers),
             "authorization: Basic x\r\nauthorization: bearer x\r\nauthorization: bEaReR %s\r\n",
             world->token);
    expect(ask(world, "POST", "/tenant_log/ack", headers, "{}"), "200", "{}\n");
}

static void a_key_that_cannot_be_asked_for_is_not_the_tokens_fault(void **state)
{
    struct world *world = *state;
    emulator_set_faults(&world->secrets, "AccessSecretVersion 7\n");
    expect_message(post(world, "/tenant_log/ack", "{}"), "503",
                   "the token's key is not available at the moment");
    emulator_set_faults(&world->secrets, "");
    expect(post(world, "/tenant_log/ack", "{}"), "200", "{}\n");
    emulator_set_faults(&world->secrets, "AccessSecretVersion 7\n");
    expect(post(world, "/tenant_log/ack", "{}"), "200", "{}\n"); /* it is remembered */
}

static void bodies_are_bounded(void **state)
{
    struct world *world = *state;
    static char body[RIND_TENANT_LOG_BODY_SIZE_MAX + 2];
    memset(body, ' ', sizeof(body));
    body[0] = '{';
    body[RIND_TENANT_LOG_BODY_SIZE_MAX - 1] = '}';
    body[RIND_TENANT_LOG_BODY_SIZE_MAX] = '\0';
    expect(post(world, "/tenant_log/ack", body), "200", "{}\n");
    body[RIND_TENANT_LOG_BODY_SIZE_MAX] = ' ';
    body[RIND_TENANT_LOG_BODY_SIZE_MAX + 1] = '\0';
    /* Before authentication: */
    expect_message(ask(world, "POST", "/tenant_log/ack", "", body), "413",
                   "Request Entity Too Large");
}

/* A body in chunks has no length to refuse it by, so it comes to authentication first. */
static void send_chunked(struct world *world, const char *headers, size_t size)
{
    static char chunk[RIND_TENANT_LOG_BODY_SIZE_MAX + 2];
    char head[4096];
    raw_client_close(&world->client);
    raw_client_open(&world->client, &world->address);
    snprintf(
        head, sizeof(head),
        "POST /tenant_log/ack HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n%s\r\n%zx\r\n",
        headers, size);
    memset(chunk, ' ', size);
    chunk[0] = '{';
    chunk[size - 1] = '}';
    raw_client_send_text(&world->client, head);
    raw_client_send(&world->client, chunk, size);
    raw_client_send_text(&world->client, "\r\n0\r\n\r\n");
}

static void a_large_body_without_a_length_fails_after_authentication(void **state)
{
    struct world *world = *state;
    char headers[2048];
    snprintf(headers, sizeof(headers), "authorization: Bearer %s\r\n", world->token);
    send_chunked(world, headers, RIND_TENANT_LOG_BODY_SIZE_MAX);
    expect(raw_client_read_answers(&world->client, 1), "200", "{}\n");
    send_chunked(world, headers, RIND_TENANT_LOG_BODY_SIZE_MAX + 1);
    expect_message(raw_client_read_answers(&world->client, 1), "500",
                   "error reading request body: it is too large");
    send_chunked(world, "", RIND_TENANT_LOG_BODY_SIZE_MAX + 1);
    expect_message(raw_client_read_answers(&world->client, 1), "401", "missing or malformed jwt");
}

static void bad_bodies_are_400(void **state)
{
    struct world *world = *state;
    static const char *const bodies[] = {
        "", "x", "[]", "{\"page_size\":40000}", "{\"page_size\":\"5\"}", "{\"acks\":1}"};
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        const char *answer = post(world, "/tenant_log", bodies[i]);
        assert_int_equal(strncmp(answer, "HTTP/1.1 400 ", 13), 0);
        static const char start[] = "{\"message\":\"error unmarshalling request body: ";
        assert_int_equal(strncmp(body_of(answer), start, sizeof(start) - 1), 0);
    }
}

static void events_are_read_page_by_page_and_acknowledged(void **state)
{
    struct world *world = *state;
    char ack[256];
    char user[256];
    char body[512];
    publish(world, "acme", "{\"event\":\"registered\",\"user\":\"u1\"}");
    const char *answer = post(world, "/tenant_log", "{\"acks\":null}");
    assert_true(event_member(answer, "user_id", user, sizeof(user)));
    assert_string_equal(user, "u1");
    assert_true(event_member(answer, "ack", ack, sizeof(ack)));
    publish(world, "acme", "{\"event\":\"deleted\",\"user\":\"u2\"}");
    snprintf(body, sizeof(body), "{\"acks\":[\"%s\"],\"page_size\":1}", ack);
    answer = post(world, "/tenant_log", body);
    assert_true(event_member(answer, "user_id", user, sizeof(user)));
    assert_string_equal(user, "u2");
    assert_true(event_member(answer, "ack", ack, sizeof(ack)));
    snprintf(body, sizeof(body), "{\"acks\":[\"%s\"]}", ack);
    expect(post(world, "/tenant_log/ack", body), "200", "{}\n");
    assert_int_equal(emulator_count(&world->pubsub, "Acknowledge"), 2);
}

static void acknowledgements_may_come_in_any_order(void **state)
{
    struct world *world = *state;
    char acks[2][256];
    char body[1024];
    for (unsigned i = 0; i < 2; i++) {
        publish(world, "acme", "{\"event\":\"registered\",\"user\":\"u\"}");
        assert_true(
            event_member(post(world, "/tenant_log", "{}"), "ack", acks[i], sizeof(acks[i])));
    }
    snprintf(body, sizeof(body), "{\"acks\":[\"%s\",\"%s\"]}", acks[1], acks[0]);
    expect(post(world, "/tenant_log/ack", body), "200", "{}\n");
}

static void a_tenant_sees_its_own_events_only(void **state)
{
    struct world *world = *state;
    char user[256];
    publish(world, "other", "{\"event\":\"registered\",\"user\":\"theirs\"}");
    publish(world, "acme", "{\"event\":\"registered\",\"user\":\"ours\"}");
    assert_true(event_member(post(world, "/tenant_log", "{}"), "user_id", user, sizeof(user)));
    assert_string_equal(user, "ours");
    make_token(world, "other:1", CLAIMS("other", "audit"));
    assert_true(event_member(post(world, "/tenant_log", "{}"), "user_id", user, sizeof(user)));
    assert_string_equal(user, "theirs");
}

static void a_request_waits_for_the_first_event_and_makes_the_subscription(void **state)
{
    struct world *world = *state;
    char user[256];
    char headers[2048];
    snprintf(headers, sizeof(headers), "authorization: Bearer %s\r\n", world->token);
    send_request(world, "POST", "/tenant_log", headers, "{\"page_size\":7}");
    struct rind_deadline deadline = rind_deadline_in_ms(WAIT_MS);
    while (emulator_count(&world->pubsub, "Pull") < 2) { /* the first found no subscription */
        assert_false(rind_deadline_has_expired(deadline));
    }
    assert_int_equal(emulator_count(&world->pubsub, "CreateSubscription"), 1);
    publish(world, "acme", "{\"event\":\"registered\",\"user\":\"late\"}");
    const char *answer = raw_client_read_answers(&world->client, 1);
    assert_true(event_member(answer, "user_id", user, sizeof(user)));
    assert_string_equal(user, "late");
}

static void an_event_that_cannot_be_read_hides_no_other(void **state)
{
    struct world *world = *state;
    char user[256];
    publish(world, "acme", "not json");
    publish(world, "acme", "{\"event\":\"registered\",\"user\":\"u\"}");
    const char *answer = post(world, "/tenant_log", "{\"page_size\":1}");
    assert_true(event_member(answer, "user_id", user, sizeof(user)));
    assert_string_equal(user, "u");
}

static void a_bad_acknowledgement_is_told(void **state)
{
    struct world *world = *state;
    publish(world, "acme", "{\"event\":\"registered\",\"user\":\"u\"}");
    emulator_set_faults(&world->pubsub, "Acknowledge 3\n");
    expect_message(post(world, "/tenant_log/ack", "{\"acks\":[\"x\"]}"), "400",
                   "error acknowledging events");
    expect_message(post(world, "/tenant_log", "{\"acks\":[\"x\"]}"), "500",
                   "error acknowledging events");
    emulator_set_faults(&world->pubsub, "Acknowledge 7\n");
    expect_message(post(world, "/tenant_log/ack", "{\"acks\":[\"x\"]}"), "500",
                   "error acknowledging events");
}

static void an_error_of_the_source_is_500(void **state)
{
    struct world *world = *state;
    emulator_set_faults(&world->pubsub, "Pull 7\n");
    expect_message(post(world, "/tenant_log", "{}"), "500", "error reading events");
}

static void who_waits_gets_an_empty_page_when_the_service_ends(void **state)
{
    struct world *world = *state;
    char headers[2048];
    snprintf(headers, sizeof(headers), "authorization: Bearer %s\r\n", world->token);
    send_request(world, "POST", "/tenant_log", headers, "{}");
    struct rind_deadline deadline = rind_deadline_in_ms(WAIT_MS);
    while (emulator_count(&world->pubsub, "Pull") < 1) {
        assert_false(rind_deadline_has_expired(deadline));
    }
    assert_true(rind_is_ok(
        rind_tenant_log_drain(&world->ctx, world->service, rind_deadline_in_ms(WAIT_MS))));
    expect(raw_client_read_answers(&world->client, 1), "200", "{\"events\":[]}\n");
}

static void events_are_in_the_project_unless_another_is_named(void **state)
{
    (void)state;
    static struct rind_tenant_log_flags flags;
    int exit_status = -1;
    char *arguments[] = {"rind-tenant-log",  "-id",    REALM_HEX, "-port=7", "--project", "mine",
                         "--pubsub-project", "theirs", NULL};
    assert_true(rind_tenant_log_flags_parse(&flags, 6, arguments, &exit_status));
    assert_string_equal(flags.project, "mine");
    assert_string_equal(flags.pubsub.project, "mine");
    assert_int_equal(rind_address_port(&flags.listen), 7);
    assert_true(rind_tenant_log_flags_parse(&flags, 8, arguments, &exit_status));
    assert_string_equal(flags.pubsub.project, "theirs");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_are_in_the_project_unless_another_is_named),
        TEST(the_realm_is_told_to_everybody),
        TEST(livez_says_ok_and_the_build),
        TEST(unknown_paths_and_methods_are_refused),
        TEST(browsers_may_ask_from_anywhere),
        TEST(tokens_are_required_and_judged),
        TEST(one_of_several_headers_may_be_good),
        TEST(a_key_that_cannot_be_asked_for_is_not_the_tokens_fault),
        TEST(bodies_are_bounded),
        TEST(a_large_body_without_a_length_fails_after_authentication),
        TEST(bad_bodies_are_400),
        TEST(events_are_read_page_by_page_and_acknowledged),
        TEST(acknowledgements_may_come_in_any_order),
        TEST(a_tenant_sees_its_own_events_only),
        TEST(a_request_waits_for_the_first_event_and_makes_the_subscription),
        TEST(an_event_that_cannot_be_read_hides_no_other),
        TEST(a_bad_acknowledgement_is_told),
        TEST(an_error_of_the_source_is_500),
        TEST(who_waits_gets_an_empty_page_when_the_service_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
