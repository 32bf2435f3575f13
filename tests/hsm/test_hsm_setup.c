/* test_hsm_setup.c - boot, Status, NewRealm, JoinRealm, NewGroup, JoinGroup, and what NVRAM holds.
 */
#include "support/test.h"

#include "hsm/cluster.h"
#include "hsm/persist.h"

static struct rind_hsm_new_realm_response send_new_realm(struct cluster *cluster, unsigned h)
{
    struct rind_hsm_request request = {.kind = RIND_HSM_REQUEST_NEW_REALM};
    struct rind_hsm_new_realm_response answer;
    cluster_send(cluster, h, &request, &answer);
    return answer;
}

static int send_join_realm(struct cluster *cluster, unsigned h,
                           const struct rind_hsm_join_realm_request *fields)
{
    struct rind_hsm_request request = {.kind = RIND_HSM_REQUEST_JOIN_REALM, .join_realm = *fields};
    struct rind_hsm_join_realm_response answer;
    cluster_send(cluster, h, &request, &answer);
    return (int)answer.kind;
}

static int send_new_group(struct cluster *cluster, unsigned h,
                          const struct rind_hsm_new_group_request *fields)
{
    struct rind_hsm_request request = {.kind = RIND_HSM_REQUEST_NEW_GROUP, .new_group = *fields};
    struct rind_hsm_new_group_response answer;
    cluster_send(cluster, h, &request, &answer);
    return (int)answer.kind;
}

static struct rind_hsm_join_group_response
send_join_group(struct cluster *cluster, unsigned h,
                const struct rind_hsm_join_group_request *fields)
{
    struct rind_hsm_request request = {.kind = RIND_HSM_REQUEST_JOIN_GROUP, .join_group = *fields};
    struct rind_hsm_join_group_response answer;
    cluster_send(cluster, h, &request, &answer);
    return answer;
}

/* The members' ids and statements, ascending by id. */
static struct rind_group_member_list member_list(struct cluster *cluster,
                                                 struct rind_group_member *members)
{
    size_t count = 0;
    for (unsigned h = 0; h < cluster->hsm_count; h++) {
        struct rind_hsm_status_response status = cluster_status(cluster, h);
        struct rind_group_member member = {.hsm = status.id, .statement = status.realm.statement};
        size_t at = count;
        while (at > 0 && rind_hsm_id_compare(&member.hsm, &members[at - 1].hsm) < 0) {
            members[at] = members[at - 1];
            at--;
        }
        members[at] = member;
        count++;
    }
    return (struct rind_group_member_list){.items = members, .count = count};
}

static void a_first_boot_makes_an_identity_and_stores_it(void **state)
{
    (void)state;
    struct cluster *cluster = cluster_new(2, 1);
    assert_int_equal(cluster->hsms[0].nvram_write_count, 1);
    assert_int_equal(cluster->hsms[0].nvram_length, 60);
    struct rind_hsm_status_response status = cluster_status(cluster, 0);
    assert_false(status.has_realm);
    assert_int_equal(status.public_key.length, 32);
    assert_memory_equal(status.public_key.data, cluster->hsms[0].keys.communication_public.bytes,
                        32);
    assert_false(rind_hsm_id_equal(&cluster->hsms[0].id, &cluster->hsms[1].id));
    cluster_free(cluster);
}

static void a_scripted_generator_gives_the_ids_in_the_order_of_the_spec(void **state)
{
    (void)state;
    struct cluster *cluster = cluster_new(1, 1);
    uint8_t script[32];
    for (unsigned i = 0; i < sizeof(script); i++) {
        script[i] = (uint8_t)i;
    }
    cluster->hsms[0].random.script = RIND_SLICE_OF(script);
    struct rind_hsm_new_realm_response answer = send_new_realm(cluster, 0);
    assert_memory_equal(answer.ok.realm.bytes, script, 16);
    assert_memory_equal(answer.ok.group.bytes, script + 16, 16);
    cluster_free(cluster);
}

