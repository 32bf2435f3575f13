/*
 * test_credentials.c - Google credentials whose tokens come from a service that may be away: a TLS
 * gRPC server that looks at the tokens, and a token endpoint that can be turned off.
 * docs/spec/05-cloud-services.md section 1 and "token expiry during outage" of section 15.
 */
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cloud/cloud.h"
#include "proto/google_types.pb-c.h"
#include "support/test.h"
#include "support/tls_files.h"

#define WAIT_MS 30000u
#define REQUEST_SIZE_MAX 16384u
#define TOKEN_SIZE 64u
/* gRPC asks for a new token a minute before the old one expires; so it uses this one for 2 s. */
#define TOKEN_LIFE_S 62

/* ---- the token endpoint ---- */

struct endpoint {
    int listener;
    unsigned port;
    struct rind_thread thread;
    atomic_bool is_up;
    atomic_bool is_closing;
    atomic_uint issued;
};

static void endpoint_answer(struct endpoint *endpoint, int connection)
{
    char request[REQUEST_SIZE_MAX + 1];
    char body[256];
    size_t length = 0;
    const char *end = NULL;
    while (end == NULL && length < REQUEST_SIZE_MAX) {
        ssize_t got = read(connection, request + length, REQUEST_SIZE_MAX - length);
        if (got <= 0) {
            return;
        }
        length += (size_t)got;
        request[length] = '\0';
        end = strstr(request, "\r\n\r\n");
    }
    (void)snprintf(
        body, sizeof(body),
        "{\"access_token\": \"token-%u\", \"token_type\": \"Bearer\", \"expires_in\": %d, "
        "\"issued_token_type\": \"urn:ietf:params:oauth:token-type:access_token\"}",
        atomic_fetch_add(&endpoint->issued, 1) + 1, TOKEN_LIFE_S);
    (void)dprintf(connection,
                  "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
                  "Connection: close\r\n\r\n%s",
                  strlen(body), body);
    (void)shutdown(connection, SHUT_WR);
    while (read(connection, request, REQUEST_SIZE_MAX) > 0) { /* else a reset may overtake it */
    }
}

static void endpoint_run(void *self)
{
    struct endpoint *endpoint = self;
    while (!atomic_load(&endpoint->is_closing)) {
        struct pollfd ready = {.fd = endpoint->listener, .events = POLLIN};
        if (poll(&ready, 1, 20) != 1) {
            continue;
        }
        int connection = accept(endpoint->listener, NULL, NULL);
        if (connection >= 0) {
            if (atomic_load(&endpoint->is_up)) {
                endpoint_answer(endpoint, connection);
            }
            (void)close(connection);
        }
    }
}

static void endpoint_open(struct endpoint *endpoint)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    endpoint->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(endpoint->listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(endpoint->listener, 16), 0);
    assert_int_equal(getsockname(endpoint->listener, (struct sockaddr *)&address, &size), 0);
    endpoint->port = ntohs(address.sin_port);
    atomic_store(&endpoint->is_up, true);
    assert_true(
        rind_is_ok(rind_thread_start(NULL, &endpoint->thread, "endpoint", endpoint_run, endpoint)));
}

static void endpoint_close(struct endpoint *endpoint)
{
    atomic_store(&endpoint->is_closing, true);
    rind_thread_join(&endpoint->thread);
    (void)close(endpoint->listener);
}

/* ---- the service ---- */

struct service {
    grpc_server *server;
    grpc_completion_queue *queue;
    struct rind_thread thread;
    int port;
    struct rind_mutex mutex;
    char authorization[TOKEN_SIZE]; /* of the last call, under the mutex */
};

