/*
 * append.c - see log.h: the one write on which everything depends (docs/spec/04-store.md section
 * 8).
 *
 * Why this is safe: every append starts right after the last entry of the newest row, so two
 * leaders that both believe so aim at the same row key, and the engine lets one of them insert it.
 * A leader with an older belief aims at a key that holds entries or a tombstone, and loses.
 *
 * An attempt whose answer was lost may have been applied, or may still be on its way. So before
 * every further attempt we look: is our row there, byte for byte? Then it succeeded. Is the entry
 * before it still the newest? Then sending it again can do no harm, and if the first attempt lands
 * after our look, the second is refused and the look that follows recognises our own row.
 */
#include <stdlib.h>

#include "store/deletes.h"
#include "store/state.h"

/* Everything about one append. */
struct append {
    struct rind_store *store;
    const struct rind_realm_id *realm;
    const struct rind_group_id *group;
    const struct rind_store_entry *entries;
    size_t count;
    const struct rind_append_delta *delta;
    struct rind_store_tags tags;
    uint8_t row_key[RIND_LOG_KEY_SIZE];
    uint8_t (*qualifiers)[RIND_LOG_QUALIFIER_SIZE]; /* of the entries' cells */
    struct rind_mutation *cells;
    uint64_t instance_first; /* of the added nodes, kept across attempts */
    uint8_t (*instances)[RIND_MERKLE_INSTANCE_SIZE];
    struct rind_write nodes; /* the write of the added nodes */
    bool may_be_written;     /* an attempt to write the log row had no clear answer */
    bool has_nodes_written;  /* under `instances`, and acknowledged */
};

/* ---- the last entry this process wrote to a group ---- */

static struct rind_last_write *last_write_find(struct rind_store *store,
                                               const struct rind_realm_id *realm,
                                               const struct rind_group_id *group)
{
    for (size_t i = 0; i < RIND_LAST_WRITES_MAX; i++) {
        struct rind_last_write *last = &store->last_writes[i];
        if (last->index != 0 && rind_group_id_equal(&last->group, group) &&
            rind_realm_id_equal(&last->realm, realm)) {
            return last;
        }
    }
    return NULL;
}

static void last_write_set(const struct append *append)
{
    struct rind_store *store = append->store;
    rind_mutex_lock(&store->last_writes_mutex);
    struct rind_last_write *last = last_write_find(store, append->realm, append->group);
    for (size_t i = 0; i < RIND_LAST_WRITES_MAX && last == NULL; i++) {
        if (store->last_writes[i].index == 0) {
            last = &store->last_writes[i];
        }
    }
    if (last != NULL) { /* else the next append to this group reads the log: slower, not wrong */
        const struct rind_store_entry *newest = &append->entries[append->count - 1];
        *last = (struct rind_last_write){*append->realm, *append->group, newest->index,
                                         newest->entry_mac, rind_clock_monotonic_ns()};
    }
    rind_mutex_unlock(&store->last_writes_mutex);
}

/* Whether the last write is of `index`, and its MAC. A belief that is too old is none: after a week
 * a tombstone may be gone, and only reading tells (section 16.2). */
static bool last_write_get(const struct append *append, uint64_t index, struct rind_mac *mac)
{
    struct rind_store *store = append->store;
    bool is_found = false;
    rind_mutex_lock(&store->last_writes_mutex);
    const struct rind_last_write *last = last_write_find(store, append->realm, append->group);
    if (last != NULL && last->index == index &&
        rind_clock_monotonic_ns() - last->at_ns <
            RIND_STORE_LAST_WRITE_AGE_MS_MAX * RIND_NS_PER_MS) {
        *mac = last->mac;
        is_found = true;
    }
    rind_mutex_unlock(&store->last_writes_mutex);
    return is_found;
}

void rind_store_forget_last_write(struct rind_store *store, const struct rind_realm_id *realm,
                                  const struct rind_group_id *group)
{
    rind_mutex_lock(&store->last_writes_mutex);
    struct rind_last_write *last = last_write_find(store, realm, group);
    if (last != NULL) {
        memset(last, 0, sizeof(*last));
    }
    rind_mutex_unlock(&store->last_writes_mutex);
}

/* ---- before writing ---- */

