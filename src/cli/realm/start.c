/* start.c - see start.h. */
#include "cli/realm/start.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/keys.h"
#include "cli/realm/emulator.h"
#include "cli/realm/ready.h"
#include "rpc/rpc.h"

#define START_TIMEOUT_MS 60000u     /* from the first process to all being ready */
#define START_POLL_MS 5u            /* between looks at what is not ready yet */
#define START_CALL_TIMEOUT_MS 2000u /* of one look */
#define START_TRANSFER_TIMEOUT_MS 150000u
/* Below the ports that systems give to connections (Linux: from 32768), above well-known ones. */
#define START_PORT_MIN 10240u
#define START_PORT_MAX 32767u
#define START_PORT_TRIES_MAX 64u
#define START_HOST_FIRST 10u /* last number of the first host's address */

static void start_say(const struct rind_local_start *start, const char *format, ...)
    RIND_PRINTF(2, 3);
static void start_say(const struct rind_local_start *start, const char *format, ...)
{
    char step[256];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(step, sizeof(step), format, arguments);
    va_end(arguments);
    if (start->progress != NULL) {
        start->progress(start->progress_self, step);
    }
}

/* The port if it is free now, 0 if not. */
static uint16_t start_probe_port(uint16_t port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    bool is_bound = fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;
    if (fd >= 0) {
        (void)close(fd);
    }
    return is_bound ? port : 0;
}

/*
 * A port that is free now, and that the system gives to no connection: so a daemon that is started
 * again finds it free again. Between here and the daemon's bind somebody else could take it; then
 * the daemon says so and the start fails cleanly.
 */
static rind_status start_free_port(struct rind_ctx *ctx, uint16_t *port)
{
    for (uint32_t i = 0; i < START_PORT_TRIES_MAX; i++) {
        uint16_t wanted;
        RIND_REQUIRE(ctx, getentropy(&wanted, sizeof(wanted)) == 0, RIND_E_IO, "no randomness: %s",
                     strerror(errno));
        *port = start_probe_port(
            (uint16_t)(START_PORT_MIN + wanted % (START_PORT_MAX - START_PORT_MIN + 1)));
        if (*port != 0) {
            return RIND_OK;
        }
    }
    return rind_fail(ctx, RIND_E_LIMIT, "no free port on 127.0.0.1 from %u to %u", START_PORT_MIN,
                     START_PORT_MAX);
}

/* The folder this program is in: the daemons are beside it. */
static rind_status start_program(struct rind_ctx *ctx, const char *name,
                                 char path[RIND_CHILD_PATH_SIZE_MAX])
{
    char self[RIND_CHILD_PATH_SIZE_MAX - 64];
    ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
    RIND_REQUIRE(ctx, length > 0 && (size_t)length < sizeof(self) - 1, RIND_E_IO,
                 "cannot tell where this program is: %s", strerror(errno));
    self[length] = '\0';
    char *slash = strrchr(self, '/');
    RIND_ASSERT(slash != NULL); /* the kernel gives an absolute path */
    slash[1] = '\0';
    (void)snprintf(path, RIND_CHILD_PATH_SIZE_MAX, "%s%s", self, name);
    return RIND_OK;
}

/* Where a child listens. */
enum start_place {
    START_ON_OWN_HOST, /* an HSM or an agent */
    START_FOR_REALM,   /* here, where those can reach it */
    START_FOR_CLIENTS, /* here, under the name that is in the certificate */
};

/* Address, port, namespace and URL. */
static rind_status start_place_child(struct rind_ctx *ctx, const struct rind_local *local,
                                     enum start_place place, struct rind_child *child)
{
    const struct rind_local_hosts *hosts = local->options->hosts;
    bool is_for_clients = place == START_FOR_CLIENTS;
    char host[64] = "127.0.0.1";
    uint16_t port;
    RIND_TRY(start_free_port(ctx, &port));
    if (hosts != NULL && place == START_ON_OWN_HOST) {
        (void)snprintf(host, sizeof(host), "%.40s.%zu", hosts->subnet,
                       START_HOST_FIRST + local->child_count);
        (void)snprintf(child->network, sizeof(child->network), "%.20s%.40s", hosts->prefix,
                       child->name);
    } else if (hosts != NULL && place == START_FOR_REALM) {
        (void)snprintf(host, sizeof(host), "%.40s.1", hosts->subnet);
    }
    (void)snprintf(child->listen, sizeof(child->listen), "%s:%u", host, (unsigned)port);
    (void)snprintf(child->address, sizeof(child->address), "%s://%s:%u/",
                   is_for_clients ? "https" : "http", is_for_clients ? "localhost" : host,
                   (unsigned)port);
    return RIND_OK;
}

