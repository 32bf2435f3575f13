/*
 * credentials.h - who we are for Google: Application Default Credentials (spec 05 section 1.2).
 *
 * gRPC's own credentials do the work: a service account's key file signs its own tokens, an
 * authorised user's file and the metadata server are asked for tokens, which are cached and
 * refreshed before they expire. So scopes (section 1.4) are asked of nobody: a self-signed token
 * names the service, the other two carry what they were made for.
 *
 * The fourth way of the specification, running `gcloud auth print-access-token`, is left out: a
 * daemon that starts other people's programs to become somebody is a door we do not need;
 * `gcloud auth application-default login` gives the same account in the second way.
 */
#ifndef RIND_CLOUD_CREDENTIALS_H
#define RIND_CLOUD_CREDENTIALS_H

#include <grpc/grpc_security.h>

#include "base/base.h"
#include "cloud/channel.h"

/*
 * Finds out, without gRPC and in bounded time, that there are credentials: a file that is named and
 * whole, else gcloud's, else a metadata server at the address. RIND_E_AUTH with the remedy if not.
 */
rind_status rind_credentials_find(struct rind_ctx *ctx, const char *service,
                                  const struct rind_address *metadata) RIND_MUST_USE;

/* RIND_E_AUTH with the remedy if there are none. The caller releases them. */
rind_status rind_credentials_make(struct rind_ctx *ctx, enum rind_channel_security security,
                                  const char *service,
                                  grpc_channel_credentials **credentials) RIND_MUST_USE;

#endif
