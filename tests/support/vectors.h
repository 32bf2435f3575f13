/*
 * vectors.h - reading tests/vectors/ in tests.
 *
 * A missing file, member or digit is a broken test, so every function here prints what is wrong
 * and ends the program instead of returning an error.
 */
#ifndef RIND_TESTS_SUPPORT_VECTORS_H
#define RIND_TESTS_SUPPORT_VECTORS_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/slice.h"

/* The file tests/vectors/<file_name>, such as "hsm-mac.json". The caller ends with json_decref. */
json_t *rind_vectors_load(const char *file_name);

/* Member `key` of an object, of any type; borrowed from it. */
json_t *rind_vectors_get(const json_t *object, const char *key);

/* The text of a string member; borrowed. */
const char *rind_vectors_text(const json_t *object, const char *key);

/* A member that is an integer. */
int64_t rind_vectors_integer(const json_t *object, const char *key);

/* The bytes of a hex string member; in the arena. */
struct rind_slice rind_vectors_hex(const json_t *object, const char *key, struct rind_arena *arena);

/* The bytes of a hex string value (an element of an array, say); in the arena. */
struct rind_slice rind_vectors_hex_of(const json_t *string, struct rind_arena *arena);

/* A hex string member that must have exactly `size` bytes: for ids, keys, digests. */
void rind_vectors_hex_fixed(const json_t *object, const char *key, uint8_t *bytes, size_t size);

#endif
