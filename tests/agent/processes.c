/* processes.c - see processes.h. */
#include "agent/processes.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROCESSES_ARENA_SIZE (256u << 20)
#define PROCESSES_HSM_PORT_OFFSET 10000u
#define PROCESSES_LOOK_AGAIN_MS 5u

static _Noreturn void processes_fail(const char *what, const char *sentence)
{
    fprintf(stderr, "processes: %s: %s\n", what, sentence);
    abort();
}

static void processes_require(struct processes *processes, rind_status status, const char *what)
{
    if (!rind_is_ok(status)) {
        processes_fail(what, processes->ctx.sentence);
    }
}

static bool port_is_free(uint16_t port, uint16_t *chosen)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(port),
                                  .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool is_free = fd >= 0 && bind(fd, (struct sockaddr *)&address, length) == 0 &&
                   getsockname(fd, (struct sockaddr *)&address, &length) == 0;
    *chosen = ntohs(address.sin_port);
    (void)close(fd);
    return is_free;
}

/* A port whose neighbour 10000 above is free too. */
static uint16_t free_port_pair(void)
{
    uint16_t port;
    uint16_t other;
    for (unsigned i = 0; i < 1000; i++) {
        if (port_is_free(0, &port) && port <= UINT16_MAX - PROCESSES_HSM_PORT_OFFSET &&
            port_is_free((uint16_t)(port + PROCESSES_HSM_PORT_OFFSET), &other)) {
            return port;
        }
    }
    processes_fail("port", "none is free");
}

struct processes *processes_new(void)
{
    struct processes *processes = calloc(1, sizeof(*processes));
    RIND_ASSERT(processes != NULL);
    rind_ctx_init(&processes->ctx, NULL);
    processes_require(processes,
                      rind_arena_map(&processes->ctx, PROCESSES_ARENA_SIZE, &processes->arena),
                      "arena");
    rind_ctx_init(&processes->ctx, processes->arena);
    const char *temporary = getenv("TMPDIR");
    (void)snprintf(processes->directory, sizeof(processes->directory), "%s/rind-agent-XXXXXX",
                   temporary != NULL ? temporary : "/tmp");
    if (mkdtemp(processes->directory) == NULL) {
        processes_fail("directory", strerror(errno));
    }
    struct rind_client_options options = rind_client_options_default();
    processes_require(processes, rind_client_open(&processes->ctx, &options, &processes->client),
                      "client");
    return processes;
}

static void wait_end(pid_t pid, int *how)
{
    while (waitpid(pid, how, 0) < 0 && errno == EINTR) {
    }
}

void processes_free(struct processes *processes)
{
    for (unsigned n = 0; n < PROCESSES_MAX; n++) {
        if (processes->nodes[n].agent != 0) {
            (void)processes_stop(processes, n, SIGKILL);
        }
        if (processes->nodes[n].hsm != 0) {
            processes_kill_hsm(processes, n);
        }
    }
    rind_client_close(processes->client);
    rind_arena_unmap(processes->arena);
    char command[128];
    (void)snprintf(command, sizeof(command), "rm -rf '%s'", processes->directory);
    if (system(command) != 0) {
        processes_fail("directory", "cannot be removed");
    }
    free(processes);
}

void processes_reset(struct processes *processes)
{
    rind_arena_reset(processes->arena);
}

/* Starts a program of RIND_BIN_DIR with its output in a file. */
static pid_t spawn(struct processes *processes, const char *program, const char *log,
                   const char *const *arguments)
{
    const char *directory = getenv("RIND_BIN_DIR");
    char path[512];
    char log_path[512];
    (void)snprintf(path, sizeof(path), "%s/%s", directory != NULL ? directory : ".", program);
    (void)snprintf(log_path, sizeof(log_path), "%s/%s", processes->directory, log);
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid < 0) {
        processes_fail(program, strerror(errno));
    }
    if (pid == 0) {
        int fd = open(log_path, O_WRONLY | O_CREAT | O_APPEND, 0600);
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent || fd < 0 ||
            dup2(fd, STDOUT_FILENO) < 0 || dup2(fd, STDERR_FILENO) < 0) {
            _exit(126);
        }
        execv(path, (char *const *)arguments);
        _exit(127);
    }
    return pid;
}

void processes_start_hsm(struct processes *processes, unsigned n)
{
    struct process_node *node = &processes->nodes[n];
    char listen[64];
    char state[128];
    char log[32];
    (void)snprintf(listen, sizeof(listen), "127.0.0.1:%u", node->port + PROCESSES_HSM_PORT_OFFSET);
    (void)snprintf(state, sizeof(state), "%s/hsm%u", processes->directory, n);
    (void)snprintf(log, sizeof(log), "hsm%u.log", n);
    const char *arguments[] = {"rind-hsm", "--key",    "secret", "--state-dir",
                               state,      "--listen", listen,   NULL};
    node->hsm = spawn(processes, "rind-hsm", log, arguments);
}

