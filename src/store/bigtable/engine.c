/* engine.c - see bigtable.h: opening, warming, names and errors. */
#include <stdio.h>
#include <stdlib.h>

#include "store/bigtable/bigtable.h"

#define ENGINE_WARM_TIMEOUT_MS 5000u /* section 3.3 */
#define ENGINE_NAME_PART_SIZE_MAX 128u

static const char engine_remedy[] = "--bigtable-url";
static const char engine_remedy_not_found[] =
    "--bigtable-project, --bigtable-instance and --bigtable-url (an emulator that was restarted "
    "is empty)";

struct rind_bigtable_engine *rind_bigtable_of(struct rind_engine *engine)
{
    return (struct rind_bigtable_engine *)(void *)engine;
}

/* ---- names ---- */

void rind_bigtable_table_name(const struct rind_bigtable_engine *bigtable,
                              const struct rind_table *table,
                              char name[static RIND_BIGTABLE_NAME_SIZE])
{
    char id[RIND_TABLE_NAME_SIZE];
    rind_table_name(table, id);
    (void)snprintf(name, RIND_BIGTABLE_NAME_SIZE, "%.400s/tables/%s", bigtable->instance, id);
}

struct rind_grpc_call rind_bigtable_call(const struct rind_bigtable_engine *bigtable,
                                         const struct rind_table *table, const char *method,
                                         const ProtobufCMessage *request,
                                         const ProtobufCMessageDescriptor *response,
                                         struct rind_bigtable_names *names)
{
    if (table != NULL) {
        rind_bigtable_table_name(bigtable, table, names->resource);
    } else {
        (void)snprintf(names->resource, sizeof(names->resource), "%s", bigtable->instance);
    }
    rind_grpc_routing(table == NULL ? "name" : "table_name", names->resource, names->routing);
    struct rind_grpc_call call = {.method = method,
                                  .resource = names->resource,
                                  .routing = names->routing,
                                  .request = request,
                                  .response = response};
    return call;
}

rind_status rind_bigtable_explain(struct rind_ctx *ctx, const struct rind_table *table,
                                  rind_status status)
{
    /* Production says INVALID_ARGUMENT or NOT_FOUND, the emulator UNKNOWN or INTERNAL, which would
     * be retried in vain (section 3.7); all name the family. */
    bool is_about_families = !rind_is_ok(status) && (strstr(ctx->sentence, "unknown family") ||
                                                     strstr(ctx->sentence, "column family"));
    if (!is_about_families) {
        return status;
    }
    char name[RIND_TABLE_NAME_SIZE];
    rind_table_name(table, name);
    return rind_fail(ctx, RIND_E_INVALID,
                     "Bigtable's table %s was not made by a realm: it lacks the column families of "
                     "one (%s). Check --bigtable-instance, or move the table away",
                     name, table->kind == RIND_TABLE_LOG ? "f and t" : "f");
}

/* ---- upkeep ---- */

static rind_status bigtable_collect(struct rind_ctx *ctx, struct rind_engine *engine,
                                    struct rind_deadline deadline, uint64_t *removed)
{
    (void)ctx; /* Bigtable collects by itself, by the rules given to CreateTable */
    (void)engine;
    (void)deadline;
    (void)removed;
    return RIND_OK;
}

static void bigtable_statistics(struct rind_engine *engine,
                                struct rind_engine_statistics *statistics)
{
    struct rind_bigtable_engine *bigtable = rind_bigtable_of(engine);
    statistics->commits = atomic_load(&bigtable->commits);
    statistics->requests = atomic_load(&bigtable->requests);
    statistics->reads = atomic_load(&bigtable->reads);
}

static void bigtable_close(struct rind_engine *engine)
{
    struct rind_bigtable_engine *bigtable = rind_bigtable_of(engine);
    rind_bigtable_renewer_stop(bigtable);
    rind_channel_close(bigtable->data);
    rind_channel_close(bigtable->admin);
    rind_mutex_fini(&bigtable->admin_mutex);
    rind_mutex_fini(&bigtable->topics_mutex);
    rind_cond_fini(&bigtable->topics_cond);
    free(bigtable);
}

static const struct rind_engine_class bigtable_class = {
    .name = "bigtable",
    .writes_together = false,
    .reads_are_local = false,
    .read = rind_bigtable_read,
    .write = rind_bigtable_write,
    .test_and_write = rind_bigtable_test_and_write,
    .create_table = rind_bigtable_create_table,
    .list_tables = rind_bigtable_list_tables,
    .change_count = rind_bigtable_change_count,
    .wait_change = rind_bigtable_wait_change,
    .wake = rind_bigtable_wake,
    .collect = bigtable_collect,
    .statistics = bigtable_statistics,
    .close = bigtable_close,
};

/* ---- opening ---- */

