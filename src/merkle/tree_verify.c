/*
 * tree_verify.c - see tree.h: from a hostile proof to a path that insert, split and merge may use.
 *
 * Spec 03 sections 8 (the structural check) and 9.4 (bringing a path up to the newest root).
 */
#include "merkle/tree.h"

#include "merkle/hash.h"
#include "merkle/node.h"
#include "merkle/overlay_nodes.h"
#include "wire/range.h"

/* Where a walk along a path stands. */
struct verify_walk {
    struct rind_bit_vector key; /* all 256 bits */
    unsigned position;          /* bits of the key that the path has used */
    struct rind_data_hash hash; /* that the node at `position` must have */
    /*
     * Where nodes are looked up that need no hashing, as we have hashed them ourselves; NULL once
     * one was not there: what lies below it is older still. Hashing is most of what a proof costs,
     * and clients come back to the same record three times in a row.
     */
    const struct rind_overlay *known;
    bool has_found; /* the node above was looked up and found */
    struct rind_overlay_node found;
};

/* Looks the node at the walk's place up. */
static bool verify_find(const struct rind_overlay *overlay, struct verify_walk *walk)
{
    const struct rind_overlay_node *above = walk->has_found ? &walk->found : NULL;
    struct rind_overlay_node found;
    walk->has_found = rind_overlay_find_below(overlay, above, &walk->hash, &found);
    if (walk->has_found) {
        walk->found = found;
    }
    return walk->has_found;
}

/*
 * Goes from `node`, the one at walk->position, towards the key. True if its branch leads on, false
 * if the path ends here: the branch is absent or leads elsewhere.
 */
static bool verify_descend(struct verify_walk *walk, const struct rind_interior_node *node)
{
    const struct rind_branch *branch =
        rind_node_branch(node, rind_node_side(&walk->key, walk->position));
    if (branch == NULL || !rind_bits_starts_with_at(&walk->key, walk->position, &branch->prefix)) {
        return false;
    }
    walk->position += branch->prefix.length;
    walk->hash = branch->hash;
    return true;
}

/* Checks one node of the path; spec 03 section 8, step 2a. */
static rind_status verify_node(struct rind_ctx *ctx, const struct rind_read_proof *proof,
                               struct verify_walk *walk, const struct rind_interior_node *node)
{
    RIND_REQUIRE(ctx, rind_node_is_valid_at(node, walk->position), RIND_E_AUTH,
                 "proof's node at bit %u cannot be part of a tree", walk->position);
    struct rind_data_hash hash;
    if (walk->position == 0) {
        rind_hash_root(&proof->range, node, &hash);
    } else {
        if (walk->known != NULL && verify_find(walk->known, walk) &&
            rind_overlay_is_interior(walk->known, &walk->found, node)) {
            return RIND_OK;
        }
        walk->known = NULL;
        rind_hash_interior(node, &hash);
    }
    RIND_REQUIRE(ctx, rind_data_hash_equal(&hash, &walk->hash), RIND_E_AUTH,
                 "proof's node at bit %u does not have the hash its parent names", walk->position);
    return RIND_OK;
}

/* Checks how the path ends; spec 03 section 8, steps 2c, 2e, 2f. */
static rind_status verify_end(struct rind_ctx *ctx, const struct rind_read_proof *proof,
                              struct verify_walk *walk, bool leads_on,
                              struct rind_verified_proof *verified)
{
    if (!proof->has_leaf) {
        RIND_REQUIRE(ctx, !leads_on, RIND_E_AUTH, "proof was cut short: its last branch leads on");
        return RIND_OK;
    }
    RIND_REQUIRE(ctx, leads_on && walk->position == RIND_BITS_LENGTH_MAX, RIND_E_AUTH,
                 "proof has a leaf that its path does not lead to");
    if (walk->known == NULL || !verify_find(walk->known, walk) ||
        !rind_overlay_is_value(walk->known, &walk->found, proof->leaf.value)) {
        struct rind_data_hash leaf_hash;
        rind_hash_leaf(&proof->key, proof->leaf.value, &leaf_hash);
        RIND_REQUIRE(ctx, rind_data_hash_equal(&leaf_hash, &walk->hash), RIND_E_AUTH,
                     "proof's leaf does not have the hash its parent names");
    }
    verified->has_leaf = true;
    verified->value = proof->leaf.value;
    verified->leaf_hash = walk->hash;
    return RIND_OK;
}

