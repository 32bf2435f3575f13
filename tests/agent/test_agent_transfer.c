/*
 * test_agent_transfer.c - ownership moves between groups: splits and merges at both sides, every
 * step repeated or refused, and what a coordinator finds that comes back after a crash.
 */
#include "support/test.h"

#include "agent/realm.h"
#include "agent/transfer.h"

#define USERS 50u

struct fixture {
    struct realm *realm;
    struct cluster *users;
    struct rind_group_id first;  /* owns everything at the beginning; of node 0 alone */
    struct rind_group_id second; /* owns nothing; of node 1 alone */
    struct cluster_client clients[USERS];
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    const unsigned member = 1;
    fixture->realm = realm_new(2);
    fixture->users = cluster_new(1, 7);
    realm_start(fixture->realm, 0, true);
    realm_start(fixture->realm, 1, true);
    fixture->first = realm_create(fixture->realm);
    realm_join(fixture->realm);
    fixture->second = realm_new_group(fixture->realm, &member, 1);
    for (unsigned i = 0; i < USERS; i++) {
        struct rind_record_id record = cluster_record((uint8_t)(5 * i + 1));
        cluster_client_init(&fixture->clients[i], i + 1, &record);
    }
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    realm_free(fixture->realm);
    cluster_free(fixture->users);
    free(fixture);
    return 0;
}

/* Asks the group that should own the record: node 0 leads the first, node 1 the second. */
static enum rind_agent_app_response_kind ask(struct fixture *fixture, unsigned h, unsigned i,
                                             const struct rind_secrets_request *request,
                                             struct rind_secrets_response *response)
{
    const struct rind_group_id *group = h == 0 ? &fixture->first : &fixture->second;
    fixture->clients[i].has_session = false;
    return realm_ask(fixture->realm, fixture->users, h, group, &fixture->clients[i], request,
                     response);
}

static void register_all(struct fixture *fixture)
{
    for (unsigned i = 0; i < USERS; i++) {
        struct rind_secrets_request register2 = cluster_register2(i, 3);
        assert_int_equal(ask(fixture, 0, i, &register2, NULL), RIND_AGENT_APP_OK);
    }
    cluster_reset(fixture->users);
}

/* Each user is found at the owner of their record, and nowhere else. */
static void expect_all_found(struct fixture *fixture)
{
    struct rind_secrets_request recover1 = cluster_simple(RIND_SECRETS_REQUEST_RECOVER1);
    for (unsigned h = 0; h < 2; h++) {
        const struct rind_group_id *group = h == 0 ? &fixture->first : &fixture->second;
        struct rind_owned_range owned;
        bool owns = realm_owned(fixture->realm, h, group, &owned);
        for (unsigned i = 0; i < USERS; i++) {
            struct rind_secrets_response response;
            bool is_owner =
                owns && rind_owned_range_contains(&owned, &fixture->clients[i].record_id);
            enum rind_agent_app_response_kind kind = ask(fixture, h, i, &recover1, &response);
            assert_int_equal(kind, is_owner ? RIND_AGENT_APP_OK : RIND_AGENT_APP_NOT_LEADER);
            assert_true(!is_owner || response.recover1.kind == RIND_RECOVER1_OK);
        }
        cluster_reset(fixture->users);
    }
}

/* Records whose first byte is from `first` to `last`. */
static struct rind_owned_range slice_of(uint8_t first, uint8_t last)
{
    struct rind_owned_range range = rind_owned_range_full();
    range.start.bytes[0] = first;
    range.end.bytes[0] = last;
    return range;
}

static void to_second(struct fixture *fixture, const struct rind_owned_range *range)
{
    realm_transfer(fixture->realm, 0, &fixture->first, 1, &fixture->second, range);
}

static void to_first(struct fixture *fixture, const struct rind_owned_range *range)
{
    realm_transfer(fixture->realm, 1, &fixture->second, 0, &fixture->first, range);
}

static void ranges_are_split_and_merged_at_both_sides(void **state)
{
    struct fixture *fixture = *state;
    register_all(fixture);
    struct rind_owned_range right = slice_of(0xc0, 0xff);
    struct rind_owned_range middle = slice_of(0x80, 0xbf);
    struct rind_owned_range left = slice_of(0x00, 0x3f);
    to_second(fixture, &right); /* split off the right, into nothing */
    expect_all_found(fixture);
    to_second(fixture, &middle); /* split off the right, merged at the left */
    expect_all_found(fixture);
    to_first(fixture, &middle); /* split off the left, merged at the right */
    expect_all_found(fixture);
    to_first(fixture, &right); /* the whole of it */
    to_second(fixture, &left); /* split off the left, into nothing */
    expect_all_found(fixture);
    to_first(fixture, &left);
    expect_all_found(fixture);
}