/* A child with name, program, log file and a free address; the caller adds more arguments. */
static rind_status start_new_child(struct rind_ctx *ctx, struct rind_local *local,
                                   const char *program, enum start_place place,
                                   struct rind_child **child, const char *format, ...)
    RIND_PRINTF(6, 7);
static rind_status start_new_child(struct rind_ctx *ctx, struct rind_local *local,
                                   const char *program, enum start_place place,
                                   struct rind_child **child, const char *format, ...)
{
    RIND_REQUIRE(ctx, local->child_count < RIND_LOCAL_CHILDREN_MAX, RIND_E_LIMIT,
                 "a realm on this machine may have at most %u processes", RIND_LOCAL_CHILDREN_MAX);
    struct rind_child *made = &local->children[local->child_count];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(made->name, sizeof(made->name), format, arguments);
    va_end(arguments);
    RIND_TRY(start_program(ctx, program, made->program));
    RIND_TRY(start_place_child(ctx, local, place, made));
    rind_child_add(made, "--listen=%s", made->listen);
    int length =
        snprintf(made->log_file, sizeof(made->log_file), "%s/%s.log", local->directory, made->name);
    RIND_REQUIRE(ctx, length > 0 && (size_t)length < sizeof(made->log_file), RIND_E_INVALID,
                 "the path of the state directory is too long");
    *child = made;
    return RIND_OK;
}

/* Counts it as started once it is, so that closing ends it. */
static rind_status start_run(struct rind_ctx *ctx, struct rind_local *local,
                             struct rind_child *child)
{
    RIND_TRY(rind_child_start(ctx, child));
    local->child_count++;
    return RIND_OK;
}

static rind_status start_hsm_and_agent(struct rind_ctx *ctx, struct rind_local *local,
                                       struct rind_local_realm *realm, char realm_name,
                                       uint32_t number, const char *keys_file)
{
    struct rind_child *hsm;
    struct rind_child *agent;
    RIND_TRY(start_new_child(ctx, local, "rind-hsm", START_ON_OWN_HOST, &hsm, "hsm-%c%u",
                             realm_name, number));
    rind_child_add(hsm, "--keys-file=%s", keys_file);
    rind_child_add(hsm, "--state-dir=%s/hsms", local->directory);
    rind_child_add(hsm, "--name=%s", hsm->name);
    RIND_TRY(start_run(ctx, local, hsm));

    RIND_TRY(start_new_child(ctx, local, "rind-agent", START_ON_OWN_HOST, &agent, "agent-%c%u",
                             realm_name, number));
    rind_child_add(agent, "--hsm-url=%s", hsm->address);
    rind_child_add(agent, "--name=%s", agent->name);
    rind_local_add_store_flags(agent, local);
    if (getenv("PUBSUB_EMULATOR_HOST") == NULL) {
        rind_child_add(agent, "--events=none"); /* there is no Pub/Sub on this machine */
    }
    rind_child_add(agent, "--default-rate-limit=%llu",
                   (unsigned long long)local->options->rate_limit);
    RIND_TRY(start_run(ctx, local, agent));
    realm->agent_urls[realm->agent_count] = agent->address;
    realm->agent_count++;
    return RIND_OK;
}

static rind_status start_managers(struct rind_ctx *ctx, struct rind_local *local)
{
    for (uint32_t i = 0; i < local->options->manager_count; i++) {
        struct rind_child *manager;
        RIND_TRY(start_new_child(ctx, local, "rind-cluster-manager", START_FOR_REALM, &manager,
                                 "manager-%u", i + 1));
        rind_local_add_store_flags(manager, local);
        RIND_TRY(start_run(ctx, local, manager));
    }
    return RIND_OK;
}

