/* test_routing.c - routing tables and the list of agents they are built from (07 section 9). */
#include "balancer/routing.h"

#include <string.h>

#include "balancer/agent_list.h"
#include "support/test.h"
#include "wire/range.h"

static uint8_t arena_memory[1024 * 1024];
static struct rind_arena arena;
static struct rind_ctx ctx;

static int setup(void **state)
{
    (void)state;
    rind_arena_init(&arena, arena_memory, sizeof(arena_memory));
    rind_ctx_init(&ctx, &arena);
    return 0;
}

static struct rind_realm_id realm_of(uint8_t byte)
{
    struct rind_realm_id id;
    memset(id.bytes, byte, sizeof(id.bytes));
    return id;
}

static struct rind_group_id group_of(uint8_t byte)
{
    struct rind_group_id id;
    memset(id.bytes, byte, sizeof(id.bytes));
    return id;
}

static struct rind_record_id record_of(uint8_t byte)
{
    struct rind_record_id id;
    memset(id.bytes, byte, sizeof(id.bytes));
    return id;
}

static struct rind_owned_range range_of(uint8_t start, uint8_t end)
{
    struct rind_owned_range range = {record_of(start), record_of(end)};
    return range;
}

/* A status with up to four led groups. */
struct scene {
    struct rind_agent_status_response status;
    struct rind_group_status groups[4];
};

static void scene_init(struct scene *scene, uint8_t realm)
{
    memset(scene, 0, sizeof(*scene));
    scene->status.has_hsm = true;
    scene->status.hsm.has_realm = true;
    scene->status.hsm.realm.id = realm_of(realm);
    scene->status.hsm.realm.groups.items = scene->groups;
}

static struct rind_group_status *scene_lead(struct scene *scene, uint8_t group, uint8_t start,
                                            uint8_t end, uint64_t clock)
{
    struct rind_group_status *row = &scene->groups[scene->status.hsm.realm.groups.count++];
    row->id = group_of(group);
    row->has_leader = true;
    row->leader.has_owned_range = true;
    row->leader.owned_range = range_of(start, end);
    row->role.at = clock;
    return row;
}

static struct rind_routing_claims *claims_of(const struct scene *scene, size_t expected_dropped)
{
    struct rind_routing_claims *claims = NULL;
    size_t dropped = 0;
    assert_true(rind_is_ok(rind_routing_claims_new(&ctx, &scene->status, &claims, &dropped)));
    assert_int_equal(dropped, expected_dropped);
    return claims;
}

static struct rind_agent_target *target_of(const char *url)
{
    struct rind_agent_target *target = NULL;
    assert_true(rind_is_ok(rind_agent_target_new(&ctx, url, &target)));
    return target;
}

static void only_leaders_with_a_possible_range_are_claims(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene, 1);
    scene_lead(&scene, 1, 0x00, 0x7f, 5);
    scene_lead(&scene, 2, 0x80, 0xff, 5)->has_leader = false;
    scene_lead(&scene, 3, 0x80, 0xff, 5)->leader.has_owned_range = false;
    scene_lead(&scene, 4, 0x80, 0x7f, 5); /* ends before it starts */
    struct rind_routing_claims *claims = claims_of(&scene, 1);
    assert_int_equal(claims->count, 1);
    assert_int_equal(claims->claims[0].role_clock, 5);
    free(claims);
}

static void agents_without_hsm_or_realm_claim_nothing(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene, 1);
    scene_lead(&scene, 1, 0x00, 0x7f, 5);
    scene.status.hsm.has_realm = false;
    assert_null(claims_of(&scene, 0));
    scene.status.hsm.has_realm = true;
    scene.status.has_hsm = false;
    assert_null(claims_of(&scene, 0));
}

static size_t count_owners(const struct rind_routing *routing, uint8_t realm,
                           struct rind_record_id record)
{
    struct rind_realm_id id = realm_of(realm);
    size_t position = 0;
    size_t count = 0;
    const struct rind_routing_realm *row = rind_routing_find(routing, &id);
    assert_non_null(row);
    while (rind_routing_next(row, &record, &position) != NULL) {
        count++;
    }
    return count;
}