static void empty_trees_are_split_and_merged(void **state)
{
    struct fixture *fixture = *state;
    struct rind_owned_range right = slice_of(0x80, 0xff);
    to_second(fixture, &right);
    to_first(fixture, &right);
    to_second(fixture, NULL);
    struct rind_owned_range owned;
    assert_false(realm_owned(fixture->realm, 0, &fixture->first, &owned));
    assert_true(realm_owned(fixture->realm, 1, &fixture->second, &owned));
    struct rind_owned_range full = rind_owned_range_full();
    assert_true(rind_owned_range_equal(&owned, &full));
}

static void requests_go_on_while_ranges_move(void **state)
{
    struct fixture *fixture = *state;
    register_all(fixture);
    struct rind_owned_range right = slice_of(0x80, 0xff);
    for (unsigned round = 0; round < 3; round++) {
        to_second(fixture, &right);
        struct rind_secrets_request register2 = cluster_register2(round, 3);
        assert_int_equal(ask(fixture, 1, USERS - 1, &register2, NULL), RIND_AGENT_APP_OK);
        assert_int_equal(ask(fixture, 0, 0, &register2, NULL), RIND_AGENT_APP_OK);
        to_first(fixture, &right);
        assert_int_equal(ask(fixture, 0, USERS - 1, &register2, NULL), RIND_AGENT_APP_OK);
    }
    expect_all_found(fixture);
}

static enum rind_agent_transfer_cancel_prepare_response_kind
cancel(struct fixture *fixture, const struct rind_owned_range *range)
{
    struct rind_agent_transfer_cancel_prepare_request request = {fixture->realm->id, fixture->first,
                                                                 fixture->second, *range};
    struct rind_agent_transfer_cancel_prepare_response response;
    rind_transfer_cancel_prepare(&fixture->realm->ctx, fixture->realm->nodes[1].agent, &request,
                                 &response);
    return response.kind;
}

static void a_cancelled_preparation_leaves_the_destination_usable(void **state)
{
    struct fixture *fixture = *state;
    struct rind_owned_range right = slice_of(0x80, 0xff);
    struct rind_owned_range other = slice_of(0xc0, 0xff);
    register_all(fixture);
    assert_int_equal(cancel(fixture, &right), RIND_AGENT_TRANSFER_CANCEL_PREPARE_NOT_PREPARED);
    assert_int_equal(
        realm_prepare(fixture->realm, 1, &fixture->first, &fixture->second, &right).kind,
        RIND_AGENT_TRANSFER_PREPARE_OK);
    assert_int_equal(
        realm_prepare(fixture->realm, 1, &fixture->first, &fixture->second, &other).kind,
        RIND_AGENT_TRANSFER_PREPARE_OTHER_TRANSFER_PENDING);
    assert_int_equal(cancel(fixture, &other), RIND_AGENT_TRANSFER_CANCEL_PREPARE_NOT_PREPARED);
    assert_int_equal(cancel(fixture, &right), RIND_AGENT_TRANSFER_CANCEL_PREPARE_OK);
    to_second(fixture, &other);
    expect_all_found(fixture);
}

static void steps_may_be_repeated_after_a_lost_answer(void **state)
{
    struct fixture *fixture = *state;
    struct realm *realm = fixture->realm;
    struct rind_owned_range right = slice_of(0x80, 0xff);
    struct rind_agent_transfer_prepare_response prepared = {0};
    for (unsigned i = 0; i < 2; i++) {
        prepared = realm_prepare(realm, 1, &fixture->first, &fixture->second, &right);
        assert_int_equal(prepared.kind, RIND_AGENT_TRANSFER_PREPARE_OK);
    }
    struct rind_agent_transfer_out_response first =
        realm_transfer_out(realm, 0, &fixture->first, &fixture->second, &right, &prepared.ok);
    struct rind_agent_transfer_out_response again =
        realm_transfer_out(realm, 0, &fixture->first, &fixture->second, &right, &prepared.ok);
    assert_int_equal(first.kind, RIND_AGENT_TRANSFER_OUT_OK);
    assert_int_equal(again.kind, RIND_AGENT_TRANSFER_OUT_OK);
    assert_memory_equal(&first.ok.transferring, &again.ok.transferring,
                        sizeof(first.ok.transferring));
    assert_int_equal(
        realm_transfer_in(realm, 1, &fixture->first, &fixture->second, &prepared.ok, &again.ok),
        RIND_AGENT_TRANSFER_IN_OK);
    assert_int_equal(
        realm_transfer_in(realm, 1, &fixture->first, &fixture->second, &prepared.ok, &again.ok),
        RIND_AGENT_TRANSFER_IN_NOT_PREPARED);
    assert_int_equal(realm_transfer_complete(realm, 0, &fixture->first, &fixture->second, &right),
                     RIND_AGENT_TRANSFER_COMPLETE_OK);
    assert_int_equal(realm_transfer_complete(realm, 0, &fixture->first, &fixture->second, &right),
                     RIND_AGENT_TRANSFER_COMPLETE_NOT_TRANSFERRING);
}

