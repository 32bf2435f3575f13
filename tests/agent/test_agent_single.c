/* test_agent_single.c - one agent with its core: a realm's whole life without peers. */
#include "support/test.h"

#include "agent/realm.h"

struct fixture {
    struct realm *realm;
    struct cluster *users;
    struct rind_group_id group;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    fixture->realm = realm_new(1);
    fixture->users = cluster_new(1, 7);
    realm_start(fixture->realm, 0, false);
    fixture->group = realm_create(fixture->realm);
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

static enum rind_agent_app_response_kind ask(struct fixture *fixture, struct cluster_client *client,
                                             const struct rind_secrets_request *request,
                                             struct rind_secrets_response *response)
{
    return realm_ask(fixture->realm, fixture->users, 0, &fixture->group, client, request, response);
}

static void register_user(struct fixture *fixture, struct cluster_client *client,
                          const struct rind_secrets_request *register2)
{
    struct rind_secrets_request register1 = cluster_simple(RIND_SECRETS_REQUEST_REGISTER1);
    assert_int_equal(ask(fixture, client, &register1, NULL), RIND_AGENT_APP_OK);
    assert_int_equal(ask(fixture, client, register2, NULL), RIND_AGENT_APP_OK);
}

static void a_user_registers_recovers_and_deletes(void **state)
{
    struct fixture *fixture = *state;
    struct cluster_client client;
    struct rind_record_id record = cluster_record(5);
    cluster_client_init(&client, 3, &record);
    struct rind_secrets_request register2 = cluster_register2(9, 2);
    register_user(fixture, &client, &register2);

    struct rind_secrets_request recover1 = cluster_simple(RIND_SECRETS_REQUEST_RECOVER1);
    struct rind_secrets_request recover2 = cluster_recover2(&register2);
    struct rind_secrets_request recover3 = cluster_recover3(&register2);
    struct rind_secrets_response response;
    assert_int_equal(ask(fixture, &client, &recover1, &response), RIND_AGENT_APP_OK);
    assert_int_equal(response.recover1.kind, RIND_RECOVER1_OK);
    assert_int_equal(ask(fixture, &client, &recover2, &response), RIND_AGENT_APP_OK);
    assert_int_equal(response.recover2.kind, RIND_RECOVER2_OK);
    assert_int_equal(response.recover2.ok.guess_count, 1);
    assert_int_equal(ask(fixture, &client, &recover3, &response), RIND_AGENT_APP_OK);
    assert_int_equal(response.recover3.kind, RIND_RECOVER3_OK);

    struct rind_secrets_request delete = cluster_simple(RIND_SECRETS_REQUEST_DELETE);
    assert_int_equal(ask(fixture, &client, &delete, NULL), RIND_AGENT_APP_OK);
    assert_int_equal(ask(fixture, &client, &recover1, &response), RIND_AGENT_APP_OK);
    assert_int_equal(response.recover1.kind, RIND_RECOVER1_NOT_REGISTERED);
    /* registered, guess_used, share_recovered, deleted */
    assert_int_equal(fixture->realm->nodes[0].events.published, 4);
}

#define THREADS 8u
#define ROUNDS 6u

struct worker {
    struct fixture *fixture;
    struct cluster *users; /* its own memory */
    unsigned number;
    unsigned done;
    struct rind_thread thread;
};

static bool worker_asks(struct worker *worker, struct cluster_client *client,
                        const struct rind_secrets_request *request)
{
    return realm_ask(worker->fixture->realm, worker->users, 0, &worker->fixture->group, client,
                     request, NULL) == RIND_AGENT_APP_OK;
}

/* Registers and recovers over and over; asserts nothing, for cmocka belongs to the main thread. */
static void worker_run(void *self)
{
    struct worker *worker = self;
    struct rind_record_id record = cluster_record((uint8_t)(1 + 20 * worker->number));
    struct rind_secrets_request register1 = cluster_simple(RIND_SECRETS_REQUEST_REGISTER1);
    struct rind_secrets_request recover1 = cluster_simple(RIND_SECRETS_REQUEST_RECOVER1);
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct rind_secrets_request register2 = cluster_register2(round, 3);
        struct rind_secrets_request recover2 = cluster_recover2(&register2);
        struct rind_secrets_request recover3 = cluster_recover3(&register2);
        struct cluster_client client;
        record.bytes[31] = (uint8_t)round;
        cluster_client_init(&client, 100 * worker->number + round + 1, &record);
        worker->done += worker_asks(worker, &client, &register1) &&
                                worker_asks(worker, &client, &register2) &&
                                worker_asks(worker, &client, &recover1) &&
                                worker_asks(worker, &client, &recover2) &&
                                worker_asks(worker, &client, &recover3)
                            ? 1
                            : 0;
        cluster_reset(worker->users);
    }
}

static void many_users_are_served_at_once(void **state)
{
    struct fixture *fixture = *state;
    struct worker workers[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i] =
            (struct worker){.fixture = fixture, .users = cluster_new(1, 10 + i), .number = i};
        assert_true(rind_is_ok(rind_thread_start(&fixture->realm->ctx, &workers[i].thread, "worker",
                                                 worker_run, &workers[i])));
    }
    for (unsigned i = 0; i < THREADS; i++) {
        rind_thread_join(&workers[i].thread);
        assert_int_equal(workers[i].done, ROUNDS);
        cluster_free(workers[i].users);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_user_registers_recovers_and_deletes, setup, teardown),
        cmocka_unit_test_setup_teardown(many_users_are_served_at_once, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
