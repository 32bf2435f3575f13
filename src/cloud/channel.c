/* channel.c - see channel.h: opening, connecting, renewing and closing. */
#include "cloud/channel_state.h"

#include <grpc/support/log.h>
#include <stdio.h>
#include <stdlib.h>

#include "cloud/credentials.h"
#include "cloud/proto_memory.h"
#include "proto/google_types.pb-c.h"

/* Reconnecting: soon, as an emulator or a rotated connection comes back at once; then less often.
 */
#define CHANNEL_BACKOFF_MS_FIRST 100
#define CHANNEL_BACKOFF_MS_MAX 2000

/* How often somebody who waits for a connection looks whether it was cancelled. */
#define CHANNEL_CANCEL_LOOK_MS 100u

#define CHANNEL_TIMEOUT_NS (20 * RIND_NS_PER_S)
#define CHANNEL_KEEPALIVE_INTERVAL_NS (4 * RIND_NS_PER_S)
#define CHANNEL_KEEPALIVE_TIMEOUT_NS (3 * RIND_NS_PER_S)

/* ---- options ---- */

static bool channel_host_is_google(const char *host)
{
    static const char domain[] = "googleapis.com";
    size_t host_size = strlen(host);
    size_t domain_size = sizeof(domain) - 1;
    if (host_size < domain_size || strcmp(host + host_size - domain_size, domain) != 0) {
        return false;
    }
    return host_size == domain_size || host[host_size - domain_size - 1] == '.';
}

static uint64_t channel_default(uint64_t value, uint64_t otherwise)
{
    return value == 0 ? otherwise : value;
}

void rind_channel_options_init(struct rind_channel_options *options, const char *service,
                               const char *host, const struct rind_url *url,
                               const struct rind_google_flags *flags)
{
    *options = (struct rind_channel_options){.service = service, .flags = *flags};
    struct rind_google_flags *set = &options->flags;
    set->timeout_ns = channel_default(set->timeout_ns, CHANNEL_TIMEOUT_NS);
    set->connect_timeout_ns = channel_default(set->connect_timeout_ns, CHANNEL_TIMEOUT_NS);
    set->keepalive_interval_ns =
        channel_default(set->keepalive_interval_ns, CHANNEL_KEEPALIVE_INTERVAL_NS);
    set->keepalive_timeout_ns =
        channel_default(set->keepalive_timeout_ns, CHANNEL_KEEPALIVE_TIMEOUT_NS);
    if (url == NULL) {
        options->security = RIND_CHANNEL_GOOGLE;
        (void)snprintf(options->target, sizeof(options->target), "%s:443", host);
        return;
    }
    bool is_ipv6 = strchr(url->host, ':') != NULL;
    (void)snprintf(options->target, sizeof(options->target), is_ipv6 ? "[%s]:%u" : "%s:%u",
                   url->host, (unsigned)url->port);
    options->security = RIND_CHANNEL_PLAIN;
    if (url->is_tls) {
        options->security =
            channel_host_is_google(url->host) ? RIND_CHANNEL_GOOGLE : RIND_CHANNEL_TLS;
    }
}

bool rind_channel_needs_credentials(const struct rind_channel_options *options)
{
    return options->security == RIND_CHANNEL_GOOGLE;
}

/* ---- connecting ---- */

gpr_timespec rind_channel_time(struct rind_deadline deadline)
{
    RIND_ASSERT(!rind_deadline_is_never(deadline));
    uint64_t left_ns = rind_deadline_remaining_ns(deadline);
    int64_t bounded_ns = left_ns > INT64_MAX ? INT64_MAX : (int64_t)left_ns;
    return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                        gpr_time_from_nanos(bounded_ns, GPR_TIMESPAN));
}

static grpc_arg channel_number(const char *name, int value)
{
    grpc_arg argument = {.type = GRPC_ARG_INTEGER};
    /* gRPC's structs know no const; it copies names and values. */
    argument.key = rind_proto_text(name);
    argument.value.integer = value;
    return argument;
}

static int channel_ms(uint64_t duration_ns)
{
    uint64_t ms = duration_ns / RIND_NS_PER_MS;
    return ms == 0 ? 1 : ms > INT32_MAX ? INT32_MAX : (int)ms;
}

static grpc_channel *channel_make(const struct rind_channel_options *options,
                                  grpc_channel_credentials *credentials)
{
    const struct rind_google_flags *flags = &options->flags;
    int size_max = (int)options->message_size_bytes_max;
    int interval_ms = channel_ms(flags->keepalive_interval_ns);
    grpc_arg arguments[] = {
        channel_number(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, size_max),
        channel_number(GRPC_ARG_MAX_SEND_MESSAGE_LENGTH, size_max),
        channel_number(GRPC_ARG_KEEPALIVE_TIME_MS, interval_ms),
        channel_number(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, channel_ms(flags->keepalive_timeout_ns)),
        channel_number(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1),
        channel_number(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0), /* no limit */
        channel_number(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, channel_ms(flags->connect_timeout_ns)),
        channel_number(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, CHANNEL_BACKOFF_MS_FIRST),
        channel_number(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, CHANNEL_BACKOFF_MS_MAX),
        /* One retry loop, ours: what may be sent twice is for the caller to say. */
        channel_number(GRPC_ARG_ENABLE_RETRIES, 0),
        /* A DNS record must not be able to change how calls are made. */
        channel_number(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1),
        /* An emulator on this machine is not reached through a proxy. */
        channel_number(GRPC_ARG_ENABLE_HTTP_PROXY, options->security != RIND_CHANNEL_PLAIN),
        /* Each channel its own connection, even of one process to one service. */
        channel_number(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1),
    };
    grpc_channel_args list = {sizeof(arguments) / sizeof(arguments[0]), arguments};
    return grpc_channel_create(options->target, credentials, &list);
}

