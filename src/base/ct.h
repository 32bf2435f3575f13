/*
 * ct.h - comparisons whose time does not depend on what the bytes are.
 *
 * Lengths are public, contents are secret.
 */
#ifndef RIND_BASE_CT_H
#define RIND_BASE_CT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* True if the `size` bytes at `a` and `b` are equal. Reads all of them whatever they hold. */
bool rind_ct_equal(const void *a, const void *b, size_t size);

/* True if all `size` bytes are zero. Reads all of them whatever they hold. */
bool rind_ct_is_zero(const void *bytes, size_t size);

/* True if value <= limit, computed without a branch. */
bool rind_ct_is_at_most(uint8_t value, uint8_t limit);

#endif
