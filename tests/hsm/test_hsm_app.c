/* test_hsm_app.c - AppRequest and HandshakeRequest: order of checks, sessions, refusals, limits. */
#include "support/test.h"

#include "hsm/cluster.h"
#include "hsm/state.h"

struct fixture {
    struct cluster *cluster;
    struct rind_group_id group; /* of one, led by core 0, nothing pending */
    struct cluster_client client;
    struct rind_secrets_request registration;
};

static int fixture_set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    fixture->cluster = cluster_new(1, 21);
    fixture->group = cluster_new_realm(fixture->cluster);
    assert_int_equal(cluster_commit(fixture->cluster, 0, &fixture->group).kind, RIND_HSM_COMMIT_OK);
    struct rind_record_id record = cluster_record(0x42);
    cluster_client_init(&fixture->client, 1, &record);
    fixture->registration = cluster_register2(3, 2);
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

static struct rind_secrets_response ask(struct fixture *fixture,
                                        const struct rind_secrets_request *request)
{
    return cluster_client_ask(fixture->cluster, 0, &fixture->group, &fixture->client, request);
}

/* A request with a proof of the log's tail and a message of `kind`. */
static struct rind_hsm_request app_request(struct fixture *fixture,
                                           enum rind_secrets_request_kind kind)
{
    struct rind_secrets_request secrets = cluster_simple(kind);
    const struct rind_log_entry *last = cluster_last(fixture->cluster, &fixture->group);
    return (struct rind_hsm_request){
        .kind = RIND_HSM_REQUEST_APP_REQUEST,
        .app =
            {
                .realm = fixture->cluster->realm,
                .group = fixture->group,
                .record_id = fixture->client.record_id,
                .session_id = fixture->client.session_id,
                .encrypted =
                    cluster_client_seal(fixture->cluster, &fixture->client,
                                        cluster_encode_secrets(fixture->cluster, &secrets)),
                .proof =
                    cluster_proof(fixture->cluster, &last->partition, &fixture->client.record_id),
                .index = last->index,
            },
    };
}

static struct rind_hsm_app_response send_app(struct fixture *fixture,
                                             const struct rind_hsm_request *request)
{
    struct rind_hsm_app_response answer;
    cluster_send(fixture->cluster, 0, request, &answer);
    return answer;
}

/* Sends, expects a refusal, and that neither log nor root has moved. */
static void check_refused(struct fixture *fixture, const struct rind_hsm_request *request,
                          enum rind_hsm_app_response_kind kind)
{
    struct rind_group_status before = cluster_group_status(fixture->cluster, 0, &fixture->group);
    assert_int_equal(send_app(fixture, request).kind, kind);
    struct rind_group_status after = cluster_group_status(fixture->cluster, 0, &fixture->group);
    assert_int_equal(after.leader.last, before.leader.last);
    assert_int_equal(after.role.at, before.role.at);
    struct cluster_client other;
    struct rind_record_id record = cluster_record(0x43);
    cluster_client_init(&other, 9, &record);
    struct rind_secrets_request secrets = cluster_simple(RIND_SECRETS_REQUEST_RECOVER1);
    struct rind_noise_request encrypted = cluster_client_seal(
        fixture->cluster, &other, cluster_encode_secrets(fixture->cluster, &secrets));
    struct rind_hsm_app_response next =
        cluster_app(fixture->cluster, 0, &fixture->group, &other, &encrypted);
    assert_int_equal(next.kind, RIND_HSM_APP_OK);
    assert_true(rind_data_hash_equal(
        &next.ok.entry.partition.root_hash,
        &cluster_last(fixture->cluster, &fixture->group)->partition.root_hash));
    assert_true(cluster_append(fixture->cluster, &fixture->group, &next.ok.entry, &next.ok.delta));
}

