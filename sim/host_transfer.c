/* host_transfer.c - moving ranges between groups: driven on, or mixed up. */
#include "host.h"

static const struct sim_prepared *transfer_find_prepared(const struct sim *sim,
                                                         const struct rind_transfer_nonce *nonce)
{
    for (size_t i = sim->prepared_count; i > 0; i--) {
        if (rind_transfer_nonce_equal(&sim->prepared[i - 1].message.nonce, nonce)) {
            return &sim->prepared[i - 1];
        }
    }
    return NULL;
}

static void transfer_append(struct sim *sim, uint32_t group, uint32_t hsm)
{
    uint32_t head = sim_head(sim, group, hsm);
    if (head != SIM_NONE && (sim->entries[head].parent == sim->groups[group].tail)) {
        sim->groups[group].tail = head;
    }
}

static void transfer_prepare(struct sim *sim, uint32_t s, uint32_t d, uint32_t h,
                             const struct rind_owned_range *range)
{
    const struct rind_hsm_request request = {.kind = RIND_HSM_REQUEST_PREPARE_TRANSFER,
                                             .prepare_transfer = {.realm = sim->groups[d].realm,
                                                                  .source = sim->groups[s].id,
                                                                  .destination = sim->groups[d].id,
                                                                  .range = *range}};
    (void)sim_call(sim, h, &request);
    transfer_append(sim, d, h);
}

static void transfer_cancel(struct sim *sim, const struct rind_group_id *source, uint32_t d,
                            uint32_t h, const struct rind_owned_range *range)
{
    const struct rind_hsm_request request = {
        .kind = RIND_HSM_REQUEST_CANCEL_PREPARED_TRANSFER,
        .cancel_prepared_transfer = {.realm = sim->groups[d].realm,
                                     .source = *source,
                                     .destination = sim->groups[d].id,
                                     .range = *range}};
    (void)sim_call(sim, h, &request);
    transfer_append(sim, d, h);
}

/* An entry a little before the newest: its proof was good then. */
static uint32_t transfer_older(struct sim *sim, uint32_t head)
{
    uint64_t last = sim->entries[head].entry.index;
    uint64_t back = 1 + sim_below(&sim->random, 8);
    uint32_t older = sim_ancestor_at(sim, head, last > back ? last - back : 1);
    return older == SIM_NONE ? head : older;
}

static void transfer_out(struct sim *sim, uint32_t s, uint32_t h,
                         const struct sim_prepared *prepared)
{
    struct rind_hsm_request *request = sim_alloc(sim, sizeof(*request));
    request->kind = RIND_HSM_REQUEST_TRANSFER_OUT;
    struct rind_hsm_transfer_out_request *out = &request->transfer_out;
    out->realm = prepared->message.realm;
    out->source = prepared->message.source;
    out->destination = prepared->message.destination;
    out->range = prepared->message.range;
    out->nonce = prepared->message.nonce;
    out->statement = prepared->statement;
    uint32_t head = sim_head(sim, s, h);
    uint32_t basis = head;
    if (!sim->is_healing && sim_dice(sim, 1, 3)) {
        basis = transfer_older(sim, head);
    }
    const struct rind_log_entry *entry = &sim->entries[basis].entry;
    struct rind_record_id key;
    if (entry->has_partition &&
        rind_owned_range_split_at(&entry->partition.range, &out->range, &key)) {
        out->has_proof = sim_proof_record(sim, &entry->partition, &key, &out->proof);
    }
    sim->is_proof_honest = basis == head && rind_group_id_equal(&out->source, &sim->groups[s].id);
    (void)sim_call(sim, h, request);
    transfer_append(sim, s, h);
}

static void transfer_statement(struct sim *sim, uint32_t s, uint32_t h,
                               const struct rind_group_id *destination,
                               const struct rind_transfer_nonce *nonce)
{
    const struct rind_hsm_request request = {.kind = RIND_HSM_REQUEST_TRANSFER_STATEMENT,
                                             .transfer_statement = {.realm = sim->groups[s].realm,
                                                                    .source = sim->groups[s].id,
                                                                    .destination = *destination,
                                                                    .nonce = *nonce}};
    (void)sim_call(sim, h, &request);
}

