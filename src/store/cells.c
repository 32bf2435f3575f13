/* cells.c - see cells.h. */
#include "store/cells.h"

#include <stdlib.h>

#define SCRATCH_CELLS_FIRST 256u
#define SCRATCH_BYTES_FIRST 65536u
#define ROWS_FIRST 16u
#define READ_SIZE_DEFAULT (1u << 20)

/* Reads cells one after the other. */
struct cursor {
    struct rind_slice left;
    bool is_malformed;
};

static bool cursor_next(struct cursor *cursor, struct rind_cell *cell)
{
    struct rind_slice left = cursor->left;
    if (left.length == 0) {
        return false;
    }
    cursor->is_malformed = true;
    if (left.length < RIND_CELLS_HEAD_SIZE) {
        return false;
    }
    cell->family = (char)left.data[0];
    size_t qualifier_size = left.data[1];
    uint64_t timestamp = rind_get_be64(left.data + 2);
    size_t value_size = rind_get_be32(left.data + 10);
    size_t rest = left.length - RIND_CELLS_HEAD_SIZE;
    if (timestamp > INT64_MAX || qualifier_size > rest || value_size > rest - qualifier_size) {
        return false;
    }
    const uint8_t *body = left.data + RIND_CELLS_HEAD_SIZE;
    cell->timestamp_us = (int64_t)timestamp;
    cell->qualifier = rind_slice_make(body, qualifier_size);
    cell->value = rind_slice_make(body + qualifier_size, value_size);
    size_t size = RIND_CELLS_HEAD_SIZE + qualifier_size + value_size;
    cursor->left = rind_slice_make(left.data + size, left.length - size);
    cursor->is_malformed = false;
    return true;
}

static rind_status cursor_check(struct rind_ctx *ctx, const struct cursor *cursor)
{
    RIND_REQUIRE(
        ctx, !cursor->is_malformed, RIND_E_CORRUPT,
        "a stored row cannot be parsed; run rind store check, and restore the store from a copy "
        "if more rows are damaged");
    return RIND_OK;
}

/* ---- scratch ---- */

void rind_cells_scratch_init(struct rind_cells_scratch *scratch)
{
    memset(scratch, 0, sizeof(*scratch));
}

void rind_cells_scratch_fini(struct rind_cells_scratch *scratch)
{
    free(scratch->cells);
    free(scratch->bytes);
    rind_cells_scratch_init(scratch);
}

/* Room for `count` elements of `size` bytes at *memory, keeping what is there; false: no memory. */
static bool scratch_grow(void **memory, size_t *capacity, size_t first, size_t count, size_t size)
{
    if (count <= *capacity) {
        return true;
    }
    size_t grown = *capacity == 0 ? first : *capacity;
    while (grown < count) {
        grown *= 2;
    }
    void *moved = realloc(*memory, grown * size);
    if (moved == NULL) {
        return false;
    }
    *memory = moved;
    *capacity = grown;
    return true;
}

static rind_status scratch_want_cells(struct rind_ctx *ctx, struct rind_cells_scratch *scratch,
                                      size_t count)
{
    RIND_REQUIRE(ctx, count <= RIND_ENGINE_CELLS_PER_ROW_MAX, RIND_E_LIMIT,
                 "a row would have more than %u cells", RIND_ENGINE_CELLS_PER_ROW_MAX);
    void *memory = scratch->cells;
    bool has_room = scratch_grow(&memory, &scratch->cells_capacity, SCRATCH_CELLS_FIRST, count,
                                 sizeof(struct rind_cell));
    scratch->cells = memory;
    RIND_REQUIRE(ctx, has_room, RIND_E_LIMIT, "no memory for a row of %zu cells", count);
    return RIND_OK;
}

/* ---- changing a row ---- */

/* Order of cells: the sign says where `a` stands. */
static int cell_compare(const struct rind_cell *a, const struct rind_cell *b)
{
    if (a->family != b->family) {
        return a->family < b->family ? -1 : 1;
    }
    int order = rind_key_compare(a->qualifier, b->qualifier);
    if (order != 0) {
        return order;
    }
    return a->timestamp_us > b->timestamp_us ? -1 : a->timestamp_us < b->timestamp_us;
}

static bool cell_is_of_column(const struct rind_cell *cell, const struct rind_mutation *mutation)
{
    return cell->family == mutation->family &&
           rind_slice_equal(cell->qualifier, mutation->qualifier);
}

