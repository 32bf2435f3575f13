/* create.c - see create.h. */
#include "cluster/create.h"

#include <stdlib.h>

#include "host/host.h"
#include "rpc/rpc.h"

#define CREATE_RPC_TIMEOUT_MS 30000u

/* Is waiting for the first commit worth another look? The agent may be slow, but not gone. */
static bool create_is_retryable(rind_status status)
{
    return rind_is(status, RIND_E_STALE) || rind_is(status, RIND_E_TIMEOUT) ||
           rind_is(status, RIND_E_BUSY);
}

/* One call; a failure to make it is told as the CLI's users know it. */
static rind_status create_call(struct rind_ctx *ctx, const struct rind_cluster *cluster,
                               const char *url, const struct rind_rpc *rpc, const void *request,
                               void *response, struct rind_deadline deadline)
{
    rind_status status =
        rind_rpc_call(ctx, cluster->client, url, rpc, request, response, deadline, NULL);
    return rind_is_ok(status) ? status : rind_fail_while(ctx, status, "RPC error");
}

/* The status of one agent, which must have an HSM. */
static rind_status create_ask(struct rind_ctx *ctx, const struct rind_cluster *cluster,
                              const char *url, struct rind_deadline deadline,
                              struct rind_agent_status_response *response)
{
    const struct rind_agent_status_request request = {0};
    RIND_TRY(create_call(ctx, cluster, url, &rind_rpc_status, &request, response, deadline));
    RIND_REQUIRE(ctx, response->has_hsm, RIND_E_UNAVAILABLE,
                 "no HSM found at %s: the agent answers but its HSM does not", url);
    return RIND_OK;
}

static rind_status create_require_member(struct rind_ctx *ctx,
                                         const struct rind_agent_status_response *response,
                                         const struct rind_realm_id *realm, const char *url)
{
    RIND_REQUIRE(ctx,
                 response->hsm.has_realm && rind_realm_id_equal(&response->hsm.realm.id, realm),
                 RIND_E_INVALID, "HSM at %s not in given realm or in different realm", url);
    return RIND_OK;
}

static rind_status create_check_committed(struct rind_ctx *ctx, const struct rind_cluster *cluster,
                                          const char *url, const struct rind_realm_id *realm,
                                          const struct rind_group_id *group,
                                          struct rind_deadline deadline)
{
    struct rind_agent_status_response response;
    RIND_TRY(create_ask(ctx, cluster, url, deadline, &response));
    const struct rind_group_status *found = rind_cluster_find_group(&response.hsm, realm, group);
    RIND_REQUIRE(ctx, found != NULL && found->has_leader, RIND_E_STALE,
                 "the HSM at %s does not lead the new group (yet)", url);
    RIND_REQUIRE(ctx, found->leader.has_committed && found->leader.committed >= 1, RIND_E_STALE,
                 "the new group has not committed its first entry: a majority of its members must "
                 "be running and reach the store");
    return RIND_OK;
}

rind_status rind_create_wait_committed(struct rind_ctx *ctx, const struct rind_cluster *cluster,
                                       const char *url, const struct rind_realm_id *realm,
                                       const struct rind_group_id *group)
{
    static const struct rind_retry_profile profile = {
        .attempts_max = UINT32_MAX,
        .timeout_ns = RIND_CREATE_COMMIT_TIMEOUT_MS * RIND_NS_PER_MS,
        .backoff_ns = RIND_NS_PER_MS,
        .multiplier = 1.5,
        .backoff_ns_max = 50 * RIND_NS_PER_MS,
    };
    const struct rind_retry_options options = {.profile = &profile,
                                               .description = "wait for the first commit",
                                               .is_retryable = create_is_retryable};
    struct rind_retry retry;
    rind_retry_begin(&retry, &options);
    while (rind_retry_next(&retry)) {
        size_t mark = rind_arena_mark(ctx->arena);
        rind_retry_record(&retry, ctx,
                          create_check_committed(ctx, cluster, url, realm, group, retry.deadline));
        rind_arena_release(ctx->arena, mark);
    }
    return rind_retry_end(&retry, ctx);
}