static void service_wait(struct service *service)
{
    (void)grpc_completion_queue_next(service->queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
}

static void service_note(struct service *service, const grpc_metadata_array *headers)
{
    rind_mutex_lock(&service->mutex);
    service->authorization[0] = '\0';
    for (size_t i = 0; i < headers->count; i++) {
        if (grpc_slice_str_cmp(headers->metadata[i].key, "authorization") == 0) {
            size_t length = GRPC_SLICE_LENGTH(headers->metadata[i].value);
            RIND_ASSERT(length < TOKEN_SIZE);
            memcpy(service->authorization, GRPC_SLICE_START_PTR(headers->metadata[i].value),
                   length);
            service->authorization[length] = '\0';
        }
    }
    rind_mutex_unlock(&service->mutex);
}

/* Says OK with an empty message. */
static void service_answer(struct service *service, grpc_call *call)
{
    int was_cancelled;
    grpc_slice nothing = grpc_empty_slice();
    grpc_byte_buffer *message = grpc_raw_byte_buffer_create(&nothing, 1);
    grpc_op operations[4] = {{.op = GRPC_OP_SEND_INITIAL_METADATA},
                             {.op = GRPC_OP_SEND_MESSAGE},
                             {.op = GRPC_OP_SEND_STATUS_FROM_SERVER},
                             {.op = GRPC_OP_RECV_CLOSE_ON_SERVER}};
    operations[1].data.send_message.send_message = message;
    operations[2].data.send_status_from_server.status = GRPC_STATUS_OK;
    operations[3].data.recv_close_on_server.cancelled = &was_cancelled;
    RIND_ASSERT(grpc_call_start_batch(call, operations, 4, service, NULL) == GRPC_CALL_OK);
    service_wait(service);
    grpc_byte_buffer_destroy(message);
    grpc_call_unref(call);
}

static void service_run(void *self)
{
    struct service *service = self;
    for (;;) {
        grpc_call *call = NULL;
        grpc_call_details details;
        grpc_metadata_array headers;
        grpc_call_details_init(&details);
        grpc_metadata_array_init(&headers);
        RIND_ASSERT(grpc_server_request_call(service->server, &call, &details, &headers,
                                             service->queue, service->queue,
                                             service) == GRPC_CALL_OK);
        service_wait(service);
        bool is_call = call != NULL;
        if (is_call) {
            service_note(service, &headers);
            service_answer(service, call);
        }
        grpc_call_details_destroy(&details);
        grpc_metadata_array_destroy(&headers);
        if (!is_call) {
            return; /* it shuts down */
        }
    }
}

static void read_text(const char *path, char *text, size_t size)
{
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    size_t length = fread(text, 1, size - 1, file);
    text[length] = '\0';
    (void)fclose(file);
}

static void service_open(struct service *service, const struct tls_files *files)
{
    char key[8192];
    char certificate[8192];
    read_text(files->key, key, sizeof(key));
    read_text(files->certificate, certificate, sizeof(certificate));
    grpc_ssl_pem_key_cert_pair pair = {key, certificate};
    grpc_init();
    rind_mutex_init(&service->mutex);
    grpc_server_credentials *credentials = grpc_ssl_server_credentials_create_ex(
        NULL, &pair, 1, GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE, NULL);
    service->server = grpc_server_create(NULL, NULL);
    service->queue = grpc_completion_queue_create_for_next(NULL);
    grpc_server_register_completion_queue(service->server, service->queue, NULL);
    service->port = grpc_server_add_http2_port(service->server, "127.0.0.1:0", credentials);
    grpc_server_credentials_release(credentials);
    assert_true(service->port > 0);
    grpc_server_start(service->server);
    assert_true(
        rind_is_ok(rind_thread_start(NULL, &service->thread, "service", service_run, service)));
}

static void service_close(struct service *service)
{
    grpc_server_shutdown_and_notify(service->server, service->queue, service);
    grpc_server_cancel_all_calls(service->server);
    rind_thread_join(&service->thread); /* it saw one of the two events */
    service_wait(service);
    grpc_server_destroy(service->server);
    grpc_completion_queue_shutdown(service->queue);
    service_wait(service);
    grpc_completion_queue_destroy(service->queue);
    grpc_shutdown_blocking();
    rind_mutex_fini(&service->mutex);
}

/* ---- both, and a client ---- */

/*
 * gRPC makes these of the same file, and the same code of it fetches the tokens; but it insists
 * that the token endpoint is Google's. Here it is ours (the linker is told so).
 */
grpc_channel_credentials *
__wrap_grpc_google_default_credentials_create(grpc_call_credentials *nothing);
grpc_channel_credentials *
__wrap_grpc_google_default_credentials_create(grpc_call_credentials *nothing)
{
    char text[1024];
    assert_null(nothing);
    read_text(getenv("GOOGLE_APPLICATION_CREDENTIALS"), text, sizeof(text));
    grpc_call_credentials *of_call = grpc_external_account_credentials_create(text, "");
    grpc_channel_credentials *tls = grpc_ssl_credentials_create(NULL, NULL, NULL, NULL);
    grpc_channel_credentials *made = grpc_composite_channel_credentials_create(tls, of_call, NULL);
    grpc_channel_credentials_release(tls);
    grpc_call_credentials_release(of_call);
    return made;
}

/* The leak checker asks: c-ares, which gRPC resolves names with, keeps one name of a lookup. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libcares.so\n";
}

struct world {
    struct rind_arena *arena;
    struct rind_ctx ctx;
    struct tls_files files;
    struct endpoint endpoint;
    struct service service;
    struct rind_channel *channel;
};

/* Credentials of the kind whose token endpoint a file names. */
static void write_credentials(struct world *world)
{
    char path[128];
    char subject[128];
    char text[1024];
    (void)snprintf(subject, sizeof(subject), "%s/subject", world->files.folder);
    (void)snprintf(path, sizeof(path), "%s/credentials.json", world->files.folder);
    (void)snprintf(text, sizeof(text),
                   "{\"type\": \"external_account\", \"audience\": \"a\", \"subject_token_type\": "
                   "\"urn:ietf:params:oauth:token-type:jwt\", \"token_url\": "
                   "\"http://127.0.0.1:%u/token\", \"credential_source\": {\"file\": \"%s\"}}",
                   world->endpoint.port, subject);
    tls_files_put(subject, "who this is");
    tls_files_put(path, text);
    assert_int_equal(setenv("GOOGLE_APPLICATION_CREDENTIALS", path, 1), 0);
}

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    assert_true(rind_is_ok(rind_arena_map(NULL, 1u << 20, &world->arena)));
    rind_ctx_init(&world->ctx, world->arena);
    tls_files_open(&world->files);
    tls_files_write(&world->files, TLS_FILES_EC_PKCS8, 1, 1);
    /* What gRPC trusts; read once, before its first use. */
    assert_int_equal(setenv("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", world->files.certificate, 1), 0);
    endpoint_open(&world->endpoint);
    write_credentials(world);
    service_open(&world->service, &world->files);
    struct rind_google_flags flags = {0};
    struct rind_channel_options options;
    rind_channel_options_init(&options, "Bigtable", "localhost", NULL, &flags);
    assert_int_equal(options.security, RIND_CHANNEL_GOOGLE);
    (void)snprintf(options.target, sizeof(options.target), "localhost:%d", world->service.port);
    options.remedy = "--bigtable-project";
    if (!rind_is_ok(rind_channel_open(&world->ctx, &options, &world->channel))) {
        fail_msg("%s", world->ctx.sentence);
    }
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    rind_channel_close(world->channel);
    service_close(&world->service);
    endpoint_close(&world->endpoint);
    assert_int_equal(unsetenv("GOOGLE_APPLICATION_CREDENTIALS"), 0);
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/subject", world->files.folder);
    (void)unlink(path);
    (void)snprintf(path, sizeof(path), "%s/credentials.json", world->files.folder);
    (void)unlink(path);
    tls_files_close(&world->files);
    rind_arena_unmap(world->arena);
    free(world);
    return 0;
}

