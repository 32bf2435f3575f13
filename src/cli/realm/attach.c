/* attach.c - a realm that runs already, as its info file describes it (written by info.c). */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/realm/emulator.h"
#include "cli/realm/local.h"
#include "cli/realm/start.h"

#define ATTACH_SIZE_BYTES_MAX (4u << 20)

static rind_status attach_copy(struct rind_ctx *ctx, const struct rind_json_at *object,
                               const char *key, char *text, size_t size)
{
    const char *value;
    RIND_TRY(rind_json_member_text(ctx, object, key, &value));
    RIND_REQUIRE(ctx, strlen(value) < size, RIND_E_LIMIT, "%s: '%s' is too long", object->path,
                 key);
    memcpy(text, value, strlen(value) + 1);
    return RIND_OK;
}

static rind_status attach_pid(struct rind_ctx *ctx, const struct rind_json_at *process, pid_t *pid)
{
    struct rind_json_at member;
    uint64_t value;
    RIND_TRY(rind_json_member(ctx, process, "pid", &member));
    RIND_TRY(rind_json_u64(ctx, &member, &value));
    RIND_REQUIRE(ctx, value > 1 && value < INT32_MAX, RIND_E_DECODE, "%s: no process has id %llu",
                 member.path, (unsigned long long)value);
    *pid = (pid_t)value;
    return RIND_OK;
}

static rind_status attach_process(struct rind_ctx *ctx, const struct rind_json_at *at,
                                  struct rind_local *local)
{
    RIND_REQUIRE(ctx, local->child_count < RIND_LOCAL_CHILDREN_MAX, RIND_E_LIMIT,
                 "a realm may have at most %u processes", RIND_LOCAL_CHILDREN_MAX);
    struct rind_child *child = &local->children[local->child_count];
    child->is_foreign = true;
    RIND_TRY(attach_copy(ctx, at, "name", child->name, sizeof(child->name)));
    RIND_TRY(attach_copy(ctx, at, "address", child->address, sizeof(child->address)));
    RIND_TRY(attach_copy(ctx, at, "log", child->log_file, sizeof(child->log_file)));
    RIND_TRY(attach_pid(ctx, at, &child->pid));
    local->child_count++;
    if (strncmp(child->name, "agent-a", strlen("agent-a")) == 0) {
        struct rind_local_realm *realm = &local->realms[0];
        RIND_REQUIRE(ctx, realm->agent_count < RIND_LOCAL_HSMS_MAX, RIND_E_LIMIT, "at most %u HSMs",
                     RIND_LOCAL_HSMS_MAX);
        realm->agent_urls[realm->agent_count] = child->address;
        realm->agent_count++;
    }
    return RIND_OK;
}

/* The first realm; others on the same machine are left alone. */
static rind_status attach_realm(struct rind_ctx *ctx, const struct rind_json_at *root,
                                struct rind_local_realm *realm)
{
    struct rind_json_at configuration;
    struct rind_json_at realms;
    struct rind_json_at first;
    struct rind_json_at member;
    RIND_TRY(rind_json_member(ctx, root, "configuration", &configuration));
    RIND_TRY(rind_json_member(ctx, &configuration, "realms", &realms));
    RIND_TRY(rind_json_element(ctx, &realms, 0, &first));
    RIND_TRY(rind_json_member(ctx, &first, "id", &member));
    RIND_TRY(rind_json_hex(ctx, &member, realm->id.bytes, sizeof(realm->id.bytes)));
    RIND_TRY(rind_json_member(ctx, &first, "public_key", &member));
    return rind_json_hex(ctx, &member, realm->public_key, sizeof(realm->public_key));
}

/* Which Bigtable the realm is on, if it is on one. */
static rind_status attach_emulator(struct rind_ctx *ctx, const struct rind_json_at *root,
                                   struct rind_local *local)
{
    struct rind_json_at member;
    const char *host_port;
    RIND_TRY(rind_json_member_optional(ctx, root, "bigtable_emulator_host", &member));
    if (member.value == NULL) {
        return RIND_OK;
    }
    RIND_TRY(rind_json_text(ctx, &member, &host_port));
    return rind_local_attach_bigtable(ctx, local, host_port);
}

