/* test_create.c - making realms and groups, and gathering statuses (spec 08 sections 4 and 11). */
#include "cluster/fake_agents.h"
#include "support/test.h"

static struct fake_realm realm;

static int setup(void **state)
{
    (void)state;
    fake_realm_open(&realm, 3);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fake_realm_close(&realm);
    return 0;
}

static const char *url(size_t agent)
{
    return realm.agents[agent].url;
}

/* ---- new realm ---- */

static rind_status new_realm(struct rind_realm_id *id, struct rind_group_id *group)
{
    return rind_create_realm(&realm.ctx, &realm.cluster, url(0), id, group);
}

static void a_realm_is_made_and_its_first_commit_awaited(void **state)
{
    (void)state;
    struct rind_realm_id id;
    struct rind_group_id group;
    static struct rind_agent_realm_new_response made = {.kind = RIND_AGENT_REALM_NEW_OK};
    fake_realm_add_group(&realm, 3, 1, 0);
    made.ok.realm = realm.id;
    made.ok.group = fake_group_id(3);
    fake_script(&realm.agents[0], "realm/new", 0, 1, &made);
    assert_true(rind_is_ok(new_realm(&id, &group)));
    assert_true(rind_realm_id_equal(&id, &realm.id));
    assert_int_equal(group.bytes[0], 3);
}

static void refusals_to_make_a_realm_are_sentences(void **state)
{
    (void)state;
    static const struct rind_agent_realm_new_response refusals[] = {
        {.kind = RIND_AGENT_REALM_NEW_HAVE_REALM},
        {.kind = RIND_AGENT_REALM_NEW_NO_STORE},
        {.kind = RIND_AGENT_REALM_NEW_STORE_PRECONDITION_FAILED},
    };
    static const enum rind_code codes[] = {RIND_E_EXISTS, RIND_E_UNAVAILABLE, RIND_E_PRECONDITION};
    struct rind_realm_id id;
    struct rind_group_id group;
    for (size_t i = 0; i < 3; i++) {
        fake_script(&realm.agents[0], "realm/new", 0, 1, &refusals[i]);
        assert_true(rind_is(new_realm(&id, &group), codes[i]));
    }
    realm.agents[0].has_hsm = false;
    assert_true(rind_is(new_realm(&id, &group), RIND_E_UNAVAILABLE));
    assert_non_null(strstr(realm.ctx.sentence, "no HSM found"));
}

/* ---- join ---- */

static void hsms_join_vouched_for_by_a_member(void **state)
{
    (void)state;
    const char *urls[] = {url(1), url(2)};
    realm.agents[1].has_realm = false;
    realm.agents[2].has_realm = false;
    assert_true(
        rind_is_ok(rind_create_join_realm(&realm.ctx, &realm.cluster, &realm.id, urls, 2, url(0))));
    assert_int_equal(fake_calls(&realm.agents[1], "realm/join"), 1);
    assert_int_equal(fake_calls(&realm.agents[2], "realm/join"), 1);
}

static void all_that_can_join_do_and_the_first_fault_is_told(void **state)
{
    (void)state;
    static const struct rind_agent_realm_join_response other = {
        .kind = RIND_AGENT_REALM_JOIN_HAVE_OTHER_REALM};
    const char *urls[] = {url(1), url(2)};
    fake_script(&realm.agents[1], "realm/join", 0, 1, &other);
    assert_true(
        rind_is(rind_create_join_realm(&realm.ctx, &realm.cluster, &realm.id, urls, 2, url(0)),
                RIND_E_INVALID));
    assert_non_null(strstr(realm.ctx.sentence, "not in given realm or in different realm"));
    assert_int_equal(fake_calls(&realm.agents[2], "realm/join"), 1);
    fake_kill(&realm.agents[2]);
    assert_false(
        rind_is_ok(rind_create_join_realm(&realm.ctx, &realm.cluster, &realm.id, urls, 2, url(0))));
    assert_memory_equal(realm.ctx.sentence, "RPC error: ", 11);
}

/* ---- new group ---- */

static struct rind_agent_group_new_response made_group;

static rind_status new_group(size_t count)
{
    const char *urls[] = {url(0), url(1), url(2), url(0)};
    struct rind_group_id group;
    return rind_create_group(&realm.ctx, &realm.cluster, &realm.id, urls, count, &group);
}

static void a_group_is_made_by_the_first_and_joined_by_the_others(void **state)
{
    (void)state;
    made_group = (struct rind_agent_group_new_response){.kind = RIND_AGENT_GROUP_NEW_OK,
                                                        .ok = {.group = fake_group_id(3)}};
    fake_realm_add_group(&realm, 3, 3, 0);
    fake_script(&realm.agents[0], "group/new", 0, 1, &made_group);
    assert_true(rind_is_ok(new_group(3)));
    assert_int_equal(fake_calls(&realm.agents[0], "group/join"), 0);
    assert_int_equal(fake_calls(&realm.agents[1], "group/join"), 1);
    assert_int_equal(fake_calls(&realm.agents[2], "group/join"), 1);
}

