/* store.c - see store.h: opening, closing, tables, and how every call is retried. */
#include "store/store.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "store/deletes.h"
#include "store/state.h"

#define CACHE_BYTES_PER_NODE 2048u

void rind_store_tags_make(struct rind_store_tags *tags, const struct rind_realm_id *realm,
                          const struct rind_group_id *group)
{
    tags->count = 0;
    if (realm != NULL) {
        rind_hex_encode(rind_realm_id_slice(realm), tags->realm);
        tags->tags[tags->count++] = (struct rind_tag){"realm", tags->realm};
    }
    if (group != NULL) {
        rind_hex_encode(rind_group_id_slice(group), tags->group);
        tags->tags[tags->count++] = (struct rind_tag){"group", tags->group};
    }
}

static bool store_may_retry_stale(rind_status status)
{
    return rind_is(status, RIND_E_STALE) || rind_engine_may_retry(status);
}

void rind_store_retry_begin(const struct rind_store *store, struct rind_retry *retry,
                            const char *path, const struct rind_store_tags *tags,
                            enum rind_store_retries retries, struct rind_deadline deadline)
{
    struct rind_retry_options options = {
        .profile = &rind_retry_profile_store,
        .description = path,
        .deadline = deadline,
        .log = rind_store_log(store),
        .metrics = store->metrics,
        .metrics_path = path,
        .tags = tags == NULL ? NULL : tags->tags,
        .tag_count = tags == NULL ? 0 : tags->count,
        .is_retryable =
            retries == RIND_STORE_RETRIES_STALE ? store_may_retry_stale : rind_engine_may_retry,
    };
    rind_retry_begin(retry, &options);
}

rind_status rind_store_read(struct rind_ctx *ctx, struct rind_store *store, const char *path,
                            const struct rind_store_tags *tags, const struct rind_read *read,
                            struct rind_deadline deadline, struct rind_rows *rows)
{
    struct rind_retry retry;
    rind_store_retry_begin(store, &retry, path, tags, RIND_STORE_RETRIES, deadline);
    while (rind_retry_next(&retry)) {
        rind_retry_record(&retry, ctx,
                          rind_engine_read(ctx, store->engine, read, retry.deadline, rows));
    }
    return rind_retry_end(&retry, ctx);
}

rind_status rind_store_read_shared(struct rind_ctx *ctx, struct rind_store *store, const char *path,
                                   const struct rind_read *read, struct rind_deadline deadline,
                                   atomic_size_t *missing, struct rind_rows *rows)
{
    struct rind_retry retry;
    size_t is_missing = 0;
    rind_store_retry_begin(store, &retry, path, NULL, RIND_STORE_RETRIES, deadline);
    while (rind_retry_next(&retry)) {
        rind_status status = rind_engine_read(ctx, store->engine, read, retry.deadline, rows);
        is_missing = rind_is(status, RIND_E_NOT_FOUND);
        if (is_missing) {
            *rows = (struct rind_rows){0};
            status = RIND_OK;
        }
        rind_retry_record(&retry, ctx, status);
    }
    RIND_TRY(rind_retry_end(&retry, ctx));
    if (rind_store_is_news(missing, is_missing)) {
        char name[RIND_TABLE_NAME_SIZE];
        rind_table_name(&read->table, name);
        RIND_LOG_WARN(rind_store_log(store),
                      "the store has no %s table yet (a Bigtable emulator that was restarted has "
                      "none any more): start a cluster manager",
                      name);
    }
    return RIND_OK;
}

rind_status rind_store_write(struct rind_ctx *ctx, struct rind_store *store, const char *path,
                             const struct rind_store_tags *tags, const struct rind_write *write,
                             struct rind_deadline deadline)
{
    struct rind_retry retry;
    rind_store_retry_begin(store, &retry, path, tags, RIND_STORE_RETRIES, deadline);
    while (rind_retry_next(&retry)) {
        rind_retry_record(&retry, ctx,
                          rind_engine_write(ctx, store->engine, write, retry.deadline));
    }
    return rind_retry_end(&retry, ctx);
}

const struct rind_log *rind_store_log(const struct rind_store *store)
{
    return store->has_log ? &store->log : NULL;
}

bool rind_store_is_news(atomic_size_t *said, size_t now)
{
    return atomic_exchange(said, now) != now && now > 0;
}

