/*
 * secrets_text.h - tenants' keys from a text, as deployed software realms take them from their
 * environment: TENANT_SECRETS={"<tenant>":{"<version>":"<key or secret object>"}}.
 *
 * Spec: docs/spec/05-cloud-services.md section 13.4, and 12.2 rule 2 for the values.
 */
#ifndef RIND_SOFTWARE_SECRETS_TEXT_H
#define RIND_SOFTWARE_SECRETS_TEXT_H

#include "auth/secrets.h"

/* Bytes of the text; the system's own bound of one variable is smaller. */
#define RIND_SOFTWARE_SECRETS_TEXT_SIZE_MAX (1024u * 1024)

/*
 * Makes a source of the text's secrets, under the names that a software realm looks for. The text
 * must outlive it, and is not looked at again after it was loaded. Mistakes name tenant and
 * version, never a key.
 */
rind_status rind_software_secrets_text(struct rind_ctx *ctx, const char *text,
                                       struct rind_secrets_source *source) RIND_MUST_USE;

/* The same for a text; for the source and its tests. The map is the caller's. */
rind_status rind_software_secrets_parse(struct rind_ctx *ctx, struct rind_slice text,
                                        struct rind_secret_map **map) RIND_MUST_USE;

#endif
