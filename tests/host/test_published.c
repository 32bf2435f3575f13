/* test_published.c - replacing a value under its readers: nothing freed early, nothing leaked. */
#include "host/published.h"

#include <stdatomic.h>
#include <stdbool.h>

#include "host/thread.h"
#include "support/test.h"

#define READER_COUNT 4u
#define REPLACEMENT_COUNT 20000u
#define MAGIC_ALIVE UINT64_C(0xa11fea11fea11fe1)
#define MAGIC_DEAD UINT64_C(0xdeaddeaddeaddead)

struct value {
    uint64_t magic;
    uint64_t number;
    atomic_uint *alive_count;
};

static struct value *value_new(uint64_t number, atomic_uint *alive_count)
{
    struct value *value = malloc(sizeof(*value));
    assert_non_null(value);
    *value = (struct value){MAGIC_ALIVE, number, alive_count};
    (*alive_count)++;
    return value;
}

static void value_free(void *pointer)
{
    struct value *value = pointer;
    (*value->alive_count)--;
    value->magic = MAGIC_DEAD;
    free(value);
}

static uint64_t number_of(struct rind_published_ref ref)
{
    const struct value *value = ref.value;
    return value->number;
}

static void readers_see_the_latest_value_and_keep_the_one_they_have(void **state)
{
    (void)state;
    atomic_uint alive = 0;
    struct rind_published *published = NULL;
    assert_true(rind_is_ok(rind_published_new(NULL, value_new(1, &alive), value_free, &published)));
    struct rind_published_ref first = rind_published_acquire(published);
    struct rind_published_ref again = rind_published_acquire(published);
    assert_true(rind_is_ok(rind_published_replace(NULL, published, value_new(2, &alive))));
    struct rind_published_ref second = rind_published_acquire(published);
    assert_int_equal(number_of(first), 1);
    assert_int_equal(number_of(second), 2);
    assert_int_equal(alive, 2);
    rind_published_release(published, first);
    assert_int_equal(alive, 2);
    rind_published_release(published, again);
    assert_int_equal(alive, 1); /* the last reader of the old value freed it */
    rind_published_release(published, second);
    rind_published_free(published);
    assert_int_equal(alive, 0);
}

static void replacing_is_refused_while_all_slots_are_held_and_works_afterwards(void **state)
{
    (void)state;
    atomic_uint alive = 0;
    struct rind_published *published = NULL;
    struct rind_published_ref refs[RIND_PUBLISHED_SLOT_COUNT];
    assert_true(rind_is_ok(rind_published_new(NULL, value_new(0, &alive), value_free, &published)));
    for (unsigned i = 0; i + 1 < RIND_PUBLISHED_SLOT_COUNT; i++) {
        refs[i] = rind_published_acquire(published);
        assert_true(rind_is_ok(rind_published_replace(NULL, published, value_new(i + 1, &alive))));
    }
    struct value *spare = value_new(1000, &alive);
    assert_true(rind_is(rind_published_replace(NULL, published, spare), RIND_E_BUSY));
    rind_published_release(published, refs[7]);
    assert_true(rind_is_ok(rind_published_replace(NULL, published, spare)));
    for (unsigned i = 0; i + 1 < RIND_PUBLISHED_SLOT_COUNT; i++) {
        if (i != 7) {
            assert_int_equal(number_of(refs[i]), i);
            rind_published_release(published, refs[i]);
        }
    }
    assert_int_equal(alive, 1);
    rind_published_free(published);
    assert_int_equal(alive, 0);
}

struct race {
    struct rind_published *published;
    atomic_bool is_over;
    atomic_bool has_seen_dead;
    atomic_bool has_gone_back;
};

static void reader_run(void *self)
{
    struct race *race = self;
    uint64_t latest = 0;
    while (!atomic_load(&race->is_over)) {
        struct rind_published_ref ref = rind_published_acquire(race->published);
        const struct value *value = ref.value;
        if (value->magic != MAGIC_ALIVE) {
            atomic_store(&race->has_seen_dead, true);
        }
        if (value->number < latest) {
            atomic_store(&race->has_gone_back, true);
        }
        latest = value->number;
        rind_published_release(race->published, ref);
    }
}

static void many_readers_race_one_writer(void **state)
{
    (void)state;
    atomic_uint alive = 0;
    struct race race = {0};
    struct rind_thread threads[READER_COUNT] = {0};
    assert_true(
        rind_is_ok(rind_published_new(NULL, value_new(0, &alive), value_free, &race.published)));
    for (unsigned i = 0; i < READER_COUNT; i++) {
        assert_true(rind_is_ok(rind_thread_start(NULL, &threads[i], "reader", reader_run, &race)));
    }
    for (uint64_t i = 1; i <= REPLACEMENT_COUNT; i++) {
        struct value *value = value_new(i, &alive);
        struct rind_deadline deadline = rind_deadline_in_ms(20000);
        while (!rind_is_ok(rind_published_replace(NULL, race.published, value))) {
            assert_false(rind_deadline_has_expired(deadline));
        }
    }
    atomic_store(&race.is_over, true);
    for (unsigned i = 0; i < READER_COUNT; i++) {
        rind_thread_join(&threads[i]);
    }
    assert_false(race.has_seen_dead);
    assert_false(race.has_gone_back);
    assert_int_equal(alive, 1);
    rind_published_free(race.published);
    assert_int_equal(alive, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readers_see_the_latest_value_and_keep_the_one_they_have),
        cmocka_unit_test(replacing_is_refused_while_all_slots_are_held_and_works_afterwards),
        cmocka_unit_test(many_readers_race_one_writer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
