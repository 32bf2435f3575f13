/*
 * mac.h - the statements of HSMs to each other: keyed BLAKE2s-256 under the realm's MAC key.
 *
 * MAC(domain, M) = BLAKE2s-256(key, u8(length of domain) || domain || M), where M is the CBOR that
 * the caller made. Spec: docs/spec/02-hsm-core.md section 6.
 */
#ifndef RIND_CRYPTO_MAC_H
#define RIND_CRYPTO_MAC_H

#include <stdbool.h>

#include "base/id.h"
#include "base/slice.h"
#include "base/status.h"
#include "crypto/secret.h"

RIND_SECRET_TYPE(mac_key, 32);

/* The MAC of `message` under `domain`, a text of at most 255 characters known at compile time. */
void rind_mac_compute(const struct rind_mac_key *key, const char *domain, struct rind_slice message,
                      struct rind_mac *mac);

/* True if `mac` is the MAC of `message` under `domain`. Compares in constant time. */
bool rind_mac_verify(const struct rind_mac_key *key, const char *domain, struct rind_slice message,
                     const struct rind_mac *mac) RIND_MUST_USE;

#endif
