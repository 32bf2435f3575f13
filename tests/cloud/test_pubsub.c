/* test_pubsub.c - events through the official in-memory Pub/Sub, and through one that fails. */
#include "cloud/pubsub.h"

#include <stdlib.h>
#include <string.h>

#include "cloud/channel.h"
#include "cloud/proto_memory.h"
#include "emulators/emulator.h"
#include "proto/google_types.pb-c.h"
#include "proto/pubsub.pb-c.h"
#include "support/test.h"
#include "support/vectors.h"

#define WAIT_MS 30000u

struct world {
    struct rind_arena *arena;
    struct rind_ctx ctx;
    struct emulator emulator;
    struct rind_pubsub *pubsub;
    struct rind_pubsub_scope scope;
    uint64_t known_ms;
};

static void connect_to(struct world *world)
{
    struct rind_pubsub_flags flags = {.url = world->emulator.url, .is_url_given = true};
    const struct rind_pubsub_options options = {
        .project = "prj", .flags = &flags, .known_ms = world->known_ms};
    rind_status status = rind_pubsub_open(&world->ctx, &options, &world->pubsub);
    if (!rind_is_ok(status)) {
        fail_msg("%s", world->ctx.sentence);
    }
}

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    assert_non_null(world);
    assert_true(rind_is_ok(rind_arena_map(NULL, 16u << 20, &world->arena)));
    rind_ctx_init(&world->ctx, world->arena);
    memset(world->scope.realm.bytes, 0xc8, sizeof(world->scope.realm.bytes));
    world->scope.tenant = rind_slice_text("test-acme");
    emulator_open(&world->emulator, "pubsub");
    connect_to(world);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    rind_pubsub_close(world->pubsub);
    emulator_close(&world->emulator);
    rind_arena_unmap(world->arena);
    free(world);
    return 0;
}

static void expect_ok(struct world *world, rind_status status)
{
    if (!rind_is_ok(status)) {
        fail_msg("%s", world->ctx.sentence);
    }
}

static rind_status publish(struct world *world, const char *text)
{
    struct rind_slice data = rind_slice_text(text);
    return rind_pubsub_publish(&world->ctx, world->pubsub, &world->scope, &data, 1,
                               rind_deadline_in_ms(WAIT_MS));
}

/* Pulls until there is something, or the deadline passes. */
static size_t pull(struct world *world, size_t count_max, struct rind_pubsub_message **messages)
{
    size_t count = 0;
    struct rind_deadline deadline = rind_deadline_in_ms(WAIT_MS);
    while (count == 0 && !rind_deadline_has_expired(deadline)) {
        expect_ok(world, rind_pubsub_pull(&world->ctx, world->pubsub, &world->scope, count_max,
                                          deadline, messages, &count));
    }
    return count;
}

static bool has_waiting(struct world *world)
{
    struct rind_pubsub_message *messages;
    size_t count = 0;
    expect_ok(world, rind_pubsub_pull_now(&world->ctx, world->pubsub, &world->scope, 10,
                                          rind_deadline_in_ms(WAIT_MS), &messages, &count));
    return count > 0;
}

static void names_are_those_of_the_vectors(void **state)
{
    struct world *world = *state;
    json_t *vectors = rind_vectors_load("cloud-services.json");
    const json_t *names = rind_vectors_get(vectors, "topic_names");
    assert_true(json_array_size(names) > 0);
    for (size_t i = 0; i < json_array_size(names); i++) {
        const json_t *vector = json_array_get(names, i);
        struct rind_pubsub_scope scope = {.tenant =
                                              rind_slice_text(rind_vectors_text(vector, "tenant"))};
        rind_vectors_hex_fixed(vector, "realm_hex", scope.realm.bytes, sizeof(scope.realm.bytes));
        const char *project = rind_vectors_text(vector, "project");
        char name[RIND_PUBSUB_NAME_SIZE];
        expect_ok(world, rind_pubsub_topic_name(&world->ctx, project, &scope, name));
        assert_string_equal(name, rind_vectors_text(vector, "topic"));
        expect_ok(world, rind_pubsub_subscription_name(&world->ctx, project, &scope, name));
        assert_string_equal(name, rind_vectors_text(vector, "subscription"));
    }
    json_decref(vectors);
}

