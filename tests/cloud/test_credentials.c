/*
 * test_credentials.c - Google credentials that are missing, damaged or refused, and whose tokens
 * come from a service that may be away: a TLS gRPC server that looks at the tokens, a token
 * endpoint that can be turned off, and a metadata server that may be anything.
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
#include "cloud/credentials.h"
#include "cloud/metadata.h"
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
    atomic_bool is_refusing; /* what it is shown is expired or was taken back */
    atomic_bool is_closing;
    _Atomic(const char *) script; /* answered instead, without looking; NULL: none */
    atomic_uint issued;
};

static void endpoint_refuse(int connection)
{
    static const char body[] = "{\"error\": \"invalid_grant\", \"error_description\": \"Token has "
                               "been expired or revoked.\"}";
    (void)dprintf(connection,
                  "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\n"
                  "Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
                  sizeof(body) - 1, body);
}

static void endpoint_issue(struct endpoint *endpoint, int connection)
{
    char body[256];
    (void)snprintf(
        body, sizeof(body),
        "{\"access_token\": \"token-%u\", \"token_type\": \"Bearer\", \"expires_in\": %d, "
        "\"issued_token_type\": \"urn:ietf:params:oauth:token-type:access_token\"}",
        atomic_fetch_add(&endpoint->issued, 1) + 1, TOKEN_LIFE_S);
    (void)dprintf(connection,
                  "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
                  "Connection: close\r\n\r\n%s",
                  strlen(body), body);
}

