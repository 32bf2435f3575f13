/*
 * software.h - the records of a software realm: one row per user in the table jb-sw-realm-<realm>
 * (docs/spec/05-cloud-services.md section 13.4, provider gcp).
 *
 * A row has one cell of family 'f': its column is a decimal counter from 0, its value the record.
 * A write names the counter it read; it deletes the cell and sets the next counter, if that column
 * is still there. So of concurrent writers of one record exactly one succeeds.
 *
 * Values are records with secrets: whoever reads them wipes its copy.
 */
#ifndef RIND_STORE_SOFTWARE_H
#define RIND_STORE_SOFTWARE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/base.h"
#include "host/clock.h"

struct rind_store;

/* A record as it was read. */
struct rind_software_row {
    bool exists;
    uint64_t version;        /* if it exists */
    struct rind_slice value; /* memory of ctx->arena */
};

/*
 * Creates the realm's table; one that exists is fine, also for an account that may make none.
 * RIND_E_DENIED if there is none and the account may not make it.
 */
rind_status rind_store_software_create(struct rind_ctx *ctx, struct rind_store *store,
                                       const struct rind_realm_id *realm,
                                       struct rind_deadline deadline) RIND_MUST_USE;

/* Reads a record; one that is missing is RIND_OK. RIND_E_CORRUPT names a row that is none. */
rind_status rind_store_software_read(struct rind_ctx *ctx, struct rind_store *store,
                                     const struct rind_realm_id *realm,
                                     const struct rind_record_id *record,
                                     struct rind_deadline deadline,
                                     struct rind_software_row *row) RIND_MUST_USE;

/*
 * Writes `value` over what was read as `before`, durably. RIND_E_STALE if the record has been
 * written since: nothing was changed. It is tried once: after any other failure the write may have
 * happened, and to repeat it could count a guess twice.
 */
rind_status rind_store_software_write(struct rind_ctx *ctx, struct rind_store *store,
                                      const struct rind_realm_id *realm,
                                      const struct rind_record_id *record,
                                      const struct rind_software_row *before,
                                      struct rind_slice value,
                                      struct rind_deadline deadline) RIND_MUST_USE;

#endif
