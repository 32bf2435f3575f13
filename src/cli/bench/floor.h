/*
 * floor.h - what the public-key operations of one recover or register cost, done directly.
 *
 * Below this no realm can get: a fresh Noise NK session takes the HSM three X25519 operations (its
 * ephemeral key, and two shared secrets); Recover2 takes four ristretto255 operations (the check of
 * the client's point, the evaluation, and two for the proof). Register2 takes none. They are called
 * in the primitive library itself, with nothing of ours around them, on fresh inputs.
 */
#ifndef RIND_CLI_BENCH_FLOOR_H
#define RIND_CLI_BENCH_FLOOR_H

#include "base/base.h"

struct rind_floor {
    double x25519_base_us;
    double x25519_us;
    double ristretto_base_us;
    double ristretto_us;
    double ristretto_check_us;
    double recover_us;
    double register_us;
};

/* Measures `repeat_count` times each, interleaved, on the calling thread. Needs sodium_init. */
void rind_floor_measure(unsigned repeat_count, struct rind_floor *found);

#endif
