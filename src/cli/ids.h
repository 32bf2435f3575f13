/*
 * ids.h - ids as operators type them: prefixes, resolved against what agents reported.
 *
 * Spec: docs/spec/08-cluster.md section 14.
 */
#ifndef RIND_CLI_IDS_H
#define RIND_CLI_IDS_H

#include "cli/command.h"

/* 32 hex digits and a NUL. */
#define RIND_CLI_ID_TEXT_SIZE 33u

/* The hex of a 16-byte id, in the caller's buffer, which is returned for printf. */
const char *rind_cli_id_text(const uint8_t bytes[16], char text[static RIND_CLI_ID_TEXT_SIZE]);

/*
 * The one realm or group among those reported whose id starts with `prefix` (an even number of hex
 * digits, 0 to 32). RIND_E_NOT_FOUND or RIND_E_INVALID with the specified sentence.
 */
rind_status rind_cli_resolve_realm(struct rind_ctx *ctx, struct rind_cluster_hsm_list hsms,
                                   const char *prefix, struct rind_realm_id *realm) RIND_MUST_USE;
rind_status rind_cli_resolve_group(struct rind_ctx *ctx, struct rind_cluster_hsm_list hsms,
                                   const char *prefix, struct rind_group_id *group) RIND_MUST_USE;

rind_status rind_cli_resolve_hsm(struct rind_ctx *ctx, struct rind_cluster_hsm_list hsms,
                                 const char *prefix, struct rind_hsm_id *hsm) RIND_MUST_USE;

/* RIND_E_INVALID unless `prefix` could be the beginning of an id: before any network work. */
rind_status rind_cli_check_prefix(struct rind_ctx *ctx, const char *what,
                                  const char *prefix) RIND_MUST_USE;

/*
 * A record id as operators write it: hex, up to 32 bytes; if fewer, the last byte must be 00 or ff
 * and is repeated. RIND_E_INVALID otherwise.
 */
rind_status rind_cli_parse_record_id(struct rind_ctx *ctx, const char *text,
                                     struct rind_record_id *id) RIND_MUST_USE;

/* The two ends of a range; RIND_E_INVALID too if they are the wrong way round. */
rind_status rind_cli_parse_range(struct rind_ctx *ctx, const char *start, const char *end,
                                 struct rind_owned_range *range) RIND_MUST_USE;

/* The realms reported, ascending, each once; in ctx's arena. */
rind_status rind_cli_list_realms(struct rind_ctx *ctx, struct rind_cluster_hsm_list hsms,
                                 struct rind_realm_id **realms, size_t *count) RIND_MUST_USE;

/* The groups of a realm, ascending, each once; in ctx's arena. */
rind_status rind_cli_list_groups(struct rind_ctx *ctx, struct rind_cluster_hsm_list hsms,
                                 const struct rind_realm_id *realm, struct rind_group_id **groups,
                                 size_t *count) RIND_MUST_USE;

#endif