static void a_new_realm_has_one_group_that_owns_everything(void **state)
{
    (void)state;
    struct cluster *cluster = cluster_new(1, 1);
    struct rind_hsm_new_realm_response answer = send_new_realm(cluster, 0);
    assert_int_equal(answer.kind, RIND_HSM_NEW_REALM_OK);
    assert_int_equal(answer.ok.entry.index, 1);
    assert_true(answer.ok.entry.has_partition);
    assert_false(answer.ok.entry.has_transferring);
    struct rind_owned_range full = rind_owned_range_full();
    assert_true(rind_owned_range_equal(&answer.ok.entry.partition.range, &full));
    assert_int_equal(answer.ok.entry.partition.root_hash.bytes[0], 0xc4); /* hsm-log-chain.json */
    assert_int_equal(answer.ok.entry.partition.root_hash.bytes[31], 0x7b);
    assert_int_equal(answer.ok.delta.add.count, 1);
    assert_int_equal(answer.ok.delta.remove.count, 0);
    assert_int_equal(answer.ok.role.role.kind, RIND_ROLE_LEADER);
    assert_int_equal(answer.ok.role.role.leader.starting, 2);
    assert_int_equal(answer.ok.role.at, 1);
    assert_int_equal(cluster->hsms[0].nvram_write_count, 2);

    struct rind_group_status group = cluster_group_status(cluster, 0, &answer.ok.group);
    assert_int_equal(group.configuration.count, 1);
    assert_false(group.has_captured);
    assert_true(group.has_leader);
    assert_false(group.leader.has_committed);
    assert_int_equal(group.leader.last, 1);

    assert_int_equal(send_new_realm(cluster, 0).kind, RIND_HSM_NEW_REALM_HAVE_REALM);
    assert_int_equal(cluster->hsms[0].nvram_write_count, 2);
    cluster_free(cluster);
}

static void joining_a_realm_needs_a_peers_statement_once(void **state)
{
    (void)state;
    struct cluster *cluster = cluster_new(2, 1);
    struct rind_hsm_new_realm_response realm = send_new_realm(cluster, 0);
    struct rind_hsm_status_response peer = cluster_status(cluster, 0);
    struct rind_hsm_join_realm_request join = {
        .realm = realm.ok.realm, .peer = peer.id, .statement = peer.realm.statement};

    struct rind_hsm_join_realm_request bad = join;
    bad.statement.bytes[31] ^= 1;
    assert_int_equal(send_join_realm(cluster, 1, &bad), RIND_HSM_JOIN_REALM_INVALID_STATEMENT);
    bad = join;
    bad.peer.bytes[0] ^= 1;
    assert_int_equal(send_join_realm(cluster, 1, &bad), RIND_HSM_JOIN_REALM_INVALID_STATEMENT);
    bad = join;
    bad.realm.bytes[0] ^= 1;
    assert_int_equal(send_join_realm(cluster, 1, &bad), RIND_HSM_JOIN_REALM_INVALID_STATEMENT);
    assert_int_equal(cluster->hsms[1].nvram_write_count, 1);

    assert_int_equal(send_join_realm(cluster, 1, &join), RIND_HSM_JOIN_REALM_OK);
    assert_int_equal(cluster->hsms[1].nvram_write_count, 2);
    bad = join;
    bad.statement.bytes[0] ^= 1; /* not looked at any more */
    assert_int_equal(send_join_realm(cluster, 1, &bad), RIND_HSM_JOIN_REALM_OK);
    bad.realm.bytes[0] ^= 1;
    assert_int_equal(send_join_realm(cluster, 1, &bad), RIND_HSM_JOIN_REALM_HAVE_OTHER_REALM);
    assert_int_equal(cluster->hsms[1].nvram_write_count, 2);
    cluster_free(cluster);
}

