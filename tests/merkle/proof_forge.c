/* proof_forge.c - see proof_forge.h. */
#include "merkle/proof_forge.h"

#include "crypto/blake2s.h"
#include "wire/range.h"

bool proof_damage(struct rind_interior_node *node, unsigned damage, unsigned side, bool is_root)
{
    bool *has = side == 0 ? &node->has_left : &node->has_right;
    struct rind_branch *branch = side == 0 ? &node->left : &node->right;
    if (!*has) {
        return false;
    }
    switch (damage) {
    case 0: /* a branch missing below the root */
        *has = false;
        return !is_root;
    case 1: /* an empty prefix */
        branch->prefix = (struct rind_bit_vector){.length = 0};
        return true;
    case 2: /* the wrong first bit */
        branch->prefix.bits[0] ^= 0x80;
        return true;
    case 3: /* longer than the rest of any key but at the root */
        branch->prefix.length = 256;
        branch->prefix.bits[31] |= 1;
        return !is_root;
    case 4: /* longer than any key */
        branch->prefix.length = 257;
        return true;
    case 5:
        branch->prefix.length = UINT16_MAX;
        return true;
    case 6: /* a stray bit beyond what is hashed */
        branch->prefix.bits[31] |= 1;
        return branch->prefix.length <= 248;
    default: /* a stray bit in the last byte that is hashed */
        branch->prefix.bits[branch->prefix.length / 8] |= 0x01;
        return branch->prefix.length % 8 != 0 && branch->prefix.length < 256;
    }
}

/* As the preimage of spec 03 section 4, but for any branch: lengths above 256 hash 32 bytes. */
static void forge_branch(uint8_t *out, size_t *size, bool has, const struct rind_branch *branch,
                         uint8_t *size_byte)
{
    static const struct rind_branch absent;
    const struct rind_branch *used = has ? branch : &absent;
    size_t byte_count = (used->prefix.length + 7u) / 8u;
    byte_count = byte_count > 32 ? 32 : byte_count;
    out[(*size)++] = (uint8_t)(used->prefix.length >> 8);
    out[(*size)++] = (uint8_t)(used->prefix.length & 0xffu);
    memcpy(out + *size, used->prefix.bits, byte_count);
    memcpy(out + *size + byte_count, used->hash.bytes, 32);
    *size += byte_count + 32;
    *size_byte = (uint8_t)(2 + byte_count + 32);
}

static struct rind_data_hash forge_hash(const struct rind_owned_range *range,
                                        const struct rind_interior_node *node)
{
    uint8_t preimage[256];
    size_t size = range != NULL ? 4 : 8;
    memcpy(preimage, range != NULL ? "root" : "interior", size);
    if (range != NULL) {
        memcpy(preimage + 4, range->start.bytes, 32);
        memcpy(preimage + 36, range->end.bytes, 32);
        size = 68;
    }
    uint8_t *sizes = preimage + size;
    size += 2;
    forge_branch(preimage, &size, node->has_left, &node->left, &sizes[0]);
    forge_branch(preimage, &size, node->has_right, &node->right, &sizes[1]);
    struct rind_data_hash hash;
    rind_blake2s(rind_slice_make(preimage, size), hash.bytes);
    return hash;
}

void proof_rehash(struct rind_read_proof *proof)
{
    /* Follow the key as a careless reader would, to know each node's direction. */
    unsigned position = 0;
    bool goes_right[512];
    for (size_t i = 0; i < proof->path.count && i < 512; i++) {
        unsigned bit = position < 256 ? position : 255;
        goes_right[i] = (((unsigned)proof->key.bytes[bit / 8] >> (7 - bit % 8)) & 1u) != 0;
        const struct rind_interior_node *node = &proof->path.items[i];
        position += goes_right[i] ? node->right.prefix.length : node->left.prefix.length;
    }
    struct rind_data_hash child;
    bool has_child = proof->has_leaf;
    rind_hash_leaf(&proof->key, has_child ? proof->leaf.value : rind_slice_make(NULL, 0), &child);
    for (size_t i = proof->path.count; i > 0; i--) {
        struct rind_interior_node *node = &proof->path.items[i - 1];
        if (has_child) {
            (goes_right[i - 1] ? &node->right : &node->left)->hash = child;
        }
        child = forge_hash(i == 1 ? &proof->range : NULL, node);
        has_child = true;
    }
    proof->root_hash = child;
}

