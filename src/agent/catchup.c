/* catchup.c - see catchup.h. */
#include "agent/catchup.h"

#include "agent/leadership.h"
#include "agent/peers.h"
#include "agent/persist.h"
#include "agent/role.h"

/* The highest capture above `past` that a member reports; false if none does. */
static bool catch_up_ask(struct rind_ctx *ctx, struct rind_agent_group *group, uint64_t past,
                         struct rind_captured *best)
{
    bool has_best = false;
    for (size_t i = 0; i < group->other_count; i++) {
        struct rind_captured captured;
        if (rind_peers_captured(ctx, group->agent->peers, &group->others[i].hsm, &group->realm,
                                &group->id, &captured) &&
            captured.index > past && (!has_best || captured.index > best->index)) {
            *best = captured;
            has_best = true;
        }
    }
    return has_best;
}

bool rind_catch_up(struct rind_job *job, struct rind_agent_group *group, uint64_t past,
                   uint64_t *index)
{
    struct rind_ctx *ctx = &job->ctx;
    struct rind_captured best;
    if (!catch_up_ask(ctx, group, past, &best)) {
        RIND_LOG_WARN(&group->log,
                      "the log is compacted at entry %llu and no other member has a capture above "
                      "it to offer; trying again",
                      (unsigned long long)past);
        return false;
    }
    struct rind_hsm_request call = {.kind = RIND_HSM_REQUEST_CAPTURE_JUMP, .capture_jump = {best}};
    struct rind_hsm_capture_jump_response answer;
    uint64_t boot = rind_agent_hsm_boot(group->agent);
    rind_status status =
        rind_hsm_link_call(&group->agent->hsm, ctx, RIND_HSM_URGENCY_CAPTURE, rind_deadline_never(),
                           &call, &rind_hsm_capture_jump_response_schema, &answer);
    if (!rind_is_ok(status)) {
        RIND_LOG_WARN(&group->log, "%s", ctx->sentence);
        return false;
    }
    if (answer.kind == RIND_HSM_CAPTURE_JUMP_NOT_WITNESS) {
        /* A leader whose log was compacted under it has been superseded: only force ends that. */
        rind_leadership_step_down_quietly(ctx, group, boot, true);
        return false;
    }
    if (answer.kind != RIND_HSM_CAPTURE_JUMP_OK) {
        /* StaleIndex: it is further already. The others: a peer lied, or reads another store. */
        RIND_LOG_WARN(&group->log, "the HSM refused to jump to entry %llu (answer %u)",
                      (unsigned long long)best.index, (unsigned)answer.kind);
        return false;
    }
    RIND_LOG_INFO(&group->log, "caught up by a jump to entry %llu", (unsigned long long)best.index);
    rind_mutex_lock(&group->lock);
    group->captured_volatile = best.index;
    rind_mutex_unlock(&group->lock);
    rind_persist_request(group->agent);
    *index = best.index;
    return true;
}
