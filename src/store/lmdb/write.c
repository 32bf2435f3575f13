/*
 * write.c - see lmdb.h: requests of many threads, one transaction, one fsync.
 *
 * A thread queues its request. If nobody leads, it becomes the leader, takes what is queued (its
 * own request is first or among the first), applies all of it in one transaction, commits, marks
 * the requests done and steps back; then one of those who queued meanwhile leads the next batch.
 * A request that fails (no such table, a corrupt row) leaves the others untouched. When the map is
 * full the whole transaction is aborted, the map enlarged, and all of it applied again.
 */
#include "store/lmdb/lmdb.h"

enum request_kind { REQUEST_WRITE, REQUEST_TEST, REQUEST_CREATE_TABLE, REQUEST_DELETE_TOMBSTONES };

struct rind_lmdb_request {
    struct rind_lmdb_request *next;
    enum request_kind kind;
    union {
        const struct rind_write *write;
        const struct rind_test_and_write *test;
        const struct rind_table *table;
        struct {
            const struct rind_lmdb_tombstone *tombstones;
            size_t count;
            int64_t before_us;
        } delete;
    };
    struct rind_ctx *ctx; /* of the waiting thread, lent to the leader; may be NULL */
    bool is_taken;        /* by a leader: it will be done */
    bool is_done;
    /* Results, once done. */
    rind_status status;
    bool was_true;
    uint64_t removed;
};

/* What applying a request can end in: the request's own failure, or one of the whole batch. */
struct applied {
    rind_status status; /* of the request */
    int error;          /* LMDB's: the transaction is of no use any more */
};

static struct applied applied_error(int error)
{
    struct applied applied = {RIND_OK, error};
    return applied;
}

static struct applied applied_status(rind_status status)
{
    struct applied applied = {status, 0};
    return applied;
}

static bool applied_is_ok(struct applied applied)
{
    return applied.error == 0 && rind_is_ok(applied.status);
}

/* ---- applying one request in the leader's transaction ---- */

static int64_t now_us(const struct rind_lmdb_engine *lmdb)
{
    return (int64_t)rind_store_clock_unix_ms(lmdb->clock) * 1000;
}

static int row_get(struct rind_lmdb_engine *lmdb, MDB_txn *txn, MDB_val *key,
                   struct rind_slice *row)
{
    MDB_val value;
    int error = mdb_get(txn, lmdb->rows, key, &value);
    if (error == MDB_NOTFOUND) {
        *row = rind_slice_make(NULL, 0);
        return 0;
    }
    *row = rind_slice_make(value.mv_data, value.mv_size);
    return error;
}

static void topic_mark(struct rind_lmdb_engine *lmdb, const struct rind_table *table,
                       struct rind_slice row_key)
{
    if (table->kind == RIND_TABLE_LOG) {
        uint32_t topic = rind_engine_topic(&table->realm, row_key) % RIND_LMDB_TOPICS;
        lmdb->topics_changed[topic / 64] |= 1ull << (topic % 64);
    }
}

/* A row of a table, in the leader's transaction. */
struct row_place {
    const struct rind_table *table;
    MDB_txn *txn;
    MDB_val key;
    uint8_t bytes[RIND_LMDB_KEY_SIZE_MAX];
};

static void row_place_make(struct row_place *place, MDB_txn *txn, const struct rind_table *table,
                           uint32_t number, struct rind_slice row_key)
{
    place->table = table;
    place->txn = txn;
    place->key = (MDB_val){rind_lmdb_key(number, row_key, place->bytes), place->bytes};
}

/* Changes a row that holds `before`. */
static struct applied row_change(struct rind_ctx *ctx, struct rind_lmdb_engine *lmdb,
                                 struct row_place *place, struct rind_slice before,
                                 const struct rind_mutation *mutations, size_t count)
{
    struct rind_slice after;
    rind_status status = rind_cells_apply(ctx, &lmdb->scratch, place->table->kind, before,
                                          mutations, count, now_us(lmdb), &after);
    if (!rind_is_ok(status)) {
        return applied_status(status);
    }
    int error = 0;
    if (after.length > 0) {
        MDB_val value = {after.length, (void *)(uintptr_t)after.data};
        error = mdb_put(place->txn, lmdb->rows, &place->key, &value, 0);
    } else if (before.length > 0) {
        error = mdb_del(place->txn, lmdb->rows, &place->key, NULL);
    }
    return applied_error(error);
}

