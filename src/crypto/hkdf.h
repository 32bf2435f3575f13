/* hkdf.h - HMAC (RFC 2104) and HKDF (RFC 5869) over BLAKE2s-256, whose block has 64 bytes. */
#ifndef RIND_CRYPTO_HKDF_H
#define RIND_CRYPTO_HKDF_H

#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "crypto/blake2s.h"

#define RIND_HKDF_SIZE_MAX (255u * RIND_BLAKE2S_SIZE) /* RFC 5869 section 2.3 */

/* HMAC-BLAKE2s-256 of `message`; a key longer than a block is hashed first, as the RFC says. */
void rind_hmac_blake2s(struct rind_slice key, struct rind_slice message,
                       uint8_t digest[static RIND_BLAKE2S_SIZE]);

/* Extract and expand: writes `size` bytes (at most RIND_HKDF_SIZE_MAX) to `output`. */
void rind_hkdf_blake2s(struct rind_slice salt, struct rind_slice input_key, struct rind_slice info,
                       uint8_t *output, size_t size);

#endif