static void transfer_in(struct sim *sim, const struct rind_group_id *source, uint32_t d, uint32_t h,
                        const struct sim_transfer *transfer)
{
    struct rind_hsm_request *request = sim_alloc(sim, sizeof(*request));
    request->kind = RIND_HSM_REQUEST_TRANSFER_IN;
    struct rind_hsm_transfer_in_request *in = &request->transfer_in;
    in->realm = transfer->message.realm;
    in->source = *source;
    in->destination = transfer->message.destination;
    in->transferring = transfer->message.partition;
    in->nonce = transfer->message.nonce;
    in->statement = transfer->statement;
    uint32_t head = sim_head(sim, d, h);
    uint32_t basis = head;
    if (head != SIM_NONE && sim->entries[head].entry.has_partition) {
        if (!sim->is_healing && sim_dice(sim, 1, 3)) {
            basis = transfer_older(sim, head);
        }
        const struct rind_log_entry *entry = &sim->entries[basis].entry;
        enum rind_side mine;
        enum rind_side other;
        if (entry->has_partition) {
            rind_walk_merge_sides(&entry->partition.range, &in->transferring.range, &mine, &other);
            in->has_proofs =
                sim_proof_edge(sim, &entry->partition, mine, &in->proofs.owned) &&
                sim_proof_edge(sim, &in->transferring, other, &in->proofs.transferring);
        }
    }
    bool is_edge = !(in->has_proofs && !sim->is_healing && sim_dice(sim, 1, 3));
    if (!is_edge) { /* proofs of other records than those at the edge */
        bool is_owned = sim_dice(sim, 1, 2);
        const struct rind_partition *tree =
            is_owned ? &sim->entries[basis].entry.partition : &in->transferring;
        struct rind_record_id key = sim_pick_record(sim);
        for (unsigned i = 0; i < 8 && !rind_owned_range_contains(&tree->range, &key); i++) {
            key = sim_pick_record(sim);
        }
        in->has_proofs = sim_proof_record(sim, tree, &key,
                                          is_owned ? &in->proofs.owned : &in->proofs.transferring);
    }
    sim->is_proof_honest =
        basis == head && is_edge && rind_group_id_equal(&in->destination, &sim->groups[d].id);
    (void)sim_call(sim, h, request);
    if (head != SIM_NONE) {
        transfer_append(sim, d, h);
    }
}

static void transfer_complete(struct sim *sim, uint32_t s, uint32_t h,
                              const struct rind_group_id *destination,
                              const struct rind_owned_range *range)
{
    const struct rind_hsm_request request = {.kind = RIND_HSM_REQUEST_COMPLETE_TRANSFER,
                                             .complete_transfer = {.realm = sim->groups[s].realm,
                                                                   .source = sim->groups[s].id,
                                                                   .destination = *destination,
                                                                   .range = *range}};
    (void)sim_call(sim, h, &request);
    transfer_append(sim, s, h);
}

/* A genuine statement for what the destination waits for; NULL if none was made yet. */
static const struct sim_transfer *transfer_find(const struct sim *sim, uint32_t d,
                                                const struct rind_transfer_nonce *nonce,
                                                const struct rind_owned_range *range)
{
    for (size_t i = sim->transfer_count; i > 0; i--) {
        const struct sim_transfer *known = &sim->transfers[i - 1];
        if (rind_group_id_equal(&known->message.destination, &sim->groups[d].id) &&
            rind_transfer_nonce_equal(&known->message.nonce, nonce) &&
            rind_owned_range_equal(&known->message.partition.range, range)) {
            return known;
        }
    }
    return NULL;
}