static void refusals_change_nothing_and_come_in_order(void **state)
{
    struct fixture *fixture = *state;
    (void)ask(fixture, &fixture->registration);
    fixture->client.has_session = false;
    struct rind_hsm_request good = app_request(fixture, RIND_SECRETS_REQUEST_RECOVER1);
    struct rind_hsm_request bad = good;
    bad.app.realm.bytes[0] ^= 1;
    check_refused(fixture, &bad, RIND_HSM_APP_INVALID_REALM);
    bad = good;
    bad.app.group.bytes[0] ^= 1;
    check_refused(fixture, &bad, RIND_HSM_APP_INVALID_GROUP);
    bad = good;
    bad.app.proof.key.bytes[0] ^= 1;
    check_refused(fixture, &bad, RIND_HSM_APP_INVALID_PROOF);
    bad = good;
    bad.app.proof.root_hash.bytes[0] ^= 1;
    check_refused(fixture, &bad, RIND_HSM_APP_STALE_PROOF);
    bad = good;
    bad.app.proof.has_leaf = false;
    check_refused(fixture, &bad, RIND_HSM_APP_INVALID_PROOF);
    bad = good;
    bad.app.proof.path.count = 0;
    check_refused(fixture, &bad, RIND_HSM_APP_INVALID_PROOF);
    /* Nothing of all that did harm: the first request still works. */
    assert_int_equal(send_app(fixture, &good).kind, RIND_HSM_APP_OK);
}

static void a_record_of_another_range_is_not_ours(void **state)
{
    struct fixture *fixture = *state;
    struct rind_group_id other = cluster_new_group(fixture->cluster, (const unsigned[]){0}, 1);
    (void)cluster_commit(fixture->cluster, 0, &other);
    struct rind_hsm_request request = app_request(fixture, RIND_SECRETS_REQUEST_RECOVER1);
    request.app.group = other; /* owns nothing */
    assert_int_equal(send_app(fixture, &request).kind, RIND_HSM_APP_NOT_OWNER);
    struct rind_owned_range upper = rind_owned_range_full();
    upper.start.bytes[0] = 0x80;
    cluster_transfer(fixture->cluster, 0, &fixture->group, 0, &other, &upper);
    assert_int_equal(send_app(fixture, &request).kind, RIND_HSM_APP_NOT_OWNER);
    struct rind_hsm_request handshake = {.kind = RIND_HSM_REQUEST_HANDSHAKE_REQUEST,
                                         .handshake = {.realm = fixture->cluster->realm,
                                                       .group = other,
                                                       .record_id = fixture->client.record_id}};
    struct rind_hsm_handshake_response answer;
    cluster_send(fixture->cluster, 0, &handshake, &answer);
    assert_int_equal(answer.kind, RIND_HSM_HANDSHAKE_NOT_OWNER);
    (void)cluster_step_down(fixture->cluster, 0, &other, false);
    cluster_send(fixture->cluster, 0, &handshake, &answer);
    assert_int_equal(answer.kind, RIND_HSM_HANDSHAKE_NOT_LEADER);
    handshake.handshake.group.bytes[0] ^= 1;
    cluster_send(fixture->cluster, 0, &handshake, &answer);
    assert_int_equal(answer.kind, RIND_HSM_HANDSHAKE_INVALID_GROUP);
    handshake.handshake.realm.bytes[0] ^= 1;
    cluster_send(fixture->cluster, 0, &handshake, &answer);
    assert_int_equal(answer.kind, RIND_HSM_HANDSHAKE_INVALID_REALM);
}

static void a_handshake_with_a_payload_makes_no_plain_session(void **state)
{
    struct fixture *fixture = *state;
    struct rind_hsm_request app = app_request(fixture, RIND_SECRETS_REQUEST_RECOVER1);
    struct rind_hsm_request request = {
        .kind = RIND_HSM_REQUEST_HANDSHAKE_REQUEST,
        .handshake = {.realm = fixture->cluster->realm,
                      .group = fixture->group,
                      .record_id = fixture->client.record_id,
                      .session_id = fixture->client.session_id,
                      .handshake = app.app.encrypted.handshake.handshake}};
    struct rind_hsm_handshake_response answer;
    cluster_send(fixture->cluster, 0, &request, &answer);
    assert_int_equal(answer.kind, RIND_HSM_HANDSHAKE_SESSION_ERROR);
    request.handshake.handshake.client_ephemeral_public.length = 31;
    cluster_send(fixture->cluster, 0, &request, &answer);
    assert_int_equal(answer.kind, RIND_HSM_HANDSHAKE_SESSION_ERROR);
    static const uint8_t low_order[32] = {0};
    request.handshake.handshake.client_ephemeral_public = RIND_SLICE_OF(low_order);
    request.handshake.handshake.payload_ciphertext.length = 16;
    cluster_send(fixture->cluster, 0, &request, &answer);
    assert_int_equal(answer.kind, RIND_HSM_HANDSHAKE_SESSION_ERROR);
}

