/* encode.c - the one encoder: walks a schema over a C value with an explicit stack. */
#include "wire/codec.h"

#include "base/assert.h"
#include "wire/cbor.h"
#include "wire/node_form.h"

/* Behind every RIND_LIST_TYPE. */
struct encode_list {
    const void *items;
    size_t count;
};

/* An open container. */
struct encode_frame {
    const struct rind_schema *schema;
    const uint8_t *value; /* the C struct; of lists and maps, the items */
    size_t index;         /* of the next row, item, or half of an entry */
    size_t count;
};

struct encoder {
    struct rind_ctx *ctx;
    uint8_t *memory;   /* where to write; NULL: only measure */
    size_t capacity;   /* of it */
    size_t size_bytes; /* written, and what would have been had there been room */
    struct encode_frame frames[RIND_WIRE_FRAMES_MAX];
    size_t depth;
};

/* Names and values are many and short: a call of memcpy for each would cost more than the copy. */
static inline void encode_copy(uint8_t *to, const uint8_t *from, size_t size)
{
    if (size == 32) {
        memcpy(to, from, 32);
    } else if (size > 16) {
        memcpy(to, from, size);
    } else if (size >= 8) {
        memcpy(to, from, 8);
        memcpy(to + size - 8, from + size - 8, 8); /* overlaps unless there are 16 */
    } else if (size >= 4) {
        memcpy(to, from, 4);
        memcpy(to + size - 4, from + size - 4, 4);
    } else {
        for (size_t i = 0; i < size; i++) {
            to[i] = from[i];
        }
    }
}

/* Counts `size` more bytes; where they go, or NULL if there is no room (or only measuring). */
static inline uint8_t *encode_reserve(struct encoder *encoder, size_t size)
{
    size_t at = encoder->size_bytes;
    encoder->size_bytes = at + size;
    bool has_room = at <= encoder->capacity && size <= encoder->capacity - at;
    return has_room && encoder->memory != NULL ? encoder->memory + at : NULL;
}

static inline void encode_bytes(struct encoder *encoder, struct rind_slice bytes)
{
    uint8_t *to = encode_reserve(encoder, bytes.length);
    if (to != NULL && bytes.length > 0) {
        encode_copy(to, bytes.data, bytes.length);
    }
}

static inline void encode_head(struct encoder *encoder, enum rind_cbor_major major,
                               uint64_t argument)
{
    uint8_t head[RIND_CBOR_HEAD_SIZE_MAX];
    if (argument < RIND_CBOR_ARGUMENT_SHORT_END) {
        uint8_t *to = encode_reserve(encoder, 1);
        if (to != NULL) {
            *to = (uint8_t)((unsigned)major << 5 | (unsigned)argument);
        }
        return;
    }
    size_t size = rind_cbor_write_head(head, major, argument);
    uint8_t *to = encode_reserve(encoder, size);
    if (to != NULL) {
        memcpy(to, head, size);
    }
}

static inline void encode_name(struct encoder *encoder, const struct rind_field *row)
{
    encode_head(encoder, RIND_CBOR_TEXT, row->name_length);
    encode_bytes(encoder, rind_slice_make(row->name, row->name_length));
}

static void encode_simple(struct encoder *encoder, unsigned simple)
{
    encode_head(encoder, RIND_CBOR_SIMPLE, simple);
}

static rind_status encode_integer(struct encoder *encoder, const struct rind_schema *schema,
                                  const uint8_t *value)
{
    uint16_t u16;
    uint32_t u32;
    uint64_t integer;
    switch (schema->size) {
    case sizeof(u16):
        memcpy(&u16, value, sizeof(u16));
        integer = u16;
        break;
    case sizeof(u32):
        memcpy(&u32, value, sizeof(u32));
        integer = u32;
        break;
    case sizeof(integer):
        memcpy(&integer, value, sizeof(integer));
        break;
    default:
        RIND_UNREACHABLE("integers have 2, 4 or 8 bytes");
    }
    RIND_REQUIRE(encoder->ctx, integer >= schema->min && integer <= schema->max, RIND_E_INVALID,
                 "%s is out of its range and cannot be encoded", schema->name);
    encode_head(encoder, RIND_CBOR_UNSIGNED, integer);
    return RIND_OK;
}

