/* users.c - see users.h: which users had a secret (docs/spec/04-store.md section 15). */
#include "store/users.h"

#include <stdio.h>
#include <stdlib.h>

#include "store/scan.h"

#define RECORD_HEX_SIZE 64u
#define TENANTS_COUNTED_MAX 100000u
#define US_PER_MS 1000

_Static_assert(RIND_TENANT_NAME_SIZE_BYTES_MAX + 1 + RECORD_HEX_SIZE <=
                   RIND_ENGINE_KEY_SIZE_BYTES_MAX,
               "tenant, colon, record id");

/* ---- writing events ---- */

struct event {
    struct rind_slice key;
    int64_t day_us;
    uint64_t when_unix_ms;
    size_t order;
    uint8_t value;
};

/* By row, day, time; equal times in the order given. */
static int event_compare(const void *a_pointer, const void *b_pointer)
{
    const struct event *a = a_pointer;
    const struct event *b = b_pointer;
    int order = rind_key_compare(a->key, b->key);
    if (order != 0) {
        return order;
    }
    if (a->day_us != b->day_us) {
        return a->day_us < b->day_us ? -1 : 1;
    }
    if (a->when_unix_ms != b->when_unix_ms) {
        return a->when_unix_ms < b->when_unix_ms ? -1 : 1;
    }
    return a->order < b->order ? -1 : 1;
}