void processes_kill_hsm(struct processes *processes, unsigned n)
{
    int how;
    (void)kill(processes->nodes[n].hsm, SIGKILL);
    wait_end(processes->nodes[n].hsm, &how);
    processes->nodes[n].hsm = 0;
}

static bool is_live(struct processes *processes, struct process_node *node)
{
    struct rind_answer answer;
    struct rind_url url;
    processes_require(processes, rind_url_join(&processes->ctx, &node->url, "/livez", &url),
                      "livez");
    struct rind_call call = {.url = &url, .method = "GET", .deadline = rind_deadline_in_ms(2000)};
    return rind_is_ok(rind_client_call(&processes->ctx, processes->client, &call, &answer)) &&
           answer.status == 200;
}

/* A pause between two looks at another process, which cannot tell us. */
static void look_again(void)
{
    struct timespec pause = {.tv_nsec = (long)(PROCESSES_LOOK_AGAIN_MS * RIND_NS_PER_MS)};
    (void)nanosleep(&pause, NULL);
}

static void wait_live(struct processes *processes, struct process_node *node)
{
    struct rind_deadline deadline = rind_deadline_in_ms(PROCESSES_WAIT_MS);
    while (!is_live(processes, node)) {
        int how;
        if (waitpid(node->agent, &how, WNOHANG) == node->agent) {
            processes_fail("agent", "ended while starting");
        }
        if (rind_deadline_has_expired(deadline)) {
            processes_fail("agent", "did not come up");
        }
        look_again();
    }
}

static pid_t spawn_agent(struct processes *processes, unsigned n)
{
    struct process_node *node = &processes->nodes[n];
    char listen[64];
    char store[128];
    char state[128];
    char hsm_url[64];
    char log[32];
    struct rind_address address;
    (void)snprintf(listen, sizeof(listen), "127.0.0.1:%u", node->port);
    (void)snprintf(store, sizeof(store), "lmdb:%s/store", processes->directory);
    (void)snprintf(state, sizeof(state), "%s/hsm%u", processes->directory, n);
    (void)snprintf(hsm_url, sizeof(hsm_url), "http://127.0.0.1:%u",
                   node->port + PROCESSES_HSM_PORT_OFFSET);
    (void)snprintf(log, sizeof(log), "agent%u.log", n);
    const char *arguments[16] = {"rind-agent",           "--listen", listen, "--store", store,
                                 "--default-rate-limit", "1000000"};
    size_t count = 7;
    if (processes->has_own_hsms) {
        arguments[count++] = "--hsm-url";
        arguments[count++] = hsm_url;
    } else {
        arguments[count++] = "--key";
        arguments[count++] = "secret";
        arguments[count++] = "--state-dir";
        arguments[count++] = state;
    }
    if (processes->persist_interval != NULL) {
        arguments[count++] = "--persist-interval";
        arguments[count++] = processes->persist_interval;
    }
    processes_require(processes,
                      rind_address_parse(&processes->ctx, rind_slice_text(listen), &address),
                      "address");
    rind_url_from_address(&address, &node->url);
    return spawn(processes, "rind-agent", log, arguments);
}

void processes_start(struct processes *processes, unsigned n)
{
    struct process_node *node = &processes->nodes[n];
    if (node->port == 0) {
        node->port = free_port_pair();
    }
    if (processes->has_own_hsms && node->hsm == 0) {
        processes_start_hsm(processes, n);
    }
    node->agent = spawn_agent(processes, n);
    wait_live(processes, node);
}

int processes_start_twice(struct processes *processes, unsigned n)
{
    int how = 0;
    wait_end(spawn_agent(processes, n), &how);
    return how;
}

