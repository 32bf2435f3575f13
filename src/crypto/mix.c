/* mix.c - see mix.h. */
#include "crypto/mix.h"

#include "base/endian.h"
#include "base/wipe.h"
#include "crypto/blake2s.h"

#define MIX_KEYS_COUNT (RIND_MIX_SIZE_MAX / sizeof(uint32_t))
#define MIX_KEYS_PER_DIGEST (RIND_BLAKE2S_SIZE / sizeof(uint64_t))

void rind_mix_init(struct rind_mix *mix, const uint8_t seed[static RIND_MIX_SEED_SIZE])
{
    uint8_t input[RIND_MIX_SEED_SIZE + 1];
    uint8_t digest[RIND_BLAKE2S_SIZE];
    memcpy(input, seed, RIND_MIX_SEED_SIZE);
    for (size_t i = 0; i < MIX_KEYS_COUNT; i++) {
        if (i % MIX_KEYS_PER_DIGEST == 0) {
            input[RIND_MIX_SEED_SIZE] = (uint8_t)(i / MIX_KEYS_PER_DIGEST);
            rind_blake2s(RIND_SLICE_OF(input), digest);
        }
        mix->keys[i] = rind_get_le64(digest + i % MIX_KEYS_PER_DIGEST * sizeof(uint64_t));
    }
    rind_wipe(input, sizeof(input));
    rind_wipe(digest, sizeof(digest));
}
