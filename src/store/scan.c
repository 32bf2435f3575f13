/* scan.c - see scan.h. */
#include "store/scan.h"

#define SCAN_PAGE_SIZE_BYTES (1u << 20)
/* Twice a page for growing lists, and the largest single row. */
#define SCAN_ARENA_SIZE_BYTES (32u << 20)

rind_status rind_scan_open(struct rind_ctx *ctx, struct rind_engine *engine,
                           const struct rind_read *read, struct rind_deadline deadline,
                           struct rind_scan *scan)
{
    memset(scan, 0, sizeof(*scan));
    scan->engine = engine;
    scan->read = *read;
    scan->read.size_bytes_max = SCAN_PAGE_SIZE_BYTES;
    scan->deadline = deadline;
    return rind_arena_map(ctx, SCAN_ARENA_SIZE_BYTES, &scan->arena);
}

static rind_status scan_page(struct rind_ctx *page, struct rind_scan *scan, struct rind_rows *rows)
{
    struct rind_retry_options options = {.profile = &rind_retry_profile_store,
                                         .description = "read a page of a table",
                                         .deadline = scan->deadline,
                                         .is_retryable = rind_engine_may_retry};
    struct rind_retry retry;
    rind_retry_begin(&retry, &options);
    while (rind_retry_next(&retry)) {
        rind_arena_reset(page->arena);
        rind_retry_record(&retry, page,
                          rind_engine_read(page, scan->engine, &scan->read, retry.deadline, rows));
    }
    return rind_retry_end(&retry, page);
}

rind_status rind_scan_next(struct rind_ctx *ctx, struct rind_scan *scan, struct rind_rows *rows)
{
    if (scan->is_at_end) {
        *rows = (struct rind_rows){0};
        return RIND_OK;
    }
    struct rind_ctx page;
    rind_ctx_init(&page, scan->arena);
    rind_status status = scan_page(&page, scan, rows);
    if (!rind_is_ok(status)) {
        return rind_fail(ctx, (enum rind_code)status.code, "%s", page.sentence);
    }
    scan->is_at_end = !rows->has_more;
    if (rows->has_more) {
        struct rind_slice last = rows->scanned_to;
        memcpy(scan->last_key, last.data, last.length);
        scan->range.start = rind_slice_make(scan->last_key, last.length);
        scan->range.excludes_start = true;
        scan->read.ranges = &scan->range;
        scan->read.range_count = 1;
    }
    return RIND_OK;
}

void rind_scan_close(struct rind_scan *scan)
{
    rind_arena_unmap(scan->arena);
}
