/* test_hsm_parts.c - the session table and the leader log by themselves. */
#include "support/test.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hsm/cluster.h"
#include "hsm/leader_log.h"
#include "hsm/macs.h"
#include "hsm/sessions.h"

struct table {
    struct rind_mix mix;
    struct rind_hsm_sessions sessions;
    void *memory;
};

static struct table *table_new(uint32_t capacity)
{
    struct table *table = calloc(1, sizeof(*table));
    uint8_t seed[RIND_MIX_SEED_SIZE];
    memset(seed, 7, sizeof(seed));
    rind_mix_init(&table->mix, seed);
    table->memory = calloc(1, rind_hsm_sessions_size_bytes(capacity));
    rind_hsm_sessions_init(&table->sessions, table->memory, capacity, &table->mix);
    return table;
}

static void table_free(struct table *table)
{
    free(table->memory);
    free(table);
}

static struct rind_hsm_session_key key_of(uint32_t id)
{
    return (struct rind_hsm_session_key){.record_id = cluster_record((uint8_t)(id % 251)),
                                         .session_id = id};
}

static void put(struct table *table, uint32_t id, uint64_t mark)
{
    struct rind_hsm_session_key key = key_of(id);
    struct rind_noise_session session = {.send_nonce = mark};
    rind_hsm_sessions_put(&table->sessions, &key, &session);
}

/* The mark it was put with, or 0. */
static uint64_t take(struct table *table, uint32_t id)
{
    struct rind_hsm_session_key key = key_of(id);
    struct rind_noise_session session = {.send_nonce = 0};
    return rind_hsm_sessions_take(&table->sessions, &key, &session) ? session.send_nonce : 0;
}

static void the_least_recently_put_session_is_evicted(void **state)
{
    (void)state;
    struct table *table = table_new(3);
    const uint32_t ids[] = {4, 1, 3, 3, 2, 2};
    for (uint64_t time = 1; time <= 6; time++) {
        put(table, ids[time - 1], time);
    }
    assert_int_equal(table->sessions.count, 3);
    assert_int_equal(take(table, 4), 0); /* evicted by 2 */
    assert_int_equal(take(table, 1), 2); /* the oldest left, from time 2 */
    assert_int_equal(take(table, 3), 4);
    assert_int_equal(take(table, 2), 6);
    assert_int_equal(table->sessions.count, 0);
    table_free(table);
}

static void a_table_of_one_keeps_the_newest(void **state)
{
    (void)state;
    struct table *table = table_new(1);
    put(table, 1, 1);
    put(table, 2, 2);
    assert_int_equal(take(table, 1), 0);
    assert_int_equal(take(table, 2), 2);
    assert_int_equal(take(table, 2), 0);
    table_free(table);
}

static void taking_and_putting_back_refreshes(void **state)
{
    (void)state;
    struct table *table = table_new(2);
    put(table, 1, 1);
    put(table, 2, 2);
    assert_int_equal(take(table, 1), 1);
    put(table, 1, 3);
    put(table, 3, 4);
    assert_int_equal(take(table, 2), 0);
    assert_int_equal(take(table, 1), 3);
    table_free(table);
}

static void clearing_wipes_every_session(void **state)
{
    (void)state;
    struct table *table = table_new(64);
    for (uint32_t id = 1; id <= 100; id++) {
        put(table, id, id);
    }
    rind_hsm_sessions_clear(&table->sessions);
    assert_int_equal(take(table, 100), 0);
    assert_true(rind_ct_is_zero(table->memory, rind_hsm_sessions_size_bytes(64)));
    put(table, 5, 5);
    assert_int_equal(take(table, 5), 5);
    table_free(table);
}

/* Against a list that is searched from end to end; the seed is fixed, so a failure repeats. */
static void the_table_behaves_as_a_plain_list_does(void **state)
{
    (void)state;
    enum { CAPACITY = 8, IDS = 20, STEPS = 20000 };
    struct table *table = table_new(CAPACITY);
    uint32_t list[CAPACITY]; /* oldest first */
    size_t count = 0;
    struct cluster_random random = {.seed = 4};
    for (uint64_t step = 1; step <= STEPS; step++) {
        uint8_t draw[2];
        cluster_random_fill(&random, draw, sizeof(draw));
        uint32_t id = draw[0] % IDS;
        size_t at = 0;
        while (at < count && list[at] != id) {
            at++;
        }
        bool is_held = at < count;
        if (is_held) {
            memmove(&list[at], &list[at + 1], (count - at - 1) * sizeof(list[0]));
            count--;
        }
        if (draw[1] % 2 == 0) {
            assert_int_equal(take(table, id) != 0, is_held);
            continue;
        }
        if (count == CAPACITY) {
            memmove(&list[0], &list[1], (CAPACITY - 1) * sizeof(list[0]));
            count--;
        }
        list[count++] = id;
        put(table, id, step);
        assert_int_equal(table->sessions.count, count);
    }
    table_free(table);
}

struct log_fixture {
    struct rind_hsm_leader_log log;
    void *memory;
};

static struct rind_log_entry entry_at(uint64_t index, uint8_t prev, uint8_t mac)
{
    struct rind_log_entry entry = {.index = index};
    memset(entry.prev_mac.bytes, prev, sizeof(entry.prev_mac.bytes));
    memset(entry.entry_mac.bytes, mac, sizeof(entry.entry_mac.bytes));
    return entry;
}

