/* auth_token.h - making tokens with tenants' keys, for test tenants only. */
#ifndef RIND_CLI_AUTH_TOKEN_H
#define RIND_CLI_AUTH_TOKEN_H

#include "auth/auth.h"
#include "base/base.h"
#include "cli/token_maker.h"

/* What rind_token_maker_make does, for any grant; its tenant and version are the maker's. */
rind_status rind_token_maker_grant(struct rind_ctx *ctx, const struct rind_token_maker *maker,
                                   const struct rind_token_grant *grant,
                                   struct rind_slice *token) RIND_MUST_USE;

/* Where tenants' keys are. */
struct rind_cli_keys {
    const char *secrets_file;                          /* or NULL: */
    const struct rind_secret_manager_options *manager; /* Google Secret Manager */
};

/*
 * Makes one token with the newest version of `<prefix><tenant>`: the prefix is
 * RIND_SECRET_TENANT_PREFIX or RIND_SECRET_SOFTWARE_PREFIX. The tenant must be a test tenant:
 * RIND_E_DENIED otherwise. Of Secret Manager that one secret is read, and its label not looked at
 * (which those need that balancers are to find). The token is in ctx's arena with a NUL after its
 * end.
 */
rind_status rind_cli_make_token(struct rind_ctx *ctx, const struct rind_cli_keys *keys,
                                const char *prefix, const struct rind_token_grant *grant,
                                struct rind_slice *token) RIND_MUST_USE;

#endif
