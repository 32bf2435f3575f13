/* realm.c - see realm.h. */
#include "agent/realm.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/create.h"
#include "agent/leadership.h"
#include "agent/realm_inner.h"
#include "agent/rpc.h"

#define REALM_ARENA_SIZE (256u << 20)
#define REALM_SCRIPT_SIZE_MAX 65536u

void realm_fail_test(const char *what, const char *sentence)
{
    fprintf(stderr, "realm: %s: %s\n", what, sentence);
    abort();
}

void realm_require(struct realm *realm, rind_status status, const char *what)
{
    if (!rind_is_ok(status)) {
        realm_fail_test(what, realm->ctx.sentence);
    }
}

/* ---- the transport ---- */

static enum rind_hsm_request_kind kind_of(struct rind_ctx *ctx, struct rind_slice request)
{
    struct rind_hsm_request_envelope *envelope = rind_ctx_alloc(ctx, sizeof(*envelope));
    if (envelope == NULL || !rind_is_ok(rind_wire_decode_strict(
                                ctx, &rind_hsm_request_envelope_schema, request, envelope))) {
        realm_fail_test("transport", "an agent sent an undecodable request");
    }
    return envelope->req.kind;
}

/* The fault for this request, if one is due. Lock held. */
static enum realm_fault take_fault(struct realm_node *node, enum rind_hsm_request_kind kind)
{
    node->calls[kind]++;
    if (node->fault == REALM_FAULT_NONE || node->fault_kind != kind || node->fault_count == 0) {
        return REALM_FAULT_NONE;
    }
    node->fault_count--;
    return node->fault;
}

static void hold(struct realm_node *node)
{
    struct realm *realm = node->realm;
    unsigned ticket = node->ticket_next++;
    RIND_ASSERT(ticket < 64);
    node->held++;
    rind_cond_broadcast(&realm->changed);
    while ((node->tickets_out >> ticket & 1) == 0) {
        if (!rind_cond_wait(&realm->changed, &realm->lock, rind_deadline_in_ms(REALM_WAIT_MS))) {
            realm_fail_test("transport", "a held reply was never released");
        }
    }
    node->held--;
}

static rind_status transport_send(void *self, struct rind_ctx *ctx, struct rind_slice request,
                                  struct rind_slice *response)
{
    struct realm_node *node = self;
    struct realm *realm = node->realm;
    enum rind_hsm_request_kind kind = kind_of(ctx, request);
    struct rind_slice reply = {NULL, 0};
    rind_status status = RIND_OK;
    rind_mutex_lock(&realm->lock);
    enum realm_fault fault = take_fault(node, kind);
    if (fault == REALM_FAULT_ANSWER) {
        *response = node->scripted;
    } else if (fault != REALM_FAULT_UNAVAILABLE) {
        status = cluster_send_bytes(realm->cores, node->h, request, &reply);
        bool is_copied = !rind_is_ok(status) || rind_arena_copy(ctx->arena, reply, response);
        cluster_reset(realm->cores);
        if (!is_copied) {
            status = rind_fail(ctx, RIND_E_LIMIT, "arena is full");
        }
    }
    if (fault == REALM_FAULT_HOLD) {
        hold(node);
    }
    rind_cond_broadcast(&realm->changed);
    rind_mutex_unlock(&realm->lock);
    switch (fault) {
    case REALM_FAULT_UNAVAILABLE:
        return rind_fail(ctx, RIND_E_UNAVAILABLE, "told to be unavailable");
    case REALM_FAULT_LOSE_REPLY:
        return rind_fail(ctx, RIND_E_UNKNOWN_OUTCOME, "told to lose the reply");
    case REALM_FAULT_GARBLE_REPLY:
        *response = rind_slice_text("garbled");
        return RIND_OK;
    case REALM_FAULT_HOLD:
    case REALM_FAULT_ANSWER:
    case REALM_FAULT_NONE:
        break;
    }
    return status;
}

