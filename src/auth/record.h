/*
 * record.h - where a user's record lives, and under which name tenants hear of the user.
 *
 * The record id depends on the realm's randomization key, tenant and user alone, all of them
 * authenticated by the token; nothing a client chooses freely enters it.
 * Spec: docs/spec/07-load-balancer.md section 8.
 */
#ifndef RIND_AUTH_RECORD_H
#define RIND_AUTH_RECORD_H

#include "auth/secret.h"
#include "base/id.h"
#include "base/slice.h"
#include "base/status.h"

/* Name of the secret that holds the key. */
#define RIND_RECORD_KEY_SECRET "record-id-randomization"

#define RIND_RECORD_KEY_SIZE 32u

/* Secret: without it nobody can tell where a user's record is. Wiped by its owner. */
struct rind_record_key {
    uint8_t bytes[RIND_RECORD_KEY_SIZE];
};

/* Hexadecimal SHA-256 and its NUL. */
#define RIND_USER_HASH_SIZE 65u

/* The user's public, stable pseudonym in tenant events. */
struct rind_user_hash {
    char text[RIND_USER_HASH_SIZE];
};

/* Takes the key from its secret; RIND_E_INVALID unless it is Blake2sMac256 of exactly 32 bytes. */
rind_status rind_record_key_init(struct rind_ctx *ctx, const struct rind_secret *secret,
                                 struct rind_record_key *key) RIND_MUST_USE;

/* Keyed BLAKE2s-256 of the CBOR map {tenant, user}, both texts. */
void rind_record_id_derive(const struct rind_record_key *key, struct rind_slice tenant,
                           struct rind_slice user, struct rind_record_id *id);

/*
 * The id in a software realm (05 section 13.1): BLAKE2s-256 without a key of the CBOR map
 * {tenant_name, user_id}.
 */
void rind_record_id_derive_software(struct rind_slice tenant, struct rind_slice user,
                                    struct rind_record_id *id);

/* Lower-case hex of SHA-256(tenant ":" user). The tenant contains no colon. */
void rind_user_hash_derive(struct rind_slice tenant, struct rind_slice user,
                           struct rind_user_hash *hash);

#endif
