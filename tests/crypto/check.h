/* check.h - assertions on statuses that name what they got; bytes written as hex in a test. */
#ifndef RIND_TESTS_CRYPTO_CHECK_H
#define RIND_TESTS_CRYPTO_CHECK_H

#include <string.h>

#include "base/arena.h"
#include "base/hex.h"
#include "base/slice.h"
#include "base/status.h"
#include "support/test.h"

static inline void assert_code(rind_status status, enum rind_code code)
{
    assert_string_equal(rind_code_name((enum rind_code)status.code), rind_code_name(code));
}

static inline void assert_ok(rind_status status)
{
    assert_code(status, RIND_E_OK);
}

/* The bytes that a test spells in hex. */
static inline struct rind_slice bytes_of_hex(struct rind_arena *arena, const char *hex)
{
    size_t size = strlen(hex) / 2;
    uint8_t *bytes = rind_arena_alloc(arena, size);
    assert_non_null(bytes);
    assert_true(rind_hex_decode(rind_slice_text(hex), bytes, size));
    return rind_slice_make(bytes, size);
}

#endif
