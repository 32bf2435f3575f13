/* realm_client.c - users of the realm and waits: see realm.h. */
#include "agent/leadership.h"
#include "agent/realm_inner.h"

#define REALM_LOOK_AGAIN_MS 5u

/* ---- requests ---- */

static void answer_take(void *handle, struct rind_slice body)
{
    struct realm_answer *answer = handle;
    rind_mutex_lock(&answer->lock);
    RIND_ASSERT(body.length <= sizeof(answer->bytes));
    memcpy(answer->bytes, body.data, body.length);
    answer->size = body.length;
    answer->is_there = true;
    answer->answer_count++;
    rind_cond_broadcast(&answer->arrived);
    rind_mutex_unlock(&answer->lock);
}

void realm_send(struct realm *realm, unsigned h, const struct rind_agent_app_request *request,
                struct realm_answer *answer)
{
    *answer = (struct realm_answer){.is_there = false};
    rind_mutex_init(&answer->lock);
    rind_cond_init(&answer->arrived);
    struct rind_ctx ctx;
    struct rind_arena *arena;
    rind_ctx_init(&ctx, NULL);
    if (!rind_is_ok(rind_arena_map(&ctx, 4u << 20, &arena))) {
        realm_fail_test("arena", ctx.sentence);
    }
    rind_ctx_init(&ctx, arena);
    struct rind_app_reply reply = {answer_take, answer};
    rind_app_handle(&ctx, realm->nodes[h].agent, request, reply);
    rind_arena_unmap(arena);
}

bool realm_is_answered(struct realm_answer *answer)
{
    rind_mutex_lock(&answer->lock);
    bool is_there = answer->is_there;
    rind_mutex_unlock(&answer->lock);
    return is_there;
}

struct rind_agent_app_response realm_wait(struct rind_ctx *ctx, struct realm_answer *answer)
{
    rind_mutex_lock(&answer->lock);
    while (!answer->is_there) {
        if (!rind_cond_wait(&answer->arrived, &answer->lock, rind_deadline_in_ms(REALM_WAIT_MS))) {
            realm_fail_test("app", "was never answered");
        }
    }
    rind_mutex_unlock(&answer->lock);
    struct rind_agent_app_response response;
    if (!rind_is_ok(rind_wire_decode_strict(ctx, &rind_agent_app_response_schema,
                                            rind_slice_make(answer->bytes, answer->size),
                                            &response))) {
        realm_fail_test("app", ctx->sentence);
    }
    return response;
}

void realm_answer_fini(struct realm_answer *answer)
{
    rind_mutex_lock(&answer->lock);
    RIND_ASSERT(answer->answer_count == 1);
    rind_mutex_unlock(&answer->lock);
    rind_cond_fini(&answer->arrived);
    rind_mutex_fini(&answer->lock);
}

struct rind_agent_app_request realm_request(struct realm *realm, struct cluster *users,
                                            const struct rind_group_id *group,
                                            struct cluster_client *client,
                                            const struct rind_secrets_request *request)
{
    return (struct rind_agent_app_request){
        .realm = realm->id,
        .group = *group,
        .record_id = client->record_id,
        .session_id = client->session_id,
        .kind = RIND_CLIENT_REQUEST_SECRETS_REQUEST,
        .encrypted = cluster_client_seal(users, client, cluster_encode_secrets(users, request)),
        .tenant = rind_slice_text("test"),
        .user = rind_slice_text("447ddec5"),
    };
}

enum rind_agent_app_response_kind realm_connect(struct realm *realm, struct cluster *users,
                                                unsigned h, const struct rind_group_id *group,
                                                struct cluster_client *client)
{
    client->has_session = false;
    struct rind_agent_app_request request = {
        .realm = realm->id,
        .group = *group,
        .record_id = client->record_id,
        .session_id = client->session_id,
        .kind = RIND_CLIENT_REQUEST_HANDSHAKE_ONLY,
        .encrypted = cluster_client_seal(users, client, rind_slice_make(NULL, 0)),
        .tenant = rind_slice_text("test"),
        .user = rind_slice_text("447ddec5"),
    };
    struct realm_answer answer;
    realm_send(realm, h, &request, &answer);
    struct rind_agent_app_response response = realm_wait(&users->ctx, &answer);
    if (response.kind == RIND_AGENT_APP_OK) {
        RIND_ASSERT(response.ok.kind == RIND_NOISE_RESPONSE_HANDSHAKE);
        const struct rind_handshake_response *noise = &response.ok.handshake.handshake;
        uint8_t empty[1];
        RIND_ASSERT(noise->payload_ciphertext.length == RIND_NOISE_TAG_SIZE);
        if (!rind_is_ok(rind_noise_client_finish(
                &users->ctx, &client->handshake, noise->server_ephemeral_public,
                noise->payload_ciphertext, empty, &client->session))) {
            realm_fail_test("handshake", users->ctx.sentence);
        }
        client->has_session = true;
    }
    realm_answer_fini(&answer);
    return response.kind;
}

