/* tree_store.c - see tree_store.h. */
#include "cli/bench/tree_store.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/bench/full_tree.h"
#include "merkle/merkle.h"

#define TREE_STORE_ARENA_SIZE ((size_t)1 << 26)
#define TREE_STORE_LOAD_NODES 4000u /* per append */
#define TREE_STORE_PENDING_MAX RIND_LOG_BATCH_ENTRIES_MAX
#define TREE_STORE_DELETE_DELAY_MS 1000u
#define TREE_STORE_TIMEOUT_MS 120000u

struct rind_tree_store {
    char name[RIND_TREE_STORE_PATH_SIZE_MAX];
    struct rind_realm_id realm;
    struct rind_group_id group;
    struct rind_store *store;
    struct rind_arena *arena; /* of what is pending */
    struct rind_ctx ctx;      /* over it */
    struct rind_store_entry entries[TREE_STORE_PENDING_MAX];
    struct rind_append_delta deltas[TREE_STORE_PENDING_MAX];
    size_t pending_count;
    struct rind_tree_store_counts counts;
};

/* ---- opening ---- */

static rind_status tree_store_start(struct rind_ctx *ctx, struct rind_tree_store *store)
{
    const struct rind_store_options options = {.merkle_cache_nodes = RIND_MERKLE_CACHE_NODES_AGENT,
                                               .delete_delay_ms = TREE_STORE_DELETE_DELAY_MS};
    return rind_store_open(ctx, store->name, &options, &store->store);
}

static rind_status tree_store_open_with(struct rind_ctx *ctx, struct rind_tree_store *store,
                                        const char *directory)
{
    int length = snprintf(store->name, sizeof(store->name), "lmdb:%s", directory);
    RIND_REQUIRE(ctx, length > 0 && (size_t)length < sizeof(store->name), RIND_E_INVALID,
                 "the name of the directory is too long");
    RIND_TRY(rind_arena_map(ctx, TREE_STORE_ARENA_SIZE, &store->arena));
    rind_ctx_init(&store->ctx, store->arena);
    RIND_TRY(tree_store_start(ctx, store));
    return rind_store_create_realm_tables(ctx, store->store, &store->realm,
                                          rind_deadline_in_ms(TREE_STORE_TIMEOUT_MS));
}

rind_status rind_tree_store_open(struct rind_ctx *ctx, const char *directory,
                                 const struct rind_realm_id *realm,
                                 const struct rind_group_id *group, struct rind_tree_store **store)
{
    struct rind_tree_store *opened = calloc(1, sizeof(*opened));
    RIND_REQUIRE(ctx, opened != NULL, RIND_E_LIMIT, "no memory for a store");
    opened->realm = *realm;
    opened->group = *group;
    rind_status status = tree_store_open_with(ctx, opened, directory);
    if (!rind_is_ok(status)) {
        rind_tree_store_close(opened);
        return status;
    }
    *store = opened;
    return RIND_OK;
}

void rind_tree_store_close(struct rind_tree_store *store)
{
    if (store != NULL) {
        rind_store_close(store->store);
        rind_arena_unmap(store->arena);
        free(store);
    }
}

rind_status rind_tree_store_forget(struct rind_ctx *ctx, struct rind_tree_store *store)
{
    char path[RIND_TREE_STORE_PATH_SIZE_MAX + 16];
    RIND_ASSERT(store->pending_count == 0);
    rind_store_close(store->store); /* pages that are mapped stay in the system's cache */
    store->store = NULL;
    (void)snprintf(path, sizeof(path), "%s/data.mdb", store->name + strlen("lmdb:"));
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED); /* advice: it may be refused */
        (void)close(fd);
    }
    return tree_store_start(ctx, store);
}

/* ---- from messages to the store's form ---- */

static rind_status tree_store_row_key(struct rind_ctx *ctx, const struct rind_node_key *key,
                                      struct rind_slice *row_key)
{
    struct rind_row_key *made = rind_ctx_alloc(ctx, sizeof(*made));
    RIND_REQUIRE(ctx, made != NULL, RIND_E_LIMIT, "no room for a row key");
    RIND_TRY(rind_row_key_of_node(ctx, key, made));
    *row_key = rind_row_key_slice(made);
    return RIND_OK;
}

static rind_status tree_store_node(struct rind_ctx *ctx, const struct rind_node_addition *addition,
                                   struct rind_store_node *node)
{
    RIND_TRY(tree_store_row_key(ctx, &addition->key, &node->row_key));
    return rind_wire_encode_alloc(ctx, &rind_node_schema, &addition->node, &node->cbor);
}

