/* fault_engine.c - see fault_engine.h. */
#include "agent/fault_engine.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#define FAULT_WAIT_MS 20000u

static struct fault_engine *fault_of(struct rind_engine *engine)
{
    return (struct fault_engine *)engine; /* engine is its first member */
}

/* The fault for this call, if it is one of `fault`s kind. */
static bool fault_take(struct fault_engine *engine, enum engine_fault fault)
{
    rind_mutex_lock(&engine->lock);
    bool is_due = engine->fault == fault && engine->fault_count > 0;
    if (is_due && engine->fault_count != UINT_MAX) {
        engine->fault_count--;
    }
    rind_mutex_unlock(&engine->lock);
    return is_due;
}

static rind_status fault_read(struct rind_ctx *ctx, struct rind_engine *engine,
                              const struct rind_read *read, struct rind_deadline deadline,
                              struct rind_rows *rows)
{
    struct fault_engine *fault = fault_of(engine);
    if (fault_take(fault, ENGINE_FAULT_READS) || fault_take(fault, ENGINE_FAULT_UNAVAILABLE)) {
        return rind_fail(ctx, RIND_E_UNAVAILABLE, "told to be unavailable");
    }
    return rind_engine_read(ctx, fault->inner, read, deadline, rows);
}

static rind_status fault_write(struct rind_ctx *ctx, struct rind_engine *engine,
                               const struct rind_write *write, struct rind_deadline deadline)
{
    struct fault_engine *fault = fault_of(engine);
    if (fault_take(fault, ENGINE_FAULT_UNAVAILABLE)) {
        return rind_fail(ctx, RIND_E_UNAVAILABLE, "told to be unavailable");
    }
    return rind_engine_write(ctx, fault->inner, write, deadline);
}

static void fault_hold(struct fault_engine *engine)
{
    rind_mutex_lock(&engine->lock);
    engine->held++;
    rind_cond_broadcast(&engine->changed);
    while (engine->fault == ENGINE_FAULT_HOLD) {
        if (!rind_cond_wait(&engine->changed, &engine->lock, rind_deadline_in_ms(FAULT_WAIT_MS))) {
            fprintf(stderr, "fault engine: a held append was never released\n");
            abort();
        }
    }
    engine->held--;
    rind_mutex_unlock(&engine->lock);
}

static rind_status fault_test_and_write(struct rind_ctx *ctx, struct rind_engine *engine,
                                        const struct rind_test_and_write *request,
                                        struct rind_deadline deadline, bool *was_true)
{
    struct fault_engine *fault = fault_of(engine);
    if (fault_take(fault, ENGINE_FAULT_UNAVAILABLE)) {
        return rind_fail(ctx, RIND_E_UNAVAILABLE, "told to be unavailable");
    }
    if (request->table.kind == RIND_TABLE_LOG) {
        if (fault_take(fault, ENGINE_FAULT_HOLD)) {
            fault_hold(fault);
        }
        if (fault_take(fault, ENGINE_FAULT_NOT_WRITTEN)) {
            return rind_fail(ctx, RIND_E_UNKNOWN_OUTCOME, "told to fail without writing");
        }
        rind_mutex_lock(&fault->lock);
        unsigned position = fault->append_count++;
        if (position < sizeof(fault->batch_sizes) / sizeof(fault->batch_sizes[0])) {
            fault->batch_sizes[position] = (unsigned)request->when_false_count;
        }
        rind_mutex_unlock(&fault->lock);
    }
    rind_status status = rind_engine_test_and_write(ctx, fault->inner, request, deadline, was_true);
    if (rind_is_ok(status) && request->table.kind == RIND_TABLE_LOG &&
        fault_take(fault, ENGINE_FAULT_WRITTEN)) {
        return rind_fail(ctx, RIND_E_UNKNOWN_OUTCOME, "told to fail after writing");
    }
    return status;
}

