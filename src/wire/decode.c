/* decode.c - the one decoder: walks a schema over foreign bytes with an explicit stack. */
#include "wire/codec.h"

#include "base/assert.h"
#include "base/wipe.h"
#include "wire/cbor.h"
#include "wire/types.h"

#define DECODE_NANOS_PER_SECOND 1000000000u

/* Behind every RIND_LIST_TYPE. */
struct decode_list {
    void *items;
    size_t count;
};

/* An open container. Each is one level of nesting. */
struct decode_frame {
    const struct rind_schema *schema;
    uint8_t *value;     /* the C struct; of lists and maps, the items */
    uint64_t remaining; /* entries or items still to come, unless is_indefinite */
    size_t index;       /* of the next item; of a struct, the row that is likely next */
    uint32_t seen;      /* of a struct: bit per row that was there */
    bool is_indefinite;
};

struct decoder {
    struct rind_ctx *ctx;
    struct rind_cbor_reader reader;
    struct decode_frame frames[RIND_WIRE_FRAMES_MAX];
    size_t depth;
    const char *field; /* innermost name met so far, for the sentence */
    enum rind_code code;
    bool has_sentence; /* ctx has the sentence already */
};

static bool decode_fault(struct decoder *decoder, const char *fault)
{
    return rind_cbor_fault(&decoder->reader, fault);
}

static bool decode_limit(struct decoder *decoder, const char *fault)
{
    decoder->code = RIND_E_LIMIT;
    return rind_cbor_fault(&decoder->reader, fault);
}

static void *decode_alloc(struct decoder *decoder, uint64_t count, size_t size)
{
    void *memory = NULL;
    if (count <= SIZE_MAX) {
        memory = rind_ctx_alloc_array(decoder->ctx, (size_t)count, size);
    }
    if (memory == NULL) {
        decoder->has_sentence = true;
        (void)decode_limit(decoder, "the arena is full");
    }
    return memory;
}

/* --- Values without containers --- */

static bool decode_integer(struct decoder *decoder, const struct rind_schema *schema,
                           uint8_t *value)
{
    uint64_t integer;
    if (!rind_cbor_read_unsigned(&decoder->reader, &integer)) {
        return false;
    }
    if (schema->kind == RIND_KIND_U16_SATURATING && integer > UINT16_MAX) {
        integer = UINT16_MAX;
    }
    if (integer < schema->min || integer > schema->max) {
        return decode_fault(decoder, "an integer out of its range");
    }
    uint16_t u16 = (uint16_t)integer;
    uint32_t u32 = (uint32_t)integer;
    switch (schema->size) {
    case sizeof(u16):
        memcpy(value, &u16, sizeof(u16));
        return true;
    case sizeof(u32):
        memcpy(value, &u32, sizeof(u32));
        return true;
    case sizeof(integer):
        memcpy(value, &integer, sizeof(integer));
        return true;
    default:
        RIND_UNREACHABLE("integers have 2, 4 or 8 bytes");
    }
}

static bool decode_bool(struct decoder *decoder, uint8_t *value)
{
    struct rind_cbor_head head;
    if (!rind_cbor_read_untagged_head(&decoder->reader, &head)) {
        return false;
    }
    if (head.major != RIND_CBOR_SIMPLE || head.is_float || head.is_indefinite ||
        (head.argument != RIND_CBOR_TRUE && head.argument != RIND_CBOR_FALSE)) {
        return decode_fault(decoder, "true or false is expected");
    }
    bool truth = head.argument == RIND_CBOR_TRUE;
    memcpy(value, &truth, sizeof(truth));
    return true;
}

/* Where the bytes of a string in pieces, or of an array of integers, are collected. */
struct decode_sink {
    uint8_t *data;
    size_t capacity;
    size_t length;
};

