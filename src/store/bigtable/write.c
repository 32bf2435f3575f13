/* write.c - MutateRow, MutateRows and CheckAndMutateRow (sections 3.6, 8.3, 12.2). */
#include <stdlib.h>

#include "store/bigtable/messages.h"

typedef Google__Bigtable__V2__MutateRowsRequest__Entry bulk_entry;

/* Entries that failed are sent again at once, so often, as long as others succeed. */
#define BULK_ATTEMPTS_MAX 5u

/* ---- rows to be written, each key once ---- */

static int row_compare(const void *a_pointer, const void *b_pointer)
{
    const struct rind_row_write *const *a = a_pointer;
    const struct rind_row_write *const *b = b_pointer;
    int order = rind_key_compare((*a)->key, (*b)->key);
    /* Equal keys keep the caller's order: the pointers are into one array. */
    return order != 0 ? order : (*a > *b) - (*a < *b);
}

/* Several rows of one key as one, as a bulk write does not promise their order. */
static rind_status row_merge(struct rind_ctx *ctx, const struct rind_row_write *const *rows,
                             size_t count, struct rind_row_write *merged)
{
    *merged = *rows[0];
    if (count == 1) {
        return RIND_OK;
    }
    size_t total = 0;
    for (size_t i = 0; i < count; i++) {
        total += rows[i]->mutation_count;
    }
    struct rind_mutation *mutations = rind_ctx_alloc_array(ctx, total, sizeof(*mutations));
    if (mutations == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    merged->mutations = mutations;
    merged->mutation_count = total;
    for (size_t i = 0; i < count; i++) {
        memcpy(mutations, rows[i]->mutations, rows[i]->mutation_count * sizeof(*mutations));
        mutations += rows[i]->mutation_count;
    }
    return RIND_OK;
}

static rind_status rows_merge(struct rind_ctx *ctx, const struct rind_write *write,
                              struct rind_row_write **merged, size_t *count)
{
    size_t given = write->row_count;
    const struct rind_row_write **sorted = rind_ctx_alloc_array(ctx, given, sizeof(void *));
    struct rind_row_write *rows = rind_ctx_alloc_array(ctx, given, sizeof(*rows));
    if (sorted == NULL || rows == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    for (size_t i = 0; i < given; i++) {
        sorted[i] = &write->rows[i];
    }
    qsort(sorted, given, sizeof(*sorted), row_compare);
    *count = 0;
    for (size_t i = 0; i < given;) {
        size_t end = i + 1;
        while (end < given && rind_key_compare(sorted[i]->key, sorted[end]->key) == 0) {
            end++;
        }
        RIND_TRY(row_merge(ctx, &sorted[i], end - i, &rows[*count]));
        *count += 1;
        i = end;
    }
    *merged = rows;
    return RIND_OK;
}

/* ---- one row ---- */

static rind_status write_row(struct rind_ctx *ctx, struct rind_bigtable_engine *bigtable,
                             const struct rind_table *table, const struct rind_row_write *row,
                             struct rind_deadline deadline)
{
    struct rind_bigtable_names names;
    Google__Bigtable__V2__MutateRowRequest request = GOOGLE__BIGTABLE__V2__MUTATE_ROW_REQUEST__INIT;
    struct rind_grpc_call call =
        rind_bigtable_call(bigtable, table, "/google.bigtable.v2.Bigtable/MutateRow", &request.base,
                           &google__bigtable__v2__mutate_row_response__descriptor, &names);
    request.table_name = names.resource;
    request.row_key = rind_proto_bytes(row->key);
    request.n_mutations = row->mutation_count;
    RIND_TRY(rind_bigtable_mutations(ctx, row->mutations, row->mutation_count, &request.mutations));
    ProtobufCMessage *response;
    return rind_channel_call(ctx, bigtable->data, &call, deadline, &response);
}

/* ---- many rows ---- */

/* One bulk write and what became of its entries. */
struct bulk {
    struct rind_bigtable_engine *bigtable;
    const struct rind_table *table;
    bulk_entry **entries; /* those not written yet */
    size_t count;
    int32_t *codes;    /* of the last attempt; -1: not answered */
    rind_status error; /* of an entry: a fatal one if there is any */
    char sentence[RIND_SENTENCE_SIZE_MAX];
};

#define BULK_NOT_ANSWERED (-1)

/* Keeps an entry's failure; one not to be retried wins. */
static void bulk_note_failure(struct bulk *bulk, const struct rind_grpc_call *call, int32_t code,
                              const char *said)
{
    struct rind_ctx entry_ctx;
    rind_ctx_init(&entry_ctx, NULL);
    rind_status status = rind_channel_status(&entry_ctx, bulk->bigtable->data, call, code, said);
    status = rind_bigtable_explain(&entry_ctx, bulk->table, status);
    if (rind_is_ok(bulk->error) || !rind_engine_may_retry(status)) {
        bulk->error = status;
        memcpy(bulk->sentence, entry_ctx.sentence, sizeof(bulk->sentence));
    }
}

static void bulk_take(struct bulk *bulk, const struct rind_grpc_call *call,
                      const Google__Bigtable__V2__MutateRowsResponse *response)
{
    for (size_t i = 0; i < response->n_entries; i++) {
        const Google__Bigtable__V2__MutateRowsResponse__Entry *entry = response->entries[i];
        if (entry->index < 0 || (uint64_t)entry->index >= bulk->count) {
            continue; /* of no entry of ours */
        }
        int32_t code = entry->status == NULL ? 0 : entry->status->code;
        bulk->codes[entry->index] = code;
        if (code != 0) {
            bulk_note_failure(bulk, call, code, entry->status->message);
        }
    }
}

static rind_status bulk_drain(struct rind_ctx *ctx, struct bulk *bulk,
                              const struct rind_grpc_call *call, struct rind_stream *stream)
{
    ProtobufCMessage *message = NULL;
    for (;;) {
        RIND_TRY(rind_stream_next(ctx, stream, &message));
        if (message == NULL) {
            return RIND_OK;
        }
        bulk_take(bulk, call, (const Google__Bigtable__V2__MutateRowsResponse *)message);
    }
}

static rind_status bulk_attempt(struct rind_ctx *ctx, struct bulk *bulk,
                                struct rind_deadline deadline)
{
    struct rind_bigtable_names names;
    Google__Bigtable__V2__MutateRowsRequest request =
        GOOGLE__BIGTABLE__V2__MUTATE_ROWS_REQUEST__INIT;
    struct rind_grpc_call call = rind_bigtable_call(
        bulk->bigtable, bulk->table, "/google.bigtable.v2.Bigtable/MutateRows", &request.base,
        &google__bigtable__v2__mutate_rows_response__descriptor, &names);
    request.table_name = names.resource;
    request.entries = bulk->entries;
    request.n_entries = bulk->count;
    bulk->error = RIND_OK;
    for (size_t i = 0; i < bulk->count; i++) {
        bulk->codes[i] = BULK_NOT_ANSWERED;
    }
    struct rind_stream *stream = NULL;
    RIND_TRY(rind_stream_open(ctx, bulk->bigtable->data, &call, deadline, &stream));
    rind_status status = bulk_drain(ctx, bulk, &call, stream);
    rind_stream_close(stream);
    return status;
}

/* Keeps the entries that were not written; returns how many were. */
static size_t bulk_shrink(struct bulk *bulk)
{
    size_t left = 0;
    for (size_t i = 0; i < bulk->count; i++) {
        if (bulk->codes[i] != 0) {
            bulk->entries[left++] = bulk->entries[i];
        }
    }
    size_t written = bulk->count - left;
    bulk->count = left;
    return written;
}

/* Writes all entries, sending those that failed again as long as others succeed (section 22, 4). */
static rind_status bulk_run(struct rind_ctx *ctx, struct bulk *bulk, struct rind_deadline deadline)
{
    for (unsigned attempt = 1;; attempt++) {
        rind_status status = bulk_attempt(ctx, bulk, deadline);
        bool has_progress = bulk_shrink(bulk) > 0;
        if (bulk->count == 0) {
            return RIND_OK; /* every entry was acknowledged, however the call ended */
        }
        if (rind_is_ok(status)) {
            status = rind_is_ok(bulk->error)
                         ? rind_fail(ctx, RIND_E_UNKNOWN_OUTCOME,
                                     "Bigtable did not say what became of %zu rows", bulk->count)
                         : rind_fail(ctx, (enum rind_code)bulk->error.code, "%s", bulk->sentence);
        }
        if (!rind_engine_may_retry(status) || !has_progress || attempt == BULK_ATTEMPTS_MAX) {
            return status;
        }
    }
}

static rind_status bulk_make_entry(struct rind_ctx *ctx, const struct rind_row_write *row,
                                   bulk_entry *entry)
{
    google__bigtable__v2__mutate_rows_request__entry__init(entry);
    entry->row_key = rind_proto_bytes(row->key);
    entry->n_mutations = row->mutation_count;
    return rind_bigtable_mutations(ctx, row->mutations, row->mutation_count, &entry->mutations);
}

static size_t bulk_row_size(const struct rind_row_write *row)
{
    size_t size = row->key.length;
    for (size_t i = 0; i < row->mutation_count; i++) {
        size += row->mutations[i].qualifier.length + row->mutations[i].value.length + 32;
    }
    return size;
}

/* How many of the rows fit one call; at least one. */
static size_t bulk_fitting(const struct rind_row_write *rows, size_t count)
{
    size_t mutations = 0;
    size_t size = 0;
    size_t fitting = 0;
    while (fitting < count) {
        mutations += rows[fitting].mutation_count;
        size += bulk_row_size(&rows[fitting]);
        bool fits = mutations <= RIND_BIGTABLE_MUTATIONS_PER_CALL_MAX &&
                    size <= RIND_BIGTABLE_SIZE_PER_CALL_BYTES_MAX;
        if (!fits && fitting > 0) {
            break;
        }
        fitting++;
    }
    return fitting;
}

static rind_status write_bulk(struct rind_ctx *ctx, struct rind_bigtable_engine *bigtable,
                              const struct rind_table *table, const struct rind_row_write *rows,
                              size_t count, struct rind_deadline deadline)
{
    bulk_entry *entries = rind_ctx_alloc_array(ctx, count, sizeof(*entries));
    struct bulk bulk = {
        .bigtable = bigtable,
        .table = table,
        .entries = rind_ctx_alloc_array(ctx, count, sizeof(void *)),
        .count = count,
        .codes = rind_ctx_alloc_array(ctx, count, sizeof(int32_t)),
    };
    if (entries == NULL || bulk.entries == NULL || bulk.codes == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    for (size_t i = 0; i < count; i++) {
        RIND_TRY(bulk_make_entry(ctx, &rows[i], &entries[i]));
        bulk.entries[i] = &entries[i];
    }
    return bulk_run(ctx, &bulk, deadline);
}

static rind_status write_rows(struct rind_ctx *ctx, struct rind_bigtable_engine *bigtable,
                              const struct rind_table *table, const struct rind_row_write *rows,
                              size_t count, struct rind_deadline deadline)
{
    if (count == 1) {
        return write_row(ctx, bigtable, table, &rows[0], deadline);
    }
    for (size_t done = 0; done < count;) {
        size_t fitting = bulk_fitting(&rows[done], count - done);
        RIND_TRY(write_bulk(ctx, bigtable, table, &rows[done], fitting, deadline));
        done += fitting;
    }
    return RIND_OK;
}

rind_status rind_bigtable_write(struct rind_ctx *ctx, struct rind_engine *engine,
                                const struct rind_write *write, struct rind_deadline deadline)
{
    struct rind_bigtable_engine *bigtable = rind_bigtable_of(engine);
    atomic_fetch_add(&bigtable->commits, 1);
    atomic_fetch_add(&bigtable->requests, 1);
    /* What the request is made of is needed no longer than the call. */
    size_t mark = rind_arena_mark(ctx->arena);
    struct rind_row_write *rows;
    size_t count;
    rind_status status = rows_merge(ctx, write, &rows, &count);
    if (rind_is_ok(status)) {
        status = write_rows(ctx, bigtable, &write->table, rows, count, deadline);
    }
    rind_arena_release(ctx->arena, mark);
    RIND_TRY(rind_bigtable_explain(ctx, &write->table, status));
    for (size_t i = 0; i < write->row_count; i++) {
        rind_bigtable_note_write(bigtable, &write->table, write->rows[i].key);
    }
    return RIND_OK;
}

/* ---- test and write ---- */

static rind_status test_call(struct rind_ctx *ctx, struct rind_bigtable_engine *bigtable,
                             const struct rind_test_and_write *test, struct rind_deadline deadline,
                             bool *was_true)
{
    struct rind_bigtable_names names;
    Google__Bigtable__V2__CheckAndMutateRowRequest request =
        GOOGLE__BIGTABLE__V2__CHECK_AND_MUTATE_ROW_REQUEST__INIT;
    struct rind_grpc_call call = rind_bigtable_call(
        bigtable, &test->table, "/google.bigtable.v2.Bigtable/CheckAndMutateRow", &request.base,
        &google__bigtable__v2__check_and_mutate_row_response__descriptor, &names);
    request.table_name = names.resource;
    request.row_key = rind_proto_bytes(test->key);
    request.n_true_mutations = test->when_true_count;
    request.n_false_mutations = test->when_false_count;
    RIND_TRY(rind_bigtable_mutations(ctx, test->when_true, test->when_true_count,
                                     &request.true_mutations));
    RIND_TRY(rind_bigtable_mutations(ctx, test->when_false, test->when_false_count,
                                     &request.false_mutations));
    RIND_TRY(rind_bigtable_condition_filter(ctx, &test->condition, &request.predicate_filter));
    ProtobufCMessage *response;
    RIND_TRY(rind_channel_call(ctx, bigtable->data, &call, deadline, &response));
    *was_true =
        ((const Google__Bigtable__V2__CheckAndMutateRowResponse *)response)->predicate_matched;
    return RIND_OK;
}

rind_status rind_bigtable_test_and_write(struct rind_ctx *ctx, struct rind_engine *engine,
                                         const struct rind_test_and_write *request,
                                         struct rind_deadline deadline, bool *was_true)
{
    struct rind_bigtable_engine *bigtable = rind_bigtable_of(engine);
    atomic_fetch_add(&bigtable->commits, 1);
    atomic_fetch_add(&bigtable->requests, 1);
    size_t mark = rind_arena_mark(ctx->arena);
    rind_status status = test_call(ctx, bigtable, request, deadline, was_true);
    rind_arena_release(ctx->arena, mark);
    RIND_TRY(rind_bigtable_explain(ctx, &request->table, status));
    rind_bigtable_note_write(bigtable, &request->table, request->key);
    return RIND_OK;
}
