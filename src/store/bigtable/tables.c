/* tables.c - CreateTable and ListTables of the administration service (section 5). */
#include <stdio.h>
#include <stdlib.h>

#include "proto/bigtable_admin.pb-c.h"
#include "store/bigtable/bigtable.h"

#define TABLES_VIEW_NAMES 1 /* ListTablesRequest.view: NAME_ONLY */
#define TABLES_FAMILIES_MAX 2u

/* One family and its rule; the parts point at each other. */
struct family {
    Google__Bigtable__Admin__V2__Table__ColumnFamiliesEntry entry;
    Google__Bigtable__Admin__V2__ColumnFamily family;
    Google__Bigtable__Admin__V2__GcRule rule;
    Google__Bigtable__Admin__V2__GcRule parts[2];
    Google__Bigtable__Admin__V2__GcRule *part_list[2];
    Google__Bigtable__Admin__V2__GcRule__Intersection both;
    Google__Types__Duration age;
};

static void family_age(struct family *family, Google__Bigtable__Admin__V2__GcRule *rule,
                       uint64_t age_s)
{
    google__types__duration__init(&family->age);
    family->age.seconds = (int64_t)age_s;
    rule->rule_case = GOOGLE__BIGTABLE__ADMIN__V2__GC_RULE__RULE_MAX_AGE;
    rule->max_age = &family->age;
}

static void family_make(struct family *family, const char *name, const struct rind_table_gc *gc)
{
    google__bigtable__admin__v2__table__column_families_entry__init(&family->entry);
    google__bigtable__admin__v2__column_family__init(&family->family);
    google__bigtable__admin__v2__gc_rule__init(&family->rule);
    family->entry.key = rind_proto_text(name);
    family->entry.value = &family->family;
    family->family.gc_rule = &family->rule; /* present even if empty, which is "never" */
    if (gc->age_s_max == 0) {
        return;
    }
    if (gc->versions_max == 0) {
        family_age(family, &family->rule, gc->age_s_max);
        return;
    }
    google__bigtable__admin__v2__gc_rule__init(&family->parts[0]);
    google__bigtable__admin__v2__gc_rule__init(&family->parts[1]);
    google__bigtable__admin__v2__gc_rule__intersection__init(&family->both);
    family->parts[0].rule_case = GOOGLE__BIGTABLE__ADMIN__V2__GC_RULE__RULE_MAX_NUM_VERSIONS;
    family->parts[0].max_num_versions = (int32_t)gc->versions_max;
    family_age(family, &family->parts[1], gc->age_s_max);
    family->part_list[0] = &family->parts[0];
    family->part_list[1] = &family->parts[1];
    family->both.n_rules = 2;
    family->both.rules = family->part_list;
    family->rule.rule_case = GOOGLE__BIGTABLE__ADMIN__V2__GC_RULE__RULE_INTERSECTION;
    family->rule.intersection = &family->both;
}

/* The administration channel, opened by whoever needs it first. */
static rind_status tables_channel(struct rind_ctx *ctx, struct rind_bigtable_engine *bigtable,
                                  struct rind_channel **channel)
{
    rind_status status = RIND_OK;
    rind_mutex_lock(&bigtable->admin_mutex);
    if (bigtable->admin == NULL) {
        status = rind_channel_open(ctx, &bigtable->admin_options, &bigtable->admin);
    }
    *channel = bigtable->admin;
    rind_mutex_unlock(&bigtable->admin_mutex);
    return status;
}

