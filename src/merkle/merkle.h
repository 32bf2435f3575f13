/*
 * merkle.h - the room of the authenticated radix tree.
 *
 * Purpose: bit strings (bits), node hashes (hash), what the core does with
 * its tree (tree, overlay), what the host does (walk: building proofs; row_key: storage keys),
 * pictures (dot). Freestanding: no I/O, heap, clock or threads; every function takes its memory
 * from the caller. Spec: docs/spec/03-merkle.md. Read bits.h, hash.h, tree.h first.
 */
#ifndef RIND_MERKLE_MERKLE_H
#define RIND_MERKLE_MERKLE_H

#include "merkle/bits.h"
#include "merkle/dot.h"
#include "merkle/hash.h"
#include "merkle/overlay.h"
#include "merkle/row_key.h"
#include "merkle/tree.h"
#include "merkle/walk.h"

#endif