/* Tries to put a row where there is none, which is what most new tree nodes are: one descent of
 * the B-tree instead of two. `*before` is the row that is there if it fails. */
static struct applied row_insert(struct rind_ctx *ctx, struct rind_lmdb_engine *lmdb,
                                 struct row_place *place, const struct rind_mutation *mutations,
                                 size_t count, bool *is_inserted, struct rind_slice *before)
{
    struct rind_slice after;
    rind_status status =
        rind_cells_apply(ctx, &lmdb->scratch, place->table->kind, rind_slice_make(NULL, 0),
                         mutations, count, now_us(lmdb), &after);
    *is_inserted = false;
    if (!rind_is_ok(status) || after.length == 0) {
        *before = rind_slice_make(NULL, 0);
        *is_inserted = rind_is_ok(status);
        return applied_status(status);
    }
    MDB_val value = {after.length, (void *)(uintptr_t)after.data};
    int error = mdb_put(place->txn, lmdb->rows, &place->key, &value, MDB_NOOVERWRITE);
    *is_inserted = error == 0;
    *before = rind_slice_make(value.mv_data, value.mv_size);
    return applied_error(error == MDB_KEYEXIST ? 0 : error);
}

static struct applied row_mutate(struct rind_ctx *ctx, struct rind_lmdb_engine *lmdb, MDB_txn *txn,
                                 const struct rind_table *table, uint32_t number,
                                 struct rind_slice row_key, const struct rind_mutation *mutations,
                                 size_t count)
{
    struct row_place place;
    struct rind_slice before;
    row_place_make(&place, txn, table, number, row_key);
    topic_mark(lmdb, table, row_key);
    if (table->kind == RIND_TABLE_MERKLE && mutations[0].kind == RIND_MUTATION_SET_CELL) {
        bool is_inserted;
        struct applied applied =
            row_insert(ctx, lmdb, &place, mutations, count, &is_inserted, &before);
        if (is_inserted || !applied_is_ok(applied)) {
            return applied;
        }
    } else {
        int error = row_get(lmdb, txn, &place.key, &before);
        if (error != 0) {
            return applied_error(error);
        }
    }
    return row_change(ctx, lmdb, &place, before, mutations, count);
}

static struct applied table_find(struct rind_ctx *ctx, struct rind_lmdb_engine *lmdb, MDB_txn *txn,
                                 const struct rind_table *table, uint32_t *number)
{
    int error = rind_lmdb_table_number(lmdb, txn, table, number);
    return error == MDB_NOTFOUND ? applied_status(rind_lmdb_table_missing(ctx, table))
                                 : applied_error(error);
}

static struct applied apply_write(struct rind_ctx *ctx, struct rind_lmdb_engine *lmdb, MDB_txn *txn,
                                  const struct rind_write *write)
{
    uint32_t number;
    struct applied applied = table_find(ctx, lmdb, txn, &write->table, &number);
    for (size_t i = 0; i < write->row_count && applied_is_ok(applied); i++) {
        const struct rind_row_write *row = &write->rows[i];
        applied = row_mutate(ctx, lmdb, txn, &write->table, number, row->key, row->mutations,
                             row->mutation_count);
    }
    return applied;
}

