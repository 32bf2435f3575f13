/*
 * accounting.h - writes which users have a secret to the realm's users table, off the hot path.
 *
 * Spec 06 section 6.7. Nobody waits for it: events beyond the queue's bound are dropped and counted
 * in the log, for a store outage must not hold clients' answers back (section 13.4 item 12).
 */
#ifndef RIND_AGENT_ACCOUNTING_H
#define RIND_AGENT_ACCOUNTING_H

#include "base/base.h"
#include "host/host.h"
#include "store/store.h"

/* The reference blocks at 256; we keep 64 times as many (about 1.5 MiB) and never block. */
#define RIND_ACCOUNTING_QUEUE_MAX 16384u
#define RIND_ACCOUNTING_BATCH_MAX 200u
#define RIND_ACCOUNTING_TENANT_SIZE_MAX 256u

struct rind_accounting;

/* Starts the writer's thread. `store` and `metrics` (may be NULL) must outlive it. */
rind_status rind_accounting_open(struct rind_ctx *ctx, struct rind_store *store,
                                 const struct rind_log *log, struct rind_metrics *metrics,
                                 struct rind_accounting **accounting) RIND_MUST_USE;

/* Notes one event, stamped now. Never waits. Thread-safe. */
void rind_accounting_note(struct rind_accounting *accounting, const struct rind_realm_id *realm,
                          struct rind_slice tenant, const struct rind_record_id *record,
                          enum rind_user_event_kind kind);

/* Writes what is queued, ends the thread, frees. NULL is allowed. */
void rind_accounting_close(struct rind_accounting *accounting);

#endif
