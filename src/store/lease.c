/* lease.c - see registry.h: leases (docs/spec/04-store.md section 12). */
#include <errno.h>
#include <stdio.h>
#include <sys/random.h>

#include "store/state.h"

#define LEASE_WAIT_MS_FIRST 10u
#define LEASE_WAIT_MS_MAX 100u

/* The cells of a lease; the timestamp is the expiry. */
static void lease_mutations(const struct rind_lease *lease,
                            struct rind_mutation mutations[static 3])
{
    int64_t expires_us = (int64_t)lease->expires_unix_ms * 1000;
    mutations[0] = (struct rind_mutation){.kind = RIND_MUTATION_DELETE_ROW};
    mutations[1] =
        rind_mutation_set(rind_slice_text("o"), expires_us, rind_slice_text(lease->owner));
    mutations[2] = rind_mutation_set(rind_slice_text("id"), expires_us, rind_slice_text(lease->id));
}

static struct rind_test_and_write lease_request(const struct rind_lease *lease)
{
    struct rind_test_and_write request = {
        .table = rind_table_shared(RIND_TABLE_LEASE),
        .key = rind_slice_text(lease->key),
        .condition = {.kind = RIND_CONDITION_CELL_EQUALS, .value = rind_slice_text(lease->id)},
    };
    return request;
}

/* True if the stored lease has our id: the answer to the attempt that took it was lost. Its expiry
 * is then that attempt's. */
static rind_status lease_is_ours(struct rind_ctx *ctx, struct rind_store *store,
                                 struct rind_lease *lease, struct rind_deadline deadline,
                                 bool *is_ours)
{
    struct rind_slice key = rind_slice_text(lease->key);
    struct rind_key_range range = {key, key, false, true};
    struct rind_read read = {.table = rind_table_shared(RIND_TABLE_LEASE),
                             .ranges = &range,
                             .range_count = 1,
                             .row_count_max = 1};
    struct rind_rows rows;
    RIND_TRY(rind_engine_read(ctx, store->engine, &read, deadline, &rows));
    *is_ours = false;
    for (size_t i = 0; rows.count > 0 && i < rows.rows[0].cell_count; i++) {
        const struct rind_cell *cell = &rows.rows[0].cells[i];
        if (rind_slice_is_text(cell->qualifier, "id") &&
            rind_slice_is_text(cell->value, lease->id)) {
            *is_ours = true;
            lease->expires_unix_ms = (uint64_t)cell->timestamp_us / 1000;
        }
    }
    return RIND_OK;
}

static rind_status lease_obtain_once(struct rind_ctx *ctx, struct rind_store *store,
                                     struct rind_lease *lease, uint64_t now_ms,
                                     bool is_first_attempt, struct rind_deadline deadline,
                                     bool *is_obtained)
{
    struct rind_mutation mutations[3];
    lease_mutations(lease, mutations);
    struct rind_test_and_write request = lease_request(lease);
    request.condition = (struct rind_condition){.kind = RIND_CONDITION_CELL_AT_LEAST,
                                                .timestamp_us = (int64_t)now_ms * 1000};
    request.when_false = mutations;
    request.when_false_count = 3;
    bool is_held = false;
    RIND_TRY(rind_engine_test_and_write(ctx, store->engine, &request, deadline, &is_held));
    *is_obtained = !is_held;
    if (is_held && !is_first_attempt) {
        return lease_is_ours(ctx, store, lease, deadline, is_obtained);
    }
    return RIND_OK;
}

static rind_status lease_make(struct rind_ctx *ctx, const char *key, const char *owner,
                              struct rind_lease *lease)
{
    uint8_t id[16];
    RIND_REQUIRE(ctx, strlen(key) >= 1 && strlen(key) < sizeof(lease->key), RIND_E_INVALID,
                 "a lease's name has 1 to %zu characters", sizeof(lease->key) - 1);
    RIND_REQUIRE(ctx, getrandom(id, sizeof(id), 0) == (ssize_t)sizeof(id), RIND_E_IO,
                 "the system gives no random bytes: %s", strerror(errno));
    memset(lease, 0, sizeof(*lease));
    (void)snprintf(lease->key, sizeof(lease->key), "%s", key);
    (void)snprintf(lease->owner, sizeof(lease->owner), "%s", owner);
    rind_hex_encode(RIND_SLICE_OF(id), lease->id);
    return RIND_OK;
}

