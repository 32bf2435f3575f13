/* decode.c - the one decoder: walks a schema over foreign bytes with an explicit stack. */
#include "wire/decode.h"

#include "base/assert.h"
#include "base/wipe.h"
#include "wire/node_form.h"
#include "wire/types.h"

#define DECODE_NANOS_PER_SECOND 1000000000u

/* Behind every RIND_LIST_TYPE. */
struct decode_list {
    void *items;
    size_t count;
};

static struct rind_decoder_frame *decode_push(struct rind_decoder *decoder,
                                              const struct rind_schema *schema, uint8_t *value)
{
    if (decoder->depth >= RIND_WIRE_FRAMES_MAX) {
        (void)rind_decoder_fault(decoder, "containers are nested too deeply");
        return NULL;
    }
    struct rind_decoder_frame *frame = &decoder->frames[decoder->depth++];
    *frame = (struct rind_decoder_frame){.schema = schema, .value = value};
    return frame;
}

static bool decode_open_struct(struct rind_decoder *decoder, const struct rind_schema *schema,
                               uint8_t *value, bool is_payload)
{
    struct rind_cbor_head head;
    if (schema->node_form != RIND_NODE_FORM_NONE &&
        rind_node_form_take(&decoder->reader, schema->node_form, value, &decoder->field)) {
        return true;
    }
    /* Even the lenient decoder takes no tag before an alternative's own fields. */
    if (!rind_cbor_take_short_head(&decoder->reader, RIND_CBOR_MAP, &head) &&
        !(is_payload ? rind_cbor_read_head(&decoder->reader, &head)
                     : rind_cbor_read_untagged_head(&decoder->reader, &head))) {
        return false;
    }
    if (head.major != RIND_CBOR_MAP) {
        return rind_decoder_fault(decoder, "a map of fields is expected");
    }
    struct rind_decoder_frame *frame = decode_push(decoder, schema, value);
    if (frame == NULL) {
        return false;
    }
    frame->remaining = head.argument;
    frame->is_indefinite = head.is_indefinite;
    return true;
}

static bool decode_open_tuple(struct rind_decoder *decoder, const struct rind_schema *schema,
                              uint8_t *value)
{
    struct rind_cbor_head head;
    if (!rind_cbor_read_untagged_head(&decoder->reader, &head)) {
        return false;
    }
    /* No message of a client has a tuple, so the lenient indefinite form is not needed. */
    if (head.major != RIND_CBOR_ARRAY || head.is_indefinite ||
        head.argument != schema->field_count) {
        return rind_decoder_fault(decoder, "an array of another number of items is expected");
    }
    struct rind_decoder_frame *frame = decode_push(decoder, schema, value);
    if (frame == NULL) {
        return false;
    }
    frame->remaining = head.argument;
    return true;
}

static bool decode_open_items(struct rind_decoder *decoder, const struct rind_schema *schema,
                              uint8_t *value)
{
    struct rind_cbor_head head;
    bool is_map = schema->kind == RIND_KIND_MAP;
    if (!rind_cbor_read_untagged_head(&decoder->reader, &head)) {
        return false;
    }
    /* No message of a client has a list, so the lenient indefinite form is not needed. */
    if (head.major != (is_map ? RIND_CBOR_MAP : RIND_CBOR_ARRAY) || head.is_indefinite) {
        return rind_decoder_fault(decoder, is_map ? "a map is expected" : "an array is expected");
    }
    if (head.argument > rind_cbor_left(&decoder->reader)) {
        return rind_decoder_fault(decoder, "the declared count exceeds the input");
    }
    if (head.argument > schema->max) {
        return rind_decoder_limit(decoder, "there are more items than allowed");
    }
    struct decode_list list = {NULL, (size_t)head.argument};
    if (list.count > 0) {
        list.items = rind_decoder_alloc(decoder, list.count, schema->element_size);
        if (list.items == NULL) {
            return false;
        }
    }
    memcpy(value, &list, sizeof(list));
    struct rind_decoder_frame *frame = decode_push(decoder, schema, list.items);
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
        size_t index = likely + i; /* fields mostly come in order */
        if (index >= schema->field_count) {
            index -= schema->field_count;
        }
        const struct rind_field *field = &schema->fields[index];
        if (field->name_length == name.length && memcmp(field->name, name.data, name.length) == 0) {
            return field;
        }
    }
    return NULL;
}

