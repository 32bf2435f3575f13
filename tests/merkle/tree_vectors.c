/* tree_vectors.c - see tree_vectors.h. */
#include "merkle/tree_vectors.h"

#include <stdio.h>
#include <stdlib.h>

#include "wire/codec.h"

static _Noreturn void tree_vectors_fail(const char *what)
{
    (void)fprintf(stderr, "tree_vectors: %s\n", what);
    abort();
}

struct rind_bit_vector tree_vectors_bits(const char *text)
{
    struct rind_bit_vector bits = {.length = 0};
    for (const char *c = text; *c != '\0'; c++) {
        rind_bits_push(&bits, *c == '1' ? 1 : 0);
    }
    return bits;
}

struct rind_record_id tree_vectors_id(const json_t *object, const char *key)
{
    struct rind_record_id id;
    rind_vectors_hex_fixed(object, key, id.bytes, sizeof(id.bytes));
    return id;
}

struct rind_data_hash tree_vectors_hash(const json_t *object, const char *key)
{
    struct rind_data_hash hash;
    rind_vectors_hex_fixed(object, key, hash.bytes, sizeof(hash.bytes));
    return hash;
}

struct rind_owned_range tree_vectors_range(const json_t *object, const char *key)
{
    const json_t *range = rind_vectors_get(object, key);
    return (struct rind_owned_range){.start = tree_vectors_id(range, "start"),
                                     .end = tree_vectors_id(range, "end")};
}

static bool tree_vectors_branch(const json_t *object, const char *key, struct rind_branch *branch)
{
    const json_t *member = rind_vectors_get(object, key);
    if (json_is_null(member)) {
        return false;
    }
    branch->prefix = tree_vectors_bits(rind_vectors_text(member, "prefix"));
    branch->hash = tree_vectors_hash(member, "hash");
    return true;
}

struct rind_interior_node tree_vectors_interior(const json_t *object)
{
    struct rind_interior_node node = {.has_left = false};
    node.has_left = tree_vectors_branch(object, "left", &node.left);
    node.has_right = tree_vectors_branch(object, "right", &node.right);
    return node;
}

struct rind_node tree_vectors_node(const json_t *object, struct rind_arena *arena)
{
    struct rind_node node;
    if (strcmp(rind_vectors_text(object, "kind"), "leaf") == 0) {
        node.kind = RIND_NODE_LEAF;
        node.leaf.value = rind_vectors_hex(object, "value", arena);
    } else {
        node.kind = RIND_NODE_INTERIOR;
        node.interior = tree_vectors_interior(object);
    }
    return node;
}

struct rind_read_proof tree_vectors_proof(struct rind_ctx *ctx, const json_t *object,
                                          const char *key)
{
    const json_t *member = rind_vectors_get(object, key);
    struct rind_slice cbor = rind_vectors_hex(member, "cbor", ctx->arena);
    struct rind_read_proof proof;
    if (!rind_is_ok(rind_wire_decode_whole(ctx, &rind_read_proof_schema, cbor, &proof))) {
        tree_vectors_fail(ctx->sentence);
    }
    struct rind_record_id id = tree_vectors_id(member, "key");
    if (!rind_record_id_equal(&proof.key, &id) ||
        proof.path.count != json_array_size(rind_vectors_get(member, "path")) ||
        proof.has_leaf == json_is_null(rind_vectors_get(member, "leaf"))) {
        tree_vectors_fail("a proof's CBOR is not what its members say");
    }
    return proof;
}

bool tree_vectors_has_cbor(struct rind_ctx *ctx, const struct rind_schema *schema,
                           const void *value, const json_t *object, const char *key)
{
    struct rind_slice encoded;
    if (!rind_is_ok(rind_wire_encode_alloc(ctx, schema, value, &encoded))) {
        tree_vectors_fail(ctx->sentence);
    }
    return rind_slice_equal(encoded, rind_vectors_hex(object, key, ctx->arena));
}