rind_status rind_create_realm(struct rind_ctx *ctx, const struct rind_cluster *cluster,
                              const char *url, struct rind_realm_id *realm,
                              struct rind_group_id *group)
{
    struct rind_deadline deadline = rind_deadline_in_ms(CREATE_RPC_TIMEOUT_MS);
    struct rind_agent_status_response status;
    RIND_TRY(create_ask(ctx, cluster, url, deadline, &status));
    const struct rind_agent_realm_new_request request = {0};
    struct rind_agent_realm_new_response response;
    RIND_TRY(create_call(ctx, cluster, url, &rind_rpc_realm_new, &request, &response, deadline));
    switch (response.kind) {
    case RIND_AGENT_REALM_NEW_OK:
        break;
    case RIND_AGENT_REALM_NEW_HAVE_REALM:
        return rind_fail(ctx, RIND_E_EXISTS, "HSM is already in a realm");
    case RIND_AGENT_REALM_NEW_NO_HSM:
        return rind_fail(ctx, RIND_E_UNAVAILABLE, "no HSM found at %s", url);
    case RIND_AGENT_REALM_NEW_NO_STORE:
        return rind_fail(ctx, RIND_E_UNAVAILABLE, "the agent at %s cannot use its store", url);
    case RIND_AGENT_REALM_NEW_STORE_PRECONDITION_FAILED:
        return rind_fail(ctx, RIND_E_PRECONDITION,
                         "could not create log entry in the store: precondition failed");
    }
    *realm = response.ok.realm;
    *group = response.ok.group;
    return rind_create_wait_committed(ctx, cluster, url, realm, group);
}

static rind_status create_join_realm_answer(struct rind_ctx *ctx, const char *url,
                                            const struct rind_agent_realm_join_response *response)
{
    switch (response->kind) {
    case RIND_AGENT_REALM_JOIN_OK:
        return RIND_OK;
    case RIND_AGENT_REALM_JOIN_HAVE_OTHER_REALM:
        return rind_fail(
            ctx, RIND_E_INVALID,
            "HSM at %s not in given realm or in different realm; an HSM belongs to one "
            "realm for good",
            url);
    case RIND_AGENT_REALM_JOIN_INVALID_STATEMENT:
        return rind_fail(ctx, RIND_E_AUTH,
                         "HSM at %s rejected realm keys statement: it runs with other realm keys",
                         url);
    case RIND_AGENT_REALM_JOIN_NO_HSM:
        return rind_fail(ctx, RIND_E_UNAVAILABLE, "no HSM found at %s", url);
    }
    RIND_UNREACHABLE("the decoder admits no other kind");
}

/* All answers are awaited, so that what can join has joined; the first fault is the result. */
static rind_status create_collect_joins(struct rind_ctx *ctx, struct rind_rpc_fan *fan,
                                        const char *const *urls)
{
    rind_status first = RIND_OK;
    char sentence[RIND_SENTENCE_SIZE_MAX] = "";
    struct rind_rpc_result result;
    struct rind_agent_realm_join_response response;
    while (rind_rpc_fan_next(ctx, fan, &response, &result)) {
        rind_status status = result.status;
        if (rind_is_ok(status)) {
            status = create_join_realm_answer(ctx, urls[result.index], &response);
        } else {
            status = rind_fail(ctx, (enum rind_code)status.code, "RPC error: %s", result.sentence);
        }
        if (!rind_is_ok(status) && rind_is_ok(first)) {
            first = status;
            memcpy(sentence, ctx->sentence, sizeof(sentence));
        }
    }
    if (!rind_is_ok(first)) {
        memcpy(ctx->sentence, sentence, sizeof(sentence));
    }
    return first;
}