static bool decode_pieces(struct decoder *decoder, uint8_t major, struct decode_sink *sink)
{
    for (;;) {
        struct rind_cbor_head head;
        struct rind_slice piece;
        if (!rind_cbor_read_head(&decoder->reader, &head)) {
            return false;
        }
        if (head.major == RIND_CBOR_SIMPLE && head.is_indefinite) {
            return true;
        }
        if (head.major != major || head.is_indefinite) {
            return decode_fault(decoder, "a piece of another kind in an indefinite string");
        }
        if (!rind_cbor_read_content(&decoder->reader, head.argument, &piece)) {
            return false;
        }
        if (piece.length > sink->capacity - sink->length) {
            return decode_fault(decoder, "more bytes than there may be");
        }
        if (piece.length > 0) {
            memcpy(sink->data + sink->length, piece.data, piece.length);
        }
        sink->length += piece.length;
    }
}

static bool decode_take_break(struct decoder *decoder)
{
    struct rind_cbor_reader *reader = &decoder->reader;
    if (rind_cbor_left(reader) > 0 && reader->input.data[reader->position] == 0xff) {
        reader->position++;
        return true;
    }
    return false;
}

/* The inefficient form of bytes: an array of integers from 0 to 255. */
static bool decode_byte_array(struct decoder *decoder, const struct rind_cbor_head *head,
                              struct decode_sink *sink)
{
    if (decoder->depth >= rind_cbor_depth_max(decoder->reader.profile)) {
        return decode_fault(decoder, "containers are nested too deeply");
    }
    for (uint64_t i = 0; head->is_indefinite || i < head->argument; i++) {
        uint64_t byte;
        if (head->is_indefinite && decode_take_break(decoder)) {
            return true;
        }
        if (!rind_cbor_read_unsigned(&decoder->reader, &byte)) {
            return false;
        }
        if (byte > UINT8_MAX) {
            return decode_fault(decoder, "an integer above 255 among bytes");
        }
        if (sink->length == sink->capacity) {
            return decode_fault(decoder, "more bytes than there may be");
        }
        sink->data[sink->length++] = (uint8_t)byte;
    }
    return true;
}

static bool decode_fixed(struct decoder *decoder, const struct rind_schema *schema, uint8_t *value)
{
    struct rind_cbor_head head;
    if (!rind_cbor_read_head(&decoder->reader, &head)) {
        return false;
    }
    struct decode_sink sink = {value, schema->size, 0};
    if (head.major == RIND_CBOR_BYTES && !head.is_indefinite) {
        struct rind_slice content;
        if (head.argument != schema->size) {
            return decode_fault(decoder, "a byte string of the wrong length");
        }
        if (!rind_cbor_read_content(&decoder->reader, head.argument, &content)) {
            return false;
        }
        memcpy(value, content.data, content.length);
        sink.length = content.length;
    } else if (head.major == RIND_CBOR_BYTES) {
        if (!decode_pieces(decoder, RIND_CBOR_BYTES, &sink)) {
            return false;
        }
    } else if (head.major == RIND_CBOR_ARRAY) {
        if (!decode_byte_array(decoder, &head, &sink)) {
            return false;
        }
    } else {
        return decode_fault(decoder, "a byte string is expected");
    }
    if (sink.length != schema->size) {
        return decode_fault(decoder, "a byte string of the wrong length");
    }
    if (schema->kind == RIND_KIND_SCALAR && !rind_cbor_is_scalar(value)) {
        return decode_fault(decoder, "a scalar is not below the group order");
    }
    return true;
}

/*
 * Room for a string that cannot be borrowed. If its length is not known before its end: as much as
 * the input has left.
 */
static bool decode_open_sink(struct decoder *decoder, const struct rind_schema *schema,
                             const struct rind_cbor_head *head, struct decode_sink *sink)
{
    uint64_t left = rind_cbor_left(&decoder->reader);
    uint64_t capacity = head->is_indefinite ? left : head->argument;
    if (capacity > left) {
        return decode_fault(decoder, "the declared count exceeds the input");
    }
    if (capacity > schema->max) {
        if (!head->is_indefinite) {
            return decode_limit(decoder, "a string is longer than allowed");
        }
        capacity = schema->max;
    }
    sink->data = decode_alloc(decoder, capacity, 1);
    sink->capacity = (size_t)capacity;
    sink->length = 0;
    return sink->data != NULL;
}