static void append_assert(const struct append *append)
{
    RIND_ASSERT(append->count >= 1 && append->count <= RIND_LOG_BATCH_ENTRIES_MAX);
    const struct rind_store_entry *entries = append->entries;
    RIND_ASSERT(entries[0].index >= 1);
    RIND_ASSERT(entries[0].index > 1 ||
                rind_ct_is_zero(entries[0].prev_mac.bytes, sizeof(entries[0].prev_mac.bytes)));
    for (size_t i = 1; i < append->count; i++) {
        RIND_ASSERT(entries[i].index == entries[i - 1].index + 1);
        RIND_ASSERT(rind_mac_equal(&entries[i].prev_mac, &entries[i - 1].entry_mac));
    }
}

static rind_status append_refused(struct rind_ctx *ctx, const struct append *append)
{
    return rind_fail(ctx, RIND_E_PRECONDITION,
                     "another leader has written to the log at or before index %llu",
                     (unsigned long long)append->entries[0].index);
}

/* Section 8.1, 2: entries[0] follows the newest entry. */
static rind_status append_check_previous(struct rind_ctx *ctx, const struct append *append,
                                         struct rind_deadline deadline)
{
    const struct rind_store_entry *first = &append->entries[0];
    struct rind_mac mac;
    if (first->index == 1) {
        return RIND_OK; /* the row's own condition is all there is to check */
    }
    if (!last_write_get(append, first->index - 1, &mac)) {
        struct rind_store_entry last;
        rind_status status = rind_store_read_last(ctx, append->store, append->realm, append->group,
                                                  deadline, &last, NULL);
        if (rind_is(status, RIND_E_NOT_FOUND) ||
            (rind_is_ok(status) && last.index != first->index - 1)) {
            return append_refused(ctx, append);
        }
        RIND_TRY(status);
        mac = last.entry_mac;
    }
    return rind_mac_equal(&mac, &first->prev_mac) ? RIND_OK : append_refused(ctx, append);
}

