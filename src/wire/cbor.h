/*
 * cbor.h - reading and writing single CBOR items: heads, integers, bytes, text; skipping any item.
 *
 * The lowest layer of the codec, for this room only. It knows the two profiles (wire/codec.h) but
 * no schemas. Readers never run past the input, never recurse, and stop at the first fault, which
 * they name. Spec: RFC 8949; docs/spec/01-client-protocol.md section 2.2.
 */
#ifndef RIND_WIRE_CBOR_H
#define RIND_WIRE_CBOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/slice.h"
#include "wire/codec.h"

enum rind_cbor_major {
    RIND_CBOR_UNSIGNED = 0,
    RIND_CBOR_NEGATIVE = 1,
    RIND_CBOR_BYTES = 2,
    RIND_CBOR_TEXT = 3,
    RIND_CBOR_ARRAY = 4,
    RIND_CBOR_MAP = 5,
    RIND_CBOR_TAG = 6,
    RIND_CBOR_SIMPLE = 7,
};

/* Arguments below this are in the head's first byte. */
#define RIND_CBOR_ARGUMENT_SHORT_END 24u

/* Simple values, as arguments of major 7. */
#define RIND_CBOR_FALSE 20u
#define RIND_CBOR_TRUE 21u
#define RIND_CBOR_NULL 22u
#define RIND_CBOR_UNDEFINED 23u

/* The start of an item. */
struct rind_cbor_head {
    uint8_t major;
    bool is_indefinite; /* majors 2 to 5; with major 7 it is the break that ends such an item */
    bool is_float;      /* major 7 with 2, 4 or 8 bytes */
    uint64_t argument;
};

struct rind_cbor_reader {
    struct rind_slice input; /* borrowed */
    size_t position;
    enum rind_wire_profile profile;
    const char *fault; /* static text, once something failed */
};

/* Starts at the first byte of `input`. */
void rind_cbor_reader_init(struct rind_cbor_reader *reader, enum rind_wire_profile profile,
                           struct rind_slice input);

/* Notes the first fault; returns false for the caller to return. */
bool rind_cbor_fault(struct rind_cbor_reader *reader, const char *fault);

/* Bytes not read yet. */
size_t rind_cbor_left(const struct rind_cbor_reader *reader);

/* Reads any head as it is, tags included; whether it is allowed is the caller's question. */
bool rind_cbor_read_head(struct rind_cbor_reader *reader, struct rind_cbor_head *head);

/* Reads a head past any tags before it if the profile allows tags. */
bool rind_cbor_read_untagged_head(struct rind_cbor_reader *reader, struct rind_cbor_head *head);

/* Borrows the `length` bytes that follow. */
bool rind_cbor_read_content(struct rind_cbor_reader *reader, uint64_t length,
                            struct rind_slice *content);

/* An integer from 0 to 2^64-1 (leniently also behind tags, or as a bignum). */
bool rind_cbor_read_unsigned(struct rind_cbor_reader *reader, uint64_t *value);

/*
 * A map key or the name of an alternative: text, or a byte string taken for one. Whoever finds no
 * name that is equal to it checks that it is UTF-8: names are.
 */
bool rind_cbor_read_key(struct rind_cbor_reader *reader, struct rind_slice *key);

/* The content of a key whose head is already read. */
bool rind_cbor_read_key_content(struct rind_cbor_reader *reader, const struct rind_cbor_head *head,
                                struct rind_slice *key);

/* Reads a null if one is next. */
bool rind_cbor_take_null(struct rind_cbor_reader *reader);

/*
 * Those that messages of ours mostly consist of, in the form our encoder gives them: each is taken
 * if it is next, byte for byte. Else nothing is read, and the general functions decide.
 */

/* Equality of few bytes, for which a call of memcmp would cost more. */
static inline bool rind_cbor_is_equal_short(const uint8_t *a, const uint8_t *b, size_t size)
{
    uint64_t difference = 0;
    for (; size >= sizeof(difference); size -= sizeof(difference)) {
        uint64_t x;
        uint64_t y;
        memcpy(&x, a, sizeof(x));
        memcpy(&y, b, sizeof(y));
        difference |= x ^ y;
        a += sizeof(x);
        b += sizeof(y);
    }
    for (size_t i = 0; i < size; i++) {
        difference |= (uint64_t)(a[i] ^ b[i]);
    }
    return difference == 0;
}

/* The text `name`, of less than RIND_CBOR_ARGUMENT_SHORT_END characters. */
static inline bool rind_cbor_take_name(struct rind_cbor_reader *reader, const char *name,
                                       size_t length)
{
    const uint8_t *next = reader->input.data + reader->position;
    if (length >= RIND_CBOR_ARGUMENT_SHORT_END ||
        reader->input.length - reader->position <= length ||
        next[0] != ((unsigned)RIND_CBOR_TEXT << 5 | (unsigned)length) ||
        !rind_cbor_is_equal_short(next + 1, (const uint8_t *)name, length)) {
        return false;
    }
    reader->position += 1 + length;
    return true;
}

/* A byte string of exactly 32 bytes, copied to `bytes`. */
static inline bool rind_cbor_take_bytes32(struct rind_cbor_reader *reader, uint8_t *bytes)
{
    const uint8_t *next = reader->input.data + reader->position;
    if (reader->input.length - reader->position < 34 ||
        next[0] != ((unsigned)RIND_CBOR_BYTES << 5 | RIND_CBOR_ARGUMENT_SHORT_END) ||
        next[1] != 32) {
        return false;
    }
    memcpy(bytes, next + 2, 32);
    reader->position += 34;
    return true;
}

/* A head of `major` whose argument is below RIND_CBOR_ARGUMENT_SHORT_END: one byte. */
static inline bool rind_cbor_take_short_head(struct rind_cbor_reader *reader,
                                             enum rind_cbor_major major,
                                             struct rind_cbor_head *head)
{
    if (reader->position >= reader->input.length) {
        return false;
    }
    unsigned first = reader->input.data[reader->position];
    if (first >> 5 != (unsigned)major || (first & 0x1fu) >= RIND_CBOR_ARGUMENT_SHORT_END) {
        return false;
    }
    reader->position++;
    *head = (struct rind_cbor_head){.major = (uint8_t)major, .argument = first & 0x1fu};
    return true;
}

/* Skips one item and all it contains, while `depth` containers are open around it. */
bool rind_cbor_skip(struct rind_cbor_reader *reader, size_t depth);

/* Containers that may be open at once. */
size_t rind_cbor_depth_max(enum rind_wire_profile profile);

/* True if the bytes are well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms). */
bool rind_cbor_is_utf8(struct rind_slice text);

/* True if 32 little-endian bytes are below the order of ristretto255. Constant time. */
bool rind_cbor_is_scalar(const uint8_t bytes[static 32]);

/* Bytes of the longest head. */
#define RIND_CBOR_HEAD_SIZE_MAX 9u

/* Writes the shortest head to `bytes` and returns its size. */
size_t rind_cbor_write_head(uint8_t bytes[static RIND_CBOR_HEAD_SIZE_MAX],
                            enum rind_cbor_major major, uint64_t argument);

#endif