static bool decode_borrowed(struct decoder *decoder, const struct rind_schema *schema,
                            uint64_t length, struct rind_slice *content)
{
    if (!rind_cbor_read_content(&decoder->reader, length, content)) {
        return false;
    }
    return length <= schema->max || decode_limit(decoder, "a string is longer than allowed");
}

static bool decode_bytes(struct decoder *decoder, const struct rind_schema *schema, uint8_t *value)
{
    struct rind_cbor_head head;
    struct rind_slice content;
    if (!rind_cbor_read_head(&decoder->reader, &head)) {
        return false;
    }
    if (head.major == RIND_CBOR_BYTES && !head.is_indefinite) {
        if (!decode_borrowed(decoder, schema, head.argument, &content)) {
            return false;
        }
    } else if (head.major == RIND_CBOR_BYTES || head.major == RIND_CBOR_ARRAY) {
        struct decode_sink sink;
        if (!decode_open_sink(decoder, schema, &head, &sink)) {
            return false;
        }
        if (!(head.major == RIND_CBOR_BYTES ? decode_pieces(decoder, RIND_CBOR_BYTES, &sink)
                                            : decode_byte_array(decoder, &head, &sink))) {
            return false;
        }
        content = rind_slice_make(sink.data, sink.length);
    } else {
        return decode_fault(decoder, "a byte string is expected");
    }
    memcpy(value, &content, sizeof(content));
    return true;
}

static bool decode_text(struct decoder *decoder, const struct rind_schema *schema, uint8_t *value)
{
    struct rind_cbor_head head;
    struct rind_slice content;
    if (!rind_cbor_read_untagged_head(&decoder->reader, &head)) {
        return false;
    }
    if (head.major != RIND_CBOR_TEXT) {
        return decode_fault(decoder, "text is expected");
    }
    if (head.is_indefinite) {
        struct decode_sink sink;
        if (!decode_open_sink(decoder, schema, &head, &sink) ||
            !decode_pieces(decoder, RIND_CBOR_TEXT, &sink)) {
            return false;
        }
        content = rind_slice_make(sink.data, sink.length);
    } else if (!decode_borrowed(decoder, schema, head.argument, &content)) {
        return false;
    }
    if (!rind_cbor_is_utf8(content)) {
        return decode_fault(decoder, "text is not UTF-8");
    }
    memcpy(value, &content, sizeof(content));
    return true;
}

static bool decode_raw(struct decoder *decoder, const struct rind_schema *schema, uint8_t *value)
{
    size_t start = decoder->reader.position;
    if (!rind_cbor_skip(&decoder->reader, decoder->depth)) {
        return false;
    }
    struct rind_slice item =
        rind_slice_make(decoder->reader.input.data + start, decoder->reader.position - start);
    if (item.length > schema->max) {
        return decode_limit(decoder, "an item is longer than allowed");
    }
    memcpy(value, &item, sizeof(item));
    return true;
}

/* --- Containers --- */

static struct decode_frame *decode_push(struct decoder *decoder, const struct rind_schema *schema,
                                        uint8_t *value)
{
    if (decoder->depth >= RIND_WIRE_FRAMES_MAX) {
        (void)decode_fault(decoder, "containers are nested too deeply");
        return NULL;
    }
    struct decode_frame *frame = &decoder->frames[decoder->depth++];
    *frame = (struct decode_frame){.schema = schema, .value = value};
    return frame;
}

static bool decode_open_struct(struct decoder *decoder, const struct rind_schema *schema,
                               uint8_t *value, bool is_payload)
{
    struct rind_cbor_head head;
    /* Even the lenient decoder takes no tag before an alternative's own fields. */
    if (!(is_payload ? rind_cbor_read_head(&decoder->reader, &head)
                     : rind_cbor_read_untagged_head(&decoder->reader, &head))) {
        return false;
    }
    if (head.major != RIND_CBOR_MAP) {
        return decode_fault(decoder, "a map of fields is expected");
    }
    struct decode_frame *frame = decode_push(decoder, schema, value);
    if (frame == NULL) {
        return false;
    }
    frame->remaining = head.argument;
    frame->is_indefinite = head.is_indefinite;
    return true;
}