static void a_new_group_checks_realm_then_statements_then_configuration(void **state)
{
    (void)state;
    struct cluster *cluster = cluster_new(3, 1);
    (void)cluster_new_realm(cluster);
    struct rind_group_member members[10];
    struct rind_hsm_new_group_request good = {.realm = cluster->realm,
                                              .members = member_list(cluster, members)};
    struct rind_hsm_new_group_request bad = good;
    bad.realm.bytes[0] ^= 1;
    bad.members.count = 0;
    assert_int_equal(send_new_group(cluster, 0, &bad), RIND_HSM_NEW_GROUP_INVALID_REALM);
    bad.realm = good.realm;
    assert_int_equal(send_new_group(cluster, 0, &bad), RIND_HSM_NEW_GROUP_INVALID_CONFIGURATION);

    struct rind_group_member swapped[3] = {members[1], members[0], members[2]};
    bad.members = (struct rind_group_member_list){.items = swapped, .count = 3};
    assert_int_equal(send_new_group(cluster, 0, &bad), RIND_HSM_NEW_GROUP_INVALID_CONFIGURATION);
    swapped[2].statement.bytes[0] ^= 1;
    assert_int_equal(send_new_group(cluster, 0, &bad), RIND_HSM_NEW_GROUP_INVALID_STATEMENT);
    struct rind_group_member twice[2] = {members[0], members[0]};
    bad.members = (struct rind_group_member_list){.items = twice, .count = 2};
    assert_int_equal(send_new_group(cluster, 0, &bad), RIND_HSM_NEW_GROUP_INVALID_CONFIGURATION);

    /* Somebody else's group. */
    struct rind_hsm_id own = cluster_status(cluster, 0).id;
    struct rind_group_member others[2];
    size_t count = 0;
    for (size_t i = 0; i < 3; i++) {
        if (!rind_hsm_id_equal(&members[i].hsm, &own)) {
            others[count++] = members[i];
        }
    }
    bad.members = (struct rind_group_member_list){.items = others, .count = count};
    assert_int_equal(send_new_group(cluster, 0, &bad), RIND_HSM_NEW_GROUP_INVALID_CONFIGURATION);
    assert_int_equal(send_new_group(cluster, 0, &good), RIND_HSM_NEW_GROUP_OK);
    cluster_free(cluster);
}

static void groups_of_ten_are_refused(void **state)
{
    (void)state;
    struct cluster *cluster = cluster_new(1, 1);
    (void)cluster_new_realm(cluster);
    struct rind_hsm_status_response status = cluster_status(cluster, 0);
    struct rind_hsm_id ids[10];
    for (uint8_t i = 0; i < 10; i++) {
        memset(ids[i].bytes, i, sizeof(ids[i].bytes));
    }
    ids[9] = status.id; /* seed 1's id is above 09.. */
    assert_true(rind_hsm_id_compare(&ids[8], &ids[9]) < 0);
    struct rind_hsm_join_group_request join = {.realm = cluster->realm,
                                               .configuration = {.items = ids, .count = 10}};
    assert_int_equal(send_join_group(cluster, 0, &join).kind,
                     RIND_HSM_JOIN_GROUP_INVALID_CONFIGURATION);
    join.configuration.items = ids + 1; /* nine: the statement is looked at */
    join.configuration.count = 9;
    assert_int_equal(send_join_group(cluster, 0, &join).kind,
                     RIND_HSM_JOIN_GROUP_INVALID_STATEMENT);
    join.realm.bytes[0] ^= 1;
    assert_int_equal(send_join_group(cluster, 0, &join).kind, RIND_HSM_JOIN_GROUP_INVALID_REALM);
    cluster_free(cluster);
}

static void joining_a_group_again_resets_nothing(void **state)
{
    (void)state;
    struct cluster *cluster = cluster_new(3, 1);
    struct rind_group_id group = cluster_new_realm_and_group(cluster);
    (void)cluster_step_down(cluster, 0, &group, false);
    cluster_lead(cluster, 1, &group);
    struct rind_group_status before = cluster_group_status(cluster, 1, &group);
    struct rind_hsm_join_group_request join = {
        .realm = cluster->realm, .group = group, .configuration = before.configuration};
    struct rind_group_configuration_message message = {
        .realm = cluster->realm, .group = group, .configuration = before.configuration};
    uint8_t bytes[512];
    struct rind_buffer buffer;
    rind_buffer_init(&buffer, bytes, sizeof(bytes));
    assert_true(rind_is_ok(
        rind_wire_encode(NULL, &rind_group_configuration_message_schema, &message, &buffer)));
    rind_mac_compute(&cluster->hsms[0].keys.mac, "groupcfg", rind_buffer_slice(&buffer),
                     &join.statement);
    unsigned writes = cluster->hsms[1].nvram_write_count;
    struct rind_hsm_join_group_response answer = send_join_group(cluster, 1, &join);
    assert_int_equal(answer.kind, RIND_HSM_JOIN_GROUP_OK);
    assert_int_equal(answer.ok.role.kind, RIND_ROLE_LEADER);
    assert_int_equal(answer.ok.at, before.role.at);
    struct rind_group_status after = cluster_group_status(cluster, 1, &group);
    assert_int_equal(after.captured.index, before.captured.index);
    assert_int_equal(cluster->hsms[1].nvram_write_count, writes);
    join.statement.bytes[0] ^= 1;
    assert_int_equal(send_join_group(cluster, 1, &join).kind,
                     RIND_HSM_JOIN_GROUP_INVALID_STATEMENT);
    cluster_free(cluster);
}

