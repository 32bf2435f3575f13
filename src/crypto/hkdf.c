/* hkdf.c - see hkdf.h. */
#include "crypto/hkdf.h"

#include "base/assert.h"
#include "base/wipe.h"

#define HMAC_INNER_PAD 0x36u
#define HMAC_OUTER_PAD 0x5cu

/* An HMAC under way: the hash so far and what the outer hash starts with. */
struct hmac {
    struct rind_blake2s inner;
    uint8_t outer_block[RIND_BLAKE2S_BLOCK_SIZE];
};

static void hmac_init(struct hmac *hmac, struct rind_slice key)
{
    uint8_t block[RIND_BLAKE2S_BLOCK_SIZE] = {0};
    if (key.length > sizeof(block)) {
        rind_blake2s(key, block);
    } else if (key.length > 0) {
        memcpy(block, key.data, key.length);
    }
    for (size_t i = 0; i < sizeof(block); i++) {
        hmac->outer_block[i] = (uint8_t)(block[i] ^ HMAC_OUTER_PAD);
        block[i] ^= HMAC_INNER_PAD;
    }
    rind_blake2s_init(&hmac->inner, RIND_BLAKE2S_SIZE);
    rind_blake2s_update(&hmac->inner, RIND_SLICE_OF(block));
    rind_wipe(block, sizeof(block));
}

static void hmac_final(struct hmac *hmac, uint8_t digest[static RIND_BLAKE2S_SIZE])
{
    uint8_t inner_digest[RIND_BLAKE2S_SIZE];
    rind_blake2s_final(&hmac->inner, inner_digest);
    struct rind_blake2s outer;
    rind_blake2s_init(&outer, RIND_BLAKE2S_SIZE);
    rind_blake2s_update(&outer, RIND_SLICE_OF(hmac->outer_block));
    rind_blake2s_update(&outer, RIND_SLICE_OF(inner_digest));
    rind_blake2s_final(&outer, digest);
    rind_wipe(inner_digest, sizeof(inner_digest));
    rind_wipe(hmac, sizeof(*hmac));
}

void rind_hmac_blake2s(struct rind_slice key, struct rind_slice message,
                       uint8_t digest[static RIND_BLAKE2S_SIZE])
{
    struct hmac hmac;
    hmac_init(&hmac, key);
    rind_blake2s_update(&hmac.inner, message);
    hmac_final(&hmac, digest);
}

void rind_hkdf_blake2s(struct rind_slice salt, struct rind_slice input_key, struct rind_slice info,
                       uint8_t *output, size_t size)
{
    RIND_ASSERT(size <= RIND_HKDF_SIZE_MAX);
    uint8_t pseudorandom_key[RIND_BLAKE2S_SIZE];
    rind_hmac_blake2s(salt, input_key, pseudorandom_key);

    /* RFC 5869 section 2.3: T(n) = HMAC(PRK, T(n-1) || info || n), T(0) is empty. */
    uint8_t block[RIND_BLAKE2S_SIZE];
    size_t block_size = 0;
    uint8_t counter = 0;
    for (size_t done = 0; done < size; done += RIND_BLAKE2S_SIZE) {
        counter++;
        struct hmac hmac;
        hmac_init(&hmac, RIND_SLICE_OF(pseudorandom_key));
        rind_blake2s_update(&hmac.inner, rind_slice_make(block, block_size));
        rind_blake2s_update(&hmac.inner, info);
        rind_blake2s_update(&hmac.inner, rind_slice_make(&counter, 1));
        hmac_final(&hmac, block);
        block_size = sizeof(block);
        size_t left = size - done;
        memcpy(output + done, block, left < sizeof(block) ? left : sizeof(block));
    }
    rind_wipe(block, sizeof(block));
    rind_wipe(pseudorandom_key, sizeof(pseudorandom_key));
}