static void a_tenant_too_long_for_a_name_is_an_error(void **state)
{
    struct world *world = *state;
    static char tenant[RIND_PUBSUB_NAME_SIZE];
    memset(tenant, 'a', sizeof(tenant));
    world->scope.tenant = rind_slice_make(tenant, sizeof(tenant));
    assert_true(rind_is(publish(world, "x"), RIND_E_INVALID));
    world->scope.tenant = rind_slice_make("a\0b", 3);
    assert_true(rind_is(publish(world, "x"), RIND_E_INVALID));
}

static void the_first_event_of_a_tenant_makes_topic_and_subscription(void **state)
{
    struct world *world = *state;
    struct rind_pubsub_message *messages;
    expect_ok(world, publish(world, "{\"event\":\"registered\"}"));
    assert_int_equal(pull(world, 5, &messages), 1);
    assert_true(rind_slice_is_text(messages[0].data, "{\"event\":\"registered\"}"));
    assert_true(messages[0].id.length > 0 && messages[0].ack_id.length > 0);
    assert_true(messages[0].publish_unix_s > 1600000000);
    assert_int_equal(emulator_count(&world->emulator, "CreateTopic"), 1);
}

static void a_subscription_never_expires_and_delivers_exactly_once(void **state)
{
    struct world *world = *state;
    expect_ok(world, rind_pubsub_create(&world->ctx, world->pubsub, &world->scope,
                                        rind_deadline_in_ms(WAIT_MS)));
    assert_true(emulator_saw(&world->emulator, "CreateSubscription", "5a00"));
    assert_true(emulator_saw(&world->emulator, "CreateSubscription", "800101"));
    assert_true(emulator_saw(&world->emulator, "CreateSubscription", "280a")); /* 10 s */
    /* labels: {tenant: test-acme}, {realm: c8c8...} */
    static const char tenant_label[] = "0a0674656e616e741209746573742d61636d65";
    assert_true(emulator_saw(&world->emulator, "CreateSubscription", tenant_label));
    assert_true(emulator_saw(&world->emulator, "CreateTopic", tenant_label));
    assert_true(emulator_saw(&world->emulator, "CreateTopic", "0a057265616c6d1220"));
}

static void a_message_has_nothing_but_its_data(void **state)
{
    struct world *world = *state;
    expect_ok(world, publish(world, "42"));
    /* topic=1, then messages=2 of 4 bytes: data=1 of 2 bytes, and that is all. */
    assert_true(emulator_saw(&world->emulator, "Publish", "12040a023432\n"));
}

static void creating_what_exists_is_fine(void **state)
{
    struct world *world = *state;
    for (unsigned i = 0; i < 2; i++) {
        expect_ok(world, rind_pubsub_create(&world->ctx, world->pubsub, &world->scope,
                                            rind_deadline_in_ms(WAIT_MS)));
    }
    assert_int_equal(emulator_count(&world->emulator, "CreateTopic"), 2);
}

static void a_topic_without_a_subscription_gets_one_before_the_first_event(void **state)
{
    struct world *world = *state;
    struct rind_pubsub_message *messages;
    /* The subscription's first creation fails for good: only the topic is there. */
    emulator_set_faults(&world->emulator, "CreateSubscription 7\n");
    assert_true(rind_is(
        rind_pubsub_create(&world->ctx, world->pubsub, &world->scope, rind_deadline_in_ms(WAIT_MS)),
        RIND_E_DENIED));
    emulator_set_faults(&world->emulator, "");
    expect_ok(world, publish(world, "kept"));
    assert_int_equal(pull(world, 5, &messages), 1);
    assert_true(rind_slice_is_text(messages[0].data, "kept"));
    assert_int_equal(emulator_count(&world->emulator, "CreateTopic"), 1);
}