rind_status rind_store_lease_obtain(struct rind_ctx *ctx, struct rind_store *store, const char *key,
                                    const char *owner, uint64_t duration_ms,
                                    struct rind_deadline deadline, struct rind_lease *lease)
{
    struct rind_lease made;
    RIND_TRY(lease_make(ctx, key, owner, &made));
    struct rind_retry retry;
    bool is_obtained = false;
    rind_store_retry_begin(store, &retry, "store_client.obtain_lease", NULL, RIND_STORE_RETRIES,
                           deadline);
    while (rind_retry_next(&retry)) {
        uint64_t now_ms = rind_store_clock_unix_ms(store->clock);
        made.expires_unix_ms = now_ms + duration_ms;
        rind_retry_record(&retry, ctx,
                          lease_obtain_once(ctx, store, &made, now_ms, retry.attempt == 1,
                                            retry.deadline, &is_obtained));
    }
    rind_status ended = rind_retry_end(&retry, ctx);
    if (rind_is(ended, RIND_E_BUSY)) { /* the store is: to callers that would mean "held" */
        return rind_fail(ctx, RIND_E_UNAVAILABLE, "%s", ctx->sentence);
    }
    RIND_TRY(ended);
    RIND_REQUIRE(ctx, is_obtained, RIND_E_BUSY, "lease %s is held by somebody else", key);
    *lease = made;
    return RIND_OK;
}

rind_status rind_store_lease_wait(struct rind_ctx *ctx, struct rind_store *store, const char *key,
                                  const char *owner, uint64_t duration_ms,
                                  struct rind_deadline deadline, struct rind_lease *lease)
{
    uint64_t backoff_ms = LEASE_WAIT_MS_FIRST;
    for (;;) {
        rind_status status =
            rind_store_lease_obtain(ctx, store, key, owner, duration_ms, deadline, lease);
        struct rind_deadline next = rind_deadline_in_ms(backoff_ms);
        if (!rind_is(status, RIND_E_BUSY) || next.at_ns >= deadline.at_ns) {
            return status;
        }
        struct timespec until = rind_deadline_timespec(next);
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR) {
        }
        backoff_ms = backoff_ms * 2 < LEASE_WAIT_MS_MAX ? backoff_ms * 2 : LEASE_WAIT_MS_MAX;
    }
}

rind_status rind_store_lease_extend(struct rind_ctx *ctx, struct rind_store *store,
                                    struct rind_lease *lease, uint64_t duration_ms,
                                    struct rind_deadline deadline)
{
    struct rind_lease extended = *lease;
    struct rind_mutation mutations[3];
    struct rind_retry retry;
    bool is_ours = false;
    rind_store_retry_begin(store, &retry, "store_client.extend_lease", NULL, RIND_STORE_RETRIES,
                           deadline);
    while (rind_retry_next(&retry)) {
        extended.expires_unix_ms = rind_store_clock_unix_ms(store->clock) + duration_ms;
        lease_mutations(&extended, mutations);
        struct rind_test_and_write request = lease_request(&extended);
        request.when_true = mutations;
        request.when_true_count = 3;
        rind_retry_record(
            &retry, ctx,
            rind_engine_test_and_write(ctx, store->engine, &request, retry.deadline, &is_ours));
    }
    RIND_TRY(rind_retry_end(&retry, ctx));
    RIND_REQUIRE(ctx, is_ours, RIND_E_DENIED, "lease %s is not ours any more", lease->key);
    *lease = extended;
    return RIND_OK;
}

rind_status rind_store_lease_terminate(struct rind_ctx *ctx, struct rind_store *store,
                                       const struct rind_lease *lease,
                                       struct rind_deadline deadline)
{
    static const struct rind_mutation mutation = {.kind = RIND_MUTATION_DELETE_ROW};
    struct rind_retry retry;
    bool was_ours = false;
    rind_store_retry_begin(store, &retry, "store_client.terminate_lease", NULL, RIND_STORE_RETRIES,
                           deadline);
    while (rind_retry_next(&retry)) {
        struct rind_test_and_write request = lease_request(lease);
        request.when_true = &mutation;
        request.when_true_count = 1;
        rind_status status =
            rind_engine_test_and_write(ctx, store->engine, &request, retry.deadline, &was_ours);
        if (rind_is_ok(status) && !was_ours && retry.attempt == 1) {
            RIND_LOG_WARN(rind_store_log(store), "lease %s was not ours any more", lease->key);
        }
        rind_retry_record(&retry, ctx, status);
    }
    return rind_retry_end(&retry, ctx);
}
