/*
 * test_properties.c - what holds for every message: random values survive a round trip, the tables
 * fit the structs, cut or corrupted bytes are refused or decode to something that encodes.
 *
 * The seed is fixed; `--seed N` tries another and repeats a failure.
 */
#include "fixture.h"
#include "messages.h"
#include "plain_tables.h"

#define VALUES_PER_MESSAGE 12u
#define NODES_COUNT 6000u
#define PLAIN_ARENA_SIZE 1000000u
#define CORRUPTED_SIZE_MAX 3000u /* longer encodings are corrupted at every 7th byte only */

static const struct rind_schema *const messages[] = {MESSAGES(MESSAGE_ROW)};
#define MESSAGES_COUNT (sizeof(messages) / sizeof(messages[0]))

static uint64_t seed = 20261124;

/* splitmix64: good enough for tests, and the same everywhere. */
static uint64_t random_next(uint64_t *state)
{
    *state += 0x9e3779b97f4a7c15u;
    uint64_t z = *state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static uint64_t random_below(uint64_t *state, uint64_t bound)
{
    return random_next(state) % bound;
}

/* Small, large and edge values alike, within min..max. */
static uint64_t random_integer(uint64_t *state, uint64_t min, uint64_t max)
{
    static const uint64_t edges[] = {0, 23, 24, 255, 256, 65535, 65536, UINT32_MAX, UINT64_MAX};
    uint64_t value = random_below(state, 2) == 0
                         ? edges[random_below(state, sizeof(edges) / sizeof(edges[0]))]
                         : random_next(state) >> random_below(state, 64);
    return value < min ? min : value > max ? max : value;
}

static void random_fill(uint64_t *state, uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (uint8_t)random_next(state);
    }
}

static struct rind_slice random_slice(uint64_t *state, const struct rind_schema *schema,
                                      struct rind_arena *arena)
{
    static const char *const texts[] = {"", "a", "Witness", "\xe2\x82\xac", "null"};
    static const uint8_t raw[] = {0xa1, 0x61, 'k', 0x82, 0x01, 0xf6};
    if (schema->kind == RIND_KIND_TEXT) {
        return rind_slice_text(texts[random_below(state, sizeof(texts) / sizeof(texts[0]))]);
    }
    if (schema->kind == RIND_KIND_RAW) {
        return random_below(state, 2) == 0 ? rind_slice_make(raw, 6) : rind_slice_make(raw + 4, 1);
    }
    size_t length = random_integer(state, 0, schema->max < 300 ? schema->max : 300);
    uint8_t *bytes = rind_arena_alloc_aligned(arena, length, 1);
    assert_non_null(bytes);
    random_fill(state, bytes, length);
    return rind_slice_make(bytes, length);
}

static void random_value(uint64_t *state, const struct rind_schema *schema, uint8_t *value,
                         struct rind_arena *arena);

static void random_row(uint64_t *state, const struct rind_field *row, uint8_t *base,
                       struct rind_arena *arena)
{
    if (row->presence != RIND_PRESENT) {
        bool is_there = random_below(state, 2) == 0;
        memcpy(base + row->has_offset, &is_there, sizeof(is_there));
        if (!is_there) {
            return;
        }
    }
    random_value(state, row->schema, base + row->offset, arena);
}

static void random_items(uint64_t *state, const struct rind_schema *schema, uint8_t *value,
                         struct rind_arena *arena)
{
    struct {
        uint8_t *items;
        size_t count;
    } list = {NULL, random_below(state, 4)};
    if (random_below(state, 16) == 0 && schema->max > 30) {
        list.count = 30; /* a head of two bytes */
    }
    list.items = rind_arena_alloc_array(arena, list.count, schema->element_size);
    assert_non_null(list.items);
    for (size_t i = 0; i < list.count; i++) {
        uint8_t *item = list.items + i * schema->element_size;
        if (schema->kind == RIND_KIND_LIST) {
            random_value(state, schema->element, item, arena);
        } else {
            random_row(state, &schema->fields[0], item, arena);
            random_row(state, &schema->fields[1], item, arena);
        }
    }
    memcpy(value, &list, sizeof(list));
}

static void random_integer_value(uint64_t *state, const struct rind_schema *schema, uint8_t *value)
{
    uint64_t integer = random_integer(state, schema->min, schema->max);
    uint32_t u32 = (uint32_t)integer;
    uint16_t u16 = (uint16_t)integer;
    if (schema->size == sizeof(u16)) {
        memcpy(value, &u16, sizeof(u16));
    } else if (schema->size == sizeof(u32)) {
        memcpy(value, &u32, sizeof(u32));
    } else {
        memcpy(value, &integer, sizeof(integer));
    }
}