static rind_status tree_store_delta(struct rind_ctx *ctx, const struct rind_store_delta *delta,
                                    struct rind_append_delta *made)
{
    struct rind_store_node *add = rind_ctx_alloc_array(ctx, delta->add.count, sizeof(*add));
    struct rind_slice *remove = rind_ctx_alloc_array(ctx, delta->remove.count, sizeof(*remove));
    RIND_REQUIRE(ctx, add != NULL && remove != NULL, RIND_E_LIMIT, "no room for a delta");
    for (size_t i = 0; i < delta->add.count; i++) {
        RIND_TRY(tree_store_node(ctx, &delta->add.items[i], &add[i]));
    }
    for (size_t i = 0; i < delta->remove.count; i++) {
        RIND_TRY(tree_store_row_key(ctx, &delta->remove.items[i], &remove[i]));
    }
    *made = (struct rind_append_delta){add, delta->add.count, remove, delta->remove.count};
    return RIND_OK;
}

static rind_status tree_store_entry(struct rind_ctx *ctx, const struct rind_log_entry *entry,
                                    struct rind_store_entry *made)
{
    struct rind_slice cbor;
    RIND_TRY(rind_wire_encode_alloc(ctx, &rind_log_entry_schema, entry, &cbor));
    return rind_store_entry_parse(ctx, cbor, made);
}

static uint64_t tree_store_delta_size(const struct rind_append_delta *delta)
{
    uint64_t size = 0;
    for (size_t i = 0; i < delta->add_count; i++) {
        size += delta->add[i].row_key.length + delta->add[i].cbor.length;
    }
    return size;
}

/* ---- loading ---- */

/* Nodes from..to under one entry of a log of their own: what is loaded has no history. */
static rind_status tree_store_load_part(struct rind_ctx *ctx, struct rind_tree_store *store,
                                        const struct rind_full_tree *tree, uint64_t from,
                                        uint64_t to, struct rind_log_entry *entry)
{
    static const struct rind_group_id loading = {{0xff}};
    struct rind_store_node *nodes = rind_ctx_alloc_array(ctx, (size_t)(to - from), sizeof(*nodes));
    RIND_REQUIRE(ctx, nodes != NULL, RIND_E_LIMIT, "no room for nodes");
    for (uint64_t i = from; i < to; i++) {
        struct rind_node_addition addition;
        rind_full_tree_node(tree, i, &addition);
        RIND_TRY(tree_store_node(ctx, &addition, &nodes[i - from]));
    }
    entry->index++;
    entry->prev_mac = entry->entry_mac;
    rind_put_be64(entry->entry_mac.bytes, entry->index);
    struct rind_store_entry stored;
    struct rind_log_row row;
    RIND_TRY(tree_store_entry(ctx, entry, &stored));
    const struct rind_append_delta delta = {.add = nodes, .add_count = (size_t)(to - from)};
    return rind_store_append(ctx, store->store, &store->realm, &loading, &stored, 1, &delta,
                             rind_deadline_in_ms(TREE_STORE_TIMEOUT_MS), &row);
}

static rind_status tree_store_load_all(struct rind_ctx *ctx, struct rind_tree_store *store,
                                       const struct rind_full_tree *tree,
                                       void (*progress)(uint64_t done, uint64_t all))
{
    struct rind_log_entry entry = {.index = 0};
    uint64_t count = rind_full_tree_count(tree);
    for (uint64_t at = 0; at < count; at += TREE_STORE_LOAD_NODES) {
        uint64_t end = count - at < TREE_STORE_LOAD_NODES ? count : at + TREE_STORE_LOAD_NODES;
        size_t mark = rind_arena_mark(ctx->arena);
        RIND_TRY(tree_store_load_part(ctx, store, tree, at, end, &entry));
        rind_arena_release(ctx->arena, mark);
        if (progress != NULL) {
            progress(end, count);
        }
    }
    return RIND_OK;
}

rind_status rind_tree_store_load(struct rind_ctx *ctx, struct rind_tree_store *store,
                                 uint64_t record_count, uint64_t seed,
                                 void (*progress)(uint64_t done, uint64_t all),
                                 struct rind_data_hash *root_hash)
{
    RIND_REQUIRE(ctx,
                 record_count >= RIND_TREE_STORE_RECORDS_MIN &&
                     record_count <= RIND_TREE_STORE_RECORDS_MAX,
                 RIND_E_INVALID, "a store cannot be loaded with so few or so many records");
    struct rind_full_tree *tree;
    RIND_TRY(rind_full_tree_new(ctx, record_count, seed, &tree));
    rind_status status = tree_store_load_all(ctx, store, tree, progress);
    *root_hash = *rind_full_tree_root(tree);
    rind_full_tree_free(tree);
    return status;
}

/* ---- serving a core's host ---- */

