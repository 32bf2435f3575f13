/* cbor_skip.c - passing over one item of any shape, with an explicit stack of open containers. */
#include "wire/cbor.h"

#include "base/assert.h"

/* What an open container still expects: a number of items, or one of these. */
#define SKIP_UNTIL_BREAK UINT64_MAX            /* in an indefinite array */
#define SKIP_KEY_OR_BREAK (UINT64_MAX - 1)     /* in an indefinite map, before a key */
#define SKIP_VALUE_BEFORE_KEY (UINT64_MAX - 2) /* in an indefinite map, after a key */
#define SKIP_COUNT_MAX (UINT64_MAX - 3)

struct skip_stack {
    uint64_t expected[RIND_WIRE_LENIENT_DEPTH_MAX + 1];
    size_t height;
    size_t height_max;
};

static bool skip_push(struct rind_cbor_reader *reader, struct skip_stack *stack, uint64_t expected)
{
    if (stack->height >= stack->height_max) {
        return rind_cbor_fault(reader, "containers are nested too deeply");
    }
    stack->expected[stack->height++] = expected;
    return true;
}

/* Notes that an item of the innermost container starts; true if that container was complete. */
static bool skip_count_item(struct skip_stack *stack)
{
    uint64_t *expected = &stack->expected[stack->height - 1];
    switch (*expected) {
    case 0:
        stack->height--;
        return true;
    case SKIP_UNTIL_BREAK:
        return false;
    case SKIP_KEY_OR_BREAK:
        *expected = SKIP_VALUE_BEFORE_KEY;
        return false;
    case SKIP_VALUE_BEFORE_KEY:
        *expected = SKIP_KEY_OR_BREAK;
        return false;
    default:
        (*expected)--;
        return false;
    }
}

/* The pieces of a byte string or text of indefinite length, up to its break. */
static bool skip_pieces(struct rind_cbor_reader *reader, uint8_t major)
{
    for (;;) {
        struct rind_cbor_head head;
        struct rind_slice piece;
        if (!rind_cbor_read_head(reader, &head)) {
            return false;
        }
        if (head.major == RIND_CBOR_SIMPLE && head.is_indefinite) {
            return true;
        }
        if (head.major != major || head.is_indefinite) {
            return rind_cbor_fault(reader, "a piece of another kind in an indefinite string");
        }
        if (!rind_cbor_read_content(reader, head.argument, &piece)) {
            return false;
        }
        if (major == RIND_CBOR_TEXT && !rind_cbor_is_utf8(piece)) {
            return rind_cbor_fault(reader, "text is not UTF-8");
        }
    }
}

static bool skip_string(struct rind_cbor_reader *reader, const struct rind_cbor_head *head)
{
    struct rind_slice content;
    if (head->is_indefinite) {
        return skip_pieces(reader, head->major);
    }
    if (!rind_cbor_read_content(reader, head->argument, &content)) {
        return false;
    }
    if (head->major == RIND_CBOR_TEXT && !rind_cbor_is_utf8(content)) {
        return rind_cbor_fault(reader, "text is not UTF-8");
    }
    return true;
}

static bool skip_open(struct rind_cbor_reader *reader, struct skip_stack *stack,
                      const struct rind_cbor_head *head)
{
    bool is_map = head->major == RIND_CBOR_MAP;
    if (head->is_indefinite) {
        return skip_push(reader, stack, is_map ? SKIP_KEY_OR_BREAK : SKIP_UNTIL_BREAK);
    }
    /* Every item takes at least one byte, so this also keeps the doubling below from wrapping. */
    if (head->argument > rind_cbor_left(reader)) {
        return rind_cbor_fault(reader, "the declared count exceeds the input");
    }
    uint64_t count = is_map ? 2 * head->argument : head->argument;
    RIND_ASSERT(count <= SKIP_COUNT_MAX);
    return skip_push(reader, stack, count);
}

static bool skip_simple(struct rind_cbor_reader *reader, struct skip_stack *stack,
                        const struct rind_cbor_head *head)
{
    bool is_strict = reader->profile == RIND_WIRE_STRICT;
    if (head->is_indefinite) {
        /* skip_count_item has already counted this break as the item it takes the place of. */
        uint64_t expected = stack->expected[stack->height - 1];
        if (expected != SKIP_UNTIL_BREAK && expected != SKIP_VALUE_BEFORE_KEY) {
            return rind_cbor_fault(reader, "a break where none can be");
        }
        stack->height--;
        return true;
    }
    if (head->is_float) {
        return !is_strict || rind_cbor_fault(reader, "floats are not allowed");
    }
    switch (head->argument) {
    case RIND_CBOR_FALSE:
    case RIND_CBOR_TRUE:
    case RIND_CBOR_NULL:
        return true;
    case RIND_CBOR_UNDEFINED:
        return !is_strict || rind_cbor_fault(reader, "undefined is not allowed");
    default:
        return rind_cbor_fault(reader, "unknown simple value");
    }
}

static bool skip_one(struct rind_cbor_reader *reader, struct skip_stack *stack)
{
    struct rind_cbor_head head;
    if (!rind_cbor_read_head(reader, &head)) {
        return false;
    }
    switch ((enum rind_cbor_major)head.major) {
    case RIND_CBOR_UNSIGNED:
    case RIND_CBOR_NEGATIVE:
        return true;
    case RIND_CBOR_BYTES:
    case RIND_CBOR_TEXT:
        return skip_string(reader, &head);
    case RIND_CBOR_ARRAY:
    case RIND_CBOR_MAP:
        return skip_open(reader, stack, &head);
    case RIND_CBOR_TAG:
        if (reader->profile == RIND_WIRE_STRICT) {
            return rind_cbor_fault(reader, "tags are not allowed");
        }
        return skip_push(reader, stack, 1); /* a tag counts as a level that holds one item */
    case RIND_CBOR_SIMPLE:
        return skip_simple(reader, stack, &head);
    }
    RIND_UNREACHABLE("a major type has three bits");
}

bool rind_cbor_skip(struct rind_cbor_reader *reader, size_t depth)
{
    size_t depth_max = rind_cbor_depth_max(reader->profile);
    RIND_ASSERT(depth <= depth_max);
    struct skip_stack stack;
    stack.expected[0] = 1; /* the item itself */
    stack.height = 1;
    stack.height_max = depth_max - depth + 1;
    while (stack.height > 0) {
        if (!skip_count_item(&stack) && !skip_one(reader, &stack)) {
            return false;
        }
    }
    return true;
}
