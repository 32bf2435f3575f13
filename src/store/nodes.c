/* nodes.c - see nodes.h. */
#include "store/nodes.h"

#include "merkle/row_key.h"
#include "merkle/walk.h"
#include "store/state.h"
#include "wire/range.h"
#include "wire/wire.h"

#define NODE_ROW_SIZE_BYTES_MAX (64u << 10)

/* One walk down the tree. */
struct lookup {
    struct rind_store *store;
    const struct rind_realm_id *realm;
    const struct rind_record_id *record; /* NULL: an edge */
    struct rind_deadline deadline;
    struct rind_store_tags tags;
    struct rind_walk walk;
    struct rind_path *path;
    size_t capacity;
    bool is_gathered;  /* `rows` are what the store has of the rest of the path ... */
    bool is_truncated; /* ... up to the limit on their size */
    struct rind_rows rows;
    size_t rows_used;
};

/* ---- permits for large reads (section 11.2, 4) ---- */

static bool permit_take(struct rind_store *store, struct rind_deadline deadline)
{
    bool has_time = true;
    rind_mutex_lock(&store->permits_mutex);
    while (store->permits_left == 0 && has_time) {
        has_time = rind_cond_wait(&store->permits_cond, &store->permits_mutex, deadline);
    }
    bool is_taken = store->permits_left > 0;
    store->permits_left -= is_taken;
    rind_mutex_unlock(&store->permits_mutex);
    return is_taken;
}

static void permit_give(struct rind_store *store)
{
    rind_mutex_lock(&store->permits_mutex);
    store->permits_left++;
    rind_cond_signal(&store->permits_cond);
    rind_mutex_unlock(&store->permits_mutex);
}

/* ---- reading from the engine ---- */

/* The first cell of one row, or `*is_found` false. */
static rind_status node_read(struct rind_ctx *ctx, struct rind_store *store,
                             const struct rind_realm_id *realm, const struct rind_store_tags *tags,
                             struct rind_slice row_key, struct rind_deadline deadline,
                             struct rind_slice *cbor, bool *is_found)
{
    struct rind_key_range range = {row_key, row_key, false, true};
    struct rind_read read = {.table = rind_table_of_realm(RIND_TABLE_MERKLE, realm),
                             .ranges = &range,
                             .range_count = 1,
                             .cells = RIND_CELLS_FIRST,
                             .row_count_max = 1,
                             .size_bytes_max = NODE_ROW_SIZE_BYTES_MAX};
    struct rind_rows rows;
    RIND_TRY(rind_store_read(ctx, store, "store_client.read_node", tags, &read, deadline, &rows));
    *is_found = rows.count > 0;
    if (*is_found) {
        const struct rind_cell *cell = &rows.rows[0].cells[0];
        *cbor = cell->value;
        if (cell->qualifier.length == RIND_MERKLE_INSTANCE_SIZE) {
            rind_node_cache_put(store->cache, realm, row_key, cell->value, cell->qualifier.data);
        }
    }
    return RIND_OK;
}

