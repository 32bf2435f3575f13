/* realm.c - see realm.h. */
#include "realm.h"

#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/raw_client.h"

#define ARENA_SIZE (16u << 20)
#define TOKEN_SIZE 4096u

static const char secrets_text[] = "{\"" REALM_TENANT "\":{\"1\":\"a key\"}}";

static const char *realm_make_token(struct realm *realm, enum rind_token_scope scope)
{
    struct rind_slice token;
    struct rind_token_grant grant = {.tenant = rind_slice_text(REALM_TENANT),
                                     .user = rind_slice_text(REALM_USER),
                                     .realm = realm->id,
                                     .scope = scope,
                                     .key_version = 1};
    assert_true(rind_is_ok(
        rind_token_create(&realm->ctx, &grant, realm->key, rind_clock_unix_ms(), &token)));
    char *text = rind_arena_alloc(realm->arena, token.length + 1);
    memcpy(text, token.data, token.length);
    return text;
}

static rind_status realm_publish(void *self, struct rind_ctx *ctx, struct rind_slice tenant,
                                 struct rind_slice json, struct rind_deadline deadline)
{
    struct realm *realm = self;
    if (atomic_load(&realm->refuses_events)) {
        return rind_fail(ctx, RIND_E_UNAVAILABLE, "told to fail");
    }
    return realm->events.publish(realm->events.self, ctx, tenant, json, deadline);
}

static void realm_open_keys(struct realm *realm)
{
    struct rind_secrets_source secrets;
    struct rind_key_source source;
    assert_true(rind_is_ok(rind_software_secrets_text(&realm->ctx, secrets_text, &secrets)));
    assert_true(rind_is_ok(
        rind_key_source_secrets(&realm->ctx, secrets, RIND_SECRET_SOFTWARE_PREFIX, NULL, &source)));
    assert_true(rind_is_ok(rind_tenant_keys_open(&realm->ctx, source, NULL, &realm->keys)));
}

static struct rind_engine *realm_open_engine(struct realm *realm, enum realm_engine kind)
{
    struct rind_engine *engine;
    if (kind == REALM_MEMORY) {
        assert_true(rind_is_ok(rind_engine_open_memory(&realm->ctx, NULL, &engine)));
        return engine;
    }
    (void)snprintf(realm->directory, sizeof(realm->directory), "/tmp/rind-software-XXXXXX");
    assert_non_null(mkdtemp(realm->directory));
    assert_true(rind_is_ok(rind_engine_open_lmdb(&realm->ctx, realm->directory, 0, NULL, &engine)));
    return engine;
}

void realm_open(struct realm *realm, enum realm_engine kind)
{
    memset(realm, 0, sizeof(*realm));
    memset(realm->id.bytes, 0xfa, sizeof(realm->id.bytes));
    rind_ctx_init(&realm->ctx, NULL);
    assert_true(rind_is_ok(rind_arena_map(&realm->ctx, ARENA_SIZE, &realm->arena)));
    realm->ctx.arena = realm->arena;
    fault_engine_open(&realm->fault, realm_open_engine(realm, kind), true);
    assert_true(
        rind_is_ok(rind_store_open_engine(&realm->ctx, &realm->fault.engine, NULL, &realm->store)));
    assert_true(rind_is_ok(rind_store_software_create(&realm->ctx, realm->store, &realm->id,
                                                      rind_deadline_in_ms(10000))));
    realm_open_keys(realm);
    assert_true(rind_is_ok(rind_software_list_open(&realm->ctx, &realm->list)));
    rind_software_list_use(realm->list, &realm->events, &realm->event_source);
    assert_true(rind_is_ok(rind_token_key_new_signing(&realm->ctx, RIND_TOKEN_HS256,
                                                      rind_slice_text("a key"), &realm->key)));
    struct rind_software_options options = {.realm = realm->id,
                                            .idle_timeout_ns = 60 * RIND_NS_PER_S,
                                            .store = realm->store,
                                            .keys = realm->keys,
                                            .events = {realm_publish, realm},
                                            .event_source = &realm->event_source};
    assert_true(rind_is_ok(
        rind_address_parse(&realm->ctx, rind_slice_text("127.0.0.1:0"), &options.listen)));
    if (!rind_is_ok(rind_software_open(&realm->ctx, &options, &realm->software))) {
        fail_msg("%s", realm->ctx.sentence);
    }
    realm->token = realm_make_token(realm, RIND_TOKEN_SCOPE_USER);
    realm->audit_token = realm_make_token(realm, RIND_TOKEN_SCOPE_AUDIT);
}

void realm_close(struct realm *realm)
{
    rind_software_close(realm->software);
    realm->event_source.close(realm->event_source.self);
    rind_tenant_keys_close(realm->keys);
    rind_store_close(realm->store);
    rind_token_key_free(realm->key);
    rind_arena_unmap(realm->arena);
    if (realm->directory[0] != '\0') {
        static const char *const files[] = {"data.mdb", "lock.mdb", "changes"};
        char path[128];
        for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
            (void)snprintf(path, sizeof(path), "%s/%s", realm->directory, files[i]);
            (void)unlink(path);
        }
        (void)rmdir(realm->directory);
    }
}

