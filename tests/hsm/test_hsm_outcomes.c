/*
 * test_hsm_outcomes.c - what the host sees of a request before its commit must not tell how it
 * ended (spec 02 sections 13.4 and 17 items 2 and 15): sizes, and public-key work, which is what
 * takes time.
 *
 * The linker sends the multiplications of points through the counters below.
 */
#include "support/test.h"

#include <sodium.h>

#include "hsm/cluster.h"

#define REAL(name) __real_##name
#define WRAPPED(name) __wrap_##name

static unsigned multiplications;

int REAL(crypto_scalarmult_ristretto255)(unsigned char *q, const unsigned char *n,
                                         const unsigned char *p);
int WRAPPED(crypto_scalarmult_ristretto255)(unsigned char *q, const unsigned char *n,
                                            const unsigned char *p);
int REAL(crypto_scalarmult_ristretto255_base)(unsigned char *q, const unsigned char *n);
int WRAPPED(crypto_scalarmult_ristretto255_base)(unsigned char *q, const unsigned char *n);

int WRAPPED(crypto_scalarmult_ristretto255)(unsigned char *q, const unsigned char *n,
                                            const unsigned char *p)
{
    multiplications++;
    return REAL(crypto_scalarmult_ristretto255)(q, n, p);
}

int WRAPPED(crypto_scalarmult_ristretto255_base)(unsigned char *q, const unsigned char *n)
{
    multiplications++;
    return REAL(crypto_scalarmult_ristretto255_base)(q, n);
}

struct fixture {
    struct cluster *cluster;
    struct rind_group_id group;
    struct cluster_client client;
    struct rind_secrets_request register2;
};

/* Everything about a request that its host can measure before the commit; and the answer's size. */
struct seen {
    unsigned multiplications;
    size_t nodes_added;
    size_t nodes_removed;
    size_t leaf_size;
    size_t answer_size;
};

static struct seen ask(struct fixture *fixture, const struct rind_secrets_request *request,
                       struct rind_secrets_response *response)
{
    struct cluster *cluster = fixture->cluster;
    if (!fixture->client.has_session) {
        cluster_client_connect(cluster, 0, &fixture->group, &fixture->client);
    }
    struct rind_noise_request encrypted =
        cluster_client_seal(cluster, &fixture->client, cluster_encode_secrets(cluster, request));
    multiplications = 0;
    struct rind_hsm_app_response answer =
        cluster_app(cluster, 0, &fixture->group, &fixture->client, &encrypted);
    assert_int_equal(answer.kind, RIND_HSM_APP_OK);
    struct seen seen = {.multiplications = multiplications,
                        .nodes_added = answer.ok.delta.add.count,
                        .nodes_removed = answer.ok.delta.remove.count};
    for (size_t i = 0; i < answer.ok.delta.add.count; i++) {
        const struct rind_node *node = &answer.ok.delta.add.items[i].node;
        if (node->kind == RIND_NODE_LEAF) {
            seen.leaf_size = node->leaf.value.length;
        }
    }
    struct rind_mac mac = answer.ok.entry.entry_mac;
    assert_true(cluster_append(cluster, &fixture->group, &answer.ok.entry, &answer.ok.delta));
    struct rind_hsm_commit_response commit = cluster_commit(cluster, 0, &fixture->group);
    const struct rind_released_response *released = cluster_released(&commit, &mac);
    assert_non_null(released);
    seen.answer_size = released->response.transport.ciphertext.length;
    *response = cluster_client_open(cluster, &fixture->client, &released->response);
    return seen;
}

static int fixture_set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    fixture->cluster = cluster_new(1, 11);
    fixture->group = cluster_new_realm(fixture->cluster);
    assert_int_equal(cluster_commit(fixture->cluster, 0, &fixture->group).kind, RIND_HSM_COMMIT_OK);
    struct rind_record_id record = cluster_record(0x77);
    cluster_client_init(&fixture->client, 3, &record);
    fixture->register2 = cluster_register2(9, 2);
    struct rind_secrets_response response;
    (void)ask(fixture, &fixture->register2, &response);
    assert_int_equal(response.kind, RIND_SECRETS_RESPONSE_REGISTER2);
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

static void assert_same(struct seen a, struct seen b)
{
    assert_int_equal(a.multiplications, b.multiplications);
    assert_int_equal(a.nodes_added, b.nodes_added);
    assert_int_equal(a.nodes_removed, b.nodes_removed);
    assert_int_equal(a.leaf_size, b.leaf_size);
    assert_int_equal(a.answer_size, b.answer_size);
}

static void outcomes_cost_the_same_point_multiplications(void **state)
{
    struct fixture *fixture = *state;
    struct rind_secrets_response response;
    struct rind_secrets_request right = cluster_recover2(&fixture->register2);
    struct rind_secrets_request other = right;
    other.recover2.version[0] ^= 1;

    struct seen mismatch = ask(fixture, &other, &response);
    assert_int_equal(response.recover2.kind, RIND_RECOVER2_VERSION_MISMATCH);
    struct seen first = ask(fixture, &right, &response);
    assert_int_equal(response.recover2.kind, RIND_RECOVER2_OK);
    struct seen last = ask(fixture, &right, &response);
    assert_int_equal(response.recover2.kind, RIND_RECOVER2_OK);
    struct seen ended = ask(fixture, &right, &response);
    assert_int_equal(response.recover2.kind, RIND_RECOVER2_NO_GUESSES);
    struct seen after = ask(fixture, &right, &response);
    assert_int_equal(response.recover2.kind, RIND_RECOVER2_NO_GUESSES);

    assert_true(first.multiplications >= 3); /* the evaluation and its proof */
    assert_int_equal(first.leaf_size, 790);
    assert_same(first, mismatch);
    assert_same(first, last);
    assert_same(first, ended);
    assert_same(first, after);
}

static void right_and_wrong_tags_look_alike(void **state)
{
    struct fixture *fixture = *state;
    struct rind_secrets_response response;
    struct rind_secrets_request recover2 = cluster_recover2(&fixture->register2);
    struct rind_secrets_request right = cluster_recover3(&fixture->register2);
    struct rind_secrets_request wrong = right;
    wrong.recover3.unlock_key_tag[15] ^= 1;
    struct rind_secrets_request other = right;
    other.recover3.version[15] ^= 1;

    (void)ask(fixture, &recover2, &response);
    struct seen good = ask(fixture, &right, &response);
    assert_int_equal(response.recover3.kind, RIND_RECOVER3_OK);
    struct seen mismatch = ask(fixture, &other, &response);
    assert_int_equal(response.recover3.kind, RIND_RECOVER3_VERSION_MISMATCH);
    (void)ask(fixture, &recover2, &response);
    struct seen bad = ask(fixture, &wrong, &response);
    assert_int_equal(response.recover3.kind, RIND_RECOVER3_BAD_UNLOCK_KEY_TAG);
    (void)ask(fixture, &recover2, &response);
    struct seen ending = ask(fixture, &wrong, &response); /* no guess is left: it ends here */
    assert_int_equal(response.recover3.kind, RIND_RECOVER3_BAD_UNLOCK_KEY_TAG);
    struct seen ended = ask(fixture, &right, &response);
    assert_int_equal(response.recover3.kind, RIND_RECOVER3_NO_GUESSES);

    assert_int_equal(good.answer_size, 472 + 16);
    assert_same(good, mismatch);
    assert_same(good, bad);
    assert_same(good, ending);
    assert_same(good, ended);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(outcomes_cost_the_same_point_multiplications,
                                        fixture_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(right_and_wrong_tags_look_alike, fixture_set_up,
                                        fixture_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
