/* auth_token.h - making tokens with the keys of a secrets file, for test tenants only. */
#ifndef RIND_CLI_AUTH_TOKEN_H
#define RIND_CLI_AUTH_TOKEN_H

#include "auth/auth.h"
#include "base/base.h"
#include "cli/token_maker.h"

/* What rind_token_maker_make does, for any grant; its tenant and version are the maker's. */
rind_status rind_token_maker_grant(struct rind_ctx *ctx, const struct rind_token_maker *maker,
                                   const struct rind_token_grant *grant,
                                   struct rind_slice *token) RIND_MUST_USE;

/*
 * Makes one token with the newest version of `<prefix><tenant>` in the secrets file at `path`: the
 * prefix is RIND_SECRET_TENANT_PREFIX or RIND_SECRET_SOFTWARE_PREFIX. The tenant must be a test
 * tenant: RIND_E_DENIED otherwise. The token is in ctx's arena with a NUL after its end.
 */
rind_status rind_cli_make_token(struct rind_ctx *ctx, const char *path, const char *prefix,
                                const struct rind_token_grant *grant,
                                struct rind_slice *token) RIND_MUST_USE;

#endif
