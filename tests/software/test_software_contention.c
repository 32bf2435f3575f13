/* test_software_contention.c - requests at once on one record never give an extra guess, on each
 * engine; and what a conflicting write is answered with (05 sections 13.4 and 15). */
#include <pthread.h>
#include <sodium.h>
#include <string.h>

#include "realm.h"

#define CLIENTS 12u
#define REQUESTS 4u
#define GUESSES 20u

static int open_memory(void **state)
{
    static struct realm realm;
    realm_open(&realm, REALM_MEMORY);
    *state = &realm;
    return 0;
}

static int open_lmdb(void **state)
{
    static struct realm realm;
    realm_open(&realm, REALM_LMDB);
    *state = &realm;
    return 0;
}

static int close_realm(void **state)
{
    realm_close(*state);
    return 0;
}

struct client {
    const struct realm *realm;
    pthread_t thread;
    uint16_t counts[REQUESTS]; /* of guesses, as answered; 0: none */
    unsigned refusals;         /* 500: somebody else was faster too often */
};

static void *client_run(void *self)
{
    struct client *client = self;
    const struct rind_secrets_request request = realm_recover2();
    for (size_t i = 0; i < REQUESTS; i++) {
        struct realm_answer answer;
        realm_ask(client->realm, &request, &answer);
        if (answer.status != 200) {
            client->refusals++;
            continue;
        }
        struct rind_secrets_response response = realm_response(&answer);
        if (response.recover2.kind == RIND_RECOVER2_OK) {
            client->counts[i] = response.recover2.ok.guess_count;
        }
    }
    return NULL;
}

static void guesses_at_once_are_each_counted(void **state)
{
    struct realm *realm = *state;
    static struct client clients[CLIENTS];
    unsigned seen[GUESSES + 1] = {0};
    unsigned answered = 0;
    unsigned refused = 0;
    memset(clients, 0, sizeof(clients));
    realm_register(realm, GUESSES);
    for (size_t i = 0; i < CLIENTS; i++) {
        clients[i].realm = realm;
        assert_int_equal(pthread_create(&clients[i].thread, NULL, client_run, &clients[i]), 0);
    }
    for (size_t i = 0; i < CLIENTS; i++) {
        assert_int_equal(pthread_join(clients[i].thread, NULL), 0);
        refused += clients[i].refusals;
        for (size_t n = 0; n < REQUESTS; n++) {
            uint16_t count = clients[i].counts[n];
            assert_true(count <= GUESSES);
            seen[count]++;
            answered += count > 0 ? 1 : 0;
        }
    }
    for (size_t count = 1; count <= GUESSES; count++) {
        assert_true(seen[count] <= 1); /* no two requests shared a guess */
    }
    /* More were sent than there are guesses: unless some were refused, all were used. */
    assert_true(answered + refused >= GUESSES);
    struct realm_answer answer;
    const struct rind_secrets_request recover1 = {.kind = RIND_SECRETS_REQUEST_RECOVER1};
    realm_ask(realm, &recover1, &answer);
    assert_int_equal(realm_response(&answer).recover1.kind,
                     answered == GUESSES ? RIND_RECOVER1_NO_GUESSES : RIND_RECOVER1_OK);
}

/* ---- somebody else in between, for sure ---- */

/* Another process of the realm, which uses a guess just before a write of ours. */
struct rival {
    struct realm *realm;
    unsigned times; /* how often it is faster */
};

