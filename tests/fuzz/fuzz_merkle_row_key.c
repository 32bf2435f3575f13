/*
 * fuzz_merkle_row_key.c - row keys as a store may return them.
 *
 * Target: rind_row_key_parse. What it accepts must be exactly what rind_row_key_encode writes.
 */
#include "merkle/merkle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rind_bit_vector prefix;
    struct rind_data_hash hash;
    struct rind_row_key again;
    rind_status status = rind_row_key_parse(NULL, rind_slice_make(data, size), &prefix, &hash);
    if (rind_is_ok(status)) {
        rind_row_key_encode(&prefix, &hash, &again);
        RIND_ASSERT(rind_slice_equal(rind_row_key_slice(&again), rind_slice_make(data, size)));
    } else {
        RIND_ASSERT(rind_is(status, RIND_E_CORRUPT));
    }
    return 0;
}