static void a_new_destination_leader_wants_a_new_preparation(void **state)
{
    struct fixture *fixture = *state;
    struct realm *realm = fixture->realm;
    struct rind_owned_range right = slice_of(0x80, 0xff);
    register_all(fixture);
    struct rind_agent_transfer_prepare_response prepared =
        realm_prepare(realm, 1, &fixture->first, &fixture->second, &right);
    struct rind_agent_transfer_out_response out =
        realm_transfer_out(realm, 0, &fixture->first, &fixture->second, &right, &prepared.ok);
    assert_int_equal(out.kind, RIND_AGENT_TRANSFER_OUT_OK);
    realm_stop(realm, 1);
    realm_start(realm, 1, true);
    assert_int_equal(realm_become_leader(realm, 1, &fixture->second, NULL),
                     RIND_AGENT_BECOME_LEADER_OK);
    assert_int_equal(
        realm_transfer_in(realm, 1, &fixture->first, &fixture->second, &prepared.ok, &out.ok),
        RIND_AGENT_TRANSFER_IN_INVALID_NONCE);
    to_second(fixture, &right); /* as a manager does: all of it once more */
    expect_all_found(fixture);
}

static void a_new_source_leader_goes_on_with_the_transfer(void **state)
{
    struct fixture *fixture = *state;
    struct realm *realm = fixture->realm;
    struct rind_owned_range right = slice_of(0x80, 0xff);
    struct rind_agent_transfer_prepare_response prepared =
        realm_prepare(realm, 1, &fixture->first, &fixture->second, &right);
    assert_int_equal(
        realm_transfer_out(realm, 0, &fixture->first, &fixture->second, &right, &prepared.ok).kind,
        RIND_AGENT_TRANSFER_OUT_OK);
    realm_stop(realm, 0);
    realm_start(realm, 0, true);
    assert_int_equal(realm_become_leader(realm, 0, &fixture->first, NULL),
                     RIND_AGENT_BECOME_LEADER_OK);
    to_second(fixture, &right);
    struct rind_owned_range owned;
    assert_true(realm_owned(realm, 1, &fixture->second, &owned));
    assert_true(rind_owned_range_equal(&owned, &right));
}

static void a_stale_proof_of_a_split_is_read_again(void **state)
{
    struct fixture *fixture = *state;
    struct rind_hsm_transfer_out_response stale = {.kind = RIND_HSM_TRANSFER_OUT_STALE_PROOF};
    register_all(fixture);
    realm_fail_with(fixture->realm, 0, RIND_HSM_REQUEST_TRANSFER_OUT,
                    &rind_hsm_transfer_out_response_schema, &stale, 2);
    struct rind_owned_range right = slice_of(0x80, 0xff);
    to_second(fixture, &right);
    expect_all_found(fixture);
}

static void a_lost_transfer_reply_ends_the_leadership(void **state)
{
    struct fixture *fixture = *state;
    struct rind_owned_range right = slice_of(0x80, 0xff);
    realm_fail(fixture->realm, 1, RIND_HSM_REQUEST_PREPARE_TRANSFER, REALM_FAULT_LOSE_REPLY, 1);
    assert_int_equal(
        realm_prepare(fixture->realm, 1, &fixture->first, &fixture->second, &right).kind,
        RIND_AGENT_TRANSFER_PREPARE_NO_HSM);
    realm_wait_role(fixture->realm, 1, &fixture->second, RIND_ROLE_WITNESS);
    assert_int_equal(realm_become_leader(fixture->realm, 1, &fixture->second, NULL),
                     RIND_AGENT_BECOME_LEADER_OK);
    to_second(fixture, &right);
}

static enum rind_agent_transfer_owns_response_kind owns(struct fixture *fixture, unsigned h,
                                                        const struct rind_group_id *group,
                                                        const struct rind_owned_range *range)
{
    struct rind_agent_transfer_owns_request request = {fixture->realm->id, *group, *range};
    struct rind_agent_transfer_owns_response response;
    rind_transfer_owns(&fixture->realm->ctx, fixture->realm->nodes[h].agent, &request, &response);
    return response.kind;
}

