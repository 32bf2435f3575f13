/* hash.c - see hash.h. */
#include "merkle/hash.h"

#include "crypto/blake2s.h"
#include "merkle/bits.h"

#define HASH_BRANCH_SIZE_MAX (2u + RIND_BITS_SIZE_BYTES + RIND_BLAKE2S_SIZE)
#define HASH_PREIMAGE_SIZE_MAX (4u + 2u * RIND_BITS_SIZE_BYTES + 2u + 2u * HASH_BRANCH_SIZE_MAX)

_Static_assert(HASH_BRANCH_SIZE_MAX == 66 && HASH_PREIMAGE_SIZE_MAX == 202, "spec 03 section 4");
_Static_assert(sizeof(struct rind_data_hash) == RIND_BLAKE2S_SIZE, "a tree hash is a digest");

/* A preimage being written: the largest is small, so one pass over contiguous bytes is fastest. */
struct hash_preimage {
    uint8_t bytes[HASH_PREIMAGE_SIZE_MAX];
    size_t size;
};

static void preimage_append(struct hash_preimage *preimage, const void *bytes, size_t size)
{
    RIND_ASSERT(size <= sizeof(preimage->bytes) - preimage->size);
    memcpy(preimage->bytes + preimage->size, bytes, size);
    preimage->size += size;
}

static void preimage_append_branch(struct hash_preimage *preimage, bool has_branch,
                                   const struct rind_branch *branch, size_t size_at)
{
    static const struct rind_branch absent; /* length 0, hash 0 */
    const struct rind_branch *encoded = has_branch ? branch : &absent;
    struct rind_slice prefix = rind_bits_slice_bytes(&encoded->prefix);
    uint8_t length[2] = {(uint8_t)(encoded->prefix.length >> 8),
                         (uint8_t)(encoded->prefix.length & 0xffu)};
    size_t start = preimage->size;
    preimage_append(preimage, length, sizeof(length));
    preimage_append(preimage, prefix.data, prefix.length);
    preimage_append(preimage, encoded->hash.bytes, sizeof(encoded->hash.bytes));
    preimage->bytes[size_at] = (uint8_t)(preimage->size - start);
}

static void preimage_append_node(struct hash_preimage *preimage,
                                 const struct rind_interior_node *node)
{
    size_t sizes_at = preimage->size; /* two size bytes, filled in below, precede both branches */
    static const uint8_t sizes[2];
    preimage_append(preimage, sizes, sizeof(sizes));
    preimage_append_branch(preimage, node->has_left, &node->left, sizes_at);
    preimage_append_branch(preimage, node->has_right, &node->right, sizes_at + 1);
}

void rind_hash_leaf(const struct rind_record_id *key, struct rind_slice value,
                    struct rind_data_hash *hash)
{
    uint8_t head[4 + sizeof(key->bytes) + 8] = {'l', 'e', 'a', 'f'};
    memcpy(head + 4, key->bytes, sizeof(key->bytes));
    rind_put_be64(head + 4 + sizeof(key->bytes), value.length);

    struct rind_blake2s blake2s;
    rind_blake2s_init(&blake2s, RIND_BLAKE2S_SIZE);
    rind_blake2s_update(&blake2s, RIND_SLICE_OF(head));
    rind_blake2s_update(&blake2s, value);
    rind_blake2s_final(&blake2s, hash->bytes);
}

void rind_hash_interior(const struct rind_interior_node *node, struct rind_data_hash *hash)
{
    RIND_ASSERT(node->has_left && node->has_right);
    struct hash_preimage preimage;
    preimage.size = 0; /* the bytes need no initial value */
    preimage_append(&preimage, "interior", 8);
    preimage_append_node(&preimage, node);
    rind_blake2s(rind_slice_make(preimage.bytes, preimage.size), hash->bytes);
}

void rind_hash_root(const struct rind_owned_range *range, const struct rind_interior_node *node,
                    struct rind_data_hash *hash)
{
    struct hash_preimage preimage;
    preimage.size = 0; /* the bytes need no initial value */
    preimage_append(&preimage, "root", 4);
    preimage_append(&preimage, range->start.bytes, sizeof(range->start.bytes));
    preimage_append(&preimage, range->end.bytes, sizeof(range->end.bytes));
    preimage_append_node(&preimage, node);
    rind_blake2s(rind_slice_make(preimage.bytes, preimage.size), hash->bytes);
}
