/*
 * memory.c - a store engine in the process's memory, for tests and the simulator.
 *
 * Keeps every promise of engine.h but durability; one lock serialises everything. Rows are a treap
 * per table, whose priorities are hashes of the keys, so that equal contents have equal shapes.
 */
#include "host/thread.h"
#include "store/cells.h"
#include "store/store.h"

#include <stdlib.h>

#define MEMORY_TABLES_MAX 1024u
#define MEMORY_TOPICS 64u /* change counts; topics share them */

struct memory_row {
    struct memory_row *left;
    struct memory_row *right;
    uint64_t priority;
    size_t key_size;
    size_t size;    /* of the row's bytes */
    uint8_t *bytes; /* own allocation: rows grow, keys do not */
    uint8_t key[];
};

struct memory_table {
    struct rind_table table;
    struct memory_row *root;
    size_t size_bytes;
};

struct memory_engine {
    struct rind_engine engine;
    const struct rind_store_clock *clock;
    struct rind_mutex mutex; /* guards everything below; nothing else is taken while held */
    struct rind_cond changed;
    struct memory_table *tables[MEMORY_TABLES_MAX];
    size_t table_count;
    struct rind_cells_scratch scratch;
    uint32_t changes[MEMORY_TOPICS];
    struct rind_engine_statistics statistics;
};

static struct memory_engine *memory_of(struct rind_engine *engine)
{
    return (struct memory_engine *)engine;
}

/* ---- the treap ---- */

static struct rind_slice row_key(const struct memory_row *row)
{
    return rind_slice_make(row->key, row->key_size);
}

static uint64_t key_priority(struct rind_slice key)
{
    uint64_t hash =
        14695981039346656037u; /* FNV-1a, then a mix, as neighbours differ in few bits */
    for (size_t i = 0; i < key.length; i++) {
        hash = (hash ^ key.data[i]) * 1099511628211u;
    }
    hash ^= hash >> 32;
    hash *= 0xd6e8feb86659fd93u;
    return hash ^ (hash >> 32);
}

/* The link that holds the row with `key`, or where one with its priority must be put. */
static struct memory_row **treap_find(struct memory_row **link, struct rind_slice key,
                                      uint64_t priority)
{
    while (*link != NULL && (*link)->priority >= priority) {
        int order = rind_key_compare(key, row_key(*link));
        if (order == 0) {
            return link;
        }
        link = order < 0 ? &(*link)->left : &(*link)->right;
    }
    return link;
}

/* Splits `row`'s subtree into the rows below and above `key`, which is not in it. */
static void treap_split(struct memory_row *row, struct rind_slice key, struct memory_row **below,
                        struct memory_row **above)
{
    while (row != NULL) {
        if (rind_key_compare(row_key(row), key) < 0) {
            *below = row;
            below = &row->right;
            row = row->right;
        } else {
            *above = row;
            above = &row->left;
            row = row->left;
        }
    }
    *below = NULL;
    *above = NULL;
}

/* Puts at *link the join of two subtrees, all of `left` being below all of `right`. */
static void treap_join(struct memory_row **link, struct memory_row *left, struct memory_row *right)
{
    while (left != NULL && right != NULL) {
        if (left->priority >= right->priority) {
            *link = left;
            link = &left->right;
            left = left->right;
        } else {
            *link = right;
            link = &right->left;
            right = right->left;
        }
    }
    *link = left != NULL ? left : right;
}

/* The first row with key >= `key` (or > if `is_open`), or NULL. */
static struct memory_row *treap_seek(struct memory_row *row, struct rind_slice key, bool is_open)
{
    struct memory_row *found = NULL;
    while (row != NULL) {
        int order = rind_key_compare(row_key(row), key);
        if (order > 0 || (order == 0 && !is_open)) {
            found = row;
            row = row->left;
        } else {
            row = row->right;
        }
    }
    return found;
}

static void row_free(struct memory_row *row)
{
    free(row->bytes);
    free(row);
}

static void treap_free(struct memory_row *row)
{
    /* Rotates left children up instead of recursing, so depth costs no stack. */
    while (row != NULL) {
        struct memory_row *left = row->left;
        if (left != NULL) {
            row->left = left->right;
            left->right = row;
            row = left;
        } else {
            struct memory_row *right = row->right;
            row_free(row);
            row = right;
        }
    }
}

/* ---- tables and rows ---- */

static rind_status memory_find_table(struct rind_ctx *ctx, struct memory_engine *memory,
                                     const struct rind_table *table, struct memory_table **found)
{
    for (size_t i = 0; i < memory->table_count; i++) {
        if (memory->tables[i]->table.kind == table->kind &&
            rind_realm_id_equal(&memory->tables[i]->table.realm, &table->realm)) {
            *found = memory->tables[i];
            return RIND_OK;
        }
    }
    char name[RIND_TABLE_NAME_SIZE];
    rind_table_name(table, name);
    return rind_fail(ctx, RIND_E_NOT_FOUND, "the store has no table %s", name);
}

