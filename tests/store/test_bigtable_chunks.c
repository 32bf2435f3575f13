/* test_bigtable_chunks.c - the chunks of ReadRows become rows. docs/spec/04-store.md section 3. */
#include <string.h>

#include "host/host.h"
#include "store/bigtable/chunks.h"
#include "support/test.h"
#include "support/vectors.h"

static void chunk_fill(const json_t *json, struct rind_arena *arena, rind_cell_chunk *chunk)
{
    google__bigtable__v2__read_rows_response__cell_chunk__init(chunk);
    if (json_object_get(json, "row_key_hex") != NULL) {
        chunk->row_key = rind_proto_bytes(rind_vectors_hex(json, "row_key_hex", arena));
    }
    if (json_object_get(json, "family") != NULL) {
        chunk->family_name = rind_arena_alloc(arena, sizeof(*chunk->family_name));
        google__types__string_value__init(chunk->family_name);
        chunk->family_name->value = rind_proto_text(rind_vectors_text(json, "family"));
    }
    if (json_object_get(json, "qualifier_hex") != NULL) {
        chunk->qualifier = rind_arena_alloc(arena, sizeof(*chunk->qualifier));
        google__types__bytes_value__init(chunk->qualifier);
        chunk->qualifier->value = rind_proto_bytes(rind_vectors_hex(json, "qualifier_hex", arena));
    }
    if (json_object_get(json, "value_hex") != NULL) {
        chunk->value = rind_proto_bytes(rind_vectors_hex(json, "value_hex", arena));
    }
    if (json_object_get(json, "timestamp_micros") != NULL) {
        chunk->timestamp_micros = rind_vectors_integer(json, "timestamp_micros");
    }
    if (json_object_get(json, "value_size") != NULL) {
        chunk->value_size = (int32_t)rind_vectors_integer(json, "value_size");
    }
    if (json_is_true(json_object_get(json, "commit_row"))) {
        chunk->row_status_case =
            GOOGLE__BIGTABLE__V2__READ_ROWS_RESPONSE__CELL_CHUNK__ROW_STATUS_COMMIT_ROW;
        chunk->commit_row = 1;
    }
    if (json_is_true(json_object_get(json, "reset_row"))) {
        chunk->row_status_case =
            GOOGLE__BIGTABLE__V2__READ_ROWS_RESPONSE__CELL_CHUNK__ROW_STATUS_RESET_ROW;
        chunk->reset_row = 1;
    }
}

static void assert_row(const json_t *json, struct rind_arena *arena, const struct rind_row *row)
{
    const json_t *cells = rind_vectors_get(json, "cells");
    assert_true(rind_slice_equal(row->key, rind_vectors_hex(json, "key_hex", arena)));
    assert_int_equal(row->cell_count, json_array_size(cells));
    for (size_t i = 0; i < row->cell_count; i++) {
        const json_t *cell = json_array_get(cells, i);
        assert_int_equal(row->cells[i].family, rind_vectors_text(cell, "family")[0]);
        assert_int_equal(row->cells[i].timestamp_us,
                         rind_vectors_integer(cell, "timestamp_micros"));
        assert_true(rind_slice_equal(row->cells[i].qualifier,
                                     rind_vectors_hex(cell, "qualifier_hex", arena)));
        assert_true(
            rind_slice_equal(row->cells[i].value, rind_vectors_hex(cell, "value_hex", arena)));
    }
}

static void check_chunks(const json_t *vector)
{
    static uint8_t memory[2][65536];
    struct rind_arena arena;
    struct rind_arena expected;
    struct rind_ctx ctx;
    struct rind_chunks chunks;
    rind_arena_init(&arena, memory[0], sizeof(memory[0]));
    rind_arena_init(&expected, memory[1], sizeof(memory[1]));
    rind_ctx_init(&ctx, &arena);
    rind_chunks_begin(&chunks, rind_slice_make(NULL, 0));
    const json_t *list = rind_vectors_get(vector, "chunks");
    const json_t *rows = rind_vectors_get(vector, "rows");
    size_t row_count = 0;
    rind_status status = RIND_OK;
    for (size_t i = 0; i < json_array_size(list) && rind_is_ok(status); i++) {
        rind_cell_chunk chunk;
        struct rind_row row;
        bool is_row = false;
        chunk_fill(json_array_get(list, i), &expected, &chunk);
        status = rind_chunks_add(&ctx, &chunks, &chunk, &row, &is_row);
        if (rind_is_ok(status) && is_row) {
            assert_true(row_count < json_array_size(rows));
            assert_row(json_array_get(rows, row_count), &expected, &row);
            row_count++;
        }
    }
    if (rind_is_ok(status)) {
        status = rind_chunks_end(&ctx, &chunks);
    }
    bool is_ok = strcmp(rind_vectors_text(vector, "result"), "ok") == 0;
    assert_int_equal(row_count, json_array_size(rows));
    assert_int_equal(rind_is_ok(status), is_ok);
    assert_true(is_ok || rind_engine_may_retry(status)); /* section 3.4: to be read again */
}

static void chunks_become_rows_as_the_vectors_say(void **state)
{
    (void)state;
    json_t *root = rind_vectors_load("store-readrows-chunks.json");
    const json_t *cases = rind_vectors_get(root, "cases");
    assert_true(json_array_size(cases) > 20);
    for (size_t i = 0; i < json_array_size(cases); i++) {
        print_message("  %s\n", rind_vectors_text(json_array_get(cases, i), "name"));
        check_chunks(json_array_get(cases, i));
    }
    json_decref(root);
}

int main(void)
{
    static const struct CMUnitTest cases[] = {
        cmocka_unit_test(chunks_become_rows_as_the_vectors_say),
    };
    return cmocka_run_group_tests(cases, NULL, NULL);
}