static void cells_set(struct rind_cell *cells, size_t *count, const struct rind_cell *cell)
{
    size_t at = 0;
    while (at < *count && cell_compare(&cells[at], cell) < 0) {
        at++;
    }
    if (at < *count && cell_compare(&cells[at], cell) == 0) {
        cells[at] = *cell;
        return;
    }
    memmove(&cells[at + 1], &cells[at], (*count - at) * sizeof(*cells));
    cells[at] = *cell;
    (*count)++;
}

static void cells_mutate(struct rind_cell *cells, size_t *count,
                         const struct rind_mutation *mutation, int64_t now_us)
{
    if (mutation->kind == RIND_MUTATION_SET_CELL) {
        struct rind_cell cell = {mutation->family, mutation->qualifier, mutation->timestamp_us,
                                 mutation->value};
        if (cell.timestamp_us == RIND_TIMESTAMP_SERVER) {
            cell.timestamp_us = now_us;
        }
        cells_set(cells, count, &cell);
        return;
    }
    size_t kept = 0;
    for (size_t i = 0; i < *count; i++) {
        bool is_deleted = mutation->kind == RIND_MUTATION_DELETE_ROW ||
                          (mutation->kind == RIND_MUTATION_DELETE_FAMILY &&
                           cells[i].family == mutation->family) ||
                          (mutation->kind == RIND_MUTATION_DELETE_COLUMN &&
                           cell_is_of_column(&cells[i], mutation));
        if (!is_deleted) {
            cells[kept++] = cells[i];
        }
    }
    *count = kept;
}

/* Section 5's rule with a number of versions: drops what is too old and not among the newest. */
static void cells_collect(struct rind_cell *cells, size_t *count, enum rind_table_kind kind,
                          int64_t now_us)
{
    struct rind_table_gc gc;
    if (!rind_table_family(kind, 'f', &gc) || gc.versions_max == 0) {
        return;
    }
    int64_t oldest_us = now_us - (int64_t)gc.age_s_max * 1000000;
    size_t kept = 0;
    uint32_t version = 0;
    for (size_t i = 0; i < *count; i++) {
        bool is_same_column = kept > 0 && cells[i].family == cells[kept - 1].family &&
                              rind_slice_equal(cells[i].qualifier, cells[kept - 1].qualifier);
        version = is_same_column ? version + 1 : 1;
        if (version <= gc.versions_max || cells[i].timestamp_us >= oldest_us) {
            cells[kept++] = cells[i];
        }
    }
    *count = kept;
}

static rind_status cells_encode(struct rind_ctx *ctx, struct rind_cells_scratch *scratch,
                                size_t count, struct rind_slice *encoded)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        const struct rind_cell *cell = &scratch->cells[i];
        size += RIND_CELLS_HEAD_SIZE + cell->qualifier.length + cell->value.length;
    }
    RIND_REQUIRE(ctx, size <= RIND_CELLS_ROW_SIZE_BYTES_MAX, RIND_E_LIMIT,
                 "a row would have %zu bytes, the limit is %u", size,
                 RIND_CELLS_ROW_SIZE_BYTES_MAX);
    void *memory = scratch->bytes;
    bool has_room = scratch_grow(&memory, &scratch->bytes_capacity, SCRATCH_BYTES_FIRST, size, 1);
    scratch->bytes = memory;
    RIND_REQUIRE(ctx, has_room, RIND_E_LIMIT, "no memory for a row of %zu bytes", size);

    uint8_t *out = scratch->bytes;
    for (size_t i = 0; i < count; i++) {
        const struct rind_cell *cell = &scratch->cells[i];
        out[0] = (uint8_t)cell->family;
        out[1] = (uint8_t)cell->qualifier.length;
        rind_put_be64(out + 2, (uint64_t)cell->timestamp_us);
        rind_put_be32(out + 10, (uint32_t)cell->value.length);
        out += RIND_CELLS_HEAD_SIZE;
        if (cell->qualifier.length > 0) {
            memcpy(out, cell->qualifier.data, cell->qualifier.length);
            out += cell->qualifier.length;
        }
        if (cell->value.length > 0) {
            memcpy(out, cell->value.data, cell->value.length);
            out += cell->value.length;
        }
    }
    *encoded = rind_slice_make(scratch->bytes, size);
    return RIND_OK;
}