void rind_store_key_text(struct rind_slice key, char text[static RIND_STORE_KEY_TEXT_SIZE])
{
    size_t length =
        key.length < RIND_STORE_KEY_TEXT_SIZE ? key.length : RIND_STORE_KEY_TEXT_SIZE - 1;
    for (size_t i = 0; i < length; i++) {
        text[i] = key.data[i] >= 0x20 && key.data[i] < 0x7f ? (char)key.data[i] : '?';
    }
    text[length] = '\0';
}

uint64_t rind_store_instances_take(struct rind_store *store, size_t count)
{
    return atomic_fetch_add_explicit(&store->instance_counter, count, memory_order_relaxed) + 1;
}

void rind_store_instance(const struct rind_store *store, uint64_t counter,
                         uint8_t instance[static RIND_MERKLE_INSTANCE_SIZE])
{
    memcpy(instance, store->instance, sizeof(store->instance));
    rind_put_be64(instance + sizeof(store->instance), counter);
}

struct rind_mutation rind_mutation_set(struct rind_slice qualifier, int64_t timestamp_us,
                                       struct rind_slice value)
{
    struct rind_mutation mutation = {RIND_MUTATION_SET_CELL, 'f', qualifier, timestamp_us, value};
    return mutation;
}

/* ---- opening and closing ---- */

static rind_status store_fill(struct rind_ctx *ctx, const struct rind_store_options *options,
                              struct rind_store *store)
{
    size_t nodes = options->merkle_cache_nodes == 0 ? 1 : options->merkle_cache_nodes;
    size_t bytes = options->merkle_cache_bytes;
    if (bytes == 0) {
        RIND_REQUIRE(ctx, rind_checked_multiply(nodes, CACHE_BYTES_PER_NODE, &bytes),
                     RIND_E_INVALID, "a cache of %zu tree nodes does not fit in memory", nodes);
    }
    RIND_REQUIRE(ctx,
                 getrandom(store->instance, sizeof(store->instance), 0) ==
                     (ssize_t)sizeof(store->instance),
                 RIND_E_IO, "the system gives no random bytes: %s", strerror(errno));
    RIND_TRY(rind_node_cache_new(ctx, nodes, bytes, &store->cache));
    return rind_deletes_open(ctx, store,
                             options->delete_delay_ms == 0 ? RIND_STORE_DELETE_DELAY_MS
                                                           : options->delete_delay_ms);
}

/* Frees everything but the engine. */
static void store_free(struct rind_store *store)
{
    rind_deletes_close(store);
    rind_node_cache_free(store->cache);
    rind_cond_fini(&store->permits_cond);
    rind_mutex_fini(&store->permits_mutex);
    rind_mutex_fini(&store->last_writes_mutex);
    free(store);
}

rind_status rind_store_open_engine(struct rind_ctx *ctx, struct rind_engine *engine_take,
                                   const struct rind_store_options *options,
                                   struct rind_store **opened)
{
    static const struct rind_store_options options_default = {0};
    options = options == NULL ? &options_default : options;
    struct rind_store *store = calloc(1, sizeof(*store));
    RIND_REQUIRE(ctx, store != NULL, RIND_E_LIMIT, "no memory for a store");
    store->engine = engine_take;
    store->clock = options->clock;
    store->metrics = options->metrics;
    store->has_log = options->log != NULL;
    if (store->has_log) {
        store->log = *options->log;
    }
    store->large_read_ranges = options->large_read_ranges == 0 ? RIND_MERKLE_LARGE_READ_RANGES
                                                               : options->large_read_ranges;
    store->permits_left = options->large_read_permits == 0 ? RIND_MERKLE_LARGE_READ_PERMITS
                                                           : options->large_read_permits;
    rind_mutex_init(&store->last_writes_mutex);
    rind_mutex_init(&store->permits_mutex);
    rind_cond_init(&store->permits_cond);
    rind_status status = store_fill(ctx, options, store);
    if (!rind_is_ok(status)) {
        store_free(store);
        return status;
    }
    *opened = store;
    return RIND_OK;
}