static void who_may_only_publish_publishes(void **state)
{
    struct world *world = *state;
    expect_ok(world, rind_pubsub_create(&world->ctx, world->pubsub, &world->scope,
                                        rind_deadline_in_ms(WAIT_MS)));
    rind_pubsub_close(world->pubsub);
    connect_to(world); /* another process, so to speak, that has not seen the subscription */
    emulator_set_faults(&world->emulator, "CreateSubscription 7\nCreateTopic 7\n");
    struct rind_pubsub_message *messages;
    expect_ok(world, publish(world, "one"));
    expect_ok(world, publish(world, "two"));
    assert_int_equal(emulator_count(&world->emulator, "CreateSubscription"), 2);
    assert_true(pull(world, 5, &messages) > 0);
}

static void a_topic_that_was_deleted_is_made_again(void **state)
{
    struct world *world = *state;
    struct rind_pubsub_message *messages;
    expect_ok(world, publish(world, "before"));
    emulator_set_faults(&world->emulator, "Publish 5 once\n");
    expect_ok(world, publish(world, "after"));
    assert_int_equal(emulator_count(&world->emulator, "CreateTopic"), 2);
    assert_true(pull(world, 5, &messages) > 0);
}

/* What an operator does: deletes the topic, or its subscription. */
static void delete_resource(struct world *world, const char *method, const char *name)
{
    struct rind_channel_options options;
    struct rind_google_flags flags = {0};
    struct rind_channel *channel;
    rind_channel_options_init(&options, "Pub/Sub", "", &world->emulator.url, &flags);
    options.remedy = "the test";
    expect_ok(world, rind_channel_open(&world->ctx, &options, &channel));
    /* Both requests have the name, and nothing else, in their first field. */
    Google__Pubsub__V1__SubscriptionRequest request =
        GOOGLE__PUBSUB__V1__SUBSCRIPTION_REQUEST__INIT;
    request.subscription = rind_proto_text(name);
    struct rind_grpc_call call = {.method = method,
                                  .resource = name,
                                  .request = &request.base,
                                  .response = &google__types__empty__descriptor};
    ProtobufCMessage *response;
    expect_ok(world, rind_channel_call(&world->ctx, channel, &call, rind_deadline_in_ms(WAIT_MS),
                                       &response));
    rind_channel_close(channel);
}

static void delete_topic(struct world *world)
{
    char name[RIND_PUBSUB_NAME_SIZE];
    expect_ok(world, rind_pubsub_topic_name(&world->ctx, "prj", &world->scope, name));
    delete_resource(world, "/google.pubsub.v1.Publisher/DeleteTopic", name);
}

static void delete_subscription(struct world *world)
{
    char name[RIND_PUBSUB_NAME_SIZE];
    expect_ok(world, rind_pubsub_subscription_name(&world->ctx, "prj", &world->scope, name));
    delete_resource(world, "/google.pubsub.v1.Subscriber/DeleteSubscription", name);
}

static void expect_event(struct world *world, const char *text)
{
    struct rind_pubsub_message *messages;
    assert_int_equal(pull(world, 5, &messages), 1);
    assert_true(rind_slice_is_text(messages[0].data, text));
}

/* The subscription outlives its topic, and gets nothing of a new one by the same name. */
static void a_deleted_topic_is_made_anew_with_a_subscription_of_its_own(void **state)
{
    struct world *world = *state;
    expect_ok(world, publish(world, "before"));
    expect_event(world, "before");
    delete_topic(world);
    expect_ok(world, publish(world, "after"));
    expect_event(world, "after");
    assert_int_equal(emulator_count(&world->emulator, "CreateTopic"), 2);
    assert_int_equal(emulator_count(&world->emulator, "DeleteSubscription"), 1);
}

