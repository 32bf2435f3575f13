/* fixture.h - an arena and a context for each test of this room. */
#ifndef RIND_TESTS_WIRE_FIXTURE_H
#define RIND_TESTS_WIRE_FIXTURE_H

#include "support/test.h"

#include "base/base.h"
#include "wire/wire.h"

#define ARENA_SIZE 4000000u
/* Larger than any C struct of a message. */
#define VALUE_SIZE_MAX 16384u

struct fixture {
    struct rind_arena arena;
    struct rind_ctx ctx;
};

static inline int fixture_setup(void **state)
{
    struct fixture *fixture = malloc(sizeof(*fixture));
    rind_arena_init(&fixture->arena, malloc(ARENA_SIZE), ARENA_SIZE);
    rind_ctx_init(&fixture->ctx, &fixture->arena);
    *state = fixture;
    return 0;
}

static inline int fixture_teardown(void **state)
{
    struct fixture *fixture = *state;
    free(fixture->arena.memory);
    free(fixture);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

#endif
