/*
 * bits.h - strings of 0 to 256 bits: the prefixes of tree nodes and the paths to records.
 *
 * Bit i is in byte i / 8 at mask 0x80 >> (i % 8); bits at and after `length` are zero (canonical
 * form), so equality is plain comparison. Every function here wants and gives canonical bit strings
 * (asserted where it matters); what arrives in a message goes through rind_bits_is_valid first.
 * Public values only: nothing is constant-time. Their order is rind_bit_vector_compare
 * (wire/delta.h). Spec: 03 section 2.
 */
#ifndef RIND_MERKLE_BITS_H
#define RIND_MERKLE_BITS_H

#include "base/base.h"
#include "wire/types.h"

#define RIND_BITS_LENGTH_MAX 256u
#define RIND_BITS_SIZE_BYTES 32u
/* Characters of 256 bits with their 31 separators and brackets, NUL included. */
#define RIND_BITS_TEXT_SIZE_MAX 290u

/* A branch's side: the bit its prefix starts with. */
enum rind_side { RIND_SIDE_LEFT = 0, RIND_SIDE_RIGHT = 1 };

/* The whole path to a record: its 256 bits. */
struct rind_bit_vector rind_bits_of_record_id(const struct rind_record_id *id);

/* The first `length` bits of a record id; length <= 256. */
struct rind_bit_vector rind_bits_of_record_id_prefix(const struct rind_record_id *id,
                                                     unsigned length);

/* 8 bits per byte; at most 32 bytes. */
struct rind_bit_vector rind_bits_from_bytes(struct rind_slice bytes);

/* True if length and padding are canonical. */
bool rind_bits_is_valid(const struct rind_bit_vector *bits);

/* The minimal ceil(length / 8) bytes, borrowed from `bits`. */
struct rind_slice rind_bits_slice_bytes(const struct rind_bit_vector *bits);

/* Bit `index`, below length. */
unsigned rind_bits_get(const struct rind_bit_vector *bits, unsigned index);

/* Appends one bit (0 or 1); length below 256. */
void rind_bits_push(struct rind_bit_vector *bits, unsigned bit);

/* Bits start .. end - 1; start <= end <= length. */
struct rind_bit_vector rind_bits_slice(const struct rind_bit_vector *bits, unsigned start,
                                       unsigned end);

/* a followed by b; together at most 256 bits. */
struct rind_bit_vector rind_bits_concat(const struct rind_bit_vector *a,
                                        const struct rind_bit_vector *b);

/* How many leading bits of `b` equal those of `a` from bit `a_start` on. */
unsigned rind_bits_common_length_at(const struct rind_bit_vector *a, unsigned a_start,
                                    const struct rind_bit_vector *b);

/* Length of the longest shared prefix. */
unsigned rind_bits_common_length(const struct rind_bit_vector *a, const struct rind_bit_vector *b);

/* True if the bits of `a` from `a_start` on begin with all of `b`. */
bool rind_bits_starts_with_at(const struct rind_bit_vector *a, unsigned a_start,
                              const struct rind_bit_vector *b);

/* True if `b` is a prefix of `a`. */
bool rind_bits_starts_with(const struct rind_bit_vector *a, const struct rind_bit_vector *b);

bool rind_bits_equal(const struct rind_bit_vector *a, const struct rind_bit_vector *b);

/* 0 and 1, a space before every eighth bit but the first: `11110000 111`. */
void rind_bits_text(const struct rind_bit_vector *bits, char text[static RIND_BITS_TEXT_SIZE_MAX]);

/* As rind_bits_text, in square brackets. */
void rind_bits_debug_text(const struct rind_bit_vector *bits,
                          char text[static RIND_BITS_TEXT_SIZE_MAX]);

#endif
