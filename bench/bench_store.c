/*
 * bench_store.c - how many appends, and how many reads of tree paths, an LMDB store does per
 * second, and how many appends share a commit (one fsync each).
 *
 * Workload: each log entry replaces a path of PATH_NODES tree nodes (adds as many as it removes),
 * as an update in a tree of about a billion records does. A batch of n entries shares the topmost
 * nodes, so it writes fewer than n paths: the squashed count is approximated by nodes_of_batch().
 * Groups append concurrently, each strictly one row after the other, as agents do.
 *
 *     bench_store DIRECTORY [SECONDS_PER_CASE]      DIRECTORY must not exist; it is left behind
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "host/host.h"
#include "merkle/row_key.h"
#include "store/store.h"
#include "wire/wire.h"

#define PATH_NODES 30u
#define GROUPS_MAX 16u
#define NODE_VALUE_SIZE 206u /* an interior node with two branches */
#define ARENA_SIZE (64u << 20)

struct group_run {
    struct rind_store *store;
    struct rind_realm_id realm;
    struct rind_group_id group;
    size_t batch;
    struct rind_deadline end;
    struct rind_thread thread;
    uint64_t next_index;
    uint64_t node_number;
    uint64_t appends;
    uint64_t latency_ns_total;
    uint64_t latency_ns_max;
    rind_status status;
    char sentence[RIND_SENTENCE_SIZE_MAX];
};

/* How many nodes a batch of entries adds after squashing: paths share their upper levels. */
static size_t nodes_of_batch(size_t entries)
{
    size_t nodes = 0;
    for (unsigned level = 0; level < PATH_NODES; level++) {
        size_t at_level = level < 20 ? (size_t)1 << level : entries;
        nodes += at_level < entries ? at_level : entries;
    }
    return nodes;
}

static struct rind_mac mac_of(uint64_t index)
{
    struct rind_mac mac = {{0}};
    rind_put_be64(mac.bytes, index);
    return mac;
}

static rind_status entries_make(struct rind_ctx *ctx, uint64_t first, size_t count,
                                struct rind_store_entry **entries)
{
    *entries = rind_ctx_alloc_array(ctx, count, sizeof(**entries));
    for (size_t i = 0; i < count && *entries != NULL; i++) {
        struct rind_log_entry entry = {.index = first + i, .has_partition = true};
        entry.prev_mac = mac_of(entry.index - 1);
        entry.entry_mac = mac_of(entry.index);
        struct rind_slice cbor;
        RIND_TRY(rind_wire_encode_alloc(ctx, &rind_log_entry_schema, &entry, &cbor));
        RIND_TRY(rind_store_entry_parse(ctx, cbor, &(*entries)[i]));
    }
    return *entries == NULL ? rind_status_make(RIND_E_LIMIT) : RIND_OK;
}

/* A row key of the run's n-th node: scattered as hashes scatter them. */
static void row_key_make(const struct group_run *run, uint64_t number, uint8_t key[static 37])
{
    uint64_t mixed = (number + 1) * 0x9e3779b97f4a7c15u ^ ((uint64_t)run->group.bytes[0] << 56);
    memset(key, 0, 37);
    key[0] = (uint8_t)(mixed >> 57);
    key[1] = (uint8_t)(mixed >> 50 & 0x7f);
    key[2] = (uint8_t)(mixed >> 43 & 0x7f);
    key[3] = (uint8_t)(mixed >> 36 & 0x7f);
    key[4] = 0x87;
    rind_put_be64(key + 5, mixed);
    rind_put_be64(key + 29, mixed * 0xd6e8feb86659fd93u);
}