static void records_are_found_by_range_with_both_ends_inside(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene, 1);
    scene_lead(&scene, 1, 0x10, 0x20, 1);
    scene_lead(&scene, 2, 0x30, 0x40, 1);
    struct rind_routing_agent agent = {.target = target_of("http://a:1/"),
                                       .claims = claims_of(&scene, 0)};
    struct rind_routing *routing = NULL;
    assert_true(rind_is_ok(rind_routing_new(&ctx, &agent, 1, &routing)));
    struct rind_record_id below = record_of(0x10);
    struct rind_record_id above = record_of(0x20);
    assert_int_equal(count_owners(routing, 1, below), 1);
    assert_int_equal(count_owners(routing, 1, above), 1);
    assert_true(rind_record_id_prev(&below, &below));
    assert_true(rind_record_id_next(&above, &above));
    assert_int_equal(count_owners(routing, 1, below), 0);
    assert_int_equal(count_owners(routing, 1, above), 0);
    assert_int_equal(count_owners(routing, 1, record_of(0x35)), 1);
    rind_routing_free(routing);
    rind_agent_target_release(agent.target);
    free((void *)(uintptr_t)agent.claims);
}

static void a_realm_without_leader_is_known_and_an_unheard_of_one_is_not(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene, 7);
    struct rind_routing_agent agent = {.target = target_of("http://a:1/"),
                                       .claims = claims_of(&scene, 0)};
    struct rind_routing *routing = NULL;
    struct rind_realm_id known = realm_of(7);
    struct rind_realm_id unknown = realm_of(8);
    assert_true(rind_is_ok(rind_routing_new(&ctx, &agent, 1, &routing)));
    assert_int_equal(rind_routing_realm_count(routing), 1);
    assert_int_equal(rind_routing_find(routing, &known)->entry_count, 0);
    assert_null(rind_routing_find(routing, &unknown));
    rind_routing_free(routing);
    rind_agent_target_release(agent.target);
    free((void *)(uintptr_t)agent.claims);
}

/* URLs of the owners of record 0x55 in realm 1, in order. */
static void assert_owners(const struct rind_routing *routing, const char *const *urls, size_t count)
{
    struct rind_realm_id id = realm_of(1);
    struct rind_record_id record = record_of(0x55);
    size_t position = 0;
    const struct rind_routing_realm *realm = rind_routing_find(routing, &id);
    for (size_t i = 0; i < count; i++) {
        const struct rind_routing_entry *entry = rind_routing_next(realm, &record, &position);
        assert_non_null(entry);
        assert_string_equal(entry->target->url, urls[i]);
    }
    assert_null(rind_routing_next(realm, &record, &position));
}

static void the_likeliest_of_several_leaders_comes_first(void **state)
{
    (void)state;
    static const char *const expected[] = {"http://c:1/", "http://a:1/", "http://b:1/",
                                           "http://d:1/"};
    struct rind_routing_agent agents[4];
    static const struct {
        const char *url;
        uint64_t clock;
        bool is_slow;
    } rows[] = {{"http://a:1/", 5, false},
                {"http://b:1/", 5, false},
                {"http://c:1/", 6, false},
                {"http://d:1/", 9, true}}; /* highest clock, but it does not answer */
    for (size_t i = 0; i < 4; i++) {
        struct scene scene;
        scene_init(&scene, 1);
        scene_lead(&scene, 1, 0x50, 0x60, rows[i].clock);
        agents[i] = (struct rind_routing_agent){target_of(rows[i].url), claims_of(&scene, 0),
                                                rows[i].is_slow};
    }
    struct rind_routing *routing = NULL;
    assert_true(rind_is_ok(rind_routing_new(&ctx, agents, 4, &routing)));
    assert_owners(routing, expected, 4);
    for (size_t i = 0; i < 4; i++) {
        rind_agent_target_release(agents[i].target); /* the table holds references of its own */
        free((void *)(uintptr_t)agents[i].claims);
    }
    assert_owners(routing, expected, 4);
    rind_routing_free(routing);
}

