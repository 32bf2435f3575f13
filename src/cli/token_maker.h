/*
 * token_maker.h - tokens of a test tenant's users, made as its servers would.
 *
 * Apart from auth_token.h because programs that include librind's header cannot include auth/.
 */
#ifndef RIND_CLI_TOKEN_MAKER_H
#define RIND_CLI_TOKEN_MAKER_H

#include "base/base.h"

/* Makes any number of tokens of one tenant. Opaque; may be used by several threads at once. */
struct rind_token_maker;

/*
 * Reads the newest version of `tenant-<tenant>` from the secrets file at `path`. The tenant must be
 * a test tenant: RIND_E_DENIED otherwise. `tenant` is borrowed until close.
 */
rind_status rind_token_maker_open(struct rind_ctx *ctx, const char *path, struct rind_slice tenant,
                                  struct rind_token_maker **maker) RIND_MUST_USE;

/* The same for software realms, whose keys are called `jb-sw-tenant-<tenant>`. */
rind_status rind_token_maker_open_software(struct rind_ctx *ctx, const char *path,
                                           struct rind_slice tenant,
                                           struct rind_token_maker **maker) RIND_MUST_USE;

/* One that signs with an HMAC key nobody has: its tokens are refused. */
rind_status rind_token_maker_open_invalid(struct rind_ctx *ctx, struct rind_slice tenant,
                                          struct rind_token_maker **maker) RIND_MUST_USE;

/* NULL is allowed. */
void rind_token_maker_close(struct rind_token_maker *maker);

/* A token that lets `user` into the realm, in ctx's arena with a NUL after its end. */
rind_status rind_token_maker_make(struct rind_ctx *ctx, const struct rind_token_maker *maker,
                                  const struct rind_realm_id *realm, struct rind_slice user,
                                  struct rind_slice *token) RIND_MUST_USE;

#endif
