/* engine.c - see engine.h: what all engines have in common, and the checks before each call. */
#include "store/engine.h"

#include <stdio.h>
#include <stdlib.h>

#define TOMBSTONE_AGE_S 604800u    /* 7 days, section 5 */
#define USER_EVENT_AGE_S 10022400u /* 116 days */
#define USER_EVENT_VERSIONS 2u

/* Where a table's name has the realm. */
enum table_name_form { TABLE_NAME_SUFFIX, TABLE_NAME_WHOLE, TABLE_NAME_PREFIX };

/* One row per kind of table. */
static const struct table_kind {
    enum rind_table_kind kind;
    const char *name; /* after the realm and a dash, alone, or before the realm */
    enum table_name_form form;
    struct rind_table_gc f;
    bool has_t;
} table_kinds[] = {
    {RIND_TABLE_LOG, "log", TABLE_NAME_SUFFIX, {0, 0}, true},
    {RIND_TABLE_MERKLE, "merkle", TABLE_NAME_SUFFIX, {0, 0}, false},
    {RIND_TABLE_USERS, "users", TABLE_NAME_SUFFIX, {USER_EVENT_AGE_S, USER_EVENT_VERSIONS}, false},
    {RIND_TABLE_DISCOVERY, "discovery", TABLE_NAME_WHOLE, {0, 0}, false},
    {RIND_TABLE_LEASE, "lease", TABLE_NAME_WHOLE, {0, 0}, false},
    {RIND_TABLE_TENANTS, "tenants", TABLE_NAME_WHOLE, {0, 0}, false},
    {RIND_TABLE_SOFTWARE, "jb-sw-realm-", TABLE_NAME_PREFIX, {0, 0}, false},
};
#define TABLE_KIND_COUNT (sizeof(table_kinds) / sizeof(table_kinds[0]))

static const struct table_kind *table_kind_find(enum rind_table_kind kind)
{
    RIND_ASSERT(kind >= RIND_TABLE_LOG && kind <= RIND_TABLE_KIND_LAST);
    const struct table_kind *found = &table_kinds[kind - RIND_TABLE_LOG];
    RIND_ASSERT(found->kind == kind);
    return found;
}

bool rind_table_is_shared(enum rind_table_kind kind)
{
    return table_kind_find(kind)->form == TABLE_NAME_WHOLE;
}

struct rind_table rind_table_of_realm(enum rind_table_kind kind, const struct rind_realm_id *realm)
{
    RIND_ASSERT(!rind_table_is_shared(kind));
    struct rind_table table = {kind, *realm};
    return table;
}

struct rind_table rind_table_shared(enum rind_table_kind kind)
{
    RIND_ASSERT(rind_table_is_shared(kind));
    struct rind_table table = {kind, {{0}}};
    return table;
}

void rind_table_name(const struct rind_table *table, char name[static RIND_TABLE_NAME_SIZE])
{
    const struct table_kind *kind = table_kind_find(table->kind);
    char realm[RIND_HEX_SIZE(sizeof(table->realm.bytes))];
    rind_hex_encode(rind_realm_id_slice(&table->realm), realm);
    switch (kind->form) {
    case TABLE_NAME_SUFFIX:
        (void)snprintf(name, RIND_TABLE_NAME_SIZE, "%s-%s", realm, kind->name);
        return;
    case TABLE_NAME_WHOLE:
        (void)snprintf(name, RIND_TABLE_NAME_SIZE, "%s", kind->name);
        return;
    case TABLE_NAME_PREFIX:
        (void)snprintf(name, RIND_TABLE_NAME_SIZE, "%s%s", kind->name, realm);
        return;
    }
}

/* Whether `name` is one of this kind, and the realm in it. */
static bool table_kind_reads(const struct table_kind *kind, const char *name,
                             struct rind_realm_id *realm)
{
    struct rind_slice text = rind_slice_text(name);
    size_t own = strlen(kind->name);
    size_t digits = RIND_HEX_SIZE(sizeof(realm->bytes)) - 1;
    switch (kind->form) {
    case TABLE_NAME_SUFFIX:
        return text.length == digits + 1 + own && name[digits] == '-' &&
               strcmp(name + digits + 1, kind->name) == 0 &&
               rind_hex_decode(rind_slice_make(name, digits), realm->bytes, sizeof(realm->bytes));
    case TABLE_NAME_WHOLE:
        return strcmp(name, kind->name) == 0;
    case TABLE_NAME_PREFIX:
        return text.length == own + digits && memcmp(name, kind->name, own) == 0 &&
               rind_hex_decode(rind_slice_make(name + own, digits), realm->bytes,
                               sizeof(realm->bytes));
    }
    RIND_UNREACHABLE("all forms of names are listed");
}

