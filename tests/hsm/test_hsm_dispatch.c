/* test_hsm_dispatch.c - rind_hsm_handle itself: envelopes, strict decoding, limits, metrics. */
#include "support/test.h"

#include "hsm/cluster.h"

static struct rind_slice bytes_of_hex(struct cluster *cluster, const char *hex)
{
    size_t size = strlen(hex) / 2;
    uint8_t *bytes = rind_ctx_alloc(&cluster->ctx, size + 1);
    assert_true(rind_hex_decode(rind_slice_text(hex), bytes, size));
    return rind_slice_make(bytes, size);
}

static enum rind_code send_hex(struct cluster *cluster, const char *hex)
{
    struct rind_slice response;
    return (enum rind_code)cluster_send_bytes(cluster, 0, bytes_of_hex(cluster, hex), &response)
        .code;
}

/* {"req": {"Status": <inner>}, "metrics": "Skip"} */
#define STATUS(inner) "a263726571a166537461747573" inner "676d65747269637364536b6970"

static void envelopes_are_decoded_strictly(void **state)
{
    (void)state;
    struct cluster *cluster = cluster_new(1, 1);
    static const char *const accepted[] = {
        STATUS("a0"),
        STATUS("a0") "ff00", /* bytes after the item are ignored */
        "a2676d65747269637364536b697063726571a166537461747573a0", /* keys in any order */
        STATUS("a1616101"),                                       /* an unknown key */
        "b90002"
        "63726571a166537461747573a0676d65747269637364536b6970", /* a longer length */
        "a2"
        "43726571"
        "a166537461747573a0"
        "676d65747269637364536b6970", /* a key as bytes */
        "a363726571a166537461747573a0616100676d65747269637364536b6970",
    };
    for (size_t i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++) {
        if (send_hex(cluster, accepted[i]) != RIND_E_OK) {
            fail_msg("%zu: %s", i, cluster->ctx.sentence);
        }
    }
    static const char *const refused[] = {
        "",
        "f6",
        "a0",
        "a163726571a166537461747573a0", /* no metrics */
        "a2636672"
        "71a166537461747573a0676d65747269637364536b6970",           /* not well-formed */
        "bf63726571a166537461747573a0676d65747269637364536b6970ff", /* indefinite */
        STATUS("bfff"),
        STATUS("c0a0"),         /* a tag */
        STATUS("f7"),           /* undefined */
        STATUS("a16161f93c00"), /* a float in an unknown key */
        STATUS("a16161f7"),
        STATUS("80"), /* an array for a map */
        "a363726571a166537461747573a063726571a166537461747573a0676d65747269637364536b6970",
        "a2637265716653746174"
        "7573676d65747269637364536b6970", /* bare variant name */
        "a263726571a166537461747573a0676d657472696373645"
        "36b6971", /* unknown variant */
        "a263726571a1675374617475735"
        "3a0676d65747269637364536b6970",
        "a263726571a166537461747573a0676d657472696373a164536b6970f6",
        STATUS("a16161818181818181818181818181818100"), /* too deep */
    };
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        enum rind_code code = send_hex(cluster, refused[i]);
        if (code != RIND_E_DECODE) {
            fail_msg("%zu: %s", i, rind_code_name(code));
        }
    }
    cluster_free(cluster);
}

static void ids_of_other_lengths_and_arrays_of_integers(void **state)
{
    (void)state;
    struct cluster *cluster = cluster_new(1, 1);
    /* StepDown: {"realm": h'...', "group": h'...', "force": false} */
#define STEP_DOWN(realm)                                                                           \
    "a263726571a16853746570446f776ea3657265616c6d" realm                                           \
    "6567726f75705000000000000000000000000000000000"                                               \
    "65666f726365f4676d65747269637364536b6970"
    assert_int_equal(send_hex(cluster, STEP_DOWN("5000000000000000000000000000000000")), RIND_E_OK);
    assert_int_equal(send_hex(cluster, STEP_DOWN("4f000000000000000000000000000000")),
                     RIND_E_DECODE);
    assert_int_equal(send_hex(cluster, STEP_DOWN("510000000000000000000000000000000000")),
                     RIND_E_DECODE);
    assert_int_equal(send_hex(cluster, STEP_DOWN("9000000000000000000000000000000000")), RIND_E_OK);
    assert_int_equal(send_hex(cluster, STEP_DOWN("8f000000000000000000000000000000")),
                     RIND_E_DECODE);
    assert_int_equal(send_hex(cluster, STEP_DOWN("9018ff000000000000000000000000000000")),
                     RIND_E_OK);
    assert_int_equal(send_hex(cluster, STEP_DOWN("90190100000000000000000000000000000000")),
                     RIND_E_DECODE);
    cluster_free(cluster);
}