static void realms_are_kept_apart(void **state)
{
    (void)state;
    struct rind_routing_agent agents[3];
    static const uint8_t realms[] = {2, 1, 2};
    for (size_t i = 0; i < 3; i++) {
        struct scene scene;
        scene_init(&scene, realms[i]);
        scene_lead(&scene, (uint8_t)(i + 1), 0x00, 0xff, 1);
        agents[i] =
            (struct rind_routing_agent){target_of("http://a:1/"), claims_of(&scene, 0), false};
    }
    struct rind_routing *routing = NULL;
    assert_true(rind_is_ok(rind_routing_new(&ctx, agents, 3, &routing)));
    assert_int_equal(rind_routing_realm_count(routing), 2);
    assert_int_equal(count_owners(routing, 1, record_of(0)), 1);
    assert_int_equal(count_owners(routing, 2, record_of(0xff)), 2);
    for (size_t i = 0; i < 3; i++) {
        rind_agent_target_release(agents[i].target);
        free((void *)(uintptr_t)agents[i].claims);
    }
    rind_routing_free(routing);
}

/* --- the list of agents --- */

static struct rind_agent_list_change replace(struct rind_agent_list *list, const char *const *urls,
                                             size_t count, size_t count_max)
{
    struct rind_service rows[8];
    struct rind_services services = {rows, count};
    struct rind_agent_list_change change;
    for (size_t i = 0; i < count; i++) {
        rows[i] = (struct rind_service){RIND_SERVICE_AGENT, urls[i]};
    }
    assert_true(rind_is_ok(rind_agent_list_replace(&ctx, list, &services, count_max, &change)));
    return change;
}

static bool note(struct rind_agent_list *list, size_t index, enum rind_agent_outcome outcome,
                 uint64_t clock, bool is_patient)
{
    struct rind_routing_claims *claims = NULL;
    if (outcome == RIND_AGENT_ANSWERED) {
        struct scene scene;
        scene_init(&scene, 1);
        scene_lead(&scene, 1, 0x50, 0x60, clock);
        claims = claims_of(&scene, 0);
    }
    return rind_agent_list_note(list, list->agents[index].target, outcome, claims, is_patient);
}

static void what_is_known_of_an_agent_survives_others_coming_and_going(void **state)
{
    (void)state;
    struct rind_agent_list list = {0};
    const char *const one[] = {"http://a:1/", "http://b:1/"};
    const char *const two[] = {"http://aa:1/", "http://b:1/", "http://c:1/"};
    assert_true(replace(&list, one, 2, 8).is_changed);
    assert_false(replace(&list, one, 2, 8).is_changed);
    assert_true(note(&list, 1, RIND_AGENT_ANSWERED, 4, false));
    assert_true(replace(&list, two, 3, 8).is_changed);
    assert_int_equal(list.count, 3);
    assert_null(list.agents[0].claims);
    assert_int_equal(list.agents[1].claims->claims[0].role_clock, 4);
    rind_agent_list_fini(&list);
}

static void bad_registrations_and_too_many_hide_nobody(void **state)
{
    (void)state;
    struct rind_agent_list list = {0};
    const char *const urls[] = {"nonsense", "https://a:1/", "http://b:1/", "http://c:1/",
                                "http://d:1/"};
    struct rind_agent_list_change change = replace(&list, urls, 5, 2);
    assert_int_equal(change.ignored_count, 3);
    assert_int_equal(list.count, 2);
    assert_string_equal(list.agents[0].target->url, "http://b:1/");
    assert_string_equal(list.agents[1].target->url, "http://c:1/");
    rind_agent_list_fini(&list);
}

static void a_hung_agent_keeps_its_claims_until_the_patient_poll_gives_up(void **state)
{
    (void)state;
    struct rind_agent_list list = {0};
    const char *const urls[] = {"http://a:1/"};
    (void)replace(&list, urls, 1, 8);
    assert_true(note(&list, 0, RIND_AGENT_ANSWERED, 4, false));
    assert_false(note(&list, 0, RIND_AGENT_ANSWERED, 4, false)); /* nothing new */
    assert_false(rind_agent_list_has_slow(&list));
    assert_true(note(&list, 0, RIND_AGENT_TIMED_OUT, 0, false)); /* ranked lower now */
    assert_true(rind_agent_list_has_slow(&list));
    assert_non_null(list.agents[0].claims);
    assert_true(note(&list, 0, RIND_AGENT_TIMED_OUT, 0, true));
    assert_null(list.agents[0].claims);
    assert_false(note(&list, 0, RIND_AGENT_TIMED_OUT, 0, true));
    assert_true(note(&list, 0, RIND_AGENT_ANSWERED, 5, true));
    assert_false(rind_agent_list_has_slow(&list));
    assert_non_null(list.agents[0].claims);
    rind_agent_list_fini(&list);
}

