/* test_plan.c - covering owners, even parts and transfer plans (spec 08 section 12). */
#include "support/test.h"

#include "cluster/cluster.h"
#include "support/vectors.h"

struct fixture {
    uint8_t memory[1 << 20];
    struct rind_arena arena;
    struct rind_ctx ctx;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    assert_non_null(fixture);
    rind_arena_init(&fixture->arena, fixture->memory, sizeof(fixture->memory));
    rind_ctx_init(&fixture->ctx, &fixture->arena);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    free(*state);
    return 0;
}

static struct rind_group_id group_id(unsigned number)
{
    struct rind_group_id id;
    memset(id.bytes, (int)number, sizeof(id.bytes));
    return id;
}

/* From first byte `start` and zeros to first byte `end` and ff. */
static struct rind_owned_range range(unsigned start, unsigned end)
{
    struct rind_owned_range made = rind_owned_range_full();
    made.start.bytes[0] = (uint8_t)start;
    made.end.bytes[0] = (uint8_t)end;
    return made;
}

static struct rind_plan_owner owner(unsigned group, unsigned start, unsigned end)
{
    return (struct rind_plan_owner){.group = group_id(group), .range = range(start, end)};
}

#define LIST(array)                                                                                \
    ((struct rind_plan_owner_list){.items = (array), .count = sizeof(array) / sizeof((array)[0])})

static bool is_covered(struct fixture *fixture, struct rind_plan_owner_list owners,
                       struct rind_owned_range wanted, size_t *count)
{
    bool covered = false;
    struct rind_plan_owner_list covering;
    assert_true(
        rind_is_ok(rind_plan_covering_owners(&fixture->ctx, owners, &wanted, &covered, &covering)));
    *count = covering.count;
    return covered;
}

static void covering_owners_accept_no_gap_and_no_double(void **state)
{
    size_t count;
    struct rind_plan_owner owners[] = {owner(3, 0x20, 0x2f), owner(1, 0, 0x0f),
                                       owner(2, 0x10, 0x1f)};
    assert_true(is_covered(*state, LIST(owners), range(0, 0x2f), &count));
    assert_int_equal(count, 3);
    assert_true(is_covered(*state, LIST(owners), range(0x11, 0x12), &count));
    assert_int_equal(count, 1);
    assert_true(is_covered(*state, LIST(owners), range(0x0f, 0x10), &count));
    assert_int_equal(count, 2);
    assert_false(is_covered(*state, LIST(owners), range(0x20, 0x30), &count));

    struct rind_plan_owner hole[] = {owner(1, 0, 0x0f), owner(3, 0x20, 0x2f), owner(4, 0x40, 0xff)};
    assert_false(is_covered(*state, LIST(hole), range(0, 0x2f), &count));
    assert_true(is_covered(*state, LIST(hole), range(0, 0x0f), &count));
    assert_false(is_covered(*state, LIST(hole), range(0x30, 0x31), &count));

    struct rind_plan_owner twice[] = {owner(1, 0, 0x0f), owner(1, 0, 0x0f)};
    assert_false(is_covered(*state, LIST(twice), range(0, 0x0f), &count));

    struct rind_plan_owner short_by_one[] = {owner(1, 0, 0xff)};
    short_by_one[0].range.start.bytes[31] = 1;
    assert_false(is_covered(*state, LIST(short_by_one), range(0, 0xff), &count));
    short_by_one[0].range = range(0, 0xff);
    short_by_one[0].range.end.bytes[31] = 0xfe;
    assert_false(is_covered(*state, LIST(short_by_one), range(0, 0xff), &count));
}

static void inverted_range_is_an_error(void **state)
{
    struct fixture *fixture = *state;
    struct rind_plan_owner owners[] = {owner(1, 0, 0xff)};
    struct rind_owned_range inverted = range(2, 0);
    bool covered;
    struct rind_plan_owner_list covering;
    assert_true(rind_is(
        rind_plan_covering_owners(&fixture->ctx, LIST(owners), &inverted, &covered, &covering),
        RIND_E_INVALID));
    struct rind_group_id destination = group_id(9);
    struct rind_plan_step_list steps;
    assert_true(rind_is(
        rind_plan_transfers(&fixture->ctx, LIST(owners), &destination, NULL, &inverted, &steps),
        RIND_E_INVALID));
}

