/*
 * proof.h - read proofs, assembled from cached node bytes. Spec 06 section 6.3, 03 section 7.
 *
 * Nodes of entries that are still on their way to the store are pinned in its cache, so a proof can
 * be built on the newest entry the HSM has made, and hardly ever goes stale.
 */
#ifndef RIND_AGENT_PROOF_H
#define RIND_AGENT_PROOF_H

#include "agent/agent.h"
#include "merkle/merkle.h"

/* The proof of `record` under `partition`, nodes spliced in as stored. RIND_E_STALE if a node is
 * missing, RIND_E_BUSY if too many large reads are under way, else the store's failure. */
rind_status rind_proof_read(struct rind_ctx *ctx, struct rind_agent_group *group,
                            const struct rind_partition *partition,
                            const struct rind_record_id *record, struct rind_deadline deadline,
                            struct rind_spliced_read_proof *proof) RIND_MUST_USE;

/* The same with decoded nodes, for transfers. */
rind_status rind_proof_read_decoded(struct rind_ctx *ctx, struct rind_agent_group *group,
                                    const struct rind_partition *partition,
                                    const struct rind_record_id *record,
                                    struct rind_deadline deadline,
                                    struct rind_read_proof *proof) RIND_MUST_USE;

/* The proof of the outermost record on one side, for merges. `realm` of `group`. */
rind_status rind_proof_read_edge(struct rind_ctx *ctx, struct rind_agent_group *group,
                                 const struct rind_partition *partition, enum rind_side side,
                                 struct rind_deadline deadline,
                                 struct rind_read_proof *proof) RIND_MUST_USE;

#endif