/* Another process made the topic anew, or an operator did: nobody but us will look after it. */
static void a_subscription_of_a_deleted_topic_is_found_by_the_next_process(void **state)
{
    struct world *world = *state;
    expect_ok(world, publish(world, "before"));
    delete_topic(world);
    emulator_set_faults(&world->emulator, "GetSubscription 7\n"); /* made by one who may not look */
    expect_ok(world, publish(world, "unseen"));
    emulator_set_faults(&world->emulator, "");
    rind_pubsub_close(world->pubsub);
    connect_to(world);
    expect_ok(world, publish(world, "after"));
    expect_event(world, "after");
}

static void who_may_not_replace_a_subscription_says_so_and_loses_no_event(void **state)
{
    struct world *world = *state;
    expect_ok(world, publish(world, "before"));
    delete_topic(world);
    emulator_set_faults(&world->emulator, "DeleteSubscription 7\n");
    assert_true(rind_is(publish(world, "refused"), RIND_E_PRECONDITION));
    assert_non_null(strstr(world->ctx.sentence, "-sub belongs to a topic that was deleted"));
    assert_non_null(strstr(world->ctx.sentence, "delete it"));
    /* Nor does a process that begins now, and finds a new topic. */
    rind_pubsub_close(world->pubsub);
    connect_to(world);
    assert_true(rind_is(publish(world, "refused"), RIND_E_PRECONDITION));
    assert_non_null(strstr(world->ctx.sentence, "delete it"));
    /* An operator does, and the client that tries again has its answer. */
    emulator_set_faults(&world->emulator, "");
    delete_subscription(world);
    expect_ok(world, publish(world, "again"));
    expect_event(world, "again");
}

static void a_deleted_subscription_is_made_anew_when_its_time_is_over(void **state)
{
    struct world *world = *state;
    rind_pubsub_close(world->pubsub);
    world->known_ms = 1;
    connect_to(world);
    expect_ok(world, publish(world, "before"));
    expect_event(world, "before");
    delete_subscription(world);
    expect_ok(world, publish(world, "after")); /* more than a millisecond later */
    expect_event(world, "after");
    assert_int_equal(emulator_count(&world->emulator, "CreateTopic"), 1);
}

static void what_is_known_is_not_asked_again(void **state)
{
    struct world *world = *state;
    expect_ok(world, publish(world, "one"));
    unsigned before = emulator_count(&world->emulator, "CreateSubscription");
    expect_ok(world, publish(world, "two"));
    assert_int_equal(emulator_count(&world->emulator, "CreateSubscription"), before);
}

static void publishing_is_tried_again_and_nothing_is_lost(void **state)
{
    struct world *world = *state;
    struct rind_pubsub_message *messages;
    expect_ok(world, publish(world, "first"));
    emulator_set_faults(&world->emulator, "Publish 14 once\nPublish 4 once\nPublish 13 once\n");
    expect_ok(world, publish(world, "second"));
    bool has_second = false;
    while (!has_second) {
        size_t count = pull(world, 5, &messages);
        assert_true(count > 0);
        for (size_t i = 0; i < count; i++) {
            has_second = has_second || rind_slice_is_text(messages[i].data, "second");
        }
    }
}

static void an_answer_that_was_lost_means_twice_not_never(void **state)
{
    struct world *world = *state;
    struct rind_pubsub_message *messages;
    expect_ok(world, publish(world, "first"));
    assert_int_equal(pull(world, 1, &messages), 1);
    emulator_set_faults(&world->emulator, "Publish 14 after once\n");
    expect_ok(world, publish(world, "second"));
    size_t seconds = 0;
    while (seconds < 2) {
        size_t count = pull(world, 5, &messages);
        assert_true(count > 0);
        for (size_t i = 0; i < count; i++) {
            seconds += rind_slice_is_text(messages[i].data, "second");
        }
    }
}