static void even_parts_match_the_vectors(void **state)
{
    struct fixture *fixture = *state;
    json_t *file = rind_vectors_load("cluster-manager-api.json");
    json_t *parts = rind_vectors_get(file, "partition_evenly");
    const char *key;
    json_t *expected;
    json_object_foreach(parts, key, expected)
    {
        uint32_t count = (uint32_t)strtoul(key, NULL, 10);
        assert_int_equal(json_array_size(expected), count);
        for (uint32_t i = 0; i < count; i++) {
            struct rind_owned_range part;
            assert_true(rind_is_ok(rind_plan_even_part(&fixture->ctx, i, count, &part)));
            json_t *pair = json_array_get(expected, i);
            struct rind_slice start = rind_vectors_hex_of(json_array_get(pair, 0), &fixture->arena);
            struct rind_slice end = rind_vectors_hex_of(json_array_get(pair, 1), &fixture->arena);
            assert_true(rind_slice_equal(start, rind_record_id_slice(&part.start)));
            assert_true(rind_slice_equal(end, rind_record_id_slice(&part.end)));
        }
        rind_arena_reset(&fixture->arena);
    }
    json_decref(file);
}

static void even_parts_cover_everything(void **state)
{
    struct fixture *fixture = *state;
    const uint32_t counts[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 32, 108, RIND_PLAN_PARTS_MAX};
    for (size_t c = 0; c < sizeof(counts) / sizeof(counts[0]); c++) {
        struct rind_owned_range joined;
        assert_true(rind_is_ok(rind_plan_even_part(&fixture->ctx, 0, counts[c], &joined)));
        for (uint32_t i = 1; i < counts[c]; i++) {
            struct rind_owned_range part;
            assert_true(rind_is_ok(rind_plan_even_part(&fixture->ctx, i, counts[c], &part)));
            assert_true(rind_owned_range_join(&joined, &part, &joined));
        }
        struct rind_owned_range full = rind_owned_range_full();
        assert_true(rind_owned_range_equal(&joined, &full));
    }
    struct rind_owned_range part;
    assert_true(rind_is(rind_plan_even_part(&fixture->ctx, 0, 0, &part), RIND_E_INVALID));
    assert_true(rind_is(rind_plan_even_part(&fixture->ctx, 3, 3, &part), RIND_E_INVALID));
    assert_true(rind_is(rind_plan_even_part(&fixture->ctx, 0, RIND_PLAN_PARTS_MAX + 1, &part),
                        RIND_E_INVALID));
}

/* The plan as text, "S>D aa-bb" per step with the ends' first bytes. */
static const char *plan(struct fixture *fixture, struct rind_plan_owner_list owners, unsigned to,
                        const struct rind_owned_range *owned, struct rind_owned_range target)
{
    static char text[1024];
    struct rind_group_id destination = group_id(to);
    struct rind_plan_step_list steps = {0};
    rind_arena_reset(&fixture->arena);
    rind_status status =
        rind_plan_transfers(&fixture->ctx, owners, &destination, owned, &target, &steps);
    if (!rind_is_ok(status)) {
        return fixture->ctx.sentence;
    }
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < steps.count; i++) {
        const struct rind_plan_step *step = &steps.items[i];
        assert_true(rind_owned_range_is_valid(&step->range));
        used +=
            (size_t)snprintf(text + used, sizeof(text) - used, "%s%u>%u %02x-%02x",
                             i == 0 ? "" : ", ", step->source.bytes[0], step->destination.bytes[0],
                             step->range.start.bytes[0], step->range.end.bytes[0]);
    }
    return text;
}

