/*
 * test_hsm_transfer.c - moving ranges between groups: each step, its repeats, its refusals, changes
 * of leaders in between (spec 02 section 14).
 */
#include "support/test.h"

#include "hsm/cluster.h"
#include "hsm/state.h"

struct fixture {
    struct cluster *cluster;
    struct rind_group_id source;      /* of three, led by core 0, owns everything */
    struct rind_group_id destination; /* of three, led by core 1, owns nothing */
    struct rind_owned_range full;
    struct rind_owned_range lower; /* 00.. to 7f.. */
    struct rind_owned_range upper; /* 80.. to ff.. */
};

static void settle(struct fixture *fixture, unsigned h, const struct rind_group_id *group)
{
    assert_int_equal(cluster_commit(fixture->cluster, h, group).kind, RIND_HSM_COMMIT_OK);
}

static int fixture_set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    fixture->cluster = cluster_new(3, 33);
    fixture->source = cluster_new_realm_and_group(fixture->cluster);
    fixture->destination = cluster_new_group(fixture->cluster, (const unsigned[]){1, 0, 2}, 3);
    settle(fixture, 1, &fixture->destination);
    fixture->full = rind_owned_range_full();
    fixture->lower = fixture->full;
    fixture->lower.end.bytes[0] = 0x7f;
    fixture->upper = fixture->full;
    fixture->upper.start.bytes[0] = 0x80;
    /* A few records on both sides. */
    for (unsigned i = 0; i < 8; i++) {
        struct cluster_client client;
        struct rind_record_id record = cluster_record((uint8_t)(i * 32 + 5));
        cluster_client_init(&client, 300 + i, &record);
        struct rind_secrets_request request = cluster_register2(300 + i, 5);
        (void)cluster_client_ask(fixture->cluster, 0, &fixture->source, &client, &request);
    }
    *state = fixture;
    return 0;
}

static int fixture_tear_down(void **state)
{
    struct fixture *fixture = *state;
    cluster_free(fixture->cluster);
    free(fixture);
    return 0;
}

static struct rind_hsm_prepare_transfer_response prepare(struct fixture *fixture,
                                                         const struct rind_owned_range *range)
{
    struct rind_hsm_prepare_transfer_response answer =
        cluster_prepare(fixture->cluster, 1, &fixture->source, &fixture->destination, range);
    if (answer.kind == RIND_HSM_PREPARE_TRANSFER_OK && answer.ok.has_entry) {
        assert_true(
            cluster_append(fixture->cluster, &fixture->destination, &answer.ok.entry, NULL));
        settle(fixture, 1, &fixture->destination);
    }
    return answer;
}

/* TransferOut, appended but not committed. */
static struct rind_hsm_transfer_out_response
transfer_out(struct fixture *fixture, const struct rind_owned_range *range,
             const struct rind_hsm_prepare_transfer_response *prepared)
{
    struct rind_hsm_transfer_out_response answer =
        cluster_transfer_out(fixture->cluster, 0, &fixture->source, &fixture->destination, range,
                             &prepared->ok.nonce, &prepared->ok.statement);
    if (answer.kind == RIND_HSM_TRANSFER_OUT_OK && answer.ok.has_entry) {
        assert_true(
            cluster_append(fixture->cluster, &fixture->source, &answer.ok.entry, &answer.ok.delta));
    }
    return answer;
}

static struct rind_hsm_transfer_statement_response
statement(struct fixture *fixture, const struct rind_hsm_prepare_transfer_response *prepared)
{
    return cluster_transfer_statement(fixture->cluster, 0, &fixture->source, &fixture->destination,
                                      &prepared->ok.nonce);
}

static struct rind_hsm_transfer_in_response transfer_in(struct fixture *fixture,
                                                        const struct rind_partition *partition,
                                                        const struct rind_transfer_nonce *nonce,
                                                        const struct rind_mac *statement_mac)
{
    return cluster_transfer_in(fixture->cluster, 1, &fixture->source, &fixture->destination,
                               partition, nonce, statement_mac);
}

/* A record can be asked for at `h`, whose group has it. */
static void check_record_is_served(struct fixture *fixture, unsigned h,
                                   const struct rind_group_id *group, uint8_t byte)
{
    struct cluster_client client;
    struct rind_record_id record = cluster_record(byte);
    cluster_client_init(&client, byte, &record);
    struct rind_secrets_request request = cluster_simple(RIND_SECRETS_REQUEST_RECOVER1);
    assert_int_equal(
        cluster_client_ask(fixture->cluster, h, group, &client, &request).recover1.kind,
        RIND_RECOVER1_OK);
}

