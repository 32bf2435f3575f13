/*
 * judge_app.c - HandshakeRequest and AppRequest (spec 02 section 11).
 *
 * That a request was accepted must have three reasons: a client made it, this leader owns the
 * record, and the new entry's root is the one that the records lead to after it.
 */
#include "judge.h"

/* Entries that client requests leave free in a leader's log, spec 02 section 17 item 14. */
#define APP_LOG_RESERVE 64u
#define APP_LEAF_SIZE 790u
#define APP_LEAF_DELETED_SIZE 78u
#define APP_RECORD_SIZE_MAX 750u

/* The message with this ciphertext, whatever way it has come; SIM_NONE if no client made it. */
static uint32_t app_message(const struct sim *sim, struct rind_slice ciphertext)
{
    if (ciphertext.length < RIND_NOISE_TAG_SIZE) {
        return SIM_NONE;
    }
    uint32_t m = sim_index_find(&sim->messages_by_ciphertext, sim_key_of(ciphertext.data));
    return m != SIM_NONE && rind_slice_equal(sim->messages[m].ciphertext, ciphertext) ? m
                                                                                      : SIM_NONE;
}

/* A handshake that can be opened: made for these keys, nothing in it damaged. */
static bool app_is_handshake(const struct sim *sim, uint32_t h, uint32_t m,
                             const struct rind_handshake_request *handshake)
{
    return m != SIM_NONE && sim->messages[m].is_handshake &&
           sim->messages[m].keyset == sim->hsms[h].keyset &&
           rind_slice_equal(handshake->client_ephemeral_public,
                            RIND_SLICE_OF(sim->messages[m].ephemeral.bytes));
}

/* Owner of the record by the last entry of the leader's log, committed or not. */
static bool app_is_owner(const struct sim *sim, const struct sim_member *member,
                         const struct rind_record_id *record)
{
    const struct rind_log_entry *last = &sim_log_last(sim, member)->entry;
    return last->has_partition &&
           rind_record_id_compare(&last->partition.range.start, record) <= 0 &&
           rind_record_id_compare(record, &last->partition.range.end) <= 0;
}

static unsigned app_handshake_standing(struct sim *sim, uint32_t h,
                                       const struct rind_hsm_handshake_request *request,
                                       uint32_t *group)
{
    switch (sim_judge_leader(sim, h, &request->realm, &request->group, group)) {
    case SIM_STANDING_INVALID_REALM:
        return RIND_HSM_HANDSHAKE_INVALID_REALM;
    case SIM_STANDING_INVALID_GROUP:
        return RIND_HSM_HANDSHAKE_INVALID_GROUP;
    case SIM_STANDING_NOT_LEADER:
        return RIND_HSM_HANDSHAKE_NOT_LEADER;
    case SIM_STANDING_OK:
        break;
    }
    return app_is_owner(sim, &sim->groups[*group].members[h], &request->record_id)
               ? RIND_HSM_HANDSHAKE_OK
               : RIND_HSM_HANDSHAKE_NOT_OWNER;
}

void sim_judge_handshake(struct sim *sim, uint32_t h,
                         const struct rind_hsm_handshake_request *request,
                         const struct rind_hsm_handshake_response *answer)
{
    uint32_t g = SIM_NONE;
    unsigned expected = app_handshake_standing(sim, h, request, &g);
    uint32_t m = app_message(sim, request->handshake.payload_ciphertext);
    if (expected == RIND_HSM_HANDSHAKE_OK) {
        bool is_good = app_is_handshake(sim, h, m, &request->handshake) &&
                       !sim->messages[m].has_request && !sim->messages[m].is_garbage;
        expected = is_good ? RIND_HSM_HANDSHAKE_OK : RIND_HSM_HANDSHAKE_SESSION_ERROR;
    }
    sim_judge_kind(sim, RIND_HSM_REQUEST_HANDSHAKE_REQUEST, answer->kind, expected);
    if (answer->kind != RIND_HSM_HANDSHAKE_OK) {
        return;
    }
    struct rind_noise_handshake handshake = sim->messages[m].handshake;
    struct rind_noise_session session;
    const struct rind_handshake_response *noise = &answer->ok.noise;
    SIM_CHECK(sim, noise->payload_ciphertext.length == RIND_NOISE_TAG_SIZE,
              "a handshake is answered with a payload");
    uint8_t nothing[1];
    rind_status status =
        rind_noise_client_finish(&sim->ctx, &handshake, noise->server_ephemeral_public,
                                 noise->payload_ciphertext, nothing, &session);
    SIM_CHECK(sim, rind_is_ok(status), "a client cannot finish its handshake");
    sim_client_adopt(sim, m, &session, h, g);
}

