/*
 * judge_transfer.c - moving ranges between groups (spec 02 section 14).
 *
 * A range may be taken only with what its owner testified to after its giving-up entry had
 * committed, for the nonce of the leader that takes it; and what arrives is what left.
 */
#include "judge.h"

/* The four kinds that all six answers start with. */
static unsigned transfer_standing(enum sim_standing standing)
{
    switch (standing) {
    case SIM_STANDING_INVALID_REALM:
        return RIND_HSM_PREPARE_TRANSFER_INVALID_REALM;
    case SIM_STANDING_INVALID_GROUP:
        return RIND_HSM_PREPARE_TRANSFER_INVALID_GROUP;
    case SIM_STANDING_NOT_LEADER:
        return RIND_HSM_PREPARE_TRANSFER_NOT_LEADER;
    case SIM_STANDING_OK:
        break;
    }
    return RIND_HSM_PREPARE_TRANSFER_OK;
}

static bool transfer_is_in(const struct rind_log_entry *entry, const struct rind_group_id *source,
                           const struct rind_owned_range *range)
{
    return entry->has_transferring && entry->transferring.kind == RIND_TRANSFERRING_IN &&
           rind_group_id_equal(&entry->transferring.in.source, source) &&
           rind_owned_range_equal(&entry->transferring.in.range, range);
}

static bool transfer_is_out(const struct rind_log_entry *entry,
                            const struct rind_group_id *destination)
{
    return entry->has_transferring && entry->transferring.kind == RIND_TRANSFERRING_OUT &&
           rind_group_id_equal(&entry->transferring.out.destination, destination);
}

/* The entry of the destination that prepared the transfer, as its nonces name it. */
static uint64_t transfer_preparation(const struct rind_transfer_nonce *nonce)
{
    return rind_get_be64(nonce->bytes);
}

/* Adjacent on either side; *joined is both. */
static bool transfer_join(const struct rind_owned_range *a, const struct rind_owned_range *b,
                          struct rind_owned_range *joined)
{
    struct rind_record_id next;
    if (rind_record_id_next(&a->end, &next) && rind_record_id_equal(&next, &b->start)) {
        *joined = (struct rind_owned_range){.start = a->start, .end = b->end};
        return true;
    }
    if (rind_record_id_next(&b->end, &next) && rind_record_id_equal(&next, &a->start)) {
        *joined = (struct rind_owned_range){.start = b->start, .end = a->end};
        return true;
    }
    return false;
}

static const struct rind_partition *transfer_partition(const struct rind_log_entry *entry)
{
    return entry->has_partition ? &entry->partition : NULL;
}

static unsigned transfer_prepare_kind(const struct sim_member *member,
                                      const struct rind_log_entry *last,
                                      const struct rind_hsm_prepare_transfer_request *request)
{
    struct rind_owned_range joined;
    if (transfer_is_in(last, &request->source, &request->range)) {
        return RIND_HSM_PREPARE_TRANSFER_OK;
    }
    if (last->has_transferring) {
        return RIND_HSM_PREPARE_TRANSFER_OTHER_TRANSFER_PENDING;
    }
    if (last->has_partition && !transfer_join(&last->partition.range, &request->range, &joined)) {
        return RIND_HSM_PREPARE_TRANSFER_UNACCEPTABLE_RANGE;
    }
    return sim_has_room(member, 1) ? RIND_HSM_PREPARE_TRANSFER_OK
                                   : RIND_HSM_PREPARE_TRANSFER_NOT_LEADER;
}

static void transfer_note_prepared(struct sim *sim, uint32_t h, uint32_t g,
                                   const struct rind_hsm_prepare_transfer_request *request,
                                   const struct rind_hsm_prepare_transfer_ok *ok)
{
    for (size_t i = 0; i < sim->prepared_count; i++) {
        SIM_CHECK(sim,
                  memcmp(sim->prepared[i].message.nonce.bytes, ok->nonce.bytes,
                         sizeof(ok->nonce.bytes)) != 0,
                  "a transfer's nonce was used before (invariant 10)");
    }
    struct sim_member *member = &sim->groups[g].members[h];
    member->has_incoming = true;
    member->incoming = ok->nonce;
    sim->prepared = sim_grow(sim->prepared, sim->prepared_count, &sim->prepared_capacity,
                             sizeof(*sim->prepared));
    sim->prepared[sim->prepared_count] = (struct sim_prepared){
        .keyset = sim->hsms[h].keyset,
        .message = {.realm = request->realm,
                    .source = request->source,
                    .destination = request->destination,
                    .range = request->range,
                    .nonce = ok->nonce},
        .statement = ok->statement,
    };
    sim->prepared_count++;
}