static void a_range_is_split_off_and_merged_back(void **state)
{
    struct fixture *fixture = *state;
    struct rind_data_hash root =
        cluster_last(fixture->cluster, &fixture->source)->partition.root_hash;
    cluster_transfer(fixture->cluster, 0, &fixture->source, 1, &fixture->destination,
                     &fixture->upper);
    assert_true(rind_owned_range_equal(
        &cluster_last(fixture->cluster, &fixture->source)->partition.range, &fixture->lower));
    assert_true(rind_owned_range_equal(
        &cluster_last(fixture->cluster, &fixture->destination)->partition.range, &fixture->upper));
    cluster_transfer(fixture->cluster, 1, &fixture->destination, 0, &fixture->source,
                     &fixture->upper);
    const struct rind_log_entry *last = cluster_last(fixture->cluster, &fixture->source);
    assert_true(rind_owned_range_equal(&last->partition.range, &fixture->full));
    assert_true(rind_data_hash_equal(&last->partition.root_hash, &root));
    assert_false(cluster_last(fixture->cluster, &fixture->destination)->has_partition);
    /* And the other end, and everything at once, while records change. */
    cluster_transfer(fixture->cluster, 0, &fixture->source, 1, &fixture->destination,
                     &fixture->lower);
    check_record_is_served(fixture, 1, &fixture->destination, 5);
    check_record_is_served(fixture, 0, &fixture->source, 229);
    cluster_transfer(fixture->cluster, 0, &fixture->source, 1, &fixture->destination,
                     &fixture->upper);
    for (unsigned i = 0; i < 8; i++) {
        check_record_is_served(fixture, 1, &fixture->destination, (uint8_t)(i * 32 + 5));
    }
}

static void preparing_twice_makes_no_entry_but_a_new_nonce(void **state)
{
    struct fixture *fixture = *state;
    struct rind_hsm_prepare_transfer_response first = prepare(fixture, &fixture->full);
    struct rind_hsm_prepare_transfer_response second = prepare(fixture, &fixture->full);
    assert_int_equal(second.kind, RIND_HSM_PREPARE_TRANSFER_OK);
    assert_false(second.ok.has_entry);
    assert_int_equal(second.ok.wait_til_committed, first.ok.entry.index);
    assert_false(rind_transfer_nonce_equal(&first.ok.nonce, &second.ok.nonce));
    assert_int_equal(second.ok.clock, first.ok.clock);

    struct rind_hsm_transfer_out_response out = transfer_out(fixture, &fixture->full, &first);
    settle(fixture, 0, &fixture->source);
    struct rind_hsm_transfer_statement_response old = statement(fixture, &first);
    assert_int_equal(transfer_in(fixture, &out.ok.partition, &first.ok.nonce, &old.statement).kind,
                     RIND_HSM_TRANSFER_IN_INVALID_NONCE); /* only the newest is accepted */
    struct rind_hsm_transfer_statement_response fresh = statement(fixture, &second);
    assert_int_equal(
        transfer_in(fixture, &out.ok.partition, &second.ok.nonce, &fresh.statement).kind,
        RIND_HSM_TRANSFER_IN_OK);
}

static void prepare_refuses_what_it_must(void **state)
{
    struct fixture *fixture = *state;
    struct cluster *cluster = fixture->cluster;
    assert_int_equal(
        cluster_prepare(cluster, 1, &fixture->destination, &fixture->destination, &fixture->full)
            .kind,
        RIND_HSM_PREPARE_TRANSFER_INVALID_GROUP);
    struct rind_owned_range inverted = {.start = fixture->full.end, .end = fixture->full.start};
    assert_int_equal(prepare(fixture, &inverted).kind,
                     RIND_HSM_PREPARE_TRANSFER_UNACCEPTABLE_RANGE);
    assert_int_equal(
        cluster_prepare(cluster, 2, &fixture->source, &fixture->destination, &fixture->full).kind,
        RIND_HSM_PREPARE_TRANSFER_NOT_LEADER);
    /* Not adjacent to what the source owns: it owns everything. */
    assert_int_equal(
        cluster_prepare(cluster, 0, &fixture->destination, &fixture->source, &fixture->upper).kind,
        RIND_HSM_PREPARE_TRANSFER_UNACCEPTABLE_RANGE);
    (void)prepare(fixture, &fixture->lower);
    assert_int_equal(prepare(fixture, &fixture->upper).kind,
                     RIND_HSM_PREPARE_TRANSFER_OTHER_TRANSFER_PENDING);
    struct rind_realm_id realm = cluster->realm;
    cluster->realm.bytes[0] ^= 1;
    assert_int_equal(prepare(fixture, &fixture->lower).kind,
                     RIND_HSM_PREPARE_TRANSFER_INVALID_REALM);
    cluster->realm = realm;
}