bool rind_table_from_name(const char *name, struct rind_table *table)
{
    for (size_t i = 0; i < TABLE_KIND_COUNT; i++) {
        struct rind_table found = {table_kinds[i].kind, {{0}}};
        if (table_kind_reads(&table_kinds[i], name, &found.realm)) {
            *table = found;
            return true;
        }
    }
    return false;
}

bool rind_table_family(enum rind_table_kind kind, char family, struct rind_table_gc *gc)
{
    const struct table_kind *found = table_kind_find(kind);
    struct rind_table_gc tombstones = {TOMBSTONE_AGE_S, 0};
    if (family == 't' && found->has_t) {
        *gc = tombstones;
        return true;
    }
    *gc = found->f;
    return family == 'f';
}

uint64_t rind_store_clock_unix_ms(const struct rind_store_clock *clock)
{
    return clock == NULL ? rind_clock_unix_ms() : clock->unix_ms(clock->self);
}

/* ---- ranges ---- */

static int key_compare(struct rind_slice a, struct rind_slice b)
{
    size_t shorter = a.length < b.length ? a.length : b.length;
    int order = shorter == 0 ? 0 : memcmp(a.data, b.data, shorter);
    if (order != 0) {
        return order;
    }
    return a.length < b.length ? -1 : a.length > b.length;
}

int rind_key_compare(struct rind_slice a, struct rind_slice b)
{
    return key_compare(a, b);
}

bool rind_key_range_is_empty(const struct rind_key_range *range)
{
    if (range->end.length == 0) {
        return false;
    }
    int order = key_compare(range->start, range->end);
    return range->includes_end && !range->excludes_start ? order > 0 : order >= 0;
}

bool rind_key_range_is_above(const struct rind_key_range *range, struct rind_slice key)
{
    int order = key_compare(key, range->start);
    return order < 0 || (order == 0 && range->excludes_start);
}

bool rind_key_range_is_below(const struct rind_key_range *range, struct rind_slice key)
{
    if (range->end.length == 0) {
        return false;
    }
    int order = key_compare(key, range->end);
    return order > 0 || (order == 0 && !range->includes_end);
}

size_t rind_key_ranges_after(const struct rind_key_range *ranges, size_t count,
                             struct rind_slice last_key, struct rind_key_range *left)
{
    size_t left_count = 0;
    for (size_t i = 0; i < count; i++) {
        struct rind_key_range range = ranges[i];
        if (range.end.length > 0 && key_compare(range.end, last_key) <= 0) {
            continue;
        }
        if (key_compare(range.start, last_key) <= 0) {
            range.start = last_key;
            range.excludes_start = true;
        }
        if (!rind_key_range_is_empty(&range)) {
            left[left_count++] = range;
        }
    }
    return left_count;
}

static int range_compare_starts(const void *a_pointer, const void *b_pointer)
{
    const struct rind_key_range *a = a_pointer;
    const struct rind_key_range *b = b_pointer;
    int order = key_compare(a->start, b->start);
    return order != 0 ? order : (int)a->excludes_start - (int)b->excludes_start;
}

