/*
 * fuzz_bigtable_chunks.c - answers of a Bigtable that is hostile or broken.
 *
 * Targets: rind_proto_decode of a ReadRowsResponse and rind_chunks_add. Rows that come out ascend,
 * and have cells; memory is what the arena has.
 */
#include "store/bigtable/chunks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_row(const struct rind_row *row, const struct rind_row *last)
{
    RIND_ASSERT(row->cell_count > 0 && row->key.length > 0);
    RIND_ASSERT(last->key.length == 0 || rind_key_compare(row->key, last->key) > 0);
    for (size_t i = 0; i < row->cell_count; i++) {
        char family = row->cells[i].family;
        RIND_ASSERT(family == 'f' || family == 't' || family == RIND_CHUNKS_FAMILY_OTHER);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t message_memory[1u << 18];
    static uint8_t row_memory[1u << 18];
    struct rind_arena message_arena;
    struct rind_arena row_arena;
    struct rind_ctx decoding;
    struct rind_ctx ctx;
    rind_arena_init(&message_arena, message_memory, sizeof(message_memory));
    rind_arena_init(&row_arena, row_memory, sizeof(row_memory));
    rind_ctx_init(&decoding, &message_arena);
    rind_ctx_init(&ctx, &row_arena);
    ProtobufCMessage *message = NULL;
    rind_status status =
        rind_proto_decode(&decoding, &google__bigtable__v2__read_rows_response__descriptor,
                          rind_slice_make(data, size), &message);
    if (!rind_is_ok(status)) {
        return 0;
    }
    const Google__Bigtable__V2__ReadRowsResponse *response =
        (const Google__Bigtable__V2__ReadRowsResponse *)message;
    struct rind_chunks chunks;
    struct rind_row last = {0};
    rind_chunks_begin(&chunks, rind_slice_make(NULL, 0));
    for (size_t i = 0; i < response->n_chunks && rind_is_ok(status); i++) {
        struct rind_row row;
        bool is_row = false;
        status = rind_chunks_add(&ctx, &chunks, response->chunks[i], &row, &is_row);
        if (rind_is_ok(status) && is_row) {
            check_row(&row, &last);
            last = row;
        }
    }
    return 0;
}