/* Recursion is fine here: tables end, and this is a test. */
static void random_value(uint64_t *state, const struct rind_schema *schema, uint8_t *value,
                         struct rind_arena *arena)
{
    struct rind_slice slice;
    struct rind_duration duration;
    uint32_t kind;
    bool truth = random_below(state, 2) == 0;
    switch (schema->kind) {
    case RIND_KIND_BYTES_FIXED:
        random_fill(state, value, schema->size);
        break;
    case RIND_KIND_SCALAR:
        random_fill(state, value, schema->size);
        value[31] &= 0x0f;
        break;
    case RIND_KIND_BYTES:
    case RIND_KIND_TEXT:
    case RIND_KIND_RAW:
        slice = random_slice(state, schema, arena);
        memcpy(value, &slice, sizeof(slice));
        break;
    case RIND_KIND_U16:
    case RIND_KIND_U16_SATURATING:
    case RIND_KIND_U32:
    case RIND_KIND_U64:
        random_integer_value(state, schema, value);
        break;
    case RIND_KIND_BOOL:
        memcpy(value, &truth, sizeof(truth));
        break;
    case RIND_KIND_DURATION:
        duration =
            (struct rind_duration){random_next(state), (uint32_t)random_below(state, 1000000000)};
        memcpy(value, &duration, sizeof(duration));
        break;
    case RIND_KIND_STRUCT:
    case RIND_KIND_TUPLE:
        for (size_t i = 0; i < schema->field_count; i++) {
            random_row(state, &schema->fields[i], value, arena);
        }
        break;
    case RIND_KIND_ENUM:
        kind = (uint32_t)random_below(state, schema->field_count) + 1;
        memcpy(value, &kind, sizeof(kind));
        if (schema->fields[kind - 1].schema != NULL) {
            random_row(state, &schema->fields[kind - 1], value, arena);
        }
        break;
    case RIND_KIND_LIST:
    case RIND_KIND_MAP:
        random_items(state, schema, value, arena);
        break;
    }
}

/* Encodes a fresh random value of the schema. */
static struct rind_slice random_message(struct fixture *fixture, uint64_t *state,
                                        const struct rind_schema *schema)
{
    alignas(max_align_t) uint8_t value[VALUE_SIZE_MAX] = {0};
    struct rind_slice encoded;
    assert_true(schema->size <= sizeof(value));
    random_value(state, schema, value, &fixture->arena);
    if (!rind_is_ok(rind_wire_encode_alloc(&fixture->ctx, schema, value, &encoded))) {
        fail_msg("seed %llu: %s: %s", (unsigned long long)seed, schema->name,
                 fixture->ctx.sentence);
    }
    return encoded;
}

static void every_value_survives_a_round_trip(void **state)
{
    struct fixture *fixture = *state;
    uint64_t random = seed;
    for (size_t i = 0; i < MESSAGES_COUNT * VALUES_PER_MESSAGE; i++) {
        const struct rind_schema *schema = messages[i % MESSAGES_COUNT];
        alignas(max_align_t) uint8_t value[VALUE_SIZE_MAX];
        rind_arena_reset(&fixture->arena);
        struct rind_slice encoded = random_message(fixture, &random, schema);
        struct rind_slice again;
        for (int profile = RIND_WIRE_STRICT; profile <= RIND_WIRE_LENIENT; profile++) {
            if (!rind_is_ok(rind_wire_decode(&fixture->ctx, (enum rind_wire_profile)profile, schema,
                                             encoded, value)) ||
                !rind_is_ok(rind_wire_encode_alloc(&fixture->ctx, schema, value, &again)) ||
                !rind_slice_equal(encoded, again)) {
                fail_msg("seed %llu: %s does not survive: %s", (unsigned long long)seed,
                         schema->name, fixture->ctx.sentence);
            }
        }
    }
}

