/* cbor.c - see cbor.h. */
#include "wire/cbor.h"

#include "base/assert.h"
#include "base/endian.h"

/* Additional information of a head's first byte. */
#define CBOR_ONE_BYTE 24u
#define CBOR_EIGHT_BYTES 27u
#define CBOR_INDEFINITE 31u

#define CBOR_TAG_POSITIVE_BIGNUM 2u
#define CBOR_TAG_NEGATIVE_BIGNUM 3u

void rind_cbor_reader_init(struct rind_cbor_reader *reader, enum rind_wire_profile profile,
                           struct rind_slice input)
{
    RIND_ASSERT(profile == RIND_WIRE_STRICT || profile == RIND_WIRE_LENIENT);
    *reader = (struct rind_cbor_reader){.input = input, .profile = profile};
}

bool rind_cbor_fault(struct rind_cbor_reader *reader, const char *fault)
{
    if (reader->fault == NULL) {
        reader->fault = fault;
    }
    return false;
}

size_t rind_cbor_left(const struct rind_cbor_reader *reader)
{
    return reader->input.length - reader->position;
}

size_t rind_cbor_depth_max(enum rind_wire_profile profile)
{
    return profile == RIND_WIRE_STRICT ? RIND_WIRE_STRICT_DEPTH_MAX : RIND_WIRE_LENIENT_DEPTH_MAX;
}

static bool cbor_read_argument(struct rind_cbor_reader *reader, unsigned size, uint64_t *argument)
{
    if (rind_cbor_left(reader) < size) {
        return rind_cbor_fault(reader, "the input ends inside an item");
    }
    const uint8_t *bytes = reader->input.data + reader->position;
    uint64_t value = 0;
    for (unsigned i = 0; i < size; i++) {
        value = (value << 8) | bytes[i];
    }
    reader->position += size;
    *argument = value;
    return true;
}

bool rind_cbor_read_head(struct rind_cbor_reader *reader, struct rind_cbor_head *head)
{
    if (rind_cbor_left(reader) == 0) {
        return rind_cbor_fault(reader, "the input ends where an item should start");
    }
    uint8_t first = reader->input.data[reader->position++];
    unsigned additional = first & 0x1fu;
    *head = (struct rind_cbor_head){.major = first >> 5, .argument = additional};
    if (additional >= CBOR_ONE_BYTE && additional <= CBOR_EIGHT_BYTES) {
        head->is_float = head->major == RIND_CBOR_SIMPLE && additional != CBOR_ONE_BYTE;
        return cbor_read_argument(reader, 1u << (additional - CBOR_ONE_BYTE), &head->argument);
    }
    if (additional == CBOR_INDEFINITE) {
        head->is_indefinite = true;
        if (reader->profile == RIND_WIRE_STRICT) {
            return rind_cbor_fault(reader, "indefinite lengths are not allowed");
        }
        if (head->major < RIND_CBOR_BYTES || head->major == RIND_CBOR_TAG) {
            return rind_cbor_fault(reader, "this kind of item has no indefinite form");
        }
        return true;
    }
    if (additional > CBOR_EIGHT_BYTES) {
        return rind_cbor_fault(reader, "reserved additional information");
    }
    return true;
}

bool rind_cbor_read_untagged_head(struct rind_cbor_reader *reader, struct rind_cbor_head *head)
{
    if (!rind_cbor_read_head(reader, head)) {
        return false;
    }
    while (head->major == RIND_CBOR_TAG) {
        if (reader->profile == RIND_WIRE_STRICT) {
            return rind_cbor_fault(reader, "tags are not allowed");
        }
        if (!rind_cbor_read_head(reader, head)) {
            return false;
        }
    }
    return true;
}

bool rind_cbor_read_content(struct rind_cbor_reader *reader, uint64_t length,
                            struct rind_slice *content)
{
    if (length > rind_cbor_left(reader)) {
        return rind_cbor_fault(reader, "the declared length exceeds the input");
    }
    *content = rind_slice_make(reader->input.data + reader->position, (size_t)length);
    reader->position += (size_t)length;
    return true;
}

static bool cbor_read_bignum(struct rind_cbor_reader *reader, uint64_t tag, uint64_t *value)
{
    struct rind_cbor_head head;
    struct rind_slice digits;
    if (tag == CBOR_TAG_NEGATIVE_BIGNUM) {
        return rind_cbor_fault(reader, "a negative integer where none can be");
    }
    if (!rind_cbor_read_head(reader, &head)) {
        return false;
    }
    if (head.major != RIND_CBOR_BYTES || head.is_indefinite) {
        return rind_cbor_fault(reader, "a bignum must hold a byte string");
    }
    if (!rind_cbor_read_content(reader, head.argument, &digits)) {
        return false;
    }
    uint64_t result = 0;
    for (size_t i = 0; i < digits.length; i++) {
        if (result >> 56 != 0) {
            return rind_cbor_fault(reader, "an integer beyond 64 bits");
        }
        result = (result << 8) | digits.data[i];
    }
    *value = result;
    return true;
}

