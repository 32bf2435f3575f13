/*
 * tree_vectors.h - tree types from the JSON of tests/vectors/merkle-*.json.
 *
 * Anything that cannot be read ends the program: the test is broken then.
 */
#ifndef RIND_TESTS_MERKLE_TREE_VECTORS_H
#define RIND_TESTS_MERKLE_TREE_VECTORS_H

#include "support/vectors.h"

#include "merkle/merkle.h"

/* Text of 0 and 1. */
struct rind_bit_vector tree_vectors_bits(const char *text);

struct rind_record_id tree_vectors_id(const json_t *object, const char *key);
struct rind_data_hash tree_vectors_hash(const json_t *object, const char *key);

/* Member `key`: an object with start and end. */
struct rind_owned_range tree_vectors_range(const json_t *object, const char *key);

/* An object with left and right, each a branch or null. */
struct rind_interior_node tree_vectors_interior(const json_t *object);

/* An object with kind and content; a leaf's value is in the arena. */
struct rind_node tree_vectors_node(const json_t *object, struct rind_arena *arena);

/* The proof in member `key`, from its CBOR; checked against its other members. */
struct rind_read_proof tree_vectors_proof(struct rind_ctx *ctx, const json_t *object,
                                          const char *key);

/* True if the value's CBOR is the bytes of hex member `key`. */
bool tree_vectors_has_cbor(struct rind_ctx *ctx, const struct rind_schema *schema,
                           const void *value, const json_t *object, const char *key);

#endif