static struct rind_slice memory_get(struct memory_table *table, struct rind_slice key)
{
    struct memory_row **link = treap_find(&table->root, key, key_priority(key));
    if (*link == NULL || rind_key_compare(row_key(*link), key) != 0) {
        return rind_slice_make(NULL, 0);
    }
    return rind_slice_make((*link)->bytes, (*link)->size);
}

/* Replaces a row; empty bytes remove it. */
static rind_status memory_put(struct rind_ctx *ctx, struct memory_table *table,
                              struct rind_slice key, struct rind_slice bytes)
{
    uint64_t priority = key_priority(key);
    struct memory_row **link = treap_find(&table->root, key, priority);
    struct memory_row *row = *link;
    bool exists = row != NULL && rind_key_compare(row_key(row), key) == 0;
    if (bytes.length == 0) {
        if (exists) {
            table->size_bytes -= row->size + row->key_size;
            treap_join(link, row->left, row->right);
            row_free(row);
        }
        return RIND_OK;
    }
    uint8_t *copy = malloc(bytes.length);
    RIND_REQUIRE(ctx, copy != NULL, RIND_E_LIMIT, "no memory for a row of %zu bytes", bytes.length);
    memcpy(copy, bytes.data, bytes.length);
    if (!exists) {
        row = calloc(1, sizeof(*row) + key.length);
        if (row == NULL) {
            free(copy);
            return rind_fail(ctx, RIND_E_LIMIT, "no memory for a row");
        }
        row->priority = priority;
        row->key_size = key.length;
        memcpy(row->key, key.data, key.length);
        treap_split(*link, key, &row->left, &row->right);
        *link = row;
        table->size_bytes += key.length;
    }
    free(row->bytes);
    table->size_bytes += bytes.length - row->size;
    row->bytes = copy;
    row->size = bytes.length;
    return RIND_OK;
}

static int64_t memory_now_us(const struct memory_engine *memory)
{
    return (int64_t)rind_store_clock_unix_ms(memory->clock) * 1000;
}

static rind_status memory_mutate(struct rind_ctx *ctx, struct memory_engine *memory,
                                 struct memory_table *table, struct rind_slice key,
                                 const struct rind_mutation *mutations, size_t count)
{
    struct rind_slice after;
    RIND_TRY(rind_cells_apply(ctx, &memory->scratch, table->table.kind, memory_get(table, key),
                              mutations, count, memory_now_us(memory), &after));
    RIND_TRY(memory_put(ctx, table, key, after));
    if (table->table.kind == RIND_TABLE_LOG && count > 0) {
        memory->changes[rind_engine_topic(&table->table.realm, key) % MEMORY_TOPICS]++;
        rind_cond_broadcast(&memory->changed);
    }
    return RIND_OK;
}

static rind_status memory_write_rows(struct rind_ctx *ctx, struct memory_engine *memory,
                                     const struct rind_write *write)
{
    struct memory_table *table;
    RIND_TRY(memory_find_table(ctx, memory, &write->table, &table));
    for (size_t i = 0; i < write->row_count; i++) {
        const struct rind_row_write *row = &write->rows[i];
        RIND_TRY(memory_mutate(ctx, memory, table, row->key, row->mutations, row->mutation_count));
    }
    return RIND_OK;
}

/* ---- the engine's functions ---- */

static rind_status memory_read_rows(struct rind_ctx *ctx, struct memory_engine *memory,
                                    const struct rind_read *read,
                                    const struct rind_key_range *ranges, size_t range_count,
                                    struct rind_rows *rows)
{
    struct memory_table *table;
    RIND_TRY(memory_find_table(ctx, memory, &read->table, &table));
    struct rind_rows_builder builder;
    rind_rows_begin(&builder, read);
    struct memory_row *row = table->root;
    struct rind_slice last = rind_slice_make(NULL, 0);
    for (size_t i = 0; i < range_count && row != NULL && !builder.is_full; i++) {
        row = treap_seek(table->root, ranges[i].start, ranges[i].excludes_start);
        if (row != NULL && last.length > 0 && rind_key_compare(row_key(row), last) <= 0) {
            row = treap_seek(table->root, last, true); /* ranges overlap: each row once */
        }
        while (row != NULL && !rind_key_range_is_below(&ranges[i], row_key(row)) &&
               !builder.is_full) {
            RIND_TRY(
                rind_rows_add(ctx, &builder, row_key(row), rind_slice_make(row->bytes, row->size)));
            last = row_key(row);
            row = treap_seek(table->root, last, true);
        }
    }
    return rind_rows_end(ctx, &builder, rows);
}

