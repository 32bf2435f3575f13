/* host_app.c - clients' requests, carried to the right leader with the right proof, or not. */
#include "host.h"

/* What an AppRequest is put together from. */
struct app_parts {
    uint32_t hsm;
    uint32_t group;
    uint32_t user; /* whose record it is said to be */
    uint32_t message;
    uint32_t basis; /* the entry whose root the proof is read at */
    struct rind_record_id proof_key;
    uint64_t index;
    bool is_proof_forged;
};

/* Some leader that owns the user's record by its newest entry; false if there is none. */
static bool app_find_owner(struct sim *sim, uint32_t user, uint32_t *group, uint32_t *hsm)
{
    if (sim->group_count == 0) {
        return false;
    }
    uint32_t first = sim_below(&sim->random, sim->group_count);
    for (uint32_t i = 0; i < sim->group_count; i++) {
        uint32_t g = (first + i) % sim->group_count;
        uint32_t h = sim_pick_leader(sim, g);
        if (h == SIM_NONE) {
            continue;
        }
        const struct rind_log_entry *last = &sim->entries[sim_head(sim, g, h)].entry;
        if (last->has_partition &&
            rind_owned_range_contains(&last->partition.range, &sim->users[user].record_id)) {
            *group = g;
            *hsm = h;
            return true;
        }
    }
    return false;
}

/* The new entry becomes the log's end, if the host wants it to. */
static void app_append(struct sim *sim, uint32_t group, uint32_t hsm)
{
    uint32_t head = sim_head(sim, group, hsm);
    bool follows = sim->entries[head].parent == sim->groups[group].tail;
    if (follows || sim_dice(sim, 1, 4)) {
        sim->groups[group].tail = head;
    }
}

/* Makes a proof say something else, with parts that are genuine one by one. */
static void app_forge_proof(struct sim *sim, struct rind_read_proof *proof)
{
    switch (sim_below(&sim->random, 5)) {
    case 0:
        proof->has_leaf = false;
        break;
    case 1: /* as if the record did not exist */
        proof->has_leaf = false;
        proof->path.count -= proof->path.count > 1 ? 1u : 0u;
        break;
    case 2: /* any record at rest, an older one of the same user perhaps */
        for (unsigned i = 0; i < 16; i++) {
            const struct rind_node *node =
                &sim->nodes[sim_below(&sim->random, (uint32_t)sim->node_count)];
            if (node->kind == RIND_NODE_LEAF) {
                proof->has_leaf = true;
                proof->leaf = node->leaf;
            }
        }
        break;
    case 3: { /* the same place in another tree */
        const struct rind_node *node =
            &sim->nodes[sim_below(&sim->random, (uint32_t)sim->node_count)];
        if (node->kind == RIND_NODE_INTERIOR) {
            proof->path.items[sim_below(&sim->random, (uint32_t)proof->path.count)] =
                node->interior;
        }
        break;
    }
    default:
        proof->range = rind_owned_range_full();
        break;
    }
    sim->is_proof_honest = false;
}

static struct sim_answer app_send(struct sim *sim, const struct app_parts *parts)
{
    const struct rind_log_entry *basis = &sim->entries[parts->basis].entry;
    struct rind_hsm_request *request = sim_alloc(sim, sizeof(*request));
    request->kind = RIND_HSM_REQUEST_APP_REQUEST;
    struct rind_hsm_app_request *app = &request->app;
    const struct rind_partition *partition = &basis->partition;
    if (!basis->has_partition ||
        !sim_proof_record(sim, partition, &parts->proof_key, &app->proof)) {
        return (struct sim_answer){.is_answered = false};
    }
    if (parts->is_proof_forged) {
        app_forge_proof(sim, &app->proof);
    }
    app->realm = sim->groups[parts->group].realm;
    app->group = sim->groups[parts->group].id;
    app->record_id = sim->users[parts->user].record_id;
    app->session_id = sim->users[parts->user].session_id;
    app->encrypted = sim_message_request(&sim->messages[parts->message]);
    app->index = parts->index;
    struct sim_answer answer = sim_call(sim, parts->hsm, request);
    if (answer.is_answered && answer.kind == RIND_HSM_APP_OK) {
        app_append(sim, parts->group, parts->hsm);
    }
    if (answer.is_answered && (answer.kind == RIND_HSM_APP_MISSING_SESSION ||
                               answer.kind == RIND_HSM_APP_SESSION_ERROR)) {
        sim->users[sim->messages[parts->message].user].has_session = false;
    }
    return answer;
}

static void app_handshake(struct sim *sim, uint32_t hsm, uint32_t group, uint32_t user)
{
    sim->users[user].has_session = false;
    sim->users[user].session_id += sim_dice(sim, 1, 4) ? 1u : 0u;
    uint32_t m = sim_client_seal(sim, user, sim->groups[group].keyset, NULL, false);
    const struct rind_noise_request noise = sim_message_request(&sim->messages[m]);
    const struct rind_hsm_request request = {
        .kind = RIND_HSM_REQUEST_HANDSHAKE_REQUEST,
        .handshake = {.realm = sim->groups[group].realm,
                      .group = sim->groups[group].id,
                      .record_id = sim->users[user].record_id,
                      .session_id = sim->users[user].session_id,
                      .handshake = noise.handshake.handshake}};
    (void)sim_call(sim, hsm, &request);
}

static bool app_has_session_at(const struct sim *sim, uint32_t hsm, uint32_t group, uint32_t u)
{
    const struct sim_user *user = &sim->users[u];
    return user->has_session && user->session_hsm == hsm && user->session_group == group &&
           user->session_boot == sim->hsms[hsm].boot;
}

