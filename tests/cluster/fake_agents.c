/* fake_agents.c - see fake_agents.h. */
#include "cluster/fake_agents.h"

#include <sys/socket.h>
#include <unistd.h>

#include "support/test.h"

#define FAKE_ARENA_SIZE (64u << 20)

struct rind_group_id fake_group_id(uint8_t byte)
{
    struct rind_group_id id;
    memset(&id, byte, sizeof(id));
    return id;
}

struct rind_hsm_id fake_hsm_id(uint8_t byte)
{
    struct rind_hsm_id id;
    memset(&id, byte, sizeof(id));
    return id;
}

struct rind_owned_range fake_range(uint8_t start, uint8_t end)
{
    struct rind_owned_range range;
    memset(&range.start, 0, sizeof(range.start));
    memset(&range.end, 0xff, sizeof(range.end));
    range.start.bytes[0] = start;
    range.end.bytes[0] = end;
    return range;
}

/* ---- answers ---- */

static const struct rind_rpc *const fake_rpcs[] = {
    &rind_rpc_status,        &rind_rpc_become_leader,
    &rind_rpc_stepdown,      &rind_rpc_transfer_prepare,
    &rind_rpc_transfer_out,  &rind_rpc_transfer_in,
    &rind_rpc_transfer_owns, &rind_rpc_transfer_complete,
    &rind_rpc_realm_new,     &rind_rpc_transfer_cancel_prepare,
    &rind_rpc_realm_join,    &rind_rpc_group_new,
    &rind_rpc_group_join,    &rind_rpc_tenants_reload,
};

static void fake_fill_group(const struct fake_group *group, struct rind_group_status *status)
{
    *status = (struct rind_group_status){
        .id = group->id,
        .configuration = {.items = (struct rind_hsm_id *)group->members,
                          .count = group->member_count},
        .has_captured = true,
        .captured = {.index = group->captured},
        .has_leader = group->is_leader,
        .leader = {.has_committed = group->committed > 0,
                   .committed = group->committed,
                   .last = group->last,
                   .has_owned_range = group->has_range,
                   .owned_range = group->range,
                   .has_transferring = group->has_transferring,
                   .transferring = group->transferring},
        .role = {.role = {.kind = group->is_leader ? RIND_ROLE_LEADER : RIND_ROLE_WITNESS,
                          .leader = {.starting = 1}},
                 .at = 1}};
}

static void fake_fill_view(const struct fake_agent *agent, const struct fake_group *group,
                           struct rind_agent_group_status *view)
{
    *view = (struct rind_agent_group_status){
        .realm = agent->realm->id,
        .group = group->id,
        .role = {.role = {.kind = RIND_ROLE_WITNESS}, .at = 1},
        .has_leader = group->is_leader && !group->is_undriven,
        .leader = {.has_last_appended = true, .last_appended = {.index = group->last}}};
}

static void fake_fill_status(struct rind_ctx *ctx, const struct fake_agent *agent,
                             struct rind_agent_status_response *status)
{
    static const uint8_t public_key[32] = {7};
    struct rind_group_status *groups =
        rind_ctx_alloc_array(ctx, agent->group_count, sizeof(*groups));
    struct rind_agent_group_status *views =
        rind_ctx_alloc_array(ctx, agent->group_count, sizeof(*views));
    for (size_t i = 0; i < agent->group_count; i++) {
        fake_fill_group(&agent->groups[i], &groups[i]);
        fake_fill_view(agent, &agent->groups[i], &views[i]);
    }
    *status = (struct rind_agent_status_response){
        .has_hsm = agent->has_hsm,
        .hsm = {.id = agent->hsm,
                .public_key = RIND_SLICE_OF(public_key),
                .has_realm = agent->has_realm,
                .realm = {.id = agent->realm->id,
                          .groups = {.items = groups, .count = agent->group_count}}},
        .agent = {.name = rind_slice_text(agent->url),
                  .groups = {.items = views, .count = agent->group_count}}};
}

static struct fake_group *fake_find_id(struct fake_agent *agent, const struct rind_group_id *id)
{
    for (size_t i = 0; i < agent->group_count; i++) {
        if (rind_group_id_equal(&agent->groups[i].id, id)) {
            return &agent->groups[i];
        }
    }
    return NULL;
}

/* What an agent does that nobody wrote a script for. Lock held. */
static void fake_default(struct rind_ctx *ctx, struct fake_agent *agent, const struct rind_rpc *rpc,
                         const void *message, void *answer)
{
    if (rpc == &rind_rpc_status) {
        fake_fill_status(ctx, agent, answer);
        return;
    }
    /* Every other response begins with its kind, and Ok is the first. */
    memset(answer, 0, rpc->response->size);
    *(int *)answer = 1;
    if (rpc == &rind_rpc_become_leader) {
        const struct rind_agent_become_leader_request *request = message;
        struct fake_group *group = fake_find_id(agent, &request->group);
        agent->last_requested = request->has_last ? request->last : UINT64_MAX;
        if (group == NULL) {
            *(int *)answer = RIND_AGENT_BECOME_LEADER_INVALID_GROUP;
        } else {
            group->is_leader = true;
        }
    } else if (rpc == &rind_rpc_stepdown) {
        const struct rind_agent_stepdown_request *request = message;
        struct rind_agent_stepdown_response *response = answer;
        struct fake_group *group = fake_find_id(agent, &request->group);
        if (group == NULL || !group->is_leader) {
            response->kind = RIND_AGENT_STEPDOWN_NOT_LEADER;
        } else {
            group->is_leader = false;
            response->ok.last = group->last;
        }
    }
}