static void requests_that_need_forward_secrecy_are_refused_in_a_handshake(void **state)
{
    struct fixture *fixture = *state;
    struct rind_secrets_request recover2 = cluster_recover2(&fixture->registration);
    struct rind_secrets_request recover3 = cluster_recover3(&fixture->registration);
    const struct rind_secrets_request *requests[] = {&fixture->registration, &recover2, &recover3};
    for (size_t i = 0; i < 3; i++) {
        struct rind_hsm_request request = app_request(fixture, RIND_SECRETS_REQUEST_RECOVER1);
        request.app.encrypted =
            cluster_client_seal(fixture->cluster, &fixture->client,
                                cluster_encode_secrets(fixture->cluster, requests[i]));
        check_refused(fixture, &request, RIND_HSM_APP_SESSION_ERROR);
        /* And there is no session now. */
        request.app.encrypted = (struct rind_noise_request){
            .kind = RIND_NOISE_REQUEST_TRANSPORT,
            .transport = {.ciphertext = rind_slice_make("0123456789abcdef0", 17)}};
        request.app.index = cluster_last(fixture->cluster, &fixture->group)->index;
        check_refused(fixture, &request, RIND_HSM_APP_MISSING_SESSION);
    }
}

static void an_undecodable_request_is_a_decoding_error(void **state)
{
    struct fixture *fixture = *state;
    static const char *const payloads[] = {"", "x", "\x68Recover9", "\xf6"};
    for (size_t i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++) {
        struct rind_hsm_request request = app_request(fixture, RIND_SECRETS_REQUEST_RECOVER1);
        request.app.encrypted =
            cluster_client_seal(fixture->cluster, &fixture->client, rind_slice_text(payloads[i]));
        check_refused(fixture, &request, RIND_HSM_APP_DECODING_ERROR);
    }
    struct rind_secrets_request request = cluster_recover2(&fixture->registration);
    memset(request.recover2.oprf_blinded_input, 0xff, 32); /* no element of the group */
    cluster_client_connect(fixture->cluster, 0, &fixture->group, &fixture->client);
    struct rind_hsm_request app = app_request(fixture, RIND_SECRETS_REQUEST_RECOVER1);
    cluster_client_connect(fixture->cluster, 0, &fixture->group, &fixture->client);
    app.app.encrypted = cluster_client_seal(fixture->cluster, &fixture->client,
                                            cluster_encode_secrets(fixture->cluster, &request));
    check_refused(fixture, &app, RIND_HSM_APP_DECODING_ERROR);
    check_refused(fixture, &app, RIND_HSM_APP_MISSING_SESSION); /* it took the session along */
}

static void a_scalar_that_is_not_canonical_is_a_decoding_error(void **state)
{
    struct fixture *fixture = *state;
    struct rind_secrets_request request = fixture->registration;
    struct rind_slice bytes = cluster_encode_secrets(fixture->cluster, &request);
    uint8_t *found = memmem(bytes.data, bytes.length, request.register2.oprf_private_key, 32);
    assert_non_null(found);
    memset(found, 0xff, 32);
    cluster_client_connect(fixture->cluster, 0, &fixture->group, &fixture->client);
    struct rind_noise_request encrypted =
        cluster_client_seal(fixture->cluster, &fixture->client, bytes);
    assert_int_equal(
        cluster_app(fixture->cluster, 0, &fixture->group, &fixture->client, &encrypted).kind,
        RIND_HSM_APP_DECODING_ERROR);
}

