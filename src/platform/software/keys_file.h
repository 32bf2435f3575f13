/*
 * keys_file.h - a realm's keys in a file, for software HSMs that keep more than a demo.
 *
 * A JSON object of four members, each 64 hex digits:
 *
 *   { "communication_private": "...", "communication_public": "...", "record": "...", "mac": "..."
 * }
 *
 * communication_public is the X25519 public key of communication_private; the three others are 32
 * random bytes each. All HSMs of a realm have the same four keys, and clients are configured with
 * communication_public. Whoever reads the file has the realm: only its owner may be able to.
 */
#ifndef RIND_PLATFORM_SOFTWARE_KEYS_FILE_H
#define RIND_PLATFORM_SOFTWARE_KEYS_FILE_H

#include "base/base.h"
#include "crypto/crypto.h"

/*
 * Reads the keys; nothing of the file stays in memory but *keys, which the caller wipes. Call at
 * start-up, before other threads use jansson: its allocator is replaced for the call.
 *   RIND_E_DENIED   group or others may read or write it
 *   RIND_E_DECODE   not such an object
 *   RIND_E_INVALID  the public key is not that of the private one; two keys are equal; a key is
 * zero RIND_E_NOT_FOUND, RIND_E_IO, RIND_E_LIMIT
 */
rind_status rind_keys_file_read(struct rind_ctx *ctx, const char *path,
                                struct rind_realm_keys *keys) RIND_MUST_USE;

#endif