static struct applied apply_test(struct rind_ctx *ctx, struct rind_lmdb_engine *lmdb, MDB_txn *txn,
                                 const struct rind_test_and_write *test, bool *was_true)
{
    uint32_t number;
    struct applied applied = table_find(ctx, lmdb, txn, &test->table, &number);
    if (!applied_is_ok(applied)) {
        return applied;
    }
    uint8_t bytes[RIND_LMDB_KEY_SIZE_MAX];
    MDB_val key = {rind_lmdb_key(number, test->key, bytes), bytes};
    struct rind_slice row;
    int error = row_get(lmdb, txn, &key, &row);
    if (error != 0) {
        return applied_error(error);
    }
    rind_status status = rind_cells_test(ctx, row, &test->condition, was_true);
    if (!rind_is_ok(status)) {
        return applied_status(status);
    }
    /* The others first: if one of them fails, the tested row is not written. */
    if (!*was_true && test->together != NULL && test->together->row_count > 0) {
        applied = apply_write(ctx, lmdb, txn, test->together);
        if (!applied_is_ok(applied)) {
            return applied;
        }
    }
    const struct rind_mutation *mutations = *was_true ? test->when_true : test->when_false;
    size_t count = *was_true ? test->when_true_count : test->when_false_count;
    if (count == 0) {
        return applied;
    }
    return row_mutate(ctx, lmdb, txn, &test->table, number, test->key, mutations, count);
}

static struct applied apply_create_table(struct rind_ctx *ctx, struct rind_lmdb_engine *lmdb,
                                         MDB_txn *txn, const struct rind_table *table)
{
    char name[RIND_TABLE_NAME_SIZE];
    rind_table_name(table, name);
    int error = rind_lmdb_table_create(lmdb, txn, table);
    if (error == MDB_KEYEXIST) {
        return applied_status(
            rind_fail(ctx, RIND_E_EXISTS, "the store has a table %s already", name));
    }
    if (error == MDB_DBS_FULL) {
        return applied_status(
            rind_fail(ctx, RIND_E_LIMIT, "a store holds at most %u tables", RIND_LMDB_TABLES_MAX));
    }
    return applied_error(error);
}

static struct applied apply_delete_tombstones(struct rind_lmdb_engine *lmdb, MDB_txn *txn,
                                              struct rind_lmdb_request *request)
{
    request->removed = 0;
    for (size_t i = 0; i < request->delete.count; i++) {
        const struct rind_lmdb_tombstone *tombstone = &request->delete.tombstones[i];
        MDB_val key = {sizeof(tombstone->key), (void *)(uintptr_t)tombstone->key};
        struct rind_slice row;
        int error = row_get(lmdb, txn, &key, &row);
        if (error == 0 && rind_cells_is_old_tombstone(row, request->delete.before_us)) {
            error = mdb_del(txn, lmdb->rows, &key, NULL);
            request->removed++;
        }
        if (error != 0) {
            return applied_error(error);
        }
    }
    return applied_error(0);
}

static struct applied request_apply(struct rind_lmdb_engine *lmdb, MDB_txn *txn,
                                    struct rind_lmdb_request *request)
{
    switch (request->kind) {
    case REQUEST_WRITE:
        return apply_write(request->ctx, lmdb, txn, request->write);
    case REQUEST_TEST:
        return apply_test(request->ctx, lmdb, txn, request->test, &request->was_true);
    case REQUEST_CREATE_TABLE:
        return apply_create_table(request->ctx, lmdb, txn, request->table);
    case REQUEST_DELETE_TOMBSTONES:
        return apply_delete_tombstones(lmdb, txn, request);
    default:
        RIND_UNREACHABLE("requests are made in this file only");
    }
}

/* ---- the batch ---- */

/* How applying and committing a batch went. */
struct batch_result {
    int error;      /* LMDB's */
    bool is_commit; /* the commit failed, not what came before */
    bool is_undone; /* then: nothing of it is there or ever will be */
};

/*
 * Whether the commit of transaction `id` left nothing behind: the next transaction gets its number
 * again. (The new meta page is the last thing written; when writing that fails, LMDB refuses all
 * further transactions and we cannot tell.)
 */
static bool batch_is_undone(struct rind_lmdb_engine *lmdb, size_t id)
{
    MDB_txn *txn;
    if (rind_lmdb_begin(lmdb, 0, &txn) != 0) {
        return false;
    }
    bool is_undone = mdb_txn_id(txn) <= id;
    rind_lmdb_abort(lmdb, txn);
    return is_undone;
}