static void requests_up_to_a_mebibyte_are_taken(void **state)
{
    (void)state;
    struct cluster *cluster = cluster_new(1, 1);
    size_t size = RIND_HSM_REQUEST_SIZE_BYTES_MAX + 1;
    uint8_t *request = calloc(1, size);
    struct rind_slice status = bytes_of_hex(cluster, STATUS("a0"));
    memcpy(request, status.data, status.length); /* zeros follow, and are ignored */
    struct rind_slice response;
    assert_true(
        rind_is_ok(cluster_send_bytes(cluster, 0, rind_slice_make(request, size - 1), &response)));
    assert_true(rind_is(cluster_send_bytes(cluster, 0, rind_slice_make(request, size), &response),
                        RIND_E_LIMIT));
    free(request);
    cluster_free(cluster);
}

static void a_capture_of_a_mebibyte_of_entries_is_taken(void **state)
{
    (void)state;
    struct cluster *cluster = cluster_new(1, 1);
    struct rind_group_id group = cluster_new_realm(cluster);
    struct rind_log_entry entry = *cluster_last(cluster, &group);
    size_t count = 2700; /* of 278 to 380 bytes each */
    struct rind_log_entry *entries = calloc(count, sizeof(*entries));
    for (size_t i = 0; i < count; i++) {
        entries[i] = entry;
        entries[i].index = UINT64_MAX - i;
    }
    /* The MACs do not fit; that is noticed at the second entry only because the first is good. */
    entries[0] = entry;
    assert_int_equal(cluster_capture_entries(cluster, 0, &group, entries, count).kind,
                     RIND_HSM_CAPTURE_NEXT_INVALID_MAC);
    free(entries);
    cluster_free(cluster);
}

static struct rind_hsm_metric_list send_for_metrics(struct cluster *cluster,
                                                    const struct rind_hsm_request *request)
{
    union {
        struct rind_hsm_status_response status;
        struct rind_hsm_app_response app;
    } answer;
    struct rind_hsm_metric_list metrics;
    assert_true(rind_is_ok(cluster_try_send(cluster, 0, request, &answer, &metrics)));
    return metrics;
}

static void metrics_tell_what_took_how_long(void **state)
{
    (void)state;
    struct cluster *cluster = cluster_new(1, 1);
    struct cluster_hsm *hsm = &cluster->hsms[0];
    struct rind_group_id group = cluster_new_realm(cluster);
    hsm->clock_step_ns = 1000;
    struct rind_hsm_request status = {.kind = RIND_HSM_REQUEST_STATUS};
    struct rind_hsm_metric_list metrics = send_for_metrics(cluster, &status);
    assert_int_equal(metrics.count, 1);
    assert_true(rind_slice_is_text(metrics.items[0].name, "Status"));
    assert_int_equal(metrics.items[0].nanos, 1000);

    struct cluster_client client;
    struct rind_record_id record = cluster_record(1);
    cluster_client_init(&client, 1, &record);
    struct rind_secrets_request secrets = cluster_simple(RIND_SECRETS_REQUEST_DELETE);
    const struct rind_log_entry *last = cluster_last(cluster, &group);
    struct rind_hsm_request app = {
        .kind = RIND_HSM_REQUEST_APP_REQUEST,
        .app = {.realm = cluster->realm,
                .group = group,
                .record_id = record,
                .encrypted = cluster_client_seal(cluster, &client,
                                                 cluster_encode_secrets(cluster, &secrets)),
                .proof = cluster_proof(cluster, &last->partition, &record),
                .index = last->index}};
    metrics = send_for_metrics(cluster, &app);
    assert_int_equal(metrics.count, 2);
    assert_true(rind_slice_is_text(metrics.items[0].name, "app.delete"));
    assert_true(rind_slice_is_text(metrics.items[1].name, "AppRequest"));
    assert_int_equal(metrics.items[0].nanos, 1000);
    assert_int_equal(metrics.items[1].nanos, 2000);
    app.app.realm.bytes[0] ^= 1;
    metrics = send_for_metrics(cluster, &app);
    assert_true(rind_slice_is_text(metrics.items[0].name, "app.unknown"));

    hsm->clock_step_ns = 5000000000u; /* 5 s saturate */
    metrics = send_for_metrics(cluster, &status);
    assert_int_equal(metrics.items[0].nanos, UINT32_MAX);
    hsm->clock_step_ns = (uint64_t)-7; /* a clock that goes back */
    metrics = send_for_metrics(cluster, &status);
    assert_int_equal(metrics.items[0].nanos, 0);
    hsm->clock_fails = true;
    assert_int_equal(send_for_metrics(cluster, &status).count, 0);
    cluster_free(cluster);
}