rind_status rind_key_ranges_sort(struct rind_ctx *ctx, const struct rind_read *read,
                                 struct rind_key_range **sorted, size_t *count)
{
    size_t given = read->ranges == NULL ? 1 : read->range_count;
    struct rind_key_range *ranges = rind_ctx_alloc_array(ctx, given, sizeof(*ranges));
    if (ranges == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    if (read->ranges == NULL) {
        ranges[0] = (struct rind_key_range){0};
    } else {
        memcpy(ranges, read->ranges, given * sizeof(*ranges));
    }
    qsort(ranges, given, sizeof(*ranges), range_compare_starts);
    *sorted = ranges;
    *count = given;
    return RIND_OK;
}

/* ---- checks, then the engine ---- */

static rind_status engine_check_table(struct rind_ctx *ctx, const struct rind_table *table)
{
    RIND_REQUIRE(ctx, table->kind >= RIND_TABLE_LOG && table->kind <= RIND_TABLE_KIND_LAST,
                 RIND_E_INVALID, "the store has no kind of table %d", (int)table->kind);
    return RIND_OK;
}

static rind_status engine_check_mutations(struct rind_ctx *ctx, const struct rind_table *table,
                                          const struct rind_mutation *mutations, size_t count)
{
    RIND_REQUIRE(ctx, count <= RIND_ENGINE_CELLS_PER_ROW_MAX, RIND_E_LIMIT,
                 "%zu mutations of one row, the limit is %u", count, RIND_ENGINE_CELLS_PER_ROW_MAX);
    for (size_t i = 0; i < count; i++) {
        const struct rind_mutation *mutation = &mutations[i];
        struct rind_table_gc gc;
        if (mutation->kind == RIND_MUTATION_DELETE_ROW) {
            continue;
        }
        RIND_REQUIRE(ctx, rind_table_family(table->kind, mutation->family, &gc), RIND_E_INVALID,
                     "the table has no family '%c'", mutation->family);
        RIND_REQUIRE(ctx, mutation->qualifier.length <= RIND_ENGINE_QUALIFIER_SIZE_BYTES_MAX,
                     RIND_E_LIMIT, "a qualifier of %zu bytes, the limit is %u",
                     mutation->qualifier.length, RIND_ENGINE_QUALIFIER_SIZE_BYTES_MAX);
        if (mutation->kind != RIND_MUTATION_SET_CELL) {
            continue;
        }
        RIND_REQUIRE(ctx, mutation->value.length <= RIND_ENGINE_VALUE_SIZE_BYTES_MAX, RIND_E_LIMIT,
                     "a value of %zu bytes, the limit is %u", mutation->value.length,
                     RIND_ENGINE_VALUE_SIZE_BYTES_MAX);
        RIND_REQUIRE(ctx,
                     mutation->timestamp_us == RIND_TIMESTAMP_SERVER ||
                         (mutation->timestamp_us >= 0 && mutation->timestamp_us % 1000 == 0),
                     RIND_E_INVALID, "a cell's timestamp must be a whole millisecond from 1970 on");
    }
    return RIND_OK;
}

static rind_status engine_check_key(struct rind_ctx *ctx, struct rind_slice key)
{
    RIND_REQUIRE(ctx, key.length >= 1 && key.length <= RIND_ENGINE_KEY_SIZE_BYTES_MAX, RIND_E_LIMIT,
                 "a row key of %zu bytes, the limit is 1 to %u", key.length,
                 RIND_ENGINE_KEY_SIZE_BYTES_MAX);
    return RIND_OK;
}

static rind_status engine_check_write(struct rind_ctx *ctx, const struct rind_write *write)
{
    RIND_TRY(engine_check_table(ctx, &write->table));
    RIND_REQUIRE(ctx, write->row_count <= RIND_ENGINE_ROWS_PER_WRITE_MAX, RIND_E_LIMIT,
                 "a write of %zu rows, the limit is %u", write->row_count,
                 RIND_ENGINE_ROWS_PER_WRITE_MAX);
    for (size_t i = 0; i < write->row_count; i++) {
        const struct rind_row_write *row = &write->rows[i];
        RIND_TRY(engine_check_key(ctx, row->key));
        RIND_REQUIRE(ctx, row->mutation_count >= 1, RIND_E_INVALID, "a row without mutations");
        RIND_TRY(engine_check_mutations(ctx, &write->table, row->mutations, row->mutation_count));
    }
    return RIND_OK;
}

rind_status rind_engine_read(struct rind_ctx *ctx, struct rind_engine *engine,
                             const struct rind_read *read, struct rind_deadline deadline,
                             struct rind_rows *rows)
{
    RIND_TRY(engine_check_table(ctx, &read->table));
    RIND_REQUIRE(ctx, read->ranges == NULL || read->range_count >= 1, RIND_E_INVALID,
                 "a read of no ranges");
    RIND_REQUIRE(ctx, read->range_count <= RIND_ENGINE_RANGES_MAX, RIND_E_LIMIT,
                 "a read of %zu ranges, the limit is %u", read->range_count,
                 RIND_ENGINE_RANGES_MAX);
    for (size_t i = 0; read->ranges != NULL && i < read->range_count; i++) {
        RIND_REQUIRE(ctx, !rind_key_range_is_empty(&read->ranges[i]), RIND_E_INVALID,
                     "range %zu of the read is empty", i);
    }
    return engine->class->read(ctx, engine, read, deadline, rows);
}

rind_status rind_engine_write(struct rind_ctx *ctx, struct rind_engine *engine,
                              const struct rind_write *write, struct rind_deadline deadline)
{
    RIND_TRY(engine_check_write(ctx, write));
    if (write->row_count == 0) {
        return RIND_OK;
    }
    return engine->class->write(ctx, engine, write, deadline);
}

rind_status rind_engine_test_and_write(struct rind_ctx *ctx, struct rind_engine *engine,
                                       const struct rind_test_and_write *request,
                                       struct rind_deadline deadline, bool *was_true)
{
    RIND_TRY(engine_check_table(ctx, &request->table));
    RIND_TRY(engine_check_key(ctx, request->key));
    RIND_TRY(
        engine_check_mutations(ctx, &request->table, request->when_true, request->when_true_count));
    RIND_TRY(engine_check_mutations(ctx, &request->table, request->when_false,
                                    request->when_false_count));
    RIND_REQUIRE(ctx, request->together == NULL || engine->class->writes_together, RIND_E_INVALID,
                 "the %s engine cannot write other rows together with a tested one",
                 engine->class->name);
    if (request->together != NULL) {
        RIND_TRY(engine_check_write(ctx, request->together));
    }
    return engine->class->test_and_write(ctx, engine, request, deadline, was_true);
}

rind_status rind_engine_create_table(struct rind_ctx *ctx, struct rind_engine *engine,
                                     const struct rind_table *table, struct rind_deadline deadline)
{
    RIND_TRY(engine_check_table(ctx, table));
    return engine->class->create_table(ctx, engine, table, deadline);
}

rind_status rind_engine_list_tables(struct rind_ctx *ctx, struct rind_engine *engine,
                                    struct rind_deadline deadline, struct rind_tables *tables)
{
    return engine->class->list_tables(ctx, engine, deadline, tables);
}

/* ---- changes ---- */

uint32_t rind_engine_topic(const struct rind_realm_id *realm, struct rind_slice row_key)
{
    /* FNV-1a: spreads random ids well; equal topics of two groups only cost a spurious wake-up. */
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < sizeof(realm->bytes); i++) {
        hash = (hash ^ realm->bytes[i]) * 16777619u;
    }
    for (size_t i = 0; i < row_key.length && i < sizeof(struct rind_group_id); i++) {
        hash = (hash ^ row_key.data[i]) * 16777619u;
    }
    return hash;
}

