/* keys.h - making the keys that all software HSMs of a realm share. */
#ifndef RIND_CLI_KEYS_H
#define RIND_CLI_KEYS_H

#include "base/base.h"

/*
 * Writes a new keys file for rind-hsm --keys-file (mode 0600) with random keys. RIND_E_EXISTS if
 * there is a file already: overwriting keys loses a realm. Format: platform/software/keys_file.h.
 */
rind_status rind_cli_make_keys(struct rind_ctx *ctx, const char *path) RIND_MUST_USE;

#endif