static void metrics_are_left_out_when_nobody_asks_or_they_are_off(void **state)
{
    (void)state;
    struct rind_hsm_config config = cluster_config_small();
    config.has_metrics = false;
    struct cluster *cluster = cluster_new_with(1, 1, &config);
    struct rind_hsm_request status = {.kind = RIND_HSM_REQUEST_STATUS};
    assert_int_equal(send_for_metrics(cluster, &status).count, 0);
    cluster_free(cluster);
    cluster = cluster_new(1, 1);
    struct rind_slice response;
    assert_true(
        rind_is_ok(cluster_send_bytes(cluster, 0, bytes_of_hex(cluster, STATUS("a0")), &response)));
    assert_int_equal(response.data[response.length - 1], 0x80);
    cluster_free(cluster);
}

static void no_plaintext_is_left_behind_a_request(void **state)
{
    (void)state;
    struct cluster *cluster = cluster_new(1, 1);
    struct rind_group_id group = cluster_new_realm(cluster);
    struct cluster_client client;
    struct rind_record_id record = cluster_record(1);
    cluster_client_init(&client, 1, &record);
    struct rind_secrets_request registration = cluster_register2(5, 2);
    (void)cluster_client_ask(cluster, 0, &group, &client, &registration);
    struct rind_secrets_request request = cluster_recover2(&registration);
    (void)cluster_client_ask(cluster, 0, &group, &client, &request);
    request = cluster_recover3(&registration);
    (void)cluster_client_ask(cluster, 0, &group, &client, &request);
    /* Secrets of the registration are nowhere in the core's memory but sealed in the tree. */
    const struct cluster_hsm *hsm = &cluster->hsms[0];
    const struct rind_register2_request *fields = &registration.register2;
    assert_null(memmem(hsm->memory, cluster->memory_size, fields->oprf_private_key, 32));
    assert_null(memmem(hsm->memory, cluster->memory_size, fields->unlock_key_tag, 16));
    assert_null(memmem(hsm->memory, cluster->memory_size, fields->encryption_key_scalar_share, 32));
    assert_null(memmem(hsm->memory, cluster->memory_size, fields->encrypted_secret, 145));
    assert_non_null(memmem(hsm->memory, cluster->memory_size, record.bytes, 32)); /* a session */
    rind_hsm_fini(hsm->core);
    assert_null(memmem(hsm->memory, cluster->memory_size, hsm->keys.mac.bytes, 32));
    assert_null(memmem(hsm->memory, cluster->memory_size, hsm->keys.record.bytes, 32));
    cluster->hsms[0].core = NULL;
    cluster_free(cluster);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(envelopes_are_decoded_strictly),
        cmocka_unit_test(ids_of_other_lengths_and_arrays_of_integers),
        cmocka_unit_test(requests_up_to_a_mebibyte_are_taken),
        cmocka_unit_test(a_capture_of_a_mebibyte_of_entries_is_taken),
        cmocka_unit_test(metrics_tell_what_took_how_long),
        cmocka_unit_test(metrics_are_left_out_when_nobody_asks_or_they_are_off),
        cmocka_unit_test(no_plaintext_is_left_behind_a_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