static rind_status store_open_named(struct rind_ctx *ctx, const char *name,
                                    const struct rind_store_options *options,
                                    struct rind_engine **engine)
{
    const struct rind_store_clock *clock = options == NULL ? NULL : options->clock;
    if (strncmp(name, "lmdb:", 5) == 0) {
        uint64_t map_size = options == NULL ? 0 : options->lmdb_map_size_bytes;
        return rind_engine_open_lmdb(ctx, name + 5, map_size, clock, engine);
    }
    if (strcmp(name, "memory:") == 0) {
        return rind_engine_open_memory(ctx, clock, engine);
    }
    if (strcmp(name, "bigtable") == 0) {
        RIND_REQUIRE(ctx, options != NULL && options->bigtable != NULL, RIND_E_INVALID,
                     "no project and instance of Bigtable are given");
        return rind_engine_open_bigtable(ctx, options->bigtable, engine);
    }
    return rind_fail(ctx, RIND_E_INVALID,
                     "unknown store \"%.100s\"; use lmdb:DIRECTORY or bigtable", name);
}

rind_status rind_store_open(struct rind_ctx *ctx, const char *name,
                            const struct rind_store_options *options, struct rind_store **store)
{
    struct rind_engine *engine = NULL;
    RIND_TRY(store_open_named(ctx, name, options, &engine));
    rind_status status = rind_store_open_engine(ctx, engine, options, store);
    if (!rind_is_ok(status)) {
        rind_engine_close(engine);
    }
    return status;
}

rind_status rind_store_finish_deletes(struct rind_ctx *ctx, struct rind_store *store,
                                      struct rind_deadline deadline)
{
    return rind_deletes_finish(ctx, store, deadline);
}

void rind_store_close(struct rind_store *store)
{
    if (store == NULL) {
        return;
    }
    struct rind_engine *engine = store->engine;
    store_free(store);
    rind_engine_close(engine);
}

struct rind_engine *rind_store_engine(struct rind_store *store)
{
    return store->engine;
}

uint32_t rind_store_change_count(struct rind_store *store, const struct rind_realm_id *realm,
                                 const struct rind_group_id *group)
{
    return rind_engine_change_count(store->engine, realm, group);
}

void rind_store_wait_change(struct rind_store *store, const struct rind_realm_id *realm,
                            const struct rind_group_id *group, uint32_t since,
                            struct rind_deadline deadline)
{
    rind_engine_wait_change(store->engine, realm, group, since, deadline);
}

/* ---- tables ---- */

/*
 * Creates one table, trying again where that may help; EXISTS after an attempt of ours is ours, and
 * no fault to be logged where tables may be there.
 */
static rind_status store_create_table(struct rind_ctx *ctx, struct rind_store *store,
                                      const struct rind_table *table, bool may_exist,
                                      struct rind_deadline deadline)
{
    struct rind_retry retry;
    rind_store_retry_begin(store, &retry, "store_client.create_table", NULL, RIND_STORE_RETRIES,
                           deadline);
    while (rind_retry_next(&retry)) {
        rind_status status = rind_engine_create_table(ctx, store->engine, table, retry.deadline);
        if (rind_is(status, RIND_E_EXISTS) && (may_exist || retry.attempt > 1)) {
            status = RIND_OK;
        }
        rind_retry_record(&retry, ctx, status);
    }
    return rind_retry_end(&retry, ctx);
}

rind_status rind_store_create_shared_tables(struct rind_ctx *ctx, struct rind_store *store,
                                            struct rind_deadline deadline)
{
    static const enum rind_table_kind kinds[] = {RIND_TABLE_DISCOVERY, RIND_TABLE_LEASE,
                                                 RIND_TABLE_TENANTS};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct rind_table table = rind_table_shared(kinds[i]);
        rind_status status = store_create_table(ctx, store, &table, true, deadline);
        if (!rind_is_ok(status)) {
            return rind_fail_while(ctx, status, "while creating the shared tables");
        }
    }
    return RIND_OK;
}

rind_status rind_store_create_realm_tables(struct rind_ctx *ctx, struct rind_store *store,
                                           const struct rind_realm_id *realm,
                                           struct rind_deadline deadline)
{
    static const enum rind_table_kind kinds[] = {RIND_TABLE_MERKLE, RIND_TABLE_LOG,
                                                 RIND_TABLE_USERS};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct rind_table table = rind_table_of_realm(kinds[i], realm);
        RIND_TRY(store_create_table(ctx, store, &table, false, deadline));
    }
    return RIND_OK;
}
