/* local.c - see local.h. What is started, and in which order, stands in start.c. */
#include "cli/realm/local.h"

#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/auth_token.h"
#include "cli/ids.h"
#include "cli/realm/certificate.h"
#include "cli/realm/emulator.h"
#include "cli/realm/start.h"

#define LOCAL_REMOVE_DESCRIPTORS 16

static rind_status local_make_directory(struct rind_ctx *ctx, struct rind_local *local)
{
    const char *given = local->options->state_directory;
    if (given != NULL) {
        RIND_REQUIRE(ctx, strlen(given) + 64 < sizeof(local->directory), RIND_E_INVALID,
                     "the path '%s' is too long", given);
        RIND_TRY(rind_directory_make(ctx, given, 0700));
        char *absolute = realpath(given, NULL);
        RIND_REQUIRE(ctx, absolute != NULL && strlen(absolute) + 64 < sizeof(local->directory),
                     RIND_E_IO, "cannot use directory '%s': %s", given, strerror(errno));
        memcpy(local->directory, absolute, strlen(absolute) + 1);
        free(absolute);
        return RIND_OK;
    }
    const char *base = getenv("TMPDIR");
    int length = snprintf(local->directory, sizeof(local->directory), "%s/rind-XXXXXX",
                          base == NULL || base[0] == '\0' ? "/tmp" : base);
    RIND_REQUIRE(ctx, length > 0 && (size_t)length + 64 < sizeof(local->directory), RIND_E_INVALID,
                 "TMPDIR is too long; set it to a shorter path");
    if (mkdtemp(local->directory) == NULL) {
        char failed[RIND_CHILD_PATH_SIZE_MAX];
        memcpy(failed, local->directory, sizeof(failed));
        local->directory[0] = '\0';
        return rind_fail(ctx, RIND_E_IO,
                         "cannot make a directory %s: %s; set TMPDIR to a folder "
                         "that may be written",
                         failed, strerror(errno));
    }
    local->is_directory_ours = true;
    return RIND_OK;
}

static rind_status local_path(struct rind_ctx *ctx, const struct rind_local *local,
                              const char *name, char path[RIND_CHILD_PATH_SIZE_MAX])
{
    int length = snprintf(path, RIND_CHILD_PATH_SIZE_MAX, "%s/%s", local->directory, name);
    RIND_REQUIRE(ctx, length > 0 && (size_t)length < RIND_CHILD_PATH_SIZE_MAX, RIND_E_INVALID,
                 "the path of the state directory is too long");
    return RIND_OK;
}

/* Random keys: nobody could use the secrets of a demonstration anywhere else. */
static rind_status local_write_secrets(struct rind_ctx *ctx, const char *path)
{
    struct rind_slice existing;
    struct rind_ctx ignored;
    rind_ctx_init(&ignored, ctx->arena);
    if (rind_is_ok(rind_file_read(&ignored, path, 1u << 20, &existing))) {
        return RIND_OK; /* a state directory that is used again keeps its users' records */
    }
    uint8_t keys[3][32];
    char texts[3][RIND_HEX_SIZE(32)];
    RIND_REQUIRE(ctx, getentropy(keys, sizeof(keys)) == 0, RIND_E_IO, "no randomness: %s",
                 strerror(errno));
    for (size_t i = 0; i < 3; i++) {
        rind_hex_encode(rind_slice_make(keys[i], sizeof(keys[i])), texts[i]);
    }
    char json[1024];
    int length = snprintf(json, sizeof(json),
                          "{\n  \"record-id-randomization\": { \"1\": { \"data\": \"%s\", "
                          "\"encoding\": \"Hex\", \"algorithm\": \"Blake2sMac256\" } },\n"
                          "  \"tenant-" RIND_LOCAL_TENANT "\": { \"1\": { \"data\": \"%s\", "
                          "\"encoding\": \"Hex\", \"algorithm\": \"HmacSha256\" } },\n"
                          "  \"" RIND_SECRET_SOFTWARE_PREFIX RIND_LOCAL_TENANT
                          "\": { \"1\": { \"data\": \"%s\", "
                          "\"encoding\": \"Hex\", \"algorithm\": \"HmacSha256\" } }\n}\n",
                          texts[0], texts[1], texts[2]);
    rind_status status = rind_file_create(ctx, path, rind_slice_make(json, (size_t)length), 0600);
    rind_wipe(keys, sizeof(keys));
    rind_wipe(texts, sizeof(texts));
    rind_wipe(json, sizeof(json));
    return status;
}

static rind_status local_prepare(struct rind_ctx *ctx, struct rind_local *local)
{
    char key_file[RIND_CHILD_PATH_SIZE_MAX];
    RIND_TRY(local_make_directory(ctx, local));
    RIND_TRY(local_path(ctx, local, "localhost.key", key_file));
    RIND_TRY(local_path(ctx, local, "localhost.cert", local->certificate_pem));
    RIND_TRY(local_path(ctx, local, "localhost.cert.der", local->certificate_der));
    RIND_TRY(rind_certificate_make(ctx, key_file, local->certificate_pem, local->certificate_der));
    int length =
        local->options->store == RIND_LOCAL_STORE_BIGTABLE
            ? snprintf(local->store, sizeof(local->store), "bigtable")
            : snprintf(local->store, sizeof(local->store), "lmdb:%s/store", local->directory);
    RIND_ASSERT(length > 0 && (size_t)length < sizeof(local->store)); /* room was kept above */
    if (local->options->secrets_file != NULL) {
        char *absolute = realpath(local->options->secrets_file, NULL);
        RIND_REQUIRE(ctx, absolute != NULL && strlen(absolute) < sizeof(local->secrets_file),
                     RIND_E_IO, "cannot read the secrets file '%s': %s",
                     local->options->secrets_file, strerror(errno));
        memcpy(local->secrets_file, absolute, strlen(absolute) + 1);
        free(absolute);
        return RIND_OK;
    }
    RIND_TRY(local_path(ctx, local, "secrets.json", local->secrets_file));
    return local_write_secrets(ctx, local->secrets_file);
}