rind_status rind_cells_apply(struct rind_ctx *ctx, struct rind_cells_scratch *scratch,
                             enum rind_table_kind kind, struct rind_slice before,
                             const struct rind_mutation *mutations, size_t count, int64_t now_us,
                             struct rind_slice *after)
{
    struct cursor cursor = {before, false};
    struct rind_cell cell;
    size_t cell_count = 0;
    while (cursor_next(&cursor, &cell)) {
        RIND_TRY(scratch_want_cells(ctx, scratch, cell_count + 1));
        scratch->cells[cell_count++] = cell;
    }
    RIND_TRY(cursor_check(ctx, &cursor));
    for (size_t i = 0; i < count; i++) {
        RIND_TRY(scratch_want_cells(ctx, scratch, cell_count + 1));
        cells_mutate(scratch->cells, &cell_count, &mutations[i], now_us);
    }
    cells_collect(scratch->cells, &cell_count, kind, now_us);
    return cells_encode(ctx, scratch, cell_count, after);
}

/* ---- looking at a row ---- */

rind_status rind_cells_test(struct rind_ctx *ctx, struct rind_slice row,
                            const struct rind_condition *condition, bool *holds)
{
    struct cursor cursor = {row, false};
    struct rind_cell cell;
    bool found = false;
    while (!found && cursor_next(&cursor, &cell)) {
        switch (condition->kind) {
        case RIND_CONDITION_ROW_EXISTS:
            found = true;
            break;
        case RIND_CONDITION_CELL_AT_LEAST:
            found = cell.timestamp_us >= condition->timestamp_us;
            break;
        case RIND_CONDITION_CELL_EQUALS:
            found = rind_slice_equal(cell.value, condition->value);
            break;
        case RIND_CONDITION_COLUMN_EXISTS:
            found = cell.family == 'f' && rind_slice_equal(cell.qualifier, condition->qualifier);
            break;
        default:
            RIND_UNREACHABLE("conditions are checked before they reach an engine");
        }
    }
    RIND_TRY(cursor_check(ctx, &cursor));
    *holds = found;
    return RIND_OK;
}

/* State of one pass over a row. */
struct selection {
    const struct rind_read *read;
    size_t count;
    bool has_f;      /* an 'f' cell was met (SUMMARY) */
    bool is_decided; /* the newest event before the end was met (ACTIVE) */
};

/* Whether the next cell of the row is selected, and whether with its value. */
static bool selection_takes(struct selection *selection, const struct rind_cell *cell,
                            bool *with_value)
{
    const struct rind_read *read = selection->read;
    *with_value = !read->without_values;
    bool is_taken = false;
    switch (read->cells) {
    case RIND_CELLS_ALL:
        is_taken = true;
        break;
    case RIND_CELLS_FIRST:
        is_taken = selection->count == 0;
        break;
    case RIND_CELLS_SUMMARY:
        is_taken = cell->family == 't' || !selection->has_f;
        if (cell->family == 'f') {
            selection->has_f = true;
            *with_value = false;
        }
        break;
    case RIND_CELLS_ACTIVE:
        *with_value = false;
        if (cell->family != 'f' || !rind_slice_is_text(cell->qualifier, "e") ||
            cell->timestamp_us >= read->end_us || selection->is_decided) {
            break;
        }
        selection->is_decided = true;
        is_taken = cell->timestamp_us >= read->start_us ||
                   (cell->value.length == 1 && cell->value.data[0] == 1);
        break;
    default:
        RIND_UNREACHABLE("reads are made by this room only");
    }
    selection->count += is_taken;
    return is_taken;
}

static rind_status select_copy(struct rind_ctx *ctx, const struct rind_cell *cell, bool with_value,
                               struct rind_cell *copy)
{
    copy->family = cell->family;
    copy->timestamp_us = cell->timestamp_us;
    bool is_copied = rind_arena_copy(ctx->arena, cell->qualifier, &copy->qualifier);
    if (with_value) {
        is_copied = is_copied && rind_arena_copy(ctx->arena, cell->value, &copy->value);
    } else {
        copy->value = rind_slice_make(NULL, 0);
    }
    RIND_REQUIRE(ctx, is_copied, RIND_E_LIMIT, "no room left for rows in the request's memory");
    return RIND_OK;
}

/*
 * The cells of a row that `read` asks for, copied with the key to ctx->arena; row->cell_count 0 if
 * there are none. `*size` is what they cost against size_bytes_max; nothing is copied (and
 * row->cells is NULL) if that is above size_left.
 */