void sim_judge_prepare(struct sim *sim, uint32_t h,
                       const struct rind_hsm_prepare_transfer_request *request,
                       const struct rind_hsm_prepare_transfer_response *answer)
{
    uint32_t g = SIM_NONE;
    unsigned expected;
    if (rind_group_id_equal(&request->source, &request->destination)) {
        expected = RIND_HSM_PREPARE_TRANSFER_INVALID_GROUP;
    } else if (rind_record_id_compare(&request->range.start, &request->range.end) > 0) {
        expected = RIND_HSM_PREPARE_TRANSFER_UNACCEPTABLE_RANGE;
    } else {
        expected =
            transfer_standing(sim_judge_leader(sim, h, &request->realm, &request->destination, &g));
    }
    struct rind_log_entry last;
    if (expected == RIND_HSM_PREPARE_TRANSFER_OK) {
        struct sim_member *member = &sim->groups[g].members[h];
        last = sim_log_last(sim, member)->entry;
        expected = transfer_prepare_kind(member, &last, request);
    }
    sim_judge_kind(sim, RIND_HSM_REQUEST_PREPARE_TRANSFER, answer->kind, expected);
    if (expected != RIND_HSM_PREPARE_TRANSFER_OK) {
        return;
    }
    const struct rind_hsm_prepare_transfer_ok *ok = &answer->ok;
    SIM_CHECK(sim, ok->has_entry == !last.has_transferring, "PrepareTransfer repeats its entry");
    uint64_t at = last.has_transferring ? last.transferring.in.at : last.index + 1;
    if (ok->has_entry) {
        const struct rind_transferring in = {
            .kind = RIND_TRANSFERRING_IN,
            .in = {.source = request->source, .range = request->range, .at = at}};
        (void)sim_judge_new_entry(sim, h, g, &ok->entry, transfer_partition(&last), &in, 0, false);
    }
    SIM_CHECK(sim, ok->wait_til_committed == at && ok->clock == sim->groups[g].members[h].clock,
              "PrepareTransfer names another index or clock to wait for");
    SIM_CHECK(sim, transfer_preparation(&ok->nonce) == at,
              "a nonce does not name the entry that prepared its transfer (02 section 14.7)");
    transfer_note_prepared(sim, h, g, request, ok);
}

/* CancelPreparedTransfer and CompleteTransfer: append an entry that ends the pending transfer. */
static void transfer_end(struct sim *sim, uint32_t h, uint32_t g,
                         const struct rind_log_entry *entry, uint64_t clock)
{
    struct sim_member *member = &sim->groups[g].members[h];
    const struct rind_log_entry last = sim_log_last(sim, member)->entry;
    (void)sim_judge_new_entry(sim, h, g, entry, transfer_partition(&last), NULL, 0, false);
    SIM_CHECK(sim, clock == member->clock, "a transfer's answer names another clock");
}

void sim_judge_cancel(struct sim *sim, uint32_t h,
                      const struct rind_hsm_cancel_prepared_transfer_request *request,
                      const struct rind_hsm_cancel_prepared_transfer_response *answer)
{
    uint32_t g = SIM_NONE;
    unsigned expected =
        transfer_standing(sim_judge_leader(sim, h, &request->realm, &request->destination, &g));
    if (expected == RIND_HSM_CANCEL_PREPARED_TRANSFER_OK) {
        const struct sim_member *member = &sim->groups[g].members[h];
        bool is_in =
            transfer_is_in(&sim_log_last(sim, member)->entry, &request->source, &request->range);
        expected = !is_in                    ? RIND_HSM_CANCEL_PREPARED_TRANSFER_NOT_PREPARED
                   : sim_has_room(member, 1) ? RIND_HSM_CANCEL_PREPARED_TRANSFER_OK
                                             : RIND_HSM_CANCEL_PREPARED_TRANSFER_NOT_LEADER;
    }
    sim_judge_kind(sim, RIND_HSM_REQUEST_CANCEL_PREPARED_TRANSFER, answer->kind, expected);
    if (expected == RIND_HSM_CANCEL_PREPARED_TRANSFER_OK) {
        transfer_end(sim, h, g, &answer->ok.entry, answer->ok.clock);
        sim->groups[g].members[h].has_incoming = false;
    }
}