static void sixteen_groups_are_listed_ascending_and_a_seventeenth_is_refused(void **state)
{
    (void)state;
    struct cluster *cluster = cluster_new(2, 1);
    (void)cluster_new_realm(cluster);
    const unsigned members[] = {0, 1};
    struct rind_group_id last = {{0}};
    for (unsigned i = 1; i < 16; i++) {
        last = cluster_new_group(cluster, members, 2);
    }
    struct rind_hsm_status_response status = cluster_status(cluster, 0);
    assert_int_equal(status.realm.groups.count, 16);
    for (size_t i = 1; i < 16; i++) {
        assert_true(rind_group_id_compare(&status.realm.groups.items[i - 1].id,
                                          &status.realm.groups.items[i].id) < 0);
    }
    struct rind_group_member list[2];
    struct rind_hsm_new_group_request request = {.realm = cluster->realm,
                                                 .members = member_list(cluster, list)};
    assert_int_equal(send_new_group(cluster, 0, &request), RIND_HSM_NEW_GROUP_TOO_MANY_GROUPS);

    /* JoinGroup too, but for a group that it is in already. */
    struct rind_group_status group = cluster_group_status(cluster, 0, &last);
    struct rind_hsm_join_group_request join = {
        .realm = cluster->realm, .group = last, .configuration = group.configuration};
    assert_int_equal(send_join_group(cluster, 0, &join).kind,
                     RIND_HSM_JOIN_GROUP_INVALID_STATEMENT);
    join.group.bytes[0] ^= 1;
    assert_int_equal(send_join_group(cluster, 0, &join).kind, RIND_HSM_JOIN_GROUP_TOO_MANY_GROUPS);
    cluster_reboot(cluster, 0);
    assert_int_equal(cluster_status(cluster, 0).realm.groups.count, 16);
    cluster_free(cluster);
}

static void a_reboot_keeps_identity_realm_and_captures_but_no_role(void **state)
{
    (void)state;
    struct cluster *cluster = cluster_new(3, 1);
    struct rind_group_id group = cluster_new_realm_and_group(cluster);
    struct rind_hsm_status_response before = cluster_status(cluster, 0);
    struct rind_group_status led = cluster_group_status(cluster, 0, &group);
    unsigned writes = cluster->hsms[0].nvram_write_count;
    cluster_reboot(cluster, 0);
    struct rind_hsm_status_response after = cluster_status(cluster, 0);
    assert_memory_equal(&after.id, &before.id, sizeof(after.id));
    assert_memory_equal(&after.realm.id, &before.realm.id, sizeof(after.realm.id));
    assert_memory_equal(&after.realm.statement, &before.realm.statement,
                        sizeof(after.realm.statement));
    assert_true(rind_slice_equal(after.public_key, before.public_key));
    struct rind_group_status fresh = cluster_group_status(cluster, 0, &group);
    assert_int_equal(fresh.role.role.kind, RIND_ROLE_WITNESS);
    assert_int_equal(fresh.role.at, 1);
    assert_int_equal(fresh.captured.index, led.captured.index);
    (void)cluster_persist(cluster, 0);
    assert_int_equal(cluster->hsms[0].nvram_write_count, writes); /* nothing new to write */
    cluster_free(cluster);
}

