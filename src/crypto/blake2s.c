/* blake2s.c - see blake2s.h. libb2 does the work. */
#include "crypto/blake2s.h"

#include <blake2.h>

#include "base/assert.h"
#include "base/wipe.h"

_Static_assert(sizeof(blake2s_state) <= sizeof(((struct rind_blake2s *)0)->library_state),
               "the library's state fits");
_Static_assert(BLAKE2S_OUTBYTES == RIND_BLAKE2S_SIZE, "sizes agree");
_Static_assert(BLAKE2S_KEYBYTES == RIND_BLAKE2S_KEY_SIZE, "sizes agree");
_Static_assert(BLAKE2S_BLOCKBYTES == RIND_BLAKE2S_BLOCK_SIZE, "sizes agree");

static blake2s_state *blake2s_library_state(struct rind_blake2s *hash)
{
    return (blake2s_state *)(void *)hash->library_state;
}

void rind_blake2s(struct rind_slice bytes, uint8_t digest[static RIND_BLAKE2S_SIZE])
{
    struct rind_blake2s hash;
    rind_blake2s_init(&hash, RIND_BLAKE2S_SIZE);
    rind_blake2s_update(&hash, bytes);
    rind_blake2s_final(&hash, digest);
}

void rind_blake2s_init(struct rind_blake2s *hash, size_t digest_size)
{
    RIND_ASSERT(digest_size >= 1 && digest_size <= RIND_BLAKE2S_SIZE);
    hash->digest_size = digest_size;
    int failed = blake2s_init(blake2s_library_state(hash), digest_size);
    RIND_ASSERT(failed == 0); /* fails for bad sizes only */
}

void rind_blake2s_init_keyed(struct rind_blake2s *hash, struct rind_slice key, size_t digest_size)
{
    RIND_ASSERT(digest_size >= 1 && digest_size <= RIND_BLAKE2S_SIZE);
    RIND_ASSERT(key.length >= 1 && key.length <= RIND_BLAKE2S_KEY_SIZE);
    hash->digest_size = digest_size;
    int failed = blake2s_init_key(blake2s_library_state(hash), digest_size, key.data, key.length);
    RIND_ASSERT(failed == 0); /* fails for bad sizes only */
}

void rind_blake2s_update(struct rind_blake2s *hash, struct rind_slice bytes)
{
    if (bytes.length == 0) {
        return; /* the pointer may be NULL, which memcpy in the library must not see */
    }
    int failed = blake2s_update(blake2s_library_state(hash), bytes.data, bytes.length);
    RIND_ASSERT(failed == 0); /* fails only after final */
}

void rind_blake2s_final(struct rind_blake2s *hash, uint8_t *digest)
{
    int failed = blake2s_final(blake2s_library_state(hash), digest, hash->digest_size);
    RIND_ASSERT(failed == 0); /* fails only if called twice */
    rind_wipe(hash, sizeof(*hash));
}
