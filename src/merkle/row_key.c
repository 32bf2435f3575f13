/* row_key.c - see row_key.h. */
#include "merkle/row_key.h"

#define ROW_KEY_BITS_PER_BYTE 7u
#define ROW_KEY_TERMINATOR 0x80u
#define ROW_KEY_HASH_SIZE 32u

_Static_assert((RIND_BITS_LENGTH_MAX + ROW_KEY_BITS_PER_BYTE - 1) / ROW_KEY_BITS_PER_BYTE + 1 ==
                   RIND_ROW_KEY_PREFIX_SIZE_MAX,
               "E of the longest prefix");
_Static_assert(RIND_ROW_KEY_PREFIX_SIZE_MAX + ROW_KEY_HASH_SIZE == RIND_ROW_KEY_SIZE_MAX,
               "a row key is E and a hash");

/* Writes E of the first `length` of `bits`, all later ones being zero; returns its size. */
static unsigned row_key_pack(const uint8_t bits[RIND_BITS_SIZE_BYTES], unsigned length,
                             uint8_t out[RIND_ROW_KEY_PREFIX_SIZE_MAX])
{
    unsigned size = 0;
    unsigned pending = 0; /* bits read and not yet written, right-aligned */
    unsigned pending_count = 0;
    unsigned next_byte = 0;
    unsigned group_bits = 0; /* used in the last group */
    for (unsigned done = 0; done < length; done += group_bits) {
        group_bits = length - done;
        if (group_bits > ROW_KEY_BITS_PER_BYTE) {
            group_bits = ROW_KEY_BITS_PER_BYTE;
        }
        if (pending_count < ROW_KEY_BITS_PER_BYTE) {
            uint8_t byte = next_byte < RIND_BITS_SIZE_BYTES ? bits[next_byte] : 0;
            next_byte++;
            pending = ((pending & 0x7fu) << 8) | byte;
            pending_count += 8;
        }
        pending_count -= ROW_KEY_BITS_PER_BYTE;
        out[size++] = (uint8_t)((pending >> pending_count) & 0x7fu);
    }
    out[size++] = (uint8_t)(ROW_KEY_TERMINATOR | group_bits);
    return size;
}

void rind_row_key_encode(const struct rind_bit_vector *prefix, const struct rind_data_hash *hash,
                         struct rind_row_key *row_key)
{
    RIND_ASSERT(rind_bits_is_valid(prefix));
    unsigned size = row_key_pack(prefix->bits, prefix->length, row_key->bytes);
    memcpy(row_key->bytes + size, hash->bytes, ROW_KEY_HASH_SIZE);
    row_key->length = (uint8_t)(size + ROW_KEY_HASH_SIZE);
}

rind_status rind_row_key_of_node(struct rind_ctx *ctx, const struct rind_node_key *node_key,
                                 struct rind_row_key *row_key)
{
    RIND_REQUIRE(ctx, rind_bits_is_valid(&node_key->prefix), RIND_E_INVALID,
                 "node key's prefix is no canonical string of at most 256 bits; "
                 "the HSM that made it is not one of ours");
    rind_row_key_encode(&node_key->prefix, &node_key->hash, row_key);
    return RIND_OK;
}

struct rind_slice rind_row_key_slice(const struct rind_row_key *row_key)
{
    return rind_slice_make(row_key->bytes, row_key->length);
}

rind_status rind_row_key_parse(struct rind_ctx *ctx, struct rind_slice row_key,
                               struct rind_bit_vector *prefix, struct rind_data_hash *hash)
{
    RIND_REQUIRE(ctx,
                 row_key.length >= RIND_ROW_KEY_SIZE_MIN && row_key.length <= RIND_ROW_KEY_SIZE_MAX,
                 RIND_E_CORRUPT, "tree row key has %zu bytes, not %u to %u", row_key.length,
                 RIND_ROW_KEY_SIZE_MIN, RIND_ROW_KEY_SIZE_MAX);
    size_t group_count = row_key.length - ROW_KEY_HASH_SIZE - 1;
    struct rind_bit_vector parsed = {.length = 0};
    unsigned last_bits = row_key.data[group_count] & 0x7fu;
    RIND_REQUIRE(ctx,
                 (row_key.data[group_count] & ROW_KEY_TERMINATOR) != 0 &&
                     last_bits <= ROW_KEY_BITS_PER_BYTE && (last_bits == 0) == (group_count == 0),
                 RIND_E_CORRUPT, "tree row key has no terminator before its hash");
    size_t length = group_count == 0 ? 0 : (group_count - 1) * ROW_KEY_BITS_PER_BYTE + last_bits;
    RIND_REQUIRE(ctx, length <= RIND_BITS_LENGTH_MAX, RIND_E_CORRUPT,
                 "tree row key holds a prefix of %zu bits, more than %u", length,
                 RIND_BITS_LENGTH_MAX);

    for (size_t i = 0; i < group_count; i++) {
        unsigned used = i + 1 < group_count ? ROW_KEY_BITS_PER_BYTE : last_bits;
        uint8_t group = row_key.data[i];
        bool is_padded_with_zeros = (group & (0x7fu >> used)) == 0;
        RIND_REQUIRE(ctx, (group & ROW_KEY_TERMINATOR) == 0 && is_padded_with_zeros, RIND_E_CORRUPT,
                     "tree row key has stray bits in byte %zu", i);
        for (unsigned bit = 0; bit < used; bit++) {
            rind_bits_push(&parsed, ((unsigned)group >> (ROW_KEY_BITS_PER_BYTE - 1 - bit)) & 1u);
        }
    }
    *prefix = parsed;
    memcpy(hash->bytes, row_key.data + group_count + 1, ROW_KEY_HASH_SIZE);
    return RIND_OK;
}

void rind_row_key_range_of(const struct rind_record_id *id, unsigned prefix_length,
                           struct rind_row_key_range *range)
{
    struct rind_bit_vector prefix = rind_bits_of_record_id_prefix(id, prefix_length);
    unsigned size = row_key_pack(prefix.bits, prefix_length, range->start);
    memcpy(range->end, range->start, size);
    range->end[size - 1]++; /* a terminator is at most 0x87: no carry */
    range->length = (uint8_t)size;
}

unsigned rind_row_key_path_ranges(const struct rind_record_id *id, unsigned first_length,
                                  struct rind_row_key_range ranges[RIND_ROW_KEY_PATH_COUNT_MAX])
{
    RIND_ASSERT(first_length <= RIND_BITS_LENGTH_MAX);
    for (unsigned length = first_length; length <= RIND_BITS_LENGTH_MAX; length++) {
        rind_row_key_range_of(id, length, &ranges[length - first_length]);
    }
    return RIND_BITS_LENGTH_MAX + 1 - first_length;
}
