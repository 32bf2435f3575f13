/* wire_messages.c - see wire_messages.h. */
#include "wire_messages.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "../wire/plain_tables.h"
#include "base/base.h"

#define VALUE_SIZE_MAX 16384u
#define ARENA_SIZE (4u * 1048576u)

static void check(bool property)
{
    if (!property) {
        abort();
    }
}

/* Encodes a decoded value; false if that ran into the arena's limit, which is no fault. */
static bool encode(struct rind_ctx *ctx, const struct rind_schema *schema, const void *value,
                   struct rind_slice *encoded)
{
    rind_status status = rind_wire_encode_alloc(ctx, schema, value, encoded);
    check(rind_is_ok(status) || ctx->arena->is_exhausted);
    return rind_is_ok(status);
}

static void round_trip(struct rind_ctx *ctx, enum rind_wire_profile profile,
                       const struct rind_schema *schema, struct rind_slice input)
{
    static alignas(max_align_t) uint8_t value[VALUE_SIZE_MAX];
    struct rind_slice once;
    struct rind_slice twice;
    check(schema->size <= sizeof(value));
    if (!rind_is_ok(rind_wire_decode(ctx, profile, schema, input, value))) {
        check(rind_ct_is_zero(value, schema->size));
        check(ctx->sentence[0] != '\0');
        return;
    }
    if (!encode(ctx, schema, value, &once)) {
        return;
    }
    /* What decodes encodes to bytes that decode, in the stricter profile too, to the same value. */
    rind_status status = rind_wire_decode(ctx, profile, schema, once, value);
    if (!rind_is_ok(status)) {
        check(ctx->arena->is_exhausted);
        return;
    }
    if (encode(ctx, schema, value, &twice)) {
        check(rind_slice_equal(once, twice));
    }
}

void fuzz_wire_messages(const struct rind_schema *const *schemas, size_t count,
                        struct rind_slice input)
{
    static alignas(max_align_t) uint8_t memory[ARENA_SIZE];
    static alignas(max_align_t) uint8_t plain_memory[ARENA_SIZE];
    struct rind_arena arena;
    struct rind_arena plain_arena;
    struct rind_ctx ctx;
    struct rind_ctx plain_ctx;
    rind_arena_init(&arena, memory, sizeof(memory));
    rind_arena_init(&plain_arena, plain_memory, sizeof(plain_memory));
    for (size_t i = 0; i < count; i++) {
        rind_ctx_init(&ctx, &arena);
        rind_ctx_init(&plain_ctx, &plain_arena);
        check(plain_table_agrees(&ctx, &plain_ctx, RIND_WIRE_STRICT, schemas[i], input));
        rind_arena_reset(&arena);
        rind_arena_reset(&plain_arena);
        rind_ctx_init(&ctx, &arena);
        round_trip(&ctx, RIND_WIRE_STRICT, schemas[i], input);
        rind_arena_reset(&arena);
        rind_ctx_init(&ctx, &arena);
        round_trip(&ctx, RIND_WIRE_LENIENT, schemas[i], input);
        rind_arena_reset(&arena);
    }
}
