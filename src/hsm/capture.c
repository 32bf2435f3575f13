/*
 * capture.c - CaptureNext, CaptureJump, PersistState (spec 02 sections 10.1 to 10.3).
 *
 * A witness follows a group's log entry by entry, checking MAC and chain, and so can testify that
 * it saw one history. A leader that is shown an entry it did not write learns that it has lost.
 */
#include "hsm/handlers.h"
#include "hsm/macs.h"
#include "hsm/persist.h"
#include "hsm/roles.h"

/*
 * Whether `entry` may follow what was captured before it (NULL: nothing yet). At the very last
 * index there is no next one.
 */
static enum rind_hsm_capture_next_response_kind
capture_check_next(const struct rind_log_position *captured, const struct rind_log_entry *entry)
{
    if (captured == NULL) {
        if (entry->index != RIND_HSM_INDEX_FIRST) {
            return RIND_HSM_CAPTURE_NEXT_MISSING_PREV;
        }
        return rind_ct_is_zero(entry->prev_mac.bytes, sizeof(entry->prev_mac.bytes))
                   ? RIND_HSM_CAPTURE_NEXT_OK
                   : RIND_HSM_CAPTURE_NEXT_INVALID_CHAIN;
    }
    if (captured->index == UINT64_MAX || entry->index != captured->index + 1) {
        return RIND_HSM_CAPTURE_NEXT_MISSING_PREV;
    }
    return rind_ct_equal(entry->prev_mac.bytes, captured->mac.bytes, sizeof(captured->mac.bytes))
               ? RIND_HSM_CAPTURE_NEXT_OK
               : RIND_HSM_CAPTURE_NEXT_INVALID_CHAIN;
}

/* Checks a whole call before anything changes. */
static enum rind_hsm_capture_next_response_kind
capture_check_all(const struct rind_hsm *hsm, const struct rind_hsm_group *group,
                  const struct rind_hsm_capture_next_request *request)
{
    struct rind_log_position captured = group->captured;
    bool has_captured = group->has_captured;
    for (size_t i = 0; i < request->entries.count; i++) {
        const struct rind_log_entry *entry = &request->entries.items[i];
        if (!rind_hsm_entry_mac_is_valid(&hsm->keys, &request->realm, &request->group, entry)) {
            return RIND_HSM_CAPTURE_NEXT_INVALID_MAC;
        }
        enum rind_hsm_capture_next_response_kind kind =
            capture_check_next(has_captured ? &captured : NULL, entry);
        if (kind != RIND_HSM_CAPTURE_NEXT_OK) {
            return kind;
        }
        has_captured = true;
        captured = (struct rind_log_position){.index = entry->index, .mac = entry->entry_mac};
    }
    return RIND_HSM_CAPTURE_NEXT_OK;
}

/* How an entry from storage relates to the entries a leader holds in memory. */
enum capture_relation {
    CAPTURE_KNOWN = 1, /* truncated by a commit already, or the very same entry */
    CAPTURE_ABOVE,     /* after the last one: somebody else wrote it */
    CAPTURE_DIVERGED,  /* in place of one of ours */
};

static enum capture_relation capture_relate(const struct rind_hsm_leader_log *log,
                                            const struct rind_log_entry *entry)
{
    if (entry->index < rind_hsm_leader_log_first(log)->index) {
        return CAPTURE_KNOWN;
    }
    const struct rind_hsm_log_slot *slot = rind_hsm_leader_log_find(log, entry->index);
    if (slot == NULL) {
        return CAPTURE_ABOVE;
    }
    bool is_same = rind_ct_equal(slot->entry.entry_mac.bytes, entry->entry_mac.bytes,
                                 sizeof(entry->entry_mac.bytes));
    return is_same ? CAPTURE_KNOWN : CAPTURE_DIVERGED;
}

/*
 * True if `entry` differs from the first entry in memory: there is nothing left to step down to. It
 * takes a host that committed one history and shows us another that realm HSMs also wrote. Witness
 * is the one safe role then, as after a forced step down (section 17 item 7).
 */
static bool capture_diverged_at_first(const struct rind_hsm_leader_log *log,
                                      const struct rind_log_entry *entry,
                                      enum capture_relation relation)
{
    return relation == CAPTURE_DIVERGED && entry->index == rind_hsm_leader_log_first(log)->index;
}

