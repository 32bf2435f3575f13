/* tenants.c - see registry.h: tenant configuration (docs/spec/04-store.md section 14). */
#include "store/state.h"
#include "wire/codec.h"

#define CONFIGURATION_SIZE_BYTES_MAX 64u /* of the one we write; others may be longer */

struct tenant_configuration {
    uint64_t capacity_ops_per_sec;
};

static const struct rind_field configuration_fields[] = {
    RIND_FIELD(struct tenant_configuration, capacity_ops_per_sec, rind_u64_schema),
};
static const struct rind_schema configuration_schema =
    RIND_SCHEMA_STRUCT(struct tenant_configuration, configuration_fields);

rind_status rind_store_tenant_put(struct rind_ctx *ctx, struct rind_store *store, const char *name,
                                  uint64_t capacity_ops_per_sec, struct rind_deadline deadline)
{
    size_t size = strlen(name);
    RIND_REQUIRE(ctx,
                 size >= 1 && size <= RIND_TENANT_NAME_SIZE_BYTES_MAX && strchr(name, ':') == NULL,
                 RIND_E_INVALID, "a tenant's name has 1 to %u characters and no ':'",
                 RIND_TENANT_NAME_SIZE_BYTES_MAX);
    uint8_t bytes[CONFIGURATION_SIZE_BYTES_MAX];
    struct rind_buffer value;
    rind_buffer_init(&value, bytes, sizeof(bytes));
    struct tenant_configuration configuration = {capacity_ops_per_sec};
    RIND_TRY(rind_wire_encode(ctx, &configuration_schema, &configuration, &value));
    struct rind_mutation mutations[2] = {
        {.kind = RIND_MUTATION_DELETE_FAMILY, .family = 'f'},
        rind_mutation_set(rind_slice_text("c"), RIND_TIMESTAMP_SERVER, rind_buffer_slice(&value)),
    };
    struct rind_row_write row = {rind_slice_text(name), mutations, 2};
    struct rind_write write = {rind_table_shared(RIND_TABLE_TENANTS), &row, 1};
    return rind_store_write(ctx, store, "store_client.tenant.write", NULL, &write, deadline);
}

/* The tenant in a row, or `*is_tenant` false. */
static rind_status tenant_parse(struct rind_ctx *ctx, const struct rind_row *row,
                                struct rind_tenant *tenant, bool *is_tenant)
{
    *is_tenant = false;
    for (size_t i = 0; i < row->cell_count && !*is_tenant; i++) {
        struct tenant_configuration configuration;
        struct rind_ctx quiet;
        rind_ctx_init(&quiet, ctx->arena);
        *is_tenant = row->cells[i].family == 'f' &&
                     rind_slice_is_text(row->cells[i].qualifier, "c") &&
                     rind_is_ok(rind_wire_decode_strict(&quiet, &configuration_schema,
                                                        row->cells[i].value, &configuration));
        tenant->capacity_ops_per_sec = *is_tenant ? configuration.capacity_ops_per_sec : 0;
    }
    if (!*is_tenant || memchr(row->key.data, '\0', row->key.length) != NULL) {
        *is_tenant = false;
        return RIND_OK;
    }
    char *name = rind_ctx_alloc(ctx, row->key.length + 1);
    if (name == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    memcpy(name, row->key.data, row->key.length);
    tenant->name = name; /* the arena gives zeroed bytes */
    return RIND_OK;
}

static rind_status tenants_take(struct rind_ctx *ctx, struct rind_store *store,
                                const struct rind_rows *rows, struct rind_tenants *tenants)
{
    struct rind_tenant *list = rind_ctx_alloc_array(ctx, rows->count, sizeof(*list));
    if (list == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    struct rind_slice skipped_key = {0};
    size_t skipped_count = 0;
    size_t count = 0;
    for (size_t i = 0; i < rows->count; i++) {
        bool is_tenant;
        RIND_TRY(tenant_parse(ctx, &rows->rows[i], &list[count], &is_tenant));
        if (!is_tenant && skipped_count++ == 0) {
            skipped_key = rows->rows[i].key;
        }
        count += is_tenant;
    }
    if (rind_store_is_news(&store->tenants_skipped, skipped_count)) {
        char key[RIND_STORE_KEY_TEXT_SIZE];
        rind_store_key_text(skipped_key, key);
        RIND_LOG_WARN(rind_store_log(store),
                      "%zu rows of the tenants table are malformed and are skipped, the first of "
                      "tenant \"%s\", which has the default rate: set its capacity again with rind "
                      "tenant set-capacity, or delete the row",
                      skipped_count, key);
    }
    *tenants = (struct rind_tenants){list, count};
    return RIND_OK;
}

rind_status rind_store_tenant_list(struct rind_ctx *ctx, struct rind_store *store,
                                   struct rind_deadline deadline, struct rind_tenants *tenants)
{
    struct rind_read read = {.table = rind_table_shared(RIND_TABLE_TENANTS),
                             .row_count_max = RIND_TENANTS_MAX,
                             .size_bytes_max = SIZE_MAX};
    struct rind_rows rows;
    RIND_TRY(rind_store_read_shared(ctx, store, "store_client.tenants.get_tenants", &read, deadline,
                                    &store->tenants_missing, &rows));
    RIND_REQUIRE(ctx, !rows.has_more, RIND_E_LIMIT, "more than %u tenants are configured",
                 RIND_TENANTS_MAX);
    return tenants_take(ctx, store, &rows, tenants);
}
