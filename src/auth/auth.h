/*
 * auth.h - who may talk to a realm: tokens, the keys that verify them, and what is derived from
 * whom they name.
 *
 * Purpose: JSON Web Tokens of tenants' users (create, validate), the secrets that hold tenants'
 * keys and the realm's record-id key (file, or any other source behind one interface), and the two
 * public derivations: record id and hashed user id.
 * Trusts: the source of the secrets. Nothing in a token is believed before its signature verified,
 * and the key decides the algorithm, never the token.
 * Never does: end the process over a bad token, key or secret; log or return a secret.
 * Order to read: token_key.h, token.h, bearer.h, secret.h, secrets.h,
 * secrets_manager.h, record.h.
 * Spec: docs/spec/01-client-protocol.md section 14, 05-cloud-services.md section 3,
 * 07-load-balancer.md sections 7, 8 and 11.
 */
#ifndef RIND_AUTH_AUTH_H
#define RIND_AUTH_AUTH_H

#include "auth/bearer.h"
#include "auth/record.h"
#include "auth/secret.h"
#include "auth/secrets.h"
#include "auth/secrets_manager.h"
#include "auth/token.h"
#include "auth/token_key.h"

#endif
