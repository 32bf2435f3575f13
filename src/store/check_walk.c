/* check_walk.c - see check_walk.h: groups of rows, and the threads that take them. */
#include "store/check_walk.h"

#include <stdlib.h>

#include "store/state.h"

#define WALK_PAGE_SIZE_BYTES (1u << 20)
/* Twice a page for growing lists, and the largest single row. */
#define WALK_ARENA_SIZE_BYTES (32u << 20)
#define WALK_BATCH 512u /* nodes that are read one by one, in one call */
#define WALK_SUBGROUPS 128u
#define WALK_TERMINATOR 0x80u
#define WALK_BITS_PER_BYTE 7u
#define WALK_REPORT_NODES 65536u

/* Rows whose keys begin with these bytes, and the nodes that must be among them. */
struct group {
    struct group *next;
    uint8_t bytes[RIND_ROW_KEY_PREFIX_SIZE_MAX];
    size_t size;
    size_t start_size; /* the range starts with so many of the bytes: keys that end early too */
    size_t node_count;
    struct rind_check_node nodes[];
};

/* A growing list. */
struct node_list {
    struct rind_check_node *nodes;
    size_t count;
    size_t capacity;
};

/* What the threads share. */
struct pool {
    const struct rind_check_walk *walk;
    struct rind_mutex mutex; /* guards all below; nothing is taken while held */
    struct rind_cond changed;
    struct group *waiting; /* the newest first, so that there are few */
    size_t working;        /* threads that have a group, and may add more */
    rind_status status;    /* the first failure ends all */
    char sentence[RIND_SENTENCE_SIZE_MAX];
    uint64_t nodes;
    uint64_t nodes_reported;
};

/* Reads the database in the disk's order meanwhile, where that helps. */
struct ahead {
    struct rind_engine *engine;
    struct rind_thread thread;
    atomic_bool is_over;
};

struct worker {
    struct pool *pool;
    const struct rind_check_walk *walk;
    struct rind_thread thread;
    struct rind_arena *arena;
    struct node_list todo;
    struct node_list below;        /* of a group that is split: nodes in the groups below */
    uint64_t nodes;                /* since it told the pool */
    struct rind_check_tree *trees; /* its own counts */
};

/* ---- lists ---- */

static rind_status list_add(struct rind_ctx *ctx, struct node_list *list,
                            const struct rind_check_node *node)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity == 0 ? 1024 : 2 * list->capacity;
        void *nodes = realloc(list->nodes, capacity * sizeof(*list->nodes));
        RIND_REQUIRE(ctx, nodes != NULL, RIND_E_LIMIT, "no memory for %zu tree nodes", capacity);
        list->nodes = nodes;
        list->capacity = capacity;
    }
    list->nodes[list->count++] = *node;
    return RIND_OK;
}

static int node_compare(const void *a, const void *b)
{
    const struct rind_check_node *x = a;
    const struct rind_check_node *y = b;
    return rind_key_compare(rind_row_key_slice(&x->row_key), rind_row_key_slice(&y->row_key));
}

/* ---- one node ---- */