/* The destination has prepared to take `range`; `out` is true if the source has given it up. */
static void transfer_go_on(struct sim *sim, uint32_t s, uint32_t hs, uint32_t d, uint32_t hd,
                           const struct rind_owned_range *range, bool is_out)
{
    const struct sim_member *member = &sim->groups[d].members[hd];
    const struct sim_prepared *prepared =
        member->has_incoming ? transfer_find_prepared(sim, &member->incoming) : NULL;
    if (prepared == NULL || (!sim->is_healing && sim_dice(sim, 1, 12))) {
        transfer_prepare(sim, s, d, hd, range); /* another leader made the nonce, or anew */
        return;
    }
    const struct rind_transfer_nonce nonce = member->incoming;
    const struct sim_transfer *transfer = transfer_find(sim, d, &nonce, range);
    if (transfer != NULL) {
        transfer_in(sim, &sim->groups[s].id, d, hd, transfer);
    } else if (is_out) {
        const struct sim_member *giving = &sim->groups[s].members[hs];
        uint64_t at = sim_log_last(sim, giving)->entry.transferring.out.at;
        bool is_answered = sim_log_last(sim, giving)->preparation == rind_get_be64(nonce.bytes);
        if (!is_answered && sim_dice(sim, 1, 2)) { /* for a preparation that was cancelled */
            transfer_complete(sim, s, hs, &sim->groups[d].id, range);
            return;
        }
        if ((giving->has_committed && giving->committed >= at) || sim_dice(sim, 1, 8)) {
            transfer_statement(sim, s, hs, &sim->groups[d].id, &nonce);
        } else {
            sim_progress(sim, s);
        }
    } else {
        transfer_out(sim, s, hs, prepared);
    }
}

/* A range of the source's that the destination can take; false: the two do not touch. */
static bool transfer_choose(struct sim *sim, const struct rind_log_entry *source,
                            const struct rind_log_entry *destination,
                            struct rind_owned_range *range)
{
    const struct rind_owned_range *owned = &source->partition.range;
    *range = sim_pick_range(sim, owned);
    struct rind_owned_range joined;
    if (!destination->has_partition ||
        rind_owned_range_join(range, &destination->partition.range, &joined)) {
        return true;
    }
    if (!rind_owned_range_join(owned, &destination->partition.range, &joined)) {
        return false;
    }
    *range = *owned;
    struct rind_record_id key = sim_pick_record(sim);
    bool is_inside = rind_owned_range_contains(owned, &key);
    bool is_upper = rind_record_id_compare(&destination->partition.range.start, &owned->start) > 0;
    if (is_inside && sim_dice(sim, 3, 4)) {
        *(is_upper ? &range->start : &range->end) = key;
    }
    return true;
}

/* The source has given the range up and the destination no longer waits for it. */
static void transfer_finish(struct sim *sim, uint32_t s, uint32_t hs, uint32_t d, uint32_t hd,
                            const struct rind_transferring_out *pending)
{
    uint32_t out = sim_ancestor_at(sim, sim_head(sim, s, hs), pending->at);
    bool is_taken = out != SIM_NONE && sim->entries[out].taken_by != SIM_NONE;
    if (sim_dice(sim, is_taken ? 3 : 1, is_taken ? 4 : 64)) {
        transfer_complete(sim, s, hs, &sim->groups[d].id, &pending->partition.range);
    } else if (sim_dice(sim, 1, 2)) {
        sim_progress(sim, d); /* perhaps the taking is on its way */
    } else {
        transfer_prepare(sim, s, d, hd, &pending->partition.range);
    }
}

void sim_transfer_step(struct sim *sim, uint32_t s, uint32_t d)
{
    uint32_t hs = sim_pick_leader(sim, s);
    uint32_t hd = sim_pick_leader(sim, d);
    if (hs == SIM_NONE || hd == SIM_NONE || s == d) {
        sim_progress(sim, hs == SIM_NONE ? s : d);
        return;
    }
    const struct rind_log_entry source = sim->entries[sim_head(sim, s, hs)].entry;
    const struct rind_log_entry destination = sim->entries[sim_head(sim, d, hd)].entry;
    bool is_in = destination.has_transferring &&
                 destination.transferring.kind == RIND_TRANSFERRING_IN &&
                 rind_group_id_equal(&destination.transferring.in.source, &sim->groups[s].id);
    bool is_out = source.has_transferring && source.transferring.kind == RIND_TRANSFERRING_OUT &&
                  rind_group_id_equal(&source.transferring.out.destination, &sim->groups[d].id);
    struct rind_owned_range range;
    if (is_in) {
        range = destination.transferring.in.range;
        bool is_same =
            is_out && rind_owned_range_equal(&source.transferring.out.partition.range, &range);
        if (is_same || (!source.has_transferring && source.has_partition &&
                        rind_owned_range_contains_range(&source.partition.range, &range))) {
            transfer_go_on(sim, s, hs, d, hd, &range, is_same);
        } else {
            transfer_cancel(sim, &sim->groups[s].id, d, hd, &range);
        }
    } else if (is_out) {
        transfer_finish(sim, s, hs, d, hd, &source.transferring.out);
    } else if (!source.has_transferring && !destination.has_transferring && source.has_partition &&
               (transfer_choose(sim, &source, &destination, &range) || sim_dice(sim, 1, 8))) {
        transfer_prepare(sim, s, d, hd, &range);
    } else {
        sim_progress(sim, s);
    }
}

