/* One request: statuses, refusals, retries, sessions. Spec: docs/spec/01-client-protocol.md 5, 6.
 */
#include "client/client.h"

#include <string.h>

#include "client/fake_realms.h"
#include "support/test.h"

/* A user of one realm, hardware or software. */
struct fixture {
    struct fake_realms *realms;
    struct fake_realm *realm;
    struct rind_configuration *configuration;
    struct rind_user *user;
};

static struct fixture open_fixture(bool is_hardware)
{
    struct fixture f;
    f.realms = fake_realms_open(is_hardware ? 1 : 0, is_hardware ? 0 : 1);
    f.realm = &f.realms->realms[0];
    f.configuration = fake_configuration(f.realms, 1, 1, 1);
    f.user = fake_user(f.realms, "alice", f.configuration);
    return f;
}

static void close_fixture(struct fixture *f)
{
    rind_user_free(f->user);
    rind_configuration_free(f->configuration);
    fake_realms_close(f->realms);
}

static void expect(enum rind_error error, enum rind_error expected)
{
    assert_string_equal(rind_error_name(error), rind_error_name(expected));
}

static void expect_register(struct fixture *f, enum rind_error expected)
{
    expect(
        rind_user_register(f->user, RIND_TEXT("1234"), RIND_TEXT("secret"), RIND_TEXT(""), 5, NULL),
        expected);
}

static void expect_recover(struct fixture *f, enum rind_error expected)
{
    struct rind_recovered recovered;
    expect(rind_user_recover(f->user, RIND_TEXT("1234"), RIND_TEXT(""), &recovered, NULL),
           expected);
}

static void expect_delete(struct fixture *f, enum rind_error expected)
{
    expect(rind_user_delete(f->user, NULL), expected);
}

static void expect_sleeps(struct fixture *f, const uint32_t *sleeps_ms, size_t count)
{
    assert_int_equal(f->realms->sleep_count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(f->realms->sleeps_ms[i], sleeps_ms[i]);
    }
}

static const uint32_t hardware_sleeps_ms[] = {5, 10, 15, 20, 25};

/* ---- Statuses ---- */

struct status_case {
    uint16_t status;
    const char *body;
    enum rind_error error;
    bool is_retried;
};

static const struct status_case status_cases[] = {
    {0, "", RIND_ERROR_TRANSIENT, true},
    {99, "", RIND_ERROR_TRANSIENT, true},
    {1000, "", RIND_ERROR_TRANSIENT, true},
    {200, "", RIND_ERROR_ASSERTION, false},
    {200, "garbage", RIND_ERROR_ASSERTION, false},
    {204, "", RIND_ERROR_ASSERTION, false},
    {299, "garbage", RIND_ERROR_ASSERTION, false},
    {302, "", RIND_ERROR_TRANSIENT, true},
    {307, "", RIND_ERROR_TRANSIENT, true},
    {400, "bad request", RIND_ERROR_TRANSIENT, true},
    {401, "garbage", RIND_ERROR_INVALID_AUTH, false},
    {404, "", RIND_ERROR_TRANSIENT, true},
    {413, "", RIND_ERROR_TRANSIENT, true},
    {426, "SDK upgrade required to version >=0.4", RIND_ERROR_UPGRADE_REQUIRED, false},
    {429, "", RIND_ERROR_RATE_LIMIT_EXCEEDED, false},
    {500, "oops", RIND_ERROR_TRANSIENT, true},
    {503, "", RIND_ERROR_TRANSIENT, true},
    {999, "", RIND_ERROR_TRANSIENT, true},
};

static void statuses_without_a_decodable_body_mean_what_the_table_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * sizeof(status_cases) / sizeof(status_cases[0]); i++) {
        bool is_hardware = i % 2 == 0;
        const struct status_case *c = &status_cases[i / 2];
        struct fixture f = open_fixture(is_hardware);
        unsigned attempts = c->is_retried ? (is_hardware ? 5 : 2) : 1;
        for (unsigned n = 0; n < attempts; n++) {
            fake_fault_add_text(f.realm, c->status, c->body);
        }
        expect_delete(&f, c->error);
        assert_int_equal(f.realm->request_count, attempts);
        static const uint32_t software_sleeps_ms[] = {5, 5};
        expect_sleeps(&f, is_hardware ? hardware_sleeps_ms : software_sleeps_ms,
                      c->is_retried ? attempts : 0);
        expect_delete(&f, RIND_ERROR_NONE);
        close_fixture(&f);
    }
}

