/*
 * chunks.h - rows from the chunks of a ReadRows stream: docs/spec/04-store.md section 3.4.
 *
 * A state machine without I/O. What a server sends is not trusted: whatever breaks the protocol is
 * RIND_E_UNAVAILABLE, to be read again. Not thread-safe.
 */
#ifndef RIND_STORE_BIGTABLE_CHUNKS_H
#define RIND_STORE_BIGTABLE_CHUNKS_H

#include "store/bigtable/bigtable.h"

typedef Google__Bigtable__V2__ReadRowsResponse__CellChunk rind_cell_chunk;

/* A family that no table of ours has: the row will be found corrupt by whoever reads it. */
#define RIND_CHUNKS_FAMILY_OTHER '?'

struct rind_chunks {
    struct rind_slice last_key; /* of the last finished row; length 0: none yet */
    struct rind_slice key;      /* of the current row; length 0: no row */
    size_t row_mark;            /* of the arena, where the current row began */
    struct rind_cell *cells;    /* finished ones of the current row */
    size_t cell_count;
    size_t cell_capacity;
    bool is_in_cell; /* the last chunk was a part of a value that goes on */
    char family;
    struct rind_slice qualifier;
    int64_t timestamp_us;
    uint8_t *value; /* its parts so far */
    size_t value_size;
    size_t value_capacity;
};

/* A fresh machine that accepts only keys above `last_key` (length 0: all). */
void rind_chunks_begin(struct rind_chunks *chunks, struct rind_slice last_key);

/*
 * Takes one chunk. If it finishes a row, `*is_row` is set and `*row` lies in ctx->arena, as do the
 * parts of unfinished ones; a reset gives their memory back, so nothing else may be allocated from
 * the arena while a row is unfinished.
 */
rind_status rind_chunks_add(struct rind_ctx *ctx, struct rind_chunks *chunks,
                            const rind_cell_chunk *chunk, struct rind_row *row,
                            bool *is_row) RIND_MUST_USE;

/* At the end of the stream: fails if a row is unfinished. */
rind_status rind_chunks_end(struct rind_ctx *ctx, const struct rind_chunks *chunks) RIND_MUST_USE;

#endif
