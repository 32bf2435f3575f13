/* deletes.c - see deletes.h. */
#include "store/deletes.h"

#include <stdlib.h>

#include "merkle/row_key.h"

#define KEYS_PER_WRITE_MAX 4096u

struct removal {
    uint8_t row_key[RIND_ROW_KEY_SIZE_MAX];
    uint8_t row_key_size;
    bool has_instance; /* else it is read before the delete */
    uint8_t instance[RIND_MERKLE_INSTANCE_SIZE];
};

struct delete_item {
    struct delete_item *next;
    struct rind_realm_id realm;
    struct rind_deadline due;
    size_t count;
    struct removal removals[];
};

struct rind_delete_queue {
    uint64_t delay_ms;
    struct rind_thread thread;
    struct rind_arena *arena;              /* the thread's */
    struct rind_reader_watch reader_watch; /* the thread's */
    struct rind_mutex mutex;               /* guards the rest; nothing is taken while held */
    struct rind_cond changed;
    struct delete_item *first;
    struct delete_item **end;
    size_t keys;       /* in the queue and in the write that is running */
    bool is_finishing; /* refuses new items */
    bool is_stopping;  /* the thread must end */
};

/* ---- the thread's work ---- */

static struct rind_slice removal_key(const struct removal *removal)
{
    return rind_slice_make(removal->row_key, removal->row_key_size);
}