static void ownership_is_confirmed_only_by_its_owner(void **state)
{
    struct fixture *fixture = *state;
    struct realm *realm = fixture->realm;
    struct rind_owned_range right = slice_of(0x80, 0xff);
    struct rind_owned_range inverted = {right.end, right.start};
    struct rind_group_id unknown = {{1}};
    assert_int_equal(owns(fixture, 0, &fixture->first, &right), RIND_AGENT_TRANSFER_OWNS_OK);
    assert_int_equal(owns(fixture, 0, &fixture->first, &inverted),
                     RIND_AGENT_TRANSFER_OWNS_NOT_OWNED);
    assert_int_equal(owns(fixture, 1, &fixture->second, &right),
                     RIND_AGENT_TRANSFER_OWNS_NOT_OWNED);
    assert_int_equal(owns(fixture, 0, &unknown, &right), RIND_AGENT_TRANSFER_OWNS_INVALID_GROUP);
    assert_int_equal(realm_prepare(realm, 1, &fixture->first, &fixture->second, &right).kind,
                     RIND_AGENT_TRANSFER_PREPARE_OK);
    assert_int_equal(owns(fixture, 1, &fixture->second, &right),
                     RIND_AGENT_TRANSFER_OWNS_TRANSFER_IN_PROGRESS);
    struct rind_realm_id id = realm->id;
    realm->id.bytes[0] ^= 1;
    assert_int_equal(owns(fixture, 0, &fixture->first, &right),
                     RIND_AGENT_TRANSFER_OWNS_INVALID_REALM);
    realm->id = id;
}

static void impossible_requests_are_answered_by_name(void **state)
{
    struct fixture *fixture = *state;
    struct realm *realm = fixture->realm;
    struct rind_group_id *first = &fixture->first;
    struct rind_group_id *second = &fixture->second;
    struct rind_group_id unknown = {{1}};
    struct rind_owned_range right = slice_of(0x80, 0xff);
    struct rind_owned_range middle = slice_of(0x40, 0x7f);
    struct rind_owned_range inverted = {right.end, right.start};
    struct rind_agent_transfer_prepare_ok nothing = {0};
    struct rind_agent_transfer_out_ok no_out = {0};
    assert_int_equal(realm_prepare(realm, 1, first, first, &right).kind,
                     RIND_AGENT_TRANSFER_PREPARE_INVALID_GROUP);
    assert_int_equal(realm_prepare(realm, 1, first, &unknown, &right).kind,
                     RIND_AGENT_TRANSFER_PREPARE_INVALID_GROUP);
    assert_int_equal(realm_prepare(realm, 1, first, second, &inverted).kind,
                     RIND_AGENT_TRANSFER_PREPARE_UNACCEPTABLE_RANGE);
    assert_int_equal(realm_transfer_out(realm, 0, first, second, &inverted, &nothing).kind,
                     RIND_AGENT_TRANSFER_OUT_UNACCEPTABLE_RANGE);
    assert_int_equal(realm_transfer_out(realm, 0, first, second, &middle, &nothing).kind,
                     RIND_AGENT_TRANSFER_OUT_UNACCEPTABLE_RANGE);
    assert_int_equal(realm_transfer_out(realm, 0, first, second, &right, &nothing).kind,
                     RIND_AGENT_TRANSFER_OUT_INVALID_STATEMENT);
    assert_int_equal(realm_transfer_out(realm, 1, second, first, &right, &nothing).kind,
                     RIND_AGENT_TRANSFER_OUT_NOT_OWNER);
    assert_int_equal(realm_transfer_out(realm, 0, &unknown, second, &right, &nothing).kind,
                     RIND_AGENT_TRANSFER_OUT_INVALID_GROUP);
    no_out.transferring.range = inverted;
    assert_int_equal(realm_transfer_in(realm, 1, first, second, &nothing, &no_out),
                     RIND_AGENT_TRANSFER_IN_NOT_PREPARED);
    no_out.transferring.range = right;
    assert_int_equal(realm_transfer_in(realm, 1, first, second, &nothing, &no_out),
                     RIND_AGENT_TRANSFER_IN_NOT_PREPARED);
    assert_int_equal(realm_transfer_complete(realm, 0, first, second, &right),
                     RIND_AGENT_TRANSFER_COMPLETE_NOT_TRANSFERRING);
    realm->id.bytes[0] ^= 1;
    assert_int_equal(realm_prepare(realm, 1, first, second, &right).kind,
                     RIND_AGENT_TRANSFER_PREPARE_INVALID_REALM);
    realm->id.bytes[0] ^= 1;
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(ranges_are_split_and_merged_at_both_sides),
        CASE(empty_trees_are_split_and_merged),
        CASE(requests_go_on_while_ranges_move),
        CASE(a_cancelled_preparation_leaves_the_destination_usable),
        CASE(steps_may_be_repeated_after_a_lost_answer),
        CASE(a_new_destination_leader_wants_a_new_preparation),
        CASE(a_new_source_leader_goes_on_with_the_transfer),
        CASE(a_stale_proof_of_a_split_is_read_again),
        CASE(a_lost_transfer_reply_ends_the_leadership),
        CASE(ownership_is_confirmed_only_by_its_owner),
        CASE(impossible_requests_are_answered_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