static void a_decodable_body_counts_whatever_the_status(void **state)
{
    (void)state;
    static const struct {
        uint16_t status;
        enum rind_client_response_kind kind;
        enum rind_error error;
        unsigned attempts;
    } cases[] = {
        {503, RIND_CLIENT_RESPONSE_UNAVAILABLE, RIND_ERROR_TRANSIENT, 5},
        {426, RIND_CLIENT_RESPONSE_UNAVAILABLE, RIND_ERROR_TRANSIENT, 5},
        {401, RIND_CLIENT_RESPONSE_UNAVAILABLE, RIND_ERROR_TRANSIENT, 5},
        {200, RIND_CLIENT_RESPONSE_UNAVAILABLE, RIND_ERROR_TRANSIENT, 5},
        {500, RIND_CLIENT_RESPONSE_INVALID_AUTH, RIND_ERROR_INVALID_AUTH, 1},
        {200, RIND_CLIENT_RESPONSE_INVALID_AUTH, RIND_ERROR_INVALID_AUTH, 1},
        {400, RIND_CLIENT_RESPONSE_MISSING_SESSION, RIND_ERROR_ASSERTION, 1},
        {400, RIND_CLIENT_RESPONSE_SESSION_ERROR, RIND_ERROR_ASSERTION, 1},
        {400, RIND_CLIENT_RESPONSE_DECODING_ERROR, RIND_ERROR_ASSERTION, 1},
        {413, RIND_CLIENT_RESPONSE_PAYLOAD_TOO_LARGE, RIND_ERROR_ASSERTION, 1},
        {429, RIND_CLIENT_RESPONSE_RATE_LIMIT_EXCEEDED, RIND_ERROR_RATE_LIMIT_EXCEEDED, 1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct fixture f = open_fixture(true);
        for (unsigned n = 0; n < cases[i].attempts; n++) {
            fake_fault_add_refusal(f.realm, cases[i].status, cases[i].kind);
        }
        expect_delete(&f, cases[i].error);
        assert_int_equal(f.realm->request_count, cases[i].attempts);
        close_fixture(&f);
    }
}

static void one_failure_is_forgiven(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct fixture f = open_fixture(i == 0);
        fake_fault_add_text(f.realm, 503, "");
        expect_register(&f, RIND_ERROR_NONE);
        fake_fault_add(f.realm,
                       FAKE_LOST_RESPONSE); /* of Recover1: nothing is lost by asking again */
        expect_recover(&f, RIND_ERROR_NONE);
        static const uint32_t sleeps_ms[] = {5, 5};
        expect_sleeps(&f, sleeps_ms, 2);
        close_fixture(&f);
    }
}

/* ---- Sessions ---- */

static void a_session_is_used_again_until_its_lifetime_is_over(void **state)
{
    (void)state;
    struct fixture f = open_fixture(true);
    expect_register(&f, RIND_ERROR_NONE);
    expect_recover(&f, RIND_ERROR_NONE);
    assert_int_equal(f.realm->handshake_count, 1);
    f.realms->now_ms += 4999;
    expect_delete(&f, RIND_ERROR_NONE);
    assert_int_equal(f.realm->handshake_count, 1);
    f.realms->now_ms += 5000;
    expect_delete(&f, RIND_ERROR_NONE);
    assert_int_equal(f.realm->handshake_count, 2);
    close_fixture(&f);
}

static void a_lifetime_of_zero_means_two_requests_for_each_that_needs_secrecy(void **state)
{
    (void)state;
    struct fixture f = open_fixture(true);
    f.realm->has_session_lifetime = true;
    expect_register(&f, RIND_ERROR_NONE);
    assert_int_equal(f.realm->request_count, 3);
    assert_int_equal(f.realm->handshake_only_count, 1);
    expect_recover(&f, RIND_ERROR_NONE);
    assert_int_equal(f.realm->request_count, 8);
    assert_int_equal(f.realm->handshake_only_count, 3);
    close_fixture(&f);
}

static void lifetimes_beyond_all_bounds_do_no_harm(void **state)
{
    (void)state;
    struct fixture f = open_fixture(true);
    f.realm->has_session_lifetime = true;
    f.realm->session_lifetime = (struct rind_duration){UINT64_MAX, 999999999};
    expect_register(&f, RIND_ERROR_NONE);
    f.realms->now_ms += (uint64_t)1 << 40;
    expect_recover(&f, RIND_ERROR_NONE);
    assert_int_equal(f.realm->handshake_count, 1);
    close_fixture(&f);
}

static void a_lost_session_is_replaced_silently(void **state)
{
    (void)state;
    struct fixture f = open_fixture(true);
    expect_register(&f, RIND_ERROR_NONE);
    fake_fault_add_refusal(f.realm, 400, RIND_CLIENT_RESPONSE_MISSING_SESSION); /* Recover1 */
    expect_recover(&f, RIND_ERROR_NONE);
    assert_int_equal(f.realm->handshake_count, 2);
    assert_int_equal(f.realm->handshake_only_count, 0);
    fake_fault_add(f.realm, FAKE_NONE);
    fake_fault_add_refusal(f.realm, 400, RIND_CLIENT_RESPONSE_MISSING_SESSION); /* Recover2 */
    expect_recover(&f, RIND_ERROR_NONE);
    assert_int_equal(f.realm->handshake_count, 3);
    assert_int_equal(f.realm->handshake_only_count, 1);
    expect_sleeps(&f, NULL, 0);
    close_fixture(&f);
}