static rind_status event_make(struct rind_ctx *ctx, const struct rind_user_event *given,
                              struct event *event)
{
    size_t tenant_size = strlen(given->tenant);
    RIND_REQUIRE(ctx, tenant_size >= 1 && tenant_size <= RIND_TENANT_NAME_SIZE_BYTES_MAX,
                 RIND_E_INVALID, "a tenant's name has 1 to %u characters",
                 RIND_TENANT_NAME_SIZE_BYTES_MAX);
    char *key = rind_ctx_alloc(ctx, tenant_size + 1 + RECORD_HEX_SIZE + 1);
    if (key == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    memcpy(key, given->tenant, tenant_size);
    key[tenant_size] = ':';
    rind_hex_encode(rind_record_id_slice(&given->record), key + tenant_size + 1);
    event->key = rind_slice_make(key, tenant_size + 1 + RECORD_HEX_SIZE);
    event->when_unix_ms = given->when_unix_ms;
    event->day_us = rind_day_floor_us((int64_t)given->when_unix_ms * US_PER_MS);
    event->value = given->kind == RIND_USER_SECRET_REGISTERED ? 1 : 0;
    return RIND_OK;
}

rind_status rind_store_user_events_put(struct rind_ctx *ctx, struct rind_store *store,
                                       const struct rind_realm_id *realm,
                                       const struct rind_user_event *events, size_t event_count,
                                       struct rind_deadline deadline)
{
    RIND_REQUIRE(ctx, event_count <= RIND_USER_EVENTS_MAX, RIND_E_LIMIT,
                 "%zu user events at once, the limit is %u", event_count, RIND_USER_EVENTS_MAX);
    struct event *sorted = rind_ctx_alloc_array(ctx, event_count, sizeof(*sorted));
    struct rind_row_write *rows = rind_ctx_alloc_array(ctx, event_count, sizeof(*rows));
    struct rind_mutation *cells = rind_ctx_alloc_array(ctx, event_count, sizeof(*cells));
    if (sorted == NULL || rows == NULL || cells == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    for (size_t i = 0; i < event_count; i++) {
        sorted[i].order = i;
        RIND_TRY(event_make(ctx, &events[i], &sorted[i]));
    }
    if (event_count > 0) {
        qsort(sorted, event_count, sizeof(*sorted), event_compare);
    }
    /* Only the last of a user's day: engines do not promise the order of rows in one write. */
    size_t count = 0;
    for (size_t i = 0; i < event_count; i++) {
        bool is_last = i + 1 == event_count ||
                       !rind_slice_equal(sorted[i].key, sorted[i + 1].key) ||
                       sorted[i].day_us != sorted[i + 1].day_us;
        if (is_last) {
            cells[count] = rind_mutation_set(rind_slice_text("e"), sorted[i].day_us,
                                             rind_slice_make(&sorted[i].value, 1));
            rows[count] = (struct rind_row_write){sorted[i].key, &cells[count], 1};
            count++;
        }
    }
    struct rind_store_tags tags;
    rind_store_tags_make(&tags, realm, NULL);
    struct rind_write write = {rind_table_of_realm(RIND_TABLE_USERS, realm), rows, count};
    return rind_store_write(ctx, store, "store_client.write_user_accounting", &tags, &write,
                            deadline);
}

/* ---- counting ---- */

/* Rows come in key order, so a tenant's users stand together. */
struct counting {
    struct rind_user_count *tenants; /* heap; names in ctx's arena */
    size_t count;
    size_t capacity;
    uint64_t malformed;
};

static rind_status counting_grow(struct rind_ctx *ctx, struct counting *counting)
{
    RIND_REQUIRE(ctx, counting->count < TENANTS_COUNTED_MAX, RIND_E_LIMIT,
                 "more than %u tenants have users", TENANTS_COUNTED_MAX);
    size_t capacity = counting->capacity == 0 ? 64 : 2 * counting->capacity;
    struct rind_user_count *tenants =
        realloc(counting->tenants, capacity * sizeof(*counting->tenants));
    RIND_REQUIRE(ctx, tenants != NULL, RIND_E_LIMIT, "no memory for %zu tenants", capacity);
    counting->tenants = tenants;
    counting->capacity = capacity;
    return RIND_OK;
}

static rind_status counting_add(struct rind_ctx *ctx, struct counting *counting,
                                struct rind_slice key)
{
    if (key.length < RECORD_HEX_SIZE + 2 || key.data[key.length - RECORD_HEX_SIZE - 1] != ':' ||
        memchr(key.data, '\0', key.length) != NULL) {
        counting->malformed++;
        return RIND_OK;
    }
    struct rind_slice tenant = rind_slice_make(key.data, key.length - RECORD_HEX_SIZE - 1);
    /* Rows of a tenant "a:b" may stand between those of "a", so look further back than one. */
    for (size_t i = counting->count; i > 0; i--) {
        if (rind_slice_is_text(tenant, counting->tenants[i - 1].tenant)) {
            counting->tenants[i - 1].count++;
            return RIND_OK;
        }
        if (counting->count - i >= 8) {
            break;
        }
    }
    if (counting->count == counting->capacity) {
        RIND_TRY(counting_grow(ctx, counting));
    }
    char *name = rind_ctx_alloc(ctx, tenant.length + 1);
    if (name == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    memcpy(name, tenant.data, tenant.length);
    counting->tenants[counting->count++] = (struct rind_user_count){name, 1};
    return RIND_OK;
}

static rind_status counting_scan(struct rind_ctx *ctx, struct rind_scan *scan,
                                 struct counting *counting)
{
    while (!scan->is_at_end) {
        struct rind_rows rows;
        RIND_TRY(rind_scan_next(ctx, scan, &rows));
        for (size_t i = 0; i < rows.count; i++) {
            RIND_TRY(counting_add(ctx, counting, rows.rows[i].key));
        }
    }
    return RIND_OK;
}

static rind_status counting_finish(struct rind_ctx *ctx, const struct counting *counting,
                                   struct rind_user_counts *counts)
{
    counts->tenants = rind_ctx_alloc_array(ctx, counting->count, sizeof(*counts->tenants));
    if (counts->tenants == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    if (counting->count > 0) {
        memcpy(counts->tenants, counting->tenants, counting->count * sizeof(*counts->tenants));
    }
    counts->count = counting->count;
    return RIND_OK;
}

static rind_status user_count_check(struct rind_ctx *ctx, uint64_t now_ms, uint64_t start_ms,
                                    int64_t start_us, int64_t end_us)
{
    RIND_REQUIRE(ctx, end_us > start_us, RIND_E_INVALID,
                 "the end of the count must be at least a day after its start");
    RIND_REQUIRE(ctx, start_ms <= now_ms, RIND_E_INVALID,
                 "the start of the count is in the future");
    RIND_REQUIRE(ctx, (now_ms - start_ms) / 1000 <= RIND_USER_COUNT_AGE_S_MAX, RIND_E_INVALID,
                 "the start of the count is more than 116 days ago; older events are gone");
    return RIND_OK;
}

rind_status rind_store_user_count(struct rind_ctx *ctx, struct rind_store *store,
                                  const struct rind_realm_id *realm, uint64_t start_unix_ms,
                                  uint64_t end_unix_ms, struct rind_deadline deadline,
                                  struct rind_user_counts *counts)
{
    RIND_REQUIRE(ctx, start_unix_ms < INT64_MAX / US_PER_MS && end_unix_ms < INT64_MAX / US_PER_MS,
                 RIND_E_INVALID, "a time too far in the future");
    struct rind_read read = {.table = rind_table_of_realm(RIND_TABLE_USERS, realm),
                             .cells = RIND_CELLS_ACTIVE,
                             .start_us = rind_day_floor_us((int64_t)start_unix_ms * US_PER_MS),
                             .end_us = rind_day_floor_us((int64_t)end_unix_ms * US_PER_MS)};
    RIND_TRY(user_count_check(ctx, rind_store_clock_unix_ms(store->clock), start_unix_ms,
                              read.start_us, read.end_us));
    struct counting counting = {0};
    struct rind_scan scan;
    RIND_TRY(rind_scan_open(ctx, store->engine, &read, deadline, &scan));
    rind_status status = counting_scan(ctx, &scan, &counting);
    rind_scan_close(&scan);
    struct rind_user_counts result = {NULL, 0, (uint64_t)read.start_us / US_PER_MS,
                                      (uint64_t)read.end_us / US_PER_MS};
    status = rind_is_ok(status) ? counting_finish(ctx, &counting, &result) : status;
    free(counting.tenants);
    RIND_TRY(status);
    if (counting.malformed > 0) {
        RIND_LOG_WARN(rind_store_log(store), "%llu rows of the users table are malformed; skipped",
                      (unsigned long long)counting.malformed);
    }
    *counts = result;
    return RIND_OK;
}