static struct batch_result batch_try(struct rind_lmdb_engine *lmdb, struct rind_lmdb_request *batch)
{
    MDB_txn *txn;
    struct batch_result result = {0};
    memset(lmdb->topics_changed, 0, sizeof(lmdb->topics_changed));
    result.error = rind_lmdb_begin(lmdb, 0, &txn);
    if (result.error != 0) {
        return result;
    }
    for (struct rind_lmdb_request *request = batch; request != NULL; request = request->next) {
        struct applied applied = request_apply(lmdb, txn, request);
        if (applied.error != 0) {
            rind_lmdb_abort(lmdb, txn);
            result.error = applied.error;
            return result;
        }
        request->status = applied.status;
    }
    size_t id = mdb_txn_id(txn);
    result.error = rind_lmdb_commit(lmdb, txn);
    if (result.error != 0) {
        result.is_commit = true;
        result.is_undone = batch_is_undone(lmdb, id);
    }
    return result;
}

/* Fails all requests of a batch whose transaction failed. */
static void batch_fail(struct rind_lmdb_engine *lmdb, struct rind_lmdb_request *batch,
                       struct batch_result result)
{
    for (struct rind_lmdb_request *request = batch; request != NULL; request = request->next) {
        request->status = result.is_commit ? rind_lmdb_fail_commit(request->ctx, lmdb->directory,
                                                                   result.error, result.is_undone)
                                           : rind_lmdb_fail(request->ctx, lmdb->directory,
                                                            result.error, "writing");
    }
}

static void batch_run(struct rind_lmdb_engine *lmdb, struct rind_lmdb_request *batch)
{
    struct batch_result result = {.error = MDB_MAP_FULL};
    for (unsigned attempt = 0; attempt < RIND_LMDB_ATTEMPTS_MAX; attempt++) {
        result = batch_try(lmdb, batch);
        if (result.error != MDB_MAP_FULL) {
            break;
        }
        rind_status status = rind_lmdb_grow(batch->ctx, lmdb);
        if (!rind_is_ok(status)) {
            for (struct rind_lmdb_request *request = batch; request != NULL;
                 request = request->next) {
                request->status = request == batch
                                      ? status
                                      : rind_fail(request->ctx, (enum rind_code)status.code,
                                                  "store %s cannot be enlarged", lmdb->directory);
            }
            return;
        }
    }
    if (result.error != 0) {
        batch_fail(lmdb, batch, result);
        return;
    }
    rind_lmdb_changes_announce(lmdb);
    atomic_fetch_add_explicit(&lmdb->commits, 1, memory_order_relaxed);
}

/* ---- the queue ---- */

/* Takes up to RIND_LMDB_BATCH_REQUESTS_MAX requests off the queue, as a list. Queue locked. */
static struct rind_lmdb_request *queue_take(struct rind_lmdb_engine *lmdb, size_t *count)
{
    struct rind_lmdb_request *batch = lmdb->queue_first;
    struct rind_lmdb_request **end = &lmdb->queue_first;
    *count = 0;
    while (*end != NULL && *count < RIND_LMDB_BATCH_REQUESTS_MAX) {
        (*end)->is_taken = true;
        end = &(*end)->next;
        (*count)++;
    }
    lmdb->queue_first = *end;
    if (*end == NULL) {
        lmdb->queue_end = &lmdb->queue_first;
    }
    *end = NULL;
    return batch;
}

/* Takes a request off the queue that no leader has taken. Queue locked. */
static void queue_remove(struct rind_lmdb_engine *lmdb, struct rind_lmdb_request *request)
{
    struct rind_lmdb_request **link = &lmdb->queue_first;
    while (*link != request) {
        RIND_ASSERT(*link != NULL);
        link = &(*link)->next;
    }
    *link = request->next;
    if (*link == NULL) {
        lmdb->queue_end = link;
    }
}

/*
 * Runs one batch as the leader; false if another process writes until the deadline. Until then
 * nothing is taken, so that all who wait can still give up. Queue locked before and after.
 */