static rind_status memory_read(struct rind_ctx *ctx, struct rind_engine *engine,
                               const struct rind_read *read, struct rind_deadline deadline,
                               struct rind_rows *rows)
{
    (void)deadline; /* nothing here waits */
    struct memory_engine *memory = memory_of(engine);
    struct rind_key_range *ranges;
    size_t range_count;
    RIND_TRY(rind_key_ranges_sort(ctx, read, &ranges, &range_count));
    rind_mutex_lock(&memory->mutex);
    memory->statistics.reads++;
    rind_status status = memory_read_rows(ctx, memory, read, ranges, range_count, rows);
    rind_mutex_unlock(&memory->mutex);
    return status;
}

static rind_status memory_write(struct rind_ctx *ctx, struct rind_engine *engine,
                                const struct rind_write *write, struct rind_deadline deadline)
{
    (void)deadline;
    struct memory_engine *memory = memory_of(engine);
    rind_mutex_lock(&memory->mutex);
    memory->statistics.commits++;
    memory->statistics.requests++;
    rind_status status = memory_write_rows(ctx, memory, write);
    rind_mutex_unlock(&memory->mutex);
    return status;
}

static rind_status memory_test_and_write_locked(struct rind_ctx *ctx, struct memory_engine *memory,
                                                const struct rind_test_and_write *request,
                                                bool *was_true)
{
    struct memory_table *table;
    RIND_TRY(memory_find_table(ctx, memory, &request->table, &table));
    bool holds;
    RIND_TRY(rind_cells_test(ctx, memory_get(table, request->key), &request->condition, &holds));
    const struct rind_mutation *mutations = holds ? request->when_true : request->when_false;
    size_t count = holds ? request->when_true_count : request->when_false_count;
    if (count > 0) {
        RIND_TRY(memory_mutate(ctx, memory, table, request->key, mutations, count));
    }
    *was_true = holds;
    return RIND_OK;
}

static rind_status memory_test_and_write(struct rind_ctx *ctx, struct rind_engine *engine,
                                         const struct rind_test_and_write *request,
                                         struct rind_deadline deadline, bool *was_true)
{
    (void)deadline;
    struct memory_engine *memory = memory_of(engine);
    rind_mutex_lock(&memory->mutex);
    memory->statistics.commits++;
    memory->statistics.requests++;
    rind_status status = memory_test_and_write_locked(ctx, memory, request, was_true);
    rind_mutex_unlock(&memory->mutex);
    return status;
}

static rind_status memory_create_table_locked(struct rind_ctx *ctx, struct memory_engine *memory,
                                              const struct rind_table *table)
{
    char name[RIND_TABLE_NAME_SIZE];
    rind_table_name(table, name);
    struct memory_table *found;
    RIND_REQUIRE(ctx, !rind_is_ok(memory_find_table(NULL, memory, table, &found)), RIND_E_EXISTS,
                 "the store has a table %s already", name);
    RIND_REQUIRE(ctx, memory->table_count < MEMORY_TABLES_MAX, RIND_E_LIMIT,
                 "a store in memory holds at most %u tables", MEMORY_TABLES_MAX);
    struct memory_table *made = calloc(1, sizeof(*made));
    RIND_REQUIRE(ctx, made != NULL, RIND_E_LIMIT, "no memory for table %s", name);
    made->table = *table;
    memory->tables[memory->table_count++] = made;
    return RIND_OK;
}

static rind_status memory_create_table(struct rind_ctx *ctx, struct rind_engine *engine,
                                       const struct rind_table *table,
                                       struct rind_deadline deadline)
{
    (void)deadline;
    struct memory_engine *memory = memory_of(engine);
    rind_mutex_lock(&memory->mutex);
    rind_status status = memory_create_table_locked(ctx, memory, table);
    rind_mutex_unlock(&memory->mutex);
    return status;
}

