/*
 * x25519.h - X25519 (RFC 7748).
 *
 * Secrets are any 32 bytes and stay as they were made; clamping happens inside the multiplication
 * only.
 */
#ifndef RIND_CRYPTO_X25519_H
#define RIND_CRYPTO_X25519_H

#include "base/id.h"
#include "base/status.h"
#include "crypto/secret.h"

#define RIND_X25519_SIZE 32u

RIND_SECRET_TYPE(x25519_secret, 32);
RIND_SECRET_TYPE(x25519_shared, 32);
RIND_ID_TYPE(x25519_public, 32);

/* The public key of `secret`. */
void rind_x25519_public_from_secret(const struct rind_x25519_secret *secret,
                                    struct rind_x25519_public *public_key);

/*
 * The shared secret. RIND_E_AUTH when it is all zero, that is when the peer sent one of the few
 * points of low order, which no honest peer does (01 section 22 item 9).
 */
rind_status rind_x25519(struct rind_ctx *ctx, const struct rind_x25519_secret *secret,
                        const struct rind_x25519_public *public_key,
                        struct rind_x25519_shared *shared) RIND_MUST_USE;

#endif
