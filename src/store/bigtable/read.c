/* read.c - ReadRows: a stream of chunks, resumed without gaps or duplicates (sections 3.4, 3.5). */
#include "store/bigtable/chunks.h"
#include "store/bigtable/messages.h"

#define READ_SIZE_DEFAULT (1u << 20)
#define READ_ROWS_FIRST 16u
#define READ_STATS_NONE 1 /* request_stats_view */

/* One read, over all its attempts. */
struct reading {
    struct rind_bigtable_engine *bigtable;
    const struct rind_read *read;
    const struct rind_key_range *ranges; /* what is left to read; NULL: everything */
    size_t range_count;
    struct rind_key_range *left; /* memory for the above when resumed */
    struct rind_slice last_row;  /* key of the last row kept; length 0: none */
    struct rind_slice scanned;   /* nothing is left up to here; at least last_row */
    struct rind_row *rows;
    size_t count;
    size_t capacity;
    size_t size_left;
    bool is_full; /* a limit of the read was reached: there may be more rows */
    struct rind_chunks chunks;
};

static rind_status reading_grow(struct rind_ctx *ctx, struct reading *reading)
{
    size_t capacity = reading->capacity == 0 ? READ_ROWS_FIRST : 2 * reading->capacity;
    struct rind_row *rows = rind_ctx_alloc_array(ctx, capacity, sizeof(*rows));
    if (rows == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    if (reading->count > 0) {
        memcpy(rows, reading->rows, reading->count * sizeof(*rows));
    }
    reading->rows = rows;
    reading->capacity = capacity;
    return RIND_OK;
}

/* What a row costs against size_bytes_max; as the other engines count. */
static size_t reading_cost(const struct rind_row *row)
{
    size_t cost = row->key.length + sizeof(*row);
    for (size_t i = 0; i < row->cell_count; i++) {
        const struct rind_cell *cell = &row->cells[i];
        cost += sizeof(*cell) + cell->qualifier.length + cell->value.length;
    }
    return cost;
}

static rind_status reading_take_row(struct rind_ctx *ctx, struct reading *reading,
                                    const struct rind_row *row)
{
    if (rind_key_compare(row->key, reading->last_row) <= 0) {
        return RIND_OK; /* sent again by a resumed stream (section 3.5) */
    }
    size_t cost = reading_cost(row);
    if (reading->count > 0 && cost > reading->size_left) {
        reading->is_full = true; /* and this row is the first of the next read */
        return RIND_OK;
    }
    if (reading->count == reading->capacity) {
        RIND_TRY(reading_grow(ctx, reading));
    }
    reading->rows[reading->count++] = *row;
    reading->size_left = cost < reading->size_left ? reading->size_left - cost : 0;
    reading->last_row = row->key;
    reading->scanned = row->key;
    size_t limit = reading->read->row_count_max;
    reading->is_full =
        (limit > 0 && reading->count == limit) || reading->count == RIND_ENGINE_ROWS_EXAMINED_MAX;
    return RIND_OK;
}

/* The server skipped rows: a resumed read need not look at them again. */
static rind_status reading_take_scanned(struct rind_ctx *ctx, struct reading *reading,
                                        struct rind_slice key)
{
    bool is_unfinished = reading->chunks.key.length > 0; /* then nothing may be allocated */
    if (is_unfinished || rind_key_compare(key, reading->scanned) <= 0) {
        return RIND_OK;
    }
    RIND_REQUIRE(ctx, rind_arena_copy(ctx->arena, key, &reading->scanned), RIND_E_LIMIT,
                 "no room left for rows in the request's memory");
    return RIND_OK;
}

static rind_status reading_take(struct rind_ctx *ctx, struct reading *reading,
                                const Google__Bigtable__V2__ReadRowsResponse *response)
{
    for (size_t i = 0; i < response->n_chunks && !reading->is_full; i++) {
        struct rind_row row;
        bool is_row;
        RIND_TRY(rind_chunks_add(ctx, &reading->chunks, response->chunks[i], &row, &is_row));
        if (is_row) {
            RIND_TRY(reading_take_row(ctx, reading, &row));
        }
    }
    return reading_take_scanned(ctx, reading, rind_proto_slice(response->last_scanned_row_key));
}

/* Takes messages until the stream ends or the read is full. */
static rind_status reading_drain(struct rind_ctx *ctx, struct reading *reading,
                                 struct rind_stream *stream)
{
    ProtobufCMessage *message = NULL;
    while (!reading->is_full) {
        RIND_TRY(rind_stream_next(ctx, stream, &message));
        if (message == NULL) {
            return rind_chunks_end(ctx, &reading->chunks);
        }
        RIND_TRY(
            reading_take(ctx, reading, (const Google__Bigtable__V2__ReadRowsResponse *)message));
    }
    if (reading->count == reading->read->row_count_max) {
        /* The server is done too: let the call end instead of cutting it off. All rows are here,
         * so how it ends does not matter. */
        struct rind_ctx ignored;
        rind_ctx_init(&ignored, NULL);
        (void)rind_is_ok(rind_stream_next(&ignored, stream, &message));
    }
    return RIND_OK;
}

static rind_status reading_attempt(struct rind_ctx *ctx, struct reading *reading,
                                   struct rind_deadline deadline)
{
    const struct rind_read *read = reading->read;
    struct rind_bigtable_names names;
    Google__Bigtable__V2__ReadRowsRequest request = GOOGLE__BIGTABLE__V2__READ_ROWS_REQUEST__INIT;
    struct rind_grpc_call call = rind_bigtable_call(
        reading->bigtable, &read->table, "/google.bigtable.v2.Bigtable/ReadRows", &request.base,
        &google__bigtable__v2__read_rows_response__descriptor, &names);
    request.table_name = names.resource;
    request.request_stats_view = READ_STATS_NONE;
    if (read->row_count_max > 0) {
        request.rows_limit = (int64_t)(read->row_count_max - reading->count);
    }
    RIND_TRY(rind_bigtable_row_set(ctx, reading->ranges, reading->range_count, &request.rows));
    RIND_TRY(rind_bigtable_read_filter(ctx, read, &request.filter));
    rind_chunks_begin(&reading->chunks, rind_slice_make(NULL, 0));
    struct rind_stream *stream = NULL;
    RIND_TRY(rind_stream_open(ctx, reading->bigtable->data, &call, deadline, &stream));
    rind_status status = reading_drain(ctx, reading, stream);
    rind_stream_close(stream);
    return status;
}

/* Section 3.5: what is left behind `scanned`; false if that is nothing. */
static bool reading_shrink(struct reading *reading)
{
    if (reading->ranges == NULL) {
        reading->left[0] =
            (struct rind_key_range){.start = reading->scanned, .excludes_start = true};
        reading->range_count = 1;
    } else {
        reading->range_count = rind_key_ranges_after(reading->ranges, reading->range_count,
                                                     reading->scanned, reading->left);
    }
    reading->ranges = reading->left;
    return reading->range_count > 0;
}

/* A cut stream that brought us further is taken up where it broke; without progress, the caller's
 * retry loop decides. */
static rind_status reading_run(struct rind_ctx *ctx, struct reading *reading,
                               struct rind_deadline deadline)
{
    for (unsigned resumes = 0;; resumes++) {
        struct rind_slice before = reading->scanned;
        rind_status status = reading_attempt(ctx, reading, deadline);
        bool has_progress = rind_key_compare(reading->scanned, before) > 0;
        if (rind_is_ok(status) || !rind_engine_may_retry(status) || !has_progress ||
            resumes == RIND_BIGTABLE_RESUMES_MAX || rind_deadline_has_expired(deadline)) {
            return status;
        }
        if (!reading_shrink(reading)) {
            return RIND_OK;
        }
        struct rind_log *log = reading->bigtable->has_log ? &reading->bigtable->log : NULL;
        RIND_LOG_INFO(log, "a read was cut after %zu rows and goes on behind them: %s",
                      reading->count, ctx->sentence);
    }
}

rind_status rind_bigtable_read(struct rind_ctx *ctx, struct rind_engine *engine,
                               const struct rind_read *read, struct rind_deadline deadline,
                               struct rind_rows *rows)
{
    struct rind_bigtable_engine *bigtable = rind_bigtable_of(engine);
    atomic_fetch_add(&bigtable->reads, 1);
    size_t range_count = read->ranges == NULL ? 1 : read->range_count;
    struct reading reading = {
        .bigtable = bigtable,
        .read = read,
        .ranges = read->ranges,
        .range_count = read->range_count,
        .left = rind_ctx_alloc_array(ctx, range_count, sizeof(struct rind_key_range)),
        .size_left = read->size_bytes_max == 0 ? READ_SIZE_DEFAULT : read->size_bytes_max,
    };
    if (reading.left == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    rind_status status = reading_run(ctx, &reading, deadline);
    RIND_TRY(rind_bigtable_explain(ctx, &read->table, status));
    if (reading.count > 0) {
        rind_bigtable_note_read(bigtable, &read->table, reading.rows[0].key);
    }
    *rows = (struct rind_rows){reading.rows, reading.count, reading.is_full,
                               reading.is_full ? reading.last_row : rind_slice_make(NULL, 0)};
    return RIND_OK;
}
