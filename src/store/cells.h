/*
 * cells.h - a row as bytes: what the engines that are plain ordered maps (LMDB, memory) keep per
 * key.
 *
 * A row is its cells in order of family, qualifier ascending, timestamp descending; no two cells
 * have all three equal. Each cell:
 *
 *   size  field
 *      1  family
 *      1  size of the qualifier (n)
 *      8  timestamp, microseconds, big-endian
 *      4  size of the value (m), big-endian
 *      n  qualifier
 *      m  value
 *
 * The bytes come from a disk and are not trusted: what does not parse is RIND_E_CORRUPT.
 */
#ifndef RIND_STORE_CELLS_H
#define RIND_STORE_CELLS_H

#include "store/engine.h"

#define RIND_CELLS_HEAD_SIZE 14u
#define RIND_CELLS_ROW_SIZE_BYTES_MAX (8u << 20)

/* Memory for one writer, grown as needed and kept. */
struct rind_cells_scratch {
    struct rind_cell *cells;
    size_t cells_capacity;
    uint8_t *bytes;
    size_t bytes_capacity;
};

void rind_cells_scratch_init(struct rind_cells_scratch *scratch);
void rind_cells_scratch_fini(struct rind_cells_scratch *scratch);

/*
 * The row after `mutations`; RIND_TIMESTAMP_SERVER becomes now_us. `after` is borrowed from the
 * scratch until the next call, and empty if the row is gone. Cells that the table's rule allows to
 * collect by number of versions are dropped on the way, so such rows stay bounded.
 */
rind_status rind_cells_apply(struct rind_ctx *ctx, struct rind_cells_scratch *scratch,
                             enum rind_table_kind kind, struct rind_slice before,
                             const struct rind_mutation *mutations, size_t count, int64_t now_us,
                             struct rind_slice *after) RIND_MUST_USE;

/* Whether the condition holds of a row (empty: absent). */
rind_status rind_cells_test(struct rind_ctx *ctx, struct rind_slice row,
                            const struct rind_condition *condition, bool *holds) RIND_MUST_USE;

/* Collects the rows of one read, in the arena. */
struct rind_rows_builder {
    const struct rind_read *read;
    struct rind_row *rows;
    size_t count;
    size_t capacity;
    size_t size_left;
    size_t examined;
    struct rind_slice last_key; /* of the rows examined; the engine's memory */
    bool is_full;               /* a limit of the read was reached: there may be more rows */
};

void rind_rows_begin(struct rind_rows_builder *builder, const struct rind_read *read);
/* Adds what the read selects of a row, or sets is_full (then the row was not added). */
rind_status rind_rows_add(struct rind_ctx *ctx, struct rind_rows_builder *builder,
                          struct rind_slice key, struct rind_slice bytes) RIND_MUST_USE;
/* To be called while the engine's memory of the keys is still valid. */
rind_status rind_rows_end(struct rind_ctx *ctx, const struct rind_rows_builder *builder,
                          struct rind_rows *rows) RIND_MUST_USE;

/* True if the row is a tombstone (only 't' cells) whose every cell is older than the time. */
bool rind_cells_is_old_tombstone(struct rind_slice row, int64_t before_us);

#endif
