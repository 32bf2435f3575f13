/*
 * renew.c - see bigtable.h: connections are replaced before Bigtable closes them.
 *
 * One thread replaces them in turn, each when it is `connection_age_ns` old at the latest and never
 * two at a time. A new one is connected and warmed before it gets calls; those under way end on the
 * old one. Spec: docs/spec/04-store.md section 3.3.
 */
#include "store/bigtable/bigtable.h"

#define RENEW_ARENA_SIZE_BYTES 65536u

static rind_status renew_one(struct rind_ctx *ctx, struct rind_bigtable_engine *bigtable,
                             unsigned connection)
{
    struct rind_bigtable_names names;
    Google__Bigtable__V2__PingAndWarmRequest request;
    struct rind_grpc_call warm = rind_bigtable_warm_call(bigtable, &request, &names);
    return rind_channel_renew(ctx, bigtable->data, connection, &warm);
}

/* Until it is replaced; false if stopped before. The old one serves meanwhile, while it can. */
static bool renew_until_done(struct rind_bigtable_engine *bigtable, struct rind_arena *arena,
                             unsigned connection)
{
    uint64_t backoff_ms = RIND_BIGTABLE_RENEW_RETRY_MS_MIN;
    for (;;) {
        struct rind_ctx ctx;
        rind_arena_reset(arena);
        rind_ctx_init(&ctx, arena);
        rind_status status = renew_one(&ctx, bigtable, connection);
        if (rind_is_ok(status)) {
            return true;
        }
        if (bigtable->has_log && !rind_is(status, RIND_E_CANCELLED)) {
            RIND_LOG_WARN(&bigtable->log, "a Bigtable connection was not replaced yet: %s",
                          ctx.sentence);
        }
        if (rind_stopper_wait(&bigtable->renewer_stopper, rind_deadline_in_ms(backoff_ms))) {
            return false;
        }
        backoff_ms = backoff_ms * 2 < RIND_BIGTABLE_RENEW_RETRY_MS_MAX
                         ? backoff_ms * 2
                         : RIND_BIGTABLE_RENEW_RETRY_MS_MAX;
    }
}

static void renewer_run(void *self)
{
    struct rind_bigtable_engine *bigtable = self;
    uint64_t pause_ns = bigtable->connection_age_ns / RIND_BIGTABLE_CONNECTIONS;
    uint8_t memory[RENEW_ARENA_SIZE_BYTES];
    struct rind_arena arena;
    rind_arena_init(&arena, memory, sizeof(memory));
    for (unsigned turn = 0;; turn++) {
        if (rind_stopper_wait(&bigtable->renewer_stopper, rind_deadline_in_ns(pause_ns)) ||
            !renew_until_done(bigtable, &arena, turn % RIND_BIGTABLE_CONNECTIONS)) {
            return;
        }
    }
}

rind_status rind_bigtable_renewer_start(struct rind_ctx *ctx, struct rind_bigtable_engine *bigtable,
                                        uint64_t connection_age_ns)
{
    bigtable->connection_age_ns = connection_age_ns;
    RIND_TRY(rind_stopper_init(ctx, &bigtable->renewer_stopper));
    rind_status status =
        rind_thread_start(ctx, &bigtable->renewer, "bigtable-renew", renewer_run, bigtable);
    bigtable->has_renewer = rind_is_ok(status);
    if (!bigtable->has_renewer) {
        rind_stopper_fini(&bigtable->renewer_stopper);
    }
    return status;
}

void rind_bigtable_renewer_stop(struct rind_bigtable_engine *bigtable)
{
    if (bigtable->has_renewer) {
        rind_stopper_set(&bigtable->renewer_stopper);
        rind_channel_cancel(bigtable->data); /* the channel is closed next */
        rind_thread_join(&bigtable->renewer);
        rind_stopper_fini(&bigtable->renewer_stopper);
        bigtable->has_renewer = false;
    }
}