bool rind_channel_is_cancelled(struct rind_channel *channel)
{
    rind_mutex_lock(&channel->mutex);
    bool is_cancelled = channel->is_cancelled;
    rind_mutex_unlock(&channel->mutex);
    return is_cancelled;
}

/* Connected, or the first attempt has failed, or the deadline has passed, or cancelled. */
static grpc_connectivity_state channel_wait_connected(struct rind_channel *channel,
                                                      grpc_channel *handle,
                                                      struct rind_deadline deadline)
{
    grpc_completion_queue *queue = grpc_completion_queue_create_for_pluck(NULL);
    grpc_connectivity_state state = GRPC_CHANNEL_IDLE;
    for (;;) {
        state = grpc_channel_check_connectivity_state(handle, 1);
        if (state == GRPC_CHANNEL_READY || state == GRPC_CHANNEL_TRANSIENT_FAILURE ||
            state == GRPC_CHANNEL_SHUTDOWN || rind_deadline_has_expired(deadline) ||
            rind_channel_is_cancelled(channel)) {
            break;
        }
        struct rind_deadline look =
            rind_deadline_min(deadline, rind_deadline_in_ms(CHANNEL_CANCEL_LOOK_MS));
        grpc_channel_watch_connectivity_state(handle, state, rind_channel_time(look), queue, queue);
        (void)grpc_completion_queue_pluck(queue, queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
    }
    grpc_completion_queue_shutdown(queue);
    grpc_completion_queue_destroy(queue);
    return state;
}

static rind_status channel_connect(struct rind_ctx *ctx, struct rind_channel *channel)
{
    struct rind_deadline deadline = rind_deadline_in_ns(channel->options.flags.connect_timeout_ns);
    grpc_connectivity_state state =
        channel_wait_connected(channel, channel->connections[0]->handle, deadline);
    if (state == GRPC_CHANNEL_READY) {
        return RIND_OK;
    }
    RIND_REQUIRE(ctx, state == GRPC_CHANNEL_TRANSIENT_FAILURE, RIND_E_UNAVAILABLE,
                 "%s did not accept a connection at %s in time; check the network, its name "
                 "service, and %s",
                 channel->options.service, channel->options.target, channel->options.remedy);
    /* Only a call is told why. It cannot be sent, so it may be any. */
    Google__Types__Empty request = GOOGLE__TYPES__EMPTY__INIT;
    struct rind_grpc_call call = {.method = "/grpc.health.v1.Health/Check",
                                  .resource = "the connection",
                                  .request = &request.base,
                                  .response = &google__types__empty__descriptor,
                                  .is_connecting = true};
    struct rind_stream *stream = NULL;
    ProtobufCMessage *answer = NULL;
    RIND_TRY(rind_stream_open(ctx, channel, &call, rind_deadline_in_ms(1000), &stream));
    rind_status status = rind_stream_next(ctx, stream, &answer);
    rind_stream_close(stream);
    /* It came about after all, or the service does not know the method: then it is there. */
    bool is_connected = rind_is_ok(status) || rind_is(status, RIND_E_INVALID);
    return is_connected ? RIND_OK : status;
}

/* ---- connections ---- */

static rind_status connection_make(struct rind_ctx *ctx, const struct rind_channel *channel,
                                   struct rind_connection **connection)
{
    struct rind_connection *made = calloc(1, sizeof(*made));
    RIND_REQUIRE(ctx, made != NULL, RIND_E_LIMIT, "no memory for a connection");
    made->handle = channel_make(&channel->options, channel->credentials);
    if (made->handle == NULL) {
        free(made);
        return rind_fail(ctx, RIND_E_INTERNAL, "no gRPC channel to %s", channel->options.target);
    }
    *connection = made;
    return RIND_OK;
}

static void connection_close(struct rind_connection *connection)
{
    if (connection != NULL) {
        grpc_channel_destroy(connection->handle);
        free(connection);
    }
}

struct rind_connection *rind_connection_acquire(struct rind_channel *channel)
{
    rind_mutex_lock(&channel->mutex);
    struct rind_connection *found = channel->connections[0];
    for (unsigned i = 1; i < channel->options.connection_count; i++) {
        if (channel->connections[i]->call_count < found->call_count) {
            found = channel->connections[i];
        }
    }
    found->call_count++;
    rind_mutex_unlock(&channel->mutex);
    return found;
}

void rind_connection_release(struct rind_channel *channel, struct rind_connection *connection)
{
    rind_mutex_lock(&channel->mutex);
    connection->call_count--;
    bool is_last = connection->is_replaced && connection->call_count == 0;
    rind_mutex_unlock(&channel->mutex);
    if (is_last) {
        connection_close(connection);
    }
}

static rind_status connection_warm(struct rind_ctx *ctx, struct rind_channel *channel,
                                   struct rind_connection *connection,
                                   const struct rind_grpc_call *warm)
{
    struct rind_deadline deadline = rind_deadline_in_ns(channel->options.flags.connect_timeout_ns);
    grpc_connectivity_state state = channel_wait_connected(channel, connection->handle, deadline);
    RIND_REQUIRE(ctx, !rind_channel_is_cancelled(channel), RIND_E_CANCELLED,
                 "stopped while connecting to %s", channel->options.service);
    RIND_REQUIRE(ctx, state == GRPC_CHANNEL_READY, RIND_E_UNAVAILABLE,
                 "%s does not accept another connection at %s", channel->options.service,
                 channel->options.target);
    if (warm != NULL) {
        ProtobufCMessage *response;
        rind_status ignored =
            rind_connection_call(ctx, channel, connection, warm, deadline, &response);
        (void)ignored;
    }
    return RIND_OK;
}

rind_status rind_channel_renew(struct rind_ctx *ctx, struct rind_channel *channel,
                               unsigned connection, const struct rind_grpc_call *warm)
{
    RIND_ASSERT(connection < channel->options.connection_count);
    struct rind_connection *made = NULL;
    RIND_TRY(connection_make(ctx, channel, &made));
    rind_status status = connection_warm(ctx, channel, made, warm);
    if (!rind_is_ok(status)) {
        connection_close(made);
        return status;
    }
    rind_mutex_lock(&channel->mutex);
    struct rind_connection *old = channel->connections[connection];
    channel->connections[connection] = made;
    old->is_replaced = true;
    bool is_unused = old->call_count == 0;
    rind_mutex_unlock(&channel->mutex);
    if (is_unused) {
        connection_close(old);
    }
    return RIND_OK;
}

/* ---- open, cancel, close ---- */

static rind_status channel_start(struct rind_ctx *ctx, struct rind_channel *channel)
{
    const struct rind_channel_options *options = &channel->options;
    RIND_TRY(
        rind_credentials_make(ctx, options->security, options->service, &channel->credentials));
    for (unsigned i = 0; i < options->connection_count; i++) {
        RIND_TRY(connection_make(ctx, channel, &channel->connections[i]));
    }
    return channel_connect(ctx, channel);
}

/*
 * gRPC's remarks on stderr are for its developers, and some come again and again; what matters of
 * them is in our sentences. Whoever sets GRPC_VERBOSITY gets them.
 */
static void channel_hear_nothing(gpr_log_func_args *remark)
{
    (void)remark;
}

static void channel_silence_grpc(void)
{
    if (getenv("GRPC_VERBOSITY") == NULL) {
        gpr_set_log_function(channel_hear_nothing);
    }
}

rind_status rind_channel_open(struct rind_ctx *ctx, const struct rind_channel_options *options,
                              struct rind_channel **opened)
{
    RIND_ASSERT(options->service != NULL && options->remedy != NULL);
    struct rind_channel *channel = calloc(1, sizeof(*channel));
    RIND_REQUIRE(ctx, channel != NULL, RIND_E_LIMIT, "no memory for a channel");
    channel->options = *options;
    if (options->message_size_bytes_max == 0) {
        channel->options.message_size_bytes_max = RIND_CHANNEL_MESSAGE_SIZE_BYTES_DEFAULT;
    }
    if (options->connection_count == 0) {
        channel->options.connection_count = 1;
    }
    RIND_ASSERT(channel->options.connection_count <= RIND_CHANNEL_CONNECTIONS_MAX);
    RIND_ASSERT(channel->options.message_size_bytes_max <= INT32_MAX);
    if (options->log != NULL) {
        channel->log = *options->log;
        channel->options.log = &channel->log;
    }
    rind_mutex_init(&channel->mutex);
    channel_silence_grpc();
    grpc_init();
    rind_status status = channel_start(ctx, channel);
    if (!rind_is_ok(status)) {
        rind_channel_close(channel);
        return status;
    }
    *opened = channel;
    return RIND_OK;
}

void rind_channel_close(struct rind_channel *channel)
{
    if (channel == NULL) {
        return;
    }
    RIND_ASSERT(channel->streams == NULL);
    for (unsigned i = 0; i < RIND_CHANNEL_CONNECTIONS_MAX; i++) {
        connection_close(channel->connections[i]);
    }
    grpc_channel_credentials_release(channel->credentials);
    grpc_shutdown_blocking();
    rind_mutex_fini(&channel->mutex);
    free(channel);
}

uint64_t rind_channel_calls(const struct rind_channel *channel)
{
    return atomic_load_explicit(&channel->call_count, memory_order_relaxed);
}
