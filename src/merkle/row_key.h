/*
 * row_key.h - storage row keys of tree nodes.
 *
 * Row key = E(prefix) || hash, where E packs 7 bits per byte and ends in the only byte with its top
 * bit set, so that the rows that start with E(p) are exactly the versions of the node at p.
 * Spec: 03 section 6, 04 section 7.1.
 */
#ifndef RIND_MERKLE_ROW_KEY_H
#define RIND_MERKLE_ROW_KEY_H

#include "base/base.h"
#include "merkle/bits.h"

#define RIND_ROW_KEY_PREFIX_SIZE_MAX 38u /* E of 256 bits */
#define RIND_ROW_KEY_SIZE_MIN 33u        /* a root's */
#define RIND_ROW_KEY_SIZE_MAX 70u        /* a leaf's */
#define RIND_ROW_KEY_PATH_COUNT_MAX 257u /* prefixes of one record id: 0 .. 256 bits */

struct rind_row_key {
    uint8_t bytes[RIND_ROW_KEY_SIZE_MAX];
    uint8_t length;
};

/* All rows of one prefix: start <= row key < end, both of `length` bytes. */
struct rind_row_key_range {
    uint8_t start[RIND_ROW_KEY_PREFIX_SIZE_MAX];
    uint8_t end[RIND_ROW_KEY_PREFIX_SIZE_MAX];
    uint8_t length;
};

void rind_row_key_encode(const struct rind_bit_vector *prefix, const struct rind_data_hash *hash,
                         struct rind_row_key *row_key);

/* The same from a message's node key; RIND_E_INVALID if its prefix is no canonical bit string. */
rind_status rind_row_key_of_node(struct rind_ctx *ctx, const struct rind_node_key *node_key,
                                 struct rind_row_key *row_key) RIND_MUST_USE;

/* The bytes of a row key, borrowed. */
struct rind_slice rind_row_key_slice(const struct rind_row_key *row_key);

/* Takes a row key apart. RIND_E_CORRUPT if it is none; accepts only what encode produces. */
rind_status rind_row_key_parse(struct rind_ctx *ctx, struct rind_slice row_key,
                               struct rind_bit_vector *prefix,
                               struct rind_data_hash *hash) RIND_MUST_USE;

/* The rows of the first `prefix_length` bits of `id`; prefix_length <= 256. */
void rind_row_key_range_of(const struct rind_record_id *id, unsigned prefix_length,
                           struct rind_row_key_range *range);

/*
 * The rows of all prefixes of `id` of first_length .. 256 bits, in this order: what to fetch for a
 * path of which the nodes above are known. Returns how many: 257 - first_length.
 */
unsigned rind_row_key_path_ranges(const struct rind_record_id *id, unsigned first_length,
                                  struct rind_row_key_range ranges[RIND_ROW_KEY_PATH_COUNT_MAX]);

#endif