void sim_judge_complete(struct sim *sim, uint32_t h,
                        const struct rind_hsm_complete_transfer_request *request,
                        const struct rind_hsm_complete_transfer_response *answer)
{
    uint32_t g = SIM_NONE;
    unsigned expected = RIND_HSM_COMPLETE_TRANSFER_INVALID_GROUP;
    if (!rind_group_id_equal(&request->source, &request->destination)) {
        expected =
            transfer_standing(sim_judge_leader(sim, h, &request->realm, &request->source, &g));
    }
    if (expected == RIND_HSM_COMPLETE_TRANSFER_OK) {
        const struct sim_member *member = &sim->groups[g].members[h];
        const struct rind_log_entry *last = &sim_log_last(sim, member)->entry;
        bool is_out =
            transfer_is_out(last, &request->destination) &&
            rind_owned_range_equal(&last->transferring.out.partition.range, &request->range);
        expected = !is_out                   ? RIND_HSM_COMPLETE_TRANSFER_NOT_TRANSFERRING
                   : sim_has_room(member, 1) ? RIND_HSM_COMPLETE_TRANSFER_OK
                                             : RIND_HSM_COMPLETE_TRANSFER_NOT_LEADER;
    }
    sim_judge_kind(sim, RIND_HSM_REQUEST_COMPLETE_TRANSFER, answer->kind, expected);
    if (expected == RIND_HSM_COMPLETE_TRANSFER_OK) {
        transfer_end(sim, h, g, &answer->ok.entry, answer->ok.clock);
    }
}

static bool transfer_is_prepared(const struct sim *sim, unsigned keyset,
                                 const struct rind_hsm_transfer_out_request *request)
{
    for (size_t i = sim->prepared_count; i > 0; i--) {
        const struct sim_prepared *known = &sim->prepared[i - 1];
        if (known->keyset == keyset && rind_mac_equal(&known->statement, &request->statement)) {
            return rind_realm_id_equal(&known->message.realm, &request->realm) &&
                   rind_group_id_equal(&known->message.source, &request->source) &&
                   rind_group_id_equal(&known->message.destination, &request->destination) &&
                   rind_owned_range_equal(&known->message.range, &request->range) &&
                   rind_transfer_nonce_equal(&known->message.nonce, &request->nonce);
        }
    }
    return false;
}

/* What is kept when `part` is cut off `owned`, and the key to cut at; false if it cannot be. */
static bool transfer_cut(const struct rind_owned_range *owned, const struct rind_owned_range *part,
                         struct rind_owned_range *kept, struct rind_record_id *key)
{
    *kept = *owned;
    if (rind_record_id_equal(&owned->start, &part->start) &&
        rind_record_id_compare(&part->end, &owned->end) < 0) {
        bool has_next = rind_record_id_next(&part->end, &kept->start);
        *key = kept->start;
        return has_next;
    }
    if (rind_record_id_equal(&owned->end, &part->end) &&
        rind_record_id_compare(&part->start, &owned->start) > 0) {
        *key = part->start;
        return rind_record_id_prev(&part->start, &kept->end);
    }
    return false;
}

