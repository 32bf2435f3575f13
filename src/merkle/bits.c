/* bits.c - see bits.h. */
#include "merkle/bits.h"

_Static_assert(RIND_BITS_LENGTH_MAX == 8 * RIND_BITS_SIZE_BYTES, "a record id fits exactly");

/* Bytes that hold `length` bits. */
static unsigned bits_byte_count(unsigned length)
{
    return (length + 7) / 8;
}

/* Clears the bits at and after `length`. */
static void bits_clear_after(uint8_t bytes[RIND_BITS_SIZE_BYTES], unsigned length)
{
    unsigned used = bits_byte_count(length);
    if (length % 8 != 0) {
        bytes[used - 1] &= (uint8_t)(0xff00u >> (length % 8));
    }
    memset(bytes + used, 0, RIND_BITS_SIZE_BYTES - used);
}

/* The eight bits from bit `start` on; zeros after the end of the array. */
static uint8_t bits_byte_at(const uint8_t bytes[RIND_BITS_SIZE_BYTES], unsigned start)
{
    unsigned index = start / 8;
    unsigned shift = start % 8;
    if (index >= RIND_BITS_SIZE_BYTES) {
        return 0;
    }
    unsigned pair = (unsigned)bytes[index] << 8;
    if (index + 1 < RIND_BITS_SIZE_BYTES) {
        pair |= bytes[index + 1];
    }
    return (uint8_t)(pair >> (8 - shift));
}

/* Leading zero bits of a byte that is not zero. */
static unsigned bits_leading_zeros(uint8_t byte)
{
    unsigned count = 0;
    while ((byte & 0x80u) == 0) {
        byte = (uint8_t)(byte << 1);
        count++;
    }
    return count;
}

struct rind_bit_vector rind_bits_of_record_id(const struct rind_record_id *id)
{
    return rind_bits_of_record_id_prefix(id, RIND_BITS_LENGTH_MAX);
}

struct rind_bit_vector rind_bits_of_record_id_prefix(const struct rind_record_id *id,
                                                     unsigned length)
{
    RIND_ASSERT(length <= RIND_BITS_LENGTH_MAX);
    struct rind_bit_vector bits = {.length = (uint16_t)length};
    memcpy(bits.bits, id->bytes, sizeof(bits.bits));
    bits_clear_after(bits.bits, length);
    return bits;
}

struct rind_bit_vector rind_bits_from_bytes(struct rind_slice bytes)
{
    RIND_ASSERT(bytes.length <= RIND_BITS_SIZE_BYTES);
    struct rind_bit_vector bits = {.length = (uint16_t)(8 * bytes.length)};
    if (bytes.length > 0) {
        memcpy(bits.bits, bytes.data, bytes.length);
    }
    return bits;
}

bool rind_bits_is_valid(const struct rind_bit_vector *bits)
{
    if (bits->length > RIND_BITS_LENGTH_MAX) {
        return false;
    }
    uint64_t stray = 0; /* bits that are set after the end, whichever */
    for (unsigned start = 0; start < RIND_BITS_LENGTH_MAX; start += 64) {
        unsigned used = bits->length <= start ? 0 : bits->length - start;
        uint64_t padding = used >= 64 ? 0 : UINT64_MAX >> used;
        stray |= rind_get_be64(bits->bits + start / 8) & padding;
    }
    return stray == 0;
}

struct rind_slice rind_bits_slice_bytes(const struct rind_bit_vector *bits)
{
    return rind_slice_make(bits->bits, bits_byte_count(bits->length));
}

unsigned rind_bits_get(const struct rind_bit_vector *bits, unsigned index)
{
    RIND_ASSERT(index < bits->length);
    return ((unsigned)bits->bits[index / 8] >> (7 - index % 8)) & 1u;
}

void rind_bits_push(struct rind_bit_vector *bits, unsigned bit)
{
    RIND_ASSERT(bits->length < RIND_BITS_LENGTH_MAX);
    RIND_ASSERT(bit <= 1);
    bits->bits[bits->length / 8] |= (uint8_t)(bit << (7 - bits->length % 8));
    bits->length++;
}