/* Checks the proof against itself; nodes that `known` (may be NULL) has are not hashed again. */
static rind_status verify_proof(struct rind_ctx *ctx, const struct rind_overlay *known,
                                const struct rind_read_proof *proof,
                                struct rind_verified_proof *verified)
{
    size_t count = proof->path.count;
    RIND_REQUIRE(ctx, count >= 1 && count <= RIND_TREE_PATH_COUNT_MAX, RIND_E_AUTH,
                 "proof has %zu path nodes; it can have 1 to %u", count, RIND_TREE_PATH_COUNT_MAX);
    RIND_REQUIRE(ctx, rind_owned_range_contains(&proof->range, &proof->key), RIND_E_AUTH,
                 "proof's range does not contain its key");
    struct rind_tree_step *steps = rind_ctx_alloc_array(ctx, count, sizeof(*steps));
    if (steps == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }

    struct rind_verified_proof checked = {.key = proof->key,
                                          .range = proof->range,
                                          .root_hash = proof->root_hash,
                                          .steps = steps,
                                          .step_count = (uint16_t)count};
    struct verify_walk walk = {
        .key = rind_bits_of_record_id(&proof->key), .hash = proof->root_hash, .known = known};
    bool leads_on = true;
    for (size_t i = 0; i < count; i++) {
        /* Each node must lie above the end of the key and be where its parent's branch led. */
        RIND_REQUIRE(ctx, leads_on && walk.position < RIND_BITS_LENGTH_MAX, RIND_E_AUTH,
                     "proof's path goes on after its end");
        const struct rind_interior_node *node = &proof->path.items[i];
        RIND_TRY(verify_node(ctx, proof, &walk, node));
        steps[i] = (struct rind_tree_step){
            .hash = walk.hash, .node = node, .prefix_length = (uint16_t)walk.position};
        leads_on = verify_descend(&walk, node);
    }
    RIND_TRY(verify_end(ctx, proof, &walk, leads_on, &checked));
    *verified = checked;
    return RIND_OK;
}

rind_status rind_tree_verify_foreign(struct rind_ctx *ctx, const struct rind_read_proof *proof,
                                     struct rind_verified_proof *verified)
{
    return verify_proof(ctx, NULL, proof, verified);
}

/* --- Rebasing: spec 03 section 9.4 --- */

/* A path under reconstruction from the newest root. */
struct rebase {
    const struct rind_overlay *overlay;
    const struct rind_verified_proof *old;
    unsigned old_next; /* steps of `old` before this one lie above the walk */
    struct verify_walk walk;
    struct rind_verified_proof path;
    struct rind_tree_step *steps; /* room for RIND_TREE_PATH_COUNT_MAX */
};

static rind_status rebase_missing(struct rind_ctx *ctx)
{
    return rind_fail(ctx, RIND_E_STALE, "proof is too old to be brought up to date; read it again");
}

/*
 * The interior node of the old proof at the walk's place, or NULL. A node's hash binds its leaves'
 * keys and so its place: one look suffices.
 */
static const struct rind_interior_node *rebase_old_interior(struct rebase *rebase)
{
    const struct rind_verified_proof *old = rebase->old;
    while (rebase->old_next < old->step_count &&
           old->steps[rebase->old_next].prefix_length < rebase->walk.position) {
        rebase->old_next++;
    }
    if (rebase->old_next == old->step_count) {
        return NULL;
    }
    const struct rind_tree_step *step = &old->steps[rebase->old_next];
    bool is_same = step->prefix_length == rebase->walk.position &&
                   rind_data_hash_equal(&step->hash, &rebase->walk.hash);
    return is_same ? step->node : NULL;
}

/* Takes the leaf at the end of the walk, from the overlay (`node`) or the old proof (NULL). */
static rind_status rebase_leaf(struct rind_ctx *ctx, struct rebase *rebase,
                               const struct rind_overlay_node *node)
{
    if (node != NULL) {
        uint8_t *value = rind_ctx_alloc(ctx, node->content_size);
        if (value == NULL) {
            return rind_status_make(RIND_E_LIMIT);
        }
        rind_overlay_read_value(rebase->overlay, node, value);
        rebase->path.value = rind_slice_make(value, node->content_size);
    } else if (rebase->old->has_leaf &&
               rind_data_hash_equal(&rebase->old->leaf_hash, &rebase->walk.hash)) {
        rebase->path.value = rebase->old->value;
    } else {
        return rebase_missing(ctx);
    }
    rebase->path.has_leaf = true;
    rebase->path.leaf_hash = rebase->walk.hash;
    return RIND_OK;
}