bool rind_cbor_read_unsigned(struct rind_cbor_reader *reader, uint64_t *value)
{
    struct rind_cbor_head head;
    if (!rind_cbor_read_head(reader, &head)) {
        return false;
    }
    while (head.major == RIND_CBOR_TAG) {
        if (reader->profile == RIND_WIRE_STRICT) {
            return rind_cbor_fault(reader, "tags are not allowed");
        }
        if (head.argument == CBOR_TAG_POSITIVE_BIGNUM ||
            head.argument == CBOR_TAG_NEGATIVE_BIGNUM) {
            return cbor_read_bignum(reader, head.argument, value);
        }
        if (!rind_cbor_read_head(reader, &head)) {
            return false;
        }
    }
    if (head.major == RIND_CBOR_NEGATIVE) {
        return rind_cbor_fault(reader, "a negative integer where none can be");
    }
    if (head.major != RIND_CBOR_UNSIGNED) {
        return rind_cbor_fault(reader, "an integer is expected");
    }
    *value = head.argument;
    return true;
}

bool rind_cbor_read_key_content(struct rind_cbor_reader *reader, const struct rind_cbor_head *head,
                                struct rind_slice *key)
{
    if ((head->major != RIND_CBOR_TEXT && head->major != RIND_CBOR_BYTES) || head->is_indefinite) {
        return rind_cbor_fault(reader, "a key must be text");
    }
    if (head->argument > RIND_WIRE_KEY_SIZE_MAX) {
        return rind_cbor_fault(reader, "a key is longer than 4096 bytes");
    }
    return rind_cbor_read_content(reader, head->argument, key);
}

bool rind_cbor_read_key(struct rind_cbor_reader *reader, struct rind_slice *key)
{
    struct rind_cbor_head head;
    return rind_cbor_read_untagged_head(reader, &head) &&
           rind_cbor_read_key_content(reader, &head, key);
}

bool rind_cbor_take_null(struct rind_cbor_reader *reader)
{
    const uint8_t *next = reader->input.data + reader->position;
    if (rind_cbor_left(reader) >= 1 && next[0] == (0xe0u | RIND_CBOR_NULL)) {
        reader->position += 1;
        return true;
    }
    if (rind_cbor_left(reader) >= 2 && next[0] == 0xf8u && next[1] == RIND_CBOR_NULL) {
        reader->position += 2;
        return true;
    }
    return false;
}

size_t rind_cbor_write_head(uint8_t bytes[static RIND_CBOR_HEAD_SIZE_MAX],
                            enum rind_cbor_major major, uint64_t argument)
{
    uint8_t first = (uint8_t)((unsigned)major << 5);
    if (argument < CBOR_ONE_BYTE) {
        bytes[0] = (uint8_t)(first | argument);
        return 1;
    }
    if (argument <= UINT8_MAX) {
        bytes[0] = first | 24u;
        bytes[1] = (uint8_t)argument;
        return 2;
    }
    if (argument <= UINT16_MAX) {
        bytes[0] = first | 25u;
        bytes[1] = (uint8_t)(argument >> 8);
        bytes[2] = (uint8_t)argument;
        return 3;
    }
    if (argument <= UINT32_MAX) {
        bytes[0] = first | 26u;
        rind_put_be32(bytes + 1, (uint32_t)argument);
        return 5;
    }
    bytes[0] = first | 27u;
    rind_put_be64(bytes + 1, argument);
    return 9;
}

/* The length of the UTF-8 sequence of several bytes that `text` starts with, 0 if malformed. */
static size_t cbor_utf8_sequence(const uint8_t *text, size_t left)
{
    uint8_t first = text[0];
    size_t length;
    uint8_t second_min = 0x80;
    uint8_t second_max = 0xbf;
    if (first >= 0xc2 && first <= 0xdf) {
        length = 2;
    } else if (first >= 0xe0 && first <= 0xef) {
        length = 3;
        second_min = first == 0xe0 ? 0xa0 : 0x80; /* overlong */
        second_max = first == 0xed ? 0x9f : 0xbf; /* surrogates */
    } else if (first >= 0xf0 && first <= 0xf4) {
        length = 4;
        second_min = first == 0xf0 ? 0x90 : 0x80; /* overlong */
        second_max = first == 0xf4 ? 0x8f : 0xbf; /* beyond U+10FFFF */
    } else {
        return 0;
    }
    if (left < length || text[1] < second_min || text[1] > second_max) {
        return 0;
    }
    for (size_t i = 2; i < length; i++) {
        if ((text[i] & 0xc0u) != 0x80u) {
            return 0;
        }
    }
    return length;
}

bool rind_cbor_is_utf8(struct rind_slice text)
{
    size_t position = 0;
    while (position < text.length) {
        if (text.data[position] < 0x80) {
            position++;
            continue;
        }
        size_t length = cbor_utf8_sequence(text.data + position, text.length - position);
        if (length == 0) {
            return false;
        }
        position += length;
    }
    return true;
}

bool rind_cbor_is_scalar(const uint8_t bytes[static 32])
{
    /* 2^252 + 27742317777372353535851937790883648493, little-endian (RFC 9496). */
    static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,
                                      0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
                                      0,    0,    0,    0,    0,    0,    0,    0,
                                      0,    0,    0,    0,    0,    0,    0,    0x10};
    unsigned borrow = 0;
    for (unsigned i = 0; i < 32; i++) {
        /* Subtracting the order borrows out of the last byte exactly when bytes < order. */
        borrow = ((unsigned)bytes[i] - order[i] - borrow) >> 31;
    }
    return borrow == 1;
}