/* An older entry of the leader's log, whose root it may still know. */
static uint32_t app_older(struct sim *sim, uint32_t group, uint32_t hsm)
{
    uint32_t head = sim_head(sim, group, hsm);
    uint64_t last = sim->entries[head].entry.index;
    if (sim_dice(sim, 1, 8)) { /* the one that it started from */
        uint64_t starting = sim->groups[group].members[hsm].starting;
        uint32_t first = sim_ancestor_at(sim, head, starting > 1 ? starting - 1 : 1);
        return first == SIM_NONE ? head : first;
    }
    uint32_t back = sim_below(&sim->random, sim_dice(sim, 1, 4) ? 70 : 4);
    uint32_t older = sim_ancestor_at(sim, head, last > back ? last - back : 1);
    return older == SIM_NONE ? head : older;
}

struct sim_answer sim_send_request(struct sim *sim, uint32_t hsm, uint32_t group, uint32_t user,
                                   const struct rind_secrets_request *request)
{
    bool wants_transport = rind_secrets_request_needs_forward_secrecy(request) ||
                           (!sim->is_healing && sim_dice(sim, 1, 2));
    if (wants_transport && !app_has_session_at(sim, hsm, group, user)) {
        app_handshake(sim, hsm, group, user);
        if (!app_has_session_at(sim, hsm, group, user)) {
            return (struct sim_answer){.is_answered = false};
        }
    }
    uint32_t head = sim_head(sim, group, hsm);
    if (head == SIM_NONE) {
        return (struct sim_answer){.is_answered = false};
    }
    struct app_parts parts = {
        .hsm = hsm,
        .group = group,
        .user = user,
        .basis = !sim->is_healing && sim_dice(sim, 1, 3) ? app_older(sim, group, hsm) : head,
        .proof_key = sim->users[user].record_id,
    };
    parts.message = sim_client_seal(sim, user, sim->groups[group].keyset, request, wants_transport);
    parts.index = sim->entries[parts.basis].entry.index;
    sim->is_proof_honest = true;
    return app_send(sim, &parts);
}

void sim_operation_app(struct sim *sim)
{
    uint32_t user = sim_below(&sim->random, sim->user_count);
    uint32_t g;
    uint32_t h;
    if (!app_find_owner(sim, user, &g, &h)) {
        /* Nobody leads it, or it is on its way. */
        sim_operation_transfer(sim);
        return;
    }
    struct rind_secrets_request request = sim_client_request(sim, user);
    (void)sim_send_request(sim, h, g, user, &request);
}

void sim_register_users(struct sim *sim)
{
    for (uint32_t u = 0; u < sim->user_count; u++) {
        rind_arena_reset(&sim->arena);
        uint32_t g;
        uint32_t h;
        if (sim_dice(sim, 7, 8) && app_find_owner(sim, u, &g, &h)) {
            struct rind_secrets_request request = sim_client_register2(sim, u);
            (void)sim_send_request(sim, h, g, u, &request);
        }
    }
}

/* Mixes up one part of a request that might have been good. */
static void app_mix(struct sim *sim, struct app_parts *parts)
{
    switch (sim_below(&sim->random, 11)) {
    case 0:
        parts->index += 1 + sim_below(&sim->random, 2);
        break;
    case 1:
        parts->user = sim_below(&sim->random, sim->user_count);
        break;
    case 2:
        parts->user = sim_below(&sim->random, sim->user_count);
        parts->proof_key = sim->users[parts->user].record_id;
        break;
    case 3:
        parts->basis = sim_pick_entry(sim, parts->group);
        break;
    case 4:
        parts->basis = sim_pick_entry(sim, sim_below(&sim->random, sim->group_count));
        break;
    case 5: {
        uint32_t h = sim_pick_member(sim, parts->group);
        parts->hsm = h == SIM_NONE ? parts->hsm : h;
        break;
    }
    case 6:
        parts->group = sim_below(&sim->random, sim->group_count);
        break;
    case 7:
    case 8:
    case 9:
        parts->is_proof_forged = true;
        break;
    default:
        parts->proof_key = sim_pick_record(sim);
        break;
    }
}

void sim_operation_app_mixed(struct sim *sim)
{
    uint32_t user = sim_below(&sim->random, sim->user_count);
    struct app_parts parts = {.user = user, .proof_key = sim->users[user].record_id};
    if (!app_find_owner(sim, user, &parts.group, &parts.hsm)) {
        return;
    }
    parts.basis = sim_head(sim, parts.group, parts.hsm);
    parts.index = sim->entries[parts.basis].entry.index;
    if (sim->message_count > 0 && sim_dice(sim, 1, 3)) {
        /* A message of the past, with a proof of today. */
        uint32_t recent = sim->message_count < 32 ? (uint32_t)sim->message_count : 32;
        parts.message = (uint32_t)sim->message_count - 1 - sim_below(&sim->random, recent);
        if (sim_dice(sim, 3, 4)) {
            parts.user = sim->messages[parts.message].user;
            parts.proof_key = sim->users[parts.user].record_id;
        }
    } else {
        struct rind_secrets_request request = sim_client_request(sim, user);
        parts.message =
            sim_client_seal(sim, user, sim_dice(sim, 1, 32) ? 1 : 0, &request, sim_dice(sim, 1, 2));
    }
    if (sim_dice(sim, 3, 4)) {
        app_mix(sim, &parts);
    }
    sim->is_proof_honest = true; /* as read; whether it is of this record is judged exactly */
    (void)app_send(sim, &parts);
}
