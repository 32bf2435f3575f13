/* discovery.c - see registry.h: which services there are (docs/spec/04-store.md section 13). */
#include "store/state.h"

#define LIST_SIZE_BYTES_MAX (1u << 20)
#define EXPIRED_MAX 256u /* removed per lookup; the next one goes on */
#define KEY_SIZE_MIN 15u /* shorter keys are skipped, as the reference does */

_Static_assert(RIND_URL_SIZE_BYTES_MAX + 1 <= RIND_ENGINE_KEY_SIZE_BYTES_MAX, "kind and URL");

/* Kind and normalised URL as a row key, in the arena. */
static rind_status service_key(struct rind_ctx *ctx, enum rind_service_kind kind, const char *url,
                               struct rind_slice *key)
{
    struct rind_url parsed;
    RIND_TRY(rind_url_parse(ctx, rind_slice_text(url), &parsed));
    size_t size = strlen(parsed.text);
    RIND_REQUIRE(ctx, size <= RIND_URL_SIZE_BYTES_MAX, RIND_E_LIMIT,
                 "a service's URL of %zu characters, the limit is %u", size,
                 RIND_URL_SIZE_BYTES_MAX);
    uint8_t *bytes = rind_ctx_alloc(ctx, size + 1);
    if (bytes == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    bytes[0] = (uint8_t)kind;
    memcpy(bytes + 1, parsed.text, size);
    *key = rind_slice_make(bytes, size + 1);
    return RIND_OK;
}

static int64_t store_now_us(const struct rind_store *store)
{
    return (int64_t)rind_store_clock_unix_ms(store->clock) * 1000;
}

rind_status rind_store_discovery_register(struct rind_ctx *ctx, struct rind_store *store,
                                          enum rind_service_kind kind, const char *url,
                                          struct rind_deadline deadline)
{
    RIND_ASSERT(kind != RIND_SERVICE_ANY);
    struct rind_row_write row;
    RIND_TRY(service_key(ctx, kind, url, &row.key));
    struct rind_mutation mutations[2] = {
        {.kind = RIND_MUTATION_DELETE_FAMILY, .family = 'f'},
        rind_mutation_set(rind_slice_text("t"), store_now_us(store), rind_slice_make(NULL, 0)),
    };
    row.mutations = mutations;
    row.mutation_count = 2;
    struct rind_write write = {rind_table_shared(RIND_TABLE_DISCOVERY), &row, 1};
    return rind_store_write(ctx, store, "store_client.discovery.set_address", NULL, &write,
                            deadline);
}

rind_status rind_store_discovery_remove(struct rind_ctx *ctx, struct rind_store *store,
                                        enum rind_service_kind kind, const char *url,
                                        struct rind_deadline deadline)
{
    static const struct rind_mutation mutation = {.kind = RIND_MUTATION_DELETE_ROW};
    RIND_ASSERT(kind != RIND_SERVICE_ANY);
    struct rind_row_write row = {.mutations = &mutation, .mutation_count = 1};
    RIND_TRY(service_key(ctx, kind, url, &row.key));
    struct rind_write write = {rind_table_shared(RIND_TABLE_DISCOVERY), &row, 1};
    return rind_store_write(ctx, store, "store_client.discovery.delete_address", NULL, &write,
                            deadline);
}

/* Removes a row unless its owner has registered again since `before_us`. */
static rind_status service_expire(struct rind_ctx *ctx, struct rind_store *store,
                                  struct rind_slice key, int64_t before_us,
                                  struct rind_deadline deadline)
{
    static const struct rind_mutation mutation = {.kind = RIND_MUTATION_DELETE_ROW};
    struct rind_test_and_write request = {
        .table = rind_table_shared(RIND_TABLE_DISCOVERY),
        .key = key,
        .condition = {.kind = RIND_CONDITION_CELL_AT_LEAST, .timestamp_us = before_us},
        .when_false = &mutation,
        .when_false_count = 1,
    };
    bool is_fresh;
    uint64_t start_ns = rind_clock_monotonic_ns();
    rind_status status =
        rind_engine_test_and_write(ctx, store->engine, &request, deadline, &is_fresh);
    const struct rind_tag tag = {"result", rind_is_ok(status) ? "ok" : "exhausted"};
    rind_metrics_timing_ns(store->metrics, "store_client.discovery.delete_expired.time",
                           rind_clock_monotonic_ns() - start_ns, &tag, 1);
    return status;
}

/* False if the row is none that we understand. */
static rind_status service_parse(struct rind_ctx *ctx, struct rind_slice key,
                                 struct rind_service *service, bool *is_service)
{
    *is_service = false;
    if (key.length < KEY_SIZE_MIN ||
        (key.data[0] != RIND_SERVICE_AGENT && key.data[0] != RIND_SERVICE_CLUSTER_MANAGER &&
         key.data[0] != RIND_SERVICE_LOAD_BALANCER)) {
        return RIND_OK;
    }
    struct rind_url url;
    if (!rind_is_ok(rind_url_parse(NULL, rind_slice_make(key.data + 1, key.length - 1), &url))) {
        return RIND_OK;
    }
    size_t size = strlen(url.text) + 1;
    char *text = rind_ctx_alloc(ctx, size);
    if (text == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    memcpy(text, url.text, size);
    *service = (struct rind_service){(enum rind_service_kind)key.data[0], text};
    *is_service = true;
    return RIND_OK;
}

static bool row_is_expired(const struct rind_row *row, int64_t before_us)
{
    for (size_t i = 0; i < row->cell_count; i++) {
        if (row->cells[i].family == 'f') {
            return row->cells[i].timestamp_us < before_us;
        }
    }
    return false;
}

/* Housekeeping on the side: whoever looks next tries again, so no retry, no failure. */
static bool services_expire(struct rind_ctx *ctx, struct rind_store *store, struct rind_slice key,
                            int64_t before_us, struct rind_deadline deadline)
{
    struct rind_ctx quiet;
    rind_ctx_init(&quiet, ctx->arena);
    rind_status status = service_expire(&quiet, store, key, before_us, deadline);
    if (!rind_is_ok(status)) {
        RIND_LOG_WARN(rind_store_log(store), "an expired service stays listed: %s", quiet.sentence);
    }
    return rind_is_ok(status);
}

/* Rows that are not ours are left alone, however old: the table may be somebody else's. */
static void services_report(struct rind_store *store, size_t skipped_count,
                            struct rind_slice skipped_key)
{
    if (rind_store_is_news(&store->discovery_skipped, skipped_count)) {
        char key[RIND_STORE_KEY_TEXT_SIZE];
        rind_store_key_text(skipped_key, key);
        RIND_LOG_WARN(rind_store_log(store),
                      "%zu rows of the discovery table are no services and are skipped, the first "
                      "with key \"%s\"; if the table is not another program's, delete them",
                      skipped_count, key);
    }
}

static rind_status services_take(struct rind_ctx *ctx, struct rind_store *store,
                                 const struct rind_rows *rows, struct rind_deadline deadline,
                                 struct rind_services *services)
{
    struct rind_service *list = rind_ctx_alloc_array(ctx, rows->count, sizeof(*list));
    if (list == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    int64_t before_us = store_now_us(store) - (int64_t)RIND_DISCOVERY_EXPIRY_MS * 1000;
    struct rind_slice skipped_key = {0};
    size_t skipped_count = 0;
    size_t count = 0;
    size_t expired_count = 0;
    for (size_t i = 0; i < rows->count; i++) {
        const struct rind_row *row = &rows->rows[i];
        bool is_service = false;
        RIND_TRY(service_parse(ctx, row->key, &list[count], &is_service));
        if (!is_service) {
            skipped_key = skipped_count++ == 0 ? row->key : skipped_key;
        } else if (!row_is_expired(row, before_us)) {
            count++;
        } else if (expired_count++ < EXPIRED_MAX &&
                   !services_expire(ctx, store, row->key, before_us, deadline)) {
            expired_count = EXPIRED_MAX;
        }
    }
    services_report(store, skipped_count, skipped_key);
    *services = (struct rind_services){list, count};
    return RIND_OK;
}

rind_status rind_store_discovery_lookup(struct rind_ctx *ctx, struct rind_store *store,
                                        enum rind_service_kind kind, struct rind_deadline deadline,
                                        struct rind_services *services)
{
    uint8_t start[1] = {(uint8_t)kind};
    uint8_t end[1] = {(uint8_t)(kind + 1)};
    struct rind_key_range range = {RIND_SLICE_OF(start), RIND_SLICE_OF(end), false, false};
    struct rind_read read = {.table = rind_table_shared(RIND_TABLE_DISCOVERY),
                             .ranges = kind == RIND_SERVICE_ANY ? NULL : &range,
                             .range_count = kind == RIND_SERVICE_ANY ? 0 : 1,
                             .row_count_max = RIND_DISCOVERY_SERVICES_MAX,
                             .size_bytes_max = LIST_SIZE_BYTES_MAX};
    struct rind_rows rows = {0};
    RIND_TRY(rind_store_read_shared(ctx, store, "store_client.discovery.get_addresses", &read,
                                    deadline, &store->discovery_missing, &rows));
    RIND_REQUIRE(ctx, !rows.has_more, RIND_E_LIMIT, "more than %u services are registered",
                 RIND_DISCOVERY_SERVICES_MAX);
    return services_take(ctx, store, &rows, deadline, services);
}