/* The ranges of all prefixes of the record that are still to walk. */
static rind_status lookup_ranges(struct rind_ctx *ctx, const struct lookup *lookup,
                                 struct rind_key_range **ranges, size_t *count)
{
    struct rind_row_key_range *keys =
        rind_ctx_alloc_array(ctx, RIND_ROW_KEY_PATH_COUNT_MAX, sizeof(*keys));
    *ranges = rind_ctx_alloc_array(ctx, RIND_ROW_KEY_PATH_COUNT_MAX, sizeof(**ranges));
    if (keys == NULL || *ranges == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    *count = rind_row_key_path_ranges(lookup->record, lookup->walk.position, keys);
    for (size_t i = 0; i < *count; i++) {
        (*ranges)[i].start = rind_slice_make(keys[i].start, keys[i].length);
        (*ranges)[i].end = rind_slice_make(keys[i].end, keys[i].length);
    }
    return RIND_OK;
}

/* Reads everything there is of the rest of the path in one round trip. */
static rind_status lookup_gather(struct rind_ctx *ctx, struct lookup *lookup)
{
    struct rind_store *store = lookup->store;
    struct rind_key_range *ranges;
    size_t count;
    RIND_TRY(lookup_ranges(ctx, lookup, &ranges, &count));
    struct rind_read read = {.table = rind_table_of_realm(RIND_TABLE_MERKLE, lookup->realm),
                             .ranges = ranges,
                             .range_count = count,
                             .cells = RIND_CELLS_FIRST,
                             .size_bytes_max = RIND_MERKLE_PATH_READ_SIZE_BYTES_MAX};
    bool is_large = count >= store->large_read_ranges;
    struct rind_deadline permit_end =
        rind_deadline_min(lookup->deadline, rind_deadline_in_ms(RIND_MERKLE_LARGE_READ_WAIT_MS));
    bool has_permit = is_large && permit_take(store, permit_end);
    const char *metric = !is_large ? "store_client.path_lookup.num_small_read"
                         : has_permit
                             ? "store_client.path_lookup.num_large_read_with_permit"
                             : "store_client.path_lookup.num_large_read_with_permit_timeout";
    rind_metrics_count(store->metrics, metric, 1, lookup->tags.tags, lookup->tags.count);
    RIND_REQUIRE(ctx, !is_large || has_permit, RIND_E_BUSY,
                 "too many reads of whole tree paths are running; try again");
    rind_status status = rind_store_read(ctx, store, "store_client.path_lookup", &lookup->tags,
                                         &read, lookup->deadline, &lookup->rows);
    if (has_permit) {
        permit_give(store);
    }
    RIND_TRY(status);
    lookup->is_gathered = true;
    lookup->is_truncated = lookup->rows.has_more;
    rind_metrics_distribution(store->metrics, "store_client.path_lookup.num_prefixes_to_read",
                              count, lookup->tags.tags, lookup->tags.count);
    return RIND_OK;
}

/* A gathered row; what is used of them enters the cache, the rest may be anybody's leftovers. */
static bool lookup_gathered(struct lookup *lookup, struct rind_slice row_key,
                            struct rind_slice *cbor)
{
    size_t low = 0;
    size_t high = lookup->rows.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct rind_row *row = &lookup->rows.rows[middle];
        int order = rind_key_compare(row->key, row_key);
        if (order == 0) {
            const struct rind_cell *cell = &row->cells[0];
            *cbor = cell->value;
            lookup->rows_used++;
            if (cell->qualifier.length == RIND_MERKLE_INSTANCE_SIZE) {
                rind_node_cache_put(lookup->store->cache, lookup->realm, row_key, cell->value,
                                    cell->qualifier.data);
            }
            return true;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return false;
}

/* ---- the walk ---- */

/* Finds a node wherever it may be; `*is_found` false if it is nowhere. */
static rind_status lookup_find(struct rind_ctx *ctx, struct lookup *lookup,
                               struct rind_slice row_key, struct rind_slice *cbor, bool *is_found)
{
    struct rind_store *store = lookup->store;
    *is_found = lookup->is_gathered && lookup_gathered(lookup, row_key, cbor);
    if (*is_found) {
        return RIND_OK;
    }
    RIND_TRY(rind_node_cache_get(ctx, store->cache, lookup->realm, row_key, cbor, is_found));
    if (*is_found) {
        lookup->path->count_cached++;
        return RIND_OK;
    }
    /*
     * One read of all remaining prefixes is one round trip. Where reads are local, or that read was
     * cut, single rows are cheaper: they skip the versions of the nodes that are awaiting deletion.
     */
    bool reads_single = rind_engine_reads_are_local(store->engine) || lookup->record == NULL ||
                        lookup->is_truncated;
    if (reads_single) {
        return node_read(ctx, store, lookup->realm, &lookup->tags, row_key, lookup->deadline, cbor,
                         is_found);
    }
    if (!lookup->is_gathered) {
        RIND_TRY(lookup_gather(ctx, lookup));
        *is_found = lookup_gathered(lookup, row_key, cbor);
    }
    return RIND_OK;
}

/* Adds a node to the path. */
static rind_status lookup_add(struct rind_ctx *ctx, struct lookup *lookup, struct rind_slice cbor,
                              const struct rind_node_key *key, const struct rind_row_key *row_key)
{
    struct rind_path *path = lookup->path;
    if (path->count == lookup->capacity) {
        size_t capacity = lookup->capacity == 0 ? 32 : 2 * lookup->capacity;
        struct rind_path_node *nodes = rind_ctx_alloc_array(ctx, capacity, sizeof(*nodes));
        if (nodes == NULL) {
            return rind_status_make(RIND_E_LIMIT);
        }
        if (path->count > 0) {
            memcpy(nodes, path->nodes, path->count * sizeof(*nodes));
        }
        path->nodes = nodes;
        lookup->capacity = capacity;
    }
    struct rind_path_node *node = &path->nodes[path->count];
    enum rind_node_kind kind;
    RIND_REQUIRE(ctx, rind_node_content(cbor, &kind, &node->content), RIND_E_CORRUPT,
                 "a stored tree node is not encoded as one");
    RIND_REQUIRE(ctx, rind_arena_copy(ctx->arena, rind_row_key_slice(row_key), &node->row_key),
                 RIND_E_LIMIT, "no room left for nodes in the request's memory");
    node->hash = key->hash;
    node->cbor = cbor;
    node->prefix_bits = key->prefix.length;
    node->is_leaf = kind == RIND_NODE_LEAF;
    path->count++;
    return RIND_OK;
}

static rind_status lookup_walk(struct rind_ctx *ctx, struct lookup *lookup)
{
    struct rind_node_key wanted;
    while (rind_walk_wants(&lookup->walk, &wanted)) {
        struct rind_row_key row_key;
        struct rind_slice cbor;
        bool is_found;
        rind_row_key_encode(&wanted.prefix, &wanted.hash, &row_key);
        RIND_TRY(lookup_find(ctx, lookup, rind_row_key_slice(&row_key), &cbor, &is_found));
        RIND_REQUIRE(ctx, is_found, RIND_E_STALE,
                     "a node %u bits down the tree is missing; read again from the newest root",
                     (unsigned)wanted.prefix.length);
        struct rind_node *node = rind_ctx_alloc(ctx, sizeof(*node));
        if (node == NULL) {
            return rind_status_make(RIND_E_LIMIT);
        }
        rind_status status = rind_wire_decode_whole(ctx, &rind_node_schema, cbor, node);
        if (!rind_is_ok(status)) {
            return rind_fail_while(ctx, rind_status_make(RIND_E_CORRUPT), "a stored tree node");
        }
        RIND_TRY(lookup_add(ctx, lookup, cbor, &wanted, &row_key));
        RIND_TRY(rind_walk_give(ctx, &lookup->walk, node));
    }
    return RIND_OK;
}

static void lookup_measure(const struct lookup *lookup)
{
    struct rind_metrics *metrics = lookup->store->metrics;
    const struct rind_tag *tags = lookup->tags.tags;
    size_t tag_count = lookup->tags.count;
    rind_metrics_distribution(metrics, "store_client.path_lookup.cached_nodes_read",
                              lookup->path->count_cached, tags, tag_count);
    rind_metrics_distribution(metrics, "store_client.path_lookup.full_path_cache_hits",
                              lookup->path->count_cached == lookup->path->count, tags, tag_count);
    if (lookup->is_gathered) {
        rind_metrics_distribution(metrics, "store_client.path_lookup.bigtable_nodes_read",
                                  lookup->rows.count, tags, tag_count);
        rind_metrics_distribution(metrics, "store_client.path_lookup.bigtable_nodes_used",
                                  lookup->rows_used, tags, tag_count);
    }
}

rind_status rind_store_read_path(struct rind_ctx *ctx, struct rind_store *store,
                                 const struct rind_realm_id *realm,
                                 const struct rind_record_id *record,
                                 const struct rind_data_hash *root, struct rind_deadline deadline,
                                 struct rind_path *path)
{
    struct rind_path found = {0};
    struct lookup lookup = {
        .store = store, .realm = realm, .record = record, .deadline = deadline, .path = &found};
    struct rind_owned_range range = rind_owned_range_full();
    rind_store_tags_make(&lookup.tags, realm, NULL);
    rind_walk_start_record(&lookup.walk, &range, root, record);
    rind_status status = lookup_walk(ctx, &lookup);
    lookup_measure(&lookup);
    RIND_TRY(status);
    found.count_extraneous = lookup.rows.count - lookup.rows_used;
    *path = found;
    return RIND_OK;
}

rind_status rind_store_read_edge(struct rind_ctx *ctx, struct rind_store *store,
                                 const struct rind_realm_id *realm,
                                 const struct rind_data_hash *root, enum rind_side side,
                                 struct rind_deadline deadline, struct rind_path *path,
                                 struct rind_record_id *key)
{
    struct rind_path found = {0};
    struct lookup lookup = {.store = store, .realm = realm, .deadline = deadline, .path = &found};
    struct rind_owned_range range = rind_owned_range_full();
    rind_store_tags_make(&lookup.tags, realm, NULL);
    rind_walk_start_edge(&lookup.walk, &range, root, side);
    RIND_TRY(lookup_walk(ctx, &lookup));
    RIND_ASSERT(found.count >= 1);
    if (found.nodes[found.count - 1].is_leaf) {
        struct rind_bit_vector prefix;
        struct rind_data_hash hash;
        RIND_TRY(rind_row_key_parse(ctx, found.nodes[found.count - 1].row_key, &prefix, &hash));
        memcpy(key->bytes, prefix.bits, sizeof(key->bytes));
    }
    *path = found;
    return RIND_OK;
}

rind_status rind_store_read_node(struct rind_ctx *ctx, struct rind_store *store,
                                 const struct rind_realm_id *realm, struct rind_slice row_key,
                                 struct rind_deadline deadline, struct rind_slice *cbor)
{
    bool is_found;
    struct rind_slice found;
    RIND_TRY(rind_node_cache_get(ctx, store->cache, realm, row_key, &found, &is_found));
    if (!is_found) {
        struct rind_store_tags tags;
        rind_store_tags_make(&tags, realm, NULL);
        RIND_TRY(node_read(ctx, store, realm, &tags, row_key, deadline, &found, &is_found));
    }
    RIND_REQUIRE(ctx, is_found, RIND_E_STALE, "a tree node is missing");
    *cbor = found;
    return RIND_OK;
}

/* ---- pinning ---- */

rind_status rind_store_pin_nodes(struct rind_ctx *ctx, struct rind_store *store,
                                 const struct rind_realm_id *realm,
                                 const struct rind_store_node *nodes, size_t node_count)
{
    for (size_t i = 0; i < node_count; i++) {
        if (!rind_node_cache_pin(store->cache, realm, nodes[i].row_key, nodes[i].cbor)) {
            rind_store_unpin_nodes(store, realm, nodes, i);
            return rind_fail(ctx, RIND_E_LIMIT, "no memory for %zu new tree nodes", node_count);
        }
    }
    return RIND_OK;
}

void rind_store_unpin_nodes(struct rind_store *store, const struct rind_realm_id *realm,
                            const struct rind_store_node *nodes, size_t node_count)
{
    for (size_t i = 0; i < node_count; i++) {
        rind_node_cache_unpin(store->cache, realm, nodes[i].row_key);
    }
}
