/* rebalance_print.c - see rebalance.h: what people read about a rebalance. */
#include <inttypes.h>
#include <stdlib.h>

#include "cluster/rebalance.h"

void rind_rebalance_error_print(struct rind_buffer *out,
                                const struct rind_cluster_rebalance_error *error)
{
    switch (error->kind) {
    case RIND_CLUSTER_REBALANCE_ERROR_STEP_DOWN_FAILED:
        rind_buffer_print(out, "Leadership stepdown failed");
        return;
    case RIND_CLUSTER_REBALANCE_ERROR_LEADERSHIP_TRANSFER_ROLLED_BACK:
        rind_buffer_print(out, "Failed to move leadership, it was rolled back");
        return;
    case RIND_CLUSTER_REBALANCE_ERROR_LEADERSHIP_TRANSFER_FAILED:
        rind_buffer_print(out, "Failed to move leadership");
        return;
    case RIND_CLUSTER_REBALANCE_ERROR_NO_STORE:
        rind_buffer_print(out, "Error accessing the datastore");
        return;
    case RIND_CLUSTER_REBALANCE_ERROR_BUSY:
        rind_buffer_print(out, "The group ");
        rind_buffer_append_hex(out, rind_group_id_slice(&error->busy.group));
        rind_buffer_print(out, " is busy with some other management task");
        return;
    case RIND_CLUSTER_REBALANCE_ERROR_RPC:
        rind_buffer_print(out,
                          "An RPC Error occurred between the cluster manager and the cluster: ");
        rind_rpc_error_print(out, &error->rpc);
        return;
    }
    RIND_UNREACHABLE("every kind is above");
}

struct workload_line {
    uint64_t work;
    size_t index;
    struct rind_hsm_id id;
};

static int workload_line_compare(const void *left, const void *right)
{
    const struct workload_line *a = left;
    const struct workload_line *b = right;
    int order = (b->work > a->work) - (b->work < a->work);
    return order != 0 ? order : rind_hsm_id_compare(&a->id, &b->id);
}

static void workload_print_hsm(struct rind_buffer *out, const struct workload_line *line,
                               const struct rind_realm_status *realm,
                               const struct rind_cluster_move *move)
{
    rind_buffer_print(out, "HSM ID: ");
    rind_buffer_append_hex(out, rind_hsm_id_slice(&line->id));
    rind_buffer_print(out, "             Total Workload:%" PRIu64 "\n", line->work);
    for (size_t i = 0; i < realm->groups.count; i++) {
        const struct rind_group_status *group = &realm->groups.items[i];
        bool is_moved = rind_realm_id_equal(&realm->id, &move->realm) &&
                        rind_group_id_equal(&group->id, &move->group);
        rind_buffer_print(out, "\tGroup: ");
        rind_buffer_append_hex(out, rind_group_id_slice(&group->id));
        rind_buffer_print(out, " %s Workload:%" PRIu64 "%s\n",
                          group->has_leader ? "Leader " : "Witness", rind_workload_of_group(group),
                          is_moved && line->index == move->to     ? " [destination]"
                          : is_moved && line->index == move->from ? " [moving]"
                                                                  : "");
    }
    rind_buffer_print(out, "\n");
}

rind_status rind_rebalance_print_workloads(struct rind_ctx *ctx, struct rind_buffer *out,
                                           struct rind_cluster_hsm_list hsms,
                                           const struct rind_cluster_move *move)
{
    struct workload_line *lines = rind_ctx_alloc_array(ctx, hsms.count, sizeof(*lines));
    RIND_REQUIRE(ctx, lines != NULL, RIND_E_LIMIT, "no memory for %zu HSMs", hsms.count);
    size_t count = 0;
    for (size_t i = 0; i < hsms.count; i++) {
        const struct rind_hsm_status_response *status = hsms.items[i].status;
        if (status->has_realm) {
            lines[count] = (struct workload_line){rind_workload_of_hsm(status), i, status->id};
            count++;
        }
    }
    qsort(lines, count, sizeof(*lines), workload_line_compare);
    rind_buffer_print(out, "current workloads\n");
    for (size_t i = 0; i < count; i++) {
        workload_print_hsm(out, &lines[i], &hsms.items[lines[i].index].status->realm, move);
    }
    return RIND_OK;
}
