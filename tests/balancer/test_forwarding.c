/*
 * test_forwarding.c - where requests go: leaders that move, lie, hang and die, and a store that
 * fails (07 sections 9 and 10).
 */
#include "balancer/world.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/host.h"
#include "support/test.h"

static struct world world;
static struct web_answer answer;

static int setup(void **state)
{
    (void)state;
    world_open(&world);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    world_close(&world);
    return 0;
}

static long post_with_token(struct rind_slice token)
{
    world_post(&world, world_request_body(&world, WORLD_REALM, token, true), &answer);
    return answer.status;
}

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7"

/* The world's trace rate is 1: the agent is told "sampled" even if the client said otherwise. */
static void the_leader_learns_the_trace_of_a_request(void **state)
{
    (void)state;
    struct fake_agent *agent = world_add_agent(&world, 0, 3);
    world_wait_for_status(&world, 200);
    static const char *const headers[] = {"traceparent: 00-" TRACE "-00", "x-other: 1"};
    for (size_t i = 0; i < 2; i++) {
        struct web_request request = {
            .path = "/req",
            .body = world_request_body(&world, WORLD_REALM, world_token(&world, "mario"), true),
            .headers = {"X-Juicebox-Version: 0.3.0", headers[i]}};
        web_send(NULL, world.port, world.certificate_path, &request, &answer);
        assert_int_equal(answer.status, 200);
        char seen[RIND_TRACEPARENT_SIZE];
        rind_mutex_lock(&agent->mutex);
        assert_true(agent->has_last_trace);
        rind_trace_print(&agent->last_trace, seen);
        rind_mutex_unlock(&agent->mutex);
        assert_string_equal(seen + sizeof(seen) - 4, "-01");
        assert_int_equal(strncmp(seen, "00-" TRACE "-", sizeof("00-" TRACE "-") - 1) == 0, i == 0);
    }
}

static void a_request_reaches_the_leader_unchanged(void **state)
{
    (void)state;
    struct fake_agent *agent = world_add_agent(&world, 0, 3);
    struct rind_record_key record_key;
    struct rind_record_id record;
    memcpy(record_key.bytes, WORLD_RECORD_KEY, sizeof(record_key.bytes));
    rind_record_id_derive(&record_key, rind_slice_text(WORLD_TENANT), rind_slice_text("mario"),
                          &record);
    world_wait_for_status(&world, 200);
    for (int is_handshake = 0; is_handshake <= 1; is_handshake++) {
        world_post(&world,
                   world_request_body(&world, WORLD_REALM, world_token(&world, "mario"),
                                      is_handshake != 0),
                   &answer);
        assert_int_equal(answer.status, 200);
        assert_int_equal(world_response_kind(&world, &answer), RIND_CLIENT_RESPONSE_OK);
        rind_mutex_lock(&agent->mutex);
        const struct rind_agent_app_request *app = &agent->last_app;
        assert_memory_equal(app->record_id.bytes, record.bytes, sizeof(record.bytes));
        assert_int_equal(app->realm.bytes[0], WORLD_REALM);
        assert_int_equal(app->group.bytes[0], 3);
        assert_int_equal(app->session_id, 0xfedcba98);
        assert_int_equal(app->kind, RIND_CLIENT_REQUEST_SECRETS_REQUEST);
        assert_true(rind_slice_is_text(app->tenant, WORLD_TENANT));
        assert_true(rind_slice_is_text(
            app->user, "aeac5277bf66d69824d731f561acf311f3cf5dc14593b101635c3d85da9bf7a1"));
        struct rind_slice payload = is_handshake != 0
                                        ? app->encrypted.handshake.handshake.payload_ciphertext
                                        : app->encrypted.transport.ciphertext;
        assert_true(rind_slice_is_text(payload, WORLD_PAYLOAD));
        rind_mutex_unlock(&agent->mutex);
    }
}

