/* blake2s.h - BLAKE2s (RFC 7693): one call or piece by piece, plain or keyed, any digest size. */
#ifndef RIND_CRYPTO_BLAKE2S_H
#define RIND_CRYPTO_BLAKE2S_H

#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

#define RIND_BLAKE2S_SIZE 32u       /* of the usual digest; the largest possible */
#define RIND_BLAKE2S_KEY_SIZE 32u   /* the largest key */
#define RIND_BLAKE2S_BLOCK_SIZE 64u /* for HMAC */

/* A hash under way. Opaque: the library's state. Copying the struct forks the hash. */
struct rind_blake2s {
    alignas(64) uint8_t library_state[192];
    size_t digest_size;
};

/* The 32-byte digest of `bytes`. */
void rind_blake2s(struct rind_slice bytes, uint8_t digest[static RIND_BLAKE2S_SIZE]);

/* Starts a hash whose digest has `digest_size` bytes (1..32), a parameter of the hash itself. */
void rind_blake2s_init(struct rind_blake2s *hash, size_t digest_size);

/* As rind_blake2s_init with BLAKE2's native keying; the key has 1..32 bytes. */
void rind_blake2s_init_keyed(struct rind_blake2s *hash, struct rind_slice key, size_t digest_size);

/* Hashes further bytes. */
void rind_blake2s_update(struct rind_blake2s *hash, struct rind_slice bytes);

/* Writes the digest (the size given to init) and wipes the state. */
void rind_blake2s_final(struct rind_blake2s *hash, uint8_t *digest);

#endif
