/* test_workload.c - the worked cases of spec 08 sections 6.2 and 8.3, and what they leave open. */
#include "support/test.h"

#include "cluster/cluster.h"

#define HSMS 3
#define GROUPS_MAX 8

/* A realm of up to three HSMs; hsm h is index h-1, id all h; group g has id all g. */
struct realm {
    struct rind_cluster_hsm hsms[HSMS];
    struct rind_hsm_status_response statuses[HSMS];
    struct rind_group_status groups[HSMS][GROUPS_MAX];
    struct rind_hsm_id members[GROUPS_MAX][HSMS];
    size_t member_count[GROUPS_MAX];
    size_t hsm_count;
    uint8_t memory[1 << 16];
    struct rind_arena arena;
    struct rind_ctx ctx;
};

static struct rind_group_id group_id(unsigned number)
{
    struct rind_group_id id;
    memset(id.bytes, (int)number, sizeof(id.bytes));
    return id;
}

static struct rind_realm_id realm_id(void)
{
    struct rind_realm_id id;
    memset(id.bytes, 0x77, sizeof(id.bytes));
    return id;
}

static struct realm *realm_new(size_t hsm_count)
{
    struct realm *realm = calloc(1, sizeof(*realm));
    assert_non_null(realm);
    rind_arena_init(&realm->arena, realm->memory, sizeof(realm->memory));
    rind_ctx_init(&realm->ctx, &realm->arena);
    realm->hsm_count = hsm_count;
    for (size_t h = 0; h < hsm_count; h++) {
        struct rind_hsm_status_response *status = &realm->statuses[h];
        memset(status->id.bytes, (int)h + 1, sizeof(status->id.bytes));
        status->has_realm = true;
        status->realm.id = realm_id();
        status->realm.groups.items = realm->groups[h];
        realm->hsms[h].status = status;
    }
    return realm;
}

/* Adds group `number` with the HSMs of the bit mask `members`; all have captured index 100000. */
static void realm_add_group(struct realm *realm, unsigned number, unsigned members)
{
    for (size_t h = 0; h < realm->hsm_count; h++) {
        if ((members >> h & 1u) != 0) {
            realm->members[number][realm->member_count[number]++] = realm->statuses[h].id;
        }
    }
    for (size_t h = 0; h < realm->hsm_count; h++) {
        if ((members >> h & 1u) != 0) {
            struct rind_group_status *group =
                &realm->groups[h][realm->statuses[h].realm.groups.count++];
            group->id = group_id(number);
            group->configuration.items = realm->members[number];
            group->configuration.count = realm->member_count[number];
            group->has_captured = true;
            group->captured.index = 100000;
        }
    }
}

static struct rind_group_status *realm_group(struct realm *realm, size_t hsm, unsigned number)
{
    for (size_t i = 0; i < realm->statuses[hsm - 1].realm.groups.count; i++) {
        struct rind_group_id id = group_id(number);
        if (rind_group_id_equal(&realm->groups[hsm - 1][i].id, &id)) {
            return &realm->groups[hsm - 1][i];
        }
    }
    return NULL;
}

/* Makes HSM `hsm` lead the group with leader weight 2 + width. */
static void realm_lead(struct realm *realm, size_t hsm, unsigned number, unsigned width)
{
    struct rind_group_status *group = realm_group(realm, hsm, number);
    group->has_leader = true;
    group->leader.has_owned_range = width > 0;
    memset(&group->leader.owned_range, 0, sizeof(group->leader.owned_range));
    group->leader.owned_range.end.bytes[0] = (uint8_t)width;
}