void realm_fail(struct realm *realm, unsigned h, enum rind_hsm_request_kind kind,
                enum realm_fault fault, unsigned count)
{
    rind_mutex_lock(&realm->lock);
    realm->nodes[h].fault = fault;
    realm->nodes[h].fault_kind = kind;
    realm->nodes[h].fault_count = count;
    if (realm->nodes[h].held == 0) { /* else those that are held keep their numbers */
        realm->nodes[h].ticket_next = 0;
        realm->nodes[h].tickets_out = 0;
    }
    rind_mutex_unlock(&realm->lock);
}

void realm_fail_with(struct realm *realm, unsigned h, enum rind_hsm_request_kind kind,
                     const struct rind_schema *schema, const void *response, unsigned count)
{
    struct rind_hsm_metric_list no_metrics = {NULL, 0};
    void *memory = rind_ctx_alloc(&realm->ctx, REALM_SCRIPT_SIZE_MAX);
    RIND_ASSERT(memory != NULL);
    struct rind_buffer bytes;
    rind_buffer_init(&bytes, memory, REALM_SCRIPT_SIZE_MAX);
    realm_require(realm,
                  rind_hsm_response_encode(&realm->ctx, schema, response, &no_metrics, &bytes),
                  "scripted answer");
    realm_fail(realm, h, kind, REALM_FAULT_ANSWER, count);
    rind_mutex_lock(&realm->lock);
    realm->nodes[h].scripted = rind_buffer_slice(&bytes);
    rind_mutex_unlock(&realm->lock);
}

void realm_release_one(struct realm *realm, unsigned h, unsigned ticket)
{
    rind_mutex_lock(&realm->lock);
    realm->nodes[h].tickets_out |= UINT64_C(1) << ticket;
    rind_cond_broadcast(&realm->changed);
    rind_mutex_unlock(&realm->lock);
}

void realm_wait_held(struct realm *realm, unsigned h, unsigned count)
{
    rind_mutex_lock(&realm->lock);
    while (realm->nodes[h].held < count) {
        if (!rind_cond_wait(&realm->changed, &realm->lock, rind_deadline_in_ms(REALM_WAIT_MS))) {
            realm_fail_test("wait", "no reply is held");
        }
    }
    rind_mutex_unlock(&realm->lock);
}

void realm_release(struct realm *realm, unsigned h)
{
    rind_mutex_lock(&realm->lock);
    realm->nodes[h].fault = REALM_FAULT_NONE;
    realm->nodes[h].tickets_out = UINT64_MAX;
    rind_cond_broadcast(&realm->changed);
    rind_mutex_unlock(&realm->lock);
}

unsigned realm_calls(struct realm *realm, unsigned h, enum rind_hsm_request_kind kind)
{
    rind_mutex_lock(&realm->lock);
    unsigned count = realm->nodes[h].calls[kind];
    rind_mutex_unlock(&realm->lock);
    return count;
}

/* ---- beginning and end ---- */

static void open_store(struct realm *realm, struct realm_node *node)
{
    struct rind_store_options options = {.merkle_cache_nodes = 1000, .delete_delay_ms = 50};
    node->engine = fault_engine_new(realm->engine);
    realm_require(
        realm, rind_store_open_engine(&realm->ctx, &node->engine->engine, &options, &node->store),
        "store");
}