static rind_status fault_create_table(struct rind_ctx *ctx, struct rind_engine *engine,
                                      const struct rind_table *table, struct rind_deadline deadline)
{
    return rind_engine_create_table(ctx, fault_of(engine)->inner, table, deadline);
}

static rind_status fault_list_tables(struct rind_ctx *ctx, struct rind_engine *engine,
                                     struct rind_deadline deadline, struct rind_tables *tables)
{
    return rind_engine_list_tables(ctx, fault_of(engine)->inner, deadline, tables);
}

static uint32_t fault_change_count(struct rind_engine *engine, uint32_t topic)
{
    struct rind_engine *inner = fault_of(engine)->inner;
    return inner->class->change_count(inner, topic);
}

static void fault_wait_change(struct rind_engine *engine, uint32_t topic, uint32_t since,
                              struct rind_deadline deadline)
{
    struct rind_engine *inner = fault_of(engine)->inner;
    inner->class->wait_change(inner, topic, since, deadline);
}

static void fault_wake(struct rind_engine *engine)
{
    rind_engine_wake(fault_of(engine)->inner);
}

static rind_status fault_collect(struct rind_ctx *ctx, struct rind_engine *engine,
                                 struct rind_deadline deadline, uint64_t *removed)
{
    return rind_engine_collect(ctx, fault_of(engine)->inner, deadline, removed);
}

static void fault_statistics(struct rind_engine *engine, struct rind_engine_statistics *statistics)
{
    rind_engine_statistics(fault_of(engine)->inner, statistics);
}

static void fault_close(struct rind_engine *engine)
{
    struct fault_engine *fault = fault_of(engine);
    rind_cond_fini(&fault->changed);
    rind_mutex_fini(&fault->lock);
    free(fault);
}

static const struct rind_engine_class fault_class = {
    .name = "fault",
    .reads_are_local = true,
    .read = fault_read,
    .write = fault_write,
    .test_and_write = fault_test_and_write,
    .create_table = fault_create_table,
    .list_tables = fault_list_tables,
    .change_count = fault_change_count,
    .wait_change = fault_wait_change,
    .wake = fault_wake,
    .collect = fault_collect,
    .statistics = fault_statistics,
    .close = fault_close,
};

struct fault_engine *fault_engine_new(struct rind_engine *inner)
{
    struct fault_engine *engine = calloc(1, sizeof(*engine));
    if (engine == NULL) {
        abort();
    }
    engine->engine.class = &fault_class;
    engine->inner = inner;
    rind_mutex_init(&engine->lock);
    rind_cond_init(&engine->changed);
    return engine;
}

void fault_engine_set(struct fault_engine *engine, enum engine_fault fault, unsigned count)
{
    rind_mutex_lock(&engine->lock);
    engine->fault = fault;
    engine->fault_count = count;
    rind_cond_broadcast(&engine->changed);
    rind_mutex_unlock(&engine->lock);
}

void fault_engine_wait_held(struct fault_engine *engine)
{
    rind_mutex_lock(&engine->lock);
    while (engine->held == 0) {
        if (!rind_cond_wait(&engine->changed, &engine->lock, rind_deadline_in_ms(FAULT_WAIT_MS))) {
            fprintf(stderr, "fault engine: no append came to be held\n");
            abort();
        }
    }
    rind_mutex_unlock(&engine->lock);
}

void fault_engine_release(struct fault_engine *engine)
{
    fault_engine_set(engine, ENGINE_FAULT_NONE, 0);
}

unsigned fault_engine_appends(struct fault_engine *engine)
{
    rind_mutex_lock(&engine->lock);
    unsigned count = engine->append_count;
    rind_mutex_unlock(&engine->lock);
    return count;
}

unsigned fault_engine_batch(struct fault_engine *engine, unsigned index)
{
    rind_mutex_lock(&engine->lock);
    unsigned size = engine->batch_sizes[index];
    rind_mutex_unlock(&engine->lock);
    return size;
}