/* Performs the next move and tells it as "gN hA->hB", or "none". */
static const char *realm_move(struct realm *realm)
{
    static char text[32];
    bool has_move;
    struct rind_cluster_move move;
    struct rind_cluster_hsm_list list = {.items = realm->hsms, .count = realm->hsm_count};
    assert_true(rind_is_ok(rind_workload_choose_move(&realm->ctx, list, &has_move, &move)));
    rind_arena_reset(&realm->arena);
    if (!has_move) {
        return "none";
    }
    unsigned number = move.group.bytes[0];
    struct rind_group_status *from = realm_group(realm, move.from + 1, number);
    struct rind_group_status *to = realm_group(realm, move.to + 1, number);
    to->has_leader = true;
    to->leader = from->leader;
    from->has_leader = false;
    (void)snprintf(text, sizeof(text), "g%u h%zu->h%zu", number, move.from + 1, move.to + 1);
    return text;
}

static uint64_t realm_work(const struct realm *realm, size_t hsm)
{
    return rind_workload_of_hsm(&realm->statuses[hsm - 1]);
}

static void idle_hsm_takes_one_group(void **state)
{
    (void)state;
    struct realm *realm = realm_new(3);
    realm_add_group(realm, 0, 1);
    realm_add_group(realm, 1, 7);
    realm_add_group(realm, 2, 7);
    realm_lead(realm, 1, 0, 0);
    realm_lead(realm, 1, 1, 0x80);
    realm_lead(realm, 2, 2, 0x80);
    assert_int_equal(realm_work(realm, 1), 135);
    assert_int_equal(realm_work(realm, 2), 132);
    assert_int_equal(realm_work(realm, 3), 2);
    assert_string_equal(realm_move(realm), "g1 h1->h3");
    assert_string_equal(realm_move(realm), "none");
    free(realm);
}

static void busy_hsm_gives_away_both_groups(void **state)
{
    (void)state;
    struct realm *realm = realm_new(3);
    realm_add_group(realm, 0, 1);
    realm_add_group(realm, 1, 7);
    realm_add_group(realm, 2, 7);
    realm_lead(realm, 1, 0, 0);
    realm_lead(realm, 1, 1, 0x80);
    realm_lead(realm, 1, 2, 0x80);
    assert_string_equal(realm_move(realm), "g1 h1->h2");
    assert_string_equal(realm_move(realm), "g2 h1->h3");
    assert_string_equal(realm_move(realm), "none");
    free(realm);
}

static void group_closest_to_the_excess_moves_first(void **state)
{
    (void)state;
    struct realm *realm = realm_new(3);
    realm_add_group(realm, 0, 1);
    for (unsigned g = 1; g <= 5; g++) {
        realm_add_group(realm, g, 7);
    }
    realm_lead(realm, 1, 0, 0);
    realm_lead(realm, 1, 1, 0x10);
    realm_lead(realm, 1, 2, 0x40);
    realm_lead(realm, 1, 3, 0x50);
    realm_lead(realm, 2, 4, 0x50);
    realm_lead(realm, 3, 5, 0x30);
    assert_string_equal(realm_move(realm), "g2 h1->h3");
    assert_string_equal(realm_move(realm), "g1 h1->h2");
    assert_string_equal(realm_move(realm), "none");
    free(realm);
}

static void only_members_take_over(void **state)
{
    (void)state;
    struct realm *realm = realm_new(3);
    realm_add_group(realm, 0, 1);
    realm_add_group(realm, 1, 3);
    realm_add_group(realm, 2, 5);
    realm_add_group(realm, 3, 6);
    realm_lead(realm, 1, 0, 0);
    realm_lead(realm, 1, 1, 0x10);
    realm_lead(realm, 1, 2, 0x80);
    realm_lead(realm, 3, 3, 0x10);
    assert_string_equal(realm_move(realm), "g2 h1->h3");
    assert_string_equal(realm_move(realm), "g3 h3->h2");
    assert_string_equal(realm_move(realm), "none");
    free(realm);
}

/* Two HSMs; the other one's capture of the group that should move is `captured`. */
static const char *move_with_capture(uint64_t leader, uint64_t captured)
{
    struct realm *realm = realm_new(2);
    realm_add_group(realm, 0, 1);
    realm_add_group(realm, 1, 3);
    realm_lead(realm, 1, 0, 0x40);
    realm_lead(realm, 1, 1, 0x80);
    realm_group(realm, 1, 1)->captured.index = leader;
    realm_group(realm, 2, 1)->captured.index = captured;
    const char *move = realm_move(realm);
    free(realm);
    return move;
}