static rind_status tree_store_read(struct rind_ctx *ctx, struct rind_tree_store *store,
                                   const struct rind_partition *partition,
                                   const struct rind_record_id *key, struct rind_path *path)
{
    uint64_t start_ns = rind_clock_monotonic_ns();
    RIND_TRY(rind_store_read_path(ctx, store->store, &store->realm, key, &partition->root_hash,
                                  rind_deadline_in_ms(TREE_STORE_TIMEOUT_MS), path));
    store->counts.proof_ns += rind_clock_monotonic_ns() - start_ns;
    store->counts.proofs++;
    store->counts.nodes += path->count;
    store->counts.nodes_cached += path->count_cached;
    return RIND_OK;
}

static rind_status tree_store_prove(void *self, struct rind_ctx *ctx,
                                    const struct rind_partition *partition,
                                    const struct rind_record_id *key, struct rind_read_proof *proof)
{
    struct rind_tree_store *store = self;
    struct rind_path path;
    RIND_TRY(tree_store_read(ctx, store, partition, key, &path));
    *proof = (struct rind_read_proof){
        .key = *key, .range = partition->range, .root_hash = partition->root_hash};
    proof->path.items = rind_ctx_alloc_array(ctx, path.count, sizeof(*proof->path.items));
    RIND_REQUIRE(ctx, proof->path.items != NULL, RIND_E_LIMIT, "no room for a proof");
    for (size_t i = 0; i < path.count; i++) {
        struct rind_node node;
        RIND_TRY(rind_wire_decode_strict(ctx, &rind_node_schema, path.nodes[i].cbor, &node));
        if (node.kind == RIND_NODE_LEAF) {
            proof->has_leaf = true;
            proof->leaf = node.leaf;
        } else {
            proof->path.items[proof->path.count++] = node.interior;
        }
    }
    return RIND_OK;
}

static rind_status tree_store_apply(void *self, struct rind_ctx *ctx,
                                    const struct rind_log_entry *entry,
                                    const struct rind_store_delta *delta)
{
    struct rind_tree_store *store = self;
    RIND_REQUIRE(ctx, store->pending_count < TREE_STORE_PENDING_MAX, RIND_E_LIMIT,
                 "a batch is larger than one append takes");
    /* What is pending outlives the request's own memory. */
    struct rind_append_delta *made = &store->deltas[store->pending_count];
    rind_status status =
        tree_store_entry(&store->ctx, entry, &store->entries[store->pending_count]);
    if (rind_is_ok(status)) {
        status = tree_store_delta(&store->ctx, delta, made);
    }
    if (rind_is_ok(status)) {
        status = rind_store_pin_nodes(&store->ctx, store->store, &store->realm, made->add,
                                      made->add_count);
    }
    RIND_REQUIRE(ctx, rind_is_ok(status), RIND_E_INTERNAL, "%s", store->ctx.sentence);
    store->pending_count++;
    store->counts.bytes_written +=
        tree_store_delta_size(made) + store->entries[store->pending_count - 1].cbor.length;
    return RIND_OK;
}

static rind_status tree_store_append(struct rind_ctx *ctx, struct rind_tree_store *store)
{
    struct rind_append_delta squashed;
    struct rind_log_row row;
    RIND_TRY(rind_append_delta_squash(ctx, store->deltas, store->pending_count, &squashed));
    return rind_store_append(ctx, store->store, &store->realm, &store->group, store->entries,
                             store->pending_count, &squashed,
                             rind_deadline_in_ms(TREE_STORE_TIMEOUT_MS), &row);
}

static rind_status tree_store_flush(void *self, struct rind_ctx *ctx)
{
    struct rind_tree_store *store = self;
    if (store->pending_count == 0) {
        return RIND_OK;
    }
    uint64_t start_ns = rind_clock_monotonic_ns();
    rind_status status = tree_store_append(ctx, store);
    store->counts.append_ns += rind_clock_monotonic_ns() - start_ns;
    store->counts.appends++;
    for (size_t i = 0; i < store->pending_count; i++) {
        rind_store_unpin_nodes(store->store, &store->realm, store->deltas[i].add,
                               store->deltas[i].add_count);
    }
    store->pending_count = 0;
    rind_arena_reset(store->arena);
    return status;
}

struct rind_core_nodes rind_tree_store_nodes(struct rind_tree_store *store)
{
    return (struct rind_core_nodes){.self = store,
                                    .prove = tree_store_prove,
                                    .apply = tree_store_apply,
                                    .flush = tree_store_flush};
}

/* ---- counting ---- */

void rind_tree_store_reset(struct rind_tree_store *store)
{
    store->counts = (struct rind_tree_store_counts){0};
}

struct rind_tree_store_counts rind_tree_store_counts(const struct rind_tree_store *store)
{
    return store->counts;
}

uint64_t rind_tree_store_size(struct rind_tree_store *store)
{
    struct rind_engine_statistics statistics;
    rind_engine_statistics(rind_store_engine(store->store), &statistics);
    return statistics.size_bytes;
}