static rind_status encode_fixed(struct encoder *encoder, const struct rind_schema *schema,
                                const uint8_t *value)
{
    RIND_REQUIRE(encoder->ctx, schema->kind != RIND_KIND_SCALAR || rind_cbor_is_scalar(value),
                 RIND_E_INVALID, "a scalar is not below the group order and cannot be encoded");
    encode_head(encoder, RIND_CBOR_BYTES, schema->size);
    encode_bytes(encoder, rind_slice_make(value, schema->size));
    return RIND_OK;
}

static rind_status encode_slice(struct encoder *encoder, const struct rind_schema *schema,
                                const uint8_t *value)
{
    struct rind_slice slice;
    memcpy(&slice, value, sizeof(slice));
    RIND_REQUIRE(encoder->ctx, slice.length <= schema->max, RIND_E_LIMIT,
                 "%s of %zu bytes cannot be encoded: the limit is %llu bytes", schema->name,
                 slice.length, (unsigned long long)schema->max);
    switch (schema->kind) {
    case RIND_KIND_BYTES:
        encode_head(encoder, RIND_CBOR_BYTES, slice.length);
        break;
    case RIND_KIND_TEXT:
        RIND_REQUIRE(encoder->ctx, rind_cbor_is_utf8(slice), RIND_E_INVALID,
                     "text that is not UTF-8 cannot be encoded");
        encode_head(encoder, RIND_CBOR_TEXT, slice.length);
        break;
    default:
        RIND_ASSERT(schema->kind == RIND_KIND_RAW);
        RIND_ASSERT(slice.length > 0); /* no item is empty: somebody forgot to set it */
        break;
    }
    encode_bytes(encoder, slice);
    return RIND_OK;
}

/* --- Containers --- */

static void encode_push(struct encoder *encoder, const struct rind_schema *schema,
                        const uint8_t *value, size_t count)
{
    RIND_ASSERT(encoder->depth < RIND_WIRE_FRAMES_MAX); /* depends on our tables alone */
    encoder->frames[encoder->depth++] =
        (struct encode_frame){.schema = schema, .value = value, .count = count};
}

static bool encode_is_there(const struct rind_field *row, const uint8_t *base)
{
    bool is_there = true;
    if (row->presence != RIND_PRESENT) {
        memcpy(&is_there, base + row->has_offset, sizeof(is_there));
    }
    return is_there;
}

static void encode_node(struct encoder *encoder, enum rind_node_form form, const uint8_t *value)
{
    uint8_t *to = encode_reserve(encoder, rind_node_form_size(form, value));
    if (to != NULL) {
        rind_node_form_put(form, value, to);
    }
}

static void encode_open_struct(struct encoder *encoder, const struct rind_schema *schema,
                               const uint8_t *value)
{
    if (schema->node_form != RIND_NODE_FORM_NONE) {
        encode_node(encoder, schema->node_form, value);
        return;
    }
    size_t count = 0;
    for (size_t i = 0; i < schema->field_count; i++) {
        const struct rind_field *row = &schema->fields[i];
        count += row->presence != RIND_OMITTABLE || encode_is_there(row, value);
    }
    encode_head(encoder, RIND_CBOR_MAP, count);
    encode_push(encoder, schema, value, schema->field_count);
}

static rind_status encode_open_items(struct encoder *encoder, const struct rind_schema *schema,
                                     const uint8_t *value)
{
    struct encode_list list;
    memcpy(&list, value, sizeof(list));
    RIND_REQUIRE(encoder->ctx, list.count <= schema->max, RIND_E_LIMIT,
                 "%s of %zu items cannot be encoded: the limit is %llu", schema->name, list.count,
                 (unsigned long long)schema->max);
    RIND_ASSERT(list.count == 0 || list.items != NULL);
    if (schema->kind == RIND_KIND_MAP) {
        encode_head(encoder, RIND_CBOR_MAP, list.count);
        encode_push(encoder, schema, list.items, 2 * list.count);
    } else {
        encode_head(encoder, RIND_CBOR_ARRAY, list.count);
        encode_push(encoder, schema, list.items, list.count);
    }
    return RIND_OK;
}