static void node_note(struct worker *worker, const struct rind_check_node *node,
                      enum rind_store_check_fault fault)
{
    struct rind_store_check_result *result = worker->walk->result;
    rind_mutex_lock(&worker->pool->mutex);
    result->missing += fault == RIND_STORE_CHECK_MISSING ? 1 : 0;
    result->wrong += fault == RIND_STORE_CHECK_WRONG ? 1 : 0;
    if (result->problem_count < RIND_STORE_CHECK_PROBLEMS_MAX) {
        result->problems[result->problem_count++] = (struct rind_store_check_problem){
            fault, *worker->walk->trees[node->tree].group, node->row_key};
    }
    rind_mutex_unlock(&worker->pool->mutex);
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

/* Judges a node by the rows that were read, and puts its children on a list: those with longer
 * prefixes than `bits` on `below`. */
static rind_status node_judge(struct rind_ctx *ctx, struct worker *worker,
                              const struct rind_check_node *node, const struct rind_rows *rows,
                              unsigned bits)
{
    struct rind_check_node children[2];
    size_t child_count;
    bool is_leaf;
    const struct rind_row *row = rows_find(rows, rind_row_key_slice(&node->row_key));
    if (row == NULL) {
        node_note(worker, node, RIND_STORE_CHECK_MISSING);
        return RIND_OK;
    }
    size_t mark = rind_arena_mark(ctx->arena);
    bool is_right =
        rind_check_node_is_right(ctx, worker->walk, node, row, children, &child_count, &is_leaf);
    rind_arena_release(ctx->arena, mark);
    if (!is_right) {
        node_note(worker, node, RIND_STORE_CHECK_WRONG);
        return RIND_OK;
    }
    worker->nodes++;
    worker->trees[node->tree].nodes++;
    worker->trees[node->tree].leaves += is_leaf;
    for (size_t i = 0; i < child_count; i++) {
        bool is_below = children[i].prefix.length > bits;
        RIND_TRY(list_add(ctx, is_below ? &worker->below : &worker->todo, &children[i]));
    }
    return RIND_OK;
}

/* ---- reading ---- */

static rind_status walk_read(struct rind_ctx *ctx, const struct rind_check_walk *walk,
                             const struct rind_key_range *ranges, size_t count, bool without_values,
                             struct rind_rows *rows)
{
    const struct rind_read read = {.table = rind_table_of_realm(RIND_TABLE_MERKLE, walk->realm),
                                   .ranges = ranges,
                                   .range_count = count,
                                   .without_values = without_values,
                                   .size_bytes_max = WALK_PAGE_SIZE_BYTES};
    return rind_store_read(ctx, walk->store, "store_client.check", NULL, &read, walk->deadline,
                           rows);
}

static void rows_count(struct worker *worker, const struct rind_rows *rows)
{
    uint64_t malformed = 0;
    struct rind_slice malformed_key = {0};
    struct rind_bit_vector bits;
    struct rind_data_hash hash;
    for (size_t i = 0; i < rows->count; i++) {
        if (!rind_is_ok(rind_row_key_parse(NULL, rows->rows[i].key, &bits, &hash))) {
            malformed++;
            malformed_key = rows->rows[i].key;
        }
    }
    struct rind_store_check_result *result = worker->walk->result;
    rind_mutex_lock(&worker->pool->mutex);
    result->rows += rows->count;
    result->rows_malformed += malformed;
    if (malformed > 0) {
        rind_store_key_text(malformed_key, result->malformed_key);
    }
    rind_mutex_unlock(&worker->pool->mutex);
}

/* Counts the rows of a range of any size. */
static rind_status range_count(struct rind_ctx *ctx, struct worker *worker,
                               struct rind_key_range range)
{
    size_t left = rind_key_range_is_empty(&range) ? 0 : 1;
    uint8_t last_key[RIND_ENGINE_KEY_SIZE_BYTES_MAX];
    while (left > 0) {
        struct rind_rows rows;
        size_t mark = rind_arena_mark(ctx->arena);
        RIND_TRY(walk_read(ctx, worker->walk, &range, 1, true, &rows));
        rows_count(worker, &rows);
        left = rows.has_more ? 1 : 0;
        if (rows.has_more) {
            size_t size = rows.scanned_to.length;
            memcpy(last_key, rows.scanned_to.data, size);
            const struct rind_key_range all = range;
            left = rind_key_ranges_after(&all, 1, rind_slice_make(last_key, size), &range);
        }
        rind_arena_release(ctx->arena, mark);
    }
    return RIND_OK;
}

/* ---- a group in one page ---- */

static rind_status group_walk_rows(struct rind_ctx *ctx, struct worker *worker,
                                   const struct group *group, const struct rind_rows *rows)
{
    rows_count(worker, rows);
    for (size_t i = 0; i < group->node_count; i++) {
        worker->todo.count = 0;
        RIND_TRY(list_add(ctx, &worker->todo, &group->nodes[i]));
        while (worker->todo.count > 0) {
            const struct rind_check_node node = worker->todo.nodes[--worker->todo.count];
            RIND_TRY(node_judge(ctx, worker, &node, rows, RIND_BITS_LENGTH_MAX));
        }
    }
    return RIND_OK;
}

/* ---- a group that is larger ---- */

/* Reads nodes one by one and judges them; `*done` of them, fewer if a page could not hold all. */
static rind_status nodes_read(struct rind_ctx *ctx, struct worker *worker,
                              struct rind_check_node *nodes, size_t count, unsigned bits,
                              size_t *done)
{
    struct rind_key_range *ranges = rind_ctx_alloc_array(ctx, count, sizeof(*ranges));
    struct rind_rows rows;
    if (ranges == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    for (size_t i = 0; i < count; i++) {
        struct rind_slice key = rind_row_key_slice(&nodes[i].row_key);
        ranges[i] = (struct rind_key_range){.start = key, .end = key, .includes_end = true};
    }
    RIND_TRY(walk_read(ctx, worker->walk, ranges, count, false, &rows));
    *done = 0;
    while (*done < count &&
           (!rows.has_more ||
            rind_key_compare(rind_row_key_slice(&nodes[*done].row_key), rows.scanned_to) <= 0)) {
        RIND_TRY(node_judge(ctx, worker, &nodes[(*done)++], &rows, bits));
    }
    return RIND_OK;
}

/* Walks the trees down to prefixes of `bits`; what comes below them is left in worker->below. */
static rind_status group_walk_top(struct rind_ctx *ctx, struct worker *worker,
                                  const struct group *group, unsigned bits)
{
    struct rind_check_node batch[WALK_BATCH];
    worker->todo.count = 0;
    worker->below.count = 0;
    for (size_t i = 0; i < group->node_count; i++) {
        bool is_below = group->nodes[i].prefix.length > bits;
        RIND_TRY(list_add(ctx, is_below ? &worker->below : &worker->todo, &group->nodes[i]));
    }
    while (worker->todo.count > 0) {
        size_t count = worker->todo.count < WALK_BATCH ? worker->todo.count : WALK_BATCH;
        worker->todo.count -= count;
        memcpy(batch, worker->todo.nodes + worker->todo.count, count * sizeof(batch[0]));
        qsort(batch, count, sizeof(batch[0]), node_compare);
        for (size_t at = 0; at < count;) {
            size_t done;
            size_t mark = rind_arena_mark(ctx->arena);
            RIND_TRY(nodes_read(ctx, worker, batch + at, count - at, bits, &done));
            rind_arena_release(ctx->arena, mark);
            at += done;
        }
    }
    return RIND_OK;
}

static struct group *group_new(const struct group *above, uint8_t byte,
                               const struct rind_check_node *nodes, size_t count)
{
    struct group *group = malloc(sizeof(*group) + count * sizeof(group->nodes[0]));
    if (group == NULL) {
        return NULL;
    }
    memcpy(group->bytes, above->bytes, above->size);
    group->bytes[above->size] = byte;
    group->size = above->size + 1;
    group->start_size = byte == 0 ? above->start_size : group->size;
    group->node_count = count;
    if (count > 0) {
        memcpy(group->nodes, nodes, count * sizeof(*nodes));
    }
    return group;
}

static void groups_free(struct group *groups)
{
    while (groups != NULL) {
        struct group *next = groups->next;
        free(groups);
        groups = next;
    }
}

/* Makes the groups below out of worker->below, and has them wait for whoever comes. */
static rind_status group_push_below(struct rind_ctx *ctx, struct worker *worker,
                                    const struct group *above)
{
    struct node_list *below = &worker->below;
    struct group *groups = NULL;
    struct group *last = NULL;
    if (below->count > 0) {
        qsort(below->nodes, below->count, sizeof(below->nodes[0]), node_compare);
    }
    size_t end = below->count;
    for (unsigned byte = WALK_SUBGROUPS; byte-- > 0;) {
        size_t first = end;
        while (first > 0 && below->nodes[first - 1].row_key.bytes[above->size] == byte) {
            first--;
        }
        struct group *group = group_new(above, (uint8_t)byte, below->nodes + first, end - first);
        if (group == NULL) {
            groups_free(groups);
            return rind_fail(ctx, RIND_E_LIMIT, "no memory for checking a tree");
        }
        end = first;
        group->next = groups;
        groups = group;
        last = last == NULL ? group : last;
    }
    RIND_ASSERT(end == 0); /* all nodes are below this group */
    rind_mutex_lock(&worker->pool->mutex);
    last->next = worker->pool->waiting;
    worker->pool->waiting = groups;
    rind_cond_broadcast(&worker->pool->changed);
    rind_mutex_unlock(&worker->pool->mutex);
    return RIND_OK;
}

/* The keys of a group. `end` gets room for the upper bound, `size` bytes and one. */
static struct rind_key_range group_range(const struct group *group,
                                         uint8_t end[static RIND_ROW_KEY_PREFIX_SIZE_MAX])
{
    struct rind_key_range range = {.start = rind_slice_make(group->bytes, group->start_size)};
    if (group->size > 0) {
        memcpy(end, group->bytes, group->size);
        end[group->size - 1]++; /* at most 0x7f before */
        range.end = rind_slice_make(end, group->size);
    }
    return range;
}

static rind_status group_split(struct rind_ctx *ctx, struct worker *worker,
                               const struct group *group)
{
    uint8_t end[RIND_ROW_KEY_PREFIX_SIZE_MAX];
    uint8_t start[RIND_ROW_KEY_PREFIX_SIZE_MAX + 1];
    unsigned bits = (unsigned)(group->size + 1) * WALK_BITS_PER_BYTE;
    RIND_TRY(group_walk_top(ctx, worker, group, bits));
    RIND_TRY(group_push_below(ctx, worker, group));
    /* What the groups below do not have: nodes that end here, which were expected further up. */
    struct rind_key_range rest = group_range(group, end);
    memcpy(start, group->bytes, group->size);
    start[group->size] = WALK_TERMINATOR;
    rest.start = rind_slice_make(start, group->size + 1);
    return range_count(ctx, worker, rest);
}

static rind_status group_check(struct rind_ctx *ctx, struct worker *worker,
                               const struct group *group)
{
    uint8_t end[RIND_ROW_KEY_PREFIX_SIZE_MAX];
    struct rind_rows rows;
    struct rind_key_range range = group_range(group, end);
    if (group->node_count == 0) {
        return range_count(ctx, worker, range); /* garbage only */
    }
    RIND_TRY(walk_read(ctx, worker->walk, &range, 1, false, &rows));
    if (!rows.has_more) {
        return group_walk_rows(ctx, worker, group, &rows);
    }
    rind_arena_reset(ctx->arena);
    return group_split(ctx, worker, group);
}

/* ---- threads ---- */

/* Tells how far all threads are. Pool locked, which makes it one thread at a time. */
static void pool_report(struct pool *pool)
{
    const struct rind_store_progress *progress = pool->walk->progress;
    if (progress != NULL && progress->report != NULL &&
        pool->nodes - pool->nodes_reported >= WALK_REPORT_NODES) {
        pool->nodes_reported = pool->nodes;
        progress->report(progress->self, "nodes checked", pool->nodes);
    }
}

/* The next group, or NULL when there will be none. Pool locked. */
static struct group *pool_take(struct pool *pool)
{
    while (pool->waiting == NULL && pool->working > 0 && rind_is_ok(pool->status)) {
        (void)rind_cond_wait(&pool->changed, &pool->mutex, rind_deadline_never());
    }
    struct group *group = rind_is_ok(pool->status) ? pool->waiting : NULL;
    if (group != NULL) {
        pool->waiting = group->next;
        pool->working++;
    }
    return group;
}

/* Takes groups until there are none. Pool locked before and after. */
static void worker_work(struct worker *worker, size_t groups_max)
{
    struct pool *pool = worker->pool;
    struct group *group = NULL;
    for (size_t i = 0; i < groups_max && (group = pool_take(pool)) != NULL; i++) {
        rind_mutex_unlock(&pool->mutex);
        struct rind_ctx ctx;
        rind_arena_reset(worker->arena);
        rind_ctx_init(&ctx, worker->arena);
        rind_status status = group_check(&ctx, worker, group);
        free(group);
        rind_mutex_lock(&pool->mutex);
        pool->working--;
        pool->nodes += worker->nodes;
        worker->nodes = 0;
        if (!rind_is_ok(status) && rind_is_ok(pool->status)) {
            pool->status = status;
            memcpy(pool->sentence, ctx.sentence, sizeof(pool->sentence));
        }
        pool_report(pool);
        rind_cond_broadcast(&pool->changed);
    }
}

static void worker_run(void *self)
{
    struct worker *worker = self;
    rind_mutex_lock(&worker->pool->mutex);
    worker_work(worker, SIZE_MAX);
    rind_mutex_unlock(&worker->pool->mutex);
}

static void ahead_run(void *self)
{
    struct ahead *ahead = self;
    uint64_t position = 0;
    while (!atomic_load(&ahead->is_over) && rind_engine_read_ahead(ahead->engine, &position)) {
    }
}

static rind_status worker_open(struct rind_ctx *ctx, struct worker *worker, struct pool *pool)
{
    const struct rind_check_walk *walk = pool->walk;
    worker->pool = pool;
    worker->walk = walk;
    worker->trees = calloc(walk->tree_count + 1, sizeof(*worker->trees));
    RIND_REQUIRE(ctx, worker->trees != NULL, RIND_E_LIMIT, "no memory for checking a tree");
    return rind_arena_map(ctx, WALK_ARENA_SIZE_BYTES, &worker->arena);
}

/* Adds up what the worker counted. */
static void worker_close(struct worker *worker)
{
    const struct rind_check_walk *walk = worker->walk;
    rind_thread_join(&worker->thread);
    for (size_t i = 0; worker->trees != NULL && i < walk->tree_count; i++) {
        walk->trees[i].nodes += worker->trees[i].nodes;
        walk->trees[i].leaves += worker->trees[i].leaves;
    }
    if (worker->arena != NULL) {
        rind_arena_unmap(worker->arena);
    }
    free(worker->trees);
    free(worker->todo.nodes);
    free(worker->below.nodes);
}

/* The whole table, and all trees in it. */
static struct group *group_all(const struct rind_check_walk *walk)
{
    struct group *all = malloc(sizeof(*all) + walk->tree_count * sizeof(all->nodes[0]));
    if (all != NULL) {
        memset(all, 0, sizeof(*all));
        all->node_count = walk->tree_count;
        for (size_t i = 0; i < walk->tree_count; i++) {
            rind_check_node_root(walk, (uint32_t)i, &all->nodes[i]);
        }
    }
    return all;
}

/* Starts all threads but this one. */
static rind_status pool_start(struct rind_ctx *ctx, struct pool *pool, struct worker *workers,
                              struct ahead *ahead)
{
    RIND_TRY(rind_thread_start(ctx, &ahead->thread, "store-ahead", ahead_run, ahead));
    for (size_t i = 1; i < RIND_STORE_CHECK_THREADS; i++) {
        RIND_TRY(worker_open(ctx, &workers[i], pool));
        RIND_TRY(
            rind_thread_start(ctx, &workers[i].thread, "store-check", worker_run, &workers[i]));
    }
    return RIND_OK;
}

/* Only if the table is larger than a page there are threads. */
static rind_status pool_run(struct rind_ctx *ctx, struct pool *pool, struct worker *workers,
                            struct ahead *ahead)
{
    pool->waiting = group_all(pool->walk);
    RIND_REQUIRE(ctx, pool->waiting != NULL, RIND_E_LIMIT, "no memory for checking a tree");
    RIND_TRY(worker_open(ctx, &workers[0], pool));
    rind_mutex_lock(&pool->mutex);
    worker_work(&workers[0], 1);
    bool has_more = pool->waiting != NULL;
    rind_mutex_unlock(&pool->mutex);
    rind_status status = has_more ? pool_start(ctx, pool, workers, ahead) : RIND_OK;
    rind_mutex_lock(&pool->mutex);
    if (!rind_is_ok(status)) {
        pool->status = rind_is_ok(pool->status) ? status : pool->status;
    }
    worker_work(&workers[0], SIZE_MAX);
    rind_mutex_unlock(&pool->mutex);
    return status;
}

static int problem_compare(const void *a, const void *b)
{
    const struct rind_store_check_problem *x = a;
    const struct rind_store_check_problem *y = b;
    return rind_key_compare(rind_row_key_slice(&x->row_key), rind_row_key_slice(&y->row_key));
}

rind_status rind_check_walk_run(struct rind_ctx *ctx, const struct rind_check_walk *walk)
{
    struct pool pool = {.walk = walk};
    struct worker workers[RIND_STORE_CHECK_THREADS] = {0};
    rind_mutex_init(&pool.mutex);
    rind_cond_init(&pool.changed);
    struct ahead ahead = {.engine = rind_store_engine(walk->store)};
    rind_status status = pool_run(ctx, &pool, workers, &ahead);
    atomic_store(&ahead.is_over, true);
    rind_thread_join(&ahead.thread);
    for (size_t i = 0; i < RIND_STORE_CHECK_THREADS && workers[i].pool != NULL; i++) {
        worker_close(&workers[i]);
    }
    groups_free(pool.waiting);
    rind_cond_fini(&pool.changed);
    rind_mutex_fini(&pool.mutex);
    RIND_TRY(status);
    if (!rind_is_ok(pool.status)) {
        return rind_fail(ctx, (enum rind_code)pool.status.code, "%s", pool.sentence);
    }
    /* Threads meet problems in any order. */
    struct rind_store_check_result *result = walk->result;
    if (result->problem_count > 0) {
        qsort(result->problems, result->problem_count, sizeof(result->problems[0]),
              problem_compare);
    }
    return RIND_OK;
}