static bool decode_open_tuple(struct decoder *decoder, const struct rind_schema *schema,
                              uint8_t *value)
{
    struct rind_cbor_head head;
    if (!rind_cbor_read_untagged_head(&decoder->reader, &head)) {
        return false;
    }
    /* No message of a client has a tuple, so the lenient indefinite form is not needed. */
    if (head.major != RIND_CBOR_ARRAY || head.is_indefinite ||
        head.argument != schema->field_count) {
        return decode_fault(decoder, "an array of another number of items is expected");
    }
    struct decode_frame *frame = decode_push(decoder, schema, value);
    if (frame == NULL) {
        return false;
    }
    frame->remaining = head.argument;
    return true;
}

static bool decode_open_items(struct decoder *decoder, const struct rind_schema *schema,
                              uint8_t *value)
{
    struct rind_cbor_head head;
    bool is_map = schema->kind == RIND_KIND_MAP;
    if (!rind_cbor_read_untagged_head(&decoder->reader, &head)) {
        return false;
    }
    /* No message of a client has a list, so the lenient indefinite form is not needed. */
    if (head.major != (is_map ? RIND_CBOR_MAP : RIND_CBOR_ARRAY) || head.is_indefinite) {
        return decode_fault(decoder, is_map ? "a map is expected" : "an array is expected");
    }
    if (head.argument > rind_cbor_left(&decoder->reader)) {
        return decode_fault(decoder, "the declared count exceeds the input");
    }
    if (head.argument > schema->max) {
        return decode_limit(decoder, "there are more items than allowed");
    }
    struct decode_list list = {NULL, (size_t)head.argument};
    if (list.count > 0) {
        list.items = decode_alloc(decoder, list.count, schema->element_size);
        if (list.items == NULL) {
            return false;
        }
    }
    memcpy(value, &list, sizeof(list));
    struct decode_frame *frame = decode_push(decoder, schema, list.items);
    if (frame == NULL) {
        return false;
    }
    frame->remaining = is_map ? 2 * head.argument : head.argument;
    return true;
}

static const struct rind_field *decode_find(const struct rind_schema *schema, size_t likely,
                                            struct rind_slice name)
{
    for (size_t i = 0; i < schema->field_count; i++) {
        size_t index = (likely + i) % schema->field_count; /* fields mostly come in order */
        const struct rind_field *field = &schema->fields[index];
        if (field->name_length == name.length && memcmp(field->name, name.data, name.length) == 0) {
            return field;
        }
    }
    return NULL;
}

static bool decode_open_enum(struct decoder *decoder, const struct rind_schema *schema,
                             uint8_t *value)
{
    struct rind_cbor_head head;
    struct rind_slice name;
    if (!rind_cbor_read_untagged_head(&decoder->reader, &head)) {
        return false;
    }
    bool has_data = head.major == RIND_CBOR_MAP;
    if (!has_data && head.major != RIND_CBOR_TEXT) {
        return decode_fault(decoder, "an alternative is expected: text or a map of one entry");
    }
    if (has_data && (head.is_indefinite || head.argument != 1)) {
        return decode_fault(decoder, "an alternative must be a map of exactly one entry");
    }
    struct decode_frame *frame = decode_push(decoder, schema, value);
    if (frame == NULL || !(has_data ? rind_cbor_read_key(&decoder->reader, &name)
                                    : rind_cbor_read_key_content(&decoder->reader, &head, &name))) {
        return false;
    }
    const struct rind_field *variant = decode_find(schema, 0, name);
    if (variant == NULL) {
        return decode_fault(decoder, "an alternative that is not known");
    }
    if (has_data != (variant->schema != NULL)) {
        return decode_fault(decoder, has_data ? "an alternative without data as a map"
                                              : "an alternative with data as bare text");
    }
    decoder->field = variant->name;
    frame->index = (size_t)(variant - schema->fields);
    frame->remaining = has_data ? 1 : 0;
    uint32_t kind = (uint32_t)frame->index + 1;
    memcpy(value, &kind, sizeof(kind)); /* `kind` comes first and is 32 bits wide: schema.c */
    return true;
}