static void a_cancelled_transfer_can_be_prepared_again(void **state)
{
    struct fixture *fixture = *state;
    struct cluster *cluster = fixture->cluster;
    struct rind_hsm_prepare_transfer_response old = prepare(fixture, &fixture->full);
    assert_int_equal(
        cluster_cancel(cluster, 1, &fixture->source, &fixture->destination, &fixture->upper).kind,
        RIND_HSM_CANCEL_PREPARED_TRANSFER_NOT_PREPARED);
    assert_int_equal(
        cluster_cancel(cluster, 0, &fixture->destination, &fixture->source, &fixture->full).kind,
        RIND_HSM_CANCEL_PREPARED_TRANSFER_NOT_PREPARED);
    struct rind_hsm_cancel_prepared_transfer_response cancelled =
        cluster_cancel(cluster, 1, &fixture->source, &fixture->destination, &fixture->full);
    assert_int_equal(cancelled.kind, RIND_HSM_CANCEL_PREPARED_TRANSFER_OK);
    assert_false(cancelled.ok.entry.has_transferring);
    assert_true(cluster_append(cluster, &fixture->destination, &cancelled.ok.entry, NULL));
    struct rind_hsm_prepare_transfer_response again = prepare(fixture, &fixture->full);
    assert_true(again.ok.has_entry);
    assert_false(rind_transfer_nonce_equal(&old.ok.nonce, &again.ok.nonce));
}

static void transfer_out_repeats_without_an_entry(void **state)
{
    struct fixture *fixture = *state;
    struct rind_hsm_prepare_transfer_response prepared = prepare(fixture, &fixture->upper);
    struct rind_hsm_transfer_out_response first = transfer_out(fixture, &fixture->upper, &prepared);
    assert_int_equal(first.kind, RIND_HSM_TRANSFER_OUT_OK);
    struct rind_hsm_transfer_out_response second =
        transfer_out(fixture, &fixture->upper, &prepared);
    assert_int_equal(second.kind, RIND_HSM_TRANSFER_OUT_OK);
    assert_false(second.ok.has_entry);
    assert_int_equal(second.ok.delta.add.count + second.ok.delta.remove.count, 0);
    assert_int_equal(second.ok.wait_til_committed, first.ok.entry.index);
    assert_memory_equal(&second.ok.partition, &first.ok.partition, sizeof(first.ok.partition));
    /* The statement is checked even then. */
    prepared.ok.nonce.bytes[0] ^= 1;
    assert_int_equal(transfer_out(fixture, &fixture->upper, &prepared).kind,
                     RIND_HSM_TRANSFER_OUT_INVALID_STATEMENT);
    /* From the entry on the source answers for the rest only. */
    struct rind_hsm_request handshake = {.kind = RIND_HSM_REQUEST_HANDSHAKE_REQUEST,
                                         .handshake = {.realm = fixture->cluster->realm,
                                                       .group = fixture->source,
                                                       .record_id = cluster_record(0x90)}};
    struct rind_hsm_handshake_response answer;
    cluster_send(fixture->cluster, 0, &handshake, &answer);
    assert_int_equal(answer.kind, RIND_HSM_HANDSHAKE_NOT_OWNER);
}