static struct log_fixture log_new(uint32_t capacity)
{
    struct log_fixture fixture = {.memory = calloc(1, rind_hsm_leader_log_size_bytes(capacity))};
    rind_hsm_leader_log_init(&fixture.log, fixture.memory, capacity);
    struct rind_log_entry first = entry_at(10, 0, 10);
    rind_hsm_leader_log_begin(&fixture.log, &first);
    return fixture;
}

static void an_entry_is_found_by_its_index_only(void **state)
{
    (void)state;
    struct log_fixture fixture = log_new(8);
    struct rind_log_entry second = entry_at(11, 10, 11);
    rind_hsm_leader_log_append(&fixture.log, &second, NULL);
    assert_null(rind_hsm_leader_log_find(&fixture.log, 9));
    assert_int_equal(rind_hsm_leader_log_find(&fixture.log, 10)->entry.index, 10);
    assert_int_equal(rind_hsm_leader_log_find(&fixture.log, 11)->entry.index, 11);
    assert_null(rind_hsm_leader_log_find(&fixture.log, 12));
    assert_null(rind_hsm_leader_log_find(&fixture.log, UINT64_MAX));
    assert_null(rind_hsm_leader_log_find(&fixture.log, 0));
    free(fixture.memory);
}

static void a_response_is_taken_once(void **state)
{
    (void)state;
    struct log_fixture fixture = log_new(8);
    struct rind_log_entry second = entry_at(11, 10, 11);
    struct rind_hsm_pending pending = {.kind = RIND_NOISE_RESPONSE_TRANSPORT};
    rind_hsm_leader_log_append(&fixture.log, &second, &pending);
    assert_false(rind_hsm_log_slot_take(rind_hsm_leader_log_find(&fixture.log, 10)));
    assert_true(rind_hsm_log_slot_take(rind_hsm_leader_log_find(&fixture.log, 11)));
    assert_false(rind_hsm_log_slot_take(rind_hsm_leader_log_find(&fixture.log, 11)));
    free(fixture.memory);
}

static void entries_stay_in_order_while_the_log_moves_through_its_memory(void **state)
{
    (void)state;
    struct log_fixture fixture = log_new(5);
    uint64_t first = 10;
    uint64_t last = 10;
    struct cluster_random random = {.seed = 8};
    for (unsigned step = 0; step < 2000; step++) {
        uint8_t draw;
        cluster_random_fill(&random, &draw, 1);
        if (draw % 2 == 0 && rind_hsm_leader_log_has_room(&fixture.log, 1)) {
            struct rind_log_entry next = entry_at(last + 1, (uint8_t)last, (uint8_t)(last + 1));
            rind_hsm_leader_log_append(&fixture.log, &next, NULL);
            last++;
        } else if (draw % 4 == 1 && last > first) {
            rind_hsm_leader_log_drop_last(&fixture.log);
            last--;
        } else {
            first += draw % (last - first + 1);
            rind_hsm_leader_log_drop_before(&fixture.log, first);
        }
        assert_int_equal(fixture.log.count, last - first + 1);
        for (uint64_t i = first; i <= last; i++) {
            assert_int_equal(rind_hsm_leader_log_find(&fixture.log, i)->entry.index, i);
        }
    }
    assert_true(rind_hsm_leader_log_has_room(&fixture.log, 5 - fixture.log.count));
    assert_false(rind_hsm_leader_log_has_room(&fixture.log, 6 - fixture.log.count));
    free(fixture.memory);
}

/* True if `run` ends its process by an assertion. */
static bool is_fatal(void (*run)(struct rind_hsm_leader_log *log))
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)signal(SIGABRT, SIG_DFL);
        if (freopen("/dev/null", "w", stderr) == NULL) {
            _exit(1);
        }
        struct log_fixture fixture = log_new(8);
        run(&fixture.log);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void append_with_a_gap(struct rind_hsm_leader_log *log)
{
    struct rind_log_entry entry = entry_at(12, 10, 12);
    rind_hsm_leader_log_append(log, &entry, NULL);
}

static void append_with_a_broken_chain(struct rind_hsm_leader_log *log)
{
    struct rind_log_entry entry = entry_at(11, 9, 11);
    rind_hsm_leader_log_append(log, &entry, NULL);
}

static void drop_the_only_entry(struct rind_hsm_leader_log *log)
{
    rind_hsm_leader_log_drop_last(log);
}

static void append_properly(struct rind_hsm_leader_log *log)
{
    struct rind_log_entry entry = entry_at(11, 10, 11);
    rind_hsm_leader_log_append(log, &entry, NULL);
}

static void what_would_break_the_log_is_fatal(void **state)
{
    (void)state;
    assert_true(is_fatal(append_with_a_gap));
    assert_true(is_fatal(append_with_a_broken_chain));
    assert_true(is_fatal(drop_the_only_entry));
    assert_false(is_fatal(append_properly));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_least_recently_put_session_is_evicted),
        cmocka_unit_test(a_table_of_one_keeps_the_newest),
        cmocka_unit_test(taking_and_putting_back_refreshes),
        cmocka_unit_test(clearing_wipes_every_session),
        cmocka_unit_test(the_table_behaves_as_a_plain_list_does),
        cmocka_unit_test(an_entry_is_found_by_its_index_only),
        cmocka_unit_test(a_response_is_taken_once),
        cmocka_unit_test(entries_stay_in_order_while_the_log_moves_through_its_memory),
        cmocka_unit_test(what_would_break_the_log_is_fatal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
