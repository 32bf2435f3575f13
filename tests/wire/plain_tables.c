/* plain_tables.c - see plain_tables.h. */
#include "plain_tables.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#define PLAIN_TABLES_MAX 1024u
#define PLAIN_VALUE_SIZE_MAX 16384u

struct plain_copy {
    const struct rind_schema *original;
    struct rind_schema plain;
    bool is_other; /* it, or one that it leads to, has a node form: there is something to compare */
};

/* Copies of all tables met so far. */
static struct plain_copy *copies[PLAIN_TABLES_MAX];
static size_t copy_count;

static void *plain_alloc(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (memory == NULL) {
        abort();
    }
    return memory;
}

/* Recursion is fine here: tables end, and this is a test. */
static const struct plain_copy *plain_copy_of(const struct rind_schema *schema)
{
    for (size_t i = 0; i < copy_count; i++) {
        if (copies[i]->original == schema) {
            return copies[i];
        }
    }
    if (copy_count == PLAIN_TABLES_MAX) {
        abort();
    }
    struct plain_copy *copy = plain_alloc(1, sizeof(*copy));
    copies[copy_count++] = copy;
    copy->original = schema;
    copy->plain = *schema;
    copy->plain.node_form = RIND_NODE_FORM_NONE;
    copy->is_other = schema->node_form != RIND_NODE_FORM_NONE;
    if (schema->element != NULL) {
        const struct plain_copy *element = plain_copy_of(schema->element);
        copy->plain.element = &element->plain;
        copy->is_other |= element->is_other;
    }
    struct rind_field *fields = plain_alloc(schema->field_count + 1, sizeof(*fields));
    copy->plain.fields = fields;
    for (size_t i = 0; i < schema->field_count; i++) {
        fields[i] = schema->fields[i];
        if (fields[i].schema != NULL) {
            const struct plain_copy *field = plain_copy_of(fields[i].schema);
            fields[i].schema = &field->plain;
            copy->is_other |= field->is_other;
        }
    }
    return copy;
}

/* The encodings of one value by both tables are the same bytes, and are as long as foretold. */
static bool encodings_agree(struct rind_ctx *ctx, struct rind_ctx *plain_ctx,
                            const struct plain_copy *copy, const void *value,
                            const void *plain_value)
{
    struct rind_slice fast;
    struct rind_slice slow;
    size_t size;
    rind_status status = rind_wire_encode_alloc(ctx, copy->original, value, &fast);
    rind_status plain_status = rind_wire_encode_alloc(plain_ctx, &copy->plain, plain_value, &slow);
    if (!rind_is_ok(status)) {
        return status.code == plain_status.code && strcmp(ctx->sentence, plain_ctx->sentence) == 0;
    }
    return rind_is_ok(plain_status) && rind_slice_equal(fast, slow) &&
           rind_is_ok(rind_wire_size(ctx, copy->original, value, &size)) && size == fast.length;
}

bool plain_table_agrees(struct rind_ctx *ctx, struct rind_ctx *plain_ctx,
                        enum rind_wire_profile profile, const struct rind_schema *schema,
                        struct rind_slice input)
{
    alignas(max_align_t) uint8_t value[PLAIN_VALUE_SIZE_MAX];
    alignas(max_align_t) uint8_t plain_value[PLAIN_VALUE_SIZE_MAX];
    const struct plain_copy *copy = plain_copy_of(schema);
    if (!copy->is_other) {
        return true;
    }
    if (schema->size > sizeof(value)) {
        abort();
    }
    size_t mark = rind_arena_mark(ctx->arena);
    size_t plain_mark = rind_arena_mark(plain_ctx->arena);
    rind_status status = rind_wire_decode(ctx, profile, schema, input, value);
    rind_status plain_status =
        rind_wire_decode(plain_ctx, profile, &copy->plain, input, plain_value);
    bool agrees = status.code == plain_status.code;
    if (agrees && !rind_is_ok(status)) {
        agrees = strcmp(ctx->sentence, plain_ctx->sentence) == 0;
    } else if (agrees) {
        agrees = encodings_agree(ctx, plain_ctx, copy, value, plain_value);
    }
    rind_arena_release(ctx->arena, mark);
    rind_arena_release(plain_ctx->arena, plain_mark);
    return agrees;
}
