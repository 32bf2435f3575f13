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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_user_registers_recovers_and_deletes, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