static void what_cannot_be_published_is_refused_at_once(void **state)
{
    struct world *world = *state;
    emulator_set_faults(&world->emulator, "Publish 3\n");
    assert_true(rind_is(publish(world, "x"), RIND_E_INVALID));
    assert_int_equal(emulator_count(&world->emulator, "Publish"), 1);
    assert_non_null(strstr(world->ctx.sentence, "tenant-test-acme-c8c8"));
    emulator_set_faults(&world->emulator, "Publish 7\n");
    assert_true(rind_is(publish(world, "x"), RIND_E_DENIED));
}

static void publishing_ends_at_its_deadline(void **state)
{
    struct world *world = *state;
    struct rind_slice data = rind_slice_text("x");
    emulator_set_faults(&world->emulator, "Publish 14\n");
    rind_status status = rind_pubsub_publish(&world->ctx, world->pubsub, &world->scope, &data, 1,
                                             rind_deadline_in_ms(300));
    assert_true(rind_is(status, RIND_E_UNAVAILABLE) || rind_is(status, RIND_E_TIMEOUT));
}

static void a_batch_arrives_whole(void **state)
{
    struct world *world = *state;
    char texts[200][16];
    struct rind_slice data[200];
    bool has_arrived[200] = {false};
    for (size_t i = 0; i < 200; i++) {
        snprintf(texts[i], sizeof(texts[i]), "%zu", i);
        data[i] = rind_slice_text(texts[i]);
    }
    expect_ok(world, rind_pubsub_publish(&world->ctx, world->pubsub, &world->scope, data, 200,
                                         rind_deadline_in_ms(WAIT_MS)));
    assert_int_equal(emulator_count(&world->emulator, "Publish"), 1);
    for (size_t arrived = 0; arrived < 200;) {
        struct rind_pubsub_message *messages;
        size_t count = pull(world, 150, &messages);
        assert_true(count > 0);
        for (size_t i = 0; i < count; i++) {
            size_t n = strtoul((const char *)messages[i].data.data, NULL, 10);
            assert_true(n < 200);
            arrived += !has_arrived[n];
            has_arrived[n] = true;
        }
    }
}

/* An agent of its own: a connection and a thread. */
struct agent {
    struct world *world;
    struct rind_thread thread;
    const char *text;
    rind_status status;
    char sentence[RIND_SENTENCE_SIZE_MAX];
};

static void agent_run(void *self)
{
    struct agent *agent = self;
    struct rind_pubsub_flags flags = {.url = agent->world->emulator.url, .is_url_given = true};
    const struct rind_pubsub_options options = {.project = "prj", .flags = &flags};
    struct rind_slice data = rind_slice_text(agent->text);
    struct rind_arena *arena;
    struct rind_ctx ctx;
    struct rind_pubsub *pubsub = NULL;
    rind_ctx_init(&ctx, NULL);
    agent->status = rind_arena_map(&ctx, 1u << 20, &arena);
    if (!rind_is_ok(agent->status)) {
        return;
    }
    rind_ctx_init(&ctx, arena);
    agent->status = rind_pubsub_open(&ctx, &options, &pubsub);
    if (rind_is_ok(agent->status)) {
        agent->status = rind_pubsub_publish(&ctx, pubsub, &agent->world->scope, &data, 1,
                                            rind_deadline_in_ms(WAIT_MS));
    }
    (void)snprintf(agent->sentence, sizeof(agent->sentence), "%s", ctx.sentence);
    rind_pubsub_close(pubsub);
    rind_arena_unmap(arena);
}

