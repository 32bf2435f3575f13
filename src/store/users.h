/*
 * users.h - counting the users of each tenant (docs/spec/04-store.md section 15), and what tables
 * hold (document 08 section 14.3).
 */
#ifndef RIND_STORE_USERS_H
#define RIND_STORE_USERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"
#include "host/clock.h"

struct rind_store;

#define RIND_USER_EVENTS_MAX 1000u          /* per call; agents drain at most 200 */
#define RIND_USER_COUNT_AGE_S_MAX 10022400u /* 116 days, as long as events are kept */

enum rind_user_event_kind { RIND_USER_SECRET_DELETED = 0, RIND_USER_SECRET_REGISTERED = 1 };

struct rind_user_event {
    const char *tenant;
    struct rind_record_id record;
    uint64_t when_unix_ms; /* stored as its day, UTC */
    enum rind_user_event_kind kind;
};

/* Writes events of one realm; of several with one tenant, record and day the latest counts. */
rind_status rind_store_user_events_put(struct rind_ctx *ctx, struct rind_store *store,
                                       const struct rind_realm_id *realm,
                                       const struct rind_user_event *events, size_t event_count,
                                       struct rind_deadline deadline) RIND_MUST_USE;

struct rind_user_count {
    const char *tenant; /* memory of ctx->arena */
    uint64_t count;
};

struct rind_user_counts {
    struct rind_user_count *tenants; /* by name */
    size_t count;
    uint64_t start_unix_ms; /* what was counted: the given times floored to midnight UTC */
    uint64_t end_unix_ms;
};

/*
 * How many users had a secret at any moment of [start, end). RIND_E_INVALID if end is not a day
 * after start, start is in the future or more than 116 days ago.
 */
rind_status rind_store_user_count(struct rind_ctx *ctx, struct rind_store *store,
                                  const struct rind_realm_id *realm, uint64_t start_unix_ms,
                                  uint64_t end_unix_ms, struct rind_deadline deadline,
                                  struct rind_user_counts *counts) RIND_MUST_USE;

/* ---- table statistics ---- */

#define RIND_TABLE_STATS_GROUPS_MAX 4096u
#define RIND_TABLE_STATS_PREFIXES 20u

struct rind_log_group_stats {
    struct rind_group_id group;
    uint64_t index_lowest; /* of its rows, that is, of their first entries */
    uint64_t index_highest;
    uint64_t entry_rows;
    uint64_t entries;
    uint64_t tombstones;
    uint64_t tombstones_expired; /* older than 7 days */
    uint64_t size_bytes;         /* key, and per cell family, qualifier, 8, value */
};

struct rind_log_stats {
    struct rind_log_group_stats *groups; /* memory of ctx->arena */
    size_t count;
    uint64_t rows_malformed;
};

rind_status rind_store_log_stats(struct rind_ctx *ctx, struct rind_store *store,
                                 const struct rind_realm_id *realm, struct rind_deadline deadline,
                                 struct rind_log_stats *stats) RIND_MUST_USE;

struct rind_merkle_prefix_stats {
    uint8_t prefix[38]; /* encoded: the row key without its last 32 bytes */
    size_t prefix_size;
    uint64_t cells;
    int64_t oldest_us;
    int64_t newest_us;
};

struct rind_merkle_stats {
    uint64_t nodes; /* cells, as there is one per stored instance of a node */
    uint64_t rows;
    uint64_t rows_malformed;
    struct rind_merkle_prefix_stats prefixes[RIND_TABLE_STATS_PREFIXES]; /* most cells first */
    size_t prefix_count;
};

rind_status rind_store_merkle_stats(struct rind_ctx *ctx, struct rind_store *store,
                                    const struct rind_realm_id *realm,
                                    struct rind_deadline deadline,
                                    struct rind_merkle_stats *stats) RIND_MUST_USE;

#endif