static void transfer_out_refuses_what_it_must(void **state)
{
    struct fixture *fixture = *state;
    struct cluster *cluster = fixture->cluster;
    struct rind_hsm_prepare_transfer_response prepared = prepare(fixture, &fixture->upper);
    struct rind_hsm_transfer_out_response answer =
        cluster_transfer_out(cluster, 0, &fixture->source, &fixture->source, &fixture->upper,
                             &prepared.ok.nonce, &prepared.ok.statement);
    assert_int_equal(answer.kind, RIND_HSM_TRANSFER_OUT_INVALID_GROUP);
    struct rind_owned_range inverted = {.start = fixture->full.end, .end = fixture->full.start};
    assert_int_equal(transfer_out(fixture, &inverted, &prepared).kind,
                     RIND_HSM_TRANSFER_OUT_NOT_OWNER);
    assert_int_equal(transfer_out(fixture, &fixture->lower, &prepared).kind,
                     RIND_HSM_TRANSFER_OUT_INVALID_STATEMENT);
    answer = cluster_transfer_out(cluster, 2, &fixture->source, &fixture->destination,
                                  &fixture->upper, &prepared.ok.nonce, &prepared.ok.statement);
    assert_int_equal(answer.kind, RIND_HSM_TRANSFER_OUT_NOT_LEADER);

    /* A range in the middle of what is owned cannot be cut out. */
    struct rind_hsm_cancel_prepared_transfer_response cancelled =
        cluster_cancel(cluster, 1, &fixture->source, &fixture->destination, &fixture->upper);
    assert_true(cluster_append(cluster, &fixture->destination, &cancelled.ok.entry, NULL));
    struct rind_owned_range middle = fixture->upper;
    middle.end.bytes[0] = 0x8f;
    prepared = prepare(fixture, &middle);
    struct rind_hsm_request request = {.kind = RIND_HSM_REQUEST_TRANSFER_OUT,
                                       .transfer_out = {.realm = cluster->realm,
                                                        .source = fixture->source,
                                                        .destination = fixture->destination,
                                                        .range = middle,
                                                        .nonce = prepared.ok.nonce,
                                                        .statement = prepared.ok.statement}};
    cluster_send(cluster, 0, &request, &answer);
    assert_int_equal(answer.kind, RIND_HSM_TRANSFER_OUT_MISSING_PROOF);
    request.transfer_out.has_proof = true;
    request.transfer_out.proof =
        cluster_proof(cluster, &cluster_last(cluster, &fixture->source)->partition, &middle.start);
    cluster_send(cluster, 0, &request, &answer);
    assert_int_equal(answer.kind, RIND_HSM_TRANSFER_OUT_NOT_OWNER);
}

static void a_transfer_out_while_one_comes_in_is_refused(void **state)
{
    struct fixture *fixture = *state;
    cluster_transfer(fixture->cluster, 0, &fixture->source, 1, &fixture->destination,
                     &fixture->upper);
    struct rind_group_id third =
        cluster_new_group(fixture->cluster, (const unsigned[]){2, 0, 1}, 3);
    settle(fixture, 2, &third);
    struct rind_owned_range top = fixture->upper;
    top.start.bytes[0] = 0xf0;
    struct rind_hsm_prepare_transfer_response wanted =
        cluster_prepare(fixture->cluster, 2, &fixture->destination, &third, &top);
    struct rind_owned_range piece = fixture->lower;
    piece.start.bytes[0] = 0x70;
    assert_int_equal(prepare(fixture, &piece).kind, RIND_HSM_PREPARE_TRANSFER_OK);
    struct rind_hsm_transfer_out_response out =
        cluster_transfer_out(fixture->cluster, 1, &fixture->destination, &third, &top,
                             &wanted.ok.nonce, &wanted.ok.statement);
    assert_int_equal(out.kind, RIND_HSM_TRANSFER_OUT_OTHER_TRANSFER_PENDING);
}