static void check_plain_table_agrees(enum rind_wire_profile profile,
                                     const struct rind_schema *schema, struct rind_slice input)
{
    static alignas(max_align_t) uint8_t memory[2][PLAIN_ARENA_SIZE];
    struct rind_arena arenas[2];
    struct rind_ctx contexts[2];
    for (size_t i = 0; i < 2; i++) {
        rind_arena_init(&arenas[i], memory[i], sizeof(memory[i]));
        rind_ctx_init(&contexts[i], &arenas[i]);
    }
    if (!plain_table_agrees(&contexts[0], &contexts[1], profile, schema, input)) {
        fail_msg("seed %llu: %s differs from its plain table: \"%s\" and \"%s\"",
                 (unsigned long long)seed, schema->name, contexts[0].sentence,
                 contexts[1].sentence);
    }
}

/* Decodes from memory that ends with the input; what decodes must encode, and decode again. */
static bool decode_exact(struct fixture *fixture, enum rind_wire_profile profile,
                         const struct rind_schema *schema, struct rind_slice input)
{
    alignas(max_align_t) uint8_t value[VALUE_SIZE_MAX];
    uint8_t *copy = malloc(input.length == 0 ? 1 : input.length);
    memcpy(copy, input.data, input.length);
    size_t mark = rind_arena_mark(&fixture->arena);
    bool is_good = rind_is_ok(rind_wire_decode(&fixture->ctx, profile, schema,
                                               rind_slice_make(copy, input.length), value));
    if (is_good) {
        struct rind_slice encoded;
        if (!rind_is_ok(rind_wire_encode_alloc(&fixture->ctx, schema, value, &encoded)) ||
            !rind_is_ok(rind_wire_decode(&fixture->ctx, profile, schema, encoded, value))) {
            fail_msg("seed %llu: %s decodes but does not encode: %s", (unsigned long long)seed,
                     schema->name, fixture->ctx.sentence);
        }
    }
    rind_arena_release(&fixture->arena, mark);
    check_plain_table_agrees(profile, schema, rind_slice_make(copy, input.length));
    free(copy);
    return is_good;
}

static void no_message_decodes_when_cut_short(void **state)
{
    struct fixture *fixture = *state;
    uint64_t random = seed + 1;
    for (size_t i = 0; i < MESSAGES_COUNT; i++) {
        rind_arena_reset(&fixture->arena);
        struct rind_slice encoded = random_message(fixture, &random, messages[i]);
        for (size_t length = 0; length < encoded.length; length++) {
            struct rind_slice cut = rind_slice_make(encoded.data, length);
            assert_false(decode_exact(fixture, RIND_WIRE_STRICT, messages[i], cut));
            assert_false(decode_exact(fixture, RIND_WIRE_LENIENT, messages[i], cut));
        }
    }
}

static void corrupted_bytes_never_crash(void **state)
{
    static const uint8_t masks[] = {0x01, 0x20, 0x80, 0xff};
    struct fixture *fixture = *state;
    uint64_t random = seed + 2;
    for (size_t i = 0; i < MESSAGES_COUNT; i++) {
        rind_arena_reset(&fixture->arena);
        struct rind_slice encoded = random_message(fixture, &random, messages[i]);
        uint8_t *bytes = rind_arena_alloc_aligned(&fixture->arena, encoded.length, 1);
        memcpy(bytes, encoded.data, encoded.length);
        size_t step = encoded.length > CORRUPTED_SIZE_MAX ? 7 : 1;
        for (size_t at = 0; at < encoded.length; at += step) {
            for (size_t mask = 0; mask < sizeof(masks); mask++) {
                bytes[at] ^= masks[mask];
                struct rind_slice input = rind_slice_make(bytes, encoded.length);
                (void)decode_exact(fixture, RIND_WIRE_STRICT, messages[i], input);
                (void)decode_exact(fixture, RIND_WIRE_LENIENT, messages[i], input);
                bytes[at] ^= masks[mask];
            }
        }
    }
}

/*
 * Nodes and their keys are read in one piece when they are in our own form. What is nearly so (a
 * byte changed, put in, taken out or said twice, another integer for a length) is read as the walk
 * along the table reads it.
 */