void proof_mutate(struct rind_read_proof *proof, uint64_t *seed)
{
    struct rind_interior_node *node = &proof->path.items[model_random(seed) % proof->path.count];
    struct rind_branch *branch = model_random(seed) % 2 == 0 ? &node->left : &node->right;
    unsigned bit = (unsigned)(model_random(seed) % 256);
    uint8_t mask = (uint8_t)(0x80u >> (bit % 8));
    switch (model_random(seed) % 12) {
    case 0:
        branch->prefix.bits[bit / 8] ^= mask;
        break;
    case 1: /* another prefix of the same string */
        branch->prefix.length = (uint16_t)(1 + bit);
        for (unsigned i = branch->prefix.length; i < 256; i++) {
            branch->prefix.bits[i / 8] &= (uint8_t) ~(0x80u >> (i % 8));
        }
        break;
    case 2:
        branch->prefix.length = (uint16_t)model_random(seed);
        break;
    case 3:
        node->has_left = !node->has_left;
        break;
    case 4:
        node->has_right = !node->has_right;
        break;
    case 5:
        proof->path.count = 1 + model_random(seed) % proof->path.count;
        break;
    case 6:
        proof->has_leaf = !proof->has_leaf;
        break;
    case 7:
        proof->key.bytes[bit / 8] ^= mask;
        break;
    case 8:
        proof->range.start.bytes[bit / 8] ^= mask;
        break;
    case 9:
        proof->range.end.bytes[bit / 8] ^= mask;
        break;
    case 10:
        *node = proof->path.items[model_random(seed) % proof->path.count];
        break;
    default:
        branch->hash.bytes[bit / 8] ^= mask;
        break;
    }
}

bool proof_act(struct model *model, const struct rind_read_proof *proof)
{
    struct rind_verified_proof verified;
    struct rind_tree_change change;
    struct rind_tree_split split;
    struct rind_tree_merge merge;
    rind_status status = rind_tree_verify(&model->ctx, model->overlay, proof, &verified);
    if (!rind_is_ok(status)) {
        RIND_ASSERT(rind_is(status, RIND_E_AUTH));
        RIND_ASSERT(
            rind_is(rind_tree_split(&model->ctx, model->overlay, proof, &split), RIND_E_AUTH));
        RIND_ASSERT(rind_is(rind_tree_merge(&model->ctx, model->overlay, proof, proof, &merge),
                            RIND_E_AUTH));
        return false;
    }
    status = rind_tree_split(&model->ctx, model->overlay, proof, &split);
    RIND_ASSERT(rind_is_ok(status) || rind_is(status, RIND_E_INVALID));
    if (rind_is_ok(status)) {
        struct rind_read_proof other = *proof; /* as if the tree were the neighbour's, too */
        other.path.items =
            rind_arena_alloc_array(&model->arena, proof->path.count, sizeof(*proof->path.items));
        RIND_ASSERT(other.path.items != NULL);
        memcpy(other.path.items, proof->path.items, proof->path.count * sizeof(*proof->path.items));
        if (rind_record_id_next(&proof->range.end, &other.range.start)) {
            memset(other.range.end.bytes, 0xff, sizeof(other.range.end.bytes));
            other.key.bytes[0] ^= 0x80;
            proof_rehash(&other);
            status = rind_tree_merge(&model->ctx, model->overlay, proof, &other, &merge);
            RIND_ASSERT(rind_is_ok(status) || rind_is(status, RIND_E_AUTH));
        }
    }
    status = rind_tree_merge(&model->ctx, model->overlay, proof, proof, &merge);
    RIND_ASSERT(rind_is(status, RIND_E_PRECONDITION));

    RIND_ASSERT(rind_is_ok(rind_tree_insert(&model->ctx, model->overlay, &verified,
                                            rind_slice_text("forged"), &change)));
    RIND_ASSERT(rind_overlay_knows_root(model->overlay, &proof->root_hash));
    rind_overlay_add(model->overlay, &change);
    /* The same proof again must be brought up to what was written. */
    RIND_ASSERT(rind_is_ok(rind_tree_verify(&model->ctx, model->overlay, proof, &verified)));
    RIND_ASSERT(verified.has_leaf && rind_slice_is_text(verified.value, "forged"));
    return true;
}