struct rind_grpc_call rind_bigtable_warm_call(const struct rind_bigtable_engine *bigtable,
                                              Google__Bigtable__V2__PingAndWarmRequest *request,
                                              struct rind_bigtable_names *names)
{
    google__bigtable__v2__ping_and_warm_request__init(request);
    struct rind_grpc_call call = rind_bigtable_call(
        bigtable, NULL, "/google.bigtable.v2.Bigtable/PingAndWarm", &request->base,
        &google__bigtable__v2__ping_and_warm_response__descriptor, names);
    request->name = names->resource;
    return call;
}

/*
 * Section 3.3: wakes the service up for this connection. It is also the first call of a process, so
 * a wrong instance or account is found here, at start, and not by the first user.
 */
static rind_status bigtable_warm(struct rind_ctx *ctx, struct rind_bigtable_engine *bigtable)
{
    struct rind_bigtable_names names;
    Google__Bigtable__V2__PingAndWarmRequest request;
    struct rind_grpc_call call = rind_bigtable_warm_call(bigtable, &request, &names);
    uint8_t memory[1024];
    struct rind_arena arena;
    struct rind_ctx warming;
    rind_arena_init(&arena, memory, sizeof(memory));
    rind_ctx_init(&warming, &arena);
    ProtobufCMessage *response;
    rind_status status = rind_channel_call(&warming, bigtable->data, &call,
                                           rind_deadline_in_ms(ENGINE_WARM_TIMEOUT_MS), &response);
    bool is_refused = rind_is(status, RIND_E_NOT_FOUND) || rind_is(status, RIND_E_DENIED) ||
                      rind_is(status, RIND_E_AUTH);
    if (is_refused) {
        return rind_fail(ctx, (enum rind_code)status.code, "%s", warming.sentence);
    }
    /* Older emulators do not know it, and an outage may pass: what matters shows when it is used.
     */
    return RIND_OK;
}

static rind_status bigtable_check_name(struct rind_ctx *ctx, const char *flag, const char *name)
{
    size_t size = strnlen(name, ENGINE_NAME_PART_SIZE_MAX + 1);
    bool is_name = size > 0 && size <= ENGINE_NAME_PART_SIZE_MAX && strpbrk(name, "/ \t\n") == NULL;
    RIND_REQUIRE(ctx, is_name, RIND_E_INVALID,
                 "%s \"%.130s\" cannot be a name: give the id alone, without slashes", flag, name);
    return RIND_OK;
}

static rind_status bigtable_connect(struct rind_ctx *ctx,
                                    const struct rind_bigtable_options *options,
                                    struct rind_bigtable_engine *bigtable)
{
    RIND_TRY(bigtable_check_name(ctx, "--bigtable-project", options->project));
    RIND_TRY(bigtable_check_name(ctx, "--bigtable-instance", options->instance));
    (void)snprintf(bigtable->instance, sizeof(bigtable->instance), "projects/%s/instances/%s",
                   options->project, options->instance);
    const struct rind_log *log = bigtable->has_log ? &bigtable->log : NULL;
    struct rind_channel_options data_options;
    rind_channel_options_init(&data_options, "Bigtable", "bigtable.googleapis.com", options->url,
                              &options->google);
    data_options.remedy = engine_remedy;
    data_options.remedy_not_found = engine_remedy_not_found;
    data_options.message_size_bytes_max = RIND_BIGTABLE_MESSAGE_SIZE_BYTES_MAX;
    data_options.connection_count = RIND_BIGTABLE_CONNECTIONS;
    data_options.log = log;
    struct rind_channel_options *admin_options = &bigtable->admin_options;
    rind_channel_options_init(admin_options, "Bigtable administration",
                              "bigtableadmin.googleapis.com", options->url, &options->google);
    admin_options->remedy = engine_remedy;
    admin_options->remedy_not_found = engine_remedy_not_found;
    admin_options->log = log;
    RIND_TRY(rind_channel_open(ctx, &data_options, &bigtable->data));
    RIND_TRY(bigtable_warm(ctx, bigtable));
    return rind_bigtable_renewer_start(
        ctx, bigtable,
        options->connection_age_ns == 0 ? RIND_BIGTABLE_AGE_NS : options->connection_age_ns);
}

rind_status rind_engine_open_bigtable(struct rind_ctx *ctx,
                                      const struct rind_bigtable_options *options,
                                      struct rind_engine **engine)
{
    struct rind_bigtable_engine *bigtable = calloc(1, sizeof(*bigtable));
    RIND_REQUIRE(ctx, bigtable != NULL, RIND_E_LIMIT, "no memory for a store");
    bigtable->engine.class = &bigtable_class;
    bigtable->has_log = options->log != NULL;
    if (bigtable->has_log) {
        bigtable->log = *options->log;
    }
    rind_mutex_init(&bigtable->admin_mutex);
    rind_mutex_init(&bigtable->topics_mutex);
    rind_cond_init(&bigtable->topics_cond);
    rind_status status = bigtable_connect(ctx, options, bigtable);
    if (!rind_is_ok(status)) {
        bigtable_close(&bigtable->engine);
        return status;
    }
    *engine = &bigtable->engine;
    return RIND_OK;
}