static bool queue_lead(struct rind_lmdb_engine *lmdb, struct rind_deadline deadline)
{
    size_t count;
    lmdb->has_leader = true;
    rind_mutex_unlock(&lmdb->queue_mutex);
    bool has_entered = rind_lmdb_gate_enter(lmdb, deadline);
    rind_mutex_lock(&lmdb->queue_mutex);
    if (!has_entered) {
        lmdb->has_leader = false;
        rind_cond_broadcast(&lmdb->queue_cond); /* the next one waits until its own deadline */
        return false;
    }
    struct rind_lmdb_request *batch = queue_take(lmdb, &count);
    rind_mutex_unlock(&lmdb->queue_mutex);
    batch_run(lmdb, batch);
    rind_lmdb_gate_leave(lmdb);
    atomic_fetch_add_explicit(&lmdb->requests, count, memory_order_relaxed);
    rind_mutex_lock(&lmdb->queue_mutex);
    lmdb->has_leader = false;
    for (struct rind_lmdb_request *request = batch; request != NULL;) {
        struct rind_lmdb_request *next = request->next; /* once done, it is its owner's again */
        request->is_done = true;
        request = next;
    }
    rind_cond_broadcast(&lmdb->queue_cond);
    return true;
}

static rind_status request_run(struct rind_lmdb_engine *lmdb, struct rind_lmdb_request *request,
                               struct rind_deadline deadline)
{
    rind_mutex_lock(&lmdb->queue_mutex);
    *lmdb->queue_end = request;
    lmdb->queue_end = &request->next;
    while (!request->is_done) {
        if (!lmdb->has_leader) {
            if (!queue_lead(lmdb, deadline)) {
                queue_remove(lmdb, request);
                request->status = rind_lmdb_gate_busy(request->ctx, lmdb);
                request->is_done = true;
            }
        } else if (request->is_taken) {
            /* Nothing can recall it now; it takes as long as the disk does. */
            (void)rind_cond_wait(&lmdb->queue_cond, &lmdb->queue_mutex, rind_deadline_never());
        } else if (!rind_cond_wait(&lmdb->queue_cond, &lmdb->queue_mutex, deadline) &&
                   !request->is_taken) {
            queue_remove(lmdb, request);
            request->status =
                rind_fail(request->ctx, RIND_E_BUSY,
                          "store %s is busy: earlier writes have not finished", lmdb->directory);
            request->is_done = true;
        }
    }
    rind_mutex_unlock(&lmdb->queue_mutex);
    return request->status;
}

/* ---- the engine's functions ---- */

rind_status rind_lmdb_write(struct rind_ctx *ctx, struct rind_engine *engine,
                            const struct rind_write *write, struct rind_deadline deadline)
{
    struct rind_lmdb_request request = {.kind = REQUEST_WRITE, .write = write, .ctx = ctx};
    return request_run(rind_lmdb_of(engine), &request, deadline);
}

rind_status rind_lmdb_test_and_write(struct rind_ctx *ctx, struct rind_engine *engine,
                                     const struct rind_test_and_write *test,
                                     struct rind_deadline deadline, bool *was_true)
{
    struct rind_lmdb_request request = {.kind = REQUEST_TEST, .test = test, .ctx = ctx};
    RIND_TRY(request_run(rind_lmdb_of(engine), &request, deadline));
    *was_true = request.was_true;
    return RIND_OK;
}

rind_status rind_lmdb_create_table(struct rind_ctx *ctx, struct rind_engine *engine,
                                   const struct rind_table *table, struct rind_deadline deadline)
{
    struct rind_lmdb_request request = {.kind = REQUEST_CREATE_TABLE, .table = table, .ctx = ctx};
    return request_run(rind_lmdb_of(engine), &request, deadline);
}

rind_status rind_lmdb_delete_tombstones(struct rind_ctx *ctx, struct rind_lmdb_engine *lmdb,
                                        const struct rind_lmdb_tombstone *tombstones, size_t count,
                                        int64_t before_us, struct rind_deadline deadline,
                                        uint64_t *removed)
{
    struct rind_lmdb_request request = {.kind = REQUEST_DELETE_TOMBSTONES, .ctx = ctx};
    request.delete.tombstones = tombstones;
    request.delete.count = count;
    request.delete.before_us = before_us;
    RIND_TRY(request_run(lmdb, &request, deadline));
    *removed = request.removed;
    return RIND_OK;
}
