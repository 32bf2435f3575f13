/* messages.c - see messages.h. */
#include "store/bigtable/messages.h"

typedef Google__Bigtable__V2__RowFilter row_filter;

/* ---- rows ---- */

static void messages_range(const struct rind_key_range *range, Google__Bigtable__V2__RowRange *made)
{
    google__bigtable__v2__row_range__init(made);
    ProtobufCBinaryData start = rind_proto_bytes(range->start);
    ProtobufCBinaryData end = rind_proto_bytes(range->end);
    if (range->excludes_start) {
        made->start_key_case = GOOGLE__BIGTABLE__V2__ROW_RANGE__START_KEY_START_KEY_OPEN;
        made->start_key_open = start;
    } else if (start.len > 0) {
        made->start_key_case = GOOGLE__BIGTABLE__V2__ROW_RANGE__START_KEY_START_KEY_CLOSED;
        made->start_key_closed = start;
    }
    if (end.len > 0 && range->includes_end) {
        made->end_key_case = GOOGLE__BIGTABLE__V2__ROW_RANGE__END_KEY_END_KEY_CLOSED;
        made->end_key_closed = end;
    } else if (end.len > 0) {
        made->end_key_case = GOOGLE__BIGTABLE__V2__ROW_RANGE__END_KEY_END_KEY_OPEN;
        made->end_key_open = end;
    }
}

static bool messages_range_is_key(const struct rind_key_range *range)
{
    return range->includes_end && !range->excludes_start && range->start.length > 0 &&
           rind_key_compare(range->start, range->end) == 0;
}