static void every_answer_of_an_agent_has_its_http_status(void **state)
{
    (void)state;
    static const struct {
        enum rind_agent_app_response_kind kind;
        long status;
        const char *body; /* NULL: Ok */
    } rows[] = {
        {RIND_AGENT_APP_OK, 200, NULL},
        {RIND_AGENT_APP_MISSING_SESSION, 400, "nMissingSession"},
        {RIND_AGENT_APP_SESSION_ERROR, 400, "lSessionError"},
        {RIND_AGENT_APP_DECODING_ERROR, 400, "mDecodingError"},
        {RIND_AGENT_APP_RATE_LIMIT_EXCEEDED, 429, "qRateLimitExceeded"},
        {RIND_AGENT_APP_NO_HSM, 503, "kUnavailable"},
        {RIND_AGENT_APP_NO_STORE, 503, "kUnavailable"},
        {RIND_AGENT_APP_NO_PUB_SUB, 503, "kUnavailable"},
        {RIND_AGENT_APP_INVALID_REALM, 503, "kUnavailable"},
        {RIND_AGENT_APP_INVALID_GROUP, 503, "kUnavailable"},
        {RIND_AGENT_APP_NOT_LEADER, 503, "kUnavailable"},
        {RIND_AGENT_APP_INVALID_PROOF, 503, "kUnavailable"},
    };
    struct fake_agent *agent = world_add_agent(&world, 0, 1);
    world_wait_for_status(&world, 200);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        fake_agent_set_app(agent, FAKE_AGENT_ANSWERS, rows[i].kind);
        (void)post_with_token(world_token(&world, "mario"));
        assert_int_equal(answer.status, rows[i].status);
        assert_string_equal(web_header(&answer, "access-control-allow-origin"), "*");
        assert_non_null(web_header(&answer, "x-exec-time"));
        if (rows[i].body != NULL) {
            assert_true(web_body_is(&answer, rows[i].body));
        }
    }
}

static void an_unknown_realm_is_unavailable(void **state)
{
    (void)state;
    (void)world_add_agent(&world, 0, 1);
    world_wait_for_status(&world, 200);
    world_post(&world, world_request_body(&world, 0x77, world_token(&world, "mario"), true),
               &answer);
    assert_int_equal(answer.status, 503);
    assert_true(web_body_is(&answer, "kUnavailable"));
}

/* Else whoever has no token could keep all workers waiting for refreshes. */
static void without_a_token_an_unknown_realm_makes_nobody_wait(void **state)
{
    (void)state;
    static char lines[65536];
    (void)world_add_agent(&world, 0, 1);
    world_wait_for_status(&world, 200);
    size_t passes = world_request_times(&world, lines, sizeof(lines));
    world_post(&world, world_request_body(&world, 0x77, rind_slice_text("bogus"), true), &answer);
    assert_int_equal(answer.status, 503);
    assert_true(web_body_is(&answer, "kUnavailable"));
    assert_int_equal(world_request_times(&world, lines, sizeof(lines)), passes + 1);
}

static void a_realm_without_leader_is_unavailable_but_checks_tokens(void **state)
{
    (void)state;
    struct fake_agent *agent = world_add_agent(&world, 0, 1);
    world_wait_for_status(&world, 200);
    fake_agent_set_leader(agent, false, 1);
    fake_agent_set_app(agent, FAKE_AGENT_ANSWERS, RIND_AGENT_APP_NOT_LEADER);
    assert_int_equal(world_try(&world), 503);
    unsigned asked = fake_agent_app_count(agent);
    assert_int_equal(post_with_token(rind_slice_text("bogus")), 401); /* the realm is known */
    assert_int_equal(world_try(&world), 503);
    assert_int_equal(fake_agent_app_count(agent), asked);
}

static void a_new_realm_is_found_by_the_request_that_needs_it(void **state)
{
    (void)state;
    assert_int_equal(world_try(&world), 503);
    (void)world_add_agent(&world, 0, 1);
    /* More than the spacing for realms that nobody knows; and the latest poll, every 250 ms, has
     * asked the agents known before only, and just now: that is no news either. */
    struct rind_deadline spacing = rind_deadline_in_ms(300);
    while (!rind_deadline_has_expired(spacing)) {
        usleep(1000);
    }
    assert_int_equal(world_try(&world), 200);
}

static void a_leader_that_moved_is_found_within_the_request(void **state)
{
    (void)state;
    struct fake_agent *old = world_add_agent(&world, 0, 1);
    struct fake_agent *new = world_add_agent(&world, 1, 1);
    fake_agent_set_leader(new, false, 1);
    world_wait_for_status(&world, 200);
    for (unsigned i = 0; i < 5; i++) {
        struct fake_agent *from = i % 2 == 0 ? old : new;
        struct fake_agent *to = i % 2 == 0 ? new : old;
        fake_agent_set_app(from, FAKE_AGENT_ANSWERS, RIND_AGENT_APP_NOT_LEADER);
        fake_agent_set_app(to, FAKE_AGENT_ANSWERS, RIND_AGENT_APP_OK);
        fake_agent_set_leader(to, true, i + 2);
        fake_agent_set_leader(from, false, i + 2);
        assert_int_equal(world_try(&world), 200);
    }
}