/* Writes the alternative's name; of one with data, leaves its payload to the frame. */
static void encode_open_enum(struct encoder *encoder, const struct rind_schema *schema,
                             const uint8_t *value)
{
    uint32_t kind;
    memcpy(&kind, value, sizeof(kind));
    RIND_ASSERT(kind >= 1 && kind <= schema->field_count); /* `kind` was not set */
    const struct rind_field *variant = &schema->fields[kind - 1];
    if (variant->schema == NULL) {
        encode_name(encoder, variant);
        return;
    }
    encode_head(encoder, RIND_CBOR_MAP, 1);
    encode_name(encoder, variant);
    encode_push(encoder, schema, value, kind);
    encoder->frames[encoder->depth - 1].index = kind - 1;
}

/* Writes one value whole, or its head, and pushes the frame of its container. */
static rind_status encode_value(struct encoder *encoder, const struct rind_schema *schema,
                                const uint8_t *value)
{
    bool truth;
    switch (schema->kind) {
    case RIND_KIND_BYTES_FIXED:
    case RIND_KIND_SCALAR:
        return encode_fixed(encoder, schema, value);
    case RIND_KIND_BYTES:
    case RIND_KIND_TEXT:
    case RIND_KIND_RAW:
        return encode_slice(encoder, schema, value);
    case RIND_KIND_U16:
    case RIND_KIND_U16_SATURATING:
    case RIND_KIND_U32:
    case RIND_KIND_U64:
        return encode_integer(encoder, schema, value);
    case RIND_KIND_BOOL:
        memcpy(&truth, value, sizeof(truth));
        encode_simple(encoder, truth ? RIND_CBOR_TRUE : RIND_CBOR_FALSE);
        return RIND_OK;
    case RIND_KIND_STRUCT:
    case RIND_KIND_DURATION:
        encode_open_struct(encoder, schema, value);
        return RIND_OK;
    case RIND_KIND_TUPLE:
        encode_head(encoder, RIND_CBOR_ARRAY, schema->field_count);
        encode_push(encoder, schema, value, schema->field_count);
        return RIND_OK;
    case RIND_KIND_LIST:
    case RIND_KIND_MAP:
        return encode_open_items(encoder, schema, value);
    case RIND_KIND_ENUM:
        encode_open_enum(encoder, schema, value);
        return RIND_OK;
    }
    RIND_UNREACHABLE("a schema of unknown kind");
}

static rind_status encode_row(struct encoder *encoder, const struct rind_field *row,
                              const uint8_t *base)
{
    if (!encode_is_there(row, base)) {
        encode_simple(encoder, RIND_CBOR_NULL);
        return RIND_OK;
    }
    return encode_value(encoder, row->schema, base + row->offset);
}

/*
 * The row that most rows are, in one piece: a short name and bytes of a fixed size. False if it is
 * another one.
 */
static inline bool encode_fixed_row(struct encoder *encoder, const struct rind_field *row,
                                    const uint8_t *base)
{
    const struct rind_schema *schema = row->schema;
    size_t size = schema->size;
    size_t name_length = row->name_length;
    if (schema->kind != RIND_KIND_BYTES_FIXED || row->presence != RIND_PRESENT ||
        size < RIND_CBOR_ARGUMENT_SHORT_END || size > UINT8_MAX ||
        name_length >= RIND_CBOR_ARGUMENT_SHORT_END) {
        return false;
    }
    uint8_t *to = encode_reserve(encoder, 1 + name_length + 2 + size);
    if (to != NULL) {
        *to++ = (uint8_t)((unsigned)RIND_CBOR_TEXT << 5 | (unsigned)name_length);
        encode_copy(to, (const uint8_t *)row->name, name_length);
        to += name_length;
        *to++ = (uint8_t)((unsigned)RIND_CBOR_BYTES << 5 | RIND_CBOR_ARGUMENT_SHORT_END);
        *to++ = (uint8_t)size;
        encode_copy(to, base + row->offset, size);
    }
    return true;
}

/* Goes on with a struct until a container in it is open. */
static rind_status encode_continue_struct(struct encoder *encoder, struct encode_frame *frame)
{
    size_t depth = encoder->depth;
    const struct rind_schema *schema = frame->schema;
    while (frame->index < frame->count) {
        const struct rind_field *row = &schema->fields[frame->index++];
        if (encode_fixed_row(encoder, row, frame->value)) {
            continue;
        }
        if (row->presence == RIND_OMITTABLE && !encode_is_there(row, frame->value)) {
            continue;
        }
        encode_name(encoder, row);
        RIND_TRY(encode_row(encoder, row, frame->value));
        if (encoder->depth != depth) {
            return RIND_OK;
        }
    }
    encoder->depth--;
    return RIND_OK;
}

