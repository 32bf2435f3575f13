/* main.c - rind-agent: puts the parts together, waits for the end, takes them apart in order. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/events_pubsub.h"
#include "agent/hsm_child.h"
#include "agent/hsm_http.h"
#include "agent/options.h"
#include "agent/rpc.h"
#include "host/host.h"
#include "net/net.h"
#include "store/store.h"
#include "telemetry/telemetry.h"

#define MAIN_ARENA_SIZE_BYTES (16u << 20)
#define MAIN_SHUTDOWN_MS 20000u
#define MAIN_DRAIN_MS 2000u
#define MAIN_CHILD_PORT_OFFSET 10000u
#define MAIN_BODY_SIZE_MAX (1u << 20) /* the largest request a peer has reason to send */

struct program {
    struct rind_agent_flags flags;
    char name[RIND_AGENT_NAME_SIZE_MAX];
    struct rind_log_sink *sink;
    struct rind_log log;
    struct rind_process *process;
    struct rind_metrics *metrics;
    struct rind_exporter *exporter;
    struct rind_store *store;
    struct rind_hsm_child *child;
    struct rind_hsm_http *http;
    struct rind_event_counts event_counts;
    struct rind_pubsub_events pubsub_events;
    struct rind_agent *agent;
    struct rind_server *server;
    bool is_bound;
    int bound_fd;
    atomic_bool has_hsm_died;
};

static rind_status program_open_host(struct rind_ctx *ctx, struct program *program)
{
    enum rind_log_level level;
    RIND_TRY(rind_log_level_from_environment(ctx, RIND_LOG_LEVEL_INFO, &level));
    RIND_TRY(rind_log_open(ctx, STDOUT_FILENO, RIND_LOG_FORMAT_AUTO, level, &program->sink));
    if (program->flags.is_name_given) {
        (void)snprintf(program->name, sizeof(program->name), "%s", program->flags.name);
    } else {
        char listen[RIND_ADDRESS_TEXT_SIZE];
        rind_address_format(&program->flags.listen, listen);
        (void)snprintf(program->name, sizeof(program->name), "agent%.100s", listen);
    }
    struct rind_log bare = rind_log_make(program->sink);
    program->log = rind_log_with_text(&bare, "agent", program->name);
    struct rind_hardening hardening = {0};
    RIND_TRY(rind_process_open(ctx, &program->log, &program->process));
    RIND_TRY(rind_process_harden(ctx, &hardening, &program->log));
    struct rind_address statsd;
    struct rind_tag tags[] = {{"service", "software-agent"},
                              {"version", rind_build_info()->git_hash}};
    RIND_TRY(rind_address_parse(ctx, rind_slice_text("127.0.0.1:8125"), &statsd));
    RIND_TRY(rind_metrics_new(ctx, tags, tags[1].value != NULL ? 2 : 1, &program->metrics));
    rind_metrics_add_environment_tags(program->metrics);
    RIND_TRY(rind_metrics_add_dogstatsd(ctx, program->metrics, &statsd, &program->log));
    const struct rind_exporter_options options = {.service = "software-agent",
                                                  .instance = program->name,
                                                  .log = &program->log,
                                                  .metrics = program->metrics};
    return rind_exporter_open(ctx, &options, &program->exporter);
}

/* First of all: an agent that is started twice must not take the HSM away from the one at work. */
static rind_status program_bind(struct rind_ctx *ctx, struct program *program)
{
    struct rind_address listen = program->flags.listen;
    RIND_TRY(rind_server_bind(ctx, &listen, &program->bound_fd));
    program->is_bound = true;
    return RIND_OK;
}