static void capture_as_leader(struct rind_hsm_group *group, const struct rind_log_entry *entry)
{
    struct rind_hsm_leader_log *log = &group->leadership->log;
    enum capture_relation relation = capture_relate(log, entry);
    if (relation == CAPTURE_KNOWN) {
        return;
    }
    if (capture_diverged_at_first(log, entry, relation)) {
        rind_hsm_become_witness(group);
        return;
    }
    uint64_t point =
        relation == CAPTURE_ABOVE ? rind_hsm_leader_log_last(log)->index : entry->index - 1;
    rind_hsm_step_down(group, point);
}

/*
 * Witnesses may be past stepdown_at already, and testify for their newest entry only. To count
 * those votes the entries that other leaders wrote are collected here. A full log collects no more:
 * that loses votes, never adds any; a forced step down ends it.
 */
static void capture_append_foreign(struct rind_hsm_leader_log *log,
                                   const struct rind_log_entry *entry)
{
    const struct rind_log_entry *last = rind_hsm_leader_log_last(log);
    bool is_next =
        entry->index == last->index + 1 && rind_mac_equal(&entry->prev_mac, &last->entry_mac);
    if (is_next && rind_hsm_leader_log_has_room(log, 1)) {
        rind_hsm_leader_log_append(log, entry, NULL);
    }
}

static void capture_as_stepping_down(struct rind_hsm_group *group,
                                     const struct rind_log_entry *entry)
{
    struct rind_hsm_leadership *leadership = group->leadership;
    enum capture_relation relation = capture_relate(&leadership->log, entry);
    if (relation == CAPTURE_KNOWN) {
        return;
    }
    if (capture_diverged_at_first(&leadership->log, entry, relation)) {
        rind_hsm_become_witness(group);
        return;
    }
    if (relation == CAPTURE_DIVERGED) {
        if (entry->index - 1 < leadership->stepdown_at) {
            leadership->stepdown_at = entry->index - 1;
        }
        rind_hsm_abandon_after(leadership, entry->index - 1);
    }
    capture_append_foreign(&leadership->log, entry);
}

static void capture_apply(struct rind_hsm_group *group, const struct rind_log_entry *entry)
{
    group->has_captured = true;
    group->captured = (struct rind_log_position){.index = entry->index, .mac = entry->entry_mac};
    if (group->role == RIND_ROLE_LEADER) {
        capture_as_leader(group, entry);
    }
    if (group->role == RIND_ROLE_STEPPING_DOWN) {
        capture_as_stepping_down(group, entry);
    }
}

/*
 * All or nothing (section 17 item 11): a call that fails has no effect. A host that repeats it from
 * what PersistState reports makes the same progress, and can still send entries one at a time.
 */
rind_status rind_hsm_handle_capture_next(struct rind_hsm_job *job)
{
    struct rind_hsm *hsm = job->hsm;
    const struct rind_hsm_capture_next_request *request = &job->request->capture_next;
    struct rind_hsm_capture_next_response *answer = &job->answer.capture_next;
    if (request->entries.count == 0) {
        answer->kind = RIND_HSM_CAPTURE_NEXT_MISSING_ENTRIES;
        return RIND_OK;
    }
    struct rind_hsm_group *group;
    switch (rind_hsm_check_member(hsm, &request->realm, &request->group, &group)) {
    case RIND_HSM_CHECK_INVALID_REALM:
        answer->kind = RIND_HSM_CAPTURE_NEXT_INVALID_REALM;
        return RIND_OK;
    case RIND_HSM_CHECK_INVALID_GROUP:
        answer->kind = RIND_HSM_CAPTURE_NEXT_INVALID_GROUP;
        return RIND_OK;
    default:
        break;
    }
    answer->kind = capture_check_all(hsm, group, request);
    if (answer->kind != RIND_HSM_CAPTURE_NEXT_OK) {
        return RIND_OK;
    }
    for (size_t i = 0; i < request->entries.count; i++) {
        capture_apply(group, &request->entries.items[i]);
    }
    answer->ok = rind_hsm_role_status(group);
    return RIND_OK;
}

/*
 * True if following `jump` keeps this HSM in the one history that it has testified to.
 *
 * A single statement proves that its member had verified and persisted a chain up to there, but not
 * that it is the chain we are in: a leader that lost may have persisted a longer one of its own.
 * Moving to that would take our testimony away from entries that were committed with it, and let a
 * second history be committed. That a strict majority testifies to one and the same entry proves it
 * committed, and everything committed before is in its chain (section 16 item 3). Whoever has never
 * persisted a capture has testified to nothing and may follow any member.
 */