static void agents_may_make_one_topic_at_once(void **state)
{
    static const char *const texts[] = {"0", "1", "2", "3"};
    struct world *world = *state;
    struct agent agents[4];
    bool has_arrived[4] = {false};
    for (size_t i = 0; i < 4; i++) {
        agents[i] = (struct agent){.world = world, .text = texts[i]};
        expect_ok(world, rind_thread_start(&world->ctx, &agents[i].thread, "agent", agent_run,
                                           &agents[i]));
    }
    for (size_t i = 0; i < 4; i++) {
        rind_thread_join(&agents[i].thread);
        assert_true(rind_is_ok(agents[i].status));
    }
    struct rind_deadline deadline = rind_deadline_in_ms(WAIT_MS);
    for (size_t arrived = 0; arrived < 4;) {
        struct rind_pubsub_message *messages;
        size_t count = pull(world, 10, &messages);
        /* Those that came come again, for ever. */
        assert_false(rind_deadline_has_expired(deadline));
        for (size_t i = 0; i < count; i++) {
            size_t n = (size_t)(messages[i].data.data[0] - '0');
            assert_true(n < 4);
            arrived += !has_arrived[n]; /* at least once is what is promised */
            has_arrived[n] = true;
        }
    }
}

static void what_is_not_acknowledged_comes_again_after_its_deadline(void **state)
{
    struct world *world = *state;
    struct rind_pubsub_message *messages;
    expect_ok(world, publish(world, "x"));
    assert_int_equal(pull(world, 5, &messages), 1);
    uint64_t start_ns = rind_clock_monotonic_ns();
    assert_false(has_waiting(world)); /* not at once */
    assert_int_equal(pull(world, 5, &messages), 1);
    assert_true(rind_slice_is_text(messages[0].data, "x"));
    /* Half of it: the emulator's clock began before ours. */
    assert_true(rind_clock_monotonic_ns() - start_ns >
                RIND_PUBSUB_ACK_DEADLINE_S * RIND_NS_PER_S / 2);
    expect_ok(world, rind_pubsub_acknowledge(&world->ctx, world->pubsub, &world->scope,
                                             &messages[0].ack_id, 1, rind_deadline_in_ms(WAIT_MS)));
}

static void acknowledged_messages_are_gone(void **state)
{
    struct world *world = *state;
    struct rind_pubsub_message *messages;
    expect_ok(world, publish(world, "x"));
    assert_int_equal(pull(world, 5, &messages), 1);
    expect_ok(world, rind_pubsub_acknowledge(&world->ctx, world->pubsub, &world->scope,
                                             &messages[0].ack_id, 1, rind_deadline_in_ms(WAIT_MS)));
    assert_false(has_waiting(world));
}

static void more_than_a_thousand_acknowledgements_go_in_parts(void **state)
{
    struct world *world = *state;
    static struct rind_slice ids[1001];
    expect_ok(world, rind_pubsub_create(&world->ctx, world->pubsub, &world->scope,
                                        rind_deadline_in_ms(WAIT_MS)));
    for (size_t i = 0; i < 1001; i++) {
        ids[i] = rind_slice_text("x");
    }
    expect_ok(world, rind_pubsub_acknowledge(&world->ctx, world->pubsub, &world->scope, ids, 1001,
                                             rind_deadline_in_ms(WAIT_MS)));
    assert_int_equal(emulator_count(&world->emulator, "Acknowledge"), 2);
}

static void an_acknowledgement_that_is_none_is_invalid(void **state)
{
    struct world *world = *state;
    struct rind_slice id = rind_slice_text("x");
    expect_ok(world, publish(world, "x"));
    emulator_set_faults(&world->emulator, "Acknowledge 3\n");
    assert_true(rind_is(rind_pubsub_acknowledge(&world->ctx, world->pubsub, &world->scope, &id, 1,
                                                rind_deadline_in_ms(WAIT_MS)),
                        RIND_E_INVALID));
}

static void pulling_without_a_subscription_is_not_found(void **state)
{
    struct world *world = *state;
    struct rind_pubsub_message *messages;
    size_t count;
    assert_true(rind_is(rind_pubsub_pull(&world->ctx, world->pubsub, &world->scope, 5,
                                         rind_deadline_in_ms(WAIT_MS), &messages, &count),
                        RIND_E_NOT_FOUND));
}