/* Starts one value: reads it whole, or pushes the frame of its container. */
static bool decode_value(struct decoder *decoder, const struct rind_schema *schema, uint8_t *value,
                         bool is_payload)
{
    switch (schema->kind) {
    case RIND_KIND_BYTES_FIXED:
    case RIND_KIND_SCALAR:
        return decode_fixed(decoder, schema, value);
    case RIND_KIND_BYTES:
        return decode_bytes(decoder, schema, value);
    case RIND_KIND_TEXT:
        return decode_text(decoder, schema, value);
    case RIND_KIND_U16:
    case RIND_KIND_U16_SATURATING:
    case RIND_KIND_U32:
    case RIND_KIND_U64:
        return decode_integer(decoder, schema, value);
    case RIND_KIND_BOOL:
        return decode_bool(decoder, value);
    case RIND_KIND_RAW:
        return decode_raw(decoder, schema, value);
    case RIND_KIND_STRUCT:
    case RIND_KIND_DURATION:
        return decode_open_struct(decoder, schema, value, is_payload);
    case RIND_KIND_TUPLE:
        return decode_open_tuple(decoder, schema, value);
    case RIND_KIND_LIST:
    case RIND_KIND_MAP:
        return decode_open_items(decoder, schema, value);
    case RIND_KIND_ENUM:
        return decode_open_enum(decoder, schema, value);
    }
    RIND_UNREACHABLE("a schema of unknown kind");
}

/* Starts the value of a row inside the C struct at `base`; notes whether an optional is there. */
static bool decode_row(struct decoder *decoder, const struct rind_field *row, uint8_t *base,
                       bool is_payload)
{
    decoder->field = row->name;
    if (row->presence != RIND_PRESENT) {
        bool is_there = !rind_cbor_take_null(&decoder->reader);
        memcpy(base + row->has_offset, &is_there, sizeof(is_there));
        if (!is_there) {
            return true;
        }
    }
    return decode_value(decoder, row->schema, base + row->offset, is_payload);
}

/* --- Going on with the innermost container --- */

static bool decode_carry(struct decoder *decoder, uint8_t *value)
{
    struct rind_duration duration;
    memcpy(&duration, value, sizeof(duration));
    uint64_t carry = duration.nanos / DECODE_NANOS_PER_SECOND;
    if (carry > UINT64_MAX - duration.secs) {
        return decode_fault(decoder, "a duration beyond 64 bits of seconds");
    }
    duration.secs += carry;
    duration.nanos %= DECODE_NANOS_PER_SECOND;
    memcpy(value, &duration, sizeof(duration));
    return true;
}

static bool decode_close_struct(struct decoder *decoder, struct decode_frame *frame)
{
    const struct rind_schema *schema = frame->schema;
    for (size_t i = 0; i < schema->field_count; i++) {
        const struct rind_field *row = &schema->fields[i];
        if ((frame->seen >> i & 1u) != 0) {
            continue;
        }
        if (row->presence == RIND_PRESENT) {
            decoder->field = row->name;
            return decode_fault(decoder, "this field is missing");
        }
        bool is_there = false;
        memcpy(frame->value + row->has_offset, &is_there, sizeof(is_there));
    }
    decoder->depth--;
    return schema->kind != RIND_KIND_DURATION || decode_carry(decoder, frame->value);
}

static bool decode_continue_struct(struct decoder *decoder, struct decode_frame *frame)
{
    if (frame->is_indefinite ? decode_take_break(decoder) : frame->remaining == 0) {
        return decode_close_struct(decoder, frame);
    }
    frame->remaining--;
    struct rind_slice key;
    if (!rind_cbor_read_key(&decoder->reader, &key)) {
        return false;
    }
    const struct rind_field *row = decode_find(frame->schema, frame->index, key);
    if (row == NULL) {
        return rind_cbor_skip(&decoder->reader, decoder->depth);
    }
    size_t index = (size_t)(row - frame->schema->fields);
    RIND_ASSERT(index < RIND_SCHEMA_FIELDS_MAX);
    if ((frame->seen >> index & 1u) != 0) {
        decoder->field = row->name;
        return decode_fault(decoder, "this field is there twice");
    }
    frame->seen |= (uint32_t)1 << index;
    frame->index = index + 1;
    return decode_row(decoder, row, frame->value, false);
}

