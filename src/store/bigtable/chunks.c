/* chunks.c - see chunks.h. */
#include "store/bigtable/chunks.h"

#define CHUNKS_CELLS_FIRST 4u
#define CHUNKS_VALUE_FIRST 256u

void rind_chunks_begin(struct rind_chunks *chunks, struct rind_slice last_key)
{
    *chunks = (struct rind_chunks){.last_key = last_key};
}

static void chunks_forget_row(struct rind_chunks *chunks)
{
    struct rind_slice last_key = chunks->last_key;
    rind_chunks_begin(chunks, last_key);
}

static rind_status chunks_copy(struct rind_ctx *ctx, struct rind_slice source,
                               struct rind_slice *copy)
{
    RIND_REQUIRE(ctx, rind_arena_copy(ctx->arena, source, copy), RIND_E_LIMIT,
                 "no room left for rows in the request's memory");
    return RIND_OK;
}

static rind_status chunks_begin_row(struct rind_ctx *ctx, struct rind_chunks *chunks,
                                    const rind_cell_chunk *chunk)
{
    struct rind_slice key = rind_proto_slice(chunk->row_key);
    RIND_REQUIRE(ctx, key.length > 0, RIND_E_UNAVAILABLE, "Bigtable began a row without its key");
    RIND_REQUIRE(ctx, key.length <= RIND_ENGINE_KEY_SIZE_BYTES_MAX, RIND_E_LIMIT,
                 "a row key of %zu bytes in Bigtable, the limit is %u", key.length,
                 RIND_ENGINE_KEY_SIZE_BYTES_MAX);
    RIND_REQUIRE(ctx, chunk->family_name != NULL && chunk->qualifier != NULL, RIND_E_UNAVAILABLE,
                 "Bigtable began a row without naming its first column");
    RIND_REQUIRE(ctx, rind_key_compare(key, chunks->last_key) > 0, RIND_E_UNAVAILABLE,
                 "Bigtable sent rows out of order");
    chunks->row_mark = rind_arena_mark(ctx->arena);
    return chunks_copy(ctx, key, &chunks->key);
}

static rind_status chunks_check_row(struct rind_ctx *ctx, const struct rind_chunks *chunks,
                                    const rind_cell_chunk *chunk)
{
    struct rind_slice key = rind_proto_slice(chunk->row_key);
    RIND_REQUIRE(ctx, key.length == 0 || rind_slice_equal(key, chunks->key), RIND_E_UNAVAILABLE,
                 "Bigtable began a row inside another");
    RIND_REQUIRE(ctx, chunk->family_name == NULL || chunk->qualifier != NULL, RIND_E_UNAVAILABLE,
                 "Bigtable named a family without a column");
    if (chunks->is_in_cell) {
        bool is_bare = key.length == 0 && chunk->family_name == NULL && chunk->qualifier == NULL &&
                       chunk->timestamp_micros == 0;
        RIND_REQUIRE(ctx, is_bare, RIND_E_UNAVAILABLE,
                     "Bigtable began a cell inside the value of another");
    }
    return RIND_OK;
}

static rind_status chunks_begin_cell(struct rind_ctx *ctx, struct rind_chunks *chunks,
                                     const rind_cell_chunk *chunk)
{
    if (chunk->family_name != NULL) {
        const char *name = chunk->family_name->value;
        bool is_ours = strcmp(name, "f") == 0 || strcmp(name, "t") == 0;
        chunks->family = is_ours ? name[0] : RIND_CHUNKS_FAMILY_OTHER;
    }
    if (chunk->qualifier != NULL) {
        RIND_TRY(chunks_copy(ctx, rind_proto_slice(chunk->qualifier->value), &chunks->qualifier));
    }
    chunks->timestamp_us = chunk->timestamp_micros;
    chunks->value = NULL;
    chunks->value_size = 0;
    chunks->value_capacity = 0;
    return RIND_OK;
}

/* Room for `more` bytes of the value; value_size on the wire is only a hint and not trusted. */
static rind_status chunks_append_value(struct rind_ctx *ctx, struct rind_chunks *chunks,
                                       struct rind_slice part)
{
    size_t needed = chunks->value_size + part.length;
    RIND_REQUIRE(ctx,
                 part.length <= RIND_ENGINE_VALUE_SIZE_BYTES_MAX &&
                     needed <= RIND_ENGINE_VALUE_SIZE_BYTES_MAX,
                 RIND_E_LIMIT, "a value of more than %u bytes in Bigtable",
                 RIND_ENGINE_VALUE_SIZE_BYTES_MAX);
    if (needed > chunks->value_capacity) {
        /* The usual value comes in one part and takes just its size. */
        size_t capacity = needed;
        if (chunks->value_size > 0) {
            capacity = 2 * needed < CHUNKS_VALUE_FIRST ? CHUNKS_VALUE_FIRST : 2 * needed;
        }
        uint8_t *grown = rind_ctx_alloc(ctx, capacity);
        if (grown == NULL) {
            return rind_status_make(RIND_E_LIMIT);
        }
        if (chunks->value_size > 0) {
            memcpy(grown, chunks->value, chunks->value_size);
        }
        chunks->value = grown;
        chunks->value_capacity = capacity;
    }
    if (part.length > 0) {
        memcpy(chunks->value + chunks->value_size, part.data, part.length);
    }
    chunks->value_size = needed;
    return RIND_OK;
}