rind_status rind_create_join_realm(struct rind_ctx *ctx, const struct rind_cluster *cluster,
                                   const struct rind_realm_id *realm, const char *const *urls,
                                   size_t count, const char *member_url)
{
    struct rind_deadline deadline = rind_deadline_in_ms(CREATE_RPC_TIMEOUT_MS);
    struct rind_agent_status_response member;
    RIND_TRY(create_ask(ctx, cluster, member_url, deadline, &member));
    RIND_TRY(create_require_member(ctx, &member, realm, member_url));
    const struct rind_agent_realm_join_request request = {
        .realm = *realm, .peer = member.hsm.id, .statement = member.hsm.realm.statement};
    struct rind_rpc_fan fan;
    RIND_TRY(rind_rpc_fan_open(ctx, cluster->client, urls, count, &rind_rpc_realm_join, &request,
                               deadline, &fan));
    rind_status status = create_collect_joins(ctx, &fan, urls);
    rind_rpc_fan_close(&fan);
    return status;
}

static int create_compare_member(const void *left, const void *right)
{
    const struct rind_group_member *a = left;
    const struct rind_group_member *b = right;
    return rind_hsm_id_compare(&a->hsm, &b->hsm);
}

/* Section 11.3 steps 1 and 2: who the members are, sorted by id. */
static rind_status create_collect_members(struct rind_ctx *ctx, const struct rind_cluster *cluster,
                                          const struct rind_realm_id *realm,
                                          const char *const *urls, size_t count,
                                          struct rind_group_member *members)
{
    struct rind_cluster_agent_list agents;
    RIND_TRY(rind_cluster_ask(ctx, cluster, urls, count, CREATE_RPC_TIMEOUT_MS, &agents));
    for (size_t i = 0; i < count; i++) {
        const struct rind_cluster_agent *agent = &agents.items[i];
        RIND_REQUIRE(ctx, agent->has_answered, RIND_E_NETWORK, "RPC error: %s", agent->fault);
        RIND_REQUIRE(ctx, agent->response.has_hsm, RIND_E_UNAVAILABLE, "no HSM found at %s",
                     urls[i]);
        RIND_TRY(create_require_member(ctx, &agent->response, realm, urls[i]));
        RIND_REQUIRE(ctx, agent->response.hsm.realm.groups.count < RIND_CREATE_GROUPS_PER_HSM_MAX,
                     RIND_E_LIMIT, "HSM at %s has too many groups; the limit is %u", urls[i],
                     RIND_CREATE_GROUPS_PER_HSM_MAX);
        members[i].hsm = agent->response.hsm.id;
        members[i].statement = agent->response.hsm.realm.statement;
    }
    qsort(members, count, sizeof(*members), create_compare_member);
    for (size_t i = 1; i < count; i++) {
        RIND_REQUIRE(ctx, !rind_hsm_id_equal(&members[i - 1].hsm, &members[i].hsm), RIND_E_INVALID,
                     "two of the agents have the same HSM; name each HSM once");
    }
    return RIND_OK;
}

static rind_status create_group_on(struct rind_ctx *ctx, const struct rind_cluster *cluster,
                                   const char *url,
                                   const struct rind_agent_group_new_request *request,
                                   struct rind_agent_group_new_ok *made)
{
    struct rind_agent_group_new_response response;
    RIND_TRY(create_call(ctx, cluster, url, &rind_rpc_group_new, request, &response,
                         rind_deadline_in_ms(CREATE_RPC_TIMEOUT_MS)));
    switch (response.kind) {
    case RIND_AGENT_GROUP_NEW_OK:
        *made = response.ok;
        return RIND_OK;
    case RIND_AGENT_GROUP_NEW_INVALID_REALM:
        return rind_fail(ctx, RIND_E_INVALID, "HSM at %s not in given realm", url);
    case RIND_AGENT_GROUP_NEW_INVALID_CONFIGURATION:
        return rind_fail(ctx, RIND_E_INVALID, "invalid configuration");
    case RIND_AGENT_GROUP_NEW_INVALID_STATEMENT:
        return rind_fail(ctx, RIND_E_AUTH, "HSM at %s rejected realm keys statement", url);
    case RIND_AGENT_GROUP_NEW_TOO_MANY_GROUPS:
        return rind_fail(ctx, RIND_E_LIMIT, "HSM at %s has too many groups", url);
    case RIND_AGENT_GROUP_NEW_NO_HSM:
        return rind_fail(ctx, RIND_E_UNAVAILABLE, "no HSM found at %s", url);
    case RIND_AGENT_GROUP_NEW_NO_STORE:
        return rind_fail(ctx, RIND_E_UNAVAILABLE, "the agent at %s cannot use its store", url);
    case RIND_AGENT_GROUP_NEW_STORE_PRECONDITION_FAILED:
        return rind_fail(ctx, RIND_E_PRECONDITION,
                         "could not create log entry in the store: precondition failed");
    }
    RIND_UNREACHABLE("the decoder admits no other kind");
}

