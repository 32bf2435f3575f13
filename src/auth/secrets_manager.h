/*
 * secrets_manager.h - Google Secret Manager as a source of secrets (secrets.h).
 *
 * A load lists the secrets that have the right name and label, lists their enabled versions, and
 * asks for the payloads of those that it has not seen yet: a payload never changes. A payload that
 * is no secret object is a raw HMAC key; one that cannot be used is reported and left out. Whatever
 * fails for good fails the load. Spec: docs/spec/05-cloud-services.md sections 3.3 and 17.
 */
#ifndef RIND_AUTH_SECRETS_MANAGER_H
#define RIND_AUTH_SECRETS_MANAGER_H

#include "auth/secrets.h"
#include "cloud/secret_manager.h"

/* Exactly what is asked for. */
#define RIND_SECRETS_MANAGER_FILTER                                                                \
    "(name:record-id-randomization AND labels.kind=record_id_randomization_key) OR "               \
    "(name:tenant- AND labels.kind=tenant_auth_key)"

/* Requests under way at one time. */
#define RIND_SECRETS_MANAGER_THREADS_MAX 16u

/*
 * Connects and makes a source; nothing is loaded yet. RIND_E_AUTH without credentials,
 * RIND_E_UNAVAILABLE if Secret Manager cannot be reached.
 */
rind_status rind_secrets_manager_source(struct rind_ctx *ctx,
                                        const struct rind_secret_manager_options *options,
                                        struct rind_secrets_source *source) RIND_MUST_USE;

/*
 * Reads the newest enabled version of one secret, whatever its label, into a new, sealed map that
 * the caller then owns: for commands, which need no more, and an account that may read no other.
 * RIND_E_NOT_FOUND: there is no such secret, or no version of it is enabled; the sentence says
 * which. RIND_E_AUTH without credentials, RIND_E_DENIED where they are not allowed to read it.
 */
rind_status rind_secrets_manager_load_latest(struct rind_ctx *ctx,
                                             const struct rind_secret_manager_options *options,
                                             const char *name, struct rind_deadline deadline,
                                             struct rind_secret_map **map) RIND_MUST_USE;

#endif
