/* emulator.c - see emulator.h. */
#include "cli/realm/emulator.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EMULATOR_NAME "cbtemulator"
/* From the Cloud SDK's bin/gcloud, without links. */
#define EMULATOR_BELOW_SDK "platform/bigtable-emulator/" EMULATOR_NAME
#define EMULATOR_READY_TIMEOUT_MS 10000u
#define EMULATOR_POLL_MS 10u
#define EMULATOR_LOG_SIZE_BYTES_MAX 4096u

/* The first executable of this name in PATH. */
static bool emulator_find_in_path(const char *name, char path[static PATH_MAX])
{
    const char *at = getenv("PATH");
    while (at != NULL && *at != '\0') {
        size_t size = strcspn(at, ":");
        int length = snprintf(path, PATH_MAX, "%.*s/%s", (int)size, at, name);
        if (length > 0 && length < PATH_MAX && access(path, X_OK) == 0) {
            return true;
        }
        at += size + (at[size] == ':');
    }
    return false;
}

/* Cuts the last part off a path. */
static void emulator_cut(char *path)
{
    char *slash = strrchr(path, '/');
    if (slash != NULL) {
        *slash = '\0';
    }
}

static bool emulator_find_in_sdk(char path[static PATH_MAX])
{
    char gcloud[PATH_MAX];
    char root[PATH_MAX];
    if (!emulator_find_in_path("gcloud", gcloud) || realpath(gcloud, root) == NULL) {
        return false;
    }
    emulator_cut(root); /* gcloud */
    emulator_cut(root); /* bin */
    int length = snprintf(path, PATH_MAX, "%s/" EMULATOR_BELOW_SDK, root);
    return length > 0 && length < PATH_MAX && access(path, X_OK) == 0;
}

/* ---- starting ours ---- */

/* The port it says it listens at, or NULL as long as it has not said so. */
static const char *emulator_read_port(struct rind_ctx *ctx, const struct rind_child *child)
{
    static const char said[] = "running on 127.0.0.1:";
    struct rind_ctx reading;
    rind_ctx_init(&reading, ctx->arena);
    struct rind_slice text;
    if (!rind_is_ok(
            rind_file_read(&reading, child->log_file, EMULATOR_LOG_SIZE_BYTES_MAX, &text))) {
        return NULL;
    }
    char *line = rind_ctx_alloc(&reading, text.length + 1);
    if (line == NULL) {
        return NULL;
    }
    memcpy(line, text.data, text.length);
    char *found = strstr(line, said);
    char *end = found == NULL ? NULL : strchr(found, '\n');
    if (end == NULL) {
        return NULL;
    }
    *end = '\0';
    return found + sizeof(said) - 1;
}

static rind_status emulator_wait(struct rind_ctx *ctx, struct rind_child *child,
                                 struct rind_stopper *stopper, struct rind_url *url)
{
    struct rind_deadline deadline = rind_deadline_in_ms(EMULATOR_READY_TIMEOUT_MS);
    while (!rind_deadline_has_expired(deadline)) {
        size_t mark = rind_arena_mark(ctx->arena);
        const char *port = emulator_read_port(ctx, child);
        if (port != NULL) {
            (void)snprintf(child->listen, sizeof(child->listen), "127.0.0.1:%.6s", port);
            (void)snprintf(child->address, sizeof(child->address), "http://%s", child->listen);
            return rind_url_parse(ctx, rind_slice_text(child->address), url);
        }
        rind_arena_release(ctx->arena, mark);
        RIND_TRY(rind_child_check(ctx, child));
        RIND_REQUIRE(ctx, !rind_stopper_wait(stopper, rind_deadline_in_ms(EMULATOR_POLL_MS)),
                     RIND_E_CANCELLED, "stopped while the Bigtable emulator started");
    }
    return rind_fail(ctx, RIND_E_TIMEOUT, "the Bigtable emulator %s does not say where it listens",
                     child->program);
}

