/*
 * proof_forge.h - making hostile proofs whose hashes are right, so that checks other than those of
 * hashes are met; and acting on proofs as the core would.
 */
#ifndef RIND_TESTS_MERKLE_PROOF_FORGE_H
#define RIND_TESTS_MERKLE_PROOF_FORGE_H

#include "merkle/tree_model.h"

/* What proof_damage can do to one branch of a node. */
#define PROOF_DAMAGE_COUNT 8u

/* Damages the node's branch on a side (0, 1). False if this node cannot have this damage. */
bool proof_damage(struct rind_interior_node *node, unsigned damage, unsigned side, bool is_root);

/* Makes every hash on the path right, from the leaf up to root_hash, whatever the nodes hold. */
void proof_rehash(struct rind_read_proof *proof);

/* Changes something at random: prefixes, lengths, presence, order, range, key. In place. */
void proof_mutate(struct rind_read_proof *proof, uint64_t *seed);

/*
 * Presents the proof to every operation of the core on the model's overlay, which must know its
 * root. True if it was accepted. Aborts if a failure changes the overlay or says something else
 * than Invalid.
 */
bool proof_act(struct model *model, const struct rind_read_proof *proof);

#endif