/* Builds the cells of the log row. */
static rind_status append_make_row(struct rind_ctx *ctx, struct append *append)
{
    size_t count = append->count;
    append->qualifiers = rind_ctx_alloc_array(ctx, count, RIND_LOG_QUALIFIER_SIZE);
    append->cells = rind_ctx_alloc_array(ctx, count, sizeof(*append->cells));
    if (append->qualifiers == NULL || append->cells == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    rind_log_key(append->group, append->entries[0].index, append->row_key);
    for (size_t i = 0; i < count; i++) {
        rind_log_qualifier(append->entries[i].index, append->qualifiers[i]);
        append->cells[i] = rind_mutation_set(RIND_SLICE_OF(append->qualifiers[i]),
                                             RIND_TIMESTAMP_SERVER, append->entries[i].cbor);
    }
    return RIND_OK;
}

/* Builds the write of the added nodes. */
static rind_status append_make_nodes(struct rind_ctx *ctx, struct append *append)
{
    size_t count = append->delta == NULL ? 0 : append->delta->add_count;
    struct rind_row_write *rows = rind_ctx_alloc_array(ctx, count, sizeof(*rows));
    struct rind_mutation *cells = rind_ctx_alloc_array(ctx, count, sizeof(*cells));
    append->instances = rind_ctx_alloc_array(ctx, count, RIND_MERKLE_INSTANCE_SIZE);
    if (rows == NULL || cells == NULL || append->instances == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    append->instance_first = rind_store_instances_take(append->store, count);
    for (size_t i = 0; i < count; i++) {
        const struct rind_store_node *node = &append->delta->add[i];
        rind_store_instance(append->store, append->instance_first + i, append->instances[i]);
        cells[i] = rind_mutation_set(RIND_SLICE_OF(append->instances[i]), RIND_TIMESTAMP_SERVER,
                                     node->cbor);
        rows[i] = (struct rind_row_write){node->row_key, &cells[i], 1};
    }
    append->nodes =
        (struct rind_write){rind_table_of_realm(RIND_TABLE_MERKLE, append->realm), rows, count};
    rind_metrics_distribution(append->store->metrics, "store_client.write_merkle_nodes.batch_size",
                              count, append->tags.tags, append->tags.count);
    return RIND_OK;
}

/* The nodes are in the store: from now on the cache may hold them as such. */
static void append_cache_nodes(const struct append *append)
{
    /* After an earlier call's write turned up its instances are unknown: the cache stays without
     * the nodes, and a delete reads which instance there is. */
    for (size_t i = 0; append->has_nodes_written && i < append->nodes.row_count; i++) {
        const struct rind_store_node *node = &append->delta->add[i];
        rind_node_cache_put(append->store->cache, append->realm, node->row_key, node->cbor,
                            append->instances[i]);
    }
    if (append->store->metrics != NULL) {
        struct rind_node_cache_statistics statistics;
        rind_node_cache_statistics(append->store->cache, &statistics);
        rind_metrics_gauge(append->store->metrics, "store_client.merkle_cache.nodes",
                           (int64_t)statistics.nodes, NULL, 0);
        rind_metrics_gauge(append->store->metrics, "store_client.merkle_cache.limit",
                           (int64_t)statistics.nodes_max, NULL, 0);
    }
}

/* ---- the log row ---- */

enum look { LOOK_WRITTEN, LOOK_NOT_WRITTEN, LOOK_REFUSED };

/* Whether the stored row has exactly our entries. */
static bool append_is_row(const struct append *append, const struct rind_row *row)
{
    if (row->cell_count != append->count) {
        return false;
    }
    for (size_t i = 0; i < append->count; i++) {
        const struct rind_cell *cell = &row->cells[append->count - 1 - i]; /* newest first */
        if (cell->family != 'f' ||
            !rind_slice_equal(cell->qualifier, RIND_SLICE_OF(append->qualifiers[i])) ||
            !rind_slice_equal(cell->value, append->entries[i].cbor)) {
            return false;
        }
    }
    return true;
}

/*
 * Section 8.4, one attempt. The row itself is looked at first: it tells success even when others
 * have already appended behind it. Only if it is absent does the newest entry decide.
 */
static rind_status append_look(struct rind_ctx *ctx, const struct append *append,
                               struct rind_deadline deadline, enum look *look)
{
    struct rind_slice key = RIND_SLICE_OF(append->row_key);
    struct rind_key_range range = {key, key, false, true};
    struct rind_read read = {.table = rind_table_of_realm(RIND_TABLE_LOG, append->realm),
                             .ranges = &range,
                             .range_count = 1,
                             .row_count_max = 1};
    struct rind_rows rows;
    RIND_TRY(rind_engine_read(ctx, append->store->engine, &read, deadline, &rows));
    if (rows.count > 0) {
        *look = append_is_row(append, &rows.rows[0]) ? LOOK_WRITTEN : LOOK_REFUSED;
        return RIND_OK;
    }
    const struct rind_store_entry *first = &append->entries[0];
    struct rind_store_entry last;
    rind_status status = rind_log_read_last_once(ctx, append->store, append->realm, append->group,
                                                 deadline, &last, NULL);
    if (rind_is(status, RIND_E_NOT_FOUND)) {
        *look = first->index == 1 ? LOOK_NOT_WRITTEN : LOOK_REFUSED;
        return RIND_OK;
    }
    RIND_TRY(status);
    bool is_previous =
        last.index == first->index - 1 && rind_mac_equal(&last.entry_mac, &first->prev_mac);
    *look = is_previous ? LOOK_NOT_WRITTEN : LOOK_REFUSED;
    return RIND_OK;
}

/* One attempt to write the log row; `looks_first` after any attempt without a clear answer. */
static rind_status append_attempt(struct rind_ctx *ctx, struct append *append, bool looks_first,
                                  struct rind_deadline deadline)
{
    enum look look = LOOK_NOT_WRITTEN;
    if (looks_first) {
        RIND_TRY(append_look(ctx, append, deadline, &look));
    }
    if (look == LOOK_NOT_WRITTEN) {
        struct rind_test_and_write request = {
            .table = rind_table_of_realm(RIND_TABLE_LOG, append->realm),
            .key = RIND_SLICE_OF(append->row_key),
            .condition = {.kind = RIND_CONDITION_ROW_EXISTS},
            .when_false = append->cells,
            .when_false_count = append->count,
        };
        bool writes_together = rind_engine_writes_together(append->store->engine);
        request.together = writes_together ? &append->nodes : NULL;
        bool exists = false;
        rind_status status =
            rind_engine_test_and_write(ctx, append->store->engine, &request, deadline, &exists);
        if (!rind_is_ok(status)) {
            append->may_be_written = append->may_be_written || (rind_engine_may_retry(status) &&
                                                                !rind_is(status, RIND_E_BUSY));
            return status;
        }
        if (!exists) {
            append->has_nodes_written = append->has_nodes_written || writes_together;
            return RIND_OK;
        }
        /* Refused, perhaps by our own first attempt that landed late. */
        look = LOOK_REFUSED;
        if (looks_first) {
            RIND_TRY(append_look(ctx, append, deadline, &look));
        }
    }
    return look == LOOK_WRITTEN ? RIND_OK : append_refused(ctx, append);
}

static rind_status append_write_row(struct rind_ctx *ctx, struct append *append, bool is_again,
                                    struct rind_deadline deadline)
{
    uint64_t start_ns = rind_clock_monotonic_ns();
    struct rind_retry retry;
    rind_store_retry_begin(append->store, &retry, "store_client.log_append", &append->tags,
                           RIND_STORE_RETRIES_STALE, deadline);
    append->may_be_written = is_again;
    bool is_refused = false;
    while (rind_retry_next(&retry)) {
        bool looks_first = is_again || retry.attempt > 1;
        rind_status status = append_attempt(ctx, append, looks_first, retry.deadline);
        is_refused = rind_is(status, RIND_E_PRECONDITION);
        rind_retry_record(&retry, ctx, status);
    }
    rind_status status = rind_retry_end(&retry, ctx);
    rind_metrics_timing_ns(append->store->metrics, "store_client.append_log.time",
                           rind_clock_monotonic_ns() - start_ns, append->tags.tags,
                           append->tags.count);
    if (!rind_is_ok(status) && !is_refused && append->may_be_written) {
        return rind_fail_while(ctx, rind_status_make(RIND_E_UNKNOWN_OUTCOME),
                               "the log row may or may not have been written");
    }
    return status;
}

/* ---- all of it ---- */

static rind_status append_run(struct rind_ctx *ctx, struct append *append, bool is_again,
                              struct rind_deadline deadline)
{
    append_assert(append);
    rind_store_tags_make(&append->tags, append->realm, append->group);
    RIND_TRY(append_make_row(ctx, append));
    RIND_TRY(append_make_nodes(ctx, append));
    if (!is_again) {
        RIND_TRY(append_check_previous(ctx, append, deadline));
    }
    bool writes_together = rind_engine_writes_together(append->store->engine);
    if (!writes_together) {
        rind_status status = rind_store_write(ctx, append->store, "store_client.write_merkle_nodes",
                                              &append->tags, &append->nodes, deadline);
        if (!rind_is_ok(status)) {
            /* The nodes may be there, but harm nobody; the row is what counts. */
            rind_status outcome = is_again ? rind_status_make(RIND_E_UNKNOWN_OUTCOME) : status;
            return rind_fail_while(ctx, outcome, "writing tree nodes");
        }
        append->has_nodes_written = true;
        append_cache_nodes(append);
    }
    RIND_TRY(append_write_row(ctx, append, is_again, deadline));
    if (writes_together) {
        append_cache_nodes(append);
    }
    last_write_set(append);
    if (append->delta != NULL) {
        /* The delay counts from here, the acknowledgement, so a slow append does not shorten the
         * grace that readers get. */
        rind_deletes_push(append->store, append->realm, append->delta->remove,
                          append->delta->remove_count,
                          rind_deadline_min(deadline, rind_deadline_in_ms(RIND_STORE_TIMEOUT_MS)));
    }
    return RIND_OK;
}

static rind_status append_timed(struct rind_ctx *ctx, struct append *append, bool is_again,
                                struct rind_deadline deadline, struct rind_log_row *row)
{
    uint64_t start_ns = rind_clock_monotonic_ns();
    rind_status status = append_run(ctx, append, is_again, deadline);
    rind_metrics_timing_ns(append->store->metrics, "store_client.append_inner.time",
                           rind_clock_monotonic_ns() - start_ns, append->tags.tags,
                           append->tags.count);
    if (rind_is(status, RIND_E_PRECONDITION)) {
        rind_store_forget_last_write(append->store, append->realm, append->group);
    }
    RIND_TRY(status);
    *row = (struct rind_log_row){append->entries[0].index, false};
    return RIND_OK;
}

rind_status rind_store_append(struct rind_ctx *ctx, struct rind_store *store,
                              const struct rind_realm_id *realm, const struct rind_group_id *group,
                              const struct rind_store_entry *entries, size_t entry_count,
                              const struct rind_append_delta *delta, struct rind_deadline deadline,
                              struct rind_log_row *row)
{
    struct append append = {.store = store,
                            .realm = realm,
                            .group = group,
                            .entries = entries,
                            .count = entry_count,
                            .delta = delta};
    return append_timed(ctx, &append, false, deadline, row);
}

rind_status rind_store_append_again(struct rind_ctx *ctx, struct rind_store *store,
                                    const struct rind_realm_id *realm,
                                    const struct rind_group_id *group,
                                    const struct rind_store_entry *entries, size_t entry_count,
                                    const struct rind_append_delta *delta,
                                    struct rind_deadline deadline, struct rind_log_row *row)
{
    struct append append = {.store = store,
                            .realm = realm,
                            .group = group,
                            .entries = entries,
                            .count = entry_count,
                            .delta = delta};
    return append_timed(ctx, &append, true, deadline, row);
}