struct rind_bit_vector rind_bits_slice(const struct rind_bit_vector *bits, unsigned start,
                                       unsigned end)
{
    RIND_ASSERT(start <= end);
    RIND_ASSERT(end <= bits->length);
    struct rind_bit_vector slice = {.length = (uint16_t)(end - start)};
    for (unsigned i = 0; i < bits_byte_count(slice.length); i++) {
        slice.bits[i] = bits_byte_at(bits->bits, start + 8 * i);
    }
    bits_clear_after(slice.bits, slice.length);
    return slice;
}

struct rind_bit_vector rind_bits_concat(const struct rind_bit_vector *a,
                                        const struct rind_bit_vector *b)
{
    unsigned length = (unsigned)a->length + b->length;
    RIND_ASSERT(length <= RIND_BITS_LENGTH_MAX);
    struct rind_bit_vector joined = *a;
    joined.length = (uint16_t)length;
    unsigned shift = a->length % 8;
    unsigned index = a->length / 8;
    for (unsigned i = 0; i < bits_byte_count(b->length); i++, index++) {
        joined.bits[index] |= (uint8_t)(b->bits[i] >> shift);
        if (shift != 0 && index + 1 < RIND_BITS_SIZE_BYTES) {
            joined.bits[index + 1] = (uint8_t)(b->bits[i] << (8 - shift));
        }
    }
    return joined;
}

unsigned rind_bits_common_length_at(const struct rind_bit_vector *a, unsigned a_start,
                                    const struct rind_bit_vector *b)
{
    RIND_ASSERT(a_start <= a->length);
    unsigned limit = a->length - a_start;
    if (b->length < limit) {
        limit = b->length;
    }
    for (unsigned i = 0; 8 * i < limit; i++) {
        uint8_t difference = (uint8_t)(bits_byte_at(a->bits, a_start + 8 * i) ^ b->bits[i]);
        if (difference != 0) {
            unsigned common = 8 * i + bits_leading_zeros(difference);
            return common < limit ? common : limit;
        }
    }
    return limit;
}

unsigned rind_bits_common_length(const struct rind_bit_vector *a, const struct rind_bit_vector *b)
{
    return rind_bits_common_length_at(a, 0, b);
}

bool rind_bits_starts_with_at(const struct rind_bit_vector *a, unsigned a_start,
                              const struct rind_bit_vector *b)
{
    return rind_bits_common_length_at(a, a_start, b) == b->length;
}

bool rind_bits_starts_with(const struct rind_bit_vector *a, const struct rind_bit_vector *b)
{
    return rind_bits_starts_with_at(a, 0, b);
}

bool rind_bits_equal(const struct rind_bit_vector *a, const struct rind_bit_vector *b)
{
    return a->length == b->length && memcmp(a->bits, b->bits, sizeof(a->bits)) == 0;
}

void rind_bits_text(const struct rind_bit_vector *bits, char text[static RIND_BITS_TEXT_SIZE_MAX])
{
    char *end = text;
    for (unsigned i = 0; i < bits->length; i++) {
        if (i > 0 && i % 8 == 0) {
            *end++ = ' ';
        }
        *end++ = rind_bits_get(bits, i) == 1 ? '1' : '0';
    }
    *end = '\0';
}

void rind_bits_debug_text(const struct rind_bit_vector *bits,
                          char text[static RIND_BITS_TEXT_SIZE_MAX])
{
    char plain[RIND_BITS_TEXT_SIZE_MAX];
    rind_bits_text(bits, plain);
    size_t length = strlen(plain);
    RIND_ASSERT(length + 3 <= RIND_BITS_TEXT_SIZE_MAX);
    text[0] = '[';
    memcpy(text + 1, plain, length);
    text[length + 1] = ']';
    text[length + 2] = '\0';
}