static unsigned app_standing(struct sim *sim, uint32_t h,
                             const struct rind_hsm_app_request *request, uint32_t *group)
{
    switch (sim_judge_leader(sim, h, &request->realm, &request->group, group)) {
    case SIM_STANDING_INVALID_REALM:
        return RIND_HSM_APP_INVALID_REALM;
    case SIM_STANDING_INVALID_GROUP:
        return RIND_HSM_APP_INVALID_GROUP;
    case SIM_STANDING_NOT_LEADER:
        return RIND_HSM_APP_NOT_LEADER;
    case SIM_STANDING_OK:
        break;
    }
    struct sim_member *member = &sim->groups[*group].members[h];
    if (!app_is_owner(sim, member, &request->record_id)) {
        return RIND_HSM_APP_NOT_OWNER;
    }
    uint64_t last = sim_log_last(sim, member)->entry.index;
    if (request->index > last) {
        sim_member_step_down(sim, member, last);
        return RIND_HSM_APP_NOT_LEADER;
    }
    return rind_record_id_equal(&request->record_id, &request->proof.key)
               ? RIND_HSM_APP_OK
               : RIND_HSM_APP_INVALID_PROOF;
}

/* A request that could be opened and understood had nobody consumed its session. */
static bool app_is_fine(const struct sim *sim, uint32_t h, uint32_t m,
                        const struct rind_noise_request *encrypted)
{
    if (m == SIM_NONE || sim->messages[m].is_garbage || !sim->messages[m].has_request) {
        return false;
    }
    if (encrypted->kind == RIND_NOISE_REQUEST_TRANSPORT) {
        return !sim->messages[m].is_handshake;
    }
    return app_is_handshake(sim, h, m, &encrypted->handshake.handshake) &&
           !rind_secrets_request_needs_forward_secrecy(&sim->messages[m].request);
}

static void app_check_refusal(struct sim *sim, uint32_t h, const struct sim_member *member,
                              const struct rind_hsm_app_request *request, uint32_t m, unsigned kind)
{
    const struct rind_log_entry *last = &sim_log_last(sim, member)->entry;
    bool has_room = sim_has_room(member, APP_LOG_RESERVE + 1);
    bool is_newest = rind_data_hash_equal(&request->proof.root_hash, &last->partition.root_hash);
    bool is_fine = app_is_fine(sim, h, m, &request->encrypted);
    bool is_handshake = request->encrypted.kind == RIND_NOISE_REQUEST_HANDSHAKE;
    bool may = false;
    switch ((enum rind_hsm_app_response_kind)kind) {
    case RIND_HSM_APP_STALE_PROOF:
        may = !is_newest || !has_room;
        break;
    case RIND_HSM_APP_INVALID_PROOF:
        may = !sim->is_proof_honest;
        break;
    case RIND_HSM_APP_MISSING_SESSION:
        may = !is_handshake;
        break;
    case RIND_HSM_APP_SESSION_ERROR:
        may = !is_handshake || !is_fine;
        break;
    case RIND_HSM_APP_DECODING_ERROR:
        may = m != SIM_NONE && sim->messages[m].is_garbage;
        may = may || (m != SIM_NONE && !sim->messages[m].has_request);
        break;
    default: /* InvalidRecordData too: what the tree vouches for, an HSM has sealed */
        break;
    }
    SIM_CHECK(sim, may, "AppRequest was refused with %s without a reason",
              sim_kind_name(RIND_HSM_REQUEST_APP_REQUEST, kind));
}

static bool app_is_leaf_of(const struct rind_node_addition *added, const struct rind_record_id *id)
{
    return added->node.kind == RIND_NODE_LEAF && added->key.prefix.length == 256 &&
           memcmp(added->key.prefix.bits, id->bytes, sizeof(id->bytes)) == 0;
}

/* The one leaf of the delta. */
static struct rind_slice app_leaf(struct sim *sim, const struct rind_store_delta *delta,
                                  const struct rind_record_id *id)
{
    struct rind_slice found = {0};
    for (size_t i = 0; i < delta->add.count; i++) {
        if (delta->add.items[i].node.kind == RIND_NODE_LEAF) {
            SIM_CHECK(sim, found.data == NULL && app_is_leaf_of(&delta->add.items[i], id),
                      "a delta adds the leaf of another record");
            found = delta->add.items[i].node.leaf.value;
        }
    }
    SIM_CHECK(sim, found.data != NULL, "a request that must write adds no leaf (13.4)");
    return found;
}