struct realm *realm_new(unsigned count)
{
    RIND_ASSERT(count <= REALM_NODES_MAX);
    struct realm *realm = calloc(1, sizeof(*realm));
    RIND_ASSERT(realm != NULL);
    struct rind_hsm_config config = cluster_config_small();
    config.overlay_size = 256;
    config.sessions_max = 256;
    config.log_entries_max = 4096;
    rind_mutex_init(&realm->lock);
    rind_cond_init(&realm->changed);
    realm->cores = cluster_new_with(count, 1, &config);
    realm->node_count = count;
    realm->default_rate = 1000000;
    rind_ctx_init(&realm->ctx, NULL);
    realm_require(realm, rind_arena_map(&realm->ctx, REALM_ARENA_SIZE, &realm->arena), "arena");
    rind_ctx_init(&realm->ctx, realm->arena);
    enum rind_log_level level = RIND_LOG_LEVEL_ERROR;
    realm_require(realm, rind_log_level_from_environment(&realm->ctx, level, &level), "LOGLEVEL");
    realm_require(
        realm, rind_log_open(&realm->ctx, STDERR_FILENO, RIND_LOG_FORMAT_TEXT, level, &realm->sink),
        "log");
    realm->log = rind_log_make(realm->sink);
    realm_require(realm, rind_engine_open_memory(&realm->ctx, NULL, &realm->engine), "engine");
    for (unsigned h = 0; h < count; h++) {
        realm->nodes[h].realm = realm;
        realm->nodes[h].h = h;
        open_store(realm, &realm->nodes[h]);
    }
    realm_require(realm,
                  rind_store_create_shared_tables(&realm->ctx, realm->nodes[0].store,
                                                  rind_deadline_in_ms(REALM_WAIT_MS)),
                  "tables");
    return realm;
}

void realm_free(struct realm *realm)
{
    for (unsigned h = 0; h < realm->node_count; h++) {
        realm_stop(realm, h);
        rind_store_close(realm->nodes[h].store);
    }
    rind_engine_close(realm->engine);
    cluster_free(realm->cores);
    rind_log_close(realm->sink);
    rind_arena_unmap(realm->arena);
    rind_cond_fini(&realm->changed);
    rind_mutex_fini(&realm->lock);
    free(realm);
}

/* A port that was free a moment ago: the URL must be known before the agent listens. */
static uint16_t free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, length) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &length) != 0) {
        realm_fail_test("port", "no free port");
    }
    close(fd);
    return ntohs(address.sin_port);
}

static void events_publish(void *self, struct rind_ctx *ctx, const struct rind_tenant_event *events,
                           size_t count, struct rind_deadline deadline, rind_status *outcomes)
{
    (void)deadline;
    (void)events;
    struct realm_node *node = self;
    for (size_t i = 0; i < count; i++) {
        outcomes[i] =
            node->events_fail ? rind_fail(ctx, RIND_E_UNAVAILABLE, "told to fail") : RIND_OK;
        if (!node->events_fail) {
            atomic_fetch_add(&node->events.published, 1);
        }
    }
}

static void serve(struct realm *realm, struct realm_node *node, struct rind_address address)
{
    struct rind_server_options options = rind_server_options_default();
    options.listen = address;
    options.handle = rind_rpc_handle;
    options.self = node->agent;
    options.name = "agent";
    options.log = &realm->log;
    options.http2 = RIND_SERVER_HTTP2_OFF;
    options.worker_threads = 8;
    options.io_threads = 1;
    realm_require(realm, rind_server_open(&realm->ctx, &options, &node->server), "server");
    realm_require(realm, rind_agent_advertise(&realm->ctx, node->agent), "advertise");
}

void realm_start(struct realm *realm, unsigned h, bool is_served)
{
    struct realm_node *node = &realm->nodes[h];
    struct rind_address address;
    char text[64];
    if (node->port == 0) {
        node->port = is_served ? free_port() : (uint16_t)(1u + h);
    }
    (void)snprintf(text, sizeof(text), "127.0.0.1:%u", node->port);
    realm_require(realm, rind_address_parse(&realm->ctx, rind_slice_text(text), &address), text);
    struct rind_agent_options options = {
        .name = "test",
        .transport = {transport_send, node},
        .store = node->store,
        .events = {events_publish, (h & 1) == 0, NULL, node},
        .log = &realm->log,
        .default_rate = realm->default_rate,
        .captured_waits_max = 4,
        .persist_interval_ms = realm->persist_interval_ms,
        .keep_entries = realm->keep_entries,
    };
    rind_url_from_address(&address, &options.url);
    realm_require(realm, rind_agent_open(&realm->ctx, &options, &node->agent), "agent");
    if (is_served) {
        serve(realm, node, address);
    }
}

