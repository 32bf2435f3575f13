/* judge_users.c - the table of spec 02 section 13.2, written down once more. */
#include "judge.h"

static bool users_same_version(const struct sim *sim, const struct sim_record *record,
                               const uint8_t version[static 16])
{
    const struct rind_register2_request *registered =
        &sim->registrations[record->registration].request;
    return memcmp(registered->version, version, sizeof(registered->version)) == 0;
}

static void users_recover2(const struct sim *sim, const struct rind_recover2_request *request,
                           struct sim_outcome *outcome)
{
    struct sim_record *record = &outcome->record;
    struct sim_expected *expected = &outcome->expected;
    if (record->kind == RIND_REGISTRATION_NOT_REGISTERED) {
        expected->outcome = RIND_RECOVER2_NOT_REGISTERED;
    } else if (record->kind == RIND_REGISTRATION_NO_GUESSES) {
        expected->outcome = RIND_RECOVER2_NO_GUESSES;
    } else if (!users_same_version(sim, record, request->version)) {
        expected->outcome = RIND_RECOVER2_VERSION_MISMATCH;
    } else if (record->guess_count >=
               sim->registrations[record->registration].request.policy.num_guesses) {
        record->kind = RIND_REGISTRATION_NO_GUESSES;
        expected->outcome = RIND_RECOVER2_NO_GUESSES;
    } else {
        record->guess_count++;
        expected->outcome = RIND_RECOVER2_OK;
        expected->guess_count = record->guess_count;
    }
}

static void users_recover3(const struct sim *sim, const struct rind_recover3_request *request,
                           struct sim_outcome *outcome)
{
    struct sim_record *record = &outcome->record;
    struct sim_expected *expected = &outcome->expected;
    if (record->kind == RIND_REGISTRATION_NOT_REGISTERED) {
        expected->outcome = RIND_RECOVER3_NOT_REGISTERED;
        return;
    }
    if (record->kind == RIND_REGISTRATION_NO_GUESSES) {
        expected->outcome = RIND_RECOVER3_NO_GUESSES;
        return;
    }
    const struct rind_register2_request *registered =
        &sim->registrations[record->registration].request;
    if (!users_same_version(sim, record, request->version)) {
        expected->outcome = RIND_RECOVER3_VERSION_MISMATCH;
    } else if (memcmp(registered->unlock_key_tag, request->unlock_key_tag,
                      sizeof(request->unlock_key_tag)) != 0) {
        expected->outcome = RIND_RECOVER3_BAD_UNLOCK_KEY_TAG;
        expected->remaining = (uint16_t)(registered->policy.num_guesses - record->guess_count);
        if (expected->remaining == 0) {
            record->kind = RIND_REGISTRATION_NO_GUESSES;
        }
    } else {
        record->guess_count = 0;
        expected->outcome = RIND_RECOVER3_OK;
    }
}

static void users_recover1(const struct sim *sim, struct sim_outcome *outcome)
{
    struct sim_record *record = &outcome->record;
    outcome->expected.outcome = RIND_RECOVER1_OK;
    if (record->kind == RIND_REGISTRATION_NOT_REGISTERED) {
        outcome->expected.outcome = RIND_RECOVER1_NOT_REGISTERED;
    } else if (record->kind == RIND_REGISTRATION_NO_GUESSES) {
        outcome->expected.outcome = RIND_RECOVER1_NO_GUESSES;
    } else if (record->guess_count >=
               sim->registrations[record->registration].request.policy.num_guesses) {
        record->kind = RIND_REGISTRATION_NO_GUESSES;
        outcome->expected.outcome = RIND_RECOVER1_NO_GUESSES;
    }
}

struct sim_outcome sim_judge_user(struct sim *sim, uint32_t m, const struct sim_record *before)
{
    const struct sim_message *message = &sim->messages[m];
    bool had_record = before->kind != RIND_REGISTRATION_NOT_REGISTERED;
    struct sim_outcome outcome = {
        .record = *before,
        .has_write = had_record,
        .expected = {.exists = true, .message = m, .registration = before->registration},
    };
    switch (message->request.kind) {
    case RIND_SECRETS_REQUEST_REGISTER1:
        outcome.has_write = false;
        outcome.expected.outcome = RIND_REGISTER1_OK;
        break;
    case RIND_SECRETS_REQUEST_REGISTER2:
        outcome.has_write = true;
        outcome.record.kind = RIND_REGISTRATION_REGISTERED;
        outcome.record.guess_count = 0;
        outcome.record.registration = message->registration;
        outcome.expected.registration = outcome.record.registration;
        outcome.expected.outcome = RIND_REGISTER2_OK;
        break;
    case RIND_SECRETS_REQUEST_RECOVER1:
        users_recover1(sim, &outcome);
        break;
    case RIND_SECRETS_REQUEST_RECOVER2:
        users_recover2(sim, &message->request.recover2, &outcome);
        break;
    case RIND_SECRETS_REQUEST_RECOVER3:
        users_recover3(sim, &message->request.recover3, &outcome);
        break;
    case RIND_SECRETS_REQUEST_DELETE:
        outcome.record.kind = RIND_REGISTRATION_NOT_REGISTERED;
        outcome.record.guess_count = 0;
        outcome.expected.outcome = RIND_DELETE_OK;
        break;
    }
    outcome.record.has_leaf = outcome.record.has_leaf || outcome.has_write;
    return outcome;
}