static const struct rind_row *rows_find(const struct rind_rows *rows, struct rind_slice key)
{
    size_t low = 0;
    size_t high = rows->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = rind_key_compare(rows->rows[middle].key, key);
        if (order == 0) {
            return &rows->rows[middle];
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

/* Sets the instances that were read for the removals that lack one. */
static void removals_set_instances(struct removal **removals, size_t count,
                                   const struct rind_rows *rows)
{
    for (size_t i = 0; i < count; i++) {
        const struct rind_row *row = rows_find(rows, removal_key(removals[i]));
        if (row != NULL && row->cells[0].qualifier.length == RIND_MERKLE_INSTANCE_SIZE) {
            memcpy(removals[i]->instance, row->cells[0].qualifier.data, RIND_MERKLE_INSTANCE_SIZE);
            removals[i]->has_instance = true;
        }
    }
}

/* Reads which instances the store has of up to RIND_ENGINE_RANGES_MAX nodes. */
static rind_status removals_read(struct rind_ctx *ctx, struct rind_store *store,
                                 const struct rind_realm_id *realm, struct removal **removals,
                                 size_t count)
{
    struct rind_key_range *ranges = rind_ctx_alloc_array(ctx, count, sizeof(*ranges));
    if (ranges == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    for (size_t i = 0; i < count; i++) {
        ranges[i].start = removal_key(removals[i]);
        ranges[i].end = ranges[i].start;
        ranges[i].includes_end = true;
    }
    struct rind_store_tags tags;
    rind_store_tags_make(&tags, realm, NULL);
    rind_metrics_distribution(store->metrics, "store_client.remove_merkle_nodes.versions_to_read",
                              count, tags.tags, tags.count);
    struct rind_read read = {.table = rind_table_of_realm(RIND_TABLE_MERKLE, realm),
                             .ranges = ranges,
                             .range_count = count,
                             .cells = RIND_CELLS_FIRST,
                             .without_values = true,
                             .size_bytes_max = RIND_DELETES_ARENA_SIZE / 2};
    struct rind_rows rows;
    RIND_TRY(rind_store_read(ctx, store, "store_client.remove_merkle_nodes.read_versions", &tags,
                             &read, rind_deadline_never(), &rows));
    removals_set_instances(removals, count, &rows);
    return RIND_OK;
}

static rind_status removals_read_missing(struct rind_ctx *ctx, struct rind_store *store,
                                         const struct rind_realm_id *realm,
                                         struct removal **removals, size_t count)
{
    struct removal *missing[RIND_ENGINE_RANGES_MAX];
    size_t missing_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (!removals[i]->has_instance) {
            missing[missing_count++] = removals[i];
        }
        if (missing_count == RIND_ENGINE_RANGES_MAX || (i + 1 == count && missing_count > 0)) {
            RIND_TRY(removals_read(ctx, store, realm, missing, missing_count));
            missing_count = 0;
        }
    }
    return RIND_OK;
}

/* Deletes one instance of each node; those that the store does not have are skipped. */
static rind_status removals_write(struct rind_ctx *ctx, struct rind_store *store,
                                  const struct rind_realm_id *realm, struct removal **removals,
                                  size_t count)
{
    struct rind_row_write *rows = rind_ctx_alloc_array(ctx, count, sizeof(*rows));
    struct rind_mutation *mutations = rind_ctx_alloc_array(ctx, count, sizeof(*mutations));
    if (rows == NULL || mutations == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    size_t row_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (removals[i]->has_instance) {
            mutations[row_count] = (struct rind_mutation){
                .kind = RIND_MUTATION_DELETE_COLUMN,
                .family = 'f',
                .qualifier = RIND_SLICE_OF(removals[i]->instance),
            };
            rows[row_count] =
                (struct rind_row_write){removal_key(removals[i]), &mutations[row_count], 1};
            row_count++;
        }
    }
    struct rind_store_tags tags;
    rind_store_tags_make(&tags, realm, NULL);
    struct rind_write write = {rind_table_of_realm(RIND_TABLE_MERKLE, realm), rows, row_count};
    return rind_store_write(ctx, store, "store_client.remove_merkle_nodes.delete", &tags, &write,
                            rind_deadline_never());
}

/* Executes a list of items of one realm. */
static rind_status items_execute(struct rind_ctx *ctx, struct rind_store *store,
                                 struct delete_item *items)
{
    struct removal **removals = rind_ctx_alloc_array(ctx, KEYS_PER_WRITE_MAX, sizeof(*removals));
    if (removals == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    size_t count = 0;
    for (struct delete_item *item = items; item != NULL; item = item->next) {
        for (size_t i = 0; i < item->count; i++) {
            removals[count++] = &item->removals[i];
            bool is_last = item->next == NULL && i + 1 == item->count;
            if (count == KEYS_PER_WRITE_MAX || is_last) {
                size_t mark = rind_arena_mark(ctx->arena);
                RIND_TRY(removals_read_missing(ctx, store, &items->realm, removals, count));
                RIND_TRY(removals_write(ctx, store, &items->realm, removals, count));
                rind_arena_release(ctx->arena, mark);
                count = 0;
            }
        }
    }
    return RIND_OK;
}

static void items_free(struct delete_item *items)
{
    while (items != NULL) {
        struct delete_item *next = items->next;
        free(items);
        items = next;
    }
}

/* Takes the first item and the ready ones of its realm after it, up to the limit. Locked. */
static struct delete_item *queue_take(struct rind_delete_queue *queue, size_t *keys)
{
    struct delete_item *items = queue->first;
    struct delete_item **end = &queue->first;
    *keys = 0;
    while (*end != NULL && *keys < RIND_DELETES_MERGED_KEYS_MAX &&
           rind_realm_id_equal(&(*end)->realm, &items->realm) &&
           rind_deadline_has_expired((*end)->due)) {
        *keys += (*end)->count;
        end = &(*end)->next;
    }
    queue->first = *end;
    if (*end == NULL) {
        queue->end = &queue->first;
    }
    *end = NULL;
    return items;
}

static void deletes_measure(const struct rind_store *store, const struct delete_item *items,
                            uint64_t duration_ns)
{
    int64_t batches = 0;
    int64_t keys = 0;
    struct rind_store_tags tags;
    rind_store_tags_make(&tags, &items->realm, NULL);
    for (const struct delete_item *item = items; item != NULL; item = item->next) {
        batches++;
        keys += (int64_t)item->count;
    }
    rind_metrics_gauge(store->metrics, "store_client.merkle_delete.coalesced_num_batches", batches,
                       tags.tags, tags.count);
    rind_metrics_gauge(store->metrics, "store_client.merkle_delete.coalesced_num_keys", keys,
                       tags.tags, tags.count);
    rind_metrics_timing_ns(store->metrics, "store_client.remove_merkle_nodes.time", duration_ns,
                           tags.tags, tags.count);
}

static void deletes_execute(struct rind_store *store, struct delete_item *items)
{
    uint64_t start_ns = rind_clock_monotonic_ns();
    struct rind_ctx ctx;
    rind_ctx_init(&ctx, store->deletes->arena);
    rind_status status = items_execute(&ctx, store, items);
    if (!rind_is_ok(status)) {
        RIND_LOG_WARN(rind_store_log(store), "obsolete tree nodes stay in the store: %s",
                      ctx.sentence);
    }
    for (struct delete_item *item = items; item != NULL; item = item->next) {
        for (size_t i = 0; i < item->count; i++) {
            rind_node_cache_remove(store->cache, &item->realm, removal_key(&item->removals[i]));
        }
    }
    rind_arena_map_reset(store->deletes->arena, 0);
    deletes_measure(store, items, rind_clock_monotonic_ns() - start_ns);
}

bool rind_reader_watch_look(struct rind_reader_watch *watch,
                            const struct rind_engine_statistics *statistics)
{
    bool is_held = statistics->reader_oldest_process != 0 &&
                   statistics->reader_oldest_process == watch->process &&
                   statistics->reader_oldest_id == watch->id;
    watch->process = statistics->reader_oldest_process;
    watch->id = statistics->reader_oldest_id;
    return is_held;
}

/* After the readers of killed processes were removed. */
static void deletes_watch_readers(struct rind_store *store)
{
    struct rind_engine_statistics statistics = {0};
    rind_engine_statistics(store->engine, &statistics);
    rind_metrics_gauge(store->metrics, "store_client.oldest_reader.commits",
                       (int64_t)statistics.reader_oldest_commits, NULL, 0);
    if (rind_reader_watch_look(&store->deletes->reader_watch, &statistics)) {
        RIND_LOG_WARN(
            rind_store_log(store),
            "process %u has not ended a read of the store for more than %u s, so that the "
            "store's file grows by all that is written (%llu commits since); if that "
            "process is stopped or hangs, let it go on (kill -CONT) or end it",
            statistics.reader_oldest_process, RIND_DELETES_COLLECT_INTERVAL_MS / 1000u,
            (unsigned long long)statistics.reader_oldest_commits);
    }
}

static void deletes_collect(struct rind_store *store)
{
    struct rind_ctx ctx;
    rind_ctx_init(&ctx, store->deletes->arena);
    uint64_t removed;
    rind_status status = rind_engine_collect(&ctx, store->engine,
                                             rind_deadline_in_ms(RIND_STORE_TIMEOUT_MS), &removed);
    if (!rind_is_ok(status)) {
        RIND_LOG_WARN(rind_store_log(store), "old tombstones stay in the store: %s", ctx.sentence);
    }
    rind_arena_map_reset(store->deletes->arena, 0);
    deletes_watch_readers(store);
}

/* When the thread has something to do. Locked. */
static struct rind_deadline queue_next(const struct rind_delete_queue *queue,
                                       struct rind_deadline not_before,
                                       struct rind_deadline collect)
{
    struct rind_deadline next = queue->first == NULL ? rind_deadline_never() : queue->first->due;
    if (next.at_ns < not_before.at_ns && !queue->is_finishing) {
        next = not_before;
    }
    return rind_deadline_min(next, collect);
}

/* Items whose time has come; they stand first. Locked. */
static size_t queue_count_ready(const struct rind_delete_queue *queue)
{
    size_t count = 0;
    const struct delete_item *item = queue->first;
    while (item != NULL && rind_deadline_has_expired(item->due)) {
        count++;
        item = item->next;
    }
    return count;
}

static void deletes_run(void *self)
{
    struct rind_store *store = self;
    struct rind_delete_queue *queue = store->deletes;
    struct rind_deadline not_before = rind_deadline_now();
    struct rind_deadline collect = rind_deadline_in_ms(RIND_DELETES_COLLECT_INTERVAL_MS);
    rind_mutex_lock(&queue->mutex);
    while (!queue->is_stopping) {
        struct rind_deadline next = queue_next(queue, not_before, collect);
        if (!rind_deadline_has_expired(next)) {
            (void)rind_cond_wait(&queue->changed, &queue->mutex, next);
            continue;
        }
        size_t keys = 0;
        size_t ready_count = queue_count_ready(queue);
        struct delete_item *items = NULL;
        if (queue->first != NULL && rind_deadline_has_expired(queue->first->due)) {
            items = queue_take(queue, &keys);
        }
        rind_mutex_unlock(&queue->mutex);
        if (items != NULL) {
            rind_metrics_gauge(store->metrics, "store_client.merkle_delete.ready_queue_len",
                               (int64_t)ready_count, NULL, 0);
            deletes_execute(store, items);
            items_free(items);
            not_before = rind_deadline_in_ms(RIND_DELETES_INTERVAL_MS);
        }
        if (rind_deadline_has_expired(collect)) {
            deletes_collect(store);
            collect = rind_deadline_in_ms(RIND_DELETES_COLLECT_INTERVAL_MS);
        }
        rind_mutex_lock(&queue->mutex);
        queue->keys -= keys;
        if (queue->first != NULL && keys >= RIND_DELETES_MERGED_KEYS_MAX) {
            not_before = rind_deadline_now(); /* more is ready than one write takes */
        }
        rind_cond_broadcast(&queue->changed);
    }
    rind_mutex_unlock(&queue->mutex);
}

/* ---- the other threads' side ---- */

rind_status rind_deletes_open(struct rind_ctx *ctx, struct rind_store *store, uint64_t delay_ms)
{
    struct rind_delete_queue *queue = calloc(1, sizeof(*queue));
    RIND_REQUIRE(ctx, queue != NULL, RIND_E_LIMIT, "no memory for a store");
    rind_status status = rind_arena_map(ctx, RIND_DELETES_ARENA_SIZE, &queue->arena);
    if (!rind_is_ok(status)) {
        free(queue);
        return status;
    }
    queue->delay_ms = delay_ms;
    queue->end = &queue->first;
    rind_mutex_init(&queue->mutex);
    rind_cond_init(&queue->changed);
    store->deletes = queue;
    status = rind_thread_start(ctx, &queue->thread, "store-deletes", deletes_run, store);
    if (!rind_is_ok(status)) {
        rind_deletes_close(store);
    }
    return status;
}

void rind_deletes_close(struct rind_store *store)
{
    struct rind_delete_queue *queue = store->deletes;
    if (queue == NULL) {
        return;
    }
    rind_mutex_lock(&queue->mutex);
    queue->is_stopping = true;
    rind_cond_broadcast(&queue->changed);
    rind_mutex_unlock(&queue->mutex);
    rind_thread_join(&queue->thread);
    items_free(queue->first);
    rind_cond_fini(&queue->changed);
    rind_mutex_fini(&queue->mutex);
    rind_arena_unmap(queue->arena);
    free(queue);
    store->deletes = NULL;
}

static struct delete_item *item_new(struct rind_store *store, const struct rind_realm_id *realm,
                                    const struct rind_slice *row_keys, size_t count)
{
    struct delete_item *item = calloc(1, sizeof(*item) + count * sizeof(item->removals[0]));
    if (item == NULL) {
        return NULL;
    }
    item->realm = *realm;
    for (size_t i = 0; i < count; i++) {
        struct removal *removal = &item->removals[item->count];
        if (row_keys[i].length == 0 || row_keys[i].length > sizeof(removal->row_key)) {
            continue; /* no node has such a key */
        }
        memcpy(removal->row_key, row_keys[i].data, row_keys[i].length);
        removal->row_key_size = (uint8_t)row_keys[i].length;
        removal->has_instance =
            rind_node_cache_instance(store->cache, realm, row_keys[i], removal->instance);
        item->count++;
    }
    uint64_t delay_ms = store->deletes->delay_ms;
    item->due = delay_ms == UINT64_MAX ? rind_deadline_never() : rind_deadline_in_ms(delay_ms);
    return item;
}

void rind_deletes_push(struct rind_store *store, const struct rind_realm_id *realm,
                       const struct rind_slice *row_keys, size_t count,
                       struct rind_deadline deadline)
{
    if (count == 0) {
        return;
    }
    struct rind_delete_queue *queue = store->deletes;
    struct delete_item *item = item_new(store, realm, row_keys, count);
    bool is_queued = false;
    size_t keys = 0;
    if (item != NULL) {
        rind_mutex_lock(&queue->mutex);
        bool has_time = true;
        while (!queue->is_finishing && queue->keys > 0 && has_time &&
               queue->keys + item->count > RIND_STORE_DELETE_QUEUE_KEYS_MAX) {
            has_time = rind_cond_wait(&queue->changed, &queue->mutex, deadline);
        }
        if (!queue->is_finishing && has_time) {
            *queue->end = item;
            queue->end = &item->next;
            queue->keys += item->count;
            keys = queue->keys;
            is_queued = true;
            rind_cond_broadcast(&queue->changed);
        }
        rind_mutex_unlock(&queue->mutex);
    }
    rind_metrics_gauge(store->metrics, "store_client.merkle_delete.waiting_queue.len",
                       (int64_t)keys, NULL, 0);
    if (!is_queued) {
        free(item);
        RIND_LOG_WARN(rind_store_log(store),
                      "%zu obsolete tree nodes stay in the store: the queue of removals is full or "
                      "closed",
                      count);
    }
}

rind_status rind_deletes_finish(struct rind_ctx *ctx, struct rind_store *store,
                                struct rind_deadline deadline)
{
    struct rind_delete_queue *queue = store->deletes;
    rind_mutex_lock(&queue->mutex);
    bool was_finishing = queue->is_finishing;
    queue->is_finishing = true;
    if (queue->delay_ms == UINT64_MAX) {
        for (struct delete_item *item = queue->first; item != NULL; item = item->next) {
            item->due = rind_deadline_now(); /* finishing is what they were waiting for */
        }
    }
    rind_cond_broadcast(&queue->changed);
    bool has_time = true;
    while (!was_finishing && queue->keys > 0 && has_time) {
        has_time = rind_cond_wait(&queue->changed, &queue->mutex, deadline);
    }
    size_t left = queue->keys;
    rind_mutex_unlock(&queue->mutex);
    RIND_REQUIRE(ctx, !was_finishing, RIND_E_CANCELLED, "removals were finished before");
    RIND_REQUIRE(ctx, left == 0, RIND_E_TIMEOUT,
                 "%zu obsolete tree nodes stay in the store as garbage", left);
    return RIND_OK;
}
