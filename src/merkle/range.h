/*
 * range.h - arithmetic on record ids and on inclusive ranges of them.
 *
 * Pure functions over public values; nothing here fails or allocates. Functions on ranges other
 * than rind_range_is_valid, rind_range_contains and rind_range_equal want valid ones (asserted):
 * who takes a range from a peer checks it first. Spec: 03 section 3, 02 section 3.2.
 */
#ifndef RIND_MERKLE_RANGE_H
#define RIND_MERKLE_RANGE_H

#include "base/base.h"
#include "wire/types.h"

/* Characters of the longest text form of a record id (`0x` and 64 digits), NUL included. */
#define RIND_RECORD_ID_TEXT_SIZE_MAX 67u
/* Characters of the longest text form of a range, NUL included. */
#define RIND_RANGE_TEXT_SIZE_MAX (2u * RIND_RECORD_ID_TEXT_SIZE_MAX + 2u)

/* *next = id + 1; false, *next untouched, for the largest id. `next` may be `id`. */
bool rind_record_id_next(const struct rind_record_id *id, struct rind_record_id *next);

/* *prev = id - 1; false, *prev untouched, for the smallest id. `prev` may be `id`. */
bool rind_record_id_prev(const struct rind_record_id *id, struct rind_record_id *prev);

/* The short text form for logs: a run of at least four 00 or ff bytes at the end is cut. */
void rind_record_id_display(const struct rind_record_id *id,
                            char text[static RIND_RECORD_ID_TEXT_SIZE_MAX]);

/* The range of all record ids. */
struct rind_range rind_range_full(void);

/* True if start <= end. */
bool rind_range_is_valid(const struct rind_range *range);

bool rind_range_equal(const struct rind_range *a, const struct rind_range *b);

/* True if start <= id <= end; an inverted range contains nothing. */
bool rind_range_contains(const struct rind_range *range, const struct rind_record_id *id);

/* True if every id of `inner` is in `outer`. */
bool rind_range_contains_range(const struct rind_range *outer, const struct rind_range *inner);

/* True if some id is in both. */
bool rind_range_overlaps(const struct rind_range *a, const struct rind_range *b);

/* *joined = both together, in either order; false, *joined untouched, unless exactly adjacent. */
bool rind_range_join(const struct rind_range *a, const struct rind_range *b,
                     struct rind_range *joined);

/* The smallest range that contains both, adjacent or not. */
struct rind_range rind_range_union(const struct rind_range *a, const struct rind_range *b);

/*
 * The first id of the right half when `part` is cut off `owned`: true and *key, or false if `part`
 * is not a proper prefix or suffix of `owned`.
 */
bool rind_range_split_at(const struct rind_range *owned, const struct rind_range *part,
                         struct rind_record_id *key);

/* `[start-end]`, each in its short form. */
void rind_range_display(const struct rind_range *range, char text[static RIND_RANGE_TEXT_SIZE_MAX]);

#endif