static void a_dead_agent_loses_its_claims_at_once(void **state)
{
    (void)state;
    struct rind_agent_list list = {0};
    const char *const urls[] = {"http://a:1/"};
    (void)replace(&list, urls, 1, 8);
    assert_true(note(&list, 0, RIND_AGENT_ANSWERED, 4, false));
    assert_true(note(&list, 0, RIND_AGENT_FAILED, 0, false));
    assert_null(list.agents[0].claims);
    assert_false(rind_agent_list_has_slow(&list));
    rind_agent_list_fini(&list);
}

static void an_answer_of_an_agent_that_is_gone_is_dropped(void **state)
{
    (void)state;
    struct rind_agent_list list = {0};
    struct rind_agent_target *gone = target_of("http://a:1/");
    struct scene scene;
    scene_init(&scene, 1);
    scene_lead(&scene, 1, 0, 1, 1);
    assert_false(
        rind_agent_list_note(&list, gone, RIND_AGENT_ANSWERED, claims_of(&scene, 0), false));
    rind_agent_target_release(gone);
    rind_agent_list_fini(&list);
}

static void targets_are_chosen_by_promptness(void **state)
{
    (void)state;
    struct rind_agent_list list = {0};
    struct rind_agent_target **targets = NULL;
    size_t count = 0;
    const char *const urls[] = {"http://a:1/", "http://b:1/"};
    (void)replace(&list, urls, 2, 8);
    (void)note(&list, 0, RIND_AGENT_TIMED_OUT, 0, false);
    assert_true(rind_is_ok(rind_agent_list_targets(&ctx, &list, true, &targets, &count)));
    assert_int_equal(count, 1);
    assert_string_equal(targets[0]->url, "http://a:1/");
    rind_agent_target_release(targets[0]);
    assert_true(rind_is_ok(rind_agent_list_targets(&ctx, &list, false, &targets, &count)));
    assert_int_equal(count, 1);
    assert_string_equal(targets[0]->url, "http://b:1/");
    rind_agent_target_release(targets[0]);
    rind_agent_list_fini(&list);
}

static void only_so_many_requests_are_under_way_to_one_agent(void **state)
{
    (void)state;
    struct rind_agent_target *target = target_of("http://a:1/");
    assert_true(rind_agent_target_enter(target, 2));
    assert_true(rind_agent_target_enter(target, 2));
    assert_false(rind_agent_target_enter(target, 2));
    rind_agent_target_leave(target);
    assert_true(rind_agent_target_enter(target, 2));
    rind_agent_target_leave(target);
    rind_agent_target_leave(target);
    rind_agent_target_release(target);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(only_leaders_with_a_possible_range_are_claims, setup),
        cmocka_unit_test_setup(agents_without_hsm_or_realm_claim_nothing, setup),
        cmocka_unit_test_setup(records_are_found_by_range_with_both_ends_inside, setup),
        cmocka_unit_test_setup(a_realm_without_leader_is_known_and_an_unheard_of_one_is_not, setup),
        cmocka_unit_test_setup(the_likeliest_of_several_leaders_comes_first, setup),
        cmocka_unit_test_setup(realms_are_kept_apart, setup),
        cmocka_unit_test_setup(what_is_known_of_an_agent_survives_others_coming_and_going, setup),
        cmocka_unit_test_setup(bad_registrations_and_too_many_hide_nobody, setup),
        cmocka_unit_test_setup(a_hung_agent_keeps_its_claims_until_the_patient_poll_gives_up,
                               setup),
        cmocka_unit_test_setup(a_dead_agent_loses_its_claims_at_once, setup),
        cmocka_unit_test_setup(an_answer_of_an_agent_that_is_gone_is_dropped, setup),
        cmocka_unit_test_setup(targets_are_chosen_by_promptness, setup),
        cmocka_unit_test_setup(only_so_many_requests_are_under_way_to_one_agent, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
