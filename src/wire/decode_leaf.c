/*
 * decode_leaf.c - reading integers, bytes, text and raw items; see decode.h.
 *
 * Bytes are borrowed from the input where it holds them in one piece.
 */
#include "wire/decode.h"

#include "base/assert.h"

bool rind_decoder_fault(struct rind_decoder *decoder, const char *fault)
{
    return rind_cbor_fault(&decoder->reader, fault);
}

bool rind_decoder_limit(struct rind_decoder *decoder, const char *fault)
{
    decoder->code = RIND_E_LIMIT;
    return rind_cbor_fault(&decoder->reader, fault);
}

void *rind_decoder_alloc(struct rind_decoder *decoder, uint64_t count, size_t size)
{
    void *memory = NULL;
    if (count <= SIZE_MAX) {
        memory = rind_ctx_alloc_array(decoder->ctx, (size_t)count, size);
    }
    if (memory == NULL) {
        decoder->has_sentence = true;
        (void)rind_decoder_limit(decoder, "the arena is full");
    }
    return memory;
}

static bool decode_integer(struct rind_decoder *decoder, const struct rind_schema *schema,
                           uint8_t *value)
{
    uint64_t integer;
    struct rind_cbor_head head;
    if (rind_cbor_take_short_head(&decoder->reader, RIND_CBOR_UNSIGNED, &head)) {
        integer = head.argument;
    } else if (!rind_cbor_read_unsigned(&decoder->reader, &integer)) {
        return false;
    }
    if (schema->kind == RIND_KIND_U16_SATURATING && integer > UINT16_MAX) {
        integer = UINT16_MAX;
    }
    if (integer < schema->min || integer > schema->max) {
        return rind_decoder_fault(decoder, "an integer out of its range");
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

static bool decode_bool(struct rind_decoder *decoder, uint8_t *value)
{
    struct rind_cbor_head head;
    if (!rind_cbor_read_untagged_head(&decoder->reader, &head)) {
        return false;
    }
    if (head.major != RIND_CBOR_SIMPLE || head.is_float || head.is_indefinite ||
        (head.argument != RIND_CBOR_TRUE && head.argument != RIND_CBOR_FALSE)) {
        return rind_decoder_fault(decoder, "true or false is expected");
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

static bool decode_pieces(struct rind_decoder *decoder, uint8_t major, struct decode_sink *sink)
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
            return rind_decoder_fault(decoder, "a piece of another kind in an indefinite string");
        }
        if (!rind_cbor_read_content(&decoder->reader, head.argument, &piece)) {
            return false;
        }
        if (piece.length > sink->capacity - sink->length) {
            return rind_decoder_fault(decoder, "more bytes than there may be");
        }
        if (piece.length > 0) {
            memcpy(sink->data + sink->length, piece.data, piece.length);
        }
        sink->length += piece.length;
    }
}

bool rind_decoder_take_break(struct rind_decoder *decoder)
{
    struct rind_cbor_reader *reader = &decoder->reader;
    if (rind_cbor_left(reader) > 0 && reader->input.data[reader->position] == 0xff) {
        reader->position++;
        return true;
    }
    return false;
}

/* The inefficient form of bytes: an array of integers from 0 to 255. */
static bool decode_byte_array(struct rind_decoder *decoder, const struct rind_cbor_head *head,
                              struct decode_sink *sink)
{
    if (decoder->depth >= rind_cbor_depth_max(decoder->reader.profile)) {
        return rind_decoder_fault(decoder, "containers are nested too deeply");
    }
    for (uint64_t i = 0; head->is_indefinite || i < head->argument; i++) {
        uint64_t byte;
        if (head->is_indefinite && rind_decoder_take_break(decoder)) {
            return true;
        }
        if (!rind_cbor_read_unsigned(&decoder->reader, &byte)) {
            return false;
        }
        if (byte > UINT8_MAX) {
            return rind_decoder_fault(decoder, "an integer above 255 among bytes");
        }
        if (sink->length == sink->capacity) {
            return rind_decoder_fault(decoder, "more bytes than there may be");
        }
        sink->data[sink->length++] = (uint8_t)byte;
    }
    return true;
}

static bool decode_fixed(struct rind_decoder *decoder, const struct rind_schema *schema,
                         uint8_t *value)
{
    struct rind_cbor_head head;
    if (!rind_cbor_read_head(&decoder->reader, &head)) {
        return false;
    }
    struct decode_sink sink = {value, schema->size, 0};
    if (head.major == RIND_CBOR_BYTES && !head.is_indefinite) {
        struct rind_slice content;
        if (head.argument != schema->size) {
            return rind_decoder_fault(decoder, "a byte string of the wrong length");
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
        return rind_decoder_fault(decoder, "a byte string is expected");
    }
    if (sink.length != schema->size) {
        return rind_decoder_fault(decoder, "a byte string of the wrong length");
    }
    if (schema->kind == RIND_KIND_SCALAR && !rind_cbor_is_scalar(value)) {
        return rind_decoder_fault(decoder, "a scalar is not below the group order");
    }
    return true;
}

/*
 * Room for a string that cannot be borrowed. If its length is not known before its end: as much as
 * the input has left.
 */
static bool decode_open_sink(struct rind_decoder *decoder, const struct rind_schema *schema,
                             const struct rind_cbor_head *head, struct decode_sink *sink)
{
    uint64_t left = rind_cbor_left(&decoder->reader);
    uint64_t capacity = head->is_indefinite ? left : head->argument;
    if (capacity > left) {
        return rind_decoder_fault(decoder, "the declared count exceeds the input");
    }
    if (capacity > schema->max) {
        if (!head->is_indefinite) {
            return rind_decoder_limit(decoder, "a string is longer than allowed");
        }
        capacity = schema->max;
    }
    sink->data = rind_decoder_alloc(decoder, capacity, 1);
    sink->capacity = (size_t)capacity;
    sink->length = 0;
    return sink->data != NULL;
}

static bool decode_borrowed(struct rind_decoder *decoder, const struct rind_schema *schema,
                            uint64_t length, struct rind_slice *content)
{
    if (!rind_cbor_read_content(&decoder->reader, length, content)) {
        return false;
    }
    return length <= schema->max || rind_decoder_limit(decoder, "a string is longer than allowed");
}

static bool decode_bytes(struct rind_decoder *decoder, const struct rind_schema *schema,
                         uint8_t *value)
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
        return rind_decoder_fault(decoder, "a byte string is expected");
    }
    memcpy(value, &content, sizeof(content));
    return true;
}