static bool decode_continue(struct decoder *decoder)
{
    struct decode_frame *frame = &decoder->frames[decoder->depth - 1];
    const struct rind_schema *schema = frame->schema;
    if (schema->kind == RIND_KIND_STRUCT || schema->kind == RIND_KIND_DURATION) {
        return decode_continue_struct(decoder, frame);
    }
    if (frame->remaining == 0) {
        decoder->depth--;
        return true;
    }
    frame->remaining--;
    size_t index = frame->index++;
    uint8_t *value = frame->value;
    switch (schema->kind) {
    case RIND_KIND_ENUM:
        return decode_row(decoder, &schema->fields[index], value, true);
    case RIND_KIND_TUPLE:
        return decode_row(decoder, &schema->fields[index], value, false);
    case RIND_KIND_LIST:
        return decode_value(decoder, schema->element, value + index * schema->element_size, false);
    case RIND_KIND_MAP:
        return decode_row(decoder, &schema->fields[index % 2],
                          value + index / 2 * schema->element_size, false);
    default:
        RIND_UNREACHABLE("only containers have frames");
    }
}

static rind_status decode_with(struct rind_ctx *ctx, enum rind_wire_profile profile,
                               const struct rind_schema *schema, struct rind_slice input,
                               void *value, size_t *size_bytes)
{
    struct decoder decoder = {.ctx = ctx, .field = schema->name, .code = RIND_E_DECODE};
    rind_cbor_reader_init(&decoder.reader, profile, input);
    memset(value, 0, schema->size);
    bool is_good = decode_value(&decoder, schema, value, false);
    while (is_good && decoder.depth > 0) {
        is_good = decode_continue(&decoder);
    }
    *size_bytes = decoder.reader.position;
    if (is_good) {
        return RIND_OK;
    }
    rind_wipe(value, schema->size);
    if (decoder.has_sentence) {
        return rind_fail_while(ctx, rind_status_make(decoder.code), "decoding %s", schema->name);
    }
    return rind_fail(ctx, decoder.code, "%s does not decode: %s, in \"%s\" before byte %zu of %zu",
                     schema->name, decoder.reader.fault, decoder.field, decoder.reader.position,
                     input.length);
}

rind_status rind_wire_decode(struct rind_ctx *ctx, enum rind_wire_profile profile,
                             const struct rind_schema *schema, struct rind_slice input, void *value)
{
    size_t size_bytes;
    return decode_with(ctx, profile, schema, input, value, &size_bytes);
}

rind_status rind_wire_decode_strict(struct rind_ctx *ctx, const struct rind_schema *schema,
                                    struct rind_slice input, void *value)
{
    return rind_wire_decode(ctx, RIND_WIRE_STRICT, schema, input, value);
}

rind_status rind_wire_decode_lenient(struct rind_ctx *ctx, const struct rind_schema *schema,
                                     struct rind_slice input, void *value)
{
    return rind_wire_decode(ctx, RIND_WIRE_LENIENT, schema, input, value);
}

rind_status rind_wire_decode_whole(struct rind_ctx *ctx, const struct rind_schema *schema,
                                   struct rind_slice input, void *value)
{
    size_t size_bytes;
    RIND_TRY(decode_with(ctx, RIND_WIRE_STRICT, schema, input, value, &size_bytes));
    if (size_bytes != input.length) {
        rind_wipe(value, schema->size);
        return rind_fail(ctx, RIND_E_DECODE, "%s is followed by %zu bytes that do not belong there",
                         schema->name, input.length - size_bytes);
    }
    return RIND_OK;
}