static rind_status start_balancers(struct rind_ctx *ctx, struct rind_local *local)
{
    for (uint32_t i = 0; i < local->options->balancer_count; i++) {
        struct rind_child *balancer;
        RIND_TRY(start_new_child(ctx, local, "rind-load-balancer", START_FOR_CLIENTS, &balancer,
                                 "balancer-%u", i + 1));
        rind_child_add(balancer, "--tls-cert=%s/localhost.cert", local->directory);
        rind_child_add(balancer, "--tls-key=%s/localhost.key", local->directory);
        rind_child_add(balancer, "--name=%s", balancer->name);
        rind_child_add(balancer, "--secrets-file=%s", local->secrets_file);
        rind_local_add_store_flags(balancer, local);
        rind_child_add(balancer, "--shutdown-notice-period=0s");
        rind_child_add(balancer, "--shutdown-timeout=2s");
        RIND_TRY(start_run(ctx, local, balancer));
        if (i == 0) {
            local->balancer_url = balancer->address;
        }
    }
    return RIND_OK;
}

/* ---- the software realm ---- */

/* Its id is random and stays in the state directory, as clients' configurations have it. */
static rind_status start_software_id(struct rind_ctx *ctx, const struct rind_local *local,
                                     struct rind_realm_id *id)
{
    char path[RIND_CHILD_PATH_SIZE_MAX + 32];
    char text[RIND_HEX_SIZE(sizeof(id->bytes))];
    struct rind_slice existing;
    (void)snprintf(path, sizeof(path), "%s/software-realm-id", local->directory);
    if (rind_file_exists(path)) {
        RIND_TRY(rind_file_read(ctx, path, sizeof(text), &existing));
        RIND_REQUIRE(ctx, rind_realm_id_parse(existing, id), RIND_E_INVALID,
                     "%s holds no realm id of 32 hex digits", path);
        return RIND_OK;
    }
    RIND_REQUIRE(ctx, getentropy(id->bytes, sizeof(id->bytes)) == 0, RIND_E_IO, "no randomness: %s",
                 strerror(errno));
    rind_hex_encode(rind_realm_id_slice(id), text);
    return rind_file_create(ctx, path, rind_slice_text(text), 0600);
}

/* Where its agents' events would go; or else it keeps them itself, so that there is something to
 * see. */
static void start_add_software_events(struct rind_child *child)
{
    if (getenv("PUBSUB_EMULATOR_HOST") == NULL) {
        rind_child_add(child, "--events=memory");
        return;
    }
    const char *project = getenv("JB_GCP_PROJECT");
    rind_child_add(child, "--events=pubsub");
    rind_child_add(child, "--pubsub-project=%s", project != NULL ? project : "prj");
}

static rind_status start_software(struct rind_ctx *ctx, struct rind_local *local)
{
    struct rind_child *child;
    struct rind_local_realm *realm = &local->realms[local->options->realm_count];
    char id[RIND_HEX_SIZE(sizeof(realm->id.bytes))];
    if (!local->options->has_software_realm) {
        return RIND_OK;
    }
    RIND_ASSERT(local->options->realm_count < RIND_LOCAL_REALMS_MAX);
    RIND_TRY(start_software_id(ctx, local, &realm->id));
    rind_hex_encode(rind_realm_id_slice(&realm->id), id);
    RIND_TRY(start_new_child(ctx, local, "rind-software-realm", START_FOR_CLIENTS, &child,
                             "software-1"));
    rind_child_add(child, "--id=%s", id);
    rind_child_add(child, "--store=lmdb:%s/software-store", local->directory);
    rind_child_add(child, "--secrets-file=%s", local->secrets_file);
    rind_child_add(child, "--tls-cert=%s/localhost.cert", local->directory);
    rind_child_add(child, "--tls-key=%s/localhost.key", local->directory);
    start_add_software_events(child);
    RIND_TRY(start_run(ctx, local, child));
    realm->software_url = child->address;
    return RIND_OK;
}

/* ---- waiting ---- */

/* Looks once; RIND_OK if ready, RIND_E_STALE (or another fault) if not yet. */
typedef rind_status (*start_look)(struct rind_ctx *ctx, struct rind_local *local, const char *what);

