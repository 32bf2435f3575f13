/* realm_transfer.c - moving ownership the way a cluster manager does: see realm.h. */
#include "agent/realm_inner.h"
#include "agent/transfer.h"

/* What the HSM of `h` owns of the group now. */
bool realm_owned(struct realm *realm, unsigned h, const struct rind_group_id *group,
                 struct rind_owned_range *range)
{
    struct rind_hsm_status_response status;
    realm_require(realm, rind_hsm_link_status(&realm->nodes[h].agent->hsm, &realm->ctx, &status),
                  "status");
    for (size_t i = 0; status.has_realm && i < status.realm.groups.count; i++) {
        const struct rind_group_status *item = &status.realm.groups.items[i];
        if (rind_group_id_equal(&item->id, group) && item->has_leader) {
            *range = item->leader.owned_range;
            return item->leader.has_owned_range;
        }
    }
    return false;
}

struct rind_agent_transfer_prepare_response realm_prepare(struct realm *realm, unsigned h,
                                                          const struct rind_group_id *source,
                                                          const struct rind_group_id *destination,
                                                          const struct rind_owned_range *range)
{
    struct rind_agent_transfer_prepare_request request = {realm->id, *source, *destination, *range};
    struct rind_agent_transfer_prepare_response response;
    rind_transfer_prepare(&realm->ctx, realm->nodes[h].agent, &request, &response);
    return response;
}

struct rind_agent_transfer_out_response
realm_transfer_out(struct realm *realm, unsigned h, const struct rind_group_id *source,
                   const struct rind_group_id *destination, const struct rind_owned_range *range,
                   const struct rind_agent_transfer_prepare_ok *prepared)
{
    struct rind_agent_transfer_out_request request = {
        realm->id, *source, *destination, *range, prepared->nonce, prepared->statement};
    struct rind_agent_transfer_out_response response;
    rind_transfer_out(&realm->ctx, realm->nodes[h].agent, &request, &response);
    return response;
}

enum rind_agent_transfer_in_response_kind
realm_transfer_in(struct realm *realm, unsigned h, const struct rind_group_id *source,
                  const struct rind_group_id *destination,
                  const struct rind_agent_transfer_prepare_ok *prepared,
                  const struct rind_agent_transfer_out_ok *out)
{
    struct rind_agent_transfer_in_request request = {
        realm->id, *source, *destination, out->transferring, prepared->nonce, out->statement};
    struct rind_agent_transfer_in_response response;
    rind_transfer_in(&realm->ctx, realm->nodes[h].agent, &request, &response);
    return response.kind;
}

enum rind_agent_transfer_complete_response_kind
realm_transfer_complete(struct realm *realm, unsigned h, const struct rind_group_id *source,
                        const struct rind_group_id *destination,
                        const struct rind_owned_range *range)
{
    struct rind_agent_transfer_complete_request request = {realm->id, *source, *destination,
                                                           *range};
    struct rind_agent_transfer_complete_response response;
    rind_transfer_complete(&realm->ctx, realm->nodes[h].agent, &request, &response);
    return response.kind;
}

void realm_transfer(struct realm *realm, unsigned source_leader, const struct rind_group_id *source,
                    unsigned destination_leader, const struct rind_group_id *destination,
                    const struct rind_owned_range *part)
{
    struct rind_owned_range range;
    if (part != NULL) {
        range = *part;
    } else if (!realm_owned(realm, source_leader, source, &range)) {
        realm_fail_test("transfer", "the source owns nothing");
    }
    struct rind_agent_transfer_prepare_response prepared =
        realm_prepare(realm, destination_leader, source, destination, &range);
    if (prepared.kind != RIND_AGENT_TRANSFER_PREPARE_OK) {
        realm_fail_test("transfer/prepare", "was not answered with Ok");
    }
    struct rind_agent_transfer_out_response out =
        realm_transfer_out(realm, source_leader, source, destination, &range, &prepared.ok);
    if (out.kind != RIND_AGENT_TRANSFER_OUT_OK) {
        realm_fail_test("transfer/out", "was not answered with Ok");
    }
    if (realm_transfer_in(realm, destination_leader, source, destination, &prepared.ok, &out.ok) !=
        RIND_AGENT_TRANSFER_IN_OK) {
        realm_fail_test("transfer/in", "was not answered with Ok");
    }
    if (realm_transfer_complete(realm, source_leader, source, destination, &range) !=
        RIND_AGENT_TRANSFER_COMPLETE_OK) {
        realm_fail_test("transfer/complete", "was not answered with Ok");
    }
}