/* A group whose leader has a transfer pending; SIM_NONE if there is none. */
static uint32_t transfer_pick_pending(struct sim *sim)
{
    uint32_t first = sim_below(&sim->random, sim->group_count);
    for (uint32_t i = 0; i < sim->group_count; i++) {
        uint32_t g = (first + i) % sim->group_count;
        uint32_t h = sim_pick_leader(sim, g);
        if (h != SIM_NONE && sim->entries[sim_head(sim, g, h)].entry.has_transferring) {
            return g;
        }
    }
    return SIM_NONE;
}

/* True if both have partitions and these touch: the range that moves is merged, not just taken. */
static bool transfer_would_merge(struct sim *sim, uint32_t s, uint32_t d)
{
    uint32_t hs = sim_pick_leader(sim, s);
    uint32_t hd = sim_pick_leader(sim, d);
    if (hs == SIM_NONE || hd == SIM_NONE || s == d) {
        return false;
    }
    const struct rind_log_entry *source = &sim->entries[sim_head(sim, s, hs)].entry;
    const struct rind_log_entry *destination = &sim->entries[sim_head(sim, d, hd)].entry;
    struct rind_owned_range joined;
    return source->has_partition && destination->has_partition &&
           rind_owned_range_join(&source->partition.range, &destination->partition.range, &joined);
}

/* Goes on with a pending transfer if there is one, else starts any. */
void sim_operation_transfer(struct sim *sim)
{
    uint32_t s = sim_pick_group(sim);
    uint32_t d = sim_pick_group(sim);
    if (s == SIM_NONE || d == SIM_NONE) {
        return;
    }
    for (unsigned i = 0; i < 6 && !transfer_would_merge(sim, s, d); i++) {
        s = sim_pick_group(sim);
        d = sim_pick_group(sim);
    }
    if (sim_dice(sim, 7, 8)) {
        uint32_t pending_at = transfer_pick_pending(sim);
        s = pending_at != SIM_NONE ? pending_at : s;
        uint32_t hs = sim_pick_leader(sim, s);
        uint32_t head = hs == SIM_NONE ? SIM_NONE : sim_head(sim, s, hs);
        if (head != SIM_NONE && sim->entries[head].entry.has_transferring) {
            const struct rind_transferring *pending = &sim->entries[head].entry.transferring;
            bool is_in = pending->kind == RIND_TRANSFERRING_IN;
            uint32_t other =
                sim_group_find(sim, is_in ? &pending->in.source : &pending->out.destination);
            if (other != SIM_NONE && sim->groups[other].tail != SIM_NONE) {
                d = is_in ? s : other;
                s = is_in ? other : s;
            }
        }
    }
    sim_transfer_step(sim, s, d);
}