static rind_status attach_read(struct rind_ctx *ctx, const struct rind_json_at *root,
                               struct rind_local *local)
{
    struct rind_json_at processes;
    size_t count;
    RIND_TRY(attach_realm(ctx, root, &local->realms[0]));
    local->realm_count = 1;
    RIND_TRY(attach_copy(ctx, root, "store", local->store, sizeof(local->store)));
    RIND_TRY(attach_emulator(ctx, root, local));
    RIND_TRY(
        attach_copy(ctx, root, "secrets_file", local->secrets_file, sizeof(local->secrets_file)));
    RIND_TRY(attach_copy(ctx, root, "tls_certificate_pem", local->certificate_pem,
                         sizeof(local->certificate_pem)));
    RIND_TRY(rind_json_member(ctx, root, "processes", &processes));
    RIND_TRY(rind_json_count(ctx, &processes, &count));
    for (size_t i = 0; i < count; i++) {
        struct rind_json_at process;
        RIND_TRY(rind_json_element(ctx, &processes, i, &process));
        RIND_TRY(attach_process(ctx, &process, local));
    }
    return rind_local_open_store(ctx, local);
}

/* Parses the file; the caller releases *root with json_decref. */
static rind_status attach_parse(struct rind_ctx *ctx, const char *path, json_t **root)
{
    struct rind_slice text;
    RIND_TRY(rind_file_read(ctx, path, ATTACH_SIZE_BYTES_MAX, &text));
    return rind_json_parse(ctx, text, path, root);
}

rind_status rind_local_attach(struct rind_ctx *ctx, const struct rind_local_options *options,
                              const char *path, const struct rind_log *log,
                              struct rind_local *local)
{
    json_t *root;
    *local =
        (struct rind_local){.options = options, .log = log, .start_ns = rind_clock_monotonic_ns()};
    RIND_TRY(attach_parse(ctx, path, &root));
    local->children = calloc(RIND_LOCAL_CHILDREN_MAX, sizeof(*local->children));
    rind_status status = local->children == NULL
                             ? rind_fail(ctx, RIND_E_LIMIT, "no memory for the processes' names")
                             : RIND_OK;
    if (rind_is_ok(status)) {
        struct rind_json_at at = rind_json_root(root, path);
        status = attach_read(ctx, &at, local);
    }
    json_decref(root);
    if (!rind_is_ok(status)) {
        rind_local_detach(local);
    }
    return status;
}

void rind_local_detach(struct rind_local *local)
{
    rind_client_close(local->client);
    rind_store_close(local->open_store);
    free(local->children);
    *local = (struct rind_local){0};
}

/* The id of the process that is called `name` now. */
static rind_status attach_find(struct rind_ctx *ctx, const struct rind_json_at *root,
                               const char *name, pid_t *pid)
{
    struct rind_json_at processes;
    size_t count;
    RIND_TRY(rind_json_member(ctx, root, "processes", &processes));
    RIND_TRY(rind_json_count(ctx, &processes, &count));
    for (size_t i = 0; i < count; i++) {
        struct rind_json_at process;
        const char *found;
        RIND_TRY(rind_json_element(ctx, &processes, i, &process));
        RIND_TRY(rind_json_member_text(ctx, &process, "name", &found));
        if (strcmp(found, name) == 0) {
            return attach_pid(ctx, &process, pid);
        }
    }
    return rind_fail(ctx, RIND_E_NOT_FOUND, "there is no process '%s' any more", name);
}

rind_status rind_local_reattach(struct rind_ctx *ctx, const char *path, struct rind_child *child)
{
    json_t *root;
    pid_t pid = 0;
    RIND_ASSERT(child->is_foreign && child->pid == 0);
    RIND_TRY(attach_parse(ctx, path, &root));
    struct rind_json_at at = rind_json_root(root, path);
    rind_status status = attach_find(ctx, &at, child->name, &pid);
    json_decref(root);
    RIND_TRY(status);
    RIND_REQUIRE(ctx, pid != child->last_pid && kill(pid, 0) == 0, RIND_E_STALE,
                 "nobody has started %s again yet; 'rind demo --keep-alive' does", child->name);
    child->pid = pid;
    return RIND_OK;
}