static void of_two_leaders_the_one_that_can_answer_does(void **state)
{
    (void)state;
    struct fake_agent *first = world_add_agent(&world, 0, 1);
    struct fake_agent *second = world_add_agent(&world, 1, 1);
    fake_agent_set_leader(first, true, 9); /* tried first */
    fake_agent_set_app(first, FAKE_AGENT_ANSWERS, RIND_AGENT_APP_NOT_LEADER);
    world_wait_for_status(&world, 200);
    unsigned asked = fake_agent_app_count(first);
    assert_int_equal(world_try(&world), 200);
    assert_int_equal(fake_agent_app_count(first), asked + 1);
    assert_true(fake_agent_app_count(second) >= 2);
}

static void a_request_is_handled_twice_at_most(void **state)
{
    (void)state;
    struct fake_agent *agent = world_add_agent(&world, 0, 1);
    world_wait_for_status(&world, 200);
    unsigned before = fake_agent_app_count(agent);
    fake_agent_set_app(agent, FAKE_AGENT_ANSWERS, RIND_AGENT_APP_NOT_LEADER);
    assert_int_equal(world_try(&world), 503);
    assert_int_equal(fake_agent_app_count(agent), before + 2);
}

static void what_may_have_been_executed_is_sent_again_only_if_it_is_a_handshake(void **state)
{
    (void)state;
    static const struct {
        enum fake_agent_behaviour behaviour;
        enum rind_agent_app_response_kind answer;
        unsigned transport_count;
        unsigned handshake_count;
    } rows[] = {
        {FAKE_AGENT_SAYS_500, RIND_AGENT_APP_OK, 1, 2},
        {FAKE_AGENT_GARBLES, RIND_AGENT_APP_OK, 1, 2},
        {FAKE_AGENT_ANSWERS, RIND_AGENT_APP_NO_PUB_SUB, 1, 2},
        {FAKE_AGENT_ANSWERS, RIND_AGENT_APP_NO_HSM, 1, 2},
        {FAKE_AGENT_SAYS_503, RIND_AGENT_APP_OK, 2, 2}, /* no worker: it was not executed */
        {FAKE_AGENT_ANSWERS, RIND_AGENT_APP_NO_STORE, 2, 2},
        {FAKE_AGENT_ANSWERS, RIND_AGENT_APP_INVALID_GROUP, 2, 2},
    };
    struct fake_agent *agent = world_add_agent(&world, 0, 1);
    world_wait_for_status(&world, 200);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        fake_agent_set_app(agent, rows[i].behaviour, rows[i].answer);
        for (int is_handshake = 0; is_handshake <= 1; is_handshake++) {
            unsigned before = fake_agent_app_count(agent);
            world_post(&world,
                       world_request_body(&world, WORLD_REALM, world_token(&world, "mario"),
                                          is_handshake != 0),
                       &answer);
            assert_int_equal(answer.status, 503);
            assert_true(web_body_is(&answer, "kUnavailable"));
            unsigned expected =
                is_handshake != 0 ? rows[i].handshake_count : rows[i].transport_count;
            if (fake_agent_app_count(agent) != before + expected) {
                fail_msg("row %zu, handshake %d: sent %u times", i, is_handshake,
                         fake_agent_app_count(agent) - before);
            }
        }
    }
}

struct poster {
    struct rind_thread thread;
    struct rind_slice body;
    struct web_answer answer;
};

static void poster_run(void *self)
{
    struct poster *poster = self;
    world_post(&world, poster->body, &poster->answer);
}

/* Opens two leaders of which the first is asked first, and waits until the table says so. */
static void open_two_leaders(struct fake_agent **first, struct fake_agent **second)
{
    *first = world_add_agent(&world, 0, 1);
    *second = world_add_agent(&world, 1, 1);
    fake_agent_set_leader(*first, true, 9);
    struct rind_deadline deadline = rind_deadline_in_ms(WORLD_WAIT_MS);
    while (fake_agent_status_count(*second) < 2 || fake_agent_app_count(*first) == 0) {
        (void)world_try(&world);
        assert_false(rind_deadline_has_expired(deadline));
    }
}