static void nodes_are_read_as_their_tables_say(void **state)
{
    static const struct rind_schema *const nodes[] = {&rind_branch_schema, &rind_node_key_schema,
                                                      &rind_interior_node_schema, &rind_node_schema,
                                                      &rind_read_proof_schema};
    static const uint8_t bytes[] = {0x00, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x20, 0x58, 0x59, 0x5f,
                                    0x64, 0x78, 0x98, 0xa1, 0xa2, 0xa3, 0xc2, 0xf6, 0xf8, 0xff};
    struct fixture *fixture = *state;
    uint64_t random = seed + 3;
    size_t good_count = 0;
    for (size_t i = 0; i < NODES_COUNT; i++) {
        const struct rind_schema *schema = nodes[i % (sizeof(nodes) / sizeof(nodes[0]))];
        rind_arena_reset(&fixture->arena);
        struct rind_slice encoded = random_message(fixture, &random, schema);
        uint8_t *copy = rind_arena_alloc_aligned(&fixture->arena, encoded.length + 64, 1);
        size_t length = encoded.length;
        memcpy(copy, encoded.data, length);
        for (uint64_t edits = random_below(&random, 3); edits > 0; edits--) {
            size_t at = random_below(&random, length < 20 ? length : 20);
            size_t size = random_below(&random, 5);
            at = random_below(&random, 2) == 0 ? at : random_below(&random, length);
            uint8_t byte = bytes[random_below(&random, sizeof(bytes))];
            switch (random_below(&random, 4)) {
            case 0: /* another byte */
                copy[at] = byte;
                break;
            case 1: /* one more byte */
                memmove(copy + at + 1, copy + at, length - at);
                copy[at] = byte;
                length++;
                break;
            case 2: /* some said twice */
                size = size < length - at ? size : length - at;
                memmove(copy + at + size, copy + at, length - at);
                length += size;
                break;
            default: /* some less */
                size = size < length - at ? size : length - at;
                memmove(copy + at, copy + at + size, length - at - size);
                length -= size;
                break;
            }
            length = length == 0 ? 1 : length;
        }
        good_count +=
            decode_exact(fixture, RIND_WIRE_STRICT, schema, rind_slice_make(copy, length));
        (void)decode_exact(fixture, RIND_WIRE_LENIENT, schema, rind_slice_make(copy, length));
    }
    assert_in_range(good_count, NODES_COUNT / 4, NODES_COUNT * 3 / 4);
}

static void check_row(const struct rind_schema *schema, const struct rind_field *row,
                      size_t struct_size)
{
    assert_int_equal(row->name_length, strlen(row->name));
    if (row->schema != NULL) {
        assert_true(row->offset + row->schema->size <= struct_size);
    }
    if (row->presence != RIND_PRESENT) {
        assert_true(row->has_offset + sizeof(bool) <= struct_size);
        assert_true(row->has_offset < row->offset);
    }
    if (schema->kind == RIND_KIND_ENUM && row->schema != NULL) {
        assert_true(row->offset >= sizeof(uint32_t)); /* behind `kind` */
    }
}

static void every_table_fits_its_struct(void **state)
{
    (void)state;
    for (size_t i = 0; i < MESSAGES_COUNT; i++) {
        const struct rind_schema *schema = messages[i];
        assert_true(schema->field_count <= RIND_SCHEMA_FIELDS_MAX);
        if (schema->kind == RIND_KIND_LIST) {
            assert_int_equal(schema->element_size, schema->element->size);
            assert_true(schema->max > 0);
        }
        for (size_t row = 0; row < schema->field_count; row++) {
            bool is_map = schema->kind == RIND_KIND_MAP;
            check_row(schema, &schema->fields[row], is_map ? schema->element_size : schema->size);
            for (size_t other = 0; other < row; other++) {
                assert_string_not_equal(schema->fields[row].name, schema->fields[other].name);
            }
        }
    }
}

/* Fields of one struct must not share memory, or a table names the wrong member. */
static void no_two_fields_of_a_struct_overlap(void **state)
{
    (void)state;
    for (size_t i = 0; i < MESSAGES_COUNT; i++) {
        const struct rind_schema *schema = messages[i];
        if (schema->kind != RIND_KIND_STRUCT && schema->kind != RIND_KIND_TUPLE) {
            continue;
        }
        for (size_t a = 0; a < schema->field_count; a++) {
            for (size_t b = 0; b < a; b++) {
                const struct rind_field *one = &schema->fields[a];
                const struct rind_field *two = &schema->fields[b];
                assert_true(one->offset >= two->offset + two->schema->size ||
                            two->offset >= one->offset + one->schema->size);
            }
        }
    }
}