static void plans_take_from_each_owner(void **state)
{
    struct rind_plan_owner owners[] = {owner(1, 0x00, 0x10), owner(2, 0x11, 0x20)};
    assert_string_equal(plan(*state, LIST(owners), 9, NULL, range(0, 0x15)),
                        "1>9 00-10, 2>9 11-15");
    assert_string_equal(plan(*state, LIST(owners), 9, NULL, range(0x05, 0x20)),
                        "1>9 05-10, 2>9 11-20");
}

static void plans_give_both_ends_away(void **state)
{
    struct rind_plan_owner owners[] = {owner(1, 0, 0x54), owner(2, 0x55, 0xa9),
                                       owner(3, 0xaa, 0xff)};
    assert_string_equal(plan(*state, LIST(owners), 2, &owners[1].range, range(0x64, 0x78)),
                        "2>1 55-63, 2>3 79-a9");
    assert_string_equal(plan(*state, LIST(owners), 2, &owners[1].range, range(0x55, 0xa9)), "");
    assert_string_equal(plan(*state, LIST(owners), 2, &owners[1].range, range(0, 0xff)),
                        "1>2 00-54, 3>2 aa-ff");
    assert_string_equal(plan(*state, LIST(owners), 1, &owners[0].range, range(0, 0x60)),
                        "2>1 55-60");
}

static void plan_for_everything_takes_left_then_right(void **state)
{
    struct fixture *fixture = *state;
    struct rind_plan_owner owners[20];
    for (uint32_t i = 0; i < 20; i++) {
        owners[i].group = group_id(i);
        assert_true(rind_is_ok(rind_plan_even_part(&fixture->ctx, i, 20, &owners[i].range)));
    }
    struct rind_group_id destination = group_id(10);
    struct rind_owned_range full = rind_owned_range_full();
    struct rind_plan_step_list steps;
    assert_true(rind_is_ok(rind_plan_transfers(&fixture->ctx, LIST(owners), &destination,
                                               &owners[10].range, &full, &steps)));
    assert_int_equal(steps.count, 19);
    for (size_t i = 0; i < 10; i++) {
        assert_int_equal(steps.items[i].source.bytes[0], 9 - i);
        assert_true(rind_owned_range_equal(&steps.items[i].range, &owners[9 - i].range));
    }
    for (size_t i = 10; i < 19; i++) {
        assert_int_equal(steps.items[i].source.bytes[0], i + 1);
    }
}

static void plans_never_make_a_hole(void **state)
{
    struct rind_plan_owner one[] = {owner(1, 0, 0xff)};
    assert_string_equal(plan(*state, LIST(one), 9, NULL, range(0x10, 0x20)),
                        "The requested transfer would result in trying to create a hole in one of "
                        "the source groups");
    struct rind_plan_owner two[] = {owner(1, 0, 0x7f), owner(2, 0x80, 0x8f), owner(3, 0x90, 0xff)};
    assert_string_equal(
        plan(*state, LIST(two), 3, &two[2].range, range(0, 0x10)),
        "The requested transfer would result in a range with a hole at the destination");
}

static void plans_need_known_owners(void **state)
{
    struct rind_plan_owner owners[] = {owner(1, 0, 0x10)};
    assert_non_null(
        strstr(plan(*state, LIST(owners), 9, NULL, range(0, 0x20)), "exactly one known owner"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(covering_owners_accept_no_gap_and_no_double, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(inverted_range_is_an_error, setup, teardown),
        cmocka_unit_test_setup_teardown(even_parts_match_the_vectors, setup, teardown),
        cmocka_unit_test_setup_teardown(even_parts_cover_everything, setup, teardown),
        cmocka_unit_test_setup_teardown(plans_take_from_each_owner, setup, teardown),
        cmocka_unit_test_setup_teardown(plans_give_both_ends_away, setup, teardown),
        cmocka_unit_test_setup_teardown(plan_for_everything_takes_left_then_right, setup, teardown),
        cmocka_unit_test_setup_teardown(plans_never_make_a_hole, setup, teardown),
        cmocka_unit_test_setup_teardown(plans_need_known_owners, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