/* The script that is due for this call, or -1. Lock held. */
static int fake_next_script(struct fake_agent *agent, const char *path)
{
    for (size_t i = 0; i < agent->script_count; i++) {
        if (agent->scripts[i].times == 0 || strcmp(agent->scripts[i].path, path) != 0) {
            continue;
        }
        if (agent->scripts[i].skip > 0) {
            agent->scripts[i].skip--;
            return -1;
        }
        agent->scripts[i].times--;
        return (int)i;
    }
    return -1;
}

static void fake_count(struct fake_agent *agent, const char *path)
{
    for (size_t i = 0; i < FAKE_PATHS_MAX; i++) {
        if (agent->calls[i].path == NULL || strcmp(agent->calls[i].path, path) == 0) {
            agent->calls[i].path = path;
            agent->calls[i].count++;
            return;
        }
    }
}

static void fake_answer(struct rind_ctx *ctx, struct fake_agent *agent, const struct rind_rpc *rpc,
                        const struct rind_request *request, struct rind_response *response)
{
    void *message = rind_ctx_alloc(ctx, rpc->request->size);
    void *answer = rind_ctx_alloc(ctx, rpc->response->size);
    response->status = 400;
    if (message == NULL || answer == NULL ||
        !rind_is_ok(rind_wire_decode_strict(ctx, rpc->request, request->body, message))) {
        return;
    }
    rind_mutex_lock(&agent->realm->lock);
    fake_count(agent, rpc->path);
    int script = fake_next_script(agent, rpc->path);
    const void *sent = answer;
    if (script >= 0) {
        sent = agent->scripts[script].response;
    } else {
        fake_default(ctx, agent, rpc, message, answer);
    }
    response->status = 500;
    if (sent != NULL &&
        rind_is_ok(rind_wire_encode_alloc(ctx, rpc->response, sent, &response->body))) {
        response->status = 200;
    }
    rind_mutex_unlock(&agent->realm->lock);
}

static void fake_handle(void *self, struct rind_ctx *ctx, const struct rind_request *request,
                        struct rind_response *response)
{
    struct fake_agent *agent = self;
    response->status = 404;
    for (size_t i = 0; i < sizeof(fake_rpcs) / sizeof(fake_rpcs[0]); i++) {
        struct rind_slice path = {request->path.data + 1, request->path.length - 1};
        if (rind_slice_is_text(path, fake_rpcs[i]->path)) {
            fake_answer(ctx, agent, fake_rpcs[i], request, response);
            return;
        }
    }
}

/* ---- the realm ---- */

static void fake_check(struct fake_realm *realm, rind_status status)
{
    if (!rind_is_ok(status)) {
        fail_msg("%s", realm->ctx.sentence);
    }
}

static void fake_agent_open(struct fake_realm *realm, size_t index)
{
    struct fake_agent *agent = &realm->agents[index];
    struct rind_server_options options = rind_server_options_default();
    *agent = (struct fake_agent){.realm = realm,
                                 .hsm = fake_hsm_id((uint8_t)(index + 1)),
                                 .has_hsm = true,
                                 .has_realm = true,
                                 .reserved_fd = -1,
                                 .last_requested = UINT64_MAX};
    fake_check(realm,
               rind_address_parse(&realm->ctx, rind_slice_text("127.0.0.1:0"), &options.listen));
    options.handle = fake_handle;
    options.self = agent;
    options.name = "fake";
    options.http2 = RIND_SERVER_HTTP2_OFF;
    options.worker_threads = 8;
    options.arena_size_bytes = 1u << 20;
    fake_check(realm, rind_server_open(&realm->ctx, &options, &agent->server));
    struct rind_address address = rind_server_address(agent->server);
    struct rind_url url;
    rind_url_from_address(&address, &url);
    (void)snprintf(agent->url, sizeof(agent->url), "%.60s", url.text);
    fake_check(realm, rind_store_discovery_register(&realm->ctx, realm->store, RIND_SERVICE_AGENT,
                                                    agent->url, rind_deadline_in_ms(5000)));
}