static void a_message_that_does_not_decrypt_costs_the_session(void **state)
{
    struct fixture *fixture = *state;
    cluster_client_connect(fixture->cluster, 0, &fixture->group, &fixture->client);
    struct rind_hsm_request good = app_request(fixture, RIND_SECRETS_REQUEST_RECOVER1);
    struct rind_hsm_request bad = good;
    uint8_t ciphertext[64];
    memcpy(ciphertext, good.app.encrypted.transport.ciphertext.data,
           good.app.encrypted.transport.ciphertext.length);
    ciphertext[0] ^= 1;
    bad.app.encrypted.transport.ciphertext.data = ciphertext;
    check_refused(fixture, &bad, RIND_HSM_APP_SESSION_ERROR);
    check_refused(fixture, &good, RIND_HSM_APP_MISSING_SESSION);

    cluster_client_connect(fixture->cluster, 0, &fixture->group, &fixture->client);
    bad.app.encrypted.transport.ciphertext = rind_slice_make("short", 5);
    check_refused(fixture, &bad, RIND_HSM_APP_SESSION_ERROR);
    check_refused(fixture, &good, RIND_HSM_APP_MISSING_SESSION);
}

static void oversize_ciphertexts_and_odd_keys_are_session_errors(void **state)
{
    struct fixture *fixture = *state;
    static const uint8_t zeros[4096] = {0};
    struct rind_hsm_request good = app_request(fixture, RIND_SECRETS_REQUEST_RECOVER1);
    struct rind_hsm_request bad = good;
    bad.app.encrypted.handshake.handshake.payload_ciphertext = rind_slice_make(zeros, 2049);
    check_refused(fixture, &bad, RIND_HSM_APP_SESSION_ERROR);
    for (size_t size = 0; size <= 64; size += 31) { /* 0, 31, 62 */
        bad = good;
        bad.app.encrypted.handshake.handshake.client_ephemeral_public =
            rind_slice_make(zeros, size);
        check_refused(fixture, &bad, RIND_HSM_APP_SESSION_ERROR);
    }
    bad = good; /* a key of low order */
    bad.app.encrypted.handshake.handshake.client_ephemeral_public = rind_slice_make(zeros, 32);
    check_refused(fixture, &bad, RIND_HSM_APP_SESSION_ERROR);

    cluster_client_connect(fixture->cluster, 0, &fixture->group, &fixture->client);
    bad = app_request(fixture, RIND_SECRETS_REQUEST_RECOVER1);
    struct rind_noise_request sealed = bad.app.encrypted;
    bad.app.encrypted.transport.ciphertext = rind_slice_make(zeros, 2049);
    check_refused(fixture, &bad, RIND_HSM_APP_SESSION_ERROR);
    bad.app.encrypted = sealed; /* step 6 comes before the session is taken */
    bad.app.index = cluster_last(fixture->cluster, &fixture->group)->index;
    assert_int_equal(send_app(fixture, &bad).kind, RIND_HSM_APP_OK);
}

static void one_session_id_of_two_records_is_two_sessions(void **state)
{
    struct fixture *fixture = *state;
    struct cluster_client other;
    struct rind_record_id record = cluster_record(0x99);
    cluster_client_init(&other, 77, &record);
    cluster_client_connect(fixture->cluster, 0, &fixture->group, &fixture->client);
    cluster_client_connect(fixture->cluster, 0, &fixture->group, &other);
    struct rind_secrets_request request = cluster_simple(RIND_SECRETS_REQUEST_RECOVER1);
    assert_int_equal(ask(fixture, &request).recover1.kind, RIND_RECOVER1_NOT_REGISTERED);
    assert_int_equal(
        cluster_client_ask(fixture->cluster, 0, &fixture->group, &other, &request).recover1.kind,
        RIND_RECOVER1_NOT_REGISTERED);
}

