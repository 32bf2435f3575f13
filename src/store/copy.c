/* copy.c - see store.h: copying a store between engines, cell by cell. */
#include "store/scan.h"

#define COPY_ARENA_SIZE_BYTES (32u << 20)

/* Writes a page of rows with all their cells and timestamps. */
static rind_status copy_page(struct rind_ctx *ctx, struct rind_engine *to,
                             const struct rind_table *table, const struct rind_rows *rows,
                             struct rind_deadline deadline)
{
    struct rind_row_write *writes = rind_ctx_alloc_array(ctx, rows->count, sizeof(*writes));
    if (writes == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    for (size_t i = 0; i < rows->count; i++) {
        const struct rind_row *row = &rows->rows[i];
        struct rind_mutation *cells = rind_ctx_alloc_array(ctx, row->cell_count, sizeof(*cells));
        if (cells == NULL) {
            return rind_status_make(RIND_E_LIMIT);
        }
        for (size_t j = 0; j < row->cell_count; j++) {
            const struct rind_cell *cell = &row->cells[j];
            cells[j] = (struct rind_mutation){RIND_MUTATION_SET_CELL, cell->family, cell->qualifier,
                                              cell->timestamp_us, cell->value};
        }
        writes[i] = (struct rind_row_write){row->key, cells, row->cell_count};
    }
    struct rind_write write = {*table, writes, rows->count};
    return rind_engine_write(ctx, to, &write, deadline);
}

static rind_status copy_rows(struct rind_ctx *ctx, struct rind_arena *arena, struct rind_scan *scan,
                             struct rind_engine *to, struct rind_deadline deadline,
                             uint64_t *rows_copied)
{
    while (!scan->is_at_end) {
        struct rind_rows rows;
        struct rind_ctx page;
        RIND_TRY(rind_scan_next(ctx, scan, &rows));
        rind_ctx_init(&page, arena);
        rind_status status = copy_page(&page, to, &scan->read.table, &rows, deadline);
        rind_arena_map_reset(arena, 0);
        if (!rind_is_ok(status)) {
            return rind_fail(ctx, (enum rind_code)status.code, "%s", page.sentence);
        }
        *rows_copied += rows.count;
    }
    return RIND_OK;
}

static rind_status copy_table(struct rind_ctx *ctx, struct rind_engine *from,
                              struct rind_engine *to, const struct rind_table *table,
                              struct rind_deadline deadline, uint64_t *rows_copied)
{
    RIND_TRY(rind_engine_create_table(ctx, to, table, deadline));
    struct rind_arena *arena;
    RIND_TRY(rind_arena_map(ctx, COPY_ARENA_SIZE_BYTES, &arena));
    struct rind_read read = {.table = *table};
    struct rind_scan scan;
    rind_status status = rind_scan_open(ctx, from, &read, deadline, &scan);
    if (rind_is_ok(status)) {
        status = copy_rows(ctx, arena, &scan, to, deadline, rows_copied);
        rind_scan_close(&scan);
    }
    rind_arena_unmap(arena);
    return status;
}

rind_status rind_store_copy(struct rind_ctx *ctx, struct rind_engine *from, struct rind_engine *to,
                            struct rind_deadline deadline, uint64_t *rows_copied)
{
    struct rind_tables tables;
    *rows_copied = 0;
    RIND_TRY(rind_engine_list_tables(ctx, from, deadline, &tables));
    for (size_t i = 0; i < tables.count; i++) {
        char name[RIND_TABLE_NAME_SIZE];
        rind_table_name(&tables.tables[i], name);
        rind_status status = copy_table(ctx, from, to, &tables.tables[i], deadline, rows_copied);
        if (!rind_is_ok(status)) {
            return rind_fail_while(ctx, status, "while copying table %s", name);
        }
    }
    return RIND_OK;
}