static void a_realm_that_restarted_is_met_with_new_sessions(void **state)
{
    (void)state;
    struct fixture f = open_fixture(true);
    expect_register(&f, RIND_ERROR_NONE);
    cluster_reset(f.realm->cluster);
    cluster_reboot(f.realm->cluster, 0);
    cluster_lead(f.realm->cluster, 0, &f.realm->group);
    expect_recover(&f, RIND_ERROR_NONE);
    assert_int_equal(f.realm->handshake_count, 2);
    close_fixture(&f);
}

static void a_session_that_is_missing_right_after_its_handshake_is_a_fault(void **state)
{
    (void)state;
    struct fixture f = open_fixture(true);
    expect_register(&f, RIND_ERROR_NONE);
    f.realm->has_session_lifetime = true;
    f.realms->now_ms += 5000;
    fake_fault_add(f.realm, FAKE_NONE); /* Recover1 */
    fake_fault_add(f.realm, FAKE_NONE); /* the empty handshake */
    fake_fault_add_refusal(f.realm, 400, RIND_CLIENT_RESPONSE_MISSING_SESSION);
    expect_recover(&f, RIND_ERROR_ASSERTION);
    close_fixture(&f);
}

static void a_session_is_not_used_after_a_failure(void **state)
{
    (void)state;
    struct fixture f = open_fixture(true);
    expect_register(&f, RIND_ERROR_NONE);
    fake_fault_add(f.realm, FAKE_LOST_RESPONSE);
    expect_delete(&f, RIND_ERROR_NONE);
    assert_int_equal(f.realm->handshake_count, 2);
    fake_fault_add_text(f.realm, 200, "garbage");
    expect_delete(&f, RIND_ERROR_ASSERTION);
    expect_delete(&f, RIND_ERROR_NONE);
    assert_int_equal(f.realm->handshake_count, 3);
    close_fixture(&f);
}

static void abandoned_realms_get_fresh_handshakes(void **state)
{
    (void)state;
    struct fake_realms *realms = fake_realms_open(1, 2);
    struct rind_configuration *configuration = fake_configuration(realms, 7, 3, 2);
    struct rind_user *user = fake_user(realms, "alice", configuration);
    struct fake_realm *hardware = &realms->realms[0];
    struct rind_recovered recovered;
    expect(rind_user_delete(user, NULL), RIND_ERROR_NONE);
    assert_int_equal(hardware->handshake_count, 1);
    /* The two others are enough to know; the first is left hanging, and its session with it. */
    fake_fault_add(hardware, FAKE_HANG);
    for (size_t i = 1; i < 3; i++) {
        realms->realms[i].waits_for = hardware;
        realms->realms[i].waits_for_request_count = 2;
    }
    expect(rind_user_recover(user, RIND_TEXT("1"), RIND_TEXT(""), &recovered, NULL),
           RIND_ERROR_NOT_REGISTERED);
    expect(rind_user_delete(user, NULL), RIND_ERROR_NONE);
    assert_int_equal(hardware->handshake_count, 2);
    rind_user_free(user);
    rind_configuration_free(configuration);
    fake_realms_close(realms);
}

/* ---- Arguments ---- */

static void users_need_a_configuration_and_plausible_options(void **state)
{
    (void)state;
    char why[RIND_SENTENCE_SIZE] = "";
    struct fixture f = open_fixture(false);
    struct rind_user_options options = {0};
    assert_null(rind_user_new(NULL, why));
    assert_null(rind_user_new(&options, why));
    options.configuration = f.configuration;
    options.user_agent = "two\r\nlines";
    assert_null(rind_user_new(&options, why));
    options.user_agent = NULL;
    options.previous_count = RIND_CONFIGURATIONS_MAX + 1;
    assert_null(rind_user_new(&options, why));
    const struct rind_configuration *previous[RIND_CONFIGURATIONS_MAX];
    for (size_t i = 0; i < RIND_CONFIGURATIONS_MAX; i++) {
        previous[i] = f.configuration;
    }
    options.previous = previous;
    options.previous_count = RIND_CONFIGURATIONS_MAX;
    options.user_agent = "example/1";
    struct rind_user *user = rind_user_new(&options, why);
    assert_non_null(user);
    rind_user_free(user);
    rind_user_free(NULL);
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statuses_without_a_decodable_body_mean_what_the_table_says),
        cmocka_unit_test(a_decodable_body_counts_whatever_the_status),
        cmocka_unit_test(one_failure_is_forgiven),
        cmocka_unit_test(a_session_is_used_again_until_its_lifetime_is_over),
        cmocka_unit_test(a_lifetime_of_zero_means_two_requests_for_each_that_needs_secrecy),
        cmocka_unit_test(lifetimes_beyond_all_bounds_do_no_harm),
        cmocka_unit_test(a_lost_session_is_replaced_silently),
        cmocka_unit_test(a_realm_that_restarted_is_met_with_new_sessions),
        cmocka_unit_test(a_session_that_is_missing_right_after_its_handshake_is_a_fault),
        cmocka_unit_test(a_session_is_not_used_after_a_failure),
        cmocka_unit_test(abandoned_realms_get_fresh_handshakes),
        cmocka_unit_test(users_need_a_configuration_and_plausible_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
