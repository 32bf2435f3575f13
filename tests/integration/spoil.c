/*
 * spoil.c - puts into a store what no realm has put there, for bad_input.sh:
 *
 *   spoil STORE row TABLE KEY QUALIFIER VALUE   a row with one cell, of family f
 *   spoil STORE log REALM GROUP INDEX           a row of a group's log that cannot be decoded
 *   spoil bigtable table NAME FAMILY            a table with one family, any
 *
 * STORE is lmdb:DIRECTORY, or bigtable: then the emulator at BIGTABLE_EMULATOR_HOST.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/bigtable_admin.pb-c.h"
#include "store/store.h"

#define SPOIL_WAIT_MS 20000u
#define SPOIL_ARENA_SIZE_BYTES (1u << 20)

static rind_status spoil_set(struct rind_ctx *ctx, const struct rind_store_options *options,
                             const char *store_name, const struct rind_table *table,
                             const struct rind_row_write *row)
{
    struct rind_store *store;
    RIND_TRY(rind_store_open(ctx, store_name, options, &store));
    struct rind_write write = {*table, row, 1};
    rind_status status = rind_engine_write(ctx, rind_store_engine(store), &write,
                                           rind_deadline_in_ms(SPOIL_WAIT_MS));
    rind_store_close(store);
    return status;
}

static struct rind_mutation spoil_cell(struct rind_slice qualifier, const char *value)
{
    struct rind_mutation set = {.kind = RIND_MUTATION_SET_CELL,
                                .family = 'f',
                                .qualifier = qualifier,
                                .timestamp_us = RIND_TIMESTAMP_SERVER,
                                .value = rind_slice_text(value)};
    return set;
}

static rind_status spoil_row(struct rind_ctx *ctx, const struct rind_store_options *options,
                             char **words)
{
    struct rind_table table;
    RIND_REQUIRE(ctx, rind_table_from_name(words[2], &table), RIND_E_INVALID, "%s is no table",
                 words[2]);
    struct rind_mutation set = spoil_cell(rind_slice_text(words[4]), words[5]);
    struct rind_row_write row = {rind_slice_text(words[3]), &set, 1};
    return spoil_set(ctx, options, words[0], &table, &row);
}

static rind_status spoil_log(struct rind_ctx *ctx, const struct rind_store_options *options,
                             char **words)
{
    struct rind_realm_id realm;
    struct rind_group_id group;
    RIND_REQUIRE(ctx,
                 rind_hex_decode(rind_slice_text(words[2]), realm.bytes, sizeof(realm.bytes)) &&
                     rind_hex_decode(rind_slice_text(words[3]), group.bytes, sizeof(group.bytes)),
                 RIND_E_INVALID, "no id");
    uint64_t index = strtoull(words[4], NULL, 10);
    uint8_t key[RIND_LOG_KEY_SIZE];
    uint8_t qualifier[RIND_LOG_QUALIFIER_SIZE];
    rind_log_key(&group, index, key);
    rind_log_qualifier(index, qualifier);
    struct rind_mutation set = spoil_cell(RIND_SLICE_OF(qualifier), "no entry");
    struct rind_row_write row = {RIND_SLICE_OF(key), &set, 1};
    struct rind_table table = rind_table_of_realm(RIND_TABLE_LOG, &realm);
    return spoil_set(ctx, options, words[0], &table, &row);
}

static rind_status spoil_table(struct rind_ctx *ctx, const struct rind_store_options *options,
                               char **words)
{
    struct rind_channel_options channel_options;
    struct rind_google_flags flags = {0};
    struct rind_channel *channel = NULL;
    rind_channel_options_init(&channel_options, "Bigtable", "", options->bigtable->url, &flags);
    channel_options.remedy = "the test";
    RIND_TRY(rind_channel_open(ctx, &channel_options, &channel));
    Google__Bigtable__Admin__V2__ColumnFamily family =
        GOOGLE__BIGTABLE__ADMIN__V2__COLUMN_FAMILY__INIT;
    Google__Bigtable__Admin__V2__Table__ColumnFamiliesEntry entry =
        GOOGLE__BIGTABLE__ADMIN__V2__TABLE__COLUMN_FAMILIES_ENTRY__INIT;
    entry.key = words[3];
    entry.value = &family;
    Google__Bigtable__Admin__V2__Table__ColumnFamiliesEntry *entries[] = {&entry};
    Google__Bigtable__Admin__V2__Table table = GOOGLE__BIGTABLE__ADMIN__V2__TABLE__INIT;
    table.n_column_families = 1;
    table.column_families = entries;
    Google__Bigtable__Admin__V2__CreateTableRequest request =
        GOOGLE__BIGTABLE__ADMIN__V2__CREATE_TABLE_REQUEST__INIT;
    request.parent = rind_proto_text("projects/prj/instances/instance");
    request.table_id = words[2];
    request.table = &table;
    struct rind_grpc_call call = {.method =
                                      "/google.bigtable.admin.v2.BigtableTableAdmin/CreateTable",
                                  .resource = words[2],
                                  .request = &request.base,
                                  .response = &google__bigtable__admin__v2__table__descriptor};
    ProtobufCMessage *response;
    rind_status status =
        rind_channel_call(ctx, channel, &call, rind_deadline_in_ms(SPOIL_WAIT_MS), &response);
    rind_channel_close(channel);
    return status;
}

static rind_status spoil(struct rind_ctx *ctx, int count, char **words)
{
    static const struct {
        const char *word;
        int count;
        rind_status (*run)(struct rind_ctx *ctx, const struct rind_store_options *options,
                           char **words);
    } rows[] = {{"row", 6, spoil_row}, {"log", 5, spoil_log}, {"table", 4, spoil_table}};
    struct rind_bigtable_flags flags = {.project = "prj", .instance = "instance"};
    struct rind_bigtable_options bigtable;
    RIND_TRY(rind_bigtable_flags_options(ctx, &flags, NULL, &bigtable));
    const struct rind_store_options options = {.bigtable = &bigtable};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (count == rows[i].count && strcmp(words[1], rows[i].word) == 0) {
            return rows[i].run(ctx, &options, words);
        }
    }
    return rind_fail(ctx, RIND_E_INVALID, "usage: see spoil.c");
}

int main(int argc, char **argv)
{
    struct rind_ctx ctx;
    struct rind_arena *arena;
    rind_ctx_init(&ctx, NULL);
    rind_status status = rind_arena_map(&ctx, SPOIL_ARENA_SIZE_BYTES, &arena);
    if (rind_is_ok(status)) {
        ctx.arena = arena;
        status = spoil(&ctx, argc - 1, argv + 1);
        rind_arena_unmap(arena);
    }
    if (!rind_is_ok(status)) {
        (void)fprintf(stderr, "spoil: %s\n", ctx.sentence);
    }
    return rind_is_ok(status) ? 0 : 1;
}