static void transfer_mixed_in(struct sim *sim)
{
    if (sim->transfer_count == 0) {
        return;
    }
    struct sim_transfer transfer =
        sim->transfers[sim_below(&sim->random, (uint32_t)sim->transfer_count)];
    uint32_t d = sim_group_find(sim, &transfer.message.destination);
    if (sim_dice(sim, 1, 4)) {
        d = sim_below(&sim->random, sim->group_count);
    }
    uint32_t h = d == SIM_NONE ? SIM_NONE : sim_pick_leader(sim, d);
    if (h == SIM_NONE) {
        return;
    }
    const struct rind_log_entry last = sim->entries[sim_head(sim, d, h)].entry;
    const struct sim_member *member = &sim->groups[d].members[h];
    struct rind_group_id source = sim->groups[sim_below(&sim->random, sim->group_count)].id;
    if (last.has_transferring && last.transferring.kind == RIND_TRANSFERRING_IN) {
        source = last.transferring.in.source;
        if (sim_dice(sim, 1, 2)) { /* forged to fit what is waited for */
            transfer.message.destination = sim->groups[d].id;
            transfer.message.partition.range = last.transferring.in.range;
            transfer.message.realm = sim->groups[d].realm;
        }
    }
    if (member->has_incoming && sim_dice(sim, 1, 2)) {
        transfer.message.nonce = member->incoming;
    }
    if (sim_dice(sim, 1, 4)) {
        const struct sim_entry *other = &sim->entries[sim_pick_entry(sim, d)];
        transfer.message.partition.root_hash = other->entry.partition.root_hash;
    }
    transfer_in(sim, &source, d, h, &transfer);
}

static void transfer_mixed_out(struct sim *sim)
{
    if (sim->prepared_count == 0) {
        return;
    }
    struct sim_prepared prepared =
        sim->prepared[sim_below(&sim->random, (uint32_t)sim->prepared_count)];
    uint32_t s = sim_group_find(sim, &prepared.message.source);
    if (sim_dice(sim, 1, 4)) {
        s = sim_below(&sim->random, sim->group_count);
    }
    uint32_t h = s == SIM_NONE ? SIM_NONE : sim_pick_leader(sim, s);
    if (h == SIM_NONE) {
        return;
    }
    const struct rind_log_entry *last = &sim->entries[sim_head(sim, s, h)].entry;
    prepared.message.realm = sim->groups[s].realm;
    prepared.message.source = sim->groups[s].id;
    switch (sim_below(&sim->random, 4)) {
    case 0:
        prepared.message.destination = sim->groups[sim_below(&sim->random, sim->group_count)].id;
        break;
    case 1:
        if (last->has_partition) {
            prepared.message.range = sim_pick_range(sim, &last->partition.range);
        }
        break;
    default:
        break;
    }
    transfer_out(sim, s, h, &prepared);
}

void sim_operation_transfer_mixed(struct sim *sim)
{
    uint32_t s = sim_pick_group(sim);
    uint32_t d = sim_pick_group(sim);
    if (s == SIM_NONE || d == SIM_NONE) {
        return;
    }
    uint32_t hs = sim_pick_leader(sim, s);
    uint32_t hd = sim_pick_leader(sim, d);
    hs = hs == SIM_NONE ? sim_pick_up(sim) : hs;
    hd = hd == SIM_NONE ? sim_pick_up(sim) : hd;
    if (hs == SIM_NONE || hd == SIM_NONE) {
        return;
    }
    const struct rind_owned_range full = rind_owned_range_full();
    struct rind_owned_range range = sim_pick_range(sim, &full);
    uint32_t head = sim_head(sim, s, hs);
    if (head != SIM_NONE && sim->entries[head].entry.has_transferring && sim_dice(sim, 1, 2)) {
        const struct rind_transferring *pending = &sim->entries[head].entry.transferring;
        range = pending->kind == RIND_TRANSFERRING_IN ? pending->in.range
                                                      : pending->out.partition.range;
    }
    switch (sim_below(&sim->random, 8)) {
    case 0:
        transfer_prepare(sim, s, d, hd, &range);
        return;
    case 1:
        transfer_cancel(sim, &sim->groups[s].id, d, hd, &range);
        return;
    case 2:
        transfer_complete(sim, s, hs, &sim->groups[d].id, &range);
        return;
    case 3:
    case 4:
        if (sim->prepared_count > 0) {
            const struct rind_transfer_nonce nonce =
                sim->prepared[sim_below(&sim->random, (uint32_t)sim->prepared_count)].message.nonce;
            transfer_statement(sim, s, hs, &sim->groups[d].id, &nonce);
        }
        return;
    case 5:
        transfer_mixed_out(sim);
        return;
    default:
        transfer_mixed_in(sim);
        return;
    }
}
