/* summary.c - see check.h: what a whole table holds, and a digest of it. */
#include "crypto/blake2s.h"
#include "store/check.h"
#include "store/scan.h"

static void summary_hash_number(struct rind_blake2s *hash, uint64_t number)
{
    uint8_t bytes[8];
    rind_put_be64(bytes, number);
    rind_blake2s_update(hash, RIND_SLICE_OF(bytes));
}

static void summary_hash_bytes(struct rind_blake2s *hash, struct rind_slice bytes)
{
    summary_hash_number(hash, bytes.length);
    rind_blake2s_update(hash, bytes);
}

/* The order of families in a row is the engine's own, so each goes by itself. */
static void summary_add_family(struct rind_blake2s *hash, struct rind_table_summary *summary,
                               const struct rind_row *row, char family)
{
    for (size_t i = 0; i < row->cell_count; i++) {
        const struct rind_cell *cell = &row->cells[i];
        if (cell->family != family) {
            continue;
        }
        summary->cells++;
        summary->size_bytes += 1 + cell->qualifier.length + 8 + cell->value.length;
        summary_hash_number(hash, (uint64_t)(uint8_t)family);
        summary_hash_bytes(hash, cell->qualifier);
        summary_hash_number(hash, (uint64_t)cell->timestamp_us);
        summary_hash_bytes(hash, cell->value);
    }
}

static rind_status summary_scan(struct rind_ctx *ctx, struct rind_scan *scan, const char *name,
                                const struct rind_store_progress *progress,
                                struct rind_table_summary *summary)
{
    struct rind_blake2s hash;
    rind_blake2s_init(&hash, sizeof(summary->digest));
    while (!scan->is_at_end) {
        struct rind_rows rows;
        RIND_TRY(rind_scan_next(ctx, scan, &rows));
        for (size_t i = 0; i < rows.count; i++) {
            const struct rind_row *row = &rows.rows[i];
            summary->rows++;
            summary->size_bytes += row->key.length;
            summary_hash_bytes(&hash, row->key);
            summary_hash_number(&hash, row->cell_count);
            summary_add_family(&hash, summary, row, 'f');
            summary_add_family(&hash, summary, row, 't');
        }
        if (progress != NULL && progress->report != NULL) {
            progress->report(progress->self, name, summary->rows);
        }
    }
    rind_blake2s_final(&hash, summary->digest);
    return RIND_OK;
}

rind_status rind_store_table_summary(struct rind_ctx *ctx, struct rind_engine *engine,
                                     const struct rind_table *table,
                                     const struct rind_store_progress *progress,
                                     struct rind_deadline deadline,
                                     struct rind_table_summary *summary)
{
    const struct rind_read read = {.table = *table};
    char name[RIND_TABLE_NAME_SIZE];
    struct rind_scan scan;
    memset(summary, 0, sizeof(*summary));
    rind_table_name(table, name);
    RIND_TRY(rind_scan_open(ctx, engine, &read, deadline, &scan));
    rind_status status = summary_scan(ctx, &scan, name, progress, summary);
    rind_scan_close(&scan);
    return status;
}