static void what_cannot_be_a_group_is_refused_before_anything_is_made(void **state)
{
    (void)state;
    assert_true(rind_is(new_group(0), RIND_E_INVALID));
    assert_true(rind_is(new_group(4), RIND_E_INVALID)); /* one HSM twice */
    realm.agents[1].has_realm = false;
    assert_true(rind_is(new_group(3), RIND_E_INVALID));
    realm.agents[1].has_hsm = false;
    assert_true(rind_is(new_group(3), RIND_E_UNAVAILABLE));
    fake_kill(&realm.agents[1]);
    assert_true(rind_is(new_group(3), RIND_E_NETWORK));
    assert_int_equal(fake_calls(&realm.agents[0], "group/new"), 0);
}

static void refusals_to_make_or_join_a_group_name_the_agent(void **state)
{
    (void)state;
    static const struct rind_agent_group_new_response too_many = {
        .kind = RIND_AGENT_GROUP_NEW_TOO_MANY_GROUPS};
    static const struct rind_agent_group_join_response not_signed = {
        .kind = RIND_AGENT_GROUP_JOIN_INVALID_STATEMENT};
    fake_script(&realm.agents[0], "group/new", 0, 1, &too_many);
    assert_true(rind_is(new_group(3), RIND_E_LIMIT));
    assert_non_null(strstr(realm.ctx.sentence, url(0)));
    made_group = (struct rind_agent_group_new_response){.kind = RIND_AGENT_GROUP_NEW_OK,
                                                        .ok = {.group = fake_group_id(3)}};
    fake_script(&realm.agents[0], "group/new", 0, 1, &made_group);
    fake_script(&realm.agents[2], "group/join", 0, 1, &not_signed);
    assert_true(rind_is(new_group(3), RIND_E_AUTH));
    assert_string_equal(realm.ctx.sentence, "invalid group statement");
}

/* ---- gathering ---- */

static void statuses_have_the_order_of_discovery(void **state)
{
    (void)state;
    struct rind_cluster_agent_list agents;
    fake_kill(&realm.agents[1]);
    assert_true(rind_is_ok(rind_cluster_ask_all(&realm.ctx, &realm.cluster, 5000, &agents)));
    assert_int_equal(agents.count, 3);
    for (size_t i = 1; i < agents.count; i++) {
        assert_true(strcmp(agents.items[i - 1].url, agents.items[i].url) < 0);
    }
    struct rind_cluster_hsm_list hsms;
    assert_true(rind_is_ok(rind_cluster_hsms(&realm.ctx, agents, &hsms)));
    assert_int_equal(hsms.count, 2);
}

static void of_two_claims_to_lead_the_one_that_committed_further_counts(void **state)
{
    (void)state;
    struct rind_cluster_agent_list agents;
    struct rind_cluster_hsm_list hsms;
    struct rind_group_id group = fake_group_id(3);
    fake_realm_add_group(&realm, 3, 3, 0);
    fake_find(&realm, 2, 3)->is_leader = true;
    fake_find(&realm, 2, 3)->committed = 9;
    assert_true(rind_is_ok(rind_cluster_ask_all(&realm.ctx, &realm.cluster, 5000, &agents)));
    assert_true(rind_is_ok(rind_cluster_hsms(&realm.ctx, agents, &hsms)));
    assert_int_equal(rind_cluster_leader(hsms, &realm.id, &group)->status->id.bytes[0], 1);
    struct rind_cluster_group_list groups;
    assert_true(rind_is_ok(rind_cluster_groups(&realm.ctx, hsms, &groups)));
    assert_int_equal(groups.count, 1);
}

/* An agent started twice, or an HSM whose state was copied. */
static void two_agents_of_one_hsm_are_told(void **state)
{
    (void)state;
    struct rind_cluster_agent_list agents;
    realm.agents[1].hsm = realm.agents[2].hsm;
    fake_kill(&realm.agents[2]); /* one that is registered and gone is none */
    assert_true(rind_is_ok(rind_cluster_ask_all(&realm.ctx, &realm.cluster, 5000, &agents)));
    assert_true(rind_is_ok(rind_cluster_check_single(&realm.ctx, agents)));
    realm.agents[1].hsm = realm.agents[0].hsm;
    assert_true(rind_is_ok(rind_cluster_ask_all(&realm.ctx, &realm.cluster, 5000, &agents)));
    assert_true(rind_is(rind_cluster_check_single(&realm.ctx, agents), RIND_E_INVALID));
    assert_non_null(strstr(realm.ctx.sentence, realm.agents[0].url));
    assert_non_null(strstr(realm.ctx.sentence, realm.agents[1].url));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_realm_is_made_and_its_first_commit_awaited),
        TEST(refusals_to_make_a_realm_are_sentences),
        TEST(hsms_join_vouched_for_by_a_member),
        TEST(all_that_can_join_do_and_the_first_fault_is_told),
        TEST(a_group_is_made_by_the_first_and_joined_by_the_others),
        TEST(what_cannot_be_a_group_is_refused_before_anything_is_made),
        TEST(refusals_to_make_or_join_a_group_name_the_agent),
        TEST(statuses_have_the_order_of_discovery),
        TEST(of_two_claims_to_lead_the_one_that_committed_further_counts),
        TEST(two_agents_of_one_hsm_are_told),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