static rind_status cells_select(struct rind_ctx *ctx, struct rind_slice key,
                                struct rind_slice bytes, const struct rind_read *read,
                                size_t size_left, struct rind_row *row, size_t *size)
{
    struct selection selection = {.read = read};
    struct cursor cursor = {bytes, false};
    struct rind_cell cell;
    bool with_value;
    size_t cost = key.length + sizeof(struct rind_row);
    while (cursor_next(&cursor, &cell)) {
        if (selection_takes(&selection, &cell, &with_value)) {
            cost += sizeof(cell) + cell.qualifier.length + (with_value ? cell.value.length : 0);
        }
    }
    RIND_TRY(cursor_check(ctx, &cursor));
    *row = (struct rind_row){key, NULL, selection.count};
    *size = cost;
    if (selection.count == 0 || cost > size_left) {
        return RIND_OK;
    }

    struct rind_cell *cells = rind_ctx_alloc_array(ctx, selection.count, sizeof(*cells));
    if (cells == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    RIND_REQUIRE(ctx, rind_arena_copy(ctx->arena, key, &row->key), RIND_E_LIMIT,
                 "no room left for rows in the request's memory");
    selection = (struct selection){.read = read};
    cursor.left = bytes;
    size_t taken = 0;
    while (cursor_next(&cursor, &cell)) {
        if (selection_takes(&selection, &cell, &with_value)) {
            RIND_TRY(select_copy(ctx, &cell, with_value, &cells[taken]));
            taken++;
        }
    }
    RIND_ASSERT(taken == selection.count && taken == row->cell_count);
    row->cells = cells;
    return RIND_OK;
}

/* ---- the rows of a read ---- */

void rind_rows_begin(struct rind_rows_builder *builder, const struct rind_read *read)
{
    *builder = (struct rind_rows_builder){.read = read};
    builder->size_left = read->size_bytes_max == 0 ? READ_SIZE_DEFAULT : read->size_bytes_max;
}

static rind_status rows_grow(struct rind_ctx *ctx, struct rind_rows_builder *builder)
{
    size_t capacity = builder->capacity == 0 ? ROWS_FIRST : 2 * builder->capacity;
    struct rind_row *rows = rind_ctx_alloc_array(ctx, capacity, sizeof(*rows));
    if (rows == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    if (builder->count > 0) {
        memcpy(rows, builder->rows, builder->count * sizeof(*rows));
    }
    builder->rows = rows;
    builder->capacity = capacity;
    return RIND_OK;
}

rind_status rind_rows_add(struct rind_ctx *ctx, struct rind_rows_builder *builder,
                          struct rind_slice key, struct rind_slice bytes)
{
    RIND_ASSERT(!builder->is_full);
    struct rind_row row;
    size_t size = 0;
    /* The first row always fits, or a large one could never be read. */
    size_t size_left = builder->count == 0 ? SIZE_MAX : builder->size_left;
    RIND_TRY(cells_select(ctx, key, bytes, builder->read, size_left, &row, &size));
    if (row.cell_count > 0 && row.cells == NULL) {
        builder->is_full = true; /* and this row is the first of the next read */
        return RIND_OK;
    }
    if (row.cell_count > 0) {
        if (builder->count == builder->capacity) {
            RIND_TRY(rows_grow(ctx, builder));
        }
        builder->rows[builder->count++] = row;
        builder->size_left = size < builder->size_left ? builder->size_left - size : 0;
    }
    builder->last_key = key;
    builder->examined++;
    size_t count_max = builder->read->row_count_max;
    builder->is_full = (count_max > 0 && builder->count == count_max) ||
                       builder->examined == RIND_ENGINE_ROWS_EXAMINED_MAX;
    return RIND_OK;
}

rind_status rind_rows_end(struct rind_ctx *ctx, const struct rind_rows_builder *builder,
                          struct rind_rows *rows)
{
    struct rind_rows ended = {builder->rows, builder->count, builder->is_full, {NULL, 0}};
    RIND_REQUIRE(
        ctx, !builder->is_full || rind_arena_copy(ctx->arena, builder->last_key, &ended.scanned_to),
        RIND_E_LIMIT, "no room left for rows in the request's memory");
    *rows = ended;
    return RIND_OK;
}

bool rind_cells_is_old_tombstone(struct rind_slice row, int64_t before_us)
{
    struct cursor cursor = {row, false};
    struct rind_cell cell;
    while (cursor_next(&cursor, &cell)) {
        if (cell.family != 't' || cell.timestamp_us >= before_us) {
            return false;
        }
    }
    return row.length > 0 && !cursor.is_malformed;
}