uint32_t rind_engine_change_count(struct rind_engine *engine, const struct rind_realm_id *realm,
                                  const struct rind_group_id *group)
{
    uint32_t topic = rind_engine_topic(realm, rind_group_id_slice(group));
    return engine->class->change_count(engine, topic);
}

void rind_engine_wait_change(struct rind_engine *engine, const struct rind_realm_id *realm,
                             const struct rind_group_id *group, uint32_t since,
                             struct rind_deadline deadline)
{
    uint32_t topic = rind_engine_topic(realm, rind_group_id_slice(group));
    engine->class->wait_change(engine, topic, since, deadline);
}

void rind_engine_wake(struct rind_engine *engine)
{
    engine->class->wake(engine);
}

/* ---- upkeep ---- */

rind_status rind_engine_collect(struct rind_ctx *ctx, struct rind_engine *engine,
                                struct rind_deadline deadline, uint64_t *removed)
{
    *removed = 0;
    return engine->class->collect(ctx, engine, deadline, removed);
}

void rind_engine_statistics(struct rind_engine *engine, struct rind_engine_statistics *statistics)
{
    memset(statistics, 0, sizeof(*statistics));
    engine->class->statistics(engine, statistics);
}

void rind_engine_close(struct rind_engine *engine)
{
    if (engine != NULL) {
        engine->class->close(engine);
    }
}

const char *rind_engine_name(const struct rind_engine *engine)
{
    return engine->class->name;
}

bool rind_engine_writes_together(const struct rind_engine *engine)
{
    return engine->class->writes_together;
}

bool rind_engine_reads_are_local(const struct rind_engine *engine)
{
    return engine->class->reads_are_local;
}

bool rind_engine_read_ahead(struct rind_engine *engine, uint64_t *position)
{
    return engine->class->read_ahead != NULL && engine->class->read_ahead(engine, position);
}

bool rind_engine_may_retry(rind_status status)
{
    return rind_is(status, RIND_E_BUSY) || rind_is(status, RIND_E_UNAVAILABLE) ||
           rind_is(status, RIND_E_NETWORK) || rind_is(status, RIND_E_TIMEOUT) ||
           rind_is(status, RIND_E_UNKNOWN_OUTCOME);
}