static void the_least_recent_session_is_evicted_at_capacity(void **state)
{
    struct fixture *fixture = *state;
    uint32_t capacity = fixture->cluster->config.sessions_max;
    cluster_client_connect(fixture->cluster, 0, &fixture->group, &fixture->client);
    struct cluster_client others[16];
    assert_int_equal(capacity, 16);
    for (uint32_t i = 0; i < capacity; i++) {
        struct rind_record_id record = cluster_record((uint8_t)(0x50 + i));
        cluster_client_init(&others[i], 200 + i, &record);
        cluster_client_connect(fixture->cluster, 0, &fixture->group, &others[i]);
        if (i == 0) { /* used again just before it would be the oldest of all */
            struct rind_secrets_request request = cluster_simple(RIND_SECRETS_REQUEST_REGISTER1);
            (void)ask(fixture, &request);
        }
    }
    /* 17 sessions, 16 places: others[0] went first, as the client's was used after it. */
    struct rind_secrets_request request = cluster_simple(RIND_SECRETS_REQUEST_RECOVER1);
    struct rind_noise_request encrypted = cluster_client_seal(
        fixture->cluster, &others[0], cluster_encode_secrets(fixture->cluster, &request));
    assert_int_equal(cluster_app(fixture->cluster, 0, &fixture->group, &others[0], &encrypted).kind,
                     RIND_HSM_APP_MISSING_SESSION);
    (void)ask(fixture, &request);
    (void)cluster_client_ask(fixture->cluster, 0, &fixture->group, &others[15], &request);
}

static void sessions_do_not_survive_a_change_of_leadership(void **state)
{
    struct fixture *fixture = *state;
    cluster_client_connect(fixture->cluster, 0, &fixture->group, &fixture->client);
    (void)cluster_step_down(fixture->cluster, 0, &fixture->group, false);
    cluster_lead(fixture->cluster, 0, &fixture->group);
    struct rind_hsm_request request = app_request(fixture, RIND_SECRETS_REQUEST_RECOVER1);
    check_refused(fixture, &request, RIND_HSM_APP_MISSING_SESSION);
}

static void a_leaf_that_is_no_record_is_invalid_record_data(void **state)
{
    struct fixture *fixture = *state;
    (void)ask(fixture, &fixture->registration);
    /* Another realm's record key: the leaf is in the tree, but does not open. */
    struct rind_hsm *core = fixture->cluster->hsms[0].core;
    core->keys.record.bytes[0] ^= 1;
    struct rind_hsm_request request = app_request(fixture, RIND_SECRETS_REQUEST_RECOVER1);
    struct rind_hsm_app_response answer = send_app(fixture, &request);
    assert_int_equal(answer.kind, RIND_HSM_APP_INVALID_RECORD_DATA);
    core->keys.record.bytes[0] ^= 1;
    /* The session is still there: it is taken later. */
    assert_int_equal(send_app(fixture, &request).kind, RIND_HSM_APP_OK);
}

static void requests_pipeline_on_uncommitted_roots(void **state)
{
    struct fixture *fixture = *state;
    (void)ask(fixture, &fixture->registration);
    struct rind_secrets_request recover2 = cluster_recover2(&fixture->registration);
    /* Two guesses with proofs of the same, older root, before anything is committed. */
    const struct rind_log_entry basis = *cluster_last(fixture->cluster, &fixture->group);
    struct rind_hsm_app_response answers[2];
    for (unsigned i = 0; i < 2; i++) {
        fixture->client.has_session = false;
        fixture->client.session_id = 10 + i;
        cluster_client_connect(fixture->cluster, 0, &fixture->group, &fixture->client);
        struct rind_hsm_request request = app_request(fixture, RIND_SECRETS_REQUEST_RECOVER1);
        cluster_client_connect(fixture->cluster, 0, &fixture->group, &fixture->client);
        request.app.encrypted =
            cluster_client_seal(fixture->cluster, &fixture->client,
                                cluster_encode_secrets(fixture->cluster, &recover2));
        request.app.proof =
            cluster_proof(fixture->cluster, &basis.partition, &fixture->client.record_id);
        request.app.index = basis.index;
        answers[i] = send_app(fixture, &request);
        assert_int_equal(answers[i].kind, RIND_HSM_APP_OK);
    }
    for (unsigned i = 0; i < 2; i++) {
        assert_true(cluster_append(fixture->cluster, &fixture->group, &answers[i].ok.entry,
                                   &answers[i].ok.delta));
    }
    struct rind_hsm_commit_response commit = cluster_commit(fixture->cluster, 0, &fixture->group);
    assert_int_equal(commit.ok.responses.count, 2);
    assert_int_equal(commit.ok.responses.items[0].result.recover2.updated.guess_count, 1);
    assert_int_equal(commit.ok.responses.items[1].result.recover2.updated.guess_count, 2);
}