static bool decode_text(struct rind_decoder *decoder, const struct rind_schema *schema,
                        uint8_t *value)
{
    struct rind_cbor_head head;
    struct rind_slice content;
    if (!rind_cbor_read_untagged_head(&decoder->reader, &head)) {
        return false;
    }
    if (head.major != RIND_CBOR_TEXT) {
        return rind_decoder_fault(decoder, "text is expected");
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
        return rind_decoder_fault(decoder, "text is not UTF-8");
    }
    memcpy(value, &content, sizeof(content));
    return true;
}

static bool decode_raw(struct rind_decoder *decoder, const struct rind_schema *schema,
                       uint8_t *value)
{
    size_t start = decoder->reader.position;
    if (!rind_cbor_skip(&decoder->reader, decoder->depth)) {
        return false;
    }
    struct rind_slice item =
        rind_slice_make(decoder->reader.input.data + start, decoder->reader.position - start);
    if (item.length > schema->max) {
        return rind_decoder_limit(decoder, "an item is longer than allowed");
    }
    memcpy(value, &item, sizeof(item));
    return true;
}

bool rind_decoder_leaf(struct rind_decoder *decoder, const struct rind_schema *schema,
                       uint8_t *value)
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
    default:
        RIND_UNREACHABLE("containers have frames");
    }
}
