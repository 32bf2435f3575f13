/* hex.h - lower-case hexadecimal, in constant time per length (ids are public, keys pass here too).
 */
#ifndef RIND_BASE_HEX_H
#define RIND_BASE_HEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

/* Characters, NUL included, that `size` bytes need. */
#define RIND_HEX_SIZE(size) (2u * (size) + 1u)

/* Writes the lower-case hex of `bytes` and a NUL to `text`, which has RIND_HEX_SIZE(length) room.
 */
void rind_hex_encode(struct rind_slice bytes, char *text);

/*
 * Decodes hex digits of either case into exactly `size` bytes. False, with `bytes` zeroed, if
 * `text` has another length or any other character.
 */
bool rind_hex_decode(struct rind_slice text, uint8_t *bytes, size_t size);

#endif