/* Sends a request that hangs in the first agent, whose connections are then cut. */
static void post_into_a_dying_agent(bool is_handshake, long expected_status,
                                    unsigned expected_further_count)
{
    static struct poster poster;
    struct fake_agent *dying = NULL;
    struct fake_agent *other = NULL;
    open_two_leaders(&dying, &other);
    unsigned answered = fake_agent_app_count(other);
    unsigned asked = fake_agent_app_count(dying);
    fake_agent_set_app(dying, FAKE_AGENT_HANGS, RIND_AGENT_APP_OK);
    poster = (struct poster){.body = world_request_body(
                                 &world, WORLD_REALM, world_token(&world, "mario"), is_handshake)};
    assert_true(
        rind_is_ok(rind_thread_start(&world.ctx, &poster.thread, "poster", poster_run, &poster)));
    struct rind_deadline deadline = rind_deadline_in_ms(WORLD_WAIT_MS);
    while (fake_agent_app_count(dying) == asked) {
        assert_false(rind_deadline_has_expired(deadline));
        usleep(1000);
    }
    fake_agent_close(dying);
    rind_thread_join(&poster.thread);
    assert_int_equal(poster.answer.status, expected_status);
    assert_int_equal(fake_agent_app_count(other), answered + expected_further_count);
}

static void a_transport_message_on_a_broken_connection_goes_to_no_other_agent(void **state)
{
    (void)state;
    post_into_a_dying_agent(false, 503, 0);
}

static void a_handshake_on_a_broken_connection_goes_to_the_next_agent(void **state)
{
    (void)state;
    post_into_a_dying_agent(true, 200, 1);
}

static void a_dead_agent_is_left_for_the_living(void **state)
{
    (void)state;
    struct fake_agent *dead = world_add_agent(&world, 0, 1);
    (void)world_add_agent(&world, 1, 1);
    fake_agent_set_leader(dead, true, 9);
    world_wait_for_status(&world, 200);
    fake_agent_close(dead);
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(world_try(&world), 200);
    }
}

static void an_agent_that_dies_on_a_request_does_not_take_the_balancer_along(void **state)
{
    (void)state;
    struct fake_agent *agent = world_add_agent(&world, 0, 1);
    world_wait_for_status(&world, 200);
    fake_agent_close(agent);
    assert_int_equal(world_try(&world), 503);
    struct web_request livez = {.method = "GET", .path = "/livez"};
    web_send(NULL, world.port, world.certificate_path, &livez, &answer);
    assert_int_equal(answer.status, 200);
}

static void an_agent_that_hangs_on_status_delays_nobody(void **state)
{
    (void)state;
    struct fake_agent *hung = world_add_agent(&world, 0, 2);
    fake_agent_set_status(hung, FAKE_AGENT_HANGS);
    struct fake_agent *good = world_add_agent(&world, 1, 1);
    world_wait_for_status(&world, 200);
    /* The good one is polled on and on while the status of the other one hangs. */
    unsigned polls = fake_agent_status_count(good);
    struct rind_deadline deadline = rind_deadline_in_ms(WORLD_WAIT_MS);
    while (fake_agent_status_count(good) < polls + 8) {
        assert_int_equal(world_try(&world), 200);
        assert_false(rind_deadline_has_expired(deadline));
    }
}

static void a_hung_leader_fails_over_for_handshakes(void **state)
{
    (void)state;
    struct fake_agent *hung = world_add_agent(&world, 0, 1);
    struct fake_agent *good = world_add_agent(&world, 1, 1);
    world_wait_for_status(&world, 200);
    fake_agent_set_leader(hung, true, 9);
    fake_agent_set_app(hung, FAKE_AGENT_HANGS, RIND_AGENT_APP_OK);
    fake_agent_set_status(hung, FAKE_AGENT_HANGS);
    world_wait_for_status(&world, 200);
    /* Once its status hangs too it is ranked behind, then dropped: nothing is sent there. */
    struct rind_deadline deadline = rind_deadline_in_ms(WORLD_WAIT_MS);
    unsigned asked = fake_agent_app_count(hung);
    unsigned steady = 0;
    while (steady < 20) {
        assert_int_equal(world_try(&world), 200);
        steady = fake_agent_app_count(hung) == asked ? steady + 1 : 0;
        asked = fake_agent_app_count(hung);
        assert_false(rind_deadline_has_expired(deadline));
    }
    assert_true(fake_agent_app_count(good) > 0);
}