/* Encoding any message into a buffer one byte too small is an error that leaves no trace. */
static void encoding_needs_exactly_its_size(void **state)
{
    struct fixture *fixture = *state;
    uint64_t random = seed + 3;
    for (size_t i = 0; i < MESSAGES_COUNT; i++) {
        alignas(max_align_t) uint8_t value[VALUE_SIZE_MAX] = {0};
        rind_arena_reset(&fixture->arena);
        random_value(&random, messages[i], value, &fixture->arena);
        size_t size;
        assert_true(rind_is_ok(rind_wire_size(&fixture->ctx, messages[i], value, &size)));
        uint8_t *memory = malloc(size);
        struct rind_buffer out;
        rind_buffer_init(&out, memory, size - 1);
        assert_true(
            rind_is(rind_wire_encode(&fixture->ctx, messages[i], value, &out), RIND_E_LIMIT));
        assert_int_equal(out.length, 0);
        assert_false(out.is_overflown);
        rind_buffer_init(&out, memory, size);
        assert_true(rind_is_ok(rind_wire_encode(&fixture->ctx, messages[i], value, &out)));
        assert_int_equal(out.length, size);
        free(memory);
    }
}

/* --- Limits of every list, map, byte string and text there is --- */

#define LIMIT_TRIED_MAX 70000u /* larger ones are bounds of last resort: see wire/agent.h */

/* An item whose head declares `count`, with as many zero bytes behind it. */
static rind_status decode_zeros(struct fixture *fixture, const struct rind_schema *schema,
                                unsigned major, uint64_t count)
{
    alignas(max_align_t) uint8_t value[VALUE_SIZE_MAX];
    size_t size = 9 + 2 * (size_t)count;
    uint8_t *bytes = calloc(1, size);
    assert_non_null(bytes);
    bytes[0] = (uint8_t)(major << 5 | 27u);
    rind_put_be64(bytes + 1, count);
    rind_status status =
        rind_wire_decode_strict(&fixture->ctx, schema, rind_slice_make(bytes, size), value);
    free(bytes);
    return status;
}

static size_t check_limit(struct fixture *fixture, const struct rind_schema *schema)
{
    unsigned major;
    switch (schema->kind) {
    case RIND_KIND_BYTES:
        major = 2;
        break;
    case RIND_KIND_TEXT:
        major = 3;
        break;
    case RIND_KIND_LIST:
        major = 4;
        break;
    case RIND_KIND_MAP:
        major = 5;
        break;
    default:
        return 0;
    }
    if (schema->max > LIMIT_TRIED_MAX) {
        return 0;
    }
    rind_arena_reset(&fixture->arena);
    rind_status at_limit = decode_zeros(fixture, schema, major, schema->max);
    assert_true(!rind_is(at_limit, RIND_E_LIMIT) || fixture->arena.is_exhausted);
    rind_arena_reset(&fixture->arena);
    assert_true(rind_is(decode_zeros(fixture, schema, major, schema->max + 1), RIND_E_LIMIT));
    assert_false(fixture->arena.is_exhausted);
    return 1;
}

static size_t check_limits_below(struct fixture *fixture, const struct rind_schema *schema)
{
    size_t checked = check_limit(fixture, schema);
    if (schema->element != NULL) {
        checked += check_limits_below(fixture, schema->element);
    }
    for (size_t i = 0; i < schema->field_count; i++) {
        if (schema->fields[i].schema != NULL) {
            checked += check_limits_below(fixture, schema->fields[i].schema);
        }
    }
    return checked;
}

static void every_limit_holds_on_both_sides(void **state)
{
    struct fixture *fixture = *state;
    size_t checked = 0;
    checked += check_limits_below(fixture, &rind_hsm_request_envelope_schema);
    checked += check_limits_below(fixture, &rind_hsm_commit_response_schema);
    checked += check_limits_below(fixture, &rind_hsm_response_envelope_schema);
    checked += check_limits_below(fixture, &rind_agent_status_response_schema);
    checked += check_limits_below(fixture, &rind_agent_app_request_schema);
    checked += check_limits_below(fixture, &rind_agent_rate_state_response_schema);
    checked += check_limits_below(fixture, &rind_client_request_schema);
    checked += check_limits_below(fixture, &rind_persistent_state_schema);
    checked += check_limits_below(fixture, &rind_spliced_app_response_schema);
    assert_true(checked > 20);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--seed") == 0) {
        seed = strtoull(argv[2], NULL, 10);
    }
    const struct CMUnitTest tests[] = {
        TEST(every_table_fits_its_struct),     TEST(no_two_fields_of_a_struct_overlap),
        TEST(every_limit_holds_on_both_sides), TEST(every_value_survives_a_round_trip),
        TEST(encoding_needs_exactly_its_size), TEST(no_message_decodes_when_cut_short),
        TEST(corrupted_bytes_never_crash),     TEST(nodes_are_read_as_their_tables_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
