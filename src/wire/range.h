/*
 * range.h - record ids as 256-bit numbers, ranges of them, and their text forms.
 *
 * Ranges arrive from outside, so no function here requires a valid one (start <= end): an invalid
 * range contains nothing, overlaps nothing, joins nothing and cannot be split. Pure functions.
 * Spec: docs/spec/02-hsm-core.md sections 3.1 and 3.2, docs/spec/03-merkle.md section 3.
 */
#ifndef RIND_WIRE_RANGE_H
#define RIND_WIRE_RANGE_H

#include <stdbool.h>

#include "base/buffer.h"
#include "wire/types.h"

/* 0x, 64 digits, NUL. */
#define RIND_RECORD_ID_TEXT_SIZE 67u
/* Brackets, dash, two ids, NUL. */
#define RIND_OWNED_RANGE_TEXT_SIZE 136u

/* The range of all record ids. */
struct rind_owned_range rind_owned_range_full(void);

/* *next = id + 1; false if id is the largest. `next` may be `id`. */
bool rind_record_id_next(const struct rind_record_id *id, struct rind_record_id *next);

/* *prev = id - 1; false if id is zero. `prev` may be `id`. */
bool rind_record_id_prev(const struct rind_record_id *id, struct rind_record_id *prev);

/* start <= end. */
bool rind_owned_range_is_valid(const struct rind_owned_range *range);

bool rind_owned_range_equal(const struct rind_owned_range *a, const struct rind_owned_range *b);

/* start <= id <= end. */
bool rind_owned_range_contains(const struct rind_owned_range *range,
                               const struct rind_record_id *id);

/* Both are valid and share at least one id. */
bool rind_owned_range_overlaps(const struct rind_owned_range *a, const struct rind_owned_range *b);

/* Both are valid and all of `inner` lies in `outer`. */
bool rind_owned_range_contains_range(const struct rind_owned_range *outer,
                                     const struct rind_owned_range *inner);

/* *joined = both together; false unless both are valid and exactly adjacent, in either order. */
bool rind_owned_range_join(const struct rind_owned_range *a, const struct rind_owned_range *b,
                           struct rind_owned_range *joined);

/*
 * *split = the first id of the right-hand piece when `part` is cut off `owned`; false unless both
 * are valid and `part` is a proper prefix or suffix of `owned`.
 */
bool rind_owned_range_split_at(const struct rind_owned_range *owned,
                               const struct rind_owned_range *part, struct rind_record_id *split);

/* Appends the long form: 0x and 64 digits. */
void rind_record_id_print_long(struct rind_buffer *out, const struct rind_record_id *id);

/* Appends the short form: a trailing run of at least four 00 or ff bytes is cut to one and `...`.
 */
void rind_record_id_print(struct rind_buffer *out, const struct rind_record_id *id);

/* Appends `[start-end]` with short ids. */
void rind_owned_range_print(struct rind_buffer *out, const struct rind_owned_range *range);

/* Appends `[start-end]` with long ids. */
void rind_owned_range_print_long(struct rind_buffer *out, const struct rind_owned_range *range);

/* Appends `Leader`, `Stepping Down` or `Witness`. */
void rind_group_member_role_print(struct rind_buffer *out,
                                  const struct rind_group_member_role *role);

/* Appends `<role> (@<clock>)`. */
void rind_role_status_print(struct rind_buffer *out, const struct rind_role_status *status);

/*
 * Reads a realm id: dashes are dropped, then 32 hex digits of either case must remain. False, with
 * `*id` zeroed, otherwise.
 */
bool rind_realm_id_parse(struct rind_slice text, struct rind_realm_id *id);

#endif