static rind_status encode_continue(struct encoder *encoder)
{
    struct encode_frame *frame = &encoder->frames[encoder->depth - 1];
    const struct rind_schema *schema = frame->schema;
    if (schema->kind == RIND_KIND_STRUCT || schema->kind == RIND_KIND_DURATION) {
        return encode_continue_struct(encoder, frame);
    }
    if (frame->index == frame->count) {
        encoder->depth--;
        return RIND_OK;
    }
    size_t index = frame->index++;
    const struct rind_field *row = schema->fields;
    switch (schema->kind) {
    case RIND_KIND_TUPLE:
    case RIND_KIND_ENUM:
        return encode_row(encoder, row + index, frame->value);
    case RIND_KIND_LIST:
        return encode_value(encoder, schema->element, frame->value + index * schema->element_size);
    case RIND_KIND_MAP:
        return encode_row(encoder, row + index % 2,
                          frame->value + index / 2 * schema->element_size);
    default:
        RIND_UNREACHABLE("only containers have frames");
    }
}

static rind_status encode_with(struct encoder *encoder, const struct rind_schema *schema,
                               const void *value)
{
    RIND_TRY(encode_value(encoder, schema, value));
    while (encoder->depth > 0) {
        RIND_TRY(encode_continue(encoder));
    }
    return RIND_OK;
}

/* All but the frames, which are written before they are read. */
static void encode_init(struct encoder *encoder, struct rind_ctx *ctx, uint8_t *memory,
                        size_t capacity)
{
    encoder->ctx = ctx;
    encoder->memory = memory;
    encoder->capacity = capacity;
    encoder->size_bytes = 0;
    encoder->depth = 0;
}

rind_status rind_wire_encode(struct rind_ctx *ctx, const struct rind_schema *schema,
                             const void *value, struct rind_buffer *out)
{
    RIND_REQUIRE(ctx, !out->is_overflown, RIND_E_LIMIT,
                 "%s follows something that did not fit; use a larger buffer", schema->name);
    struct encoder encoder;
    size_t room = out->capacity - out->length;
    encode_init(&encoder, ctx, room > 0 ? out->data + out->length : NULL, room);
    RIND_TRY(encode_with(&encoder, schema, value));
    RIND_REQUIRE(ctx, encoder.size_bytes <= room, RIND_E_LIMIT,
                 "%s needs %zu bytes, the buffer has %zu left; use a larger buffer", schema->name,
                 encoder.size_bytes, room);
    out->length += encoder.size_bytes;
    return RIND_OK;
}

rind_status rind_wire_size(struct rind_ctx *ctx, const struct rind_schema *schema,
                           const void *value, size_t *size_bytes)
{
    struct encoder encoder;
    encode_init(&encoder, ctx, NULL, 0);
    RIND_TRY(encode_with(&encoder, schema, value));
    *size_bytes = encoder.size_bytes;
    return RIND_OK;
}

/* In one pass: into what the arena has free, of which it then takes what was needed. */
rind_status rind_wire_encode_alloc(struct rind_ctx *ctx, const struct rind_schema *schema,
                                   const void *value, struct rind_slice *encoded)
{
    size_t room;
    uint8_t *memory = rind_arena_tail(ctx->arena, &room);
    struct encoder encoder;
    encode_init(&encoder, ctx, room > 0 ? memory : NULL, room);
    rind_status status = encode_with(&encoder, schema, value);
    bool fits = encoder.size_bytes <= room;
    if (rind_is_ok(status) && fits) {
        rind_arena_take_tail(ctx->arena, encoder.size_bytes);
        *encoded = rind_slice_make(memory, encoder.size_bytes);
        return RIND_OK;
    }
    rind_arena_refuse_tail(ctx->arena, fits ? encoder.size_bytes : room);
    RIND_TRY(status);
    return rind_fail(ctx, RIND_E_LIMIT,
                     "request arena is too full for %zu bytes of %s; send a smaller request",
                     encoder.size_bytes, schema->name);
}
