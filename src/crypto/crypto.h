/*
 * crypto.h - the room of cryptographic constructions, over libsodium and libb2.
 *
 * Purpose: everything that the client protocol (docs/spec/01-client-protocol.md) and the trusted
 * core (docs/spec/02-hsm-core.md) build out of vetted primitives. Part of the core: no I/O, no
 * heap, no clock, no state between calls. Randomness is passed in (random.h), so that equal input
 * gives equal output. Running time depends on lengths only, never on secret bytes.
 *
 * The process calls sodium_init() once before the first use: it lets libsodium choose its fast
 * implementations. Nothing here calls it, and results do not depend on it. The symbols that the
 * room imports are a reviewed list: tests/crypto/imports.txt.
 *
 * Secrets are structs of their own (secret.h), wiped by whoever holds them at their last use.
 * Functions wipe what they derive on the way. Input and output of one call may not overlap unless a
 * function says so. All functions are thread-safe as long as no object is shared while written.
 *
 * Read in this order: secret.h, random.h, blake2s.h, mac.h, hkdf.h, realm_keys.h, x25519.h,
 * noise.h, ristretto.h, oprf.h, dleq.h, secret_sharing.h, record_cipher.h, secret_cipher.h,
 * derivations.h, signed_public_key.h.
 */
#ifndef RIND_CRYPTO_CRYPTO_H
#define RIND_CRYPTO_CRYPTO_H

#include "crypto/blake2s.h"
#include "crypto/derivations.h"
#include "crypto/dleq.h"
#include "crypto/hkdf.h"
#include "crypto/mac.h"
#include "crypto/mix.h"
#include "crypto/noise.h"
#include "crypto/oprf.h"
#include "crypto/random.h"
#include "crypto/realm_keys.h"
#include "crypto/record_cipher.h"
#include "crypto/ristretto.h"
#include "crypto/secret.h"
#include "crypto/secret_cipher.h"
#include "crypto/secret_sharing.h"
#include "crypto/signed_public_key.h"
#include "crypto/x25519.h"

#endif