static bool capture_may_jump(struct rind_hsm_group *group,
                             const struct rind_hsm_durable_group *durable, uint32_t position,
                             const struct rind_captured *jump)
{
    if (!durable->has_captured) {
        return true;
    }
    group->offers[position] = (struct rind_log_position){.index = jump->index, .mac = jump->mac};
    uint32_t count = 0;
    for (uint32_t i = 0; i < durable->member_count; i++) {
        bool is_same = group->offers[i].index == jump->index &&
                       rind_mac_equal(&group->offers[i].mac, &jump->mac);
        count += is_same ? 1 : 0;
    }
    return count > durable->member_count / 2;
}

/*
 * HSMs outside the group prove nothing here (section 17 item 10). A statement that does not suffice
 * by itself is remembered; NotWitness with the role Witness asks for those of other members.
 */
rind_status rind_hsm_handle_capture_jump(struct rind_hsm_job *job)
{
    struct rind_hsm *hsm = job->hsm;
    const struct rind_captured *jump = &job->request->capture_jump.jump;
    struct rind_hsm_capture_jump_response *answer = &job->answer.capture_jump;
    struct rind_hsm_group *group;
    switch (rind_hsm_check_member(hsm, &jump->realm, &jump->group, &group)) {
    case RIND_HSM_CHECK_INVALID_REALM:
        answer->kind = RIND_HSM_CAPTURE_JUMP_INVALID_REALM;
        return RIND_OK;
    case RIND_HSM_CHECK_INVALID_GROUP:
        answer->kind = RIND_HSM_CAPTURE_JUMP_INVALID_GROUP;
        return RIND_OK;
    default:
        break;
    }
    if (group->role != RIND_ROLE_WITNESS) {
        answer->kind = RIND_HSM_CAPTURE_JUMP_NOT_WITNESS;
        answer->not_witness = rind_hsm_role_status(group);
        return RIND_OK;
    }
    const struct rind_hsm_durable_group *durable = rind_hsm_group_durable(hsm, group);
    uint32_t position;
    if (!rind_hsm_member_position(durable, &jump->hsm, &position) ||
        !rind_hsm_captured_statement_is_valid(&hsm->keys, jump)) {
        answer->kind = RIND_HSM_CAPTURE_JUMP_INVALID_STATEMENT;
        return RIND_OK;
    }
    if (group->has_captured && group->captured.index >= jump->index) {
        answer->kind = RIND_HSM_CAPTURE_JUMP_STALE_INDEX;
        return RIND_OK;
    }
    if (!capture_may_jump(group, durable, position, jump)) {
        answer->kind = RIND_HSM_CAPTURE_JUMP_NOT_WITNESS;
        answer->not_witness = rind_hsm_role_status(group);
        return RIND_OK;
    }
    group->has_captured = true;
    group->captured = (struct rind_log_position){.index = jump->index, .mac = jump->mac};
    answer->kind = RIND_HSM_CAPTURE_JUMP_OK;
    return RIND_OK;
}

static void capture_testify(const struct rind_hsm *hsm, const struct rind_hsm_durable_group *group,
                            struct rind_captured *captured)
{
    *captured = (struct rind_captured){
        .hsm = hsm->durable.id,
        .realm = hsm->durable.realm,
        .group = group->id,
        .index = group->captured.index,
        .mac = group->captured.mac,
    };
    rind_hsm_captured_statement_make(&hsm->keys, captured, &captured->statement);
}

rind_status rind_hsm_handle_persist_state(struct rind_hsm_job *job)
{
    struct rind_hsm *hsm = job->hsm;
    struct rind_hsm_persist_state_response *answer = &job->answer.persist_state;
    RIND_TRY(rind_hsm_persist_captures(hsm, job->ctx));

    /* Statements are made of the durable state only, which is in NVRAM by now. */
    struct rind_captured *list = rind_ctx_alloc_array(job->ctx, RIND_GROUPS_LIMIT, sizeof(*list));
    RIND_ASSERT(list != NULL);
    size_t count = 0;
    for (uint32_t i = 0; i < hsm->durable.group_count; i++) {
        if (hsm->durable.groups[i].has_captured) {
            capture_testify(hsm, &hsm->durable.groups[i], &list[count]);
            count++;
        }
    }
    answer->kind = RIND_HSM_PERSIST_STATE_OK;
    answer->ok.captured.items = list;
    answer->ok.captured.count = count;
    return RIND_OK;
}
