/* fault_engine.c - see fault_engine.h. */
#include "fault_engine.h"

#include <string.h>

static struct fault_engine *fault_of(struct rind_engine *engine)
{
    return (struct fault_engine *)engine;
}

/* What happens to this call. */
static enum fault_kind fault_next(struct fault_engine *fault, enum fault_call call)
{
    unsigned n = atomic_fetch_add(&fault->calls[call], 1) + 1;
    if (call != fault->call) {
        return FAULT_NONE;
    }
    if (fault->before != NULL) {
        fault->before(fault->before_self, n);
    }
    bool fails = n >= fault->first && n - fault->first < fault->times;
    return fails ? fault->kind : FAULT_NONE;
}

static rind_status fault_status(struct rind_ctx *ctx, const struct fault_engine *fault)
{
    return rind_fail(ctx, fault->code, "a fault that the test asked for");
}

static void fault_deliver_late(struct fault_engine *fault)
{
    if (fault->has_late) {
        bool was_true;
        fault->has_late = false;
        rind_status status = rind_engine_test_and_write(NULL, fault->below, &fault->late,
                                                        rind_deadline_never(), &was_true);
        RIND_ASSERT(rind_is_ok(status));
    }
}

static rind_status fault_read(struct rind_ctx *ctx, struct rind_engine *engine,
                              const struct rind_read *read, struct rind_deadline deadline,
                              struct rind_rows *rows)
{
    struct fault_engine *fault = fault_of(engine);
    if (fault_next(fault, FAULT_READ) != FAULT_NONE) {
        return fault_status(ctx, fault);
    }
    return rind_engine_read(ctx, fault->below, read, deadline, rows);
}

static rind_status fault_write(struct rind_ctx *ctx, struct rind_engine *engine,
                               const struct rind_write *write, struct rind_deadline deadline)
{
    struct fault_engine *fault = fault_of(engine);
    enum fault_kind kind = fault_next(fault, FAULT_WRITE);
    if (kind == FAULT_BEFORE) {
        return fault_status(ctx, fault);
    }
    rind_status status = rind_engine_write(ctx, fault->below, write, deadline);
    return kind == FAULT_AFTER ? fault_status(ctx, fault) : status;
}

static rind_status fault_test_and_write(struct rind_ctx *ctx, struct rind_engine *engine,
                                        const struct rind_test_and_write *request,
                                        struct rind_deadline deadline, bool *was_true)
{
    struct fault_engine *fault = fault_of(engine);
    enum fault_kind kind = fault_next(fault, FAULT_TEST);
    fault_deliver_late(fault); /* overtaken by this one at the latest */
    if (kind == FAULT_BEFORE) {
        return fault_status(ctx, fault);
    }
    if (kind == FAULT_LATE) {
        fault->late = *request;
        fault->has_late = true;
        return fault_status(ctx, fault);
    }
    rind_status status = rind_engine_test_and_write(ctx, fault->below, request, deadline, was_true);
    return kind == FAULT_AFTER ? fault_status(ctx, fault) : status;
}

static rind_status fault_create_table(struct rind_ctx *ctx, struct rind_engine *engine,
                                      const struct rind_table *table, struct rind_deadline deadline)
{
    struct fault_engine *fault = fault_of(engine);
    enum fault_kind kind = fault_next(fault, FAULT_CREATE_TABLE);
    if (kind == FAULT_BEFORE) {
        return fault_status(ctx, fault);
    }
    rind_status status = rind_engine_create_table(ctx, fault->below, table, deadline);
    return kind == FAULT_AFTER ? fault_status(ctx, fault) : status;
}

static rind_status fault_list_tables(struct rind_ctx *ctx, struct rind_engine *engine,
                                     struct rind_deadline deadline, struct rind_tables *tables)
{
    return rind_engine_list_tables(ctx, fault_of(engine)->below, deadline, tables);
}

static uint32_t fault_change_count(struct rind_engine *engine, uint32_t topic)
{
    struct rind_engine *below = fault_of(engine)->below;
    return below->class->change_count(below, topic);
}

static void fault_wait_change(struct rind_engine *engine, uint32_t topic, uint32_t since,
                              struct rind_deadline deadline)
{
    struct rind_engine *below = fault_of(engine)->below;
    below->class->wait_change(below, topic, since, deadline);
}

static void fault_wake(struct rind_engine *engine)
{
    rind_engine_wake(fault_of(engine)->below);
}

static rind_status fault_collect(struct rind_ctx *ctx, struct rind_engine *engine,
                                 struct rind_deadline deadline, uint64_t *removed)
{
    return rind_engine_collect(ctx, fault_of(engine)->below, deadline, removed);
}

static void fault_statistics(struct rind_engine *engine, struct rind_engine_statistics *statistics)
{
    rind_engine_statistics(fault_of(engine)->below, statistics);
}

static void fault_close(struct rind_engine *engine)
{
    rind_engine_close(fault_of(engine)->below);
}

void fault_engine_open(struct fault_engine *fault, struct rind_engine *below, bool writes_together)
{
    memset(fault, 0, sizeof(*fault));
    fault->class = (struct rind_engine_class){
        .name = "fault",
        .writes_together = writes_together && rind_engine_writes_together(below),
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
    fault->engine.class = &fault->class;
    fault->below = below;
}

void fault_engine_set(struct fault_engine *fault, enum fault_call call, enum fault_kind kind,
                      unsigned first, unsigned times, enum rind_code code)
{
    fault->call = call;
    fault->kind = kind;
    fault->first = first;
    fault->times = times;
    fault->code = code;
    for (size_t i = 0; i < FAULT_CALLS; i++) {
        atomic_store(&fault->calls[i], 0);
    }
}
