/*
 * hash.h - hashes of tree nodes: unkeyed BLAKE2s-256 over exact preimages.
 *
 * Spec: 03 section 4. Prefixes must be canonical (asserted).
 */
#ifndef RIND_MERKLE_HASH_H
#define RIND_MERKLE_HASH_H

#include "base/base.h"
#include "wire/types.h"

void rind_hash_leaf(const struct rind_record_id *key, struct rind_slice value,
                    struct rind_data_hash *hash);

/* A node below the root: both branches are present (asserted). */
void rind_hash_interior(const struct rind_interior_node *node, struct rind_data_hash *hash);

/* The root, whose hash covers its tree's range. */
void rind_hash_root(const struct rind_owned_range *range, const struct rind_interior_node *node,
                    struct rind_data_hash *hash);

#endif