rind_status rind_local_open_store(struct rind_ctx *ctx, struct rind_local *local)
{
    struct rind_bigtable_options bigtable;
    RIND_TRY(rind_bigtable_flags_options(ctx, &local->bigtable, local->log, &bigtable));
    const struct rind_store_options options = {.bigtable = &bigtable, .log = local->log};
    const struct rind_client_options client_options = rind_client_options_default();
    RIND_TRY(rind_store_open(ctx, local->store, &options, &local->open_store));
    RIND_TRY(rind_store_create_shared_tables(ctx, local->open_store,
                                             rind_deadline_in_ms(RIND_STORE_TIMEOUT_MS)));
    RIND_TRY(rind_client_open(ctx, &client_options, &local->client));
    local->cluster = (struct rind_cluster){.store = local->open_store,
                                           .client = local->client,
                                           .log = local->log,
                                           .name = "rind demo"};
    return RIND_OK;
}

rind_status rind_local_open(struct rind_ctx *ctx, const struct rind_local_options *options,
                            const struct rind_log *log, struct rind_stopper *stopper,
                            rind_local_progress progress, void *progress_self,
                            struct rind_local *local)
{
    *local =
        (struct rind_local){.options = options, .log = log, .start_ns = rind_clock_monotonic_ns()};
    local->children = calloc(RIND_LOCAL_CHILDREN_MAX, sizeof(*local->children));
    RIND_REQUIRE(ctx, local->children != NULL, RIND_E_LIMIT, "no memory for the processes' names");
    const struct rind_local_start start = {
        .local = local, .stopper = stopper, .progress = progress, .progress_self = progress_self};
    rind_status status = local_prepare(ctx, local);
    if (rind_is_ok(status) && options->store == RIND_LOCAL_STORE_BIGTABLE) {
        status = rind_local_open_bigtable(ctx, local, stopper);
    }
    if (rind_is_ok(status)) {
        status = rind_local_open_store(ctx, local);
    }
    if (rind_is_ok(status)) {
        status = rind_local_start_all(ctx, &start);
    }
    if (!rind_is_ok(status)) {
        rind_local_close(local);
    }
    return status;
}

static int local_remove_entry(const char *path, const struct stat *info, int kind,
                              struct FTW *place)
{
    (void)info;
    (void)kind;
    (void)place;
    return remove(path);
}

/* All of a kind are told at once, so that stopping takes as long as the slowest. */
static void local_stop_kind(struct rind_local *local, const char *kind)
{
    struct rind_deadline deadline = rind_deadline_in_ms(RIND_CHILD_STOP_TIMEOUT_MS);
    for (size_t i = 0; i < local->child_count; i++) {
        if (strncmp(local->children[i].name, kind, strlen(kind)) == 0) {
            rind_child_signal(&local->children[i], SIGCONT);
            rind_child_signal(&local->children[i], SIGTERM);
        }
    }
    for (size_t i = 0; i < local->child_count; i++) {
        if (strncmp(local->children[i].name, kind, strlen(kind)) == 0 &&
            !rind_child_wait(&local->children[i], deadline)) {
            rind_child_kill(&local->children[i]);
        }
    }
}

void rind_local_close(struct rind_local *local)
{
    if (local->is_directory_ours) {
        /* All they could still save goes with the directory. */
        for (size_t i = local->child_count; i > 0; i--) {
            rind_child_kill(&local->children[i - 1]);
        }
    } else {
        /* Outside in: whoever calls others ends before them, so nothing is left unanswered. */
        static const char *const kinds[] = {"balancer-", "software-", "manager-", "agent-", "hsm-"};
        for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
            local_stop_kind(local, kinds[i]);
        }
    }
    rind_client_close(local->client);
    rind_store_close(local->open_store);
    if (local->is_directory_ours && local->directory[0] != '\0') {
        (void)nftw(local->directory, local_remove_entry, LOCAL_REMOVE_DESCRIPTORS,
                   FTW_DEPTH | FTW_PHYS);
    }
    free(local->children);
    *local = (struct rind_local){0};
}

struct rind_child *rind_local_find(struct rind_local *local, const char *name)
{
    for (size_t i = 0; i < local->child_count; i++) {
        if (strcmp(local->children[i].name, name) == 0) {
            return &local->children[i];
        }
    }
    return NULL;
}

rind_status rind_local_check(struct rind_ctx *ctx, struct rind_local *local)
{
    for (size_t i = 0; i < local->child_count; i++) {
        RIND_TRY(rind_child_check(ctx, &local->children[i]));
    }
    return RIND_OK;
}