static bool log_has(struct processes *processes, const char *log, const char *text)
{
    char path[512];
    char line[4096];
    bool is_there = false;
    (void)snprintf(path, sizeof(path), "%s/%s", processes->directory, log);
    FILE *file = fopen(path, "r");
    while (file != NULL && !is_there && fgets(line, sizeof(line), file) != NULL) {
        is_there = strstr(line, text) != NULL;
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return is_there;
}

int processes_stop_while_starting(struct processes *processes, unsigned n, const char *text,
                                  int signal)
{
    struct process_node *node = &processes->nodes[n];
    char log[32];
    node->port = free_port_pair();
    (void)snprintf(log, sizeof(log), "agent%u.log", n);
    node->agent = spawn_agent(processes, n);
    struct rind_deadline deadline = rind_deadline_in_ms(PROCESSES_WAIT_MS);
    while (!log_has(processes, log, text)) {
        if (rind_deadline_has_expired(deadline)) {
            processes_fail("agent", "did not log what was awaited");
        }
        look_again();
    }
    return processes_stop(processes, n, signal);
}

int processes_stop(struct processes *processes, unsigned n, int signal)
{
    int how = 0;
    (void)kill(processes->nodes[n].agent, signal);
    wait_end(processes->nodes[n].agent, &how);
    processes->nodes[n].agent = 0;
    return how;
}

void processes_call(struct processes *processes, unsigned n, const struct rind_rpc *rpc,
                    const void *request, void *response)
{
    processes_require(processes,
                      rind_rpc_call(&processes->ctx, processes->client,
                                    processes->nodes[n].url.text, rpc, request, response,
                                    rind_deadline_in_ms(PROCESSES_WAIT_MS), NULL),
                      rpc->path);
}

static struct rind_agent_status_response status_of(struct processes *processes, unsigned n)
{
    struct rind_agent_status_request request = {0};
    struct rind_agent_status_response status;
    processes_call(processes, n, &rind_rpc_status, &request, &status);
    if (!status.has_hsm) {
        processes_fail("status", "no HSM");
    }
    return status;
}

static bool leads(struct processes *processes, unsigned n, const struct rind_group_id *group,
                  bool is_committed_wanted)
{
    struct rind_agent_status_response status = status_of(processes, n);
    for (size_t i = 0; status.hsm.has_realm && i < status.hsm.realm.groups.count; i++) {
        const struct rind_group_status *item = &status.hsm.realm.groups.items[i];
        if (rind_group_id_equal(&item->id, group)) {
            return item->has_leader && (item->leader.has_committed || !is_committed_wanted);
        }
    }
    return false;
}

static void wait_committed(struct processes *processes, unsigned n,
                           const struct rind_group_id *group)
{
    struct rind_deadline deadline = rind_deadline_in_ms(PROCESSES_WAIT_MS);
    while (!leads(processes, n, group, true)) {
        if (rind_deadline_has_expired(deadline)) {
            processes_fail("group", "its first entry was not committed");
        }
        look_again();
    }
}

void processes_wait_leads(struct processes *processes, unsigned n,
                          const struct rind_group_id *group, bool is_wanted)
{
    struct rind_deadline deadline = rind_deadline_in_ms(PROCESSES_WAIT_MS);
    while (leads(processes, n, group, false) != is_wanted) {
        if (rind_deadline_has_expired(deadline)) {
            processes_fail("leadership", "did not become what was expected");
        }
        look_again();
    }
}

struct rind_group_id processes_create_realm(struct processes *processes, unsigned count)
{
    struct rind_agent_realm_new_request request = {0};
    struct rind_agent_realm_new_response response;
    processes_call(processes, 0, &rind_rpc_realm_new, &request, &response);
    if (response.kind != RIND_AGENT_REALM_NEW_OK) {
        processes_fail("realm/new", "was not answered with Ok");
    }
    processes->realm = response.ok.realm;
    struct rind_group_id group = response.ok.group;
    wait_committed(processes, 0, &group);
    struct rind_agent_status_response first = status_of(processes, 0);
    for (unsigned n = 1; n < count; n++) {
        struct rind_agent_realm_join_request join = {processes->realm, first.hsm.id,
                                                     first.hsm.realm.statement};
        struct rind_agent_realm_join_response joined;
        processes_call(processes, n, &rind_rpc_realm_join, &join, &joined);
        if (joined.kind != RIND_AGENT_REALM_JOIN_OK) {
            processes_fail("realm/join", "was not answered with Ok");
        }
    }
    return group;
}

static int compare_members(const void *a, const void *b)
{
    const struct rind_group_member *left = a;
    const struct rind_group_member *right = b;
    return rind_hsm_id_compare(&left->hsm, &right->hsm);
}

struct rind_group_id processes_create_group(struct processes *processes, unsigned count)
{
    struct rind_group_member members[PROCESSES_MAX];
    struct rind_hsm_id ids[PROCESSES_MAX];
    for (unsigned n = 0; n < count; n++) {
        struct rind_agent_status_response status = status_of(processes, n);
        members[n] = (struct rind_group_member){status.hsm.id, status.hsm.realm.statement};
    }
    qsort(members, count, sizeof(members[0]), compare_members);
    for (unsigned n = 0; n < count; n++) {
        ids[n] = members[n].hsm;
    }
    struct rind_agent_group_new_request request = {processes->realm, {members, count}};
    struct rind_agent_group_new_response response;
    processes_call(processes, 0, &rind_rpc_group_new, &request, &response);
    if (response.kind != RIND_AGENT_GROUP_NEW_OK) {
        processes_fail("group/new", "was not answered with Ok");
    }
    struct rind_group_id group = response.ok.group;
    for (unsigned n = 1; n < count; n++) {
        struct rind_agent_group_join_request join = {
            processes->realm, group, {ids, count}, response.ok.statement};
        struct rind_agent_group_join_response joined;
        processes_call(processes, n, &rind_rpc_group_join, &join, &joined);
        if (joined.kind != RIND_AGENT_GROUP_JOIN_OK) {
            processes_fail("group/join", "was not answered with Ok");
        }
    }
    wait_committed(processes, 0, &group);
    return group;
}

void processes_move_all(struct processes *processes, const struct rind_group_id *source,
                        const struct rind_group_id *destination)
{
    struct rind_owned_range all = rind_owned_range_full();
    struct rind_agent_transfer_prepare_request prepare = {processes->realm, *source, *destination,
                                                          all};
    struct rind_agent_transfer_prepare_response prepared;
    processes_call(processes, 0, &rind_rpc_transfer_prepare, &prepare, &prepared);
    struct rind_agent_transfer_out_request out = {
        processes->realm, *source, *destination, all, prepared.ok.nonce, prepared.ok.statement};
    struct rind_agent_transfer_out_response moved;
    processes_call(processes, 0, &rind_rpc_transfer_out, &out, &moved);
    struct rind_agent_transfer_in_request in = {processes->realm,  *source,
                                                *destination,      moved.ok.transferring,
                                                prepared.ok.nonce, moved.ok.statement};
    struct rind_agent_transfer_in_response taken;
    processes_call(processes, 0, &rind_rpc_transfer_in, &in, &taken);
    struct rind_agent_transfer_complete_request complete = {processes->realm, *source, *destination,
                                                            all};
    struct rind_agent_transfer_complete_response completed;
    processes_call(processes, 0, &rind_rpc_transfer_complete, &complete, &completed);
    if (completed.kind != RIND_AGENT_TRANSFER_COMPLETE_OK) {
        processes_fail("transfer", "was not completed");
    }
}

enum rind_agent_become_leader_response_kind
processes_become_leader(struct processes *processes, unsigned n, const struct rind_group_id *group)
{
    struct rind_agent_become_leader_request request = {.realm = processes->realm, .group = *group};
    struct rind_agent_become_leader_response response;
    processes_call(processes, n, &rind_rpc_become_leader, &request, &response);
    return response.kind;
}

static struct rind_agent_app_response app(struct processes *processes, unsigned n,
                                          const struct rind_group_id *group,
                                          struct cluster_client *client,
                                          enum rind_client_request_kind kind,
                                          const struct rind_noise_request *encrypted)
{
    struct rind_agent_app_request request = {
        .realm = processes->realm,
        .group = *group,
        .record_id = client->record_id,
        .session_id = client->session_id,
        .kind = kind,
        .encrypted = *encrypted,
        .tenant = rind_slice_text("test"),
        .user = rind_slice_text("447ddec5"),
    };
    struct rind_agent_app_response response;
    processes_call(processes, n, &rind_rpc_app, &request, &response);
    return response;
}

enum rind_agent_app_response_kind
processes_ask(struct processes *processes, unsigned n, const struct rind_group_id *group,
              struct cluster *users, struct cluster_client *client,
              const struct rind_secrets_request *request, struct rind_secrets_response *response)
{
    if (!client->has_session && rind_secrets_request_needs_forward_secrecy(request)) {
        struct rind_noise_request hello =
            cluster_client_seal(users, client, rind_slice_make(NULL, 0));
        struct rind_agent_app_response welcome =
            app(processes, n, group, client, RIND_CLIENT_REQUEST_HANDSHAKE_ONLY, &hello);
        if (welcome.kind != RIND_AGENT_APP_OK) {
            return welcome.kind;
        }
        uint8_t empty[1];
        processes_require(
            processes,
            rind_noise_client_finish(&processes->ctx, &client->handshake,
                                     welcome.ok.handshake.handshake.server_ephemeral_public,
                                     welcome.ok.handshake.handshake.payload_ciphertext, empty,
                                     &client->session),
            "handshake");
        client->has_session = true;
    }
    struct rind_noise_request sealed =
        cluster_client_seal(users, client, cluster_encode_secrets(users, request));
    struct rind_agent_app_response outer =
        app(processes, n, group, client, RIND_CLIENT_REQUEST_SECRETS_REQUEST, &sealed);
    if (outer.kind != RIND_AGENT_APP_OK) {
        client->has_session = false;
        return outer.kind;
    }
    struct rind_secrets_response opened = cluster_client_open(users, client, &outer.ok);
    if (response != NULL) {
        *response = opened;
    }
    return outer.kind;
}
