/*
 * judge_release.c - one committed history, ranges with one owner, and the answers that clients get.
 *
 * An answer is opened with the keys of the client it is for and compared with what its request must
 * have led to on the one committed history; guesses are counted once more, by registration, from
 * nothing but opened answers.
 */
#include "judge.h"

/* No record has two owners among the newest committed entries of a realm's groups. */
static void release_check_owners(struct sim *sim, uint32_t g)
{
    const struct rind_log_entry *mine = &sim->entries[sim->groups[g].committed].entry;
    if (!mine->has_partition) {
        return;
    }
    for (uint32_t other = 0; other < sim->group_count; other++) {
        const struct sim_group *group = &sim->groups[other];
        if (other == g || group->committed == SIM_NONE ||
            !rind_realm_id_equal(&group->realm, &sim->groups[g].realm)) {
            continue;
        }
        const struct rind_log_entry *theirs = &sim->entries[group->committed].entry;
        SIM_CHECK(sim,
                  !theirs->has_partition ||
                      !rind_owned_range_overlaps(&mine->partition.range, &theirs->partition.range),
                  "groups g%u and g%u both own records in committed state (invariant 10)", g,
                  other);
    }
}

/* The first time that an entry is known to be committed. */
static void release_note_committed(struct sim *sim, uint32_t e)
{
    struct sim_entry *entry = &sim->entries[e];
    entry->is_committed = true;
    if (entry->taken_out != SIM_NONE) {
        struct sim_entry *out = &sim->entries[entry->taken_out];
        SIM_CHECK(sim, out->taken_by == SIM_NONE,
                  "a range was taken twice from one transfer (invariant 10)");
        out->taken_by = e;
        sim->counters.transfers++;
    }
    const struct sim_expected *expected = &entry->expected;
    if (!expected->exists || expected->registration == SIM_NONE) {
        return;
    }
    enum rind_secrets_request_kind kind = sim->messages[expected->message].request.kind;
    struct sim_registration *registration = &sim->registrations[expected->registration];
    if (kind == RIND_SECRETS_REQUEST_RECOVER3 && expected->outcome == RIND_RECOVER3_OK) {
        registration->committed_resets++;
    }
    if (kind == RIND_SECRETS_REQUEST_REGISTER2) {
        registration->committed_writes++;
    }
}

void sim_judge_committed(struct sim *sim, uint32_t g, uint32_t e)
{
    struct sim_group *group = &sim->groups[g];
    if (sim_is_ancestor(sim, e, group->committed)) {
        return;
    }
    SIM_CHECK(sim, group->committed == SIM_NONE || sim_is_ancestor(sim, group->committed, e),
              "g%u has two committed histories: they part before index %llu (invariant 1)", g,
              (unsigned long long)sim->entries[e].entry.index);
    uint32_t path = e;
    while (path != SIM_NONE && !sim->entries[path].is_committed) {
        release_note_committed(sim, path);
        path = sim->entries[path].parent;
    }
    group->committed = e;
    release_check_owners(sim, g);
}

/* Opens the answer with a copy of the client's keys; the session that a handshake leads to. */
static struct rind_slice release_open(struct sim *sim, const struct sim_message *message,
                                      const struct rind_noise_response *response,
                                      struct rind_noise_session *session)
{
    struct rind_slice ciphertext = response->kind == RIND_NOISE_RESPONSE_HANDSHAKE
                                       ? response->handshake.handshake.payload_ciphertext
                                       : response->transport.ciphertext;
    SIM_CHECK(sim, message->is_handshake == (response->kind == RIND_NOISE_RESPONSE_HANDSHAKE),
              "a client is answered by the wrong kind of Noise message");
    SIM_CHECK(sim, ciphertext.length == 472 + RIND_NOISE_TAG_SIZE,
              "a released answer has %zu bytes, not 488", ciphertext.length);
    uint8_t *plaintext = sim_alloc(sim, ciphertext.length);
    rind_status status;
    if (message->is_handshake) {
        struct rind_noise_handshake handshake = message->handshake;
        status = rind_noise_client_finish(&sim->ctx, &handshake,
                                          response->handshake.handshake.server_ephemeral_public,
                                          ciphertext, plaintext, session);
    } else {
        *session = message->session;
        status = rind_noise_decrypt(&sim->ctx, session, ciphertext, plaintext);
    }
    SIM_CHECK(sim, rind_is_ok(status), "a client cannot open its answer: %s", sim->ctx.sentence);
    return rind_slice_make(plaintext, ciphertext.length - RIND_NOISE_TAG_SIZE);
}