static void a_stale_split_proof_leaves_the_tree_in_use(void **state)
{
    struct fixture *fixture = *state;
    struct cluster *cluster = fixture->cluster;
    struct rind_hsm_prepare_transfer_response prepared = prepare(fixture, &fixture->upper);
    struct rind_hsm_request request = {
        .kind = RIND_HSM_REQUEST_TRANSFER_OUT,
        .transfer_out = {.realm = cluster->realm,
                         .source = fixture->source,
                         .destination = fixture->destination,
                         .range = fixture->upper,
                         .nonce = prepared.ok.nonce,
                         .statement = prepared.ok.statement,
                         .has_proof = true,
                         .proof = cluster_proof(cluster,
                                                &cluster_last(cluster, &fixture->source)->partition,
                                                &fixture->upper.start)}};
    struct rind_hsm_request bad = request;
    bad.transfer_out.proof.root_hash.bytes[0] ^= 1;
    struct rind_hsm_transfer_out_response answer;
    cluster_send(cluster, 0, &bad, &answer);
    assert_int_equal(answer.kind, RIND_HSM_TRANSFER_OUT_STALE_PROOF);
    check_record_is_served(fixture, 0, &fixture->source, 5);
    bad = request;
    bad.transfer_out.proof.path.count--;
    cluster_send(cluster, 0, &bad, &answer);
    assert_int_equal(answer.kind, RIND_HSM_TRANSFER_OUT_INVALID_PROOF);
    check_record_is_served(fixture, 0, &fixture->source, 5);
    bad = request;
    bad.transfer_out.proof.key.bytes[31] ^= 1;
    cluster_send(cluster, 0, &bad, &answer);
    assert_int_equal(answer.kind, RIND_HSM_TRANSFER_OUT_MISSING_PROOF);
    assert_int_equal(transfer_out(fixture, &fixture->upper, &prepared).kind,
                     RIND_HSM_TRANSFER_OUT_OK); /* a proper retry */
    check_record_is_served(fixture, 0, &fixture->source, 5);
}

static void the_statement_waits_for_the_commit(void **state)
{
    struct fixture *fixture = *state;
    struct rind_hsm_prepare_transfer_response prepared = prepare(fixture, &fixture->full);
    assert_int_equal(statement(fixture, &prepared).kind,
                     RIND_HSM_TRANSFER_STATEMENT_NOT_TRANSFERRING);
    (void)transfer_out(fixture, &fixture->full, &prepared);
    assert_int_equal(statement(fixture, &prepared).kind, RIND_HSM_TRANSFER_STATEMENT_BUSY);
    struct rind_hsm_transfer_statement_response other = cluster_transfer_statement(
        fixture->cluster, 0, &fixture->source, &fixture->source, &prepared.ok.nonce);
    assert_int_equal(other.kind, RIND_HSM_TRANSFER_STATEMENT_INVALID_GROUP);
    settle(fixture, 0, &fixture->source);
    assert_int_equal(statement(fixture, &prepared).kind, RIND_HSM_TRANSFER_STATEMENT_OK);

    /* A new leader of the source is Busy until its first commit. */
    (void)cluster_step_down(fixture->cluster, 0, &fixture->source, false);
    cluster_lead(fixture->cluster, 2, &fixture->source);
    other = cluster_transfer_statement(fixture->cluster, 2, &fixture->source, &fixture->destination,
                                       &prepared.ok.nonce);
    assert_int_equal(other.kind, RIND_HSM_TRANSFER_STATEMENT_BUSY);
    settle(fixture, 2, &fixture->source);
    other = cluster_transfer_statement(fixture->cluster, 2, &fixture->source, &fixture->destination,
                                       &prepared.ok.nonce);
    assert_int_equal(other.kind, RIND_HSM_TRANSFER_STATEMENT_OK);
}

/* Everything up to the statement, for `range`. */
static struct rind_hsm_prepare_transfer_response offer(struct fixture *fixture,
                                                       const struct rind_owned_range *range,
                                                       struct rind_partition *partition,
                                                       struct rind_mac *statement_mac)
{
    struct rind_hsm_prepare_transfer_response prepared = prepare(fixture, range);
    struct rind_hsm_transfer_out_response out = transfer_out(fixture, range, &prepared);
    assert_int_equal(out.kind, RIND_HSM_TRANSFER_OUT_OK);
    settle(fixture, 0, &fixture->source);
    *partition = out.ok.partition;
    *statement_mac = statement(fixture, &prepared).statement;
    return prepared;
}