static void a_damaged_or_foreign_state_stops_the_boot(void **state)
{
    (void)state;
    struct cluster *cluster = cluster_new(1, 1);
    (void)cluster_new_realm(cluster);
    struct cluster_hsm *hsm = &cluster->hsms[0];
    cluster_stop(cluster, 0);
    size_t length = hsm->nvram_length;
    for (size_t i = 0; i < length; i++) {
        hsm->nvram[i] ^= 0x10;
        assert_true(rind_is(cluster_boot(cluster, 0), RIND_E_CORRUPT));
        hsm->nvram[i] ^= 0x10;
    }
    hsm->nvram_length = 31;
    assert_true(rind_is(cluster_boot(cluster, 0), RIND_E_CORRUPT));
    assert_non_null(strstr(cluster->ctx.sentence, "InvalidChecksum"));

    uint8_t good[RIND_HSM_NVRAM_SIZE_BYTES_MAX];
    memcpy(good, hsm->nvram, length);
    hsm->nvram[0] = 0xff; /* a valid digest over what is no CBOR */
    rind_blake2s(rind_slice_make(hsm->nvram, 1), hsm->nvram + 1);
    hsm->nvram_length = 1 + RIND_BLAKE2S_SIZE;
    assert_true(rind_is(cluster_boot(cluster, 0), RIND_E_CORRUPT));
    assert_non_null(strstr(cluster->ctx.sentence, "Deserialization"));

    memcpy(hsm->nvram, good, length);
    hsm->nvram_length = length;
    hsm->keys.mac.bytes[0] ^= 1;
    assert_true(rind_is(cluster_boot(cluster, 0), RIND_E_AUTH));
    assert_non_null(strstr(cluster->ctx.sentence, "InvalidRealmStatement"));
    hsm->keys.mac.bytes[0] ^= 1;
    assert_true(rind_is_ok(cluster_boot(cluster, 0)));
    cluster_free(cluster);
}

/* Stores `durable` with a right digest, as a host with access to NVRAM could. */
static void forge_state(struct cluster_hsm *hsm, const struct rind_hsm_durable *durable)
{
    struct rind_buffer stored;
    rind_buffer_init(&stored, hsm->nvram, sizeof(hsm->nvram));
    rind_hsm_durable_encode(durable, &stored);
    hsm->nvram_length = stored.length;
}

static void a_state_with_an_impossible_configuration_stops_the_boot(void **state)
{
    (void)state;
    struct cluster *cluster = cluster_new(1, 1);
    (void)cluster_new_realm(cluster);
    struct cluster_hsm *hsm = &cluster->hsms[0];
    struct rind_hsm_durable durable;
    assert_true(rind_is_ok(rind_hsm_durable_decode(
        &cluster->ctx, rind_slice_make(hsm->nvram, hsm->nvram_length), &durable)));
    cluster_stop(cluster, 0);

    struct rind_hsm_durable forged = durable;
    memset(forged.groups[0].configuration[0].bytes, 0, 16); /* without this HSM */
    forge_state(hsm, &forged);
    assert_true(rind_is(cluster_boot(cluster, 0), RIND_E_CORRUPT));

    forged = durable;
    forged.groups[0].configuration[1] = forged.groups[0].configuration[0]; /* twice */
    forged.groups[0].member_count = 2;
    forge_state(hsm, &forged);
    assert_true(rind_is(cluster_boot(cluster, 0), RIND_E_CORRUPT));

    forged = durable;
    forged.groups[1] = forged.groups[0]; /* a group twice */
    forged.group_count = 2;
    forge_state(hsm, &forged);
    assert_true(rind_is(cluster_boot(cluster, 0), RIND_E_CORRUPT));

    forge_state(hsm, &durable);
    assert_true(rind_is_ok(cluster_boot(cluster, 0)));
    cluster_free(cluster);
}