rind_status rind_bigtable_create_table(struct rind_ctx *ctx, struct rind_engine *engine,
                                       const struct rind_table *table,
                                       struct rind_deadline deadline)
{
    struct rind_bigtable_engine *bigtable = rind_bigtable_of(engine);
    static const char *const family_names[] = {"f", "t"};
    struct family families[TABLES_FAMILIES_MAX];
    Google__Bigtable__Admin__V2__Table__ColumnFamiliesEntry *entries[TABLES_FAMILIES_MAX];
    Google__Bigtable__Admin__V2__Table made = GOOGLE__BIGTABLE__ADMIN__V2__TABLE__INIT;
    made.column_families = entries;
    for (size_t i = 0; i < TABLES_FAMILIES_MAX; i++) {
        struct rind_table_gc gc;
        if (rind_table_family(table->kind, family_names[i][0], &gc)) {
            family_make(&families[i], family_names[i], &gc);
            entries[made.n_column_families++] = &families[i].entry;
        }
    }
    char id[RIND_TABLE_NAME_SIZE];
    rind_table_name(table, id);
    struct rind_bigtable_names names;
    Google__Bigtable__Admin__V2__CreateTableRequest request =
        GOOGLE__BIGTABLE__ADMIN__V2__CREATE_TABLE_REQUEST__INIT;
    struct rind_grpc_call call = rind_bigtable_call(
        bigtable, NULL, "/google.bigtable.admin.v2.BigtableTableAdmin/CreateTable", &request.base,
        &google__bigtable__admin__v2__table__descriptor, &names);
    request.parent = bigtable->instance;
    request.table_id = id;
    request.table = &made;
    rind_bigtable_table_name(bigtable, table, names.resource);
    struct rind_channel *channel = NULL;
    RIND_TRY(tables_channel(ctx, bigtable, &channel));
    ProtobufCMessage *response;
    rind_status status = rind_channel_call(ctx, channel, &call, deadline, &response);
    RIND_REQUIRE(ctx, !rind_is(status, RIND_E_NOT_FOUND), RIND_E_INVALID,
                 "there is no Bigtable instance %s; check --bigtable-project and "
                 "--bigtable-instance",
                 bigtable->instance);
    return status;
}

/* Adds those of a page that are ours. */
static rind_status tables_take(struct rind_ctx *ctx,
                               const Google__Bigtable__Admin__V2__ListTablesResponse *response,
                               struct rind_tables *tables)
{
    size_t total = tables->count + response->n_tables;
    RIND_REQUIRE(ctx, total <= RIND_BIGTABLE_TABLES_MAX, RIND_E_LIMIT,
                 "the Bigtable instance has more than %u tables", RIND_BIGTABLE_TABLES_MAX);
    struct rind_table *all = rind_ctx_alloc_array(ctx, total, sizeof(*all));
    if (all == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    if (tables->count > 0) {
        memcpy(all, tables->tables, tables->count * sizeof(*all));
    }
    size_t count = tables->count;
    for (size_t i = 0; i < response->n_tables; i++) {
        const char *name = response->tables[i]->name;
        const char *slash = strrchr(name, '/');
        if (rind_table_from_name(slash == NULL ? name : slash + 1, &all[count])) {
            count++;
        }
    }
    *tables = (struct rind_tables){all, count};
    return RIND_OK;
}

rind_status rind_bigtable_list_tables(struct rind_ctx *ctx, struct rind_engine *engine,
                                      struct rind_deadline deadline, struct rind_tables *tables)
{
    struct rind_bigtable_engine *bigtable = rind_bigtable_of(engine);
    struct rind_channel *channel = NULL;
    RIND_TRY(tables_channel(ctx, bigtable, &channel));
    struct rind_bigtable_names names;
    Google__Bigtable__Admin__V2__ListTablesRequest request =
        GOOGLE__BIGTABLE__ADMIN__V2__LIST_TABLES_REQUEST__INIT;
    struct rind_grpc_call call = rind_bigtable_call(
        bigtable, NULL, "/google.bigtable.admin.v2.BigtableTableAdmin/ListTables", &request.base,
        &google__bigtable__admin__v2__list_tables_response__descriptor, &names);
    request.parent = bigtable->instance;
    request.view = TABLES_VIEW_NAMES;
    struct rind_tables found = {NULL, 0};
    for (size_t page = 0; page < RIND_BIGTABLE_TABLES_MAX; page++) {
        ProtobufCMessage *message;
        RIND_TRY(rind_channel_call(ctx, channel, &call, deadline, &message));
        const Google__Bigtable__Admin__V2__ListTablesResponse *response =
            (const Google__Bigtable__Admin__V2__ListTablesResponse *)message;
        RIND_TRY(tables_take(ctx, response, &found));
        if (response->next_page_token[0] == '\0') {
            *tables = found;
            return RIND_OK;
        }
        request.page_token = response->next_page_token;
    }
    return rind_fail(ctx, RIND_E_LIMIT, "Bigtable's list of tables does not end");
}
