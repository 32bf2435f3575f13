/* create.c - see create.h. */
#include "agent/create.h"

#include "agent/append_queue.h"
#include "agent/role.h"

/* Creation as a whole ends before its callers give up at 30 s. */
#define CREATE_DEADLINE_MS 25000u
#define CREATE_PAUSE_MS 100u

/* Creates the realm's tables. Tables that are there already are those of an earlier attempt: realm
 * ids are random. */
static rind_status create_tables(struct rind_ctx *ctx, struct rind_agent *agent,
                                 const struct rind_realm_id *realm, struct rind_deadline deadline)
{
    rind_status status = rind_store_create_realm_tables(ctx, agent->store, realm, deadline);
    return rind_is(status, RIND_E_EXISTS) ? RIND_OK : status;
}

/*
 * Appends the first entry. The HSM already holds the realm or group, so giving up early would leave
 * it with one that the store does not have: the same entry is tried until the deadline.
 */
static rind_status create_append_first(struct rind_ctx *ctx, struct rind_agent *agent,
                                       const struct rind_realm_id *realm,
                                       const struct rind_group_id *group,
                                       const struct rind_append_item *item,
                                       struct rind_deadline deadline)
{
    bool is_again = false;
    for (;;) {
        struct rind_log_row row;
        rind_status status = (is_again ? rind_store_append_again : rind_store_append)(
            ctx, agent->store, realm, group, &item->stored, 1, &item->delta, deadline, &row);
        if (rind_is_ok(status) || rind_is(status, RIND_E_PRECONDITION) ||
            rind_deadline_has_expired(deadline) ||
            rind_stopper_wait(&agent->stopper, rind_deadline_in_ms(CREATE_PAUSE_MS))) {
            return status;
        }
        is_again = is_again || rind_is(status, RIND_E_UNKNOWN_OUTCOME);
    }
}

/*
 * Takes a group that the HSM has just created into service. It is registered before its entry is
 * appended, so that requests which learn of it from the HSM's status find it; the role, and with it
 * the leadership, comes after the append.
 */
static rind_status create_enter(struct rind_ctx *ctx, struct rind_agent *agent, uint64_t boot,
                                const struct rind_realm_id *realm, const struct rind_group_id *id,
                                const struct rind_hsm_id_list *configuration,
                                const struct rind_log_entry *entry,
                                const struct rind_store_delta *delta,
                                const struct rind_role_status *role, struct rind_deadline deadline)
{
    struct rind_agent_group *group;
    bool is_new = false;
    struct rind_append_item *item;
    RIND_TRY(rind_append_item_new_decoded(ctx, entry, delta, &item));
    rind_status status =
        rind_agent_add_group(ctx, agent, realm, id, configuration, 1, &group, &is_new);
    if (rind_is_ok(status)) {
        status = create_append_first(ctx, agent, realm, id, item, deadline);
    }
    if (rind_is_ok(status)) {
        rind_role_apply(group, boot, role);
        rind_mutex_lock(&group->lock);
        if (group->leader != NULL && group->leader->row_count == 0 &&
            group->leader->next == entry->index + 1) {
            group->leader->has_last_appended = true;
            group->leader->last_appended =
                (struct rind_log_position){entry->index, entry->entry_mac};
        }
        rind_mutex_unlock(&group->lock);
    }
    rind_append_item_free(item);
    return status;
}

void rind_create_realm(struct rind_ctx *ctx, struct rind_agent *agent,
                       struct rind_agent_realm_new_response *response)
{
    *response = (struct rind_agent_realm_new_response){.kind = RIND_AGENT_REALM_NEW_NO_HSM};
    struct rind_hsm_id self;
    if (!rind_agent_hsm_id(agent, &self)) {
        return;
    }
    struct rind_deadline deadline = rind_deadline_in_ms(CREATE_DEADLINE_MS);
    struct rind_hsm_request call = {.kind = RIND_HSM_REQUEST_NEW_REALM};
    struct rind_hsm_new_realm_response answer;
    uint64_t boot = rind_agent_hsm_boot(agent);
    rind_status status = rind_hsm_link_call(&agent->hsm, ctx, RIND_HSM_URGENCY_ROLE, deadline,
                                            &call, &rind_hsm_new_realm_response_schema, &answer);
    if (!rind_is_ok(status)) {
        RIND_LOG_WARN(&agent->log, "%s", ctx->sentence);
        return;
    }
    if (answer.kind == RIND_HSM_NEW_REALM_HAVE_REALM) {
        response->kind = RIND_AGENT_REALM_NEW_HAVE_REALM;
        return;
    }
    struct rind_hsm_id_list configuration = {&self, 1};
    status = create_tables(ctx, agent, &answer.ok.realm, deadline);
    if (rind_is_ok(status)) {
        status = create_enter(ctx, agent, boot, &answer.ok.realm, &answer.ok.group, &configuration,
                              &answer.ok.entry, &answer.ok.delta, &answer.ok.role, deadline);
    }
    if (rind_is_ok(status)) {
        response->kind = RIND_AGENT_REALM_NEW_OK;
        response->ok.realm = answer.ok.realm;
        response->ok.group = answer.ok.group;
        return;
    }
    RIND_LOG_ERROR(&agent->log, "the HSM has a new realm that the store has not: %s",
                   ctx->sentence);
    response->kind = rind_is(status, RIND_E_PRECONDITION)
                         ? RIND_AGENT_REALM_NEW_STORE_PRECONDITION_FAILED
                         : RIND_AGENT_REALM_NEW_NO_STORE;
}