static void endpoint_answer(struct endpoint *endpoint, int connection)
{
    char request[REQUEST_SIZE_MAX + 1];
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
    const char *script = atomic_load(&endpoint->script);
    if (script != NULL) {
        (void)dprintf(connection, "%s", script);
    } else if (atomic_load(&endpoint->is_refusing)) {
        endpoint_refuse(connection);
    } else {
        endpoint_issue(endpoint, connection);
    }
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

/* gRPC reads whom it trusts once, before its first use: so all tests have one certificate. */
static struct tls_files shared_files;

static int open_files(void **state)
{
    (void)state;
    tls_files_open(&shared_files);
    tls_files_write(&shared_files, TLS_FILES_EC_PKCS8, 1, 1);
    return setenv("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", shared_files.certificate, 1);
}

static int close_files(void **state)
{
    (void)state;
    tls_files_close(&shared_files);
    return 0;
}

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    assert_true(rind_is_ok(rind_arena_map(NULL, 1u << 20, &world->arena)));
    rind_ctx_init(&world->ctx, world->arena);
    world->files = shared_files;
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

static void a_refused_token_is_named_and_asked_for_again(void **state)
{
    struct world *world = *state;
    char token[TOKEN_SIZE];
    atomic_store(&world->endpoint.is_refusing, true);
    rind_status status = ask(world, token);
    assert_true(rind_cloud_may_retry(status));
    assert_non_null(strstr(world->ctx.sentence, "whether a token can be had for"));
    assert_non_null(strstr(world->ctx.sentence, "GOOGLE_APPLICATION_CREDENTIALS"));
    assert_int_equal(atomic_load(&world->endpoint.issued), 0);
    /* The account is allowed again: nobody has to restart anything. */
    atomic_store(&world->endpoint.is_refusing, false);
    struct rind_deadline deadline = rind_deadline_in_ms(WAIT_MS);
    while (!rind_is_ok(ask(world, token))) {
        assert_false(rind_deadline_has_expired(deadline));
    }
    assert_string_equal(token, "Bearer token-1");
}

/* ---- whether there are any ---- */

static struct rind_address endpoint_address(const struct endpoint *endpoint)
{
    struct rind_address address;
    assert_true(rind_is_ok(rind_address_parse(NULL, rind_slice_text("127.0.0.1:1"), &address)));
    rind_address_set_port(&address, (uint16_t)endpoint->port);
    return address;
}

static bool is_there(const struct endpoint *endpoint, uint64_t wait_ms)
{
    struct rind_address address = endpoint_address(endpoint);
    return rind_metadata_is_there(&address, rind_deadline_in_ms(wait_ms));
}

#define METADATA_HEAD "HTTP/1.1 200 OK\r\nMetadata-Flavor: Google\r\nContent-Length: 0\r\n\r\n"

static void a_metadata_server_is_known_by_what_it_says(void **state)
{
    struct world *world = *state;
    struct endpoint *endpoint = &world->endpoint;
    static char endless[2 * RIND_METADATA_HEAD_SIZE_MAX];
    memset(endless, 'x', sizeof(endless) - 1);
    static const char *const strangers[] = {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
                                            "HTTP/1.1 200 OK\r\nMetadata-Flavor: Other\r\n\r\n",
                                            "\r\n\r\n", "", endless};
    for (size_t i = 0; i < sizeof(strangers) / sizeof(strangers[0]); i++) {
        atomic_store(&endpoint->script, strangers[i]);
        assert_false(is_there(endpoint, WAIT_MS));
    }
    atomic_store(&endpoint->script, METADATA_HEAD);
    assert_true(is_there(endpoint, WAIT_MS));
    atomic_store(&endpoint->script, "HTTP/1.1 403 F\r\nmetadata-flavor: google\r\n\r\n");
    assert_true(is_there(endpoint, WAIT_MS));
    atomic_store(&endpoint->is_up, false); /* hangs up */
    assert_false(is_there(endpoint, WAIT_MS));
    struct endpoint nobody = {.port = 1};
    assert_false(is_there(&nobody, WAIT_MS));
    assert_false(is_there(endpoint, 0));
}

static void a_metadata_server_that_says_nothing_is_not_waited_for(void **state)
{
    (void)state;
    struct endpoint silent = {0};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    silent.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(silent.listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(silent.listener, 1), 0); /* and never accepts */
    assert_int_equal(getsockname(silent.listener, (struct sockaddr *)&address, &size), 0);
    silent.port = ntohs(address.sin_port);
    assert_false(is_there(&silent, 50));
    (void)close(silent.listener);
}

static void assert_no_credentials(struct world *world, const struct endpoint *metadata,
                                  const char *sentence)
{
    struct rind_address address = endpoint_address(metadata);
    rind_status status = rind_credentials_find(&world->ctx, "Bigtable", &address);
    if (!rind_is(status, RIND_E_AUTH) || strstr(world->ctx.sentence, sentence) == NULL) {
        fail_msg("expected '%s', got %u: %s", sentence, status.code, world->ctx.sentence);
    }
}

static void without_credentials_all_ways_to_have_some_are_named(void **state)
{
    struct world *world = *state;
    struct endpoint nobody = {.port = 1};
    char home[512];
    (void)snprintf(home, sizeof(home), "%s", getenv("HOME") == NULL ? "/" : getenv("HOME"));
    assert_int_equal(unsetenv("GOOGLE_APPLICATION_CREDENTIALS"), 0);
    assert_int_equal(setenv("HOME", world->files.folder, 1), 0);
    assert_no_credentials(world, &nobody, "Bigtable needs Google credentials and there are none");
    assert_no_credentials(world, &nobody, "a service account's key file");
    assert_no_credentials(world, &nobody, "gcloud auth application-default login");
    assert_int_equal(unsetenv("HOME"), 0);
    assert_no_credentials(world, &nobody, "gcloud auth application-default login");
    /* A machine of Google's needs nothing else. */
    atomic_store(&world->endpoint.script, METADATA_HEAD);
    struct rind_address address = endpoint_address(&world->endpoint);
    assert_true(rind_is_ok(rind_credentials_find(&world->ctx, "Bigtable", &address)));
    assert_int_equal(setenv("HOME", home, 1), 0);
}

static void a_key_that_is_not_whole_gives_way_to_nobody(void **state)
{
    struct world *world = *state;
    char path[128];
    atomic_store(&world->endpoint.script, METADATA_HEAD); /* it would be somebody else */
    (void)snprintf(path, sizeof(path), "%s/credentials.json", world->files.folder);
    static const char *const damaged[] = {
        "{\"type\": \"service_account\", \"client_email\": \"a@b\"}",
        "{\"type\": \"authorized_user\", \"client_id\": \"x\"}",
        "{\"type\": \"external_account\"}"};
    for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
        tls_files_put(path, damaged[i]);
        assert_no_credentials(world, &world->endpoint, "is not whole");
        assert_no_credentials(world, &world->endpoint, path);
    }
    tls_files_put(path, "{\"type\": \"authorized_user\", \"client_id\": \"x\", "
                        "\"client_secret\": \"y\", \"refresh_token\": \"z\"}");
    struct rind_address address = endpoint_address(&world->endpoint);
    assert_true(rind_is_ok(rind_credentials_find(&world->ctx, "Bigtable", &address)));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    static const struct CMUnitTest cases[] = {
        TEST(a_token_outlives_an_outage_and_calls_come_back_after_it),
        TEST(a_refused_token_is_named_and_asked_for_again),
        TEST(a_metadata_server_is_known_by_what_it_says),
        TEST(a_metadata_server_that_says_nothing_is_not_waited_for),
        TEST(without_credentials_all_ways_to_have_some_are_named),
        TEST(a_key_that_is_not_whole_gives_way_to_nobody),
    };
    return cmocka_run_group_tests(cases, open_files, close_files);
}