static void release_decode(struct sim *sim, struct rind_slice plaintext,
                           struct rind_secrets_response *response)
{
    struct rind_padded_secrets_response padded;
    rind_status status = rind_wire_decode_lenient(&sim->ctx, &rind_padded_secrets_response_schema,
                                                  plaintext, &padded);
    SIM_CHECK(sim, rind_is_ok(status) && padded.unpadded_length <= sizeof(padded.padded_bytes),
              "an answer is not padded as it must be");
    uint8_t *inner = sim_alloc(sim, sizeof(padded.padded_bytes));
    memcpy(inner, padded.padded_bytes, sizeof(padded.padded_bytes));
    status = rind_wire_decode_lenient(&sim->ctx, &rind_secrets_response_schema,
                                      rind_slice_make(inner, padded.unpadded_length), response);
    SIM_CHECK(sim, rind_is_ok(status), "an answer cannot be decoded: %s", sim->ctx.sentence);
}

/* A client's own check of a Recover2: the evaluation is the registered key's, and proved to be. */
static void release_check_evaluation(struct sim *sim, const struct sim_message *message,
                                     const struct rind_register2_request *registered,
                                     const struct rind_recover2_ok *ok)
{
    struct rind_scalar key;
    memcpy(key.bytes, registered->oprf_private_key, sizeof(key.bytes));
    struct rind_point blinded;
    memcpy(blinded.bytes, message->request.recover2.oprf_blinded_input, sizeof(blinded.bytes));
    struct rind_point public_key;
    memcpy(public_key.bytes, ok->oprf_signed_public_key.public_key, sizeof(public_key.bytes));
    struct rind_point result;
    memcpy(result.bytes, ok->oprf_blinded_result, sizeof(result.bytes));
    struct rind_point wanted;
    rind_status status = rind_oprf_evaluate(&sim->ctx, &key, &blinded, &wanted);
    SIM_CHECK(sim, rind_is_ok(status) && rind_point_equal(&wanted, &result),
              "Recover2 was evaluated with another key than the registered one");
    struct rind_dleq proof;
    memcpy(proof.c.bytes, ok->oprf_proof.c, sizeof(proof.c.bytes));
    memcpy(proof.beta_z.bytes, ok->oprf_proof.beta_z, sizeof(proof.beta_z.bytes));
    status = rind_dleq_verify(&sim->ctx, &public_key, &blinded, &result, &proof);
    SIM_CHECK(sim, rind_is_ok(status), "the proof of a Recover2 does not hold");
}

static void release_recover2(struct sim *sim, const struct sim_message *message,
                             const struct sim_expected *expected, const struct rind_recover2_ok *ok)
{
    struct sim_registration *registration = &sim->registrations[expected->registration];
    const struct rind_register2_request *registered = &registration->request;
    uint16_t guesses = registered->policy.num_guesses;
    uint16_t over =
        guesses > 255 && expected->guess_count > 255 ? (uint16_t)(expected->guess_count - 255) : 0;
    SIM_CHECK(sim,
              ok->num_guesses == guesses - over && ok->guess_count == expected->guess_count - over,
              "Recover2 shows guess %u of %u where it is guess %u of %u", ok->guess_count,
              ok->num_guesses, expected->guess_count, guesses);
    SIM_CHECK(sim,
              memcmp(ok->unlock_key_commitment, registered->unlock_key_commitment,
                     sizeof(ok->unlock_key_commitment)) == 0 &&
                  memcmp(&ok->oprf_signed_public_key, &registered->oprf_signed_public_key,
                         sizeof(ok->oprf_signed_public_key)) == 0,
              "Recover2 shows values of another registration");
    release_check_evaluation(sim, message, registered, ok);
    registration->released_guesses++;
    sim->counters.guesses++;
    /* A reset that commits later may lie earlier: resets are counted when they are committed. */
    uint32_t lives = registration->committed_resets +
                     (registration->committed_writes > 0 ? registration->committed_writes : 1);
    SIM_CHECK(sim, registration->released_guesses <= lives * (uint32_t)guesses,
              "user u%u was given %u guesses where the policy allows %u (%u recoveries)",
              registration->user, registration->released_guesses, lives * (uint32_t)guesses,
              registration->committed_resets);
}

static void release_recover3(struct sim *sim, const struct sim_expected *expected,
                             const struct rind_recover3_response *response)
{
    if (expected->outcome == RIND_RECOVER3_BAD_UNLOCK_KEY_TAG) {
        SIM_CHECK(sim, response->bad_unlock_key_tag.guesses_remaining == expected->remaining,
                  "Recover3 leaves %u guesses where %u are left",
                  response->bad_unlock_key_tag.guesses_remaining, expected->remaining);
    }
    if (expected->outcome != RIND_RECOVER3_OK) {
        return;
    }
    struct sim_registration *registration = &sim->registrations[expected->registration];
    const struct rind_register2_request *registered = &registration->request;
    const struct rind_recover3_ok *ok = &response->ok;
    SIM_CHECK(sim,
              memcmp(ok->encryption_key_scalar_share, registered->encryption_key_scalar_share,
                     sizeof(ok->encryption_key_scalar_share)) == 0 &&
                  memcmp(ok->encrypted_secret, registered->encrypted_secret,
                         sizeof(ok->encrypted_secret)) == 0 &&
                  memcmp(ok->encrypted_secret_commitment, registered->encrypted_secret_commitment,
                         sizeof(ok->encrypted_secret_commitment)) == 0,
              "Recover3 gives another secret than the one registered");
    registration->released_recovers++;
    sim->counters.recovered++;
}