static void transfer_in_keeps_its_nonce_through_refusals_and_uses_it_once(void **state)
{
    struct fixture *fixture = *state;
    struct cluster *cluster = fixture->cluster;
    /* The destination owns the upper half, so that proofs are needed. */
    cluster_transfer(cluster, 0, &fixture->source, 1, &fixture->destination, &fixture->upper);
    struct rind_partition partition;
    struct rind_mac mac;
    struct rind_hsm_prepare_transfer_response prepared =
        offer(fixture, &fixture->lower, &partition, &mac);
    struct rind_hsm_request request = {
        .kind = RIND_HSM_REQUEST_TRANSFER_IN,
        .transfer_in =
            {
                .realm = cluster->realm,
                .source = fixture->source,
                .destination = fixture->destination,
                .transferring = partition,
                .has_proofs = true,
                .proofs = {.owned = cluster_edge_proof(
                               cluster, &cluster_last(cluster, &fixture->destination)->partition,
                               RIND_SIDE_LEFT),
                           .transferring =
                               cluster_edge_proof(cluster, &partition, RIND_SIDE_RIGHT)},
                .nonce = prepared.ok.nonce,
                .statement = mac,
            },
    };
    struct rind_hsm_transfer_in_response answer;
    struct rind_hsm_request bad = request;
    bad.transfer_in.source = fixture->destination;
    cluster_send(cluster, 1, &bad, &answer);
    assert_int_equal(answer.kind, RIND_HSM_TRANSFER_IN_NOT_PREPARED);
    bad = request;
    bad.transfer_in.nonce.bytes[15] ^= 1;
    cluster_send(cluster, 1, &bad, &answer);
    assert_int_equal(answer.kind, RIND_HSM_TRANSFER_IN_INVALID_NONCE);
    bad = request;
    bad.transfer_in.has_proofs = false;
    cluster_send(cluster, 1, &bad, &answer);
    assert_int_equal(answer.kind, RIND_HSM_TRANSFER_IN_MISSING_PROOFS);
    bad = request;
    bad.transfer_in.proofs.transferring.root_hash.bytes[0] ^= 1;
    cluster_send(cluster, 1, &bad, &answer);
    assert_int_equal(answer.kind, RIND_HSM_TRANSFER_IN_INVALID_PROOF);
    bad = request;
    bad.transfer_in.statement.bytes[0] ^= 1;
    cluster_send(cluster, 1, &bad, &answer);
    assert_int_equal(answer.kind, RIND_HSM_TRANSFER_IN_INVALID_STATEMENT);
    bad = request;
    bad.transfer_in.proofs.owned.root_hash.bytes[0] ^= 1;
    cluster_send(cluster, 1, &bad, &answer);
    assert_int_equal(answer.kind, RIND_HSM_TRANSFER_IN_STALE_PROOF);
    bad = request;
    bad.transfer_in.proofs.transferring.path.count = 0;
    cluster_send(cluster, 1, &bad, &answer);
    assert_int_equal(answer.kind, RIND_HSM_TRANSFER_IN_INVALID_PROOF);
    check_record_is_served(fixture, 1, &fixture->destination, 229); /* the tree is in use */

    assert_int_equal(transfer_in(fixture, &partition, &prepared.ok.nonce, &mac).kind,
                     RIND_HSM_TRANSFER_IN_OK);
    cluster_send(cluster, 1, &request, &answer); /* not a second time */
    assert_int_equal(answer.kind, RIND_HSM_TRANSFER_IN_NOT_PREPARED);
}

static void a_new_leader_of_the_destination_needs_a_new_nonce(void **state)
{
    struct fixture *fixture = *state;
    struct cluster *cluster = fixture->cluster;
    struct rind_partition partition;
    struct rind_mac mac;
    struct rind_hsm_prepare_transfer_response prepared =
        offer(fixture, &fixture->full, &partition, &mac);
    (void)cluster_step_down(cluster, 1, &fixture->destination, false);
    cluster_lead(cluster, 2, &fixture->destination);
    struct rind_hsm_transfer_in_response answer = cluster_transfer_in(
        cluster, 2, &fixture->source, &fixture->destination, &partition, &prepared.ok.nonce, &mac);
    assert_int_equal(answer.kind, RIND_HSM_TRANSFER_IN_INVALID_NONCE);
    /* From the start again: all steps find their entry in the logs already. */
    prepared = cluster_prepare(cluster, 2, &fixture->source, &fixture->destination, &fixture->full);
    assert_int_equal(prepared.kind, RIND_HSM_PREPARE_TRANSFER_OK);
    assert_false(prepared.ok.has_entry);
    struct rind_hsm_transfer_out_response out = transfer_out(fixture, &fixture->full, &prepared);
    assert_false(out.ok.has_entry);
    mac = statement(fixture, &prepared).statement;
    answer = cluster_transfer_in(cluster, 2, &fixture->source, &fixture->destination, &partition,
                                 &prepared.ok.nonce, &mac);
    assert_int_equal(answer.kind, RIND_HSM_TRANSFER_IN_OK);
}

