/* catchup.c - see catchup.h. */
#include "agent/catchup.h"

#include "agent/leadership.h"
#include "agent/peers.h"
#include "agent/persist.h"
#include "agent/role.h"

/*
 * What the other members testify to above `past`, by ascending index, so that the HSM can count
 * those of one entry and ends at the highest it accepts.
 */
static size_t catch_up_ask(struct rind_ctx *ctx, struct rind_agent_group *group, uint64_t past,
                           struct rind_captured captures[static RIND_AGENT_MEMBERS_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < group->other_count; i++) {
        struct rind_captured captured;
        if (!rind_peers_captured(ctx, group->agent->peers, &group->others[i].hsm, &group->realm,
                                 &group->id, RIND_CAPTURED_ANY, &captured) ||
            captured.index <= past) {
            continue;
        }
        size_t at = count++;
        while (at > 0 && captures[at - 1].index > captured.index) {
            captures[at] = captures[at - 1];
            at--;
        }
        captures[at] = captured;
    }
    return count;
}

/* Gives one statement to the HSM; false if it cannot be asked, for now. */
static bool catch_up_jump(struct rind_job *job, struct rind_agent_group *group,
                          const struct rind_captured *captured,
                          struct rind_hsm_capture_jump_response *answer)
{
    struct rind_hsm_request call = {.kind = RIND_HSM_REQUEST_CAPTURE_JUMP,
                                    .capture_jump = {*captured}};
    rind_status status = rind_hsm_link_call(&group->agent->hsm, &job->ctx, RIND_HSM_URGENCY_CAPTURE,
                                            rind_deadline_never(), &call,
                                            &rind_hsm_capture_jump_response_schema, answer);
    if (!rind_is_ok(status)) {
        RIND_LOG_WARN(&group->log, "%s", job->ctx.sentence);
        return false;
    }
    return true;
}

static void catch_up_note(struct rind_agent_group *group, uint64_t index)
{
    RIND_LOG_INFO(&group->log, "caught up by a jump to entry %llu", (unsigned long long)index);
    rind_mutex_lock(&group->lock);
    group->captured_volatile = index;
    rind_mutex_unlock(&group->lock);
    rind_persist_request(group->agent);
}

static bool catch_up_try(struct rind_job *job, struct rind_agent_group *group, uint64_t past,
                         uint64_t *index)
{
    struct rind_captured captures[RIND_AGENT_MEMBERS_MAX];
    size_t count = catch_up_ask(&job->ctx, group, past, captures);
    uint64_t boot = rind_agent_hsm_boot(group->agent);
    bool has_jumped = false;
    for (size_t i = 0; i < count; i++) {
        struct rind_hsm_capture_jump_response answer;
        if (!catch_up_jump(job, group, &captures[i], &answer)) {
            return false;
        }
        switch (answer.kind) {
        case RIND_HSM_CAPTURE_JUMP_OK:
            has_jumped = true;
            *index = captures[i].index;
            break;
        case RIND_HSM_CAPTURE_JUMP_NOT_WITNESS:
            if (answer.not_witness.role.kind == RIND_ROLE_WITNESS) {
                break; /* a majority must testify to the same entry: this one is remembered */
            }
            /* A leader whose log was compacted under it has been superseded: force ends that. */
            rind_leadership_step_down_quietly(&job->ctx, group, boot, true);
            return false;
        case RIND_HSM_CAPTURE_JUMP_STALE_INDEX:
            break; /* it is further already */
        default:
            /* A peer lied, or reads another store. */
            RIND_LOG_WARN(&group->log, "the HSM refused to jump to entry %llu (answer %u)",
                          (unsigned long long)captures[i].index, (unsigned)answer.kind);
            break;
        }
    }
    if (!has_jumped) {
        RIND_LOG_WARN(&group->log,
                      "the log is compacted at entry %llu, and of the other members %zu offer a "
                      "later capture, no majority the same; trying again",
                      (unsigned long long)past, count);
        return false;
    }
    catch_up_note(group, *index);
    return true;
}

bool rind_catch_up(struct rind_job *job, struct rind_agent_group *group, uint64_t past,
                   uint64_t *index)
{
    uint64_t start_ns = rind_clock_monotonic_ns();
    bool has_caught_up = catch_up_try(job, group, past, index);
    const struct rind_tag tags[] = {
        group->tags[0], group->tags[1], {"result", has_caught_up ? "ok" : "exhausted"}};
    rind_metrics_timing_ns(group->agent->metrics, "agent.catchup.time",
                           rind_clock_monotonic_ns() - start_ns, tags, 3);
    return has_caught_up;
}