static void hsm_too_far_behind_does_not_take_over(void **state)
{
    (void)state;
    assert_string_equal(move_with_capture(98000, 90000), "none");
    assert_string_equal(move_with_capture(98000, 97123), "g1 h1->h2");
    assert_string_equal(move_with_capture(98000, 97000), "none");
    assert_string_equal(move_with_capture(98000, 97001), "g1 h1->h2");
    assert_string_equal(move_with_capture(500, 1), "g1 h1->h2");
    assert_string_equal(move_with_capture(500, 0), "none");
}

static void single_hsm_and_single_member_groups_stay(void **state)
{
    (void)state;
    struct realm *realm = realm_new(1);
    realm_add_group(realm, 1, 1);
    realm_lead(realm, 1, 1, 0xff);
    assert_string_equal(realm_move(realm), "none");
    free(realm);

    realm = realm_new(2);
    realm_add_group(realm, 1, 1);
    realm_add_group(realm, 2, 2);
    realm_lead(realm, 1, 1, 0xff);
    assert_string_equal(realm_move(realm), "none");
    free(realm);
}

static void inverted_range_counts_as_empty(void **state)
{
    (void)state;
    struct rind_group_status group = {.has_leader = true};
    group.leader.has_owned_range = true;
    group.leader.owned_range.start.bytes[0] = 9;
    group.leader.owned_range.end.bytes[0] = 3;
    assert_int_equal(rind_workload_of_group(&group), 3);
    group.leader.owned_range = rind_owned_range_full();
    assert_int_equal(rind_workload_of_group(&group), 258);
}

static void candidates_come_by_work_then_capture(void **state)
{
    (void)state;
    struct realm *realm = realm_new(3);
    realm_add_group(realm, 1, 7);
    realm_add_group(realm, 2, 1);
    realm_lead(realm, 1, 2, 9);
    realm_group(realm, 1, 1)->captured.index = 14;
    realm_group(realm, 2, 1)->captured.index = 1;
    realm_group(realm, 3, 1)->captured.index = 13;
    struct rind_cluster_hsm_list list = {.items = realm->hsms, .count = 3};
    struct rind_realm_id realm_ = realm_id();
    struct rind_group_id group = group_id(1);
    size_t *order;
    size_t count;
    assert_true(rind_is_ok(rind_workload_order_candidates(&realm->ctx, list,
                                                          (struct rind_workload_pledge_list){0},
                                                          &realm_, &group, NULL, &order, &count)));
    assert_int_equal(count, 3);
    assert_int_equal(order[0], 2);
    assert_int_equal(order[1], 1);
    assert_int_equal(order[2], 0);

    realm_group(realm, 3, 1)->has_captured = false;
    assert_true(rind_is_ok(
        rind_workload_order_candidates(&realm->ctx, list, (struct rind_workload_pledge_list){0},
                                       &realm_, &group, &realm->statuses[0].id, &order, &count)));
    assert_int_equal(count, 2);
    assert_int_equal(order[0], 1);
    assert_int_equal(order[1], 2);

    struct rind_group_id unknown = group_id(9);
    assert_true(rind_is(rind_workload_order_candidates(&realm->ctx, list,
                                                       (struct rind_workload_pledge_list){0},
                                                       &realm_, &unknown, NULL, &order, &count),
                        RIND_E_NOT_FOUND));
    free(realm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(idle_hsm_takes_one_group),
        cmocka_unit_test(busy_hsm_gives_away_both_groups),
        cmocka_unit_test(group_closest_to_the_excess_moves_first),
        cmocka_unit_test(only_members_take_over),
        cmocka_unit_test(hsm_too_far_behind_does_not_take_over),
        cmocka_unit_test(single_hsm_and_single_member_groups_stay),
        cmocka_unit_test(inverted_range_counts_as_empty),
        cmocka_unit_test(candidates_come_by_work_then_capture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