/* Steps 3 to 6. A refusal for the proof's sake is left to the caller. */
static unsigned transfer_out_kind(const struct sim *sim, const struct sim_member *member,
                                  const struct rind_hsm_transfer_out_request *request)
{
    const struct rind_log_entry *last = &sim_log_last(sim, member)->entry;
    if (transfer_is_out(last, &request->destination) &&
        rind_owned_range_equal(&last->transferring.out.partition.range, &request->range) &&
        sim_log_last(sim, member)->preparation == transfer_preparation(&request->nonce)) {
        return RIND_HSM_TRANSFER_OUT_OK;
    }
    if (last->has_transferring) {
        return RIND_HSM_TRANSFER_OUT_OTHER_TRANSFER_PENDING;
    }
    if (!last->has_partition) {
        return RIND_HSM_TRANSFER_OUT_NOT_OWNER;
    }
    if (!rind_owned_range_equal(&last->partition.range, &request->range)) {
        struct rind_owned_range kept;
        struct rind_record_id key;
        if (!request->has_proof) {
            return RIND_HSM_TRANSFER_OUT_MISSING_PROOF;
        }
        if (!transfer_cut(&last->partition.range, &request->range, &kept, &key)) {
            return RIND_HSM_TRANSFER_OUT_NOT_OWNER;
        }
        if (!rind_record_id_equal(&key, &request->proof.key)) {
            return RIND_HSM_TRANSFER_OUT_MISSING_PROOF;
        }
    }
    return sim_has_room(member, 1) ? RIND_HSM_TRANSFER_OUT_OK : RIND_HSM_TRANSFER_OUT_NOT_LEADER;
}

static void transfer_out_done(struct sim *sim, uint32_t h, uint32_t g,
                              const struct rind_hsm_transfer_out_request *request,
                              const struct rind_hsm_transfer_out_ok *ok)
{
    struct sim_member *member = &sim->groups[g].members[h];
    const struct sim_entry last = *sim_log_last(sim, member);
    SIM_CHECK(sim, ok->has_entry == !last.entry.has_transferring, "TransferOut repeats its entry");
    struct rind_transferring out = last.entry.transferring;
    if (ok->has_entry) {
        out = (struct rind_transferring){.kind = RIND_TRANSFERRING_OUT,
                                         .out = {.destination = request->destination,
                                                 .partition = {.range = request->range},
                                                 .at = last.entry.index + 1}};
        sim_tree_root(sim, last.records, &request->range, &out.out.partition.root_hash);
        struct rind_partition kept;
        struct rind_record_id key;
        bool is_part =
            transfer_cut(&last.entry.partition.range, &request->range, &kept.range, &key);
        if (is_part) {
            sim_tree_root(sim, last.records, &kept.range, &kept.root_hash);
        }
        (void)sim_judge_new_entry(sim, h, g, &ok->entry, is_part ? &kept : NULL, &out,
                                  transfer_preparation(&request->nonce), false);
        sim_nodes_add(sim, &ok->delta);
    }
    SIM_CHECK(sim,
              rind_owned_range_equal(&ok->partition.range, &out.out.partition.range) &&
                  rind_data_hash_equal(&ok->partition.root_hash, &out.out.partition.root_hash) &&
                  ok->wait_til_committed == out.out.at && ok->clock == member->clock,
              "TransferOut names another partition, index or clock than its entry");
}

void sim_judge_transfer_out(struct sim *sim, uint32_t h,
                            const struct rind_hsm_transfer_out_request *request,
                            const struct rind_hsm_transfer_out_response *answer)
{
    uint32_t g = SIM_NONE;
    unsigned expected;
    if (rind_group_id_equal(&request->source, &request->destination)) {
        expected = RIND_HSM_TRANSFER_OUT_INVALID_GROUP;
    } else if (rind_record_id_compare(&request->range.start, &request->range.end) > 0) {
        expected = RIND_HSM_TRANSFER_OUT_NOT_OWNER;
    } else {
        expected =
            transfer_standing(sim_judge_leader(sim, h, &request->realm, &request->source, &g));
    }
    if (expected == RIND_HSM_TRANSFER_OUT_OK) {
        const struct sim_member *member = &sim->groups[g].members[h];
        expected = transfer_is_prepared(sim, sim->hsms[h].keyset, request)
                       ? transfer_out_kind(sim, member, request)
                       : RIND_HSM_TRANSFER_OUT_INVALID_STATEMENT;
    }
    bool is_about_proof = answer->kind == RIND_HSM_TRANSFER_OUT_STALE_PROOF ||
                          answer->kind == RIND_HSM_TRANSFER_OUT_INVALID_PROOF;
    bool may_be = expected == RIND_HSM_TRANSFER_OUT_OK && !sim->is_proof_honest;
    /* A full log shows only after the proof. */
    may_be = may_be || (expected == RIND_HSM_TRANSFER_OUT_NOT_LEADER && g != SIM_NONE &&
                        !sim_has_room(&sim->groups[g].members[h], 1));
    if (is_about_proof && request->has_proof && may_be) {
        return;
    }
    sim_judge_kind(sim, RIND_HSM_REQUEST_TRANSFER_OUT, answer->kind, expected);
    if (answer->kind == RIND_HSM_TRANSFER_OUT_OK) {
        transfer_out_done(sim, h, g, request, &answer->ok);
    }
}

