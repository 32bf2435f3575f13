/* accounting.c - see accounting.h. */
#include "agent/accounting.h"

#include <stdlib.h>

#define ACCOUNTING_ARENA_SIZE_BYTES (1u << 20)

struct accounting_event {
    struct rind_realm_id realm;
    struct rind_record_id record;
    uint64_t when_unix_ms;
    enum rind_user_event_kind kind;
    char tenant[RIND_ACCOUNTING_TENANT_SIZE_MAX];
};

struct rind_accounting {
    struct rind_store *store;
    struct rind_log log;
    struct rind_metrics *metrics;
    struct rind_queue *queue;
    struct rind_thread thread;
    struct rind_arena *arena;
};

/* Writes the events of `batch` that belong to batch[first]'s realm, and marks them done (NULL). */
static void accounting_write_realm(struct rind_accounting *accounting,
                                   struct accounting_event **batch, size_t count, size_t first)
{
    struct rind_realm_id realm = batch[first]->realm;
    struct rind_user_event events[RIND_ACCOUNTING_BATCH_MAX];
    struct accounting_event *owned[RIND_ACCOUNTING_BATCH_MAX];
    size_t event_count = 0;
    for (size_t i = first; i < count; i++) {
        if (batch[i] != NULL && rind_realm_id_equal(&batch[i]->realm, &realm)) {
            owned[event_count] = batch[i];
            events[event_count++] = (struct rind_user_event){
                batch[i]->tenant, batch[i]->record, batch[i]->when_unix_ms, batch[i]->kind};
            batch[i] = NULL;
        }
    }
    struct rind_ctx ctx;
    rind_ctx_init(&ctx, accounting->arena);
    rind_status status =
        rind_store_user_events_put(&ctx, accounting->store, &realm, events, event_count,
                                   rind_deadline_in_ms(RIND_STORE_TIMEOUT_MS));
    if (!rind_is_ok(status)) {
        RIND_LOG_WARN(&accounting->log, "lost %zu accounting events: %s", event_count,
                      ctx.sentence);
    }
    rind_arena_map_reset(accounting->arena, 0);
    for (size_t i = 0; i < event_count; i++) {
        free(owned[i]);
    }
}

static void accounting_run(void *self)
{
    struct rind_accounting *accounting = self;
    struct rind_ctx ctx;
    rind_ctx_init(&ctx, NULL);
    void *items[RIND_ACCOUNTING_BATCH_MAX];
    size_t count = 0;
    while (rind_is_ok(rind_queue_pop_many(&ctx, accounting->queue, rind_deadline_never(), items,
                                          RIND_ACCOUNTING_BATCH_MAX, &count))) {
        struct accounting_event *batch[RIND_ACCOUNTING_BATCH_MAX];
        rind_metrics_gauge(accounting->metrics, "agent.accounting.batch_size", (int64_t)count, NULL,
                           0);
        for (size_t i = 0; i < count; i++) {
            batch[i] = items[i];
        }
        for (size_t i = 0; i < count; i++) {
            if (batch[i] != NULL) {
                accounting_write_realm(accounting, batch, count, i);
            }
        }
    }
}

static rind_status accounting_open_with(struct rind_ctx *ctx, struct rind_accounting *accounting)
{
    RIND_TRY(rind_arena_map(ctx, ACCOUNTING_ARENA_SIZE_BYTES, &accounting->arena));
    RIND_TRY(rind_queue_new(ctx, RIND_ACCOUNTING_QUEUE_MAX, &accounting->queue));
    return rind_thread_start(ctx, &accounting->thread, "accounting", accounting_run, accounting);
}

rind_status rind_accounting_open(struct rind_ctx *ctx, struct rind_store *store,
                                 const struct rind_log *log, struct rind_metrics *metrics,
                                 struct rind_accounting **accounting)
{
    struct rind_accounting *made = calloc(1, sizeof(*made));
    RIND_REQUIRE(ctx, made != NULL, RIND_E_LIMIT, "out of memory");
    made->store = store;
    made->log = *log;
    made->metrics = metrics;
    rind_status status = accounting_open_with(ctx, made);
    if (!rind_is_ok(status)) {
        rind_accounting_close(made);
        return status;
    }
    *accounting = made;
    return RIND_OK;
}

void rind_accounting_note(struct rind_accounting *accounting, const struct rind_realm_id *realm,
                          struct rind_slice tenant, const struct rind_record_id *record,
                          enum rind_user_event_kind kind)
{
    if (tenant.length == 0 || tenant.length >= RIND_ACCOUNTING_TENANT_SIZE_MAX ||
        memchr(tenant.data, 0, tenant.length) != NULL) {
        RIND_LOG_WARN(&accounting->log, "an accounting event with a tenant name of %zu bytes lost",
                      tenant.length);
        return;
    }
    struct accounting_event *event = calloc(1, sizeof(*event));
    RIND_ASSERT(event != NULL);
    event->realm = *realm;
    event->record = *record;
    event->when_unix_ms = rind_clock_unix_ms();
    event->kind = kind;
    memcpy(event->tenant, tenant.data, tenant.length);
    struct rind_ctx ctx;
    rind_ctx_init(&ctx, NULL);
    if (!rind_is_ok(rind_queue_push(&ctx, accounting->queue, event, rind_deadline_now()))) {
        free(event);
        RIND_LOG_WARN(&accounting->log, "lost an accounting event: the store is too slow");
    }
}

void rind_accounting_close(struct rind_accounting *accounting)
{
    if (accounting == NULL) {
        return;
    }
    if (accounting->queue != NULL) {
        rind_queue_close(accounting->queue);
    }
    rind_thread_join(&accounting->thread);
    rind_queue_free(accounting->queue);
    rind_arena_unmap(accounting->arena);
    free(accounting);
}