static void a_pull_without_messages_ends_without_any(void **state)
{
    struct world *world = *state;
    struct rind_pubsub_message *messages;
    size_t count = 1;
    expect_ok(world, rind_pubsub_create(&world->ctx, world->pubsub, &world->scope,
                                        rind_deadline_in_ms(WAIT_MS)));
    expect_ok(world, rind_pubsub_pull(&world->ctx, world->pubsub, &world->scope, 5,
                                      rind_deadline_in_ms(100), &messages, &count));
    assert_int_equal(count, 0);
}

static void an_emulator_that_comes_back_empty_is_served_again(void **state)
{
    struct world *world = *state;
    expect_ok(world, publish(world, "x"));
    emulator_kill(&world->emulator);
    rind_pubsub_close(world->pubsub);
    connect_to(world);
    struct rind_pubsub_message *messages;
    expect_ok(world, publish(world, "y"));
    assert_int_equal(pull(world, 5, &messages), 1);
    assert_true(rind_slice_is_text(messages[0].data, "y"));
}

static void the_variable_of_the_emulator_is_read_unless_a_url_is_given(void **state)
{
    struct world *world = *state;
    struct rind_pubsub_flags flags = {0};
    setenv("PUBSUB_EMULATOR_HOST", "127.0.0.1:8085", 1);
    expect_ok(world, rind_pubsub_flags_complete(&world->ctx, &flags));
    assert_true(flags.is_url_given);
    assert_string_equal(flags.url.text, "http://127.0.0.1:8085/");
    struct rind_pubsub_flags given = {.url = world->emulator.url, .is_url_given = true};
    expect_ok(world, rind_pubsub_flags_complete(&world->ctx, &given));
    assert_string_equal(given.url.text, world->emulator.url.text);
    setenv("PUBSUB_EMULATOR_HOST", "not a host", 1);
    struct rind_pubsub_flags bad = {0};
    assert_true(rind_is(rind_pubsub_flags_complete(&world->ctx, &bad), RIND_E_INVALID));
    assert_non_null(strstr(world->ctx.sentence, "PUBSUB_EMULATOR_HOST"));
    unsetenv("PUBSUB_EMULATOR_HOST");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(names_are_those_of_the_vectors),
        TEST(a_tenant_too_long_for_a_name_is_an_error),
        TEST(the_first_event_of_a_tenant_makes_topic_and_subscription),
        TEST(a_subscription_never_expires_and_delivers_exactly_once),
        TEST(a_message_has_nothing_but_its_data),
        TEST(creating_what_exists_is_fine),
        TEST(a_topic_without_a_subscription_gets_one_before_the_first_event),
        TEST(who_may_only_publish_publishes),
        TEST(a_topic_that_was_deleted_is_made_again),
        TEST(a_deleted_topic_is_made_anew_with_a_subscription_of_its_own),
        TEST(a_subscription_of_a_deleted_topic_is_found_by_the_next_process),
        TEST(who_may_not_replace_a_subscription_says_so_and_loses_no_event),
        TEST(a_deleted_subscription_is_made_anew_when_its_time_is_over),
        TEST(what_is_known_is_not_asked_again),
        TEST(publishing_is_tried_again_and_nothing_is_lost),
        TEST(an_answer_that_was_lost_means_twice_not_never),
        TEST(what_cannot_be_published_is_refused_at_once),
        TEST(publishing_ends_at_its_deadline),
        TEST(a_batch_arrives_whole),
        TEST(agents_may_make_one_topic_at_once),
        TEST(what_is_not_acknowledged_comes_again_after_its_deadline),
        TEST(acknowledged_messages_are_gone),
        TEST(more_than_a_thousand_acknowledgements_go_in_parts),
        TEST(an_acknowledgement_that_is_none_is_invalid),
        TEST(pulling_without_a_subscription_is_not_found),
        TEST(a_pull_without_messages_ends_without_any),
        TEST(an_emulator_that_comes_back_empty_is_served_again),
        TEST(the_variable_of_the_emulator_is_read_unless_a_url_is_given),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