/* Looks until it is ready, a process has ended, we are told to stop, or time is over. */
static rind_status start_await(struct rind_ctx *ctx, const struct rind_local_start *start,
                               start_look look, const char *what)
{
    struct rind_deadline deadline = rind_deadline_in_ms(START_TIMEOUT_MS);
    for (;;) {
        size_t mark = rind_arena_mark(ctx->arena);
        rind_status status = look(ctx, start->local, what);
        rind_arena_release(ctx->arena, mark);
        if (rind_is_ok(status)) {
            return RIND_OK;
        }
        char sentence[RIND_SENTENCE_SIZE_MAX];
        memcpy(sentence, ctx->sentence, sizeof(sentence));
        RIND_TRY(rind_local_check(ctx, start->local));
        RIND_REQUIRE(ctx, !rind_deadline_has_expired(deadline), RIND_E_TIMEOUT,
                     "%s is not ready after %u s: %.300s", what, START_TIMEOUT_MS / 1000, sentence);
        struct rind_deadline pause = rind_deadline_in_ms(START_POLL_MS);
        if (start->stopper != NULL) {
            RIND_REQUIRE(ctx, !rind_stopper_wait(start->stopper, pause), RIND_E_CANCELLED,
                         "interrupted while starting");
        } else {
            (void)usleep(START_POLL_MS * 1000);
        }
    }
}

static rind_status start_look_agent(struct rind_ctx *ctx, struct rind_local *local, const char *url)
{
    const struct rind_agent_status_request request = {0};
    struct rind_agent_status_response response;
    RIND_TRY(rind_rpc_call(ctx, local->client, url, &rind_rpc_status, &request, &response,
                           rind_deadline_in_ms(START_CALL_TIMEOUT_MS), NULL));
    RIND_REQUIRE(ctx, response.has_hsm, RIND_E_STALE, "the agent's HSM does not answer");
    return RIND_OK;
}

/* A listener that accepts is ready: daemons bind last. `listen` is as in struct rind_child. */
static rind_status start_look_port(struct rind_ctx *ctx, struct rind_local *local,
                                   const char *listen)
{
    (void)local;
    struct rind_address address;
    RIND_TRY(rind_address_parse(ctx, rind_slice_text(listen), &address));
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    RIND_REQUIRE(ctx, fd >= 0, RIND_E_IO, "cannot make a socket: %s", strerror(errno));
    bool is_open = connect(fd, (const struct sockaddr *)&address.storage, address.length) == 0;
    (void)close(fd);
    RIND_REQUIRE(ctx, is_open, RIND_E_STALE, "nothing listens at %s", listen);
    return RIND_OK;
}

/* Managers find agents, and agents each other, in service discovery. */
static rind_status start_look_discovery(struct rind_ctx *ctx, struct rind_local *local,
                                        const char *what)
{
    (void)what;
    size_t expected = local->options->manager_count;
    for (size_t i = 0; i < local->realm_count; i++) {
        expected += local->realms[i].agent_count;
    }
    struct rind_services services;
    RIND_TRY(rind_store_discovery_lookup(ctx, local->open_store, RIND_SERVICE_ANY,
                                         rind_deadline_in_ms(START_CALL_TIMEOUT_MS), &services));
    size_t found = 0;
    for (size_t s = 0; s < services.count; s++) {
        for (size_t c = 0; c < local->child_count; c++) {
            found += strcmp(services.services[s].url, local->children[c].address) == 0 ? 1 : 0;
        }
    }
    RIND_REQUIRE(ctx, found >= expected, RIND_E_STALE, "%zu of %zu services have registered", found,
                 expected);
    return RIND_OK;
}

static rind_status start_await_all(struct rind_ctx *ctx, const struct rind_local_start *start)
{
    struct rind_local *local = start->local;
    for (size_t i = 0; i < local->child_count; i++) {
        const struct rind_child *child = &local->children[i];
        bool is_agent = strncmp(child->name, "agent-", 6) == 0;
        RIND_TRY(start_await(ctx, start, is_agent ? start_look_agent : start_look_port,
                             is_agent ? child->address : child->listen));
    }
    return start_await(ctx, start, start_look_discovery, "service discovery");
}

/* ---- realms and groups ---- */

static rind_status start_transfer(struct rind_ctx *ctx, struct rind_local *local,
                                  const struct rind_cluster_transfer_request *request)
{
    const struct rind_child *manager = rind_local_find(local, "manager-1");
    RIND_ASSERT(manager != NULL); /* groups are given ranges only where there are managers */
    struct rind_cluster_transfer_response response;
    RIND_TRY(rind_rpc_call(ctx, local->client, manager->address, &rind_rpc_manager_transfer,
                           request, &response, rind_deadline_in_ms(START_TRANSFER_TIMEOUT_MS),
                           NULL));
    RIND_REQUIRE(ctx, response.kind == RIND_CLUSTER_TRANSFER_OK, RIND_E_UNAVAILABLE,
                 "giving a group its range failed (kind %d); see %s", (int)response.error.kind,
                 manager->log_file);
    return RIND_OK;
}

