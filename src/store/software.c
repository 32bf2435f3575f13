/* software.c - see software.h. */
#include "store/software.h"

#include <inttypes.h>
#include <stdio.h>

#include "store/state.h"

#define COUNTER_SIZE 21u /* digits of UINT64_MAX and a NUL */

/* A record's row key: its id in hex. */
struct software_key {
    char text[RIND_HEX_SIZE(sizeof(struct rind_record_id))];
};

static struct rind_slice software_key_make(const struct rind_record_id *record,
                                           struct software_key *key)
{
    rind_hex_encode(rind_record_id_slice(record), key->text);
    return rind_slice_text(key->text);
}

/* An account that may make no tables is fine where the table is there. */
static rind_status software_require_table(struct rind_ctx *ctx, struct rind_store *store,
                                          const struct rind_table *table,
                                          struct rind_deadline deadline)
{
    const struct rind_read read = {.table = *table, .row_count_max = 1};
    char name[RIND_TABLE_NAME_SIZE];
    struct rind_rows rows;
    rind_status status = rind_engine_read(ctx, store->engine, &read, deadline, &rows);
    rind_table_name(table, name);
    RIND_REQUIRE(ctx, !rind_is(status, RIND_E_NOT_FOUND), RIND_E_DENIED,
                 "there is no table %s and this account may not make it; check its roles, as "
                 "docs/google-cloud.md gives them",
                 name);
    return status;
}

rind_status rind_store_software_create(struct rind_ctx *ctx, struct rind_store *store,
                                       const struct rind_realm_id *realm,
                                       struct rind_deadline deadline)
{
    struct rind_table table = rind_table_of_realm(RIND_TABLE_SOFTWARE, realm);
    rind_status status = rind_engine_create_table(ctx, store->engine, &table, deadline);
    if (rind_is(status, RIND_E_DENIED)) {
        return software_require_table(ctx, store, &table, deadline);
    }
    return rind_is(status, RIND_E_EXISTS) ? RIND_OK : status;
}

/* The column's counter: decimal, as printed, so that it is found again when written over. */
static bool software_counter_parse(struct rind_slice column, uint64_t *counter)
{
    char again[COUNTER_SIZE];
    uint64_t value = 0;
    for (size_t i = 0; i < column.length; i++) {
        uint8_t c = column.data[i];
        if (c < '0' || c > '9' || value > (UINT64_MAX - (uint64_t)(c - '0')) / 10) {
            return false;
        }
        value = value * 10 + (uint64_t)(c - '0');
    }
    (void)snprintf(again, sizeof(again), "%" PRIu64, value);
    *counter = value;
    return rind_slice_is_text(column, again);
}

rind_status rind_store_software_read(struct rind_ctx *ctx, struct rind_store *store,
                                     const struct rind_realm_id *realm,
                                     const struct rind_record_id *record,
                                     struct rind_deadline deadline, struct rind_software_row *row)
{
    struct software_key key;
    struct rind_key_range range = {.start = software_key_make(record, &key), .includes_end = true};
    range.end = range.start;
    struct rind_read read = {.table = rind_table_of_realm(RIND_TABLE_SOFTWARE, realm),
                             .ranges = &range,
                             .range_count = 1};
    struct rind_store_tags tags;
    struct rind_rows rows;
    rind_store_tags_make(&tags, realm, NULL);
    RIND_TRY(
        rind_store_read(ctx, store, "store_client.software.read", &tags, &read, deadline, &rows));
    *row = (struct rind_software_row){0};
    if (rows.count == 0) {
        return RIND_OK;
    }
    const struct rind_cell *cell = rows.rows[0].cells;
    RIND_REQUIRE(ctx,
                 rows.rows[0].cell_count == 1 && cell->family == 'f' &&
                     software_counter_parse(cell->qualifier, &row->version) &&
                     row->version < UINT64_MAX,
                 RIND_E_CORRUPT, "row %s of the table of a software realm is no record", key.text);
    row->exists = true;
    row->value = cell->value;
    return RIND_OK;
}

rind_status rind_store_software_write(struct rind_ctx *ctx, struct rind_store *store,
                                      const struct rind_realm_id *realm,
                                      const struct rind_record_id *record,
                                      const struct rind_software_row *before,
                                      struct rind_slice value, struct rind_deadline deadline)
{
    struct software_key key;
    char old_column[COUNTER_SIZE];
    char new_column[COUNTER_SIZE];
    (void)snprintf(old_column, sizeof(old_column), "%" PRIu64, before->version);
    (void)snprintf(new_column, sizeof(new_column), "%" PRIu64,
                   before->exists ? before->version + 1 : 0);
    const struct rind_mutation mutations[2] = {
        {.kind = RIND_MUTATION_DELETE_FAMILY, .family = 'f'},
        rind_mutation_set(rind_slice_text(new_column), 0, value),
    };
    struct rind_test_and_write request = {.table = rind_table_of_realm(RIND_TABLE_SOFTWARE, realm),
                                          .key = software_key_make(record, &key),
                                          .condition = {.kind = RIND_CONDITION_ROW_EXISTS}};
    if (before->exists) {
        request.condition = (struct rind_condition){.kind = RIND_CONDITION_COLUMN_EXISTS,
                                                    .qualifier = rind_slice_text(old_column)};
        request.when_true = mutations;
        request.when_true_count = 2;
    } else {
        request.when_false = mutations;
        request.when_false_count = 2;
    }
    bool was_true;
    RIND_TRY(rind_engine_test_and_write(ctx, store->engine, &request, deadline, &was_true));
    RIND_REQUIRE(ctx, was_true == before->exists, RIND_E_STALE,
                 "the record was written by somebody else meanwhile");
    return RIND_OK;
}