static rind_status memory_list_tables(struct rind_ctx *ctx, struct rind_engine *engine,
                                      struct rind_deadline deadline, struct rind_tables *tables)
{
    (void)deadline;
    struct memory_engine *memory = memory_of(engine);
    struct rind_table *list = rind_ctx_alloc_array(ctx, MEMORY_TABLES_MAX, sizeof(*list));
    if (list == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    rind_mutex_lock(&memory->mutex);
    for (size_t i = 0; i < memory->table_count; i++) {
        list[i] = memory->tables[i]->table;
    }
    *tables = (struct rind_tables){list, memory->table_count};
    rind_mutex_unlock(&memory->mutex);
    return RIND_OK;
}

static uint32_t memory_change_count(struct rind_engine *engine, uint32_t topic)
{
    struct memory_engine *memory = memory_of(engine);
    rind_mutex_lock(&memory->mutex);
    uint32_t count = memory->changes[topic % MEMORY_TOPICS];
    rind_mutex_unlock(&memory->mutex);
    return count;
}

static void memory_wait_change(struct rind_engine *engine, uint32_t topic, uint32_t since,
                               struct rind_deadline deadline)
{
    struct memory_engine *memory = memory_of(engine);
    rind_mutex_lock(&memory->mutex);
    while (memory->changes[topic % MEMORY_TOPICS] == since &&
           rind_cond_wait(&memory->changed, &memory->mutex, deadline)) {
    }
    rind_mutex_unlock(&memory->mutex);
}

static void memory_wake(struct rind_engine *engine)
{
    struct memory_engine *memory = memory_of(engine);
    rind_mutex_lock(&memory->mutex);
    for (size_t i = 0; i < MEMORY_TOPICS; i++) {
        memory->changes[i]++;
    }
    rind_cond_broadcast(&memory->changed);
    rind_mutex_unlock(&memory->mutex);
}

static rind_status memory_collect_table(struct rind_ctx *ctx, struct memory_table *table,
                                        int64_t before_us, uint64_t *removed)
{
    struct memory_row *row = treap_seek(table->root, rind_slice_make(NULL, 0), false);
    uint8_t key[RIND_ENGINE_KEY_SIZE_BYTES_MAX];
    while (row != NULL) {
        struct rind_slice at = rind_slice_make(key, row->key_size);
        memcpy(key, row->key, row->key_size);
        if (rind_cells_is_old_tombstone(rind_slice_make(row->bytes, row->size), before_us)) {
            RIND_TRY(memory_put(ctx, table, at, rind_slice_make(NULL, 0)));
            (*removed)++;
        }
        row = treap_seek(table->root, at, true);
    }
    return RIND_OK;
}

static rind_status memory_collect(struct rind_ctx *ctx, struct rind_engine *engine,
                                  struct rind_deadline deadline, uint64_t *removed)
{
    (void)deadline;
    struct memory_engine *memory = memory_of(engine);
    struct rind_table_gc gc;
    bool has_family = rind_table_family(RIND_TABLE_LOG, 't', &gc);
    RIND_ASSERT(has_family && gc.age_s_max > 0);
    rind_status status = RIND_OK;
    rind_mutex_lock(&memory->mutex);
    int64_t before_us = memory_now_us(memory) - (int64_t)gc.age_s_max * 1000000;
    for (size_t i = 0; i < memory->table_count && rind_is_ok(status); i++) {
        if (memory->tables[i]->table.kind == RIND_TABLE_LOG) {
            status = memory_collect_table(ctx, memory->tables[i], before_us, removed);
        }
    }
    rind_mutex_unlock(&memory->mutex);
    return status;
}

static void memory_statistics(struct rind_engine *engine, struct rind_engine_statistics *statistics)
{
    struct memory_engine *memory = memory_of(engine);
    rind_mutex_lock(&memory->mutex);
    *statistics = memory->statistics;
    for (size_t i = 0; i < memory->table_count; i++) {
        statistics->size_bytes_used += memory->tables[i]->size_bytes;
    }
    rind_mutex_unlock(&memory->mutex);
}

static void memory_close(struct rind_engine *engine)
{
    struct memory_engine *memory = memory_of(engine);
    for (size_t i = 0; i < memory->table_count; i++) {
        treap_free(memory->tables[i]->root);
        free(memory->tables[i]);
    }
    rind_cells_scratch_fini(&memory->scratch);
    rind_cond_fini(&memory->changed);
    rind_mutex_fini(&memory->mutex);
    free(memory);
}

static const struct rind_engine_class memory_class = {
    .name = "memory",
    .writes_together = false,
    .read = memory_read,
    .write = memory_write,
    .test_and_write = memory_test_and_write,
    .create_table = memory_create_table,
    .list_tables = memory_list_tables,
    .change_count = memory_change_count,
    .wait_change = memory_wait_change,
    .wake = memory_wake,
    .collect = memory_collect,
    .statistics = memory_statistics,
    .close = memory_close,
};

rind_status rind_engine_open_memory(struct rind_ctx *ctx, const struct rind_store_clock *clock,
                                    struct rind_engine **engine)
{
    struct memory_engine *memory = calloc(1, sizeof(*memory));
    RIND_REQUIRE(ctx, memory != NULL, RIND_E_LIMIT, "no memory for a store");
    memory->engine.class = &memory_class;
    memory->clock = clock;
    rind_mutex_init(&memory->mutex);
    rind_cond_init(&memory->changed);
    rind_cells_scratch_init(&memory->scratch);
    *engine = &memory->engine;
    return RIND_OK;
}