static rind_status program_open_store(struct rind_ctx *ctx, struct program *program)
{
    struct rind_bigtable_options bigtable;
    RIND_TRY(rind_bigtable_flags_options(ctx, &program->flags.bigtable, &program->log, &bigtable));
    struct rind_store_options options = {
        .bigtable = &bigtable,
        .merkle_cache_nodes = program->flags.merkle_cache_size,
        .large_read_ranges = (uint32_t)program->flags.merkle_large_read_limit,
        .large_read_permits = (uint32_t)program->flags.merkle_large_read_permits,
        .log = &program->log,
        .metrics = program->metrics,
    };
    return rind_store_open(ctx, program->flags.store, &options, &program->store);
}

/* Without its HSM an agent is of no use; the supervisor starts both anew. */
static void program_hsm_died(void *self)
{
    struct program *program = self;
    program->has_hsm_died = true;
    rind_process_request_stop(program->process);
}

static rind_status program_open_hsm(struct rind_ctx *ctx, struct program *program)
{
    struct rind_url url = program->flags.hsm_url;
    if (!program->flags.is_hsm_url_given) {
        struct rind_hsm_child_options options = {
            .key = program->flags.key,
            .state_dir = program->flags.state_dir,
            .name = program->flags.is_name_given ? program->flags.name : NULL,
            .listen = program->flags.listen,
            .log = &program->log,
            .on_death = program_hsm_died,
            .self = program,
        };
        rind_address_set_port(&options.listen, (uint16_t)(rind_address_port(&options.listen) +
                                                          MAIN_CHILD_PORT_OFFSET));
        RIND_TRY(rind_hsm_child_open(ctx, &options, &program->child));
        rind_url_from_address(&options.listen, &url);
    }
    return rind_hsm_http_open(ctx, &url, program->metrics, &program->http);
}

/* Eagerly, so that an agent without access to the topics does not start (06 section 12.1). */
static rind_status program_open_events(struct rind_ctx *ctx, struct program *program)
{
    RIND_TRY(rind_pubsub_flags_complete(ctx, &program->flags.pubsub));
    if (!rind_agent_flags_want_pubsub(&program->flags)) {
        return RIND_OK;
    }
    const struct rind_pubsub_options options = {
        .project = program->flags.pubsub.project != NULL ? program->flags.pubsub.project
                                                         : program->flags.bigtable.project,
        .flags = &program->flags.pubsub,
        .log = &program->log,
        .metrics = program->metrics,
    };
    program->pubsub_events.log = &program->log;
    return rind_pubsub_open(ctx, &options, &program->pubsub_events.pubsub);
}

static rind_status program_open_agent(struct rind_ctx *ctx, struct program *program)
{
    struct rind_agent_options options = {
        .name = program->name,
        .transport = rind_hsm_http_transport(program->http),
        .store = program->store,
        .metrics = program->metrics,
        .tracer = rind_exporter_tracer(program->exporter),
        .log = &program->log,
        .default_rate = program->flags.default_rate_limit,
        .captured_waits_max = (uint32_t)program->flags.worker_threads / 2,
        .persist_interval_ms = program->flags.persist_interval_ns / RIND_NS_PER_MS,
        .keep_entries = program->flags.keep_entries,
        .stopper = rind_process_stopper(program->process),
    };
    rind_url_from_address(&program->flags.listen, &options.url);
    if (program->pubsub_events.pubsub != NULL) {
        rind_event_sink_pubsub(&options.events, &program->pubsub_events);
    } else {
        rind_event_sink_counting(&options.events, &program->event_counts);
    }
    return rind_agent_open(ctx, &options, &program->agent);
}

static rind_status program_open_server(struct rind_ctx *ctx, struct program *program)
{
    struct rind_server_options options = rind_server_options_default();
    options.listen = program->flags.listen;
    options.has_bound_fd = true;
    options.bound_fd = program->bound_fd;
    program->is_bound = false;
    options.handle = rind_rpc_handle;
    options.self = program->agent;
    options.name = "agent";
    options.log = &program->log;
    options.metrics = program->metrics;
    options.tracer = rind_exporter_tracer(program->exporter);
    options.http2 = RIND_SERVER_HTTP2_OFF;
    options.worker_threads = (unsigned)program->flags.worker_threads;
    options.body_size_bytes_max = MAIN_BODY_SIZE_MAX;
    RIND_TRY(rind_server_open(ctx, &options, &program->server));
    return rind_agent_advertise(ctx, program->agent);
}