/* Each group gets an even part of the first group's records, in order from the left. */
static rind_status start_groups(struct rind_ctx *ctx, const struct rind_local_start *start,
                                struct rind_local_realm *realm, uint32_t group_count,
                                const struct rind_group_id *first_group)
{
    struct rind_local *local = start->local;
    RIND_TRY(rind_create_join_realm(ctx, &local->cluster, &realm->id, realm->agent_urls + 1,
                                    realm->agent_count - 1, realm->agent_urls[0]));
    for (uint32_t g = 0; g < group_count; g++) {
        /* Another agent first each time, so that leadership is spread from the start. */
        const char *urls[RIND_LOCAL_HSMS_MAX];
        for (size_t i = 0; i < realm->agent_count; i++) {
            urls[i] = realm->agent_urls[(i + g) % realm->agent_count];
        }
        struct rind_cluster_transfer_request request = {.realm = realm->id, .source = *first_group};
        RIND_TRY(rind_create_group(ctx, &local->cluster, &realm->id, urls, realm->agent_count,
                                   &request.destination));
        RIND_TRY(rind_plan_even_part(ctx, g, group_count, &request.range));
        RIND_TRY(start_transfer(ctx, local, &request));
    }
    return RIND_OK;
}

/* A state directory that was used before has its realm already. */
static rind_status start_find_realm(struct rind_ctx *ctx, struct rind_local *local,
                                    struct rind_local_realm *realm, bool *is_found)
{
    const struct rind_agent_status_request request = {0};
    struct rind_agent_status_response response;
    RIND_TRY(rind_rpc_call(ctx, local->client, realm->agent_urls[0], &rind_rpc_status, &request,
                           &response, rind_deadline_in_ms(START_CALL_TIMEOUT_MS), NULL));
    RIND_REQUIRE(ctx,
                 response.has_hsm && response.hsm.public_key.length == sizeof(realm->public_key),
                 RIND_E_UNAVAILABLE, "the HSM behind %s does not answer", realm->agent_urls[0]);
    memcpy(realm->public_key, response.hsm.public_key.data, sizeof(realm->public_key));
    *is_found = response.hsm.has_realm;
    if (*is_found) {
        realm->id = response.hsm.realm.id;
    }
    return RIND_OK;
}

/* Some group of the realm has a leader that owns a range. */
static rind_status start_look_leader(struct rind_ctx *ctx, struct rind_local *local,
                                     const char *what)
{
    (void)what;
    struct rind_cluster_agent_list agents;
    struct rind_cluster_hsm_list hsms;
    RIND_TRY(rind_cluster_ask_all(ctx, &local->cluster, START_CALL_TIMEOUT_MS, &agents));
    RIND_TRY(rind_cluster_hsms(ctx, agents, &hsms));
    for (size_t r = 0; r < local->realm_count; r++) {
        bool is_led = false;
        for (size_t i = 0; i < hsms.count; i++) {
            const struct rind_hsm_status_response *status = hsms.items[i].status;
            if (!status->has_realm ||
                !rind_realm_id_equal(&status->realm.id, &local->realms[r].id)) {
                continue;
            }
            for (size_t g = 0; g < status->realm.groups.count; g++) {
                const struct rind_group_status *group = &status->realm.groups.items[g];
                is_led = is_led || (group->has_leader && group->leader.has_owned_range &&
                                    group->leader.has_committed);
            }
        }
        RIND_REQUIRE(ctx, is_led, RIND_E_STALE, "no group of realm %zu has a leader yet", r + 1);
    }
    return RIND_OK;
}

/*
 * Without managers nobody appoints a leader after a restart, so we do: the one member of the one
 * group leads again.
 */