static rind_status delta_make(struct rind_ctx *ctx, struct group_run *run, size_t count,
                              struct rind_append_delta *delta)
{
    static const uint8_t value[NODE_VALUE_SIZE];
    struct rind_store_node *add = rind_ctx_alloc_array(ctx, count, sizeof(*add));
    struct rind_slice *remove = rind_ctx_alloc_array(ctx, count, sizeof(*remove));
    uint8_t(*keys)[37] = rind_ctx_alloc_array(ctx, 2 * count, sizeof(*keys));
    if (add == NULL || remove == NULL || keys == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    size_t removed = run->node_number >= count ? count : 0;
    for (size_t i = 0; i < count; i++) {
        row_key_make(run, run->node_number + i, keys[i]);
        add[i] = (struct rind_store_node){RIND_SLICE_OF(keys[i]), RIND_SLICE_OF(value)};
        if (removed > 0) {
            row_key_make(run, run->node_number - count + i, keys[count + i]);
            remove[i] = RIND_SLICE_OF(keys[count + i]);
        }
    }
    run->node_number += count;
    *delta = (struct rind_append_delta){add, count, remove, removed};
    return RIND_OK;
}

static rind_status group_append(struct rind_ctx *ctx, struct group_run *run)
{
    struct rind_store_entry *entries;
    struct rind_append_delta delta;
    struct rind_log_row row;
    RIND_TRY(entries_make(ctx, run->next_index, run->batch, &entries));
    RIND_TRY(delta_make(ctx, run, nodes_of_batch(run->batch), &delta));
    uint64_t start_ns = rind_clock_monotonic_ns();
    RIND_TRY(rind_store_append(ctx, run->store, &run->realm, &run->group, entries, run->batch,
                               &delta, rind_deadline_in_ms(RIND_STORE_TIMEOUT_MS), &row));
    uint64_t latency_ns = rind_clock_monotonic_ns() - start_ns;
    run->next_index += run->batch;
    run->appends++;
    run->latency_ns_total += latency_ns;
    run->latency_ns_max = latency_ns > run->latency_ns_max ? latency_ns : run->latency_ns_max;
    return RIND_OK;
}

static void group_run(void *self)
{
    struct group_run *run = self;
    struct rind_ctx ctx;
    struct rind_arena *arena = NULL;
    rind_ctx_init(&ctx, NULL);
    run->status = rind_arena_map(&ctx, ARENA_SIZE, &arena);
    rind_ctx_init(&ctx, arena);
    while (rind_is_ok(run->status) && !rind_deadline_has_expired(run->end)) {
        run->status = group_append(&ctx, run);
        rind_arena_reset(arena);
    }
    memcpy(run->sentence, ctx.sentence, sizeof(run->sentence));
    rind_arena_unmap(arena);
}

static rind_status run_case(struct rind_ctx *ctx, struct rind_store *store, struct group_run *runs,
                            unsigned groups, size_t batch, uint64_t seconds)
{
    struct rind_engine_statistics before;
    struct rind_engine_statistics after;
    rind_engine_statistics(rind_store_engine(store), &before);
    uint64_t start_ns = rind_clock_monotonic_ns();
    for (unsigned i = 0; i < groups; i++) {
        runs[i].batch = batch;
        runs[i].end = rind_deadline_in_ms(seconds * 1000);
        runs[i].appends = 0;
        runs[i].latency_ns_total = 0;
        runs[i].latency_ns_max = 0;
        RIND_TRY(rind_thread_start(ctx, &runs[i].thread, "group", group_run, &runs[i]));
    }
    uint64_t appends = 0;
    uint64_t latency_ns_total = 0;
    uint64_t latency_ns_max = 0;
    for (unsigned i = 0; i < groups; i++) {
        rind_thread_join(&runs[i].thread);
        RIND_REQUIRE(ctx, rind_is_ok(runs[i].status), RIND_E_INTERNAL, "%s", runs[i].sentence);
        appends += runs[i].appends;
        latency_ns_total += runs[i].latency_ns_total;
        latency_ns_max =
            runs[i].latency_ns_max > latency_ns_max ? runs[i].latency_ns_max : latency_ns_max;
    }
    double elapsed = (double)(rind_clock_monotonic_ns() - start_ns) / (double)RIND_NS_PER_S;
    rind_engine_statistics(rind_store_engine(store), &after);
    uint64_t commits = after.commits - before.commits;
    printf("%6u %6zu %10.0f %10.0f %10.0f %10.2f %10.2f %10.2f %8" PRIu64 " MiB\n", groups, batch,
           (double)appends / elapsed, (double)appends * (double)batch / elapsed,
           (double)commits / elapsed, commits == 0 ? 0.0 : (double)appends / (double)commits,
           appends == 0 ? 0.0 : (double)latency_ns_total / (double)appends / 1e6,
           (double)latency_ns_max / 1e6, after.size_bytes >> 20);
    return RIND_OK;
}

static rind_status run_all(struct rind_ctx *ctx, struct rind_store *store, uint64_t seconds)
{
    static struct group_run runs[GROUPS_MAX];
    struct rind_realm_id realm = {{0x66}};
    struct rind_deadline deadline = rind_deadline_in_ms(RIND_STORE_TIMEOUT_MS);
    RIND_TRY(rind_store_create_realm_tables(ctx, store, &realm, deadline));
    for (unsigned i = 0; i < GROUPS_MAX; i++) {
        runs[i] = (struct group_run){.store = store, .realm = realm, .next_index = 1};
        runs[i].group.bytes[0] = (uint8_t)(i + 1);
    }
    printf("%6s %6s %10s %10s %10s %10s %10s %10s %12s\n", "groups", "batch", "appends/s",
           "entries/s", "commits/s", "per commit", "mean ms", "max ms", "file");
    static const unsigned groups[] = {1, 4, 16};
    static const size_t batches[] = {1, 10, 100};
    for (size_t i = 0; i < 3; i++) {
        for (size_t j = 0; j < 3; j++) {
            RIND_TRY(run_case(ctx, store, runs, groups[i], batches[j], seconds));
        }
    }
    return RIND_OK;
}

int main(int argc, char **argv)
{
    if (argc < 2 || argc > 3) {
        fprintf(stderr, "usage: bench_store DIRECTORY [SECONDS_PER_CASE]\n");
        return 2;
    }
    uint64_t seconds = argc == 3 ? strtoull(argv[2], NULL, 10) : 5;
    char name[1024];
    (void)snprintf(name, sizeof(name), "lmdb:%s", argv[1]);
    struct rind_ctx ctx;
    struct rind_store *store = NULL;
    struct rind_arena *arena = NULL;
    rind_ctx_init(&ctx, NULL);
    rind_status status = rind_arena_map(&ctx, ARENA_SIZE, &arena);
    rind_ctx_init(&ctx, arena);
    struct rind_store_options options = {.merkle_cache_nodes = RIND_MERKLE_CACHE_NODES_AGENT};
    status = rind_is_ok(status) ? rind_store_open(&ctx, name, &options, &store) : status;
    status = rind_is_ok(status) ? run_all(&ctx, store, seconds) : status;
    if (!rind_is_ok(status)) {
        fprintf(stderr, "bench_store: %s\n", ctx.sentence);
    }
    rind_store_close(store);
    rind_arena_unmap(arena);
    return rind_is_ok(status) ? 0 : 1;
}