static rind_status create_join_group_answer(struct rind_ctx *ctx, const char *url,
                                            const struct rind_agent_group_join_response *response)
{
    switch (response->kind) {
    case RIND_AGENT_GROUP_JOIN_OK:
        return RIND_OK;
    case RIND_AGENT_GROUP_JOIN_INVALID_REALM:
        return rind_fail(ctx, RIND_E_INVALID, "HSM at %s not in given realm", url);
    case RIND_AGENT_GROUP_JOIN_INVALID_CONFIGURATION:
        return rind_fail(ctx, RIND_E_INVALID, "invalid configuration");
    case RIND_AGENT_GROUP_JOIN_INVALID_STATEMENT:
        return rind_fail(ctx, RIND_E_AUTH, "invalid group statement");
    case RIND_AGENT_GROUP_JOIN_TOO_MANY_GROUPS:
        return rind_fail(ctx, RIND_E_LIMIT, "HSM at %s has too many groups", url);
    case RIND_AGENT_GROUP_JOIN_NO_HSM:
        return rind_fail(ctx, RIND_E_UNAVAILABLE, "no HSM found at %s", url);
    }
    RIND_UNREACHABLE("the decoder admits no other kind");
}

static rind_status create_collect_group_joins(struct rind_ctx *ctx, struct rind_rpc_fan *fan,
                                              const char *const *urls)
{
    struct rind_rpc_result result;
    struct rind_agent_group_join_response response;
    while (rind_rpc_fan_next(ctx, fan, &response, &result)) {
        if (!rind_is_ok(result.status)) {
            return rind_fail(ctx, (enum rind_code)result.status.code, "RPC error: %s",
                             result.sentence);
        }
        RIND_TRY(create_join_group_answer(ctx, urls[result.index], &response));
    }
    return RIND_OK;
}

rind_status rind_create_group(struct rind_ctx *ctx, const struct rind_cluster *cluster,
                              const struct rind_realm_id *realm, const char *const *urls,
                              size_t count, struct rind_group_id *group)
{
    RIND_REQUIRE(ctx, count >= 1 && count <= RIND_CREATE_MEMBERS_MAX, RIND_E_INVALID,
                 "a group has 1 to %u members, %zu agents were named", RIND_CREATE_MEMBERS_MAX,
                 count);
    struct rind_group_member members[RIND_CREATE_MEMBERS_MAX];
    RIND_TRY(create_collect_members(ctx, cluster, realm, urls, count, members));
    const struct rind_agent_group_new_request request = {
        .realm = *realm, .members = {.items = members, .count = count}};
    struct rind_agent_group_new_ok made;
    RIND_TRY(create_group_on(ctx, cluster, urls[0], &request, &made));

    struct rind_hsm_id configuration[RIND_CREATE_MEMBERS_MAX];
    for (size_t i = 0; i < count; i++) {
        configuration[i] = members[i].hsm;
    }
    const struct rind_agent_group_join_request join = {
        .realm = *realm,
        .group = made.group,
        .configuration = {.items = configuration, .count = count},
        .statement = made.statement};
    struct rind_rpc_fan fan;
    RIND_TRY(rind_rpc_fan_open(ctx, cluster->client, urls + 1, count - 1, &rind_rpc_group_join,
                               &join, rind_deadline_in_ms(CREATE_RPC_TIMEOUT_MS), &fan));
    rind_status joined = create_collect_group_joins(ctx, &fan, urls + 1);
    rind_rpc_fan_close(&fan);
    RIND_TRY(joined);
    *group = made.group;
    return rind_create_wait_committed(ctx, cluster, urls[0], realm, group);
}