enum rind_agent_app_response_kind realm_ask(struct realm *realm, struct cluster *users, unsigned h,
                                            const struct rind_group_id *group,
                                            struct cluster_client *client,
                                            const struct rind_secrets_request *request,
                                            struct rind_secrets_response *response)
{
    if (!client->has_session && rind_secrets_request_needs_forward_secrecy(request)) {
        enum rind_agent_app_response_kind kind = realm_connect(realm, users, h, group, client);
        if (kind != RIND_AGENT_APP_OK) {
            return kind;
        }
    }
    struct rind_agent_app_request sealed = realm_request(realm, users, group, client, request);
    struct realm_answer answer;
    realm_send(realm, h, &sealed, &answer);
    struct rind_agent_app_response outer = realm_wait(&users->ctx, &answer);
    if (outer.kind == RIND_AGENT_APP_OK) {
        struct rind_secrets_response opened = cluster_client_open(users, client, &outer.ok);
        if (response != NULL) {
            *response = opened;
        }
    } else {
        client->has_session = false;
    }
    realm_answer_fini(&answer);
    return outer.kind;
}

/* ---- waits ---- */

struct rind_agent_group *realm_group(struct realm *realm, unsigned h,
                                     const struct rind_group_id *group)
{
    struct rind_agent_group *found =
        rind_agent_find_group(realm->nodes[h].agent, &realm->id, group, NULL);
    if (found == NULL) {
        realm_fail_test("group", "the agent does not know it");
    }
    return found;
}

struct rind_role_status realm_role(struct realm *realm, unsigned h, const struct rind_group_id *id)
{
    struct rind_agent_group *group = realm_group(realm, h, id);
    rind_mutex_lock(&group->lock);
    struct rind_role_status role = group->role;
    rind_mutex_unlock(&group->lock);
    return role;
}

void realm_wait_role(struct realm *realm, unsigned h, const struct rind_group_id *id,
                     enum rind_group_member_role_kind kind)
{
    struct rind_agent_group *group = realm_group(realm, h, id);
    rind_mutex_lock(&group->lock);
    while (group->role.role.kind != kind) {
        if (!rind_cond_wait(&group->progress, &group->lock, rind_deadline_in_ms(REALM_WAIT_MS))) {
            realm_fail_test("role", "never became what was expected");
        }
    }
    rind_mutex_unlock(&group->lock);
}

void realm_wait_committed(struct realm *realm, unsigned h, const struct rind_group_id *id,
                          uint64_t index)
{
    struct rind_agent_group *group = realm_group(realm, h, id);
    rind_mutex_lock(&group->lock);
    while (group->leader == NULL || group->leader->committed < index) {
        if (!rind_cond_wait(&group->progress, &group->lock, rind_deadline_in_ms(REALM_WAIT_MS))) {
            realm_fail_test("commit", "never came");
        }
    }
    rind_mutex_unlock(&group->lock);
}

void realm_wait_until(struct realm *realm, bool (*is_true)(void *self), void *self)
{
    struct rind_deadline deadline = rind_deadline_in_ms(REALM_WAIT_MS);
    while (!is_true(self)) {
        if (rind_deadline_has_expired(deadline)) {
            realm_fail_test("wait", "the condition never came true");
        }
        /* Most changes come with a call of a core; others are noticed a little later. */
        rind_mutex_lock(&realm->lock);
        (void)rind_cond_wait(&realm->changed, &realm->lock,
                             rind_deadline_in_ms(REALM_LOOK_AGAIN_MS));
        rind_mutex_unlock(&realm->lock);
    }
}

enum rind_agent_become_leader_response_kind realm_become_leader(struct realm *realm, unsigned h,
                                                                const struct rind_group_id *group,
                                                                const uint64_t *last)
{
    struct rind_agent_become_leader_request request = {
        .realm = realm->id, .group = *group, .has_last = last != NULL};
    request.last = last != NULL ? *last : 0;
    struct rind_agent_become_leader_response response;
    rind_leadership_become(&realm->ctx, realm->nodes[h].agent, &request, &response);
    return response.kind;
}