static rind_status start_lead_again(struct rind_ctx *ctx, struct rind_local *local,
                                    const struct rind_local_realm *realm)
{
    if (local->options->manager_count > 0) {
        return RIND_OK;
    }
    struct rind_cluster_agent_list agents;
    struct rind_cluster_hsm_list hsms;
    RIND_TRY(rind_cluster_ask(ctx, &local->cluster, realm->agent_urls, realm->agent_count,
                              START_CALL_TIMEOUT_MS, &agents));
    RIND_TRY(rind_cluster_hsms(ctx, agents, &hsms));
    for (size_t i = 0; i < hsms.count; i++) {
        for (size_t g = 0; g < hsms.items[i].status->realm.groups.count; g++) {
            const struct rind_group_status *group = &hsms.items[i].status->realm.groups.items[g];
            const struct rind_agent_become_leader_request request = {.realm = realm->id,
                                                                     .group = group->id};
            struct rind_agent_become_leader_response response;
            RIND_TRY(rind_rpc_call(ctx, local->client, (const char *)hsms.items[i].url.data,
                                   &rind_rpc_become_leader, &request, &response,
                                   rind_deadline_in_ms(START_TIMEOUT_MS), NULL));
            RIND_REQUIRE(ctx, response.kind == RIND_AGENT_BECOME_LEADER_OK, RIND_E_UNAVAILABLE,
                         "the agent at %s could not lead its group again (kind %d)",
                         (const char *)hsms.items[i].url.data, (int)response.kind);
        }
    }
    return RIND_OK;
}

static rind_status start_realm(struct rind_ctx *ctx, const struct rind_local_start *start,
                               size_t index)
{
    struct rind_local *local = start->local;
    struct rind_local_realm *realm = &local->realms[index];
    uint32_t group_count = local->options->realms[index].group_count;
    bool is_found = false;
    RIND_TRY(start_find_realm(ctx, local, realm, &is_found));
    if (is_found) {
        return start_lead_again(ctx, local, realm);
    }
    struct rind_group_id first_group;
    RIND_TRY(
        rind_create_realm(ctx, &local->cluster, realm->agent_urls[0], &realm->id, &first_group));
    if (group_count > 0) {
        RIND_TRY(start_groups(ctx, start, realm, group_count, &first_group));
    }
    return RIND_OK;
}

/* Keys of each realm are random and stay in the state directory. */
static rind_status start_keys(struct rind_ctx *ctx, const struct rind_local *local, char name,
                              char path[RIND_CHILD_PATH_SIZE_MAX])
{
    int length =
        snprintf(path, RIND_CHILD_PATH_SIZE_MAX, "%s/realm-%c-keys.json", local->directory, name);
    RIND_REQUIRE(ctx, length > 0 && (unsigned)length < RIND_CHILD_PATH_SIZE_MAX, RIND_E_INVALID,
                 "the path of the state directory is too long");
    return rind_file_exists(path) ? RIND_OK : rind_cli_make_keys(ctx, path);
}

rind_status rind_local_start_all(struct rind_ctx *ctx, const struct rind_local_start *start)
{
    struct rind_local *local = start->local;
    const struct rind_local_options *options = local->options;
    if (options->log_level != NULL) {
        (void)setenv("LOGLEVEL", options->log_level, 1);
    }
    for (size_t r = 0; r < options->realm_count; r++) {
        char keys_file[RIND_CHILD_PATH_SIZE_MAX];
        char name = (char)('a' + r);
        RIND_TRY(start_keys(ctx, local, name, keys_file));
        for (uint32_t h = 0; h < options->realms[r].hsm_count; h++) {
            RIND_TRY(start_hsm_and_agent(ctx, local, &local->realms[r], name, h + 1, keys_file));
        }
        local->realm_count++;
    }
    RIND_TRY(start_managers(ctx, local));
    RIND_TRY(start_balancers(ctx, local));
    RIND_TRY(start_software(ctx, local));
    start_say(start, "%zu processes started", local->child_count);
    RIND_TRY(start_await_all(ctx, start));
    start_say(start, "all of them answer");
    for (size_t r = 0; r < options->realm_count; r++) {
        RIND_TRY(start_realm(ctx, start, r));
        unsigned hsms = options->realms[r].hsm_count;
        unsigned groups = options->realms[r].group_count > 0 ? options->realms[r].group_count : 1u;
        start_say(start, "realm %zu of %zu: %u HSM%s, %u group%s", r + 1, options->realm_count,
                  hsms, hsms > 1 ? "s" : "", groups, groups > 1 ? "s" : "");
    }
    RIND_TRY(start_await(ctx, start, start_look_leader, "the realm"));
    if (options->has_software_realm) {
        local->realm_count++; /* from now on it is one of them */
        start_say(start, "one realm without HSMs");
    }
    return rind_local_await_service(ctx, local, start->stopper);
}
