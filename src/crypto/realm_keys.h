/*
 * realm_keys.h - the four keys that all HSMs of a realm share.
 *
 * Spec: docs/spec/02-hsm-core.md section 5.
 */
#ifndef RIND_CRYPTO_REALM_KEYS_H
#define RIND_CRYPTO_REALM_KEYS_H

#include "base/slice.h"
#include "crypto/mac.h"
#include "crypto/record_cipher.h"
#include "crypto/x25519.h"

/*
 * The private key is kept, MACed and compared as the raw bytes it was made of, never clamped. The
 * public key is its own member since hardware keeps it as an object of its own.
 */
struct rind_realm_keys {
    struct rind_x25519_secret communication_private;
    struct rind_x25519_public communication_public;
    struct rind_record_key record;
    struct rind_mac_key mac;
};

/*
 * All keys from one text, for testing only: whoever knows the text has the realm. This is what the
 * `--key` flag of the software HSM does. The text must not be empty (assertion: callers check).
 */
void rind_realm_keys_derive_insecure(struct rind_slice text, struct rind_realm_keys *keys);

void rind_realm_keys_wipe(struct rind_realm_keys *keys);

#endif