static void a_full_log_answers_stale_proof_until_a_commit(void **state)
{
    struct fixture *fixture = *state;
    struct rind_secrets_request request = cluster_simple(RIND_SECRETS_REQUEST_REGISTER1);
    unsigned accepted = 0;
    struct rind_hsm_request last;
    for (;;) {
        fixture->client.has_session = false;
        last = app_request(fixture, request.kind);
        struct rind_hsm_app_response answer = send_app(fixture, &last);
        if (answer.kind != RIND_HSM_APP_OK) {
            assert_int_equal(answer.kind, RIND_HSM_APP_STALE_PROOF);
            break;
        }
        assert_true(
            cluster_append(fixture->cluster, &fixture->group, &answer.ok.entry, &answer.ok.delta));
        accepted++;
    }
    assert_int_equal(accepted, fixture->cluster->config.log_entries_max - 1 - RIND_HSM_LOG_RESERVE);
    struct rind_hsm_commit_response commit = cluster_commit(fixture->cluster, 0, &fixture->group);
    assert_int_equal(commit.ok.responses.count, accepted);
    assert_int_equal(send_app(fixture, &last).kind, RIND_HSM_APP_OK);
}

static void a_proof_older_than_the_window_is_stale(void **state)
{
    struct fixture *fixture = *state;
    (void)ask(fixture, &fixture->registration);
    struct rind_hsm_request old = app_request(fixture, RIND_SECRETS_REQUEST_RECOVER1);
    struct cluster_client other;
    struct rind_record_id record = cluster_record(0x10);
    cluster_client_init(&other, 5, &record);
    for (uint32_t i = 0; i < fixture->cluster->config.overlay_size; i++) {
        (void)cluster_client_ask(fixture->cluster, 0, &fixture->group, &other,
                                 &fixture->registration);
    }
    check_refused(fixture, &old, RIND_HSM_APP_STALE_PROOF);
    struct rind_secrets_request request = cluster_simple(RIND_SECRETS_REQUEST_RECOVER1);
    fixture->client.has_session = false;
    assert_int_equal(ask(fixture, &request).recover1.kind, RIND_RECOVER1_OK);
}

static void not_leader_carries_the_role_in_app_and_commit(void **state)
{
    struct fixture *fixture = *state;
    struct rind_hsm_request request = app_request(fixture, RIND_SECRETS_REQUEST_RECOVER1);
    (void)cluster_step_down(fixture->cluster, 0, &fixture->group, false);
    struct rind_hsm_app_response answer = send_app(fixture, &request);
    assert_int_equal(answer.kind, RIND_HSM_APP_NOT_LEADER);
    assert_int_equal(answer.not_leader.role.kind, RIND_ROLE_WITNESS);
    assert_int_equal(answer.not_leader.at, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(refusals_change_nothing_and_come_in_order),
        TEST(a_record_of_another_range_is_not_ours),
        TEST(a_handshake_with_a_payload_makes_no_plain_session),
        TEST(requests_that_need_forward_secrecy_are_refused_in_a_handshake),
        TEST(an_undecodable_request_is_a_decoding_error),
        TEST(a_scalar_that_is_not_canonical_is_a_decoding_error),
        TEST(a_message_that_does_not_decrypt_costs_the_session),
        TEST(oversize_ciphertexts_and_odd_keys_are_session_errors),
        TEST(one_session_id_of_two_records_is_two_sessions),
        TEST(the_least_recent_session_is_evicted_at_capacity),
        TEST(sessions_do_not_survive_a_change_of_leadership),
        TEST(a_leaf_that_is_no_record_is_invalid_record_data),
        TEST(requests_pipeline_on_uncommitted_roots),
        TEST(a_full_log_answers_stale_proof_until_a_commit),
        TEST(a_proof_older_than_the_window_is_stale),
        TEST(not_leader_carries_the_role_in_app_and_commit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
