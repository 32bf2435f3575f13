/*
 * test_hostile_agents.c - whatever agents say of themselves, a manager's procedures come to an end
 * and nothing ends the manager (spec 08, "Better than the reference": one misbehaving agent must
 * not end every manager).
 */
#include "cluster/fake_agents.h"
#include "support/test.h"

#define SEED 8u
#define ROUNDS 150u
#define TRANSFER_MS 20u

static struct fake_realm realm;
static struct rind_leaders *leaders;
static uint32_t random_state;

static int setup(void **state)
{
    (void)state;
    random_state = SEED;
    fake_realm_open(&realm, 5);
    assert_true(
        rind_is_ok(rind_leaders_new(&realm.ctx, realm.keeper, &realm.cluster, 1, &leaders)));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rind_leaders_free(leaders);
    fake_realm_close(&realm);
    return 0;
}

static uint32_t next_random(uint32_t below)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (random_state >> 8) % below;
}

static bool is_likely(void)
{
    return next_random(3) != 0;
}

/* Small, in the middle, or at the very end. */
static uint64_t random_index(void)
{
    static const uint64_t indexes[] = {0, 1, 2, 999, 1000, 1001, UINT64_MAX - 1, UINT64_MAX};
    return indexes[next_random(sizeof(indexes) / sizeof(indexes[0]))];
}

/* Often inverted. */
static struct rind_owned_range random_range(void)
{
    return fake_range((uint8_t)next_random(256), (uint8_t)next_random(256));
}

static struct rind_transferring random_transferring(void)
{
    struct rind_transferring transferring = {.kind = RIND_TRANSFERRING_IN};
    if (next_random(2) == 0) {
        transferring.in.source = fake_group_id((uint8_t)(3 + next_random(4)));
        transferring.in.range = random_range();
        transferring.in.at = random_index();
    } else {
        transferring.kind = RIND_TRANSFERRING_OUT;
        transferring.out.destination = fake_group_id((uint8_t)(3 + next_random(4)));
        transferring.out.partition.range = random_range();
        transferring.out.at = random_index();
    }
    return transferring;
}

static void randomise_group(struct fake_group *group)
{
    group->id = fake_group_id((uint8_t)(3 + next_random(4))); /* the same twice, now and then */
    group->member_count = next_random(FAKE_MEMBERS_MAX + 1);
    for (size_t i = 0; i < FAKE_MEMBERS_MAX; i++) { /* repeated, and some that do not exist */
        group->members[i] = fake_hsm_id((uint8_t)(1 + next_random(7)));
    }
    group->is_leader = next_random(2) == 0;
    group->is_undriven = next_random(4) == 0;
    group->captured = random_index();
    group->committed = random_index();
    group->last = random_index();
    group->has_range = is_likely();
    group->range = random_range();
    group->has_transferring = next_random(3) == 0;
    group->transferring = random_transferring();
}

static void randomise(void)
{
    rind_mutex_lock(&realm.lock);
    for (size_t i = 0; i < realm.count; i++) {
        struct fake_agent *agent = &realm.agents[i];
        agent->has_hsm = next_random(8) != 0;
        agent->has_realm = next_random(8) != 0;
        agent->hsm = fake_hsm_id((uint8_t)(1 + next_random(5))); /* two may claim one id */
        agent->group_count = next_random(FAKE_GROUPS_MAX + 1);
        for (size_t g = 0; g < agent->group_count; g++) {
            randomise_group(&agent->groups[g]);
        }
    }
    rind_mutex_unlock(&realm.lock);
}

static void repair(void *self)
{
    (void)self;
}

static void run_procedures(void)
{
    struct rind_leaders_report checked;
    assert_true(rind_is_ok(rind_leaders_check(&realm.ctx, leaders, &checked)));
    assert_true(checked.leader_count <= checked.groups);

    const struct rind_rebalance pass = {
        .keeper = realm.keeper, .cluster = &realm.cluster, .repair = repair};
    struct rind_cluster_rebalance_response rebalanced;
    rind_rebalance_pass(&realm.ctx, &pass, &rebalanced);

    const struct rind_cluster_stepdown_request stepdown = {
        .kind = RIND_CLUSTER_STEPDOWN_REQUEST_HSM,
        .hsm = fake_hsm_id((uint8_t)(1 + next_random(6)))};
    struct rind_cluster_stepdown_response stepped;
    rind_stepdown(&realm.ctx, realm.keeper, &realm.cluster, &stepdown, &stepped);

    const struct rind_cluster_transfer_request transfer = {
        .realm = realm.id,
        .source = fake_group_id((uint8_t)(3 + next_random(5))),
        .destination = fake_group_id((uint8_t)(3 + next_random(5))),
        .range = random_range()};
    struct rind_cluster_transfer_response transferred;
    struct rind_grant grant;
    char key[RIND_LEASE_KEY_SIZE_MAX];
    assert_true(rind_is_ok(
        rind_grant_obtain(&realm.ctx, realm.keeper, fake_ownership_key(&realm, key), 0, &grant)));
    rind_transfer_under(&realm.ctx, &grant, TRANSFER_MS, &transfer, &transferred);
    rind_grant_release(&grant);
}

static void procedures_end_whatever_agents_say(void **state)
{
    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        uint32_t seed = random_state;
        size_t mark = rind_arena_mark(realm.arena);
        randomise();
        run_procedures();
        rind_arena_release(realm.arena, mark);
        if (round % 50 == 0) {
            print_message("round %u began with seed %u\n", round, seed);
        }
    }
}

/* Their own test, because what cannot be finished is tried for long: only what is over at once. */
static void recovery_ends_whatever_agents_say(void **state)
{
    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct rind_recovery_report report;
        size_t mark = rind_arena_mark(realm.arena);
        randomise();
        rind_mutex_lock(&realm.lock);
        for (size_t i = 0; i < realm.count; i++) { /* transfers out only: nothing is run again */
            for (size_t g = 0; g < realm.agents[i].group_count; g++) {
                struct fake_group *group = &realm.agents[i].groups[g];
                group->has_transferring =
                    group->has_transferring && group->transferring.kind == RIND_TRANSFERRING_OUT;
            }
        }
        rind_mutex_unlock(&realm.lock);
        assert_true(
            rind_is_ok(rind_recovery_pass(&realm.ctx, realm.keeper, &realm.cluster, &report)));
        rind_arena_release(realm.arena, mark);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(procedures_end_whatever_agents_say),
        TEST(recovery_ends_whatever_agents_say),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
