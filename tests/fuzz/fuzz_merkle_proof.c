/*
 * fuzz_merkle_proof.c - what a hostile agent presents as a proof.
 *
 * Targets: rind_tree_verify, rind_tree_verify_foreign, and insert, split and merge with whatever
 * was accepted. Each proof is tried as it is, and once more with its hashes made right: else no
 * input would come past the first one.
 */
#include <stdlib.h>

#include "merkle/proof_forge.h"
#include "wire/codec.h"
#include "wire/range.h"

#define FUZZ_OVERLAY_CAPACITY 3u

static void fuzz_present(struct model *model, const struct rind_read_proof *proof)
{
    struct rind_verified_proof verified;
    rind_status foreign = rind_tree_verify_foreign(&model->ctx, proof, &verified);
    RIND_ASSERT(rind_is_ok(foreign) || rind_is(foreign, RIND_E_AUTH));
    rind_overlay_open(model->overlay, &proof->root_hash);
    bool is_accepted = proof_act(model, proof);
    RIND_ASSERT(is_accepted == rind_is_ok(foreign));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct model model; /* one for all runs: making one costs more than a run */
    if (model.overlay == NULL) {
        struct rind_owned_range full = rind_owned_range_full();
        model_init(&model, &full, FUZZ_OVERLAY_CAPACITY);
    }
    struct rind_read_proof proof;
    if (rind_is_ok(rind_wire_decode_strict(&model.ctx, &rind_read_proof_schema,
                                           rind_slice_make(data, size), &proof))) {
        fuzz_present(&model, &proof);
        proof_rehash(&proof);
        fuzz_present(&model, &proof);
    }
    model_reset(&model);
    return 0;
}