void realm_stop(struct realm *realm, unsigned h)
{
    struct realm_node *node = &realm->nodes[h];
    rind_server_close(node->server);
    node->server = NULL;
    rind_agent_close(node->agent);
    node->agent = NULL;
}

void realm_reboot_core(struct realm *realm, unsigned h)
{
    rind_mutex_lock(&realm->lock);
    cluster_reboot(realm->cores, h);
    rind_mutex_unlock(&realm->lock);
}

/* ---- realms and groups ---- */

struct rind_group_id realm_create(struct realm *realm)
{
    struct rind_agent_realm_new_response response;
    rind_create_realm(&realm->ctx, realm->nodes[0].agent, &response);
    if (response.kind != RIND_AGENT_REALM_NEW_OK) {
        realm_fail_test("realm/new", "was not answered with Ok");
    }
    realm->id = response.ok.realm;
    realm_wait_committed(realm, 0, &response.ok.group, 1);
    return response.ok.group;
}

static struct rind_hsm_status_response hsm_status(struct realm *realm, unsigned h)
{
    struct rind_hsm_status_response status;
    realm_require(realm, rind_hsm_link_status(&realm->nodes[h].agent->hsm, &realm->ctx, &status),
                  "status");
    return status;
}

void realm_join(struct realm *realm)
{
    struct rind_hsm_status_response first = hsm_status(realm, 0);
    for (unsigned h = 1; h < realm->node_count; h++) {
        struct rind_agent_realm_join_request request = {realm->id, first.id, first.realm.statement};
        struct rind_agent_realm_join_response response;
        rind_create_join_realm(&realm->ctx, realm->nodes[h].agent, &request, &response);
        if (response.kind != RIND_AGENT_REALM_JOIN_OK) {
            realm_fail_test("realm/join", "was not answered with Ok");
        }
    }
}

static int compare_members(const void *a, const void *b)
{
    const struct rind_group_member *left = a;
    const struct rind_group_member *right = b;
    return rind_hsm_id_compare(&left->hsm, &right->hsm);
}

struct rind_group_id realm_new_group(struct realm *realm, const unsigned *members, unsigned count)
{
    struct rind_group_member list[REALM_NODES_MAX];
    struct rind_hsm_id ids[REALM_NODES_MAX];
    for (unsigned i = 0; i < count; i++) {
        struct rind_hsm_status_response status = hsm_status(realm, members[i]);
        list[i] = (struct rind_group_member){status.id, status.realm.statement};
    }
    qsort(list, count, sizeof(list[0]), compare_members);
    for (unsigned i = 0; i < count; i++) {
        ids[i] = list[i].hsm;
    }
    struct rind_agent_group_new_request request = {realm->id, {list, count}};
    struct rind_agent_group_new_response response;
    rind_create_group(&realm->ctx, realm->nodes[members[0]].agent, &request, &response);
    if (response.kind != RIND_AGENT_GROUP_NEW_OK) {
        realm_fail_test("group/new", "was not answered with Ok");
    }
    for (unsigned i = 1; i < count; i++) {
        struct rind_agent_group_join_request join = {
            realm->id, response.ok.group, {ids, count}, response.ok.statement};
        struct rind_agent_group_join_response joined;
        rind_create_join_group(&realm->ctx, realm->nodes[members[i]].agent, &join, &joined);
        if (joined.kind != RIND_AGENT_GROUP_JOIN_OK) {
            realm_fail_test("group/join", "was not answered with Ok");
        }
    }
    realm_wait_committed(realm, members[0], &response.ok.group, 1);
    return response.ok.group;
}