static enum rind_agent_group_new_response_kind
create_map_group(enum rind_hsm_new_group_response_kind kind)
{
    switch (kind) {
    case RIND_HSM_NEW_GROUP_OK:
        return RIND_AGENT_GROUP_NEW_OK;
    case RIND_HSM_NEW_GROUP_INVALID_REALM:
        return RIND_AGENT_GROUP_NEW_INVALID_REALM;
    case RIND_HSM_NEW_GROUP_INVALID_CONFIGURATION:
        return RIND_AGENT_GROUP_NEW_INVALID_CONFIGURATION;
    case RIND_HSM_NEW_GROUP_INVALID_STATEMENT:
        return RIND_AGENT_GROUP_NEW_INVALID_STATEMENT;
    case RIND_HSM_NEW_GROUP_TOO_MANY_GROUPS:
        return RIND_AGENT_GROUP_NEW_TOO_MANY_GROUPS;
    }
    return RIND_AGENT_GROUP_NEW_NO_HSM;
}

/* The members' ids in request order. */
static rind_status create_configuration(struct rind_ctx *ctx,
                                        const struct rind_group_member_list *members,
                                        struct rind_hsm_id_list *configuration)
{
    configuration->count = members->count;
    configuration->items = rind_ctx_alloc_array(ctx, members->count, sizeof(*configuration->items));
    if (configuration->items == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    for (size_t i = 0; i < members->count; i++) {
        configuration->items[i] = members->items[i].hsm;
    }
    return RIND_OK;
}

void rind_create_group(struct rind_ctx *ctx, struct rind_agent *agent,
                       const struct rind_agent_group_new_request *request,
                       struct rind_agent_group_new_response *response)
{
    *response = (struct rind_agent_group_new_response){.kind = RIND_AGENT_GROUP_NEW_NO_HSM};
    struct rind_hsm_id self;
    struct rind_hsm_id_list configuration;
    if (!rind_agent_hsm_id(agent, &self) ||
        !rind_is_ok(create_configuration(ctx, &request->members, &configuration))) {
        return;
    }
    struct rind_deadline deadline = rind_deadline_in_ms(CREATE_DEADLINE_MS);
    struct rind_hsm_request call = {.kind = RIND_HSM_REQUEST_NEW_GROUP,
                                    .new_group = {request->realm, request->members}};
    struct rind_hsm_new_group_response answer;
    uint64_t boot = rind_agent_hsm_boot(agent);
    rind_status status = rind_hsm_link_call(&agent->hsm, ctx, RIND_HSM_URGENCY_ROLE, deadline,
                                            &call, &rind_hsm_new_group_response_schema, &answer);
    if (!rind_is_ok(status)) {
        RIND_LOG_WARN(&agent->log, "%s", ctx->sentence);
        return;
    }
    response->kind = create_map_group(answer.kind);
    if (response->kind != RIND_AGENT_GROUP_NEW_OK) {
        return;
    }
    status = create_enter(ctx, agent, boot, &request->realm, &answer.ok.group, &configuration,
                          &answer.ok.entry, NULL, &answer.ok.role, deadline);
    if (rind_is_ok(status)) {
        response->ok.group = answer.ok.group;
        response->ok.statement = answer.ok.statement;
        return;
    }
    RIND_LOG_ERROR(&agent->log, "the HSM has a new group that the store has not: %s",
                   ctx->sentence);
    response->kind = rind_is(status, RIND_E_PRECONDITION)
                         ? RIND_AGENT_GROUP_NEW_STORE_PRECONDITION_FAILED
                         : RIND_AGENT_GROUP_NEW_NO_STORE;
}

void rind_create_join_realm(struct rind_ctx *ctx, struct rind_agent *agent,
                            const struct rind_agent_realm_join_request *request,
                            struct rind_agent_realm_join_response *response)
{
    *response = (struct rind_agent_realm_join_response){.kind = RIND_AGENT_REALM_JOIN_NO_HSM};
    struct rind_hsm_request call = {
        .kind = RIND_HSM_REQUEST_JOIN_REALM,
        .join_realm = {request->realm, request->peer, request->statement},
    };
    struct rind_hsm_join_realm_response answer;
    rind_status status = rind_hsm_link_call(&agent->hsm, ctx, RIND_HSM_URGENCY_ROLE,
                                            rind_deadline_in_ms(CREATE_DEADLINE_MS), &call,
                                            &rind_hsm_join_realm_response_schema, &answer);
    if (!rind_is_ok(status)) {
        RIND_LOG_WARN(&agent->log, "%s", ctx->sentence);
        return;
    }
    switch (answer.kind) {
    case RIND_HSM_JOIN_REALM_OK:
        response->kind = RIND_AGENT_REALM_JOIN_OK;
        response->ok.hsm = answer.ok.hsm;
        break;
    case RIND_HSM_JOIN_REALM_HAVE_OTHER_REALM:
        response->kind = RIND_AGENT_REALM_JOIN_HAVE_OTHER_REALM;
        break;
    case RIND_HSM_JOIN_REALM_INVALID_STATEMENT:
        response->kind = RIND_AGENT_REALM_JOIN_INVALID_STATEMENT;
        break;
    }
}

static enum rind_agent_group_join_response_kind
create_map_join(enum rind_hsm_join_group_response_kind kind)
{
    switch (kind) {
    case RIND_HSM_JOIN_GROUP_OK:
        return RIND_AGENT_GROUP_JOIN_OK;
    case RIND_HSM_JOIN_GROUP_INVALID_REALM:
        return RIND_AGENT_GROUP_JOIN_INVALID_REALM;
    case RIND_HSM_JOIN_GROUP_INVALID_CONFIGURATION:
        return RIND_AGENT_GROUP_JOIN_INVALID_CONFIGURATION;
    case RIND_HSM_JOIN_GROUP_INVALID_STATEMENT:
        return RIND_AGENT_GROUP_JOIN_INVALID_STATEMENT;
    case RIND_HSM_JOIN_GROUP_TOO_MANY_GROUPS:
        return RIND_AGENT_GROUP_JOIN_TOO_MANY_GROUPS;
    }
    return RIND_AGENT_GROUP_JOIN_NO_HSM;
}

void rind_create_join_group(struct rind_ctx *ctx, struct rind_agent *agent,
                            const struct rind_agent_group_join_request *request,
                            struct rind_agent_group_join_response *response)
{
    *response = (struct rind_agent_group_join_response){.kind = RIND_AGENT_GROUP_JOIN_NO_HSM};
    struct rind_hsm_id self;
    if (!rind_agent_hsm_id(agent, &self)) {
        return;
    }
    struct rind_hsm_request call = {
        .kind = RIND_HSM_REQUEST_JOIN_GROUP,
        .join_group = {request->realm, request->group, request->configuration, request->statement},
    };
    struct rind_hsm_join_group_response answer;
    uint64_t boot = rind_agent_hsm_boot(agent);
    rind_status status = rind_hsm_link_call(&agent->hsm, ctx, RIND_HSM_URGENCY_ROLE,
                                            rind_deadline_in_ms(CREATE_DEADLINE_MS), &call,
                                            &rind_hsm_join_group_response_schema, &answer);
    if (!rind_is_ok(status)) {
        RIND_LOG_WARN(&agent->log, "%s", ctx->sentence);
        return;
    }
    response->kind = create_map_join(answer.kind);
    struct rind_agent_group *group;
    bool is_new = false;
    if (answer.kind != RIND_HSM_JOIN_GROUP_OK) {
        return;
    }
    status = rind_agent_add_group(ctx, agent, &request->realm, &request->group,
                                  &request->configuration, 1, &group, &is_new);
    if (!rind_is_ok(status)) {
        RIND_LOG_ERROR(&agent->log, "the HSM joined a group that the agent cannot serve: %s",
                       ctx->sentence);
        response->kind = RIND_AGENT_GROUP_JOIN_NO_HSM;
    } else if (is_new && answer.ok.role.kind == RIND_ROLE_WITNESS) {
        rind_role_apply(group, boot, &answer.ok);
    }
}
