/*
 * persist.h - the durable state: its bytes in NVRAM, and the one way to change it.
 *
 * Stored bytes = C || BLAKE2s-256(C), C the CBOR of the state. The digest guards against accidents;
 * against the host, MACs and statements do. Spec: 02 section 4.1.
 */
#ifndef RIND_HSM_PERSIST_H
#define RIND_HSM_PERSIST_H

#include "hsm/state.h"

/* Appends the stored bytes of `durable` to `stored`, which has room for the NVRAM limit. */
void rind_hsm_durable_encode(const struct rind_hsm_durable *durable, struct rind_buffer *stored);

/*
 * Reads stored bytes. RIND_E_CORRUPT: too short, digest wrong, not a state, or a state that no core
 * would write (configurations out of order, without this HSM, a group twice).
 */
rind_status rind_hsm_durable_decode(struct rind_ctx *ctx, struct rind_slice stored,
                                    struct rind_hsm_durable *durable) RIND_MUST_USE;

/*
 * Makes `next` the durable state: writes it to NVRAM unless that holds the same bytes, then
 * replaces hsm->durable. If the write fails nothing has changed here, and NVRAM holds the old state
 * or the new one; both are safe to boot from, since nothing that depends on the new one has left
 * us.
 */
rind_status rind_hsm_persist(struct rind_hsm *hsm, struct rind_ctx *ctx,
                             const struct rind_hsm_durable *next) RIND_MUST_USE;

/* rind_hsm_persist with the volatile captures of all groups copied in. */
rind_status rind_hsm_persist_captures(struct rind_hsm *hsm, struct rind_ctx *ctx) RIND_MUST_USE;

#endif
