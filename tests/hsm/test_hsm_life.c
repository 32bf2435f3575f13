/* test_hsm_life.c - a realm from its birth to a recovered secret, with a group of each size. */
#include "support/test.h"

#include "hsm/cluster.h"

static void a_secret_is_registered_and_recovered_in_a_group_of(unsigned size)
{
    struct cluster *cluster = cluster_new(size, 1000 + size);
    struct rind_group_id group = cluster_new_realm_and_group(cluster);
    struct cluster_client client;
    struct rind_record_id record = cluster_record(0x77);
    cluster_client_init(&client, 1, &record);

    struct rind_secrets_request request = cluster_simple(RIND_SECRETS_REQUEST_RECOVER1);
    struct rind_secrets_response response =
        cluster_client_ask(cluster, 0, &group, &client, &request);
    assert_int_equal(response.recover1.kind, RIND_RECOVER1_NOT_REGISTERED);

    struct rind_secrets_request registration = cluster_register2(7, 2);
    response = cluster_client_ask(cluster, 0, &group, &client, &registration);
    assert_int_equal(response.kind, RIND_SECRETS_RESPONSE_REGISTER2);

    response = cluster_client_ask(cluster, 0, &group, &client, &request);
    assert_int_equal(response.recover1.kind, RIND_RECOVER1_OK);
    assert_memory_equal(response.recover1.ok.version, registration.register2.version, 16);

    request = cluster_recover2(&registration);
    response = cluster_client_ask(cluster, 0, &group, &client, &request);
    assert_int_equal(response.recover2.kind, RIND_RECOVER2_OK);
    assert_int_equal(response.recover2.ok.guess_count, 1);
    assert_int_equal(response.recover2.ok.num_guesses, 2);

    request = cluster_recover3(&registration);
    response = cluster_client_ask(cluster, 0, &group, &client, &request);
    assert_int_equal(response.recover3.kind, RIND_RECOVER3_OK);
    assert_memory_equal(response.recover3.ok.encrypted_secret,
                        registration.register2.encrypted_secret, 145);
    cluster_free(cluster);
}

static void a_secret_is_registered_and_recovered_in_a_group_of_each_size(void **state)
{
    (void)state;
    for (unsigned size = 1; size <= 9; size++) {
        a_secret_is_registered_and_recovered_in_a_group_of(size);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_secret_is_registered_and_recovered_in_a_group_of_each_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