const char *realm_forge(struct realm *realm, const char *header, const char *claims)
{
    const int variant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
    char *text = rind_arena_alloc(realm->arena, TOKEN_SIZE);
    struct rind_slice mac;
    sodium_bin2base64(text, TOKEN_SIZE / 3, (const uint8_t *)header, strlen(header), variant);
    strcat(text, ".");
    size_t length = strlen(text);
    sodium_bin2base64(text + length, TOKEN_SIZE / 3, (const uint8_t *)claims, strlen(claims),
                      variant);
    assert_true(
        rind_is_ok(rind_token_key_sign(&realm->ctx, realm->key, rind_slice_text(text), &mac)));
    strcat(text, ".");
    length = strlen(text);
    sodium_bin2base64(text + length, 100, mac.data, mac.length, variant);
    return text;
}

/* ---- HTTP ---- */

static void realm_append_body(struct rind_buffer *out, const struct realm_request *request)
{
    if (!request->is_chunked) {
        rind_buffer_print(out, "Content-Length: %zu\r\n\r\n", request->body.length);
        rind_buffer_append(out, request->body);
        return;
    }
    rind_buffer_print(out, "Transfer-Encoding: chunked\r\n\r\n");
    if (request->body.length > 0) {
        rind_buffer_print(out, "%zx\r\n", request->body.length);
        rind_buffer_append(out, request->body);
        rind_buffer_print(out, "\r\n");
    }
    rind_buffer_print(out, "0\r\n\r\n");
}

void realm_send(const struct realm *realm, const struct realm_request *request,
                struct realm_answer *answer)
{
    struct rind_address address = rind_software_address(realm->software);
    struct raw_client client;
    uint8_t bytes[16384];
    struct rind_buffer out;
    rind_buffer_init(&out, bytes, sizeof(bytes));
    rind_buffer_print(&out, "%s %s HTTP/1.1\r\nHost: x\r\n",
                      request->method != NULL ? request->method : "POST",
                      request->path != NULL ? request->path : "/req");
    for (size_t i = 0; i < 6 && request->headers[i] != NULL; i++) {
        rind_buffer_print(&out, "%s\r\n", request->headers[i]);
    }
    realm_append_body(&out, request);
    assert_false(out.is_overflown);
    raw_client_open(&client, &address);
    raw_client_send(&client, bytes, out.length);
    const char *text = raw_client_read_answers(&client, 1);
    const char *end = strstr(text, "\r\n\r\n");
    assert_non_null(end);
    size_t head_size = (size_t)(end - text) + 4;
    memset(answer, 0, sizeof(*answer));
    assert_true(head_size < sizeof(answer->head));
    memcpy(answer->head, text, head_size);
    answer->status = (unsigned)strtoul(text + strlen("HTTP/1.1 "), NULL, 10);
    answer->body_size = client.length - head_size;
    assert_true(answer->body_size <= sizeof(answer->body));
    memcpy(answer->body, text + head_size, answer->body_size);
    raw_client_close(&client);
}

bool realm_body_is(const struct realm_answer *answer, const char *text)
{
    return rind_slice_is_text(rind_slice_make(answer->body, answer->body_size), text);
}

/* ---- the protocol ---- */

void realm_ask(const struct realm *realm, const struct rind_secrets_request *request,
               struct realm_answer *answer)
{
    uint8_t bytes[RIND_SOFTWARE_BODY_SIZE_MAX];
    char authorization[TOKEN_SIZE];
    struct rind_buffer body;
    rind_buffer_init(&body, bytes, sizeof(bytes));
    assert_true(rind_is_ok(rind_wire_encode(NULL, &rind_secrets_request_schema, request, &body)));
    (void)snprintf(authorization, sizeof(authorization), "Authorization: Bearer %s", realm->token);
    const struct realm_request http = {.headers = {authorization, "X-Juicebox-Version: 0.3.4"},
                                       .body = rind_buffer_slice(&body)};
    realm_send(realm, &http, answer);
}

void realm_register(const struct realm *realm, uint16_t num_guesses)
{
    struct realm_answer answer;
    struct rind_secrets_request request = {.kind = RIND_SECRETS_REQUEST_REGISTER2};
    memset(request.register2.version, 7, sizeof(request.register2.version));
    request.register2.oprf_private_key[0] = 5;
    memset(request.register2.unlock_key_tag, 3, sizeof(request.register2.unlock_key_tag));
    request.register2.encryption_key_scalar_share[0] = 9;
    request.register2.policy.num_guesses = num_guesses;
    realm_ask(realm, &request, &answer);
    assert_int_equal(answer.status, 200);
}

struct rind_secrets_request realm_recover2(void)
{
    struct rind_secrets_request request = {.kind = RIND_SECRETS_REQUEST_RECOVER2};
    memset(request.recover2.version, 7, sizeof(request.recover2.version));
    assert_true(rind_hex_decode(
        rind_slice_text("e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76"),
        request.recover2.oprf_blinded_input, sizeof(request.recover2.oprf_blinded_input)));
    return request;
}

struct rind_secrets_response realm_response(const struct realm_answer *answer)
{
    struct rind_secrets_response response;
    assert_int_equal(answer->status, 200);
    assert_non_null(strstr(answer->head, "application/octet-stream"));
    assert_true(rind_is_ok(rind_wire_decode_whole(NULL, &rind_secrets_response_schema,
                                                  rind_slice_make(answer->body, answer->body_size),
                                                  &response)));
    return response;
}