void sim_judge_transfer_statement(struct sim *sim, uint32_t h,
                                  const struct rind_hsm_transfer_statement_request *request,
                                  const struct rind_hsm_transfer_statement_response *answer)
{
    uint32_t g = SIM_NONE;
    unsigned expected = RIND_HSM_TRANSFER_STATEMENT_INVALID_GROUP;
    if (!rind_group_id_equal(&request->source, &request->destination)) {
        expected =
            transfer_standing(sim_judge_leader(sim, h, &request->realm, &request->source, &g));
    }
    if (expected != RIND_HSM_TRANSFER_STATEMENT_OK) {
        sim_judge_kind(sim, RIND_HSM_REQUEST_TRANSFER_STATEMENT, answer->kind, expected);
        return;
    }
    const struct sim_member *member = &sim->groups[g].members[h];
    const struct rind_log_entry *last = &sim_log_last(sim, member)->entry;
    if (!transfer_is_out(last, &request->destination) ||
        sim_log_last(sim, member)->preparation != transfer_preparation(&request->nonce)) {
        expected = RIND_HSM_TRANSFER_STATEMENT_NOT_TRANSFERRING;
    } else if (!member->has_committed || member->committed < last->transferring.out.at) {
        expected = RIND_HSM_TRANSFER_STATEMENT_BUSY;
    }
    sim_judge_kind(sim, RIND_HSM_REQUEST_TRANSFER_STATEMENT, answer->kind, expected);
    if (answer->kind != RIND_HSM_TRANSFER_STATEMENT_OK) {
        return;
    }
    uint32_t head = member->log[member->log_count - 1].entry;
    uint32_t out = sim_ancestor_at(sim, head, last->transferring.out.at);
    SIM_CHECK(sim, out != SIM_NONE && sim->entries[out].is_committed,
              "a transfer was testified to before it committed (invariant 10)");
    sim->transfers = sim_grow(sim->transfers, sim->transfer_count, &sim->transfer_capacity,
                              sizeof(*sim->transfers));
    sim->transfers[sim->transfer_count] = (struct sim_transfer){
        .keyset = sim->hsms[h].keyset,
        .message = {.realm = request->realm,
                    .partition = last->transferring.out.partition,
                    .destination = request->destination,
                    .nonce = request->nonce},
        .statement = answer->statement,
        .out = out,
    };
    sim->transfer_count++;
}

/* The entry that gave the range away, as a genuine statement of it says; else SIM_NONE. */
static uint32_t transfer_testified(const struct sim *sim, unsigned keyset,
                                   const struct rind_hsm_transfer_in_request *request)
{
    for (size_t i = sim->transfer_count; i > 0; i--) {
        const struct sim_transfer *known = &sim->transfers[i - 1];
        if (known->keyset == keyset && rind_mac_equal(&known->statement, &request->statement) &&
            rind_realm_id_equal(&known->message.realm, &request->realm) &&
            rind_group_id_equal(&known->message.destination, &request->destination) &&
            rind_transfer_nonce_equal(&known->message.nonce, &request->nonce) &&
            rind_owned_range_equal(&known->message.partition.range, &request->transferring.range) &&
            rind_data_hash_equal(&known->message.partition.root_hash,
                                 &request->transferring.root_hash)) {
            return known->out;
        }
    }
    return SIM_NONE;
}

