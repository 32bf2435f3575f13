/* proof.c - see proof.h. */
#include "agent/proof.h"

static void proof_emit_metrics(struct rind_agent_group *group, const struct rind_path *path,
                               bool has_leaf)
{
    struct rind_metrics *metrics = group->agent->metrics;
    rind_metrics_distribution(metrics, "agent.merkle_read.proof_nodes", path->count, group->tags,
                              2);
    rind_metrics_distribution(metrics, "agent.merkle_read.extraneous_nodes", path->count_extraneous,
                              group->tags, 2);
    rind_metrics_distribution(metrics, "agent.merkle_read.has_leaf", has_leaf ? 1 : 0, group->tags,
                              2);
}

rind_status rind_proof_read(struct rind_ctx *ctx, struct rind_agent_group *group,
                            const struct rind_partition *partition,
                            const struct rind_record_id *record, struct rind_deadline deadline,
                            struct rind_spliced_read_proof *proof)
{
    struct rind_path path;
    RIND_TRY(rind_store_read_path(ctx, group->agent->store, &group->realm, record,
                                  &partition->root_hash, deadline, &path));
    *proof = (struct rind_spliced_read_proof){
        .key = *record, .range = partition->range, .root_hash = partition->root_hash};
    proof->path.items = rind_ctx_alloc_array(ctx, path.count, sizeof(*proof->path.items));
    if (proof->path.items == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    for (size_t i = 0; i < path.count; i++) {
        if (path.nodes[i].is_leaf) {
            proof->has_leaf = true;
            proof->leaf = path.nodes[i].content;
        } else {
            proof->path.items[proof->path.count++] = path.nodes[i].content;
        }
    }
    proof_emit_metrics(group, &path, proof->has_leaf);
    return RIND_OK;
}

/* A path as the unhurried messages hold it. */
static rind_status proof_decode(struct rind_ctx *ctx, const struct rind_path *path,
                                const struct rind_partition *partition,
                                const struct rind_record_id *key, struct rind_read_proof *proof)
{
    *proof = (struct rind_read_proof){
        .key = *key, .range = partition->range, .root_hash = partition->root_hash};
    proof->path.items = rind_ctx_alloc_array(ctx, path->count, sizeof(*proof->path.items));
    if (proof->path.items == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    for (size_t i = 0; i < path->count; i++) {
        struct rind_node node;
        RIND_TRY(rind_wire_decode_strict(ctx, &rind_node_schema, path->nodes[i].cbor, &node));
        if (node.kind == RIND_NODE_LEAF) {
            proof->has_leaf = true;
            proof->leaf = node.leaf;
        } else {
            proof->path.items[proof->path.count++] = node.interior;
        }
    }
    return RIND_OK;
}

rind_status rind_proof_read_decoded(struct rind_ctx *ctx, struct rind_agent_group *group,
                                    const struct rind_partition *partition,
                                    const struct rind_record_id *record,
                                    struct rind_deadline deadline, struct rind_read_proof *proof)
{
    struct rind_path path;
    RIND_TRY(rind_store_read_path(ctx, group->agent->store, &group->realm, record,
                                  &partition->root_hash, deadline, &path));
    return proof_decode(ctx, &path, partition, record, proof);
}

rind_status rind_proof_read_edge(struct rind_ctx *ctx, struct rind_agent_group *group,
                                 const struct rind_partition *partition, enum rind_side side,
                                 struct rind_deadline deadline, struct rind_read_proof *proof)
{
    struct rind_path path;
    /* What an empty tree proves: its own end on that side. */
    struct rind_record_id key =
        side == RIND_SIDE_RIGHT ? partition->range.end : partition->range.start;
    RIND_TRY(rind_store_read_edge(ctx, group->agent->store, &group->realm, &partition->root_hash,
                                  side, deadline, &path, &key));
    return proof_decode(ctx, &path, partition, &key, proof);
}