void fake_realm_open(struct fake_realm *realm, size_t count)
{
    memset(realm, 0, sizeof(*realm));
    rind_mutex_init(&realm->lock);
    memset(&realm->id, 9, sizeof(realm->id));
    rind_ctx_init(&realm->ctx, NULL);
    fake_check(realm, rind_arena_map(&realm->ctx, FAKE_ARENA_SIZE, &realm->arena));
    realm->ctx.arena = realm->arena;
    fake_check(realm, rind_store_open(&realm->ctx, "memory:", NULL, &realm->store));
    fake_check(realm, rind_store_create_shared_tables(&realm->ctx, realm->store,
                                                      rind_deadline_in_ms(5000)));
    const struct rind_client_options options = rind_client_options_default();
    fake_check(realm, rind_client_open(&realm->ctx, &options, &realm->client));
    realm->cluster = (struct rind_cluster){
        .store = realm->store, .client = realm->client, .log = NULL, .name = "tested"};
    fake_check(realm, rind_grant_keeper_open(&realm->ctx, &realm->cluster, NULL, &realm->keeper));
    for (size_t i = 0; i < count; i++) {
        fake_agent_open(realm, i);
    }
    realm->count = count;
}

void fake_realm_close(struct fake_realm *realm)
{
    rind_grant_keeper_close(realm->keeper);
    rind_client_close(realm->client);
    for (size_t i = 0; i < realm->count; i++) {
        rind_server_close(realm->agents[i].server);
        if (realm->agents[i].reserved_fd >= 0) {
            (void)close(realm->agents[i].reserved_fd);
        }
    }
    rind_store_close(realm->store);
    rind_arena_unmap(realm->arena);
    rind_mutex_fini(&realm->lock);
}

void fake_realm_add_group(struct fake_realm *realm, uint8_t byte, size_t members, size_t leader)
{
    struct fake_group group = {.id = fake_group_id(byte),
                               .member_count = members,
                               .captured = 10,
                               .committed = 10,
                               .last = 10};
    for (size_t i = 0; i < members; i++) {
        group.members[i] = realm->agents[i].hsm;
    }
    rind_mutex_lock(&realm->lock);
    for (size_t i = 0; i < members; i++) {
        struct fake_agent *agent = &realm->agents[i];
        agent->groups[agent->group_count] = group;
        agent->groups[agent->group_count].is_leader = i == leader;
        agent->group_count++;
    }
    rind_mutex_unlock(&realm->lock);
}

struct fake_group *fake_find(struct fake_realm *realm, size_t agent, uint8_t byte)
{
    struct rind_group_id id = fake_group_id(byte);
    struct fake_group *group = fake_find_id(&realm->agents[agent], &id);
    assert_non_null(group);
    return group;
}

size_t fake_leader(struct fake_realm *realm, uint8_t byte)
{
    struct rind_group_id id = fake_group_id(byte);
    size_t leader = SIZE_MAX;
    rind_mutex_lock(&realm->lock);
    for (size_t i = 0; i < realm->count; i++) {
        struct fake_group *group = fake_find_id(&realm->agents[i], &id);
        if (group != NULL && group->is_leader) {
            leader = i;
        }
    }
    rind_mutex_unlock(&realm->lock);
    return leader;
}

void fake_script(struct fake_agent *agent, const char *path, unsigned skip, unsigned times,
                 const void *response)
{
    rind_mutex_lock(&agent->realm->lock);
    assert_true(agent->script_count < FAKE_SCRIPTS_MAX);
    agent->scripts[agent->script_count].path = path;
    agent->scripts[agent->script_count].skip = skip;
    agent->scripts[agent->script_count].times = times;
    agent->scripts[agent->script_count].response = response;
    agent->script_count++;
    rind_mutex_unlock(&agent->realm->lock);
}

unsigned fake_calls(struct fake_agent *agent, const char *path)
{
    unsigned count = 0;
    rind_mutex_lock(&agent->realm->lock);
    for (size_t i = 0; i < FAKE_PATHS_MAX && agent->calls[i].path != NULL; i++) {
        count += strcmp(agent->calls[i].path, path) == 0 ? agent->calls[i].count : 0;
    }
    rind_mutex_unlock(&agent->realm->lock);
    return count;
}

void fake_kill(struct fake_agent *agent)
{
    if (agent->server == NULL) {
        return;
    }
    struct rind_address address = rind_server_address(agent->server);
    const int on = 1;
    rind_server_close(agent->server);
    agent->server = NULL;
    /* Bound but not listening: connections are refused, and nobody else gets the port. */
    agent->reserved_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(agent->reserved_fd >= 0);
    (void)setsockopt(agent->reserved_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    assert_int_equal(
        bind(agent->reserved_fd, (const struct sockaddr *)&address.storage, address.length), 0);
}

void fake_take_lease(struct fake_realm *realm, const char *key, struct rind_lease *lease)
{
    fake_check(realm, rind_store_lease_obtain(&realm->ctx, realm->store, key, "somebody else",
                                              600000, rind_deadline_in_ms(5000), lease));
}

void fake_give_lease(struct fake_realm *realm, const struct rind_lease *lease)
{
    fake_check(realm, rind_store_lease_terminate(&realm->ctx, realm->store, lease,
                                                 rind_deadline_in_ms(5000)));
}

const char *fake_group_key(struct fake_realm *realm, uint8_t byte, char *key)
{
    struct rind_group_id id = fake_group_id(byte);
    rind_lease_key_group(&realm->id, &id, key);
    return key;
}

const char *fake_ownership_key(struct fake_realm *realm, char *key)
{
    rind_lease_key_ownership(&realm->id, key);
    return key;
}