static void rival_guess(void *self, unsigned n)
{
    struct rival *rival = self;
    uint8_t memory[8192];
    struct rind_arena arena;
    struct rind_ctx ctx;
    struct rind_record_id record;
    struct rind_software_row row;
    if (n > rival->times) {
        return;
    }
    rind_arena_init(&arena, memory, sizeof(memory));
    rind_ctx_init(&ctx, &arena);
    rind_record_id_derive_software(rind_slice_text(REALM_TENANT), rind_slice_text(REALM_USER),
                                   &record);
    struct rind_store *store = rival->realm->store;
    assert_true(rind_is_ok(rind_store_software_read(&ctx, store, &rival->realm->id, &record,
                                                    rind_deadline_in_ms(10000), &row)));
    struct rind_registration_state state;
    assert_true(
        rind_is_ok(rind_wire_decode_whole(&ctx, &rind_software_record_schema, row.value, &state)));
    state.registered.guess_count++;
    struct rind_slice value;
    char old_column[24];
    char new_column[24];
    assert_true(
        rind_is_ok(rind_wire_encode_alloc(&ctx, &rind_software_record_schema, &state, &value)));
    (void)snprintf(old_column, sizeof(old_column), "%llu", (unsigned long long)row.version);
    (void)snprintf(new_column, sizeof(new_column), "%llu", (unsigned long long)row.version + 1);
    const struct rind_mutation mutations[2] = {{.kind = RIND_MUTATION_DELETE_FAMILY, .family = 'f'},
                                               {.kind = RIND_MUTATION_SET_CELL,
                                                .family = 'f',
                                                .qualifier = rind_slice_text(new_column),
                                                .value = value}};
    char key[65];
    rind_hex_encode(rind_record_id_slice(&record), key);
    const struct rind_test_and_write write = {
        .table = rind_table_of_realm(RIND_TABLE_SOFTWARE, &rival->realm->id),
        .key = rind_slice_text(key),
        .condition = {.kind = RIND_CONDITION_COLUMN_EXISTS,
                      .qualifier = rind_slice_text(old_column)},
        .when_true = mutations,
        .when_true_count = 2};
    bool was_true;
    assert_true(rind_is_ok(rind_engine_test_and_write(&ctx, rival->realm->fault.below, &write,
                                                      rind_deadline_in_ms(10000), &was_true)));
    assert_true(was_true);
}

static void rival_set(struct rival *rival, struct realm *realm, unsigned times)
{
    *rival = (struct rival){realm, times};
    fault_engine_set(&realm->fault, FAULT_TEST, FAULT_NONE, 1, 0, RIND_E_IO);
    realm->fault.before = rival_guess;
    realm->fault.before_self = rival;
}

static void a_conflicting_write_is_made_again_on_what_is_there(void **state)
{
    struct realm *realm = *state;
    struct rival rival;
    struct realm_answer answer;
    const struct rind_secrets_request request = realm_recover2();
    realm_register(realm, 10);
    rival_set(&rival, realm, 3);
    realm_ask(realm, &request, &answer);
    assert_int_equal(realm_response(&answer).recover2.ok.guess_count, 4);
    assert_int_equal(atomic_load(&realm->fault.calls[FAULT_TEST]), 4);
}

static void the_last_guess_is_not_given_twice(void **state)
{
    struct realm *realm = *state;
    struct rival rival;
    struct realm_answer answer;
    const struct rind_secrets_request request = realm_recover2();
    realm_register(realm, 1);
    rival_set(&rival, realm, 1); /* takes the only guess after we have read that there is one */
    realm_ask(realm, &request, &answer);
    assert_int_equal(realm_response(&answer).recover2.kind, RIND_RECOVER2_NO_GUESSES);
}

static void conflicts_without_end_are_an_error_and_answer_nothing(void **state)
{
    struct realm *realm = *state;
    struct rival rival;
    struct realm_answer answer;
    const struct rind_secrets_request request = realm_recover2();
    realm_register(realm, 100);
    rival_set(&rival, realm, UINT32_MAX);
    realm_ask(realm, &request, &answer);
    assert_int_equal(answer.status, 500);
    assert_true(realm_body_is(&answer, "Error writing to record store"));
    rival_set(&rival, realm, 0);
    realm_ask(realm, &request, &answer);
    /* Only the rival's were counted: eight tries, and this one. */
    assert_int_equal(realm_response(&answer).recover2.ok.guess_count, 9);
}

int main(void)
{
    static const struct CMUnitTest cases[] = {
        cmocka_unit_test_setup_teardown(guesses_at_once_are_each_counted, open_memory, close_realm),
        cmocka_unit_test_setup_teardown(a_conflicting_write_is_made_again_on_what_is_there,
                                        open_memory, close_realm),
        cmocka_unit_test_setup_teardown(the_last_guess_is_not_given_twice, open_memory,
                                        close_realm),
        cmocka_unit_test_setup_teardown(conflicts_without_end_are_an_error_and_answer_nothing,
                                        open_memory, close_realm),
    };
    static const struct CMUnitTest lmdb_cases[] = {
        cmocka_unit_test_setup_teardown(guesses_at_once_are_each_counted, open_lmdb, close_realm),
        cmocka_unit_test_setup_teardown(a_conflicting_write_is_made_again_on_what_is_there,
                                        open_lmdb, close_realm),
        cmocka_unit_test_setup_teardown(the_last_guess_is_not_given_twice, open_lmdb, close_realm),
    };
    if (sodium_init() < 0) {
        return 1;
    }
    return cmocka_run_group_tests_name("memory", cases, NULL, NULL) +
           cmocka_run_group_tests_name("lmdb", lmdb_cases, NULL, NULL);
}
