/* test_election.c - quorum, compaction prefix and persist rhythm against the vectors. */
#include "support/test.h"

#include <jansson.h>

#include "agent/election.h"
#include "store/store.h"
#include "support/vectors.h"

static uint64_t number_of(json_t *object, const char *key)
{
    return (uint64_t)json_integer_value(json_object_get(object, key));
}

static void elections_of_the_vectors_come_out_as_told(void **state)
{
    (void)state;
    json_t *root = rind_vectors_load("agent-misc.json");
    json_t *list = json_object_get(root, "election");
    assert_true(json_array_size(list) > 0);
    size_t at;
    json_t *item;
    json_array_foreach(list, at, item)
    {
        uint64_t votes[RIND_ELECTION_MEMBERS_MAX];
        json_t *given = json_object_get(item, "votes");
        for (size_t i = 0; i < json_array_size(given); i++) {
            votes[i] = (uint64_t)json_integer_value(json_array_get(given, i));
        }
        /* null reads as 0, which is no index */
        assert_int_equal(
            rind_election_outcome(number_of(item, "members"), votes, json_array_size(given)),
            number_of(item, "expected"));
    }
    json_decref(root);
}

static void compaction_takes_the_rows_the_vectors_name(void **state)
{
    (void)state;
    json_t *root = rind_vectors_load("agent-misc.json");
    json_t *list = json_object_get(root, "compaction");
    assert_true(json_array_size(list) > 0);
    size_t at;
    json_t *item;
    json_array_foreach(list, at, item)
    {
        struct rind_log_row rows[16];
        json_t *given = json_object_get(item, "rows");
        for (size_t i = 0; i < json_array_size(given); i++) {
            rows[i] = (struct rind_log_row){(uint64_t)json_integer_value(json_array_get(given, i)),
                                            false};
        }
        assert_int_equal(rind_log_rows_compactable(rows, json_array_size(given),
                                                   number_of(item, "compact_index")),
                         json_array_size(json_object_get(item, "expected")));
    }
    json_decref(root);
}

static void persist_waits_are_those_of_the_vectors(void **state)
{
    (void)state;
    json_t *root = rind_vectors_load("agent-misc.json");
    json_t *list = json_object_get(root, "persist_wait");
    assert_true(json_array_size(list) > 0);
    size_t at;
    json_t *item;
    json_array_foreach(list, at, item)
    {
        assert_int_equal(
            rind_persist_wait_ms(number_of(item, "unix_ms"), number_of(item, "interval_ms")),
            number_of(item, "expected_ms"));
    }
    json_decref(root);
}

static void the_committed_entry_is_never_compacted(void **state)
{
    (void)state;
    assert_int_equal(rind_compaction_index(0, 7), 0);
    assert_int_equal(rind_compaction_index(1, 7), 0);
    assert_int_equal(rind_compaction_index(8, 0), 0);
    assert_int_equal(rind_compaction_index(8, 8), 7);
    assert_int_equal(rind_compaction_index(8, 5), 5);
}

static void what_a_slow_member_misses_is_kept_up_to_the_limit(void **state)
{
    (void)state;
    assert_int_equal(rind_compaction_index_for_slowest(500, 500, 100), 500);
    assert_int_equal(rind_compaction_index_for_slowest(500, UINT64_MAX, 100), 500);
    assert_int_equal(rind_compaction_index_for_slowest(500, 450, 100), 450);
    assert_int_equal(rind_compaction_index_for_slowest(500, 400, 100), 400);
    assert_int_equal(rind_compaction_index_for_slowest(500, 399, 100), 400);
    assert_int_equal(rind_compaction_index_for_slowest(500, 0, 100), 400);
    assert_int_equal(rind_compaction_index_for_slowest(50, 0, 100), 0);
    assert_int_equal(rind_compaction_index_for_slowest(500, 0, 0), 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elections_of_the_vectors_come_out_as_told),
        cmocka_unit_test(compaction_takes_the_rows_the_vectors_name),
        cmocka_unit_test(persist_waits_are_those_of_the_vectors),
        cmocka_unit_test(the_committed_entry_is_never_compacted),
        cmocka_unit_test(what_a_slow_member_misses_is_kept_up_to_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