rind_status rind_bigtable_row_set(struct rind_ctx *ctx, const struct rind_key_range *ranges,
                                  size_t count, Google__Bigtable__V2__RowSet **rows)
{
    *rows = NULL;
    if (ranges == NULL) {
        return RIND_OK;
    }
    RIND_ASSERT(count > 0); /* an empty set would be the whole table on the wire (section 3.5) */
    Google__Bigtable__V2__RowSet *set = rind_ctx_alloc(ctx, sizeof(*set));
    Google__Bigtable__V2__RowRange *made = rind_ctx_alloc_array(ctx, count, sizeof(*made));
    Google__Bigtable__V2__RowRange **list = rind_ctx_alloc_array(ctx, count, sizeof(void *));
    ProtobufCBinaryData *keys = rind_ctx_alloc_array(ctx, count, sizeof(*keys));
    if (set == NULL || made == NULL || list == NULL || keys == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    google__bigtable__v2__row_set__init(set);
    set->row_keys = keys;
    set->row_ranges = list;
    for (size_t i = 0; i < count; i++) {
        if (messages_range_is_key(&ranges[i])) {
            keys[set->n_row_keys++] = rind_proto_bytes(ranges[i].start);
        } else {
            messages_range(&ranges[i], &made[i]);
            list[set->n_row_ranges++] = &made[i];
        }
    }
    *rows = set;
    return RIND_OK;
}

/* ---- filters ---- */

/* The largest filter (section 15) has nine parts. */
#define FILTERS_MAX 12u
#define FILTERS_PER_LIST_MAX 8u

/* A filter under construction: nodes and lists from one block of the arena. */
struct filter_maker {
    row_filter nodes[FILTERS_MAX];
    row_filter *lists[FILTERS_MAX][FILTERS_PER_LIST_MAX];
    Google__Bigtable__V2__RowFilter__Chain chains[FILTERS_MAX];
    Google__Bigtable__V2__RowFilter__Interleave interleaves[FILTERS_MAX];
    Google__Bigtable__V2__ColumnRange columns[FILTERS_MAX];
    Google__Bigtable__V2__TimestampRange times[FILTERS_MAX];
    Google__Bigtable__V2__ValueRange values[FILTERS_MAX];
    size_t count;
};

static row_filter *filter_make(struct filter_maker *maker,
                               Google__Bigtable__V2__RowFilter__FilterCase kind)
{
    RIND_ASSERT(maker->count < FILTERS_MAX);
    row_filter *made = &maker->nodes[maker->count++];
    google__bigtable__v2__row_filter__init(made);
    made->filter_case = kind;
    return made;
}

static row_filter *filter_cells_per_row(struct filter_maker *maker, int32_t limit)
{
    row_filter *made =
        filter_make(maker, GOOGLE__BIGTABLE__V2__ROW_FILTER__FILTER_CELLS_PER_ROW_LIMIT_FILTER);
    made->cells_per_row_limit_filter = limit;
    return made;
}

static row_filter *filter_cells_per_column(struct filter_maker *maker, int32_t limit)
{
    row_filter *made =
        filter_make(maker, GOOGLE__BIGTABLE__V2__ROW_FILTER__FILTER_CELLS_PER_COLUMN_LIMIT_FILTER);
    made->cells_per_column_limit_filter = limit;
    return made;
}

static row_filter *filter_strip(struct filter_maker *maker)
{
    row_filter *made =
        filter_make(maker, GOOGLE__BIGTABLE__V2__ROW_FILTER__FILTER_STRIP_VALUE_TRANSFORMER);
    made->strip_value_transformer = 1;
    return made;
}

/* All columns of a family; with a qualifier, only that column. */
static row_filter *filter_columns(struct filter_maker *maker, const char *family,
                                  const struct rind_slice *qualifier)
{
    Google__Bigtable__V2__ColumnRange *range = &maker->columns[maker->count];
    row_filter *made =
        filter_make(maker, GOOGLE__BIGTABLE__V2__ROW_FILTER__FILTER_COLUMN_RANGE_FILTER);
    google__bigtable__v2__column_range__init(range);
    range->family_name = rind_proto_text(family);
    if (qualifier != NULL) {
        range->start_qualifier_case =
            GOOGLE__BIGTABLE__V2__COLUMN_RANGE__START_QUALIFIER_START_QUALIFIER_CLOSED;
        range->start_qualifier_closed = rind_proto_bytes(*qualifier);
        range->end_qualifier_case =
            GOOGLE__BIGTABLE__V2__COLUMN_RANGE__END_QUALIFIER_END_QUALIFIER_CLOSED;
        range->end_qualifier_closed = range->start_qualifier_closed;
    }
    made->column_range_filter = range;
    return made;
}

static int64_t messages_ceil_ms(int64_t time_us)
{
    int64_t over_us = time_us % RIND_BIGTABLE_TIMESTAMP_UNIT_US;
    bool fits = time_us <= INT64_MAX - RIND_BIGTABLE_TIMESTAMP_UNIT_US;
    return over_us > 0 && fits ? time_us - over_us + RIND_BIGTABLE_TIMESTAMP_UNIT_US : time_us;
}

/* Cells with start_us <= timestamp < end_us; 0 as end is none. */
static row_filter *filter_times(struct filter_maker *maker, int64_t start_us, int64_t end_us)
{
    Google__Bigtable__V2__TimestampRange *range = &maker->times[maker->count];
    row_filter *made =
        filter_make(maker, GOOGLE__BIGTABLE__V2__ROW_FILTER__FILTER_TIMESTAMP_RANGE_FILTER);
    google__bigtable__v2__timestamp_range__init(range);
    range->start_timestamp_micros = start_us;
    range->end_timestamp_micros = end_us;
    made->timestamp_range_filter = range;
    return made;
}

static row_filter *filter_value(struct filter_maker *maker, struct rind_slice value)
{
    Google__Bigtable__V2__ValueRange *range = &maker->values[maker->count];
    row_filter *made =
        filter_make(maker, GOOGLE__BIGTABLE__V2__ROW_FILTER__FILTER_VALUE_RANGE_FILTER);
    google__bigtable__v2__value_range__init(range);
    range->start_value_case = GOOGLE__BIGTABLE__V2__VALUE_RANGE__START_VALUE_START_VALUE_CLOSED;
    range->start_value_closed = rind_proto_bytes(value);
    range->end_value_case = GOOGLE__BIGTABLE__V2__VALUE_RANGE__END_VALUE_END_VALUE_CLOSED;
    range->end_value_closed = range->start_value_closed;
    made->value_range_filter = range;
    return made;
}

/* One filter after another. `parts` ends with NULL. */
static row_filter *filter_chain(struct filter_maker *maker, row_filter *const *parts)
{
    size_t number = maker->count;
    Google__Bigtable__V2__RowFilter__Chain *chain = &maker->chains[number];
    row_filter *made = filter_make(maker, GOOGLE__BIGTABLE__V2__ROW_FILTER__FILTER_CHAIN);
    google__bigtable__v2__row_filter__chain__init(chain);
    chain->filters = maker->lists[number];
    while (parts[chain->n_filters] != NULL) {
        RIND_ASSERT(chain->n_filters < FILTERS_PER_LIST_MAX);
        chain->filters[chain->n_filters] = parts[chain->n_filters];
        chain->n_filters++;
    }
    made->chain = chain;
    return made;
}

/* The cells that either lets through. */
static row_filter *filter_either(struct filter_maker *maker, row_filter *one, row_filter *other)
{
    size_t number = maker->count;
    Google__Bigtable__V2__RowFilter__Interleave *both = &maker->interleaves[number];
    row_filter *made = filter_make(maker, GOOGLE__BIGTABLE__V2__ROW_FILTER__FILTER_INTERLEAVE);
    google__bigtable__v2__row_filter__interleave__init(both);
    both->filters = maker->lists[number];
    both->filters[0] = one;
    both->filters[1] = other;
    both->n_filters = 2;
    made->interleave = both;
    return made;
}

/* Section 9.4. */
static row_filter *filter_summary(struct filter_maker *maker)
{
    row_filter *entries[] = {filter_columns(maker, "f", NULL), filter_cells_per_row(maker, 1),
                             filter_strip(maker), NULL};
    return filter_either(maker, filter_chain(maker, entries), filter_columns(maker, "t", NULL));
}

/* Section 15. */
static row_filter *filter_active(struct filter_maker *maker, int64_t start_us, int64_t end_us)
{
    static const uint8_t registered[1] = {1};
    row_filter *had_secret =
        filter_either(maker, filter_value(maker, rind_slice_make(registered, sizeof(registered))),
                      filter_times(maker, start_us, 0));
    const struct rind_slice event = rind_slice_text("e");
    row_filter *parts[] = {filter_columns(maker, "f", &event),
                           filter_times(maker, 0, end_us),
                           filter_cells_per_column(maker, 1),
                           had_secret,
                           filter_cells_per_column(maker, 1),
                           filter_strip(maker),
                           NULL};
    return filter_chain(maker, parts);
}

static rind_status filter_begin(struct rind_ctx *ctx, struct filter_maker **maker)
{
    struct filter_maker *made = rind_ctx_alloc(ctx, sizeof(*made));
    if (made == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    made->count = 0;
    *maker = made;
    return RIND_OK;
}

rind_status rind_bigtable_read_filter(struct rind_ctx *ctx, const struct rind_read *read,
                                      row_filter **filter)
{
    *filter = NULL;
    if (read->cells == RIND_CELLS_ALL && !read->without_values) {
        return RIND_OK;
    }
    struct filter_maker *maker;
    RIND_TRY(filter_begin(ctx, &maker));
    row_filter *made = NULL;
    switch (read->cells) {
    case RIND_CELLS_ALL:
        break;
    case RIND_CELLS_FIRST:
        made = filter_cells_per_row(maker, 1);
        break;
    case RIND_CELLS_SUMMARY:
        made = filter_summary(maker);
        break;
    case RIND_CELLS_ACTIVE:
        made = filter_active(maker, read->start_us, read->end_us);
        break;
    default:
        RIND_UNREACHABLE("reads are made by this room only");
    }
    if (read->without_values && made == NULL) {
        made = filter_strip(maker);
    } else if (read->without_values) {
        row_filter *parts[] = {made, filter_strip(maker), NULL};
        made = filter_chain(maker, parts);
    }
    *filter = made;
    return RIND_OK;
}

rind_status rind_bigtable_condition_filter(struct rind_ctx *ctx,
                                           const struct rind_condition *condition,
                                           row_filter **filter)
{
    *filter = NULL;
    if (condition->kind == RIND_CONDITION_ROW_EXISTS) {
        return RIND_OK;
    }
    struct filter_maker *maker;
    RIND_TRY(filter_begin(ctx, &maker));
    switch (condition->kind) {
    case RIND_CONDITION_CELL_AT_LEAST:
        /* Cells have whole milliseconds, and only those are allowed in filters. */
        *filter = filter_times(maker, messages_ceil_ms(condition->timestamp_us), 0);
        break;
    case RIND_CONDITION_CELL_EQUALS:
        *filter = filter_value(maker, condition->value);
        break;
    case RIND_CONDITION_COLUMN_EXISTS:
        *filter = filter_columns(maker, "f", &condition->qualifier);
        break;
    default:
        RIND_UNREACHABLE("conditions are made by this room only");
    }
    return RIND_OK;
}

/* ---- mutations ---- */

static const char *messages_family(char family)
{
    RIND_ASSERT(family == 'f' || family == 't'); /* engine.c has checked */
    return family == 'f' ? "f" : "t";
}

/* The four kinds of one mutation; only one is used. */
struct mutation_parts {
    Google__Bigtable__V2__Mutation mutation;
    union {
        Google__Bigtable__V2__Mutation__SetCell set;
        Google__Bigtable__V2__Mutation__DeleteFromColumn column;
        Google__Bigtable__V2__Mutation__DeleteFromFamily family;
        Google__Bigtable__V2__Mutation__DeleteFromRow row;
    } of;
};

static void messages_mutation(const struct rind_mutation *mutation, struct mutation_parts *parts)
{
    Google__Bigtable__V2__Mutation *made = &parts->mutation;
    google__bigtable__v2__mutation__init(made);
    switch (mutation->kind) {
    case RIND_MUTATION_SET_CELL:
        google__bigtable__v2__mutation__set_cell__init(&parts->of.set);
        parts->of.set.family_name = rind_proto_text(messages_family(mutation->family));
        parts->of.set.column_qualifier = rind_proto_bytes(mutation->qualifier);
        parts->of.set.timestamp_micros = mutation->timestamp_us; /* -1: the server's clock */
        parts->of.set.value = rind_proto_bytes(mutation->value);
        made->mutation_case = GOOGLE__BIGTABLE__V2__MUTATION__MUTATION_SET_CELL;
        made->set_cell = &parts->of.set;
        return;
    case RIND_MUTATION_DELETE_COLUMN:
        google__bigtable__v2__mutation__delete_from_column__init(&parts->of.column);
        parts->of.column.family_name = rind_proto_text(messages_family(mutation->family));
        parts->of.column.column_qualifier = rind_proto_bytes(mutation->qualifier);
        made->mutation_case = GOOGLE__BIGTABLE__V2__MUTATION__MUTATION_DELETE_FROM_COLUMN;
        made->delete_from_column = &parts->of.column;
        return;
    case RIND_MUTATION_DELETE_FAMILY:
        google__bigtable__v2__mutation__delete_from_family__init(&parts->of.family);
        parts->of.family.family_name = rind_proto_text(messages_family(mutation->family));
        made->mutation_case = GOOGLE__BIGTABLE__V2__MUTATION__MUTATION_DELETE_FROM_FAMILY;
        made->delete_from_family = &parts->of.family;
        return;
    case RIND_MUTATION_DELETE_ROW:
        google__bigtable__v2__mutation__delete_from_row__init(&parts->of.row);
        made->mutation_case = GOOGLE__BIGTABLE__V2__MUTATION__MUTATION_DELETE_FROM_ROW;
        made->delete_from_row = &parts->of.row;
        return;
    default:
        RIND_UNREACHABLE("mutations are made by this room only");
    }
}

rind_status rind_bigtable_mutations(struct rind_ctx *ctx, const struct rind_mutation *mutations,
                                    size_t count, Google__Bigtable__V2__Mutation ***list)
{
    struct mutation_parts *parts = rind_ctx_alloc_array(ctx, count, sizeof(*parts));
    Google__Bigtable__V2__Mutation **pointers = rind_ctx_alloc_array(ctx, count, sizeof(void *));
    if (parts == NULL || pointers == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    for (size_t i = 0; i < count; i++) {
        messages_mutation(&mutations[i], &parts[i]);
        pointers[i] = &parts[i].mutation;
    }
    *list = pointers;
    return RIND_OK;
}
