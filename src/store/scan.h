/*
 * scan.h - reading a whole table page by page, in memory of its own. For this folder only.
 */
#ifndef RIND_STORE_SCAN_H
#define RIND_STORE_SCAN_H

#include "store/state.h"

/*
 *     RIND_TRY(rind_scan_open(ctx, engine, &read, deadline, &scan));
 *     while (!scan.is_at_end) {
 *         ... rind_scan_next(ctx, &scan, &rows) ...
 *     }
 *     rind_scan_close(&scan);
 *
 * A page is valid until the next call, and may be empty though more follow. Each page is retried by
 * the store policy, without metrics; the deadline is the whole scan's.
 */
struct rind_scan {
    struct rind_engine *engine;
    struct rind_read read;
    struct rind_deadline deadline;
    struct rind_arena *arena;
    struct rind_key_range range;
    uint8_t last_key[RIND_ENGINE_KEY_SIZE_BYTES_MAX];
    bool is_at_end;
};

/* `read` says table, cells and times; it reads all rows. */
rind_status rind_scan_open(struct rind_ctx *ctx, struct rind_engine *engine,
                           const struct rind_read *read, struct rind_deadline deadline,
                           struct rind_scan *scan) RIND_MUST_USE;
rind_status rind_scan_next(struct rind_ctx *ctx, struct rind_scan *scan,
                           struct rind_rows *rows) RIND_MUST_USE;
void rind_scan_close(struct rind_scan *scan);

#endif