static void an_unreadable_store_leaves_the_last_table_in_use(void **state)
{
    (void)state;
    struct fake_agent *agent = world_add_agent(&world, 0, 1);
    world_wait_for_status(&world, 200);
    world_set_store_fails(&world, true);
    unsigned polls = fake_agent_status_count(agent);
    struct rind_deadline deadline = rind_deadline_in_ms(WORLD_WAIT_MS);
    while (fake_agent_status_count(agent) < polls + 4) {
        assert_int_equal(world_try(&world), 200);
        assert_false(rind_deadline_has_expired(deadline));
    }
    /* A request that cannot be served asks for a refresh; that fails too, and nothing breaks. */
    fake_agent_set_app(agent, FAKE_AGENT_ANSWERS, RIND_AGENT_APP_NOT_LEADER);
    assert_int_equal(world_try(&world), 503);
    fake_agent_set_app(agent, FAKE_AGENT_ANSWERS, RIND_AGENT_APP_OK);
    world_set_store_fails(&world, false);
    world_wait_for_status(&world, 200);
}

static void nonsense_in_discovery_hides_no_agent(void **state)
{
    (void)state;
    world_register(&world, "https://127.0.0.1:1/");
    world_register(&world, "http://127.0.0.1:1/"); /* nobody listens */
    (void)world_add_agent(&world, 0, 1);
    world_wait_for_status(&world, 200);
}