static rind_status emulator_start(struct rind_ctx *ctx, struct rind_local *local,
                                  struct rind_stopper *stopper)
{
    char path[PATH_MAX];
    bool is_found = emulator_find_in_path(EMULATOR_NAME, path) || emulator_find_in_sdk(path);
    RIND_REQUIRE(ctx, is_found, RIND_E_NOT_FOUND,
                 "there is no Bigtable emulator: install it with gcloud components install "
                 "bigtable, or name one that runs in BIGTABLE_EMULATOR_HOST=host:port");
    RIND_ASSERT(local->child_count == 0); /* the first to start is the last to end */
    struct rind_child *child = &local->children[0];
    (void)snprintf(child->name, sizeof(child->name), "%s", RIND_LOCAL_EMULATOR_NAME);
    int length = snprintf(child->program, sizeof(child->program), "%s", path);
    RIND_REQUIRE(ctx, length > 0 && (size_t)length < sizeof(child->program), RIND_E_INVALID,
                 "the path of the Bigtable emulator is too long");
    length = snprintf(child->log_file, sizeof(child->log_file), "%s/%s.log", local->directory,
                      child->name);
    RIND_REQUIRE(ctx, length > 0 && (size_t)length < sizeof(child->log_file), RIND_E_INVALID,
                 "the path of the state directory is too long");
    rind_child_add(child, "-host=127.0.0.1");
    rind_child_add(child, "-port=0");
    RIND_TRY(rind_child_start(ctx, child));
    local->child_count = 1;
    return emulator_wait(ctx, child, stopper, &local->bigtable.url);
}

/* An emulator takes any names; these are the flags' defaults. */
static void emulator_set_names(struct rind_bigtable_flags *bigtable)
{
    bigtable->project = "prj";
    bigtable->instance = "instance";
    /* The emulator closes connections that ping often (docs/spec/04-store.md section 3.7). */
    bigtable->google.keepalive_interval_ns = 3600 * RIND_NS_PER_S;
}

rind_status rind_local_attach_bigtable(struct rind_ctx *ctx, struct rind_local *local,
                                       const char *host_port)
{
    char text[RIND_URL_SIZE_MAX];
    int length = snprintf(text, sizeof(text), "http://%s", host_port);
    RIND_REQUIRE(ctx, length > 0 && (size_t)length < sizeof(text), RIND_E_INVALID,
                 "the address of the Bigtable emulator is too long");
    emulator_set_names(&local->bigtable);
    RIND_TRY(rind_url_parse(ctx, rind_slice_text(text), &local->bigtable.url));
    local->bigtable.has_url = true;
    return RIND_OK;
}

rind_status rind_local_open_bigtable(struct rind_ctx *ctx, struct rind_local *local,
                                     struct rind_stopper *stopper)
{
    struct rind_bigtable_flags *bigtable = &local->bigtable;
    struct rind_bigtable_options named;
    emulator_set_names(bigtable);
    RIND_TRY(rind_bigtable_flags_options(ctx, bigtable, local->log, &named));
    if (bigtable->has_url) {
        return RIND_OK; /* BIGTABLE_EMULATOR_HOST */
    }
    RIND_REQUIRE(ctx, local->is_directory_ours, RIND_E_INVALID,
                 "--state with --store bigtable needs an emulator that outlives this command: "
                 "start one and name it in BIGTABLE_EMULATOR_HOST=host:port");
    RIND_TRY(emulator_start(ctx, local, stopper));
    bigtable->has_url = true;
    return RIND_OK;
}

void rind_local_add_store_flags(struct rind_child *child, const struct rind_local *local)
{
    rind_child_add(child, "--store=%s", local->store);
    if (local->options->store == RIND_LOCAL_STORE_BIGTABLE) {
        rind_child_add(child, "--bigtable-url=%s", local->bigtable.url.text);
        rind_child_add(child, "--bigtable-project=%s", local->bigtable.project);
        rind_child_add(child, "--bigtable-instance=%s", local->bigtable.instance);
        rind_child_add(child, "--bigtable-http-keepalive-interval=1h");
    }
}