static bool decode_open_enum(struct rind_decoder *decoder, const struct rind_schema *schema,
                             uint8_t *value)
{
    struct rind_cbor_head head;
    struct rind_slice name;
    if (!rind_cbor_read_untagged_head(&decoder->reader, &head)) {
        return false;
    }
    bool has_data = head.major == RIND_CBOR_MAP;
    if (!has_data && head.major != RIND_CBOR_TEXT) {
        return rind_decoder_fault(decoder,
                                  "an alternative is expected: text or a map of one entry");
    }
    if (has_data && (head.is_indefinite || head.argument != 1)) {
        return rind_decoder_fault(decoder, "an alternative must be a map of exactly one entry");
    }
    struct rind_decoder_frame *frame = decode_push(decoder, schema, value);
    if (frame == NULL || !(has_data ? rind_cbor_read_key(&decoder->reader, &name)
                                    : rind_cbor_read_key_content(&decoder->reader, &head, &name))) {
        return false;
    }
    const struct rind_field *variant = decode_find(schema, 0, name);
    if (variant == NULL) {
        return rind_decoder_fault(decoder, "an alternative that is not known");
    }
    if (has_data != (variant->schema != NULL)) {
        return rind_decoder_fault(decoder, has_data ? "an alternative without data as a map"
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
static bool decode_value(struct rind_decoder *decoder, const struct rind_schema *schema,
                         uint8_t *value, bool is_payload)
{
    switch (schema->kind) {
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
    case RIND_KIND_BYTES_FIXED:
        if (schema->size == 32 && rind_cbor_take_bytes32(&decoder->reader, value)) {
            return true;
        }
        return rind_decoder_leaf(decoder, schema, value);
    default:
        return rind_decoder_leaf(decoder, schema, value);
    }
}

/* Starts the value of a row inside the C struct at `base`; notes whether an optional is there. */
static bool decode_row(struct rind_decoder *decoder, const struct rind_field *row, uint8_t *base,
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

static bool decode_carry(struct rind_decoder *decoder, uint8_t *value)
{
    struct rind_duration duration;
    memcpy(&duration, value, sizeof(duration));
    uint64_t carry = duration.nanos / DECODE_NANOS_PER_SECOND;
    if (carry > UINT64_MAX - duration.secs) {
        return rind_decoder_fault(decoder, "a duration beyond 64 bits of seconds");
    }
    duration.secs += carry;
    duration.nanos %= DECODE_NANOS_PER_SECOND;
    memcpy(value, &duration, sizeof(duration));
    return true;
}

static bool decode_close_struct(struct rind_decoder *decoder, struct rind_decoder_frame *frame)
{
    const struct rind_schema *schema = frame->schema;
    uint64_t all = ((uint64_t)1 << schema->field_count) - 1;
    for (size_t i = 0; frame->seen != all && i < schema->field_count; i++) {
        const struct rind_field *row = &schema->fields[i];
        if ((frame->seen >> i & 1u) != 0) {
            continue;
        }
        if (row->presence == RIND_PRESENT) {
            decoder->field = row->name;
            return rind_decoder_fault(decoder, "this field is missing");
        }
        bool is_there = false;
        memcpy(frame->value + row->has_offset, &is_there, sizeof(is_there));
    }
    decoder->depth--;
    return schema->kind != RIND_KIND_DURATION || decode_carry(decoder, frame->value);
}

/* The row whose name is next; NULL with *is_good if it is none of ours and was skipped. */
static const struct rind_field *
decode_next_row(struct rind_decoder *decoder, const struct rind_decoder_frame *frame, bool *is_good)
{
    const struct rind_schema *schema = frame->schema;
    *is_good = true;
    if (frame->index < schema->field_count) {
        const struct rind_field *likely = &schema->fields[frame->index];
        if (rind_cbor_take_name(&decoder->reader, likely->name, likely->name_length)) {
            return likely;
        }
    }
    struct rind_slice key;
    *is_good = rind_cbor_read_key(&decoder->reader, &key);
    if (!*is_good) {
        return NULL;
    }
    const struct rind_field *row = decode_find(schema, frame->index, key);
    if (row == NULL) {
        *is_good = rind_cbor_is_utf8(key) ? rind_cbor_skip(&decoder->reader, decoder->depth)
                                          : rind_decoder_fault(decoder, "a key is not UTF-8");
    }
    return row;
}

/*
 * The row that most rows are, in one piece: the next one of the table, which is 32 bytes and always
 * there. False, with nothing read, if something else is next.
 */
static bool decode_fixed_row(struct rind_decoder *decoder, struct rind_decoder_frame *frame)
{
    const struct rind_schema *schema = frame->schema;
    if (frame->index >= schema->field_count || frame->remaining == 0) {
        return false;
    }
    const struct rind_field *row = &schema->fields[frame->index];
    if (row->presence != RIND_PRESENT || row->schema->kind != RIND_KIND_BYTES_FIXED ||
        row->schema->size != 32 || (frame->seen >> frame->index & 1u) != 0) {
        return false;
    }
    size_t position = decoder->reader.position;
    if (!rind_cbor_take_name(&decoder->reader, row->name, row->name_length) ||
        !rind_cbor_take_bytes32(&decoder->reader, frame->value + row->offset)) {
        decoder->reader.position = position;
        return false;
    }
    frame->remaining--;
    frame->seen |= (uint32_t)1 << frame->index;
    frame->index++;
    return true;
}

/* Goes on with a struct until a container in it is open. */
static bool decode_continue_struct(struct rind_decoder *decoder, struct rind_decoder_frame *frame)
{
    size_t depth = decoder->depth;
    while (frame->is_indefinite ? !rind_decoder_take_break(decoder) : frame->remaining > 0) {
        bool is_good;
        if (!frame->is_indefinite && decode_fixed_row(decoder, frame)) {
            continue;
        }
        frame->remaining--;
        const struct rind_field *row = decode_next_row(decoder, frame, &is_good);
        if (row == NULL) {
            if (!is_good) {
                return false;
            }
            continue;
        }
        size_t index = (size_t)(row - frame->schema->fields);
        RIND_ASSERT(index < RIND_SCHEMA_FIELDS_MAX);
        if ((frame->seen >> index & 1u) != 0) {
            decoder->field = row->name;
            return rind_decoder_fault(decoder, "this field is there twice");
        }
        frame->seen |= (uint32_t)1 << index;
        frame->index = index + 1;
        if (!decode_row(decoder, row, frame->value, false)) {
            return false;
        }
        if (decoder->depth != depth) {
            return true;
        }
    }
    return decode_close_struct(decoder, frame);
}

static bool decode_continue(struct rind_decoder *decoder)
{
    struct rind_decoder_frame *frame = &decoder->frames[decoder->depth - 1];
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
    struct rind_decoder decoder = {.ctx = ctx, .field = schema->name, .code = RIND_E_DECODE};
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