/* A socket that lets the kernel accept connections and never reads. */
static void a_black_hole_in_discovery_delays_nobody(void **state)
{
    (void)state;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    char url[64];
    int hole = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(hole >= 0);
    assert_int_equal(bind(hole, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(hole, 16), 0);
    assert_int_equal(getsockname(hole, (struct sockaddr *)&address, &length), 0);
    snprintf(url, sizeof(url), "http://127.0.0.1:%u/", (unsigned)ntohs(address.sin_port));
    world_register(&world, url);
    struct fake_agent *agent = world_add_agent(&world, 0, 1);
    world_wait_for_status(&world, 200);
    unsigned polls = fake_agent_status_count(agent);
    struct rind_deadline deadline = rind_deadline_in_ms(WORLD_WAIT_MS);
    while (fake_agent_status_count(agent) < polls + 8) {
        assert_int_equal(world_try(&world), 200);
        assert_false(rind_deadline_has_expired(deadline));
    }
    close(hole);
}

/* --- metrics --- */

#define REALM_TAG "realm:05050505050505050505050505050505"

static void each_pass_is_measured_with_its_tags(void **state)
{
    (void)state;
    static char times[65536];
    struct fake_agent *agent = world_add_agent(&world, 0, 3);
    world_wait_for_status(&world, 200);
    (void)world_request_times(&world, times, sizeof(times));
    assert_non_null(strstr(times, "result:ok success:true " REALM_TAG
                                  " missing_scope:false tenant:" WORLD_TENANT
                                  " group:03030303030303030303030303030303\n"));

    size_t before = world_request_times(&world, times, sizeof(times));
    assert_int_equal(post_with_token(rind_slice_text("bogus")), 401);
    assert_int_equal(world_request_times(&world, times, sizeof(times)), before + 1);
    assert_non_null(strstr(times, "result:invalidauth success:false " REALM_TAG "\n"));

    fake_agent_set_app(agent, FAKE_AGENT_ANSWERS, RIND_AGENT_APP_NOT_LEADER);
    before = world_request_times(&world, times, sizeof(times));
    assert_int_equal(world_try(&world), 503); /* two passes */
    assert_int_equal(world_request_times(&world, times, sizeof(times)), before + 2);
    assert_non_null(strstr(times, "result:unavailable success:false " REALM_TAG
                                  " missing_scope:false tenant:" WORLD_TENANT " group:"));

    before = world_request_times(&world, times, sizeof(times));
    world_post(&world, rind_slice_text("nonsense"), &answer); /* never handled */
    assert_int_equal(answer.status, 400);
    assert_int_equal(world_request_times(&world, times, sizeof(times)), before);
}

/* --- many at once --- */

struct crowd_member {
    struct rind_thread thread;
    struct world *world;
    struct rind_slice body;
    const atomic_bool *is_over;
    unsigned ok_count;
    unsigned other_count;
    bool is_http2;
};

static void crowd_run(void *self)
{
    struct crowd_member *member = self;
    struct web_answer *own = malloc(sizeof(*own));
    CURL *curl = curl_easy_init();
    struct web_request request = {.path = "/req",
                                  .body = member->body,
                                  .headers = {"X-Juicebox-Version: 0.3.0"},
                                  .is_http2 = member->is_http2};
    while (!atomic_load(member->is_over)) {
        web_send(curl, member->world->port, member->world->certificate_path, &request, own);
        if (own->error == CURLE_OK && own->status == 200) {
            member->ok_count++;
        } else {
            member->other_count++;
        }
    }
    curl_easy_cleanup(curl);
    free(own);
}

static void requests_flow_while_leaders_change(void **state)
{
    (void)state;
    struct fake_agent *a = world_add_agent(&world, 0, 1);
    struct fake_agent *b = world_add_agent(&world, 1, 1);
    atomic_bool is_over = false;
    struct crowd_member crowd[4] = {0};
    struct rind_slice body =
        world_request_body(&world, WORLD_REALM, world_token(&world, "mario"), true);
    world_wait_for_status(&world, 200);
    for (size_t i = 0; i < 4; i++) {
        crowd[i] = (struct crowd_member){
            .world = &world, .body = body, .is_over = &is_over, .is_http2 = i % 2 == 0};
        assert_true(rind_is_ok(
            rind_thread_start(&world.ctx, &crowd[i].thread, "crowd", crowd_run, &crowd[i])));
    }
    for (unsigned i = 0; i < 20; i++) {
        fake_agent_set_leader(a, true, i + 2); /* both lead for a moment */
        fake_agent_set_leader(b, true, i + 2);
        fake_agent_set_leader(i % 2 == 0 ? a : b, false, i + 2);
        /* A poll may catch one before and the other after the change; the next one does not. */
        unsigned polls_a = fake_agent_status_count(a);
        unsigned polls_b = fake_agent_status_count(b);
        struct rind_deadline deadline = rind_deadline_in_ms(WORLD_WAIT_MS);
        while (fake_agent_status_count(a) < polls_a + 2 ||
               fake_agent_status_count(b) < polls_b + 2) {
            assert_false(rind_deadline_has_expired(deadline));
            usleep(1000);
        }
    }
    atomic_store(&is_over, true);
    for (size_t i = 0; i < 4; i++) {
        rind_thread_join(&crowd[i].thread);
        assert_true(crowd[i].ok_count > 0);
        assert_int_equal(crowd[i].other_count, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        CASE(the_leader_learns_the_trace_of_a_request),
        CASE(a_request_reaches_the_leader_unchanged),
        CASE(every_answer_of_an_agent_has_its_http_status),
        CASE(an_unknown_realm_is_unavailable),
        CASE(without_a_token_an_unknown_realm_makes_nobody_wait),
        CASE(a_realm_without_leader_is_unavailable_but_checks_tokens),
        CASE(a_new_realm_is_found_by_the_request_that_needs_it),
        CASE(a_leader_that_moved_is_found_within_the_request),
        CASE(of_two_leaders_the_one_that_can_answer_does),
        CASE(a_request_is_handled_twice_at_most),
        CASE(what_may_have_been_executed_is_sent_again_only_if_it_is_a_handshake),
        CASE(a_transport_message_on_a_broken_connection_goes_to_no_other_agent),
        CASE(a_handshake_on_a_broken_connection_goes_to_the_next_agent),
        CASE(a_dead_agent_is_left_for_the_living),
        CASE(an_agent_that_dies_on_a_request_does_not_take_the_balancer_along),
        CASE(an_agent_that_hangs_on_status_delays_nobody),
        CASE(a_hung_leader_fails_over_for_handshakes),
        CASE(an_unreadable_store_leaves_the_last_table_in_use),
        CASE(nonsense_in_discovery_hides_no_agent),
        CASE(a_black_hole_in_discovery_delays_nobody),
        CASE(each_pass_is_measured_with_its_tags),
        CASE(requests_flow_while_leaders_change),
#undef CASE
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