/* Opens the record at rest: it says what the judge believes, guesses included. */
static void app_check_leaf(struct sim *sim, uint32_t h, const struct sim_record *record,
                           struct rind_slice leaf)
{
    bool is_deleted = record->kind == RIND_REGISTRATION_NOT_REGISTERED;
    SIM_CHECK(sim, leaf.length == (is_deleted ? APP_LEAF_DELETED_SIZE : APP_LEAF_SIZE),
              "a record takes %zu bytes, which tells what it holds (13.4)", leaf.length);
    uint8_t plaintext[APP_RECORD_SIZE_MAX];
    size_t size = leaf.length - RIND_RECORD_OVERHEAD;
    rind_status status =
        rind_record_open(&sim->ctx, &sim->keys[sim->hsms[h].keyset].record, leaf, plaintext);
    SIM_CHECK(sim, rind_is_ok(status), "a record was not sealed with the record key");
    uint32_t length = rind_get_be32(plaintext + size - 4);
    SIM_CHECK(sim, length <= size - 4, "a record is longer than its padding");
    struct rind_user_record stored;
    status = rind_wire_decode_whole(&sim->ctx, &rind_user_record_schema,
                                    rind_slice_make(plaintext, length), &stored);
    SIM_CHECK(sim, rind_is_ok(status) && stored.registration_state.kind == record->kind,
              "a record at rest has registration state %u, not %u",
              (unsigned)stored.registration_state.kind, (unsigned)record->kind);
    if (record->kind == RIND_REGISTRATION_REGISTERED) {
        const struct rind_registered_state *state = &stored.registration_state.registered;
        const struct rind_register2_request *registered =
            &sim->registrations[record->registration].request;
        SIM_CHECK(sim,
                  state->guess_count == record->guess_count &&
                      state->policy.num_guesses == registered->policy.num_guesses &&
                      memcmp(state->version, registered->version, sizeof(state->version)) == 0,
                  "a record at rest shows %u of %u guesses where %u of %u are used",
                  state->guess_count, state->policy.num_guesses, record->guess_count,
                  registered->policy.num_guesses);
    }
}

static void app_accepted(struct sim *sim, uint32_t h, uint32_t g, uint32_t m,
                         const struct rind_hsm_app_request *request,
                         const struct rind_hsm_app_ok *ok)
{
    SIM_CHECK(sim, app_is_fine(sim, h, m, &request->encrypted),
              "a request was accepted that no client made for this realm, or not this way");
    struct sim_message *message = &sim->messages[m];
    SIM_CHECK(sim, message->is_handshake || message->accepted_count == 0,
              "a transport message was accepted twice (invariant 14)");
    message->accepted_count++;
    uint32_t u = sim_user_find(sim, &request->record_id);
    SIM_CHECK(sim, u != SIM_NONE, "a request was accepted for a record that nobody has");

    const struct sim_entry last = *sim_log_last(sim, &sim->groups[g].members[h]);
    struct sim_outcome outcome = sim_judge_user(sim, m, &last.records[u]);
    struct rind_partition partition = last.entry.partition;
    if (outcome.has_write) {
        struct rind_slice leaf = app_leaf(sim, &ok->delta, &request->record_id);
        app_check_leaf(sim, h, &outcome.record, leaf);
        sim_tree_leaf_hash(&request->record_id, leaf, &outcome.record.leaf_hash);
        struct sim_record records[SIM_USERS_MAX];
        memcpy(records, last.records, sizeof(records));
        records[u] = outcome.record;
        sim_tree_root(sim, records, &partition.range, &partition.root_hash);
    } else {
        SIM_CHECK(sim, ok->delta.add.count == 0 && ok->delta.remove.count == 0,
                  "a request that writes nothing changes the tree");
    }
    uint32_t e = sim_judge_new_entry(sim, h, g, &ok->entry, &partition,
                                     last.entry.has_transferring ? &last.entry.transferring : NULL,
                                     last.preparation, true);
    sim->entries[e].records[u] = outcome.record;
    sim->entries[e].expected = outcome.expected;
    struct sim_member *member = &sim->groups[g].members[h];
    member->log[member->log_count - 1].expected = outcome.expected;
    sim_nodes_add(sim, &ok->delta);
}

void sim_judge_app(struct sim *sim, uint32_t h, const struct rind_hsm_app_request *request,
                   const struct rind_hsm_app_response *answer)
{
    uint32_t g = SIM_NONE;
    unsigned standing = app_standing(sim, h, request, &g);
    if (standing != RIND_HSM_APP_OK) {
        sim_judge_kind(sim, RIND_HSM_REQUEST_APP_REQUEST, answer->kind, standing);
        if (standing == RIND_HSM_APP_NOT_LEADER) {
            sim_judge_role(sim, "AppRequest", &sim->groups[g].members[h], &answer->not_leader);
        }
        return;
    }
    const struct rind_noise_request *encrypted = &request->encrypted;
    uint32_t m = app_message(sim, encrypted->kind == RIND_NOISE_REQUEST_HANDSHAKE
                                      ? encrypted->handshake.handshake.payload_ciphertext
                                      : encrypted->transport.ciphertext);
    if (answer->kind == RIND_HSM_APP_OK) {
        app_accepted(sim, h, g, m, request, &answer->ok);
    } else {
        app_check_refusal(sim, h, &sim->groups[g].members[h], request, m, answer->kind);
    }
}