static rind_status program_open(struct rind_ctx *ctx, struct program *program)
{
    RIND_TRY(program_open_host(ctx, program));
    RIND_TRY(program_bind(ctx, program));
    RIND_TRY(program_open_store(ctx, program));
    RIND_TRY(program_open_hsm(ctx, program));
    RIND_TRY(program_open_events(ctx, program));
    RIND_TRY(program_open_agent(ctx, program));
    RIND_TRY(program_open_server(ctx, program));
    char listen[RIND_ADDRESS_TEXT_SIZE];
    rind_address_format(&program->flags.listen, listen);
    rind_process_ready(&program->log, listen);
    return RIND_OK;
}

/* By a signal, before it was ready. */
static bool program_was_stopped(const struct program *program)
{
    return program->process != NULL && !program->has_hsm_died &&
           rind_stopper_is_set(rind_process_stopper(program->process));
}

/* The server goes before the agent whose handlers it runs, the HSM after both. */
static void program_close(struct rind_ctx *ctx, struct program *program)
{
    if (program->server != NULL) {
        rind_process_stopping(&program->log);
        rind_process_set_shutdown_deadline(program->process, rind_deadline_in_ms(MAIN_SHUTDOWN_MS));
        if (!program->has_hsm_died) {
            rind_agent_shut_down(program->agent,
                                 rind_deadline_in_ms(MAIN_SHUTDOWN_MS - MAIN_DRAIN_MS - 1000u));
        }
        if (!rind_is_ok(
                rind_server_drain(ctx, program->server, rind_deadline_in_ms(MAIN_DRAIN_MS)))) {
            RIND_LOG_WARN(&program->log, "%s", ctx->sentence);
        }
    }
    rind_server_close(program->server);
    if (program->is_bound) {
        (void)close(program->bound_fd);
    }
    rind_agent_close(program->agent);
    rind_pubsub_close(program->pubsub_events.pubsub);
    rind_hsm_http_close(program->http);
    rind_hsm_child_close(program->child);
    rind_store_close(program->store);
    rind_exporter_close(program->exporter, rind_deadline_in_ms(RIND_EXPORTER_FLUSH_MS));
    rind_metrics_close(program->metrics);
    rind_process_close(program->process);
    rind_log_close(program->sink);
}

int main(int argc, char **argv)
{
    struct program *program = calloc(1, sizeof(*program)); /* threads refer to it */
    if (program == NULL) {
        return 1;
    }
    int exit_status = 0;
    if (!rind_agent_flags_parse(&program->flags, argc, argv, &exit_status)) {
        free(program);
        return exit_status;
    }
    struct rind_ctx ctx;
    struct rind_arena *arena;
    rind_ctx_init(&ctx, NULL);
    if (!rind_is_ok(rind_arena_map(&ctx, MAIN_ARENA_SIZE_BYTES, &arena))) {
        fprintf(stderr, "rind-agent: %s\n", ctx.sentence);
        free(program);
        return 1;
    }
    rind_ctx_init(&ctx, arena);
    if (rind_is_ok(program_open(&ctx, program))) {
        uint64_t reloads = 0;
        while (!rind_process_wait(program->process, rind_deadline_never(), &reloads)) {
        }
        exit_status = program->has_hsm_died ? 1 : 0;
    } else if (program_was_stopped(program)) {
        exit_status = 0;
    } else {
        fprintf(stderr, "rind-agent: %s\n",
                program->has_hsm_died ? "its HSM has ended; it said why" : ctx.sentence);
        exit_status = 1;
    }
    program_close(&ctx, program);
    rind_arena_unmap(arena);
    free(program);
    return exit_status;
}