/* The response's outcome as a number of its kind; all kinds start with `kind`. */
static unsigned release_outcome(const struct rind_secrets_response *response)
{
    switch (response->kind) {
    case RIND_SECRETS_RESPONSE_REGISTER1:
        return response->register1.kind;
    case RIND_SECRETS_RESPONSE_REGISTER2:
        return response->register2.kind;
    case RIND_SECRETS_RESPONSE_RECOVER1:
        return response->recover1.kind;
    case RIND_SECRETS_RESPONSE_RECOVER2:
        return response->recover2.kind;
    case RIND_SECRETS_RESPONSE_RECOVER3:
        return response->recover3.kind;
    case RIND_SECRETS_RESPONSE_DELETE:
        return response->delete.kind;
    }
    return 0;
}

static void release_check_response(struct sim *sim, const struct sim_expected *expected,
                                   const struct rind_secrets_response *response)
{
    const struct sim_message *message = &sim->messages[expected->message];
    SIM_CHECK(sim, (unsigned)response->kind == (unsigned)message->request.kind,
              "a client asked request %u and got the answer to request %u",
              (unsigned)message->request.kind, (unsigned)response->kind);
    SIM_CHECK(sim, release_outcome(response) == expected->outcome,
              "a client was answered %u to request %u where it must be %u",
              release_outcome(response), (unsigned)response->kind, expected->outcome);
    if (response->kind == RIND_SECRETS_RESPONSE_RECOVER1 && expected->outcome == RIND_RECOVER1_OK) {
        SIM_CHECK(sim,
                  memcmp(response->recover1.ok.version,
                         sim->registrations[expected->registration].request.version,
                         sizeof(response->recover1.ok.version)) == 0,
                  "Recover1 shows the version of another registration");
    }
    if (response->kind == RIND_SECRETS_RESPONSE_RECOVER2 && expected->outcome == RIND_RECOVER2_OK) {
        release_recover2(sim, message, expected, &response->recover2.ok);
    }
    if (response->kind == RIND_SECRETS_RESPONSE_RECOVER3) {
        release_recover3(sim, expected, &response->recover3);
    }
}

/* What the host is told about a committed request, spec 02 section 13.3. */
static void release_check_result(struct sim *sim, const struct sim_expected *expected,
                                 const struct rind_app_result_type *result)
{
    enum rind_secrets_request_kind kind = sim->messages[expected->message].request.kind;
    SIM_CHECK(sim, (unsigned)result->kind == (unsigned)kind, "a result names another request");
    if (kind == RIND_SECRETS_REQUEST_RECOVER2) {
        bool is_ok = expected->outcome == RIND_RECOVER2_OK;
        SIM_CHECK(sim,
                  result->recover2.has_updated == is_ok &&
                      (!is_ok ||
                       (result->recover2.updated.guess_count == expected->guess_count &&
                        result->recover2.updated.num_guesses ==
                            sim->registrations[expected->registration].request.policy.num_guesses)),
                  "the result of a Recover2 shows other guesses than were used");
    }
    if (kind == RIND_SECRETS_REQUEST_RECOVER3) {
        SIM_CHECK(sim, result->recover3.recovered == (expected->outcome == RIND_RECOVER3_OK),
                  "the result of a Recover3 is not what happened");
    }
}

void sim_judge_release(struct sim *sim, const struct sim_slot *slot,
                       const struct rind_released_response *released)
{
    const struct sim_entry *entry = &sim->entries[slot->entry];
    const struct sim_expected *expected = &slot->expected;
    SIM_CHECK(sim, rind_mac_equal(&released->mac, &entry->entry.entry_mac),
              "a released answer names another entry than its own");
    const struct sim_message *message = &sim->messages[expected->message];
    struct rind_noise_session session;
    struct rind_slice plaintext = release_open(sim, message, &released->response, &session);
    struct rind_secrets_response response;
    release_decode(sim, plaintext, &response);
    release_check_response(sim, expected, &response);
    release_check_result(sim, expected, &released->result);
    if (message->is_handshake) {
        sim_client_adopt(sim, expected->message, &session, entry->hsm, entry->group);
    }
    sim->counters.released++;
}