static unsigned transfer_in_kind(struct sim *sim, uint32_t h, const struct sim_member *member,
                                 const struct rind_hsm_transfer_in_request *request)
{
    const struct rind_log_entry *last = &sim_log_last(sim, member)->entry;
    if (!transfer_is_in(last, &request->source, &request->transferring.range)) {
        return RIND_HSM_TRANSFER_IN_NOT_PREPARED;
    }
    if (!member->has_incoming || !rind_transfer_nonce_equal(&member->incoming, &request->nonce)) {
        return RIND_HSM_TRANSFER_IN_INVALID_NONCE;
    }
    if (last->has_partition) {
        const struct rind_read_proof *proof = &request->proofs.transferring;
        if (!request->has_proofs) {
            return RIND_HSM_TRANSFER_IN_MISSING_PROOFS;
        }
        if (!rind_owned_range_equal(&proof->range, &request->transferring.range) ||
            !rind_data_hash_equal(&proof->root_hash, &request->transferring.root_hash)) {
            return RIND_HSM_TRANSFER_IN_INVALID_PROOF;
        }
    }
    if (transfer_testified(sim, sim->hsms[h].keyset, request) == SIM_NONE) {
        return RIND_HSM_TRANSFER_IN_INVALID_STATEMENT;
    }
    return sim_has_room(member, 1) ? RIND_HSM_TRANSFER_IN_OK : RIND_HSM_TRANSFER_IN_NOT_LEADER;
}

static void transfer_in_done(struct sim *sim, uint32_t h, uint32_t g,
                             const struct rind_hsm_transfer_in_request *request,
                             const struct rind_hsm_transfer_in_ok *ok)
{
    struct sim_member *member = &sim->groups[g].members[h];
    const struct sim_entry last = *sim_log_last(sim, member);
    uint32_t out = transfer_testified(sim, sim->hsms[h].keyset, request);
    const struct sim_entry *given = &sim->entries[sim->entries[out].parent];
    struct rind_partition joined = request->transferring;
    struct sim_record records[SIM_USERS_MAX];
    memcpy(records, last.records, sizeof(records));
    for (uint32_t u = 0; u < sim->user_count; u++) {
        const struct rind_record_id *id = &sim->users[u].record_id;
        if (rind_record_id_compare(&request->transferring.range.start, id) <= 0 &&
            rind_record_id_compare(id, &request->transferring.range.end) <= 0) {
            records[u] = given->records[u];
        }
    }
    if (last.entry.has_partition) {
        bool can_join =
            transfer_join(&last.entry.partition.range, &request->transferring.range, &joined.range);
        SIM_CHECK(sim, can_join, "ranges were joined that do not touch");
        sim_tree_root(sim, records, &joined.range, &joined.root_hash);
    }
    uint32_t e = sim_judge_new_entry(sim, h, g, &ok->entry, &joined, NULL, 0, false);
    memcpy(sim->entries[e].records, records, sizeof(records));
    sim->entries[e].taken_out = out;
    SIM_CHECK(sim, ok->clock == member->clock, "TransferIn names another clock");
    member->has_incoming = false;
    sim_nodes_add(sim, &ok->delta);
}

void sim_judge_transfer_in(struct sim *sim, uint32_t h,
                           const struct rind_hsm_transfer_in_request *request,
                           const struct rind_hsm_transfer_in_response *answer)
{
    uint32_t g = SIM_NONE;
    unsigned expected =
        transfer_standing(sim_judge_leader(sim, h, &request->realm, &request->destination, &g));
    if (expected == RIND_HSM_TRANSFER_IN_OK) {
        expected = transfer_in_kind(sim, h, &sim->groups[g].members[h], request);
    }
    bool is_about_proof = answer->kind == RIND_HSM_TRANSFER_IN_STALE_PROOF ||
                          answer->kind == RIND_HSM_TRANSFER_IN_INVALID_PROOF;
    if (is_about_proof && request->has_proofs && expected == RIND_HSM_TRANSFER_IN_OK &&
        !sim->is_proof_honest) {
        return;
    }
    sim_judge_kind(sim, RIND_HSM_REQUEST_TRANSFER_IN, answer->kind, expected);
    if (answer->kind == RIND_HSM_TRANSFER_IN_OK) {
        transfer_in_done(sim, h, g, request, &answer->ok);
    }
}