static void a_failing_nvram_leaves_everything_as_it_was(void **state)
{
    (void)state;
    struct cluster *cluster = cluster_new(2, 1);
    struct cluster_hsm *hsm = &cluster->hsms[0];
    struct rind_hsm_request new_realm = {.kind = RIND_HSM_REQUEST_NEW_REALM};
    struct rind_hsm_new_realm_response answer;
    hsm->nvram_fails = true;
    assert_true(rind_is(cluster_try_send(cluster, 0, &new_realm, &answer, NULL), RIND_E_IO));
    assert_false(cluster_status(cluster, 0).has_realm);
    hsm->nvram_fails = false;
    struct rind_group_id group = cluster_new_realm(cluster);

    cluster_capture(cluster, 0, &group);
    hsm->nvram_fails = true;
    struct rind_hsm_request persist = {.kind = RIND_HSM_REQUEST_PERSIST_STATE};
    struct rind_hsm_persist_state_response captured;
    assert_true(rind_is(cluster_try_send(cluster, 0, &persist, &captured, NULL), RIND_E_IO));
    assert_false(cluster_group_status(cluster, 0, &group).has_captured);
    struct rind_hsm_request lead = {
        .kind = RIND_HSM_REQUEST_BECOME_LEADER,
        .become_leader = {
            .realm = cluster->realm, .group = group, .last_entry = *cluster_last(cluster, &group)}};
    struct rind_hsm_become_leader_response led;
    assert_true(rind_is(cluster_try_send(cluster, 0, &lead, &led, NULL), RIND_E_IO));
    hsm->nvram_fails = false;
    assert_int_equal(cluster_persist(cluster, 0).count, 1);
    assert_true(cluster_group_status(cluster, 0, &group).has_captured);
    cluster_free(cluster);
}

static void persisting_twice_without_a_change_writes_once(void **state)
{
    (void)state;
    struct cluster *cluster = cluster_new(1, 1);
    struct rind_group_id group = cluster_new_realm(cluster);
    unsigned writes = cluster->hsms[0].nvram_write_count;
    assert_int_equal(cluster_persist(cluster, 0).count, 0); /* nothing captured: no mutation */
    assert_int_equal(cluster->hsms[0].nvram_write_count, writes);
    cluster_capture(cluster, 0, &group);
    assert_int_equal(cluster_persist(cluster, 0).count, 1);
    assert_int_equal(cluster->hsms[0].nvram_write_count, writes + 1);
    assert_int_equal(cluster_persist(cluster, 0).count, 1);
    assert_int_equal(cluster->hsms[0].nvram_write_count, writes + 1);
    cluster_free(cluster);
}

static void configurations_out_of_bounds_are_refused_at_boot(void **state)
{
    (void)state;
    struct cluster *cluster = cluster_new(1, 1);
    cluster_stop(cluster, 0);
    struct rind_hsm_config good = cluster->config;
    const struct rind_hsm_config bad[] = {
        {.overlay_size = 1, .sessions_max = 16, .log_entries_max = 256},
        {.overlay_size = 64, .sessions_max = 0, .log_entries_max = 256},
        {.overlay_size = 64, .sessions_max = 16, .log_entries_max = 255},
        {.overlay_size = 64, .sessions_max = 16, .log_entries_max = 65537},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        cluster->config = bad[i];
        assert_true(rind_is(cluster_boot(cluster, 0), RIND_E_INVALID));
    }
    cluster->config = good;
    size_t enough = cluster->memory_size;
    cluster->memory_size = enough - 1;
    assert_true(rind_is(cluster_boot(cluster, 0), RIND_E_INVALID));
    cluster->memory_size = enough;
    assert_true(rind_is_ok(cluster_boot(cluster, 0)));
    cluster_free(cluster);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_first_boot_makes_an_identity_and_stores_it),
        cmocka_unit_test(a_scripted_generator_gives_the_ids_in_the_order_of_the_spec),
        cmocka_unit_test(a_new_realm_has_one_group_that_owns_everything),
        cmocka_unit_test(joining_a_realm_needs_a_peers_statement_once),
        cmocka_unit_test(a_new_group_checks_realm_then_statements_then_configuration),
        cmocka_unit_test(groups_of_ten_are_refused),
        cmocka_unit_test(joining_a_group_again_resets_nothing),
        cmocka_unit_test(sixteen_groups_are_listed_ascending_and_a_seventeenth_is_refused),
        cmocka_unit_test(a_reboot_keeps_identity_realm_and_captures_but_no_role),
        cmocka_unit_test(a_damaged_or_foreign_state_stops_the_boot),
        cmocka_unit_test(a_state_with_an_impossible_configuration_stops_the_boot),
        cmocka_unit_test(a_failing_nvram_leaves_everything_as_it_was),
        cmocka_unit_test(persisting_twice_without_a_change_writes_once),
        cmocka_unit_test(configurations_out_of_bounds_are_refused_at_boot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
