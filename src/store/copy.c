/* copy.c - see store.h: copying a store between engines, cell by cell. */
#include "store/check.h"
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

/* What all of a copy has in common. */
struct copy {
    struct rind_engine *from;
    struct rind_engine *to;
    const struct rind_store_progress *progress;
    struct rind_deadline deadline;
    uint64_t *rows_copied;
};

static rind_status copy_rows(struct rind_ctx *ctx, struct rind_arena *arena, struct rind_scan *scan,
                             const struct copy *copy)
{
    uint64_t rows_of_table = 0;
    char name[RIND_TABLE_NAME_SIZE];
    rind_table_name(&scan->read.table, name);
    while (!scan->is_at_end) {
        struct rind_rows rows;
        struct rind_ctx page;
        RIND_TRY(rind_scan_next(ctx, scan, &rows));
        rind_ctx_init(&page, arena);
        rind_status status = copy_page(&page, copy->to, &scan->read.table, &rows, copy->deadline);
        rind_arena_map_reset(arena, 0);
        if (!rind_is_ok(status)) {
            return rind_fail(ctx, (enum rind_code)status.code, "%s", page.sentence);
        }
        *copy->rows_copied += rows.count;
        rows_of_table += rows.count;
        if (copy->progress != NULL && copy->progress->report != NULL) {
            copy->progress->report(copy->progress->self, name, rows_of_table);
        }
    }
    return RIND_OK;
}

static rind_status copy_table(struct rind_ctx *ctx, const struct copy *copy,
                              const struct rind_table *table)
{
    RIND_TRY(rind_engine_create_table(ctx, copy->to, table, copy->deadline));
    struct rind_arena *arena;
    RIND_TRY(rind_arena_map(ctx, COPY_ARENA_SIZE_BYTES, &arena));
    struct rind_read read = {.table = *table};
    struct rind_scan scan;
    rind_status status = rind_scan_open(ctx, copy->from, &read, copy->deadline, &scan);
    if (rind_is_ok(status)) {
        status = copy_rows(ctx, arena, &scan, copy);
        rind_scan_close(&scan);
    }
    rind_arena_unmap(arena);
    return status;
}

static rind_status copy_verify(struct rind_ctx *ctx, const struct copy *copy,
                               const struct rind_table *table)
{
    struct rind_table_summary of_from;
    struct rind_table_summary of_to;
    RIND_TRY(rind_store_table_summary(ctx, copy->from, table, NULL, copy->deadline, &of_from));
    RIND_TRY(rind_store_table_summary(ctx, copy->to, table, NULL, copy->deadline, &of_to));
    RIND_REQUIRE(ctx,
                 of_from.rows == of_to.rows && of_from.cells == of_to.cells &&
                     memcmp(of_from.digest, of_to.digest, sizeof(of_to.digest)) == 0,
                 RIND_E_CORRUPT,
                 "the copy differs from the original; was it written meanwhile? Stop what uses "
                 "it, throw the copy away and copy again");
    return RIND_OK;
}

static rind_status copy_check_target(struct rind_ctx *ctx, const struct copy *copy)
{
    struct rind_tables tables;
    RIND_TRY(rind_engine_list_tables(ctx, copy->to, copy->deadline, &tables));
    if (tables.count > 0) {
        char name[RIND_TABLE_NAME_SIZE];
        rind_table_name(&tables.tables[0], name);
        return rind_fail(ctx, RIND_E_EXISTS,
                         "the target has table %s already; copy to an empty one", name);
    }
    return RIND_OK;
}

rind_status rind_store_copy(struct rind_ctx *ctx, struct rind_engine *from, struct rind_engine *to,
                            const struct rind_store_progress *progress,
                            struct rind_deadline deadline, uint64_t *rows_copied)
{
    const struct copy copy = {from, to, progress, deadline, rows_copied};
    struct rind_tables tables;
    *rows_copied = 0;
    RIND_TRY(copy_check_target(ctx, &copy));
    RIND_TRY(rind_engine_list_tables(ctx, from, deadline, &tables));
    for (size_t i = 0; i < tables.count; i++) {
        char name[RIND_TABLE_NAME_SIZE];
        rind_table_name(&tables.tables[i], name);
        rind_status status = copy_table(ctx, &copy, &tables.tables[i]);
        if (rind_is_ok(status)) {
            status = copy_verify(ctx, &copy, &tables.tables[i]);
        }
        if (!rind_is_ok(status)) {
            return rind_fail_while(ctx, status, "while copying table %s", name);
        }
    }
    return RIND_OK;
}