/* Takes the interior node at the walk's place, from the overlay (`node`) or the old proof. */
static rind_status rebase_interior(struct rind_ctx *ctx, struct rebase *rebase,
                                   const struct rind_overlay_node *node)
{
    const struct rind_interior_node *interior;
    if (node != NULL) {
        struct rind_interior_node *copy = rind_ctx_alloc(ctx, sizeof(*copy));
        if (copy == NULL) {
            return rind_status_make(RIND_E_LIMIT);
        }
        rind_overlay_read_interior(rebase->overlay, node, copy);
        interior = copy;
    } else {
        interior = rebase_old_interior(rebase);
        if (interior == NULL) {
            return rebase_missing(ctx);
        }
    }
    RIND_ASSERT(rebase->path.step_count < RIND_TREE_PATH_COUNT_MAX);
    rebase->steps[rebase->path.step_count++] =
        (struct rind_tree_step){.hash = rebase->walk.hash,
                                .node = interior,
                                .prefix_length = (uint16_t)rebase->walk.position};
    return RIND_OK;
}

/* One node of the newest path; *leads_on as verify_descend. */
static rind_status rebase_step(struct rind_ctx *ctx, struct rebase *rebase, bool *leads_on)
{
    const struct rind_overlay_node *node =
        verify_find(rebase->overlay, &rebase->walk) ? &rebase->walk.found : NULL;
    bool is_leaf = rebase->walk.position == RIND_BITS_LENGTH_MAX;
    RIND_REQUIRE(ctx, node == NULL || (node->kind == RIND_OVERLAY_LEAF) == is_leaf, RIND_E_AUTH,
                 "tree has a %s at bit %u", is_leaf ? "node that is no leaf" : "leaf",
                 rebase->walk.position);
    if (is_leaf) {
        *leads_on = false;
        return rebase_leaf(ctx, rebase, node);
    }
    RIND_TRY(rebase_interior(ctx, rebase, node));
    *leads_on = verify_descend(&rebase->walk, rebase->steps[rebase->path.step_count - 1].node);
    return RIND_OK;
}

static rind_status rebase_proof(struct rind_ctx *ctx, const struct rind_overlay *overlay,
                                struct rind_verified_proof *verified)
{
    struct rebase rebase = {.overlay = overlay, .old = verified};
    /* In the arena although 12 KB: what is on the stack lies among secrets, and is wiped with them.
     */
    rebase.steps = rind_ctx_alloc_array(ctx, RIND_TREE_PATH_COUNT_MAX, sizeof(*rebase.steps));
    if (rebase.steps == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    rebase.path = (struct rind_verified_proof){.key = verified->key,
                                               .range = verified->range,
                                               .root_hash = *rind_overlay_latest_root(overlay),
                                               .is_rebased = true};
    rebase.walk = (struct verify_walk){.key = rind_bits_of_record_id(&verified->key),
                                       .hash = rebase.path.root_hash};
    bool leads_on = true;
    while (leads_on) {
        RIND_TRY(rebase_step(ctx, &rebase, &leads_on));
    }
    rebase.path.steps = rebase.steps;
    *verified = rebase.path;
    return RIND_OK;
}

rind_status rind_tree_verify(struct rind_ctx *ctx, const struct rind_overlay *overlay,
                             const struct rind_read_proof *proof,
                             struct rind_verified_proof *verified)
{
    RIND_REQUIRE(ctx, rind_overlay_knows_root(overlay, &proof->root_hash), RIND_E_STALE,
                 "proof's root is not among the recent ones; read it again from the newest root");
    struct rind_verified_proof checked;
    RIND_TRY(verify_proof(ctx, overlay, proof, &checked));
    if (!rind_data_hash_equal(&checked.root_hash, rind_overlay_latest_root(overlay))) {
        RIND_TRY(rebase_proof(ctx, overlay, &checked));
    }
    *verified = checked;
    return RIND_OK;
}