static void complete_needs_the_very_transfer(void **state)
{
    struct fixture *fixture = *state;
    struct cluster *cluster = fixture->cluster;
    struct rind_partition partition;
    struct rind_mac mac;
    (void)offer(fixture, &fixture->upper, &partition, &mac);
    assert_int_equal(
        cluster_complete(cluster, 0, &fixture->source, &fixture->source, &fixture->upper).kind,
        RIND_HSM_COMPLETE_TRANSFER_INVALID_GROUP);
    assert_int_equal(
        cluster_complete(cluster, 0, &fixture->source, &fixture->destination, &fixture->lower).kind,
        RIND_HSM_COMPLETE_TRANSFER_NOT_TRANSFERRING);
    assert_int_equal(
        cluster_complete(cluster, 2, &fixture->source, &fixture->destination, &fixture->upper).kind,
        RIND_HSM_COMPLETE_TRANSFER_NOT_LEADER);
    struct rind_hsm_complete_transfer_response done =
        cluster_complete(cluster, 0, &fixture->source, &fixture->destination, &fixture->upper);
    assert_int_equal(done.kind, RIND_HSM_COMPLETE_TRANSFER_OK);
    assert_false(done.ok.entry.has_transferring);
    assert_true(rind_owned_range_equal(&done.ok.entry.partition.range, &fixture->lower));
    assert_int_equal(
        cluster_complete(cluster, 0, &fixture->source, &fixture->destination, &fixture->upper).kind,
        RIND_HSM_COMPLETE_TRANSFER_NOT_TRANSFERRING);
}

static void a_log_without_room_refuses_a_transfer_as_not_leader_and_recovers(void **state)
{
    struct fixture *fixture = *state;
    struct cluster *cluster = fixture->cluster;
    /* Prepare and cancel without a commit until the log is full. */
    unsigned entries = 0;
    for (;;) {
        struct rind_hsm_prepare_transfer_response prepared =
            cluster_prepare(cluster, 1, &fixture->source, &fixture->destination, &fixture->full);
        if (prepared.kind != RIND_HSM_PREPARE_TRANSFER_OK) {
            assert_int_equal(prepared.kind, RIND_HSM_PREPARE_TRANSFER_NOT_LEADER);
            break;
        }
        assert_true(cluster_append(cluster, &fixture->destination, &prepared.ok.entry, NULL));
        struct rind_hsm_cancel_prepared_transfer_response cancelled =
            cluster_cancel(cluster, 1, &fixture->source, &fixture->destination, &fixture->full);
        entries++;
        if (cancelled.kind != RIND_HSM_CANCEL_PREPARED_TRANSFER_OK) {
            assert_int_equal(cancelled.kind, RIND_HSM_CANCEL_PREPARED_TRANSFER_NOT_LEADER);
            break;
        }
        assert_true(cluster_append(cluster, &fixture->destination, &cancelled.ok.entry, NULL));
        entries++;
    }
    assert_int_equal(entries, cluster->config.log_entries_max - 1);
    struct rind_group_status status = cluster_group_status(cluster, 1, &fixture->destination);
    assert_int_equal(status.role.role.kind, RIND_ROLE_LEADER);
    settle(fixture, 1, &fixture->destination);
    assert_int_equal(prepare(fixture, &fixture->full).kind, RIND_HSM_PREPARE_TRANSFER_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_range_is_split_off_and_merged_back),
        TEST(preparing_twice_makes_no_entry_but_a_new_nonce),
        TEST(prepare_refuses_what_it_must),
        TEST(a_cancelled_transfer_can_be_prepared_again),
        TEST(transfer_out_repeats_without_an_entry),
        TEST(transfer_out_refuses_what_it_must),
        TEST(a_transfer_out_while_one_comes_in_is_refused),
        TEST(a_stale_split_proof_leaves_the_tree_in_use),
        TEST(the_statement_waits_for_the_commit),
        TEST(transfer_in_keeps_its_nonce_through_refusals_and_uses_it_once),
        TEST(a_new_leader_of_the_destination_needs_a_new_nonce),
        TEST(complete_needs_the_very_transfer),
        TEST(a_log_without_room_refuses_a_transfer_as_not_leader_and_recovers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