static rind_status chunks_end_cell(struct rind_ctx *ctx, struct rind_chunks *chunks)
{
    RIND_REQUIRE(ctx, chunks->cell_count < RIND_ENGINE_CELLS_PER_ROW_MAX, RIND_E_LIMIT,
                 "a row of more than %u cells in Bigtable", RIND_ENGINE_CELLS_PER_ROW_MAX);
    if (chunks->cell_count == chunks->cell_capacity) {
        size_t capacity =
            chunks->cell_capacity == 0 ? CHUNKS_CELLS_FIRST : 2 * chunks->cell_capacity;
        struct rind_cell *grown = rind_ctx_alloc_array(ctx, capacity, sizeof(*grown));
        if (grown == NULL) {
            return rind_status_make(RIND_E_LIMIT);
        }
        if (chunks->cell_count > 0) {
            memcpy(grown, chunks->cells, chunks->cell_count * sizeof(*grown));
        }
        chunks->cells = grown;
        chunks->cell_capacity = capacity;
    }
    chunks->cells[chunks->cell_count++] =
        (struct rind_cell){chunks->family, chunks->qualifier, chunks->timestamp_us,
                           rind_slice_make(chunks->value, chunks->value_size)};
    return RIND_OK;
}

static rind_status chunks_reset(struct rind_ctx *ctx, struct rind_chunks *chunks)
{
    RIND_REQUIRE(ctx, chunks->key.length > 0, RIND_E_UNAVAILABLE,
                 "Bigtable took back a row that it had not begun");
    rind_arena_release(ctx->arena, chunks->row_mark);
    chunks_forget_row(chunks);
    return RIND_OK;
}

static rind_status chunks_add_to_row(struct rind_ctx *ctx, struct rind_chunks *chunks,
                                     const rind_cell_chunk *chunk, struct rind_row *row,
                                     bool *is_row)
{
    bool commits =
        chunk->row_status_case ==
            GOOGLE__BIGTABLE__V2__READ_ROWS_RESPONSE__CELL_CHUNK__ROW_STATUS_COMMIT_ROW &&
        chunk->commit_row;
    RIND_TRY(chunks->key.length == 0 ? chunks_begin_row(ctx, chunks, chunk)
                                     : chunks_check_row(ctx, chunks, chunk));
    if (!chunks->is_in_cell) {
        RIND_TRY(chunks_begin_cell(ctx, chunks, chunk));
    }
    RIND_TRY(chunks_append_value(ctx, chunks, rind_proto_slice(chunk->value)));
    chunks->is_in_cell = chunk->value_size > 0;
    if (chunks->is_in_cell) {
        RIND_REQUIRE(ctx, !commits, RIND_E_UNAVAILABLE,
                     "Bigtable ended a row inside a cell's value");
        return RIND_OK;
    }
    RIND_TRY(chunks_end_cell(ctx, chunks));
    if (commits) {
        *row = (struct rind_row){chunks->key, chunks->cells, chunks->cell_count};
        *is_row = true;
        chunks->last_key = chunks->key;
        chunks_forget_row(chunks);
    }
    return RIND_OK;
}

rind_status rind_chunks_add(struct rind_ctx *ctx, struct rind_chunks *chunks,
                            const rind_cell_chunk *chunk, struct rind_row *row, bool *is_row)
{
    *is_row = false;
    bool resets = chunk->row_status_case ==
                      GOOGLE__BIGTABLE__V2__READ_ROWS_RESPONSE__CELL_CHUNK__ROW_STATUS_RESET_ROW &&
                  chunk->reset_row;
    if (resets) {
        RIND_TRY(chunks_reset(ctx, chunks));
        /* Servers send it bare; some clients expect it to carry the new row's first cell. */
        if (chunk->qualifier == NULL) {
            return RIND_OK;
        }
    }
    return chunks_add_to_row(ctx, chunks, chunk, row, is_row);
}

rind_status rind_chunks_end(struct rind_ctx *ctx, const struct rind_chunks *chunks)
{
    RIND_REQUIRE(ctx, chunks->key.length == 0, RIND_E_UNAVAILABLE,
                 "Bigtable's answer ended inside a row");
    return RIND_OK;
}