/* A call, and the token it came with. */
static rind_status ask(struct world *world, char token[static TOKEN_SIZE])
{
    Google__Types__Empty request = GOOGLE__TYPES__EMPTY__INIT;
    struct rind_grpc_call call = {.method = "/google.bigtable.v2.Bigtable/PingAndWarm",
                                  .resource = "projects/prj/instances/inst",
                                  .request = &request.base,
                                  .response = &google__types__empty__descriptor};
    ProtobufCMessage *response;
    rind_arena_map_reset(world->arena, 0);
    rind_ctx_init(&world->ctx, world->arena);
    rind_status status = rind_channel_call(&world->ctx, world->channel, &call,
                                           rind_deadline_in_ms(WAIT_MS), &response);
    rind_mutex_lock(&world->service.mutex);
    (void)snprintf(token, TOKEN_SIZE, "%s", world->service.authorization);
    rind_mutex_unlock(&world->service.mutex);
    return status;
}

static void a_token_outlives_an_outage_and_calls_come_back_after_it(void **state)
{
    struct world *world = *state;
    char token[TOKEN_SIZE];
    assert_true(rind_is_ok(ask(world, token)));
    assert_string_equal(token, "Bearer token-1");
    atomic_store(&world->endpoint.is_up, false);
    /* As long as the token is good nobody is asked, and nobody notices. */
    struct rind_deadline deadline = rind_deadline_in_ms(WAIT_MS);
    unsigned served = 0;
    rind_status status = ask(world, token);
    for (; rind_is_ok(status); status = ask(world, token)) {
        assert_string_equal(token, "Bearer token-1");
        assert_false(rind_deadline_has_expired(deadline));
        served++;
    }
    assert_true(served > 0);
    /* Then a call says what is the matter, and may be tried again. */
    assert_true(rind_cloud_may_retry(status));
    assert_non_null(strstr(world->ctx.sentence, "token"));
    assert_non_null(strstr(world->ctx.sentence, "GOOGLE_APPLICATION_CREDENTIALS"));
    assert_null(strstr(world->ctx.sentence, "token-1"));
    atomic_store(&world->endpoint.is_up, true);
    while (!rind_is_ok(ask(world, token))) {
        assert_false(rind_deadline_has_expired(deadline));
    }
    assert_string_equal(token, "Bearer token-2");
}

int main(void)
{
    static const struct CMUnitTest cases[] = {
        cmocka_unit_test_setup_teardown(a_token_outlives_an_outage_and_calls_come_back_after_it,
                                        setup, teardown),
    };
    return cmocka_run_group_tests(cases, NULL, NULL);
}
